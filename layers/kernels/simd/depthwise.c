/* Depthwise convolution: vectors over channels.
 *
 * Inside the image a tile of neighbouring outputs shares the weights of each tap. At the borders a single output takes the taps
 * that lie inside, for several vectors of channels at once, so that enough chains hide the latency of the multiply-add. Leaving a
 * tap out equals adding a product with zero. */
#include "layers/kernels/depthwise_simd.h"
#include "layers/kernels/conv_finish.h"

#if NLG_ISA_LEVEL == 3
#define TILE 12
#elif NLG_ISA_LEVEL == 2
#define TILE 6
#else
#define TILE 2
#endif
#define BORDER_VECTORS 4 /* of one output at the border */
#define OUTER_TAPS     5 /* chains of the weight gradient held at once */

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

NLG_INLINE vf load(const float *p, int lanes, const bool whole) {
    return whole ? vf_load(p) : vf_load_n(p, lanes);
}

/* First and last output (exclusive) of which every tap lies inside. */
static void interior(const nlg_depthwise_row *job, int *begin, int *end) {
    int left = job->first < 0 ? (-job->first + job->stride - 1) / job->stride : 0;
    int room = job->columns - 1 - job->first - (job->taps - 1) * job->step;
    int right = room < 0 ? 0 : room / job->stride + 1;
    *begin = left < job->outputs ? left : job->outputs;
    *end = right < job->outputs ? right : job->outputs;
    if (*end < *begin) *end = *begin;
}

/* Taps of output q that lie inside. */
static void inside(const nlg_depthwise_row *job, int q, int *begin, int *end) {
    int first = q * job->stride + job->first;
    int low = first < 0 ? (-first + job->step - 1) / job->step : 0,
        high = first >= job->columns ? 0 : (job->columns - 1 - first) / job->step + 1;
    *begin = low < job->taps ? low : job->taps;
    *end = high < job->taps ? high : job->taps;
    if (*end < *begin) *end = *begin;
}

/* Kept apart from the tiles, whose sums would else be kept in memory for it. */
static __attribute__((noinline)) void finish_tile(const nlg_depthwise_row *job, int64_t index, int channel, int outputs,
                                                  int vectors, const float *sums) {
    for (int v = 0; v < vectors; v++) {
        finisher f = finisher_at(&job->out, channel + v * NLG_LANES);
        for (int i = 0; i < outputs; i++, sums += NLG_LANES)
            finish_vector(&f, vf_load(sums), index + i * job->out_step, f.lanes == NLG_LANES);
    }
}

/* Outputs q .. q + outputs - 1, or one output's `vectors` x 16 channels. */
NLG_INLINE void tile(const nlg_depthwise_row *job, int q, int tap_begin, int tap_end, int channel, const int outputs,
                     const int vectors, const bool whole) {
    const int count = outputs * vectors;
    vf sum[TILE];
    UNROLL for (int t = 0; t < count; t++) sum[t] = vf_zero();
    int64_t step = job->step * job->ld_x, next = vectors > 1 ? NLG_LANES : job->stride * job->ld_x;
    int lanes = job->channels - channel;
    for (int r = job->row_begin; r < job->row_end; r++) {
        const float *x = job->x + r * job->row_step + (q * job->stride + job->first) * job->ld_x + tap_begin * step + channel;
        const float *w = job->w + ((int64_t)r * job->taps + tap_begin) * job->ld_w + channel;
        for (int s = tap_begin; s < tap_end; s++, x += step, w += job->ld_w) {
            vf weight = vf_load(w);
            UNROLL for (int t = 0; t < count; t++) {
                if (vectors > 1) weight = vf_load(w + t * NLG_LANES);
                sum[t] = vf_fma(load(x + t * next, lanes, whole), weight, sum[t]);
            }
        }
    }
    int64_t index = job->index + q * job->out_step;
    if (whole && is_plain(&job->out)) {
        float *y = job->out.y + index * job->out.ld_y + channel;
        int64_t apart = vectors > 1 ? NLG_LANES : job->out_step * job->out.ld_y;
        UNROLL for (int t = 0; t < count; t++) vf_store(y + t * apart, sum[t]);
        return;
    }
    float sums[TILE * NLG_LANES];
    UNROLL for (int t = 0; t < count; t++) vf_store(sums + t * NLG_LANES, sum[t]);
    finish_tile(job, index, channel, outputs, vectors, sums);
}

