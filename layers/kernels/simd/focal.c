/* Focal loss: see focal.h. */
#include "layers/kernels/focal.h"

#include <math.h>
#include <stdbool.h>

#include "layers/base/dmath_pairs.h"
#include "layers/kernels/simd.h"
#include "layers/kernels/vec.h"

typedef enum { ZERO, ONE, TWO, ANY } exponent;

/* miss^gamma */
NLG_INLINE double focus_of(double miss, exponent power, double gamma) {
    return power == ZERO ? 1 : power == ONE ? miss : power == TWO ? miss * miss : nlg_pow_of_fraction(miss, gamma);
}

/* log(1 + e) for 0 <= e <= 1. */
NLG_INLINE double log1p_quick(double e) {
    const double small = e * (1.0 - e * (0.5 - e * (1.0 / 3 - e * (0.25 - e * 0.2)))), large = nlg_quick_log(1.0 + e);
    return e > 0x1p-9 ? large : small;
}

NLG_INLINE void terms_of(const nlg_focal *f, exponent power, bool with_gradient, size_t count, const float *restrict logits,
                         const float *restrict target, double *restrict terms, float *restrict d_logits) {
    const double alpha = f->alpha, gamma = f->gamma, scale = f->scale;
    for (size_t i = 0; i < count; i++) {
        const double sign = target[i] > 0.5f ? 1.0 : -1.0, s = sign * (double)logits[i]; /* p of the right answer is sigmoid(s) */
        const double far = -fabs(s), e = nlg_quick_exp(far < -700.0 ? -700.0 : far);
        const double weight = sign > 0.0 ? alpha : 1.0 - alpha, larger = 1.0 / (1.0 + e), smaller = e * larger;
        const double p = s > 0.0 ? larger : smaller, miss = s > 0.0 ? smaller : larger;
        const double loss = (s < 0.0 ? -s : 0.0) + log1p_quick(e); /* -log p */
        const double focus = focus_of(miss, power, gamma);
        terms[i] = weight * focus * loss;
        if (with_gradient) d_logits[i] = (float)(scale * (sign * (-weight * focus * (gamma * p * loss + miss))));
    }
}

#define TERMS(power)                                                                                                               \
    if (d_logits)                                                                                                                  \
        terms_of(f, power, true, count, logits, target, terms, d_logits);                                                          \
    else                                                                                                                           \
        terms_of(f, power, false, count, logits, target, terms, NULL)

static void focal_terms(const nlg_focal *f, size_t count, const float *logits, const float *target, double *terms,
                        float *d_logits) {
    if (f->gamma == 0) {
        TERMS(ZERO);
    } else if (f->gamma == 1) {
        TERMS(ONE);
    } else if (f->gamma == 2) {
        TERMS(TWO);
    } else {
        TERMS(ANY);
    }
}

const nlg_focal_simd NLG_NAME(focal_table) = {.terms = focal_terms};
