/* Options of strategies: from a JSON object and back, by the strategy's own table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/base/nearest.h"
#include "search/strategy.h"

static const char *const kind_names[] = {"a whole number", "a number", "true or false"};

static nlg_status unknown_key(const nlg_strategy *strategy, const char *key, nlg_error *err) {
    char known[512] = "";
    nlg_nearest nearest = {.wanted = key};
    for (int i = 0; i < strategy->n_options; i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", strategy->options[i].name);
        nlg_nearest_try(&nearest, strategy->options[i].name);
    }
    const char *near = nlg_nearest_name(&nearest);
    return nlg_fail(err, NLG_ERR_INPUT, "strategy %s has no option \"%.64s\"%s%s%s; its options: %s", strategy->name, key,
                    near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "", known[0] ? known : "none");
}

static nlg_status read_value(const nlg_strategy *strategy, const nlg_strategy_option *option, const cJSON *item, double *value,
                             nlg_error *err) {
    bool fits = option->kind == NLG_OPTION_BOOL ? cJSON_IsBool(item) : cJSON_IsNumber(item);
    double found = cJSON_IsBool(item) ? (double)cJSON_IsTrue(item) : cJSON_IsNumber(item) ? item->valuedouble : 0;
    if (fits && option->kind == NLG_OPTION_INT) fits = floor(found) == found;
    if (fits && option->kind != NLG_OPTION_BOOL) fits = found >= option->min && found <= option->max;
    if (!fits) {
        char range[64] = "";
        if (option->kind != NLG_OPTION_BOOL) snprintf(range, sizeof range, " from %.15g to %.15g", option->min, option->max);
        char *text;
        NLG_TRY(nlg_json_write(item, false, &text, err));
        nlg_status status = nlg_fail(err, NLG_ERR_INPUT, "strategy %s: option \"%s\" must be %s%s, found %.64s", strategy->name,
                                     option->name, kind_names[option->kind], range, text);
        nlg_free(text);
        return status;
    }
    *value = found;
    return NLG_OK;
}

static nlg_status read_object(const nlg_strategy *strategy, const cJSON *object, double *values, nlg_error *err) {
    bool seen[NLG_STRATEGY_OPTIONS_MAX] = {false};
    for (const cJSON *item = object->child; item; item = item->next) {
        int index = 0;
        if (strategy->text_option && strcmp(item->string, strategy->text_option) == 0) continue; /* take_text */
        while (index < strategy->n_options && strcmp(strategy->options[index].name, item->string) != 0) index++;
        if (index == strategy->n_options) return unknown_key(strategy, item->string, err);
        if (seen[index]) {
            return nlg_fail(err, NLG_ERR_INPUT, "strategy %s: option \"%s\" is given twice", strategy->name, item->string);
        }
        seen[index] = true;
        NLG_TRY(read_value(strategy, &strategy->options[index], item, &values[index], err));
    }
    return NLG_OK;
}

/* The option that is a text, quoted for JSON, with a comma where options follow; "" for strategies without one. */
static nlg_status take_text(const nlg_strategy *strategy, const cJSON *object, char quoted[NLG_STRATEGY_OPTIONS_TEXT],
                            nlg_error *err) {
    quoted[0] = '\0';
    if (!strategy->text_option) return NLG_OK;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, strategy->text_option);
    if (!cJSON_IsString(item) || !*item->valuestring)
        return nlg_fail(err, NLG_ERR_INPUT, "strategy %s: expected a %s, as in %s:\"python3 mine.py\"", strategy->name,
                        strategy->text_option, strategy->name);
    char *text;
    NLG_TRY(nlg_json_write(item, false, &text, err));
    const int length = snprintf(quoted, NLG_STRATEGY_OPTIONS_TEXT, "\"%s\":%s,", strategy->text_option, text);
    nlg_free(text);
    if (length < NLG_STRATEGY_OPTIONS_TEXT / 2) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "strategy %s: its %s is too long; expected fewer than %d bytes", strategy->name,
                    strategy->text_option, NLG_STRATEGY_OPTIONS_TEXT / 2);
}

