//go:build apiserver

package apiserver

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// highAvailabilityScenario is the life of a job with high availability: it is upgraded through its metadata, and without its
// state, and then high availability is taken away. The test writes the metadata, as Flink does.
func highAvailabilityScenario(t *testing.T, m *machinery) {
	const name = "available"
	applyManifest(t, m.namespace, strings.Replace(countingJob(name), "  taskManager:", `  flinkProperties:
    high-availability.type: kubernetes
    high-availability.storageDir: file:///ha
  taskManager:`, 1))
	first := m.waitForSettled(t, name).Status.Components.Job
	requireAccount(t, m, name, true)
	m.writeMetadata(t, first)
	m.jobManager(t, name).CompleteCheckpoint(first.ID)
	m.patch(t, name, `{"spec": {"job": {"args": ["--fast"], "upgradeMode": "last-state"}}}`)
	second := m.waitForRun(t, name, 2)
	require.Equal(t, first.ID, second.ID)
	require.EqualValues(t, 7, second.HighAvailability.CheckpointID)
	held, err := m.client.CoreV1().ConfigMaps(m.namespace).Get(t.Context(), second.HighAvailability.ClusterID+"-cluster-config-map", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"leader": "somebody"}, held.Data, "the stored graph is gone, and nothing else")

	m.patch(t, name, `{"spec": {"job": {"args": ["--faster"], "upgradeMode": "stateless"}}}`)
	require.NotEqual(t, first.ID, m.waitForRun(t, name, 3).ID)
	eventually(t, waitLimit, "no metadata of before", func(ctx context.Context) (bool, any) {
		left, err := m.client.CoreV1().ConfigMaps(m.namespace).List(ctx, metav1.ListOptions{LabelSelector: v1beta1.LabelApp + "=" + second.HighAvailability.ClusterID})
		return err == nil && len(left.Items) == 0, left
	})

	m.patch(t, name, `{"spec": {"flinkProperties": {"high-availability.type": "NONE"}}}`)
	require.Nil(t, m.waitForRun(t, name, 4).HighAvailability)
	requireAccount(t, m, name, false)
	deleteCluster(t, m, name)
}

func (m *machinery) waitForRun(t *testing.T, name string, attempt int32) *v1beta1.JobStatus {
	t.Helper()
	cluster := m.waitFor(t, name, fmt.Sprintf("run %d", attempt), func(cluster *v1beta1.FlinkCluster) bool {
		job := cluster.Status.Components.Job
		return job.Attempt == attempt && job.State == v1beta1.JobStateRunning && len(job.FormerMetadata) == 0
	})
	return cluster.Status.Components.Job
}

// writeMetadata writes what Flink keeps of a job that has completed its seventh checkpoint.
func (m *machinery) writeMetadata(t *testing.T, job *v1beta1.JobStatus) {
	t.Helper()
	id := job.HighAvailability.ClusterID
	for name, data := range map[string]map[string]string{
		id + "-cluster-config-map":        {"executionPlan-" + job.ID: "a graph", "leader": "somebody"},
		id + "-" + job.ID + "-config-map": {"checkpointID-0000000000000000007": "a pointer", "counter": "8"},
	} {
		held := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{v1beta1.LabelApp: id, "type": "flink-native-kubernetes"}}, Data: data,
		}
		_, err := m.client.CoreV1().ConfigMaps(m.namespace).Create(t.Context(), held, metav1.CreateOptions{})
		require.NoError(t, err)
	}
}

// requireAccount waits until the service account of a cluster's pods, with what it may do, is there or gone.
func requireAccount(t *testing.T, m *machinery, cluster string, wanted bool) {
	t.Helper()
	name := cluster + "-flink"
	eventually(t, waitLimit, "the account of the pods", func(ctx context.Context) (bool, any) {
		_, accountErr := m.client.CoreV1().ServiceAccounts(m.namespace).Get(ctx, name, metav1.GetOptions{})
		_, roleErr := m.client.RbacV1().Roles(m.namespace).Get(ctx, name, metav1.GetOptions{})
		_, bindingErr := m.client.RbacV1().RoleBindings(m.namespace).Get(ctx, name, metav1.GetOptions{})
		for _, err := range []error{accountErr, roleErr, bindingErr} {
			if wanted && err != nil || !wanted && !apierrors.IsNotFound(err) {
				return false, err
			}
		}
		return true, nil
	})
}
