package flinktest

import (
	"net/http"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

// operationKey is what Flink knows an operation by: one cache for savepoints and stops together.
type operationKey struct {
	jobID     string
	triggerID string
}

type operation struct {
	stop bool
	// stopEndsIn is where a stop leaves the job once its savepoint is complete.
	stopEndsIn flink.JobStatus
	directory  string
	polls      int
	done       bool
	location   string
	class      string
	trace      string
	// entry is the place in Ledger.Savepoints, -1 where nothing was begun.
	entry int
	// savepoint is what was begun.
	savepoint *snapshot
}

// CompleteOperation ends an operation with success: the savepoint is written, and a stopped job FINISHED.
func (m *JobManager) CompleteOperation(jobID, triggerID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.complete(jobID, m.mustFindOperation(jobID, triggerID))
}

// FailOperation ends an operation without a savepoint.
func (m *JobManager) FailOperation(jobID, triggerID, class, message string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail(m.mustFindOperation(jobID, triggerID), class, message)
}

// FailStopAfterSavepoint ends a stop the way Flink does when a task fails after the savepoint was written: the
// savepoint is complete, the job FAILED, and the path stands in the message only.
func (m *JobManager) FailStopAfterSavepoint(jobID, triggerID string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	stop := m.mustFindOperation(jobID, triggerID)
	stop.stopEndsIn = flink.JobFailed
	m.complete(jobID, stop)
	location := stop.location
	stop.location = ""
	m.fail(stop, "org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException",
		"A savepoint has been created at: "+location+", but the corresponding job "+jobID+
			" failed during stopping. The savepoint is consistent, but might have uncommitted transactions. If you want "+
			"to commit the transaction please restart a job from this savepoint.")
	return location
}

// ExpireResults forgets the results of operations that have ended (rest.async.store-duration).
func (m *JobManager) ExpireResults() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, ended := range m.operations {
		if ended.done {
			delete(m.operations, key)
		}
	}
}

// begin starts an operation unless its trigger id is known, and returns its request id.
func (m *JobManager) begin(jobID, triggerID, directory string, stop bool) string {
	if triggerID == "" {
		triggerID = m.generate(32)
	}
	key := operationKey{jobID, triggerID}
	if m.operations[key] != nil {
		return triggerID
	}
	begun := &operation{stop: stop, stopEndsIn: flink.JobFinished, directory: directory, entry: -1}
	m.operations[key] = begun
	target := m.find(jobID)
	switch {
	case target == nil:
		m.fail(begun, "org.apache.flink.runtime.messages.FlinkJobNotFoundException",
			"Could not find Flink job ("+jobID+")")
		return triggerID
	case target.status == flink.JobInitializing:
		m.fail(begun, "org.apache.flink.runtime.dispatcher.UnavailableDispatcherOperationException",
			"Unable to get JobMasterGateway for initializing job. The requested operation is not available while "+
				"the JobManager is initializing.")
		return triggerID
	case target.status.Terminal():
		m.fail(begun, "org.apache.flink.runtime.messages.FlinkJobNotFoundException",
			"Could not find Flink job ("+jobID+")")
		return triggerID
	}
	if stop {
		m.abortSavepoints(jobID, begun)
	}
	if target.status != flink.JobRunning || target.running != target.total {
		target.refused++
		m.fail(begun, "org.apache.flink.runtime.checkpoint.CheckpointException",
			"Checkpoint triggering task Source (1/1) of job "+jobID+" is not being executed at the moment. Aborting "+
				"checkpoint. Failure reason: Not all required tasks are currently running.")
		return triggerID
	}
	begun.savepoint = &snapshot{savepoint: true, stop: stop}
	m.beginSnapshot(target, begun.savepoint)
	begun.entry = len(m.ledger.Savepoints)
	m.ledger.Savepoints = append(m.ledger.Savepoints, Savepoint{
		JobID: jobID, TriggerID: triggerID, Directory: directory,
	})
	if stop {
		m.ledger.Stops = append(m.ledger.Stops, Stop{JobID: jobID, TriggerID: triggerID})
	}
	return triggerID
}

// abortSavepoints is what a stop and a cancellation do first: the checkpoint coordinator suspends.
func (m *JobManager) abortSavepoints(jobID string, except *operation) {
	for key, pending := range m.operations {
		if key.jobID == jobID && pending != except && !pending.done {
			m.fail(pending, "org.apache.flink.runtime.checkpoint.CheckpointException",
				"Checkpoint Coordinator is suspending.")
		}
	}
}

// poll counts a request for the status and completes the operation where that is configured.
func (m *JobManager) poll(jobID string, asked *operation) {
	asked.polls++
	if !asked.done && m.config.CompleteAfterPolls > 0 && asked.polls >= m.config.CompleteAfterPolls {
		m.complete(jobID, asked)
	}
}

func (m *JobManager) complete(jobID string, pending *operation) {
	if pending.done {
		return
	}
	target := m.find(jobID)
	if target == nil || target.status != flink.JobRunning {
		m.fail(pending, "org.apache.flink.runtime.checkpoint.CheckpointException", "The job has failed.")
		return
	}
	directory := pending.directory
	if directory == "" {
		directory = m.config.DefaultDirectory
	}
	pending.done = true
	pending.location = written(directory) + "/savepoint-" + jobID[:6] + "-" + m.generate(12)
	m.completeSnapshot(pending.savepoint, pending.location)
	m.ledger.Savepoints[pending.entry].Location = pending.location
	if pending.stop {
		m.enter(target, pending.stopEndsIn)
	}
}

// cancel returns the HTTP status of the answer.
func (m *JobManager) cancel(jobID string) int {
	target := m.find(jobID)
	switch {
	case target == nil:
		return http.StatusNotFound
	case target.status == flink.JobCanceled:
		return http.StatusAccepted
	case target.status.Terminal():
		return http.StatusConflict
	}
	m.abortSavepoints(jobID, nil)
	m.ledger.Cancels = append(m.ledger.Cancels, jobID)
	m.enter(target, flink.JobCanceled)
	return http.StatusAccepted
}

func (m *JobManager) mustFindOperation(jobID, triggerID string) *operation {
	if found := m.operations[operationKey{jobID, triggerID}]; found != nil {
		return found
	}
	panic("flinktest: no operation " + triggerID)
}

func (m *JobManager) fail(o *operation, class, message string) {
	if o.savepoint != nil && o.savepoint.status == inProgress {
		m.failSnapshot(o.savepoint, message)
	}
	o.done, o.class = true, class
	o.trace = "java.util.concurrent.CompletionException: " + class + ": " + message +
		"\n\tat java.base/java.util.concurrent.CompletableFuture.encodeThrowable(Unknown Source)\n" +
		"Caused by: " + class + ": " + message + "\n\tat org.apache.flink.Model.run(Model.java:1)\n\t... 5 more\n"
}
