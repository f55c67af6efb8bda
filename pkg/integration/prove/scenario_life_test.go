//go:build prove

package prove

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

func createScenarios() []scenario {
	badJar := func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.JarFile = "https://example.com/job.jar" }
	goodJar := func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.JarFile = "/opt/flink/usrlib/job.jar" }
	return []scenario{
		{want: &want{restored: []string{"nothing"}, state: stateRunning},
			name: "create a job", prepare: nothing, act: func(w *world.World) { w.Apply(jobCluster()) }, done: running(1), pairs: true},
		{
			name: "create a session", prepare: nothing, done: inState(v1beta1.ClusterStateRunning),
			act: func(w *world.World) { w.Apply(builders.SessionCluster("a", builders.TaskManagers(2))) },
		},
		{
			want: &want{restored: []string{"old"}, state: stateRunning},
			name: "create from a savepoint", brief: true, leaders: true, done: running(1),
			prepare: func(w *world.World) { w.Storage.Put(savepointsDir+"/old", 7) },
			act:     func(w *world.World) { w.Apply(jobCluster(builders.FromSavepoint(savepointsDir + "/old"))) },
		},
		{
			name: "bad spec, then fixed", brief: true, leaders: true, prepare: nothing, done: all(specIs(metav1.ConditionTrue), running(1)),
			act: func(w *world.World) {
				w.Apply(jobCluster(badJar))
				w.Eventually("it is judged", func() bool { return specIs(metav1.ConditionFalse)(w) })
				w.Edit("a", goodJar)
			},
		},
		{
			name: "bad edit, then taken back", prepare: runJob(), done: all(specIs(metav1.ConditionTrue), running(1)),
			act: func(w *world.World) {
				w.Edit("a", badJar)
				w.Eventually("it is judged", func() bool { return specIs(metav1.ConditionFalse)(w) })
				w.Edit("a", goodJar)
			},
		},
		{
			want: &want{restored: []string{"nothing"}, state: stateRunning},
			name: "scale", act: edit(builders.TaskManagers(3)),
			prepare: runJob(builders.Job(func(job *v1beta1.JobSpec) { job.Parallelism = new(int32(1)) })),
			done: func(w *world.World) bool {
				taskManager := cluster(w).Status.Components.TaskManager
				return taskManager != nil && taskManager.Ready == "3/3" && running(1)(w)
			},
		},
	}
}

// specIs says whether the present generation was judged so.
func specIs(valid metav1.ConditionStatus) func(w *world.World) bool {
	return func(w *world.World) bool {
		found := cluster(w)
		condition := meta.FindStatusCondition(found.Status.Conditions, v1beta1.ConditionSpecValid)
		return condition != nil && condition.Status == valid && condition.ObservedGeneration == found.Generation
	}
}

func ready(w *world.World) bool {
	return meta.IsStatusConditionTrue(cluster(w).Status.Conditions, v1beta1.ConditionReady)
}

func failureScenarios() []scenario {
	end := func(exit world.Exit) func(w *world.World) {
		return func(w *world.World) { w.ExitPod(jobManagerPod(w), exit) }
	}
	return []scenario{
		{want: &want{restored: []string{"nothing", "chk-3"}, state: stateRunning},
			name: "job fails, restart from the latest state", prepare: runJob(), act: failJob, done: running(2), later: 1, pairs: true},
		{
			want: &want{restored: []string{"nothing", "savepoint 1"}, effects: 0, state: stateRunning},
			name: "job fails, restart from a savepoint", done: running(2), later: 1,
			prepare: func(w *world.World) {
				runJob(builders.Restart(fromSavepoint), builders.SavepointGeneration(1))(w)
				w.Eventually("there is a savepoint", func() bool { return generation(1)(w) })
			},
			act: failJob, savepoints: 1,
		},
		{
			want: &want{restored: []string{"nothing"}, state: stateFailed},
			name: "job fails and stays failed", prepare: runJob(builders.Restart(v1beta1.RestartPolicyNever)), act: failJob,
			done: func(w *world.World) bool { return cluster(w).Status.Lifecycle == v1beta1.LifecycleFailed },
		},
		{
			want: &want{restored: []string{"nothing", "chk-2"}, state: stateRunning},
			name: "JobManager pod deleted", brief: true, leaders: true, prepare: runJob(), act: func(w *world.World) { w.DeletePod(jobManagerPod(w)) }, done: running(2), later: 1,
		},
		{want: &want{restored: []string{"nothing", "chk-2"}, state: stateRunning},
			name: "JobManager out of memory", brief: true, leaders: true, prepare: runJob(), act: end(world.OOMKilled), done: running(2), later: 1},
		{
			name: "JobManager lost in a savepoint", later: 1, prepare: runJob(), keepsJobManager: true,
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Annotate("a", v1beta1.ControlSavepoint)
				w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
				w.DeletePod(jobManagerPod(w))
			},
			done: all(controlled(v1beta1.ControlSavepoint, v1beta1.ControlStateFailed), running(2)),
		},
		{
			name: "TaskManager lost", prepare: runJob(), keepsJobManager: true, done: all(running(1), ready),
			act: func(w *world.World) {
				w.DeletePod("a-taskmanager-0")
				w.Settle(15 * time.Second)
			},
		},
	}
}

