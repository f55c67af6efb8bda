package scope_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// heldFor is how long an operator does not see what happens.
const heldFor = 10 * time.Second

var childResources = []string{"configmaps", "services", "jobs", "statefulsets", "pods"}

// hold keeps resources back from the operator that makes a call, from just before the call on.
func hold(resources ...string) world.Injector {
	return func(call world.Call) world.Fault {
		call.Operator.HoldWatches(resources...)
		time.AfterFunc(heldFor, call.Operator.ReleaseWatches)
		return world.NoFault
	}
}

func countWrites(calls []world.Call) int {
	count := 0
	for _, call := range calls {
		if world.IsWrite(call) {
			count++
		}
	}
	return count
}

// However late an operator sees what it did itself, it does nothing twice.
func TestStaleViewFromEachWrite(t *testing.T) {
	views := map[string][]string{"everything": append([]string{"flinkclusters"}, childResources...)}
	if allFaults {
		views["clusters"], views["children"] = []string{"flinkclusters"}, childResources
	}
	eachStory(t, func(t *testing.T, story scenario) {
		t.Parallel()
		reference := tell(t, story, nil)
		for name, resources := range views {
			for number := range countWrites(reference.calls) {
				t.Run(fmt.Sprintf("%s from write %d", name, number+1), func(t *testing.T) {
					t.Parallel()
					result := tell(t, story, world.AtNth(number+1, world.IsWrite, hold(resources...)))
					require.Equal(t, reference.summary, result.summary)
				})
			}
		}
	})
}
