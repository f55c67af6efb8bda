package lifecycle

import (
	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// mayBeSent: with high availability another JobManager may take over at any time, and none knows the trigger ids of the one
// before. So the one that is asked, which answers and lists the job, is recorded before it is, and no other is; and it is asked
// again only if it has said that it does not know the trigger id, or by an operator that was started again.
func (p *savepointPass) mayBeSent(again bool) bool {
	switch operation := p.observed.Operation; {
	case p.job.HighAvailability == nil:
		return true
	case !p.observed.Reachable || p.observed.Job == nil || p.observed.Job.StartTime.IsZero():
		return false
	case p.slot.JobStartTime == nil:
		p.slot.JobStartTime = timestamp(p.observed.Job.StartTime)
		return false
	case again && (operation == nil || operation.State != flink.OperationNotFound):
		return false
	}
	return !p.takenOver()
}

func (p *savepointPass) takenOver() bool {
	if p.observed.Job == nil {
		// One that does not list the job may have yet to recover it.
		return p.slot.JobStartTime != nil && p.runEnded()
	}
	return askedOfAnother(p.slot, p.observed.Job)
}

// askedOfAnother says whether the JobManager that lists a job is another one than that which was asked for the savepoint.
func askedOfAnother(slot *v1beta1.SavepointStatus, job *flink.Job) bool {
	return slot.JobStartTime != nil && job != nil && !slot.JobStartTime.Equal(timestamp(job.StartTime))
}
