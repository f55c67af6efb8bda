package lifecycle

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// maxControlNameLength bounds what is kept of an annotation value that nobody knows, in bytes.
const maxControlNameLength = 63

// ControlInput is what a pass over the user-control annotation decides from.
type ControlInput struct {
	// Cluster has its defaults set; its spec is the one in force.
	Cluster     *v1beta1.FlinkCluster
	Observation flink.Observation
	Now         time.Time
}

// ControlDecision is what a pass over the user-control annotation decides.
type ControlDecision struct {
	// Status is the wanted status; equal to the recorded one if there is nothing to record.
	Status v1beta1.FlinkClusterStatus
	// Annotations is a change of metadata.annotations, nil for none: a nil value removes. It is made only after the
	// result is stored in the status.
	Annotations map[string]*string
}

// DecideControl takes in requests made by annotation and follows them to their end. A request has a number; the
// number of the last one whose annotation was removed stands in the user-control-handled annotation, which is written
// in the same patch. So an annotation is a new request exactly if the recorded one has been handled, whatever crashed
// in between.
func DecideControl(in ControlInput) ControlDecision {
	pass := &controlPass{ControlInput: in, status: in.Cluster.Status.DeepCopy()}
	pass.value, pass.present = in.Cluster.Annotations[v1beta1.ControlAnnotation]
	handled := handledRequest(in.Cluster)
	control := pass.status.Control
	switch {
	case control != nil && !controlFinished(control):
		pass.follow(control)
	case control != nil && handled < control.Request:
		return ControlDecision{Status: *pass.status, Annotations: pass.acknowledge(control)}
	case pass.present:
		request := handled
		if control != nil {
			request = max(request, control.Request)
		}
		pass.accept(request + 1)
	}
	return ControlDecision{Status: *pass.status}
}

type controlPass struct {
	ControlInput
	status  *v1beta1.FlinkClusterStatus
	value   string
	present bool
}

func handledRequest(cluster *v1beta1.FlinkCluster) int64 {
	handled, err := strconv.ParseInt(cluster.Annotations[v1beta1.ControlHandledAnnotation], 10, 64)
	// Nobody counts so far; the next number must be greater.
	if err != nil || handled < 0 || handled > 1<<53 {
		return 0
	}
	return handled
}

func controlFinished(control *v1beta1.ControlStatus) bool {
	return control.State == v1beta1.ControlStateSucceeded || control.State == v1beta1.ControlStateFailed
}

// awaitedByControl says whether the result in the savepoint slot has yet to be taken over by a request by annotation.
// Until then the slot is not given to another request.
func awaitedByControl(status *v1beta1.FlinkClusterStatus) bool {
	control, slot := status.Control, status.Savepoint
	return control != nil && !controlFinished(control) && slot != nil &&
		control.Details[v1beta1.ControlDetailSavepointTriggerID] == slot.TriggerID && slot.TriggerID != ""
}

// acknowledge removes the annotation of a finished request. Another value has been put there meanwhile is a request of
// its own, and stays.
func (p *controlPass) acknowledge(control *v1beta1.ControlStatus) map[string]*string {
	change := map[string]*string{v1beta1.ControlHandledAnnotation: new(strconv.FormatInt(control.Request, 10))}
	if p.present && controlName(p.value) == control.Name {
		change[v1beta1.ControlAnnotation] = nil
	}
	return change
}

func controlName(value string) string {
	return boundText(value, maxControlNameLength)
}

// accept records a new request, or its refusal. Nothing else is touched by a refused one.
func (p *controlPass) accept(request int64) {
	p.status.Control = &v1beta1.ControlStatus{
		Name: controlName(p.value), State: v1beta1.ControlStateRequested, Request: request, UpdateTime: timestamp(p.Now),
	}
	if refusal := p.refusal(); refusal != "" {
		p.finish(v1beta1.ControlStateFailed, refusal)
		return
	}
	p.begin()
}

