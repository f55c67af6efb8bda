//go:build apiserver

package apiserver

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
)

// scenarios are what the operator does in its life, each with a running operator.
var scenarios = map[string]func(t *testing.T, m *machinery){
	"job":                 jobScenario,
	"session":             sessionScenario,
	"failing job":         failureScenario,
	"external savepoints": externalSavepointsScenario,
}

func runScenarios(t *testing.T, m *machinery) {
	t.Helper()
	for name, scenario := range scenarios {
		t.Run(name, func(t *testing.T) { scenario(t, m) })
	}
}

// jobScenario is the life of a job: it runs, has savepoints taken, loses its JobManager, is edited, and is cancelled.
func jobScenario(t *testing.T, m *machinery) {
	const name = "life"
	applyManifest(t, m.namespace, countingJob(name))
	m.waitForSettled(t, name)
	cluster := m.control(t, name, v1beta1.ControlSavepoint)
	require.Equal(t, v1beta1.ControlStateSucceeded, cluster.Status.Control.State, cluster.Status.Control.Message)
	savepoint := cluster.Status.Components.Job.SavepointLocation
	require.True(t, strings.HasPrefix(savepoint, "file:/savepoints/"), savepoint)

	// Its JobManager's pod is deleted: the next run starts from the savepoint.
	first := cluster.Status.Components.Job
	kubectl(t, "--namespace", m.namespace, "delete", "pod", "--wait=false", "--selector", "cluster="+name+",component=jobmanager")
	cluster = m.waitFor(t, name, "the next run", func(cluster *v1beta1.FlinkCluster) bool {
		job := cluster.Status.Components.Job
		return job.Attempt == first.Attempt+1 && job.State == v1beta1.JobStateRunning
	})
	require.Equal(t, savepoint, cluster.Status.Components.Job.FromSavepoint)
	require.Equal(t, []flinktest.Start{{JobID: cluster.Status.Components.Job.ID, RestorePath: savepoint}}, m.jobManager(t, name).Ledger().Starts)
	m.waitForSettled(t, name)

	editScenario(t, m, name)

	cluster = m.control(t, name, v1beta1.ControlJobCancel)
	require.Equal(t, v1beta1.ControlStateSucceeded, cluster.Status.Control.State, cluster.Status.Control.Message)
	require.EqualValues(t, 2, cluster.Status.Components.Job.SavepointGeneration)
	m.waitFor(t, name, "to be taken down by its cleanup policy", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.State == v1beta1.ClusterStateStopped
	})
	deleteCluster(t, m, name)
}

// editScenario scales, and asks for an upgrade, which is refused and taken back.
func editScenario(t *testing.T, m *machinery, name string) {
	kubectl(t, "--namespace", m.namespace, "scale", "flinkcluster", name, "--replicas=3")
	m.waitForTaskManagers(t, name, 3)
	before := m.waitForSettled(t, name).Status.Components.Job

	cluster := askForUpgrade(t, m, name)
	require.Equal(t, before.ID, cluster.Status.Components.Job.ID)
	require.Equal(t, v1beta1.JobStateRunning, cluster.Status.Components.Job.State)

	kubectl(t, "--namespace", m.namespace, "patch", "fc", name, "--type=merge", "--patch", `{"spec": {"job": {"args": null}}}`)
	m.waitFor(t, name, "the spec to be in force again", specValidIs(metav1.ConditionTrue))
	require.Equal(t, before.ID, m.waitForSettled(t, name).Status.Components.Job.ID)
}

// askForUpgrade makes an edit that needs an upgrade, and waits for its refusal.
func askForUpgrade(t *testing.T, m *machinery, name string) *v1beta1.FlinkCluster {
	t.Helper()
	kubectl(t, "--namespace", m.namespace, "patch", "fc", name, "--type=merge", "--patch", `{"spec": {"job": {"args": ["--faster"]}}}`)
	cluster := m.waitFor(t, name, "the refusal of an upgrade", specValidIs(metav1.ConditionFalse))
	condition := meta.FindStatusCondition(cluster.Status.Conditions, v1beta1.ConditionSpecValid)
	require.Equal(t, lifecycle.ReasonUpgradeNotSupported, condition.Reason)
	require.Contains(t, condition.Message, "spec.job.args")
	return cluster
}

