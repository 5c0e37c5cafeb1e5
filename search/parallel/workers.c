/* One forked process a trial: it writes one report into a pipe and ends. A pipe that closes without a whole report means that the
 * worker died. Workers die with their parent. */
#include "search/parallel/workers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "layers/base/memory.h"
#include "search/parallel/ranks.h"

enum { WAIT_MS = 200, RANKS_WAIT_MS = 2 }; /* between looks at job->stop and at what ranks have sent */
enum { STOPPED_SECONDS = 5 };              /* after which a worker that a signal has stopped is continued */

typedef nlg_evaluation_report report;

/* The first job->workers of them fork; worker job->workers + r - 1 is rank r. */
typedef struct worker {
    bool busy;
    pid_t process; /* 0: none, or a rank */
    nlg_trial *trial;
    double start;
    double stopped; /* when it was first seen stopped by a signal; 0: it runs */
    size_t received;
    report report;
} worker;

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- in the worker ------------------------------------------------------------------------------------------------------- */

static void work(const nlg_worker_job *job, const nlg_trial *trial, pid_t parent, int pipe) {
    const nlg_evaluator *evaluator = job->evaluator;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    nlg_store_leave(job->store);
    report r = {.trial = *trial};
    if (evaluator->begin_worker) r.status = evaluator->begin_worker(evaluator->context, &r.err);
    if (r.status == NLG_OK) r.status = evaluator->evaluate(evaluator->context, job->space, &r.trial, &r.err);
    const char *bytes = (const char *)&r;
    for (size_t sent = 0; sent < sizeof r;) {
        ssize_t n = write(pipe, bytes + sent, sizeof r - sent);
        if (n < 0 && errno != EINTR) _exit(1);
        if (n > 0) sent += (size_t)n;
    }
    _exit(0);
}

/* ---- in the parent ------------------------------------------------------------------------------------------------------- */

/* *begun is false when the system has no process left to give. */
static nlg_status fork_worker(const nlg_worker_job *job, worker *w, struct pollfd *end, nlg_trial *trial, bool *begun,
                              nlg_error *err) {
    int pipes[2];
    if (pipe(pipes) != 0) return nlg_fail(err, NLG_ERR_IO, "a pipe to a worker: %s", strerror(errno));
    pid_t parent = getpid(), process = fork();
    if (process == 0) {
        close(pipes[0]);
        work(job, trial, parent, pipes[1]);
    }
    close(pipes[1]);
    *begun = process > 0;
    if (!*begun) {
        close(pipes[0]);
        return NLG_OK;
    }
    *w = (worker){.busy = true, .process = process, .trial = trial, .start = seconds_now()};
    *end = (struct pollfd){.fd = pipes[0], .events = POLLIN};
    return NLG_OK;
}

static void bury(worker *w, struct pollfd *end, int *how) {
    close(end->fd);
    end->fd = -1;
    while (waitpid(w->process, how, 0) < 0 && errno == EINTR) {
    }
    w->process = 0;
}

/* Whether a program that ends so has done it itself; else somebody has ended it: the system for lack of memory, a person. */
static bool is_own_fault(int how) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; WIFSIGNALED(how) && i < sizeof faults / sizeof faults[0]; i++) {
        if (WTERMSIG(how) == faults[i]) return true;
    }
    return false;
}

/* A failure of the machine is no result: it is kept in *mishap, which ends the run when the other workers are done.
 * how: as waitpid told it; NULL if the report is there. */
static nlg_status conclude(const nlg_worker_job *job, worker *w, const int *how, nlg_error *mishap, nlg_error *err) {
    const int number = w->trial->number + 1;
    w->busy = false;
    if (!how) {
        const report *r = &w->report;
        if (r->status != NLG_OK) {
            (void)nlg_fail(mishap, r->status, "trial %d: %s", number, r->err.text);
            return NLG_OK;
        }
        double overhead = w->trial->overhead_seconds;
        *w->trial = r->trial;
        w->trial->overhead_seconds = overhead;
    } else if (is_own_fault(*how)) {
        w->trial->status = NLG_TRIAL_FAILED;
        snprintf(w->trial->message, sizeof w->trial->message, "its worker was ended by signal %d (%s)", WTERMSIG(*how),
                 strsignal(WTERMSIG(*how)));
    } else if (WIFSIGNALED(*how)) {
        (void)nlg_fail(
            mishap, NLG_ERR_CHECK,
            "trial %d: its worker was ended by signal %d (%s), perhaps for lack of memory; nothing is stored of it: give the "
            "same command again, with fewer workers or more memory",
            number, WTERMSIG(*how), strsignal(WTERMSIG(*how)));
        return NLG_OK;
    } else {
        (void)nlg_fail(
            mishap, NLG_ERR_CHECK,
            "trial %d: its worker ended with code %d and no result; nothing is stored of it: give the same command again", number,
            WEXITSTATUS(*how));
        return NLG_OK;
    }
    w->trial->evaluation_seconds = seconds_now() - w->start;
    return job->done(job->context, w->trial, err);
}

/* A stopped worker would be waited for without end: whoever stops workers stops the search. */
static void continue_stopped(worker *w) {
    siginfo_t what = {0};
    if (!w->process || waitid(P_PID, (id_t)w->process, &what, WSTOPPED | WNOHANG | WNOWAIT) != 0) return;
    if (what.si_pid != w->process) {
        w->stopped = 0;
    } else if (w->stopped <= 0) {
        w->stopped = seconds_now();
    } else if (seconds_now() - w->stopped > STOPPED_SECONDS) {
        kill(w->process, SIGCONT);
        w->stopped = 0;
    }
}

