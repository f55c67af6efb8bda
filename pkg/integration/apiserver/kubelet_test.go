//go:build apiserver

package apiserver

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// runPods is the kubelet, with what it runs.
func (m *machinery) runPods(ctx context.Context) error {
	pods, err := m.kinds.Core().V1().Pods().Lister().Pods(m.namespace).List(labels.Everything())
	if err != nil {
		return err
	}
	for _, pod := range pods {
		switch {
		case pod.DeletionTimestamp != nil:
			m.endProcess(pod)
			options := metav1.DeleteOptions{GracePeriodSeconds: new(int64(0)), Preconditions: metav1.NewUIDPreconditions(string(pod.UID))}
			err = ignoreGone(m.client.CoreV1().Pods(m.namespace).Delete(ctx, pod.Name, options))
		case pod.Status.Phase == corev1.PodPending:
			m.startProcess(pod)
			err = ignoreGone(m.setPodStatus(ctx, pod, runningStatus(pod)))
		case pod.Status.Phase == corev1.PodFailed:
			m.endProcess(pod)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(condition corev1.PodCondition) bool {
		return condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
	})
}

func (m *machinery) setPodStatus(ctx context.Context, pod *corev1.Pod, status corev1.PodStatus) error {
	updated := pod.DeepCopy()
	updated.Status = status
	_, err := m.client.CoreV1().Pods(m.namespace).UpdateStatus(ctx, updated, metav1.UpdateOptions{})
	return err
}

func runningStatus(pod *corev1.Pod) corev1.PodStatus {
	now := metav1.Now()
	status := corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: &now, PodIP: "10.1.0.1", PodIPs: []corev1.PodIP{{IP: "10.1.0.1"}},
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: now},
			{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: now},
		},
	}
	for _, container := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, Ready: true,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	return status
}

// crashJobManager ends the JobManager of a cluster with an exit code and last words.
func (m *machinery) crashJobManager(t *testing.T, cluster string, exitCode int32, message string) {
	t.Helper()
	selector := labels.Set{v1beta1.LabelCluster: cluster, v1beta1.LabelComponent: v1beta1.ComponentJobManager}.AsSelector().String()
	pods, err := m.client.CoreV1().Pods(m.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: selector})
	require.NoError(t, err)
	require.Len(t, pods.Items, 1)
	pod := &pods.Items[0]
	status := *pod.Status.DeepCopy()
	status.Phase = corev1.PodFailed
	for i := range status.Conditions {
		if status.Conditions[i].Type == corev1.PodReady {
			status.Conditions[i].Status = corev1.ConditionFalse
		}
	}
	for i := range status.ContainerStatuses {
		status.ContainerStatuses[i].Ready = false
		status.ContainerStatuses[i].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: exitCode, Reason: "Error", Message: message, FinishedAt: metav1.Now(),
		}}
	}
	require.NoError(t, m.setPodStatus(t.Context(), pod, status))
}

// startProcess starts the JobManager of a pod as its arguments say. TaskManagers have nothing that anybody asks.
func (m *machinery) startProcess(pod *corev1.Pod) {
	if pod.Labels[v1beta1.LabelComponent] != v1beta1.ComponentJobManager {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.processes[string(pod.UID)] != nil {
		return
	}
	process, cluster := m.newProcess(), pod.Labels[v1beta1.LabelCluster]
	arguments := pod.Spec.Containers[0].Args
	if jobID := argument(arguments, "--job-id"); jobID != "" {
		process.StartJob(jobID, argument(arguments, "--fromSavepoint"))
	}
	m.processes[string(pod.UID)], m.current[cluster] = process, process
	m.network.Add(m.host(cluster), process)
}

func (m *machinery) endProcess(pod *corev1.Pod) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	cluster := pod.Labels[v1beta1.LabelCluster]
	if process := m.processes[string(pod.UID)]; process != nil && m.current[cluster] == process {
		m.network.Add(m.host(cluster), nil)
	}
}

func (m *machinery) host(cluster string) string {
	return fmt.Sprintf("%s-jobmanager.%s.svc:8081", cluster, m.namespace)
}

// argument is the word after a name.
func argument(arguments []string, name string) string {
	if at := slices.Index(arguments, name); at >= 0 && at+1 < len(arguments) {
		return arguments[at+1]
	}
	return ""
}
