#!/bin/bash
# Runs the fuzz targets for FUZZ_SECONDS each, two at a time: run.sh BUILD [READER...]. FUZZ_SEED (default 0: another one each
# time) makes a run repeat an earlier one's inputs, as far as time allows. The corpus stays in BUILD/fuzz; what was found is
# named BUILD/fuzz/READER-found-*.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
shift
all="idx cifar picture weights checkpoint recipe experiment genotype cells strategy space table facts latency store labels rows layout reference"
seconds=${FUZZ_SECONDS:-60}
places=$build/fuzz
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 NLG_SHARE=$PWD
rm -rf "$places/seeds"
tests/fuzz/seeds.sh "$build" "$places/seeds"

fuzz() {
    local corpus=$places/corpus/$1 log=$places/$1.log
    mkdir -p "$corpus" "$places/seeds/$1"
    if READER=$1 "$places/fuzz" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=1024 -print_final_stats=1 -seed="${FUZZ_SEED:-0}" \
        -artifact_prefix="$places/$1-found-" "$corpus" "$places/seeds/$1" >"$log" 2>&1; then
        echo "fuzz: $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, nothing found"
    else
        tail -n 40 "$log"
        echo "fuzz: $1: FOUND, see $log"
        return 1
    fi
}

failed=0
for reader in ${*:-$all}; do
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || failed=1; done
    fuzz "$reader" &
done
while [ -n "$(jobs -rp)" ]; do wait -n || failed=1; done
wait || failed=1
rm -rf /dev/shm/nlg-fuzz-* "${TMPDIR:-/tmp}"/nlg-fuzz-*
[ $failed -eq 0 ]
