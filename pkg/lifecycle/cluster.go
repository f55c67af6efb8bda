package lifecycle

import (
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// SpecProblem says why the wanted spec is not in force as a whole.
type SpecProblem struct {
	Message string
}

// Reasons of the SpecValid condition.
const (
	ReasonSpecValid   = "Valid"
	ReasonSpecInvalid = "Invalid"
)

// ClusterInput is what a pass of the cluster loop decides from.
type ClusterInput struct {
	// Cluster has its defaults set; its spec is the one in force, its status the recorded one.
	Cluster *v1beta1.FlinkCluster
	// Revision names the ControllerRevision of the accepted spec; empty if none was ever valid.
	Revision string
	// NextRevision names the revision of the wanted spec, if it is valid and needs an upgrade to be in force.
	NextRevision string
	// Changed names the fields that need the upgrade.
	Changed []string
	// Next is the spec of NextRevision, nil if there is none.
	Next *v1beta1.FlinkClusterSpec
	// Version and NextVersion are Flink's, as far as the spec in force and Next tell; empty if they do not.
	Version, NextVersion string
	// Problem is nil if the wanted spec is valid.
	Problem *SpecProblem
	// Warnings are remarks about the spec that do not keep it from being in force.
	Warnings    []string
	Children    Children
	Observation flink.Observation
	Now         time.Time
}

// Intent is what shall become of a child.
type Intent int

// What can become of a child.
const (
	// Leave it as it is.
	Leave Intent = iota
	// Apply makes it, or brings it to the wanted form.
	Apply
	// Delete removes it.
	Delete
)

// Plan is what shall become of the children.
type Plan struct {
	ConfigMap, Service, JobManager, TaskManager Intent
	// StoredGraph is the graph of the job in the metadata of high availability: the one of the spec before.
	StoredGraph Intent
	// FormerMetadata is that of former runs, AllMetadata that of every run.
	FormerMetadata, AllMetadata Intent
}

// ClusterDecision is what a pass of the cluster loop decides. The plan and the effects are carried out only if the
// status is already as wanted: what is recorded comes first.
type ClusterDecision struct {
	Status v1beta1.FlinkClusterStatus
	// Confirm asks for another pass with children that are confirmed: the JobManager is out of sight, which may be the end of
	// the run. Nothing else is decided then.
	Confirm bool
	// ReadMetadata asks for another pass with the metadata of high availability. Nothing else is decided then.
	ReadMetadata bool
	Plan         Plan
	Effects      []flink.Effect
	// Release removes the operator's finalizer, after all else has been carried out: the cluster is let go.
	Release bool
	// RequeueAfter is when to look again though nothing happens; zero for never.
	RequeueAfter time.Duration
}

// DecideCluster makes one pass over a cluster: it moves the job on, says which children shall exist, and sums up.
func DecideCluster(in ClusterInput) ClusterDecision {
	status := in.Cluster.Status.DeepCopy()
	if deleting(in.Cluster) {
		return decideDeletion(in, status)
	}
	if in.Revision == "" {
		setSpecValid(status, in)
		setCondition(status, in.Cluster.Generation, in.Now, v1beta1.ConditionReady, no("SpecInvalid", "nothing is started until the spec is valid"))
		setCondition(status, in.Cluster.Generation, in.Now, v1beta1.ConditionProgressing, no("SpecInvalid", ""))
		setCondition(status, in.Cluster.Generation, in.Now, v1beta1.ConditionDegraded, no(reasonAsExpected, ""))
		status.State, status.Lifecycle = v1beta1.ClusterStateCreating, v1beta1.LifecycleCreating
		status.ObservedGeneration = in.Cluster.Generation
		return ClusterDecision{Status: *status}
	}
	setRevision(in, status)
	if version := boundText(in.Observation.Version, 32); version != "" {
		status.FlinkVersion = version
	}
	decision := ClusterDecision{}
	if in.Cluster.Spec.Job != nil {
		pass := newJobPass(in, status)
		pass.step()
		if pass.confirm || pass.readMetadata {
			return ClusterDecision{Status: *in.Cluster.Status.DeepCopy(), Confirm: pass.confirm, ReadMetadata: pass.readMetadata}
		}
		decision.Plan = pass.plan()
		decision.Effects = pass.effects
		decision.RequeueAfter = pass.requeue
	} else {
		decision.Plan = stepSession(in, status)
	}
	return conclude(in, status, decision)
}

// conclude sums up in the status what was decided, and puts off the write of what matters little.
func conclude(in ClusterInput, status *v1beta1.FlinkClusterStatus, decision ClusterDecision) ClusterDecision {
	summarise(in, status, decision.Plan)
	decision.Status = *status
	if wait := postpone(&in.Cluster.Status, status, in.Now); wait > 0 {
		decision.Status = *in.Cluster.Status.DeepCopy()
		decision.RequeueAfter = earliest(decision.RequeueAfter, wait)
	}
	return decision
}

func newJobPass(in ClusterInput, status *v1beta1.FlinkClusterStatus) *jobPass {
	if status.Components.Job == nil {
		status.Components.Job = &v1beta1.JobStatus{State: v1beta1.JobStatePending}
	}
	askedFor := in.NextRevision
	in.NextRevision = nextRevision(in, status)
	return &jobPass{ClusterInput: in, status: status, job: status.Components.Job, spec: in.Cluster.Spec.Job, askedFor: askedFor}
}

// plan says what shall become of the children in the state that the job has reached.
func (p *jobPass) plan() Plan {
	switch p.job.State {
	case v1beta1.JobStatePending:
		return Plan{}
	case v1beta1.JobStateDeploying, v1beta1.JobStateRunning:
		return p.planRun()
	case v1beta1.JobStateRestarting, v1beta1.JobStateUpdating:
		return Plan{ConfigMap: Apply, Service: Apply, JobManager: Delete, TaskManager: Delete}
	case v1beta1.JobStateSuspending, v1beta1.JobStateSuspended:
		return Plan{JobManager: Delete, TaskManager: Delete}
	case v1beta1.JobStateSucceeded, v1beta1.JobStateCancelled, v1beta1.JobStateFailed, v1beta1.JobStateLost:
		return p.planEnded()
	}
	return Plan{}
}

// planRun: the pods of a run are made only when nothing of another run is left, and its JobManager only once. A
// JobManager that was there and has gone is the end of the run, and never made again under the same number, unless it has high
// availability.
func (p *jobPass) planRun() Plan {
	plan := Plan{ConfigMap: Apply, Service: Apply, JobManager: Leave, TaskManager: Apply}
	stale := func(workload Workload) bool { return workload.Exists && workload.Attempt != p.job.Attempt }
	if !p.Children.clearFor(p.job.Attempt) {
		plan.TaskManager = Leave
		if stale(p.Children.JobManager) {
			plan.JobManager = Delete
		}
		if stale(p.Children.TaskManager) {
			plan.TaskManager = Delete
		}
		return plan
	}
	unmade := p.Children.ClearToStart(p.job.Attempt) && p.status.Components.JobManager == nil
	if unmade || p.highlyAvailable() {
		plan.JobManager = Apply
	}
	if unmade && p.highlyAvailable() && p.job.HighAvailability.CheckpointID > 0 {
		plan.StoredGraph = Delete
	}
	if p.Children.Metadata != nil && p.Children.Metadata.Former && p.job.State == v1beta1.JobStateRunning {
		plan.FormerMetadata = Delete
	}
	return plan
}

func (p *jobPass) planEnded() Plan {
	// The result of a savepoint that is under way has to be fetched from the JobManager first.
	if SavepointBusy(p.status.Savepoint) || awaitedByControl(p.status) {
		return Plan{}
	}
	// Restarted in the next pass, or resumed at any time: what is needed again is not removed.
	if (p.job.State == v1beta1.JobStateFailed || p.job.State == v1beta1.JobStateLost) && p.restartRefusal().refusal == "" {
		return Plan{}
	}
	switch p.cleanupAction() {
	case v1beta1.CleanupActionDeleteCluster:
		return Plan{ConfigMap: Delete, Service: Delete, JobManager: Delete, TaskManager: Delete}
	case v1beta1.CleanupActionDeleteTaskManager:
		return Plan{TaskManager: Delete}
	case v1beta1.CleanupActionKeepCluster:
	}
	return Plan{}
}

func (p *jobPass) cleanupAction() v1beta1.CleanupAction {
	switch p.job.State {
	case v1beta1.JobStateSucceeded:
		return p.spec.CleanupPolicy.AfterJobSucceeds
	case v1beta1.JobStateCancelled:
		return p.spec.CleanupPolicy.AfterJobCancelled
	case v1beta1.JobStateFailed, v1beta1.JobStateLost:
		return p.spec.CleanupPolicy.AfterJobFails
	case v1beta1.JobStatePending, v1beta1.JobStateDeploying, v1beta1.JobStateRunning, v1beta1.JobStateRestarting,
		v1beta1.JobStateUpdating, v1beta1.JobStateSuspending, v1beta1.JobStateSuspended:
	}
	return v1beta1.CleanupActionKeepCluster
}
