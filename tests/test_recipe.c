/* train: the one writer of recipes and of data, which all identities use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "train/recipe.h"

static char *written(const nlg_recipe *recipe) {
    char *text = NULL;
    nlg_error err = {0};
    if (nlg_recipe_write(recipe, &text, &err) != NLG_OK) fail_msg("%s", err.text);
    return text;
}

static nlg_status read_text(const char *text, nlg_recipe *recipe, nlg_error *err) {
    cJSON *object = cJSON_Parse(text);
    assert_non_null(object);
    nlg_status status = nlg_recipe_read(object, "x.json", recipe, err);
    cJSON_Delete(object);
    return status;
}

static void a_recipe_survives_writing_and_reading(void **state) {
    (void)state;
    const nlg_recipe recipe = {.optimizer = {NLG_RMSPROP_TF, 0.75, true, 0.1, 0.2, 0.3, 1e-3, 4e-5, true},
                               .schedule = NLG_EXPONENTIAL,
                               .lr = 1.0 / 3,
                               .warmup_epochs = 1.5,
                               .step_epochs = 2.4,
                               .factor = 0.97,
                               .final_lr = 1e-7,
                               .epochs = 350,
                               .batch = 17,
                               .label_smoothing = 0.1,
                               .clip_norm = 5,
                               .ema_decay = 0.9999,
                               .augmentation = {.shift = 3, .flip = true, .cutout = 7, .raw = true, .pad = 2},
                               .augment = true};
    char *text = written(&recipe);
    nlg_recipe back;
    nlg_error err = {0};
    if (read_text(text, &back, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(back.optimizer.kind, recipe.optimizer.kind);
    const double a[] = {recipe.optimizer.momentum,
                        recipe.optimizer.beta1,
                        recipe.optimizer.beta2,
                        recipe.optimizer.alpha,
                        recipe.optimizer.eps,
                        recipe.optimizer.weight_decay,
                        recipe.lr,
                        recipe.warmup_epochs,
                        recipe.step_epochs,
                        recipe.factor,
                        recipe.final_lr,
                        recipe.label_smoothing,
                        recipe.clip_norm,
                        recipe.ema_decay};
    const double b[] = {back.optimizer.momentum,
                        back.optimizer.beta1,
                        back.optimizer.beta2,
                        back.optimizer.alpha,
                        back.optimizer.eps,
                        back.optimizer.weight_decay,
                        back.lr,
                        back.warmup_epochs,
                        back.step_epochs,
                        back.factor,
                        back.final_lr,
                        back.label_smoothing,
                        back.clip_norm,
                        back.ema_decay};
    assert_memory_equal(a, b, sizeof a);
    assert_true(back.optimizer.nesterov && back.optimizer.decay_all && back.augment && back.augmentation.flip);
    assert_true(back.augmentation.raw);
    assert_int_equal(back.schedule, NLG_EXPONENTIAL);
    assert_int_equal(back.epochs, 350);
    assert_int_equal(back.batch, 17);
    assert_int_equal(back.augmentation.shift * 100 + back.augmentation.cutout * 10 + back.augmentation.pad, 372);
    char *again = written(&back);
    assert_string_equal(text, again);
    nlg_free(text);
    nlg_free(again);
}

/* Stores and tables of earlier versions hold these bytes. */
static void the_text_is_that_of_stored_configurations(void **state) {
    (void)state;
    nlg_recipe recipe = nlg_recipe_default();
    recipe.batch = 32;
    recipe.lr = 0.05;
    char *text = written(&recipe), *table = NULL;
    size_t size;
    assert_string_equal(text, "{\"epochs\":5,\"batch\":32,\"optimizer\":\"sgd\",\"momentum\":0.9,\"nesterov\":true,\"beta1\":0.9,"
                              "\"beta2\":0.999,\"alpha\":0.9,\"eps\":1e-08,\"weight_decay\":0.0005,\"decay_all\":false,"
                              "\"schedule\":\"cosine\",\"lr\":0.05,\"warmup_epochs\":0.5,\"step_epochs\":1,\"factor\":0.1,"
                              "\"final_lr\":0,\"label_smoothing\":0,\"clip_norm\":0,\"ema_decay\":0,\"augmentation\":{\"shift\":2,"
                              "\"flip\":true,\"cutout\":0,\"raw\":false,\"pad\":0}}");
    assert_int_equal(nlg_file_read("results/tables/lineage.json", 1 << 20, &table, &size, NULL), NLG_OK);
    assert_non_null(strstr(table, text));
    nlg_free(table);
    nlg_free(text);
    recipe.augment = false;
    recipe.lr = -0.0;
    text = written(&recipe);
    assert_non_null(strstr(text, "\"augmentation\":null"));
    assert_non_null(strstr(text, "\"lr\":0,"));
    nlg_free(text);
}

static void every_field_is_checked(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *message;
    } cases[] = {
        {"\"epochs\":5", "\"epochs\":0.5", "field \"epochs\": expected a whole number from 0 to 100000, found 0.5"},
        {"\"epochs\":5", "\"epochs\":1e10", "field \"epochs\""},
        {"\"epochs\":5,", "", "field \"epochs\": expected a whole number from 0 to 100000, found none"},
        {"\"batch\":64", "\"batch\":0", "field \"batch\""},
        {"\"batch\":64", "\"batch\":\"64\"", "found \"64\""},
        {"\"sgd\"", "\"lamb\"", "expected sgd or adam or adamw or rmsprop_tf, found \"lamb\""},
        {"\"sgd\"", "0", "field \"optimizer\""},
        {"\"momentum\":0.9", "\"momentum\":1.5", "field \"momentum\": expected a number from 0 to 1, found 1.5"},
        {"\"nesterov\":true", "\"nesterov\":1", "field \"nesterov\": expected true or false, found 1"},
        {"\"alpha\"", "\"alpa\"", "unknown recipe field \"alpa\""},
        {"\"lr\":0.1", "\"lr\":0.1,\"lr\":0.2", "\"lr\" stands there twice"},
        {"\"shift\":2", "\"shift\":-1", "field \"shift\""},
        {"\"pad\":0", "\"pad\":0,\"crop\":1", "unknown recipe field \"crop\""},
        {"\"flip\":true,", "", "field \"flip\": expected true or false, found none"},
        {"\"augmentation\":{", "\"augmentation\":3,\"x\":{", "unknown recipe field \"x\""},
    };
    const nlg_recipe recipe = nlg_recipe_default();
    char *text = written(&recipe), changed[2048];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *at = strstr(text, cases[i].from);
        assert_non_null(at);
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, cases[i].to, at + strlen(cases[i].from));
        nlg_recipe back;
        nlg_error err = {0};
        assert_int_equal(read_text(changed, &back, &err), NLG_ERR_INPUT);
        if (strncmp(err.text, "x.json: ", 8) != 0 || !strstr(err.text, cases[i].message)) fail_msg("%zu: %s", i, err.text);
    }
    nlg_free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recipe_survives_writing_and_reading),
        cmocka_unit_test(the_text_is_that_of_stored_configurations),
        cmocka_unit_test(every_field_is_checked),
    };
    return cmocka_run_group_tests_name("recipe", tests, NULL, NULL);
}
