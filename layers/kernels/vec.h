/* Sixteen virtual float lanes on every machine: one 512-bit register, two 256-bit ones, or four of 128 bits (NEON, plain code).
 *
 * Only files of layers/kernels/simd include this; they are compiled once per instruction set (NLG_ISA, NLG_ISA_LEVEL). Every
 * operation rounds once and gives the same bits in each form:
 *   vf  16 floats       vi  16 int32       vm  16 truth values       vd  16 doubles, for sums of floats
 * vf_min and vf_max are those of x86: the second operand when either is NaN or both are zeros. vf_fma(a, b, c) = a * b + c and
 * vf_fnma(a, b, c) = c - a * b are fused. vf_sum adds lane i to i + 8, then i + 4, i + 2, i + 1. vf_to_vi rounds to nearest
 * even, for |x| < 2^22. vf_spread(p, size, j) gives every lane value j of its group of 4 or 8 floats of p. vf_stream stores past
 * the caches, to a multiple of 64 bytes; vf_stream_end comes after the last. load_n reads the first n of 16 lanes and leaves the
 * others 0; store_n writes only those. */
#ifndef NLG_VEC_H
#define NLG_VEC_H

#include <stdint.h>
#include <string.h>

#define NLG_LANES       16
#define NLG_INLINE      static inline __attribute__((always_inline))
#define NLG_JOIN_(a, b) nlg_##a##_##b
#define NLG_JOIN(a, b)  NLG_JOIN_(a, b)
#define NLG_NAME(name)  NLG_JOIN(name, NLG_ISA) /* nlg_<name>_<instruction set> */

#if NLG_ISA_LEVEL == 3

#include <immintrin.h>

typedef __m512 vf;
typedef __m512i vi;
typedef __mmask16 vm;
typedef struct {
    __m512d a, b;
} vd;

