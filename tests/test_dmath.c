/* layers/base/dmath.h: special values, and the largest error against long double on random and edge arguments. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/dmath.h"
#include "layers/base/dmath_pairs.h"
#include "layers/base/rng.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { SAMPLES = 500000 }; /* per range: a million for most functions */

static double from_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Error in units of the last place of the exact value (two thirds of it for subnormal results); 0 for equal special values, huge
 * where only one is special. */
static double error_ulp(double found, long double exact) {
    double rounded = (double)exact;
    if (found != found || rounded != rounded) return (found != found) == (rounded != rounded) ? 0.0 : 1e30;
    if (found == rounded) {
        if (found == 0.0 || found - found != 0.0) return 0.0; /* zero and infinities agree */
    } else if (found - found != 0.0 || rounded - rounded != 0.0) {
        return 1e30;
    }
    int exponent;
    frexp(rounded, &exponent);
    if (exponent - 53 >= -1074) return (double)(fabsl((long double)found - exact) / (long double)ldexp(1.0, exponent - 53));
    return (double)(fabsl((long double)found - exact) / 0x1p-1074L) / 1.5; /* subnormal: rounded twice, up to 0.75 */
}

/* The references need more bits than a double: valgrind computes long double with 53 of them. */
static double allowed(double bound_ulp) {
    volatile long double tiny = 0x1p-60L;
    return 1.0L + tiny != 1.0L && LDBL_MANT_DIG > 60 ? bound_ulp : bound_ulp + 2.0;
}

typedef struct subject {
    const char *name;
    double (*own)(double);
    long double (*exact)(long double);
    double low, high; /* random arguments */
    double bound_ulp;
    bool only_in_range;
} subject;

static long double sigmoid_exact(long double x) {
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}

/* The bounds stated in dmath.h. */
static const subject subjects[] = {
    {"exp", nlg_exp, expl, -750, 715, 0.501, false},
    {"exp", nlg_exp, expl, -1, 1, 0.501, false},
    {"expm1", nlg_expm1, expm1l, -50, 100, 0.501, false},
    {"expm1", nlg_expm1, expm1l, -1, 1, 0.501, false},
    {"log", nlg_log, logl, 0, 10, 0.501, false},
    {"log", nlg_log, logl, 0.9, 1.1, 0.501, false},
    {"log1p", nlg_log1p, log1pl, -1, 10, 0.501, false},
    {"log1p", nlg_log1p, log1pl, -0.01, 0.01, 0.501, false},
    {"tanh", nlg_tanh, tanhl, -25, 25, 0.501, false},
    {"tanh", nlg_tanh, tanhl, -1, 1, 0.501, false},
    {"sigmoid", nlg_sigmoid, sigmoid_exact, -80, 50, 0.501, false},
    {"erf", nlg_erf, erfl, -7, 7, 1.0, false},
    {"erf", nlg_erf, erfl, -1.5, 1.5, 1.0, false},
    {"sin", nlg_sin, sinl, -10, 10, 0.501, true},
    {"sin", nlg_sin, sinl, -1e5, 1e5, 0.501, true},
    {"cos", nlg_cos, cosl, -10, 10, 0.501, true},
    {"cos", nlg_cos, cosl, -1e5, 1e5, 0.501, true},
};

static const double edges[] = {
    0.0,
    -0.0,
    HUGE_VAL,
    -HUGE_VAL,
    (double)NAN,
    0x1p-1074,
    -0x1p-1074,
    0x1p-1022,
    -0x1p-1022,
    DBL_MAX,
    -DBL_MAX,
    0x1p-600,
    -0x1p-600,
    0x1p-300,
    0x1p300,
    -0x1p300,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    0x1p-53,
    -0x1p-53,
    0x1p-54,
    -0x1p-54,
    0x1p-28,
    0x1p-27,
    709.78,
    709.79,
    -708.4,
    -745.1,
    -745.14,
    -720.0,
    -60.0,
    20.0,
    -40.0,
    40.0,
    90.0,
    6.0,
    1e5,
    -1e5,
    0x1.6a09e667f3bcdp+0,
    0x1.6a09e667f3bcep+0,
    0x1.6a09e667f3bcdp-1,
    1.5707963267948966,
    3.141592653589793,
    99999.87,
    0x1.fffffffffffffp-1,
    0x1.0000000000001p+0,
};

