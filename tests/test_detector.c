/* Training detectors: 8 scenes are learnt by heart, the evaluator gives the truth itself 1.0, gradients of shared heads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/dmath.h"
#include "layers/kernels/simd.h"
#include "models/model.h"
#include "train/detection.h"
#include "train/task.h"

static nlg_exec exec_of(int threads, nlg_isa isa) {
    return (nlg_exec){.team = nlg_team_create(threads), .isa = isa, .simd = nlg_simd_table(isa)};
}

static nlg_dataset *data; /* 8 scenes to train on, 8 to validate */

static int open_scenes(void **state) {
    (void)state;
    const nlg_dataset_options options = {.train_limit = 8, .validation = 8, .image_size = 64};
    return nlg_dataset_open("scenes", &options, &data, NULL) == NLG_OK ? 0 : -1;
}

static int close_scenes(void **state) {
    (void)state;
    nlg_dataset_close(data);
    return 0;
}

static nlg_graph *build(const char *name) {
    const nlg_model *model = NULL;
    nlg_graph *graph = NULL;
    nlg_error err = {0};
    if (nlg_model_find(name, &model, &err) != NLG_OK || nlg_model_build(model, (nlg_shape){64, 64, 3}, 10, &graph, &err) != NLG_OK)
        fail_msg("%s", err.text);
    return graph;
}

static nlg_trainer *train(const nlg_graph *graph, const nlg_exec *exec, const nlg_recipe *recipe) {
    const nlg_trainer_options options = {.recipe = *recipe, .seed = 3, .validate_last_only = true};
    nlg_trainer *trainer = NULL;
    nlg_error err = {0};
    if (nlg_trainer_create(graph, data, exec, &options, &trainer, &err) != NLG_OK || nlg_trainer_run(trainer, &err) != NLG_OK)
        fail_msg("%s", err.text);
    return trainer;
}

static void eight_images_are_learnt_by_heart(void **state) {
    (void)state;
    nlg_graph *graph = build("retinanet_tiny");
    nlg_exec exec = exec_of(2, nlg_isa_best());
    nlg_recipe recipe = nlg_recipe_default_detection();
    recipe.epochs = 90;
    recipe.batch = 8;
    recipe.augment = false;
    recipe.warmup_epochs = 10;
    recipe.lr = 0.005;
    recipe.optimizer.kind = NLG_ADAMW;
    nlg_trainer *trainer = train(graph, &exec, &recipe);
    nlg_evaluation result;
    nlg_error err = {0};
    const nlg_evaluation_options how = {.split = NLG_SPLIT_TRAIN, .batch = 8};
    if (nlg_evaluate(graph, nlg_trainer_weights(trainer), data, &how, &exec, &result, &err) != NLG_OK) fail_msg("%s", err.text);
    fprintf(stderr, "AP of the 8 images: %.4f, loss %.4f\n", result.value[0], result.loss);
    assert_true(result.value[0] > 0.9);
    nlg_trainer_destroy(trainer);
    nlg_team_destroy(exec.team);
    nlg_graph_destroy(graph);
}

/* ---- losses ------------------------------------------------------------------------------------------------------------ */

static void gamma_0_and_alpha_half_is_half_the_cross_entropy(void **state) {
    (void)state;
    enum { N = 41 };
    float logits[N], target[N], d[N];
    double wanted = 0;
    for (int i = 0; i < N; i++) {
        logits[i] = (float)(i - 20) * 0.7f;
        target[i] = (float)(i % 3 == 0);
        const double x = (double)logits[i], p = 1 / (1 + exp(-x));
        wanted -= 0.5 * ((double)target[i] * log(p) + (1 - (double)target[i]) * log(1 - p));
    }
    assert_true(fabs(nlg_sigmoid_focal_loss(N, logits, target, 0.5, 0, 1, d) - wanted) < 1e-9);
    for (int i = 0; i < N; i++) {
        const double p = 1 / (1 + exp(-(double)logits[i]));
        assert_true(fabs((double)d[i] - 0.5 * (p - (double)target[i])) < 1e-7);
    }
}

