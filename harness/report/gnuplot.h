/* Charts: gnuplot draws a table by one of plots/NAME.gp. */
#ifndef NLG_GNUPLOT_H
#define NLG_GNUPLOT_H

#include "layers/base/status.h"

/* argument may be NULL. The current folder must be the project's. */
nlg_status nlg_gnuplot(const char *name, const char *table, const char *out, const char *argument, nlg_error *err);

#endif
