/* Deterministic elementary functions in double: only +, -, *, /, sqrt and bit operations, each rounded once, so that every
 * compiler and CPU gives the same bits. Each states its maximum error against the correctly rounded value; tests hold it.
 * The float vector forms that kernels use are in layers/kernels/vmath.h. */
#ifndef NLG_DMATH_H
#define NLG_DMATH_H

double nlg_exp(double x);
double nlg_log(double x);
double nlg_log1p(double x);
double nlg_expm1(double x);
double nlg_pow(double x, double y); /* x >= 0, else NaN */
double nlg_tanh(double x);
double nlg_sigmoid(double x);
double nlg_erf(double x);
double nlg_sin(double x); /* |x| <= 1e5 */
double nlg_cos(double x); /* |x| <= 1e5 */
double nlg_sqrt(double x);

#endif
