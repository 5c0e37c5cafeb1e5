/* Where the files that come with the program lie: tables, charts, experiments. */
#ifndef NLG_SHARE_H
#define NLG_SHARE_H

#include <stdbool.h>
#include <stddef.h>

/* The path of a shared file or folder by its name in the project, such as "plots/style.gp": in the folder that the environment
 * variable NLG_SHARE names, and only there; without it in the project's folder if the program runs in it or was built in it, else
 * in share/netlineage beside the program's bin, or of the prefix of `make install`. False: there is no such file (path: where it
 * was expected), or the path does not fit. */
bool nlg_share_path(const char *name, char *path, size_t size);

#endif
