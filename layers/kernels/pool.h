/* Pooling over windows of pixels, NHWC: maximum, average (also global and adaptive), and their gradients. */
#ifndef NLG_POOL_H
#define NLG_POOL_H

#include "layers/kernels/exec.h"

/* Windows along one side. Regular: window p starts at p * stride - before and has `kernel` pixels. Adaptive: window p covers
 * [floor(p * in / out), ceil((p + 1) * in / out)). */
typedef struct nlg_pool_axis {
    int in, out, kernel, stride, before, after;
    bool adaptive;
} nlg_pool_axis;

typedef struct nlg_pool {
    int n, c;
    nlg_pool_axis h, w;
    bool count_padding; /* average: divide by the window with its padding (but not beyond the padding) */
} nlg_pool;

/* The part of window p that lies inside the input, its start before clipping, and its length for the average's divisor. */
typedef struct nlg_pool_window {
    int begin, end, start, length;
} nlg_pool_window;

static inline nlg_pool_window nlg_pool_window_at(const nlg_pool_axis *axis, int p, bool count_padding) {
    if (axis->adaptive) {
        int begin = (int)((int64_t)p * axis->in / axis->out),
            end = (int)(((int64_t)(p + 1) * axis->in + axis->out - 1) / axis->out);
        return (nlg_pool_window){begin, end, begin, end - begin};
    }
    int start = p * axis->stride - axis->before, limit = axis->in + axis->after;
    int stop = start + axis->kernel < limit ? start + axis->kernel : limit;
    int begin = start > 0 ? start : 0, end = stop < axis->in ? stop : axis->in;
    return (nlg_pool_window){begin, end, start, count_padding ? stop - start : end - begin};
}

/* First and last window that contain pixel i; first > last if none does. */
static inline void nlg_pool_covering(const nlg_pool_axis *axis, int i, int *first, int *last) {
    int p = axis->adaptive ? (int)((int64_t)i * axis->out / axis->in) - 1 : (i + axis->before - axis->kernel) / axis->stride;
    if (p < 0) p = 0;
    while (p < axis->out && nlg_pool_window_at(axis, p, false).end <= i) p++;
    *first = p;
    while (p < axis->out && nlg_pool_window_at(axis, p, false).begin <= i) p++;
    *last = p - 1;
}

/* x [N,H,W,C] -> y [N,P,Q,C]; padding counts as -infinity; the first of equal values wins, NaN wins always. `position` [N,P,Q,C]
 * without gaps records where in its window the maximum was, unless NULL. */
void nlg_max_pool_forward(const nlg_exec *exec, const nlg_pool *pool, const float *x, int64_t ld_x, float *y, int64_t ld_y,
                          int32_t *position);
/* dx = (accumulate ? dx : 0) + dy of the windows whose maximum the pixel was. */
void nlg_max_pool_backward(const nlg_exec *exec, const nlg_pool *pool, const float *dy, int64_t ld_dy, const int32_t *position,
                           bool accumulate, float *dx, int64_t ld_dx);
void nlg_average_pool_forward(const nlg_exec *exec, const nlg_pool *pool, const float *x, int64_t ld_x, float *y, int64_t ld_y);
void nlg_average_pool_backward(const nlg_exec *exec, const nlg_pool *pool, const float *dy, int64_t ld_dy, bool accumulate,
                               float *dx, int64_t ld_dx);

#endif
