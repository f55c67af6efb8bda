package scope_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// scenario is a story about one cluster that ends the same, whatever goes wrong on the way.
type scenario struct {
	name string
	// prepare comes before the story: nothing goes wrong in it.
	prepare func(w *world.World)
	// act begins the story; it is over when the cluster is as done says.
	act  func(w *world.World)
	done func(cluster *v1beta1.FlinkCluster) bool
}

func running(attempt int32) func(cluster *v1beta1.FlinkCluster) bool {
	return func(cluster *v1beta1.FlinkCluster) bool {
		job := cluster.Status.Components.Job
		return job.State == v1beta1.JobStateRunning && job.Attempt == attempt && cluster.Status.State == v1beta1.ClusterStateRunning
	}
}

func controlled(cluster *v1beta1.FlinkCluster) bool {
	_, annotated := cluster.Annotations[v1beta1.ControlAnnotation]
	return !annotated && cluster.Status.Control.State == v1beta1.ControlStateSucceeded
}

func runJob(w *world.World) {
	w.Apply(jobCluster(builders.Restart(fromLatest)))
	w.UntilRunning("a", 1)
	manager := w.JobManager("a")
	for range 2 {
		manager.CompleteCheckpoint(manager.JobID)
		w.Settle(4 * time.Second)
	}
}

var (
	createScenario = scenario{
		name: "create", prepare: func(*world.World) {},
		act: func(w *world.World) { w.Apply(jobCluster()) }, done: running(1),
	}
	savepointScenario = scenario{
		name: "savepoint", prepare: runJob,
		act:  func(w *world.World) { w.Annotate("a", v1beta1.ControlSavepoint) },
		done: func(cluster *v1beta1.FlinkCluster) bool { return cluster.Status.Control != nil && controlled(cluster) },
	}
	generationScenario = scenario{
		name: "savepoint by generation", prepare: runJob,
		act: func(w *world.World) { w.Edit("a", builders.SavepointGeneration(1)) },
		done: func(cluster *v1beta1.FlinkCluster) bool {
			return cluster.Status.Components.Job.SavepointGeneration == 1
		},
	}
	cancelScenario = scenario{
		name: "job-cancel", prepare: runJob,
		act: func(w *world.World) { w.Annotate("a", v1beta1.ControlJobCancel) },
		done: func(cluster *v1beta1.FlinkCluster) bool {
			return cluster.Status.State == v1beta1.ClusterStateStopped && controlled(cluster)
		},
	}
	restartScenario = scenario{
		name: "restart", act: failJob, done: running(2),
		prepare: func(w *world.World) {
			runJob(w)
			w.JobManager("a").CompleteCheckpoint(w.JobManager("a").JobID)
		},
	}
)

// told is what came of a scenario.
type told struct {
	summary string
	calls   []world.Call
}

// tell runs a scenario with something going wrong in it, and checks what must hold in all of them.
func tell(t *testing.T, story scenario, injector world.Injector) told {
	t.Helper()
	var result told
	world.Test(t, func(t *testing.T, w *world.World) {
		w.StartOperator()
		story.prepare(w)
		w.ForgetCalls()
		w.Inject(injector)
		story.act(w)
		w.Until("a", "at the end of the story", story.done)
		w.Settle(12 * time.Second)
		w.Inject(nil)
		result = told{summary: w.Summary("a"), calls: w.Calls(func(world.Call) bool { return true })}
		w.ForgetCalls()
		w.Settle(12 * time.Second)
		require.Empty(t, w.Writes(), "quiet afterwards")
	})
	return result
}

// enumerate tells a scenario once to learn which of its calls are matched, and then with each fault at each of them. The
// end must always be the same.
func enumerate(t *testing.T, story scenario, matches func(world.Call) bool, faults ...world.Fault) {
	t.Helper()
	t.Parallel()
	reference := tell(t, story, nil)
	var points []world.Call
	for _, call := range reference.calls {
		if matches(call) {
			points = append(points, call)
		}
	}
	require.NotEmpty(t, points)
	t.Logf("%s: %d plans", story.name, len(points)*len(faults))
	for i, call := range points {
		for _, fault := range faults {
			t.Run(fmt.Sprintf("%s at %d: %s", fault, i+1, call.What), func(t *testing.T) {
				t.Parallel()
				result := tell(t, story, world.Nth(i+1, matches, fault))
				if call.Write {
					require.Equal(t, reference.summary, result.summary)
				} else {
					require.Equal(t, essence(reference.summary), essence(result.summary))
				}
			})
		}
	}
}

// unread is what an operator that is not answered about the checkpoints of an ended job cannot know.
var unread = regexp.MustCompile(`,\s*"(checkpointID": [0-9]+|lastCheckpoint": \{[^}]*\})`)

func essence(summary string) string {
	return unread.ReplaceAllString(summary, "")
}

// allFaults has every story told with every fault, which takes minutes. Otherwise those are told in which the most can
// be lost.
var allFaults = os.Getenv("FLINK_OPERATOR_ALL_FAULTS") != ""

var (
	vital = []scenario{savepointScenario, restartScenario}
	other = []scenario{createScenario, generationScenario, cancelScenario}
)

// eachStory runs a test for the vital stories, and for the others if all faults are wanted.
func eachStory(t *testing.T, test func(t *testing.T, story scenario)) {
	t.Helper()
	t.Parallel()
	stories := vital
	if allFaults {
		stories = slices.Concat(vital, other)
	}
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) { test(t, story) })
	}
}

// An operator that crashes loses nothing and does nothing twice.
func TestCrashAtEachWrite(t *testing.T) {
	eachStory(t, func(t *testing.T, story scenario) {
		faults := []world.Fault{world.CrashAfter}
		if allFaults {
			faults = append(faults, world.CrashBefore)
		}
		enumerate(t, story, world.IsWrite, faults...)
	})
}

func TestLostAnswerOfEachWrite(t *testing.T) {
	eachStory(t, func(t *testing.T, story scenario) {
		faults := []world.Fault{world.AnswerLost}
		if allFaults {
			faults = append(faults, world.RequestLost)
		}
		enumerate(t, story, world.IsWrite, faults...)
	})
}

func TestConflictOfEachWrite(t *testing.T) {
	eachStory(t, func(t *testing.T, story scenario) {
		enumerate(t, story, func(call world.Call) bool {
			return world.IsStatusWrite(call) || call.What == "patch flinkclusters default/a"
		}, world.Refused)
	})
}

// Whatever becomes of the request of Flink, there is one savepoint.
func TestFaultAtEachEffect(t *testing.T) {
	t.Parallel()
	for _, story := range []scenario{savepointScenario, generationScenario, cancelScenario} {
		t.Run(story.name, func(t *testing.T) {
			enumerate(t, story, world.IsEffect,
				world.AnswerLost, world.RequestLost, world.Refused, world.CrashBefore, world.CrashAfter)
		})
	}
}

// Each live look and each question to Flink may fail as well.
func TestEachReadLost(t *testing.T) {
	if !allFaults {
		t.Skip("set FLINK_OPERATOR_ALL_FAULTS=1")
	}
	eachStory(t, func(t *testing.T, story scenario) {
		enumerate(t, story, func(call world.Call) bool { return !call.Write && !call.Watch }, world.RequestLost)
	})
}
