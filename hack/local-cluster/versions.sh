# shellcheck shell=bash
# Versions and names shared by hack/local-cluster and hack/flink-image; the cache is keyed by them.
# shellcheck disable=SC2034  # read by the scripts that source this file

versions_folder="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

# A Go program's version is decided by the go.mod next to it and only read here: one place to change.
module_version() { # module_version FOLDER MODULE
  awk -v module="$2" '{ sub(/^require /, "") } $1 == module && $2 ~ /^v/ { print $2; exit }' \
    "$versions_folder/$1/go.mod"
}

KUBERNETES_VERSION="$(module_version kubernetes k8s.io/kubernetes)"
ETCD_VERSION="$(module_version etcd go.etcd.io/etcd/server/v3)"
COREDNS_VERSION="$(module_version coredns github.com/coredns/coredns)"
PAUSE_IMAGE=localhost/flink-operator/pause:1

FLINK_VERSION="${FLINK_VERSION:-2.1.3}"
FLINK_IMAGE="${FLINK_IMAGE:-localhost/flink-operator/flink:$FLINK_VERSION}"
# A second name of the same image: changing the image of a cluster is an upgrade.
FLINK_OTHER_IMAGE="${FLINK_OTHER_IMAGE:-$FLINK_IMAGE-other}"
# An older Flink, from which a job is upgraded to the newer one.
FLINK_OLDER_VERSION="${FLINK_OLDER_VERSION:-1.20.3}"
FLINK_OLDER_IMAGE="${FLINK_OLDER_IMAGE:-localhost/flink-operator/flink:$FLINK_OLDER_VERSION}"
DEBIAN_RELEASE=bookworm

CACHE_FOLDER="${FLINK_OPERATOR_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/flink-operator}"
