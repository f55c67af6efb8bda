#!/usr/bin/env bash
# Checks what tests do not: that generated files are fresh, code is formatted, imports keep to their
# arrows, and so on. All checks run even if one fails. Without arguments all of them, else those named:
#   hack/verify.sh [generated|tidy|format|vet|imports|lint|logs|scripts|paths|vulnerabilities]...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# The code behind build tags is checked with the rest.
tags=apiserver,cluster,prove

tool() {
  go tool -modfile=hack/tools/go.mod "$@"
}

# Generates in a copy, so that a check never changes the tree.
check_generated() {
  mkdir "$scratch/tree"
  tar --create --exclude=./.git --exclude=./.build . | tar --extract --directory "$scratch/tree"
  "$scratch/tree/hack/generate.sh"
  local folder
  for folder in pkg/apis pkg/generated manifests docs/reference; do
    if ! diff --recursive --unified=1 "$folder" "$scratch/tree/$folder" >"$scratch/drift"; then
      head -n 60 "$scratch/drift"
      echo "$folder is out of date: run 'make generate'"
      return 1
    fi
  done
  # install.yaml proves the kustomization of the whole cluster; this one has no rendered twin.
  tool kustomize build manifests/namespaced >/dev/null
}

check_tidy() {
  local module status=0
  while IFS= read -r module; do
    if ! go -C "$(dirname "$module")" mod tidy -diff; then
      echo "$module: run 'go mod tidy' there"
      status=1
    fi
  done < <(find . -name go.mod -not -path './.build/*' | sort)
  return "$status"
}

check_format() {
  local unformatted
  unformatted="$(gofmt -l cmd pkg hack)"
  if [ -n "$unformatted" ]; then
    echo "not formatted, run 'gofmt -w' on:"
    echo "$unformatted"
    return 1
  fi
}

check_vet() {
  go vet -tags "$tags" ./...
  go -C hack/tools vet ./...
}

# depguard (lint) draws the arrows by what each file names; this looks at everything that the pure
# packages and the program bring with them in the end.
check_imports() {
  local ours=github.com/flink-operator/flink-operator status=0
  refuse_dependencies ./pkg/apis/... "^(k8s.io/client-go|$ours/pkg/([^a]|a[^p]))" || status=1
  refuse_dependencies ./pkg/lifecycle/... "^(k8s.io/client-go|$ours/pkg/(controller|generated|metrics|resources|flink/))" || status=1
  refuse_dependencies ./pkg/resources/... "^(k8s.io/client-go|$ours/pkg/(controller|generated|metrics|lifecycle|flink))" || status=1
  refuse_dependencies ./cmd/... "^(testing|github.com/stretchr/testify|$ours/pkg/(testing|flink/flinktest))(/|\$)" || status=1
  if grep -n 'sigs.k8s.io/controller-runtime' go.mod; then
    echo 'go.mod: the program is built on client-go alone'
    status=1
  fi
  return "$status"
}

# refuse_dependencies PACKAGES PATTERN
refuse_dependencies() {
  local dependencies refused
  dependencies="$(go list -deps "$1")" || return 1
  refused="$(grep -E "$2" <<<"$dependencies" || true)"
  if [ -n "$refused" ]; then
    printf '%s must not depend on:\n%s\n' "$1" "$refused"
    return 1
  fi
}

check_lint() {
  go tool -modfile=hack/tools/golangci-lint/go.mod golangci-lint run --config hack/golangci.yaml ./...
}

check_logs() {
  GOFLAGS="${GOFLAGS:-} -tags=$tags" tool logcheck -config hack/logcheck.conf ./...
}

check_scripts() {
  hack/prerequisites.sh scripts
  local scripts
  # The files that only make sense inside another script have no first line of their own; they are
  # read where they are sourced.
  mapfile -t scripts < <(grep -rlE --include='*.sh' '^#!.*sh$' hack | sort)
  shellcheck --external-sources --check-sourced --source-path=SCRIPTDIR .ci/run "${scripts[@]}"
}

# A path of somebody's machine works nowhere else.
check_paths() {
  if grep -rnIE --exclude-dir=.git --exclude-dir=.build --exclude='*.sum' \
    '(^|[^[:alnum:]_.~-])/(home|Users|work)/' .; then
    echo 'paths of one machine do not belong here'
    return 1
  fi
}

check_vulnerabilities() {
  local status=0
  tool govulncheck -tags "$tags" ./... >"$scratch/vulnerabilities" 2>&1 || status=$?
  if [ "$status" -ne 0 ] && grep -qE 'dial tcp|no such host|i/o timeout|connection refused|HTTP GET .* returned' \
    "$scratch/vulnerabilities"; then
    echo 'NOT CHECKED: the vulnerability database cannot be reached from here'
    return 0
  fi
  cat "$scratch/vulnerabilities"
  return "$status"
}

if [ "$#" -eq 0 ]; then
  set -- format paths scripts vet imports tidy generated lint logs vulnerabilities
fi

failed=()
for check in "$@"; do
  if ! declare -F "check_$check" >/dev/null; then
    echo "hack/verify.sh: there is no check '$check'" >&2
    exit 2
  fi
  printf '==> %s\n' "$check"
  started="$SECONDS"
  # In a subshell of its own and outside any condition: bash would otherwise ignore failures inside it.
  set +e
  (
    set -e
    "check_$check"
  )
  status=$?
  set -e
  if [ "$status" -eq 0 ]; then
    printf '<== %s: ok, %d s\n' "$check" "$((SECONDS - started))"
  else
    printf '<== %s: FAILED, %d s\n' "$check" "$((SECONDS - started))"
    failed+=("$check")
  fi
done
if [ "${#failed[@]}" -gt 0 ]; then
  echo "failed: ${failed[*]} (again alone: hack/verify.sh ${failed[*]})" >&2
  exit 1
fi
