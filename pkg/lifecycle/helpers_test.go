package lifecycle

import (
	"cmp"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

const (
	testUID   = types.UID("0a1b2c3d")
	testDir   = "s3://bucket/savepoints"
	otherPath = "s3://bucket/elsewhere/savepoint-999999-000000000000"
)

// start is the present of most tests; it has a part of a second, since the status has none.
var start = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

type clusterEdit func(*v1beta1.FlinkCluster)

// newCluster is a cluster with a job, a savepoint directory and the policy FromLatestStateOnFailure.
func newCluster(edits ...clusterEdit) *v1beta1.FlinkCluster {
	cluster := &v1beta1.FlinkCluster{
		ObjectMeta: metav1.ObjectMeta{Name: "counter", Namespace: "flink", UID: testUID, Generation: 1, Annotations: map[string]string{}},
		Spec: v1beta1.FlinkClusterSpec{
			Image: v1beta1.ImageSpec{Name: "flink:2.1"},
			Job:   &v1beta1.JobSpec{SavepointsDir: testDir, RestartPolicy: v1beta1.RestartPolicyFromLatestStateOnFailure},
		},
	}
	v1beta1.SetDefaults(cluster)
	for _, edit := range edits {
		edit(cluster)
	}
	v1beta1.SetDefaults(cluster)
	return cluster
}

func spec(edit func(*v1beta1.JobSpec)) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) { edit(cluster.Spec.Job) }
}

func policy(policy v1beta1.RestartPolicy) clusterEdit {
	return spec(func(job *v1beta1.JobSpec) { job.RestartPolicy = policy })
}

func noDirectory(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.SavepointsDir = "" }

func cancelRequested(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.CancelRequested = true }

func suspended(cluster *v1beta1.FlinkCluster) {
	cluster.Spec.Job.State = v1beta1.DesiredJobStateSuspended
}

func annotated(value string) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) { cluster.Annotations[v1beta1.ControlAnnotation] = value }
}

func handled(number string) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) { cluster.Annotations[v1beta1.ControlHandledAnnotation] = number }
}

// run records the first run of the job in a state, as the decisions would have left it an hour after it began.
func run(state v1beta1.JobState, edits ...func(*v1beta1.JobStatus)) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) {
		job := &v1beta1.JobStatus{State: state, Attempt: 1, ID: JobID(testUID, 1), Name: "count"}
		switch state {
		case v1beta1.JobStatePending:
			job = &v1beta1.JobStatus{State: state}
		case v1beta1.JobStateDeploying:
		default:
			job.StartTime = at(-time.Hour)
		}
		switch state {
		case v1beta1.JobStateFailed, v1beta1.JobStateLost, v1beta1.JobStateRestarting:
			job.CompletionTime, job.ConsecutiveFailures = at(0), 1
			job.FailureReasons = []string{"it broke"}
		case v1beta1.JobStateSucceeded, v1beta1.JobStateCancelled:
			job.CompletionTime = at(0)
		default:
		}
		for _, edit := range edits {
			edit(job)
		}
		cluster.Status.Components.Job = job
		if job.Attempt > 0 {
			cluster.Status.Components.JobManager = &v1beta1.WorkloadStatus{
				Name: "counter-jobmanager", State: v1beta1.ComponentStateReady, Replicas: 1, ReadyReplicas: 1, Ready: "1/1",
			}
		}
	}
}

func slot(state v1beta1.SavepointState, edits ...func(*v1beta1.SavepointStatus)) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) {
		savepoint := &v1beta1.SavepointStatus{
			JobID: JobID(testUID, 1), TriggerID: TriggerID(testUID, 1), TriggerReason: v1beta1.SavepointReasonUserRequested,
			RequestTime: at(0), State: state, Request: 1, Directory: testDir, NewestCheckpointID: 5,
		}
		if state != v1beta1.SavepointStateRequested {
			savepoint.TriggerTime = at(0)
		}
		if !SavepointBusy(savepoint) {
			savepoint.CompletionTime = at(0)
		}
		if state == v1beta1.SavepointStateFailed {
			savepoint.ConsecutiveFailures, savepoint.Message = 1, "it broke"
		}
		for _, edit := range edits {
			edit(savepoint)
		}
		cluster.Status.Savepoint = savepoint
	}
}

