/* Execution of a plan: calls are bound once, a step only walks them. */
#include <math.h>
#include <time.h>

#include "layers/graph/plan_internal.h"
#include "layers/kernels/split.h"

/* Which dx overwrite and which add: in backward order the first writer of a gradient overwrites. Outputs' gradients are written by
 * the caller before; a slice is written through its concatenation's gradient. */
static nlg_status bind_accumulation(nlg_plan *plan, nlg_error *err) {
    int *param_written = nlg_alloc((size_t)plan->graph->n_params + 1, sizeof *param_written);
    if (param_written == NULL) return nlg_fail_memory(err, (size_t)plan->graph->n_params * sizeof *param_written, "the plan");
    for (int v = 0; v < plan->n_values; v++) plan->values[v].single = plan->values[v].output; /* reused as "written" */
    for (int i = plan->n_steps - 1; i >= 0; i--) {
        plan_step *s = &plan->steps[i];
        if (!s->backward) continue;
        for (int j = 0; j < s->n_in; j++) {
            plan_value *x = &plan->values[nlg_plan_gradient_value(s, j)];
            s->accumulate_dx[j] = x->single;
            if (x->gradient) x->single = true;
        }
        for (int j = 0; j < s->n_params; j++) {
            s->accumulate_dparam = s->accumulate_dparam || param_written[s->params[j]];
            param_written[s->params[j]] = 1;
        }
    }
    nlg_free(param_written);
    return NLG_OK;
}

static float *trainable(const nlg_plan *plan, const plan_step *s, int index) {
    const nlg_param *p = &plan->graph->params[s->params[index]];
    return plan->gradients.values != NULL && p->trainable ? plan->gradients.values + p->offset : NULL;
}

static void bind_item(nlg_plan *plan, plan_item *item, plan_storage_kind value_kind) {
    const plan_step *s = &plan->steps[item->step];
    const bool training = plan->options.mode == NLG_TRAIN, forward = item->kind == PLAN_FORWARD || item->kind == PLAN_REDUCE;
    const plan_storage_kind read_kind = forward && value_kind == PLAN_VALUE ? PLAN_VALUE : PLAN_VALUE_AGAIN;
    nlg_op_call *call = &item->call;
    *call = (nlg_op_call){.exec = plan->exec,
                          .attrs = s->attrs,
                          .training = training,
                          .batch_statistics = training && !plan->options.frozen_statistics,
                          .n_x = s->n_in,
                          .accumulate_dparam = s->accumulate_dparam,
                          .part_images = item->chunk,
                          .n_params = s->n_params};
    item->local_x = item->local_dx = 0;
    for (int j = 0; j < s->n_in; j++) {
        bool local, local_gradient;
        call->x[j] = nlg_plan_tensor(plan, s->in[j], read_kind, &local);
        call->dx[j] = nlg_plan_tensor(plan, nlg_plan_gradient_value(s, j), PLAN_GRADIENT, &local_gradient);
        call->accumulate_dx[j] = s->accumulate_dx[j];
        item->local_x |= (uint32_t)local << j;
        item->local_dx |= (uint32_t)local_gradient << j;
    }
    call->y = nlg_plan_tensor(plan, s->out, forward ? value_kind : PLAN_VALUE_AGAIN, &item->local_y);
    call->dy = nlg_plan_tensor(plan, s->out, PLAN_GRADIENT, &item->local_dy);
    const bool sums = item->kind == PLAN_BACKWARD && s->item[PLAN_REDUCE_BACKWARD] >= 0; /* its parameters' are done by settle */
    for (int j = 0; j < s->n_params; j++) {
        if (plan->weights.values != NULL) call->param[j] = plan->weights.values + plan->graph->params[s->params[j]].offset;
        if (!sums) call->dparam[j] = trainable(plan, s, j);
    }
    if (plan->arena == NULL) return;
    if (s->packed_floats > 0) call->packed = plan->arena + s->packed_place;
    if (s->saved_floats > 0) call->saved = plan->arena + s->saved.place;
    if (s->part_floats > 0) call->parts = plan->arena + s->parts[!forward].place;
    call->scratch = plan->arena + plan->scratch_place;
}