func childScenarios() []scenario {
	remove := func(name string) func(w *world.World) { return func(w *world.World) { w.Remove(name) } }
	foreign := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: builders.Namespace, Name: "a-configmap"}, Data: map[string]string{"theirs": "yes"},
	}
	return []scenario{
		{
			name: "child edited", prepare: runJob(),
			act: func(w *world.World) {
				fixture.Change(w.T(), w.API, builders.Namespace, "a-configmap", func(stored *corev1.ConfigMap) { stored.Data = nil })
				fixture.Change(w.T(), w.API, builders.Namespace, "a-jobmanager", func(stored *corev1.Service) { stored.Spec.Selector = nil })
			},
			done: func(w *world.World) bool {
				config := fixture.Get[corev1.ConfigMap](w.T(), w.API, builders.Namespace, "a-configmap")
				service := fixture.Get[corev1.Service](w.T(), w.API, builders.Namespace, "a-jobmanager")
				return len(config.Data) > 0 && len(service.Spec.Selector) > 0
			},
		},
		{
			name: "ConfigMap deleted", prepare: runJob(), act: remove("ConfigMap/a-configmap"),
			done: func(w *world.World) bool { return w.Objects()["ConfigMap/a-configmap"] != nil },
		},
		{
			name: "Service deleted", prepare: runJob(), act: remove("Service/a-jobmanager"),
			done: func(w *world.World) bool { return w.Objects()["Service/a-jobmanager"] != nil && ready(w) },
		},
		{
			name: "TaskManagers deleted", prepare: runJob(), act: remove("StatefulSet/a-taskmanager"),
			done: func(w *world.World) bool {
				return w.Objects()["Pod/a-taskmanager-0"] != nil && running(1)(w) && ready(w)
			},
		},
		{name: "JobManager deleted", prepare: runJob(), act: remove("Job/a-jobmanager"), done: running(2), later: 1},
		{
			name: "foreign child", brief: true, leaders: true, done: all(running(1), func(w *world.World) bool {
				return meta.IsStatusConditionFalse(cluster(w).Status.Conditions, v1beta1.ConditionDegraded)
			}),
			prepare: func(w *world.World) { w.API.Add(w.T(), foreign) },
			act: func(w *world.World) {
				w.Apply(jobCluster())
				w.Eventually("the collision is told", func() bool {
					condition := meta.FindStatusCondition(cluster(w).Status.Conditions, v1beta1.ConditionDegraded)
					return condition != nil && condition.Reason == "NameCollision"
				})
				if len(fixture.Get[corev1.ConfigMap](w.T(), w.API, builders.Namespace, "a-configmap").Data) != 1 {
					w.Violate(oracleForeign, "a foreign ConfigMap was changed")
				}
				w.Remove("ConfigMap/a-configmap")
			},
		},
	}
}

func endScenarios() []scenario {
	finish := func(w *world.World) { w.JobManager("a").SetStatus(w.JobManager("a").JobID, flink.JobFinished) }
	cleanup := func(action v1beta1.CleanupAction) builders.ClusterOption {
		return builders.Cleanup(action, action, action)
	}
	never := builders.Restart(v1beta1.RestartPolicyNever)
	return []scenario{
		{
			name: "job finishes, cluster removed", prepare: runJob(cleanup(v1beta1.CleanupActionDeleteCluster)), act: finish,
			done: all(inState(v1beta1.ClusterStateStopped), gonePods),
		},
		{
			name: "job finishes, cluster kept", prepare: runJob(cleanup(v1beta1.CleanupActionKeepCluster)), act: finish,
			done: func(w *world.World) bool { return cluster(w).Status.Lifecycle == v1beta1.LifecycleFinished },
		},
		{
			name: "job fails, TaskManagers removed", prepare: runJob(never, cleanup(v1beta1.CleanupActionDeleteTaskManager)), act: failJob,
			done: all(inState(v1beta1.ClusterStatePartiallyStopped), func(w *world.World) bool { return w.Objects()["Pod/a-taskmanager-0"] == nil }),
		},
	}
}

func nothingLeft(w *world.World) bool { return cluster(w).Name == "" && len(w.Children()) == 0 }

func gonePods(w *world.World) bool {
	for _, name := range w.Children() {
		if strings.HasPrefix(name, "Pod/") {
			return false
		}
	}
	return true
}
