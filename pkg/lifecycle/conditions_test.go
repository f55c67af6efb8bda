package lifecycle

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

func conditionOf(status v1beta1.FlinkClusterStatus, conditionType string) metav1.Condition {
	if condition := meta.FindStatusCondition(status.Conditions, conditionType); condition != nil {
		return *condition
	}
	return metav1.Condition{}
}

func TestReady(t *testing.T) {
	for name, test := range map[string]struct {
		edits    []clusterEdit
		observed flink.Observation
		leaving  bool
		status   metav1.ConditionStatus
		reason   string
	}{
		"all tasks run":                 {observed: heard(), status: metav1.ConditionTrue, reason: "JobRunning"},
		"some tasks run":                {observed: heard(func(o *flink.Observation) { o.Job.RunningTasks = 1 }), status: metav1.ConditionFalse, reason: "TasksNotRunning"},
		"Flink restarts":                {observed: heard(flinkSays(flink.JobRestarting)), status: metav1.ConditionFalse, reason: "TasksNotRunning"},
		"silent":                        {observed: heard(silent), status: metav1.ConditionUnknown, reason: "JobManagerSilent"},
		"not listed":                    {observed: heard(unlisted(1)), status: metav1.ConditionFalse, reason: "JobNotListed"},
		"nothing heard":                 {observed: flink.Observation{}, status: metav1.ConditionUnknown, reason: "JobManagerSilent"},
		"another job's":                 {observed: heard(func(o *flink.Observation) { o.JobID = "x" }), status: metav1.ConditionUnknown, reason: "JobManagerSilent"},
		"being stopped":                 {edits: []clusterEdit{slot(v1beta1.SavepointStateInProgress, stop)}, observed: heard(), status: metav1.ConditionFalse, reason: "JobStopping"},
		"taking a savepoint":            {edits: []clusterEdit{slot(v1beta1.SavepointStateInProgress)}, observed: heard(), status: metav1.ConditionTrue, reason: "JobRunning"},
		"deploying, with an exception":  {edits: []clusterEdit{run(v1beta1.JobStateDeploying)}, observed: heard(flinkSays(flink.JobRestarting), func(o *flink.Observation) { o.Exceptions = []string{"no slots"} }), status: metav1.ConditionFalse, reason: "JobDeploying"},
		"deploying, heard":              {edits: []clusterEdit{run(v1beta1.JobStateDeploying)}, observed: heard(flinkSays(flink.JobCreated)), status: metav1.ConditionFalse, reason: "JobDeploying"},
		"the JobManager's node is gone": {observed: heard(silent), leaving: true, status: metav1.ConditionUnknown, reason: "JobManagerLeaving"},
		"deploying":                     {edits: []clusterEdit{run(v1beta1.JobStateDeploying)}, status: metav1.ConditionFalse, reason: "JobDeploying"},
		"failed":                        {edits: []clusterEdit{run(v1beta1.JobStateFailed), limit(0)}, status: metav1.ConditionFalse, reason: "JobFailed"},
		"finished":                      {edits: []clusterEdit{run(v1beta1.JobStateSucceeded)}, status: metav1.ConditionFalse, reason: "JobSucceeded"},
		"a strange job state":           {observed: heard(flinkSays(flink.JobStatus(strings.Repeat("x", 1000)))), status: metav1.ConditionFalse, reason: "TasksNotRunning"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(append([]clusterEdit{run(v1beta1.JobStateRunning)}, test.edits...)...)
			children := up(1, jobManagerPod(func(pod *Pod) { pod.Deleting = test.leaving }))
			ready := conditionOf(decideCluster(cluster, children, test.observed).Status, v1beta1.ConditionReady)
			require.Equal(t, test.status, ready.Status)
			require.Equal(t, test.reason, ready.Reason)
			require.EqualValues(t, 1, ready.ObservedGeneration)
			require.Less(t, len(ready.Message), 200)
		})
	}
}

