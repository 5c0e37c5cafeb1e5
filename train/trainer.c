/* The trainer: epochs over a data set with one plan, one optimizer, one schedule.
 *
 * A run is a pure function of graph, data, recipe and seed: initialisation, order, augmentation and dropout have streams of
 * their own, keyed by epoch, step and sample, so a continued run meets the same numbers. A last batch that is not full is left out
 * (batch statistics of a few images are noise) unless it is the only one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "layers/base/dmath.h"
#include "layers/base/file.h"
#include "layers/graph/weights_file.h"
#include "train/train_internal.h"

enum { EVALUATION_BATCH = 128, UPDATE_CHUNK = 4096 };
enum { STREAM_INIT, STREAM_ORDER, STREAM_STEPS };

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- set-up ---- */

static nlg_status check_shapes(const nlg_graph *graph, const nlg_dataset_info *info, const nlg_augmentation *a, nlg_error *err) {
    const nlg_shape in = graph->nodes[0].shape;
    const int pad = a != NULL ? 2 * a->pad : 0;
    if (in.h != info->h + pad || in.w != info->w + pad || in.c != info->c)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: images of %d x %d x %d, but the network takes %d x %d x %d (C x H x W)",
                        info->name, info->c, info->h + pad, info->w + pad, in.c, in.h, in.w);
    return nlg_task_for(info)->check(graph, info, err);
}

static nlg_status make_chunks(nlg_trainer *t, nlg_error *err) {
    int count = 0;
    for (int pass = 0; pass < 2; pass++) {
        count = 0;
        for (int i = 0; i < t->graph->n_params; i++) {
            const nlg_param *p = &t->graph->params[i];
            for (size_t begin = 0; p->trainable && begin < p->count; begin += UPDATE_CHUNK, count++) {
                if (pass == 0) continue;
                const size_t left = p->count - begin;
                t->chunks[count] = (update_chunk){.offset = p->offset + begin,
                                                  .count = left < UPDATE_CHUNK ? left : UPDATE_CHUNK,
                                                  .decay = t->options.recipe.optimizer.decay_all || p->role == NLG_PARAM_WEIGHT};
            }
        }
        if (pass == 1) break;
        t->chunks = nlg_alloc((size_t)count + 1, sizeof *t->chunks);
        if (t->chunks == NULL) return nlg_fail_memory(err, (size_t)count * sizeof *t->chunks, "the optimizer");
    }
    t->n_chunks = count;
    return NLG_OK;
}

static nlg_schedule make_schedule(const nlg_recipe *r, int64_t steps_per_epoch) {
    const double per_epoch = (double)steps_per_epoch;
    return (nlg_schedule){.kind = r->schedule,
                          .lr = r->lr,
                          .steps = steps_per_epoch * r->epochs,
                          .warmup_steps = (int64_t)(r->warmup_epochs * per_epoch),
                          .step_every = (int64_t)(r->step_epochs * per_epoch) > 0 ? (int64_t)(r->step_epochs * per_epoch) : 1,
                          .factor = r->factor,
                          .final_lr = r->final_lr};
}

static int batch_of(const nlg_recipe *recipe, uint32_t images) {
    return (uint32_t)recipe->batch < images ? recipe->batch : (int)images;
}

nlg_status nlg_trainer_measure(const nlg_graph *graph, const nlg_dataset *dataset, const nlg_exec *exec, const nlg_recipe *recipe,
                               size_t memory_limit, size_t *bytes, nlg_error *err) {
    const nlg_dataset_info *info = nlg_dataset_describe(dataset);
    const nlg_optimizer_options *o = &recipe->optimizer;
    const size_t blocks = 2 + (size_t)nlg_optimizer_state_count(o->kind, o->momentum) + (recipe->ema_decay > 0);
    const int validation_batch = info->validation < EVALUATION_BATCH ? (int)info->validation : EVALUATION_BATCH;
    nlg_plan_options validation = {.batch = validation_batch, .mode = NLG_INFER},
                     training = {.batch = batch_of(recipe, info->train), .mode = NLG_TRAIN, .memory_limit = memory_limit};
    if (validation_batch > 0) NLG_TRY(nlg_plan_measure(graph, exec, &validation, &training.other_bytes, err));
    training.other_bytes += blocks * nlg_weights_bytes(graph);
    NLG_TRY(nlg_plan_measure(graph, exec, &training, bytes, err));
    *bytes += training.other_bytes;
    return NLG_OK;
}

