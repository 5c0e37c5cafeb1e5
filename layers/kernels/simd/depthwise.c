/* Depthwise convolution: registers over channels, a tile of neighbouring outputs of a row at a time.
 *
 * A tile walks the source columns under it: each is loaded once and goes to all outputs that see it, while one row of weights
 * stays in registers. So one load serves up to `taps` multiply-adds, and since columns grow with the taps, every output's chain
 * keeps its order. Columns outside the image are left out, which equals adding products with zero; the same test cuts short the
 * last tile of a row. Forms exist for the usual numbers of taps and strides; others take one output at a time. */
#include "layers/kernels/depthwise_simd.h"
#include "layers/kernels/conv_finish.h"
#include "layers/kernels/native.h"

#define MOST_TAPS 7  /* of the forms in registers */
#define MOST_ROWS 3  /* of taps of the weight gradient held at once */
#define MOST_SUMS 15 /* of the weight gradient held at once, with the gradient beside them */

enum { AHEAD_FLOATS = 1024 }; /* of outputs fetched ahead, in whole rows and one more */

/* The forms that exist: FORM(taps, stride, tile), tiles so large that sums and a row of weights fit the registers. */
#if NLG_ISA_LEVEL == 3 || NLG_ISA_LEVEL == 1 /* 32 registers */
#define MOST_TILE 14
#define FORMS                                                                                                                      \
    FORM(1, 1, 14)                                                                                                                 \
    FORM(2, 1, 14) FORM(3, 1, 14) FORM(4, 1, 14) FORM(5, 1, 14) FORM(7, 1, 14) FORM(3, 2, 14) FORM(5, 2, 14) FORM(7, 2, 14)
#elif NLG_ISA_LEVEL == 2
#define MOST_TILE 12
#define FORMS                                                                                                                      \
    FORM(1, 1, 12)                                                                                                                 \
    FORM(2, 1, 12) FORM(3, 1, 12) FORM(4, 1, 10) FORM(5, 1, 10) FORM(7, 1, 8) FORM(3, 2, 12) FORM(5, 2, 10) FORM(7, 2, 8)
#else
#define MOST_TILE 4
#define FORMS                                                                                                                      \
    FORM(1, 1, 4) FORM(2, 1, 4) FORM(3, 1, 4) FORM(4, 1, 4) FORM(5, 1, 4) FORM(7, 1, 4) FORM(3, 2, 4) FORM(5, 2, 4) FORM(7, 2, 4)
#endif

NLG_INLINE vn load(const float *p, int lanes, const bool whole) {
    return whole ? vn_load(p) : vn_load_n(p, lanes);
}
NLG_INLINE void store(float *p, vn v, int lanes, const bool whole) {
    if (whole)
        vn_store(p, v);
    else
        vn_store_n(p, v, lanes);
}

/* Taps of output `i` that lie inside the source. */
NLG_INLINE void taps_inside(const nlg_conv_axis *axis, int i, int *begin, int *end) {
    int first = i * axis->stride + axis->first;
    int low = first < 0 ? (-first + axis->step - 1) / axis->step : 0;
    int high = first >= axis->source ? 0 : (axis->source - 1 - first) / axis->step + 1;
    *begin = low < axis->taps ? low : axis->taps;
    *end = high < axis->taps ? high : axis->taps;
    if (*end < *begin) *end = *begin;
}

/* ---- outputs ---- */

/* The epilogue of a block. ReLU and ReLU6 are bounds, which let NaN through; curved activations pass over the outputs of a tile,
 * all channels, once those are written: enough values to hide the length of their chains. */
typedef struct bounds {
    enum { PLAIN, BOUNDED, GRADIENT /* gate and addition */, OTHER } form;
    bool curved; /* activate afterwards */
    vn low, high;
} bounds;

static bounds bounds_of(const nlg_conv_output *out) {
    nlg_act act = out->act;
    bounds b = {OTHER, act > NLG_ACT_RELU6 && out->bias && !out->add,
                vn_set1(act == NLG_ACT_RELU || act == NLG_ACT_RELU6 ? 0.0f : -INFINITY),
                vn_set1(act == NLG_ACT_RELU6 ? 6.0f : INFINITY)};
    if (is_plain(out))
        b.form = PLAIN;
    else if (out->bias && !out->add && !out->gate)
        b.form = BOUNDED;
    else if (!out->bias && out->act == NLG_ACT_NONE)
        b.form = GRADIENT;
    return b;
}

