/* The order of a step's work, and how the batch is cut.
 *
 * A convolution writes more than a cache holds, so what follows should read it while it is there: the plan's work is a list of
 * items, and a run of items (a segment) is done for a few images (a chunk) before the next few. Workers take chunks of their own
 * and need not wait for each other within a segment. How many images a chunk has follows from shapes alone, so that all sums over
 * the batch are cut alike whatever the threads. Batch norm sums a chunk as soon as it is written and ends the segment where its
 * result is first needed. */
#include <math.h>

#include "layers/graph/plan_internal.h"

enum { CHUNK_FLOATS = 1 << 17, CHUNK_PIXELS = 32, CACHED_WEIGHTS = 1 << 16, GROWTH = 4 };

static int64_t shape_floats(nlg_shape s) {
    return (int64_t)s.h * s.w * s.c;
}

/* Images of a chunk in training: few enough that input and output stay in a core's cache, yet enough pixels to keep vectors full,
 * and to read large weights seldom. */
static int chunk_of(const nlg_plan *plan, const plan_step *s) {
    const nlg_shape x = plan->values[s->in[0]].shape, y = plan->values[s->out].shape;
    const int64_t image = shape_floats(x) + shape_floats(y), pixels = (int64_t)y.h * y.w;
    const int64_t batch = plan->options.batch;
    int64_t weights = 0, chunk = 1;
    for (int i = 0; i < s->n_params; i++) weights += (int64_t)plan->graph->params[s->params[i]].count;
    weights *= GROWTH; /* packed they may be larger; in training a chunk's gradient is added to the last one's */
    while (GROWTH * chunk * image <= CHUNK_FLOATS && chunk < batch) chunk *= GROWTH;
    while (chunk * pixels < CHUNK_PIXELS && chunk < batch) chunk *= GROWTH;
    while (weights > CACHED_WEIGHTS && chunk * image < weights && chunk < batch) chunk *= GROWTH;
    return (int)(chunk < batch ? chunk : batch);
}

static bool mixes_images(const nlg_plan *plan, const plan_step *s) {
    return nlg_op_mixes_images(s->op, plan->options.mode == NLG_TRAIN && !plan->options.frozen_statistics);
}

static void add_item(nlg_plan *plan, plan_item_kind kind, int step) {
    plan_item *item = &plan->items[plan->n_items];
    *item = (plan_item){.kind = kind, .step = step, .recompute = -1};
    plan->steps[step].item[kind] = plan->n_items++;
}

static bool is_gather(const plan_item *item) {
    return item->kind == PLAN_REDUCE || item->kind == PLAN_REDUCE_BACKWARD;
}

/* Sums follow the step that makes their input at once. */
static void list_forward(nlg_plan *plan) {
    for (int i = 0; i < plan->n_steps; i++) {
        plan_step *s = &plan->steps[i];
        if (mixes_images(plan, s) && s->item[PLAN_REDUCE] < 0) add_item(plan, PLAN_REDUCE, i); /* of the network's input */
        add_item(plan, PLAN_FORWARD, i);
        for (int j = i + 1; j < plan->n_steps; j++)
            if (mixes_images(plan, &plan->steps[j]) && plan->values[plan->steps[j].in[0]].producer == i)
                add_item(plan, PLAN_REDUCE, j);
    }
}

/* A value's gradient is complete when its first reader has run backward. */
static void list_backward(nlg_plan *plan, const int *first_reader) {
    for (int i = plan->n_steps - 1; i >= 0; i--) {
        plan_step *s = &plan->steps[i];
        if (!s->backward) continue;
        if (mixes_images(plan, s) && s->item[PLAN_REDUCE_BACKWARD] < 0) add_item(plan, PLAN_REDUCE_BACKWARD, i);
        add_item(plan, PLAN_BACKWARD, i);
        for (int j = 0; j < s->n_in; j++) {
            const int from = plan->values[s->in[j]].producer;
            if (from < 0 || first_reader[s->in[j]] != i || !plan->steps[from].backward) continue;
            if (mixes_images(plan, &plan->steps[from]) && plan->steps[from].item[PLAN_REDUCE_BACKWARD] < 0)
                add_item(plan, PLAN_REDUCE_BACKWARD, from);
        }
    }
}

