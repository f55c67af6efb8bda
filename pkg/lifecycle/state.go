package lifecycle

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// candidate is a snapshot that the next run could start from.
type candidate struct {
	origin    origin
	location  string
	jobID     string
	id        int64
	time      time.Time
	savepoint bool
}

// origin orders snapshots by the run that they belong to: whatever the clocks say, the last run's own are the newest,
// then comes what it was started from, which a user may have chosen to discard newer ones.
type origin int

const (
	olderRun origin = iota
	restored
	lastRun
	// lastStop is the savepoint that the last run was stopped with: nothing came after it.
	lastStop
)

// newer orders candidates: by number within one run, by time across older runs. Flink's numbers go on after a restore,
// yet two runs that were restored from the same snapshot count the same numbers.
func (c candidate) newer(other candidate) bool {
	if c.origin != other.origin {
		return c.origin > other.origin
	}
	if c.jobID == other.jobID && c.id > 0 && other.id > 0 {
		return c.id > other.id
	}
	return c.time.After(other.time)
}

// candidates returns every recorded snapshot of the job that is not known to be missing, newest first. What the last
// run was started from is one of them, with no time if it is not one of the job's own.
func candidates(status *v1beta1.FlinkClusterStatus) []candidate {
	var found []candidate
	for _, record := range status.SavepointHistory {
		if record.Attempt < status.Components.Job.FirstAttempt || record.Disposal != nil {
			continue
		}
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
	if named := job.FromSavepoint; named != "" && !slices.ContainsFunc(found, func(c candidate) bool { return sameLocation(c.location, named) }) {
		found = append(found, candidate{location: named, savepoint: true})
	}
	for i := range found {
		switch {
		case stoppedWith(status, found[i].location):
			found[i].origin = lastStop
		case found[i].jobID == job.ID:
			found[i].origin = lastRun
		case sameLocation(found[i].location, job.FromSavepoint):
			found[i].origin = restored
		}
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

// stoppedWith says whether the last run was stopped with the savepoint at a location.
func stoppedWith(status *v1beta1.FlinkClusterStatus, location string) bool {
	slot := status.Savepoint
	return slot != nil && slot.Stop && slot.State == v1beta1.SavepointStateSucceeded && slot.JobID == status.Components.Job.ID &&
		sameLocation(slot.Location, location)
}

// restorePoint is the answer to "from what does the next run start".
type restorePoint struct {
	// location is empty for a start from nothing.
	location string
	// metadata is the newest checkpoint in the metadata of high availability that the run goes on from; nil if it starts from the
	// location.
	metadata *v1beta1.CheckpointStatus
	// afresh: the state of the job so far is thrown away, because the user asks for it.
	afresh bool
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
		if !slices.ContainsFunc(known, func(c candidate) bool { return !c.time.IsZero() }) {
			return restorePoint{reason: reasonNoSavepoint,
				refusal: "restartPolicy FromSavepointOnFailure needs a savepoint, and none is recorded; take one before a failure, or restore by fromSavepoint"}
		}
	}
	if refusal := missingRefusal(job, known); refusal != "" {
		return restorePoint{reason: reasonMetadataMissing, refusal: refusal}
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
	if limit := spec.MaxStateAgeToRestoreSeconds; limit != nil && !newest.time.IsZero() {
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
	known := slices.Clone(statistics.History)
	if statistics.Completed != nil {
		known = append(known, *statistics.Completed)
	}
	// Flink's bookkeeping can show an out-of-order savepoint in the slot of the newest checkpoint.
	known = slices.DeleteFunc(known, func(snapshot flink.Snapshot) bool {
		return snapshot.Savepoint || !snapshot.Restorable() || ofAnotherJob(snapshot.Location, jobID)
	})
	if len(known) == 0 {
		return nil
	}
	newest := slices.MaxFunc(known, func(a, b flink.Snapshot) int { return cmp.Compare(a.ID, b.ID) })
	return &v1beta1.CheckpointStatus{ID: newest.ID, Location: newest.Location, JobID: jobID, Time: metav1.NewTime(newest.TriggerTime.Truncate(time.Second))}
}

// jobFolder is the folder that Flink keeps the checkpoints of a job in, unless it is told to make none.
var jobFolder = regexp.MustCompile(`/([0-9a-f]{32})/chk-[0-9]+$`)

// ofAnotherJob says whether a checkpoint lies in another job's folder: an answer that names it is not about this run.
func ofAnotherJob(location, jobID string) bool {
	match := jobFolder.FindStringSubmatch(location)
	return match != nil && match[1] != jobID
}

// sameLocation compares two paths as Flink may write them: file:/a, file:///a and /a/ are one, a path may name the
// snapshot's directory or the _metadata file in it, and Flink adds the scheme and the authority that a user left out.
func sameLocation(a, b string) bool {
	left, right := parseLocation(a), parseLocation(b)
	return left.path == right.path && left.sameSystem(right)
}

// within says whether a path lies in a directory.
func within(path, directory string) bool {
	inner, outer := parseLocation(path), parseLocation(directory)
	return inner.sameSystem(outer) && strings.HasPrefix(inner.path, strings.TrimSuffix(outer.path, "/")+"/")
}

// location is a path of one of Flink's file systems.
type location struct {
	scheme, authority, path string
}

func parseLocation(text string) location {
	text = strings.TrimSuffix(strings.TrimRight(text, "/"), "/_metadata")
	var parsed location
	if colon := strings.Index(text, ":/"); colon > 0 && !strings.Contains(text[:colon], "/") {
		parsed.scheme, text = text[:colon], text[colon+1:]
		if rest, hasAuthority := strings.CutPrefix(text, "//"); hasAuthority {
			parsed.authority, text, _ = strings.Cut(rest, "/")
			text = "/" + text
		}
	}
	if strings.HasPrefix(text, "/") {
		text = "/" + strings.TrimLeft(text, "/")
	}
	parsed.path = text
	return parsed
}

func (l location) sameSystem(other location) bool {
	same := func(a, b string) bool { return a == b || a == "" || b == "" }
	return same(l.scheme, other.scheme) && same(l.authority, other.authority)
}
