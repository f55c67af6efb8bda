#!/usr/bin/env bash
# Packs the built program into an image archive, as cmd/flink-operator/Dockerfile says, but without a
# container engine, a registry or root: hack/build-image.sh PROGRAM NAME:TAG ARCHIVE
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=local-cluster/lib/images.sh
source hack/local-cluster/lib/images.sh

program="$1" image="$2" archive="$3"
dockerfile=cmd/flink-operator/Dockerfile

# The image has one layer with one file; who runs it and how is read from the Dockerfile.
instruction() {
  awk -v word="$1" '$1 == word { $1 = ""; sub(/^ /, ""); print }' "$dockerfile"
}
configuration="$(printf '{"User":"%s","Entrypoint":%s}' "$(instruction USER)" "$(instruction ENTRYPOINT)")"

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
# Without times and owners, so that the same program gives the same image.
tar --create --file "$scratch/layer.tar" --directory "$(dirname "$program")" --mtime @0 --owner 0 --group 0 \
  --numeric-owner --mode 0755 "$(basename "$program")"
mkdir -p "$(dirname "$archive")"
write_image_archive "$archive" "$image" "$configuration" "$scratch/layer.tar"
echo "image $image, program of $(($(stat --format %s "$program") / 1000000)) MB: $archive"
