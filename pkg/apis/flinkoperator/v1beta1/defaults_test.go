package v1beta1_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/specs"
)

const customResourceDefinition = "../../../../manifests/crds/flinkoperator.k8s.io_flinkclusters.yaml"

// schemaOfSpec is the schema of a FlinkCluster's spec as it is installed.
func schemaOfSpec(t *testing.T) map[string]any {
	t.Helper()
	data, err := os.ReadFile(customResourceDefinition)
	require.NoError(t, err)
	var definition struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema struct {
						Properties map[string]map[string]any `json:"properties"`
					} `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	require.NoError(t, yaml.Unmarshal(data, &definition))
	return definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
}

// fill does what the API server does with a schema's defaults: missing fields get theirs, then what is there is filled.
func fill(schema map[string]any, value any) {
	switch value := value.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		for name, property := range properties {
			property, _ := property.(map[string]any)
			if standard, has := property["default"]; has && value[name] == nil {
				value[name] = runtime.DeepCopyJSONValue(standard)
			}
			fill(property, value[name])
		}
	case []any:
		items, _ := schema["items"].(map[string]any)
		for _, item := range value {
			fill(items, item)
		}
	}
}

// TestDefaults: SetDefaults fills what the schema fills, neither more nor less, and calling it again changes nothing.
func TestDefaults(t *testing.T) {
	schema := schemaOfSpec(t)
	manifests := map[string]string{
		"parts of everything": `
spec:
  image: {name: "flink:2.1", pullPolicy: Never}
  jobManager: {ports: {ui: 1}, extraPorts: [{name: a, containerPort: 5}], resources: {limits: {cpu: "3"}}}
  taskManager: {ports: {}, replicas: 7, resources: {requests: {memory: 1Gi}}}
  job: {restartBackoff: {maxSeconds: 400}, cleanupPolicy: {afterJobFails: DeleteCluster}, restartPolicy: FromLatestStateOnFailure}
`,
		"empty objects": "spec: {image: {name: x}, jobManager: {ports: {}}, taskManager: {}, job: {restartBackoff: {}, cleanupPolicy: {}}}",
		"zeros":         "spec: {image: {name: x}, job: {restartBackoff: {initialSeconds: 0, maxSeconds: 0}, maxStateAgeToRestoreSeconds: 0}}",
	}
	for _, test := range specs.Cases() {
		if !test.OnlySchema && test.Before == "" {
			manifests[test.Name] = test.YAML
		}
	}
	for name, manifest := range manifests {
		t.Run(name, func(t *testing.T) {
			byGo := decode(t, manifest)
			v1beta1.SetDefaults(byGo)

			var object map[string]any
			require.NoError(t, yaml.Unmarshal([]byte(manifest), &object))
			fill(schema, object["spec"])
			data, err := json.Marshal(object)
			require.NoError(t, err)
			bySchema := decode(t, string(data))
			require.True(t, apiequality.Semantic.DeepEqual(bySchema.Spec, byGo.Spec), "schema: %s\nGo: %s", asJSON(t, bySchema.Spec), asJSON(t, byGo.Spec))

			again := byGo.DeepCopy()
			v1beta1.SetDefaults(again)
			require.Equal(t, byGo, again)
			v1beta1.SetDefaults(bySchema)
			require.True(t, apiequality.Semantic.DeepEqual(bySchema.Spec, byGo.Spec), "what the schema filled is left alone")
		})
	}
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	data, err := json.MarshalIndent(value, "", " ")
	require.NoError(t, err)
	return string(data)
}

func TestDefaultsOfNothing(t *testing.T) {
	cluster := &v1beta1.FlinkCluster{}
	v1beta1.SetDefaults(cluster)
	require.Nil(t, cluster.Spec.Job, "a session cluster stays one")
	require.NotEmpty(t, v1beta1.Validate(cluster), "and it can be validated")
	require.EqualValues(t, 1, *cluster.Spec.JobManager.Replicas)
	require.EqualValues(t, 3, *cluster.Spec.TaskManager.Replicas)

	first, second := &v1beta1.FlinkCluster{}, &v1beta1.FlinkCluster{}
	v1beta1.SetDefaults(first)
	v1beta1.SetDefaults(second)
	*first.Spec.JobManager.Ports.UI = 1
	first.Spec.JobManager.Resources.Limits["cpu"] = first.Spec.JobManager.Resources.Requests["cpu"]
	require.NotEqual(t, first.Spec, second.Spec, "clusters share no defaults")
}
