/* The highest rate of fused multiply-adds that an instruction set reaches: operands in registers, no memory. */
#ifndef NLG_PEAK_SIMD_H
#define NLG_PEAK_SIMD_H

#include <stdint.h>

typedef struct nlg_peak_simd {
    int flops_per_round; /* a multiply-add is two */
    float (*run)(int64_t rounds);
} nlg_peak_simd;

#endif
