/* Inside of a plan, shared by its files: plan.c (fusion), plan_chain.c, plan_gate.c, plan_schedule.c (order and cut of the batch),
 * plan_memory.c (aliases, lifetimes, arena), plan_run.c. */
#ifndef NLG_PLAN_INTERNAL_H
#define NLG_PLAN_INTERNAL_H

#include "layers/graph/plan.h"

/* Where a value or a gradient lies, and when: times are indices of items, end < begin is never. Local: only within one segment, so
 * that each worker needs room for one chunk, which stays in its cache. */
typedef struct plan_storage {
    int begin, end;
    bool local;
    size_t place; /* floats into the arena, or into a worker's local memory */
} plan_storage;

typedef enum {
    PLAN_VALUE,
    PLAN_GRADIENT,
    PLAN_VALUE_AGAIN /* recomputed for the backward pass */,
    PLAN_STORAGES
} plan_storage_kind;

/* A value: the output of a step, or the input. It has storage of its own, or lives inside its parent's: in place (the output of
 * an in-place op) or as a channel slice (a concatenation's input). */
typedef struct plan_value {
    nlg_shape shape;
    int producer; /* step, -1 for the input */
    int uses;     /* by steps, plus one as an output */
    bool single;  /* while fusing: the graph reads it once */
    bool output;
    bool gradient;                       /* wants a gradient */
    int parent;                          /* value, -1: a root */
    int64_t offset;                      /* channels into the parent */
    bool again;                          /* not kept, but recomputed before the backward pass reads it */
    plan_storage storage[PLAN_STORAGES]; /* roots only */
} plan_value;

typedef enum { PLAN_FORWARD, PLAN_REDUCE, PLAN_BACKWARD, PLAN_REDUCE_BACKWARD, PLAN_ITEM_KINDS } plan_item_kind;

typedef struct plan_step {
    const nlg_op *op;
    void *attrs;
    const nlg_node *node; /* the last node of the fused ones */
    const char *name;     /* of the layer with parameters among the fused ones, else of the node */
    bool dead;            /* merged into a later step */
    int n_in, in[NLG_OP_MAX_INPUTS], out;
    int n_params, params[NLG_OP_MAX_PARAMS];
    bool backward;             /* takes part in the backward pass */
    int gated;                 /* value whose gradient input 0's is: that of the ReLU before it; -1: input 0's own */
    int item[PLAN_ITEM_KINDS]; /* -1: none */
    size_t packed_floats, packed_place, saved_floats, saved_image_floats;
    size_t part_floats; /* of one chunk's sums, by reduce or reduce_backward */
    size_t slot_floats; /* of its parameters' gradients, if each group of chunks sums its own; 0: written at once */
    plan_storage saved, parts[2], slots;
    nlg_op_cost cost;
    bool accumulate_dx[NLG_OP_MAX_INPUTS], accumulate_dparam;
    double forward_ms, backward_ms;
} plan_step;

/* One kernel call for each chunk. */
typedef struct plan_item {
    plan_item_kind kind;
    int step, chunk /* images */, segment;
    bool idle;                  /* done by other items */
    int recompute;              /* first item to run before this one, -1: none */
    int next_recompute;         /* of the items in that list */
    nlg_op_call call;           /* for the whole batch; what is local as in the first worker's memory */
    uint32_t local_x, local_dx; /* bits: inputs */
    bool local_y, local_dy;
} plan_item;

/* Items done for one chunk of images before the next. */
typedef struct plan_segment {
    int begin, end, chunk;
} plan_segment;

enum { PLAN_GROUPS = 16 }; /* of chunks whose weight gradients are summed by one worker, in order; then groups in order */

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
    int n_items, n_extra, first_backward; /* extra: those that recompute, behind the others */
    plan_item *items;
    int n_segments, backward_segment;
    plan_segment *segments;
    nlg_team *worker_team; /* a team of one: what workers run kernels with */
    nlg_exec worker_exec;
    size_t arena_floats, scratch_floats, scratch_place;
    size_t local_floats, local_place, worker_scratch_floats; /* of one worker; scratch is one area for all, or one for each */
    float *arena;
    int images; /* of the last forward */
    bool packed, timing;
    nlg_rng rng;   /* of the last forward */
    int nonfinite; /* while looking for one: the first step with such an output, n_steps if none */
};

static inline bool nlg_plan_concatenates(const plan_step *step) {
    return (step->op->flags & NLG_OP_CONCATENATES) != 0;
}
/* What the backward pass of a step reads: flags NLG_OP_READS_X and NLG_OP_READS_Y. */
static inline unsigned nlg_plan_step_reads(const plan_step *step) {
    return step->op->reads ? step->op->reads(step->attrs) : step->op->flags;
}
/* The value whose gradient the backward pass of input `j` writes. */
static inline int nlg_plan_gradient_value(const plan_step *step, int j) {
    return j == 0 && step->gated >= 0 ? step->gated : step->in[j];
}
/* Put convolutions of an inference plan into chains; steps taken over are marked dead. */
nlg_status nlg_plan_chain(nlg_plan *plan, nlg_error *err);
/* List the items and cut them into segments. */
nlg_status nlg_plan_schedule(nlg_plan *plan, nlg_error *err);
/* Training: join ReLUs with the convolutions that read them. */
void nlg_plan_gate(nlg_plan *plan);
/* Decide aliases, lifetimes, and what is local or recomputed. */
nlg_status nlg_plan_find_lifetimes(nlg_plan *plan, nlg_error *err);
/* Decide places; sets arena_floats. */
nlg_status nlg_plan_place(nlg_plan *plan, nlg_error *err);
/* The tensor of a value for the whole batch (data NULL before the arena exists); *local (may be NULL): in a worker's memory. */
nlg_tensor nlg_plan_tensor(const nlg_plan *plan, int value, plan_storage_kind kind, bool *local);
/* Fill every item's call once the arena exists (or without data, to ask for sizes). */
nlg_status nlg_plan_bind(nlg_plan *plan, nlg_error *err);
static inline int nlg_plan_chunks(const plan_segment *segment, int images) {
    return (images + segment->chunk - 1) / segment->chunk;
}

#endif
