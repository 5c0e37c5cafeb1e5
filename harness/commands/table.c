/* lineage table: trains every architecture of a small space, and checks rows of such a table by training them again. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/command.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/progress.h"
#include "harness/query/stats.h"
#include "harness/commands/training_options.h"
#include "harness/plans/table_plan.h"
#include "harness/plans/table_rows.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/share.h"
#include "search/evaluators/own_table.h"
#include "search/table_file.h"

typedef struct table_options {
    const char *out, *results;
    nlg_training_options training;
    int seeds, limit, rows, workers;
} table_options;

static const table_options defaults = {
    .training = {.data = "fashion-mnist", .dataset = {.train_limit = 5000, .validation = 5000}, .epochs = 4, .batch = 32, .lr = -1},
    .results = "results/local",
    .seeds = 3,
    .rows = 20,
    .workers = -1,
};

enum { KEY_OUT = 0x100, KEY_RESULTS, KEY_SEEDS, KEY_LIMIT, KEY_ROWS, KEY_WORKERS };
static const struct argp_option options[] = {
    {"out", KEY_OUT, "PATH", 0, "build: the files' names without endings (default results/tables/SPACE)", 0},
    {"results", KEY_RESULTS, "DIR", 0, "build: where its trials are kept (default results/local)", 0},
    {"workers", KEY_WORKERS, "W", 0,
     "build: train W at once in processes of their own (default: the threads, as far as memory allows)", 0},
    {"seeds", KEY_SEEDS, "N", 0, "build: trainings of each architecture (default 3)", 0},
    {"limit", KEY_LIMIT, "N", 0, "build: only N architectures, evenly over the space; for trials", 0},
    {"rows", KEY_ROWS, "N", 0, "verify: how many rows to train again (default 20)", 0},
    NLG_OPTION_DATA(1),
    {"train-images", NLG_KEY_TRAIN_IMAGES, "N", 0, "Use the first N of the permuted training images (default 5000)", 1},
    {"validation-images", NLG_KEY_VALIDATION_IMAGES, "N", 0, "Images cut from training to score with (default 5000)", 1},
    NLG_OPTION_SPLIT_SEED(1),
    {"epochs", NLG_KEY_EPOCHS, "E", 0, "Epochs per training (default 4)", 1},
    {"batch", NLG_KEY_BATCH, "B", 0, "Images per training step (default 32)", 1},
    {"lr", NLG_KEY_LR, "X", 0, "Highest learning rate (default 0.1)", 1},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    table_options *o = where;
    if (nlg_is_training_option(key)) return nlg_training_option(&o->training, key, value, err);
    switch (key) {
    case KEY_OUT:
        o->out = value;
        return NLG_OK;
    case KEY_RESULTS:
        o->results = value;
        return NLG_OK;
    case KEY_SEEDS:
        return nlg_option_int("--seeds", value, 1, NLG_TABLE_SEEDS, &o->seeds, err);
    case KEY_LIMIT:
        return nlg_option_int("--limit", value, 1, 1000000, &o->limit, err);
    case KEY_ROWS:
        return nlg_option_int("--rows", value, 1, 1000000, &o->rows, err);
    default:
        return nlg_option_int("--workers", value, 1, 256, &o->workers, err);
    }
}

/* ---- build ------------------------------------------------------------------------------------------------------------- */

/* Kendall's tau of the last validation accuracies between every two seeds: how much of the order is noise. */
static nlg_status lowest_tau(const nlg_table_file *file, int seeds, int epochs, double *lowest, nlg_error *err) {
    const int rows = nlg_table_file_rows(file);
    double *values = nlg_alloc((size_t)(rows * seeds) + 1, sizeof *values);
    nlg_status status = values ? NLG_OK : nlg_fail_memory(err, (size_t)(rows * seeds) * sizeof *values, "the accuracies");
    for (int seed = 0; status == NLG_OK && seed < seeds; seed++) {
        char header[32];
        int column;
        snprintf(header, sizeof header, "val_s%d_e%d", seed + 1, epochs);
        status = nlg_table_file_find(file, header, &column, err);
        for (int row = 0; status == NLG_OK && row < rows; row++)
            status = nlg_table_file_number(file, row, column, &values[seed * rows + row], err);
    }
    *lowest = 1;
    for (int a = 0; status == NLG_OK && a < seeds; a++) {
        for (int b = a + 1; status == NLG_OK && b < seeds; b++) {
            nlg_correlation c;
            status = nlg_rank_correlation(values + a * rows, values + b * rows, (size_t)rows, &c, err);
            if (status == NLG_OK && !(c.kendall_tau_b >= *lowest)) *lowest = c.kendall_tau_b;
        }
    }
    nlg_free(values);
    return status;
}

