#!/usr/bin/env bash
# Commits the store to a branch of its own. usage: keep_store.sh STORE BRANCH; GITHUB_SERVER_URL, GITHUB_REPOSITORY, GH_TOKEN.
# main stays protected: the bot needs no exception there. The branch has a history of its own, and no run in it is ever removed.
set -euo pipefail
store=$(cd "$1" && pwd) branch=$2
work=$(mktemp -d)
cd "$work"
git init --quiet --initial-branch="$branch"
git config user.name "github-actions[bot]"
git config user.email "41898282+github-actions[bot]@users.noreply.github.com"
git remote add origin "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY"
gh auth setup-git
if git ls-remote --exit-code --heads origin "$branch" > /dev/null; then
  git fetch --quiet --depth=1 origin "$branch"
  git reset --quiet --hard FETCH_HEAD
fi
find . -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} +
cp -R "$store/." .
git add --all
if [ -n "$(git diff --cached --name-only --diff-filter=D -- history/runs)" ]; then
  echo "::error::runs that are on branch $branch are missing in the new store; nothing was pushed" >&2
  exit 1
fi
if git diff --cached --quiet; then
  echo "nothing new"
  exit 0
fi
git commit --quiet -m "Results of $(date -u +%Y-%m-%d)"
git push --quiet origin "HEAD:refs/heads/$branch"