static void row(const nlg_depthwise_row *job) {
    int begin, end, whole = job->channels / NLG_LANES * NLG_LANES;
    interior(job, &begin, &end);
    for (int q = 0; q < job->outputs;) {
        int tap_begin, tap_end, c = 0;
        inside(job, q, &tap_begin, &tap_end);
        if (q >= begin && q + TILE <= end) {
            for (; c < whole; c += NLG_LANES) tile(job, q, tap_begin, tap_end, c, TILE, 1, true);
            if (c < job->channels) tile(job, q, tap_begin, tap_end, c, TILE, 1, false);
            q += TILE;
        } else {
            for (; c + BORDER_VECTORS * NLG_LANES <= whole; c += BORDER_VECTORS * NLG_LANES)
                tile(job, q, tap_begin, tap_end, c, 1, BORDER_VECTORS, true);
            for (; c < whole; c += NLG_LANES) tile(job, q, tap_begin, tap_end, c, 1, 1, true);
            if (c < job->channels) tile(job, q, tap_begin, tap_end, c, 1, 1, false);
            q++;
        }
    }
}

/* Sums of `count` taps of one tap row from `tap` on: x at column 0, dy at output 0. */
NLG_INLINE void outer_taps(const nlg_depthwise_outer *job, const float *x, const float *dy, float *sums, int tap, int begin,
                           int end, int lanes, const int count, const bool whole) {
    const nlg_depthwise_row *row = &job->row;
    vf sum[OUTER_TAPS];
    UNROLL for (int s = 0; s < count; s++) sum[s] = vf_load(sums + s * row->ld_w);
    int64_t step = row->step * row->ld_x, next = row->stride * row->ld_x;
    const float *at = x + (row->first + tap * row->step) * row->ld_x;
    for (int q = 0; q < row->outputs; q++, at += next, dy += job->ld_dy) {
        if (q == begin)
            for (; q < end; q++, at += next, dy += job->ld_dy) {
                vf gradient = load(dy, lanes, whole);
                UNROLL for (int s = 0; s < count; s++) sum[s] = vf_fma(load(at + s * step, lanes, whole), gradient, sum[s]);
            }
        if (q == row->outputs) break;
        vf gradient = load(dy, lanes, whole);
        int column = q * row->stride + row->first + tap * row->step;
        UNROLL for (int s = 0; s < count; s++) if (column + s * row->step >= 0 && column + s * row->step < row->columns) sum[s] =
            vf_fma(load(at + s * step, lanes, whole), gradient, sum[s]);
    }
    UNROLL for (int s = 0; s < count; s++) vf_store(sums + s * row->ld_w, sum[s]);
}

NLG_INLINE void outer_channels(const nlg_depthwise_outer *job, int channel, int begin, int end, const bool whole) {
    const nlg_depthwise_row *row = &job->row;
    int lanes = row->channels - channel;
    const float *dy = job->dy + channel;
    for (int r = row->row_begin; r < row->row_end; r++) {
        const float *x = row->x + r * row->row_step + channel;
        for (int tap = 0, count; tap < row->taps; tap += count) {
            float *sums = job->sums + ((int64_t)r * row->taps + tap) * row->ld_w + channel;
            count = row->taps - tap < OUTER_TAPS ? row->taps - tap : OUTER_TAPS;
            switch (count) {
            case 1:
                outer_taps(job, x, dy, sums, tap, begin, end, lanes, 1, whole);
                break;
            case 2:
                outer_taps(job, x, dy, sums, tap, begin, end, lanes, 2, whole);
                break;
            case 3:
                outer_taps(job, x, dy, sums, tap, begin, end, lanes, 3, whole);
                break;
            case 4:
                outer_taps(job, x, dy, sums, tap, begin, end, lanes, 4, whole);
                break;
            default:
                outer_taps(job, x, dy, sums, tap, begin, end, lanes, 5, whole);
                break;
            }
        }
    }
    if (!job->bias) return;
    vf bias = vf_load(job->bias + channel);
    for (int q = 0; q < row->outputs; q++) bias = vf_add(bias, load(dy + q * job->ld_dy, lanes, whole));
    vf_store(job->bias + channel, bias);
}

static void outer(const nlg_depthwise_outer *job) {
    int begin, end, c = 0;
    interior(&job->row, &begin, &end);
    for (; c + NLG_LANES <= job->row.channels; c += NLG_LANES) outer_channels(job, c, begin, end, true);
    if (c < job->row.channels) outer_channels(job, c, begin, end, false);
}

extern const nlg_depthwise_simd NLG_NAME(depthwise_table);
const nlg_depthwise_simd NLG_NAME(depthwise_table) = {row, outer};
