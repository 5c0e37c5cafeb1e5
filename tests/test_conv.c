/* Convolution: every fast form against the plain twins on random shapes, and the same bits for every instruction set and team. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/memory.h"
#include "layers/base/rng.h"
#include "layers/kernels/conv.h"
#include "layers/kernels/conv_chain.h"
#include "layers/kernels/pointwise.h"
#include "layers/kernels/openblas.h"
#include "layers/kernels/simd.h"

enum { MOST_THREADS = 3, GUARD = 64 };

static nlg_team *teams[MOST_THREADS + 1];

/* A block that starts as NaN, followed by a guard that must stay as it is. */
typedef struct block {
    float *data;
    size_t size;
} block;

static block block_create(size_t size) {
    block b = {nlg_alloc(size + GUARD, sizeof(float)), size};
    assert_non_null(b.data);
    for (size_t i = 0; i < size + GUARD; i++) b.data[i] = NAN;
    return b;
}

static block block_random(size_t size, uint64_t seed) {
    block b = block_create(size);
    for (size_t i = 0; i < size; i++) b.data[i] = (float)(2 * nlg_rng_uniform(nlg_rng_seed(seed), i) - 1);
    return b;
}

static void block_destroy(block b) {
    for (size_t i = b.size; i < b.size + GUARD; i++) assert_true(isnan(b.data[i]));
    nlg_free(b.data);
}

typedef struct sample {
    nlg_conv_shape shape;
    int extra; /* floats between the channels of two pixels */
    bool epilogue, accumulate, direct_only;
    nlg_act act;
    nlg_backend backend;
} sample;

typedef struct buffers {
    block x, w, dy, bias, add, y, dx, dw, db;
} buffers;

static size_t pixels_in(const nlg_conv_shape *s) {
    return (size_t)s->n * (size_t)s->h * (size_t)s->w;
}
static size_t pixels_out(const nlg_conv_shape *s) {
    return (size_t)s->n * (size_t)s->p * (size_t)s->q;
}

static double activate(nlg_act act, double v) {
    switch (act) {
    case NLG_ACT_RELU:
        return v > 0 ? v : 0;
    case NLG_ACT_RELU6:
        return v < 0 ? 0 : v > 6 ? 6 : v;
    case NLG_ACT_SILU:
        return v / (1 + exp(-v));
    case NLG_ACT_SIGMOID:
        return 1 / (1 + exp(-v));
    case NLG_ACT_TANH:
        return tanh(v);
    case NLG_ACT_SCALED_TANH:
        return 1.7159 * tanh(2 * v / 3);
    default:
        return v;
    }
}

/* Rows of `channels` values at distance `ld` against dense ones, relative to the rms. */
static void compare(const sample *t, const char *what, const float *got, size_t ld, const float *expected, size_t rows,
                    size_t channels, double tolerance) {
    double square = 0, worst = 0;
    for (size_t i = 0; i < rows * channels; i++) square += (double)expected[i] * (double)expected[i];
    double rms = sqrt(square / (double)(rows * channels)) + 1e-30;
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < channels; c++) {
            double error = fabs((double)got[i * ld + c] - (double)expected[i * channels + c]) / rms;
            if (!(error <= worst)) worst = error;
        }
    if (worst <= tolerance) return;
    const nlg_conv_shape *s = &t->shape;
    print_error(
        "%s: error %g of rms; n %d h %d w %d c %d p %d q %d k %d r %d s %d stride %d %d pad %d %d %d %d dilation %d groups %d "
        "extra %d epilogue %d accumulate %d act %d backend %d\n",
        what, worst, s->n, s->h, s->w, s->c, s->p, s->q, s->k, s->r, s->s, s->stride_h, s->stride_w, s->pad_top, s->pad_bottom,
        s->pad_left, s->pad_right, s->dilation, s->groups, t->extra, t->epilogue, t->accumulate, (int)t->act, (int)t->backend);
    fail();
}

