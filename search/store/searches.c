/* The searches of the store: runs by their identity, and their trials. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/cpu.h"
#include "layers/base/memory.h"
#include "layers/kernels/exec.h"
#include "search/store/store_internal.h"

/* --- runs --------------------------------------------------------------------------------------------------------- */

static void bind_identity(sqlite3_stmt *statement, const nlg_run_identity *identity) {
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, identity->seed);
    nlg_store_bind_text(statement, 1, identity->space);
    nlg_store_bind_text(statement, 2, identity->strategy);
    nlg_store_bind_text(statement, 3, identity->strategy_options);
    nlg_store_bind_text(statement, 4, identity->evaluator);
    nlg_store_bind_text(statement, 5, identity->evaluator_config);
    nlg_store_bind_text(statement, 6, identity->objective);
    sqlite3_bind_int(statement, 7, identity->batch);
    nlg_store_bind_text(statement, 8, seed);
    sqlite3_bind_int(statement, 9, NLG_NUMERICS_VERSION);
}

static nlg_status find_or_make_run(nlg_store *store, const nlg_run_identity *identity, int budget, nlg_error *err) {
    static const char sql[] =
        "INSERT INTO runs (space, strategy, strategy_options, evaluator, evaluator_config, objective, batch,"
        " seed, numerics_version, budget, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, " NLG_STORE_NOW ")"
        " ON CONFLICT DO UPDATE SET budget = max(budget, excluded.budget) RETURNING id";
    const char *doing = "entering the run";
    sqlite3_stmt *statement;
    NLG_TRY(nlg_store_prepare(store, sql, &statement, doing, err));
    bind_identity(statement, identity);
    sqlite3_bind_int(statement, 10, budget);
    nlg_status status = NLG_OK;
    if (sqlite3_step(statement) == SQLITE_ROW) store->run = sqlite3_column_int64(statement, 0);
    if (sqlite3_reset(statement) != SQLITE_OK) status = nlg_store_fail(store, doing, err);
    sqlite3_finalize(statement);
    return status;
}

static nlg_status open_session(nlg_store *store, const nlg_session_facts *facts, nlg_error *err) {
    static const char sql[] = "INSERT INTO sessions (run, commit_id, compiler, flags, isa, threads, cpu, cores, started)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, " NLG_STORE_NOW ")";
    const char *doing = "entering the session";
    const char *const texts[] = {facts->commit, facts->compiler, facts->flags, facts->isa};
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    sqlite3_stmt *statement;
    NLG_TRY(nlg_store_prepare(store, sql, &statement, doing, err));
    sqlite3_bind_int64(statement, 1, store->run);
    for (int i = 0; i < 4; i++) nlg_store_bind_text(statement, i + 2, texts[i] ? texts[i] : "unknown");
    sqlite3_bind_int(statement, 6, facts->threads);
    nlg_store_bind_text(statement, 7, cpu.model);
    sqlite3_bind_int(statement, 8, cpu.cores);
    nlg_status status = nlg_store_finish(store, statement, doing, err);
    store->session = sqlite3_last_insert_rowid(store->database);
    return status;
}

nlg_status nlg_store_begin(nlg_store *store, const nlg_run_identity *identity, int budget, const nlg_session_facts *facts,
                           int64_t *run, nlg_error *err) {
    NLG_TRY(nlg_store_execute(store, "BEGIN IMMEDIATE", "entering the run", err));
    nlg_status status = find_or_make_run(store, identity, budget, err);
    if (status == NLG_OK) status = open_session(store, facts, err);
    if (status == NLG_OK) status = nlg_store_execute(store, "COMMIT", "entering the run", err);
    if (status != NLG_OK) sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    *run = store->run;
    return status;
}

