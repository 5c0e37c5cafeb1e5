/* Every registered op, over the cases of op_cases.c: values against the simplest form in double, gradients against finite
 * differences, accumulation, gradients not wanted, channel slices, in-place use, and the same bits for every instruction set and
 * team. A registered op without a case fails. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/memory.h"
#include "layers/kernels/simd.h"
#include "tests/op_cases.h"

enum { THREADS = 3, SAMPLES = 24, EXTRA = 5 };

static nlg_team *teams[THREADS + 1];

/* One prepared call. Pixels are `extra` floats apart; the gaps hold NaN, which must stay and must not spread. */
typedef struct use {
    const op_case *test;
    const nlg_op *op;
    nlg_op_call call;
    nlg_param_spec params[NLG_OP_MAX_PARAMS];
    size_t param_count[NLG_OP_MAX_PARAMS];
    nlg_exec exec;
    nlg_arena *arena;
} use;

static float *block(use *u, size_t count) {
    float *data = nlg_arena_alloc(u->arena, count + 1, sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++) data[i] = NAN;
    return data;
}

static nlg_tensor tensor(use *u, int n, nlg_shape s, int extra) {
    nlg_tensor t = {.n = n, .h = s.h, .w = s.w, .c = s.c, .ld = s.c + extra};
    t.data = block(u, (size_t)nlg_tensor_pixels(&t) * (size_t)t.ld);
    return t;
}

static float *value_at(const nlg_tensor *t, size_t index) {
    return t->data + (int64_t)(index / (size_t)t->c) * t->ld + (int64_t)(index % (size_t)t->c);
}

static size_t count_of(const nlg_tensor *t) {
    return (size_t)nlg_tensor_pixels(t) * (size_t)t->c;
}

static void check_gaps(const nlg_tensor *t) {
    for (int64_t pixel = 0; pixel < nlg_tensor_pixels(t); pixel++)
        for (int64_t i = t->c; i < t->ld; i++) assert_true(isnan(t->data[pixel * t->ld + i]));
}

/* All different, evenly spaced around zero, in random order. */
static void fill_spaced(const nlg_tensor *t, nlg_rng rng, double spacing) {
    uint32_t count = (uint32_t)count_of(t), *order = nlg_alloc(count, sizeof *order);
    assert_non_null(order);
    nlg_rng_permutation(rng, order, count);
    for (uint32_t i = 0; i < count; i++) *value_at(t, i) = (float)(((double)order[i] - 0.5 * count + 0.5) * spacing);
    nlg_free(order);
}

static void fill_params(use *u) {
    for (int i = 0; i < u->call.n_params; i++) {
        nlg_rng rng = nlg_rng_stream(nlg_rng_seed(7), (uint64_t)i);
        if (u->op->init && u->params[i].role == NLG_PARAM_CONSTANT) {
            u->op->init(u->test->attrs, i, u->call.param[i], u->param_count[i], rng);
            continue;
        }
        bool positive = u->params[i].role == NLG_PARAM_RUNNING_VAR;
        for (size_t j = 0; j < u->param_count[i]; j++)
            u->call.param[i][j] = (float)(positive ? 0.5 + nlg_rng_uniform(rng, j) : 2 * nlg_rng_uniform(rng, j) - 1);
    }
}

