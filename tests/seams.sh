#!/bin/bash
# The promise of CONTRIBUTING.md as a test: in a copy of the project one of each kind is added, in no more places than promised, and used.
# Usage: tests/seams.sh [BUILD]   (objects of that build are taken over where nothing changed)
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
git ls-files -co --exclude-standard -z | xargs -0 cp -a --parents -t "$place"
[ ! -d "$build" ] || cp -a "$build" "$place/build"
cd "$place"
git init -q && git add -A && git -c user.name=seams -c user.email=seams@localhost commit -qm "as it is"

# added KIND FILES...: exactly these files are new or changed since the last kind.
added() {
    local kind=$1 expected found
    shift
    expected=$(printf '%s\n' "$@" | sort)
    found=$(git status --porcelain | cut -c4- | sort)
    [ "$expected" = "$found" ] || { echo "seams: $kind: expected changes in"; echo "$expected"; echo "found"; echo "$found"; exit 1; }
    git add -A && git -c user.name=seams -c user.email=seams@localhost commit -qm "$kind"
    echo "seams: $kind: $*"
}

# --- a search strategy ---
sed 's/nlg_strategy_random/nlg_strategy_dummy/; s/"random"/"dummy"/; s/"random search, uniform over the space"/"a copy, for a test"/' \
    search/strategies/random.c >search/strategies/dummy.c
echo 'STRATEGY(dummy)' >>search/strategies.def
added strategy search/strategies/dummy.c search/strategies.def

# --- an operation: half of what comes in ---
cat >layers/ops/halve.c <<'C'
/* Half of the input. Cost: other_ops 1 per element. */
#include "layers/ops/op_util.h"

static nlg_status infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    (void)attrs, (void)n_x, (void)err;
    *y = *x;
    return NLG_OK;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    (void)attrs, (void)x, (void)n_x;
    cost->other_ops = (int64_t)y.h * y.w * y.c;
}

static void halve(const nlg_tensor *from, const nlg_tensor *to, bool accumulate) {
    for (int64_t p = 0; p < nlg_tensor_pixels(from); p++)
        for (int c = 0; c < from->c; c++)
            to->data[p * to->ld + c] = 0.5f * from->data[p * from->ld + c] + (accumulate ? to->data[p * to->ld + c] : 0);
}

static void forward(const nlg_op_call *call) {
    halve(&call->x[0], &call->y, false);
}

static void backward(const nlg_op_call *call) {
    if (call->dx[0].data) halve(&call->dy, &call->dx[0], call->accumulate_dx[0]);
}

