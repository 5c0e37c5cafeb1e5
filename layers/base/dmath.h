/* Deterministic elementary functions in double: only +, -, *, /, sqrt and bit operations, each rounded once, so that every
 * compiler and CPU gives the same bits. tests/test_dmath.c holds the stated errors.
 * The float vector forms that kernels use are in layers/kernels/vmath.h. */
#ifndef NLG_DMATH_H
#define NLG_DMATH_H

/* Errors are at most 0.501 units in the last place (0.75 where the result is subnormal), unless stated. NaN gives NaN. */
double nlg_exp(double x);
double nlg_log(double x);   /* NaN below 0 */
double nlg_log1p(double x); /* NaN below -1 */
double nlg_expm1(double x);
double nlg_pow(double x, double y); /* x >= 0, else NaN */
double nlg_tanh(double x);
double nlg_sigmoid(double x);
double nlg_erf(double x); /* 1.0 units */
double nlg_sin(double x); /* |x| <= 1e5, else NaN */
double nlg_cos(double x); /* |x| <= 1e5, else NaN */
double nlg_sqrt(double x);

/* Quick forms without the extra precision, several times faster, for random numbers: error about 2e-16 of the larger of
 * 1 and the result. */
double nlg_log_quick(double x);       /* normal x > 0 */
double nlg_cos_turns_quick(double x); /* cos(2 pi x), 0 <= x <= 1 */

#endif