nlg_status nlg_store_runs(nlg_store *store, nlg_status (*visit)(void *context, const nlg_run_row *run), void *context,
                          nlg_error *err) {
    static const char sql[] =
        "SELECT id, space, strategy, strategy_options, evaluator, evaluator_config, objective, batch, runs.seed, numerics_version,"
        " runs.budget, runs.created, count(number), total(is_repeat), total(status = 'done') FROM runs LEFT JOIN trials ON run = id"
        " GROUP BY id ORDER BY id";
    const char *doing = "reading the runs";
    sqlite3_stmt *s;
    NLG_TRY(nlg_store_prepare(store, sql, &s, doing, err));
    nlg_status status = NLG_OK;
    bool more;
    while (status == NLG_OK && (status = nlg_store_step(store, s, &more, doing, err)) == NLG_OK && more) {
        nlg_run_row row = {
            .id = sqlite3_column_int64(s, 0),
            .identity = {.space = nlg_store_column_text(s, 1),
                         .strategy = nlg_store_column_text(s, 2),
                         .strategy_options = nlg_store_column_text(s, 3),
                         .evaluator = nlg_store_column_text(s, 4),
                         .evaluator_config = nlg_store_column_text(s, 5),
                         .objective = nlg_store_column_text(s, 6),
                         .batch = sqlite3_column_int(s, 7),
                         .seed = strtoull(nlg_store_column_text(s, 8), NULL, 10)},
            .numerics_version = sqlite3_column_int(s, 9),
            .budget = sqlite3_column_int(s, 10),
            .created = nlg_store_column_text(s, 11),
            .trials = sqlite3_column_int(s, 12),
            .repeats = sqlite3_column_int(s, 13),
            .done = sqlite3_column_int(s, 14),
        };
        status = visit(context, &row);
    }
    sqlite3_finalize(s);
    return status;
}

/* --- trials ------------------------------------------------------------------------------------------------------- */

static void code_to_text(const nlg_code *code, char text[NLG_GENOTYPE_MAX]) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < code->length; i++) {
        used += (size_t)snprintf(text + used, NLG_GENOTYPE_MAX - used, "%s%d", i ? "," : "", code->value[i]);
    }
}

static bool code_from_text(const char *text, nlg_code *code) {
    *code = (nlg_code){0};
    while (code->length < NLG_CODE_MAX) {
        char *end;
        errno = 0;
        long value = strtol(text, &end, 10);
        if (end == text || errno || value < INT16_MIN || value > INT16_MAX) return false;
        code->value[code->length++] = (int16_t)value;
        if (*end == '\0') return true;
        if (*end != ',') return false;
        text = end + 1;
    }
    return false;
}

nlg_status nlg_store_append(nlg_store *store, const nlg_trial *trial, const char *genotype, nlg_error *err) {
    static const char sql[] =
        "INSERT INTO trials VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,"
        " ?22, " NLG_STORE_NOW ")";
    char doing[48], code[NLG_GENOTYPE_MAX];
    snprintf(doing, sizeof doing, "storing trial %d", trial->number);
    if (!store->append) NLG_TRY(nlg_store_prepare(store, sql, &store->append, doing, err));
    sqlite3_stmt *s = store->append;
    code_to_text(&trial->code, code);
    sqlite3_bind_int64(s, 1, store->run);
    sqlite3_bind_int(s, 2, trial->number);
    nlg_store_bind_text(s, 3, genotype);
    nlg_store_bind_text(s, 4, code);
    nlg_store_bind_text(s, 5, trial->hash);
    sqlite3_bind_int(s, 6, trial->is_repeat);
    sqlite3_bind_int64(s, 7, (int64_t)trial->seed);
    sqlite3_bind_double(s, 8, trial->budget);
    nlg_store_bind_text(s, 9, nlg_trial_status_name(trial->status));
    sqlite3_bind_double(s, 10, trial->score);
    sqlite3_bind_int64(s, 11, trial->params);
    sqlite3_bind_int64(s, 12, trial->macs);
    sqlite3_bind_double(s, 13, trial->latency_ms);
    sqlite3_bind_double(s, 14, trial->cost);
    sqlite3_bind_double(s, 15, trial->reward);
    sqlite3_bind_int(s, 16, trial->budget_epochs);
    nlg_store_bind_text(s, 17, trial->digest);
    nlg_store_bind_text(s, 18, trial->message);
    sqlite3_bind_int64(s, 19, store->session);
    sqlite3_bind_double(s, 20, trial->overhead_seconds);
    sqlite3_bind_double(s, 21, trial->evaluation_seconds);
    sqlite3_bind_double(s, 22, trial->simulated_cost);
    nlg_status status = sqlite3_step(s) == SQLITE_DONE ? NLG_OK : nlg_store_fail(store, doing, err);
    sqlite3_reset(s);
    return status;
}

