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

// Two operators that both believe to lead do no harm to a savepoint: there is one, and one run.
//
// Known and open: where one of the two sees an older world than the other, and in the restart story, their status writes
// wake each other without end for as long as both lead. Only the stories that come to rest are told here.
func TestTwoOperatorsAtOnce(t *testing.T) {
	t.Parallel()
	reference := tell(t, savepointScenario, nil)
	together := savepointScenario
	together.prepare = func(w *world.World) {
		w.StartOperator()
		savepointScenario.prepare(w)
	}
	require.Equal(t, reference.summary, tell(t, together, nil).summary)
}
