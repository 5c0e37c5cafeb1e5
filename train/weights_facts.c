/* Writing and reading the metadata entry "netlineage". */
#include "train/weights_facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/memory.h"

const char nlg_weights_facts_key[] = "netlineage";

static const char *const filters[] = {"bilinear", "bicubic"};

/* ---- writing ----------------------------------------------------------------------------------------------------------- */

static void add_text(cJSON *array, const char *text) {
    cJSON *item = cJSON_CreateString(text);
    if (!item || !cJSON_AddItemToArray(array, item)) cJSON_Delete(item);
}

static void add_numbers(cJSON *object, const char *name, const float *values, int count) {
    double exact[4];
    for (int i = 0; i < count; i++) exact[i] = (double)values[i];
    nlg_json_add(object, name, cJSON_CreateDoubleArray(exact, count));
}

static void add_preparation(cJSON *entry, const nlg_dataset_info *info, const nlg_augmentation *a) {
    const nlg_dataset_options *o = info->options;
    const int image[] = {info->c, info->h, info->w}, channels = info->c < 4 ? info->c : 4;
    cJSON *p = cJSON_AddObjectToObject(entry, "preprocessing");
    nlg_json_add(p, "image", cJSON_CreateIntArray(image, 3));
    nlg_json_number(p, "pad", a != NULL ? a->pad : 0);
    cJSON_AddBoolToObject(p, "raw", a != NULL && a->raw);
    nlg_json_number(p, "image_size", o->image_size);
    nlg_json_number(p, "resize", o->resize ? o->resize : o->image_size);
    nlg_json_text(p, "interpolation", filters[o->filter == NLG_FILTER_BICUBIC]);
    add_numbers(p, "mean", info->mean, channels);
    add_numbers(p, "std", info->std, channels);
}

nlg_status nlg_weights_facts_write(const nlg_dataset *dataset, const nlg_augmentation *preparation, const char *model,
                                   const char *genotype, const cJSON *training, char **text, nlg_error *err) {
    const nlg_dataset_info *info = nlg_dataset_describe(dataset);
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(info->name, ":"), info->name);
    cJSON *entry = cJSON_CreateObject();
    nlg_json_text(entry, "model", model != NULL ? model : "");
    if (genotype != NULL) nlg_json_text(entry, "genotype", genotype);
    nlg_json_text(entry, "data", name);
    add_preparation(entry, info, preparation);
    cJSON *classes = info->class_names != NULL ? cJSON_AddArrayToObject(entry, "classes") : NULL;
    for (int i = 0; classes != NULL && i < info->classes; i++) add_text(classes, info->class_names[i]);
    if (training != NULL) nlg_json_add(entry, "training", cJSON_Duplicate(training, true));
    return nlg_json_finish(entry, false, text, err);
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

static bool whole(const cJSON *item, int least, int most, int *value) {
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= least && item->valuedouble <= most) ||
        item->valuedouble != (double)(int)item->valuedouble)
        return false;
    *value = (int)item->valuedouble;
    return true;
}

static bool read_numbers(const cJSON *list, int count, bool positive, float *values) {
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != count) return false;
    for (int i = 0; i < count; i++) {
        const cJSON *item = cJSON_GetArrayItem(list, i);
        const double value = cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
        if (!(fabs(value) <= 1e6) || (positive && !(value > 0))) return false;
        values[i] = (float)value;
    }
    return true;
}

