package scope_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// Two operators that both believe to lead do no harm: one savepoint, one run, the same end, and they come to rest.
func TestTwoOperatorsAtOnce(t *testing.T) {
	eachStory(t, func(t *testing.T, story scenario) {
		t.Parallel()
		reference := tell(t, story, nil)
		together := story
		together.prepare = func(w *world.World) {
			w.StartOperator()
			story.prepare(w)
		}
		inStep := tell(t, together, nil)
		require.Equal(t, reference.summary, inStep.summary)
		// One of them falls behind at each write of either.
		for number := range countWrites(inStep.calls) {
			t.Run(fmt.Sprintf("one stale from write %d", number+1), func(t *testing.T) {
				t.Parallel()
				result := tell(t, together, world.AtNth(number+1, world.IsWrite, hold(append([]string{"flinkclusters"}, childResources...)...)))
				require.Equal(t, reference.summary, result.summary)
			})
		}
	})
}
