package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

func TestFirstRun(t *testing.T) {
	cluster := newCluster(spec(func(job *v1beta1.JobSpec) { job.FromSavepoint, job.SavepointTriggerNonce = otherPath, new(int64(7)) }))

	first := decideCluster(cluster, Children{}, flink.Observation{})
	job := first.Status.Components.Job
	require.Equal(t, v1beta1.JobStateDeploying, job.State)
	require.EqualValues(t, 1, job.Attempt)
	require.Equal(t, JobID(testUID, 1), job.ID)
	require.Equal(t, otherPath, job.FromSavepoint)
	require.Equal(t, otherPath, job.ObservedFromSavepoint)
	require.Equal(t, int64(7), *job.ObservedSavepointTriggerNonce, "the value at creation asks for nothing")

	cluster.Status = stored(t, first.Status)
	second := decideCluster(cluster, Children{}, flink.Observation{})
	require.Equal(t, cluster.Status, second.Status)
	require.Equal(t, Plan{ConfigMap: Apply, Service: Apply, JobManager: Apply, TaskManager: Apply}, second.Plan)
	require.Equal(t, v1beta1.LifecycleCreating, second.Status.Lifecycle)
	require.Equal(t, v1beta1.ClusterStateCreating, second.Status.State)

	running := settle(t, cluster, up(1), heard())
	require.Equal(t, v1beta1.JobStateRunning, running.Status.Components.Job.State)
	require.True(t, at(0).Equal(running.Status.Components.Job.StartTime))
	require.Equal(t, "count", running.Status.Components.Job.Name)
	require.Equal(t, "2.1.0", running.Status.FlinkVersion)
	require.Equal(t, v1beta1.ClusterStateRunning, running.Status.State)
	require.Equal(t, v1beta1.LifecycleRunning, running.Status.Lifecycle)
	require.Equal(t, Plan{ConfigMap: Apply, Service: Apply, JobManager: Leave, TaskManager: Apply}, running.Plan)
}

