/* search: networks of every space learn; on made-up images of 12 x 12, twenty of which are to be memorised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "layers/graph/graph.h"
#include "layers/kernels/simd.h"
#include "train/train.h"
#include "search/space.h"
#include "tests/made_files.h"

/* Spaces in sizes for seconds; the others as they are. */
static const char *const small_forms[] = {"nas:L=4,S=1,D=2", "nasnet:B=4,N=1,F=8", "pnas:B=4,N=1,F=8", "nasfpn:K=7,C=8"};

enum { EPOCHS = 30, NETWORKS = 2 };

static char *folder;
static nlg_dataset *dataset;
static nlg_exec exec;

static const char *form_of(const nlg_space *space) {
    for (size_t i = 0; i < sizeof small_forms / sizeof small_forms[0]; i++) {
        const size_t length = strcspn(small_forms[i], ":");
        if (strlen(space->name) == length && strncmp(small_forms[i], space->name, length) == 0) return small_forms[i];
    }
    return space->name;
}

static void train(const nlg_space *space, const nlg_code *code) {
    const nlg_dataset_info *info = nlg_dataset_describe(dataset);
    char genotype[NLG_GENOTYPE_MAX];
    nlg_graph *graph;
    nlg_trainer *trainer;
    nlg_error err = {0};
    nlg_trainer_options options = {.recipe = nlg_recipe_default(), .seed = 5, .validate_last_only = true};
    options.recipe.epochs = EPOCHS;
    options.recipe.batch = 10;
    options.recipe.lr = 0.05;
    options.recipe.augment = false;
    space->encode(space, code, genotype, sizeof genotype);
    if (space->build(space, code, info->h, info->w, info->c, info->classes, &graph, &err) != NLG_OK)
        fail_msg("%s, %s: %s", space->name, genotype, err.text);
    if (nlg_trainer_create(graph, dataset, &exec, &options, &trainer, &err) != NLG_OK || nlg_trainer_run(trainer, &err) != NLG_OK)
        fail_msg("%s, %s: %s", space->name, genotype, err.text);
    const double first = nlg_trainer_record(trainer, 0)->loss, last = nlg_trainer_record(trainer, EPOCHS - 1)->loss;
    if (!(last < 0.8 * first)) fail_msg("%s, %s: loss %.3f, then %.3f", space->name, genotype, first, last);
    nlg_trainer_destroy(trainer);
    nlg_graph_destroy(graph);
}

static void networks_of_every_space_learn(void **state) {
    (void)state;
    int trained = 0;
    for (int s = 0; s < nlg_space_count(); s++) {
        nlg_space space;
        nlg_error err = {0};
        if (!nlg_space_at(s)->build || nlg_space_at(s)->detects) continue;
        if (nlg_space_open(form_of(nlg_space_at(s)), &space, &err) != NLG_OK) fail_msg("%s", err.text);
        for (uint64_t i = 0; i < NETWORKS; i++) {
            nlg_code code;
            nlg_space_sample(&space, nlg_rng_stream(nlg_rng_named(nlg_rng_seed(2), space.name), i), &code);
            train(&space, &code);
        }
        nlg_space_close(&space);
        trained++;
    }
    assert_int_equal(trained, nlg_space_count() - 2); /* all but layout and nasfpn_detector */
}

static int enter(void **state) {
    (void)state;
    char name[300];
    nlg_error err = {0};
    const nlg_dataset_options options = {.train_limit = 20, .validation = 20};
    folder = made_folder();
    made_idx_set(folder, 60, 20, 12, 12, true);
    snprintf(name, sizeof name, "mnist:%s", folder);
    exec = (nlg_exec){.team = nlg_team_create(1), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
    if (nlg_dataset_open(name, &options, &dataset, &err) == NLG_OK) return 0;
    print_error("%s\n", err.text);
    return 1;
}

static int leave(void **state) {
    (void)state;
    nlg_dataset_close(dataset);
    nlg_team_destroy(exec.team);
    made_folder_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(networks_of_every_space_learn)};
    return cmocka_run_group_tests_name("spaces train", tests, enter, leave);
}
