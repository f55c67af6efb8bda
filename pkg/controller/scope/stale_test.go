package scope_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// heldFor is how long an operator does not see what happens.
const heldFor = 15 * time.Second

// hold keeps resources back from the operator that makes a call, from just before the call on.
func hold(resources ...string) world.Injector {
	return func(call world.Call) world.Fault {
		call.Operator.HoldWatches(resources...)
		time.AfterFunc(heldFor, call.Operator.ReleaseWatches)
		return world.NoFault
	}
}

// However late an operator sees what it did itself, it does nothing twice.
func TestStaleViewFromEachWrite(t *testing.T) {
	t.Parallel()
	for _, story := range []scenario{createScenario, savepointScenario, cancelScenario, restartScenario} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			reference := tell(t, story, nil)
			writes := 0
			for _, call := range reference.calls {
				if world.IsWrite(call) {
					writes++
				}
			}
			for name, resources := range map[string][]string{
				"clusters":   {"flinkclusters"},
				"children":   {"configmaps", "services", "jobs", "statefulsets", "pods"},
				"everything": {"flinkclusters", "configmaps", "services", "jobs", "statefulsets", "pods"},
			} {
				for number := range writes {
					t.Run(fmt.Sprintf("%s from write %d", name, number+1), func(t *testing.T) {
						t.Parallel()
						result := tell(t, story, world.AtNth(number+1, world.IsWrite, hold(resources...)))
						require.Equal(t, reference.summary, result.summary)
					})
				}
			}
		})
	}
}

// Two operators that both believe to lead do no harm: one savepoint, one run, the same end.
func TestTwoOperatorsAtOnce(t *testing.T) {
	t.Parallel()
	for _, story := range []scenario{createScenario, savepointScenario, generationScenario, cancelScenario, restartScenario} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			reference := tell(t, story, nil)
			together := story
			together.prepare = func(w *world.World) {
				w.StartOperator()
				story.prepare(w)
			}
			t.Run("in step", func(t *testing.T) {
				t.Parallel()
				require.Equal(t, reference.summary, tell(t, together, nil).summary)
			})
			// One of them falls behind at each write of the other.
			for number := range len(tell(t, together, nil).calls) {
				if number >= 12 {
					break
				}
				t.Run(fmt.Sprintf("one stale from write %d", number+1), func(t *testing.T) {
					t.Parallel()
					result := tell(t, together, world.AtNth(number+1, world.IsWrite, hold("flinkclusters", "pods", "jobs", "statefulsets")))
					require.Equal(t, reference.summary, result.summary)
				})
			}
		})
	}
}
