/* Which data sets there are, and the folders where their files may be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "datasets/format.h"
#include "layers/base/nearest.h"

#define DATASET(symbol) extern const nlg_dataset_format nlg_dataset_##symbol;
#include "datasets/datasets.def"
#undef DATASET

static const nlg_dataset_format *const formats[] = {
#define DATASET(symbol) &nlg_dataset_##symbol,
#include "datasets/datasets.def"
#undef DATASET
};

int nlg_dataset_format_count(void) {
    return (int)(sizeof formats / sizeof *formats);
}

const nlg_dataset_format *nlg_dataset_format_at(int index) {
    return formats[index];
}

const char *nlg_dataset_format_name(const nlg_dataset_format *format) {
    return format->name;
}

const char *nlg_dataset_format_summary(const nlg_dataset_format *format) {
    return format->summary;
}

const char *nlg_dataset_format_layout(const nlg_dataset_format *format) {
    return format->layout;
}

nlg_target_kind nlg_dataset_format_targets(const nlg_dataset_format *format) {
    return format->targets;
}

bool nlg_dataset_format_fetchable(const nlg_dataset_format *format) {
    return format->file_count > 0 || (format->made_of && nlg_dataset_format_fetchable(format->made_of));
}

nlg_status nlg_dataset_format_find(const char *name, const nlg_dataset_format **format, nlg_error *err) {
    size_t length = strcspn(name, ":");
    for (int i = 0; i < nlg_dataset_format_count(); i++) {
        *format = formats[i];
        if (strlen((*format)->name) == length && memcmp((*format)->name, name, length) == 0) return NLG_OK;
    }
    *format = NULL;
    struct stat folder;
    if (!strchr(name, ':') && stat(name, &folder) == 0 && S_ISDIR(folder.st_mode))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected the name of a data set, found a folder; did you mean 'imagefolder:%s'?",
                        name, name);
    char known[256] = "", wanted[64];
    snprintf(wanted, sizeof wanted, "%.*s", (int)(length < sizeof wanted ? length : sizeof wanted - 1), name);
    nlg_nearest nearest = {.wanted = wanted};
    for (int i = 0; i < nlg_dataset_format_count(); i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s%s", i ? ", " : "", formats[i]->name,
                 formats[i]->needs_folder ? ":DIR" : "");
        nlg_nearest_try(&nearest, formats[i]->name);
    }
    const char *near = nlg_nearest_name(&nearest);
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected the name of a data set (%s)%s%s%s; see lineage data list", name, known,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

bool nlg_path_join(char path[NLG_PATH_BYTES], const char *folder, const char *name) {
    int length = snprintf(path, NLG_PATH_BYTES, "%s/%s", folder, name);
    return length > 0 && length < NLG_PATH_BYTES;
}

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

nlg_status nlg_dataset_fetch_folder(const nlg_dataset_format *format, char *path, size_t size, nlg_error *err) {
    const char *data = environment("NLG_DATA"), *home = environment("HOME");
    if (!data && !home)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: expected a folder for it, found neither NLG_DATA nor HOME set; name one with --folder", format->name);
    int length = data ? snprintf(path, size, "%s/%s", data, format->name)
                      : snprintf(path, size, "%s/.local/share/netlineage/%s", home, format->name);
    if (length < 0 || (size_t)length >= size)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: the path of its folder is too long; set NLG_DATA to a shorter one", format->name);
    return NLG_OK;
}

bool nlg_dataset_format_folder(const nlg_dataset_format *format, char *folder, size_t size) {
    if (format->made_of) format = format->made_of;
    if (format->needs_folder) return false;
    char path[NLG_PATH_BYTES];
    const char *home = environment("HOME");
    const char *candidates[3] = {NULL, NULL, format->debian_folder};
    char fetched[NLG_PATH_BYTES], at_home[NLG_PATH_BYTES];
    if (nlg_dataset_fetch_folder(format, fetched, sizeof fetched, NULL) == NLG_OK) candidates[0] = fetched;
    if (home && snprintf(path, sizeof path, "%s/.local/share/netlineage", home) < (int)sizeof path &&
        nlg_path_join(at_home, path, format->name))
        candidates[1] = at_home;
    for (int i = 0; i < 3; i++) {
        if (!candidates[i] || !format->present(candidates[i])) continue;
        int length = snprintf(folder, size, "%s", candidates[i]);
        return length >= 0 && (size_t)length < size;
    }
    return false;
}
