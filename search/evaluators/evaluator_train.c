/* Evaluator "train". */
#include "search/evaluators/evaluator_train.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/json.h"
#include "layers/kernels/simd.h"

struct nlg_train_evaluator {
    nlg_train_evaluator_options options;
    nlg_evaluator interface;
    nlg_exec worker_exec;
    char *config;
};

/* ---- configuration as text --------------------------------------------------------------------------------------------- */

static bool add_limits(cJSON *object, const nlg_train_evaluator_options *o) {
    cJSON *limits = cJSON_AddObjectToObject(object, "limits");
    return limits && cJSON_AddNumberToObject(limits, "params", (double)o->max_params) &&
           cJSON_AddNumberToObject(limits, "macs", (double)o->max_macs) &&
           cJSON_AddNumberToObject(limits, "memory_bytes", (double)o->max_memory_bytes);
}

static nlg_status write_config(const nlg_train_evaluator_options *o, char **text, nlg_error *err) {
    cJSON *object = cJSON_CreateObject();
    cJSON *data = cJSON_AddObjectToObject(object, "data"), *recipe = cJSON_AddObjectToObject(object, "recipe");
    if (data && recipe && nlg_recipe_add_data(data, o->dataset) && nlg_recipe_add(recipe, &o->recipe) && add_limits(object, o) &&
        nlg_recipe_add_exec(object, o->exec))
        return nlg_json_finish(object, false, text, err);
    cJSON_Delete(object);
    return nlg_fail_memory(err, 0, "the evaluator's configuration");
}

/* ---- one trial --------------------------------------------------------------------------------------------------------- */

static void end_trial(nlg_trial *trial, nlg_trial_status status, const char *message) {
    trial->status = status;
    snprintf(trial->message, sizeof trial->message, "%.*s", (int)sizeof trial->message - 1, message);
}

/* Memory of training as every machine counts it. */
static nlg_status measure_memory(const nlg_train_evaluator_options *o, const nlg_graph *graph, size_t *bytes, nlg_error *err) {
    nlg_exec exec = *o->exec;
    exec.team = nlg_team_create(1);
    if (!exec.team) return nlg_fail_memory(err, 64, "a team of one");
    exec.isa = NLG_ISA_PORTABLE;
    exec.simd = nlg_simd_table(NLG_ISA_PORTABLE);
    nlg_status status = nlg_trainer_measure(graph, o->dataset, &exec, &o->recipe, 0, bytes, err);
    nlg_team_destroy(exec.team);
    return status;
}

/* Sets the status to rejected when a limit is exceeded. */
static nlg_status check_limits(const nlg_train_evaluator_options *o, const nlg_graph *graph, nlg_trial *trial, nlg_error *err) {
    char text[128];
    if (o->max_params && trial->params > o->max_params) {
        snprintf(text, sizeof text, "%" PRId64 " parameters, the limit is %" PRId64, trial->params, o->max_params);
        end_trial(trial, NLG_TRIAL_REJECTED, text);
    } else if (o->max_macs && trial->macs > o->max_macs) {
        snprintf(text, sizeof text, "%" PRId64 " multiply-adds, the limit is %" PRId64, trial->macs, o->max_macs);
        end_trial(trial, NLG_TRIAL_REJECTED, text);
    } else if (o->max_memory_bytes) {
        size_t bytes = 0;
        NLG_TRY(measure_memory(o, graph, &bytes, err));
        if (bytes <= o->max_memory_bytes) return NLG_OK;
        snprintf(text, sizeof text, "%zu bytes to train, the limit is %zu", bytes, o->max_memory_bytes);
        end_trial(trial, NLG_TRIAL_REJECTED, text);
    }
    return NLG_OK;
}

typedef struct trial_progress {
    const nlg_train_evaluator_options *options;
    const nlg_trial *trial;
} trial_progress;

static bool on_progress(void *context, int epoch, double fraction, const nlg_epoch_record *record) {
    (void)record;
    const trial_progress *p = context;
    return p->options->progress(p->options->progress_context, p->trial, epoch, fraction);
}

static nlg_status take_score(const nlg_trainer *trainer, nlg_trial *trial, nlg_error *err) {
    trial->budget_epochs = nlg_trainer_epochs(trainer);
    trial->score = nlg_trainer_record(trainer, trial->budget_epochs - 1)->val_score;
    trial->status = NLG_TRIAL_DONE;
    return nlg_weights_digest(nlg_trainer_weights(trainer), trial->digest, err);
}

