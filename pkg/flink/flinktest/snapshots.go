package flinktest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// snapshot is a checkpoint or savepoint, from when it begins.
type snapshot struct {
	id        int64
	status    snapshotStatus
	location  string
	savepoint bool
	stop      bool
	discarded bool
	// at is when it began, or when it was restored.
	at      time.Time
	ended   time.Time
	failure string
}

type snapshotStatus string

const (
	inProgress snapshotStatus = "IN_PROGRESS"
	completed  snapshotStatus = "COMPLETED"
	failed     snapshotStatus = "FAILED"
)

func (s *snapshot) restorable() bool {
	return s.status == completed && !s.discarded
}

// beginSnapshot gives a snapshot its number. Others that begin later may complete earlier.
func (m *JobManager) beginSnapshot(of *job, begun *snapshot) {
	of.lastID++
	begun.id, begun.at, begun.status = of.lastID, m.config.Clock.Now(), inProgress
	of.history = slices.Insert(of.history, 0, begun)
}

func (m *JobManager) completeSnapshot(begun *snapshot, location string) {
	begun.status, begun.location, begun.ended = completed, location, m.config.Clock.Now()
	m.config.Storage.put(location, begun.id, begun.savepoint)
}

func (m *JobManager) failSnapshot(begun *snapshot, message string) {
	begun.status, begun.failure, begun.ended = failed, message, m.config.Clock.Now()
}

// CompleteCheckpoint completes a periodic checkpoint of a job and returns its location. The oldest beyond the
// retained ones is deleted.
func (m *JobManager) CompleteCheckpoint(id string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.mustFind(id)
	begun := &snapshot{}
	m.beginSnapshot(found, begun)
	m.completeSnapshot(begun, fmt.Sprintf("%s/%s/chk-%d", m.config.CheckpointsDirectory, id, begun.id))
	retained := 0
	for _, older := range found.history {
		if older.savepoint || !older.restorable() {
			continue
		}
		if retained++; retained > m.config.Retained {
			m.discard(older)
		}
	}
	return begun.location
}

func (m *JobManager) discard(subsumed *snapshot) {
	if !subsumed.discarded {
		subsumed.discarded = true
		m.config.Storage.Delete(subsumed.location)
	}
}

func (j *job) newestCheckpoint() *snapshot {
	for _, candidate := range j.history {
		if candidate.restorable() && !candidate.savepoint {
			return candidate
		}
	}
	return nil
}

// Checkpointed says whether a job has completed a checkpoint that it would go back to by itself.
func (m *JobManager) Checkpointed(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.find(id)
	return found != nil && found.newestCheckpoint() != nil
}

// written is a path as Flink writes it: with one slash where there is no host.
func written(directory string) string {
	directory = strings.TrimSuffix(directory, "/")
	if path, local := strings.CutPrefix(directory, "file://"); local && strings.HasPrefix(path, "/") {
		return "file:" + path
	}
	return directory
}
