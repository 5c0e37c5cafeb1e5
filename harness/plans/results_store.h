/* The store of a results folder. */
#ifndef NLG_RESULTS_STORE_H
#define NLG_RESULTS_STORE_H

#include <stdbool.h>

#include "search/store/store.h"

/* FOLDER/store.sqlite. */
nlg_status nlg_results_path(const char *folder, char *path, size_t size, nlg_error *err);
/* READ refuses a folder without results and says how to make them; WRITE makes the folder. */
nlg_status nlg_results_open(const char *folder, nlg_store_mode mode, nlg_store **store, nlg_error *err);

/* FOLDER/verified.tsv: what `lineage verify` made again, one line a check: key, same (1 or 0). The last line of a key counts. */
nlg_status nlg_results_note_verified(const char *folder, const char *key, bool same, nlg_error *err);

#endif
