#!/usr/bin/env bash
# A program from the newest releases of a GitHub repository, each unpacked into FOLDER/TAG. Prints "TAG<tab>FOLDER" for each.
# usage: fetch_release.sh OWNER/NAME ASSET_PATTERN FOLDER [COUNT]; LEAVE_OUT: patterns of files in the archive, one a line.
#
# Newest, so not pinned: what users get tonight is what is measured. What arrives must have the SHA-256 that GitHub computed when the
# project uploaded it, so neither a mirror nor the way here can change it. A release whose files are still being uploaded is passed over.
# It runs with a token that may read this repository's contents and nothing else.
set -euo pipefail
repository=$1 pattern=$2 folder=$3 count=${4:-1}

leave_out=()
while IFS= read -r line; do
  [ -z "$line" ] || leave_out+=("--exclude=$line")
done <<< "${LEAVE_OUT:-}"

sha256() {
  # write, not print: on Windows that would end the line with \r
  python -c 'import hashlib, sys; sys.stdout.write("sha256:" + hashlib.file_digest(open(sys.argv[1], "rb"), "sha256").hexdigest())' "$1"
}

unpack() { # ARCHIVE FOLDER
  case $1 in
    *.zip) python -m zipfile -e "$1" "$2" ;;
    *.tar.zst) zstd -dc "$1" | tar -x -C "$2" ${leave_out[@]+"${leave_out[@]}"} -f - ;;
    *.tar.gz | *.tgz) tar -xz -C "$2" ${leave_out[@]+"${leave_out[@]}"} -f "$1" ;;
    *) echo "::error::$1 is no archive that can be unpacked here" >&2; return 1 ;;
  esac
}

# shellcheck disable=SC2016 # $tag is jq's
listed=$(gh api "repos/$repository/releases?per_page=30" \
  --jq '.[] | select((.draft or .prerelease) | not) | .tag_name as $tag | .assets[] | [$tag, .name, .digest // ""] | @tsv')
seen=0 last=
while IFS=$'\t' read -r tag name digest; do
  # shellcheck disable=SC2053 # a pattern is meant
  [[ $name == $pattern && $tag != "$last" ]] || continue
  [[ $tag =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ && $name =~ ^[A-Za-z0-9._+-]+$ ]] || { echo "::error::odd names in a release of $repository" >&2; exit 1; }
  [[ $digest == sha256:* ]] || { echo "::error::$repository $tag: no digest is known of $name" >&2; exit 1; }
  download=$(mktemp -d)
  gh release download "$tag" --repo "$repository" --pattern "$name" --dir "$download" >&2
  if [ "$(sha256 "$download/$name")" != "$digest" ]; then
    echo "::error::$repository $tag: $name is not what was uploaded there" >&2
    exit 1
  fi
  mkdir -p "$folder/$tag"
  unpack "$download/$name" "$folder/$tag"
  rm -rf "$download"
  printf '%s\t%s\n' "$tag" "$folder/$tag"
  last=$tag seen=$((seen + 1))
  [ "$seen" -lt "$count" ] || break
done <<< "$listed"
[ "$seen" -gt 0 ] || { echo "::error::no release of $repository has a file named $pattern" >&2; exit 1; }
