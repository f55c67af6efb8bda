//go:build prove

package prove

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

const (
	secondImage    = "flink:2.0"
	thirdImage     = "flink:2.1"
	stateSuspended = v1beta1.JobStateSuspended
)

var (
	newImage    = builders.Image(secondImage)
	suspend     = desired(v1beta1.DesiredJobStateSuspended)
	resume      = desired(v1beta1.DesiredJobStateRunning)
	noSavepoint = builders.SavepointsDir("")
	// lastState is a job without a place for savepoints, whose checkpoints outlive it.
	lastState = []builders.ClusterOption{noSavepoint, builders.FlinkProperty("execution.checkpointing.dir", "file:/checkpoints")}
)

func desired(state v1beta1.DesiredJobState) builders.ClusterOption {
	return builders.Job(func(job *v1beta1.JobSpec) { job.State = state })
}

func upgradeMode(mode v1beta1.UpgradeMode) builders.ClusterOption {
	return builders.Job(func(job *v1beta1.JobSpec) { job.UpgradeMode = mode })
}

// upgraded says whether a run is up, and the newest spec is in force.
func upgraded(attempt int32, image string) func(w *world.World) bool {
	return all(running(attempt), func(w *world.World) bool { return cluster(w).Status.Revision.Next == "" }, showsImage(image))
}

// showsImage says whether there are pods, and each is of an image.
func showsImage(image string) func(w *world.World) bool {
	return func(w *world.World) bool {
		pods := fixture.List[corev1.Pod](w.T(), w.API, builders.Namespace)
		for _, pod := range pods {
			if pod.Spec.Containers[0].Image != image {
				return false
			}
		}
		return len(pods) > 0
	}
}

// suspended says whether the job rests, and nothing of it is left.
func suspended(w *world.World) bool {
	return cluster(w).Status.Components.Job.State == stateSuspended && inState(v1beta1.ClusterStateSuspended)(w) && gonePods(w)
}

func awaitSuspended(w *world.World) {
	w.Eventually("the job is suspended", func() bool { return suspended(w) })
}

// takeSavepoint has the user take one.
func takeSavepoint(w *world.World) {
	w.Annotate("a", v1beta1.ControlSavepoint)
	w.Eventually("the savepoint is taken", func() bool { return controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateSucceeded)(w) })
}

// beginStop edits the cluster while no savepoint ends, and waits until the run is being stopped with one.
func beginStop(w *world.World, change builders.ClusterOption) {
	w.HoldSavepoints()
	w.Edit("a", change)
	w.Eventually("a stop has begun", func() bool { return len(w.Ledger().Stops) == 1 })
}

// stays gives a wrong start the time to happen.
func stays(w *world.World, what string, starts int) {
	w.Settle(30 * time.Second)
	if found := len(w.Ledger().Starts); found != starts {
		w.Violate(oracleStory, "%d runs were started instead of %d: %s", found, starts, what)
	}
}

