package scope_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// untilControlled waits until a request by annotation has ended in a state and its annotation is gone.
func untilControlled(w *world.World, name string, state v1beta1.ControlState) {
	w.Until(name, "done with the user control: "+string(state), func(cluster *v1beta1.FlinkCluster) bool {
		_, annotated := cluster.Annotations[v1beta1.ControlAnnotation]
		control := cluster.Status.Control
		return !annotated && control != nil && control.State == state
	})
}

// untilGeneration waits until so many savepoints have succeeded.
func untilGeneration(w *world.World, generation int32) {
	w.Until("a", "at its savepoint", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Components.Job.SavepointGeneration == generation
	})
}

// requireSavepoint takes care that the last savepoint stands in the status as the guide says, and that it is the only
// one of the request.
func requireSavepoint(t *testing.T, w *world.World, generation int32, reason v1beta1.SavepointReason) {
	t.Helper()
	status, ledger := w.Cluster("a").Status, w.Ledger().Savepoints
	require.Len(t, ledger, int(generation))
	last := ledger[len(ledger)-1]
	require.Equal(t, directory, last.Directory)
	require.Equal(t, v1beta1.SavepointStateSucceeded, status.Savepoint.State)
	require.Equal(t, reason, status.Savepoint.TriggerReason)
	require.Equal(t, last.TriggerID, status.Savepoint.TriggerID)
	job := status.Components.Job
	require.Equal(t, generation, job.SavepointGeneration)
	require.Equal(t, last.Location, job.SavepointLocation)
	require.Equal(t, last.TriggerID, job.LastSavepointTriggerID)
	require.NotNil(t, job.LastSavepointTime)
	require.Equal(t, last.Location, status.SavepointHistory[0].Location)
	require.Len(t, status.SavepointHistory, int(generation))
	require.True(t, meta.IsStatusConditionTrue(status.Conditions, v1beta1.ConditionSavepointHealthy))
}

func TestSavepointByAnnotation(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		// Until its revision is stable: else the first savepoint would tell that, too.
		w.Settle(6 * time.Minute)
		w.ForgetCalls()
		w.Annotate("a", v1beta1.ControlSavepoint)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		requireSavepoint(t, w, 1, v1beta1.SavepointReasonUserRequested)
		cluster := w.Cluster("a")
		require.Equal(t, v1beta1.ControlSavepoint, cluster.Status.Control.Name)
		require.Equal(t, map[string]string{
			v1beta1.ControlDetailJobID:              cluster.Status.Components.Job.ID,
			v1beta1.ControlDetailSavepointTriggerID: cluster.Status.Savepoint.TriggerID,
		}, cluster.Status.Control.Details)
		// Requested, triggered, succeeded, control succeeded, annotation removed.
		require.Len(t, w.Writes(), 5)
		requireQuiet(t, w, 2*time.Minute)

		w.Annotate("a", v1beta1.ControlSavepoint)
		untilGeneration(w, 2)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		requireSavepoint(t, w, 2, v1beta1.SavepointReasonUserRequested)
		require.EqualValues(t, 2, w.Cluster("a").Status.Control.Request)
	})
}

// Flink is asked for a savepoint within milliseconds of the annotation.
func TestSavepointIsTriggeredAtOnce(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Settle(10 * time.Minute)
		w.Annotate("a", v1beta1.ControlSavepoint)
		took := w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
		require.Zero(t, took)
		took = w.Eventually("it stands in the status", func() bool { return w.Job("a").SavepointGeneration == 1 })
		require.LessOrEqual(t, took, world.SavepointTakes+300*time.Millisecond)
	})
}

func TestSavepointByGeneration(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Edit("a", builders.SavepointGeneration(1))
		untilGeneration(w, 1)
		requireSavepoint(t, w, 1, v1beta1.SavepointReasonUserRequested)
		requireQuiet(t, w, time.Minute)

		w.Edit("a", builders.SavepointGeneration(1))
		w.Settle(time.Minute)
		requireSavepoint(t, w, 1, v1beta1.SavepointReasonUserRequested)

		w.Edit("a", builders.SavepointGeneration(9))
		untilGeneration(w, 2)
		w.Settle(time.Minute)
		requireSavepoint(t, w, 2, v1beta1.SavepointReasonUserRequested) // a jump is one request
		w.Edit("a", builders.SavepointGeneration(3))
		untilGeneration(w, 3)
		w.Edit("a", builders.SavepointGeneration(2))
		w.Settle(time.Minute)
		requireSavepoint(t, w, 3, v1beta1.SavepointReasonUserRequested)
	})
}

