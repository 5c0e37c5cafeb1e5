/* Measure "search": one run of a strategy in a space, by training or in a table of trained architectures. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/measures/measure.h"
#include "harness/options.h"
#include "harness/progress.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/evaluators/evaluator_table.h"
#include "search/evaluators/evaluator_train.h"
#include "search/evaluators/latency.h"
#include "train/recipe.h"

static const nlg_value_key keys[] = {
    {"space", NLG_VALUE_TEXT, 0, 0, NULL, "search space, with parameters as NAME:P=1"},
    {"strategy", NLG_VALUE_TEXT, 0, 0, "\"random\"", "strategy, with options as NAME:option=value"},
    {"seed", NLG_VALUE_WHOLE, 0, 9007199254740991.0, "0", "of everything random"},
    {"budget", NLG_VALUE_WHOLE, 1, 1e7, "100", "trials, repeats included"},
    {"evaluations", NLG_VALUE_WHOLE, 0, 1e7, "0", "the search ends early with so many different architectures; 0: no such limit"},
    {"ask", NLG_VALUE_WHOLE, 1, 4096, "1", "architectures that the strategy proposes at once"},
    {"evaluator", NLG_VALUE_TEXT, 0, 0, "\"train\"", "train, or table: look up in the table of the space"},
    {"table", NLG_VALUE_TEXT, 0, 0, NULL, "file of the table; without it the one shipped for the space"},
    {"signal", NLG_VALUE_TEXT, 0, 0, NULL, "which score of the table"},
    NLG_KEY_OF_LATENCY,
    {"cost", NLG_VALUE_TEXT, 0, 0, "\"macs\"", "macs, params or latency: of the reward and of strategies with two objectives"},
    {"target", NLG_VALUE_NUMBER, 0, 1e300, NULL, "cost at which the reward is the score"},
    {"reward_alpha", NLG_VALUE_NUMBER, -100, 0, "-0.07", "exponent of the reward up to the target"},
    {"reward_beta", NLG_VALUE_NUMBER, -100, 0, "-0.07", "exponent beyond the target"},
    {"max_params", NLG_VALUE_WHOLE, 0, 9007199254740991.0, "0", "larger architectures are rejected; 0: no limit"},
    {"max_macs", NLG_VALUE_WHOLE, 0, 9007199254740991.0, "0", "the same of multiply-adds"},
    NLG_KEYS_OF_DATA,
    {0},
};

/* ---- spec -------------------------------------------------------------------------------------------------------------- */

static bool is_table(const cJSON *values) {
    const char *evaluator = nlg_value_text(values, "evaluator");
    return evaluator && strcmp(evaluator, "table") == 0;
}

static nlg_status add_objective(const cJSON *values, const char *where, cJSON *spec, nlg_error *err) {
    const char *name = nlg_value_text(values, "cost");
    int cost = 0;
    while (cost < NLG_COST_KIND_COUNT && strcmp(nlg_cost_name((nlg_cost_kind)cost), name) != 0) cost++;
    if (cost == NLG_COST_KIND_COUNT)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"cost\": expected macs, params or latency, found %.40s", where, name);
    if (cost == NLG_COST_LATENCY && !is_table(values) && !nlg_value_text(values, "latency"))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"latency\" is missing; name a table that `lineage latency table` measured",
                        where);
    cJSON *objective = cJSON_AddObjectToObject(spec, "objective");
    nlg_json_text(objective, "cost", name);
    const double target = nlg_value_number(values, "target", 0);
    if (!(target > 0)) return NLG_OK;
    nlg_json_number(objective, "target", target);
    nlg_json_number(objective, "alpha", nlg_value_number(values, "reward_alpha", 0));
    nlg_json_number(objective, "beta", nlg_value_number(values, "reward_beta", 0));
    return NLG_OK;
}

