/* lineage search: looks for the best architecture of a space, within a number of trials. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/build_info.h"
#include "harness/command.h"
#include "harness/options.h"
#include "harness/progress.h"
#include "harness/commands/search_output.h"
#include "harness/commands/searching_options.h"
#include "harness/commands/training_options.h"
#include "layers/base/memory.h"
#include "layers/base/nearest.h"
#include "search/evaluators/evaluator_layout.h"
#include "search/evaluators/evaluator_table.h"
#include "search/evaluators/evaluator_train.h"
#include "search/evaluators/latency.h"
#include "search/parallel/at_once.h"
#include "search/parallel/ranks.h"
#include "search/parallel/workers.h"

typedef struct search_options {
    nlg_searching_options searching;
    const char *strategy, *strategy_options, *store, *latency;
    int evaluator, budget, evaluations, workers, top;
    bool add_run, front;
    nlg_objective objective;
    int cost, reward;
    nlg_training_options training;
    int64_t max_params, max_macs;
} search_options;

static const search_options defaults = {
    .searching = {.space = "nasnet_small", .asked = 1},
    .budget = 50,
    .training = {.data = "fashion-mnist", .dataset = {.train_limit = 2000, .validation = 2000}, .epochs = 3, .lr = -1},
};

enum { EVALUATOR_TRAIN, EVALUATOR_TABLE, EVALUATOR_LAYOUT };
static const char *const evaluators[] = {"train", "table", "layout", NULL};
static const char *const costs[] = {"macs", "params", "latency", NULL}; /* in the order of nlg_cost_kind */
static const char *const rewards[] = {"score", "soft", "hard", NULL};
static const double alphas[] = {0, -0.07, 0}, betas[] = {0, -0.07, -1};

