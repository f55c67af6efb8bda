package world

import (
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// Exit is how the main container of a pod ends.
type Exit struct {
	Code    int32
	Reason  string
	Message string
}

// OOMKilled is the end of a container that took more memory than it may.
var OOMKilled = Exit{Code: 137, Reason: "OOMKilled"}

// ExitPod has the main container of a pod end by itself. Where the pod's restart policy says so it starts again.
func (w *World) ExitPod(name string, exit Exit) {
	w.t.Helper()
	pod := fixture.Get[corev1.Pod](w.t, w.API, builders.Namespace, name)
	require.NotNil(w.t, pod, "no pod %s", name)
	w.kubelet.mutex.Lock()
	record := w.kubelet.pods[pod.UID]
	record.exit, record.exitAt = &exit, time.Now()
	w.kubelet.mutex.Unlock()
	w.kubelet.signal()
}

// DeletePod has a pod deleted, as a user, an eviction or the loss of a node would.
func (w *World) DeletePod(name string) {
	w.t.Helper()
	w.Remove("Pod/" + name)
}

// BlockPods keeps the containers of a component from starting, for a reason such as ImagePullBackOff. An empty reason
// lets them start again.
func (w *World) BlockPods(component, reason, message string) {
	w.kubelet.mutex.Lock()
	defer w.kubelet.mutex.Unlock()
	if reason == "" {
		delete(w.kubelet.blocked, component)
	} else {
		w.kubelet.blocked[component] = corev1.ContainerStateWaiting{Reason: reason, Message: message}
	}
	w.kubelet.signal()
}

// BreakImage has the JobManagers of an image end some seconds after their start, as one whose jar has no such class does. Only
// those that start from now on.
func (w *World) BreakImage(image string, exit Exit) {
	w.kubelet.mutex.Lock()
	defer w.kubelet.mutex.Unlock()
	w.kubelet.broken[image] = exit
}

// MendImage takes BreakImage back.
func (w *World) MendImage(image string) {
	w.kubelet.mutex.Lock()
	defer w.kubelet.mutex.Unlock()
	delete(w.kubelet.broken, image)
}

// runPod moves a pod on, and returns when it will be due again; 0 for never.
func (k *kubelet) runPod(pod *corev1.Pod, now time.Time) time.Duration {
	record := k.pods[pod.UID]
	if record == nil {
		return 0 // not one of ours
	}
	switch main := pod.Labels[v1beta1.LabelComponent]; {
	case pod.DeletionTimestamp != nil:
		return k.stopPod(pod, record, now)
	case isPending(pod) && k.blocked[main].Reason != "":
		waiting := k.blocked[main]
		k.setPod(pod, corev1.PodPending, corev1.ContainerState{Waiting: &waiting}, false)
	case isPending(pod):
		if due := record.made.Add(PodStarts).Sub(now); due > 0 {
			return due
		}
		k.startPod(pod, record, now)
		return PodReady
	case pod.Status.Phase == corev1.PodRunning:
		return k.runningPod(pod, record, now)
	}
	return 0
}

func (k *kubelet) startPod(pod *corev1.Pod, record *podRecord, now time.Time) {
	record.started = now
	k.world.note("pod %s starts", pod.Name)
	k.setPod(pod, corev1.PodRunning, running(), false)
	if pod.Labels[v1beta1.LabelComponent] == v1beta1.ComponentJobManager {
		k.startJobManager(pod, record)
	}
}

func (k *kubelet) runningPod(pod *corev1.Pod, record *podRecord, now time.Time) time.Duration {
	if record.exit != nil {
		if due := record.exitAt.Sub(now); due > 0 {
			return due
		}
		k.exitPod(pod, record, now)
		return PodReady
	}
	if isReady(pod) {
		return 0
	}
	if due := record.started.Add(PodReady).Sub(now); due > 0 {
		return due
	}
	k.setPod(pod, corev1.PodRunning, running(), true)
	return 0
}

// exitPod ends the main container, and starts it again where the restart policy says so.
func (k *kubelet) exitPod(pod *corev1.Pod, record *podRecord, now time.Time) {
	exit := *record.exit
	record.exit = nil
	k.world.note("pod %s ends with %+v", pod.Name, exit)
	record.endProcess()
	if pod.Spec.RestartPolicy == corev1.RestartPolicyAlways {
		record.restarts, record.last = record.restarts+1, &exit
		k.startPod(pod, record, now)
		return
	}
	phase, reason := corev1.PodSucceeded, "Completed"
	if exit.Code != 0 {
		phase, reason = corev1.PodFailed, "Error"
	}
	if exit.Reason != "" {
		reason = exit.Reason
	}
	k.setPod(pod, phase, corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: exit.Code, Reason: reason, Message: exit.Message},
	}, false)
}

func (k *kubelet) stopPod(pod *corev1.Pod, record *podRecord, now time.Time) time.Duration {
	if record.deleted.IsZero() {
		record.deleted = now
	}
	if due := record.deleted.Add(k.world.podsStopAfter()).Sub(now); due > 0 && pod.Status.Phase == corev1.PodRunning {
		return due
	}
	k.world.note("pod %s is gone", pod.Name)
	record.endProcess()
	pod = pod.DeepCopy()
	pod.Finalizers = nil
	fixture.Replace(k.world.t, k.world.API, pod)
	return 0
}

func (r *podRecord) endProcess() {
	if r.process != nil {
		r.process.end()
		r.process = nil
	}
}

func (k *kubelet) setPod(pod *corev1.Pod, phase corev1.PodPhase, state corev1.ContainerState, ready bool) {
	condition := corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse}
	if ready {
		condition.Status = corev1.ConditionTrue
	}
	status := corev1.PodStatus{
		Phase: phase, Conditions: []corev1.PodCondition{condition},
		ContainerStatuses: []corev1.ContainerStatus{{Name: pod.Labels[v1beta1.LabelComponent], Ready: ready, State: state}},
	}
	if record := k.pods[pod.UID]; record != nil && record.last != nil {
		status.ContainerStatuses[0].RestartCount = record.restarts
		status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{
			ExitCode: record.last.Code, Reason: record.last.Reason, Message: record.last.Message,
		}
	}
	if apiequality.Semantic.DeepEqual(pod.Status, status) {
		return
	}
	pod = pod.DeepCopy()
	pod.Status = status
	if fixture.Replace(k.world.t, k.world.API, pod) {
		k.world.note("pod %s: %s, ready: %t", pod.Name, phase, ready)
	}
}

func running() corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
}

// isPending is also for a pod without a phase, which is how it is made.
func isPending(pod *corev1.Pod) bool {
	return pod.Status.Phase == "" || pod.Status.Phase == corev1.PodPending
}

func isReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}

func attemptOf(labels map[string]string) string {
	if attempt := labels[v1beta1.LabelAttempt]; attempt != "" {
		return attempt
	}
	return "0"
}
