#!/usr/bin/env bash
# The image's entry point, with the contract of the official Flink image: the first argument chooses what
# runs, anything unknown is executed as it is.
set -euo pipefail

# Settings from the environment. As in the official image they have an effect only if the configuration is
# the image's own, and not a read-only volume that has all settings already.
settings=()
setting() { settings+=(-D "$1=$2"); }
if [[ -w $FLINK_HOME/conf/config.yaml || -w $FLINK_HOME/conf/flink-conf.yaml ]]; then
  setting jobmanager.rpc.address "${JOB_MANAGER_RPC_ADDRESS:-$(hostname -f)}"
  setting jobmanager.bind-host 0.0.0.0
  setting taskmanager.bind-host 0.0.0.0
  setting taskmanager.host "$(hostname -i)"
  setting rest.bind-address 0.0.0.0
  setting rest.address "${JOB_MANAGER_RPC_ADDRESS:-$(hostname -f)}"
  setting blob.server.port 6124
  setting taskmanager.numberOfTaskSlots "${TASK_MANAGER_NUMBER_OF_TASK_SLOTS:-1}"
  while IFS=: read -r key value; do
    if [[ -n $key && $key != \#* ]]; then setting "$key" "${value# }"; fi
  done <<<"${FLINK_PROPERTIES:-}"
fi

# Flink's scripts give these to the Java that they become in the end. Classes that are not as they were archived, for instance
# because of a further jar in lib/, are loaded as if there were no archive.
export JVM_ARGS="-XX:SharedArchiveFile=$FLINK_HOME/classes.jsa${JVM_ARGS:+ $JVM_ARGS}"

case "${1:-help}" in
  jobmanager | standalone-job | taskmanager)
    command="$1"
    shift
    # For each Java that the scripts run, also those that only read the configuration. JVM_ARGS count more.
    export JDK_JAVA_OPTIONS="-XX:SharedArchiveFile=$FLINK_HOME/scripts.jsa${JDK_JAVA_OPTIONS:+ $JDK_JAVA_OPTIONS}"
    exec "$FLINK_HOME/bin/$command.sh" start-foreground "${settings[@]}" "$@"
    ;;
  history-server)
    exec "$FLINK_HOME/bin/historyserver.sh" start-foreground
    ;;
  help)
    echo 'arguments: jobmanager | standalone-job | taskmanager | history-server | help | any command'
    ;;
  *)
    exec "$@"
    ;;
esac
