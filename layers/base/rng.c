/* Counter-based random numbers on splitmix64's output function. */
#include "layers/base/rng.h"

#include "layers/base/dmath.h"

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t hash_name(const char *name) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) hash = (hash ^ *c) * UINT64_C(1099511628211);
    return hash;
}

/* A child's key must not be a value of the parent's own stream: `domain` takes it elsewhere. Two rounds of mixing, so that
 * neighbouring numbers and neighbouring seeds give unrelated keys. */
static nlg_rng child(nlg_rng parent, uint64_t domain, uint64_t number) {
    return (nlg_rng){mix(mix(parent.key ^ domain) + mix(number + GOLDEN))};
}

nlg_rng nlg_rng_seed(uint64_t seed) {
    return child((nlg_rng){0}, UINT64_C(0x6E6574736565640A), seed);
}

nlg_rng nlg_rng_stream(nlg_rng parent, uint64_t number) {
    return child(parent, UINT64_C(0x73747265616D2E31), number);
}

nlg_rng nlg_rng_named(nlg_rng parent, const char *name) {
    return child(parent, UINT64_C(0x6E616D652E2E2E32), hash_name(name));
}

uint64_t nlg_rng_u64(nlg_rng rng, uint64_t index) {
    return mix(rng.key + (index + 1) * GOLDEN);
}

double nlg_rng_uniform(nlg_rng rng, uint64_t index) {
    return (double)(nlg_rng_u64(rng, index) >> 11) * 0x1p-53;
}

uint64_t nlg_rng_below(nlg_rng rng, uint64_t index, uint64_t n) {
    return (uint64_t)(((unsigned __int128)nlg_rng_u64(rng, index) * n) >> 64);
}

double nlg_rng_normal(nlg_rng rng, uint64_t index) {
    double u = (double)((nlg_rng_u64(rng, 2 * index) >> 11) + 1) * 0x1p-53; /* (0, 1]: its logarithm is finite */
    return nlg_sqrt(-2.0 * nlg_log_quick(u)) * nlg_cos_turns_quick(nlg_rng_uniform(rng, 2 * index + 1));
}

void nlg_rng_permutation(nlg_rng rng, uint32_t *out, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = (uint32_t)nlg_rng_below(rng, i, (uint64_t)i + 1); /* inside-out form: fills and shuffles in one pass */
        if (j != i) out[i] = out[j];                                   /* out[i] is not yet set */
        out[j] = i;
    }
}

uint64_t nlg_fill_key(const char *name) {
    return hash_name(name);
}

double nlg_fill_value(uint64_t key, uint64_t index) {
    return (double)(mix(key + (index + 1) * GOLDEN) >> 40) * 0x1p-23 - 1.0;
}
