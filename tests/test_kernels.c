/* Kernels where the ops' own tests do not reach: accuracy of sums, NaN and infinity in pools, tiny and large shapes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/memory.h"
#include "layers/base/rng.h"
#include "layers/kernels/norm.h"
#include "layers/kernels/pointwise.h"
#include "layers/kernels/pool.h"
#include "layers/kernels/simd.h"

static nlg_exec exec;

static float *floats(size_t count) {
    float *data = nlg_alloc(count + 1, sizeof *data);
    assert_non_null(data);
    return data;
}

/* Mean and variance of values far from zero, and from the rough mean that the kernel takes from a few rows. */
static void statistics_are_accurate(void **state) {
    static const struct {
        int64_t rows;
        int c;
        double mean, deviation;
    } cases[] = {{1, 3, 5, 1}, {2, 1, -3, 1}, {7, 17, 100, 0.5}, {3000, 33, 1000, 1}, {100000, 5, 0, 1}, {5000, 64, -50, 20}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        int64_t rows = cases[k].rows, ld = cases[k].c + 3;
        int c = cases[k].c;
        float *x = floats((size_t)(rows * ld)), *scratch = floats(nlg_norm_scratch_size(rows, c));
        double *mean = nlg_alloc(2 * (size_t)c, sizeof *mean), *variance = mean + c;
        for (int64_t i = 0; i < rows * ld; i++)
            x[i] = (float)(cases[k].mean + cases[k].deviation * nlg_rng_normal(nlg_rng_seed(k), (uint64_t)i));
        nlg_norm_statistics(&exec, rows, c, x, ld, mean, variance, scratch);
        for (int channel = 0; channel < c; channel++) {
            double m = 0, v = 0;
            for (int64_t i = 0; i < rows; i++) m += (double)x[i * ld + channel] / (double)rows;
            for (int64_t i = 0; i < rows; i++) v += pow((double)x[i * ld + channel] - m, 2) / (double)rows;
            if (!(fabs(mean[channel] - m) <= 1e-6 * sqrt(v) + 1e-9 * fabs(m)) || !(fabs(variance[channel] - v) <= 3e-6 * v))
                fail_msg("case %zu, channel %d: mean %.9g variance %.9g, expected %.9g %.9g", k, channel, mean[channel],
                         variance[channel], m, v);
        }
        nlg_free(x);
        nlg_free(scratch);
        nlg_free(mean);
    }
}

/* dy * act'(z) of one value in double; SiLU and ReLU6 stand for all. */
static double slope_of(nlg_act act, double z) {
    double s = 1 / (1 + exp(-z));
    if (act == NLG_ACT_SILU) return s * (1 + z * (1 - s));
    return act == NLG_ACT_NONE || (z > 0 && z < 6) ? 1 : 0;
}

static double value_of(nlg_act act, double z) {
    if (act == NLG_ACT_SILU) return z / (1 + exp(-z));
    return act == NLG_ACT_NONE ? z : fmin(fmax(z, 0), 6);
}