nlg_status nlg_strategy_text(const nlg_strategy *strategy, const char *json, char text[NLG_STRATEGY_OPTIONS_TEXT], nlg_error *err) {
    cJSON *object;
    NLG_TRY(nlg_json_read(json, strlen(json), "options", &object, err));
    nlg_status status = take_text(strategy, object, text, err); /* refuses what is missing or too long */
    if (status == NLG_OK)
        snprintf(text, NLG_STRATEGY_OPTIONS_TEXT, "%s",
                 cJSON_GetObjectItemCaseSensitive(object, strategy->text_option)->valuestring);
    cJSON_Delete(object);
    return status;
}

static void write_text(const nlg_strategy *strategy, const double *values, const char *first,
                       char text[NLG_STRATEGY_OPTIONS_TEXT]) {
    size_t used = 0, room = NLG_STRATEGY_OPTIONS_TEXT;
    used += (size_t)snprintf(text, room, "{%s", first);
    for (int i = 0; i < strategy->n_options && used < room; i++) {
        const nlg_strategy_option *option = &strategy->options[i];
        used += (size_t)snprintf(text + used, room - used, "%s\"%s\":", i ? "," : "", option->name);
        if (used >= room) break;
        if (option->kind == NLG_OPTION_BOOL) {
            used += (size_t)snprintf(text + used, room - used, "%s", values[i] != 0 ? "true" : "false");
        } else {
            char number[32];
            used += (size_t)snprintf(text + used, room - used, "%s", nlg_number_text(values[i], number));
        }
    }
    if (used < room) snprintf(text + used, room - used, "}");
}

nlg_status nlg_strategy_parse(const nlg_strategy *strategy, const char *json, double values[NLG_STRATEGY_OPTIONS_MAX],
                              char text[NLG_STRATEGY_OPTIONS_TEXT], nlg_error *err) {
    char first[NLG_STRATEGY_OPTIONS_TEXT] = "";
    for (int i = 0; i < strategy->n_options; i++) values[i] = strategy->options[i].value;
    if (!json && strategy->text_option) return take_text(strategy, NULL, first, err);
    if (json) {
        cJSON *object;
        nlg_status read = nlg_json_read(json, strlen(json), "options", &object, NULL);
        if (read == NLG_ERR_MEMORY) return nlg_fail_memory(err, strlen(json), "the options of a strategy");
        if (!cJSON_IsObject(object)) {
            cJSON_Delete(object);
            return nlg_fail(err, NLG_ERR_INPUT, "strategy %s: options must be one JSON object such as {\"name\": 1}, found %.64s",
                            strategy->name, json);
        }
        nlg_status status = read_object(strategy, object, values, err);
        if (status == NLG_OK) status = take_text(strategy, object, first, err);
        cJSON_Delete(object);
        if (status != NLG_OK) return status;
    }
    if (text) write_text(strategy, values, first, text);
    return NLG_OK;
}

nlg_status nlg_strategy_check(const nlg_strategy *strategy, const char *json, nlg_error *err) {
    double values[NLG_STRATEGY_OPTIONS_MAX];
    bool given[NLG_STRATEGY_OPTIONS_MAX] = {false};
    cJSON *object;
    NLG_TRY(nlg_strategy_parse(strategy, json, values, NULL, err));
    if (!strategy->check || !json) return NLG_OK;
    NLG_TRY(nlg_json_read(json, strlen(json), "options", &object, err));
    for (int i = 0; i < strategy->n_options; i++) given[i] = cJSON_HasObjectItem(object, strategy->options[i].name);
    cJSON_Delete(object);
    return strategy->check(values, given, err);
}

bool nlg_strategy_warning(const nlg_strategy *strategy, const char *json, int trials, char text[256]) {
    double values[NLG_STRATEGY_OPTIONS_MAX];
    if (nlg_strategy_parse(strategy, json, values, NULL, NULL) != NLG_OK) return false;
    for (int i = 0; i < strategy->n_options; i++) {
        if (strcmp(strategy->options[i].name, "population") != 0 || values[i] < trials) continue;
        snprintf(text, 256,
                 "%s: its population of %.0f is as large as all %d trials: each is a random architecture; give it "
                 "%s:population=N, or more trials",
                 strategy->name, values[i], trials, strategy->name);
        return true;
    }
    return false;
}

