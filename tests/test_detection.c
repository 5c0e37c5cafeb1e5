/* detection: RetinaNet against the reference values, NAS-FPN's structure. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "layers/base/digest.h"
#include "layers/base/file.h"
#include "layers/graph/plan.h"
#include "layers/kernels/simd.h"
#include "models/families.h"
#include "train/detection.h"
#include "train/task.h"
#include "tests/read_back.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
enum { IMAGES = 2, LEVELS = 5, ANCHORS = 9 };

static nlg_graph *build(const char *name, nlg_shape input) {
    const nlg_model *model = NULL;
    nlg_graph *graph = NULL;
    nlg_error err = {0};
    if (nlg_model_find(name, &model, &err) != NLG_OK || nlg_model_build(model, input, 0, &graph, &err) != NLG_OK)
        fail_msg("%s", err.text);
    return graph;
}

static double number(const cJSON *object, const char *key) {
    return cJSON_GetObjectItem(object, key)->valuedouble;
}

static void names_are_the_references(void **state) {
    (void)state;
    cJSON *json = read_reference("detection.json");
    nlg_graph *graph = build("retinanet_resnet50_fpn", (nlg_shape){0, 0, 0});
    nlg_graph_cost cost;
    nlg_error err = {0};
    assert_int_equal(nlg_graph_count(graph, &cost, &err), NLG_OK);
    assert_int_equal(cost.params, (int64_t)number(json, "params"));
    nlg_digest *digest = nlg_digest_create();
    for (int i = 0; i < graph->n_params; i++) {
        const nlg_param *p = &graph->params[i];
        nlg_digest_update(digest, p->name, strlen(p->name));
        for (int d = 0; d < p->rank; d++) {
            char text[16];
            snprintf(text, sizeof text, "%c%d", d ? ',' : ' ', p->shape[d]);
            nlg_digest_update(digest, text, strlen(text));
        }
        nlg_digest_update(digest, "\n", 1);
    }
    char hex[65];
    nlg_digest_finish(digest, hex);
    assert_string_equal(hex, cJSON_GetObjectItem(json, "state")->valuestring);
    nlg_graph_destroy(graph);
    cJSON_Delete(json);
}

/* ---- forward ---------------------------------------------------------------------------------------------------------- */

static void fill_input(nlg_tensor x) {
    const uint64_t fine = nlg_fill_key("input"), coarse = nlg_fill_key("coarse");
    const int gh = (x.h + 31) / 32, gw = (x.w + 31) / 32;
    for (int n = 0; n < x.n; n++)
        for (int c = 0; c < x.c; c++)
            for (int i = 0; i < x.h; i++)
                for (int j = 0; j < x.w; j++) {
                    const int64_t plane = n * x.c + c;
                    x.data[(((int64_t)n * x.h + i) * x.w + j) * x.ld + c] =
                        (float)(0.5 * nlg_fill_value(fine, (uint64_t)((plane * x.h + i) * x.w + j)) +
                                nlg_fill_value(coarse, (uint64_t)((plane * gh + i / 32) * gw + j / 32)));
                }
}

typedef struct moments {
    double sum, squares, first[8];
    int count, taken;
} moments;

/* Pixels of one image in order, `width` values each: the order of flattened heads. */
static void take(moments *m, nlg_tensor y, int image) {
    for (int64_t p = 0; p < (int64_t)y.h * y.w; p++)
        for (int c = 0; c < y.c; c++) {
            const double v = (double)y.data[((int64_t)image * y.h * y.w + p) * y.ld + c];
            if (m->taken < 8) m->first[m->taken++] = v;
            m->sum += v;
            m->squares += v * v;
            m->count++;
        }
}

