#!/usr/bin/env bash
# Run by trunk when the page is built: lists the models for the page, and all files for its service worker
# (web/service_worker.js).
set -euo pipefail
worker=service_worker.js
source=$(cd "$(dirname "$0")/.." && pwd)/web/$worker
cd "$TRUNK_STAGING_DIR"

(cd widget/models && printf '%s\n' *.safetensors | sed 's/.*/"&"/' | paste -sd, | sed 's/.*/[&]/' >list.json)

digests() {
    if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}
# NAME FILE: an entry of FILES.
entry() {
    local bytes
    bytes=$(digests <"$2" | cut -d' ' -f1 | sed 's/../\\x&/g')
    printf '  ["%s", "sha256-%s"],\n' "$1" "$(printf "$bytes" | base64)"
}

entries=$(
    entry ./ index.html
    find . -type f ! -name "$worker" ! -name 'LICENSE-*' | sed 's|^\./||' | LC_ALL=C sort | while read -r file; do entry "$file" "$file"; done
)
# Of all files, the service worker's own among them.
version=$(printf '%s' "$entries" | cat - "$source" | digests | cut -c1-16)
{
    printf 'const VERSION = "%s";\nconst FILES = new Map([\n%s\n]);\n' "$version" "$entries"
    cat "$source"
} >"$worker"