/* The item must wait for sums that an item from `begin` on makes. */
static bool must_wait(const nlg_plan *plan, int index, int begin) {
    const plan_item *item = &plan->items[index];
    if (is_gather(item)) return false;
    const plan_step *s = &plan->steps[item->step];
    return mixes_images(plan, s) && s->item[item->kind == PLAN_FORWARD ? PLAN_REDUCE : PLAN_REDUCE_BACKWARD] >= begin;
}

/* Chunks of training's items from begin to end, which need not wait for each other: convolutions decide; others go along with the
 * next one unless its chunk is far too large for them, sums with what they follow. */
static void choose_chunks(nlg_plan *plan, int begin, int end) {
    int next = 0;
    for (int k = end - 1; k >= begin; k--) {
        plan_item *item = &plan->items[k];
        const plan_step *s = &plan->steps[item->step];
        if (is_gather(item)) continue;
        const int own = chunk_of(plan, s);
        item->chunk = s->cost.macs > 0 || next == 0 || next > GROWTH * own ? own : next;
        next = item->chunk;
    }
    for (int k = begin, last = 0; k < end; k++) {
        plan_item *item = &plan->items[k];
        if (is_gather(item)) item->chunk = last > 0 ? last : chunk_of(plan, &plan->steps[item->step]);
        last = item->chunk;
    }
}

/* ---- chunks of inference ---- */

/* Nothing waits in inference and no sum depends on the cut, so chunks are chosen for the least traffic, in floats from memory: a
 * layer reads its weights once for each chunk and leaves the second cache where a chunk is large; where the chunk changes, all that
 * passes the cut goes through memory for the whole batch. */
enum { CHOICES = 5, CACHED_FLOATS = 1 << 22 };

static int64_t choice_of(const nlg_plan *plan, int choice) {
    int64_t chunk = 1;
    while (choice-- > 0 && chunk < plan->options.batch) chunk *= GROWTH;
    return chunk < plan->options.batch ? chunk : plan->options.batch;
}

/* The factors are rough guesses of how much nearer caches are; whole networks at batch 16 were timed with them. */
static double layer_traffic(const nlg_plan *plan, const plan_step *s, int64_t chunk) {
    const double batch = plan->options.batch;
    int64_t image = shape_floats(plan->values[s->out].shape), weights = 0;
    for (int j = 0; j < s->n_in; j++) image += shape_floats(plan->values[s->in[j]].shape);
    for (int j = 0; j < s->n_params; j++) weights += (int64_t)plan->graph->params[s->params[j]].count;
    const double nearness = weights < CACHED_WEIGHTS ? 0.05 : weights < CACHED_FLOATS / 2 ? 0.5 : 1;
    const double spilled = chunk * image < CHUNK_FLOATS ? 0 : chunk * image < CACHED_FLOATS / 2 ? 0.25 : 1;
    return (double)weights * nearness * ceil(batch / (double)chunk) + batch * (double)image * spilled;
}

/* passing[k]: floats of an image that items up to k make and later ones read; last: room for an int per value. */
static void find_passing(const nlg_plan *plan, int *last, double *passing) {
    for (int k = 0; k < plan->n_items; k++) passing[k] = 0;
    for (int v = 0; v < plan->n_values; v++) last[v] = -1;
    for (int i = 0; i < plan->n_steps; i++)
        for (int j = 0; j < plan->steps[i].n_in; j++) last[plan->steps[i].in[j]] = plan->steps[i].item[PLAN_FORWARD];
    for (int v = 0; v < plan->n_values; v++) {
        const int producer = plan->values[v].producer;
        for (int k = producer < 0 ? 0 : plan->steps[producer].item[PLAN_FORWARD]; k < last[v]; k++)
            passing[k] += (double)shape_floats(plan->values[v].shape);
    }
}

/* Traffic of changing the chunk where `passing` floats of an image pass. */
static double cut_traffic(const nlg_plan *plan, double passing) {
    const double floats = plan->options.batch * passing;
    return floats * (floats > CACHED_FLOATS ? 2 : 0.5);
}

