package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// The revisions of these tests: the first was stable, the spec asks for the second, which runs.
const (
	firstRevision  = "counter-1"
	secondRevision = "counter-2"
	thirdRevision  = "counter-3"
	readiness      = 300 * time.Second
)

func rollsBack(cluster *v1beta1.FlinkCluster) { cluster.Spec.Rollback.Enabled = true }

// upgradedRun is a run of the second revision, recorded so long ago. It was started from a savepoint.
func upgradedRun(state v1beta1.JobState, since time.Duration, edits ...func(*v1beta1.JobStatus)) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) {
		run(state, append([]func(*v1beta1.JobStatus){func(job *v1beta1.JobStatus) {
			job.DeployTime, job.FromSavepoint = at(-since), otherPath
			if job.StartTime != nil {
				job.StartTime = at(-since)
			}
		}}, edits...)...)(cluster)
		cluster.Generation = 7
		cluster.Status.Revision = v1beta1.RevisionStatus{Current: secondRevision, Stable: firstRevision, StableGeneration: 6}
	}
}

func revision(edit func(*v1beta1.RevisionStatus)) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) { edit(&cluster.Status.Revision) }
}

func noStable(revision *v1beta1.RevisionStatus) { revision.Stable, revision.StableGeneration = "", 0 }

func failedSecond(revision *v1beta1.RevisionStatus) {
	revision.Failed, revision.FailureReason = secondRevision, "it broke"
}

func tasks(running int) func(*flink.Observation) {
	return func(observed *flink.Observation) { observed.Job.RunningTasks = running }
}

func noCheckpointYet(edits ...func(*flink.Observation)) flink.Observation {
	restored := func(observed *flink.Observation) {
		observed.Checkpoints = &flink.CheckpointStatistics{Restored: &flink.Snapshot{Location: otherPath}}
	}
	return heard(append([]func(*flink.Observation){restored}, edits...)...)
}

func decideRevision(cluster *v1beta1.FlinkCluster, next string, children Children, observed flink.Observation) ClusterDecision {
	return DecideCluster(ClusterInput{
		Cluster: cluster, Revision: cluster.Status.Revision.Current, NextRevision: next, Changed: []string{"spec.image.name"},
		Children: children, Observation: observed, Now: start,
	})
}

