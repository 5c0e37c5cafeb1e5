/* From exported files to a store. */
#include "harness/plans/shipped.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layers/base/digest.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/share.h"
#include "search/store/records.h"

enum { PATH_BYTES = 4096 };

static int is_shipped(const struct dirent *entry) {
    return fnmatch("*.records.gz", entry->d_name, 0) == 0;
}

/* A store or what was noted beside it. */
static int is_store(const struct dirent *entry) {
    return fnmatch("shipped-*.sqlite*", entry->d_name, 0) == 0 || fnmatch("shipped-*.tsv", entry->d_name, 0) == 0;
}

static void free_names(struct dirent **names, int count) {
    for (int i = 0; i < count; i++) free(names[i]);
    free(names);
}

static nlg_status join(const char *folder, const char *name, char path[PATH_BYTES], nlg_error *err) {
    if (snprintf(path, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%.200s...: the path is too long", folder);
}

static nlg_status digest_files(const char *folder, struct dirent **names, int count, char hex[65], nlg_error *err) {
    nlg_digest *all = nlg_digest_create();
    nlg_status status = all ? NLG_OK : nlg_fail_memory(err, 0, "a digest");
    for (int i = 0; i < count && status == NLG_OK; i++) {
        char path[PATH_BYTES], one[65];
        status = join(folder, names[i]->d_name, path, err);
        if (status == NLG_OK) status = nlg_digest_file(path, one, err);
        if (status == NLG_OK) nlg_digest_update(all, one, 64);
    }
    if (all) nlg_digest_finish(all, hex);
    return status;
}

static nlg_status import(nlg_store *store, const char *folder, struct dirent **names, int count, nlg_error *err) {
    for (int i = 0; i < count; i++) {
        char path[PATH_BYTES];
        int records;
        NLG_TRY(join(folder, names[i]->d_name, path, err));
        NLG_TRY(nlg_records_import(store, path, &records, err));
    }
    return NLG_OK;
}

static nlg_status remove_stores(const char *results, nlg_error *err) {
    struct dirent **names = NULL;
    char path[PATH_BYTES];
    nlg_status status = NLG_OK;
    const int count = scandir(results, &names, is_store, alphasort);
    for (int i = 0; i < count && status == NLG_OK; i++) {
        status = join(results, names[i]->d_name, path, err);
        if (status == NLG_OK) unlink(path);
    }
    if (count > 0) free_names(names, count);
    return status;
}

/* Under another name until it is whole. */
static nlg_status build(const char *folder, struct dirent **names, int count, const char *results, const char *path,
                        nlg_error *err) {
    char part[PATH_BYTES], lock[PATH_BYTES];
    nlg_store *store;
    NLG_TRY(nlg_folder_create(results, err));
    NLG_TRY(remove_stores(results, err));
    NLG_TRY(join(results, "shipped-part.sqlite", part, err));
    NLG_TRY(join(results, "shipped-part.sqlite-lock", lock, err));
    NLG_TRY(nlg_store_open(part, NLG_STORE_WRITE, &store, err));
    nlg_status status = import(store, folder, names, count, err);
    nlg_store_close(store);
    if (status == NLG_OK && rename(part, path) != 0) status = nlg_fail(err, NLG_ERR_IO, "%s: %s", path, strerror(errno));
    unlink(lock);
    if (status != NLG_OK) unlink(part);
    return status;
}

nlg_status nlg_shipped_open(const char *from, const char *results, char *path, size_t size, nlg_error *err) {
    char shared[PATH_BYTES], hex[65];
    struct dirent **names = NULL;
    *path = '\0';
    if (!from && !nlg_share_path("results/reference", shared, sizeof shared)) return NLG_OK;
    const char *folder = from ? from : shared;
    const int count = scandir(folder, &names, is_shipped, alphasort);
    if (count < 0) return nlg_fail(err, NLG_ERR_INPUT, "%s: %s; it holds shipped records", folder, strerror(errno));
    nlg_status status = count ? digest_files(folder, names, count, hex, err) : NLG_OK;
    if (status == NLG_OK && count && snprintf(path, size, "%s/shipped-%.16s.sqlite", results, hex) >= (int)size)
        status = nlg_fail(err, NLG_ERR_INPUT, "--results: the path is too long");
    if (status == NLG_OK && count && !nlg_file_exists(path)) status = build(folder, names, count, results, path, err);
    free_names(names, count);
    return status;
}
