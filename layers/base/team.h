/* A persistent team of threads that shares out independent tasks: a thread that is done early takes tasks of the others.
 *
 * Results must not depend on who does what: a task writes only its own outputs, and reductions are cut into parts by the problem's
 * shape, never by the number of threads. */
#ifndef NLG_TEAM_H
#define NLG_TEAM_H

#include <stdint.h>

typedef struct nlg_team nlg_team;

/* threads >= 1; NULL when memory is short or a limit forbids that many threads. Without threads (make OMP=0) the team has one
 * thread. */
nlg_team *nlg_team_create(int threads);
void nlg_team_destroy(nlg_team *team);
int nlg_team_size(const nlg_team *team);

/* Calls run(context, begin, end, worker) so that [0, tasks) is covered once, in contiguous ranges; a worker (0 .. size-1) has one
 * at a time, and in all any number of them. Returns when all are done. Small problems (tasks <= 1) run on the caller. Not
 * reentrant. */
typedef void nlg_task(void *context, int64_t begin, int64_t end, int worker);
void nlg_team_run(nlg_team *team, int64_t tasks, nlg_task *run, void *context);

/* The same, but each worker begins with the last tasks of its share, for which the call before has left data in its cache. */
void nlg_team_run_from_end(nlg_team *team, int64_t tasks, nlg_task *run, void *context);

#endif