const nlg_op nlg_op_halve = {
    .name = "halve",
    .summary = "half of the input",
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
C
echo 'OP(halve)' >>layers/ops/ops.def
added operation layers/ops/halve.c layers/ops/ops.def

# --- a model family with that operation ---
cat >models/dummy.c <<'C'
/* A family for a test. */
#include "models/blocks.h"
#include "models/rows.h"

static void build(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    (void)model;
    nlg_value x = nlg_input(b, input.c, input.h, input.w);
    x = nlg_activation(b, nlg_conv(b, x, (nlg_conv_args){.out = 4, .kernel = 3, .stride = 2, .pad = 1, .bias = true}, "conv"), NLG_ACT_RELU);
    x = nlg_apply(b, "halve", NULL, &x, 1, "halve");
    nlg_output(b, nlg_linear(b, x, (nlg_linear_args){.out = classes}, "fc"));
}

static const nlg_family dummy = {.name = "Dummy", .title = "None", .authors = "Nobody", .venue = "Nowhere", .year = 2000,
                                 .designer = NLG_HUMAN, .deviations = "None.", .build = build};

static const nlg_model rows[] = {
    MODEL(dummy_small, .family = &dummy, SMALL, .deviations = "None.")
};
ROWS(dummy, rows)
C
echo 'ROWS(dummy)' >>models/families.def
added "model family" models/dummy.c models/families.def

# --- a variant of it ---
sed -i 's/^static const nlg_model rows.*/&\n    MODEL(dummy_large, .family = \&dummy, CIFAR)/' models/dummy.c
added variant models/dummy.c

# --- a data set: what MNIST's files hold ---
{
    printf '/* A data set for a test: the files of MNIST. */\n#include "datasets/format.h"\n\nextern const nlg_dataset_format nlg_dataset_mnist;\n'
    printf 'static nlg_status load(nlg_dataset *d, bool test, nlg_samples *s, nlg_error *err) { return nlg_dataset_mnist.load(d, test, s, err); }\n'
    printf 'const nlg_dataset_format nlg_dataset_dummy = {.name = "dummy", .summary = "a copy, for a test", .layout = "as mnist", .classes = 10, .needs_folder = true, .load = load};\n'
} >datasets/dummy.c
grep -q 'DATASET(mnist)' datasets/datasets.def
echo 'DATASET(dummy)' >>datasets/datasets.def
added "data set" datasets/dummy.c datasets/datasets.def

# --- a measure: the length of a text ---
cat >harness/measures/dummy.c <<'C'
/* A measure for a test. */
#include <string.h>

#include "harness/measures/measure.h"
#include "layers/base/json.h"

static const nlg_value_key keys[] = {{"text", NLG_VALUE_TEXT, 0, 0, "\"none\"", "what is measured"}, {0}};

static nlg_status specify(nlg_lab *lab, const cJSON *values, const char *where, cJSON *spec, double *work, nlg_error *err) {
    (void)lab, (void)where, (void)err;
    *work = 1;
    nlg_json_text(spec, "text", nlg_value_text(values, "text"));
    return NLG_OK;
}

static nlg_status run(nlg_lab *lab, const cJSON *spec, nlg_record *record, cJSON *detail, nlg_error *err) {
    (void)lab, (void)detail, (void)err;
    nlg_record_metric(record, "length", "", (double)strlen(nlg_value_text(spec, "text")));
    return NLG_OK;
}

const nlg_measure nlg_measure_dummy = {.name = "dummy", .summary = "for a test", .keys = keys, .headline = "length", .specify = specify, .run = run};
C
echo 'MEASURE(dummy)' >>harness/measures/measures.def
added measure harness/measures/dummy.c harness/measures/measures.def

# --- an experiment with a claim ---
cat >harness/experiments/dummy.json <<'JSON'
{"id": "dummy", "title": "For a test", "profiles": {"smoke": {}, "quick": {}, "full": {}},
 "stages": [{"name": "lengths", "measure": "dummy", "cross": {"text": ["a", "abc"]}},
            {"name": "counts", "measure": "count", "cross": {"network": {"models": "dummy_*"}}},
            {"name": "search", "measure": "search", "with": {"space": "nasbench201", "strategy": "dummy", "evaluator": "table", "budget": 3}}],
 "claims": [{"id": "dummy-lengths", "text": "Texts have lengths.", "system": "vgg", "rule": "descriptive",
             "query": "SELECT key AS pair, value AS a, 0 AS b FROM results WHERE profile = :profile AND experiment = :experiment AND metric = 'length'"}]}
JSON
added "experiment with a claim" harness/experiments/dummy.json

# --- a figure: two files of one name ---
if [ -f plots/accuracy-macs.sql ]; then
    sed 's/^-- title:.*/-- title: For a test/' plots/accuracy-macs.sql >plots/dummy.sql
    cp plots/accuracy-macs.gp plots/dummy.gp
    added figure plots/dummy.gp plots/dummy.sql
fi

# --- and all of it works ---
make -s programs WERROR=1 COMMIT=seams >made 2>&1 || { cat made; exit 1; }
lineage=build/lineage
must() {
    local text=$1
    shift
    "$@" >out 2>&1 || { cat out; echo "seams: failed: $*"; exit 1; }
    grep -q -- "$text" out || { cat out; echo "seams: expected \"$text\" from: $*"; exit 1; }
}
must dummy $lineage search --help
must halve $lineage ops
must halve $lineage show dummy_small
must dummy_large $lineage count dummy_small dummy_large
must dummy $lineage data
must 'length 3' $lineage run dummy --profile smoke --results results/seams
must '5 of 5 records' $lineage verify --results results/seams
must 'all 5 trials were done' $lineage run dummy --profile smoke --results results/seams
must dummy-lengths $lineage report --profile smoke --results results/seams --output results/seams-report
[ ! -f plots/dummy.sql ] || must dummy $lineage plot --list
echo "seams: one of each kind was added and used"
