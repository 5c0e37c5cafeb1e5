/* lineage trials: lists the runs of a trial store and their trials. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/command.h"
#include "harness/options.h"
#include "harness/commands/trial_output.h"
#include "layers/base/memory.h"
#include "search/store/store.h"

typedef struct trials_options {
    const char *store, *strategy;
    int run, status, top; /* status: -1 for all; top: 0 for all */
    double least;         /* score */
    bool summary, tsv;
} trials_options;

static const trials_options defaults = {.status = -1, .least = -1};

enum { KEY_STORE = 0x100, KEY_RUN, KEY_SUMMARY, KEY_STRATEGY, KEY_STATUS, KEY_LEAST, KEY_TOP, KEY_TSV };
static const struct argp_option options[] = {
    {"store", KEY_STORE, "FILE", 0, "The trial store, if it is not the argument", 0},
    {"run", KEY_RUN, "ID", 0, "Only this run", 0},
    {"strategy", KEY_STRATEGY, "NAME", 0, "Only runs of this strategy", 0},
    {"status", KEY_STATUS, "S", 0, "Only trials that are done, failed, rejected or nonfinite", 0},
    {"min-score", KEY_LEAST, "X", 0, "Only trials that are done with at least this score", 0},
    {"top", KEY_TOP, "N", 0, "Only the N best of each run, best first, each architecture once", 0},
    {"summary", KEY_SUMMARY, NULL, 0, "The runs without their trials", 0},
    {"tsv", KEY_TSV, NULL, 0, "Print tab-separated values, one line a trial", 0},
    {0},
};

static const char *const statuses[] = {"done", "failed", "rejected", "nonfinite", NULL}; /* in the order of nlg_trial_status */

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    trials_options *o = where;
    switch (key) {
    case KEY_STORE:
        o->store = value;
        return NLG_OK;
    case KEY_SUMMARY:
        o->summary = true;
        return NLG_OK;
    case KEY_TSV:
        o->tsv = true;
        return NLG_OK;
    case KEY_STRATEGY:
        o->strategy = value;
        return NLG_OK;
    case KEY_STATUS:
        return nlg_option_choice("--status", value, statuses, &o->status, err);
    case KEY_LEAST:
        return nlg_option_number("--min-score", value, -1e30, 1e30, &o->least, err);
    case KEY_TOP:
        return nlg_option_int("--top", value, 1, 1000000, &o->top, err);
    default:
        return nlg_option_int("--run", value, 1, INT32_MAX, &o->run, err);
    }
}

typedef struct kept {
    nlg_trial trial;
    char genotype[NLG_GENOTYPE_MAX];
} kept;

typedef struct listing {
    const trials_options *options;
    nlg_store *store;
    nlg_error *err;
    cJSON *runs;            /* JSON form; NULL: text */
    cJSON *trials;          /* of the run at hand */
    nlg_text_table *table;  /* of the run at hand */
    const nlg_run_row *run; /* at hand */
    nlg_trial best;         /* so far */
    kept *top;              /* the best of the run at hand, best first */
    int n_top;
    bool have_best;
    int found;
} listing;

static bool is_wanted(const trials_options *o, const nlg_trial *t) {
    if (o->status >= 0 && (int)t->status != o->status) return false;
    return o->least < 0 || (t->status == NLG_TRIAL_DONE && t->score >= o->least);
}

static const char *cost_text(double cost, char text[32]) {
    return cost > 0 ? nlg_number_text(cost, text) : "-";
}

static void print_tsv(const nlg_run_row *run, const nlg_trial *t, const char *genotype) {
    printf("%" PRId64 "\t%s\t%" PRIu64 "\t%d\t%s\t%d\t", run->id, run->identity.strategy, run->identity.seed, t->number,
           nlg_trial_status_name(t->status), t->is_repeat);
    char score[32], reward[32], params[32], macs[32], latency[32];
    if (t->status == NLG_TRIAL_DONE) {
        printf("%s\t%s\t", nlg_number_text(t->score, score), nlg_number_text(t->reward, reward));
    } else {
        printf("-\t-\t");
    }
    printf("%.6g\t%s\t%s\t%s\t%d\t%.4f\t%s\t%s\n", t->budget, cost_text((double)t->params, params),
           cost_text((double)t->macs, macs), cost_text(t->latency_ms, latency), t->budget_epochs, t->evaluation_seconds, t->hash,
           genotype);
}