static void compare(const char *what, const moments *m, const cJSON *wanted) {
    const double rms = number(wanted, "rms"), tolerance = 1e-3 * rms;
    const double mean = m->sum / m->count, found = sqrt(m->squares / m->count);
    if (fabs(mean - number(wanted, "mean")) > tolerance || fabs(found - rms) > tolerance)
        fail_msg("%s: mean %g, rms %g, expected %g, %g", what, mean, found, number(wanted, "mean"), rms);
    for (int i = 0; i < 8; i++) {
        const double value = cJSON_GetArrayItem(cJSON_GetObjectItem(wanted, "first"), i)->valuedouble;
        if (fabs(m->first[i] - value) > tolerance) fail_msg("%s: value %d is %g, expected %g", what, i, m->first[i], value);
    }
}

/* The oracle's two images, as targets. */
typedef struct truth {
    nlg_object objects[4];
    nlg_target targets[IMAGES];
} truth;

static void read_truth(const cJSON *json, nlg_shape input, truth *t) {
    *t = (truth){0};
    const cJSON *image;
    int n = 0, images = 0;
    cJSON_ArrayForEach(image, cJSON_GetObjectItem(json, "targets")) {
        const cJSON *boxes = cJSON_GetObjectItem(image, "boxes"), *labels = cJSON_GetObjectItem(image, "labels");
        t->targets[images++] = (nlg_target){
            .label = -1, .scale = 1, .h = input.h, .w = input.w, .objects = &t->objects[n], .n_objects = cJSON_GetArraySize(boxes)};
        for (int i = 0; i < cJSON_GetArraySize(boxes); i++) {
            double v[4];
            for (int k = 0; k < 4; k++) v[k] = cJSON_GetArrayItem(cJSON_GetArrayItem(boxes, i), k)->valuedouble;
            t->objects[n++] = (nlg_object){.x = v[0],
                                           .y = v[1],
                                           .w = v[2] - v[0],
                                           .h = v[3] - v[1],
                                           .area = (v[2] - v[0]) * (v[3] - v[1]),
                                           .label = cJSON_GetArrayItem(labels, i)->valueint};
        }
    }
    assert_int_equal(images, IMAGES);
}

/* The losses of scores and boxes together, and that of the boxes by itself: L1 of the matched anchors. */
static void compare_losses(const cJSON *json, const nlg_graph *graph, const nlg_exec *exec, nlg_plan *plan) {
    const nlg_tensor in = nlg_plan_input(plan);
    truth t;
    read_truth(json, (nlg_shape){in.h, in.w, in.c}, &t);
    const nlg_dataset_info info = {.name = "the oracle's", .targets = NLG_TARGET_OBJECTS, .classes = 91};
    const nlg_task_type *task = nlg_task_for(&info);
    nlg_recipe recipe = nlg_recipe_default_detection();
    nlg_evaluation result = {0};
    nlg_error err = {0};
    void *task_state = NULL;
    recipe.detection.beta = 0;
    if (task->check(graph, &info, &err) != NLG_OK || task->create(graph, &info, &recipe, exec, IMAGES, &task_state, &err) != NLG_OK)
        fail_msg("%s", err.text);
    task->begin(task_state);
    assert_int_equal(task->add(task_state, plan, IMAGES, t.targets, &err), NLG_OK);
    assert_int_equal(task->finish(task_state, &result, &err), NLG_OK);
    task->destroy(task_state);

    nlg_detector detector;
    assert_int_equal(nlg_detector_of(graph, "", &detector, &err), NLG_OK);
    const nlg_anchors *anchors = &detector.anchors;
    int32_t *match = nlg_alloc((size_t)anchors->count, sizeof *match);
    double boxes_loss = 0;
    for (int image = 0; image < IMAGES; image++) {
        nlg_box boxes[4];
        double best[4], sum = 0;
        for (int i = 0; i < t.targets[image].n_objects; i++) boxes[i] = nlg_target_box(&t.targets[image], i);
        const int matched = nlg_match_anchors(anchors, boxes, t.targets[image].n_objects, best, match);
        assert_true(matched > 0);
        for (int level = 0; level < LEVELS; level++) {
            const nlg_tensor y = nlg_plan_output(plan, LEVELS + level);
            for (int i = 0; i < y.h * y.w * ANCHORS; i++) {
                const int index = anchors->first[level] + i;
                if (match[index] < 0) continue;
                const nlg_box anchor = nlg_anchor_at(anchors, index);
                double code[4];
                nlg_box_encode(&anchor, &boxes[match[index]], code);
                const float *is = y.data + ((int64_t)image * y.h * y.w + i / ANCHORS) * y.ld + (int64_t)4 * (i % ANCHORS);
                for (int k = 0; k < 4; k++) sum += fabs((double)is[k] - code[k]);
            }
        }
        boxes_loss += sum / matched / IMAGES;
    }
    nlg_free(match);
    const cJSON *wanted = cJSON_GetObjectItem(json, "losses");
    const double scores = number(wanted, "classification"), boxes = number(wanted, "bbox_regression");
    if (fabs(boxes_loss - boxes) > 1e-3 * boxes) fail_msg("loss of the boxes: %.9g, expected %.9g", boxes_loss, boxes);
    if (fabs(result.loss - scores - boxes) > 1e-4 * scores) fail_msg("loss: %.9g, expected %.9g", result.loss, scores + boxes);
}

