# shellcheck shell=bash
# Progress and errors. Everything goes to stderr: stdout is for answers.

milliseconds() {
  local now="$EPOCHREALTIME"
  echo $((${now/[.,]/} / 1000))
}

script_started="$(milliseconds)"

seconds_since() { # seconds_since MILLISECONDS
  local elapsed=$(($(milliseconds) - $1))
  printf '%d.%d' $((elapsed / 1000)) $((elapsed % 1000 / 100))
}

say() {
  printf '[%6s s] %s\n' "$(seconds_since "$script_started")" "$*" >&2
}

fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  if (($# > 0)); then printf '       %s\n' "$@" >&2; fi
  exit 1
}

# run_step TITLE EXPECTED COMMAND... tells what happens, how long it usually takes, and how long it took.
# The command must not be part of a condition: bash would then ignore failures inside it.
run_step() {
  local title="$1" expected="$2" started
  shift 2
  started="$(milliseconds)"
  say "$title (usually $expected)"
  "$@"
  say "$title: done in $(seconds_since "$started") s"
}

# http_answers HOST PORT PATH succeeds if a plain HTTP GET is answered with 200. It needs no other program.
http_answers() (
  exec {connection}<>"/dev/tcp/$1/$2" || exit 1
  printf 'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' "$3" "$1" >&"$connection"
  read -r -t 2 status <&"$connection"
  [[ $status == *" 200 "* ]]
) 2>/dev/null
