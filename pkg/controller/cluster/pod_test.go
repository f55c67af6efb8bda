package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
)

func terminated(container string, exitCode int32, reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: container, State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: exitCode, Reason: reason, Message: message},
	}}
}

func waitingFor(container, reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: container, State: corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message},
	}}
}

// What a pod's status means for the run that it belongs to. The statuses are those that a kubelet writes.
func TestObservePod(t *testing.T) {
	const main = v1beta1.ComponentJobManager
	for name, test := range map[string]struct {
		status        corev1.PodStatus
		restartPolicy corev1.RestartPolicy
		deleted       bool
		want          lifecycle.Pod
	}{
		"just made": {want: lifecycle.Pod{}},
		"no node fits": {
			status: corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes are available",
			}}},
			want: lifecycle.Pod{Waiting: "Unschedulable: 0/1 nodes are available"},
		},
		"the ordinary course of a start": {
			status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{waitingFor(main, "ContainerCreating", "")}},
			want:   lifecycle.Pod{},
		},
		"no such image": {
			status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{waitingFor(main, "ImagePullBackOff", "not found")}},
			want:   lifecycle.Pod{Waiting: main + ": ImagePullBackOff: not found"},
		},
		"an init container waits": {
			status: corev1.PodStatus{
				Phase:                 corev1.PodPending,
				InitContainerStatuses: []corev1.ContainerStatus{waitingFor("fetch", "CrashLoopBackOff", "back-off")},
				ContainerStatuses:     []corev1.ContainerStatus{waitingFor(main, "PodInitializing", "")},
			},
			want: lifecycle.Pod{Waiting: "fetch: CrashLoopBackOff: back-off"},
		},
		"ready": {
			status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
			want:   lifecycle.Pod{Ready: true},
		},
		"failed": {
			status: corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{terminated(main, 2, "Error", "boom")}},
			want:   lifecycle.Pod{Terminated: true, ExitCode: new(int32(2)), Reason: "Error", Message: "boom"},
		},
		"out of memory": {
			status: corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{terminated(main, 137, "OOMKilled", "")}},
			want:   lifecycle.Pod{Terminated: true, ExitCode: new(int32(137)), Reason: "OOMKilled"},
		},
		"evicted before it ran": {
			status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "the node was low on memory"},
			want:   lifecycle.Pod{Terminated: true, Reason: "Evicted", Message: "the node was low on memory"},
		},
		"an init container failed": {
			status: corev1.PodStatus{
				Phase:                 corev1.PodFailed,
				InitContainerStatuses: []corev1.ContainerStatus{terminated("fetch", 0, "Completed", ""), terminated("stage", 1, "Error", "cp: no such file")},
				ContainerStatuses:     []corev1.ContainerStatus{waitingFor(main, "PodInitializing", "")},
			},
			want: lifecycle.Pod{Terminated: true, ExitCode: new(int32(1)), Reason: "Error", Message: "init container stage: cp: no such file"},
		},
		"a sidecar outlives the main container": {
			status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{
				terminated(main, 163, "Error", ""), {Name: "sidecar", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
			}},
			restartPolicy: corev1.RestartPolicyNever,
			want:          lifecycle.Pod{Terminated: true, ExitCode: new(int32(163)), Reason: "Error"},
		},
		"a main container that will be started again": {
			status:        corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{terminated(main, 1, "Error", "")}},
			restartPolicy: corev1.RestartPolicyAlways,
			want:          lifecycle.Pod{ExitCode: new(int32(1)), Reason: "Error"},
		},
		"a main container that was started again": {
			status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
				Name: main, RestartCount: 2, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
				LastTerminationState: terminated(main, 2, "Error", "boom").State,
			}}},
			restartPolicy: corev1.RestartPolicyAlways,
			want:          lifecycle.Pod{Restarts: 2, ExitCode: new(int32(2)), Reason: "Error", Message: "boom"},
		},
		"a sidecar ended well": {
			status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{
				{Name: main, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}, terminated("sidecar", 0, "Completed", ""),
			}},
			restartPolicy: corev1.RestartPolicyNever,
			want:          lifecycle.Pod{},
		},
		"being deleted": {deleted: true, status: corev1.PodStatus{Phase: corev1.PodRunning}, want: lifecycle.Pod{Deleting: true, GoneBy: time.Unix(0, 0)}},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: "a-jobmanager-x", Labels: map[string]string{v1beta1.LabelAttempt: "3"}},
				Spec:       corev1.PodSpec{RestartPolicy: test.restartPolicy}, Status: test.status,
			}
			if test.deleted {
				pod.DeletionTimestamp = new(metav1.NewTime(time.Unix(0, 0)))
			}
			test.want.Name, test.want.Component, test.want.Attempt = "a-jobmanager-x", main, 3
			require.Equal(t, test.want, observePod(pod, main))
		})
	}
}
