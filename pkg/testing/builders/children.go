package builders

import (
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// childMeta is the metadata of a child of cluster for a run; run 0 is none, as in a session cluster.
func childMeta(cluster *v1beta1.FlinkCluster, name, component string, attempt int32) metav1.ObjectMeta {
	labels := map[string]string{
		v1beta1.LabelCluster:   cluster.Name,
		v1beta1.LabelApp:       v1beta1.AppFlink,
		v1beta1.LabelManagedBy: v1beta1.ManagedByOperator,
	}
	if component != "" {
		labels[v1beta1.LabelComponent] = component
	}
	if attempt > 0 {
		labels[v1beta1.LabelAttempt] = strconv.Itoa(int(attempt))
		labels[v1beta1.LabelJobID] = JobID(attempt)
		if job := cluster.Status.Components.Job; job != nil && job.Attempt == attempt && job.ID != "" {
			labels[v1beta1.LabelJobID] = job.ID
		}
	}
	return metav1.ObjectMeta{
		Namespace:       cluster.Namespace,
		Name:            name,
		Labels:          labels,
		OwnerReferences: []metav1.OwnerReference{OwnedBy(cluster)},
	}
}

// OwnedBy is the reference of a child to its cluster.
func OwnedBy(cluster *v1beta1.FlinkCluster) metav1.OwnerReference {
	return *metav1.NewControllerRef(cluster, v1beta1.SchemeGroupVersion.WithKind(v1beta1.Kind))
}

// ConfigMap of a cluster.
func ConfigMap(cluster *v1beta1.FlinkCluster) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: childMeta(cluster, cluster.Name+"-configmap", "", 0)}
}

// JobManagerService of a cluster.
func JobManagerService(cluster *v1beta1.FlinkCluster) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: childMeta(cluster, cluster.Name+"-jobmanager", v1beta1.ComponentJobManager, 0),
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIP: "10.0.0.1"},
	}
}

// JobManagerJob is the workload of the JobManager of an application.
func JobManagerJob(cluster *v1beta1.FlinkCluster, attempt int32) *batchv1.Job {
	return &batchv1.Job{
		ObjectMeta: childMeta(cluster, cluster.Name+"-jobmanager", v1beta1.ComponentJobManager, attempt),
		Spec:       batchv1.JobSpec{Parallelism: new(int32(1)), Completions: new(int32(1)), BackoffLimit: new(int32(0))},
		Status:     batchv1.JobStatus{Active: 1},
	}
}

// EndedJobManagerJob is one whose pod has ended, well or not.
func EndedJobManagerJob(cluster *v1beta1.FlinkCluster, attempt int32, condition batchv1.JobConditionType) *batchv1.Job {
	job := JobManagerJob(cluster, attempt)
	job.Status = batchv1.JobStatus{
		Conditions: []batchv1.JobCondition{{Type: condition, Status: corev1.ConditionTrue}},
	}
	return job
}

// StatefulSet of a component, with so many pods wanted and ready. The JobManager of a session cluster is one too.
func StatefulSet(cluster *v1beta1.FlinkCluster, component string, attempt, replicas, ready int32) *appsv1.StatefulSet {
	return &appsv1.StatefulSet{
		ObjectMeta: childMeta(cluster, cluster.Name+"-"+component, component, attempt),
		Spec:       appsv1.StatefulSetSpec{Replicas: &replicas},
		Status:     appsv1.StatefulSetStatus{Replicas: replicas, ReadyReplicas: ready},
	}
}

// PodOption changes a pod that is being built.
type PodOption func(*corev1.Pod)

// JobManagerPod of a run. It is ready unless an option says otherwise.
func JobManagerPod(cluster *v1beta1.FlinkCluster, attempt int32, options ...PodOption) *corev1.Pod {
	name := fmt.Sprintf("%s-jobmanager-%d", cluster.Name, attempt)
	return pod(cluster, name, v1beta1.ComponentJobManager, attempt, options)
}

// TaskManagerPod number index of a run. It is ready unless an option says otherwise.
func TaskManagerPod(cluster *v1beta1.FlinkCluster, attempt, index int32, options ...PodOption) *corev1.Pod {
	name := fmt.Sprintf("%s-taskmanager-%d", cluster.Name, index)
	return pod(cluster, name, v1beta1.ComponentTaskManager, attempt, options)
}

func pod(cluster *v1beta1.FlinkCluster, name, component string, attempt int32, options []PodOption) *corev1.Pod {
	result := &corev1.Pod{
		ObjectMeta: childMeta(cluster, name, component, attempt),
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: component, Image: cluster.Spec.Image.Name}}},
		Status: corev1.PodStatus{
			Phase:      corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			ContainerStatuses: []corev1.ContainerStatus{{
				Name: component, Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
			}},
		},
	}
	for _, option := range options {
		option(result)
	}
	return result
}

// NotReady pods run and are not ready yet.
func NotReady() PodOption {
	return func(pod *corev1.Pod) {
		pod.Status.Conditions[0].Status = corev1.ConditionFalse
		pod.Status.ContainerStatuses[0].Ready = false
	}
}

// Waiting pods do not run, for a reason such as ImagePullBackOff.
func Waiting(reason, message string) PodOption {
	return func(pod *corev1.Pod) {
		NotReady()(pod)
		pod.Status.Phase = corev1.PodPending
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{
			Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message},
		}
	}
}

// Unschedulable pods find no node.
func Unschedulable(message string) PodOption {
	return func(pod *corev1.Pod) {
		pod.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{
			{Type: corev1.PodReady, Status: corev1.ConditionFalse},
			{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse,
				Reason: corev1.PodReasonUnschedulable, Message: message,
			},
		}}
	}
}

// Exited pods have ended with an exit code; message is what the main container wrote as its last words.
func Exited(code int32, message string) PodOption {
	return func(pod *corev1.Pod) {
		NotReady()(pod)
		pod.Status.Phase = corev1.PodSucceeded
		reason := "Completed"
		if code != 0 {
			pod.Status.Phase, reason = corev1.PodFailed, "Error"
		}
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: message},
		}
	}
}

// Evicted pods were ended by the kubelet.
func Evicted(message string) PodOption {
	return func(pod *corev1.Pod) {
		pod.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: message}
	}
}

// PodDeletedAt says that the deletion was asked for, while a finalizer of the test holds the pod.
func PodDeletedAt(deleted time.Time) PodOption {
	return func(pod *corev1.Pod) {
		pod.Finalizers = append(pod.Finalizers, "example.com/test")
		pod.DeletionTimestamp = new(metav1.NewTime(deleted))
	}
}
