/* MPI is asked now and then, never waited for: a waiting rank would keep a core busy that another one evaluates on. */
#include "search/parallel/ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "layers/base/digest.h"
#include "layers/base/memory.h"
#include "layers/kernels/exec.h"

/* As its starter says, without joining. */
static int processes_of_this_start(void) {
    const char *names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *text = getenv(names[i]);
        if (text && atoi(text) > 1) return atoi(text);
    }
    return 1;
}

#ifndef NLG_MPI

nlg_status nlg_ranks_open(int *rank, int *count, nlg_error *err) {
    *rank = 0;
    *count = 1;
    const int started = processes_of_this_start();
    if (started == 1) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT,
                    "one of %d processes of mpirun, but built without MPI: each would run the whole search; build with `make "
                    "WITH_MPI=1` (Debian: libopenmpi-dev), or take --workers on one machine",
                    started);
}

void nlg_ranks_close(void) {}

nlg_status nlg_ranks_agree(const char *config, nlg_error *err) {
    (void)config, (void)err;
    return NLG_OK;
}

nlg_status nlg_ranks_serve(nlg_status (*evaluate)(void *context, nlg_trial *trial, nlg_error *err), void *context, nlg_error *err) {
    (void)evaluate, (void)context;
    return nlg_fail(err, NLG_ERR_CHECK, "there are no other processes to serve");
}

void nlg_ranks_send(int rank, const nlg_trial *trial) {
    (void)rank, (void)trial;
}

bool nlg_ranks_receive(int *rank, nlg_evaluation_report *report) {
    (void)rank, (void)report;
    return false;
}

nlg_status nlg_ranks_serve_texts(nlg_status (*work)(void *context, const char *task, char **answer, nlg_error *err), void *context,
                                 nlg_error *err) {
    (void)work, (void)context;
    return nlg_fail(err, NLG_ERR_CHECK, "there are no other processes to serve");
}

bool nlg_ranks_stop(void) {
    return false;
}

void nlg_ranks_send_text(int rank, const char *task) {
    (void)rank, (void)task;
}

bool nlg_ranks_receive_text(int *rank, nlg_status *status, char **text) {
    (void)rank, (void)status, (void)text;
    return false;
}

#else

#include <mpi.h>

enum { TRIAL = 1, END, REPORT, BYE, TASK, ANSWER };

/* MPI itself is one per process. */
static struct {
    bool joined, agreed;
    int rank, count;
} here;

nlg_status nlg_ranks_open(int *rank, int *count, nlg_error *err) {
    *rank = 0;
    *count = 1;
    if (processes_of_this_start() == 1) return NLG_OK;
    if (MPI_Init(NULL, NULL) != MPI_SUCCESS) return nlg_fail(err, NLG_ERR_IO, "MPI cannot start in this process");
    MPI_Comm_rank(MPI_COMM_WORLD, &here.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &here.count);
    here.joined = true;
    *rank = here.rank;
    *count = here.count;
    return NLG_OK;
}

static void rest(void) {
    const struct timespec pause = {.tv_nsec = 2000000};
    nanosleep(&pause, NULL);
}

static bool is_waiting(int from, int tag, MPI_Status *message) {
    int found = 0;
    MPI_Iprobe(from, tag, MPI_COMM_WORLD, &found, message);
    return found != 0;
}

