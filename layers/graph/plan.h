/* A plan: graph + batch + mode -> kernel calls and one arena.
 *
 * The planner owns fusion (convolution + norm + activation + addition), in-place outputs, buffer lifetimes and the arena. A
 * steady step allocates nothing. The peak memory is known before anything is allocated. */
#ifndef NLG_PLAN_H
#define NLG_PLAN_H

#include "layers/graph/graph.h"
#include "layers/kernels/exec.h"

typedef enum { NLG_INFER, NLG_TRAIN } nlg_mode;

typedef struct nlg_plan_options {
    int batch;
    nlg_mode mode;
    bool frozen_statistics; /* training mode with batch norm in evaluation mode and dropout off */
    bool without_random;    /* training mode with batch statistics, but dropout and drop path off */
    bool without_aux;       /* training mode: leave auxiliary heads out (inference always does) */
    int exit;            /* without auxiliary heads: 0: to the end; k: only to the k-th auxiliary head, whose outputs these are */
    bool no_fusion;      /* every node by itself, every output kept: for tests and layer-wise comparison */
    size_t memory_limit; /* bytes, 0: none; what needs more with other_bytes is refused before anything is allocated */
    size_t other_bytes;  /* what is held in memory at the same time: weights, gradients, state of an optimizer */
} nlg_plan_options;

typedef struct nlg_plan nlg_plan;

/* Plans without allocating the arena: memory in *bytes (weights not included). */
nlg_status nlg_plan_measure(const nlg_graph *graph, const nlg_exec *exec, const nlg_plan_options *options, size_t *bytes,
                            nlg_error *err);

/* weights (and gradients, for training, same layout) are borrowed and must outlive the plan. */
nlg_status nlg_plan_create(const nlg_graph *graph, const nlg_exec *exec, const nlg_plan_options *options,
                           const nlg_weights *weights, const nlg_weights *gradients, nlg_plan **plan, nlg_error *err);
void nlg_plan_destroy(nlg_plan *plan);
size_t nlg_plan_bytes(const nlg_plan *plan);

nlg_tensor nlg_plan_input(const nlg_plan *plan); /* [batch,H,W,C]: the caller fills it */
int nlg_plan_outputs(const nlg_plan *plan);
nlg_tensor nlg_plan_output(const nlg_plan *plan, int index);          /* valid after forward */
nlg_tensor nlg_plan_output_gradient(const nlg_plan *plan, int index); /* the caller fills it before backward */
float nlg_plan_output_weight(const nlg_plan *plan, int index);

/* The weights have changed: pack them again before the next forward (training plans do so in every forward). */
void nlg_plan_repack(nlg_plan *plan);
/* Run the first `images` images (1 .. batch). `rng` keys dropout and drop path: one stream per step. */
void nlg_plan_forward(nlg_plan *plan, int images, nlg_rng rng);
/* Gradients of all trainable parameters are overwritten. */
void nlg_plan_backward(nlg_plan *plan);

/* One kernel call of the plan, for --layers and for finding where numbers go wrong. */
typedef struct nlg_plan_step {
    const char *name, *op;
    const nlg_node *node;
    nlg_op_cost cost;               /* per image */
    nlg_tensor x, y;                /* first input and output (no_fusion: valid after forward) */
    double forward_ms, backward_ms; /* of the last timed run */
    const char *algorithm;          /* convolutions: "direct", "winograd", "depthwise", "chain"; else "" */
} nlg_plan_step;
int nlg_plan_step_count(const nlg_plan *plan);
nlg_plan_step nlg_plan_step_at(const nlg_plan *plan, int index);
void nlg_plan_time_steps(nlg_plan *plan, bool on);
/* What the call does and on which shapes: "conv2d 3x3 s1 p1 bias relu: 28x28x16 to 28x28x32". Equal texts take equal times, as far
 * as that depends on the call. No commas. */
void nlg_plan_step_text(const nlg_plan *plan, int index, char *text, size_t size);

/* Name of the first layer whose output (or, after backward, parameter gradient) is not finite, NULL if all are. */
const char *nlg_plan_find_nonfinite(const nlg_plan *plan);

#endif
