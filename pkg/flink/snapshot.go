package flink

import "time"

// NotAddressable is the path that Flink shows for a checkpoint which lives in the JobManager's memory only.
const NotAddressable = "<checkpoint-not-externally-addressable>"

// Snapshot is a completed checkpoint or savepoint, or the one a job was restored from.
type Snapshot struct {
	// ID counts checkpoints and savepoints of one job together, and goes on counting after a restore.
	ID int64
	// Location is the path to restore from.
	Location string
	// TriggerTime is when Flink began the snapshot; for a restored one, when it was restored.
	TriggerTime time.Time
	// CompletionTime is the last acknowledgement; zero for a restored one.
	CompletionTime time.Time
	Savepoint      bool
	// Discarded says that the files are gone.
	Discarded bool
}

// Restorable says whether a new job can be started from the snapshot.
func (s Snapshot) Restorable() bool {
	return s.Location != "" && s.Location != NotAddressable && !s.Discarded
}

// CheckpointStatistics is the part of GET /jobs/:id/checkpoints that decisions need.
type CheckpointStatistics struct {
	// Completed, Savepoint and Restored are Flink's `latest` slots; nil where there is none.
	Completed *Snapshot
	Savepoint *Snapshot
	Restored  *Snapshot
	// History holds the completed ones that Flink still remembers, newest first (web.checkpoints.history, 10).
	History []Snapshot
}

// HighestID returns the highest id of any snapshot known, restorable or not; 0 where there is none.
func (s *CheckpointStatistics) HighestID() int64 {
	var highest int64
	if s != nil {
		for _, candidate := range s.all() {
			highest = max(highest, candidate.ID)
		}
	}
	return highest
}

// Savepoints returns the completed savepoints that Flink still remembers, newest first.
func (s *CheckpointStatistics) Savepoints() []Snapshot {
	if s == nil {
		return nil
	}
	var savepoints []Snapshot
	seen := map[int64]bool{}
	for _, candidate := range append([]*Snapshot{s.Savepoint}, pointers(s.History)...) {
		if candidate != nil && candidate.Savepoint && candidate.Restorable() && !seen[candidate.ID] {
			seen[candidate.ID] = true
			savepoints = append(savepoints, *candidate)
		}
	}
	return savepoints
}

func (s *CheckpointStatistics) all() []Snapshot {
	snapshots := make([]Snapshot, 0, len(s.History)+3)
	for _, slot := range append([]*Snapshot{s.Completed, s.Savepoint, s.Restored}, pointers(s.History)...) {
		if slot != nil {
			snapshots = append(snapshots, *slot)
		}
	}
	return snapshots
}

func pointers(snapshots []Snapshot) []*Snapshot {
	result := make([]*Snapshot, len(snapshots))
	for i := range snapshots {
		result[i] = &snapshots[i]
	}
	return result
}
