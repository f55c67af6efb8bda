package lifecycle

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// action is something that can happen in a state; false if it cannot, or changes nothing.
type action struct {
	name string
	do   func(s *search, at state) (state, bool)
}

// costing is an action that may happen a limited number of times.
func costing(what part, do func(s *search, at state) (state, bool)) func(s *search, at state) (state, bool) {
	return func(s *search, at state) (state, bool) {
		spent, left := at.spend(what)
		if !left {
			return at, false
		}
		after, done := do(s, spent)
		return after, done
	}
}

// actions are all that can happen.
func actions() []action {
	return []action{
		{"a pass of the cluster loop", (*search).clusterPass},
		{"a pass of the savepoint loop", (*search).savepointPass},
		{"a pass of the control loop", (*search).controlPass},
		{"a poll", func(s *search, at state) (state, bool) { return s.poll(at, false) }},
		{"a poll with late statistics", costing(mayLoseMessage, func(s *search, at state) (state, bool) { return s.poll(at, true) })},
		{"a poll without an answer", costing(mayLoseMessage, (*search).hearNothing)},
		{"an effect is carried out", func(s *search, at state) (state, bool) { return s.execute(at, answered) }},
		{"an effect does not arrive", costing(mayLoseMessage, func(s *search, at state) (state, bool) { return s.execute(at, requestLost) })},
		{"an effect is carried out, its answer is lost", costing(mayLoseMessage, func(s *search, at state) (state, bool) { return s.execute(at, answerLost) })},
		{"the informers show the workloads", func(s *search, at state) (state, bool) { return s.inform(at, true, false) }},
		{"the informers show the pods", func(s *search, at state) (state, bool) { return s.inform(at, false, true) }},
		{"Kubernetes makes pods and ends Jobs", func(s *search, at state) (state, bool) { return s.changeObjects(at, makePods) }},
		{"Kubernetes ends pods", func(s *search, at state) (state, bool) { return s.changeObjects(at, endPods) }},
		{"the job goes on", (*search).goOn},
		{"a checkpoint is completed", costing(mayCheckpoint, (*search).checkpoint)},
		{"a savepoint is written", (*search).writeSavepoint},
		{"a savepoint fails", costing(mayFailSavepoint, (*search).failSavepoint)},
		{"the job fails", costing(mayFailJob, (*search).failJob)},
		{"the JobManager is killed", costing(mayLoseJobManager, func(s *search, at state) (state, bool) { return s.loseJobManager(at, killed) })},
		{"the JobManager is evicted", costing(mayLoseJobManager, func(s *search, at state) (state, bool) { return s.loseJobManager(at, evicted) })},
		{"the operator crashes", costing(mayCrash, func(s *search, at state) (state, bool) { return s.crash(at, false) })},
		{"the operator crashes, the next is shown an old list", costing(mayCrash, func(s *search, at state) (state, bool) { return s.crash(at, true) })},
		{"the operator crashes, an effect is on its way", costing(mayCrash, (*search).crashWhileSending)},
		{"a second passes", costing(mayPassSecond, func(s *search, at state) (state, bool) { return s.pass(at, time.Second) })},
		{"the repeat window passes", costing(mayPassRepeatWindow, func(s *search, at state) (state, bool) { return s.pass(at, repeatWindow+10*time.Second) })},
		{"the time that Flink keeps results passes", costing(mayPassAnswerWait, func(s *search, at state) (state, bool) { return s.pass(at, resultKept+time.Minute) })},
		{"the user acts", (*search).userActs},
	}
}

// loseWitness notes for which savepoints nobody is left who knows of them: their JobManager has gone, and the operator has
// not heard of them, or forgotten.
func (s *search) loseWitness(at state) state {
	world, memory := s.flink(at).copy(), s.memory(at)
	witness := jobManagerOf(s.objects(at), world)
	for i := range world.Ledger {
		savepoint := &world.Ledger[i]
		heard := memory.Operation != nil && memory.Operation.Location == savepoint.Location || inStatistics(memory, savepoint.Location)
		answers := witness != nil && witness.Attempt == savepoint.Attempt
		if !heard && !answers && recordOf(s.status(at), savepoint.Location) == nil {
			savepoint.Unheard = true
		}
	}
	return at.with(partFlink, s.flinks.number(world))
}

func inStatistics(memory flink.Observation, location string) bool {
	return slices.ContainsFunc(memory.Checkpoints.Savepoints(), func(savepoint flink.Snapshot) bool { return savepoint.Location == location })
}