// TestRollbackRule is the rule: whether a run is rolled back, and whether its revision is stable.
func TestRollbackRule(t *testing.T) {
	const (
		deploying = v1beta1.JobStateDeploying
		running   = v1beta1.JobStateRunning
	)
	own := withCheckpoint
	off := func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Rollback.Enabled = false }
	silentRun := silentFor(time.Hour)
	silentRun.Checkpoints = nil
	for name, test := range map[string]struct {
		run      clusterEdit
		edits    []clusterEdit
		observed flink.Observation
		back     bool
		stable   bool
	}{
		"young, all tasks run":                  {run: upgradedRun(running, time.Minute), observed: noCheckpointYet()},
		"young, tasks missing":                  {run: upgradedRun(running, time.Minute), observed: noCheckpointYet(tasks(1))},
		"young, silent":                         {run: upgradedRun(running, time.Minute), observed: silentRun},
		"young, a checkpoint of its own":        {run: upgradedRun(running, time.Second), observed: heard(), stable: true},
		"a checkpoint, seen while it starts":    {run: upgradedRun(deploying, time.Second), observed: heard(tasks(1)), stable: true},
		"a checkpoint, and it restarts":         {run: upgradedRun(running, time.Hour), observed: heard(flinkSays(flink.JobRestarting)), stable: true},
		"a recorded checkpoint, nothing heard":  {run: upgradedRun(running, time.Hour, own), stable: true},
		"a savepoint of its own":                {run: upgradedRun(running, time.Second), edits: []clusterEdit{history(record(1, 9, 0))}, observed: noCheckpointYet(), stable: true},
		"a savepoint of the run before":         {run: upgradedRun(running, time.Second), edits: []clusterEdit{history(record(9, 9, 0))}, observed: noCheckpointYet()},
		"a second too early":                    {run: upgradedRun(running, readiness-time.Second), observed: noCheckpointYet()},
		"in time, all tasks run":                {run: upgradedRun(running, readiness), observed: noCheckpointYet(), stable: true},
		"in time, tasks missing":                {run: upgradedRun(running, readiness), observed: noCheckpointYet(tasks(1)), back: true},
		"in time, restarts within Flink":        {run: upgradedRun(running, readiness), observed: noCheckpointYet(flinkSays(flink.JobRestarting)), back: true},
		"in time, never ran":                    {run: upgradedRun(deploying, readiness), observed: noCheckpointYet(tasks(0)), back: true},
		"in time, the JobManager never came":    {run: upgradedRun(deploying, readiness), observed: flink.Observation{JobID: JobID(testUID, 1), Attempt: 1, Silent: true}, back: true},
		"in time, not listed":                   {run: upgradedRun(deploying, readiness), observed: noCheckpointYet(unlisted(2)), back: true},
		"in time, nothing heard yet":            {run: upgradedRun(deploying, time.Hour)},
		"in time, heard of another run":         {run: upgradedRun(running, time.Hour), observed: noCheckpointYet(tasks(1), func(o *flink.Observation) { o.JobID = JobID(testUID, 9) })},
		"in time, rollback off":                 {run: upgradedRun(running, time.Hour), edits: []clusterEdit{off}, observed: noCheckpointYet(tasks(1))},
		"all tasks run, rollback off":           {run: upgradedRun(running, time.Hour), edits: []clusterEdit{off}, observed: noCheckpointYet(), stable: true},
		"in time, nothing was ever stable":      {run: upgradedRun(running, time.Hour), edits: []clusterEdit{revision(noStable)}, observed: noCheckpointYet(tasks(1))},
		"the first that is stable":              {run: upgradedRun(running, time.Hour), edits: []clusterEdit{revision(noStable)}, observed: noCheckpointYet(), stable: true},
		"stable before, tasks missing":          {run: upgradedRun(running, time.Hour), edits: []clusterEdit{revision(func(r *v1beta1.RevisionStatus) { r.Stable = r.Current })}, observed: noCheckpointYet(tasks(1)), stable: true},
		"another time to become ready":          {run: upgradedRun(running, time.Minute), edits: []clusterEdit{func(c *v1beta1.FlinkCluster) { c.Spec.Rollback.ReadinessSeconds = new(int32(60)) }}, observed: noCheckpointYet(tasks(1)), back: true},
		"recorded by an older operator":         {run: upgradedRun(running, time.Hour, func(job *v1beta1.JobStatus) { job.DeployTime = nil }), observed: noCheckpointYet(), stable: true},
		"failed":                                {run: upgradedRun(v1beta1.JobStateFailed, time.Second), back: true},
		"failed, rollback off":                  {run: upgradedRun(v1beta1.JobStateFailed, time.Second), edits: []clusterEdit{off}},
		"failed, nothing was ever stable":       {run: upgradedRun(v1beta1.JobStateFailed, time.Second), edits: []clusterEdit{revision(noStable)}},
		"failed, never to be restarted":         {run: upgradedRun(v1beta1.JobStateFailed, time.Second), edits: []clusterEdit{policy(v1beta1.RestartPolicyNever)}, back: true},
		"failed after a checkpoint unseen":      {run: upgradedRun(v1beta1.JobStateFailed, time.Second, own), back: true},
		"failed, stable before":                 {run: upgradedRun(v1beta1.JobStateFailed, time.Hour), edits: []clusterEdit{revision(func(r *v1beta1.RevisionStatus) { r.Stable = r.Current })}, stable: true},
		"lost":                                  {run: upgradedRun(v1beta1.JobStateLost, time.Second), back: true},
		"not resumed, as its state is missing":  {run: upgradedRun(v1beta1.JobStateFailed, time.Second, func(job *v1beta1.JobStatus) { job.CancelledBy = v1beta1.CancelledBySpec })},
		"not upgraded, as its state is missing": {run: upgradedRun(v1beta1.JobStateFailed, time.Second, func(job *v1beta1.JobStatus) { job.Transition = &v1beta1.JobTransition{Attempt: 1} })},
		"cancelled":                             {run: upgradedRun(v1beta1.JobStateCancelled, time.Hour, func(job *v1beta1.JobStatus) { job.CancelledBy = v1beta1.CancelledByOther })},
		"cancelled with a savepoint":            {run: upgradedRun(v1beta1.JobStateCancelled, time.Hour, func(job *v1beta1.JobStatus) { job.CancelledBy = v1beta1.CancelledByOther }), edits: []clusterEdit{stoppedBefore}, stable: true},
		"finished":                              {run: upgradedRun(v1beta1.JobStateSucceeded, time.Hour), stable: true},
		"cancel requested":                      {run: upgradedRun(running, time.Hour), edits: []clusterEdit{cancelRequested}, observed: noCheckpointYet(tasks(1))},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(append([]clusterEdit{rollsBack, test.run}, test.edits...)...)
			status := decideRevision(cluster, "", up(1), test.observed).Status
			transition := status.Components.Job.Transition
			require.Equal(t, test.back, transition != nil && transition.Purpose == v1beta1.TransitionRollBack)
			require.Equal(t, test.stable, status.Revision.Stable == secondRevision)
			if test.back {
				require.Equal(t, v1beta1.UpgradeModeLastState, transition.Mode)
				require.Equal(t, secondRevision, status.Revision.Failed)
				require.NotEmpty(t, status.Revision.FailureReason)
				require.Equal(t, v1beta1.LifecycleRollingBack, status.Lifecycle)
				require.Equal(t, reasonUpgradeFailed, conditionOf(status, v1beta1.ConditionDegraded).Reason)
				require.Equal(t, metav1.ConditionTrue, conditionOf(status, v1beta1.ConditionProgressing).Status)
				require.Nil(t, status.Savepoint, "no savepoint of a run that is not stable")
				return
			}
			require.Empty(t, status.Revision.Failed)
			if test.stable && test.run != nil && status.Revision.StableGeneration != 0 {
				require.EqualValues(t, 7, status.Revision.StableGeneration)
			}
		})
	}
}

