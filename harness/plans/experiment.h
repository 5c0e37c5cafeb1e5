/* Declarative experiments: one JSON file each in harness/experiments. */
#ifndef NLG_EXPERIMENT_H
#define NLG_EXPERIMENT_H

#include <cjson/cJSON.h>

#include "layers/base/status.h"

typedef enum { NLG_COUNTS, NLG_TRAINING, NLG_SEARCH, NLG_LATENCY, NLG_EXPERIMENT_KINDS } nlg_experiment_kind;

typedef struct nlg_experiment {
    cJSON *document;
    nlg_experiment_kind kind;
    const char *id, *title, *data;
    const cJSON *scale; /* of the chosen profile */
} nlg_experiment;

/* Reads and checks a file: unknown or missing keys and wrong types are errors that name the file and the key. */
nlg_status nlg_experiment_load(const char *path, const char *profile, nlg_experiment *experiment, nlg_error *err);
void nlg_experiment_close(nlg_experiment *experiment);
/* All *.json files of a folder, in the order of their names. */
nlg_status nlg_experiments_load(const char *folder, const char *profile, nlg_experiment **experiments, int *count, nlg_error *err);
void nlg_experiments_free(nlg_experiment *experiments, int count);

int nlg_scale_int(const nlg_experiment *experiment, const char *key);
double nlg_scale_number(const nlg_experiment *experiment, const char *key);
const cJSON *nlg_scale_list(const nlg_experiment *experiment, const char *key);

#endif
