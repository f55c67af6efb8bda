package resources

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

const testJobID = "0123456789abcdef0123456789abcdef"

// readCluster reads testdata/<name>.cluster.yaml and sets its defaults.
func readCluster(t testing.TB, name string) *v1beta1.FlinkCluster {
	t.Helper()
	manifest, err := os.ReadFile(filepath.Join("testdata", name+".cluster.yaml"))
	require.NoError(t, err)
	return parseCluster(t, string(manifest))
}

func parseCluster(t testing.TB, manifest string) *v1beta1.FlinkCluster {
	t.Helper()
	cluster := &v1beta1.FlinkCluster{}
	require.NoError(t, yaml.UnmarshalStrict([]byte(manifest), cluster))
	v1beta1.SetDefaults(cluster)
	return cluster
}

// inputFor is the first run of a cluster, or a session cluster if it has no job.
func inputFor(cluster *v1beta1.FlinkCluster) Input {
	in := Input{Cluster: cluster, FlinkVersion: FlinkVersion(&cluster.Spec)}
	if cluster.Spec.Job != nil {
		in.Run = &Run{Attempt: 1, JobID: testJobID, RestoreFrom: cluster.Spec.Job.FromSavepoint}
	}
	return in
}

// newJobCluster is a minimal job cluster with defaults.
func newJobCluster() *v1beta1.FlinkCluster {
	cluster := newSessionCluster()
	cluster.Spec.Job = &v1beta1.JobSpec{JarFile: "/opt/flink/usrlib/shop.jar"}
	v1beta1.SetDefaults(cluster)
	return cluster
}

// newSessionCluster is a minimal session cluster with defaults.
func newSessionCluster() *v1beta1.FlinkCluster {
	cluster := &v1beta1.FlinkCluster{}
	cluster.Name, cluster.Namespace, cluster.UID = "shop", "sales", "6f1c"
	cluster.Spec.Image.Name = "flink:2.1.3"
	v1beta1.SetDefaults(cluster)
	return cluster
}
