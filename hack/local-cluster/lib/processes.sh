# shellcheck shell=bash
# Long-running processes, known by a file with their pid and start time. The start time makes sure that
# a pid which the kernel gave to somebody else meanwhile is never taken for ours.

# Prints the start time of a live process (clock ticks since boot), nothing for a dead one or a zombie.
process_start_time() { # process_start_time PID
  local line fields
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
  # The command name may contain blanks and parentheses; what follows the last one is regular.
  read -ra fields <<<"${line##*) }"
  [[ ${fields[0]} == Z ]] || echo "${fields[19]}"
}

process_pid() { # process_pid NAME
  local pid started
  [[ -f $PROCESS_FOLDER/$1 ]] || return 1
  read -r pid started <"$PROCESS_FOLDER/$1" || return 1
  [[ -n $started && $(process_start_time "$pid") == "$started" ]] || return 1
  echo "$pid"
}

process_running() { process_pid "$1" >/dev/null; }

# Closes all that is open beside input, output and errors. A lock, our own or one that a caller of this script holds, would
# otherwise be held for as long as the process lives.
close_inherited() {
  local descriptor
  for descriptor in /proc/"$BASHPID"/fd/*; do
    descriptor="${descriptor##*/}"
    if ((descriptor > 2)); then exec {descriptor}>&-; fi
  done
}

# start_process NAME COMMAND... in a session of its own, so that it outlives this script and its terminal.
start_process() {
  local name="$1" pid
  shift
  if process_running "$name"; then return; fi
  (
    close_inherited
    exec setsid "$@" >>"$LOG_FOLDER/$name.log" 2>&1 </dev/null
  ) &
  pid=$!
  echo "$pid $(process_start_time "$pid")" >"$PROCESS_FOLDER/$name"
}

# wait_for PROCESS WHAT COMMAND... polls until the command succeeds, for as long as the process lives and at
# most a minute.
wait_for() {
  local process="$1" what="$2" deadline=$((SECONDS + 60))
  shift 2
  until "$@" >/dev/null 2>&1; do
    process_running "$process" || fail_with_log "$process" "$what: $process has ended"
    ((SECONDS < deadline)) || fail_with_log "$process" "$what: not so after a minute"
    sleep 0.1
  done
}

fail_with_log() { # fail_with_log PROCESS MESSAGE
  echo "last lines of $LOG_FOLDER/$1.log:" >&2
  tail -n 10 "$LOG_FOLDER/$1.log" >&2
  fail "$2" "all logs are in $LOG_FOLDER"
}

process_gone() { [[ -z $(process_start_time "$1") ]]; }

end_pid() { # end_pid PID SECONDS: ask first, then insist
  kill -TERM "$1" 2>/dev/null || return 0
  local deadline=$((SECONDS + $2))
  until process_gone "$1"; do
    if ((SECONDS >= deadline)); then kill -KILL "$1" 2>/dev/null || true; fi
    sleep 0.05
  done
}

# Four seconds are enough for all but an API server that somebody watches: it would wait a minute for them.
stop_process() { # stop_process NAME
  local pid
  if pid="$(process_pid "$1")"; then end_pid "$pid" 4; fi
  rm -f "$PROCESS_FOLDER/$1"
}
