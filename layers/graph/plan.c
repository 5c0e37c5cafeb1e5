/* Planning: which nodes run, fused how. See plan_chain.c for chains of convolutions, plan_schedule.c for the
 * order and the cut of the batch, plan_memory.c for buffers and plan_run.c for execution.
 *
 * Fusion keeps results within rounding of the unfused network: inference folds batch norm into the convolution before it, and adds
 * and activates in its epilogue, runs a depthwise convolution in one step with the 1 x 1 convolution before it, scales a
 * large value in the 1 x 1 convolution after it, and activates a value once for all who read it so; training adds and activates
 * while normalising, and passes gradients through a ReLU in the convolutions that read it (plan_gate.c). A fused step runs where
 * its last node stood. */
#include "layers/graph/plan.h"

#include <string.h>

#include "layers/graph/plan_internal.h"

/* The step that makes a value, if a later node may be merged into it: read once, nothing after its arithmetic yet. */
static plan_step *open_step(nlg_plan *plan, int value) {
    const plan_value *v = &plan->values[value];
    if (!v->single || v->producer < 0) return NULL;
    plan_step *s = &plan->steps[v->producer];
    return s->op->act && *s->op->act(s->attrs) == NLG_ACT_NONE ? s : NULL;
}

static bool training(const nlg_plan *plan) {
    return plan->options.mode == NLG_TRAIN;
}

static bool fuses_training(const plan_step *s) {
    return (s->op->flags & NLG_OP_FUSES_TRAINING) != 0;
}

/* Move a step to the end of the list, where `node` stands, so that all inputs it gains are there. */
static plan_step *move_to_end(nlg_plan *plan, plan_step *old, const nlg_node *node) {
    plan_step *s = &plan->steps[plan->n_steps];
    *s = *old;
    old->dead = true;
    s->node = node;
    plan_value *out = &plan->values[s->out];
    out->producer = plan->n_steps++;
    out->shape = node->shape;
    return s;
}

/* Merge `node` into the step before it, if a rule allows; the value of the merged step or -1. */
static int fuse(nlg_plan *plan, const nlg_node *node, const int *map, const int *uses, int index) {
    const nlg_op *op = node->op;
    plan_step *s = open_step(plan, map[node->inputs[0]]);
    if (op->sums_two && op->sums_two(node->attrs, node->n_inputs)) {
        const int a = map[node->inputs[0]], b = map[node->inputs[1]];
        int other = -1;
        s = NULL;
        for (int i = 0; i < 2 && a != b; i++) { /* the later of two candidates, so that the shortcut is ready first */
            plan_step *candidate = open_step(plan, i == 0 ? a : b);
            if (!candidate || !candidate->op->add || *candidate->op->add(candidate->attrs)) continue;
            if (training(plan) != fuses_training(candidate)) continue;
            if (s == NULL || candidate > s) s = candidate, other = i == 0 ? b : a;
        }
        if (s == NULL) return -1;
        s = move_to_end(plan, s, node);
        *s->op->add(s->attrs) = true;
        s->in[s->n_in++] = other;
    } else if (op->activates) {
        if (s == NULL || (training(plan) && !fuses_training(s))) return -1;
        s = move_to_end(plan, s, node);
        *s->op->act(s->attrs) = op->activates(node->attrs);
    } else {
        if (s == NULL || training(plan) || !s->op->fold || s->n_params + node->n_params > NLG_OP_MAX_PARAMS) return -1;
        if (!s->op->fold(s->attrs, op, node->attrs)) return -1;
        s = move_to_end(plan, s, node);
        for (int i = 0; i < node->n_params; i++) s->params[s->n_params++] = node->params[i];
    }
    s->cost = (nlg_op_cost){s->cost.macs, s->cost.other_ops};
    plan->values[s->out].single = uses[index] == 1;
    return s->out;
}

static bool identity(const nlg_plan *plan, const nlg_node *node) {
    const bool random_off = !training(plan) || plan->options.frozen_statistics || plan->options.without_random;
    return random_off && (node->op->flags & NLG_OP_RANDOM);
}

/* The value of an earlier step that activates the same value alike (the branches of a cell all do), or -1. */
static int same_activation(nlg_plan *plan, const nlg_node *node, const int *map) {
    if (!node->op->activates || training(plan) || plan->options.no_fusion) return -1;
    for (int i = 0; i < plan->n_steps; i++) {
        const plan_step *s = &plan->steps[i];
        if (s->dead || s->op != node->op || s->in[0] != map[node->inputs[0]]) continue;
        if (node->op->activates(s->attrs) != node->op->activates(node->attrs)) continue;
        plan->values[s->out].single = false;
        return s->out;
    }
    return -1;
}

