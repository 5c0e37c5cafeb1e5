/* Downloading one file, private to the folder and its tests. */
#ifndef NLG_DATASETS_FETCH_H
#define NLG_DATASETS_FETCH_H

#include "datasets/format.h"

/* Brings one file into `folder`, which is created, by way of NAME.part; nothing to do where it is complete already. */
nlg_status nlg_fetch_file(const nlg_dataset_file *file, const char *folder, nlg_fetch_progress *progress, void *context,
                          nlg_error *err);

#endif
