/* lineage compare: search strategies against each other on a table of evaluated architectures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command.h"
#include "harness/commands/comparison_output.h"
#include "harness/commands/searching_options.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/progress.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"

typedef struct compare_options {
    nlg_searching_options searching;
    const char *strategies, *output;
    int evaluator, seeds;
    bool tests;
    int budgets[NLG_COMPARE_BUDGETS], n_budgets;
} compare_options;

static const compare_options defaults = {
    .searching = {.space = "nasbench201", .asked = 1},
    .strategies = "random,local,evolution,reinforce",
    .seeds = 100,
    .budgets = {300},
    .n_budgets = 1,
};

enum { KEY_STRATEGIES = 0x100, KEY_EVALUATOR, KEY_BUDGET, KEY_SEEDS, KEY_OUTPUT, KEY_TESTS };
static const struct argp_option options[] = {
    {"space", NLG_KEY_SPACE, "NAME", 0, "Search space with a table (default nasbench201)", 0},
    {"strategies", KEY_STRATEGIES, "A,B,...", 0,
     "Strategies (default random,local,evolution,reinforce). `evolution` has options that suit short runs, `evolution:` the "
     "paper's, "
     "`evolution:sample=10` the paper's except sample",
     0},
    {"evaluator", KEY_EVALUATOR, "NAME", OPTION_HIDDEN, "table: architectures are looked up (the only one)", 0},
    NLG_OPTIONS_OF_TABLE,
    {"budget", KEY_BUDGET, "N[,N...]", 0, "Trials of a run, repeats included; several are read off the same runs (default 300)", 0},
    {"seeds", KEY_SEEDS, "K", 0, "Runs of each strategy, seeds S, S + 1, ... (default 100)", 0},
    {"ask", NLG_KEY_ASK, "Q", 0, "Trials that a strategy is asked for at a time (default 1)", 0},
    {"tests", KEY_TESTS, NULL, 0, "With --json: an object with rows, also at equal cost, and the tests between all pairs", 0},
    {"output", KEY_OUTPUT, "DIR", 0, "Write tables (TSV) and charts (SVG) there", 0},
    {0},
};

static nlg_status read_budgets(const char *text, compare_options *o, nlg_error *err) {
    o->n_budgets = 0;
    for (const char *at = text;; at++) {
        char number[16];
        size_t length = strcspn(at, ",");
        if (o->n_budgets == NLG_COMPARE_BUDGETS)
            return nlg_fail(err, NLG_ERR_INPUT, "--budget: expected at most %d numbers, found '%s'", NLG_COMPARE_BUDGETS, text);
        snprintf(number, sizeof number, "%.*s", (int)(length < sizeof number ? length : sizeof number - 1), at);
        int *budget = &o->budgets[o->n_budgets++];
        NLG_TRY(nlg_option_int("--budget", number, 1, 1000000, budget, err));
        if (o->n_budgets > 1 && *budget <= budget[-1])
            return nlg_fail(err, NLG_ERR_INPUT, "--budget: expected rising numbers, found '%s'", text);
        at += length;
        if (!*at) return NLG_OK;
    }
}

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    static const char *const evaluators[] = {"table", NULL};
    compare_options *o = where;
    if (nlg_is_searching_option(key)) return nlg_searching_option(&o->searching, key, value, err);
    switch (key) {
    case KEY_STRATEGIES:
        o->strategies = value;
        return NLG_OK;
    case KEY_EVALUATOR:
        return nlg_option_choice("--evaluator", value, evaluators, &o->evaluator, err);
    case KEY_BUDGET:
        return read_budgets(value, o, err);
    case KEY_SEEDS:
        return nlg_option_int("--seeds", value, 1, 100000, &o->seeds, err);
    case KEY_TESTS:
        o->tests = true;
        return NLG_OK;
    default:
        o->output = value;
        return NLG_OK;
    }
}

/* A name that occurs once is a label; else the whole text is. */
static void label(nlg_contender *contenders, int count) {
    for (int i = 0; i < count; i++) {
        int same = 0;
        for (int j = 0; j < count; j++) same += contenders[j].strategy == contenders[i].strategy;
        if (same == 1) snprintf(contenders[i].label, sizeof contenders[i].label, "%s", contenders[i].strategy->name);
    }
}