// A run that is not stable is looked at again when its time is over, and not before anything happens once it is.
func TestReadinessIsLookedAtInTime(t *testing.T) {
	cluster := newCluster(upgradedRun(v1beta1.JobStateRunning, time.Minute), noDirectory)
	require.Equal(t, start.Truncate(time.Second).Add(4*time.Minute).Sub(start), decideRevision(cluster, "", up(1), noCheckpointYet()).RequeueAfter)
	cluster = newCluster(upgradedRun(v1beta1.JobStateRunning, time.Hour), noDirectory)
	require.Zero(t, decideRevision(cluster, "", up(1), noCheckpointYet(tasks(1))).RequeueAfter)
}

// TestSilentRunIsWaitedFor: an operator that has just started cannot tell for how long a JobManager has not answered.
func TestSilentRunIsWaitedFor(t *testing.T) {
	silent := flink.Observation{JobID: JobID(testUID, 1), Attempt: 1, Silent: true}
	cluster := newCluster(rollsBack, upgradedRun(v1beta1.JobStateRunning, time.Hour))
	for _, test := range []struct {
		status metav1.ConditionStatus
		since  time.Duration
		back   bool
	}{
		{metav1.ConditionTrue, time.Hour, false},
		{metav1.ConditionUnknown, silenceWait - 2*time.Second, false},
		{metav1.ConditionUnknown, silenceWait, true},
	} {
		cluster.Status.Conditions = []metav1.Condition{{Type: v1beta1.ConditionReady, Status: test.status, Reason: "X", LastTransitionTime: *at(-test.since)}}
		decision := decideRevision(cluster, "", up(1), silent)
		require.Equal(t, test.back, decision.Status.Revision.Failed != "")
		require.Equal(t, !test.back, decision.RequeueAfter > 0 && decision.RequeueAfter <= silenceWait)
	}
}

