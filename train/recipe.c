/* One table of fields, for writing and for reading. */
#include "train/recipe.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/json.h"
#include "layers/base/memory.h"

nlg_recipe nlg_recipe_default(void) {
    return (nlg_recipe){.optimizer = {.kind = NLG_SGD,
                                      .momentum = 0.9,
                                      .nesterov = true,
                                      .beta1 = 0.9,
                                      .beta2 = 0.999,
                                      .alpha = 0.9,
                                      .eps = 1e-8,
                                      .weight_decay = 5e-4},
                        .schedule = NLG_COSINE,
                        .lr = 0.1,
                        .warmup_epochs = 0.5,
                        .step_epochs = 1,
                        .factor = 0.1,
                        .epochs = 5,
                        .batch = 64,
                        .augmentation = {.shift = 2, .flip = true},
                        .augment = true};
}

nlg_detection_loss nlg_detection_loss_default(void) {
    return (nlg_detection_loss){.alpha = 0.25, .gamma = 2, .beta = 1.0 / 9, .prior = 0.01};
}

nlg_recipe nlg_recipe_default_detection(void) {
    nlg_recipe recipe = nlg_recipe_default();
    recipe.optimizer.kind = NLG_ADAMW;
    recipe.optimizer.weight_decay = 0.01;
    recipe.lr = 0.002;
    recipe.batch = 16;
    recipe.clip_norm = 10;
    recipe.detects = true;
    recipe.detection = nlg_detection_loss_default();
    return recipe;
}

/* ---- the fields -------------------------------------------------------------------------------------------------------- */

typedef enum { WHOLE, NUMBER, FLAG, CHOICE } field_type;
typedef struct field {
    const char *name;
    field_type type;
    size_t offset;
    double least, most;         /* of WHOLE and NUMBER */
    const char *const *choices; /* of CHOICE, by value; ends with NULL */
} field;

static const char *const optimizers[] = {"sgd", "adam", "adamw", "rmsprop_tf", NULL};
static const char *const schedules[] = {"constant", "step", "cosine", "exponential", NULL};

#define AT(member) offsetof(nlg_recipe, member)
static const field recipe_fields[] = {
    {"epochs", WHOLE, AT(epochs), 0, 100000, NULL},
    {"batch", WHOLE, AT(batch), 1, 1 << 16, NULL},
    {"optimizer", CHOICE, AT(optimizer.kind), 0, 0, optimizers},
    {"momentum", NUMBER, AT(optimizer.momentum), 0, 1, NULL},
    {"nesterov", FLAG, AT(optimizer.nesterov), 0, 0, NULL},
    {"beta1", NUMBER, AT(optimizer.beta1), 0, 1, NULL},
    {"beta2", NUMBER, AT(optimizer.beta2), 0, 1, NULL},
    {"alpha", NUMBER, AT(optimizer.alpha), 0, 1, NULL},
    {"eps", NUMBER, AT(optimizer.eps), 0, 1e9, NULL},
    {"weight_decay", NUMBER, AT(optimizer.weight_decay), 0, 1e3, NULL},
    {"decay_all", FLAG, AT(optimizer.decay_all), 0, 0, NULL},
    {"schedule", CHOICE, AT(schedule), 0, 0, schedules},
    {"lr", NUMBER, AT(lr), 0, 1e300, NULL},
    {"warmup_epochs", NUMBER, AT(warmup_epochs), 0, 1e5, NULL},
    {"step_epochs", NUMBER, AT(step_epochs), 0, 1e5, NULL},
    {"factor", NUMBER, AT(factor), 0, 1e9, NULL},
    {"final_lr", NUMBER, AT(final_lr), 0, 1e300, NULL},
    {"label_smoothing", NUMBER, AT(label_smoothing), 0, 1, NULL},
    {"clip_norm", NUMBER, AT(clip_norm), 0, 1e300, NULL},
    {"ema_decay", NUMBER, AT(ema_decay), 0, 1, NULL},
};
static const field augmentation_fields[] = {
    {"shift", WHOLE, AT(augmentation.shift), 0, 4096, NULL},   {"flip", FLAG, AT(augmentation.flip), 0, 0, NULL},
    {"cutout", WHOLE, AT(augmentation.cutout), 0, 4096, NULL}, {"raw", FLAG, AT(augmentation.raw), 0, 0, NULL},
    {"pad", WHOLE, AT(augmentation.pad), 0, 4096, NULL},
};
static const field detection_fields[] = {
    {"focal_alpha", NUMBER, AT(detection.alpha), 0, 1, NULL},
    {"focal_gamma", NUMBER, AT(detection.gamma), 0, 100, NULL},
    {"box_beta", NUMBER, AT(detection.beta), 0, 100, NULL},
    {"prior", NUMBER, AT(detection.prior), 1e-9, 0.999, NULL},
};
enum {
    RECIPE_FIELDS = sizeof recipe_fields / sizeof *recipe_fields,
    AUGMENTATION_FIELDS = sizeof augmentation_fields / sizeof *augmentation_fields,
    DETECTION_FIELDS = sizeof detection_fields / sizeof *detection_fields
};
static_assert(sizeof(nlg_optimizer_kind) == sizeof(int) && sizeof(nlg_schedule_kind) == sizeof(int), "choices are read as int");

