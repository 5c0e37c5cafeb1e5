/* Buffers of a plan: aliases, lifetimes, one arena.
 *
 * Time runs 0 .. S-1 over the forward steps and S .. 2S-1 over the backward ones in reverse order. Every buffer has an interval
 * of life; buffers are placed largest first at the lowest offset that collides with none alive at the same time. */
#include <stdlib.h>
#include <string.h>

#include "layers/graph/plan_internal.h"

typedef struct interval {
    size_t floats;
    int begin, end;
    size_t *place;
    int order;
} interval;

static int forward_time(int step) {
    return step;
}
static int backward_time(const nlg_plan *plan, int step) {
    return 2 * plan->n_steps - 1 - step;
}

static bool runs_backward(const nlg_plan *plan, int step) {
    return step >= 0 && plan->steps[step].backward;
}

static bool same_shape(nlg_shape a, nlg_shape b) {
    return a.h == b.h && a.w == b.w && a.c == b.c;
}

static bool is_concat(const plan_step *s) {
    return strcmp(s->op->name, "concat") == 0;
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
        if (is_concat(producer)) return; /* slices of it may be read again in the backward pass */
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

static void extend(int *begin, int *end, int time) {
    if (*end < *begin) {
        *begin = *end = time;
        return;
    }
    if (time < *begin) *begin = time;
    if (time > *end) *end = time;
}

static void find_lifetimes(nlg_plan *plan) {
    const int last = 2 * plan->n_steps;
    for (int v = 0; v < plan->n_values; v++) {
        plan_value *value = &plan->values[v];
        value->begin = 0, value->end = -1, value->gradient_begin = 0, value->gradient_end = -1;
    }
    for (int i = -1; i < plan->n_steps; i++) { /* -1: the input, which stays for repeated runs */
        int64_t offset;
        const int v = i < 0 ? plan->input : plan->steps[i].out;
        plan_value *value = &plan->values[v], *root = &plan->values[root_of(plan, v, &offset)];
        extend(&root->begin, &root->end, i < 0 ? 0 : forward_time(i));
        if (i < 0 || value->output || plan->options.no_fusion) {
            if (plan->options.no_fusion) extend(&root->begin, &root->end, 0);
            extend(&root->begin, &root->end, last);
        }
        if (value->output && value->gradient) extend(&root->gradient_begin, &root->gradient_end, plan->n_steps);
        if (i < 0) continue;
        if (runs_backward(plan, i)) {
            const unsigned reads = nlg_plan_step_reads(&plan->steps[i]);
            if (reads & NLG_OP_READS_Y) extend(&root->begin, &root->end, backward_time(plan, i));
            extend(&root->gradient_begin, &root->gradient_end, backward_time(plan, i));
        }
        for (int j = 0; j < plan->steps[i].n_in; j++) {
            const int x = plan->steps[i].in[j];
            plan_value *x_root = &plan->values[root_of(plan, x, &offset)];
            extend(&x_root->begin, &x_root->end, forward_time(i));
            if (!runs_backward(plan, i)) continue;
            if (nlg_plan_step_reads(&plan->steps[i]) & NLG_OP_READS_X) extend(&x_root->begin, &x_root->end, backward_time(plan, i));
            if (plan->values[x].gradient) extend(&x_root->gradient_begin, &x_root->gradient_end, backward_time(plan, i));
        }
    }
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

static nlg_status value_floats(const nlg_plan *plan, const plan_value *v, size_t *floats, nlg_error *err) {
    size_t pixels = 0, total = 0, image = 0;
    const bool fits = nlg_size_mul_add(&pixels, (size_t)v->shape.h, (size_t)v->shape.w) &&
                      nlg_size_mul_add(&image, pixels, (size_t)v->shape.c) &&
                      nlg_size_mul_add(&total, image, (size_t)plan->options.batch) && total < SIZE_MAX / 64;
    if (!fits)
        return nlg_fail(err, NLG_ERR_MEMORY, "plan: a value of %d x %d x %d for a batch of %d is larger than the address space",
                        v->shape.c, v->shape.h, v->shape.w, plan->options.batch);
    *floats = round_up(total);
    return NLG_OK;
}

nlg_status nlg_plan_place(nlg_plan *plan, nlg_error *err) {
    const size_t limit = 2 * (size_t)plan->n_values + (size_t)plan->n_steps + 2;
    int *last_use = nlg_arena_alloc(plan->memory, (size_t)plan->n_values, sizeof *last_use);
    interval *items = nlg_arena_alloc(plan->memory, limit, sizeof *items);
    interval **placed = nlg_arena_alloc(plan->memory, limit, sizeof *placed);
    if (last_use == NULL || items == NULL || placed == NULL) return nlg_fail_memory(err, limit * sizeof *items, "the plan");

    for (int i = 0; i < plan->n_steps; i++)
        for (int j = 0; j < plan->steps[i].n_in; j++) last_use[plan->steps[i].in[j]] = i;
    for (int i = 0; i < plan->n_steps && !plan->options.no_fusion; i++) {
        if (is_concat(&plan->steps[i]))
            try_slices(plan, i, last_use);
        else
            try_in_place(plan, i);
    }
    find_lifetimes(plan);

    int count = 0;
    for (int v = 0; v < plan->n_values; v++) {
        plan_value *value = &plan->values[v];
        size_t floats = 0;
        if (value->parent >= 0) continue;
        NLG_TRY(value_floats(plan, value, &floats, err));
        items[count] = (interval){floats, value->begin, value->end, &value->place, count};
        count++;
        if (value->gradient_end < value->gradient_begin) continue;
        items[count] = (interval){floats, value->gradient_begin, value->gradient_end, &value->gradient_place, count};
        count++;
    }
    for (int i = 0; i < plan->n_steps; i++) {
        plan_step *s = &plan->steps[i];
        if (s->saved_floats == 0) continue;
        items[count] = (interval){round_up(s->saved_floats), forward_time(i), backward_time(plan, i), &s->saved_place, count};
        count++;
    }
    plan->arena_floats = pack(items, count, placed);
    for (int i = 0; i < plan->n_steps; i++) {
        plan_step *s = &plan->steps[i];
        s->packed_place = plan->arena_floats;
        plan->arena_floats += round_up(s->packed_floats);
    }
    plan->scratch_place = plan->arena_floats;
    plan->arena_floats += round_up(plan->scratch_floats);
    return NLG_OK;
}

nlg_tensor nlg_plan_tensor(const nlg_plan *plan, int value, bool gradient) {
    const plan_value *v = &plan->values[value];
    int64_t offset;
    const plan_value *root = &plan->values[root_of(plan, value, &offset)];
    nlg_tensor t = {.n = plan->images, .h = v->shape.h, .w = v->shape.w, .c = v->shape.c, .ld = root->shape.c};
    if (plan->arena == NULL || (gradient && !v->gradient)) return t;
    t.data = plan->arena + (gradient ? root->gradient_place : root->place) + offset;
    return t;
}
