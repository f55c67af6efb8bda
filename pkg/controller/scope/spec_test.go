package scope_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// untilSpec waits until the whole spec of the present generation is in force, or is said not to be.
func untilSpec(w *world.World, valid metav1.ConditionStatus) {
	w.Until("a", "judged: SpecValid is "+string(valid), func(cluster *v1beta1.FlinkCluster) bool {
		condition := findCondition(cluster, v1beta1.ConditionSpecValid)
		return condition != nil && condition.Status == valid && condition.ObservedGeneration == cluster.Generation &&
			cluster.Status.ObservedGeneration == cluster.Generation
	})
}

// A wrong spec starts nothing, says why, and starts as soon as it is corrected.
func TestBadSpecThenFixed(t *testing.T) {
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		w.StartOperator()
		w.Apply(jobCluster(builders.Job(func(job *v1beta1.JobSpec) { job.JarFile = "https://example.com/job.jar" })))
		untilSpec(w, metav1.ConditionFalse)
		require.Contains(t, findCondition(w.Cluster("a"), v1beta1.ConditionSpecValid).Message, "spec.job.jarFile")
		requireSettles(t, w)
		require.Empty(t, w.Children())
		require.Contains(t, w.EventReasons(), v1beta1.EventSpecInvalid)

		w.Edit("a", builders.Job(func(job *v1beta1.JobSpec) { job.JarFile = "/opt/job.jar" }))
		w.UntilRunning("a", 1)
		untilSpec(w, metav1.ConditionTrue)
	})
}

// A wrong edit of a running cluster touches nothing that runs, and does not stop savepoints and recovery.
func TestBadEditOfARunningCluster(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		children := w.Children()
		w.Edit("a", builders.Job(func(job *v1beta1.JobSpec) { job.JarFile = "https://example.com/job.jar" }))
		untilSpec(w, metav1.ConditionFalse)
		require.Equal(t, "Invalid", findCondition(w.Cluster("a"), v1beta1.ConditionSpecValid).Reason)
		w.Annotate("a", v1beta1.ControlSavepoint)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		require.Equal(t, children, w.Children())
		failJob(w)
		w.UntilRunning("a", 2)
		require.Equal(t, w.Job("a").SavepointLocation, w.Ledger().Starts[1].RestorePath)
		w.Edit("a", builders.Job(func(job *v1beta1.JobSpec) { job.JarFile = "/opt/flink/usrlib/job.jar" }))
		untilSpec(w, metav1.ConditionTrue)
		requireSettles(t, w)
		require.Len(t, w.Ledger().Starts, 2)
	}, builders.Restart(fromLatest))
}

// Live fields take effect at once and restart nothing.
func TestLiveEdits(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Edit("a", builders.TaskManagers(3))
		w.Until("a", "scaled up", func(c *v1beta1.FlinkCluster) bool { return c.Status.Components.TaskManager.Ready == "3/3" })
		w.Edit("a", builders.TaskManagers(1))
		w.Until("a", "scaled down", func(c *v1beta1.FlinkCluster) bool { return c.Status.Components.TaskManager.Ready == "1/1" })
		w.Edit("a", builders.SavepointsDir("file:/other"))
		w.Edit("a", builders.AutoSavepoint(60))
		untilGeneration(w, 1)
		require.Equal(t, "file:/other", w.Ledger().Savepoints[0].Directory)
		w.Edit("a", builders.Job(func(job *v1beta1.JobSpec) { job.AutoSavepointSeconds = nil }))
		w.Edit("a", keepCluster)
		w.Edit("a", builders.FromSavepoint("file:/savepoints/later"))
		untilSpec(w, metav1.ConditionTrue)
		requireSettles(t, w)
		require.Len(t, w.Ledger().Starts, 1)
		require.Len(t, w.Ledger().Savepoints, 1)
	}, builders.Job(func(job *v1beta1.JobSpec) { job.Parallelism = new(int32(1)) }))
}

// Values that are the defaults, written out or left out, are the same spec.
func TestSpellingOutDefaultsChangesNothing(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Settle(time.Minute)
		w.Edit("a", func(cluster *v1beta1.FlinkCluster) {
			cluster.Spec.Job.Mode = ""
			cluster.Spec.Job.RestartBackoff = nil
			cluster.Spec.JobManager = nil
			cluster.Spec.Image.PullPolicy = ""
		})
		untilSpec(w, metav1.ConditionTrue)
		require.Empty(t, w.Cluster("a").Status.Revision.Next)
	})
}
