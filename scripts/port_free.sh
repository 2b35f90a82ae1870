#!/usr/bin/env bash
# Fails, and names the program where it is known, if something listens on a TCP port of this machine.
#
#   scripts/port_free.sh PORT
set -euo pipefail
port=$1
# Connecting is the one test that works on Linux and macOS without further tools.
(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || exit 0

holder=
if command -v ss >/dev/null; then
    holder=$(ss -Hltnp "sport = :$port" | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1, process \2/p' | head -n 1)
elif command -v lsof >/dev/null; then
    holder=$(lsof -nP -iTCP:"$port" -sTCP:LISTEN | awk 'NR == 2 { print $1 ", process " $2 }')
fi
printf 'port %s is in use%s: choose another one, for example make demo PORT=%s\n' \
    "$port" "${holder:+ (by $holder)}" "$((port + 1))" >&2
exit 1
