package lifecycle

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

const (
	// maxSavepointHistory is the bound of status.savepointHistory. It is greater than the number of snapshots that
	// Flink remembers (web.checkpoints.history, 10), else one that fell out would be noticed again as external.
	maxSavepointHistory = 20
	// repeatWindow is how long after a request the trigger may be sent again without asking first. Flink keeps
	// trigger ids for five minutes after completion (rest.async.store-duration).
	repeatWindow = time.Minute
	// firstSendWindow is how soon after a request a Flink that knows no trigger ids of ours (1.14) is asked. Later, an
	// operator that crashed meanwhile may have asked it. It is shorter than the time to the next leader.
	firstSendWindow = 10 * time.Second
	// noticedSavepoints is how many of the savepoints that Flink remembers are looked at, fewer than maxSavepointHistory:
	// a user may have Flink remember more (web.checkpoints.history).
	noticedSavepoints = 10
	// longestSavepoint is how long a savepoint takes at most (execution.checkpointing.timeout), and a little more.
	longestSavepoint = 11 * time.Minute
	// clockSkew is how much the JobManager's clock may be behind ours.
	clockSkew = 5 * time.Second
	// answerWait is how long the JobManager of an ended run is asked for a result: as long as Flink keeps it.
	answerWait = 5 * time.Minute
	// savepointDeadline bounds what no answer ends. Flink itself gives a savepoint up after
	// execution.checkpointing.timeout (10 minutes), unless its clean-up hangs.
	savepointDeadline = 6 * time.Hour

	savepointRetryInitial = 10 * time.Second
	savepointRetryMax     = 5 * time.Minute
)

// SavepointInput is what a pass over the savepoint slot decides from.
type SavepointInput struct {
	// Cluster has its defaults set; its spec is the one in force.
	Cluster *v1beta1.FlinkCluster
	// NextRevision names the revision that the wanted spec would be, if it is not in force.
	NextRevision string
	Observation  flink.Observation
	Now          time.Time
}

// SavepointDecision is what a pass over the savepoint slot decides.
type SavepointDecision struct {
	// Status is the wanted status; equal to the recorded one if there is nothing to record.
	Status v1beta1.FlinkClusterStatus
	// Effect is sent once the status is stored; nil for none.
	Effect *flink.Effect
	// RequeueAfter is when to look again though nothing happens; zero for never.
	RequeueAfter time.Duration
}

// SavepointBusy says whether the one slot is taken.
func SavepointBusy(slot *v1beta1.SavepointStatus) bool {
	return slot != nil && (slot.State == v1beta1.SavepointStateRequested || slot.State == v1beta1.SavepointStateInProgress)
}

// jobActive says whether the recorded run may be known to a JobManager.
func jobActive(job *v1beta1.JobStatus) bool {
	return job != nil && (job.State == v1beta1.JobStateDeploying || job.State == v1beta1.JobStateRunning)
}

// DecideSavepoint moves the slot on: a request is triggered, a running savepoint is followed to its end, and into an
// empty slot goes what is due by generation, nonce or schedule.
func DecideSavepoint(in SavepointInput) SavepointDecision {
	pass := &savepointPass{SavepointInput: in, status: in.Cluster.Status.DeepCopy()}
	pass.job = pass.status.Components.Job
	if in.Cluster.Spec.Job == nil || pass.job == nil || pass.job.ID == "" {
		return SavepointDecision{Status: *pass.status}
	}
	pass.slot = pass.status.Savepoint
	if heardOf(in.Observation, pass.job) {
		pass.observed = in.Observation
	}
	if SavepointBusy(pass.slot) {
		pass.stepSlot()
	} else {
		pass.noticeExternal()
		pass.fileDue()
		if !SavepointBusy(pass.status.Savepoint) {
			pass.retain()
		}
	}
	setSavepointHealth(pass.status, in.Cluster.Generation, in.Now)
	return SavepointDecision{Status: *pass.status, Effect: pass.effect, RequeueAfter: pass.requeue}
}

type savepointPass struct {
	SavepointInput
	status   *v1beta1.FlinkClusterStatus
	job      *v1beta1.JobStatus
	slot     *v1beta1.SavepointStatus
	observed flink.Observation
	effect   *flink.Effect
	requeue  time.Duration
}

