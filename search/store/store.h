/* The store: one SQLite file with experiments' records (records.h), and with the runs of searches and their trials.
 *
 * A run is found by its identity; a trial, once appended, is on the disk (synchronous = FULL) and never changes. Machine facts are
 * kept by session (one process working on one run), apart from results. One process may write to a store at a time: it holds
 * a lock on FILE-lock, which the system releases when the process dies. Reading needs no lock. */
#ifndef NLG_STORE_H
#define NLG_STORE_H

#include "search/trial.h"

typedef struct nlg_store nlg_store;

/* JOIN: a forked worker writes trials to the store that its parent holds. */
typedef enum { NLG_STORE_READ, NLG_STORE_WRITE, NLG_STORE_JOIN } nlg_store_mode;

/* WRITE creates the file when it is absent or empty; READ needs a store. path: always the name of a file, even if SQLite has
 * another meaning for it. Refused with one line: an empty path, a file that is no store, a damaged one, another schema or numerics
 * version, another writer at work. */
nlg_status nlg_store_open(const char *path, nlg_store_mode mode, nlg_store **store, nlg_error *err);
void nlg_store_close(nlg_store *store);
const char *nlg_store_path(const nlg_store *store);

/* Closes the file but keeps the lock, so that forked workers may join; no other call in between. */
void nlg_store_suspend(nlg_store *store);
nlg_status nlg_store_resume(nlg_store *store, nlg_error *err);

/* What is written between these two is safe together, or not there at all. Transactions do not nest. */
nlg_status nlg_store_transaction(nlg_store *store, nlg_error *err);
nlg_status nlg_store_commit(nlg_store *store, nlg_error *err); /* rolls back when it fails */
void nlg_store_rollback(nlg_store *store);

typedef struct nlg_run_identity {
    const char *space, *strategy, *strategy_options, *evaluator, *evaluator_config, *objective;
    int batch;
    uint64_t seed;
} nlg_run_identity;

/* Finds or makes the run, raises its budget to `budget` if that is larger, and opens a session for what will be appended. */
nlg_status nlg_store_begin(nlg_store *store, const nlg_run_identity *identity, int budget, const nlg_session_facts *facts,
                           int64_t *run, nlg_error *err);
/* NLG_ERR_INPUT with what differs when the store holds runs, but not this one. */
nlg_status nlg_store_refuse_other(nlg_store *store, const nlg_run_identity *identity, nlg_error *err);
/* For a forked worker: closes its copy of the lock, which its parent keeps. */
void nlg_store_leave(nlg_store *store);
/* Returns once the trial is safe. genotype: the readable form of trial->code. */
nlg_status nlg_store_append(nlg_store *store, const nlg_trial *trial, const char *genotype, nlg_error *err);
/* All trials of a run by number; free with nlg_free. */
nlg_status nlg_store_trials(nlg_store *store, int64_t run, nlg_trial **trials, int *count, nlg_error *err);

/* What another run of the same space, evaluator and configuration made of the same architecture with the same seed and budget: the
 * same bits. *found: false if there is none, or none but failed ones. */
nlg_status nlg_store_find_result(nlg_store *store, const nlg_run_identity *identity, const nlg_trial *asked, nlg_trial *result,
                                 bool *found, nlg_error *err);

/* Listing. The strings live until the visitor returns. A status other than NLG_OK ends the walk and is returned. */
typedef struct nlg_run_row {
    int64_t id;
    nlg_run_identity identity;
    int numerics_version, budget;
    const char *created;
    int trials, repeats, done;
} nlg_run_row;
nlg_status nlg_store_runs(nlg_store *store, nlg_status (*visit)(void *context, const nlg_run_row *run), void *context,
                          nlg_error *err);

typedef struct nlg_trial_row {
    nlg_trial trial;
    const char *genotype, *created;
    nlg_session_facts session; /* in which it was evaluated */
    const char *cpu;
    int cores;
} nlg_trial_row;
nlg_status nlg_store_rows(nlg_store *store, int64_t run, nlg_status (*visit)(void *context, const nlg_trial_row *row),
                          void *context, nlg_error *err);

#endif
