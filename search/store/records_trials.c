/* Trials of searches in files of records. */
#include "search/store/records_trials.h"

#include <math.h>
#include <string.h>

#include "layers/base/memory.h"

enum { MOST_RESTORED = 1 << 30 }; /* bytes: a file that restores to more was made to fill the memory */

static cJSON *history_of(const cJSON *record) {
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(record, "detail"), "history");
}

/* Takes the history. */
static nlg_status set_history(cJSON *record, cJSON *history, nlg_error *err) {
    const bool set = nlg_json_set(cJSON_GetObjectItemCaseSensitive(record, "detail"), "history", history);
    return set ? NLG_OK : nlg_fail_memory(err, 0, "the history of a search");
}

/* ---- writing ----------------------------------------------------------------------------------------------------------- */

nlg_status nlg_trial_numbers_open(nlg_store *store, nlg_trial_numbers *numbers, nlg_error *err) {
    static const char *const doing = "numbering trials";
    *numbers = (nlg_trial_numbers){.store = store};
    NLG_TRY(nlg_store_execute(
        store, "CREATE TEMP TABLE trial_numbers (trial TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID", doing, err));
    NLG_TRY(nlg_store_prepare(store, "INSERT OR IGNORE INTO trial_numbers VALUES (?1, ?2)", &numbers->insert, doing, err));
    return nlg_store_prepare(store, "SELECT number FROM trial_numbers WHERE trial = ?1", &numbers->find, doing, err);
}

void nlg_trial_numbers_close(nlg_trial_numbers *numbers) {
    sqlite3_finalize(numbers->insert);
    sqlite3_finalize(numbers->find);
    if (numbers->store) (void)nlg_store_execute(numbers->store, "DROP TABLE IF EXISTS trial_numbers", "numbering trials", NULL);
}

static nlg_status number_of(nlg_trial_numbers *n, const char *text, int *number, bool *is_new, nlg_error *err) {
    static const char *const doing = "numbering trials";
    bool found = false;
    nlg_store_bind_text(n->find, 1, text);
    nlg_status status = nlg_store_step(n->store, n->find, &found, doing, err);
    *is_new = !found;
    *number = found ? sqlite3_column_int(n->find, 0) : n->count;
    sqlite3_reset(n->find);
    if (status != NLG_OK || found) return status;
    nlg_store_bind_text(n->insert, 1, text);
    sqlite3_bind_int(n->insert, 2, n->count++);
    status = nlg_store_step(n->store, n->insert, &found, doing, err);
    sqlite3_reset(n->insert);
    return status;
}

/* Moves what is new from the history into `news`. */
static nlg_status put_all(nlg_trial_numbers *n, cJSON *history, cJSON *numbers, cJSON *news, nlg_error *err) {
    while (history->child) {
        cJSON *trial = cJSON_DetachItemViaPointer(history, history->child);
        char *text = NULL;
        int number = 0;
        bool is_new = false;
        nlg_status status = nlg_json_canonical(trial, &text, err);
        if (status == NLG_OK) status = number_of(n, text, &number, &is_new, err);
        nlg_free(text);
        cJSON *item = status == NLG_OK ? cJSON_CreateNumber(number) : NULL;
        if (status == NLG_OK && !cJSON_AddItemToArray(numbers, item)) status = nlg_fail_memory(err, 0, "a history");
        if (status == NLG_OK && is_new && cJSON_AddItemToArray(news, trial)) trial = NULL;
        cJSON_Delete(trial);
        NLG_TRY(status);
    }
    return NLG_OK;
}

nlg_status nlg_trial_numbers_put(nlg_trial_numbers *numbers, cJSON *record, cJSON **line, nlg_error *err) {
    cJSON *history = history_of(record), *list = NULL;
    const char *measure = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(record, "measure"));
    *line = NULL;
    if (!measure || strcmp(measure, "search") != 0 || !cJSON_IsArray(history) || !history->child) return NLG_OK;
    *line = cJSON_CreateObject();
    list = cJSON_CreateArray();
    cJSON *news = cJSON_AddArrayToObject(*line, "trials");
    nlg_status status = list && news ? put_all(numbers, history, list, news, err) : nlg_fail_memory(err, 0, "a history");
    if (status == NLG_OK)
        status = set_history(record, list, err);
    else
        cJSON_Delete(list);
    if (status == NLG_OK && news->child) return NLG_OK;
    cJSON_Delete(*line);
    *line = NULL;
    return status;
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

void nlg_trial_list_free(nlg_trial_list *list) {
    cJSON_Delete(list->lines);
    nlg_free(list->trials);
    *list = (nlg_trial_list){0};
}

static nlg_status add_trial(nlg_trial_list *list, const cJSON *trial, nlg_error *err) {
    char *text;
    struct nlg_listed_trial *more = nlg_grow(list->trials, &list->room, list->count, sizeof *more);
    if (!more) return nlg_fail_memory(err, sizeof *more, "trials");
    list->trials = more;
    NLG_TRY(nlg_json_canonical(trial, &text, err));
    more[list->count++] = (struct nlg_listed_trial){trial, strlen(text)};
    nlg_free(text);
    return NLG_OK;
}

nlg_status nlg_trial_list_add(nlg_trial_list *list, cJSON *line, const char **wrong, nlg_error *err) {
    cJSON *trials = cJSON_DetachItemFromObjectCaseSensitive(line, "trials");
    *wrong = cJSON_IsArray(trials) ? NULL : "trials that are no list";
    if (!list->lines) list->lines = cJSON_CreateArray();
    if (*wrong || !cJSON_AddItemToArray(list->lines, trials)) {
        cJSON_Delete(trials);
        return *wrong ? NLG_OK : nlg_fail_memory(err, 0, "trials");
    }
    for (const cJSON *trial = trials->child; trial && !*wrong; trial = trial->next) {
        if (!cJSON_IsObject(trial))
            *wrong = "a trial that is no object";
        else
            NLG_TRY(add_trial(list, trial, err));
    }
    return NLG_OK;
}

static nlg_status restore(nlg_trial_list *list, const cJSON *numbers, cJSON *history, const char **wrong, nlg_error *err) {
    for (const cJSON *n = numbers->child; n; n = n->next) {
        const double number = cJSON_IsNumber(n) ? n->valuedouble : -1;
        if (!(number >= 0 && number < list->count) || floor(number) != number) {
            *wrong = "a history with a trial that is in no line before it";
            return NLG_OK;
        }
        const struct nlg_listed_trial *t = &list->trials[(int)number];
        list->restored += t->bytes;
        if (list->restored > MOST_RESTORED) {
            *wrong = "histories that are larger than 1 GiB";
            return NLG_OK;
        }
        cJSON *copy = cJSON_Duplicate(t->trial, true);
        if (!cJSON_AddItemToArray(history, copy)) {
            cJSON_Delete(copy);
            return nlg_fail_memory(err, t->bytes, "a history");
        }
    }
    return NLG_OK;
}

nlg_status nlg_trial_list_restore(nlg_trial_list *list, cJSON *record, const char **wrong, nlg_error *err) {
    const cJSON *numbers = history_of(record);
    *wrong = NULL;
    if (!cJSON_IsArray(numbers) || !cJSON_IsNumber(numbers->child)) return NLG_OK;
    cJSON *history = cJSON_CreateArray();
    nlg_status status = history ? restore(list, numbers, history, wrong, err) : nlg_fail_memory(err, 0, "a history");
    if (status == NLG_OK && !*wrong) return set_history(record, history, err);
    cJSON_Delete(history);
    return status;
}
