#!/usr/bin/env bash
# Runs the Ginkgo suites one after the other on a real control plane, and closes
# with one line for each. A failing suite does not stop the others.
#
#   LABELS     Ginkgo label filter, for example 'adoption && !slow'
#   ARTIFACTS  folder for JUnit reports (default _artifacts)
#   TIMEOUT    of each suite (default 45m)
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

module="$(go list -m)"
artifacts="${ARTIFACTS:-$root/_artifacts}"
timeout="${TIMEOUT:-45m}"
mkdir -p "$artifacts/junit"

# Built here and not by the suites, so that a cold build does not eat the
# timeout of the first one.
own_components=false
if [ -z "${TLS_PLATFORM_COMPONENTS:-}" ]; then
  TLS_PLATFORM_COMPONENTS="$(hack/controlplane/build.sh controlplane cert-manager trust-manager kwok cert-manager-1.20)"
  own_components=true
fi
export TLS_PLATFORM_COMPONENTS

mapfile -t suites < <(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' \
  ./test/integration/... ./test/e2e/... | sed '/^$/d')
if [ ${#suites[@]} -eq 0 ]; then
  echo "test-suites: found no suite below test/integration and test/e2e" >&2
  exit 1
fi

closing=()
failed=0

# judge NAME REPORT COMMAND... runs one suite and notes how it ended.
judge() {
  local name="$1" report="$2" started=$SECONDS result=passed
  shift 2
  echo "test-suites: $name"
  if ! "$@"; then
    result=FAILED
    failed=$((failed + 1))
  fi
  closing+=("$(printf '%-8s %-28s %5d s  %s' "$result" "$name" $((SECONDS - started)) "$report")")
}

# The programs that the suites rely on have tests of their own. Whoever brings
# other programs need not be able to build these.
if $own_components; then
  judge hack/controlplane "" go -C hack/controlplane test ./...
fi
for suite in "${suites[@]}"; do
  name="${suite#"$module"/test/}"
  report="$artifacts/junit/${name//\//-}.xml"
  rm -f "$report"
  judge "test/$name" "$report" go test -v -count=1 -timeout "$timeout" "$suite" \
    -ginkgo.label-filter="${LABELS:-}" -ginkgo.junit-report="$report"
done

echo
printf '%s\n' "${closing[@]}"
if [ "$failed" -gt 0 ]; then
  echo "test-suites: $failed of ${#closing[@]} suites failed" >&2
  exit 1
fi
echo "test-suites: ${#closing[@]} suites passed"
