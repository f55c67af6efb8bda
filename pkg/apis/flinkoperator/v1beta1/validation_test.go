package v1beta1_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/specs"
)

// TestValidate holds Validate and ValidateUpdate against the table that the API server's rules are held against too.
func TestValidate(t *testing.T) {
	seen := map[string]bool{}
	for _, test := range specs.Cases() {
		require.False(t, seen[test.Name], "two cases are called %q", test.Name)
		seen[test.Name] = true
		if test.OnlySchema {
			continue
		}
		t.Run(test.Name, func(t *testing.T) {
			cluster := decode(t, test.YAML)
			v1beta1.SetDefaults(cluster)
			before := cluster.DeepCopy()
			errs := v1beta1.Validate(cluster)
			require.Equal(t, before, cluster, "Validate changes nothing")
			if test.Before != "" {
				old := decode(t, test.Before)
				v1beta1.SetDefaults(old)
				require.Empty(t, v1beta1.Validate(old))
				errs = append(errs, v1beta1.ValidateUpdate(cluster, old)...)
			}
			if test.Accepted() {
				require.Empty(t, errs)
				return
			}
			require.NotEmpty(t, errs)
			require.NotNil(t, find(errs, test), "%v names neither %s nor %q", errs, test.ExpectedField, test.ExpectedText)
			for _, err := range errs {
				require.Greater(t, len(err.ErrorBody()), 10, "an error says what is accepted")
			}
		})
	}
}

// find returns the error about the field of the case or about a field in it.
func find(errs field.ErrorList, test specs.Case) *field.Error {
	for _, err := range errs {
		if strings.HasPrefix(err.Field, test.ExpectedField) && strings.Contains(err.Error(), test.ExpectedText) {
			return err
		}
	}
	return nil
}

func decode(t *testing.T, manifest string) *v1beta1.FlinkCluster {
	t.Helper()
	cluster, err := specs.Decode(manifest)
	require.NoError(t, err, manifest)
	return cluster
}

func TestSavepointDirectory(t *testing.T) {
	for name, test := range map[string]struct {
		spec     v1beta1.FlinkClusterSpec
		expected string
	}{
		"none":                {v1beta1.FlinkClusterSpec{}, ""},
		"of the job":          {v1beta1.FlinkClusterSpec{Job: &v1beta1.JobSpec{SavepointsDir: "a"}, FlinkProperties: map[string]string{"state.savepoints.dir": "b"}}, "a"},
		"Flink's":             {v1beta1.FlinkClusterSpec{Job: &v1beta1.JobSpec{}, FlinkProperties: map[string]string{"state.savepoints.dir": "b"}}, "b"},
		"Flink's newer name":  {v1beta1.FlinkClusterSpec{FlinkProperties: map[string]string{"state.savepoints.dir": "b", "execution.checkpointing.savepoint-dir": "c"}}, "c"},
		"Flink's, left empty": {v1beta1.FlinkClusterSpec{FlinkProperties: map[string]string{"state.savepoints.dir": ""}}, ""},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.expected, test.spec.SavepointDirectory()) })
	}
}