/* Both passes forward and backward against plain loops in double: shapes that fold, that do not, and pixels left over. */
static void normalisation_matches_plain_loops(void **state) {
    static const struct {
        int64_t rows;
        int c, gap;
    } cases[] = {{1, 1, 0},     {1, 17, 3},     {70, 1, 0},    {131, 8, 0}, {131, 8, 8},   {1003, 24, 0},
                 {1003, 24, 5}, {1003, 12, 72}, {301, 100, 0}, {257, 3, 1}, {49, 1040, 0}, {9000, 40, 0}};
    static const nlg_act acts[] = {NLG_ACT_NONE, NLG_ACT_RELU6, NLG_ACT_SILU};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases * 3; k++) {
        const nlg_act act = acts[k % 3];
        int64_t rows = cases[k / 3].rows;
        int c = cases[k / 3].c, ld = c + cases[k / 3].gap;
        size_t count = (size_t)(rows * ld);
        float *x = floats(count), *dy = floats(count), *before = floats(count), *y = floats(count), *dx = floats(count);
        float *vectors = floats(5 * (size_t)c), *scratch = floats(nlg_norm_scratch_size(rows, c));
        double *sum = nlg_alloc(2 * (size_t)c, sizeof *sum), *product = sum + c;
        for (size_t i = 0; i < count; i++) {
            x[i] = 3 * (float)nlg_rng_normal(nlg_rng_seed(k), i);
            dy[i] = before[i] = (float)nlg_rng_normal(nlg_rng_seed(k + 99), i);
            y[i] = dx[i] = -7;
        }
        for (size_t i = 0; i < 5 * (size_t)c; i++) vectors[i] = 0.3f * (float)nlg_rng_normal(nlg_rng_seed(k + 7), i);
        const float *scale = vectors, *shift = scale + c, *mean = shift + c, *slope = mean + c, *offset = slope + c;
        nlg_norm norm = {.rows = rows, .c = c, .x = x, .ld_x = ld, .act = act, .scale = scale, .shift = shift, .mean = mean};
        nlg_norm_gradient gradient = {.slope = slope, .offset = offset, .dx = dx, .ld_dx = ld};
        nlg_norm_apply(&exec, &norm, y, ld);
        nlg_norm_gradient_sums(&exec, &norm, dy, ld, sum, product, scratch);
        nlg_norm_gradient_apply(&exec, &norm, dy, ld, &gradient);
        for (int i = 0; i < ld; i++) {
            double want_sum = 0, want_product = 0, size = 1e-30;
            for (int64_t row = 0; row < rows; row++) {
                size_t at = (size_t)(row * ld + i);
                if (i >= c) {
                    if (y[at] != -7 || dx[at] != -7 || dy[at] != before[at]) fail_msg("case %zu: the gap was written", k);
                    continue;
                }
                double z = (double)fmaf(x[at], scale[i], shift[i]), dz = (double)before[at] * slope_of(act, z);
                double d = (double)scale[i] * dz + (double)offset[i] + (double)slope[i] * ((double)x[at] - (double)mean[i]);
                if (!(fabs((double)y[at] - value_of(act, z)) <= 1e-6 * (1 + fabs(z))) || !(fabs((double)dx[at] - d) <= 1e-5))
                    fail_msg("case %zu: row %d, channel %d: y %g dx %g, expected %g %g", k, (int)row, i, (double)y[at],
                             (double)dx[at], value_of(act, z), d);
                want_sum += dz;
                want_product += dz * ((double)x[at] - (double)mean[i]);
                size += fabs(dz) * (1 + fabs((double)x[at]));
            }
            if (i < c && (!(fabs(sum[i] - want_sum) <= 2e-6 * size) || !(fabs(product[i] - want_product) <= 2e-6 * size)))
                fail_msg("case %zu, channel %d: sums %.9g %.9g, expected %.9g %.9g", k, i, sum[i], product[i], want_sum,
                         want_product);
        }
        nlg_free(x), nlg_free(dy), nlg_free(before), nlg_free(y), nlg_free(dx), nlg_free(vectors), nlg_free(scratch), nlg_free(sum);
    }
}

