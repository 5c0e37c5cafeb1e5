/* lineage run: executes what the results store lacks of a profile's experiments. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/measures/bench.h"
#include "harness/build_info.h"
#include "harness/command.h"
#include "harness/plans/experiment.h"
#include "harness/options.h"
#include "harness/progress.h"
#include "harness/plans/results.h"
#include "harness/measures/training.h"
#include "layers/base/memory.h"
#include "train/train.h"
#include "search/evaluators/evaluator_train.h"

typedef struct run_options {
    const char *profile, *results, *experiments;
} run_options;

enum { KEY_PROFILE = 0x100, KEY_RESULTS, KEY_EXPERIMENTS };
static const struct argp_option options[] = {
    {"profile", KEY_PROFILE, "P", 0, "smoke, quick (default) or full", 0},
    {"results", KEY_RESULTS, "DIR", 0, "Where results are kept (default results/local)", 0},
    {"experiments", KEY_EXPERIMENTS, "DIR", 0, "The experiments' JSON files (default harness/experiments)", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    (void)err;
    run_options *o = where;
    *(key == KEY_PROFILE ? &o->profile : key == KEY_RESULTS ? &o->results : &o->experiments) = value;
    return NLG_OK;
}

enum { SELECTION_SEED = 1000, TEST_BATCH = 128 };

typedef struct runner {
    const run_options *options;
    const nlg_settings *settings;
    nlg_exec exec;
    nlg_results *results;
    const nlg_experiment *experiment;
    nlg_dataset *dataset; /* of the experiment */
    const nlg_dataset_info *info;
    nlg_progress progress;
    int done, total, executed;
    double begun, best;
} runner;

/* ---- one training ---- */

typedef struct training {
    const char *arm, *part;
    const nlg_graph *graph;
    double rate;
    int epochs, batch;
    uint64_t seed;
    bool test;
} training;

static bool watch_training(void *context, int epoch, double fraction, const nlg_epoch_record *record) {
    runner *r = context;
    nlg_progress_update(&r->progress, (double)r->done / r->total, "%s: epoch %d, %.0f%%, loss %.3f, best so far %.4f",
                        r->experiment->id, epoch + 1, 100 * fraction, record->loss, r->best);
    return !nlg_interrupted();
}

static nlg_recipe recipe_of(const training *t) {
    nlg_recipe recipe = nlg_recipe_default();
    recipe.lr = t->rate;
    recipe.epochs = t->epochs;
    recipe.batch = t->batch;
    return recipe;
}

/* All that the result depends on, in one order. */
static nlg_status identity_of(const runner *r, const training *t, char **text, nlg_error *err) {
    nlg_recipe recipe = recipe_of(t);
    cJSON *o = cJSON_CreateObject();
    nlg_json_text(o, "kind", "training");
    nlg_json_text(o, "network", t->arm);
    nlg_json_text(o, "data", r->info->name);
    nlg_json_text(o, "data_digest", r->info->digest);
    nlg_json_number(o, "split_seed", 0);
    nlg_json_number(o, "train_images", r->info->train);
    nlg_json_number(o, "validation_images", r->info->validation);
    nlg_json_number(o, "epochs", recipe.epochs);
    nlg_json_number(o, "batch", recipe.batch);
    nlg_json_number(o, "rate", recipe.lr);
    nlg_json_number(o, "momentum", recipe.optimizer.momentum);
    nlg_json_number(o, "weight_decay", recipe.optimizer.weight_decay);
    nlg_json_number(o, "warmup_epochs", recipe.warmup_epochs);
    nlg_json_number(o, "shift", recipe.augmentation.shift);
    cJSON_AddBoolToObject(o, "flip", recipe.augmentation.flip);
    nlg_json_number(o, "seed", (double)t->seed);
    cJSON_AddBoolToObject(o, "test", t->test);
    nlg_json_number(o, "backend", r->settings->backend);
    nlg_json_number(o, "numerics", NLG_NUMERICS_VERSION);
    return nlg_json_finish(o, false, text, err);
}