/* Multiply-adds of a training of a middling architecture: the mean of a few random ones. */
static nlg_status sample_macs(const nlg_space *space, const nlg_dataset_info *info, double *macs, nlg_error *err) {
    enum { SAMPLES = 3 };
    *macs = 0;
    for (int i = 0; i < SAMPLES; i++) {
        nlg_code code;
        nlg_graph *graph;
        nlg_graph_cost cost;
        nlg_space_sample(space, nlg_rng_stream(nlg_rng_named(nlg_rng_seed(0), "estimate"), (uint64_t)i), &code);
        NLG_TRY(space->build(space, &code, info->h, info->w, info->c, info->classes, &graph, err));
        nlg_status status = nlg_graph_count(graph, &cost, err);
        nlg_graph_destroy(graph);
        NLG_TRY(status);
        *macs += (double)cost.macs / SAMPLES;
    }
    return NLG_OK;
}

static nlg_status add_training(nlg_lab *lab, const cJSON *values, const char *where, const nlg_space *space, cJSON *spec,
                               double *work, nlg_error *err) {
    nlg_dataset *dataset;
    nlg_recipe recipe;
    double macs;
    NLG_TRY(nlg_value_recipe(values, where, &recipe, err));
    if (recipe.epochs < 1) return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"epochs\": expected at least 1, found 0", where);
    if (!space->build) return nlg_fail(err, NLG_ERR_INPUT, "%s: space %s has no networks to train", where, space->name);
    if (nlg_lab_open_data(lab, values, &dataset, err) != NLG_OK) return nlg_fail_at(err, "%s", where);
    const nlg_dataset_info *info = nlg_dataset_describe(dataset);
    if (sample_macs(space, info, &macs, err) != NLG_OK) return nlg_fail_at(err, "%s", where);
    const double budget = nlg_value_number(values, "budget", 0), evaluations = nlg_value_number(values, "evaluations", 0);
    *work = 3 * macs * info->train * recipe.epochs * (evaluations > 0 && evaluations < budget ? evaluations : budget);
    cJSON *data = cJSON_AddObjectToObject(spec, "data"), *written = cJSON_AddObjectToObject(spec, "recipe");
    cJSON *limits = cJSON_AddObjectToObject(spec, "limits");
    if (!data || !written || !nlg_recipe_add_data(data, dataset) || !nlg_recipe_add(written, &recipe))
        return nlg_fail_memory(err, 0, "a spec");
    nlg_json_number(limits, "params", nlg_value_number(values, "max_params", 0));
    nlg_json_number(limits, "macs", nlg_value_number(values, "max_macs", 0));
    nlg_json_text(spec, "backend", nlg_backend_name(lab->settings->backend));
    cJSON_AddBoolToObject(spec, "direct_only", lab->settings->direct_only);
    return NLG_OK;
}

/* Spaces and tables take longer to open than a search in them takes: each is opened once. */
typedef struct open_space {
    struct open_space *next;
    char *name; /* as it was asked for */
    nlg_space space;
} open_space;

typedef struct open_table {
    struct open_table *next;
    char *name; /* space, file and signal */
    const nlg_space *space;
    nlg_table_evaluator *evaluator;
} open_table;

typedef struct kept {
    open_space *spaces;
    open_table *tables;
} kept;

static void close_kept(void *all) {
    kept *k = all;
    for (open_table *t = k->tables, *next; t; t = next) {
        next = t->next;
        nlg_table_evaluator_destroy(t->evaluator);
        nlg_free(t->name);
        nlg_free(t);
    }
    for (open_space *s = k->spaces, *next; s; s = next) {
        next = s->next;
        nlg_space_close(&s->space);
        nlg_free(s->name);
        nlg_free(s);
    }
    nlg_free(k);
}

static kept *kept_of(nlg_lab *lab) {
    if (!lab->kept) {
        lab->kept = nlg_alloc(1, sizeof(kept));
        lab->close_kept = close_kept;
    }
    return lab->kept;
}