/* ---- writing ----------------------------------------------------------------------------------------------------------- */

static bool add_number(cJSON *object, const char *name, double value) {
    return cJSON_AddNumberToObject(object, name, value + 0.0) != NULL; /* -0 is 0 */
}

static bool add_field(cJSON *object, const field *f, const nlg_recipe *recipe) {
    const void *at = (const char *)recipe + f->offset;
    switch (f->type) {
    case WHOLE:
        return add_number(object, f->name, *(const int *)at);
    case NUMBER:
        return add_number(object, f->name, *(const double *)at);
    case FLAG:
        return cJSON_AddBoolToObject(object, f->name, *(const bool *)at) != NULL;
    default:
        return cJSON_AddStringToObject(object, f->name, f->choices[*(const int *)at]) != NULL;
    }
}

static bool add_fields(cJSON *object, const field *fields, int count, const nlg_recipe *recipe) {
    bool good = object != NULL;
    for (int i = 0; i < count && good; i++) good = add_field(object, &fields[i], recipe);
    return good;
}

bool nlg_recipe_add(cJSON *object, const nlg_recipe *recipe) {
    if (!add_fields(object, recipe_fields, RECIPE_FIELDS, recipe)) return false;
    if (recipe->detects && !add_fields(cJSON_AddObjectToObject(object, "detection"), detection_fields, DETECTION_FIELDS, recipe))
        return false;
    if (!recipe->augment) return cJSON_AddNullToObject(object, "augmentation") != NULL;
    return add_fields(cJSON_AddObjectToObject(object, "augmentation"), augmentation_fields, AUGMENTATION_FIELDS, recipe);
}

nlg_status nlg_recipe_write(const nlg_recipe *recipe, char **text, nlg_error *err) {
    cJSON *object = cJSON_CreateObject();
    if (object && nlg_recipe_add(object, recipe)) return nlg_json_finish(object, false, text, err);
    cJSON_Delete(object);
    return nlg_fail_memory(err, 1024, "the text of a recipe");
}

static bool add_numbers(cJSON *object, const char *name, const double *values, int count) {
    cJSON *list = cJSON_CreateDoubleArray(values, count);
    if (list && cJSON_AddItemToObject(object, name, list)) return true;
    cJSON_Delete(list);
    return false;
}

bool nlg_recipe_add_data(cJSON *object, const nlg_dataset *dataset) {
    const nlg_dataset_info *info = nlg_dataset_describe(dataset);
    const nlg_dataset_options *o = info->options;
    const double shape[] = {info->c, info->h, info->w}; /* as image_size made it */
    const int channels = info->c < 4 ? info->c : 4;
    /* Without a size of its own, resizing is to the crop. Formats other than folders resize nothing. */
    const int resize = o->image_size && !o->resize ? o->image_size : o->resize;
    double mean[4], std[4];
    char seed[24], name[64];
    for (int i = 0; i < channels; i++) mean[i] = (double)info->mean[i], std[i] = (double)info->std[i];
    snprintf(seed, sizeof seed, "%" PRIu64, o->split_seed);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(info->name, ":"), info->name);
    return cJSON_AddStringToObject(object, "name", name) && cJSON_AddStringToObject(object, "digest", info->digest) &&
           add_numbers(object, "image", shape, 3) && add_number(object, "classes", info->classes) &&
           add_number(object, "train", info->train) && add_number(object, "validation", info->validation) &&
           cJSON_AddStringToObject(object, "split_seed", seed) && cJSON_AddBoolToObject(object, "file_order", o->file_order) &&
           add_number(object, "resize", resize) && add_number(object, "filter", o->filter) &&
           add_numbers(object, "mean", mean, channels) && add_numbers(object, "std", std, channels);
}

