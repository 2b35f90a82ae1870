#!/usr/bin/env bash
# Runs targets of the Makefile in the current folder one after the other, also after a failed one. Ends with a table of
# their results and times, and fails if one of them failed.
#
#   scripts/check.sh TARGET...
set -uo pipefail
# make turns Ctrl-C into a failure like any other; it has to end the whole run.
trap 'exit 130' INT TERM

table=$(printf '%-14s %-7s %8s' step result seconds)
failed=()
for target; do
    SECONDS=0
    if make --no-print-directory "$target"; then
        result=ok
    else
        result=FAILED
        failed+=("$target")
    fi
    table+=$'\n'$(printf '%-14s %-7s %8d' "$target" "$result" "$SECONDS")
done

printf '\n%s\n\n' "$table"
if [ ${#failed[@]} -gt 0 ]; then
    printf '%d of %d steps failed: %s\n' "${#failed[@]}" "$#" "${failed[*]}"
    exit 1
fi
printf 'all %d steps passed\n' "$#"
