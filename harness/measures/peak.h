/* The machine's own ceiling, measured in this process with the same threads and instruction set. */
#ifndef NLG_PEAK_H
#define NLG_PEAK_H

#include "layers/kernels/exec.h"

/* GFLOP/s (a multiply-add is two) of register-only fused multiply-adds: the best of a few short runs. */
double nlg_peak_gflop_per_s(const nlg_exec *exec);

#endif
