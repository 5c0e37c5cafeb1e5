/* Elementwise updates of parameters by gradients. Each value by itself; single precision, one rounding per operation. */
#ifndef NLG_UPDATE_H
#define NLG_UPDATE_H

#include <stdbool.h>
#include <stddef.h>

/* g = scale * gradient + decay * value comes first in all of them. */
typedef struct nlg_update {
    float lr, scale, decay;
    float momentum;        /* sgd, rmsprop */
    bool nesterov;         /* sgd */
    float keep1, take1;    /* adam: beta1, 1 - beta1 */
    float keep2, take2;    /* adam: beta2, 1 - beta2; rmsprop: -, 1 - alpha */
    float step;            /* adam: lr / (1 - beta1^t) */
    float root_correction; /* adam: 1 / sqrt(1 - beta2^t) */
    float shrink;          /* adam: value is multiplied by this first (decoupled decay); 1: none */
    float eps;
} nlg_update;

typedef struct nlg_update_simd {
    /* m = momentum * m + g; value -= lr * (nesterov ? g + momentum * m : m); m NULL: value -= lr * g */
    void (*sgd)(const nlg_update *u, size_t count, float *value, const float *gradient, float *m);
    /* m = keep1 * m + take1 * g; v = keep2 * v + take2 * g^2; value -= step * m / (sqrt(v) * root_correction + eps) */
    void (*adam)(const nlg_update *u, size_t count, float *value, const float *gradient, float *m, float *v);
    /* v += take2 * (g^2 - v); d = lr * g / sqrt(v + eps); m = momentum * m + d; value -= m (m NULL: d) */
    void (*rmsprop)(const nlg_update *u, size_t count, float *value, const float *gradient, float *v, float *m);
} nlg_update_simd;

#endif
