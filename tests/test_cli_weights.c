/* lineage: what belongs to weights travels with them; image folders are scored as meant; what cannot be is refused at the start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/measures/class_map.h"
#include "tests/made_files.h"
#include "tests/program.h"

/* Three classes that colour tells apart; train/ and val/ of other brightness, so that their statistics differ. */
static void make_photographs(void) {
    static const char *const names[] = {"ant", "bee", "cat"};
    for (int part = 0; part < 2; part++)
        for (int label = 0; label < 3; label++)
            for (int i = 0; i < (part ? 4 : 12); i++) {
                char name[64];
                uint8_t rgb[3] = {(uint8_t)(i + 60 * part), (uint8_t)(2 * i), 30};
                rgb[label] = (uint8_t)(200 - 5 * i);
                snprintf(name, sizeof name, "p/%s/%s/%d.png", part ? "val" : "train", names[label], i);
                made_image_file(getenv("D"), name, 32, 32, rgb[0], rgb[1], rgb[2]);
            }
}

static int enter(void **state) {
    (void)state;
    program_enter();
    made_idx_set(getenv("D"), 128, 60, 28, 28, false);
    make_photographs();
    return 0;
}

static int leave(void **state) {
    (void)state;
    program_leave();
    return 0;
}

#define FOLDER "--data imagefolder:$D/p --batch 8 --threads 1 "
#define TINY   "lineage train lenet5_small --data mnist:$D --threads 1 --batch 32 --validation-images 20 "

static void has(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("expected \"%s\" in: %s", part, text);
}

/* Exit code 2, nothing on standard output, the last line holds `part`. */
static void refused(const char *part, const char *command) {
    const program_result r = run("%s", command);
    if (r.code != 2 || r.out[0] || !strstr(r.err, part)) fail_msg("expected \"%s\", found code %d: %s", part, r.code, r.err);
}

static void eval_scores_val_and_says_so(void **state) {
    (void)state;
    program_result r = run_good("lineage train lenet5_small " FOLDER "--epochs 3 --checkpoint $D/n.st");
    has(r.err, "n.st.state is only needed to continue");
    cJSON *doc = run_json("lineage eval lenet5_small --weights $D/n.st " FOLDER "--json");
    assert_string_equal(json_text(doc, "split"), "val");
    assert_int_equal(json_number(doc, "images"), 12);
    assert_int_equal(json_number(doc, "skipped"), 0);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(doc, "cut_from_training")));
    has(json_text(doc, "folder"), "/p/val");
    const double loss = json_number(doc, "loss");
    has(json_text(cJSON_GetObjectItem(doc, "preprocessing"), "normalisation_of"), "the weight file");
    cJSON_Delete(doc);
    r = run_good("lineage eval lenet5_small --weights $D/n.st " FOLDER);
    has(r.out, "/p/val: 12 images\n");
    /* The same pictures without a train folder, and below another: the same numbers, whatever stands beside them. */
    run_good(
        "cp -r $D/p/val $D/only && mkdir $D/q && cp -r $D/p/val $D/q/val && cp -r $D/p/val $D/q/train && rm $D/q/train/*/[12].png "
        "&& cp $D/p/train/ant/1.png $D/only/ant/x.webp && echo broken >$D/only/bee/y.png");
    doc = run_json("lineage eval lenet5_small --weights $D/n.st --data imagefolder:$D/q --json");
    assert_true(json_number(doc, "loss") == loss);
    cJSON_Delete(doc);
    doc = run_json("lineage eval lenet5_small --weights $D/n.st --data imagefolder:$D/only --json");
    assert_true(json_number(doc, "loss") == loss);
    assert_int_equal(json_number(doc, "skipped"), 2);
    has(cJSON_GetArrayItem(cJSON_GetObjectItem(doc, "left_out"), 0)->valuestring, "only/ant/x.webp");
    cJSON_Delete(doc);
    r = run_good("lineage eval lenet5_small --weights $D/n.st --data imagefolder:$D/only");
    has(r.out, "12 images, 2 files left out\n");
    has(r.err, "y.png");
    /* A cut of train/ only where it is asked for. */
    r = run_good("lineage eval lenet5_small --weights $D/n.st " FOLDER "--split validation");
    has(r.out, "validation split (cut from training): 3 images");
    refused("say --split validation", "rm -r $D/q/val; lineage eval lenet5_small --weights $D/n.st --data imagefolder:$D/q");
    /* Another model, other classes. */
    refused("these weights are of lenet5_small, not resnet8_small; give lenet5_small",
            "lineage eval resnet8_small --weights $D/n.st " FOLDER);
    refused("expected the name of one of the network's 3 classes (ant, ...), found dog",
            "mv $D/only/cat $D/only/dog; lineage eval lenet5_small --weights $D/n.st --data imagefolder:$D/only");
}

