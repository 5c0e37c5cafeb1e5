/* lineage latency: measures the operations of a space once, and compares predicted with measured latencies of whole networks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/progress.h"
#include "harness/query/stats.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/graph/graph.h"
#include "search/evaluators/latency.h"

typedef struct latency_options {
    const char *out;
    nlg_shape input;
    int classes, batch, runs, rounds, networks;
} latency_options;

enum { KEY_OUT = 0x100, KEY_INPUT, KEY_CLASSES, KEY_BATCH, KEY_RUNS, KEY_ROUNDS, KEY_NETWORKS };
static const struct argp_option options[] = {
    {"out", KEY_OUT, "FILE", 0, "table: the file to write (default SPACE-latency.csv)", 0},
    {"input", KEY_INPUT, "C,H,W", 0, "table: size of the images (default 1,28,28)", 0},
    {"classes", KEY_CLASSES, "N", 0, "table: classes (default 10)", 0},
    {"batch", KEY_BATCH, "B", 0, "table: images at a time (default 1)", 0},
    {"runs", KEY_RUNS, "N", 0, "Timed runs at least, whose median counts (default 25)", 0},
    {"rounds", KEY_ROUNDS, "N", 0, "table: times that everything is measured; the median sees past a busy moment (default 1)", 0},
    {"networks", KEY_NETWORKS, "N", 0, "Random networks to measure as a whole (default 40; table: 0 leaves this out)", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    latency_options *o = where;
    switch (key) {
    case KEY_OUT:
        o->out = value;
        return NLG_OK;
    case KEY_INPUT:
        return nlg_option_shape("--input", value, &o->input, err);
    case KEY_CLASSES:
        return nlg_option_int("--classes", value, 1, 1 << 20, &o->classes, err);
    case KEY_BATCH:
        return nlg_option_int("--batch", value, 1, 1 << 16, &o->batch, err);
    case KEY_RUNS:
        return nlg_option_int("--runs", value, 5, 10000, &o->runs, err);
    case KEY_ROUNDS:
        return nlg_option_int("--rounds", value, 1, 1000, &o->rounds, err);
    default:
        return nlg_option_int("--networks", value, 0, 100000, &o->networks, err);
    }
}

typedef struct display {
    nlg_progress progress;
} display;

static bool show(void *context, int done, int total) {
    display *d = context;
    if (total) {
        nlg_progress_update(&d->progress, (double)done / total, "network %d of %d", done, total);
    } else {
        nlg_progress_update(&d->progress, 0, "%d operations found", done);
    }
    return !nlg_interrupted();
}

/* ---- predicted against measured ---------------------------------------------------------------------------------------- */

typedef struct comparison {
    int networks;
    nlg_correlation rank, macs_rank; /* with the measured: of the predicted, of the MACs */
    double error, bias;              /* means of |predicted / measured - 1| and of predicted / measured - 1 */
    double *predicted, *measured, *macs;
} comparison;

static nlg_status count_macs(const nlg_latency_options *how, const nlg_code *code, double *macs, nlg_error *err) {
    nlg_graph *graph;
    nlg_graph_cost cost = {0};
    NLG_TRY(how->space->build(how->space, code, how->input.h, how->input.w, how->input.c, how->classes, &graph, err));
    nlg_status status = nlg_graph_count(graph, &cost, err);
    nlg_graph_destroy(graph);
    *macs = (double)cost.macs;
    return status;
}

/* Networks that the search for operations did not draw. */
static nlg_status compare(const nlg_latency_table *table, const nlg_latency_options *how, uint64_t seed, int networks,
                          comparison *c, nlg_error *err) {
    const nlg_rng rng = nlg_rng_named(nlg_rng_seed(seed), "latency check");
    display d;
    nlg_status status = NLG_OK;
    *c = (comparison){.networks = networks};
    c->predicted = nlg_alloc((size_t)networks + 1, sizeof *c->predicted);
    c->measured = nlg_alloc((size_t)networks + 1, sizeof *c->measured);
    c->macs = nlg_alloc((size_t)networks + 1, sizeof *c->macs);
    if (!c->predicted || !c->measured || !c->macs)
        status = nlg_fail_memory(err, (size_t)networks * sizeof *c->predicted, "latencies");
    nlg_progress_start(&d.progress);
    for (int i = 0; status == NLG_OK && i < networks; i++) {
        char missing[NLG_OPERATION_MAX];
        nlg_code code;
        nlg_space_sample(how->space, nlg_rng_stream(rng, (uint64_t)i), &code);
        status = nlg_latency_predict(table, how->space, &code, &c->predicted[i], missing, err);
        if (status == NLG_OK && isnan(c->predicted[i]))
            status = nlg_fail(err, NLG_ERR_CHECK, "%s has no '%s'; measure the table again", nlg_latency_path(table), missing);
        if (status == NLG_OK) status = count_macs(how, &code, &c->macs[i], err);
        if (status == NLG_OK) status = nlg_latency_measure(how, &code, &c->measured[i], err);
        if (status != NLG_OK) break;
        c->bias += (c->predicted[i] / c->measured[i] - 1) / networks;
        c->error += fabs(c->predicted[i] / c->measured[i] - 1) / networks;
        if (!show(&d, i + 1, networks)) status = nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped");
    }
    nlg_progress_end(&d.progress);
    if (status == NLG_OK) status = nlg_rank_correlation(c->macs, c->measured, (size_t)networks, &c->macs_rank, err);
    return status == NLG_OK ? nlg_rank_correlation(c->predicted, c->measured, (size_t)networks, &c->rank, err) : status;
}

