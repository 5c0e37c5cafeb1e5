#!/bin/bash
# The web page of a layout, drawn by Chromium, is Cairo's picture: their difference (`lineage layout compare`) is at most 0.02.
# White against black is 1; letters are smoothed by other rules in browsers, and that is all that differs.
# usage: tests/layout_pages.sh LINEAGE
set -euo pipefail
lineage=$(realpath "$1")
most=0.02
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
    echo "layout_pages: skipped: Chromium is not installed (Debian: chromium)"
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# What the built-in targets do not show: nested containers, components beyond the canvas, square inputs, transparent rows.
others=("layout bg6 { row 1,1 38x12 c0 r3 s3 { box start 8x8 c- r0 { text 0,0 8x2 c4 t7 } input centre 12x4 c0 r0 t14 column end 10x9 c9 r1 s1 { button end 8x3 c4 r1 t11 } } image 30,40 20x30 c3 r2 }"
    "layout bg4 { column 2,2 20x40 c- r0 s5 { text centre 14x5 c0 t19 button start 9x2 c7 r3 t21 } text 20,50 30x6 c10 t3 input 1,50 12x6 c11 r2 t2 }")

check() { # NAME ARGUMENTS...
    local name=$1
    shift
    "$lineage" layout draw "$@" --output "$folder/$name.png"
    "$lineage" layout draw "$@" --output "$folder/$name.html"
    "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1 --window-size=320,480 \
        --user-data-dir="$folder/profile" --screenshot="$folder/$name-page.png" "file://$folder/$name.html" >/dev/null 2>&1
    local loss
    loss=$("$lineage" layout compare "$folder/$name.png" "$folder/$name-page.png" | awk '{ print $2 }')
    echo "layout_pages: $name $loss"
    awk -v loss="$loss" -v most="$most" 'BEGIN { exit !(loss <= most) }' || {
        echo "layout_pages: $name: expected at most $most, found $loss"
        exit 1
    }
}

for target in sign-in profile shop; do check $target --target $target; done
for i in 0 1; do check "other$i" --genotype "${others[$i]}"; done
