//go:build apiserver

package apiserver

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// The schema and SetDefaults fill the same fields with the same values: an object that was stored before a default
// existed is treated like one that is stored today.
func TestDefaultsOfSchemaAndGoAgree(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	for name, spec := range map[string]string{
		"session":             `{image: {name: "flink:2.1"}}`,
		"job":                 `{image: {name: "flink:2.1"}, job: {}}`,
		"pull-policy":         `{image: {name: "flink:2.1", pullPolicy: Never}}`,
		"empty-components":    `{image: {name: "flink:2.1"}, jobManager: {}, taskManager: {}, job: {cleanupPolicy: {}, restartBackoff: {}}}`,
		"nulls":               `{image: {name: "flink:2.1"}, jobManager: null, taskManager: {ports: null, resources: null}, job: {cleanupPolicy: null}}`,
		"some-ports":          `{image: {name: "flink:2.1"}, jobManager: {ports: {ui: 8082}}, taskManager: {ports: {data: 7000}}}`,
		"extra-ports":         `{image: {name: "flink:2.1"}, taskManager: {extraPorts: [{name: prom, containerPort: 9249}]}}`,
		"replicas":            `{image: {name: "flink:2.1"}, taskManager: {replicas: 7}}`,
		"some-resources":      `{image: {name: "flink:2.1"}, taskManager: {resources: {limits: {memory: 1Gi}}}}`,
		"some-back-off":       `{image: {name: "flink:2.1"}, job: {restartBackoff: {limit: 3}}}`,
		"some-cleanup-policy": `{image: {name: "flink:2.1"}, job: {cleanupPolicy: {afterJobFails: DeleteCluster}}}`,
		"restart-policy":      `{image: {name: "flink:2.1"}, job: {restartPolicy: FromLatestStateOnFailure, parallelism: 2}}`,
	} {
		t.Run(name, func(t *testing.T) {
			manifest := "apiVersion: flinkoperator.k8s.io/v1beta1\nkind: FlinkCluster\nmetadata: {name: " + name + "}\nspec: " + spec
			applyManifest(t, namespace, manifest)
			stored, err := flinkClusters(t, namespace).Get(t.Context(), name, metav1.GetOptions{})
			require.NoError(t, err)

			inGo := decodeCluster(t, manifest)
			v1beta1.SetDefaults(inGo)
			require.JSONEq(t, asJSON(t, inGo.Spec), asJSON(t, stored.Spec))
		})
	}
}

// decodeCluster takes no field that the type does not have.
func decodeCluster(t *testing.T, manifest string) *v1beta1.FlinkCluster {
	t.Helper()
	cluster := &v1beta1.FlinkCluster{}
	require.NoError(t, yaml.UnmarshalStrict([]byte(manifest), cluster))
	return cluster
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	return string(encoded)
}