static void losses_are_finite_far_out(void **state) {
    (void)state;
    const float logits[4] = {100, -100, 100, -100}, target[4] = {1, 0, 0, 1};
    static const double gammas[] = {0, 0.5, 2, 5};
    for (int g = 0; g < 4; g++) {
        float d[4];
        const double loss = nlg_sigmoid_focal_loss(4, logits, target, 0.25, gammas[g], 1, d);
        assert_true(isfinite(loss) && fabs(loss - 100) < 1e-9); /* 0.75 * 100 + 0.25 * 100 */
        for (int i = 0; i < 4; i++) assert_true(isfinite(d[i]));
        assert_true(fabs((double)d[2] - 0.75) < 1e-6 && fabs((double)d[3] + 0.25) < 1e-6 && fabs((double)d[0]) < 1e-20);
    }
}

static void detectors_start_at_the_prior(void **state) {
    (void)state;
    nlg_graph *graph = build("retinanet_tiny");
    nlg_exec exec = exec_of(1, NLG_ISA_PORTABLE);
    nlg_recipe recipe = nlg_recipe_default_detection();
    recipe.epochs = 0;
    nlg_trainer *trainer = train(graph, &exec, &recipe);
    const nlg_weights *weights = nlg_trainer_weights(trainer);
    const int bias = nlg_graph_find_param(graph, "head.classification_head.cls_logits.bias"),
              boxes = nlg_graph_find_param(graph, "head.regression_head.bbox_reg.bias"),
              weight = nlg_graph_find_param(graph, "head.classification_head.cls_logits.weight");
    assert_true(bias >= 0 && boxes >= 0 && weight >= 0);
    double squares = 0;
    for (size_t i = 0; i < graph->params[bias].count; i++)
        assert_true(fabs((double)nlg_weights_at(weights, bias)[i] + 4.59511985) < 1e-6);
    for (size_t i = 0; i < graph->params[boxes].count; i++) assert_true(nlg_weights_at(weights, boxes)[i] == 0);
    for (size_t i = 0; i < graph->params[weight].count; i++)
        squares += (double)nlg_weights_at(weights, weight)[i] * (double)nlg_weights_at(weights, weight)[i];
    assert_true(fabs(sqrt(squares / (double)graph->params[weight].count) - 0.01) < 0.0005);
    nlg_trainer_destroy(trainer);
    nlg_team_destroy(exec.team);
    nlg_graph_destroy(graph);
}

/* ---- gradients of shared weights --------------------------------------------------------------------------------------- */

typedef struct slope {
    nlg_plan *plan;
    const nlg_task_type *task;
    void *task_state;
    nlg_target targets[2];
} slope;

static double loss_of(slope *s) {
    double loss = 0;
    int64_t hits = 0;
    nlg_plan_forward(s->plan, 2, nlg_rng_seed(0));
    assert_int_equal(s->task->loss(s->task_state, s->plan, 2, s->targets, &loss, &hits, NULL), NLG_OK);
    return loss / 2;
}

