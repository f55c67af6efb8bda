package world

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// Process is the JobManager process of a pod. The JobManager in it can be told what happens to its job.
type Process struct {
	*flinktest.JobManager
	// JobID is that of the run; empty in a session cluster.
	JobID string

	world   *World
	cluster types.NamespacedName
	host    string
	// attempt is the number of the run, restore what the arguments name to start from, graph what the job is made of.
	attempt, restore, graph string
	// haID is the identity of its high availability, empty without. One of those with the same leads.
	haID  string
	leads atomic.Bool
	// first: no JobManager has run for this attempt before.
	first bool
	// fails is told that the job could not be started.
	fails func(message string)
	// breaks is told that the job runs, which the job of a broken image does not for long.
	breaks func()

	mutex sync.Mutex
	alive bool
	// taskManagers is how many the job has needed since its tasks ran first; 0 before.
	taskManagers int
	// begun counts the savepoints of the ledger that have been seen.
	begun int
	// cancelled counts the cancels of the ledger that have been seen.
	cancelled int
	// disposed counts the disposals of the ledger that have been seen.
	disposed int
	held     []flinktest.Savepoint
}

// startJobManager runs what the arguments of the pod say.
func (k *kubelet) startJobManager(pod *corev1.Pod, record *podRecord) {
	w := k.world
	cluster := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Labels[v1beta1.LabelCluster]}
	w.mutex.Lock()
	config := flinktest.Config{Clock: w.clock(), Storage: w.Storage, Version: w.version}
	w.mutex.Unlock()
	process := &Process{
		JobManager: flinktest.New(config), JobID: argument(pod, "--job-id"), world: w, cluster: cluster, alive: true,
		host:    fmt.Sprintf("%s-jobmanager.%s.svc:%d", cluster.Name, cluster.Namespace, uiPort(pod)),
		attempt: attemptOf(pod.Labels), restore: argument(pod, "--fromSavepoint"), graph: graphOf(pod), haID: haIDOf(pod), first: true,
	}
	process.fails = func(message string) {
		record.exit, record.exitAt = &Exit{Code: 2, Message: message}, time.Now().Add(PodReady)
	}
	process.breaks = func() {
		if exit, broken := k.broken[pod.Spec.Containers[0].Image]; broken {
			record.exit, record.exitAt = &exit, time.Now().Add(BrokenEnds)
		}
	}
	for _, other := range w.Processes(cluster.Name) {
		sameRun := process.haID != "" && other.haID == process.haID && other.attempt == process.attempt
		process.first = process.first && !sameRun
		if other.Alive() && other.JobID != "" && !sameRun {
			w.Violate(OracleTwoRuns, "the JobManagers of two runs are there at once: %s and %s", other.JobID, process.JobID)
		}
	}
	k.judgeOldPods(pod)
	w.mutex.Lock()
	w.processes = append(w.processes, process)
	w.mutex.Unlock()
	record.process = process
	switch {
	case process.haID != "":
		k.succeed()
	case process.JobID != "":
		process.leads.Store(true)
		k.startJob(process, process.restore)
	default:
		process.leads.Store(true)
	}
}

// startJob starts the job of a process. What Flink itself goes back to after a failure is its own choice.
func (k *kubelet) startJob(process *Process, restore string) {
	w, cluster := k.world, process.cluster
	w.note("job %s starts from %q", process.JobID, restore)
	if process.first {
		w.judgeStart(cluster, restore)
		w.judgeLateStart(cluster.Namespace, cluster.Name, process.JobID)
	}
	w.judgeIntent(cluster, "run "+process.JobID+" starts", func(recorded *v1beta1.FlinkCluster) bool {
		return recorded.Status.Components.Job != nil && recorded.Status.Components.Job.ID == process.JobID
	})
	process.StartJob(process.JobID, restore)
	if process.Status(process.JobID).Terminal() {
		// Where there is nothing to restore from, the process ends soon.
		message := "Caused by: java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '" + restore + "' on file system 'file'."
		process.fails(message)
		return
	}
	process.SetTasks(process.JobID, 0, 1)
	process.breaks()
}