// TestRollbackStory follows a rollback from the failure to the stable revision.
func TestRollbackStory(t *testing.T) {
	cluster := newCluster(rollsBack, upgradedRun(v1beta1.JobStateFailed, time.Minute), policy(v1beta1.RestartPolicyNever))
	step := func(next string, children Children, observed flink.Observation) ClusterDecision {
		decision := decideRevision(cluster, next, children, observed)
		cluster.Status = stored(t, decision.Status)
		return decision
	}
	step("", up(1), flink.Observation{})
	require.Equal(t, v1beta1.JobStateUpdating, jobOf(cluster).State)
	require.Equal(t, "it broke", cluster.Status.Revision.FailureReason)

	started := step("", Children{}, flink.Observation{})
	require.Equal(t, v1beta1.JobStateDeploying, jobOf(cluster).State)
	require.Equal(t, firstRevision, cluster.Status.Revision.Current)
	require.Equal(t, secondRevision, cluster.Status.Revision.Failed)
	require.Equal(t, otherPath, jobOf(cluster).FromSavepoint, "what the failed run was started from")
	require.Equal(t, v1beta1.LifecycleRollingBack, started.Status.Lifecycle)

	// From here on the spec asks for a revision that differs from the one in force.
	step(secondRevision, up(2), flink.Observation{})
	second := noCheckpointYet(func(o *flink.Observation) {
		o.JobID, o.Attempt, o.Job.ID, o.Checkpoints.Restored = JobID(testUID, 2), 2, JobID(testUID, 2), &flink.Snapshot{Location: otherPath}
	})
	for range 2 {
		status := step(secondRevision, up(2), second).Status
		require.Equal(t, v1beta1.RevisionStatus{
			Current: firstRevision, Stable: firstRevision, StableGeneration: 6, Failed: secondRevision, FailureReason: "it broke",
		}, status.Revision)
		require.Equal(t, v1beta1.LifecycleRolledBack, status.Lifecycle)
		ready, degraded := conditionOf(status, v1beta1.ConditionReady), conditionOf(status, v1beta1.ConditionDegraded)
		require.Equal(t, metav1.ConditionTrue, ready.Status)
		require.EqualValues(t, 6, ready.ObservedGeneration)
		require.Equal(t, reasonRolledBack, degraded.Reason)
		require.Contains(t, degraded.Message, "the upgrade to counter-2 (spec.image.name) failed, and counter-1 is in force again")
		require.Contains(t, degraded.Message, "it broke")
		require.Equal(t, metav1.ConditionFalse, conditionOf(status, v1beta1.ConditionProgressing).Status)
	}

	t.Run("the stable revision falls under the restart policy", func(t *testing.T) {
		failing := cluster.DeepCopy()
		run(v1beta1.JobStateFailed)(failing)
		require.Equal(t, v1beta1.JobStateFailed, decideRevision(failing, secondRevision, up(1), flink.Observation{}).Status.Components.Job.State)
		policy(v1beta1.RestartPolicyFromLatestStateOnFailure)(failing)
		status := decideRevision(failing, secondRevision, up(1), flink.Observation{}).Status
		require.Equal(t, v1beta1.JobStateRestarting, status.Components.Job.State)
		require.Equal(t, firstRevision, status.Revision.Current)
	})
	t.Run("the user takes the upgrade back", func(t *testing.T) {
		status := decideRevision(cluster.DeepCopy(), "", up(2), second).Status
		require.Empty(t, status.Revision.Failed)
		require.Empty(t, status.Revision.FailureReason)
		require.Equal(t, v1beta1.LifecycleRunning, status.Lifecycle)
		require.EqualValues(t, 7, conditionOf(status, v1beta1.ConditionReady).ObservedGeneration)
		require.EqualValues(t, 7, status.Revision.StableGeneration)
	})
	t.Run("the user makes an invalid edit", func(t *testing.T) {
		invalid := cluster.DeepCopy()
		status := DecideCluster(ClusterInput{Cluster: invalid, Revision: firstRevision, Problem: &SpecProblem{Message: "no"}, Children: up(2), Observation: second, Now: start}).Status
		require.Equal(t, secondRevision, status.Revision.Failed)
	})
	t.Run("another upgrade", func(t *testing.T) {
		status := decideRevision(cluster.DeepCopy(), thirdRevision, up(2), second).Status
		require.Equal(t, v1beta1.TransitionUpgrade, status.Components.Job.Transition.Purpose)
		require.Equal(t, thirdRevision, status.Revision.Next)
	})
	t.Run("tried again by nonce", func(t *testing.T) {
		again := cluster.DeepCopy()
		again.Spec.RestartNonce = new(int64(3))
		status := decideRevision(again, secondRevision, up(2), second).Status
		require.Equal(t, v1beta1.TransitionUpgrade, status.Components.Job.Transition.Purpose)
		require.Equal(t, secondRevision, status.Revision.Next)
	})
}