static void comparison_free(comparison *c) {
    nlg_free(c->predicted);
    nlg_free(c->measured);
    nlg_free(c->macs);
}

static void print_comparison(const comparison *c) {
    printf("Predicted against measured, %d random networks: Spearman %.3f, Kendall's tau %.3f, error %.1f%% on average (bias "
           "%+.1f%%); of MACs alone: Spearman %.3f\n",
           c->networks, c->rank.spearman, c->rank.kendall_tau_b, 100 * c->error, 100 * c->bias, c->macs_rank.spearman);
}

static void add_comparison(cJSON *o, const comparison *c) {
    nlg_json_number(o, "networks", c->networks);
    nlg_json_number(o, "spearman", c->rank.spearman);
    nlg_json_number(o, "kendall_tau", c->rank.kendall_tau_b);
    nlg_json_number(o, "macs_spearman", c->macs_rank.spearman);
    nlg_json_number(o, "error", c->error);
    nlg_json_number(o, "bias", c->bias);
    cJSON_AddItemToObject(o, "predicted_ms", cJSON_CreateDoubleArray(c->predicted, c->networks));
    cJSON_AddItemToObject(o, "measured_ms", cJSON_CreateDoubleArray(c->measured, c->networks));
}

/* ---- table ------------------------------------------------------------------------------------------------------------- */

static nlg_status print_table(const nlg_invocation *call, const nlg_latency_options *how, const char *path,
                              const nlg_latency_summary *s, nlg_error *err) {
    const latency_options *o = call->options;
    nlg_latency_table *table;
    comparison c = {0};
    NLG_TRY(nlg_latency_open(path, &table, err));
    nlg_status status = o->networks ? compare(table, how, call->settings.seed, o->networks, &c, err) : NLG_OK;
    if (status == NLG_OK && call->settings.json) {
        cJSON *object = cJSON_CreateObject();
        nlg_json_text(object, "space", how->space->name);
        nlg_json_text(object, "file", path);
        nlg_json_number(object, "operations", s->operations);
        nlg_json_number(object, "noisy", s->noisy);
        nlg_json_number(object, "networks_run", s->networks);
        cJSON_AddBoolToObject(object, "complete", s->complete);
        nlg_json_number(object, "overhead_ms", s->overhead_ms);
        if (o->networks) add_comparison(object, &c);
        nlg_json_text(object, "digest", nlg_latency_digest(table));
        status = nlg_json_print(object, err);
    } else if (status == NLG_OK) {
        printf("%s: %d operations of space %s, found in %s %d architectures, timed in %d networks, median of %d runs or more\n",
               path, s->operations, how->space->name, s->complete ? "all" : "random", s->listed, s->networks, how->repetitions);
        if (s->noisy)
            printf("%d of them were noisy (90th percentile more than 1.2 times the 10th): was the machine busy?\n", s->noisy);
        if (o->networks) print_comparison(&c);
        printf("digest %s\n", nlg_latency_digest(table));
    }
    comparison_free(&c);
    nlg_latency_close(table);
    return status;
}

static nlg_status make_table(const nlg_invocation *call, const nlg_space *space, const nlg_exec *exec, nlg_error *err) {
    const latency_options *o = call->options;
    char path[4096];
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    snprintf(path, sizeof path, "%s%s", o->out ? o->out : call->arguments[1], o->out ? "" : "-latency.csv");
    NLG_TRY(nlg_file_probe(path, err)); /* before any measurement */
    display d;
    nlg_latency_summary summary;
    nlg_latency_options how = {.space = space,
                               .input = o->input,
                               .classes = o->classes,
                               .batch = o->batch,
                               .exec = exec,
                               .repetitions = o->runs,
                               .rounds = o->rounds,
                               .cpu = cpu.model,
                               .progress = show,
                               .progress_context = &d};
    nlg_progress_start(&d.progress);
    nlg_status status = nlg_latency_build(&how, path, &summary, err);
    nlg_progress_end(&d.progress);
    return status == NLG_OK ? print_table(call, &how, path, &summary, err) : status;
}

