/* The frame around every command: options by glibc argp, help, and one line for each mistake. */
#include "harness/command.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/options.h"
#include "harness/terminal.h"
#include "layers/base/memory.h"
#include "layers/base/nearest.h"

enum {
    KEY_HELP = 'h',
    KEY_JSON = 0x10000,
    KEY_THREADS,
    KEY_ISA,
    KEY_BACKEND,
    KEY_ALGORITHM,
    KEY_MEMORY,
    KEY_SEED,
    KEY_GENOTYPE,
    KEY_SPACE,
    KEY_TRIAL
};
enum { LAST_GROUP = 9, OPTIONS_MAX = 64, THREADS_MAX = 1024 };

typedef struct shared_option {
    unsigned group;
    struct argp_option option;
} shared_option;
static const shared_option shared_options[] = {
    {NLG_TAKES_JSON, {"json", KEY_JSON, NULL, 0, "Print one JSON document on standard output", LAST_GROUP}},
    {NLG_TAKES_SEED, {"seed", KEY_SEED, "S", 0, "Seed of everything random (default 0)", LAST_GROUP}},
    {NLG_TAKES_THREADS, {"threads", KEY_THREADS, "T", 0, "Threads (default: the CPUs this process may use)", LAST_GROUP}},
    {NLG_TAKES_ISA,
     {"isa", KEY_ISA, "ISA", 0, "portable, avx2, avx512 or neon: same bits, other speed (default: NLG_ISA or the best)",
      LAST_GROUP}},
    {NLG_TAKES_BACKEND, {"backend", KEY_BACKEND, "B", 0, "own, or openblas (its results carry that label)", LAST_GROUP}},
    {NLG_TAKES_BACKEND, {"algorithm", KEY_ALGORITHM, "A", 0, "auto, or direct: no Winograd convolution", LAST_GROUP}},
    {NLG_TAKES_MEMORY,
     {"mem-limit", KEY_MEMORY, "BYTES", 0, "Refuse beforehand what needs more, e.g. 512M (images not counted)", LAST_GROUP}},
    {NLG_TAKES_GENOTYPE,
     {"genotype", KEY_GENOTYPE, "TEXT", 0, "Other cells, as searches print them; @FILE reads a file", LAST_GROUP}},
    {NLG_TAKES_GENOTYPE | NLG_TAKES_SPACE,
     {"space", KEY_SPACE, "SPACE", 0, "In place of MODEL: the architecture of this search space that --genotype gives",
      LAST_GROUP}},
    {NLG_TAKES_GENOTYPE | NLG_TAKES_SPACE,
     {"trial", KEY_TRIAL, "STORE:N", 0, "In place of MODEL: the architecture of trial N, or best, of a search's store",
      LAST_GROUP}},
    {~0u, {"help", KEY_HELP, NULL, 0, "Print this help", LAST_GROUP + 1}},
};

enum { HELP_COLUMNS = 79 }; /* as argp's own */

typedef struct parsing {
    nlg_invocation *call;
    struct argp_option options[OPTIONS_MAX];
    int n_options;
    bool help, own_help;
    char *network; /* the argument that --space or --trial makes */
    char *bad;     /* the argument that getopt refused */
    nlg_error *err;
} parsing;

static void collect_options(parsing *p) {
    const nlg_command *command = p->call->command;
    for (const struct argp_option *o = command->options; o && (o->name || o->doc); o++) {
        assert(p->n_options < OPTIONS_MAX - 10);
        p->options[p->n_options++] = *o;
    }
    for (size_t i = 0; i < sizeof shared_options / sizeof *shared_options; i++)
        if (shared_options[i].group == ~0u || shared_options[i].group & command->shared)
            p->options[p->n_options++] = shared_options[i].option;
}

static nlg_status parse_isa(const char *where, const char *text, nlg_isa *isa, nlg_error *err) {
    const char *names[NLG_ISA_COUNT + 1] = {0};
    for (int i = 0; i < NLG_ISA_COUNT; i++) names[i] = nlg_isa_name((nlg_isa)i);
    int choice;
    NLG_TRY(nlg_option_choice(where, text, names, &choice, err));
    *isa = (nlg_isa)choice;
    return NLG_OK;
}

