/* One search for a layout: a strategy, a budget and a seed on one target, without a store (some seconds). */
#ifndef NLG_LAYOUT_SEARCH_H
#define NLG_LAYOUT_SEARCH_H

#include "search/spaces/layout.h"
#include "search/strategy.h"

enum { NLG_LAYOUT_CURVE_MAX = 96 };

typedef struct nlg_layout_search_options {
    const nlg_space *space; /* of the kind `layout` */
    const nlg_strategy *strategy;
    const char *strategy_options; /* JSON */
    int budget;                   /* evaluations, repeats included */
    uint64_t seed;
    nlg_session_facts session;
    bool (*progress)(void *context, int done, int budget, double loss); /* false stops; may be NULL */
    void *progress_context;
} nlg_layout_search_options;

typedef struct nlg_layout_search_result {
    nlg_layout best;
    char genotype[NLG_GENOTYPE_MAX];
    double score, loss;    /* at half size, as searched */
    double loss_full_size; /* of the same layout */
    double recovery;       /* of the target's truth; NAN where none is known */
    bool exact;            /* the truth itself was found */
    char digest[65];       /* of all trials */
    int evaluations, repeats;
    int n_curve; /* the lowest loss so far after this many evaluations, about ten points a decade */
    struct {
        int evaluations;
        double loss;
    } curve[NLG_LAYOUT_CURVE_MAX];
} nlg_layout_search_result;

nlg_status nlg_layout_search(const nlg_layout_search_options *options, nlg_layout_search_result *result, nlg_error *err);

#endif
