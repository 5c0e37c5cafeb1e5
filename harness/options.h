/* Helpers for option values; each error names the option, what was expected and what was found. */
#ifndef NLG_OPTIONS_H
#define NLG_OPTIONS_H

#include "harness/command.h"
#include "layers/ops/op.h"

nlg_status nlg_option_integer(const char *option, const char *text, int64_t least, int64_t most, int64_t *value, nlg_error *err);
nlg_status nlg_option_int(const char *option, const char *text, int least, int most, int *value, nlg_error *err);
/* From 1. */
nlg_status nlg_option_count(const char *option, const char *text, uint32_t *count, nlg_error *err);
nlg_status nlg_option_number(const char *option, const char *text, double least, double most, double *value, nlg_error *err);
/* Bytes with an optional suffix K, M, G (powers of 1024). */
nlg_status nlg_option_bytes(const char *option, const char *text, size_t *bytes, nlg_error *err);
/* One of `names` (ended by NULL); value is its index. */
nlg_status nlg_option_choice(const char *option, const char *text, const char *const *names, int *value, nlg_error *err);
/* "C,H,W" */
nlg_status nlg_option_shape(const char *option, const char *text, nlg_shape *shape, nlg_error *err);

/* The execution context of the settings, with its own team of threads. close: also after a failed open. */
nlg_status nlg_exec_open(const nlg_settings *settings, nlg_exec *exec, nlg_error *err);
void nlg_exec_close(nlg_exec *exec);
const char *nlg_backend_name(nlg_backend backend); /* "own", "openblas" */

#endif
