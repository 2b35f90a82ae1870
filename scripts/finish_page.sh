#!/usr/bin/env bash
# Run by trunk after the build. Writes, into the folder of the built page:
# - widget/messages.js and widget/tokens.js, from the catalogues and colours that the page is built with
# - widget/models/list.json, the models that the page offers
# - widget/dictionary/zh.front-coded.gz, from the dictionary in the format of jieba
# - widget/ethics.html, from docs/ethics.md
# - the list of all files, at the head of the service worker
set -euo pipefail
worker=service_worker.js
web=$(cd "$(dirname "$0")/.." && pwd)/web
cd "$TRUNK_STAGING_DIR"

{
    printf 'export default {\n'
    for file in "$web"/locales/*.json; do printf '"%s": %s,\n' "$(basename "$file" .json)" "$(cat "$file")"; done
    printf '};\n'
} >widget/messages.js
printf 'export default `\n%s\n`;\n' "$(sed 's/^:root/.panel/' "$web/tokens.css")" >widget/tokens.js

(cd widget/models && printf '%s\n' *.safetensors | sed 's/.*/"&"/' | paste -sd, | sed 's/.*/[&]/' >list.json)

dictionary=widget/dictionary/zh
gzip -dc "$dictionary.txt.gz" | LC_ALL=C sort | LC_ALL=C awk -f "$web/../scripts/front_code.awk" | gzip -9n >"$dictionary.front-coded.gz"
rm "$dictionary.txt.gz"

awk -f "$web/../scripts/markdown.awk" "$web/../docs/ethics.md" >widget/ethics.html

digests() {
    if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}
# NAME FILE: the entry of a file in FILES.
entry() {
    local bytes
    bytes=$(digests <"$2" | cut -d' ' -f1 | sed 's/../\\x&/g')
    printf '  ["%s", "sha256-%s"],\n' "$1" "$(printf "$bytes" | base64)"
}

entries=$(
    entry ./ index.html
    find . -type f ! -name "$worker" ! -name 'LICENSE-*' | sed 's|^\./||' | LC_ALL=C sort | while read -r file; do entry "$file" "$file"; done
)
# The version changes with any file, and with the service worker itself.
version=$(printf '%s' "$entries" | cat - "$web/$worker" | digests | cut -c1-16)
{
    printf 'const VERSION = "%s";\nconst FILES = new Map([\n%s\n]);\n' "$version" "$entries"
    cat "$web/$worker"
} >"$worker"
