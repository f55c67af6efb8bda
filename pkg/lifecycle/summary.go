package lifecycle

import (
	"fmt"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// summarise fills what follows from the rest: components, cluster state, lifecycle and conditions.
func summarise(in ClusterInput, status *v1beta1.FlinkClusterStatus, plan Plan) {
	status.ObservedGeneration = in.Cluster.Generation
	setComponents(in, status)
	status.State = clusterState(in, status, plan)
	status.Lifecycle = lifecycleWord(status)
	if deleting(in.Cluster) {
		status.State, status.Lifecycle = v1beta1.ClusterStateStopping, v1beta1.LifecycleDeleting
	}
	setConditions(in, status)
}

func setComponents(in ClusterInput, status *v1beta1.FlinkClusterStatus) {
	components, name := &status.Components, in.Cluster.Name
	attempt := runNumber(status)
	components.ConfigMap = objectStatus(components.ConfigMap, in.Children.ConfigMap, name+"-configmap")
	components.JobManagerService = objectStatus(components.JobManagerService, in.Children.Service, name+"-jobmanager")
	jobManager := workloadStatus(in, in.Children.JobManager, components.JobManager != nil, v1beta1.ComponentJobManager, attempt)
	components.JobManager = jobManager
	before := components.TaskManager
	components.TaskManager = nil
	if taskManager := workloadStatus(in, in.Children.TaskManager, before != nil, v1beta1.ComponentTaskManager, attempt); taskManager != nil {
		components.TaskManager = &v1beta1.TaskManagerStatus{
			WorkloadStatus: *taskManager,
			Selector:       v1beta1.LabelCluster + "=" + name + "," + v1beta1.LabelComponent + "=" + v1beta1.ComponentTaskManager,
		}
	}
}

// runNumber is what the pods of now bear: the number of the run, or of the rollout of a session cluster.
func runNumber(status *v1beta1.FlinkClusterStatus) int32 {
	if job := status.Components.Job; job != nil {
		return job.Attempt
	}
	return status.Revision.Rollout
}

func objectStatus(before *v1beta1.ComponentStatus, seen Object, name string) *v1beta1.ComponentStatus {
	switch {
	case seen.Exists && !seen.Deleting:
		return &v1beta1.ComponentStatus{Name: name, State: v1beta1.ComponentStateReady}
	case before == nil:
		return nil
	}
	return &v1beta1.ComponentStatus{Name: name, State: v1beta1.ComponentStateDeleted}
}

// workloadStatus is nil as long as the workload has not been seen in this run: that it was seen is what tells a
// JobManager that has to be made from one that has gone.
func workloadStatus(in ClusterInput, seen Workload, seenBefore bool, component string, attempt int32) *v1beta1.WorkloadStatus {
	present := seen.Exists && seen.Attempt == attempt
	if !present && !seenBefore {
		return nil
	}
	result := &v1beta1.WorkloadStatus{Name: in.Cluster.Name + "-" + component, State: v1beta1.ComponentStateDeleted}
	if present && !seen.Ended {
		result.Replicas = seen.Replicas
		result.ReadyReplicas = min(in.Children.ready(component, attempt), seen.Replicas)
		result.State = v1beta1.ComponentStateNotReady
		if result.ReadyReplicas == result.Replicas && result.Replicas > 0 {
			result.State = v1beta1.ComponentStateReady
		}
	}
	result.Ready = fmt.Sprintf("%d/%d", result.ReadyReplicas, result.Replicas)
	return result
}

// clusterState sums up the JobManager, its service and the TaskManagers, as the first FlinkCluster operators did.
func clusterState(in ClusterInput, status *v1beta1.FlinkClusterStatus, plan Plan) v1beta1.ClusterState {
	components := status.Components
	jobManagerReady := components.JobManager != nil && components.JobManager.State == v1beta1.ComponentStateReady
	taskManagersReady := components.TaskManager != nil && components.TaskManager.State == v1beta1.ComponentStateReady
	allReady := jobManagerReady && taskManagersReady && in.Children.Service.Exists
	if state := transitionState(components.Job); state != "" {
		return state
	}
	switch {
	case jobEnded(components.Job):
		return endedClusterState(in, plan, allReady)
	case allReady:
		return v1beta1.ClusterStateRunning
	case status.State == "" || status.State == v1beta1.ClusterStateCreating:
		return v1beta1.ClusterStateCreating
	case components.Job == nil && status.State == v1beta1.ClusterStateUpdating:
		return v1beta1.ClusterStateUpdating
	}
	return v1beta1.ClusterStateReconciling
}

// transitionState is the cluster state of an upgrade or a suspension; empty if there is none.
func transitionState(job *v1beta1.JobStatus) v1beta1.ClusterState {
	stopping := stoppingFor(job)
	switch {
	case job == nil:
		return ""
	case job.State == v1beta1.JobStateSuspended:
		return v1beta1.ClusterStateSuspended
	case job.State == v1beta1.JobStateSuspending, stopping != nil && stopping.Purpose == v1beta1.TransitionSuspend && jobActive(job):
		return v1beta1.ClusterStateSuspending
	case job.State == v1beta1.JobStateUpdating, stopping != nil && jobActive(job):
		return v1beta1.ClusterStateUpdating
	}
	return ""
}

func endedClusterState(in ClusterInput, plan Plan, allReady bool) v1beta1.ClusterState {
	seen := in.Children
	anyLeft := seen.ConfigMap.Exists || seen.Service.Exists || seen.JobManager.Exists || seen.TaskManager.Exists
	switch {
	case plan.JobManager == Delete && anyLeft, plan.TaskManager == Delete && seen.TaskManager.Exists:
		return v1beta1.ClusterStateStopping
	case !anyLeft:
		return v1beta1.ClusterStateStopped
	case allReady:
		return v1beta1.ClusterStateRunning
	}
	return v1beta1.ClusterStatePartiallyStopped
}

// jobEnded says whether the job has an end state. A failed job that is about to be restarted has one for a moment.
func jobEnded(job *v1beta1.JobStatus) bool {
	if job == nil {
		return false
	}
	switch job.State {
	case v1beta1.JobStateSucceeded, v1beta1.JobStateCancelled, v1beta1.JobStateFailed, v1beta1.JobStateLost:
		return true
	case v1beta1.JobStatePending, v1beta1.JobStateDeploying, v1beta1.JobStateRunning, v1beta1.JobStateRestarting,
		v1beta1.JobStateUpdating, v1beta1.JobStateSuspending, v1beta1.JobStateSuspended:
	}
	return false
}

func deployingWord(job *v1beta1.JobStatus) v1beta1.Lifecycle {
	switch {
	case job.Transition != nil:
		return transitionWord(job.Transition)
	case job.Attempt > 1:
		return v1beta1.LifecycleRestarting
	}
	return v1beta1.LifecycleCreating
}

func runningWord(status *v1beta1.FlinkClusterStatus) v1beta1.Lifecycle {
	if transition := stoppingFor(status.Components.Job); transition != nil {
		return transitionWord(transition)
	}
	if stop := status.Savepoint; SavepointBusy(stop) && stop.Stop {
		return v1beta1.LifecycleStopping
	}
	if rolledBack(status.Revision) {
		return v1beta1.LifecycleRolledBack
	}
	return v1beta1.LifecycleRunning
}

func sessionWord(state v1beta1.ClusterState) v1beta1.Lifecycle {
	//exhaustive:ignore
	switch state {
	case v1beta1.ClusterStateCreating:
		return v1beta1.LifecycleCreating
	case v1beta1.ClusterStateUpdating:
		return v1beta1.LifecycleUpgrading
	}
	return v1beta1.LifecycleRunning
}

// transitionWord is the word for a transition on its way; nil is a resumption.
func transitionWord(transition *v1beta1.JobTransition) v1beta1.Lifecycle {
	switch {
	case transition == nil, transition.Purpose == v1beta1.TransitionRestart, transition.Purpose == v1beta1.TransitionResume:
		return v1beta1.LifecycleRestarting
	case transition.Purpose == v1beta1.TransitionSuspend:
		return v1beta1.LifecycleSuspending
	case transition.Purpose == v1beta1.TransitionRollBack:
		return v1beta1.LifecycleRollingBack
	}
	return v1beta1.LifecycleUpgrading
}

func lifecycleWord(status *v1beta1.FlinkClusterStatus) v1beta1.Lifecycle {
	job := status.Components.Job
	if job == nil {
		return sessionWord(status.State)
	}
	switch job.State {
	case v1beta1.JobStatePending:
		return v1beta1.LifecycleCreating
	case v1beta1.JobStateDeploying:
		return deployingWord(job)
	case v1beta1.JobStateUpdating:
		return transitionWord(job.Transition)
	case v1beta1.JobStateSuspending:
		return v1beta1.LifecycleSuspending
	case v1beta1.JobStateSuspended:
		return v1beta1.LifecycleSuspended
	case v1beta1.JobStateRunning:
		return runningWord(status)
	case v1beta1.JobStateRestarting:
		return v1beta1.LifecycleRestarting
	case v1beta1.JobStateSucceeded:
		return v1beta1.LifecycleFinished
	case v1beta1.JobStateCancelled:
		if status.State == v1beta1.ClusterStateStopping {
			return v1beta1.LifecycleStopping
		}
		return v1beta1.LifecycleStopped
	case v1beta1.JobStateFailed, v1beta1.JobStateLost:
	}
	return v1beta1.LifecycleFailed
}
