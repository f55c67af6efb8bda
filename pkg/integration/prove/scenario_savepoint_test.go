//go:build prove

package prove

import (
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

func savepointScenarios() []scenario {
	annotated := controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateSucceeded)
	return []scenario{
		{
			want: &want{restored: []string{"nothing"}, effects: 1, state: stateRunning},
			name: "savepoint by annotation", prepare: runJob(), act: annotate(v1beta1.ControlSavepoint), done: annotated,
			savepoints: 1, pairs: true,
		},
		{
			want: &want{restored: []string{"nothing"}, effects: 1, state: stateRunning},
			name: "savepoint by generation", prepare: runJob(), act: edit(builders.SavepointGeneration(1)), done: generation(1),
			savepoints: 1, pairs: true,
		},
		{
			want: &want{restored: []string{"nothing"}, effects: 1, state: stateRunning},
			name: "savepoint by nonce", prepare: runJob(), act: edit(builders.SavepointTriggerNonce(7)), done: generation(1), savepoints: 1,
		},
		{
			// The first is due a moment after the story has begun.
			want: &want{restored: []string{"nothing"}, effects: 1, state: stateRunning},
			name: "savepoint by schedule", prepare: runJob(), act: edit(builders.AutoSavepoint(450)), done: generation(1),
			rest: edit(noSchedule), savepoints: 1,
		},
		{
			want: &want{restored: []string{"nothing"}, effects: 3, state: stateRunning},
			name: "savepoints over hours", prepare: runJob(), act: edit(builders.AutoSavepoint(3600)), done: generation(3), longest: 4 * time.Hour, brief: true,
			rest: edit(noSchedule), savepoints: 3,
		},
		{
			want: &want{restored: []string{"nothing"}, effects: 2, state: stateRunning},
			name: "two annotations in a row", prepare: runJob(), keepsJobManager: true, savepoints: 2, pairs: true,
			act: func(w *world.World) {
				w.Annotate("a", v1beta1.ControlSavepoint)
				w.Eventually("the first is done", func() bool { return annotated(w) })
				w.Annotate("a", v1beta1.ControlSavepoint)
			},
			done: all(annotated, generation(2)),
		},
		{
			want: &want{restored: []string{"nothing"}, effects: 2, state: stateRunning},
			name: "annotation while a savepoint runs", prepare: runJob(), keepsJobManager: true, savepoints: 2,
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Edit("a", builders.SavepointGeneration(1))
				w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
				w.Annotate("a", v1beta1.ControlSavepoint)
				w.Settle(3 * time.Second)
				w.ReleaseSavepoints()
			},
			done: all(annotated, generation(2)),
		},
		{
			name: "savepoint fails", prepare: runJob(), keepsJobManager: true,
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Annotate("a", v1beta1.ControlSavepoint)
				w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
				begun := w.Ledger().Savepoints[0]
				process(w).FailOperation(begun.JobID, begun.TriggerID, "org.example.NoSpace", "disk full")
			},
			done: controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateFailed),
		},
		{
			name: "unknown annotation", prepare: runJob(), act: annotate("savepiont"),
			done: controlled("savepiont", v1beta1.ControlStateFailed),
		},
		{
			name: "savepoint past us", prepare: runJob(), keepsJobManager: true, savepoints: 1,
			act:  func(w *world.World) { process(w).ExternalSavepoint("file:/elsewhere") },
			done: func(w *world.World) bool { return len(cluster(w).Status.SavepointHistory) == 1 },
		},
	}
}

func noSchedule(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.AutoSavepointSeconds = nil }

func cancelScenarios() []scenario {
	stopped := all(controlled(v1beta1.ControlJobCancel, v1beta1.ControlStateSucceeded), inState(v1beta1.ClusterStateStopped), gonePods)
	return []scenario{
		{
			want: &want{restored: []string{"nothing"}, stops: 1, effects: 1, state: stateCancelled},
			name: "job-cancel", prepare: runJob(), act: annotate(v1beta1.ControlJobCancel), done: stopped, savepoints: 1, pairs: true,
		},
		{
			want: &want{restored: []string{"nothing"}, cancels: 1, effects: 1, state: stateCancelled},
			name: "job-cancel-without-savepoint", prepare: runJob(), act: annotate(v1beta1.ControlJobCancelWithoutSavepoint),
			done: all(controlled(v1beta1.ControlJobCancelWithoutSavepoint, v1beta1.ControlStateSucceeded), inState(v1beta1.ClusterStateStopped), gonePods),
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "cancelRequested and back", prepare: runJob(), savepoints: 1,
			act: func(w *world.World) {
				w.Edit("a", builders.CancelRequested())
				w.Eventually("the cluster is stopped", func() bool { return inState(v1beta1.ClusterStateStopped)(w) })
				w.Edit("a", func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.CancelRequested = false })
			},
			done: running(2),
		},
		{
			want: &want{restored: []string{"nothing"}, stops: 1, effects: 2, state: stateCancelled},
			name: "savepoint, then job-cancel", prepare: runJob(), keepsJobManager: true, savepoints: 2,
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Annotate("a", v1beta1.ControlSavepoint)
				w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
				w.Annotate("a", v1beta1.ControlJobCancel)
				w.Settle(3 * time.Second)
				w.ReleaseSavepoints()
			},
			done: stopped,
		},
	}
}
