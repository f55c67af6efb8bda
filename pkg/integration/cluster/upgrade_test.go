//go:build cluster

package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// twoSlots leaves room for a second task in the one TaskManager.
func twoSlots(cluster *v1beta1.FlinkCluster) *v1beta1.FlinkCluster {
	cluster.Spec.FlinkProperties["taskmanager.numberOfTaskSlots"] = "2"
	return cluster
}

// edit changes the spec of a job.
type edit func(*v1beta1.FlinkCluster)

func withArguments(arguments ...string) edit {
	return func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.Args = arguments }
}

func withParallelism(parallelism int32) edit {
	return func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.Parallelism = new(parallelism) }
}

func withImage(name string) edit {
	return func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Image.Name = name }
}

// otherImage is Flink's image by its other name; a test is skipped where it has none.
func otherImage(t *testing.T) edit {
	t.Helper()
	if suite.OtherFlinkImage() == "" {
		skip(t, "the image with Flink has no other name")
	}
	return withImage(suite.OtherFlinkImage())
}

// awaitReady waits as a user does who has just made an edit.
func awaitReady(t *testing.T, job *flinkcluster.Cluster) {
	t.Helper()
	job.Namespace.Kubectl(t, "wait", "--for=condition=Ready", "flinkcluster/"+job.Name, "--timeout=4m")
}

// upgrade makes an edit and waits for the run that comes of it, which has to be the next and not a restart.
func upgrade(t *testing.T, job *flinkcluster.Cluster, change edit) *v1beta1.FlinkCluster {
	t.Helper()
	before := job.Get(t)
	return awaitUpgraded(t, job, before, job.Edit(t, change))
}

// awaitUpgraded waits until an edit is in force, and fails unless it came so by an upgrade.
func awaitUpgraded(t *testing.T, job *flinkcluster.Cluster, unedited, edited *v1beta1.FlinkCluster) *v1beta1.FlinkCluster {
	t.Helper()
	awaitReady(t, job)
	before, after := unedited.Status, job.Get(t)
	status := after.Status.Components.Job
	require.Equal(t, before.Components.Job.Attempt+1, status.Attempt, "the edit was not in force when the cluster was Ready again")
	require.Equal(t, v1beta1.JobStateRunning, status.State)
	require.Equal(t, v1beta1.LifecycleRunning, after.Status.Lifecycle)
	require.NotEqual(t, before.Components.Job.ID, status.ID)
	require.Equal(t, edited.Generation, after.Status.ObservedGeneration)
	require.NotEqual(t, before.Revision.Current, after.Status.Revision.Current)
	require.Empty(t, after.Status.Revision.Next)
	require.Nil(t, status.Transition)
	assert.Equal(t, before.Components.Job.RestartCount, status.RestartCount, "an upgrade is no restart after a failure")
	assert.Zero(t, status.ConsecutiveFailures)
	requireSpecRuns(t, job, after)
	return after
}

// requireSpecRuns fails unless pods and job are as the spec says.
func requireSpecRuns(t *testing.T, job *flinkcluster.Cluster, cluster *v1beta1.FlinkCluster) {
	t.Helper()
	wanted := cluster.Spec.Job.Args
	pods := job.StayingPods(t, "")
	require.Len(t, pods, int(*cluster.Spec.JobManager.Replicas+*cluster.Spec.TaskManager.Replicas))
	for _, pod := range pods {
		container := pod.Spec.Containers[0]
		require.Equal(t, cluster.Spec.Image.Name, container.Image)
		if pod.Labels[v1beta1.LabelComponent] == v1beta1.ComponentJobManager {
			require.Equal(t, wanted, container.Args[len(container.Args)-len(wanted):])
		}
	}
	found, err := job.ReadJob(t.Context(), cluster.Status.Components.Job.ID)
	require.NoError(t, err)
	require.Equal(t, int(*cluster.Spec.Job.Parallelism), found.CounterParallelism())
}