nlg_status nlg_plan_bind(nlg_plan *plan, nlg_error *err) {
    if (plan->options.mode == NLG_TRAIN && plan->arena != NULL) NLG_TRY(bind_accumulation(plan, err));
    for (int k = 0; k < plan->n_items + plan->n_extra; k++)
        bind_item(plan, &plan->items[k], k < plan->n_items ? PLAN_VALUE : PLAN_VALUE_AGAIN);
    return NLG_OK;
}

/* ---- one item for one chunk ---- */

typedef struct plan_run {
    nlg_plan *plan;
    const plan_segment *segment;
    int images, chunks, groups;
    bool back;      /* from the last group to the first: every other segment, to begin with what the caches still hold */
    bool by_chunks; /* a worker for each chunk, not all for one */
} plan_run;

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void take_images(const plan_run *run, nlg_tensor *t, bool local, int worker, int first, int images) {
    t->n = images;
    if (t->data == NULL) return;
    t->data += local ? (int64_t)worker * (int64_t)run->plan->local_floats : (int64_t)first * t->h * t->w * t->ld;
}

static bool finite_tensor(const nlg_tensor *t) {
    for (int64_t p = 0; p < nlg_tensor_pixels(t); p++)
        for (int c = 0; c < t->c; c++)
            if (!isfinite(t->data[p * t->ld + c])) return false;
    return true;
}

static int group_begin(const plan_run *run, int group) {
    return (int)((int64_t)run->chunks * group / run->groups);
}

static void run_item(const plan_run *run, const plan_item *item, int chunk, int group, int worker) {
    nlg_plan *plan = run->plan;
    plan_step *s = &plan->steps[item->step];
    const int first = chunk * run->segment->chunk;
    const int images = first + run->segment->chunk < run->images ? run->segment->chunk : run->images - first;
    nlg_op_call call = item->call;
    for (int j = 0; j < call.n_x; j++) {
        take_images(run, &call.x[j], item->local_x >> j & 1, worker, first, images);
        take_images(run, &call.dx[j], item->local_dx >> j & 1, worker, first, images);
    }
    take_images(run, &call.y, item->local_y, worker, first, images);
    take_images(run, &call.dy, item->local_dy, worker, first, images);
    if (call.saved != NULL) call.saved += (size_t)first * s->saved_image_floats;
    call.first_image = first;
    call.part = chunk;
    call.rng = nlg_rng_stream(plan->rng, (uint64_t)item->step);
    if (run->by_chunks) {
        call.exec = &plan->worker_exec;
        call.scratch += (size_t)worker * plan->worker_scratch_floats;
    }
    if (item->kind == PLAN_BACKWARD && s->slot_floats > 0) {
        float *slot = plan->arena + s->slots.place + (size_t)group * s->slot_floats;
        for (int j = 0; j < call.n_params; j++) {
            if (call.dparam[j] == NULL) continue;
            call.dparam[j] = slot;
            slot += plan->graph->params[s->params[j]].count;
        }
        call.accumulate_dparam = chunk > group_begin(run, group);
    }
    switch (item->kind) {
    case PLAN_FORWARD:
        s->op->forward(&call);
        break;
    case PLAN_REDUCE:
        s->op->reduce(&call);
        break;
    case PLAN_BACKWARD:
        s->op->backward(&call);
        break;
    case PLAN_REDUCE_BACKWARD:
        s->op->reduce_backward(&call);
        break;
    case PLAN_ITEM_KINDS:
        break;
    }
    if (plan->nonfinite > item->step && item->kind == PLAN_FORWARD && !finite_tensor(&call.y)) plan->nonfinite = item->step;
}

