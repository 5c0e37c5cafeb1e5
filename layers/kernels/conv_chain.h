/* A 1 x 1 convolution and the depthwise one that is its only reader, in one pass over strips of rows: the tensor between them, the
 * largest of an inverted bottleneck, never leaves the cache. The bits are those of the two calls. */
#ifndef NLG_CONV_CHAIN_H
#define NLG_CONV_CHAIN_H

#include "layers/kernels/conv.h"

typedef struct nlg_conv_link {
    nlg_conv_shape shape;
    const float *packed; /* forward */
    nlg_conv_epilogue epilogue;
} nlg_conv_link;

/* Whether `second` may follow `first` in a chain: by shapes and backend alone. */
bool nlg_conv_chain_fits(const nlg_conv_shape *first, const nlg_conv_shape *second, const nlg_exec *exec);

/* Floats of scratch with a team of `threads`; does not shrink as the batch grows. */
size_t nlg_conv_chain_scratch_size(const nlg_conv_shape *first, const nlg_conv_shape *second, const nlg_exec *exec);

/* x -> first -> second -> y. The first epilogue must not add. */
void nlg_conv_chain_forward(const nlg_exec *exec, const nlg_conv_link *first, const nlg_conv_link *second, const float *x,
                            int64_t ld_x, float *y, int64_t ld_y, float *scratch);

#endif