// upgradeScenarios: an edit stops the run, and the next one has the new spec and the old state.
func upgradeScenarios() []scenario {
	return []scenario{
		{
			want: &want{restored: []string{"nothing", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "upgrade by savepoint", prepare: runJob(), act: edit(newImage), done: upgraded(2, secondImage), savepoints: 1, pairs: true,
		},
		{
			// The checkpoint that it starts from is one that nobody has heard of when the job is to be stopped.
			want: &want{restored: []string{"nothing", "chk-3"}, cancels: 1, effects: 1, state: stateRunning},
			name: "upgrade by last-state", prepare: runJob(lastState...), done: upgraded(2, secondImage), pairs: true,
			act: func(w *world.World) {
				w.JobManager("a").CompleteCheckpoint(w.JobManager("a").JobID)
				w.Edit("a", newImage)
			},
		},
		{
			// What was thrown away is not used again.
			want: &want{restored: []string{"nothing", "nothing", "nothing"}, cancels: 1, effects: 1, state: stateRunning},
			name: "upgrade stateless, then a failure", brief: true, later: 1, done: upgraded(3, secondImage), savepoints: 1,
			prepare: func(w *world.World) {
				runJob(upgradeMode(v1beta1.UpgradeModeStateless))(w)
				takeSavepoint(w)
				w.Settle(time.Minute)
			},
			act: func(w *world.World) {
				w.Edit("a", newImage)
				w.Eventually("it is upgraded", func() bool { return upgraded(2, secondImage)(w) })
				w.Settle(time.Minute)
				w.JobManager("a").FailJob("org.example.Boom: no", "")
			},
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 2"}, stops: 2, effects: 2, state: stateRunning},
			name: "upgrade whose savepoint fails once", prepare: runJob(), brief: true, savepoints: 1, done: upgraded(2, secondImage),
			act: func(w *world.World) {
				beginStop(w, newImage)
				stop := w.Ledger().Stops[0]
				process(w).FailOperation(stop.JobID, stop.TriggerID, "org.example.NoSpace", "disk full")
				w.Eventually("it is told", func() bool { return degraded("SavepointFailed")(w) })
				w.ReleaseSavepoints()
			},
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 2"}, stops: 1, effects: 2, state: stateRunning},
			name: "upgrade while a savepoint is in progress", prepare: runJob(), brief: true, savepoints: 2,
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Annotate("a", v1beta1.ControlSavepoint)
				w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
				w.Edit("a", newImage)
				w.Settle(20 * time.Second)
				if ledger := w.Ledger(); len(ledger.Stops)+len(ledger.Cancels) > 0 {
					w.Violate(oracleStory, "the job is stopped while a savepoint is being taken")
				}
				w.ReleaseSavepoints()
			},
			done: all(controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateSucceeded), upgraded(2, secondImage)),
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "two edits during an upgrade", prepare: runJob(), brief: true, savepoints: 1, done: upgraded(2, thirdImage),
			act: func(w *world.World) {
				beginStop(w, newImage)
				w.Edit("a", builders.Image("flink:1.19"))
				w.Settle(3 * time.Second)
				w.Edit("a", builders.Image(thirdImage))
				w.ReleaseSavepoints()
			},
		},
		{
			want: &want{restored: []string{"nothing", "chk-4"}, effects: 0, state: stateRunning},
			name: "upgrade of a failed job", brief: true, savepoints: 1, done: upgraded(2, secondImage), act: edit(newImage),
			prepare: func(w *world.World) {
				runJob(builders.Restart(v1beta1.RestartPolicyNever))(w)
				takeSavepoint(w)
				failJob(w)
				w.Eventually("it has failed", func() bool { return cluster(w).Status.Lifecycle == v1beta1.LifecycleFailed })
			},
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "upgrade that would lose the state, until there is a place for it", brief: true, savepoints: 1, done: upgraded(2, secondImage),
			prepare: runWithoutState,
			act: func(w *world.World) {
				w.Edit("a", newImage)
				w.Eventually("it is told", func() bool { return degraded("NoStateKept")(w) })
				stays(w, "no state would be kept", 1)
				w.Edit("a", builders.SavepointsDir(savepointsDir))
			},
		},
		{
			want: &want{restored: []string{"nothing"}, state: stateRunning},
			name: "an edit that needs an upgrade, taken back", brief: true, prepare: runWithoutState,
			act: func(w *world.World) {
				before := specs(w)
				w.Edit("a", newImage)
				w.Eventually("it is told", func() bool { return degraded("NoStateKept")(w) })
				w.Settle(30 * time.Second)
				if after := specs(w); after != before {
					w.Violate(oracleStory, "an edit that waits changed an object: %s", difference(before, after))
				}
				w.Edit("a", builders.Image("flink:1.20"))
			},
			done: all(upgraded(1, "flink:1.20"), ready, func(w *world.World) bool { return !degraded("NoStateKept")(w) }),
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1"}, cancels: 1, effects: 2, state: stateRunning},
			name: "upgrade from a recorded savepoint", brief: true, savepoints: 1,
			prepare: runJob(builders.Job(func(job *v1beta1.JobSpec) { job.TakeSavepointOnUpdate = new(false) })),
			act: func(w *world.World) {
				w.Edit("a", newImage)
				w.Eventually("it is told", func() bool { return degraded("SavepointNeeded")(w) })
				stays(w, "there is no savepoint yet", 1)
				w.Annotate("a", v1beta1.ControlSavepoint)
			},
			done: all(controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateSucceeded), upgraded(2, secondImage)),
		},
		{
			// The generation asks for its savepoint in the same edit, and gets it from the next run.
			want: &want{restored: []string{"nothing", "savepoint 1"}, stops: 1, effects: 2, state: stateRunning},
			name: "upgrade with a new savepointGeneration", prepare: runJob(), brief: true, savepoints: 2,
			act: func(w *world.World) {
				w.Edit("a", func(cluster *v1beta1.FlinkCluster) {
					newImage(cluster)
					cluster.Spec.Job.SavepointGeneration = 9
				})
			},
			done: all(upgraded(2, secondImage), generation(2)),
		},
	}
}

