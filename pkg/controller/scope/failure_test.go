package scope_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

const (
	fromLatest    = v1beta1.RestartPolicyFromLatestStateOnFailure
	fromSavepoint = v1beta1.RestartPolicyFromSavepointOnFailure
)

func findCondition(cluster *v1beta1.FlinkCluster, name string) *metav1.Condition {
	return meta.FindStatusCondition(cluster.Status.Conditions, name)
}

// failJob has the job fail for good.
func failJob(w *world.World) {
	w.JobManager("a").FailJob("org.apache.flink.runtime.JobException: Recovery is suppressed", "java.lang.IllegalStateException: boom")
}

// endings are the ways in which a run can be lost with its JobManager.
var endings = map[string]func(w *world.World){
	"job failed":         failJob,
	"pod deleted":        func(w *world.World) { w.DeletePod(jobManagerPod(w)) },
	"out of memory":      func(w *world.World) { w.ExitPod(jobManagerPod(w), world.OOMKilled) },
	"process ended":      func(w *world.World) { w.ExitPod(jobManagerPod(w), world.Exit{Code: 2}) },
	"process was killed": func(w *world.World) { w.ExitPod(jobManagerPod(w), world.Exit{Code: 137}) },
}

// jobManagerPod is the name of the JobManager pod of the present run.
func jobManagerPod(w *world.World) string {
	index := slices.IndexFunc(w.Children(), func(name string) bool { return len(name) > 17 && name[:17] == "Pod/a-jobmanager-" })
	return w.Children()[index][len("Pod/"):]
}

// However a run ends, the next one starts from the newest checkpoint.
func TestRestartFromLatestState(t *testing.T) {
	t.Parallel()
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			inRunningWorld(t, func(t *testing.T, w *world.World) {
				checkpointing(w, 20*time.Second)
				manager := w.JobManager("a")
				newest := manager.CompleteCheckpoint(manager.JobID)
				w.Settle(10 * time.Second)
				begin := time.Now()
				end(w)
				w.UntilRunning("a", 2)
				t.Logf("running again after %s", time.Since(begin))
				require.Less(t, time.Since(begin), 20*time.Second)
				starts := w.Ledger().Starts
				require.Equal(t, newest, starts[1].RestorePath)
				job := w.Job("a")
				require.EqualValues(t, 1, job.RestartCount)
				require.EqualValues(t, 1, job.ConsecutiveFailures)
				require.NotEmpty(t, job.FailureReasons)
				require.Equal(t, newest, job.FromSavepoint)
			}, builders.Restart(fromLatest))
		})
	}
}

// A job that must not be restarted stays as it is, with the reason in its status.
func TestRestartNever(t *testing.T) {
	t.Parallel()
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			inRunningWorld(t, func(t *testing.T, w *world.World) {
				checkpointing(w, 20*time.Second)
				end(w)
				w.Until("a", "failed or lost", func(c *v1beta1.FlinkCluster) bool {
					return c.Status.Lifecycle == v1beta1.LifecycleFailed
				})
				requireSettles(t, w)
				require.Len(t, w.Ledger().Starts, 1)
				cluster := w.Cluster("a")
				require.NotEmpty(t, cluster.Status.Components.Job.FailureReasons)
				require.Equal(t, metav1.ConditionTrue, findCondition(cluster, v1beta1.ConditionDegraded).Status)
				require.Equal(t, metav1.ConditionFalse, findCondition(cluster, v1beta1.ConditionReady).Status)
				require.Contains(t, w.Children(), "StatefulSet/a-taskmanager", "kept by the policy")
			})
		})
	}
}

func TestRestartFromSavepoint(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Edit("a", builders.SavepointGeneration(1))
		untilGeneration(w, 1)
		checkpointing(w, 20*time.Second)
		failJob(w)
		w.UntilRunning("a", 2)
		require.Equal(t, w.Job("a").SavepointLocation, w.Ledger().Starts[1].RestorePath, "not from the newer checkpoint")
	}, builders.Restart(fromSavepoint))
}

func TestRestartFromSavepointWithoutOne(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		checkpointing(w, 20*time.Second)
		failJob(w)
		w.UntilJob("a", v1beta1.JobStateFailed)
		requireSettles(t, w)
		require.Len(t, w.Ledger().Starts, 1)
		require.Equal(t, "NoSavepoint", findCondition(w.Cluster("a"), v1beta1.ConditionDegraded).Reason)

		// An edit of the policy counts at once.
		w.Edit("a", builders.Restart(fromLatest))
		w.UntilRunning("a", 2)
		require.NotEmpty(t, w.Ledger().Starts[1].RestorePath)
	}, builders.Restart(fromSavepoint))
}

// requireSettles takes care that a cluster comes to rest.
func requireSettles(t *testing.T, w *world.World) {
	t.Helper()
	w.Settle(30 * time.Second)
	requireQuiet(t, w, time.Minute)
}

