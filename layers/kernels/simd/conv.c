/* Microkernels of convolution: a tile of pixels x 16-channel panels held in registers.
 *
 * Each step of k broadcasts one value of every pixel and multiplies it with one row of each panel. A full tile is 6 pixels x 1
 * panel with AVX2 (12 of 16 registers) and 12 x 2 with AVX-512 (24 of 32); left-over pixels take more panels at once instead, so
 * that enough independent chains hide the latency of the multiply-add: a single pixel, as in a linear layer, takes 6 or 8. */
#include "layers/kernels/conv_finish.h"
#include "layers/kernels/transpose.h"

#if NLG_ISA_LEVEL == 3
#define TILE_PIXELS 12
#define TILE_PANELS 2
#define BLOCK_K     192
#elif NLG_ISA_LEVEL == 2
#define TILE_PIXELS 6
#define TILE_PANELS 1
#define BLOCK_K     320
#else
#define TILE_PIXELS 4
#define TILE_PANELS 1
#define BLOCK_K     320
#endif

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* sum[i][j] += value[i] * row[j], with the shorter side held in registers and the longer one streamed past it. The values are
 * at x[i] + k, or one after the other at x[0]. */
NLG_INLINE void multiply_add(vf sum[][8], const float *const *x, int64_t k, const float *rows, int64_t ld, const int m, const int p,
                             const bool one) {
    vf held[8];
    if (m >= p) {
        UNROLL for (int j = 0; j < p; j++) held[j] = vf_load(rows + j * ld);
        UNROLL for (int i = 0; i < m; i++) {
            vf value = vf_set1(x[one ? 0 : i][one ? i : k]);
            UNROLL for (int j = 0; j < p; j++) sum[i][j] = vf_fma(value, held[j], sum[i][j]);
        }
    } else {
        UNROLL for (int i = 0; i < m; i++) held[i] = vf_set1(x[one ? 0 : i][one ? i : k]);
        UNROLL for (int j = 0; j < p; j++) {
            vf row = vf_load(rows + j * ld);
            UNROLL for (int i = 0; i < m; i++) sum[i][j] = vf_fma(held[i], row, sum[i][j]);
        }
    }
}

/* The same for one tap of groups of `size` channels, 16 of them in a row: row j meets each group's channel j. */
NLG_INLINE void multiply_add_groups(vf sum[][8], const float *const *x, int64_t k, const float *rows, const int m, const int size) {
    UNROLL for (int j = 0; j < size; j++) {
        vf row = vf_load(rows + j * NLG_PANEL);
        UNROLL for (int i = 0; i < m; i++) sum[i][0] = vf_fma(vf_spread(x[i] + k, size, j), row, sum[i][0]);
        __asm__ volatile("" ::: "memory"); /* all rows at once would not fit the registers */
    }
}

/* Tiles of a fixed size from pixel `begin` to `end` through the panels from `panel` on. */
typedef void gemm_tile(const nlg_conv_gemm *job, int begin, int end, int panel);
typedef void outer_tile(const nlg_conv_outer *job, int64_t row, int panel);

/* What is not whole vectors or straight activations: sums of one panel, 16 channels from `channel` on, for `pixels` pixels of the
 * list. */
static __attribute__((noinline)) void finish_panel(const nlg_conv_output *out, const int64_t *index, int pixels, int channel,
                                                   const float *sums, int64_t ld) {
    finisher f = finisher_at(out, channel);
    if (f.lanes == NLG_PANEL)
        for (int i = 0; i < pixels; i++) finish_vector(&f, vf_load(sums + i * ld), index[i], true);
    else
        for (int i = 0; i < pixels; i++) finish_vector(&f, vf_load(sums + i * ld), index[i], false);
}

/* While the tiles pass, the weights of the following panels are brought nearer, an equal share with every tile; or the following
 * tile's source where it is read for the first time and in one piece. */
