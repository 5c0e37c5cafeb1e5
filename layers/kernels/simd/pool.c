/* Pooling loops: see pool_simd.h. Backward gathers from the windows that contain a pixel, so that rows are independent. */
#include "layers/kernels/pool_simd.h"

#include <math.h>

#include "layers/kernels/lanes.h"
#include "layers/kernels/simd.h"

NLG_INLINE void store_position(int32_t *p, vi v, int n) {
    if (n == NLG_LANES)
        vi_store(p, v);
    else
        vi_store_n(p, v, n);
}

NLG_INLINE vi load_position(const int32_t *p, int n) {
    return n == NLG_LANES ? vi_load(p) : vi_load_n(p, n);
}

NLG_INLINE void max_pixel(const nlg_pool_row *r, nlg_pool_window h, nlg_pool_window w, int64_t out, int64_t i, int n) {
    int columns = r->pool->w.in, kernel = r->pool->w.kernel;
    vf best = vf_set1(-INFINITY);
    vi where = vi_set1((h.begin - h.start) * kernel + (w.begin - w.start));
    for (int y = h.begin; y < h.end; y++)
        for (int x = w.begin; x < w.end; x++) {
            vf v = lanes_load(r->from + ((int64_t)y * columns + x) * r->ld_from + i, n);
            vm wins = vm_or(vf_lt(best, v), vm_not(vf_eq(v, v)));
            best = vf_select(wins, v, best);
            where = vi_select(wins, vi_set1((y - h.start) * kernel + (x - w.start)), where);
        }
    lanes_store(r->to + out * r->ld_to + i, best, n);
    if (r->position) store_position(r->position + out * r->pool->c + i, where, n);
}

static void max_forward(const nlg_pool_row *r) {
    const nlg_pool *pool = r->pool;
    nlg_pool_window h = nlg_pool_window_at(&pool->h, r->row, false);
    for (int q = 0; q < pool->w.out; q++) {
        nlg_pool_window w = nlg_pool_window_at(&pool->w, q, false);
        int64_t out = (int64_t)r->row * pool->w.out + q;
        FOR_LANES(r->end - r->begin, { max_pixel(r, h, w, out, r->begin + i, n); });
    }
}

NLG_INLINE void max_back_pixel(const nlg_pool_row *r, int first_p, int last_p, int first_q, int last_q, int x, int64_t i, int n) {
    const nlg_pool *pool = r->pool;
    float *to = r->to + ((int64_t)r->row * pool->w.in + x) * r->ld_to + i;
    vf sum = r->accumulate ? lanes_load(to, n) : vf_zero();
    for (int p = first_p; p <= last_p; p++)
        for (int q = first_q; q <= last_q; q++) {
            int64_t out = (int64_t)p * pool->w.out + q;
            int y_in = r->row - (p * pool->h.stride - pool->h.before), x_in = x - (q * pool->w.stride - pool->w.before);
            vm here = vi_eq(load_position(r->position + out * pool->c + i, n), vi_set1(y_in * pool->w.kernel + x_in));
            sum = vf_add(sum, vf_select(here, lanes_load(r->from + out * r->ld_from + i, n), vf_zero()));
        }
    lanes_store(to, sum, n);
}

static void max_backward(const nlg_pool_row *r) {
    int first_p, last_p, first_q, last_q;
    nlg_pool_covering(&r->pool->h, r->row, &first_p, &last_p);
    for (int x = 0; x < r->pool->w.in; x++) {
        nlg_pool_covering(&r->pool->w, x, &first_q, &last_q);
        FOR_LANES(r->end - r->begin, { max_back_pixel(r, first_p, last_p, first_q, last_q, x, r->begin + i, n); });
    }
}

/* Sums rows of the window, then the rows' sums: short chains also for global pools. */
NLG_INLINE void average_pixel(const nlg_pool_row *r, nlg_pool_window h, nlg_pool_window w, int64_t out, int64_t i, int n) {
    vf total = vf_zero();
    for (int y = h.begin; y < h.end; y++) {
        const float *from = r->from + ((int64_t)y * r->pool->w.in + w.begin) * r->ld_from + i;
        vf sum = lanes_load(from, n);
        for (int x = w.begin + 1; x < w.end; x++) sum = vf_add(sum, lanes_load(from += r->ld_from, n));
        total = vf_add(total, sum);
    }
    float factor = 1.0f / (float)((int64_t)h.length * w.length);
    lanes_store(r->to + out * r->ld_to + i, vf_mul(total, vf_set1(factor)), n);
}

static void average_forward(const nlg_pool_row *r) {
    const nlg_pool *pool = r->pool;
    nlg_pool_window h = nlg_pool_window_at(&pool->h, r->row, pool->count_padding);
    for (int q = 0; q < pool->w.out; q++) {
        nlg_pool_window w = nlg_pool_window_at(&pool->w, q, pool->count_padding);
        int64_t out = (int64_t)r->row * pool->w.out + q;
        FOR_LANES(r->end - r->begin, { average_pixel(r, h, w, out, r->begin + i, n); });
    }
}

NLG_INLINE void average_back_pixel(const nlg_pool_row *r, int first_p, int last_p, int first_q, int last_q, int x, int64_t i,
                                   int n) {
    const nlg_pool *pool = r->pool;
    float *to = r->to + ((int64_t)r->row * pool->w.in + x) * r->ld_to + i;
    vf sum = r->accumulate ? lanes_load(to, n) : vf_zero();
    for (int p = first_p; p <= last_p; p++) {
        int height = nlg_pool_window_at(&pool->h, p, pool->count_padding).length;
        for (int q = first_q; q <= last_q; q++) {
            int width = nlg_pool_window_at(&pool->w, q, pool->count_padding).length;
            vf factor = vf_set1(1.0f / (float)((int64_t)height * width));
            sum = vf_fma(factor, lanes_load(r->from + ((int64_t)p * pool->w.out + q) * r->ld_from + i, n), sum);
        }
    }
    lanes_store(to, sum, n);
}

static void average_backward(const nlg_pool_row *r) {
    int first_p, last_p, first_q, last_q;
    nlg_pool_covering(&r->pool->h, r->row, &first_p, &last_p);
    for (int x = 0; x < r->pool->w.in; x++) {
        nlg_pool_covering(&r->pool->w, x, &first_q, &last_q);
        FOR_LANES(r->end - r->begin, { average_back_pixel(r, first_p, last_p, first_q, last_q, x, r->begin + i, n); });
    }
}

const nlg_pool_simd NLG_NAME(pool_table) = {
    .max_forward = max_forward,
    .max_backward = max_backward,
    .average_forward = average_forward,
    .average_backward = average_backward,
};
