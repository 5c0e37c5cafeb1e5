/* The float vector functions against double libm over a sample of all floats, and the same bits for every instruction set. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NLG_ISA       portable
#define NLG_ISA_LEVEL 0
#include "layers/kernels/pointwise_simd.h"
#include "layers/kernels/simd.h"
#include "layers/kernels/vmath.h"

enum { STRIDE = 2053 }; /* a prime: every STRIDE-th of the 2^32 floats */

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double ulps(float got, double want) {
    if (isnan(want)) return isnan(got) ? 0 : HUGE_VAL;
    if (isnan(got)) return HUGE_VAL;
    if (isinf(got)) return fabs(want) > 3.4028235e38 && !signbit(got) == !signbit(want) ? 0 : HUGE_VAL;
    int exponent;
    frexp(want, &exponent);
    return fabs((double)got - want) / fmax(ldexp(1, exponent - 24), 0x1p-149);
}

typedef vf vector_function(vf x);
typedef double scalar_function(double x);

static void check(const char *name, vector_function *ours, scalar_function *exact, double allowed) {
    double worst = 0;
    for (uint64_t base = 0; base < UINT64_C(1) << 32; base += (uint64_t)STRIDE * NLG_LANES) {
        float in[NLG_LANES], out[NLG_LANES];
        for (unsigned i = 0; i < NLG_LANES; i++) in[i] = float_of((uint32_t)(base + (uint64_t)i * STRIDE));
        vf_store(out, ours(vf_load(in)));
        for (int i = 0; i < NLG_LANES; i++) {
            double miss = ulps(out[i], exact((double)in[i]));
            if (!(miss <= allowed)) fail_msg("%s(%a) is %a: %g ulp, stated %g", name, (double)in[i], (double)out[i], miss, allowed);
            worst = fmax(worst, miss);
        }
    }
    assert_true(worst > 0.5); /* something was measured */
}

