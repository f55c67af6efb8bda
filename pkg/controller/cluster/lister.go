package cluster

import (
	"context"
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	appsv1listers "k8s.io/client-go/listers/apps/v1"
	batchv1listers "k8s.io/client-go/listers/batch/v1"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/resources"
)

// Lister reads the children of clusters: from the informers, or from the API server where a late view would do harm.
type Lister struct {
	Client       kubernetes.Interface
	ConfigMaps   corev1listers.ConfigMapLister
	Services     corev1listers.ServiceLister
	StatefulSets appsv1listers.StatefulSetLister
	Jobs         batchv1listers.JobLister
	// Pods is an indexer with PodIndexers.
	Pods cache.Indexer
}

// podsByCluster is the name of the index of pods by the cluster that they are labelled with.
const podsByCluster = "cluster"

// PodIndexers spare a pass the look at the pods of all other clusters.
func PodIndexers() cache.Indexers {
	return cache.Indexers{podsByCluster: func(object any) ([]string, error) {
		pod, isPod := object.(*corev1.Pod)
		if !isPod || pod.Labels[v1beta1.LabelApp] != v1beta1.AppFlink {
			return nil, nil
		}
		return []string{cache.ObjectName{Namespace: pod.Namespace, Name: pod.Labels[v1beta1.LabelCluster]}.String()}, nil
	}}
}

// Observe returns what is seen of a cluster's children. An object that the cluster does not own does not count.
func (l *Lister) Observe(cluster *v1beta1.FlinkCluster) lifecycle.Children {
	name, namespace := cluster.Name, cluster.Namespace
	var children lifecycle.Children
	// Listers fail with NotFound only, and then the object is not there.
	if configMap, err := l.ConfigMaps.ConfigMaps(namespace).Get(resources.ConfigMapName(name)); err == nil {
		children.ConfigMap = object(cluster, configMap)
	}
	if service, err := l.Services.Services(namespace).Get(resources.JobManagerName(name)); err == nil {
		children.Service = object(cluster, service)
	}
	if cluster.Spec.Job != nil {
		if job, err := l.Jobs.Jobs(namespace).Get(resources.JobManagerName(name)); err == nil {
			children.JobManager = observeJob(cluster, job)
		}
	} else if set, err := l.StatefulSets.StatefulSets(namespace).Get(resources.JobManagerName(name)); err == nil {
		children.JobManager = observeStatefulSet(cluster, set)
	}
	if set, err := l.StatefulSets.StatefulSets(namespace).Get(resources.TaskManagerName(name)); err == nil {
		children.TaskManager = observeStatefulSet(cluster, set)
	}
	children.Pods = l.pods(cluster)
	children.Orphaned = l.orphaned(cluster)
	return children
}

// orphaned says whether a workload bears the labels of a cluster that is being deleted and has lost its owner, as by a
// deletion with --cascade=orphan.
func (l *Lister) orphaned(cluster *v1beta1.FlinkCluster) bool {
	if cluster.DeletionTimestamp == nil || cluster.Spec.Job == nil {
		return false
	}
	job, err := l.Jobs.Jobs(cluster.Namespace).Get(resources.JobManagerName(cluster.Name))
	return err == nil && metav1.GetControllerOf(job) == nil && job.Labels[v1beta1.LabelJobID] == lifecycle.JobID(cluster.UID, attempt(job))
}

// Confirm looks the workloads and the pods up in the API server. What the informers do not show may be there all the
// same: they are a little behind, and those of an operator that has just started may begin with an old list.
func (l *Lister) Confirm(ctx context.Context, cluster *v1beta1.FlinkCluster, seen lifecycle.Children) (lifecycle.Children, error) {
	namespace := cluster.Namespace
	jobManager, err := l.liveJobManager(ctx, cluster)
	if err != nil {
		return seen, err
	}
	seen.JobManager = jobManager
	if cluster.DeletionTimestamp != nil {
		if seen.TaskManager, err = l.liveStatefulSet(ctx, cluster, resources.TaskManagerName(cluster.Name)); err != nil {
			return seen, err
		}
	}
	selector := labels.Set{v1beta1.LabelCluster: cluster.Name, v1beta1.LabelApp: v1beta1.AppFlink}.String()
	pods, err := l.Client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return seen, fmt.Errorf("listing the pods of FlinkCluster %s/%s: %w", namespace, cluster.Name, err)
	}
	seen.Pods, seen.Confirmed = nil, true
	for i := range pods.Items {
		seen.Pods = appendPod(seen.Pods, cluster, &pods.Items[i])
	}
	return seen, nil
}