/* Pixels that lie apart, as a slice of a concatenation does, have the bits of those without gaps, all passes. */
static void gaps_alter_no_bit(void **state) {
    enum { ROWS = 4003, MOST = 40, GAP = 44 };
    static const int channels[] = {3, 4, 12, 24, 28, 36, 40};
    const size_t most = (size_t)ROWS * (MOST + GAP);
    float *x[2] = {floats(most), floats(most)}, *dy[2] = {floats(most), floats(most)}, *y[2] = {floats(most), floats(most)};
    float *dx[2] = {floats(most), floats(most)}, *dadd[2] = {floats(most), floats(most)}, *vectors = floats(5 * MOST);
    float *scratch = floats(nlg_norm_scratch_size(ROWS, MOST) + nlg_norm_scratch_size(ROWS, 36));
    (void)state;
    for (size_t k = 0; k < sizeof channels / sizeof *channels * 4; k++) {
        const int c = channels[k / 4], ld[2] = {c, c + GAP};
        const bool add = k % 2, accumulate = k % 4 > 1;
        const float *scale = vectors, *shift = scale + c, *mean = shift + c, *slope = mean + c, *offset = slope + c;
        double sums[2][4][MOST];
        for (int i = 0; i < 5 * c; i++) vectors[i] = (float)nlg_rng_normal(nlg_rng_seed(k), (uint64_t)i);
        for (int g = 0; g < 2; g++) {
            for (int64_t i = 0; i < (int64_t)ROWS * c; i++) {
                const int64_t to = i / c * ld[g] + i % c;
                x[g][to] = (float)nlg_rng_normal(nlg_rng_seed(k + 50), (uint64_t)i);
                y[g][to] = dx[g][to] = dadd[g][to] = dy[g][to] = (float)nlg_rng_normal(nlg_rng_seed(k + 90), (uint64_t)i);
            }
            nlg_norm norm = {.rows = ROWS,
                             .c = c,
                             .x = x[g],
                             .ld_x = ld[g],
                             .add = add ? y[g] : NULL,
                             .ld_add = ld[g],
                             .act = NLG_ACT_RELU,
                             .scale = scale,
                             .shift = shift,
                             .mean = mean};
            nlg_norm_gradient gradient = {.slope = slope,
                                          .offset = offset,
                                          .dx = dx[g],
                                          .ld_dx = ld[g],
                                          .accumulate_dx = accumulate,
                                          .dadd = add ? dadd[g] : NULL,
                                          .ld_dadd = ld[g],
                                          .accumulate_dadd = accumulate};
            nlg_norm_statistics(&exec, ROWS, c, x[g], ld[g], sums[g][0], sums[g][1], scratch);
            nlg_norm_gradient_sums(&exec, &norm, dy[g], ld[g], sums[g][2], sums[g][3], scratch);
            nlg_norm_apply(&exec, &norm, y[g], ld[g]);
            nlg_norm_gradient_apply(&exec, &norm, dy[g], ld[g], &gradient);
        }
        for (int i = 0; i < 4; i++) assert_memory_equal(sums[0][i], sums[1][i], (size_t)c * sizeof(double));
        for (int64_t row = 0; row < ROWS; row++) {
            const int64_t a = row * ld[0], b = row * ld[1];
            const size_t bytes = (size_t)c * sizeof(float);
            assert_memory_equal(y[0] + a, y[1] + b, bytes);
            assert_memory_equal(dy[0] + a, dy[1] + b, bytes);
            assert_memory_equal(dx[0] + a, dx[1] + b, bytes);
            assert_memory_equal(dadd[0] + a, dadd[1] + b, bytes);
        }
    }
    for (int g = 0; g < 2; g++) nlg_free(x[g]), nlg_free(dy[g]), nlg_free(y[g]), nlg_free(dx[g]), nlg_free(dadd[g]);
    nlg_free(vectors), nlg_free(scratch);
}

