# shellcheck shell=bash
# Names, addresses and folders of the local cluster.
# shellcheck disable=SC2034  # read by the other files

STATE_FOLDER="${FLINK_OPERATOR_LOCAL_CLUSTER:-/var/lib/flink-operator-local-cluster}"
LOG_FOLDER="$STATE_FOLDER/logs"
PROCESS_FOLDER="$STATE_FOLDER/processes"
CERTIFICATE_FOLDER="$STATE_FOLDER/certificates"
CONFIGURATION_FOLDER="$STATE_FOLDER/configuration"
ADMIN_KUBECONFIG="$STATE_FOLDER/kubeconfig"

NODE_NAME=local
BRIDGE=flink-local0
# The bridge's address is the node, the API server and the DNS server at once: it exists on this machine
# only, so nothing of the cluster can be reached from outside.
NODE_ADDRESS=10.244.0.1
POD_RANGE=10.244.0.0/16
FIRST_POD_ADDRESS=10.244.1.0
SERVICE_RANGE=10.96.0.0/16
KUBERNETES_SERVICE_ADDRESS=10.96.0.1
API_SERVER_PORT=6443
# Not etcd's usual ports, which an etcd of the machine itself may hold.
ETCD_PORT=12379
ETCD_PEER_PORT=12380
DNS_READY_PORT=8181
CONTAINERD_SOCKET="$STATE_FOLDER/containerd/containerd.sock"

# In the order in which they start.
COMPONENTS=(containerd etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy coredns)
