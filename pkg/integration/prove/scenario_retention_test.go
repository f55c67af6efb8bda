//go:build prove

package prove

import (
	"slices"
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

func keep(count int32) builders.ClusterOption {
	return builders.Job(func(job *v1beta1.JobSpec) {
		job.SavepointRetention = &v1beta1.SavepointRetention{MaxCount: new(count)}
	})
}

func keepFor(age time.Duration) builders.ClusterOption {
	return builders.Job(func(job *v1beta1.JobSpec) {
		job.SavepointRetention = &v1beta1.SavepointRetention{MaxAgeSeconds: new(int32(age.Seconds()))}
	})
}

// kept says whether the history holds so many savepoints, none of which is to be disposed of.
func kept(count int) func(w *world.World) bool {
	return func(w *world.World) bool {
		history := cluster(w).Status.SavepointHistory
		return len(history) == count && !slices.ContainsFunc(history, func(record v1beta1.SavepointRecord) bool { return record.Disposal != nil })
	}
}

// takeScheduled has so many savepoints taken by schedule, a minute apart, up to a generation.
func takeScheduled(w *world.World, until int32) {
	w.Edit("a", builders.AutoSavepoint(60))
	w.Eventually("savepoints were taken by schedule", func() bool { return generation(until)(w) })
	w.Edit("a", noSchedule)
	w.Settle(15 * time.Second)
}

// runAndTake brings up a job with one savepoint that a user asked for, and so many by schedule.
func runAndTake(scheduled int32, options ...builders.ClusterOption) func(w *world.World) {
	return func(w *world.World) {
		runJob(options...)(w)
		takeSavepoint(w)
		takeScheduled(w, 1+scheduled)
	}
}

// retentionScenarios: old savepoints of our own go, one by one, and no others.
func retentionScenarios() []scenario {
	return []scenario{
		{
			want: &want{restored: []string{"nothing"}, effects: 2, state: stateRunning},
			name: "old savepoints are disposed of", prepare: runAndTake(3), act: edit(keep(1)), done: kept(2), savepoints: 4, disposals: 2,
		},
		{
			want: &want{restored: []string{"nothing"}, effects: 8, state: stateRunning},
			name: "retention over hours", prepare: runJob(keep(2)), act: edit(builders.AutoSavepoint(3600)),
			done: all(generation(5), kept(2)), rest: edit(noSchedule), longest: 8 * time.Hour, brief: true, savepoints: 5, disposals: 3,
		},
		{
			want: &want{restored: []string{"nothing"}, effects: 2, state: stateRunning},
			name: "retention by age", prepare: runAndTake(3), act: edit(keepFor(5 * time.Minute)), done: kept(2), brief: true, savepoints: 4, disposals: 2,
		},
		{
			// The newest by far is one that was taken past the operator, and the newest of its own stays all the same.
			want: &want{restored: []string{"nothing"}, effects: 1, state: stateRunning},
			name: "retention beside savepoints past us", keepsJobManager: true, brief: true, done: kept(4), savepoints: 5, disposals: 1,
			prepare: func(w *world.World) {
				runAndTake(2)(w)
				process(w).ExternalSavepoint("file:/elsewhere")
				process(w).ExternalSavepoint(savepointsDir)
				w.Eventually("they are found", func() bool { return kept(5)(w) })
			},
			act: edit(keep(1)),
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1"}, stops: 1, effects: 4, state: stateRunning},
			name: "restored savepoint is disposed of late", keepsJobManager: true, brief: true, leaders: true, done: kept(1), savepoints: 3, disposals: 2,
			prepare: func(w *world.World) {
				runJob(keep(1))(w)
				w.Edit("a", newImage)
				w.Eventually("it is upgraded", func() bool { return upgraded(2, secondImage)(w) })
			},
			act: func(w *world.World) {
				takeScheduled(w, 3)
				// The first is in use, and so one too many is kept.
				w.Eventually("the second is gone", func() bool { return kept(2)(w) })
				w.Settle(time.Minute)
				w.JobManager("a").CompleteCheckpoint(w.JobManager("a").JobID)
			},
		},
		{
			want: &want{restored: []string{"nothing"}, effects: 4, state: stateRunning},
			name: "disposal fails", prepare: runAndTake(3), keepsJobManager: true, brief: true, done: kept(2), savepoints: 4, disposals: 2,
			act: func(w *world.World) {
				process(w).FailDisposals("Permission denied")
				w.Edit("a", keep(1))
				w.Eventually("both have failed", func() bool { return failedDisposals(w) == 2 })
				// It does not keep others from being taken.
				process(w).FailDisposals("")
			},
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 5"}, stops: 1, effects: -1, state: stateRunning},
			name: "upgrade while a savepoint is disposed of", prepare: runAndTake(3), keepsJobManager: true, brief: true, leaders: true,
			done: all(upgraded(2, secondImage), kept(2)), savepoints: 5, disposals: 3,
			act: func(w *world.World) {
				process(w).HoldDisposals(true)
				w.Edit("a", keep(1))
				w.Eventually("a disposal has begun", func() bool { return len(w.Calls(isDispose)) > 0 })
				w.Edit("a", newImage)
			},
		},
	}
}

func isDispose(call world.Call) bool { return call.What == "POST /v1/savepoint-disposal" }

func failedDisposals(w *world.World) int {
	failed := 0
	for _, record := range cluster(w).Status.SavepointHistory {
		if record.Disposal != nil && record.Disposal.State == v1beta1.SavepointDisposalFailed {
			failed++
		}
	}
	return failed
}
