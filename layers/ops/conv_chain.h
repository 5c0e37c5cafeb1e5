/* What the planner needs to put two conv2d steps into one. */
#ifndef NLG_OP_CONV_CHAIN_H
#define NLG_OP_CONV_CHAIN_H

#include "layers/ops/attrs.h"
#include "layers/ops/op.h"

typedef struct nlg_conv_chain_attrs {
    nlg_conv2d_attrs conv[2];
    int params;        /* of the first; those of the second follow */
    nlg_shape between; /* output of the first */
} nlg_conv_chain_attrs;

extern const nlg_op nlg_op_conv_chain;

/* Whether a conv2d `second`, the only reader of `between`, may run in one step with the `first` that makes it from x. */
bool nlg_conv_chain_allowed(const nlg_exec *exec, const nlg_conv2d_attrs *first, nlg_shape x, const nlg_conv2d_attrs *second,
                            nlg_shape between);

#endif
