/* Training of a ReLU whose output a convolution alone reads: dx = x > 0 ? gradient : 0 where the convolution writes its gradient,
 * to the gradient of the ReLU's input. Branches that each activate the same value (those of a cell) then read one output.
 *
 * The steps stay in their places, and so do their items, idle: how the batch is cut follows from the list of items, and no bit
 * changes. Every sum of gradients keeps its order, as nothing reads the ReLU's input between it and its reader. */
#include "layers/graph/plan_internal.h"

/* The only step that reads the value, -1 if there are several or none. */
static int only_reader(const nlg_plan *plan, int value) {
    int found = -1;
    for (int i = 0; i < plan->n_steps; i++)
        for (int j = 0; j < plan->steps[i].n_in; j++) {
            if (plan->steps[i].in[j] != value) continue;
            if (found >= 0) return -1;
            found = i;
        }
    return found;
}

static bool read_between(const nlg_plan *plan, int value, int begin, int end) {
    for (int i = begin + 1; i < end; i++)
        for (int j = 0; j < plan->steps[i].n_in; j++)
            if (plan->steps[i].in[j] == value) return true;
    return false;
}

static bool is_relu(const plan_step *s) {
    return s->op->activates && s->op->activates(s->attrs) == NLG_ACT_RELU;
}

/* A value that a ReLU may overwrite in place needs no second buffer, which gating would take. */
static bool overwritten(const nlg_plan *plan, const plan_value *x) {
    return x->uses == 1 && x->producer >= 0 && !nlg_plan_concatenates(&plan->steps[x->producer]);
}

/* Where the reader says that it gates, NULL if it cannot. */
static bool *gate_of(const nlg_plan *plan, int relu, int reader) {
    const plan_step *r = &plan->steps[relu], *s = &plan->steps[reader];
    const plan_value *x = &plan->values[r->in[0]];
    if (!s->op->gate || !s->backward || s->n_in != 1 || !x->gradient || overwritten(plan, x)) return NULL;
    bool *gate = s->op->gate(s->attrs, x->shape, plan->exec);
    return gate && !read_between(plan, r->in[0], relu, reader) ? gate : NULL;
}

void nlg_plan_gate(nlg_plan *plan) {
    if (plan->options.mode != NLG_TRAIN || plan->options.no_fusion) return;
    for (int i = 0; i < plan->n_steps; i++) {
        const plan_step *r = &plan->steps[i];
        plan_value *y = &plan->values[r->out];
        if (!is_relu(r) || !r->backward || y->output) continue;
        const int reader = only_reader(plan, r->out);
        bool *gate = reader < 0 ? NULL : gate_of(plan, i, reader);
        if (!gate) continue;
        plan_step *s = &plan->steps[reader];
        *gate = true;
        s->gated = r->in[0];
        y->gradient = false;
        plan->items[r->item[PLAN_BACKWARD]].idle = true;
        for (int j = 0; j < i; j++) { /* an earlier one of the same value */
            const plan_step *first = &plan->steps[j];
            if (!is_relu(first) || first->in[0] != r->in[0] || !first->backward || !plan->items[first->item[PLAN_BACKWARD]].idle)
                continue;
            s->in[0] = first->out;
            plan->values[first->out].uses++;
            y->uses--;
            plan->items[r->item[PLAN_FORWARD]].idle = true;
            break;
        }
    }
}
