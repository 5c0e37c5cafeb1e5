/* Microkernels of convolution: a tile of pixels x channels held in registers.
 *
 * Each step of k broadcasts one value of every pixel and multiplies it with one row of each panel of 16 channels. A full tile is
 * 6 pixels x 1 panel with AVX2 (12 of 16 registers) and NEON (24 of 32), and 12 x 2 with AVX-512 (24 of 32). A last panel of which
 * one register of channels is used goes as 12 pixels x that register. Left-over pixels take more panels at once instead, so that
 * enough independent chains hide the latency of the multiply-add: a single pixel, as in a linear layer, takes 6 or 8. */
#include "layers/kernels/conv_straight.h"
#include "layers/kernels/transpose.h"

#define PARTS (NLG_PANEL / NLG_NATIVE) /* registers that a panel's row takes */

/* NARROW_PIXELS: pixels of a tile of one register, 0 where that is a whole panel or has no tiles. */
#if NLG_ISA_LEVEL == 3
#define TILE_PIXELS   12
#define TILE_PANELS   2
#define MOST_PANELS   8
#define NARROW_PIXELS 0
#define BLOCK_K       192
#elif NLG_ISA_LEVEL == 2
#define TILE_PIXELS   6
#define TILE_PANELS   1
#define MOST_PANELS   6
#define NARROW_PIXELS 12
#define BLOCK_K       320
#elif NLG_ISA_LEVEL == 1
#define TILE_PIXELS   6
#define TILE_PANELS   1
#define MOST_PANELS   3
#define NARROW_PIXELS 0
#define BLOCK_K       320
#else
#define TILE_PIXELS   4
#define TILE_PANELS   1
#define MOST_PANELS   1
#define NARROW_PIXELS 0
#define BLOCK_K       320
#endif

#define MOST_PIXELS  12
#define MOST_VECTORS (MOST_PANELS * PARTS)
_Static_assert(MOST_VECTORS <= STRAIGHT_VECTORS, "a tile has a bias for each of its vectors");

enum { FAR_PIXELS = 8 /* of a source, fetched before they are multiplied */ };
enum { ACTIVE_PIXELS = 64 }; /* whose outputs wait in the first cache for a curved activation */

/* Register j of the panels' rows that begin at `rows`, `ld` floats apart. */
NLG_INLINE vn row_vector(const float *rows, int64_t ld, const int j) {
    return vn_load(rows + j / PARTS * ld + j % PARTS * NLG_NATIVE);
}

/* sum[i][j] += value[i] * row[j], with the shorter side held in registers and the longer one streamed past it. The values are
 * at x[i] + k, or one after the other at x[0]. */
NLG_INLINE void multiply_add(vn sum[][MOST_VECTORS], const float *const *x, int64_t k, const float *rows, int64_t ld, const int m,
                             const int v, const bool one) {
    vn held[MOST_PIXELS];
    if (m >= v) {
        UNROLL for (int j = 0; j < v; j++) held[j] = row_vector(rows, ld, j);
        UNROLL for (int i = 0; i < m; i++) {
            vn value = vn_set1(x[one ? 0 : i][one ? i : k]);
            UNROLL for (int j = 0; j < v; j++) sum[i][j] = vn_fma(value, held[j], sum[i][j]);
        }
    } else {
        UNROLL for (int i = 0; i < m; i++) held[i] = vn_set1(x[one ? 0 : i][one ? i : k]);
        UNROLL for (int j = 0; j < v; j++) {
            vn row = row_vector(rows, ld, j);
            UNROLL for (int i = 0; i < m; i++) sum[i][j] = vn_fma(held[i], row, sum[i][j]);
        }
    }
}

/* The same for one panel and one tap of groups of `size` channels, 16 of them in a row: row j meets each group's channel j. */
NLG_INLINE void multiply_add_groups(vn sum[][MOST_VECTORS], const float *const *x, int64_t k, const float *rows, const int m,
                                    const int size) {
    UNROLL for (int j = 0; j < size; j++) {
        UNROLL for (int h = 0; h < PARTS; h++) {
            vn row = vn_load(rows + j * NLG_PANEL + h * NLG_NATIVE);
            UNROLL for (int i = 0; i < m; i++) sum[i][h] = vn_fma(vn_spread(x[i] + k, h * NLG_NATIVE, size, j), row, sum[i][h]);
        }
        __asm__ volatile("" ::: "memory"); /* all rows at once would not fit the registers */
    }
}

