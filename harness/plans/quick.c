/* Choosing and checking for the profile quick. */
#include "harness/plans/quick.h"

#include <dirent.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/query/results_store.h"
#include "harness/plans/shipped.h"
#include "harness/progress.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/share.h"

/* ---- what runs here ---------------------------------------------------------------------------------------------------- */

enum {
    LIVE_CLAIMS = 5,
    LIVE_SECONDS = 150, /* of one thread, by the measures' pace */
    TABLE_ROWS = 4,
};

typedef struct candidate {
    nlg_experiment experiment;
    double seconds;
    int claims;
} candidate;

static int by_seconds(const void *x, const void *y) {
    const candidate *a = x, *b = y;
    if ((a->claims > 0) != (b->claims > 0)) return a->claims > 0 ? 1 : -1;
    const int order = (a->seconds > b->seconds) - (a->seconds < b->seconds);
    return order ? order : strcmp(a->experiment.id, b->experiment.id);
}

static int count_chosen(const candidate *all, int count) {
    double seconds = 0;
    int claims = 0, chosen = 0;
    for (; chosen < count; chosen++) {
        const candidate *c = &all[chosen];
        if (!c->claims) continue;
        if (claims >= LIVE_CLAIMS && seconds + c->seconds > LIVE_SECONDS) break;
        seconds += c->seconds;
        claims += c->claims;
    }
    return chosen;
}

nlg_status nlg_quick_choose(nlg_experiment *experiments, nlg_execution *e, nlg_error *err) {
    candidate *all = nlg_alloc((size_t)e->count + 1, sizeof *all);
    double *seconds = nlg_alloc((size_t)e->count + 1, sizeof *seconds);
    nlg_status status = all && seconds ? NLG_OK : nlg_fail_memory(err, (size_t)e->count * sizeof *all, "the plan");
    if (status == NLG_OK) status = nlg_execution_work(e, seconds, err);
    if (status == NLG_OK) {
        for (int i = 0; i < e->count; i++) {
            const cJSON *claims = cJSON_GetObjectItemCaseSensitive(experiments[i].document, "claims");
            all[i] = (candidate){.experiment = experiments[i],
                                 .seconds = seconds[i],
                                 .claims = experiments[i].n_stages ? cJSON_GetArraySize(claims) : 0};
        }
        qsort(all, (size_t)e->count, sizeof *all, by_seconds);
        for (int i = 0; i < e->count; i++) experiments[i] = all[i].experiment;
        e->count = count_chosen(all, e->count);
    }
    nlg_free(all);
    nlg_free(seconds);
    return status;
}

/* ---- what is made again ------------------------------------------------------------------------------------------------ */

static int is_json(const struct dirent *entry) {
    return fnmatch("*.json", entry->d_name, 0) == 0;
}

static void find_tables(const char *from, nlg_quick *q) {
    char folder[900] = "", shared[4096];
    struct dirent **names = NULL;
    if (from)
        snprintf(folder, sizeof folder, "%.800s/../tables", from);
    else if (nlg_share_path("results/tables", shared, sizeof shared))
        snprintf(folder, sizeof folder, "%.800s", shared);
    const int count = *folder ? scandir(folder, &names, is_json, alphasort) : -1;
    for (int i = 0; i < count; i++) {
        if (q->n_tables < NLG_QUICK_TABLES && strlen(names[i]->d_name) < 100)
            snprintf(q->tables[q->n_tables++], sizeof *q->tables, "%s/%.*s", folder, (int)strlen(names[i]->d_name) - 5,
                     names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

static void name_row(int row, int seed, char name[64]) {
    snprintf(name, 64, "row %d seed %d", row, seed);
}

static bool is_known(void *context, const nlg_table_facts *facts, int row, int seed) {
    const nlg_quick *q = context;
    char name[64];
    name_row(row, seed, name);
    return nlg_verification_is_noted(q->notes, name, facts->file_digest);
}

static nlg_status note_row(void *context, const nlg_table_facts *facts, int row, const char *genotype, const nlg_table_row *trained,
                           const char *differs, nlg_error *err) {
    const nlg_quick *q = context;
    char name[64];
    name_row(row, trained->seed, name);
    fprintf(stderr, "table %s, %s, seed %d: trained again: %s%s (%.1f s)\n", facts->space, genotype, trained->seed,
            *differs ? "DIFFERS in " : "the same bits", differs, trained->seconds);
    return nlg_verification_note(q->notes, name, facts->file_digest, differs, err);
}

static nlg_table_rows rows_of(const nlg_quick *q, int table) {
    return (nlg_table_rows){.path = q->tables[table],
                            .rows = TABLE_ROWS,
                            .settings = q->settings,
                            .skip = is_known,
                            .done = note_row,
                            .context = (void *)(uintptr_t)q};
}

nlg_status nlg_quick_open(const char *from, const char *results, double most_seconds, nlg_lab *lab, nlg_quick *q, nlg_error *err) {
    char store[4096];
    *q = (nlg_quick){.settings = lab->settings};
    NLG_TRY(nlg_shipped_open(from, results, q->shipped, sizeof q->shipped, err));
    NLG_TRY(nlg_results_path(results, store, sizeof store, err));
    NLG_TRY(nlg_verifications_path(*q->shipped ? q->shipped : store, q->notes, sizeof q->notes, err));
    q->job = (nlg_recheck_job){.lab = lab, .shipped = q->shipped, .seed = lab->settings->seed, .most_seconds = most_seconds};
    if (*q->shipped) NLG_TRY(nlg_recheck_pick(&q->job, &q->sample, err));
    find_tables(from, q);
    for (int i = 0; i < q->n_tables; i++) {
        const nlg_table_rows rows = rows_of(q, i);
        NLG_TRY(nlg_table_rows_plan(&rows, &q->rows[i], &q->rows_seconds[i], err));
    }
    return NLG_OK;
}

void nlg_quick_close(nlg_quick *q) {
    nlg_recheck_free(&q->sample);
}

int nlg_quick_plan(const nlg_quick *q, nlg_plan_row *rows) {
    const double threads = q->settings->threads;
    int n = 0;
    if (*q->shipped)
        rows[n++] = (nlg_plan_row){.experiment = "shipped records",
                                   .stage = "made again",
                                   .measure = "verify",
                                   .trials = q->sample.count,
                                   .stored = q->sample.known,
                                   .seconds = q->sample.seconds_left / threads};
    for (int i = 0; i < q->n_tables; i++)
        rows[n++] = (nlg_plan_row){.experiment = "shipped table",
                                   .stage = "rows trained again",
                                   .measure = "verify",
                                   .trials = q->rows[i].rows,
                                   .stored = q->rows[i].skipped,
                                   .seconds = q->rows_seconds[i] / threads};
    return n;
}

static nlg_status run_tables(nlg_quick *q, nlg_error *err) {
    for (int i = 0; i < q->n_tables; i++) {
        const nlg_table_rows rows = rows_of(q, i);
        NLG_TRY(nlg_table_rows_check(&rows, &q->rows[i], err));
    }
    return NLG_OK;
}

nlg_status nlg_quick_run(nlg_quick *q, nlg_error *err) {
    if (*q->shipped) {
        fprintf(stderr, "shipped records: %d of them are made again, a sample of seed %" PRIu64 " (--seed picks others)\n",
                q->sample.count, q->settings->seed);
        NLG_TRY(nlg_recheck_run(&q->job, &q->sample, err));
    } else {
        fprintf(stderr, "shipped records: there are none; only what runs here is shown\n");
    }
    return run_tables(q, err);
}
