//go:build prove

package prove

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// plan is one way in which a story is disturbed.
type plan struct {
	// family is the row of the table that it counts in.
	family string
	id     string
	// begin arms it, when the story is about to begin.
	begin func(w *world.World)
	// leaders is how many operators lead at once.
	leaders int
	// lossy: a JobManager is lost, so the story ends in another way than undisturbed.
	lossy bool
}

// The families of plans; the ids are those of the goals that they serve.
const (
	familyWrites        = "R1 a fault at each write"
	familyReads         = "R1 a fault at each look at the API server"
	familyFlink         = "R2 a fault at each call of Flink"
	familyLost          = "R2 the JobManager lost at each call"
	familyNotifications = "R2 a fault at each notification"
	familyStale         = "R4 a view that stays behind from each write"
	familyOldList       = "R4 a restart against an old list"
	familyHidden        = "R5 changes never seen"
	familyLeaders       = "R11 two leaders from each write"
	familyPairs         = "R1 two faults"
)

var (
	writeFaults = []world.Fault{
		world.CrashBefore, world.CrashAfter, world.AnswerLost, world.Refused, world.HangsApplied,
		world.RequestLost, world.TimeoutApplied, world.ServerError, world.TooManyRequests, world.Forbidden, world.Hangs,
		world.Truncated, world.WrongTypes, world.Huge, world.HTML, world.GatewayTimeout, world.Unavailable,
	}
	briefFaults = []world.Fault{world.CrashAfter, world.AnswerLost, world.Refused}
	readFaults  = []world.Fault{world.RequestLost, world.Unavailable, world.Hangs, world.CrashBefore, world.Truncated, world.HTML}
	flinkFaults = []world.Fault{
		world.RequestLost, world.AnswerLost, world.Hangs, world.HangsApplied, world.Unavailable, world.NotFound, world.Truncated,
		world.WrongTypes, world.Huge, world.HTML, world.Redirect, world.WrongJob, world.GatewayTimeout, world.TimeoutApplied, world.CrashBefore, world.CrashAfter,
	}
	notificationFaults = []world.Fault{world.WatchClosed, world.WatchBroken, world.WatchTwice, world.WatchStalls, world.WatchExpired}
)

func isNotification(call world.Call) bool { return call.Notification }
func isFlink(call world.Call) bool        { return call.To == world.Flink }
func isRead(call world.Call) bool {
	return call.To == world.Kubernetes && !call.Write && !call.Watch && !call.Notification
}

// plansFor derives the plans of a story from what happened in it when nothing disturbed it.
func plansFor(story scenario, calls []world.Call) []plan {
	var plans []plan
	writes, flinkCalls := pick(calls, world.IsWrite), pick(calls, isFlink)
	if story.brief {
		plans = inTurn(writes)
		if story.leaders {
			plans = append(plans, leaderPlans(len(writes))...)
		}
		return plans
	}
	plans = append(plans, faultsAt(familyWrites, "write", world.IsWrite, writes, writeFaults)...)
	plans = append(plans, faultsAt(familyReads, "read", isRead, pick(calls, isRead), readFaults)...)
	plans = append(plans, faultsAt(familyFlink, "call", isFlink, flinkCalls, flinkFaults)...)
	plans = append(plans, faultsAt(familyNotifications, "notification", isNotification, pick(calls, isNotification), notificationFaults)...)
	plans = append(plans, faultsAt(familyHidden, "notification", isNotification, pick(calls, isNotification), []world.Fault{world.WatchHides})...)
	plans = append(plans, stalePlans(len(writes))...)
	plans = append(plans, oldListPlans(len(writes))...)
	plans = append(plans, leaderPlans(len(writes))...)
	if !story.keepsJobManager {
		plans = append(plans, lossPlans(flinkCalls)...)
	}
	if story.pairs {
		plans = append(plans, pairPlans(story.name, len(writes), len(flinkCalls))...)
	}
	return plans
}

// inTurn hits each write of a brief story with one fault.
func inTurn(writes []world.Call) []plan {
	var plans []plan
	for i := range writes {
		fault := briefFaults[i%len(briefFaults)]
		plans = append(plans, plan{
			family: familyWrites, id: fmt.Sprintf("write %d/%s", i+1, fault), leaders: 1,
			begin: func(w *world.World) { w.Inject(world.Nth(i+1, world.IsWrite, fault)) },
		})
	}
	return plans
}