/* Tiles of a fixed size from pixel `begin` to `end` through the panels from `panel` on. */
typedef void gemm_tile(const nlg_conv_gemm *job, int begin, int end, int panel);
typedef void outer_tile(const nlg_conv_outer *job, int64_t row, int panel);

/* Sums of one panel, 16 channels from `channel` on, for `pixels` pixels of the list. */
static __attribute__((noinline)) void finish_panel(const nlg_conv_output *out, const int64_t *index, int pixels, int channel,
                                                   const float *sums, int64_t ld) {
    finisher f = finisher_at(out, channel);
    if (f.lanes == NLG_PANEL)
        for (int i = 0; i < pixels; i++) finish_vector(&f, vf_load(sums + i * ld), index[i], true);
    else
        for (int i = 0; i < pixels; i++) finish_vector(&f, vf_load(sums + i * ld), index[i], false);
}

/* Bounded outputs of one register of channels, some of them unused, for `pixels` pixels of the list. */
static __attribute__((noinline)) void finish_some(const nlg_conv_output *out, const int64_t *index, int pixels, int channel,
                                                  const float *sums, int64_t ld) {
    straight_finisher f;
    const nlg_conv_output o = *out;
    const int lanes = o.channels - channel;
    straight_finisher_init(&f, &o, channel, 1);
    if (lanes >= NLG_NATIVE)
        for (int i = 0; i < pixels; i++) finish_straight(&o, &f, vn_load(sums + i * ld), index[i], channel, 0, lanes, false, true);
    else if (is_plain(&o))
        for (int i = 0; i < pixels; i++) finish_straight(&o, &f, vn_load(sums + i * ld), index[i], channel, 0, lanes, true, false);
    else
        for (int i = 0; i < pixels; i++) finish_straight(&o, &f, vn_load(sums + i * ld), index[i], channel, 0, lanes, false, false);
}

/* y = act(y) on `count` channels from `channel` on, `pixels` pixels of the list. A tile at a time, the long chain of a curved
 * activation would wait for itself; over many the processor finds other values to go on with. */
static __attribute__((noinline)) void activate(const nlg_conv_output *out, const int64_t *index, int pixels, int channel,
                                               int count) {
    float *y = out->y + channel;
    NLG_CURVED_CASES(out->act, {
        for (int i = 0; i < pixels; i++) activate_row(ACT, y + index[i] * out->ld_y, count);
    });
}

/* Lines of a tile's outputs lie far apart: nothing else foresees them. */
NLG_INLINE void prefetch_output(const nlg_conv_output *out, int64_t index, int channel, const int panels) {
    const float *y = out->y + index * out->ld_y + channel;
    UNROLL for (int j = 0; j < panels; j++) __builtin_prefetch(y + j * NLG_PANEL, 1, 3);
    if (out->gate) {
        const float *gate = out->gate + index * out->ld_gate + channel;
        UNROLL for (int j = 0; j < panels; j++) __builtin_prefetch(gate + j * NLG_PANEL, 0, 3);
    }
    if (!out->add) return;
    const float *add = out->add + index * out->ld_add + channel;
    UNROLL for (int j = 0; j < panels; j++) __builtin_prefetch(add + j * NLG_PANEL, 0, 3);
}

/* While the tiles pass, the weights of the following panels are brought nearer, an equal share with every tile; or the following
 * tile's source where it is read for the first time and in one piece. Tiles of one register have few weights and no load to spare.
 */
