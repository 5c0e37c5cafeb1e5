/* Losses, in double on own exponentials: the same value for every compiler and CPU. Gradients are rounded to float once. */
#include <math.h>

#include "layers/base/dmath.h"
#include "layers/kernels/focal.h"
#include "layers/kernels/simd.h"
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

double nlg_sigmoid_focal_loss(size_t count, const float *logits, const float *target, double alpha, double gamma, double scale,
                              float *d_logits) {
    enum { AT_ONCE = 64 };
    const nlg_focal_simd *simd = nlg_simd_table(nlg_isa_best())->focal;
    const nlg_focal focal = {.alpha = alpha, .gamma = gamma, .scale = scale};
    double terms[AT_ONCE], total = 0.0;
    for (size_t i = 0; i < count; i += AT_ONCE) {
        const size_t n = count - i < AT_ONCE ? count - i : AT_ONCE;
        simd->terms(&focal, n, logits + i, target + i, terms, d_logits ? d_logits + i : NULL);
        for (size_t k = 0; k < n; k++) total += terms[k];
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
