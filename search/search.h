/* Search: spaces, strategies, evaluators and the one runner. Nothing here but spaces and evaluators mentions networks.
 *
 * An architecture is a short array of small integers (its code) whose meaning only the space knows. The runner loops:
 * ask(q) -> evaluate q trials -> tell in order of asking; q belongs to the experiment, so the trajectory is the same on any
 * number of workers. */
#ifndef NLG_SEARCH_H
#define NLG_SEARCH_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layers/base/rng.h"
#include "layers/base/status.h"

enum { NLG_CODE_MAX = 192, NLG_GENOTYPE_MAX = 1024 };
typedef struct nlg_code {
    int length;
    int16_t value[NLG_CODE_MAX];
} nlg_code;

/* ---- spaces: one file in search/spaces and one row of spaces.def each ---- */

struct nlg_graph;
struct nlg_arena;
struct nlg_cell_network;

enum { NLG_SPACE_NAME_MAX = 96, NLG_SPACE_PARAMETERS_MAX = 6, NLG_SPACE_TEXT_MAX = 256 };
typedef struct nlg_space_parameter {
    const char *name;
    int value, min, max; /* value: default */
    const char *summary;
    const char *text; /* the default of a parameter that is a text, without commas; NULL: a whole number */
} nlg_space_parameter;

/* Members marked optional may be NULL; the functions below then do what the comment says. */
typedef struct nlg_space nlg_space;
struct nlg_space {
    char name[NLG_SPACE_NAME_MAX]; /* with parameters where they are not the defaults: "nasnet:B=5,N=2,F=24" */
    const char *summary, *source;  /* source: the paper */
    int length;
    /* 0, or: a code may also stop after any number of whole blocks of `block` positions (cells that grow). */
    int block;
    const nlg_space_parameter *parameters;
    int n_parameters;
    int parameter[NLG_SPACE_PARAMETERS_MAX]; /* their values */
    char parameter_text[NLG_SPACE_PARAMETERS_MAX][NLG_SPACE_TEXT_MAX];
    nlg_status (*open)(nlg_space *self, nlg_error *err); /* optional: what follows from the parameters, data */
    void (*close)(nlg_space *self);                      /* optional; also after a failed open */
    const void *spec;                                    /* constant and private to the space, or NULL */
    void *data;                                          /* made by open, freed by close */

    int (*choices)(const nlg_space *self, int position);        /* values at a position: 0 .. choices-1 */
    bool (*valid)(const nlg_space *self, const nlg_code *code); /* optional: beyond every value being in range */
    /* Optional: each position uniform, drawn again until valid. */
    void (*sample)(const nlg_space *self, nlg_rng rng, nlg_code *code);
    /* Optional: one position, another value. */
    void (*mutate)(const nlg_space *self, nlg_rng rng, const nlg_code *parent, nlg_code *child);
    /* Optional: the one representative of all codes that mean the same architecture (isomorphic graphs). Idempotent. */
    void (*canonical)(const nlg_space *self, const nlg_code *code, nlg_code *canonical);
    const char *notation;                                       /* of genotypes, for people: lines without a last newline */
    const char *(*operation)(const nlg_space *self, int index); /* optional: names that the notation uses; NULL behind the last */
    /* Readable genotype, below NLG_GENOTYPE_MAX bytes. */
    void (*encode)(const nlg_space *self, const nlg_code *code, char *text, size_t size);
    nlg_status (*decode)(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err); /* decode(encode(code)) = code */
    /* Network spaces: build the network for an input and classes; other spaces: NULL. */
    nlg_status (*build)(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, struct nlg_graph **graph,
                        nlg_error *err);
    bool detects;          /* they are detectors, for images with objects, of sides of a multiple of 64 */
    int input[3], classes; /* of its networks where nothing else is said: channels, rows, columns; zeros: 3, 32, 32 and 10 */
    /* Optional: the network as cells and macro structure (models/cells.h), in the arena; NULL when memory is short. */
    const struct nlg_cell_network *(*cells)(const nlg_space *self, const nlg_code *code, struct nlg_arena *arena);
    int (*features)(const nlg_space *self, const nlg_code *code,
                    double *out);          /* optional, for predictors: their number; out may be NULL */
    double (*size)(const nlg_space *self); /* optional: number of valid codes, where not every code in range is valid */
    int64_t architectures;                 /* distinct ones where they were counted, 0: unknown */
};
/* The row of the registry, by its name without parameters; NULL if there is none. To be used it has to be opened, unless it has
 * neither parameters nor data. */