static nlg_status evaluate_trained(runner *r, const training *t, nlg_trainer *trainer, cJSON *result, nlg_error *err) {
    nlg_recipe recipe = recipe_of(t);
    const nlg_epoch_record *last = nlg_trainer_record(trainer, nlg_trainer_epochs(trainer) - 1);
    char digest[65];
    NLG_TRY(nlg_weights_digest(nlg_trainer_weights(trainer), digest, err));
    nlg_json_number(result, "loss", last->loss);
    nlg_json_number(result, "train_accuracy", last->train_score);
    nlg_json_number(result, "val_accuracy", last->val_score);
    nlg_json_text(result, "digest", digest);
    if (!t->test) return NLG_OK;
    nlg_evaluation test;
    NLG_TRY(nlg_dataset_open_test(r->dataset, err));
    NLG_TRY(nlg_evaluate(t->graph, nlg_trainer_weights(trainer), r->dataset, NLG_SPLIT_TEST, TEST_BATCH, &recipe.augmentation,
                         &r->exec, &test, err));
    nlg_json_number(result, "test_correct", test.top1);
    nlg_json_number(result, "test_images", test.images);
    return NLG_OK;
}

static nlg_status execute_training(runner *r, const training *t, cJSON *result, nlg_error *err) {
    nlg_graph_cost cost;
    NLG_TRY(nlg_graph_count(t->graph, &cost, err));
    nlg_json_number(result, "params", (double)cost.params);
    nlg_json_number(result, "macs", (double)cost.macs);
    nlg_trainer_options how = {.recipe = recipe_of(t),
                               .seed = t->seed,
                               .memory_limit = r->settings->memory_limit,
                               .validate_last_only = true,
                               .progress = watch_training,
                               .progress_context = r};
    nlg_trainer *trainer = NULL;
    NLG_TRY(nlg_trainer_create(t->graph, r->dataset, &r->exec, &how, &trainer, err));
    nlg_error mine = {0};
    nlg_status status = nlg_trainer_run(trainer, &mine);
    nlg_json_text(result, "status", status == NLG_OK ? "done" : "diverged");
    if (status == NLG_ERR_NUMERIC) { /* a result like any other */
        nlg_json_text(result, "message", mine.text);
        status = NLG_OK;
    } else if (status != NLG_OK) {
        nlg_fail(err, status, "%s", mine.text);
    } else {
        status = evaluate_trained(r, t, trainer, result, err);
    }
    nlg_trainer_destroy(trainer);
    return status;
}

static void say(runner *r, const char *part, const char *arm, const char *what, double seconds) {
    char left[24];
    double spent = nlg_seconds_now() - r->begun;
    nlg_duration_text(r->executed ? spent / r->executed * (r->total - r->done) : 0, left);
    nlg_progress_line(&r->progress, "[%d/%d] %s, %s %.40s: %s (%.1f s; about %s left)", r->done, r->total, r->experiment->id, part,
                      arm, what, seconds, left);
}

/* Stores a result and lists it as the profile's. */
static nlg_status keep(runner *r, const char *part, const char *arm, const char *identity, const cJSON *result, double seconds,
                       nlg_error *err) {
    char key[65];
    NLG_TRY(nlg_results_key(identity, key, err));
    char *text;
    NLG_TRY(nlg_json_write(result, false, &text, err));
    nlg_status status = nlg_results_put(r->results, key, identity, text, seconds, r->settings, err);
    nlg_free(text);
    return status == NLG_OK ? nlg_results_add_member(r->results, r->options->profile, r->experiment->id, part, arm, key, err)
                            : status;
}

/* *result: also where the store had it; delete it. */
static nlg_status train(runner *r, const training *t, cJSON **result, nlg_error *err) {
    char *identity, key[65];
    NLG_TRY(identity_of(r, t, &identity, err));
    nlg_status status = nlg_results_key(identity, key, err);
    if (status == NLG_OK) status = nlg_results_get(r->results, key, result, err);
    r->done++;
    if (status == NLG_OK && *result) {
        status = nlg_results_add_member(r->results, r->options->profile, r->experiment->id, t->part, t->arm, key, err);
    } else if (status == NLG_OK) {
        double start = nlg_seconds_now();
        *result = cJSON_CreateObject();
        status = execute_training(r, t, *result, err);
        double seconds = nlg_seconds_now() - start;
        if (status == NLG_OK) status = keep(r, t->part, t->arm, identity, *result, seconds, err);
        r->executed++;
        const cJSON *accuracy = cJSON_GetObjectItem(*result, "val_accuracy");
        char what[64] = "diverged";
        if (accuracy) snprintf(what, sizeof what, "rate %g, validation %.4f", t->rate, accuracy->valuedouble);
        if (accuracy && accuracy->valuedouble > r->best) r->best = accuracy->valuedouble;
        if (status == NLG_OK) say(r, t->part, t->arm, what, seconds);
    }
    nlg_free(identity);
    return status;
}

