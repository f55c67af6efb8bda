package lifecycle

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// With high availability a run is not over with its JobManager: the next one, in the same place, goes on from the newest
// checkpoint, which it finds in the metadata that Flink keeps in ConfigMaps. Each job id has metadata of its own. An upgrade
// that removes the pods alone, and keeps the job id, goes on from it too. Flink removes it when the job has ended for good.

const (
	// recoveryWait is how long a JobManager with high availability may not list its job: it becomes the leader, recovers the
	// job, or runs the main method of the job once more.
	recoveryWait = time.Minute
	// mostFormerMetadata bounds the runs whose metadata is still to be removed.
	mostFormerMetadata = 20
)

// reasonMetadataMissing is that of the Degraded condition of a job whose metadata is gone.
const reasonMetadataMissing = "HAMetadataMissing"

// Metadata is what is seen of the metadata of high availability, in the API server: Flink renews leases in it every few
// seconds, so nobody watches it.
type Metadata struct {
	// Exists: there is a place for the checkpoints of the job id.
	Exists bool
	// CheckpointID is the number of the newest checkpoint in it, 0 for none.
	CheckpointID int64
	// Former says whether there is metadata of former runs.
	Former bool
}

// wanted is the spec of the next run.
func (p *jobPass) wanted() *v1beta1.FlinkClusterSpec {
	if p.NextRevision != "" && p.Next != nil {
		return p.Next
	}
	return &p.Cluster.Spec
}

func (p *jobPass) wantedVersion() string {
	if p.NextRevision != "" && p.Next != nil {
		return p.NextVersion
	}
	return p.Version
}

// highlyAvailable says whether the recorded run has high availability.
func (p *jobPass) highlyAvailable() bool {
	return p.job.HighAvailability != nil
}

// identify gives the next run its job id: a new one, unless it goes on from metadata, where Flink looks under the same.
func (p *jobPass) identify(point restorePoint) {
	job, number := p.job, int64(0)
	if point.metadata == nil {
		if job.HighAvailability != nil {
			former := append(slices.Clone(job.FormerMetadata), job.ID)
			job.FormerMetadata = former[max(0, len(former)-mostFormerMetadata):]
		}
		job.ID, job.FromSavepoint = JobID(p.Cluster.UID, job.Attempt), point.location
	} else {
		number = point.metadata.ID
		if location := point.metadata.Location; location != "" && location != job.FromSavepoint {
			job.LastCheckpoint = point.metadata
		}
	}
	job.HighAvailability = nil
	if next := p.wanted(); next.HighAvailability() {
		job.HighAvailability = &v1beta1.HighAvailabilityStatus{
			ClusterID: v1beta1.HAClusterID(p.Cluster.Name, job.ID), StorageDir: next.HAStorageDirectory(),
			Image: next.Image.Name, FlinkVersion: p.wantedVersion(), CheckpointID: number,
		}
	}
}

// metadataServes says whether the next run can go on from the metadata of the recorded one. What another Flink wrote cannot be
// read, and a state that is left out cannot be named, so then the next run starts from the path of the newest checkpoint.
func (p *jobPass) metadataServes() bool {
	before, next := p.job.HighAvailability, p.wanted()
	return before != nil && next.HighAvailability() && next.HAStorageDirectory() == before.StorageDir && !next.Job.AllowNonRestoredState &&
		sameFlink(before, next.Image.Name, p.wantedVersion())
}

func sameFlink(before *v1beta1.HighAvailabilityStatus, image, version string) bool {
	if before.Image == image && before.FlinkVersion == version {
		return true
	}
	return version != "" && minorVersion(before.FlinkVersion) == minorVersion(version)
}

