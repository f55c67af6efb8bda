#!/usr/bin/env bash
# Tests against a real kube-apiserver and etcd, which need no root:
#   hack/test-apiserver.sh [ARGUMENT_OF_GO_TEST...]
# The programs are built from source the first time (7 to 12 minutes) and kept in a cache, unless
# KUBE_APISERVER_BINARIES names a folder with etcd, kube-apiserver and kubectl.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -z "${KUBE_APISERVER_BINARIES:-}" ]; then
  KUBE_APISERVER_BINARIES="$(hack/local-cluster/local-cluster.sh binaries)"
fi
for program in etcd kube-apiserver kubectl; do
  if [ ! -x "$KUBE_APISERVER_BINARIES/$program" ]; then
    echo "error: no $program in $KUBE_APISERVER_BINARIES" >&2
    exit 1
  fi
done
# The tests run in the folder of their package.
KUBE_APISERVER_BINARIES="$(realpath "$KUBE_APISERVER_BINARIES")"
export KUBE_APISERVER_BINARIES

# Tests that run side by side mostly wait, one of them for a minute.
go test -race -tags apiserver -count 1 -timeout 15m -parallel 4 "$@" ./pkg/integration/apiserver/... ./pkg/testing/fixture/...