NLG_INLINE vm vm_first(int n) {
    return (vm)((1u << n) - 1u);
}
NLG_INLINE vf vf_zero(void) {
    return _mm512_setzero_ps();
}
NLG_INLINE vf vf_set1(float x) {
    return _mm512_set1_ps(x);
}
NLG_INLINE vf vf_load(const float *p) {
    return _mm512_loadu_ps(p);
}
NLG_INLINE void vf_store(float *p, vf a) {
    _mm512_storeu_ps(p, a);
}
NLG_INLINE void vf_stream(float *p, vf a) {
    _mm512_stream_ps(p, a);
}
NLG_INLINE void vf_stream_end(void) {
    _mm_sfence();
}
NLG_INLINE vf vf_load_n(const float *p, int n) {
    return _mm512_maskz_loadu_ps(vm_first(n), p);
}
NLG_INLINE void vf_store_n(float *p, vf a, int n) {
    _mm512_mask_storeu_ps(p, vm_first(n), a);
}
NLG_INLINE vf vf_add(vf a, vf b) {
    return _mm512_add_ps(a, b);
}
NLG_INLINE vf vf_sub(vf a, vf b) {
    return _mm512_sub_ps(a, b);
}
NLG_INLINE vf vf_mul(vf a, vf b) {
    return _mm512_mul_ps(a, b);
}
NLG_INLINE vf vf_div(vf a, vf b) {
    return _mm512_div_ps(a, b);
}
NLG_INLINE vf vf_sqrt(vf a) {
    return _mm512_sqrt_ps(a);
}
NLG_INLINE vf vf_fma(vf a, vf b, vf c) {
    return _mm512_fmadd_ps(a, b, c);
}
NLG_INLINE vf vf_fnma(vf a, vf b, vf c) {
    return _mm512_fnmadd_ps(a, b, c);
}
NLG_INLINE vf vf_min(vf a, vf b) {
    return _mm512_min_ps(a, b);
}
NLG_INLINE vf vf_max(vf a, vf b) {
    return _mm512_max_ps(a, b);
}
NLG_INLINE vm vf_lt(vf a, vf b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
NLG_INLINE vm vf_le(vf a, vf b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
}
NLG_INLINE vm vf_eq(vf a, vf b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}
NLG_INLINE vf vf_select(vm m, vf a, vf b) {
    return _mm512_mask_blend_ps(m, b, a);
}
NLG_INLINE vi vf_to_vi(vf a) {
    return _mm512_cvtps_epi32(a);
}
NLG_INLINE vi vf_bits(vf a) {
    return _mm512_castps_si512(a);
}

NLG_INLINE vi vi_set1(int32_t x) {
    return _mm512_set1_epi32(x);
}
NLG_INLINE vi vi_load(const int32_t *p) {
    return _mm512_loadu_si512(p);
}
NLG_INLINE void vi_store(int32_t *p, vi a) {
    _mm512_storeu_si512(p, a);
}
NLG_INLINE vi vi_load_n(const int32_t *p, int n) {
    return _mm512_maskz_loadu_epi32(vm_first(n), p);
}
NLG_INLINE void vi_store_n(int32_t *p, vi a, int n) {
    _mm512_mask_storeu_epi32(p, vm_first(n), a);
}
NLG_INLINE vi vi_add(vi a, vi b) {
    return _mm512_add_epi32(a, b);
}
NLG_INLINE vi vi_sub(vi a, vi b) {
    return _mm512_sub_epi32(a, b);
}
NLG_INLINE vi vi_and(vi a, vi b) {
    return _mm512_and_si512(a, b);
}
NLG_INLINE vi vi_or(vi a, vi b) {
    return _mm512_or_si512(a, b);
}
NLG_INLINE vi vi_xor(vi a, vi b) {
    return _mm512_xor_si512(a, b);
}
#define vi_shl(a, bits) _mm512_slli_epi32(a, bits)
#define vi_sar(a, bits) _mm512_srai_epi32(a, bits)
#define vi_shr(a, bits) _mm512_srli_epi32(a, bits)
NLG_INLINE vm vi_eq(vi a, vi b) {
    return _mm512_cmpeq_epi32_mask(a, b);
}
NLG_INLINE vm vi_gt(vi a, vi b) {
    return _mm512_cmpgt_epi32_mask(a, b);
}
NLG_INLINE vi vi_select(vm m, vi a, vi b) {
    return _mm512_mask_blend_epi32(m, b, a);
}
NLG_INLINE vf vi_to_vf(vi a) {
    return _mm512_cvtepi32_ps(a);
}
NLG_INLINE vf vi_float(vi a) {
    return _mm512_castsi512_ps(a);
}

NLG_INLINE vm vm_and(vm a, vm b) {
    return (vm)(a & b);
}
NLG_INLINE vm vm_or(vm a, vm b) {
    return (vm)(a | b);
}
NLG_INLINE vm vm_not(vm a) {
    return (vm)~a;
}

NLG_INLINE vf vf_spread(const float *p, const int size, int j) {
    __m512 v = _mm512_loadu_ps(p);
    if (size == 4)
        return j == 0   ? _mm512_permute_ps(v, 0x00)
               : j == 1 ? _mm512_permute_ps(v, 0x55)
               : j == 2 ? _mm512_permute_ps(v, 0xaa)
                        : _mm512_permute_ps(v, 0xff);
    __m512d low = _mm512_castps_pd(_mm512_set1_ps(p[j])), high = _mm512_castps_pd(_mm512_set1_ps(p[j + 8]));
    return _mm512_castpd_ps(_mm512_mask_blend_pd(0xf0, low, high));
}

NLG_INLINE vd vd_load(const double *p) {
    return (vd){_mm512_loadu_pd(p), _mm512_loadu_pd(p + 8)};
}
NLG_INLINE void vd_store(double *p, vd a) {
    _mm512_storeu_pd(p, a.a);
    _mm512_storeu_pd(p + 8, a.b);
}
NLG_INLINE vd vd_add_vf(vd a, vf b) {
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(b), 1));
    return (vd){_mm512_add_pd(a.a, _mm512_cvtps_pd(_mm512_castps512_ps256(b))), _mm512_add_pd(a.b, _mm512_cvtps_pd(high))};
}

NLG_INLINE __m256 vec_half_sum(vf a) {
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1));
    return _mm256_add_ps(_mm512_castps512_ps256(a), high);
}

#elif NLG_ISA_LEVEL == 2

#include <immintrin.h>

typedef struct {
    __m256 a, b;
} vf;
typedef struct {
    __m256i a, b;
} vi;
typedef vi vm;
typedef struct {
    __m256d a, b, c, d;
} vd;

/* Both halves through one intrinsic. */
#define VEC1_(type, f, x)    ((type){f((x).a), f((x).b)})
#define VEC2_(type, f, x, y) ((type){f((x).a, (y).a), f((x).b, (y).b)})
#define VECM_(x, y, c)                                                                                                             \
    ((vm){_mm256_castps_si256(_mm256_cmp_ps((x).a, (y).a, c)), _mm256_castps_si256(_mm256_cmp_ps((x).b, (y).b, c))})