static nlg_status find_space(nlg_lab *lab, const char *name, const nlg_space **found, nlg_error *err) {
    kept *k = kept_of(lab);
    if (!k) return nlg_fail_memory(err, sizeof *k, "a space");
    for (const open_space *s = k->spaces; s; s = s->next) {
        *found = &s->space;
        if (strcmp(s->name, name) == 0) return NLG_OK;
    }
    open_space *s = nlg_alloc(1, sizeof *s);
    if (!s) return nlg_fail_memory(err, sizeof *s, "a space");
    s->name = nlg_strdup(name);
    nlg_status status = s->name ? nlg_space_open(name, &s->space, err) : nlg_fail_memory(err, strlen(name), "a space");
    if (status != NLG_OK) {
        nlg_space_close(&s->space);
        nlg_free(s->name);
        nlg_free(s);
        return status;
    }
    s->next = k->spaces;
    k->spaces = s;
    *found = &s->space;
    return NLG_OK;
}

/* The space of `how` is one that is kept. */
static nlg_status make_table(kept *k, const nlg_table_evaluator_options *how, const char *name, nlg_error *err) {
    open_table *t = nlg_alloc(1, sizeof *t);
    if (!t) return nlg_fail_memory(err, sizeof *t, "a table");
    t->space = how->space;
    t->name = nlg_strdup(name);
    nlg_status status =
        t->name ? nlg_table_evaluator_create(how, &t->evaluator, err) : nlg_fail_memory(err, strlen(name), "a table");
    if (status != NLG_OK) {
        nlg_free(t->name);
        nlg_free(t);
        return status;
    }
    t->next = k->tables;
    k->tables = t;
    return NLG_OK;
}

/* values or spec: "table" and "signal". */
static nlg_status find_table(nlg_lab *lab, const nlg_space *space, const cJSON *values, const open_table **found, nlg_error *err) {
    const nlg_table_evaluator_options how = {
        .space = space, .file = nlg_value_text(values, "table"), .signal = nlg_value_text(values, "signal")};
    char name[4096];
    kept *k = kept_of(lab);
    if (!k) return nlg_fail_memory(err, sizeof *k, "a table");
    const int length =
        snprintf(name, sizeof name, "%s\n%s\n%s", space->name, how.file ? how.file : "", how.signal ? how.signal : "");
    if (length >= (int)sizeof name) return nlg_fail(err, NLG_ERR_INPUT, "key \"table\": the path is too long");
    for (*found = k->tables; *found; *found = (*found)->next)
        if (strcmp((*found)->name, name) == 0) return NLG_OK;
    NLG_TRY(make_table(k, &how, name, err));
    *found = k->tables;
    return NLG_OK;
}

static nlg_status add_table(nlg_lab *lab, const cJSON *values, const char *where, const nlg_space *space, cJSON *spec,
                            nlg_error *err) {
    const char *file = nlg_value_text(values, "table"), *signal = nlg_value_text(values, "signal");
    const open_table *t;
    if (find_table(lab, space, values, &t, err) != NLG_OK) return nlg_fail_at(err, "%s", where);
    cJSON *config = cJSON_Parse(nlg_table_evaluator_config(t->evaluator));
    if (!config || !cJSON_AddItemToObject(spec, "config", config)) return nlg_fail_memory(err, 0, "a spec");
    if (file) nlg_json_text(spec, "table", file);
    if (signal) nlg_json_text(spec, "signal", signal);
    return NLG_OK;
}

static nlg_status specify(nlg_lab *lab, const cJSON *values, const char *where, cJSON *spec, double *work, nlg_error *err) {
    const char *name = nlg_value_text(values, "space"), *evaluator = nlg_value_text(values, "evaluator");
    const nlg_space *space;
    if (!name) return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"space\" is missing; add the name of a search space", where);
    if (strcmp(evaluator, "train") != 0 && !is_table(values))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"evaluator\": expected train or table, found %.40s", where, evaluator);
    if (find_space(lab, name, &space, err) != NLG_OK) return nlg_fail_at(err, "%s", where);
    nlg_json_text(spec, "space", space->name);
    nlg_json_text(spec, "evaluator", evaluator);
    nlg_json_number(spec, "seed", nlg_value_number(values, "seed", 0));
    nlg_json_number(spec, "budget", nlg_value_number(values, "budget", 0));
    const double evaluations = nlg_value_number(values, "evaluations", 0);
    if (evaluations > 0) nlg_json_number(spec, "evaluations", evaluations);
    nlg_json_number(spec, "ask", nlg_value_number(values, "ask", 1));
    *work = 0;
    nlg_status status = nlg_value_strategy(values, where, spec, err);
    if (status == NLG_OK) status = add_objective(values, where, spec, err);
    if (status == NLG_OK) status = nlg_value_latency(values, where, spec, err);
    if (status == NLG_OK)
        status = is_table(values) ? add_table(lab, values, where, space, spec, err)
                                  : add_training(lab, values, where, space, spec, work, err);
    return status;
}