static nlg_status add_step(nlg_plan *plan, const nlg_node *node, const int *map, bool single, nlg_error *err) {
    plan_step *s = &plan->steps[plan->n_steps];
    *s = (plan_step){.op = node->op,
                     .node = node,
                     .name = node->name,
                     .n_in = node->n_inputs,
                     .out = plan->n_values,
                     .n_params = node->n_params,
                     .gated = -1};
    for (int i = 0; i < node->n_inputs; i++) s->in[i] = map[node->inputs[i]];
    for (int i = 0; i < node->n_params; i++) s->params[i] = node->params[i];
    if (node->op->attrs_size > 0) {
        s->attrs = nlg_arena_alloc(plan->memory, 1, node->op->attrs_size);
        if (s->attrs == NULL) return nlg_fail_memory(err, node->op->attrs_size, "the plan");
        memcpy(s->attrs, node->attrs, node->op->attrs_size);
    }
    plan->values[plan->n_values++] =
        (plan_value){.shape = node->shape, .producer = plan->n_steps++, .single = single, .parent = -1};
    return NLG_OK;
}

/* Nodes that the wanted outputs need, and how often each is read. */
static void find_live(const nlg_plan *plan, const int *outputs, int n_outputs, bool *live, int *uses) {
    const nlg_graph *g = plan->graph;
    for (int i = 0; i < n_outputs; i++) live[outputs[i]] = true, uses[outputs[i]]++;
    for (int i = g->n_nodes - 1; i >= 0; i--) {
        if (!live[i]) continue;
        for (int j = 0; j < g->nodes[i].n_inputs; j++) live[g->nodes[i].inputs[j]] = true, uses[g->nodes[i].inputs[j]]++;
    }
}

static nlg_status build_steps(nlg_plan *plan, nlg_error *err) {
    const nlg_graph *g = plan->graph;
    const size_t nodes = (size_t)g->n_nodes;
    bool *live = nlg_arena_alloc(plan->memory, nodes, sizeof *live);
    int *uses = nlg_arena_alloc(plan->memory, nodes, sizeof *uses);
    int *map = nlg_arena_alloc(plan->memory, nodes, sizeof *map);
    plan->steps = nlg_arena_alloc(plan->memory, 4 * nodes, sizeof *plan->steps); /* a step moves at most three times */
    plan->values = nlg_arena_alloc(plan->memory, nodes, sizeof *plan->values);
    if (live == NULL || uses == NULL || map == NULL || plan->steps == NULL || plan->values == NULL)
        return nlg_fail_memory(err, nodes * sizeof *plan->steps * 4, "the plan");

    int outputs[NLG_GRAPH_MAX_OUTPUTS];
    for (int i = 0; i < g->n_outputs; i++) {
        const bool all = training(plan) && !plan->options.without_aux;
        if (!all && g->output_exit[i] != plan->options.exit) continue;
        plan->output_weight[plan->n_outputs] = g->output_weight[i];
        outputs[plan->n_outputs++] = g->outputs[i];
    }
    find_live(plan, outputs, plan->n_outputs, live, uses);

    plan->input = -1;
    for (int i = 0; i < g->n_nodes; i++) {
        const nlg_node *node = &g->nodes[i];
        const bool single = uses[i] == 1;
        if (!live[i]) continue;
        if (node->op == NULL) {
            if (plan->input >= 0) return nlg_fail(err, NLG_ERR_CHECK, "plan: the network has more than one input");
            plan->input = map[i] = plan->n_values;
            plan->values[plan->n_values++] = (plan_value){.shape = node->shape, .producer = -1, .parent = -1};
            continue;
        }
        if (identity(plan, node)) {
            map[i] = map[node->inputs[0]];
            plan->values[map[i]].single = plan->values[map[i]].single && single;
            continue;
        }
        int known = plan->options.no_fusion ? -1 : fuse(plan, node, map, uses, i);
        if (known < 0) known = same_activation(plan, node, map);
        if (known >= 0) {
            map[i] = known;
            continue;
        }
        map[i] = plan->n_values;
        NLG_TRY(add_step(plan, node, map, single, err));
    }
    if (plan->input < 0) return nlg_fail(err, NLG_ERR_CHECK, "plan: no output depends on the input");
    for (int i = 0; i < plan->n_outputs; i++) {
        plan->outputs[i] = map[outputs[i]];
        plan->values[plan->outputs[i]].output = true;
    }
    return NLG_OK;
}

/* Drop the steps that were merged into later ones. */
static void compact(nlg_plan *plan) {
    int kept = 0;
    for (int i = 0; i < plan->n_steps; i++) {
        if (plan->steps[i].dead) continue;
        plan->steps[kept] = plan->steps[i];
        plan->values[plan->steps[kept].out].producer = kept;
        kept++;
    }
    plan->n_steps = kept;
    for (int i = 0; i < plan->n_steps; i++)
        for (int j = 0; j < plan->steps[i].n_in; j++) plan->values[plan->steps[i].in[j]].uses++;
    for (int i = 0; i < plan->n_outputs; i++) plan->values[plan->outputs[i]].uses++;
}

