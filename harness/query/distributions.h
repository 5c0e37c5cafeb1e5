/* The normal and Student's t distribution, on layers/base/dmath: the same bits everywhere. Relative errors are below 1e-12. */
#ifndef NLG_DISTRIBUTIONS_H
#define NLG_DISTRIBUTIONS_H

double nlg_normal_cdf(double x);
double nlg_normal_quantile(double p);             /* -INFINITY at 0, INFINITY at 1 */
double nlg_normal_two_sided(double z);            /* P(|Z| >= |z|) */
double nlg_t_two_sided(double t, double degrees); /* P(|T| >= |t|); degrees > 0 */
double nlg_t_quantile(double p, double degrees);  /* 0.5 <= p < 1 */

#endif
