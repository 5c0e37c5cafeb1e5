/* Chains: convolutions that run in one step of an inference plan (layers/ops/conv_chain.h). A depthwise convolution takes over the
 * 1 x 1 convolution that it alone reads, a 1 x 1 convolution the product with a factor per channel. */
#include <string.h>

#include "layers/graph/plan_internal.h"
#include "layers/ops/conv_chain.h"
#include "layers/ops/conv_call.h"

/* The step that makes the value if the graph reads it once. */
static plan_step *only_for(nlg_plan *plan, int value) {
    const plan_value *v = &plan->values[value];
    return v->single && v->producer >= 0 ? &plan->steps[v->producer] : NULL;
}

static void drop(nlg_plan *plan, plan_step *s) {
    s->dead = true;
    plan->values[s->out].shape = (nlg_shape){0, 0, 0}; /* needs no memory */
}

/* A large x is scaled by the convolution that alone reads it, block by block. */
static void take_scale(nlg_plan *plan, plan_step *s) {
    plan_step *first = only_for(plan, s->in[0]);
    nlg_conv2d_attrs *a = s->attrs;
    nlg_conv_shape shape;
    if (first == NULL || first->op != &nlg_op_channel_scale || s->n_in >= nlg_op_conv2d.max_inputs) return;
    if (!nlg_conv2d_shape(a, plan->values[s->in[0]].shape, &shape) || !nlg_conv_scale_fits(&shape, plan->exec)) return;
    a->scale = true;
    memmove(s->in + 2, s->in + 1, (size_t)(s->n_in - 1) * sizeof *s->in);
    s->in[0] = first->in[0], s->in[1] = first->in[1];
    s->n_in++;
    drop(plan, first);
}

nlg_status nlg_plan_chain(nlg_plan *plan, nlg_error *err) {
    for (int i = 0; i < plan->n_steps && !plan->options.no_fusion && plan->options.mode != NLG_TRAIN; i++) {
        plan_step *s = &plan->steps[i];
        if (s->dead || s->op != &nlg_op_conv2d) continue;
        take_scale(plan, s);
        plan_value *between = &plan->values[s->in[0]];
        plan_step *first = only_for(plan, s->in[0]);
        if (first == NULL || first->op != &nlg_op_conv2d || first->n_params + s->n_params > NLG_OP_MAX_PARAMS) continue;
        const nlg_shape x = plan->values[first->in[0]].shape;
        if (!nlg_conv_chain_allowed(plan->exec, first->attrs, x, s->attrs, between->shape)) continue;
        nlg_conv_chain_attrs *a = nlg_arena_alloc(plan->memory, 1, sizeof *a);
        if (a == NULL) return nlg_fail_memory(err, sizeof *a, "the plan");
        memcpy(&a->conv[0], first->attrs, sizeof a->conv[0]);
        memcpy(&a->conv[1], s->attrs, sizeof a->conv[1]);
        a->params = first->n_params;
        a->between = between->shape;
        memmove(s->params + first->n_params, s->params, (size_t)s->n_params * sizeof *s->params);
        memcpy(s->params, first->params, (size_t)first->n_params * sizeof *s->params);
        s->n_params += first->n_params;
        s->op = &nlg_op_conv_chain;
        s->attrs = a;
        s->in[0] = first->in[0];
        drop(plan, first);
    }
    return NLG_OK;
}
