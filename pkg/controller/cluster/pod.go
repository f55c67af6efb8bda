package cluster

import (
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
	for _, condition := range pod.Status.Conditions {
		switch {
		case condition.Type == corev1.PodReady:
			seen.Ready = condition.Status == corev1.ConditionTrue
		case condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse:
			seen.Waiting = condition.Reason + ": " + condition.Message
		}
	}
	for _, container := range append(append([]corev1.ContainerStatus{}, pod.Status.InitContainerStatuses...), pod.Status.ContainerStatuses...) {
		if waiting := container.State.Waiting; waiting != nil && seen.Waiting == "" && waiting.Reason != "PodInitializing" && waiting.Reason != "ContainerCreating" {
			seen.Waiting = container.Name + ": " + waiting.Reason + ": " + waiting.Message
		}
		ended := container.State.Terminated
		// An init container that failed ends the pod as well.
		if ended == nil || container.Name != component && ended.ExitCode == 0 {
			continue
		}
		seen.ExitCode = new(ended.ExitCode)
		if ended.Reason != "" {
			seen.Reason = ended.Reason
		}
		if ended.Message != "" {
			seen.Message = ended.Message
		}
		if container.Name == component {
			// A sidecar may run on; a main container that is not restarted is the end all the same.
			seen.Terminated = seen.Terminated || pod.Spec.RestartPolicy == corev1.RestartPolicyNever
			break
		}
	}
	if seen.Terminated {
		seen.Waiting = ""
	}
	return seen
}
