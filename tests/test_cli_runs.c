/* The commands that run networks: bench, train, eval, export, predict, on made-up data. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/made_files.h"
#include "tests/program.h"

static int enter(void **state) {
    (void)state;
    program_enter();
    made_idx_set(getenv("D"), 400, 60, 28, 28, true);
    return 0;
}

static int leave(void **state) {
    (void)state;
    program_leave();
    return 0;
}

/* 200 training images of 400, 60 for validation. */
#define TRAIN "lineage train lenet5_small --data mnist:$D --train-images 200 --validation-images 60 --batch 20 --lr 0.02 --seed 3 "

/* --- bench --- */

static void bench_follows_the_contract(void **state) {
    (void)state;
    static const char *const modes[] = {"infer", "train"};
    for (int i = 0; i < 2; i++) {
        cJSON *list = run_json("lineage bench lenet5_small resnet8_small --mode %s --batch 4 --threads 1 --seconds 0.05 --json",
                               modes[i]),
              *r;
        assert_int_equal(cJSON_GetArraySize(list), 2);
        cJSON_ArrayForEach(r, list) {
            json_has_exactly(r, "model mode batch threads isa backend ms_median ms_min ms_p10 ms_p90 images_per_s gflop_per_s "
                                "share_of_peak reps warmup peak_gflop_per_s noisy cpu commit");
            double ms = json_number(r, "ms_median");
            assert_true(ms > 0 && json_number(r, "ms_min") <= json_number(r, "ms_p10"));
            assert_true(json_number(r, "ms_p10") <= ms && ms <= json_number(r, "ms_p90"));
            assert_true(fabs(json_number(r, "images_per_s") * ms / 4000 - 1) < 1e-9);
            assert_true(fabs(json_number(r, "share_of_peak") * json_number(r, "peak_gflop_per_s") / json_number(r, "gflop_per_s") -
                             1) < 1e-9);
            assert_true(json_number(r, "reps") >= 5 && json_number(r, "warmup") >= 2);
            assert_string_equal(json_text(r, "mode"), modes[i]);
            assert_string_equal(json_text(r, "backend"), "own");
        }
        double macs = 416520, ms = json_number(cJSON_GetArrayItem(list, 0), "ms_median");
        double gflop = 2e-9 * macs * 4 * (i ? 3 : 1);
        assert_true(fabs(json_number(cJSON_GetArrayItem(list, 0), "gflop_per_s") * ms / 1e3 / gflop - 1) < 1e-9);
        cJSON_Delete(list);
    }
}

static void bench_times_layers(void **state) {
    (void)state;
    cJSON *list = run_json("lineage bench resnet8_small --layers --seconds 0 --json --isa portable"), *layer;
    cJSON *layers = cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "layers");
    int convolutions = 0;
    cJSON_ArrayForEach(layer, layers) {
        assert_true(json_number(layer, "forward_ms") >= 0 && json_number(layer, "bytes") > 0);
        convolutions += strlen(json_text(layer, "algorithm")) > 0;
    }
    assert_true(convolutions >= 7);
    cJSON_Delete(list);
    assert_non_null(strstr(run_good("lineage bench lenet5_small --layers --seconds 0").out, "conv2d"));
    run_refused("is no classifier", "lineage bench retinanet_resnet50_fpn --mode train 2>$D/all; tail -n 1 $D/all >&2; exit 2");
}

/* --- train --- */

