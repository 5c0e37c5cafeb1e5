#!/bin/sh
# Fails where source files of the library need each other in a circle: one uses what another defines, and the other way round, perhaps
# by way of a third. Definitions are public functions and objects that begin at the margin; the rows of registries (.def) do not
# count, since a registry knows all that it lists.
set -eu
git ls-files -co --exclude-standard -- 'layers/*.c' 'train/*.c' 'datasets/*.c' 'models/*.c' 'search/*.c' 'harness/*.c' |
    while IFS= read -r file; do [ ! -f "$file" ] || echo "$file"; done | xargs awk '
FNR == 1 { comment = 0; head = "" }
{
    line = $0
    gsub(/"([^"\\]|\\.)*"/, "", line)
    gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", line)
    if (comment && sub(/.*\*\//, "", line)) comment = 0
    if (comment) next
    if (sub(/\/\*.*/, "", line)) comment = 1
    if (line ~ /^[a-z]/ && line !~ /^(static|extern|typedef|return)/ && match(line, /nlg_[a-z0-9_]+ *[(=\[;]/)) {
        head = substr(line, RSTART, RLENGTH - 1)
        sub(/ *$/, "", head)
        if (substr(line, RSTART + RLENGTH - 1, 1) != "(") { defined[head] = FILENAME; head = "" }
    }
    if (head != "" && line ~ /;/ && line !~ /\{/) head = "" # a declaration
    if (head != "" && line ~ /\{/) { defined[head] = FILENAME; head = "" }
    while (match(line, /nlg_[a-z0-9_]+/)) {
        name = substr(line, RSTART, RLENGTH)
        if (!((FILENAME, name) in seen)) { seen[FILENAME, name] = 1; users[name] = users[name] " " FILENAME }
        line = substr(line, RSTART + RLENGTH)
    }
}
END {
    for (name in defined) {
        n = split(users[name], list, " ")
        for (i = 1; i <= n; i++) {
            if (list[i] == defined[name]) continue
            if (!((list[i], defined[name]) in why)) needs[list[i]] = needs[list[i]] " " defined[name]
            why[list[i], defined[name]] = name
        }
    }
    # Files that need none of the rest are taken away until no more can be; what stays needs each other, or what does.
    for (file in needs) left[file] = 1
    do {
        again = 0
        for (file in left) {
            n = split(needs[file], list, " ")
            kept = 0
            for (i = 1; i <= n; i++) kept += list[i] in left
            if (!kept) { delete left[file]; again = 1 }
        }
    } while (again)
    for (file in left) {
        n = split(needs[file], list, " ")
        for (i = 1; i <= n; i++) if (list[i] in left) used[list[i]] = used[list[i]] " " file
    }
    do { # those that nobody of the rest needs only lead into a circle
        again = 0
        for (file in left) {
            n = split(used[file], list, " ")
            kept = 0
            for (i = 1; i <= n; i++) kept += list[i] in left
            if (!kept) { delete left[file]; again = 1 }
        }
    } while (again)
    bad = 0
    for (file in left) {
        n = split(needs[file], list, " ")
        for (i = 1; i <= n; i++)
            if (list[i] in left) {
                printf "%s uses %s of %s, and is needed there in turn: move the shared part into a file of its own\n", file, why[file, list[i]], list[i]
                bad = 1
            }
    }
    exit bad
}'