void nlg_ranks_close(void) {
    if (!here.joined || !here.agreed) return;
    here.agreed = false;
    if (here.rank == 0) {
        for (int r = 1; r < here.count; r++) MPI_Send(NULL, 0, MPI_BYTE, r, END, MPI_COMM_WORLD);
        for (int left = here.count - 1; left > 0;) {
            nlg_evaluation_report late; /* of a trial that was given up */
            MPI_Status message;
            nlg_status status;
            char *text;
            int rank;
            if (is_waiting(MPI_ANY_SOURCE, BYE, &message)) {
                MPI_Recv(NULL, 0, MPI_BYTE, message.MPI_SOURCE, BYE, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                left--;
            } else if (nlg_ranks_receive_text(&rank, &status, &text)) {
                nlg_free(text);
            } else if (!nlg_ranks_receive(&rank, &late)) {
                rest();
            }
        }
    }
    MPI_Finalize();
}

nlg_status nlg_ranks_agree(const char *config, nlg_error *err) {
    char mine[65], first[65];
    if (!here.joined) return NLG_OK;
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail(err, NLG_ERR_MEMORY, "out of memory: a digest");
    const int facts[] = {NLG_NUMERICS_VERSION, (int)sizeof(nlg_evaluation_report)};
    nlg_digest_update(digest, facts, sizeof facts);
    nlg_digest_update(digest, config, strlen(config));
    nlg_digest_finish(digest, mine);
    memcpy(first, mine, sizeof first);
    MPI_Bcast(first, (int)sizeof first, MPI_CHAR, 0, MPI_COMM_WORLD);
    int same = memcmp(first, mine, sizeof first) == 0, all = 0;
    MPI_Allreduce(&same, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (!all)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "the processes of mpirun do not have the same program, data and options; give all machines the same");
    here.agreed = true;
    return NLG_OK;
}

/* ---- ranks above 0 ----------------------------------------------------------------------------------------------------- */

static bool end_is_near(void) {
    MPI_Status message;
    return is_waiting(0, END, &message);
}

static void answer_trial(nlg_status (*evaluate)(void *context, nlg_trial *trial, nlg_error *err), void *context) {
    nlg_evaluation_report report = {0};
    MPI_Recv(&report.trial, (int)sizeof report.trial, MPI_BYTE, 0, TRIAL, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    report.status = evaluate(context, &report.trial, &report.err);
    if (report.status == NLG_OK || !end_is_near()) MPI_Send(&report, (int)sizeof report, MPI_BYTE, 0, REPORT, MPI_COMM_WORLD);
}

nlg_status nlg_ranks_serve(nlg_status (*evaluate)(void *context, nlg_trial *trial, nlg_error *err), void *context, nlg_error *err) {
    (void)err;
    MPI_Status message;
    while (!end_is_near()) {
        if (is_waiting(0, TRIAL, &message)) {
            answer_trial(evaluate, context);
        } else {
            rest();
        }
    }
    MPI_Recv(NULL, 0, MPI_BYTE, 0, END, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Send(NULL, 0, MPI_BYTE, 0, BYE, MPI_COMM_WORLD);
    return NLG_OK;
}

/* ---- rank 0 ------------------------------------------------------------------------------------------------------------ */

void nlg_ranks_send(int rank, const nlg_trial *trial) {
    MPI_Send(trial, (int)sizeof *trial, MPI_BYTE, rank, TRIAL, MPI_COMM_WORLD);
}

bool nlg_ranks_receive(int *rank, nlg_evaluation_report *report) {
    MPI_Status message;
    if (!is_waiting(MPI_ANY_SOURCE, REPORT, &message)) return false;
    *rank = message.MPI_SOURCE;
    MPI_Recv(report, (int)sizeof *report, MPI_BYTE, *rank, REPORT, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return true;
}

/* ---- texts ------------------------------------------------------------------------------------------------------------- */

/* A whole message; NULL when memory is short, the message being taken all the same. */
static char *receive_text(int from, int tag, MPI_Status *message) {
    int size = 0;
    MPI_Get_count(message, MPI_CHAR, &size);
    char *text = nlg_alloc((size_t)size + 1, 1);
    if (text)
        MPI_Recv(text, size, MPI_CHAR, from, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    else
        MPI_Abort(MPI_COMM_WORLD, 1);
    return text;
}

bool nlg_ranks_stop(void) {
    return end_is_near();
}

/* An answer begins with the digit of its status. */
static void answer(nlg_status (*work)(void *context, const char *task, char **answer, nlg_error *err), void *context,
                   MPI_Status *message) {
    char *task = receive_text(0, TASK, message), *text = NULL;
    nlg_error why = {0};
    nlg_status status = work(context, task, &text, &why);
    const char *told = status == NLG_OK ? text : why.text;
    const size_t length = strlen(told);
    char *whole = nlg_alloc(length + 2, 1);
    if (!whole) MPI_Abort(MPI_COMM_WORLD, 1);
    whole[0] = (char)('0' + (int)status);
    memcpy(whole + 1, told, length);
    if (!end_is_near()) MPI_Send(whole, (int)length + 1, MPI_CHAR, 0, ANSWER, MPI_COMM_WORLD);
    nlg_free(whole);
    nlg_free(text);
    nlg_free(task);
}

nlg_status nlg_ranks_serve_texts(nlg_status (*work)(void *context, const char *task, char **answer, nlg_error *err), void *context,
                                 nlg_error *err) {
    (void)err;
    MPI_Status message;
    while (!end_is_near()) {
        if (is_waiting(0, TASK, &message))
            answer(work, context, &message);
        else
            rest();
    }
    MPI_Recv(NULL, 0, MPI_BYTE, 0, END, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Send(NULL, 0, MPI_BYTE, 0, BYE, MPI_COMM_WORLD);
    return NLG_OK;
}

void nlg_ranks_send_text(int rank, const char *task) {
    MPI_Send(task, (int)strlen(task), MPI_CHAR, rank, TASK, MPI_COMM_WORLD);
}

bool nlg_ranks_receive_text(int *rank, nlg_status *status, char **text) {
    MPI_Status message;
    if (!is_waiting(MPI_ANY_SOURCE, ANSWER, &message)) return false;
    *rank = message.MPI_SOURCE;
    *text = receive_text(*rank, ANSWER, &message);
    *status = (nlg_status)((*text)[0] - '0');
    memmove(*text, *text + 1, strlen(*text));
    return true;
}

#endif
