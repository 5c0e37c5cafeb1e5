/* Dense detection: focal loss on the class scores, smooth L1 on the boxes of matched anchors, both over the number of matched
 * anchors of the image (Lin et al. 2017, Section 4.1; normalised as torchvision does); COCO's scores.
 *
 * Images are shared out among the workers; each writes its own sums and gradients, which are added in order of images. */
#include <math.h>
#include <string.h>

#include "layers/base/dmath.h"
#include "layers/base/memory.h"
#include "layers/kernels/focal.h"
#include "layers/kernels/simd.h"
#include "train/detection.h"
#include "train/task.h"

typedef struct scratch {
    int32_t *match; /* [anchors] */
    nlg_box *boxes; /* [room] */
    int32_t *labels;
    double *best;
    float *target; /* [anchors of a place, classes], zero but while in use */
    double *terms; /* likewise */
    int room;
    bool failed; /* no memory for as many objects */
} scratch;

typedef struct state {
    nlg_detector detector;
    nlg_detection_loss loss;
    nlg_detect_options options;
    const nlg_exec *exec;
    int batch, workers;
    scratch *scratch;   /* [workers] */
    double *image_loss; /* [batch] */
    nlg_detection *detections;
    int *n_detections; /* [batch], detections [batch, options.most] */
    nlg_error *errors; /* [batch] */
    nlg_coco *coco;
    uint32_t images;
    double loss_sum;
} state;

/* ---- set-up ------------------------------------------------------------------------------------------------------------ */

static nlg_status check(const nlg_graph *graph, const nlg_dataset_info *info, nlg_error *err) {
    nlg_detector d;
    NLG_TRY(nlg_detector_of(graph, info->name, &d, err));
    if (d.classes < info->classes)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: %d classes, but the network has %d", info->name, info->classes, d.classes);
    return NLG_OK;
}

static void destroy(void *where) {
    state *s = where;
    if (s == NULL) return;
    for (int i = 0; s->scratch != NULL && i < s->workers; i++) {
        nlg_free(s->scratch[i].match);
        nlg_free(s->scratch[i].boxes);
        nlg_free(s->scratch[i].labels);
        nlg_free(s->scratch[i].best);
        nlg_free(s->scratch[i].target);
        nlg_free(s->scratch[i].terms);
    }
    nlg_free(s->scratch);
    nlg_free(s->image_loss);
    nlg_free(s->detections);
    nlg_free(s->n_detections);
    nlg_free(s->errors);
    nlg_coco_destroy(s->coco);
    nlg_free(s);
}

static nlg_status allocate(state *s, nlg_error *err) {
    const size_t batch = (size_t)s->batch, anchors = (size_t)s->detector.anchors.count,
                 scores = (size_t)(NLG_ANCHORS * s->detector.classes);
    bool good = true;
    s->scratch = nlg_alloc((size_t)s->workers, sizeof *s->scratch);
    for (int i = 0; s->scratch != NULL && i < s->workers; i++) {
        s->scratch[i].match = nlg_alloc(anchors, sizeof *s->scratch[i].match);
        s->scratch[i].target = nlg_alloc(scores, sizeof *s->scratch[i].target);
        s->scratch[i].terms = nlg_alloc(scores, sizeof *s->scratch[i].terms);
        good = good && s->scratch[i].match != NULL && s->scratch[i].target != NULL && s->scratch[i].terms != NULL;
    }
    s->image_loss = nlg_alloc(batch, sizeof *s->image_loss);
    s->detections = nlg_alloc(batch * (size_t)s->options.most, sizeof *s->detections);
    s->n_detections = nlg_alloc(batch, sizeof *s->n_detections);
    s->errors = nlg_alloc(batch, sizeof *s->errors);
    if (!good || s->scratch == NULL || s->image_loss == NULL || s->detections == NULL || s->n_detections == NULL ||
        s->errors == NULL)
        return nlg_fail_memory(err, batch * (size_t)s->options.most * sizeof *s->detections, "detection");
    return nlg_coco_create(s->detector.classes, &s->coco, err);
}

