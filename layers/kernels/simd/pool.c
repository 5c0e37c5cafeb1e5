/* Pooling loops: see pool_simd.h. Backward gathers from the windows that contain a pixel, so that rows are independent. With
 * stride 1 and no gaps, the pixels of a row that see the same windows are taken as one pixel with the channels of all. */
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

/* Pixels [begin, end) of a row of the side written whose windows differ by nothing but their place. */
typedef struct same_pixels {
    int begin, end;
} same_pixels;

NLG_INLINE same_pixels alike(const nlg_pool_row *r, const bool backward) {
    const nlg_pool_axis *axis = &r->pool->w;
    int c = r->pool->c, begin = backward ? axis->kernel - 1 : axis->before, end = axis->in - axis->kernel + 1;
    if (!backward) end += axis->before;
    bool dense = r->ld_from == c && r->ld_to == c && r->begin == 0 && r->end == c;
    if (!dense || axis->adaptive || axis->stride != 1 || end <= begin) return (same_pixels){0, 0};
    return (same_pixels){begin, end};
}

NLG_INLINE int pixels_at(same_pixels same, int pixel) {
    return pixel == same.begin && same.end > pixel ? same.end - pixel : 1;
}

static void max_forward(const nlg_pool_row *r) {
    const nlg_pool *pool = r->pool;
    nlg_pool_window h = nlg_pool_window_at(&pool->h, r->row, false);
    same_pixels same = alike(r, false);
    for (int q = 0, pixels; q < pool->w.out; q += pixels) {
        nlg_pool_window w = nlg_pool_window_at(&pool->w, q, false);
        int64_t out = (int64_t)r->row * pool->w.out + q;
        pixels = pixels_at(same, q);
        FOR_LANES((int64_t)pixels * (r->end - r->begin), { max_pixel(r, h, w, out, r->begin + i, n); });
    }
}

/* The windows over one pixel, in batches. */
enum { WINDOWS = 32 };
typedef struct window_list {
    int count;
    int64_t out[WINDOWS];
    float factor[WINDOWS];
    int32_t place[WINDOWS]; /* of the row's pixel 0 in the window */
} window_list;

typedef void back_pixels(const nlg_pool_row *r, const window_list *list, int x, int pixels, bool accumulate);

NLG_INLINE void max_back_pixels(const nlg_pool_row *r, const window_list *list, int x, int pixels, bool accumulate) {
    const nlg_pool *pool = r->pool;
    float *to = r->to + ((int64_t)r->row * pool->w.in + x) * r->ld_to + r->begin;
    FOR_LANES((int64_t)pixels * (r->end - r->begin), {
        vf sum = accumulate ? lanes_load(to + i, n) : vf_zero();
        for (int k = 0; k < list->count; k++) {
            vm here = vi_eq(load_position(r->position + list->out[k] * pool->c + r->begin + i, n), vi_set1(list->place[k] + x));
            sum = vf_add(sum, vf_select(here, lanes_load(r->from + list->out[k] * r->ld_from + r->begin + i, n), vf_zero()));
        }
        lanes_store(to + i, sum, n);
    });
}

NLG_INLINE void average_back_pixels(const nlg_pool_row *r, const window_list *list, int x, int pixels, bool accumulate) {
    float *to = r->to + ((int64_t)r->row * r->pool->w.in + x) * r->ld_to + r->begin;
    FOR_LANES((int64_t)pixels * (r->end - r->begin), {
        vf sum = accumulate ? lanes_load(to + i, n) : vf_zero();
        for (int k = 0; k < list->count; k++)
            sum = vf_fma(vf_set1(list->factor[k]), lanes_load(r->from + list->out[k] * r->ld_from + r->begin + i, n), sum);
        lanes_store(to + i, sum, n);
    });
}

NLG_INLINE void add_window(const nlg_pool_row *r, window_list *list, nlg_pool_window h, int p, int q) {
    const nlg_pool *pool = r->pool;
    nlg_pool_window w = nlg_pool_window_at(&pool->w, q, pool->count_padding);
    int k = list->count++;
    list->out[k] = (int64_t)p * pool->w.out + q;
    list->factor[k] = 1.0f / (float)((int64_t)h.length * w.length);
    list->place[k] = (r->row - h.start) * pool->w.kernel - w.start;
}