static void run_timed_item(const plan_run *run, const plan_item *item, int chunk, int group, int worker) {
    nlg_plan *plan = run->plan;
    if (item->idle) return;
    for (int k = item->recompute; k >= 0; k = plan->items[k].next_recompute)
        run_timed_item(run, &plan->items[k], chunk, group, worker);
    const bool timed = plan->timing && worker == 0; /* the others do the like at the same time */
    const double start = timed ? now_ms() : 0;
    run_item(run, item, chunk, group, worker);
    if (!timed) return;
    plan_step *s = &plan->steps[item->step];
    const bool forward = item < &plan->items[plan->first_backward];
    *(forward ? &s->forward_ms : &s->backward_ms) += now_ms() - start;
}

static void run_groups(void *context, int64_t begin, int64_t end, int worker) {
    const plan_run *run = context;
    for (int g = 0; g < (int)(end - begin); g++) {
        const int group = run->back ? (int)end - 1 - g : (int)begin + g;
        for (int chunk = group_begin(run, group); chunk < group_begin(run, group + 1); chunk++)
            for (int k = run->segment->begin; k < run->segment->end; k++)
                run_timed_item(run, &run->plan->items[k], chunk, group, worker);
    }
}

/* ---- what follows all chunks of a segment ---- */

enum { SLOT_BLOCK = 1024 };

typedef struct slot_sum {
    const float *slots;
    size_t slot_floats;
    int groups;
    bool accumulate;
    float *out;
} slot_sum;

static void sum_slots(void *context, int64_t begin, int64_t end, int worker) {
    const slot_sum *sum = context;
    (void)worker;
    for (int64_t first = begin; first < end; first += SLOT_BLOCK) {
        const int64_t stop = first + SLOT_BLOCK < end ? first + SLOT_BLOCK : end;
        for (int64_t i = first; i < stop && !sum->accumulate; i++) sum->out[i] = 0.0F;
        for (int group = 0; group < sum->groups; group++) {
            const float *slot = sum->slots + (size_t)group * sum->slot_floats;
            for (int64_t i = first; i < stop; i++) sum->out[i] += slot[i];
        }
    }
}

static void settle(const plan_run *run, const plan_item *item) {
    nlg_plan *plan = run->plan;
    const plan_step *s = &plan->steps[item->step];
    if (item->kind == PLAN_BACKWARD && s->slot_floats > 0) {
        const float *slots = plan->arena + s->slots.place;
        for (int j = 0; j < s->n_params; j++) {
            const int64_t count = (int64_t)plan->graph->params[s->params[j]].count;
            if (item->call.dparam[j] == NULL) continue;
            slot_sum sum = {slots, s->slot_floats, run->groups, s->accumulate_dparam, item->call.dparam[j]};
            nlg_split(plan->exec, count, count * run->groups, sum_slots, &sum);
            slots += count;
        }
    } else if (item->kind == PLAN_REDUCE || item->kind == PLAN_REDUCE_BACKWARD) {
        nlg_op_call call = item->call;
        for (int j = 0; j < call.n_x; j++) call.x[j].n = call.dx[j].n = run->images;
        call.y.n = call.dy.n = run->images;
        call.n_parts = run->chunks;
        (item->kind == PLAN_REDUCE ? s->op->settle : s->op->settle_backward)(&call);
    }
}

/* Workers take chunks of their own where there are enough; the cut and all sums are the same either way. */
static void run_segments(nlg_plan *plan, int begin, int end) {
    const int workers = nlg_team_size(plan->exec->team);
    for (int i = begin; i < end; i++) {
        const plan_segment *segment = &plan->segments[i];
        plan_run run = {.plan = plan, .segment = segment, .images = plan->images, .back = i % 2 != 0};
        run.chunks = nlg_plan_chunks(segment, plan->images);
        run.groups = run.chunks < PLAN_GROUPS ? run.chunks : PLAN_GROUPS;
        run.by_chunks = workers > 1 && run.groups >= workers && plan->exec->backend == NLG_BACKEND_OWN && plan->nonfinite < 0;
        if (run.by_chunks)
            (run.back ? nlg_team_run_from_end : nlg_team_run)(plan->exec->team, run.groups, run_groups, &run);
        else
            run_groups(&run, 0, run.groups, 0);
        for (int k = segment->begin; k < segment->end; k++) settle(&run, &plan->items[k]);
    }
}

