package builders

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// JobID is the id of a run in tests: 32 hexadecimal digits that show the number of the run.
func JobID(attempt int32) string {
	return fmt.Sprintf("%032x", attempt)
}

// TriggerID is the trigger id of a savepoint in tests: 32 hexadecimal digits that show the number of the request.
func TriggerID(request int64) string {
	return fmt.Sprintf("f%031x", request)
}

// Status changes the status where no other option fits.
func Status(change func(*v1beta1.FlinkClusterStatus)) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) { change(&cluster.Status) }
}

// Observed says that the status speaks of the present spec.
func Observed() ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) { cluster.Status.ObservedGeneration = cluster.Generation }
}

// JobStatus changes the status of the job, adding one if there is none.
func JobStatus(change func(*v1beta1.JobStatus)) ClusterOption {
	return Status(func(status *v1beta1.FlinkClusterStatus) {
		if status.Components.Job == nil {
			status.Components.Job = &v1beta1.JobStatus{State: v1beta1.JobStatePending}
		}
		change(status.Components.Job)
	})
}

// DeployingJob has a run recorded that is being brought up.
func DeployingJob(attempt int32) ClusterOption {
	return JobStatus(func(job *v1beta1.JobStatus) {
		job.State, job.Attempt, job.ID = v1beta1.JobStateDeploying, attempt, JobID(attempt)
	})
}

// RunningJob has a run whose tasks all run since then, and a cluster around it that is up.
func RunningJob(attempt int32, since time.Time) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) {
		DeployingJob(attempt)(cluster)
		JobStatus(func(job *v1beta1.JobStatus) {
			job.State, job.StartTime = v1beta1.JobStateRunning, new(metav1.NewTime(since))
		})(cluster)
		cluster.Status.State, cluster.Status.Lifecycle = v1beta1.ClusterStateRunning, v1beta1.LifecycleRunning
		cluster.Status.FlinkVersion = "1.20.1"
		Observed()(cluster)
	}
}

// EndedJob has a run that ended then in the given state.
func EndedJob(attempt int32, state v1beta1.JobState, at time.Time) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) {
		DeployingJob(attempt)(cluster)
		JobStatus(func(job *v1beta1.JobStatus) {
			job.State, job.CompletionTime = state, new(metav1.NewTime(at))
		})(cluster)
	}
}

// LastCheckpoint is the newest checkpoint recorded, made by the present run.
func LastCheckpoint(id int64, location string, at time.Time) ClusterOption {
	return JobStatus(func(job *v1beta1.JobStatus) {
		job.LastCheckpoint = &v1beta1.CheckpointStatus{ID: id, Location: location, JobID: job.ID, Time: metav1.NewTime(at)}
	})
}

// Condition sets a condition that is as it is since then.
func Condition(conditionType string, status metav1.ConditionStatus, reason string, since time.Time) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) {
		meta.SetStatusCondition(&cluster.Status.Conditions, metav1.Condition{
			Type: conditionType, Status: status, Reason: reason,
			ObservedGeneration: cluster.Generation, LastTransitionTime: metav1.NewTime(since),
		})
	}
}

// SavepointRequested has request number n in the slot, which Flink has not been asked for as far as is known.
func SavepointRequested(request int64, reason v1beta1.SavepointReason, at time.Time) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) {
		savepoint := &v1beta1.SavepointStatus{
			Request:       request,
			State:         v1beta1.SavepointStateRequested,
			TriggerID:     TriggerID(request),
			TriggerReason: reason,
			RequestTime:   new(metav1.NewTime(at)),
		}
		if job := cluster.Status.Components.Job; job != nil {
			savepoint.JobID = job.ID
		}
		if job := cluster.Spec.Job; job != nil {
			savepoint.Directory, savepoint.FormatType = job.SavepointsDir, job.SavepointFormatType
		}
		cluster.Status.Savepoint = savepoint
	}
}

// SavepointInProgress has request number n in the slot, which Flink accepted then.
func SavepointInProgress(request int64, reason v1beta1.SavepointReason, at time.Time) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) {
		SavepointRequested(request, reason, at)(cluster)
		cluster.Status.Savepoint.State = v1beta1.SavepointStateInProgress
		cluster.Status.Savepoint.TriggerTime = new(metav1.NewTime(at))
	}
}

// SavepointSucceeded has request number n in the slot, completed then, with all that goes with it in the status of
// the job and the history.
func SavepointSucceeded(request int64, reason v1beta1.SavepointReason, location string, at time.Time) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) {
		SavepointInProgress(request, reason, at)(cluster)
		savepoint := cluster.Status.Savepoint
		savepoint.State, savepoint.Location = v1beta1.SavepointStateSucceeded, location
		savepoint.CompletionTime = new(metav1.NewTime(at))
		JobStatus(func(job *v1beta1.JobStatus) {
			job.SavepointGeneration++
			job.SavepointLocation = location
			job.LastSavepointTriggerID = savepoint.TriggerID
			job.LastSavepointTime = new(metav1.NewTime(at))
		})(cluster)
		cluster.Status.SavepointHistory = append([]v1beta1.SavepointRecord{{
			Location: location, Time: metav1.NewTime(at), Reason: reason,
			FormatType: savepoint.FormatType, TriggerID: savepoint.TriggerID, JobID: savepoint.JobID,
		}}, cluster.Status.SavepointHistory...)
	}
}

// SavepointFailed has request number n in the slot, failed then; failures counts those in a row.
func SavepointFailed(request int64, reason v1beta1.SavepointReason, failures int32, at time.Time) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) {
		SavepointInProgress(request, reason, at)(cluster)
		savepoint := cluster.Status.Savepoint
		savepoint.State, savepoint.Message = v1beta1.SavepointStateFailed, "the job refused"
		savepoint.CompletionTime = new(metav1.NewTime(at))
		savepoint.ConsecutiveFailures = failures
	}
}

// Control has a request of the annotation in the status.
func Control(request int64, name string, state v1beta1.ControlState, at time.Time) ClusterOption {
	return Status(func(status *v1beta1.FlinkClusterStatus) {
		status.Control = &v1beta1.ControlStatus{
			Request: request, Name: name, State: state, UpdateTime: new(metav1.NewTime(at)),
		}
	})
}
