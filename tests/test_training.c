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
#include "train/train.h"
#include "models/model.h"
#include "tests/made_files.h"

typedef struct run_options {
    const char *model;
    int threads, epochs, train_images;
    int batch; /* 0: 32 */
    nlg_isa isa;
    nlg_backend backend;
    double lr;
    bool plain;  /* no augmentation */
    bool colour; /* 64 made-up images of 32x32x3 in place of Fashion-MNIST */
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

/* Ends once the training images are known in evaluation mode, without dropout. */
typedef struct learner {
    const nlg_graph *graph;
    const nlg_dataset *data;
    const nlg_exec *exec;
    nlg_trainer *trainer;
    double accuracy;
} learner;

static bool until_learnt(void *context, int epoch, double fraction, const nlg_epoch_record *record) {
    learner *l = context;
    nlg_evaluation fitted = {0};
    nlg_error err = {0};
    (void)epoch;
    if (fraction < 1 || record->train_score < 0.6) return true;
    const nlg_evaluation_options how = {.split = NLG_SPLIT_TRAIN, .batch = 64};
    if (nlg_evaluate(l->graph, nlg_trainer_weights(l->trainer), l->data, &how, l->exec, &fitted, &err) != NLG_OK)
        fail_msg("%s", err.text);
    l->accuracy = (double)fitted.top1 / fitted.images;
    return l->accuracy <= 0.95;
}

/* Fashion-MNIST in the form of CIFAR-10: 32 x 32, the image, its negative and its mirror image as colours. */
static void make_colour_images(const char *folder) {
    enum { BATCHES = 5, EACH = 30, FROM = 28, SIDE = 32, RECORD = 1 + 3 * SIDE * SIDE };
    static float pixels[BATCHES * EACH * FROM * FROM];
    static uint8_t records[EACH * RECORD];
    nlg_target targets[BATCHES * EACH];
    uint32_t index[BATCHES * EACH];
    nlg_dataset *data = NULL;
    nlg_error err = {0};
    for (uint32_t i = 0; i < BATCHES * EACH; i++) index[i] = i;
    if (nlg_dataset_open("fashion-mnist", NULL, &data, &err) != NLG_OK ||
        nlg_dataset_images(data, NLG_SPLIT_TRAIN, index, BATCHES * EACH, &(nlg_augmentation){.raw = true}, 0, 0, pixels, targets,
                           &err) != NLG_OK)
        fail_msg("%s", err.text);
    nlg_dataset_close(data);
    for (int b = 0; b < BATCHES; b++) {
        memset(records, 0, sizeof records);
        for (int i = 0; i < EACH; i++) {
            const float *image = pixels + (b * EACH + i) * FROM * FROM;
            uint8_t *record = records + i * RECORD;
            *record++ = (uint8_t)targets[b * EACH + i].label;
            for (int y = 0; y < FROM; y++)
                for (int x = 0; x < FROM; x++) {
                    const uint8_t value = (uint8_t)(255 * image[y * FROM + x]);
                    uint8_t *at = record + (y + 2) * SIDE + 2;
                    at[x] = value, at[SIDE * SIDE + x] = (uint8_t)(255 - value), at[2 * SIDE * SIDE + FROM - 1 - x] = value;
                }
        }
        char name[32];
        snprintf(name, sizeof name, "data_batch_%d.bin", b + 1);
        made_file(folder, name, records, sizeof records);
    }
}

static nlg_status open_images(const run_options *o, nlg_dataset **data, nlg_error *err) {
    nlg_dataset_options options = {.train_limit = (uint32_t)o->train_images, .validation = 64};
    if (!o->colour) return nlg_dataset_open("fashion-mnist", &options, data, err);
    char *folder = made_folder();
    make_colour_images(folder);
    options.folder = folder;
    nlg_status status = nlg_dataset_open("cifar10", &options, data, err);
    made_folder_remove(folder);
    return status;
}

static run_result train(run_options o) {
    run_result r = {0};
    const nlg_model *model = NULL;
    nlg_graph *graph = NULL;
    nlg_dataset *data = NULL;
    nlg_trainer *trainer = NULL;
    nlg_exec exec = {.team = nlg_team_create(o.threads), .isa = o.isa, .simd = nlg_simd_table(o.isa), .backend = o.backend};
    nlg_trainer_options options = {.recipe = nlg_recipe_default(), .seed = 7, .checkpoint = o.checkpoint};
    options.recipe.epochs = o.epochs;
    options.recipe.batch = o.batch > 0 ? o.batch : 32;
    if (o.lr > 0) options.recipe.lr = o.lr;
    if (o.until_learnt) options.recipe.optimizer.kind = NLG_ADAM;
    options.recipe.augment = !o.plain;
    int left = o.stop_after;
    if (o.stop_after > 0) options.progress = stop_after, options.progress_context = &left;
    learner watched = {.exec = &exec};
    if (o.until_learnt) options.progress = until_learnt, options.progress_context = &watched, options.validate_last_only = true;

    r.status = nlg_model_find(o.model, &model, &r.err);
    if (r.status == NLG_OK)
        r.status = nlg_model_build(model, o.colour ? (nlg_shape){32, 32, 3} : (nlg_shape){28, 28, 1}, 0, &graph, &r.err);
    if (r.status == NLG_OK) r.status = open_images(&o, &data, &r.err);
    if (r.status == NLG_OK) r.status = nlg_trainer_create(graph, data, &exec, &options, &trainer, &r.err);
    watched.graph = graph, watched.data = data, watched.trainer = trainer;
    if (r.status == NLG_OK) r.status = nlg_trainer_run(trainer, &r.err);
    if (r.status == NLG_OK || (o.until_learnt && r.status == NLG_ERR_INTERRUPTED)) {
        r.first_loss = nlg_trainer_record(trainer, 0)->loss;
        r.fitted_accuracy = watched.accuracy;
        const nlg_epoch_record *last = nlg_trainer_record(trainer, nlg_trainer_epochs(trainer) - 1);
        r.loss = last->loss, r.train_accuracy = last->train_score, r.val_accuracy = last->val_score;
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

/* Overfits 64 images: the network, its gradients and the trainer work together. One recipe, two rates. */
static bool learns(const nlg_model *model, bool colour) {
    static const double rates[] = {0.002, 0.001};
    run_result r = {0};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        r = train((run_options){.model = model->name,
                                .threads = 2,
                                .epochs = 120,
                                .train_images = 64,
                                .batch = 16,
                                .isa = nlg_isa_best(),
                                .lr = rates[i],
                                .plain = true,
                                .colour = colour,
                                .until_learnt = true});
        if (r.status != NLG_OK) fail_msg("%s: %s", model->name, r.err.text);
        if (r.loss < r.first_loss && r.fitted_accuracy > 0.95) return true;
    }
    print_error("%s on %s: loss %g after one epoch, %g at the end, accuracy %g (%g in evaluation mode) on 64 images\n", model->name,
                colour ? "32x32x3" : "28x28x1", r.first_loss, r.loss, r.train_accuracy, r.fitted_accuracy);
    return false;
}

static void test_small_networks_learn(void **unused) {
    (void)unused;
    int rows = 0, failures = 0;
    for (int i = 0; i < nlg_model_count(); i++) {
        const nlg_model *model = nlg_model_at(i);
        if (!model->small) continue;
        rows++;
        failures += !learns(model, false);
        failures += !learns(model, true);
    }
    assert_true(rows >= 20);
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