static nlg_status set_up(nlg_trainer *t, nlg_error *err) {
    const nlg_recipe *r = &t->options.recipe;
    const nlg_dataset_info *info = nlg_dataset_describe(t->dataset);
    NLG_TRY(check_shapes(t->graph, info, r->augment ? &r->augmentation : NULL, err));
    if (r->epochs < 0 || r->batch < 1)
        return nlg_fail(err, NLG_ERR_INPUT, "recipe: %d epochs with batch %d; expected at least 0 and 1", r->epochs, r->batch);
    if (info->train < 1) return nlg_fail(err, NLG_ERR_INPUT, "%s: no training images", info->name);

    NLG_TRY(nlg_trainer_measure(t->graph, t->dataset, t->exec, r, t->options.memory_limit, &t->bytes, err));
    t->batch = batch_of(r, info->train);
    t->steps_per_epoch = info->train / (uint32_t)t->batch;
    t->schedule = make_schedule(r, t->steps_per_epoch);
    t->n_state = nlg_optimizer_state_count(r->optimizer.kind, r->optimizer.momentum);
    NLG_TRY(nlg_weights_create(t->graph, &t->weights, err));
    NLG_TRY(nlg_weights_create(t->graph, &t->gradients, err));
    for (int i = 0; i < t->n_state; i++) {
        NLG_TRY(nlg_weights_create(t->graph, &t->state[i], err));
        const float start = (float)nlg_optimizer_state_start(r->optimizer.kind, i);
        for (size_t j = 0; j < t->graph->weights_floats; j++) t->state[i].values[j] = start;
    }
    const uint64_t init = nlg_rng_u64(nlg_rng_seed(t->options.seed), STREAM_INIT);
    nlg_weights_init(&t->weights, init);
    if (t->task->start != NULL) t->task->start(t->graph, r, nlg_rng_seed(init), &t->weights);
    if (t->options.weights != NULL) {
        nlg_load_options load = {.allow_missing_aux = true, .new_head = t->options.new_head};
        NLG_TRY(nlg_weights_load(&t->weights, t->options.weights, &load, err));
    }
    if (r->ema_decay > 0) {
        NLG_TRY(nlg_weights_create(t->graph, &t->average, err));
        memcpy(t->average.values, t->weights.values, t->graph->weights_floats * sizeof(float));
    }
    NLG_TRY(make_chunks(t, err));
    t->order = nlg_alloc(info->train, sizeof *t->order);
    t->targets = nlg_alloc((size_t)t->batch, sizeof *t->targets);
    t->records = nlg_alloc((size_t)r->epochs + 1, sizeof *t->records);
    if (t->order == NULL || t->targets == NULL || t->records == NULL)
        return nlg_fail_memory(err, info->train * sizeof *t->order, "the trainer");
    NLG_TRY(t->task->create(t->graph, info, r, t->exec, t->batch, &t->task_state, err));
    const nlg_plan_options plan = {.batch = t->batch, .mode = NLG_TRAIN};
    return nlg_plan_create(t->graph, t->exec, &plan, &t->weights, &t->gradients, &t->plan, err);
}

nlg_status nlg_trainer_create(const nlg_graph *graph, const nlg_dataset *dataset, const nlg_exec *exec,
                              const nlg_trainer_options *options, nlg_trainer **out, nlg_error *err) {
    nlg_trainer *t = nlg_alloc(1, sizeof *t);
    *out = NULL;
    if (t == NULL) return nlg_fail_memory(err, sizeof *t, "the trainer");
    t->graph = graph, t->dataset = dataset, t->exec = exec, t->options = *options;
    t->task = nlg_task_for(nlg_dataset_describe(dataset));
    t->lock.file = -1;
    nlg_status status = nlg_trainer_lock(t, err);
    if (status == NLG_OK) status = set_up(t, err);
    if (status == NLG_OK) status = nlg_trainer_restore(t, err);
    if (status != NLG_OK) {
        nlg_trainer_destroy(t);
        return status;
    }
    *out = t;
    return NLG_OK;
}