/* Best first; an architecture's first trial stands for it. */
static void keep_top(listing *l, const nlg_trial_row *row) {
    int at = l->n_top, most = l->options->top;
    if (row->trial.status != NLG_TRIAL_DONE || row->trial.is_repeat) return;
    while (at > 0 && nlg_trial_is_better(&row->trial, &l->top[at - 1].trial)) at--;
    if (at == most) return;
    if (l->n_top < most) l->n_top++;
    memmove(&l->top[at + 1], &l->top[at], (size_t)(l->n_top - 1 - at) * sizeof *l->top);
    l->top[at].trial = row->trial;
    snprintf(l->top[at].genotype, sizeof l->top[at].genotype, "%s", row->genotype);
}

static cJSON *show(listing *l, const nlg_trial *trial, const char *genotype) {
    if (l->options->tsv) {
        print_tsv(l->run, trial, genotype);
    } else if (!l->runs) {
        nlg_trial_cells(l->table, trial, genotype);
    } else {
        cJSON *object = nlg_json_object_in(l->trials);
        nlg_trial_json(object, trial, genotype, l->have_best ? &l->best : NULL);
        return object;
    }
    return NULL;
}

static nlg_status list_trial(void *context, const nlg_trial_row *row) {
    listing *l = context;
    if (nlg_trial_better(l->have_best ? &l->best : NULL, &row->trial) == &row->trial) {
        l->best = row->trial;
        l->have_best = true;
    }
    if (!is_wanted(l->options, &row->trial)) return NLG_OK;
    if (l->top) {
        keep_top(l, row);
        return NLG_OK;
    }
    cJSON *trial = show(l, &row->trial, row->genotype), *session = NULL;
    if (!trial) return NLG_OK;
    nlg_json_text(trial, "created", row->created);
    session = cJSON_AddObjectToObject(trial, "session");
    nlg_json_text(session, "commit", row->session.commit);
    nlg_json_text(session, "compiler", row->session.compiler);
    nlg_json_text(session, "flags", row->session.flags);
    nlg_json_text(session, "isa", row->session.isa);
    nlg_json_number(session, "threads", row->session.threads);
    nlg_json_text(session, "cpu", row->cpu);
    nlg_json_number(session, "cores", row->cores);
    return NLG_OK;
}

static nlg_status list_trials(listing *l) {
    l->n_top = 0;
    NLG_TRY(nlg_store_rows(l->store, l->run->id, list_trial, l, l->err));
    for (int i = 0; i < l->n_top; i++) show(l, &l->top[i].trial, l->top[i].genotype);
    return NLG_OK;
}

static void run_json(listing *l, const nlg_run_row *row) {
    const nlg_run_identity *id = &row->identity;
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, id->seed);
    cJSON *run = nlg_json_object_in(l->runs);
    nlg_json_number(run, "run", (double)row->id);
    nlg_json_text(run, "space", id->space);
    nlg_json_text(run, "strategy", id->strategy);
    cJSON_AddItemToObject(run, "strategy_options", cJSON_Parse(id->strategy_options));
    nlg_json_text(run, "evaluator", id->evaluator);
    cJSON_AddItemToObject(run, "evaluator_config", cJSON_Parse(id->evaluator_config));
    cJSON_AddItemToObject(run, "objective", cJSON_Parse(id->objective));
    nlg_json_number(run, "batch", id->batch);
    nlg_json_text(run, "seed", seed);
    nlg_json_number(run, "numerics_version", row->numerics_version);
    nlg_json_number(run, "budget", row->budget);
    nlg_json_number(run, "count", row->trials);
    nlg_json_number(run, "evaluations", row->trials - row->repeats);
    nlg_json_number(run, "repeats", row->repeats);
    nlg_json_number(run, "done", row->done);
    nlg_json_text(run, "created", row->created);
    if (run && !l->options->summary) l->trials = cJSON_AddArrayToObject(run, "history");
}

