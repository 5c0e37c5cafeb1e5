/* lineage trials: lists the runs of a trial store and their trials. */
#include <inttypes.h>
#include <stdio.h>

#include "harness/command.h"
#include "harness/options.h"
#include "harness/trial_output.h"
#include "layers/base/memory.h"
#include "search/store.h"

typedef struct trials_options {
    const char *store;
    int run;
    bool summary;
} trials_options;

enum { KEY_STORE = 0x100, KEY_RUN, KEY_SUMMARY };
static const struct argp_option options[] = {
    {"store", KEY_STORE, "FILE", 0, "The trial store (required)", 0},
    {"run", KEY_RUN, "ID", 0, "Only this run", 0},
    {"summary", KEY_SUMMARY, NULL, 0, "The runs without their trials", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    trials_options *o = where;
    switch (key) {
    case KEY_STORE:
        o->store = value;
        return NLG_OK;
    case KEY_SUMMARY:
        o->summary = true;
        return NLG_OK;
    default:
        return nlg_option_int("--run", value, 1, INT32_MAX, &o->run, err);
    }
}

typedef struct listing {
    const trials_options *options;
    nlg_store *store;
    nlg_error *err;
    cJSON *runs;      /* JSON form; NULL: text */
    cJSON *trials;    /* of the run at hand */
    nlg_table *table; /* of the run at hand */
    nlg_trial best;   /* so far */
    bool have_best;
    int found;
} listing;

static nlg_status list_trial(void *context, const nlg_trial_row *row) {
    listing *l = context;
    if (nlg_trial_better(l->have_best ? &l->best : NULL, &row->trial) == &row->trial) {
        l->best = row->trial;
        l->have_best = true;
    }
    if (!l->runs) {
        nlg_trial_cells(l->table, &row->trial, row->genotype);
        return NLG_OK;
    }
    cJSON *trial = nlg_json_object_in(l->trials), *session = NULL;
    nlg_trial_json(trial, &row->trial, row->genotype, l->have_best ? &l->best : NULL);
    nlg_json_text(trial, "created", row->created);
    if (trial) session = cJSON_AddObjectToObject(trial, "session");
    nlg_json_text(session, "commit", row->session.commit);
    nlg_json_text(session, "compiler", row->session.compiler);
    nlg_json_text(session, "flags", row->session.flags);
    nlg_json_text(session, "isa", row->session.isa);
    nlg_json_number(session, "threads", row->session.threads);
    nlg_json_text(session, "cpu", row->cpu);
    nlg_json_number(session, "cores", row->cores);
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
    l->found++;
    l->have_best = false;
    l->trials = NULL;
    if (l->runs) {
        run_json(l, row);
    } else {
        run_text(row);
    }
    if (l->options->summary) return NLG_OK;
    if (l->runs) return nlg_store_rows(l->store, row->id, list_trial, l, l->err);
    l->table = nlg_table_create(nlg_trial_align, nlg_trial_headers);
    nlg_status status = nlg_store_rows(l->store, row->id, list_trial, l, l->err);
    if (status != NLG_OK) {
        nlg_table_destroy(l->table);
        return status;
    }
    NLG_TRY(nlg_table_print(l->table, stdout, l->err));
    putchar('\n');
    return NLG_OK;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const trials_options *o = call->options;
    listing l = {.options = o, .err = err};
    if (!o->store) return nlg_fail(err, NLG_ERR_INPUT, "--store FILE is missing: the trial store to list");
    NLG_TRY(nlg_store_open(o->store, NLG_STORE_READ, &l.store, err));
    nlg_json_begin();
    if (call->settings.json) l.runs = cJSON_CreateArray();
    nlg_status status = call->settings.json && !l.runs ? nlg_fail_memory(err, 64, "the list") : NLG_OK;
    if (status == NLG_OK) status = nlg_store_runs(l.store, list_run, &l, err);
    if (status == NLG_OK && o->run && !l.found) status = nlg_fail(err, NLG_ERR_INPUT, "%s: no run %d", o->store, o->run);
    nlg_store_close(l.store);
    if (status == NLG_OK && l.runs) return nlg_json_print(l.runs, err);
    cJSON_Delete(l.runs);
    return status;
}

const nlg_command nlg_command_trials = {
    .name = "trials",
    .summary = "List the trials that a search has stored",
    .arguments = "",
    .help = "Scores are proxies: of the short training within the search, on the validation split.\n\n"
            "Examples:\n  lineage trials --store search.db\n  lineage trials --store search.db --run 2 --json",
    .options = options,
    .shared = NLG_TAKES_JSON,
    .options_size = sizeof(trials_options),
    .option = option,
    .run = run,
};
