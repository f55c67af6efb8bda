package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// deleted says that somebody has asked for the deletion just now.
func deleted(cluster *v1beta1.FlinkCluster) {
	cluster.Finalizers, cluster.DeletionTimestamp = []string{v1beta1.Finalizer}, at(0)
}

func withSavepoint(cluster *v1beta1.FlinkCluster) {
	cluster.Spec.Job.DeletionPolicy = v1beta1.DeletionPolicySavepoint
}

// deletion records a deletion of the first run that began some time ago.
func deletion(mode v1beta1.UpgradeMode, ago time.Duration) clusterEdit {
	return both(deleted, func(cluster *v1beta1.FlinkCluster) {
		cluster.Status.Components.Job.Transition = &v1beta1.JobTransition{
			Purpose: v1beta1.TransitionDelete, Mode: mode, StartTime: *at(-ago), Attempt: cluster.Status.Components.Job.Attempt,
		}
	})
}

func forDeletion(slot *v1beta1.SavepointStatus) {
	slot.Stop, slot.TriggerReason = true, v1beta1.SavepointReasonJobDeletion
}

// stopOf records an upgrade that the first run is being stopped for.
func stopOf(mode v1beta1.UpgradeMode) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) {
		cluster.Status.Components.Job.Transition = &v1beta1.JobTransition{
			Purpose: v1beta1.TransitionUpgrade, Mode: mode, StartTime: *at(-time.Second), Attempt: 1,
		}
	}
}

func decideOn(cluster *v1beta1.FlinkCluster, children Children, observed flink.Observation) ClusterDecision {
	return DecideCluster(ClusterInput{Cluster: cluster, Revision: "counter-1", Children: children, Observation: observed, Now: start})
}

// How a job is stopped is decided once, and recorded before anything is done.
func TestDeletionBegins(t *testing.T) {
	running := run(v1beta1.JobStateRunning)
	for name, test := range map[string]struct {
		edit    clusterEdit
		mode    v1beta1.UpgradeMode
		message string
	}{
		"a running job":                       {running, v1beta1.UpgradeModeStateless, ""},
		"with a savepoint":                    {both(running, withSavepoint), v1beta1.UpgradeModeSavepoint, ""},
		"nowhere to put it":                   {both(both(running, withSavepoint), noDirectory), v1beta1.UpgradeModeStateless, "no savepoint directory is known"},
		"it has not run":                      {both(run(v1beta1.JobStateDeploying), withSavepoint), v1beta1.UpgradeModeStateless, "the job does not run, it is Deploying"},
		"it waits for its restart":            {both(run(v1beta1.JobStateRestarting), withSavepoint), v1beta1.UpgradeModeStateless, "the job does not run, it is Restarting"},
		"it has failed":                       {both(run(v1beta1.JobStateFailed), withSavepoint), v1beta1.UpgradeModeStateless, "the job does not run, it is Failed"},
		"it has finished":                     {both(run(v1beta1.JobStateSucceeded), withSavepoint), v1beta1.UpgradeModeStateless, ""},
		"no run yet":                          {both(run(v1beta1.JobStatePending), withSavepoint), v1beta1.UpgradeModeStateless, ""},
		"stopped with a savepoint already":    {both(both(running, withSavepoint), stopOf(v1beta1.UpgradeModeSavepoint)), v1beta1.UpgradeModeSavepoint, ""},
		"being cancelled for an upgrade":      {both(both(running, withSavepoint), stopOf(v1beta1.UpgradeModeLastState)), v1beta1.UpgradeModeStateless, "the job is being cancelled already"},
		"stopped for an upgrade, and no wish": {both(running, stopOf(v1beta1.UpgradeModeSavepoint)), v1beta1.UpgradeModeStateless, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(test.edit, deleted)
			unconfirmed := decideOn(cluster, Children{}, heard())
			require.True(t, unconfirmed.Confirm, "a view that is behind may not show that the objects were orphaned")
			require.Equal(t, cluster.Status, unconfirmed.Status)
			decision := decideOn(cluster, Children{Confirmed: true}, heard())
			transition := decision.Status.Components.Job.Transition
			require.Equal(t, v1beta1.TransitionDelete, transition.Purpose)
			require.Equal(t, test.mode, transition.Mode)
			if test.message == "" {
				require.Empty(t, transition.Message)
			} else {
				require.Equal(t, withoutSavepoint(test.message), transition.Message)
			}
			require.Empty(t, decision.Effects)
			require.Equal(t, v1beta1.LifecycleDeleting, decision.Status.Lifecycle)
			require.Equal(t, v1beta1.ClusterStateStopping, decision.Status.State)
			require.Equal(t, metav1.ConditionFalse, conditionOf(decision.Status, v1beta1.ConditionReady).Status)
			require.Contains(t, conditionOf(decision.Status, v1beta1.ConditionProgressing).Message, "deletion since 2026-03-01T12:00:00Z")
		})
	}
}

