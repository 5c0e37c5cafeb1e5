/* Search strategies: one file in search/strategies and one row of strategies.def each. They know no data and no networks. */
#ifndef NLG_STRATEGY_H
#define NLG_STRATEGY_H

#include "search/trial.h"

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

#endif
