//go:build prove

package prove

import (
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

const (
	firstImage = "flink:1.20"
	// readyIn is how long a run of an upgrade has to become stable.
	readyIn = 60
)

var (
	noSuchClass = world.Exit{Code: 1, Message: "Caused by: java.lang.ClassNotFoundException: org.example.Missing"}
	rollsBack   = builders.Spec(func(spec *v1beta1.FlinkClusterSpec) {
		spec.Rollback = &v1beta1.RollbackSpec{Enabled: true, ReadinessSeconds: new(int32(readyIn))}
	})
	nextNonce = builders.Spec(func(spec *v1beta1.FlinkClusterSpec) { spec.RestartNonce = new(int64(7)) })
)

// runBreaking brings up a job, and has the JobManagers of the second image end at once.
func runBreaking(options ...builders.ClusterOption) func(w *world.World) {
	return func(w *world.World) {
		runJob(append([]builders.ClusterOption{rollsBack}, options...)...)(w)
		w.BreakImage(secondImage, noSuchClass)
	}
}

func revisionOf(w *world.World) v1beta1.RevisionStatus { return cluster(w).Status.Revision }

// rolledBack says whether the first image runs again, in a run, and the status tells why.
func rolledBack(attempt int32) func(w *world.World) bool {
	return all(running(attempt), showsImage(firstImage), degraded("RolledBack"), func(w *world.World) bool {
		return cluster(w).Status.Lifecycle == v1beta1.LifecycleRolledBack && revisionOf(w).Failed != ""
	})
}

// beginRollback makes an upgrade that fails, and waits until it is being taken back. Pods that stop slowly leave time for more.
func beginRollback(w *world.World) {
	w.SlowPods(20 * time.Second)
	w.Edit("a", newImage)
	w.Eventually("the upgrade has failed", func() bool { return revisionOf(w).Failed != "" })
}

// blockUpgrade makes an upgrade whose TaskManagers do not start.
func blockUpgrade(w *world.World) {
	w.BlockPods(v1beta1.ComponentTaskManager, "ImagePullBackOff", "no such image")
	w.Edit("a", newImage)
}

func awaitFailedUpgrade(w *world.World) {
	w.Eventually("the upgrade has failed", func() bool { return revisionOf(w).Failed != "" })
	w.BlockPods(v1beta1.ComponentTaskManager, "", "")
}

func stable(w *world.World) bool { return revisionOf(w).Stable == revisionOf(w).Current }

// failRun has the job fail within Flink, for good.
func failRun(w *world.World) { w.JobManager("a").FailJob("org.example.Boom: no", "") }

// rollbackScenarios: an upgrade that fails is taken back, once.
func rollbackScenarios() []scenario {
	return append(failedUpgradeScenarios(), editedRollbackScenarios()...)
}

func failedUpgradeScenarios() []scenario {
	return []scenario{
		{
			// The count goes on from the savepoint that the upgrade was made with.
			want: &want{restored: []string{"nothing", "savepoint 1", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "rollback of an upgrade that fails at once", prepare: runBreaking(), act: edit(newImage), done: rolledBack(3), savepoints: 1,
			pairs: true,
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1", "savepoint 1"}, cancels: 1, stops: 1, effects: 2, state: stateRunning},
			name: "rollback of an upgrade whose pods never start", prepare: runJob(rollsBack), done: rolledBack(3), savepoints: 1, brief: true, leaders: true,
			act: func(w *world.World) {
				blockUpgrade(w)
				awaitFailedUpgrade(w)
			},
		},
		{
			// The time to become ready is over soon, whoever leads and whatever else is written.
			want: &want{restored: []string{"nothing", "savepoint 1", "savepoint 1"}, cancels: 1, stops: 1, effects: 2, state: stateRunning},
			name: "rollback by operators that crash all the time", prepare: runJob(rollsBack), done: rolledBack(3), savepoints: 1, brief: true,
			fewerCancels: true,
			act: func(w *world.World) {
				blockUpgrade(w)
				w.Eventually("the upgrade has begun", func() bool { return cluster(w).Status.Components.Job.Attempt == 2 })
				for round := range int32(5) {
					w.Settle(readyIn / 3 * time.Second)
					w.Edit("a", builders.AutoSavepoint(3600+round))
					operators := w.Operators()
					operators[len(operators)-1].Crash()
				}
				w.Settle(10 * time.Second)
				if revisionOf(w).Failed == "" {
					w.Violate(oracleStory, "an upgrade that should be ready after %d seconds is waited for still", readyIn)
				}
				awaitFailedUpgrade(w)
			},
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1", "chk-4"}, stops: 1, effects: 1, state: stateRunning},
			name: "a failure long after an upgrade", prepare: runJob(rollsBack), done: upgraded(3, secondImage), savepoints: 1, brief: true, later: 1,
			act: func(w *world.World) {
				w.Edit("a", newImage)
				w.Eventually("it is upgraded", func() bool { return upgraded(2, secondImage)(w) })
				w.JobManager("a").CompleteCheckpoint(w.JobManager("a").JobID)
				w.Eventually("it is stable", func() bool { return stable(w) })
				failRun(w)
			},
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "a failure after an upgrade without a checkpoint", prepare: runJob(rollsBack), done: upgraded(3, secondImage), savepoints: 1, brief: true, later: 1,
			act: func(w *world.World) {
				w.Edit("a", newImage)
				w.Eventually("it is stable", func() bool { return upgraded(2, secondImage)(w) && stable(w) })
				failRun(w)
			},
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1"}, stops: 1, effects: 1, state: v1beta1.JobStateFailed},
			name: "an upgrade that fails without rollback", brief: true, savepoints: 1, act: edit(newImage),
			prepare: func(w *world.World) {
				runJob(builders.Restart(v1beta1.RestartPolicyNever))(w)
				w.BreakImage(secondImage, noSuchClass)
			},
			done: all(degraded("JobFailed"), func(w *world.World) bool { return cluster(w).Status.Lifecycle == v1beta1.LifecycleFailed }),
		},
		{
			// There is nothing to go back to: nothing was ever stable.
			want: &want{restored: []string{"nothing"}, state: v1beta1.JobStateFailed},
			name: "a first deployment that fails", brief: true, done: degraded("JobFailed"),
			prepare: func(w *world.World) { w.BreakImage(firstImage, noSuchClass) },
			act:     func(w *world.World) { w.Apply(jobCluster(rollsBack)) },
		},
		{
			// No revision beyond those in use is kept, and the stable one is in use.
			want: &want{restored: []string{"nothing", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "rollback after two upgrades that fail", done: rolledBack(4), savepoints: 1, brief: true,
			prepare: runJob(rollsBack, builders.Spec(func(spec *v1beta1.FlinkClusterSpec) { spec.RevisionHistoryLimit = new(int32(0)) })),
			act: func(w *world.World) {
				w.BlockPods(v1beta1.ComponentJobManager, "ImagePullBackOff", "no such image")
				w.Edit("a", builders.Image(thirdImage))
				w.Eventually("the first one has begun", func() bool { return cluster(w).Status.Components.Job.Attempt == 2 })
				w.Settle(10 * time.Second)
				w.Edit("a", newImage)
				w.Eventually("the second one has failed", func() bool { return revisionOf(w).Failed != "" })
				w.BlockPods(v1beta1.ComponentJobManager, "", "")
			},
		},
	}
}

func editedRollbackScenarios() []scenario {
	return []scenario{
		{
			want: &want{restored: []string{"nothing", "savepoint 1", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "edit during a rollback", prepare: runBreaking(), done: upgraded(3, thirdImage), savepoints: 1, brief: true,
			act: func(w *world.World) {
				beginRollback(w)
				w.Edit("a", builders.Image(thirdImage))
			},
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "suspend during a rollback", prepare: runBreaking(), done: rolledBack(3), savepoints: 1, brief: true,
			act: func(w *world.World) {
				beginRollback(w)
				w.Edit("a", suspend)
				awaitSuspended(w)
				stays(w, "it is suspended", 2)
				w.Edit("a", resume)
			},
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "cancel during a rollback, taken back", prepare: runBreaking(), done: rolledBack(3), savepoints: 1, brief: true,
			act: func(w *world.World) {
				beginRollback(w)
				w.Edit("a", builders.CancelRequested())
				w.Eventually("it is cancelled", func() bool { return cluster(w).Status.Components.Job.State == v1beta1.JobStateCancelled })
				w.Edit("a", builders.Job(func(job *v1beta1.JobSpec) { job.CancelRequested = false }))
			},
		},
		{
			name: "delete during a rollback", prepare: runBreaking(), brief: true, savepoints: 1, done: nothingLeft, open: true, keepsJobManager: true,
			act: func(w *world.World) {
				beginRollback(w)
				w.Delete("a")
			},
		},
		{
			// It falls under the restart policy, and the failed upgrade is not tried again.
			want: &want{restored: []string{"nothing", "savepoint 1", "savepoint 1", "chk-4"}, stops: 1, effects: 1, state: stateRunning},
			name: "a failure after a rollback", prepare: runBreaking(), done: rolledBack(4), savepoints: 1, brief: true, later: 1,
			act: func(w *world.World) {
				w.Edit("a", newImage)
				w.Eventually("it is rolled back", func() bool { return rolledBack(3)(w) })
				w.JobManager("a").CompleteCheckpoint(w.JobManager("a").JobID)
				failRun(w)
			},
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1", "savepoint 1", "savepoint 2"}, stops: 2, effects: 2, state: stateRunning},
			name: "a failed upgrade is tried again by nonce", prepare: runBreaking(), done: upgraded(4, secondImage), savepoints: 2, brief: true,
			act: func(w *world.World) {
				w.Edit("a", newImage)
				w.Eventually("it is rolled back", func() bool { return rolledBack(3)(w) })
				w.MendImage(secondImage)
				stays(w, "nobody has asked to try it again", 3)
				w.Edit("a", nextNonce)
			},
		},
		{
			// The spec asks for what runs: there is nothing to tell any more.
			want: &want{restored: []string{"nothing", "savepoint 1", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "a failed upgrade is taken back by the user", prepare: runBreaking(), savepoints: 1, brief: true,
			act: func(w *world.World) {
				w.Edit("a", newImage)
				w.Eventually("it is rolled back", func() bool { return rolledBack(3)(w) })
				w.Edit("a", builders.Image(firstImage))
			},
			done: all(upgraded(3, firstImage), ready, func(w *world.World) bool {
				return revisionOf(w).Failed == "" && cluster(w).Status.Lifecycle == v1beta1.LifecycleRunning
			}),
		},
	}
}
