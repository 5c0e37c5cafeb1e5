/* Trials of searches in files of records. */
#include "search/store/records_trials.h"

#include <math.h>
#include <string.h>

#include "layers/base/memory.h"

enum { MOST_BYTES = 1 << 30 }; /* of one history in memory: what needs more was made to fill it */

/* NULL where the record is not of a search. */
static cJSON *history_of(const cJSON *record) {
    const char *measure = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(record, "measure"));
    if (!measure || strcmp(measure, "search") != 0) return NULL;
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
    NLG_TRY(nlg_store_prepare(store, "INSERT INTO trial_numbers VALUES (?1, ?2)", &numbers->insert, doing, err));
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
    *line = NULL;
    if (!cJSON_IsArray(history) || !history->child) return NLG_OK;
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
    for (int i = 0; i < list->count; i++) cJSON_Delete(list->trials[i].trial);
    nlg_free(list->trials);
    *list = (nlg_trial_list){0};
}

static size_t values_in(const cJSON *item) {
    size_t n = 1;
    for (const cJSON *child = item->child; child; child = child->next) n += values_in(child);
    return n;
}

/* Takes the trial. Its members are kept in canonical order, which copies of it then have. */
static nlg_status add_trial(nlg_trial_list *list, cJSON *trial, nlg_error *err) {
    char *text;
    cJSON *sorted = NULL;
    struct nlg_listed_trial *more = nlg_grow(list->trials, &list->room, list->count, sizeof *more);
    nlg_status status = more ? nlg_json_canonical(trial, &text, err) : nlg_fail_memory(err, sizeof *more, "trials");
    if (more) list->trials = more;
    cJSON_Delete(trial);
    NLG_TRY(status);
    const size_t length = strlen(text);
    status = nlg_json_read(text, length, "a trial", &sorted, err);
    nlg_free(text);
    NLG_TRY(status);
    more[list->count++] = (struct nlg_listed_trial){sorted, length + values_in(sorted) * sizeof *sorted};
    return NLG_OK;
}

nlg_status nlg_trial_list_add(nlg_trial_list *list, cJSON *line, const char **wrong, nlg_error *err) {
    cJSON *trials = cJSON_GetObjectItemCaseSensitive(line, "trials");
    *wrong = cJSON_IsArray(trials) ? NULL : "trials that are no list";
    while (!*wrong && trials->child) {
        if (!cJSON_IsObject(trials->child))
            *wrong = "a trial that is no object";
        else
            NLG_TRY(add_trial(list, cJSON_DetachItemViaPointer(trials, trials->child), err));
    }
    return NLG_OK;
}

/* What is damaged in a history of numbers; NULL: nothing. */
static const char *check(const nlg_trial_list *list, const cJSON *numbers) {
    size_t bytes = 0;
    for (const cJSON *n = numbers->child; n; n = n->next) {
        const double number = cJSON_IsNumber(n) ? n->valuedouble : -1;
        if (!(number >= 0 && number < list->count) || floor(number) != number)
            return "a history with a trial that is in no line before it";
        bytes += list->trials[(int)number].bytes;
        if (bytes > MOST_BYTES) return "a history that would need more than 1 GiB";
    }
    return NULL;
}

static nlg_status restore(const nlg_trial_list *list, const cJSON *numbers, cJSON *history, nlg_error *err) {
    for (const cJSON *n = numbers->child; n; n = n->next) {
        cJSON *copy = cJSON_Duplicate(list->trials[(int)n->valuedouble].trial, true);
        if (cJSON_AddItemToArray(history, copy)) continue;
        cJSON_Delete(copy);
        return nlg_fail_memory(err, 0, "a history");
    }
    return NLG_OK;
}

nlg_status nlg_trial_list_restore(const nlg_trial_list *list, cJSON *record, const char **wrong, nlg_error *err) {
    const cJSON *given = history_of(record);
    size_t objects = 0, all = 0;
    *wrong = NULL;
    if (!given) return NLG_OK;
    for (const cJSON *item = given->child; item; item = item->next, all++) objects += cJSON_IsObject(item);
    if (!cJSON_IsArray(given) || (objects > 0 && objects < all)) *wrong = "a history that is no list of trials";
    if (!*wrong && objects < all) *wrong = check(list, given);
    if (*wrong || objects == all) return NLG_OK;
    cJSON *history = cJSON_CreateArray();
    nlg_status status = history ? restore(list, given, history, err) : nlg_fail_memory(err, 0, "a history");
    if (status == NLG_OK) return set_history(record, history, err);
    cJSON_Delete(history);
    return status;
}
