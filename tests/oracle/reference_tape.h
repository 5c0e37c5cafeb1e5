/* A few op calls in a row on reference tensors, forward and backward: the real op table, without graph and plan. */
#ifndef NLG_REFERENCE_TAPE_H
#define NLG_REFERENCE_TAPE_H

#include <cjson/cJSON.h>

#include "layers/base/memory.h"
#include "layers/ops/op.h"

enum { NLG_TAPE_CALLS = 8, NLG_REFERENCE_INPUTS = 8 };

/* A named input of the case in its stated shape (N,C,H,W; O,I,H,W; ...), filled from its name, with its gradient. */
typedef struct nlg_reference_input {
    const char *name;
    int rank, shape[4];
    size_t count;
    float *value, *gradient; /* in the stated order */

} nlg_reference_input;

/* An activation and its gradient. */
typedef struct nlg_reference_value {
    nlg_tensor data, gradient;
    bool gradient_written;
    int rank; /* of its description: 4, or 2 for feature vectors */
} nlg_reference_value;

typedef struct nlg_reference_call {
    const nlg_op *op;
    nlg_op_call call;
    nlg_reference_value *x[NLG_OP_MAX_INPUTS], *y;
} nlg_reference_call;

typedef struct nlg_tape {
    nlg_arena *arena;
    const nlg_exec *exec;
    bool batch_statistics;
    int n_calls;
    nlg_reference_call calls[NLG_TAPE_CALLS];
} nlg_tape;

/* input: shape and name are set; fills value with `offset + factor * u(name)` (u as in tests/reference/README.md). */
nlg_status nlg_reference_fill(nlg_tape *tape, nlg_reference_input *input, double offset, double factor, nlg_error *err);
/* Read an input [N,C,H,W] or [N,C] as an activation. */
nlg_status nlg_tape_read(nlg_tape *tape, const nlg_reference_input *input, nlg_reference_value **value, nlg_error *err);
/* y = op(x...); `params` in the op's order. */
nlg_status nlg_tape_apply(nlg_tape *tape, const char *op, const void *attrs, nlg_reference_value *const *x, int n_x,
                          nlg_reference_input *const *params, int n_params, nlg_reference_value **y, nlg_error *err);
/* From the last call's output, whose gradient is u("dy"), back to all inputs and parameters. */
void nlg_tape_backward(nlg_tape *tape);

/* {shape, mean, rms, first, last, probe} of values in their stated order, times `factor`. */
cJSON *nlg_reference_describe(int rank, const int *shape, const double *value, size_t count, double factor);
cJSON *nlg_reference_describe_floats(nlg_tape *tape, int rank, const int *shape, const float *value, size_t count, double factor);
/* An activation in N,C,H,W order. */
cJSON *nlg_reference_describe_value(nlg_tape *tape, const nlg_tensor *value, int rank, double factor);

#endif
