package resources

import (
	"fmt"
	"maps"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// Run is one run of the job.
type Run struct {
	// Attempt is the number of the run, from 1.
	Attempt int32
	// JobID is Flink's id of the run, 32 hexadecimal digits.
	JobID string
	// RestoreFrom is the savepoint or checkpoint to start from; empty means from nothing.
	RestoreFrom string
}

// Input is all that the objects of a cluster are made from.
type Input struct {
	// Cluster has its defaults set and holds the accepted spec, which may be older than the stored one.
	Cluster *v1beta1.FlinkCluster
	// FlinkVersion is the version that is believed to run, such as "1.20.1"; empty if it is not known, and then
	// everything is written so that each version from 1.14 to 2.x reads it.
	FlinkVersion string
	// Run is nil for a session cluster.
	Run *Run
	// Rollout is the number of upgrades of a session cluster.
	Rollout int32
}

// ConfigMapName is the name of a cluster's ConfigMap.
func ConfigMapName(cluster string) string {
	return cluster + "-configmap"
}

// JobManagerName is the name of a cluster's JobManager workload and of its Service.
func JobManagerName(cluster string) string {
	return cluster + "-jobmanager"
}

// TaskManagerName is the name of the StatefulSet of a cluster's TaskManagers.
func TaskManagerName(cluster string) string {
	return cluster + "-taskmanager"
}

// RESTAddress is the URL of the JobManager's REST API as seen from any pod in the Kubernetes cluster. It is made
// of names only. It ends in "svc", because "name.namespace" alone is looked up on the internet when the Service is
// missing: a namespace may be called "dev" or "com".
func RESTAddress(cluster *v1beta1.FlinkCluster) string {
	return fmt.Sprintf("http://%s.%s.svc:%d", JobManagerName(cluster.Name), cluster.Namespace, *cluster.Spec.JobManager.Ports.UI)
}

// selectorLabels identify the pods of a component for as long as the cluster lives, so nothing that can change
// may be among them.
func (in Input) selectorLabels(component string) map[string]string {
	return map[string]string{
		v1beta1.LabelCluster:   in.Cluster.Name,
		v1beta1.LabelApp:       v1beta1.AppFlink,
		v1beta1.LabelComponent: component,
	}
}

// labels are those of an object that outlives a run. The component is empty for what all components share.
func (in Input) labels(component string) map[string]string {
	labels := in.selectorLabels(component)
	labels[v1beta1.LabelManagedBy] = v1beta1.ManagedByOperator
	if component == "" {
		delete(labels, v1beta1.LabelComponent)
	}
	return labels
}

// runLabels are those of an object that belongs to the run, or to the rollout of a session cluster, and of its pods. The
// objects of the first rollout have no number: those of an older operator have none either.
func (in Input) runLabels(component string) map[string]string {
	labels := in.labels(component)
	if in.Run != nil {
		labels[v1beta1.LabelAttempt] = strconv.Itoa(int(in.Run.Attempt))
		labels[v1beta1.LabelJobID] = in.Run.JobID
	} else if in.Rollout > 0 {
		labels[v1beta1.LabelAttempt] = strconv.Itoa(int(in.Rollout))
	}
	return labels
}

func (in Input) metadata(name string, labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name:            name,
		Namespace:       in.Cluster.Namespace,
		Labels:          maps.Clone(labels),
		OwnerReferences: []metav1.OwnerReference{OwnerReference(in.Cluster)},
	}
}

// OwnerReference makes an object go with its FlinkCluster.
func OwnerReference(cluster *v1beta1.FlinkCluster) metav1.OwnerReference {
	return metav1.OwnerReference{
		APIVersion: v1beta1.SchemeGroupVersion.String(),
		Kind:       v1beta1.Kind,
		Name:       cluster.Name,
		UID:        cluster.UID,
		Controller: new(true),
		// "true" would need the right to change finalizers, where the API server enforces owner references, and would
		// gain nothing: nothing waits for the children when a FlinkCluster is deleted.
		BlockOwnerDeletion: new(false),
	}
}