static const int32_t vec_lane_masks[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};

NLG_INLINE vm vm_first(int n) {
    const int32_t *p = vec_lane_masks + 16 - n;
    return (vm){_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)(p + 8))};
}
NLG_INLINE vf vf_zero(void) {
    return (vf){_mm256_setzero_ps(), _mm256_setzero_ps()};
}
NLG_INLINE vf vf_set1(float x) {
    __m256 a = _mm256_set1_ps(x);
    return (vf){a, a};
}
NLG_INLINE vf vf_load(const float *p) {
    return (vf){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
NLG_INLINE void vf_store(float *p, vf a) {
    _mm256_storeu_ps(p, a.a);
    _mm256_storeu_ps(p + 8, a.b);
}
NLG_INLINE void vf_stream(float *p, vf a) {
    _mm256_stream_ps(p, a.a);
    _mm256_stream_ps(p + 8, a.b);
}
NLG_INLINE void vf_stream_end(void) {
    _mm_sfence();
}
/* No load without lanes: it would wait for a store to the floats it leaves out. */
NLG_INLINE vf vf_load_n(const float *p, int n) {
    if (n == 8) return (vf){_mm256_loadu_ps(p), _mm256_setzero_ps()};
    if (n == 4) return (vf){_mm256_zextps128_ps256(_mm_loadu_ps(p)), _mm256_setzero_ps()};
    if (n == 12) return (vf){_mm256_loadu_ps(p), _mm256_zextps128_ps256(_mm_loadu_ps(p + 8))};
    vm m = vm_first(n);
    return (vf){_mm256_maskload_ps(p, m.a), n > 8 ? _mm256_maskload_ps(p + 8, m.b) : _mm256_setzero_ps()};
}
/* In pieces: masked stores are microcode on some CPUs. */
NLG_INLINE void vf_store_n(float *p, vf a, int n) {
    __m256 rest = a.a;
    if (n & 24) {
        _mm256_storeu_ps(p, a.a);
        p += 8;
        rest = a.b;
    }
    if (n & 16) {
        _mm256_storeu_ps(p, rest);
        return;
    }
    __m128 four = _mm256_castps256_ps128(rest);
    if (n & 4) {
        _mm_storeu_ps(p, four);
        p += 4;
        four = _mm256_extractf128_ps(rest, 1);
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)(void *)p, four);
        p += 2;
        four = _mm_movehl_ps(four, four);
    }
    if (n & 1) _mm_store_ss(p, four);
}
NLG_INLINE vf vf_add(vf a, vf b) {
    return VEC2_(vf, _mm256_add_ps, a, b);
}
NLG_INLINE vf vf_sub(vf a, vf b) {
    return VEC2_(vf, _mm256_sub_ps, a, b);
}
NLG_INLINE vf vf_mul(vf a, vf b) {
    return VEC2_(vf, _mm256_mul_ps, a, b);
}
NLG_INLINE vf vf_div(vf a, vf b) {
    return VEC2_(vf, _mm256_div_ps, a, b);
}
NLG_INLINE vf vf_sqrt(vf a) {
    return VEC1_(vf, _mm256_sqrt_ps, a);
}
NLG_INLINE vf vf_fma(vf a, vf b, vf c) {
    return (vf){_mm256_fmadd_ps(a.a, b.a, c.a), _mm256_fmadd_ps(a.b, b.b, c.b)};
}
NLG_INLINE vf vf_fnma(vf a, vf b, vf c) {
    return (vf){_mm256_fnmadd_ps(a.a, b.a, c.a), _mm256_fnmadd_ps(a.b, b.b, c.b)};
}
NLG_INLINE vf vf_min(vf a, vf b) {
    return VEC2_(vf, _mm256_min_ps, a, b);
}
NLG_INLINE vf vf_max(vf a, vf b) {
    return VEC2_(vf, _mm256_max_ps, a, b);
}
NLG_INLINE vm vf_lt(vf a, vf b) {
    return VECM_(a, b, _CMP_LT_OQ);
}
NLG_INLINE vm vf_le(vf a, vf b) {
    return VECM_(a, b, _CMP_LE_OQ);
}
NLG_INLINE vm vf_eq(vf a, vf b) {
    return VECM_(a, b, _CMP_EQ_OQ);
}
NLG_INLINE vf vf_select(vm m, vf a, vf b) {
    return (vf){_mm256_blendv_ps(b.a, a.a, _mm256_castsi256_ps(m.a)), _mm256_blendv_ps(b.b, a.b, _mm256_castsi256_ps(m.b))};
}
NLG_INLINE vi vf_to_vi(vf a) {
    return VEC1_(vi, _mm256_cvtps_epi32, a);
}
NLG_INLINE vi vf_bits(vf a) {
    return VEC1_(vi, _mm256_castps_si256, a);
}

