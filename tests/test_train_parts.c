/* Losses, optimizers and schedules by themselves (their reference values are in test_oracle_ops). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/dmath.h"
#include "layers/base/rng.h"
#include "layers/kernels/focal.h"
#include "layers/kernels/simd.h"
#include "layers/kernels/update.h"
#include "train/train.h"

static void near(const char *what, double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want)))) fail_msg("%s: %.12g, expected %.12g", what, got, want);
}

/* ---- losses ---- */

static void cross_entropy_is_stable(void **state) {
    const float logits[] = {1000, -1000, 1000, -1000};
    const int labels[] = {0, 1};
    float d[4];
    (void)state;
    near("loss", nlg_softmax_cross_entropy(2, 2, logits, 2, labels, 0, 1, d, 2), 2000, 1e-12);
    near("gradient", (double)d[0], 0, 0);
    near("gradient", (double)d[2], 1, 1e-6);
    near("gradient", (double)d[3], -1, 1e-6);
}

static void cross_entropy_honours_distances(void **state) {
    const float logits[] = {1, 2, 3, 99, 3, 1, 0, 99};
    const int labels[] = {2, 0};
    float d[8] = {0, 0, 0, 7, 0, 0, 0, 7};
    (void)state;
    near("loss", nlg_softmax_cross_entropy(2, 3, logits, 4, labels, 0, 0.5, d, 4),
         (log(1 + exp(-1) + exp(-2)) + log(1 + exp(-2) + exp(-3))), 1e-12);
    near("gap", (double)d[3], 7, 0);
    near("sum of a row", (double)(d[4] + d[5] + d[6]), 0, 1e-6);
    near("without gradient", nlg_softmax_cross_entropy(2, 3, logits, 4, labels, 0.1, 1, NULL, 0),
         nlg_softmax_cross_entropy(2, 3, logits, 4, labels, 0.1, 0.5, d, 4), 0);
}

typedef double one_loss(const float *x, float *d);

static double smooth_cross_entropy(const float *x, float *d) {
    const int labels[] = {1, 3};
    return nlg_softmax_cross_entropy(2, 4, x, 4, labels, 0.1, 1, d, 4);
}
static double focal(const float *x, float *d) {
    const float target[] = {1, 0, 0, 1, 0, 0, 1, 0};
    return nlg_sigmoid_focal_loss(8, x, target, 0.25, 2, 1, d);
}
static double smooth_l1(const float *x, float *d) {
    const float target[] = {0.5f, 0, 0, 1, -1, 0, 1, 0};
    return nlg_smooth_l1(8, x, target, 0.3, 1, d);
}

static void losses_have_their_gradients(void **state) {
    one_loss *const losses[] = {smooth_cross_entropy, focal, smooth_l1};
    (void)state;
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 8; i++) {
            float x[8], d[8], unused[8];
            for (uint64_t j = 0; j < 8; j++) x[j] = (float)(3 * nlg_rng_uniform(nlg_rng_seed(2), j) - 1.5);
            losses[k](x, d);
            const float kept = x[i];
            x[i] = kept + 0x1p-10f;
            double above = losses[k](x, unused);
            x[i] = kept - 0x1p-10f;
            near("gradient", (double)d[i], (above - losses[k](x, unused)) / 0x1p-9, 2e-3);
        }
}

static void losses_stay_finite(void **state) {
    const float x[] = {1e4f, -1e4f, 1e4f, -1e4f}, target[] = {1, 1, 0, 0};
    float d[4];
    (void)state;
    near("focal", nlg_sigmoid_focal_loss(4, x, target, 0.25, 2, 1, d), 1e4, 1e-9);
    for (int i = 0; i < 4; i++) assert_true(isfinite(d[i]));
    near("L1", nlg_smooth_l1(4, x, target, 0, 1, d), 4e4, 1e-9);
    near("sign", (double)d[1], -1, 0);
}

/* ---- optimizers ---- */