/* ---- run --------------------------------------------------------------------------------------------------------------- */

typedef struct watcher {
    const nlg_lab *lab;
    int budget, done, epochs;
} watcher;

static bool within_trial(void *context, const nlg_trial *trial, int epoch, double fraction) {
    const watcher *w = context;
    char what[96];
    snprintf(what, sizeof what, "trial %d of %d, epoch %d", trial->number + 1, w->budget, epoch + 1);
    return nlg_lab_watch(w->lab, (w->done + (epoch + fraction) / w->epochs) / w->budget, what);
}

static bool after_trial(void *context, const nlg_trial *trial, const nlg_trial *best, int done, int budget) {
    watcher *w = context;
    char what[96];
    w->done = done;
    snprintf(what, sizeof what, "trial %d of %d %s, best %.4f", done, budget, nlg_trial_status_name(trial->status),
             best ? best->score : 0.0);
    return nlg_lab_watch(w->lab, (double)done / budget, what);
}

/* What is 0 because it does not apply is left out. */
static void add_trial(cJSON *history, const nlg_space *space, const nlg_trial *t, bool has_target) {
    char genotype[NLG_GENOTYPE_MAX];
    cJSON *row = nlg_json_object_in(history);
    space->encode(space, &t->code, genotype, sizeof genotype);
    nlg_json_text(row, "genotype", genotype);
    nlg_json_text(row, "status", nlg_trial_status_name(t->status));
    nlg_json_number(row, "score", t->score);
    if (t->params) nlg_json_number(row, "params", (double)t->params);
    if (t->macs) nlg_json_number(row, "macs", (double)t->macs);
    if (t->latency_ms > 0) nlg_json_number(row, "latency_ms", t->latency_ms);
    if (has_target) nlg_json_number(row, "reward", t->reward);
    if (t->cost > 0) nlg_json_number(row, "cost", t->cost);
    if (t->budget_epochs) nlg_json_number(row, "epochs", t->budget_epochs);
    if (t->is_repeat) cJSON_AddTrueToObject(row, "repeat");
}

static void add_results(const nlg_search_options *o, const nlg_search_result *r, double images, nlg_record *record, cJSON *detail) {
    cJSON *history = cJSON_AddArrayToObject(detail, "history");
    double trained = 0, simulated = 0;
    for (int i = 0; i < r->count; i++) {
        const nlg_trial *t = &r->trials[i];
        add_trial(history, o->space, t, o->objective.target > 0);
        if (!t->is_repeat) trained += 3.0 * (double)t->macs * images * t->budget_epochs;
        simulated += nlg_trial_simulated_cost(t); /* NaN, and no metric, where one is not known */
    }
    snprintf(record->digest, sizeof record->digest, "%s", r->digest);
    nlg_record_metric(record, "evaluations", "", r->evaluations);
    nlg_record_metric(record, "repeats", "", r->repeats);
    if (images > 0) nlg_record_metric(record, "trained_macs", "MACs", trained);
    if (simulated > 0)
        nlg_record_metric(record, "simulated_cost", o->evaluator->cost_unit ? o->evaluator->cost_unit : "", simulated);
    if (r->best < 0) {
        snprintf(record->status, sizeof record->status, "failed");
        snprintf(record->message, sizeof record->message, "no trial succeeded; the first: %.200s",
                 r->count ? r->trials[0].message : "");
        return;
    }
    const nlg_trial *best = &r->trials[r->best];
    nlg_json_number(detail, "best_trial", r->best + 1);
    nlg_record_metric(record, "best_score", "fraction", best->score);
    nlg_record_metric(record, "best_reward", "", best->reward);
    if (best->params) nlg_record_metric(record, "best_params", "", (double)best->params);
    if (best->macs) nlg_record_metric(record, "best_macs", "MACs", (double)best->macs);
    if (best->latency_ms > 0) nlg_record_metric(record, "best_latency_ms", "ms", best->latency_ms);
}

