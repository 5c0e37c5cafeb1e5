/* Opening a results folder. */
#include "harness/query/results_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"

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

nlg_status nlg_verifications_path(const char *store, char *path, size_t size, nlg_error *err) {
    static const char plain[] = "store.sqlite", ending[] = ".sqlite";
    const size_t length = strlen(store), of_plain = strlen(plain);
    const bool is_plain = length >= of_plain && strcmp(store + length - of_plain, plain) == 0;
    const size_t kept = length - (is_plain ? of_plain : strlen(ending));
    if (snprintf(path, size, "%.*s%s", (int)kept, store, is_plain ? "verifications.tsv" : ".tsv") < (int)size) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "--results: the path is too long");
}

nlg_status nlg_verification_note(const char *path, const char *key, const char *created, const char *differs, nlg_error *err) {
    const bool is_new = !nlg_file_exists(path);
    FILE *f = fopen(path, "a");
    if (!f) return nlg_fail(err, NLG_ERR_IO, "%s: %s", path, strerror(errno));
    if (is_new) fputs("key\tcreated\tsame\tdiffers\n", f);
    fprintf(f, "%s\t%s\t%d\t%s\n", key, created, !*differs, *differs ? differs : "-");
    const bool failed = ferror(f) != 0;
    return fclose(f) != 0 || failed ? nlg_fail(err, NLG_ERR_IO, "%s: %s", path, strerror(errno)) : NLG_OK;
}

bool nlg_verification_is_noted(const char *path, const char *key, const char *created) {
    enum { LARGEST = 1 << 26 };
    char line[256], *text;
    size_t size;
    const int length = snprintf(line, sizeof line, "\n%s\t%s\t", key, created);
    if (length >= (int)sizeof line || nlg_file_read(path, LARGEST, &text, &size, NULL) != NLG_OK) return false;
    const bool found = strstr(text, line) != NULL;
    nlg_free(text);
    return found;
}