enum { VALUES = 37, STEPS = 6 };

/* The same rules in double. */
static void plain_step(const nlg_optimizer_options *o, double lr, int t, double wd, double scale, double *p, double g, double *s) {
    double d;
    g = scale * g + (o->kind == NLG_ADAMW ? 0 : wd * *p);
    switch (o->kind) {
    case NLG_SGD:
        s[0] = o->momentum * s[0] + g;
        *p -= lr * (o->nesterov ? g + o->momentum * s[0] : s[0]);
        break;
    case NLG_ADAM:
    case NLG_ADAMW:
        if (o->kind == NLG_ADAMW) *p -= lr * wd * *p;
        s[0] = o->beta1 * s[0] + (1 - o->beta1) * g;
        s[1] = o->beta2 * s[1] + (1 - o->beta2) * g * g;
        *p -= lr * (s[0] / (1 - pow(o->beta1, t))) / (sqrt(s[1] / (1 - pow(o->beta2, t))) + o->eps);
        break;
    case NLG_RMSPROP_TF:
        s[0] += (1 - o->alpha) * (g * g - s[0]);
        d = lr * g / sqrt(s[0] + o->eps);
        s[1] = o->momentum * s[1] + d;
        *p -= o->momentum != 0 ? s[1] : d;
        break;
    }
}

static const nlg_optimizer_options optimizers[] = {
    {.kind = NLG_SGD, .weight_decay = 0.01},
    {.kind = NLG_SGD, .momentum = 0.9, .nesterov = true, .weight_decay = 0.01},
    {.kind = NLG_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.01},
    {.kind = NLG_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.1},
    {.kind = NLG_RMSPROP_TF, .alpha = 0.9, .momentum = 0.9, .eps = 1e-3, .weight_decay = 0.01},
    {.kind = NLG_RMSPROP_TF, .alpha = 0.9, .eps = 1e-3},
};

typedef struct trajectory {
    float value[VALUES], state[2][VALUES];
} trajectory;

/* `pieces` of the values are updated one after another. */
static trajectory train(const nlg_optimizer_options *o, bool decay, double scale, int pieces) {
    trajectory t;
    float gradient[VALUES];
    for (uint64_t i = 0; i < VALUES; i++) {
        t.value[i] = (float)(nlg_rng_uniform(nlg_rng_seed(1), i) - 0.5);
        for (int s = 0; s < 2; s++) t.state[s][i] = (float)nlg_optimizer_state_start(o->kind, s);
    }
    for (int step = 1; step <= STEPS; step++) {
        for (uint64_t i = 0; i < VALUES; i++) gradient[i] = (float)(nlg_rng_uniform(nlg_rng_seed(10 + (uint64_t)step), i) - 0.5);
        for (int piece = 0; piece < pieces; piece++) {
            int begin = VALUES * piece / pieces, end = VALUES * (piece + 1) / pieces;
            float *states[2] = {t.state[0] + begin, t.state[1] + begin};
            nlg_optimizer_update(o, 0.05, step, decay, scale, (size_t)(end - begin), t.value + begin, gradient + begin, states);
        }
    }
    return t;
}

static void optimizers_follow_their_rules(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof optimizers / sizeof *optimizers; k++)
        for (int decay = 0; decay < 2; decay++) {
            const nlg_optimizer_options *o = &optimizers[k];
            trajectory got = train(o, decay, 0.7, 1);
            for (uint64_t i = 0; i < VALUES; i++) {
                double p = (double)(float)(nlg_rng_uniform(nlg_rng_seed(1), i) - 0.5);
                double s[2] = {nlg_optimizer_state_start(o->kind, 0), nlg_optimizer_state_start(o->kind, 1)};
                for (int step = 1; step <= STEPS; step++)
                    plain_step(o, 0.05, step, decay ? o->weight_decay : 0, 0.7, &p,
                               nlg_rng_uniform(nlg_rng_seed(10 + (uint64_t)step), i) - 0.5, s);
                near("value", (double)got.value[i], p, 2e-6);
            }
        }
}

