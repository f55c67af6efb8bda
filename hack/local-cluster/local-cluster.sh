#!/usr/bin/env bash
# A real single-node Kubernetes on this machine, from sources: no registry and no container engine needed.
# See README.md in this folder.
set -euo pipefail
shopt -s inherit_errexit

folder="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=versions.sh
source "$folder/versions.sh"
# shellcheck source=lib/settings.sh
source "$folder/lib/settings.sh"
# shellcheck source=lib/report.sh
source "$folder/lib/report.sh"
# shellcheck source=lib/processes.sh
source "$folder/lib/processes.sh"
# shellcheck source=lib/packages.sh
source "$folder/lib/packages.sh"
# shellcheck source=lib/binaries.sh
source "$folder/lib/binaries.sh"
# shellcheck source=lib/certificates.sh
source "$folder/lib/certificates.sh"
# shellcheck source=lib/network.sh
source "$folder/lib/network.sh"
# shellcheck source=lib/containerd.sh
source "$folder/lib/containerd.sh"
# shellcheck source=lib/images.sh
source "$folder/lib/images.sh"
# shellcheck source=lib/control-plane.sh
source "$folder/lib/control-plane.sh"
# shellcheck source=lib/node.sh
source "$folder/lib/node.sh"
# shellcheck source=lib/cluster.sh
source "$folder/lib/cluster.sh"

usage() {
  cat <<END
usage: local-cluster.sh COMMAND

  up                start the cluster, or repair it; about a second if it runs
  down              stop the cluster and remove everything but the cache
  status            one line for each component; exit code 0 only if all is well
  restart-apiserver kill the API server and start it again, as after a crash; about 5 seconds
  load ARCHIVE...   load images from archives in the layout of "docker save"
  kubeconfig        print the path of the kubeconfig
  binaries          build kube-apiserver, etcd, kubectl and so on; print their folder (needs no root)
  logs              print the folder with the logs

environment
  FLINK_OPERATOR_CACHE           where built programs and images stay; now $CACHE_FOLDER
  FLINK_OPERATOR_LOCAL_CLUSTER   where the cluster keeps its state; now $STATE_FOLDER
END
}

command="${1:-help}"
if (($# > 0)); then shift; fi
case "$command" in
  up) cluster_up ;;
  down) cluster_down ;;
  status) cluster_status ;;
  restart-apiserver) cluster_restart_apiserver ;;
  load) cluster_load "$@" ;;
  kubeconfig) echo "$ADMIN_KUBECONFIG" ;;
  logs) echo "$LOG_FOLDER" ;;
  binaries)
    take_build_lock
    build_binaries
    ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    fail "there is no command '$command'"
    ;;
esac