const nlg_space *nlg_space_find(const char *name);
int nlg_space_count(void);
const nlg_space *nlg_space_at(int index);

/* "NAME" or "NAME:P=1,Q=2" into *space, which is to be closed after use and not to be copied. An error names the nearest space or
 * the parameters that there are. */
nlg_status nlg_space_open(const char *text, nlg_space *space, nlg_error *err);
void nlg_space_close(nlg_space *space); /* also after a failed open */

bool nlg_space_valid(const nlg_space *space, const nlg_code *code); /* length, ranges and the space's own rule */
double nlg_space_size(const nlg_space *space);                      /* number of valid codes of full length */
void nlg_space_sample(const nlg_space *space, nlg_rng rng, nlg_code *code);
/* One change; never an architecture that is the parent's in another guise. */
void nlg_space_mutate(const nlg_space *space, nlg_rng rng, const nlg_code *parent, nlg_code *child);
void nlg_space_canonical(const nlg_space *space, const nlg_code *code, nlg_code *canonical);
/* SHA-256 over the space's name and the canonical code: equal exactly for isomorphic architectures. */
nlg_status nlg_space_hash(const nlg_space *space, const nlg_code *code, char hex[65], nlg_error *err);
bool nlg_code_equal(const nlg_code *a, const nlg_code *b);
/* With which an architecture of that hash is trained in a run, whichever strategy found it; below 2^53. */
uint64_t nlg_trial_seed(uint64_t run_seed, const char *hash);

/* ---- objectives ---- */

typedef enum { NLG_COST_MACS, NLG_COST_PARAMS, NLG_COST_LATENCY, NLG_COST_KIND_COUNT } nlg_cost_kind;
const char *nlg_cost_name(nlg_cost_kind kind); /* "macs", "params", "latency" */

/* What a run maximises: the score, or MnasNet's score * (cost / target)^w with w = alpha up to the target and beta beyond it (Tan
 * et al., CVPR 2019, equations 2 and 3: soft alpha = beta = -0.07, hard alpha = 0, beta = -1). */
typedef struct nlg_objective {
    nlg_cost_kind cost; /* also the second objective of strategies that have two */
    double target;      /* in the cost's unit: MACs, parameters, ms; 0: the score alone */
    double alpha, beta;
} nlg_objective;
double nlg_objective_reward(const nlg_objective *objective, double score, double cost);

/* ---- trials ---- */

typedef enum { NLG_TRIAL_DONE, NLG_TRIAL_FAILED, NLG_TRIAL_REJECTED, NLG_TRIAL_NONFINITE, NLG_TRIAL_STATUS_COUNT } nlg_trial_status;
const char *nlg_trial_status_name(nlg_trial_status status); /* "done", "failed", "rejected", "nonfinite" */

typedef struct nlg_trial {
    int number;     /* order of asking, from 0 */
    nlg_code code;  /* canonical, also if the strategy asked for another guise */
    char hash[65];  /* canonical */
    bool is_repeat; /* the hash was seen before in this run at this budget: the result is taken over, no evaluation is spent */
    uint64_t seed;  /* below 2^53; a function of the run's seed and the hash: the same in every strategy's run */
    double budget;  /* the share of the evaluator's full budget that was asked for: above 0, at most 1 */
    nlg_trial_status status;
    double score;         /* validation accuracy, 0 to 1; 0 unless done */
    int64_t params, macs; /* 0: not measured */
    double latency_ms;    /* 0: not measured */
    double cost, reward; /* of the run's objective, by the runner: cost to be minimised (0: not measured), reward to be maximised; 0
                          * unless done */
    int budget_epochs;
    char digest[65];   /* of the trained weights, or of the looked-up row */
    char message[256]; /* why it failed or was rejected */
    /* Times are kept apart from results: not part of digests. Without workers, their sum over a run is its wall time. */
    double overhead_seconds;   /* since the last evaluation ended: store, tell, ask */
    double evaluation_seconds; /* spent here on the evaluation, 0 for repeats */
    double simulated_cost;     /* what the looked-up evaluation once cost elsewhere, in the evaluator's cost_unit; 0: not known */
} nlg_trial;
/* A cost for people and other programs: NaN, which is printed as missing, where it was not measured. */
static inline double nlg_measured(double cost) {
    return cost > 0 ? cost : (double)NAN;
}
/* Of a trial with a score: repeats cost nothing, others something, NaN where it is not known. */
static inline double nlg_trial_simulated_cost(const nlg_trial *trial) {
    return trial->is_repeat || trial->status != NLG_TRIAL_DONE ? trial->simulated_cost : nlg_measured(trial->simulated_cost);
}

