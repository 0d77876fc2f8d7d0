#!/usr/bin/env bash
# Generates everything in the tree that is generated.
#
#   hack/generate.sh [deepcopy|crds|rbac|dashboards|api-docs]...
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

say() { printf 'generate: %s\n' "$*" >&2; }

deepcopy() {
  "$bin/controller-gen" object paths=./api/...
}

crds() {
  # A file of a kind that no longer exists would otherwise stay for ever.
  rm -f config/crd/bases/*.yaml
  "$bin/controller-gen" crd paths=./api/... output:crd:artifacts:config=config/crd/bases
}

# role writes the role of one identity from the markers of one room.
# controller-gen always calls its file role.yaml, and there are two.
role() {
  local name="$1" paths="$2" output="$3"
  "$bin/controller-gen" "rbac:roleName=$name,fileName=role.yaml" "paths=$paths" \
    "output:rbac:artifacts:config=$scratch/$name"
  if [ ! -s "$scratch/$name/role.yaml" ]; then
    say "no +kubebuilder:rbac markers in $paths, so $output can't be generated"
    return 1
  fi
  mv "$scratch/$name/role.yaml" "$output"
}

rbac() {
  role tls-platform-hub ./internal/controller/... config/rbac/hub_role.yaml
  role tls-platform-installer ./internal/fleet/... config/rbac/installer_role.yaml
}

# dashboards are written by the test that compares them.
dashboards() {
  go test ./dashboards -count=1 -run '^TestTheCommittedJSONIsWhatTheBuildersMake$' -update >"$scratch/dashboards" ||
    { cat "$scratch/dashboards" >&2; return 1; }
}

api-docs() {
  "$bin/crd-ref-docs" --config=hack/tools/crd-ref-docs.yaml --source-path=api/v1alpha1 \
    --renderer=markdown --output-path="$scratch/api.md" --log-level=ERROR
  mv "$scratch/api.md" docs/api.md
}

steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(deepcopy crds rbac dashboards api-docs)
for step in "${steps[@]}"; do
  case "$step" in
    deepcopy | crds | rbac | dashboards | api-docs) ;;
    *) say "unknown step $step" && exit 1 ;;
  esac
done
bin="$(hack/tools/build.sh controller-gen crd-ref-docs)"
for step in "${steps[@]}"; do
  say "$step"
  "$step"
done