static nlg_status find_costs(nlg_plan *plan, nlg_error *err) {
    for (int i = 0; i < plan->n_steps; i++) {
        plan_step *s = &plan->steps[i];
        nlg_shape x[NLG_OP_MAX_INPUTS];
        for (int j = 0; j < s->n_in; j++) x[j] = plan->values[s->in[j]].shape;
        if (s->op->cost != NULL) s->op->cost(s->attrs, x, s->n_in, plan->values[s->out].shape, &s->cost);
        if (s->n_params > 0) { /* name a fused step by its layer with parameters */
            const char *name = plan->graph->params[s->params[0]].name;
            const char *dot = strrchr(name, '.');
            char *copy = nlg_arena_printf(plan->memory, "%.*s", dot != NULL ? (int)(dot - name) : (int)strlen(name), name);
            if (copy == NULL) return nlg_fail_memory(err, strlen(name), "the plan");
            s->name = copy;
        }
    }
    return NLG_OK;
}

/* Which values get a gradient, and which steps run backward: those on a path from a trainable parameter to an output. */
static nlg_status find_gradients(nlg_plan *plan, nlg_error *err) {
    if (!training(plan)) return NLG_OK;
    for (int i = 0; i < plan->n_steps; i++) {
        plan_step *s = &plan->steps[i];
        plan_value *out = &plan->values[s->out];
        for (int j = 0; j < s->n_params; j++) out->gradient = out->gradient || plan->graph->params[s->params[j]].trainable;
        for (int j = 0; j < s->n_in; j++) out->gradient = out->gradient || plan->values[s->in[j]].gradient;
        if (s->op->backward == NULL) out->gradient = false;
    }
    bool *reached = nlg_arena_alloc(plan->memory, (size_t)plan->n_values + 1, sizeof *reached);
    if (reached == NULL) return nlg_fail_memory(err, (size_t)plan->n_values * sizeof *reached, "the plan");
    for (int i = 0; i < plan->n_outputs; i++) reached[plan->outputs[i]] = true;
    for (int i = plan->n_steps - 1; i >= 0; i--) {
        plan_step *s = &plan->steps[i];
        s->backward = reached[s->out] && plan->values[s->out].gradient;
        for (int j = 0; j < s->n_in && s->backward; j++) reached[s->in[j]] = true;
    }
    for (int i = 0; i < plan->n_values; i++) plan->values[i].gradient = plan->values[i].gradient && reached[i];
    return NLG_OK;
}

static size_t saved_for(const plan_step *s, const nlg_op_call *call, int images) {
    nlg_op_call asked = *call;
    for (int j = 0; j < asked.n_x; j++) asked.x[j].n = images;
    asked.y.n = images;
    return s->op->saved_size(&asked);
}

/* Gradients of parameters that each group of chunks sums for itself. */
static size_t slot_floats(const nlg_plan *plan, const plan_step *s) {
    const int item = s->item[PLAN_BACKWARD];
    if (item < 0 || s->item[PLAN_REDUCE_BACKWARD] >= 0 || plan->items[item].chunk >= plan->options.batch) return 0;
    size_t floats = 0;
    for (int j = 0; j < s->n_params; j++) {
        const nlg_param *p = &plan->graph->params[s->params[j]];
        if (p->trainable) floats += p->count;
    }
    return (floats + 15) / 16 * 16;
}

static void raise_scratch(const plan_step *s, nlg_op_call call, const nlg_exec *exec, int images, size_t *most) {
    if (s->op->scratch_size == NULL) return;
    call.exec = exec;
    for (int j = 0; j < call.n_x; j++) call.x[j].n = call.dx[j].n = images;
    call.y.n = call.dy.n = images;
    const size_t floats = s->op->scratch_size(&call);
    if (floats > *most) *most = floats;
}

/* Sizes of packed weights, saved state and scratch, asked with calls that have shapes but no data. */
static nlg_status find_sizes(nlg_plan *plan, nlg_error *err) {
    NLG_TRY(nlg_plan_bind(plan, err));
    for (int i = 0; i < plan->n_steps; i++) {
        plan_step *s = &plan->steps[i];
        const nlg_op_call *call = &plan->items[s->item[PLAN_FORWARD]].call;
        if (s->op->packed_size != NULL) s->packed_floats = s->op->packed_size(call);
        if (s->op->saved_size != NULL && training(plan)) {
            s->saved_floats = saved_for(s, call, plan->options.batch);
            s->saved_image_floats = saved_for(s, call, 2) - saved_for(s, call, 1);
        }
        if (nlg_op_mixes_images(s->op, call->batch_statistics)) s->part_floats = s->op->part_size(call);
        s->slot_floats = slot_floats(plan, s);
    }
    for (int k = 0; k < plan->n_items; k++) {
        const plan_item *item = &plan->items[k];
        const plan_step *s = &plan->steps[item->step];
        raise_scratch(s, item->call, plan->exec, item->chunk, &plan->scratch_floats);
        raise_scratch(s, item->call, &plan->worker_exec, item->chunk, &plan->worker_scratch_floats);
    }
    return NLG_OK;
}

