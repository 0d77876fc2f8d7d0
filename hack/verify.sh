#!/usr/bin/env bash
# Everything that must hold before a commit. Changes nothing in the tree. Every
# check runs, whatever the ones before it found, and the end lists them all.
#
#   hack/verify.sh [generated|format|vet|tidy|lint|manifests|docs|budget|scripts|vulnerabilities]...
#
#   GOVULNDB           vulnerability database, for example file:///srv/vulndb
#   REQUIRE_VULNDB=1   fail, not skip, when the database can't be reached
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root" || exit 1

# A check returns this when it could not judge. It is shown as such, never as
# success.
SKIPPED=75

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# tree_files lists what belongs to the tree: tracked or not, but not ignored.
tree_files() { git ls-files --cached --others --exclude-standard -z "$@" | sort -zu; }

# existing leaves out files that are tracked but deleted.
existing() {
  tree_files "$@" | while IFS= read -r -d '' f; do
    if [ -e "$f" ]; then printf '%s\0' "$f"; fi
  done
}

tool() { "$(hack/tools/build.sh "$1")/$1" "${@:2}"; }

# generated runs the generators in a copy and compares: files that are missing,
# stale or left over all show.
generated() {
  local copy="$scratch/copy"
  mkdir -p "$copy"
  existing | tar --null -cf - -T - | tar -xf - -C "$copy" || return 1
  cp -a "$copy" "$scratch/before" || return 1
  (cd "$copy" && hack/generate.sh) || return 1
  diff -ruN "$scratch/before" "$copy" && return
  echo "generated files are not fresh: run make generate"
  return 1
}

format() {
  local unformatted
  unformatted="$(existing '*.go' | xargs -0 gofmt -s -l)"
  [ -z "$unformatted" ] && return
  printf '%s\n' "$unformatted" "these files are not formatted: run make fmt"
  return 1
}

vet() { go vet ./... && (cd hack/tools && go vet ./... && go test ./...); }

tidy() {
  local dir failed=0
  for dir in . hack/tools; do
    (cd "$dir" && go mod tidy -diff) || { echo "$dir/go.mod is not tidy: run go mod tidy in $dir"; failed=1; }
  done
  return $failed
}

lint() { tool golangci-lint config verify && tool golangci-lint run ./...; }

# manifests renders every kustomization and judges the samples by the schemas.
manifests() {
  local bin failed=0 dir out
  if [ -n "${KUBECTL:-}" ]; then
    bin="$KUBECTL"
  else
    bin="${TLS_PLATFORM_COMPONENTS:-$(hack/controlplane/build.sh controlplane)}/kubectl"
  fi
  for dir in $(tree_files 'config/*kustomization.yaml' | xargs -0 -n1 dirname); do
    out="$("$bin" kustomize "$dir" 2>&1 >/dev/null)" || failed=1
    # kustomize reports what it will stop to support as a warning only.
    if [ -n "$out" ]; then
      printf '%s: %s\n' "$dir" "$out"
      failed=1
    fi
  done
  # docs/security.md promises it: Secrets by name and in one namespace only.
  if grep -HnE "^ *- (secrets(/.*)?|'\*'|\"\*\")$" config/rbac/hub_role.yaml config/rbac/installer_role.yaml; then
    echo "a cluster-wide role of the operator may neither name secrets nor use a wildcard"
    failed=1
  fi
  tree_files 'config/samples/*.yaml' | grep -zv kustomization.yaml |
    xargs -0 "$(hack/tools/build.sh crd-validate)/crd-validate" -crds config/crd/bases || failed=1
  return $failed
}

docs() { hack/check-docs.sh; }

# budget keeps files small enough to read. golangci-lint keeps functions.
budget() {
  local long
  long="$(existing '*.go' '*.sh' | grep -zv zz_generated | xargs -0 awk '
    FNR == 401 { print FILENAME ": more than 400 lines" }')"
  [ -z "$long" ] && return
  printf '%s\n' "$long" "a file may have 400 lines: look for the room that is missing"
  return 1
}

scripts() {
  local failed=0 f
  for f in $(existing '*.sh' | tr '\0' '\n') .ci/run; do
    bash -n "$f" || failed=1
    if type -P shellcheck >/dev/null; then shellcheck "$f" || failed=1; fi
  done
  return $failed
}

# vulnerabilities scans when the database can be read. Whether it can is asked
# first with a small query, so that "no findings" is never "no database".
vulnerabilities() {
  local db="${GOVULNDB:-https://vuln.go.dev}" err
  if ! err="$(tool govulncheck -mode=query -format=json -db "$db" "stdlib@$(go env GOVERSION | sed 's/^go/v/')" 2>&1 >/dev/null)"; then
    printf '%s\n' "$err" "could not reach the vulnerability database $db: nothing was scanned" \
      "set GOVULNDB to a database that can be reached, for example a local copy by file:///path"
    [ "${REQUIRE_VULNDB:-}" = 1 ] && return 1
    return $SKIPPED
  fi
  tool govulncheck -db "$db" ./...
}

checks=("$@")
[ ${#checks[@]} -gt 0 ] || checks=(generated format vet tidy lint manifests docs budget scripts vulnerabilities)
for check in "${checks[@]}"; do
  case "$check" in
    generated | format | vet | tidy | lint | manifests | docs | budget | scripts | vulnerabilities) ;;
    *) echo "verify: unknown check $check" >&2 && exit 2 ;;
  esac
done

closing=()
failed=0
skipped=0
for check in "${checks[@]}"; do
  echo "verify: $check"
  started=$SECONDS
  "$check"
  case $? in
    0) result=ok ;;
    "$SKIPPED") result=SKIPPED skipped=$((skipped + 1)) ;;
    *) result=FAILED failed=$((failed + 1)) ;;
  esac
  closing+=("$(printf '%-8s %-16s %4d s' "$result" "$check" $((SECONDS - started)))")
done

echo
printf '%s\n' "${closing[@]}"
if [ "$failed" -gt 0 ]; then
  echo "verify: $failed of ${#checks[@]} checks failed" >&2
  exit 1
fi
if [ "$skipped" -gt 0 ]; then
  echo "verify: no check failed, but $skipped could not be made (see SKIPPED above)"
  exit 0
fi
echo "verify: all ${#checks[@]} checks passed"
