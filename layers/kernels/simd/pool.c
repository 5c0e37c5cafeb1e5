/* Pooling loops: see pool_simd.h. Backward takes a row of the input and what each row of windows over it gives. With
 * stride 1 and no gaps, pixels of a row with the same windows are taken as one pixel with the channels of all. */
#include "layers/kernels/pool_simd.h"

#include <math.h>
#include <string.h>

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

/* Brings nearer the pixels that the next row of windows adds: where they lie apart, the processor does not foresee them. */
NLG_INLINE void fetch_pixels(const nlg_pool_row *r, int row, int begin, int end) {
    if (row >= r->pool->h.in) return;
    const float *pixel = r->from + ((int64_t)row * r->pool->w.in + begin) * r->ld_from;
    for (int x = begin; x < end; x++, pixel += r->ld_from)
        for (int i = r->begin; i < r->end; i += NLG_LANES) __builtin_prefetch(pixel + i, 0, 3);
}

/* No gaps between pixels, nor channels left to others. */
NLG_INLINE bool is_dense(const nlg_pool_row *r) {
    int c = r->pool->c;
    return r->ld_from == c && r->ld_to == c && r->begin == 0 && r->end == c;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Pixels [begin, end) of an output row whose windows differ by nothing but their place. */
typedef struct same_pixels {
    int begin, end;
} same_pixels;

NLG_INLINE same_pixels alike(const nlg_pool_row *r) {
    const nlg_pool_axis *axis = &r->pool->w;
    int begin = axis->before, end = axis->in - axis->kernel + 1 + axis->before;
    if (!is_dense(r) || axis->adaptive || axis->stride != 1 || end <= begin) return (same_pixels){0, 0};
    return (same_pixels){begin, end};
}

NLG_INLINE int pixels_at(same_pixels same, int pixel) {
    return pixel == same.begin && same.end > pixel ? same.end - pixel : 1;
}

static void max_forward(const nlg_pool_row *r) {
    const nlg_pool *pool = r->pool;
    nlg_pool_window h = nlg_pool_window_at(&pool->h, r->row, false);
    same_pixels same = alike(r);
    for (int q = 0, pixels; q < pool->w.out; q += pixels) {
        nlg_pool_window w = nlg_pool_window_at(&pool->w, q, false);
        int64_t out = (int64_t)r->row * pool->w.out + q;
        pixels = pixels_at(same, q);
        FOR_LANES((int64_t)pixels * (r->end - r->begin), { max_pixel(r, h, w, out, r->begin + i, n); });
    }
}

/* ---- gradients ---- */

/* to += from's share, for `count` floats of pixels at the same place of their windows. */
typedef struct back_span {
    const float *from;
    const int32_t *position;
    float *to;
    int64_t count;
    int32_t place;
    float factor;
} back_span;

NLG_INLINE void add_span(back_span s, const bool is_max) {
    vf factor = vf_set1(s.factor);
    vi place = vi_set1(s.place);
    FOR_LANES(s.count, {
        vf sum = lanes_load(s.to + i, n), from = lanes_load(s.from + i, n);
        if (is_max)
            sum = vf_add(sum, vf_select(vi_eq(load_position(s.position + i, n), place), from, vf_zero()));
        else
            sum = vf_fma(factor, from, sum);
        lanes_store(s.to + i, sum, n);
    });
}

/* A row of the input: windows of the rows above each other, and of each row those that see their pixel at column `tap`, last
 * tap first, so that each pixel meets its windows in order. */
typedef struct back_row {
    const nlg_pool_row *r;
    const float *from;
    const int32_t *position;
    float *to;
    bool dense; /* no gaps between pixels */
} back_row;

/* Windows q .. q + count - 1 of row p, which are alike, and pixel x of the first one. */
NLG_INLINE void add_windows(const back_row *b, int64_t p, int q, int count, int x, int32_t place, float factor, const bool is_max) {
    const nlg_pool_row *r = b->r;
    int64_t out = p * r->pool->w.out + q, c = r->pool->c;
    back_span s = {.from = b->from + out * r->ld_from,
                   .position = is_max ? b->position + out * c : NULL,
                   .to = b->to + x * r->ld_to,
                   .count = r->end - r->begin,
                   .place = place,
                   .factor = factor};
    if (b->dense && r->pool->w.stride == 1) {
        s.count *= count;
        add_span(s, is_max);
        return;
    }
    int64_t step = r->pool->w.stride * r->ld_to;
    for (; count > 0; count--, s.from += r->ld_from, s.position += is_max ? c : 0, s.to += step) add_span(s, is_max);
}

static float window_factor(const nlg_pool *pool, int h_length, int q) {
    return 1.0f / (float)((int64_t)h_length * nlg_pool_window_at(&pool->w, q, pool->count_padding).length);
}

static int floor_divide(int a, int b) {
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/* Windows of one row that see pixels at column `tap`; of which full_begin .. full_end - 1 have the kernel's width. */
NLG_INLINE void add_tap(const back_row *b, int p, nlg_pool_window h, int tap, int full_begin, int full_end, const bool is_max) {
    const nlg_pool *pool = b->r->pool;
    const nlg_pool_axis *axis = &pool->w;
    int q = -floor_divide(tap - axis->before, axis->stride),
        end = floor_divide(axis->in - 1 + axis->before - tap, axis->stride) + 1;
    q = q < 0 ? 0 : q;
    end = end > axis->out ? axis->out : end;
    const int32_t place = (b->r->row - h.start) * axis->kernel + tap;
    for (int count; q < end; q += count) {
        bool full = is_max || (q >= full_begin && q < full_end);
        count = !full ? 1 : !is_max && full_end < end ? full_end - q : end - q;
        float factor = is_max ? 0 : window_factor(pool, h.length, q);
        add_windows(b, p, q, count, q * axis->stride - axis->before + tap, place, factor, is_max);
    }
}

/* Windows that follow each other and cover all pixels. */
NLG_INLINE bool apart(const nlg_pool_axis *axis) {
    return !axis->adaptive && axis->kernel == axis->stride && axis->before == 0 && axis->out * axis->stride == axis->in;
}

/* A row of which each pixel has a single window, of row p: nothing to add to. */
NLG_INLINE void set_row(const back_row *b, int p, const bool is_max) {
    const nlg_pool *pool = b->r->pool;
    const int64_t c = b->r->end - b->r->begin, ld_from = b->r->ld_from, ld_to = b->r->ld_to, ld_position = pool->c;
    const int columns = pool->w.out, kernel = pool->w.kernel;
    const nlg_pool_window h = nlg_pool_window_at(&pool->h, p, pool->count_padding);
    const vf factor = vf_set1(is_max ? 0 : window_factor(pool, h.length, 0));
    const float *from = b->from + (int64_t)p * columns * ld_from;
    const int32_t *position = is_max ? b->position + (int64_t)p * columns * ld_position : NULL;
    float *to = b->to;
    for (int q = 0; q < columns; q++, from += ld_from, position += is_max ? ld_position : 0) {
        const int64_t room = b->dense ? smaller(columns - q, (int64_t)(columns - q - 1) * kernel + 1) * c : 0;
        int32_t place = (b->r->row - h.start) * kernel;
        for (int x = 0; x < kernel; x++, to += ld_to, place++)
            FOR_LANES_IN(c, room, {
                vf v = lanes_load(from + i, n);
                if (is_max)
                    v = vf_add(vf_zero(), vf_select(vi_eq(load_position(position + i, n), vi_set1(place)), v, vf_zero()));
                else
                    v = vf_fma(factor, v, vf_zero());
                lanes_store(to + i, v, n);
            });
    }
}

NLG_INLINE void backward(const nlg_pool_row *r, const bool is_max) {
    const nlg_pool *pool = r->pool;
    const nlg_pool_axis *axis = &pool->w;
    back_row b = {.r = r,
                  .from = r->from + r->begin,
                  .position = is_max ? r->position + r->begin : NULL,
                  .to = r->to + (int64_t)r->row * axis->in * r->ld_to + r->begin,
                  .dense = is_dense(r)};
    int first, last;
    nlg_pool_covering(&pool->h, r->row, &first, &last);
    if (first == last && apart(axis) && !r->accumulate) {
        set_row(&b, first, is_max);
        return;
    }
    size_t bytes = (size_t)(r->end - r->begin) * sizeof(float);
    if (!r->accumulate && b.dense) memset(b.to, 0, bytes * (size_t)axis->in);
    for (int x = 0; !r->accumulate && !b.dense && x < axis->in; x++) memset(b.to + x * r->ld_to, 0, bytes);

    int full_begin = 0, full_end = axis->out;
    if (!axis->adaptive) {
        while (full_begin < full_end && nlg_pool_window_at(axis, full_begin, pool->count_padding).length < axis->kernel)
            full_begin++;
        while (full_end > full_begin && nlg_pool_window_at(axis, full_end - 1, pool->count_padding).length < axis->kernel)
            full_end--;
    }
    for (int p = first; p <= last; p++) {
        nlg_pool_window h = nlg_pool_window_at(&pool->h, p, pool->count_padding);
        if (!axis->adaptive) {
            for (int tap = axis->kernel - 1; tap >= 0; tap--) add_tap(&b, p, h, tap, full_begin, full_end, is_max);
            continue;
        }
        for (int q = 0; q < axis->out; q++) {
            nlg_pool_window w = nlg_pool_window_at(axis, q, false);
            float factor = window_factor(pool, h.length, q);
            for (int x = w.begin; x < w.end; x++) add_windows(&b, p, q, 1, x, 0, factor, is_max);
        }
    }
}

static void max_backward(const nlg_pool_row *r) {
    backward(r, true);
}

static void average_backward(const nlg_pool_row *r) {
    backward(r, false);
}

/* ---- averages ---- */

/* Sums rows of the window, then the rows' sums: short chains also for global pools. */
NLG_INLINE void average_pixel(const nlg_pool_row *r, nlg_pool_window h, nlg_pool_window w, float factor, int64_t out, int64_t i,
                              int n) {
    const int64_t ld = r->ld_from, row = r->pool->w.in * ld;
    const float *first = r->from + h.begin * row + w.begin * ld + i;
    vf total = vf_zero();
    for (int y = h.begin; y < h.end; y++, first += row) {
        const float *from = first;
        vf sum = lanes_load(from, n);
        for (int x = w.begin + 1; x < w.end; x++) sum = vf_add(sum, lanes_load(from += ld, n));
        total = vf_add(total, sum);
    }
    lanes_store(r->to + out * r->ld_to + i, vf_mul(total, vf_set1(factor)), n);
}

static void average_forward(const nlg_pool_row *r) {
    const nlg_pool *pool = r->pool;
    nlg_pool_window h = nlg_pool_window_at(&pool->h, r->row, pool->count_padding);
    const bool dense = is_dense(r);
    same_pixels same = alike(r);
    int fetched = 0; /* columns */
    for (int q = 0, pixels; q < pool->w.out; q += pixels) {
        nlg_pool_window w = nlg_pool_window_at(&pool->w, q, pool->count_padding);
        int64_t out = (int64_t)r->row * pool->w.out + q;
        float factor = 1.0f / (float)((int64_t)h.length * w.length);
        if (!dense) fetch_pixels(r, h.end, fetched, w.end);
        fetched = w.end;
        pixels = pixels_at(same, q);
        int64_t room = dense ? smaller(pool->w.out - q, pool->w.in - w.end + 1) * pool->c : 0;
        FOR_LANES_IN((int64_t)pixels * (r->end - r->begin), room, { average_pixel(r, h, w, factor, out, r->begin + i, n); });
    }
}

const nlg_pool_simd NLG_NAME(pool_table) = {
    .max_forward = max_forward,
    .max_backward = max_backward,
    .average_forward = average_forward,
    .average_backward = average_backward,
};
