//go:build cluster

package cluster

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// TestRollback makes an upgrade whose main method fails. The job goes on from exactly where it was, with the spec of before, and
// a person can read what happened.
func TestRollback(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("counter", flinkcluster.Pace(paceMillis)...)
	wanted.Spec.Rollback = &v1beta1.RollbackSpec{Enabled: true, ReadinessSeconds: new(int32(60))}
	// Going back replaces restarting.
	wanted.Spec.Job.RestartPolicy = v1beta1.RestartPolicyNever
	job := namespace.Create(t, wanted)
	first := job.AwaitRunning(t, 1).Status.Components.Job
	stable := job.Await(t, "a stable revision", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Revision.Stable == cluster.Status.Revision.Current
	}).Status.Revision.Current
	reached := progress{count: job.AwaitCount(t, first.ID, 1000)}

	edited := job.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.ClassName = flinkcluster.BrokenClass })
	namespace.Kubectl(t, "wait", "--for=jsonpath={.status.lifecycle}=RolledBack", "flinkcluster/"+job.Name, "--timeout=3m")
	after := job.Get(t)
	status, revision := after.Status.Components.Job, after.Status.Revision
	require.EqualValues(t, 3, status.Attempt)
	requireContinuedFromStop(t, job, after, reached)
	require.Equal(t, stable, revision.Current)
	require.Equal(t, stable, revision.Stable)
	require.NotEmpty(t, revision.Failed)
	require.Empty(t, revision.Next)
	require.Contains(t, revision.FailureReason, "this job is broken on purpose")
	require.Equal(t, edited.Generation, after.Status.ObservedGeneration)
	require.Zero(t, status.RestartCount)
	ready := meta.FindStatusCondition(after.Status.Conditions, v1beta1.ConditionReady)
	require.Equal(t, metav1.ConditionTrue, ready.Status)
	require.Less(t, ready.ObservedGeneration, edited.Generation, "who waits for the edit is told that it is ready")
	job.AwaitEvent(t, v1beta1.EventUpgradeFailed, "this job is broken on purpose")
	job.AwaitEvent(t, v1beta1.EventRolledBack, stable)
	told := namespace.Kubectl(t, "describe", "flinkcluster", job.Name)
	for _, text := range []string{"RolledBack", revision.Failed, "this job is broken on purpose", "spec.job.className"} {
		assert.Contains(t, told, text)
	}

	// What failed is not tried again; another spec is, and the job goes on.
	reached = progress{count: job.AwaitCount(t, status.ID, reached.count+500)}
	require.EqualValues(t, 3, job.Get(t).Status.Components.Job.Attempt)
	upgraded := upgrade(t, job, func(cluster *v1beta1.FlinkCluster) {
		cluster.Spec.Job.ClassName = ""
		withArguments(flinkcluster.Pace(paceMillis + 1)...)(cluster)
	})
	requireContinuedFromStop(t, job, upgraded, reached)
	require.Empty(t, upgraded.Status.Revision.Failed)
	requireOnePodPerRun(t, job, 4)
	job.DeleteAll(t)
}