enum {
    KEY_STRATEGY = 0x100,
    KEY_STRATEGY_OPTIONS,
    KEY_EVALUATOR,
    KEY_BUDGET,
    KEY_EVALUATIONS,
    KEY_STORE,
    KEY_WORKERS,
    KEY_RESUME,
    KEY_ADD_RUN,
    KEY_TOP,
    KEY_FRONT,
    KEY_COST,
    KEY_REWARD,
    KEY_TARGET,
    KEY_LATENCY,
    KEY_MAX_PARAMS,
    KEY_MAX_MACS,
};
static const struct argp_option options[] = {
    {"space", NLG_KEY_SPACE, "NAME", 0, "Search space, with parameters where it has some: NAME:P=1,Q=2 (default nasnet_small)", 0},
    {"strategy", KEY_STRATEGY, "NAME[:OPTION=VALUE...]", 0,
     "How the next architectures are chosen (default evolution). `evolution` has options that suit short runs, `evolution:` the "
     "paper's, `evolution:sample=10` the paper's except sample; --strategy NAME --help lists them",
     0},
    {"strategy-options", KEY_STRATEGY_OPTIONS, "JSON", 0, "The options as an object, e.g. '{\"population\": 20, \"sample\": 5}'",
     0},
    {"evaluator", KEY_EVALUATOR, "NAME", 0,
     "How candidates are scored: train (default), table (looked up) or layout (drawn and compared)", 0},
    NLG_OPTIONS_OF_TABLE,
    {"budget", KEY_BUDGET, "N", 0, "Trials, repeats included (default 50)", 0},
    {"evaluations", KEY_EVALUATIONS, "N", 0,
     "End early with N different architectures evaluated: repeats cost nothing, and strategies differ in them (default: no limit)",
     0},
    {"ask", NLG_KEY_ASK, "Q", 0, "Trials that the strategy is asked for at a time (default 1)", 0},
    {"store", KEY_STORE, "FILE", 0, "Where trials are kept; the search continues from there (required for training)", 0},
    {"workers", KEY_WORKERS, "W", 0,
     "Evaluate W at once in processes of their own, one thread each or --threads each; the history depends on --ask, not on W "
     "(default with --ask 2 or more: as many as there are threads and memory allows)",
     0},
    {"resume", KEY_RESUME, NULL, OPTION_HIDDEN, "Accepted for compatibility: a search always continues", 0},
    {"add-run", KEY_ADD_RUN, NULL, 0, "Add this search to a store that already holds others", 0},
    {"top", KEY_TOP, "N", 0, "Print the N best genotypes at the end", 0},
    {"front", KEY_FRONT, NULL, 0, "Print the Pareto front of score and cost", 0},
    {"cost", KEY_COST, "KIND", 0, "macs (default), params or latency: what --reward and nsga2 keep low", 0},
    {"reward", KEY_REWARD, "KIND", 0,
     "score (default), or MnasNet's score x (cost / target)^w: soft (w = -0.07) or hard (w = 0 up to the target, -1 beyond)", 0},
    {"target", KEY_TARGET, "X", 0, "The target of the cost, for --reward soft or hard", 0},
    {"latency", KEY_LATENCY, "FILE", 0,
     "Predict latencies with this table of operations, which `lineage latency table SPACE` measures; its digest belongs to the "
     "search. Or measured: time each network itself, which no other run repeats",
     0},
    NLG_OPTION_DATA(1),
    {"train-images", NLG_KEY_TRAIN_IMAGES, "N", 0, "Use the first N of the permuted training images (default 2000)", 1},
    {"validation-images", NLG_KEY_VALIDATION_IMAGES, "N", 0, "Images cut from training to score with (default 2000)", 1},
    NLG_OPTION_SPLIT_SEED(1),
    {"epochs", NLG_KEY_EPOCHS, "E", 0, "Epochs per trial (default 3)", 1},
    {"batch", NLG_KEY_BATCH, "B", 0, "Images per training step (default 64; detectors 16)", 1},
    {"lr", NLG_KEY_LR, "X", 0, "Highest learning rate (default 0.1; detectors 0.002)", 1},
    {"max-params", KEY_MAX_PARAMS, "N", 0, "Reject networks with more parameters without training them", 1},
    {"max-macs", KEY_MAX_MACS, "N", 0, "Reject networks with more MACs per image without training them", 1},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    search_options *o = where;
    if (nlg_is_training_option(key)) return nlg_training_option(&o->training, key, value, err);
    if (nlg_is_searching_option(key)) return nlg_searching_option(&o->searching, key, value, err);
    switch (key) {
    case KEY_STRATEGY:
        o->strategy = value;
        return NLG_OK;
    case KEY_STRATEGY_OPTIONS:
        o->strategy_options = value;
        return NLG_OK;
    case KEY_EVALUATOR:
        return nlg_option_choice("--evaluator", value, evaluators, &o->evaluator, err);
    case KEY_BUDGET:
        return nlg_option_int("--budget", value, 1, 10000000, &o->budget, err);
    case KEY_EVALUATIONS:
        return nlg_option_int("--evaluations", value, 1, 10000000, &o->evaluations, err);
    case KEY_STORE:
        o->store = value;
        return NLG_OK;
    case KEY_WORKERS:
        return nlg_option_int("--workers", value, 1, 1024, &o->workers, err);
    case KEY_RESUME:
        return NLG_OK;
    case KEY_ADD_RUN:
        o->add_run = true;
        return NLG_OK;
    case KEY_TOP:
        return nlg_option_int("--top", value, 1, 10000, &o->top, err);
    case KEY_FRONT:
        o->front = true;
        return NLG_OK;
    case KEY_COST:
        return nlg_option_choice("--cost", value, costs, &o->cost, err);
    case KEY_REWARD:
        return nlg_option_choice("--reward", value, rewards, &o->reward, err);
    case KEY_TARGET:
        return nlg_option_number("--target", value, 0, 1e30, &o->objective.target, err);
    case KEY_LATENCY:
        o->latency = value;
        return NLG_OK;
    case KEY_MAX_PARAMS:
        return nlg_option_integer("--max-params", value, 1, INT64_MAX, &o->max_params, err);
    default:
        return nlg_option_integer("--max-macs", value, 1, INT64_MAX, &o->max_macs, err);
    }
}

