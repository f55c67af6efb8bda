package v1beta1

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// KubernetesHAFactory is the class of Flink's high availability on Kubernetes. As the value of the option every version reads
// it; the short name is read from 1.16 on.
const KubernetesHAFactory = "org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory"

// HAStorageOption is Flink's option for where the metadata of high availability is kept.
const HAStorageOption = "high-availability.storageDir"

// highAvailabilityOptions are the names of Flink's option that turns high availability on, newest first.
var highAvailabilityOptions = []string{"high-availability.type", "high-availability", "recovery.mode"}

// HighAvailability says whether Flink's high availability on Kubernetes is on: a JobManager that starts anew goes on with the
// jobs of the one before.
func (s *FlinkClusterSpec) HighAvailability() bool {
	_, value := s.highAvailability()
	return isKubernetesHA(value)
}

// HAStorageDirectory returns where the metadata of high availability is kept; empty if it is not set.
func (s *FlinkClusterSpec) HAStorageDirectory() string {
	return s.FlinkProperties[HAStorageOption]
}

// highAvailability returns the option that counts, as in Flink the newest name, and its value.
func (s *FlinkClusterSpec) highAvailability() (option, value string) {
	for _, name := range highAvailabilityOptions {
		if value, set := s.FlinkProperties[name]; set {
			return name, strings.TrimSpace(value)
		}
	}
	return "", ""
}

func isKubernetesHA(value string) bool {
	return strings.EqualFold(value, "kubernetes") || value == KubernetesHAFactory
}

// validateHighAvailability: only Kubernetes keeps what another JobManager goes on with, and only where both can read it.
func validateHighAvailability(path *field.Path, spec *FlinkClusterSpec) field.ErrorList {
	option, value := spec.highAvailability()
	properties := path.Child("flinkProperties")
	switch {
	case value == "" || strings.EqualFold(value, "none"):
		return nil
	case !isKubernetesHA(value):
		return field.ErrorList{field.Invalid(properties.Key(option), value,
			"must be kubernetes (or "+KubernetesHAFactory+"), or NONE; ZooKeeper and others are not supported")}
	case spec.HAStorageDirectory() == "":
		return field.ErrorList{field.Required(properties.Key(HAStorageOption),
			"high availability needs a directory that every JobManager can read and write, such as s3://bucket/path or a path on a shared volume")}
	}
	return nil
}

// validateJobManagers: a second JobManager would run the job beside the first, without high availability.
func validateJobManagers(path *field.Path, spec *FlinkClusterSpec) field.ErrorList {
	replicas := *spec.JobManager.Replicas
	if spec.HighAvailability() {
		return validateRange(path, replicas, 1, mostJobManagers)
	}
	if replicas != 1 {
		return field.ErrorList{field.Invalid(path, replicas, "must be 1: more JobManagers need high availability, "+
			"spec.flinkProperties[high-availability.type] kubernetes")}
	}
	return nil
}

// mostJobManagers is more than anybody needs: one leads, and the others wait.
const mostJobManagers = 10

// incarnationDigits is how many digits of a job id tell its metadata from that of another job id of the same cluster.
const incarnationDigits = 8

// HAClusterID is what the metadata of high availability bears: the label app of its ConfigMaps, and the beginning of their
// names. Each job id has one of its own, so that a run that starts from a snapshot, or from nothing, never finds what another
// has left; the jobs of a session cluster, whose id is empty here, share one. A FlinkCluster has no dot in its name, so no two
// of them meet.
func HAClusterID(cluster, jobID string) string {
	if jobID == "" {
		return cluster
	}
	return cluster + "." + jobID[:min(len(jobID), incarnationDigits)]
}
