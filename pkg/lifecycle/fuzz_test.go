package lifecycle

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// choices turns bytes into decisions; when they are used up, every choice is the first.
type choices struct {
	bytes []byte
}

func (c *choices) below(limit int) int {
	if len(c.bytes) == 0 {
		return 0
	}
	choice := int(c.bytes[0]) % limit
	c.bytes = c.bytes[1:]
	return choice
}

func (c *choices) yes() bool { return c.below(2) == 1 }

func pick[T any](c *choices, values ...T) T { return values[c.below(len(values))] }

func maybe[T any](c *choices, values ...T) *T {
	if choice := c.below(len(values) + 1); choice > 0 {
		return new(values[choice-1])
	}
	return nil
}

var moments = []time.Duration{0, -time.Second, -time.Minute, -time.Hour, 5 * time.Minute}

// cluster is any possible cluster: its status is one that the decisions could have left.
func (c *choices) cluster() *v1beta1.FlinkCluster {
	cluster := newCluster()
	if c.below(16) == 15 {
		cluster.Spec.Job = nil
		return cluster
	}
	spec, path := cluster.Spec.Job, func() string { return pick(c, "", otherPath, savepointPath(1, 3), checkpointPath(1, 5)) }
	spec.RestartPolicy = pick(c, v1beta1.RestartPolicyFromLatestStateOnFailure, v1beta1.RestartPolicyNever, v1beta1.RestartPolicyFromSavepointOnFailure)
	spec.CancelRequested = c.below(4) == 3
	spec.SavepointsDir = pick(c, testDir, "")
	spec.FromSavepoint = path()
	spec.AutoSavepointSeconds = maybe(c, int32(1), int32(600))
	spec.MaxStateAgeToRestoreSeconds = maybe(c, int32(0), int32(600))
	spec.SavepointGeneration = int32(c.below(3))
	spec.SavepointTriggerNonce = maybe(c, int64(0), int64(1))
	spec.RestartBackoff.Limit = maybe(c, int32(0), int32(2))
	spec.CleanupPolicy.AfterJobFails = pick(c, v1beta1.CleanupActionKeepCluster, v1beta1.CleanupActionDeleteCluster, v1beta1.CleanupActionDeleteTaskManager)
	c.job(cluster, path)
	c.savepoints(cluster)
	c.control(cluster)
	cluster.Status.FlinkVersion = pick(c, "", "1.14.6", "2.1.0")
	cluster.Status.LastUpdateTime = maybe(c, *at(0), *at(-time.Minute))
	return cluster
}

// rollback says whether upgrades are taken back, and how far one has come. It is chosen last: so the choices before it keep
// their meaning.
func (c *choices) rollback(cluster *v1beta1.FlinkCluster) {
	cluster.Spec.Rollback.Enabled = c.yes()
	failed := v1beta1.RevisionStatus{Current: "counter-1", Stable: "counter-0", Failed: "counter-1", FailureReason: "it broke"}
	taken := failed
	taken.Current = taken.Stable
	cluster.Status.Revision = pick(c, v1beta1.RevisionStatus{}, v1beta1.RevisionStatus{Current: "counter-1", Stable: "counter-0"}, failed, taken)
	if job := jobOf(cluster); job != nil && c.yes() {
		job.DeployTime = c.moment()
	}
}

func (c *choices) moment() *metav1.Time { return at(pick(c, moments...)) }

func (c *choices) job(cluster *v1beta1.FlinkCluster, path func() string) {
	state := pick(c, "", v1beta1.JobStatePending, v1beta1.JobStateDeploying, v1beta1.JobStateRunning, v1beta1.JobStateRestarting,
		v1beta1.JobStateSucceeded, v1beta1.JobStateFailed, v1beta1.JobStateCancelled, v1beta1.JobStateLost)
	if state == "" {
		return
	}
	run(state, func(job *v1beta1.JobStatus) {
		if state == v1beta1.JobStatePending {
			return
		}
		job.Attempt = int32(1 + c.below(2))
		job.ID = JobID(testUID, job.Attempt)
		job.FromSavepoint, job.ObservedFromSavepoint = path(), path()
		job.ConsecutiveFailures = int32(c.below(5))
		job.ObservedSavepointGeneration = int32(c.below(3))
		job.ObservedSavepointTriggerNonce = maybe(c, int64(0), int64(1))
		if c.yes() {
			job.LastCheckpoint = checkpointStatus(int32(1+c.below(2)), int64(5+c.below(3)), -pick(c, moments...))
		}
		if c.yes() {
			job.MissingSnapshots = []string{path()}
		}
		if state == v1beta1.JobStateRunning {
			job.StartTime = c.moment()
		}
		if job.CompletionTime != nil {
			job.CompletionTime = c.moment()
		}
		switch state {
		case v1beta1.JobStateCancelled:
			job.CancelledBy = pick(c, v1beta1.CancelledBySpec, v1beta1.CancelledByControl, v1beta1.CancelledByOther)
		case v1beta1.JobStateRestarting, v1beta1.JobStateFailed:
			job.CancelledBy = pick(c, "", v1beta1.CancelledBySpec)
			job.NextStartTime = maybe(c, *c.moment())
		default:
		}
	})(cluster)
	if c.yes() {
		cluster.Status.Components.JobManager = nil
	}
}

