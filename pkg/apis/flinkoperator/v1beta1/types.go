package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// FlinkCluster is an Apache Flink cluster with the one job that it runs, or a session cluster if it has no job.
//
// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=flinkclusters,singular=flinkcluster,shortName=fc
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.taskManager.replicas,statuspath=.status.components.taskManager.replicas,selectorpath=.status.components.taskManager.selector
// +kubebuilder:metadata:annotations="api-approved.kubernetes.io=unapproved, the group name was chosen by the first FlinkCluster operators"
// +kubebuilder:printcolumn:name="Job",type=string,JSONPath=`.status.components.job.state`,description="State of the job"
// +kubebuilder:printcolumn:name="Lifecycle",type=string,JSONPath=`.status.lifecycle`,description="What the cluster is doing, in one word"
// +kubebuilder:printcolumn:name="Flink",type=string,JSONPath=`.status.flinkVersion`,description="Version of Flink that runs"
// +kubebuilder:printcolumn:name="Savepoints",type=integer,JSONPath=`.status.components.job.savepointGeneration`,description="Generation of the newest savepoint"
// +kubebuilder:printcolumn:name="Last Savepoint",type=date,JSONPath=`.status.components.job.lastSavepointTime`,description="Age of the newest savepoint"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Job Manager",type=string,priority=1,JSONPath=`.status.components.jobManager.ready`
// +kubebuilder:printcolumn:name="Task Managers",type=string,priority=1,JSONPath=`.status.components.taskManager.ready`
// +kubebuilder:printcolumn:name="Restarts",type=integer,priority=1,JSONPath=`.status.components.job.restartCount`
// +kubebuilder:printcolumn:name="Job ID",type=string,priority=1,JSONPath=`.status.components.job.id`
// +kubebuilder:printcolumn:name="Savepoint Location",type=string,priority=1,JSONPath=`.status.components.job.savepointLocation`
// +kubebuilder:printcolumn:name="Image",type=string,priority=1,JSONPath=`.spec.image.name`
// +kubebuilder:validation:XValidation:rule="oldSelf.hasValue() || self.metadata.name.size() <= 48 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",optionalOldSelf=true,message="metadata.name: must be a DNS label of at most 48 characters: lower-case letters, digits and '-', beginning with a letter"
type FlinkCluster struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What you want: the image, the JobManager, the TaskManagers and the job.
	// +required
	Spec FlinkClusterSpec `json:"spec"`
	// What the operator saw and did. Written by the operator only.
	// +optional
	Status FlinkClusterStatus `json:"status,omitempty"`
}

// FlinkClusterList is a list of FlinkClusters.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +kubebuilder:object:root=true
type FlinkClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []FlinkCluster `json:"items"`
}