// awaitCheckpointedCount waits until the job has counted so far that one which began again would be told from it, and until a
// checkpoint has this count. What an upgrade cancels it asks Flink about at the very end, so it may go back no further.
func awaitCheckpointedCount(t *testing.T, job *flinkcluster.Cluster, id string) progress {
	t.Helper()
	// Of the checkpoints after the newest, the first may have been under way already.
	const enough, behind = 1000, 2
	reached := progress{count: job.AwaitCount(t, id, enough)}
	flinkcluster.Eventually(t, "checkpoints with the count", func(ctx context.Context) error {
		checkpoints, err := job.ReadCheckpoints(ctx, id)
		if err != nil {
			return err
		}
		if checkpoints.Latest.Completed == nil {
			return errors.New("no checkpoint yet")
		}
		newest := checkpoints.Latest.Completed.ID
		if reached.checkpoint == 0 {
			reached.checkpoint = newest + behind
		}
		if newest < reached.checkpoint {
			return fmt.Errorf("the newest checkpoint is %d", newest)
		}
		return nil
	})
	return reached
}

// TestUpgradeBySavepoint changes one job in each way that there is, and restarts it. It goes on from exactly where it was
// each time.
func TestUpgradeBySavepoint(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	job := namespace.Create(t, twoSlots(namespace.Counter("counter", flinkcluster.Pace(paceMillis)...)))
	job.AwaitRunning(t, 1)
	steps := []struct {
		name   string
		change func(*testing.T) edit
	}{
		{"argument", func(*testing.T) edit { return withArguments(flinkcluster.Pace(paceMillis + 1)...) }},
		{"parallelism", func(*testing.T) edit { return withParallelism(2) }},
		{"image", otherImage},
	}
	runs := 1
	for _, step := range steps {
		passed := t.Run(step.name, func(t *testing.T) {
			change := step.change(t)
			before := job.Get(t).Status.Components.Job
			reached := progress{count: job.AwaitCount(t, before.ID, 1000)}
			after := upgrade(t, job, change)
			runs++
			requireContinuedFromStop(t, job, after, reached)
			assert.Equal(t, v1beta1.SavepointReasonUpdate, after.Status.Savepoint.TriggerReason)
			assert.Equal(t, before.SavepointGeneration+1, after.Status.Components.Job.SavepointGeneration)
			job.AwaitEvent(t, v1beta1.EventTransitionStarted, "savepoint")
			job.AwaitEvent(t, v1beta1.EventTransitionFinished, fmt.Sprintf("run %d", runs))
		})
		require.True(t, passed, "the next step expects the job to run")
	}
	t.Run("restart by annotation", func(t *testing.T) {
		before := job.Get(t).Status
		reached := progress{count: job.AwaitCount(t, before.Components.Job.ID, 1000)}
		after := job.AwaitControl(t, job.Annotate(t, v1beta1.ControlJobRestart))
		runs++
		require.Equal(t, v1beta1.ControlStateSucceeded, after.Status.Control.State, after.Status.Control.Message)
		require.EqualValues(t, runs, after.Status.Components.Job.Attempt)
		// Whether that revision has proven stable meanwhile is another matter.
		assert.Equal(t, before.Revision.Current, after.Status.Revision.Current)
		assert.Empty(t, after.Status.Revision.Next)
		requireContinuedFromStop(t, job, after, reached)
	})
	requireOnePodPerRun(t, job, runs)
	assert.Len(t, namespace.CompleteSavepoints(t), runs-1, "one savepoint for each time that the job was stopped")
	job.DeleteAll(t)
}

// TestUpgradeOfFlink takes a job from one major version of Flink to the next, with its state.
func TestUpgradeOfFlink(t *testing.T) {
	t.Parallel()
	if suite.OlderFlinkImage() == "" {
		skip(t, "there is no image with an older Flink")
	}
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("counter", flinkcluster.Pace(paceMillis)...)
	newer := wanted.Spec.Image.Name
	wanted.Spec.Image.Name = suite.OlderFlinkImage()
	job := namespace.Create(t, wanted)
	before := job.AwaitRunning(t, 1).Status
	require.Regexp(t, `^1\.20\.`, before.FlinkVersion)
	reached := progress{count: job.AwaitCount(t, before.Components.Job.ID, 1000)}
	after := upgrade(t, job, withImage(newer))
	require.Regexp(t, `^2\.`, after.Status.FlinkVersion)
	requireContinuedFromStop(t, job, after, reached)
	requireOnePodPerRun(t, job, 2)
	job.DeleteAll(t)
}

