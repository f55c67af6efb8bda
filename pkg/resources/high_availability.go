package resources

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// The oldest Flink with which a job can have high availability: an older one runs a job again that has ended.
const oldestMajorWithHA, oldestMinorWithHA = 1, 15

// MetadataSelector selects the ConfigMaps with the metadata of high availability (org.apache.flink.kubernetes.utils.Constants).
func MetadataSelector(clusterIDs ...string) string {
	selector := "type=flink-native-kubernetes"
	if len(clusterIDs) > 0 {
		selector += ",app in (" + strings.Join(clusterIDs, ",") + ")"
	}
	return selector
}

// MetadataSuffix is what the names of these ConfigMaps end in; others of Flink's have the same labels.
const MetadataSuffix = "-config-map"

// ClusterMetadataName names the ConfigMap that holds the leaders and the graphs of jobs, of Flink 1.15 and newer.
func ClusterMetadataName(clusterID string) string {
	return clusterID + "-cluster" + MetadataSuffix
}

// JobMetadataName names the ConfigMap that holds the pointers to the checkpoints of a job, of Flink 1.15 and newer.
func JobMetadataName(clusterID, jobID string) string {
	return clusterID + "-" + jobID + MetadataSuffix
}

// CheckpointKey is what the keys of the pointers to checkpoints begin with; the number of the checkpoint follows.
const CheckpointKey = "checkpointID-"

// StoredGraphKeys are where Flink keeps the graph of a job, from 2.0 on and before. A JobManager that finds one goes on with it,
// and does not look at the job that it is given.
func StoredGraphKeys(jobID string) []string {
	return []string{"executionPlan-" + jobID, "jobGraph-" + jobID}
}

// ValidateHighAvailability refuses what no Flink of the version can do.
func ValidateHighAvailability(spec *v1beta1.FlinkClusterSpec) field.ErrorList {
	version := FlinkVersion(spec)
	if spec.Job == nil || !spec.HighAvailability() || !parseRelease(version).before(oldestMajorWithHA, oldestMinorWithHA) {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath("spec", "flinkVersion"), version, "must be 1.15 or newer for a job with high availability")}
}

// highAvailabilityProperties are what high availability depends on. Without jobmanager.port its JobManager would listen
// elsewhere than the probes look.
func highAvailabilityProperties(in Input) map[string]string {
	spec := &in.Cluster.Spec
	if !spec.HighAvailability() {
		return nil
	}
	properties := map[string]string{
		haTypeOption(in):                    v1beta1.KubernetesHAFactory,
		"high-availability.jobmanager.port": port(spec.JobManager.Ports.RPC),
		"kubernetes.namespace":              in.Cluster.Namespace,
		"kubernetes.cluster-id":             in.haClusterID(),
		"high-availability.cluster-id":      in.Cluster.Namespace + "." + in.haClusterID(),
	}
	if spec.Job != nil {
		// A JobManager that starts anew after the end of the job must know that it has ended, and not run it again.
		properties["job-result-store.delete-on-commit"] = "false"
		properties["execution.shutdown-on-application-finish"] = "false"
	}
	return properties
}

// haTypeOption is the name that the version reads. An unknown version may be an old one; newer ones read the old name, too.
func haTypeOption(in Input) string {
	if parseRelease(in.FlinkVersion).atLeast(1, 17) {
		return "high-availability.type"
	}
	return "high-availability"
}

func (in Input) haClusterID() string {
	if in.Run == nil {
		return v1beta1.HAClusterID(in.Cluster.Name, "")
	}
	return v1beta1.HAClusterID(in.Cluster.Name, in.Run.JobID)
}

// highAvailabilityArguments set the identity once more: an argument is as old as its pod, while the file in a ConfigMap may be
// seen late, or be that of the next run already.
func highAvailabilityArguments(in Input) []string {
	properties := highAvailabilityProperties(in)
	if properties == nil || in.Run == nil {
		return nil
	}
	return []string{
		"-D", "kubernetes.cluster-id=" + properties["kubernetes.cluster-id"],
		"-D", "high-availability.cluster-id=" + properties["high-availability.cluster-id"],
	}
}

// leaderAddress has a JobManager publish the address of its own pod: with others beside it or before it, the name of the Service
// does not tell which one leads.
func leaderAddress(in Input) (arguments []string, env []corev1.EnvVar) {
	if !in.Cluster.Spec.HighAvailability() {
		return nil, nil
	}
	return []string{"-D", "jobmanager.rpc.address=$(POD_IP)"}, []corev1.EnvVar{podField("POD_IP", "status.podIP")}
}

// HAAccountName is the name of the service account that is made for a cluster with high availability, of its Role and of its
// RoleBinding.
func HAAccountName(cluster string) string {
	return cluster + "-flink"
}

// MakesAccount says whether the pods get a service account of the operator's making: Flink has to read and write ConfigMaps.
func MakesAccount(spec *v1beta1.FlinkClusterSpec) bool {
	return spec.HighAvailability() && spec.ServiceAccountName == nil
}

// ServiceAccount is what the pods of a cluster with high availability run as.
func ServiceAccount(in Input) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
		ObjectMeta: in.metadata(HAAccountName(in.Cluster.Name), in.labels("")),
	}
}

// Role is what they may do. Kubernetes cannot restrict "create" and "list" to names, and Flink makes up its own.
func Role(in Input) *rbacv1.Role {
	return &rbacv1.Role{
		TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "Role"},
		ObjectMeta: in.metadata(HAAccountName(in.Cluster.Name), in.labels("")),
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{""}, Resources: []string{"configmaps"},
			Verbs: []string{"get", "list", "watch", "create", "update", "patch", "delete"},
		}},
	}
}

// RoleBinding gives the account its role.
func RoleBinding(in Input) *rbacv1.RoleBinding {
	name := HAAccountName(in.Cluster.Name)
	return &rbacv1.RoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding"},
		ObjectMeta: in.metadata(name, in.labels("")),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: name, Namespace: in.Cluster.Namespace}},
	}
}