void nlg_trainer_destroy(nlg_trainer *t) {
    if (t == NULL) return;
    nlg_plan_destroy(t->plan);
    nlg_weights_destroy(&t->weights);
    nlg_weights_destroy(&t->gradients);
    for (int i = 0; i < 2; i++) nlg_weights_destroy(&t->state[i]);
    nlg_weights_destroy(&t->average);
    nlg_free(t->chunks);
    nlg_free(t->order);
    nlg_free(t->targets);
    if (t->task_state != NULL) t->task->destroy(t->task_state);
    nlg_free(t->records);
    nlg_free(t->state_path);
    nlg_free(t->schedules);
    nlg_file_lock_release(&t->lock);
    nlg_free(t);
}

/* ---- one step ---- */

typedef struct load_job {
    const nlg_dataset *dataset;
    nlg_split split;
    const uint32_t *index;
    const nlg_augmentation *augmentation;
    uint64_t seed;
    uint32_t epoch;
    float *images;
    size_t image_floats;
    nlg_target *targets;
    nlg_error error[64]; /* one per worker */
} load_job;

static void load_images(void *context, int64_t begin, int64_t end, int worker) {
    load_job *job = context;
    nlg_dataset_images(job->dataset, job->split, job->index + begin, (size_t)(end - begin), job->augmentation, job->seed,
                       job->epoch, job->images + (size_t)begin * job->image_floats, job->targets + begin, &job->error[worker % 64]);
}

static nlg_status load_batch(const nlg_exec *exec, load_job *job, int images, nlg_error *err) {
    nlg_team_run(exec->team, images, load_images, job);
    for (int i = 0; i < 64; i++)
        if (job->error[i].status != NLG_OK) return nlg_fail(err, job->error[i].status, "%s", job->error[i].text);
    return NLG_OK;
}

typedef struct update_job {
    const nlg_trainer *trainer;
    double lr, gradient_scale;
    int64_t step; /* from 1 */
} update_job;

static void update_chunks(void *context, int64_t begin, int64_t end, int worker) {
    const update_job *job = context;
    const nlg_trainer *t = job->trainer;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        const update_chunk *c = &t->chunks[i];
        float *state[2] = {NULL, NULL};
        for (int s = 0; s < t->n_state; s++) state[s] = t->state[s].values + c->offset;
        nlg_optimizer_update(&t->options.recipe.optimizer, job->lr, job->step, c->decay, job->gradient_scale, c->count,
                             t->weights.values + c->offset, t->gradients.values + c->offset, state);
    }
}

/* Global norm of all gradients, summed parameter by parameter in double. */
static double gradient_norm(const nlg_trainer *t) {
    double total = 0;
    for (int i = 0; i < t->n_chunks; i++) {
        const float *g = t->gradients.values + t->chunks[i].offset;
        double sum = 0;
        for (size_t j = 0; j < t->chunks[i].count; j++) sum += (double)g[j] * (double)g[j];
        total += sum;
    }
    return nlg_sqrt(total);
}

static void average_weights(nlg_trainer *t) {
    const float keep = (float)t->options.recipe.ema_decay, take = (float)(1 - t->options.recipe.ema_decay);
    for (size_t i = 0; i < t->graph->weights_floats; i++)
        t->average.values[i] = keep * t->average.values[i] + take * t->weights.values[i];
}

static nlg_status fail_nonfinite(const nlg_trainer *t, double loss, nlg_error *err) {
    const char *layer = nlg_plan_find_nonfinite(t->plan);
    return nlg_fail(err, NLG_ERR_NUMERIC,
                    "step %lld (epoch %d): the loss is %g; first layer with a value that is not finite: %s; try a lower learning "
                    "rate or a longer warm-up",
                    (long long)(t->epoch * t->steps_per_epoch + t->step), t->epoch + 1, loss,
                    layer != NULL ? layer : "the loss itself");
}

