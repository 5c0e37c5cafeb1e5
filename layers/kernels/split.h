/* Splitting independent tasks over the team, but not where waking it costs more than the work. Never changes a result. */
#ifndef NLG_SPLIT_H
#define NLG_SPLIT_H

#include "layers/kernels/exec.h"

/* `floats`: values touched by all tasks together. */
static inline void nlg_split(const nlg_exec *exec, int64_t tasks, int64_t floats, nlg_task *run, void *context) {
    if (floats < 16384)
        run(context, 0, tasks, 0);
    else
        nlg_team_run(exec->team, tasks, run, context);
}

#endif