NLG_INLINE void gemm_body(const nlg_conv_gemm *caller, int begin, int end, int panel, const int pixels, const int vectors) {
    const nlg_conv_gemm job = *caller;
    const int channel = panel * NLG_PANEL, panels = (vectors + PARTS - 1) / PARTS;
    const int64_t panel_stride = job.panel_stride, ld_partial = (int64_t)job.panels * NLG_PANEL;
    const float *weights = job.w + panel * panel_stride, *ahead = panel + panels < job.panels ? weights + panels * panel_stride
                                                                  : job.next                  ? job.next
                                                                                              : weights;
    int64_t ahead_tile = job.length * NLG_PANEL * pixels / (end - begin),
            ahead_step = (NLG_PANEL * pixels + end - begin - 1) / (end - begin);
    if (job.fresh && panel == 0 && end - begin > pixels && job.offset[begin + 1] - job.offset[begin] == job.length) {
        ahead = job.x + job.offset[begin] + pixels * job.length;
        ahead_tile = pixels * job.length;
        ahead_step = pixels;
    }
    const bool plain = is_plain(&job.out), straight = job.last && job.out.act <= NLG_ACT_RELU6,
               whole = job.last && channel + vectors * NLG_NATIVE <= job.out.channels;
    int active = begin; /* pixels before it are activated */
    straight_finisher f;
    straight_finisher_init(&f, &job.out, channel, vectors);

    for (int pixel = begin; pixel < end; pixel += pixels, ahead += ahead_tile) {
        vn sum[MOST_PIXELS][MOST_VECTORS];
        const float *x[MOST_PIXELS], *w = weights, *at = ahead;
        float *partial = job.partial + pixel * ld_partial + channel;
        UNROLL for (int i = 0; i < pixels; i++) {
            x[i] = job.x + job.offset[pixel + i];
            UNROLL for (int j = 0; j < vectors; j++) sum[i][j] =
                job.first ? vn_zero() : vn_load(partial + i * ld_partial + j * NLG_NATIVE);
        }

        if (job.last) UNROLL for (int i = 0; i < pixels; i++) prefetch_output(&job.out, job.index[pixel + i], channel, panels);

        int64_t left = job.length, skip = job.skip;
        for (const nlg_conv_run *run = job.runs; left > 0; run++) {
            int64_t k = run->offset + skip, count = run->length - skip < left ? run->length - skip : left, stop = k + count;
            left -= count;
            skip = 0;
            if (vectors == PARTS && job.spread) {
                for (; k < stop; k += NLG_PANEL, w += job.spread * NLG_PANEL) {
                    if (job.spread == 4)
                        multiply_add_groups(sum, x, k, w, pixels, 4);
                    else
                        multiply_add_groups(sum, x, k, w, pixels, 8);
                }
                continue;
            }
            for (; k < stop; k++, w += NLG_PANEL, at += ahead_step) {
                if (vectors >= PARTS)
                    UNROLL for (int j = 0; j < panels && j < TILE_PANELS; j++) __builtin_prefetch(at + j * panel_stride, 0, 2);
                multiply_add(sum, x, k, w, panel_stride, pixels, vectors, false);
            }
        }

        const int64_t *index = job.index + pixel;
        if (whole && plain) {
            UNROLL for (int i = 0; i < pixels; i++) UNROLL for (int j = 0; j < vectors; j++)
                finish_straight(&job.out, &f, sum[i][j], index[i], channel + j * NLG_NATIVE, j, NLG_NATIVE, true, true);
        } else if (whole) {
            UNROLL for (int i = 0; i < pixels; i++) UNROLL for (int j = 0; j < vectors; j++)
                finish_straight(&job.out, &f, sum[i][j], index[i], channel + j * NLG_NATIVE, j, NLG_NATIVE, false, true);
            if (!straight && (pixel + pixels == end || pixel + pixels - active >= ACTIVE_PIXELS)) {
                activate(&caller->out, job.index + active, pixel + pixels - active, channel, vectors * NLG_NATIVE);
                active = pixel + pixels;
            }
        } else if (!job.last) {
            UNROLL for (int i = 0; i < pixels; i++) UNROLL for (int j = 0; j < vectors; j++)
                vn_store(partial + i * ld_partial + j * NLG_NATIVE, sum[i][j]);
        } else {
            const int ld = panels * NLG_PANEL;
            float finished[MOST_PIXELS * MOST_VECTORS * NLG_NATIVE];
            UNROLL for (int i = 0; i < pixels; i++) UNROLL for (int j = 0; j < panels * PARTS; j++)
                vn_store(finished + i * ld + j * NLG_NATIVE, j < vectors ? sum[i][j] : vn_zero());
            for (int j = 0; straight && j < vectors && channel + j * NLG_NATIVE < job.out.channels; j++)
                finish_some(&caller->out, index, pixels, channel + j * NLG_NATIVE, finished + j * NLG_NATIVE, ld);
            for (int j = 0; !straight && j < panels; j++)
                finish_panel(&caller->out, index, pixels, channel + j * NLG_PANEL, finished + j * NLG_PANEL, ld);
        }
    }
}