static nlg_status table(const nlg_invocation *call, const nlg_settings *settings, nlg_error *err) {
    nlg_space space;
    nlg_exec exec = {0};
    nlg_status status = nlg_space_open(call->arguments[1], &space, err);
    if (status == NLG_OK) status = nlg_exec_open(settings, &exec, err);
    if (status == NLG_OK) status = make_table(call, &space, &exec, err);
    nlg_exec_close(&exec);
    nlg_space_close(&space);
    return status;
}

/* ---- check ------------------------------------------------------------------------------------------------------------- */

static nlg_status check_table(const nlg_invocation *call, const nlg_latency_table *table, const nlg_space *space,
                              const nlg_exec *exec, nlg_error *err) {
    const latency_options *o = call->options;
    const nlg_latency_conditions *m = nlg_latency_measured(table);
    const nlg_latency_options how = {
        .space = space, .input = m->input, .classes = m->classes, .batch = m->batch, .exec = exec, .repetitions = o->runs};
    comparison c;
    nlg_status status = compare(table, &how, call->settings.seed, o->networks ? o->networks : 1, &c, err);
    if (status == NLG_OK && call->settings.json) {
        cJSON *object = cJSON_CreateObject();
        nlg_json_text(object, "space", m->space);
        nlg_json_text(object, "file", nlg_latency_path(table));
        nlg_json_text(object, "cpu", m->cpu);
        nlg_json_number(object, "operations", nlg_latency_operations(table));
        add_comparison(object, &c);
        nlg_json_text(object, "digest", nlg_latency_digest(table));
        status = nlg_json_print(object, err);
    } else if (status == NLG_OK) {
        printf("%s: %d operations of space %s, images of %dx%dx%d, batch %d, %d thread%s, %s\n", nlg_latency_path(table),
               nlg_latency_operations(table), m->space, m->input.h, m->input.w, m->input.c, m->batch, m->threads,
               m->threads > 1 ? "s" : "", m->cpu);
        print_comparison(&c);
        printf("digest %s\n", nlg_latency_digest(table));
    }
    comparison_free(&c);
    return status;
}

static nlg_status check(const nlg_invocation *call, nlg_settings *settings, nlg_error *err) {
    nlg_latency_table *table;
    NLG_TRY(nlg_latency_open(call->arguments[1], &table, err));
    const nlg_latency_conditions *m = nlg_latency_measured(table);
    if (!settings->threads_given && m->threads > 0) settings->threads = m->threads;
    nlg_space space;
    nlg_exec exec = {0};
    nlg_status status = nlg_space_open(m->space, &space, err);
    if (status == NLG_OK) status = nlg_exec_open(settings, &exec, err);
    if (status == NLG_OK) status = check_table(call, table, &space, &exec, err);
    nlg_exec_close(&exec);
    nlg_space_close(&space);
    nlg_latency_close(table);
    return status;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    nlg_settings settings = call->settings;
    if (!settings.threads_given) settings.threads = 1;
    nlg_interrupt_watch();
    if (strcmp(call->arguments[0], "table") == 0) return table(call, &settings, err);
    if (strcmp(call->arguments[0], "check") == 0) return check(call, &settings, err);
    return nlg_fail(err, NLG_ERR_INPUT, "expected table or check, found '%s'", call->arguments[0]);
}

const nlg_command nlg_command_latency = {
    .name = "latency",
    .summary = "Measure the operations of a space on this CPU, to search for fast networks",
    .arguments = "table SPACE | check FILE",
    .min_arguments = 2,
    .max_arguments = 2,
    .help = "table times every operation of the space once, with one thread unless --threads is given; let nothing else run "
            "meanwhile. A search with --latency FILE adds up the operations of each network, and so has the same history in every "
            "run and on every machine. table and check also time whole random networks and say how well the sums predict them.\n\n"
            "Examples:\n  lineage latency table mnasnet --out mnasnet.csv\n"
            "  lineage latency check mnasnet.csv --networks 100\n"
            "  lineage search --space mnasnet --latency mnasnet.csv --reward soft --cost latency --target 0.5 --store fast.db",
    .options = options,
    .shared = NLG_TAKES_THREADS | NLG_TAKES_ISA | NLG_TAKES_BACKEND | NLG_TAKES_SEED | NLG_TAKES_JSON,
    .defaults = &(const latency_options){.input = {28, 28, 1}, .classes = 10, .batch = 1, .runs = 25, .rounds = 1, .networks = 40},
    .options_size = sizeof(latency_options),
    .option = option,
    .run = run,
};