// A deletion that has not begun waits for nothing but the look at the API server.
func TestDeletionOfAnEndedJobWithABusySlot(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateFailed), slot(v1beta1.SavepointStateInProgress), deleted)
	decision := decideOn(cluster, Children{}, heard())
	require.True(t, decision.Confirm)
	require.Equal(t, cluster.Status, decision.Status)
}

// deletionStep cases: what a run that has not ended comes to.
func TestDeletionOfARun(t *testing.T) {
	running := run(v1beta1.JobStateRunning)
	cancelling := func(ago time.Duration) clusterEdit { return both(running, deletion(v1beta1.UpgradeModeStateless, ago)) }
	saving := func(ago time.Duration) clusterEdit {
		return both(both(running, withSavepoint), deletion(v1beta1.UpgradeModeSavepoint, ago))
	}
	silent := flink.Observation{JobID: JobID(testUID, 1), Attempt: 1, Silent: true}
	for name, test := range map[string]struct {
		edit     clusterEdit
		observed flink.Observation
		cancels  bool
		files    bool
		ends     bool
		falls    string
	}{
		"cancelled":                                 {edit: cancelling(0), observed: heard(), cancels: true},
		"cancelled for a minute":                    {edit: cancelling(cancelWait + time.Second), observed: heard(), ends: true},
		"not heard yet":                             {edit: cancelling(0)},
		"silent for less than 30 s":                 {edit: cancelling(20 * time.Second), observed: silent},
		"silent for 30 s":                           {edit: cancelling(silenceWait + time.Second), observed: silent, ends: true},
		"a savepoint under way":                     {edit: both(cancelling(0), slot(v1beta1.SavepointStateInProgress)), observed: heard()},
		"a savepoint under way for a minute":        {edit: both(cancelling(underWayWait+time.Second), slot(v1beta1.SavepointStateInProgress)), observed: heard(), cancels: true},
		"a savepoint under way for two":             {edit: both(cancelling(underWayWait+cancelWait+time.Second), slot(v1beta1.SavepointStateInProgress)), observed: heard(), ends: true},
		"a savepoint under way, silence":            {edit: both(cancelling(silenceWait+time.Second), slot(v1beta1.SavepointStateInProgress)), observed: silent, ends: true},
		"a savepoint that has just ended":           {edit: both(cancelling(50*time.Second), slot(v1beta1.SavepointStateSucceeded)), observed: heard(), cancels: true},
		"never ran":                                 {edit: both(run(v1beta1.JobStateDeploying), deletion(v1beta1.UpgradeModeStateless, 0)), ends: true},
		"comes up":                                  {edit: both(run(v1beta1.JobStateDeploying), deletion(v1beta1.UpgradeModeStateless, 0)), observed: heard(), cancels: true},
		"finished meanwhile":                        {edit: cancelling(0), observed: heard(flinkSays(flink.JobFinished)), ends: true},
		"savepoint: filed":                          {edit: saving(0), observed: heard(), files: true},
		"savepoint: filed later":                    {edit: both(saving(0), slot(v1beta1.SavepointStateInProgress)), observed: heard()},
		"savepoint: under way":                      {edit: both(saving(0), slot(v1beta1.SavepointStateInProgress, forDeletion)), observed: heard()},
		"savepoint: failed":                         {edit: both(saving(time.Minute), slot(v1beta1.SavepointStateFailed, forDeletion)), observed: heard(), falls: "it broke"},
		"savepoint: another JobManager took over":   {edit: both(saving(time.Minute), slot(v1beta1.SavepointStateFailed, forDeletion, func(s *v1beta1.SavepointStatus) { s.JobStartTime = at(-time.Hour) })), observed: heard(), files: true},
		"savepoint: another failed":                 {edit: both(saving(0), slot(v1beta1.SavepointStateFailed)), observed: heard(), files: true},
		"savepoint: the stop of an upgrade failed":  {edit: both(saving(0), slot(v1beta1.SavepointStateFailed, stop)), observed: heard(), files: true},
		"savepoint: too long":                       {edit: both(saving(12*time.Minute), slot(v1beta1.SavepointStateInProgress, forDeletion)), observed: heard(), falls: "it was not completed within 11m0s"},
		"savepoint: Flink restarts the job":         {edit: saving(0), observed: heard(flinkSays(flink.JobRestarting)), falls: "the job does not run, Flink reports it as RESTARTING"},
		"savepoint: silent":                         {edit: saving(silenceWait + time.Second), observed: silent, falls: "the JobManager does not answer", ends: true},
		"savepoint: an operator that has just come": {edit: saving(5 * time.Minute)},
		"savepoint: there, and Flink lists the job": {edit: both(saving(0), slot(v1beta1.SavepointStateSucceeded, forDeletion)), observed: heard()},
		"savepoint: there, and Flink lies": {
			edit: both(saving(2*time.Minute), slot(v1beta1.SavepointStateSucceeded, forDeletion, func(s *v1beta1.SavepointStatus) { s.CompletionTime = at(-cancelWait) })), observed: heard(), ends: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(test.edit)
			before := cluster.Status.Savepoint
			decision := decideOn(cluster, runningChildren(), test.observed)
			job := decision.Status.Components.Job
			require.Equal(t, test.cancels, len(decision.Effects) == 1, decision.Effects)
			require.Equal(t, test.ends, !jobActive(job), job.State)
			if test.files {
				require.Equal(t, v1beta1.SavepointReasonJobDeletion, decision.Status.Savepoint.TriggerReason)
				require.True(t, decision.Status.Savepoint.Stop)
			} else {
				require.Equal(t, before, decision.Status.Savepoint)
			}
			if test.falls == "" {
				require.Empty(t, job.Transition.Message)
			} else {
				require.Equal(t, withoutSavepoint(test.falls), job.Transition.Message)
				require.Equal(t, v1beta1.UpgradeModeStateless, job.Transition.Mode)
			}
			require.False(t, decision.Release)
			if jobActive(job) {
				require.Equal(t, Plan{}, decision.Plan, "nothing is made or removed while the job runs")
				require.True(t, decision.RequeueAfter > 0 || test.falls != "", "it looks again")
				require.GreaterOrEqual(t, decision.RequeueAfter, time.Duration(0))
			}
		})
	}
}

