//go:build apiserver

package apiserver

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/specs"
)

// The table is run against Go's rules in pkg/apis: here it is run against those of the schema. An object that is
// refused is refused with words that tell a person what to change.
func TestSchemaRefusesWhatGoRefuses(t *testing.T) {
	t.Parallel()
	client, err := dynamic.NewForConfig(server.AdminConfig())
	require.NoError(t, err)
	clusters := client.Resource(v1beta1.SchemeGroupVersion.WithResource("flinkclusters"))
	var answers []string
	for _, test := range specs.Cases() {
		t.Run(test.Name, func(t *testing.T) {
			wanted := decodeObject(t, test.YAML)
			err := submit(t, clusters.Namespace(wanted.GetNamespace()), test.Before, wanted)
			if test.Accepted() || test.OnlyGo {
				require.NoError(t, err)
				return
			}
			require.True(t, apierrors.IsInvalid(err) || apierrors.IsBadRequest(err), "%v", err)
			answers = append(answers, err.Error())
			require.Contains(t, err.Error(), test.ExpectedField)
			require.Contains(t, err.Error(), test.ExpectedText)
			t.Log(err)
		})
	}
	for _, message := range rulesOfSchema(t) {
		require.Contains(t, strings.Join(answers, "\n"), message, "each rule has a case that breaks it")
	}
}

// submit creates an object, or updates another one to it, without leaving anything behind. As kubectl does, it has the
// API server refuse fields that it does not know.
func submit(t *testing.T, clusters dynamic.ResourceInterface, before string, wanted *unstructured.Unstructured) error {
	t.Helper()
	if before == "" {
		_, err := clusters.Create(t.Context(), wanted, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
		return err
	}
	stored, err := clusters.Create(t.Context(), decodeObject(t, before), metav1.CreateOptions{})
	require.NoError(t, err)
	wanted.SetResourceVersion(stored.GetResourceVersion())
	_, result := clusters.Update(t.Context(), wanted, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
	require.NoError(t, clusters.Delete(t.Context(), stored.GetName(), metav1.DeleteOptions{}))
	return result
}

func decodeObject(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal([]byte(manifest), &object.Object))
	return object
}

// rulesOfSchema are the messages of all CEL rules in the CRD.
func rulesOfSchema(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile(crdFile)
	require.NoError(t, err)
	var messages []string
	var collect func(value any)
	collect = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, item := range value {
				collect(item)
			}
		case map[string]any:
			rules, _ := value["x-kubernetes-validations"].([]any)
			for _, rule := range rules {
				fields, isMap := rule.(map[string]any)
				require.True(t, isMap)
				message, isString := fields["message"].(string)
				require.True(t, isString, "a rule without a message: %v", rule)
				messages = append(messages, message)
			}
			for _, field := range value {
				collect(field)
			}
		}
	}
	collect(decodeObject(t, string(content)).Object)
	require.NotEmpty(t, messages)
	return messages
}