static void run_text(const nlg_run_row *row) {
    const nlg_run_identity *id = &row->identity;
    printf("run %" PRId64 ": space %s, strategy %s %s, evaluator %s, q = %d, seed %" PRIu64 "\n", row->id, id->space, id->strategy,
           id->strategy_options, id->evaluator, id->batch, id->seed);
    printf("  %d of %d trials, %d evaluated, %d repeats, %d not done; begun %s\n", row->trials, row->budget,
           row->trials - row->repeats, row->repeats, row->trials - row->done, row->created);
}

static nlg_status list_run(void *context, const nlg_run_row *row) {
    listing *l = context;
    if (l->options->run && row->id != l->options->run) return NLG_OK;
    if (l->options->strategy && strcmp(l->options->strategy, row->identity.strategy) != 0) return NLG_OK;
    l->run = row;
    l->found++;
    l->have_best = false;
    l->trials = NULL;
    if (l->runs) {
        run_json(l, row);
    } else if (!l->options->tsv) {
        run_text(row);
    }
    if (l->options->summary) return NLG_OK;
    if (l->runs || l->options->tsv) return list_trials(l);
    l->table = nlg_text_table_create(nlg_trial_align, nlg_trial_headers);
    nlg_status status = list_trials(l);
    if (status != NLG_OK) {
        nlg_text_table_destroy(l->table);
        return status;
    }
    NLG_TRY(nlg_text_table_print(l->table, stdout, l->err));
    putchar('\n');
    return NLG_OK;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const trials_options *o = call->options;
    const char *path = call->n_arguments ? call->arguments[0] : o->store;
    listing l = {.options = o, .err = err};
    if (!path) return nlg_fail(err, NLG_ERR_INPUT, "--store FILE is missing: the trial store to list");
    if (o->tsv && (o->summary || call->settings.json))
        return nlg_fail(err, NLG_ERR_INPUT, "--tsv lists trials; leave --summary and --json out");
    NLG_TRY(nlg_store_open(path, NLG_STORE_READ, &l.store, err));
    l.top = o->top ? nlg_alloc((size_t)o->top, sizeof *l.top) : NULL;
    if (call->settings.json) l.runs = cJSON_CreateArray();
    nlg_status status = call->settings.json && !l.runs ? nlg_fail_memory(err, 64, "the list") : NLG_OK;
    if (o->top && !l.top) status = nlg_fail_memory(err, (size_t)o->top * sizeof *l.top, "the best trials");
    if (o->tsv)
        puts("run\tstrategy\tseed\ttrial\tstatus\trepeat\tscore\treward\tbudget\tparams\tmacs\tlatency_"
             "ms\tepochs\tseconds\thash\tgenotype");
    if (status == NLG_OK) status = nlg_store_runs(l.store, list_run, &l, err);
    if (status == NLG_OK && o->run && !l.found) status = nlg_fail(err, NLG_ERR_INPUT, "%s: no run %d", path, o->run);
    nlg_store_close(l.store);
    nlg_free(l.top);
    if (status == NLG_OK && l.runs) return nlg_json_print(l.runs, err);
    cJSON_Delete(l.runs);
    return status;
}

const nlg_command nlg_command_trials = {
    .name = "trials",
    .summary = "List the trials that a search has stored",
    .arguments = "[FILE]",
    .max_arguments = 1,
    .help = "Scores are proxies: of the short training within the search, on the validation split.\n\n"
            "Examples:\n  lineage trials search.db\n  lineage trials search.db --run 2 --json\n  lineage trials search.db --top 5\n"
            "  lineage trials search.db --status failed --tsv",
    .options = options,
    .shared = NLG_TAKES_JSON,
    .defaults = &defaults,
    .options_size = sizeof(trials_options),
    .option = option,
    .run = run,
};
