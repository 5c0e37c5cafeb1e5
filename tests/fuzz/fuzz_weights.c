/* Readers of weight files, checkpoints and recipes. */
#include <stdlib.h>
#include <string.h>

#include "harness/network.h"
#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/graph/weights_file.h"
#include "tests/fuzz/fuzz.h"
#include "train/recipe.h"
#include "train/train.h"

static const nlg_network *small_network(void) {
    static nlg_network network;
    nlg_error err = {0};
    if (!network.graph)
        fuzz_demand(nlg_network_open("lenet5_small", NULL, (nlg_shape){0}, 0, &network, &err) == NLG_OK, "no network", &err);
    return &network;
}

static void ignore(const char *kind, const char *name) {
    (void)kind, (void)name;
}

void fuzz_weights(const uint8_t *data, size_t size) {
    static float optimizer[7], average[61706 + 64];
    nlg_error err = {0};
    nlg_weights weights;
    if (nlg_weights_create(small_network()->graph, &weights, &err) != NLG_OK) return;
    nlg_extra_tensor extra[] = {{"optimizer.0", optimizer, 7}, {"average", average, 61706}};
    nlg_metadata metadata[] = {{"identity", NULL}, {"progress", NULL}};
    nlg_load_options options = {.allow_missing_aux = true,
                                .extra = extra,
                                .n_extra = (int)(size % 3),
                                .metadata = metadata,
                                .n_metadata = 2,
                                .problem = ignore};
    fuzz_check(nlg_weights_load(&weights, fuzz_file("w.safetensors", data, size), &options, &err), &err);
    for (int i = 0; i < 2; i++) nlg_free((void *)(uintptr_t)metadata[i].value);
    nlg_weights_destroy(&weights);
}

static bool stop(void *context, int epoch, double fraction, const nlg_epoch_record *record) {
    (void)context, (void)epoch, (void)fraction, (void)record;
    return false;
}

/* 16 images of 28 x 28 in files of MNIST's form. */
static nlg_dataset *small_dataset(void) {
    static nlg_dataset *dataset;
    enum { IMAGES = 16, BYTES = 16 + IMAGES * 28 * 28 };
    static uint8_t images[BYTES] = {0, 0, 8, 3, 0, 0, 0, IMAGES, 0, 0, 0, 28, 0, 0, 0, 28},
                   labels[8 + IMAGES] = {0, 0, 8, 1, 0, 0, 0, IMAGES};
    nlg_error err = {0};
    if (dataset) return dataset;
    for (int i = 16; i < BYTES; i++) images[i] = (uint8_t)(i * i / 7);
    for (int i = 0; i < IMAGES; i++) labels[8 + i] = (uint8_t)(i % 10);
    fuzz_file("train-images-idx3-ubyte", images, sizeof images);
    fuzz_file("train-labels-idx1-ubyte", labels, sizeof labels);
    const nlg_dataset_options options = {.folder = fuzz_path(""), .train_limit = 8, .validation = 8};
    fuzz_demand(nlg_dataset_open("mnist", &options, &dataset, &err) == NLG_OK, "no data set", &err);
    return dataset;
}

/* The state beside a checkpoint. SEED_TO=FILE keeps the state of a short training, as a seed. */
void fuzz_checkpoint(const uint8_t *data, size_t size) {
    nlg_error err = {0};
    nlg_trainer *trainer = NULL;
    const char *keep = getenv("SEED_TO");
    nlg_trainer_options options = {
        .recipe = nlg_recipe_default(), .seed = 1, .checkpoint = fuzz_path("c"), .progress = keep ? NULL : stop};
    options.recipe.epochs = 2;
    options.recipe.batch = 4;
    nlg_dataset *dataset = small_dataset();
    if (!keep) {
        fuzz_file("c.state", data, size);
        fuzz_file("c", "", 0);
    }
    nlg_status status = nlg_trainer_create(small_network()->graph, dataset, fuzz_exec(), &options, &trainer, &err);
    fuzz_check(status, &err);
    if (status != NLG_OK) return;
    for (int i = 0; i < nlg_trainer_epochs(trainer); i++) (void)nlg_trainer_record(trainer, i);
    nlg_error ended = {0};
    fuzz_check(nlg_trainer_run(trainer, &ended), &ended);
    nlg_trainer_destroy(trainer);
    if (!keep) return;
    char *state;
    size_t bytes;
    fuzz_demand(nlg_file_read(fuzz_path("c.state"), 1 << 24, &state, &bytes, &err) == NLG_OK &&
                    nlg_file_write(keep, state, bytes, &err) == NLG_OK,
                "no seed", &err);
    nlg_free(state);
}

void fuzz_recipe(const uint8_t *data, size_t size) {
    nlg_error err = {0};
    cJSON *object;
    char *text = fuzz_text(data, size);
    nlg_status status = nlg_json_read(text, size, "recipe", &object, &err);
    fuzz_check(status, &err);
    nlg_recipe recipe, again;
    if (status == NLG_OK) status = nlg_recipe_read(object, "recipe", &recipe, &err);
    fuzz_check(status, &err);
    cJSON_Delete(object);
    free(text);
    if (status != NLG_OK) return;
    char *first = NULL, *second = NULL; /* what was read is written and read as the same */
    fuzz_demand(nlg_recipe_write(&recipe, &first, &err) == NLG_OK, "a recipe that was read cannot be written", &err);
    fuzz_demand(nlg_json_read(first, strlen(first), "recipe", &object, &err) == NLG_OK, "a written recipe is not JSON", &err);
    fuzz_demand(nlg_recipe_read(object, "recipe", &again, &err) == NLG_OK, "a written recipe cannot be read", &err);
    fuzz_demand(nlg_recipe_write(&again, &second, &err) == NLG_OK && strcmp(first, second) == 0, "a recipe changed", NULL);
    cJSON_Delete(object);
    nlg_free(first);
    nlg_free(second);
}
