#!/usr/bin/env bash
# Builds the page and serves it at a port of this machine (make demo). The program for WebGPU takes much of the first build and
# the page works without it, so the first time the page is served before that program is built.
#
#   scripts/demo.sh PORT
set -euo pipefail
cd "$(dirname "$0")/.."
port=$1
say() { printf '\n==> %s\n' "$*"; }

[ ! -e dist/widget/gpu_bg.wasm ] || exec trunk serve --port "$port"

first=web/without_gpu.html
server=
trap 'rm -f "$first"; [ -z "$server" ] || kill -- "-$server" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM HUP
grep -v 'data-bin="gpu"' web/index.html >"$first"
# In a process group of its own, so that the compilers that trunk starts end with it. It does not watch the sources: a change
# would be built without the program for WebGPU.
set -m
trunk serve "$first" --html-output index.html --port "$port" --ignore . &
server=$!
set +m
until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    kill -0 "$server" 2>/dev/null || { wait "$server"; exit 1; }
    sleep 1
done
# trunk also serves after a build that failed.
[ -e dist/index.html ] || { say 'The page could not be built, see above' >&2; exit 1; }

say "The page is there: http://127.0.0.1:$port/ The program for WebGPU is still being built; until then the CPU predicts."
if trunk build; then
    say 'The program for WebGPU is there too: load the page again. Changes to the sources are built by the next make demo.'
else
    say 'The program for WebGPU could not be built, see above. The page works without it.' >&2
fi
wait "$server"
