package cluster_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/controller/cluster"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

const (
	currentJob = "0123456789abcdef0123456789abcdef"
	formerJob  = "fedcba9876543210fedcba9876543210"
)

func metadataOf(app, name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: builders.Namespace, Name: name, Labels: map[string]string{v1beta1.LabelApp: app, "type": "flink-native-kubernetes"}},
		Data:       data,
	}
}

// newMetadata is that of a job cluster "a" in its second life with a job id, of a session cluster "b", and of others with names like these.
func newMetadata(t *testing.T) (*fixture.API, *cluster.Metadata, *v1beta1.FlinkCluster) {
	t.Helper()
	api := fixture.New(nil)
	api.Add(t, []runtime.Object{
		metadataOf("a.01234567", "a.01234567-cluster-config-map", map[string]string{"executionPlan-" + currentJob: "x", "jobGraph-" + currentJob: "x", "jobGraph-" + formerJob: "y"}),
		metadataOf("a.01234567", "a.01234567-"+currentJob+"-config-map", map[string]string{"checkpointID-0000000000000000009": "x", "checkpointID-0000000000000000012": "x", "checkpointID-x": "y", "counter": "99"}),
		metadataOf("a.fedcba98", "a.fedcba98-cluster-config-map", nil),
		metadataOf("a", "a-cluster-config-map", nil),
		metadataOf("b", "flink-config-b", nil),
		metadataOf("b", "b-cluster-config-map", nil),
		metadataOf("ab.01234567", "ab.01234567-cluster-config-map", nil),
		metadataOf("a-b", "a-b-cluster-config-map", nil),
	}...)
	made := builders.JobCluster("a")
	made.Status.Components.Job = &v1beta1.JobStatus{
		ID: currentJob, HighAvailability: &v1beta1.HighAvailabilityStatus{ClusterID: "a.01234567"}, FormerMetadata: []string{formerJob},
	}
	return api, &cluster.Metadata{Client: api.KubeClient(t)}, made
}

func TestReadMetadata(t *testing.T) {
	_, metadata, made := newMetadata(t)
	seen, err := metadata.Read(t.Context(), made)
	require.NoError(t, err)
	require.Equal(t, &lifecycle.Metadata{Exists: true, CheckpointID: 12, Former: true}, seen)

	made.Status.Components.Job.ID, made.Status.Components.Job.FormerMetadata = formerJob, nil
	seen, err = metadata.Read(t.Context(), made)
	require.NoError(t, err)
	require.Equal(t, &lifecycle.Metadata{}, seen)
}

// TestRemoveGraph: of the job in question, and nothing that somebody has written meanwhile.
func TestRemoveGraph(t *testing.T) {
	api, metadata, made := newMetadata(t)
	require.NoError(t, metadata.RemoveGraph(t.Context(), made))
	held := fixture.Get[corev1.ConfigMap](t, api, builders.Namespace, "a.01234567-cluster-config-map")
	require.Equal(t, map[string]string{"jobGraph-" + formerJob: "y"}, held.Data)
	api.ForgetRequests()
	require.NoError(t, metadata.RemoveGraph(t.Context(), made))
	require.Empty(t, api.Writes(), "there is nothing left to remove")

	made.Status.Components.Job.HighAvailability.ClusterID = "a.gone"
	require.NoError(t, metadata.RemoveGraph(t.Context(), made))
}

func TestRemoveGraphThatChanges(t *testing.T) {
	api, metadata, made := newMetadata(t)
	api.FailNext("update", "configmaps", fixture.Fault{Err: apierrors.NewConflict(corev1.Resource("configmaps"), "a", http.ErrAbortHandler)})
	require.True(t, apierrors.IsConflict(metadata.RemoveGraph(t.Context(), made)))
}

func TestRemoveMetadata(t *testing.T) {
	names := func(api *fixture.API) []string {
		var found []string
		for _, held := range fixture.List[corev1.ConfigMap](t, api, builders.Namespace) {
			found = append(found, held.Name)
		}
		return found
	}
	api, metadata, made := newMetadata(t)
	require.NoError(t, metadata.RemoveFormer(t.Context(), made))
	require.Len(t, names(api), 7)
	require.NotContains(t, names(api), "a.fedcba98-cluster-config-map")

	require.NoError(t, metadata.RemoveAll(t.Context(), made))
	others := []string{"a-cluster-config-map", "b-cluster-config-map", "flink-config-b", "ab.01234567-cluster-config-map", "a-b-cluster-config-map"}
	require.ElementsMatch(t, others, names(api))
	require.NoError(t, metadata.RemoveAll(t.Context(), made), "there is none any more")

	session := builders.SessionCluster("b")
	require.NoError(t, metadata.RemoveAll(t.Context(), session))
	require.ElementsMatch(t, others, names(api), "without high availability it has none")
	builders.FlinkProperty("high-availability.type", "kubernetes")(session)
	require.NoError(t, metadata.RemoveAll(t.Context(), session))
	require.ElementsMatch(t, []string{"a-cluster-config-map", "flink-config-b", "ab.01234567-cluster-config-map", "a-b-cluster-config-map"}, names(api))
}
