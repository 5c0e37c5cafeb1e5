/* Shared files: of the project, or as `make install` lays them. */
#include "layers/base/share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layers/base/file.h"

#ifndef NLG_PREFIX
#define NLG_PREFIX "/usr/local"
#endif

enum { PATH_BYTES = 4096 };

/* Only a folder with this file is the project: others may have a folder plots/ too. */
static bool is_project(const char *folder) {
    char marker[PATH_BYTES];
    return (size_t)snprintf(marker, sizeof marker, "%s/harness/commands.def", folder) < sizeof marker && nlg_file_exists(marker);
}

/* The folder that holds the program's: PREFIX of PREFIX/bin/lineage, the project of build/lineage. */
static bool folder_of_program(char folder[PATH_BYTES]) {
    ssize_t length = readlink("/proc/self/exe", folder, PATH_BYTES - 1);
    folder[length > 0 ? length : 0] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(folder, '/');
        if (!slash) return false;
        *slash = '\0';
    }
    return true;
}

static bool is_there(const char *folder, const char *below, const char *name, char *path, size_t size) {
    int length = *folder ? snprintf(path, size, "%s/%s%s", folder, below, name) : snprintf(path, size, "%s", name);
    return length >= 0 && (size_t)length < size && nlg_file_exists(path);
}

bool nlg_share_path(const char *name, char *path, size_t size) {
    const char *chosen = getenv("NLG_SHARE");
    if (chosen && *chosen) return is_there(chosen, "", name, path, size);
    char folder[PATH_BYTES];
    if (is_project(".") && is_there("", "", name, path, size)) return true;
    const bool known = folder_of_program(folder);
    if (known && is_project(folder) && is_there(folder, "", name, path, size)) return true;
    if (known && is_there(folder, "share/netlineage/", name, path, size)) return true;
    return is_there(NLG_PREFIX "/share/netlineage", "", name, path, size);
}
