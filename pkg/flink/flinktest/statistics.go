package flinktest

import "cmp"

// shownHistory is web.checkpoints.history.
const shownHistory = 10

// What is asked for the most is made of structs, which are encoded much faster than maps.

type checkpointsAnswer struct {
	Counts  snapshotCounts  `json:"counts"`
	Latest  latestSnapshots `json:"latest"`
	History []*snapshotRow  `json:"history"`
}

type snapshotCounts struct {
	Restored   int `json:"restored"`
	Total      int `json:"total"`
	InProgress int `json:"in_progress"`
	Completed  int `json:"completed"`
	Failed     int `json:"failed"`
}

type latestSnapshots struct {
	Completed *snapshotRow `json:"completed"`
	Savepoint *snapshotRow `json:"savepoint"`
	Failed    *snapshotRow `json:"failed"`
	Restored  *restoredRow `json:"restored"`
}

type restoredRow struct {
	ID           int64  `json:"id"`
	At           int64  `json:"restore_timestamp"`
	IsSavepoint  bool   `json:"is_savepoint"`
	ExternalPath string `json:"external_path"`
}

// snapshotRow has the fields of all rows, and those that only some have.
type snapshotRow struct {
	ClassName         string         `json:"className"`
	ID                int64          `json:"id"`
	Status            snapshotStatus `json:"status"`
	IsSavepoint       bool           `json:"is_savepoint"`
	SavepointFormat   *string        `json:"savepointFormat"`
	Triggered         int64          `json:"trigger_timestamp"`
	LatestAck         int64          `json:"latest_ack_timestamp"`
	Duration          int64          `json:"end_to_end_duration"`
	StateSize         int            `json:"state_size"`
	CheckpointedSize  int            `json:"checkpointed_size"`
	AlignmentBuffered int            `json:"alignment_buffered"`
	ProcessedData     int            `json:"processed_data"`
	PersistedData     int            `json:"persisted_data"`
	Subtasks          int            `json:"num_subtasks"`
	Acknowledged      int            `json:"num_acknowledged_subtasks"`
	CheckpointType    string         `json:"checkpoint_type"`
	Tasks             struct{}       `json:"tasks"`
	*completedRow
	*failedRow
}

type completedRow struct {
	ExternalPath string `json:"external_path"`
	Discarded    bool   `json:"discarded"`
}

type failedRow struct {
	FailedAt int64  `json:"failure_timestamp"`
	Message  string `json:"failure_message"`
}

func newCheckpointsAnswer(of *job) checkpointsAnswer {
	answer := checkpointsAnswer{History: []*snapshotRow{}}
	counts, latest := &answer.Counts, &answer.Latest
	counts.Total, counts.Failed = len(of.history)+of.refused, of.refused
	for i, listed := range of.history {
		row := newSnapshotRow(listed)
		switch listed.status {
		case failed:
			counts.Failed++
			latest.Failed = cmp.Or(latest.Failed, row)
		case inProgress:
			counts.InProgress++
		default:
			counts.Completed++
			if listed.savepoint {
				latest.Savepoint = cmp.Or(latest.Savepoint, row)
			} else {
				latest.Completed = cmp.Or(latest.Completed, row)
			}
		}
		if i < shownHistory {
			answer.History = append(answer.History, row)
		}
	}
	if of.restored != nil {
		counts.Restored = 1
		latest.Restored = &restoredRow{
			ID: of.restored.id, At: of.restored.at.UnixMilli(), IsSavepoint: of.restored.savepoint, ExternalPath: of.restored.location,
		}
	}
	return answer
}

func newSnapshotRow(of *snapshot) *snapshotRow {
	row := &snapshotRow{
		ID: of.id, Status: of.status, IsSavepoint: of.savepoint, Triggered: of.at.UnixMilli(), LatestAck: -1, Duration: -1,
		Subtasks: 1, CheckpointType: checkpointType(of),
	}
	if of.savepoint {
		row.SavepointFormat = new("CANONICAL")
	}
	switch of.status {
	case inProgress:
		row.ClassName = "in_progress"
	case failed:
		row.ClassName = "failed"
		row.failedRow = &failedRow{FailedAt: of.ended.UnixMilli(), Message: of.failure}
		row.Duration = of.ended.Sub(of.at).Milliseconds()
	case completed:
		row.ClassName = "completed"
		row.completedRow = &completedRow{ExternalPath: of.location, Discarded: of.discarded}
		row.LatestAck, row.Duration = of.ended.UnixMilli(), of.ended.Sub(of.at).Milliseconds()
		row.StateSize, row.CheckpointedSize, row.Acknowledged = 1024, 1024, 1
	}
	return row
}

func checkpointType(of *snapshot) string {
	switch {
	case of.stop:
		return "SYNC_SAVEPOINT"
	case of.savepoint:
		return "SAVEPOINT"
	}
	return "CHECKPOINT"
}