static nlg_tensor current(const nlg_plan *plan, int value, plan_storage_kind kind) {
    nlg_tensor t = nlg_plan_tensor(plan, value, kind, NULL);
    t.n = plan->images;
    return t;
}

nlg_tensor nlg_plan_input(const nlg_plan *plan) {
    return current(plan, plan->input, PLAN_VALUE);
}
int nlg_plan_outputs(const nlg_plan *plan) {
    return plan->n_outputs;
}
nlg_tensor nlg_plan_output(const nlg_plan *plan, int index) {
    return current(plan, plan->outputs[index], PLAN_VALUE);
}
nlg_tensor nlg_plan_output_gradient(const nlg_plan *plan, int index) {
    return current(plan, plan->outputs[index], PLAN_GRADIENT);
}
float nlg_plan_output_weight(const nlg_plan *plan, int index) {
    return plan->output_weight[index];
}
void nlg_plan_repack(nlg_plan *plan) {
    plan->packed = false;
}

void nlg_plan_forward(nlg_plan *plan, int images, nlg_rng rng) {
    plan->images = images;
    plan->rng = rng;
    for (int i = 0; i < plan->n_steps; i++) {
        plan_step *s = &plan->steps[i];
        const double start = plan->timing ? now_ms() : 0;
        if (s->op->pack != NULL && !plan->packed) s->op->pack(&plan->items[s->item[PLAN_FORWARD]].call);
        if (plan->timing) s->forward_ms = now_ms() - start;
    }
    run_segments(plan, 0, plan->backward_segment);
    plan->packed = plan->options.mode == NLG_INFER; /* training changes the weights after each step */
}

void nlg_plan_backward(nlg_plan *plan) {
    for (int i = 0; i < plan->n_steps && plan->timing; i++) plan->steps[i].backward_ms = 0;
    run_segments(plan, plan->backward_segment, plan->n_segments);
}

int nlg_plan_step_count(const nlg_plan *plan) {
    return plan->n_steps;
}

nlg_plan_step nlg_plan_step_at(const nlg_plan *plan, int index) {
    const plan_step *s = &plan->steps[index];
    const nlg_op_call *call = &plan->items[s->item[PLAN_FORWARD]].call;
    nlg_tensor x = call->x[0], y = call->y;
    x.n = y.n = plan->images;
    return (nlg_plan_step){.name = s->name,
                           .op = s->op->name,
                           .node = s->node,
                           .cost = s->cost,
                           .x = x,
                           .y = y,
                           .forward_ms = s->forward_ms,
                           .backward_ms = s->backward_ms,
                           .algorithm = s->op->algorithm != NULL ? s->op->algorithm(call) : ""};
}

void nlg_plan_time_steps(nlg_plan *plan, bool on) {
    plan->timing = on;
}

const char *nlg_plan_find_nonfinite(const nlg_plan *plan) {
    /* Buffers are shared over time, so the last step is run again and looked at layer by layer; the weights may be lost anyway. */
    nlg_plan *p = (nlg_plan *)(uintptr_t)plan;
    p->nonfinite = p->n_steps;
    run_segments(p, 0, p->backward_segment);
    const int found = p->nonfinite;
    p->nonfinite = -1;
    if (found < p->n_steps) return p->steps[found].name[0] != '\0' ? p->steps[found].name : p->steps[found].op->name;
    for (int i = p->n_steps - 1; i >= 0 && p->gradients.values != NULL; i--)
        for (int j = 0; j < p->steps[i].n_params; j++) {
            const nlg_param *param = &p->graph->params[p->steps[i].params[j]];
            for (size_t k = 0; k < param->count && param->trainable; k++)
                if (!isfinite(p->gradients.values[param->offset + k])) return p->steps[i].name;
        }
    return NULL;
}
