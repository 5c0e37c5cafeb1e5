/* How a run differs from those of a store, in words. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "search/store/store.h"

typedef struct comparison {
    const nlg_run_identity *asked;
    int runs;
    bool found;
    char text[640]; /* the last run's differences */
} comparison;

static void add(comparison *c, const char *what, const char *stored, const char *asked) {
    size_t used = strlen(c->text);
    if (used + 4 > sizeof c->text) return;
    snprintf(c->text + used, sizeof c->text - used, "%s%s is %.80s there, %.80s here", used ? "; " : "", what,
             stored ? stored : "absent", asked ? asked : "absent");
}

/* Members that differ, by their paths. */
static void compare_json(comparison *c, const char *path, const cJSON *stored, const cJSON *asked) {
    if (cJSON_Compare(stored, asked, true)) return;
    if (!cJSON_IsObject(stored) || !cJSON_IsObject(asked)) {
        char *a = cJSON_PrintUnformatted(stored), *b = cJSON_PrintUnformatted(asked);
        add(c, path, a, b);
        cJSON_free(a);
        cJSON_free(b);
        return;
    }
    char below[256];
    for (const cJSON *v = stored->child; v; v = v->next) {
        snprintf(below, sizeof below, "%s.%s", path, v->string);
        compare_json(c, below, v, cJSON_GetObjectItemCaseSensitive(asked, v->string));
    }
    for (const cJSON *v = asked->child; v; v = v->next) {
        snprintf(below, sizeof below, "%s.%s", path, v->string);
        if (!cJSON_GetObjectItemCaseSensitive(stored, v->string)) compare_json(c, below, NULL, v);
    }
}

static void compare_texts(comparison *c, const char *what, const char *stored, const char *asked) {
    if (strcmp(stored, asked) == 0) return;
    cJSON *a = cJSON_Parse(stored), *b = cJSON_Parse(asked);
    if (cJSON_IsObject(a) && cJSON_IsObject(b)) {
        compare_json(c, what, a, b);
    } else {
        add(c, what, stored, asked);
    }
    cJSON_Delete(a);
    cJSON_Delete(b);
}

static void compare_numbers(comparison *c, const char *what, uint64_t stored, uint64_t asked) {
    char a[24], b[24];
    snprintf(a, sizeof a, "%" PRIu64, stored);
    snprintf(b, sizeof b, "%" PRIu64, asked);
    if (stored != asked) add(c, what, a, b);
}

static nlg_status compare_run(void *context, const nlg_run_row *row) {
    comparison *c = context;
    const nlg_run_identity *a = &row->identity, *b = c->asked;
    c->runs++;
    c->text[0] = '\0';
    compare_texts(c, "space", a->space, b->space);
    compare_texts(c, "strategy", a->strategy, b->strategy);
    if (strcmp(a->strategy, b->strategy) == 0) compare_texts(c, "option", a->strategy_options, b->strategy_options);
    compare_texts(c, "evaluator", a->evaluator, b->evaluator);
    if (strcmp(a->evaluator, b->evaluator) == 0) compare_texts(c, "evaluator", a->evaluator_config, b->evaluator_config);
    compare_texts(c, "objective", a->objective, b->objective);
    compare_numbers(c, "number of trials asked for at a time (--ask)", (uint64_t)a->batch, (uint64_t)b->batch);
    compare_numbers(c, "seed", a->seed, b->seed);
    c->found |= c->text[0] == '\0';
    return NLG_OK;
}

nlg_status nlg_store_refuse_other(nlg_store *store, const nlg_run_identity *identity, nlg_error *err) {
    comparison c = {.asked = identity};
    NLG_TRY(nlg_store_runs(store, compare_run, &c, err));
    if (!c.runs || c.found) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "the trial store holds %s search: %s; give its options, another file, or --add-run",
                    c.runs > 1 ? "other searches, last another" : "another", c.text);
}
