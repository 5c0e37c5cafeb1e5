/* Measures: the kinds of work that experiments consist of.
 *
 * To add one: `const nlg_measure nlg_measure_x` in harness/measures/x.c and the row MEASURE(x) in measures.def. A measure declares
 * the keys that it understands, turns their values into a spec (canonical JSON of all that the result depends on), and makes a
 * record from a spec alone, so that any record can be made again. */
#ifndef NLG_MEASURE_H
#define NLG_MEASURE_H

#include <cjson/cJSON.h>

#include "harness/measures/lab.h"
#include "search/evaluators/latency.h"
#include "search/store/records.h"

typedef enum { NLG_VALUE_TEXT, NLG_VALUE_WHOLE, NLG_VALUE_NUMBER, NLG_VALUE_FLAG } nlg_value_type;

typedef struct nlg_value_key {
    const char *name;
    nlg_value_type type;
    double least, most;   /* of whole and other numbers */
    const char *fallback; /* JSON text of the value where none is given; NULL: none */
    const char *summary;
} nlg_value_key;

typedef struct nlg_measure {
    const char *name, *summary;
    const nlg_value_key *keys; /* ended by a NULL name */
    bool takes_recipe;         /* also every field of a recipe, and "rate" for its lr */
    bool is_timed;             /* the result is a time: alone on the machine, and made anew by another commit */
    const char *headline;      /* the metric to show, or what its name begins with; NULL: none */
    const char *work;          /* the metric that seconds grow with, for estimates; NULL: seconds themselves */
    double pace; /* of `work`, what one thread does in a second, roughly: for choices that are the same on all machines */
    /* Adds all that the result depends on to `spec`, an object that has "measure" and "numerics". values: checked and complete.
     * *work: the amount of the metric `work` that it will take, or seconds. where: file and stage, for messages. */
    nlg_status (*specify)(nlg_lab *lab, const cJSON *values, const char *where, cJSON *spec, double *work, nlg_error *err);
    /* Fills status, digest, message, metrics and detail (an object, empty at first) from the spec. A failure that the
     * trial itself causes is a record's status; an error status stores nothing. */
    nlg_status (*run)(nlg_lab *lab, const cJSON *spec, nlg_record *record, cJSON *detail, nlg_error *err);
    /* Optional: bytes of memory that running it takes, without the images; 0: little. */
    nlg_status (*bytes)(nlg_lab *lab, const cJSON *spec, size_t *bytes, nlg_error *err);
} nlg_measure;

/* Seconds that one thread takes for that much work, by the measure's pace: at least a few hundredths. */
double nlg_measure_seconds(const nlg_measure *measure, double work);

int nlg_measures(void);
const nlg_measure *nlg_measure_at(int index);
/* NULL if there is none. */
const nlg_measure *nlg_measure_find(const char *name);

/* Refuses a key that the measure does not have, a value of another type or out of range; the message begins with `where`. */
nlg_status nlg_measure_check(const nlg_measure *measure, const char *where, const char *key, const cJSON *value, nlg_error *err);
/* Checks every value and adds the fallbacks. */
nlg_status nlg_measure_complete(const nlg_measure *measure, const char *where, cJSON *values, nlg_error *err);
/* values -> canonical spec (free with nlg_free), key and work. */
nlg_status nlg_measure_specify(const nlg_measure *measure, nlg_lab *lab, const cJSON *values, const char *where, char **spec,
                               char key[65], double *work, nlg_error *err);
/* spec -> record, which the caller frees. */
nlg_status nlg_measure_run(nlg_lab *lab, const char *spec, nlg_record *record, nlg_error *err);

/* Values by name; NULL, fallback, 0 or false where there is none. */
const char *nlg_value_text(const cJSON *values, const char *key);
double nlg_value_number(const cJSON *values, const char *key, double fallback);
int nlg_value_int(const cJSON *values, const char *key);
bool nlg_value_flag(const cJSON *values, const char *key);

/* The default recipe with what the values change. */
nlg_status nlg_value_recipe(const cJSON *values, const char *where, nlg_recipe *recipe, nlg_error *err);

/* Adds the strategy of the value "strategy" (NAME:option=value) as "strategy" and "options", with every option. */
nlg_status nlg_value_strategy(const cJSON *values, const char *where, cJSON *spec, nlg_error *err);

/* Adds "latency" and "latency_digest", if the values name a table of operations (search/evaluators/latency.h). */
nlg_status nlg_value_latency(const cJSON *values, const char *where, cJSON *spec, nlg_error *err);
/* The table of a spec, which must be the same file and, unless images is NULL, measured for such images and classes; NULL if the
 * spec has none. Close it. */
nlg_status nlg_spec_latency(const cJSON *spec, const nlg_shape *images, int classes, nlg_latency_table **table, nlg_error *err);

/* Keys that measures share. */
#define NLG_KEY_OF_LATENCY                                                                                                         \
    { "latency", NLG_VALUE_TEXT, 0, 0, NULL, "table of operations that predicts the latency in a space" }
#define NLG_KEYS_OF_SUBJECT                                                                                                        \
    {"network", NLG_VALUE_TEXT, 0, 0, NULL, "a network by name"},                                                                  \
        {"space", NLG_VALUE_TEXT, 0, 0, NULL, "a search space, instead"}, {                                                        \
        "genotype", NLG_VALUE_TEXT, 0, 0, NULL, "cells of the network or an architecture of the space; @FILE reads a file"         \
    }
/* Of measures without data; without them a network's own. */
#define NLG_KEYS_OF_INPUT                                                                                                          \
    {"input", NLG_VALUE_TEXT, 0, 0, NULL, "size of the images as C,H,W"}, {                                                        \
        "classes", NLG_VALUE_WHOLE, 1, 1e6, NULL, "classes"                                                                        \
    }
nlg_status nlg_value_input(const cJSON *values, const char *where, nlg_shape *input, int *classes, nlg_error *err);
#define NLG_KEYS_OF_DATA                                                                                                           \
    {"data", NLG_VALUE_TEXT, 0, 0, NULL, "a data set"},                                                                            \
        {"train_images", NLG_VALUE_WHOLE, 1, 1e9, NULL, "training images; all without it"},                                        \
        {"validation_images", NLG_VALUE_WHOLE, 1, 1e9, NULL, "images cut from training"},                                          \
        {"split_seed", NLG_VALUE_WHOLE, 0, 9007199254740991.0, "0", "key of the permutation that cuts them"},                      \
        {"image_size", NLG_VALUE_WHOLE, 1, 4096, NULL, "side of the images of a folder"}, {                                        \
        "resize", NLG_VALUE_WHOLE, 1, 4096, NULL, "their shorter side before the centre is cut"                                    \
    }

#endif