NLG_INLINE void outer_body(const nlg_conv_outer *job, int64_t row, int panel, const int rows, const int vectors) {
    vn sum[MOST_PIXELS][MOST_VECTORS];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = vn_zero();
    const float *x = job->x + row, *dy = job->dy + panel * job->dy_stride;
    const int64_t dy_stride = job->dy_stride, *offset = job->offset, *end = offset + job->pixels;
    if (job->row_offset) {
        const float *at[MOST_PIXELS];
        UNROLL for (int i = 0; i < rows; i++) at[i] = job->x + job->row_offset[row + i];
        for (; offset < end; offset++, dy += NLG_PANEL) multiply_add(sum, at, *offset, dy, dy_stride, rows, vectors, false);
    }
    /* The first rows fetch ahead what all rows read: a few of a pixel's channels at a time follow no pattern. */
    const int64_t far = row == 0 && panel == 0 && job->pixels > 1 ? FAR_PIXELS * (job->offset[1] - job->offset[0]) : 0;
    for (; far && offset < end; offset++, dy += NLG_PANEL) {
        const float *at = x + *offset;
        for (int64_t i = 0; i < job->rows; i += NLG_LANES) __builtin_prefetch(at + far + i, 0, 3);
        multiply_add(sum, &at, 0, dy, dy_stride, rows, vectors, true);
    }
    for (; offset < end; offset++, dy += NLG_PANEL) {
        const float *at = x + *offset;
        multiply_add(sum, &at, 0, dy, dy_stride, rows, vectors, true);
    }
    float *out = job->out + panel * job->out_stride + row * NLG_PANEL;
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++) {
        float *p = out + j / PARTS * job->out_stride + i * NLG_PANEL + j % PARTS * NLG_NATIVE;
        vn_store(p, vn_add(vn_load(p), sum[i][j]));
    }
}

/* clang-format off */
/* The tiles that exist: TILE(pixels, registers of channels). */
#if NLG_ISA_LEVEL == 3
#define TILES                                                                                                                      \
    TILE(1, 1)                                                                                                                     \
    TILE(1, 2)                                                                                                                     \
    TILE(1, 4)                                                                                                                     \
    TILE(1, 8)                                                                                                                     \
    TILE(2, 1)                                                                                                                     \
    TILE(2, 2)                                                                                                                     \
    TILE(2, 4)                                                                                                                     \
    TILE(2, 8) TILE(3, 1) TILE(3, 2) TILE(3, 4) TILE(4, 1) TILE(4, 2) TILE(4, 4) TILE(5, 1) TILE(5, 2) TILE(5, 4) TILE(6, 1)       \
        TILE(6, 2) TILE(6, 4) TILE(7, 1) TILE(7, 2) TILE(8, 1) TILE(8, 2) TILE(9, 1) TILE(9, 2) TILE(10, 1) TILE(10, 2)            \
            TILE(11, 1) TILE(11, 2) TILE(12, 1) TILE(12, 2)
