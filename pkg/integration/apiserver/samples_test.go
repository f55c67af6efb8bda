//go:build apiserver

package apiserver

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/resources"
	"github.com/flink-operator/flink-operator/pkg/testing/apiserver"
)

// What we give to users to copy is accepted as it is, both by the API server and by the operator.
func TestSamplesAreAccepted(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	for _, pattern := range []string{"../../../manifests/samples/*.yaml", "../../../hack/demo/*.yaml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
				_, complaints, err := server.Kubectl(t.Context(), "", "--namespace", namespace, "apply", "--dry-run=server", "-f", file)
				require.NoError(t, err)
				require.Empty(t, complaints)
				requireValidInGo(t, file)
			})
		}
	}
}

func requireValidInGo(t *testing.T, file string) {
	t.Helper()
	objects, err := apiserver.ReadObjects(file)
	require.NoError(t, err)
	found := 0
	for _, object := range objects {
		if object.GetKind() != v1beta1.Kind {
			continue
		}
		found++
		cluster := &v1beta1.FlinkCluster{}
		require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, cluster, true))
		v1beta1.SetDefaults(cluster)
		require.Empty(t, v1beta1.Validate(cluster))
		require.Empty(t, resources.ValidatePodTemplates(&cluster.Spec))
	}
	require.NotZero(t, found, "%s has no FlinkCluster", file)
}

// The operator's own pod passes the restricted level of Pod Security, which its namespace enforces.
func TestOperatorPodIsRestricted(t *testing.T) {
	const file = "operator/deployment.yaml"
	objects, err := apiserver.ReadObjects(installFile)
	require.NoError(t, err)
	for _, object := range objects {
		if object.GetKind() != "Deployment" {
			continue
		}
		spec, isMap := object.Object["spec"].(map[string]any)
		require.True(t, isMap)
		pod, isMap := spec["template"].(map[string]any)
		require.True(t, isMap)
		pod["apiVersion"], pod["kind"] = "v1", "Pod"
		metadata, isMap := pod["metadata"].(map[string]any)
		require.True(t, isMap)
		metadata["name"] = "flink-operator-of-a-test"
		manifest, err := json.Marshal(pod)
		require.NoError(t, err)
		_, complaints, err := server.Kubectl(t.Context(), string(manifest), "--namespace", object.GetNamespace(), "create", "--dry-run=server", "-f", "-")
		require.NoError(t, err)
		require.Empty(t, complaints)
		return
	}
	require.Fail(t, "no Deployment", "%s of %s", file, installFile)
}