static nlg_status train(const nlg_train_evaluator_options *o, const nlg_graph *graph, nlg_trial *trial, nlg_error *err) {
    trial_progress progress = {.options = o, .trial = trial};
    nlg_recipe recipe = o->recipe;
    recipe.epochs = (int)(trial->budget * o->recipe.epochs + 0.5);
    if (recipe.epochs < 1) recipe.epochs = 1;
    nlg_trainer_options options = {
        .recipe = recipe, .seed = trial->seed, .validate_last_only = true, .progress_context = &progress};
    if (o->progress) options.progress = on_progress;
    nlg_trainer *trainer;
    nlg_error why = {0};
    NLG_TRY(nlg_trainer_create(graph, o->dataset, o->exec, &options, &trainer, err));
    nlg_status status = nlg_trainer_run(trainer, &why);
    if (status == NLG_OK) {
        status = take_score(trainer, trial, err);
    } else if (status == NLG_ERR_NUMERIC) {
        trial->budget_epochs = nlg_trainer_epochs(trainer);
        end_trial(trial, NLG_TRIAL_NONFINITE, why.text);
        status = NLG_OK;
    } else {
        nlg_fail(err, status, "%s", why.text);
    }
    nlg_trainer_destroy(trainer);
    return status;
}

static nlg_status evaluate(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    const nlg_train_evaluator *evaluator = context;
    const nlg_train_evaluator_options *o = &evaluator->options;
    const nlg_dataset_info *info = nlg_dataset_describe(o->dataset);
    const nlg_recipe *r = &o->recipe;
    int border = r->augment ? 2 * r->augmentation.pad : 0;
    if (!space->build) {
        return nlg_fail(err, NLG_ERR_INPUT, "space %s has no networks to train; take an evaluator that knows it", space->name);
    }
    nlg_graph *graph;
    nlg_error why = {0};
    nlg_status status = space->build(space, &trial->code, info->h + border, info->w + border, info->c, info->classes, &graph, &why);
    if (status == NLG_ERR_MEMORY) return nlg_fail(err, status, "%s", why.text);
    if (status != NLG_OK) {
        end_trial(trial, NLG_TRIAL_FAILED, why.text);
        return NLG_OK;
    }
    nlg_graph_cost cost;
    status = nlg_graph_count(graph, &cost, err);
    trial->params = cost.params;
    trial->macs = cost.macs;
    if (status == NLG_OK) status = check_limits(o, graph, trial, err);
    if (status == NLG_OK && trial->status == NLG_TRIAL_DONE) status = train(o, graph, trial, err);
    nlg_graph_destroy(graph);
    return status;
}

static nlg_status begin_worker(void *context, nlg_error *err) {
    nlg_train_evaluator *e = context;
    if (e->options.worker_threads < 2) return NLG_OK;
    e->worker_exec = *e->options.exec;
    e->worker_exec.team = nlg_team_create(e->options.worker_threads);
    if (!e->worker_exec.team) return nlg_fail_memory(err, 0, "the threads of a worker");
    e->options.exec = &e->worker_exec;
    return NLG_OK;
}

/* ---- life -------------------------------------------------------------------------------------------------------------- */

nlg_status nlg_train_evaluator_create(const nlg_train_evaluator_options *options, nlg_train_evaluator **evaluator, nlg_error *err) {
    *evaluator = NULL;
    const nlg_dataset_info *info = nlg_dataset_describe(options->dataset);
    if (options->recipe.epochs < 1) {
        return nlg_fail(err, NLG_ERR_INPUT, "evaluator train: expected at least 1 epoch, found %d", options->recipe.epochs);
    }
    if (info->validation < 1) {
        return nlg_fail(err, NLG_ERR_INPUT, "evaluator train: %s has no validation images to score with; cut some from training",
                        info->name);
    }
    nlg_train_evaluator *e = nlg_alloc(1, sizeof *e);
    if (!e) return nlg_fail_memory(err, sizeof *e, "the evaluator");
    e->options = *options;
    e->interface =
        (nlg_evaluator){.name = "train", .is_shared = true, .context = e, .evaluate = evaluate, .begin_worker = begin_worker};
    nlg_status status = write_config(options, &e->config, err);
    if (status == NLG_OK)
        *evaluator = e;
    else
        nlg_train_evaluator_destroy(e);
    return status;
}

void nlg_train_evaluator_destroy(nlg_train_evaluator *evaluator) {
    if (!evaluator) return;
    nlg_free(evaluator->config);
    nlg_free(evaluator);
}

const nlg_evaluator *nlg_train_evaluator_interface(const nlg_train_evaluator *evaluator) {
    return &evaluator->interface;
}

const char *nlg_train_evaluator_config(const nlg_train_evaluator *evaluator) {
    return evaluator->config;
}