/* Large outputs at multiples of 64 bytes go past the caches; elsewhere they do not: the same bits. */
static void large_outputs_are_the_same(void **state) {
    enum { ROWS = 87383, C = 48, COUNT = ROWS * C }; /* folds by 4, three pixels left over; more than 2^22 values */
    float *x = nlg_alloc_large(COUNT * sizeof *x), *y = nlg_alloc_large(COUNT * sizeof *y),
          *dx = nlg_alloc_large(COUNT * sizeof *dx);
    float *other_y = floats(COUNT + 1), *other_dx = floats(COUNT + 1), vectors[5][C];
    (void)state;
    assert_true(x && y && dx && (uintptr_t)y % 64 == 0 && (uintptr_t)dx % 64 == 0);
    for (int i = 0; i < COUNT; i++) x[i] = (float)((unsigned)i * 2654435761u >> 8 & 0xffff) / 8192 - 4;
    for (int i = 0; i < 5 * C; i++) vectors[i / C][i % C] = (float)(i % 37) / 37 - 0.4f;
    const nlg_norm norm = {
        .rows = ROWS, .c = C, .x = x, .ld_x = C, .act = NLG_ACT_SILU, .scale = vectors[0], .shift = vectors[1], .mean = vectors[2]};
    nlg_norm_gradient gradient = {.slope = vectors[3], .offset = vectors[4], .dx = dx, .ld_dx = C};
    nlg_norm_apply(&exec, &norm, y, C);
    nlg_norm_gradient_apply(&exec, &norm, x, C, &gradient);
    float *off_y = (uintptr_t)other_y % 64 == 0 ? other_y + 1 : other_y,
          *off_dx = (uintptr_t)other_dx % 64 == 0 ? other_dx + 1 : other_dx;
    gradient.dx = off_dx;
    nlg_norm_apply(&exec, &norm, off_y, C);
    nlg_norm_gradient_apply(&exec, &norm, x, C, &gradient);
    assert_memory_equal(y, off_y, COUNT * sizeof *y);
    assert_memory_equal(dx, off_dx, COUNT * sizeof *dx);
    nlg_free_large(x, COUNT * sizeof *x), nlg_free_large(y, COUNT * sizeof *y), nlg_free_large(dx, COUNT * sizeof *dx);
    nlg_free(other_y), nlg_free(other_dx);
}

static void channel_sums_are_accurate(void **state) {
    enum { IMAGES = 3, ROWS = 12544, C = 70 };
    float *a = floats((size_t)IMAGES * ROWS * C), *b = floats((size_t)IMAGES * ROWS * C), out[IMAGES * C];
    (void)state;
    for (uint64_t i = 0; i < (uint64_t)IMAGES * ROWS * C; i++) {
        a[i] = (float)(1 + nlg_rng_uniform(nlg_rng_seed(1), i));
        b[i] = (float)nlg_rng_uniform(nlg_rng_seed(2), i);
    }
    for (int i = 0; i < IMAGES * C; i++) out[i] = 5;
    nlg_channel_dot(&exec, IMAGES, ROWS, C, a, C, b, C, true, out, C);
    for (int image = 0; image < IMAGES; image++)
        for (int c = 0; c < C; c++) {
            double want = 5;
            for (int64_t row = 0; row < ROWS; row++) {
                int64_t i = (image * ROWS + row) * C + c;
                want += (double)a[i] * (double)b[i];
            }
            double got = (double)out[image * C + c];
            if (!(fabs(got - want) <= 3e-7 * want)) fail_msg("image %d, channel %d: %.9g, expected %.9g", image, c, got, want);
        }
    nlg_free(a);
    nlg_free(b);
}

/* Bit for bit: sums of four rows in floats, added to a double; then single rows. */
static void channel_sums_keep_their_order(void **state) {
    static const int rows[] = {1, 3, 4, 5, 131, 1027}, channels[] = {1, 8, 15, 16, 24, 33, 70, 600};
    enum { IMAGES = 3, LD = 607, MOST = IMAGES * 1027 * LD };
    float *a = floats(MOST), *b = floats(MOST), out[2][IMAGES * LD];
    (void)state;
    for (uint64_t i = 0; i < MOST; i++) {
        a[i] = (float)(nlg_rng_uniform(nlg_rng_seed(1), i) - 0.3);
        b[i] = (float)(nlg_rng_uniform(nlg_rng_seed(2), i) - 0.5);
    }
    for (size_t k = 0; k < sizeof rows / sizeof *rows * (sizeof channels / sizeof *channels); k++) {
        const int n = rows[k / (sizeof channels / sizeof *channels)], c = channels[k % (sizeof channels / sizeof *channels)];
        nlg_channel_mean(&exec, IMAGES, n, c, a, LD, out[0], LD);
        nlg_channel_dot(&exec, IMAGES, n, c, a, LD, b, LD, false, out[1], LD);
        for (int image = 0; image < IMAGES; image++)
            for (int i = 0; i < c; i++) {
                double sum = 0, product = 0;
                for (int row = 0, count; row < n; row += count) {
                    const float *x = a + (int64_t)(image * n + row) * LD + i, *y = b + (int64_t)(image * n + row) * LD + i;
                    count = n - row < 4 ? 1 : 4;
                    float one = x[0], two = x[0] * y[0];
                    for (int r = 1; r < count; r++) one += x[r * LD], two = fmaf(x[r * LD], y[r * LD], two);
                    sum += (double)one, product += (double)two;
                }
                const float want[2] = {(float)(1.0 / n * sum), (float)product};
                for (int kind = 0; kind < 2; kind++)
                    if (out[kind][image * LD + i] != want[kind])
                        fail_msg("%d rows, %d channels, image %d, channel %d: %s %.9g, expected %.9g", n, c, image, i,
                                 kind ? "dot" : "mean", (double)out[kind][image * LD + i], (double)want[kind]);
            }
    }
    nlg_free(a);
    nlg_free(b);
}