static void check_subject(const subject *s) {
    double worst = 0.0, at = 0.0;
    nlg_rng rng = nlg_rng_named(nlg_rng_seed(1), s->name);
    for (uint64_t i = 0; i < SAMPLES + COUNT(edges) + SAMPLES / 10; i++) {
        double x = s->low + (s->high - s->low) * nlg_rng_uniform(rng, i);
        if (i >= SAMPLES + COUNT(edges))
            x = from_bits(nlg_rng_u64(rng, i)); /* any magnitude, also subnormal and nan */
        else if (i >= SAMPLES)
            x = edges[i - SAMPLES];
        if (s->only_in_range && !(fabs(x) <= 1e5)) continue;
        double error = error_ulp(s->own(x), s->exact((long double)x));
        if (error > worst) {
            worst = error;
            at = x;
        }
    }
    if (worst > allowed(s->bound_ulp)) fail_msg("%s: error %.4f ulp at %a (%g), allowed %g", s->name, worst, at, at, s->bound_ulp);
}

static void errors_stay_below_the_stated_bounds(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(subjects); i++) check_subject(&subjects[i]);
}

static void check_pow(double x, double y) {
    double error = error_ulp(nlg_pow(x, y), powl((long double)x, (long double)y));
    if (error > allowed(0.501)) fail_msg("pow(%a, %a): error %g ulp", x, y, error);
}

static void powers_are_exact_to_the_last_bit_but_ties(void **state) {
    (void)state;
    nlg_rng rng = nlg_rng_seed(3);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        double a = nlg_rng_uniform(rng, 3 * i), b = nlg_rng_uniform(rng, 3 * i + 1);
        check_pow(a * 10, b * 20 - 10);
        check_pow(1 + (a - 0.5) * 1e-3, (b - 0.5) * 1e6);
        if (i % 10 == 0) {
            double x = fabs(from_bits(nlg_rng_u64(rng, 3 * i + 2)));
            if (x == x) check_pow(x, (b - 0.5) * (i % 20 ? 2 : 200));
        }
    }
    for (size_t i = 0; i < COUNT(edges); i++)
        for (size_t j = 0; j < COUNT(edges); j++)
            if (edges[i] >= 0.0 && !signbit(edges[i])) check_pow(edges[i], edges[j]);
    for (int n = 0; n <= 15; n++) assert_true(nlg_pow(10.0, n) == (double)powl(10.0L, (long double)n));
    assert_true(nlg_pow(2.0, -1074.0) == 0x1p-1074 && nlg_pow(0.25, 0.5) == 0.5 && nlg_pow(9.0, 1.5) == 27.0);
    assert_true(isnan(nlg_pow(-1.0, 2.0)));
}

static void signs_and_specials_are_kept(void **state) {
    (void)state;
    double (*const odd[])(double) = {nlg_expm1, nlg_log1p, nlg_tanh, nlg_erf, nlg_sin};
    for (size_t i = 0; i < COUNT(odd); i++) {
        assert_true(odd[i](0.0) == 0.0 && !signbit(odd[i](0.0)));
        assert_true(odd[i](-0.0) == 0.0 && signbit(odd[i](-0.0)));
        assert_true(isnan(odd[i]((double)NAN)));
    }
    assert_true(nlg_exp(0.0) == 1.0 && nlg_exp(-0.0) == 1.0 && nlg_cos(0.0) == 1.0 && nlg_sigmoid(0.0) == 0.5);
    assert_true(nlg_log(1.0) == 0.0 && !signbit(nlg_log(1.0)) && nlg_log(0.0) == -HUGE_VAL && isnan(nlg_log(-1.0)));
    assert_true(nlg_exp(HUGE_VAL) == HUGE_VAL && nlg_exp(-HUGE_VAL) == 0.0 && nlg_tanh(-HUGE_VAL) == -1.0);
    assert_true(nlg_erf(HUGE_VAL) == 1.0 && nlg_erf(-HUGE_VAL) == -1.0 && nlg_log1p(-1.0) == -HUGE_VAL);
    assert_true(isnan(nlg_sin(HUGE_VAL)) && isnan(nlg_cos(1.1e5)) && isnan(nlg_cos((double)NAN)));
    assert_true(nlg_sqrt(2.0) == 0x1.6a09e667f3bcdp+0);
}

