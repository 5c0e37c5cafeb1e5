/* Subcommands.
 *
 * To add one: a constant `const nlg_command nlg_command_x` in harness/commands/x.c and the row COMMAND(x) in commands.def. The
 * options are glibc argp's; the frame parses them, prints --help, checks the number of arguments and turns every mistake into
 * one line and exit code 2. A command prints its result on standard output, everything else on standard error; it returns a
 * status and never exits. */
#ifndef NLG_COMMAND_H
#define NLG_COMMAND_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "layers/base/cpu.h"
#include "layers/base/status.h"
#include "layers/kernels/exec.h"

/* Options that several commands share; a command says which groups it takes. */
typedef enum {
    NLG_TAKES_SEED = 1,     /* --seed */
    NLG_TAKES_JSON = 2,     /* --json */
    NLG_TAKES_GENOTYPE = 4, /* --genotype, --space, --trial */
    NLG_TAKES_THREADS = 8,  /* --threads */
    NLG_TAKES_ISA = 16,     /* --isa */
    NLG_TAKES_BACKEND = 32, /* --backend, --algorithm */
    NLG_TAKES_MEMORY = 64,  /* --mem-limit */
    NLG_TAKES_EXEC = NLG_TAKES_THREADS | NLG_TAKES_ISA | NLG_TAKES_BACKEND | NLG_TAKES_MEMORY,
    NLG_TAKES_SPACE = 128, /* --space, --trial */
} nlg_shared_groups;

typedef struct nlg_settings {
    int threads; /* default: the logical CPUs that this process may use */
    bool threads_given;
    nlg_isa isa; /* default: NLG_ISA from the environment, else the best available */
    nlg_backend backend;
    bool direct_only;
    size_t memory_limit; /* bytes, 0: none */
    uint64_t seed;       /* default 0 */
    bool json;
    const char *genotype;      /* text, or @FILE; NULL: the network's own cells */
    const char *space, *trial; /* given: they are "space:SPACE" or "trial:STORE:N" as the first argument (nlg_network_find) */
} nlg_settings;

/* One call of a command. */
typedef struct nlg_invocation {
    const struct nlg_command *command;
    void *options; /* the command's own struct: its defaults, overwritten by what was given */
    nlg_settings settings;
    int n_arguments; /* what is left after the options, in order */
    char **arguments;
    int argc; /* the command line as typed, for "continue with" */
    char **argv;
} nlg_invocation;

typedef struct nlg_command {
    const char *name, *summary;        /* summary: one line, starts with a verb */
    const char *arguments;             /* for the usage line, e.g. "MODEL..." */
    int min_arguments, max_arguments;  /* max -1: any number */
    const char *help;                  /* printed below the options; shows an example */
    const struct argp_option *options; /* own options, ended by {0}; keys above 0xff where there is no short form */
    unsigned shared;                   /* nlg_shared_groups */
    const void *defaults;              /* of the own struct; NULL: zeros */
    size_t options_size;               /* 0: no own struct */
    /* One own option was given; value is NULL if the option has none. NULL if there are no own options. */
    nlg_status (*option)(void *options, int key, const char *value, nlg_error *err);
    nlg_status (*run)(const nlg_invocation *call, nlg_error *err);
    /* Optional: printed behind --help for the options given before it, e.g. those of one strategy. */
    void (*more_help)(const void *options, FILE *stream);
    /* Optional: --help asks only about what the options before it name: prints that and sets *printed, or refuses them. */
    nlg_status (*own_help)(const void *options, FILE *stream, bool *printed, nlg_error *err);
} nlg_command;

/* Parses argv[1..] (argv[0] is the command's name) and runs the command, or prints its help. */
nlg_status nlg_command_invoke(const nlg_command *command, int argc, char **argv, nlg_error *err);

#endif
