/* Training: the same bits for any threads and instruction set, after a stop and with a checkpoint; every small network learns. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "layers/kernels/openblas.h"
#include "layers/kernels/simd.h"
#include "layers/train/train.h"
#include "models/model.h"

typedef struct run_options {
    const char *model;
    int threads, epochs, train_images;
    nlg_isa isa;
    nlg_backend backend;
    double lr;
    bool plain; /* no augmentation */
    const char *checkpoint;
    int stop_after;    /* progress calls; 0: never */
    bool until_learnt; /* end the epoch after which more than 95% of the training images were right */
} run_options;

typedef struct run_result {
    nlg_status status;
    nlg_error err;
    char digest[65];
    double first_loss, loss, train_accuracy, val_accuracy;
    double fitted_accuracy; /* on the training images in evaluation mode: without dropout */
} run_result;

static bool stop_after(void *context, int epoch, double fraction, const nlg_epoch_record *record) {
    int *left = context;
    (void)epoch, (void)fraction, (void)record;
    return --*left != 0;
}

static bool until_learnt(void *context, int epoch, double fraction, const nlg_epoch_record *record) {
    (void)context, (void)epoch;
    return fraction < 1 || record->train_accuracy <= 0.95;
}

static run_result train(run_options o) {
    run_result r = {0};
    const nlg_model *model = NULL;
    nlg_graph *graph = NULL;
    nlg_dataset *data = NULL;
    nlg_trainer *trainer = NULL;
    nlg_exec exec = {.team = nlg_team_create(o.threads), .isa = o.isa, .simd = nlg_simd_table(o.isa), .backend = o.backend};
    const nlg_dataset_options data_options = {.train_limit = (uint32_t)o.train_images, .validation = 64};
    nlg_trainer_options options = {.recipe = nlg_recipe_default(), .seed = 7, .checkpoint = o.checkpoint};
    options.recipe.epochs = o.epochs;
    options.recipe.batch = 32;
    if (o.lr > 0) options.recipe.lr = o.lr;
    options.recipe.augment = !o.plain;
    int left = o.stop_after;
    if (o.stop_after > 0) options.progress = stop_after, options.progress_context = &left;
    if (o.until_learnt) options.progress = until_learnt, options.validate_last_only = true;

    r.status = nlg_model_find(o.model, &model, &r.err);
    if (r.status == NLG_OK) r.status = nlg_model_build(model, (nlg_shape){0, 0, 0}, 0, &graph, &r.err);
    if (r.status == NLG_OK) r.status = nlg_dataset_open("fashion-mnist", &data_options, &data, &r.err);
    if (r.status == NLG_OK) r.status = nlg_trainer_create(graph, data, &exec, &options, &trainer, &r.err);
    if (r.status == NLG_OK) r.status = nlg_trainer_run(trainer, &r.err);
    if (r.status == NLG_OK || (o.until_learnt && r.status == NLG_ERR_INTERRUPTED)) {
        r.first_loss = nlg_trainer_record(trainer, 0)->loss;
        nlg_evaluation fitted = {0};
        if (o.until_learnt) {
            nlg_error ignored = {0};
            nlg_evaluate(graph, nlg_trainer_weights(trainer), data, NLG_SPLIT_TRAIN, 64, NULL, &exec, &fitted, &ignored);
        }
        r.fitted_accuracy = fitted.images > 0 ? (double)fitted.top1 / fitted.images : 0;
        const nlg_epoch_record *last = nlg_trainer_record(trainer, nlg_trainer_epochs(trainer) - 1);
        r.loss = last->loss, r.train_accuracy = last->train_accuracy, r.val_accuracy = last->val_accuracy;
        r.status = nlg_weights_digest(nlg_trainer_weights(trainer), r.digest, &r.err);
    }
    nlg_trainer_destroy(trainer);
    nlg_dataset_close(data);
    nlg_graph_destroy(graph);
    nlg_team_destroy(exec.team);
    return r;
}

static void assert_ok(const run_result *r) {
    if (r->status != NLG_OK) fail_msg("%s", r->err.text);
}

static const char *const promised[] = {"lenet5_small", "resnet20_small", "mobilenet_v1_small"};

