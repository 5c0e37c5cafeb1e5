/* Batch normalisation over `rows` pixels of `c` channels: y = act(x * scale + shift + add), its statistics and gradients.
 *
 * Sums over pixels run in chains of at most 16 sums of four floats on values shifted near zero, then in double; the cut into parts
 * that the team shares depends on rows and c alone, and parts are added in order. Ioffe and Szegedy 2015. */
#ifndef NLG_NORM_H
#define NLG_NORM_H

#include "layers/kernels/exec.h"

typedef struct nlg_norm {
    int64_t rows;
    int c;
    const float *x;
    int64_t ld_x;
    const float *add; /* NULL: none */
    int64_t ld_add;
    nlg_act act;
    const float *scale, *shift; /* [c] */
    const float *mean;          /* [c], for gradients */
} nlg_norm;

/* dx = (accumulate_dx ? dx : 0) + scale * dz + slope * (x - mean) + offset; dadd = (...) + dz. */
typedef struct nlg_norm_gradient {
    const float *slope, *offset; /* [c]; NULL: zero (constant statistics) */
    float *dx;                   /* NULL: not wanted */
    int64_t ld_dx;
    bool accumulate_dx;
    float *dadd; /* NULL: not wanted */
    int64_t ld_dadd;
    bool accumulate_dadd;
} nlg_norm_gradient;

size_t nlg_norm_scratch_size(int64_t rows, int c); /* floats for either of the two sums below; aligned as double */

/* Mean and biased variance [c]. The relative error of the variance is about 1e-6 for any mean. */
void nlg_norm_statistics(const nlg_exec *exec, int64_t rows, int c, const float *x, int64_t ld_x, double *mean, double *variance,
                         float *scratch);
void nlg_norm_apply(const nlg_exec *exec, const nlg_norm *norm, float *y, int64_t ld_y);
/* Puts dz = dy * act'(z), the gradient before the activation, in dy's place, and finds the sums of dz and of dz * (x - mean) over
 * the pixels [c]. */
void nlg_norm_gradient_sums(const nlg_exec *exec, const nlg_norm *norm, float *dy, int64_t ld_dy, double *sum, double *product,
                            float *scratch);
/* From dz; of norm it needs x, scale and mean. */
void nlg_norm_gradient_apply(const nlg_exec *exec, const nlg_norm *norm, const float *dz, int64_t ld_dz,
                             const nlg_norm_gradient *gradient);

/* out[image][c] = (accumulate ? out : 0) + sum over the image's `rows` pixels of a * b (b NULL: of a). */
void nlg_channel_dot(const nlg_exec *exec, int64_t images, int64_t rows, int c, const float *a, int64_t ld_a, const float *b,
                     int64_t ld_b, bool accumulate, float *out, int64_t ld_out);
/* out[image][c] = mean over the image's `rows` pixels of a. */
void nlg_channel_mean(const nlg_exec *exec, int64_t images, int64_t rows, int c, const float *a, int64_t ld_a, float *out,
                      int64_t ld_out);

#endif
