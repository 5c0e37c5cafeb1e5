/* Elementary functions and activations of 16 floats, built on vec.h alone: the same bits for every instruction set.
 *
 * Errors against the exact value, in units in the last place (ulp), held by tests/test_vmath.c over the whole range of floats:
 *   vf_exp 1.0   vf_log 1.0   vf_sigmoid 3.0   vf_tanh 1.5   vf_pow 2 + 3 |y ln x|
 *   SiLU 3.0, and its slope 4.0 or 1.2e-6, where the input is above -88; below it, where both are under 1e-36, within 4e-37
 * Infinities give the limits, NaN gives NaN. Results below the normal range are right to the last subnormal bit or two.
 * Polynomials: near-minimax fits of the remainders after the leading Taylor terms. */
#ifndef NLG_VMATH_H
#define NLG_VMATH_H

#include <math.h>

#include "layers/kernels/exec.h"
#include "layers/kernels/vec.h"

/* Portable code is many times longer: there these are calls, and the activation is switched on at run time. */
#if NLG_ISA_LEVEL == 0
#define NLG_VMATH static __attribute__((noinline, unused))
#else
#define NLG_VMATH NLG_INLINE
#endif

/* x * 2^n for |n| <= 252, rounded once: the power comes in two factors, of which the first is exact. */
NLG_INLINE vf vf_scale_power(vf x, vi n) {
    vi half = vi_sar(n, 1), bias = vi_set1(127);
    vf first = vi_float(vi_shl(vi_add(half, bias), 23));
    vf second = vi_float(vi_shl(vi_add(vi_sub(n, half), bias), 23));
    return vf_mul(vf_mul(x, first), second);
}

/* exp(x) = 2^n exp(r), |r| <= ln(2) / 2. */
NLG_VMATH vf vf_exp(vf x) {
    vf c = vf_max(vf_set1(-110.0f), vf_min(vf_set1(90.0f), x)); /* NaN stays: it is the second operand */
    vi n = vf_to_vi(vf_mul(c, vf_set1(0x1.715476p+0f)));
    vf k = vi_to_vf(n);
    vf r = vf_fnma(k, vf_set1(0x1.62e4p-1f), c); /* exact */
    r = vf_fnma(k, vf_set1(0x1.7f7d1cp-20f), r);
    vf q = vf_fma(r, vf_set1(0.00019918679f), vf_set1(0.0013946291f));
    q = vf_fma(r, q, vf_set1(0.008333264f));
    q = vf_fma(r, q, vf_set1(0.041666266f));
    q = vf_fma(r, q, vf_set1(0.16666667f));
    q = vf_fma(r, q, vf_set1(0.5f));
    q = vf_fma(vf_mul(r, r), q, r);
    vf e = vf_scale_power(vf_add(vf_set1(1.0f), q), n);
    return vf_select(vf_eq(x, x), e, x);
}

/* log(x) = k ln 2 + log(1 + f), 1 + f in [sqrt(1/2), sqrt(2)). */
NLG_VMATH vf vf_log(vf x) {
    vm small = vf_lt(x, vf_set1(0x1p-126f));
    vf scaled = vf_select(small, vf_mul(x, vf_set1(0x1p23f)), x);
    vi bits = vi_sub(vf_bits(scaled), vi_set1(0x3f3504f3)); /* sqrt(1/2): the quotient's exponent is then k */
    vi k = vi_sar(bits, 23);
    vf f = vf_sub(vi_float(vi_add(vi_and(bits, vi_set1(0x7fffff)), vi_set1(0x3f3504f3))), vf_set1(1.0f));
    vf n = vf_add(vi_to_vf(k), vf_select(small, vf_set1(-23.0f), vf_zero()));
    vf q = vf_fma(f, vf_set1(0.06915425f), vf_set1(-0.11789835f));
    q = vf_fma(f, q, vf_set1(0.11872966f));
    q = vf_fma(f, q, vf_set1(-0.12384343f));
    q = vf_fma(f, q, vf_set1(0.14218658f));
    q = vf_fma(f, q, vf_set1(-0.16669251f));
    q = vf_fma(f, q, vf_set1(0.20002227f));
    q = vf_fma(f, q, vf_set1(-0.24999987f));
    q = vf_fma(f, q, vf_set1(0.3333331f));
    vf square = vf_mul(f, f);
    vf rest = vf_fma(vf_mul(square, f), q, vf_fma(n, vf_set1(0x1.7f7d1cp-20f), vf_mul(square, vf_set1(-0.5f))));
    vf y = vf_fma(n, vf_set1(0x1.62e4p-1f), vf_add(f, rest)); /* the product is exact */
    y = vf_select(vf_lt(vf_set1(3.4028235e38f), x), x, y);
    y = vf_select(vf_eq(x, vf_zero()), vf_set1(-INFINITY), y);
    return vf_select(vf_le(vf_zero(), x), y, vf_set1(NAN)); /* negative or NaN */
}

