package resources

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// TestGolden renders testdata/<name>.cluster.yaml and compares all objects with testdata/<name>.objects.yaml.
func TestGolden(t *testing.T) {
	manifests, err := filepath.Glob("testdata/*.cluster.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, manifests)
	for _, manifest := range manifests {
		name := strings.TrimSuffix(filepath.Base(manifest), ".cluster.yaml")
		t.Run(name, func(t *testing.T) {
			cluster := readCluster(t, name)
			require.Empty(t, v1beta1.Validate(cluster))
			require.Empty(t, ValidatePodTemplates(&cluster.Spec))
			before := cluster.DeepCopy()
			rendered := renderAll(t, inputFor(cluster))
			require.Equal(t, before, cluster, "the input is not changed")

			golden := filepath.Join("testdata", name+".objects.yaml")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(rendered), 0o644))
			}
			expected, err := os.ReadFile(golden)
			require.NoError(t, err, "run the test with -update")
			require.Equal(t, string(expected), rendered, "run the test with -update if this is what is wanted")
		})
	}
}

// TestSameInputSameOutput renders one cluster many times: nothing may depend on the order of a map.
func TestSameInputSameOutput(t *testing.T) {
	first := renderAll(t, inputFor(readCluster(t, "full")))
	for range 20 {
		require.Equal(t, first, renderAll(t, inputFor(readCluster(t, "full"))))
	}
}

func renderAll(t *testing.T, in Input) string {
	t.Helper()
	configMap, err := ConfigMap(in)
	require.NoError(t, err)
	taskManager, err := TaskManagerStatefulSet(in)
	require.NoError(t, err)
	objects := []any{configMap, JobManagerService(in), jobManager(t, in), taskManager}
	if MakesAccount(&in.Cluster.Spec) {
		objects = append(objects, ServiceAccount(in), Role(in), RoleBinding(in))
	}
	var documents []string
	for _, object := range objects {
		document, err := yaml.Marshal(object)
		require.NoError(t, err)
		documents = append(documents, string(document))
	}
	return strings.Join(documents, "---\n")
}

func jobManager(t *testing.T, in Input) any {
	t.Helper()
	if in.Run == nil || in.Cluster.Spec.HighAvailability() {
		statefulSet, err := JobManagerStatefulSet(in)
		require.NoError(t, err)
		return statefulSet
	}
	job, err := JobManagerJob(in)
	require.NoError(t, err)
	return job
}