static nlg_status plan_all(const nlg_graph *graph, const nlg_exec *exec, const nlg_plan_options *options, nlg_plan **out,
                           nlg_error *err) {
    if (options->batch < 1 || options->batch > 1 << 20)
        return nlg_fail(err, NLG_ERR_INPUT, "batch size %d: expected 1 to %d", options->batch, 1 << 20);
    nlg_arena *memory = nlg_arena_create();
    nlg_plan *plan = memory != NULL ? nlg_arena_alloc(memory, 1, sizeof *plan) : NULL;
    if (plan == NULL) {
        nlg_arena_destroy(memory);
        return nlg_fail_memory(err, sizeof *plan, "the plan");
    }
    *out = plan;
    plan->memory = memory;
    plan->graph = graph;
    plan->exec = exec;
    plan->options = *options;
    plan->images = options->batch;
    plan->nonfinite = -1;
    plan->worker_team = nlg_team_create(1);
    if (plan->worker_team == NULL) return nlg_fail_memory(err, sizeof *plan, "the plan");
    plan->worker_exec = *exec;
    plan->worker_exec.team = plan->worker_team;
    NLG_TRY(build_steps(plan, err));
    NLG_TRY(nlg_plan_chain(plan, err));
    compact(plan);
    NLG_TRY(find_costs(plan, err));
    NLG_TRY(find_gradients(plan, err));
    NLG_TRY(nlg_plan_schedule(plan, err));
    nlg_plan_gate(plan);
    NLG_TRY(nlg_plan_find_lifetimes(plan, err));
    NLG_TRY(find_sizes(plan, err));
    NLG_TRY(nlg_plan_place(plan, err));
    const size_t bytes = nlg_plan_bytes(plan) + options->other_bytes;
    if (options->memory_limit > 0 && bytes > options->memory_limit)
        return nlg_fail(err, NLG_ERR_MEMORY,
                        "memory limit %zu bytes: %s with batch %d needs %zu (%.1f MiB: weights and what belongs to them %.1f, "
                        "activations and buffers %.1f); take a smaller batch or raise --mem-limit",
                        options->memory_limit, options->mode == NLG_TRAIN ? "training" : "inference", options->batch, bytes,
                        (double)bytes / 1048576.0, (double)options->other_bytes / 1048576.0,
                        (double)nlg_plan_bytes(plan) / 1048576.0);
    return NLG_OK;
}

size_t nlg_plan_bytes(const nlg_plan *plan) {
    return (plan->arena_floats + 16) * sizeof(float);
}

nlg_status nlg_plan_measure(const nlg_graph *graph, const nlg_exec *exec, const nlg_plan_options *options, size_t *bytes,
                            nlg_error *err) {
    nlg_plan *plan = NULL;
    const nlg_status status = plan_all(graph, exec, options, &plan, err);
    *bytes = plan != NULL ? nlg_plan_bytes(plan) : 0;
    nlg_plan_destroy(plan);
    return status;
}

nlg_status nlg_plan_create(const nlg_graph *graph, const nlg_exec *exec, const nlg_plan_options *options,
                           const nlg_weights *weights, const nlg_weights *gradients, nlg_plan **out, nlg_error *err) {
    nlg_plan *plan = NULL;
    *out = NULL;
    nlg_status status = plan_all(graph, exec, options, &plan, err);
    if (status == NLG_OK) {
        plan->weights = *weights;
        if (gradients != NULL) plan->gradients = *gradients;
        plan->arena = nlg_alloc_large(nlg_plan_bytes(plan));
        if (plan->arena == NULL)
            status = nlg_fail_memory(err, nlg_plan_bytes(plan), "activations and buffers; take a smaller batch");
        else
            status = nlg_plan_bind(plan, err);
    }
    if (status != NLG_OK) {
        nlg_plan_destroy(plan);
        return status;
    }
    *out = plan;
    return NLG_OK;
}

void nlg_plan_destroy(nlg_plan *plan) {
    if (plan == NULL) return;
    if (plan->arena != NULL) nlg_free_large(plan->arena, nlg_plan_bytes(plan));
    if (plan->worker_team != NULL) nlg_team_destroy(plan->worker_team);
    nlg_arena_destroy(plan->memory);
}