static nlg_status search(nlg_search_options *o, double images, nlg_record *record, cJSON *detail, nlg_search_result *result,
                         nlg_error *err) {
    nlg_status status = nlg_search_run(o, result, err);
    if (status == NLG_OK) add_results(o, result, images, record, detail);
    return status;
}

/* The latency of the table beside what the evaluator finds, if the spec asks for it. */
static nlg_status search_with_latency(const cJSON *spec, nlg_search_options *o, const nlg_dataset_info *info, nlg_record *record,
                                      cJSON *detail, nlg_search_result *result, nlg_error *err) {
    const double images = info ? info->train : 0;
    nlg_latency_table *table;
    nlg_latency_evaluator *evaluator = NULL;
    const nlg_shape images_of = info ? (nlg_shape){.h = info->h, .w = info->w, .c = info->c} : (nlg_shape){0};
    NLG_TRY(nlg_spec_latency(spec, info ? &images_of : NULL, info ? info->classes : 0, &table, err));
    if (!table) return search(o, images, record, detail, result, err);
    const nlg_latency_conditions *m = nlg_latency_measured(table);
    const nlg_latency_options here = {.space = o->space, .batch = 1, .input = m->input, .classes = m->classes};
    nlg_status status = nlg_latency_evaluator_create(table, &here, o->evaluator, o->evaluator_config, &evaluator, err);
    if (status == NLG_OK) {
        o->evaluator = nlg_latency_evaluator_interface(evaluator);
        o->evaluator_config = nlg_latency_evaluator_config(evaluator);
        status = search(o, images, record, detail, result, err);
    }
    nlg_latency_evaluator_destroy(evaluator);
    nlg_latency_close(table);
    return status;
}

static nlg_status by_training(nlg_lab *lab, const cJSON *spec, nlg_search_options *o, watcher *w, nlg_record *record, cJSON *detail,
                              nlg_error *err) {
    const cJSON *limits = cJSON_GetObjectItemCaseSensitive(spec, "limits");
    nlg_train_evaluator_options how = {.exec = &lab->exec,
                                       .max_params = (int64_t)nlg_value_number(limits, "params", 0),
                                       .max_macs = (int64_t)nlg_value_number(limits, "macs", 0),
                                       .progress = within_trial,
                                       .progress_context = w};
    nlg_dataset *dataset;
    nlg_train_evaluator *evaluator;
    nlg_search_result result = {0};
    const char *source;
    NLG_TRY(nlg_recipe_read(cJSON_GetObjectItemCaseSensitive(spec, "recipe"), "spec", &how.recipe, err));
    NLG_TRY(nlg_lab_find_data(lab, cJSON_GetObjectItemCaseSensitive(spec, "data"), &dataset, &source, err));
    how.dataset = dataset;
    w->epochs = how.recipe.epochs;
    nlg_json_text(detail, "source", source);
    NLG_TRY(nlg_train_evaluator_create(&how, &evaluator, err));
    o->evaluator = nlg_train_evaluator_interface(evaluator);
    o->evaluator_config = nlg_train_evaluator_config(evaluator);
    o->opened = lab->store;
    nlg_status status = search_with_latency(spec, o, nlg_dataset_describe(dataset), record, detail, &result, err);
    nlg_free(result.trials);
    nlg_train_evaluator_destroy(evaluator);
    return status;
}

