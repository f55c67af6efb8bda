package lifecycle

import (
	"slices"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// part is a part of a state. It is no type of its own: a table that has some parts need not have all.
type part = int

// The parts. The first ones hold numbers of interned values, the others count what may still happen.
const (
	// partStatus is the recorded status, partAnnotations those of the cluster.
	partStatus = iota
	partAnnotations
	// partUser is how many steps of the script the user has made; the spec follows from it.
	partUser
	// partObjects are the children as they are, partSeen as the informers show them, and partOlder as they did before: an
	// operator that starts may be given a list from then.
	partObjects
	partSeen
	partOlder
	// partMemory is what the observer knows, partQueue what it is to ask of Flink. A crash loses both.
	partMemory
	partQueue
	// partFlink is the truth about Flink, partFiled the savepoints that were ever filed.
	partFlink
	partFiled
	// partGone is 1 once the cluster has been let go.
	partGone
	// mayCrash, mayLoseMessage and so on are how often it may still happen.
	mayCrash
	mayLoseMessage
	mayLoseJobManager
	mayFailJob
	mayFailSavepoint
	mayCheckpoint
	mayPassSecond
	mayPassRepeatWindow
	mayPassAnswerWait
	parts
)

// state is one of the world and the operator together. Times are relative to the present, which never changes.
type state [parts]int32

func (s state) with(p part, value int32) state {
	s[p] = value
	return s
}

// spend uses up one of what may happen; false if nothing is left.
func (s state) spend(p part) (state, bool) {
	s[p]--
	return s, s[p] >= 0
}

// filed tells which request of the user a savepoint is for.
type filed struct {
	TriggerID, Request string
}

// tables hold the values behind the numbers in states.
type tables struct {
	statuses    interner[*v1beta1.FlinkClusterStatus]
	annotations interner[map[string]string]
	children    interner[Children]
	memories    interner[flink.Observation]
	queues      interner[[]flink.Effect]
	flinks      interner[flinkWorld]
	filed       interner[[]filed]
}

func (t *tables) status(at state) *v1beta1.FlinkClusterStatus { return t.statuses.of(at[partStatus]) }
func (t *tables) objects(at state) Children                   { return t.children.of(at[partObjects]) }
func (t *tables) memory(at state) flink.Observation           { return t.memories.of(at[partMemory]) }
func (t *tables) flink(at state) flinkWorld                   { return t.flinks.of(at[partFlink]) }

// jobManagerOf returns the run of the JobManager that answers; nil for none.
func jobManagerOf(objects Children, world flinkWorld) *worldRun {
	for _, pod := range objects.Pods {
		if pod.Component == v1beta1.ComponentJobManager && pod.Ready && !pod.Terminated {
			return world.run(pod.Attempt)
		}
	}
	return nil
}

// alive says whether the JobManager of a run works.
func alive(objects Children, attempt int32) bool {
	return slices.ContainsFunc(objects.Pods, func(pod Pod) bool {
		return pod.Component == v1beta1.ComponentJobManager && pod.Attempt == attempt && !pod.Terminated
	})
}

// changeFlink has something happen in the JobManager that answers; false if there is none.
func (s *search) changeFlink(at state, change func(world *flinkWorld, run *worldRun) bool) (state, bool) {
	world := s.flink(at).copy()
	run := jobManagerOf(s.objects(at), world)
	if run == nil || !change(&world, run) {
		return at, false
	}
	return at.with(partFlink, s.flinks.number(world)), true
}

// changeObjects has something happen to the children.
func (s *search) changeObjects(at state, change func(Children) Children) (state, bool) {
	number := s.children.number(change(s.objects(at)))
	return at.with(partObjects, number), number != at[partObjects]
}

// inform lets the informers show what is there: of the workloads, of the pods, or of both.
func (s *search) inform(at state, workloads, pods bool) (state, bool) {
	shown, truth := s.children.of(at[partSeen]), s.objects(at)
	if pods {
		shown.Pods = truth.Pods
	}
	if workloads {
		truth.Pods = shown.Pods
		shown = truth
	}
	number := s.children.number(shown)
	if number == at[partSeen] {
		return at, false
	}
	return at.with(partOlder, at[partSeen]).with(partSeen, number), true
}