static void copy_text(char *to, size_t size, const char *from) {
    snprintf(to, size, "%s", from);
}

static bool status_from_name(const char *name, nlg_trial_status *status) {
    for (int i = 0; i < NLG_TRIAL_STATUS_COUNT; i++) {
        if (strcmp(name, nlg_trial_status_name((nlg_trial_status)i)) != 0) continue;
        *status = (nlg_trial_status)i;
        return true;
    }
    return false;
}

/* Columns in the order of TRIAL_COLUMNS. */
static bool read_trial(sqlite3_stmt *s, nlg_trial *trial) {
    const int64_t number = sqlite3_column_int64(s, 0);
    if (number < 0 || number >= INT32_MAX) return false;
    *trial = (nlg_trial){
        .number = (int)number,
        .is_repeat = sqlite3_column_int(s, 3) != 0,
        .seed = (uint64_t)sqlite3_column_int64(s, 4),
        .budget = sqlite3_column_double(s, 5),
        .score = sqlite3_column_double(s, 7),
        .params = sqlite3_column_int64(s, 8),
        .macs = sqlite3_column_int64(s, 9),
        .latency_ms = sqlite3_column_double(s, 10),
        .cost = sqlite3_column_double(s, 11),
        .reward = sqlite3_column_double(s, 12),
        .budget_epochs = sqlite3_column_int(s, 13),
        .overhead_seconds = sqlite3_column_double(s, 16),
        .evaluation_seconds = sqlite3_column_double(s, 17),
        .simulated_cost = sqlite3_column_double(s, 18),
    };
    copy_text(trial->hash, sizeof trial->hash, nlg_store_column_text(s, 2));
    copy_text(trial->digest, sizeof trial->digest, nlg_store_column_text(s, 14));
    copy_text(trial->message, sizeof trial->message, nlg_store_column_text(s, 15));
    return code_from_text(nlg_store_column_text(s, 1), &trial->code) &&
           status_from_name(nlg_store_column_text(s, 6), &trial->status);
}

static nlg_status damaged(const nlg_store *store, int64_t run, int64_t number, nlg_error *err) {
    return nlg_fail(err, NLG_ERR_INPUT,
                    "%s: the trial store is damaged: trial %" PRId64 " of run %" PRId64 " cannot be read; restore a copy or name "
                    "another file",
                    store->path, number, run);
}

#define TRIAL_COLUMNS                                                                                                              \
    "number, code, hash, is_repeat, trials.seed, trials.budget, status, score, params, macs, latency_ms, cost, reward, "           \
    "budget_epochs, digest, message, overhead_seconds, evaluation_seconds, simulated_cost"

