package lifecycle

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// candidate is a snapshot that the next run could start from.
type candidate struct {
	location  string
	jobID     string
	id        int64
	time      time.Time
	savepoint bool
}

// newer orders candidates: by number within one run, by time across runs. Flink's numbers go on after a restore,
// yet two runs that were restored from the same snapshot count the same numbers.
func (c candidate) newer(other candidate) bool {
	if c.jobID == other.jobID && c.id > 0 && other.id > 0 {
		return c.id > other.id
	}
	return c.time.After(other.time)
}

// candidates returns every recorded snapshot of the job that is not known to be missing, newest first.
func candidates(status *v1beta1.FlinkClusterStatus) []candidate {
	var found []candidate
	for _, record := range status.SavepointHistory {
		found = append(found, candidate{
			location: record.Location, jobID: record.JobID, id: record.CheckpointID, time: record.Time.Time, savepoint: true,
		})
	}
	job := status.Components.Job
	if checkpoint := job.LastCheckpoint; checkpoint != nil {
		found = append(found, candidate{
			location: checkpoint.Location, jobID: checkpoint.JobID, id: checkpoint.ID, time: checkpoint.Time.Time,
		})
	}
	found = slices.DeleteFunc(found, func(c candidate) bool { return slices.Contains(job.MissingSnapshots, c.location) })
	slices.SortStableFunc(found, func(a, b candidate) int {
		switch {
		case a.newer(b):
			return -1
		case b.newer(a):
			return 1
		}
		return 0
	})
	return found
}

// restorePoint is the answer to "from what does the next run start".
type restorePoint struct {
	// location is empty for a start from nothing.
	location string
	// refusal says why no run may start; empty if one may.
	refusal string
	reason  string
}

// Reasons of the Degraded condition that keep a job from being started.
const (
	reasonNoSavepoint   = "NoSavepoint"
	reasonStateMissing  = "StateMissing"
	reasonStateTooOld   = "StateTooOld"
	reasonRestartLimit  = "RestartLimitReached"
	reasonNeverRestarts = "JobFailed"
)

// newestState chooses what the next run starts from: what the user newly named, else the newest snapshot of the job,
// else what the last run itself was started from. A job with state never starts from nothing.
func newestState(spec *v1beta1.JobSpec, status *v1beta1.FlinkClusterStatus, savepointsOnly bool, now time.Time) restorePoint {
	job := status.Components.Job
	if spec.FromSavepoint != "" && spec.FromSavepoint != job.ObservedFromSavepoint {
		return restorePoint{location: spec.FromSavepoint}
	}
	known := candidates(status)
	if savepointsOnly {
		known = slices.DeleteFunc(known, func(c candidate) bool { return !c.savepoint })
		if len(known) == 0 {
			return restorePoint{reason: reasonNoSavepoint,
				refusal: "restartPolicy FromSavepointOnFailure needs a savepoint, and none is recorded; take one before a failure, or restore by fromSavepoint"}
		}
	}
	if len(known) > 0 {
		return checkAge(spec, known[0], now)
	}
	if len(job.MissingSnapshots) > 0 && !slices.Contains(job.MissingSnapshots, spec.FromSavepoint) {
		return restorePoint{reason: reasonStateMissing,
			refusal: "every recorded snapshot of the job is missing (" + strings.Join(job.MissingSnapshots, ", ") +
				"); the job is not started from nothing: set fromSavepoint to a snapshot that exists"}
	}
	// No snapshot of the job's own: what the user named at first, even if it was missing a moment ago, or nothing.
	return restorePoint{location: job.FromSavepoint}
}

func checkAge(spec *v1beta1.JobSpec, newest candidate, now time.Time) restorePoint {
	if limit := spec.MaxStateAgeToRestoreSeconds; limit != nil {
		if age := now.Sub(newest.time); age > time.Duration(*limit)*time.Second {
			return restorePoint{reason: reasonStateTooOld,
				refusal: "the newest state " + newest.location + " of " + newest.time.UTC().Format(time.RFC3339) +
					" is older than maxStateAgeToRestoreSeconds allows; raise it, or restore by fromSavepoint"}
		}
	}
	return restorePoint{location: newest.location}
}

// recordedCheckpoint turns the newest checkpoint that Flink reports of a run into what the status shall record; nil if
// there is none. Savepoints are recorded in the history.
func recordedCheckpoint(jobID string, statistics *flink.CheckpointStatistics) *v1beta1.CheckpointStatus {
	if statistics == nil {
		return nil
	}
	newest := statistics.Completed
	for _, snapshot := range statistics.History {
		if !snapshot.Savepoint && snapshot.Restorable() && (newest == nil || snapshot.ID > newest.ID) {
			newest = &snapshot
		}
	}
	// Flink's bookkeeping can show an out-of-order savepoint in the slot of the newest checkpoint.
	if newest == nil || newest.Savepoint || !newest.Restorable() {
		return nil
	}
	return &v1beta1.CheckpointStatus{ID: newest.ID, Location: newest.Location, JobID: jobID, Time: metav1.NewTime(newest.TriggerTime.Truncate(time.Second))}
}

// sameLocation compares two paths as Flink may write them: file:/a, file:///a and /a/ are one, and a path may name the
// snapshot's directory or the _metadata file in it.
func sameLocation(a, b string) bool {
	return normaliseLocation(a) == normaliseLocation(b)
}

func normaliseLocation(location string) string {
	location = strings.TrimSuffix(strings.TrimRight(location, "/"), "/_metadata")
	if rest, isFile := strings.CutPrefix(location, "file:"); isFile {
		location = rest
	}
	if strings.HasPrefix(location, "/") {
		location = "/" + strings.TrimLeft(location, "/")
	}
	return location
}
