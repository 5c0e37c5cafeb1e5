/* Counter-based random numbers: a pure function of key and index, so the order of work does not matter.
 *
 * A key is derived from a seed and named or numbered streams; value i of a key is splitmix64's output function applied to
 * key + (i + 1) * golden ratio (Steele, Lea, Flood 2014). */
#ifndef NLG_RNG_H
#define NLG_RNG_H

#include <stdint.h>

typedef struct nlg_rng {
    uint64_t key;
} nlg_rng;

nlg_rng nlg_rng_seed(uint64_t seed);
nlg_rng nlg_rng_stream(nlg_rng parent, uint64_t number); /* independent child, e.g. per epoch, sample, node */
nlg_rng nlg_rng_named(nlg_rng parent, const char *name); /* independent child, e.g. per parameter name */
uint64_t nlg_rng_u64(nlg_rng rng, uint64_t index);
double nlg_rng_uniform(nlg_rng rng, uint64_t index);             /* [0, 1), 53 bits */
uint64_t nlg_rng_below(nlg_rng rng, uint64_t index, uint64_t n); /* 0 .. n-1, n >= 1, multiply-shift */
double nlg_rng_normal(nlg_rng rng, uint64_t index);              /* mean 0, variance 1 (Box-Muller on own log and cos) */

/* Keyed permutation of 0 .. n-1 into out (Fisher-Yates on the stream). */
void nlg_rng_permutation(nlg_rng rng, uint32_t *out, uint32_t n);

/* Reference filling of tests: value i of the tensor `name`, uniform in [-1, 1), exact in float (see tests/reference/README.md):
 * h = FNV-1a 64 of the name, z = splitmix64(h + (i + 1) * golden), u = (z >> 40) * 2^-23 - 1. */
uint64_t nlg_fill_key(const char *name);
double nlg_fill_value(uint64_t key, uint64_t index);

#endif
