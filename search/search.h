/* Search: spaces, strategies, evaluators and the one runner. Nothing here but spaces and evaluators mentions networks.
 *
 * An architecture is a short array of small integers (its code) whose meaning only the space knows. The runner loops:
 * ask(q) -> evaluate q trials -> tell in order of asking; q belongs to the experiment, so the trajectory is the same on any
 * number of workers. */
#ifndef NLG_SEARCH_H
#define NLG_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layers/base/rng.h"
#include "layers/base/status.h"

enum { NLG_CODE_MAX = 64 };
typedef struct nlg_code {
    int length;
    int16_t value[NLG_CODE_MAX];
} nlg_code;

struct nlg_graph;
struct nlg_builder;

typedef struct nlg_space {
    const char *name, *summary;
    int length;
    int (*choices)(int position);                             /* values at a position: 0 .. choices-1 */
    bool (*valid)(const nlg_code *code);
    void (*sample)(nlg_rng rng, nlg_code *code);              /* uniform over valid codes' positions */
    void (*mutate)(nlg_rng rng, const nlg_code *parent, nlg_code *child); /* one change, never the parent itself */
    void (*canonical)(const nlg_code *code, char hex[65]);    /* hash equal for isomorphic architectures */
    void (*encode)(const nlg_code *code, char *text, size_t size);   /* readable genotype */
    nlg_status (*decode)(const char *text, nlg_code *code, nlg_error *err);
    /* Network spaces: build the network for an input and classes; other spaces: NULL. */
    nlg_status (*build)(const nlg_code *code, int h, int w, int c, int classes, struct nlg_graph **graph, nlg_error *err);
    int (*features)(const nlg_code *code, double *out);       /* for predictors: number of features (out may be NULL) */
} nlg_space;
const nlg_space *nlg_space_find(const char *name);
int nlg_space_count(void);
const nlg_space *nlg_space_at(int index);

typedef enum { NLG_TRIAL_DONE, NLG_TRIAL_FAILED, NLG_TRIAL_REJECTED, NLG_TRIAL_NONFINITE } nlg_trial_status;
const char *nlg_trial_status_name(nlg_trial_status status);

typedef struct nlg_trial {
    int number; /* order of asking, from 0 */
    nlg_code code;
    char hash[65];      /* canonical */
    bool is_repeat;     /* the hash was seen before in this run: the score is taken over, no evaluation is spent */
    uint64_t seed;
    nlg_trial_status status;
    double score;       /* to be maximised: validation accuracy */
    int64_t params, macs;
    int budget_epochs;
    double train_seconds; /* kept apart from results: not part of digests */
    char digest[65];    /* of the trained weights, or of the looked-up row */
    char message[256];  /* why it failed or was rejected */
} nlg_trial;

typedef struct nlg_strategy {
    const char *name, *summary;
    size_t state_size;
    /* options: a JSON object of the strategy's own options or NULL; unknown keys are errors. */
    nlg_status (*create)(void *state, const nlg_space *space, int budget, nlg_rng rng, const char *options, nlg_error *err);
    void (*destroy)(void *state);
    void (*ask)(void *state, int count, nlg_code *codes);   /* the next `count` architectures */
    void (*tell)(void *state, const nlg_trial *trials, int count); /* in order of asking; failed ones too */
} nlg_strategy;
const nlg_strategy *nlg_strategy_find(const char *name);
int nlg_strategy_count(void);
const nlg_strategy *nlg_strategy_at(int index);

/* architecture -> score and costs, for a budget. Fills status, score, params, macs, train_seconds, digest, message. */
typedef struct nlg_evaluator {
    const char *name;
    void *context;
    nlg_status (*evaluate)(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err);
} nlg_evaluator;

typedef struct nlg_search_options {
    const nlg_space *space;
    const nlg_strategy *strategy;
    const char *strategy_options;  /* JSON object text or NULL */
    const nlg_evaluator *evaluator;
    const char *evaluator_config;  /* canonical JSON text: data, recipe, budget; part of the run's identity */
    int budget;                    /* trials */
    int batch;                     /* q; default 1 */
    uint64_t seed;
    const char *store;             /* SQLite file */
    bool (*progress)(void *context, const nlg_trial *trial, const nlg_trial *best, int done, int budget);
    void *progress_context;
} nlg_search_options;

typedef struct nlg_search_result {
    int count;
    nlg_trial *trials; /* in order of asking; free with nlg_free */
    int best;          /* index of the best score (earliest on ties), -1 if none */
    int evaluations, repeats;
    char digest[65];   /* over number, code, status, score bits, params, macs of all trials */
} nlg_search_result;

/* Runs or continues the search stored under (space, strategy, options, evaluator config, seed, numerics version) in the store. */
nlg_status nlg_search_run(const nlg_search_options *options, nlg_search_result *result, nlg_error *err);

/* Evaluator "train": build, train on the training split, score = validation accuracy after the last epoch. */
struct nlg_train_evaluator_options;

#endif
