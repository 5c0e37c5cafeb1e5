/* Records that come with the project (results/reference/NAME.records.gz, of the profile full), as a store of their own, so
 * that they are never mixed with what is run here. */
#ifndef NLG_SHIPPED_H
#define NLG_SHIPPED_H

#include <stdbool.h>
#include <stddef.h>

#include "layers/base/status.h"

#define NLG_SHIPPED_PROFILE "full"

/* RESULTS/shipped-DIGEST.sqlite, DIGEST being that of the files: it is made where it is absent; those of earlier files are removed,
 * with the checks that were noted for them. from: the folder of the files, NULL: the project's. *path is "" where there are none. A
 * damaged file is NLG_ERR_INPUT and named. */
nlg_status nlg_shipped_open(const char *from, const char *results, char *path, size_t size, nlg_error *err);

#endif
