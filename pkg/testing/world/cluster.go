package world

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// Apply makes a cluster, as kubectl apply does.
func (w *World) Apply(cluster *v1beta1.FlinkCluster) {
	w.t.Helper()
	w.note("FlinkCluster %s is made", cluster.Name)
	w.wished(cluster)
	w.API.Add(w.t, cluster)
}

// Edit changes a cluster, as its user does.
func (w *World) Edit(name string, change func(*v1beta1.FlinkCluster)) {
	w.t.Helper()
	w.note("FlinkCluster %s is edited", name)
	fixture.Change(w.t, w.API, builders.Namespace, name, func(cluster *v1beta1.FlinkCluster) {
		change(cluster)
		w.wished(cluster)
	})
}

// Annotate attaches the user-control annotation.
func (w *World) Annotate(name, value string) {
	w.t.Helper()
	w.note("FlinkCluster %s is annotated with %s", name, value)
	fixture.Change(w.t, w.API, builders.Namespace, name, builders.UserControl(value))
}

// Delete has a cluster deleted.
func (w *World) Delete(name string) {
	w.t.Helper()
	w.note("FlinkCluster %s is deleted", name)
	w.kubelet.expectGarbage()
	fixture.Delete[v1beta1.FlinkCluster](w.t, w.API, builders.Namespace, name)
}

// Cluster returns a cluster as it is stored, and fails the test if there is none.
func (w *World) Cluster(name string) *v1beta1.FlinkCluster {
	w.t.Helper()
	cluster := fixture.Get[v1beta1.FlinkCluster](w.t, w.API, builders.Namespace, name)
	require.NotNil(w.t, cluster, "no FlinkCluster %s", name)
	if cluster.Status.Components.Job == nil {
		cluster.Status.Components.Job = &v1beta1.JobStatus{} // spares tests a look for nil
	}
	return cluster
}

// Job returns the status of a cluster's job.
func (w *World) Job(name string) *v1beta1.JobStatus {
	w.t.Helper()
	return w.Cluster(name).Status.Components.Job
}

// Until waits until a cluster is as wanted.
func (w *World) Until(name, what string, wanted func(cluster *v1beta1.FlinkCluster) bool) {
	w.t.Helper()
	w.Eventually(name+" is "+what, func() bool {
		cluster := fixture.Get[v1beta1.FlinkCluster](w.t, w.API, builders.Namespace, name)
		if cluster != nil && cluster.Status.Components.Job == nil {
			cluster.Status.Components.Job = &v1beta1.JobStatus{}
		}
		return cluster != nil && wanted(cluster)
	})
}

// UntilRunning waits until a run of the job has all its tasks running, in a cluster that is up.
func (w *World) UntilRunning(name string, attempt int32) {
	w.t.Helper()
	w.Until(name, fmt.Sprintf("running its job, run %d", attempt), func(cluster *v1beta1.FlinkCluster) bool {
		job := cluster.Status.Components.Job
		return job.State == v1beta1.JobStateRunning && job.Attempt == attempt && cluster.Status.State == v1beta1.ClusterStateRunning
	})
}

// UntilJob waits until the job is in a state.
func (w *World) UntilJob(name string, state v1beta1.JobState) {
	w.t.Helper()
	w.Until(name, "a "+string(state)+" job", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Components.Job.State == state
	})
}

// Object is a Kubernetes object.
type Object interface {
	metav1.Object
	runtime.Object
}

// Objects returns what is in the API server but for FlinkClusters, by names such as "Pod/name".
func (w *World) Objects() map[string]Object {
	objects := map[string]Object{}
	collect[corev1.ConfigMap](w, "ConfigMap", objects)
	collect[corev1.Service](w, "Service", objects)
	collect[batchv1.Job](w, "Job", objects)
	collect[appsv1.StatefulSet](w, "StatefulSet", objects)
	collect[corev1.Pod](w, "Pod", objects)
	collect[appsv1.ControllerRevision](w, "ControllerRevision", objects)
	collect[corev1.ServiceAccount](w, "ServiceAccount", objects)
	collect[rbacv1.Role](w, "Role", objects)
	collect[rbacv1.RoleBinding](w, "RoleBinding", objects)
	return objects
}

func collect[T any, P interface {
	*T
	Object
}](w *World, kind string, objects map[string]Object) {
	for _, object := range fixture.List[T, P](w.t, w.API, "") {
		objects[kind+"/"+object.GetName()] = object
	}
}

// Children names the objects in the API server but for FlinkClusters, as "Pod/name", sorted.
func (w *World) Children() []string {
	return slices.Sorted(maps.Keys(w.Objects()))
}

// Remove deletes an object by its name in Objects, as a user would.
func (w *World) Remove(name string) {
	w.t.Helper()
	w.note("%s is deleted", name)
	kind, name, _ := strings.Cut(name, "/")
	client, err := w.kubelet.client, errors.New("nobody deletes a "+kind+" here")
	switch kind {
	case "ConfigMap":
		err = client.CoreV1().ConfigMaps(builders.Namespace).Delete(w.ends, name, metav1.DeleteOptions{})
	case "Service":
		err = client.CoreV1().Services(builders.Namespace).Delete(w.ends, name, metav1.DeleteOptions{})
	case "Job":
		err = client.BatchV1().Jobs(builders.Namespace).Delete(w.ends, name, metav1.DeleteOptions{})
	case "StatefulSet":
		err = client.AppsV1().StatefulSets(builders.Namespace).Delete(w.ends, name, metav1.DeleteOptions{})
	case "ControllerRevision":
		err = client.AppsV1().ControllerRevisions(builders.Namespace).Delete(w.ends, name, metav1.DeleteOptions{})
	case "ServiceAccount":
		err = client.CoreV1().ServiceAccounts(builders.Namespace).Delete(w.ends, name, metav1.DeleteOptions{})
	case "Role":
		err = client.RbacV1().Roles(builders.Namespace).Delete(w.ends, name, metav1.DeleteOptions{})
	case "RoleBinding":
		err = client.RbacV1().RoleBindings(builders.Namespace).Delete(w.ends, name, metav1.DeleteOptions{})
	case "Pod":
		err = client.CoreV1().Pods(builders.Namespace).Delete(w.ends, name, metav1.DeleteOptions{})
	}
	w.kubelet.tolerate(err)
}

var (
	// times are what differs between two runs of a scenario that end alike.
	times = regexp.MustCompile(`"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"`)
	// newestCheckpoint differs too: an operator that has just started files a request before it has heard of Flink.
	newestCheckpoint = regexp.MustCompile(`,\s*"newestCheckpointID": [0-9]+`)
)

// Summary tells what a cluster has come to, without times: its status, its annotations, its objects, and what its
// JobManagers did.
func (w *World) Summary(name string) string {
	w.t.Helper()
	cluster := fixture.Get[v1beta1.FlinkCluster](w.t, w.API, builders.Namespace, name)
	if cluster == nil {
		cluster = &v1beta1.FlinkCluster{}
	}
	ledger := w.Ledger()
	content, err := json.MarshalIndent(map[string]any{
		"annotations": cluster.Annotations, "status": cluster.Status, "children": w.Children(),
		"starts": ledger.Starts, "savepoints": ledger.Savepoints, "stops": ledger.Stops, "cancels": ledger.Cancels,
		"disposals": slices.Sorted(slices.Values(ledger.Disposals)),
	}, "", "  ")
	require.NoError(w.t, err)
	text := times.ReplaceAllString(string(content), `"time"`)
	text = newestCheckpoint.ReplaceAllString(text, "")
	return strings.ReplaceAll(text, "null", "[]")
}