func pick(calls []world.Call, matches func(world.Call) bool) []world.Call {
	var picked []world.Call
	for _, call := range calls {
		if matches(call) {
			picked = append(picked, call)
		}
	}
	return picked
}

// The first so many calls of one kind are each hit by every fault. Of the polls and notifications that follow one in so many
// is hit, by one fault, in turn.
const (
	fullyHit    = 1
	laterHit    = 3
	lossHit     = 4
	behindEvery = 2
	// alwaysHit is how many of the faults, the first ones, hit each write. Of the others, which differ little, one does, in turn.
	alwaysHit = 2
)

// faultsOf picks what goes wrong with the i-th call, the seen-th of its kind.
func faultsOf(call world.Call, i, seen int, faults []world.Fault) []world.Fault {
	switch {
	case call.Write && len(faults) > alwaysHit && call.To == world.Kubernetes:
		others := faults[alwaysHit:]
		return append(slices.Clone(faults[:alwaysHit]), others[i%len(others)])
	case call.Write || seen <= fullyHit && !call.Notification:
		return faults
	case strings.HasSuffix(call.What, "/savepoints/:id"):
		// The answers about a savepoint are what the most depends on.
		return []world.Fault{world.NotFound, world.Hangs, faults[i%len(faults)]}
	case len(faults) == 1 && i%behindEvery == 0, len(faults) > 1 && i%laterHit == 0:
		return faults[i/laterHit%len(faults):][:1]
	}
	return nil
}

func faultsAt(family, what string, matches func(world.Call) bool, points []world.Call, faults []world.Fault) []plan {
	var plans []plan
	seen := map[string]int{}
	for i, call := range points {
		kind := call.What
		seen[kind]++
		for _, fault := range faultsOf(call, i, seen[kind], faults) {
			plans = append(plans, plan{
				family: family, id: fmt.Sprintf("%s %d/%s", what, i+1, fault), leaders: 1,
				begin: func(w *world.World) { w.Inject(world.Nth(i+1, matches, fault)) },
			})
		}
	}
	return plans
}

// views are the groups of resources that are held back.
var views = map[string][]string{
	"clusters":   {"flinkclusters"},
	"children":   {"configmaps", "services", "jobs", "statefulsets", "pods", "serviceaccounts", "roles", "rolebindings"},
	"everything": {"flinkclusters", "configmaps", "services", "jobs", "statefulsets", "pods", "serviceaccounts", "roles", "rolebindings"},
}

// heldFor is how long a view stays behind.
const heldFor = 10 * time.Second

func hold(resources []string) world.Injector {
	return func(call world.Call) world.Fault {
		call.Operator.HoldWatches(resources...)
		time.AfterFunc(heldFor, call.Operator.ReleaseWatches)
		return world.NoFault
	}
}

func stalePlans(writes int) []plan {
	var plans []plan
	for number := range writes {
		for _, view := range [][]string{{"clusters", "everything"}, {"children", "everything"}}[number%behindEvery] {
			plans = append(plans, plan{
				family: familyStale, id: fmt.Sprintf("write %d/%s held", number+1, view), leaders: 1,
				begin: func(w *world.World) { w.Inject(world.AtNth(number+1, world.IsWrite, hold(views[view]))) },
			})
		}
	}
	return plans
}

// oldListPlans: the operator ends as it has written, and the one that takes its place is told by an API server that lags behind:
// of a time just before that write, or some writes earlier.
func oldListPlans(writes int) []plan {
	// The two ages and the views have no common divisor: each age comes with each view.
	ages := []int{1, 4}
	var plans []plan
	for number := 1; number < writes; number += behindEvery {
		age := ages[number/behindEvery%len(ages)]
		view := []string{"clusters", "children", "everything"}[number%len(views)]
		plans = append(plans, plan{
			family: familyOldList, id: fmt.Sprintf("write %d/old list of %s from %d before", number+1, view, age), leaders: 1,
			begin: func(w *world.World) { w.Inject(crashIntoThePast(w, number, age, views[view])) },
		})
	}
	return plans
}

