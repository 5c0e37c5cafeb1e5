/* A strategy of the user's own, in any language: a program that is asked and told in lines of JSON (docs/exec-strategy.md).
 *
 * One line goes to its standard input, one comes back from its standard output; its standard error is the user's. It is started
 * without a shell, in a process group of its own, and ended with the run. A continued run tells it everything again, as the runner
 * does with every strategy: its answers must be a function of what it was told. */
#define _GNU_SOURCE /* pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/strategy.h"

enum { PROTOCOL = 1, LINE_MAX_BYTES = 1 << 22, CHUNK = 1 << 14, SLICE_MS = 200, FAREWELL_MS = 1000 };
enum { TIME_LIMIT };
static const nlg_strategy_option options[] = {
    [TIME_LIMIT] = {"time_limit", NLG_OPTION_REAL, 600, 0.01, 1e6, "seconds that the program may take for an answer",
                    "this program"},
};

typedef struct state {
    const nlg_space *space;
    nlg_rng sample, mutation;       /* what the program may draw by number */
    char *command, **words, *bytes; /* the words are in `bytes` */
    pid_t process;                  /* 0: not started, or buried */
    int to, from;                   /* -1: closed */
    double limit;
    bool (*stop)(void);
    char *line; /* what came, `used` bytes of `room` */
    size_t used, room;
} state;

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- the program ------------------------------------------------------------------------------------------------------- */

/* Words at blanks; '...' and "..." keep blanks, a backslash outside '...' takes the next character as it is. */
static nlg_status split_words(state *s, nlg_error *err) {
    const size_t length = strlen(s->command);
    s->words = nlg_alloc(length / 2 + 2, sizeof *s->words);
    char *out = s->bytes = nlg_alloc(length + 2, 1);
    if (!s->words || !out) return nlg_fail_memory(err, length, "a command");
    int count = 0;
    bool within = false;
    char quote = 0;
    for (const char *c = s->command; *c; c++) {
        if (!quote && (*c == ' ' || *c == '\t' || *c == '\n')) {
            if (within) *out++ = '\0';
            within = false;
            continue;
        }
        if (!within) s->words[count++] = out;
        within = true;
        if (quote ? *c == quote : *c == '\'' || *c == '"') {
            quote = quote ? 0 : *c;
        } else {
            if (*c == '\\' && quote != '\'' && c[1]) c++;
            *out++ = *c;
        }
    }
    *out = '\0';
    if (quote) return nlg_fail(err, NLG_ERR_INPUT, "strategy exec: expected a closing %c in '%.200s'", quote, s->command);
    if (count == 0)
        return nlg_fail(err, NLG_ERR_INPUT, "strategy exec: expected a program, as in exec:\"python3 mine.py\", found none");
    return NLG_OK;
}

static void run_program(const state *s, pid_t parent, int in, int out, int failure) {
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) _exit(127);
    execvp(s->words[0], s->words);
    const int cause = errno;
    const ssize_t sent = write(failure, &cause, sizeof cause);
    _exit(sent == sizeof cause ? 127 : 126);
}

/* All of them are closed in every other program that this process starts. */
static nlg_status start(state *s, nlg_error *err) {
    int in[2] = {-1, -1}, out[2] = {-1, -1}, failure[2] = {-1, -1}, cause = 0;
    const pid_t parent = getpid();
    const bool piped = pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(failure, O_CLOEXEC) == 0;
    if (piped) s->process = fork();
    if (piped && s->process == 0) run_program(s, parent, in[0], out[1], failure[1]);
    if (!piped || s->process < 0) cause = errno;
    if (s->process < 0) s->process = 0;
    for (int i = 0; i < 3; i++) {
        const int mine[] = {in[0], out[1], failure[1]};
        if (mine[i] >= 0) close(mine[i]);
    }
    if (!cause && read(failure[0], &cause, sizeof cause) != sizeof cause) cause = 0; /* closed: the program runs */
    if (failure[0] >= 0) close(failure[0]);
    s->to = in[1];
    s->from = out[0];
    if (cause) return nlg_fail(err, NLG_ERR_INPUT, "strategy exec: %s cannot be started: %s", s->words[0], strerror(cause));
    if (fcntl(s->to, F_SETFL, O_NONBLOCK) == 0 && fcntl(s->from, F_SETFL, O_NONBLOCK) == 0) return NLG_OK;
    return nlg_fail(err, NLG_ERR_IO, "strategy exec: a pipe: %s", strerror(errno));
}