// TestRun: every recorded state of a run against what is seen of it.
func TestRun(t *testing.T) {
	const (
		deploying = "Deploying"
		running   = "Running"
		failed    = "Failed"
		lost      = "Lost"
		succeeded = "Succeeded"
		cancelled = "Cancelled"
	)
	stopping := slot(v1beta1.SavepointStateInProgress, stop)
	stopped := slot(v1beta1.SavepointStateSucceeded, stop)
	for name, test := range map[string]struct {
		edits    []clusterEdit
		children Children
		observed flink.Observation
		expected map[string]v1beta1.JobState
		reasons  []string
	}{
		"nothing heard": {
			children: up(1), observed: flink.Observation{},
			expected: map[string]v1beta1.JobState{deploying: deploying, running: running},
		},
		"nothing made yet": {
			edits:    []clusterEdit{func(c *v1beta1.FlinkCluster) { c.Status.Components.JobManager = nil }},
			expected: map[string]v1beta1.JobState{deploying: deploying},
		},
		"all tasks run": {
			children: up(1), observed: heard(),
			expected: map[string]v1beta1.JobState{deploying: running, running: running},
		},
		"some tasks run": {
			children: up(1), observed: heard(func(o *flink.Observation) { o.Job.RunningTasks = 1 }),
			expected: map[string]v1beta1.JobState{deploying: deploying, running: running},
		},
		"no task yet": {
			children: up(1), observed: heard(func(o *flink.Observation) { o.Job.RunningTasks, o.Job.TotalTasks = 0, 0 }),
			expected: map[string]v1beta1.JobState{deploying: deploying, running: running},
		},
		"Flink restarts the job itself": {
			children: up(1), observed: heard(flinkSays(flink.JobRestarting)),
			expected: map[string]v1beta1.JobState{deploying: deploying, running: running},
		},
		"suspended is not an end": {
			children: up(1), observed: heard(flinkSays(flink.JobSuspended)),
			expected: map[string]v1beta1.JobState{deploying: deploying, running: running},
		},
		"a state nobody knows": {
			children: up(1), observed: heard(flinkSays("DREAMING")),
			expected: map[string]v1beta1.JobState{deploying: deploying, running: running},
		},
		"silence is not loss": {
			children: up(1), observed: heard(silent),
			expected: map[string]v1beta1.JobState{running: running},
		},
		"an answer about another job": {
			children: up(1), observed: heard(flinkSays(flink.JobFailed), func(o *flink.Observation) { o.JobID = JobID(testUID, 9) }),
			expected: map[string]v1beta1.JobState{deploying: deploying, running: running},
		},
		"not listed once": {
			children: up(1), observed: heard(unlisted(1)),
			expected: map[string]v1beta1.JobState{deploying: deploying, running: running},
		},
		"not listed twice": {
			children: up(1), observed: heard(unlisted(2)),
			expected: map[string]v1beta1.JobState{deploying: deploying, running: lost},
			reasons:  []string{"the JobManager answers and does not know the job " + JobID(testUID, 1)},
		},
		"not listed after its stop": {
			edits: []clusterEdit{stopped}, children: up(1), observed: heard(unlisted(2)),
			expected: map[string]v1beta1.JobState{running: cancelled},
		},
		"finished": {
			children: up(1), observed: heard(flinkSays(flink.JobFinished)),
			expected: map[string]v1beta1.JobState{deploying: succeeded, running: succeeded},
		},
		"finished, then silent": {
			children: up(1), observed: heard(flinkSays(flink.JobFinished), silent),
			expected: map[string]v1beta1.JobState{deploying: succeeded, running: succeeded},
		},
		"finished while it is being stopped": {
			edits: []clusterEdit{stopping}, children: up(1), observed: heard(flinkSays(flink.JobFinished)),
			expected: map[string]v1beta1.JobState{running: running},
		},
		"finished by its stop": {
			edits: []clusterEdit{stopped}, children: up(1), observed: heard(flinkSays(flink.JobFinished)),
			expected: map[string]v1beta1.JobState{running: cancelled},
		},
		"failed after the savepoint of its stop": {
			edits: []clusterEdit{stopped}, children: up(1), observed: heard(flinkSays(flink.JobFailed)),
			expected: map[string]v1beta1.JobState{running: cancelled},
		},
		"finished after a stop that failed": {
			edits: []clusterEdit{slot(v1beta1.SavepointStateFailed, stop)}, children: up(1), observed: heard(flinkSays(flink.JobFinished)),
			expected: map[string]v1beta1.JobState{running: succeeded},
		},
		"finished after the stop of another run": {
			edits:    []clusterEdit{slot(v1beta1.SavepointStateSucceeded, stop, func(s *v1beta1.SavepointStatus) { s.JobID = JobID(testUID, 9) })},
			children: up(1), observed: heard(flinkSays(flink.JobFinished)),
			expected: map[string]v1beta1.JobState{running: succeeded},
		},
		"finished during a savepoint": {
			edits: []clusterEdit{slot(v1beta1.SavepointStateInProgress)}, children: up(1), observed: heard(flinkSays(flink.JobFinished)),
			expected: map[string]v1beta1.JobState{running: succeeded},
		},
		"cancelled": {
			children: up(1), observed: heard(flinkSays(flink.JobCanceled)),
			expected: map[string]v1beta1.JobState{deploying: cancelled, running: cancelled},
		},
		"failed": {
			children: up(1), observed: heard(flinkSays(flink.JobFailed), func(o *flink.Observation) { o.Exceptions = []string{"java.io.IOException: disk", "first"} }),
			expected: map[string]v1beta1.JobState{deploying: failed, running: failed},
			reasons:  []string{"java.io.IOException: disk", "first"},
		},
		"failed, and nobody says why": {
			children: up(1), observed: heard(flinkSays(flink.JobFailed)),
			expected: map[string]v1beta1.JobState{deploying: failed, running: failed},
			reasons:  []string{"Flink reports the job as FAILED"},
		},
		"failed, and its last checkpoint may not be known yet": {
			children: up(1), observed: heard(flinkSays(flink.JobFailed), func(o *flink.Observation) { o.CheckpointsFinal = false }),
			expected: map[string]v1beta1.JobState{deploying: deploying, running: running},
		},
		"failed long ago, and the statistics never came": {
			children: up(1), observed: heard(flinkSays(flink.JobFailed), func(o *flink.Observation) {
				o.CheckpointsFinal, o.Job.EndTime = false, start.Add(-time.Minute)
			}),
			expected: map[string]v1beta1.JobState{running: failed},
		},
		"failed, by a clock far ahead": {
			children: up(1), observed: heard(flinkSays(flink.JobFailed), func(o *flink.Observation) {
				o.CheckpointsFinal, o.Job.EndTime = false, start.Add(time.Hour)
			}),
			expected: map[string]v1beta1.JobState{running: failed},
		},
		"failed, and the JobManager fell silent: its log may tell why": {
			children: up(1), observed: heard(flinkSays(flink.JobFailed), silent, func(o *flink.Observation) { o.CheckpointsFinal = false }),
			expected: map[string]v1beta1.JobState{running: running},
		},
		"failed, and the JobManager has been silent for long": {
			children: up(1), observed: heard(flinkSays(flink.JobFailed), silent, func(o *flink.Observation) {
				o.CheckpointsFinal, o.Job.EndTime = false, start.Add(-time.Minute)
			}),
			expected: map[string]v1beta1.JobState{running: failed},
			reasons:  []string{"Flink reports the job as FAILED"},
		},
		"failed, and the JobManager ended before it told why": {
			children: up(1, podEnded(1, "Error"), jobManagerPod(func(pod *Pod) { pod.Message = "Caused by: java.io.FileNotFoundException: gone" })),
			observed: heard(flinkSays(flink.JobFailed), silent, func(o *flink.Observation) { o.CheckpointsFinal = false }),
			expected: map[string]v1beta1.JobState{deploying: failed, running: failed},
			reasons:  []string{"java.io.FileNotFoundException: gone", "JobManager pod jm ended, exit code 1 (Error)"},
		},
		"JobManager out of memory": {
			children: up(1, podEnded(137, "OOMKilled")), observed: heard(silent),
			expected: map[string]v1beta1.JobState{deploying: lost, running: lost},
			reasons:  []string{"JobManager pod jm ended, exit code 137 (OOMKilled)"},
		},
		"JobManager out of memory with a telling code": {
			children: up(1, podEnded(1, "OOMKilled")), observed: heard(silent),
			expected: map[string]v1beta1.JobState{running: lost},
		},
		"JobManager terminated": {
			children: up(1, podEnded(143, "Error")), observed: heard(silent),
			expected: map[string]v1beta1.JobState{deploying: lost, running: lost},
			reasons:  []string{"JobManager pod jm ended, exit code 143 (Error)"},
		},
		"JobManager did not start up": {
			children: up(1, podEnded(1, "Error")), observed: flink.Observation{},
			expected: map[string]v1beta1.JobState{deploying: failed, running: failed},
		},
		"JobManager gave up": {
			children: up(1, podEnded(2, "Error")), observed: heard(silent),
			expected: map[string]v1beta1.JobState{deploying: failed, running: failed},
		},
		"JobManager ended with its failed job": {
			children: up(1, podEnded(163, "Error")), observed: heard(silent),
			expected: map[string]v1beta1.JobState{deploying: failed, running: failed},
		},
		"JobManager ended and says nothing": {
			children: up(1, jobManagerPod(func(pod *Pod) { pod.Terminated = true })), observed: heard(silent),
			expected: map[string]v1beta1.JobState{deploying: lost, running: lost},
		},
		"JobManager ended with its finished job": {
			children: up(1, podEnded(0, "Completed")), observed: heard(silent),
			expected: map[string]v1beta1.JobState{deploying: succeeded, running: succeeded},
		},
		"JobManager ended with its cancelled job": {
			edits:    []clusterEdit{control(v1beta1.ControlJobCancelWithoutSavepoint, v1beta1.ControlStateInProgress)},
			children: up(1, podEnded(0, "Completed")), observed: heard(silent),
			expected: map[string]v1beta1.JobState{deploying: cancelled, running: cancelled},
		},
		"JobManager evicted": {
			children: up(1, podEnded(0, "Evicted")), observed: heard(silent),
			expected: map[string]v1beta1.JobState{running: lost},
		},
		"JobManager being deleted still runs": {
			children: up(1, jobManagerPod(func(pod *Pod) { pod.Deleting = true })), observed: heard(),
			expected: map[string]v1beta1.JobState{deploying: running, running: running},
		},
		"JobManager pod deleted": {
			children: up(1, jobManagerPod(func(pod *Pod) { pod.Deleting, pod.Terminated, pod.ExitCode = true, true, new(int32(143)) })), observed: heard(silent),
			expected: map[string]v1beta1.JobState{deploying: lost, running: lost},
			reasons:  []string{"JobManager pod jm was deleted, exit code 143"},
		},
		"JobManager deleted with its pod": {
			children: up(1, jobManagerDeleted), observed: heard(silent),
			expected: map[string]v1beta1.JobState{deploying: lost, running: lost},
			reasons:  []string{"the JobManager pod is gone"},
		},
		"Job deleted, its pod still runs": {
			children: up(1, func(c *Children) { c.JobManager = Workload{} }), observed: heard(),
			expected: map[string]v1beta1.JobState{deploying: running, running: running},
		},
		"Job deleted before it was seen, its pod ended": {
			edits:    []clusterEdit{func(c *v1beta1.FlinkCluster) { c.Status.Components.JobManager = nil }},
			children: up(1, func(c *Children) { c.JobManager = Workload{} }, podEnded(143, "")),
			expected: map[string]v1beta1.JobState{deploying: lost},
		},
		"Job ended, its pod is gone": {
			children: up(1, func(c *Children) { c.JobManager.Ended, c.Pods = true, c.Pods[1:] }),
			expected: map[string]v1beta1.JobState{deploying: lost, running: lost},
		},
		"no pod yet": {
			children: up(1, func(c *Children) { c.Pods = nil }),
			expected: map[string]v1beta1.JobState{deploying: deploying},
		},
		"an ended pod beside a live one": {
			children: up(1, func(c *Children) {
				c.Pods = append([]Pod{{Name: "old", Component: v1beta1.ComponentJobManager, Attempt: 1, Terminated: true}}, c.Pods...)
			}),
			expected: map[string]v1beta1.JobState{running: running},
		},
		"the end outranks the loss": {
			children: up(1, podEnded(143, "")), observed: heard(flinkSays(flink.JobFinished), silent),
			expected: map[string]v1beta1.JobState{running: succeeded},
		},
		"JobManager gone after the savepoint of its stop": {
			edits: []clusterEdit{stopped}, children: up(1, podEnded(143, "")), observed: heard(silent),
			expected: map[string]v1beta1.JobState{running: cancelled},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for before, after := range test.expected {
				cluster := newCluster(append([]clusterEdit{run(v1beta1.JobState(before))}, test.edits...)...)
				decision := decideCluster(cluster, test.children, test.observed)
				job := decision.Status.Components.Job
				require.Equal(t, after, job.State, "from %s", before)
				if test.reasons != nil && before != string(after) {
					require.Equal(t, test.reasons, job.FailureReasons)
				}
				if before != string(after) && after != running {
					require.Equal(t, at(0), job.CompletionTime)
					require.Empty(t, decision.Effects)
				}
				require.Equal(t, JobID(testUID, 1), job.ID)
			}
		})
	}
}

