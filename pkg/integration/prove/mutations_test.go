//go:build prove

package prove

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
)

// provenMutations is how many mutations there have to be at least.
const provenMutations = 10_000

// TestMutations tries each property of the spec with values that are plausible, at the bounds, just beyond them, of
// another kind, long, empty or strange. What the API server and the operator say of each must be the same, but for the
// differences that are listed, and the operator must neither panic nor complain without naming the field.
func TestMutations(t *testing.T) {
	mutations := judgedMutations(t)
	differences := map[string][]string{}
	for _, mutation := range mutations {
		found := judgeByOperator(mutation.object)
		name := fmt.Sprintf("%s cluster, %s: %s", mutation.seed, mutation.path, mutation.what)
		require.Empty(t, found.panicked, "panic: %s", name)
		requireFieldNamed(t, name, found)
		if accepted := len(mutation.complaints) == 0; accepted == found.refused() {
			if reason := justified(mutation, found); reason != "" {
				differences[reason] = append(differences[reason], name)
				continue
			}
			t.Errorf("%s\n  the schema says: %s\n  the operator says: %s", name, strings.Join(mutation.complaints, "; "), found)
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(differences)) {
		t.Logf("%d differences: %s; such as %s", len(differences[reason]), reason, differences[reason][0])
	}
	t.Logf("R6 %d mutations, 0 chains", len(mutations))
	require.GreaterOrEqual(t, len(mutations), provenMutations)
}

// seeds are the clusters that mutations differ from.
func seeds() map[string]*v1beta1.FlinkCluster {
	return map[string]*v1beta1.FlinkCluster{
		"job":     builders.JobCluster("a", builders.SavepointsDir("file:/savepoints"), builders.Restart(v1beta1.RestartPolicyFromLatestStateOnFailure)),
		"session": builders.SessionCluster("a"),
	}
}

// document is a cluster as it is written, without a status.
func document(t *testing.T, cluster *v1beta1.FlinkCluster) map[string]any {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(cluster)
	require.NoError(t, err)
	delete(object, "status")
	return object
}

// requireFieldNamed: a person who reads the error has to know what to change.
func requireFieldNamed(t *testing.T, name string, found opinion) {
	t.Helper()
	for _, err := range found.errs {
		require.True(t, strings.HasPrefix(err.Field, "spec.") || err.Field == "metadata.name", "%s: no field in %v", name, err)
	}
	if found.rendering != nil {
		require.Contains(t, found.rendering.Error(), "spec.", "%s: no field in the error", name)
	}
}

func (o opinion) String() string {
	switch {
	case o.unreadable != nil:
		return "unreadable: " + o.unreadable.Error()
	case o.rendering != nil:
		return "not made: " + o.rendering.Error()
	case len(o.errs) > 0:
		return o.errs.ToAggregate().Error()
	}
	return "nothing"
}
