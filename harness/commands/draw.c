/* lineage draw: a network, its blocks or its cells, or a drawing of the report, as SVG, PNG, PDF or Graphviz text. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "harness/command.h"
#include "harness/options.h"
#include "harness/report/panels.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"

typedef struct draw_options {
    bool cells, list;
    const char *output, *block, *show;
    nlg_shape input;
} draw_options;

enum { KEY_CELLS = 0x100, KEY_OUTPUT, KEY_INPUT, KEY_BLOCK, KEY_SHOW, KEY_LIST };
static const struct argp_option options[] = {
    {"show", KEY_SHOW, "WHAT", 0,
     "stages (equal blocks behind each other as one), blocks or layers (default: blocks, in large networks stages)", 0},
    {"block", KEY_BLOCK, "TITLE", 0, "A block in detail, TITLE#2: the second of this title; all: one of each kind", 0},
    {"cells", KEY_CELLS, NULL, 0, "The cells (NASNet, PNASNet, AmoebaNet) or merging cells (NAS-FPN)", 0},
    {"list", KEY_LIST, NULL, 0, "List the drawings of the report, which have names like networks", 0},
    {"output", KEY_OUTPUT, "FILE", 0,
     "FILE.svg, FILE.png, FILE.pdf or FILE.dot (default: NAME.svg); - for Graphviz text on standard output", 0},
    {"input", KEY_INPUT, "C,H,W", 0, "Another input size, where the network allows it", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    draw_options *o = where;
    switch (key) {
    case KEY_CELLS:
        o->cells = true;
        return NLG_OK;
    case KEY_LIST:
        o->list = true;
        return NLG_OK;
    case KEY_OUTPUT:
        o->output = value;
        return NLG_OK;
    case KEY_BLOCK:
        o->block = value;
        return NLG_OK;
    case KEY_SHOW:
        o->show = value;
        return NLG_OK;
    default:
        return nlg_option_shape("--input", value, &o->input, err);
    }
}

typedef enum { FORMAT_SVG, FORMAT_PNG, FORMAT_PDF, FORMAT_DOT, FORMATS } picture_format;
static const char *const endings[FORMATS] = {".svg", ".png", ".pdf", ".dot"};

static nlg_status find_format(const char *path, picture_format *found, nlg_error *err) {
    const size_t length = strlen(path);
    for (int i = 0; i < FORMATS; i++)
        if (length > 4 && strcasecmp(path + length - 4, endings[i]) == 0) {
            *found = (picture_format)i;
            return NLG_OK;
        }
    return nlg_fail(err, NLG_ERR_INPUT, "--output %s: expected a name that ends with .svg, .png, .pdf or .dot", path);
}

static nlg_status find_show(const draw_options *o, const nlg_network *network, nlg_show *show, nlg_error *err) {
    static const char *const words[] = {[NLG_SHOW_STAGES] = "stages", [NLG_SHOW_BLOCKS] = "blocks", [NLG_SHOW_LAYERS] = "layers"};
    *show = o->block ? NLG_SHOW_BLOCKS : nlg_structure_choice(network->graph);
    for (int i = 0; o->show && i < 3; i++) {
        *show = (nlg_show)i;
        if (strcmp(words[i], o->show) == 0) return NLG_OK;
    }
    return o->show ? nlg_fail(err, NLG_ERR_INPUT, "--show: expected stages, blocks or layers, found '%s'", o->show) : NLG_OK;
}

static nlg_status panels_of(const draw_options *o, const nlg_network *network, nlg_panels *panels, nlg_error *err) {
    if (o->cells && !nlg_has_cells(network->model))
        return nlg_fail(err, NLG_ERR_INPUT, "%s is not made of cells; nasnet_a_small is", network->title);
    if (o->cells) return nlg_panels_add_cells(panels, network->model, network->title, err);
    nlg_structure structure = {.block = o->block && strcmp(o->block, "all") == 0 ? "*" : o->block};
    NLG_TRY(find_show(o, network, &structure.show, err));
    return nlg_panels_add(panels, network, &structure, NULL, err);
}

/* The drawing of the report that has this name; NULL: none. */
static const cJSON *find_drawing(const cJSON *drawings, const char *name) {
    const cJSON *d;
    cJSON_ArrayForEach(d, drawings) if (strcmp(cJSON_GetObjectItem(d, "id")->valuestring, name) == 0) return d;
    return NULL;
}

static nlg_status write_dot(const nlg_panels *panels, const char *title, const char *path, nlg_error *err) {
    nlg_file_writer writer;
    NLG_TRY(nlg_file_begin(&writer, path, err));
    nlg_panels_dot(panels, title, writer.stream);
    return nlg_file_commit(&writer, err);
}

