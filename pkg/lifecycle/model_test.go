package lifecycle

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// model is a world in which the three decisions are made in any order, by an operator that crashes, with children that
// are seen late and a Flink whose answers get lost. After every step the promises of design.md section 4 are checked;
// in the end all trouble ceases, and the world has to come to rest.
type model struct {
	t       *testing.T
	random  *rand.Rand
	now     time.Time
	calm    bool
	trace   []string
	cluster *v1beta1.FlinkCluster
	// children are the truth, seen what the informers show.
	children, seen Children
	informed       time.Time
	// processes are the JobManagers by pod.
	processes map[string]*process
	pods      int
	// memory and queue are the observer's; they are lost in a crash.
	memory  flink.Observation
	queue   []flink.Effect
	version string
	// files are the snapshots in storage; positions tells how far the job was in every snapshot that ever was.
	files     map[string]bool
	positions map[string]int
	// ledger counts completed savepoints by trigger id.
	ledger map[string]int
	// requeue is the shortest delay that a decision of the present round asked for.
	requeue time.Duration
}

// process is a JobManager with its job.
type process struct {
	attempt    int32
	jobID      string
	status     flink.JobStatus
	ended      time.Time
	tasks      int
	hung       bool
	position   int
	nextID     int64
	restored   *flink.Snapshot
	snapshots  []flink.Snapshot
	cached     flink.CheckpointStatistics
	cachedAt   time.Time
	operations map[string]*operationInFlink
}

type operationInFlink struct {
	flink.Operation
	stop bool
	done time.Time
}

// TestModel lives through some hundred worlds, through fewer with the race detector; FuzzModel through as many as there is time for.
func TestModel(t *testing.T) {
	for seed := range uint64(300 / slowness) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			newModel(t, seed).run()
		})
	}
}

func FuzzModel(f *testing.F) {
	f.Fuzz(func(t *testing.T, seed uint64) { newModel(t, seed).run() })
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), now: start, cluster: newCluster(),
		processes: map[string]*process{}, files: map[string]bool{}, positions: map[string]int{}, ledger: map[string]int{},
	}
	m.version = []string{"2.1.0", "2.1.0", "2.1.0", "1.14.6"}[m.random.IntN(4)]
	job := m.cluster.Spec.Job
	job.RestartPolicy = []v1beta1.RestartPolicy{
		v1beta1.RestartPolicyNever, v1beta1.RestartPolicyFromSavepointOnFailure, v1beta1.RestartPolicyFromLatestStateOnFailure, v1beta1.RestartPolicyFromLatestStateOnFailure,
	}[m.random.IntN(4)]
	actions := []v1beta1.CleanupAction{v1beta1.CleanupActionKeepCluster, v1beta1.CleanupActionDeleteCluster, v1beta1.CleanupActionDeleteTaskManager}
	job.CleanupPolicy = &v1beta1.CleanupPolicy{
		AfterJobSucceeds: actions[m.random.IntN(3)], AfterJobFails: actions[m.random.IntN(3)], AfterJobCancelled: actions[m.random.IntN(3)],
	}
	if m.chance(4) {
		job.SavepointsDir = ""
	}
	if m.chance(4) {
		m.files[otherPath], m.positions[otherPath] = true, 1000
		job.FromSavepoint = otherPath
	}
	return m
}

func (m *model) chance(oneIn int) bool { return m.random.IntN(oneIn) == 0 }

func (m *model) run() {
	for range 150 {
		m.step()
		if m.t.Failed() {
			return
		}
	}
	m.settle()
}

// step lets one thing happen.
func (m *model) step() {
	steps := []struct {
		weight int
		do     func()
	}{
		{12, m.clusterPass}, {12, m.savepointPass}, {8, m.controlPass}, {12, m.poll}, {6, m.execute}, {14, m.tick}, {8, m.inform},
		{6, func() { m.advance(time.Duration(m.random.IntN(2000)) * time.Millisecond) }},
		{1, m.wait},
		{2, m.crash}, {6, m.user}, {2, m.trouble},
	}
	sum := 0
	for _, step := range steps {
		sum += step.weight
	}
	choice := m.random.IntN(sum)
	for _, step := range steps {
		if choice -= step.weight; choice < 0 {
			step.do()
			break
		}
	}
	m.checkWorld()
}

// wait lets minutes pass. No effect waits for so long in the observer.
func (m *model) wait() {
	for len(m.queue) > 0 {
		m.execute()
	}
	m.advance(time.Duration(m.random.IntN(600)) * time.Second)
}

// advance lets time pass. Informers are late, but not by more than two seconds.
func (m *model) advance(by time.Duration) {
	m.now = m.now.Add(by)
	if m.now.Sub(m.informed) > 2*time.Second {
		m.inform()
	}
}

func (m *model) say(format string, args ...any) {
	m.trace = append(m.trace, m.now.Format("15:04:05 ")+fmt.Sprintf(format, args...))
}

