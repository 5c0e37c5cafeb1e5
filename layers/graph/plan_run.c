/* Execution of a plan: calls are bound once, a step only walks them. */
#include <math.h>
#include <time.h>

#include "layers/graph/plan_internal.h"

/* Which dx overwrite and which add: in backward order the first writer of a gradient overwrites. Outputs' gradients are written by
 * the caller before; a slice is written through its concatenation's gradient. */
static void bind_accumulation(nlg_plan *plan) {
    for (int v = 0; v < plan->n_values; v++) plan->values[v].single = plan->values[v].output; /* reused as "written" */
    int *param_written = nlg_alloc((size_t)plan->graph->n_params + 1, sizeof *param_written);
    for (int i = plan->n_steps - 1; i >= 0; i--) {
        plan_step *s = &plan->steps[i];
        if (!s->backward) continue;
        for (int j = 0; j < s->n_in; j++) {
            plan_value *x = &plan->values[s->in[j]];
            s->call.accumulate_dx[j] = x->single;
            if (x->gradient) x->single = true;
        }
        for (int j = 0; j < s->n_params && param_written != NULL; j++) {
            s->call.accumulate_dparam = s->call.accumulate_dparam || param_written[s->params[j]];
            param_written[s->params[j]] = 1;
        }
    }
    nlg_free(param_written);
}

void nlg_plan_bind(nlg_plan *plan) {
    const bool training = plan->options.mode == NLG_TRAIN;
    for (int i = 0; i < plan->n_steps; i++) {
        plan_step *s = &plan->steps[i];
        nlg_op_call *call = &s->call;
        *call = (nlg_op_call){.exec = plan->exec,
                              .attrs = s->attrs,
                              .training = training,
                              .batch_statistics = training && !plan->options.frozen_statistics,
                              .n_x = s->n_in,
                              .n_params = s->n_params};
        for (int j = 0; j < s->n_in; j++) {
            call->x[j] = nlg_plan_tensor(plan, s->in[j], false);
            call->dx[j] = nlg_plan_tensor(plan, s->in[j], true);
        }
        call->y = nlg_plan_tensor(plan, s->out, false);
        call->dy = nlg_plan_tensor(plan, s->out, true);
        for (int j = 0; j < s->n_params; j++) {
            const nlg_param *p = &plan->graph->params[s->params[j]];
            if (plan->weights.values != NULL) call->param[j] = plan->weights.values + p->offset;
            if (plan->gradients.values != NULL && p->trainable) call->dparam[j] = plan->gradients.values + p->offset;
        }
        if (plan->arena == NULL) continue;
        if (s->packed_floats > 0) call->packed = plan->arena + s->packed_place;
        if (s->saved_floats > 0) call->saved = plan->arena + s->saved_place;
        call->scratch = plan->arena + plan->scratch_place;
    }
    if (training && plan->arena != NULL) bind_accumulation(plan);
}

static void set_images(nlg_plan *plan, int images) {
    if (plan->images == images) return;
    plan->images = images;
    for (int i = 0; i < plan->n_steps; i++) {
        nlg_op_call *call = &plan->steps[i].call;
        for (int j = 0; j < call->n_x; j++) call->x[j].n = call->dx[j].n = images;
        call->y.n = call->dy.n = images;
    }
}

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void forward_step(nlg_plan *plan, int index) {
    plan_step *s = &plan->steps[index];
    s->call.rng = nlg_rng_stream(plan->rng, (uint64_t)index);
    if (s->op->pack != NULL && !plan->packed) s->op->pack(&s->call);
    s->op->forward(&s->call);
}

nlg_tensor nlg_plan_input(const nlg_plan *plan) {
    return nlg_plan_tensor(plan, plan->input, false);
}
int nlg_plan_outputs(const nlg_plan *plan) {
    return plan->n_outputs;
}
nlg_tensor nlg_plan_output(const nlg_plan *plan, int index) {
    return nlg_plan_tensor(plan, plan->outputs[index], false);
}
nlg_tensor nlg_plan_output_gradient(const nlg_plan *plan, int index) {
    return nlg_plan_tensor(plan, plan->outputs[index], true);
}
float nlg_plan_output_weight(const nlg_plan *plan, int index) {
    return plan->output_weight[index];
}
void nlg_plan_repack(nlg_plan *plan) {
    plan->packed = false;
}

void nlg_plan_forward(nlg_plan *plan, int images, nlg_rng rng) {
    set_images(plan, images);
    plan->rng = rng;
    for (int i = 0; i < plan->n_steps; i++) {
        const double start = plan->timing ? now_ms() : 0;
        forward_step(plan, i);
        if (plan->timing) plan->steps[i].forward_ms = now_ms() - start;
    }
    plan->packed = plan->options.mode == NLG_INFER; /* training changes the weights after each step */
}

void nlg_plan_backward(nlg_plan *plan) {
    for (int i = plan->n_steps - 1; i >= 0; i--) {
        plan_step *s = &plan->steps[i];
        if (!s->backward) continue;
        const double start = plan->timing ? now_ms() : 0;
        s->op->backward(&s->call);
        if (plan->timing) s->backward_ms = now_ms() - start;
    }
}

int nlg_plan_step_count(const nlg_plan *plan) {
    return plan->n_steps;
}

nlg_plan_step nlg_plan_step_at(const nlg_plan *plan, int index) {
    const plan_step *s = &plan->steps[index];
    return (nlg_plan_step){.name = s->name,
                           .op = s->op->name,
                           .node = s->node,
                           .cost = s->cost,
                           .x = s->call.x[0],
                           .y = s->call.y,
                           .forward_ms = s->forward_ms,
                           .backward_ms = s->backward_ms,
                           .algorithm = s->op->algorithm != NULL ? s->op->algorithm(&s->call) : ""};
}

void nlg_plan_time_steps(nlg_plan *plan, bool on) {
    plan->timing = on;
}

static bool finite_tensor(nlg_tensor t) {
    for (int64_t p = 0; p < nlg_tensor_pixels(&t); p++)
        for (int c = 0; c < t.c; c++)
            if (!isfinite(t.data[p * t.ld + c])) return false;
    return true;
}

const char *nlg_plan_find_nonfinite(const nlg_plan *plan) {
    /* Buffers are shared over time, so the last step is run again and looked at layer by layer; the weights may be lost anyway. */
    nlg_plan *p = (nlg_plan *)(uintptr_t)plan;
    for (int i = 0; i < p->n_steps; i++) {
        forward_step(p, i);
        if (!finite_tensor(p->steps[i].call.y)) return p->steps[i].name[0] != '\0' ? p->steps[i].name : p->steps[i].op->name;
    }
    for (int i = p->n_steps - 1; i >= 0 && p->gradients.values != NULL; i--)
        for (int j = 0; j < p->steps[i].n_params; j++) {
            const nlg_param *param = &p->graph->params[p->steps[i].params[j]];
            for (size_t k = 0; k < param->count && param->trainable; k++)
                if (!isfinite(p->gradients.values[param->offset + k])) return p->steps[i].name;
        }
    return NULL;
}