static use prepare(const op_case *test, int images, nlg_isa isa, int threads, int extra, bool training) {
    use u = {.test = test, .op = nlg_op_find(test->op), .arena = nlg_arena_create()};
    nlg_error err = {0};
    nlg_shape y;
    assert_non_null(u.op);
    assert_non_null(u.arena);
    assert_in_range(test->n_x, u.op->min_inputs, u.op->max_inputs);
    u.exec = (nlg_exec){.team = teams[threads], .isa = isa, .simd = nlg_simd_table(isa)};
    if (u.op->infer(test->attrs, test->x, test->n_x, &y, &err) != NLG_OK) fail_msg("%s: %s", test->op, err.text);
    nlg_op_call *call = &u.call;
    *call = (nlg_op_call){.attrs = test->attrs,
                          .training = training,
                          .batch_statistics = training && test->statistics,
                          .n_x = test->n_x,
                          .rng = nlg_rng_seed(5)};
    for (int i = 0; i < test->n_x; i++) {
        call->x[i] = tensor(&u, images, test->x[i], extra);
        call->dx[i] = tensor(&u, images, test->x[i], extra);
        fill_spaced(&call->x[i], nlg_rng_stream(nlg_rng_seed(3), (uint64_t)i), test->spacing > 0 ? test->spacing : 0.05);
    }
    call->y = tensor(&u, images, y, extra);
    call->dy = tensor(&u, images, y, extra);
    for (size_t i = 0; i < count_of(&call->dy); i++) *value_at(&call->dy, i) = (float)(2 * nlg_rng_uniform(nlg_rng_seed(4), i) - 1);
    call->n_params = u.op->params ? u.op->params(test->attrs, test->x, test->n_x, u.params) : 0;
    for (int i = 0; i < call->n_params; i++) {
        u.param_count[i] = 1;
        for (int d = 0; d < u.params[i].rank; d++) u.param_count[i] *= (size_t)u.params[i].shape[d];
        bool fixed = u.params[i].role == NLG_PARAM_RUNNING_MEAN || u.params[i].role == NLG_PARAM_RUNNING_VAR ||
                     u.params[i].role == NLG_PARAM_CONSTANT;
        call->param[i] = block(&u, u.param_count[i]);
        call->dparam[i] = fixed ? NULL : block(&u, u.param_count[i]);
    }
    fill_params(&u);
    call->exec = &u.exec;
    call->packed = block(&u, u.op->packed_size ? u.op->packed_size(call) : 0);
    call->saved = block(&u, training && u.op->saved_size ? u.op->saved_size(call) : 0);
    call->parts = block(&u, nlg_op_parts_size(u.op, call));
    call->scratch = block(&u, u.op->scratch_size ? u.op->scratch_size(call) : 0);
    return u;
}

static void forward(use *u) {
    u->call.exec = &u->exec; /* `use` may have been copied */
    if (u->op->pack) u->op->pack(&u->call);
    nlg_op_forward(u->op, &u->call);
}

/* An op may use dy up; it is as it was afterwards, for comparisons, unless dx was to take its place. */
static void backward(use *u) {
    nlg_tensor *dy = &u->call.dy;
    const size_t bytes = (size_t)nlg_tensor_pixels(dy) * (size_t)dy->ld * sizeof(float);
    float *kept = malloc(bytes);
    assert_non_null(kept);
    memcpy(kept, dy->data, bytes);
    nlg_op_backward(u->op, &u->call);
    if (u->call.dx[0].data != dy->data) memcpy(dy->data, kept, bytes);
    free(kept);
}

static use prepared(const op_case *test) {
    return prepare(test, test->images, nlg_isa_best(), 2, EXTRA, !test->inference);
}

static void release(use *u) {
    for (int i = 0; i < u->call.n_x; i++) {
        check_gaps(&u->call.x[i]);
        check_gaps(&u->call.dx[i]);
    }
    check_gaps(&u->call.y);
    nlg_arena_destroy(u->arena);
}

static void every_op_has_a_case(void **state) {
    (void)state;
    for (int i = 0; i < nlg_op_count(); i++) {
        const nlg_op *op = nlg_op_at(i);
        bool found = false;
        for (int j = 0; j < op_case_count; j++) found = found || (strcmp(op_cases[j].op, op->name) == 0 && !op_cases[j].inference);
        if (!found) fail_msg("op %s has no case in tests/op_cases.c", op->name);
        if (!op->infer || !op->cost || !op->forward) fail_msg("op %s lacks infer, cost or forward", op->name);
        assert_ptr_equal(nlg_op_find(op->name), op);
    }
    assert_null(nlg_op_find("no such op"));
    assert_null(nlg_op_at(nlg_op_count()));
}