func (c *choices) savepoints(cluster *v1beta1.FlinkCluster) {
	for range c.below(3) {
		cluster.Status.SavepointHistory = append(cluster.Status.SavepointHistory, record(int32(1+c.below(2)), int64(3*c.below(3)), -pick(c, moments...)))
	}
	state := pick(c, "", v1beta1.SavepointStateRequested, v1beta1.SavepointStateInProgress, v1beta1.SavepointStateSucceeded, v1beta1.SavepointStateFailed)
	if state == "" || jobOf(cluster) == nil || jobOf(cluster).ID == "" {
		return
	}
	slot(state, func(s *v1beta1.SavepointStatus) {
		s.JobID = JobID(testUID, int32(1+c.below(2)))
		if c.yes() {
			stop(s)
		}
		s.RequestTime = c.moment()
		if s.CompletionTime != nil {
			s.CompletionTime = c.moment()
		}
		if state == v1beta1.SavepointStateSucceeded {
			s.Location = savepointPath(1, 6)
		}
		s.Directory = pick(c, testDir, "")
	})(cluster)
}

func (c *choices) control(cluster *v1beta1.FlinkCluster) {
	name := pick(c, "", v1beta1.ControlSavepoint, v1beta1.ControlJobCancel, v1beta1.ControlJobCancelWithoutSavepoint, "job-explode")
	if value := pick(c, "", v1beta1.ControlSavepoint, v1beta1.ControlJobCancel, v1beta1.ControlJobCancelWithoutSavepoint, "job-explode"); value != "" {
		annotated(value)(cluster)
	}
	handled(pick(c, "", "0", "1", "2", "x"))(cluster)
	if name != "" {
		control(name, pick(c, v1beta1.ControlStateRequested, v1beta1.ControlStateInProgress, v1beta1.ControlStateSucceeded, v1beta1.ControlStateFailed), func(control *v1beta1.ControlStatus) {
			if c.yes() {
				follows(1)(control)
			}
		})(cluster)
	}
}

func (c *choices) observation() flink.Observation {
	if c.below(8) == 7 {
		return flink.Observation{}
	}
	attempt := int32(1 + c.below(2))
	observed := heard(func(o *flink.Observation) { o.JobID, o.Job.ID = JobID(testUID, attempt), JobID(testUID, attempt) })
	observed.Version = pick(c, "2.1.0", "", "1.14.6")
	switch c.below(3) {
	case 1:
		silent(&observed)
	case 2:
		unlisted(1 + c.below(2))(&observed)
	}
	if observed.Job != nil {
		flinkSays(pick(c, flink.JobRunning, flink.JobInitializing, flink.JobRestarting, flink.JobFailed, flink.JobFinished, flink.JobCanceled, "DREAMING"))(&observed)
		observed.CheckpointsFinal = c.yes()
	}
	switch c.below(3) {
	case 1:
		observed.Checkpoints = nil
	case 2:
		observed.Checkpoints.Completed.ID = int64(c.below(9))
		for range c.below(4) {
			observed.Checkpoints.History = append(observed.Checkpoints.History, pick(c, savepoint(attempt, int64(c.below(9))), *checkpoint(attempt, int64(c.below(9)))))
		}
		observed.Checkpoints.Restored = maybe(c, *checkpoint(1, 5), flink.Snapshot{Location: otherPath})
	}
	if state := pick(c, "", flink.OperationInProgress, flink.OperationSucceeded, flink.OperationFailed, flink.OperationNotFound); state != "" {
		operation(state)(&observed)
	}
	if outcome := pick(c, "", flink.OutcomePending, flink.OutcomeAccepted, flink.OutcomeRefused, flink.OutcomeUnknown); outcome != "" {
		effect(outcome)(&observed)
	}
	return observed
}