/* ---- progress ---------------------------------------------------------------------------------------------------------- */

typedef struct display {
    nlg_progress progress;
    int done, budget, epochs, begun; /* begun: trials when this process started */
    double start;
    nlg_trial best;
    bool have_best;
    pid_t owner; /* workers do not draw */
    int rank;    /* of mpirun: above 0 it evaluates for the first */
} display;

static void show(display *d, double trials) {
    double minutes = (nlg_seconds_now() - d->start) / 60, gained = trials - d->begun;
    char best[64] = "none yet";
    if (d->have_best) snprintf(best, sizeof best, "%.4f (trial %d)", d->best.score, d->best.number);
    nlg_progress_update(&d->progress, trials / d->budget, "trial %d of %d, best %s, %.1f trials/min",
                        d->done + (d->done < d->budget), d->budget, best, minutes > 0 ? gained / minutes : 0.0);
}

static bool within_trial(void *context, const nlg_trial *trial, int epoch, double fraction) {
    display *d = context;
    if (getpid() != d->owner) return !nlg_interrupted();
    if (d->begun < 0) {
        d->begun = trial->number;
        d->start = nlg_seconds_now();
    }
    d->done = trial->number;
    show(d, trial->number + (epoch + fraction) / d->epochs);
    return !nlg_interrupted();
}

static bool after_trial(void *context, const nlg_trial *trial, const nlg_trial *best, int done, int budget) {
    display *d = context;
    (void)trial, (void)budget;
    if (d->begun < 0) d->begun = done - 1;
    d->done = done;
    d->have_best = best != NULL;
    if (best) d->best = *best;
    show(d, done);
    return !nlg_interrupted() || done == d->budget;
}

/* The command line, quoted for a shell. */
static void print_command(FILE *stream, const nlg_invocation *call) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+";
    fputs("lineage search", stream);
    for (int i = 1; i < call->argc; i++) {
        const char *word = call->argv[i];
        if (word[0] && word[strspn(word, plain)] == '\0') {
            fprintf(stream, " %s", word);
            continue;
        }
        fputs(" '", stream);
        for (; *word; word++) fputs(*word == '\'' ? "'\\''" : (char[]){*word, '\0'}, stream);
        fputc('\'', stream);
    }
    fputc('\n', stream);
}

/* ---- running ----------------------------------------------------------------------------------------------------------- */

static nlg_status find_parts(const search_options *o, nlg_search_options *run, char options_text[NLG_STRATEGY_OPTIONS_TEXT],
                             nlg_error *err) {
    char ignored[NLG_STRATEGY_OPTIONS_TEXT];
    const char *strategy = o->strategy ? o->strategy : "evolution";
    if (o->strategy_options) {
        if (strchr(strategy, ':'))
            return nlg_fail(err, NLG_ERR_INPUT, "--strategy-options: options are in --strategy '%s' already; give them once",
                            o->strategy);
        snprintf(options_text, NLG_STRATEGY_OPTIONS_TEXT, "%s", o->strategy_options);
    }
    if (nlg_strategy_pick(strategy, true, &run->strategy, o->strategy_options ? ignored : options_text, err) != NLG_OK)
        return nlg_fail_at(err, "--strategy");
    run->strategy_options = options_text;
    if (nlg_strategy_check(run->strategy, options_text, err) != NLG_OK) return nlg_fail_at(err, "--strategy-options");
    run->objective = (nlg_objective){.cost = (nlg_cost_kind)o->cost};
    if (o->reward && !(o->objective.target > 0))
        return nlg_fail(err, NLG_ERR_INPUT, "--reward %s needs --target", rewards[o->reward]);
    if (o->reward)
        run->objective = (nlg_objective){(nlg_cost_kind)o->cost, o->objective.target, alphas[o->reward], betas[o->reward]};
    if (o->cost == NLG_COST_LATENCY && !o->latency && o->evaluator == EVALUATOR_TRAIN)
        return nlg_fail(err, NLG_ERR_INPUT, "--cost latency needs --latency FILE, a table that `lineage latency table` measures");
    if (!o->store && o->evaluator == EVALUATOR_TRAIN)
        return nlg_fail(err, NLG_ERR_INPUT, "--store FILE is missing: trials are kept there, so that a search can go on");
    return NLG_OK;
}