static void values_match_the_plain_form(void **state) {
    (void)state;
    for (int i = 0; i < op_case_count; i++) {
        use u = prepared(&op_cases[i]);
        const nlg_tensor *y = &u.call.y;
        double square = 0, worst = 0;
        forward(&u);
        fill_params(&u); /* running statistics as they were */
        for (size_t j = 0; j < count_of(y); j++) {
            size_t pixel = j / (size_t)y->c;
            double want = op_cases[i].plain(&u.call, (int)(pixel / (size_t)(y->h * y->w)), (int)(pixel / (size_t)y->w) % y->h,
                                            (int)(pixel % (size_t)y->w), (int)(j % (size_t)y->c));
            double miss = fabs(want - (double)*value_at(y, j));
            square += want * want;
            if (!(miss <= worst)) worst = miss;
        }
        double rms = sqrt(square / (double)count_of(y));
        if (!(worst <= 1e-5 * rms)) fail_msg("case %d (%s): y misses by %g, rms %g", i, op_cases[i].op, worst, rms);
        release(&u);
    }
}

static double loss(use *u) {
    double sum = 0;
    forward(u);
    for (size_t i = 0; i < count_of(&u->call.y); i++) sum += (double)*value_at(&u->call.y, i) * (double)*value_at(&u->call.dy, i);
    return sum;
}

/* The change of the loss with one value, whatever it belongs to. */
static double numeric_gradient(use *u, float *value, double step) {
    float kept = *value, up = (float)((double)kept + step), down = (float)((double)kept - step);
    *value = up;
    double above = loss(u);
    *value = down;
    double below = loss(u);
    *value = kept;
    return (above - below) / ((double)up - (double)down);
}

static void compare_gradient(use *u, const char *what, const nlg_tensor *value, const nlg_tensor *gradient) {
    size_t count = count_of(value);
    double step = u->test->step > 0 ? u->test->step : 0.01, square = 0;
    for (size_t i = 0; i < count; i++) square += pow((double)*value_at(gradient, i), 2);
    double rms = sqrt(square / (double)count);
    for (uint64_t s = 0; s < SAMPLES; s++) {
        size_t i = count <= SAMPLES ? (size_t)s % count : (size_t)nlg_rng_below(nlg_rng_seed(9), s, count);
        double want = numeric_gradient(u, value_at(value, i), step), got = (double)*value_at(gradient, i);
        if (!(fabs(want - got) <= 1e-2 * (fabs(want) + rms) + 1e-4))
            fail_msg("case %d (%s): gradient of %s[%zu] is %g, finite difference %g (rms %g)", (int)(u->test - op_cases),
                     u->op->name, what, i, got, want, rms);
    }
}

static void gradients_match_finite_differences(void **state) {
    (void)state;
    for (int i = 0; i < op_case_count; i++) {
        if (op_cases[i].inference) continue;
        use u = prepared(&op_cases[i]);
        forward(&u);
        backward(&u);
        for (int j = 0; j < u.call.n_x; j++) compare_gradient(&u, "x", &u.call.x[j], &u.call.dx[j]);
        for (int j = 0; j < u.call.n_params; j++) {
            if (!u.call.dparam[j]) continue;
            int count = (int)u.param_count[j];
            nlg_tensor value = {u.call.param[j], 1, 1, 1, count, count}, gradient = {u.call.dparam[j], 1, 1, 1, count, count};
            compare_gradient(&u, u.params[j].suffix, &value, &gradient);
        }
        release(&u);
    }
}

/* ---- equality of everything that a call writes ---- */

static void same_values(const op_case *test, const char *what, const nlg_tensor *a, const nlg_tensor *b) {
    for (size_t i = 0; i < count_of(a); i++)
        if (memcmp(value_at(a, i), value_at(b, i), sizeof(float)) != 0)
            fail_msg("case %d (%s): %s[%zu] is %a in one form and %a in another", (int)(test - op_cases), test->op, what, i,
                     (double)*value_at(a, i), (double)*value_at(b, i));
}

static nlg_tensor vector(float *data, size_t count) {
    return (nlg_tensor){data, 1, 1, 1, (int)count, (int)count};
}

