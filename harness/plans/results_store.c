/* Opening a results folder. */
#include "harness/plans/results_store.h"

#include <stdio.h>

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