static vf call_exp(vf x) {
    return vf_exp(x);
}
static vf call_log(vf x) {
    return vf_log(x);
}
static vf call_sigmoid(vf x) {
    return vf_sigmoid(x);
}
static vf call_tanh(vf x) {
    return vf_tanh(x);
}
static double exact_sigmoid(double x) {
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static void errors_are_as_stated(void **state) {
    (void)state;
    check("exp", call_exp, exp, 1.0);
    check("log", call_log, log, 1.0);
    check("sigmoid", call_sigmoid, exact_sigmoid, 3.0);
    check("tanh", call_tanh, tanh, 1.5);
}

/* SiLU and its slope: ulps where the input is above -88 (for the slope, or 1.2e-6), absolute below. */
static void silu_is_as_stated(void **state) {
    (void)state;
    double worst = 0;
    for (uint64_t base = 0; base < UINT64_C(1) << 32; base += (uint64_t)STRIDE * NLG_LANES) {
        float in[NLG_LANES], y[NLG_LANES], slope[NLG_LANES];
        for (unsigned i = 0; i < NLG_LANES; i++) in[i] = float_of((uint32_t)(base + (uint64_t)i * STRIDE));
        vf x = vf_load(in);
        vf_store(y, vf_act(NLG_ACT_SILU, x));
        vf_store(slope, vf_act_back(NLG_ACT_SILU, x, vf_set1(1)));
        for (int i = 0; i < NLG_LANES; i++) {
            double z = (double)in[i];
            if (isnan(z)) assert_true(isnan(y[i]) && isnan(slope[i]));
            if (!isfinite(z)) continue; /* limits_are_right */
            double s = exact_sigmoid(z), want = z * s, want_slope = s * (1 + z * (1 - s));
            double miss = z < -88 ? 0 : ulps(y[i], want), miss_slope = z < -88 ? 0 : ulps(slope[i], want_slope);
            if (fabs((double)slope[i] - want_slope) <= 1.2e-6) miss_slope = 0;
            bool far = z < -88 && !(fabs((double)y[i] - want) <= 4e-37 && fabs((double)slope[i] - want_slope) <= 4e-37);
            if (!(miss <= 3.0) || !(miss_slope <= 4.0) || far)
                fail_msg("silu(%a) is %a (%g ulp), its slope %a (%g ulp)", z, (double)y[i], miss, (double)slope[i], miss_slope);
            worst = fmax(worst, miss);
        }
    }
    assert_true(worst > 0.5);
}

static void powers_are_as_stated(void **state) {
    (void)state;
    for (int i = 0; i < 20000; i++) {
        double x = exp((i % 200 - 100) * 0.2), y = (i / 200 - 50) * 0.05;
        float out[NLG_LANES];
        vf_store(out, vf_pow(vf_set1((float)x), vf_set1((float)y)));
        double exponent = (double)(float)y * log((double)(float)x), miss = ulps(out[0], exp(exponent));
        if (!(miss <= 2 + 3 * fabs(exponent))) fail_msg("pow(%a, %a) is %a: %g ulp", x, y, (double)out[0], miss);
    }
}

static void limits_are_right(void **state) {
    const float inf = INFINITY;
    const struct {
        nlg_act act;
        float x, y, slope;
    } cases[] = {
        {NLG_ACT_RELU, inf, inf, 1},
        {NLG_ACT_RELU, -inf, 0, 0},
        {NLG_ACT_RELU, 0, 0, 0},
        {NLG_ACT_RELU6, 6, 6, 0},
        {NLG_ACT_RELU6, 0, 0, 0},
        {NLG_ACT_RELU6, inf, 6, 0},
        {NLG_ACT_SILU, inf, inf, 1},
        {NLG_ACT_SILU, -inf, 0, 0},
        {NLG_ACT_SIGMOID, inf, 1, 0},
        {NLG_ACT_SIGMOID, -inf, 0, 0},
        {NLG_ACT_TANH, inf, 1, 0},
        {NLG_ACT_TANH, -inf, -1, 0},
        {NLG_ACT_SCALED_TANH, inf, 1.7159f, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float y[NLG_LANES], slope[NLG_LANES];
        vf x = vf_set1(cases[i].x);
        vf_store(y, vf_act(cases[i].act, x));
        vf_store(slope, vf_act_back(cases[i].act, x, vf_set1(1)));
        if (y[0] != cases[i].y || fabsf(slope[0] - cases[i].slope) > 1e-6f)
            fail_msg("activation %d at %g: %g, slope %g", (int)cases[i].act, (double)cases[i].x, (double)y[0], (double)slope[0]);
    }
    for (int act = NLG_ACT_NONE; act <= NLG_ACT_SCALED_TANH; act++) {
        float y[NLG_LANES];
        vf_store(y, vf_act((nlg_act)act, vf_set1(NAN)));
        assert_true(isnan(y[0])); /* a network that has gone wrong must show it */
    }
}

/* A sample of all floats through the kernels of each instruction set. */
static void bits_are_the_same(void **state) {
    enum { COUNT = 1 << 18 };
    float *x = malloc(COUNT * sizeof *x), *y[2], *slope[2];
    (void)state;
    for (int i = 0; i < 2; i++) y[i] = malloc(COUNT * sizeof(float)), slope[i] = malloc(COUNT * sizeof(float));
    for (uint32_t i = 0; i < COUNT; i++) x[i] = float_of(i * 16381u);
    for (int act = NLG_ACT_NONE; act <= NLG_ACT_SCALED_TANH; act++)
        for (int isa = NLG_ISA_PORTABLE; isa < NLG_ISA_COUNT; isa++) {
            if (!nlg_isa_available((nlg_isa)isa)) continue;
            int k = isa != NLG_ISA_PORTABLE;
            nlg_simd_table((nlg_isa)isa)->pointwise->act((nlg_act)act, 1, COUNT, x, COUNT, y[k], COUNT, slope[k]);
            for (int i = 0; i < COUNT && k; i++) {
                bool same = memcmp(&y[0][i], &y[1][i], 4) == 0 || (isnan(y[0][i]) && isnan(y[1][i]));
                bool same_slope = memcmp(&slope[0][i], &slope[1][i], 4) == 0 || (isnan(slope[0][i]) && isnan(slope[1][i]));
                if (!same || !same_slope) fail_msg("%s, activation %d at %a", nlg_isa_name((nlg_isa)isa), act, (double)x[i]);
            }
        }
    for (int i = 0; i < 2; i++) free(y[i]), free(slope[i]);
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_as_stated), cmocka_unit_test(silu_is_as_stated), cmocka_unit_test(powers_are_as_stated),
        cmocka_unit_test(limits_are_right),     cmocka_unit_test(bits_are_the_same),
    };
    return cmocka_run_group_tests_name("vmath", tests, NULL, NULL);
}