func specValidIs(wanted metav1.ConditionStatus) func(*v1beta1.FlinkCluster) bool {
	return func(cluster *v1beta1.FlinkCluster) bool {
		condition := meta.FindStatusCondition(cluster.Status.Conditions, v1beta1.ConditionSpecValid)
		return condition != nil && condition.Status == wanted && condition.ObservedGeneration == cluster.Generation
	}
}

func sessionScenario(t *testing.T, m *machinery) {
	const name = "session"
	applyManifest(t, m.namespace, minimalSession(name))
	cluster := m.waitForSettled(t, name)
	require.Nil(t, cluster.Status.Components.Job)
	cluster = m.control(t, name, v1beta1.ControlSavepoint)
	require.Equal(t, v1beta1.ControlStateFailed, cluster.Status.Control.State)
	kubectl(t, "--namespace", m.namespace, "patch", "fc", name, "--type=merge", "--patch", `{"spec": {"taskManager": {"replicas": 1}}}`)
	m.waitForTaskManagers(t, name, 1)
	deleteCluster(t, m, name)
}

// failureScenario: a job whose JobManager ends badly stays failed by its policy, for a reason that a person can read.
func failureScenario(t *testing.T, m *machinery) {
	const name = "failing"
	applyManifest(t, m.namespace, minimalJob(name))
	m.waitForSettled(t, name)
	m.crashJobManager(t, name, 2, "java.lang.ClassNotFoundException: com.example.Job")
	cluster := m.waitForJob(t, name, v1beta1.JobStateFailed)
	require.Contains(t, strings.Join(cluster.Status.Components.Job.FailureReasons, "\n"), "com.example.Job")
	// The reason is in the events too.
	eventually(t, waitLimit, "the event", func(ctx context.Context) (bool, any) {
		events, _, err := server.Kubectl(ctx, "", "--namespace", m.namespace, "events", "--for", "flinkcluster/"+name)
		return err == nil && strings.Contains(events, "com.example.Job"), events
	})
	deleteCluster(t, m, name)
}

// externalSavepointsScenario has two savepoints taken past the operator, so close that it notices both at once.
func externalSavepointsScenario(t *testing.T, m *machinery) {
	const name = "external"
	applyManifest(t, m.namespace, countingJob(name))
	job := m.waitForSettled(t, name).Status.Components.Job
	client := &http.Client{Transport: m.network}
	base := "http://" + m.host(name) + "/jobs/" + job.ID + "/savepoints"
	for _, triggerID := range []string{strings.Repeat("a", 32), strings.Repeat("b", 32)} {
		body := strings.NewReader(`{"target-directory": "file:///elsewhere", "triggerId": "` + triggerID + `"}`)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base, body)
		require.NoError(t, err)
		response, err := client.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusAccepted, response.StatusCode)
	}
	for _, triggerID := range []string{strings.Repeat("a", 32), strings.Repeat("b", 32)} {
		m.jobManager(t, name).CompleteOperation(job.ID, triggerID)
	}
	cluster := m.control(t, name, v1beta1.ControlSavepoint)
	require.Equal(t, v1beta1.ControlStateSucceeded, cluster.Status.Control.State, cluster.Status.Control.Message)
	cluster = m.waitFor(t, name, "three savepoints", func(cluster *v1beta1.FlinkCluster) bool { return len(cluster.Status.SavepointHistory) == 3 })
	require.EqualValues(t, 1, cluster.Status.Components.Job.SavepointGeneration)
	deleteCluster(t, m, name)
}

// deleteCluster deletes a cluster and waits until nothing is left of it.
func deleteCluster(t *testing.T, m *machinery, name string) {
	t.Helper()
	kubectl(t, "--namespace", m.namespace, "delete", "fc", name)
	eventually(t, waitLimit, "nothing to be left of "+name, func(context.Context) (bool, any) {
		left := m.owned()
		return len(left) == 0, left
	})
}
