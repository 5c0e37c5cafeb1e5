/* lineage draw: a network or its cells as a Graphviz file, and as SVG where Graphviz is installed. */
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
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
     "FILE.dot, FILE.svg, FILE.png or FILE.pdf: the DOT text and a picture are written (default: MODEL, SVG); - for the DOT text "
     "on "
     "standard output",
     0},
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

/* Picture formats by the ending of a name; the first is made beside a .dot file. */
static const char *const formats[] = {"svg", "png", "pdf"};
enum { FORMATS = sizeof formats / sizeof *formats };

static bool ends_with(const char *text, const char *suffix) {
    const size_t a = strlen(text), b = strlen(suffix);
    return a > b && strcasecmp(text + a - b, suffix) == 0;
}

/* -1: no picture. */
static int format_of(const char *path) {
    char ending[8];
    for (int i = 0; i < FORMATS; i++) {
        snprintf(ending, sizeof ending, ".%s", formats[i]);
        if (ends_with(path, ending)) return i;
    }
    return -1;
}

/* A path that no program takes for an option; free with nlg_free. */
static char *as_argument(const char *path) {
    const size_t size = strlen(path) + 3;
    char *text = nlg_alloc(size, 1);
    if (text) snprintf(text, size, "%s%s", path[0] == '-' ? "./" : "", path);
    return text;
}

/* False if Graphviz is not installed. */
static bool run_dot(int format, char *dot, char *picture, int *exit_code) {
    char program[] = "dot", kind[16], to[] = "-o";
    snprintf(kind, sizeof kind, "-T%s", formats[format]);
    char *arguments[] = {program, kind, dot, to, picture, NULL};
    pid_t child;
    int status;
    if (posix_spawnp(&child, program, NULL, NULL, arguments, environ) != 0) return false;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return false;
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return *exit_code != 127;
}

/* asked: somebody named the picture, so that its lack is a failure. */
static nlg_status make_picture(const char *dot_path, const char *picture_path, bool asked, nlg_error *err) {
    char *dot = as_argument(dot_path), *picture = as_argument(picture_path);
    nlg_status status = dot && picture ? NLG_OK : nlg_fail_memory(err, strlen(dot_path), "a file name");
    int code = 0;
    if (status == NLG_OK && !run_dot(format_of(picture_path), dot, picture, &code)) {
        if (asked)
            status = nlg_fail(err, NLG_ERR_IO,
                              "%s: cannot be drawn: the program dot is not installed (Debian package graphviz); %s is there",
                              picture_path, dot_path);
        else
            fprintf(stderr, "no SVG: the program dot is not installed (Debian package graphviz)\n");
    } else if (status == NLG_OK && code) {
        status =
            nlg_fail(err, NLG_ERR_IO, "%s: dot failed with exit code %d; draw %s by hand to see why", picture_path, code, dot_path);
    } else if (status == NLG_OK) {
        printf("%s\n", picture_path);
    }
    nlg_free(dot);
    nlg_free(picture);
    return status;
}

static nlg_status write_file(const draw_options *o, const nlg_network *network, const char *path, const char *picture,
                             nlg_error *err) {
    nlg_file_writer writer;
    NLG_TRY(nlg_file_begin(&writer, path, err));
    nlg_status status = draw(o, network, writer.stream, err);
    if (status != NLG_OK) {
        nlg_file_abort(&writer);
        return status;
    }
    NLG_TRY(nlg_file_commit(&writer, err));
    printf("%s\n", path);
    return make_picture(path, picture, o->output && format_of(o->output) >= 0, err);
}

/* Where DOT text and picture go; whoever names one of them gets both. */
static nlg_status find_paths(const draw_options *o, const char *name, char dot[PATH_MAX], char picture[PATH_MAX], nlg_error *err) {
    const char *given = o->output ? o->output : "";
    const char *slash = strrchr(given, '/'), *ending = strrchr(slash ? slash : given, '.');
    const bool is_dot = ends_with(given, ".dot") || ends_with(given, ".gv");
    if (ending && !is_dot && format_of(given) < 0)
        return nlg_fail(err, NLG_ERR_INPUT, "--output %s: expected a name that ends with .dot, .gv, .svg, .png or .pdf", given);
    const int stem = ending ? (int)(ending - given) : (int)strlen(given);
    int written = o->output ? snprintf(picture, PATH_MAX, "%.*s", stem, given)
                            : snprintf(picture, PATH_MAX, "%s%s", name, o->cells ? "_cells" : "");
    if (written < PATH_MAX - 5) {
        snprintf(dot, PATH_MAX, "%.*s%s", PATH_MAX - 5, is_dot ? given : picture, is_dot ? "" : ".dot");
        const int format = format_of(given);
        snprintf(picture + written, (size_t)(PATH_MAX - written), ".%s", formats[format < 0 ? 0 : format]);
        return NLG_OK;
    }
    return nlg_fail(err, NLG_ERR_INPUT, "--output: expected a path below %d bytes, found %d; name a shorter one", PATH_MAX,
                    written);
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const draw_options *o = call->options;
    nlg_network network;
    char path[PATH_MAX], picture[PATH_MAX];
    nlg_status status = nlg_network_open(call->arguments[0], call->settings.genotype, o->input, 0, &network, err);
    if (status == NLG_OK && o->output && strcmp(o->output, "-") == 0) {
        status = draw(o, &network, stdout, err);
    } else if (status == NLG_OK && (status = find_paths(o, network.model->name, path, picture, err)) == NLG_OK) {
        status = write_file(o, &network, path, picture, err);
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