// minorVersion is "1.20" of "1.20.3".
func minorVersion(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

// chooseMetadata has the pods removed, and nothing else: whether the job runs, fails or does not answer. A job that runs and has
// no checkpoint yet would lose what it has done.
func (p *jobPass) chooseMetadata(condition jobCondition) stopChoice {
	if condition == conditionRunning && !p.hasSnapshotOfRun() && !completedAny(p.runObservation().Checkpoints) {
		return stopChoice{reason: reasonNoCheckpoint, wait: "no checkpoint of this run has been completed, so what it has done would be lost: " +
			"wait for one, set execution.checkpointing.interval, or spec.job.upgradeMode to stateless to start from nothing"}
	}
	if point := newestState(p.spec, p.withNewestCheckpoint(), false, p.Now); point.refusal != "" {
		return stopChoice{reason: point.reason, wait: point.refusal}
	}
	return stopChoice{mode: v1beta1.UpgradeModeLastState, metadata: true}
}

func completedAny(statistics *flink.CheckpointStatistics) bool {
	return statistics != nil && statistics.Completed != nil
}

// keepMetadata notes that the run ends without a word of Flink, which therefore leaves its metadata.
func (p *jobPass) keepMetadata() {
	if p.highlyAvailable() {
		p.job.HighAvailability.Metadata = v1beta1.MetadataKept
	}
}

// continued is the newest state of the job, with what its metadata tells where a run was ended by removing its pods. Before that
// has been looked at, it is what the status tells, and readMetadata is set.
func (p *jobPass) continued() restorePoint {
	ha := p.job.HighAvailability
	if ha == nil || ha.Metadata != v1beta1.MetadataKept {
		return newestState(p.spec, p.status, false, p.Now)
	}
	seen := p.Children.Metadata
	switch {
	case seen == nil:
		p.readMetadata = true
		return newestState(p.spec, p.status, false, p.Now)
	case seen.CheckpointID > 0:
		return p.fromMetadata(seen.CheckpointID)
	case !seen.Exists && (p.job.StartTime != nil || ha.CheckpointID > 0):
		ha.Metadata = v1beta1.MetadataMissing
	}
	return newestState(p.spec, p.status, false, p.Now)
}

// fromMetadata: the metadata knows the newest checkpoint, and the status may not. A savepoint that is newer still, which Flink
// does not keep there, goes before it.
func (p *jobPass) fromMetadata(number int64) restorePoint {
	status := p.status.DeepCopy()
	location := p.locationOf(number)
	if known := status.Components.Job.LastCheckpoint; known == nil || known.JobID != p.job.ID || known.ID < number {
		status.Components.Job.LastCheckpoint = &v1beta1.CheckpointStatus{ID: number, JobID: p.job.ID, Location: location, Time: *p.ended()}
	}
	newest := status.Components.Job.LastCheckpoint
	point := newestState(p.spec, status, false, p.Now)
	switch {
	case point.refusal != "" || point.location != newest.Location:
		return point
	case p.metadataServes():
		point.metadata = newest
	case newest.Location == "":
		return restorePoint{reason: reasonNoCheckpoint, refusal: "the newest checkpoint of the job, number " + strconv.FormatInt(number, 10) +
			", is known to its high-availability metadata alone, which the wanted spec cannot be started from; " + metadataWaysOut}
	}
	return point
}

// metadataWaysOut are what a user can do where a job cannot go on from its metadata.
const metadataWaysOut = "set spec.job.fromSavepoint to a snapshot that exists, or spec.job.upgradeMode to stateless to start from nothing"

// checkpointFolder is how Flink names the folder of a checkpoint.
var checkpointFolder = regexp.MustCompile(`^(.*/chk-)([0-9]+)$`)

// locationOf returns where a checkpoint of the recorded run is, empty if that cannot be told: beside the others of the same job;
// or it is what the run was started from, which Flink keeps in the metadata until the first checkpoint is completed.
func (p *jobPass) locationOf(number int64) string {
	job := p.job
	if known := job.LastCheckpoint; known != nil && known.JobID == job.ID {
		if match := checkpointFolder.FindStringSubmatch(known.Location); match != nil {
			return match[1] + strconv.FormatInt(number, 10)
		}
		return ""
	}
	if job.FromSavepoint != "" && (job.StartTime == nil || p.numberOf(job.FromSavepoint) == number) {
		return job.FromSavepoint
	}
	return ""
}

// numberOf returns Flink's number of a snapshot, 0 if it is not known.
func (p *jobPass) numberOf(location string) int64 {
	if record := recordOf(p.status, location); record != nil {
		return record.CheckpointID
	}
	match := checkpointFolder.FindStringSubmatch(location)
	if match == nil {
		return 0
	}
	number, err := strconv.ParseInt(match[2], 10, 64)
	if err != nil {
		return 0
	}
	return number
}

// missingRefusal keeps a job whose metadata is gone from being started from nothing, or from what it was started from long ago:
// a snapshot of its own has to be known. It is empty where nothing is missing.
func missingRefusal(job *v1beta1.JobStatus, known []candidate) string {
	missing := job.HighAvailability != nil && job.HighAvailability.Metadata == v1beta1.MetadataMissing
	if !missing || slices.ContainsFunc(known, func(c candidate) bool { return c.jobID == job.ID }) {
		return ""
	}
	return "the high-availability metadata that the job was to go on from is gone (ConfigMaps with the label app=" + job.HighAvailability.ClusterID +
		"), and no checkpoint of it is known; the job is not started: " + metadataWaysOut
}

// awaitsMetadata: before the pods of a run that goes on from metadata are made, one last look tells that it is there. It is
// made once: later the JobManager that runs looks after it. For one that is being deleted nothing is made any more.
func (p *jobPass) awaitsMetadata() bool {
	if p.deleting() || !p.highlyAvailable() || p.job.HighAvailability.CheckpointID == 0 || p.status.Components.JobManager != nil ||
		p.job.State != v1beta1.JobStateDeploying || !p.Children.ClearToStart(p.job.Attempt) {
		return false
	}
	if p.Children.Metadata == nil {
		p.readMetadata = true
		return true
	}
	if p.Children.Metadata.CheckpointID > 0 {
		return false
	}
	p.metadataVanished()
	return true
}

// metadataVanished takes a run back that was to go on from metadata: nothing was started for it.
func (p *jobPass) metadataVanished() {
	job := p.job
	job.HighAvailability.Metadata = v1beta1.MetadataMissing
	job.CompletionTime = p.stamp()
	if job.Transition == nil {
		job.State = v1beta1.JobStateRestarting
		return
	}
	job.State, job.Transition.Attempt = v1beta1.JobStateUpdating, job.Attempt
}

// unknownToJobManager says whether the JobManager answers and does not know the job. One with high availability is given the time
// to recover it; one that did so before the tasks ran first counts only if it has been started anew, since the first takes its
// time to run the main method.
func (p *jobPass) unknownToJobManager(observed flink.Observation) bool {
	switch {
	case observed.MissingAnswers < 2:
		return false
	case !p.highlyAvailable():
		return p.job.State == v1beta1.JobStateRunning
	case observed.MissingSince.IsZero(), p.job.State == v1beta1.JobStateDeploying && p.jobManagerRestarts() == 0:
		return false
	}
	if wait := observed.MissingSince.Add(recoveryWait).Sub(p.Now); wait > 0 {
		p.requeue = earliest(p.requeue, wait)
		return false
	}
	return true
}

func (p *jobPass) jobManagerRestarts() int32 {
	if pod := p.Children.jobManagerPod(p.job.Attempt); pod != nil {
		return pod.Restarts
	}
	return 0
}

// removeFormer has the metadata of former runs removed once this one is up, and forgets them when it is gone.
func (p *jobPass) removeFormer() {
	if p.job.State != v1beta1.JobStateRunning || len(p.job.FormerMetadata) == 0 {
		return
	}
	switch seen := p.Children.Metadata; {
	case seen == nil:
		p.readMetadata = true
	case !seen.Former:
		p.job.FormerMetadata = nil
	default:
		p.requeue = earliest(p.requeue, unseenWait)
	}
}

// metadataMismatch compares what Flink says it restored with the newest checkpoint that was in the metadata. After a failover it
// is a newer one.
func metadataMismatch(job *v1beta1.JobStatus, restored *flink.Snapshot) string {
	expected := job.HighAvailability.CheckpointID
	if restored != nil && restored.ID >= expected {
		return ""
	}
	found := orNothing("")
	if restored != nil {
		found = restored.Location
	}
	return "the job was to go on from its high-availability metadata, with checkpoint " + strconv.FormatInt(expected, 10) +
		", and Flink reports that it started from " + found
}

// ended is when the recorded run has ended, as far as that is known.
func (p *jobPass) ended() *metav1.Time {
	if p.job.CompletionTime != nil {
		return p.job.CompletionTime
	}
	return p.stamp()
}
