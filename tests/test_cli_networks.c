/* The architectures of search spaces as networks: --space with --genotype, --trial. */
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

#define IMAGES "--data mnist:$D --train-images 64 --validation-images 60 --epochs 2 --batch 16 --threads 1 "

static int enter(void **state) {
    (void)state;
    program_enter();
    made_idx_set(getenv("D"), 200, 20, 12, 12, true);
    return 0;
}

static int leave(void **state) {
    (void)state;
    program_leave();
    return 0;
}

/* Every command takes the example that the space itself prints; its counts are the same everywhere. */
static void every_space_gives_networks(void **state) {
    (void)state;
    cJSON *spaces = run_json("lineage spaces --json"), *space;
    int networks = 0;
    cJSON_ArrayForEach(space, spaces) {
        const char *name = json_text(space, "name");
        if (!strstr(json_text(space, "evaluators"), "train")) continue;
        networks++;
        program_result described = run_good("lineage spaces %s", name);
        assert_non_null(strstr(described.out, "\nGenotypes: "));
        char *example = strdup(strstr(described.out, "\nExample: ") + strlen("\nExample: "));
        example[strcspn(example, "\n")] = '\0';
        made_file(getenv("D"), "g.txt", example, strlen(example));
        cJSON *counts = run_json("lineage count --space %s --genotype @$D/g.txt --json", name);
        cJSON *shown = run_json("lineage show --space %s --genotype @$D/g.txt --json", name);
        const double params = json_number(cJSON_GetArrayItem(counts, 0), "params");
        if (!(params > 100)) fail_msg("%s", name);
        assert_true(json_number(shown, "params") == params);
        assert_string_equal(json_text(shown, "model"), name);
        program_result r = run_good("lineage draw --space %s --genotype @$D/g.txt --output -", name);
        if (!strstr(r.out, "architecture (space")) fail_msg("%s: %.200s", name, r.out);
        run_good("lineage export --space %s --genotype '%s' $D/w.safetensors", name, example);
        cJSON_Delete(counts);
        cJSON_Delete(shown);
        free(example);
    }
    cJSON_Delete(spaces);
    assert_true(networks >= 11);
}

/* A stored trial has the parameters and MACs that the search counted; trained with its seed it has its bits. */
static void a_trial_is_the_network_that_was_trained(void **state) {
    (void)state;
    static const char *const spaces[] = {"nasnet_small", "lineage", "mnasnet"};
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
        cJSON *r = run_json("lineage search --space %s --strategy random --budget 2 --store $D/%s.db " IMAGES "--json", spaces[i],
                            spaces[i]);
        const cJSON *trial = cJSON_GetArrayItem(cJSON_GetObjectItem(r, "history"), 1);
        cJSON *counts = run_json("lineage count --trial $D/%s.db:1 --json", spaces[i]);
        const cJSON *row = cJSON_GetArrayItem(counts, 0);
        assert_true(json_number(row, "params") == json_number(trial, "params"));
        assert_true(json_number(row, "macs") == json_number(trial, "macs"));
        cJSON *trained = run_json("lineage train --trial $D/%s.db:1 " IMAGES "--seed %.0f --checkpoint $D/%s.st --json", spaces[i],
                                  json_number(trial, "seed"), spaces[i]);
        assert_string_equal(json_text(trained, "digest"), json_text(trial, "digest"));
        assert_true(json_number(trained, "val_accuracy") == json_number(trial, "score"));
        assert_non_null(cJSON_GetObjectItem(trained, "genotype"));
        cJSON *scored = run_json("lineage eval --trial $D/%s.db:1 --weights $D/%s.st --data mnist:$D "
                                 "--validation-images 60 --split validation --threads 1 --json",
                                 spaces[i], spaces[i]);
        assert_true(json_number(scored, "top1") == json_number(trial, "score"));
        cJSON_Delete(scored);
        cJSON_Delete(trained);
        cJSON_Delete(counts);
        cJSON_Delete(r);
    }
    cJSON *best = run_json("lineage count --trial $D/lineage.db:best --json");
    cJSON_Delete(best);
    run_good("lineage bench --trial $D/lineage.db:0 --seconds 0.05 --threads 1");
    run_refused("no trial 7", "lineage count --trial $D/lineage.db:7");
    run_refused("expected STORE:N", "lineage count --trial $D/lineage.db");
    run_refused("expected STORE:N", "lineage count --trial $D/lineage.db:x");
    run_refused("cannot open", "lineage count --trial $D/none.db:0");
    run_good("lineage search --space lineage --strategy grid --budget 1 --store $D/lineage.db --add-run " IMAGES);
    run_refused("holds 2 searches", "lineage count --trial $D/lineage.db:0");
    run_good("lineage count --trial $D/lineage.db:2:0");
    run_refused("no run 3", "lineage count --trial $D/lineage.db:3:0");
}

