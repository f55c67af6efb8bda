package flinktest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

// Config holds what a JobManager is made of; only Clock is required.
type Config struct {
	Clock clock.PassiveClock
	// Version is "2.1.3" if empty. Below 1.15 trigger ids are refused and chosen by the server.
	Version string
	// Storage holds the files of snapshots. Hand the same one to the JobManagers of successive attempts.
	Storage *Storage
	// HA keeps running jobs over a Restart, from their newest checkpoint.
	HA bool
	// DefaultDirectory is the configured savepoint directory; empty for none.
	DefaultDirectory string
	// CheckpointsDirectory is where checkpoints go ("file:/checkpoints" if empty).
	CheckpointsDirectory string
	// Retained is execution.checkpointing.num-retained (3 if zero).
	Retained int
	// StatisticsCache is how old answers about checkpoints and exceptions may be (Flink: web.refresh-interval, 3 s).
	// 0 answers with the truth, which is easier to test with.
	StatisticsCache time.Duration
	// CompleteAfterPolls ends an operation in the n-th request for its status. 0 leaves it to CompleteOperation.
	CompleteAfterPolls int
}

// JobManager is one Flink cluster. All methods are safe for concurrent use.
type JobManager struct {
	config Config

	mu         sync.Mutex
	jobs       []*job
	operations map[operationKey]*operation
	disposals  map[string]*disposal
	faults     []*Fault
	requests   []Route
	ledger     Ledger
	generated  int
	// holdsDisposals: disposals do not end. refusesDisposals: they fail with this message.
	holdsDisposals   bool
	refusesDisposals string
}

type job struct {
	id         string
	status     flink.JobStatus
	start, end time.Time
	running    int
	total      int
	lastID     int64 // snapshots have their numbers from when they begin
	restored   *snapshot
	history    []*snapshot // newest first
	refused    int         // snapshots that failed before they had a number
	exceptions []exception // newest first
	cached     map[Route]cachedAnswer
}

type cachedAnswer struct {
	at     time.Time
	answer any
}

type exception struct {
	name  string
	trace string
	at    time.Time
}

// New returns a JobManager without jobs.
func New(config Config) *JobManager {
	if config.Version == "" {
		config.Version = "2.1.3"
	}
	if config.Storage == nil {
		config.Storage = NewStorage()
	}
	if config.Retained == 0 {
		config.Retained = 3
	}
	if config.CheckpointsDirectory == "" {
		config.CheckpointsDirectory = "file:/checkpoints"
	}
	return &JobManager{config: config, operations: map[operationKey]*operation{}, disposals: map[string]*disposal{}}
}

// StartJob starts a job, as a JobManager does at its own start; restorePath may be empty. It is RUNNING with one task
// at once, or FAILED where there is nothing to restore from. (A real standalone-job without HA then ends its process
// within a second, with exit code 2.)
func (m *JobManager) StartJob(id, restorePath string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.config.Clock.Now()
	started := &job{id: id, status: flink.JobRunning, start: now, running: 1, total: 1}
	m.jobs = append(m.jobs, started)
	m.ledger.Starts = append(m.ledger.Starts, Start{JobID: id, RestorePath: restorePath})
	if restorePath == "" {
		return
	}
	stored, found := m.config.Storage.get(restorePath)
	if !found {
		started.end, started.running, started.total = now, 0, 0
		started.status = flink.JobFailed
		started.raise("org.apache.flink.runtime.client.JobInitializationException: Could not start the JobMaster.",
			"java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '"+restorePath+
				"' on file system 'file'.", now)
		return
	}
	started.lastID = stored.id
	started.restored = &snapshot{id: stored.id, location: restorePath, savepoint: stored.savepoint, at: now}
}

// SetStatus moves a job to a status by itself, with all tasks running for RUNNING and none otherwise.
func (m *JobManager) SetStatus(id string, status flink.JobStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.enter(m.mustFind(id), status)
}

// SetTasks says how many of a job's tasks run.
func (m *JobManager) SetTasks(id string, running, total int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.mustFind(id)
	found.running, found.total = running, total
}

// Fail ends a job FAILED with an exception and its cause.
func (m *JobManager) Fail(id, outer, cause string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.mustFind(id)
	found.raise(outer, cause, m.config.Clock.Now())
	m.enter(found, flink.JobFailed)
}

// RemoveJob forgets an ended job, as the job store does after an hour.
func (m *JobManager) RemoveJob(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.jobs = slices.DeleteFunc(m.jobs, func(j *job) bool { return j.id == id })
}

// Restart is the end of the process and the start of a new one: operations, results and statistics are gone, files
// stay. With HA the jobs that had not ended are recovered from their newest checkpoint, which is never a savepoint
// (FLIP-203); without, all jobs are gone.
func (m *JobManager) Restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.operations, m.disposals = map[operationKey]*operation{}, map[string]*disposal{}
	jobs := m.jobs
	m.jobs = nil
	for _, old := range jobs {
		if !m.config.HA || old.status.Terminal() {
			continue
		}
		now := m.config.Clock.Now()
		recovered := &job{
			id: old.id, status: flink.JobRunning, start: now, running: old.total, total: old.total,
			lastID: old.lastID, restored: old.restored,
		}
		if newest := old.newestCheckpoint(); newest != nil {
			recovered.restored = &snapshot{id: newest.id, location: newest.location, at: now}
		}
		m.jobs = append(m.jobs, recovered)
	}
}

// Status returns the status of a job, empty where there is none.
func (m *JobManager) Status(id string) flink.JobStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	if found := m.find(id); found != nil {
		return found.status
	}
	return ""
}

func (m *JobManager) find(id string) *job {
	for _, candidate := range m.jobs {
		if candidate.id == id {
			return candidate
		}
	}
	return nil
}

// mustFind panics for a job that a test forgot to start.
func (m *JobManager) mustFind(id string) *job {
	if found := m.find(id); found != nil {
		return found
	}
	panic("flinktest: no job " + id)
}

// generate returns hexadecimal digits that no test chooses.
func (m *JobManager) generate(digits int) string {
	m.generated++
	number := fmt.Sprintf("%x", m.generated)
	return strings.Repeat("f", digits-len(number)) + number
}

// enter moves a job to a status. Checkpoints are retained when it fails or is cancelled (RETAIN_ON_CANCELLATION), and
// deleted when it finishes, also by a stop.
func (m *JobManager) enter(of *job, status flink.JobStatus) {
	of.status, of.running, of.end = status, 0, time.Time{}
	switch {
	case status == flink.JobRunning:
		of.running = of.total
	case status.Terminal():
		of.end = m.config.Clock.Now()
	}
	if status != flink.JobFinished {
		return
	}
	for _, left := range of.history {
		if left.restorable() && !left.savepoint {
			m.discard(left)
		}
	}
}

func (j *job) raise(outer, cause string, now time.Time) {
	name, _, _ := strings.Cut(outer, ":")
	trace := outer + "\n\tat org.apache.flink.Model.run(Model.java:1)\n"
	if cause != "" {
		trace += "Caused by: " + cause + "\n\tat org.apache.flink.Model.cause(Model.java:2)\n\t... 3 more\n"
	}
	j.exceptions = slices.Insert(j.exceptions, 0, exception{name: name, trace: trace, at: now})
}