static void maximum_of_odd_values(void **state) {
    const nlg_pool pool = {.n = 1, .c = 1, .h = {1, 1, 1, 1, 0, 0, false}, .w = {6, 2, 3, 3, 0, 0, false}};
    const float inf = INFINITY,
                x[3][6] = {{1, 5, 5, -inf, -inf, -inf}, {0.0f, -0.0f, 0.0f, 1, (float)NAN, 2}, {2, 1, 0, inf, 1, inf}};
    const int where[3][2] = {{1, 0}, {0, 1}, {0, 0}};
    (void)state;
    for (int k = 0; k < 3; k++) {
        float y[2], dx[6], dy[2] = {1, 2};
        int32_t position[2];
        nlg_max_pool_forward(&exec, &pool, x[k], 1, y, 1, position);
        for (int i = 0; i < 2; i++) assert_int_equal(position[i], where[k][i]);
        assert_true(k == 1 ? isnan(y[1]) : y[1] == x[k][3]);
        nlg_max_pool_backward(&exec, &pool, dy, 1, position, false, dx, 1);
        for (int i = 0; i < 6; i++) assert_true(dx[i] == (i % 3 == where[k][i / 3] ? dy[i / 3] : 0.0f));
    }
}

/* Every window that contains a pixel, and no other. */
static void covering_windows(void **state) {
    (void)state;
    for (int in = 1; in < 12; in++)
        for (int kind = 0; kind < 200; kind++) {
            nlg_pool_axis axis = {.in = in, .kernel = 1 + kind % 5, .stride = 1 + kind / 5 % 4, .before = kind / 20 % 3};
            axis.adaptive = kind % 7 == 0;
            axis.out = axis.adaptive ? 1 + kind % 9 : (in + axis.before - axis.kernel) / axis.stride + 1;
            if (axis.out < 1 || axis.before > axis.kernel / 2 || in + axis.before < axis.kernel) continue;
            for (int i = 0; i < in; i++) {
                int first, last;
                nlg_pool_covering(&axis, i, &first, &last);
                for (int p = 0; p < axis.out; p++) {
                    nlg_pool_window w = nlg_pool_window_at(&axis, p, false);
                    bool inside = i >= w.begin && i < w.end;
                    if (inside != (p >= first && p <= last))
                        fail_msg("in %d kernel %d stride %d before %d adaptive %d: pixel %d, window %d", in, axis.kernel,
                                 axis.stride, axis.before, axis.adaptive, i, p);
                }
            }
        }
}

static nlg_pool_axis random_axis(uint64_t seed, bool adaptive) {
    uint64_t bits = nlg_rng_u64(nlg_rng_seed(seed), 0);
    nlg_pool_axis axis = {
        .in = 1 + (int)(bits % 12), .kernel = 1 + (int)(bits >> 8 & 255) % 5, .stride = 1 + (int)(bits >> 16 & 255) % 3};
    if (axis.kernel > axis.in) axis.kernel = axis.in;
    axis.before = (int)(bits >> 24 & 255) % (axis.kernel / 2 + 1);
    axis.after = (int)(bits >> 32 & 255) % (axis.kernel / 2 + 1);
    axis.adaptive = adaptive;
    axis.out = adaptive ? 1 + (int)(bits >> 40 & 7) : (axis.in + axis.before + axis.after - axis.kernel) / axis.stride + 1;
    return axis;
}