/* ---- NAME:option=value ---------------------------------------------------------------------------------------------------------
 */

static nlg_status find_strategy(const char *name, const nlg_strategy **strategy, nlg_error *err) {
    *strategy = nlg_strategy_find(name);
    if (*strategy) return NLG_OK;
    nlg_nearest nearest = {.wanted = name};
    char known[256] = "";
    for (int i = 0; i < nlg_strategy_count(); i++) {
        const size_t used = strlen(known);
        nlg_nearest_try(&nearest, nlg_strategy_at(i)->name);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", nlg_strategy_at(i)->name);
    }
    const char *near = nlg_nearest_name(&nearest);
    if (near) return nlg_fail(err, NLG_ERR_INPUT, "unknown strategy '%s'; the nearest is '%s'", name, near);
    return nlg_fail(err, NLG_ERR_INPUT, "%s%s%s; there are %s",
                    *name ? "unknown strategy '" : "expected the name of a strategy, found nothing", name, *name ? "'" : "", known);
}

/* "option=value:option=value" as a JSON object. */
static nlg_status to_json(const char *name, const char *text, char json[NLG_STRATEGY_OPTIONS_TEXT], nlg_error *err) {
    size_t used = (size_t)snprintf(json, NLG_STRATEGY_OPTIONS_TEXT, "{");
    for (size_t length; *text; text += length + (text[length] == ':')) {
        length = strcspn(text, ":");
        size_t key = strcspn(text, "=:");
        if (text[key] != '=' || key == 0 || memchr(text, '"', length) || memchr(text, '\\', length)) {
            return nlg_fail(err, NLG_ERR_INPUT, "strategy %s: expected option=value, found '%.*s'", name, (int)length, text);
        }
        used += (size_t)snprintf(json + used, NLG_STRATEGY_OPTIONS_TEXT - used, "%s\"%.*s\":%.*s", used > 1 ? "," : "", (int)key,
                                 text, (int)(length - key - 1), text + key + 1);
        if (used + 2 > NLG_STRATEGY_OPTIONS_TEXT)
            return nlg_fail(err, NLG_ERR_INPUT, "strategy %s: its options are too long", name);
    }
    json[used] = '}';
    json[used + 1] = '\0';
    return NLG_OK;
}

/* "option=value:the text", where a text that begins like an option of the strategy is one. */
static nlg_status text_to_json(const nlg_strategy *strategy, const char *text, char json[NLG_STRATEGY_OPTIONS_TEXT],
                               nlg_error *err) {
    cJSON *object = cJSON_CreateObject();
    for (int i = 0; i < strategy->n_options; i++) {
        const size_t length = strlen(strategy->options[i].name);
        char *end;
        if (strncmp(text, strategy->options[i].name, length) != 0 || text[length] != '=') continue;
        const double value = strtod(text + length + 1, &end);
        if (end == text + length + 1 || *end != ':') break;
        nlg_json_number(object, strategy->options[i].name, value);
        text = end + 1;
    }
    nlg_json_text(object, strategy->text_option, text);
    char *written;
    NLG_TRY(nlg_json_finish(object, false, &written, err));
    const int length = snprintf(json, NLG_STRATEGY_OPTIONS_TEXT, "%s", written);
    nlg_free(written);
    if (length < NLG_STRATEGY_OPTIONS_TEXT) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "strategy %s: its options are too long", strategy->name);
}

nlg_status nlg_strategy_pick(const char *text, bool for_short_run, const nlg_strategy **strategy,
                             char json[NLG_STRATEGY_OPTIONS_TEXT], nlg_error *err) {
    char name[64];
    size_t length = strcspn(text, ":");
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), text);
    NLG_TRY(find_strategy(name, strategy, err));
    const char *options = text[length] ? text + length + 1 : for_short_run ? (*strategy)->short_run : NULL;
    if ((*strategy)->text_option)
        NLG_TRY(text_to_json(*strategy, options ? options : "", json, err));
    else
        NLG_TRY(to_json(name, options ? options : "", json, err));
    return nlg_strategy_check(*strategy, json, err);
}