nlg_status nlg_store_rows(nlg_store *store, int64_t run, nlg_status (*visit)(void *context, const nlg_trial_row *row),
                          void *context, nlg_error *err) {
    static const char sql[] = "SELECT " TRIAL_COLUMNS ", genotype, created, commit_id, compiler, flags, isa, threads, cpu, cores"
                              " FROM trials LEFT JOIN sessions ON session = id WHERE trials.run = ?1 ORDER BY number";
    const char *doing = "reading the trials";
    sqlite3_stmt *s;
    NLG_TRY(nlg_store_prepare(store, sql, &s, doing, err));
    sqlite3_bind_int64(s, 1, run);
    nlg_status status = NLG_OK;
    bool more;
    while (status == NLG_OK && (status = nlg_store_step(store, s, &more, doing, err)) == NLG_OK && more) {
        nlg_trial_row row;
        if (!read_trial(s, &row.trial)) {
            status = damaged(store, run, sqlite3_column_int64(s, 0), err);
            break;
        }
        row.genotype = nlg_store_column_text(s, 19);
        row.created = nlg_store_column_text(s, 20);
        row.session = (nlg_session_facts){.commit = nlg_store_column_text(s, 21),
                                          .compiler = nlg_store_column_text(s, 22),
                                          .flags = nlg_store_column_text(s, 23),
                                          .isa = nlg_store_column_text(s, 24),
                                          .threads = sqlite3_column_int(s, 25)};
        row.cpu = nlg_store_column_text(s, 26);
        row.cores = sqlite3_column_int(s, 27);
        status = visit(context, &row);
    }
    sqlite3_finalize(s);
    return status;
}

typedef struct trial_list {
    nlg_trial *trials;
    int count, room;
    nlg_error *err;
} trial_list;

static nlg_status add_to_list(void *context, const nlg_trial_row *row) {
    trial_list *list = context;
    nlg_trial *trials = nlg_grow(list->trials, &list->room, list->count, sizeof *trials);
    if (!trials) return nlg_fail_memory(list->err, (size_t)list->room * sizeof *trials, "the trials of the store");
    list->trials = trials;
    list->trials[list->count++] = row->trial;
    return NLG_OK;
}

nlg_status nlg_store_trials(nlg_store *store, int64_t run, nlg_trial **trials, int *count, nlg_error *err) {
    trial_list list = {.err = err};
    nlg_status status = nlg_store_rows(store, run, add_to_list, &list, err);
    if (status != NLG_OK) {
        nlg_free(list.trials);
        list = (trial_list){0};
    }
    *trials = list.trials;
    *count = list.count;
    return status;
}

/* Runs first, so that only the trials of those that fit are read. */
nlg_status nlg_store_find_result(nlg_store *store, const nlg_run_identity *identity, const nlg_trial *asked, nlg_trial *result,
                                 bool *found, nlg_error *err) {
    static const char sql[] =
        "SELECT " TRIAL_COLUMNS ", run FROM runs CROSS JOIN trials ON run = runs.id WHERE space = ?1 AND evaluator = ?2"
        " AND evaluator_config = ?3 AND numerics_version = ?4 AND hash = ?5 AND trials.seed = ?6 AND trials.budget = ?7"
        " AND status <> ?8 AND is_repeat = 0 ORDER BY run, number LIMIT 1";
    const char *doing = "looking for a result";
    sqlite3_stmt *s;
    *found = false;
    NLG_TRY(nlg_store_prepare(store, sql, &s, doing, err));
    nlg_store_bind_text(s, 1, identity->space);
    nlg_store_bind_text(s, 2, identity->evaluator);
    nlg_store_bind_text(s, 3, identity->evaluator_config);
    sqlite3_bind_int(s, 4, NLG_NUMERICS_VERSION);
    nlg_store_bind_text(s, 5, asked->hash);
    sqlite3_bind_int64(s, 6, (int64_t)asked->seed);
    sqlite3_bind_double(s, 7, asked->budget);
    nlg_store_bind_text(s, 8, nlg_trial_status_name(NLG_TRIAL_FAILED)); /* perhaps by a crash */
    bool row;
    nlg_status status = nlg_store_step(store, s, &row, doing, err);
    if (status == NLG_OK && row) {
        *found = read_trial(s, result);
        if (!*found) status = damaged(store, sqlite3_column_int64(s, 19), sqlite3_column_int64(s, 0), err);
    }
    sqlite3_finalize(s);
    return status;
}