/* Each window in turn hands its gradient to its pixels: the same sums in the same order as the kernel's, in plain loops. */
static void plain_pool_backward(const nlg_pool *pool, const float *dy, int64_t ld_dy, const int32_t *position, float *dx,
                                int64_t ld_dx) {
    int64_t windows = (int64_t)pool->h.out * pool->w.out;
    for (int64_t i = 0; i < pool->n * windows; i++) {
        int64_t image = i / windows;
        nlg_pool_window h = nlg_pool_window_at(&pool->h, (int)(i % windows / pool->w.out), pool->count_padding),
                        w = nlg_pool_window_at(&pool->w, (int)(i % pool->w.out), pool->count_padding);
        for (int y = h.begin; y < h.end; y++)
            for (int x = w.begin; x < w.end; x++)
                for (int c = 0; c < pool->c; c++) {
                    float *to = dx + ((image * pool->h.in + y) * pool->w.in + x) * ld_dx + c, from = dy[i * ld_dy + c];
                    if (!position)
                        *to = fmaf(1.0f / (float)(h.length * w.length), from, *to);
                    else if (position[i * pool->c + c] == (y - h.start) * pool->w.kernel + x - w.start)
                        *to += from;
                }
    }
}

/* A window's sum by rows, then of the rows. */
static float plain_average(const nlg_pool *pool, const float *x, int64_t ld, int64_t out, int c) {
    int64_t image = out / ((int64_t)pool->h.out * pool->w.out);
    nlg_pool_window h = nlg_pool_window_at(&pool->h, (int)(out / pool->w.out % pool->h.out), pool->count_padding),
                    w = nlg_pool_window_at(&pool->w, (int)(out % pool->w.out), pool->count_padding);
    float total = 0;
    for (int i = h.begin; i < h.end; i++) {
        const float *row = x + (image * pool->h.in + i) * pool->w.in * ld + c;
        float sum = row[w.begin * ld];
        for (int j = w.begin + 1; j < w.end; j++) sum += row[j * ld];
        total += sum;
    }
    return total * (1.0f / (float)(h.length * w.length));
}

static void check_averages(const nlg_exec *e, const nlg_pool *pool, const float *x, float *y, int64_t ld, int number) {
    int64_t outputs = (int64_t)pool->n * pool->h.out * pool->w.out;
    if (pool->h.out * pool->w.out == 1) return; /* global ones are means in double */
    for (int64_t i = 0; i < outputs * ld; i++) y[i] = -1;
    nlg_average_pool_forward(e, pool, x, ld, y, ld);
    for (int64_t i = 0; i < outputs * ld; i++) {
        float want = i % ld < pool->c ? plain_average(pool, x, ld, i / ld, (int)(i % ld)) : -1;
        if (y[i] != want) fail_msg("pool %d, value %d: %.9g, expected %.9g", number, (int)i, (double)y[i], (double)want);
    }
}

/* Windows side by side: nothing of a row is left out or met twice. */
static void set_apart(nlg_pool_axis *axis) {
    axis->stride = axis->kernel;
    axis->before = axis->after = 0;
    axis->out = axis->in / axis->kernel;
    axis->in = axis->out * axis->kernel;
}

