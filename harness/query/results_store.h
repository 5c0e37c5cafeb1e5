/* The store of a results folder. */
#ifndef NLG_RESULTS_STORE_H
#define NLG_RESULTS_STORE_H

#include <stdbool.h>

#include "search/store/store.h"

/* FOLDER/store.sqlite. */
nlg_status nlg_results_path(const char *folder, char *path, size_t size, nlg_error *err);
/* READ refuses a folder without results and says how to make them; WRITE makes the folder. */
nlg_status nlg_results_open(const char *folder, nlg_store_mode mode, nlg_store **store, nlg_error *err);

/* The file that lists which records were made again here, one line for each check; of several lines of a key and time the last one
 * counts. For STORE.sqlite it is STORE.tsv in the same folder, for store.sqlite verifications.tsv. */
nlg_status nlg_verifications_path(const char *store, char *path, size_t size, nlg_error *err);
#define NLG_VERIFICATION_COLUMNS "key created same# ?differs"
/* created: when the record was made, so that another record of the same key is not taken for it. differs: "" where all bits were
 * the same. */
nlg_status nlg_verification_note(const char *path, const char *key, const char *created, const char *differs, nlg_error *err);
/* Whether a check of that key and time is noted; a file that cannot be read has none. */
bool nlg_verification_is_noted(const char *path, const char *key, const char *created);

#endif
