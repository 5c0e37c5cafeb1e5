#!/bin/bash
# Faults on purpose. faults.sh BUILD [KIND...], KIND one of memory, disk, kill (default: all).
#
#   memory  one allocation fails, of the program or its libraries
#   disk    one system call fails (no space, I/O error, too many files), or files may grow to a size only, so that a write is short
#   kill    the program is killed, at random moments and at system calls that write
#
# A command that meets a fault may fail with a message. It must not crash, hang, leave temporary files, or end with exit code 0 and
# another result than the undisturbed one; and the same command again, undisturbed, must reach the same end. POINTS faults of each sort
# are tried with each command (default 12), chosen evenly; KILLS moments of each long command (default 10).
# COMMANDS="train search" picks some. The last line counts what was tried and what failed.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "$1")
shift
kinds=${*:-memory disk kill}
points=${POINTS:-12}
kills=${KILLS:-10}
tools=$build/faults
lineage=$build/lineage
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export NLG_SHARE=$PWD LC_ALL=C

# --- inputs ---

# Files of MNIST's form with made-up pixels: FOLDER SIDE TRAIN TEST
make_images() {
    mkdir -p "$1"
    local set count
    for set in train t10k; do
        count=$3
        [ $set = train ] || count=$4
        awk -v n="$count" -v side="$2" 'function four(v) { printf "%c%c%c%c", int(v / 16777216), int(v / 65536) % 256, int(v / 256) % 256, v % 256 }
            BEGIN { four(2051); four(n); four(side); four(side); s = 7
                for (i = 0; i < n * side * side; i++) { s = (s * 16807) % 2147483647; printf "%c", s % 256 } }' >"$1/$set-images-idx3-ubyte"
        awk -v n="$count" 'BEGIN { printf "%c%c%c%c%c%c%c%c", 0, 0, 8, 1, 0, 0, 0, n; for (i = 0; i < n; i++) printf "%c", i % 10 }' >"$1/$set-labels-idx1-ubyte"
    done
}
make_images "$work/data" 28 64 20
make_images "$work/small" 12 64 20
mkdir "$work/experiments"
cat >"$work/experiments/e.json" <<END
{"id": "e", "title": "t", "question": "q", "profiles": {"smoke": {}},
 "stages": [
  {"name": "selection", "measure": "train", "cross": {"network": ["lenet5_small"], "rate": [0.01, 0.05]},
   "with": {"data": "mnist:$work/data", "train_images": 8, "validation_images": 8, "batch": 4, "epochs": 1, "seed": 1}},
  {"name": "final", "measure": "train", "final": true,
   "cross": {"network": ["lenet5_small"], "rate": {"best_of": "selection", "metric": "val_accuracy", "by": ["network"]}, "seed": [1, 2]},
   "with": {"data": "mnist:$work/data", "train_images": 8, "validation_images": 8, "batch": 4, "epochs": 1}},
  {"name": "search", "measure": "search", "cross": {"strategy": ["random"], "seed": [1]},
   "with": {"space": "lineage", "data": "mnist:$work/small", "train_images": 8, "validation_images": 8, "batch": 4, "epochs": 1, "budget": 3}}]}
END
"$lineage" train lenet5_small --data "mnist:$work/data" --train-images 8 --validation-images 8 --epochs 1 --batch 4 --threads 1 \
    --checkpoint "$work/trained.safetensors" >/dev/null 2>&1
tiny="--train-images 8 --validation-images 8 --epochs 1 --batch 4"