func (c *choices) children() Children {
	if c.below(4) == 3 {
		return Children{}
	}
	children := up(int32(1 + c.below(2)))
	for _, workload := range []*Workload{&children.JobManager, &children.TaskManager} {
		switch c.below(4) {
		case 1:
			*workload = Workload{}
		case 2:
			workload.Deleting = true
		case 3:
			workload.Ended = true
		}
	}
	children.Pods = children.Pods[:c.below(len(children.Pods)+1)]
	for i := range children.Pods {
		pod := &children.Pods[i]
		pod.Deleting, pod.Terminated, pod.ExitCode = c.yes(), c.yes(), maybe(c, int32(0), int32(1), int32(2), int32(143))
		pod.Message = pick(c, "", "java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory", "Caused by: x")
	}
	return children
}

func seedChoices(f *testing.F) {
	f.Add([]byte{})
	for seed := range 400 {
		data := make([]byte, 96)
		state := uint32(seed + 1)
		for i := range data {
			state = state*1664525 + 1013904223
			data[i] = byte(state >> 24)
		}
		f.Add(data)
	}
}

// FuzzDecideCluster: from any possible status, whatever is seen, the cluster loop comes to rest on a possible status.
func FuzzDecideCluster(f *testing.F) {
	seedChoices(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &choices{bytes: data}
		cluster, children, observed := c.cluster(), c.children(), c.observation()
		c.rollback(cluster)
		if invalidity(&cluster.Status) != "" {
			t.Skip()
		}
		for range 12 {
			decision := decideCluster(cluster, children, observed)
			require.Empty(t, invalidity(&decision.Status))
			require.GreaterOrEqual(t, decision.RequeueAfter, time.Duration(0))
			require.NotEmpty(t, decision.Status.Lifecycle)
			require.NotEmpty(t, decision.Status.State)
			if equalStatus(cluster.Status, decision.Status) {
				checkPlan(t, cluster, children, decision)
				return
			}
			cluster.Status = stored(t, decision.Status)
		}
		t.Fatal("does not come to rest")
	})
}

func checkPlan(t *testing.T, cluster *v1beta1.FlinkCluster, children Children, decision ClusterDecision) {
	job := cluster.Status.Components.Job
	for _, effect := range decision.Effects {
		require.Equal(t, flink.Effect{Kind: flink.CancelJob, JobID: job.ID}, effect)
	}
	if job == nil {
		return
	}
	if decision.Plan.JobManager == Apply {
		require.Equal(t, Children{}.JobManager, children.JobManager)
		require.Empty(t, children.live(func(pod Pod) bool { return pod.Component == v1beta1.ComponentJobManager || pod.Attempt != job.Attempt }))
	}
	if jobActive(job) && !children.JobManager.Deleting && children.JobManager.Attempt == job.Attempt {
		require.NotEqual(t, Delete, decision.Plan.JobManager, "a run that goes on keeps its JobManager")
	}
}

// FuzzLoops: the three loops come to rest together, on a possible status, and never count a savepoint twice.
func FuzzLoops(f *testing.F) {
	seedChoices(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &choices{bytes: data}
		cluster, children, observed := c.cluster(), c.children(), c.observation()
		if invalidity(&cluster.Status) != "" {
			t.Skip()
		}
		now := start.Add(-pick(c, moments...))
		for range 30 {
			before := fmt.Sprint(cluster.Annotations)
			rest := true
			store := func(status v1beta1.FlinkClusterStatus) {
				require.Empty(t, invalidity(&status))
				if !equalStatus(cluster.Status, status) {
					rest = false
					cluster.Status = stored(t, status)
				}
			}
			store(decideClusterAt(cluster, children, observed, now).Status)
			generation := int32(0)
			if job := jobOf(cluster); job != nil {
				generation = job.SavepointGeneration
			}
			savepoint := DecideSavepoint(SavepointInput{Cluster: cluster, Observation: observed, Now: now})
			require.GreaterOrEqual(t, savepoint.RequeueAfter, time.Duration(0))
			if job := savepoint.Status.Components.Job; job != nil {
				require.LessOrEqual(t, job.SavepointGeneration-generation, int32(1))
			}
			if effect := savepoint.Effect; effect != nil {
				require.Equal(t, cluster.Status.Savepoint.TriggerID, effect.TriggerID, "sent as it is recorded")
				require.Equal(t, cluster.Status.Savepoint.JobID, effect.JobID)
			}
			store(savepoint.Status)
			decision := DecideControl(ControlInput{Cluster: cluster, Observation: observed, Now: now})
			store(decision.Status)
			for key, value := range decision.Annotations {
				if delete(cluster.Annotations, key); value != nil {
					cluster.Annotations[key] = *value
				}
			}
			if rest && before == fmt.Sprint(cluster.Annotations) {
				return
			}
		}
		t.Fatal("the loops do not come to rest")
	})
}

