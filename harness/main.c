/* lineage: finds the command, runs it, reports its failure in one line. The only place that exits. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/build_info.h"
#include "harness/command.h"
#include "layers/base/nearest.h"

#define COMMAND(name) extern const nlg_command nlg_command_##name;
#include "harness/commands.def"
#undef COMMAND

static const nlg_command *const commands[] = {
#define COMMAND(name) &nlg_command_##name,
#include "harness/commands.def"
#undef COMMAND
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(void) {
    printf("Usage: lineage COMMAND [OPTION...] [ARGUMENT...]\n"
           "From hand-designed to searched convolutional networks: build, count, train, search, measure.\n\n");
    for (int i = 0; i < COMMANDS; i++) printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    printf("\n`lineage COMMAND --help` lists a command's options and shows an example, such as\n"
           "  lineage count resnet50 --json\n"
           "Exit code: 0 done, 1 a check failed, 2 wrong use or input, 130 interrupted.\n");
}

static void print_version(void) {
    printf("lineage (netlineage) %s, commit %s, numerics version %d\n", NLG_VERSION, nlg_build_commit(), NLG_NUMERICS_VERSION);
}

static bool is_one_of(const char *name, const char *const *names) {
    while (*names && strcmp(name, *names) != 0) names++;
    return *names != NULL;
}

static nlg_status find_command(const char *name, const nlg_command **command, nlg_error *err) {
    nlg_nearest nearest = {.wanted = name};
    for (int i = 0; i < COMMANDS; i++) {
        *command = commands[i];
        if (strcmp(commands[i]->name, name) == 0) return NLG_OK;
        nlg_nearest_try(&nearest, commands[i]->name);
    }
    const char *near = nlg_nearest_name(&nearest);
    return nlg_fail(err, NLG_ERR_INPUT, "unknown command '%s'; %s%s%s", name,
                    near ? "did you mean '" : "`lineage --help` lists the commands", near ? near : "", near ? "'?" : "");
}

/* A standard stream that the caller closed must not be taken by the next file opened; reads and writes on it still fail. */
static void occupy_standard_streams(void) {
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) return;
}

/* Whoever reads the output may have had enough, as in `lineage models | head -3`: end as other programs do, by the signal. */
static void end_by_closed_pipe(void) {
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
}

static nlg_status flush_output(nlg_error *err) {
    errno = 0;
    bool failed_before = ferror(stdout);
    if (failed_before) putchar('\n'); /* stdio forgot why an earlier write failed: ask again */
    if (fflush(stdout) == 0 && !failed_before) return NLG_OK;
    if (errno == EPIPE) end_by_closed_pipe();
    return nlg_fail(err, NLG_ERR_IO, "cannot write to standard output: %s", errno ? strerror(errno) : "the output was cut short");
}

static nlg_status run(int argc, char **argv, nlg_error *err, char *where, size_t size) {
    static const char *const help[] = {"--help", "-h", "help", NULL}, *const version[] = {"--version", "-v", "-V", "version", NULL};
    const char *name = argc > 1 ? argv[1] : "--help";
    const bool helps = is_one_of(name, help);
    if (helps && argc < 3) {
        print_help();
        return NLG_OK;
    }
    if (is_one_of(name, version)) {
        print_version();
        return NLG_OK;
    }
    const nlg_command *command;
    NLG_TRY(find_command(helps ? argv[2] : name, &command, err));
    snprintf(where, size, "lineage %s", command->name);
    if (helps) return nlg_command_invoke(command, 2, (char *[]){where, (char[]){"--help"}, NULL}, err);
    argv[1] = where;
    return nlg_command_invoke(command, argc - 1, argv + 1, err);
}

/* A warning that was just printed is not repeated, as when each epoch meets the same file. */
static void print_warning(const char *text) {
    static char last[1024];
    if (strcmp(text, last) == 0) return;
    snprintf(last, sizeof last, "%s", text);
    fprintf(stderr, "lineage: warning: %s\n", text);
}

int main(int argc, char **argv) {
    nlg_error err = {0};
    char where[64] = "lineage";
    occupy_standard_streams();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe and a limit on the size of files are failed writes like any other */
    signal(SIGXFSZ, SIG_IGN);
    nlg_warnings_go_to(print_warning);
    unsetenv("POSIXLY_CORRECT"); /* getopt would take `count lenet5 --json` for two networks */
    nlg_status status = run(argc, argv, &err, where, sizeof where);
    if (status == NLG_OK) status = flush_output(&err);
    if (status != NLG_OK) fprintf(stderr, "%s: %s\n", where, err.status != NLG_OK ? err.text : "failed without a message");
    return nlg_status_exit_code(status);
}
