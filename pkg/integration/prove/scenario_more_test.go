//go:build prove

package prove

import (
	"encoding/json"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

const (
	stateRunning   = v1beta1.JobStateRunning
	stateCancelled = v1beta1.JobStateCancelled
	stateFailed    = v1beta1.JobStateFailed
)

// stopScenarios: a stop with savepoint has more than one way to go wrong.
func stopScenarios() []scenario {
	failStop := func(w *world.World, number int) {
		w.Eventually("a stop has begun", func() bool { return len(w.Ledger().Stops) == number })
		stop := w.Ledger().Stops[number-1]
		process(w).FailOperation(stop.JobID, stop.TriggerID, "org.example.NoSpace", "disk full")
	}
	return []scenario{
		{
			name: "job-cancel, and the job fails after its savepoint", prepare: runJob(), brief: true, savepoints: 1,
			want: &want{restored: []string{"nothing"}, stops: 1, effects: 1, state: stateCancelled},
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Annotate("a", v1beta1.ControlJobCancel)
				w.Eventually("a stop has begun", func() bool { return len(w.Ledger().Stops) == 1 })
				stop := w.Ledger().Stops[0]
				process(w).FailStopAfterSavepoint(stop.JobID, stop.TriggerID)
			},
			done: all(controlled(v1beta1.ControlJobCancel, v1beta1.ControlStateSucceeded), inState(v1beta1.ClusterStateStopped), gonePods),
		},
		{
			name: "job-cancel, and its savepoint fails", prepare: runJob(), brief: true,
			want: &want{restored: []string{"nothing"}, stops: 1, effects: 1, state: stateRunning},
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Annotate("a", v1beta1.ControlJobCancel)
				failStop(w, 1)
			},
			done: all(controlled(v1beta1.ControlJobCancel, v1beta1.ControlStateFailed), running(1)),
		},
		{
			name: "cancelRequested, and its savepoint fails once", prepare: runJob(), brief: true, savepoints: 1,
			want: &want{restored: []string{"nothing"}, stops: 2, effects: 2, state: stateCancelled},
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Edit("a", builders.CancelRequested())
				failStop(w, 1)
				w.ReleaseSavepoints()
			},
			done: all(inState(v1beta1.ClusterStateStopped), gonePods),
		},
		{
			name: "cancelRequested, taken back while the job stops", prepare: runJob(), brief: true, savepoints: 1,
			want: &want{restored: []string{"nothing", "savepoint 1"}, stops: 1, effects: 1, state: stateRunning},
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Edit("a", builders.CancelRequested())
				w.Eventually("a stop has begun", func() bool { return len(w.Ledger().Stops) == 1 })
				w.Edit("a", func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.CancelRequested = false })
				w.ReleaseSavepoints()
			},
			done: running(2),
		},
	}
}

