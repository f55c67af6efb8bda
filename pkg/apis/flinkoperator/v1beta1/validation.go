package v1beta1

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxNameLength leaves room for the longest suffix of a child's name, its pods' included, in 63 characters.
const maxNameLength = 48

var (
	nameFormat         = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)
	flinkVersionFormat = regexp.MustCompile(`^[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,3})?$`)
	portNameFormat     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
)

// savepointDirectoryOptions are the names of Flink's own option for the savepoint directory, newest first.
var savepointDirectoryOptions = []string{"execution.checkpointing.savepoint-dir", "state.savepoints.dir"}

// Validate returns what is wrong with the spec and name of a cluster whose defaults are set. It holds the rules of
// the schema, and those that the schema cannot express.
func Validate(cluster *FlinkCluster) field.ErrorList {
	var errs field.ErrorList
	if len(cluster.Name) > maxNameLength || !nameFormat.MatchString(cluster.Name) {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), cluster.Name,
			"must be a DNS label of at most 48 characters: lower-case letters, digits and '-', beginning with a letter"))
	}
	spec, path := &cluster.Spec, field.NewPath("spec")
	if spec.FlinkVersion != "" && !flinkVersionFormat.MatchString(spec.FlinkVersion) {
		errs = append(errs, field.Invalid(path.Child("flinkVersion"), spec.FlinkVersion, `must be a version such as "1.20" or "2.1.3"`))
	}
	if spec.Image.Name == "" {
		errs = append(errs, field.Required(path.Child("image", "name"), "must name a container image with Flink"))
	}
	errs = append(errs, validateEnum(path.Child("image", "pullPolicy"), spec.Image.PullPolicy, corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever)...)
	errs = append(errs, validateRange(path.Child("revisionHistoryLimit"), *spec.RevisionHistoryLimit, 0, 100)...)
	errs = append(errs, validateHighAvailability(path, spec)...)
	errs = append(errs, validateJobManagers(path.Child("jobManager", "replicas"), spec)...)
	errs = append(errs, validateRollback(path.Child("rollback"), spec)...)
	errs = append(errs, validateJobManager(path.Child("jobManager"), spec.JobManager)...)
	errs = append(errs, validateTaskManager(path.Child("taskManager"), spec.TaskManager)...)
	if spec.Job != nil {
		errs = append(errs, validateJob(path.Child("job"), spec)...)
	}
	return errs
}

// ValidateUpdate returns what is wrong with the change from old to updated, beside what Validate says of updated.
func ValidateUpdate(updated, old *FlinkCluster) field.ErrorList {
	if (updated.Spec.Job == nil) == (old.Spec.Job == nil) {
		return nil
	}
	return field.ErrorList{field.Forbidden(field.NewPath("spec", "job"),
		"a session cluster cannot become a job cluster or the reverse; create a new FlinkCluster")}
}

// checkpointDirectoryOptions are the names of Flink's option for the checkpoint directory, newest first.
var checkpointDirectoryOptions = []string{"execution.checkpointing.dir", "state.checkpoints.dir"}

// CheckpointDirectory returns where Flink keeps checkpoints, as far as its configuration says: a job may also set it in its
// code. Empty means that they are kept in memory, and lost with the JobManager.
func (s *FlinkClusterSpec) CheckpointDirectory() string {
	for _, option := range checkpointDirectoryOptions {
		if directory := s.FlinkProperties[option]; directory != "" {
			return directory
		}
	}
	return ""
}

// SavepointDirectory returns where savepoints of the job go unless a request says otherwise: savepointsDir, else
// Flink's own option; empty if neither is set.
func (s *FlinkClusterSpec) SavepointDirectory() string {
	if s.Job != nil && s.Job.SavepointsDir != "" {
		return s.Job.SavepointsDir
	}
	for _, option := range savepointDirectoryOptions {
		if directory := s.FlinkProperties[option]; directory != "" {
			return directory
		}
	}
	return ""
}

func validateRollback(path *field.Path, spec *FlinkClusterSpec) field.ErrorList {
	errs := validateRange(path.Child("readinessSeconds"), *spec.Rollback.ReadinessSeconds, 1, 86400)
	if spec.Rollback.Enabled && spec.Job == nil {
		errs = append(errs, field.Invalid(path.Child("enabled"), true, "needs spec.job; the jobs of a session cluster are not the operator's"))
	}
	return errs
}

func validateJobManager(path *field.Path, jobManager *JobManagerSpec) field.ErrorList {
	ports := map[string]int32{
		"rpc": *jobManager.Ports.RPC, "blob": *jobManager.Ports.Blob, "query": *jobManager.Ports.Query, "ui": *jobManager.Ports.UI,
	}
	errs := validateComponent(path, &jobManager.ComponentSpec, ports)
	return append(errs, validateEnum(path.Child("accessScope"), jobManager.AccessScope, AccessScopeCluster)...)
}

