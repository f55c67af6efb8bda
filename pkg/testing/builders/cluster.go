package builders

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// Namespace is where objects are unless an option says otherwise.
const Namespace = "default"

// ClusterOption changes a cluster that is being built.
type ClusterOption func(*v1beta1.FlinkCluster)

// SessionCluster is a FlinkCluster without a job. Its UID follows from its name.
func SessionCluster(name string, options ...ClusterOption) *v1beta1.FlinkCluster {
	cluster := &v1beta1.FlinkCluster{
		TypeMeta: metav1.TypeMeta{APIVersion: v1beta1.SchemeGroupVersion.String(), Kind: v1beta1.Kind},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:  Namespace,
			Name:       name,
			UID:        types.UID("uid-of-" + name),
			Generation: 1,
		},
		Spec: v1beta1.FlinkClusterSpec{Image: v1beta1.ImageSpec{Name: "flink:1.20"}},
	}
	return build(cluster, options)
}

// JobCluster is a FlinkCluster with a job.
func JobCluster(name string, options ...ClusterOption) *v1beta1.FlinkCluster {
	withJob := func(cluster *v1beta1.FlinkCluster) {
		cluster.Spec.Job = &v1beta1.JobSpec{JarFile: "/opt/flink/usrlib/job.jar"}
	}
	return SessionCluster(name, append([]ClusterOption{withJob}, options...)...)
}

func build(cluster *v1beta1.FlinkCluster, options []ClusterOption) *v1beta1.FlinkCluster {
	v1beta1.SetDefaults(cluster)
	for _, option := range options {
		option(cluster)
	}
	v1beta1.SetDefaults(cluster)
	return cluster
}

// InNamespace puts the cluster into another namespace.
func InNamespace(namespace string) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) { cluster.Namespace = namespace }
}

// UID of the cluster.
func UID(uid types.UID) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) { cluster.UID = uid }
}

// Generation of the spec.
func Generation(generation int64) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) { cluster.Generation = generation }
}

// CreatedAt sets the time of creation.
func CreatedAt(created time.Time) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) { cluster.CreationTimestamp = metav1.NewTime(created) }
}

// Annotation adds an annotation.
func Annotation(name, value string) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) {
		if cluster.Annotations == nil {
			cluster.Annotations = map[string]string{}
		}
		cluster.Annotations[name] = value
	}
}

// UserControl attaches the user-control annotation.
func UserControl(value string) ClusterOption {
	return Annotation(v1beta1.ControlAnnotation, value)
}

// ControlHandled attaches the number of the last request whose annotation was removed.
func ControlHandled(request int64) ClusterOption {
	return Annotation(v1beta1.ControlHandledAnnotation, fmt.Sprint(request))
}

// Finalizer adds a finalizer.
func Finalizer(name string) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) { cluster.Finalizers = append(cluster.Finalizers, name) }
}

// DeletedAt says that somebody has asked for the deletion. It goes with a Finalizer.
func DeletedAt(deleted time.Time) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) { cluster.DeletionTimestamp = new(metav1.NewTime(deleted)) }
}

// Image of the containers; its tag says which Flink it is.
func Image(name string) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Image.Name = name }
}

// FlinkProperty sets one option of Flink.
func FlinkProperty(name, value string) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) {
		if cluster.Spec.FlinkProperties == nil {
			cluster.Spec.FlinkProperties = map[string]string{}
		}
		cluster.Spec.FlinkProperties[name] = value
	}
}

// TaskManagers sets how many there shall be.
func TaskManagers(replicas int32) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) { cluster.Spec.TaskManager.Replicas = &replicas }
}

// Spec changes the spec where no other option fits.
func Spec(change func(*v1beta1.FlinkClusterSpec)) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) { change(&cluster.Spec) }
}

// Job changes the spec of the job, adding one if there is none.
func Job(change func(*v1beta1.JobSpec)) ClusterOption {
	return func(cluster *v1beta1.FlinkCluster) {
		if cluster.Spec.Job == nil {
			cluster.Spec.Job = &v1beta1.JobSpec{}
		}
		change(cluster.Spec.Job)
	}
}

// SavepointsDir of the job.
func SavepointsDir(directory string) ClusterOption {
	return Job(func(job *v1beta1.JobSpec) { job.SavepointsDir = directory })
}

// AutoSavepoint takes a savepoint every so many seconds.
func AutoSavepoint(seconds int32) ClusterOption {
	return Job(func(job *v1beta1.JobSpec) { job.AutoSavepointSeconds = &seconds })
}

// SavepointGeneration asks for the savepoint of that number.
func SavepointGeneration(generation int32) ClusterOption {
	return Job(func(job *v1beta1.JobSpec) { job.SavepointGeneration = generation })
}

// SavepointTriggerNonce asks for a savepoint by a number that has not been seen.
func SavepointTriggerNonce(nonce int64) ClusterOption {
	return Job(func(job *v1beta1.JobSpec) { job.SavepointTriggerNonce = &nonce })
}

// FromSavepoint starts the job from a savepoint.
func FromSavepoint(location string) ClusterOption {
	return Job(func(job *v1beta1.JobSpec) { job.FromSavepoint = location })
}

// Restart policy of the job.
func Restart(policy v1beta1.RestartPolicy) ClusterOption {
	return Job(func(job *v1beta1.JobSpec) { job.RestartPolicy = policy })
}

// CancelRequested stops the job.
func CancelRequested() ClusterOption {
	return Job(func(job *v1beta1.JobSpec) { job.CancelRequested = true })
}

// Cleanup says what remains after the job finished, failed or was cancelled.
func Cleanup(succeeds, fails, cancelled v1beta1.CleanupAction) ClusterOption {
	return Job(func(job *v1beta1.JobSpec) {
		job.CleanupPolicy = &v1beta1.CleanupPolicy{
			AfterJobSucceeds: succeeds, AfterJobFails: fails, AfterJobCancelled: cancelled,
		}
	})
}
