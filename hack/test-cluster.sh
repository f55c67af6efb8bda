#!/usr/bin/env bash
# Tests with a real Flink on a real Kubernetes: hack/test-cluster.sh [ARGUMENT_OF_GO_TEST...]
# Without KUBECONFIG the cluster of hack/local-cluster is brought up, which needs root, and left up so
# that the next run is quick. With KUBECONFIG that cluster is used; it must be able to run the images
# OPERATOR_IMAGE, FLINK_IMAGE, FLINK_OTHER_IMAGE (a second name of the same) and FLINK_OLDER_IMAGE, whose archives are built
# here. Jobs write to /tmp of one of its nodes. The operator is removed at the end if it was not there before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=local-cluster/versions.sh
source hack/local-cluster/versions.sh

export FLINK_IMAGE FLINK_OTHER_IMAGE FLINK_OLDER_IMAGE
export OPERATOR_IMAGE="${OPERATOR_IMAGE:-localhost/flink-operator/flink-operator:dev}"
operator_archive="$PWD/.build/flink-operator-image.tar"
# What a failing test leaves: logs, events, objects.
export TEST_ARTIFACTS="${TEST_ARTIFACTS:-$PWD/.build/e2e}"

if [ ! -f "$operator_archive" ]; then
  echo "error: no $operator_archive: run 'make image' first" >&2
  exit 1
fi
flink_archive="$(hack/flink-image/build.sh)"
older_archive="$(FLINK_VERSION="$FLINK_OLDER_VERSION" FLINK_IMAGE="$FLINK_OLDER_IMAGE" FLINK_OTHER_IMAGE="$FLINK_OLDER_IMAGE-other" hack/flink-image/build.sh)"

unset TEST_LOCAL_CLUSTER
tests_lock=
if [ -n "${KUBECONFIG:-}" ]; then
  # The tests run in the folder of their package.
  KUBECONFIG="$(realpath "$KUBECONFIG")"
  echo "using the cluster of KUBECONFIG; if it cannot pull the images, load them there first:"
  echo "  $OPERATOR_IMAGE from $operator_archive"
  echo "  $FLINK_IMAGE and $FLINK_OTHER_IMAGE from $flink_archive"
  echo "  $FLINK_OLDER_IMAGE from $older_archive"
else
  # Two runs would kill each other's operators and replace each other's images, and neither would say so. The lock is this
  # script's own: a server that is started must not hold it for ever.
  exec {tests_lock}>"$CACHE_FOLDER/test-cluster.lock"
  flock --nonblock "$tests_lock" || {
    echo 'another run of these tests uses the local cluster; waiting for it to end'
    flock "$tests_lock"
  }
  hack/step.sh 'local cluster up (20 s, the first time up to 15 minutes)' hack/local-cluster/local-cluster.sh up {tests_lock}>&-
  hack/step.sh 'loading images' hack/local-cluster/local-cluster.sh load "$operator_archive" "$flink_archive" "$older_archive" {tests_lock}>&-
  KUBECONFIG="$(hack/local-cluster/local-cluster.sh kubeconfig)"
  # Only this cluster's API server may be restarted by a test.
  export TEST_LOCAL_CLUSTER="$PWD/hack/local-cluster/local-cluster.sh"
fi
export KUBECONFIG
# The tests type what users type. A kubectl that is there is preferred, since it fits that cluster.
if [ -z "$(command -v kubectl)" ]; then
  PATH="$(hack/local-cluster/local-cluster.sh binaries):$PATH"
  export PATH
fi

# A benchmark is not slowed down by looking for data races.
race=-race
case " $* " in *" -bench "*) race= ;; esac
# Most of a test is waiting: three at a time keep two cores busy and take 2 GB of memory each.
run_tests() { go test ${race:+"$race"} -tags cluster -count 1 -timeout 60m -parallel 3 -v ./pkg/integration/cluster/... "$@"; }
if [ -n "$tests_lock" ]; then run_tests "$@" {tests_lock}>&-; else run_tests "$@"; fi
