#!/bin/sh
# Times `lineage bench` and other programs in short turns, network by network, on this machine (peer_turns.py says how). Usage:
# bench_peers.sh [BUILD]; called by `make bench-peers`. What steers it, all by environment:
#   PEERS_PYTHON  a Python with the packages that peers.py names (needed)
#   PEERS         the script that times them (default peers.py)
#   MODES         infer train (default both)        NETS     some networks (default: those below)
#   THREADS       default "2 1"                     BATCH    of inference, default "1 16"; training has its own
#   BENCH_SECONDS for each turn, default 0.5        TURNS    of each program, default 6
#   ROUNDS        default 1: the whole list again, against slow minutes
#   RUNTIMES      peers of inference, as PEERS calls them (default: its own)
#   OUT           default results/performance
# OUT/peers.tsv holds every measurement; those of this commit and CPU are kept, so a stopped run goes on where it was.
# From them: ratios.tsv, peers.md and peers.svg. Ratio = best peer's time / ours, above 1: ours is faster. Of several rounds the
# lowest median counts, since what disturbs a measurement only adds to it.
set -eu
build=${1:-build}
lineage=$build/lineage
peers=${PEERS:-$(dirname "$0")/peers.py}
out=${OUT:-results/performance}
threads=${THREADS:-2 1}
batches=${BATCH:-1 16}
seconds=${BENCH_SECONDS:-0.5}
tools=$(dirname "$0")
rows=$out/peers.tsv
fail() { echo "bench-peers: $*" >&2; exit 2; }
[ -n "${PEERS_PYTHON:-}" ] || fail "name a Python that has the peers: make bench-peers PEERS_PYTHON=VENV/bin/python"
[ -f "$peers" ] || fail "$peers does not exist; name the script: PEERS=.../peers.py"
[ -x "$lineage" ] || fail "$lineage does not exist; type make"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# What is timed, how much faster than the best peer it should be, and in what batch alone.
cat >"$work/goals" <<'GOALS'
infer alexnet 1.2
infer vgg16 2.2
infer googlenet 1.5
infer resnet18 1.8
infer resnet50 1.3
infer resnext50_32x4d 1.05
infer seresnet50 1.3
infer inception_v3 1.3
infer inception_v4 1.2
infer inception_resnet_v2 1.2
infer mobilenetv1_100 1.05
infer mobilenet_v2 1.2
infer mnasnet1_0 1.5
infer semnasnet_100 1.5
infer efficientnet_b0 1.5
infer efficientnet_b4 1.5
infer nasnetalarge 1.1
infer pnasnet5large 1.1
infer retinanet_resnet50_fpn 1 1
infer mean 1.4
train lenet5 3
train resnet20_28x28x1 1.6
train resnet20_cifar 1.6
train resnet8_width8_28x28x1 3
train mobilenetv2_small 3
train cells_small 4
train resnet18 1.7
train efficientnet_b0 3
train mean 2.5
GOALS

# One flat JSON object, on one line or several, as NAME<tab>VALUE pairs of one line.
flatten() {
    tr -d '\n\t' | sed 's/^[^{]*{//; s/}[^}]*$//; s/,* *"\([a-z0-9_]*\)": */\t\1\t/g; s/"//g; s/^\t//'
}
fields='function get(name,  i) { for (i = 1; i < NF; i += 2) if ($i == name) return $(i + 1); return "-" }'
# A value of `lineage COMMAND... --json`.
value() {
    name=$1
    shift
    "$lineage" "$@" --json | sed -n "s/^[[:space:]]*\"$name\":[[:space:]]*\"*\([^\",]*\)\"*,*\$/\1/p" | head -n 1
}

commit=$(value commit info)
cpu=$(value cpu info)
header=$(printf 'what\tnet\tthreads\tbatch\tround\tpeer\tlayout\tms\tmin_ms\tp90_ms\timages_per_s\treps\tparams\tcommit\tcpu')
keep() { # the rows of $rows for which the awk expression holds
    { printf '%s\n' "$header"; awk -F '\t' "NR > 1 && ($1)" "$rows"; } >"$work/kept"
    mv "$work/kept" "$rows"
}
[ -f "$rows" ] || printf '%s\n' "$header" >"$rows"
keep "\$14 == \"$commit\" && \$15 == \"$cpu\""