static void run_forward(const nlg_exec *exec, const sample *t, buffers *b) {
    const nlg_conv_shape *s = &t->shape;
    size_t ld_y = (size_t)(s->k + t->extra);
    block packed = block_create(nlg_conv_packed_size(s, NLG_CONV_FORWARD, exec));
    block scratch = block_create(nlg_conv_scratch_size(s, NLG_CONV_FORWARD, exec));
    b->y = block_create(pixels_out(s) * ld_y);
    nlg_conv_epilogue epilogue = {.act = t->act};
    if (t->epilogue) epilogue.bias = b->bias.data;
    if (t->accumulate) {
        memcpy(b->y.data, b->add.data, b->y.size * sizeof(float));
        epilogue.add = b->y.data;
        epilogue.ld_add = (int64_t)ld_y;
    } else if (t->epilogue) {
        epilogue.add = b->add.data;
        epilogue.ld_add = (int64_t)ld_y;
    }
    nlg_conv_pack(exec, s, NLG_CONV_FORWARD, b->w.data, packed.data);
    nlg_conv_forward(exec, s, b->x.data, s->c + t->extra, packed.data, &epilogue, b->y.data, (int64_t)ld_y, scratch.data);
    block_destroy(packed);
    block_destroy(scratch);
}

static void run_backward(const nlg_exec *exec, const sample *t, buffers *b) {
    const nlg_conv_shape *s = &t->shape;
    block packed = block_create(nlg_conv_packed_size(s, NLG_CONV_BACKWARD_DATA, exec));
    block scratch = block_create(nlg_conv_scratch_size(s, NLG_CONV_BACKWARD_DATA, exec));
    b->dx = block_create(b->x.size);
    if (t->accumulate) memcpy(b->dx.data, b->x.data, b->x.size * sizeof(float));
    nlg_conv_pack(exec, s, NLG_CONV_BACKWARD_DATA, b->w.data, packed.data);
    nlg_conv_backward_data(exec, s, b->dy.data, s->k + t->extra, packed.data, t->accumulate, b->dx.data, s->c + t->extra,
                           scratch.data);
    block_destroy(packed);
    block_destroy(scratch);

    scratch = block_create(nlg_conv_scratch_size(s, NLG_CONV_BACKWARD_WEIGHTS, exec));
    b->dw = block_create(b->w.size);
    b->db = block_create(b->bias.size);
    if (t->accumulate) {
        memcpy(b->dw.data, b->w.data, b->w.size * sizeof(float));
        memcpy(b->db.data, b->bias.data, b->bias.size * sizeof(float));
    }
    nlg_conv_backward_weights(exec, s, b->x.data, s->c + t->extra, b->dy.data, s->k + t->extra, t->accumulate, b->dw.data,
                              t->epilogue || t->accumulate ? b->db.data : NULL, scratch.data);
    block_destroy(scratch);
}

/* Copies rows of `channels` values at distance ld to a dense block. */
static block dense(block from, size_t rows, size_t channels, size_t ld) {
    block to = block_create(rows * channels);
    for (size_t i = 0; i < rows; i++) memcpy(to.data + i * channels, from.data + i * ld, channels * sizeof(float));
    return to;
}

static void check_plain(const sample *t, const buffers *b, double tolerance) {
    const nlg_conv_shape *s = &t->shape;
    size_t in = pixels_in(s), out = pixels_out(s), c = (size_t)s->c, k = (size_t)s->k, extra = (size_t)t->extra;
    block x = dense(b->x, in, c, c + extra), dy = dense(b->dy, out, k, k + extra), add = dense(b->add, out, k, k + extra);
    block y = block_create(out * k), dx = block_create(in * c), dw = block_create(b->w.size), db = block_create(k);
    nlg_conv_plain_forward(s, x.data, b->w.data, t->epilogue ? b->bias.data : NULL, y.data);
    for (size_t i = 0; i < out * k; i++) {
        double v = (double)y.data[i] + (t->epilogue || t->accumulate ? (double)add.data[i] : 0);
        y.data[i] = (float)activate(t->act, v);
    }
    compare(t, "y", b->y.data, k + extra, y.data, out, k, tolerance);
    nlg_conv_plain_backward(s, x.data, b->w.data, dy.data, dx.data, dw.data, db.data);
    for (size_t i = 0; t->accumulate && i < in * c; i++) dx.data[i] += x.data[i];
    for (size_t i = 0; t->accumulate && i < dw.size; i++) dw.data[i] += b->w.data[i];
    for (size_t i = 0; t->accumulate && i < k; i++) db.data[i] += b->bias.data[i];
    compare(t, "dx", b->dx.data, c + extra, dx.data, in, c, tolerance);
    compare(t, "dw", b->dw.data, 1, dw.data, dw.size, 1, tolerance);
    if (t->epilogue || t->accumulate) compare(t, "db", b->db.data, 1, db.data, k, 1, tolerance);
    block all[] = {x, dy, add, y, dx, dw, db};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) block_destroy(all[i]);
}

