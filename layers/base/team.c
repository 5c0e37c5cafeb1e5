/* The thread team: the only file that knows OpenMP, whose runtime keeps the threads alive between runs. */
#include "layers/base/team.h"

#ifdef _OPENMP
#include <omp.h>
#include <pthread.h>
#include <stdbool.h>
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

static void *wait_for_gate(void *gate) {
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* OpenMP ends the program where a thread cannot start (memory or process limit): find out beforehand. */
static bool threads_can_start(int count) {
    pthread_t *threads = nlg_alloc((size_t)count, sizeof *threads);
    if (!threads) return false;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&gate);
    int started = 0;
    while (started < count && pthread_create(&threads[started], NULL, wait_for_gate, &gate) == 0) started++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    nlg_free(threads);
    return started == count;
}

static void do_nothing(void *context, int64_t begin, int64_t end, int worker) {
    (void)context, (void)begin, (void)end, (void)worker;
}
#endif

nlg_team *nlg_team_create(int threads) {
    nlg_team *team = nlg_alloc(1, sizeof *team);
    if (!team) return NULL;
#ifdef _OPENMP
    team->size = threads < 1 ? 1 : threads;
    omp_set_dynamic(0);
    if (team->size > 1 && !threads_can_start(team->size - 1)) {
        nlg_free(team);
        return NULL;
    }
    nlg_team_run(team, team->size, do_nothing, NULL); /* start them now, before large blocks take the room of their stacks */
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