static double validation_of(const cJSON *result) {
    const cJSON *v = cJSON_GetObjectItem(result, "val_accuracy");
    return cJSON_IsNumber(v) ? v->valuedouble : -1;
}

/* ---- kinds of experiments ---- */

static nlg_status run_counts(runner *r, nlg_error *err) {
    for (int i = 0; i < nlg_model_count(); i++) {
        const nlg_model *m = nlg_model_at(i);
        nlg_network n;
        nlg_status status = nlg_network_build(m, (nlg_shape){0}, 0, &n, err);
        char identity[256];
        snprintf(identity, sizeof identity, "{\"kind\":\"counts\",\"network\":\"%s\"}", m->name);
        if (status == NLG_OK) {
            cJSON *row = cJSON_CreateObject();
            nlg_json_number(row, "params", (double)n.cost.params);
            nlg_json_number(row, "params_without_aux", (double)n.cost.params_without_aux);
            nlg_json_number(row, "macs", (double)n.cost.macs);
            status = keep(r, "counts", m->name, identity, row, 0, err);
            cJSON_Delete(row);
        }
        nlg_network_close(&n);
        if (status != NLG_OK) return status;
    }
    r->done++;
    return NLG_OK;
}

static nlg_status open_network(runner *r, const char *name, nlg_network *network, nlg_error *err) {
    const nlg_model *model;
    *network = (nlg_network){0};
    NLG_TRY(nlg_model_find(name, &model, err));
    return nlg_network_build(model, (nlg_shape){.h = r->info->h, .w = r->info->w, .c = r->info->c}, r->info->classes, network, err);
}

/* Every arm has the same grid; the rate is chosen on validation with a seed that is not used again. */
static nlg_status choose_rate(runner *r, const training *form, double *rate, nlg_error *err) {
    double best = -2;
    const cJSON *v;
    cJSON_ArrayForEach(v, nlg_scale_list(r->experiment, "rates")) {
        training t = *form;
        cJSON *result = NULL;
        t.part = "selection";
        t.rate = v->valuedouble;
        t.seed = SELECTION_SEED;
        nlg_status status = train(r, &t, &result, err);
        if (status == NLG_OK && validation_of(result) > best) {
            best = validation_of(result);
            *rate = t.rate;
        }
        cJSON_Delete(result);
        NLG_TRY(status);
    }
    return NLG_OK;
}

static nlg_status train_finally(runner *r, const training *form, const char *part, nlg_error *err) {
    for (int seed = 1; seed <= nlg_scale_int(r->experiment, "seeds"); seed++) {
        training t = *form;
        cJSON *result = NULL;
        t.part = part;
        t.seed = (uint64_t)seed;
        t.test = true;
        nlg_status status = train(r, &t, &result, err);
        cJSON_Delete(result);
        NLG_TRY(status);
    }
    return NLG_OK;
}

static nlg_status run_training(runner *r, nlg_error *err) {
    enum { MOST = 64 };
    double rates[MOST];
    const cJSON *list = nlg_scale_list(r->experiment, "networks");
    int n = cJSON_GetArraySize(list);
    if (n > MOST) return nlg_fail(err, NLG_ERR_INPUT, "%s: more than %d networks", r->experiment->id, MOST);
    for (int phase = 0; phase < 2; phase++) { /* all choices are made before the test split is opened */
        if (phase == 1) nlg_progress_line(&r->progress, "%s: final step, the test split is opened now", r->experiment->id);
        for (int i = 0; i < n; i++) {
            nlg_network network;
            nlg_status status = open_network(r, cJSON_GetArrayItem(list, i)->valuestring, &network, err);
            training t = {.graph = network.graph,
                          .epochs = nlg_scale_int(r->experiment, "epochs"),
                          .batch = nlg_scale_int(r->experiment, "batch")};
            if (status == NLG_OK) {
                t.arm = network.model->name;
                t.rate = rates[i];
                status = phase == 0 ? choose_rate(r, &t, &rates[i], err) : train_finally(r, &t, "final", err);
            }
            nlg_network_close(&network);
            NLG_TRY(status);
        }
    }
    return NLG_OK;
}

