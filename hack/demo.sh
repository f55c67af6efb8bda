#!/usr/bin/env bash
# Runs the operator and a job that counts, takes a savepoint, and says what to try next: hack/demo.sh [down]
# Without KUBECONFIG on the local cluster (needs root), with it on that one.
# OPERATOR_IMAGE and FLINK_IMAGE name the images; by default those that are built here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=local-cluster/versions.sh
source hack/local-cluster/versions.sh

built_operator_image=localhost/flink-operator/flink-operator:dev
built_flink_image="localhost/flink-operator/flink:$FLINK_VERSION"
OPERATOR_IMAGE="${OPERATOR_IMAGE:-$built_operator_image}"
operator_archive=.build/flink-operator-image.tar
crd=customresourcedefinition/flinkclusters.flinkoperator.k8s.io
demo_label=flinkoperator.k8s.io/installed-by=demo
data_folder=/var/lib/flink-operator-demo
local_cluster=hack/local-cluster/local-cluster.sh
own_cluster=true
[ -n "${KUBECONFIG:-}" ] || own_cluster=false

say() {
  printf '\n[%4d s] %s\n' "$SECONDS" "$*"
}

# with_images writes a manifest with the names of the images in use.
with_images() {
  sed -e "s#$built_operator_image#$OPERATOR_IMAGE#" -e "s#$built_flink_image#$FLINK_IMAGE#" "$1"
}

flink() {
  kubectl get --raw "/api/v1/namespaces/default/services/counter-jobmanager:ui/proxy/$1"
}

count() {
  local job vertex
  job="$(kubectl --namespace default get flinkcluster counter --output 'jsonpath={.status.components.job.id}')"
  vertex="$(flink "jobs/$job" | python3 -c 'import json, sys; print([v["id"] for v in json.load(sys.stdin)["vertices"] if "counter" in v["name"]][0])')"
  flink "jobs/$job/vertices/$vertex/metrics?get=0.counter.count" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["value"])'
}

# until_true runs a command once a second until it succeeds, at most so many times.
until_true() {
  local tries="$1" what="$2"
  shift 2
  until "$@"; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
      echo "error: gave up waiting for $what; this is what is known:" >&2
      kubectl --namespace default describe flinkcluster counter >&2 || true
      exit 1
    fi
    sleep 1
  done
}

# control_request prints the number and the state of the last request by annotation.
control_request() {
  kubectl --namespace default get flinkcluster counter --output 'jsonpath={.status.control.request} {.status.control.state}'
}

# savepoint_taken_since is true once a request that is newer than the given one has succeeded.
savepoint_taken_since() {
  local now
  now="$(control_request)"
  [ "$now" != "$1" ] && [[ "$now" == *" Succeeded" ]]
}

# count_above is true once the job has counted on from a number.
count_above() {
  local now
  now="$(count 2>/dev/null)" && [ "$now" -gt "$1" ]
}

prepare_cluster() {
  if [ "$own_cluster" = true ]; then
    say "using the cluster of KUBECONFIG; it has to be able to run these images:"
    echo "         $OPERATOR_IMAGE, built as $operator_archive"
    if [ "$FLINK_IMAGE" = "$built_flink_image" ]; then
      echo "         $FLINK_IMAGE, built as $(hack/flink-image/build.sh)"
    else
      echo "         $FLINK_IMAGE"
    fi
    echo "         kind: kind load image-archive FILE; minikube: minikube image load FILE; others: push them and name them by IMAGE= and FLINK_IMAGE="
    return
  fi
  say "a Kubernetes on this machine (5 s; the first time it is compiled, 5 to 15 minutes)"
  "$local_cluster" up
  say "an image with Flink and a job (the first time 2 minutes), and the operator's"
  local flink_archive
  flink_archive="$(hack/flink-image/build.sh)"
  "$local_cluster" load "$operator_archive" "$flink_archive"
}

use_local_cluster() {
  if [ "$own_cluster" = false ]; then
    KUBECONFIG="$("$local_cluster" kubeconfig)"
    export KUBECONFIG
    PATH="$("$local_cluster" binaries):$PATH"
  fi
  if ! command -v kubectl >/dev/null; then
    PATH="$("$local_cluster" binaries):$PATH"
  fi
}

# install_operator leaves alone an operator that the demo did not install, and marks the one that it does.
install_operator() {
  if kubectl --namespace flink-operator-system get deployment flink-operator --output name >/dev/null 2>&1 && ! installed_by_demo; then
    say "the operator is installed already; the demo uses it as it is"
    return
  fi
  say "the operator, from manifests/install.yaml"
  with_images manifests/install.yaml | kubectl apply --filename -
  kubectl label namespace flink-operator-system "$demo_label" --overwrite >/dev/null
}