func validateTaskManager(path *field.Path, taskManager *TaskManagerSpec) field.ErrorList {
	ports := map[string]int32{"data": *taskManager.Ports.Data, "rpc": *taskManager.Ports.RPC, "query": *taskManager.Ports.Query}
	errs := validateComponent(path, &taskManager.ComponentSpec, ports)
	return append(errs, validateRange(path.Child("replicas"), *taskManager.Replicas, 1, 10000)...)
}

func validateComponent(path *field.Path, component *ComponentSpec, ports map[string]int32) field.ErrorList {
	errs := validatePorts(path, component.ExtraPorts, ports)
	if component.MemoryProcessRatio != nil {
		errs = append(errs, validateRange(path.Child("memoryProcessRatio"), *component.MemoryProcessRatio, 1, 100)...)
		if component.MemoryOffHeapRatio != nil || component.MemoryOffHeapMin != nil {
			errs = append(errs, field.Invalid(path.Child("memoryProcessRatio"), *component.MemoryProcessRatio,
				"cannot be combined with memoryOffHeapRatio or memoryOffHeapMin"))
		}
	}
	if component.MemoryOffHeapRatio != nil {
		errs = append(errs, validateRange(path.Child("memoryOffHeapRatio"), *component.MemoryOffHeapRatio, 0, 100)...)
	}
	limit, limited := component.Resources.Limits[corev1.ResourceMemory]
	if minimum := component.MemoryOffHeapMin; minimum != nil && limited && minimum.Cmp(limit) > 0 {
		errs = append(errs, field.Invalid(path.Child("memoryOffHeapMin"), minimum.String(), "must not be greater than the memory limit "+limit.String()))
	}
	return errs
}

func validatePorts(path *field.Path, extra []NamedPort, ports map[string]int32) field.ErrorList {
	var errs field.ErrorList
	byNumber, names := map[int32]string{}, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(ports)) {
		number, portPath := ports[name], path.Child("ports", name)
		errs = append(errs, validateRange(portPath, number, 1, 65535)...)
		if other, taken := byNumber[number]; taken {
			errs = append(errs, field.Invalid(portPath, number, "is the same as "+other))
		}
		byNumber[number], names[name] = name, true
	}
	for i, port := range extra {
		portPath := path.Child("extraPorts").Index(i)
		errs = append(errs, validateRange(portPath.Child("containerPort"), port.ContainerPort, 1, 65535)...)
		errs = append(errs, validateEnum(portPath.Child("protocol"), port.Protocol, corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP)...)
		if len(port.Name) > 15 || !portNameFormat.MatchString(port.Name) {
			errs = append(errs, field.Invalid(portPath.Child("name"), port.Name, "must be at most 15 lower-case letters, digits and '-'"))
		}
		if names[port.Name] {
			errs = append(errs, field.Duplicate(portPath.Child("name"), port.Name))
		}
		if other, taken := byNumber[port.ContainerPort]; taken {
			errs = append(errs, field.Invalid(portPath.Child("containerPort"), port.ContainerPort, "is the same as "+other))
		}
		names[port.Name], byNumber[port.ContainerPort] = true, port.Name
	}
	return errs
}

func validateJob(path *field.Path, spec *FlinkClusterSpec) field.ErrorList {
	job := spec.Job
	errs := validateEnum(path.Child("mode"), job.Mode, JobModeApplication)
	errs = append(errs, validateEnum(path.Child("restartPolicy"), job.RestartPolicy,
		RestartPolicyNever, RestartPolicyFromSavepointOnFailure, RestartPolicyFromLatestStateOnFailure)...)
	errs = append(errs, validateUpgrade(path, spec)...)
	errs = append(errs, validateDeletion(path, spec)...)
	errs = append(errs, validateEnum(path.Child("savepointFormatType"), job.SavepointFormatType, "", SavepointFormatCanonical, SavepointFormatNative)...)
	if strings.Contains(job.JarFile, "://") && !strings.HasPrefix(job.JarFile, "local:///") {
		errs = append(errs, field.Invalid(path.Child("jarFile"), job.JarFile,
			"must be a path in the image (or local:///path); fetch remote jars with an init container"))
	}
	if job.Parallelism != nil {
		errs = append(errs, validateRange(path.Child("parallelism"), *job.Parallelism, 1, 32768)...)
	}
	if job.SavepointGeneration < 0 {
		errs = append(errs, field.Invalid(path.Child("savepointGeneration"), job.SavepointGeneration, "must not be negative"))
	}
	if seconds := job.AutoSavepointSeconds; seconds != nil {
		errs = append(errs, validateRange(path.Child("autoSavepointSeconds"), *seconds, 1, 1<<31-1)...)
		if spec.SavepointDirectory() == "" {
			errs = append(errs, field.Invalid(path.Child("autoSavepointSeconds"), *seconds,
				"needs spec.job.savepointsDir, or Flink's own savepoint directory in spec.flinkProperties"))
		}
	}
	if seconds := job.MaxStateAgeToRestoreSeconds; seconds != nil {
		errs = append(errs, validateRange(path.Child("maxStateAgeToRestoreSeconds"), *seconds, 0, 1<<31-1)...)
	}
	errs = append(errs, validateRetention(path.Child("savepointRetention"), spec)...)
	errs = append(errs, validateBackoff(path.Child("restartBackoff"), job.RestartBackoff)...)
	return append(errs, validateCleanupPolicy(path.Child("cleanupPolicy"), job.CleanupPolicy)...)
}