static void train_follows_the_contract(void **state) {
    (void)state;
    cJSON *doc = run_json(TRAIN "--epochs 2 --json --checkpoint $D/a.safetensors"), *epoch;
    json_has_exactly(doc, "model params macs epochs val_accuracy digest warning weights schedules provenance");
    assert_string_equal(json_text(doc, "model"), "lenet5_small");
    assert_true(json_number(doc, "params") == 61706);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(doc, "epochs")), 2);
    cJSON_ArrayForEach(epoch, cJSON_GetObjectItem(doc, "epochs")) {
        json_has_exactly(epoch, "loss train_accuracy val_accuracy seconds");
        assert_true(json_number(epoch, "loss") > 0);
    }
    assert_true(json_number(cJSON_GetArrayItem(cJSON_GetObjectItem(doc, "epochs"), 1), "val_accuracy") ==
                json_number(doc, "val_accuracy"));
    assert_int_equal(strlen(json_text(doc, "digest")), 64);

    /* The file holds what was trained: exporting it anew gives the same digest, evaluating it the same accuracy. */
    const char *text = run_good("lineage export lenet5_small $D/b.safetensors --weights $D/a.safetensors").out;
    assert_non_null(strstr(text, json_text(doc, "digest")));
    cJSON *eval =
        run_json("lineage eval lenet5_small --weights $D/b.safetensors --data mnist:$D --validation-images 60 --json --batch 7");
    assert_true(json_number(eval, "images") == 60);
    assert_true(json_number(eval, "top1") == json_number(doc, "val_accuracy"));
    assert_true(json_number(eval, "top5") >= json_number(eval, "top1"));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(eval, "top1_interval")), 2);
    cJSON_Delete(eval);
    cJSON_Delete(doc);
}

static void digest_of(const char *options, char digest[65]) {
    cJSON *doc = run_json(TRAIN "--epochs 2 --json %s", options);
    snprintf(digest, 65, "%s", json_text(doc, "digest"));
    cJSON_Delete(doc);
}

static void training_continues_on_the_same_path(void **state) {
    (void)state;
    char whole[65], other[65];
    digest_of("--threads 1", whole);
    digest_of("--threads 2 --isa portable", other);
    assert_string_equal(whole, other);
    /* Stopped by Ctrl-C somewhere, then continued. */
    program_result r =
        run("timeout --foreground --preserve-status -s INT 0.3 " TRAIN "--epochs 40 --schedule constant --warmup 0 --threads 1 "
            "--checkpoint $D/c.safetensors");
    if (r.code != 0 && r.code != 130) fail_msg("exit code %d: %s", r.code, r.err);
    if (r.code == 130) {
        assert_string_equal(r.out, "");
        assert_non_null(strstr(r.err, "continues from the checkpoint"));
    }
    char *continued =
        strdup(run_good(TRAIN "--epochs 40 --schedule constant --warmup 0 --threads 1 --checkpoint $D/c.safetensors").out);
    assert_string_equal(run_good(TRAIN "--epochs 40 --schedule constant --warmup 0 --threads 1").out, continued);
    free(continued);
}

static void the_test_split_is_opened_on_demand_only(void **state) {
    (void)state;
    cJSON *doc = run_json(TRAIN "--epochs 1 --json --test");
    assert_true(json_number(doc, "test_accuracy") >= 0);
    cJSON_Delete(doc);
    assert_non_null(strstr(run_good(TRAIN "--epochs 1 --test").err, "opened: 60 images"));
    run_good("rm $D/t10k*");
    run_good(TRAIN "--epochs 1");
    run_good("rm $D/train*");
    run_refused("lineage data fetch", TRAIN "--epochs 1");
}

static void a_loss_that_is_not_finite_stops(void **state) {
    (void)state;
    program_result r = run(TRAIN "--epochs 3 --lr 1e9 --warmup 0 --checkpoint $D/n.safetensors");
    assert_int_equal(r.code, 1);
    assert_string_equal(r.out, "");
    assert_non_null(strstr(r.err, "step "));
    assert_non_null(strstr(r.err, "layer"));
}

static void training_mistakes(void **state) {
    (void)state;
    run_refused("nosuchdata", "lineage train lenet5_small --data nosuchdata");
    run_refused("expected a folder of images", "lineage train lenet5_1998 --data imagefolder:$D/none");
    run_refused("model alexnet at input 1,28,28", "lineage train alexnet --data mnist:$D");
    run_refused("cannot write", TRAIN "--epochs 1 --checkpoint $D/none/x.safetensors 2>$D/all; tail -n 1 $D/all >&2; exit 2");
    run_refused("--optimizer: expected one of", TRAIN "--optimizer sdg");
    run_refused("--lr: expected a number", TRAIN "--lr fast");
}

