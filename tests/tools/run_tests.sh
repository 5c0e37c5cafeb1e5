#!/bin/sh
# Runs cmocka programs, two at a time, each with its own log, and adds up their test functions. A program that crashes, hangs or
# ends early is a failure. The last line is "N passed, N failed".
#   NLG_TEST_SECONDS  time limit of a program (default 240); NLG_SLOWER multiplies it
#   NLG_RUNNER        a command in front of each program, like valgrind
set -eu
NLG_SECONDS=$((${NLG_TEST_SECONDS:-240} * ${NLG_SLOWER:-1}))
export NLG_SECONDS CMOCKA_MESSAGE_OUTPUT=TAP OPENBLAS_NUM_THREADS=2

# One program: prints its line of the summary, leaves "passed failed" in PROGRAM.count.
run_one() {
    program=$1
    begin=$(date +%s)
    status=0
    # shellcheck disable=SC2086
    timeout -k 10 "$NLG_SECONDS" ${NLG_RUNNER:-} "$program" >"$program.log" 2>&1 </dev/null || status=$?
    set -- $(awk '
        /^#/ { next }
        /^1\.\.[0-9]+$/ { planned += substr($0, 4) }
        /not ok [0-9]+ # SKIP/ { skipped++; next }
        /not ok [0-9]+ / { failed++; next }
        /ok [0-9]+ - / { passed++ }
        END { print passed + 0, failed + 0, skipped + 0, planned - passed - failed - skipped }' "$program.log")
    passed=$1 failed=$2 skipped=$3 unfinished=$4
    why=
    [ "$skipped" -eq 0 ] || why=", $skipped skipped"
    elapsed=$(($(date +%s) - begin))
    if [ "$status" -ge 124 ] && [ "$elapsed" -ge "$NLG_SECONDS" ]; then
        why="$why, stopped after $elapsed seconds"
        failed=$((failed + 1))
    elif [ "$unfinished" -gt 0 ] || [ $((passed + failed + skipped)) -eq 0 ]; then
        why="$why, ended early with status $status"
        failed=$((failed + 1))
    elif [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        why="$why, status $status" # a leak, a sanitizer report at exit
        failed=1
    fi
    echo "$passed $failed" >"$program.count"
    name=${program##*/test_}
    result=ok
    [ "$failed" -eq 0 ] || result=FAILED
    # One write, so that two programs do not mix their lines.
    {
        printf '%-6s %-20s %4d passed%s%s  %d s\n' "$result" "$name" "$passed" \
            "$([ "$failed" -eq 0 ] || printf ', %d failed' "$failed")" "$why" "$elapsed"
        if [ "$failed" -ne 0 ]; then
            echo "       $program.log:"
            grep -v '^ok ' "$program.log" | tail -n 60 | sed 's/^/       /'
        fi
    } >"$program.summary"
    cat "$program.summary"
}

if [ "${1:-}" = --one ]; then
    run_one "$2"
    exit 0
fi

[ $# -gt 0 ] || { echo "run_tests.sh: no test programs given" >&2; exit 2; }
for program in "$@"; do rm -f "$program.count"; done
printf '%s\n' "$@" | xargs -n 1 -P 2 "$0" --one || true

passed=0 failed=0
for program in "$@"; do
    if read -r p f <"$program.count"; then
        passed=$((passed + p)) failed=$((failed + f))
    else
        failed=$((failed + 1))
    fi
done 2>/dev/null
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
