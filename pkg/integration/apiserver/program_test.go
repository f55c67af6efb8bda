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
)

// scenarios are what the operator does in its life, each with a running operator.
var scenarios = map[string]func(t *testing.T, m *machinery){
	"job":                 jobScenario,
	"deletion":            deletionScenario,
	"session":             sessionScenario,
	"failing job":         failureScenario,
	"external savepoints": externalSavepointsScenario,
	"high availability":   highAvailabilityScenario,
}

func runScenarios(t *testing.T, m *machinery) {
	t.Helper()
	for name, scenario := range scenarios {
		t.Run(name, func(t *testing.T) { scenario(t, m) })
	}
}

// jobScenario is the life of a job: it runs, has savepoints taken, loses its JobManager, is upgraded, suspended and
// resumed, and is cancelled.
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
	suspendScenario(t, m, name)

	cluster = m.control(t, name, v1beta1.ControlJobCancel)
	require.Equal(t, v1beta1.ControlStateSucceeded, cluster.Status.Control.State, cluster.Status.Control.Message)
	// One was asked for, three upgrades and a suspension took one each, and so did the cancel.
	require.EqualValues(t, 6, cluster.Status.Components.Job.SavepointGeneration)
	m.waitFor(t, name, "to be taken down by its cleanup policy", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.State == v1beta1.ClusterStateStopped
	})
	deleteCluster(t, m, name)
}

// editScenario scales, and upgrades three times, with no revision of before to be kept: the third upgrade removes the first.
func editScenario(t *testing.T, m *machinery, name string) {
	kubectl(t, "--namespace", m.namespace, "scale", "flinkcluster", name, "--replicas=3")
	m.waitForTaskManagers(t, name, 3)
	before := m.waitForSettled(t, name).Status
	for i, arguments := range []string{"--fast", "--faster", "--fastest"} {
		m.patch(t, name, `{"spec": {"revisionHistoryLimit": 0, "job": {"args": ["`+arguments+`"]}}}`)
		m.waitFor(t, name, "the upgraded run", func(cluster *v1beta1.FlinkCluster) bool {
			job := cluster.Status.Components.Job
			return job.Attempt == before.Components.Job.Attempt+int32(i)+1 && job.State == v1beta1.JobStateRunning
		})
		settled := m.waitForSettled(t, name).Status
		require.Equal(t, settled.Components.Job.SavepointLocation, m.jobManager(t, name).Ledger().Starts[0].RestorePath)
		require.Equal(t, before.Components.Job.RestartCount, settled.Components.Job.RestartCount)
	}
	revisions, err := m.client.AppsV1().ControllerRevisions(m.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: v1beta1.LabelCluster + "=" + name})
	require.NoError(t, err)
	// The last one, the one that was in force when it was made, and the one that was stable then.
	require.Len(t, revisions.Items, 3)
	for _, revision := range revisions.Items {
		require.NotEqual(t, before.Revision.Current, revision.Name)
	}
}

// suspendScenario suspends the job, which leaves no pods, and resumes it.
func suspendScenario(t *testing.T, m *machinery, name string) {
	before := m.waitForSettled(t, name).Status.Components.Job
	m.patch(t, name, `{"spec": {"job": {"state": "suspended"}}}`)
	kubectl(t, "--namespace", m.namespace, "wait", "--for=jsonpath={.status.lifecycle}=Suspended", "fc/"+name, "--timeout=30s")
	pods, err := m.client.CoreV1().Pods(m.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: v1beta1.LabelCluster + "=" + name})
	require.NoError(t, err)
	require.Empty(t, pods.Items)
	m.patch(t, name, `{"spec": {"job": {"state": "running"}}}`)
	kubectl(t, "--namespace", m.namespace, "wait", "--for=condition=Ready", "fc/"+name, "--timeout=30s")
	resumed := m.waitForSettled(t, name).Status.Components.Job
	require.Equal(t, before.Attempt+1, resumed.Attempt)
	require.Equal(t, resumed.SavepointLocation, m.jobManager(t, name).Ledger().Starts[0].RestorePath)
}

// askForUpgrade makes an edit that needs an upgrade, which has to wait: it may take no savepoint, and none is recorded.
func askForUpgrade(t *testing.T, m *machinery, name string) {
	t.Helper()
	m.patch(t, name, `{"spec": {"job": {"args": ["--faster"], "takeSavepointOnUpdate": false}}}`)
	m.waitFor(t, name, "an upgrade that waits", func(cluster *v1beta1.FlinkCluster) bool {
		condition := meta.FindStatusCondition(cluster.Status.Conditions, v1beta1.ConditionDegraded)
		return condition.Status == metav1.ConditionTrue && condition.ObservedGeneration == cluster.Generation && cluster.Status.Revision.Next != "" &&
			strings.Contains(condition.Message, "spec.job.args") && strings.Contains(condition.Message, "takeSavepointOnUpdate")
	})
}

// patch merges a piece of JSON into a FlinkCluster.
func (m *machinery) patch(t *testing.T, name, change string) {
	t.Helper()
	kubectl(t, "--namespace", m.namespace, "patch", "fc", name, "--type=merge", "--patch", change)
}

func sessionScenario(t *testing.T, m *machinery) {
	const name = "session"
	applyManifest(t, m.namespace, minimalSession(name))
	cluster := m.waitForSettled(t, name)
	require.Nil(t, cluster.Status.Components.Job)
	cluster = m.control(t, name, v1beta1.ControlSavepoint)
	require.Equal(t, v1beta1.ControlStateFailed, cluster.Status.Control.State)
	m.patch(t, name, `{"spec": {"taskManager": {"replicas": 1}}}`)
	m.waitForTaskManagers(t, name, 1)
	m.patch(t, name, `{"spec": {"flinkProperties": {"taskmanager.numberOfTaskSlots": "2"}}}`)
	m.waitFor(t, name, "its upgrade", func(cluster *v1beta1.FlinkCluster) bool { return cluster.Status.Revision.Rollout == 1 })
	m.waitForSettled(t, name)
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
