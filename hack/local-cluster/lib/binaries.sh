# shellcheck shell=bash
# Building the cluster's programs into the cache. Needs Go, no root.
# shellcheck disable=SC2154  # versions_folder: versions.sh

KUBERNETES_PROGRAMS=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)

# The folder's name holds the version for people, and a hash of all sources for correctness.
program_folder() { # program_folder NAME VERSION
  local hash
  hash="$(
    shopt -s nullglob
    cat "$versions_folder/$1/"*.go "$versions_folder/$1/go."* | sha256sum
  )"
  echo "$CACHE_FOLDER/programs/$1-$2-${hash:0:12}"
}

# build_program NAME VERSION EXPECTED PACKAGE LINKER_FLAGS prints the folder with the program.
build_program() {
  local name="$1" version="$2" expected="$3" package="$4" linker_flags="$5" folder partial
  folder="$(program_folder "$name" "$version")"
  if [[ ! -x $folder/$name ]]; then
    command -v go >/dev/null ||
      fail "Go is needed to build $name $version" "install Go 1.26 or newer and put it on the PATH"
    rm -rf "$CACHE_FOLDER/programs/$name-"*.partial.* # of interrupted builds; the lock keeps others away
    partial="$folder.partial.$$"
    mkdir -p "$partial"
    run_step "building $name $version" "$expected" compile "$name" "$partial/$name" "$package" "$linker_flags"
    # Renamed only when complete: an interrupted build leaves nothing that looks usable.
    rm -rf "$folder"
    mv "$partial" "$folder"
  fi
  echo "$folder"
}

compile() { # compile NAME OUTPUT PACKAGE LINKER_FLAGS
  (
    cd "$versions_folder/$1" || exit
    # The caller's Go settings may ask for another module mode or a workspace; these modules stand alone.
    CGO_ENABLED=0 GOFLAGS='' GOWORK=off nice go build -mod=readonly -buildvcs=false -o "$2" \
      -ldflags "-s -w $4" "$3" >&2
  )
}

build_kubernetes() {
  local numbers
  IFS=. read -ra numbers <<<"${KUBERNETES_VERSION#v}"
  local version_package=k8s.io/component-base/version
  build_program kubernetes "$KUBERNETES_VERSION" '5 to 12 minutes once' . \
    "-X $version_package.gitVersion=$KUBERNETES_VERSION -X $version_package.gitMajor=${numbers[0]} -X $version_package.gitMinor=${numbers[1]}"
}

build_etcd() {
  build_program etcd "$ETCD_VERSION" '1 minute once' go.etcd.io/etcd/server/v3 ''
}

build_coredns() {
  build_program coredns "$COREDNS_VERSION" '1 minute once' . ''
}

# Prints a folder with every Kubernetes program and etcd under their usual names. The links are relative,
# so the cache may be moved.
build_binaries() {
  local kubernetes etcd folder partial program
  kubernetes="$(build_kubernetes)"
  etcd="$(build_etcd)"
  folder="$CACHE_FOLDER/binaries/${kubernetes##*/}-${etcd##*/}"
  if [[ ! -d $folder ]]; then
    partial="$folder.partial.$$"
    mkdir -p "$partial"
    for program in "${KUBERNETES_PROGRAMS[@]}"; do
      ln -s "../../programs/${kubernetes##*/}/kubernetes" "$partial/$program"
    done
    ln -s "../../programs/${etcd##*/}/etcd" "$partial/etcd"
    mv "$partial" "$folder"
  fi
  echo "$folder"
}

# Two builds at once would do the same work twice; the second waits and finds the first one's result.
take_build_lock() {
  mkdir -p "$CACHE_FOLDER"
  exec {build_lock}>"$CACHE_FOLDER/build.lock"
  if ! flock -n "$build_lock"; then
    say 'another build is running; waiting for it to end'
    flock "$build_lock"
  fi
}

release_build_lock() { exec {build_lock}>&-; }
