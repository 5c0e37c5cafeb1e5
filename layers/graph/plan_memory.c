/* Buffers of a plan: aliases, lifetimes, one arena, and within it local memory for each worker.
 *
 * Time is the index of an item. Every buffer has an interval of life; buffers are placed largest first at the lowest offset that
 * collides with none alive at the same time. Chunks run through a segment one after the other, so what lies in the arena lives for
 * whole segments. What only one segment touches is local to a worker. */
#include <stdlib.h>
#include <string.h>

#include "layers/graph/plan_internal.h"

typedef struct interval {
    size_t floats;
    int begin, end;
    size_t *place;
    int order;
} interval;

static bool same_shape(nlg_shape a, nlg_shape b) {
    return a.h == b.h && a.w == b.w && a.c == b.c;
}

/* y may take over x's storage: nobody else reads x, and neither x's producer nor this op needs x later. */
static void try_in_place(nlg_plan *plan, int index) {
    plan_step *s = &plan->steps[index];
    plan_value *x = &plan->values[s->in[0]];
    const bool training = plan->options.mode == NLG_TRAIN;
    if (!(s->op->flags & NLG_OP_IN_PLACE) || x->uses != 1 || x->producer < 0 || x->parent >= 0 || x->output) return;
    if (!same_shape(x->shape, plan->values[s->out].shape)) return;
    if (training) {
        const plan_step *producer = &plan->steps[x->producer];
        if ((nlg_plan_step_reads(s) & NLG_OP_READS_X) || (nlg_plan_step_reads(producer) & NLG_OP_READS_Y)) return;
        if (nlg_plan_concatenates(producer)) return; /* slices of it may be read again in the backward pass */
        if (x->gradient != plan->values[s->out].gradient) return;
    }
    x->parent = s->out;
    x->offset = 0;
}

/* Inputs of a concatenation are written straight into their slice, if the concatenation reads them last. */
static void try_slices(nlg_plan *plan, int index, const int *last_use) {
    plan_step *s = &plan->steps[index];
    int64_t offset = 0;
    for (int i = 0; i < s->n_in; i++) {
        plan_value *x = &plan->values[s->in[i]];
        bool once = true;
        for (int j = 0; j < s->n_in; j++) once = once && (i == j || s->in[i] != s->in[j]);
        const bool free_value = once && x->producer >= 0 && x->parent < 0 && !x->output && last_use[s->in[i]] == index;
        if (free_value) {
            x->parent = s->out;
            x->offset = offset;
        }
        offset += x->shape.c;
    }
}

static int root_of(const nlg_plan *plan, int value, int64_t *offset) {
    *offset = 0;
    while (plan->values[value].parent >= 0) {
        *offset += plan->values[value].offset;
        value = plan->values[value].parent;
    }
    return value;
}

static void extend(plan_storage *storage, int time) {
    if (storage->end < storage->begin) {
        storage->begin = storage->end = time;
        return;
    }
    if (time < storage->begin) storage->begin = time;
    if (time > storage->end) storage->end = time;
}

static plan_value *root_value(nlg_plan *plan, int value) {
    int64_t offset;
    return &plan->values[root_of(plan, value, &offset)];
}

static void touch(nlg_plan *plan, int value, int time) {
    extend(&root_value(plan, value)->storage[time < plan->first_backward ? PLAN_VALUE : PLAN_VALUE_AGAIN], time);
}

static void touch_gradient(nlg_plan *plan, int value, int time) {
    if (plan->values[value].gradient) extend(&root_value(plan, value)->storage[PLAN_GRADIENT], time);
}