static nlg_status create(const nlg_graph *graph, const nlg_dataset_info *info, const nlg_recipe *recipe, const nlg_exec *exec,
                         int batch, void **out, nlg_error *err) {
    state *s = nlg_alloc(1, sizeof *s);
    if (s == NULL) return nlg_fail_memory(err, sizeof *s, "detection");
    s->loss = recipe->detects ? recipe->detection : nlg_detection_loss_default();
    s->options = nlg_detect_defaults();
    s->exec = exec;
    s->batch = batch;
    s->workers = nlg_team_size(exec->team);
    nlg_status status = nlg_detector_of(graph, info->name, &s->detector, err);
    if (status == NLG_OK) status = allocate(s, err);
    if (status != NLG_OK) {
        destroy(s);
        return status;
    }
    *out = s;
    return NLG_OK;
}

/* The last layers of the heads start small (deviation 0.01), the class scores at the prior: -log((1 - prior) / prior). */
static void start(const nlg_graph *graph, const nlg_recipe *recipe, nlg_rng seed, nlg_weights *weights) {
    const double prior = recipe->detects ? recipe->detection.prior : nlg_detection_loss_default().prior;
    const int outputs = graph->n_outputs / (1 + nlg_graph_exits(graph));
    for (int i = 0; i < graph->n_outputs; i++) {
        const nlg_node *node = &graph->nodes[graph->outputs[i]];
        for (int k = 0; k < node->n_params; k++) {
            const nlg_param *p = &graph->params[node->params[k]];
            float *value = nlg_weights_at(weights, node->params[k]);
            const nlg_rng rng = nlg_rng_named(nlg_rng_named(seed, "heads"), p->name);
            for (size_t j = 0; p->role == NLG_PARAM_WEIGHT && j < p->count; j++) value[j] = (float)(0.01 * nlg_rng_normal(rng, j));
            for (size_t j = 0; p->role == NLG_PARAM_BIAS && i % outputs < outputs / 2 && j < p->count; j++)
                value[j] = (float)-nlg_log((1 - prior) / prior);
        }
    }
}

/* ---- loss of one image ------------------------------------------------------------------------------------------------- */

typedef struct loss_job {
    state *s;
    const nlg_plan *plan;
    const nlg_target *targets;
    int images;
    bool gradient;
} loss_job;

/* The objects to be found: crowds and what the image's edge has cut below a pixel are not. */
static int take_objects(scratch *w, const nlg_target *t) {
    enum { ROOM = 64 };
    int n = 0;
    if (t->n_objects > w->room) {
        const size_t room = (size_t)t->n_objects + ROOM;
        nlg_free(w->boxes);
        nlg_free(w->labels);
        nlg_free(w->best);
        w->boxes = nlg_alloc(room, sizeof *w->boxes);
        w->labels = nlg_alloc(room, sizeof *w->labels);
        w->best = nlg_alloc(room, sizeof *w->best);
        w->failed = w->boxes == NULL || w->labels == NULL || w->best == NULL;
        w->room = w->failed ? 0 : (int)room;
        if (w->failed) return 0;
    }
    for (int i = 0; i < t->n_objects; i++) {
        const nlg_box b = nlg_target_box(t, i);
        if (t->objects[i].crowd || b.x2 - b.x1 < 1 || b.y2 - b.y1 < 1) continue;
        w->boxes[n] = b;
        w->labels[n++] = t->objects[i].label;
    }
    return n;
}