# time_turns WHAT NET THREADS BATCH(any: the training script's) ROUND: rows of the peers and ours
time_turns() {
    batch=
    chosen=
    [ "$4" = any ] || batch="--batch $4"
    [ "$1" = train ] || [ -z "${RUNTIMES:-}" ] || chosen="--peers $(echo $RUNTIMES | tr ' ' ',')"
    # shellcheck disable=SC2086
    PEERS=$peers LINEAGE=$lineage "$PEERS_PYTHON" "$tools/peer_turns.py" "$1" --nets "$2" --threads "$3" $batch --seconds "$seconds" \
        --onnx-dir "$build/peers-onnx" $chosen >"$work/json" 2>"$work/stderr" ||
        { cat "$work/stderr" >&2; fail "$peers failed on $2"; }
    grep '^{' "$work/json" | while read -r line; do printf '%s\n' "$line" | flatten; echo; done | awk 'NF' >"$work/pairs"
    params=-
    [ "$1" = infer ] || params=$(value params count "$2")
    awk -F '\t' -v what="$1" -v net="$2" -v round="$5" -v ours="$params" "$fields"'
        get("ms") == "-" { print "bench-peers: " net ": " get("peer") ": " get("error") >"/dev/stderr"; next }
        { params = get("peer") == "netlineage" ? ours : get("params")
          print what, net, get("threads"), get("batch"), round, get("peer"), get("layout"), get("ms"), get("min_ms"), get("p90_ms"),
                get("images_per_s"), get("reps"), params }' OFS='\t' "$work/pairs"
}

# measure WHAT NET ROUND: the rows that are not there yet
measure() {
    for t in $threads; do
        only=$(awk -v what="$1" -v net="$2" '$1 == what && $2 == net { print $4 }' "$work/goals")
        for b in $([ "$1" = infer ] && echo "$batches" || echo any); do
            [ -z "$only" ] || [ "$only" = "$b" ] || continue
            awk -F '\t' -v what="$1" -v net="$2" -v round="$3" -v t="$t" -v b="$b" '
                $1 == what && $2 == net && $3 == t && (b == "any" || $4 == b) && $5 == round && $6 == "netlineage" { n = 1 }
                END { exit !n }' "$rows" && continue
            echo "round $3: $1 $2, $t threads, batch $b" >&2
            time_turns "$1" "$2" "$t" "$b" "$3" >"$work/new"
            [ "$(cut -f 6 "$work/new" | sort -u | wc -l)" -ge 2 ] || fail "no peer could time $2"
            awk -F '\t' '$13 != "-" { if (params == "") params = $13; if ($13 != params) bad = bad " " $6 ": " $13 " parameters, expected " params }
                END { if (bad) { print bad >"/dev/stderr"; exit 1 } }' "$work/new" || fail "$2 is not the same network everywhere"
            awk -v commit="$commit" -v cpu="$cpu" '{ print $0, commit, cpu }' OFS='\t' "$work/new" >>"$rows"
        done
    done
}

round=1
while [ "$round" -le "${ROUNDS:-1}" ]; do
    for what in ${MODES:-infer train}; do
        for net in ${NETS:-$(awk -v what="$what" '$1 == what && $2 != "mean" { print $2 }' "$work/goals")}; do
            grep -q "^$what $net " "$work/goals" || continue
            measure "$what" "$net" "$round"
        done
    done
    round=$((round + 1))
done