/* ---- strategies: one file in search/strategies and one row of strategies.def each ---- */

typedef enum { NLG_OPTION_INT, NLG_OPTION_REAL, NLG_OPTION_BOOL } nlg_option_kind;
typedef struct nlg_strategy_option {
    const char *name;
    nlg_option_kind kind;
    double value; /* default */
    double min, max;
    const char *summary;
    const char *source; /* where the default comes from */
} nlg_strategy_option;
enum { NLG_STRATEGY_OPTIONS_MAX = 16, NLG_STRATEGY_OPTIONS_TEXT = 1024 };

typedef struct nlg_proposal {
    nlg_code code;
    double budget; /* as in nlg_trial */
} nlg_proposal;

/* A strategy is a pure function of rng, options and what it was told: the runner resumes a run by asking and telling again. It
 * never learns the number of trials that will follow, so that a finished run can be continued. */
typedef struct nlg_strategy {
    const char *name, *summary;
    const char *alias; /* an earlier name that is still understood, or NULL */
    bool lowers_cost;  /* it has two objectives: trials whose cost was not measured fail */
    /* "option=value:option=value" that suits runs of a few hundred trials, in which a strategy with the paper's options (the
     * defaults) would hardly begin to learn; NULL: the defaults do. */
    const char *short_run;
    const nlg_strategy_option *options;
    int n_options;
    const char *text_option; /* name of an option that is a text and must be given; NULL: none */
    /* Optional: refuses options that do not fit each other, where people give them (nlg_strategy_check). */
    nlg_status (*check)(const double *values, const bool *given, nlg_error *err);
    size_t state_size;
    /* state: zeroed; values: one per option. destroy is called also after a failed create. */
    nlg_status (*create)(void *state, const nlg_space *space, nlg_rng rng, const double *values, nlg_error *err);
    /* In place of create, with text_option: stop (may be NULL) says that a run is to stop while it waits. */
    nlg_status (*create_from_text)(void *state, const nlg_space *space, nlg_rng rng, const double *values, const char *text,
                                   bool (*stop)(void), nlg_error *err);
    void (*destroy)(void *state); /* optional */
    /* The next `count` architectures. The proposals are zeroed, with the full budget. */
    nlg_status (*ask)(void *state, int count, nlg_proposal *proposals, nlg_error *err);
    /* In order of asking; failed ones too, which must never become parents. Rewards are what single-objective strategies raise;
     * with two objectives they raise the score and lower the cost. Optional. */
    nlg_status (*tell)(void *state, const nlg_trial *trials, int count, nlg_error *err);
} nlg_strategy;
const nlg_strategy *nlg_strategy_find(const char *name); /* by name or alias, also exec, which no list has; NULL: there is none */
int nlg_strategy_count(void);
const nlg_strategy *nlg_strategy_at(int index);

/* Values of all options from a JSON object (NULL: defaults), and the object with every value written out, in table order.
 * Unknown keys, wrong types and values out of range are errors. text may be NULL. */
nlg_status nlg_strategy_parse(const nlg_strategy *strategy, const char *json, double values[NLG_STRATEGY_OPTIONS_MAX],
                              char text[NLG_STRATEGY_OPTIONS_TEXT], nlg_error *err);