static void updates_do_not_depend_on_the_split(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof optimizers / sizeof *optimizers; k++) {
        trajectory whole = train(&optimizers[k], true, 1, 1), parts = train(&optimizers[k], true, 1, 5);
        assert_memory_equal(&whole, &parts, sizeof whole);
    }
}

static void updates_have_the_same_bits(void **state) {
    const nlg_update u = {.lr = 0.05f,
                          .scale = 0.9f,
                          .decay = 0.01f,
                          .momentum = 0.9f,
                          .nesterov = true,
                          .keep1 = 0.9f,
                          .take1 = 0.1f,
                          .keep2 = 0.999f,
                          .take2 = 0.001f,
                          .step = 0.03f,
                          .root_correction = 1.5f,
                          .shrink = 0.99f,
                          .eps = 1e-3f};
    float first[3][3][VALUES];
    (void)state;
    for (int isa = 0; isa < NLG_ISA_COUNT; isa++) {
        if (!nlg_isa_available((nlg_isa)isa)) continue;
        const nlg_update_simd *simd = nlg_simd_table((nlg_isa)isa)->update;
        float p[3][3][VALUES], g[VALUES];
        for (uint64_t i = 0; i < VALUES; i++) {
            g[i] = (float)(nlg_rng_uniform(nlg_rng_seed(1), i) - 0.5);
            for (uint64_t k = 0; k < 9; k++) p[k / 3][k % 3][i] = (float)nlg_rng_uniform(nlg_rng_seed(2 + k), i);
        }
        simd->sgd(&u, VALUES, p[0][0], g, p[0][1]);
        simd->adam(&u, VALUES, p[1][0], g, p[1][1], p[1][2]);
        simd->rmsprop(&u, VALUES, p[2][0], g, p[2][1], p[2][2]);
        if (isa == 0) memcpy(first, p, sizeof p);
        assert_memory_equal(first, p, sizeof p);
    }
}

static void focal_terms_are_the_same_everywhere(void **state) {
    enum { SCORES = 1003 };
    static const double gammas[] = {0, 1, 2, 0.5};
    static float logits[SCORES], target[SCORES], d[SCORES], first_d[SCORES];
    static double terms[SCORES], first[SCORES], alone[SCORES];
    (void)state;
    for (uint64_t i = 0; i < SCORES; i++) {
        const double size = i % 5 == 0 ? 800 : i % 3 == 0 ? 30 : 3;
        logits[i] = (float)(2 * size * (nlg_rng_uniform(nlg_rng_seed(1), i) - 0.5));
        target[i] = nlg_rng_uniform(nlg_rng_seed(2), i) < 0.3 ? 1 : 0;
    }
    logits[0] = 0;
    logits[1] = INFINITY;
    for (size_t g = 0; g < sizeof gammas / sizeof *gammas; g++)
        for (int isa = 0; isa < NLG_ISA_COUNT; isa++) {
            if (!nlg_isa_available((nlg_isa)isa)) continue;
            const nlg_focal_simd *simd = nlg_simd_table((nlg_isa)isa)->focal;
            const nlg_focal f = {.alpha = 0.25, .gamma = gammas[g], .scale = 0.125};
            simd->terms(&f, SCORES, logits, target, terms, d);
            if (isa == 0) {
                memcpy(first, terms, sizeof first);
                memcpy(first_d, d, sizeof first_d);
            }
            assert_memory_equal(first, terms, sizeof first);
            assert_memory_equal(first_d, d, sizeof first_d);
            simd->terms(&f, SCORES, logits, target, alone, NULL);
            assert_memory_equal(first, alone, sizeof first);
            for (int i = 2; isa == 0 && i < SCORES; i++) {
                const double s = target[i] > 0 ? (double)logits[i] : -(double)logits[i], alpha = target[i] > 0 ? 0.25 : 0.75,
                             miss = nlg_sigmoid(-s), p = nlg_sigmoid(s),
                             minus_log_p = s < 0 ? nlg_log1p(nlg_exp(s)) - s : nlg_log1p(nlg_exp(-s)),
                             focus = nlg_pow(miss, gammas[g]);
                near("focal term", terms[i], alpha * focus * minus_log_p, 1e-13 * (1 + fabs(s)));
                const double slope = -0.125 * alpha * focus * (gammas[g] * p * minus_log_p + miss);
                near("its gradient", (double)d[i], target[i] > 0 ? slope : -slope, 1e-7 * (1 + fabs(slope)));
            }
        }
}