static nlg_status print_built(const nlg_invocation *call, const char *path, const nlg_table_recipe *r, const char *digest,
                              nlg_error *err) {
    char *name;
    nlg_table_file *file;
    double tau;
    NLG_TRY(nlg_table_path(path, ".csv.gz", &name, err));
    nlg_status status = nlg_table_file_open(name, &file, err);
    if (status == NLG_OK) {
        status = lowest_tau(file, r->seeds, r->recipe.epochs, &tau, err);
        const int rows = nlg_table_file_rows(file);
        nlg_table_file_close(file);
        if (status == NLG_OK && call->settings.json) {
            cJSON *o = cJSON_CreateObject();
            nlg_json_text(o, "space", r->space->name);
            nlg_json_text(o, "file", name);
            nlg_json_number(o, "rows", rows);
            nlg_json_number(o, "seeds", r->seeds);
            nlg_json_number(o, "lowest_tau", r->seeds > 1 ? tau : (double)NAN);
            nlg_json_text(o, "digest", digest);
            status = nlg_json_print(o, err);
        } else if (status == NLG_OK) {
            printf("%s: %d architectures of space %s, %d seeds\n", name, rows, r->space->name, r->seeds);
            if (r->seeds > 1) printf("Kendall's tau between two seeds, the lowest: %.3f\n", tau);
            printf("digest %s\n", digest);
        }
    }
    nlg_free(name);
    return status;
}

/* Before any training. */
static nlg_status check_path(const table_options *o, const char *path, nlg_error *err) {
    char *name;
    if (!o->out) NLG_TRY(nlg_folder_create("results/tables", err));
    NLG_TRY(nlg_table_path(path, ".csv.gz", &name, err));
    nlg_status status = nlg_file_probe(name, err);
    nlg_free(name);
    return status;
}

static nlg_status build(const nlg_invocation *call, nlg_error *err) {
    const table_options *o = call->options;
    char path[4096], digest[65];
    if (o->training.epochs > NLG_TABLE_EPOCHS)
        return nlg_fail(err, NLG_ERR_INPUT, "--epochs: a table has at most %d, found %d", NLG_TABLE_EPOCHS, o->training.epochs);
    nlg_space space = {0};
    nlg_execution_summary summary;
    const nlg_table_build_options how = {.settings = &call->settings,
                                         .data = o->training.data,
                                         .recipe = {.space = &space,
                                                    .data = o->training.dataset,
                                                    .recipe = nlg_training_recipe(&o->training),
                                                    .seeds = o->seeds,
                                                    .limit = o->limit},
                                         .path = path,
                                         .results = o->results,
                                         .workers = o->workers};
    snprintf(path, sizeof path, "%s%s", o->out ? o->out : "results/tables/", o->out ? "" : call->arguments[1]);
    nlg_interrupt_watch();
    nlg_status status = nlg_space_open(call->arguments[1], &space, err);
    if (status == NLG_OK) status = nlg_table_check(&how.recipe, err);
    if (status == NLG_OK) status = check_path(o, path, err);
    if (status == NLG_OK) status = nlg_table_build(&how, digest, &summary, err);
    if (status == NLG_OK) status = print_built(call, path, &how.recipe, digest, err);
    if (status == NLG_ERR_INTERRUPTED)
        fprintf(stderr, "%d of %d trials are kept in %s; the same command continues\n", summary.done, summary.trials, o->results);
    nlg_space_close(&space);
    return status;
}

/* ---- verify ------------------------------------------------------------------------------------------------------------ */

typedef struct listing {
    cJSON *rows;
} listing;