// requestScenarios: requests for savepoints, and what must not come of them.
func requestScenarios() []scenario {
	return []scenario{
		{
			name: "generation jumps", prepare: runJob(), act: edit(builders.SavepointGeneration(9)), done: generation(1), brief: true,
			savepoints: 1, want: &want{restored: []string{"nothing"}, effects: 1, state: stateRunning},
		},
		{
			name: "savepoint by generation fails twice", prepare: runJob(), brief: true, savepoints: 1,
			want: &want{restored: []string{"nothing"}, effects: 3, state: stateRunning},
			act: func(w *world.World) {
				w.HoldSavepoints()
				begin := time.Now()
				w.Edit("a", builders.SavepointGeneration(1))
				for number := range 2 {
					w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == number+1 })
					begun := w.Ledger().Savepoints[number]
					process(w).FailOperation(begun.JobID, begun.TriggerID, "org.example.NoSpace", "disk full")
				}
				w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 3 })
				if pauses := time.Since(begin); pauses < 29*time.Second {
					w.Violate(oracleStory, "two failed savepoints were tried again within %s", pauses)
				}
				w.ReleaseSavepoints()
			},
			done: generation(1),
		},
		{
			name: "the operator is away for ten savepoints of the schedule", prepare: func(w *world.World) {
				runJob(builders.AutoSavepoint(1200))(w)
			}, brief: true, savepoints: 1, longest: time.Hour,
			want: &want{restored: []string{"nothing"}, effects: 1, state: stateRunning},
			act: func(w *world.World) {
				w.StopOperators()
				w.Settle(200 * time.Minute)
				w.Join()
			},
			done: generation(1), rest: edit(noSchedule),
		},
		{
			name: "create with a schedule", prepare: nothing, done: running(1), brief: true, rest: edit(noSchedule),
			want: &want{restored: []string{"nothing"}, state: stateRunning},
			act:  func(w *world.World) { w.Apply(jobCluster(builders.AutoSavepoint(3600))) },
		},
		{
			name: "another annotation while the first is removed", prepare: runJob(), brief: true, savepoints: 2,
			want: &want{restored: []string{"nothing"}, stops: 1, effects: 2, state: stateCancelled},
			act: func(w *world.World) {
				w.BeforeCall("patch flinkclusters default/a", func() {
					fixture.Change(w.T(), w.API, builders.Namespace, "a", builders.UserControl(v1beta1.ControlJobCancel))
				})
				w.Annotate("a", v1beta1.ControlSavepoint)
			},
			done: all(controlled(v1beta1.ControlJobCancel, v1beta1.ControlStateSucceeded), inState(v1beta1.ClusterStateStopped), gonePods),
		},
		{
			name: "annotation on a job that has failed", brief: true,
			prepare: func(w *world.World) {
				runJob(builders.Restart(v1beta1.RestartPolicyNever))(w)
				failJob(w)
				w.Settle(time.Minute)
			},
			want: &want{restored: []string{"nothing"}, state: stateFailed},
			act:  annotate(v1beta1.ControlSavepoint),
			done: all(controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateFailed), func(w *world.World) bool {
				return cluster(w).Status.Savepoint == nil
			}),
		},
		{
			name: "the result expires while the operator is away", prepare: runJob(), brief: true, savepoints: 1,
			want: &want{restored: []string{"nothing"}, effects: 1, state: stateRunning},
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Annotate("a", v1beta1.ControlSavepoint)
				w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
				w.Settle(time.Second)
				w.StopOperators()
				w.ReleaseSavepoints()
				w.Settle(10 * time.Minute)
				process(w).ExpireResults()
				w.Join()
			},
			done: all(controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateSucceeded), generation(1)),
		},
		{
			name: "JobManager lost in the second savepoint", brief: true, savepoints: 1, later: 1,
			prepare: func(w *world.World) {
				runJob()(w)
				w.Annotate("a", v1beta1.ControlSavepoint)
				w.Eventually("the first is done", func() bool { return controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateSucceeded)(w) })
			},
			want: &want{restored: []string{"nothing", "savepoint 1"}, effects: 1, state: stateRunning},
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Annotate("a", v1beta1.ControlSavepoint)
				w.Eventually("the second has begun", func() bool { return len(w.Ledger().Savepoints) == 2 })
				w.DeletePod(jobManagerPod(w))
			},
			done: all(controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateFailed), running(2), generation(1)),
		},
		{
			name: "savepoint, and the job fails at once", savepoints: 1,
			prepare: runJob(builders.Restart(v1beta1.RestartPolicyNever),
				builders.Cleanup(v1beta1.CleanupActionDeleteCluster, v1beta1.CleanupActionDeleteCluster, v1beta1.CleanupActionDeleteCluster)),
			want: &want{restored: []string{"nothing"}, effects: 1, state: stateFailed}, keepsJobManager: true,
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Annotate("a", v1beta1.ControlSavepoint)
				w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
				w.ReleaseSavepoints()
				w.Settle(world.SavepointTakes)
				failJob(w)
			},
			done: all(controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateSucceeded), inState(v1beta1.ClusterStateStopped), gonePods),
		},
	}
}