static void quick_forms_are_close(void **state) {
    (void)state;
    nlg_rng rng = nlg_rng_seed(4);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        double u = 1.0 - nlg_rng_uniform(rng, i), exact = nlg_log(u);
        double error = fabs(nlg_log_quick(u) - exact) / (exact < -1.0 ? -exact : 1.0);
        if (error > 3e-16) fail_msg("log_quick(%a): error %g", u, error);
        error = (double)fabsl((long double)nlg_cos_turns_quick(u) - cosl(6.283185307179586476925L * (long double)u));
        if (error > 3e-16) fail_msg("cos_turns_quick(%a): error %g", u, error);
    }
    assert_true(nlg_log_quick(1.0) == 0.0 && nlg_cos_turns_quick(0.0) == 1.0 && nlg_cos_turns_quick(0.5) == -1.0);
    assert_true(nlg_cos_turns_quick(0.25) == 0.0 && nlg_cos_turns_quick(1.0) == 1.0);
}

static void forms_to_inline_are_close(void **state) {
    (void)state;
    nlg_rng rng = nlg_rng_seed(5);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        const double x = 1400 * (nlg_rng_uniform(rng, i) - 0.5), y = nlg_quick_exp(x);
        const double error = (double)fabsl((long double)y / expl((long double)x) - 1);
        if (error > 4e-16) fail_msg("quick_exp(%a): error %g", x, error);
        if (nlg_quick_log(y) != nlg_log_quick(y)) fail_msg("quick_log(%a): %a, alone %a", y, nlg_quick_log(y), nlg_log_quick(y));
    }
    assert_true(nlg_quick_exp(0.0) == 1.0 && nlg_quick_exp(-0.0) == 1.0 && isnan(nlg_quick_exp((double)NAN)));
    assert_true(nlg_quick_exp(-700.0) > 0.0 && isfinite(nlg_quick_exp(700.0)));
}

/* Inlined into vector code it has to have the bits of the function, also where the power is subnormal or vanishes. */
static void power_of_a_fraction_is_the_power(void **state) {
    (void)state;
    enum { COUNT = 200000 };
    static const double powers[] = {0, 1e-300, 0.1, 0.5, 1, 1.5, 2, 5, 40, 1e6, 1e300},
                        special[] = {1, 0x1p-1022, 1 - 0x1p-53, 0.5, 0x1.6a09e667f3bcdp-1};
    const nlg_rng rng = nlg_rng_seed(6);
    static double x[COUNT], at_once[COUNT];
    for (int i = 0; i < COUNT; i++) {
        const double u = nlg_rng_uniform(rng, (uint64_t)i);
        x[i] = i < 5 ? special[i] : i % 3 ? u + 0x1p-60 : nlg_exp(-708 * u);
    }
    for (size_t p = 0; p < sizeof powers / sizeof *powers; p++) {
        for (int i = 0; i < COUNT; i++) at_once[i] = nlg_pow_of_fraction(x[i], powers[p]);
        for (int i = 0; i < COUNT; i++) {
            const double wanted = nlg_pow(x[i], powers[p]);
            if (memcmp(&wanted, &at_once[i], sizeof wanted) != 0)
                fail_msg("%a to the power of %a: %a, not %a", x[i], powers[p], at_once[i], wanted);
        }
    }
}

/* Part of the numerics version: these bits must not change with compiler or CPU. */
static void bits_are_the_same_everywhere(void **state) {
    (void)state;
    uint64_t sum = 0;
    nlg_rng rng = nlg_rng_seed(9);
    double (*const all[])(double) = {nlg_exp, nlg_log, nlg_log1p, nlg_expm1, nlg_tanh, nlg_sigmoid, nlg_erf, nlg_sin, nlg_cos};
    for (uint64_t i = 0; i < 20000; i++) {
        double x = nlg_rng_uniform(rng, i) * 12 - (i % 2 ? 6 : 0);
        for (size_t f = 0; f < COUNT(all); f++) {
            double y = all[f](x);
            uint64_t bits;
            memcpy(&bits, &y, sizeof bits);
            if (y == y) sum = sum * UINT64_C(6364136223846793005) + bits;
        }
    }
    assert_true(sum == UINT64_C(0x7583058364c12424));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_stay_below_the_stated_bounds), cmocka_unit_test(powers_are_exact_to_the_last_bit_but_ties),
        cmocka_unit_test(signs_and_specials_are_kept),         cmocka_unit_test(quick_forms_are_close),
        cmocka_unit_test(power_of_a_fraction_is_the_power),    cmocka_unit_test(forms_to_inline_are_close),
        cmocka_unit_test(bits_are_the_same_everywhere),
    };
    return cmocka_run_group_tests_name("dmath", tests, NULL, NULL);
}