static void test_same_bits_for_threads_and_isa(void **unused) {
    (void)unused;
    for (size_t m = 0; m < sizeof promised / sizeof *promised; m++) {
        const run_options base = {.model = promised[m], .threads = 1, .epochs = 1, .train_images = 64, .isa = nlg_isa_best()};
        const run_result first = train(base);
        assert_ok(&first);
        for (int threads = 2; threads <= 3; threads++) {
            run_options o = base;
            o.threads = threads;
            const run_result r = train(o);
            assert_ok(&r);
            assert_string_equal(r.digest, first.digest);
        }
        for (int isa = 0; isa < NLG_ISA_COUNT; isa++) {
            run_options o = base;
            if (!nlg_isa_available((nlg_isa)isa) || (nlg_isa)isa == base.isa) continue;
            o.isa = (nlg_isa)isa, o.threads = 2;
            const run_result r = train(o);
            assert_ok(&r);
            assert_string_equal(r.digest, first.digest);
        }
    }
}

static void test_openblas_agrees(void **unused) {
    (void)unused;
    assert_int_equal(nlg_openblas_load(NULL), NLG_OK);
    for (size_t m = 0; m < sizeof promised / sizeof *promised; m++) {
        run_options o = {.model = promised[m], .threads = 2, .epochs = 1, .train_images = 64, .isa = nlg_isa_best(), .lr = 0.01};
        const run_result own = train(o);
        o.backend = NLG_BACKEND_OPENBLAS;
        const run_result blas = train(o);
        assert_ok(&own);
        assert_ok(&blas);
        assert_true(fabs(own.loss - blas.loss) < 1e-3 * own.loss);
    }
}

static void remove_checkpoint(const char *path) {
    char state[300];
    snprintf(state, sizeof state, "%s.state", path);
    unlink(path);
    unlink(state);
}

static void test_stop_and_continue(void **unused) {
    (void)unused;
    char path[256];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/nlg-training-%d", folder != NULL ? folder : "/tmp", (int)getpid());
    remove_checkpoint(path);
    run_options o = {.model = "lenet5_small", .threads = 2, .epochs = 3, .train_images = 128, .isa = nlg_isa_best()};
    const run_result whole = train(o);
    assert_ok(&whole);
    o.checkpoint = path;
    for (int stop = 2; stop < 9; stop += 3) { /* within the first, second and third epoch */
        remove_checkpoint(path);
        o.stop_after = stop;
        const run_result stopped = train(o);
        assert_int_equal(stopped.status, NLG_ERR_INTERRUPTED);
        o.stop_after = 0;
        const run_result resumed = train(o);
        assert_ok(&resumed);
        assert_string_equal(resumed.digest, whole.digest);
        assert_true(resumed.loss == whole.loss && resumed.val_accuracy == whole.val_accuracy);
    }
    o.lr = 0.05; /* another recipe must be refused, not continued */
    const run_result other = train(o);
    assert_int_equal(other.status, NLG_ERR_INPUT);
    assert_non_null(strstr(other.err.text, "lr"));
    remove_checkpoint(path);
}

static void test_divergence_names_step_and_layer(void **unused) {
    (void)unused;
    const run_result r = train(
        (run_options){.model = "lenet5_small", .threads = 1, .epochs = 2, .train_images = 640, .isa = nlg_isa_best(), .lr = 1e20});
    assert_int_equal(r.status, NLG_ERR_NUMERIC);
    assert_non_null(strstr(r.err.text, "step "));
    assert_non_null(strstr(r.err.text, "layer"));
}

static void test_small_networks_learn(void **unused) {
    (void)unused;
    static const char *const names[] = {"lenet5_small", "plain20_small", "resnet20_small", "mobilenet_v1_small", "nasnet_a_small"};
    int failures = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const nlg_model *model = NULL;
        assert_int_equal(nlg_model_find(names[i], &model, NULL), NLG_OK);
        /* Overfits 64 images: the network, its gradients and the trainer work together. */
        const run_result r = train((run_options){.model = model->name,
                                                 .threads = 2,
                                                 .epochs = 100,
                                                 .train_images = 64,
                                                 .isa = nlg_isa_best(),
                                                 .lr = 0.05,
                                                 .plain = true,
                                                 .until_learnt = true});
        if (r.status != NLG_OK) fail_msg("%s: %s", model->name, r.err.text);
        if (!(r.loss < r.first_loss)) fail_msg("%s: loss %g after one epoch, %g at the end", model->name, r.first_loss, r.loss);
        if (r.train_accuracy > 0.95 || r.fitted_accuracy > 0.95) continue;
        print_error("%s: accuracy %g (%g without dropout) on 64 images after 100 epochs\n", model->name, r.train_accuracy,
                    r.fitted_accuracy);
        failures++;
    }
    assert_int_equal(failures, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits_for_threads_and_isa),
        cmocka_unit_test(test_openblas_agrees),
        cmocka_unit_test(test_stop_and_continue),
        cmocka_unit_test(test_divergence_names_step_and_layer),
        cmocka_unit_test(test_small_networks_learn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
