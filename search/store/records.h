/* Records of experiments: one for each spec, immutable, with metrics by name; and which of them belong to an experiment's stage. */
#ifndef NLG_RECORDS_H
#define NLG_RECORDS_H

#include "search/store/store.h"

enum { NLG_RECORD_METRICS = 48, NLG_METRIC_NAME = 48 };

typedef struct nlg_metric {
    char name[NLG_METRIC_NAME], unit[16]; /* unit: "", "ms", "fraction", "images" ... */
    double value;
} nlg_metric;

typedef struct nlg_record {
    char key[65]; /* SHA-256 of spec */
    char measure[32];
    char *spec;      /* canonical JSON; owned, like detail */
    char status[16]; /* "done", "diverged", "failed", "rejected" */
    char digest[65]; /* "" where there is none */
    char message[256];
    char *detail; /* JSON object; NULL: none */
    double seconds;
    char created[32]; /* when the store took it, in ISO 8601; "" before */
    nlg_metric metrics[NLG_RECORD_METRICS];
    int n_metrics;
} nlg_record;

void nlg_record_free(nlg_record *record); /* spec and detail */
/* Adds a metric; a value that is not finite is left out. */
void nlg_record_metric(nlg_record *record, const char *name, const char *unit, double value);
/* NaN where the record has no such metric. */
double nlg_record_value(const nlg_record *record, const char *name);
/* The key of a canonical spec. */
nlg_status nlg_record_key(const char *spec, char key[65], nlg_error *err);

/* *found: whether the store has the record; then free it. A record whose JSON cannot be read is a damaged store. */
nlg_status nlg_store_record(nlg_store *store, const char *key, nlg_record *record, bool *found, nlg_error *err);
nlg_status nlg_store_has_record(nlg_store *store, const char *key, bool *found, nlg_error *err);
/* Stores record and metrics; safe on return, or with the transaction that is open. A record that is there stays as it is. */
nlg_status nlg_store_put_record(nlg_store *store, const nlg_record *record, const nlg_session_facts *facts, nlg_error *err);
/* Where and by what a record was made. */
typedef struct nlg_machine {
    const char *cpu, *isa, *commit, *compiler, *flags;
    int cores, threads;
} nlg_machine;
/* The same for a record from elsewhere; created: the time in ISO 8601. */
nlg_status nlg_store_take_record(nlg_store *store, const nlg_record *record, const nlg_machine *machine, const char *created,
                                 nlg_error *err);

/* Records that are members of a profile, of an experiment, or of both; NULL: of any. */
typedef struct nlg_record_choice {
    const char *profile, *experiment;
} nlg_record_choice;

/* ---- records as text: for shipping, and for reading them without SQLite ---- */

/* Writes the chosen records and their members, a line of canonical JSON each, into a file that is gzip-packed if its name ends in
 * ".gz". Equal stores make equal files. */
nlg_status nlg_records_export(nlg_store *store, const nlg_record_choice *choice, const char *path, int *records, nlg_error *err);
/* One record as such a line, made now on this machine, and the line into a store: how processes hand each other records. */
nlg_status nlg_record_line(const nlg_record *record, const nlg_session_facts *facts, char **line, nlg_error *err);
nlg_status nlg_store_take_line(nlg_store *store, const char *line, const char *what, nlg_error *err);
/* Takes what the store lacks from such a file, all or nothing. Members of a stage that has some stay as they are;
 * so does the plan of an experiment that has members or one. */
nlg_status nlg_records_import(nlg_store *store, const char *path, int *records, nlg_error *err);

/* The keys of the chosen records, each once, sorted; all records where nothing is chosen. Free the array with nlg_free. */
nlg_status nlg_store_keys(nlg_store *store, const nlg_record_choice *choice, char (**keys)[65], int *count, nlg_error *err);
/* Seconds that records of a measure took and what they were worth, for estimates: sums of seconds and of the metric `work`, of all
 * records (experiment and stage NULL), and of those that are members of each stage in any profile. Lower quartiles are taken, since
 * other programs only ever slow a training: a record counts as long as that of its network's trainings of its length, with the
 * seconds of each machine, of one build, divided by its slowness. That is found from the networks that several machines have
 * trained, and is 1 for the quickest. Trainings that diverged count as long as they took, and a record that several trials share
 * counts its seconds once. */
typedef void nlg_speed_taker(void *context, const char *experiment, const char *stage, double seconds, double amount);
nlg_status nlg_store_speeds(nlg_store *store, const char *measure, const char *work, nlg_speed_taker *take, void *context,
                            nlg_error *err);

typedef struct nlg_member {
    const char *arm, *factors; /* factors: JSON object */
    const char *key;
    bool final;
} nlg_member;
/* Makes these the members of a stage, in this order, and no others. Writes nothing if they are that already. */
nlg_status nlg_store_set_members(nlg_store *store, const char *profile, const char *experiment, const char *stage,
                                 const nlg_member *members, int count, nlg_error *err);
/* Notes that all stages of the experiment are there; digest: of the plan that they fulfil. */
nlg_status nlg_store_set_plan(nlg_store *store, const char *profile, const char *experiment, const char *digest, nlg_error *err);
/* Forgets what was noted of any other plan: its members may be replaced from now on. */
nlg_status nlg_store_keep_plan(nlg_store *store, const char *profile, const char *experiment, const char *digest, nlg_error *err);
/* Forgets the members of those stages of the experiment that are not named. */
nlg_status nlg_store_keep_stages(nlg_store *store, const char *profile, const char *experiment, const char *const *stages,
                                 int count, nlg_error *err);

#endif
