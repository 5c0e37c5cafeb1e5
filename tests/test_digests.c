/* No change alters results unnoticed: the digests of short training runs are those of tests/reference/digests.tsv, which holds
 * one row per network for the present numerics version. `make digests` (NLG_WRITE_DIGESTS) writes the rows anew. NLG_DIGESTS,
 * names of networks, leaves out the others: for emulators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/kernels/simd.h"
#include "train/train.h"
#include "models/model.h"
#include "tests/made_files.h"

#define TABLE "tests/reference/digests.tsv"
static const char head[] = "numerics\tmodel\tdigest\n";
enum { ROWS_MAX = 64 };

typedef struct pinned {
    int numerics;
    char model[64], digest[65];
} pinned;

static int read_table(pinned *rows) {
    char *text, *rest, *line;
    size_t size;
    nlg_error err = {0};
    int count = 0;
    if (nlg_file_read(TABLE, 1 << 16, &text, &size, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_memory_equal(text, head, sizeof head - 1);
    for (line = strtok_r(text + sizeof head - 1, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), count++) {
        assert_true(count < ROWS_MAX);
        if (sscanf(line, "%d\t%63s\t%64s", &rows[count].numerics, rows[count].model, rows[count].digest) != 3)
            fail_msg(TABLE ": expected numerics, model and digest, found '%s'", line);
    }
    nlg_free(text);
    assert_true(count > 0);
    return count;
}

/* Four steps on 64 made-up images. */
static void train(const char *name, const nlg_dataset *data, const nlg_exec *exec, char digest[65]) {
    nlg_error err = {0};
    const nlg_model *model = NULL;
    nlg_graph *graph = NULL;
    nlg_trainer *trainer = NULL;
    nlg_trainer_options options = {.recipe = nlg_recipe_default(), .seed = 1};
    options.recipe.epochs = 1;
    options.recipe.batch = 16;
    options.recipe.lr = 0.05;
    nlg_status status = nlg_model_find(name, &model, &err);
    if (status == NLG_OK) status = nlg_model_build(model, (nlg_shape){.h = 28, .w = 28, .c = 1}, 10, &graph, &err);
    if (status == NLG_OK) status = nlg_trainer_create(graph, data, exec, &options, &trainer, &err);
    if (status == NLG_OK) status = nlg_trainer_run(trainer, &err);
    if (status == NLG_OK) status = nlg_weights_digest(nlg_trainer_weights(trainer), digest, &err);
    nlg_trainer_destroy(trainer);
    nlg_graph_destroy(graph);
    if (status != NLG_OK) fail_msg("%s: %s", name, err.text);
}

/* Whether `name` is one of `names`, which spaces divide. */
static bool named(const char *names, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = names; (at = strstr(at, name)) != NULL; at += length)
        if ((at == names || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' ')) return true;
    return false;
}

/* The rows that NLG_DIGESTS asks for come first; returns how many they are. */
static int choose(pinned *rows, int count) {
    const char *names = getenv("NLG_DIGESTS");
    if (!names || !*names) return count;
    int chosen = 0;
    for (int i = 0; i < count; i++)
        if (named(names, rows[i].model)) rows[chosen++] = rows[i];
    if (chosen == 0) fail_msg("NLG_DIGESTS: expected names of networks in " TABLE ", found '%s'", names);
    return chosen;
}

static void train_all(pinned *rows, int count, nlg_isa isa) {
    char *folder = made_folder();
    nlg_error err = {0};
    nlg_dataset *data = NULL;
    made_idx_set(folder, 80, 10, 28, 28, false);
    const nlg_dataset_options options = {.folder = folder, .validation = 16};
    nlg_exec exec = {.team = nlg_team_create(2), .isa = isa, .simd = nlg_simd_table(isa)};
    if (nlg_dataset_open("mnist", &options, &data, &err) != NLG_OK) fail_msg("%s", err.text);
    for (int i = 0; i < count; i++) {
        rows[i].numerics = NLG_NUMERICS_VERSION;
        train(rows[i].model, data, &exec, rows[i].digest);
    }
    nlg_dataset_close(data);
    nlg_team_destroy(exec.team);
    made_folder_remove(folder);
}

static void write_table(const pinned *rows, int count) {
    char text[ROWS_MAX * 160] = "";
    nlg_error err = {0};
    strcat(text, head);
    for (int i = 0; i < count; i++) {
        char line[160];
        snprintf(line, sizeof line, "%d\t%s\t%s\n", rows[i].numerics, rows[i].model, rows[i].digest);
        strcat(text, line);
    }
    if (nlg_file_write(TABLE, text, strlen(text), &err) != NLG_OK) fail_msg("%s", err.text);
}

static void runs_have_the_recorded_digests(void **state) {
    (void)state;
    pinned expected[ROWS_MAX], found[ROWS_MAX];
    const bool writes = getenv("NLG_WRITE_DIGESTS") != NULL;
    const int rows = read_table(expected), count = writes ? rows : choose(expected, rows);
    int other_version = 0, changed = 0;
    memcpy(found, expected, sizeof found);
    train_all(found, count, nlg_isa_best());
    for (int i = 0; i < count; i++) {
        if (expected[i].numerics != NLG_NUMERICS_VERSION) {
            other_version++;
        } else if (strcmp(expected[i].digest, found[i].digest) != 0) {
            changed++;
            print_error("%s: expected %s, found %s\n", expected[i].model, expected[i].digest, found[i].digest);
        }
    }
    if (writes) {
        write_table(found, count);
        print_message("# " TABLE ": %d digests of numerics version %d\n", count, NLG_NUMERICS_VERSION);
        if (changed)
            print_error("%d of them changed under the same version: raise NLG_NUMERICS_VERSION in layers/kernels/exec.h and type "
                        "`make digests` again, unless the networks themselves changed\n",
                        changed);
        return;
    }
    if (other_version)
        fail_msg(TABLE " has %d rows of another numerics version than %d; type `make digests` and commit the file", other_version,
                 NLG_NUMERICS_VERSION);
    if (changed)
        fail_msg("%d results changed. If that is meant, raise NLG_NUMERICS_VERSION in layers/kernels/exec.h, type `make digests` "
                 "and commit " TABLE "; else find the cause",
                 changed);
}

/* The other forms of the kernels, for two networks that have every kind of kernel but the depthwise ones: plain code is slow. */
static void every_form_has_the_recorded_digests(void **state) {
    (void)state;
    if (getenv("NLG_WRITE_DIGESTS")) skip();
    pinned expected[ROWS_MAX], found[ROWS_MAX];
    const int rows = read_table(expected);
    int count = 0, changed = 0;
    for (int i = 0; i < rows; i++)
        if (named("lenet5_small resnet8_small", expected[i].model)) expected[count++] = expected[i];
    assert_int_equal(count, 2);
    for (int isa = 0; isa < NLG_ISA_COUNT; isa++) {
        if (!nlg_isa_available((nlg_isa)isa) || isa == (int)nlg_isa_best()) continue;
        memcpy(found, expected, sizeof found);
        train_all(found, count, (nlg_isa)isa);
        for (int i = 0; i < count; i++) {
            if (strcmp(expected[i].digest, found[i].digest) == 0) continue;
            changed++;
            print_error("%s, %s: expected %s, found %s\n", nlg_isa_name((nlg_isa)isa), expected[i].model, expected[i].digest,
                        found[i].digest);
        }
    }
    assert_int_equal(changed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_have_the_recorded_digests),
        cmocka_unit_test(every_form_has_the_recorded_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