func TestCancelledBy(t *testing.T) {
	for name, test := range map[string]struct {
		edits    []clusterEdit
		expected v1beta1.CancelledBy
	}{
		"somebody else":                {nil, v1beta1.CancelledByOther},
		"the spec":                     {[]clusterEdit{cancelRequested}, v1beta1.CancelledBySpec},
		"the annotation":               {[]clusterEdit{control(v1beta1.ControlJobCancel, v1beta1.ControlStateInProgress)}, v1beta1.CancelledByControl},
		"an annotation of another run": {[]clusterEdit{control(v1beta1.ControlJobCancel, v1beta1.ControlStateInProgress, func(c *v1beta1.ControlStatus) { c.Details[v1beta1.ControlDetailJobID] = "x" })}, v1beta1.CancelledByOther},
		"an annotation for a savepoint": {
			[]clusterEdit{control(v1beta1.ControlSavepoint, v1beta1.ControlStateInProgress)}, v1beta1.CancelledByOther},
		"an old annotation": {[]clusterEdit{control(v1beta1.ControlJobCancel, v1beta1.ControlStateSucceeded)}, v1beta1.CancelledByOther},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(append([]clusterEdit{run(v1beta1.JobStateRunning)}, test.edits...)...)
			job := decideCluster(cluster, up(1), heard(flinkSays(flink.JobCanceled))).Status.Components.Job
			require.Equal(t, v1beta1.JobStateCancelled, job.State)
			require.Equal(t, test.expected, job.CancelledBy)
		})
	}
}

