/* Where the files that come with the program lie: tables, charts, experiments. */
#ifndef NLG_SHARE_H
#define NLG_SHARE_H

#include <stdbool.h>
#include <stddef.h>

/* Finds a shared file or folder by its name in the project, such as "plots/style.gp". If the environment variable NLG_SHARE names a
 * folder, that folder alone is searched. Otherwise it is the project's folder if the program runs in it or was built in it, else
 * ../share/netlineage as seen from the program, else PREFIX/share/netlineage of `make install`. Returns false if there is no such
 * file (path then says where it was expected) or if the path does not fit. */
bool nlg_share_path(const char *name, char *path, size_t size);

#endif