// newRequest is the record of a savepoint request: the intent, with the trigger id that the effect will carry.
func newRequest(cluster *v1beta1.FlinkCluster, status *v1beta1.FlinkClusterStatus, observed flink.Observation, now time.Time,
	reason v1beta1.SavepointReason, directory string,
) *v1beta1.SavepointStatus {
	request := &v1beta1.SavepointStatus{
		JobID: status.Components.Job.ID, TriggerReason: reason, RequestTime: timestamp(now), State: v1beta1.SavepointStateRequested,
		Stop: stops(reason), Directory: directory, FormatType: cluster.Spec.Job.SavepointFormatType,
		Request: 1,
	}
	if previous := status.Savepoint; previous != nil {
		request.Request = previous.Request + 1
		if previous.State == v1beta1.SavepointStateFailed {
			request.ConsecutiveFailures = previous.ConsecutiveFailures
		}
	}
	if heardOf(observed, status.Components.Job) {
		request.NewestCheckpointID = observed.Checkpoints.HighestID()
	}
	request.TriggerID = TriggerID(cluster.UID, request.Request)
	return request
}

// stops says whether the job ends with a savepoint that is taken for a reason.
func stops(reason v1beta1.SavepointReason) bool {
	return reason == v1beta1.SavepointReasonJobCancel || reason == v1beta1.SavepointReasonUpdate || reason == v1beta1.SavepointReasonSuspend ||
		reason == v1beta1.SavepointReasonJobDeletion
}

// stepSlot follows the request in the slot. The order matters: an answer about the trigger id is the truth; then the
// statistics; and only when neither can know it any more has the savepoint failed.
func (p *savepointPass) stepSlot() {
	if p.slot.JobID != p.job.ID {
		p.fail("the run " + p.slot.JobID + " ended before the outcome was known")
		return
	}
	if operation := p.observed.Operation; operation != nil && operation.TriggerID == p.slot.TriggerID && operation.JobID == p.slot.JobID {
		switch {
		case operation.Location != "":
			p.succeed(operation.Location, p.savepointAt(operation.Location))
			return
		case operation.State == flink.OperationFailed:
			p.fail(operation.Cause)
			return
		case operation.State == flink.OperationInProgress:
			p.accept()
			switch {
			case p.runEnded():
				// Kept while the JobManager is silent, it may be its last answer; and a savepoint that does not end with
				// its run must not hold up the next one for ever.
				p.stepUnanswered()
			case p.overdue():
				p.giveUp()
			}
			return
		case operation.State == flink.OperationNotFound:
			p.stepUnknownTrigger()
			return
		}
	}
	p.stepSilent()
}

// stepUnknownTrigger: the JobManager does not know the trigger id. Either the request never arrived, or its result has
// expired. The statistics tell a completed savepoint; otherwise a request that may not have arrived is sent.
func (p *savepointPass) stepUnknownTrigger() {
	// Flink still remembers what it took so short a time ago: this never arrived, whatever else the statistics show.
	neverArrived := p.slot.State == v1beta1.SavepointStateRequested && p.idempotentTriggers() && p.Now.Sub(p.slot.RequestTime.Time) < repeatWindow &&
		!p.takenOver()
	if neverArrived && !p.runEnded() {
		p.trigger()
		return
	}
	if found := p.completedSinceRequest(); found != nil {
		p.succeedAsFound(found)
		return
	}
	switch {
	case p.statisticsUnheard():
		p.requeue = time.Second
	case p.takenOver():
		p.failUnknown("another JobManager has taken over, which knows nothing of the savepoint")
	case p.slot.State == v1beta1.SavepointStateInProgress && p.mayBeUnderAnotherID():
	case p.slot.State == v1beta1.SavepointStateInProgress:
		p.failUnknown("Flink no longer knows the savepoint, and its statistics show none")
	case p.runEnded():
		p.fail("the job ended before the savepoint was triggered")
	case p.observed.Reachable:
		p.trigger()
	}
}

// statisticsUnheard says whether the statistics, which may show a savepoint whose result has expired, are still to come.
// A job that has ended may have none.
func (p *savepointPass) statisticsUnheard() bool {
	if p.observed.Checkpoints != nil {
		return false
	}
	if p.runEnded() {
		return p.observed.Job != nil && p.observed.Reachable && !p.observed.CheckpointsFinal
	}
	return p.Now.Sub(p.slot.RequestTime.Time) > repeatWindow
}

// mayBeUnderAnotherID: Flink 1.14 knows the savepoint by an id of its own, which a restart of the operator forgets. The
// statistics will show it, if it is completed in the time that it may take.
func (p *savepointPass) mayBeUnderAnotherID() bool {
	if p.idempotentTriggers() || p.runEnded() || p.observed.EffectOutcome(p.slot.TriggerID).RequestID != "" || p.slot.TriggerTime == nil {
		return false
	}
	wait := p.slot.TriggerTime.Add(longestSavepoint).Sub(p.Now)
	if wait > 0 {
		p.requeue = wait
	}
	return wait > 0
}