// requireContinuedFromStop fails unless a run goes on from the savepoint that the one before was stopped with.
func requireContinuedFromStop(t *testing.T, job *flinkcluster.Cluster, cluster *v1beta1.FlinkCluster, reached progress) {
	t.Helper()
	status := cluster.Status.Components.Job
	require.Equal(t, status.SavepointLocation, status.FromSavepoint)
	restored := requireContinued(t, job, status.ID, reached)
	require.True(t, restored.IsSavepoint)
	require.Equal(t, status.FromSavepoint, restored.Path)
}

// TestUpgradeByLastState upgrades a job by its newest checkpoint: one that runs, and one that fails again and again, which
// Flink itself restarts. Then it throws the state away, as only upgradeMode stateless does.
func TestUpgradeByLastState(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := twoSlots(namespace.Counter("counter", flinkcluster.Pace(paceMillis)...))
	wanted.Spec.Job.UpgradeMode = v1beta1.UpgradeModeLastState
	job := namespace.Create(t, wanted)
	job.AwaitRunning(t, 1)

	steps := []struct {
		name string
		test func(*testing.T, *flinkcluster.Cluster)
	}{
		{"argument", testLastStateArgument},
		{"parallelism of a job that fails again and again", testLastStateParallelism},
		{"image", func(t *testing.T, job *flinkcluster.Cluster) {
			change := otherImage(t)
			reached := awaitCheckpointedCount(t, job, job.Get(t).Status.Components.Job.ID)
			requireContinuedFromCheckpoint(t, job, upgrade(t, job, change), reached)
		}},
		{"without state: argument", func(t *testing.T, job *flinkcluster.Cluster) {
			testStateless(t, job, withArguments(flinkcluster.Pace(paceMillis+1)...))
		}},
		{"without state: parallelism", func(t *testing.T, job *flinkcluster.Cluster) { testStateless(t, job, withParallelism(1)) }},
		{"without state: image", func(t *testing.T, job *flinkcluster.Cluster) {
			otherImage(t)
			testStateless(t, job, withImage(wanted.Spec.Image.Name))
		}},
	}
	runs := 1
	for _, step := range steps {
		require.True(t, t.Run(step.name, func(t *testing.T) {
			step.test(t, job)
			runs++
		}), "the next step expects the job to run")
	}
	requireOnePodPerRun(t, job, runs)
	assert.Empty(t, namespace.SavepointFolders(t), "a savepoint was taken")
	job.DeleteAll(t)
}

// testLastStateArgument gives the job an argument with which it will fail soon.
func testLastStateArgument(t *testing.T, job *flinkcluster.Cluster) {
	reached := awaitCheckpointedCount(t, job, job.Get(t).Status.Components.Job.ID)
	failing := append(flinkcluster.Pace(paceMillis), "--fail-at", fmt.Sprint(reached.count+2000))
	requireContinuedFromCheckpoint(t, job, upgrade(t, job, withArguments(failing...)), reached)
}

func testLastStateParallelism(t *testing.T, job *flinkcluster.Cluster) {
	id := job.Get(t).Status.Components.Job.ID
	reached := awaitCheckpointedCount(t, job, id)
	flinkcluster.Eventually(t, "Flink to restart the job again and again", func(ctx context.Context) error {
		checkpoints, err := job.ReadCheckpoints(ctx, id)
		// The run itself began with one.
		if err == nil && checkpoints.Counts.Restored < 3 {
			err = fmt.Errorf("it was restored %d times", checkpoints.Counts.Restored)
		}
		return err
	})
	after := upgrade(t, job, func(cluster *v1beta1.FlinkCluster) {
		withArguments(flinkcluster.Pace(paceMillis)...)(cluster)
		withParallelism(2)(cluster)
	})
	requireContinuedFromCheckpoint(t, job, after, reached)
}

func requireContinuedFromCheckpoint(t *testing.T, job *flinkcluster.Cluster, cluster *v1beta1.FlinkCluster, reached progress) {
	t.Helper()
	status := cluster.Status.Components.Job
	restored := requireContinued(t, job, status.ID, reached)
	require.Equal(t, restored.Path, status.FromSavepoint, "Flink restored something else than the status says")
	require.Contains(t, status.FromSavepoint, "/chk-")
}