/* The choice of least cost, where all but `kept` (-1: none) cost `cut` more. */
static int least_choice(const double *cost, int kept, double cut) {
    int best = kept < 0 ? 0 : kept;
    for (int c = 0; c < CHOICES; c++)
        if (cost[c] + (c == kept ? 0 : cut) < cost[best] + (best == kept ? 0 : cut)) best = c;
    return best;
}

static nlg_status choose_inference_chunks(nlg_plan *plan, nlg_error *err) {
    const int n = plan->n_items;
    int *last = nlg_arena_alloc(plan->memory, (size_t)plan->n_values, sizeof *last);
    double *passing = nlg_arena_alloc(plan->memory, (size_t)n + 1, sizeof *passing);
    double(*cost)[CHOICES] = nlg_arena_alloc(plan->memory, (size_t)n + 1, sizeof *cost); /* of the items from k on */
    if (last == NULL || passing == NULL || cost == NULL) return nlg_fail_memory(err, (size_t)n * sizeof *cost, "the plan");
    find_passing(plan, last, passing);
    for (int k = n - 1; k >= 0; k--)
        for (int c = 0; c < CHOICES; c++) {
            cost[k][c] = layer_traffic(plan, &plan->steps[plan->items[k].step], choice_of(plan, c));
            if (k + 1 == n) continue;
            const double cut = cut_traffic(plan, passing[k]);
            const int next = least_choice(cost[k + 1], c, cut);
            cost[k][c] += cost[k + 1][next] + (next == c ? 0 : cut);
        }
    for (int k = 0, choice = -1; k < n; k++) {
        choice = least_choice(cost[k], choice, k > 0 ? cut_traffic(plan, passing[k - 1]) : 0);
        plan->items[k].chunk = (int)choice_of(plan, choice);
    }
    return NLG_OK;
}

static void add_segments(nlg_plan *plan, int begin, int end) {
    for (int k = begin; k < end; k++) {
        if (k == begin || plan->items[k].chunk != plan->items[k - 1].chunk)
            plan->segments[plan->n_segments++] = (plan_segment){.begin = k, .chunk = plan->items[k].chunk};
        plan->segments[plan->n_segments - 1].end = k + 1;
        plan->items[k].segment = plan->n_segments - 1;
    }
}

nlg_status nlg_plan_schedule(nlg_plan *plan, nlg_error *err) {
    const size_t most = 4 * (size_t)plan->n_steps + 1; /* of items, and as many again for those that run twice */
    int *first_reader = nlg_arena_alloc(plan->memory, (size_t)plan->n_values + 1, sizeof *first_reader);
    plan->items = nlg_arena_alloc(plan->memory, 2 * most, sizeof *plan->items);
    plan->segments = nlg_arena_alloc(plan->memory, most, sizeof *plan->segments);
    if (first_reader == NULL || plan->items == NULL || plan->segments == NULL)
        return nlg_fail_memory(err, 2 * most * sizeof *plan->items, "the plan");
    for (int i = plan->n_steps - 1; i >= 0; i--) {
        for (int k = 0; k < PLAN_ITEM_KINDS; k++) plan->steps[i].item[k] = -1;
        for (int j = 0; j < plan->steps[i].n_in; j++)
            if (plan->steps[i].backward) first_reader[plan->steps[i].in[j]] = i;
    }
    list_forward(plan);
    plan->first_backward = plan->n_items;
    list_backward(plan, first_reader);
    if (plan->options.mode != NLG_TRAIN) NLG_TRY(choose_inference_chunks(plan, err));
    int begin = 0;
    for (int k = 1; k <= plan->n_items; k++) {
        if (k < plan->n_items && k != plan->first_backward && !must_wait(plan, k, begin)) continue;
        if (plan->options.mode == NLG_TRAIN) choose_chunks(plan, begin, k);
        add_segments(plan, begin, k);
        if (k == plan->first_backward) plan->backward_segment = plan->n_segments;
        begin = k;
    }
    if (plan->first_backward == plan->n_items) plan->backward_segment = plan->n_segments;
    return NLG_OK;
}
