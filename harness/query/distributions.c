/* The normal and Student's t distribution. */
#include "harness/query/distributions.h"

#include <math.h>

#include "layers/base/dmath.h"

enum { STEPS_MAX = 500 };
static const double tiny = 1e-300, pi = 3.141592653589793;

/* erfc(x) for x >= 0: one less erf where that keeps the digits, else the continued fraction of the incomplete gamma function. */
static double complement_of_erf(double x) {
    if (x < 1.25) return 1 - nlg_erf(x);
    double y = x * x, b = y + 0.5, c = 1 / tiny, d = 1 / b, h = d;
    for (int i = 1; i <= STEPS_MAX; i++) {
        double a = -i * (i - 0.5);
        b += 2;
        d = a * d + b;
        if (fabs(d) < tiny) d = tiny;
        c = b + a / c;
        if (fabs(c) < tiny) c = tiny;
        d = 1 / d;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-16) break;
    }
    return nlg_exp(-y) * x / sqrt(pi) * h;
}

double nlg_normal_two_sided(double z) {
    return complement_of_erf(fabs(z) / sqrt(2));
}

double nlg_normal_cdf(double x) {
    double tail = 0.5 * nlg_normal_two_sided(x);
    return x < 0 ? tail : 1 - tail;
}

double nlg_normal_quantile(double p) {
    if (!(p > 0)) return p == 0 ? -(double)INFINITY : (double)NAN;
    if (!(p < 1)) return p == 1 ? (double)INFINITY : (double)NAN;
    double tail = p < 0.5 ? p : 1 - p, low = 0, high = 40; /* of |z| */
    for (int i = 0; i < 200 && low < high; i++) {
        double middle = 0.5 * (low + high);
        if (middle <= low || middle >= high) break;
        if (0.5 * nlg_normal_two_sided(middle) > tail)
            low = middle;
        else
            high = middle;
    }
    return p < 0.5 ? -high : high;
}

/* log of the gamma function, x > 0 (Lanczos, g = 7, 9 terms). */
static double log_gamma(double x) {
    static const double term[] = {0.99999999999980993,  676.5203681218851,     -1259.1392167224028,
                                  771.32342877765313,   -176.61502916214059,   12.507343278686905,
                                  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7};
    double sum = term[0], t = x + 6.5;
    for (int i = 1; i < 9; i++) sum += term[i] / (x - 1 + i);
    return 0.5 * nlg_log(2 * pi) + (x - 0.5) * nlg_log(t) - t + nlg_log(sum);
}

/* Continued fraction of the regularised incomplete beta function, by Lentz's method. */
static double beta_fraction(double a, double b, double x) {
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    if (fabs(d) < tiny) d = tiny;
    d = 1 / d;
    double h = d;
    for (int m = 1; m <= STEPS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        for (int half = 0; half < 2; half++) {
            double term = half ? odd : even;
            d = 1 + term * d;
            if (fabs(d) < tiny) d = tiny;
            c = 1 + term / c;
            if (fabs(c) < tiny) c = tiny;
            d = 1 / d;
            h *= d * c;
        }
        if (fabs(d * c - 1) < 1e-16) break;
    }
    return h;
}

/* y is 1 - x, given apart so that no digits are lost. */
static double incomplete_beta(double a, double b, double x, double y) {
    if (x <= 0) return 0;
    if (y <= 0) return 1;
    double front = nlg_exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * nlg_log(x) + b * nlg_log(y));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, y) / b;
}

double nlg_t_two_sided(double t, double degrees) {
    double whole = degrees + t * t;
    return incomplete_beta(0.5 * degrees, 0.5, degrees / whole, t * t / whole);
}

double nlg_t_quantile(double p, double degrees) {
    double tails = 2 * (1 - p), low = 0, high = 1;
    while (nlg_t_two_sided(high, degrees) > tails && high < 1e300) high *= 2;
    for (int i = 0; i < 200; i++) {
        double middle = 0.5 * (low + high);
        if (middle <= low || middle >= high) break;
        if (nlg_t_two_sided(middle, degrees) > tails)
            low = middle;
        else
            high = middle;
    }
    return high;
}