NLG_INLINE void gemm_body(const nlg_conv_gemm *caller, int begin, int end, int panel, const int pixels, const int panels) {
    const nlg_conv_gemm job = *caller;
    const int channel = panel * NLG_PANEL;
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
    const bool whole = job.last && channel + panels * NLG_PANEL <= job.out.channels, plain = whole && is_plain(&job.out),
               straight = whole && job.out.act <= NLG_ACT_RELU6;
    finisher f[8];
    UNROLL for (int j = 0; j < panels; j++) {
        f[j] = finisher_at(&job.out, channel + j * NLG_PANEL);
        f[j].curved = false;
    }

    for (int pixel = begin; pixel < end; pixel += pixels, ahead += ahead_tile) {
        vf sum[TILE_PIXELS][8];
        const float *x[TILE_PIXELS], *w = weights, *at = ahead;
        float *partial = job.partial + pixel * ld_partial + channel;
        UNROLL for (int i = 0; i < pixels; i++) {
            x[i] = job.x + job.offset[pixel + i];
            UNROLL for (int j = 0; j < panels; j++) sum[i][j] =
                job.first ? vf_zero() : vf_load(partial + i * ld_partial + j * NLG_PANEL);
        }

        int64_t left = job.length, skip = job.skip;
        for (const nlg_conv_run *run = job.runs; left > 0; run++) {
            int64_t k = run->offset + skip, count = run->length - skip < left ? run->length - skip : left, stop = k + count;
            left -= count;
            skip = 0;
            if (panels == 1 && job.spread) {
                for (; k < stop; k += NLG_PANEL, w += job.spread * NLG_PANEL) {
                    if (job.spread == 4)
                        multiply_add_groups(sum, x, k, w, pixels, 4);
                    else
                        multiply_add_groups(sum, x, k, w, pixels, 8);
                }
                continue;
            }
            for (; k < stop; k++, w += NLG_PANEL, at += ahead_step) {
                UNROLL for (int j = 0; j < panels && j < TILE_PANELS; j++) __builtin_prefetch(at + j * panel_stride, 0, 2);
                multiply_add(sum, x, k, w, panel_stride, pixels, panels, false);
            }
        }

        const int64_t *index = job.index + pixel;
        if (plain) {
            UNROLL for (int i = 0; i < pixels; i++) {
                float *y = job.out.y + index[i] * job.out.ld_y + channel;
                UNROLL for (int j = 0; j < panels; j++) vf_store(y + j * NLG_PANEL, sum[i][j]);
            }
        } else if (straight) {
            UNROLL for (int i = 0; i < pixels; i++) UNROLL for (int j = 0; j < panels; j++)
                finish_vector(&f[j], sum[i][j], index[i], true);
        } else {
            float finished[TILE_PIXELS * 8 * NLG_PANEL];
            float *to = job.last ? finished : partial;
            int64_t ld = job.last ? panels * NLG_PANEL : ld_partial;
            UNROLL for (int i = 0; i < pixels; i++) UNROLL for (int j = 0; j < panels; j++)
                vf_store(to + i * ld + j * NLG_PANEL, sum[i][j]);
            for (int j = 0; job.last && j < panels; j++)
                finish_panel(&caller->out, index, pixels, channel + j * NLG_PANEL, finished + j * NLG_PANEL, ld);
        }
    }
}

NLG_INLINE void outer_body(const nlg_conv_outer *job, int64_t row, int panel, const int rows, const int panels) {
    vf sum[TILE_PIXELS][8];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < panels; j++) sum[i][j] = vf_zero();
    const float *x = job->x + row, *dy = job->dy + panel * job->dy_stride;
    int64_t dy_stride = job->dy_stride;
    for (const int64_t *offset = job->offset, *end = offset + job->pixels; offset < end; offset++, dy += NLG_PANEL) {
        const float *at = x + *offset;
        multiply_add(sum, &at, 0, dy, dy_stride, rows, panels, true);
    }
    float *out = job->out + panel * job->out_stride + row * NLG_PANEL;
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < panels; j++) {
        float *p = out + j * job->out_stride + i * NLG_PANEL;
        vf_store(p, vf_add(vf_load(p), sum[i][j]));
    }
}

/* clang-format off */
/* The tiles that exist: TILE(pixels, panels). */
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
    TILE(1, 1)                                                                                                                     \
    TILE(1, 2) TILE(1, 3) TILE(1, 6) TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(3, 1) TILE(3, 2) TILE(4, 1) TILE(5, 1) TILE(6, 1)
