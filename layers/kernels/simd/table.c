/* Collects the tables of one instruction set. */
#include "layers/kernels/simd.h"
#include "layers/kernels/vec.h"

#define DECLARE(name) extern const struct nlg_##name##_simd NLG_NAME(name##_table);
NLG_SIMD_TABLES(DECLARE)

extern const nlg_simd NLG_NAME(simd);
#define ENTRY(name) .name = &NLG_NAME(name##_table),
const nlg_simd NLG_NAME(simd) = {NLG_SIMD_TABLES(ENTRY)};