/* Reads what is there; *ended when the worker has closed its pipe. */
static void receive(worker *w, int pipe, bool *ended) {
    ssize_t n = read(pipe, (char *)&w->report + w->received, sizeof w->report - w->received);
    if (n > 0) w->received += (size_t)n;
    *ended = (n <= 0 && !(n < 0 && errno == EINTR)) || w->received == sizeof w->report;
}

static nlg_status collect_from_ranks(const nlg_worker_job *job, worker *workers, int *running, nlg_error *mishap, nlg_error *err) {
    report r;
    int rank;
    while (job->ranks && nlg_ranks_receive(&rank, &r)) {
        worker *w = &workers[job->workers + rank - 1];
        w->report = r;
        --*running;
        NLG_TRY(conclude(job, w, NULL, mishap, err));
    }
    return NLG_OK;
}

static nlg_status collect(const nlg_worker_job *job, worker *workers, struct pollfd *ends, int *running, nlg_error *mishap,
                          nlg_error *err) {
    int ready = poll(ends, (nfds_t)job->workers, job->ranks ? RANKS_WAIT_MS : WAIT_MS);
    if (ready < 0 && errno != EINTR) return nlg_fail(err, NLG_ERR_IO, "waiting for workers: %s", strerror(errno));
    if (job->stop && job->stop()) {
        return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped; finished trials are stored: give the same command again to continue");
    }
    for (int i = 0; ready == 0 && i < job->workers; i++) continue_stopped(&workers[i]);
    for (int i = 0; ready > 0 && i < job->workers; i++) {
        bool ended = false;
        int how = 0;
        if (ends[i].fd < 0 || !ends[i].revents) continue;
        ends[i].revents = 0;
        receive(&workers[i], ends[i].fd, &ended);
        if (!ended) continue;
        --*running;
        bury(&workers[i], &ends[i], &how);
        NLG_TRY(conclude(job, &workers[i], workers[i].received == sizeof(report) ? NULL : &how, mishap, err));
    }
    return collect_from_ranks(job, workers, running, mishap, err);
}

static nlg_status begin(const nlg_worker_job *job, worker *workers, struct pollfd *ends, int i, nlg_trial *trial, bool *begun,
                        nlg_error *err) {
    if (i < job->workers) return fork_worker(job, &workers[i], &ends[i], trial, begun, err);
    workers[i] = (worker){.busy = true, .trial = trial, .start = seconds_now()};
    nlg_ranks_send(i - job->workers + 1, trial);
    *begun = true;
    return NLG_OK;
}

static nlg_status run(const nlg_worker_job *job, worker *workers, struct pollfd *ends, nlg_trial *trials, const int *chosen,
                      int count, nlg_error *err) {
    nlg_error mishap = {0};
    for (int next = 0, running = 0; next < count || running > 0;) {
        if (mishap.status != NLG_OK) next = count; /* nothing new; what runs may end */
        for (int i = 0; i < job->workers + job->ranks && next < count; i++) {
            bool begun = false;
            if (workers[i].busy) continue;
            NLG_TRY(begin(job, workers, ends, i, &trials[chosen[next]], &begun, err));
            if (!begun && running == 0) return nlg_fail(err, NLG_ERR_IO, "no worker can be started: %s", strerror(errno));
            if (!begun) break;
            next++;
            running++;
        }
        if (running > 0) NLG_TRY(collect(job, workers, ends, &running, &mishap, err));
    }
    return mishap.status == NLG_OK ? NLG_OK : nlg_fail(err, mishap.status, "%s", mishap.text);
}

nlg_status nlg_workers_run(const nlg_worker_job *job, nlg_trial *trials, const int *chosen, int count, nlg_error *err) {
    const size_t all = (size_t)job->workers + (size_t)job->ranks;
    worker *workers = nlg_alloc(all, sizeof *workers);
    struct pollfd *ends = nlg_alloc((size_t)job->workers, sizeof *ends);
    nlg_status status = workers && ends ? NLG_OK : nlg_fail_memory(err, all * sizeof *workers, "the workers");
    for (int i = 0; ends && i < job->workers; i++) ends[i].fd = -1;
    if (status == NLG_OK) status = run(job, workers, ends, trials, chosen, count, err);
    for (int i = 0, how; workers && i < job->workers; i++) {
        if (!workers[i].process) continue;
        kill(workers[i].process, SIGKILL);
        bury(&workers[i], &ends[i], &how);
    }
    nlg_free(workers);
    nlg_free(ends);
    return status;
}

static nlg_status keep_trial(void *context, nlg_trial *trial, nlg_error *err) {
    (void)context, (void)trial, (void)err; /* it is where it was sent to */
    return NLG_OK;
}

static nlg_status evaluate_sent(void *context, nlg_trial *trial, nlg_error *err) {
    static const int only = 0;
    return nlg_workers_run(context, trial, &only, 1, err);
}

nlg_status nlg_workers_serve(const nlg_evaluator *evaluator, const nlg_space *space, nlg_error *err) {
    nlg_worker_job job = {.evaluator = evaluator, .space = space, .workers = 1, .done = keep_trial, .stop = nlg_ranks_stop};
    return nlg_ranks_serve(evaluate_sent, &job, err);
}