// runWithoutState brings up a job whose state nobody keeps.
func runWithoutState(w *world.World) {
	w.Apply(jobCluster(noSavepoint))
	w.UntilRunning("a", 1)
	w.Settle(time.Minute)
}

// suspendScenarios: a job rests, and goes on where it was.
func suspendScenarios() []scenario {
	rest := func(w *world.World) {
		runJob()(w)
		w.Edit("a", suspend)
		awaitSuspended(w)
		w.Settle(time.Minute)
	}
	return []scenario{
		{
			want: &want{restored: []string{"nothing"}, stops: 1, effects: 1, state: stateSuspended},
			name: "suspend", prepare: runJob(), act: edit(suspend), done: suspended, savepoints: 1, brief: true,
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "suspend and resume", prepare: runJob(), done: running(2), savepoints: 1, pairs: true,
			act: func(w *world.World) {
				w.Edit("a", suspend)
				awaitSuspended(w)
				w.Edit("a", resume)
			},
		},
		{
			want: &want{restored: []string{"nothing"}, state: stateRunning},
			name: "created suspended, then resumed", prepare: nothing, done: running(1), brief: true,
			act: func(w *world.World) {
				w.Apply(jobCluster(suspend))
				awaitSuspended(w)
				stays(w, "it is created suspended", 0)
				w.Edit("a", resume)
			},
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1"}, stops: 1, effects: 0, state: stateRunning},
			name: "edit while suspended", prepare: rest, done: upgraded(2, thirdImage), brief: true, savepoints: 1,
			act: func(w *world.World) {
				for _, image := range []string{secondImage, thirdImage} {
					before := cluster(w).Status.Revision.Current
					w.Edit("a", builders.Image(image))
					w.Eventually("it is recorded", func() bool {
						status := cluster(w).Status
						return status.ObservedGeneration == cluster(w).Generation && status.Revision.Current != before && status.Revision.Next == ""
					})
				}
				stays(w, "it is suspended", 1)
				w.Edit("a", resume)
			},
		},
		{
			want: &want{restored: []string{"nothing"}, stops: 1, effects: 1, state: stateSuspended},
			name: "suspend while the children are seen late", prepare: runJob(), act: suspendUnseen, done: suspended, savepoints: 1, brief: true,
		},
		{
			// Nothing can be asked of it any more, so what is recorded has to do.
			want: &want{restored: []string{"nothing", "chk-2"}, effects: -1, state: stateRunning},
			name: "suspend while the JobManager is silent", prepare: runJob(lastState...), done: running(2), brief: true, longest: 20 * time.Minute,
			act: func(w *world.World) {
				w.JobManager("a").Inject(flinktest.Fault{Hang: true})
				w.Settle(time.Minute)
				w.Edit("a", suspend)
				awaitSuspended(w)
				w.Edit("a", resume)
			},
		},
		{
			want: &want{restored: []string{"nothing", "chk-2"}, effects: -1, state: stateRunning},
			name: "suspend as the JobManager is lost", prepare: runJob(lastState...), done: running(2), brief: true,
			act: func(w *world.World) {
				w.ExitPod(jobManagerPod(w), world.OOMKilled)
				w.Edit("a", suspend)
				awaitSuspended(w)
				w.Edit("a", resume)
			},
		},
	}
}

