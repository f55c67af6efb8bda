#!/usr/bin/env bash
# Runs one step of the build with its name before and its elapsed time after it, so that a long run
# always says what it is doing: hack/step.sh "what it does" COMMAND [ARGUMENT...]
set -euo pipefail

title="$1"
shift

printf '==> %s\n' "$title"
SECONDS=0
status=0
"$@" || status=$?
if [ "$status" -eq 0 ]; then
  printf '<== %s: done in %d s\n' "$title" "$SECONDS"
else
  printf '<== %s: FAILED after %d s (exit code %d)\n' "$title" "$SECONDS" "$status" >&2
fi
exit "$status"