static nlg_status shared_option_given(nlg_settings *settings, int key, const char *value, nlg_error *err) {
    static const char *const backends[] = {"own", "openblas", NULL};
    static const char *const algorithms[] = {"auto", "direct", NULL};
    int choice = 0;
    int64_t seed;
    switch (key) {
    case KEY_JSON:
        settings->json = true;
        return NLG_OK;
    case KEY_THREADS:
        settings->threads_given = true;
        return nlg_option_int("--threads", value, 1, THREADS_MAX, &settings->threads, err);
    case KEY_ISA:
        return parse_isa("--isa", value, &settings->isa, err);
    case KEY_BACKEND:
        NLG_TRY(nlg_option_choice("--backend", value, backends, &choice, err));
        settings->backend = choice ? NLG_BACKEND_OPENBLAS : NLG_BACKEND_OWN;
        return NLG_OK;
    case KEY_ALGORITHM:
        NLG_TRY(nlg_option_choice("--algorithm", value, algorithms, &choice, err));
        settings->direct_only = choice == 1;
        return NLG_OK;
    case KEY_GENOTYPE:
        settings->genotype = value;
        return NLG_OK;
    case KEY_SPACE:
        settings->space = value;
        return NLG_OK;
    case KEY_TRIAL:
        settings->trial = value;
        return NLG_OK;
    case KEY_MEMORY:
        return nlg_option_bytes("--mem-limit", value, &settings->memory_limit, err);
    default:
        NLG_TRY(nlg_option_integer("--seed", value, 0, INT64_MAX, &seed, err));
        settings->seed = (uint64_t)seed;
        return NLG_OK;
    }
}

/* The argument that getopt could not place: the one before the next, or inside a cluster of short options the next itself. */
static char *refused_argument(const struct argp_state *state) {
    char *last = state->argv[state->next > 1 ? state->next - 1 : 1];
    return last && last[0] != '-' && state->next < state->argc ? state->argv[state->next] : last;
}

/* argp's text without the blanks that it leaves at the ends of lines, and lines of nothing else. */
static void print_tidied(const char *text) {
    for (size_t length; *text; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        size_t kept = length;
        while (kept && text[kept - 1] == ' ') kept--;
        if (kept || !length) printf("%.*s\n", (int)kept, text);
    }
}

/* The help behind the options is printed here: argp would break the examples' lines. */
static error_t print_help(const parsing *p, const struct argp_state *state) {
    const nlg_command *command = p->call->command;
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (!memory) return ENOMEM;
    argp_help(state->root_argp, memory, ARGP_HELP_STD_HELP, state->name);
    const bool complete = fclose(memory) == 0;
    if (complete) {
        print_tidied(text);
        putchar('\n');
        nlg_print_filled(stdout, command->help, HELP_COLUMNS);
    }
    free(text);
    return complete ? ECANCELED : ENOMEM;
}

/* A variable of a shell that is not set leaves an empty name, with which work would go nowhere or to a strange place. */
static nlg_status refuse_empty_name(const parsing *p, int key, const char *value) {
    static const char *const kinds[] = {"FILE", "DIR", "PATH"};
    for (int i = 0; value && !*value && i < p->n_options; i++) {
        const struct argp_option *o = &p->options[i];
        for (int k = 0; o->key == key && o->arg && k < 3; k++)
            if (strcmp(o->arg, kinds[k]) == 0)
                return nlg_fail(p->err, NLG_ERR_INPUT, "--%s: expected %s, found an empty name; is a variable of the shell unset?",
                                o->name, o->arg);
    }
    return NLG_OK;
}

static error_t parse_one(int key, char *value, struct argp_state *state) {
    parsing *p = state->input;
    nlg_invocation *call = p->call;
    nlg_status status = NLG_OK;
    switch (key) {
    case KEY_HELP:
        if (call->command->own_help && call->command->own_help(call->options, stdout, &p->own_help, p->err) != NLG_OK)
            return ECANCELED;
        p->help = true;
        return p->own_help ? ECANCELED : print_help(p, state);
    case ARGP_KEY_ARG:
        call->arguments[call->n_arguments++] = value;
        if (!*value)
            status = nlg_fail(p->err, NLG_ERR_INPUT, "argument %d is empty; is a variable of the shell unset?", call->n_arguments);
        break;
    case ARGP_KEY_ERROR:
        p->bad = refused_argument(state);
        return 0;
    case ARGP_KEY_INIT:
    case ARGP_KEY_FINI:
    case ARGP_KEY_SUCCESS:
    case ARGP_KEY_NO_ARGS:
    case ARGP_KEY_END:
    case ARGP_KEY_ARGS:
        return ARGP_ERR_UNKNOWN;
    default:
        status = refuse_empty_name(p, key, value);
        if (status == NLG_OK)
            status = key >= KEY_JSON ? shared_option_given(&call->settings, key, value, p->err)
                                     : call->command->option(call->options, key, value, p->err);
    }
    return status == NLG_OK ? 0 : ECANCELED;
}

