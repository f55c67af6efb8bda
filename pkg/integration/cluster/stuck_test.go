//go:build cluster

package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// TestStuckUpgrade holds up an upgrade in its first step, a savepoint that does not end, and in its last, an image that does not
// exist. Within a minute a person reads which step it is, since when, and what it waits for. As soon as nothing is in its way
// any more, the job goes on from where it was stopped.
func TestStuckUpgrade(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("counter", flinkcluster.Pace(paceMillis)...)
	// Flink itself would give up a TaskManager that is silent, and the savepoint with it.
	wanted.Spec.FlinkProperties["heartbeat.timeout"] = "300000"
	job := namespace.Create(t, wanted)
	first := job.AwaitRunning(t, 1).Status.Components.Job
	image := wanted.Spec.Image.Name
	const missing = "localhost/flink-operator/no-such-image:1"

	reached := progress{count: job.AwaitCount(t, first.ID, 1000)}
	resume := job.PauseJava(t, job.OnlyPod(t, v1beta1.ComponentTaskManager))
	job.Edit(t, withImage(missing))
	requireTold(t, job, "the job is stopped with a savepoint")
	require.EqualValues(t, 1, job.Get(t).Status.Components.Job.Attempt)

	resume()
	job.Await(t, "the next run to be started", func(cluster *v1beta1.FlinkCluster) bool { return cluster.Status.Components.Job.Attempt == 2 })
	requireTold(t, job, "the next run starts", "pod counter-jobmanager-", "waits: ", missing)

	job.Edit(t, withImage(image))
	awaitReady(t, job)
	after := job.Get(t)
	require.EqualValues(t, 3, after.Status.Components.Job.Attempt)
	progressing := meta.FindStatusCondition(after.Status.Conditions, v1beta1.ConditionProgressing)
	require.Equal(t, metav1.ConditionFalse, progressing.Status, progressing.Message)
	requireSpecRuns(t, job, after)
	requireContinuedFromStop(t, job, after, reached)
	assert.Len(t, namespace.CompleteSavepoints(t), 1)
	job.DeleteAll(t)
}

// requireTold waits until the condition Progressing tells all that is wanted about an upgrade, and fails if that takes longer
// than a minute, or if kubectl describe does not tell it too.
func requireTold(t *testing.T, job *flinkcluster.Cluster, wanted ...string) {
	t.Helper()
	began := time.Now()
	var message string
	cluster := job.Await(t, "the condition to tell: "+strings.Join(wanted, ", "), func(cluster *v1beta1.FlinkCluster) bool {
		progressing := meta.FindStatusCondition(cluster.Status.Conditions, v1beta1.ConditionProgressing)
		message = progressing.Message
		return progressing.Status == metav1.ConditionTrue && tells(message, wanted)
	})
	require.Less(t, time.Since(began), time.Minute)
	require.Equal(t, v1beta1.LifecycleUpgrading, cluster.Status.Lifecycle)
	since := cluster.Status.Components.Job.Transition.StartTime.UTC().Format(time.RFC3339)
	require.Contains(t, message, "upgrade by savepoint since "+since+": "+wanted[0])
	told := job.Namespace.Kubectl(t, "describe", "flinkcluster", job.Name)
	// The kubelet may have another word for what a pod waits for by now.
	for _, text := range append(wanted, since) {
		require.Contains(t, told, text)
	}
}

func tells(message string, wanted []string) bool {
	for _, text := range wanted {
		if !strings.Contains(message, text) {
			return false
		}
	}
	return true
}
