#!/usr/bin/env bash
# Builds an image with a real Apache Flink and the test jobs, without a registry. Prints the path of the image
# archive; progress goes to stderr. See README.md in this folder.
set -euo pipefail
shopt -s inherit_errexit

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cluster_scripts="$here/../local-cluster"
# shellcheck source=../local-cluster/versions.sh
source "$cluster_scripts/versions.sh"
for part in report packages images; do
  # shellcheck source=/dev/null
  source "$cluster_scripts/lib/$part.sh"
done
for part in base flink job class-data; do
  # shellcheck source=/dev/null
  source "$here/lib/$part-layer.sh"
done

# Sorted and without times, so that the same content gives the same layer.
pack_layer() { # pack_layer OUTPUT FOLDER TAR_ARGUMENT...
  local output="$1" root="$2"
  shift 2
  tar --create --file "$output.partial" --directory "$root" --sort name --mtime @0 --numeric-owner "$@"
  mv "$output.partial" "$output"
}

hash_of() { # hash_of TEXT... : twelve digits
  local hash
  hash="$(printf '%s\n' "$@" | sha256sum)"
  echo "${hash:0:12}"
}

image_configuration() {
  cat <<'END' | tr -d '\n'
{"User":"9999:9999","WorkingDir":"/opt/flink","Entrypoint":["/docker-entrypoint.sh"],"Cmd":["help"],
"ExposedPorts":{"6123/tcp":{},"8081/tcp":{}},
"Env":["FLINK_HOME=/opt/flink","JAVA_HOME=/opt/java/openjdk",
"PATH=/opt/flink/bin:/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
END
}

images="$CACHE_FOLDER/flink-image"
mkdir -p "$images"
exec {build_lock}>"$images/lock"
flock -n "$build_lock" || {
  say 'another build of the Flink image is running; waiting for it to end'
  flock "$build_lock"
}

# A layer is built again only if what it is made of has changed.
base="$images/base-$(hash_of "$(uname -m)" "$DEBIAN_RELEASE" "$(<"$here/lib/base-layer.sh")").tar"
flink="$images/flink-$FLINK_VERSION-$(hash_of "$(<"$here/lib/flink-layer.sh")" "$(<"$here/entry-point.sh")").tar"
jobs="$images/jobs-$FLINK_VERSION-$(hash_of "$flink" "$(<"$here/lib/job-layer.sh")" "$(cat "$here"/jobs/org/flinkoperator/jobs/*.java)").tar"
classes="$images/classes-$FLINK_VERSION-$(hash_of "$base" "$flink" "$jobs" "$(<"$here/lib/class-data-layer.sh")").tar"
archive="$images/image-$FLINK_VERSION-$(hash_of "$base" "$flink" "$jobs" "$classes" "$FLINK_IMAGE" "$FLINK_OTHER_IMAGE" "$(<"$here/build.sh")").tar"

if [[ ! -f $archive ]]; then
  work="$(mktemp -d "$images/work.XXXXXX")"
  trap 'rm -rf --one-file-system "$work"' EXIT
  [[ -f $base ]] || base_layer "$base"
  [[ -f $flink ]] || flink_layer "$flink"
  [[ -f $jobs ]] || job_layer "$jobs" "$flink"
  [[ -f $classes ]] || class_data_layer "$classes" "$base" "$flink" "$jobs"
  run_step "image $FLINK_IMAGE" '5 s' write_image_archive "$archive" "$FLINK_IMAGE $FLINK_OTHER_IMAGE" "$(image_configuration)" "$base" "$flink" "$jobs" "$classes"
fi
say "image archive of $(($(stat --format %s "$archive") / 1000000)) MB, with the names $FLINK_IMAGE and $FLINK_OTHER_IMAGE"
echo "$archive"