func TestSavepointByNonce(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Settle(time.Minute)
		require.Empty(t, w.Ledger().Savepoints, "the value at creation does nothing")
		w.Edit("a", builders.SavepointTriggerNonce(3))
		untilGeneration(w, 1)
		requireSavepoint(t, w, 1, v1beta1.SavepointReasonUserRequested)
		w.Edit("a", builders.SavepointTriggerNonce(7))
		untilGeneration(w, 2)
		w.Settle(time.Minute)
		requireSavepoint(t, w, 2, v1beta1.SavepointReasonUserRequested)
	}, builders.SavepointTriggerNonce(7))
}

// Over an hour there are exactly as many as intervals, and the first is not taken at the start.
func TestSavepointsBySchedule(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		begin := time.Now()
		w.Settle(9*time.Minute + 50*time.Second)
		require.Empty(t, w.Ledger().Savepoints)
		w.Settle(time.Hour + 5*time.Minute - time.Since(begin))
		requireSavepoint(t, w, 6, v1beta1.SavepointReasonScheduled)

		// One by hand serves the schedule too.
		w.Annotate("a", v1beta1.ControlSavepoint)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		w.Settle(9 * time.Minute)
		requireSavepoint(t, w, 7, v1beta1.SavepointReasonUserRequested)
		w.Settle(2 * time.Minute)
		requireSavepoint(t, w, 8, v1beta1.SavepointReasonScheduled)
	}, builders.AutoSavepoint(600))
}

// An operator that was away makes up for what was missed with one savepoint.
func TestMissedSchedulesCoalesce(t *testing.T) {
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		operator := startJob(w, builders.AutoSavepoint(60))
		w.Settle(30 * time.Second)
		operator.Stop()
		w.Settle(10 * time.Minute)
		w.StartOperator()
		untilGeneration(w, 1)
		w.Settle(50 * time.Second)
		requireSavepoint(t, w, 1, v1beta1.SavepointReasonScheduled)
	})
}

// A second annotation while the first is served waits for its turn only if it asks for something else.
func TestTwoAnnotationsInARow(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.HoldSavepoints()
		w.Annotate("a", v1beta1.ControlSavepoint)
		w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
		w.Annotate("a", v1beta1.ControlSavepoint) // the same one still
		w.Settle(10 * time.Second)
		w.Annotate("a", v1beta1.ControlJobCancel)
		w.Settle(10 * time.Second)
		w.ReleaseSavepoints()
		w.UntilJob("a", v1beta1.JobStateCancelled)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		require.Len(t, w.Ledger().Savepoints, 2)
		require.Len(t, w.Ledger().Stops, 1)
		control := w.Cluster("a").Status.Control
		require.Equal(t, v1beta1.ControlJobCancel, control.Name)
		require.EqualValues(t, 2, control.Request)
	})
}

// An annotation while a scheduled savepoint runs gets a savepoint of its own.
func TestAnnotationWhileAnotherSavepointRuns(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.HoldSavepoints()
		w.Edit("a", builders.SavepointGeneration(1))
		w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
		w.Annotate("a", v1beta1.ControlSavepoint)
		w.Until("a", "told that the request waits", func(cluster *v1beta1.FlinkCluster) bool {
			control := cluster.Status.Control
			return control != nil && control.State == v1beta1.ControlStateRequested && control.Message != ""
		})
		w.ReleaseSavepoints()
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		w.Settle(time.Minute)
		requireSavepoint(t, w, 2, v1beta1.SavepointReasonUserRequested)
	})
}