/* `first`: the exit's first output. The scores of a pixel lie side by side; anchor by anchor they are summed. */
static double scores_loss(const loss_job *job, scratch *w, int image, int first, int level, double scale) {
    const state *s = job->s;
    const nlg_tensor y = nlg_plan_output(job->plan, first + level),
                     dy = job->gradient ? nlg_plan_output_gradient(job->plan, first + level) : (nlg_tensor){0};
    const nlg_focal focal = {.alpha = s->loss.alpha, .gamma = s->loss.gamma, .scale = scale};
    const int classes = s->detector.classes;
    double total = 0;
    for (int p = 0; p < y.h * y.w; p++) {
        const int64_t pixel = (int64_t)image * y.h * y.w + p;
        const int *match = &w->match[s->detector.anchors.first[level] + p * NLG_ANCHORS];
        float *d = job->gradient ? dy.data + pixel * dy.ld : NULL;
        for (int a = 0; a < NLG_ANCHORS; a++)
            if (match[a] >= 0) w->target[a * classes + w->labels[match[a]]] = 1;
        s->exec->simd->focal->terms(&focal, (size_t)(NLG_ANCHORS * classes), y.data + pixel * y.ld, w->target, w->terms, d);
        for (int a = 0; a < NLG_ANCHORS; a++) {
            double sum = 0;
            for (int c = 0; c < classes && match[a] != NLG_MATCH_BETWEEN; c++) sum += w->terms[a * classes + c];
            total += sum;
            if (d != NULL && match[a] == NLG_MATCH_BETWEEN) memset(d + (int64_t)a * classes, 0, (size_t)classes * sizeof *d);
            if (match[a] >= 0) w->target[a * classes + w->labels[match[a]]] = 0;
        }
    }
    return total;
}

static double boxes_loss(const loss_job *job, scratch *w, int image, int first, int level, double scale) {
    const state *s = job->s;
    const int output = first + s->detector.anchors.n_levels + level;
    const nlg_tensor y = nlg_plan_output(job->plan, output),
                     dy = job->gradient ? nlg_plan_output_gradient(job->plan, output) : (nlg_tensor){0};
    double total = 0;
    for (int p = 0; p < y.h * y.w; p++)
        for (int a = 0; a < NLG_ANCHORS; a++) {
            const int64_t pixel = (int64_t)image * y.h * y.w + p;
            float *d = job->gradient ? dy.data + pixel * dy.ld + (int64_t)4 * a : NULL;
            const int index = s->detector.anchors.first[level] + p * NLG_ANCHORS + a, match = w->match[index];
            if (match < 0) {
                if (d != NULL) memset(d, 0, 4 * sizeof *d);
                continue;
            }
            const nlg_box anchor = nlg_anchor_at(&s->detector.anchors, index);
            double code[4];
            float target[4];
            nlg_box_encode(&anchor, &w->boxes[match], code);
            for (int i = 0; i < 4; i++) target[i] = (float)code[i];
            total += nlg_smooth_l1(4, y.data + pixel * y.ld + (int64_t)4 * a, target, s->loss.beta, scale, d);
        }
    return total;
}

static void images_loss(void *context, int64_t begin, int64_t end, int worker) {
    const loss_job *job = context;
    state *s = job->s;
    scratch *w = &s->scratch[worker];
    for (int64_t i = begin; i < end; i++) {
        const int n = take_objects(w, &job->targets[i]);
        const int matched = nlg_match_anchors(&s->detector.anchors, w->boxes, n, w->best, w->match);
        const double share = matched > 0 ? 1.0 / matched : 1, scale = share / job->images;
        const int levels = s->detector.anchors.n_levels;
        s->image_loss[i] = 0;
        for (int first = 0; first < nlg_plan_outputs(job->plan); first += 2 * levels) {
            const double weight = (double)nlg_plan_output_weight(job->plan, first);
            double scores = 0, boxes = 0;
            for (int l = 0; l < levels; l++) {
                scores += scores_loss(job, w, (int)i, first, l, weight * scale);
                boxes += boxes_loss(job, w, (int)i, first, l, weight * scale);
            }
            s->image_loss[i] += weight * (scores + boxes) * share;
        }
    }
}

static nlg_status sum_loss(loss_job *job, double *total, nlg_error *err) {
    state *s = job->s;
    *total = 0;
    nlg_team_run(s->exec->team, job->images, images_loss, job);
    for (int i = 0; i < s->workers; i++)
        if (s->scratch[i].failed) return nlg_fail_memory(err, sizeof(nlg_box), "the objects of an image");
    for (int i = 0; i < job->images; i++) *total += s->image_loss[i];
    return NLG_OK;
}

static nlg_status loss(void *where, nlg_plan *plan, int images, const nlg_target *targets, double *total, int64_t *hits,
                       nlg_error *err) {
    (void)hits;
    loss_job job = {.s = where, .plan = plan, .targets = targets, .images = images, .gradient = true};
    return sum_loss(&job, total, err);
}

