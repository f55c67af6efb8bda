package lifecycle

import (
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// checkpointRecordInterval is how often a newer checkpoint is written to the status while all is well. Between the
// writes the newest is known in memory, and it is written when the run ends.
const checkpointRecordInterval = 5 * time.Minute

// recordCheckpoint writes the newest checkpoint to the status: the first one at once, since a job with a checkpoint
// must never be started from nothing; when the run ends; and every few minutes where the restart policy lives on it.
func (p *jobPass) recordCheckpoint(observed flink.Observation, ending bool) {
	newest := recordedCheckpoint(p.job.ID, observed.Checkpoints)
	if newest == nil {
		return
	}
	recorded := p.job.LastCheckpoint
	first := recorded == nil || recorded.JobID != p.job.ID
	if !first && recorded.ID >= newest.ID {
		if !ending && p.checkpointDue(recorded) {
			p.requeue = earliest(p.requeue, checkpointRecordInterval)
		}
		return
	}
	leaving := ending || p.jobManagerLeaving()
	if first || leaving || p.checkpointDue(recorded) {
		newest.RecordTime = p.stamp()
		p.job.LastCheckpoint = newest
	}
}

// checkpointDue says whether a newer checkpoint has to be written though all is well, and has the next pass come when
// one will be: checkpoints alone wake nobody.
func (p *jobPass) checkpointDue(recorded *v1beta1.CheckpointStatus) bool {
	if !livesOnCheckpoints(p.Cluster) {
		return false
	}
	written := recorded.Time
	if recorded.RecordTime != nil {
		written = *recorded.RecordTime
	}
	wait := written.Add(checkpointRecordInterval).Sub(p.Now)
	if wait > 0 {
		p.requeue = earliest(p.requeue, wait)
		return false
	}
	return true
}

// livesOnCheckpoints says whether the next run may start from a checkpoint, so that the newest one has to be known.
func livesOnCheckpoints(cluster *v1beta1.FlinkCluster) bool {
	return cluster.Spec.Job.RestartPolicy == v1beta1.RestartPolicyFromLatestStateOnFailure ||
		EffectiveUpgradeMode(&cluster.Spec, cluster.Status.Components.Job) == v1beta1.UpgradeModeLastState
}

func (p *jobPass) jobManagerLeaving() bool {
	pod := p.Children.jobManagerPod(p.job.Attempt)
	return pod != nil && (pod.Deleting || pod.Terminated)
}
