/* The function tables that the files of layers/kernels/simd fill, once per instruction set.
 *
 * A table is a constant `const struct nlg_<name>_simd NLG_NAME(<name>_table)` in simd/<name>.c; its struct is declared in the
 * kernel folder's <name>_simd.h. To add one: that file, and its name here. */
#ifndef NLG_SIMD_H
#define NLG_SIMD_H

#include "layers/base/cpu.h"

#define NLG_SIMD_TABLES(TABLE)                                                                                                     \
    TABLE(conv)                                                                                                                    \
    TABLE(winograd)                                                                                                                \
    TABLE(depthwise)                                                                                                               \
    TABLE(peak)                                                                                                                    \
    TABLE(pointwise)                                                                                                               \
    TABLE(norm)                                                                                                                    \
    TABLE(pool)                                                                                                                    \
    TABLE(lrn)                                                                                                                     \
    TABLE(update)                                                                                                                  \
    TABLE(focal)

#define NLG_SIMD_MEMBER(name) const struct nlg_##name##_simd *name;
typedef struct nlg_simd {
    NLG_SIMD_TABLES(NLG_SIMD_MEMBER)
} nlg_simd;

/* NULL for an instruction set that is not compiled in; whether the CPU has it, nlg_isa_available tells. */
const nlg_simd *nlg_simd_table(nlg_isa isa);

#endif
