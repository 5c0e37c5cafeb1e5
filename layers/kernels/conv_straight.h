/* The epilogue of a convolution on a machine's register of sums, where activations are bounds: y = min(max(sum + bias + add, low),
 * high). For files of layers/kernels/simd. */
#ifndef NLG_CONV_STRAIGHT_H
#define NLG_CONV_STRAIGHT_H

#include "layers/kernels/conv_finish.h"
#include "layers/kernels/native.h"

/* What is the same for all pixels of up to so many registers of channels. */
enum { STRAIGHT_VECTORS = 12 };
typedef struct straight_finisher {
    vn bias[STRAIGHT_VECTORS], low, high;
} straight_finisher;

NLG_INLINE void straight_finisher_init(straight_finisher *f, const nlg_conv_output *out, int channel, const int vectors) {
    f->low = vn_set1(out->act == NLG_ACT_RELU || out->act == NLG_ACT_RELU6 ? 0.0f : -INFINITY);
    f->high = vn_set1(out->act == NLG_ACT_RELU6 ? 6.0f : INFINITY);
    UNROLL for (int j = 0; j < vectors; j++) {
        int lanes = out->channels - channel - j * NLG_NATIVE;
        lanes = lanes < 0 ? 0 : lanes > NLG_NATIVE ? NLG_NATIVE : lanes;
        f->bias[j] = out->bias && lanes ? vn_load_n(out->bias + channel + j * NLG_NATIVE, lanes) : vn_set1(-0.0f);
    }
}

/* y = the sum v finished, at y (and at add, NULL for none); `plain`: the sum is the output; `whole`: all lanes are channels. */
NLG_INLINE void finish_at(const straight_finisher *f, vn v, const float *add, float *y, const int j, int lanes, const bool plain,
                          const bool whole) {
    if (!plain) {
        v = vn_add(v, f->bias[j]);
        if (add) v = vn_add(v, whole ? vn_load(add) : vn_load_n(add, lanes));
        v = vn_min(f->high, vn_max(f->low, v));
    }
    if (whole)
        vn_store(y, v);
    else
        vn_store_n(y, v, lanes);
}

/* The same for pixel number `index`. */
NLG_INLINE void finish_straight(const nlg_conv_output *out, const straight_finisher *f, vn v, int64_t index, int channel,
                                const int j, int lanes, const bool plain, const bool whole) {
    const float *add = out->add ? out->add + index * out->ld_add + channel : NULL;
    if (!plain && out->gate) {
        const float *gate = out->gate + index * out->ld_gate + channel;
        v = vn_gate(v, whole ? vn_load(gate) : vn_load_n(gate, lanes));
    }
    finish_at(f, v, add, out->y + index * out->ld_y + channel, j, lanes, plain, whole);
}

#endif
