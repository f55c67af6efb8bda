# shellcheck shell=bash
# What the machine must have. Everything is checked before anything is changed.

# command or file -> Debian package that has it. CNI plugins are not on the PATH, hence a file.
declare -A REQUIRED_PACKAGES=(
  [containerd]=containerd
  [runc]=runc
  [/usr/lib/cni/bridge]=containernetworking-plugins
  [iptables]=iptables
  [openssl]=openssl
  [ip]=iproute2
  [findmnt]=util-linux
)

have() { # have COMMAND_OR_FILE
  command -v "$1" >/dev/null
}

# install_packages COMMAND_OR_FILE... installs what is missing, and nothing else.
install_packages() {
  local item missing=()
  for item in "$@"; do
    have "$item" || missing+=("${REQUIRED_PACKAGES[$item]:-$item}")
  done
  if ((${#missing[@]} == 0)); then return; fi
  have apt-get ||
    fail "these programs are missing: ${missing[*]}" 'they are installed with apt-get, which is missing too: use Debian, or install them by hand'
  run_step "installing Debian packages: ${missing[*]}" '20 s once' apt_install "${missing[@]}"
}

apt_install() {
  local log
  log="$(mktemp)"
  if ! { DEBIAN_FRONTEND=noninteractive apt-get update -q &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    fail "apt-get could not install $*" 'the messages above say why'
  fi
  rm -f "$log"
}

check_machine() {
  local problems=()
  [[ $(uname -s) == Linux ]] || problems+=('Linux is needed: pods are Linux containers')
  ((EUID == 0)) || problems+=('root is needed: for containers, mounts, a network bridge and iptables (use sudo)')
  filesystem_known overlay || problems+=('the overlay file system is needed for container images; the kernel does not offer it')
  [[ -e /sys/fs/cgroup/cgroup.controllers || -d /sys/fs/cgroup/memory ]] ||
    problems+=('control groups with the memory controller are needed below /sys/fs/cgroup: they hold the limits of pods')
  ((${#STATE_FOLDER} <= 70)) ||
    problems+=("the state folder's path is too long for the socket inside it: set FLINK_OPERATOR_LOCAL_CLUSTER to a path of at most 70 characters")
  [[ $STATE_FOLDER == /?* ]] || problems+=("FLINK_OPERATOR_LOCAL_CLUSTER must be an absolute path, it is '$STATE_FOLDER'")
  ((${#problems[@]} == 0)) || fail 'this machine cannot run the local cluster' "${problems[@]}"
}

# These hold only when nothing of the cluster runs yet.
check_nothing_in_the_way() {
  local port problems=()
  for port in "$API_SERVER_PORT" 10250 "$ETCD_PORT" 10248 10249 10256 10257 10259; do
    port_free "$port" || problems+=("port $port is taken by another program; another Kubernetes?")
  done
  if ip link show "$BRIDGE" >/dev/null 2>&1; then
    problems+=("a network interface $BRIDGE exists already; 'local-cluster.sh down' removes it if it is a left-over")
  elif [[ -n $(ip -4 route list root "$POD_RANGE" 2>/dev/null) ]]; then
    problems+=("addresses of $POD_RANGE are routed elsewhere: $(ip -4 route list root "$POD_RANGE" | head -n 1)")
  fi
  if have iptables && iptables -w -t nat -S 2>/dev/null | grep -- '-N KUBE-SERVICES' >/dev/null; then
    problems+=("iptables has the rules of a kube-proxy; 'local-cluster.sh down' removes them, but also those of another Kubernetes")
  fi
  ((${#problems[@]} == 0)) || fail 'something is in the way of the local cluster' "${problems[@]}"
}

filesystem_known() {
  grep -qw "$1" /proc/filesystems || { have modprobe && modprobe "$1" 2>/dev/null; }
}

# Read from the kernel's tables: connecting would miss programs that listen on other addresses.
port_free() {
  local hexadecimal
  printf -v hexadecimal ':%04X ' "$1"
  ! awk '$4 == "0A" { print $2 " " }' /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -F "$hexadecimal" >/dev/null
}
