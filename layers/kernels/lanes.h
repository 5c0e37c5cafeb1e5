/* Loops over channels in steps of 16 lanes with a masked tail. */
#ifndef NLG_LANES_H
#define NLG_LANES_H

#include "layers/kernels/vec.h"

NLG_INLINE vf lanes_load(const float *p, int n) {
    return n == NLG_LANES ? vf_load(p) : vf_load_n(p, n);
}
NLG_INLINE void lanes_store(float *p, vf v, int n) {
    if (n == NLG_LANES)
        vf_store(p, v);
    else
        vf_store_n(p, v, n);
}

/* A statement for each step: it sees the offset i and the width n, a constant 16 (with AVX2 and NEON also a last 4, 8 or 12) but
 * for the tail (portable code, which is many times longer, has it once). */
#if NLG_ISA_LEVEL == 0
#define FOR_LANES(c, ...)                                                                                                          \
    do {                                                                                                                           \
        for (int64_t i = 0; i < (c); i += NLG_LANES) {                                                                             \
            const int n = (c)-i < NLG_LANES ? (int)((c)-i) : NLG_LANES;                                                            \
            __VA_ARGS__                                                                                                            \
        }                                                                                                                          \
    } while (0)
#define FOR_LANES_IN(c, room, ...)                                                                                                 \
    do {                                                                                                                           \
        (void)(room);                                                                                                              \
        FOR_LANES(c, __VA_ARGS__);                                                                                                 \
    } while (0)
#else
#define LANES_LAST (NLG_ISA_LEVEL < 3 ? NLG_LANES / 2 : NLG_LANES) /* width of a step of its own before the tail */
/* The end of a loop, where it has this width, known to the compiler. */
#define LANES_END(c, width, ...)                                                                                                   \
    if (LANES_LAST < NLG_LANES && i + (width) == (c)) {                                                                            \
        enum { n = (width) };                                                                                                      \
        __VA_ARGS__                                                                                                                \
        break;                                                                                                                     \
    }
#define FOR_LANES(c, ...)                                                                                                          \
    do {                                                                                                                           \
        int64_t i = 0;                                                                                                             \
        for (; i + NLG_LANES <= (c); i += NLG_LANES) {                                                                             \
            enum { n = NLG_LANES };                                                                                                \
            __VA_ARGS__                                                                                                            \
        }                                                                                                                          \
        LANES_END(c, 8, __VA_ARGS__)                                                                                               \
        LANES_END(c, 4, __VA_ARGS__)                                                                                               \
        LANES_END(c, 12, __VA_ARGS__)                                                                                              \
        if (i < (c)) {                                                                                                             \
            const int n = (int)((c)-i);                                                                                            \
            __VA_ARGS__                                                                                                            \
        }                                                                                                                          \
    } while (0)

/* The same where lanes from c up to `room` may be read, and written because a later step overwrites them: a tail with room is a
 * whole step, without masks. */
#define FOR_LANES_IN(c, room, ...)                                                                                                 \
    do {                                                                                                                           \
        const int64_t steps = ((c) + LANES_LAST - 1) / LANES_LAST * LANES_LAST, lanes = steps <= (room) ? steps : (c);             \
        FOR_LANES(lanes, __VA_ARGS__);                                                                                             \
    } while (0)
#endif

/* The first n of 16 doubles; the others are 0. */
NLG_INLINE vd lanes_load_double(const double *p, int n) {
    if (n == NLG_LANES) return vd_load(p);
    double values[NLG_LANES] = {0};
    for (int lane = 0; lane < n; lane++) values[lane] = p[lane];
    return vd_load(values);
}
NLG_INLINE void lanes_store_double(double *p, vd v, int n) {
    if (n == NLG_LANES) {
        vd_store(p, v);
        return;
    }
    double values[NLG_LANES];
    vd_store(values, v);
    for (int lane = 0; lane < n; lane++) p[lane] = values[lane];
}

#endif