/* Closed input asks it to end; what does not end is killed, with its own children. */
static void end(state *s) {
    if (s->to >= 0) close(s->to);
    if (s->from >= 0) close(s->from);
    s->to = s->from = -1;
    if (!s->process) return;
    const struct timespec pause = {.tv_nsec = 2000000};
    int how;
    bool ended = false;
    for (int waited = 0; waited < FAREWELL_MS && !ended; waited += 2) {
        ended = waitpid(s->process, &how, WNOHANG) == s->process;
        if (!ended) nanosleep(&pause, NULL);
    }
    kill(-s->process, SIGKILL);
    kill(s->process, SIGKILL);
    while (!ended && waitpid(s->process, &how, 0) < 0 && errno == EINTR) {
    }
    s->process = 0;
}

/* It has closed a pipe: how did it end? `doing`: "when it was asked". */
static nlg_status gone(state *s, const char *doing, nlg_error *err) {
    const struct timespec pause = {.tv_nsec = 2000000};
    int how = 0;
    pid_t ended = 0;
    for (int waited = 0; waited < FAREWELL_MS && ended == 0; waited += 2) {
        ended = waitpid(s->process, &how, WNOHANG);
        if (ended == 0) nanosleep(&pause, NULL);
    }
    if (ended == s->process) s->process = 0;
    if (ended > 0 && WIFSIGNALED(how))
        return nlg_fail(err, NLG_ERR_INPUT, "strategy exec (%.200s): was ended by signal %d (%s) %s", s->command, WTERMSIG(how),
                        strsignal(WTERMSIG(how)), doing);
    if (ended > 0)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "strategy exec (%.200s): ended with code %d %s; expected one line for each line, until its "
                        "input is closed",
                        s->command, WEXITSTATUS(how), doing);
    return nlg_fail(err, NLG_ERR_INPUT, "strategy exec (%.200s): closed its input or output %s", s->command, doing);
}

/* ---- a line there, a line back ------------------------------------------------------------------------------------------- */

/* Waits until the pipe is ready; an error when time is up or the run is to stop. */
static nlg_status await(const state *s, int file, short events, double deadline, const char *doing, nlg_error *err) {
    for (;;) {
        struct pollfd one = {.fd = file, .events = events};
        const int ready = poll(&one, 1, SLICE_MS);
        if (s->stop && s->stop())
            return nlg_fail(err, NLG_ERR_INTERRUPTED,
                            "stopped; finished trials are stored: give the same command again to continue");
        if (ready > 0) return NLG_OK;
        if (ready < 0 && errno != EINTR) return nlg_fail(err, NLG_ERR_IO, "strategy exec: waiting: %s", strerror(errno));
        if (seconds_now() > deadline)
            return nlg_fail(err, NLG_ERR_INPUT,
                            "strategy exec (%.200s): no answer within %g seconds %s; exec:time_limit=S:... allows more", s->command,
                            s->limit, doing);
    }
}

