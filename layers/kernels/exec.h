/* What a kernel call runs with: the team, the instruction set's function table, the backend. */
#ifndef NLG_EXEC_H
#define NLG_EXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layers/base/cpu.h"
#include "layers/base/team.h"

/* Raised by every change that alters any bit of a result. */
#define NLG_NUMERICS_VERSION 10

typedef enum { NLG_BACKEND_OWN, NLG_BACKEND_OPENBLAS } nlg_backend;

typedef struct nlg_exec {
    nlg_team *team;
    nlg_isa isa;
    const struct nlg_simd *simd; /* function table of that instruction set: nlg_simd_table(isa) */
    nlg_backend backend;
    bool direct_only; /* forbid Winograd and the like */
} nlg_exec;

/* Activation functions that kernels can fuse. */
typedef enum {
    NLG_ACT_NONE,
    NLG_ACT_RELU,
    NLG_ACT_RELU6,
    NLG_ACT_SILU,
    NLG_ACT_SIGMOID,
    NLG_ACT_TANH,
    NLG_ACT_SCALED_TANH
} nlg_act;

#endif