func TestRecordCheckpoint(t *testing.T) {
	recorded := func(id int64, age time.Duration) func(*v1beta1.JobStatus) {
		return func(job *v1beta1.JobStatus) { job.LastCheckpoint = checkpointStatus(1, id, age) }
	}
	newest := func(id int64) flink.Observation {
		return heard(func(o *flink.Observation) { o.Checkpoints.Completed = checkpoint(1, id) })
	}
	for name, test := range map[string]struct {
		edits    []clusterEdit
		children Children
		observed flink.Observation
		expected int64
		requeue  time.Duration
	}{
		"the first at once": {edits: []clusterEdit{run(v1beta1.JobStateRunning)}, children: up(1), observed: newest(5), expected: 5},
		"the first at once, whatever the policy": {
			edits: []clusterEdit{run(v1beta1.JobStateRunning), policy(v1beta1.RestartPolicyNever)}, children: up(1), observed: newest(5), expected: 5},
		"the first of a new run": {
			edits:    []clusterEdit{run(v1beta1.JobStateRunning, func(job *v1beta1.JobStatus) { job.LastCheckpoint = checkpointStatus(0, 9, time.Second) })},
			children: up(1), observed: newest(5), expected: 5},
		"a newer one only after some minutes": {
			edits: []clusterEdit{run(v1beta1.JobStateRunning, recorded(5, time.Minute))}, children: up(1), observed: newest(6), expected: 5,
			requeue: 4*time.Minute - 123456789*time.Nanosecond},
		"a newer one after some minutes": {
			edits: []clusterEdit{run(v1beta1.JobStateRunning, recorded(5, 6*time.Minute))}, children: up(1), observed: newest(6), expected: 6},
		"a newer one never, where no restart needs it": {
			edits:    []clusterEdit{run(v1beta1.JobStateRunning, recorded(5, time.Hour)), policy(v1beta1.RestartPolicyNever)},
			children: up(1), observed: newest(6), expected: 5},
		"a newer one when the JobManager is going": {
			edits:    []clusterEdit{run(v1beta1.JobStateRunning, recorded(5, time.Minute)), policy(v1beta1.RestartPolicyNever)},
			children: up(1, jobManagerPod(func(pod *Pod) { pod.Deleting = true })), observed: newest(6), expected: 6},
		"a newer one when the JobManager has gone": {
			edits:    []clusterEdit{run(v1beta1.JobStateRunning, recorded(5, time.Minute))},
			children: up(1, podEnded(137, "OOMKilled")), observed: newest(6), expected: 6},
		"a newer one when the job has ended": {
			edits:    []clusterEdit{run(v1beta1.JobStateRunning, recorded(5, time.Minute))},
			children: up(1), observed: heard(flinkSays(flink.JobFailed), func(o *flink.Observation) { o.Checkpoints.Completed = checkpoint(1, 6) }), expected: 6},
		"never an older one": {
			edits: []clusterEdit{run(v1beta1.JobStateRunning, recorded(7, time.Hour))}, children: up(1, podEnded(137, "")), observed: newest(6), expected: 7},
		"not one that cannot be restored": {
			edits:    []clusterEdit{run(v1beta1.JobStateRunning, recorded(5, time.Hour))},
			children: up(1), observed: heard(func(o *flink.Observation) {
				o.Checkpoints.Completed = &flink.Snapshot{ID: 8, Location: flink.NotAddressable}
				o.Checkpoints.History = []flink.Snapshot{{ID: 7, Location: "s3://gone", Discarded: true}, *checkpoint(1, 6), savepoint(1, 9)}
			}), expected: 6},
		"not a savepoint in the slot of the checkpoint": {
			edits: []clusterEdit{run(v1beta1.JobStateRunning)}, children: up(1), observed: heard(func(o *flink.Observation) {
				o.Checkpoints.Completed = new(savepoint(1, 9))
				o.Checkpoints.History = []flink.Snapshot{*checkpoint(1, 6)}
			}), expected: 6},
		"no statistics": {
			edits: []clusterEdit{run(v1beta1.JobStateRunning, recorded(5, time.Hour))}, children: up(1),
			observed: heard(func(o *flink.Observation) { o.Checkpoints = nil }), expected: 5},
	} {
		t.Run(name, func(t *testing.T) {
			decision := decideCluster(newCluster(test.edits...), test.children, test.observed)
			checkpoint := decision.Status.Components.Job.LastCheckpoint
			require.NotNil(t, checkpoint)
			require.Equal(t, test.expected, checkpoint.ID)
			require.Equal(t, test.requeue, decision.RequeueAfter)
		})
	}
	t.Run("none", func(t *testing.T) {
		decision := decideCluster(newCluster(run(v1beta1.JobStateRunning)), up(1), heard(func(o *flink.Observation) { o.Checkpoints.Completed = nil }))
		require.Nil(t, decision.Status.Components.Job.LastCheckpoint)
	})
}

