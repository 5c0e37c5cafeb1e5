/* Opening a results folder. */
#include "harness/plans/results_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/file.h"

nlg_status nlg_results_path(const char *folder, char *path, size_t size, nlg_error *err) {
    if (!*folder) return nlg_fail(err, NLG_ERR_INPUT, "--results: the name of the folder is empty");
    if (snprintf(path, size, "%s/store.sqlite", folder) < (int)size) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "--results: the path is too long");
}

nlg_status nlg_results_open(const char *folder, nlg_store_mode mode, nlg_store **store, nlg_error *err) {
    char path[4096];
    *store = NULL;
    NLG_TRY(nlg_results_path(folder, path, sizeof path, err));
    if (mode == NLG_STORE_WRITE) NLG_TRY(nlg_folder_create(folder, err));
    if (mode == NLG_STORE_READ && !nlg_file_exists(path))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: no results there; make them first by lineage run, or lineage records import",
                        path);
    return nlg_store_open(path, mode, store, err);
}

nlg_status nlg_results_note_verified(const char *folder, const char *key, bool same, nlg_error *err) {
    char path[1024];
    if (snprintf(path, sizeof path, "%s/verified.tsv", folder) >= (int)sizeof path)
        return nlg_fail(err, NLG_ERR_INPUT, "--results: the path is too long");
    bool is_new = !nlg_file_exists(path);
    FILE *f = fopen(path, "a");
    if (!f) return nlg_fail(err, NLG_ERR_IO, "%s: %s", path, strerror(errno));
    if (is_new) fputs("key\tsame\n", f);
    fprintf(f, "%s\t%d\n", key, same);
    bool failed = ferror(f) != 0;
    return fclose(f) != 0 || failed ? nlg_fail(err, NLG_ERR_IO, "%s: %s", path, strerror(errno)) : NLG_OK;
}