// judgeOldPods: when a JobManager begins, no pod of another run or rollout still runs.
func (k *kubelet) judgeOldPods(jobManager *corev1.Pod) {
	for _, other := range fixture.Look[corev1.Pod](k.world.t, k.world.API, jobManager.Namespace) {
		sameCluster := other.Labels[v1beta1.LabelCluster] == jobManager.Labels[v1beta1.LabelCluster]
		if sameCluster && other.Status.Phase == corev1.PodRunning && attemptOf(other.Labels) != attemptOf(jobManager.Labels) {
			k.world.Violate(OracleTwoRuns, "the JobManager %s starts beside the pod %s of run %s", jobManager.Name, other.Name, attemptOf(other.Labels))
		}
	}
}

func argument(pod *corev1.Pod, name string) string {
	arguments := pod.Spec.Containers[0].Args
	if at := slices.Index(arguments, name); at >= 0 && at+1 < len(arguments) {
		return arguments[at+1]
	}
	return ""
}

func uiPort(pod *corev1.Pod) int32 {
	for _, port := range pod.Spec.Containers[0].Ports {
		if port.Name == "ui" {
			return port.ContainerPort
		}
	}
	return 0
}

// connect makes the JobManagers that run reachable, as far as they have a Service, and gives their jobs the
// TaskManagers that are ready.
func (k *kubelet) connect() {
	w := k.world
	k.succeed()
	for _, process := range w.Processes("") {
		if !process.Alive() || !process.leads.Load() {
			continue
		}
		process.settle()
		if fixture.LookAt[corev1.Service](w.t, w.API, process.cluster.Namespace, process.cluster.Name+"-jobmanager") == nil {
			w.network.Add(process.host, nil)
		} else {
			w.network.Add(process.host, process)
		}
		if process.JobID != "" {
			process.assign(k.taskManagers(process))
		}
	}
}

// taskManagers returns how many TaskManagers of a run are ready, and how many there shall be.
func (k *kubelet) taskManagers(process *Process) (ready, wanted int) {
	set := fixture.LookAt[appsv1.StatefulSet](k.world.t, k.world.API, process.cluster.Namespace, process.cluster.Name+"-taskmanager")
	if set == nil || set.Labels[v1beta1.LabelJobID] != process.JobID || attemptOf(set.Labels) != process.attempt {
		return 0, 1
	}
	for _, pod := range k.owned(set) {
		if isReady(pod) {
			ready++
		}
	}
	return ready, int(*set.Spec.Replicas)
}

// assign runs the tasks of the job as soon as there are TaskManagers for them, and again after one was lost.
func (p *Process) assign(ready, wanted int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	status := p.Status(p.JobID)
	if p.taskManagers == 0 {
		if status == flink.JobRunning && ready >= wanted {
			p.taskManagers = wanted
			p.SetTasks(p.JobID, 1, 1)
		}
		return
	}
	enough := ready >= min(p.taskManagers, wanted)
	switch {
	case status == flink.JobRunning && !enough:
		p.SetStatus(p.JobID, flink.JobRestarting)
	case status == flink.JobRestarting && enough:
		p.SetStatus(p.JobID, flink.JobRunning)
	}
}

// ServeHTTP has savepoints end some time after they were begun.
func (p *Process) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	defer p.settle()
	defer p.followSavepoints()
	defer p.followCancels()
	defer p.followDisposals()
	p.JobManager.ServeHTTP(writer, request)
}

func (p *Process) followSavepoints() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, savepoint := range p.JobManager.Ledger().Savepoints[p.begun:] {
		p.begun++
		p.world.judgeIntent(p.cluster, "savepoint "+savepoint.TriggerID+" begins", func(recorded *v1beta1.FlinkCluster) bool {
			return tellsOfSavepoint(recorded, savepoint.TriggerID)
		})
		p.world.note("savepoint %s begins", savepoint.TriggerID)
		p.world.noteReason(p.cluster, savepoint.TriggerID)
		time.AfterFunc(SavepointTakes, func() { p.finishSavepoint(savepoint) })
	}
}

