/* Walking folders of pictures. */
#include "datasets/image_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { DEEPEST = 8, BOTTOM = 64 }; /* below DEEPEST pictures are only named, below BOTTOM not looked for */

bool nlg_is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

const char *nlg_last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- which folders were walked ------------------------------------------------------------------------------------------ */

struct nlg_folder_id {
    dev_t device;
    ino_t inode;
    bool used;
};

static size_t place_of(const nlg_folders_seen *seen, dev_t device, ino_t inode) {
    size_t at = ((size_t)inode * 0x9E3779B97F4A7C15u ^ (size_t)device) & (seen->capacity - 1);
    while (seen->ids[at].used && (seen->ids[at].device != device || seen->ids[at].inode != inode))
        at = (at + 1) & (seen->capacity - 1);
    return at;
}

static nlg_status make_room(nlg_folders_seen *seen, nlg_error *err) {
    if (2 * (seen->count + 1) <= seen->capacity) return NLG_OK;
    nlg_folders_seen larger = {.count = seen->count, .capacity = seen->capacity ? 2 * seen->capacity : 64};
    larger.ids = nlg_alloc(larger.capacity, sizeof *larger.ids);
    if (!larger.ids) return nlg_fail_memory(err, larger.capacity * sizeof *larger.ids, "a list of folders");
    for (size_t i = 0; i < seen->capacity; i++)
        if (seen->ids[i].used) larger.ids[place_of(&larger, seen->ids[i].device, seen->ids[i].inode)] = seen->ids[i];
    nlg_free(seen->ids);
    *seen = larger;
    return NLG_OK;
}

/* *again: it was walked before. */
static nlg_status note_folder(nlg_folders_seen *seen, const struct stat *info, bool *again, nlg_error *err) {
    NLG_TRY(make_room(seen, err));
    struct nlg_folder_id *id = &seen->ids[place_of(seen, info->st_dev, info->st_ino)];
    *again = id->used;
    if (!id->used) *id = (struct nlg_folder_id){info->st_dev, info->st_ino, true}, seen->count++;
    return NLG_OK;
}

/* ---- names -------------------------------------------------------------------------------------------------------------- */

static bool has_ending(const char *name, const char *const *endings) {
    const char *dot = strrchr(name, '.');
    for (; dot && *endings; endings++)
        if (strcasecmp(dot + 1, *endings) == 0) return true;
    return false;
}

static bool is_read(const char *name) {
    static const char *const endings[] = {"jpg", "jpeg", "png", NULL};
    return has_ending(name, endings);
}

static bool is_other_picture(const char *name) {
    static const char *const endings[] = {"jfif", "jpe", "jif",  "webp", "bmp", "dib", "tif",  "tiff", "gif",  "ppm", "pgm", "pbm",
                                          "pnm",  "pfm", "jp2",  "j2k",  "jpx", "jxl", "heic", "heif", "avif", "ico", "svg", "svgz",
                                          "tga",  "psd", "apng", "exr",  "hdr", "dds", "cr2",  "nef",  "dng",  NULL};
    return has_ending(name, endings);
}

bool nlg_is_number(const char *name) {
    return name[0] != '\0' && name[strspn(name, "0123456789")] == '\0';
}

int nlg_compare_class_names(const char *a, const char *b, bool numbers) {
    if (numbers) {
        const char *x = a + strspn(a, "0"), *y = b + strspn(b, "0");
        const size_t m = strlen(x), n = strlen(y);
        if (m != n) return m < n ? -1 : 1;
        const int order = strcmp(x, y);
        if (order != 0) return order;
    }
    return strcmp(a, b);
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const nlg_picture *)a)->path, ((const nlg_picture *)b)->path);
}

static int by_number(const void *a, const void *b) {
    return nlg_compare_class_names(nlg_last_part(((const nlg_picture *)a)->path), nlg_last_part(((const nlg_picture *)b)->path),
                                   true);
}

/* ---- walking ------------------------------------------------------------------------------------------------------------ */

typedef struct walk {
    nlg_dataset *dataset;
    nlg_folders_seen *seen;
    nlg_pictures *list;
    int32_t label;
    bool folders; /* only the subfolders of the first folder */
} walk;

static nlg_status append(const walk *w, const char *path, nlg_error *err) {
    nlg_pictures *list = w->list;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        nlg_picture *grown = nlg_realloc(list->items, capacity, sizeof *grown);
        if (!grown) return nlg_fail_memory(err, capacity * sizeof *grown, "a list of files");
        list->items = grown;
        list->capacity = capacity;
    }
    const char *copy = nlg_arena_printf(w->dataset->arena, "%s", path);
    if (!copy) return nlg_fail_memory(err, strlen(path) + 1, "a path");
    list->items[list->count++] = (nlg_picture){copy, w->label};
    return NLG_OK;
}