// FlinkClusterSpec is the desired state of a FlinkCluster.
//
// +kubebuilder:validation:XValidation:rule="has(self.job) == has(oldSelf.job)",message="spec.job: a session cluster cannot become a job cluster or the reverse; create a new FlinkCluster"
// +kubebuilder:validation:XValidation:rule="!has(self.job) || !has(self.job.autoSavepointSeconds) || (has(self.job.savepointsDir) && self.job.savepointsDir.size() > 0) || (has(self.flinkProperties) && (('state.savepoints.dir' in self.flinkProperties && self.flinkProperties['state.savepoints.dir'].size() > 0) || ('execution.checkpointing.savepoint-dir' in self.flinkProperties && self.flinkProperties['execution.checkpointing.savepoint-dir'].size() > 0)))",message="spec.job.autoSavepointSeconds: needs spec.job.savepointsDir, or Flink's own savepoint directory in spec.flinkProperties"
// +kubebuilder:validation:XValidation:rule="!has(self.job) || !has(self.job.upgradeMode) || self.job.upgradeMode != 'savepoint' || (has(self.job.savepointsDir) && self.job.savepointsDir.size() > 0) || (has(self.flinkProperties) && (('state.savepoints.dir' in self.flinkProperties && self.flinkProperties['state.savepoints.dir'].size() > 0) || ('execution.checkpointing.savepoint-dir' in self.flinkProperties && self.flinkProperties['execution.checkpointing.savepoint-dir'].size() > 0)))",message="spec.job.upgradeMode: savepoint needs spec.job.savepointsDir, or Flink's own savepoint directory in spec.flinkProperties"
// +kubebuilder:validation:XValidation:rule="!has(self.jobManager) || !has(self.jobManager.replicas) || self.jobManager.replicas <= 1 || (has(self.flinkProperties) && ('high-availability.type' in self.flinkProperties || 'high-availability' in self.flinkProperties || 'recovery.mode' in self.flinkProperties))",message="spec.jobManager.replicas: must be 1: more JobManagers need high availability, spec.flinkProperties[high-availability.type] kubernetes"
// +kubebuilder:validation:XValidation:rule="!has(self.job) || !has(self.job.deletionPolicy) || self.job.deletionPolicy != 'Savepoint' || (has(self.job.savepointsDir) && self.job.savepointsDir.size() > 0) || (has(self.flinkProperties) && (('state.savepoints.dir' in self.flinkProperties && self.flinkProperties['state.savepoints.dir'].size() > 0) || ('execution.checkpointing.savepoint-dir' in self.flinkProperties && self.flinkProperties['execution.checkpointing.savepoint-dir'].size() > 0)))",message="spec.job.deletionPolicy: Savepoint needs spec.job.savepointsDir, or Flink's own savepoint directory in spec.flinkProperties"
// +kubebuilder:validation:XValidation:rule="has(self.job) || !has(self.rollback) || !has(self.rollback.enabled) || !self.rollback.enabled",message="spec.rollback.enabled: needs spec.job; the jobs of a session cluster are not the operator's"
// +kubebuilder:validation:XValidation:rule="!has(self.job) || !has(self.job.savepointRetention) || !has(self.flinkProperties) || ['execution.state-recovery.claim-mode', 'execution.savepoint-restore-mode'].all(o, !(o in self.flinkProperties) || self.flinkProperties[o].size() == 0 || self.flinkProperties[o] in ['NO_CLAIM', 'no_claim'])",message="spec.job.savepointRetention: needs Flink's claim mode NO_CLAIM: in the others, checkpoints go on using the files of savepoints"
type FlinkClusterSpec struct {
	// Version of Flink in the image, such as "1.20" or "2.1.3". Taken from the image tag if unset. The version that
	// really runs is in the status.
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,3})?$`
	FlinkVersion string `json:"flinkVersion,omitempty"`
	// Image with Flink, used for the JobManager and the TaskManagers.
	// +required
	Image ImageSpec `json:"image"`
	// Service account of the JobManager and TaskManager pods. Default: that of the namespace; with high availability one that
	// the operator makes, which may read and write ConfigMaps of the namespace, as an account named here must, too.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ServiceAccountName *string `json:"serviceAccountName,omitempty"`
	// Flink configuration, option name to value, as in Flink's configuration file. Addresses and ports are set by
	// the operator and cannot be overridden here. high-availability.type kubernetes, with high-availability.storageDir, turns
	// high availability on: Flink itself goes on with its jobs when a JobManager is lost.
	// +optional
	// +kubebuilder:validation:MaxProperties=500
	FlinkProperties map[string]string `json:"flinkProperties,omitempty"`
	// Log configuration files by name, such as log4j-console.properties. A name given here replaces the operator's file.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	LogConfig map[string]string `json:"logConfig,omitempty"`
	// Environment variables of the JobManager and TaskManager containers.
	// +optional
	// +listType=map
	// +listMapKey=name
	EnvVars []corev1.EnvVar `json:"envVars,omitempty"`
	// Sources of environment variables of the JobManager and TaskManager containers.
	// +optional
	// +listType=atomic
	EnvFrom []corev1.EnvFromSource `json:"envFrom,omitempty"`
	// Change it to any other number to restart the job as an upgrade would, or a session cluster. The value at creation
	// does nothing.
	// +optional
	RestartNonce *int64 `json:"restartNonce,omitempty"`
	// How many revisions of the spec are kept as ControllerRevisions, beside those in use.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	RevisionHistoryLimit *int32 `json:"revisionHistoryLimit,omitempty"`
	// Going back from an upgrade that fails. Job clusters only.
	// +optional
	// +kubebuilder:default={}
	Rollback *RollbackSpec `json:"rollback,omitempty"`
	// Pod template (metadata and spec of a pod) merged under the JobManager and TaskManager pods: lists such as
	// containers are merged by name, the main containers are called "jobmanager" and "taskmanager", and what the
	// operator or other fields set wins.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	PodTemplate *runtime.RawExtension `json:"podTemplate,omitempty"`
	// The JobManager, which coordinates the job.
	// +optional
	// +kubebuilder:default={}
	JobManager *JobManagerSpec `json:"jobManager,omitempty"`
	// The TaskManagers, which do the work.
	// +optional
	// +kubebuilder:default={}
	TaskManager *TaskManagerSpec `json:"taskManager,omitempty"`
	// The job to run. Leave out for a session cluster, to which you submit jobs yourself.
	// +optional
	Job *JobSpec `json:"job,omitempty"`
}

// RollbackSpec says whether an upgrade that fails is taken back.
type RollbackSpec struct {
	// true: if the job fails after an upgrade, is lost, or is not stable after readinessSeconds, it goes on from its newest
	// state with the last revision of the spec that was stable. The spec that failed is not tried again until it asks for
	// another revision, or restartNonce or savepointRedeployNonce changes.
	// +optional
	Enabled bool `json:"enabled,omitempty"`
	// A revision is stable once its job has completed a checkpoint or savepoint, or has all tasks running so many seconds
	// after its start was recorded. status.revision.stable tells it, also where enabled is false.
	// +optional
	// +kubebuilder:default=300
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	ReadinessSeconds *int32 `json:"readinessSeconds,omitempty"`
}

// ImageSpec names a container image.
type ImageSpec struct {
	// Name of the image, with tag or digest.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Name string `json:"name"`
	// When to pull the image: Always, IfNotPresent or Never.
	// +optional
	// +kubebuilder:default=Always
	// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
	PullPolicy corev1.PullPolicy `json:"pullPolicy,omitempty"`
	// Names of the secrets to pull the image with.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	PullSecrets []corev1.LocalObjectReference `json:"pullSecrets,omitempty"`
}
