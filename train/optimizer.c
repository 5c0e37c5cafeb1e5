/* Optimizers: SGD with momentum (PyTorch's form), Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019), RMSProp in
 * TensorFlow's form. Factors in double, updates in float by kernels that give the same bits on every CPU. */
#include "layers/base/dmath.h"
#include "layers/kernels/simd.h"
#include "layers/kernels/update.h"
#include "train/train.h"

int nlg_optimizer_state_count(nlg_optimizer_kind kind, double momentum) {
    switch (kind) {
    case NLG_SGD:
        return momentum != 0.0 ? 1 : 0;
    case NLG_RMSPROP_TF:
        return momentum != 0.0 ? 2 : 1;
    case NLG_ADAM:
    case NLG_ADAMW:
        break;
    }
    return 2;
}

double nlg_optimizer_state_start(nlg_optimizer_kind kind, int slot) {
    return kind == NLG_RMSPROP_TF && slot == 0 ? 1.0 : 0.0;
}

void nlg_optimizer_update(const nlg_optimizer_options *options, double lr, int64_t t, bool decay, double gradient_scale,
                          size_t count, float *value, const float *gradient, float *const *state) {
    const nlg_update_simd *simd = nlg_simd_table(nlg_isa_best())->update;
    bool decoupled = options->kind == NLG_ADAMW;
    double weight_decay = decay ? options->weight_decay : 0.0;
    nlg_update u = {.lr = (float)lr,
                    .scale = (float)gradient_scale,
                    .decay = decoupled ? 0.0f : (float)weight_decay,
                    .momentum = (float)options->momentum,
                    .nesterov = options->nesterov,
                    .eps = (float)options->eps};
    switch (options->kind) {
    case NLG_SGD:
        simd->sgd(&u, count, value, gradient, options->momentum != 0.0 ? state[0] : NULL);
        break;
    case NLG_ADAM:
    case NLG_ADAMW:
        u.keep1 = (float)options->beta1;
        u.take1 = (float)(1.0 - options->beta1);
        u.keep2 = (float)options->beta2;
        u.take2 = (float)(1.0 - options->beta2);
        u.step = (float)(lr / (1.0 - nlg_pow(options->beta1, (double)t)));
        u.root_correction = (float)(1.0 / nlg_sqrt(1.0 - nlg_pow(options->beta2, (double)t)));
        u.shrink = decoupled ? (float)(1.0 - lr * weight_decay) : 1.0f;
        simd->adam(&u, count, value, gradient, state[0], state[1]);
        break;
    case NLG_RMSPROP_TF:
        u.take2 = (float)(1.0 - options->alpha);
        simd->rmsprop(&u, count, value, gradient, state[0], options->momentum != 0.0 ? state[1] : NULL);
        break;
    }
}
