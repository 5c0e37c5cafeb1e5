/* gnuplot as a program that is run in a folder of its own. */
#ifndef NLG_GNUPLOT_H
#define NLG_GNUPLOT_H

#include <stddef.h>

#include "layers/base/status.h"

/* A new folder under TMPDIR or /tmp. */
nlg_status nlg_gnuplot_folder(char *folder, size_t size, nlg_error *err);
/* Runs main.gp of the folder; standard error goes to its file "errors". figure: for messages. */
nlg_status nlg_gnuplot_run(const char *folder, const char *figure, nlg_error *err);
/* The folder and its files. */
void nlg_gnuplot_remove(const char *folder, const char *const *files, int n_files);

#endif
