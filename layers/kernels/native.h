/* The machine's own vector register, for loops over independent lanes: 16 floats with AVX-512, 8 with AVX2, 4 with NEON and in
 * portable code.
 *
 * Where no sum crosses lanes, narrower steps give the same bits, and a loop over single registers holds twice as many different
 * values as one over the pairs of vec.h. vn_gate(a, gate) is a where gate is above 0, else 0. vn_spread(p, lane, ...) is the lanes
 * of vf_spread(p, ...) from `lane` on. Only files of layers/kernels/simd include this. */
#ifndef NLG_NATIVE_H
#define NLG_NATIVE_H

#include "layers/kernels/vec.h"

/* For loops whose counts are known once inlined: arrays of registers must be indexed by constants. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 40")
#endif

#if NLG_ISA_LEVEL == 3
#define NLG_NATIVE 16
typedef vf vn;
NLG_INLINE vn vn_zero(void) {
    return vf_zero();
}
NLG_INLINE vn vn_set1(float x) {
    return vf_set1(x);
}
NLG_INLINE vn vn_load(const float *p) {
    return vf_load(p);
}
NLG_INLINE vn vn_load_n(const float *p, int n) {
    return vf_load_n(p, n);
}
NLG_INLINE void vn_store(float *p, vn a) {
    vf_store(p, a);
}
NLG_INLINE void vn_store_n(float *p, vn a, int n) {
    vf_store_n(p, a, n);
}
NLG_INLINE vn vn_add(vn a, vn b) {
    return vf_add(a, b);
}
NLG_INLINE vn vn_sub(vn a, vn b) {
    return vf_sub(a, b);
}
NLG_INLINE vn vn_mul(vn a, vn b) {
    return vf_mul(a, b);
}
NLG_INLINE vn vn_min(vn a, vn b) {
    return vf_min(a, b);
}
NLG_INLINE vn vn_max(vn a, vn b) {
    return vf_max(a, b);
}
NLG_INLINE vn vn_fma(vn a, vn b, vn c) {
    return vf_fma(a, b, c);
}
NLG_INLINE vn vn_fnma(vn a, vn b, vn c) {
    return vf_fnma(a, b, c);
}
NLG_INLINE vn vn_gate(vn a, vn gate) {
    return vf_select(vf_lt(vf_zero(), gate), a, vf_zero());
}
NLG_INLINE vn vn_spread(const float *p, int lane, const int size, int j) {
    return vf_spread(p + lane, size, j);
}

#elif NLG_ISA_LEVEL == 2
#define NLG_NATIVE 8
typedef __m256 vn;
NLG_INLINE vn vn_zero(void) {
    return _mm256_setzero_ps();
}
NLG_INLINE vn vn_set1(float x) {
    return _mm256_set1_ps(x);
}
NLG_INLINE vn vn_load(const float *p) {
    return _mm256_loadu_ps(p);
}
NLG_INLINE vn vn_load_n(const float *p, int n) {
    return _mm256_maskload_ps(p, _mm256_loadu_si256((const __m256i *)(vec_lane_masks + 16 - n)));
}
NLG_INLINE void vn_store(float *p, vn a) {
    _mm256_storeu_ps(p, a);
}
NLG_INLINE void vn_store_n(float *p, vn a, int n) {
    if (n == 8)
        _mm256_storeu_ps(p, a);
    else
        vf_store_n(p, (vf){a, a}, n);
}
NLG_INLINE vn vn_add(vn a, vn b) {
    return _mm256_add_ps(a, b);
}
NLG_INLINE vn vn_sub(vn a, vn b) {
    return _mm256_sub_ps(a, b);
}
NLG_INLINE vn vn_mul(vn a, vn b) {
    return _mm256_mul_ps(a, b);
}
NLG_INLINE vn vn_min(vn a, vn b) {
    return _mm256_min_ps(a, b);
}
NLG_INLINE vn vn_max(vn a, vn b) {
    return _mm256_max_ps(a, b);
}
NLG_INLINE vn vn_fma(vn a, vn b, vn c) {
    return _mm256_fmadd_ps(a, b, c);
}
NLG_INLINE vn vn_fnma(vn a, vn b, vn c) {
    return _mm256_fnmadd_ps(a, b, c);
}
NLG_INLINE vn vn_gate(vn a, vn gate) {
    return _mm256_and_ps(_mm256_cmp_ps(_mm256_setzero_ps(), gate, _CMP_LT_OQ), a);
}
NLG_INLINE vn vn_spread(const float *p, int lane, const int size, int j) {
    if (size == 8) return _mm256_set1_ps(p[lane + j]);
    __m256 v = _mm256_loadu_ps(p + lane);
    return j == 0   ? _mm256_permute_ps(v, 0x00)
           : j == 1 ? _mm256_permute_ps(v, 0x55)
           : j == 2 ? _mm256_permute_ps(v, 0xaa)
                    : _mm256_permute_ps(v, 0xff);
}

#else
#define NLG_NATIVE 4
typedef vec4f_ vn;
NLG_INLINE vn vn_set1(float x) {
    return vec_set1_(x);
}
NLG_INLINE vn vn_zero(void) {
    return vn_set1(0);
}
NLG_INLINE vn vn_load(const float *p) {
    return vec_load_(p);
}
NLG_INLINE vn vn_load_n(const float *p, int n) {
    return vec_load_n_(p, n);
}
NLG_INLINE void vn_store(float *p, vn a) {
    memcpy(p, &a, sizeof a);
}
NLG_INLINE void vn_store_n(float *p, vn a, int n) {
    vec_store_n_(p, a, n);
}
NLG_INLINE vn vn_add(vn a, vn b) {
    return a + b;
}
NLG_INLINE vn vn_sub(vn a, vn b) {
    return a - b;
}
NLG_INLINE vn vn_mul(vn a, vn b) {
    return a * b;
}
NLG_INLINE vn vn_min(vn a, vn b) {
    return vec_min_(a, b);
}
NLG_INLINE vn vn_max(vn a, vn b) {
    return vec_max_(a, b);
}
NLG_INLINE vn vn_fma(vn a, vn b, vn c) {
    return vec_fma_(a, b, c);
}
NLG_INLINE vn vn_fnma(vn a, vn b, vn c) {
    return vec_fnma_(a, b, c);
}
NLG_INLINE vn vn_gate(vn a, vn gate) {
    return vec_blend_((vec4i_)(vn_zero() < gate), a, vn_zero());
}
NLG_INLINE vn vn_spread(const float *p, int lane, const int size, int j) {
    return vn_set1(p[lane / size * size + j]);
}
#endif

#endif