// testStateless: the job begins again because it was asked to, and goes on from there.
func testStateless(t *testing.T, job *flinkcluster.Cluster, change edit) {
	before := awaitCheckpointedCount(t, job, job.Get(t).Status.Components.Job.ID)
	after := upgrade(t, job, func(cluster *v1beta1.FlinkCluster) {
		cluster.Spec.Job.UpgradeMode = v1beta1.UpgradeModeStateless
		change(cluster)
	}).Status.Components.Job
	require.Empty(t, after.FromSavepoint)
	require.Equal(t, after.Attempt, after.FirstAttempt)
	count, sinceSubmitted := job.AwaitFirstCount(t, after.ID)
	assert.LessOrEqual(t, count, int64(sinceSubmitted/time.Millisecond)/paceMillis, "the job did not begin from nothing, it was at %d", before.count)
	checkpoints, err := job.ReadCheckpoints(t.Context(), after.ID)
	require.NoError(t, err)
	assert.Nil(t, checkpoints.Latest.Restored)
	job.AwaitEvent(t, v1beta1.EventStateDiscarded, fmt.Sprintf("run %d", after.Attempt))
}

// TestUpgradeOfACrashLoop: each run of the job fails with its JobManager, and the operator restarts it ever more seldom. An
// edit is not kept waiting, and the job goes on from where it was.
func TestUpgradeOfACrashLoop(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("counter", append(flinkcluster.Pace(paceMillis), "--fail-at", "2000")...)
	wanted.Spec.FlinkProperties["restart-strategy.type"] = "none"
	wanted.Spec.Job.UpgradeMode = v1beta1.UpgradeModeLastState
	wanted.Spec.Job.RestartBackoff = &v1beta1.RestartBackoff{InitialSeconds: new(int32(300)), MaxSeconds: new(int32(300))}
	job := namespace.Create(t, wanted)
	reached := awaitCheckpointedCount(t, job, job.AwaitRunning(t, 1).Status.Components.Job.ID)
	failed := job.Await(t, "a restart in five minutes", func(cluster *v1beta1.FlinkCluster) bool {
		status := cluster.Status.Components.Job
		return status.ConsecutiveFailures == 2 && status.State == v1beta1.JobStateRestarting
	})
	require.Contains(t, failed.Status.Components.Job.FailureReasons[0], "failing at count 2000 as asked")
	requireContinuedFromCheckpoint(t, job, upgrade(t, job, withArguments(flinkcluster.Pace(paceMillis)...)), reached)
	requireOnePodPerRun(t, job, 3)
	job.DeleteAll(t)
}

// TestSuspend suspends a job, and resumes it with another spec. Suspended once more, it is deleted, and another cluster goes
// on from its savepoint.
func TestSuspend(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	job := namespace.Create(t, namespace.Counter("counter", flinkcluster.Pace(paceMillis)...))
	job.AwaitRunning(t, 1)

	var reached progress
	require.True(t, t.Run("suspend", func(t *testing.T) { reached = testSuspend(t, job) }))
	require.True(t, t.Run("resume", func(t *testing.T) { testResume(t, job, reached) }))
	var location string
	require.True(t, t.Run("suspend again", func(t *testing.T) {
		reached = testSuspend(t, job)
		location = job.Get(t).Status.Components.Job.SavepointLocation
	}))
	job.DeleteAll(t)
	t.Run("another cluster from the savepoint", func(t *testing.T) {
		wanted := namespace.Counter("counter", flinkcluster.Pace(paceMillis)...)
		wanted.Spec.Job.FromSavepoint = location
		recreated := namespace.Create(t, wanted)
		awaitReady(t, recreated)
		status := recreated.Get(t).Status.Components.Job
		require.EqualValues(t, 1, status.Attempt)
		require.Equal(t, location, requireContinued(t, recreated, status.ID, reached).Path)
		recreated.DeleteAll(t)
	})
	assert.Len(t, namespace.CompleteSavepoints(t), 2)
}

