/* lineage run: executes what the store lacks of a profile's experiments. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/claims/claim.h"
#include "harness/command.h"
#include "harness/options.h"
#include "harness/plans/execute.h"
#include "harness/plans/quick.h"
#include "harness/plans/shipped.h"
#include "harness/query/results_store.h"
#include "harness/progress.h"
#include "harness/query/query.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/nearest.h"
#include "layers/base/share.h"
#include "search/parallel/ranks.h"

typedef struct run_options {
    const char *profile, *results, *experiments, *shipped;
    bool plan, live;
    int workers, minutes;
} run_options;

enum { KEY_PROFILE = 0x100, KEY_RESULTS, KEY_EXPERIMENTS, KEY_PLAN, KEY_WORKERS, KEY_SHIPPED, KEY_LIVE, KEY_MINUTES };
static const struct argp_option options[] = {
    {"profile", KEY_PROFILE, "P", 0, "smoke, quick (default) or full", 0},
    {"results", KEY_RESULTS, "DIR", 0, "Where results are kept (default results/local)", 0},
    {"experiments", KEY_EXPERIMENTS, "PATH", 0, "A JSON file or a folder of them (default harness/experiments)", 0},
    {"workers", KEY_WORKERS, "W", 0,
     "Processes that measure at once, with one thread each; 0: one trial at a time (default: by the trials' work and memory). No "
     "record depends on it",
     0},
    {"live", KEY_LIVE, NULL, 0, "Profile quick: run every experiment that has this profile, and make no shipped records again", 0},
    {"shipped", KEY_SHIPPED, "DIR", 0, "Profile quick: where shipped records are (default results/reference)", 0},
    {"minutes", KEY_MINUTES, "M", 0,
     "Profile quick: how long shipped records may be made again (default 5); at least one of each experiment is", 0},
    {"plan", KEY_PLAN, NULL, 0, "Only print stages, trials, what is stored, and the time that the rest takes", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    run_options *o = where;
    switch (key) {
    case KEY_PROFILE:
        o->profile = value;
        return NLG_OK;
    case KEY_RESULTS:
        o->results = value;
        return NLG_OK;
    case KEY_EXPERIMENTS:
        o->experiments = value;
        return NLG_OK;
    case KEY_SHIPPED:
        o->shipped = value;
        return NLG_OK;
    case KEY_LIVE:
        o->live = true;
        return NLG_OK;
    case KEY_MINUTES:
        return nlg_option_int("--minutes", value, 0, 100000, &o->minutes, err);
    case KEY_WORKERS:
        return nlg_option_int("--workers", value, 0, 1024, &o->workers, err);
    default:
        o->plan = true;
        return NLG_OK;
    }
}

/* Moves those that are named to the front; none named: all. */
static nlg_status choose(const nlg_invocation *call, nlg_experiment *experiments, int count, int *chosen, nlg_error *err) {
    *chosen = call->n_arguments ? 0 : count;
    for (int a = 0; a < call->n_arguments; a++) {
        nlg_nearest nearest = {.wanted = call->arguments[a]};
        int found = 0;
        while (found < count && strcmp(experiments[found].id, call->arguments[a]) != 0)
            nlg_nearest_try(&nearest, experiments[found++].id);
        if (found == count) {
            const char *near = nlg_nearest_name(&nearest);
            return nlg_fail(err, NLG_ERR_INPUT, "no such experiment: '%s'; %s%s%s; nothing was run", call->arguments[a],
                            near ? "did you mean '" : "the files' \"id\" names them", near ? near : "", near ? "'?" : "");
        }
        if (found < *chosen) continue; /* named twice */
        nlg_experiment moved = experiments[found];
        memmove(&experiments[*chosen + 1], &experiments[*chosen], (size_t)(found - *chosen) * sizeof moved);
        experiments[(*chosen)++] = moved;
    }
    return NLG_OK;
}

static void tell(const run_options *o, const nlg_execution_summary *s) {
    if (s->stored == s->trials)
        printf("profile %s: all %d trials were done already, in %s\n", o->profile, s->trials, o->results);
    else
        printf("profile %s: %d of %d trials done, in %s\n", o->profile, s->done, s->trials, o->results);
}

static nlg_status execute(nlg_execution *e, const run_options *o, nlg_error *err) {
    char path[4096];
    nlg_execution_summary summary = {0};
    NLG_TRY(nlg_results_path(o->results, path, sizeof path, err));
    NLG_TRY(nlg_results_open(o->results, NLG_STORE_WRITE, &e->store, err));
    e->lab->store = e->store;
    e->lab->store_path = path;
    nlg_status status = nlg_lab_start(e->lab, e->lab->settings->threads, err);
    if (status == NLG_OK) status = nlg_execute(e, &summary, err);
    if (status == NLG_OK) tell(o, &summary);
    if (status == NLG_ERR_INTERRUPTED)
        fprintf(stderr, "%d of %d trials are kept in %s; the same command continues\n", summary.done, summary.trials, o->results);
    return status;
}

static nlg_status plan(nlg_execution *e, const run_options *o, const nlg_quick *quick, bool json, nlg_error *err) {
    char path[4096];
    nlg_plan_row rows[1 + NLG_QUICK_TABLES];
    NLG_TRY(nlg_results_path(o->results, path, sizeof path, err));
    if (nlg_file_exists(path)) NLG_TRY(nlg_store_open(path, NLG_STORE_READ, &e->store, err));
    e->more = rows;
    e->n_more = quick ? nlg_quick_plan(quick, rows) : 0;
    return nlg_execution_print(e, json, err);
}