static bool watch_trial(void *context, const nlg_trial *trial, int epoch, double fraction) {
    runner *r = context;
    nlg_progress_update(&r->progress, (double)r->done / r->total, "%s: trial %d, epoch %d, %.0f%%", r->experiment->id,
                        trial->number, epoch + 1, 100 * fraction);
    return !nlg_interrupted();
}

static bool after_trial(void *context, const nlg_trial *trial, const nlg_trial *best, int done, int budget) {
    runner *r = context;
    r->executed++;
    nlg_progress_update(&r->progress, (double)r->done / r->total, "%s: trial %d/%d %s, best so far %.4f", r->experiment->id, done,
                        budget, nlg_trial_status_name(trial->status), best ? best->score : 0.0);
    return !nlg_interrupted();
}

static nlg_status retrain(runner *r, const nlg_space *space, const nlg_trial *trial, const char *part, nlg_error *err) {
    char arm[NLG_GENOTYPE_MAX];
    space->encode(space, &trial->code, arm, sizeof arm);
    nlg_graph *graph = NULL;
    NLG_TRY(space->build(space, &trial->code, r->info->h, r->info->w, r->info->c, r->info->classes, &graph, err));
    training t = {.arm = arm,
                  .graph = graph,
                  .rate = nlg_scale_number(r->experiment, "rate"),
                  .epochs = nlg_scale_int(r->experiment, "retrain_epochs"),
                  .batch = nlg_scale_int(r->experiment, "batch")};
    nlg_status status = train_finally(r, &t, part, err);
    nlg_graph_destroy(graph);
    return status;
}

static nlg_status keep_search(runner *r, const nlg_search_options *s, const nlg_search_result *result, nlg_error *err) {
    cJSON *identity = cJSON_CreateObject(), *out = cJSON_CreateObject(), *history = cJSON_AddArrayToObject(out, "history");
    nlg_json_text(identity, "kind", "search");
    nlg_json_text(identity, "space", s->space->name);
    nlg_json_text(identity, "strategy", s->strategy->name);
    nlg_json_number(identity, "seed", (double)s->seed);
    nlg_json_number(identity, "budget", s->budget);
    cJSON_AddItemToObject(identity, "evaluator", cJSON_Parse(s->evaluator_config));
    double seconds = 0;
    for (int i = 0; i < result->count; i++) {
        const nlg_trial *t = &result->trials[i];
        char genotype[NLG_GENOTYPE_MAX];
        s->space->encode(s->space, &t->code, genotype, sizeof genotype);
        cJSON *row = nlg_json_object_in(history);
        nlg_json_text(row, "genotype", genotype);
        nlg_json_text(row, "status", nlg_trial_status_name(t->status));
        nlg_json_number(row, "score", t->score);
        nlg_json_number(row, "params", (double)t->params);
        nlg_json_number(row, "macs", (double)t->macs);
        cJSON_AddBoolToObject(row, "repeat", t->is_repeat);
        seconds += t->evaluation_seconds + t->overhead_seconds;
    }
    nlg_json_number(out, "evaluations", result->evaluations);
    nlg_json_text(out, "digest", result->digest);
    char *text;
    nlg_status status = nlg_json_write(identity, false, &text, err);
    if (status == NLG_OK) status = keep(r, "search", s->strategy->name, text, out, seconds, err);
    nlg_free(text);
    cJSON_Delete(identity);
    cJSON_Delete(out);
    return status;
}

static nlg_status search_once(runner *r, nlg_search_options *s, nlg_error *err) {
    nlg_search_result result;
    double start = nlg_seconds_now();
    nlg_status status = nlg_search_run(s, &result, err);
    if (status == NLG_OK) status = keep_search(r, s, &result, err);
    r->done++;
    if (status == NLG_OK && result.stored < result.count) {
        char what[64];
        snprintf(what, sizeof what, "best %.4f (proxy)", result.best >= 0 ? result.trials[result.best].score : 0.0);
        say(r, "search", s->strategy->name, what, nlg_seconds_now() - start);
    }
    nlg_free(result.trials);
    return status;
}

