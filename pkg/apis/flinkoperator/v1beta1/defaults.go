package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// SetDefaults fills what the schema fills, for objects that are older than a default. Calling it again changes nothing.
func SetDefaults(cluster *FlinkCluster) {
	spec := &cluster.Spec
	setDefault(&spec.Image.PullPolicy, corev1.PullAlways)
	setDefaultPointer(&spec.RevisionHistoryLimit, 10)
	spec.Rollback = orNew(spec.Rollback)
	setDefaultPointer(&spec.Rollback.ReadinessSeconds, 300)
	spec.JobManager = orNew(spec.JobManager)
	spec.TaskManager = orNew(spec.TaskManager)
	setJobManagerDefaults(spec.JobManager)
	setTaskManagerDefaults(spec.TaskManager)
	if spec.Job != nil {
		setJobDefaults(spec.Job)
	}
}

func setJobManagerDefaults(jobManager *JobManagerSpec) {
	setDefaultPointer(&jobManager.Replicas, 1)
	setDefault(&jobManager.AccessScope, AccessScopeCluster)
	jobManager.Ports = orNew(jobManager.Ports)
	setDefaultPointer(&jobManager.Ports.RPC, 6123)
	setDefaultPointer(&jobManager.Ports.Blob, 6124)
	setDefaultPointer(&jobManager.Ports.Query, 6125)
	setDefaultPointer(&jobManager.Ports.UI, 8081)
	setComponentDefaults(&jobManager.ComponentSpec)
}

func setTaskManagerDefaults(taskManager *TaskManagerSpec) {
	setDefaultPointer(&taskManager.Replicas, 3)
	taskManager.Ports = orNew(taskManager.Ports)
	setDefaultPointer(&taskManager.Ports.Data, 6121)
	setDefaultPointer(&taskManager.Ports.RPC, 6122)
	setDefaultPointer(&taskManager.Ports.Query, 6125)
	setComponentDefaults(&taskManager.ComponentSpec)
}

func setComponentDefaults(component *ComponentSpec) {
	for i := range component.ExtraPorts {
		setDefault(&component.ExtraPorts[i].Protocol, corev1.ProtocolTCP)
	}
	if component.Resources.Requests == nil && component.Resources.Limits == nil && component.Resources.Claims == nil {
		component.Resources.Requests = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("200m"), corev1.ResourceMemory: resource.MustParse("512Mi"),
		}
		component.Resources.Limits = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("2Gi"),
		}
	}
}

func setJobDefaults(job *JobSpec) {
	setDefault(&job.Mode, JobModeApplication)
	setDefault(&job.RestartPolicy, RestartPolicyNever)
	setDefault(&job.State, DesiredJobStateRunning)
	setDefault(&job.UpgradeFallback, UpgradeFallbackLastState)
	setDefaultPointer(&job.TakeSavepointOnUpdate, true)
	setDefault(&job.DeletionPolicy, DeletionPolicyCancel)
	job.RestartBackoff = orNew(job.RestartBackoff)
	setDefaultPointer(&job.RestartBackoff.InitialSeconds, 10)
	setDefaultPointer(&job.RestartBackoff.MaxSeconds, 300)
	setDefaultPointer(&job.RestartBackoff.ResetAfterSeconds, 600)
	job.CleanupPolicy = orNew(job.CleanupPolicy)
	setDefault(&job.CleanupPolicy.AfterJobSucceeds, CleanupActionDeleteCluster)
	setDefault(&job.CleanupPolicy.AfterJobFails, CleanupActionKeepCluster)
	setDefault(&job.CleanupPolicy.AfterJobCancelled, CleanupActionDeleteCluster)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func setDefaultPointer[T any](field **T, value T) {
	if *field == nil {
		*field = new(value)
	}
}

func orNew[T any](pointer *T) *T {
	if pointer == nil {
		return new(T)
	}
	return pointer
}