func (m *model) require(holds bool, format string, args ...any) {
	m.t.Helper()
	if !holds {
		m.t.Log(strings.Join(m.trace[max(0, len(m.trace)-60):], "\n"))
		require.Failf(m.t, "a promise is broken", format, args...)
	}
}

// --- the operator

func (m *model) clusterPass() {
	in := ClusterInput{Cluster: m.cluster.DeepCopy(), Revision: "counter-1", Children: m.seen, Observation: m.memory.DeepCopy(), Now: m.now}
	decision := DecideCluster(in)
	if decision.Confirm {
		in.Children.JobManager, in.Children.Pods, in.Children.Confirmed = m.children.JobManager, m.children.Pods, true
		decision = DecideCluster(in)
	}
	m.again(decision.RequeueAfter)
	if m.store("cluster", decision.Status) {
		return
	}
	for _, effect := range decision.Effects {
		m.enqueue(effect)
	}
	m.carry(decision.Plan)
}

func (m *model) savepointPass() {
	decision := DecideSavepoint(SavepointInput{Cluster: m.cluster.DeepCopy(), Observation: m.memory.DeepCopy(), Now: m.now})
	m.again(decision.RequeueAfter)
	if !m.store("savepoint", decision.Status) && decision.Effect != nil {
		m.enqueue(*decision.Effect)
	}
}

func (m *model) controlPass() {
	decision := DecideControl(ControlInput{Cluster: m.cluster.DeepCopy(), Observation: m.memory.DeepCopy(), Now: m.now})
	if m.store("control", decision.Status) {
		return
	}
	for key, value := range decision.Annotations {
		if value == nil {
			delete(m.cluster.Annotations, key)
		} else {
			m.cluster.Annotations[key] = *value
		}
	}
}

func (m *model) again(after time.Duration) {
	m.require(after >= 0, "looks again after %s", after)
	m.requeue = earliest(m.requeue, after)
}

// store writes a status and says whether there was anything to write.
func (m *model) store(loop string, wanted v1beta1.FlinkClusterStatus) bool {
	before := m.cluster.Status
	if equalStatus(before, wanted) {
		return false
	}
	m.checkChange(loop, &before, &wanted)
	m.cluster.Status = stored(m.t, wanted)
	m.require(equalStatus(m.cluster.Status, wanted), "the API server keeps less than was decided")
	// The observer is pointed at what the new status asks about.
	if watch := WatchFor(m.cluster); watch.JobID != m.memory.JobID || watch.Attempt != m.memory.Attempt {
		m.memory, m.queue = flink.Observation{JobID: watch.JobID, Attempt: watch.Attempt}, nil
	} else if m.memory.Operation != nil && watch.TriggerID != m.memory.Operation.TriggerID {
		m.memory.Operation = nil
	}
	return true
}

func (m *model) enqueue(effect flink.Effect) {
	result := m.memory.Effects[effect.ID()]
	m.memory.JobID, m.memory.Attempt = WatchFor(m.cluster).JobID, WatchFor(m.cluster).Attempt
	if result.Outcome == flink.OutcomePending || result.Outcome == flink.OutcomeAccepted {
		return
	}
	if m.memory.Effects == nil {
		m.memory.Effects = map[string]flink.EffectResult{}
	}
	m.memory.Effects[effect.ID()] = flink.EffectResult{Effect: effect, Outcome: flink.OutcomePending}
	m.queue = append(m.queue, effect)
}

// execute sends the next effect. Requests and answers get lost.
func (m *model) execute() {
	if len(m.queue) == 0 {
		return
	}
	effect := m.queue[0]
	m.queue = m.queue[1:]
	jobManager := m.jobManager()
	outcome := flink.OutcomeUnknown
	lost := !m.calm && m.chance(3)
	switch {
	case jobManager == nil || jobManager.hung || lost && m.chance(2):
	case !m.calm && m.chance(10):
		outcome = flink.OutcomeRefused
	default:
		m.apply(jobManager, effect)
		if !lost {
			outcome = flink.OutcomeAccepted
		}
	}
	m.say("effect %s %.6s: %s", effect.Kind, effect.ID(), outcome)
	result := flink.EffectResult{Effect: effect, Outcome: outcome, Message: "the model says so"}
	if m.version == "1.14.6" && outcome == flink.OutcomeAccepted {
		result.RequestID = "flink-" + effect.TriggerID
	}
	m.memory.Effects[effect.ID()] = result
	if outcome == flink.OutcomeAccepted && m.memory.Operation != nil && m.memory.Operation.State == flink.OperationNotFound {
		m.memory.Operation = nil
	}
}

