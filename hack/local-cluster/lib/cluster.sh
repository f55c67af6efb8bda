# shellcheck shell=bash
# The commands: up, down, status, restart-apiserver, load.
# shellcheck disable=SC2034  # what is set here is read in the other files

cluster_up() {
  check_machine
  take_cluster_lock
  if [[ -f $STATE_FOLDER/complete ]] && cluster_healthy; then
    say 'the cluster is up and healthy'
    return
  fi
  if [[ -d $STATE_FOLDER ]] && ! cluster_repairable; then
    say 'what is left of an earlier cluster cannot be repaired; removing it first'
    take_down
  fi
  [[ -d $STATE_FOLDER ]] || check_nothing_in_the_way
  stop_unhealthy
  install_packages "${!REQUIRED_PACKAGES[@]}"
  prepare_programs
  bring_up
  touch "$STATE_FOLDER/complete"
  say 'the cluster is up'
  cat >&2 <<END

  export KUBECONFIG=$ADMIN_KUBECONFIG
  export PATH="$BINARIES:\$PATH"
  kubectl get pods --all-namespaces

Images: local-cluster.sh load ARCHIVE...; then imagePullPolicy: IfNotPresent and their localhost/ name.
END
}

# Two commands at once would start everything twice.
take_cluster_lock() {
  mkdir -p "$CACHE_FOLDER"
  exec {cluster_lock}>"$CACHE_FOLDER/local-cluster.lock"
  if ! flock -n "$cluster_lock"; then
    say 'another local-cluster.sh is at work; waiting for it to end'
    flock "$cluster_lock"
  fi
}

prepare_programs() {
  take_build_lock
  BINARIES="$(build_binaries)"
  COREDNS="$(build_coredns)"
  PAUSE_ARCHIVE="$(build_pause_image)"
  release_build_lock
}

# Each part returns at once if it is there already, so this repairs as well as it builds. The slow starters
# (the API server needs 3 s) go first, and what does not need them is done meanwhile.
bring_up() {
  mkdir -p "$LOG_FOLDER" "$PROCESS_FOLDER" "$CONFIGURATION_FOLDER/network" "$CERTIFICATE_FOLDER"
  # The rest stays readable, so that a user who is not root can look at logs.
  chmod 0700 "$CERTIFICATE_FOLDER" "$CONFIGURATION_FOLDER"
  cp /proc/sys/kernel/random/boot_id "$STATE_FOLDER/boot"
  echo "$BINARIES" >"$STATE_FOLDER/binaries"
  remember_outside_paths
  run_step 'bridge and kernel settings' '0.1 s' make_network
  run_step 'certificates and tokens' '0.5 s' make_certificates
  start_etcd
  start_containerd
  start_apiserver
  run_step 'containerd with the pause image' '1 s' make_containerd_ready
  run_step 'etcd and API server' '5 s' \
    wait_for kube-apiserver 'API server ready' apiserver_ready
  start_controller_manager
  start_scheduler
  start_kubelet
  start_proxy
  grant_dns_rights
  start_dns
  run_step 'node' '5 s' wait_for kubelet 'node ready' node_ready
  run_step 'DNS' '1 s' wait_for coredns 'DNS server ready' dns_ready
  run_step 'service addresses' '1 s' wait_for kube-proxy 'kube-proxy healthy' proxy_healthy
  run_step 'default service account' '1 s' \
    wait_for kube-controller-manager 'default service account' default_service_account_exists
}

make_containerd_ready() {
  wait_for containerd 'containerd ready' containerd_answers
  load_image "$PAUSE_ARCHIVE"
}

# What runs but does not answer would be taken for started. After an outage of the API server its two nearest
# clients are started anew as well: a scheduler that missed the end of a pod and then sees a new one of the
# same name ends itself.
stop_unhealthy() {
  local name
  find_running_programs || return 0
  for name in "${COMPONENTS[@]}"; do
    if process_running "$name" && ! component_healthy "$name"; then
      run_step "stopping $name, which does not answer" '1 s' stop_process "$name"
    fi
  done
  if ! process_running kube-apiserver; then
    stop_process kube-scheduler
    stop_process kube-controller-manager
  fi
}

# Not after a reboot, and not without the bridge, to which the running pods were tied.
cluster_repairable() {
  [[ -f $CERTIFICATE_FOLDER/complete && $(<"$STATE_FOLDER/boot") == "$(</proc/sys/kernel/random/boot_id)" ]] && bridge_up
}

