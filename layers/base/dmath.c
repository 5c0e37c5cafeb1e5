/* Elementary functions in pairs of doubles (dmath_pairs.h): errors stay below 2^-60 until the last rounding, so that results are
 * the correctly rounded ones except near ties. Polynomials are Taylor series; only erfc's is a Chebyshev fit. A call takes 0.15 to
 * 0.35 microseconds: enough for schedules and tables, not for inner loops. */
#include "layers/base/dmath.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "layers/base/dmath_pairs.h"

/* The same series in plain double. */
static double polynomial(const nlg_dd *head, int heads, const double *tail, int tails, double x) {
    double sum = tail[tails - 1];
    for (int i = tails - 2; i >= 0; i--) sum = sum * x + tail[i];
    for (int i = heads - 1; i >= 0; i--) sum = sum * x + head[i].hi;
    return sum;
}

#define QUICK_SERIES(name, x) polynomial(name##_head, NLG_COUNT(name##_head), name##_tail, NLG_COUNT(name##_tail), x)

static double power_of_two(int exponent) /* -1022 .. 1023 */
{
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* x * 2^exponent, rounded once, also where the result is subnormal or infinite. */
static double scale(double x, int exponent) {
    if (exponent > 1023) return x * 0x1p1023 * power_of_two(exponent - 1023);
    if (exponent < -1022) return x * power_of_two(exponent + 600) * 0x1p-600;
    return x * power_of_two(exponent);
}

/* --- exponential ----------------------------------------------------------------------------------------------------- */

static double exp_pair(nlg_dd x) {
    double exponent;
    nlg_dd e = nlg_dd_add((nlg_dd){1.0, 0.0}, nlg_dd_exp_reduced(x, &exponent));
    return scale(e.hi, (int)exponent);
}

double nlg_exp(double x) {
    if (x != x) return x;
    if (x > 709.8) return HUGE_VAL;
    if (x < -745.2) return 0.0;
    return exp_pair((nlg_dd){x, 0.0});
}

/* exp(x) - 1 for |x| < 100 */
static nlg_dd expm1_pair(nlg_dd x) {
    double exponent;
    nlg_dd e = nlg_dd_exp_reduced(x, &exponent);
    double power = power_of_two((int)exponent);
    return nlg_dd_add(nlg_dd_exact_sum(power, -1.0), nlg_dd_scale(e, power));
}

double nlg_expm1(double x) {
    if (x != x || (x < 0x1p-54 && x > -0x1p-54)) return x;
    if (x > 90.0) return nlg_exp(x); /* 1 is far below the last bit */
    if (x < -40.0) return -1.0;
    return expm1_pair((nlg_dd){x, 0.0}).hi;
}

double nlg_tanh(double x) {
    double magnitude = x < 0.0 ? -x : x;
    if (x != x || magnitude < 0x1p-28) return x;
    if (magnitude > 20.0) return x < 0.0 ? -1.0 : 1.0;
    nlg_dd e = expm1_pair((nlg_dd){2.0 * magnitude, 0.0});
    double result = nlg_dd_div(e, nlg_dd_add(e, (nlg_dd){2.0, 0.0})).hi;
    return x < 0.0 ? -result : result;
}

double nlg_sigmoid(double x) {
    if (x != x) return x;
    if (x > 40.0) return 1.0;
    if (x < -60.0) return nlg_exp(x);
    nlg_dd e = nlg_dd_add(expm1_pair((nlg_dd){-x, 0.0}), (nlg_dd){1.0, 0.0});
    return nlg_dd_div((nlg_dd){1.0, 0.0}, nlg_dd_add(e, (nlg_dd){1.0, 0.0})).hi;
}

/* --- logarithm ------------------------------------------------------------------------------------------------------- */

/* Normal x > 0 as 2^k m with m in [sqrt(1/2), sqrt(2)]. */
static double split(double x, int *k) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    *k = (int)(bits >> 52) - 1023;
    double m = scale(x, -*k);
    if (m <= 0x1.6a09e667f3bcdp+0) return m;
    *k += 1;
    return m * 0.5;
}

/* Finite x > 0. */
static nlg_dd log_pair(nlg_dd x) {
    int shift = 0;
    if (x.hi < 0x1p-1022) {
        x = nlg_dd_scale(x, 0x1p60);
        shift = -60;
    }
    int k;
    nlg_dd m = {split(x.hi, &k), 0.0};
    m.lo = scale(x.lo, -k);
    return nlg_dd_log_of_parts(m, k + shift);
}

