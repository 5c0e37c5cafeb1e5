/* OpenBLAS, loaded only when it is asked for: merely starting it costs milliseconds and, per thread, tens of megabytes. */
#ifndef NLG_OPENBLAS_H
#define NLG_OPENBLAS_H

#include <cblas.h>

#include "layers/base/status.h"

typedef struct nlg_openblas {
    __typeof__(cblas_sgemm) *sgemm;
    __typeof__(openblas_set_num_threads) *set_num_threads;
    __typeof__(openblas_get_config) *get_config;
} nlg_openblas;

/* Before the first use of the backend; calling it again does nothing. NLG_ERR_INPUT: the library is not there;
 * NLG_ERR_MEMORY: it would not find the memory it takes without asking. Not for several threads at once. */
nlg_status nlg_openblas_load(nlg_error *err);
/* NULL before a successful load. */
const nlg_openblas *nlg_openblas_loaded(void);

#endif
