//go:build prove

package prove

import (
	"fmt"
	"hash/fnv"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// What the environment asks for.
var (
	// only is the one plan to run, as "scenario/plan".
	only = os.Getenv("FLINK_OPERATOR_PROVE_PLAN")
	// stops: after the first violation nothing more is tried.
	stops = os.Getenv("FLINK_OPERATOR_PROVE_STOP") != ""
	// every: of the plans only one in so many is run; 1 for all.
	every = number("FLINK_OPERATOR_PROVE_EVERY", 1)
)

func number(variable string, fallback int) int {
	if value, err := strconv.Atoi(os.Getenv(variable)); err == nil && value > 0 {
		return value
	}
	return fallback
}

// violated says that there was a violation already.
var violated atomic.Bool

// TestCampaign lives through every scenario, undisturbed and with each plan.
func TestCampaign(t *testing.T) {
	table := newTally()
	t.Cleanup(func() { table.print(t) })
	for _, story := range scenarios() {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			reference, held := tell(t, story, plan{id: "undisturbed", leaders: 1}, nil)
			table.undisturbed(story, reference, held)
			if !held || only == story.name+"/undisturbed" {
				return
			}
			for _, disturbed := range plansFor(story, reference.calls) {
				if name := story.name + "/" + disturbed.id; !drawn(name) || only != "" && only != name {
					continue
				}
				t.Run(disturbed.id, func(t *testing.T) {
					t.Parallel()
					if stops && violated.Load() {
						return
					}
					found, held := tell(t, story, disturbed, &reference)
					table.count(story, disturbed, found, held)
				})
			}
		})
	}
}

// drawn says whether a plan is among those that are run: one in so many, whatever the story, and always the same.
func drawn(name string) bool {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(name)) // never fails
	return hash.Sum32()%uint32(every) == 0
}

// tell lives through a story and returns what came of it, and whether every promise held. The reference is nil for the
// undisturbed story.
func tell(t *testing.T, story scenario, disturbed plan, reference *outcome) (outcome, bool) {
	t.Helper()
	var found outcome
	var violations []world.Violation
	t.Run("", func(t *testing.T) {
		world.Test(t, func(t *testing.T, w *world.World) {
			t.Cleanup(func() { violations = w.Violations() })
			w.Notifications(reference == nil || disturbed.family == familyNotifications || disturbed.family == familyHidden)
			w.StartOperator()
			story.prepare(w)
			w.Settle(time.Second)
			w.ForgetCalls()
			begin := time.Now()
			if disturbed.begin != nil {
				disturbed.begin(w)
			}
			story.act(w)
			finish(w, story, disturbed)
			w.Settle(settleFor)
			found = outcome{summary: w.Summary("a"), ledger: w.Ledger(), calls: w.Calls(func(world.Call) bool { return true })}
			found.took, found.writes = time.Since(begin), appliedWrites(found.calls)
			found.leave()
			judge(w, story, disturbed, reference, found)
		})
	})
	report(story, disturbed, violations)
	return found, len(violations) == 0
}

// finish waits until the story is over. One in which a JobManager is lost is over when nothing is left open.
func finish(w *world.World, story scenario, disturbed plan) {
	if disturbed.lossy {
		w.Settle(20 * time.Second)
		w.Eventually("no request is left open", func() bool { return openRequests(w) == "" })
		w.Settle(convergeWithin)
	} else {
		w.Within(max(story.longest, longest), "the story is over", func() bool { return story.done(w) })
	}
	if story.rest != nil {
		story.rest(w)
	}
	w.Inject(nil)
}

func judge(w *world.World, story scenario, disturbed plan, reference *outcome, found outcome) {
	switch {
	case reference == nil:
		judgeSavepoints(w, story.savepoints, found.ledger)
		judgeDisposals(w, story, found.ledger)
		judgeWant(w, story, found)
		judgeConditions(w)
	case !disturbed.lossy:
		judgeAsReference(w, story, *reference, found, disturbed.leaders)
	}
	judgeTriggers(w, found.ledger)
	judgeRequests(w)
	judgePods(w)
	lossy := disturbed.lossy || story.forgets
	judgeStatus(w, lossy)
	judgeQuiet(w, story, disturbed)
	judgeStatus(w, lossy)
}

// report tells of a violation in one line, and how to see it again.
func report(story scenario, disturbed plan, violations []world.Violation) {
	if len(violations) == 0 {
		return
	}
	violated.Store(true)
	name := story.name + "/" + disturbed.id
	fmt.Printf("VIOLATION oracle=%s plan=%q: %s\n  again: make prove PLAN=%q\n", violations[0].Oracle, name, violations[0].Message, name)
}
