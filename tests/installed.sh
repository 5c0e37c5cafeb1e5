#!/bin/bash
# Installs into a new folder, removes the project from sight and works from the root folder as a user of the package would.
# installed.sh BUILD
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/usr

fail() { echo "installed: $*"; exit 1; }
expect() { # text, command...
    local text=$1
    shift
    "$@" >"$work/out" 2>"$work/err" || fail "$*: exit code $?: $(tail -n 1 "$work/err")"
    grep -q -- "$text" "$work/out" || fail "$*: expected \"$text\""
}

make --no-print-directory install BUILD="$build" PREFIX=/usr DESTDIR="$work" >/dev/null
# A program that finds its project would find its files there: a copy outside of it, with nothing but what was installed.
cd /
unset NLG_SHARE
export PATH=$prefix/bin:$PATH
[ "$(command -v lineage)" = "$prefix/bin/lineage" ] || fail "lineage is not the installed one"
expect accelnas lineage spaces --json
! grep -q . "$work/err" || fail "spaces: $(cat "$work/err")"
expect resnet50 lineage models
expect 25,557,032 lineage count resnet50
expect 'Best' lineage search --space nasbench201 --evaluator table --strategy random --budget 5
expect 'digest' lineage search --space lineage --evaluator table --strategy random --budget 5 --json
expect random lineage compare --space nasbench201 --strategies random,local --budget 50 --seeds 3 --output "$work/compare"
find "$work/compare" -name '*.svg' -size +0 | grep -q . || fail "compare: no charts"
expect 'same bits' lineage table verify lineage --rows 1 --threads 1
expect 'trials are stored' lineage run --profile smoke --plan --results "$work/results"
NLG_SHARE=$work/none lineage search --space nasbench201 --evaluator table --strategy random --budget 5 >/dev/null 2>"$work/err" &&
    fail "NLG_SHARE is not obeyed"
grep -q "there is no such table" "$work/err" || fail "NLG_SHARE: $(cat "$work/err")"
for page in lineage lineage-count lineage-search; do
    [ -s "$prefix/share/man/man1/$page.1" ] || fail "no man page $page"
done
grep -q '^lineage search ' "$prefix/share/man/man1/lineage-search.1" || fail "the man page of search has no example"

# shellcheck disable=SC1091
source "$prefix/share/bash-completion/completions/lineage"
completions() { # words
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _lineage
    echo " ${COMPREPLY[*]} "
}
[[ $(completions lineage mo) == *" models "* ]] || fail "completion of a command"
[[ $(completions lineage count resnet5) == *" resnet50 "* ]] || fail "completion of a network"
[[ $(completions lineage search --space nasb) == *" nasbench201 "* ]] || fail "completion of a space"
[[ $(completions lineage train --ep) == *" --epochs "* ]] || fail "completion of an option"

cd - >/dev/null
make --no-print-directory uninstall PREFIX=/usr DESTDIR="$work" >/dev/null
left=$(find "$prefix" -type f)
[ -z "$left" ] || fail "uninstall leaves $left"
echo "installed: all well"