// crashIntoThePast carries out the write of a number, counted from 0, and ends the operator. The next one sees the resources as
// they were so many writes earlier.
func crashIntoThePast(w *world.World, number, age int, resources []string) world.Injector {
	var mutex sync.Mutex
	var versions []int64
	return func(call world.Call) world.Fault {
		if !world.IsWrite(call) {
			return world.NoFault
		}
		mutex.Lock()
		defer mutex.Unlock()
		versions = append(versions, w.API.Version())
		if len(versions) != number+1 {
			return world.NoFault
		}
		call.Operator.CrashInto(world.Past{Version: versions[number+1-age], Resources: resources, Lasts: heldFor})
		return world.AnswerLost
	}
}

// leaderPlans: at a write a second operator begins to lead, and both go on; or the first freezes in the middle of the
// write, and comes back when the second has led for a while.
func leaderPlans(writes int) []plan {
	var plans []plan
	for number := range writes {
		for _, fault := range []world.Fault{world.NoFault, world.Late} {
			name := "joined"
			if fault == world.Late {
				if number%behindEvery == 0 {
					continue
				}
				name = "frozen"
			}
			plans = append(plans, plan{
				family: familyLeaders, id: fmt.Sprintf("write %d/%s", number+1, name), leaders: 2,
				begin: func(w *world.World) {
					w.Inject(world.AtNth(number+1, world.IsWrite, func(world.Call) world.Fault {
						w.Join()
						return fault
					}))
				},
			})
		}
		if number%behindEvery > 0 {
			continue
		}
		plans = append(plans, plan{
			family: familyLeaders, id: fmt.Sprintf("write %d/one behind", number+1), leaders: 2,
			begin: func(w *world.World) {
				w.Inject(world.AtNth(number+1, world.IsWrite, func(call world.Call) world.Fault {
					w.Join()
					return hold(views["everything"])(call)
				}))
			},
		})
	}
	return plans
}

func lossPlans(calls []world.Call) []plan {
	var plans []plan
	for i := 0; i < len(calls); i += lossHit {
		plans = append(plans, plan{
			family: familyLost, id: fmt.Sprintf("call %d/JobManager lost", i+1), leaders: 1, lossy: true,
			begin: func(w *world.World) {
				w.Inject(world.AtNth(i+1, isFlink, func(world.Call) world.Fault {
					if pod := jobManagerPod(w); pod != "" {
						w.ExitPod(pod, world.Exit{Code: 137})
					}
					return world.NoFault
				}))
			},
		})
	}
	return plans
}

// pairsOfStory is how many pairs are drawn for a story.
const pairsOfStory = 40

// pairPlans draws pairs of a fault at a write and one at a write or a call of Flink. The name of the story is the seed.
func pairPlans(story string, writes, flinkCalls int) []plan {
	random := rand.New(rand.NewPCG(uint64(len(story)), uint64(story[0])))
	var plans []plan
	used := map[string]bool{}
	for len(plans) < pairsOfStory {
		first, second := 1+random.IntN(writes), 1+random.IntN(writes+2)
		firstFault, secondFault := writeFaults[random.IntN(len(writeFaults))], writeFaults[random.IntN(len(writeFaults))]
		matches, what := world.IsWrite, "write"
		if flinkCalls > 0 && random.IntN(2) == 0 {
			matches, what = isFlink, "call"
			second, secondFault = 1+random.IntN(flinkCalls), flinkFaults[random.IntN(len(flinkFaults))]
		}
		id := fmt.Sprintf("write %d/%s and %s %d/%s", first, firstFault, what, second, secondFault)
		if used[id] || what == "write" && first == second {
			continue
		}
		used[id] = true
		plans = append(plans, plan{
			family: familyPairs, id: strings.ReplaceAll(id, ", ", " "), leaders: 1,
			begin: func(w *world.World) {
				w.Inject(both(world.Nth(first, world.IsWrite, firstFault), world.Nth(second, matches, secondFault)))
			},
		})
	}
	return plans
}

func both(first, second world.Injector) world.Injector {
	var mutex sync.Mutex
	return func(call world.Call) world.Fault {
		mutex.Lock()
		defer mutex.Unlock()
		one, other := first(call), second(call)
		if one != world.NoFault {
			return one
		}
		return other
	}
}