func TestDegraded(t *testing.T) {
	restored := func(path string) func(*flink.Observation) {
		return func(o *flink.Observation) { o.Checkpoints.Restored = &flink.Snapshot{ID: 3, Location: path} }
	}
	from := func(path string) clusterEdit {
		return run(v1beta1.JobStateRunning, func(job *v1beta1.JobStatus) { job.FromSavepoint = path })
	}
	for name, test := range map[string]struct {
		edits    []clusterEdit
		children Children
		observed flink.Observation
		reason   string
	}{
		"all well":                  {children: up(1), observed: heard(), reason: reasonAsExpected},
		"a foreign object":          {children: up(1, func(c *Children) { c.Foreign = []string{"Service/counter-jobmanager"} }), observed: heard(), reason: "NameCollision"},
		"restored as asked":         {edits: []clusterEdit{from(otherPath)}, children: up(1), observed: heard(restored(otherPath)), reason: reasonAsExpected},
		"restored, spelt otherwise": {edits: []clusterEdit{from("/sp/savepoint-1/")}, children: up(1), observed: heard(restored("file:/sp/savepoint-1")), reason: reasonAsExpected},
		"restored something else":   {edits: []clusterEdit{from(otherPath)}, children: up(1), observed: heard(restored(savepointPath(9, 1))), reason: reasonRestoreMismatch},
		"restored nothing":          {edits: []clusterEdit{from(otherPath)}, children: up(1), observed: heard(), reason: reasonRestoreMismatch},
		"restored though not asked": {children: up(1), observed: heard(restored(otherPath)), reason: reasonRestoreMismatch},
		"a failover inside the run": {edits: []clusterEdit{from(otherPath)}, children: up(1), observed: heard(restored(checkpointPath(1, 5))), reason: reasonAsExpected},
		"a failover to a savepoint": {edits: []clusterEdit{history(record(1, 4, 0))}, children: up(1), observed: heard(restored(savepointPath(1, 4))), reason: reasonAsExpected},
		"a failover to a fresh one": {children: up(1), observed: heard(savepointsSeen(savepoint(1, 4)), restored(savepointPath(1, 4))), reason: reasonAsExpected},
		"an older run's savepoint":  {edits: []clusterEdit{history(record(9, 4, 0))}, children: up(1), observed: heard(restored(savepointPath(9, 4))), reason: reasonRestoreMismatch},
		"an object is refused":      {children: up(1, func(c *Children) { c.Refused = []string{"StatefulSet: quota exceeded"} }), observed: heard(), reason: "ObjectRefused"},
		"from older state": {edits: []clusterEdit{run(v1beta1.JobStateRunning, func(job *v1beta1.JobStatus) {
			job.FromSavepoint, job.MissingSnapshots, job.StartTime = otherPath, []string{checkpointPath(1, 5)}, at(0)
		})}, children: up(1), observed: heard(restored(otherPath)), reason: "RestoredOlderState"},
		"two failures in a row":      {edits: []clusterEdit{run(v1beta1.JobStateRunning, failures(2))}, children: up(1), observed: heard(), reason: reasonAsExpected},
		"three failures in a row":    {edits: []clusterEdit{run(v1beta1.JobStateRunning, failures(3), func(job *v1beta1.JobStatus) { job.StartTime = at(0) })}, children: up(1), observed: heard(), reason: "CrashLoop"},
		"three, and then a good run": {edits: []clusterEdit{run(v1beta1.JobStateRunning, failures(3))}, children: up(1), observed: heard(), reason: reasonAsExpected},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(append([]clusterEdit{run(v1beta1.JobStateRunning)}, test.edits...)...)
			degraded := conditionOf(decideCluster(cluster, test.children, test.observed).Status, v1beta1.ConditionDegraded)
			require.Equal(t, test.reason, degraded.Reason)
			require.Equal(t, test.reason != reasonAsExpected, degraded.Status == metav1.ConditionTrue)
		})
	}
}

