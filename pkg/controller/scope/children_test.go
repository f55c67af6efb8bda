package scope_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// What somebody changes in the children is put right; what somebody adds is left alone.
func TestChildEdited(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		config := fixture.Get[corev1.ConfigMap](t, w.API, builders.Namespace, "a-configmap")
		fixture.Change(t, w.API, builders.Namespace, "a-configmap", func(stored *corev1.ConfigMap) {
			for name := range stored.Data {
				stored.Data[name] = "spoilt"
			}
			stored.Annotations = map[string]string{"example.com/theirs": "kept"}
		})
		fixture.Change(t, w.API, builders.Namespace, "a-jobmanager", func(stored *corev1.Service) {
			stored.Spec.Selector = nil
			stored.Spec.ClusterIP = "10.0.0.7"
		})
		fixture.Change(t, w.API, builders.Namespace, "a-taskmanager", func(stored *appsv1.StatefulSet) {
			stored.Spec.Replicas = new(int32(5))
		})
		w.Settle(10 * time.Second)
		mended := fixture.Get[corev1.ConfigMap](t, w.API, builders.Namespace, "a-configmap")
		require.Equal(t, config.Data, mended.Data)
		require.Equal(t, map[string]string{"example.com/theirs": "kept"}, mended.Annotations)
		service := fixture.Get[corev1.Service](t, w.API, builders.Namespace, "a-jobmanager")
		require.Len(t, service.Spec.Selector, 3)
		require.Equal(t, "10.0.0.7", service.Spec.ClusterIP)
		w.Until("a", "back at one TaskManager", func(c *v1beta1.FlinkCluster) bool {
			return c.Status.Components.TaskManager.Ready == "1/1"
		})
		require.Len(t, w.Ledger().Starts, 1)
		requireSettles(t, w)
	})
}

// What somebody deletes is made again; the JobManager of a run alone is not, as its end is the end of the run.
func TestChildDeleted(t *testing.T) {
	t.Parallel()
	for child, attempt := range map[string]int32{
		"ConfigMap/a-configmap": 1, "Service/a-jobmanager": 1, "StatefulSet/a-taskmanager": 1, "Job/a-jobmanager": 2,
	} {
		t.Run(child, func(t *testing.T) {
			inRunningWorld(t, func(t *testing.T, w *world.World) {
				checkpointing(w, 20*time.Second)
				before := len(w.Children())
				w.Remove(child)
				w.Settle(10 * time.Second)
				w.UntilRunning("a", attempt)
				require.Len(t, w.Children(), before)
				require.Len(t, w.Ledger().Starts, int(attempt))
				requireSettles(t, w)
			}, builders.Restart(fromLatest))
		})
	}
}

// A foreign object of a child's name is told and never touched; when it is gone, the start goes on.
func TestForeignChild(t *testing.T) {
	t.Parallel()
	for name, foreign := range map[string]world.Object{
		"ConfigMap/a-configmap":     &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a-configmap"}, Data: map[string]string{"theirs": "yes"}},
		"Service/a-jobmanager":      &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "a-jobmanager"}},
		"Job/a-jobmanager":          &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "a-jobmanager"}, Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}}},
		"StatefulSet/a-taskmanager": &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "a-taskmanager"}, Spec: appsv1.StatefulSetSpec{Replicas: new(int32(0))}},
	} {
		for _, labelled := range []bool{false, true} {
			title := name
			if labelled {
				title += " with our labels"
			}
			t.Run(title, func(t *testing.T) {
				t.Parallel()
				world.Test(t, func(t *testing.T, w *world.World) { foreignChild(t, w, name, foreign, labelled) })
			})
		}
	}
}

func foreignChild(t *testing.T, w *world.World, name string, foreign world.Object, labelled bool) {
	object, _ := foreign.DeepCopyObject().(world.Object)
	object.SetNamespace(builders.Namespace)
	if labelled {
		object.SetLabels(map[string]string{
			v1beta1.LabelCluster: "a", v1beta1.LabelManagedBy: v1beta1.ManagedByOperator, v1beta1.LabelAttempt: "1",
		})
	}
	w.API.Add(t, object)
	stored := w.Objects()[name]
	w.StartOperator()
	w.Apply(jobCluster())
	w.Until("a", "told of the collision", func(c *v1beta1.FlinkCluster) bool {
		condition := findCondition(c, v1beta1.ConditionDegraded)
		return condition != nil && condition.Reason == "NameCollision"
	})
	require.Contains(t, findCondition(w.Cluster("a"), v1beta1.ConditionDegraded).Message, name)
	w.Settle(20 * time.Second)
	w.ForgetCalls()
	w.Settle(90 * time.Second)
	require.Empty(t, w.Writes())
	require.Equal(t, stored, w.Objects()[name], "untouched")
	require.Empty(t, w.Ledger().Savepoints)

	w.Remove(name)
	w.UntilRunning("a", 1)
	w.Until("a", "no longer degraded", func(c *v1beta1.FlinkCluster) bool {
		return findCondition(c, v1beta1.ConditionDegraded).Status == metav1.ConditionFalse
	})
	require.NotEqual(t, stored, w.Objects()[name])
}
