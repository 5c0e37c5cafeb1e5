#!/bin/sh
# The same bits from gcc and clang, -O2 and -O3: builds four variants into BUILD-COMPILER-LEVEL and compares the digests of short
# training runs. Usage: tests/digest_matrix.sh [BUILD]
set -eu
build=${1:-build}
networks="lenet5_small resnet20_small mobilenet_v1_small"
status=0
for network in $networks; do eval "expected_$network="; done
for compiler in gcc clang; do
    for level in O2 O3; do
        variant=$build-$compiler-$level
        make --no-print-directory -j"$(nproc)" BUILD="$variant" CC=$compiler OPT=-$level SIMD_OPT=-$level WERROR=1 programs >"$variant.log" 2>&1 || {
            cat "$variant.log"
            exit 1
        }
        rm -f "$variant.log"
        for network in $networks; do
            digest=$("$variant/lineage" train "$network" --data fashion-mnist --epochs 1 --train-images 64 --seed 1 --threads 2 --json |
                sed -n 's/^[[:space:]]"digest":[[:space:]]*"\([0-9a-f]\{64\}\)".*/\1/p') # of the weights; that of the data stands deeper
            echo "$compiler -$level $network ${digest:-none}"
            eval "expected=\$expected_$network"
            if [ -z "$digest" ]; then
                echo "digest_matrix: $variant/lineage train $network printed no digest" >&2
                status=1
            elif [ -z "$expected" ]; then
                eval "expected_$network=$digest"
            elif [ "$digest" != "$expected" ]; then
                echo "digest_matrix: $network: expected $expected as from the first variant, found $digest" >&2
                status=1
            fi
        done
    done
done
exit $status
