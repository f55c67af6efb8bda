# shellcheck shell=bash
# The node: kubelet, kube-proxy and the DNS server.

start_kubelet() {
  write_kubelet_configuration >"$CONFIGURATION_FOLDER/kubelet.yaml"
  start_process kubelet "$BINARIES/kubelet" --config "$CONFIGURATION_FOLDER/kubelet.yaml" \
    --kubeconfig "$CONFIGURATION_FOLDER/kubelet.kubeconfig" --root-dir "$STATE_FOLDER/kubelet" \
    --hostname-override "$NODE_NAME" --node-ip "$NODE_ADDRESS"
}

# Nothing is evicted or garbage collected: images cannot be pulled again, there being no registry, and a
# nearly full disk of a developer's machine should not end the tests.
write_kubelet_configuration() {
  cat <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $NODE_ADDRESS
healthzBindAddress: 127.0.0.1
containerRuntimeEndpoint: unix://$CONTAINERD_SOCKET
podLogsDir: $STATE_FOLDER/pod-logs
tlsCertFile: $CERTIFICATE_FOLDER/kubelet.crt
tlsPrivateKeyFile: $CERTIFICATE_FOLDER/kubelet.key
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $CERTIFICATE_FOLDER/authority.crt}
authorization: {mode: Webhook}
clusterDNS: [$NODE_ADDRESS]
clusterDomain: cluster.local
resolvConf: /etc/resolv.conf
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
evictionHard: {nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%", imagefs.inodesFree: "0%"}
imageGCHighThresholdPercent: 100
imageMinimumGCAge: 8760h
imageMaximumGCAge: 0s
serializeImagePulls: false
registryPullQPS: 0
eventRecordQPS: 0
kubeAPIQPS: 200
kubeAPIBurst: 400
nodeStatusUpdateFrequency: 5s
volumePluginDir: $STATE_FOLDER/kubelet/volume-plugins
END
}

kubelet_healthy() { http_answers 127.0.0.1 10248 /healthz; }

node_ready() {
  [[ $(kubectl_admin get node "$NODE_NAME" \
    -o 'jsonpath={.spec.taints[*].key}/{.status.conditions[?(@.type=="Ready")].status}') == /True ]]
}

start_proxy() {
  start_process kube-proxy "$BINARIES/kube-proxy" --kubeconfig "$CONFIGURATION_FOLDER/kube-proxy.kubeconfig" \
    --proxy-mode iptables --cluster-cidr "$POD_RANGE" --hostname-override "$NODE_NAME" \
    --bind-address "$NODE_ADDRESS" --healthz-bind-address 127.0.0.1:10256 --metrics-bind-address 127.0.0.1:10249 \
    --iptables-min-sync-period 200ms \
    --conntrack-max-per-core 0 --conntrack-tcp-timeout-established 0 --conntrack-tcp-timeout-close-wait 0
}

start_dns() {
  cat >"$CONFIGURATION_FOLDER/Corefile" <<END
.:53 {
  bind $NODE_ADDRESS
  ready 127.0.0.1:$DNS_READY_PORT
  errors
  cache 2
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $CONFIGURATION_FOLDER/coredns.kubeconfig
    ttl 2
    pods insecure
    fallthrough in-addr.arpa
  }
  forward . /etc/resolv.conf
}
END
  start_process coredns "$COREDNS/coredns" -conf "$CONFIGURATION_FOLDER/Corefile"
}

proxy_healthy() { http_answers 127.0.0.1 10256 /healthz; }

dns_ready() { http_answers 127.0.0.1 "$DNS_READY_PORT" /ready; }

default_service_account_exists() { kubectl_admin get serviceaccount default --namespace default; }

# Paths outside the state folder that the kubelet, containerd and the network library insist on. Those that
# are not there before the start are removed at the end.
OUTSIDE_PATHS=(/var/lib/kubelet /var/log/containers /var/log/pods /var/lib/cni /run/containerd /usr/libexec/kubernetes)

remember_outside_paths() {
  local path
  [[ -f $STATE_FOLDER/outside-paths ]] && return
  for path in "${OUTSIDE_PATHS[@]}"; do
    if [[ ! -e $path ]]; then echo "$path"; fi
  done >"$STATE_FOLDER/outside-paths"
}

remove_outside_paths() {
  local path
  [[ -f $STATE_FOLDER/outside-paths ]] || return 0
  while read -r path; do rm -rf --one-file-system "$path"; done <"$STATE_FOLDER/outside-paths"
}

# The kubelet's control groups are empty now; a group must go before its parent.
remove_control_groups() {
  find /sys/fs/cgroup -depth -type d \( -path '*/kubepods' -o -path '*/kubepods/*' \) -exec rmdir {} + 2>/dev/null || true
}
