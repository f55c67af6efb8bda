//go:build apiserver

package apiserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// runJobs is the controller of Jobs, for Jobs of one pod that is never made again.
func (m *machinery) runJobs(ctx context.Context) error {
	jobs, err := m.kinds.Batch().V1().Jobs().Lister().Jobs(m.namespace).List(labels.Everything())
	if err != nil {
		return err
	}
	for _, job := range jobs {
		if job.DeletionTimestamp != nil || slices.ContainsFunc(job.Status.Conditions, isEnd) {
			continue
		}
		if err := m.runJob(ctx, job); err != nil {
			return err
		}
	}
	return nil
}

func isEnd(condition batchv1.JobCondition) bool {
	return condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed
}

func (m *machinery) runJob(ctx context.Context, job *batchv1.Job) error {
	pods, err := m.podsOf(job)
	if err != nil {
		return err
	}
	if len(pods) == 0 && job.Status.StartTime == nil {
		// The record of the start comes after the pod: a pod that is gone later is then known to have been there.
		name := job.Name + "-" + string(job.UID[:5])
		if err := m.createPod(ctx, name, job, batchv1.SchemeGroupVersion.WithKind("Job"), job.Spec.Template, nil); err != nil {
			return err
		}
	}
	status := job.Status.DeepCopy()
	if status.StartTime == nil {
		status.StartTime = new(metav1.Now())
	}
	// Deleting its pod ends the Job too, as there is no second try.
	ended := status.StartTime.Equal(job.Status.StartTime) && len(pods) == 0
	succeeded := false
	status.Active, status.Ready, status.Terminating = 1, new(int32(0)), new(int32(0))
	for _, pod := range pods {
		ended = pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
		succeeded = pod.Status.Phase == corev1.PodSucceeded
		if isReady(pod) {
			status.Ready = new(int32(1))
		}
	}
	if ended {
		endJob(status, succeeded)
	}
	if apiequality.Semantic.DeepEqual(status, &job.Status) {
		return nil
	}
	updated := job.DeepCopy()
	updated.Status = *status
	_, err = m.client.BatchV1().Jobs(m.namespace).UpdateStatus(ctx, updated, metav1.UpdateOptions{})
	return err
}

func endJob(status *batchv1.JobStatus, succeeded bool) {
	now := metav1.Now()
	condition := func(conditionType batchv1.JobConditionType) batchv1.JobCondition {
		return batchv1.JobCondition{Type: conditionType, Status: corev1.ConditionTrue, Reason: "Test", LastTransitionTime: now, LastProbeTime: now}
	}
	status.Active, status.Ready = 0, new(int32(0))
	if succeeded {
		status.Succeeded, status.CompletionTime = 1, &now
		status.Conditions = append(status.Conditions, condition(batchv1.JobSuccessCriteriaMet), condition(batchv1.JobComplete))
		return
	}
	status.Failed = 1
	status.Conditions = append(status.Conditions, condition(batchv1.JobFailureTarget), condition(batchv1.JobFailed))
}

// revisionLabel is what a pod of a StatefulSet tells its template by.
const revisionLabel = appsv1.ControllerRevisionHashLabelKey

// runStatefulSets is the controller of StatefulSets, for parallel pod management without volumes.
func (m *machinery) runStatefulSets(ctx context.Context) error {
	sets, err := m.kinds.Apps().V1().StatefulSets().Lister().StatefulSets(m.namespace).List(labels.Everything())
	if err != nil {
		return err
	}
	for _, set := range sets {
		if set.DeletionTimestamp != nil {
			continue
		}
		if err := m.runStatefulSet(ctx, set); err != nil {
			return err
		}
	}
	return nil
}

func (m *machinery) runStatefulSet(ctx context.Context, set *appsv1.StatefulSet) error {
	pods, err := m.podsOf(set)
	if err != nil {
		return err
	}
	revision := templateHash(set)
	present, ready := map[string]bool{}, int32(0)
	for _, pod := range pods {
		present[pod.Name] = true
		ordinal, err := strconv.Atoi(pod.Name[strings.LastIndex(pod.Name, "-")+1:])
		if err != nil {
			return err
		}
		outdated := set.Spec.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType && pod.Labels[revisionLabel] != revision
		if pod.DeletionTimestamp == nil && (outdated || ordinal >= int(*set.Spec.Replicas)) {
			if err := ignoreGone(m.client.CoreV1().Pods(m.namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{})); err != nil {
				return err
			}
		}
		if isReady(pod) {
			ready++
		}
	}
	for ordinal := range *set.Spec.Replicas {
		name := fmt.Sprintf("%s-%d", set.Name, ordinal)
		if present[name] {
			continue
		}
		further := map[string]string{revisionLabel: revision, appsv1.StatefulSetPodNameLabel: name}
		if err := m.createPod(ctx, name, set, appsv1.SchemeGroupVersion.WithKind("StatefulSet"), set.Spec.Template, further); err != nil {
			return err
		}
	}
	updated := set.DeepCopy()
	updated.Status.ObservedGeneration, updated.Status.Replicas, updated.Status.ReadyReplicas = set.Generation, int32(len(pods)), ready
	if apiequality.Semantic.DeepEqual(updated.Status, set.Status) {
		return nil
	}
	_, err = m.client.AppsV1().StatefulSets(m.namespace).UpdateStatus(ctx, updated, metav1.UpdateOptions{})
	return err
}

func templateHash(set *appsv1.StatefulSet) string {
	// A template that came from the API server can be encoded.
	encoded, _ := json.Marshal(set.Spec.Template)
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:5])
}

func (m *machinery) createPod(ctx context.Context, name string, owner metav1.Object, kind schema.GroupVersionKind,
	template corev1.PodTemplateSpec, further map[string]string,
) error {
	pod := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: *template.Spec.DeepCopy()}
	pod.Name, pod.OwnerReferences = name, []metav1.OwnerReference{*metav1.NewControllerRef(owner, kind)}
	for key, value := range further {
		pod.Labels[key] = value
	}
	// Scheduled at once: a pod that is on a node goes in two steps when it is deleted, as a running one does.
	pod.Spec.NodeName = "node"
	_, err := m.client.CoreV1().Pods(m.namespace).Create(ctx, pod, metav1.CreateOptions{})
	return ignoreGone(err)
}