/* When each value is touched: in the forward pass (storage PLAN_VALUE) and in the backward pass (PLAN_VALUE_AGAIN). */
static void find_touches(nlg_plan *plan) {
    const int end = plan->n_items;
    for (int v = 0; v < plan->n_values; v++)
        for (int k = 0; k < PLAN_STORAGES; k++) plan->values[v].storage[k] = (plan_storage){.begin = 0, .end = -1};
    for (int k = 0; k < plan->n_items; k++) {
        const plan_item *item = &plan->items[k];
        const plan_step *s = &plan->steps[item->step];
        const unsigned reads = nlg_plan_step_reads(s);
        const bool forward = item->kind == PLAN_FORWARD;
        if (item->idle) continue;
        if (forward || (item->kind == PLAN_BACKWARD && (reads & NLG_OP_READS_Y))) touch(plan, s->out, k);
        if (!forward && item->kind != PLAN_REDUCE) touch_gradient(plan, s->out, k);
        for (int j = 0; j < s->n_in; j++) {
            if (forward || item->kind == PLAN_REDUCE || (reads & NLG_OP_READS_X)) touch(plan, s->in[j], k);
            if (item->kind == PLAN_BACKWARD) touch_gradient(plan, nlg_plan_gradient_value(s, j), k);
        }
    }
    for (int v = 0; v < plan->n_values; v++) {
        const plan_value *value = &plan->values[v];
        plan_storage *storage = root_value(plan, v)->storage;
        if (value->producer >= 0 && !value->output && !plan->options.no_fusion) continue;
        if (value->shape.c == 0) continue; /* taken over by a chain */
        extend(&storage[PLAN_VALUE], 0);   /* the input stays for repeated runs */
        extend(&storage[PLAN_VALUE], end);
        if (value->output && value->gradient) extend(&storage[PLAN_GRADIENT], plan->first_backward - 1);
    }
}

/* The segment that all of a storage's life lies in, if its chunks are less than the batch; else -1. */
static int only_segment(const nlg_plan *plan, const plan_storage *storage) {
    if (storage->end < storage->begin || storage->end >= plan->n_items) return -1;
    const int segment = plan->items[storage->begin].segment;
    if (plan->items[storage->end].segment != segment || plan->segments[segment].chunk >= plan->options.batch) return -1;
    return segment;
}

/* A norm's output that one segment of each pass touches is made again from the norm's input, which is kept anyway and read by
 * that segment anyway, instead of passing through memory. */
static void choose_recomputed(nlg_plan *plan, const bool *has_children) {
    for (int i = 0; i < plan->n_steps && !plan->options.no_fusion; i++) {
        const plan_step *s = &plan->steps[i];
        plan_value *v = &plan->values[s->out];
        if (s->item[PLAN_REDUCE] < 0 || v->parent >= 0 || has_children[s->out] || v->output) continue;
        if (only_segment(plan, &v->storage[PLAN_VALUE]) < 0 || only_segment(plan, &v->storage[PLAN_VALUE_AGAIN]) < 0) continue;
        bool kept = true;
        for (int j = 0; j < s->n_in; j++) kept = kept && !root_value(plan, s->in[j])->again;
        if (!kept) continue;
        v->again = true;
        plan_item *first = &plan->items[v->storage[PLAN_VALUE_AGAIN].begin];
        const int extra = plan->n_items + plan->n_extra++;
        plan->items[extra] = plan->items[s->item[PLAN_FORWARD]];
        plan->items[extra].recompute = -1;
        plan->items[extra].next_recompute = first->recompute;
        first->recompute = extra;
    }
}

/* Widen what does not fit one segment to whole segments; mark the rest as local. */
static void settle_storage(const nlg_plan *plan, plan_storage *storage) {
    if (storage->end < storage->begin) return;
    storage->local = only_segment(plan, storage) >= 0 && !plan->options.no_fusion;
    if (storage->local) return;
    const plan_segment *begin = &plan->segments[plan->items[storage->begin < plan->n_items ? storage->begin : 0].segment];
    if (storage->begin < plan->n_items && begin->chunk < plan->options.batch) storage->begin = begin->begin;
    if (storage->end >= plan->n_items) return;
    const plan_segment *end = &plan->segments[plan->items[storage->end].segment];
    if (end->chunk < plan->options.batch) storage->end = end->end - 1;
}

static plan_storage whole_segment(const nlg_plan *plan, int item) {
    const plan_segment *segment = &plan->segments[plan->items[item].segment];
    return (plan_storage){.begin = segment->begin, .end = segment->end - 1};
}

