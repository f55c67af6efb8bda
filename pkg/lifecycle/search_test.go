package lifecycle

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

const (
	// proveVariable asks for the whole search, which takes a minute. Without it a small part is searched: the tests that
	// are run all the time, with the race detector, have to stay fast.
	proveVariable = "FLINK_OPERATOR_PROVE"
	// provenStates is how many states the whole search has to visit at least, smallSearch how many the small one visits.
	provenStates, smallSearch = 100_000, 2_000
	// mostStates bounds the states of one scenario, unless statesVariable has another bound.
	mostStates     = 4_000
	statesVariable = "FLINK_OPERATOR_PROVE_STATES"
	// smallEach has the small search look at one scenario of so many.
	smallEach = 10
)

// search visits the states of a scenario, those first that take the fewest steps, so that what it finds has the shortest
// trace. Nothing is left to chance.
type search struct {
	tables
	scenario scenario
	// specs are the clusters after so many steps of the user.
	specs   []*v1beta1.FlinkCluster
	actions []action
	visited map[state]int32
	nodes   []node

	clusterDecisions, savepointDecisions, controlDecisions map[seenBy]decided
	passages                                               map[passage]passage
	// resting are the states that are known to come to rest.
	resting map[state]bool
	// requeue is the shortest delay that a decision asked for since it was set back.
	requeue time.Duration
	// broken is the first promise that was.
	broken string
}

// node is a state that was visited, and how it was reached.
type node struct {
	state  state
	parent int32
	action int16
	depth  int16
}

func newSearch(scenario scenario) *search {
	s := &search{
		scenario: scenario, actions: actions(), visited: map[state]int32{}, resting: map[state]bool{}, passages: map[passage]passage{},
		clusterDecisions: map[seenBy]decided{}, savepointDecisions: map[seenBy]decided{}, controlDecisions: map[seenBy]decided{},
	}
	spec := newCluster()
	s.specs = append(s.specs, spec)
	for _, step := range scenario.script {
		spec = spec.DeepCopy()
		if step.edit != nil {
			step.edit(spec)
			spec.Generation++
		}
		s.specs = append(s.specs, spec)
	}
	return s
}

// first is the state that the search begins with.
func (s *search) first() state {
	at := state{
		// The one revision has been stable before: there is nothing to roll back here, and no time to become ready.
		partStatus:      s.number(&v1beta1.FlinkClusterStatus{Revision: v1beta1.RevisionStatus{Current: "counter-1", Stable: "counter-1"}}),
		partAnnotations: s.annotations.number(map[string]string{}),
		partMemory:      s.memories.number(flink.Observation{}), partQueue: s.queues.number(nil),
		partFlink: s.flinks.number(flinkWorld{}), partFiled: s.filed.number(nil),
	}
	at[partObjects] = s.children.number(Children{})
	at[partSeen], at[partOlder] = at[partObjects], at[partObjects]
	if s.scenario.running {
		at = s.settle(at)
		at[partOlder] = at[partSeen]
	}
	for what, times := range s.scenario.trouble.may {
		at[what] = times
	}
	return at
}

// run visits states until all are known, or as many as wanted. It returns a story that breaks a promise, "" if none does.
func (s *search) run(most int) string {
	s.reach(s.first(), -1, 0, 0)
	for i := 0; i < len(s.nodes) && len(s.nodes) < most; i++ {
		from := s.nodes[i]
		if from.state[partGone] > 0 {
			continue
		}
		for number, action := range s.actions {
			after, happens := action.do(s, from.state)
			if happens {
				s.reach(after, int32(i), int16(number), from.depth+1)
			}
			if s.broken != "" {
				return s.tell(int32(i), number)
			}
		}
	}
	return ""
}

// reach notes a state, if it is new.
func (s *search) reach(at state, parent int32, action, depth int16) {
	if _, known := s.visited[at]; known || s.broken != "" {
		return
	}
	s.visited[at] = int32(len(s.nodes))
	s.nodes = append(s.nodes, node{at, parent, action, depth})
	s.checkState(at)
	s.settle(at)
}

// depth is how many steps the states that were visited last are away from the first.
func (s *search) depth() int16 { return s.nodes[len(s.nodes)-1].depth }

// bounds says whether the whole search is asked for, and how many states of a scenario are visited.
func bounds(t *testing.T) (whole bool, most int) {
	t.Helper()
	if os.Getenv(proveVariable) == "" || testing.Short() {
		return false, smallSearch * smallEach / slowness / len(scenarios())
	}
	if wanted := os.Getenv(statesVariable); wanted != "" {
		most, err := strconv.Atoi(wanted)
		require.NoError(t, err, statesVariable)
		return true, most
	}
	return true, mostStates
}

// TestSearch visits all states that an operator, its Kubernetes, its Flink and its user can get into by every order of
// passes, polls, answers, losses and crashes, within what each scenario allows. No promise of design.md section 4 is broken
// in any of them, and from each of them the world comes to rest once all trouble has ceased.
func TestSearch(t *testing.T) {
	begin, all, states, complete := time.Now(), scenarios(), 0, 0
	whole, most := bounds(t)
	if whole {
		// Much is kept and little thrown away.
		defer debug.SetGCPercent(debug.SetGCPercent(400))
	}
	for i, scenario := range all {
		if !whole && i%smallEach > 0 {
			continue
		}
		t.Run(strings.ReplaceAll(scenario.name+"/"+scenario.trouble.name, " ", "_"), func(t *testing.T) {
			s, scenarioBegin := newSearch(scenario), time.Now()
			story := s.run(most)
			require.Empty(t, s.broken, story)
			states += len(s.nodes)
			how := "not all"
			if len(s.nodes) < most {
				complete++
				how = "all"
			}
			t.Logf("%d states (%s), to a depth of %d, in %s", len(s.nodes), how, s.depth(), time.Since(scenarioBegin).Round(time.Millisecond))
		})
	}
	t.Logf("R8 %d states in %s; %d of %d scenarios completely", states, time.Since(begin).Round(time.Millisecond), complete, len(all))
	if whole {
		require.GreaterOrEqual(t, states, provenStates)
	}
}
