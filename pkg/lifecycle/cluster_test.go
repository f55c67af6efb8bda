package lifecycle

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

func TestCleanup(t *testing.T) {
	var (
		keep        = Plan{}
		all         = Plan{ConfigMap: Delete, Service: Delete, JobManager: Delete, TaskManager: Delete}
		taskManager = Plan{TaskManager: Delete}
	)
	plans := map[v1beta1.CleanupAction]Plan{
		v1beta1.CleanupActionKeepCluster: keep, v1beta1.CleanupActionDeleteCluster: all, v1beta1.CleanupActionDeleteTaskManager: taskManager,
	}
	never := policy(v1beta1.RestartPolicyNever)
	for state, set := range map[string]func(*v1beta1.CleanupPolicy) *v1beta1.CleanupAction{
		"Succeeded": func(p *v1beta1.CleanupPolicy) *v1beta1.CleanupAction { return &p.AfterJobSucceeds },
		"Cancelled": func(p *v1beta1.CleanupPolicy) *v1beta1.CleanupAction { return &p.AfterJobCancelled },
		"Failed":    func(p *v1beta1.CleanupPolicy) *v1beta1.CleanupAction { return &p.AfterJobFails },
		"Lost":      func(p *v1beta1.CleanupPolicy) *v1beta1.CleanupAction { return &p.AfterJobFails },
	} {
		for action, plan := range plans {
			t.Run(state+" "+string(action), func(t *testing.T) {
				cluster := newCluster(never, run(v1beta1.JobState(state)), spec(func(job *v1beta1.JobSpec) {
					job.CleanupPolicy = &v1beta1.CleanupPolicy{}
					*set(job.CleanupPolicy) = action
				}))
				require.Equal(t, plan, decideCluster(cluster, up(1), flink.Observation{}).Plan)
				slot(v1beta1.SavepointStateInProgress)(cluster)
				require.Equal(t, keep, decideCluster(cluster, up(1), flink.Observation{}).Plan, "the JobManager has a result to tell")
				slot(v1beta1.SavepointStateSucceeded)(cluster)
				control(v1beta1.ControlSavepoint, v1beta1.ControlStateInProgress, follows(1))(cluster)
				require.Equal(t, keep, decideCluster(cluster, up(1), flink.Observation{}).Plan, "the request has to take the result over")
				control(v1beta1.ControlSavepoint, v1beta1.ControlStateSucceeded, follows(1))(cluster)
				require.Equal(t, plan, decideCluster(cluster, up(1), flink.Observation{}).Plan)
			})
		}
	}
	t.Run("defaults", func(t *testing.T) {
		require.Equal(t, all, decideCluster(newCluster(run(v1beta1.JobStateSucceeded)), up(1), flink.Observation{}).Plan)
		require.Equal(t, keep, decideCluster(newCluster(never, run(v1beta1.JobStateFailed)), up(1), flink.Observation{}).Plan)
		require.Equal(t, all, decideCluster(newCluster(run(v1beta1.JobStateCancelled)), up(1), flink.Observation{}).Plan)
	})
	t.Run("a failed job that will be restarted keeps what it needs", func(t *testing.T) {
		cluster := newCluster(run(v1beta1.JobStateFailed), slot(v1beta1.SavepointStateInProgress), spec(func(job *v1beta1.JobSpec) {
			job.CleanupPolicy.AfterJobFails = v1beta1.CleanupActionDeleteCluster
		}))
		require.Equal(t, keep, decideCluster(cluster, up(1), heard()).Plan)
		slot(v1beta1.SavepointStateFailed)(cluster)
		unnoticed := heard(savepointsSeen(savepoint(1, 9)))
		require.Equal(t, keep, decideCluster(cluster, up(1), unnoticed).Plan)
	})
	t.Run("a job in an unknown state is left alone", func(t *testing.T) {
		decision := decideCluster(newCluster(run("Dreaming")), up(1), heard())
		require.Equal(t, keep, decision.Plan)
		require.Equal(t, v1beta1.JobState("Dreaming"), decision.Status.Components.Job.State)
	})
}