/* --- limits --- */

/* The number in "NAME: 1.2 MiB (1234567 bytes)". */
static size_t bytes_said(const char *text) {
    const char *at = strstr(text, "MiB (");
    if (!at) fail_msg("expected the memory needed in: %s", text);
    return (size_t)strtoull(at + 5, NULL, 10);
}

/* What is announced is enough; one byte less is refused, with the same number. */
static void memory_limits_are_exact(void **state) {
    (void)state;
    run_good("lineage export lenet5_small $D/l.safetensors");
    static const char *const commands[] = {
        TRAIN "--epochs 1",
        TRAIN "--epochs 1 --optimizer adam --ema 0.9",
        "lineage bench lenet5_small --batch 8 --seconds 0",
        "lineage bench lenet5_small --batch 8 --seconds 0 --mode train",
        "lineage eval lenet5_small --weights $D/l.safetensors --data mnist:$D --validation-images 60",
    };
    size_t before = 0;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        size_t bytes = bytes_said(run_good("%s", commands[i]).err);
        char number[32];
        run_good("%s --mem-limit %zu", commands[i], bytes);
        snprintf(number, sizeof number, "needs %zu (", bytes);
        run_refused(number, "%s --mem-limit %zu", commands[i], bytes - 1);
        if (i == 1) assert_true(bytes >= before + 2 * 61706 * sizeof(float)); /* a second slot of state, and the averages */
        if (i == 3) assert_true(bytes >= before + 2 * 61706 * sizeof(float)); /* gradients and momentum */
        before = bytes;
    }
}

/* A limit on the size of files stands for a full disk. */
static void failed_writes_keep_the_good_file(void **state) {
    (void)state;
    run_good(TRAIN "--epochs 1 --checkpoint $D/good.safetensors && cp $D/good.safetensors $D/copy && ls $D >$D/list");
    run_refused("cannot write: File too large; free some space",
                "ulimit -f 100; " TRAIN
                "--epochs 2 --checkpoint $D/good.safetensors 2>$D/all; c=$?; tail -n 1 $D/all >&2; exit $c");
    run_refused("cannot write: File too large; free some space", "ulimit -f 100; lineage export lenet5_small $D/copy");
    run_good("cmp $D/good.safetensors $D/copy && rm $D/all && ls $D | diff $D/list -");
    run_good(TRAIN "--epochs 2 --checkpoint $D/good.safetensors");
    run_refused("cannot create the folder", "lineage run --profile smoke --results /proc/none/r");
    run_refused("what was stored before is safe", "ulimit -f 20; lineage run counts --profile smoke --results $D/r");
}

/* --- export and predict --- */

static void weights_that_do_not_fit_are_listed(void **state) {
    (void)state;
    run_good("lineage export resnet18 $D/r.safetensors --seed 1");
    char *one = strdup(run_good("lineage export lenet5_small $D/l.safetensors --seed 1").out);
    assert_string_not_equal(one, run_good("lineage export lenet5_small $D/l.safetensors --seed 2").out);
    assert_string_equal(one, run_good("lineage export lenet5_small $D/l.safetensors --seed 1").out);
    free(one);
    /* Too many for one line: every one of them first, then the line. */
    program_result all = run("lineage eval lenet5_small --data mnist:$D --weights $D/r.safetensors");
    assert_int_equal(all.code, 2);
    assert_string_equal(all.out, "");
    int lines = 0;
    for (const char *at = all.err; *at; at++) lines += *at == '\n';
    assert_int_equal(lines, 111 + 1);
    assert_non_null(strstr(all.err, "wrong shape conv1.weight [64,3,7,7], expected [6,1,5,5]\n"));
    assert_non_null(strstr(all.err, "\nunexpected layer4.1.bn2.running_var\n"));
    assert_non_null(strstr(all.err, "r.safetensors: 111 tensors do not fit"));
    run_good("head -c 5000 $D/l.safetensors >$D/cut.safetensors");
    run_refused("cut.safetensors", "lineage eval lenet5_small --data mnist:$D --weights $D/cut.safetensors");
    run_good("{ head -c -4 $D/l.safetensors; printf '\\000\\000\\300\\177'; } >$D/nan.safetensors");
    run_refused("value 9 is nan; expected finite numbers",
                "lineage eval lenet5_small --data mnist:$D --weights $D/nan.safetensors");
    run_refused("cannot write", "lineage export lenet5_small $D/none/l.safetensors");
    run_refused("No space left", "lineage export lenet5_small /dev/full");
}