static nlg_status leave_out(const walk *w, const char *path, const char *why, nlg_error *err) {
    char line[NLG_PATH_BYTES + 256];
    if (w->dataset->options.strict) return nlg_fail(err, NLG_ERR_INPUT, "%s: %s", path, why);
    snprintf(line, sizeof line, "%s: %s", path, why);
    return nlg_dataset_skip(w->dataset, line, err);
}

static nlg_status walk_folder(const walk *w, const char *folder, int depth, nlg_error *err);

static nlg_status walk_item(const walk *w, const char *path, int depth, nlg_error *err) {
    struct stat info;
    const char *name = nlg_last_part(path);
    if (stat(path, &info) != 0) {
        const int cause = errno;
        if (w->folders || (!is_read(name) && !is_other_picture(name))) return NLG_OK;
        if (cause == ENOENT || cause == ELOOP) return leave_out(w, path, "a link that leads to nothing", err);
        return nlg_fail(err, NLG_ERR_IO, "%s: cannot be read: %s; check its permissions", path, strerror(cause));
    }
    if (S_ISDIR(info.st_mode)) {
        bool again;
        if (!w->folders && depth >= BOTTOM) return leave_out(w, path, "a folder deeper than 64 folders", err);
        NLG_TRY(note_folder(w->seen, &info, &again, err));
        if (again) return leave_out(w, path, "a link to a folder that is listed already", err);
        return w->folders ? append(w, path, err) : walk_folder(w, path, depth + 1, err);
    }
    if (w->folders) return NLG_OK;
    if (is_read(name))
        return depth <= DEEPEST ? append(w, path, err) : leave_out(w, path, "deeper than 8 folders in its class", err);
    return is_other_picture(name) ? leave_out(w, path, "neither JPEG nor PNG by its ending; convert it", err) : NLG_OK;
}

static nlg_status walk_folder(const walk *w, const char *folder, int depth, nlg_error *err) {
    DIR *stream = opendir(folder);
    if (!stream)
        return nlg_fail(err, NLG_ERR_IO, "%s: cannot read the folder: %s; check the path and its permissions", folder,
                        strerror(errno));
    nlg_status status = NLG_OK;
    for (struct dirent *item; status == NLG_OK && (errno = 0, item = readdir(stream));) {
        if (item->d_name[0] == '.') continue;
        char path[NLG_PATH_BYTES];
        if (nlg_path_join(path, folder, item->d_name))
            status = walk_item(w, path, depth, err);
        else
            status = nlg_fail(err, NLG_ERR_INPUT, "%s: a path in it is too long", folder);
    }
    if (status == NLG_OK && errno != 0)
        status = nlg_fail(err, NLG_ERR_IO, "%s: cannot read the folder: %s; check the disk", folder, strerror(errno));
    closedir(stream);
    return status;
}

nlg_status nlg_image_tree_classes(nlg_dataset *dataset, const char *root, nlg_pictures *classes, nlg_folders_seen *seen,
                                  nlg_error *err) {
    const walk w = {.dataset = dataset, .seen = seen, .list = classes, .folders = true};
    struct stat info;
    bool again, numbers = true;
    if (stat(root, &info) == 0) NLG_TRY(note_folder(seen, &info, &again, err));
    NLG_TRY(walk_folder(&w, root, 0, err));
    for (size_t i = 0; i < classes->count; i++) numbers &= nlg_is_number(nlg_last_part(classes->items[i].path));
    if (classes->count > 1) qsort(classes->items, classes->count, sizeof *classes->items, numbers ? by_number : by_path);
    return NLG_OK;
}

nlg_status nlg_image_tree_list(nlg_dataset *dataset, const char *folder, int32_t label, nlg_pictures *pictures,
                               nlg_folders_seen *seen, nlg_error *err) {
    const walk w = {.dataset = dataset, .seen = seen, .list = pictures, .label = label};
    const size_t first = pictures->count;
    NLG_TRY(walk_folder(&w, folder, 0, err));
    if (pictures->count > first) qsort(pictures->items + first, pictures->count - first, sizeof *pictures->items, by_path);
    return NLG_OK;
}

bool nlg_has_class_folders(const char *root) {
    DIR *stream = opendir(root);
    bool found = false;
    for (struct dirent *item; stream && !found && (item = readdir(stream));) {
        char path[NLG_PATH_BYTES];
        found = item->d_name[0] != '.' && nlg_path_join(path, root, item->d_name) && nlg_is_folder(path);
    }
    if (stream) closedir(stream);
    return found;
}
