#!/usr/bin/env bash
# Runs kubectl: the one that $KUBECTL names, else the one on PATH, else the one
# that is built with the control plane of the tests.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

if [ -n "${KUBECTL:-}" ]; then
  exec "$KUBECTL" "$@"
fi
if found="$(type -P kubectl)"; then
  exec "$found" "$@"
fi
echo "kubectl.sh: no kubectl on PATH, building one" >&2
bin="$("$here/controlplane/build.sh" controlplane)"
exec "$bin/kubectl" "$@"