/* x^y for x > 0. */
NLG_VMATH vf vf_pow(vf x, vf y) {
    return vf_exp(vf_mul(y, vf_log(x)));
}

/* Through exp(-|x|), so that the lower tail keeps its relative precision. */
NLG_VMATH vf vf_sigmoid(vf x) {
    vf e = vf_exp(vf_neg(vf_abs(x)));
    vf upper = vf_div(vf_set1(1.0f), vf_add(vf_set1(1.0f), e));
    return vf_select(vf_lt(x, vf_zero()), vf_mul(e, upper), upper);
}

NLG_VMATH vf vf_tanh(vf x) {
    vf a = vf_abs(x), square = vf_mul(x, x);
    vf p = vf_fma(square, vf_set1(0.0021475398f), vf_set1(-0.008182677f));
    p = vf_fma(square, p, vf_set1(0.02170297f));
    p = vf_fma(square, p, vf_set1(-0.053947203f));
    p = vf_fma(square, p, vf_set1(0.1333321f));
    p = vf_fma(square, p, vf_set1(-0.3333333f));
    vf near_zero = vf_fma(vf_mul(square, x), p, x);
    vf e = vf_exp(vf_add(a, a));
    vf far = vf_sub(vf_set1(1.0f), vf_div(vf_set1(2.0f), vf_add(e, vf_set1(1.0f))));
    far = vi_float(vi_or(vf_bits(far), vi_and(vf_bits(x), vi_set1(INT32_MIN))));
    return vf_select(vf_lt(a, vf_set1(0.625f)), near_zero, far);
}

/* ---- activations; `act` should be a compile-time constant in hot loops: NLG_ACT_CASES ---- */

#define NLG_SCALED_TANH_HEIGHT 1.7159f
#define NLG_SCALED_TANH_SLOPE  (2.0f / 3.0f)

/* 1 + exp(-x) for x held to [-89, 87]: infinite from -88.4 down. The rounded exponent comes from adding a number so large that
 * its last place is 1; its bits, shifted, are the power of two. Fewer operations than vf_exp: SiLU takes most of the time that
 * activations take. */
NLG_VMATH vf vf_one_plus_exp_minus(vf x) {
    const vf magic = vf_set1(0x1.8p23f + 127.0f);
    vf t = vf_fnma(x, vf_set1(0x1.715476p+0f), magic), n = vf_sub(t, magic);
    vf s = vf_fma(n, vf_set1(0x1.62e4p-1f), x); /* exact */
    s = vf_fma(n, vf_set1(0x1.7f7d1cp-20f), s);
    vf q = vf_fma(s, vf_set1(0.0013814467f), vf_set1(-0.008368781f));
    q = vf_fma(s, q, vf_set1(0.041668393f));
    q = vf_fma(s, q, vf_set1(-0.1666652f));
    q = vf_fma(s, q, vf_set1(0.49999994f));
    q = vf_fma(s, q, vf_set1(-1.0f));
    q = vf_fma(s, q, vf_set1(1.0f));
    return vf_fma(q, vi_float(vi_shl(vf_bits(t), 23)), vf_set1(1.0f));
}

/* NaN stays: it is the second operand. */
NLG_VMATH vf vf_silu(vf z) {
    vf low = vf_max(vf_set1(-89.0f), z);
    return vf_div(low, vf_one_plus_exp_minus(vf_min(vf_set1(87.0f), low)));
}

/* dy * s (1 + z (1 - s)), s = sigmoid(z). */
NLG_VMATH vf vf_silu_back(vf z, vf dy) {
    vf held = vf_min(vf_set1(87.0f), vf_max(vf_set1(-89.0f), z));
    vf s = vf_div(vf_set1(1.0f), vf_one_plus_exp_minus(held));
    return vf_mul(dy, vf_fma(s, vf_fnma(s, held, held), s));
}

NLG_VMATH vf vf_act_curved(nlg_act act, vf z) {
    if (act == NLG_ACT_SILU) return vf_silu(z);
    if (act == NLG_ACT_SIGMOID) return vf_sigmoid(z);
    if (act == NLG_ACT_TANH) return vf_tanh(z);
    return vf_mul(vf_set1(NLG_SCALED_TANH_HEIGHT), vf_tanh(vf_mul(vf_set1(NLG_SCALED_TANH_SLOPE), z)));
}

/* Not inlined: kernels are specialised for each activation, and these are rare where they are fused. A call for every vector
 * waits for its own long chain; loops that do little else take NLG_CURVED_CASES. */