/* write(2) without the signal that a closed pipe raises. */
static ssize_t write_quietly(int file, const char *bytes, size_t size) {
    sigset_t pipe, before, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    const ssize_t n = write(file, bytes, size);
    const int cause = errno;
    const struct timespec now = {0};
    if (n < 0 && cause == EPIPE && !sigismember(&pending, SIGPIPE)) sigtimedwait(&pipe, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = cause;
    return n;
}

static nlg_status send_line(state *s, const char *text, size_t size, double deadline, const char *doing, nlg_error *err) {
    while (size > 0) {
        const ssize_t n = write_quietly(s->to, text, size);
        if (n >= 0) {
            text += n, size -= (size_t)n;
        } else if (errno == EPIPE) {
            return gone(s, doing, err);
        } else if (errno == EAGAIN) {
            NLG_TRY(await(s, s->to, POLLOUT, deadline, doing, err));
        } else if (errno != EINTR) {
            return nlg_fail(err, NLG_ERR_IO, "strategy exec: writing to it: %s", strerror(errno));
        }
    }
    return NLG_OK;
}

/* The line is in s->line, ended by a zero byte. */
static nlg_status receive_line(state *s, double deadline, const char *doing, nlg_error *err) {
    for (s->used = 0;;) {
        if (s->used + CHUNK + 1 > s->room) {
            char *line = s->room < LINE_MAX_BYTES ? nlg_realloc(s->line, 2 * s->room + 2 * CHUNK, 1) : NULL;
            if (!line && s->room >= LINE_MAX_BYTES)
                return nlg_fail(err, NLG_ERR_INPUT, "strategy exec (%.200s): a line of more than %d bytes %s", s->command,
                                LINE_MAX_BYTES, doing);
            if (!line) return nlg_fail_memory(err, 2 * s->room, "the answer of a strategy");
            s->line = line;
            s->room = 2 * s->room + 2 * CHUNK;
        }
        const ssize_t n = read(s->from, s->line + s->used, CHUNK);
        if (n == 0) return gone(s, doing, err);
        if (n < 0 && errno == EAGAIN) {
            NLG_TRY(await(s, s->from, POLLIN, deadline, doing, err));
        } else if (n < 0 && errno != EINTR) {
            return nlg_fail(err, NLG_ERR_IO, "strategy exec: reading from it: %s", strerror(errno));
        }
        if (n <= 0) continue;
        char *end = memchr(s->line + s->used, '\n', (size_t)n);
        s->used += (size_t)n;
        if (!end) continue;
        *end = '\0';
        for (char *c = s->line; c < end; c++) *c = (unsigned char)*c < ' ' ? ' ' : *c; /* it may stand in a message */
        if ((size_t)(end - s->line) + 1 != s->used)
            return nlg_fail(err, NLG_ERR_INPUT, "strategy exec (%.200s): expected one line %s, found more, beginning with '%.60s'",
                            s->command, doing, s->line);
        s->used--;
        return NLG_OK;
    }
}

/* Sends the message and deletes it; the answer is an object, to be deleted. */
static nlg_status exchange(state *s, cJSON *message, const char *doing, cJSON **answer, nlg_error *err) {
    char *text = NULL, early;
    *answer = NULL;
    NLG_TRY(nlg_json_finish(message, false, &text, err));
    if (read(s->from, &early, 1) > 0) {
        nlg_free(text);
        return nlg_fail(err, NLG_ERR_INPUT, "strategy exec (%.200s): expected one line for each line, found more before %s",
                        s->command, doing + strlen("when "));
    }
    const double deadline = seconds_now() + s->limit;
    nlg_status status = send_line(s, text, strlen(text), deadline, doing, err);
    nlg_free(text);
    NLG_TRY(status);
    NLG_TRY(send_line(s, "\n", 1, deadline, doing, err));
    NLG_TRY(receive_line(s, deadline, doing, err));
    nlg_error why = {0};
    if (nlg_json_read(s->line, s->used, "answer", answer, &why) == NLG_ERR_MEMORY)
        return nlg_fail(err, NLG_ERR_MEMORY, "%s", why.text);
    if (!cJSON_IsObject(*answer)) {
        cJSON_Delete(*answer);
        *answer = NULL;
        return nlg_fail(err, NLG_ERR_INPUT, "strategy exec (%.200s): expected one JSON object %s, found '%.100s'", s->command,
                        doing, s->line);
    }
    const cJSON *complaint = cJSON_GetObjectItemCaseSensitive(*answer, "error");
    if (!complaint) return NLG_OK;
    status = nlg_fail(err, NLG_ERR_INPUT, "strategy exec (%.200s) says: %.300s", s->command,
                      cJSON_IsString(complaint) ? complaint->valuestring : "an error");
    cJSON_Delete(*answer);
    *answer = NULL;
    return status;
}

/* ---- codes ------------------------------------------------------------------------------------------------------------- */

static cJSON *code_json(const nlg_code *code) {
    cJSON *array = cJSON_CreateArray();
    for (int i = 0; i < code->length; i++) cJSON_AddItemToArray(array, cJSON_CreateNumber(code->value[i]));
    return array;
}

static bool read_whole(const cJSON *item, double most, double *value) {
    *value = cJSON_IsNumber(item) ? item->valuedouble : -1;
    return *value >= 0 && *value <= most && floor(*value) == *value;
}

static bool read_code(const cJSON *array, nlg_code *code) {
    *code = (nlg_code){.length = cJSON_GetArraySize(array)};
    if (!cJSON_IsArray(array) || code->length > NLG_CODE_MAX) return false;
    int i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array) {
        double value;
        if (!read_whole(item, INT16_MAX, &value)) return false;
        code->value[i++] = (int16_t)value;
    }
    return true;
}

