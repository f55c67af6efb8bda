//go:build apiserver

package apiserver

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/controller/status"
	"github.com/flink-operator/flink-operator/pkg/generated/informers/externalversions"
)

// deletionScenario deletes a job with a savepoint, and another one that somebody else holds: the operator's finalizer goes,
// and theirs stays.
func deletionScenario(t *testing.T, m *machinery) {
	const name, theirs = "deleted", "example.com/theirs"
	manifest := strings.Replace(countingJob(name), "name: "+name, "name: "+name+", finalizers: ["+theirs+"]", 1)
	applyManifest(t, m.namespace, manifest)
	cluster := m.waitForSettled(t, name)
	require.Equal(t, []string{theirs, v1beta1.Finalizer}, cluster.Finalizers)
	m.patch(t, name, `{"spec": {"job": {"deletionPolicy": "Savepoint"}}}`)
	m.waitForSettled(t, name)
	kubectl(t, "--namespace", m.namespace, "delete", "fc", name, "--wait=false")
	cluster = m.waitFor(t, name, "only the other finalizer", func(cluster *v1beta1.FlinkCluster) bool {
		return len(cluster.Finalizers) == 1 && cluster.Finalizers[0] == theirs
	})
	require.Equal(t, v1beta1.LifecycleDeleting, cluster.Status.Lifecycle)
	require.Len(t, cluster.Status.SavepointHistory, 1)
	require.Equal(t, v1beta1.SavepointReasonJobDeletion, cluster.Status.SavepointHistory[0].Reason)
	ledger := m.jobManager(t, name).Ledger()
	require.Len(t, ledger.Stops, 1)
	require.Empty(t, ledger.Cancels)
	m.patch(t, name, `{"metadata": {"finalizers": null}}`)
	eventually(t, waitLimit, "nothing to be left of "+name, func(context.Context) (bool, any) {
		left := m.owned()
		return len(left) == 0, left
	})
}

// No operator of another test runs beside it. The patch of a finalizer falls on exactly the version that it was decided on, and never on another life of the name.
func TestFinalizerPatchIsBoundToAVersion(t *testing.T) {
	m := startMachinery(t)
	clusters := flinkClusters(t, m.namespace)
	applyManifest(t, m.namespace, minimalJob("bound"))
	seen, err := clusters.Get(t.Context(), "bound", metav1.GetOptions{})
	require.NoError(t, err)
	updater := status.New(status.Config{
		Client: m.flink.FlinkoperatorV1beta1(), Lister: externalversions.NewSharedInformerFactory(m.flink, time.Hour).Flinkoperator().V1beta1().FlinkClusters().Lister(),
	})
	add := status.MetadataPatch{Finalizers: &[]string{v1beta1.Finalizer}}
	// Somebody adds a finalizer meanwhile.
	_, err = clusters.Patch(t.Context(), "bound", types.MergePatchType, []byte(`{"metadata": {"finalizers": ["example.com/theirs"]}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	_, _, err = updater.PatchMetadata(t.Context(), seen, add)
	require.True(t, apierrors.IsConflict(err), err)
	// And the cluster is made anew.
	_, err = clusters.Patch(t.Context(), "bound", types.MergePatchType, []byte(`{"metadata": {"finalizers": null}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	kubectl(t, "--namespace", m.namespace, "delete", "fc", "bound")
	applyManifest(t, m.namespace, minimalJob("bound"))
	_, _, err = updater.PatchMetadata(t.Context(), seen, add)
	require.True(t, apierrors.IsConflict(err), err)
	fresh, err := clusters.Get(t.Context(), "bound", metav1.GetOptions{})
	require.NoError(t, err)
	_, patched, err := updater.PatchMetadata(t.Context(), fresh, add)
	require.NoError(t, err)
	require.Equal(t, []string{v1beta1.Finalizer}, patched.Finalizers)
	// The last finalizer of a cluster that is being deleted ends it.
	kubectl(t, "--namespace", m.namespace, "delete", "fc", "bound", "--wait=false")
	fresh, err = clusters.Get(t.Context(), "bound", metav1.GetOptions{})
	require.NoError(t, err)
	require.NotNil(t, fresh.DeletionTimestamp)
	_, _, err = updater.PatchMetadata(t.Context(), fresh, status.MetadataPatch{Finalizers: &[]string{}})
	require.NoError(t, err)
	_, err = clusters.Get(t.Context(), "bound", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), err)
}