# One line per network, batch and threads; `line` is its place in the chart.
awk -F '\t' '
    FNR == NR { split($0, g, " "); goal[g[1] " " g[2]] = g[3]; order[g[1] " " g[2]] = ++n; next }
    FNR == 1 { next }
    {
        key = $1 "\t" $2 "\t" $3 "\t" $4
        keys[key]
        who = $6 == "netlineage"
        if (who) {
            if (!(key in ours) || $8 < ours[key]) ours[key] = $8
            if (!(key in ours_min) || $9 < ours_min[key]) ours_min[key] = $9
        } else {
            if (!(key in best) || $8 < best[key]) { best[key] = $8; name[key] = $6 ($7 == "-" || $7 == "channels_last" ? "" : " " $7) }
            if (!(key in best_min) || $9 < best_min[key]) best_min[key] = $9
        }
    }
    END {
        print "what", "net", "threads", "batch", "ours_ms", "peer", "peer_ms", "ratio", "ratio_of_minima", "goal", "line"
        for (key in keys) {
            if (!(key in ours) || !(key in best)) continue
            split(key, k, "\t")
            print k[1], k[2], k[3], k[4], ours[key] + 0, name[key], best[key] + 0, best[key] / ours[key], best_min[key] / ours_min[key],
                goal[k[1] " " k[2]], order[k[1] " " k[2]] | "sort -t \"\t\" -k1,1 -k3,3nr -k11,11n -k4,4n"
        }
    }' OFS='\t' CONVFMT='%.4g' OFMT='%.4g' "$work/goals" "$rows" >"$out/ratios.tsv"

versions=$("$PEERS_PYTHON" -m pip list --format=freeze 2>/dev/null | grep -E '^(torch|torchvision|timm|onnx|onnxruntime|openvino)=' | sed 's/==/ /' |
    paste -s -d , | sed 's/,/, /g')
{
    echo "# Speed beside other programs"
    echo
    echo "$cpu, commit $commit. Peers: ${versions:-versions unknown}. Written by \`make bench-peers\` on $(date -u +%Y-%m-%d)."
    echo
    echo "Milliseconds a step. The programs have short turns, one after the other and again; of each, the turn with the lowest median counts."
    echo "Ratio: the best peer's time over ours, above 1: ours is faster; in brackets the ratio of the fastest steps of these turns. All"
    echo "measurements are in \`peers.tsv\`."
    awk -F '\t' '
        FNR == NR { split($0, g, " "); if (g[2] == "mean") mean_goal[g[1]] = g[3]; next }
        FNR == 1 { next }
        function close_table() {
            if (count) printf "| geometric mean | | | | | **%.2f** | %s | %s |\n", exp(sum / count), mean_goal[what], (exp(sum / count) >= mean_goal[what] ? "yes" : "no")
        }
        $1 != what || $3 != threads {
            close_table()
            what = $1; threads = $3; sum = count = 0
            printf "\n## %s, %d thread%s\n\n", (what == "infer" ? "Inference" : "Training"), threads, (threads > 1 ? "s" : "")
            print "| network | batch | ours, ms | best peer | its ms | ratio | goal | reached |"
            print "| --- | ---: | ---: | --- | ---: | ---: | ---: | --- |"
        }
        {
            printf "| %s | %d | %.4g | %s | %.4g | %.2f (%.2f) | %s | %s |\n", $2, $4, $5, $6, $7, $8, $9, $10, ($8 >= $10 ? "yes" : "no")
            sum += log($8); count++
            if ($1 == "train" || $4 >= 16) { time[$1 "\t" $2 "\t" $4 "\t" $3] = $5; if ($3 == 2) pairs[++n] = $1 "\t" $2 "\t" $4 }
        }
        END {
            close_table()
            for (i = 1; i <= n; i++) {
                if (!((pairs[i] "\t" 1) in time)) continue
                if (!titled++) {
                    print "\n## Ours: 2 threads against 1\n\n| what | network | batch | times as fast | goal |\n| --- | --- | ---: | ---: | ---: |"
                }
                split(pairs[i], k, "\t")
                printf "| %s | %s | %d | %.2f | %s |\n", k[1] == "infer" ? "inference" : "training", k[2], k[3],
                    time[pairs[i] "\t" 1] / time[pairs[i] "\t" 2], k[2] == "lenet5" ? "" : "1.8"
            }
        }' "$work/goals" "$out/ratios.tsv"
} >"$out/peers.md"
most=$(tail -n +2 "$out/ratios.tsv" | cut -f 3 | sort -n | tail -n 1)
if command -v gnuplot >/dev/null; then gnuplot -c plots/peers.gp "$out/ratios.tsv" "$out/peers.svg" "$most"; fi
echo "bench-peers: $out/peers.md"
