package resources

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// JobManagerService gives the JobManager the name by which TaskManagers, the operator and users reach it.
func JobManagerService(in Input) *corev1.Service {
	var ports []corev1.ServicePort
	for _, port := range jobManagerPorts(in.Cluster.Spec.JobManager.Ports) {
		ports = append(ports, corev1.ServicePort{
			Name: port.Name, Protocol: port.Protocol, Port: port.ContainerPort, TargetPort: intstr.FromString(port.Name),
		})
	}
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: in.metadata(JobManagerName(in.Cluster.Name), in.labels(v1beta1.ComponentJobManager)),
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeClusterIP,
			Selector: in.selectorLabels(v1beta1.ComponentJobManager),
			Ports:    ports,
			// TaskManagers register while the JobManager is still starting, before it is ready.
			PublishNotReadyAddresses: true,
		},
	}
}