static void state_is_as_stated(void **state) {
    (void)state;
    assert_int_equal(nlg_optimizer_state_count(NLG_SGD, 0), 0);
    assert_int_equal(nlg_optimizer_state_count(NLG_SGD, 0.9), 1);
    assert_int_equal(nlg_optimizer_state_count(NLG_ADAMW, 0), 2);
    assert_int_equal(nlg_optimizer_state_count(NLG_RMSPROP_TF, 0), 1);
    near("square average", nlg_optimizer_state_start(NLG_RMSPROP_TF, 0), 1, 0);
    near("momentum", nlg_optimizer_state_start(NLG_RMSPROP_TF, 1), 0, 0);
}

/* ---- schedules ---- */

static void schedules_follow_their_rules(void **state) {
    nlg_schedule s = {
        .kind = NLG_CONSTANT, .lr = 0.4, .steps = 100, .warmup_steps = 10, .step_every = 30, .factor = 0.1, .final_lr = 0.02};
    (void)state;
    near("warm-up starts", nlg_schedule_at(&s, 0), 0.04, 1e-12);
    near("warm-up ends", nlg_schedule_at(&s, 9), 0.4, 1e-12);
    near("constant", nlg_schedule_at(&s, 99), 0.4, 1e-12);
    s.kind = NLG_STEP;
    near("first step", nlg_schedule_at(&s, 29), 0.4, 1e-12);
    near("second step", nlg_schedule_at(&s, 30), 0.04, 1e-12);
    near("last step", nlg_schedule_at(&s, 99), 0.0004, 1e-12);
    s.kind = NLG_COSINE;
    near("cosine starts", nlg_schedule_at(&s, 10), 0.4, 1e-12);
    near("cosine's middle", nlg_schedule_at(&s, 55), 0.21, 1e-12);
    near("cosine", nlg_schedule_at(&s, 25), 0.02 + 0.19 * (1 + cos(3.14159265358979 / 6)), 1e-12);
    near("cosine ends", nlg_schedule_at(&s, 100), 0.02, 1e-12);
    near("cosine stays", nlg_schedule_at(&s, 1000), 0.02, 1e-12);
    s.kind = NLG_EXPONENTIAL;
    near("exponential", nlg_schedule_at(&s, 45), 0.4 * pow(0.1, 1.5), 1e-12);
    s.warmup_steps = s.steps = 0, s.kind = NLG_COSINE;
    near("no steps at all", nlg_schedule_at(&s, 0), 0.02, 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cross_entropy_is_stable),
        cmocka_unit_test(cross_entropy_honours_distances),
        cmocka_unit_test(losses_have_their_gradients),
        cmocka_unit_test(losses_stay_finite),
        cmocka_unit_test(optimizers_follow_their_rules),
        cmocka_unit_test(updates_do_not_depend_on_the_split),
        cmocka_unit_test(updates_have_the_same_bits),
        cmocka_unit_test(focal_terms_are_the_same_everywhere),
        cmocka_unit_test(state_is_as_stated),
        cmocka_unit_test(schedules_follow_their_rules),
    };
    return cmocka_run_group_tests_name("train_parts", tests, NULL, NULL);
}
