package lifecycle

import (
	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// Pace is how closely a JobManager has to be followed.
type Pace int

// The paces.
const (
	// PacePaused: there is no JobManager to ask.
	PacePaused Pace = iota
	// PaceStarting: the JobManager or the job is coming up.
	PaceStarting
	// PaceOperation: a savepoint, stop or cancel is under way.
	PaceOperation
	// PaceStable: the job runs.
	PaceStable
)

// Watch says what to ask a JobManager about.
type Watch struct {
	JobID string
	// Attempt is the number of the run: with high availability it may have the job id of the one before.
	Attempt int32
	// TriggerID is the savepoint to follow; empty for none.
	TriggerID string
	// DisposalID is the disposal of a savepoint to follow; empty for none.
	DisposalID string
	Pace       Pace
	// FreshCheckpoints asks for the statistics so often that the newest checkpoint known is still retained.
	FreshCheckpoints bool
}

// WatchFor says what to ask the JobManager of a cluster about, given its recorded status.
func WatchFor(cluster *v1beta1.FlinkCluster) Watch {
	status := &cluster.Status
	if cluster.Spec.Job == nil {
		if status.FlinkVersion == "" {
			return Watch{Pace: PaceStarting}
		}
		return Watch{Pace: PaceStable}
	}
	job := status.Components.Job
	if job == nil || job.ID == "" {
		return Watch{}
	}
	watch := Watch{JobID: job.ID, Attempt: job.Attempt, FreshCheckpoints: livesOnCheckpoints(cluster)}
	busy := SavepointBusy(status.Savepoint) && status.Savepoint.JobID == job.ID
	if busy {
		watch.TriggerID = status.Savepoint.TriggerID
	}
	switch {
	case busy:
		watch.Pace = PaceOperation
	case job.State == v1beta1.JobStateDeploying:
		watch.Pace = PaceStarting
	case followsDisposal(status):
		watch.DisposalID, watch.Pace = DisposalID(beingDisposed(status)), PaceOperation
	case job.State == v1beta1.JobStateRunning && (cancelUnderWay(cluster) || stoppingFor(job) != nil):
		watch.Pace = PaceOperation
	case job.State == v1beta1.JobStateRunning:
		watch.Pace = PaceStable
	}
	return watch
}

// followsDisposal says whether a savepoint is being disposed of. What comes first then waits for nothing.
func followsDisposal(status *v1beta1.FlinkClusterStatus) bool {
	job := status.Components.Job
	return job.State == v1beta1.JobStateRunning && stoppingFor(job) == nil && beingDisposed(status) != nil
}

func cancelUnderWay(cluster *v1beta1.FlinkCluster) bool {
	control := cluster.Status.Control
	return cluster.Spec.Job.CancelRequested ||
		control != nil && !controlFinished(control) && asksForCancel(control)
}