#elif NLG_ISA_LEVEL == 2
#define TILES                                                                                                                      \
    TILE(1, 2)                                                                                                                     \
    TILE(1, 4) TILE(1, 6) TILE(1, 12) TILE(2, 2) TILE(2, 4) TILE(2, 6) TILE(3, 2) TILE(3, 4) TILE(4, 2) TILE(5, 2) TILE(6, 2)      \
    TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(7, 1) TILE(8, 1) TILE(9, 1) TILE(10, 1) TILE(11, 1)     \
    TILE(12, 1)
#elif NLG_ISA_LEVEL == 1
#define TILES                                                                                                                      \
    TILE(1, 4)                                                                                                                     \
    TILE(1, 8) TILE(1, 12) TILE(2, 4) TILE(2, 8) TILE(2, 12) TILE(3, 4) TILE(3, 8) TILE(4, 4) TILE(5, 4) TILE(6, 4)
#else
#define TILES TILE(1, 4) TILE(2, 4) TILE(3, 4) TILE(4, 4)
#endif
/* clang-format on */

#define TILE(m, v)                                                                                                                 \
    static void gemm_##m##x##v(const nlg_conv_gemm *job, int begin, int end, int panel) {                                          \
        gemm_body(job, begin, end, panel, m, v);                                                                                   \
    }                                                                                                                              \
    static void outer_##m##x##v(const nlg_conv_outer *job, int64_t row, int panel) {                                               \
        outer_body(job, row, panel, m, v);                                                                                         \
    }
TILES
#undef TILE
#define TILE(m, v) [m][v] = gemm_##m##x##v,
static gemm_tile *const gemm_tiles[MOST_PIXELS + 1][MOST_VECTORS + 1] = {TILES};
#undef TILE
#define TILE(m, v) [m][v] = outer_##m##x##v,
static outer_tile *const outer_tiles[MOST_PIXELS + 1][MOST_VECTORS + 1] = {TILES};

/* Panels from which a tile of one register takes over: the last one where no more of its channels are used. */
static int wide_panels(int panels, int channels, int64_t pixels) {
    return NARROW_PIXELS && pixels >= TILE_PIXELS && channels <= (panels - 1) * NLG_PANEL + NLG_NATIVE ? panels - 1 : panels;
}

static void gemm_pixels(const nlg_conv_gemm *job, int begin, int end, int tile, int last, int most_panels) {
    for (int panel = 0, panels; panel < last; panel += panels) {
        panels = last - panel < most_panels ? last - panel : most_panels;
        while (!gemm_tiles[tile][panels * PARTS]) panels--;
        gemm_tiles[tile][panels * PARTS](job, begin, end, panel);
    }
}

static void gemm(const nlg_conv_gemm *job) {
    int tail = job->pixels % TILE_PIXELS, whole = job->pixels - tail;
    int wide = wide_panels(job->panels, job->out.channels, job->pixels);
    if (whole) gemm_pixels(job, 0, whole, TILE_PIXELS, wide, TILE_PANELS);
    if (tail) gemm_pixels(job, whole, job->pixels, tail, wide, MOST_PANELS);
#if NARROW_PIXELS
    if (wide == job->panels) return;
    tail = job->pixels % NARROW_PIXELS, whole = job->pixels - tail;
    if (whole) gemm_tiles[NARROW_PIXELS][1](job, 0, whole, wide);
    if (tail) gemm_tiles[tail][1](job, whole, job->pixels, wide);
#endif
}

/* Rows in tiles of at most `tile`, as equal as can be: a tile of one or two has too few chains. */
static void outer_panels(const nlg_conv_outer *job, int begin, int end, int64_t tile, bool narrow) {
    int64_t tiles = (job->rows + tile - 1) / tile;
    for (int64_t i = 0; i < tiles; i++) {
        int64_t row = job->rows * i / tiles;
        int rows = (int)(job->rows * (i + 1) / tiles - row);
        for (int panel = begin, panels; panel < end; panel += panels) {
            int most = rows == TILE_PIXELS ? TILE_PANELS : MOST_PANELS;
            panels = end - panel < most ? end - panel : most;
            while (!narrow && !outer_tiles[rows][panels * PARTS]) panels--;
            outer_tiles[rows][narrow ? 1 : panels * PARTS](job, row, panel);
        }
    }
}