static void notations_of_others_are_read(void **state) {
    (void)state;
#define DARTS                                                                                                                      \
    "Genotype(normal=[('\"'\"'sep_conv_3x3'\"'\"', 0), ('\"'\"'skip_connect'\"'\"', 1)], normal_concat=range(2, 3), "              \
    "reduce=[('\"'\"'max_pool_3x3'\"'\"', 0), ('\"'\"'dil_conv_5x5'\"'\"', 1)], reduce_concat=[2])"
    cJSON *darts = run_json("lineage count nasnet_a_small --genotype '" DARTS "' --json");
    cJSON *own = run_json("lineage count nasnet_a_small --genotype 'normal 2 = sep3x3(0) + identity(1) concat 2 reduction 2 = "
                          "max3x3(0) + dil_sep5x5(1) concat 2' --json");
    assert_true(cJSON_Compare(darts, own, true));
    cJSON_Delete(darts);
    cJSON_Delete(own);
    run_refused("--space nasbench201", "lineage count nasnet_a_small --genotype '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|'");
    program_result r =
        run_good("lineage draw nasnet_a_small --cells --output - --genotype 'normal 2 = sep3x3(0) + sep3x3(1) concat 2'");
    assert_non_null(strstr(r.out, "label=\"own cells in nasnet_a_small\""));
    /* show takes a genotype behind = and behind a blank. */
    made_file(getenv("D"), "cell.txt", "normal 2 = sep3x3(0) + sep3x3(1) concat 2\n", 42);
    char *first = strdup(run_good("lineage show nasnet_a_small --genotype=@$D/cell.txt").out);
    assert_non_null(strstr(first, "own cells in nasnet_a_small"));
    assert_string_equal(first, run_good("lineage show nasnet_a_small --genotype @$D/cell.txt").out);
    assert_string_equal(first, run_good("lineage show --genotype @$D/cell.txt nasnet_a_small").out);
    free(first);
    run_refused("unexpected argument", "lineage show lenet5 resnet18");
}

static void mistakes_are_said(void **state) {
    (void)state;
    run_refused("expected --genotype", "lineage count --space lineage");
    run_refused("unknown space 'darts'; there are", "lineage count --space darts --genotype x");
    run_refused("expected three stages", "lineage count --space lineage --genotype 'conv3 conv3'");
    run_refused("give one of the two", "lineage count --space lineage --trial $D/x.db:0 --genotype x");
    run_refused("unexpected argument 'resnet18'", "lineage train resnet18 --space lineage --genotype 'none none none max plain'");
    run_refused("has no networks", "lineage count --space layout --genotype x");
    run_refused("is not made of cells", "lineage draw --space lineage --genotype 'none none none max plain' --cells --output -");
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_space_gives_networks, enter, leave),
        cmocka_unit_test_setup_teardown(a_trial_is_the_network_that_was_trained, enter, leave),
        cmocka_unit_test_setup_teardown(notations_of_others_are_read, enter, leave),
        cmocka_unit_test_setup_teardown(mistakes_are_said, enter, leave),
    };
    return cmocka_run_group_tests_name("cli networks", tests, NULL, NULL);
}
