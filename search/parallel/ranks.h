/* The processes of one `mpirun`: rank 0 runs the search and keeps the store, every other rank evaluates what it is sent. Without
 * MPI in the build (make WITH_MPI=1) there is one process, and a start under mpirun is refused. */
#ifndef NLG_RANKS_H
#define NLG_RANKS_H

#include "search/trial.h"

/* The result of one evaluation, from whoever made it. */
typedef struct nlg_evaluation_report {
    nlg_status status;
    nlg_error err;
    nlg_trial trial;
} nlg_evaluation_report;

/* Joins the other processes; *count is 1, *rank 0, when there are none. */
nlg_status nlg_ranks_open(int *rank, int *count, nlg_error *err);
/* Rank 0 tells the others to end; all wait for each other. A process that leaves before it has agreed ends them all, since the
 * others would wait for it. May be called without nlg_ranks_open. */
void nlg_ranks_close(void);

/* Both sides, before any work: `config` and this program's numerics version must be the same everywhere. */
nlg_status nlg_ranks_agree(const char *config, nlg_error *err);

/* Ranks above 0: evaluates the trials that rank 0 sends, one at a time, until it is told to end (nlg_workers_serve). */
nlg_status nlg_ranks_serve(nlg_status (*evaluate)(void *context, nlg_trial *trial, nlg_error *err), void *context, nlg_error *err);

/* The same with texts, for work other than trials of a search: a task in, its answer out (from nlg_alloc). A status other than
 * NLG_OK is answered in its place, so `work` never ends a rank. nlg_ranks_stop: rank 0 has said that it is over. */
nlg_status nlg_ranks_serve_texts(nlg_status (*work)(void *context, const char *task, char **answer, nlg_error *err), void *context,
                                 nlg_error *err);
bool nlg_ranks_stop(void);
void nlg_ranks_send_text(int rank, const char *task);
/* false: nothing has come. *status NLG_OK: *text is the answer, else the error; free it. */
bool nlg_ranks_receive_text(int *rank, nlg_status *status, char **text);

/* Rank 0. */
void nlg_ranks_send(int rank, const nlg_trial *trial);
bool nlg_ranks_receive(int *rank, nlg_evaluation_report *report); /* false: nothing has come */

#endif