nlg_status nlg_plan_find_lifetimes(nlg_plan *plan, nlg_error *err) {
    int *last_use = nlg_arena_alloc(plan->memory, (size_t)plan->n_values, sizeof *last_use);
    bool *has_children = nlg_arena_alloc(plan->memory, (size_t)plan->n_values, sizeof *has_children);
    if (last_use == NULL || has_children == NULL)
        return nlg_fail_memory(err, (size_t)plan->n_values * sizeof *last_use, "the plan");
    for (int i = 0; i < plan->n_steps; i++)
        for (int j = 0; j < plan->steps[i].n_in; j++) last_use[plan->steps[i].in[j]] = i;
    for (int i = 0; i < plan->n_steps && !plan->options.no_fusion; i++) {
        if (nlg_plan_concatenates(&plan->steps[i]))
            try_slices(plan, i, last_use);
        else
            try_in_place(plan, i);
    }
    for (int v = 0; v < plan->n_values; v++)
        if (plan->values[v].parent >= 0) has_children[plan->values[v].parent] = true;
    find_touches(plan);
    choose_recomputed(plan, has_children);
    for (int v = 0; v < plan->n_values; v++) {
        plan_storage *storage = plan->values[v].storage, *again = &storage[PLAN_VALUE_AGAIN];
        if (!plan->values[v].again && again->end >= again->begin) {
            extend(&storage[PLAN_VALUE], again->begin);
            extend(&storage[PLAN_VALUE], again->end);
            *again = (plan_storage){.end = -1};
        }
        for (int k = 0; k < PLAN_STORAGES; k++) settle_storage(plan, &storage[k]);
    }
    return NLG_OK;
}

static int larger_first(const void *a, const void *b) {
    const interval *p = a, *q = b;
    if (p->floats != q->floats) return p->floats < q->floats ? 1 : -1;
    return p->order - q->order;
}

/* Lowest free place for each interval; `placed` is kept sorted by place. */
static size_t pack(interval *items, int count, interval **placed) {
    size_t total = 0;
    qsort(items, (size_t)count, sizeof *items, larger_first);
    for (int i = 0; i < count; i++) {
        size_t place = 0;
        for (int j = 0; j < i; j++) {
            if (placed[j]->begin > items[i].end || placed[j]->end < items[i].begin) continue;
            if (place + items[i].floats <= *placed[j]->place) break;
            const size_t behind = *placed[j]->place + placed[j]->floats;
            if (behind > place) place = behind;
        }
        *items[i].place = place;
        int at = i;
        for (; at > 0 && *placed[at - 1]->place > place; at--) placed[at] = placed[at - 1];
        placed[at] = &items[i];
        if (place + items[i].floats > total) total = place + items[i].floats;
    }
    return total;
}

static size_t round_up(size_t floats) {
    return (floats + 15) / 16 * 16;
}

static nlg_status value_floats(const nlg_plan *plan, const plan_value *v, const plan_storage *storage, size_t *floats,
                               nlg_error *err) {
    const int images = storage->local ? plan->segments[plan->items[storage->begin].segment].chunk : plan->options.batch;
    size_t pixels = 0, total = 0, image = 0;
    const bool fits = nlg_size_mul_add(&pixels, (size_t)v->shape.h, (size_t)v->shape.w) &&
                      nlg_size_mul_add(&image, pixels, (size_t)v->shape.c) && nlg_size_mul_add(&total, image, (size_t)images) &&
                      total < SIZE_MAX / 64;
    if (!fits)
        return nlg_fail(err, NLG_ERR_MEMORY, "plan: a value of %d x %d x %d for a batch of %d is larger than the address space",
                        v->shape.c, v->shape.h, v->shape.w, images);
    *floats = round_up(total);
    return NLG_OK;
}

typedef struct intervals {
    interval *items;
    int count;
} intervals;

static void add_interval(intervals *list, size_t floats, plan_storage *storage) {
    list->items[list->count] = (interval){floats, storage->begin, storage->end, &storage->place, list->count};
    list->count++;
}