NLG_INLINE vi vi_set1(int32_t x) {
    __m256i a = _mm256_set1_epi32(x);
    return (vi){a, a};
}
NLG_INLINE vi vi_load(const int32_t *p) {
    return (vi){_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)(p + 8))};
}
NLG_INLINE void vi_store(int32_t *p, vi a) {
    _mm256_storeu_si256((__m256i *)p, a.a);
    _mm256_storeu_si256((__m256i *)(p + 8), a.b);
}
NLG_INLINE vi vi_load_n(const int32_t *p, int n) {
    vm m = vm_first(n);
    return (vi){_mm256_maskload_epi32(p, m.a), _mm256_maskload_epi32(p + 8, m.b)};
}
NLG_INLINE void vi_store_n(int32_t *p, vi a, int n) {
    vm m = vm_first(n);
    _mm256_maskstore_epi32(p, m.a, a.a);
    _mm256_maskstore_epi32(p + 8, m.b, a.b);
}
NLG_INLINE vi vi_add(vi a, vi b) {
    return VEC2_(vi, _mm256_add_epi32, a, b);
}
NLG_INLINE vi vi_sub(vi a, vi b) {
    return VEC2_(vi, _mm256_sub_epi32, a, b);
}
NLG_INLINE vi vi_and(vi a, vi b) {
    return VEC2_(vi, _mm256_and_si256, a, b);
}
NLG_INLINE vi vi_or(vi a, vi b) {
    return VEC2_(vi, _mm256_or_si256, a, b);
}
NLG_INLINE vi vi_xor(vi a, vi b) {
    return VEC2_(vi, _mm256_xor_si256, a, b);
}
#define vi_shl(x, bits) ((vi){_mm256_slli_epi32((x).a, bits), _mm256_slli_epi32((x).b, bits)})
#define vi_sar(x, bits) ((vi){_mm256_srai_epi32((x).a, bits), _mm256_srai_epi32((x).b, bits)})
#define vi_shr(x, bits) ((vi){_mm256_srli_epi32((x).a, bits), _mm256_srli_epi32((x).b, bits)})
NLG_INLINE vm vi_eq(vi a, vi b) {
    return VEC2_(vm, _mm256_cmpeq_epi32, a, b);
}
NLG_INLINE vm vi_gt(vi a, vi b) {
    return VEC2_(vm, _mm256_cmpgt_epi32, a, b);
}
NLG_INLINE vi vi_select(vm m, vi a, vi b) {
    return (vi){_mm256_blendv_epi8(b.a, a.a, m.a), _mm256_blendv_epi8(b.b, a.b, m.b)};
}
NLG_INLINE vf vi_to_vf(vi a) {
    return VEC1_(vf, _mm256_cvtepi32_ps, a);
}
NLG_INLINE vf vi_float(vi a) {
    return VEC1_(vf, _mm256_castsi256_ps, a);
}

NLG_INLINE vm vm_and(vm a, vm b) {
    return vi_and(a, b);
}
NLG_INLINE vm vm_or(vm a, vm b) {
    return vi_or(a, b);
}
NLG_INLINE vm vm_not(vm a) {
    return vi_xor(a, vi_set1(-1));
}

NLG_INLINE vf vf_spread(const float *p, const int size, int j) {
    if (size == 8) return (vf){_mm256_set1_ps(p[j]), _mm256_set1_ps(p[j + 8])};
    __m256 a = _mm256_loadu_ps(p), b = _mm256_loadu_ps(p + 8);
    return j == 0   ? (vf){_mm256_permute_ps(a, 0x00), _mm256_permute_ps(b, 0x00)}
           : j == 1 ? (vf){_mm256_permute_ps(a, 0x55), _mm256_permute_ps(b, 0x55)}
           : j == 2 ? (vf){_mm256_permute_ps(a, 0xaa), _mm256_permute_ps(b, 0xaa)}
                    : (vf){_mm256_permute_ps(a, 0xff), _mm256_permute_ps(b, 0xff)};
}