func (l *Lister) liveJobManager(ctx context.Context, cluster *v1beta1.FlinkCluster) (lifecycle.Workload, error) {
	name := resources.JobManagerName(cluster.Name)
	if cluster.Spec.Job == nil {
		return l.liveStatefulSet(ctx, cluster, name)
	}
	job, err := l.Client.BatchV1().Jobs(cluster.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case err == nil:
		return observeJob(cluster, job), nil
	case apierrors.IsNotFound(err):
		return lifecycle.Workload{}, nil
	}
	return lifecycle.Workload{}, fmt.Errorf("looking up Job %s/%s: %w", cluster.Namespace, name, err)
}

func (l *Lister) liveStatefulSet(ctx context.Context, cluster *v1beta1.FlinkCluster, name string) (lifecycle.Workload, error) {
	set, err := l.Client.AppsV1().StatefulSets(cluster.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case err == nil:
		return observeStatefulSet(cluster, set), nil
	case apierrors.IsNotFound(err):
		return lifecycle.Workload{}, nil
	}
	return lifecycle.Workload{}, fmt.Errorf("looking up StatefulSet %s/%s: %w", cluster.Namespace, name, err)
}

// pods are found by label and not by owner: the pods of a workload that has been deleted may still run.
func (l *Lister) pods(cluster *v1beta1.FlinkCluster) []lifecycle.Pod {
	found, err := l.Pods.ByIndex(podsByCluster, cache.MetaObjectToName(cluster).String())
	if err != nil {
		// Only an index that was not set up fails.
		panic(err)
	}
	var pods []lifecycle.Pod
	for _, object := range found {
		if pod, isPod := object.(*corev1.Pod); isPod {
			pods = appendPod(pods, cluster, pod)
		}
	}
	return pods
}

// foreignRun is the run of a pod that belongs to another life of the cluster's name.
const foreignRun = -1

// appendPod adds what is seen of a pod, if it is one of a cluster's name. The pods of a deleted cluster of the same name
// may still run; they bear the numbers of its runs, but not the job ids of ours.
func appendPod(pods []lifecycle.Pod, cluster *v1beta1.FlinkCluster, pod *corev1.Pod) []lifecycle.Pod {
	component := pod.Labels[v1beta1.LabelComponent]
	if component != v1beta1.ComponentJobManager && component != v1beta1.ComponentTaskManager {
		return pods
	}
	seen := observePod(pod, component)
	seen.Loose = metav1.GetControllerOf(pod) == nil
	if cluster.Spec.Job != nil && pod.Labels[v1beta1.LabelJobID] != lifecycle.JobID(cluster.UID, seen.Attempt) {
		seen.Attempt = foreignRun
	}
	return append(pods, seen)
}

func observeJob(cluster *v1beta1.FlinkCluster, job *batchv1.Job) lifecycle.Workload {
	return lifecycle.Workload{Object: object(cluster, job), Attempt: attempt(job), Replicas: 1, Ended: jobEnded(job)}
}

func observeStatefulSet(cluster *v1beta1.FlinkCluster, set *appsv1.StatefulSet) lifecycle.Workload {
	return lifecycle.Workload{Object: object(cluster, set), Attempt: attempt(set), Replicas: *set.Spec.Replicas}
}

func object(cluster *v1beta1.FlinkCluster, child metav1.Object) lifecycle.Object {
	seen := lifecycle.Object{Exists: metav1.IsControlledBy(child, cluster), UID: child.GetUID()}
	if deleted := child.GetDeletionTimestamp(); deleted != nil {
		seen.Deleting, seen.DeletedAt = true, deleted.Time
	}
	return seen
}

func attempt(child metav1.Object) int32 {
	number, err := strconv.ParseInt(child.GetLabels()[v1beta1.LabelAttempt], 10, 32)
	if err != nil {
		return 0
	}
	return int32(number)
}

func jobEnded(job *batchv1.Job) bool {
	for _, condition := range job.Status.Conditions {
		if condition.Status == corev1.ConditionTrue && (condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed) {
			return true
		}
	}
	return false
}
