package resources

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// TaskManagerStatefulSet is the group of TaskManagers. In an application it belongs to a run: the caller deletes it,
// with its pods, before it applies that of another run (its update strategy never replaces a running pod). Within a
// run it may be applied again to scale it.
func TaskManagerStatefulSet(in Input) (*appsv1.StatefulSet, error) {
	taskManager := in.Cluster.Spec.TaskManager
	part := component{
		name:          v1beta1.ComponentTaskManager,
		spec:          &taskManager.ComponentSpec,
		ports:         taskManagerPorts(taskManager.Ports),
		env:           []corev1.EnvVar{podField("POD_NAME", "metadata.name"), podField("POD_IP", "status.podIP")},
		restartPolicy: corev1.RestartPolicyAlways,
		// Flink shows a TaskManager under its pod's name, and others reach it by address: nothing looks up its
		// name, so there is no headless service.
		args: append([]string{"taskmanager", "-Dtaskmanager.resource-id=$(POD_NAME)", "-Dtaskmanager.host=$(POD_IP)"},
			literal(slices.Concat(highAvailabilityArguments(in), dynamicProperties(in))...)...),
	}
	return statefulSet(in, part, TaskManagerName(in.Cluster.Name), taskManager.Replicas)
}

func podField(name, fieldPath string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: fieldPath},
	}}
}
