#!/bin/sh
# Fails on an include against the one-way order of the folders, on source files that need each other in a circle, on threads outside
# the team, and on functions of the C library whose last bits depend on the machine.
set -eu
sh "$(dirname "$0")/circles_check.sh"
git ls-files -co --exclude-standard -- 'layers/*' 'train/*' 'datasets/*' 'models/*' 'search/*' 'harness/*' | grep -E '\.(c|h|def)$' | xargs awk '
function folder(path,   parts) {
    split(path, parts, "/")
    return parts[1] == "layers" ? parts[1] "/" parts[2] : parts[1]
}
function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
BEGIN {
    n = split("layers/base datasets layers/kernels layers/ops layers/graph train models search harness", names, " ")
    for (i = 1; i <= n; i++) rank[names[i]] = i
    n = split("query measures plans claims report commands", names, " ")
    for (i = 1; i <= n; i++) rooms[names[i]] = i
}
function room(path,   parts) { # of the harness; 0: its root
    return split(path, parts, "/") == 3 ? rooms[parts[2]] : 0
}
FNR == 1 { from = folder(FILENAME); comment = 0 }
/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, quoted, "\"")
    to = folder(quoted[2])
    if (to == "harness" && from == to && FILENAME != "harness/main.c" && room(quoted[2]) > room(FILENAME))
        complain("includes \"" quoted[2] "\": the rooms of the harness stand in the order query, measures, plans, claims, report, commands")
    if (to == from) next
    if (!(to in rank))
        complain("includes \"" quoted[2] "\": expected a path from the root into a library folder (plots and tests are none)")
    else if (rank[to] > rank[from])
        complain(from " includes \"" quoted[2] "\", but " to " may only use " from ": move the shared part into " from " or below")
    else if (to == "datasets" && rank[from] < rank["train"])
        complain(from " includes \"" quoted[2] "\": data sets may be used from train on")
    next
}
/^[ \t]*#[ \t]*include[ \t]*<(omp|pthread|threads)\.h>|^[ \t]*#[ \t]*pragma[ \t]+omp/ {
    if (FILENAME != "layers/base/team.c") complain("threads outside layers/base/team.c: use nlg_team_run")
}
from != "harness" && from != "layers/base" {
    line = $0
    gsub(/"([^"\\]|\\.)*"/, "", line)
    gsub(/\/\*.*\*\//, "", line)
    if (comment && sub(/.*\*\//, "", line)) comment = 0
    if (comment) next
    if (sub(/\/\*.*/, "", line)) comment = 1
    sub(/\/\/.*/, "", line)
    if (match(line, /(^|[^A-Za-z0-9_.>])(exp|exp2|expm1|log|log2|log10|log1p|pow|tanh|sinh|cosh|sin|cos|tan|atan|atan2|erf|erfc|cbrt|hypot)f?l?\(/)) {
        name = substr(line, RSTART, RLENGTH - 1)
        gsub(/[^a-z0-9]/, "", name)
        complain(name " of the C library differs between machines: use layers/base/dmath.h or layers/kernels/vmath.h")
    }
}
END { exit bad }'
