/* A sample of the shipped records, made again on this machine. They are chosen by the seed and by the time that each took where it
 * was made, never by a time taken here, so that all machines pick the same ones. A slow machine makes the first of them only. */
#ifndef NLG_RECHECK_H
#define NLG_RECHECK_H

#include "harness/measures/measure.h"

typedef struct nlg_recheck_item {
    char experiment[128], key[65], created[32];
    double seconds; /* of one thread, where it was made */
    double order;   /* lowest first; costly ones are mostly late */
    int round;      /* 0: the first of its experiment */
    bool known;     /* made again here before */
} nlg_recheck_item;

typedef struct nlg_recheck {
    nlg_recheck_item *items; /* each key once, by rounds; within one the costliest first, so that the last ones end together */
    int count, known;
    double seconds_left;
} nlg_recheck;

typedef struct nlg_recheck_job {
    nlg_lab *lab;        /* started; running stops it */
    const char *shipped; /* the store of shipped records */
    uint64_t seed;
    double most_seconds; /* no round but the first is begun that would end later, by the pace so far */
} nlg_recheck_job;

/* Takes one record of each experiment, then another of each, the cheapest first, up to a few, until they are some minutes of work.
 * Free with nlg_recheck_free, also after a failure. */
nlg_status nlg_recheck_pick(const nlg_recheck_job *job, nlg_recheck *sample, nlg_error *err);
void nlg_recheck_free(nlg_recheck *sample);
/* Makes those that are not known, side by side, and notes each (harness/query/results_store.h). A difference is no error. What
 * there was no time for is told; a later call goes on with it. */
nlg_status nlg_recheck_run(const nlg_recheck_job *job, nlg_recheck *sample, nlg_error *err);

#endif