static nlg_status train_step(nlg_trainer *t, nlg_error *err) {
    const nlg_recipe *r = &t->options.recipe;
    const int64_t global_step = t->epoch * t->steps_per_epoch + t->step;
    const nlg_tensor x = nlg_plan_input(t->plan);
    load_job load = {.dataset = t->dataset,
                     .split = NLG_SPLIT_TRAIN,
                     .index = t->order + t->step * t->batch,
                     .augmentation = r->augment ? &r->augmentation : NULL,
                     .seed = nlg_rng_u64(nlg_rng_seed(t->options.seed), STREAM_ORDER),
                     .epoch = (uint32_t)t->epoch,
                     .images = x.data,
                     .image_floats = (size_t)x.h * (size_t)x.w * (size_t)x.c,
                     .targets = t->targets};
    NLG_TRY(load_batch(t->exec, &load, t->batch, err));
    nlg_plan_forward(t->plan, t->batch,
                     nlg_rng_stream(nlg_rng_stream(nlg_rng_seed(t->options.seed), STREAM_STEPS), (uint64_t)global_step));

    int64_t hits = 0;
    double loss = 0;
    NLG_TRY(t->task->loss(t->task_state, t->plan, t->batch, t->targets, &loss, &hits, err));
    if (!isfinite(loss)) return fail_nonfinite(t, loss, err);
    t->correct += hits;
    t->loss_sum += loss;
    t->seen += t->batch;

    nlg_plan_backward(t->plan);
    update_job update = {
        .trainer = t, .lr = nlg_schedule_at(&t->schedule, global_step), .gradient_scale = 1, .step = global_step + 1};
    if (r->clip_norm > 0) {
        const double norm = gradient_norm(t);
        if (!isfinite(norm)) return fail_nonfinite(t, norm, err);
        if (norm > r->clip_norm) update.gradient_scale = r->clip_norm / norm;
    }
    nlg_team_run(t->exec->team, t->n_chunks, update_chunks, &update);
    if (r->ema_decay > 0) average_weights(t);
    t->step++;
    return NLG_OK;
}

/* ---- epochs ---- */

static void fill_record(const nlg_trainer *t, double seconds, nlg_epoch_record *record) {
    *record = (nlg_epoch_record){.loss = t->seen > 0 ? t->loss_sum / (double)t->seen : 0,
                                 .train_score = !t->task->counts_hits ? (double)NAN
                                                : t->seen > 0         ? (double)t->correct / (double)t->seen
                                                                      : 0,
                                 .val_score = (double)NAN,
                                 .seconds = seconds,
                                 .images = t->seen};
}

static nlg_status validate(nlg_trainer *t, nlg_epoch_record *record, nlg_error *err) {
    const nlg_recipe *r = &t->options.recipe;
    nlg_evaluation e;
    if (nlg_dataset_describe(t->dataset)->validation == 0) return NLG_OK;
    if (t->options.validate_last_only && t->epoch + 1 < r->epochs) return NLG_OK;
    const nlg_evaluation_options how = {
        .split = NLG_SPLIT_VALIDATION, .batch = EVALUATION_BATCH, .preprocessing = r->augment ? &r->augmentation : NULL};
    NLG_TRY(nlg_evaluate(t->graph, nlg_trainer_weights(t), t->dataset, &how, t->exec, &e, err));
    record->val_score = e.value[0];
    if (!isfinite(e.loss))
        return nlg_fail(err, NLG_ERR_NUMERIC,
                        "epoch %d: the validation loss is %g after step %lld, the last layer's output is not finite; try a lower "
                        "learning rate or a longer warm-up",
                        t->epoch + 1, e.loss, (long long)(t->epoch * t->steps_per_epoch + t->step));
    return NLG_OK;
}