// refusal says why the request cannot be served; empty if it can.
func (p *controlPass) refusal() string {
	name := p.status.Control.Name
	if !slices.Contains(v1beta1.ControlValues(), name) {
		return "unknown value " + strconv.Quote(name) + " of " + v1beta1.ControlAnnotation + "; accepted are " + strings.Join(v1beta1.ControlValues(), ", ")
	}
	job := p.status.Components.Job
	switch {
	case deleting(p.Cluster):
		return refusedByDeletion
	case p.Cluster.Spec.Job == nil:
		return "a session cluster has no job of its own; use Flink's command line or REST API"
	case job == nil || job.ID == "":
		return "the job has not been started yet"
	case name == v1beta1.ControlJobRestart:
		return p.refusesRestart()
	case name == v1beta1.ControlJobCancelWithoutSavepoint:
		if !jobActive(job) && job.State != v1beta1.JobStateRestarting && job.State != v1beta1.JobStateUpdating {
			return "the job has ended, it is " + string(job.State)
		}
	case job.State != v1beta1.JobStateRunning:
		refusal := "the job does not run, it is " + string(job.State)
		if name == v1beta1.ControlJobCancel {
			refusal += "; " + v1beta1.ControlJobCancelWithoutSavepoint + " cancels a job that is starting or restarting"
		}
		return refusal
	case name == v1beta1.ControlSavepoint && p.Cluster.Spec.SavepointDirectory() == "":
		return "no savepoint directory is known; set spec.job.savepointsDir"
	}
	return ""
}

// begin files the savepoint that the request needs, as soon as the slot is empty. A cancel without one is carried out
// by the cluster loop, which reads the request.
func (p *controlPass) begin() {
	control, directory := p.status.Control, p.Cluster.Spec.SavepointDirectory()
	// The job may have been restarted while the request waited for the slot.
	control.Details = map[string]string{v1beta1.ControlDetailJobID: p.status.Components.Job.ID}
	if control.Name == v1beta1.ControlJobRestart {
		p.move(v1beta1.ControlStateInProgress, "")
		return
	}
	reason := v1beta1.SavepointReasonUserRequested
	if control.Name != v1beta1.ControlSavepoint {
		reason = v1beta1.SavepointReasonJobCancel
	}
	if control.Name == v1beta1.ControlJobCancelWithoutSavepoint || control.Name == v1beta1.ControlJobCancel && directory == "" {
		p.move(v1beta1.ControlStateInProgress, "")
		return
	}
	if SavepointBusy(p.status.Savepoint) {
		p.move(v1beta1.ControlStateRequested, "waits for the savepoint "+p.status.Savepoint.TriggerID+" to end")
		return
	}
	p.status.Savepoint = newRequest(p.Cluster, p.status, p.Observation, p.Now, reason, directory)
	control.Details[v1beta1.ControlDetailSavepointTriggerID] = p.status.Savepoint.TriggerID
	p.move(v1beta1.ControlStateInProgress, "")
}

func (p *controlPass) follow(control *v1beta1.ControlStatus) {
	if p.Cluster.Spec.Job == nil || p.status.Components.Job == nil {
		p.finish(v1beta1.ControlStateFailed, "the cluster has no job")
		return
	}
	if control.State == v1beta1.ControlStateRequested {
		if refusal := p.refusal(); refusal != "" {
			p.finish(v1beta1.ControlStateFailed, refusal)
			return
		}
		p.begin()
		return
	}
	switch control.Name {
	case v1beta1.ControlSavepoint:
		p.followSavepoint(control)
	case v1beta1.ControlJobRestart:
		p.followRestart(control)
	default:
		p.followCancel(control)
	}
}

// refusedByDeletion is the answer to requests that come too late.
const refusedByDeletion = "the FlinkCluster is being deleted"

// refusesRestart says why the job cannot be restarted. One that has ended can be.
func (p *controlPass) refusesRestart() string {
	switch job, spec := p.status.Components.Job, p.Cluster.Spec.Job; {
	case deleting(p.Cluster):
		return refusedByDeletion
	case spec.CancelRequested:
		return "spec.job.cancelRequested is true"
	case spec.State == v1beta1.DesiredJobStateSuspended:
		return "spec.job.state is suspended; set it to running"
	case job.State == v1beta1.JobStateUpdating, job.State == v1beta1.JobStateSuspending, job.State == v1beta1.JobStateSuspended:
		return "the job is being started or stopped already, it is " + string(job.State)
	}
	return ""
}

