/* Losses, in double on own exponentials: the same value for every compiler and CPU. Gradients are rounded to float once. */
#include <math.h>

#include "layers/base/dmath.h"
#include "train/train.h"

double nlg_softmax_cross_entropy(int n, int classes, const float *logits, int64_t ld, const int *labels, double smoothing,
                                 double scale, float *d_logits, int64_t ld_d) {
    double total = 0.0, share = smoothing / (double)classes;
    for (int64_t row = 0; row < n; row++) {
        const float *x = logits + row * ld;
        float *d = d_logits ? d_logits + row * ld_d : NULL;
        double largest = (double)x[0], sum = 0.0, mean = 0.0;
        for (int i = 1; i < classes; i++)
            if ((double)x[i] > largest) largest = (double)x[i];
        for (int i = 0; i < classes; i++) {
            sum += nlg_exp((double)x[i] - largest);
            mean += (double)x[i] - largest;
        }
        double log_sum = nlg_log(sum);
        total += log_sum - (1.0 - smoothing) * ((double)x[labels[row]] - largest) - share * mean;
        if (!d) continue;
        for (int i = 0; i < classes; i++) {
            double target = share + (i == labels[row] ? 1.0 - smoothing : 0.0);
            d[i] = (float)(scale * (nlg_exp((double)x[i] - largest) / sum - target));
        }
    }
    return total;
}

enum { AT_ONCE = 32 }; /* logits of the focal loss */

/* log(1 + e) for 0 <= e <= 1. */
static void log1p_quick(int n, const double *e, double *y) {
    for (int i = 0; i < n; i++) y[i] = 1.0 + e[i];
    nlg_log_quick_each(n, y);
    for (int i = 0; i < n; i++)
        if (!(e[i] > 0x1p-9)) y[i] = e[i] * (1.0 - e[i] * (0.5 - e[i] * (1.0 / 3 - e[i] * (0.25 - e[i] * 0.2))));
}

/* miss^gamma; the powers in use without a logarithm. */
static double focus_of(double miss, double gamma) {
    if (gamma == 0) return 1;
    if (gamma == 1) return miss;
    if (gamma == 2) return miss * miss;
    return nlg_pow(miss, gamma);
}

/* At most AT_ONCE logits; adds to the total in their order. */
static void add_focal_loss(int n, const float *logits, const float *target, double alpha, double gamma, double scale, double *total,
                           float *d_logits) {
    double s[AT_ONCE], e[AT_ONCE], rest[AT_ONCE];
    for (int i = 0; i < n; i++) {
        s[i] = target[i] > 0.5f ? (double)logits[i] : -(double)logits[i]; /* p of the right answer is sigmoid(s) */
        e[i] = -fabs(s[i]);
    }
    nlg_exp_quick_each(n, e);
    log1p_quick(n, e, rest);
    for (int i = 0; i < n; i++) {
        const bool positive = target[i] > 0.5f;
        const double weight = positive ? alpha : 1.0 - alpha, larger = 1.0 / (1.0 + e[i]), smaller = e[i] * larger;
        const double p = s[i] > 0.0 ? larger : smaller, miss = s[i] > 0.0 ? smaller : larger;
        const double loss = (s[i] < 0.0 ? -s[i] : 0.0) + rest[i]; /* -log p */
        const double focus = focus_of(miss, gamma);
        *total += weight * focus * loss;
        if (!d_logits) continue;
        const double slope = -weight * focus * (gamma * p * loss + miss); /* of the loss by s */
        d_logits[i] = (float)(scale * (positive ? slope : -slope));
    }
}

double nlg_sigmoid_focal_loss(size_t count, const float *logits, const float *target, double alpha, double gamma, double scale,
                              float *d_logits) {
    double total = 0.0;
    for (size_t i = 0; i < count; i += AT_ONCE) {
        const int n = count - i < AT_ONCE ? (int)(count - i) : AT_ONCE;
        add_focal_loss(n, logits + i, target + i, alpha, gamma, scale, &total, d_logits ? d_logits + i : NULL);
    }
    return total;
}

double nlg_smooth_l1(size_t count, const float *x, const float *target, double beta, double scale, float *dx) {
    double total = 0.0;
    for (size_t i = 0; i < count; i++) {
        double d = (double)x[i] - (double)target[i], size = fabs(d);
        bool smooth = size < beta;
        total += smooth ? 0.5 * d * d / beta : size - 0.5 * beta;
        if (dx) dx[i] = (float)(scale * (smooth ? d / beta : (double)((d > 0.0) - (d < 0.0))));
    }
    return total;
}
