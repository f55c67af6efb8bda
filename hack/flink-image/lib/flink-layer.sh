# shellcheck shell=bash disable=SC2154
# Flink itself, from its Python packages: the only place besides Flink's own download site with flink-dist.

# The wheel is opened for its scripts only, so it may be for any Python and machine.
WHEEL_FOR=(--only-binary :all: --implementation cp --python-version "${FLINK_WHEEL_PYTHON:-3.11}"
  --platform manylinux2014_x86_64 --platform manylinux1_x86_64)

flink_layer() { # flink_layer OUTPUT
  local downloads="$work/downloads" home="$work/flink/opt/flink"
  python3 -m pip --version >/dev/null 2>&1 ||
    fail 'Python with pip is needed' 'Flink is downloaded from its Python packages (Debian: python3-pip)'
  mkdir -p "$downloads" "$home"/{bin,conf,lib,opt,plugins,log,usrlib,examples}
  run_step "Flink $FLINK_VERSION: jars, 310 MB" '15 s once' download "apache-flink-libraries==$FLINK_VERSION"
  run_step "Flink $FLINK_VERSION: scripts" '3 s once' download "apache-flink==$FLINK_VERSION" "${WHEEL_FOR[@]}"
  run_step 'unpacking Flink' '5 s once' unpack_flink "$downloads" "$home"
  install -m 0755 "$here/entry-point.sh" "$work/flink/docker-entrypoint.sh"
  pack_layer "$1" "$work/flink" --owner 9999 --group 9999 docker-entrypoint.sh opt/flink
}

download() { # download REQUIREMENT [OPTION...]
  python3 -m pip download --quiet --no-deps --dest "$downloads" "$@" >&2 ||
    fail "pip could not download $1" 'the package index must be reachable; the messages above say more'
}

# Only what running a DataStream job needs: the jars for tables, Python and SQL are half of the whole.
unpack_flink() { # unpack_flink DOWNLOADS HOME
  local source="$work/source"
  mkdir -p "$source"
  tar --extract --gzip --file "$(echo "$1"/apache*flink*libraries-*.tar.gz)" --directory "$source" --strip-components 2 \
    --wildcards '*/deps/lib/flink-dist*' '*/deps/lib/log4j-*' '*/deps/plugins/*' '*/deps/bin/*'
  python3 -m zipfile --extract "$(echo "$1"/apache_flink-*.whl)" "$source"
  cp "$source"/lib/*.jar "$2/lib/"
  cp -r "$source"/plugins/. "$2/plugins/"
  cp "$source"/bin/*.jar "$source"/pyflink/bin/*.sh "$source/pyflink/bin/flink" "$2/bin/"
  cp "$source"/pyflink/conf/* "$2/conf/"
  chmod 0755 "$2"/bin/*.sh "$2/bin/flink"
}