// restoreScenarios: from what a run starts.
func restoreScenarios() []scenario {
	checkpoints := func(w *world.World, count int) {
		manager := w.JobManager("a")
		for range count {
			manager.CompleteCheckpoint(manager.JobID)
			w.Settle(12 * time.Second)
		}
	}
	savepoint := func(w *world.World) {
		w.Annotate("a", v1beta1.ControlSavepoint)
		w.Eventually("it is done", func() bool { return controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateSucceeded)(w) })
	}
	old := func(w *world.World) { w.Storage.Put(savepointsDir+"/old", 1) }
	return []scenario{
		{
			name: "from a savepoint, then a failure", brief: true, later: 1, done: running(2), act: failJob,
			prepare: func(w *world.World) {
				old(w)
				runJob(builders.FromSavepoint(savepointsDir + "/old"))(w)
			},
			want: &want{restored: []string{"old", "chk-4"}, state: stateRunning},
		},
		{
			name: "fromSavepoint is changed, then a failure", brief: true, later: 1, done: running(2), act: failJob,
			prepare: func(w *world.World) {
				old(w)
				runJob()(w)
				w.Edit("a", builders.FromSavepoint(savepointsDir+"/old"))
				w.Settle(time.Minute)
			},
			want: &want{restored: []string{"nothing", "old"}, state: stateRunning},
		},
		{
			name: "checkpoints after a savepoint, then a failure", brief: true, later: 1, done: running(2), act: failJob, savepoints: 1,
			prepare: func(w *world.World) {
				runJob()(w)
				savepoint(w)
				checkpoints(w, 2)
			},
			want: &want{restored: []string{"nothing", "chk-6"}, state: stateRunning},
		},
		{
			name: "checkpoints after a savepoint, and only savepoints count", brief: true, later: 1, done: running(2), act: failJob, savepoints: 1,
			prepare: func(w *world.World) {
				runJob(builders.Restart(fromSavepoint))(w)
				savepoint(w)
				checkpoints(w, 2)
			},
			want: &want{restored: []string{"nothing", "savepoint 1"}, state: stateRunning},
		},
		{
			name: "the newest state is too old", brief: true, done: degraded("StateTooOld"),
			act:     func(w *world.World) { w.JobManager("a").FailJob("org.example.Boom: no", "") },
			prepare: runJob(builders.Job(func(job *v1beta1.JobSpec) { job.MaxStateAgeToRestoreSeconds = new(int32(60)) })),
			want:    &want{restored: []string{"nothing"}, state: stateFailed},
		},
		{
			name: "the newest state is missing", brief: true, later: 1, done: running(4), savepoints: 2, longest: 20 * time.Minute,
			prepare: func(w *world.World) {
				runJob(builders.Restart(fromSavepoint))(w)
				savepoint(w)
				savepoint(w)
			},
			act: func(w *world.World) {
				w.Storage.Delete(cluster(w).Status.Components.Job.SavepointLocation)
				failJob(w)
			},
			want: &want{restored: []string{"nothing", "savepoint 2", "savepoint 2", "savepoint 1"}, state: stateRunning},
		},
		{
			name: "the newest state is missing for a moment", brief: true, later: 1, done: running(3), savepoints: 1, longest: 20 * time.Minute,
			prepare: func(w *world.World) {
				runJob(builders.Restart(fromSavepoint))(w)
				savepoint(w)
			},
			act: func(w *world.World) {
				location := cluster(w).Status.Components.Job.SavepointLocation
				w.Storage.Delete(location)
				failJob(w)
				w.Eventually("it was looked for", func() bool { return len(w.Ledger().Starts) == 2 })
				w.Storage.Put(location, 3)
			},
			want: &want{restored: []string{"nothing", "savepoint 1", "savepoint 1"}, state: stateRunning},
		},
	}
}

// specs are the contents of the objects that are made from a spec.
func specs(w *world.World) string {
	var contents []any
	for _, config := range fixture.List[corev1.ConfigMap](w.T(), w.API, "") {
		contents = append(contents, config.Data)
	}
	for _, set := range fixture.List[appsv1.StatefulSet](w.T(), w.API, "") {
		contents = append(contents, set.Spec)
	}
	for _, job := range fixture.List[batchv1.Job](w.T(), w.API, "") {
		contents = append(contents, job.Spec)
	}
	text, _ := json.MarshalIndent(contents, "", " ")
	return string(text)
}