// poll hears the JobManager, as the observer does.
func (m *model) poll() {
	watch := WatchFor(m.cluster)
	if watch.Pace == PacePaused {
		return
	}
	jobManager := m.jobManager()
	if jobManager == nil || jobManager.hung || !m.calm && m.chance(8) {
		m.memory.Reachable = false
		return
	}
	m.memory.Reachable, m.memory.AnsweredAt, m.memory.Version = true, m.now, m.version
	if jobManager.jobID != watch.JobID || jobManager.status == "" {
		m.memory.Job = nil
		m.memory.MissingAnswers++
		return
	}
	m.memory.MissingAnswers = 0
	m.memory.Job = &flink.Job{ID: jobManager.jobID, Name: "count", Status: jobManager.status, TotalTasks: 2, RunningTasks: jobManager.tasks, EndTime: jobManager.ended}
	m.hearOperation(jobManager, watch.TriggerID)
	if m.calm || !m.chance(6) {
		m.hearStatistics(jobManager)
	}
	if jobManager.status == flink.JobFailed {
		m.memory.Exceptions = []string{"java.lang.RuntimeException: the model says so"}
	}
}

// hearStatistics hears them from Flink's cache, which may be three seconds old.
func (m *model) hearStatistics(jobManager *process) {
	if m.calm || m.chance(2) || m.now.Sub(jobManager.cachedAt) > 3*time.Second {
		jobManager.cached, jobManager.cachedAt = jobManager.statistics(), m.now
	}
	m.memory.Checkpoints = jobManager.cached.DeepCopy()
	if jobManager.status.Terminal() && jobManager.cachedAt.After(jobManager.ended) {
		m.memory.CheckpointsFinal = true
	}
}

func (m *model) hearOperation(jobManager *process, triggerID string) {
	known := m.memory.Operation
	if triggerID == "" || known != nil && (known.State == flink.OperationSucceeded || known.State == flink.OperationFailed) {
		return
	}
	heard := flink.Operation{JobID: jobManager.jobID, TriggerID: triggerID, State: flink.OperationNotFound}
	id := triggerID
	if m.version == "1.14.6" {
		// Flink chose its own id, which is known only to who heard the answer.
		id = m.memory.Effects[triggerID].RequestID
	}
	if operation, exists := jobManager.operations[strings.TrimPrefix(id, "flink-")]; exists && id != "" {
		heard.State, heard.Location, heard.Cause = operation.State, operation.Location, operation.Cause
	}
	if heard.State == flink.OperationNotFound && m.memory.Effects[triggerID].Outcome == flink.OutcomePending {
		return
	}
	m.memory.Operation = &heard
}

// crash loses the operator's memory. What was on its way to Flink may arrive all the same.
func (m *model) crash() {
	m.say("the operator crashes")
	for _, effect := range m.queue {
		if jobManager := m.jobManager(); jobManager != nil && m.chance(2) {
			m.apply(jobManager, effect)
		}
	}
	m.memory, m.queue = flink.Observation{}, nil
	if m.version == "1.14.6" {
		// The next leader comes after the lease of the last has expired.
		m.advance(15 * time.Second)
	}
}

func (m *model) inform() { m.seen, m.informed = clone(m.children), m.now }

func clone(children Children) Children {
	children.Pods = slices.Clone(children.Pods)
	return children
}

// carry makes and removes children as the cluster loop would.
func (m *model) carry(plan Plan) {
	set := func(object *Object, intent Intent) {
		switch intent {
		case Apply:
			object.Exists = true
		case Delete:
			*object = Object{}
		case Leave:
		}
	}
	set(&m.children.ConfigMap, plan.ConfigMap)
	set(&m.children.Service, plan.Service)
	attempt := m.cluster.Status.Components.Job.Attempt
	for _, child := range []struct {
		component string
		workload  *Workload
		intent    Intent
		replicas  int32
	}{
		{v1beta1.ComponentJobManager, &m.children.JobManager, plan.JobManager, 1},
		{v1beta1.ComponentTaskManager, &m.children.TaskManager, plan.TaskManager, 2},
	} {
		switch {
		case child.intent == Apply && !child.workload.Exists:
			m.say("%s of run %d is made", child.component, attempt)
			*child.workload = Workload{Object: Object{Exists: true}, Attempt: attempt, Replicas: child.replicas}
		case child.intent == Delete && child.workload.Exists && m.seenWorkload(child.component).Exists:
			// By the UID that was seen.
			if m.seenWorkload(child.component).Attempt == child.workload.Attempt {
				m.deleteWorkload(child.component)
			}
		}
	}
}

func (m *model) seenWorkload(component string) Workload {
	if component == v1beta1.ComponentJobManager {
		return m.seen.JobManager
	}
	return m.seen.TaskManager
}

// --- Kubernetes and Flink

func (m *model) deleteWorkload(component string) {
	m.say("%s is deleted", component)
	if component == v1beta1.ComponentJobManager {
		m.children.JobManager = Workload{}
	} else {
		m.children.TaskManager = Workload{}
	}
	for i := range m.children.Pods {
		if m.children.Pods[i].Component == component {
			m.children.Pods[i].Deleting = true
		}
	}
}

