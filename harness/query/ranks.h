/* Ranks with ties, shared by the rank statistics. */
#ifndef NLG_RANKS_H
#define NLG_RANKS_H

#include <stddef.h>

#include "layers/base/status.h"

typedef struct nlg_ranked {
    double value;
    size_t index; /* where it stood */
} nlg_ranked;
/* A sorted copy, equal values in their first order; free with nlg_free. NULL when memory is short. */
nlg_ranked *nlg_ranked_create(const double *x, size_t n, nlg_error *err);
/* Twice the rank of each value, so that shared ranks stay whole: 1-based ranks r .. s share r + s. */
nlg_status nlg_double_ranks(const double *x, size_t n, double *ranks, nlg_error *err);

#endif
