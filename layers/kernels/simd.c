/* Which function table belongs to which instruction set. */
#include "layers/kernels/simd.h"

#include <stddef.h>

extern const nlg_simd nlg_simd_portable;
#if defined(__x86_64__)
extern const nlg_simd nlg_simd_avx2, nlg_simd_avx512;
#elif defined(__aarch64__)
extern const nlg_simd nlg_simd_neon;
#endif

const nlg_simd *nlg_simd_table(nlg_isa isa) {
    switch (isa) {
    case NLG_ISA_PORTABLE:
        return &nlg_simd_portable;
#if defined(__x86_64__)
    case NLG_ISA_AVX2:
        return &nlg_simd_avx2;
    case NLG_ISA_AVX512:
        return &nlg_simd_avx512;
#elif defined(__aarch64__)
    case NLG_ISA_NEON:
        return &nlg_simd_neon;
#endif
    default:
        return NULL;
    }
}
