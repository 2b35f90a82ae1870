#!/usr/bin/env bash
# Run by trunk when the page is built: lists the models for the page, and all files for its service worker
# (web/service_worker.js).
set -euo pipefail
worker=service_worker.js
source=$(cd "$(dirname "$0")/.." && pwd)/web/$worker
cd "$TRUNK_STAGING_DIR"

(cd widget/models && printf '%s\n' *.safetensors | sed 's/.*/"&"/' | paste -sd, | sed 's/.*/[&]/' >list.json)

files=$(find . -type f ! -name "$worker" | sed 's|^\./||' | LC_ALL=C sort)
# Names and contents, the service worker's own among them.
version=$(printf '%s\n' "$files" | tr '\n' '\0' | xargs -0 cksum "$source" | sed "s|$source||" | cksum | cut -d' ' -f1)
{
    printf 'const VERSION = "%s";\nconst FILES = [\n  "",\n' "$version"
    printf '%s\n' "$files" | sed 's/.*/  "&",/'
    printf '];\n'
    cat "$source"
} >"$worker"
