#!/usr/bin/env bash
# Runs every fuzz test for a while, one after the other: hack/fuzz.sh SECONDS_EACH
# Without this, `go test` only repeats the inputs that are known already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds="$1"
# "FILE:FUNCTION" of every fuzz test.
mapfile -t tests < <(grep -rnoE --include='*_test.go' '^func Fuzz[[:alnum:]_]+' cmd pkg |
  sed -E 's/:[0-9]+:func /:/' | sort)
if [ "${#tests[@]}" -eq 0 ]; then
  echo 'error: there is no fuzz test' >&2
  exit 1
fi
echo "${#tests[@]} fuzz tests, $seconds s each, and some seconds to build each"
for test in "${tests[@]}"; do
  name="${test##*:}"
  folder="$(dirname "${test%%:*}")"
  if ! hack/step.sh "$name in $folder" go test -run '^$' -fuzz "^$name\$" -fuzztime "${seconds}s" "./$folder"; then
    # The checkout of a CI run does not outlive it: what failed is told in full.
    git ls-files --others -z "$folder/testdata/fuzz" | xargs -0 -r tail -n +1 -v
    exit 1
  fi
done