/* The heads' weights are used on five levels: along its gradient a parameter changes the loss by the square of its length. */
static void check_slopes(const char *network, double share, const char *const *names, size_t n_names) {
    nlg_graph *graph = build(network);
    nlg_exec exec = exec_of(2, nlg_isa_best());
    const nlg_dataset_info *info = nlg_dataset_describe(data);
    const nlg_recipe recipe = nlg_recipe_default_detection();
    slope s = {.task = nlg_task_for(info)};
    nlg_weights weights = {0}, gradients = {0};
    const uint32_t index[2] = {0, 1};
    assert_int_equal(nlg_weights_create(graph, &weights, NULL), NLG_OK);
    assert_int_equal(nlg_weights_create(graph, &gradients, NULL), NLG_OK);
    nlg_weights_init(&weights, 4);
    s.task->start(graph, &recipe, nlg_rng_seed(4), &weights);
    const nlg_plan_options options = {.batch = 2, .mode = NLG_TRAIN, .frozen_statistics = true};
    assert_int_equal(nlg_plan_create(graph, &exec, &options, &weights, &gradients, &s.plan, NULL), NLG_OK);
    assert_int_equal(s.task->create(graph, info, &recipe, &exec, 2, &s.task_state, NULL), NLG_OK);
    assert_int_equal(nlg_dataset_images(data, NLG_SPLIT_TRAIN, index, 2, NULL, 0, 0, nlg_plan_input(s.plan).data, s.targets, NULL),
                     NLG_OK);
    for (size_t n = 0; n < n_names; n++) {
        const int param = nlg_graph_find_param(graph, names[n]);
        if (param < 0) fail_msg("no %s", names[n]);
        const size_t count = graph->params[param].count;
        float *w = nlg_weights_at(&weights, param), *before = nlg_alloc(count, sizeof *before), *g = nlg_alloc(count, sizeof *g);
        const double loss = loss_of(&s);
        nlg_plan_backward(s.plan);
        memcpy(before, w, count * sizeof *w);
        memcpy(g, nlg_weights_at(&gradients, param), count * sizeof *g);
        double square = 0;
        for (size_t i = 0; i < count; i++) square += (double)g[i] * (double)g[i];
        assert_true(square > 0);
        const double step = share * loss / square; /* changes the loss by that share to each side */
        for (size_t i = 0; i < count; i++) w[i] = (float)((double)before[i] + step * (double)g[i]);
        const double up = loss_of(&s);
        for (size_t i = 0; i < count; i++) w[i] = (float)((double)before[i] - step * (double)g[i]);
        const double down = loss_of(&s), found = (up - down) / (2 * step * square);
        memcpy(w, before, count * sizeof *w);
        if (fabs(found - 1) > 0.01) fail_msg("%s: slope %.5f of the gradient's", names[n], found);
        nlg_free(before);
        nlg_free(g);
    }
    s.task->destroy(s.task_state);
    nlg_plan_destroy(s.plan);
    nlg_weights_destroy(&weights);
    nlg_weights_destroy(&gradients);
    nlg_team_destroy(exec.team);
    nlg_graph_destroy(graph);
}

static void shared_weights_have_the_slope_of_the_loss(void **state) {
    (void)state;
    static const char *const names[] = {"head.classification_head.conv.0.0.weight", "head.classification_head.cls_logits.bias",
                                        "head.regression_head.conv.1.0.weight", "head.regression_head.bbox_reg.weight",
                                        "backbone.fpn.inner_blocks.2.0.weight"};
    static const char *const of_exits[] = {"head.classification_head.conv.0.0.weight", "head.regression_head.bbox_reg.bias",
                                           "head.classification_head.conv.1.exits.1.bn.0.weight",
                                           "head.regression_head.conv.0.exits.2.bn.1.bias",
                                           "backbone.fpn.stacks.0.cells.2.conv.weight"};
    check_slopes("retinanet_tiny", 3e-4, names, sizeof names / sizeof *names);
    check_slopes("nas_fpn_tiny_3_exits", 2e-5, of_exits, sizeof of_exits / sizeof *of_exits);
}

/* ---- early exits ------------------------------------------------------------------------------------------------------- */

/* Of "....conv.0.bn.3" at the exit: "....conv.0.exits.1.bn.3". */
static int param_at_exit(const nlg_graph *graph, const char *name, int exit) {
    char other[300];
    const char *norm = strncmp(name, "head.", 5) == 0 ? strstr(name, ".bn.") : NULL;
    if (norm == NULL) return nlg_graph_find_param(graph, name);
    snprintf(other, sizeof other, "%.*s.exits.%d%s", (int)(norm - name), name, exit, norm);
    return nlg_graph_find_param(graph, other);
}