NLG_INLINE vd vd_load(const double *p) {
    return (vd){_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4), _mm256_loadu_pd(p + 8), _mm256_loadu_pd(p + 12)};
}
NLG_INLINE void vd_store(double *p, vd a) {
    _mm256_storeu_pd(p, a.a);
    _mm256_storeu_pd(p + 4, a.b);
    _mm256_storeu_pd(p + 8, a.c);
    _mm256_storeu_pd(p + 12, a.d);
}
NLG_INLINE vd vd_add_vf(vd a, vf b) {
    return (vd){_mm256_add_pd(a.a, _mm256_cvtps_pd(_mm256_castps256_ps128(b.a))),
                _mm256_add_pd(a.b, _mm256_cvtps_pd(_mm256_extractf128_ps(b.a, 1))),
                _mm256_add_pd(a.c, _mm256_cvtps_pd(_mm256_castps256_ps128(b.b))),
                _mm256_add_pd(a.d, _mm256_cvtps_pd(_mm256_extractf128_ps(b.b, 1)))};
}

NLG_INLINE __m256 vec_half_sum(vf a) {
    return _mm256_add_ps(a.a, a.b);
}

#else

#include <math.h>
#if NLG_ISA_LEVEL == 1
#include <arm_neon.h>
#endif

typedef float vec4f_ __attribute__((vector_size(16)));
typedef int32_t vec4i_ __attribute__((vector_size(16)));
typedef uint32_t vec4u_ __attribute__((vector_size(16)));
typedef float vec2f_ __attribute__((vector_size(8)));
typedef double vec2d_ __attribute__((vector_size(16)));
typedef int64_t vec2i_ __attribute__((vector_size(16)));
typedef struct {
    vec4f_ a, b, c, d;
} vf;
typedef struct {
    vec4i_ a, b, c, d;
} vi;
typedef vi vm;
typedef struct {
    vec2d_ part[8];
} vd;

/* All four quarters through one expression of their names. */
#define VEC1_(type, f, x)    ((type){f((x).a), f((x).b), f((x).c), f((x).d)})
#define VEC2_(type, f, x, y) ((type){f((x).a, (y).a), f((x).b, (y).b), f((x).c, (y).c), f((x).d, (y).d)})
#define VEC3_(type, f, x, y, z)                                                                                                    \
    ((type){f((x).a, (y).a, (z).a), f((x).b, (y).b, (z).b), f((x).c, (y).c, (z).c), f((x).d, (y).d, (z).d)})
#define VECO_(type, x, op, y) ((type){(x).a op(y).a, (x).b op(y).b, (x).c op(y).c, (x).d op(y).d})
#define VECM_(x, op, y)       ((vm){(vec4i_)((x).a op(y).a), (vec4i_)((x).b op(y).b), (vec4i_)((x).c op(y).c), (vec4i_)((x).d op(y).d)})

NLG_INLINE vec4i_ vec_select_(vec4i_ m, vec4i_ a, vec4i_ b) {
    return (m & a) | (~m & b);
}
NLG_INLINE vec4f_ vec_blend_(vec4i_ m, vec4f_ a, vec4f_ b) {
    return (vec4f_)vec_select_(m, (vec4i_)a, (vec4i_)b);
}
NLG_INLINE vec4f_ vec_min_(vec4f_ x, vec4f_ y) {
    return vec_blend_((vec4i_)(x < y), x, y);
}
NLG_INLINE vec4f_ vec_max_(vec4f_ x, vec4f_ y) {
    return vec_blend_((vec4i_)(x > y), x, y);
}

#if NLG_ISA_LEVEL == 1

NLG_INLINE vec4f_ vec_fma_(vec4f_ x, vec4f_ y, vec4f_ z) {
    return (vec4f_)vfmaq_f32((float32x4_t)z, (float32x4_t)x, (float32x4_t)y);
}
NLG_INLINE vec4f_ vec_fnma_(vec4f_ x, vec4f_ y, vec4f_ z) {
    return (vec4f_)vfmsq_f32((float32x4_t)z, (float32x4_t)x, (float32x4_t)y);
}
NLG_INLINE vec4f_ vec_sqrt_(vec4f_ x) {
    return (vec4f_)vsqrtq_f32((float32x4_t)x);
}
NLG_INLINE vec4i_ vec_round_(vec4f_ x) {
    return (vec4i_)vcvtnq_s32_f32((float32x4_t)x);
}

#else