// A savepoint that fails is told, and tried again with growing pauses for the requests that stand in the spec.
func TestFailedSavepoint(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.HoldSavepoints()
		fail := func(number int) {
			w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == number })
			begun := w.Ledger().Savepoints[number-1]
			w.JobManager("a").FailOperation(begun.JobID, begun.TriggerID, "org.example.NoSpace", "disk full")
			w.Until("a", "told that it failed", func(c *v1beta1.FlinkCluster) bool {
				return c.Status.Savepoint.State == v1beta1.SavepointStateFailed
			})
		}
		w.Annotate("a", v1beta1.ControlSavepoint)
		fail(1)
		untilControlled(w, "a", v1beta1.ControlStateFailed)
		require.Contains(t, w.Cluster("a").Status.Control.Message, "disk full")
		require.True(t, meta.IsStatusConditionFalse(w.Cluster("a").Status.Conditions, v1beta1.ConditionSavepointHealthy))
		w.Settle(2 * time.Minute)
		require.Len(t, w.Ledger().Savepoints, 1, "a request by annotation is not tried again")

		begin := time.Now()
		w.Edit("a", builders.SavepointGeneration(1))
		fail(2)
		fail(3)
		fail(4)
		require.Greater(t, time.Since(begin), 30*time.Second)
		w.ReleaseSavepoints()
		untilGeneration(w, 1)
		require.Len(t, w.Ledger().Savepoints, 5)
		require.EqualValues(t, 0, w.Cluster("a").Status.Savepoint.ConsecutiveFailures)
	})
}

// What cannot be done is refused with a reason, and nothing else is touched.
func TestRefusedControls(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Settle(time.Minute)
		for value, reason := range map[string]string{"savepiont": "unknown value", "job-explode": "unknown value", "": "unknown value"} {
			before := w.Cluster("a").Status
			w.Annotate("a", value)
			untilControlled(w, "a", v1beta1.ControlStateFailed)
			w.Settle(10 * time.Second)
			after := w.Cluster("a").Status
			require.Contains(t, after.Control.Message, reason)
			after.Control, after.LastUpdateTime = before.Control, before.LastUpdateTime
			require.Equal(t, before, after)
		}
		require.Contains(t, w.EventReasons(), v1beta1.EventControlRefused)
	})
}

func TestControlsWithoutADirectoryOrJob(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Annotate("a", v1beta1.ControlSavepoint)
		untilControlled(w, "a", v1beta1.ControlStateFailed)
		require.Contains(t, w.Cluster("a").Status.Control.Message, "savepointsDir")

		w.Apply(builders.SessionCluster("b", builders.TaskManagers(1)))
		w.Until("b", "up", func(c *v1beta1.FlinkCluster) bool { return c.Status.State == v1beta1.ClusterStateRunning })
		w.Annotate("b", v1beta1.ControlSavepoint)
		untilControlled(w, "b", v1beta1.ControlStateFailed)
		require.Contains(t, w.Cluster("b").Status.Control.Message, "session")
		require.Empty(t, w.Ledger().Savepoints)
	}, builders.SavepointsDir(""))
}

// A savepoint taken past the operator is noticed and counts as newest state; the generation is the operator's alone.
func TestExternalSavepoint(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Settle(time.Minute)
		manager := w.JobManager("a")
		external := manager.ExternalSavepoint("file:/elsewhere")
		w.Until("a", "aware of it", func(c *v1beta1.FlinkCluster) bool { return len(c.Status.SavepointHistory) == 1 })
		record := w.Cluster("a").Status.SavepointHistory[0]
		require.Equal(t, v1beta1.SavepointReasonExternal, record.Reason)
		require.Equal(t, external, record.Location)
		require.Zero(t, w.Job("a").SavepointGeneration)
		w.DeletePod("a-jobmanager-1")
		w.UntilRunning("a", 2)
		require.Equal(t, external, w.Ledger().Starts[1].RestorePath)
	}, builders.Restart(v1beta1.RestartPolicyFromLatestStateOnFailure))
}

// The annotation that a user replaces in the moment it is handled is a request of its own.
func TestAnnotationReplacedWhileItIsRemoved(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Inject(world.AtNth(1, func(call world.Call) bool {
			return call.What == "patch flinkclusters default/a"
		}, func(world.Call) world.Fault {
			fixture.Change(t, w.API, builders.Namespace, "a", builders.UserControl(v1beta1.ControlJobCancel))
			return world.NoFault
		}))
		w.Annotate("a", v1beta1.ControlSavepoint)
		w.UntilJob("a", v1beta1.JobStateCancelled)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		require.EqualValues(t, 2, w.Cluster("a").Status.Control.Request)
		require.Len(t, w.Ledger().Savepoints, 2)
	})
}