/* Look-ups take no time: no trial of them is kept but in the record. The report is read of the best alone, when all is over. */
static nlg_status by_table(nlg_lab *lab, const cJSON *spec, nlg_search_options *o, nlg_record *record, cJSON *detail,
                           nlg_error *err) {
    const cJSON *wanted = cJSON_GetObjectItemCaseSensitive(spec, "config");
    const open_table *t;
    nlg_search_result result = {0};
    NLG_TRY(find_table(lab, o->space, spec, &t, err));
    o->space = t->space;
    o->evaluator = nlg_table_evaluator_interface(t->evaluator);
    o->evaluator_config = nlg_table_evaluator_config(t->evaluator);
    cJSON *config;
    nlg_status status = nlg_json_read(o->evaluator_config, strlen(o->evaluator_config), "the table's configuration", &config, err);
    if (status == NLG_OK && !cJSON_Compare(config, wanted, true))
        status = nlg_fail(err, NLG_ERR_INPUT, "the table of space %s is not the one of the spec; restore it", o->space->name);
    cJSON_Delete(config);
    if (status == NLG_OK) status = search_with_latency(spec, o, NULL, record, detail, &result, err);
    if (status == NLG_OK && result.best >= 0) {
        double accuracy;
        status = nlg_table_evaluator_report(t->evaluator, &result.trials[result.best].code, &accuracy, err);
        if (status == NLG_OK) nlg_record_metric(record, "best_report", "fraction", accuracy);
    }
    nlg_free(result.trials);
    return status;
}

static void read_objective(const cJSON *spec, nlg_objective *objective) {
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(spec, "objective");
    const char *name = nlg_value_text(o, "cost");
    for (int i = 0; name && i < NLG_COST_KIND_COUNT; i++)
        if (strcmp(name, nlg_cost_name((nlg_cost_kind)i)) == 0) objective->cost = (nlg_cost_kind)i;
    objective->target = nlg_value_number(o, "target", 0);
    objective->alpha = nlg_value_number(o, "alpha", 0);
    objective->beta = nlg_value_number(o, "beta", 0);
}

static nlg_status run(nlg_lab *lab, const cJSON *spec, nlg_record *record, cJSON *detail, nlg_error *err) {
    const char *space_name = nlg_value_text(spec, "space"), *strategy = nlg_value_text(spec, "strategy");
    if (!space_name || !strategy) return nlg_fail(err, NLG_ERR_INPUT, "a spec of search without space or strategy");
    watcher w = {.lab = lab, .budget = nlg_value_int(spec, "budget"), .epochs = 1};
    nlg_search_options o = {.strategy = nlg_strategy_find(strategy),
                            .budget = w.budget,
                            .evaluations = (int)nlg_value_number(spec, "evaluations", 0),
                            .batch = nlg_value_int(spec, "ask"),
                            .seed = (uint64_t)nlg_value_number(spec, "seed", 0),
                            .session = lab->session,
                            .progress = after_trial,
                            .progress_context = &w};
    if (!o.strategy) return nlg_fail(err, NLG_ERR_INPUT, "a spec of search with the unknown strategy %.64s", strategy);
    read_objective(spec, &o.objective);
    char *options = NULL;
    nlg_status status = find_space(lab, space_name, &o.space, err);
    if (status == NLG_OK) status = nlg_json_canonical(cJSON_GetObjectItemCaseSensitive(spec, "options"), &options, err);
    o.strategy_options = options;
    if (status == NLG_OK)
        status =
            is_table(spec) ? by_table(lab, spec, &o, record, detail, err) : by_training(lab, spec, &o, &w, record, detail, err);
    nlg_free(options);
    return status;
}

const nlg_measure nlg_measure_search = {
    .name = "search",
    .summary = "one run of a search strategy: best score, its architecture, every trial",
    .keys = keys,
    .headline = "best_score",
    .takes_recipe = true,
    .work = "trained_macs",
    .pace = 2e10,
    .specify = specify,
    .run = run,
};
