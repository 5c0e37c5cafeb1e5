/* Chains: convolutions that run in one step of an inference plan (layers/ops/conv_chain.h). A depthwise convolution takes over the
 * 1 x 1 convolution that it alone reads. */
#include <string.h>

#include "layers/graph/plan_internal.h"
#include "layers/ops/conv_chain.h"
#include "layers/ops/conv_call.h"

nlg_status nlg_plan_chain(nlg_plan *plan, nlg_error *err) {
    for (int i = 0; i < plan->n_steps && !plan->options.no_fusion && plan->options.mode != NLG_TRAIN; i++) {
        plan_step *s = &plan->steps[i];
        if (s->dead || s->op != &nlg_op_conv2d) continue;
        plan_value *between = &plan->values[s->in[0]];
        plan_step *first = between->single && between->producer >= 0 ? &plan->steps[between->producer] : NULL;
        if (first == NULL || first->op != &nlg_op_conv2d || first->n_params + s->n_params > NLG_OP_MAX_PARAMS) continue;
        const nlg_shape x = plan->values[first->in[0]].shape;
        if (!nlg_conv_chain_allowed(plan->exec, first->attrs, x, s->attrs, between->shape)) continue;
        nlg_conv_chain_attrs *a = nlg_arena_alloc(plan->memory, 1, sizeof *a);
        if (a == NULL) return nlg_fail_memory(err, sizeof *a, "the plan");
        memcpy(&a->part[0], first->attrs, sizeof a->part[0]);
        memcpy(&a->part[1], s->attrs, sizeof a->part[1]);
        a->params = first->n_params;
        a->between = between->shape;
        memmove(s->params + first->n_params, s->params, (size_t)s->n_params * sizeof *s->params);
        memcpy(s->params, first->params, (size_t)first->n_params * sizeof *s->params);
        s->n_params += first->n_params;
        s->op = &nlg_op_conv_chain;
        s->attrs = a;
        s->in[0] = first->in[0];
        first->dead = true;
        between->shape = (nlg_shape){0, 0, 0}; /* needs no memory */
    }
    return NLG_OK;
}
