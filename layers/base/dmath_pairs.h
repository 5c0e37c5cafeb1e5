/* Arithmetic of pairs of doubles, and with it exp, log and pow, to be inlined. A pair is an unevaluated sum hi + lo, about 106 bits
 * (Dekker 1971, Knuth). Polynomials are Taylor series, with the leading coefficients as pairs (`head`) and the rest as doubles
 * (`tail`). No table lookups, no fma. */
#ifndef NLG_DMATH_PAIRS_H
#define NLG_DMATH_PAIRS_H

#include "layers/base/dmath_quick.h"

typedef struct nlg_dd {
    double hi, lo;
} nlg_dd;

static inline __attribute__((always_inline)) nlg_dd nlg_dd_fast_sum(double a, double b) /* |a| >= |b| */
{
    double sum = a + b;
    return (nlg_dd){sum, b - (sum - a)};
}

static inline __attribute__((always_inline)) nlg_dd nlg_dd_exact_sum(double a, double b) {
    double sum = a + b, part = sum - a;
    return (nlg_dd){sum, (a - (sum - part)) + (b - part)};
}

static inline __attribute__((always_inline)) nlg_dd nlg_dd_exact_product(double a, double b) /* |a|, |b| < 2^996 */
{
    double product = a * b;
    double ca = 134217729.0 * a, cb = 134217729.0 * b; /* 2^27 + 1 splits a double into halves of 26 bits */
    double ah = ca - (ca - a), al = a - ah, bh = cb - (cb - b), bl = b - bh;
    return (nlg_dd){product, ((ah * bh - product) + ah * bl + al * bh) + al * bl};
}

static inline __attribute__((always_inline)) nlg_dd nlg_dd_add(nlg_dd a, nlg_dd b) {
    nlg_dd high = nlg_dd_exact_sum(a.hi, b.hi), low = nlg_dd_exact_sum(a.lo, b.lo);
    high = nlg_dd_fast_sum(high.hi, high.lo + low.hi);
    return nlg_dd_fast_sum(high.hi, high.lo + low.lo);
}

static inline __attribute__((always_inline)) nlg_dd nlg_dd_mul(nlg_dd a, nlg_dd b) {
    nlg_dd product = nlg_dd_exact_product(a.hi, b.hi);
    return nlg_dd_fast_sum(product.hi, product.lo + (a.hi * b.lo + a.lo * b.hi));
}

static inline __attribute__((always_inline)) nlg_dd nlg_dd_div(nlg_dd a, nlg_dd b) {
    double quotient = a.hi / b.hi;
    nlg_dd back = nlg_dd_mul((nlg_dd){quotient, 0.0}, b);
    nlg_dd rest = nlg_dd_add(a, (nlg_dd){-back.hi, -back.lo});
    return nlg_dd_fast_sum(quotient, (rest.hi + rest.lo) / b.hi);
}

static inline __attribute__((always_inline)) nlg_dd nlg_dd_scale(nlg_dd a, double power_of_two) {
    return (nlg_dd){a.hi * power_of_two, a.lo * power_of_two};
}

static inline __attribute__((always_inline)) nlg_dd nlg_dd_negate(nlg_dd a) {
    return (nlg_dd){-a.hi, -a.lo};
}

static inline __attribute__((always_inline)) nlg_dd nlg_dd_polynomial(const nlg_dd *head, int heads, const double *tail, int tails,
                                                                      nlg_dd x) {
    double rest = tail[tails - 1];
    for (int i = tails - 2; i >= 0; i--) rest = rest * x.hi + tail[i];
    nlg_dd sum = {rest, 0.0};
    for (int i = heads - 1; i >= 0; i--) sum = nlg_dd_add(head[i], nlg_dd_mul(sum, x));
    return sum;
}

#define NLG_COUNT(array)    ((int)(sizeof(array) / sizeof *(array)))
#define NLG_SERIES(name, x) nlg_dd_polynomial(name##_head, NLG_COUNT(name##_head), name##_tail, NLG_COUNT(name##_tail), x)

/* 1/n! */
static const nlg_dd nlg_exp_head[] = {
    {0x1p+0, 0x0p+0},
    {0x1p-1, 0x0p+0},
    {0x1.5555555555555p-3, 0x1.5555555555555p-57},
    {0x1.5555555555555p-5, 0x1.5555555555555p-59},
};
static const double nlg_exp_tail[] = {
    0x1.1111111111111p-7,  0x1.6c16c16c16c17p-10, 0x1.a01a01a01a01ap-13, 0x1.a01a01a01a01ap-16, 0x1.71de3a556c734p-19,
    0x1.27e4fb7789f5cp-22, 0x1.ae64567f544e4p-26, 0x1.1eed8eff8d898p-29, 0x1.6124613a86d09p-33, 0x1.93974a8c07c9dp-37,
    0x1.ae7f3e733b81fp-41, 0x1.ae7f3e733b81fp-45, 0x1.952c77030ad4ap-49,
};

