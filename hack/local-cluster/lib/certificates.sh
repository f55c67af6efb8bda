# shellcheck shell=bash
# Certificates, service account keys, tokens and kubeconfig files. All new with every cluster.

# In a process of its own, for the umask: keys and tokens are for their owner only.
make_certificates() (
  if [[ -f $CERTIFICATE_FOLDER/complete ]]; then exit; fi
  umask 077
  make_authority
  make_certificate apiserver '/CN=kube-apiserver' serverAuth \
    "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:$NODE_ADDRESS,IP:127.0.0.1,IP:$KUBERNETES_SERVICE_ADDRESS"
  # With this one the API server calls the kubelet, for logs, exec and port-forward.
  make_certificate apiserver-to-kubelet '/O=system:masters/CN=kube-apiserver-kubelet-client' clientAuth
  # And with this one it calls other API servers in front of which it stands.
  make_certificate front-proxy '/CN=front-proxy' clientAuth
  make_certificate kubelet "/O=system:nodes/CN=system:node:$NODE_NAME" serverAuth "DNS:$NODE_NAME,IP:$NODE_ADDRESS"
  make_service_account_key
  make_tokens
  # The user behind sudo shall be able to use the cluster without it.
  if [[ -n ${SUDO_UID:-} ]]; then chown "$SUDO_UID" "$ADMIN_KUBECONFIG"; fi
  touch "$CERTIFICATE_FOLDER/complete"
)

# Elliptic curves, because an RSA key takes ten times as long to make.
new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

make_authority() {
  new_key "$CERTIFICATE_FOLDER/authority.key"
  openssl req -x509 -new -key "$CERTIFICATE_FOLDER/authority.key" -days 3650 \
    -subj '/CN=flink-operator-local-cluster' -out "$CERTIFICATE_FOLDER/authority.crt"
}

make_certificate() { # make_certificate NAME SUBJECT USAGE [ALTERNATIVE_NAMES]
  local file="$CERTIFICATE_FOLDER/$1" extensions="extendedKeyUsage=$3"
  [[ -z ${4:-} ]] || extensions+=$'\n'"subjectAltName=$4"
  new_key "$file.key"
  openssl req -new -key "$file.key" -subj "$2" -out "$file.csr"
  openssl x509 -req -in "$file.csr" -days 3650 -CA "$CERTIFICATE_FOLDER/authority.crt" \
    -CAkey "$CERTIFICATE_FOLDER/authority.key" -CAcreateserial -extfile <(echo "$extensions") \
    -out "$file.crt" 2>/dev/null
  rm "$file.csr"
}

make_service_account_key() {
  new_key "$CERTIFICATE_FOLDER/service-accounts.key"
  openssl pkey -in "$CERTIFICATE_FOLDER/service-accounts.key" -pubout -out "$CERTIFICATE_FOLDER/service-accounts.pub"
}

# Every component is a user of its own with just the rights that Kubernetes' default roles give it, so
# that what works here works elsewhere.
make_tokens() {
  : >"$CERTIFICATE_FOLDER/tokens.csv"
  make_user admin system:masters "$ADMIN_KUBECONFIG"
  make_user system:kube-controller-manager '' "$CONFIGURATION_FOLDER/kube-controller-manager.kubeconfig"
  make_user system:kube-scheduler '' "$CONFIGURATION_FOLDER/kube-scheduler.kubeconfig"
  make_user system:kube-proxy '' "$CONFIGURATION_FOLDER/kube-proxy.kubeconfig"
  make_user coredns '' "$CONFIGURATION_FOLDER/coredns.kubeconfig"
  make_user "system:node:$NODE_NAME" system:nodes "$CONFIGURATION_FOLDER/kubelet.kubeconfig"
}

make_user() { # make_user NAME GROUP KUBECONFIG
  local token
  token="$(openssl rand -hex 24)"
  echo "$token,$1,$1,\"$2\"" >>"$CERTIFICATE_FOLDER/tokens.csv"
  cat >"$3" <<END
apiVersion: v1
kind: Config
current-context: local
contexts:
  - name: local
    context: {cluster: local, user: "$1"}
clusters:
  - name: local
    cluster:
      server: https://$NODE_ADDRESS:$API_SERVER_PORT
      certificate-authority-data: $(base64 -w 0 "$CERTIFICATE_FOLDER/authority.crt")
users:
  - name: "$1"
    user: {token: $token}
END
}