// TestNextRun: which revision a run gets, in every state of a rollback. The spec asks for the second, or for another one.
func TestNextRun(t *testing.T) {
	nonce := func(cluster *v1beta1.FlinkCluster) { cluster.Spec.RestartNonce = new(int64(3)) }
	redeploy := spec(func(job *v1beta1.JobSpec) { job.FromSavepoint, job.SavepointRedeployNonce = otherPath, new(int64(3)) })
	back := revision(func(r *v1beta1.RevisionStatus) { r.Current = firstRevision })
	for name, test := range map[string]struct {
		edits  []clusterEdit
		next   string
		gets   string
		failed bool
	}{
		"no rollback":                          {gets: secondRevision},
		"an upgrade":                           {next: thirdRevision, gets: thirdRevision},
		"in a rollback":                        {edits: []clusterEdit{revision(failedSecond)}, gets: firstRevision, failed: true},
		"another edit in a rollback":           {edits: []clusterEdit{revision(failedSecond)}, next: thirdRevision, gets: thirdRevision},
		"taken back in a rollback":             {edits: []clusterEdit{revision(failedSecond)}, next: firstRevision, gets: firstRevision},
		"restartNonce in a rollback":           {edits: []clusterEdit{revision(failedSecond), nonce}, gets: secondRevision},
		"savepointRedeployNonce in a rollback": {edits: []clusterEdit{revision(failedSecond), redeploy}, gets: secondRevision},
		"rolled back":                          {edits: []clusterEdit{revision(failedSecond), back}, next: secondRevision, gets: firstRevision, failed: true},
		"rolled back, another edit":            {edits: []clusterEdit{revision(failedSecond), back}, next: thirdRevision, gets: thirdRevision},
		"rolled back, restartNonce":            {edits: []clusterEdit{revision(failedSecond), back, nonce}, next: secondRevision, gets: secondRevision},
		"rolled back, savepointRedeployNonce":  {edits: []clusterEdit{revision(failedSecond), back, redeploy}, next: secondRevision, gets: secondRevision},
		"rolled back, spec of before again":    {edits: []clusterEdit{revision(failedSecond), back}, gets: firstRevision},
	} {
		t.Run(name, func(t *testing.T) {
			updating := upgradedRun(v1beta1.JobStateUpdating, time.Minute, func(job *v1beta1.JobStatus) {
				job.CompletionTime = at(-time.Minute)
				job.Transition = &v1beta1.JobTransition{Purpose: v1beta1.TransitionRollBack, Mode: v1beta1.UpgradeModeLastState, StartTime: *at(0), Attempt: 1}
			})
			cluster := newCluster(append([]clusterEdit{rollsBack, updating}, test.edits...)...)
			status := decideRevision(cluster, test.next, Children{}, flink.Observation{}).Status
			require.Equal(t, v1beta1.JobStateDeploying, status.Components.Job.State)
			require.Equal(t, test.gets, status.Revision.Current)
			require.Equal(t, test.failed, status.Revision.Failed == secondRevision)
			require.Equal(t, firstRevision, status.Revision.Stable)
			require.Equal(t, at(0), status.Components.Job.DeployTime)
		})
	}
}

// TestSuspendedRollback: a job that is suspended while it is rolled back gets the stable revision at once, and rests.
func TestSuspendedRollback(t *testing.T) {
	suspendedJob := upgradedRun(v1beta1.JobStateSuspended, time.Minute, func(job *v1beta1.JobStatus) {
		job.Transition = &v1beta1.JobTransition{Purpose: v1beta1.TransitionSuspend, Mode: v1beta1.UpgradeModeLastState, StartTime: *at(0), Attempt: 1}
	})
	cluster := newCluster(rollsBack, suspendedJob, suspended, revision(failedSecond))
	status := decideRevision(cluster, "", Children{}, flink.Observation{}).Status
	require.Equal(t, v1beta1.JobStateSuspended, status.Components.Job.State)
	require.Equal(t, firstRevision, status.Revision.Current)
	require.Equal(t, secondRevision, status.Revision.Failed)
}