/* Leaving after k stacks is the network of k stacks: the same cost and the same bits. */
static void an_exit_is_the_shorter_network(void **state) {
    (void)state;
    static const char *const shorter[] = {"nas_fpn_tiny", "nas_fpn_tiny_2"};
    nlg_graph *graph = build("nas_fpn_tiny_3_exits");
    nlg_exec exec = exec_of(1, nlg_isa_best());
    nlg_weights weights = {0};
    assert_int_equal(nlg_graph_exits(graph), 2);
    assert_int_equal(nlg_weights_create(graph, &weights, NULL), NLG_OK);
    nlg_weights_fill_reference(&weights, 0.5);
    for (int exit = 1; exit <= 2; exit++) {
        nlg_graph *own = build(shorter[exit - 1]);
        nlg_weights copy = {0};
        nlg_plan *plans[2];
        nlg_graph_cost cost;
        int64_t macs;
        assert_int_equal(nlg_weights_create(own, &copy, NULL), NLG_OK);
        for (int i = 0; i < own->n_params; i++) {
            const int from = param_at_exit(graph, own->params[i].name, exit);
            if (from < 0) fail_msg("no parameter for %s at exit %d", own->params[i].name, exit);
            memcpy(nlg_weights_at(&copy, i), nlg_weights_at(&weights, from), own->params[i].count * sizeof(float));
        }
        assert_int_equal(nlg_graph_count(own, &cost, NULL), NLG_OK);
        assert_int_equal(nlg_graph_exit_macs(graph, exit, &macs, NULL), NLG_OK);
        assert_true(macs == cost.macs);
        const nlg_plan_options at_exit = {.batch = 1, .mode = NLG_INFER, .exit = exit}, whole = {.batch = 1, .mode = NLG_INFER};
        assert_int_equal(nlg_plan_create(graph, &exec, &at_exit, &weights, NULL, &plans[0], NULL), NLG_OK);
        assert_int_equal(nlg_plan_create(own, &exec, &whole, &copy, NULL, &plans[1], NULL), NLG_OK);
        for (int i = 0; i < 2; i++) {
            const nlg_tensor x = nlg_plan_input(plans[i]);
            for (int k = 0; k < x.h * x.w * x.c; k++) x.data[k] = (float)nlg_fill_value(5, (uint64_t)k);
            nlg_plan_forward(plans[i], 1, nlg_rng_seed(0));
        }
        assert_int_equal(nlg_plan_outputs(plans[0]), nlg_plan_outputs(plans[1]));
        for (int o = 0; o < nlg_plan_outputs(plans[0]); o++) {
            const nlg_tensor a = nlg_plan_output(plans[0], o), b = nlg_plan_output(plans[1], o);
            assert_int_equal(a.c, b.c);
            for (int p = 0; p < a.h * a.w; p++)
                assert_memory_equal(a.data + (int64_t)p * a.ld, b.data + (int64_t)p * b.ld, (size_t)a.c * sizeof(float));
        }
        for (int i = 0; i < 2; i++) nlg_plan_destroy(plans[i]);
        nlg_weights_destroy(&copy);
        nlg_graph_destroy(own);
    }
    nlg_evaluation result;
    nlg_error err = {0};
    nlg_evaluation_options how = {.split = NLG_SPLIT_TRAIN, .batch = 8, .exit = 2};
    assert_int_equal(nlg_evaluate(graph, &weights, data, &how, &exec, &result, &err), NLG_OK);
    how.exit = 3;
    assert_int_equal(nlg_evaluate(graph, &weights, data, &how, &exec, &result, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "expected 0 (the end) to 2, found 3"));
    nlg_weights_destroy(&weights);
    nlg_team_destroy(exec.team);
    nlg_graph_destroy(graph);
}

/* ---- what the scenes ask for ------------------------------------------------------------------------------------------- */