func TestProgressing(t *testing.T) {
	waiting := func(c *Children) {
		c.Pods[1].Waiting, c.Pods[1].Ready = "taskmanager: ErrImagePull: no such image", false
		c.Pods = append(c.Pods, Pod{Name: "tm-old", Attempt: 9})
	}
	cluster := newCluster(run(v1beta1.JobStateDeploying))
	progressing := conditionOf(decideCluster(cluster, up(1, waiting), flink.Observation{}).Status, v1beta1.ConditionProgressing)
	require.Equal(t, metav1.ConditionTrue, progressing.Status)
	require.Equal(t, "pod tm-0 waits: taskmanager: ErrImagePull: no such image; pod tm-old of the run before has to go", progressing.Message)

	settled := conditionOf(decideCluster(newCluster(run(v1beta1.JobStateRunning)), up(1), heard()).Status, v1beta1.ConditionProgressing)
	require.Equal(t, metav1.ConditionFalse, settled.Status)

	many := up(1, func(c *Children) {
		for i := range c.Pods {
			c.Pods[i].Waiting = "Unschedulable: " + strings.Repeat("x", 2000)
		}
	})
	progressing = conditionOf(decideCluster(cluster, many, flink.Observation{}).Status, v1beta1.ConditionProgressing)
	require.LessOrEqual(t, len(progressing.Message), 2*maxReasonLength)
}

func TestSpecValid(t *testing.T) {
	for name, test := range map[string]struct {
		revision string
		problem  *SpecProblem
		warnings []string
		reason   string
		message  string
	}{
		"valid":             {"counter-1", nil, nil, ReasonSpecValid, ""},
		"warnings":          {"counter-1", nil, []string{"a", "b"}, ReasonSpecValid, "a; b"},
		"invalid, running":  {"counter-1", &SpecProblem{"spec.job"}, nil, ReasonSpecInvalid, "spec.job"},
		"invalid from bgn.": {"", &SpecProblem{"spec.job"}, nil, ReasonSpecInvalid, "spec.job"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster()
			cluster.Generation = 7
			decision := DecideCluster(ClusterInput{Cluster: cluster, Revision: test.revision, Problem: test.problem, Warnings: test.warnings, Now: start})
			valid := conditionOf(decision.Status, v1beta1.ConditionSpecValid)
			require.Equal(t, test.reason, valid.Reason)
			require.Equal(t, test.message, valid.Message)
			require.Equal(t, test.problem == nil, valid.Status == metav1.ConditionTrue)
			require.EqualValues(t, 7, decision.Status.ObservedGeneration)
			require.Equal(t, test.revision == "", decision.Status.Components.Job == nil, "nothing is started before the spec is valid")
			if test.revision == "" {
				require.Equal(t, Plan{}, decision.Plan)
				require.Equal(t, "SpecInvalid", conditionOf(decision.Status, v1beta1.ConditionReady).Reason)
			}
		})
	}
}

func TestSavepointHealthy(t *testing.T) {
	recorded := func(c *v1beta1.FlinkCluster) {
		c.Status.Conditions = []metav1.Condition{{Type: v1beta1.ConditionSavepointHealthy, Status: metav1.ConditionFalse, Reason: "SavepointFailed"}}
	}
	for name, test := range map[string]struct {
		edits  []clusterEdit
		reason string
	}{
		"none yet":                       {nil, reasonAsExpected},
		"the first is under way":         {[]clusterEdit{slot(v1beta1.SavepointStateInProgress)}, reasonAsExpected},
		"one is under way after failure": {[]clusterEdit{recorded, slot(v1beta1.SavepointStateInProgress)}, "SavepointFailed"},
		"failed":                         {[]clusterEdit{slot(v1beta1.SavepointStateFailed)}, "SavepointFailed"},
		"succeeded":                      {[]clusterEdit{recorded, slot(v1beta1.SavepointStateSucceeded)}, "SavepointSucceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(append([]clusterEdit{run(v1beta1.JobStateRunning)}, test.edits...)...)
			status := decideSavepoint(cluster, heard(), 0).Status
			require.Equal(t, test.reason, conditionOf(status, v1beta1.ConditionSavepointHealthy).Reason)
		})
	}
}