static void same_bits(const sample *t, const char *what, const nlg_exec *exec, block a, block b) {
    if (!memcmp(a.data, b.data, a.size * sizeof(float))) return;
    char text[96];
    snprintf(text, sizeof text, "bits of %s with %s and %d threads", what, nlg_isa_name(exec->isa), nlg_team_size(exec->team));
    compare(t, text, b.data, 1, a.data, a.size, 1, -1);
}

static void check(const sample *t, uint64_t seed, double tolerance) {
    const nlg_conv_shape *s = &t->shape;
    size_t extra = (size_t)t->extra, k = (size_t)s->k;
    buffers b = {.x = block_random(pixels_in(s) * ((size_t)s->c + extra), seed),
                 .w = block_random(k * (size_t)(s->c / s->groups) * (size_t)s->r * (size_t)s->s, seed + 1),
                 .dy = block_random(pixels_out(s) * (k + extra), seed + 2),
                 .bias = block_random(k, seed + 3),
                 .add = block_random(pixels_out(s) * (k + extra), seed + 4)};
    buffers first = b;
    bool have_first = false;
    for (int isa = 0; isa < NLG_ISA_COUNT; isa++) {
        if (!nlg_isa_available((nlg_isa)isa)) continue;
        for (int threads = 1; threads <= MOST_THREADS; threads++) {
            nlg_exec exec = {.team = teams[threads],
                             .isa = (nlg_isa)isa,
                             .simd = nlg_simd_table((nlg_isa)isa),
                             .backend = t->backend,
                             .direct_only = t->direct_only};
            if (t->backend == NLG_BACKEND_OPENBLAS && (have_first || !nlg_isa_available(NLG_ISA_AVX2))) continue;
            buffers mine = b;
            run_forward(&exec, t, &mine);
            run_backward(&exec, t, &mine);
            if (have_first) {
                same_bits(t, "y", &exec, first.y, mine.y);
                same_bits(t, "dx", &exec, first.dx, mine.dx);
                same_bits(t, "dw", &exec, first.dw, mine.dw);
                same_bits(t, "db", &exec, first.db, mine.db);
                block all[] = {mine.y, mine.dx, mine.dw, mine.db};
                for (size_t i = 0; i < 4; i++) block_destroy(all[i]);
            } else {
                first = mine;
                have_first = true;
                check_plain(t, &first, tolerance);
            }
        }
    }
    block all[] = {b.x, b.w, b.dy, b.bias, b.add, first.y, first.dx, first.dw, first.db};
    for (size_t i = 0; have_first && i < sizeof all / sizeof *all; i++) block_destroy(all[i]);
}

/* ---- random shapes ---- */

typedef struct draw {
    nlg_rng rng;
    uint64_t count;
} draw;

static int between(draw *d, int low, int high) {
    return low + (int)nlg_rng_below(d->rng, d->count++, (uint64_t)(high - low + 1));
}

static int one_of(draw *d, int count, const int *values) {
    return values[between(d, 0, count - 1)];
}
#define ONE_OF(d, ...) one_of(d, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]){__VA_ARGS__})

static void draw_rest(draw *d, sample *t) {
    t->extra = ONE_OF(d, 0, 0, 1, 5);
    t->epilogue = between(d, 0, 1);
    t->accumulate = between(d, 0, 2) == 0;
    t->act = (nlg_act)ONE_OF(d, 0, 0, 1, 2, 3, 4, 5, 6);
    t->direct_only = true;
}

static bool draw_spatial(draw *d, nlg_conv_shape *s, int most) {
    s->h = between(d, 1, most);
    s->w = between(d, 1, most);
    s->r = ONE_OF(d, 1, 1, 2, 3, 3, 5, 7);
    s->s = ONE_OF(d, 0, 0, 0, 1, 3, 4);
    if (!s->s) s->s = s->r;
    s->stride_h = ONE_OF(d, 1, 1, 2, 3);
    s->stride_w = ONE_OF(d, 0, 0, 1, 2);
    if (!s->stride_w) s->stride_w = s->stride_h;
    s->dilation = ONE_OF(d, 1, 1, 1, 2, 3);
    s->pad_top = ONE_OF(d, 0, 1, 2, 3, 8);
    s->pad_left = ONE_OF(d, 0, 1, 2, 3, 9);
    s->pad_bottom = ONE_OF(d, 0, 1, 2, 3);
    s->pad_right = ONE_OF(d, 0, 1, 2, 3);
    if (between(d, 0, 2) == 0) s->pad_top = s->pad_left = s->pad_bottom = s->pad_right = 0;
    return nlg_conv_output_size(s);
}