/* After all searches: their winners, and the first architectures of the first random search, are trained anew. */
static nlg_status retrain_all(runner *r, nlg_search_options *s, nlg_error *err) {
    const cJSON *name;
    char chosen[NLG_STRATEGY_OPTIONS_TEXT];
    int random = nlg_scale_int(r->experiment, "retrained_random");
    nlg_progress_line(&r->progress, "%s: final step, the test split is opened now", r->experiment->id);
    cJSON_ArrayForEach(name, nlg_scale_list(r->experiment, "strategies")) {
        NLG_TRY(nlg_strategy_pick(name->valuestring, false, &s->strategy, chosen, err));
        s->strategy_options = chosen;
        for (int seed = 1; seed <= nlg_scale_int(r->experiment, "search_seeds"); seed++) {
            s->seed = (uint64_t)seed;
            nlg_search_result result;
            nlg_status status = nlg_search_run(s, &result, err);
            char part[64];
            snprintf(part, sizeof part, "winner %s", s->strategy->name);
            if (status == NLG_OK && result.best >= 0) status = retrain(r, s->space, &result.trials[result.best], part, err);
            bool is_baseline = strcmp(s->strategy->name, "random") == 0 && seed == 1;
            for (int i = 0; is_baseline && status == NLG_OK && i < result.count && i < random; i++)
                if (result.trials[i].status == NLG_TRIAL_DONE && !result.trials[i].is_repeat)
                    status = retrain(r, s->space, &result.trials[i], "random", err);
            nlg_free(result.trials);
            NLG_TRY(status);
        }
    }
    return NLG_OK;
}

static nlg_status run_searches(runner *r, nlg_search_options *s, nlg_error *err) {
    const cJSON *name;
    char chosen[NLG_STRATEGY_OPTIONS_TEXT];
    cJSON_ArrayForEach(name, nlg_scale_list(r->experiment, "strategies")) {
        if (nlg_strategy_pick(name->valuestring, false, &s->strategy, chosen, err) != NLG_OK)
            return nlg_fail_at(err, "%s", r->experiment->id);
        s->strategy_options = chosen;
        for (int seed = 1; seed <= nlg_scale_int(r->experiment, "search_seeds"); seed++) {
            s->seed = (uint64_t)seed;
            NLG_TRY(search_once(r, s, err));
        }
    }
    return retrain_all(r, s, err);
}

static nlg_status run_search(runner *r, nlg_error *err) {
    const char *space = nlg_scale_list(r->experiment, "space")->valuestring;
    char store[1024];
    snprintf(store, sizeof store, "%s/trials.sqlite", r->options->results);
    nlg_train_evaluator_options how = {
        .dataset = r->dataset, .exec = &r->exec, .recipe = nlg_recipe_default(), .progress = watch_trial, .progress_context = r};
    how.recipe.epochs = nlg_scale_int(r->experiment, "epochs");
    how.recipe.batch = nlg_scale_int(r->experiment, "batch");
    how.recipe.lr = nlg_scale_number(r->experiment, "rate");
    nlg_train_evaluator *evaluator;
    NLG_TRY(nlg_train_evaluator_create(&how, &evaluator, err));
    nlg_space opened;
    nlg_search_options s = {.space = &opened,
                            .evaluator = nlg_train_evaluator_interface(evaluator),
                            .evaluator_config = nlg_train_evaluator_config(evaluator),
                            .budget = nlg_scale_int(r->experiment, "budget"),
                            .store = store,
                            .session = {nlg_build_commit(), nlg_build_compiler(), nlg_build_flags(), nlg_isa_name(r->settings->isa),
                                        r->settings->threads},
                            .progress = after_trial,
                            .progress_context = r};
    nlg_status status = nlg_space_open(space, &opened, err);
    status = status == NLG_OK ? run_searches(r, &s, err) : nlg_fail_at(err, "%s", r->experiment->id);
    nlg_space_close(&opened);
    nlg_train_evaluator_destroy(evaluator);
    return status;
}

