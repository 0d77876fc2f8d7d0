#!/usr/bin/env bash
# Builds the real components that the demo and the tests run, once, into a cache.
# README.md says what they are; "build.sh --help" how to use this.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
heartbeat=30 # seconds between signs of life
building=""  # process group of the build under way

usage() {
  cat <<'EOF'
usage: build.sh [component...]

Builds the components that are not in the cache yet, and prints the folder with
their binaries, and nothing else, on standard output. Progress goes to standard
error. Components, all but the last two by default:

  controlplane   etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl
  cert-manager   cert-manager-{controller,webhook,cainjector,startupapicheck}
  trust-manager
  kwok
  pebble
  cert-manager-1.20   the programs of cert-manager 1.20, in the folder v1.20

The name of a binary stands for its component. Environment:

  TLS_PLATFORM_CACHE   the cache; $XDG_CACHE_HOME/tls-platform or ~/.cache/tls-platform
  KUBEBUILDER_ASSETS   a folder with all five control plane binaries, to be used
                       instead of building them
EOF
}

say() { printf 'controlplane: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# component NAME prints the component that a component's or binary's name stands for.
component() {
  case $1 in
  controlplane | etcd | kube-apiserver | kube-controller-manager | kube-scheduler | kubectl) echo controlplane ;;
  cert-manager-1.20 | trust-manager | kwok | pebble) echo "$1" ;;
  cert-manager | cert-manager-*) echo cert-manager ;;
  *) die "there is no component \"$1\"; there are controlplane, cert-manager, trust-manager, kwok, pebble and cert-manager-1.20" ;;
  esac
}

# links COMPONENT prints the names under which its one binary is started; they
# may lie in a folder.
links() {
  case $1 in
  controlplane) echo etcd kube-apiserver kube-controller-manager kube-scheduler kubectl ;;
  cert-manager) echo cert-manager-controller cert-manager-webhook cert-manager-cainjector cert-manager-startupapicheck ;;
  cert-manager-1.20) echo v1.20/cert-manager-controller v1.20/cert-manager-webhook v1.20/cert-manager-cainjector v1.20/cert-manager-startupapicheck ;;
  esac
}

package() {
  case $1 in
  controlplane | cert-manager) echo "./cmd/$1" ;;
  cert-manager-1.20) echo ./cmd/cert-manager ;;
  trust-manager) echo github.com/cert-manager/trust-manager/cmd/trust-manager ;;
  kwok) echo sigs.k8s.io/kwok/cmd/kwok ;;
  pebble) echo github.com/letsencrypt/pebble/v2/cmd/pebble ;;
  esac
}

# usual COMPONENT says what a cold build costs on two cores.
usual() {
  case $1 in
  controlplane) echo "10 to 12 minutes on 2 cores when nothing is compiled yet, half a minute when only linking" ;;
  cert-manager | cert-manager-1.20) echo "about 2 minutes after the control plane, several alone" ;;
  *) echo "less than half a minute after the control plane, a few minutes alone" ;;
  esac
}

# version MODULE [FILE] prints the version that go.mod, or FILE, pins it to.
version() { sed -n "s|^[[:space:]]*$1 \(v[^ ]*\).*|\1|p" "$here/${2:-go.mod}" | head -n 1; }

# flags COMPONENT prints the flags of its build. The older cert-manager is the same
# package with another version of the module; a tag leaves out what that lacks.
flags() {
  if [[ $1 == cert-manager-1.20 ]]; then echo -modfile=go.1.20.mod -tags=certmanager1_20; fi
}

# stamps COMPONENT prints the linker flags that tell it its version, as its own
# release build does.
stamps() {
  local v package major minor
  printf -- '-s -w'
  case $1 in
  controlplane)
    v=$(version k8s.io/kubernetes)
    IFS=. read -r major minor _ <<<"${v#v}"
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
      printf -- ' -X %s.gitVersion=%s -X %s.gitMajor=%s -X %s.gitMinor=%s' \
        $package "$v" $package "$major" $package "$minor"
      # no commit is known to a module; the date is fixed so that builds are alike
      printf -- ' -X %s.gitCommit=unknown -X %s.gitTreeState=archive -X %s.buildDate=1970-01-01T00:00:00Z' \
        $package $package $package
    done
    ;;
  cert-manager) printf -- ' -X github.com/cert-manager/cert-manager/pkg/util.AppVersion=%s' "$(version github.com/cert-manager/cert-manager)" ;;
  cert-manager-1.20) printf -- ' -X github.com/cert-manager/cert-manager/pkg/util.AppVersion=%s' "$(version github.com/cert-manager/cert-manager go.1.20.mod)" ;;
  trust-manager) printf -- ' -X github.com/cert-manager/trust-manager/internal/version.AppVersion=%s' "$(version github.com/cert-manager/trust-manager)" ;;
  esac
}

sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }

# key prints what stands for the sources, the Go version and the platform. The
# names of the files are hashed with their contents, relative, so that every
# checkout has the same key.
key() {
  local hash
  hash=$({
    cd "$here"
    find . -name '*.go' ! -name '*_test.go' -print | LC_ALL=C sort | while read -r file; do
      echo "$file"
      cat "$file"
    done
    cat go.mod go.sum go.1.20.mod go.1.20.sum vcert/go.mod build.sh
    go env GOVERSION GOOS GOARCH
    echo "$1"
  } | sha256)
  echo "${hash:0:16}"
}