cluster_down() {
  ((EUID == 0)) || fail 'root is needed to stop the cluster, as it was to start it'
  take_cluster_lock
  if [[ ! -d $STATE_FOLDER ]]; then say 'there is no cluster'; fi
  take_down
}

# Also removes what an interrupted start, or somebody who deleted the state folder, left behind.
take_down() {
  local index
  for ((index = ${#COMPONENTS[@]} - 1; index >= 0; index--)); do
    # containerd is the first component: it is stopped last.
    if process_running "${COMPONENTS[index]}"; then
      run_step "stopping ${COMPONENTS[index]}" '1 s' stop_process "${COMPONENTS[index]}"
    fi
  done
  run_step 'ending pods' '1 s' kill_pods
  run_step 'unmounting' '1 s' unmount_state
  run_step 'bridge, firewall rules and kernel settings' '1 s' remove_network
  remove_control_groups
  remove_outside_paths
  run_step 'state folder' '1 s' rm -rf --one-file-system "$STATE_FOLDER"
}

component_healthy() { # component_healthy NAME
  process_running "$1" || return 1
  case "$1" in
    etcd) http_answers 127.0.0.1 "$ETCD_PORT" /health ;;
    kube-apiserver) apiserver_ready >/dev/null 2>&1 ;;
    kubelet) kubelet_healthy ;;
    kube-proxy) proxy_healthy ;;
    coredns) dns_ready ;;
  esac
}

cluster_healthy() {
  local name
  find_running_programs && bridge_up || return 1
  for name in "${COMPONENTS[@]}"; do component_healthy "$name" || return 1; done
  node_ready 2>/dev/null
}

# The programs of the running cluster, which may be older than the ones that would be built now.
find_running_programs() {
  [[ -f $STATE_FOLDER/binaries ]] || return 1
  BINARIES="$(<"$STATE_FOLDER/binaries")"
  [[ -x $BINARIES/kubectl ]]
}

cluster_status() {
  local name pid word exit_code=0
  if ! find_running_programs; then
    echo 'there is no cluster'
    return 1
  fi
  for name in "${COMPONENTS[@]}"; do
    word=up
    component_healthy "$name" || { word=down exit_code=1; }
    pid="$(process_pid "$name")" || pid=-
    if [[ $word == down && $pid != - ]]; then word='running, but not healthy'; fi
    printf '%-24s %-8s %s\n' "$name" "$pid" "$word"
  done
  if node_ready 2>/dev/null; then word=ready; else word='not ready' exit_code=1; fi
  printf '%-24s %-8s %s\n' "node $NODE_NAME" - "$word"
  printf '%-24s %-8s %s\n' pods - "$(kubectl_admin get pods --all-namespaces --no-headers 2>/dev/null | wc -l)"
  return "$exit_code"
}

# A crash, not a shutdown: clients find their connections broken in the middle of an answer. The scheduler and the
# controller manager are started anew as well; see stop_unhealthy.
cluster_restart_apiserver() {
  local pid
  ((EUID == 0)) || fail 'root is needed to restart the API server, as it was to start it'
  take_cluster_lock
  find_running_programs || fail 'there is no cluster' "start it with 'local-cluster.sh up'"
  pid="$(process_pid kube-apiserver)" || fail 'the API server does not run' "repair the cluster with 'local-cluster.sh up'"
  stop_process kube-scheduler
  stop_process kube-controller-manager
  kill -KILL "$pid"
  until process_gone "$pid"; do sleep 0.05; done
  # A thread that ends last may hold the socket for a moment longer.
  while (: <"/dev/tcp/$NODE_ADDRESS/$API_SERVER_PORT") 2>/dev/null; do sleep 0.05; done
  start_apiserver
  run_step 'API server' '4 s' wait_for kube-apiserver 'API server ready' apiserver_ready
  start_controller_manager
  start_scheduler
}

cluster_load() {
  local archive
  (($# > 0)) || fail 'load needs one or more image archives'
  ((EUID == 0)) || fail 'root is needed to load images: the socket of containerd is open to root only'
  process_running containerd || fail 'there is no running cluster to load into' "start it with 'local-cluster.sh up'"
  for archive in "$@"; do load_image "$archive"; done
}