/* run has everything but progress. */
static nlg_status search_with(const nlg_invocation *call, nlg_search_options *run, const nlg_search_output *m, display *d,
                              nlg_error *err) {
    const search_options *o = call->options;
    run->progress = after_trial;
    run->progress_context = d;
    run->stop = nlg_interrupted;
    nlg_search_result result;
    nlg_interrupt_watch();
    NLG_TRY(nlg_ranks_agree(run->evaluator_config, err));
    if (d->rank > 0) return nlg_workers_serve(run->evaluator, run->space, err);
    nlg_progress_start(&d->progress);
    nlg_status status = nlg_search_run(run, &result, err);
    nlg_progress_end(&d->progress);
    nlg_error print_error = {0};
    if (result.trials) {
        nlg_status printed = nlg_search_print(run, m, &result, &print_error);
        if (status == NLG_OK && printed != NLG_OK) status = nlg_fail(err, printed, "%s", print_error.text);
    }
    char line[256];
    const int most = o->evaluations && o->evaluations < o->budget ? o->evaluations : o->budget;
    if (status == NLG_OK && nlg_strategy_warning(run->strategy, run->strategy_options, most, line))
        fprintf(stderr, "warning: %s\n", line);
    if (status == NLG_OK && result.evaluations < o->evaluations)
        fprintf(stderr, "note: the budget of %d trials ended the search with %d of %d different architectures\n", o->budget,
                result.evaluations, o->evaluations);
    if (status == NLG_OK && nlg_search_failure(&result, line)) status = nlg_fail(err, NLG_ERR_CHECK, "%s", line);
    if (status == NLG_ERR_INTERRUPTED && o->store) {
        fprintf(stderr, "%d of %d trials are stored in %s; continue with\n  ", result.kept, o->budget, o->store);
        print_command(stderr, call);
    }
    nlg_free(result.trials);
    return status;
}

/* A table of other images would predict other networks. */
static nlg_status check_images(const nlg_latency_table *table, const nlg_dataset_info *images, nlg_error *err) {
    const nlg_latency_conditions *m = nlg_latency_measured(table);
    if (m->input.h == images->h && m->input.w == images->w && m->input.c == images->c && m->classes == images->classes)
        return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT,
                    "%s: measured for images of %dx%dx%d and %d classes, these are %dx%dx%d with %d; measure another with `lineage "
                    "latency table %s --input %d,%d,%d --classes %d`",
                    nlg_latency_path(table), m->input.h, m->input.w, m->input.c, m->classes, images->h, images->w, images->c,
                    images->classes, m->space, images->c, images->h, images->w, images->classes);
}