// followRestart waits until another run of the job runs, and tells what it waits for.
func (p *controlPass) followRestart(control *v1beta1.ControlStatus) {
	job := p.status.Components.Job
	pass := newJobPass(ClusterInput{Cluster: p.Cluster, Observation: p.Observation, Now: p.Now}, p.status)
	restarted := control.Details[v1beta1.ControlDetailJobID] != job.ID
	switch {
	case p.refusesRestart() != "" && (pass.stopping() == nil || pass.deleting()):
		p.finish(v1beta1.ControlStateFailed, p.refusesRestart())
	case restarted && job.State == v1beta1.JobStateRunning:
		p.finish(v1beta1.ControlStateSucceeded, "")
	case restarted && jobEnded(job) && pass.restartRefusal().refusal != "":
		p.finish(v1beta1.ControlStateFailed, "the job was restarted and has ended, it is "+string(job.State))
	case !restarted && jobEnded(job):
		if point := pass.restorePointFor(v1beta1.TransitionRestart); point.refusal != "" {
			p.finish(v1beta1.ControlStateFailed, point.refusal)
		}
	case !restarted && jobActive(job) && pass.stopping() == nil:
		p.move(v1beta1.ControlStateInProgress, pass.chooseStop(v1beta1.TransitionRestart, pass.runObservation()).wait)
	}
}

func (p *controlPass) followSavepoint(control *v1beta1.ControlStatus) {
	switch state, message := p.savepointResult(control); state {
	case v1beta1.SavepointStateSucceeded:
		p.finish(v1beta1.ControlStateSucceeded, "")
	case v1beta1.SavepointStateFailed:
		p.finish(v1beta1.ControlStateFailed, message)
	case v1beta1.SavepointStateRequested, v1beta1.SavepointStateInProgress:
	}
}

func (p *controlPass) followCancel(control *v1beta1.ControlStatus) {
	job := p.status.Components.Job
	if control.Details[v1beta1.ControlDetailSavepointTriggerID] != "" {
		state, message := p.savepointResult(control)
		if state == v1beta1.SavepointStateFailed {
			p.finish(v1beta1.ControlStateFailed, message)
		}
		if state != v1beta1.SavepointStateSucceeded {
			return
		}
	}
	switch job.State {
	case v1beta1.JobStateCancelled:
		p.finish(v1beta1.ControlStateSucceeded, "")
	case v1beta1.JobStateSucceeded:
		p.finish(v1beta1.ControlStateFailed, "the job ended by itself, it is "+string(job.State))
	case v1beta1.JobStateFailed, v1beta1.JobStateLost:
		// One that is about to be restarted is cancelled instead.
		if pass := newJobPass(ClusterInput{Cluster: p.Cluster, Now: p.Now}, p.status); (!pass.stopped() || pass.resuming()) && pass.restartRefusal().refusal != "" {
			p.finish(v1beta1.ControlStateFailed, "the job ended by itself, it is "+string(job.State))
		}
	case v1beta1.JobStateDeploying, v1beta1.JobStateRunning:
		if control.Details[v1beta1.ControlDetailJobID] != job.ID {
			p.finish(v1beta1.ControlStateFailed, "the job failed and was restarted before it could be cancelled")
		}
	case v1beta1.JobStatePending, v1beta1.JobStateRestarting, v1beta1.JobStateUpdating, v1beta1.JobStateSuspending, v1beta1.JobStateSuspended:
	}
}

// savepointResult is the state of the savepoint that the request filed. One that is neither in the slot nor in the
// history has been lost.
func (p *controlPass) savepointResult(control *v1beta1.ControlStatus) (v1beta1.SavepointState, string) {
	triggerID := control.Details[v1beta1.ControlDetailSavepointTriggerID]
	if slot := p.status.Savepoint; slot != nil && slot.TriggerID == triggerID {
		return slot.State, slot.Message
	}
	if slices.ContainsFunc(p.status.SavepointHistory, func(record v1beta1.SavepointRecord) bool { return record.TriggerID == triggerID }) {
		return v1beta1.SavepointStateSucceeded, ""
	}
	return v1beta1.SavepointStateFailed, "the record of the savepoint " + triggerID + " is gone"
}

func (p *controlPass) move(state v1beta1.ControlState, message string) {
	control := p.status.Control
	if control.State != state || control.Message != message {
		control.State, control.Message, control.UpdateTime = state, message, timestamp(p.Now)
	}
}

func (p *controlPass) finish(state v1beta1.ControlState, message string) {
	p.move(state, boundText(message, maxReasonLength))
}
