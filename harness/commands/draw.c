/* lineage draw: a network or its cells as a Graphviz file, and as SVG where Graphviz is installed. */
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/command.h"
#include "harness/commands/draw_network.h"
#include "harness/options.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"

extern char **environ;

typedef struct draw_options {
    bool cells;
    const char *output;
    nlg_shape input;
} draw_options;

enum { KEY_CELLS = 0x100, KEY_OUTPUT, KEY_INPUT };
static const struct argp_option options[] = {
    {"cells", KEY_CELLS, NULL, 0, "Draw the cells (NASNet, PNASNet, AmoebaNet, NAS-FPN) instead of the stages", 0},
    {"output", KEY_OUTPUT, "FILE", 0,
     "FILE.dot or FILE.svg: both are written (default: MODEL); - for the DOT text on standard output", 0},
    {"input", KEY_INPUT, "C,H,W", 0, "Another input size, where the network allows it", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    draw_options *o = where;
    switch (key) {
    case KEY_CELLS:
        o->cells = true;
        return NLG_OK;
    case KEY_OUTPUT:
        o->output = value;
        return NLG_OK;
    default:
        return nlg_option_shape("--input", value, &o->input, err);
    }
}

static nlg_status draw(const draw_options *o, const nlg_network *network, FILE *out, nlg_error *err) {
    if (!o->cells) return nlg_draw_stages(network, out, err);
    if (!nlg_has_cells(network->model))
        return nlg_fail(err, NLG_ERR_INPUT, "%s is not made of cells; nasnet_a_small is", network->title);
    nlg_draw_cells(network, out);
    return NLG_OK;
}

/* False if Graphviz is not installed. */
static bool run_dot(char *dot, char *svg, int *exit_code) {
    char program[] = "dot", format[] = "-Tsvg", to[] = "-o";
    char *arguments[] = {program, format, dot, to, svg, NULL};
    pid_t child;
    int status;
    if (posix_spawnp(&child, program, NULL, NULL, arguments, environ) != 0) return false;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return false;
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return *exit_code != 127;
}

static nlg_status make_svg(const char *path, nlg_error *err) {
    size_t length = strlen(path);
    char *dot = nlg_strdup(path), *svg = nlg_alloc(length + 5, 1);
    nlg_status status = dot && svg ? NLG_OK : nlg_fail_memory(err, length, "a file name");
    int code = 0;
    if (status == NLG_OK) {
        bool has_suffix = length > 4 && strcmp(path + length - 4, ".dot") == 0;
        snprintf(svg, length + 5, "%.*s.svg", (int)(has_suffix ? length - 4 : length), path);
        if (!run_dot(dot, svg, &code))
            fprintf(stderr, "no SVG: the program dot is not installed (Debian package graphviz)\n");
        else if (code)
            status = nlg_fail(err, NLG_ERR_IO, "%s: dot failed with exit code %d; draw %s by hand to see why", svg, code, path);
        else
            printf("%s\n", svg);
    }
    nlg_free(dot);
    nlg_free(svg);
    return status;
}

static nlg_status write_file(const draw_options *o, const nlg_network *network, const char *path, nlg_error *err) {
    nlg_file_writer writer;
    NLG_TRY(nlg_file_begin(&writer, path, err));
    nlg_status status = draw(o, network, writer.stream, err);
    if (status != NLG_OK) {
        nlg_file_abort(&writer);
        return status;
    }
    NLG_TRY(nlg_file_commit(&writer, err));
    printf("%s\n", path);
    return make_svg(path, err);
}

/* Where the DOT text goes; whoever names the picture gets both. */
static nlg_status dot_path(const draw_options *o, const char *name, char path[PATH_MAX], nlg_error *err) {
    size_t length = o->output ? strlen(o->output) : 0;
    bool picture = length > 4 && strcmp(o->output + length - 4, ".svg") == 0;
    int written = !o->output ? snprintf(path, PATH_MAX, "%s%s.dot", name, o->cells ? "_cells" : "")
                  : picture  ? snprintf(path, PATH_MAX, "%.*s.dot", (int)length - 4, o->output)
                             : snprintf(path, PATH_MAX, "%s", o->output);
    if (written < PATH_MAX) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "--output: expected a path below %d bytes, found %d; name a shorter one", PATH_MAX,
                    written);
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const draw_options *o = call->options;
    nlg_network network;
    char path[PATH_MAX];
    nlg_status status = nlg_network_open(call->arguments[0], call->settings.genotype, o->input, 0, &network, err);
    if (status == NLG_OK && o->output && strcmp(o->output, "-") == 0) {
        status = draw(o, &network, stdout, err);
    } else if (status == NLG_OK && (status = dot_path(o, network.model->name, path, err)) == NLG_OK) {
        status = write_file(o, &network, path, err);
    }
    nlg_network_close(&network);
    return status;
}

const nlg_command nlg_command_draw = {
    .name = "draw",
    .summary = "Draw a network's stages, or its cells, with Graphviz",
    .arguments = "MODEL",
    .min_arguments = 1,
    .max_arguments = 1,
    .help = "Examples:\n  lineage draw resnet50\n  lineage draw nasnet_a_small --cells --output nasnet.dot",
    .options = options,
    .shared = NLG_TAKES_GENOTYPE,
    .options_size = sizeof(draw_options),
    .option = option,
    .run = run,
};
