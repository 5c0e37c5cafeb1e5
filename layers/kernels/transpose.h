/* 16 x 16 floats turned over in registers: v[i] lane j becomes v[j] lane i. For files of layers/kernels/simd. */
#ifndef NLG_TRANSPOSE_H
#define NLG_TRANSPOSE_H

#include "layers/kernels/vec.h"

#if NLG_ISA_LEVEL == 3

NLG_INLINE void vf_transpose(vf v[16]) {
    __m512 t[16]; /* t[4 * g + c]: columns c, c + 4, c + 8, c + 12 of rows 4 g .. 4 g + 3, one in each quarter */
    for (int g = 0; g < 16; g += 4) {
        __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(v[g], v[g + 1])), b = _mm512_castps_pd(_mm512_unpackhi_ps(v[g], v[g + 1]));
        __m512d c = _mm512_castps_pd(_mm512_unpacklo_ps(v[g + 2], v[g + 3]));
        __m512d d = _mm512_castps_pd(_mm512_unpackhi_ps(v[g + 2], v[g + 3]));
        t[g] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
        t[g + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
        t[g + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
        t[g + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
    }
    for (int c = 0; c < 4; c++) {
        __m512 x = _mm512_shuffle_f32x4(t[c], t[c + 4], 0x88), y = _mm512_shuffle_f32x4(t[c], t[c + 4], 0xdd);
        __m512 z = _mm512_shuffle_f32x4(t[c + 8], t[c + 12], 0x88), w = _mm512_shuffle_f32x4(t[c + 8], t[c + 12], 0xdd);
        v[c] = _mm512_shuffle_f32x4(x, z, 0x88);
        v[c + 4] = _mm512_shuffle_f32x4(y, w, 0x88);
        v[c + 8] = _mm512_shuffle_f32x4(x, z, 0xdd);
        v[c + 12] = _mm512_shuffle_f32x4(y, w, 0xdd);
    }
}

#elif NLG_ISA_LEVEL == 2

NLG_INLINE void transpose_eight(__m256 r[8]) {
    __m256 t[8]; /* t[4 * g + c]: columns c and c + 4 of rows 4 g .. 4 g + 3 */
    for (int g = 0; g < 8; g += 4) {
        __m256 a = _mm256_unpacklo_ps(r[g], r[g + 1]), b = _mm256_unpackhi_ps(r[g], r[g + 1]);
        __m256 c = _mm256_unpacklo_ps(r[g + 2], r[g + 3]), d = _mm256_unpackhi_ps(r[g + 2], r[g + 3]);
        t[g] = _mm256_shuffle_ps(a, c, 0x44);
        t[g + 1] = _mm256_shuffle_ps(a, c, 0xee);
        t[g + 2] = _mm256_shuffle_ps(b, d, 0x44);
        t[g + 3] = _mm256_shuffle_ps(b, d, 0xee);
    }
    for (int c = 0; c < 4; c++) {
        r[c] = _mm256_permute2f128_ps(t[c], t[c + 4], 0x20);
        r[c + 4] = _mm256_permute2f128_ps(t[c], t[c + 4], 0x31);
    }
}

NLG_INLINE void vf_transpose(vf v[16]) {
    __m256 q[4][8]; /* rows 0-7 and 8-15, left and right columns */
    for (int i = 0; i < 8; i++) q[0][i] = v[i].a, q[1][i] = v[i].b, q[2][i] = v[i + 8].a, q[3][i] = v[i + 8].b;
    for (int i = 0; i < 4; i++) transpose_eight(q[i]);
    for (int i = 0; i < 8; i++) v[i] = (vf){q[0][i], q[2][i]}, v[i + 8] = (vf){q[1][i], q[3][i]};
}

#else

NLG_INLINE void transpose_four(vec4f_ r[4]) {
    vec4f_ a = __builtin_shufflevector(r[0], r[1], 0, 4, 2, 6), b = __builtin_shufflevector(r[0], r[1], 1, 5, 3, 7);
    vec4f_ c = __builtin_shufflevector(r[2], r[3], 0, 4, 2, 6), d = __builtin_shufflevector(r[2], r[3], 1, 5, 3, 7);
    r[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    r[1] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    r[2] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    r[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

NLG_INLINE void vf_transpose(vf v[16]) {
    vec4f_ q[16][4]; /* q[4 * g + c]: columns 4 c .. 4 c + 3 of rows 4 g .. 4 g + 3 */
    for (int i = 0; i < 16; i++) q[i / 4 * 4][i % 4] = v[i].a, q[i / 4 * 4 + 1][i % 4] = v[i].b;
    for (int i = 0; i < 16; i++) q[i / 4 * 4 + 2][i % 4] = v[i].c, q[i / 4 * 4 + 3][i % 4] = v[i].d;
    for (int i = 0; i < 16; i++) transpose_four(q[i]);
    for (int i = 0; i < 16; i++) v[i] = (vf){q[i / 4][i % 4], q[i / 4 + 4][i % 4], q[i / 4 + 8][i % 4], q[i / 4 + 12][i % 4]};
}

#endif

#endif
