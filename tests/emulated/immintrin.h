/* In place of the compiler's header for the objects of `make EMULATE=avx512`: AVX-512 on CPUs without it, by SIMDe, so that the
 * 512-bit form of every kernel is run by the tests everywhere. */
#ifndef NLG_EMULATED_IMMINTRIN_H
#define NLG_EMULATED_IMMINTRIN_H

#pragma GCC system_header
#include_next <immintrin.h>
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

/* What SIMDe 0.7.4, Debian 12's, lacks. */
static inline simde__m512 emulated_cvtepi32_ps(simde__m512i a) {
    simde__m512i_private from = simde__m512i_to_private(a);
    simde__m512_private to;
    for (int i = 0; i < 16; i++) to.f32[i] = (float)from.i32[i];
    return simde__m512_from_private(to);
}
static inline simde__m512i emulated_cvtps_epi32(simde__m512 a) {
    simde__m512_private from = simde__m512_to_private(a);
    simde__m512i_private to;
    for (int i = 0; i < 16; i++) to.i32[i] = _mm_cvtss_si32(_mm_set_ss(from.f32[i]));
    return simde__m512i_from_private(to);
}
static inline simde__m512d emulated_cvtps_pd(simde__m256 a) {
    simde__m256_private from = simde__m256_to_private(a);
    simde__m512d_private to;
    for (int i = 0; i < 8; i++) to.f64[i] = (double)from.f32[i];
    return simde__m512d_from_private(to);
}
static inline simde__m512 emulated_permute_ps(simde__m512 a, int order) {
    simde__m512_private from = simde__m512_to_private(a), to;
    for (int i = 0; i < 16; i++) to.f32[i] = from.f32[(i & 12) | (order >> 2 * (i & 3) & 3)];
    return simde__m512_from_private(to);
}
static inline simde__m512i emulated_srai_epi32(simde__m512i a, unsigned bits) {
    simde__m512i_private x = simde__m512i_to_private(a);
    for (int i = 0; i < 16; i++) x.i32[i] >>= bits & 31;
    return simde__m512i_from_private(x);
}
static inline simde__m512i emulated_maskz_loadu_epi32(simde__mmask16 mask, const void *from) {
    simde__m512i_private x;
    for (int i = 0; i < 16; i++) x.i32[i] = mask >> i & 1 ? ((const int32_t *)from)[i] : 0;
    return simde__m512i_from_private(x);
}
static inline simde__m512 emulated_maskz_loadu_ps(simde__mmask16 mask, const void *from) {
    return simde_mm512_castsi512_ps(emulated_maskz_loadu_epi32(mask, from));
}
static inline void emulated_mask_storeu_epi32(void *to, simde__mmask16 mask, simde__m512i a) {
    simde__m512i_private x = simde__m512i_to_private(a);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) ((int32_t *)to)[i] = x.i32[i];
}
static inline void emulated_mask_storeu_ps(void *to, simde__mmask16 mask, simde__m512 a) {
    emulated_mask_storeu_epi32(to, mask, simde_mm512_castps_si512(a));
}
#undef _mm512_shuffle_f32x4
#undef _mm512_cvtepi32_ps
#undef _mm512_cvtps_epi32
#undef _mm512_cvtps_pd
#undef _mm512_srai_epi32
#undef _mm512_maskz_loadu_epi32
#undef _mm512_maskz_loadu_ps
#undef _mm512_mask_storeu_epi32
#undef _mm512_mask_storeu_ps
#define _mm512_shuffle_f32x4     simde_mm512_shuffle_f32x4
#define _mm512_cvtepi32_ps       emulated_cvtepi32_ps
#define _mm512_cvtps_epi32       emulated_cvtps_epi32
#define _mm512_cvtps_pd          emulated_cvtps_pd
#define _mm512_srai_epi32        emulated_srai_epi32
#define _mm512_maskz_loadu_epi32 emulated_maskz_loadu_epi32
#define _mm512_maskz_loadu_ps    emulated_maskz_loadu_ps
#define _mm512_mask_storeu_epi32 emulated_mask_storeu_epi32
#define _mm512_mask_storeu_ps    emulated_mask_storeu_ps
#define _mm512_permute_ps        emulated_permute_ps
#define _mm512_stream_ps         simde_mm512_storeu_ps

#endif
