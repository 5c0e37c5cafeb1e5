/* The runner of every search: ask the strategy for q candidates, evaluate them, tell the results in the order of asking.
 *
 * q belongs to the experiment, so that the history is the same on any number of workers. */
#ifndef NLG_RUNNER_H
#define NLG_RUNNER_H

#include "search/evaluator.h"
#include "search/strategy.h"

typedef struct nlg_search_options {
    const nlg_space *space;
    const nlg_strategy *strategy;
    const char *strategy_options; /* JSON object text or NULL */
    const nlg_evaluator *evaluator;
    const char *evaluator_config; /* canonical JSON text: data, recipe, budget; part of the run's identity */
    nlg_objective objective;      /* zeros: the score; part of the identity */
    int budget;                   /* trials, repeats included */
    int evaluations;              /* the search ends early with so many different architectures; 0: no such limit */
    int batch;                    /* q; 0: 1 */
    uint64_t seed;
    const char *store;        /* SQLite file; NULL: nothing is kept */
    struct nlg_store *opened; /* instead: a store that the caller has open for writing (search/store/store.h) */
    bool only_run;            /* refuse a store that holds other runs and not this one, and say what differs */
    /* Processes that evaluate at once; 0: this process does it. A worker that crashes costs its trial (failed); one that is killed,
     * lacks memory or cannot send its result ends the run, without a result of that trial. No result depends on their number. */
    int workers;
    int ranks; /* other processes of an mpirun that evaluate too (search/parallel/ranks.h); needs workers */
    nlg_session_facts session;
    /* Called after each commit, not for trials that the store already had; returning false stops the run cleanly. done: trials that
     * are there; with workers they may be told out of order. */
    bool (*progress)(void *context, const nlg_trial *trial, const nlg_trial *best, int done, int budget);
    void *progress_context;
    bool (*stop)(void); /* may be NULL; looked at while workers are awaited: true stops the run cleanly */
} nlg_search_options;

typedef struct nlg_search_result {
    int count;
    nlg_trial *trials;        /* in order of asking; free with nlg_free */
    int best;                 /* index of the best, -1 if none */
    int evaluations, repeats; /* evaluations + repeats = count */
    int stored;               /* how many of them the store had already */
    int shared;               /* evaluations taken from other runs of the store, in this call */
    int kept;                 /* trials that are there now, also those of an interrupted run beyond a missing one */
    char digest[65];          /* over number, code, budget, status, bits of score, reward and latency, params, macs of all trials */
} nlg_search_result;

/* Runs or continues the search stored under (space, strategy, options, evaluator, its config, objective, q, seed, numerics version)
 * in the store. Each trial is committed before it is told. The result is filled for NLG_OK and NLG_ERR_INTERRUPTED, else empty. */
nlg_status nlg_search_run(const nlg_search_options *options, nlg_search_result *result, nlg_error *err);

/* Whether no trial is done and not all were rejected by limits; then how many there are and the most frequent reason. */
bool nlg_search_failure(const nlg_search_result *result, char text[256]);

#endif