#else
#define TILES TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1)
#endif
/* clang-format on */

#define TILE(m, p)                                                                                                                 \
    static void gemm_##m##x##p(const nlg_conv_gemm *job, int begin, int end, int panel) {                                          \
        gemm_body(job, begin, end, panel, m, p);                                                                                   \
    }                                                                                                                              \
    static void outer_##m##x##p(const nlg_conv_outer *job, int64_t row, int panel) {                                               \
        outer_body(job, row, panel, m, p);                                                                                         \
    }
TILES
#undef TILE
#define TILE(m, p) [m][p] = gemm_##m##x##p,
static gemm_tile *const gemm_tiles[TILE_PIXELS + 1][9] = {TILES};
#undef TILE
#define TILE(m, p) [m][p] = outer_##m##x##p,
static outer_tile *const outer_tiles[TILE_PIXELS + 1][9] = {TILES};

static void gemm_pixels(const nlg_conv_gemm *job, int begin, int end, int tile, int most_panels) {
    for (int panel = 0, panels; panel < job->panels; panel += panels) {
        panels = job->panels - panel < most_panels ? job->panels - panel : most_panels;
        while (!gemm_tiles[tile][panels]) panels--;
        gemm_tiles[tile][panels](job, begin, end, panel);
    }
}

static void gemm(const nlg_conv_gemm *job) {
    int tail = job->pixels % TILE_PIXELS, whole = job->pixels - tail;
    if (whole) gemm_pixels(job, 0, whole, TILE_PIXELS, TILE_PANELS);
    if (tail) gemm_pixels(job, whole, job->pixels, tail, 8);
}

static void outer_rows(const nlg_conv_outer *job, int64_t begin, int64_t end, int tile, int most_panels) {
    for (int panel = 0, panels; panel < job->panels; panel += panels) {
        panels = job->panels - panel < most_panels ? job->panels - panel : most_panels;
        while (!outer_tiles[tile][panels]) panels--;
        for (int64_t i = begin; i < end; i += tile) outer_tiles[tile][panels](job, i, panel);
    }
}

static void outer(const nlg_conv_outer *job) {
    int tail = (int)(job->rows % TILE_PIXELS);
    if (job->rows > tail) outer_rows(job, 0, job->rows - tail, TILE_PIXELS, TILE_PANELS);
    if (tail) outer_rows(job, job->rows - tail, job->rows, tail, 8);
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

static void pack_rows(const nlg_conv_turn *turn, const float *from, float *panel) {
    if (turn->ld == 1 && turn->columns == 1) {
        if (turn->position[0] >= 0) vf_store(panel + turn->position[0], vf_load_n(from, turn->rows));
        return;
    }
    int phase = 0;
    for (int64_t j = 0; j < turn->columns; j += NLG_LANES) {
        int count = turn->columns - j < NLG_LANES ? (int)(turn->columns - j) : NLG_LANES;
        vf v[NLG_LANES];
        for (int i = 0; i < NLG_LANES; i++) {
            const float *row = from + i * turn->ld + j;
            v[i] = i >= turn->rows ? vf_zero() : count == NLG_LANES ? vf_load(row) : vf_load_n(row, count);
        }
        vf_transpose(v);
        for (int i = 0; i < count; i++) {
            if (turn->position[phase] >= 0) vf_store(panel + turn->position[phase], v[i]);
            if (++phase == turn->period) phase = 0, panel += NLG_LANES;
        }
    }
}

static void unpack_rows(const nlg_conv_turn *turn, const float *panel, float *to, bool accumulate) {
    int phase = 0;
    for (int64_t j = 0; j < turn->columns; j += NLG_LANES) {
        int count = turn->columns - j < NLG_LANES ? (int)(turn->columns - j) : NLG_LANES;
        vf v[NLG_LANES];
        for (int i = 0; i < NLG_LANES; i++) {
            v[i] = vf_zero();
            if (i >= count) continue;
            v[i] = vf_load(panel + turn->position[phase]);
            if (++phase == turn->period) phase = 0, panel += NLG_LANES;
        }
        vf_transpose(v);
        for (int i = 0; i < turn->rows; i++) {
            float *row = to + i * turn->ld + j;
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
