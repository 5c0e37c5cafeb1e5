/* lineage data: the data sets, what is in them, fetching and verifying their files. */
#include <stdio.h>
#include <string.h>

#include "datasets/dataset.h"
#include "harness/command.h"
#include "harness/commands/data_show.h"
#include "harness/options.h"
#include "harness/output.h"

typedef struct data_options {
    const char *folder;
    int image_size, images;
    const char *out;
    uint64_t seed;
} data_options;

enum { KEY_FOLDER = 0x100, KEY_IMAGE_SIZE, KEY_OUT, KEY_IMAGES, KEY_SPLIT_SEED, PATH_BYTES = 4096 };
static const struct argp_option options[] = {
    {"folder", KEY_FOLDER, "DIR", 0, "The folder of the files, in place of the usual ones", 0},
    {"image-size", KEY_IMAGE_SIZE, "N", 0, "imagefolder: resize and crop to N x N pixels (default: as they are)", 0},
    {"out", KEY_OUT, "FILE", 0, "show: write the contact sheet to this PNG file (default sheet.png)", 0},
    {"images", KEY_IMAGES, "N", 0, "show: so many training images (default 24)", 0},
    {"split-seed", KEY_SPLIT_SEED, "N", 0, "show: key of the split, and of generated images (default 0)", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    data_options *o = where;
    if (key == KEY_IMAGE_SIZE) return nlg_option_int("--image-size", value, 1, 1 << 14, &o->image_size, err);
    int64_t seed;
    switch (key) {
    case KEY_OUT:
        o->out = value;
        return NLG_OK;
    case KEY_IMAGES:
        return nlg_option_int("--images", value, 1, 600, &o->images, err);
    case KEY_SPLIT_SEED:
        NLG_TRY(nlg_option_integer("--split-seed", value, 0, INT64_MAX, &seed, err));
        o->seed = (uint64_t)seed;
        return NLG_OK;
    default:
        o->folder = value;
        return NLG_OK;
    }
}

/* --- list ----------------------------------------------------------------------------------------------------------- */

static void add_format(cJSON *row, const nlg_dataset_format *format) {
    char folder[PATH_BYTES];
    bool found = nlg_dataset_format_folder(format, folder, sizeof folder);
    nlg_json_text(row, "name", nlg_dataset_format_name(format));
    nlg_json_text(row, "summary", nlg_dataset_format_summary(format));
    nlg_json_text(row, "files", nlg_dataset_format_layout(format));
    cJSON_AddBoolToObject(row, "fetchable", nlg_dataset_format_fetchable(format));
    nlg_json_text(row, "folder", found ? folder : NULL);
}

static nlg_status list(const nlg_invocation *call, nlg_error *err) {
    if (call->settings.json) {
        cJSON *rows = cJSON_CreateArray();
        for (int i = 0; i < nlg_dataset_format_count(); i++) add_format(nlg_json_object_in(rows), nlg_dataset_format_at(i));
        return nlg_json_print(rows, err);
    }
    nlg_text_table *table = nlg_text_table_create("lll", (const char *[]){"name", "files in", "what"});
    for (int i = 0; i < nlg_dataset_format_count(); i++) {
        const nlg_dataset_format *format = nlg_dataset_format_at(i);
        char folder[PATH_BYTES];
        bool found = nlg_dataset_format_folder(format, folder, sizeof folder), fetchable = nlg_dataset_format_fetchable(format);
        nlg_text_table_cell(table, "%s%s", nlg_dataset_format_name(format), fetchable ? "" : ":DIR");
        nlg_text_table_cell(table, "%s", found ? folder : fetchable ? "(not here: fetch it)" : "DIR");
        nlg_text_table_cell(table, "%s", nlg_dataset_format_summary(format));
    }
    return nlg_text_table_print(table, stdout, err);
}

/* --- info ----------------------------------------------------------------------------------------------------------- */

static cJSON *describe(const nlg_dataset_info *info) {
    cJSON *o = cJSON_CreateObject();
    nlg_json_text(o, "name", info->name);
    nlg_json_text(o, "source", info->source);
    nlg_json_text(o, "digest", info->digest);
    nlg_json_number(o, "train", info->train);
    nlg_json_number(o, "validation", info->validation);
    cJSON *shape = cJSON_AddArrayToObject(o, "input");
    const int size[3] = {info->c, info->h, info->w};
    for (int i = 0; i < 3; i++) cJSON_AddItemToArray(shape, cJSON_CreateNumber(size[i]));
    cJSON *mean = cJSON_AddArrayToObject(o, "mean"), *std = cJSON_AddArrayToObject(o, "std");
    for (int i = 0; i < info->c; i++) {
        cJSON_AddItemToArray(mean, cJSON_CreateNumber((double)info->mean[i]));
        cJSON_AddItemToArray(std, cJSON_CreateNumber((double)info->std[i]));
    }
    cJSON *classes = cJSON_AddArrayToObject(o, "classes");
    for (int i = 0; i < info->classes; i++) cJSON_AddItemToArray(classes, cJSON_CreateString(info->class_names[i]));
    cJSON *skipped = cJSON_AddArrayToObject(o, "skipped");
    for (uint32_t i = 0; i < info->skipped; i++) cJSON_AddItemToArray(skipped, cJSON_CreateString(info->skipped_files[i]));
    return o;
}

/* is_cut: validation is a part of the training files. */
static void print_info(const nlg_dataset_info *info, bool is_cut) {
    printf("%s from %s\n", info->name, info->source);
    if (info->h) printf("  images      %d x %d x %d\n", info->w, info->h, info->c);
    char train[32], validation[32], both[32];
    printf("  training    %s\n  validation  %s", nlg_count_text(info->train, train), nlg_count_text(info->validation, validation));
    if (is_cut) printf(", cut from the %s of the training files", nlg_count_text((int64_t)info->train + info->validation, both));
    printf("\n  test        not opened; the final step of an experiment reads it\n");
    printf("  mean        ");
    for (int i = 0; i < info->c; i++) printf("%s%.4f", i ? " " : "", (double)info->mean[i]);
    printf("\n  deviation   ");
    for (int i = 0; i < info->c; i++) printf("%s%.4f", i ? " " : "", (double)info->std[i]);
    printf("\n  classes     %d:", info->classes);
    for (int i = 0; i < info->classes && i < 20; i++) printf("%s %s", i ? "," : "", info->class_names[i]);
    printf("%s\n", info->classes > 20 ? ", ..." : "");
    if (info->digest[0]) printf("  SHA-256     %s\n", info->digest);
    if (info->repeated) printf("  repeated    %u pictures are there more than once, the first: %s\n", info->repeated, info->repeat);
    for (uint32_t i = 0; i < info->skipped; i++) printf("  left out    %s\n", info->skipped_files[i]);
    if (info->skipped) printf("  left out    %u %s\n", info->skipped, info->skipped == 1 ? "file" : "files");
}

static nlg_status info(const nlg_invocation *call, nlg_error *err) {
    const data_options *o = call->options;
    const char *name = call->arguments[1];
    const nlg_dataset_format *format;
    NLG_TRY(nlg_dataset_format_find(name, &format, err));
    char folder[PATH_BYTES];
    const bool fetchable = nlg_dataset_format_fetchable(format);
    if (!strchr(name, ':') && !o->folder && !(fetchable && nlg_dataset_format_folder(format, folder, sizeof folder))) {
        if (call->settings.json) {
            cJSON *row = cJSON_CreateObject();
            add_format(row, format);
            return nlg_json_print(row, err);
        }
        printf("%s%s: %s\n  files       %s\n", name, fetchable ? "" : ":DIR", nlg_dataset_format_summary(format),
               nlg_dataset_format_layout(format));
        if (fetchable) printf("  not here; fetch them with: lineage data fetch %s\n", name);
        return NLG_OK;
    }
    nlg_dataset *dataset;
    NLG_TRY(nlg_dataset_open(name, &(nlg_dataset_options){.folder = o->folder, .image_size = o->image_size}, &dataset, err));
    nlg_status status = NLG_OK;
    if (call->settings.json)
        status = nlg_json_print(describe(nlg_dataset_describe(dataset)), err);
    else
        print_info(nlg_dataset_describe(dataset), nlg_dataset_format_fetchable(format));
    nlg_dataset_close(dataset);
    return status;
}

static nlg_status show(const nlg_invocation *call, nlg_error *err) {
    const data_options *o = call->options;
    const char *out = o->out ? o->out : "sheet.png";
    nlg_dataset *dataset;
    const nlg_dataset_options how = {.folder = o->folder, .image_size = o->image_size, .split_seed = o->seed};
    NLG_TRY(nlg_dataset_open(call->arguments[1], &how, &dataset, err));
    nlg_status status = nlg_data_sheet(dataset, o->images ? o->images : 24, out, err);
    nlg_dataset_close(dataset);
    if (status == NLG_OK) fprintf(stderr, "%s written\n", out);
    return status;
}

/* --- fetch, verify -------------------------------------------------------------------------------------------------- */

static void tell(void *context, const char *line) {
    (void)context;
    fprintf(stderr, "%s\n", line);
}

static nlg_status fetch_or_verify(const nlg_invocation *call, nlg_error *err) {
    const data_options *o = call->options;
    const char *action = call->arguments[0], *name = call->arguments[1];
    bool fetch = strcmp(action, "fetch") == 0;
    NLG_TRY((fetch ? nlg_dataset_fetch : nlg_dataset_verify)(name, o->folder, tell, NULL, err));
    const nlg_dataset_format *format;
    char place[PATH_BYTES];
    NLG_TRY(nlg_dataset_format_find(name, &format, err));
    const char *folder = o->folder;
    if (!folder && fetch) NLG_TRY(nlg_dataset_fetch_folder(format, place, sizeof place, err));
    if (!folder && !fetch && !nlg_dataset_format_folder(format, place, sizeof place)) place[0] = '\0';
    if (!folder) folder = place;
    if (!call->settings.json) {
        printf("%s: %s in %s\n", name, fetch ? "complete" : "as published", folder);
        return NLG_OK;
    }
    cJSON *row = cJSON_CreateObject();
    nlg_json_text(row, "name", name);
    nlg_json_text(row, "folder", folder);
    nlg_json_text(row, "status", fetch ? "complete" : "as published");
    return nlg_json_print(row, err);
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    static const char *const actions[] = {"list", "info", "show", "fetch", "verify", NULL};
    int action = 0;
    if (call->n_arguments) NLG_TRY(nlg_option_choice("data", call->arguments[0], actions, &action, err));
    if (call->n_arguments > (action ? 2 : 1) || (action && call->n_arguments < 2))
        return nlg_fail(err, NLG_ERR_INPUT, "data %s: expected %s, found %d; see lineage data --help", actions[action],
                        action ? "the name of one data set" : "nothing behind it", call->n_arguments - 1);
    return action == 0   ? list(call, err)
           : action == 1 ? info(call, err)
           : action == 2 ? show(call, err)
                         : fetch_or_verify(call, err);
}

const nlg_command nlg_command_data = {
    .name = "data",
    .summary = "List, describe, show, fetch and verify data sets",
    .arguments = "[list | info NAME | show NAME | fetch NAME | verify NAME]",
    .max_arguments = 2,
    .help = "Fetched files go to $NLG_DATA/NAME or ~/.local/share/netlineage/NAME; fashion-mnist comes with Debian's package\n"
            "dataset-fashion-mnist. Examples:\n"
            "  lineage data\n"
            "  lineage data info fashion-mnist\n"
            "  lineage data info imagefolder:photos --image-size 64\n"
            "  lineage data show scenes --out sheet.png\n"
            "  lineage data fetch cifar10\n"
            "  lineage data verify fashion-mnist",
    .options = options,
    .shared = NLG_TAKES_JSON,
    .options_size = sizeof(data_options),
    .option = option,
    .run = run,
};
