/* Experiments: one JSON file each, which says what is measured, not how.
 *
 *   {"id", "title", "question", "paper", "notes",
 *    "profiles": {"smoke": {NAME: value, ...}, "quick": {...}, "full": {...}},
 *    "stages": [{"name", "measure", "final", "cross": {KEY: values, ...}, "with": {KEY: value, ...}}, ...],
 *    "claims": [...]}
 *
 * A stage makes one trial for every combination of the values of `cross`, the last key running fastest; `with` are values that all
 * its trials share. Keys are those of the measure (nlg_measure.keys). A text "$NAME" stands for a value of the profile. Values of a
 * key of `cross` are a list, or one of
 *   {"from": 1, "count": n}                        whole numbers
 *   {"models": "*_small"}                          networks of the registry whose names fit
 *   {"best_of": STAGE, "metric", "by": [KEYS], "lowest": false}   the value of this key with the best metric, on average over the
 *                                                  trials of the stage that have it and agree in the keys `by` (default: all
 *                                                  that both crossed before)
 *   {"winners_of": STAGE, "count": 1, "where", "space", "keep_seed": false}   the best architectures of each search of the stage;
 *                                                  in another space of the same genotypes, if one is named, such as one of larger
 *                                                  networks; keep_seed: each also with the seed of its search
 *   {"sample": STAGE, "count": n, "where", "space"}   the first architectures that its searches tried
 *   {"sample": {"space", "seed"}, "count": n}      random architectures
 *   {"all_of": STAGE}                              the values that the stage had
 * An element of a list may be an object: several keys at once, with "label" (what people read) and "factors" (values that no
 * measure needs, but tables do; "designer" says whose it is: human, searched or random). The list may stand under any name then,
 * such as "arm". */
#ifndef NLG_EXPERIMENT_H
#define NLG_EXPERIMENT_H

#include "harness/measures/measure.h"

enum { NLG_STAGES_MAX = 24 };

typedef struct nlg_stage {
    const char *name;
    const nlg_measure *measure;
    bool final;                /* may open test splits; nothing is chosen by its results */
    const cJSON *cross, *with; /* NULL: none */
    unsigned sources;          /* stages that it selects from, one bit each */
} nlg_stage;

typedef struct nlg_experiment {
    cJSON *document;
    char *path;
    const char *id, *title;
    const cJSON *scale; /* of the chosen profile */
    nlg_stage stages[NLG_STAGES_MAX];
    int n_stages;
    int order[NLG_STAGES_MAX]; /* sources first, final stages last */
} nlg_experiment;

/* Reads and checks a file, all profiles of it. Unknown or missing keys, values of a wrong type or out of range, names that do not
 * exist and circles of stages are errors that name file and key. */
nlg_status nlg_experiment_load(const char *path, const char *profile, nlg_experiment *experiment, nlg_error *err);
/* The same of a document that a program has made, which the experiment owns from then on, also after a failure. path: the name that
 * messages begin with. */
nlg_status nlg_experiment_take(cJSON *document, const char *path, const char *profile, nlg_experiment *experiment, nlg_error *err);
void nlg_experiment_close(nlg_experiment *experiment);
/* One file, or all *.json files of a folder in the order of their names; two of one id are refused. */
nlg_status nlg_experiments_load(const char *path, const char *profile, nlg_experiment **experiments, int *count, nlg_error *err);
void nlg_experiments_free(nlg_experiment *experiments, int count);

/* SHA-256 of what the trials of an experiment follow from: its stages and the profile's values. */
nlg_status nlg_experiment_plan(const cJSON *document, const char *profile, char digest[65], nlg_error *err);

/* Follows "$NAME" into the profile; NULL if it has no such value. */
const cJSON *nlg_experiment_value(const cJSON *scale, const cJSON *value);
/* "FILE: stage "NAME"", for messages. */
void nlg_stage_where(const nlg_experiment *experiment, const nlg_stage *stage, char *text, size_t size);

#endif