/* Any epilogue on `count` sums. Kept apart from the tiles, whose sums would else be kept in memory for it. */
static __attribute__((noinline)) void finish_any(const nlg_depthwise_block *job, int64_t index, int channel, int count,
                                                 float *sums) {
    const nlg_conv_output *out = &job->out;
    const bounds b = bounds_of(out);
    int lanes = job->channels - channel < NLG_NATIVE ? job->channels - channel : NLG_NATIVE;
    int64_t step = job->cols.out_step;
    vn bias = out->bias ? vn_load_n(out->bias + channel, lanes) : vn_zero();
    for (int i = 0; i < count; i++) {
        vn v = vn_load(sums + i * NLG_NATIVE);
        if (out->gate) v = vn_gate(v, vn_load_n(out->gate + (index + i * step) * out->ld_gate + channel, lanes));
        if (out->bias) v = vn_add(v, bias);
        if (out->add) v = vn_add(v, vn_load_n(out->add + (index + i * step) * out->ld_add + channel, lanes));
        vn_store(sums + i * NLG_NATIVE, vn_min(b.high, vn_max(b.low, v)));
    }
    if (out->act > NLG_ACT_RELU6)
        for (int i = 0; i < count * NLG_NATIVE; i += NLG_LANES) vf_store(sums + i, vf_act(out->act, vf_load(sums + i)));
    for (int i = 0; i < count; i++) {
        float *y = out->y + (index + i * step) * out->ld_y + channel;
        store(y, vn_load(sums + i * NLG_NATIVE), lanes, lanes == NLG_NATIVE);
    }
}

static __attribute__((noinline)) void activate(const nlg_conv_output *out, int64_t index, int64_t step, int count, int channels) {
    float *y = out->y + index * out->ld_y;
    step *= out->ld_y;
    NLG_CURVED_CASES(out->act, {
        for (int i = 0; i < count; i++, y += step) activate_row(ACT, y, channels);
    });
}

/* ---- tiles ---- */

/* One tile of one register of channels. Columns low .. high of its reach are inside; `all`: the whole reach is. */
typedef struct tile_job {
    const float *x, *w, *bias; /* first output's column 0; bias of these channels */
    const float *add, *gate;   /* of the first output, for the form GRADIENT; may be NULL */
    float *y;
    int64_t down, ld_x, ld_w, ld_y, ld_add, ld_gate; /* between tap rows, columns, taps, outputs */
    int64_t next_y;                                  /* to the outputs to fetch ahead */
    int rows, low, high, count, lanes;
} tile_job;

NLG_INLINE void tile_body(const nlg_depthwise_block *job, const bounds *b, tile_job t, int64_t index, int channel, const int taps,
                          const int stride, const int tile, const bool all, const bool whole) {
    vn sum[MOST_TILE];
    UNROLL for (int i = 0; i < tile; i++) sum[i] = vn_zero();
    if (t.next_y) UNROLL for (int i = 0; i < tile; i++) {
            if (!all && i >= t.count) break;
            __builtin_prefetch(t.y + i * t.ld_y + t.next_y, 1, 3);
        }
    for (int r = 0; r < t.rows; r++, t.x += t.down, t.w += taps * t.ld_w) {
        vn weight[MOST_TAPS];
        UNROLL for (int s = 0; s < taps; s++) weight[s] = vn_load(t.w + s * t.ld_w);
        const float *x = t.x;
        UNROLL for (int j = 0; j < (tile - 1) * stride + taps; j++, x += t.ld_x) {
            if (!all && j < taps - 1 && j < t.low) continue;
            if (!all && j >= t.high) break;
            vn v = load(x, t.lanes, whole);
            UNROLL for (int i = 0; i < tile; i++) {
                int s = j - i * stride;
                if (s >= 0 && s < taps) sum[i] = vn_fma(v, weight[s], sum[i]);
            }
        }
    }
    float *y = t.y;
    if (b->form == PLAIN) {
        UNROLL for (int i = 0; i < tile; i++, y += t.ld_y) {
            if (!all && i >= t.count) break;
            store(y, sum[i], t.lanes, whole);
        }
    } else if (b->form == BOUNDED) {
        vn bias = load(t.bias, t.lanes, whole);
        UNROLL for (int i = 0; i < tile; i++, y += t.ld_y) {
            if (!all && i >= t.count) break;
            store(y, vn_min(b->high, vn_max(b->low, vn_add(sum[i], bias))), t.lanes, whole);
        }
    } else if (b->form == GRADIENT) {
        const float *add = t.add, *gate = t.gate;
        UNROLL for (int i = 0; i < tile; i++, y += t.ld_y) {
            if (!all && i >= t.count) break;
            vn v = sum[i];
            if (gate) v = vn_gate(v, load(gate + i * t.ld_gate, t.lanes, whole));
            if (add) v = vn_add(v, load(add + i * t.ld_add, t.lanes, whole));
            store(y, v, t.lanes, whole);
        }
    } else {
        float sums[(MOST_TILE * NLG_NATIVE + NLG_LANES - 1) / NLG_LANES * NLG_LANES]; /* in whole vectors of 16 */
        UNROLL for (int i = 0; i < tile; i++) vn_store(sums + i * NLG_NATIVE, sum[i]);
        finish_any(job, index, channel, t.count, sums);
    }
}

