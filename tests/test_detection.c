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

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
enum { IMAGES = 2, LEVELS = 5, ANCHORS = 9 };

static cJSON *reference(void) {
    char *text = NULL;
    size_t size = 0;
    nlg_error err = {0};
    if (nlg_file_read("tests/reference/detection.json", (size_t)1 << 20, &text, &size, &err) != NLG_OK) fail_msg("%s", err.text);
    cJSON *json = cJSON_ParseWithLength(text, size);
    assert_non_null(json);
    nlg_free(text);
    return json;
}

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
    cJSON *json = reference();
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

static void heads_give_the_reference_values(void **state) {
    (void)state;
    cJSON *json = reference();
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
        cmocka_unit_test(names_are_the_references),        cmocka_unit_test(outputs_cover_the_levels),
        cmocka_unit_test(a_stack_adds_its_cells),          cmocka_unit_test(other_sizes_are_refused),
        cmocka_unit_test(heads_give_the_reference_values),
    };
    return cmocka_run_group_tests_name("detection", tests, NULL, NULL);
}
