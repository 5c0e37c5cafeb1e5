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

static nlg_dataset *open_scenes(uint32_t train) {
    nlg_dataset *data = NULL;
    nlg_error err = {0};
    if (nlg_dataset_open("scenes", &(nlg_dataset_options){.train_limit = train, .validation = 8, .image_size = 64}, &data, &err) !=
        NLG_OK)
        fail_msg("%s", err.text);
    return data;
}

static nlg_graph *build(const char *name) {
    const nlg_model *model = NULL;
    nlg_graph *graph = NULL;
    nlg_error err = {0};
    if (nlg_model_find(name, &model, &err) != NLG_OK || nlg_model_build(model, (nlg_shape){64, 64, 3}, 10, &graph, &err) != NLG_OK)
        fail_msg("%s", err.text);
    return graph;
}

static nlg_trainer *train(const nlg_graph *graph, const nlg_dataset *data, const nlg_exec *exec, const nlg_recipe *recipe) {
    const nlg_trainer_options options = {.recipe = *recipe, .seed = 3, .validate_last_only = true};
    nlg_trainer *trainer = NULL;
    nlg_error err = {0};
    if (nlg_trainer_create(graph, data, exec, &options, &trainer, &err) != NLG_OK || nlg_trainer_run(trainer, &err) != NLG_OK)
        fail_msg("%s", err.text);
    return trainer;
}

static void eight_images_are_learnt_by_heart(void **state) {
    (void)state;
    nlg_dataset *data = open_scenes(8);
    nlg_graph *graph = build("retinanet_tiny");
    nlg_exec exec = exec_of(2, nlg_isa_best());
    nlg_recipe recipe = nlg_recipe_default_detection();
    recipe.epochs = 90;
    recipe.batch = 8;
    recipe.augment = false;
    recipe.warmup_epochs = 10;
    recipe.lr = 0.005;
    recipe.optimizer.kind = NLG_ADAMW;
    nlg_trainer *trainer = train(graph, data, &exec, &recipe);
    nlg_evaluation result;
    nlg_error err = {0};
    if (nlg_evaluate(graph, nlg_trainer_weights(trainer), data, NLG_SPLIT_TRAIN, 8, NULL, &exec, &result, &err) != NLG_OK)
        fail_msg("%s", err.text);
    fprintf(stderr, "AP of the 8 images: %.4f, loss %.4f\n", result.value[0], result.loss);
    assert_true(result.value[0] > 0.9);
    nlg_trainer_destroy(trainer);
    nlg_team_destroy(exec.team);
    nlg_graph_destroy(graph);
    nlg_dataset_close(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_images_are_learnt_by_heart),
    };
    return cmocka_run_group_tests_name("detector", tests, NULL, NULL);
}
