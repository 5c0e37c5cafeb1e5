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
        cmocka_unit_test(statistics_are_accurate), cmocka_unit_test(channel_sums_are_accurate),
        cmocka_unit_test(maximum_of_odd_values),   cmocka_unit_test(covering_windows),
        cmocka_unit_test(one_factor_per_image),
    };
    return cmocka_run_group_tests_name("kernels", tests, start, stop);
}
