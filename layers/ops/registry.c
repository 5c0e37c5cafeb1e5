/* The op registry: one row of ops.def per op. */
#include "layers/ops/op.h"

#include <string.h>

#define OP(name) extern const nlg_op nlg_op_##name;
#include "layers/ops/ops.def"
#undef OP

static const nlg_op *const ops[] = {
#define OP(name) &nlg_op_##name,
#include "layers/ops/ops.def"
#undef OP
};

int nlg_op_count(void) {
    return (int)(sizeof ops / sizeof *ops);
}

const nlg_op *nlg_op_at(int index) {
    return index < 0 || index >= nlg_op_count() ? NULL : ops[index];
}

const nlg_op *nlg_op_find(const char *name) {
    for (int i = 0; i < nlg_op_count(); i++)
        if (strcmp(ops[i]->name, name) == 0) return ops[i];
    return NULL;
}

size_t nlg_op_parts_size(const nlg_op *op, const nlg_op_call *call) {
    return nlg_op_mixes_images(op, call->batch_statistics) ? op->part_size(call) : 0;
}

static nlg_op_call as_one_part(const nlg_op_call *call) {
    nlg_op_call one = *call;
    one.part = 0;
    one.n_parts = 1;
    one.part_images = call->x[0].n;
    return one;
}

void nlg_op_forward(const nlg_op *op, const nlg_op_call *call) {
    if (nlg_op_mixes_images(op, call->batch_statistics)) {
        const nlg_op_call one = as_one_part(call);
        op->reduce(&one);
        op->settle(&one);
    }
    op->forward(call);
}

void nlg_op_backward(const nlg_op *op, const nlg_op_call *call) {
    if (nlg_op_mixes_images(op, call->batch_statistics)) {
        const nlg_op_call one = as_one_part(call);
        op->reduce_backward(&one);
        op->settle_backward(&one);
    }
    op->backward(call);
}