# A cluster that does not answer is not one without the object.
exists() {
  local found
  found="$(kubectl get "$@" --ignore-not-found --output name)" || exit 1
  [ -n "$found" ]
}

operator_works() {
  local available
  available="$(kubectl --namespace flink-operator-system get deployment flink-operator --ignore-not-found --output 'jsonpath={.status.availableReplicas}')" || exit 1
  [ -n "$available" ]
}

installed_by_demo() {
  # kubectl takes a name or a selector, not both.
  kubectl get namespaces --selector "$demo_label" --output name | grep --quiet --line-regexp namespace/flink-operator-system
}

up() {
  prepare_cluster
  use_local_cluster
  install_operator
  kubectl --namespace flink-operator-system rollout status deployment/flink-operator --timeout 180s

  say "a FlinkCluster, from hack/demo/flinkcluster.yaml"
  with_images hack/demo/flinkcluster.yaml | kubectl --namespace default apply --filename -
  kubectl --namespace default wait flinkcluster/counter --for condition=Ready --timeout 300s
  until_true 60 "the first count" count_above 0
  local counted
  counted="$(count)"
  say "the job counts: $counted"
  kubectl --namespace default get flinkcluster counter

  say "a savepoint: kubectl annotate flinkcluster counter flinkclusters.flinkoperator.k8s.io/user-control=savepoint"
  local before
  before="$(control_request)"
  kubectl --namespace default annotate flinkcluster counter --overwrite flinkclusters.flinkoperator.k8s.io/user-control=savepoint
  until_true 60 "the savepoint" savepoint_taken_since "$before"
  say "it is at $(kubectl --namespace default get flinkcluster counter --output 'jsonpath={.status.components.job.savepointLocation}')"
  until_true 60 "the count to go on" count_above "$counted"
  echo "         and the job goes on: $(count)"
  guide
}

guide() {
  local settings="" down="make demo-down KUBECONFIG=$KUBECONFIG"
  if [ "$own_cluster" = false ]; then
    down="make demo-down"
    settings="  export KUBECONFIG=$KUBECONFIG
  export PATH=\"\$($local_cluster binaries):\$PATH\"

"
  fi
  cat <<END

Running now: Kubernetes, the operator (namespace flink-operator-system) and the FlinkCluster "counter" (namespace default).

Look at it
$settings  kubectl get flinkcluster counter --output wide
  kubectl describe flinkcluster counter
  kubectl port-forward svc/counter-jobmanager 8081:8081      # then open http://localhost:8081

Try next
  kubectl delete pod --selector cluster=counter,component=jobmanager      # it comes back, from its newest checkpoint
  kubectl get flinkcluster counter --watch
  kubectl annotate flinkcluster counter flinkclusters.flinkoperator.k8s.io/user-control=job-cancel
  kubectl apply --filename manifests/samples/...       # read them first: they say what they need

Take it all down
  $down
END
}

down() {
  if [ "$own_cluster" = true ]; then
    use_local_cluster
    remove_counter
    remove_operator
    echo "the checkpoints and savepoints stay on the node, in $data_folder"
    return
  fi
  say "taking the local cluster down"
  "$local_cluster" down
  rm -rf "$data_folder"
}

# remove_counter deletes the FlinkCluster. Where no operator works, nobody ends the job and removes the finalizer.
remove_counter() {
  if ! exists "$crd" || ! exists --namespace default flinkcluster/counter; then
    return
  fi
  say "removing the FlinkCluster"
  if operator_works && kubectl --namespace default delete flinkcluster counter --timeout 180s; then
    return
  fi
  say "no operator lets it go: taking its finalizer away, so that Kubernetes removes it"
  kubectl --namespace default patch flinkcluster counter --type merge --patch '{"metadata":{"finalizers":null}}'
  kubectl --namespace default delete flinkcluster counter --ignore-not-found --timeout 180s
}

remove_operator() {
  local others
  if ! exists "$crd"; then
    echo "there is no operator"
  elif ! installed_by_demo; then
    echo "the operator, or what is left of it, was not installed by the demo and stays"
  elif ! others="$(kubectl get flinkclusters --all-namespaces --output name)" || [ -n "$others" ]; then
    echo "there are other FlinkClusters, which would be deleted with the operator's CRD: the operator stays"
  else
    say "removing the operator"
    kubectl delete --filename manifests/install.yaml --ignore-not-found --timeout 180s
  fi
}

case "${1:-up}" in
  up) up ;;
  down) down ;;
  *)
    echo "usage: hack/demo.sh [down]" >&2
    exit 2
    ;;
esac