func (p *Process) followCancels() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for range p.JobManager.Ledger().Cancels[p.cancelled:] {
		p.cancelled++
		p.world.judgeIntent(p.cluster, "the job is cancelled", tellsOfCancel)
	}
}

func (p *Process) finishSavepoint(savepoint flinktest.Savepoint) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch {
	case !p.alive:
	case p.world.holdsSavepoints():
		p.held = append(p.held, savepoint)
	default:
		p.CompleteOperation(savepoint.JobID, savepoint.TriggerID)
		p.world.note("savepoint %s ends", savepoint.TriggerID)
		p.settle()
	}
}

// FailJob ends the job for good, with an exception and its cause, and so the savepoints that are under way.
func (p *Process) FailJob(outer, cause string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, savepoint := range p.held {
		p.FailOperation(savepoint.JobID, savepoint.TriggerID, "org.apache.flink.runtime.checkpoint.CheckpointException", "The job has failed.")
	}
	p.held = nil
	p.Fail(p.JobID, outer, cause)
	p.settle()
}

// Alive says whether the process runs.
func (p *Process) Alive() bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.alive
}

func (p *Process) end() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.alive = false
	if p.leads.Load() {
		p.world.network.Add(p.host, nil)
	}
	p.leads.Store(false)
	p.world.note("the JobManager of job %q is gone", p.JobID)
}

// Processes returns the JobManagers of a cluster ("" for all clusters) that ever ran, in order.
func (w *World) Processes(cluster string) []*Process {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.DeleteFunc(slices.Clone(w.processes), func(process *Process) bool {
		return cluster != "" && process.cluster.Name != cluster
	})
}

// Leads says whether the process runs, and is the one that runs the job.
func (p *Process) Leads() bool { return p.Alive() && p.leads.Load() }

// JobManager returns the one of a cluster that runs the job, and fails the test if there is none.
func (w *World) JobManager(cluster string) *Process {
	w.t.Helper()
	for _, process := range w.Processes(cluster) {
		if process.Leads() {
			return process
		}
	}
	w.t.Fatalf("no JobManager of %s runs", cluster)
	return nil
}

// HoldSavepoints keeps savepoints that are under way from ending, until ReleaseSavepoints.
func (w *World) HoldSavepoints() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.savepointsHeld = true
}

// ReleaseSavepoints ends the savepoints that were held.
func (w *World) ReleaseSavepoints() {
	w.mutex.Lock()
	w.savepointsHeld = false
	w.mutex.Unlock()
	for _, process := range w.Processes("") {
		process.mutex.Lock()
		held := process.held
		process.held = nil
		process.mutex.Unlock()
		for _, savepoint := range held {
			process.finishSavepoint(savepoint)
		}
	}
}

func (w *World) holdsSavepoints() bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.savepointsHeld
}

// Ledger is what the JobManagers of all runs did, in order of their starts.
func (w *World) Ledger() flinktest.Ledger {
	var all flinktest.Ledger
	for _, process := range w.Processes("") {
		ledger := process.Ledger()
		all.Starts = append(all.Starts, ledger.Starts...)
		all.Savepoints = append(all.Savepoints, ledger.Savepoints...)
		all.Stops = append(all.Stops, ledger.Stops...)
		all.Cancels = append(all.Cancels, ledger.Cancels...)
		all.Disposals = append(all.Disposals, ledger.Disposals...)
	}
	return all
}

// ExternalSavepoint completes a savepoint past the operator, as Flink's command line does, and returns where it is.
func (p *Process) ExternalSavepoint(directory string) string {
	body := strings.NewReader(`{"target-directory": "` + directory + `", "cancel-job": false}`)
	request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/jobs/"+p.JobID+"/savepoints", body)
	p.JobManager.ServeHTTP(httptest.NewRecorder(), request)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	savepoints := p.JobManager.Ledger().Savepoints
	begun := savepoints[len(savepoints)-1]
	p.begun = len(savepoints)
	p.CompleteOperation(begun.JobID, begun.TriggerID)
	savepoints = p.JobManager.Ledger().Savepoints
	return savepoints[len(savepoints)-1].Location
}