static nlg_status show_row(void *context, const nlg_table_facts *facts, int row, const char *genotype, const nlg_table_row *trained,
                           const char *differs, nlg_error *err) {
    const listing *l = context;
    (void)facts, (void)row, (void)err;
    if (l->rows) {
        cJSON *item = nlg_json_object_in(l->rows);
        nlg_json_text(item, "arch", genotype);
        nlg_json_number(item, "seed", trained->seed);
        cJSON_AddBoolToObject(item, "same", !*differs);
        nlg_json_text(item, "differs", *differs ? differs : NULL);
        nlg_json_number(item, "seconds", trained->seconds);
        return NLG_OK;
    }
    printf("%s  seed %d  %-36s %.1f s%s%s\n", *differs ? "DIFFERS" : "same   ", trained->seed, genotype, trained->seconds,
           *differs ? "  " : "", differs);
    fflush(stdout);
    return NLG_OK;
}

/* Of a space: the table that was built here, else the one that comes with the program. */
static void path_of(const char *what, char *path, size_t size) {
    char name[128], shared[4000];
    const bool is_space = nlg_space_find(what) != NULL;
    snprintf(path, size, "%s%s", is_space ? "results/tables/" : "", what);
    if (!is_space) return;
    snprintf(name, sizeof name, "results/tables/%.64s.json", what);
    if (nlg_file_exists(name) || !nlg_share_path(name, shared, sizeof shared)) return;
    snprintf(path, size, "%.*s", (int)(strlen(shared) - strlen(".json")), shared);
}

static nlg_status verify(const nlg_invocation *call, nlg_error *err) {
    const table_options *o = call->options;
    char path[4096];
    listing l = {call->settings.json ? cJSON_CreateArray() : NULL};
    const nlg_table_rows check = {.path = path,
                                  .data = o->training.data != defaults.training.data ? o->training.data : NULL,
                                  .rows = o->rows,
                                  .settings = &call->settings,
                                  .done = show_row,
                                  .context = &l};
    nlg_table_rows_summary s;
    path_of(call->arguments[1], path, sizeof path);
    nlg_interrupt_watch();
    nlg_status status = nlg_table_rows_check(&check, &s, err);
    const bool stopped = status == NLG_ERR_INTERRUPTED;
    if (l.rows && (status == NLG_OK || stopped)) {
        nlg_status printed = nlg_json_print(l.rows, err);
        if (printed != NLG_OK) return printed;
    } else {
        cJSON_Delete(l.rows);
    }
    if (stopped && !s.differ)
        return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped: %d of %d rows checked%s", s.done, s.rows,
                        s.done ? ", which have the same bits" : "");
    if (status != NLG_OK && !stopped) return status;
    if (s.differ) return nlg_fail(err, NLG_ERR_CHECK, "%d of %d rows differ", s.differ, s.done);
    if (!call->settings.json)
        printf("%d of %d rows have the same bits; the files have the digests that the .json file tells\n", s.done, s.done);
    return NLG_OK;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    if (strcmp(call->arguments[0], "build") == 0) return build(call, err);
    if (strcmp(call->arguments[0], "verify") == 0) return verify(call, err);
    return nlg_fail(err, NLG_ERR_INPUT, "expected build or verify, found '%s'", call->arguments[0]);
}

const nlg_command nlg_command_table = {
    .name = "table",
    .summary = "Train every architecture of a small space, or check such a table",
    .arguments = "build SPACE | verify SPACE|PATH",
    .min_arguments = 2,
    .max_arguments = 2,
    .help =
        "build trains all architectures of a space with several seeds. Each training is a trial that the store keeps: what was "
        "stopped or killed continues by the same command. It writes PATH.csv.gz (validation accuracy after each epoch, seconds, "
        "digests), PATH-test.csv.gz and PATH.json (how). verify compares both files with the digests in PATH.json, runs the "
        "trials of random rows again (--seed picks others) and fails unless they have the same bits.\n\n"
        "Examples:\n  lineage table build lineage --limit 4 --epochs 1 --train-images 500 --out /tmp/small\n"
        "  lineage table verify /tmp/small --rows 2\n"
        "  lineage search --space lineage --evaluator table --table /tmp/small.csv.gz --budget 10",
    .options = options,
    .shared = NLG_TAKES_THREADS | NLG_TAKES_ISA | NLG_TAKES_BACKEND | NLG_TAKES_SEED | NLG_TAKES_JSON,
    .defaults = &defaults,
    .options_size = sizeof(table_options),
    .option = option,
    .run = run,
};
