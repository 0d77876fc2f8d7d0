#!/usr/bin/env bash
# Removes the operator from the current cluster. It refuses while a TLSPlatform
# exists: the operator has to be there to let go of the estate, and removing the
# definition would remove the declaration with it.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
kubectl="$root/hack/kubectl.sh"

left="$("$kubectl" get tlsplatforms.tlsplatform.io -o name --ignore-not-found 2>/dev/null || true)"
if [ -n "$left" ]; then
  {
    echo "undeploy: these still exist:"
    sed 's/^/  /' <<<"$left"
    echo "undeploy: delete them first with kubectl delete; spec.deletionPolicy says what becomes of the estate"
  } >&2
  exit 1
fi
"$kubectl" kustomize "$root/config/default" | "$kubectl" delete --ignore-not-found -f -
# What the hub made for its agent outside of the namespace that is gone now. It
# is left over when the estate was retained.
"$kubectl" delete clusterrolebindings,clusterroles --ignore-not-found \
  -l 'app.kubernetes.io/name=tls-platform,app.kubernetes.io/component in (agent, prober)'