// testSuspend returns what the job had reached before.
func testSuspend(t *testing.T, job *flinkcluster.Cluster) progress {
	before := job.Get(t).Status.Components.Job
	reached := progress{count: job.AwaitCount(t, before.ID, 1000)}
	setState(t, job, v1beta1.DesiredJobStateSuspended)
	job.Namespace.Kubectl(t, "wait", "--for=jsonpath={.status.lifecycle}=Suspended", "flinkcluster/"+job.Name, "--timeout=2m")
	suspended := job.Get(t).Status
	require.Equal(t, v1beta1.JobStateSuspended, suspended.Components.Job.State)
	require.Equal(t, v1beta1.ClusterStateSuspended, suspended.State)
	require.Equal(t, v1beta1.SavepointReasonSuspend, suspended.Savepoint.TriggerReason)
	require.Equal(t, before.SavepointGeneration+1, suspended.Components.Job.SavepointGeneration)
	for conditionType, wanted := range map[string]metav1.ConditionStatus{
		v1beta1.ConditionReady: metav1.ConditionFalse, v1beta1.ConditionProgressing: metav1.ConditionFalse, v1beta1.ConditionDegraded: metav1.ConditionFalse,
	} {
		assert.True(t, meta.IsStatusConditionPresentAndEqual(suspended.Conditions, conditionType, wanted), conditionType)
	}
	job.AwaitEvent(t, v1beta1.EventJobSuspended, "")
	requireNoPods(t, job, 5*time.Second)
	return reached
}

func setState(t testing.TB, job *flinkcluster.Cluster, state v1beta1.DesiredJobState) {
	t.Helper()
	job.Namespace.Kubectl(t, "patch", "flinkcluster", job.Name, "--type=merge", "--patch", fmt.Sprintf(`{"spec":{"job":{"state":%q}}}`, state))
}

// requireNoPods looks for pods again and again.
func requireNoPods(t *testing.T, job *flinkcluster.Cluster, duration time.Duration) {
	t.Helper()
	for end := time.Now().Add(duration); time.Now().Before(end); {
		require.Empty(t, slices.Collect(maps.Keys(job.Pods(t, ""))))
		select {
		case <-t.Context().Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// testResume: what is edited meanwhile starts nothing, and is what the job goes on with.
func testResume(t *testing.T, job *flinkcluster.Cluster, reached progress) {
	before := job.Get(t).Status
	edited := job.Edit(t, withArguments(flinkcluster.Pace(paceMillis+1)...))
	job.Await(t, "the edit to be recorded", func(cluster *v1beta1.FlinkCluster) bool {
		status := cluster.Status
		return status.ObservedGeneration == edited.Generation && status.Revision.Current != before.Revision.Current && status.Revision.Next == ""
	})
	requireNoPods(t, job, 2*time.Second)
	setState(t, job, v1beta1.DesiredJobStateRunning)
	awaitReady(t, job)
	after := job.Get(t)
	require.Equal(t, before.Components.Job.Attempt+1, after.Status.Components.Job.Attempt)
	require.Equal(t, v1beta1.LifecycleRunning, after.Status.Lifecycle)
	requireSpecRuns(t, job, after)
	requireContinuedFromStop(t, job, after, reached)
	job.AwaitEvent(t, v1beta1.EventJobResumed, "")
}

// TestUpgradeOfASession: the pods of a session cluster are replaced, none of the new beside one of the old.
func TestUpgradeOfASession(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	session := namespace.Create(t, namespace.Session("session"))
	awaitReady(t, session)
	old := session.Identities(t, "")
	require.Len(t, old, 2)
	session.Edit(t, func(cluster *v1beta1.FlinkCluster) { twoSlots(cluster) })
	awaitReady(t, session)
	upgraded := session.Get(t).Status
	require.EqualValues(t, 1, upgraded.Revision.Rollout)
	require.Empty(t, upgraded.Revision.Next)
	require.Equal(t, v1beta1.ClusterStateRunning, upgraded.State)
	for _, pod := range session.Identities(t, "") {
		require.NotContains(t, old, pod)
	}
	flinkcluster.Eventually(t, "the slots of the new TaskManager", func(ctx context.Context) error { return session.ExpectSlots(ctx, 2) })
	session.DeleteAll(t)
}
