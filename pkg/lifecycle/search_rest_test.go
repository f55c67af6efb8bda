package lifecycle

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

const (
	// longestWay is how many rounds the world may take to come to rest.
	longestWay = 1000
	// quietRounds is how long it has to stay as it is for that, and patientRounds where somebody is to look again later.
	quietRounds, patientRounds = 3, 100
)

// settle lets everything go well from a state on, until nothing happens any more, and returns the last state.
func (s *search) settle(at state) state {
	for what := mayCrash; what < parts; what++ {
		at[what] = 0
	}
	var way []state
	quiet := 0
	for range longestWay {
		if s.resting[at] {
			s.noteResting(way)
			return at
		}
		way = append(way, at)
		if at[partGone] > 0 {
			s.noteResting(way)
			return at
		}
		after := s.round(at)
		if s.broken != "" {
			return after
		}
		quiet++
		if changed(at, after) {
			quiet = 0
		}
		if quiet > quietRounds && s.requeue <= 0 || quiet > patientRounds {
			s.checkRest(after)
			s.noteResting(way)
			return after
		}
		// While anything happens no time passes: fewer states differ by the ages of what is in them.
		if at = after; quiet > 0 {
			at, _ = s.pass(after, s.requeue.Truncate(time.Second)+time.Second)
		}
	}
	s.promise(false, "the world does not come to rest: %s", summary(s.status(at)))
	return at
}

func (s *search) noteResting(way []state) {
	for _, at := range way {
		s.resting[at] = true
	}
}

// changed says whether more than what the observer has heard differs.
func changed(before, after state) bool {
	return before.with(partMemory, after[partMemory]).with(partOlder, after[partOlder]) != after
}

// round has everybody do their work once.
func (s *search) round(at state) state {
	s.requeue = 0
	for _, do := range []func(state) (state, bool){
		func(at state) (state, bool) { return s.changeObjects(at, endPods) },
		func(at state) (state, bool) { return s.changeObjects(at, makePods) },
		s.goOn, s.writeSavepoint, s.firstCheckpoint,
		func(at state) (state, bool) { return s.inform(at, true, true) },
		func(at state) (state, bool) { return s.poll(at, false) },
		func(at state) (state, bool) { return s.execute(at, answered) },
		s.clusterPass, s.savepointPass, s.controlPass,
	} {
		at, _ = do(at)
		s.checkState(at)
		if at[partGone] > 0 {
			break
		}
	}
	return at
}

func (s *search) firstCheckpoint(at state) (state, bool) {
	if run := jobManagerOf(s.objects(at), s.flink(at)); run == nil || len(run.Snapshots) > 0 {
		return at, false
	}
	return s.checkpoint(at)
}

// checkRest: when nothing happens any more, nothing is left undone.
func (s *search) checkRest(at state) {
	status, spec := s.status(at), s.specs[at[partUser]].Spec.Job
	job, control := status.Components.Job, status.Control
	s.promise(!s.deleting(at), "at rest, the cluster that is being deleted is there")
	s.promise(!SavepointBusy(status.Savepoint), "at rest, the slot is busy")
	s.promise(control == nil || controlFinished(control), "at rest, request %v is open", control)
	s.promise(s.annotations.of(at[partAnnotations])[v1beta1.ControlAnnotation] == "", "at rest, the annotation is there")
	switch job.State {
	case v1beta1.JobStateRunning:
		run := jobManagerOf(s.objects(at), s.flink(at))
		s.promise(run != nil && run.JobID == job.ID && run.Status == flink.JobRunning && run.Working, "at rest, the job is said to run")
		s.promise(!spec.CancelRequested, "at rest, the job runs though it is to be cancelled")
		s.promise(spec.SavepointGeneration <= job.SavepointGeneration || spec.SavepointGeneration == job.ObservedSavepointGeneration, "at rest, generation %d is owed", spec.SavepointGeneration)
		nonce, observed := spec.SavepointTriggerNonce, job.ObservedSavepointTriggerNonce
		s.promise(nonce == nil || observed != nil && *observed == *nonce, "at rest, a savepoint by nonce is owed")
		s.promise(conditionOf(*status, v1beta1.ConditionReady).Status == metav1.ConditionTrue, "at rest, the running job is not ready")
	case v1beta1.JobStateCancelled:
		s.promise(spec.CancelRequested || job.CancelledBy != v1beta1.CancelledBySpec, "at rest, the job is cancelled and wanted again")
	case v1beta1.JobStateFailed, v1beta1.JobStateLost:
		s.promise(spec.RestartPolicy == v1beta1.RestartPolicyNever, "at rest, the job is %s", job.State)
	case v1beta1.JobStateSucceeded:
		s.promise(false, "at rest, the job is said to have ended by itself")
	case v1beta1.JobStatePending, v1beta1.JobStateDeploying, v1beta1.JobStateRestarting,
		v1beta1.JobStateUpdating, v1beta1.JobStateSuspending, v1beta1.JobStateSuspended:
		s.promise(false, "at rest, the job is %s", job.State)
	}
	if job.State != v1beta1.JobStateRunning {
		run := jobManagerOf(s.objects(at), s.flink(at))
		s.promise(run == nil || !run.Working, "at rest, the job is said to be %s and runs", job.State)
	}
}