static void published_weights_score_some_of_their_classes(void **state) {
    (void)state;
    run_good("lineage export mobilenet_v2_small $D/m.st --input 3,32,32 --classes 1000 && mkdir $D/s && cp -r $D/p/val/ant "
             "$D/s/n01443537 "
             "&& cp -r $D/p/val/bee $D/s/n01440764");
    refused("has 1000 outputs, imagefolder:",
            "lineage eval mobilenet_v2_small --weights $D/m.st --data imagefolder:$D/s --image-size 32");
    program_result r =
        run_good("lineage eval mobilenet_v2_small --weights $D/m.st --data imagefolder:$D/s --image-size 32 --class-map imagenet");
    has(r.out, "8 images");
    has(r.err, "mean and deviation: of ImageNet, since neither");
    run_good("mv $D/s/n01443537 $D/s/999");
    run_good("lineage eval mobilenet_v2_small --weights $D/m.st --data imagefolder:$D/s --image-size 32 --class-map imagenet");
    run_good("seq -f 'c %%g' 0 999 >$D/map; mv $D/s/n01440764 \"$D/s/c 7\"");
    run_good("lineage eval mobilenet_v2_small --weights $D/m.st --data imagefolder:$D/s --image-size 32 --class-map $D/map");
    refused("found n01440764",
            "mv \"$D/s/c 7\" $D/s/n01440764; lineage eval mobilenet_v2_small --weights $D/m.st --data imagefolder:$D/s "
            "--image-size 32 --class-map $D/map");
}

static void predict_knows_classes_of_its_weights(void **state) {
    (void)state;
    run_good("lineage train mobilenet_v2_small " FOLDER "--epochs 1 --checkpoint $D/v.st");
    program_result r = run_good("lineage predict mobilenet_v2_small --weights $D/v.st $D/p/val/ant/0.png");
    has(r.out, "ant\n");
    has(r.out, "cat\n");
    refused("expected 3 class names", "echo one >$D/one; lineage predict mobilenet_v2_small --weights $D/v.st --labels $D/one "
                                      "$D/p/val/ant/0.png");
    refused("wrong shape", "lineage predict mobilenet_v2_small --weights $D/v.st --classes 5 $D/p/val/ant/0.png");
    run_good("lineage export mobilenet_v2 $D/big.st");
    r = run_good("lineage predict mobilenet_v2 --weights $D/big.st $D/p/val/ant/0.png --json");
    has(r.out, "\"name\":");
    assert_null(strstr(r.out, "\"name\":\tnull")); /* ImageNet's names */
}

static void training_starts_from_weights(void **state) {
    (void)state;
    run_good("lineage train mobilenet_v2_small " FOLDER
             "--epochs 1 --checkpoint $D/e.st && lineage export mobilenet_v2_small $D/again.st --weights "
             "$D/e.st");
    cJSON *first = run_json("lineage eval mobilenet_v2_small --weights $D/e.st " FOLDER "--json");
    cJSON *again = run_json("lineage eval mobilenet_v2_small --weights $D/again.st " FOLDER "--json");
    assert_true(json_number(first, "loss") == json_number(again, "loss"));
    has(json_text(cJSON_GetObjectItem(again, "preprocessing"), "normalisation_of"), "the weight file");
    cJSON_Delete(first);
    cJSON_Delete(again);
    refused("did you mean 'imagefolder:p'?", "cd $D && lineage train lenet5_small --data p");
    run_good(TINY "--epochs 1 --checkpoint $D/first.st --seed 1");
    program_result r = run_good(TINY "--epochs 1 --weights $D/first.st");
    has(r.err, "weights: not kept; --checkpoint FILE keeps them");
    assert_null(strstr(r.err, "is new"));
    run_good("lineage train mobilenet_v2_small " FOLDER
             "--epochs 1 --checkpoint $D/three.st && mkdir -p $D/two && cp -r $D/p/train $D/two/ && rm -r "
             "$D/two/train/cat");
    r = run_good(
        "lineage train mobilenet_v2_small --data imagefolder:$D/two --batch 8 --threads 1 --epochs 1 --weights $D/three.st");
    has(r.err, "has 3 outputs, imagefolder:");
    has(r.err, "2 classes: layer ");
    refused("these weights are of lenet5_small", "lineage train resnet8_small --data mnist:$D --epochs 1 --weights $D/first.st");
    refused("cannot read", "lineage train lenet5_small --data mnist:$D --epochs 1 --weights $D/none.st");
    refused("--weights and --checkpoint are the same file", TINY "--epochs 2 --weights $D/first.st --checkpoint $D/first.st");
}

