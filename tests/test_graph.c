/* Graphs, plans and weight files: fusion and aliases against the plain plan, failures anywhere, damaged files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "layers/base/file.h"
#include "layers/graph/builder.h"
#include "layers/graph/plan.h"
#include "layers/graph/safetensors.h"
#include "layers/graph/weights_file.h"
#include "layers/kernels/simd.h"

/* A network with every kind of join: residual with norm, in-place activation, concatenations (nested, of a value that is read
 * again later, of one value twice), squeeze-and-excitation, shared layer, auxiliary head. */
static nlg_status build_joins(nlg_graph **graph, nlg_error *err) {
    nlg_graph *g = nlg_graph_create();
    nlg_builder *b = g != NULL ? nlg_builder_create(g) : NULL;
    if (b == NULL) {
        nlg_graph_destroy(g);
        return nlg_fail_memory(err, 0, "graph");
    }
    const nlg_value x = nlg_input(b, 3, 9, 10);
    const nlg_conv_args conv = {.out = 20, .kernel = 3, .pad = 1};
    nlg_value a = nlg_relu(b, nlg_batch_norm(b, nlg_conv(b, x, conv, "conv1"), (nlg_norm_args){0}, "bn1"));
    nlg_value shortcut =
        nlg_batch_norm(b, nlg_conv(b, a, (nlg_conv_args){.out = 20, .kernel = 1}, "short"), (nlg_norm_args){0}, "short_bn");
    nlg_value main_branch = nlg_batch_norm(b, nlg_conv(b, a, conv, "conv2"), (nlg_norm_args){0}, "bn2");
    nlg_value r = nlg_relu(b, nlg_add(b, main_branch, shortcut));
    nlg_value r2 =
        nlg_activation(b, nlg_add(b, nlg_batch_norm(b, nlg_conv(b, r, conv, "conv3"), (nlg_norm_args){0}, "bn3"), r), NLG_ACT_SILU);
    nlg_value d =
        nlg_activation(b, nlg_conv(b, r2, (nlg_conv_args){.groups = -1, .kernel = 3, .pad = 1, .bias = true}, "dw"), NLG_ACT_TANH);
    nlg_value p = nlg_max_pool(b, r2, (nlg_pool_args){.kernel = 3, .stride = 1, .pad = 1});
    nlg_value join = nlg_concat(b, (const nlg_value[]){d, r2, p, p}, 4); /* r2 is read again below */
    nlg_value join2 = nlg_concat(b, (const nlg_value[]){nlg_conv(b, r2, (nlg_conv_args){.out = 5, .kernel = 1}, "c5"), join}, 2);
    nlg_share_begin(b);
    nlg_value s1 = nlg_conv(b, join2, (nlg_conv_args){.out = 12, .kernel = 1, .bias = true}, "shared");
    nlg_value s2 = nlg_conv(b, nlg_max_pool(b, join2, (nlg_pool_args){.kernel = 2}),
                            (nlg_conv_args){.out = 12, .kernel = 1, .bias = true}, "shared");
    nlg_share_end(b);
    nlg_value squeezed = nlg_activation(
        b, nlg_conv(b, nlg_global_avg_pool(b, s1), (nlg_conv_args){.out = 12, .kernel = 1, .bias = true}, "se"), NLG_ACT_SIGMOID);
    nlg_value scaled = nlg_channel_scale(b, s1, squeezed);
    nlg_aux_begin(b);
    nlg_output_aux(b, nlg_linear(b, nlg_global_avg_pool(b, r2), (nlg_linear_args){.out = 7}, "aux"), 0.3F);
    nlg_aux_end(b);
    nlg_value head = nlg_add(b, nlg_global_avg_pool(b, scaled), nlg_global_avg_pool(b, s2));
    nlg_output(b, nlg_linear(b, nlg_dropout(b, head, 0.2F), (nlg_linear_args){.out = 7}, "fc"));
    const nlg_status status = nlg_builder_finish(b, err);
    if (status != NLG_OK) nlg_graph_destroy(g);
    *graph = status == NLG_OK ? g : NULL;
    return status;
}

