/* The store of a results folder. */
#ifndef NLG_RESULTS_STORE_H
#define NLG_RESULTS_STORE_H

#include "search/store/store.h"

/* FOLDER/store.sqlite. */
nlg_status nlg_results_path(const char *folder, char *path, size_t size, nlg_error *err);
/* READ refuses a folder without results and says how to make them; WRITE makes the folder. */
nlg_status nlg_results_open(const char *folder, nlg_store_mode mode, nlg_store **store, nlg_error *err);

#endif