#ifdef __FP_FAST_FMAF
NLG_INLINE vec4f_ vec_fma_(vec4f_ x, vec4f_ y, vec4f_ z) {
    return (vec4f_){fmaf(x[0], y[0], z[0]), fmaf(x[1], y[1], z[1]), fmaf(x[2], y[2], z[2]), fmaf(x[3], y[3], z[3])};
}
#else
/* Fused multiply-adds without an instruction for them: the product is exact in double, so that one sum is rounded. Rounding that
 * again, from 53 bits to 24, errs only where the first left a tie of the second, or where the result has fewer bits. Then the sum
 * is rounded to odd (the last bit is set when the sum is inexact, after a step towards zero when it was rounded away), which makes
 * the second rounding safe. A sum that is not finite has a NaN as its error, which is neither above nor below zero. */
NLG_INLINE vec2f_ vec_fma_odd_(vec2d_ p, vec2d_ c) {
    vec2d_ s = p + c, t = s - p, zero = {0, 0};
    vec2d_ e = (p - (s - t)) + (c - t);
    vec2i_ inexact = (vec2i_)(e > zero) | (vec2i_)(e < zero), bits = (vec2i_)s;
    vec2i_ away = (vec2i_)(((vec2i_)e ^ bits) < (vec2i_){0, 0}); /* -1 where the error points to zero */
    bits = (bits + (away & inexact)) | (inexact & (vec2i_){1, 1});
    return __builtin_convertvector((vec2d_)bits, vec2f_);
}
/* Negative where the sum is a tie, or below the least normal float but not zero. */
NLG_INLINE vec2i_ vec_fma_doubtful_(vec2d_ s) {
    const vec2i_ one = {1, 1}, rest = {0x1fffffff, 0x1fffffff}, tie = {0x10000000, 0x10000000},
                 size = {0x7fffffffffffffff, 0x7fffffffffffffff}, least = {0x3810000000000000, 0x3810000000000000};
    const vec2i_ bits = (vec2i_)s, magnitude = bits & size;
    return (((bits & rest) ^ tie) - one) | ((magnitude - least) & ~(magnitude - one));
}
/* Not inlined: some twenty instructions in hundreds of places would make compilation take minutes. */
static __attribute__((noinline, unused)) vec4f_ vec_fma_(vec4f_ x, vec4f_ y, vec4f_ z) {
    vec2d_ p = __builtin_convertvector(((vec2f_){x[0], x[1]}), vec2d_) * __builtin_convertvector(((vec2f_){y[0], y[1]}), vec2d_),
           q = __builtin_convertvector(((vec2f_){x[2], x[3]}), vec2d_) * __builtin_convertvector(((vec2f_){y[2], y[3]}), vec2d_),
           c = __builtin_convertvector(((vec2f_){z[0], z[1]}), vec2d_), d = __builtin_convertvector(((vec2f_){z[2], z[3]}), vec2d_);
    const vec2d_ s = p + c, t = q + d;
    const vec2i_ doubtful = vec_fma_doubtful_(s) | vec_fma_doubtful_(t);
    vec2f_ low = __builtin_convertvector(s, vec2f_), high = __builtin_convertvector(t, vec2f_);
    if ((doubtful[0] | doubtful[1]) < 0) low = vec_fma_odd_(p, c), high = vec_fma_odd_(q, d);
    return (vec4f_){low[0], low[1], high[0], high[1]};
}
#endif
NLG_INLINE vec4f_ vec_fnma_(vec4f_ x, vec4f_ y, vec4f_ z) {
    return vec_fma_(-x, y, z);
}
NLG_INLINE vec4f_ vec_sqrt_(vec4f_ x) {
    return (vec4f_){sqrtf(x[0]), sqrtf(x[1]), sqrtf(x[2]), sqrtf(x[3])};
}
NLG_INLINE vec4i_ vec_round_(vec4f_ x) {
    const vec4f_ magic = {0x1.8p23f, 0x1.8p23f, 0x1.8p23f, 0x1.8p23f};
    return (vec4i_)(x + magic) - (vec4i_)magic;
}

#endif

NLG_INLINE vec4f_ vec_float_(vec4i_ x) {
    return __builtin_convertvector(x, vec4f_);
}
#define VEC_CAST_F_(x)          ((vec4f_)(x))
#define VEC_CAST_I_(x)          ((vec4i_)(x))