// tick lets Kubernetes and Flink go on by a little.
func (m *model) tick() {
	m.tickPods()
	for _, name := range slices.Sorted(maps.Keys(m.processes)) {
		m.tickJob(m.processes[name])
	}
}

func (m *model) tickPods() {
	pods := &m.children.Pods
	gone := slices.DeleteFunc(*pods, func(pod Pod) bool { return pod.Deleting && pod.Terminated && m.soon() })
	*pods = gone
	for i := range *pods {
		pod := &(*pods)[i]
		if pod.Deleting && !pod.Terminated && m.soon() {
			m.endPod(pod, 143, "")
		}
		if !pod.Deleting && !pod.Terminated && m.soon() {
			pod.Ready = true
		}
	}
	for component, workload := range map[string]*Workload{v1beta1.ComponentJobManager: &m.children.JobManager, v1beta1.ComponentTaskManager: &m.children.TaskManager} {
		own := 0
		for i := range *pods {
			if pod := &(*pods)[i]; pod.Component == component && pod.Attempt == workload.Attempt && !pod.Deleting {
				own++
				if component == v1beta1.ComponentJobManager && pod.Terminated {
					workload.Ended = workload.Exists
				}
			}
		}
		if component == v1beta1.ComponentJobManager && own == 0 && workload.Exists && !workload.Ended && m.madeBefore(workload.Attempt) {
			// The pod was deleted: backoffLimit is 0.
			workload.Ended = true
		}
		for ; own < int(workload.Replicas) && workload.Exists && !workload.Ended; own++ {
			m.makePod(component, workload.Attempt)
		}
	}
}

// madeBefore says whether a JobManager pod of the run was made before.
func (m *model) madeBefore(attempt int32) bool {
	for _, process := range m.processes {
		if process.attempt == attempt {
			return true
		}
	}
	return false
}

func (m *model) soon() bool { return m.calm || m.chance(2) }

func (m *model) makePod(component string, attempt int32) {
	m.pods++
	name := fmt.Sprintf("%s-%d", component, m.pods)
	m.children.Pods = append(m.children.Pods, Pod{Name: name, Component: component, Attempt: attempt})
	if component != v1beta1.ComponentJobManager {
		return
	}
	// Children are made only after the run was recorded, from the record.
	m.processes[name] = &process{attempt: attempt, jobID: JobID(testUID, attempt), nextID: 1, operations: map[string]*operationInFlink{}}
}

func (m *model) endPod(pod *Pod, code int32, message string) {
	m.say("pod %s of run %d ends with %d", pod.Name, pod.Attempt, code)
	pod.Ready, pod.Terminated, pod.ExitCode, pod.Message = false, true, new(code), message
}

func (m *model) alive(name string) bool {
	return slices.ContainsFunc(m.children.Pods, func(pod Pod) bool { return pod.Name == name && !pod.Terminated })
}

// jobManager is the process that answers.
func (m *model) jobManager() *process {
	for _, pod := range m.children.Pods {
		if process := m.processes[pod.Name]; process != nil && pod.Ready && !pod.Terminated {
			return process
		}
	}
	return nil
}

func (m *model) tickJob(p *process) {
	var pod *Pod
	for i := range m.children.Pods {
		if m.processes[m.children.Pods[i].Name] == p {
			pod = &m.children.Pods[i]
		}
	}
	if pod == nil || pod.Terminated || !pod.Ready || !m.soon() {
		return
	}
	switch {
	case p.status == "":
		m.startJob(p, pod)
	case p.status.Terminal():
	case p.tasks < 2:
		p.status = flink.JobRunning
		p.tasks++
	default:
		p.position += 10
		if !m.calm && m.chance(3) || m.calm && len(p.snapshots) == 0 {
			m.complete(p, fmt.Sprintf("s3://bucket/checkpoints/%s/chk-%d", p.jobID, p.nextID), false)
			m.retain(p)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.operations)) {
		m.tickOperation(p, id)
	}
}

func (m *model) startJob(p *process, pod *Pod) {
	job := m.cluster.Status.Components.Job
	if job == nil || job.Attempt != p.attempt {
		return // It is going to be removed.
	}
	from := job.FromSavepoint
	if from != "" && !m.files[from] {
		m.endPod(pod, 2, "java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '"+from+"' on file system 's3'.")
		return
	}
	p.status, p.position = flink.JobInitializing, m.positions[from]
	m.say("run %d is started from %q, position %d", p.attempt, from, p.position)
	if from != "" {
		p.restored = &flink.Snapshot{ID: 1, Location: from}
		p.nextID = 2
	}
}

// complete makes a snapshot.
func (m *model) complete(p *process, location string, savepoint bool) {
	p.snapshots = append([]flink.Snapshot{{ID: p.nextID, Location: location, Savepoint: savepoint, TriggerTime: m.now, CompletionTime: m.now}}, p.snapshots...)
	p.nextID++
	m.files[location], m.positions[location] = true, p.position
}

