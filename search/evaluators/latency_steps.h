/* Shared by latency.c (predicting) and latency_build.c (measuring). */
#ifndef NLG_LATENCY_STEPS_H
#define NLG_LATENCY_STEPS_H

#include "search/evaluators/latency.h"

/* Visits the operations of a network in order; of the conditions, input, classes and batch count. Planned for one thread of
 * portable code: every machine finds the same. */
nlg_status nlg_latency_steps(const nlg_space *space, const nlg_code *code, const nlg_latency_conditions *conditions,
                             nlg_status (*visit)(void *context, const char *text, nlg_error *err), void *context, nlg_error *err);

void nlg_latency_swap(char *text, char from, char to); /* every character `from`: names of spaces have commas, the file none */

#endif