/* Before the first step: no epoch is lost. */
static void what_can_be_known_is_checked_first(void **state) {
    (void)state;
    static const char *const epoch = "epoch 1/";
    struct {
        const char *part, *command;
    } cases[] = {
        {"expected a folder test or val beside train",
         "rm -rf $D/t && mkdir $D/t && cp -r $D/p/train $D/t/ && lineage train lenet5_small --data "
         "imagefolder:$D/t --threads 1 --batch 8 --test"},
        {"expected a class that training has, found dog",
         "cp -r $D/p/val $D/t/val && mv $D/t/val/cat $D/t/val/dog && lineage train lenet5_small "
         "--data imagefolder:$D/t --threads 1 --batch 8 --test"},
        {"t10k-images-idx3-ubyte",
         "mkdir $D/half && cp $D/train-* $D/half && lineage train lenet5_small --data mnist:$D/half --threads 1 --test"},
        {"none/x.st: cannot write: No such file", TINY "--checkpoint $D/none/x.st"},
        {"Is a directory", TINY "--checkpoint $D"},
        {"--ema 1: would keep the untrained weights", TINY "--ema 1"},
        {"--label-smoothing 1: would make all classes the same", TINY "--label-smoothing 1"},
        {"--clip 0: would stop all learning", TINY "--clip 0"},
        {"--momentum has no effect with --optimizer adam", TINY "--momentum 0.5 --optimizer adam"},
        {"--no-augment leaves no --shift", TINY "--no-augment --shift 3"},
        {"--image-size has no effect on mnist", TINY "--image-size 40"},
        {"--validation-images has no effect: ",
         "cp -r $D/p $D/three && cp -r $D/p/val $D/three/test && lineage train lenet5_small --data "
         "imagefolder:$D/three --validation-images 5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const program_result r = run("%s", cases[i].command);
        if (r.code != 2 || !strstr(r.err, cases[i].part) || strstr(r.err, epoch))
            fail_msg("%s: code %d: %s", cases[i].part, r.code, r.err);
        assert_string_equal(r.out, "");
    }
}

/* 0 is a value, not the default. */
static void a_rate_of_0_is_used(void **state) {
    (void)state;
    cJSON *doc = run_json(
        "lineage search --space nasnet_small --strategy random --budget 1 --epochs 1 --train-images 32 --validation-images 32 "
        "--threads 1 --batch 32 --data mnist:$D --lr 0 --json --store $D/s.db");
    const cJSON *config = cJSON_GetObjectItem(doc, "evaluator_config");
    assert_true(json_number(cJSON_GetObjectItem(config, "recipe"), "lr") == 0);
    cJSON_Delete(doc);
    doc = run_json(TINY "--epochs 1 --lr 0 --json --warmup 0");
    assert_true(json_number(cJSON_GetObjectItem(cJSON_GetObjectItem(doc, "provenance"), "recipe"), "lr") == 0);
    cJSON_Delete(doc);
}

static void what_is_used_otherwise_is_said(void **state) {
    (void)state;
    has(run_good(TINY "--epochs 1 --train-images 1000").err, "note: --train-images 1000: there are 108, all are used");
    has(run_good(TINY "--epochs 1 --batch 500").err, "note: --batch 500: there are 108 training images, one step takes all");
    has(run_good(TINY "--epochs 1").err, "note: steps of 32 images: 12 of 108 are left out of each epoch");
    program_result r = run_good(TINY "--epochs 2 --lr 1e6 --warmup 0 --clip 1");
    has(r.err, "warning: the loss exploded: ");
    r = run_good(TINY "--epochs 1 --lr 1e-12");
    has(r.err, "warning: the network only guesses: validation accuracy");
    cJSON *doc = run_json(TINY "--epochs 1 --lr 1e-12 --json --seed 4");
    has(json_text(doc, "warning"), "only guesses");
    const cJSON *provenance = cJSON_GetObjectItem(doc, "provenance");
    assert_string_equal(json_text(provenance, "seed"), "4");
    assert_true(json_number(cJSON_GetObjectItem(provenance, "recipe"), "lr") == 1e-12);
    assert_string_equal(json_text(cJSON_GetObjectItem(provenance, "data"), "name"), "mnist");
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(provenance, "command")) > 3);
    cJSON_Delete(doc);
    run_good(TINY "--epochs 1 --checkpoint $D/cos.st");
    r = run_good(TINY "--epochs 2 --checkpoint $D/cos.st");
    has(r.err,
        "note: not the weights of one run: the cosine schedule was of 1 epochs from epoch 0 on, of 2 epochs from epoch 1 on");
    refused("this checkpoint is of lenet5_small, not resnet8_small",
            "lineage train resnet8_small --data mnist:$D --validation-images 20 --epochs 3 --checkpoint $D/cos.st");
}