bool nlg_recipe_add_exec(cJSON *object, const nlg_exec *exec) {
    return cJSON_AddStringToObject(object, "backend", exec->backend == NLG_BACKEND_OWN ? "own" : "openblas") &&
           cJSON_AddBoolToObject(object, "direct_only", exec->direct_only);
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

static nlg_status refuse(const char *where, const field *f, const char *expected, const cJSON *item, nlg_error *err) {
    char *found = NULL;
    if (item) NLG_TRY(nlg_json_write(item, false, &found, err));
    nlg_status status = nlg_fail(err, NLG_ERR_INPUT, "%s: recipe field \"%s\": expected %s, found %.80s", where, f->name, expected,
                                 found ? found : "none");
    nlg_free(found);
    return status;
}

static nlg_status read_field(const cJSON *item, const char *where, const field *f, nlg_recipe *recipe, nlg_error *err) {
    void *at = (char *)recipe + f->offset;
    char expected[128] = "true or false";
    if (f->type == FLAG) {
        if (!cJSON_IsBool(item)) return refuse(where, f, expected, item, err);
        *(bool *)at = cJSON_IsTrue(item);
        return NLG_OK;
    }
    if (f->type == CHOICE) {
        size_t used = 0;
        for (int i = 0; f->choices[i]; i++) {
            if (cJSON_IsString(item) && strcmp(item->valuestring, f->choices[i]) == 0) {
                *(int *)at = i;
                return NLG_OK;
            }
            used += (size_t)snprintf(expected + used, sizeof expected - used, "%s%s", i ? " or " : "", f->choices[i]);
        }
        return refuse(where, f, expected, item, err);
    }
    snprintf(expected, sizeof expected, "%s from %g to %g", f->type == WHOLE ? "a whole number" : "a number", f->least, f->most);
    const double value = cJSON_IsNumber(item) ? item->valuedouble : -1;
    if (!(value >= f->least && value <= f->most)) return refuse(where, f, expected, item, err);
    if (f->type == WHOLE && value != (double)(int)value) return refuse(where, f, expected, item, err);
    if (f->type == WHOLE)
        *(int *)at = (int)value;
    else
        *(double *)at = value + 0.0;
    return NLG_OK;
}

static nlg_status read_fields(const cJSON *object, const char *where, const field *fields, int count, nlg_recipe *recipe,
                              nlg_error *err) {
    for (const cJSON *item = object->child; item; item = item->next) {
        bool known =
            fields == recipe_fields && (strcmp(item->string, "augmentation") == 0 || strcmp(item->string, "detection") == 0);
        for (int i = 0; i < count && !known; i++) known = strcmp(item->string, fields[i].name) == 0;
        if (!known) return nlg_fail(err, NLG_ERR_INPUT, "%s: unknown recipe field \"%.80s\"", where, item->string);
        if (cJSON_GetObjectItemCaseSensitive(object, item->string) != item)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: recipe field \"%.80s\" stands there twice", where, item->string);
    }
    for (int i = 0; i < count; i++)
        NLG_TRY(read_field(cJSON_GetObjectItemCaseSensitive(object, fields[i].name), where, &fields[i], recipe, err));
    return NLG_OK;
}

nlg_status nlg_recipe_read(const cJSON *object, const char *where, nlg_recipe *recipe, nlg_error *err) {
    *recipe = (nlg_recipe){0};
    if (!cJSON_IsObject(object)) return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a recipe, a JSON object", where);
    NLG_TRY(read_fields(object, where, recipe_fields, RECIPE_FIELDS, recipe, err));
    const cJSON *augmentation = cJSON_GetObjectItemCaseSensitive(object, "augmentation"),
                *detection = cJSON_GetObjectItemCaseSensitive(object, "detection");
    if (detection != NULL && !cJSON_IsObject(detection))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: recipe field \"detection\": expected an object", where);
    recipe->detects = detection != NULL;
    if (recipe->detects) NLG_TRY(read_fields(detection, where, detection_fields, DETECTION_FIELDS, recipe, err));
    if (cJSON_IsNull(augmentation)) return NLG_OK;
    if (!cJSON_IsObject(augmentation))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: recipe field \"augmentation\": expected an object or null", where);
    recipe->augment = true;
    return read_fields(augmentation, where, augmentation_fields, AUGMENTATION_FIELDS, recipe, err);
}
