#!/bin/sh
# A profile that is killed again and again ends with the tables of one that was not, times excepted.
# Usage: tests/resume.sh BUILD TABLES: `lineage run --profile smoke` anew in BUILD/resume, its tables compared with those in the
# folder TABLES, which an undisturbed run of the same profile made.
set -eu
build=$1 tables=$2
place=$build/resume
rm -rf "$place"
mkdir -p "$place"

for seconds in 1 4 6 9; do # a kill in the counts, in a training, in a search, in the final step, or where this machine gets
    "$build/lineage" run --profile smoke --results "$place/results" >>"$place/log" 2>&1 &
    program=$!
    sleep $seconds
    kill -9 $program 2>/dev/null || echo "resume: nothing left to kill after $seconds s"
    wait $program 2>/dev/null || true
    echo "resume: killed after $seconds s"
done
# SIGTERM, since a shell starts background commands with SIGINT ignored; both end in the same way.
"$build/lineage" run --profile smoke --results "$place/results" >"$place/stopped" 2>&1 &
program=$!
sleep 3
kill -TERM $program 2>/dev/null || true
code=0
wait $program || code=$?
if [ $code -ne 0 ] && { [ $code -ne 130 ] || ! grep -q "the same command continues" "$place/stopped"; }; then
    echo "resume: expected exit code 130 and how to continue after SIGTERM, found $code:" >&2
    cat "$place/stopped" >&2
    exit 1
fi
"$build/lineage" run --profile smoke --results "$place/results" >>"$place/log" 2>&1 || { tail -n 5 "$place/log" >&2; exit 1; }
"$build/lineage" report --profile smoke --results "$place/results" --output "$place/report" >/dev/null

# Tables without the columns that may differ; latency.tsv holds nothing else.
results() {
    awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) drop[i] = $i ~ /seconds|hours|commit|threads/ }
        { line = ""; for (i = 1; i <= NF; i++) if (!drop[i]) line = line "\t" $i; print line }' "$1"
}
compared=0
for table in "$tables"/*.tsv; do
    name=${table##*/}
    [ "$name" != latency.tsv ] || continue
    results "$table" >"$place/expected"
    results "$place/report/tables/$name" >"$place/found"
    cmp "$place/expected" "$place/found" || { echo "resume: $name differs after kills" >&2; diff "$place/expected" "$place/found" | head -n 10 >&2; exit 1; }
    compared=$((compared + 1))
done
[ "$compared" -ge 5 ] || { echo "resume: expected five tables and more in $tables, found $compared" >&2; exit 1; }
echo "resume: $compared tables are the same"
