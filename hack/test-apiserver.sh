#!/usr/bin/env bash
# Tests against a real kube-apiserver and etcd, which need no root:
#   hack/test-apiserver.sh [ARGUMENT_OF_GO_TEST...]
# The programs are built from source the first time (7 to 12 minutes) and kept in a cache, unless
# KUBE_APISERVER_BINARIES names a folder with kube-apiserver and etcd.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -z "${KUBE_APISERVER_BINARIES:-}" ]; then
  KUBE_APISERVER_BINARIES="$(hack/local-cluster/local-cluster.sh binaries)"
fi
for program in kube-apiserver etcd; do
  if [ ! -x "$KUBE_APISERVER_BINARIES/$program" ]; then
    echo "error: no $program in $KUBE_APISERVER_BINARIES" >&2
    exit 1
  fi
done
export KUBE_APISERVER_BINARIES

go test -race -tags apiserver -count 1 -timeout 15m "$@" ./pkg/integration/apiserver/...
