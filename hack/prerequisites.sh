#!/usr/bin/env bash
# Installs what a bare Debian 12 with Go, a JDK and Python lacks, and only what is missing:
#   hack/prerequisites.sh race|scripts...
# Installing needs root; without it the script says what to install.
set -euo pipefail

# The program to look for and the Debian packages that bring it, for each purpose.
wanted_for() {
  case "$1" in
    race) echo 'gcc gcc libc6-dev' ;;          # the race detector links C code
    scripts) echo 'shellcheck shellcheck' ;;   # reads our shell scripts
    *)
      echo "hack/prerequisites.sh: unknown purpose '$1'" >&2
      exit 2
      ;;
  esac
}

missing=()
for purpose in "$@"; do
  read -r program packages <<<"$(wanted_for "$purpose")"
  if ! command -v "$program" >/dev/null; then
    read -ra names <<<"$packages"
    missing+=("${names[@]}")
  fi
done
if [ "${#missing[@]}" -eq 0 ]; then
  exit 0
fi

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "error: missing: ${missing[*]}" >&2
  echo "       install them with: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
echo "==> installing ${missing[*]} (about a minute)"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "<== installed ${missing[*]} in $SECONDS s"