/* The store is let go before shipped records are made again by other processes. */
static nlg_status execute_quick(nlg_execution *e, const run_options *o, nlg_quick *quick, nlg_error *err) {
    nlg_status status = execute(e, o, err);
    if (status != NLG_OK || !quick) return status;
    nlg_store_close(e->store);
    e->store = e->lab->store = NULL;
    status = nlg_quick_run(quick, err);
    if (status == NLG_ERR_INTERRUPTED)
        fprintf(stderr, "what was made again is noted in %s; the same command continues\n", o->results);
    return status;
}

/* Of those that were chosen, with an empty store. */
static nlg_status check_claims(const nlg_experiment *experiments, int count, nlg_error *err) {
    char published[4096];
    nlg_query *query;
    const bool found = nlg_share_path("results/published", published, sizeof published);
    NLG_TRY(nlg_query_open(NULL, found ? published : NULL, &query, err));
    nlg_status status = NLG_OK;
    for (int i = 0; i < count && status == NLG_OK; i++)
        status = nlg_claims_check(experiments[i].path, experiments[i].id, experiments[i].document, query, err);
    nlg_query_close(query);
    return status;
}

/* Experiments that were named, or come from elsewhere, simply run. */
static bool checks_shipped(const nlg_invocation *call) {
    const run_options *o = call->options;
    return strcmp(o->profile, "quick") == 0 && !o->live && !call->n_arguments && (o->shipped || !o->experiments);
}

static nlg_status run_chosen(const nlg_invocation *call, nlg_execution *e, nlg_experiment *experiments, nlg_error *err) {
    const run_options *o = call->options;
    static nlg_quick room; /* large */
    nlg_quick *quick = checks_shipped(call) ? &room : NULL;
    nlg_status status = NLG_OK;
    char shipped[4096] = "";
    if (quick) {
        status = nlg_quick_open(o->shipped, o->results, 60.0 * o->minutes, e->lab, quick, err);
        if (status == NLG_OK) status = nlg_quick_choose(experiments, e, err);
    } else if (strcmp(o->profile, NLG_SHIPPED_PROFILE) == 0) {
        status = nlg_shipped_open(NULL, o->results, shipped, sizeof shipped, err);
    }
    e->shipped = quick ? quick->shipped : shipped;
    if (status == NLG_OK) status = o->plan ? plan(e, o, quick, call->settings.json, err) : execute_quick(e, o, quick, err);
    if (quick) nlg_quick_close(quick);
    return status;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const run_options *o = call->options;
    nlg_lab lab;
    nlg_experiment *experiments;
    char shared[4096];
    int count;
    nlg_execution e = {.lab = &lab, .profile = o->profile, .workers = o->workers};
    const char *where = o->experiments;
    if (!where) {
        nlg_share_path("harness/experiments", shared, sizeof shared);
        where = shared;
    }
    if (strcmp(o->profile, "quick") != 0 && (o->live || o->shipped))
        return nlg_fail(err, NLG_ERR_INPUT, "%s is for the profile quick, found %s", o->live ? "--live" : "--shipped", o->profile);
    int rank, processes;
    NLG_TRY(nlg_ranks_open(&rank, &processes, err));
    if (processes > 1 && o->workers > 0)
        return nlg_fail(err, NLG_ERR_INPUT, "--workers: mpirun says how many measure at once; give one of the two");
    e.ranks = o->plan ? 0 : processes - 1;
    nlg_lab_open(&lab, &call->settings);
    nlg_interrupt_watch();
    NLG_TRY(nlg_ranks_agree("lineage run", err));
    if (rank > 0) {
        nlg_status served = nlg_execute_serve(&lab, err);
        nlg_lab_close(&lab);
        nlg_ranks_close();
        return served;
    }
    nlg_status status = nlg_experiments_load(where, o->profile, &experiments, &count, err);
    if (status == NLG_OK) status = choose(call, experiments, count, &e.count, err);
    if (status == NLG_OK) status = check_claims(experiments, e.count, err);
    e.experiments = experiments;
    if (status == NLG_OK) status = run_chosen(call, &e, experiments, err);
    nlg_lab_close(&lab);
    nlg_store_close(e.store);
    nlg_experiments_free(experiments, count);
    nlg_ranks_close();
    return status;
}

const nlg_command nlg_command_run = {
    .name = "run",
    .summary = "Run the experiments of a profile; a stopped run continues",
    .arguments = "[EXPERIMENT...]",
    .max_arguments = -1,
    .help = "Results are stored one by one; what the store has is not done again. The profile quick runs the cheapest claims "
            "with seeds of its own and makes a sample of the shipped records again, picked by --seed and by what each took where "
            "it was made. "
            "Built with MPI (make WITH_MPI=1), `mpirun -n K "
            "lineage "
            "run ...` measures on K - 1 processes while the first keeps the store, with the same records.\n\nExamples:\n  lineage "
            "run --profile smoke "
            "--plan\n  "
            "lineage run --profile smoke\n  lineage run human-vs-searched --profile quick --threads 2",
    .options = options,
    .shared = NLG_TAKES_EXEC | NLG_TAKES_JSON | NLG_TAKES_SEED,
    .defaults = &(const run_options){.profile = "quick", .results = "results/local", .workers = -1, .minutes = 5},
    .options_size = sizeof(run_options),
    .option = option,
    .run = run,
};
