/* The thread team: POSIX threads that live as long as the team.
 *
 * Each worker starts with an equal share of the tasks and takes them from one end, a quarter of what is left at a time. Who has
 * none left takes half of the fullest share, from its other end. So where all cores are equally fast, each works on the same part
 * of a tensor from layer to layer, and where one is slower (its sibling is busy for somebody else, it is a small core, its thread
 * still sleeps), the others do more. A static split is as slow as the slowest core.
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

enum { SPINS = 2000, LINE = 64 };

static const unsigned open_gate = 1U << 31;

typedef struct team_worker {
    _Atomic uint64_t left; /* its tasks, in units: begin * 2^32 + end */
    nlg_team *team;
    pthread_t thread;
    int index;
    char apart[LINE]; /* two shares are never in one line of the cache */
} team_worker;

struct nlg_team {
    int size, spins;
    team_worker *workers; /* the caller is worker 0 */
    pthread_mutex_t mutex;
    pthread_cond_t start, done;
    atomic_uint generation; /* raised for each run */
    atomic_uint gate;       /* workers that may touch the shares; open_gate: others may enter */
    atomic_bool stop;
    bool from_end;
    int64_t tasks, unit; /* a unit: so many tasks that a share fits into 32 bits */
    nlg_task *run;
    void *context;
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint32_t units_of(uint64_t left) {
    const uint32_t begin = (uint32_t)(left >> 32), end = (uint32_t)left;
    return begin < end ? end - begin : 0;
}

/* Takes `1 / part` of a share, at least a unit. */
static bool take(_Atomic uint64_t *share, uint32_t part, bool from_end, uint64_t *taken) {
    uint64_t left = atomic_load_explicit(share, memory_order_acquire), rest;
    do {
        const uint32_t units = units_of(left);
        if (units == 0) return false;
        const uint64_t count = (units + part - 1) / part, begin = left >> 32, end = (uint32_t)left;
        const uint64_t cut = from_end ? end - count : begin + count;
        const uint64_t front = begin << 32 | cut, back = cut << 32 | end;
        *taken = from_end ? back : front;
        rest = from_end ? front : back;
    } while (!atomic_compare_exchange_weak_explicit(share, &left, rest, memory_order_acq_rel, memory_order_acquire));
    return true;
}

/* Half of the fullest share becomes the worker's own. */
static bool steal(nlg_team *team, int worker) {
    for (;;) {
        int fullest = -1;
        uint32_t most = 0;
        for (int i = 0; i < team->size; i++) {
            const uint32_t units = units_of(atomic_load_explicit(&team->workers[i].left, memory_order_relaxed));
            if (units > most) most = units, fullest = i;
        }
        if (fullest < 0) return false;
        uint64_t taken;
        if (!take(&team->workers[fullest].left, 2, !team->from_end, &taken)) continue;
        atomic_store_explicit(&team->workers[worker].left, taken, memory_order_release);
        return true;
    }
}

static void run_tasks(nlg_team *team, int worker) {
    do {
        for (uint64_t taken; take(&team->workers[worker].left, 4, team->from_end, &taken);) {
            const int64_t begin = (int64_t)(taken >> 32) * team->unit, end = (int64_t)(uint32_t)taken * team->unit;
            team->run(team->context, begin, end < team->tasks ? end : team->tasks, worker);
        }
    } while (steal(team, worker));
}

static void *work(void *argument) {
    team_worker *worker = argument;
    nlg_team *team = worker->team;
    for (unsigned seen = 0;;) {
        for (int i = 0; i < team->spins && atomic_load_explicit(&team->generation, memory_order_acquire) == seen; i++)
            pause_briefly();
        if (atomic_load_explicit(&team->generation, memory_order_acquire) == seen) {
            pthread_mutex_lock(&team->mutex);
            while (atomic_load(&team->generation) == seen) pthread_cond_wait(&team->start, &team->mutex);
            pthread_mutex_unlock(&team->mutex);
        }
        seen = atomic_load_explicit(&team->generation, memory_order_acquire);
        /* Who comes late finds the gate closed, or the next run's tasks. */
        const unsigned gate = atomic_fetch_add_explicit(&team->gate, 1, memory_order_acq_rel);
        if (team->stop) return NULL;
        if (gate & open_gate) run_tasks(team, worker->index);
        if (atomic_fetch_sub_explicit(&team->gate, 1, memory_order_acq_rel) == 1) {
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
        team->workers = nlg_alloc((size_t)wanted, sizeof *team->workers);
        while (team->workers && team->size < wanted) {
            team_worker *worker = &team->workers[team->size];
            worker->team = team;
            worker->index = team->size;
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
    for (int i = 1; i < team->size; i++) pthread_join(team->workers[i].thread, NULL);
    pthread_cond_destroy(&team->done);
    pthread_cond_destroy(&team->start);
    pthread_mutex_destroy(&team->mutex);
    nlg_free(team->workers);
    nlg_free(team);
}

int nlg_team_size(const nlg_team *team) {
    return team->size;
}

static void share_out(nlg_team *team, int64_t tasks, bool from_end, nlg_task *run, void *context) {
    if (tasks <= 1 || team->size == 1) {
        if (tasks > 0) run(context, 0, tasks, 0);
        return;
    }
    team->tasks = tasks;
    team->from_end = from_end;
    team->unit = 1 + tasks / UINT32_MAX;
    team->run = run;
    team->context = context;
    /* The first units % size shares are one longer. */
    const int64_t units = (tasks + team->unit - 1) / team->unit, each = units / team->size, rest = units % team->size;
    for (int64_t i = 0, begin = 0, end; i < team->size; i++, begin = end) {
        end = begin + each + (i < rest);
        atomic_store_explicit(&team->workers[i].left, (uint64_t)begin << 32 | (uint64_t)end, memory_order_relaxed);
    }
    atomic_fetch_or_explicit(&team->gate, open_gate, memory_order_release);
    wake(team);
    run_tasks(team, 0);
    /* All tasks are taken: whoever is inside is at the last ones, and nobody waits for those who still sleep. */
    atomic_fetch_and_explicit(&team->gate, ~open_gate, memory_order_acq_rel);
    for (int i = 0; i < team->spins && atomic_load_explicit(&team->gate, memory_order_acquire) > 0; i++) pause_briefly();
    if (atomic_load_explicit(&team->gate, memory_order_acquire) == 0) return;
    pthread_mutex_lock(&team->mutex);
    while (atomic_load(&team->gate) > 0) pthread_cond_wait(&team->done, &team->mutex);
    pthread_mutex_unlock(&team->mutex);
}

void nlg_team_run(nlg_team *team, int64_t tasks, nlg_task *run, void *context) {
    share_out(team, tasks, false, run, context);
}

void nlg_team_run_from_end(nlg_team *team, int64_t tasks, nlg_task *run, void *context) {
    share_out(team, tasks, true, run, context);
}