static void pools_against_plain_loops(void **state) {
    nlg_exec portable = exec;
    portable.isa = NLG_ISA_PORTABLE;
    portable.simd = nlg_simd_table(NLG_ISA_PORTABLE);
    (void)state;
    for (int k = 0; k < 600; k++) {
        bool is_max = k & 1, accumulate = k & 2, adaptive = !is_max && k % 5 == 0;
        nlg_pool pool = {1 + k % 3, 1 + k * 7 % 40, random_axis((uint64_t)k, adaptive), random_axis((uint64_t)k + 1000, adaptive),
                         k % 3 == 0};
        if (!adaptive && k % 7 == 0) set_apart(&pool.h), set_apart(&pool.w);
        int64_t gap = k & 4 ? 3 : 0, ld = pool.c + gap, inputs = (int64_t)pool.n * pool.h.in * pool.w.in,
                outputs = (int64_t)pool.n * pool.h.out * pool.w.out;
        float *x = floats((size_t)(inputs * ld)), *y = floats((size_t)(outputs * ld)), *dx = floats((size_t)(inputs * ld)),
              *want = floats((size_t)(inputs * ld));
        int32_t *position = nlg_alloc((size_t)(outputs * pool.c), sizeof *position);
        for (int64_t i = 0; i < inputs * ld; i++) {
            x[i] = (float)nlg_rng_uniform(nlg_rng_seed(1), (uint64_t)(i + k));
            want[i] = accumulate || i % ld >= pool.c ? x[i] : 0.0f;
        }
        if (is_max) nlg_max_pool_forward(&exec, &pool, x, ld, y, ld, position);
        for (int isa = 0; isa < 2 && !is_max; isa++) check_averages(isa ? &portable : &exec, &pool, x, y, ld, k);
        for (int64_t i = 0; i < outputs * ld; i++) y[i] = (float)nlg_rng_normal(nlg_rng_seed(2), (uint64_t)(i + k));
        plain_pool_backward(&pool, y, ld, is_max ? position : NULL, want, ld);
        for (int isa = 0; isa < 2; isa++) {
            const nlg_exec *e = isa ? &portable : &exec;
            memcpy(dx, x, (size_t)(inputs * ld) * sizeof *dx);
            if (is_max)
                nlg_max_pool_backward(e, &pool, y, ld, position, accumulate, dx, ld);
            else
                nlg_average_pool_backward(e, &pool, y, ld, accumulate, dx, ld);
            for (int64_t i = 0; i < inputs * ld; i++)
                if (dx[i] != want[i])
                    fail_msg("pool %d (isa %d), value %d: %.9g, expected %.9g", k, isa, (int)i, (double)dx[i], (double)want[i]);
        }
        nlg_free(x);
        nlg_free(y);
        nlg_free(dx);
        nlg_free(want);
        nlg_free(position);
    }
}

static void one_factor_per_image(void **state) {
    enum { IMAGES = 5, PIXELS = 700, C = 21 };
    float *a = floats((size_t)IMAGES * PIXELS * C), b[IMAGES * C];
    (void)state;
    for (int64_t i = 0; i < (int64_t)IMAGES * PIXELS * C; i++) a[i] = (float)(i % 101);
    for (int i = 0; i < IMAGES * C; i++) b[i] = (float)(i % 7 - 3);
    nlg_multiply_rows(&exec, IMAGES * PIXELS, C, a, C, b, C, PIXELS, true, a, C);
    for (int64_t i = 0; i < (int64_t)IMAGES * PIXELS * C; i++)
        assert_true(a[i] == (float)(i % 101) * (1 + b[i / (PIXELS * C) * C + i % C]));
    nlg_free(a);
}

static int start(void **state) {
    (void)state;
    exec = (nlg_exec){.team = nlg_team_create(2), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
    return exec.team ? 0 : -1;
}

static int stop(void **state) {
    (void)state;
    nlg_team_destroy(exec.team);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_are_accurate),   cmocka_unit_test(normalisation_matches_plain_loops),
        cmocka_unit_test(gaps_alter_no_bit),         cmocka_unit_test(large_outputs_are_the_same),
        cmocka_unit_test(channel_sums_are_accurate), cmocka_unit_test(channel_sums_keep_their_order),
        cmocka_unit_test(maximum_of_odd_values),     cmocka_unit_test(covering_windows),
        cmocka_unit_test(pools_against_plain_loops), cmocka_unit_test(one_factor_per_image),
    };
    return cmocka_run_group_tests_name("kernels", tests, start, stop);
}
