# shellcheck shell=bash
# Container images without a registry: writing archives in the layout of `docker save`, and loading them.

# write_image_archive OUTPUT TAGS CONFIGURATION LAYER... writes an image of plain tar files. TAGS are its names, with
# spaces between them; CONFIGURATION is the content of the "config" object (Entrypoint, Env, User and so on).
write_image_archive() {
  local output="$1" tags="$2" configuration="$3" layer digest digests='' names='' folder
  shift 3
  folder="$(mktemp -d "$output.XXXXXX")"
  for layer in "$@"; do
    digest="$(sha256sum "$layer")"
    digest="${digest%% *}"
    ln "$layer" "$folder/$digest.tar" 2>/dev/null || cp "$layer" "$folder/$digest.tar"
    digests+="${digests:+,}\"sha256:$digest\""
    names+="${names:+,}\"$digest.tar\""
  done
  printf '{"architecture":"%s","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":[%s]}}' \
    "$(image_architecture)" "$configuration" "$digests" >"$folder/configuration"
  digest="$(sha256sum "$folder/configuration")"
  mv "$folder/configuration" "$folder/${digest%% *}.json"
  printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":[%s]}]' "${digest%% *}" "${tags// /\",\"}" "$names" \
    >"$folder/manifest.json"
  # The manifest first: who looks only for it need not read the layers.
  tar --create --file "$output.partial" --directory "$folder" --owner 0 --group 0 manifest.json \
    "${digest%% *}.json" --exclude manifest.json --exclude "${digest%% *}.json" .
  rm -r "$folder"
  mv "$output.partial" "$output"
}

image_architecture() {
  case "$(uname -m)" in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) uname -m ;;
  esac
}

build_pause_image() { # prints the archive
  local folder archive
  folder="$(build_program pause 1 '5 s once' . '')"
  archive="$folder/image.tar"
  if [[ ! -f $archive ]]; then
    tar --create --file "$folder/layer.tar" --directory "$folder" --owner 0 --group 0 --mode 0755 pause
    write_image_archive "$archive" "$PAUSE_IMAGE" '{"Entrypoint":["/pause"],"User":"65535:65535"}' "$folder/layer.tar"
    rm "$folder/layer.tar"
  fi
  echo "$archive"
}

# load_image ARCHIVE imports an image unless the same one is there already under every name it has.
load_image() {
  local archive="$1" manifest configuration tag absent=no
  [[ -f $archive ]] || fail "no such image archive: $archive" 'an archive in the layout of "docker save" is needed'
  manifest="$(tar --extract --to-stdout --occurrence=1 --file "$archive" manifest.json 2>/dev/null)" ||
    fail "$archive has no manifest.json" 'only archives in the layout of "docker save" can be loaded'
  configuration="$(json_strings Config <<<"$manifest")"
  configuration="${configuration##*/}"
  while read -r tag; do
    image_loaded "$tag" "${configuration%.json}" || absent=yes
  done < <(json_strings RepoTags <<<"$manifest")
  if [[ $absent == no ]]; then
    say "already loaded: $(json_strings RepoTags <<<"$manifest" | paste -s -d ' ')"
    return
  fi
  run_step "loading $(json_strings RepoTags <<<"$manifest" | paste -s -d ' ')" "5 s for each 500 MB" import_image "$archive"
}

import_image() { containerd_client images import "$1" >/dev/null; }

# json_strings KEY prints the string, or the strings of the list, below a key of a one-line document.
json_strings() {
  grep -oE "\"$1\":(\"[^\"]*\"|\[[^]]*\])" | head -n 1 | cut -d : -f 2- | grep -oE '"[^"]*"' | tr -d '"'
}

# The tag leads to a manifest, and the manifest names the image's configuration by its hash, which covers
# the layers as well.
image_loaded() { # image_loaded TAG CONFIGURATION_HASH
  local digest
  digest="$(containerd_client images list "name==$1" | awk -v tag="$1" '$1 == tag { print $3 }')"
  [[ -n $digest ]] && containerd_client content get "$digest" | grep -F "sha256:$2" >/dev/null
}
