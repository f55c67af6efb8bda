# shellcheck shell=bash
# The bridge, kernel settings and firewall rules: made here, and undone here.

# Kernel settings that we, the kubelet, kube-proxy or the port map plugin change.
KERNEL_SETTINGS=(
  net/ipv4/ip_forward
  net/ipv4/conf/all/route_localnet
  net/bridge/bridge-nf-call-iptables
  vm/overcommit_memory
  kernel/panic
  kernel/panic_on_oops
  kernel/keys/root_maxkeys
  kernel/keys/root_maxbytes
)

remember_kernel_settings() {
  local setting
  [[ -f $STATE_FOLDER/kernel-settings ]] && return
  for setting in "${KERNEL_SETTINGS[@]}"; do
    if [[ -r /proc/sys/$setting ]]; then echo "$setting $(cat "/proc/sys/$setting")"; fi
  done >"$STATE_FOLDER/kernel-settings"
}

restore_kernel_settings() {
  local setting value
  [[ -f $STATE_FOLDER/kernel-settings ]] || return 0
  while read -r setting value; do
    if [[ -w /proc/sys/$setting && $(cat "/proc/sys/$setting") != "$value" ]]; then
      echo "$value" >"/proc/sys/$setting" || say "could not set $setting back to $value"
    fi
  done <"$STATE_FOLDER/kernel-settings"
}

bridge_up() { ip -4 address show dev "$BRIDGE" 2>/dev/null | grep -F "$NODE_ADDRESS/" >/dev/null; }

make_network() {
  remember_kernel_settings
  echo 1 >/proc/sys/net/ipv4/ip_forward
  # Without this, the answer of a pod on the bridge goes straight to the asking pod and misses the
  # translation back to the service address the asking pod knows.
  if have modprobe; then modprobe br_netfilter 2>/dev/null || true; fi
  if [[ -w /proc/sys/net/bridge/bridge-nf-call-iptables ]]; then
    echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
  fi
  bridge_up && return
  ip link show "$BRIDGE" >/dev/null 2>&1 || ip link add "$BRIDGE" type bridge
  ip address replace "$NODE_ADDRESS/${POD_RANGE#*/}" dev "$BRIDGE"
  ip link set "$BRIDGE" up
}

remove_network() {
  if ip link show "$BRIDGE" >/dev/null 2>&1; then ip link delete "$BRIDGE"; fi
  remove_firewall_rules iptables
  remove_firewall_rules ip6tables
  restore_kernel_settings
}

# Removes what kube-proxy, the kubelet and the network plugins added: their chains, all of which start with
# KUBE- or CNI-, and the jumps to them. Rules of others stay as they are, with their counters.
remove_firewall_rules() { # remove_firewall_rules iptables|ip6tables
  local table rules
  have "$1" || return 0
  for table in nat filter mangle raw; do
    rules="$("$1" -w -t "$table" -S 2>/dev/null)" || continue
    grep -qE '^-N (KUBE|CNI)-' <<<"$rules" || continue
    {
      echo "*$table"
      # First the jumps from chains that stay, then all rules of our chains, then the chains.
      sed -nE '/^-A (KUBE|CNI)-/!s/^-A (.* -j (KUBE|CNI)-.*)/-D \1/p' <<<"$rules"
      sed -nE 's/^-N ((KUBE|CNI)-.*)/-F \1/p' <<<"$rules"
      sed -nE 's/^-N ((KUBE|CNI)-.*)/-X \1/p' <<<"$rules"
      echo COMMIT
    } | "$1-restore" -w --noflush
  done
}
