//go:build prove

package prove

import (
	"slices"
	"strings"
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// scenario is a story about one cluster, named a, that has to end the same whatever goes wrong on the way.
type scenario struct {
	name string
	// prepare comes before the story: nothing goes wrong in it.
	prepare func(w *world.World)
	// act begins the story, which is over when done says so.
	act  func(w *world.World)
	done func(w *world.World) bool
	// rest ends what would go on for ever, such as a schedule. It may be nil.
	rest func(w *world.World)
	// want is what the undisturbed story has to come to. nil for none of it.
	want *want
	// brief: only its writes are disturbed; leaders: and another operator begins to lead at each, too.
	brief, leaders bool
	// longest is how long the story may take in virtual time; ten minutes if zero.
	longest time.Duration
	// later is how many writes may still follow when the story is over, such as that the failures are forgotten.
	later int
	// open: what is left behind in the end depends on what goes wrong on the way.
	open bool
	// anyStarts: how many runs were started, too.
	anyStarts bool
	// fewerCancels: there may be fewer cancels than undisturbed, since an operator that has not heard yet of a run which has not
	// come up removes it without one. That there are not more is all that is judged.
	fewerCancels bool
	// savepoints is how many savepoints the story asks for: exactly so many are made.
	savepoints int
	// disposals is how many savepoints the retention disposes of: exactly so many are gone.
	disposals int
	// pairs: two things go wrong, too.
	pairs bool
	// keepsJobManager: the story is about what its JobManager does, which therefore must not be lost.
	keepsJobManager bool
	// forgets: a JobManager is lost in it, and with it perhaps the only one who knew of a savepoint.
	forgets bool
}

// want is what the ledgers have to hold in the end.
type want struct {
	// restored is what each run was started from: "nothing", a checkpoint such as "chk-2", or "savepoint 1" for the first
	// that was taken.
	restored []string
	cancels  int
	stops    int
	// effects is how many requests to do something Flink gets; -1 for any number.
	effects int
	state   v1beta1.JobState
}

const (
	savepointsDir = "file:/savepoints"
	fromLatest    = v1beta1.RestartPolicyFromLatestStateOnFailure
	fromSavepoint = v1beta1.RestartPolicyFromSavepointOnFailure
)

func scenarios() []scenario {
	return slices.Concat(createScenarios(), savepointScenarios(), cancelScenarios(), failureScenarios(), childScenarios(), endScenarios(),
		stopScenarios(), requestScenarios(), restoreScenarios(), troubleScenarios(), hardScenarios(), upgradeScenarios(), suspendScenarios(), restartScenarios(),
		highAvailabilityScenarios(), deleteScenarios(), rollbackScenarios(), retentionScenarios())
}

// jobCluster is the cluster of most scenarios.
func jobCluster(options ...builders.ClusterOption) *v1beta1.FlinkCluster {
	return builders.JobCluster("a", append([]builders.ClusterOption{
		builders.TaskManagers(1), builders.SavepointsDir(savepointsDir),
	}, options...)...)
}

func nothing(*world.World) {}

// runJob brings up jobCluster and lets it take two checkpoints that the operator hears of.
func runJob(options ...builders.ClusterOption) func(w *world.World) {
	return func(w *world.World) {
		w.Apply(jobCluster(append([]builders.ClusterOption{builders.Restart(fromLatest)}, options...)...))
		w.UntilRunning("a", 1)
		manager := w.JobManager("a")
		for range 2 {
			manager.CompleteCheckpoint(manager.JobID)
			w.Settle(12 * time.Second)
		}
		// The newest is written to the status every five minutes.
		w.Settle(6 * time.Minute)
	}
}

// cluster returns the cluster as it is stored, with a job status to look into; an empty one if it is gone.
func cluster(w *world.World) *v1beta1.FlinkCluster {
	found := fixture.Get[v1beta1.FlinkCluster](w.T(), w.API, builders.Namespace, "a")
	if found == nil {
		found = &v1beta1.FlinkCluster{}
	}
	if found.Status.Components.Job == nil {
		found.Status.Components.Job = &v1beta1.JobStatus{}
	}
	return found
}

func running(attempt int32) func(w *world.World) bool {
	return func(w *world.World) bool {
		status := cluster(w).Status
		job := status.Components.Job
		return job.State == v1beta1.JobStateRunning && job.Attempt == attempt && status.State == v1beta1.ClusterStateRunning
	}
}

// controlled says whether a request by annotation has ended in a state and its annotation is gone.
func controlled(name string, state v1beta1.ControlState) func(w *world.World) bool {
	return func(w *world.World) bool {
		found := cluster(w)
		_, annotated := found.Annotations[v1beta1.ControlAnnotation]
		control := found.Status.Control
		return !annotated && control != nil && control.Name == name && control.State == state
	}
}

func generation(count int32) func(w *world.World) bool {
	return func(w *world.World) bool { return cluster(w).Status.Components.Job.SavepointGeneration == count }
}

func inState(state v1beta1.ClusterState) func(w *world.World) bool {
	return func(w *world.World) bool { return cluster(w).Status.State == state }
}

func all(conditions ...func(w *world.World) bool) func(w *world.World) bool {
	return func(w *world.World) bool {
		return !slices.ContainsFunc(conditions, func(holds func(w *world.World) bool) bool { return !holds(w) })
	}
}

func annotate(value string) func(w *world.World) {
	return func(w *world.World) { w.Annotate("a", value) }
}

func edit(change builders.ClusterOption) func(w *world.World) {
	return func(w *world.World) { w.Edit("a", change) }
}

// jobManagerPod is the name of the JobManager pod of the present run, empty if there is none.
func jobManagerPod(w *world.World) string {
	for _, name := range w.Children() {
		if pod, found := strings.CutPrefix(name, "Pod/"); found && strings.HasPrefix(pod, "a-jobmanager-") {
			return pod
		}
	}
	return ""
}

// process is the JobManager that runs, nil if none does.
func process(w *world.World) *world.Process {
	for _, candidate := range w.Processes("a") {
		if candidate.Leads() {
			return candidate
		}
	}
	return nil
}

// failJob has the job fail for good, just after a checkpoint that nobody has heard of.
func failJob(w *world.World) {
	w.JobManager("a").CompleteCheckpoint(w.JobManager("a").JobID)
	w.JobManager("a").FailJob("org.apache.flink.runtime.JobException: Recovery is suppressed", "java.lang.IllegalStateException: boom")
}