// TestOneRunAtATime: nothing of a run is made while anything of another is left.
func TestOneRunAtATime(t *testing.T) {
	second := run(v1beta1.JobStateDeploying, func(job *v1beta1.JobStatus) { job.Attempt, job.ID = 2, JobID(testUID, 2) })
	unseen := func(c *v1beta1.FlinkCluster) { c.Status.Components.JobManager = nil }
	withService := func(edit func(*Children)) Children {
		return up(2, func(c *Children) { c.JobManager, c.TaskManager, c.Pods = Workload{}, Workload{}, nil }, edit)
	}
	for name, test := range map[string]struct {
		children                Children
		jobManager, taskManager Intent
	}{
		"nothing left":       {withService(func(*Children) {}), Apply, Apply},
		"old JobManager":     {withService(func(c *Children) { c.JobManager = Workload{Object: Object{Exists: true}, Attempt: 1} }), Delete, Leave},
		"old TaskManagers":   {withService(func(c *Children) { c.TaskManager = Workload{Object: Object{Exists: true}, Attempt: 1} }), Leave, Delete},
		"old pod":            {withService(func(c *Children) { c.Pods = []Pod{{Attempt: 1, Deleting: true}} }), Leave, Leave},
		"old pod ended":      {withService(func(c *Children) { c.Pods = []Pod{{Attempt: 1, Terminated: true}} }), Apply, Apply},
		"going TaskManagers": {withService(func(c *Children) { c.TaskManager = Workload{Object: Object{Exists: true, Deleting: true}, Attempt: 2} }), Leave, Leave},
		"own pod without a Job": {withService(func(c *Children) {
			c.Pods = []Pod{{Component: v1beta1.ComponentJobManager, Attempt: 2}}
		}), Leave, Apply},
		"own JobManager": {up(2), Leave, Apply},
	} {
		t.Run(name, func(t *testing.T) {
			plan := decideCluster(newCluster(second, unseen), test.children, flink.Observation{}).Plan
			require.Equal(t, Plan{ConfigMap: Apply, Service: Apply, JobManager: test.jobManager, TaskManager: test.taskManager}, plan)
		})
	}
	t.Run("a JobManager that was there is never made again", func(t *testing.T) {
		decision := decideCluster(newCluster(second), withService(func(*Children) {}), flink.Observation{})
		require.Equal(t, v1beta1.JobStateLost, decision.Status.Components.Job.State)
		require.Equal(t, Leave, decision.Plan.JobManager)
	})
}