/* ---- evaluation -------------------------------------------------------------------------------------------------------- */

static void begin(void *where) {
    state *s = where;
    nlg_coco_clear(s->coco);
    s->images = 0;
    s->loss_sum = 0;
}

static void detect_images(void *context, int64_t begin_image, int64_t end, int worker) {
    (void)worker;
    const loss_job *job = context;
    state *s = job->s;
    for (int64_t i = begin_image; i < end; i++) {
        nlg_detection *found = s->detections + i * s->options.most;
        s->errors[i] = (nlg_error){0};
        nlg_detect(&s->detector, job->plan, (int)i, &s->options, found, &s->n_detections[i], &s->errors[i]);
        for (int k = 0; k < s->n_detections[i]; k++) {
            nlg_detection *d = &found[k];
            const nlg_box b = nlg_target_box_in_file(&job->targets[i], &(nlg_box){d->x, d->y, d->x + d->w, d->y + d->h});
            d->x = b.x1, d->y = b.y1, d->w = b.x2 - b.x1, d->h = b.y2 - b.y1;
        }
    }
}

static nlg_status add(void *where, const nlg_plan *plan, int images, const nlg_target *targets, nlg_error *err) {
    state *s = where;
    double total = 0;
    loss_job job = {.s = s, .plan = plan, .targets = targets, .images = images};
    NLG_TRY(sum_loss(&job, &total, err));
    nlg_team_run(s->exec->team, images, detect_images, &job);
    for (int i = 0; i < images; i++) {
        if (s->errors[i].status != NLG_OK) return nlg_fail(err, s->errors[i].status, "%s", s->errors[i].text);
        NLG_TRY(nlg_coco_add(s->coco, targets[i].objects, targets[i].n_objects, s->detections + (size_t)i * (size_t)s->options.most,
                             s->n_detections[i], err));
    }
    s->loss_sum += total;
    s->images += (uint32_t)images;
    return NLG_OK;
}

static nlg_status finish(void *where, nlg_evaluation *result, nlg_error *err) {
    state *s = where;
    result->images = s->images;
    result->loss = s->images > 0 ? s->loss_sum / s->images : 0;
    return nlg_coco_finish(s->coco, result->value, &result->stray_detections, err);
}

/* [[left, top, width, height, label, score], ...], best first: scores of 0.3 and more, or the best one. Tenths of
 * pixels and thousandths are enough to look at. */
static cJSON *answer(const void *where, int image) {
    enum { MOST = 12 };
    const state *s = where;
    const nlg_detection *found = s->detections + (size_t)image * (size_t)s->options.most;
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; list != NULL && i < s->n_detections[image] && i < MOST && (i == 0 || found[i].score >= 0.3); i++) {
        const double box[4] = {found[i].x, found[i].y, found[i].w, found[i].h};
        cJSON *one = cJSON_CreateArray();
        for (int k = 0; k < 4; k++) cJSON_AddItemToArray(one, cJSON_CreateNumber(floor(box[k] * 10 + 0.5) / 10));
        cJSON_AddItemToArray(one, cJSON_CreateNumber(found[i].label));
        cJSON_AddItemToArray(one, cJSON_CreateNumber(floor(found[i].score * 1000 + 0.5) / 1000));
        cJSON_AddItemToArray(list, one);
        if (cJSON_GetArraySize(one) == 6 && cJSON_GetArraySize(list) == i + 1) continue;
        cJSON_Delete(list);
        return NULL;
    }
    return list;
}

static const char *const metrics[] = {"ap",   "ap50",  "ap75",     "ap_small",  "ap_medium", "ap_large", "ar1",
                                      "ar10", "ar100", "ar_small", "ar_medium", "ar_large",  NULL};

const nlg_task_type nlg_task_detection = {
    .name = "detection",
    .targets = NLG_TARGET_OBJECTS,
    .metrics = metrics,
    .recipe = nlg_recipe_default_detection,
    .check = check,
    .create = create,
    .destroy = destroy,
    .start = start,
    .loss = loss,
    .begin = begin,
    .add = add,
    .finish = finish,
    .answer = answer,
};