static nlg_status train_epoch(nlg_trainer *t, nlg_error *err) {
    const double start = seconds_now() - t->seconds;
    nlg_epoch_record record;
    nlg_dataset_epoch_order(t->dataset, nlg_rng_u64(nlg_rng_seed(t->options.seed), STREAM_ORDER), (uint32_t)t->epoch, t->order);
    while (t->step < t->steps_per_epoch) {
        NLG_TRY(train_step(t, err));
        t->seconds = seconds_now() - start;
        fill_record(t, t->seconds, &record);
        const double fraction = (double)t->step / (double)t->steps_per_epoch;
        if (t->step == t->steps_per_epoch || t->options.progress == NULL) continue;
        if (!t->options.progress(t->options.progress_context, t->epoch, fraction, &record)) {
            NLG_TRY(nlg_trainer_save(t, err));
            return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped in epoch %d of %d after step %lld%s", t->epoch + 1,
                            t->options.recipe.epochs, (long long)t->step,
                            t->options.checkpoint != NULL ? "; the same command continues from the checkpoint" : "");
        }
    }
    fill_record(t, t->seconds, &record);
    NLG_TRY(validate(t, &record, err));
    t->records[t->epoch] = record;
    t->epoch++, t->step = 0, t->seen = 0, t->correct = 0, t->loss_sum = 0, t->seconds = 0;
    NLG_TRY(nlg_trainer_save(t, err));
    if (t->options.progress != NULL && !t->options.progress(t->options.progress_context, t->epoch - 1, 1, &record) &&
        t->epoch < t->options.recipe.epochs)
        return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped after epoch %d of %d%s", t->epoch, t->options.recipe.epochs,
                        t->options.checkpoint != NULL ? "; the same command continues from the checkpoint" : "");
    return NLG_OK;
}

nlg_status nlg_trainer_run(nlg_trainer *t, nlg_error *err) {
    while (t->epoch < t->options.recipe.epochs) NLG_TRY(train_epoch(t, err));
    return NLG_OK;
}

int nlg_trainer_epochs(const nlg_trainer *t) {
    return t->epoch;
}
const nlg_epoch_record *nlg_trainer_record(const nlg_trainer *t, int epoch) {
    return &t->records[epoch];
}
bool nlg_trainer_continued(const nlg_trainer *t) {
    return t->continued;
}
bool nlg_trainer_repaired(const nlg_trainer *t) {
    return t->repaired;
}
const char *nlg_trainer_schedules(const nlg_trainer *t) {
    return t->schedules;
}
/* Guessing has a loss of ln(classes) and a score of 1 / classes; two standard errors above it are still guessing. */
const char *nlg_trainer_warning(const nlg_trainer *t, char text[256]) {
    const nlg_dataset_info *info = nlg_dataset_describe(t->dataset);
    if (t->epoch < 1 || !nlg_task_counts_hits(t->task) || info->classes < 2) return NULL;
    const nlg_epoch_record *last = &t->records[t->epoch - 1];
    const double guess = 1.0 / info->classes, guessing = nlg_log(info->classes);
    const bool validated = isfinite(last->val_score) && info->validation > 0;
    const double images = validated ? info->validation : (double)last->images,
                 score = validated ? last->val_score : last->train_score;
    if (last->loss > 3 * guessing) {
        snprintf(text, 256,
                 "the loss exploded: %.4g after epoch %d, guessing has %.4g; try a lower learning rate or a longer warm-up",
                 last->loss, t->epoch, guessing);
        return text;
    }
    if (isfinite(score) && images > 0 && score <= guess + 2 * nlg_sqrt(guess * (1 - guess) / images)) {
        snprintf(text, 256, "the network only guesses: %s accuracy %.4f, guessing one of %d classes has %.4f",
                 validated ? "validation" : "training", score, info->classes, guess);
        return text;
    }
    return NULL;
}

const nlg_weights *nlg_trainer_weights(const nlg_trainer *t) {
    return nlg_trainer_result(t);
}

size_t nlg_trainer_bytes(const nlg_trainer *t) {
    return t->bytes;
}

/* ---- evaluation ---- */