static nlg_status write_picture(nlg_panels *panels, const char *title, const char *path, picture_format format, nlg_error *err) {
    nlg_scene scene = {0};
    nlg_bytes bytes = {0};
    char alt[256];
    size_t used = (size_t)snprintf(alt, sizeof alt, "Structure of");
    for (int i = 0; i < panels->n && used < sizeof alt; i++)
        used += (size_t)snprintf(alt + used, sizeof alt - used, "%s %s, %s", i ? ";" : "", panels->panel[i].head,
                                 panels->panel[i].soft);
    nlg_status status = nlg_panels_scene(panels, &scene, err);
    if (status == NLG_OK)
        status = format == FORMAT_SVG
                     ? nlg_scene_svg(&scene, "structure", title, alt, &bytes, err)
                     : nlg_scene_print(&scene, format == FORMAT_PNG ? &bytes : NULL, format == FORMAT_PDF ? &bytes : NULL, err);
    if (status == NLG_OK) status = nlg_file_write(path, bytes.data, bytes.size, err);
    nlg_free(bytes.data);
    nlg_scene_free(&scene);
    return status;
}

static nlg_status write(const draw_options *o, nlg_panels *panels, const char *name, const char *title, nlg_error *err) {
    char path[PATH_MAX];
    picture_format format;
    if (o->output && strcmp(o->output, "-") == 0) {
        nlg_panels_dot(panels, title, stdout);
        return NLG_OK;
    }
    const int length = o->output ? snprintf(path, sizeof path, "%s", o->output)
                                 : snprintf(path, sizeof path, "%s%s.svg", name, o->cells ? "_cells" : "");
    if (length >= (int)sizeof path)
        return nlg_fail(err, NLG_ERR_INPUT, "--output: expected a path below %d bytes, found %d; name a shorter one", PATH_MAX,
                        length);
    NLG_TRY(find_format(path, &format, err));
    NLG_TRY(format == FORMAT_DOT ? write_dot(panels, title, path, err) : write_picture(panels, title, path, format, err));
    printf("%s\n", path);
    return NLG_OK;
}

static nlg_status draw_network(const nlg_invocation *call, nlg_panels *panels, nlg_error *err) {
    const draw_options *o = call->options;
    nlg_network network;
    nlg_status status = nlg_network_open(call->arguments[0], call->settings.genotype, o->input, 0, &network, err);
    if (status == NLG_OK) status = panels_of(o, &network, panels, err);
    if (status == NLG_OK) {
        const int year = nlg_model_year(network.model);
        char title[256], dated[16] = "";
        if (year) snprintf(dated, sizeof dated, ", %d", year);
        snprintf(title, sizeof title, o->cells ? "%s" : "%s (%s%s)", network.title, network.model->family->name, dated);
        status = write(o, panels, network.model->name, title, err);
    }
    nlg_network_close(&network);
    return status;
}

static nlg_status list(const cJSON *drawings) {
    const cJSON *d;
    cJSON_ArrayForEach(d, drawings)
        printf("%-24s %s\n", cJSON_GetObjectItem(d, "id")->valuestring, cJSON_GetObjectItem(d, "title")->valuestring);
    return NLG_OK;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const draw_options *o = call->options;
    nlg_panels panels = {0};
    cJSON *drawings;
    if (!o->list && call->n_arguments == 0)
        return nlg_fail(err, NLG_ERR_INPUT, "expected a network or a drawing; --list lists drawings");
    NLG_TRY(nlg_drawings_load(&drawings, err));
    const cJSON *drawing = call->n_arguments ? find_drawing(drawings, call->arguments[0]) : NULL;
    nlg_status status;
    if (o->list) {
        status = list(drawings);
    } else if (drawing) {
        status = nlg_drawing_panels(drawing, &panels, err);
        if (status == NLG_OK)
            status = write(o, &panels, call->arguments[0], cJSON_GetObjectItem(drawing, "title")->valuestring, err);
    } else {
        status = draw_network(call, &panels, err);
    }
    nlg_panels_free(&panels);
    cJSON_Delete(drawings);
    return status;
}

const nlg_command nlg_command_draw = {
    .name = "draw",
    .summary = "Draw a network, its blocks or its cells",
    .arguments = "MODEL|DRAWING",
    .min_arguments = 0,
    .max_arguments = 1,
    .help = "Examples:\n  lineage draw resnet50\n  lineage draw mobilenet_v2 --block all\n  lineage draw nasnet_a_small --cells "
            "--output nasnet.pdf",
    .options = options,
    .shared = NLG_TAKES_GENOTYPE,
    .options_size = sizeof(draw_options),
    .option = option,
    .run = run,
};