NLG_INLINE void next_channels(tile_job *t) {
    t->x += NLG_NATIVE, t->y += NLG_NATIVE, t->w += NLG_NATIVE, t->bias += NLG_NATIVE;
    if (t->add) t->add += NLG_NATIVE;
    if (t->gate) t->gate += NLG_NATIVE;
}

NLG_INLINE void rows_of_tiles(const nlg_depthwise_block *job, const int taps, const int stride, const int tile) {
    const nlg_conv_axis rows = job->rows, cols = job->cols;
    const bounds b = bounds_of(&job->out);
    const int channels = job->channels, whole = channels / NLG_NATIVE * NLG_NATIVE, reach = (tile - 1) * stride + taps;
    const int64_t ld_row = job->ld_row, ld_index = job->ld_index, ld_y = job->out.ld_y;
    const int col_begin = job->col_begin, col_end = job->col_end, row_end = job->row_end;
    const float *x = job->x, *w = job->w, *bias = job->out.bias;
    tile_job t = {.down = rows.step * ld_row,
                  .ld_x = job->ld_x,
                  .ld_w = job->ld_w,
                  .ld_y = cols.out_step * ld_y,
                  .ld_add = cols.out_step * job->out.ld_add,
                  .ld_gate = cols.out_step * job->out.ld_gate};
    /* Training writes whole batches: the outputs have left the caches, and nothing else foresees tiles' order. */
    if (b.form == PLAIN || b.form == GRADIENT) t.next_y = (1 + AHEAD_FLOATS / (ld_index * ld_y)) * ld_index * ld_y;
    for (int p = job->row_begin; p < row_end; p++) {
        int r_begin, r_end;
        taps_inside(&rows, p, &r_begin, &r_end);
        const float *row = x + (p * rows.stride + rows.first + r_begin * rows.step) * ld_row;
        const float *row_w = w + (int64_t)r_begin * taps * t.ld_w;
        t.rows = r_end - r_begin;
        for (int q = col_begin; q < col_end; q += tile) {
            int first = q * stride + cols.first;
            int64_t index = job->index + p * ld_index + q * (int64_t)cols.out_step;
            t.count = col_end - q < tile ? col_end - q : tile;
            t.low = first < 0 ? -first : 0;
            t.high = (t.count - 1) * stride + taps;
            if (t.high > cols.source - first) t.high = cols.source - first;
            t.x = row + first * t.ld_x;
            t.y = job->out.y + index * ld_y;
            t.w = row_w;
            t.bias = bias;
            t.add = job->out.add ? job->out.add + index * job->out.ld_add : NULL;
            t.gate = job->out.gate ? job->out.gate + index * job->out.ld_gate : NULL;
            t.lanes = NLG_NATIVE;
            int c = 0;
            if (t.low == 0 && t.high == reach)
                for (; c < whole; c += NLG_NATIVE) {
                    tile_body(job, &b, t, index, c, taps, stride, tile, true, true);
                    next_channels(&t);
                }
            else
                for (; c < whole; c += NLG_NATIVE) {
                    tile_body(job, &b, t, index, c, taps, stride, tile, false, true);
                    next_channels(&t);
                }
            if (c < channels) {
                t.lanes = channels - c;
                tile_body(job, &b, t, index, c, taps, stride, tile, false, false);
            }
            if (b.curved) activate(&job->out, index, cols.out_step, t.count, channels);
        }
    }
}

