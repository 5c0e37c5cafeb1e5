#include "harness/measures/layout_search.h"

#include <math.h>
#include <string.h>

#include "layers/base/memory.h"
#include "search/evaluators/evaluator_layout.h"
#include "search/runner.h"

typedef struct watcher {
    const nlg_layout_search_options *options;
    const nlg_layout_evaluator *evaluator;
} watcher;

static bool after_trial(void *context, const nlg_trial *trial, const nlg_trial *best, int done, int budget) {
    (void)trial;
    const watcher *w = context;
    if (!w->options->progress) return true;
    const double loss = best ? nlg_layout_evaluator_loss(w->evaluator, best->score) : (double)INFINITY;
    return w->options->progress(w->options->progress_context, done, budget, loss);
}

static void draw_curve(const nlg_search_result *found, const nlg_layout_evaluator *evaluator, nlg_layout_search_result *result) {
    double best = 0;
    int next = 1;
    for (int i = 0; i < found->count; i++) {
        if (found->trials[i].score > best) best = found->trials[i].score;
        const int done = i + 1;
        if ((done < next && done < found->count) || result->n_curve == NLG_LAYOUT_CURVE_MAX) continue;
        result->curve[result->n_curve].evaluations = done;
        result->curve[result->n_curve++].loss = nlg_layout_evaluator_loss(evaluator, best);
        next = done + 1 + done / 4;
    }
}

static nlg_status loss_at_full_size(const nlg_layout_target *target, const nlg_layout *layout, double *value, nlg_error *err) {
    nlg_image picture = {0}, mine = {0};
    nlg_layout_painter *painter = NULL;
    nlg_layout_loss *loss = NULL;
    nlg_status status = nlg_layout_target_picture(target, 1, &picture, err);
    if (status == NLG_OK) status = nlg_layout_painter_create(&target->style, 1, &painter, err);
    if (status == NLG_OK) status = nlg_layout_paint_image(painter, layout, &mine, err);
    if (status == NLG_OK) status = nlg_layout_loss_create(&picture, &loss, err);
    if (status == NLG_OK) status = nlg_layout_loss_of_image(loss, &mine, value, err);
    nlg_layout_loss_destroy(loss);
    nlg_layout_painter_destroy(painter);
    if (mine.rgb) nlg_image_release(&mine);
    if (picture.rgb) nlg_image_release(&picture);
    return status;
}

static nlg_status conclude(const nlg_layout_search_options *o, const nlg_layout_evaluator *evaluator,
                           const nlg_search_result *found, nlg_layout_search_result *result, nlg_error *err) {
    const nlg_layout_target *target = nlg_layout_space_target(o->space);
    const nlg_trial *best = &found->trials[found->best];
    nlg_layout_space_layout(o->space, &best->code, &result->best);
    nlg_layout_write(&result->best, result->genotype, sizeof result->genotype);
    result->score = best->score;
    result->loss = nlg_layout_evaluator_loss(evaluator, best->score);
    result->recovery = (double)NAN;
    result->evaluations = found->evaluations;
    result->repeats = found->repeats;
    memcpy(result->digest, found->digest, sizeof result->digest);
    draw_curve(found, evaluator, result);
    if (target->has_truth) {
        char truth[NLG_GENOTYPE_MAX];
        nlg_layout_write(&target->truth, truth, sizeof truth);
        result->recovery = nlg_layout_recovery(&target->truth, &result->best, &target->style);
        result->exact = strcmp(truth, result->genotype) == 0;
    }
    return loss_at_full_size(target, &result->best, &result->loss_full_size, err);
}

nlg_status nlg_layout_search(const nlg_layout_search_options *o, nlg_layout_search_result *result, nlg_error *err) {
    *result = (nlg_layout_search_result){0};
    nlg_layout_evaluator *evaluator;
    NLG_TRY(nlg_layout_evaluator_create(o->space, &evaluator, err));
    watcher w = {o, evaluator};
    const nlg_search_options run = {.space = o->space,
                                    .strategy = o->strategy,
                                    .strategy_options = o->strategy_options,
                                    .evaluator = nlg_layout_evaluator_interface(evaluator),
                                    .evaluator_config = nlg_layout_evaluator_config(evaluator),
                                    .budget = o->budget,
                                    .seed = o->seed,
                                    .session = o->session,
                                    .progress = after_trial,
                                    .progress_context = &w};
    nlg_search_result found;
    nlg_status status = nlg_search_run(&run, &found, err);
    if (status == NLG_OK && found.best < 0)
        status = nlg_fail(err, NLG_ERR_CHECK, "no layout could be scored: %s",
                          found.count ? found.trials[0].message : "none was asked for");
    if (status == NLG_OK) status = conclude(o, evaluator, &found, result, err);
    nlg_free(found.trials);
    nlg_layout_evaluator_destroy(evaluator);
    return status;
}
