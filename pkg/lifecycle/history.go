package lifecycle

import (
	"slices"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// remember puts a record at the head of the history, which loses the one that it needs least if there are too many.
func (p *savepointPass) remember(record v1beta1.SavepointRecord) {
	history := append([]v1beta1.SavepointRecord{record}, p.status.SavepointHistory...)
	for len(history) > maxSavepointHistory {
		spare := p.spareRecord(history)
		p.forget(&history[spare])
		history = slices.Delete(history, spare, spare+1)
	}
	p.status.SavepointHistory = history
}

// spareRecord picks the record that leaves the history, whose files stay: one that could not be disposed of; else, where
// there is a retention, one that it does not apply to, so that none is forgotten before its turn has come; else any but
// one that is being disposed of. Always the oldest of its kind.
func (p *savepointPass) spareRecord(history []v1beta1.SavepointRecord) int {
	// Without its number it would be noticed anew.
	numbered := func(record *v1beta1.SavepointRecord) bool { return record.CheckpointID > 0 || record.JobID != p.job.ID }
	requested := func(record *v1beta1.SavepointRecord) bool {
		return record.Disposal != nil && record.Disposal.State == v1beta1.SavepointDisposalRequested
	}
	kinds := []func(*v1beta1.SavepointRecord) bool{
		func(record *v1beta1.SavepointRecord) bool { return record.Disposal != nil && !requested(record) },
		func(record *v1beta1.SavepointRecord) bool {
			return p.Cluster.Spec.Job.SavepointRetention != nil && !retentionApplies(record) && numbered(record)
		},
		func(record *v1beta1.SavepointRecord) bool { return !requested(record) },
	}
	for _, kind := range kinds {
		// The one that has just been made stays.
		for i := len(history) - 1; i > 0; i-- {
			if kind(&history[i]) {
				return i
			}
		}
	}
	return len(history) - 1
}

// forget notes that a savepoint of the run leaves the history, so that Flink's statistics, which go on naming it, are not
// taken for news.
func (p *savepointPass) forget(record *v1beta1.SavepointRecord) {
	noted := p.status.ForgottenSavepoint
	if record.JobID != p.job.ID || record.CheckpointID == 0 || noted != nil && noted.JobID == p.job.ID && noted.CheckpointID >= record.CheckpointID {
		return
	}
	p.status.ForgottenSavepoint = &v1beta1.ForgottenSavepoint{JobID: p.job.ID, CheckpointID: record.CheckpointID}
}

// isKnown says whether a savepoint of the run is in the history, or was.
func isKnown(status *v1beta1.FlinkClusterStatus, savepoint flink.Snapshot) bool {
	if recordOf(status, savepoint.Location) != nil {
		return true
	}
	forgotten := status.ForgottenSavepoint
	return forgotten != nil && forgotten.JobID == status.Components.Job.ID && savepoint.ID > 0 && savepoint.ID <= forgotten.CheckpointID
}

func recordOf(status *v1beta1.FlinkClusterStatus, location string) *v1beta1.SavepointRecord {
	for i := range status.SavepointHistory {
		if record := &status.SavepointHistory[i]; sameLocation(record.Location, location) {
			return record
		}
	}
	return nil
}

// unrecorded returns the savepoints in the statistics that the history lacks, or whose number it lacks, oldest first.
func unrecorded(status *v1beta1.FlinkClusterStatus, statistics *flink.CheckpointStatistics) []flink.Snapshot {
	savepoints := statistics.Savepoints()
	savepoints = slices.DeleteFunc(savepoints[:min(len(savepoints), noticedSavepoints)], func(savepoint flink.Snapshot) bool {
		record := recordOf(status, savepoint.Location)
		unnumbered := record != nil && record.CheckpointID == 0 && savepoint.ID > 0
		return isKnown(status, savepoint) && !unnumbered
	})
	slices.Reverse(savepoints)
	return savepoints
}
