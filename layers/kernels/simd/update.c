/* Parameter updates: see update.h. */
#include "layers/kernels/update.h"

#include "layers/kernels/lanes.h"
#include "layers/kernels/simd.h"

NLG_INLINE vf decayed(const nlg_update *u, const float *gradient, vf value, int n) {
    return vf_fma(vf_set1(u->decay), value, vf_mul(vf_set1(u->scale), lanes_load(gradient, n)));
}

static void sgd(const nlg_update *u, size_t count, float *value, const float *gradient, float *m) {
    vf lr = vf_set1(u->lr), momentum = vf_set1(u->momentum);
    FOR_LANES((int64_t)count, {
        vf p = lanes_load(value + i, n), d = decayed(u, gradient + i, p, n);
        if (m) {
            vf buffer = vf_fma(momentum, lanes_load(m + i, n), d);
            lanes_store(m + i, buffer, n);
            d = u->nesterov ? vf_fma(momentum, buffer, d) : buffer;
        }
        lanes_store(value + i, vf_fnma(lr, d, p), n);
    });
}

static void adam(const nlg_update *u, size_t count, float *value, const float *gradient, float *m, float *v) {
    vf keep1 = vf_set1(u->keep1), take1 = vf_set1(u->take1), keep2 = vf_set1(u->keep2), take2 = vf_set1(u->take2);
    vf step = vf_set1(u->step), correction = vf_set1(u->root_correction), eps = vf_set1(u->eps), shrink = vf_set1(u->shrink);
    FOR_LANES((int64_t)count, {
        vf p = lanes_load(value + i, n), g = decayed(u, gradient + i, p, n);
        vf first = vf_fma(keep1, lanes_load(m + i, n), vf_mul(take1, g));
        vf second = vf_fma(keep2, lanes_load(v + i, n), vf_mul(take2, vf_mul(g, g)));
        lanes_store(m + i, first, n);
        lanes_store(v + i, second, n);
        vf d = vf_div(first, vf_fma(vf_sqrt(second), correction, eps));
        lanes_store(value + i, vf_fnma(step, d, vf_mul(p, shrink)), n);
    });
}

static void rmsprop(const nlg_update *u, size_t count, float *value, const float *gradient, float *v, float *m) {
    vf lr = vf_set1(u->lr), momentum = vf_set1(u->momentum), take = vf_set1(u->take2), eps = vf_set1(u->eps);
    FOR_LANES((int64_t)count, {
        vf p = lanes_load(value + i, n), g = decayed(u, gradient + i, p, n), square = lanes_load(v + i, n);
        square = vf_fma(take, vf_sub(vf_mul(g, g), square), square);
        lanes_store(v + i, square, n);
        vf d = vf_div(vf_mul(lr, g), vf_sqrt(vf_add(square, eps)));
        if (m) {
            d = vf_fma(momentum, lanes_load(m + i, n), d);
            lanes_store(m + i, d, n);
        }
        lanes_store(value + i, vf_sub(p, d), n);
    });
}

const nlg_update_simd NLG_NAME(update_table) = {.sgd = sgd, .adam = adam, .rmsprop = rmsprop};
