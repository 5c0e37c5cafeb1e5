/* Replays strategies on a table of evaluated architectures, many seeds each, and sums them up. A strategy sees scores only; the
 * reports (another training, or the test split) are looked up for the best architecture so far. */
#ifndef NLG_COMPARE_H
#define NLG_COMPARE_H

#include "harness/query/stats.h"
#include "search/evaluators/evaluator_table.h"
#include "search/strategy.h"

enum { NLG_COMPARE_STRATEGIES = 16, NLG_COMPARE_BUDGETS = 16 };

typedef struct nlg_contender {
    char label[128]; /* the strategy's name; with its options where two contenders share it */
    const nlg_strategy *strategy;
    char options[NLG_STRATEGY_OPTIONS_TEXT]; /* JSON */
} nlg_contender;

/* After each trial of one run. Accuracies 0 to 1, NAN before the first trial that worked. */
typedef struct nlg_replay_step {
    double score, report; /* of the best by score so far */
    double top5, top25;   /* mean of the best distinct scores so far, NAN while there are fewer */
    double cost;          /* simulated, of all trials so far; repeats are free */
    bool is_repeat;
} nlg_replay_step;

typedef struct nlg_replay {
    nlg_replay_step *steps;
    int count;
} nlg_replay;

typedef struct nlg_comparison_options {
    const nlg_space *space;
    const nlg_table_evaluator *evaluator;
    int contenders;
    const nlg_contender *contender;
    int budget; /* trials of each run */
    int seeds, batch, threads;
    uint64_t first_seed;
    void (*progress)(void *context, double fraction); /* may be NULL; called by one thread */
    void *progress_context;
    bool (*stop)(void); /* may be NULL */
} nlg_comparison_options;

typedef struct nlg_comparison {
    const nlg_comparison_options *options; /* borrowed */
    nlg_table_summary table;
    double mean_cost;    /* of a random architecture */
    double cost_budget;  /* budget * mean_cost: at which costs are compared */
    nlg_replay *replays; /* [contenders][seeds] */
} nlg_comparison;

/* Each run makes `budget` trials; those of a strategy whose trials are cheap, or repeats, go on until they have spent cost_budget,
 * to at most twice as many. */
nlg_status nlg_compare(const nlg_comparison_options *options, nlg_comparison *comparison, nlg_error *err);
void nlg_comparison_free(nlg_comparison *comparison);

const nlg_replay *nlg_comparison_replay(const nlg_comparison *comparison, int contender, int seed);
/* The step after `trials` trials, or the last that `cost` pays for (NULL before the first). */
const nlg_replay_step *nlg_replay_at(const nlg_replay *replay, int trials);
const nlg_replay_step *nlg_replay_at_cost(const nlg_replay *replay, double cost);

/* Over the seeds of a contender. */
typedef struct nlg_standing {
    double score_mean, score_sd, report_mean, report_sd; /* of the best architecture */
    double auc;      /* mean over trials 1 .. budget of the best score so far, then over seeds */
    double regret;   /* best report of the table less the report */
    double relative; /* improvement over the mean random architecture's report, per cent (Yang et al., ICLR 2020) */
    double unique;   /* trials that were no repeats */
} nlg_standing;
nlg_standing nlg_comparison_standing(const nlg_comparison *comparison, int contender, int budget);
nlg_standing nlg_comparison_standing_at_cost(const nlg_comparison *comparison, int contender, double cost);

/* Tests between all pairs a < b of strategies, but for those that do the same with every seed: paired by seed, on the reports after
 * `budget` trials (0: at cost_budget), with p adjusted by Holm over the pairs. */
typedef struct nlg_pair_test {
    int a, b;
    double difference; /* mean of a less b */
    nlg_signed_rank test;
    double p_holm;
} nlg_pair_test;
nlg_status nlg_comparison_tests(const nlg_comparison *comparison, int budget, nlg_pair_test *tests, int *count, nlg_error *err);

#endif
