# shellcheck shell=bash
# A containerd of our own: own folders and socket, so that one of the machine is not disturbed.

start_containerd() {
  if process_running containerd; then return; fi
  mkdir -p "$STATE_FOLDER/containerd"
  write_containerd_configuration >"$CONFIGURATION_FOLDER/containerd.toml"
  write_network_configuration >"$CONFIGURATION_FOLDER/network/10-local.conflist"
  start_process containerd containerd --config "$CONFIGURATION_FOLDER/containerd.toml"
}

write_containerd_configuration() {
  local may_lower_oom_score=true
  # runc dies with "can't get final child's PID from pipe" when it may not set the out-of-memory score that
  # the kubelet asks for. Root lacks that capability (number 24) inside some virtual machines and containers.
  if has_capability 24; then may_lower_oom_score=false; fi
  cat <<END
version = 2
root = "$STATE_FOLDER/containerd/root"
state = "$STATE_FOLDER/containerd/state"
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
  address = "$CONTAINERD_SOCKET"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$PAUSE_IMAGE"
  restrict_oom_score_adj = $may_lower_oom_score
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$CONFIGURATION_FOLDER/network"
END
}

has_capability() { # has_capability NUMBER
  local effective
  effective="$(awk '$1 == "CapEff:" { print $2 }' /proc/self/status)"
  (((16#$effective >> $1) & 1))
}

write_network_configuration() {
  cat <<END
{
  "cniVersion": "1.0.0",
  "name": "local",
  "plugins": [
    {
      "type": "bridge", "bridge": "$BRIDGE", "isGateway": true, "ipMasq": true, "hairpinMode": true,
      "ipam": {
        "type": "host-local", "dataDir": "$STATE_FOLDER/network",
        "ranges": [[{"subnet": "$POD_RANGE", "rangeStart": "$FIRST_POD_ADDRESS", "gateway": "$NODE_ADDRESS"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
END
}

containerd_client() { ctr --address "$CONTAINERD_SOCKET" --namespace k8s.io "$@"; }

containerd_answers() { containerd_client version; }

# The processes of pods are children of shims, and shims outlive containerd on purpose. A shim is ours if it
# was started with our socket.
containerd_shims() {
  local folder words
  for folder in /proc/[0-9]*; do
    { mapfile -d '' words <"$folder/cmdline"; } 2>/dev/null || continue
    if [[ ${words[0]:-} == *containerd-shim* && " ${words[*]} " == *" -address $CONTAINERD_SOCKET "* ]]; then
      echo "${folder#/proc/}"
    fi
  done
}

kill_pods() {
  local shim child children
  for shim in $(containerd_shims); do
    # The first process of a container takes all others of its process namespace with it.
    read -ra children < <(cat "/proc/$shim/task/"*/children 2>/dev/null) || true
    for child in "${children[@]}"; do kill -KILL "$child" 2>/dev/null || true; done
    end_pid "$shim" 2
  done
}

unmount_state() {
  local target
  findmnt --raw --noheadings --output TARGET | { grep "^$STATE_FOLDER/" || true; } | sort -r |
    while read -r target; do umount "$target" 2>/dev/null || umount --lazy "$target"; done
}