// A job that fails again and again is restarted with growing pauses, and told as a crash loop.
func TestCrashLoop(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		var took []time.Duration
		for run := int32(2); run <= 6; run++ {
			begin := time.Now()
			failJob(w)
			w.UntilRunning("a", run)
			took = append(took, time.Since(begin))
		}
		t.Logf("times to run again: %s", took)
		require.Less(t, took[0], 20*time.Second)
		for i, least := range []time.Duration{0, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second} {
			require.GreaterOrEqual(t, took[i], least)
			require.Less(t, took[i], least+20*time.Second)
		}
		require.Equal(t, "CrashLoop", findCondition(w.Cluster("a"), v1beta1.ConditionDegraded).Reason)
		require.EqualValues(t, 5, w.Job("a").RestartCount)
		w.Settle(11 * time.Minute)
		require.Equal(t, metav1.ConditionFalse, findCondition(w.Cluster("a"), v1beta1.ConditionDegraded).Status)
		require.Zero(t, w.Job("a").ConsecutiveFailures)
	}, builders.Restart(fromLatest))
}

func TestRestartLimit(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		failJob(w)
		w.UntilRunning("a", 2)
		failJob(w)
		w.UntilJob("a", v1beta1.JobStateFailed)
		requireSettles(t, w)
		require.Len(t, w.Ledger().Starts, 2)
		require.Equal(t, "RestartLimitReached", findCondition(w.Cluster("a"), v1beta1.ConditionDegraded).Reason)
	}, builders.Restart(fromLatest), builders.Job(func(job *v1beta1.JobSpec) {
		job.RestartBackoff = &v1beta1.RestartBackoff{Limit: new(int32(1))}
	}))
}

// A snapshot that is gone is passed over for the next older one, and none is ever replaced by nothing.
func TestRestoreFromMissingSnapshots(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Edit("a", builders.SavepointGeneration(1))
		untilGeneration(w, 1)
		older := w.Job("a").SavepointLocation
		w.Edit("a", builders.SavepointGeneration(2))
		untilGeneration(w, 2)
		newest := w.Job("a").SavepointLocation
		w.Storage.Delete(newest)
		failJob(w)
		// A volume may come late: the newest is looked for twice.
		w.UntilRunning("a", 4)
		starts := w.Ledger().Starts
		require.Equal(t, newest, starts[1].RestorePath)
		require.Equal(t, newest, starts[2].RestorePath)
		require.Equal(t, older, starts[3].RestorePath)
		require.Equal(t, []string{newest}, w.Job("a").MissingSnapshots)

		w.Storage.Delete(older)
		failJob(w)
		w.UntilJob("a", v1beta1.JobStateFailed)
		w.Until("a", "degraded for want of state", func(c *v1beta1.FlinkCluster) bool {
			return findCondition(c, v1beta1.ConditionDegraded).Reason == "StateMissing"
		})
		requireSettles(t, w)
		for _, start := range w.Ledger().Starts[1:] {
			require.NotEmpty(t, start.RestorePath, "never from nothing")
		}
	}, builders.Restart(fromLatest))
}

// The run that a user's wrong fromSavepoint names fails with a reason; corrected, it starts.
func TestFromSavepointThatDoesNotExist(t *testing.T) {
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		w.StartOperator()
		w.Apply(jobCluster(builders.FromSavepoint(directory + "/missing")))
		w.UntilJob("a", v1beta1.JobStateFailed)
		require.Contains(t, w.Job("a").FailureReasons[0], "Cannot find checkpoint or savepoint")
		requireSettles(t, w)
		w.Storage.Put(directory+"/found", 3)
		w.Edit("a", builders.FromSavepoint(directory+"/found"))
		w.Edit("a", builders.Restart(fromLatest))
		w.UntilRunning("a", 2)
		require.Equal(t, directory+"/found", w.Ledger().Starts[1].RestorePath)
	})
}

// Flink recovers the job from the loss of a TaskManager by itself.
func TestTaskManagerLost(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.DeletePod("a-taskmanager-0")
		w.Until("a", "not ready", func(c *v1beta1.FlinkCluster) bool {
			return meta.IsStatusConditionFalse(c.Status.Conditions, v1beta1.ConditionReady)
		})
		require.Equal(t, v1beta1.JobStateRunning, w.Job("a").State)
		w.Until("a", "ready", func(c *v1beta1.FlinkCluster) bool {
			return meta.IsStatusConditionTrue(c.Status.Conditions, v1beta1.ConditionReady)
		})
		w.UntilRunning("a", 1)
		require.Len(t, w.Ledger().Starts, 1)
		requireSettles(t, w)
	}, builders.Restart(fromLatest))
}