// retain deletes checkpoints that newer ones have subsumed.
func (m *model) retain(p *process) {
	retained := 0
	for i := range p.snapshots {
		if p.snapshots[i].Savepoint || p.snapshots[i].Discarded {
			continue
		}
		if retained++; retained > 3 {
			p.snapshots[i].Discarded = true
			delete(m.files, p.snapshots[i].Location)
		}
	}
}

func (p *process) statistics() flink.CheckpointStatistics {
	statistics := flink.CheckpointStatistics{Restored: p.restored}
	for i := range p.snapshots {
		snapshot := p.snapshots[i]
		if snapshot.Savepoint && statistics.Savepoint == nil {
			statistics.Savepoint = &snapshot
		}
		if !snapshot.Savepoint && statistics.Completed == nil {
			statistics.Completed = &snapshot
		}
	}
	statistics.History = slices.Clone(p.snapshots[:min(len(p.snapshots), 10)])
	return statistics
}

// apply is Flink taking a request.
func (m *model) apply(p *process, effect flink.Effect) {
	if effect.JobID != p.jobID || p.status == "" {
		return
	}
	if effect.Kind == flink.CancelJob {
		if !p.status.Terminal() {
			m.endJob(p, flink.JobCanceled)
		}
		return
	}
	if _, known := p.operations[effect.TriggerID]; known && m.version != "1.14.6" {
		return
	}
	m.require(p.operations[effect.TriggerID] == nil, "savepoint %.6s is triggered twice", effect.TriggerID)
	p.operations[effect.TriggerID] = &operationInFlink{Operation: flink.Operation{State: flink.OperationInProgress}, stop: effect.Kind == flink.StopWithSavepoint}
}

func (m *model) tickOperation(p *process, id string) {
	operation := p.operations[id]
	if operation.State != flink.OperationInProgress {
		if m.now.Sub(operation.done) > 5*time.Minute {
			delete(p.operations, id)
		}
		return
	}
	if !m.soon() {
		return
	}
	operation.done = m.now
	if p.status.Terminal() || p.tasks < 2 || !m.calm && m.chance(4) {
		operation.State, operation.Cause = flink.OperationFailed, "Not all required tasks are currently running."
		m.say("savepoint %.6s fails", id)
		return
	}
	operation.State, operation.Location = flink.OperationSucceeded, fmt.Sprintf("%s/savepoint-%s-%012d", testDir, p.jobID[:6], p.nextID)
	m.say("savepoint %.6s completes at position %d", id, p.position)
	m.complete(p, operation.Location, true)
	m.ledger[id]++
	if operation.stop {
		m.endJob(p, flink.JobFinished)
		if !m.calm && m.chance(4) {
			// StopWithSavepointStoppingException: the savepoint is complete, the job failed after it.
			p.status, operation.State = flink.JobFailed, flink.OperationFailed
		}
	}
}

func (m *model) endJob(p *process, status flink.JobStatus) {
	m.say("the job of run %d is %s", p.attempt, status)
	p.status, p.ended, p.tasks = status, m.now, 0
}

// trouble is what happens to clusters.
func (m *model) trouble() {
	jobManager := m.jobManager()
	switch m.random.IntN(8) {
	case 0, 1, 2:
		for i := range m.children.Pods {
			if pod := &m.children.Pods[i]; pod.Component == v1beta1.ComponentJobManager && !pod.Terminated {
				if m.chance(2) {
					pod.Deleting = true
				} else {
					m.endPod(pod, []int32{137, 143, 1, 2, 163, 0}[m.random.IntN(5)], "")
				}
			}
		}
	case 3:
		if m.children.JobManager.Exists {
			m.deleteWorkload(v1beta1.ComponentJobManager)
		}
	case 4, 5:
		if jobManager != nil && jobManager.tasks == 2 {
			m.endJob(jobManager, flink.JobFailed)
		}
	case 6:
		if jobManager != nil {
			jobManager.hung = !jobManager.hung
		}
	case 7:
		if jobManager != nil && jobManager.tasks == 2 && m.chance(3) {
			m.endJob(jobManager, []flink.JobStatus{flink.JobFinished, flink.JobCanceled}[m.random.IntN(2)])
		}
	}
}