// suspendUnseen suspends a job while the operator sees nothing of what becomes of its children, and has it look at them again
// and again: each is deleted once.
func suspendUnseen(w *world.World) {
	beginStop(w, suspend)
	operators := w.Operators()
	last := operators[len(operators)-1]
	last.HoldWatches(views["children"]...)
	w.ReleaseSavepoints()
	for seconds := range int32(5) {
		w.Settle(2 * time.Second)
		w.Edit("a", builders.AutoSavepoint(3600+seconds))
	}
	w.Settle(time.Second)
	deleted := map[string]int{}
	for _, call := range w.Calls(world.IsWrite) {
		if strings.HasPrefix(call.What, "delete ") && call.Fault == world.NoFault && call.Operator == last {
			deleted[call.What]++
		}
	}
	for what, times := range deleted {
		if times > 1 {
			w.Violate(oracleWrites, "%d times %s, of one object", times, what)
		}
	}
	last.ReleaseWatches()
}

// restartScenarios: the user has the job restarted.
func restartScenarios() []scenario {
	return []scenario{
		{
			want: &want{restored: []string{"nothing", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "job-restart", prepare: runJob(), act: annotate(v1beta1.ControlJobRestart), brief: true, savepoints: 1,
			done: all(controlled(v1beta1.ControlJobRestart, v1beta1.ControlStateSucceeded), running(2)),
		},
		{
			want: &want{restored: []string{"nothing", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			name: "restartNonce", prepare: runJob(), done: running(2), brief: true, savepoints: 1,
			act: edit(builders.Spec(func(spec *v1beta1.FlinkClusterSpec) { spec.RestartNonce = new(int64(5)) })),
		},
		{
			// The state of before is thrown away once, and then for good.
			want: &want{restored: []string{"nothing", "old", "old"}, cancels: 1, effects: 1, state: stateRunning},
			name: "savepointRedeployNonce, then a failure", done: running(3), brief: true, savepoints: 1, later: 1,
			prepare: func(w *world.World) {
				w.Storage.Put(savepointsDir+"/old", 1)
				runJob()(w)
				takeSavepoint(w)
				w.Settle(time.Minute)
			},
			act: func(w *world.World) {
				w.Edit("a", builders.Job(func(job *v1beta1.JobSpec) {
					job.FromSavepoint, job.SavepointRedeployNonce = savepointsDir+"/old", new(int64(1))
				}))
				w.Eventually("it is redeployed", func() bool { return running(2)(w) })
				w.Settle(time.Minute)
				w.JobManager("a").FailJob("org.example.Boom: no", "")
			},
		},
		{
			name: "upgrade of a session", brief: true, leaders: true,
			prepare: func(w *world.World) {
				w.Apply(builders.SessionCluster("a", builders.TaskManagers(1)))
				w.Eventually("it is up", func() bool { return inState(v1beta1.ClusterStateRunning)(w) })
				w.Settle(2 * time.Minute)
			},
			act: edit(newImage),
			done: all(inState(v1beta1.ClusterStateRunning), showsImage(secondImage), func(w *world.World) bool {
				status := cluster(w).Status
				return status.Revision.Rollout == 1 && status.Revision.Next == ""
			}),
		},
	}
}