func runningChildren() Children {
	workload := func(component string) (Workload, Pod) {
		return Workload{Object: Object{Exists: true, UID: "1"}, Attempt: 1, Replicas: 1}, Pod{Name: component + "-1", Component: component, Attempt: 1, Ready: true}
	}
	jobManager, first := workload(v1beta1.ComponentJobManager)
	taskManager, second := workload(v1beta1.ComponentTaskManager)
	return Children{
		ConfigMap: Object{Exists: true}, Service: Object{Exists: true}, JobManager: jobManager, TaskManager: taskManager, Pods: []Pod{first, second},
	}
}

// What runs goes first, then the rest, then the finalizer.
func TestDeletionRemoves(t *testing.T) {
	removes := Plan{JobManager: Delete, TaskManager: Delete}
	lets := Plan{ConfigMap: Delete, Service: Delete}
	pods := func(pods ...Pod) Children { return Children{Confirmed: true, Pods: pods} }
	for name, test := range map[string]struct {
		children Children
		plan     Plan
		confirms bool
		release  bool
		overdue  bool
	}{
		"all there":             {children: runningChildren(), plan: removes},
		"nothing in sight":      {children: Children{}, confirms: true},
		"nothing":               {children: pods(), plan: lets, release: true},
		"a pod that goes":       {children: pods(Pod{Attempt: 1, Deleting: true, GoneBy: start.Add(-time.Minute)}), plan: removes},
		"a pod with much time":  {children: pods(Pod{Attempt: 1, Deleting: true, GoneBy: start.Add(time.Hour)}), plan: removes},
		"a pod that stays":      {children: pods(Pod{Attempt: 1, Deleting: true, GoneBy: start.Add(-podsWait)}), plan: lets, release: true, overdue: true},
		"a pod that has ended":  {children: pods(Pod{Attempt: 1, Terminated: true}), plan: removes},
		"a pod of another life": {children: pods(Pod{Attempt: -1}), plan: lets, release: true},
		"a pod of nobody":       {children: pods(Pod{Attempt: 1, Loose: true}), plan: lets, release: true},
		"a workload that goes":  {children: Children{Confirmed: true, JobManager: Workload{Object: Object{Exists: true, Deleting: true, DeletedAt: start}}}, plan: removes},
		"a workload that stays": {
			children: Children{Confirmed: true, JobManager: Workload{Object: Object{Exists: true, Deleting: true, DeletedAt: start.Add(-podsWait)}}},
			plan:     lets, release: true, overdue: true,
		},
		"a workload that may not be deleted": {
			children: Children{Confirmed: true, TaskManager: Workload{Object: Object{Exists: true}}, Refused: []string{"StatefulSet/x: forbidden"}},
			plan:     lets, release: true, overdue: true,
		},
		"orphans": {children: Children{Orphaned: true, Pods: []Pod{{Attempt: 1}}}, release: true},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(run(v1beta1.JobStateCancelled), deletion(v1beta1.UpgradeModeStateless, 0))
			decision := decideOn(cluster, test.children, flink.Observation{})
			require.Equal(t, test.confirms, decision.Confirm)
			require.Equal(t, test.plan, decision.Plan)
			require.Equal(t, test.release, decision.Release)
			require.Equal(t, test.overdue, decision.Status.Components.Job.Transition.Message == podsLeft)
		})
	}
	t.Run("the result of a savepoint is waited for", func(t *testing.T) {
		cluster := newCluster(run(v1beta1.JobStateLost), deletion(v1beta1.UpgradeModeSavepoint, 0), slot(v1beta1.SavepointStateInProgress, forDeletion))
		require.Equal(t, Plan{}, decideOn(cluster, runningChildren(), flink.Observation{}).Plan)
		cluster.Status.Components.Job.Transition.StartTime, cluster.Status.Components.Job.CompletionTime = *at(-silenceWait - time.Second), at(-silenceWait-time.Second)
		require.Equal(t, removes, decideOn(cluster, runningChildren(), flink.Observation{}).Plan)
	})
	t.Run("a session cluster with the finalizer", func(t *testing.T) {
		cluster := newCluster(func(c *v1beta1.FlinkCluster) { c.Spec.Job = nil }, deleted)
		require.Equal(t, removes, decideOn(cluster, runningChildren(), flink.Observation{}).Plan)
		require.True(t, decideOn(cluster, pods(), flink.Observation{}).Release)
		require.False(t, NeedsFinalizer(cluster))
	})
	t.Run("never valid", func(t *testing.T) {
		decision := DecideCluster(ClusterInput{Cluster: newCluster(deleted), Children: pods(), Now: start})
		require.True(t, decision.Release)
	})
}