/* A closed terminal saves; nohup goes on; the file behind a link is written and keeps its mode. */
static void signals_links_and_modes(void **state) {
    (void)state;
    program_result r =
        run("sh -c '" TINY
            "--epochs 100000 --schedule constant --checkpoint $D/h.st & p=$!; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; [ -e "
            "$D/h.st ] && break; done; kill -HUP $p; wait $p'");
    assert_int_equal(r.code, 130);
    has(r.err, "the same command continues from the checkpoint");
    r = run("sh -c 'trap \"\" HUP; " TINY
            "--epochs 100000 --schedule constant & p=$!; sleep 0.5; kill -HUP $p; sleep 0.3; kill -TERM $p; wait "
            "$p'");
    assert_int_equal(r.code, 130);
    run_good("mkdir $D/big && " TINY "--epochs 1 --checkpoint $D/big/w.st && chmod 600 $D/big/w.st && ln -s big/w.st $D/l.st && cp "
             "$D/big/w.st $D/before && " TINY "--epochs 2 --checkpoint $D/l.st");
    run_good("[ -L $D/l.st ] && [ $(stat -c %%a $D/big/w.st) = 600 ] && ! cmp -s $D/big/w.st $D/before && ! [ -e $D/l.st.state ]");
}

/* A line may end as on any system; each of them counts when room is made. */
static void class_names_end_as_anywhere(void **state) {
    (void)state;
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        enum { LINES = 500 };
        char *folder = made_folder(), text[8 * LINES];
        size_t used = 0;
        for (int k = 0; k < LINES; k++) used += (size_t)snprintf(text + used, sizeof text - used, "c%d%s", k, ends[i]);
        made_file(folder, "names", text, used);
        nlg_class_map map;
        nlg_error err = {0};
        if (nlg_class_map_open(made_path(folder, "names"), &map, &err) != NLG_OK) fail_msg("%s", err.text);
        assert_int_equal(map.count, LINES);
        assert_string_equal(map.names[0], "c0");
        assert_string_equal(map.names[LINES - 1], "c499");
        nlg_class_map_close(&map);
        made_folder_remove(folder);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(eval_scores_val_and_says_so, enter, leave),
        cmocka_unit_test_setup_teardown(published_weights_score_some_of_their_classes, enter, leave),
        cmocka_unit_test_setup_teardown(predict_knows_classes_of_its_weights, enter, leave),
        cmocka_unit_test_setup_teardown(training_starts_from_weights, enter, leave),
        cmocka_unit_test_setup_teardown(what_can_be_known_is_checked_first, enter, leave),
        cmocka_unit_test_setup_teardown(a_rate_of_0_is_used, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_used_otherwise_is_said, enter, leave),
        cmocka_unit_test_setup_teardown(signals_links_and_modes, enter, leave),
        cmocka_unit_test(class_names_end_as_anywhere),
    };
    return cmocka_run_group_tests_name("cli weights", tests, NULL, NULL);
}
