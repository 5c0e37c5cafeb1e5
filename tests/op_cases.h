/* Representative uses of every registered op, each with its meaning in the simplest form. */
#ifndef NLG_OP_CASES_H
#define NLG_OP_CASES_H

#include "layers/ops/attrs.h"
#include "layers/ops/op.h"

typedef struct op_case {
    const char *op;
    const void *attrs;
    int images, n_x;
    nlg_shape x[3];
    bool statistics; /* call->batch_statistics */
    bool inference;  /* fused forms without a backward pass */
    double spacing;  /* of input values, which are all different; default 0.05 */
    double step;     /* of finite differences; default 0.01: inputs stay apart */
    /* One value of y, in double, from x and the parameters. */
    double (*plain)(const nlg_op_call *call, int n, int y, int x, int c);
} op_case;

extern const op_case op_cases[];
extern const int op_case_count;

#endif