// Silence is not loss: a JobManager that does not answer for minutes is waited for.
func TestSilentJobManager(t *testing.T) {
	for name, fault := range map[string]flinktest.Fault{
		"hangs": {Hang: true}, "resets": {}, "500": {Status: 500}, "404": {Status: 404}, "503": {Status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			inRunningWorld(t, func(t *testing.T, w *world.World) {
				w.Settle(time.Minute)
				before := w.Job("a")
				w.JobManager("a").Inject(fault)
				w.Annotate("a", v1beta1.ControlSavepoint)
				w.Settle(4 * time.Minute)
				require.Equal(t, before, w.Job("a"))
				require.Equal(t, metav1.ConditionUnknown, findCondition(w.Cluster("a"), v1beta1.ConditionReady).Status)
				w.JobManager("a").ClearFaults()
				w.Until("a", "ready", func(c *v1beta1.FlinkCluster) bool {
					return meta.IsStatusConditionTrue(c.Status.Conditions, v1beta1.ConditionReady)
				})
				w.Until("a", "free of savepoints", func(c *v1beta1.FlinkCluster) bool {
					return c.Status.Savepoint.CompletionTime != nil
				})
				w.Settle(time.Minute)
				require.Len(t, w.Ledger().Starts, 1)
				require.LessOrEqual(t, len(w.Ledger().Savepoints), 1)
			}, builders.Restart(fromLatest))
		})
	}
}

// The JobManager ends in the middle of a savepoint: the request fails or, if Flink had completed it, succeeds; it is
// never left open, and the job goes on.
func TestJobManagerLostDuringASavepoint(t *testing.T) {
	t.Parallel()
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			inRunningWorld(t, func(t *testing.T, w *world.World) {
				checkpointing(w, 20*time.Second)
				w.HoldSavepoints()
				w.Annotate("a", v1beta1.ControlSavepoint)
				w.Until("a", "taking a savepoint", func(c *v1beta1.FlinkCluster) bool {
					return c.Status.Savepoint != nil && c.Status.Savepoint.State == v1beta1.SavepointStateInProgress
				})
				newest := w.JobManager("a").CompleteCheckpoint(w.JobManager("a").JobID)
				w.Settle(3 * time.Second)
				end(w)
				w.UntilRunning("a", 2)
				untilControlled(w, "a", v1beta1.ControlStateFailed)
				require.Equal(t, newest, w.Ledger().Starts[1].RestorePath)
				require.Zero(t, w.Job("a").SavepointGeneration)
				w.ReleaseSavepoints()
				w.Annotate("a", v1beta1.ControlSavepoint)
				untilControlled(w, "a", v1beta1.ControlStateSucceeded)
				require.Len(t, w.Ledger().Savepoints, 2)
			}, builders.Restart(fromLatest))
		})
	}
}

// A savepoint that was completed just before its JobManager went is what the next run starts from.
func TestJobManagerLostJustAfterASavepoint(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		checkpointing(w, 20*time.Second)
		w.HoldSavepoints()
		w.Annotate("a", v1beta1.ControlSavepoint)
		w.Until("a", "taking a savepoint", func(c *v1beta1.FlinkCluster) bool {
			return c.Status.Savepoint != nil && c.Status.Savepoint.State == v1beta1.SavepointStateInProgress
		})
		w.Settle(5 * time.Second)
		w.DeletePod("a-jobmanager-1")
		w.ReleaseSavepoints()
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		w.UntilRunning("a", 2)
		require.Equal(t, w.Job("a").SavepointLocation, w.Ledger().Starts[1].RestorePath)
	}, builders.Restart(fromLatest))
}

// A savepoint of which Flink never says how it ended must not keep a failed job from being restarted.
func TestSavepointThatNeverEnds(t *testing.T) {
	inRunningWorld(t, func(_ *testing.T, w *world.World) {
		w.HoldSavepoints()
		w.Annotate("a", v1beta1.ControlSavepoint)
		w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
		manager := w.JobManager("a")
		manager.Fail(manager.JobID, "org.example.Boom: no", "")
		w.UntilRunning("a", 2)
		untilControlled(w, "a", v1beta1.ControlStateFailed)
	}, builders.Restart(fromLatest))
}

// One answer that is lost says nothing, and leaves no trace in the conditions.
func TestOneLostPoll(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Settle(time.Minute)
		isPoll := func(call world.Call) bool { return call.What == "GET /v1/jobs/overview" }
		w.Inject(world.AtNth(1, isPoll, func(world.Call) world.Fault {
			// Something else happens in the moment in which nothing is heard.
			time.AfterFunc(500*time.Millisecond, func() { w.Edit("a", keepCluster) })
			return world.RequestLost
		}))
		w.Settle(2 * time.Minute)
		require.Equal(t, w.Cluster("a").Generation, w.Cluster("a").Status.ObservedGeneration)
		require.Equal(t, metav1.ConditionTrue, findCondition(w.Cluster("a"), v1beta1.ConditionReady).Status)
	})
}
