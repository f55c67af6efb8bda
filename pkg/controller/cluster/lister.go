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
	rbacv1listers "k8s.io/client-go/listers/rbac/v1"
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
	// What clusters with high availability have besides.
	ServiceAccounts corev1listers.ServiceAccountLister
	Roles           rbacv1listers.RoleLister
	RoleBindings    rbacv1listers.RoleBindingLister
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
	children.JobManager = l.jobManager(cluster)
	if set, err := l.StatefulSets.StatefulSets(namespace).Get(resources.TaskManagerName(name)); err == nil {
		children.TaskManager = observeStatefulSet(cluster, set)
	}
	l.observeAccount(cluster, &children)
	children.Pods = l.pods(cluster)
	children.Orphaned = l.orphaned(cluster)
	return children
}

// jobManager is a Job or a StatefulSet, as the run needs it; during an upgrade it may be the one while the spec asks for the other.
func (l *Lister) jobManager(cluster *v1beta1.FlinkCluster) lifecycle.Workload {
	name := resources.JobManagerName(cluster.Name)
	if job, err := l.Jobs.Jobs(cluster.Namespace).Get(name); err == nil {
		if seen := observeJob(cluster, job); seen.Exists {
			return seen
		}
	}
	if set, err := l.StatefulSets.StatefulSets(cluster.Namespace).Get(name); err == nil {
		return observeStatefulSet(cluster, set)
	}
	return lifecycle.Workload{}
}

func (l *Lister) observeAccount(cluster *v1beta1.FlinkCluster, children *lifecycle.Children) {
	name, namespace := resources.HAAccountName(cluster.Name), cluster.Namespace
	if account, err := l.ServiceAccounts.ServiceAccounts(namespace).Get(name); err == nil {
		children.ServiceAccount = object(cluster, account)
	}
	if role, err := l.Roles.Roles(namespace).Get(name); err == nil {
		children.Role = object(cluster, role)
	}
	if binding, err := l.RoleBindings.RoleBindings(namespace).Get(name); err == nil {
		children.RoleBinding = object(cluster, binding)
	}
}

// orphaned says whether a JobManager bears the labels of a cluster that is being deleted and has lost its owner, as by a
// deletion with --cascade=orphan.
func (l *Lister) orphaned(cluster *v1beta1.FlinkCluster) bool {
	if cluster.DeletionTimestamp == nil || cluster.Spec.Job == nil {
		return false
	}
	name := resources.JobManagerName(cluster.Name)
	if job, err := l.Jobs.Jobs(cluster.Namespace).Get(name); err == nil {
		return loose(cluster, job)
	}
	set, err := l.StatefulSets.StatefulSets(cluster.Namespace).Get(name)
	return err == nil && loose(cluster, set)
}

// loose says whether a JobManager of a run of the cluster belongs to nobody.
func loose(cluster *v1beta1.FlinkCluster, workload metav1.Object) bool {
	return cluster.Spec.Job != nil && metav1.GetControllerOf(workload) == nil &&
		ofCluster(cluster, workload.GetLabels()[v1beta1.LabelJobID], attempt(workload))
}

// Confirm looks the workloads and the pods up in the API server. What the informers do not show may be there all the
// same: they are a little behind, and those of an operator that has just started may begin with an old list.
func (l *Lister) Confirm(ctx context.Context, cluster *v1beta1.FlinkCluster, seen lifecycle.Children) (lifecycle.Children, error) {
	namespace := cluster.Namespace
	jobManager, orphaned, err := l.liveJobManager(ctx, cluster)
	if err != nil {
		return seen, err
	}
	if cluster.DeletionTimestamp != nil {
		seen.Orphaned = orphaned
		if seen.TaskManager, _, err = l.liveStatefulSet(ctx, cluster, resources.TaskManagerName(cluster.Name)); err != nil {
			return seen, err
		}
	}
	seen.JobManager = jobManager
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

// liveJobManager returns the JobManager as it is, and whether it belongs to nobody.
func (l *Lister) liveJobManager(ctx context.Context, cluster *v1beta1.FlinkCluster) (lifecycle.Workload, bool, error) {
	name := resources.JobManagerName(cluster.Name)
	if restartsInPlace(cluster) {
		return l.liveStatefulSet(ctx, cluster, name)
	}
	job, err := l.Client.BatchV1().Jobs(cluster.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case err == nil:
		return observeJob(cluster, job), loose(cluster, job), nil
	case apierrors.IsNotFound(err):
		return lifecycle.Workload{}, false, nil
	}
	return lifecycle.Workload{}, false, fmt.Errorf("looking up Job %s/%s: %w", cluster.Namespace, name, err)
}

func (l *Lister) liveStatefulSet(ctx context.Context, cluster *v1beta1.FlinkCluster, name string) (lifecycle.Workload, bool, error) {
	set, err := l.Client.AppsV1().StatefulSets(cluster.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case err == nil:
		return observeStatefulSet(cluster, set), loose(cluster, set), nil
	case apierrors.IsNotFound(err):
		return lifecycle.Workload{}, false, nil
	}
	return lifecycle.Workload{}, false, fmt.Errorf("looking up StatefulSet %s/%s: %w", cluster.Namespace, name, err)
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
	if cluster.Spec.Job != nil && !ofCluster(cluster, pod.Labels[v1beta1.LabelJobID], seen.Attempt) {
		seen.Attempt = foreignRun
	}
	return append(pods, seen)
}

// ofCluster says whether a run has a job id: that of its number, or the current one, which a run that goes on from metadata of
// high availability has from one before it.
func ofCluster(cluster *v1beta1.FlinkCluster, jobID string, attempt int32) bool {
	job := cluster.Status.Components.Job
	return jobID == lifecycle.JobID(cluster.UID, attempt) || job != nil && jobID != "" && jobID == job.ID
}

func observeJob(cluster *v1beta1.FlinkCluster, job *batchv1.Job) lifecycle.Workload {
	return lifecycle.Workload{Object: object(cluster, job), Attempt: attempt(job), Replicas: 1, Ended: jobEnded(job)}
}

func observeStatefulSet(cluster *v1beta1.FlinkCluster, set *appsv1.StatefulSet) lifecycle.Workload {
	return lifecycle.Workload{Object: object(cluster, set), Attempt: attempt(set), Replicas: *set.Spec.Replicas, Restarting: true}
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
