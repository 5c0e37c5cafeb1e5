/* Checkpoints: whose they are, what is continued, what travels with the weights, and that nothing is lost on the way. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "layers/base/digest.h"
#include "layers/base/file.h"
#include "layers/graph/weights_file.h"
#include "layers/kernels/simd.h"
#include "models/model.h"
#include "tests/made_files.h"
#include "train/train.h"
#include "train/weights_facts.h"

/* One training on a made-up data set of 64 images, all of it in `folder`. */
typedef struct setting {
    const char *model, *genotype;
    const char *data;       /* default: the folder's */
    const char *checkpoint; /* default: FOLDER/c.st */
    const char *weights, *new_head;
    uint64_t seed;
    nlg_dataset_options split;
    bool direct_only;
    nlg_recipe recipe;
    int stop_after; /* progress calls */
} setting;

typedef struct outcome {
    nlg_status status;
    nlg_error err;
    char digest[65], schedules[256];
    bool continued, repaired;
} outcome;

static char *folder;
static nlg_exec exec;

static int set_up(void **state) {
    (void)state;
    folder = made_folder();
    made_idx_set(folder, 80, 20, 28, 28, false);
    exec = (nlg_exec){.team = nlg_team_create(1), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
    return exec.team ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    made_folder_remove(folder);
    nlg_team_destroy(exec.team);
    return 0;
}

static setting plain(int epochs) {
    setting s = {.model = "lenet5_small", .split = {.validation = 16}, .recipe = nlg_recipe_default()};
    s.recipe.epochs = epochs;
    s.recipe.batch = 16;
    s.recipe.schedule = NLG_CONSTANT;
    s.recipe.lr = 0.02;
    return s;
}

static bool count_down(void *context, int epoch, double fraction, const nlg_epoch_record *record) {
    (void)epoch, (void)fraction, (void)record;
    return --*(int *)context != 0;
}

static nlg_status create(const setting *s, nlg_graph **graph, nlg_dataset **data, int *left, nlg_trainer **trainer,
                         nlg_error *err) {
    const nlg_model *model;
    char name[600];
    static char path[600]; /* borrowed by the trainer */
    snprintf(name, sizeof name, "mnist:%s", folder);
    snprintf(path, sizeof path, "%s", made_path(folder, "c.st"));
    exec.direct_only = s->direct_only;
    nlg_trainer_options options = {.recipe = s->recipe,
                                   .seed = s->seed,
                                   .model = s->model,
                                   .genotype = s->genotype,
                                   .checkpoint = s->checkpoint ? s->checkpoint : path,
                                   .weights = s->weights,
                                   .new_head = s->new_head};
    if (s->stop_after) options.progress = count_down, options.progress_context = left;
    NLG_TRY(nlg_model_find(s->model, &model, err));
    NLG_TRY(nlg_dataset_open(s->data ? s->data : name, &s->split, data, err));
    NLG_TRY(nlg_model_build(model, (nlg_shape){28, 28, 1}, 0, graph, err));
    return nlg_trainer_create(*graph, *data, &exec, &options, trainer, err);
}

static outcome train(setting s) {
    outcome o = {0};
    nlg_graph *graph = NULL;
    nlg_dataset *data = NULL;
    nlg_trainer *trainer = NULL;
    int left = s.stop_after;
    o.status = create(&s, &graph, &data, &left, &trainer, &o.err);
    if (o.status == NLG_OK) {
        o.continued = nlg_trainer_continued(trainer);
        o.repaired = nlg_trainer_repaired(trainer);
        o.status = nlg_trainer_run(trainer, &o.err);
        snprintf(o.schedules, sizeof o.schedules, "%s", nlg_trainer_schedules(trainer));
    }
    if (o.status == NLG_OK) o.status = nlg_weights_digest(nlg_trainer_weights(trainer), o.digest, &o.err);
    nlg_trainer_destroy(trainer);
    nlg_dataset_close(data);
    nlg_graph_destroy(graph);
    return o;
}

static outcome train_well(setting s) {
    const outcome o = train(s);
    if (o.status != NLG_OK) fail_msg("%s", o.err.text);
    return o;
}

static void forget(void) {
    unlink(made_path(folder, "c.st"));
    unlink(made_path(folder, "c.st.state"));
}

static void copy_file(const char *from, const char *to) {
    size_t size;
    uint8_t *bytes = made_read(folder, from, &size);
    made_file(folder, to, bytes, size);
    free(bytes);
}

/* ---- identity ---- */

static void anything_that_changes_results_is_refused(void **state) {
    (void)state;
    setting others[32];
    const char *fields[32];
    int n = 0;
#define OTHER(field, change)                                                                                                       \
    do {                                                                                                                           \
        others[n] = plain(2);                                                                                                      \
        others[n].change;                                                                                                          \
        fields[n++] = field;                                                                                                       \
    } while (0)
    OTHER("this checkpoint is of lenet5_small, not resnet8_small", model = "resnet8_small");
    OTHER("genotype is null there, \"a\" here", genotype = "a");
    OTHER("seed is \"0\" there, \"3\" here", seed = 3);
    OTHER("data.split_seed is \"0\" there, \"1\" here", split.split_seed = 1);
    OTHER("data.validation is 16 there, 17 here", split.validation = 17);
    OTHER("data.train is 64 there, 48 here", split.train_limit = 48);
    OTHER("data.file_order is false there, true here", split.file_order = true);
    OTHER("direct_only is false there, true here", direct_only = true);
    OTHER("recipe.batch is 16 there, 8 here", recipe.batch = 8);
    OTHER("recipe.optimizer is \"sgd\" there, \"adam\" here", recipe.optimizer.kind = NLG_ADAM);
    OTHER("recipe.momentum is 0.9 there, 0.5 here", recipe.optimizer.momentum = 0.5);
    OTHER("recipe.nesterov is true there, false here", recipe.optimizer.nesterov = false);
    OTHER("recipe.weight_decay", recipe.optimizer.weight_decay = 0);
    OTHER("recipe.schedule is \"constant\" there, \"cosine\" here", recipe.schedule = NLG_COSINE);
    OTHER("recipe.lr is 0.02 there, 0.03 here", recipe.lr = 0.03);
    OTHER("recipe.warmup_epochs", recipe.warmup_epochs = 0);
    OTHER("recipe.label_smoothing", recipe.label_smoothing = 0.1);
    OTHER("recipe.clip_norm", recipe.clip_norm = 1);
    OTHER("recipe.ema_decay", recipe.ema_decay = 0.9);
    OTHER("recipe.augmentation.shift is 2 there, 1 here", recipe.augmentation.shift = 1);
    OTHER("recipe.augmentation.flip", recipe.augmentation.flip = false);
    OTHER("recipe.augmentation.cutout is 0 there, 4 here", recipe.augmentation.cutout = 4);
    OTHER("recipe.augmentation is {", recipe.augment = false);
    forget();
    train_well(plain(1));
    char before[65], after[65];
    assert_int_equal(nlg_digest_file(made_path(folder, "c.st.state"), before, NULL), NLG_OK);
    for (int i = 0; i < n; i++) {
        const outcome o = train(others[i]);
        if (o.status != NLG_ERR_INPUT || !strstr(o.err.text, "c.st.state: ") || !strstr(o.err.text, fields[i]))
            fail_msg("%s: %d, %s", fields[i], o.status, o.err.text);
    }
    assert_int_equal(nlg_digest_file(made_path(folder, "c.st.state"), after, NULL), NLG_OK);
    assert_string_equal(before, after); /* nothing was touched */

    /* Other images under the same name. */
    char *elsewhere = made_folder(), name[600];
    made_idx_set(elsewhere, 80, 20, 28, 28, false);
    size_t size;
    uint8_t *images = made_read(elsewhere, "train-images-idx3-ubyte", &size);
    images[size - 1] ^= 1;
    made_file(elsewhere, "train-images-idx3-ubyte", images, size);
    free(images);
    snprintf(name, sizeof name, "mnist:%s", elsewhere);
    setting s = plain(2);
    s.data = name;
    const outcome o = train(s);
    assert_int_equal(o.status, NLG_ERR_INPUT);
    assert_non_null(strstr(o.err.text, "data.digest is "));
    made_folder_remove(elsewhere);
}

static void equal_things_spelled_otherwise_are_equal(void **state) {
    (void)state;
    forget();
    const outcome whole = train_well(plain(2));
    forget();
    train_well(plain(1));
    char name[600];
    snprintf(name, sizeof name, "mnist:%s/../%s/", folder, strrchr(folder, '/') + 1);
    setting s = plain(2);
    s.data = name;
    s.recipe.lr = 0.04 / 2;
    s.recipe.final_lr = -0.0;
    const outcome o = train_well(s);
    assert_true(o.continued);
    assert_string_equal(o.digest, whole.digest);
    /* More images a step than there are: the same training whatever the number. */
    forget();
    s = plain(1);
    s.recipe.batch = 100;
    train_well(s);
    s = plain(2);
    s.recipe.batch = 64;
    assert_true(train_well(s).continued);
}

static void states_of_earlier_versions_are_named(void **state) {
    (void)state;
    forget();
    train_well(plain(1));
    size_t size;
    uint8_t *bytes = made_read(folder, "c.st.state", &size);
    char *at = memmem(bytes, size, "{\\\"model", 8);
    assert_non_null(at);
    *at = 'n'; /* "numerics 10, seed ..." */
    made_file(folder, "c.st.state", bytes, size);
    free(bytes);
    const outcome o = train(plain(2));
    assert_int_equal(o.status, NLG_ERR_INPUT);
    assert_non_null(strstr(o.err.text, "an earlier version of this program wrote it"));
}

/* ---- more epochs ---- */

static void a_longer_cosine_is_told(void **state) {
    (void)state;
    setting two = plain(2), three = plain(3);
    two.recipe.schedule = three.recipe.schedule = NLG_COSINE;
    forget();
    const outcome whole = train_well(three);
    assert_string_equal(whole.schedules, "[{\"epochs\":3,\"from\":0}]");
    forget();
    assert_string_equal(train_well(two).schedules, "[{\"epochs\":2,\"from\":0}]");
    const outcome longer = train_well(three);
    assert_string_equal(longer.schedules, "[{\"epochs\":2,\"from\":0},{\"epochs\":3,\"from\":2}]");
    assert_string_not_equal(longer.digest, whole.digest);
    assert_string_equal(train_well(three).schedules, longer.schedules); /* and it stays told */
    nlg_safetensors file;
    assert_int_equal(nlg_safetensors_open(made_path(folder, "c.st"), false, &file, NULL), NLG_OK);
    assert_non_null(
        strstr(nlg_safetensors_metadata(&file, "netlineage"), "\"schedules\":[{\"epochs\":2,\"from\":0},{\"epochs\":3,"));
    nlg_safetensors_close(&file);
    /* A constant rate does not depend on the length. */
    forget();
    const outcome constant = train_well(plain(3));
    forget();
    train_well(plain(1));
    const outcome grown = train_well(plain(3));
    assert_string_equal(grown.digest, constant.digest);
    assert_string_equal(grown.schedules, "[{\"epochs\":3,\"from\":0}]");
    const outcome shorter = train(plain(2));
    assert_int_equal(shorter.status, NLG_ERR_INPUT);
    assert_non_null(strstr(shorter.err.text, "holds 3 epochs, but only 2 are asked for"));
}

/* ---- two files, one process ---- */

static void a_second_process_is_refused(void **state) {
    (void)state;
    nlg_graph *graph = NULL;
    nlg_dataset *data = NULL;
    nlg_trainer *trainer = NULL;
    nlg_error err = {0};
    int left = 0;
    const setting s = plain(2);
    forget();
    assert_int_equal(create(&s, &graph, &data, &left, &trainer, &err), NLG_OK);
    const outcome second = train(s);
    assert_int_equal(second.status, NLG_ERR_INPUT);
    assert_non_null(strstr(second.err.text, "c.st: another process is training into this checkpoint"));
    setting linked = s; /* by another name */
    char link_path[600];
    snprintf(link_path, sizeof link_path, "%s", made_path(folder, "link.st"));
    assert_int_equal(symlink("c.st", link_path), 0);
    linked.checkpoint = link_path;
    assert_int_equal(train(linked).status, NLG_ERR_INPUT);
    assert_int_equal(nlg_trainer_run(trainer, &err), NLG_OK);
    nlg_trainer_destroy(trainer);
    nlg_dataset_close(data);
    nlg_graph_destroy(graph);
    assert_true(train_well(linked).continued);
    assert_false(nlg_file_exists(made_path(folder, "c.st-lock")));
    assert_false(nlg_file_exists(made_path(folder, "link.st.state")));
    unlink(link_path);
}

/* A kill between the two files: weights of an earlier epoch, none, or half of them. */
static void weights_are_repaired_from_the_state(void **state) {
    (void)state;
    char right[65], found[65];
    forget();
    train_well(plain(1));
    copy_file("c.st", "old.st");
    setting stopped = plain(2);
    stopped.stop_after = 2;
    assert_int_equal(train(stopped).status, NLG_ERR_INTERRUPTED); /* within the second epoch */
    const outcome whole = train_well(plain(2));
    assert_false(whole.repaired);
    assert_int_equal(nlg_digest_file(made_path(folder, "c.st"), right, NULL), NLG_OK);
    for (int damage = 0; damage < 3; damage++) {
        if (damage == 0) copy_file("old.st", "c.st");
        if (damage == 1) unlink(made_path(folder, "c.st"));
        if (damage == 2) made_file(folder, "c.st", "half", 4);
        const outcome o = train_well(plain(2));
        assert_true(o.repaired);
        assert_string_equal(o.digest, whole.digest);
        assert_int_equal(nlg_digest_file(made_path(folder, "c.st"), found, NULL), NLG_OK);
        assert_string_equal(right, found);
    }
    assert_false(train_well(plain(2)).repaired);
    /* Somebody else's weights are not overwritten. */
    setting other = plain(1);
    char path[600];
    snprintf(path, sizeof path, "%s", made_path(folder, "other.st"));
    other.model = "resnet8_small";
    other.checkpoint = path;
    train_well(other);
    copy_file("other.st", "c.st");
    const outcome refused = train(plain(2));
    assert_int_equal(refused.status, NLG_ERR_INPUT);
    assert_non_null(strstr(refused.err.text, "do not fit this network"));
}

static void devices_are_no_checkpoints(void **state) {
    (void)state;
    setting s = plain(1);
    s.checkpoint = "/dev/null";
    const outcome o = train(s);
    assert_int_equal(o.status, NLG_ERR_INPUT);
    assert_non_null(strstr(o.err.text, "/dev/null: expected a file"));
}

/* ---- what travels ---- */

static void facts_travel_with_the_weights(void **state) {
    (void)state;
    nlg_safetensors file;
    nlg_weights_facts facts;
    nlg_error err = {0};
    setting s = plain(1);
    s.genotype = "cells \"of\" one";
    s.recipe.augmentation.pad = 0;
    forget();
    train_well(s);
    assert_int_equal(nlg_safetensors_open(made_path(folder, "c.st"), false, &file, &err), NLG_OK);
    if (nlg_weights_facts_read(&file, &facts, &err) != NLG_OK) fail_msg("%s", err.text);
    nlg_dataset *data = NULL;
    assert_int_equal(nlg_dataset_open("mnist", &(nlg_dataset_options){.folder = folder, .validation = 16}, &data, &err), NLG_OK);
    const nlg_dataset_info *info = nlg_dataset_describe(data);
    assert_true(facts.known);
    assert_string_equal(facts.model, "lenet5_small");
    assert_string_equal(facts.genotype, s.genotype);
    assert_string_equal(facts.data, "mnist");
    assert_int_equal(facts.c * 10000 + facts.h * 100 + facts.w, 12828);
    assert_memory_equal(facts.mean, info->mean, sizeof(float));
    assert_memory_equal(facts.std, info->std, sizeof(float));
    assert_int_equal(facts.n_classes, 10);
    for (int i = 0; i < 10; i++) assert_string_equal(facts.classes[i], info->class_names[i]);
    nlg_dataset_close(data);
    nlg_weights_facts_free(&facts);
    nlg_safetensors_close(&file);
    size_t size;
    uint8_t *bytes = made_read(folder, "c.st", &size);
    char *at = memmem(bytes, size, "\\\"pad\\\":0", 9);
    assert_non_null(at);
    at[8] = '-';
    made_file(folder, "c.st", bytes, size);
    free(bytes);
    assert_int_equal(nlg_safetensors_open(made_path(folder, "c.st"), false, &file, &err), NLG_OK);
    assert_int_equal(nlg_weights_facts_read(&file, &facts, &err), NLG_ERR_INPUT);
    nlg_weights_facts_free(&facts);
    nlg_safetensors_close(&file);
}

static void training_starts_from_given_weights(void **state) {
    (void)state;
    char first[600], tuned[600];
    snprintf(first, sizeof first, "%s", made_path(folder, "first.st"));
    snprintf(tuned, sizeof tuned, "%s", made_path(folder, "tuned.st"));
    setting s = plain(1);
    s.checkpoint = first;
    const outcome one = train_well(s);
    s = plain(0);
    s.checkpoint = tuned;
    s.weights = first;
    assert_string_equal(train_well(s).digest, one.digest);
    s.new_head = "f6"; /* not a layer of it: nothing is new */
    forget();
    s.checkpoint = NULL;
    assert_string_equal(train_well(s).digest, one.digest);
    s.seed = 5;
    s.new_head = "fc2";
    const outcome head = train_well(s);
    assert_string_not_equal(head.digest, one.digest);
    /* Other first weights are another run. */
    s = plain(1);
    s.weights = first;
    forget();
    train_well(s);
    const outcome without = train(plain(2));
    assert_int_equal(without.status, NLG_ERR_INPUT);
    assert_non_null(strstr(without.err.text, "weights is \""));
    unlink(first);
    unlink(tuned);
}

/* ---- any allocation may fail ---- */

static void no_failed_allocation_changes_results(void **state) {
    (void)state;
    char right[65], found[65];
    forget();
    setting s = plain(1);
    s.split.train_limit = 16;
    const outcome whole = train_well(s);
    assert_int_equal(nlg_digest_file(made_path(folder, "c.st"), right, NULL), NLG_OK);
    bool through = false;
    long n = 0;
    for (; !through; n += n < 60 ? 1 : 7) {
        forget();
        nlg_alloc_fail_after(n);
        const outcome o = train(s);
        through = nlg_alloc_failure_pending();
        nlg_alloc_fail_after(-1);
        if (o.status != NLG_OK) {
            if (o.status != NLG_ERR_MEMORY) fail_msg("allocation %ld: %s", n, o.err.text);
            continue;
        }
        assert_string_equal(o.digest, whole.digest);
        assert_int_equal(nlg_digest_file(made_path(folder, "c.st"), found, NULL), NLG_OK);
        if (strcmp(right, found) != 0) fail_msg("allocation %ld: other weights in the file", n);
        assert_true(train_well(s).continued);
    }
    assert_true(n > 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_that_changes_results_is_refused),
        cmocka_unit_test(equal_things_spelled_otherwise_are_equal),
        cmocka_unit_test(states_of_earlier_versions_are_named),
        cmocka_unit_test(a_longer_cosine_is_told),
        cmocka_unit_test(a_second_process_is_refused),
        cmocka_unit_test(weights_are_repaired_from_the_state),
        cmocka_unit_test(devices_are_no_checkpoints),
        cmocka_unit_test(facts_travel_with_the_weights),
        cmocka_unit_test(training_starts_from_given_weights),
        cmocka_unit_test(no_failed_allocation_changes_results),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, set_up, tear_down);
}
