package resources

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// rpcPort is the name of the port that probes look at, in both components.
const rpcPort = "rpc"

func jobManagerPorts(ports *v1beta1.JobManagerPorts) []corev1.ContainerPort {
	return []corev1.ContainerPort{
		tcpPort(rpcPort, ports.RPC), tcpPort("blob", ports.Blob), tcpPort("query", ports.Query), tcpPort("ui", ports.UI),
	}
}

func taskManagerPorts(ports *v1beta1.TaskManagerPorts) []corev1.ContainerPort {
	return []corev1.ContainerPort{tcpPort("data", ports.Data), tcpPort(rpcPort, ports.RPC), tcpPort("query", ports.Query)}
}

func tcpPort(name string, number *int32) corev1.ContainerPort {
	return corev1.ContainerPort{Name: name, ContainerPort: *number, Protocol: corev1.ProtocolTCP}
}

func extraPorts(extra []v1beta1.NamedPort) []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	for _, port := range extra {
		ports = append(ports, corev1.ContainerPort{Name: port.Name, ContainerPort: port.ContainerPort, Protocol: port.Protocol})
	}
	return ports
}