double nlg_log(double x) {
    if (x != x || x == HUGE_VAL) return x;
    if (x <= 0.0) return x == 0.0 ? -HUGE_VAL : (double)NAN;
    return log_pair((nlg_dd){x, 0.0}).hi;
}

double nlg_log_quick(double x) {
    return nlg_quick_log(x);
}

double nlg_log1p(double x) {
    if (x != x || x == HUGE_VAL || (x < 0x1p-54 && x > -0x1p-54)) return x;
    if (x <= -1.0) return x == -1.0 ? -HUGE_VAL : (double)NAN;
    return log_pair(nlg_dd_exact_sum(1.0, x)).hi;
}

double nlg_pow(double x, double y) {
    if (y == 0.0 || x == 1.0) return 1.0;
    if (x != x || y != y || x < 0.0) return (double)NAN;
    if (x == 0.0) return y > 0.0 ? 0.0 : HUGE_VAL;
    if (x == HUGE_VAL) return y > 0.0 ? HUGE_VAL : 0.0;
    nlg_dd logarithm = log_pair((nlg_dd){x, 0.0});
    double estimate = logarithm.hi * y; /* also where y is infinite */
    if (estimate > 710.0) return HUGE_VAL;
    if (estimate < -746.0) return 0.0;
    nlg_dd product = nlg_dd_exact_product(logarithm.hi, y);
    return exp_pair(nlg_dd_fast_sum(product.hi, product.lo + logarithm.lo * y));
}

/* --- error function -------------------------------------------------------------------------------------------------- */

/* (-1)^n / (n! (2n + 1)) */
static const nlg_dd erf_head[] = {
    {0x1p+0, 0x0p+0},
    {-0x1.5555555555555p-2, -0x1.5555555555555p-56},
    {0x1.999999999999ap-4, -0x1.999999999999ap-58},
    {-0x1.8618618618618p-6, -0x1.8618618618618p-60},
    {0x1.2f684bda12f68p-8, 0x1.2f684bda12f68p-62},
    {-0x1.8d3018d3018d3p-11, -0x1.8d3018d3018d3p-71},
};
static const double erf_tail[] = {
    0x1.c01c01c01c01cp-14,  -0x1.bbd779334ef0bp-17, 0x1.87a00187a0018p-20,  -0x1.3777c55568ccdp-23, 0x1.c2e3054870b38p-27,
    -0x1.2b67310aa9f3ap-30, 0x1.6f448e13e85e1p-34,  -0x1.a289ee7e40f74p-38, 0x1.bd577e658d02p-42,   -0x1.bc6250fb14231p-46,
    0x1.a173a167fba4dp-50,  -0x1.7271cbe5863ecp-54, 0x1.377c2110f2083p-58,  -0x1.f1b4073b34a68p-63, 0x1.7abd72258fb6ep-67,
    -0x1.13246abce1bddp-71, 0x1.7e6b81382cd42p-76,  -0x1.fd6bebd65107ap-81,
};
/* erfc(x) exp(x^2) for 1 <= x <= 6 as a polynomial in t = (x - 2.5) / (x + 2.5): Chebyshev fit, error 3e-22. */
static const double erfc_tail[] = {
    0x1.afbb3f3b7343bp-3,   -0x1.7ca88dec217a6p-2, 0x1.01c11a735cd98p-2,  -0x1.0011543716c91p-3,  0x1.470ba1f67e9fbp-5,
    -0x1.05bb2fe5bf529p-8,  -0x1.5a5716ce54356p-9, 0x1.cb3b61b96c72ep-11, 0x1.def2ca6a72b2ap-13,  -0x1.0e46694028ea3p-13,
    -0x1.1ebe5af7c9982p-15, 0x1.384ce8c38d444p-16, 0x1.fb04482404d1cp-18, -0x1.34789cebd21e7p-19, -0x1.e79f851c55b6ap-20,
    0x1.42efc6023d0dcp-24,  0x1.a1b71e754f205p-22, 0x1.73d39f23c8151p-24, -0x1.efb4e76869bfbp-25, -0x1.117293898b7ffp-25,
};

