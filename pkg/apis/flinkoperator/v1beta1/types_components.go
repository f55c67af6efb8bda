package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
)

// AccessScope says from where the JobManager's service can be reached.
// +kubebuilder:validation:Enum=Cluster
type AccessScope string

// AccessScopeCluster is a ClusterIP service.
const AccessScopeCluster AccessScope = "Cluster"

// JobManagerSpec is the desired JobManager.
//
// +kubebuilder:validation:XValidation:rule="!has(self.memoryProcessRatio) || (!has(self.memoryOffHeapRatio) && !has(self.memoryOffHeapMin))",message="spec.jobManager.memoryProcessRatio: cannot be combined with memoryOffHeapRatio or memoryOffHeapMin"
type JobManagerSpec struct {
	// Number of JobManagers: one leads, the others stand by. More than 1 needs high availability.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	Replicas *int32 `json:"replicas,omitempty"`
	// From where the JobManager's service can be reached. Cluster: from inside the Kubernetes cluster.
	// +optional
	// +kubebuilder:default=Cluster
	AccessScope AccessScope `json:"accessScope,omitempty"`
	// Ports of the JobManager.
	// +optional
	// +kubebuilder:default={rpc: 6123, blob: 6124, query: 6125, ui: 8081}
	Ports *JobManagerPorts `json:"ports,omitempty"`

	ComponentSpec `json:",inline"`
}

// TaskManagerSpec is the desired group of TaskManagers.
//
// +kubebuilder:validation:XValidation:rule="!has(self.memoryProcessRatio) || (!has(self.memoryOffHeapRatio) && !has(self.memoryOffHeapMin))",message="spec.taskManager.memoryProcessRatio: cannot be combined with memoryOffHeapRatio or memoryOffHeapMin"
type TaskManagerSpec struct {
	// Number of TaskManagers. May be changed at any time, also by "kubectl scale"; the job is not restarted.
	// +optional
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Replicas *int32 `json:"replicas,omitempty"`
	// Ports of the TaskManagers.
	// +optional
	// +kubebuilder:default={data: 6121, rpc: 6122, query: 6125}
	Ports *TaskManagerPorts `json:"ports,omitempty"`

	ComponentSpec `json:",inline"`
}

// JobManagerPorts are the ports of the JobManager container and its service.
//
// +kubebuilder:validation:XValidation:rule="self.rpc != self.blob && self.rpc != self.query && self.rpc != self.ui && self.blob != self.query && self.blob != self.ui && self.query != self.ui",message="spec.jobManager.ports: rpc, blob, query and ui must differ"
type JobManagerPorts struct {
	// Port of remote procedure calls between the Flink processes.
	// +optional
	// +kubebuilder:default=6123
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	RPC *int32 `json:"rpc,omitempty"`
	// Port of the blob server, which hands out jars.
	// +optional
	// +kubebuilder:default=6124
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Blob *int32 `json:"blob,omitempty"`
	// Port of queryable state.
	// +optional
	// +kubebuilder:default=6125
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Query *int32 `json:"query,omitempty"`
	// Port of the web user interface and the REST API.
	// +optional
	// +kubebuilder:default=8081
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	UI *int32 `json:"ui,omitempty"`
}

// TaskManagerPorts are the ports of a TaskManager container.
//
// +kubebuilder:validation:XValidation:rule="self.data != self.rpc && self.data != self.query && self.rpc != self.query",message="spec.taskManager.ports: data, rpc and query must differ"
type TaskManagerPorts struct {
	// Port of the data exchange between TaskManagers.
	// +optional
	// +kubebuilder:default=6121
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Data *int32 `json:"data,omitempty"`
	// Port of remote procedure calls between the Flink processes.
	// +optional
	// +kubebuilder:default=6122
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	RPC *int32 `json:"rpc,omitempty"`
	// Port of queryable state.
	// +optional
	// +kubebuilder:default=6125
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Query *int32 `json:"query,omitempty"`
}

// NamedPort is a further port of a container, such as that of a metrics reporter.
type NamedPort struct {
	// Name of the port, unique among the ports of the container.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=15
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// Number of the port, unique among the ports of the container.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	ContainerPort int32 `json:"containerPort"`
	// TCP, UDP or SCTP.
	// +optional
	// +kubebuilder:default=TCP
	// +kubebuilder:validation:Enum=TCP;UDP;SCTP
	Protocol corev1.Protocol `json:"protocol,omitempty"`
}

// ComponentSpec is what the JobManager and the TaskManagers have in common.
type ComponentSpec struct {
	// Further ports of the container, such as that of a metrics reporter. They are not part of a service.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	ExtraPorts []NamedPort `json:"extraPorts,omitempty"`
	// Processor and memory of the container. Flink's memory follows from the memory limit (else the request).
	// +optional
	// +kubebuilder:default={requests:{cpu:"200m",memory:"512Mi"},limits:{cpu:"2",memory:"2Gi"}}
	Resources corev1.ResourceRequirements `json:"resources,omitempty"`
	// Share of the container's memory that the Flink process may use, in percent; the rest is left to other
	// containers and the system. 80 if no memory field is set.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MemoryProcessRatio *int32 `json:"memoryProcessRatio,omitempty"`
	// Share of the container's memory limit that is kept off the Java heap, in percent; the memory model of the
	// first FlinkCluster operator. Prefer memoryProcessRatio.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MemoryOffHeapRatio *int32 `json:"memoryOffHeapRatio,omitempty"`
	// Least amount of memory that is kept off the Java heap. Goes with memoryOffHeapRatio.
	// +optional
	MemoryOffHeapMin *resource.Quantity `json:"memoryOffHeapMin,omitempty"`
	// Volumes of the pod.
	// +optional
	// +listType=map
	// +listMapKey=name
	Volumes []corev1.Volume `json:"volumes,omitempty"`
	// Where to mount the volumes in the main container and in the initContainers that mount nothing themselves.
	// +optional
	// +listType=map
	// +listMapKey=mountPath
	VolumeMounts []corev1.VolumeMount `json:"volumeMounts,omitempty"`
	// Containers that run to their end before Flink starts.
	// +optional
	// +listType=map
	// +listMapKey=name
	InitContainers []corev1.Container `json:"initContainers,omitempty"`
	// Containers that run beside Flink.
	// +optional
	// +listType=map
	// +listMapKey=name
	Sidecars []corev1.Container `json:"sidecars,omitempty"`
	// Labels of the nodes that the pods may run on.
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// Taints of nodes that the pods tolerate.
	// +optional
	// +listType=atomic
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
	// Rules about where the pods may or should run.
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`
	// Annotations of the pods.
	// +optional
	PodAnnotations map[string]string `json:"podAnnotations,omitempty"`
	// Labels of the pods. The operator's own labels win.
	// +optional
	PodLabels map[string]string `json:"podLabels,omitempty"`
	// Security attributes of the pods.
	// +optional
	SecurityContext *corev1.PodSecurityContext `json:"securityContext,omitempty"`
	// Liveness probe of the main container, merged over the operator's (TCP on the rpc port).
	// +optional
	LivenessProbe *corev1.Probe `json:"livenessProbe,omitempty"`
	// Readiness probe of the main container, merged over the operator's (TCP on the rpc port).
	// +optional
	ReadinessProbe *corev1.Probe `json:"readinessProbe,omitempty"`
	// Pod template of these pods, merged under them and over spec.podTemplate.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	PodTemplate *runtime.RawExtension `json:"podTemplate,omitempty"`
}