NLG_INLINE vec4f_ vec_set1_(float x) {
    return (vec4f_){x, x, x, x};
}
NLG_INLINE vec4f_ vec_load_(const float *p) {
    vec4f_ r;
    memcpy(&r, p, sizeof r);
    return r;
}
/* The first n of 4 floats, none where n < 0. */
NLG_INLINE vec4f_ vec_load_n_(const float *p, int n) {
    if (n >= 4) return vec_load_(p);
    vec4f_ r = {0};
    if (n > 0) r[0] = p[0];
    if (n > 1) r[1] = p[1];
    if (n > 2) r[2] = p[2];
    return r;
}
NLG_INLINE void vec_store_n_(float *p, vec4f_ a, int n) {
    if (n >= 4) {
        memcpy(p, &a, sizeof a);
        return;
    }
    if (n > 0) p[0] = a[0];
    if (n > 1) p[1] = a[1];
    if (n > 2) p[2] = a[2];
}

NLG_INLINE vf vf_set1(float x) {
    vec4f_ a = vec_set1_(x);
    return (vf){a, a, a, a};
}
NLG_INLINE vf vf_zero(void) {
    return vf_set1(0);
}
NLG_INLINE vf vf_load(const float *p) {
    vf r;
    memcpy(&r, p, sizeof r);
    return r;
}
NLG_INLINE void vf_store(float *p, vf a) {
    memcpy(p, &a, sizeof a);
}
NLG_INLINE void vf_stream(float *p, vf a) {
    vf_store(p, a);
}
NLG_INLINE void vf_stream_end(void) {}
NLG_INLINE vf vf_load_n(const float *p, int n) {
    return (vf){vec_load_n_(p, n), vec_load_n_(p + 4, n - 4), vec_load_n_(p + 8, n - 8), vec_load_n_(p + 12, n - 12)};
}
NLG_INLINE void vf_store_n(float *p, vf a, int n) {
    vec_store_n_(p, a.a, n);
    vec_store_n_(p + 4, a.b, n - 4);
    vec_store_n_(p + 8, a.c, n - 8);
    vec_store_n_(p + 12, a.d, n - 12);
}
NLG_INLINE vf vf_spread(const float *p, const int size, int j) {
    if (size == 4) return (vf){vec_set1_(p[j]), vec_set1_(p[j + 4]), vec_set1_(p[j + 8]), vec_set1_(p[j + 12])};
    return (vf){vec_set1_(p[j]), vec_set1_(p[j]), vec_set1_(p[j + 8]), vec_set1_(p[j + 8])};
}
NLG_INLINE vf vf_add(vf a, vf b) {
    return VECO_(vf, a, +, b);
}
NLG_INLINE vf vf_sub(vf a, vf b) {
    return VECO_(vf, a, -, b);
}
NLG_INLINE vf vf_mul(vf a, vf b) {
    return VECO_(vf, a, *, b);
}
NLG_INLINE vf vf_div(vf a, vf b) {
    return VECO_(vf, a, /, b);
}
NLG_INLINE vf vf_sqrt(vf a) {
    return VEC1_(vf, vec_sqrt_, a);
}
NLG_INLINE vf vf_fma(vf a, vf b, vf c) {
    return VEC3_(vf, vec_fma_, a, b, c);
}
NLG_INLINE vf vf_fnma(vf a, vf b, vf c) {
    return VEC3_(vf, vec_fnma_, a, b, c);
}
NLG_INLINE vf vf_min(vf a, vf b) {
    return VEC2_(vf, vec_min_, a, b);
}
NLG_INLINE vf vf_max(vf a, vf b) {
    return VEC2_(vf, vec_max_, a, b);
}
NLG_INLINE vm vf_lt(vf a, vf b) {
    return VECM_(a, <, b);
}
NLG_INLINE vm vf_le(vf a, vf b) {
    return VECM_(a, <=, b);
}
NLG_INLINE vm vf_eq(vf a, vf b) {
    return VECM_(a, ==, b);
}
NLG_INLINE vf vf_select(vm m, vf a, vf b) {
    return VEC3_(vf, vec_blend_, m, a, b);
}
NLG_INLINE vi vf_to_vi(vf a) {
    return VEC1_(vi, vec_round_, a);
}
NLG_INLINE vi vf_bits(vf a) {
    return VEC1_(vi, VEC_CAST_I_, a);
}

