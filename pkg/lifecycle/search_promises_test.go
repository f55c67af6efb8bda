package lifecycle

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// promise notes that one is broken. The first is the one that is reported.
func (s *search) promise(holds bool, format string, args ...any) {
	if !holds && s.broken == "" {
		s.broken = fmt.Sprintf(format, args...)
	}
}

// requestOf names the request of the user that the savepoint in the slot was filed for.
func requestOf(status *v1beta1.FlinkClusterStatus) string {
	slot, control := status.Savepoint, status.Control
	switch {
	case control != nil && control.Details[v1beta1.ControlDetailSavepointTriggerID] == slot.TriggerID:
		return fmt.Sprintf("annotation %d", control.Request)
	case slot.SavepointGeneration != 0:
		return fmt.Sprintf("generation %d", slot.SavepointGeneration)
	case slot.SavepointTriggerNonce != nil:
		return fmt.Sprintf("nonce %d", *slot.SavepointTriggerNonce)
	}
	return string(slot.TriggerReason)
}

// checkChange looks at a write of the status.
func (s *search) checkChange(at state, loop string, before, after *v1beta1.FlinkClusterStatus) {
	s.promise(invalidity(after) == "", "the %s loop writes an impossible status: %s", loop, invalidity(after))
	s.checkSlot(at, loop, before.Savepoint, after.Savepoint)
	s.checkControl(at, before.Control, after.Control)
	old, updated := before.Components.Job, after.Components.Job
	if old == nil || updated == nil {
		return
	}
	if old.Attempt != updated.Attempt {
		s.checkStart(at, before, old, updated)
	} else if jobActive(old) && !jobActive(updated) {
		s.checkEnd(at, old, updated)
	}
}

func (s *search) checkSlot(at state, loop string, before, after *v1beta1.SavepointStatus) {
	switch {
	case apiequality.Semantic.DeepEqual(before, after):
	case before == nil || before.Request != after.Request:
		s.promise(!SavepointBusy(before), "the %s loop files a request though the slot is taken", loop)
	default:
		s.promise(loop == "savepoint" && SavepointBusy(before), "the %s loop changes a savepoint that has ended, or is not its own", loop)
		s.checkOutcome(at, before, after)
	}
}

// checkOutcome: what is recorded of a savepoint is what Flink did. While its JobManager can be asked, a savepoint that it
// works on, or has completed, has not failed.
func (s *search) checkOutcome(at state, before, after *v1beta1.SavepointStatus) {
	world := s.flink(at)
	switch after.State {
	case v1beta1.SavepointStateSucceeded:
		s.promise(world.taken(after.TriggerID) > 0, "savepoint %.6s is recorded as taken, and Flink did not complete it", after.TriggerID)
		s.promise(world.position(after.Location) >= 0, "savepoint %.6s is recorded at %s, where nothing is", after.TriggerID, after.Location)
	case v1beta1.SavepointStateFailed:
		run := s.runOf(at, before.JobID)
		if run == nil || !alive(s.objects(at), run.Attempt) {
			return
		}
		s.promise(world.taken(after.TriggerID) == 0, "savepoint %.6s is recorded as failed (%s), and Flink completed it", after.TriggerID, after.Message)
		operation := run.operation(after.TriggerID)
		s.promise(operation == nil || operation.State != flink.OperationInProgress, "savepoint %.6s is recorded as failed (%s), and is under way", after.TriggerID, after.Message)
	case v1beta1.SavepointStateRequested, v1beta1.SavepointStateInProgress:
	}
}

func (s *search) runOf(at state, jobID string) *worldRun {
	for _, run := range s.flink(at).Runs {
		if run.JobID == jobID {
			return &run
		}
	}
	return nil
}

// checkControl: each attachment of the annotation is one request, which ends once.
func (s *search) checkControl(at state, before, after *v1beta1.ControlStatus) {
	if after == nil || apiequality.Semantic.DeepEqual(before, after) {
		return
	}
	if before != nil {
		s.promise(after.Request >= before.Request, "request %d comes after %d", after.Request, before.Request)
		s.promise(after.Request != before.Request || !controlFinished(before), "request %d has ended, and is changed", after.Request)
	}
	s.promise(after.Request <= s.attached(at), "request %d is accepted, and the annotation was attached %d times", after.Request, s.attached(at))
	if after.State != v1beta1.ControlStateSucceeded {
		return
	}
	if trigger := after.Details[v1beta1.ControlDetailSavepointTriggerID]; trigger != "" || after.Name == v1beta1.ControlSavepoint {
		s.promise(s.flink(at).taken(trigger) > 0, "request %d is said to have succeeded, and its savepoint was not completed", after.Request)
	}
	if after.Name != v1beta1.ControlSavepoint {
		run := jobManagerOf(s.objects(at), s.flink(at))
		s.promise(run == nil || !run.Working, "the job is said to have been cancelled, and runs")
	}
}

// attached is how often the user has attached the annotation so far.
func (s *search) attached(at state) int64 {
	var count int64
	for _, step := range s.scenario.script[:at[partUser]] {
		if step.attach != "" {
			count++
		}
	}
	return count
}

