#!/usr/bin/env bash
# Checks that links between the documents lead somewhere, and that every alert
# that the operator delivers has a runbook in docs/alerts.md.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"
failed=0

# anchors prints the anchors of a document's headings, as GitHub makes them.
anchors() {
  sed -n 's/^#\{1,6\} //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

for doc in ./*.md docs/*.md; do
  while IFS= read -r link; do
    case "$link" in *://* | mailto:*) continue ;; esac
    path="${link%%#*}"
    anchor=""
    case "$link" in *'#'*) anchor="${link#*#}" ;; esac
    target="$doc"
    [ -z "$path" ] || target="$(dirname "$doc")/$path"
    if [ ! -e "$target" ]; then
      echo "$doc: link to $link leads nowhere"
      failed=1
    elif [ -n "$anchor" ] && [ -f "$target" ] && [ "$doc" != docs/api.md ] &&
      ! anchors "$target" | grep -qx -- "$anchor"; then
      echo "$doc: $target has no heading for #$anchor"
      failed=1
    fi
  done < <(sed 's/`[^`]*`//g' "$doc" | grep -o '](\([^)]*\))' | sed 's/^](//; s/)$//')
done

alerts="$(sed -n 's/^[[:space:]]*Alert[A-Za-z]* *= "\([A-Za-z]*\)".*/\1/p' internal/names/*.go | sort -u)"
if [ -z "$alerts" ]; then
  echo "found no alert in internal/names: has the place moved?"
  failed=1
fi
for alert in $alerts; do
  if ! grep -qx "## $alert" docs/alerts.md; then
    echo "docs/alerts.md: no heading '## $alert'"
    failed=1
  fi
done
exit $failed