// stepSilent: no answer about the trigger id yet.
func (p *savepointPass) stepSilent() {
	switch {
	case p.overdue():
		p.giveUp()
	case p.runEnded() && !p.observed.Reachable:
		p.stepUnanswered()
	case p.slot.State == v1beta1.SavepointStateRequested:
		if age := p.Now.Sub(p.slot.RequestTime.Time); age < repeatWindow {
			p.trigger()
		}
		// An older request may have been sent long ago, and its result expired: first the answer about the trigger
		// id, which the observer asks for.
	}
}

// overdue says whether the savepoint has been in the slot for so long that it cannot be under way any more. An operator
// that was away for long asks the JobManager first.
func (p *savepointPass) overdue() bool {
	if wait := p.slot.RequestTime.Add(savepointDeadline).Sub(p.Now); wait > 0 {
		p.requeue = earliest(p.requeue, wait)
		return false
	}
	return !p.observed.AnsweredAt.IsZero()
}

func (p *savepointPass) giveUp() {
	if found := p.completedSinceRequest(); found != nil {
		p.succeedAsFound(found)
		return
	}
	p.fail("it has neither succeeded nor failed within " + savepointDeadline.String())
}

// stepUnanswered: the run has ended, and its JobManager does not answer, or not with an end of the savepoint. What it
// said before may tell; a JobManager that is there is given some time, since it keeps the result for five minutes.
func (p *savepointPass) stepUnanswered() {
	if found := p.completedSinceRequest(); found != nil {
		p.succeedAsFound(found)
		return
	}
	jobManager := p.status.Components.JobManager
	if jobManager != nil && jobManager.State != v1beta1.ComponentStateDeleted {
		since := p.observed.AnsweredAt
		switch {
		case p.job.CompletionTime != nil:
			since = p.job.CompletionTime.Time
		case p.observed.Job != nil && !p.observed.Job.EndTime.IsZero():
			since = p.observed.Job.EndTime
		}
		if wait := since.Add(answerWait).Sub(p.Now); wait > 0 {
			p.requeue = wait
			return
		}
	}
	p.failUnknown("the JobManager is gone, and with it the outcome of the savepoint")
}

// trigger sends the request. The executor sends it once; after an unknown outcome it is sent again, with the same
// trigger id, for which Flink starts nothing twice.
func (p *savepointPass) trigger() {
	kind := flink.TriggerSavepoint
	if p.slot.Stop {
		kind = flink.StopWithSavepoint
	}
	effect := flink.Effect{Kind: kind, JobID: p.slot.JobID, TriggerID: p.slot.TriggerID, Directory: p.slot.Directory, Format: string(p.slot.FormatType)}
	result := p.observed.EffectOutcome(effect.ID())
	switch result.Outcome {
	case flink.OutcomeAccepted:
		p.accept()
	case flink.OutcomeRefused:
		p.fail(result.Message)
	case flink.OutcomePending:
	case flink.OutcomeUnknown:
		if !p.idempotentTriggers() {
			p.stepUnrepeatable(result.Message)
			return
		}
		if !p.mayBeSent(true) {
			return
		}
		p.effect = &effect
		p.requeue = time.Second
	default:
		if !p.idempotentTriggers() && p.Now.Sub(p.slot.RequestTime.Time) > firstSendWindow {
			p.stepUnrepeatable("the operator was restarted meanwhile")
			return
		}
		if p.mayBeSent(false) {
			p.effect = &effect
		}
	}
}

// stepUnrepeatable: Flink 1.14 knows no trigger ids of ours. Sent again, the savepoint might be taken twice, so it is
// given some time to show up in the statistics.
func (p *savepointPass) stepUnrepeatable(message string) {
	if wait := p.slot.RequestTime.Add(repeatWindow).Sub(p.Now); wait > 0 {
		p.requeue = wait
		return
	}
	p.fail("the request may have been sent, and Flink gave no answer whether it took it: " + message)
}

// idempotentTriggers says whether this Flink takes trigger ids of ours (1.15 and newer). Unknown versions are taken
// for new ones.
func (p *savepointPass) idempotentTriggers() bool {
	return !strings.HasPrefix(cmp.Or(p.observed.Version, p.status.FlinkVersion), "1.14")
}

func (p *savepointPass) accept() {
	if p.slot.State == v1beta1.SavepointStateRequested {
		p.slot.State = v1beta1.SavepointStateInProgress
		p.slot.TriggerTime = timestamp(p.Now)
	}
}

