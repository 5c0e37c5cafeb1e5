/* Searches of one file of records evaluate the same architectures again and again: a trial that several histories hold is written
 * once, in a line of trials, and histories are lists of their numbers in the file. */
#ifndef NLG_RECORDS_TRIALS_H
#define NLG_RECORDS_TRIALS_H

#include "layers/base/json.h"
#include "search/store/store_internal.h"

/* Writing: the numbers that trials have got so far. */
typedef struct nlg_trial_numbers {
    nlg_store *store;
    sqlite3_stmt *insert, *find;
    int count;
} nlg_trial_numbers;

/* To be closed also after a failure. */
nlg_status nlg_trial_numbers_open(nlg_store *store, nlg_trial_numbers *numbers, nlg_error *err);
void nlg_trial_numbers_close(nlg_trial_numbers *numbers);
/* Replaces the trials of a record's history by their numbers. *line: the line of those that had none, to be written before the
 * record (the caller deletes it); NULL where there are none. */
nlg_status nlg_trial_numbers_put(nlg_trial_numbers *numbers, cJSON *record, cJSON **line, nlg_error *err);

/* Reading: the trials of a file so far, in the order of their numbers. */
typedef struct nlg_trial_list {
    struct nlg_listed_trial {
        cJSON *trial; /* owned */
        size_t bytes; /* of its text and its values in memory */
    } * trials;
    int count, room;
} nlg_trial_list;

void nlg_trial_list_free(nlg_trial_list *list);
/* Takes the trials out of a line of them. *wrong: what is damaged, NULL if nothing is. */
nlg_status nlg_trial_list_add(nlg_trial_list *list, cJSON *line, const char **wrong, nlg_error *err);
/* Puts the trials back into the history of a search, if that is a list of numbers. */
nlg_status nlg_trial_list_restore(const nlg_trial_list *list, cJSON *record, const char **wrong, nlg_error *err);

#endif
