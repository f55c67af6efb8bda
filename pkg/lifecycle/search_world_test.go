package lifecycle

import (
	"fmt"
	"slices"
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// resultKept is how long Flink keeps the result of a savepoint (rest.async.store-duration).
const resultKept = 5 * time.Minute

// flinkWorld is the truth about Flink: its JobManagers, and the files that they wrote.
type flinkWorld struct {
	Runs []worldRun
	// Files are all snapshots in storage.
	Files []worldFile
	// Ledger has all savepoints that were completed, in order.
	Ledger []worldSavepoint
}

// worldRun is what becomes of one run of the job. It begins with its JobManager.
type worldRun struct {
	Attempt int32
	JobID   string
	Restore string
	// Status is empty before the job is known to its JobManager.
	Status  flink.JobStatus
	Working bool
	Ended   time.Time
	// Position is how far the job is.
	Position   int
	NextID     int64
	Snapshots  []flink.Snapshot
	Operations []worldOperation
}

// worldOperation is a savepoint or stop in a JobManager.
type worldOperation struct {
	TriggerID       string
	State           flink.OperationState
	Location, Cause string
	Done            time.Time
	Stop            bool
}

type worldFile struct {
	Location string
	Position int
}

// worldSavepoint is a line of the ledger.
type worldSavepoint struct {
	TriggerID, Location string
	Attempt             int32
	// Unheard: its JobManager was lost before anybody was told.
	Unheard bool
}

// copy returns a world that may be changed.
func (w flinkWorld) copy() flinkWorld {
	w.Runs, w.Files, w.Ledger = slices.Clone(w.Runs), slices.Clone(w.Files), slices.Clone(w.Ledger)
	for i := range w.Runs {
		w.Runs[i].Snapshots, w.Runs[i].Operations = slices.Clone(w.Runs[i].Snapshots), slices.Clone(w.Runs[i].Operations)
	}
	return w
}

func (w flinkWorld) run(attempt int32) *worldRun {
	for i := range w.Runs {
		if w.Runs[i].Attempt == attempt {
			return &w.Runs[i]
		}
	}
	return nil
}

// position is how far the job was in a snapshot; -1 if there is none of that name.
func (w flinkWorld) position(location string) int {
	if location == "" {
		return 0
	}
	for _, file := range w.Files {
		if file.Location == location {
			return file.Position
		}
	}
	return -1
}

func (w flinkWorld) taken(triggerID string) int {
	count := 0
	for _, savepoint := range w.Ledger {
		if savepoint.TriggerID == triggerID {
			count++
		}
	}
	return count
}

// write makes a snapshot of a run.
func (w *flinkWorld) write(run *worldRun, location string, savepoint bool) {
	run.Position++
	snapshot := flink.Snapshot{ID: run.NextID, Location: location, Savepoint: savepoint, TriggerTime: start, CompletionTime: start}
	run.Snapshots = append([]flink.Snapshot{snapshot}, run.Snapshots...)
	run.NextID++
	w.Files = append(w.Files, worldFile{location, run.Position})
}

func (r *worldRun) operation(triggerID string) *worldOperation {
	for i := range r.Operations {
		if r.Operations[i].TriggerID == triggerID {
			return &r.Operations[i]
		}
	}
	return nil
}

// underWay is the savepoint that the run works on; nil for none.
func (r *worldRun) underWay() *worldOperation {
	for i := range r.Operations {
		if r.Operations[i].State == flink.OperationInProgress {
			return &r.Operations[i]
		}
	}
	return nil
}

// forget drops the results that Flink keeps no longer.
func (r *worldRun) forget() {
	r.Operations = slices.DeleteFunc(r.Operations, func(operation worldOperation) bool {
		return operation.State != flink.OperationInProgress && start.Sub(operation.Done) > resultKept
	})
}

// end ends the job, and the savepoints that were not written.
func (r *worldRun) end(status flink.JobStatus) {
	r.Status, r.Working, r.Ended = status, false, start
	for i := range r.Operations {
		operation := &r.Operations[i]
		if operation.State != flink.OperationInProgress {
			continue
		}
		operation.Done = start
		if status == flink.JobFinished {
			operation.State = flink.OperationSucceeded
		} else {
			// With a location: the savepoint of a stop is complete, the job failed after it.
			operation.State, operation.Cause = flink.OperationFailed, "Not all required tasks are currently running."
		}
	}
}

// take is Flink receiving a request.
func (r *worldRun) take(effect flink.Effect) flink.Outcome {
	r.forget()
	switch {
	case effect.JobID != r.JobID || r.Status == "":
		return flink.OutcomeRefused
	case effect.Kind == flink.CancelJob:
		if !r.Status.Terminal() {
			r.end(flink.JobCanceled)
		}
	case r.operation(effect.TriggerID) != nil:
	case r.Status.Terminal():
		return flink.OutcomeRefused
	default:
		r.Operations = append(r.Operations, worldOperation{
			TriggerID: effect.TriggerID, State: flink.OperationInProgress, Stop: effect.Kind == flink.StopWithSavepoint,
		})
		if !r.Working {
			operation := r.operation(effect.TriggerID)
			operation.State, operation.Cause, operation.Done = flink.OperationFailed, "Not all required tasks are currently running.", start
		}
	}
	return flink.OutcomeAccepted
}

// statistics are what Flink tells of the snapshots: all, or all but the newest, since it answers from a cache.
func (r *worldRun) statistics(late bool) *flink.CheckpointStatistics {
	statistics := &flink.CheckpointStatistics{}
	if r.Restore != "" {
		statistics.Restored = &flink.Snapshot{ID: 1, Location: r.Restore}
	}
	known := r.Snapshots
	if late {
		known = known[1:]
	}
	for i := range known {
		switch snapshot := &known[i]; {
		case snapshot.Savepoint && statistics.Savepoint == nil:
			statistics.Savepoint = snapshot
		case !snapshot.Savepoint && statistics.Completed == nil:
			statistics.Completed = snapshot
		}
	}
	statistics.History = known
	return statistics
}

// deleteWorkload removes a workload; its pods follow.
func deleteWorkload(children Children, component string) Children {
	children = clone(children)
	if component == v1beta1.ComponentJobManager {
		children.JobManager = Workload{}
	} else {
		children.TaskManager = Workload{}
	}
	for i := range children.Pods {
		if children.Pods[i].Component == component {
			children.Pods[i].Deleting = true
		}
	}
	return children
}

// makePods is what the controllers of workloads and the kubelet do: each workload gets its pod, and the end of a
// JobManager's pod is the end of its Job.
func makePods(children Children) Children {
	children = clone(children)
	for _, each := range []struct {
		component string
		workload  *Workload
	}{{v1beta1.ComponentJobManager, &children.JobManager}, {v1beta1.ComponentTaskManager, &children.TaskManager}} {
		own, ended := 0, 0
		for _, pod := range children.Pods {
			if pod.Component == each.component && pod.Attempt == each.workload.Attempt {
				own++
				if pod.Terminated {
					ended++
				}
			}
		}
		switch {
		case !each.workload.Exists || each.workload.Ended:
		case ended > 0:
			each.workload.Ended = true
		case own == 0:
			name := fmt.Sprintf("%s-%d", each.component, each.workload.Attempt)
			children.Pods = append(children.Pods, Pod{Name: name, Component: each.component, Attempt: each.workload.Attempt, Ready: true})
		}
	}
	return children
}

// endPods lets the pods that are being deleted come to their end, and so their Job: it makes no second one.
func endPods(children Children) Children {
	children = clone(children)
	children.Pods = slices.DeleteFunc(children.Pods, func(pod Pod) bool {
		if pod.Deleting && pod.Component == v1beta1.ComponentJobManager && children.JobManager.Exists && children.JobManager.Attempt == pod.Attempt {
			children.JobManager.Ended = true
		}
		return pod.Deleting
	})
	return children
}