static void same_results(const use *a, const use *b, bool gradients) {
    same_values(a->test, "y", &a->call.y, &b->call.y);
    for (int i = 0; i < a->call.n_x && gradients; i++)
        if (a->call.dx[i].data && b->call.dx[i].data) same_values(a->test, "dx", &a->call.dx[i], &b->call.dx[i]);
    for (int i = 0; i < a->call.n_params; i++) {
        nlg_tensor p = vector(a->call.param[i], a->param_count[i]), q = vector(b->call.param[i], a->param_count[i]);
        same_values(a->test, a->params[i].suffix, &p, &q);
        if (!gradients || !a->call.dparam[i] || !b->call.dparam[i]) continue;
        p = vector(a->call.dparam[i], a->param_count[i]), q = vector(b->call.dparam[i], a->param_count[i]);
        same_values(a->test, "a parameter's gradient", &p, &q);
    }
}

static void run(use *u) {
    forward(u);
    if (!u->test->inference) backward(u);
}

/* Enough images that work is split over the team. */
static void bits_are_the_same_everywhere(void **state) {
    (void)state;
    for (int i = 0; i < op_case_count; i++) {
        const op_case *test = &op_cases[i];
        int images = 1 + 24000 / (test->x[0].h * test->x[0].w * test->x[0].c);
        use first = prepare(test, images, NLG_ISA_PORTABLE, 1, 0, !test->inference);
        run(&first);
        for (int isa = 0; isa < NLG_ISA_COUNT; isa++) {
            for (int threads = 1; threads <= THREADS && nlg_isa_available((nlg_isa)isa); threads++) {
                use other = prepare(test, images, (nlg_isa)isa, threads, threads == 1 ? 0 : EXTRA, !test->inference);
                run(&other);
                same_results(&first, &other, !test->inference);
                release(&other);
            }
        }
        release(&first);
    }
}

static void check_sum(const op_case *test, const char *what, const nlg_tensor *total, const nlg_tensor *part) {
    for (size_t i = 0; i < count_of(part); i++) {
        double want = 1 + (double)*value_at(part, i);
        if (!(fabs(want - (double)*value_at(total, i)) <= 1e-5 * (1 + fabs(want))))
            fail_msg("case %d (%s): accumulated %s[%zu] is %g, expected %g", (int)(test - op_cases), test->op, what, i,
                     (double)*value_at(total, i), want);
    }
}

static void gradients_accumulate(void **state) {
    (void)state;
    for (int i = 0; i < op_case_count; i++) {
        const op_case *test = &op_cases[i];
        if (test->inference) continue;
        use plain = prepared(test), added = prepared(test);
        run(&plain);
        for (int j = 0; j < added.call.n_x; j++) {
            added.call.accumulate_dx[j] = true;
            for (size_t k = 0; k < count_of(&added.call.dx[j]); k++) *value_at(&added.call.dx[j], k) = 1;
        }
        added.call.accumulate_dparam = true;
        for (int j = 0; j < added.call.n_params; j++)
            for (size_t k = 0; k < added.param_count[j] && added.call.dparam[j]; k++) added.call.dparam[j][k] = 1;
        run(&added);
        for (int j = 0; j < added.call.n_x; j++) check_sum(test, "dx", &added.call.dx[j], &plain.call.dx[j]);
        for (int j = 0; j < added.call.n_params; j++) {
            if (!added.call.dparam[j]) continue;
            nlg_tensor total = vector(added.call.dparam[j], added.param_count[j]);
            nlg_tensor part = vector(plain.call.dparam[j], added.param_count[j]);
            check_sum(test, "dparam", &total, &part);
        }
        release(&plain);
        release(&added);
    }
}

/* Whatever is not wanted is left out without changing the rest, but for the rounding of a bias gradient that is summed alone. */
static void gradients_may_be_left_out(void **state) {
    (void)state;
    for (int i = 0; i < op_case_count; i++) {
        const op_case *test = &op_cases[i];
        if (test->inference) continue;
        use all = prepared(test);
        run(&all);
        for (int left_out = 0; left_out < 1 << (test->n_x + all.call.n_params); left_out++) {
            use some = prepared(test);
            nlg_tensor dx[NLG_OP_MAX_INPUTS];
            memcpy(dx, some.call.dx, sizeof dx);
            for (int j = 0; j < test->n_x; j++)
                if (left_out >> j & 1) some.call.dx[j].data = NULL;
            for (int j = 0; j < some.call.n_params; j++)
                if (left_out >> (test->n_x + j) & 1) some.call.dparam[j] = NULL;
            run(&some);
            same_results(&all, &some, false);
            for (int j = 0; j < test->n_x; j++)
                if (some.call.dx[j].data) same_values(test, "dx", &all.call.dx[j], &some.call.dx[j]);
            for (int j = 0; j < some.call.n_params; j++)
                for (size_t k = 0; k < some.param_count[j] && some.call.dparam[j]; k++)
                    assert_float_equal(some.call.dparam[j][k], all.call.dparam[j][k], 1e-5f * (1 + fabsf(all.call.dparam[j][k])));
            memcpy(some.call.dx, dx, sizeof dx);
            release(&some);
        }
        release(&all);
    }
}

