package resources

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

func newHACluster() *v1beta1.FlinkCluster {
	cluster := newJobCluster()
	cluster.Spec.FlinkProperties = withHA(map[string]string{"high-availability.type": "kubernetes"})
	return cluster
}

// TestIdentityOfHighAvailability: each job id has metadata of its own, whatever the names of clusters are.
func TestIdentityOfHighAvailability(t *testing.T) {
	require.Equal(t, "shop", v1beta1.HAClusterID("shop", ""))
	require.Equal(t, "shop.01234567", v1beta1.HAClusterID("shop", testJobID))
	require.Equal(t, "shop.ab", v1beta1.HAClusterID("shop", "ab"))
	require.Equal(t, "shop.01234567-"+testJobID+"-config-map", JobMetadataName("shop.01234567", testJobID))
	require.Equal(t, "type=flink-native-kubernetes,app in (a.1,a.2)", MetadataSelector("a.1", "a.2"))
	require.Equal(t, "type=flink-native-kubernetes", MetadataSelector())
}

// TestJobManagerWithHighAvailability is a StatefulSet, and one without is a Job.
func TestJobManagerWithHighAvailability(t *testing.T) {
	_, err := JobManagerJob(inputFor(newHACluster()))
	require.ErrorIs(t, err, errHAKind)
	_, err = JobManagerStatefulSet(inputFor(newJobCluster()))
	require.ErrorIs(t, err, errHAKind)
	set, err := JobManagerStatefulSet(inputFor(newHACluster()))
	require.NoError(t, err)
	require.Contains(t, set.Spec.Template.Spec.Containers[0].Args, "jobmanager.rpc.address=$(POD_IP)", "it is not escaped")
}

// TestServiceAccount: one that the user names is used, wherever it is named, and none is made without need.
func TestServiceAccount(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(*v1beta1.FlinkClusterSpec)
		expected string
		makes    bool
	}{
		"made":  {func(*v1beta1.FlinkClusterSpec) {}, "shop-flink", true},
		"named": {func(spec *v1beta1.FlinkClusterSpec) { spec.ServiceAccountName = new("mine") }, "mine", false},
		"of a template": {func(spec *v1beta1.FlinkClusterSpec) {
			spec.PodTemplate = &runtime.RawExtension{Raw: []byte(`{"spec": {"serviceAccountName": "theirs"}}`)}
		}, "theirs", true},
		"not needed": {func(spec *v1beta1.FlinkClusterSpec) { spec.FlinkProperties = nil }, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newHACluster()
			test.change(&cluster.Spec)
			require.Equal(t, test.makes, MakesAccount(&cluster.Spec))
			set, err := TaskManagerStatefulSet(inputFor(cluster))
			require.NoError(t, err)
			require.Equal(t, test.expected, set.Spec.Template.Spec.ServiceAccountName)
		})
	}
}

func TestValidateHighAvailability(t *testing.T) {
	cluster := newHACluster()
	for version, accepted := range map[string]bool{"": true, "1.14.6": false, "1.15": true, "2.1": true} {
		cluster.Spec.FlinkVersion, cluster.Spec.Image.Name = version, "acme/shop:7"
		require.Equal(t, accepted, len(ValidateHighAvailability(&cluster.Spec)) == 0, version)
	}
	cluster.Spec.FlinkVersion, cluster.Spec.Job = "1.14", nil
	require.Empty(t, ValidateHighAvailability(&cluster.Spec), "the jobs of a session cluster are not the operator's")
}
