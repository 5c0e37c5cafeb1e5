/* Independent chains of fused multiply-adds, as many as hide the latency and fit the registers (32 of 512 bits; 16 of 256 bits, two
 * to a vector; 32 of 128 bits, four to a vector). */
#include "layers/kernels/peak_simd.h"
#include "layers/kernels/vec.h"

#if NLG_ISA_LEVEL == 3
enum { CHAINS = 16 };
#elif NLG_ISA_LEVEL > 0
enum { CHAINS = 6 };
#else
enum { CHAINS = 2 };
#endif
enum { ROUND = 16 };

static float run(int64_t rounds) {
    const vf factor = vf_set1(0.999f), addend = vf_set1(0.001f);
    vf chain[CHAINS];
    for (int i = 0; i < CHAINS; i++) chain[i] = vf_set1((float)i);
    for (int64_t r = 0; r < rounds; r++) {
#pragma GCC unroll 16
        for (int step = 0; step < ROUND; step++) {
#pragma GCC unroll 16
            for (int i = 0; i < CHAINS; i++) chain[i] = vf_fma(chain[i], factor, addend);
        }
    }
    for (int i = 1; i < CHAINS; i++) chain[0] = vf_add(chain[0], chain[i]);
    return vf_sum(chain[0]);
}

extern const struct nlg_peak_simd NLG_NAME(peak_table);
const struct nlg_peak_simd NLG_NAME(peak_table) = {.flops_per_round = 2 * NLG_LANES * CHAINS * ROUND, .run = run};
