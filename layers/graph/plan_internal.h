/* Inside of a plan, shared by its files: plan.c (fusion), plan_chain.c (chains), plan_memory.c (aliases, lifetimes, arena),
 * plan_run.c. */
#ifndef NLG_PLAN_INTERNAL_H
#define NLG_PLAN_INTERNAL_H

#include "layers/graph/plan.h"

/* A value: the output of a step, or the input. It has storage of its own, or lives inside its parent's: in place (the output of
 * an in-place op) or as a channel slice (a concatenation's input). */
typedef struct plan_value {
    nlg_shape shape;
    int producer; /* step, -1 for the input */
    int uses;     /* by steps, plus one as an output */
    bool single;  /* while fusing: the graph reads it once */
    bool output;
    bool gradient;                                /* wants a gradient */
    int parent;                                   /* value, -1: a root */
    int64_t offset;                               /* channels into the parent */
    int begin, end, gradient_begin, gradient_end; /* times; end < begin: none */
    size_t place, gradient_place;                 /* floats into the arena, roots only */
} plan_value;

typedef struct plan_step {
    const nlg_op *op;
    void *attrs;
    const nlg_node *node; /* the last node of the fused ones */
    const char *name;     /* of the layer with parameters among the fused ones, else of the node */
    bool dead;            /* merged into a later step */
    int n_in, in[NLG_OP_MAX_INPUTS], out;
    int n_params, params[NLG_OP_MAX_PARAMS];
    bool backward; /* takes part in the backward pass */
    size_t saved_floats, packed_floats, saved_place, packed_place;
    nlg_op_cost cost;
    nlg_op_call call;
    double forward_ms, backward_ms;
} plan_step;

struct nlg_plan {
    nlg_arena *memory; /* everything but the arena of activations */
    const nlg_graph *graph;
    const nlg_exec *exec;
    nlg_plan_options options;
    nlg_weights weights, gradients;
    int n_values, n_steps;
    plan_value *values;
    plan_step *steps;
    int input, n_outputs, outputs[NLG_GRAPH_MAX_OUTPUTS];
    float output_weight[NLG_GRAPH_MAX_OUTPUTS];
    size_t arena_floats, scratch_floats, scratch_place;
    float *arena;
    int images; /* the calls' tensors are set for so many */
    bool packed, timing;
    nlg_rng rng; /* of the last forward */
};

unsigned nlg_plan_step_reads(const plan_step *step);
/* Put convolutions of an inference plan into chains; steps taken over are marked dead. */
nlg_status nlg_plan_chain(nlg_plan *plan, nlg_error *err);
/* Decide aliases, lifetimes and places; sets arena_floats. */
nlg_status nlg_plan_place(nlg_plan *plan, nlg_error *err);
/* The tensor of a value or of its gradient (data NULL before the arena exists). */
nlg_tensor nlg_plan_tensor(const nlg_plan *plan, int value, bool gradient);
/* Fill every step's call once the arena exists (or without data, to ask for sizes). */
void nlg_plan_bind(nlg_plan *plan);

#endif
