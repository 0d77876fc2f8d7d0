#!/usr/bin/env bash
# Builds the development tools pinned in go.mod beside this script, once, into a
# cache, and prints the folder that holds them on stdout. Progress goes to
# stderr.
#
#   hack/tools/build.sh [controller-gen|crd-ref-docs|crd-validate|golangci-lint|govulncheck]...
#
# Without arguments all tools are built. The cache is
# ${TLS_PLATFORM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tls-platform}, in a
# folder named after everything that decides what is built, so that a change of
# a version or of the Go toolchain never meets an old binary.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

say() { printf 'tools: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# package_of prints the package that a tool is built from.
package_of() {
  case "$1" in
    controller-gen) echo sigs.k8s.io/controller-tools/cmd/controller-gen ;;
    crd-ref-docs) echo github.com/elastic/crd-ref-docs ;;
    crd-validate) echo ./cmd/crd-validate ;;
    golangci-lint) echo github.com/golangci/golangci-lint/v2/cmd/golangci-lint ;;
    govulncheck) echo golang.org/x/vuln/cmd/govulncheck ;;
    *) die "unknown tool $1: want controller-gen, crd-ref-docs, crd-validate, golangci-lint or govulncheck" ;;
  esac
}

# usual_time says how long a tool takes on two cores with nothing cached.
usual_time() {
  case "$1" in
    golangci-lint) echo "about 8 minutes" ;;
    *) echo "about 2 minutes" ;;
  esac
}

heartbeat=""

# beat gives a sign of life every 30 s. It ends its own sleep when told to end,
# does not hold the lock, and stops by itself when this script is gone.
beat() {
  local tool="$1" started="$2" sleeper
  exec 9>&-
  trap 'kill "$sleeper" 2>/dev/null; exit 0' TERM INT
  while kill -0 $$ 2>/dev/null; do
    sleep 30 & sleeper=$!
    wait "$sleeper"
    say "still building $tool, $((SECONDS - started)) s so far"
  done
}

stop_heartbeat() {
  [ -n "$heartbeat" ] || return 0
  kill "$heartbeat" 2>/dev/null || true
  wait "$heartbeat" 2>/dev/null || true
  heartbeat=""
}
trap stop_heartbeat EXIT

# build_one builds one tool into the cache, with a sign of life every 30 s.
build_one() {
  local tool="$1" package started status=0
  package="$(package_of "$tool")"
  started=$SECONDS
  say "building $tool (first use of this version; cold it takes $(usual_time "$tool") on 2 cores)"
  beat "$tool" "$started" &
  heartbeat=$!
  (cd "$here" && GOWORK=off GOFLAGS=-mod=readonly go build -ldflags '-s -w' \
    -o "$bin/.$tool.$$" "$package") >&2 || status=$?
  stop_heartbeat
  if [ "$status" -ne 0 ]; then
    rm -f "$bin/.$tool.$$"
    die "building $tool from $package failed after $((SECONDS - started)) s (exit code $status)"
  fi
  mv -f "$bin/.$tool.$$" "$bin/$tool"
  say "built $tool in $((SECONDS - started)) s"
}

command -v go >/dev/null || die "go is missing: install the version that go.mod names and put it on PATH"
command -v sha256sum >/dev/null || die "sha256sum is missing: install coreutils"

tools=("$@")
[ ${#tools[@]} -gt 0 ] || tools=(controller-gen crd-ref-docs crd-validate golangci-lint govulncheck)
for tool in "${tools[@]}"; do package_of "$tool" >/dev/null; done

key="$({ cat "$here/go.mod" "$here/go.sum" "$here/build.sh" "$here"/cmd/*/*.go "$here"/internal/*/*.go; go env GOVERSION GOOS GOARCH; } | sha256sum | cut -c1-16)"
bin="${TLS_PLATFORM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tls-platform}/tools-$key"
mkdir -p "$bin"

missing=()
for tool in "${tools[@]}"; do [ -x "$bin/$tool" ] || missing+=("$tool"); done
if [ ${#missing[@]} -gt 0 ]; then
  exec 9>"$bin/.lock"
  if command -v flock >/dev/null && ! flock -n 9; then
    say "another build is under way, waiting for it"
    flock 9
  fi
  for tool in "${missing[@]}"; do [ -x "$bin/$tool" ] || build_one "$tool"; done
fi
echo "$bin"
