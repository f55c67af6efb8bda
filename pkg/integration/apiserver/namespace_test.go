//go:build apiserver

package apiserver

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/flink-operator/flink-operator/pkg/generated/clientset/versioned"
	typedv1beta1 "github.com/flink-operator/flink-operator/pkg/generated/clientset/versioned/typed/flinkoperator/v1beta1"
)

var namespaces atomic.Int32

// newNamespace makes a namespace for one test, with the service account that pods get by default.
func newNamespace(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("test-%d", namespaces.Add(1))
	makeNamespace(t, name)
	return name
}

// makeNamespace makes a namespace. What is left of FlinkClusters in it when the test ends is removed, so that the
// operator of another test finds nothing to do there; the namespace itself would need a controller to go.
func makeNamespace(t *testing.T, name string) {
	t.Helper()
	client := kubeClient(t)
	_, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	require.NoError(t, err)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	_, err = client.CoreV1().ServiceAccounts(name).Create(t.Context(), account, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, clusters := context.WithoutCancel(t.Context()), flinkClusters(t, name)
		require.NoError(t, clusters.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}))
		letGo(ctx, t, clusters)
	})
}

// letGo removes the finalizers of clusters that are being deleted, as docs/operator.md has it for an operator that is gone.
func letGo(ctx context.Context, t *testing.T, clusters typedv1beta1.FlinkClusterInterface) {
	t.Helper()
	list, err := clusters.List(ctx, metav1.ListOptions{})
	require.NoError(t, err)
	for _, cluster := range list.Items {
		_, err := clusters.Patch(ctx, cluster.Name, types.MergePatchType, []byte(`{"metadata": {"finalizers": null}}`), metav1.PatchOptions{})
		require.NoError(t, ignoreGone(err))
	}
}

func kubeClient(t *testing.T) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(server.AdminConfig())
	require.NoError(t, err)
	return client
}

func flinkClusters(t *testing.T, namespace string) typedv1beta1.FlinkClusterInterface {
	t.Helper()
	client, err := versioned.NewForConfig(server.AdminConfig())
	require.NoError(t, err)
	return client.FlinkoperatorV1beta1().FlinkClusters(namespace)
}

// applyManifest applies a manifest as a user does.
func applyManifest(t *testing.T, namespace, manifest string) {
	t.Helper()
	_, _, err := server.Kubectl(t.Context(), manifest, "--namespace", namespace, "apply", "-f", "-")
	require.NoError(t, err)
}

// minimalJob is the least that a user has to write.
func minimalJob(name string) string {
	return `
apiVersion: flinkoperator.k8s.io/v1beta1
kind: FlinkCluster
metadata: {name: ` + name + `}
spec:
  image: {name: "flink:2.1.3"}
  job: {}
`
}

func minimalSession(name string) string {
	return `
apiVersion: flinkoperator.k8s.io/v1beta1
kind: FlinkCluster
metadata: {name: ` + name + `}
spec:
  image: {name: "flink:2.1.3"}
`
}