func stop(savepoint *v1beta1.SavepointStatus) {
	savepoint.Stop, savepoint.TriggerReason = true, v1beta1.SavepointReasonJobCancel
}

func control(name string, state v1beta1.ControlState, edits ...func(*v1beta1.ControlStatus)) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) {
		cluster.Status.Control = &v1beta1.ControlStatus{
			Name: name, State: state, Request: 1, UpdateTime: at(0),
			Details: map[string]string{v1beta1.ControlDetailJobID: JobID(testUID, 1)},
		}
		for _, edit := range edits {
			edit(cluster.Status.Control)
		}
	}
}

func follows(request int64) func(*v1beta1.ControlStatus) {
	return func(control *v1beta1.ControlStatus) {
		control.Details[v1beta1.ControlDetailSavepointTriggerID] = TriggerID(testUID, request)
	}
}

func history(records ...v1beta1.SavepointRecord) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) { cluster.Status.SavepointHistory = records }
}

func record(attempt int32, id int64, age time.Duration) v1beta1.SavepointRecord {
	return v1beta1.SavepointRecord{
		Location: savepointPath(attempt, id), JobID: JobID(testUID, attempt), CheckpointID: id, Time: *at(-age),
		Reason: v1beta1.SavepointReasonScheduled,
	}
}

func checkpointStatus(attempt int32, id int64, age time.Duration) *v1beta1.CheckpointStatus {
	return &v1beta1.CheckpointStatus{ID: id, Location: checkpointPath(attempt, id), JobID: JobID(testUID, attempt), Time: *at(-age)}
}

func savepointPath(attempt int32, id int64) string {
	return fmt.Sprintf("%s/savepoint-%s-%012d", testDir, JobID(testUID, attempt)[:6], id)
}

func checkpointPath(attempt int32, id int64) string {
	return fmt.Sprintf("s3://bucket/checkpoints/%s/chk-%d", JobID(testUID, attempt), id)
}

// at is a time of the status, so much after the start.
func at(after time.Duration) *metav1.Time {
	return new(metav1.NewTime(start.Add(after).Truncate(time.Second)))
}

// heard is an observation of the first run: all its tasks run, and checkpoint 5 is its newest.
func heard(edits ...func(*flink.Observation)) flink.Observation {
	observed := flink.Observation{
		JobID: JobID(testUID, 1), Attempt: 1, Reachable: true, AnsweredAt: start, Version: "2.1.0",
		Job:         &flink.Job{ID: JobID(testUID, 1), Name: "count", Status: flink.JobRunning, RunningTasks: 2, TotalTasks: 2},
		Checkpoints: &flink.CheckpointStatistics{Completed: checkpoint(1, 5)},
	}
	for _, edit := range edits {
		edit(&observed)
	}
	return observed
}

func checkpoint(attempt int32, id int64) *flink.Snapshot {
	return &flink.Snapshot{ID: id, Location: checkpointPath(attempt, id), TriggerTime: start.Add(-time.Minute + time.Duration(id)*time.Second)}
}

func savepoint(attempt int32, id int64) flink.Snapshot {
	return flink.Snapshot{ID: id, Location: savepointPath(attempt, id), Savepoint: true, TriggerTime: start, CompletionTime: start.Add(time.Second)}
}

func flinkSays(status flink.JobStatus) func(*flink.Observation) {
	return func(observed *flink.Observation) {
		observed.Job.Status = status
		if status.Terminal() {
			observed.Job.EndTime, observed.CheckpointsFinal = start, true
		}
		if status != flink.JobRunning {
			observed.Job.RunningTasks = 0
		}
	}
}

func silent(observed *flink.Observation) { observed.Reachable = false }

func unlisted(times int) func(*flink.Observation) {
	return func(observed *flink.Observation) { observed.Job, observed.MissingAnswers = nil, times }
}

func operation(state flink.OperationState, edits ...func(*flink.Operation)) func(*flink.Observation) {
	return func(observed *flink.Observation) {
		observed.Operation = &flink.Operation{JobID: observed.JobID, TriggerID: TriggerID(testUID, 1), State: state}
		switch state {
		case flink.OperationSucceeded:
			observed.Operation.Location = savepointPath(1, 6)
		case flink.OperationFailed:
			observed.Operation.Cause = "CheckpointException: Not all required tasks are currently running."
		case flink.OperationInProgress, flink.OperationNotFound:
		}
		for _, edit := range edits {
			edit(observed.Operation)
		}
	}
}