static void predict_ranks_five_classes(void **state) {
    (void)state;
    made_image_file(getenv("D"), "a.png", 40, 60, 200, 30, 30);
    made_image_file(getenv("D"), "b.jpg", 300, 250, 20, 90, 200);
    run_good("lineage export mobilenet_v2 $D/m.safetensors; seq -f 'class %%g' 0 999 >$D/names; head -n 999 $D/names >$D/few; echo "
             "x >$D/c.png");
#define PREDICT "lineage predict mobilenet_v2 --weights $D/m.safetensors "
    cJSON *list = run_json(PREDICT "--labels $D/names $D/a.png $D/c.png $D/b.jpg --json"), *row;
    assert_int_equal(cJSON_GetArraySize(list), 2);
    cJSON_ArrayForEach(row, list) {
        json_has_exactly(row, "file top5");
        cJSON *top = cJSON_GetObjectItem(row, "top5"), *entry;
        double before = 1, sum = 0;
        assert_int_equal(cJSON_GetArraySize(top), 5);
        cJSON_ArrayForEach(entry, top) {
            char name[32];
            json_has_exactly(entry, "class name probability");
            snprintf(name, sizeof name, "class %d", (int)json_number(entry, "class"));
            assert_string_equal(json_text(entry, "name"), name);
            assert_true(json_number(entry, "probability") <= before);
            before = json_number(entry, "probability");
            sum += before;
        }
        assert_true(sum <= 1 + 1e-9);
    }
    cJSON_Delete(list);
    program_result r = run_good(PREDICT "$D/a.png $D/c.png");
    assert_non_null(strstr(r.err, "c.png"));
    assert_non_null(strstr(r.err, "1 of 2 images left out"));
    run_refused("c.png", PREDICT "--strict $D/a.png $D/c.png >/dev/null; exit 2");
    run_refused("expected 1000 class names, one a line, found 999", PREDICT "--labels $D/few $D/a.png");
    run_refused("does not classify photographs", "lineage predict lenet5_small --weights $D/m.safetensors $D/a.png");
    assert_int_equal(run(PREDICT "$D/c.png").code, 2);
#undef PREDICT
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bench_follows_the_contract, enter, leave),
        cmocka_unit_test_setup_teardown(bench_times_layers, enter, leave),
        cmocka_unit_test_setup_teardown(train_follows_the_contract, enter, leave),
        cmocka_unit_test_setup_teardown(training_continues_on_the_same_path, enter, leave),
        cmocka_unit_test_setup_teardown(the_test_split_is_opened_on_demand_only, enter, leave),
        cmocka_unit_test_setup_teardown(a_loss_that_is_not_finite_stops, enter, leave),
        cmocka_unit_test_setup_teardown(training_mistakes, enter, leave),
        cmocka_unit_test_setup_teardown(memory_limits_are_exact, enter, leave),
        cmocka_unit_test_setup_teardown(failed_writes_keep_the_good_file, enter, leave),
        cmocka_unit_test_setup_teardown(weights_that_do_not_fit_are_listed, enter, leave),
        cmocka_unit_test_setup_teardown(predict_ranks_five_classes, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
