/* The epilogue of a convolution on one vector of sums: y = act(sum + bias + add). For files of layers/kernels/simd. */
#ifndef NLG_CONV_FINISH_H
#define NLG_CONV_FINISH_H

#include "layers/kernels/conv_simd.h"
#include "layers/kernels/vmath.h"

/* What is the same for all pixels of one vector of channels. ReLU and ReLU6 become bounds, which let NaN through; no bias is -0,
 * which alters no sum. */
typedef struct finisher {
    const nlg_conv_output *out;
    vf bias, low, high;
    int channel, lanes;
    bool curved;
} finisher;

/* The sums are the outputs. */
NLG_INLINE bool is_plain(const nlg_conv_output *out) {
    return !out->bias && !out->add && !out->gate && out->act == NLG_ACT_NONE;
}

NLG_INLINE finisher finisher_at(const nlg_conv_output *out, int channel) {
    finisher f = {.out = out, .channel = channel, .lanes = out->channels - channel, .curved = out->act > NLG_ACT_RELU6};
    if (f.lanes > NLG_PANEL) f.lanes = NLG_PANEL;
    f.bias = out->bias ? vf_load_n(out->bias + channel, f.lanes) : vf_set1(-0.0f);
    f.low = vf_set1(out->act == NLG_ACT_RELU || out->act == NLG_ACT_RELU6 ? 0.0f : -INFINITY);
    f.high = vf_set1(out->act == NLG_ACT_RELU6 ? 6.0f : INFINITY);
    return f;
}

/* For pixel number `index`; `whole` where all 16 lanes are channels. */
NLG_INLINE void finish_vector(const finisher *f, vf v, int64_t index, const bool whole) {
    const nlg_conv_output *out = f->out;
    v = vf_add(v, f->bias);
    if (out->add) {
        const float *add = out->add + index * out->ld_add + f->channel;
        v = vf_add(v, whole ? vf_load(add) : vf_load_n(add, f->lanes));
    }
    v = f->curved ? vf_act(out->act, v) : vf_min(f->high, vf_max(f->low, v));
    float *y = out->y + index * out->ld_y + f->channel;
    if (whole)
        vf_store(y, v);
    else
        vf_store_n(y, v, f->lanes);
}

/* y = act(y) on `count` values, for an activation that curves. */
NLG_INLINE void activate_row(const nlg_act act, float *y, int count) {
    const int tail = count % NLG_LANES, whole = count - tail;
    for (int i = 0; i < whole; i += NLG_LANES) vf_store(y + i, vf_act_curved(act, vf_load(y + i)));
    if (tail) vf_store_n(y + whole, vf_act_curved(act, vf_load_n(y + whole, tail)), tail);
}

#endif