static nlg_status explain_refusal(const parsing *p) {
    const char *bad = p->bad ? p->bad : "?";
    if (strncmp(bad, "--", 2) != 0) return nlg_fail(p->err, NLG_ERR_INPUT, "unknown option %s; --help lists the options", bad);
    size_t length = strcspn(bad + 2, "=");
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)length, bad + 2);
    nlg_nearest nearest = {.wanted = name};
    const struct argp_option *meant = NULL;
    int candidates = 0;
    for (int i = 0; i < p->n_options; i++) {
        const struct argp_option *o = &p->options[i];
        if (!o->name) continue;
        nlg_nearest_try(&nearest, o->name);
        if (strncmp(o->name, name, strlen(name)) != 0) continue;
        candidates++;
        if (!meant || strcmp(o->name, name) == 0) meant = o;
    }
    if (candidates > 1 && strcmp(meant->name, name) != 0)
        return nlg_fail(p->err, NLG_ERR_INPUT, "option --%s is ambiguous; --help lists the options", name);
    if (meant && meant->arg)
        return nlg_fail(p->err, NLG_ERR_INPUT, "option --%s needs a value: --%s %s", meant->name, meant->name, meant->arg);
    if (meant) return nlg_fail(p->err, NLG_ERR_INPUT, "option --%s takes no value; found '%s'", meant->name, bad);
    const char *near = nlg_nearest_name(&nearest);
    return nlg_fail(p->err, NLG_ERR_INPUT, "unknown option --%s; %s%s", name, near ? "did you mean --" : "--help lists the options",
                    near ? near : "");
}

/* --space and --trial stand for the first argument. */
static nlg_status insert_network(nlg_invocation *call, char **network, nlg_error *err) {
    const nlg_settings *s = &call->settings;
    if (!s->space && !s->trial) return NLG_OK;
    if (s->space && s->trial) return nlg_fail(err, NLG_ERR_INPUT, "--space and --trial: give one of the two");
    const char *kind = s->space ? "space" : "trial", *value = s->space ? s->space : s->trial;
    const size_t size = strlen(value) + sizeof "space:";
    *network = nlg_alloc(size, 1);
    if (!*network) return nlg_fail_memory(err, size, "the command line");
    snprintf(*network, size, "%s:%s", kind, value);
    memmove(call->arguments + 1, call->arguments, (size_t)call->n_arguments * sizeof *call->arguments);
    call->arguments[0] = *network;
    call->n_arguments++;
    return NLG_OK;
}

static nlg_status check_arguments(const nlg_invocation *call, nlg_error *err) {
    const nlg_command *command = call->command;
    if (call->n_arguments < command->min_arguments)
        return nlg_fail(err, NLG_ERR_INPUT, "expected %s; --help shows an example", command->arguments);
    if (command->max_arguments >= 0 && call->n_arguments > command->max_arguments)
        return nlg_fail(err, NLG_ERR_INPUT, "unexpected argument '%s'; expected %s%s", call->arguments[command->max_arguments],
                        command->max_arguments ? "at most " : "options only", command->max_arguments ? command->arguments : "");
    return NLG_OK;
}

static nlg_status parse(parsing *p, int argc, char **argv) {
    const nlg_command *command = p->call->command;
    char doc[256];
    snprintf(doc, sizeof doc, "%s.", command->summary);
    const char *arguments = command->arguments && *command->arguments ? command->arguments : NULL;
    struct argp argp = {.options = p->options, .parser = parse_one, .args_doc = arguments, .doc = doc};
    error_t failed = argp_parse(&argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP | ARGP_NO_EXIT, NULL, p);
    if (p->help && failed != ENOMEM) {
        if (command->more_help && !p->own_help) command->more_help(p->call->options, stdout);
        return NLG_OK;
    }
    if (p->err->status != NLG_OK) return p->err->status;
    if (failed == ENOMEM) return nlg_fail_memory(p->err, sizeof argp, "the options");
    if (failed) return explain_refusal(p);
    NLG_TRY(insert_network(p->call, &p->network, p->err));
    return check_arguments(p->call, p->err);
}

static nlg_status settings_default(nlg_settings *settings, nlg_error *err) {
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    *settings = (nlg_settings){.threads = cpu.cores > 0 ? cpu.cores : 1, .isa = nlg_isa_best()};
    const char *isa = getenv("NLG_ISA");
    return isa && *isa ? parse_isa("environment variable NLG_ISA", isa, &settings->isa, err) : NLG_OK;
}

nlg_status nlg_command_invoke(const nlg_command *command, int argc, char **argv, nlg_error *err) {
    nlg_invocation call = {.command = command, .argc = argc, .argv = argv};
    NLG_TRY(settings_default(&call.settings, err));
    char **copy = nlg_alloc((size_t)argc + 1, sizeof *copy); /* getopt reorders */
    call.arguments = nlg_alloc((size_t)argc + 2, sizeof *call.arguments);
    call.options = nlg_alloc(1, command->options_size);
    nlg_status status;
    if (copy && call.arguments && call.options) {
        memcpy(copy, argv, (size_t)argc * sizeof *copy);
        if (command->defaults) memcpy(call.options, command->defaults, command->options_size);
        parsing p = {.call = &call, .err = err};
        collect_options(&p);
        status = parse(&p, argc, copy);
        if (status == NLG_OK && !p.help) status = command->run(&call, err);
        nlg_free(p.network);
    } else {
        status = nlg_fail_memory(err, (size_t)argc * sizeof *copy, "the command line");
    }
    nlg_free(call.options);
    nlg_free(call.arguments);
    nlg_free(copy);
    return status;
}
