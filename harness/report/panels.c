/* Panels of a drawing, and the drawings of the report. */
#include "harness/report/panels.h"

#include <stdio.h>
#include <string.h>

#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/base/share.h"

enum { MARGIN = 10, GAP = 22, ROW_GAP = 36, HEAD_H = 20, SOFT_H = 16, ROW_W = 880, KINDS = 16, LARGEST = 1 << 20 };

void nlg_panels_free(nlg_panels *p) {
    for (int i = 0; i < p->n; i++) nlg_boxes_free(&p->panel[i].boxes);
    nlg_free(p->panel);
    *p = (nlg_panels){0};
}

/* A new panel at the end; NULL when memory is short. */
static nlg_panel *add(nlg_panels *p, const char *head) {
    nlg_panel *grown = nlg_grow(p->panel, &p->room, p->n, sizeof *grown);
    if (!grown) return NULL;
    p->panel = grown;
    p->panel[p->n] = (nlg_panel){0};
    snprintf(p->panel[p->n].head, sizeof p->panel[p->n].head, "%.95s", head);
    return &p->panel[p->n++];
}

static nlg_status add_one(nlg_panels *p, const nlg_network *network, const nlg_structure *structure, const char *head,
                          nlg_error *err) {
    nlg_panel *panel = add(p, head ? head : structure->block ? structure->block : network->title);
    if (!panel) return nlg_fail_memory(err, sizeof *panel, "a drawing");
    NLG_TRY(nlg_structure_boxes(network, structure, &panel->boxes, err));
    return nlg_structure_counts(network, structure->block, panel->soft, sizeof panel->soft, err);
}

nlg_status nlg_panels_add(nlg_panels *p, const nlg_network *network, const nlg_structure *structure, const char *head,
                          nlg_error *err) {
    if (!structure->block || strcmp(structure->block, "*") != 0) return add_one(p, network, structure, head, err);
    const char *kinds[KINDS];
    const int n = nlg_structure_kinds(network->graph, kinds, KINDS);
    if (!n) return nlg_fail(err, NLG_ERR_INPUT, "%s has no blocks", network->title);
    for (int i = 0; i < n; i++) {
        nlg_structure one = *structure;
        one.block = kinds[i];
        NLG_TRY(add_one(p, network, &one, NULL, err));
    }
    return NLG_OK;
}

/* --- cells --- */

nlg_status nlg_panels_add_cell(nlg_panels *p, const nlg_cell *cell, const char *head, nlg_error *err) {
    nlg_panel *panel = add(p, head);
    return panel ? nlg_cell_boxes(cell, &panel->boxes, err) : nlg_fail_memory(err, sizeof *panel, "a drawing");
}

bool nlg_has_cells(const nlg_model *model) {
    return nlg_model_cells(model) || model->family->genotypes == &nlg_fpn_genotypes;
}

nlg_status nlg_panels_add_pair(nlg_panels *p, const nlg_cell_genotype *g, const char *head, nlg_error *err) {
    char text[96];
    snprintf(text, sizeof text, "%s%s%s", head ? head : "", head ? ", " : "",
             g->reduction.n_blocks ? "normal cell" : "cell (stride 2 where it reduces)");
    NLG_TRY(nlg_panels_add_cell(p, &g->normal, text, err));
    snprintf(text, sizeof text, "%s%sreduction cell", head ? head : "", head ? ", " : "");
    return g->reduction.n_blocks ? nlg_panels_add_cell(p, &g->reduction, text, err) : NLG_OK;
}

nlg_status nlg_panels_add_cells(nlg_panels *p, const nlg_model *model, const char *head, nlg_error *err) {
    const nlg_cell_network *cells = nlg_model_cells(model);
    if (!cells) {
        const nlg_detector_spec *spec = model->spec;
        nlg_panel *panel = add(p, head ? head : model->name);
        if (!panel) return nlg_fail_memory(err, sizeof *panel, "a drawing");
        return nlg_fpn_boxes(spec->stack ? spec->stack : &nlg_nas_fpn_stack, &panel->boxes, err);
    }
    return nlg_panels_add_pair(p, cells->genotype, head, err);
}

/* --- the whole picture --- */

static double larger(double a, double b) {
    return a > b ? a : b;
}

static double width_of(const nlg_panel *p) {
    return larger(p->boxes.width, larger(nlg_face_width(NLG_FACE_HEAD, p->head), nlg_face_width(NLG_FACE_SOFT, p->soft)));
}

static double head_height(const nlg_panel *p) {
    return (*p->head ? HEAD_H : 0) + (*p->soft ? SOFT_H : 0) + 8;
}

static nlg_status place_all(nlg_panels *p, nlg_error *err) {
    for (int i = 0; i < p->n; i++) NLG_TRY(nlg_boxes_place(&p->panel[i].boxes, err));
    if (!p->aligned) return NLG_OK;
    nlg_boxes **all = nlg_alloc((size_t)p->n + 1, sizeof *all);
    if (!all) return nlg_fail_memory(err, sizeof *all, "a drawing");
    for (int i = 0; i < p->n; i++) all[i] = &p->panel[i].boxes;
    nlg_boxes_align(all, p->n);
    nlg_free(all);
    return NLG_OK;
}

