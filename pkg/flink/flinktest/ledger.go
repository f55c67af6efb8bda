package flinktest

import (
	"slices"
	"sync"
)

// Ledger holds what really happened, in order.
type Ledger struct {
	// Starts, Savepoints, Stops and Cancels are effects, not requests: a POST that was recognised by its trigger id
	// is not in it.
	Starts     []Start
	Savepoints []Savepoint
	Stops      []Stop
	Cancels    []string
	// Disposals are the savepoints whose files were deleted by request.
	Disposals []string
}

// Start is a job that was started.
type Start struct {
	JobID       string
	RestorePath string
}

// Savepoint is a savepoint that was begun, by itself or for a stop.
type Savepoint struct {
	JobID     string
	TriggerID string
	Directory string
	// Location is empty until it is complete.
	Location string
}

// Stop is a stop-with-savepoint that was begun.
type Stop struct {
	JobID     string
	TriggerID string
}

// Ledger returns a copy of what happened so far.
func (m *JobManager) Ledger() Ledger {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Ledger{
		Starts:     slices.Clone(m.ledger.Starts),
		Savepoints: slices.Clone(m.ledger.Savepoints),
		Stops:      slices.Clone(m.ledger.Stops),
		Cancels:    slices.Clone(m.ledger.Cancels),
		Disposals:  slices.Clone(m.ledger.Disposals),
	}
}

// Requests returns the routes that were asked for, in order, failed ones included.
func (m *JobManager) Requests() []Route {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.requests)
}

// Storage holds the snapshot files that exist. It outlives JobManagers.
type Storage struct {
	mu    sync.Mutex
	files map[string]storedSnapshot
}

type storedSnapshot struct {
	id        int64
	savepoint bool
}

// NewStorage returns an empty Storage.
func NewStorage() *Storage {
	return &Storage{files: map[string]storedSnapshot{}}
}

// Exists says whether a job can be started from a location.
func (s *Storage) Exists(location string) bool {
	_, found := s.get(location)
	return found
}

// ID returns the number of a snapshot, 0 if it does not exist.
func (s *Storage) ID(location string) int64 {
	stored, _ := s.get(location)
	return stored.id
}

// Put adds a savepoint that was made elsewhere.
func (s *Storage) Put(location string, id int64) {
	s.put(location, id, true)
}

// Delete removes the files of a snapshot.
func (s *Storage) Delete(location string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, written(location))
}

func (s *Storage) get(location string) (storedSnapshot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, found := s.files[written(location)]
	return stored, found
}

func (s *Storage) put(location string, id int64, savepoint bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[written(location)] = storedSnapshot{id: id, savepoint: savepoint}
}