func TestTransitionTime(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateRunning))
	cluster.Status = stored(t, decideCluster(cluster, up(1), heard()).Status)
	later := decideClusterAt(cluster, up(1), heard(), start.Add(time.Hour))
	require.Equal(t, cluster.Status, later.Status, "an unchanged condition is no change")
	flipped := decideClusterAt(cluster, up(1), heard(silent), start.Add(time.Hour))
	ready := conditionOf(flipped.Status, v1beta1.ConditionReady)
	require.True(t, at(time.Hour).Equal(&ready.LastTransitionTime))
}

// TestOperatorJustStarted: a settled cluster is not changed by an operator that has not heard of Flink yet.
func TestOperatorJustStarted(t *testing.T) {
	ended := func(state v1beta1.JobState) clusterEdit {
		return run(state, func(job *v1beta1.JobStatus) { job.LastCheckpoint = checkpointStatus(1, 5, time.Minute) })
	}
	for name, test := range map[string]struct {
		cluster  *v1beta1.FlinkCluster
		children Children
		observed flink.Observation
	}{
		"running":                 {newCluster(run(v1beta1.JobStateRunning)), up(1), heard()},
		"running with a mismatch": {newCluster(run(v1beta1.JobStateRunning, func(job *v1beta1.JobStatus) { job.FromSavepoint = otherPath })), up(1), heard()},
		"running after failures":  {newCluster(run(v1beta1.JobStateRunning, failures(5), func(job *v1beta1.JobStatus) { job.StartTime = at(0) })), up(1), heard()},
		"tasks do not run":        {newCluster(run(v1beta1.JobStateRunning)), up(1), heard(flinkSays(flink.JobRestarting))},
		"silent":                  {newCluster(run(v1beta1.JobStateRunning)), up(1), heard(silent)},
		"deploying":               {newCluster(run(v1beta1.JobStateDeploying)), up(1), heard(flinkSays(flink.JobInitializing))},
		"a savepoint runs":        {newCluster(run(v1beta1.JobStateRunning), slot(v1beta1.SavepointStateInProgress)), up(1), heard(operation(flink.OperationInProgress))},
		"a savepoint failed":      {newCluster(run(v1beta1.JobStateRunning), slot(v1beta1.SavepointStateFailed)), up(1), heard()},
		"a stop runs":             {newCluster(run(v1beta1.JobStateRunning), slot(v1beta1.SavepointStateInProgress, stop), cancelRequested), up(1), heard(operation(flink.OperationInProgress))},
		"finished":                {newCluster(ended(v1beta1.JobStateSucceeded)), Children{}, heard(flinkSays(flink.JobFinished))},
		"cancelled":               {newCluster(ended(v1beta1.JobStateCancelled)), Children{}, heard(flinkSays(flink.JobCanceled))},
		"failed":                  {newCluster(ended(v1beta1.JobStateFailed), limit(0)), up(1), heard(flinkSays(flink.JobFailed))},
		"lost":                    {newCluster(ended(v1beta1.JobStateLost), policy(v1beta1.RestartPolicyNever)), up(1, podEnded(137, "OOMKilled")), heard(silent)},
		"session":                 {newCluster(func(c *v1beta1.FlinkCluster) { c.Spec.Job = nil }), up(0), flink.Observation{Reachable: true, AnsweredAt: start, Version: "2.1.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := test.cluster
			settle(t, cluster, test.children, test.observed)
			cluster.Status = stored(t, decideSavepoint(cluster, test.observed, 0).Status)
			require.Equal(t, cluster.Status, decideSavepoint(cluster, test.observed, 0).Status)

			decision := decideClusterAt(cluster, test.children, flink.Observation{}, start.Add(time.Second))
			require.Equal(t, cluster.Status, decision.Status)
			require.Empty(t, decision.Effects)
			require.Equal(t, cluster.Status, decideSavepoint(cluster, flink.Observation{}, time.Second).Status)
			require.Equal(t, cluster.Status, decideControl(cluster, flink.Observation{}).Status)
		})
	}
}