static __attribute__((noinline, unused)) vf vf_act_smooth(nlg_act act, vf z) {
    return vf_act_curved(act, z);
}

NLG_VMATH vf vf_act(nlg_act act, vf z) {
    switch (act) {
    case NLG_ACT_RELU:
        return vf_max(vf_zero(), z); /* NaN stays */
    case NLG_ACT_RELU6:
        return vf_min(vf_set1(6.0f), vf_max(vf_zero(), z));
    case NLG_ACT_SILU:
        return vf_silu(z);
    case NLG_ACT_SIGMOID:
    case NLG_ACT_TANH:
    case NLG_ACT_SCALED_TANH:
        return vf_act_smooth(act, z);
    case NLG_ACT_NONE:
        break;
    }
    return z;
}

/* dy * act'(z) from y = act(z); not for SiLU, whose y does not determine z. Bounds of ReLU and ReLU6 give 0, as in PyTorch. */
NLG_VMATH vf vf_act_back_y(nlg_act act, vf y, vf dy) {
    switch (act) {
    case NLG_ACT_RELU:
        return vf_select(vf_lt(vf_zero(), y), dy, vf_zero());
    case NLG_ACT_RELU6:
        return vf_select(vm_and(vf_lt(vf_zero(), y), vf_lt(y, vf_set1(6.0f))), dy, vf_zero());
    case NLG_ACT_SIGMOID:
        return vf_mul(dy, vf_fnma(y, y, y));
    case NLG_ACT_TANH:
        return vf_mul(dy, vf_fnma(y, y, vf_set1(1.0f)));
    case NLG_ACT_SCALED_TANH: {
        vf slope = vf_set1(NLG_SCALED_TANH_HEIGHT * NLG_SCALED_TANH_SLOPE);
        return vf_mul(dy, vf_fnma(vf_mul(y, vf_set1(NLG_SCALED_TANH_SLOPE / NLG_SCALED_TANH_HEIGHT)), y, slope));
    }
    case NLG_ACT_SILU:
    case NLG_ACT_NONE:
        break;
    }
    return dy;
}

/* dy * act'(z) from z. */
NLG_VMATH vf vf_act_back(nlg_act act, vf z, vf dy) {
    if (act == NLG_ACT_NONE) return dy;
    if (act == NLG_ACT_SILU) return vf_silu_back(z, dy);
    return vf_act_back_y(act, act == NLG_ACT_RELU || act == NLG_ACT_RELU6 ? z : vf_act_smooth(act, z), dy);
}

/* A statement with a constant ACT for the usual activations, and once for the others: NLG_ACT_CASES(act, { body(ACT, ...); }); */
#if NLG_ISA_LEVEL == 0
#define NLG_ACT_CASES(act, ...)                                                                                                    \
    do {                                                                                                                           \
        const nlg_act ACT = act;                                                                                                   \
        __VA_ARGS__                                                                                                                \
    } while (0)
#define NLG_CURVED_CASES NLG_ACT_CASES
#else
#define NLG_ACT_CASE_(name, ...)                                                                                                   \
    case name: {                                                                                                                   \
        const nlg_act ACT = name;                                                                                                  \
        __VA_ARGS__                                                                                                                \
    } break;
#define NLG_ACT_CASES(act, ...)                                                                                                    \
    do {                                                                                                                           \
        switch (act) {                                                                                                             \
            NLG_ACT_CASE_(NLG_ACT_NONE, __VA_ARGS__)                                                                               \
            NLG_ACT_CASE_(NLG_ACT_RELU, __VA_ARGS__)                                                                               \
            NLG_ACT_CASE_(NLG_ACT_RELU6, __VA_ARGS__)                                                                              \
            NLG_ACT_CASE_(NLG_ACT_SILU, __VA_ARGS__)                                                                               \
        default: {                                                                                                                 \
            const nlg_act ACT = act;                                                                                               \
            __VA_ARGS__                                                                                                            \
        } break;                                                                                                                   \
        }                                                                                                                          \
    } while (0)
/* The same for those that curve, for vf_act_curved. */
#define NLG_CURVED_CASES(act, ...)                                                                                                 \
    do {                                                                                                                           \
        switch (act) {                                                                                                             \
            NLG_ACT_CASE_(NLG_ACT_SILU, __VA_ARGS__)                                                                               \
            NLG_ACT_CASE_(NLG_ACT_SIGMOID, __VA_ARGS__)                                                                            \
            NLG_ACT_CASE_(NLG_ACT_TANH, __VA_ARGS__)                                                                               \
        default: {                                                                                                                 \
            const nlg_act ACT = NLG_ACT_SCALED_TANH;                                                                               \
            __VA_ARGS__                                                                                                            \
        } break;                                                                                                                   \
        }                                                                                                                          \
    } while (0)
#endif

#endif