func validateUpgrade(path *field.Path, spec *FlinkClusterSpec) field.ErrorList {
	job := spec.Job
	errs := validateEnum(path.Child("state"), job.State, DesiredJobStateRunning, DesiredJobStateSuspended)
	errs = append(errs, validateEnum(path.Child("upgradeMode"), job.UpgradeMode, "", UpgradeModeSavepoint, UpgradeModeLastState, UpgradeModeStateless)...)
	errs = append(errs, validateEnum(path.Child("upgradeFallback"), job.UpgradeFallback, UpgradeFallbackLastState, UpgradeFallbackNone)...)
	if job.UpgradeMode == UpgradeModeSavepoint && spec.SavepointDirectory() == "" {
		errs = append(errs, field.Invalid(path.Child("upgradeMode"), job.UpgradeMode,
			"savepoint needs spec.job.savepointsDir, or Flink's own savepoint directory in spec.flinkProperties"))
	}
	if nonce := job.SavepointRedeployNonce; nonce != nil && job.FromSavepoint == "" {
		errs = append(errs, field.Invalid(path.Child("savepointRedeployNonce"), *nonce, "needs spec.job.fromSavepoint, which the job is deployed from"))
	}
	return errs
}

func validateDeletion(path *field.Path, spec *FlinkClusterSpec) field.ErrorList {
	policy := spec.Job.DeletionPolicy
	errs := validateEnum(path.Child("deletionPolicy"), policy, DeletionPolicyCancel, DeletionPolicySavepoint)
	if policy == DeletionPolicySavepoint && spec.SavepointDirectory() == "" {
		errs = append(errs, field.Invalid(path.Child("deletionPolicy"), policy,
			"Savepoint needs spec.job.savepointsDir, or Flink's own savepoint directory in spec.flinkProperties"))
	}
	return errs
}

func validateBackoff(path *field.Path, backoff *RestartBackoff) field.ErrorList {
	errs := validateRange(path.Child("initialSeconds"), *backoff.InitialSeconds, 0, 86400)
	errs = append(errs, validateRange(path.Child("maxSeconds"), *backoff.MaxSeconds, 0, 86400)...)
	errs = append(errs, validateRange(path.Child("resetAfterSeconds"), *backoff.ResetAfterSeconds, 1, 604800)...)
	if *backoff.InitialSeconds > *backoff.MaxSeconds {
		errs = append(errs, field.Invalid(path.Child("initialSeconds"), *backoff.InitialSeconds, "must not be greater than maxSeconds"))
	}
	if backoff.Limit != nil && *backoff.Limit < 0 {
		errs = append(errs, field.Invalid(path.Child("limit"), *backoff.Limit, "must not be negative"))
	}
	return errs
}

func validateCleanupPolicy(path *field.Path, policy *CleanupPolicy) field.ErrorList {
	actions := []CleanupAction{CleanupActionKeepCluster, CleanupActionDeleteCluster, CleanupActionDeleteTaskManager}
	errs := validateEnum(path.Child("afterJobSucceeds"), policy.AfterJobSucceeds, actions...)
	errs = append(errs, validateEnum(path.Child("afterJobFails"), policy.AfterJobFails, actions...)...)
	return append(errs, validateEnum(path.Child("afterJobCancelled"), policy.AfterJobCancelled, actions...)...)
}

func validateEnum[T ~string](path *field.Path, value T, accepted ...T) field.ErrorList {
	if slices.Contains(accepted, value) {
		return nil
	}
	return field.ErrorList{field.NotSupported(path, value, accepted)}
}

func validateRange(path *field.Path, value, minimum, maximum int32) field.ErrorList {
	if minimum <= value && value <= maximum {
		return nil
	}
	return field.ErrorList{field.Invalid(path, value, "must be from "+strconv.Itoa(int(minimum))+" to "+strconv.Itoa(int(maximum)))}
}
