/* The operations of a network, and how their texts stand in a file. */
#include "search/evaluators/latency_steps.h"

#include "layers/graph/plan.h"
#include "layers/kernels/simd.h"

nlg_status nlg_latency_steps(const nlg_space *space, const nlg_code *code, const nlg_latency_conditions *c,
                             nlg_status (*visit)(void *context, const char *text, nlg_error *err), void *context, nlg_error *err) {
    nlg_graph *graph;
    if (!space->build)
        return nlg_fail(err, NLG_ERR_INPUT, "space %s has no networks whose latency could be predicted", space->name);
    NLG_TRY(space->build(space, code, c->input.h, c->input.w, c->input.c, c->classes, &graph, err));
    nlg_exec exec = {.team = nlg_team_create(1), .isa = NLG_ISA_PORTABLE, .simd = nlg_simd_table(NLG_ISA_PORTABLE)};
    nlg_status status = exec.team ? NLG_OK : nlg_fail_memory(err, 64, "a team of one");
    const nlg_plan_options options = {.batch = c->batch, .mode = NLG_INFER};
    const nlg_weights none = {.graph = graph};
    nlg_plan *plan = NULL;
    if (status == NLG_OK) status = nlg_plan_create(graph, &exec, &options, &none, NULL, &plan, err);
    for (int i = 0; status == NLG_OK && i < nlg_plan_step_count(plan); i++) {
        char text[NLG_OPERATION_MAX];
        nlg_plan_step_text(plan, i, text, sizeof text);
        status = visit(context, text, err);
    }
    nlg_plan_destroy(plan);
    if (exec.team) nlg_team_destroy(exec.team);
    nlg_graph_destroy(graph);
    return status;
}

void nlg_latency_swap(char *text, char from, char to) {
    for (; *text; text++)
        if (*text == from) *text = to;
}