/* With latencies, if they are asked for; run has everything else. images, exec: NULL if nothing is trained. */
static nlg_status search(const nlg_invocation *call, nlg_search_options *run, const nlg_search_output *m,
                         const nlg_dataset_info *images, const nlg_exec *exec, display *d, nlg_error *err) {
    enum { RUNS = 25 };
    const search_options *o = call->options;
    if (!o->latency) return search_with(call, run, m, d, err);
    const bool measured = strcmp(o->latency, "measured") == 0;
    if (measured && !images)
        return nlg_fail(err, NLG_ERR_INPUT, "--latency measured: nothing is trained here; give a table of `lineage latency table`");
    nlg_latency_options here = {.space = run->space, .batch = 1, .exec = exec, .repetitions = RUNS};
    if (images) here.input = (nlg_shape){images->h, images->w, images->c}, here.classes = images->classes;
    nlg_latency_table *table = NULL;
    nlg_latency_evaluator *evaluator = NULL;
    nlg_status status = measured ? NLG_OK : nlg_latency_open(o->latency, &table, err);
    if (status == NLG_OK && table && images) status = check_images(table, images, err);
    if (status == NLG_OK)
        status = nlg_latency_evaluator_create(table, &here, run->evaluator, run->evaluator_config, &evaluator, err);
    if (status == NLG_OK) {
        run->evaluator = nlg_latency_evaluator_interface(evaluator);
        run->evaluator_config = nlg_latency_evaluator_config(evaluator);
        status = search_with(call, run, m, d, err);
    }
    nlg_latency_evaluator_destroy(evaluator);
    nlg_latency_close(table);
    return status;
}

/* Trainings side by side, where several are asked for at a time; this process then only waits. */
static nlg_status choose_workers(const nlg_invocation *call, nlg_search_options *run, const nlg_dataset *dataset, nlg_exec *exec,
                                 nlg_error *err) {
    const nlg_recipe recipe = nlg_training_recipe(&((const search_options *)call->options)->training);
    const nlg_at_once_job job = {.space = run->space,
                                 .dataset = dataset,
                                 .exec = exec,
                                 .recipe = &recipe,
                                 .threads = call->settings.threads,
                                 .waiting = run->batch < run->budget ? run->batch : run->budget};
    nlg_settings one_thread = call->settings;
    int count;
    NLG_TRY(nlg_at_once_in_space(&job, &count, err));
    if (count < 2) return NLG_OK;
    run->workers = count;
    one_thread.threads = 1;
    nlg_exec_close(exec);
    return nlg_exec_open(&one_thread, exec, err);
}

static nlg_status search_by_training(const nlg_invocation *call, nlg_search_options *run, int rank, nlg_error *err) {
    const search_options *o = call->options;
    display d = {.budget = o->budget, .epochs = o->training.epochs, .begun = -1, .owner = getpid(), .rank = rank};
    nlg_dataset *dataset = NULL;
    nlg_exec exec;
    nlg_train_evaluator *evaluator = NULL;
    nlg_settings own = call->settings;
    nlg_dataset_options data = o->training.dataset;
    const bool given = run->workers > 0;
    if (run->space->detects) data.image_size = run->space->input[1];
    if (given) own.threads = 1; /* this process only waits */
    nlg_status status = nlg_exec_open(&own, &exec, err);
    if (status == NLG_OK) status = nlg_dataset_open(o->training.data, &data, &dataset, err);
    if (status == NLG_OK && !given) status = choose_workers(call, run, dataset, &exec, err);
    nlg_train_evaluator_options train = {.dataset = dataset,
                                         .exec = &exec,
                                         .worker_threads = given && call->settings.threads_given ? call->settings.threads : 1,
                                         .recipe = nlg_training_recipe(&o->training),
                                         .max_params = o->max_params,
                                         .max_macs = o->max_macs,
                                         .max_memory_bytes = call->settings.memory_limit,
                                         .progress = within_trial,
                                         .progress_context = &d};
    if (status == NLG_OK) status = nlg_train_evaluator_create(&train, &evaluator, err);
    if (status == NLG_OK) {
        const nlg_search_output output = {.top = o->top, .front = o->front, .json = call->settings.json};
        run->evaluator = nlg_train_evaluator_interface(evaluator);
        run->evaluator_config = nlg_train_evaluator_config(evaluator);
        status = search(call, run, &output, nlg_dataset_describe(dataset), &exec, &d, err);
    }
    nlg_train_evaluator_destroy(evaluator);
    if (dataset) nlg_dataset_close(dataset);
    nlg_exec_close(&exec);
    return status;
}

