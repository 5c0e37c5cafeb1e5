/* The store of experiments' results: one SQLite file in the results folder.
 *
 * A result is found by its key, the SHA-256 of its identity (canonical JSON of all that it depends on). Profiles list the keys
 * that belong to them, so that two profiles can share a result. Times and machine facts have columns of their own. */
#ifndef NLG_RESULTS_H
#define NLG_RESULTS_H

#include "harness/command.h"
#include "harness/output.h"

typedef struct nlg_results nlg_results;
/* FOLDER/experiments.sqlite; writable: created when absent, one writer at a time. */
nlg_status nlg_results_open(const char *folder, bool writable, nlg_results **results, nlg_error *err);
void nlg_results_close(nlg_results *results);

nlg_status nlg_results_key(const char *identity, char key[65], nlg_error *err);
/* *result: NULL if the store lacks it; delete with cJSON_Delete. */
nlg_status nlg_results_get(nlg_results *results, const char *key, cJSON **result, nlg_error *err);
/* Returns once the result is safe on the disk; replaces one of the same key. */
nlg_status nlg_results_put(nlg_results *results, const char *key, const char *identity, const char *result, double seconds,
                           const nlg_settings *settings, nlg_error *err);

nlg_status nlg_results_forget_members(nlg_results *results, const char *profile, const char *experiment, nlg_error *err);
nlg_status nlg_results_add_member(nlg_results *results, const char *profile, const char *experiment, const char *part,
                                  const char *arm, const char *key, nlg_error *err);

typedef struct nlg_result_row {
    char *experiment, *part, *arm;
    cJSON *identity, *result;
    char *commit, *compiler, *flags, *cpu, *isa;
    int threads;
    double seconds;
} nlg_result_row;
/* All rows of a profile in the order in which they were added; free with nlg_results_free_rows. */
nlg_status nlg_results_rows(nlg_results *results, const char *profile, nlg_result_row **rows, int *count, nlg_error *err);
void nlg_results_free_rows(nlg_result_row *rows, int count);

#endif
