package flinkcluster

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Child is an object that the operator made, as somebody could write it by hand.
type Child struct {
	resource schema.GroupVersionResource
	object   *unstructured.Unstructured
}

// Children returns the objects that the operator made for a cluster with a job.
func (c *Cluster) Children(t testing.TB) []Child {
	t.Helper()
	var children []Child
	for _, child := range []struct {
		resource schema.GroupVersionResource
		suffix   string
	}{
		{schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, "-configmap"},
		{schema.GroupVersionResource{Version: "v1", Resource: "services"}, "-jobmanager"},
		{schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}, "-jobmanager"},
		{schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}, "-taskmanager"},
	} {
		object, err := c.suite.dynamic.Resource(child.resource).Namespace(c.Namespace.Name).Get(t.Context(), c.Name+child.suffix, metav1.GetOptions{})
		require.NoError(t, err)
		children = append(children, Child{child.resource, asWritten(object)})
	}
	return children
}

// asWritten takes away what the API server and controllers have added.
func asWritten(object *unstructured.Unstructured) *unstructured.Unstructured {
	written := &unstructured.Unstructured{Object: map[string]any{"apiVersion": object.GetAPIVersion(), "kind": object.GetKind()}}
	written.SetName(object.GetName())
	written.SetLabels(object.GetLabels())
	for _, part := range []string{"spec", "data"} {
		if content, found := object.Object[part]; found {
			written.Object[part] = content
		}
	}
	for _, path := range [][]string{
		{"spec", "clusterIP"}, {"spec", "clusterIPs"},
		{"spec", "template", "metadata", "labels", "controller-uid"}, {"spec", "template", "metadata", "labels", "job-name"},
		{"spec", "template", "metadata", "labels", "batch.kubernetes.io/controller-uid"},
		{"spec", "template", "metadata", "labels", "batch.kubernetes.io/job-name"},
	} {
		unstructured.RemoveNestedField(written.Object, path...)
	}
	if written.GetKind() == "Job" {
		unstructured.RemoveNestedField(written.Object, "spec", "selector")
	}
	return written
}

// CreateByHand creates the objects of a cluster in another namespace, without a FlinkCluster. The name of the old
// namespace, which is in paths, is replaced.
func (n *Namespace) CreateByHand(t testing.TB, of *Cluster, children []Child) *Cluster {
	t.Helper()
	for _, child := range children {
		text, err := child.object.MarshalJSON()
		require.NoError(t, err)
		object := new(unstructured.Unstructured)
		require.NoError(t, object.UnmarshalJSON([]byte(strings.ReplaceAll(string(text), of.Namespace.Name, n.Name))))
		_, err = n.suite.dynamic.Resource(child.resource).Namespace(n.Name).Create(t.Context(), object, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	return &Cluster{Name: of.Name, Namespace: n, suite: n.suite}
}

// UpgradeByHand does what a script does that has everything prepared: it stops the job with a savepoint, deletes what runs
// and creates it again at once, to start from that savepoint. Children are those that the cluster was created from.
func (c *Cluster) UpgradeByHand(t testing.TB, id string, of *Cluster, children []Child) {
	t.Helper()
	location := c.StopWithSavepoint(t, id)
	for _, child := range children {
		if child.object.GetKind() != "Job" && child.object.GetKind() != "StatefulSet" {
			continue
		}
		require.NoError(t, c.suite.dynamic.Resource(child.resource).Namespace(c.Namespace.Name).
			Delete(t.Context(), child.object.GetName(), metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)}))
		again := child
		if child.object.GetKind() == "Job" {
			again = child.startingFrom(t, location)
		}
		c.Namespace.CreateByHand(t, of, []Child{again})
	}
}

// startingFrom returns a JobManager whose job starts from a savepoint.
func (c Child) startingFrom(t testing.TB, location string) Child {
	t.Helper()
	object := c.object.DeepCopy()
	containers, _, err := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
	require.NoError(t, err)
	container, isMap := containers[0].(map[string]any)
	require.True(t, isMap)
	arguments, _, err := unstructured.NestedStringSlice(container, "args")
	require.NoError(t, err)
	require.Equal(t, "standalone-job", arguments[0])
	require.NoError(t, unstructured.SetNestedStringSlice(container, slices.Insert(arguments, 1, "--fromSavepoint", location), "args"))
	require.NoError(t, unstructured.SetNestedSlice(object.Object, containers, "spec", "template", "spec", "containers"))
	return Child{c.resource, object}
}

// DeleteByHand deletes what CreateByHand created, and waits until nothing is left.
func (c *Cluster) DeleteByHand(t testing.TB) {
	t.Helper()
	c.Namespace.Kubectl(t, "delete", "jobs,statefulsets,services", "--all", "--cascade=foreground", "--timeout", patience.String())
	c.Namespace.Kubectl(t, "delete", "configmap", c.Name+"-configmap")
	c.AwaitNothingLeft(t)
}
