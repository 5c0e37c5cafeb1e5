/* The rows of a profile as the report reads them. */
#ifndef NLG_RESULTS_H
#define NLG_RESULTS_H

#include <cjson/cJSON.h>

#include "layers/base/status.h"

typedef struct nlg_result_row {
    char *experiment, *part, *arm;
    cJSON *identity, *result; /* kind, rate, seed; status, metrics by name, history */
    char *commit, *compiler, *flags, *cpu, *isa;
    int threads;
    double seconds;
} nlg_result_row;
/* All rows of a profile in FOLDER/store.sqlite, in order; free with nlg_results_free_rows. */
nlg_status nlg_results_rows(const char *folder, const char *profile, nlg_result_row **rows, int *count, nlg_error *err);
void nlg_results_free_rows(nlg_result_row *rows, int count);

#endif