static double erf_positive(double x) {
    if (x < 1.0) {
        nlg_dd two_over_root_pi = {0x1.20dd750429b6dp+0, 0x1.1ae3a914fed8p-56};
        return nlg_dd_mul(nlg_dd_mul(two_over_root_pi, (nlg_dd){x, 0.0}), NLG_SERIES(erf, nlg_dd_exact_product(x, x))).hi;
    }
    if (x >= 6.0) return 1.0;
    double scaled = nlg_dd_polynomial(NULL, 0, erfc_tail, NLG_COUNT(erfc_tail), (nlg_dd){(x - 2.5) / (x + 2.5), 0.0}).hi;
    return nlg_dd_add((nlg_dd){1.0, 0.0}, (nlg_dd){-(scaled * exp_pair(nlg_dd_negate(nlg_dd_exact_product(x, x)))), 0.0}).hi;
}

double nlg_erf(double x) {
    if (x != x) return x;
    if (x < 0x1p-500 && x > -0x1p-500) return x * 0x1.20dd750429b6dp+0; /* no pairs of subnormals; keeps the sign of zero */
    return x < 0.0 ? -erf_positive(-x) : erf_positive(x);
}

/* --- sine and cosine ------------------------------------------------------------------------------------------------- */

/* (-1)^n / (2n + 1)! and (-1)^n / (2n)! */
static const nlg_dd sin_head[] = {
    {0x1p+0, 0x0p+0},
    {-0x1.5555555555555p-3, -0x1.5555555555555p-57},
    {0x1.1111111111111p-7, 0x1.1111111111111p-63},
};
static const double sin_tail[] = {
    -0x1.a01a01a01a01ap-13, 0x1.71de3a556c734p-19, -0x1.ae64567f544e4p-26, 0x1.6124613a86d09p-33,
    -0x1.ae7f3e733b81fp-41, 0x1.952c77030ad4ap-49, -0x1.2f49b46814157p-57, 0x1.71b8ef6dcf572p-66,
};
static const nlg_dd cos_head[] = {
    {0x1p+0, 0x0p+0},
    {-0x1p-1, 0x0p+0},
    {0x1.5555555555555p-5, 0x1.5555555555555p-59},
};
static const double cos_tail[] = {
    -0x1.6c16c16c16c17p-10, 0x1.a01a01a01a01ap-16,  -0x1.27e4fb7789f5cp-22, 0x1.1eed8eff8d898p-29,  -0x1.93974a8c07c9dp-37,
    0x1.ae7f3e733b81fp-45,  -0x1.6827863b97d97p-53, 0x1.e542ba4020225p-62,  -0x1.0ce396db7f853p-70,
};

/* sin(x + quarters * pi / 2) */
static double sin_shifted(double x, int quarters) {
    if (!(x <= 1e5 && x >= -1e5)) return (double)NAN;
    /* pi / 2 in parts of 33 bits, so that k times a part is exact and the difference to x keeps every bit. */
    double k = nlg_nearest_integer(x * 0x1.45f306dc9c883p-1);
    nlg_dd r = nlg_dd_exact_sum(x - k * 0x1.921fb544p+0, -(k * 0x1.0b4611a6p-34));
    r = nlg_dd_add(r, (nlg_dd){-(k * 0x1.3198a2ep-69), 0.0});
    r = nlg_dd_add(r, (nlg_dd){-(k * 0x1.b839a252049c1p-104), 0.0});
    int quadrant = ((int)k + quarters) & 3;
    nlg_dd square = nlg_dd_mul(r, r);
    double value = quadrant & 1 ? NLG_SERIES(cos, square).hi : nlg_dd_mul(r, NLG_SERIES(sin, square)).hi;
    return quadrant & 2 ? -value : value;
}

double nlg_sin(double x) {
    if (x < 0x1p-27 && x > -0x1p-27) return x;
    return sin_shifted(x, 0);
}

double nlg_cos(double x) {
    return sin_shifted(x, 1);
}

double nlg_cos_turns_quick(double x) {
    double k = nlg_nearest_integer(4.0 * x), r = (4.0 * x - k) * 0x1.921fb54442d18p+0, square = r * r;
    int quadrant = (int)k & 3;
    double value = quadrant & 1 ? r * QUICK_SERIES(sin, square) : QUICK_SERIES(cos, square);
    return quadrant == 1 || quadrant == 2 ? -value : value;
}

double nlg_sqrt(double x) {
    return sqrt(x);
}
