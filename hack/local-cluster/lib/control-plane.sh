# shellcheck shell=bash
# etcd and the three programs of the control plane.

start_etcd() {
  # The cluster is thrown away after use, so data need not survive a power cut: no waiting for the disk.
  start_process etcd "$BINARIES/etcd" --name local --data-dir "$STATE_FOLDER/etcd" --unsafe-no-fsync \
    --listen-client-urls "http://127.0.0.1:$ETCD_PORT" --advertise-client-urls "http://127.0.0.1:$ETCD_PORT" \
    --listen-peer-urls "http://127.0.0.1:$ETCD_PEER_PORT" \
    --initial-advertise-peer-urls "http://127.0.0.1:$ETCD_PEER_PORT" \
    --initial-cluster "local=http://127.0.0.1:$ETCD_PEER_PORT" --log-level warn
}

start_apiserver() {
  start_process kube-apiserver "$BINARIES/kube-apiserver" \
    --etcd-servers "http://127.0.0.1:$ETCD_PORT" \
    --bind-address "$NODE_ADDRESS" --advertise-address "$NODE_ADDRESS" --secure-port "$API_SERVER_PORT" \
    --service-cluster-ip-range "$SERVICE_RANGE" \
    --tls-cert-file "$CERTIFICATE_FOLDER/apiserver.crt" --tls-private-key-file "$CERTIFICATE_FOLDER/apiserver.key" \
    --client-ca-file "$CERTIFICATE_FOLDER/authority.crt" \
    --kubelet-client-certificate "$CERTIFICATE_FOLDER/apiserver-to-kubelet.crt" \
    --kubelet-client-key "$CERTIFICATE_FOLDER/apiserver-to-kubelet.key" \
    --kubelet-certificate-authority "$CERTIFICATE_FOLDER/authority.crt" \
    --kubelet-preferred-address-types InternalIP \
    --proxy-client-cert-file "$CERTIFICATE_FOLDER/front-proxy.crt" \
    --proxy-client-key-file "$CERTIFICATE_FOLDER/front-proxy.key" \
    --requestheader-client-ca-file "$CERTIFICATE_FOLDER/authority.crt" --requestheader-allowed-names front-proxy \
    --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
    --requestheader-extra-headers-prefix X-Remote-Extra- \
    --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --service-account-key-file "$CERTIFICATE_FOLDER/service-accounts.pub" \
    --service-account-signing-key-file "$CERTIFICATE_FOLDER/service-accounts.key" \
    --token-auth-file "$CERTIFICATE_FOLDER/tokens.csv" \
    --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --allow-privileged=true \
    --anonymous-auth=true --profiling=false
}

apiserver_ready() { kubectl_admin get --raw /readyz; }

# No leader election: there is one of each, and waiting for an old lease would delay every restart.
start_controller_manager() {
  start_process kube-controller-manager "$BINARIES/kube-controller-manager" \
    --kubeconfig "$CONFIGURATION_FOLDER/kube-controller-manager.kubeconfig" \
    --authentication-kubeconfig "$CONFIGURATION_FOLDER/kube-controller-manager.kubeconfig" \
    --authorization-kubeconfig "$CONFIGURATION_FOLDER/kube-controller-manager.kubeconfig" \
    --authentication-tolerate-lookup-failure=true \
    --leader-elect=false --bind-address 127.0.0.1 --use-service-account-credentials=true \
    --service-account-private-key-file "$CERTIFICATE_FOLDER/service-accounts.key" \
    --root-ca-file "$CERTIFICATE_FOLDER/authority.crt" \
    --cluster-signing-cert-file "$CERTIFICATE_FOLDER/authority.crt" \
    --cluster-signing-key-file "$CERTIFICATE_FOLDER/authority.key" \
    --kube-api-qps 200 --kube-api-burst 400 --profiling=false
}

start_scheduler() {
  start_process kube-scheduler "$BINARIES/kube-scheduler" \
    --kubeconfig "$CONFIGURATION_FOLDER/kube-scheduler.kubeconfig" \
    --authentication-kubeconfig "$CONFIGURATION_FOLDER/kube-scheduler.kubeconfig" \
    --authorization-kubeconfig "$CONFIGURATION_FOLDER/kube-scheduler.kubeconfig" \
    --authentication-tolerate-lookup-failure=true \
    --leader-elect=false --bind-address 127.0.0.1 --kube-api-qps 200 --kube-api-burst 400 --profiling=false
}

kubectl_admin() { "$BINARIES/kubectl" --kubeconfig "$ADMIN_KUBECONFIG" --request-timeout 5s "$@"; }

# The DNS server reads services and endpoints; Kubernetes has no default role for it.
grant_dns_rights() {
  kubectl_admin apply --server-side -f - >/dev/null <<'END'
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: local-cluster-dns}
rules:
  - {apiGroups: [""], resources: [services, endpoints, pods, namespaces], verbs: [list, watch]}
  - {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: local-cluster-dns}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: local-cluster-dns}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: coredns}]
END
}
