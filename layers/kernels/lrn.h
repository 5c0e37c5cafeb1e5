/* Local response normalisation across channels (Krizhevsky, Sutskever, Hinton 2012, section 3.3):
 * y[j] = x[j] * t[j]^-beta, t[j] = k + alpha * sum of x[i]^2, i = j - size / 2 .. j + (size - 1) / 2 where they exist. */
#ifndef NLG_LRN_H
#define NLG_LRN_H

#include "layers/kernels/exec.h"

typedef struct nlg_lrn {
    int64_t rows; /* pixels */
    int c, size;
    float alpha, beta, k;
} nlg_lrn;

size_t nlg_lrn_scratch_size(const nlg_exec *exec, const nlg_lrn *lrn); /* floats, grows with the team */
void nlg_lrn_forward(const nlg_exec *exec, const nlg_lrn *lrn, const float *x, int64_t ld_x, float *y, int64_t ld_y,
                     float *scratch);
/* dx = (accumulate ? dx : 0) + gradient, from x alone. */
void nlg_lrn_backward(const nlg_exec *exec, const nlg_lrn *lrn, const float *x, int64_t ld_x, const float *dy, int64_t ld_dy,
                      bool accumulate, float *dx, int64_t ld_dx, float *scratch);

#endif