// user is what people do.
func (m *model) user() {
	spec := m.cluster.Spec.Job
	switch m.random.IntN(12) {
	case 0, 1, 2, 3:
		values := []string{v1beta1.ControlSavepoint, v1beta1.ControlSavepoint, v1beta1.ControlSavepoint, v1beta1.ControlJobCancel, v1beta1.ControlJobCancelWithoutSavepoint, "job-explode"}
		m.cluster.Annotations[v1beta1.ControlAnnotation] = values[m.random.IntN(len(values))]
		m.say("annotated %s", m.cluster.Annotations[v1beta1.ControlAnnotation])
		return
	case 4:
		delete(m.cluster.Annotations, v1beta1.ControlAnnotation)
		return
	case 5:
		if p := m.jobManager(); p != nil && p.tasks == 2 && !p.hung {
			m.say("a savepoint is taken past the operator")
			m.complete(p, fmt.Sprintf("%s/savepoint-%s-external%d", testDir, p.jobID[:6], p.nextID), true)
		}
		return
	case 6:
		if job := m.cluster.Status.Components.Job; job != nil {
			spec.SavepointGeneration = job.SavepointGeneration + 1 + int32(m.random.IntN(2))
		}
	case 7:
		spec.SavepointTriggerNonce = new(int64(m.random.IntN(5)))
	case 8:
		spec.CancelRequested = !spec.CancelRequested
	case 9:
		spec.AutoSavepointSeconds = []*int32{nil, new(int32(1)), new(int32(30))}[m.random.IntN(3)]
	case 10:
		// Savepoints only: what a user names is tried for ever, and checkpoints rot.
		known := slices.DeleteFunc(slices.Sorted(maps.Keys(m.files)), func(file string) bool { return strings.Contains(file, "chk-") })
		if len(known) > 0 && m.chance(2) {
			spec.FromSavepoint = known[m.random.IntN(len(known))]
		}
	case 11:
		spec.MaxStateAgeToRestoreSeconds = []*int32{nil, nil, new(int32(5))}[m.random.IntN(3)]
		spec.SavepointsDir = []string{"", testDir, testDir}[m.random.IntN(3)]
	}
	m.say("spec: generation %d, cancel %t, from %q", spec.SavepointGeneration, spec.CancelRequested, spec.FromSavepoint)
	m.cluster.Generation++
}

// --- the promises

func (m *model) checkChange(loop string, before, after *v1beta1.FlinkClusterStatus) {
	m.say("%s: %s -> %s", loop, summary(before), summary(after))
	m.require(invalidity(after) == "", "%s loop, impossible status: %s", loop, invalidity(after))
	m.checkOwnership(loop, before, after)
	m.checkSlotChange(loop, before.Savepoint, after.Savepoint)
	old, updated := before.Components.Job, after.Components.Job
	if old == nil || updated == nil {
		return
	}
	counted := after.Savepoint != nil && after.Savepoint.State == v1beta1.SavepointStateSucceeded &&
		(before.Savepoint == nil || before.Savepoint.State != v1beta1.SavepointStateSucceeded)
	expected := old.SavepointGeneration
	if counted {
		expected++
	}
	m.require(updated.SavepointGeneration == expected, "generation %d became %d", old.SavepointGeneration, updated.SavepointGeneration)
	if old.Attempt != updated.Attempt {
		m.checkStart(before, old, updated)
	}
	m.checkControl(before.Control, after.Control, after)
}

func summary(status *v1beta1.FlinkClusterStatus) string {
	var parts []string
	if job := status.Components.Job; job != nil {
		parts = append(parts, fmt.Sprintf("run %d %s", job.Attempt, job.State))
	}
	if slot := status.Savepoint; slot != nil {
		parts = append(parts, fmt.Sprintf("savepoint %d %.6s %s stop=%t %q", slot.Request, slot.TriggerID, slot.State, slot.Stop, slot.Message))
	}
	if control := status.Control; control != nil {
		parts = append(parts, fmt.Sprintf("control %d %s %s %q", control.Request, control.Name, control.State, control.Message))
	}
	return strings.Join(parts, ", ")
}

// checkOwnership: each loop changes its own fields only, as pkg/controller/status has it.
func (m *model) checkOwnership(loop string, before, after *v1beta1.FlinkClusterStatus) {
	old, updated := before.DeepCopy(), after.DeepCopy()
	for _, status := range []*v1beta1.FlinkClusterStatus{old, updated} {
		status.Savepoint = nil
		job := status.Components.Job
		switch loop {
		case "cluster":
			if job != nil {
				job = &v1beta1.JobStatus{
					SavepointGeneration: job.SavepointGeneration, SavepointLocation: job.SavepointLocation, LastSavepointTriggerID: job.LastSavepointTriggerID,
					LastSavepointTime: job.LastSavepointTime, ObservedSavepointGeneration: job.ObservedSavepointGeneration,
				}
			} else {
				job = &v1beta1.JobStatus{}
			}
			*status = v1beta1.FlinkClusterStatus{Control: status.Control, SavepointHistory: status.SavepointHistory, Components: v1beta1.ComponentsStatus{Job: job}}
		case "savepoint":
			status.SavepointHistory, status.Conditions = nil, nil
			if job != nil {
				job.SavepointGeneration, job.SavepointLocation, job.LastSavepointTriggerID, job.LastSavepointTime = 0, "", "", nil
				job.ObservedSavepointGeneration, job.ObservedSavepointTriggerNonce = 0, nil
			}
		case "control":
			status.Control = nil
		}
	}
	m.require(apiequality.Semantic.DeepEqual(old, updated), "the %s loop changes what is not its own", loop)
}

