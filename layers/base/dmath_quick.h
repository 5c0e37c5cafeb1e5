/* Quick forms of exp and log in double, to be inlined into loops that compilers turn into vector code: the same bits for every
 * width of vectors. Errors: of the exponential 4e-16 of the result, of the logarithm 2e-16 of the larger of 1 and the result. */
#ifndef NLG_DMATH_QUICK_H
#define NLG_DMATH_QUICK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline double nlg_nearest_integer(double x) /* |x| < 2^51 */
{
    return (x + 0x1.8p52) - 0x1.8p52;
}

static inline double nlg_power_of_two(double n) /* whole, -1022 to 1023 */
{
    const double shifted = n + (0x1.8p52 + 1023); /* its last bits are those of n + 1023: shifted, they are the exponent of 2^n */
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits <<= 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* x = 2^k m with m in [sqrt(1/2), sqrt(2)]. The exponent's bits below those of 2^52 are a number of their own. */
static inline double nlg_split_double(double x, double *k) /* normal x > 0 */
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint64_t exponent_bits = (bits >> 52) | UINT64_C(0x4330000000000000),
                   mantissa_bits = (bits & UINT64_C(0xFFFFFFFFFFFFF)) | UINT64_C(0x3FF0000000000000);
    double exponent, mantissa;
    memcpy(&exponent, &exponent_bits, sizeof exponent);
    memcpy(&mantissa, &mantissa_bits, sizeof mantissa);
    const bool upper = mantissa > 0x1.6a09e667f3bcdp+0;
    *k = exponent - (0x1p52 + 1023) + (upper ? 1.0 : 0.0);
    return upper ? mantissa * 0.5 : mantissa;
}

/* x = n log 2 + r, |r| <= log 2 / 2; the Taylor series of e^r up to r^13 / 13!. */
static inline double nlg_quick_exp(double x) /* -700 <= x <= 700 */
{
    static const double inverse[] = {0x1.6124613a86d09p-33,
                                     0x1.1eed8eff8d898p-29,
                                     0x1.ae64567f544e4p-26,
                                     0x1.27e4fb7789f5cp-22,
                                     0x1.71de3a556c734p-19,
                                     0x1.a01a01a01a01ap-16,
                                     0x1.a01a01a01a01ap-13,
                                     0x1.6c16c16c16c17p-10,
                                     0x1.1111111111111p-7,
                                     0x1.5555555555555p-5,
                                     0x1.5555555555555p-3,
                                     0x1p-1,
                                     0x1p+0,
                                     0x1p+0};
    const double v = x * 0x1.71547652b82fep+0 + 0.5, nearest = nlg_nearest_integer(v),
                 n = nearest - (nearest > v ? 1.0 : 0.0); /* floor(v) */
    const double r = (x - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33;
    double sum = inverse[0];
    for (int i = 1; i < (int)(sizeof inverse / sizeof *inverse); i++) sum = sum * r + inverse[i];
    return sum * nlg_power_of_two(n);
}

static inline double nlg_quick_log(double x) /* normal x > 0 */
{
    static const double series[] = {0x1p+0,
                                    0x1.5555555555555p-2,
                                    0x1.999999999999ap-3,
                                    0x1.2492492492492p-3,
                                    0x1.c71c71c71c71cp-4,
                                    0x1.745d1745d1746p-4,
                                    0x1.3b13b13b13b14p-4,
                                    0x1.1111111111111p-4,
                                    0x1.e1e1e1e1e1e1ep-5,
                                    0x1.af286bca1af28p-5,
                                    0x1.8618618618618p-5,
                                    0x1.642c8590b2164p-5,
                                    0x1.47ae147ae147bp-5,
                                    0x1.2f684bda12f68p-5,
                                    0x1.1a7b9611a7b96p-5};
    double k;
    const double m = nlg_split_double(x, &k);
    const double s = (m - 1.0) / (m + 1.0);
    enum { LAST = sizeof series / sizeof *series - 1 };
    double sum = series[LAST];
    for (int i = LAST - 1; i >= 0; i--) sum = sum * (s * s) + series[i];
    return k * 0x1.62e42fefa39efp-1 + 2.0 * s * sum;
}

#endif
