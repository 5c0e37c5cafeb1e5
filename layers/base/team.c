/* The thread team: the only file that knows OpenMP, whose runtime keeps the threads alive between runs. */
#include "layers/base/team.h"

#ifdef _OPENMP
#include <omp.h>
#endif

#include "layers/base/memory.h"

struct nlg_team {
    int size;
};

#ifdef _OPENMP
static void run_share(int64_t tasks, nlg_task *run, void *context, int worker, int workers) {
    /* The first tasks % workers ranges are one longer. */
    int64_t each = tasks / workers, rest = tasks % workers;
    int64_t begin = worker * each + (worker < rest ? worker : rest);
    int64_t end = begin + each + (worker < rest);
    if (begin < end) run(context, begin, end, worker);
}
#endif

nlg_team *nlg_team_create(int threads) {
    nlg_team *team = nlg_alloc(1, sizeof *team);
    if (!team) return NULL;
#ifdef _OPENMP
    team->size = threads < 1 ? 1 : threads;
    omp_set_dynamic(0);
#else
    (void)threads;
    team->size = 1;
#endif
    return team;
}

void nlg_team_destroy(nlg_team *team) {
    nlg_free(team);
}

int nlg_team_size(const nlg_team *team) {
    return team->size;
}

void nlg_team_run(nlg_team *team, int64_t tasks, nlg_task *run, void *context) {
    int64_t wanted = tasks < team->size ? tasks : team->size;
    if (wanted <= 1) {
        if (tasks > 0) run(context, 0, tasks, 0);
        return;
    }
#ifdef _OPENMP
    /* The whole team starts even where fewer would do: a changing number of threads makes the runtime rebuild its team.
     * It may also give fewer than asked, so the split goes by what is there. */
#pragma omp parallel num_threads(team->size)
    run_share(tasks, run, context, omp_get_thread_num(), omp_get_num_threads());
#endif
}
