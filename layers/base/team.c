/* The thread team: POSIX threads that live as long as the team.
 *
 * A worker that waits spins for some microseconds, since the next run usually follows at once, and then sleeps, so that a machine
 * shared with others (or with fewer cores than threads) is not filled with waiting. An OpenMP runtime spins far longer: with a few
 * programs side by side that cost a hundred times the work. */
#include "layers/base/team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "layers/base/cpu.h"
#include "layers/base/memory.h"

enum { SPINS = 2000 };

typedef struct team_worker {
    nlg_team *team;
    pthread_t thread;
    int index;
} team_worker;

struct nlg_team {
    int size, spins;
    team_worker *workers; /* size - 1: the caller is worker 0 */
    pthread_mutex_t mutex;
    pthread_cond_t start, done;
    atomic_uint generation; /* raised for each run */
    atomic_int running;     /* workers that have not finished this run */
    bool stop;
    int64_t tasks;
    nlg_task *run;
    void *context;
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void run_share(const nlg_team *team, int worker) {
    /* The first tasks % size ranges are one longer. */
    int64_t each = team->tasks / team->size, rest = team->tasks % team->size;
    int64_t begin = worker * each + (worker < rest ? worker : rest);
    int64_t end = begin + each + (worker < rest);
    if (begin < end) team->run(team->context, begin, end, worker);
}

static void *work(void *argument) {
    team_worker *worker = argument;
    nlg_team *team = worker->team;
    for (unsigned seen = 0;; seen++) {
        for (int i = 0; i < team->spins && atomic_load_explicit(&team->generation, memory_order_acquire) == seen; i++)
            pause_briefly();
        if (atomic_load_explicit(&team->generation, memory_order_acquire) == seen) {
            pthread_mutex_lock(&team->mutex);
            while (atomic_load(&team->generation) == seen) pthread_cond_wait(&team->start, &team->mutex);
            pthread_mutex_unlock(&team->mutex);
        }
        if (team->stop) return NULL;
        run_share(team, worker->index);
        if (atomic_fetch_sub_explicit(&team->running, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&team->mutex); /* so that the caller is either before its test or asleep */
            pthread_cond_signal(&team->done);
            pthread_mutex_unlock(&team->mutex);
        }
    }
}

/* A new generation: all workers look at the team's fields. */
static void wake(nlg_team *team) {
    pthread_mutex_lock(&team->mutex);
    atomic_fetch_add_explicit(&team->generation, 1, memory_order_release);
    pthread_cond_broadcast(&team->start);
    pthread_mutex_unlock(&team->mutex);
}

nlg_team *nlg_team_create(int threads) {
    nlg_team *team = nlg_alloc(1, sizeof *team);
    if (!team) return NULL;
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    int wanted = 1;
#ifdef NLG_THREADS
    wanted = threads < 1 ? 1 : threads;
#else
    (void)threads;
#endif
    team->size = 1;
    team->spins = wanted <= cpu.cores ? SPINS : 0;
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->start, NULL);
    pthread_cond_init(&team->done, NULL);
    if (wanted > 1) {
        team->workers = nlg_alloc((size_t)wanted - 1, sizeof *team->workers);
        while (team->workers && team->size < wanted) {
            team_worker *worker = &team->workers[team->size - 1];
            *worker = (team_worker){.team = team, .index = team->size};
            if (pthread_create(&worker->thread, NULL, work, worker)) break;
            team->size++;
        }
        if (team->size < wanted) {
            nlg_team_destroy(team);
            return NULL;
        }
    }
    return team;
}

void nlg_team_destroy(nlg_team *team) {
    if (!team) return;
    team->stop = true;
    if (team->size > 1) wake(team);
    for (int i = 0; i < team->size - 1; i++) pthread_join(team->workers[i].thread, NULL);
    pthread_cond_destroy(&team->done);
    pthread_cond_destroy(&team->start);
    pthread_mutex_destroy(&team->mutex);
    nlg_free(team->workers);
    nlg_free(team);
}

int nlg_team_size(const nlg_team *team) {
    return team->size;
}

void nlg_team_run(nlg_team *team, int64_t tasks, nlg_task *run, void *context) {
    if (tasks <= 1 || team->size == 1) {
        if (tasks > 0) run(context, 0, tasks, 0);
        return;
    }
    team->tasks = tasks;
    team->run = run;
    team->context = context;
    atomic_store_explicit(&team->running, team->size - 1, memory_order_relaxed);
    wake(team);
    run_share(team, 0);
    for (int i = 0; i < team->spins && atomic_load_explicit(&team->running, memory_order_acquire) > 0; i++) pause_briefly();
    if (atomic_load_explicit(&team->running, memory_order_acquire) == 0) return;
    pthread_mutex_lock(&team->mutex);
    while (atomic_load(&team->running) > 0) pthread_cond_wait(&team->done, &team->mutex);
    pthread_mutex_unlock(&team->mutex);
}
