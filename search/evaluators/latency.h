/* Latency of networks from a table of operations, as in ProxylessNAS (Cai, Zhu, Han, ICLR 2019, Section 3.3 and Appendix B) and
 * FBNet: every operation of a space is measured once on one CPU, and a network takes the sum of its operations. What a search is
 * told is then the same in every run and on every machine that has the table.
 *
 * An operation is a call that the planner makes: attributes, what is fused with it and shapes (nlg_plan_step_text). The file is a
 * table of two columns, `what` and `value`: the conditions, the time that a network takes beyond its operations, and the
 * milliseconds of each operation. */
#ifndef NLG_LATENCY_H
#define NLG_LATENCY_H

#include "layers/kernels/exec.h"
#include "layers/ops/op.h"
#include "search/evaluator.h"

enum { NLG_OPERATION_MAX = 512 }; /* bytes of an operation's text */

/* What was measured where. */
typedef struct nlg_latency_conditions {
    char space[NLG_SPACE_NAME_MAX];
    nlg_shape input;
    int classes, batch, threads, numerics_version;
    char isa[16], cpu[128];
} nlg_latency_conditions;

typedef struct nlg_latency_table nlg_latency_table;
/* A name without a folder may be that of a file shipped in results/latency. */
nlg_status nlg_latency_open(const char *name_or_path, nlg_latency_table **table, nlg_error *err);
void nlg_latency_close(nlg_latency_table *table);
const nlg_latency_conditions *nlg_latency_measured(const nlg_latency_table *table);
const char *nlg_latency_path(const nlg_latency_table *table);
const char *nlg_latency_digest(const nlg_latency_table *table); /* SHA-256 of the unpacked file */
int nlg_latency_operations(const nlg_latency_table *table);

/* Refuses a space that the table was not measured for. */
nlg_status nlg_latency_check_space(const nlg_latency_table *table, const nlg_space *space, nlg_error *err);
/* Milliseconds of a network of the table's space: NAN if the table lacks one of its operations, whose text is then in `missing`
 * (NLG_OPERATION_MAX bytes). What cannot be built is an error. */
nlg_status nlg_latency_predict(const nlg_latency_table *table, const nlg_space *space, const nlg_code *code, double *ms,
                               char *missing, nlg_error *err);

/* ---- measuring --------------------------------------------------------------------------------------------------------- */

typedef struct nlg_latency_options {
    const nlg_space *space;
    nlg_shape input;
    int classes, batch;
    const nlg_exec *exec; /* the threads, the instruction set */
    int repetitions;      /* that are timed at least, more of small networks; their median counts */
    int rounds;           /* over all networks; more of them see past a busy moment */
    const char *cpu;
    /* Returning false stops with NLG_ERR_INTERRUPTED; total 0: not known yet. May be NULL. */
    bool (*progress)(void *context, int done, int total);
    void *progress_context;
} nlg_latency_options;

typedef struct nlg_latency_summary {
    int listed, networks, operations; /* architectures looked at, networks run, operations measured */
    int noisy;                        /* operations whose 90th percentile was more than 1.2 times the 10th */
    bool complete; /* every architecture of the space was looked at; else random ones, until many had nothing new */
    double overhead_ms;
} nlg_latency_summary;

/* Finds the operations of the space (all its architectures where they are few, else random ones until many in a row have nothing
 * new) and measures each in those networks that have something new. The caller sees to it that nothing else runs on the machine. */
nlg_status nlg_latency_build(const nlg_latency_options *options, const char *path, nlg_latency_summary *summary, nlg_error *err);

/* Median time of a whole network, after warming up. */
nlg_status nlg_latency_measure(const nlg_latency_options *options, const nlg_code *code, double *ms, nlg_error *err);

/* ---- for searches ------------------------------------------------------------------------------------------------------ */

/* An evaluator that adds the latency to what another one finds: predicted from the table, for the space of `here`; or, without a
 * table, that of the network measured as `here` says, which differs from search to search. An architecture with an operation that
 * the table lacks fails, without being evaluated. The table, the inner evaluator and its config are borrowed. */
typedef struct nlg_latency_evaluator nlg_latency_evaluator;
nlg_status nlg_latency_evaluator_create(const nlg_latency_table *table, const nlg_latency_options *here, const nlg_evaluator *inner,
                                        const char *inner_config, nlg_latency_evaluator **evaluator, nlg_error *err);
void nlg_latency_evaluator_destroy(nlg_latency_evaluator *evaluator);
const nlg_evaluator *nlg_latency_evaluator_interface(const nlg_latency_evaluator *evaluator);
/* The inner one's, and the table's digest. */
const char *nlg_latency_evaluator_config(const nlg_latency_evaluator *evaluator);

#endif
