/* The focal loss of many class scores (Lin et al. 2017, equation 5), in double; gradients are rounded to float once. */
#ifndef NLG_FOCAL_H
#define NLG_FOCAL_H

#include <stddef.h>

typedef struct nlg_focal {
    double alpha, gamma; /* alpha weighs positives, 1 - alpha negatives */
    double scale;        /* of the gradient */
} nlg_focal;

typedef struct nlg_focal_simd {
    /* The loss of each logit into terms[count], and its gradient where d_logits is not NULL; target in {0, 1}. */
    void (*terms)(const nlg_focal *f, size_t count, const float *logits, const float *target, double *terms, float *d_logits);
} nlg_focal_simd;

#endif