static void outer(const nlg_conv_outer *job) {
    int wide = wide_panels(job->panels, job->panels * NLG_PANEL - job->unused, job->rows);
    if (wide) outer_panels(job, 0, wide, TILE_PIXELS, false);
    if (wide < job->panels) outer_panels(job, wide, job->panels, NARROW_PIXELS, true);
}

static void finish(const nlg_conv_output *out, int64_t pixels) {
    for (int64_t i = 0; i < pixels; i++)
        for (int channel = 0; channel < out->channels; channel += NLG_PANEL) {
            int lanes = out->channels - channel < NLG_PANEL ? out->channels - channel : NLG_PANEL;
            float sums[NLG_PANEL];
            vf_store(sums, vf_load_n(out->y + i * out->ld_y + channel, lanes));
            finish_panel(out, &i, 1, channel, sums, NLG_PANEL);
        }
}

static void pack_panel(const float *dy, int64_t ld, int channels, int pixels, float *panel, float *sum) {
    vf total = vf_zero();
    for (int i = 0; i < pixels; i++) {
        vf v = channels == NLG_PANEL ? vf_load(dy + i * ld) : vf_load_n(dy + i * ld, channels);
        total = vf_add(total, v);
        vf_store(panel + (int64_t)i * NLG_PANEL, v);
    }
    vf_store(sum, vf_add(vf_load(sum), total));
}

static void add(float *sum, const float *addend, int64_t vectors) {
    for (int64_t i = 0; i < vectors * NLG_LANES; i += NLG_LANES) vf_store(sum + i, vf_add(vf_load(sum + i), vf_load(addend + i)));
}

/* ---- panels from and to rows ---- */

static void pack_rows(const nlg_conv_transpose *transpose, const float *from, float *panel) {
    if (transpose->ld == 1 && transpose->columns == 1) {
        if (transpose->position[0] >= 0) vf_store(panel + transpose->position[0], vf_load_n(from, transpose->rows));
        return;
    }
    int phase = 0;
    for (int64_t j = 0; j < transpose->columns; j += NLG_LANES) {
        int count = transpose->columns - j < NLG_LANES ? (int)(transpose->columns - j) : NLG_LANES;
        vf v[NLG_LANES];
        for (int i = 0; i < NLG_LANES; i++) {
            const float *row = from + i * transpose->ld + j;
            v[i] = i >= transpose->rows ? vf_zero() : count == NLG_LANES ? vf_load(row) : vf_load_n(row, count);
        }
        vf_transpose(v);
        for (int i = 0; i < count; i++) {
            if (transpose->position[phase] >= 0) vf_store(panel + transpose->position[phase], v[i]);
            if (++phase == transpose->period) phase = 0, panel += NLG_LANES;
        }
    }
}

static void unpack_rows(const nlg_conv_transpose *transpose, const float *panel, float *to, bool accumulate) {
    int phase = 0;
    for (int64_t j = 0; j < transpose->columns; j += NLG_LANES) {
        int count = transpose->columns - j < NLG_LANES ? (int)(transpose->columns - j) : NLG_LANES;
        vf v[NLG_LANES];
        for (int i = 0; i < NLG_LANES; i++) {
            v[i] = vf_zero();
            if (i >= count) continue;
            v[i] = vf_load(panel + transpose->position[phase]);
            if (++phase == transpose->period) phase = 0, panel += NLG_LANES;
        }
        vf_transpose(v);
        for (int i = 0; i < transpose->rows; i++) {
            float *row = to + i * transpose->ld + j;
            if (count == NLG_LANES) {
                vf_store(row, accumulate ? vf_add(vf_load(row), v[i]) : v[i]);
            } else {
                vf_store_n(row, accumulate ? vf_add(vf_load_n(row, count), v[i]) : v[i], count);
            }
        }
    }
}

extern const nlg_conv_simd NLG_NAME(conv_table);
const nlg_conv_simd NLG_NAME(conv_table) = {TILE_PIXELS, BLOCK_K, gemm, outer, finish, pack_panel, add, pack_rows, unpack_rows};
