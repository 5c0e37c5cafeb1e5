#!/bin/bash
# Makes the seeds of the fuzz targets: small files that their readers accept. seeds.sh BUILD FOLDER: one folder for each reader in FOLDER.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
out=$2
lineage=$build/lineage
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ASAN_OPTIONS=detect_leaks=0

seed() { # reader, name; the contents are on standard input
    mkdir -p "$out/$1"
    cat >"$out/$1/$2"
}
bytes() { printf "$(printf '\\x%s' "$@")"; }

{ bytes 00 00 00 08 03 00 00 00 04 00 00 00 01 00 00 00 02 && printf abcdefgh; } | seed idx images
bytes 01 00 00 08 01 00 00 00 04 01 02 03 04 | seed idx labels
{ bytes 00 && { bytes 00 00 08 03 00 00 00 04 00 00 00 01 00 00 00 02 && printf abcdefgh; } | gzip -nc; } | seed idx packed

mkdir -p "$work/cifar-10-batches-bin"
for batch in data_batch_{1..5} test_batch; do
    { bytes 03 && head -c 3072 /dev/zero; } >"$work/cifar-10-batches-bin/$batch.bin"
done
tar -C "$work" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - cifar-10-batches-bin | gzip -nc | seed cifar archive

# PNG and JPEG pictures of this project's own
bytes 89 50 4e 47 0d 0a 1a 0a 00 00 00 0d 49 48 44 52 00 00 00 02 00 00 00 02 08 02 00 00 00 fd d4 9a 73 00 00 00 16 49 44 41 54 78 9c 63 f8 \
    cf c0 c0 00 c4 0c 0c 0c ff 19 20 00 4c 00 2b d6 04 fd 1c 14 a1 2d 00 00 00 00 49 45 4e 44 ae 42 60 82 | seed picture png
if command -v gnuplot >/dev/null; then
    gnuplot -d -e "set terminal jpeg size 24,16; set output '$work/p.jpg'; unset tics; unset border; plot x notitle" 2>/dev/null &&
        seed picture jpeg <"$work/p.jpg"
    gnuplot -d -e "set terminal pngcairo size 24,16; set output '$work/p.png'; unset tics; unset border; plot x notitle" 2>/dev/null &&
        seed picture png2 <"$work/p.png"
fi

"$lineage" export lenet5_small "$work/w.safetensors" --seed 1 >/dev/null 2>&1
head -c 4096 "$work/w.safetensors" | seed weights cut
seed weights whole <"$work/w.safetensors"
printf '%b{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"__metadata__":{"identity":"x"}}    \1\2\3\4' '\x58\0\0\0\0\0\0\0' | seed weights short
mkdir -p "$out/checkpoint"
SEED_TO=$work/state READER=checkpoint "$build/fuzz/fuzz" "$work/w.safetensors" >/dev/null 2>&1 || true
[ ! -s "$work/state" ] || seed checkpoint state <"$work/state"
printf '%s' '{"epochs":2}' | seed checkpoint text

for file in harness/experiments/*.json; do seed experiment "$(basename "$file")" <"$file"; done
number=0
"$lineage" spaces --json 2>/dev/null | sed -n 's/.*"name":[[:space:]]*"\([a-z0-9_]*\).*/\1/p' | sort -u | while read -r space; do
    printf '%s' "$space" | seed space "$space"
done
printf '%s' 'nasnet:B=4,N=1,F=8' | seed space parameters
for genotype in 'normal 2 = sep5x5(0) + avg3x3(0) 3 = sep3x3(1) + none(0)' '|avg_pool_3x3~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|none~2|' \
    'conv3 conv3 none max plain' 'e4k5s1l2 e1k3s0l1 e4k3s0l2 e6k5s1l1 e4k5s0l3 e6k3s1l4 e1k3s0l1' '01201201' 'd1 w1 r1'; do
    for space in 00 01 02 03 04 05 06 07 08 09 0a; do
        { bytes "$space" && printf '%s' "$genotype"; } | seed genotype "$space-$number"
    done
    number=$((number + 1))
done
for network in nasnet_a_small pnasnet_small; do
    { bytes 00 && "$lineage" show "$network" --genotype 2>/dev/null; } | seed cells "$network"
done
printf '%s' 'evolution:population=20:sample=5' | seed strategy short
printf 'nsga2\n{"population":10}' | seed strategy json
printf 'random' | seed strategy bare

seconds_columns='arch,params,macs,val_s1_e1,val_s2_e1,seconds_s1,seconds_s2,digest_s1,digest_s2'
hash=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
{ bytes 03 00 && printf '%s\nconv3 conv3 none max plain,15194,178368,12.5,13.5,0.1,0.1,%s,%s\n' "$seconds_columns" $hash $hash; } | seed table own
for number in 0 1 2; do
    set -- nas-bench-201 nas-bench-macro accel-nasbench
    shift $number
    { bytes "0$number" 00 && (zcat "results/published/$1.csv.gz" || true) 2>/dev/null | head -n 3; } | seed table "$1"
done
seed facts lineage <results/tables/lineage.json
head -n 12 results/latency/lineage.csv | seed latency lineage
"$lineage" search --space nasbench201 --evaluator table --strategy random --budget 2 --store "$work/s.db" >/dev/null 2>&1 && seed store search <"$work/s.db"
printf 'zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n' | seed labels ten
printf 'label\tx\ty\none\t1\t2.5\ntwo\t-\t1e3\n' | seed rows tsv
printf '# source\nx\ty\n1\t2\n' | seed rows comment
printf 'layout bg0 { box 1,1 10x8 c1 r2 { text 1,1 5x2 c2 t0 } button 2,10 6x3 c3 r1 t1 }' | seed layout two
# a case of each operation and optimizer of the tests, without the expected values
sed -n 's/^\({"\(op\|optimizer\)":"\([a-z0-9_]*\)".*\)/\2 \3 \1/p' tests/reference/ops.json | sort -u -k 1,2 | while read -r kind name case; do
    { bytes "$([ "$kind" = op ] && echo 00 || echo 01)" && sed 's/,"\(y\|p_after_each_step\)":.*/}/' <<<"$case"; } | seed reference "$kind-$name"
done
{ bytes 02 && printf '%s' '{"id":"lenet5_small","input":[1,28,28]}'; } | seed reference model
{ bytes 04 && printf '%s' '{"images":1,"categories":[1],"annotations":[{"id":1,"image_id":1,"category_id":1,"bbox":[1,2,8,9],"area":72,"iscrowd":0}],' \
    '"detections":[{"image_id":1,"category_id":1,"bbox":[1,2,8,9],"score":0.9}]}'; } | seed reference coco
{ bytes 04 && printf '%s' '{"images":1,"categories":[1],"annotations":[{"id":1,"image_id":1,"category_id":1,"bbox":[1,2,8,9],"area":72,"iscrowd":0}],' \
    '"detections":[]}'; } | seed reference coco-nothing-found
printf '%s' '{"epochs":1,"batch":32,"lr":0.1,"augmentation":null}' | seed recipe short