/* The first layer of the next smaller size in any of the drawings. */
static int next_size(const nlg_panels *p, int size, double *top) {
    int next = 0;
    for (int i = 0; i < p->n; i++) {
        const nlg_boxes *b = &p->panel[i].boxes;
        for (int k = 0; k < b->n_boxes; k++) {
            const int found = b->box[k].size;
            if (found >= size || found < next) continue;
            if (found > next || b->layer_top[b->box[k].layer] < *top) *top = b->layer_top[b->box[k].layer];
            next = found;
        }
    }
    return next;
}

/* The sizes of the maps at the left of the first boxes that have them; returns the room that they take. */
static double draw_sizes(const nlg_panels *p, nlg_scene *scene, double y) {
    double room = 0, last = -100, top = 0;
    for (int size = 1 << 16; (size = next_size(p, size, &top)) > 0;) {
        char text[32];
        snprintf(text, sizeof text, "%d x %d", size, size);
        room = larger(room, nlg_face_width(NLG_FACE_SOFT, text) + 14);
        if (scene && top > last + 14) nlg_scene_add_text(scene, MARGIN, y + top + 14, -1, NLG_FACE_SOFT, text);
        if (top > last) last = top;
    }
    return room;
}

nlg_status nlg_panels_scene(nlg_panels *p, nlg_scene *scene, nlg_error *err) {
    NLG_TRY(place_all(p, err));
    double y = MARGIN;
    const double left = MARGIN + (p->aligned ? draw_sizes(p, NULL, 0) : 0);
    for (int first = 0, end; first < p->n; first = end) {
        double x = left, head = 0, height = 0;
        for (end = first; end < p->n && (end == first || p->aligned || x + width_of(&p->panel[end]) < ROW_W); end++) {
            head = larger(head, head_height(&p->panel[end]));
            height = larger(height, p->panel[end].boxes.height);
            x += width_of(&p->panel[end]) + GAP;
        }
        scene->width = larger(scene->width, x - GAP + MARGIN);
        x = left;
        for (int i = first; i < end; i++) {
            const nlg_panel *panel = &p->panel[i];
            const double width = width_of(panel), middle = x + 0.5 * width;
            nlg_scene_add_text(scene, middle, y + 14, 0, NLG_FACE_HEAD, panel->head);
            nlg_scene_add_text(scene, middle, y + 14 + SOFT_H, 0, NLG_FACE_SOFT, panel->soft);
            nlg_boxes_draw(&panel->boxes, scene, middle - 0.5 * panel->boxes.width, y + head);
            x += width + GAP;
        }
        if (p->aligned) draw_sizes(p, scene, y + head);
        y += head + height + ROW_GAP;
    }
    scene->height = y - ROW_GAP + MARGIN;
    return scene->short_of_memory ? nlg_fail_memory(err, 0, "a drawing") : NLG_OK;
}

void nlg_panels_dot(const nlg_panels *p, const char *title, FILE *f) {
    char safe[200];
    size_t n = 0;
    for (const char *c = title; *c && n + 2 < sizeof safe; c++) {
        if (*c == '"' || *c == '\\') safe[n++] = '\\';
        safe[n++] = *c;
    }
    safe[n] = '\0';
    fprintf(f,
            "digraph \"%s\" {\n  rankdir=TB;\n  labelloc=t; fontname=\"Helvetica\";\n  label=\"%s\";\n"
            "  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"Helvetica\", fontsize=11];\n"
            "  edge [color=\"#555555\", arrowsize=0.6];\n",
            safe, safe);
    for (int i = 0; i < p->n; i++) {
        char id[16];
        snprintf(id, sizeof id, "p%d_", i);
        if (p->n > 1) fprintf(f, "  subgraph \"cluster_%d\" {\n    label=\"%s\"; color=\"#aaaaaa\";\n", i, p->panel[i].head);
        nlg_boxes_dot(&p->panel[i].boxes, f, id);
        if (p->n > 1) fprintf(f, "  }\n");
    }
    fprintf(f, "}\n");
}

/* --- drawings.json --- */

static const char *text_of(const cJSON *object, const char *key) {
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(v) ? v->valuestring : NULL;
}

static bool flag_of(const cJSON *object, const char *key) {
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static bool is_one_of(const char *word, const char *const *words) {
    while (*words && strcmp(*words, word) != 0) words++;
    return *words != NULL;
}

static nlg_status check_keys(const cJSON *object, const char *const *keys, const char *path, const char *id, nlg_error *err) {
    const cJSON *member;
    cJSON_ArrayForEach(member, object) if (!is_one_of(member->string, keys)) return nlg_fail(
        err, NLG_ERR_INPUT, "%s: %s: there is no key '%s'", path, id ? id : "?", member->string);
    return NLG_OK;
}

static const char *const shows[] = {"stages", "blocks", "layers", "outline", "cells", "space", NULL};

/* "input": [channels, height, width], in place of the network's own. */
static bool read_input(const cJSON *panel, nlg_shape *input) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(panel, "input");
    int *const to[] = {&input->c, &input->h, &input->w};
    *input = (nlg_shape){0};
    if (!list) return true;
    for (int i = 0; i < 3; i++) {
        const cJSON *size = cJSON_GetArrayItem(list, i);
        if (!cJSON_IsNumber(size) || size->valueint < 1) return false;
        *to[i] = size->valueint;
    }
    return cJSON_GetArraySize(list) == 3;
}