func TestSessionCluster(t *testing.T) {
	cluster := newCluster(func(c *v1beta1.FlinkCluster) { c.Spec.Job = nil })
	observed := flink.Observation{Reachable: true, AnsweredAt: start, Version: "2.1.0"}

	decision := settle(t, cluster, Children{}, flink.Observation{})
	require.Equal(t, Plan{ConfigMap: Apply, Service: Apply, JobManager: Apply, TaskManager: Apply}, decision.Plan)
	require.Nil(t, decision.Status.Components.Job)
	require.Equal(t, v1beta1.LifecycleCreating, decision.Status.Lifecycle)
	require.Equal(t, "ClusterNotReady", conditionOf(decision.Status, v1beta1.ConditionReady).Reason)

	settle(t, cluster, up(0), observed)
	require.Equal(t, v1beta1.ClusterStateRunning, cluster.Status.State)
	require.Equal(t, v1beta1.LifecycleRunning, cluster.Status.Lifecycle)
	require.Equal(t, "ClusterRunning", conditionOf(cluster.Status, v1beta1.ConditionReady).Reason)
	require.Equal(t, "2.1.0", cluster.Status.FlinkVersion)

	settle(t, cluster, up(0, func(c *Children) { c.Pods[2].Ready = false }), observed)
	require.Equal(t, v1beta1.ClusterStateReconciling, cluster.Status.State)
	require.Equal(t, "2/3", cluster.Status.Components.TaskManager.Ready)
}

func TestComponents(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateRunning))
	settle(t, cluster, up(1), heard())
	settle(t, cluster, up(1, jobManagerPod(func(pod *Pod) { pod.Deleting = true })), heard())
	components := cluster.Status.Components
	require.Equal(t, &v1beta1.ComponentStatus{Name: "counter-configmap", State: v1beta1.ComponentStateReady}, components.ConfigMap)
	require.Equal(t, &v1beta1.ComponentStatus{Name: "counter-jobmanager", State: v1beta1.ComponentStateReady}, components.JobManagerService)
	require.Equal(t, &v1beta1.WorkloadStatus{Name: "counter-jobmanager", State: v1beta1.ComponentStateNotReady, Replicas: 1, Ready: "0/1"}, components.JobManager)
	require.Equal(t, "counter-taskmanager", components.TaskManager.Name)
	require.Equal(t, "3/3", components.TaskManager.Ready)
	require.Equal(t, "cluster=counter,component=taskmanager", components.TaskManager.Selector)
	require.Equal(t, v1beta1.ClusterStateReconciling, cluster.Status.State)

	cluster = newCluster(run(v1beta1.JobStateSucceeded))
	settle(t, cluster, up(1), flink.Observation{})
	require.Equal(t, v1beta1.ClusterStateStopping, cluster.Status.State)
	settle(t, cluster, Children{ConfigMap: Object{Exists: true, Deleting: true}}, flink.Observation{})
	require.Equal(t, v1beta1.ClusterStateStopping, cluster.Status.State)
	settle(t, cluster, Children{}, flink.Observation{})
	require.Equal(t, v1beta1.ComponentStateDeleted, cluster.Status.Components.ConfigMap.State)
	require.Equal(t, v1beta1.ComponentStateDeleted, cluster.Status.Components.JobManager.State)
	require.Equal(t, v1beta1.ClusterStateStopped, cluster.Status.State)

	for name, test := range map[string]struct {
		action   v1beta1.CleanupAction
		children Children
		expected v1beta1.ClusterState
	}{
		"kept":              {v1beta1.CleanupActionKeepCluster, up(1), v1beta1.ClusterStateRunning},
		"kept, not ready":   {v1beta1.CleanupActionKeepCluster, up(1, func(c *Children) { c.Pods[1].Ready = false }), v1beta1.ClusterStatePartiallyStopped},
		"TaskManagers go":   {v1beta1.CleanupActionDeleteTaskManager, up(1), v1beta1.ClusterStateStopping},
		"TaskManagers gone": {v1beta1.CleanupActionDeleteTaskManager, up(1, func(c *Children) { c.TaskManager, c.Pods = Workload{}, c.Pods[:1] }), v1beta1.ClusterStatePartiallyStopped},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(run(v1beta1.JobStateSucceeded), spec(func(job *v1beta1.JobSpec) { job.CleanupPolicy.AfterJobSucceeds = test.action }))
			settle(t, cluster, test.children, flink.Observation{})
			require.Equal(t, test.expected, cluster.Status.State)
		})
	}
}

