//go:build prove

package prove

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// oracleStory: the undisturbed story comes to what it is meant to come to.
const oracleStory world.Oracle = "story"

func judgeWant(w *world.World, story scenario, found outcome) {
	expected := story.want
	if expected == nil {
		return
	}
	var restored []string
	for _, start := range found.ledger.Starts {
		restored = append(restored, restoredFrom(found.ledger, start.RestorePath))
	}
	if !slices.Equal(restored, expected.restored) {
		w.Violate(oracleStory, "runs were started from %q instead of %q", restored, expected.restored)
	}
	if cancels, stops := len(found.ledger.Cancels), len(found.ledger.Stops); cancels != expected.cancels || stops != expected.stops {
		w.Violate(oracleStory, "%d cancels and %d stops, instead of %d and %d", cancels, stops, expected.cancels, expected.stops)
	}
	if effects := len(pick(found.calls, world.IsEffect)); expected.effects >= 0 && effects != expected.effects {
		w.Violate(oracleStory, "Flink was asked %d times to do something, instead of %d times", effects, expected.effects)
	}
	if state := cluster(w).Status.Components.Job.State; state != expected.state {
		w.Violate(oracleStory, "the job is %s instead of %s", state, expected.state)
	}
}

// restoredFrom names a snapshot for people.
func restoredFrom(ledger flinktest.Ledger, location string) string {
	if location == "" {
		return "nothing"
	}
	if name := path.Base(location); strings.HasPrefix(name, "chk-") {
		return name
	}
	for i, savepoint := range ledger.Savepoints {
		if savepoint.Location == location {
			return fmt.Sprintf("savepoint %d", i+1)
		}
	}
	return path.Base(location)
}

// judgeConditions: what the status says of itself and of the job fits.
func judgeConditions(w *world.World) {
	found := cluster(w)
	if found.Name == "" {
		return
	}
	if found.Status.ObservedGeneration != found.Generation {
		w.Violate(oracleHonest, "observedGeneration is %d and the generation %d", found.Status.ObservedGeneration, found.Generation)
	}
	if found.Spec.Job == nil {
		return
	}
	runs := found.Status.Components.Job.State == v1beta1.JobStateRunning && process(w) != nil
	if isReady := meta.IsStatusConditionTrue(found.Status.Conditions, v1beta1.ConditionReady); isReady != runs {
		w.Violate(oracleHonest, "the cluster is told to be ready: %t, and the job runs: %t", isReady, runs)
	}
}
