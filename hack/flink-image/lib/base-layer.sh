# shellcheck shell=bash disable=SC2154
# The image's base: a small Debian with a Java runtime.

BASE_PACKAGES=openjdk-17-jre-headless,libgomp1,procps

base_layer() { # base_layer OUTPUT
  ((EUID == 0)) || fail 'root is needed to build the base of the Flink image' \
    'debootstrap installs packages into a folder as if it were a machine (use sudo)'
  install_packages debootstrap
  local root="$work/base"
  run_step "Debian $DEBIAN_RELEASE with Java 17" '90 s once' bootstrap "$root"
  add_flink_user "$root"
  # The same place as in the official image, whatever the machine's architecture.
  mkdir -p "$root/opt/java"
  ln -s "$(cd "$root" && echo /usr/lib/jvm/java-17-openjdk-*)" "$root/opt/java/openjdk"
  pack_layer "$1" "$root" --exclude './dev/*' .
}

bootstrap() { # bootstrap FOLDER
  debootstrap --variant=minbase --include="$BASE_PACKAGES" "$DEBIAN_RELEASE" "$1" >"$work/debootstrap.log" 2>&1 || {
    tail -n 20 "$work/debootstrap.log" >&2
    fail 'debootstrap failed' 'it needs a Debian mirror; the messages above say more'
  }
  # Nothing of this is read at run time; it is two fifths of the whole.
  rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/var/log/* "$1"/var/cache/debconf/* \
    "$1"/usr/share/{doc,man,info,locale,lintian} "$1"/usr/lib/jvm/*/lib/ct.sym
}

add_flink_user() { # add_flink_user ROOT
  echo 'flink:x:9999:' >>"$1/etc/group"
  echo 'flink:x:9999:9999::/opt/flink:/bin/bash' >>"$1/etc/passwd"
}