// FuzzDecideSavepoint: from any possible status, whatever is heard, the slot ends up in a possible one.
func FuzzDecideSavepoint(f *testing.F) {
	seedChoices(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &choices{bytes: data}
		cluster, observed := c.cluster(), c.observation()
		if invalidity(&cluster.Status) != "" {
			t.Skip()
		}
		after := -pick(c, moments...)
		for range 6 {
			decision := decideSavepoint(cluster, observed, after)
			require.Empty(t, invalidity(&decision.Status))
			if equalStatus(cluster.Status, decision.Status) {
				return
			}
			cluster.Status = stored(t, decision.Status)
		}
		t.Fatal("does not come to rest")
	})
}

// FuzzDecideControl: whatever users write into the annotations, the request is recorded, ends, and is removed.
func FuzzDecideControl(f *testing.F) {
	for _, value := range append(v1beta1.ControlValues(), "", "job-explode", "\xff", "savepoint ", "a\x00b") {
		for _, number := range []string{"", "1", "-1", "x", "9223372036854775807", "99999999999999999999"} {
			f.Add(value, number, uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, value, number string, state uint8) {
		states := []v1beta1.JobState{v1beta1.JobStatePending, v1beta1.JobStateDeploying, v1beta1.JobStateRestarting, v1beta1.JobStateRunning, v1beta1.JobStateFailed, v1beta1.JobStateCancelled}
		cluster := newCluster(run(states[int(state)%len(states)], func(job *v1beta1.JobStatus) {
			if job.State == v1beta1.JobStateCancelled {
				job.CancelledBy = v1beta1.CancelledByOther
			}
		}), annotated(value), handled(number))
		for range 8 {
			decision := decideControl(cluster, heard())
			require.Empty(t, invalidity(&decision.Status))
			require.LessOrEqual(t, len(decision.Status.Control.Name), maxControlNameLength)
			require.LessOrEqual(t, len(decision.Status.Control.Message), maxReasonLength)
			if !equalStatus(cluster.Status, decision.Status) {
				cluster.Status = stored(t, decision.Status)
			}
			if decision.Annotations != nil {
				require.Nil(t, decision.Annotations[v1beta1.ControlAnnotation])
				delete(cluster.Annotations, v1beta1.ControlAnnotation)
				handled(*decision.Annotations[v1beta1.ControlHandledAnnotation])(cluster)
				require.Equal(t, cluster.Status.Control.Request, handledRequest(cluster))
				require.Nil(t, decideControl(cluster, heard()).Annotations, "removed once")
				return
			}
			if slot := cluster.Status.Savepoint; SavepointBusy(slot) {
				observed := heard(operation(flink.OperationSucceeded, func(o *flink.Operation) { o.TriggerID = slot.TriggerID }))
				cluster.Status = stored(t, decideSavepoint(cluster, observed, 0).Status)
				jobOf(cluster).State, jobOf(cluster).CancelledBy, jobOf(cluster).CompletionTime = v1beta1.JobStateCancelled, v1beta1.CancelledByControl, at(0)
			} else if control := cluster.Status.Control; control.Name == v1beta1.ControlJobRestart && !controlFinished(control) {
				run(v1beta1.JobStateRunning, func(job *v1beta1.JobStatus) { job.Attempt, job.ID = 2, JobID(testUID, 2) })(cluster)
			} else if !controlFinished(control) {
				jobOf(cluster).State, jobOf(cluster).CancelledBy, jobOf(cluster).CompletionTime = v1beta1.JobStateCancelled, v1beta1.CancelledByControl, at(0)
			}
		}
		t.Fatal("the annotation is never removed")
	})
}
