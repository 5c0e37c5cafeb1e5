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