// checkStart: a run starts from the newest state that is recorded, and from no older one.
func (s *search) checkStart(at state, before *v1beta1.FlinkClusterStatus, old, updated *v1beta1.JobStatus) {
	world := s.flink(at)
	s.promise(updated.Attempt == old.Attempt+1, "run %d follows %d", updated.Attempt, old.Attempt)
	s.promise(!SavepointBusy(before.Savepoint), "run %d starts during a savepoint", updated.Attempt)
	s.promise(!s.deleting(at), "run %d starts though the cluster is being deleted", updated.Attempt)
	s.promise(!s.specs[at[partUser]].Spec.Job.CancelRequested, "run %d starts though the job is to be cancelled", updated.Attempt)
	from := world.position(updated.FromSavepoint)
	recorded := []string{old.FromSavepoint}
	if old.LastCheckpoint != nil {
		recorded = append(recorded, old.LastCheckpoint.Location)
	}
	for _, savepoint := range before.SavepointHistory {
		recorded = append(recorded, savepoint.Location)
	}
	for _, location := range recorded {
		s.promise(from >= world.position(location), "run %d starts from %q, and %q is newer", updated.Attempt, updated.FromSavepoint, location)
	}
}

// checkEnd: a run is given up when its job has ended or its JobManager has gone, and not because nobody sees them.
func (s *search) checkEnd(at state, old, updated *v1beta1.JobStatus) {
	run := s.flink(at).run(old.Attempt)
	ended := run == nil || run.Status.Terminal() || !alive(s.objects(at), old.Attempt)
	taken := old.State == v1beta1.JobStateDeploying && (updated.State == v1beta1.JobStateRestarting || s.deleting(at))
	s.promise(ended || taken || s.deletionWaited(at), "run %d is recorded as %s, and its JobManager works", old.Attempt, updated.State)
	made := run != nil || !s.objects(at).JobManager.Exists
	s.promise(made || taken || s.deletionWaited(at), "run %d is recorded as %s, and its JobManager is about to start", old.Attempt, updated.State)
}

// checkRemoval: the JobManager of a job that runs is not taken away.
func (s *search) checkRemoval(at state, attempt int32) {
	run, job := s.flink(at).run(attempt), s.status(at).Components.Job
	runs := run != nil && run.Working && alive(s.objects(at), attempt)
	s.promise(!runs || job.StartTime == nil || s.deletionWaited(at), "the JobManager of run %d is removed, and its job runs", attempt)
}

// checkCancel: a job is cancelled without a savepoint only where the user said so.
func (s *search) checkCancel(at state) {
	asked := slices.ContainsFunc(s.scenario.script[:at[partUser]], func(step userStep) bool { return step.attach == v1beta1.ControlJobCancelWithoutSavepoint })
	s.promise(asked || s.cancelsForDeletion(at), "Flink is asked to cancel the job without a savepoint")
}

// checkState holds in every state.
func (s *search) checkState(at state) {
	status, world := s.status(at), s.flink(at)
	attempts := map[int32]bool{}
	for _, pod := range s.objects(at).live(func(Pod) bool { return true }) {
		attempts[pod.Attempt] = true
	}
	s.promise(len(attempts) <= 1, "pods of %d runs are alive", len(attempts))
	for _, record := range status.SavepointHistory {
		s.promise(world.position(record.Location) >= 0 && (record.TriggerID == "" || world.taken(record.TriggerID) > 0), "the history has a savepoint at %s, and Flink took none", record.Location)
	}
	if job := status.Components.Job; job != nil {
		s.promise(int(job.SavepointGeneration) <= len(world.Ledger), "the generation is %d, and %d savepoints were taken", job.SavepointGeneration, len(world.Ledger))
	}
	byRequest := map[string]int{}
	for _, request := range s.filed.of(at[partFiled]) {
		s.promise(world.taken(request.TriggerID) <= 1, "savepoint %.6s was taken %d times", request.TriggerID, world.taken(request.TriggerID))
		for _, savepoint := range world.Ledger {
			// Where the only one who knew is gone, nobody can say that it was taken, and it is taken again.
			if savepoint.TriggerID == request.TriggerID && !savepoint.Unheard {
				byRequest[request.Request]++
			}
		}
	}
	for request, count := range byRequest {
		s.promise(count <= 1, "%d savepoints were taken for one request: %s", count, request)
	}
	for _, savepoint := range world.Ledger {
		known := slices.ContainsFunc(s.filed.of(at[partFiled]), func(request filed) bool { return request.TriggerID == savepoint.TriggerID })
		s.promise(known, "Flink took savepoint %.6s, which nobody recorded before", savepoint.TriggerID)
	}
	s.checkHandled(at)
}

// checkHandled: the annotation says of no request that it has been handled which has not ended.
func (s *search) checkHandled(at state) {
	handled := s.annotations.of(at[partAnnotations])[v1beta1.ControlHandledAnnotation]
	if handled == "" {
		return
	}
	control := s.status(at).Control
	number, err := strconv.ParseInt(strings.TrimSpace(handled), 10, 64)
	s.promise(err == nil && control != nil && (number < control.Request || number == control.Request && controlFinished(control)), "request %s is said to have been handled", handled)
}