func effect(outcome flink.Outcome) func(*flink.Observation) {
	return func(observed *flink.Observation) {
		observed.Effects = map[string]flink.EffectResult{TriggerID(testUID, 1): {Outcome: outcome, Message: "said Flink"}}
	}
}

func savepointsSeen(savepoints ...flink.Snapshot) func(*flink.Observation) {
	return func(observed *flink.Observation) { observed.Checkpoints.History = savepoints }
}

// up are the children of a run with all pods ready.
func up(attempt int32, edits ...func(*Children)) Children {
	children := Children{
		ConfigMap: Object{Exists: true}, Service: Object{Exists: true},
		JobManager:  Workload{Object: Object{Exists: true}, Attempt: attempt, Replicas: 1},
		TaskManager: Workload{Object: Object{Exists: true}, Attempt: attempt, Replicas: 3},
		Pods:        []Pod{{Name: "jm", Component: v1beta1.ComponentJobManager, Attempt: attempt, Ready: true}},
	}
	for i := range 3 {
		children.Pods = append(children.Pods, Pod{Name: fmt.Sprintf("tm-%d", i), Component: v1beta1.ComponentTaskManager, Attempt: attempt, Ready: true})
	}
	for _, edit := range edits {
		edit(&children)
	}
	return children
}

func jobManagerPod(edit func(*Pod)) func(*Children) {
	return func(children *Children) { edit(&children.Pods[0]) }
}

func podEnded(exitCode int32, reason string) func(*Children) {
	return jobManagerPod(func(pod *Pod) {
		pod.Ready, pod.Terminated, pod.ExitCode, pod.Reason = false, true, new(exitCode), reason
	})
}

// jobManagerDeleted: the Job and its pod are gone.
func jobManagerDeleted(children *Children) {
	children.JobManager = Workload{}
	children.Pods = children.Pods[1:]
}

func decideCluster(cluster *v1beta1.FlinkCluster, children Children, observed flink.Observation) ClusterDecision {
	return decideClusterAt(cluster, children, observed, start)
}

// decideClusterAt decides from children that are confirmed.
func decideClusterAt(cluster *v1beta1.FlinkCluster, children Children, observed flink.Observation, now time.Time) ClusterDecision {
	children.Confirmed = true
	revision := cmp.Or(cluster.Status.Revision.Current, "counter-1")
	return DecideCluster(ClusterInput{Cluster: cluster, Revision: revision, Children: children, Observation: observed, Now: now})
}

func decideSavepoint(cluster *v1beta1.FlinkCluster, observed flink.Observation, after time.Duration) SavepointDecision {
	return DecideSavepoint(SavepointInput{Cluster: cluster, Observation: observed, Now: start.Add(after)})
}

func decideControl(cluster *v1beta1.FlinkCluster, observed flink.Observation) ControlDecision {
	return DecideControl(ControlInput{Cluster: cluster, Observation: observed, Now: start})
}

// stored is a status after a trip through the API server.
func stored(t testing.TB, status v1beta1.FlinkClusterStatus) v1beta1.FlinkClusterStatus {
	t.Helper()
	data, err := json.Marshal(status)
	require.NoError(t, err)
	var result v1beta1.FlinkClusterStatus
	require.NoError(t, json.Unmarshal(data, &result))
	return result
}

// settle repeats passes of the cluster loop until the status stands still, and returns the last decision.
func settle(t *testing.T, cluster *v1beta1.FlinkCluster, children Children, observed flink.Observation) ClusterDecision {
	t.Helper()
	for range 10 {
		decision := decideCluster(cluster, children, observed)
		if apiequality.Semantic.DeepEqual(cluster.Status, decision.Status) {
			return decision
		}
		cluster.Status = stored(t, decision.Status)
	}
	require.Fail(t, "the status does not stand still")
	return ClusterDecision{}
}

func jobOf(cluster *v1beta1.FlinkCluster) *v1beta1.JobStatus { return cluster.Status.Components.Job }

func equalStatus(a, b v1beta1.FlinkClusterStatus) bool { return apiequality.Semantic.DeepEqual(a, b) }
