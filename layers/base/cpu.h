/* What this CPU can do. Nothing here may influence a result, only its speed. */
#ifndef NLG_CPU_H
#define NLG_CPU_H

#include <stdbool.h>

typedef enum { NLG_ISA_PORTABLE, NLG_ISA_AVX2, NLG_ISA_AVX512, NLG_ISA_NEON, NLG_ISA_COUNT } nlg_isa;

const char *nlg_isa_name(nlg_isa isa);              /* "portable", "avx2", "avx512", "neon" */
bool nlg_isa_parse(const char *name, nlg_isa *isa); /* false for an unknown name */
bool nlg_isa_available(nlg_isa isa);                /* compiled in, and supported by CPU and operating system */
nlg_isa nlg_isa_best(void);

typedef struct nlg_cpu_info {
    char model[96];
    int cores;                          /* logical CPUs this process may use */
    long l1d_bytes, l2_bytes, l3_bytes; /* 0 where unknown */
} nlg_cpu_info;
void nlg_cpu_query(nlg_cpu_info *info);

#endif
