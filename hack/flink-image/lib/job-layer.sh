# shellcheck shell=bash disable=SC2154
# The test jobs in jobs/, compiled against the Flink of the image.

job_layer() { # job_layer OUTPUT FLINK_LAYER
  local home="$work/jobs/opt/flink"
  command -v javac >/dev/null || fail 'a JDK is needed to compile the test jobs' 'install one (Debian: default-jdk-headless)'
  mkdir -p "$home"/{usrlib,examples} "$work/classes" "$work/class-path"
  run_step 'compiling the test jobs' '5 s' compile_jobs "$2" "$home/usrlib/counter.jar"
  cp "$home/usrlib/counter.jar" "$home/examples/counter.jar"
  pack_layer "$1" "$work/jobs" --owner 9999 --group 9999 opt/flink/usrlib opt/flink/examples
}

compile_jobs() { # compile_jobs FLINK_LAYER OUTPUT
  tar --extract --file "$1" --directory "$work/class-path" --wildcards 'opt/flink/lib/flink-dist*'
  # Without the annotations of other libraries that flink-dist leaves out, javac warns about Flink's classes.
  javac --release 11 -Xlint:all,-classfile,-options,-processing -Werror -d "$work/classes" \
    -cp "$(echo "$work"/class-path/opt/flink/lib/flink-dist*.jar)" "$here"/jobs/org/flinkoperator/jobs/*.java >&2
  jar --create --file "$2" --main-class org.flinkoperator.jobs.CounterJob -C "$work/classes" .
}
