#!/usr/bin/env bash
# Proves what the operator promises, in virtual time: every fault at every step of every scenario, changes of the
# manifest that its schema allows and forbids, every order of decisions, and planted mistakes, each of which has to be
# found. No server is needed.
#   hack/prove.sh                      all of it, in about ten minutes on two cores
#   PLAN='scenario/fault' hack/prove.sh one plan again, with its history
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder="$PWD/.build/prove"
package=./pkg/integration/prove
# The product code whose statements the campaign is to reach.
covered="$(go list ./pkg/controller/... ./pkg/lifecycle ./pkg/resources ./pkg/flink/rest ./pkg/flink/observer | paste -sd,)"
mkdir -p "$folder"

# The test program runs in the folder of its package, as go test would run it, and prints as it goes, but for the
# statements reached in all packages together.
run_tests() {
  local program="$1"
  shift
  (cd "$package" && "$program" -test.timeout 60m "$@") | grep --line-buffered -v '^coverage: '
}

if [ -n "${PLAN:-}" ]; then
  go test -c -tags prove -o "$folder/again.test" "$package"
  # Passed in the environment: names have spaces and slashes.
  FLINK_OPERATOR_PROVE_PLAN="$PLAN" run_tests "$folder/again.test" -test.run '^TestCampaign$' -test.v
  exit
fi

build() {
  go test -c -tags prove -cover -coverpkg "$covered" -o "$folder/prove.test" "$package"
  go test -c -tags prove -race -o "$folder/race.test" "$package"
  go test -c -o "$folder/search.test" ./pkg/lifecycle
}

# Statements reached, by package: by the campaign alone, and with the unit tests of the same packages.
coverage() {
  # shellcheck disable=SC2046 # one argument for each package
  go test -coverpkg "$covered" -coverprofile "$folder/unit.out" $(tr , ' ' <<<"$covered") ./pkg/flink/... >"$folder/unit.log" ||
    { cat "$folder/unit.log"; return 1; }
  awk -F '[: ]' 'FNR == 1 { profile++; next }
    { n = split($1, path, "/"); name = $1; sub("/" path[n] "$", "", name); block = $1 ":" $2; statements[block] = $(NF - 1); of[block] = name
      if ($NF > 0) { both[block] = 1; if (profile == 1) campaign[block] = 1 } }
    END { for (block in statements) { name = of[block]; all[name] += statements[block]
        if (block in campaign) alone[name] += statements[block]; if (block in both) reached[name] += statements[block] }
      for (name in all) printf "%6.1f %%  %6.1f %%  %s\n", 100 * alone[name] / all[name], 100 * reached[name] / all[name], name }' "$folder/coverage.out" "$folder/unit.out" | sort -k5
}

# step is hack/step.sh for what is defined here. A failure ends the script, and is told of as it ends.
step() {
  title="$1" began=$SECONDS
  printf '==> %s\n' "$title"
  "${@:2}"
  printf '<== %s: done in %d s\n' "$title" "$((SECONDS - began))"
  title=
}
title='' began=0
trap 'if [ -n "$title" ]; then printf "<== %s: FAILED after %d s\n" "$title" "$((SECONDS - began))" >&2; fi' EXIT

campaign() {
  run_tests "$folder/prove.test" -test.run '^TestCampaign$' -test.coverprofile "$folder/coverage.out"
}

campaign_with_race_detector() {
  FLINK_OPERATOR_PROVE_EVERY=300 run_tests "$folder/race.test" -test.run '^TestCampaign$'
}

# The detector compares what is in the caches each second, also of virtual time, and hours of that pass: one plan in 500 is
# run with it, and all scenarios undisturbed.
campaign_with_cache_detector() {
  KUBE_CACHE_MUTATION_DETECTOR=true FLINK_OPERATOR_PROVE_EVERY=500 run_tests "$folder/prove.test" -test.run '^TestCampaign$' 2> >(grep -v 'Mutation detector is enabled' >&2)
}

# Each of these two uses one core.
mutations_and_orders() {
  (cd pkg/lifecycle && FLINK_OPERATOR_PROVE=1 "$folder/search.test" -test.run '^Test(Search|Model$)' -test.v) >"$folder/search.log" 2>&1 &
  local searching=$! found=0
  run_tests "$folder/prove.test" -test.run 'Mutation' -test.v | grep -E '^ok|^PASS|^FAIL|R6|--- FAIL' || found=$?
  wait "$searching" || found=$?
  grep -E 'R8|^PASS|^FAIL|--- FAIL' "$folder/search.log"
  return "$found"
}

SECONDS=0
step 'building the campaign' build
step 'faults at every step (the longest part)' campaign
step 'one plan in 300 again, with the race detector' campaign_with_race_detector
step 'one plan in 500 again, with the detector of changes in the caches' campaign_with_cache_detector
step 'R13 statements reached: by the campaign, and with the unit tests, in each package (the goal is 90 %)' coverage
step 'changes of the manifest, from its schema, and every order of decisions' mutations_and_orders
step 'planted mistakes' run_tests "$folder/prove.test" -test.run '^TestMutantsAreKilled$' -test.v
printf '<== all of it held, in %d s\n' "$SECONDS"