# The command line of a name; its files lie in the folder $d. Long ones have more to do, to be killed at.
command_of() {
    local n=${2:-1}
    case $1 in
    count) echo count lenet5_small --json ;;
    export) echo export lenet5_small "$d/x.safetensors" --seed 1 ;;
    eval) echo eval lenet5_small --weights "$work/trained.safetensors" --data "mnist:$work/data" --split test --threads 1 --json ;;
    train) echo train lenet5_small --data "mnist:$work/data" --train-images $((8 * n)) --validation-images 8 --epochs $((2 + 8 * (n - 1))) \
        --batch 4 --threads 1 --seed 1 --checkpoint "$d/ck.safetensors" --json ;;
    search) echo search --space lineage --store "$d/s.db" --budget $((3 * n)) --seed 1 --json --data "mnist:$work/small" --threads 1 $tiny ;;
    search2) echo search --space lineage --store "$d/s.db" --budget $((3 * n)) --seed 1 --workers 2 --ask 3 --json \
        --data "mnist:$work/small" --threads 1 $tiny ;;
    table) echo table build lineage --data "mnist:$work/small" --seeds 2 --limit $((3 * n)) --workers 1 --threads 1 --out "$d/tab" --results "$d/results" --json $tiny ;;
    table2) echo table build lineage --data "mnist:$work/small" --seeds 2 --limit $((3 * n)) --workers 2 --threads 1 --out "$d/tab" --results "$d/results" --json $tiny ;;
    run) echo run --profile smoke --experiments "$work/experiments" --results "$d/results" --threads 1 ;;
    report) echo report --profile smoke --results "$work/results" --output "$d/report" ;;
    esac
}

# --- one try ---

