package cluster

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/flink-operator/flink-operator/pkg/lifecycle"
)

// observePod reads from a pod what decisions need; the main container is named like the component.
func observePod(pod *corev1.Pod, component string) lifecycle.Pod {
	seen := lifecycle.Pod{
		Name: pod.Name, Component: component, Attempt: attempt(pod), Deleting: pod.DeletionTimestamp != nil,
		Terminated: pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed,
		Reason:     pod.Status.Reason, Message: pod.Status.Message,
	}
	if pod.DeletionTimestamp != nil {
		seen.GoneBy = pod.DeletionTimestamp.Time
	}
	containers := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
	observeConditions(&seen, pod.Status.Conditions)
	observeEnd(&seen, pod, containers)
	if !seen.Terminated && seen.Waiting == "" {
		seen.Waiting = waiting(containers)
	}
	return seen
}

func observeConditions(seen *lifecycle.Pod, conditions []corev1.PodCondition) {
	for _, condition := range conditions {
		switch {
		case condition.Type == corev1.PodReady:
			seen.Ready = condition.Status == corev1.ConditionTrue
		case condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse:
			seen.Waiting = condition.Reason + ": " + condition.Message
		}
	}
}

// waiting says what a container waits for, beyond the ordinary course of a start.
func waiting(containers []corev1.ContainerStatus) string {
	for _, container := range containers {
		state := container.State.Waiting
		if state != nil && state.Reason != "PodInitializing" && state.Reason != "ContainerCreating" {
			return container.Name + ": " + state.Reason + ": " + state.Message
		}
	}
	return ""
}

// observeEnd reads how the main container ended, or the init container that failed and so ended the pod.
func observeEnd(seen *lifecycle.Pod, pod *corev1.Pod, containers []corev1.ContainerStatus) {
	for _, container := range containers {
		end, main := container.State.Terminated, container.Name == seen.Component
		if main {
			seen.Restarts = container.RestartCount
			if end == nil && container.RestartCount > 0 {
				end = container.LastTerminationState.Terminated
			}
		}
		if end == nil || !main && end.ExitCode == 0 {
			continue
		}
		seen.ExitCode = new(end.ExitCode)
		if end.Reason != "" {
			seen.Reason = end.Reason
		}
		if end.Message != "" {
			seen.Message = end.Message
			if !main {
				seen.Message = "init container " + container.Name + ": " + end.Message
			}
		}
		if main {
			// A sidecar may run on; a main container that is not restarted is the end all the same.
			seen.Terminated = seen.Terminated || pod.Spec.RestartPolicy == corev1.RestartPolicyNever
			return
		}
	}
}