// checkSlotChange: a request is filed into a free slot with the next number, and only the savepoint loop moves it on.
func (m *model) checkSlotChange(loop string, before, after *v1beta1.SavepointStatus) {
	switch {
	case reflect.DeepEqual(before, after), apiequality.Semantic.DeepEqual(before, after):
	case before == nil || before.Request != after.Request:
		m.require(!SavepointBusy(before), "the slot is taken")
		m.require(after.State == v1beta1.SavepointStateRequested && (before == nil && after.Request == 1 || before != nil && after.Request == before.Request+1), "a request begins strangely")
	default:
		m.require(loop == "savepoint" && SavepointBusy(before), "an ended savepoint is changed, or by the wrong loop")
		if after.State == v1beta1.SavepointStateSucceeded {
			// Flink 1.14 has no trigger ids of ours: of two savepoints in the same seconds, either may be taken for it.
			taken := m.ledger[after.TriggerID] == 1 || strings.Contains(after.Location, "external") || m.version == "1.14.6"
			m.require(taken && m.files[after.Location], "a savepoint that was not taken succeeded")
		}
	}
}

// checkStart: a run starts from the newest state that is known, never beside another, and never against the user's will.
func (m *model) checkStart(before *v1beta1.FlinkClusterStatus, old, updated *v1beta1.JobStatus) {
	m.require(updated.Attempt == old.Attempt+1 && updated.State == v1beta1.JobStateDeploying, "run %d after %d", updated.Attempt, old.Attempt)
	m.require(old.State == v1beta1.JobStatePending || old.State == v1beta1.JobStateRestarting, "a run starts after %s", old.State)
	m.require(!SavepointBusy(before.Savepoint), "a run starts during a savepoint")
	m.require(!m.cluster.Spec.Job.CancelRequested, "a run starts though it is not wanted")
	if updated.ObservedFromSavepoint != old.ObservedFromSavepoint && updated.FromSavepoint == updated.ObservedFromSavepoint {
		return // The user says so.
	}
	onlySavepoints := m.cluster.Spec.Job.RestartPolicy == v1beta1.RestartPolicyFromSavepointOnFailure && old.CancelledBy == ""
	candidates := []known{{old.FromSavepoint, true}}
	if last := old.LastCheckpoint; last != nil && last.JobID == old.ID {
		candidates = append(candidates, known{last.Location, false})
	}
	for _, record := range before.SavepointHistory {
		if record.JobID == old.ID {
			candidates = append(candidates, known{record.Location, true})
		}
	}
	if m.memory.JobID == old.ID && m.memory.Checkpoints != nil {
		for _, snapshot := range m.memory.Checkpoints.History {
			if snapshot.Restorable() {
				candidates = append(candidates, known{snapshot.Location, snapshot.Savepoint})
			}
		}
	}
	candidates = append(candidates, m.truth(old)...)
	var allowed []string
	for _, candidate := range candidates {
		if candidate.location == "" || onlySavepoints && !candidate.savepoint || slices.Contains(old.MissingSnapshots, candidate.location) {
			continue
		}
		if onlySavepoints && strings.Contains(candidate.location, "chk-") {
			continue
		}
		m.require(updated.FromSavepoint != "", "run %d starts from nothing, and %s is known", updated.Attempt, candidate.location)
		m.require(m.positions[updated.FromSavepoint] >= m.positions[candidate.location], "run %d starts from %s, and %s is newer", updated.Attempt, updated.FromSavepoint, candidate.location)
		allowed = append(allowed, candidate.location)
	}
	m.require(len(allowed) == 0 || slices.Contains(allowed, updated.FromSavepoint), "run %d starts from %s of a run long ago, not from %v", updated.Attempt, updated.FromSavepoint, allowed)
}

// known is a snapshot that a run could start from.
type known struct {
	location  string
	savepoint bool
}

// truth is what the JobManager of an ended run would tell, if it was heard to have ended and can still be asked.
func (m *model) truth(old *v1beta1.JobStatus) []known {
	job := m.memory.Job
	if m.memory.JobID != old.ID || !m.memory.Reachable || job == nil || !job.Status.Terminal() || m.now.Sub(job.EndTime) > lastSnapshotsWait {
		return nil
	}
	var found []known
	for _, process := range m.processes {
		for _, snapshot := range process.snapshots {
			if process.jobID == old.ID && snapshot.Restorable() {
				found = append(found, known{snapshot.Location, snapshot.Savepoint})
			}
		}
	}
	return found
}

func (m *model) checkControl(before, after *v1beta1.ControlStatus, status *v1beta1.FlinkClusterStatus) {
	if after == nil || before != nil && before.Request == after.Request && before.State == after.State {
		return
	}
	if before != nil && before.Request != after.Request {
		m.require(controlFinished(before) && after.Request == before.Request+1, "request %d after %d", after.Request, before.Request)
	}
	if after.State != v1beta1.ControlStateSucceeded {
		return
	}
	if after.Name == v1beta1.ControlSavepoint {
		trigger := after.Details[v1beta1.ControlDetailSavepointTriggerID]
		recorded := slices.ContainsFunc(status.SavepointHistory, func(record v1beta1.SavepointRecord) bool { return record.TriggerID == trigger })
		m.require(recorded, "a request succeeded without a savepoint")
		return
	}
	for name, process := range m.processes {
		m.require(!m.alive(name) || process.status.Terminal() || process.status == "", "the job is reported as cancelled and is %s", process.status)
	}
}

