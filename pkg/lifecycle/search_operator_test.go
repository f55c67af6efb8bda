package lifecycle

import (
	"maps"
	"slices"
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// seenBy is what a pass decides from; numbers of interned values. What has been decided on it once is remembered.
type seenBy struct {
	status, annotations, user, children, memory int32
	confirmed                                   bool
}

// decided is what a loop decides: a status, by its number, and what is to be done once that is stored.
type decided struct {
	status      int32
	confirm     bool
	plan        Plan
	effects     []flink.Effect
	annotations map[string]*string
	requeue     time.Duration
	release     bool
}

func (s *search) cluster(at state) *v1beta1.FlinkCluster {
	cluster := *s.specs[at[partUser]]
	cluster.Status = *s.status(at)
	cluster.Annotations = s.annotations.of(at[partAnnotations])
	return &cluster
}

func (s *search) decideCluster(at state, children int32, confirmed bool) decided {
	key := seenBy{status: at[partStatus], user: at[partUser], children: children, memory: at[partMemory], confirmed: confirmed}
	if known, found := s.clusterDecisions[key]; found {
		return known
	}
	seen := s.children.of(children)
	seen.Confirmed = confirmed
	d := DecideCluster(ClusterInput{Cluster: s.cluster(at), Revision: "counter-1", Children: seen, Observation: s.memory(at), Now: start})
	result := decided{status: s.number(&d.Status), confirm: d.Confirm, plan: d.Plan, effects: d.Effects, requeue: d.RequeueAfter, release: d.Release}
	s.clusterDecisions[key] = result
	return result
}

func (s *search) decideSavepoint(at state) decided {
	key := seenBy{status: at[partStatus], user: at[partUser], memory: at[partMemory]}
	if known, found := s.savepointDecisions[key]; found {
		return known
	}
	d := DecideSavepoint(SavepointInput{Cluster: s.cluster(at), Observation: s.memory(at), Now: start})
	result := decided{status: s.number(&d.Status), requeue: d.RequeueAfter}
	if d.Effect != nil {
		result.effects = []flink.Effect{*d.Effect}
	}
	s.savepointDecisions[key] = result
	return result
}

func (s *search) decideControl(at state) decided {
	key := seenBy{status: at[partStatus], annotations: at[partAnnotations], user: at[partUser], memory: at[partMemory]}
	if known, found := s.controlDecisions[key]; found {
		return known
	}
	d := DecideControl(ControlInput{Cluster: s.cluster(at), Observation: s.memory(at), Now: start})
	result := decided{status: s.number(&d.Status), annotations: d.Annotations}
	s.controlDecisions[key] = result
	return result
}

// number stores a status without what is for people only: it multiplies states and changes no decision.
func (s *search) number(status *v1beta1.FlinkClusterStatus) int32 {
	bare := *status
	bare.Conditions = slices.Clone(status.Conditions)
	for i := range bare.Conditions {
		bare.Conditions[i].Message, bare.Conditions[i].LastTransitionTime = "", *at(-time.Hour)
	}
	if status.Control != nil {
		bare.Control = new(*status.Control)
		bare.Control.UpdateTime = at(0)
	}
	if job := status.Components.Job; job != nil && job.DeployTime != nil && status.Revision.Stable == status.Revision.Current {
		// Only a revision that is not stable has a time to become so.
		bare.Components.Job = job.DeepCopy()
		bare.Components.Job.DeployTime = at(0)
	}
	if update := status.LastUpdateTime; update != nil && start.Sub(update.Time) > progressInterval {
		bare.LastUpdateTime = at(-time.Minute)
	}
	return s.statuses.number(&bare)
}

// clusterPass does what cluster.Controller.Sync does.
func (s *search) clusterPass(at state) (state, bool) {
	decided := s.decideCluster(at, at[partSeen], false)
	if decided.confirm {
		truth, seen := s.objects(at), s.children.of(at[partSeen])
		seen.JobManager, seen.Pods = truth.JobManager, truth.Pods
		if decided = s.decideCluster(at, s.children.number(seen), true); decided.confirm {
			return at, false
		}
	}
	s.requeue = earliest(s.requeue, decided.requeue)
	if decided.status != at[partStatus] {
		return s.store(at, "cluster", decided.status), true
	}
	after := at
	for _, effect := range decided.effects {
		after = s.enqueue(after, effect)
	}
	after = s.carry(after, decided.plan)
	if decided.release {
		after = s.release(after)
	}
	return after, after != at
}

func (s *search) savepointPass(at state) (state, bool) {
	decided := s.decideSavepoint(at)
	s.requeue = earliest(s.requeue, decided.requeue)
	if decided.status != at[partStatus] {
		return s.store(at, "savepoint", decided.status), true
	}
	after := at
	for _, effect := range decided.effects {
		after = s.enqueue(after, effect)
	}
	return after, after != at
}

func (s *search) controlPass(at state) (state, bool) {
	decided := s.decideControl(at)
	switch {
	case decided.status != at[partStatus]:
		return s.store(at, "control", decided.status), true
	case decided.annotations == nil:
		return at, false
	}
	annotations := maps.Clone(s.annotations.of(at[partAnnotations]))
	for key, value := range decided.annotations {
		if value == nil {
			delete(annotations, key)
		} else {
			annotations[key] = *value
		}
	}
	return at.with(partAnnotations, s.annotations.number(annotations)), true
}

// store writes a status, and points the observer at what it asks about.
func (s *search) store(at state, loop string, wanted int32) state {
	stored := *s.statuses.of(wanted)
	s.checkChange(at, loop, s.status(at), &stored)
	stored.LastUpdateTime = timestamp(start)
	after := at.with(partStatus, s.number(&stored))
	if slot, before := stored.Savepoint, s.status(at).Savepoint; slot != nil && (before == nil || before.Request != slot.Request) {
		known := slices.Clone(s.filed.of(at[partFiled]))
		after = after.with(partFiled, s.filed.number(append(known, filed{slot.TriggerID, requestOf(&stored)})))
	}
	return s.follow(after)
}

// follow does what observer.Watch does.
func (s *search) follow(at state) state {
	watch, memory := WatchFor(s.cluster(at)), s.memory(at)
	switch {
	case watch.JobID != memory.JobID || watch.Attempt != memory.Attempt:
		return at.with(partMemory, s.memories.number(flink.Observation{JobID: watch.JobID, Attempt: watch.Attempt})).with(partQueue, s.queues.number(nil))
	case memory.Operation != nil && watch.TriggerID != memory.Operation.TriggerID:
		memory.Operation = nil
		return at.with(partMemory, s.memories.number(memory))
	}
	return at
}

// enqueue does what observer.Execute does.
func (s *search) enqueue(at state, effect flink.Effect) state {
	memory := s.memory(at).DeepCopy()
	known, operation := memory.Effects[effect.ID()], memory.Operation
	forgotten := operation != nil && operation.TriggerID == effect.ID() && operation.State == flink.OperationNotFound
	if known.Outcome == flink.OutcomePending || known.Outcome == flink.OutcomeAccepted && !forgotten {
		return at
	}
	if memory.Effects == nil {
		memory.Effects = map[string]flink.EffectResult{}
	}
	memory.Effects[effect.ID()] = flink.EffectResult{Effect: effect, Outcome: flink.OutcomePending}
	queue := append(slices.Clone(s.queues.of(at[partQueue])), effect)
	return at.with(partMemory, s.memories.number(memory)).with(partQueue, s.queues.number(queue))
}

// carry makes and removes children as cluster.Controller.act does, after its last look at the API server.
func (s *search) carry(at state, plan Plan) state {
	truth, seen, job := s.objects(at), s.children.of(at[partSeen]), s.status(at).Components.Job
	starts := plan.JobManager == Apply
	if starts && (s.status(at).Components.JobManager != nil || !truth.ClearToStart(job.Attempt)) {
		return at
	}
	set := func(object *Object, intent Intent) {
		object.Exists = intent == Apply || intent == Leave && object.Exists
	}
	set(&truth.ConfigMap, plan.ConfigMap)
	set(&truth.Service, plan.Service)
	made := Workload{Object: Object{Exists: true}, Attempt: job.Attempt, Replicas: 1}
	if starts {
		truth.JobManager = made
		at = s.startJobManager(at, job)
	}
	if plan.TaskManager == Apply && truth.TaskManager.Attempt != job.Attempt {
		s.promise(!truth.TaskManager.Exists, "the TaskManagers of run %d are made those of run %d", truth.TaskManager.Attempt, job.Attempt)
		truth.TaskManager = made
	}
	// Removed is what is seen, by its UID.
	if plan.JobManager == Delete && seen.JobManager.Exists && seen.JobManager.Attempt == truth.JobManager.Attempt {
		s.checkRemoval(at, truth.JobManager.Attempt)
		truth = deleteWorkload(truth, v1beta1.ComponentJobManager)
	}
	if plan.TaskManager == Delete && seen.TaskManager.Exists && seen.TaskManager.Attempt == truth.TaskManager.Attempt {
		truth = deleteWorkload(truth, v1beta1.ComponentTaskManager)
	}
	return at.with(partObjects, s.children.number(truth))
}

// startJobManager begins a run. Its JobManager has the job id and the snapshot in its arguments.
func (s *search) startJobManager(at state, job *v1beta1.JobStatus) state {
	world := s.flink(at).copy()
	s.promise(world.run(job.Attempt) == nil, "the JobManager of run %d is made a second time", job.Attempt)
	s.promise(!s.deleting(at), "the JobManager of run %d is made though the cluster is being deleted", job.Attempt)
	world.Runs = append(world.Runs, worldRun{Attempt: job.Attempt, JobID: job.ID, Restore: job.FromSavepoint, NextID: 1})
	return at.with(partFlink, s.flinks.number(world))
}
