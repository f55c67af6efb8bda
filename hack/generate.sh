#!/usr/bin/env bash
# Regenerates everything that is derived from the Go types, their markers and the kustomizations.
# Same input, same output: hack/verify.sh runs this script in a copy of the tree and compares.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

module=github.com/flink-operator/flink-operator
api=flinkoperator/v1beta1
api_package="$module/pkg/apis/$api"
generated_package="$module/pkg/generated"
boilerplate=hack/boilerplate.go.txt

tool() {
  go tool -modfile=hack/tools/go.mod "$@"
}

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

generate_deepcopy() {
  tool deepcopy-gen --go-header-file "$boilerplate" --output-file zz_generated.deepcopy.go \
    "$api_package"
}

# The generators never remove the file of a type that is gone, so each starts from nothing.
generate_clients() {
  rm -rf pkg/generated/applyconfiguration pkg/generated/clientset pkg/generated/listers pkg/generated/informers
  tool applyconfiguration-gen --go-header-file "$boilerplate" \
    --output-dir pkg/generated/applyconfiguration --output-pkg "$generated_package/applyconfiguration" \
    "$api_package"
  tool client-gen --go-header-file "$boilerplate" \
    --output-dir pkg/generated/clientset --output-pkg "$generated_package/clientset" \
    --clientset-name versioned --apply-configuration-package "$generated_package/applyconfiguration" \
    --input-base "$module/pkg/apis" --input "$api"
  tool lister-gen --go-header-file "$boilerplate" \
    --output-dir pkg/generated/listers --output-pkg "$generated_package/listers" "$api_package"
  tool informer-gen --go-header-file "$boilerplate" \
    --output-dir pkg/generated/informers --output-pkg "$generated_package/informers" \
    --versioned-clientset-package "$generated_package/clientset/versioned" \
    --listers-package "$generated_package/listers" "$api_package"
}

# The full CRD would not fit into the annotation of a client-side `kubectl apply`: the descriptions of
# the fields that come from Kubernetes' own types are dropped, ours stay.
generate_crd() {
  go -C hack/tools build -buildvcs=false -o "$scratch/trimcrd" ./trimcrd
  tool controller-gen crd "paths=./pkg/apis/$api" "output:crd:dir=$scratch/crds"
  mkdir -p manifests/crds
  for crd in "$scratch"/crds/*.yaml; do
    "$scratch/trimcrd" "./pkg/apis/$api" < "$crd" > "$scratch/trimmed.yaml"
    mv "$scratch/trimmed.yaml" "manifests/crds/$(basename "$crd")"
  done
}

generate_rbac() {
  tool controller-gen rbac:roleName=flink-operator paths=./cmd/flink-operator/app output:rbac:dir=manifests/rbac
}

generate_reference() {
  mkdir -p docs/reference
  tool crd-ref-docs --source-path=pkg/apis --config=hack/apireference/config.yaml \
    --templates-dir=hack/apireference --renderer=markdown \
    --output-path=docs/reference/api.md --log-level=ERROR
}

generate_install() {
  {
    echo '# Generated (make generate) from the kustomization beside it. Install all of it with:'
    echo '#   kubectl apply -f manifests/install.yaml'
    echo '# The image is the one that make image builds; operator/kustomization.yaml says how to use another.'
    tool kustomize build manifests
  } > "$scratch/install.yaml"
  mv "$scratch/install.yaml" manifests/install.yaml
}

if [ "$#" -eq 0 ]; then
  set -- deepcopy clients crd rbac reference install
fi
for part in "$@"; do
  SECONDS=0
  "generate_$part"
  printf '    generated %-10s %3d s\n' "$part" "$SECONDS"
done