func TestLifecycleWord(t *testing.T) {
	second := func(job *v1beta1.JobStatus) { job.Attempt, job.ID = 2, JobID(testUID, 2) }
	for name, test := range map[string]struct {
		edits    []clusterEdit
		children Children
		expected v1beta1.Lifecycle
	}{
		"first run comes up":        {[]clusterEdit{run(v1beta1.JobStateDeploying)}, up(1), v1beta1.LifecycleCreating},
		"second run comes up":       {[]clusterEdit{run(v1beta1.JobStateDeploying, second)}, up(2), v1beta1.LifecycleRestarting},
		"running":                   {[]clusterEdit{run(v1beta1.JobStateRunning)}, up(1), v1beta1.LifecycleRunning},
		"running, savepoint":        {[]clusterEdit{run(v1beta1.JobStateRunning), slot(v1beta1.SavepointStateInProgress)}, up(1), v1beta1.LifecycleRunning},
		"being stopped":             {[]clusterEdit{run(v1beta1.JobStateRunning), slot(v1beta1.SavepointStateInProgress, stop)}, up(1), v1beta1.LifecycleStopping},
		"restarting":                {[]clusterEdit{run(v1beta1.JobStateRestarting)}, up(1), v1beta1.LifecycleRestarting},
		"finished":                  {[]clusterEdit{run(v1beta1.JobStateSucceeded)}, up(1), v1beta1.LifecycleFinished},
		"cancelled, cleaning up":    {[]clusterEdit{run(v1beta1.JobStateCancelled)}, up(1), v1beta1.LifecycleStopping},
		"cancelled, cleaned up":     {[]clusterEdit{run(v1beta1.JobStateCancelled)}, Children{}, v1beta1.LifecycleStopped},
		"failed":                    {[]clusterEdit{run(v1beta1.JobStateFailed), limit(0)}, up(1), v1beta1.LifecycleFailed},
		"lost":                      {[]clusterEdit{run(v1beta1.JobStateLost), limit(0)}, up(1), v1beta1.LifecycleFailed},
		"nothing decided so far":    {[]clusterEdit{run(v1beta1.JobStatePending)}, Children{}, v1beta1.LifecycleCreating},
		"cancelled before it began": {[]clusterEdit{cancelRequested}, Children{}, v1beta1.LifecycleStopped},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.expected, decideCluster(newCluster(test.edits...), test.children, flink.Observation{}).Status.Lifecycle)
		})
	}
}

// TestInputsStayAsTheyAre: decisions change a copy, never what they are given.
func TestInputsStayAsTheyAre(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateRunning), slot(v1beta1.SavepointStateInProgress), history(record(1, 0, 0), record(1, 1, 0)), annotated(v1beta1.ControlSavepoint))
	observed := heard(operation(flink.OperationSucceeded), savepointsSeen(savepoint(1, 6), savepoint(1, 0)), flinkSays(flink.JobFailed))
	children := up(1)
	clusterBefore, observedBefore := cluster.DeepCopy(), observed.DeepCopy()
	decideCluster(cluster, children, observed)
	decideSavepoint(cluster, observed, 0)
	decideControl(cluster, observed)
	slot(v1beta1.SavepointStateFailed)(cluster)
	clusterBefore.Status.Savepoint = cluster.Status.Savepoint.DeepCopy()
	decideSavepoint(cluster, observed, 0)
	require.Equal(t, clusterBefore, cluster)
	require.Equal(t, observedBefore, observed)
	require.Equal(t, up(1), children)
}