static bool read_preparation(const cJSON *p, nlg_weights_facts *f) {
    const cJSON *image = cJSON_GetObjectItemCaseSensitive(p, "image"), *raw = cJSON_GetObjectItemCaseSensitive(p, "raw");
    const cJSON *filter = cJSON_GetObjectItemCaseSensitive(p, "interpolation");
    if (!cJSON_IsArray(image) || cJSON_GetArraySize(image) != 3 || !cJSON_IsBool(raw) || !cJSON_IsString(filter)) return false;
    f->raw = cJSON_IsTrue(raw);
    f->filter = strcmp(filter->valuestring, filters[1]) == 0 ? NLG_FILTER_BICUBIC : NLG_FILTER_BILINEAR;
    if (f->filter == NLG_FILTER_BILINEAR && strcmp(filter->valuestring, filters[0]) != 0) return false;
    return whole(cJSON_GetArrayItem(image, 0), 1, 4, &f->c) && whole(cJSON_GetArrayItem(image, 1), 1, 1 << 14, &f->h) &&
           whole(cJSON_GetArrayItem(image, 2), 1, 1 << 14, &f->w) &&
           whole(cJSON_GetObjectItemCaseSensitive(p, "pad"), 0, 4096, &f->pad) &&
           whole(cJSON_GetObjectItemCaseSensitive(p, "image_size"), 0, 1 << 14, &f->image_size) &&
           whole(cJSON_GetObjectItemCaseSensitive(p, "resize"), 0, 1 << 15, &f->resize) &&
           read_numbers(cJSON_GetObjectItemCaseSensitive(p, "mean"), f->c, false, f->mean) &&
           read_numbers(cJSON_GetObjectItemCaseSensitive(p, "std"), f->c, true, f->std);
}

static nlg_status copy_text(nlg_weights_facts *f, const cJSON *item, char **copy, nlg_error *err) {
    *copy = nlg_arena_printf(f->arena, "%s", item->valuestring);
    return *copy != NULL ? NLG_OK : nlg_fail_memory(err, strlen(item->valuestring) + 1, "what belongs to the weights");
}

static nlg_status read_entry(const cJSON *entry, nlg_weights_facts *f, bool *good, nlg_error *err) {
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(entry, "model"), *data = cJSON_GetObjectItemCaseSensitive(entry, "data");
    const cJSON *genotype = cJSON_GetObjectItemCaseSensitive(entry, "genotype");
    const cJSON *classes = cJSON_GetObjectItemCaseSensitive(entry, "classes"), *item;
    *good = cJSON_IsString(model) && cJSON_IsString(data) && (genotype == NULL || cJSON_IsString(genotype)) &&
            (classes == NULL || cJSON_IsArray(classes)) &&
            read_preparation(cJSON_GetObjectItemCaseSensitive(entry, "preprocessing"), f);
    cJSON_ArrayForEach(item, classes) *good = *good && cJSON_IsString(item);
    if (!*good) return NLG_OK;
    NLG_TRY(copy_text(f, model, &f->model, err));
    NLG_TRY(copy_text(f, data, &f->data, err));
    if (genotype != NULL) NLG_TRY(copy_text(f, genotype, &f->genotype, err));
    if (classes == NULL) return NLG_OK;
    f->classes = nlg_arena_alloc(f->arena, (size_t)cJSON_GetArraySize(classes) + 1, sizeof *f->classes);
    if (f->classes == NULL) return nlg_fail_memory(err, 1024, "the names of classes");
    cJSON_ArrayForEach(item, classes) {
        char *name;
        NLG_TRY(copy_text(f, item, &name, err));
        f->classes[f->n_classes++] = name;
    }
    return NLG_OK;
}

nlg_status nlg_weights_facts_read(const nlg_safetensors *file, nlg_weights_facts *f, nlg_error *err) {
    const char *text = nlg_safetensors_metadata(file, nlg_weights_facts_key);
    *f = (nlg_weights_facts){.arena = NULL};
    if (text == NULL) return NLG_OK;
    f->arena = nlg_arena_create();
    if (f->arena == NULL) return nlg_fail_memory(err, 64, "what belongs to the weights");
    cJSON *entry;
    bool good;
    NLG_TRY(nlg_json_read(text, strlen(text), file->path, &entry, err));
    const nlg_status status = read_entry(entry, f, &good, err);
    cJSON_Delete(entry);
    NLG_TRY(status);
    if (!good)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: the entry \"%s\" of its metadata is damaged (model, data, preprocessing or classes); fetch it again",
                        file->path, nlg_weights_facts_key);
    f->known = true;
    return NLG_OK;
}

void nlg_weights_facts_free(nlg_weights_facts *f) {
    if (f->arena != NULL) nlg_arena_destroy(f->arena);
    *f = (nlg_weights_facts){.arena = NULL};
}
