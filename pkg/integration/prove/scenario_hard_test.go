//go:build prove

package prove

import (
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// hardScenarios are those in which two things come close together by themselves.
func hardScenarios() []scenario {
	early := func(w *world.World) {
		w.Eventually("its process runs", func() bool { return process(w) != nil })
		w.JobManager("a").FailJob("org.example.Boom: no", "")
	}
	removed := builders.Cleanup(v1beta1.CleanupActionDeleteCluster, v1beta1.CleanupActionDeleteCluster, v1beta1.CleanupActionDeleteCluster)
	return []scenario{
		{
			name: "create, and the job fails at once", prepare: nothing, done: running(2), later: 1, keepsJobManager: true,
			want: &want{restored: []string{"nothing", "nothing"}, state: stateRunning},
			act: func(w *world.World) {
				w.Apply(jobCluster(builders.Restart(fromLatest)))
				early(w)
			},
		},
		{
			name: "create, and the job fails at once for good", brief: true, leaders: true, prepare: nothing, keepsJobManager: true, open: true,
			want: &want{restored: []string{"nothing"}, state: stateFailed},
			act: func(w *world.World) {
				w.Apply(jobCluster(builders.Restart(v1beta1.RestartPolicyNever), removed))
				early(w)
			},
			done: all(inState(v1beta1.ClusterStateStopped), gonePods),
		},
		{
			name:    "savepoint, the job fails, and Flink tells of neither",
			prepare: runJob(builders.Restart(v1beta1.RestartPolicyNever), removed), savepoints: 1, brief: true,
			want: &want{restored: []string{"nothing"}, effects: 1, state: stateFailed},
			act:  mute,
			done: all(controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateSucceeded), inState(v1beta1.ClusterStateStopped), gonePods),
		},
		{
			name: "savepoint, the job fails, Flink tells of neither, and it is restarted", prepare: runJob(), savepoints: 1, brief: true, later: 1,
			want: &want{restored: []string{"nothing", "chk-4"}, effects: 1, state: stateRunning},
			act:  mute,
			done: all(controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateSucceeded), running(2)),
		},
		{
			name: "savepoint, the job fails, and Flink tells of the savepoint last", prepare: runJob(), brief: true, later: 1,
			want: &want{restored: []string{"nothing", "chk-4"}, effects: 1, state: stateRunning},
			act:  muteOutcome,
			done: all(controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateFailed), running(2), func(w *world.World) bool {
				return strings.Contains(cluster(w).Status.Control.Message, "The job has failed")
			}),
		},
		{
			name: "one lost poll while a pass looks", prepare: runJob(), brief: true, done: all(running(1), ready),
			want: &want{restored: []string{"nothing"}, state: stateRunning},
			act: func(w *world.World) {
				before := meta.FindStatusCondition(cluster(w).Status.Conditions, v1beta1.ConditionReady).LastTransitionTime
				w.JobManager("a").Inject(flinktest.Fault{Route: flinktest.RouteJobs, Nth: 1})
				w.BeforeCall("GET /v1/jobs/overview", func() {
					time.AfterFunc(500*time.Millisecond, func() { w.Edit("a", removed) })
				})
				w.Settle(2 * time.Minute)
				if after := meta.FindStatusCondition(cluster(w).Status.Conditions, v1beta1.ConditionReady).LastTransitionTime; !after.Equal(&before) {
					w.Violate(oracleStory, "one lost answer changed the condition Ready")
				}
			},
		},
		{
			name: "two leaders, one of them cut off from Flink", prepare: runJob(), brief: true, done: all(running(1), ready),
			want: &want{restored: []string{"nothing"}, effects: -1, state: stateRunning}, savepoints: 1,
			act: leadersApart,
		},
		{
			name: "TaskManagers that cannot start", prepare: nothing, brief: true, done: running(1),
			want: &want{restored: []string{"nothing"}, state: stateRunning},
			act: func(w *world.World) {
				w.BlockPods(v1beta1.ComponentTaskManager, "ImagePullBackOff", "no such image")
				w.Apply(jobCluster())
				w.Settle(time.Minute)
				status := cluster(w).Status
				if status.Components.TaskManager == nil || status.Components.TaskManager.Ready != "0/1" || status.State == v1beta1.ClusterStateRunning {
					w.Violate(oracleStory, "TaskManagers that cannot start are told as %+v, the cluster is %s", status.Components.TaskManager, status.State)
				}
				w.BlockPods(v1beta1.ComponentTaskManager, "", "")
			},
		},
		{
			name: "scale a session", brief: true,
			prepare: func(w *world.World) {
				w.Apply(builders.SessionCluster("a", builders.TaskManagers(1)))
				w.Eventually("it is up", func() bool { return inState(v1beta1.ClusterStateRunning)(w) })
				w.Settle(2 * time.Minute)
			},
			act: edit(builders.TaskManagers(2)),
			done: func(w *world.World) bool {
				taskManager := cluster(w).Status.Components.TaskManager
				return taskManager != nil && taskManager.Ready == "2/2"
			},
		},
	}
}

// mute has a savepoint end and its job fail while the JobManager says nothing of savepoints and checkpoints, for as long as
// their last word is waited for and longer.
func mute(w *world.World) {
	w.HoldSavepoints()
	w.Annotate("a", v1beta1.ControlSavepoint)
	w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
	manager := w.JobManager("a")
	for _, route := range []flinktest.Route{flinktest.RouteOperation, flinktest.RouteCheckpoints} {
		manager.Inject(flinktest.Fault{Route: route, Status: http.StatusServiceUnavailable})
	}
	w.ReleaseSavepoints()
	w.Settle(world.SavepointTakes)
	failJob(w)
	w.Settle(20 * time.Second)
	manager.ClearFaults()
}

// muteOutcome has a job fail, and with it its savepoint, while the JobManager says nothing of the savepoint's outcome.
func muteOutcome(w *world.World) {
	w.HoldSavepoints()
	w.Annotate("a", v1beta1.ControlSavepoint)
	w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
	manager := w.JobManager("a")
	manager.Inject(flinktest.Fault{Route: flinktest.RouteOperation, Status: http.StatusServiceUnavailable})
	failJob(w)
	w.Settle(20 * time.Second)
	manager.ClearFaults()
	w.ReleaseSavepoints()
}

// leadersApart has a second operator lead that hears nothing of Flink, while a savepoint is asked for.
func leadersApart(w *world.World) {
	w.Join()
	operators := w.Operators()
	second := operators[len(operators)-1]
	w.CutOffFromFlink(second, true)
	w.Settle(time.Second)
	w.ForgetCalls()
	w.Annotate("a", v1beta1.ControlSavepoint)
	w.Settle(20 * time.Second)
	if writes := len(w.Writes()); writes > 60 {
		w.Violate(oracleWrites, "two leaders wrote %d times in 20 s", writes)
	}
	w.CutOffFromFlink(second, false)
	w.Settle(time.Minute)
	second.Stop()
}