/* Dense detection is about imbalance: nearly all anchors are background. */
static void scenes_are_nearly_all_background(void **state) {
    (void)state;
    enum { SCENES = 200, SIDE = 96 };
    const nlg_model *model = NULL;
    nlg_graph *graph = NULL;
    nlg_detector detector;
    nlg_dataset *scenes;
    const nlg_dataset_options options = {.image_size = SIDE, .validation = 8};
    assert_int_equal(nlg_model_find("retinanet_tiny_bn", &model, NULL), NLG_OK);
    assert_int_equal(nlg_model_build(model, (nlg_shape){SIDE, SIDE, 3}, 10, &graph, NULL), NLG_OK);
    assert_int_equal(nlg_detector_of(graph, "retinanet_tiny_bn", &detector, NULL), NLG_OK);
    assert_int_equal(nlg_dataset_open("scenes", &options, &scenes, NULL), NLG_OK);
    int32_t *match = nlg_alloc((size_t)detector.anchors.count, sizeof *match);
    float *image = nlg_alloc((size_t)SIDE * SIDE * 3, sizeof *image);
    int64_t matched = 0, missed = 0, objects = 0;
    for (uint32_t i = 0; i < SCENES; i++) {
        nlg_target target;
        nlg_box boxes[16];
        double best[16];
        assert_int_equal(nlg_dataset_images(scenes, NLG_SPLIT_TRAIN, &i, 1, NULL, 0, 0, image, &target, NULL), NLG_OK);
        for (int k = 0; k < target.n_objects; k++) boxes[k] = nlg_target_box(&target, k);
        matched += nlg_match_anchors(&detector.anchors, boxes, target.n_objects, best, match);
        objects += target.n_objects;
        for (int k = 0; k < target.n_objects; k++) missed += best[k] < 0.4;
    }
    fprintf(stderr, "%lld of %lld anchors are matched; %lld of %lld objects have no anchor at 0.4\n", (long long)matched,
            (long long)detector.anchors.count * SCENES, (long long)missed, (long long)objects);
    assert_true(matched > objects && matched * 100 < 3 * (int64_t)detector.anchors.count * SCENES / 2);
    assert_true(missed * 100 < objects);
    nlg_free(match);
    nlg_free(image);
    nlg_dataset_close(scenes);
    nlg_graph_destroy(graph);
}

/* ---- the same bits ----------------------------------------------------------------------------------------------------- */

static void bits_do_not_depend_on_threads_or_instructions(void **state) {
    (void)state;
    nlg_recipe recipe = nlg_recipe_default_detection();
    recipe.epochs = 1;
    recipe.batch = 4;
    static const char *const networks[] = {"retinanet_tiny", "retinanet_mobilenet_tiny", "retinanet_tiny_bn",
                                           "nas_fpn_tiny_3_exits"};
    for (int n = 0; n < 4; n++) {
        nlg_graph *graph = build(networks[n]);
        char first[65] = "", digest[65];
        double ap = 0;
        for (int run = 0; run < 3; run++) {
            nlg_exec exec = exec_of(run == 1 ? 3 : 1, run == 2 ? NLG_ISA_PORTABLE : nlg_isa_best());
            nlg_trainer *trainer = train(graph, &exec, &recipe);
            assert_int_equal(nlg_weights_digest(nlg_trainer_weights(trainer), digest, NULL), NLG_OK);
            const nlg_epoch_record *record = nlg_trainer_record(trainer, 0);
            assert_true(isnan(record->train_score) && record->val_score >= 0);
            if (run == 0) memcpy(first, digest, sizeof first), ap = record->val_score;
            assert_string_equal(first, digest);
            assert_true(ap == record->val_score);
            nlg_trainer_destroy(trainer);
            nlg_team_destroy(exec.team);
        }
        nlg_graph_destroy(graph);
    }
}

/* A network that is no detector is told so. */
static void other_networks_are_refused(void **state) {
    (void)state;
    nlg_graph *graph = build("resnet8_small");
    nlg_exec exec = exec_of(1, NLG_ISA_PORTABLE);
    const nlg_trainer_options options = {.recipe = nlg_recipe_default_detection()};
    nlg_trainer *trainer = NULL;
    nlg_error err = {0};
    assert_int_equal(nlg_trainer_create(graph, data, &exec, &options, &trainer, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "expected a detector"));
    nlg_team_destroy(exec.team);
    nlg_graph_destroy(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_images_are_learnt_by_heart),
        cmocka_unit_test(gamma_0_and_alpha_half_is_half_the_cross_entropy),
        cmocka_unit_test(losses_are_finite_far_out),
        cmocka_unit_test(detectors_start_at_the_prior),
        cmocka_unit_test(shared_weights_have_the_slope_of_the_loss),
        cmocka_unit_test(an_exit_is_the_shorter_network),
        cmocka_unit_test(scenes_are_nearly_all_background),
        cmocka_unit_test(bits_do_not_depend_on_threads_or_instructions),
        cmocka_unit_test(other_networks_are_refused),
    };
    return cmocka_run_group_tests_name("detector", tests, open_scenes, close_scenes);
}