/* {"code": [...]}, {"genotype": "..."}, {"sample": N} or {"mutate": [...], "draw": N}, with "budget" if not the full one. */
static nlg_status read_proposal(const state *s, const cJSON *item, int index, nlg_proposal *p, nlg_error *err) {
    const double most = 0x1p53;
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(item, "code"), *text = cJSON_GetObjectItemCaseSensitive(item, "genotype");
    const cJSON *sample = cJSON_GetObjectItemCaseSensitive(item, "sample"),
                *mutate = cJSON_GetObjectItemCaseSensitive(item, "mutate");
    const cJSON *budget = cJSON_GetObjectItemCaseSensitive(item, "budget");
    const int kinds = (code != NULL) + (text != NULL) + (sample != NULL) + (mutate != NULL);
    nlg_code parent;
    double number;
    bool good = kinds == 1 && (!budget || (cJSON_IsNumber(budget) && budget->valuedouble > 0 && budget->valuedouble <= 1));
    if (budget && good) p->budget = budget->valuedouble;
    if (good && text && cJSON_IsString(text)) {
        nlg_error why = {0};
        if (s->space->decode(s->space, text->valuestring, &p->code, &why) == NLG_OK) return NLG_OK;
        return nlg_fail(err, NLG_ERR_INPUT, "strategy exec, architecture %d: %s", index, why.text);
    }
    if (good && sample) {
        good = read_whole(sample, most, &number);
        if (good) nlg_space_sample(s->space, nlg_rng_stream(s->sample, (uint64_t)number), &p->code);
    } else if (good && mutate) {
        good = read_whole(cJSON_GetObjectItemCaseSensitive(item, "draw"), most, &number) && read_code(mutate, &parent) &&
               nlg_space_valid(s->space, &parent);
        if (good) nlg_space_mutate(s->space, nlg_rng_stream(s->mutation, (uint64_t)number), &parent, &p->code);
    } else if (good) {
        good = code && read_code(code, &p->code) && nlg_space_valid(s->space, &p->code);
    }
    if (good) return NLG_OK;
    char *found = NULL;
    (void)nlg_json_write(item, false, &found, NULL);
    nlg_status status =
        nlg_fail(err, NLG_ERR_INPUT,
                 "strategy exec, architecture %d: expected a \"code\" or \"genotype\" of space %s, {\"sample\": N} or "
                 "{\"mutate\": code, \"draw\": N}, and a \"budget\" above 0 and at most 1 if any; found %.200s",
                 index, s->space->name, found ? found : "nothing");
    nlg_free(found);
    return status;
}

/* ---- the strategy ------------------------------------------------------------------------------------------------------- */

static cJSON *begin_message(const char *op) {
    cJSON *message = cJSON_CreateObject();
    nlg_json_text(message, "op", op);
    return message;
}

static nlg_status greet(state *s, nlg_rng rng, nlg_error *err) {
    cJSON *message = begin_message("start"), *answer;
    nlg_json_number(message, "protocol", PROTOCOL);
    nlg_json_number(message, "seed", (double)(nlg_rng_u64(rng, 0) >> 11));
    cJSON *space = cJSON_AddObjectToObject(message, "space");
    nlg_json_text(space, "name", s->space->name);
    nlg_json_number(space, "length", s->space->length);
    nlg_json_number(space, "block", s->space->block);
    cJSON *choices = cJSON_AddArrayToObject(space, "choices");
    for (int i = 0; i < s->space->length; i++) cJSON_AddItemToArray(choices, cJSON_CreateNumber(s->space->choices(s->space, i)));
    NLG_TRY(exchange(s, message, "when it was started", &answer, err));
    cJSON_Delete(answer);
    return NLG_OK;
}