# What a command left, without what may differ between equal runs: seconds, and digests of files that hold seconds; and without files
# that only stay where they cannot be removed.
state() {
    (cd "$1" && find . -type f ! -name '*-lock' ! -name '*.state' ! -name '*-wal' ! -name '*-shm' ! -name '*-journal' | sort | while IFS= read -r file; do
        echo "== $file"
        case $file in
        *.db | *.sqlite) "$tools/print_store" "$file" ;;
        *.csv.gz) zcat "$file" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) drop[i] = $i ~ /second/ }
            { for (i = 1; i <= NF; i++) if (!drop[i]) printf "%s,", $i; print "" }' ;;
        *.json) sed -E 's/"(file_digest|test_file_digest|seconds|created)": *"?[^",}]*"?//g' "$file" ;;
        *.tsv) awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) drop[i] = $i ~ /second|commit|created/ }
            { for (i = 1; i <= NF; i++) if (!drop[i]) printf "%s\t", $i; print "" }' "$file" ;;
        */tables/*.csv) wc -l <"$file" ;; # its cells are those of the .tsv
        *.pdf) ;; # the date
        *) sha256sum <"$file" ;;
        esac
    done) 2>&1
}

# Standard output without seconds, times left and the folder's name.
output() {
    sed -E "s|$d|D|g; /\"cpu\":/d; s/\"[a-z_]*seconds\":[[:space:]]*[0-9.e+-]+//g; s/[0-9.]+ m?s\b//g" "$d.out"
}

# Runs a command under a limit of time and keeps what it printed. RC: its exit code.
attempt() { # prefix words..., --, command words
    RC=0
    timeout --foreground -s KILL 120 "$@" >"$d.out" 2>"$d.err" </dev/null || RC=$?
}

report_failure() {
    echo "FAILED $name, $fault: $1"
    tail -n 2 "$d.err" | cut -c1-300 | sed 's/^/    /'
}

report_difference() {
    report_failure "$1"
    diff <(echo "$base_state") <(state "$d") | head -n 6 | cut -c1-200 | sed 's/^/    /' || true
}

# Judges the command that met a fault, then gives it again. Prints a line for each failure.
judge() {
    local left
    left=$(find "$d" -name '*tmp-*' -o -name '*.tmp' | head -n 3)
    if [ $RC -eq 137 ] && [ "${killed:-}" = "" ]; then report_failure "it hangs"; fi
    if [ $RC -gt 2 ] && [ $RC -ne 130 ] && [ $RC -ne 137 ]; then report_failure "it ended with code $RC"; fi
    if [ $RC -eq 0 ]; then
        [ "$(output)" = "$base_output" ] || {
            report_failure "exit code 0 and another output"
            diff <(echo "$base_output") <(output) | head -n 6 | cut -c1-200 | sed 's/^/    /' || true
        }
        [ "$(state "$d")" = "$base_state" ] || report_difference "exit code 0 and another result"
        left=$(find "$d" -name '*tmp-*' -o -name '*-journal' | head -n 3)
        [ -z "$left" ] || grep -q 'lineage: warning: ' "$d.err" || report_failure "exit code 0, no word, and files that stay: $left"
    elif [ $RC -le 2 ]; then
        [ "$(grep -c '^lineage' "$d.err")" -ge 1 ] || report_failure "no message"
        [ -z "$left" ] || report_failure "temporary files are left: $left"
    fi
    [ $RC -ne 0 ] || return 0
    # shellcheck disable=SC2046
    attempt "$lineage" $(command_of "$name" "$scale")
    if [ $RC -ne 0 ]; then
        report_failure "the same command again ends with code $RC"
    elif [ "$(state "$d")" != "$base_state" ]; then
        report_difference "the same command again has another result"
    fi
    left=$(find "$d" -name '*tmp-*' -o -name '*.tmp' -o -name '*-journal' | head -n 3)
    [ -z "$left" ] || report_failure "the same command again leaves $left"
}

# Tries a fault in a folder of its own, in the background; at most two at a time.
try() { # fault's name, prefix words
    fault=$1
    shift
    echo x >>"$work/tried"
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
    (
        d=$(mktemp -d "$work/try-XXXXXX")
        # shellcheck disable=SC2046
        attempt "$@" "$lineage" $(command_of "$name" "$scale")
        judge
        rm -rf "$d" "$d.out" "$d.err"
    ) >>"$work/failures" 2>&1 &
}

# The undisturbed run; what differs between two of them is the command's fault.
base() {
    local first
    d=$work/base-a
    mkdir -p "$d"
    # shellcheck disable=SC2046
    attempt "$lineage" $(command_of "$name" "$scale")
    [ $RC -eq 0 ] || { cat "$d.err"; echo "faults: $name fails undisturbed"; exit 1; }
    first=$(state "$d")
    base_output=$(output)
    rm -rf "$d"
    mkdir -p "$d"
    # shellcheck disable=SC2046
    attempt "$lineage" $(command_of "$name" "$scale")
    base_state=$(state "$d")
    rm -rf "$d"
    [ "$first" = "$base_state" ] || { diff <(echo "$first") <(echo "$base_state") | head -n 10; echo "faults: $name differs undisturbed"; exit 1; }
}

# `$2` numbers from 1 to $1, evenly.
spread() {
    awk -v n="$1" -v k="$2" 'BEGIN { if (k > n) k = n; for (i = 0; i < k; i++) { v = k > 1 ? 1 + int(i * (n - 1) / (k - 1)) : 1; if (v != last) print v; last = v } }'
}

# --- kinds ---

memory_faults() {
    local count n
    d=$work/count
    mkdir -p "$d"
    # shellcheck disable=SC2046
    COUNT_TO=$work/allocations LD_PRELOAD=$tools/failing_memory.so attempt "$lineage" $(command_of "$name")
    rm -rf "$d"
    count=$(cat "$work/allocations")
    for n in $(spread "$count" $((4 * points / weight))); do
        try "allocation $n of $count" env FAIL_AT="$n" LD_PRELOAD="$tools/failing_memory.so"
    done
}

calls="openat,read,pread64,write,pwrite64,fsync,fdatasync,ftruncate,rename,unlink,mkdir,close"
disk_faults() {
    local call error n count size
    d=$work/count
    mkdir -p "$d"
    # shellcheck disable=SC2046
    attempt strace $follow -qq -o "$work/trace" -e trace="$calls" "$lineage" $(command_of "$name")
    rm -rf "$d"
    while read -r call error; do
        count=$(grep -cE "^([0-9]+ +)?$call\(" "$work/trace" || true)
        # the first openat and read calls are the loader's
        for n in $(spread "$count" $((points / 3 / weight + 1))); do
            case $call in openat | read | pread64 | close) [ "$n" -gt 40 ] || continue ;; esac
            try "$call $n of $count fails with $error" strace $follow -qq -o /dev/null -e trace="$calls" -e inject="$call:error=$error:when=$n"
        done
    done <<END
write ENOSPC
write EIO
write EINTR
pwrite64 ENOSPC
pwrite64 EIO
fsync EIO
fdatasync EIO
ftruncate EIO
rename EIO
rename ENOSPC
unlink EIO
mkdir ENOSPC
openat EMFILE
openat EACCES
read EIO
pread64 EIO
close EIO
END
    for size in 1 3 9 33 97 251; do # kilobytes that a file may grow to
        try "files of $size KB at most" bash -c "ulimit -f $size; exec \"\$@\"" bash
    done
}

# killed: at a system call that changes a file, and at random moments.
kill_faults() {
    local call n count i
    killed=1
    if [ "$scale" -eq 1 ]; then
        d=$work/count
        mkdir -p "$d"
        # shellcheck disable=SC2046
        attempt strace $follow -qq -o "$work/trace" -e trace="$calls" "$lineage" $(command_of "$name")
        rm -rf "$d"
        for call in write pwrite64 fsync fdatasync rename unlink ftruncate; do
            count=$(grep -cE "^([0-9]+ +)?$call\(" "$work/trace" || true)
            for n in $(spread "$count" $((points / 3 / weight + 1))); do
                try "killed at $call $n of $count" strace $follow -qq -o /dev/null -e trace="$calls" -e inject="$call:signal=SIGKILL:when=$n"
            done
        done
        return
    fi
    for i in $(seq "$kills"); do
        fault="killed $i times at random"
        echo x >>"$work/tried"
        while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
        (kill_often $((1 + i % 3))) >>"$work/failures" 2>&1 &
    done
}

# A command that is killed some times, at random moments of the time that it takes, and then goes on to its end.
kill_often() {
    local i pid orphans moment
    d=$(mktemp -d "$work/try-XXXXXX")
    for i in $(seq "$1"); do
        moment=$(awk -v r="$RANDOM" -v most="$duration" 'BEGIN { printf "%.3f", 0.002 + r / 32768 * most }')
        # shellcheck disable=SC2046
        timeout --foreground -s KILL "$moment" "$lineage" $(command_of "$name" "$scale") >"$d.out" 2>"$d.err" </dev/null || true
        fault="killed after $moment s, kill $i"
        [ "$i" -eq 1 ] || echo x >>"$work/tried"
        sleep 0.1
        orphans=$(pgrep -f -- "$d/" || true)
        if [ -n "$orphans" ]; then
            sleep 1
            orphans=$(pgrep -f -- "$d/" || true)
            [ -z "$orphans" ] || report_failure "orphans: $orphans"
        fi
    done
    RC=137
    judge
    rm -rf "$d" "$d.out" "$d.err"
}

# --- all ---

: >"$work/tried"
: >"$work/failures"
every() { # function, commands
    local function=$1 tried failed before
    shift
    for name in "$@"; do
        case " ${COMMANDS:-$*} " in *" $name "*) ;; *) continue ;; esac
        before=$(wc -l <"$work/tried")
        weight=1 # how much longer it takes than others
        follow=-f
        [ "$name" != report ] || weight=8 follow= # gnuplot is not to be disturbed
        tried=$(grep -c '^FAILED' "$work/failures" || true)
        base
        if [ "$scale" -gt 1 ]; then
            d=$work/timed
            mkdir -p "$d"
            start=$(date +%s%N)
            # shellcheck disable=SC2046
            attempt "$lineage" $(command_of "$name" "$scale")
            duration=$(awk -v ns=$(($(date +%s%N) - start)) 'BEGIN { print ns / 1e9 }')
            rm -rf "$d"
        fi
        $function
        wait
        failed=$(($(grep -c '^FAILED' "$work/failures" || true) - tried))
        echo "$kind $name$([ "$scale" -eq 1 ] || echo ', longer'): $(($(wc -l <"$work/tried") - before)) tried, $failed failed"
    done
}
[ "${COMMANDS:-run report}" = "${COMMANDS:-}" ] && case $COMMANDS in *report*) ;; *) skip_report=1 ;; esac
if [ -z "${skip_report:-}" ]; then
    "$lineage" run --profile smoke --experiments "$work/experiments" --results "$work/results" --threads 1 >/dev/null
fi
scale=1
for kind in $kinds; do
    case $kind in
    memory) every memory_faults count export eval train search run report ;;
    disk) every disk_faults count export eval train search table run report ;;
    kill)
        every kill_faults train search search2 table run
        scale=6
        every kill_faults train search search2 table2
        scale=1
        ;;
    *)
        echo "faults: expected memory, disk or kill, found $kind" >&2
        exit 2
        ;;
    esac
done
grep -E '^(FAILED|    )' "$work/failures" || true
failures=$(grep -c '^FAILED' "$work/failures" || true)
echo "faults: $(wc -l <"$work/tried") tried, $failures failed"
[ "$failures" -eq 0 ]
