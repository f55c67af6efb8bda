//go:build prove

package prove

import (
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// The promises beyond those that the world itself looks after.
const (
	// oracleEnd: a disturbed story ends as the undisturbed one does.
	oracleEnd world.Oracle = "end-state"
	// oracleWrites: it takes no more writes of an object than that, but for a few repetitions.
	oracleWrites world.Oracle = "writes"
	// oracleSavepoints: exactly one savepoint for each request.
	oracleSavepoints world.Oracle = "savepoints"
	// oracleCancel: nothing is cancelled without a savepoint where one is asked for.
	oracleCancel world.Oracle = "cancel"
	// oracleQuiet: ten minutes without a write, once a story is over.
	oracleQuiet world.Oracle = "quiet"
	// oracleConverges: the story is over two minutes after the trouble at the latest.
	oracleConverges world.Oracle = "converges"
	// oracleEnds: every request comes to an end.
	oracleEnds world.Oracle = "requests-end"
	// oracleHonest: the status claims nothing that the ledger denies.
	oracleHonest world.Oracle = "honest"
	// oracleForeign: what belongs to somebody else is not touched.
	oracleForeign world.Oracle = "foreign"
)

const (
	// convergeWithin is how much longer a disturbed story may take.
	convergeWithin = 2 * time.Minute
	// longest is how long a story may take, if it does not say so itself.
	longest  = 10 * time.Minute
	quietFor = 10 * time.Minute
	// mostPolls is how many calls of Flink a cluster at rest may cost in ten minutes: three each ten seconds, for each of
	// two leaders.
	mostPolls = 2 * 260
	// settleFor has what is put off for a while written, and Flink asked once more.
	settleFor = 40 * time.Second
	// repetitions is how many writes of an object more than in the undisturbed story are allowed: what was lost is
	// written again, by the same operator or by the next.
	repetitions = 4
)

// outcome is what came of a story.
type outcome struct {
	summary string
	ledger  flinktest.Ledger
	calls   []world.Call
	writes  map[string]int
	took    time.Duration
}

// leave has the outcome keep nothing of its world but what is told of it: that of the undisturbed story is kept for long.
func (o *outcome) leave() {
	for i := range o.calls {
		o.calls[i].Operator = nil
	}
}

// unread is what an operator that is not answered about the checkpoints of a job in the right moment cannot know, and a
// time that depends on when it was.
var unread = regexp.MustCompile(`,?\s*"(checkpointID": [0-9]+|inferred": true|triggerTime": "time"|lastCheckpoint": \{[^}]*\})`)

// told are texts for people, which say why by the one source or the other. That there is one is compared.
var told = regexp.MustCompile(`"(message|failureReasons?)": ("(?:[^"\\]|\\.)+"|\[[^\]]+\])`)

func essence(summary string) string {
	return told.ReplaceAllString(unread.ReplaceAllString(summary, ""), `"$1": "told"`)
}

// appliedWrites counts the writes of each object that took effect, by verb and name.
func appliedWrites(calls []world.Call) map[string]int {
	counts := map[string]int{}
	for _, call := range calls {
		if world.IsWrite(call) && call.Applied() {
			counts[call.What]++
		}
	}
	return counts
}

// judgeAsReference compares a disturbed story with the undisturbed one.
func judgeAsReference(w *world.World, story scenario, reference, found outcome, leaders int) {
	if want, have := essence(reference.summary), essence(found.summary); want != have && !story.open {
		w.Violate(oracleEnd, "%s", difference(want, have))
	}
	judgeSavepoints(w, story.savepoints, found.ledger)
	judgeDisposals(w, story, found.ledger)
	cancels, usual := len(found.ledger.Cancels), len(reference.ledger.Cancels)
	switch {
	case cancels == usual:
	// Of a run that was not started there is nothing to cancel.
	case story.anyStarts && cancels <= len(found.ledger.Starts):
	case story.fewerCancels && cancels < usual:
	default:
		w.Violate(oracleCancel, "%d jobs were cancelled, instead of %d", cancels, usual)
	}
	if len(found.ledger.Starts) != len(reference.ledger.Starts) && !story.anyStarts {
		w.Violate(oracleEnd, "%d runs were started, instead of %d", len(found.ledger.Starts), len(reference.ledger.Starts))
	}
	if !story.open {
		judgeWrites(w, reference, found, leaders)
	}
	if late := found.took - reference.took; late > convergeWithin {
		w.Violate(oracleConverges, "it took %s longer than undisturbed", late)
	}
}

// judgeWrites counts the writes of each object. Two leaders may each write once a second for as long as they differ.
func judgeWrites(w *world.World, reference, found outcome, leaders int) {
	for _, what := range slices.Sorted(maps.Keys(found.writes)) {
		if allowed := leaders*(reference.writes[what]*5/4+repetitions) + (leaders-1)*int(found.took.Seconds()); found.writes[what] > allowed {
			w.Violate(oracleWrites, "%d times %s; allowed are %d", found.writes[what], what, allowed)
		}
	}
}

// judgeSavepoints: as many as were asked for.
func judgeSavepoints(w *world.World, wanted int, ledger flinktest.Ledger) {
	made := 0
	for _, savepoint := range ledger.Savepoints {
		if savepoint.Location != "" {
			made++
		}
	}
	if made != wanted {
		w.Violate(oracleSavepoints, "%d savepoints were made for %d requests", made, wanted)
	}
}

// judgeTriggers: each under its own trigger id, also if JobManagers are lost.
func judgeTriggers(w *world.World, ledger flinktest.Ledger) {
	seen := map[string]bool{}
	for _, savepoint := range ledger.Savepoints {
		if seen[savepoint.TriggerID] {
			w.Violate(oracleSavepoints, "the savepoint %s was taken twice", savepoint.TriggerID)
		}
		seen[savepoint.TriggerID] = true
	}
}

// judgeDisposals: what the retention gives up is gone, and nothing else is. What may be disposed of at all the world looks
// after.
func judgeDisposals(w *world.World, story scenario, ledger flinktest.Ledger) {
	if found := len(ledger.Disposals); found != story.disposals {
		w.Violate(world.OracleDisposal, "%d savepoints were disposed of, instead of %d", found, story.disposals)
	}
}

// judgeStatus holds the status against the ledger. lossy: a JobManager was lost, and with it perhaps the only one who
// knew of a savepoint.
func judgeStatus(w *world.World, lossy bool) {
	found := cluster(w)
	if found.Name == "" || found.Spec.Job == nil {
		return
	}
	job, ledger := found.Status.Components.Job, w.Ledger()
	made := map[string]string{}
	for _, savepoint := range ledger.Savepoints {
		if savepoint.Location != "" {
			made[savepoint.TriggerID] = savepoint.Location
		}
	}
	ours := 0
	for _, record := range found.Status.SavepointHistory {
		if record.Reason == v1beta1.SavepointReasonExternal {
			continue
		}
		ours++
		if made[record.TriggerID] != record.Location {
			w.Violate(oracleHonest, "the history tells of the savepoint %s at %q, which was not made", record.TriggerID, record.Location)
		}
		if record.Disposal == nil && slices.Contains(ledger.Disposals, record.Location) {
			w.Violate(oracleHonest, "the history tells of the savepoint %s at %q, which was disposed of", record.TriggerID, record.Location)
		}
	}
	if gone := len(ledger.Disposals); int(job.SavepointGeneration) != ours+gone {
		w.Violate(oracleHonest, "savepointGeneration is %d, the history tells of %d savepoints, and %d were disposed of", job.SavepointGeneration, ours, gone)
	}
	if slot := found.Status.Savepoint; slot != nil && slot.State == v1beta1.SavepointStateFailed && made[slot.TriggerID] != "" && !lossy {
		w.Violate(oracleHonest, "the savepoint %s is told to have failed, and was made", slot.TriggerID)
	}
	judgeRun(w, job, ledger)
}

func judgeRun(w *world.World, job *v1beta1.JobStatus, ledger flinktest.Ledger) {
	if job.State != v1beta1.JobStateRunning {
		return
	}
	if manager := process(w); manager == nil || manager.JobID != job.ID {
		w.Violate(oracleHonest, "the job is told to run as %s, and no JobManager runs it", job.ID)
	}
	goesOn := job.HighAvailability != nil && job.HighAvailability.CheckpointID > 0
	if !slices.ContainsFunc(ledger.Starts, func(start flinktest.Start) bool {
		return start.JobID == job.ID && (goesOn || start.RestorePath == job.FromSavepoint)
	}) {
		w.Violate(oracleHonest, "the status tells of run %s from %q, and no such run was started", job.ID, job.FromSavepoint)
	}
}

// judgeRequests: nothing that a user asked for is left open.
func judgeRequests(w *world.World) {
	if open := openRequests(w); open != "" {
		w.Violate(oracleEnds, "%s", open)
	}
}

func openRequests(w *world.World) string {
	found := cluster(w)
	_, annotated := found.Annotations[v1beta1.ControlAnnotation]
	control, slot := found.Status.Control, found.Status.Savepoint
	switch {
	case annotated:
		return "the annotation is still there"
	case control != nil && control.State != v1beta1.ControlStateSucceeded && control.State != v1beta1.ControlStateFailed:
		return "the request by annotation is " + string(control.State)
	case slot != nil && (slot.State == v1beta1.SavepointStateRequested || slot.State == v1beta1.SavepointStateInProgress):
		return "the savepoint is " + string(slot.State)
	case found.Status.Revision.Next != "":
		return "the upgrade to " + found.Status.Revision.Next + " has not been made"
	}
	return openTransition(found)
}

// openTransition tells of a job that is not where the spec wants it, and is still on its way there.
func openTransition(found *v1beta1.FlinkCluster) string {
	job := found.Status.Components.Job
	switch job.State {
	case v1beta1.JobStateUpdating, v1beta1.JobStateSuspending:
		return "the job is still " + string(job.State)
	case v1beta1.JobStateSuspended:
		if found.Spec.Job.State != v1beta1.DesiredJobStateSuspended {
			return "the job is not resumed"
		}
	case v1beta1.JobStateRunning, v1beta1.JobStateFailed, v1beta1.JobStateLost:
		if found.Spec.Job.State == v1beta1.DesiredJobStateSuspended {
			return "the job is not suspended, it is " + string(job.State)
		}
	case v1beta1.JobStatePending, v1beta1.JobStateDeploying, v1beta1.JobStateRestarting, v1beta1.JobStateSucceeded, v1beta1.JobStateCancelled:
	}
	return ""
}

// judgePods: what is up is of the newest spec, or after a rollback of the stable one, and what rests has no pods.
func judgePods(w *world.World) {
	found := cluster(w)
	image := found.Spec.Image.Name
	if found.Status.Revision.Failed != "" {
		judgeRollback(w, found)
		image = imageOf(w, found.Status.Revision.Stable)
	}
	switch found.Status.State {
	case v1beta1.ClusterStateRunning:
		if !showsImage(image)(w) {
			w.Violate(oracleHonest, "the cluster is told to run, and not all of its pods are of %s", image)
		}
	case v1beta1.ClusterStateSuspended:
		if !gonePods(w) {
			w.Violate(oracleHonest, "the cluster is told to be suspended, and there are pods: %q", w.Children())
		}
	case v1beta1.ClusterStateCreating, v1beta1.ClusterStateReconciling, v1beta1.ClusterStateUpdating, v1beta1.ClusterStateSuspending,
		v1beta1.ClusterStateStopping, v1beta1.ClusterStatePartiallyStopped, v1beta1.ClusterStateStopped:
	}
}

// judgeQuiet lets time pass in which nothing may be written.
func judgeQuiet(w *world.World, story scenario, disturbed plan) {
	w.ForgetCalls()
	proven := provenSoon(w)
	w.Settle(quietFor)
	allowed := story.later * disturbed.leaders
	if proven != "" {
		allowed += disturbed.leaders
		if stable := cluster(w).Status.Revision.Stable; stable != proven {
			w.Violate(oracleHonest, "the job has run %s for ten minutes, and the stable revision is told to be %q", proven, stable)
		}
	}
	if disturbed.lossy {
		allowed++ // the restart that was none of the story
	}
	if polls := len(w.Calls(isFlink)); polls > mostPolls {
		w.Violate(oracleQuiet, "%d calls of Flink in ten quiet minutes", polls)
	}
	if writes := w.Writes(); len(writes) > allowed {
		w.Violate(oracleQuiet, "%d writes in ten quiet minutes, the first is %s", len(writes), writes[0])
	}
}