// goOn brings the job up, first into the JobManager's list and then to work, and ends one that was stopped.
func (s *search) goOn(at state) (state, bool) {
	return s.changeFlink(at, func(world *flinkWorld, run *worldRun) bool {
		underWay := run.underWay()
		switch {
		case run.Status == "" && world.position(run.Restore) >= 0:
			run.Status, run.Position = flink.JobInitializing, world.position(run.Restore)
			if run.Restore != "" {
				run.NextID = 2
			}
		case run.Status == flink.JobInitializing && s.objects(at).ready(v1beta1.ComponentTaskManager, run.Attempt) > 0:
			run.Status, run.Working = flink.JobRunning, true
		case underWay != nil && underWay.Location != "":
			run.end(flink.JobFinished)
		default:
			return false
		}
		return true
	})
}

func (s *search) checkpoint(at state) (state, bool) {
	return s.changeFlink(at, func(world *flinkWorld, run *worldRun) bool {
		// A stop begins with the end of all checkpoints.
		if stop := run.underWay(); !run.Working || stop != nil && stop.Stop {
			return false
		}
		world.write(run, fmt.Sprintf("s3://bucket/checkpoints/%s/chk-%d", run.JobID, run.NextID), false)
		return true
	})
}

// writeSavepoint completes a savepoint. That of a stop is followed by the end of the job, a moment later.
func (s *search) writeSavepoint(at state) (state, bool) {
	return s.changeFlink(at, func(world *flinkWorld, run *worldRun) bool {
		operation := run.underWay()
		if operation == nil || operation.Location != "" {
			return false
		}
		operation.Location = fmt.Sprintf("%s/savepoint-%s-%012d", testDir, run.JobID[:6], run.NextID)
		world.write(run, operation.Location, true)
		world.Ledger = append(world.Ledger, worldSavepoint{TriggerID: operation.TriggerID, Location: operation.Location, Attempt: run.Attempt})
		if !operation.Stop {
			operation.State, operation.Done = flink.OperationSucceeded, start
		}
		return true
	})
}

func (s *search) failSavepoint(at state) (state, bool) {
	return s.changeFlink(at, func(_ *flinkWorld, run *worldRun) bool {
		operation := run.underWay()
		if operation == nil || operation.Location != "" {
			return false
		}
		operation.State, operation.Cause, operation.Done = flink.OperationFailed, "Checkpoint expired before completing.", start
		return true
	})
}

func (s *search) failJob(at state) (state, bool) {
	return s.changeFlink(at, func(_ *flinkWorld, run *worldRun) bool {
		if !run.Working {
			return false
		}
		run.end(flink.JobFailed)
		return true
	})
}

// loss is how a JobManager is lost.
type loss int

const (
	killed loss = iota
	evicted
)

// loseJobManager takes away the JobManager and what only it knew.
func (s *search) loseJobManager(at state, how loss) (state, bool) {
	after, lost := s.changeFlink(at, func(_ *flinkWorld, run *worldRun) bool {
		run.Working = false
		return true
	})
	if !lost {
		return at, false
	}
	after, lost = s.changeObjects(after, func(children Children) Children {
		children = clone(children)
		for i := range children.Pods {
			if pod := &children.Pods[i]; pod.Component == v1beta1.ComponentJobManager && !pod.Terminated {
				pod.Ready, pod.Deleting = false, pod.Deleting || how == evicted
				if how == killed {
					pod.Terminated, pod.ExitCode, pod.Reason = true, new(int32(137)), "Error"
				}
			}
		}
		return children
	})
	return s.loseWitness(after), lost
}

// crashWhileSending: the request arrives, and nobody is there to hear the answer.
func (s *search) crashWhileSending(at state) (state, bool) {
	queue := s.queues.of(at[partQueue])
	if len(queue) == 0 {
		return at, false
	}
	after, _ := s.arrive(at, queue[0])
	return s.crash(after, false)
}

// userActs makes the next step of the user's script.
func (s *search) userActs(at state) (state, bool) {
	if int(at[partUser]) == len(s.scenario.script) {
		return at, false
	}
	step := s.scenario.script[at[partUser]]
	annotations := s.annotations.of(at[partAnnotations])
	if _, present := annotations[v1beta1.ControlAnnotation]; step.attach != "" && present {
		return at, false
	}
	at[partUser]++
	if step.attach == "" {
		return at, true
	}
	annotations = maps.Clone(annotations)
	annotations[v1beta1.ControlAnnotation] = step.attach
	return at.with(partAnnotations, s.annotations.number(annotations)), true
}