static nlg_status check_drawing(const cJSON *d, const char *path, nlg_error *err) {
    static const char *const keys[] = {"id", "section", "title", "caption", "alt", "aligned", "panels", NULL};
    static const char *const panel_keys[] = {"network", "genotype", "show", "block", "columns", "brief", "head", "input", NULL};
    static const char *const needed[] = {"id", "section", "title", "caption", "alt"};
    const char *id = text_of(d, "id");
    const cJSON *panels = cJSON_GetObjectItemCaseSensitive(d, "panels"), *panel;
    nlg_shape input;
    NLG_TRY(check_keys(d, keys, path, id, err));
    for (int i = 0; i < 5; i++)
        if (!text_of(d, needed[i]))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: %s: %s: expected a text", path, id ? id : "?", needed[i]);
    if (!cJSON_GetArraySize(panels)) return nlg_fail(err, NLG_ERR_INPUT, "%s: %s: panels: expected one or more", path, id);
    cJSON_ArrayForEach(panel, panels) {
        NLG_TRY(check_keys(panel, panel_keys, path, id, err));
        if (!text_of(panel, "network")) return nlg_fail(err, NLG_ERR_INPUT, "%s: %s: a panel without a network", path, id);
        if (!text_of(panel, "show") || !is_one_of(text_of(panel, "show"), shows))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: %s: show: expected stages, blocks, layers, outline, cells or space", path, id);
        if (!read_input(panel, &input))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: %s: input: expected [channels, height, width]", path, id);
    }
    return NLG_OK;
}

nlg_status nlg_drawings_load(cJSON **drawings, nlg_error *err) {
    char path[1024], *text;
    size_t size;
    const cJSON *d;
    *drawings = NULL;
    if (!nlg_share_path("harness/report/templates/drawings.json", path, sizeof path))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: missing", path);
    NLG_TRY(nlg_file_read(path, LARGEST, &text, &size, err));
    nlg_status status = nlg_json_read(text, size, path, drawings, err);
    nlg_free(text);
    if (status != NLG_OK) return status;
    cJSON_ArrayForEach(d, *drawings) {
        if (status == NLG_OK) status = check_drawing(d, path, err);
    }
    if (status != NLG_OK) {
        cJSON_Delete(*drawings);
        *drawings = NULL;
    }
    return status;
}

static nlg_show show_of(const char *word) {
    int i = 0;
    while (shows[i] && strcmp(shows[i], word) != 0) i++;
    return (nlg_show)i;
}

static nlg_status add_space(nlg_panels *panels, const char *name, const char *head, nlg_error *err) {
    nlg_space space;
    nlg_panel *panel = add(panels, head ? head : name);
    if (!panel) return nlg_fail_memory(err, sizeof *panel, "a drawing");
    nlg_status status = nlg_space_open(name, &space, err);
    if (status == NLG_OK) status = nlg_space_boxes(&space, &panel->boxes, err);
    if (status == NLG_OK) snprintf(panel->soft, sizeof panel->soft, "%d choices, %.1e codes", space.length, nlg_space_size(&space));
    nlg_space_close(&space);
    return status;
}

static nlg_status add_panel(nlg_panels *panels, const cJSON *panel, nlg_error *err) {
    nlg_network network;
    nlg_shape input;
    const char *show = text_of(panel, "show");
    if (strcmp(show, "space") == 0) return add_space(panels, text_of(panel, "network"), text_of(panel, "head"), err);
    const nlg_structure structure = {.show = strcmp(show, "cells") == 0 ? NLG_SHOW_STAGES : show_of(show),
                                     .block = text_of(panel, "block"),
                                     .columns = flag_of(panel, "columns"),
                                     .brief = flag_of(panel, "brief")};
    read_input(panel, &input);
    nlg_status status = nlg_network_open(text_of(panel, "network"), text_of(panel, "genotype"), input, 0, &network, err);
    if (status == NLG_OK && strcmp(show, "cells") == 0) {
        status = nlg_has_cells(network.model) ? nlg_panels_add_cells(panels, network.model, text_of(panel, "head"), err)
                                              : nlg_fail(err, NLG_ERR_INPUT, "%s is not made of cells", network.title);
    } else if (status == NLG_OK) {
        status = nlg_panels_add(panels, &network, &structure, text_of(panel, "head"), err);
    }
    nlg_network_close(&network);
    return status;
}

nlg_status nlg_drawing_panels(const cJSON *drawing, nlg_panels *panels, nlg_error *err) {
    const cJSON *panel;
    panels->aligned = flag_of(drawing, "aligned");
    cJSON_ArrayForEach(panel, cJSON_GetObjectItemCaseSensitive(drawing, "panels")) NLG_TRY(add_panel(panels, panel, err));
    return NLG_OK;
}