/* The value of the strategy's text_option in what nlg_strategy_parse has written. */
nlg_status nlg_strategy_text(const nlg_strategy *strategy, const char *json, char text[NLG_STRATEGY_OPTIONS_TEXT], nlg_error *err);

/* "NAME" or "NAME:option=value:option=value": the strategy and its options as JSON ("{}": none given). With for_short_run a bare
 * NAME has its short_run options, and "NAME:" none. */
nlg_status nlg_strategy_pick(const char *text, bool for_short_run, const nlg_strategy **strategy,
                             char json[NLG_STRATEGY_OPTIONS_TEXT], nlg_error *err);

/* Refuses options as nlg_strategy_parse does, and those that do not fit each other. */
nlg_status nlg_strategy_check(const nlg_strategy *strategy, const char *json, nlg_error *err);
/* A line on options that can hardly take effect within so many trials (NULL options: "{}"); false: there is none. */
bool nlg_strategy_warning(const nlg_strategy *strategy, const char *json, int trials, char text[256]);

/* ---- evaluators ---- */

/* architecture -> score and costs, for a budget. Fills status, score, params, macs, latency_ms, budget_epochs, simulated_cost,
 * digest and message from code, hash, seed and budget. What the architecture is to blame for is a trial status; an error status
 * ends the run without storing the trial (it is evaluated again when the run is continued). */
typedef struct nlg_evaluator {
    const char *name;
    const char *cost_unit; /* of simulated_cost: "seconds", "MACs x epochs"; NULL: evaluations are not simulated */
    bool no_costs;         /* its architectures are no networks: they have neither parameters, MACs nor latency */
    /* An evaluation takes long and depends on nothing but space, configuration, architecture, seed and budget: what the store has
     * of them, from whichever strategy, stands for it. */
    bool is_shared;
    void *context;
    nlg_status (*evaluate)(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err);
    /* Optional: called in a new worker process before its one evaluation, where the parent's threads do not exist. */
    nlg_status (*begin_worker)(void *context, nlg_error *err);
} nlg_evaluator;

/* ---- the runner ---- */

/* Facts of this process, kept with the trials it evaluates; no result depends on them. Texts may be NULL. */
typedef struct nlg_session_facts {
    const char *commit, *compiler, *flags, *isa;
    int threads;
} nlg_session_facts;

typedef struct nlg_search_options {
    const nlg_space *space;
    const nlg_strategy *strategy;
    const char *strategy_options; /* JSON object text or NULL */
    const nlg_evaluator *evaluator;
    const char *evaluator_config; /* canonical JSON text: data, recipe, budget; part of the run's identity */
    nlg_objective objective;      /* zeros: the score; part of the identity */
    int budget;                   /* trials, repeats included */
    int batch;                    /* q; 0: 1 */
    uint64_t seed;
    const char *store;        /* SQLite file; NULL: nothing is kept */
    struct nlg_store *opened; /* instead: a store that the caller has open for writing (search/store/store.h) */
    bool only_run;            /* refuse a store that holds other runs and not this one, and say what differs */
    /* Processes that evaluate at once; 0: this process does it. A worker that crashes costs its trial (failed); one that is killed,
     * lacks memory or cannot send its result ends the run, without a result of that trial. No result depends on their number. */
    int workers;
    int ranks; /* other processes of an mpirun that evaluate beside them (search/parallel/ranks.h); needs workers */
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

/* Whether a is better than b (either may be NULL, which is worse than all that are done): a larger budget, then a larger reward,
 * then an earlier number. */
bool nlg_trial_is_better(const nlg_trial *a, const nlg_trial *b);

/* Runs or continues the search stored under (space, strategy, options, evaluator, its config, objective, q, seed, numerics version)
 * in the store. Each trial is committed before it is told. The result is filled for NLG_OK and NLG_ERR_INTERRUPTED, else empty. */
nlg_status nlg_search_run(const nlg_search_options *options, nlg_search_result *result, nlg_error *err);

/* Whether no trial is done and not all were rejected by limits; then how many there are and the most frequent reason. */
bool nlg_search_failure(const nlg_search_result *result, char text[256]);

#endif
