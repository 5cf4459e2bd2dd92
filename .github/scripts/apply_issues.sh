#!/usr/bin/env bash
# Carries out what `python -m runtimeprobe.nightly issues` decided. usage: apply_issues.sh ACTIONS.json; GH_REPO, GH_TOKEN.
# Titles, bodies and comments hold words of engines: they go through files and single arguments, never through the shell's own reading.
set -euo pipefail
actions=$1
folder=$(mktemp -d)
count=$(jq length "$actions")
[ "$count" -eq 0 ] || gh label create regression --force --color B60205 --description "Heard before, hears no more"
for ((at = 0; at < count; at++)); do
  field() { jq -r --argjson at "$at" --arg name "$1" '.[$at][$name]' "$actions"; }
  what=$(field "do") number=$(field number) title=$(field title)
  field body > "$folder/body.md"
  field comment > "$folder/comment.md"
  case $what in
    open) gh issue create --title="$title" --label=regression --body-file="$folder/body.md" ;;
    update | reopen)
      [ "$what" = update ] || gh issue reopen "$number"
      gh issue edit "$number" --title="$title" --body-file="$folder/body.md"
      gh issue comment "$number" --body-file="$folder/comment.md"
      ;;
    close)
      gh issue edit "$number" --body-file="$folder/body.md"
      gh issue comment "$number" --body-file="$folder/comment.md"
      gh issue close "$number"
      ;;
    *) echo "::error::unknown action $what" >&2; exit 1 ;;
  esac
done