static void in_place_is_the_same(void **state) {
    (void)state;
    for (int i = 0; i < op_case_count; i++) {
        const op_case *test = &op_cases[i];
        use apart = prepared(test), place = prepared(test);
        unsigned reads = apart.op->reads ? apart.op->reads(test->attrs) : apart.op->flags;
        if ((apart.op->flags & NLG_OP_IN_PLACE) && !(reads & NLG_OP_READS_X)) {
            place.call.y = place.call.x[0];
            place.call.dx[0] = place.call.dy;
            run(&apart);
            run(&place);
            same_results(&apart, &place, true);
        }
        release(&apart);
        release(&place);
    }
}

/* One value used twice: the second gradient is added to the first. */
static void a_value_may_be_used_twice(void **state) {
    static const nlg_batch_norm_attrs norm = {.eps = 1e-3f, .momentum = 0.1f, .affine = true, .add = true, .act = NLG_ACT_SILU};
    static const nlg_add_attrs add = {{1, 0.5f}, NLG_ACT_TANH};
    const op_case cases[] = {
        {.op = "batch_norm", .attrs = &norm, .images = 2, .n_x = 2, .x = {{3, 3, 5}, {3, 3, 5}}, .statistics = true},
        {.op = "add", .attrs = &add, .images = 2, .n_x = 2, .x = {{3, 3, 5}, {3, 3, 5}}},
        {.op = "multiply", .images = 2, .n_x = 2, .x = {{3, 3, 5}, {3, 3, 5}}}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        use u = prepared(&cases[i]);
        u.call.x[1] = u.call.x[0];
        u.call.dx[1] = u.call.dx[0];
        u.call.accumulate_dx[1] = true;
        run(&u);
        u.test = op_cases; /* for the message */
        compare_gradient(&u, "x", &u.call.x[0], &u.call.dx[0]);
        release(&u);
    }
}

static nlg_op_cost cost_of(const char *name, const void *attrs, nlg_shape x, int n_x) {
    const nlg_op *op = nlg_op_find(name);
    nlg_shape inputs[3] = {x, x, x}, y;
    nlg_op_cost cost = {0};
    assert_int_equal(op->infer(attrs, inputs, n_x, &y, NULL), NLG_OK);
    op->cost(attrs, inputs, n_x, y, &cost);
    return cost;
}

static void costs_follow_the_rule(void **state) {
    (void)state;
    nlg_conv2d_attrs conv = {
        .out = 128, .kernel_h = 3, .kernel_w = 3, .stride_h = 1, .stride_w = 1, .dilation = 1, .groups = 1, .bias = true};
    nlg_op_cost cost = cost_of("conv2d", &conv, (nlg_shape){128, 128, 1}, 1);
    assert_int_equal(cost.macs, 18289152);
    assert_int_equal(cost.other_ops, 2032128);
    conv.groups = 4, conv.bias = false;
    assert_int_equal(cost_of("conv2d", &conv, (nlg_shape){5, 5, 8}, 1).macs, 9 * 128 * 2 * 9);
    cost = cost_of("linear", &(nlg_linear_attrs){.out = 10, .bias = true}, (nlg_shape){2, 3, 4}, 1);
    assert_int_equal(cost.macs, 240);
    assert_int_equal(cost.other_ops, 10);
    assert_int_equal(cost_of("batch_norm", &(nlg_batch_norm_attrs){.eps = 1e-5f}, (nlg_shape){2, 3, 4}, 1).other_ops, 48);
    assert_int_equal(cost_of("avg_pool", &(nlg_pool_attrs){.global = true}, (nlg_shape){7, 7, 20}, 1).other_ops, 980);
    nlg_pool_attrs pool = {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2};
    assert_int_equal(cost_of("max_pool", &pool, (nlg_shape){7, 7, 2}, 1).other_ops, 9 * 2 * 9);
    assert_int_equal(cost_of("add", &(nlg_add_attrs){.factor = {1, 1, 1}}, (nlg_shape){2, 3, 4}, 3).other_ops, 48);
    assert_int_equal(cost_of("activation", &(nlg_activation_attrs){NLG_ACT_SILU}, (nlg_shape){2, 3, 4}, 1).other_ops, 24);
    assert_int_equal(cost_of("concat", NULL, (nlg_shape){2, 3, 4}, 3).other_ops, 0);
}