func TestReleased(t *testing.T) {
	require.False(t, Released(newCluster()))
	require.False(t, Released(newCluster(deleted)))
	require.True(t, Released(newCluster(deleted, func(c *v1beta1.FlinkCluster) { c.Finalizers = []string{"example.com/theirs"} })))
}

// Requests by annotation come too late.
func TestDeletionRefusesRequests(t *testing.T) {
	for _, value := range v1beta1.ControlValues() {
		cluster := newCluster(run(v1beta1.JobStateRunning), deletion(v1beta1.UpgradeModeStateless, 0), annotated(value))
		decision := DecideControl(ControlInput{Cluster: cluster, Observation: heard(), Now: start})
		require.Equal(t, v1beta1.ControlStateFailed, decision.Status.Control.State, value)
		require.Equal(t, refusedByDeletion, decision.Status.Control.Message, value)
		require.Nil(t, decision.Status.Savepoint, value)
	}
	cluster := newCluster(run(v1beta1.JobStateRunning), deletion(v1beta1.UpgradeModeStateless, 0),
		spec(func(job *v1beta1.JobSpec) { job.SavepointGeneration, job.AutoSavepointSeconds = 1, new(int32(1)) }))
	require.Nil(t, DecideSavepoint(SavepointInput{Cluster: cluster, Observation: heard(), Now: start}).Status.Savepoint)
}

func TestDeletionEvents(t *testing.T) {
	running := newCluster(run(v1beta1.JobStateRunning))
	begun := newCluster(run(v1beta1.JobStateRunning), deletion(v1beta1.UpgradeModeSavepoint, 0))
	fallen := begun.DeepCopy()
	fallen.Status.Components.Job.Transition.Message = withoutSavepoint("disk full")
	reasons := func(old, updated *v1beta1.FlinkCluster) (found []v1beta1.EventReason) {
		for _, event := range Events(old, updated) {
			found = append(found, event.Reason)
		}
		return found
	}
	require.Equal(t, []v1beta1.EventReason{v1beta1.EventDeletionStarted}, reasons(running, begun))
	require.Equal(t, []v1beta1.EventReason{v1beta1.EventDeletionFallback}, reasons(begun, fallen))
	require.Equal(t, []v1beta1.EventReason{v1beta1.EventDeletionStarted, v1beta1.EventDeletionFallback}, reasons(running, fallen))
	require.Empty(t, reasons(fallen, fallen))
}