NLG_INLINE vi vi_set1(int32_t x) {
    vec4i_ a = {x, x, x, x};
    return (vi){a, a, a, a};
}
NLG_INLINE vi vi_load(const int32_t *p) {
    vi r;
    memcpy(&r, p, sizeof r);
    return r;
}
NLG_INLINE void vi_store(int32_t *p, vi a) {
    memcpy(p, &a, sizeof a);
}
NLG_INLINE vi vi_load_n(const int32_t *p, int n) {
    int32_t t[16] = {0};
    for (int i = 0; i < n; i++) t[i] = p[i];
    return vi_load(t);
}
NLG_INLINE void vi_store_n(int32_t *p, vi a, int n) {
    int32_t t[16];
    vi_store(t, a);
    for (int i = 0; i < n; i++) p[i] = t[i];
}
#define VEC_UNSIGNED_(x, op, y) ((vec4i_)((vec4u_)(x)op(vec4u_)(y)))
#define VECU_(x, op, y)                                                                                                            \
    ((vi){VEC_UNSIGNED_((x).a, op, (y).a), VEC_UNSIGNED_((x).b, op, (y).b), VEC_UNSIGNED_((x).c, op, (y).c),                       \
          VEC_UNSIGNED_((x).d, op, (y).d)})
NLG_INLINE vi vi_add(vi a, vi b) {
    return VECU_(a, +, b);
}
NLG_INLINE vi vi_sub(vi a, vi b) {
    return VECU_(a, -, b);
}
NLG_INLINE vi vi_and(vi a, vi b) {
    return VECO_(vi, a, &, b);
}
NLG_INLINE vi vi_or(vi a, vi b) {
    return VECO_(vi, a, |, b);
}
NLG_INLINE vi vi_xor(vi a, vi b) {
    return VECO_(vi, a, ^, b);
}
NLG_INLINE vi vi_shl(vi a, int bits) {
    return VECU_(a, <<, vi_set1(bits));
}
NLG_INLINE vi vi_sar(vi a, int bits) {
    return VECO_(vi, a, >>, vi_set1(bits));
}
NLG_INLINE vi vi_shr(vi a, int bits) {
    return VECU_(a, >>, vi_set1(bits));
}
NLG_INLINE vm vi_eq(vi a, vi b) {
    return VECM_(a, ==, b);
}
NLG_INLINE vm vi_gt(vi a, vi b) {
    return VECM_(a, >, b);
}
NLG_INLINE vi vi_select(vm m, vi a, vi b) {
    return VEC3_(vi, vec_select_, m, a, b);
}
NLG_INLINE vf vi_to_vf(vi a) {
    return VEC1_(vf, vec_float_, a);
}
NLG_INLINE vf vi_float(vi a) {
    return VEC1_(vf, VEC_CAST_F_, a);
}

NLG_INLINE vd vd_load(const double *p) {
    vd r;
    memcpy(&r, p, sizeof r);
    return r;
}
NLG_INLINE void vd_store(double *p, vd a) {
    memcpy(p, &a, sizeof a);
}
NLG_INLINE vd vd_add_vf(vd a, vf b) {
#define VEC_WIDEN_(a, i) __builtin_convertvector(((vec2f_){(a)[i], (a)[(i) + 1]}), vec2d_)
    return (vd){{a.part[0] + VEC_WIDEN_(b.a, 0), a.part[1] + VEC_WIDEN_(b.a, 2), a.part[2] + VEC_WIDEN_(b.b, 0),
                 a.part[3] + VEC_WIDEN_(b.b, 2), a.part[4] + VEC_WIDEN_(b.c, 0), a.part[5] + VEC_WIDEN_(b.c, 2),
                 a.part[6] + VEC_WIDEN_(b.d, 0), a.part[7] + VEC_WIDEN_(b.d, 2)}};
}

NLG_INLINE vm vm_and(vm a, vm b) {
    return vi_and(a, b);
}
NLG_INLINE vm vm_or(vm a, vm b) {
    return vi_or(a, b);
}
NLG_INLINE vm vm_not(vm a) {
    return vi_xor(a, vi_set1(-1));
}
NLG_INLINE vm vm_first(int n) {
    return vi_gt(vi_set1(n), (vi){{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9, 10, 11}, {12, 13, 14, 15}});
}

#endif

NLG_INLINE vf vf_neg(vf a) {
    return vi_float(vi_xor(vf_bits(a), vi_set1(INT32_MIN)));
}
NLG_INLINE vf vf_abs(vf a) {
    return vi_float(vi_and(vf_bits(a), vi_set1(INT32_MAX)));
}

NLG_INLINE float vf_sum(vf v) {
#if NLG_ISA_LEVEL >= 2
    __m256 h = vec_half_sum(v);
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
#else
    vec4f_ q = (v.a + v.c) + (v.b + v.d);
    return (q[0] + q[2]) + (q[1] + q[3]);
#endif
}

#endif