# assets prints KUBEBUILDER_ASSETS as an absolute path if it can stand in for the
# control plane.
assets() {
  local binary
  [[ -n ${KUBEBUILDER_ASSETS:-} && -d $KUBEBUILDER_ASSETS ]] || return 0
  for binary in $(links controlplane); do
    [[ -x $KUBEBUILDER_ASSETS/$binary ]] || return 0
  done
  (cd "$KUBEBUILDER_ASSETS" && pwd)
}

# ready COMPONENT tells whether all its names are in the cache and executable.
ready() {
  local name
  if [[ $1 != controlplane || -z $assets ]]; then
    [[ -x $bin/$1 ]] || return 1
  fi
  for name in $(links "$1"); do
    [[ -x $bin/$name ]] || return 1
  done
}

elapsed() { printf '%dm%02ds' $((($SECONDS - $1) / 60)) $((($SECONDS - $1) % 60)); }

# link COMPONENT TARGET makes the names of its binary, each pointing to TARGET, or
# to the file of its own name where TARGET is a folder.
link() {
  local name target
  for name in $(links "$1"); do
    target=$2
    if [[ $2 == */ ]]; then target=$2$name; fi
    if [[ $name == */* ]]; then target=../$target; fi
    mkdir -p "$bin/$(dirname "$name")"
    ln -sfn "$target" "$bin/.link.$$"
    mv -f "$bin/.link.$$" "$bin/$name"
  done
}

# build COMPONENT compiles it, with a sign of life every now and then.
build() {
  local start=$SECONDS last=$SECONDS log="$root/log/$1.log" out="$bin/.$1.$$" status=0
  say "building $1 ($(package "$1")): not in the cache for this version of the sources and of Go"
  say "  usually takes $(usual "$1"); the log is $log"
  mkdir -p "$root/log"
  set -m # a process group of its own, so that the compilers end with it
  (cd "$here" && GOWORK=off exec go build -v -buildvcs=false $(flags "$1") -ldflags "$(stamps "$1")" -o "$out" "$(package "$1")") >"$log" 2>&1 9>&- &
  building=$!
  set +m
  while kill -0 "$building" 2>/dev/null; do
    sleep 1
    if ((SECONDS - last >= heartbeat)); then
      last=$SECONDS
      say "  $1: $(elapsed $start), $(grep -vc '^go: ' "$log" || true) packages compiled so far; last: $(tail -n 1 "$log" | grep . || echo none, all were compiled before)"
    fi
  done
  wait "$building" || status=$?
  building=""
  if ((status != 0)); then
    cat "$log" >&2
    rm -f "$out"
    die "building $1 failed after $(elapsed $start); see above, and $log"
  fi
  mv -f "$out" "$bin/$1"
  link "$1" "$1"
  say "  built $1 in $(elapsed $start)"
}

# provide COMPONENT makes it ready by linking to assets or by building.
provide() {
  local missing=() binary
  if [[ $1 == controlplane && -n $assets ]]; then
    say "using the control plane of KUBEBUILDER_ASSETS, $assets, instead of building one"
    link controlplane "$assets/"
    return
  fi
  if [[ $1 == controlplane && -n ${KUBEBUILDER_ASSETS:-} ]]; then
    for binary in $(links controlplane); do
      [[ -x $KUBEBUILDER_ASSETS/$binary ]] || missing+=("$binary")
    done
    say "KUBEBUILDER_ASSETS, $KUBEBUILDER_ASSETS, has no ${missing[*]}: building the control plane instead"
  fi
  if [[ ${CGO_ENABLED:-1} != 0 ]] && ! command -v "${CC:-gcc}" >/dev/null; then
    die "the C compiler ${CC:-gcc} is missing: install it, name another by CC, or do without by CGO_ENABLED=0"
  fi
  build "$1"
}

# lock keeps a second build of the same sources waiting: it would do the same work.
lock() {
  command -v flock >/dev/null || return 0 # only costs time: binaries are moved into place
  exec 9>"$root/lock"
  flock -n 9 && return
  say "another build of the same components is under way; waiting for it"
  flock 9
}

stop() {
  if [[ -n $building ]]; then kill -TERM -- "-$building" 2>/dev/null || true; fi
  rm -f "${bin:-/nonexistent}"/.*."$$"
}

main() {
  local name wanted=() todo=()
  case ${1:-} in -h | --help)
    usage
    return
    ;;
  esac
  for name in "${@:-}"; do
    [[ -z $name ]] || wanted+=("$(component "$name")")
  done
  ((${#wanted[@]} > 0)) || wanted=(controlplane cert-manager trust-manager kwok)
  command -v go >/dev/null || die "the Go toolchain is missing: install Go $(sed -n 's/^go //p' "$here/go.mod") or newer from https://go.dev/dl/"

  assets=$(assets)
  root=${TLS_PLATFORM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tls-platform}/$(key "$assets")
  bin=$root/bin
  for name in "${wanted[@]}"; do
    ready "$name" || todo+=("$name")
  done
  if ((${#todo[@]} > 0)); then
    mkdir -p "$bin"
    trap stop EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    lock
    for name in "${todo[@]}"; do
      ready "$name" || provide "$name" # whoever held the lock may have built it
    done
  fi
  echo "$bin"
}

main "$@"
