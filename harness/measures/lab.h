/* What measures work with: execution, the store, data sets that stay open between trials, and the one gate to test splits. */
#ifndef NLG_LAB_H
#define NLG_LAB_H

#include <cjson/cJSON.h>

#include "harness/command.h"
#include "harness/network.h"
#include "search/runner.h"
#include "search/store/store.h"
#include "train/train.h"

typedef struct nlg_lab_data nlg_lab_data;

typedef struct nlg_lab {
    const nlg_settings *settings;
    nlg_exec exec;
    nlg_session_facts session;
    nlg_store *store;       /* where trials of searches are kept while they run; NULL: nowhere */
    const char *store_path; /* of it, for forked workers */
    bool may_open_test;     /* set by whoever has checked that everything is chosen: a final stage, a verification */
    /* Called now and then with the fraction of the trial that is done; returning false stops it. May be NULL. */
    bool (*watch)(void *context, double fraction, const char *what);
    void *watch_context;
    const char *source; /* data set's name with its folder, for records that were made elsewhere; NULL: as the spec names it */
    void *kept;         /* of the measure search: open for the next trial */
    void (*close_kept)(void *kept);
    nlg_lab_data *data;
    int n_data, room_data;
    struct nlg_subject_facts *facts;
    int n_facts, room_facts;
} nlg_lab;

/* settings: borrowed. The team is made by nlg_lab_start, so that a process that only waits has none. */
void nlg_lab_open(nlg_lab *lab, const nlg_settings *settings);
nlg_status nlg_lab_start(nlg_lab *lab, int threads, nlg_error *err);
void nlg_lab_stop(nlg_lab *lab); /* the team only */
void nlg_lab_close(nlg_lab *lab);
bool nlg_lab_watch(const nlg_lab *lab, double fraction, const char *what); /* true: go on */

/* The data set of values (keys NLG_KEYS_OF_DATA), open until the lab closes or needs the memory for others. */
nlg_status nlg_lab_open_data(nlg_lab *lab, const cJSON *values, nlg_dataset **dataset, nlg_error *err);
/* That of a spec's member "data", which must fit in every detail. source: name with folder, or NULL. */
nlg_status nlg_lab_find_data(nlg_lab *lab, const cJSON *data, nlg_dataset **dataset, const char **source, nlg_error *err);
/* Refused unless lab->may_open_test. */
nlg_status nlg_lab_open_test(nlg_lab *lab, nlg_dataset *dataset, nlg_error *err);

/* The network of values (keys NLG_KEYS_OF_SUBJECT), or of a spec's members of the same names. input {0}, classes 0: its own. Close
 * it also after a failed open. */
nlg_status nlg_subject_open(const cJSON *values, nlg_shape input, int classes, const char *where, nlg_network *network,
                            nlg_error *err);
/* Adds "network" or "space", "genotype", "graph" and "input" to a spec. The costs of networks that were seen before are remembered.
 */
nlg_status nlg_subject_specify(nlg_lab *lab, const cJSON *values, nlg_shape input, int classes, const char *where, cJSON *spec,
                               nlg_graph_cost *cost, nlg_error *err);

#endif