// succeed stores the result in one write: slot, generation, location, time, trigger id and history.
func (p *savepointPass) succeed(location string, snapshot *flink.Snapshot) {
	p.accept()
	slot, job := p.slot, p.job
	slot.State, slot.Location, slot.Message = v1beta1.SavepointStateSucceeded, location, ""
	slot.CompletionTime, slot.ConsecutiveFailures = timestamp(p.Now), 0
	reason := slot.TriggerReason
	if p.servesGeneration() {
		reason = v1beta1.SavepointReasonUserRequested
	}
	job.SavepointGeneration++
	job.SavepointLocation = location
	job.LastSavepointTriggerID = slot.TriggerID
	job.LastSavepointTime = slot.CompletionTime
	if slot.SavepointGeneration != 0 {
		job.ObservedSavepointGeneration = slot.SavepointGeneration
	}
	if slot.SavepointTriggerNonce != nil {
		job.ObservedSavepointTriggerNonce = slot.SavepointTriggerNonce
	}
	record := v1beta1.SavepointRecord{
		Location: location, Time: *slot.CompletionTime, Reason: reason, FormatType: slot.FormatType,
		TriggerID: slot.TriggerID, JobID: slot.JobID, Attempt: p.job.Attempt,
	}
	if snapshot != nil {
		record.CheckpointID = snapshot.ID
	}
	p.remember(record)
}

// succeedAsFound stores what the statistics show, where Flink's own answer was lost.
func (p *savepointPass) succeedAsFound(found *flink.Snapshot) {
	p.succeed(found.Location, found)
	p.status.SavepointHistory[0].Inferred = true
}

// servesGeneration says whether the savepoint in the slot is the one that a user asks for by generation, whatever it was
// taken for: with its success, the generation is reached.
func (p *savepointPass) servesGeneration() bool {
	wanted, job := p.Cluster.Spec.Job.SavepointGeneration, p.job
	return wanted == job.SavepointGeneration+1 && wanted != job.ObservedSavepointGeneration && p.slot.TriggerReason != v1beta1.SavepointReasonJobCancel
}

func (p *savepointPass) fail(message string) {
	slot := p.slot
	slot.State, slot.Message = v1beta1.SavepointStateFailed, boundText(message, maxReasonLength)
	slot.CompletionTime = timestamp(p.Now)
	slot.ConsecutiveFailures++
}

// failUnknown gives a savepoint up that may be there: nobody is left who would know. Only a user can look.
func (p *savepointPass) failUnknown(message string) {
	p.fail(message + "; if it was completed, it is in " + cmp.Or(p.slot.Directory, "Flink's own directory"))
}

func (p *savepointPass) savepointAt(location string) *flink.Snapshot {
	for _, savepoint := range p.observed.Checkpoints.Savepoints() {
		if sameLocation(savepoint.Location, location) {
			return &savepoint
		}
	}
	return nil
}

// completedSinceRequest finds the savepoint of the slot in the statistics: in our directory, numbered above what was
// known at the request, not triggered before it, and not already counted.
func (p *savepointPass) completedSinceRequest() *flink.Snapshot {
	// A stop that succeeded has finished the job: a savepoint of a job that goes on or failed may be somebody else's,
	// with newer checkpoints after it.
	if finished := p.observed.Job != nil && p.observed.Job.Status == flink.JobFinished; p.slot.Stop && !finished {
		return nil
	}
	savepoints := p.observed.Checkpoints.Savepoints()
	slices.Reverse(savepoints)
	for _, savepoint := range savepoints {
		inDirectory := p.slot.Directory == "" || within(savepoint.Location, p.slot.Directory)
		inTime := !savepoint.TriggerTime.Before(p.slot.RequestTime.Add(-clockSkew))
		if inDirectory && inTime && savepoint.ID > p.slot.NewestCheckpointID && !isKnown(p.status, savepoint) {
			return &savepoint
		}
	}
	return nil
}

// noticeExternal records savepoints that were taken past the operator. They count as newest state; the generation and
// the location in the job status are those of our own, whose numbers are recorded when the statistics show them.
func (p *savepointPass) noticeExternal() {
	for _, savepoint := range unrecorded(p.status, p.observed.Checkpoints) {
		if recorded := recordOf(p.status, savepoint.Location); recorded != nil {
			recorded.CheckpointID = savepoint.ID
			continue
		}
		completed := savepoint.CompletionTime
		if completed.IsZero() {
			completed = p.Now
		}
		p.remember(v1beta1.SavepointRecord{
			Location: savepoint.Location, Time: *timestamp(completed), Reason: v1beta1.SavepointReasonExternal,
			JobID: p.job.ID, Attempt: p.job.Attempt, CheckpointID: savepoint.ID,
		})
	}
}

func (p *savepointPass) runEnded() bool {
	return p.observed.Job != nil && p.observed.Job.Status.Terminal() || !jobActive(p.job)
}
