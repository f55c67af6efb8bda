package scope_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

const (
	// directory is where savepoints go.
	directory = "file:/savepoints"
	// mostWrites is how many writes it may take from the apply to a running job.
	mostWrites = 12
)

// jobCluster is the cluster of most scenarios, named a.
func jobCluster(options ...builders.ClusterOption) *v1beta1.FlinkCluster {
	return builders.JobCluster("a", append([]builders.ClusterOption{
		builders.TaskManagers(1), builders.SavepointsDir(directory),
	}, options...)...)
}

// inRunningWorld runs a test in a world where one operator has brought up jobCluster.
func inRunningWorld(t *testing.T, test func(t *testing.T, w *world.World), options ...builders.ClusterOption) {
	t.Helper()
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		startJob(w, options...)
		test(t, w)
	})
}

// startJob has an operator bring up jobCluster.
func startJob(w *world.World, options ...builders.ClusterOption) *world.Operator {
	operator := w.StartOperator()
	w.Apply(jobCluster(options...))
	w.UntilRunning("a", 1)
	return operator
}

func TestCreateJob(t *testing.T) {
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		w.StartOperator()
		w.Apply(builders.JobCluster("a", builders.SavepointsDir(directory)))
		w.UntilRunning("a", 1)
		w.Settle(10 * time.Second)

		writes := w.Writes()
		t.Logf("%d writes from the apply to a running job:\n%s", len(writes), strings.Join(writes, "\n"))
		require.LessOrEqual(t, len(writes), mostWrites)

		status := w.Cluster("a").Status
		require.Equal(t, v1beta1.LifecycleRunning, status.Lifecycle)
		require.Equal(t, "2.1.3", status.FlinkVersion)
		require.True(t, meta.IsStatusConditionTrue(status.Conditions, v1beta1.ConditionReady))
		require.True(t, meta.IsStatusConditionFalse(status.Conditions, v1beta1.ConditionDegraded))
		require.Equal(t, "3/3", status.Components.TaskManager.Ready)
		require.Equal(t, []string{
			"ConfigMap/a-configmap", "ControllerRevision/" + status.Revision.Current, "Job/a-jobmanager", "Pod/a-jobmanager-1",
			"Pod/a-taskmanager-0", "Pod/a-taskmanager-1", "Pod/a-taskmanager-2", "Service/a-jobmanager", "StatefulSet/a-taskmanager",
		}, w.Children())
		require.Len(t, w.Ledger().Starts, 1)
		require.Equal(t, status.Components.Job.ID, w.Ledger().Starts[0].JobID)
		require.Equal(t, []v1beta1.EventReason{v1beta1.EventJobStarting, v1beta1.EventJobRunning}, w.EventReasons())
	})
}

func TestCreateJobFromSavepoint(t *testing.T) {
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		w.Storage.Put(directory+"/old", 7)
		startJob(w, builders.FromSavepoint(directory+"/old"))
		require.Equal(t, directory+"/old", w.Ledger().Starts[0].RestorePath)
		require.Equal(t, directory+"/old", w.Job("a").FromSavepoint)
		require.True(t, meta.IsStatusConditionFalse(w.Cluster("a").Status.Conditions, v1beta1.ConditionDegraded))
	})
}

func TestCreateSession(t *testing.T) {
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		w.StartOperator()
		w.Apply(builders.SessionCluster("a", builders.TaskManagers(2)))
		w.Until("a", "up", func(c *v1beta1.FlinkCluster) bool { return c.Status.State == v1beta1.ClusterStateRunning })
		w.Settle(10 * time.Second)
		writes := w.Writes()
		t.Logf("%d writes from the apply to a running session cluster:\n%s", len(writes), strings.Join(writes, "\n"))
		require.LessOrEqual(t, len(writes), mostWrites)

		status := w.Cluster("a").Status
		require.True(t, meta.IsStatusConditionTrue(status.Conditions, v1beta1.ConditionReady))
		require.Equal(t, "2.1.3", status.FlinkVersion)
		require.Equal(t, []string{
			"ConfigMap/a-configmap", "ControllerRevision/" + status.Revision.Current, "Pod/a-jobmanager-0", "Pod/a-taskmanager-0",
			"Pod/a-taskmanager-1", "Service/a-jobmanager", "StatefulSet/a-jobmanager", "StatefulSet/a-taskmanager",
		}, w.Children())
		requireQuiet(t, w, 10*time.Minute)

		w.ExitPod("a-jobmanager-0", world.OOMKilled)
		w.Until("a", "reconciling", func(c *v1beta1.FlinkCluster) bool { return c.Status.State == v1beta1.ClusterStateReconciling })
		w.Until("a", "up again", func(c *v1beta1.FlinkCluster) bool { return c.Status.State == v1beta1.ClusterStateRunning })
	})
}

// Many clusters at once do not get in each other's way.
func TestCreateSeveral(t *testing.T) {
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		w.StartOperator()
		names := []string{"a", "b", "c", "d"}
		for _, name := range names {
			w.Apply(builders.JobCluster(name, builders.TaskManagers(1), builders.SavepointsDir(directory)))
		}
		for _, name := range names {
			w.UntilRunning(name, 1)
			w.Annotate(name, v1beta1.ControlSavepoint)
		}
		for _, name := range names {
			untilControlled(w, name, v1beta1.ControlStateSucceeded)
		}
		require.Len(t, w.Ledger().Starts, len(names))
		require.Len(t, w.Ledger().Savepoints, len(names))
	})
}

// requireQuiet takes care that an operator makes no request of the API server for so long, but for watches.
func requireQuiet(t *testing.T, w *world.World, duration time.Duration) {
	t.Helper()
	w.ForgetCalls()
	w.Settle(duration)
	require.Empty(t, w.Calls(func(call world.Call) bool { return call.To == world.Kubernetes && !call.Watch }))
}