static nlg_exec make_exec(int threads) {
    const nlg_exec exec = {.team = nlg_team_create(threads), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
    assert_non_null(exec.team);
    return exec;
}

enum { BATCH = 5 };

/* The same few images again and again, 0: all different. */
static int distinct_images;

static void fill_images(nlg_tensor t, const char *name, int images) {
    const uint64_t key = nlg_fill_key(name);
    const int64_t image = (int64_t)t.h * t.w * t.c, period = distinct_images > 0 ? distinct_images * image : images * image;
    for (int64_t i = 0; i < images * image; i++) t.data[i] = (float)nlg_fill_value(key, (uint64_t)(i % period));
}

/* Runs forward (and backward from a fixed output gradient); copies main output and gradients. */
static void run_plan(const nlg_graph *g, const nlg_weights *w, nlg_plan_options options, int threads, int images, float *y,
                     float *gradients) {
    nlg_exec exec = make_exec(threads);
    nlg_weights grad = {0};
    nlg_plan *plan = NULL;
    nlg_error err = {0};
    assert_int_equal(nlg_weights_create(g, &grad, &err), NLG_OK);
    if (nlg_plan_create(g, &exec, &options, w, &grad, &plan, &err) != NLG_OK) fail_msg("%s", err.text);
    const nlg_tensor x = nlg_plan_input(plan);
    for (int repeat = 0; repeat < 2; repeat++) { /* the second run must not see leftovers of the first */
        fill_images(x, "x", images);
        nlg_plan_forward(plan, images, nlg_rng_seed(3));
        if (options.mode == NLG_TRAIN) {
            for (int o = 0; o < nlg_plan_outputs(plan); o++)
                fill_images(nlg_plan_output_gradient(plan, o), o == 0 ? "dy" : "aux", images);
        }
        const nlg_tensor out = nlg_plan_output(plan, 0);
        memcpy(y, out.data, sizeof(float) * (size_t)images * (size_t)out.c);
        if (options.mode == NLG_TRAIN) nlg_plan_backward(plan);
    }
    if (gradients != NULL) memcpy(gradients, grad.values, g->weights_floats * sizeof(float));
    nlg_plan_destroy(plan);
    nlg_weights_destroy(&grad);
    nlg_team_destroy(exec.team);
}

static double difference(const float *a, const float *b, size_t n) {
    double worst = 0, squares = 1e-30;
    for (size_t i = 0; i < n; i++) squares += (double)a[i] * (double)a[i] / (double)n;
    for (size_t i = 0; i < n; i++) worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
    return worst / sqrt(squares);
}

typedef struct fixture {
    nlg_graph *graph;
    nlg_weights weights;
} fixture;

static fixture make_fixture(void) {
    fixture f = {0};
    nlg_error err = {0};
    if (build_joins(&f.graph, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(nlg_weights_create(f.graph, &f.weights, &err), NLG_OK);
    nlg_weights_fill_reference(&f.weights, 1);
    return f;
}

static void drop_fixture(fixture *f) {
    nlg_weights_destroy(&f->weights);
    nlg_graph_destroy(f->graph);
}

static void test_fusion_keeps_values(void **unused) {
    (void)unused;
    for (int train = 0; train < 2; train++)
        for (int frozen = 0; frozen < 2; frozen++) {
            if (train && !frozen) continue; /* dropout's streams are numbered by step, which fusion changes */
            fixture f = make_fixture();
            float plain[BATCH * 7], fused[BATCH * 7];
            float *g1 = calloc(f.graph->weights_floats, sizeof *g1), *g2 = calloc(f.graph->weights_floats, sizeof *g2);
            const nlg_plan_options options = {.batch = BATCH, .mode = train ? NLG_TRAIN : NLG_INFER, .frozen_statistics = frozen};
            nlg_plan_options unfused = options;
            unfused.no_fusion = true;
            run_plan(f.graph, &f.weights, unfused, 1, BATCH, plain, g1);
            run_plan(f.graph, &f.weights, options, 2, BATCH, fused, g2);
            assert_true(difference(plain, fused, BATCH * 7) < 1e-5);
            for (int p = 0; p < f.graph->n_params && train; p++) {
                const nlg_param *param = &f.graph->params[p];
                const double d = difference(g1 + param->offset, g2 + param->offset, param->count);
                if (!(d < 2e-4)) fail_msg("gradient of %s differs by %g of its rms", param->name, d);
            }
            free(g1);
            free(g2);
            drop_fixture(&f);
        }
}

/* A large product with one factor per channel, projected by 1 x 1 with a shortcut: one step, the same bits and cost. */
static void test_scale_in_convolution_keeps_bits(void **unused) {
    enum { OUTPUTS = 7, MOST = 17 };
    (void)unused;
    nlg_graph *g = nlg_graph_create();
    nlg_builder *b = nlg_builder_create(g);
    nlg_error err = {0};
    const nlg_value x = nlg_input(b, 11, 40, 45);
    nlg_value a = nlg_relu(b, nlg_conv(b, x, (nlg_conv_args){.out = 75, .kernel = 1, .bias = true}, "expand"));
    nlg_value s = nlg_activation(
        b, nlg_conv(b, nlg_global_avg_pool(b, a), (nlg_conv_args){.out = 75, .kernel = 1, .bias = true}, "se"), NLG_ACT_SIGMOID);
    nlg_value p = nlg_conv(b, nlg_channel_scale(b, a, s), (nlg_conv_args){.out = 11, .kernel = 1, .bias = true}, "project");
    nlg_value y = nlg_relu(b, nlg_add(b, p, x));
    nlg_output(b, nlg_linear(b, nlg_global_avg_pool(b, y), (nlg_linear_args){.out = OUTPUTS}, "fc"));
    if (nlg_builder_finish(b, &err) != NLG_OK) fail_msg("%s", err.text);
    fixture f = {.graph = g};
    assert_int_equal(nlg_weights_create(g, &f.weights, &err), NLG_OK);
    nlg_weights_fill_reference(&f.weights, 1);
    for (int batch = 1; batch <= MOST; batch += MOST - 1) {
        float plain[MOST * OUTPUTS], fused[MOST * OUTPUTS];
        nlg_plan_options options = {.batch = batch, .mode = NLG_INFER};
        run_plan(g, &f.weights, options, 2, batch, fused, NULL);
        int64_t ops[2] = {0, 0};
        int scales = 0;
        for (int k = 0; k < 2; k++) {
            nlg_exec exec = make_exec(1);
            nlg_plan *plan = NULL;
            options.no_fusion = k == 1;
            assert_int_equal(nlg_plan_create(g, &exec, &options, &f.weights, NULL, &plan, &err), NLG_OK);
            for (int i = 0; i < nlg_plan_step_count(plan); i++) {
                const nlg_plan_step step = nlg_plan_step_at(plan, i);
                ops[k] += step.cost.other_ops;
                scales += k == 0 && strcmp(step.op, "channel_scale") == 0;
            }
            nlg_plan_destroy(plan);
            nlg_team_destroy(exec.team);
        }
        assert_int_equal(scales, 0);
        assert_int_equal(ops[0], ops[1]);
        run_plan(g, &f.weights, options, 1, batch, plain, NULL);
        assert_memory_equal(plain, fused, sizeof(float) * (size_t)batch * OUTPUTS);
    }
    drop_fixture(&f);
}

/* Branches that activate the same value alike, between other readers of it: joined with their convolutions they keep all bits. */
static nlg_graph *shared_activations(int channels) {
    nlg_graph *g = nlg_graph_create();
    nlg_builder *b = nlg_builder_create(g);
    nlg_error err = {0};
    const nlg_value stem =
        nlg_conv(b, nlg_input(b, 3, 13, 11), (nlg_conv_args){.out = channels, .kernel = 3, .half = true}, "stem");
    const nlg_conv_args forms[] = {{.kernel = 3, .half = true, .groups = -1},
                                   {.out = 12, .kernel = 1},
                                   {.kernel = 5, .half = true, .stride = 2, .groups = -1},
                                   {.out = 9, .kernel = 3, .half = true, .stride = 2},
                                   {.out = 17, .kernel = 1, .stride = 2},
                                   {.kernel = 7, .half = true, .groups = -1, .bias = true}};
    nlg_value all[12];
    int n = 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        all[n++] = nlg_global_avg_pool(b, nlg_conv(b, nlg_relu(b, stem), forms[i], "branch%d", (int)i));
        if (i == 1) all[n++] = nlg_global_avg_pool(b, stem); /* reads the value itself in between */
        if (i == 3)
            all[n++] = nlg_global_avg_pool(b, nlg_max_pool(b, nlg_relu(b, stem), (nlg_pool_args){.kernel = 3, .stride = 2}));
    }
    const nlg_value twice = nlg_relu(b, stem); /* two readers: stays as it is */
    for (int i = 0; i < 2; i++)
        all[n++] = nlg_global_avg_pool(b, nlg_conv(b, twice, (nlg_conv_args){.out = 5, .kernel = 1}, "twice%d", i));
    nlg_output(b, nlg_linear(b, nlg_concat(b, all, n), (nlg_linear_args){.out = 7}, "fc"));
    if (nlg_builder_finish(b, &err) != NLG_OK) fail_msg("%s", err.text);
    return g;
}

static void test_shared_activations_keep_bits(void **unused) {
    (void)unused;
    for (int channels = 12; channels <= 36; channels += 6) {
        fixture f = {.graph = shared_activations(channels)};
        nlg_error err = {0};
        float plain[BATCH * 7], joined[BATCH * 7];
        assert_int_equal(nlg_weights_create(f.graph, &f.weights, &err), NLG_OK);
        nlg_weights_fill_reference(&f.weights, 1);
        const size_t floats = f.graph->weights_floats;
        float *g1 = calloc(floats, sizeof *g1), *g2 = calloc(floats, sizeof *g2);
        nlg_plan_options options = {.batch = BATCH, .mode = NLG_TRAIN};
        for (int threads = 1; threads <= 2; threads++) {
            options.no_fusion = true;
            run_plan(f.graph, &f.weights, options, threads, BATCH, plain, g1);
            options.no_fusion = false;
            run_plan(f.graph, &f.weights, options, threads, BATCH, joined, g2);
            assert_memory_equal(plain, joined, sizeof plain);
            for (int p = 0; p < f.graph->n_params; p++) {
                const nlg_param *param = &f.graph->params[p];
                if (memcmp(g1 + param->offset, g2 + param->offset, param->count * sizeof *g1) != 0)
                    fail_msg("%d channels: the gradient of %s has other bits", channels, param->name);
            }
        }
        free(g1);
        free(g2);
        drop_fixture(&f);
    }
}

static void test_frozen_training_equals_inference(void **unused) {
    (void)unused;
    fixture f = make_fixture();
    float infer[BATCH * 7], train[BATCH * 7];
    run_plan(f.graph, &f.weights, (nlg_plan_options){.batch = BATCH, .mode = NLG_INFER}, 1, BATCH, infer, NULL);
    run_plan(f.graph, &f.weights, (nlg_plan_options){.batch = BATCH, .mode = NLG_TRAIN, .frozen_statistics = true}, 1, BATCH, train,
             NULL);
    assert_true(difference(infer, train, BATCH * 7) < 1e-5);
    drop_fixture(&f);
}

static void test_images_are_independent_of_the_batch(void **unused) {
    (void)unused;
    fixture f = make_fixture();
    float whole[BATCH * 7], part[BATCH * 7];
    const nlg_plan_options options = {.batch = BATCH, .mode = NLG_INFER};
    run_plan(f.graph, &f.weights, options, 2, BATCH, whole, NULL);
    run_plan(f.graph, &f.weights, options, 3, 2, part, NULL);
    assert_memory_equal(whole, part, 2 * 7 * sizeof(float));
    drop_fixture(&f);
}

/* The convolution's algorithm, and with it the packed weights, must be the same for a last batch that is not full. */
/* A batch that is cut into chunks, some of it recomputed, against its two images alone: the statistics are the same, the gradients
 * add up. */
static void test_chunks_keep_values(void **unused) {
    (void)unused;
    fixture f = make_fixture();
    enum { COPIES = 48, MANY = 2 * COPIES };
    const size_t floats = f.graph->weights_floats;
    float pair[2 * 7], many[MANY * 7], *g1 = calloc(floats, sizeof *g1), *g2 = calloc(floats, sizeof *g2);
    nlg_plan_options options = {.batch = 2, .mode = NLG_TRAIN, .without_random = true};
    distinct_images = 2;
    for (int frozen = 0; frozen < 2; frozen++) {
        options.batch = 2;
        options.frozen_statistics = frozen;
        run_plan(f.graph, &f.weights, options, 1, 2, pair, g1);
        options.batch = MANY;
        run_plan(f.graph, &f.weights, options, 2, MANY, many, g2);
        for (int i = 0; i < COPIES; i++) assert_true(difference(pair, many + 2 * 7 * i, 2 * 7) < 2e-5);
        for (int p = 0; p < f.graph->n_params; p++) {
            const nlg_param *param = &f.graph->params[p];
            for (size_t i = 0; i < param->count; i++) g2[param->offset + i] /= COPIES;
            const double d = difference(g1 + param->offset, g2 + param->offset, param->count);
            if (!(d < 2e-4)) fail_msg("gradient of %s differs by %g of its rms", param->name, d);
        }
    }
    distinct_images = 0;
    free(g1);
    free(g2);
    drop_fixture(&f);
}

/* Full and partial batches of many chunks, with random layers. */
static void test_chunks_keep_bits(void **unused) {
    (void)unused;
    fixture f = make_fixture();
    enum { MANY = 96, PART = 71 };
    const nlg_plan_options options = {.batch = MANY, .mode = NLG_TRAIN};
    const size_t bytes = f.graph->weights_floats * sizeof(float);
    float first[MANY * 7], y[MANY * 7], *g1 = malloc(bytes), *g2 = malloc(bytes);
    for (int images = PART; images <= MANY; images += MANY - PART) {
        run_plan(f.graph, &f.weights, options, 1, images, first, g1);
        for (int threads = 2; threads <= 5; threads++) {
            run_plan(f.graph, &f.weights, options, threads, images, y, g2);
            assert_memory_equal(first, y, sizeof(float) * (size_t)images * 7);
            assert_memory_equal(g1, g2, bytes);
        }
    }
    free(g1);
    free(g2);
    drop_fixture(&f);
}

static void test_partial_batches_keep_algorithm(void **unused) {
    (void)unused;
    static const int sides[] = {4, 7, 8, 14, 28}, channels[] = {32, 64, 128, 512};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        for (size_t j = 0; j < sizeof channels / sizeof *channels; j++) {
            nlg_error err = {0};
            nlg_weights w = {0};
            nlg_graph *g = nlg_graph_create();
            nlg_builder *b = nlg_builder_create(g);
            const nlg_value x = nlg_input(b, channels[j], sides[i], sides[i]);
            const nlg_value y = nlg_conv(b, x, (nlg_conv_args){.out = 32, .kernel = 3, .pad = 1}, "conv");
            nlg_output(b, nlg_linear(b, nlg_global_avg_pool(b, y), (nlg_linear_args){.out = 7}, "fc"));
            assert_int_equal(nlg_builder_finish(b, &err), NLG_OK);
            assert_int_equal(nlg_weights_create(g, &w, &err), NLG_OK);
            nlg_weights_fill_reference(&w, 1);
            float whole[16 * 7], part[16 * 7];
            const nlg_plan_options options = {.batch = 16, .mode = NLG_INFER}, single = {.batch = 1, .mode = NLG_INFER};
            run_plan(g, &w, options, 2, 16, whole, NULL);
            run_plan(g, &w, options, 2, 1, part, NULL);
            assert_memory_equal(whole, part, 7 * sizeof(float));
            run_plan(g, &w, single, 2, 1, part, NULL);
            assert_memory_equal(whole, part, 7 * sizeof(float));
            nlg_weights_destroy(&w);
            nlg_graph_destroy(g);
        }
}

static void test_threads_keep_bits(void **unused) {
    (void)unused;
    fixture f = make_fixture();
    const size_t bytes = f.graph->weights_floats * sizeof(float);
    float y1[BATCH * 7], y3[BATCH * 7], *g1 = calloc(1, bytes), *g3 = calloc(1, bytes);
    const nlg_plan_options options = {.batch = BATCH, .mode = NLG_TRAIN};
    /* Training updates the running statistics, but batch statistics do not read them. */
    run_plan(f.graph, &f.weights, options, 1, BATCH, y1, g1);
    run_plan(f.graph, &f.weights, options, 3, BATCH, y3, g3);
    assert_memory_equal(y1, y3, sizeof y1);
    assert_memory_equal(g1, g3, bytes);
    free(g1);
    free(g3);
    drop_fixture(&f);
}

/* The gradient of one weight of each parameter against central differences of sum(y * dy). */
static void test_gradients_of_the_whole(void **unused) {
    (void)unused;
    fixture f = make_fixture();
    const nlg_plan_options options = {.batch = BATCH, .mode = NLG_TRAIN, .frozen_statistics = true, .without_aux = true};
    float *gradients = calloc(f.graph->weights_floats, sizeof *gradients), y[BATCH * 7];
    run_plan(f.graph, &f.weights, options, 1, BATCH, y, gradients);
    const uint64_t key = nlg_fill_key("dy");
    for (int p = 0; p < f.graph->n_params; p++) {
        const nlg_param *param = &f.graph->params[p];
        if (!param->trainable || param->aux) continue;
        const size_t at = param->offset + param->count / 2;
        const float old = f.weights.values[at], h = 1e-2F;
        double sum[2] = {0, 0};
        for (int side = 0; side < 2; side++) {
            f.weights.values[at] = side == 0 ? old - h : old + h;
            run_plan(f.graph, &f.weights, (nlg_plan_options){.batch = BATCH, .mode = NLG_INFER}, 1, BATCH, y, NULL);
            for (int i = 0; i < BATCH * 7; i++) sum[side] += (double)y[i] * nlg_fill_value(key, (uint64_t)i);
        }
        f.weights.values[at] = old;
        const double numeric = (sum[1] - sum[0]) / (2 * (double)h), analytic = (double)gradients[at];
        /* kinks of relu and maximum within the step bound how well the two can agree */
        if (fabs(numeric - analytic) > 0.03 * fabs(numeric) + 0.02)
            fail_msg("%s: %g by differences, %g by backward", param->name, numeric, analytic);
    }
    free(gradients);
    drop_fixture(&f);
}

static void test_counts(void **unused) {
    (void)unused;
    fixture f = make_fixture();
    nlg_graph_cost cost, again;
    nlg_error err = {0};
    assert_int_equal(nlg_graph_count(f.graph, &cost, &err), NLG_OK);
    assert_int_equal(nlg_graph_count(f.graph, &again, &err), NLG_OK);
    assert_memory_equal(&cost, &again, sizeof cost);
    const int64_t shared = 85 * 12 + 12, aux = 20 * 7 + 7;
    const int64_t params =
        3 * 20 * 9 + 20 * 20 + 2 * (20 * 20 * 9) + 4 * 40 + (20 * 9 + 20) + 20 * 5 + shared + (12 * 12 + 12) + (12 * 7 + 7) + aux;
    assert_int_equal(cost.params, params);
    assert_int_equal(cost.params_without_aux, params - aux);
    const int64_t pixels = 90,
                  macs = pixels * (3 * 20 * 9 + 20 * 20 + 2 * 20 * 20 * 9 + 20 * 9 + 20 * 5 + 85 * 12) + 20 * 85 * 12 + 144 + 84;
    assert_int_equal(cost.macs, macs); /* the shared layer counts at both uses: 90 and 4 x 5 pixels */
    drop_fixture(&f);
}

static void test_builder_errors_stick(void **unused) {
    (void)unused;
    nlg_error err = {0};
    nlg_graph *g = nlg_graph_create();
    nlg_builder *b = nlg_builder_create(g);
    const nlg_value x = nlg_input(b, 3, 8, 8);
    nlg_value y = nlg_conv(b, x, (nlg_conv_args){.out = 8, .kernel = 11}, "big");
    assert_int_equal(y, -1);
    assert_int_equal(nlg_relu(b, y), -1);
    nlg_output(b, y);
    assert_int_equal(nlg_builder_finish(b, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "big"));
    nlg_graph_destroy(g);

    err = (nlg_error){0};
    g = nlg_graph_create();
    b = nlg_builder_create(g);
    y = nlg_conv(b, nlg_input(b, 3, 8, 8), (nlg_conv_args){.out = 3, .kernel = 1}, "same");
    nlg_output(b, nlg_conv(b, y, (nlg_conv_args){.out = 3, .kernel = 1}, "same"));
    assert_int_equal(nlg_builder_finish(b, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "same.weight"));
    nlg_graph_destroy(g);
}

/* One training step on the fixture's weights: gradients, and the plan's status. */
static nlg_status gradients_of(const nlg_graph *g, nlg_weights *w, nlg_weights *grad, const nlg_exec *exec, nlg_error *err) {
    nlg_plan *plan = NULL;
    nlg_weights_fill_reference(w, 1);
    NLG_TRY(nlg_plan_create(g, exec, &(nlg_plan_options){.batch = 2, .mode = NLG_TRAIN}, w, grad, &plan, err));
    fill_images(nlg_plan_input(plan), "x", 2);
    nlg_plan_forward(plan, 2, nlg_rng_seed(3));
    for (int o = 0; o < nlg_plan_outputs(plan); o++) fill_images(nlg_plan_output_gradient(plan, o), "dy", 2);
    nlg_plan_backward(plan);
    nlg_plan_destroy(plan);
    return NLG_OK;
}

/* What does not end as a failure has the right gradients, those of shared weights too. */
static void test_any_allocation_may_fail(void **unused) {
    (void)unused;
    float *right = NULL;
    bool through = false;
    for (long n = -1; !through; n++) {
        nlg_exec exec = make_exec(1);
        nlg_error err = {0};
        nlg_graph *g = NULL;
        nlg_weights w = {0}, grad = {0};
        nlg_alloc_fail_after(n);
        nlg_status status = build_joins(&g, &err);
        if (status == NLG_OK) status = nlg_weights_create(g, &w, &err);
        if (status == NLG_OK) status = nlg_weights_create(g, &grad, &err);
        if (status == NLG_OK) status = gradients_of(g, &w, &grad, &exec, &err);
        through = n >= 0 && nlg_alloc_failure_pending();
        nlg_alloc_fail_after(-1);
        if (status == NLG_OK) {
            const size_t bytes = g->weights_floats * sizeof(float);
            if (n < 0) right = memcpy(malloc(bytes), grad.values, bytes);
            if (memcmp(right, grad.values, bytes) != 0) fail_msg("allocation %ld: other gradients", n);
        } else {
            assert_int_equal(status, NLG_ERR_MEMORY);
            assert_true(err.text[0] != '\0');
        }
        if (n >= 0 && status == NLG_OK && !through) fail_msg("allocation %ld: nobody noticed", n);
        nlg_weights_destroy(&w);
        nlg_weights_destroy(&grad);
        nlg_graph_destroy(g);
        nlg_team_destroy(exec.team);
        assert_true(!through || n > 100);
    }
    free(right);
}

static void test_memory_limit(void **unused) {
    (void)unused;
    fixture f = make_fixture();
    nlg_exec exec = make_exec(1);
    nlg_error err = {0};
    nlg_plan *plan = NULL;
    size_t bytes = 0;
    nlg_plan_options options = {.batch = BATCH, .mode = NLG_TRAIN};
    assert_int_equal(nlg_plan_measure(f.graph, &exec, &options, &bytes, &err), NLG_OK);
    options.memory_limit = bytes - 1;
    assert_int_equal(nlg_plan_create(f.graph, &exec, &options, &f.weights, &f.weights, &plan, &err), NLG_ERR_MEMORY);
    assert_non_null(strstr(err.text, "memory limit"));
    options.memory_limit = bytes;
    err = (nlg_error){0};
    assert_int_equal(nlg_plan_create(f.graph, &exec, &options, &f.weights, &f.weights, &plan, &err), NLG_OK);
    assert_int_equal(nlg_plan_bytes(plan), bytes);
    nlg_plan_destroy(plan);
    options.other_bytes = 1; /* counts as much */
    assert_int_equal(nlg_plan_create(f.graph, &exec, &options, &f.weights, &f.weights, &plan, &err), NLG_ERR_MEMORY);
    nlg_plan_destroy(plan);
    nlg_team_destroy(exec.team);
    drop_fixture(&f);
}

/* ---- weight files ---- */

static void temporary(char *path, size_t size, const char *name) {
    const char *folder = getenv("TMPDIR");
    snprintf(path, size, "%s/nlg-test-%d-%s", folder != NULL ? folder : "/tmp", (int)getpid(), name);
}

static void test_weights_round_trip(void **unused) {
    (void)unused;
    fixture f = make_fixture();
    nlg_error err = {0};
    char path[256], before[65], after[65];
    temporary(path, sizeof path, "round.safetensors");
    float extra_values[3] = {1, 2, 3}, extra_read[3] = {0};
    const nlg_extra_tensor extra = {"optimizer.0", extra_values, 3};
    const nlg_metadata meta = {"note", "a \"quoted\" text"};
    assert_int_equal(nlg_weights_digest(&f.weights, before, &err), NLG_OK);
    assert_int_equal(nlg_weights_save(&f.weights, path, &extra, 1, &meta, 1, &err), NLG_OK);
    memset(f.weights.values, 0, f.graph->weights_floats * sizeof(float));
    nlg_extra_tensor read = {"optimizer.0", extra_read, 3};
    nlg_metadata meta_read = {"note", NULL};
    nlg_load_options options = {.extra = &read, .n_extra = 1, .metadata = &meta_read, .n_metadata = 1};
    if (nlg_weights_load(&f.weights, path, &options, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(nlg_weights_digest(&f.weights, after, &err), NLG_OK);
    assert_string_equal(before, after);
    assert_true(options.extra_found);
    assert_memory_equal(extra_values, extra_read, sizeof extra_read);
    assert_string_equal(meta_read.value, meta.value);
    nlg_free((void *)(uintptr_t)meta_read.value);

    /* Damage: cut at every length of the header and some of the data; nothing crashes, nothing is loaded. */
    char *data = NULL;
    size_t size = 0;
    assert_int_equal(nlg_file_read(path, 1 << 24, &data, &size, &err), NLG_OK);
    memset(f.weights.values, 0, f.graph->weights_floats * sizeof(float));
    for (size_t cut = 0; cut < size; cut += cut < 4000 ? 7 : 997) {
        err = (nlg_error){0};
        assert_int_equal(nlg_file_write(path, data, cut, &err), NLG_OK);
        const nlg_status status = nlg_weights_load(&f.weights, path, NULL, &err);
        assert_int_equal(status, NLG_ERR_INPUT);
        assert_non_null(strstr(err.text, path));
    }
    for (size_t i = 0; i < f.graph->weights_floats; i++) assert_true(f.weights.values[i] == 0.0F);
    for (size_t at = 0; at < 3000; at += 3) { /* flipped bytes: refused or read, never a crash */
        char saved = data[at];
        data[at] = (char)(saved ^ 0x15);
        err = (nlg_error){0};
        nlg_file_write(path, data, size, &err);
        (void)nlg_weights_load(&f.weights, path, NULL, &err);
        data[at] = saved;
    }
    nlg_free(data);
    unlink(path);
    drop_fixture(&f);
}

/* A tiny network, and a file written by hand with half precision, a missing, an unexpected and a misshapen tensor. */
static nlg_graph *one_linear(void) {
    nlg_error err = {0};
    nlg_graph *g = nlg_graph_create();
    nlg_builder *b = nlg_builder_create(g);
    nlg_output(b, nlg_linear(b, nlg_input(b, 2, 1, 1), (nlg_linear_args){.out = 2}, "fc"));
    assert_int_equal(nlg_builder_finish(b, &err), NLG_OK);
    return g;
}

static void write_safetensors(const char *path, const char *header, const void *data, size_t size) {
    FILE *f = fopen(path, "wb");
    const uint64_t length = strlen(header);
    for (int i = 0; i < 8; i++) fputc((int)(length >> (8 * i) & 255), f);
    fwrite(header, 1, length, f);
    fwrite(data, 1, size, f);
    fclose(f);
}

static void test_half_precision_and_mismatches(void **unused) {
    (void)unused;
    char path[256];
    nlg_error err = {0};
    nlg_graph *g = one_linear();
    nlg_weights w;
    assert_int_equal(nlg_weights_create(g, &w, &err), NLG_OK);
    temporary(path, sizeof path, "half.safetensors");
    /* F16: 1, -2, 0.5, smallest subnormal; BF16: 1.5, -3 */
    const unsigned char data[] = {0x00, 0x3C, 0x00, 0xC0, 0x00, 0x38, 0x01, 0x00, 0xC0, 0x3F, 0x40, 0xC0};
    write_safetensors(path,
                      "{\"fc.weight\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[0,8]},\"fc.bias\":{\"dtype\":\"BF16\","
                      "\"shape\":[2],\"data_offsets\":[8,12]}}",
                      data, sizeof data);
    if (nlg_weights_load(&w, path, NULL, &err) != NLG_OK) fail_msg("%s", err.text);
    const float *v = nlg_weights_at(&w, 0), *bias = nlg_weights_at(&w, 1);
    assert_true(v[0] == 1.0F && v[1] == -2.0F && v[2] == 0.5F && v[3] == 0x1p-24F && bias[0] == 1.5F && bias[1] == -3.0F);

    write_safetensors(path,
                      "{\"fc.weight\":{\"dtype\":\"F16\",\"shape\":[4,1],\"data_offsets\":[0,8]},\"stranger\":{\"dtype\":\"BF16\","
                      "\"shape\":[2],\"data_offsets\":[8,12]}}",
                      data, sizeof data);
    err = (nlg_error){0};
    assert_int_equal(nlg_weights_load(&w, path, NULL, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "unexpected stranger"));
    assert_non_null(strstr(err.text, "wrong shape fc.weight [4,1], expected [2,2]"));
    assert_non_null(strstr(err.text, "missing fc.bias"));
    assert_true(v[1] == -2.0F); /* nothing was loaded */
    unlink(path);
    nlg_weights_destroy(&w);
    nlg_graph_destroy(g);
}

/* Files as PyTorch's wrappers and double precision leave them. */
static void test_other_spellings_are_read(void **unused) {
    (void)unused;
    char path[256];
    nlg_error err = {0};
    nlg_graph *g = one_linear();
    nlg_weights w;
    assert_int_equal(nlg_weights_create(g, &w, &err), NLG_OK);
    temporary(path, sizeof path, "spelled.safetensors");
    const double data[] = {1, -2, 1.0 / 3, 1e-300, 5, 6};
    write_safetensors(path,
                      "{\"module.fc.weight\":{\"dtype\":\"F64\",\"shape\":[2,2],\"data_offsets\":[0,32]},\"module.fc.bias\":{"
                      "\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[32,48]}}",
                      data, sizeof data);
    if (nlg_weights_load(&w, path, NULL, &err) != NLG_OK) fail_msg("%s", err.text);
    const float *v = nlg_weights_at(&w, 0), *bias = nlg_weights_at(&w, 1);
    assert_true(v[0] == 1 && v[1] == -2 && v[2] == (float)(1.0 / 3) && v[3] == 0 && bias[0] == 5 && bias[1] == 6);
    nlg_safetensors file;
    if (nlg_safetensors_open(path, false, &file, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_string_equal(file.prefix, "module.");
    assert_int_equal(nlg_safetensors_find(&file, "fc.bias")->shape[0], 2);
    assert_null(nlg_safetensors_find(&file, "module.fc.bias"));
    assert_null(nlg_safetensors_metadata(&file, "model"));
    nlg_safetensors_close(&file);
    /* With a new head nothing of the file's is taken, whatever its shape. */
    nlg_load_options head = {.new_head = "fc"};
    float before[4];
    memcpy(before, v, sizeof before);
    write_safetensors(path, "{\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]}}", data, 24);
    if (nlg_weights_load(&w, path, &head, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_memory_equal(before, v, sizeof before);
    unlink(path);
    nlg_weights_destroy(&w);
    nlg_graph_destroy(g);
}

/* What the format forbids, and what no network can use. */
static void test_damaged_weights_are_refused(void **unused) {
    (void)unused;
#define WEIGHT(dtype, shape, from, to)                                                                                             \
    "\"fc.weight\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"
#define BIAS(from, to) "\"fc.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[" from "," to "]}"
    static const struct {
        const char *header, *message;
    } cases[] = {
        {"{" WEIGHT("F32", "[2,2]", "0", "16") "," BIAS("8", "16") "}", "overlap"},
        {"{" WEIGHT("F32", "[2,2]", "0", "16") "," BIAS("0", "8") "}", "overlap"},
        {"{" WEIGHT("F16", "[2,2]", "0", "8") "," BIAS("16", "24") "}", "bytes 8 to 16 of the data belong to no tensor"},
        {"{" BIAS("16", "24") "}", "bytes 0 to 16"},
        {"{" WEIGHT("F32", "[2,2]", "0", "16") "}", "bytes 16 to 24"},
        {"{}", "bytes 0 to 24"},
        {"{" WEIGHT("F32", "[2,2]", "0", "16") "," WEIGHT("F16", "[2,2]", "16", "24") "}", "fc.weight stands there twice"},
        {"{" WEIGHT("F32", "[2,2]", "0", "16") ",\"__metadata__\":{\"a\":1}," BIAS("16", "24") "}", "__metadata__"},
        {"{\"__metadata__\":{}," WEIGHT("F32", "[2,2]", "0", "16") ",\"__metadata__\":{}," BIAS("16", "24") "}", "twice"},
        {"{" WEIGHT("F64", "[2,2]", "0", "16") "," BIAS("16", "24") "}", "do not take the 16 bytes"},
        {"{" WEIGHT("F99", "[2,2]", "0", "16") "," BIAS("16", "24") "}", "unknown dtype F99"},
        {"{" WEIGHT("F32", "[2,2.5]", "0", "16") "," BIAS("16", "24") "}", "impossible shape"},
        {"{" WEIGHT("F32", "[2,-2]", "0", "16") "," BIAS("16", "24") "}", "impossible shape"},
        {"{" WEIGHT("F32", "[2,2]", "16", "0") "," BIAS("16", "24") "}", "data_offsets within"},
        {"{" WEIGHT("F32", "[2,2]", "0", "16") "," BIAS("16", "32") "}", "data_offsets within"},
        {"{" WEIGHT("I32", "[2,2]", "0", "16") "," BIAS("16", "24") "}", "unreadable dtype of fc.weight (I32)"},
        {"{" WEIGHT("F32", "[2,2]", "0", "16") "," BIAS("16", "24") "}", "fc.bias: value 1 is "},
        {"[]", "expected a JSON object"},
    };
    char path[256];
    nlg_graph *g = one_linear();
    nlg_weights w;
    assert_int_equal(nlg_weights_create(g, &w, NULL), NLG_OK);
    temporary(path, sizeof path, "damaged.safetensors");
    const float data[] = {1, 2, 3, 4, 5, INFINITY};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nlg_error err = {0};
        write_safetensors(path, cases[i].header, data, sizeof data);
        assert_int_equal(nlg_weights_load(&w, path, NULL, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, path) || !strstr(err.text, cases[i].message)) fail_msg("%zu: %s", i, err.text);
        assert_true(nlg_weights_at(&w, 0)[0] == 0); /* nothing was loaded */
    }
    static const struct {
        const char *start, *message;
        size_t size;
    } others[] = {{"PK\x03\x04 and so on", "a zip archive, as PyTorch writes (.pth, .pt); convert it: python3 -c", 13},
                  {"\x80\x02\x8a\x0a", "a pickle, as PyTorch writes", 4},
                  {"\x89HDF\r\n\x1a\n", "HDF5", 8},
                  {"\x93NUMPY\x01\x00", "NumPy", 8}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        nlg_error err = {0};
        nlg_safetensors file;
        assert_int_equal(nlg_file_write(path, others[i].start, others[i].size, &err), NLG_OK);
        assert_int_equal(nlg_weights_load(&w, path, NULL, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, others[i].message)) fail_msg("%zu: %s", i, err.text);
        assert_int_equal(nlg_safetensors_open(path, false, &file, &err), NLG_ERR_INPUT);
        nlg_safetensors_close(&file);
    }
    unlink(path);
    nlg_weights_destroy(&w);
    nlg_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fusion_keeps_values),
        cmocka_unit_test(test_scale_in_convolution_keeps_bits),
        cmocka_unit_test(test_shared_activations_keep_bits),
        cmocka_unit_test(test_frozen_training_equals_inference),
        cmocka_unit_test(test_images_are_independent_of_the_batch),
        cmocka_unit_test(test_chunks_keep_values),
        cmocka_unit_test(test_chunks_keep_bits),
        cmocka_unit_test(test_partial_batches_keep_algorithm),
        cmocka_unit_test(test_threads_keep_bits),
        cmocka_unit_test(test_gradients_of_the_whole),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_builder_errors_stick),
        cmocka_unit_test(test_any_allocation_may_fail),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_weights_round_trip),
        cmocka_unit_test(test_half_precision_and_mismatches),
        cmocka_unit_test(test_other_spellings_are_read),
        cmocka_unit_test(test_damaged_weights_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
