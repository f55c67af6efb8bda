package scope_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// checkpointing completes a checkpoint of the job every ten seconds for so long.
func checkpointing(w *world.World, duration time.Duration) {
	for range int(duration / (10 * time.Second)) {
		manager := w.JobManager("a")
		manager.CompleteCheckpoint(manager.JobID)
		w.Settle(10 * time.Second)
	}
}

// A running job costs no request, however many checkpoints it makes.
func TestQuietWhileCheckpointsGrow(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		checkpointing(w, time.Minute)
		require.NotNil(t, w.Job("a").LastCheckpoint, "the first one is recorded")
		w.ForgetCalls()
		checkpointing(w, 10*time.Minute)
		require.Empty(t, w.Calls(func(call world.Call) bool { return call.To == world.Kubernetes && !call.Watch }))
		require.NotEmpty(t, w.Calls(func(call world.Call) bool { return call.To == world.Flink }))
	})
}

// Where restarts live on checkpoints, the newest is recorded now and then.
func TestCheckpointsAreRecordedNowAndThen(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		checkpointing(w, time.Minute)
		w.ForgetCalls()
		checkpointing(w, 11*time.Minute)
		calls := w.Calls(func(call world.Call) bool { return call.To == world.Kubernetes && !call.Watch })
		require.NotEmpty(t, calls)
		require.LessOrEqual(t, len(calls), 3)
		for i, call := range calls {
			require.True(t, world.IsStatusWrite(call), call.What)
			if i > 0 {
				require.GreaterOrEqual(t, call.At-calls[i-1].At, 290*time.Second)
			}
		}
		require.Greater(t, w.Job("a").LastCheckpoint.ID, int64(30))
	}, builders.Restart(v1beta1.RestartPolicyFromLatestStateOnFailure))
}

// An operator that starts where all is well changes nothing.
func TestOperatorRestartChangesNothing(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(w *world.World){
		"running job": func(w *world.World) { checkpointing(w, 30*time.Second) },
		"after a savepoint": func(w *world.World) {
			w.Annotate("a", v1beta1.ControlSavepoint)
			untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		},
		"failed job": func(w *world.World) {
			manager := w.JobManager("a")
			manager.Fail(manager.JobID, "org.example.Boom: no", "")
			w.UntilJob("a", v1beta1.JobStateFailed)
		},
		"cancelled job": func(w *world.World) {
			w.Annotate("a", v1beta1.ControlJobCancel)
			untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		},
		"refused edit": func(w *world.World) { w.Edit("a", builders.Image("flink:2.0")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Test(t, func(t *testing.T, w *world.World) {
				operator := startJob(w)
				prepare(w)
				w.Settle(time.Minute)
				before := w.Summary("a")
				operator.Stop()
				w.Settle(time.Minute)
				w.ForgetCalls()
				w.StartOperator()
				w.Settle(2 * time.Minute)
				require.Empty(t, w.Writes())
				require.Equal(t, before, w.Summary("a"))
			})
		})
	}
}