static void anchors_are_the_references(void **state) {
    (void)state;
    cJSON *json = read_reference("detection.json");
    const cJSON *wanted = cJSON_GetObjectItem(json, "anchors");
    const nlg_shape maps[LEVELS] = {{32, 40, 1}, {16, 20, 1}, {8, 10, 1}, {4, 5, 1}, {2, 3, 1}};
    const nlg_anchors anchors = nlg_anchors_of(256, 320, maps, LEVELS);
    assert_int_equal(anchors.count, (int)number(wanted, "count"));
    for (int end = 0; end < 2; end++)
        for (int i = 0; i < ANCHORS; i++) {
            const cJSON *box = cJSON_GetArrayItem(cJSON_GetObjectItem(wanted, end ? "last" : "first"), i);
            const nlg_box is = nlg_anchor_at(&anchors, end ? anchors.count - ANCHORS + i : i);
            const double found[4] = {is.x1, is.y1, is.x2, is.y2};
            for (int k = 0; k < 4; k++) assert_true(found[k] == cJSON_GetArrayItem(box, k)->valuedouble);
        }
    cJSON_Delete(json);
}

/* Boxes [50 + 40 u0, 50 + 40 u1, + 20 + 15 u2, + 20 + 15 u3] with score (u4 + 1) / 2. */
static void suppression_keeps_what_the_reference_keeps(void **state) {
    (void)state;
    enum { BOXES = 60 };
    cJSON *json = read_reference("detection.json");
    const cJSON *c;
    const uint64_t key = nlg_fill_key("nms");
    nlg_box boxes[BOXES];
    double scores[BOXES];
    int order[BOXES], keep[BOXES];
    for (int i = 0; i < BOXES; i++) {
        double u[5];
        for (int k = 0; k < 5; k++) u[k] = nlg_fill_value(key, (uint64_t)(i * 5 + k));
        boxes[i] = (nlg_box){50 + 40 * u[0], 50 + 40 * u[1], 0, 0};
        boxes[i].x2 = boxes[i].x1 + 20 + 15 * u[2], boxes[i].y2 = boxes[i].y1 + 20 + 15 * u[3];
        scores[i] = (u[4] + 1) / 2;
    }
    for (int i = 0; i < BOXES; i++) { /* by falling score */
        int at = i;
        while (at > 0 && scores[order[at - 1]] < scores[i]) order[at] = order[at - 1], at--;
        order[at] = i;
    }
    cJSON_ArrayForEach(c, cJSON_GetObjectItem(json, "nms")) {
        const cJSON *wanted = cJSON_GetObjectItem(c, "keep");
        const int kept = nlg_suppress(boxes, NULL, order, BOXES, number(c, "iou"), BOXES, keep);
        assert_int_equal(kept, cJSON_GetArraySize(wanted));
        for (int i = 0; i < kept; i++) assert_int_equal(keep[i], cJSON_GetArrayItem(wanted, i)->valueint);
        int32_t classes[BOXES]; /* each box a class of its own: nothing is dropped */
        for (int i = 0; i < BOXES; i++) classes[i] = i;
        assert_int_equal(nlg_suppress(boxes, classes, order, BOXES, number(c, "iou"), BOXES, keep), BOXES);
        assert_int_equal(nlg_suppress(boxes, NULL, order, BOXES, number(c, "iou"), 3, keep), 3);
    }
    cJSON_Delete(json);
}