static nlg_status keep_answers(const nlg_task_type *task, const void *state, const nlg_evaluation_options *o, uint32_t begin,
                               int count, nlg_error *err) {
    for (int i = 0; task->answer != NULL && i < count && begin + (uint32_t)i < o->shown; i++) {
        cJSON *said = task->answer(state, i);
        if (said == NULL || !cJSON_AddItemToArray(o->answers, said)) return nlg_fail_memory(err, 64, "answers");
    }
    return NLG_OK;
}

static nlg_status evaluate_batches(const nlg_task_type *task, void *state, nlg_plan *plan, load_job *load, uint32_t images,
                                   const nlg_evaluation_options *o, int batch, uint32_t *index, const nlg_exec *exec,
                                   nlg_evaluation *result, nlg_error *err) {
    task->begin(state);
    for (uint32_t begin = 0; begin < images; begin += (uint32_t)batch) {
        const int count = images - begin < (uint32_t)batch ? (int)(images - begin) : batch;
        for (int i = 0; i < count; i++) index[i] = begin + (uint32_t)i;
        NLG_TRY(load_batch(exec, load, count, err));
        nlg_plan_forward(plan, count, nlg_rng_seed(0));
        NLG_TRY(task->add(state, plan, count, load->targets, err));
        NLG_TRY(keep_answers(task, state, o, begin, count, err));
    }
    return task->finish(state, result, err);
}

nlg_status nlg_evaluate(const nlg_graph *graph, const nlg_weights *weights, const nlg_dataset *dataset,
                        const nlg_evaluation_options *o, const nlg_exec *exec, nlg_evaluation *result, nlg_error *err) {
    const nlg_dataset_info *info = nlg_dataset_describe(dataset);
    const nlg_task_type *task = nlg_task_for(info);
    const nlg_recipe recipe = task->recipe();
    const uint32_t all = o->split == NLG_SPLIT_TRAIN        ? info->train
                         : o->split == NLG_SPLIT_VALIDATION ? info->validation
                                                            : info->test;
    const uint32_t images = o->most && o->most < all ? o->most : all;
    /* Of the preprocessing only what holds for every split: border and scaling. */
    const nlg_augmentation plain = {.raw = o->preprocessing != NULL && o->preprocessing->raw,
                                    .pad = o->preprocessing != NULL ? o->preprocessing->pad : 0};
    const int batch = (uint32_t)o->batch > images ? (int)images : o->batch;
    nlg_plan *plan = NULL;
    void *state = NULL;
    *result = (nlg_evaluation){0};
    NLG_TRY(check_shapes(graph, info, &plain, err));
    if (images == 0)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: this split has no images; take another split, or a folder with images",
                        info->name);
    if (o->exit < 0 || o->exit > nlg_graph_exits(graph))
        return nlg_fail(err, NLG_ERR_INPUT, "exit: expected 0 (the end) to %d, found %d", nlg_graph_exits(graph), o->exit);
    const nlg_plan_options how = {.batch = batch, .mode = NLG_INFER, .exit = o->exit};
    NLG_TRY(nlg_plan_create(graph, exec, &how, weights, NULL, &plan, err));
    uint32_t *index = nlg_alloc((size_t)batch, sizeof *index);
    nlg_target *targets = nlg_alloc((size_t)batch, sizeof *targets);
    nlg_status status = task->create(graph, info, &recipe, exec, batch, &state, err);
    if (status == NLG_OK && (index == NULL || targets == NULL))
        status = nlg_fail_memory(err, (size_t)batch * sizeof *targets, "evaluation");
    if (status == NLG_OK) {
        const nlg_tensor x = nlg_plan_input(plan);
        load_job load = {.dataset = dataset,
                         .split = o->split,
                         .index = index,
                         .augmentation = &plain,
                         .images = x.data,
                         .image_floats = (size_t)x.h * (size_t)x.w * (size_t)x.c,
                         .targets = targets};
        status = evaluate_batches(task, state, plan, &load, images, o, batch, index, exec, result, err);
    }
    if (state != NULL) task->destroy(state);
    nlg_free(index);
    nlg_free(targets);
    nlg_plan_destroy(plan);
    return status;
}