static void test_dense(void **state) {
    (void)state;
    draw d = {nlg_rng_seed(1), 0};
    for (int i = 0; i < 70;) {
        sample t = {.shape = {.n = ONE_OF(&d, 1, 1, 2, 3),
                              .groups = 1,
                              .c = ONE_OF(&d, 1, 3, 4, 8, 16, 17, 24, 33),
                              .k = ONE_OF(&d, 1, 5, 8, 16, 17, 24, 48, 100)}};
        if (!draw_spatial(&d, &t.shape, 13)) continue;
        draw_rest(&d, &t);
        check(&t, (uint64_t)i++, 1e-5);
    }
}

static void test_grouped(void **state) {
    (void)state;
    draw d = {nlg_rng_seed(2), 0};
    for (int i = 0; i < 50;) {
        int groups = ONE_OF(&d, 2, 3, 4, 7, 8);
        sample t = {.shape = {.n = between(&d, 1, 2), .groups = groups}};
        t.shape.c = groups * ONE_OF(&d, 1, 2, 3, 4, 8, 20);
        t.shape.k = groups * ONE_OF(&d, 1, 2, 3, 4, 5, 16, 24);
        if (!draw_spatial(&d, &t.shape, 9)) continue;
        draw_rest(&d, &t);
        check(&t, (uint64_t)i++, 1e-5);
    }
}

static void test_depthwise(void **state) {
    (void)state;
    draw d = {nlg_rng_seed(3), 0};
    for (int i = 0; i < 70;) {
        sample t = {.shape = {.n = between(&d, 1, 3), .c = ONE_OF(&d, 2, 8, 16, 19, 40, 64, 130)}};
        t.shape.groups = t.shape.k = t.shape.c;
        if (!draw_spatial(&d, &t.shape, 17)) continue;
        draw_rest(&d, &t);
        check(&t, (uint64_t)i++, 1e-5);
    }
}

/* Shapes that random ones miss: linear layers, long chains over k, many images, large kernels, chunks and parts over pixels. */
static void test_particular(void **state) {
    (void)state;
    static const nlg_conv_shape shapes[] = {
        {.n = 1, .h = 1, .w = 1, .c = 1000, .k = 210, .r = 1, .s = 1},
        {.n = 17, .h = 1, .w = 1, .c = 700, .k = 99, .r = 1, .s = 1},
        {.n = 17, .h = 7, .w = 7, .c = 3, .k = 20, .r = 7, .s = 7},
        {.n = 2, .h = 9, .w = 9, .c = 130, .k = 70, .r = 3, .s = 3, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1},
        {.n = 1, .h = 30, .w = 30, .c = 1, .k = 2, .r = 25, .s = 29, .pad_top = 9, .pad_left = 9, .pad_bottom = 9, .pad_right = 9},
        {.n = 1, .h = 2, .w = 2, .c = 4, .k = 6, .r = 5, .s = 5, .pad_top = 4, .pad_left = 4, .pad_bottom = 4, .pad_right = 4},
        {.n = 2,
         .h = 40,
         .w = 40,
         .c = 3,
         .k = 8,
         .r = 7,
         .s = 7,
         .stride_h = 2,
         .stride_w = 2,
         .pad_top = 3,
         .pad_left = 2,
         .pad_bottom = 3,
         .pad_right = 3},
        {.n = 17, .h = 14, .w = 13, .c = 2, .k = 17, .r = 3, .s = 3, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1},
        {.n = 1, .h = 5, .w = 200, .c = 16, .k = 16, .r = 1, .s = 7, .pad_left = 3, .pad_right = 3},
        {.n = 2, .h = 11, .w = 11, .c = 24, .k = 40, .r = 1, .s = 1, .stride_h = 2, .stride_w = 2},
        {.n = 2, .h = 9, .w = 7, .c = 32, .k = 32, .r = 3, .s = 3, .groups = 8, .pad_top = 1, .pad_left = 1, .pad_bottom = 1},
        {.n = 2, .h = 9, .w = 8, .c = 48, .k = 48, .r = 7, .s = 7, .groups = 6, .pad_top = 3, .pad_left = 3, .stride_w = 2},
        {.n = 3,
         .h = 8,
         .w = 8,
         .c = 96,
         .k = 96,
         .r = 3,
         .s = 3,
         .groups = 6,
         .pad_top = 1,
         .pad_left = 1,
         .pad_bottom = 1,
         .pad_right = 1},
        {.n = 3,
         .h = 20,
         .w = 20,
         .c = 72,
         .k = 72,
         .r = 5,
         .s = 5,
         .groups = 72,
         .pad_top = 2,
         .pad_left = 2,
         .pad_bottom = 2,
         .pad_right = 2},
        {.n = 1,
         .h = 6,
         .w = 61,
         .c = 72,
         .k = 72,
         .r = 7,
         .s = 7,
         .groups = 72,
         .pad_top = 3,
         .pad_left = 3,
         .pad_bottom = 3,
         .pad_right = 3},
        {.n = 2,
         .h = 7,
         .w = 58,
         .c = 21,
         .k = 21,
         .r = 3,
         .s = 5,
         .stride_h = 2,
         .stride_w = 2,
         .groups = 21,
         .pad_top = 0,
         .pad_left = 1,
         .pad_bottom = 1,
         .pad_right = 2},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        sample t = {.shape = shapes[i], .epilogue = i % 2, .direct_only = true};
        if (!t.shape.stride_h) t.shape.stride_h = t.shape.stride_w = 1;
        if (!t.shape.groups) t.shape.groups = 1;
        t.shape.dilation = 1;
        assert_true(nlg_conv_output_size(&t.shape));
        check(&t, i, 1e-5);
    }
}