static nlg_status create(void *memory, const nlg_space *space, nlg_rng rng, const double *values, const char *text,
                         bool (*stop)(void), nlg_error *err) {
    state *s = memory;
    *s = (state){.space = space,
                 .sample = nlg_rng_named(rng, "sample"),
                 .mutation = nlg_rng_named(rng, "mutate"),
                 .to = -1,
                 .from = -1,
                 .limit = values[TIME_LIMIT],
                 .stop = stop};
    s->command = nlg_strdup(text);
    if (!s->command) return nlg_fail_memory(err, strlen(text), "a command");
    NLG_TRY(split_words(s, err));
    NLG_TRY(start(s, err));
    return greet(s, rng, err);
}

static void destroy(void *memory) {
    state *s = memory;
    if (!s->command) return;
    end(s);
    nlg_free(s->words);
    nlg_free(s->bytes);
    nlg_free(s->command);
    nlg_free(s->line);
}

static nlg_status ask(void *memory, int count, nlg_proposal *proposals, nlg_error *err) {
    state *s = memory;
    cJSON *message = begin_message("ask"), *answer;
    nlg_json_number(message, "count", count);
    NLG_TRY(exchange(s, message, "when it was asked", &answer, err));
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(answer, "architectures"), *item;
    nlg_status status = NLG_OK;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != count)
        status = nlg_fail(err, NLG_ERR_INPUT, "strategy exec (%.200s): expected \"architectures\", an array of %d, found %s",
                          s->command, count, cJSON_IsArray(list) ? "an array of another length" : "none");
    int i = 0;
    cJSON_ArrayForEach(item, list) {
        if (status != NLG_OK) break;
        status = read_proposal(s, item, i, &proposals[i], err);
        i++;
    }
    cJSON_Delete(answer);
    return status;
}

static void add_trial(const state *s, cJSON *list, const nlg_trial *t) {
    char genotype[NLG_GENOTYPE_MAX];
    cJSON *object = nlg_json_object_in(list);
    s->space->encode(s->space, &t->code, genotype, sizeof genotype);
    nlg_json_number(object, "number", t->number);
    cJSON_AddItemToObject(object, "code", code_json(&t->code));
    nlg_json_text(object, "genotype", genotype);
    nlg_json_number(object, "budget", t->budget);
    nlg_json_text(object, "status", nlg_trial_status_name(t->status));
    cJSON_AddBoolToObject(object, "repeat", t->is_repeat);
    const bool done = t->status == NLG_TRIAL_DONE;
    nlg_json_number(object, "score", done ? t->score : (double)NAN);
    nlg_json_number(object, "reward", done ? t->reward : (double)NAN);
    nlg_json_number(object, "cost", nlg_measured(t->cost));
    nlg_json_number(object, "params", nlg_measured((double)t->params));
    nlg_json_number(object, "macs", nlg_measured((double)t->macs));
    nlg_json_number(object, "latency_ms", nlg_measured(t->latency_ms));
}

static nlg_status tell(void *memory, const nlg_trial *trials, int count, nlg_error *err) {
    state *s = memory;
    cJSON *message = begin_message("tell"), *answer;
    cJSON *list = cJSON_AddArrayToObject(message, "trials");
    for (int i = 0; i < count; i++) add_trial(s, list, &trials[i]);
    NLG_TRY(exchange(s, message, "when it was told", &answer, err));
    cJSON_Delete(answer);
    return NLG_OK;
}

const nlg_strategy nlg_strategy_exec = {
    .name = "exec",
    .summary = "a program of your own, in any language: exec:\"python3 mine.py\" (docs/exec-strategy.md)",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .text_option = "command",
    .state_size = sizeof(state),
    .create_from_text = create,
    .destroy = destroy,
    .ask = ask,
    .tell = tell,
};