static nlg_status measure_latency(runner *r, const char *name, cJSON *result, nlg_error *err) {
    nlg_network network;
    nlg_bench *bench = NULL;
    nlg_bench_result b;
    nlg_status status = nlg_network_open(name, NULL, (nlg_shape){0}, 0, &network, err);
    nlg_bench_options how = {
        .batch = nlg_scale_int(r->experiment, "batch"), .mode = NLG_INFER, .seconds = nlg_scale_number(r->experiment, "seconds")};
    if (status == NLG_OK) status = nlg_bench_create(&network, &r->exec, &how, &bench, err);
    if (status == NLG_OK) status = nlg_bench_run(bench, &b, err);
    if (status == NLG_OK) {
        nlg_json_number(result, "batch", how.batch);
        nlg_json_number(result, "median_ms", b.ms_median);
        nlg_json_number(result, "p10_ms", b.ms_p10);
        nlg_json_number(result, "p90_ms", b.ms_p90);
        nlg_json_number(result, "repetitions", b.reps);
        cJSON_AddBoolToObject(result, "noisy", b.noisy);
        nlg_json_number(result, "macs", (double)network.cost.macs);
    }
    nlg_bench_destroy(bench);
    nlg_network_close(&network);
    return status;
}

static nlg_status run_latency(runner *r, nlg_error *err) {
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    const cJSON *name;
    cJSON_ArrayForEach(name, nlg_scale_list(r->experiment, "networks")) {
        char identity[512], key[65];
        cJSON *result = NULL;
        snprintf(identity, sizeof identity,
                 "{\"kind\":\"latency\",\"network\":\"%s\",\"batch\":%d,\"threads\":%d,\"isa\":\"%s\",\"cpu\":\"%s\"}",
                 name->valuestring, nlg_scale_int(r->experiment, "batch"), r->settings->threads, nlg_isa_name(r->settings->isa),
                 cpu.model);
        NLG_TRY(nlg_results_key(identity, key, err));
        NLG_TRY(nlg_results_get(r->results, key, &result, err));
        bool stored = result != NULL;
        r->done++;
        nlg_status status = NLG_OK;
        if (!stored) {
            double start = nlg_seconds_now();
            result = cJSON_CreateObject();
            status = nlg_interrupted() ? nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped")
                                       : measure_latency(r, name->valuestring, result, err);
            r->executed++;
            if (status == NLG_OK) status = keep(r, "latency", name->valuestring, identity, result, nlg_seconds_now() - start, err);
            if (status == NLG_OK) say(r, "latency", name->valuestring, "measured", nlg_seconds_now() - start);
        } else {
            status =
                nlg_results_add_member(r->results, r->options->profile, r->experiment->id, "latency", name->valuestring, key, err);
        }
        cJSON_Delete(result);
        NLG_TRY(status);
    }
    return NLG_OK;
}

/* ---- the profile ---- */

static int units_of(const nlg_experiment *e) {
    switch (e->kind) {
    case NLG_COUNTS:
        return 1;
    case NLG_LATENCY:
        return cJSON_GetArraySize(nlg_scale_list(e, "networks"));
    case NLG_TRAINING:
        return cJSON_GetArraySize(nlg_scale_list(e, "networks")) *
               (cJSON_GetArraySize(nlg_scale_list(e, "rates")) + nlg_scale_int(e, "seeds"));
    default: {
        int searches = cJSON_GetArraySize(nlg_scale_list(e, "strategies")) * nlg_scale_int(e, "search_seeds");
        return searches + (searches + nlg_scale_int(e, "retrained_random")) * nlg_scale_int(e, "seeds");
    }
    }
}

static nlg_status run_experiment(runner *r, const nlg_experiment *e, nlg_error *err) {
    r->experiment = e;
    r->best = 0;
    NLG_TRY(nlg_results_forget_members(r->results, r->options->profile, e->id, err));
    if (e->kind == NLG_COUNTS) return run_counts(r, err);
    if (e->kind == NLG_LATENCY) return run_latency(r, err);
    nlg_dataset_options data = {.train_limit = (uint32_t)nlg_scale_int(e, "train_images"),
                                .validation = (uint32_t)nlg_scale_int(e, "validation_images")};
    NLG_TRY(nlg_dataset_open(e->data, &data, &r->dataset, err));
    r->info = nlg_dataset_describe(r->dataset);
    nlg_status status = e->kind == NLG_TRAINING ? run_training(r, err) : run_search(r, err);
    nlg_dataset_close(r->dataset);
    r->dataset = NULL;
    return status;
}