static void a_box_comes_back_from_its_code(void **state) {
    (void)state;
    const nlg_box anchor = {10, 20, 42, 52}, box = {15, 11, 30, 80};
    double code[4];
    nlg_box_encode(&anchor, &box, code);
    const float coded[4] = {(float)code[0], (float)code[1], (float)code[2], (float)code[3]};
    const nlg_box back = nlg_box_decode(&anchor, coded);
    assert_true(fabs(back.x1 - box.x1) < 1e-4 && fabs(back.y2 - box.y2) < 1e-4 && fabs(back.x2 - box.x2) < 1e-4);
    const nlg_box large = nlg_box_decode(&anchor, (const float[4]){0, 0, 1000, 1000});
    assert_true(fabs(large.x2 - large.x1 - 32 * 62.5) < 1e-6);
}

static void heads_give_the_reference_values(void **state) {
    (void)state;
    cJSON *json = read_reference("detection.json");
    const cJSON *input = cJSON_GetObjectItem(json, "input");
    nlg_graph *graph = build("retinanet_resnet50_fpn",
                             (nlg_shape){cJSON_GetArrayItem(input, 1)->valueint, cJSON_GetArrayItem(input, 2)->valueint, 3});
    const nlg_exec exec = {.team = nlg_team_create(2), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
    const nlg_plan_options options = {.batch = IMAGES, .mode = NLG_INFER};
    nlg_weights weights = {0};
    nlg_plan *plan = NULL;
    nlg_error err = {0};
    assert_int_equal(nlg_weights_create(graph, &weights, &err), NLG_OK);
    nlg_weights_fill_reference(&weights, number(json, "bn_gain"));
    if (nlg_plan_create(graph, &exec, &options, &weights, NULL, &plan, &err) != NLG_OK) fail_msg("%s", err.text);
    fill_input(nlg_plan_input(plan));
    nlg_plan_forward(plan, IMAGES, nlg_rng_seed(0));
    assert_int_equal(nlg_plan_outputs(plan), 2 * LEVELS);
    static const char *const heads[] = {"cls_logits", "bbox_regression"};
    for (int head = 0; head < COUNT(heads); head++) {
        const cJSON *wanted = cJSON_GetObjectItem(json, heads[head]);
        moments m = {0};
        for (int image = 0; image < IMAGES; image++)
            for (int l = 0; l < LEVELS; l++) take(&m, nlg_plan_output(plan, head * LEVELS + l), image);
        const cJSON *shape = cJSON_GetObjectItem(wanted, "shape");
        assert_int_equal(m.count, cJSON_GetArrayItem(shape, 0)->valueint * cJSON_GetArrayItem(shape, 1)->valueint *
                                      cJSON_GetArrayItem(shape, 2)->valueint);
        compare(heads[head], &m, wanted);
    }
    compare_losses(json, graph, &exec, plan);
    nlg_plan_destroy(plan);
    nlg_team_destroy(exec.team);
    nlg_weights_destroy(&weights);
    nlg_graph_destroy(graph);
    cJSON_Delete(json);
}

/* ---- structure -------------------------------------------------------------------------------------------------------- */

static void outputs_cover_the_levels(void **state) {
    (void)state;
    static const struct {
        const char *model;
        int side, classes, first; /* P3 is a 2^first-th of the image */
    } cases[] = {{"retinanet_r50", 256, 80, 3},     {"retinanet_r101", 256, 80, 3},  {"nas_fpn_r50_7_256", 256, 90, 3},
                 {"nas_fpn_r50_1_256", 128, 90, 3}, {"retinanet_small", 128, 10, 1}, {"nas_fpn_small", 128, 10, 1}};
    for (int i = 0; i < COUNT(cases); i++) {
        const int side = cases[i].side;
        nlg_graph *graph = build(cases[i].model, (nlg_shape){side, side, 3});
        assert_int_equal(graph->n_outputs, 2 * LEVELS);
        for (int l = 0; l < LEVELS; l++) {
            const nlg_shape scores = graph->nodes[graph->outputs[l]].shape, boxes = graph->nodes[graph->outputs[LEVELS + l]].shape;
            const int map = side >> (cases[i].first + l);
            assert_int_equal(scores.h, map);
            assert_int_equal(scores.w, map);
            assert_int_equal(scores.c, ANCHORS * cases[i].classes);
            assert_int_equal(boxes.h, map);
            assert_int_equal(boxes.c, ANCHORS * 4);
        }
        nlg_graph_destroy(graph);
    }
}

static void a_stack_adds_its_cells(void **state) {
    (void)state;
    const int64_t cell = 3 * 3 * 256 * 256 + 256 + 2 * 256;
    const char *const names[] = {"nas_fpn_r50_1_256", "nas_fpn_r50_3_256", "nas_fpn_r50_5_256", "nas_fpn_r50_7_256"};
    int64_t last = 0;
    for (int i = 0; i < COUNT(names); i++) {
        nlg_graph *graph = build(names[i], (nlg_shape){0, 0, 0});
        nlg_graph_cost cost;
        nlg_error err = {0};
        assert_int_equal(nlg_graph_count(graph, &cost, &err), NLG_OK);
        if (i > 0) assert_int_equal(cost.params - last, 2 * nlg_nas_fpn_stack.n_cells * cell);
        last = cost.params;
        nlg_graph_destroy(graph);
    }
    assert_int_equal(last, 60057998);
    int outputs = 0;
    for (int i = 0; i < nlg_nas_fpn_stack.n_cells; i++)
        outputs += nlg_nas_fpn_stack.cells[i].output ? 1 << nlg_nas_fpn_stack.cells[i].level : 0;
    assert_int_equal(outputs, 0xF8); /* levels 3 to 7, each once */
}

static void other_sizes_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *model;
        int side, unit;
    } cases[] = {{"retinanet_r50", 250, 32}, {"nas_fpn", 160, 128}};
    for (int i = 0; i < COUNT(cases); i++) {
        const nlg_model *model = NULL;
        nlg_graph *graph = NULL;
        nlg_error err = {0};
        assert_int_equal(nlg_model_find(cases[i].model, &model, &err), NLG_OK);
        assert_int_equal(nlg_model_build(model, (nlg_shape){cases[i].side, cases[i].side, 3}, 0, &graph, &err), NLG_ERR_INPUT);
        char says[32];
        snprintf(says, sizeof says, "multiples of %d", cases[i].unit);
        if (!strstr(err.text, says)) fail_msg("'%s' does not say %s", err.text, says);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_the_references),
        cmocka_unit_test(outputs_cover_the_levels),
        cmocka_unit_test(a_stack_adds_its_cells),
        cmocka_unit_test(other_sizes_are_refused),
        cmocka_unit_test(heads_give_the_reference_values),
        cmocka_unit_test(anchors_are_the_references),
        cmocka_unit_test(suppression_keeps_what_the_reference_keeps),
        cmocka_unit_test(a_box_comes_back_from_its_code),
    };
    return cmocka_run_group_tests_name("detection", tests, NULL, NULL);
}