func degraded(reason string) func(w *world.World) bool {
	return func(w *world.World) bool {
		condition := meta.FindStatusCondition(cluster(w).Status.Conditions, v1beta1.ConditionDegraded)
		return condition != nil && condition.Status == metav1.ConditionTrue && condition.Reason == reason
	}
}

// troubleScenarios: crash loops, silence, pods that linger, clusters that come back.
func troubleScenarios() []scenario {
	return []scenario{
		{
			name: "the limit of restarts", brief: true, done: degraded("RestartLimitReached"),
			prepare: runJob(builders.Job(func(job *v1beta1.JobSpec) { job.RestartBackoff = &v1beta1.RestartBackoff{Limit: new(int32(1))} })),
			want:    &want{restored: []string{"nothing", "chk-3"}, state: stateFailed},
			act: func(w *world.World) {
				failJob(w)
				w.Eventually("it runs again", func() bool { return running(2)(w) })
				w.JobManager("a").FailJob("org.example.Boom: no", "")
			},
		},
		{
			name: "crash loop", brief: true, later: 1, done: all(running(5), degraded("CrashLoop")), prepare: runJob(), longest: 20 * time.Minute,
			want: &want{restored: []string{"nothing", "chk-3", "chk-3", "chk-3", "chk-3"}, state: stateRunning},
			act: func(w *world.World) {
				failJob(w)
				for run, pause := range []time.Duration{0, 10 * time.Second, 20 * time.Second} {
					w.Eventually("it runs again", func() bool { return running(int32(run) + 2)(w) })
					begin := time.Now()
					w.JobManager("a").FailJob("org.example.Boom: no", "")
					w.Eventually("it is started again", func() bool { return len(w.Ledger().Starts) == run+3 })
					if took := time.Since(begin); took < pause {
						w.Violate(oracleStory, "after failure %d it was started again within %s", run+2, took)
					}
				}
			},
		},
		{
			name: "JobManager silent for four minutes", brief: true, done: all(running(1), ready), prepare: runJob(),
			want: &want{restored: []string{"nothing"}, state: stateRunning},
			act: func(w *world.World) {
				w.JobManager("a").Inject(flinktest.Fault{Hang: true})
				w.Settle(4 * time.Minute)
				condition := meta.FindStatusCondition(cluster(w).Status.Conditions, v1beta1.ConditionReady)
				if condition == nil || condition.Status != metav1.ConditionUnknown {
					w.Violate(oracleStory, "a silent JobManager is not told: %v", condition)
				}
				w.JobManager("a").ClearFaults()
			},
		},
		{
			name: "JobManager lists another job too", brief: true, done: all(running(1), ready), prepare: runJob(),
			want: &want{restored: []string{"nothing", "nothing"}, state: stateRunning},
			act: func(w *world.World) {
				const other = "0123456789abcdef0123456789abcdef"
				w.JobManager("a").StartJob(other, "")
				w.JobManager("a").SetStatus(other, flink.JobFinished)
				w.Settle(2 * time.Minute)
			},
		},
		{
			name: "a JobManager's pod that is slow to go", brief: true, later: 1, done: running(2),
			want: &want{restored: []string{"nothing", "chk-3"}, state: stateRunning},
			prepare: func(w *world.World) {
				runJob()(w)
				w.SlowPods(30 * time.Second)
			},
			act: failJob,
		},
		{
			name: "the operator is started again", brief: true, done: running(1), prepare: runJob(),
			want: &want{restored: []string{"nothing"}, state: stateRunning},
			act: func(w *world.World) {
				w.StopOperators()
				w.ForgetCalls()
				w.Join()
				w.Settle(time.Minute)
				if writes := w.Writes(); len(writes) > 0 {
					w.Violate(oracleStory, "an operator that was started again wrote %q", writes)
				}
			},
		},
	}
}
