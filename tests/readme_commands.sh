#!/bin/sh
# Runs every `build/lineage` line of the indented blocks in the given pages: what a reader types must work.
# Usage: tests/readme_commands.sh PAGE...
set -eu
count=0
for page in "$@"; do
    commands=$(sed -n 's/^    \(build\/lineage .*\)$/\1/p' "$page" | sed 's/[[:space:]]*#.*$//')
    [ -n "$commands" ] || { echo "readme_commands: $page has no build/lineage line" >&2; exit 1; }
    while IFS= read -r command; do
        echo "$command"
        sh -c "$command" >/dev/null </dev/null || { echo "readme_commands: $page: '$command' failed with exit code $?" >&2; exit 1; }
        count=$((count + 1))
    done <<END
$commands
END
done
echo "readme_commands: $count commands work"
