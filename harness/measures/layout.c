/* Measure "layout": one search for a layout that looks like a picture. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/measures/layout_search.h"
#include "harness/measures/measure.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"

static const nlg_value_key keys[] = {
    {"target", NLG_VALUE_TEXT, 0, 0, "\"sign-in\"", "sign-in, profile, shop, outside, or a picture's file"},
    {"texts", NLG_VALUE_TEXT, 0, 0, NULL, "file with the texts that may appear"},
    {"components", NLG_VALUE_WHOLE, NLG_LAYOUT_LEAST, NLG_LAYOUT_COMPONENTS, "20", "components at most"},
    {"strategy", NLG_VALUE_TEXT, 0, 0, "\"random\"", "strategy, with options as NAME:option=value"},
    {"budget", NLG_VALUE_WHOLE, 1, 1e6, "5000", "layouts drawn, repeats included"},
    {"seed", NLG_VALUE_WHOLE, 0, 9007199254740991.0, "0", "of everything random"},
    {0},
};

static nlg_status open_space(const cJSON *values, nlg_space *space, nlg_error *err) {
    char text[2 * NLG_SPACE_TEXT_MAX + 64];
    const char *target = nlg_value_text(values, "target"), *texts = nlg_value_text(values, "texts");
    const int length = snprintf(text, sizeof text, "layout:components=%d,target=%s%s%s", nlg_value_int(values, "components"),
                                target, texts ? ",texts=" : "", texts ? texts : "");
    if (length >= (int)sizeof text) return nlg_fail(err, NLG_ERR_INPUT, "key \"target\": the path is too long");
    return nlg_space_open(text, space, err);
}

/* The target is named by what is in it, the files as they were given: to find them again. */
static nlg_status specify(nlg_lab *lab, const cJSON *values, const char *where, cJSON *spec, double *work, nlg_error *err) {
    (void)lab;
    nlg_space space;
    nlg_status status = open_space(values, &space, err);
    if (status == NLG_OK) {
        const nlg_layout_target *target = nlg_layout_space_target(&space);
        nlg_json_text(spec, "target", target->name);
        nlg_json_text(spec, "target_digest", target->digest);
        const char *texts = nlg_value_text(values, "texts");
        if (texts) nlg_json_text(spec, "texts", texts);
    }
    nlg_space_close(&space);
    if (status != NLG_OK) return nlg_fail_at(err, "%s", where);
    nlg_json_number(spec, "components", nlg_value_int(values, "components"));
    nlg_json_number(spec, "budget", nlg_value_int(values, "budget"));
    nlg_json_number(spec, "seed", nlg_value_number(values, "seed", 0));
    *work = nlg_value_int(values, "budget");
    return nlg_value_strategy(values, where, spec, err);
}

typedef struct watcher {
    const nlg_lab *lab;
} watcher;

static bool watch(void *context, int done, int budget, double loss) {
    const watcher *w = context;
    char what[64];
    snprintf(what, sizeof what, "lowest loss %.4f", loss);
    return nlg_lab_watch(w->lab, (double)done / budget, what);
}

static void keep(const nlg_layout_search_result *r, int budget, nlg_record *record, cJSON *detail) {
    snprintf(record->status, sizeof record->status, "done");
    snprintf(record->digest, sizeof record->digest, "%s", r->digest);
    nlg_record_metric(record, "loss", "", r->loss);
    nlg_record_metric(record, "loss_full_size", "", r->loss_full_size);
    nlg_record_metric(record, "score", "", r->score);
    nlg_record_metric(record, "recovery", "fraction", r->recovery);
    if (!isnan(r->recovery)) nlg_record_metric(record, "exact", "", r->exact);
    nlg_record_metric(record, "evaluations", "layouts", r->evaluations);
    nlg_record_metric(record, "repeats", "layouts", r->repeats);
    nlg_record_metric(record, "layouts", "layouts", budget);
    nlg_json_text(detail, "genotype", r->genotype);
    cJSON *curve = cJSON_AddArrayToObject(detail, "curve");
    for (int i = 0; i < r->n_curve; i++) {
        cJSON *point = nlg_json_object_in(curve);
        nlg_json_number(point, "evaluations", r->curve[i].evaluations);
        nlg_json_number(point, "loss", r->curve[i].loss);
    }
}

static nlg_status run(nlg_lab *lab, const cJSON *spec, nlg_record *record, cJSON *detail, nlg_error *err) {
    const char *strategy = nlg_value_text(spec, "strategy");
    const watcher w = {lab};
    nlg_space space;
    char *options = NULL;
    nlg_layout_search_options o = {.space = &space,
                                   .strategy = strategy ? nlg_strategy_find(strategy) : NULL,
                                   .budget = nlg_value_int(spec, "budget"),
                                   .seed = (uint64_t)nlg_value_number(spec, "seed", 0),
                                   .session = lab->session,
                                   .progress = watch,
                                   .progress_context = (void *)(uintptr_t)&w};
    if (!o.strategy)
        return nlg_fail(err, NLG_ERR_INPUT, "a spec of layout with the unknown strategy %.64s", strategy ? strategy : "");
    nlg_layout_search_result *result = nlg_alloc(1, sizeof *result);
    if (!result) return nlg_fail_memory(err, sizeof *result, "a search for a layout");
    nlg_status status = open_space(spec, &space, err);
    if (status == NLG_OK) status = nlg_json_canonical(cJSON_GetObjectItemCaseSensitive(spec, "options"), &options, err);
    o.strategy_options = options;
    if (status == NLG_OK) status = nlg_layout_search(&o, result, err);
    if (status == NLG_OK) keep(result, o.budget, record, detail);
    nlg_free(options);
    nlg_free(result);
    nlg_space_close(&space);
    return status;
}

const nlg_measure nlg_measure_layout = {
    .name = "layout",
    .summary = "one search for a layout that looks like a picture: lowest loss, recovery of the known layout",
    .keys = keys,
    .headline = "loss",
    .work = "layouts",
    .pace = 4e3,
    .specify = specify,
    .run = run,
};