// checkWorld holds at any time.
func (m *model) checkWorld() {
	running := map[int32]bool{}
	for _, pod := range m.children.Pods {
		if !pod.Terminated {
			running[pod.Attempt] = true
		}
	}
	m.require(len(running) <= 1, "pods of %d runs are alive", len(running))
	for trigger, times := range m.ledger {
		m.require(times <= 1, "savepoint %.6s was taken %d times", trigger, times)
	}
}

// --- the end

// settle lets everything go well from now on, and waits until nothing happens any more.
func (m *model) settle() {
	m.calm = true
	m.say("calm")
	m.cluster.Spec.Job.AutoSavepointSeconds = nil
	if m.cluster.Spec.Job.SavepointsDir == "" {
		m.cluster.Spec.Job.SavepointsDir = testDir
	}
	m.cluster.Generation++
	for _, process := range m.processes {
		process.hung = false
	}
	quiet := 0
	for range 1000 {
		before := m.fingerprint()
		m.requeue = 0
		for _, do := range []func(){m.tick, m.inform, m.poll, m.execute, m.clusterPass, m.savepointPass, m.controlPass} {
			do()
			m.checkWorld()
			if m.t.Failed() {
				return
			}
		}
		m.now = m.now.Add(time.Second)
		if m.fingerprint() != before {
			quiet = 0
			continue
		}
		// A savepoint that may have been lost is given its time, second by second; a look now and then never ends.
		patience := 5
		if m.requeue > 0 {
			m.now = m.now.Add(m.requeue)
			patience = 100
		}
		if quiet++; quiet >= patience {
			m.checkSettled()
			return
		}
	}
	m.require(false, "the world does not come to rest: %s", summary(&m.cluster.Status))
}

func (m *model) fingerprint() string {
	status, err := json.Marshal(m.cluster.Status)
	require.NoError(m.t, err)
	pods, err := json.Marshal(m.children)
	require.NoError(m.t, err)
	var jobs []string
	for _, name := range slices.Sorted(maps.Keys(m.processes)) {
		p := m.processes[name]
		jobs = append(jobs, fmt.Sprint(name, p.status, p.tasks, len(p.snapshots), len(p.operations)))
	}
	for id := range m.memory.Effects {
		jobs = append(jobs, fmt.Sprint(id, m.memory.Effects[id].Outcome))
	}
	slices.Sort(jobs)
	return fmt.Sprintf("%v %s %s %v %v", m.cluster.Annotations, status, pods, jobs, m.queue)
}

func (m *model) checkSettled() {
	status, spec := &m.cluster.Status, m.cluster.Spec.Job
	job := status.Components.Job
	m.require(!SavepointBusy(status.Savepoint), "the slot is still busy")
	m.require(status.Control == nil || controlFinished(status.Control), "the request is still open: %v", status.Control)
	m.require(m.cluster.Annotations[v1beta1.ControlAnnotation] == "", "the annotation is still there")
	switch job.State {
	case v1beta1.JobStateRunning:
		p := m.jobManager()
		m.require(!spec.CancelRequested && p != nil && p.jobID == job.ID && p.status == flink.JobRunning, "the job is said to run")
		m.require(conditionOf(*status, v1beta1.ConditionReady).Status == "True", "the running job is not ready")
	case v1beta1.JobStateFailed, v1beta1.JobStateLost:
		degraded := conditionOf(*status, v1beta1.ConditionDegraded)
		m.require(degraded.Status == "True" && degraded.Reason != "CrashLoop", "a failed job rests for a reason: %s", degraded.Reason)
	case v1beta1.JobStateCancelled:
		m.require(spec.CancelRequested || job.CancelledBy != v1beta1.CancelledBySpec, "the job is wanted again")
	case v1beta1.JobStateSucceeded:
	default:
		m.require(false, "the job rests as %s", job.State)
	}
	if job.State != v1beta1.JobStateRunning {
		for name, process := range m.processes {
			m.require(!m.alive(name) || process.status == "" || process.status.Terminal(), "a job runs on though it is said to be %s", job.State)
		}
	}
	// Whoever starts now and has heard nothing yet changes nothing.
	m.memory, m.queue = flink.Observation{}, nil
	before := m.fingerprint()
	m.clusterPass()
	m.savepointPass()
	m.controlPass()
	m.require(m.fingerprint() == before, "an operator that has just started changes something")
	m.require(len(m.queue) == 0, "and asks Flink for something: %v", m.queue)
}