/* Shapes for which some pass takes Winograd's form, a linear layer's 3 x 3 included; its error against the exact value stays far
 * below the bound of 5e-4. Emulators (NLG_SLOWER from 8 on) take every third, among which every kind is. */
static void test_winograd(void **state) {
    (void)state;
    static const int kernels[][2] = {{3, 3}, {5, 5}, {1, 3}, {3, 1}, {1, 7}, {7, 1}};
    const char *slower = getenv("NLG_SLOWER");
    const bool few = slower && atoi(slower) >= 8;
    draw d = {nlg_rng_seed(5), 0};
    for (int i = 0; i < 100;) {
        const int *kernel = kernels[i < 40 ? 0 : 1 + i % 5];
        sample t = {.shape = {.n = ONE_OF(&d, 1, 2, 3, 7), .stride_h = 1, .stride_w = 1, .dilation = 1, .groups = 1}};
        nlg_conv_shape *s = &t.shape;
        s->r = kernel[0];
        s->s = kernel[1];
        s->c = ONE_OF(&d, 16, 17, 30, 32, 48, 64);
        s->k = ONE_OF(&d, 16, 20, 32, 33, 64, 100);
        bool deep = i < 40 ? i % 6 == 5 : i % 16 == 15; /* weights transformed late */
        if (deep) s->c = ONE_OF(&d, 171, 200), s->k = ONE_OF(&d, 176, 187);
        if (deep && s->r != s->s) s->n = 1, s->c *= 2, s->k *= 2;
        const int most = (deep ? 9 : i % 2 ? 17 : 4) + (s->r * s->s == 7 ? 6 : s->r == 5 ? 4 : 0);
        s->h = between(&d, 3, most);
        s->w = between(&d, 3, most);
        s->pad_top = between(&d, 0, 3);
        s->pad_left = between(&d, 0, 2);
        s->pad_bottom = between(&d, 0, 2);
        s->pad_right = between(&d, 0, 3);
        if (i % 4 == 0) s->pad_top = s->pad_left = s->pad_bottom = s->pad_right = 0;
        if (s->r == 1) s->pad_top = s->pad_bottom = 0;
        if (s->s == 1) s->pad_left = s->pad_right = 0;
        if (!nlg_conv_output_size(s)) continue;
        bool any = i % 4 == 0;
        for (int pass = 0; pass < 3; pass++) any = any || nlg_conv_choose(s, (nlg_conv_pass)pass, false) == NLG_CONV_WINOGRAD;
        if (!any) continue;
        draw_rest(&d, &t);
        t.direct_only = false;
        if (!few || i % 3 == 2) check(&t, (uint64_t)i, 1e-4);
        i++;
    }
}