static bool is_chosen(const nlg_invocation *call, const char *id) {
    for (int i = 0; i < call->n_arguments; i++)
        if (strcmp(call->arguments[i], id) == 0) return true;
    return call->n_arguments == 0;
}

/* Before hours are spent. */
static nlg_status check_names(const nlg_experiment *e, nlg_error *err) {
    const nlg_model *model;
    const cJSON *name;
    cJSON_ArrayForEach(name, nlg_scale_list(e, "networks")) {
        if (nlg_model_find(name->valuestring, &model, err) != NLG_OK) return nlg_fail_at(err, "experiment %s", e->id);
    }
    if (e->kind != NLG_SEARCH) return NLG_OK;
    nlg_space space;
    if (nlg_space_open(nlg_scale_list(e, "space")->valuestring, &space, err) != NLG_OK)
        return nlg_fail_at(err, "experiment %s", e->id);
    nlg_space_close(&space);
    cJSON_ArrayForEach(name, nlg_scale_list(e, "strategies")) {
        const nlg_strategy *strategy;
        char chosen[NLG_STRATEGY_OPTIONS_TEXT];
        if (nlg_strategy_pick(name->valuestring, false, &strategy, chosen, err) != NLG_OK)
            return nlg_fail_at(err, "experiment %s", e->id);
    }
    return NLG_OK;
}

static nlg_status run_them(const nlg_invocation *call, runner *r, const nlg_experiment *experiments, int count, nlg_error *err) {
    for (int i = 0; i < count; i++) {
        if (!is_chosen(call, experiments[i].id)) continue;
        NLG_TRY(check_names(&experiments[i], err));
        r->total += units_of(&experiments[i]);
    }
    if (!r->total)
        return nlg_fail(err, NLG_ERR_INPUT, "no such experiment: '%s'; see %s", call->arguments[0], r->options->experiments);
    nlg_status status = nlg_results_open(r->options->results, true, &r->results, err);
    if (status == NLG_OK) status = nlg_exec_open(&call->settings, &r->exec, err);
    nlg_interrupt_watch();
    nlg_progress_start(&r->progress);
    r->begun = nlg_seconds_now();
    for (int i = 0; i < count && status == NLG_OK; i++)
        if (is_chosen(call, experiments[i].id)) status = run_experiment(r, &experiments[i], err);
    nlg_progress_end(&r->progress);
    nlg_exec_close(&r->exec);
    nlg_results_close(r->results);
    return status;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    runner r = {.options = call->options, .settings = &call->settings};
    nlg_experiment *experiments;
    int count;
    nlg_status status = nlg_experiments_load(r.options->experiments, r.options->profile, &experiments, &count, err);
    if (status == NLG_OK) status = run_them(call, &r, experiments, count, err);
    nlg_experiments_free(experiments, count);
    if (status == NLG_ERR_INTERRUPTED)
        fprintf(stderr, "finished parts are kept in %s; the same command continues\n", r.options->results);
    if (status == NLG_OK)
        printf("profile %s: %d of %d parts were in %s already or are there now; next: lineage report --profile %s --results %s\n",
               r.options->profile, r.done, r.total, r.options->results, r.options->profile, r.options->results);
    return status;
}

const nlg_command nlg_command_run = {
    .name = "run",
    .summary = "Run the experiments of a profile; a stopped run continues",
    .arguments = "[EXPERIMENT...]",
    .max_arguments = -1,
    .help = "Results are stored one by one; what the store has is not done again.\n\nExamples:\n  lineage run --profile smoke\n  "
            "lineage "
            "run human-vs-searched --profile quick --threads 2",
    .options = options,
    .shared = NLG_TAKES_EXEC,
    .defaults = &(const run_options){.profile = "quick", .results = "results/local", .experiments = "harness/experiments"},
    .options_size = sizeof(run_options),
    .option = option,
    .run = run,
};
