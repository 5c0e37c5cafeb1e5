/* Classification: one class an image, softmax and cross entropy, auxiliary heads with their weights; top-1 and top-5. */
#include <math.h>

#include "layers/base/memory.h"
#include "train/task.h"

typedef struct state {
    double smoothing;
    int *labels; /* of a batch */
    uint32_t images, top1, top5;
    double loss;
} state;

static nlg_status check(const nlg_graph *graph, const nlg_dataset_info *info, nlg_error *err) {
    const nlg_shape out = graph->nodes[graph->outputs[0]].shape;
    if (out.h != 1 || out.w != 1 || out.c < info->classes)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: %d classes, but the network's output is %d x %d x %d", info->name, info->classes,
                        out.c, out.h, out.w);
    return NLG_OK;
}

static void destroy(void *where) {
    state *s = where;
    if (s != NULL) nlg_free(s->labels);
    nlg_free(s);
}

static nlg_status create(const nlg_graph *graph, const nlg_dataset_info *info, const nlg_recipe *recipe, const nlg_exec *exec,
                         int batch, void **out, nlg_error *err) {
    (void)graph, (void)info, (void)exec;
    state *s = nlg_alloc(1, sizeof *s);
    int *labels = nlg_alloc((size_t)batch, sizeof *labels);
    if (s == NULL || labels == NULL) {
        nlg_free(s);
        nlg_free(labels);
        return nlg_fail_memory(err, (size_t)batch * sizeof *labels, "labels");
    }
    *s = (state){.smoothing = recipe->label_smoothing, .labels = labels};
    *out = s;
    return NLG_OK;
}

static const int *take_labels(state *s, int images, const nlg_target *targets) {
    for (int i = 0; i < images; i++) s->labels[i] = targets[i].label;
    return s->labels;
}

static int largest(const float *values, int count) {
    int best = 0;
    for (int i = 1; i < count; i++)
        if (values[i] > values[best]) best = i;
    return best;
}

static nlg_status loss(void *where, nlg_plan *plan, int images, const nlg_target *targets, double *total, int64_t *hits,
                       nlg_error *err) {
    (void)err;
    state *s = where;
    const int *labels = take_labels(s, images, targets), classes = nlg_plan_output(plan, 0).c;
    *total = 0;
    for (int i = 0; i < nlg_plan_outputs(plan); i++) {
        const nlg_tensor y = nlg_plan_output(plan, i), dy = nlg_plan_output_gradient(plan, i);
        const double weight = (double)nlg_plan_output_weight(plan, i);
        *total += weight *
                  nlg_softmax_cross_entropy(images, classes, y.data, y.ld, labels, s->smoothing, weight / images, dy.data, dy.ld);
    }
    const nlg_tensor y = nlg_plan_output(plan, 0);
    for (int i = 0; i < images; i++) *hits += largest(y.data + i * y.ld, classes) == labels[i];
    return NLG_OK;
}

static void begin(void *where) {
    state *s = where;
    s->images = s->top1 = s->top5 = 0;
    s->loss = 0;
}

/* A label whose value is not a number is ranked last: nothing compares above it, yet it is no hit. */
static int rank_of(const float *values, int count, int label) {
    int rank = 0;
    if (isnan(values[label])) return count;
    for (int i = 0; i < count; i++) rank += values[i] > values[label] || (values[i] == values[label] && i < label);
    return rank;
}

static nlg_status add(void *where, const nlg_plan *plan, int images, const nlg_target *targets, nlg_error *err) {
    (void)err;
    state *s = where;
    const nlg_tensor y = nlg_plan_output(plan, 0);
    const int *labels = take_labels(s, images, targets);
    s->loss += nlg_softmax_cross_entropy(images, y.c, y.data, y.ld, labels, 0, 1, NULL, 0);
    for (int i = 0; i < images; i++) {
        const int rank = rank_of(y.data + i * y.ld, y.c, labels[i]);
        s->top1 += rank == 0;
        s->top5 += rank < 5;
    }
    s->images += (uint32_t)images;
    return NLG_OK;
}

static nlg_status finish(void *where, nlg_evaluation *result, nlg_error *err) {
    (void)err;
    const state *s = where;
    const double images = s->images > 0 ? s->images : 1;
    result->images = s->images;
    result->top1 = s->top1;
    result->top5 = s->top5;
    result->loss = s->loss / images;
    result->value[0] = s->top1 / images;
    result->value[1] = s->top5 / images;
    return NLG_OK;
}

static const char *const metrics[] = {"accuracy", "top5_accuracy", NULL};

const nlg_task_type nlg_task_classification = {
    .name = "classification",
    .targets = NLG_TARGET_LABEL,
    .metrics = metrics,
    .counts_hits = true,
    .recipe = nlg_recipe_default,
    .check = check,
    .create = create,
    .destroy = destroy,
    .loss = loss,
    .begin = begin,
    .add = add,
    .finish = finish,
};