/* One output at a time, for any taps, stride and step. */
static void row_of_any(const nlg_depthwise_block *job, int p) {
    int r_begin, r_end, s_begin, s_end;
    taps_inside(&job->rows, p, &r_begin, &r_end);
    const float *row = job->x + (p * job->rows.stride + job->rows.first) * job->ld_row;
    for (int q = job->col_begin; q < job->col_end; q++) {
        taps_inside(&job->cols, q, &s_begin, &s_end);
        const float *x = row + (q * job->cols.stride + job->cols.first) * job->ld_x;
        for (int c = 0; c < job->channels; c += NLG_NATIVE) {
            int lanes = job->channels - c < NLG_NATIVE ? job->channels - c : NLG_NATIVE;
            vn sum = vn_zero();
            for (int r = r_begin; r < r_end; r++)
                for (int s = s_begin; s < s_end; s++)
                    sum = vn_fma(vn_load_n(x + r * job->rows.step * job->ld_row + s * job->cols.step * job->ld_x + c, lanes),
                                 vn_load(job->w + ((int64_t)r * job->cols.taps + s) * job->ld_w + c), sum);
            float sums[NLG_LANES] = {0};
            vn_store(sums, sum);
            finish_any(job, job->index + p * job->ld_index + q * (int64_t)job->cols.out_step, c, 1, sums);
        }
    }
}

typedef void block_form(const nlg_depthwise_block *job);
#define FORM(taps, stride, tile)                                                                                                   \
    static void block_##taps##_##stride(const nlg_depthwise_block *job) {                                                          \
        rows_of_tiles(job, taps, stride, tile);                                                                                    \
    }
FORMS
#undef FORM
#define FORM(taps, stride, tile) [taps][stride] = block_##taps##_##stride,
static block_form *const forms[MOST_TAPS + 1][3] = {FORMS};

static void block(const nlg_depthwise_block *job) {
    const nlg_conv_axis *cols = &job->cols;
    block_form *form = cols->step == 1 && cols->taps <= MOST_TAPS && cols->stride <= 2 ? forms[cols->taps][cols->stride] : NULL;
    if (form && cols->first > -cols->taps) {
        form(job);
        return;
    }
    for (int p = job->row_begin; p < job->row_end; p++) row_of_any(job, p);
}

/* ---- weight gradient ---- */

/* One row of outputs for tap rows from .. to of those held in `sum`, `count` taps each. */
typedef struct outer_row {
    const float *x, *dy; /* at output 0 and its first tap */
    int64_t down, right, next, ld_dy;
    int first, stride, step, source; /* columns */
    int q_begin, q_end, begin, end;  /* outputs; of which begin .. end see all these columns */
    int lanes;
} outer_row;

/* A pointer of which the compiler does not know how it was made: else it keeps a distance for each tap, more than there are
 * registers for. */
NLG_INLINE const float *opaque(const float *p) {
    __asm__("" : "+r"(p));
    return p;
}

NLG_INLINE void add_row(const outer_row *o, vn *sum, const int from, const int to, const int count, const bool whole) {
    const int64_t next = o->next, ld_dy = o->ld_dy, right = o->right;
    const int lanes = o->lanes, q_end = o->q_end, begin = o->begin, end = o->end;
    const float *dy = o->dy + o->q_begin * ld_dy, *x[MOST_ROWS];
    UNROLL for (int r = from; r < to; r++) x[r] = opaque(o->x + o->q_begin * next + r * o->down);
    for (int q = o->q_begin; q < q_end;) {
        if (q >= begin && q < end) {
            for (; q < end; q++) {
                vn gradient = load(dy, lanes, whole);
                UNROLL for (int r = from; r < to; r++) {
                    UNROLL for (int s = 0; s < count; s++) sum[r * count + s] =
                        vn_fma(load(x[r] + s * right, lanes, whole), gradient, sum[r * count + s]);
                    x[r] += next;
                }
                dy += ld_dy;
            }
            continue;
        }
        vn gradient = load(dy, lanes, whole);
        int column = q * o->stride + o->first;
        UNROLL for (int s = 0; s < count; s++) {
            if ((unsigned)(column + s * o->step) >= (unsigned)o->source) continue;
            UNROLL for (int r = from; r < to; r++) sum[r * count + s] =
                vn_fma(load(x[r] + s * right, lanes, whole), gradient, sum[r * count + s]);
        }
        UNROLL for (int r = from; r < to; r++) x[r] += next;
        dy += ld_dy;
        q++;
    }
}