/* All windows over the pixels from x on, in batches that add to each other; the last batch stays in the list. */
NLG_INLINE void gather(const nlg_pool_row *r, back_pixels *body, window_list *list, int first_p, int last_p, int first_q,
                       int last_q, int x, int pixels) {
    bool accumulate = r->accumulate;
    list->count = 0;
    for (int p = first_p; p <= last_p; p++) {
        nlg_pool_window h = nlg_pool_window_at(&r->pool->h, p, r->pool->count_padding);
        for (int q = first_q; q <= last_q; q++) {
            if (list->count == WINDOWS) {
                body(r, list, x, pixels, accumulate);
                list->count = 0;
                accumulate = true;
            }
            add_window(r, list, h, p, q);
        }
    }
    body(r, list, x, pixels, accumulate);
}

/* Walks a row of the input; the windows that cover a column only move on. */
NLG_INLINE void backward(const nlg_pool_row *r, back_pixels *body) {
    const nlg_pool_axis *axis = &r->pool->w;
    same_pixels same = alike(r, true);
    window_list list; /* long: not to be cleared */
    int first_p, last_p, first_q = 0, last_q = -1, listed_q = -1, listed_last = -1;
    nlg_pool_covering(&r->pool->h, r->row, &first_p, &last_p);
    for (int x = 0, pixels; x < axis->in; x += pixels) {
        while (first_q < axis->out && nlg_pool_window_at(axis, first_q, false).end <= x) first_q++;
        if (last_q < first_q - 1) last_q = first_q - 1;
        while (last_q + 1 < axis->out && nlg_pool_window_at(axis, last_q + 1, false).begin <= x) last_q++;
        pixels = pixels_at(same, x);
        bool again = first_q == listed_q && last_q == listed_last;
        if (again && (last_p - first_p + 1) * (last_q - first_q + 1) <= WINDOWS)
            body(r, &list, x, pixels, r->accumulate);
        else
            gather(r, body, &list, first_p, last_p, first_q, last_q, x, pixels);
        listed_q = first_q, listed_last = last_q;
    }
}

static void max_backward(const nlg_pool_row *r) {
    backward(r, max_back_pixels);
}

/* Sums rows of the window, then the rows' sums: short chains also for global pools. */
NLG_INLINE void average_pixel(const nlg_pool_row *r, nlg_pool_window h, nlg_pool_window w, float factor, int64_t out, int64_t i,
                              int n) {
    vf total = vf_zero();
    for (int y = h.begin; y < h.end; y++) {
        const float *from = r->from + ((int64_t)y * r->pool->w.in + w.begin) * r->ld_from + i;
        vf sum = lanes_load(from, n);
        for (int x = w.begin + 1; x < w.end; x++) sum = vf_add(sum, lanes_load(from += r->ld_from, n));
        total = vf_add(total, sum);
    }
    lanes_store(r->to + out * r->ld_to + i, vf_mul(total, vf_set1(factor)), n);
}

static void average_forward(const nlg_pool_row *r) {
    const nlg_pool *pool = r->pool;
    nlg_pool_window h = nlg_pool_window_at(&pool->h, r->row, pool->count_padding);
    same_pixels same = alike(r, false);
    for (int q = 0, pixels; q < pool->w.out; q += pixels) {
        nlg_pool_window w = nlg_pool_window_at(&pool->w, q, pool->count_padding);
        int64_t out = (int64_t)r->row * pool->w.out + q;
        float factor = 1.0f / (float)((int64_t)h.length * w.length);
        pixels = pixels_at(same, q);
        FOR_LANES((int64_t)pixels * (r->end - r->begin), { average_pixel(r, h, w, factor, out, r->begin + i, n); });
    }
}

static void average_backward(const nlg_pool_row *r) {
    backward(r, average_back_pixels);
}

const nlg_pool_simd NLG_NAME(pool_table) = {
    .max_forward = max_forward,
    .max_backward = max_backward,
    .average_forward = average_forward,
    .average_backward = average_backward,
};