// TestRollbackOfAStatelessUpgrade: what the user had thrown away does not come back, and nothing more is thrown away.
func TestRollbackOfAStatelessUpgrade(t *testing.T) {
	for name, test := range map[string]struct {
		edit     func(*v1beta1.JobStatus)
		expected string
	}{
		"completed nothing":      {func(*v1beta1.JobStatus) {}, ""},
		"completed a checkpoint": {withCheckpoint, checkpointPath(1, 5)},
	} {
		t.Run(name, func(t *testing.T) {
			failed := upgradedRun(v1beta1.JobStateFailed, time.Minute, func(job *v1beta1.JobStatus) { job.FirstAttempt, job.FromSavepoint = 1, "" }, test.edit)
			thrownAway := record(0, 3, time.Minute)
			cluster := newCluster(rollsBack, mode(v1beta1.UpgradeModeStateless), failed, history(thrownAway))
			cluster.Status = stored(t, decideRevision(cluster, "", up(1), flink.Observation{}).Status)
			status := decideRevision(cluster, "", Children{}, flink.Observation{}).Status
			require.Equal(t, v1beta1.JobStateDeploying, status.Components.Job.State)
			require.Equal(t, firstRevision, status.Revision.Current)
			require.Equal(t, test.expected, status.Components.Job.FromSavepoint)
		})
	}
}

// TestRollbackThatCannotStart: state that is too old is not used, and the job that is left alone says so.
func TestRollbackThatCannotStart(t *testing.T) {
	tooOld := spec(func(job *v1beta1.JobSpec) { job.MaxStateAgeToRestoreSeconds = new(int32(60)) })
	old := both(tooOld, history(record(0, 3, time.Hour)))
	from := func(job *v1beta1.JobStatus) { job.FromSavepoint = savepointPath(0, 3) }
	for name, test := range map[string]struct {
		run      clusterEdit
		observed flink.Observation
	}{
		"alive":  {upgradedRun(v1beta1.JobStateRunning, time.Hour, from), noCheckpointYet(tasks(1))},
		"failed": {upgradedRun(v1beta1.JobStateFailed, time.Hour, from), flink.Observation{}},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(rollsBack, test.run, old)
			before := jobOf(cluster).State
			status := decideRevision(cluster, "", up(1), test.observed).Status
			require.Equal(t, before, status.Components.Job.State)
			require.Empty(t, status.Revision.Failed)
			require.Equal(t, reasonStateTooOld, conditionOf(status, v1beta1.ConditionDegraded).Reason)
		})
	}
}

// TestRollbackReasons: what kept a run from becoming stable is told in the end, when it is gone.
func TestRollbackReasons(t *testing.T) {
	cluster := newCluster(rollsBack, upgradedRun(v1beta1.JobStateDeploying, time.Hour))
	waiting := up(1, func(c *Children) {
		c.Pods[1].Waiting, c.Pods[1].Ready = "taskmanager: ImagePullBackOff: no such image", false
	})
	status := decideRevision(cluster, "", waiting, noCheckpointYet(tasks(0), func(o *flink.Observation) { o.Exceptions = []string{"no slots"} })).Status
	for _, reason := range []string{"not stable after 300 seconds", "no slots", "pod tm-0 waits: taskmanager: ImagePullBackOff"} {
		require.Contains(t, status.Revision.FailureReason, reason)
		require.Contains(t, conditionOf(status, v1beta1.ConditionDegraded).Message, reason)
	}
}

// TestRollbackEvents: one for the failure, one for what is done about it, one for the result.
func TestRollbackEvents(t *testing.T) {
	before := newCluster(rollsBack, upgradedRun(v1beta1.JobStateFailed, time.Minute))
	begun := before.DeepCopy()
	begun.Status = decideRevision(before, "", up(1), flink.Observation{}).Status
	require.Equal(t, []v1beta1.EventReason{v1beta1.EventUpgradeFailed, v1beta1.EventTransitionStarted}, reasons(Events(before, begun)))
	started := begun.DeepCopy()
	started.Status = decideRevision(begun, "", Children{}, flink.Observation{}).Status
	require.Equal(t, []v1beta1.EventReason{v1beta1.EventRolledBack, v1beta1.EventJobStarting}, reasons(Events(begun, started)))
}

func reasons(events []v1beta1.Event) []v1beta1.EventReason {
	var found []v1beta1.EventReason
	for _, event := range events {
		found = append(found, event.Reason)
	}
	return found
}