/* Sums of `rows` x `count` taps from tap (r, s) on, for one register of channels: chains over the block's pixels in order. */
NLG_INLINE void outer_taps(const nlg_depthwise_outer *job, int channel, int lanes, int r, int s, const int rows, const int count,
                           const bool whole) {
    const nlg_depthwise_block *b = &job->block;
    const nlg_conv_axis *cols = &b->cols;
    int first = cols->first + s * cols->step, room = cols->source - 1 - first - (count - 1) * cols->step;
    outer_row o = {.down = b->rows.step * b->ld_row,
                   .right = cols->step * b->ld_x,
                   .next = cols->stride * b->ld_x,
                   .ld_dy = job->ld_dy,
                   .first = first,
                   .stride = cols->stride,
                   .step = cols->step,
                   .source = cols->source,
                   .q_begin = b->col_begin,
                   .q_end = b->col_end,
                   .begin = first < 0 ? (-first + cols->stride - 1) / cols->stride : 0,
                   .end = room < 0 ? 0 : room / cols->stride + 1,
                   .lanes = lanes};
    if (o.end > o.q_end) o.end = o.q_end;
    float *at = job->sums + ((int64_t)r * cols->taps + s) * b->ld_w + channel;
    vn sum[MOST_SUMS];
    UNROLL for (int i = 0; i < rows * count; i++) sum[i] = vn_load(at + (i / count * cols->taps + i % count) * b->ld_w);
    for (int p = b->row_begin; p < b->row_end; p++) {
        int top = p * b->rows.stride + b->rows.first + r * b->rows.step;
        o.x = b->x + top * b->ld_row + first * b->ld_x + channel;
        o.dy = job->dy + p * job->ld_dy_row + channel;
        if (top >= 0 && top + (rows - 1) * b->rows.step < b->rows.source) {
            add_row(&o, sum, 0, rows, count, whole);
            continue;
        }
        UNROLL for (int i = 0; i < rows; i++) if ((unsigned)(top + i * b->rows.step) < (unsigned)b->rows.source)
            add_row(&o, sum, i, i + 1, count, whole);
    }
    UNROLL for (int i = 0; i < rows * count; i++) vn_store(at + (i / count * cols->taps + i % count) * b->ld_w, sum[i]);
}

/* The forms that exist: OUTER(rows, taps), most rows first. */
#define OUTERS OUTER(3, 3) OUTER(2, 3) OUTER(1, 3) OUTER(3, 5) OUTER(2, 5) OUTER(1, 5) OUTER(2, 7) OUTER(1, 7) OUTER(1, 1)
#define OUTER(rows, taps)                                                                                                          \
    static void outer_##rows##_##taps(const nlg_depthwise_outer *job, int channel, int r, int s) {                                 \
        int lanes = job->block.channels - channel;                                                                                 \
        if (lanes >= NLG_NATIVE)                                                                                                   \
            outer_taps(job, channel, NLG_NATIVE, r, s, rows, taps, true);                                                          \
        else                                                                                                                       \
            outer_taps(job, channel, lanes, r, s, rows, taps, false);                                                              \
    }
OUTERS
#undef OUTER
#define OUTER(rows, taps) {rows, taps, outer_##rows##_##taps},
static const struct {
    int rows, taps;
    void (*run)(const nlg_depthwise_outer *job, int channel, int r, int s);
} outers[] = {OUTERS};

static void outer(const nlg_depthwise_outer *job) {
    const nlg_depthwise_block *b = &job->block;
    for (int c = 0; c < b->channels; c += NLG_NATIVE) {
        for (int r = 0, rows; r < b->rows.taps; r += rows) {
            int form = 0;
            while (outers[form].taps > 1 && (outers[form].taps != b->cols.taps || outers[form].rows > b->rows.taps - r)) form++;
            rows = outers[form].rows;
            for (int s = 0; s < b->cols.taps; s += outers[form].taps) outers[form].run(job, c, r, s);
        }
        if (!job->bias) continue;
        int lanes = b->channels - c < NLG_NATIVE ? b->channels - c : NLG_NATIVE;
        vn sum = vn_load(job->bias + c);
        for (int p = b->row_begin; p < b->row_end; p++)
            for (int q = b->col_begin; q < b->col_end; q++)
                sum = vn_add(sum, vn_load_n(job->dy + p * job->ld_dy_row + q * job->ld_dy + c, lanes));
        vn_store(job->bias + c, sum);
    }
}

extern const nlg_depthwise_simd NLG_NAME(depthwise_table);
const nlg_depthwise_simd NLG_NAME(depthwise_table) = {MOST_TILE, block, outer};