/* Every pass of layers as small networks have them, and lines as in Inception: a single call's worst error is some 5e-6 of the
 * rms, with seven taps 2.6e-5 (direct: 2e-6), so that a transform that loses digits shows. */
static void test_winograd_error(void **state) {
    (void)state;
    static const struct {
        int size, channels, r, s, passes;
        double bound;
    } cases[] = {{28, 16, 3, 3, 3, 2e-5},  {14, 32, 3, 3, 3, 2e-5},  {7, 64, 3, 3, 3, 2e-5},  {27, 64, 5, 5, 2, 2e-5},
                 {17, 128, 1, 7, 2, 4e-5}, {17, 128, 7, 1, 2, 4e-5}, {8, 192, 1, 3, 2, 2e-5}, {8, 192, 3, 1, 2, 2e-5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int size = cases[i].size, channels = cases[i].channels;
        sample t = {.shape = {.n = 4, .h = size, .w = size, .c = channels, .k = channels, .r = cases[i].r, .s = cases[i].s}};
        nlg_conv_shape *s = &t.shape;
        s->groups = s->stride_h = s->stride_w = s->dilation = 1;
        s->pad_top = s->pad_bottom = s->r / 2;
        s->pad_left = s->pad_right = s->s / 2;
        assert_true(nlg_conv_output_size(s));
        for (int pass = 0; pass < cases[i].passes; pass++)
            assert_int_equal(nlg_conv_choose(s, (nlg_conv_pass)pass, false), NLG_CONV_WINOGRAD);
        check(&t, (uint64_t)i, cases[i].bound);
    }
}

/* Weights packed for the forward pass, from values keyed by `seed`. */
static block packed_random(const nlg_exec *exec, const nlg_conv_shape *s, uint64_t seed) {
    block w = block_random((size_t)s->k * (size_t)(s->c / s->groups) * (size_t)s->r * (size_t)s->s, seed);
    block packed = block_create(nlg_conv_packed_size(s, NLG_CONV_FORWARD, exec));
    nlg_conv_pack(exec, s, NLG_CONV_FORWARD, w.data, packed.data);
    block_destroy(w);
    return packed;
}

static void check_chain(const nlg_exec *exec, const sample *a, const sample *b, uint64_t seed) {
    const nlg_conv_shape *s = &a->shape, *t = &b->shape;
    const size_t ld_x = (size_t)(s->c + a->extra), ld_y = (size_t)(t->k + b->extra);
    block x = block_random(pixels_in(s) * ld_x, seed), add = block_random(pixels_out(t) * ld_y, seed + 1);
    block bias = block_random((size_t)s->k, seed + 2), between = block_create(pixels_out(s) * (size_t)s->k);
    block y[2] = {block_create(pixels_out(t) * ld_y), block_create(pixels_out(t) * ld_y)};
    block first = packed_random(exec, s, seed + 3), second = packed_random(exec, t, seed + 4);
    block scratch[3] = {block_create(nlg_conv_scratch_size(s, NLG_CONV_FORWARD, exec)),
                        block_create(nlg_conv_scratch_size(t, NLG_CONV_FORWARD, exec)),
                        block_create(nlg_conv_chain_scratch_size(s, t, exec))};
    nlg_conv_link links[2] = {{*s, first.data, {.act = a->act}}, {*t, second.data, {.act = b->act}}};
    if (a->epilogue) links[0].epilogue.bias = bias.data;
    if (b->epilogue) links[1].epilogue = (nlg_conv_epilogue){bias.data, add.data, (int64_t)ld_y, b->act};
    nlg_conv_forward(exec, s, x.data, (int64_t)ld_x, first.data, &links[0].epilogue, between.data, s->k, scratch[0].data);
    nlg_conv_forward(exec, t, between.data, s->k, second.data, &links[1].epilogue, y[0].data, (int64_t)ld_y, scratch[1].data);
    assert_true(nlg_conv_chain_fits(s, t, exec));
    nlg_conv_chain_forward(exec, &links[0], &links[1], x.data, (int64_t)ld_x, y[1].data, (int64_t)ld_y, scratch[2].data);
    same_bits(b, "a chain's y", exec, y[0], y[1]);
    block all[] = {x, add, bias, between, y[0], y[1], first, second, scratch[0], scratch[1], scratch[2]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) block_destroy(all[i]);
}

/* A 1 x 1 convolution and a depthwise one in one pass give the bits of two calls. */
static void test_chain(void **state) {
    (void)state;
    draw d = {nlg_rng_seed(6), 0};
    for (int i = 0; i < 60;) {
        sample a = {.shape = {.n = between(&d, 1, 3), .stride_h = 1, .stride_w = 1, .r = 1, .s = 1, .dilation = 1, .groups = 1}};
        sample b = {.shape = {.n = a.shape.n}};
        a.shape.c = ONE_OF(&d, 1, 3, 16, 24, 40, 330);
        a.shape.k = b.shape.c = b.shape.k = b.shape.groups = ONE_OF(&d, 2, 16, 21, 72, 144, 300);
        if (!draw_spatial(&d, &b.shape, i % 8 ? 17 : 60)) continue;
        if (b.shape.dilation > 1) continue;
        a.shape.h = b.shape.h, a.shape.w = b.shape.w;
        assert_true(nlg_conv_output_size(&a.shape));
        draw_rest(&d, &a);
        draw_rest(&d, &b);
        for (int isa = 0; isa < NLG_ISA_COUNT; isa++) {
            if (!nlg_isa_available((nlg_isa)isa)) continue;
            const nlg_exec exec = {.team = teams[1 + i % MOST_THREADS], .isa = (nlg_isa)isa, .simd = nlg_simd_table((nlg_isa)isa)};
            check_chain(&exec, &a, &b, (uint64_t)i);
        }
        i++;
    }
}

/* A convolution of scaled pixels gives the bits of a product followed by a convolution. */
static void test_scaled(void **state) {
    (void)state;
    draw d = {nlg_rng_seed(9), 0};
    for (int i = 0; i < 40; i++) {
        sample t = {.shape = {.stride_h = 1, .stride_w = 1, .r = 1, .s = 1, .dilation = 1, .groups = 1}};
        nlg_conv_shape *s = &t.shape;
        s->n = ONE_OF(&d, 1, 2, 3, 17), s->h = between(&d, 1, 20), s->w = between(&d, 1, 20);
        s->c = ONE_OF(&d, 1, 16, 33, 144, 480, 1153), s->k = ONE_OF(&d, 1, 24, 35, 112, 300);
        assert_true(nlg_conv_output_size(s));
        draw_rest(&d, &t);
        const size_t ld_x = (size_t)(s->c + t.extra), ld_y = (size_t)(s->k + t.extra), images = (size_t)s->n;
        block x = block_random(pixels_in(s) * ld_x, (uint64_t)i), scale = block_random(images * ld_x, (uint64_t)i + 100);
        block bias = block_random((size_t)s->k, 1), add = block_random(pixels_out(s) * ld_y, 2);
        for (int isa = 0; isa < NLG_ISA_COUNT; isa++) {
            if (!nlg_isa_available((nlg_isa)isa)) continue;
            const nlg_exec exec = {.team = teams[1 + i % MOST_THREADS], .isa = (nlg_isa)isa, .simd = nlg_simd_table((nlg_isa)isa)};
            nlg_conv_epilogue epilogue = {.act = t.act};
            if (t.epilogue) epilogue = (nlg_conv_epilogue){bias.data, add.data, (int64_t)ld_y, t.act};
            block packed = packed_random(&exec, s, 3), product = block_create(pixels_in(s) * (size_t)s->c);
            block y[2] = {block_create(pixels_out(s) * ld_y), block_create(pixels_out(s) * ld_y)};
            block scratch[2] = {block_create(nlg_conv_scratch_size(s, NLG_CONV_FORWARD, &exec)),
                                block_create(nlg_conv_scaled_scratch_size(s, &exec))};
            nlg_multiply_rows(&exec, (int64_t)pixels_in(s), s->c, x.data, (int64_t)ld_x, scale.data, (int64_t)ld_x,
                              (int64_t)s->h * s->w, false, product.data, s->c);
            nlg_conv_forward(&exec, s, product.data, s->c, packed.data, &epilogue, y[0].data, (int64_t)ld_y, scratch[0].data);
            nlg_conv_scaled_forward(&exec, s, x.data, (int64_t)ld_x, scale.data, (int64_t)ld_x, packed.data, &epilogue, y[1].data,
                                    (int64_t)ld_y, scratch[1].data);
            same_bits(&t, "scaled y", &exec, y[0], y[1]);
            block all[] = {packed, product, y[0], y[1], scratch[0], scratch[1]};
            for (size_t k = 0; k < sizeof all / sizeof *all; k++) block_destroy(all[k]);
        }
        block_destroy(x), block_destroy(scale), block_destroy(bias), block_destroy(add);
    }
}

static void test_openblas(void **state) {
    (void)state;
    assert_int_equal(nlg_openblas_load(NULL), NLG_OK);
    draw d = {nlg_rng_seed(4), 0};
    for (int i = 0; i < 40;) {
        int groups = ONE_OF(&d, 1, 1, 3);
        sample t = {.backend = NLG_BACKEND_OPENBLAS, .shape = {.n = between(&d, 1, 3), .groups = groups}};
        t.shape.c = groups * ONE_OF(&d, 1, 3, 16);
        t.shape.k = groups * ONE_OF(&d, 1, 3, 20);
        if (!draw_spatial(&d, &t.shape, 11)) continue;
        draw_rest(&d, &t);
        check(&t, (uint64_t)i++, 1e-5);
    }
}

/* Scratch is laid out for the whole batch, a last batch of fewer images must fit into it. */
static void test_scratch_of_fewer_images(void **state) {
    (void)state;
    draw d = {nlg_rng_seed(6), 0};
    nlg_exec exec = {.team = teams[2], .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
    for (int i = 0; i < 200;) {
        nlg_conv_shape s = {.groups = 1, .c = ONE_OF(&d, 1, 3, 16, 200), .k = ONE_OF(&d, 6, 16, 40)};
        if (!draw_spatial(&d, &s, 30)) continue;
        if (i % 4 == 1) s.groups = s.k = s.c;
        if (i % 4 == 2) s.c = s.k = 64, s.groups = ONE_OF(&d, 4, 8, 16);
        if (i % 4 == 3) { /* Winograd, shallow and deep */
            s.c = ONE_OF(&d, 32, 64, 200, 512), s.k = ONE_OF(&d, 48, 256, 500);
            s.r = s.s = 3, s.stride_h = s.stride_w = s.dilation = 1;
            s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = 1;
        }
        for (int pass = 0; pass < 3; pass++) {
            s.n = 32;
            if (!nlg_conv_output_size(&s)) break;
            size_t whole = nlg_conv_scratch_size(&s, (nlg_conv_pass)pass, &exec);
            for (s.n = 1; s.n < 32; s.n++)
                if (nlg_conv_scratch_size(&s, (nlg_conv_pass)pass, &exec) > whole)
                    fail_msg("%d images of %dx%dx%d, %dx%d to %d: more scratch than for 32", s.n, s.h, s.w, s.c, s.r, s.s, s.k);
        }
        i++;
    }
}

static void test_output_size(void **state) {
    (void)state;
    nlg_conv_shape s = {.n = 1,
                        .h = 7,
                        .w = 6,
                        .c = 1,
                        .k = 1,
                        .r = 3,
                        .s = 3,
                        .stride_h = 2,
                        .stride_w = 2,
                        .pad_top = 1,
                        .dilation = 2,
                        .groups = 1};
    assert_true(nlg_conv_output_size(&s));
    assert_int_equal(s.p, 2);
    assert_int_equal(s.q, 1);
    s.w = 4;
    assert_false(nlg_conv_output_size(&s));
}

static int create_teams(void **state) {
    (void)state;
    for (int i = 1; i <= MOST_THREADS; i++)
        if (!(teams[i] = nlg_team_create(i))) return -1;
    return 0;
}

static int destroy_teams(void **state) {
    (void)state;
    for (int i = 1; i <= MOST_THREADS; i++) nlg_team_destroy(teams[i]);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_size),    cmocka_unit_test(test_scratch_of_fewer_images),
        cmocka_unit_test(test_dense),          cmocka_unit_test(test_grouped),
        cmocka_unit_test(test_depthwise),      cmocka_unit_test(test_chain),
        cmocka_unit_test(test_scaled),         cmocka_unit_test(test_particular),
        cmocka_unit_test(test_openblas),       cmocka_unit_test(test_winograd),
        cmocka_unit_test(test_winograd_error),
    };
    return cmocka_run_group_tests(tests, create_teams, destroy_teams);
}