/* Everything of a step that lives in the arena but its value: saved state, sums of parts, gradients of groups. */
static void add_step(nlg_plan *plan, plan_step *s, intervals *list) {
    const int last = s->item[PLAN_BACKWARD] >= 0 ? s->item[PLAN_BACKWARD] : s->item[PLAN_FORWARD];
    if (s->saved_floats > 0) {
        s->saved = whole_segment(plan, s->item[s->item[PLAN_REDUCE] >= 0 ? PLAN_REDUCE : PLAN_FORWARD]);
        s->saved.end = whole_segment(plan, last).end;
        add_interval(list, round_up(s->saved_floats), &s->saved);
    }
    for (int k = 0; k < PLAN_ITEM_KINDS; k++) {
        if (s->item[k] < 0 || s->part_floats == 0 || (k != PLAN_REDUCE && k != PLAN_REDUCE_BACKWARD)) continue;
        const plan_segment *segment = &plan->segments[plan->items[s->item[k]].segment];
        plan_storage *parts = &s->parts[k == PLAN_REDUCE_BACKWARD];
        *parts = whole_segment(plan, s->item[k]);
        add_interval(list, round_up(s->part_floats * (size_t)nlg_plan_chunks(segment, plan->options.batch)), parts);
    }
    if (s->slot_floats > 0) {
        s->slots = whole_segment(plan, s->item[PLAN_BACKWARD]);
        add_interval(list, s->slot_floats * PLAN_GROUPS, &s->slots);
    }
}

nlg_status nlg_plan_place(nlg_plan *plan, nlg_error *err) {
    const size_t limit = PLAN_STORAGES * (size_t)plan->n_values + 4 * (size_t)plan->n_steps + 2;
    intervals shared = {.items = nlg_arena_alloc(plan->memory, limit, sizeof *shared.items)};
    intervals local = {.items = nlg_arena_alloc(plan->memory, limit, sizeof *local.items)};
    interval **placed = nlg_arena_alloc(plan->memory, limit, sizeof *placed);
    if (shared.items == NULL || local.items == NULL || placed == NULL)
        return nlg_fail_memory(err, limit * sizeof *shared.items, "the plan");
    for (int v = 0; v < plan->n_values; v++) {
        plan_value *value = &plan->values[v];
        for (int k = 0; k < PLAN_STORAGES && value->parent < 0; k++) {
            plan_storage *storage = &value->storage[k];
            size_t floats = 0;
            if (storage->end < storage->begin) continue;
            NLG_TRY(value_floats(plan, value, storage, &floats, err));
            add_interval(storage->local ? &local : &shared, floats, storage);
        }
    }
    for (int i = 0; i < plan->n_steps; i++) add_step(plan, &plan->steps[i], &shared);
    const size_t workers = (size_t)nlg_team_size(plan->exec->team);
    plan->arena_floats = pack(shared.items, shared.count, placed);
    plan->local_floats = pack(local.items, local.count, placed);
    for (int i = 0; i < plan->n_steps; i++) {
        plan_step *s = &plan->steps[i];
        s->packed_place = plan->arena_floats;
        plan->arena_floats += round_up(s->packed_floats);
    }
    plan->local_place = plan->arena_floats;
    plan->arena_floats += workers * plan->local_floats;
    plan->scratch_place = plan->arena_floats;
    plan->worker_scratch_floats = round_up(plan->worker_scratch_floats);
    const size_t apart = workers * plan->worker_scratch_floats, together = round_up(plan->scratch_floats);
    plan->arena_floats += apart > together ? apart : together;
    return NLG_OK;
}

nlg_tensor nlg_plan_tensor(const nlg_plan *plan, int value, plan_storage_kind kind, bool *local) {
    const plan_value *v = &plan->values[value];
    int64_t offset;
    const plan_value *root = &plan->values[root_of(plan, value, &offset)];
    const plan_storage *storage = &root->storage[kind == PLAN_VALUE_AGAIN && !root->again ? PLAN_VALUE : kind];
    nlg_tensor t = {.n = plan->options.batch, .h = v->shape.h, .w = v->shape.w, .c = v->shape.c, .ld = root->shape.c};
    if (local != NULL) *local = storage->local;
    if (plan->arena == NULL || (kind == PLAN_GRADIENT && !v->gradient)) return t;
    t.data = plan->arena + (storage->local ? plan->local_place : 0) + storage->place + offset;
    return t;
}