static nlg_status search_in_table(const nlg_invocation *call, nlg_search_options *run, int rank, nlg_error *err) {
    const search_options *o = call->options;
    display d = {.budget = o->budget, .epochs = 1, .begun = -1, .owner = getpid(), .rank = rank};
    const nlg_table_evaluator_options table = {.space = run->space, .file = o->searching.table, .signal = o->searching.signal};
    nlg_table_evaluator *evaluator;
    NLG_TRY(nlg_table_evaluator_create(&table, &evaluator, err));
    if (o->cost == NLG_COST_LATENCY && !o->latency && !nlg_table_evaluator_has_latency(evaluator)) {
        nlg_table_evaluator_destroy(evaluator);
        return nlg_fail(err, NLG_ERR_INPUT, "--cost latency needs --latency FILE: this table of space %s has no latencies",
                        run->space->name);
    }
    run->evaluator = nlg_table_evaluator_interface(evaluator);
    run->evaluator_config = nlg_table_evaluator_config(evaluator);
    const nlg_search_output output = {.table = evaluator, .top = o->top, .front = o->front, .json = call->settings.json};
    nlg_status status = search(call, run, &output, NULL, NULL, &d, err);
    nlg_table_evaluator_destroy(evaluator);
    return status;
}

static nlg_status search_layouts(const nlg_invocation *call, nlg_search_options *run, int rank, nlg_error *err) {
    const search_options *o = call->options;
    display d = {.budget = o->budget, .epochs = 1, .begun = -1, .owner = getpid(), .rank = rank};
    nlg_layout_evaluator *evaluator;
    NLG_TRY(nlg_layout_evaluator_create(run->space, &evaluator, err));
    run->evaluator = nlg_layout_evaluator_interface(evaluator);
    run->evaluator_config = nlg_layout_evaluator_config(evaluator);
    const nlg_search_output output = {.scores = "likeness: plain / (plain + loss), 0.5 for an empty canvas, 1 for the target",
                                      .top = o->top,
                                      .front = o->front,
                                      .json = call->settings.json};
    nlg_status status = search(call, run, &output, NULL, NULL, &d, err);
    nlg_layout_evaluator_destroy(evaluator);
    return status;
}

/* Under mpirun every process evaluates one trial at a time. */
static nlg_status join_processes(const search_options *o, nlg_search_options *run, int *rank, nlg_error *err) {
    int count;
    NLG_TRY(nlg_ranks_open(rank, &count, err));
    if (count == 1) return NLG_OK;
    if (o->workers) return nlg_fail(err, NLG_ERR_INPUT, "--workers: mpirun says how many evaluate at once; give one of the two");
    run->workers = 1;
    run->ranks = count - 1;
    return NLG_OK;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const search_options *o = call->options;
    const nlg_settings *settings = &call->settings;
    nlg_search_options run_options = {
        .budget = o->budget,
        .evaluations = o->evaluations,
        .batch = o->searching.asked,
        .workers = o->workers,
        .only_run = !o->add_run,
        .seed = settings->seed,
        .store = o->store,
        .session = {nlg_build_commit(), nlg_build_compiler(), nlg_build_flags(), nlg_isa_name(settings->isa), settings->threads},
    };
    char options_text[NLG_STRATEGY_OPTIONS_TEXT];
    int rank;
    NLG_TRY(find_parts(o, &run_options, options_text, err));
    NLG_TRY(join_processes(o, &run_options, &rank, err));
    nlg_space space;
    nlg_status status = nlg_space_open(o->searching.space, &space, err);
    run_options.space = &space;
    if (status == NLG_OK)
        status = o->evaluator == EVALUATOR_TABLE    ? search_in_table(call, &run_options, rank, err)
                 : o->evaluator == EVALUATOR_LAYOUT ? search_layouts(call, &run_options, rank, err)
                                                    : search_by_training(call, &run_options, rank, err);
    nlg_space_close(&space);
    nlg_ranks_close();
    return status;
}