func TestForgetFailures(t *testing.T) {
	failing := func(since time.Duration) clusterEdit {
		return run(v1beta1.JobStateRunning, func(job *v1beta1.JobStatus) {
			job.ConsecutiveFailures, job.FailureReasons, job.StartTime = 3, []string{"it broke"}, at(-since)
		})
	}
	soon := decideCluster(newCluster(failing(599*time.Second)), up(1), heard())
	require.EqualValues(t, 3, soon.Status.Components.Job.ConsecutiveFailures)
	require.Positive(t, soon.RequeueAfter)
	require.LessOrEqual(t, soon.RequeueAfter, time.Second)
	healthy := decideCluster(newCluster(failing(600*time.Second)), up(1), heard())
	require.Zero(t, healthy.Status.Components.Job.ConsecutiveFailures)
	require.Empty(t, healthy.Status.Components.Job.FailureReasons)
	require.Zero(t, healthy.RequeueAfter)

	t.Run("what was missing, after an upgrade that ended the row", func(t *testing.T) {
		restored := newCluster(failing(600*time.Second), run(v1beta1.JobStateRunning, func(job *v1beta1.JobStatus) {
			job.ConsecutiveFailures, job.FailureReasons = 0, nil
			job.FromSavepoint, job.MissingSnapshots = savepointPath(1, 4), []string{otherPath}
		}))
		decision := decideCluster(restored, up(1), heard())
		require.Empty(t, decision.Status.Components.Job.MissingSnapshots)
		require.NotEqual(t, "RestoredOlderState", conditionOf(decision.Status, v1beta1.ConditionDegraded).Reason)
	})
}

// A JobManager that is out of sight ends the run only if the API server confirms it: a view that is behind looks the same.
func TestOutOfSightIsConfirmed(t *testing.T) {
	for name, pods := range map[string]func(*Children){"and no pod": jobManagerDeleted, "and an ended pod": func(children *Children) {
		children.JobManager = Workload{}
		children.Pods[0].Terminated = true
	}} {
		t.Run(name, func(t *testing.T) {
			cluster, children := newCluster(run(v1beta1.JobStateRunning)), up(1)
			pods(&children)
			in := ClusterInput{Cluster: cluster, Revision: "counter-1", Children: children, Now: start}
			decision := DecideCluster(in)
			require.True(t, decision.Confirm)
			require.Equal(t, cluster.Status, decision.Status)
			require.Equal(t, Plan{}, decision.Plan)

			in.Children.Confirmed = true
			decision = DecideCluster(in)
			require.False(t, decision.Confirm)
			require.Equal(t, v1beta1.JobStateLost, decision.Status.Components.Job.State)
		})
	}
}