static void impossible_shapes_are_refused(void **state) {
    const struct {
        const char *op;
        const void *attrs;
        int n_x;
        nlg_shape x[2];
    } cases[] = {
        {"conv2d",
         &(nlg_conv2d_attrs){.out = 4, .kernel_h = 5, .kernel_w = 5, .stride_h = 1, .stride_w = 1, .dilation = 1, .groups = 1},
         1,
         {{4, 4, 3}}},
        {"conv2d",
         &(nlg_conv2d_attrs){.out = 4, .kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1, .dilation = 1, .groups = 2},
         1,
         {{4, 4, 3}}},
        {"conv2d",
         &(nlg_conv2d_attrs){.out = 4, .kernel_h = 1, .kernel_w = 1, .stride_h = 0, .stride_w = 1, .dilation = 1, .groups = 1},
         1,
         {{4, 4, 3}}},
        {"max_pool", &(nlg_pool_attrs){.kernel_h = 3, .kernel_w = 3, .stride_h = 1, .stride_w = 1, .pad_top = 2}, 1, {{4, 4, 3}}},
        {"max_pool", &(nlg_pool_attrs){.kernel_h = 5, .kernel_w = 5, .stride_h = 1, .stride_w = 1}, 1, {{4, 4, 3}}},
        {"add", &(nlg_add_attrs){.factor = {1, 1}}, 2, {{4, 4, 3}, {4, 4, 2}}},
        {"concat", NULL, 2, {{4, 4, 3}, {4, 3, 3}}},
        {"channel_scale", NULL, 2, {{4, 4, 3}, {1, 1, 2}}},
        {"slice", &(nlg_slice_attrs){2, 3}, 1, {{4, 4, 4}}},
        {"spatial_pad", &(nlg_spatial_pad_attrs){-4, 2, 0, 0}, 1, {{4, 4, 4}}},
        {"dropout", &(nlg_dropout_attrs){1.0f}, 1, {{4, 4, 4}}},
        {"rbf", NULL, 1, {{1, 1, 83}}},
        {"subsample_scale", NULL, 1, {{5, 4, 3}}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nlg_error err = {0};
        nlg_shape y;
        if (nlg_op_find(cases[i].op)->infer(cases[i].attrs, cases[i].x, cases[i].n_x, &y, &err) != NLG_ERR_INPUT || !err.text[0])
            fail_msg("refusal %zu (%s) is missing", i, cases[i].op);
    }
}

static int start(void **state) {
    (void)state;
    for (int i = 1; i <= THREADS; i++)
        if (!(teams[i] = nlg_team_create(i))) return -1;
    return 0;
}

static int stop(void **state) {
    (void)state;
    for (int i = 1; i <= THREADS; i++) nlg_team_destroy(teams[i]);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_has_a_case),
        cmocka_unit_test(values_match_the_plain_form),
        cmocka_unit_test(gradients_match_finite_differences),
        cmocka_unit_test(bits_are_the_same_everywhere),
        cmocka_unit_test(gradients_accumulate),
        cmocka_unit_test(gradients_may_be_left_out),
        cmocka_unit_test(in_place_is_the_same),
        cmocka_unit_test(a_value_may_be_used_twice),
        cmocka_unit_test(costs_follow_the_rule),
        cmocka_unit_test(impossible_shapes_are_refused),
    };
    return cmocka_run_group_tests_name("ops", tests, start, stop);
}