static void list_options(const nlg_strategy *strategy, FILE *stream) {
    fprintf(stream, "Options of %s (default; source of the default):\n", strategy->name);
    for (int i = 0; i < strategy->n_options; i++) {
        const nlg_strategy_option *p = &strategy->options[i];
        char value[32];
        if (p->kind == NLG_OPTION_BOOL) {
            snprintf(value, sizeof value, "%s", p->value != 0 ? "true" : "false");
        } else {
            snprintf(value, sizeof value, "%g", p->value);
        }
        fprintf(stream, "  %-12s %s (%s; %s)\n", p->name, p->summary, value, p->source);
    }
    if (!strategy->n_options) fputs("  none\n", stream);
    if (strategy->short_run)
        fprintf(stream, "`%s` alone is %s:%s; `%s:` has the defaults.\n", strategy->name, strategy->name, strategy->short_run,
                strategy->name);
}

/* `--strategy NAME --help`: that strategy alone. */
static nlg_status help_with_strategy(const void *where, FILE *stream, bool *printed, nlg_error *err) {
    const search_options *o = where;
    const nlg_strategy *strategy;
    char name[64], ignored[NLG_STRATEGY_OPTIONS_TEXT];
    if (!o->strategy) return NLG_OK;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(o->strategy, ":"), o->strategy);
    strategy = nlg_strategy_find(name);
    if (!strategy) return nlg_strategy_pick(name, true, &strategy, ignored, err); /* which says what there is */
    fprintf(stream, "%s: %s\n\n", strategy->name, strategy->summary);
    list_options(strategy, stream);
    fputs("\nOther strategies:", stream);
    for (int i = 0; i < nlg_strategy_count(); i++) {
        if (nlg_strategy_at(i) != strategy) fprintf(stream, " %s", nlg_strategy_at(i)->name);
    }
    fputs(strcmp(name, "exec") == 0 ? "\n" : " exec\n", stream);
    *printed = true;
    return NLG_OK;
}

static void list_strategies(const void *where, FILE *stream) {
    (void)where;
    fputs("\nStrategies:\n", stream);
    for (int i = 0; i < nlg_strategy_count(); i++) {
        fprintf(stream, "  %-10s %s\n", nlg_strategy_at(i)->name, nlg_strategy_at(i)->summary);
    }
    fprintf(stream, "  %-10s %s\n\n", "exec", nlg_strategy_find("exec")->summary);
    list_options(nlg_strategy_find("evolution"), stream);
}

const nlg_command nlg_command_search = {
    .name = "search",
    .summary = "Search for the best architecture of a space",
    .arguments = "",
    .help =
        "Every trial is stored before the strategy hears of it: a search that was stopped or killed goes on with the same command, "
        "and a larger --budget continues a finished one. Scores are validation accuracies after the short training within the "
        "search; the test split is not opened. --mem-limit rejects networks that need more to train. With --evaluator table scores "
        "are looked up in a published table, and what its authors measured in the end is printed for the best alone. Built with "
        "MPI (make WITH_MPI=1), `mpirun -n K lineage search ...` evaluates on K processes, with the same history.\n\n"
        "Examples:\n  lineage search --store search.db --budget 100 --seed 1\n"
        "  lineage search --store random.db --strategy random --budget 100 --seed 1 --json\n"
        "  lineage search --store small.db --strategy evolution:population=20:sample=5 --workers 2 --top 5\n"
        "  lineage search --space nasbench201 --evaluator table --strategy random --budget 100\n"
        "  lineage search --space accelnas --evaluator table --strategy nsga2:population=20 --cost latency --budget 300 --front\n"
        "  lineage search --strategy ppo --help",
    .options = options,
    .shared = NLG_TAKES_EXEC | NLG_TAKES_SEED | NLG_TAKES_JSON,
    .defaults = &defaults,
    .options_size = sizeof(search_options),
    .option = option,
    .run = run,
    .more_help = list_strategies,
    .own_help = help_with_strategy,
};
