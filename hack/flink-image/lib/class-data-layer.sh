# shellcheck shell=bash disable=SC2154
# Archives of Flink's classes as Java has them in memory (class data sharing, JEP 310): a JobManager or TaskManager that maps
# its own needs a third less processor time to start, and so does the Java that Flink's scripts run three times before that to
# read the configuration. The entry point names them to Java.
# Java takes an archive only for the very files it was made from, by path, size and time: hence the folder that is the
# image, and pack_layer, which gives all files the same time.

class_data_layer() { # class_data_layer OUTPUT LAYER...
  ((EUID == 0)) || fail 'root is needed to build the Flink image' 'its own Java is run in a folder as if it were a machine (use sudo)'
  local layer root="$work/image"
  mkdir -p "$root"
  for layer in "${@:2}"; do
    tar --extract --file "$layer" --directory "$root"
  done
  run_step 'class data of Flink' '15 s' in_image "$root" archive_classes
  pack_layer "$1" "$root" --owner 9999 --group 9999 opt/flink/{classes,scripts}.jsa
}

# in_image FOLDER FUNCTION runs a function with a folder as its root. The mounts and the name of the host, which Flink
# looks up, end with the function.
in_image() {
  local log="$work/class-data.log"
  echo '127.0.0.1 localhost' >"$1/etc/hosts"
  timeout 300 unshare --mount --uts bash -c "set -euo pipefail
    hostname localhost
    mount --rbind /dev '$1/dev'
    mount --type proc proc '$1/proc'
    $(declare -f "$2")
    export -f $2
    exec chroot '$1' /bin/bash -euo pipefail -c $2" >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    fail "$2 failed in the Flink image" 'the messages above say more'
  }
}

# The classes are those that a job in a Flink of one process loads, and those that the scripts need.
archive_classes() {
  cd /opt/flink
  local java=/opt/java/openjdk/bin/java class_path jar
  # The order in which Flink's scripts name them; an archive is for one order.
  class_path="$(printf '%s:' /opt/flink/lib/log4j*.jar /opt/flink/lib/flink-dist*.jar)"
  for jar in lib/*.jar; do
    [[ $class_path == *"/$jar:"* ]] || { echo "$jar is not in the class path of the archive"; exit 1; }
  done
  local access=(--add-opens=java.base/java.{lang,net,io,nio,text,time,util}=ALL-UNNAMED --add-opens=java.base/java.util.concurrent=ALL-UNNAMED)
  "$java" "${access[@]}" -XX:DumpLoadedClassList=/tmp/classes.txt -Dlog4j.configurationFile=conf/log4j-console.properties \
    -cp "${class_path}usrlib/counter.jar" org.flinkoperator.jobs.CounterJob --limit 200
  sed -i '/flinkoperator/d' /tmp/classes.txt
  "$java" -Xshare:dump -XX:SharedClassListFile=/tmp/classes.txt -XX:SharedArchiveFile=classes.jsa -cp "${class_path%:}"
  class_path="/opt/flink/bin/bash-java-utils.jar:$(echo /opt/flink/lib/flink-dist*.jar)"
  "$java" -XX:DumpLoadedClassList=/tmp/scripts.txt \
    -cp "$class_path" org.apache.flink.runtime.util.bash.BashJavaUtils GET_TM_RESOURCE_PARAMS --configDir conf
  "$java" -Xshare:dump -XX:SharedClassListFile=/tmp/scripts.txt -XX:SharedArchiveFile=scripts.jsa -cp "$class_path"
  chmod 0644 classes.jsa scripts.jsa
}