/* ln 2 in three parts; an exponent times one of the first two is exact. */
static const double nlg_ln2_1 = 0x1.62e42fefa4p-1, nlg_ln2_2 = -0x1.8432a1b0e2p-43, nlg_ln2_3 = -0x1.8cff81a12a17ep-85;

/* exp(x) = 2^k * (1 + result), |result| < 0.42 with a small relative error; |x| < 800. */
static inline __attribute__((always_inline)) nlg_dd nlg_dd_exp_reduced(nlg_dd x, double *exponent) {
    const double k = nlg_nearest_integer(x.hi * 0x1.71547652b82fep+0);
    nlg_dd r = nlg_dd_exact_sum(x.hi - k * nlg_ln2_1, -(k * nlg_ln2_2));
    r = nlg_dd_add(r, (nlg_dd){x.lo, 0.0});
    r = nlg_dd_add(r, (nlg_dd){-(k * nlg_ln2_3), 0.0});
    *exponent = k;
    return nlg_dd_mul(r, NLG_SERIES(nlg_exp, r));
}

/* atanh(s) = s (1 + s^2 / 3 + s^4 / 5 + ...) */
static const nlg_dd nlg_log_head[] = {
    {0x1p+0, 0x0p+0},
    {0x1.5555555555555p-2, 0x1.5555555555555p-56},
    {0x1.999999999999ap-3, -0x1.999999999999ap-57},
};
static const double nlg_log_tail[] = {
    0x1.2492492492492p-3, 0x1.c71c71c71c71cp-4, 0x1.745d1745d1746p-4, 0x1.3b13b13b13b14p-4,
    0x1.1111111111111p-4, 0x1.e1e1e1e1e1e1ep-5, 0x1.af286bca1af28p-5, 0x1.8618618618618p-5,
    0x1.642c8590b2164p-5, 0x1.47ae147ae147bp-5, 0x1.2f684bda12f68p-5, 0x1.1a7b9611a7b96p-5,
};

/* log(2^k m) = k log 2 + log m, log m = 2 atanh((m - 1) / (m + 1)); m in [sqrt(1/2), sqrt(2)]. */
static inline __attribute__((always_inline)) nlg_dd nlg_dd_log_of_parts(nlg_dd m, double k) {
    const nlg_dd s = nlg_dd_div(nlg_dd_exact_sum(m.hi - 1.0, m.lo), nlg_dd_add((nlg_dd){1.0, 0.0}, m)); /* m.hi - 1 is exact */
    const nlg_dd log_m = nlg_dd_scale(nlg_dd_mul(s, NLG_SERIES(nlg_log, nlg_dd_mul(s, s))), 2.0);
    nlg_dd log_power = nlg_dd_exact_sum(k * nlg_ln2_1, k * nlg_ln2_2);
    log_power.lo += k * nlg_ln2_3;
    const nlg_dd sum = nlg_dd_add(log_power, log_m);
    return (nlg_dd){k == 0.0 ? log_m.hi : sum.hi, k == 0.0 ? log_m.lo : sum.lo};
}

/* x^y, the bits of nlg_pow, without a branch: for loops that compilers turn into vector code. */
static inline __attribute__((always_inline)) double nlg_pow_of_fraction(double x, double y) /* 2^-1022 <= x <= 1, 0 <= y < 2^900 */
{
    double k;
    const double m = nlg_split_double(x, &k);
    const nlg_dd log_x = nlg_dd_log_of_parts((nlg_dd){m, 0.0}, k);
    const double estimate = log_x.hi * y;
    const bool vanishes = estimate < -746.0;
    const nlg_dd product = nlg_dd_exact_product(log_x.hi, vanishes ? 0.0 : y);
    const nlg_dd power = nlg_dd_exp_reduced(nlg_dd_fast_sum(product.hi, product.lo + log_x.lo * (vanishes ? 0.0 : y)), &k);
    const double half = nlg_nearest_integer(0.5 * k);
    const double result = nlg_dd_add((nlg_dd){1.0, 0.0}, power).hi * nlg_power_of_two(half) * nlg_power_of_two(k - half);
    return vanishes ? 0.0 : result;
}

#endif