static nlg_status read_strategies(const char *text, nlg_contender *contenders, int *count, nlg_error *err) {
    *count = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        if (*count == NLG_COMPARE_STRATEGIES)
            return nlg_fail(err, NLG_ERR_INPUT, "--strategies: expected at most %d, found '%s'", NLG_COMPARE_STRATEGIES, text);
        nlg_contender *c = &contenders[(*count)++];
        if (length >= sizeof c->label)
            return nlg_fail(err, NLG_ERR_INPUT, "--strategies: a name with its options must be shorter than %zu, found '%s'",
                            sizeof c->label, at);
        snprintf(c->label, sizeof c->label, "%.*s", (int)length, at);
        for (const nlg_contender *other = contenders; other < c; other++)
            if (strcmp(other->label, c->label) == 0)
                return nlg_fail(err, NLG_ERR_INPUT, "--strategies: '%s' is given twice, and would be compared with itself",
                                c->label);
        if (nlg_strategy_pick(c->label, true, &c->strategy, c->options, err) != NLG_OK) return nlg_fail_at(err, "--strategies");
        at += length;
        if (!*at) break;
    }
    label(contenders, *count);
    return NLG_OK;
}

static void show(void *context, double fraction) {
    nlg_progress_update(context, fraction, "replaying");
}

static nlg_status compare(const nlg_invocation *call, const nlg_space *space, const nlg_table_evaluator *evaluator,
                          const nlg_contender *contenders, int count, nlg_error *err) {
    const compare_options *o = call->options;
    nlg_progress progress;
    nlg_comparison_options options_of_it = {.space = space,
                                            .evaluator = evaluator,
                                            .contenders = count,
                                            .contender = contenders,
                                            .budget = o->budgets[o->n_budgets - 1],
                                            .seeds = o->seeds,
                                            .batch = o->searching.asked,
                                            .threads = call->settings.threads,
                                            .first_seed = call->settings.seed,
                                            .progress = show,
                                            .progress_context = &progress,
                                            .stop = nlg_interrupted};
    nlg_comparison comparison;
    nlg_interrupt_watch();
    nlg_progress_start(&progress);
    nlg_status status = nlg_compare(&options_of_it, &comparison, err);
    nlg_progress_end(&progress);
    NLG_TRY(status);
    for (int i = 0; i < count; i++) {
        char line[256];
        if (nlg_strategy_warning(contenders[i].strategy, contenders[i].options, o->budgets[o->n_budgets - 1], line))
            fprintf(stderr, "warning: %s\n", line);
    }
    const bool with_tests = call->settings.json && o->tests;
    status = (with_tests            ? nlg_comparison_json_with_tests
              : call->settings.json ? nlg_comparison_json
                                    : nlg_comparison_print)(&comparison, o->budgets, o->n_budgets, err);
    fflush(stdout);
    if (status == NLG_OK && o->output) status = nlg_comparison_write(&comparison, o->budgets, o->n_budgets, o->output, err);
    nlg_comparison_free(&comparison);
    return status;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const compare_options *o = call->options;
    nlg_contender *contenders = nlg_alloc(NLG_COMPARE_STRATEGIES, sizeof *contenders);
    nlg_table_evaluator *evaluator = NULL;
    nlg_space space = {0};
    int count = 0;
    nlg_status status = contenders ? NLG_OK : nlg_fail_memory(err, NLG_COMPARE_STRATEGIES * sizeof *contenders, "the strategies");
    if (status == NLG_OK) status = read_strategies(o->strategies, contenders, &count, err);
    if (status == NLG_OK && o->output) status = nlg_folder_create(o->output, err); /* before the work, not behind it */
    if (status == NLG_OK) status = nlg_space_open(o->searching.space, &space, err);
    const nlg_table_evaluator_options table = {.space = &space, .file = o->searching.table, .signal = o->searching.signal};
    if (status == NLG_OK) status = nlg_table_evaluator_create(&table, &evaluator, err);
    if (status == NLG_OK) status = compare(call, &space, evaluator, contenders, count, err);
    nlg_table_evaluator_destroy(evaluator);
    nlg_space_close(&space);
    nlg_free(contenders);
    return status;
}

const nlg_command nlg_command_compare = {
    .name = "compare",
    .summary = "Compare search strategies on a table of evaluated architectures",
    .arguments = "",
    .help =
        "Every strategy replays the same seeds; the test accuracy is looked up for the best of a run alone. Results are compared "
        "after equal numbers of trials and at equal simulated cost.\n\n"
        "Examples:\n  lineage compare --space nasbench201 --strategies random,evolution,reinforce --budget 50,100,300 --seeds 100\n"
        "  lineage compare --strategies evolution,evolution:population=10:sample=3:ageing=false --output results/compare",
    .options = options,
    .shared = NLG_TAKES_THREADS | NLG_TAKES_SEED | NLG_TAKES_JSON,
    .defaults = &defaults,
    .options_size = sizeof(compare_options),
    .option = option,
    .run = run,
};
