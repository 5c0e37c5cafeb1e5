/* Boxes that have their places: drawn, aligned with others, as DOT. */
#include <string.h>

#include "harness/report/boxes_place.h"

/* --- drawing --- */

static void draw_texts(const nlg_box *box, nlg_scene *scene, double x, double y) {
    char title[NLG_BOX_TITLE];
    nlg_box_title(box, title);
    double base = y + 0.5 * (box->h - NLG_BOX_LINE_H * ((*box->title != 0) + box->n_lines) - NLG_BOX_SOFT_H * box->n_soft) + 11;
    if (box->bar_w > 0) {
        const bool inside = nlg_box_holds_text(box, title);
        nlg_scene_add_text(scene, inside ? x : x + 0.5 * box->w + 6, y + 0.5 * box->h + 4, inside ? 0 : -1, NLG_FACE_SOFT, title);
        return;
    }
    if (box->is_sign) {
        nlg_scene_add_text(scene, x, y + 0.5 * box->h + 4.5, 0, NLG_FACE_PLAIN, box->title);
        if (box->n_soft) nlg_scene_add_text(scene, x + 0.5 * box->w + 5, y + 0.5 * box->h + 4, -1, NLG_FACE_SOFT, box->soft[0]);
        return;
    }
    if (*title) {
        nlg_scene_add_text(scene, x, base, 0, NLG_FACE_BOLD, title);
        base += NLG_BOX_LINE_H;
    }
    for (int i = 0; i < box->n_lines; i++, base += NLG_BOX_LINE_H)
        nlg_scene_add_text(scene, x, base, 0, NLG_FACE_PLAIN, box->line[i]);
    for (int i = 0; i < box->n_soft; i++, base += NLG_BOX_SOFT_H)
        nlg_scene_add_text(scene, x, base, 0, NLG_FACE_SOFT, box->soft[i]);
}

/* From the line above the box round it to the line below. */
static void draw_shortcut(const nlg_box *box, nlg_scene *s, double x, double y) {
    const double right = x + 0.5 * box->w + NLG_BOX_ARC, top = y - 12, bottom = y + box->h + 9;
    nlg_scene_line_from(s, x, top);
    nlg_scene_straight_to(s, right - 8, top);
    nlg_scene_turn_to(s, right, top + 8, right, top);
    nlg_scene_straight_to(s, right, bottom - 8);
    nlg_scene_turn_to(s, right - 8, bottom, right, bottom);
    nlg_scene_straight_to(s, x + 1, bottom);
    nlg_scene_line_ends(s, box->shortcut == NLG_SHORTCUT_PROJECTION, true);
}

static void draw_arrow(const nlg_boxes *b, const nlg_arrow *arrow, nlg_scene *s, double x, double y) {
    const nlg_box *from = &b->box[arrow->from], *to = &b->box[arrow->to];
    if (to->layer <= from->layer) return;
    nlg_scene_line_from(s, x + from->x, y + from->y + from->h);
    nlg_scene_straight_to(s, x + from->x, y + b->layer_top[from->layer] + b->layer_height[from->layer]);
    for (int layer = from->layer + 1; layer < to->layer; layer++) {
        const double lane = x + nlg_box_lane_x(b, arrow->from, layer);
        nlg_scene_curve_to(s, lane, y + b->layer_top[layer]);
        nlg_scene_straight_to(s, lane, y + b->layer_top[layer] + b->layer_height[layer]);
    }
    const double port = x + nlg_box_port_x(b, arrow);
    nlg_scene_curve_to(s, port, y + b->layer_top[to->layer]);
    if (to->y > b->layer_top[to->layer] + 0.01) nlg_scene_straight_to(s, port, y + to->y);
    nlg_scene_line_ends(s, arrow->dashed, true);
}

void nlg_boxes_draw(const nlg_boxes *b, nlg_scene *scene, double x, double y) {
    for (int i = 0; i < b->n_arrows && !b->are_bars; i++) draw_arrow(b, &b->arrow[i], scene, x, y);
    for (int i = 0; i < b->n_boxes; i++) {
        const nlg_box *box = &b->box[i];
        if (box->shortcut) draw_shortcut(box, scene, x + box->x, y + box->y);
        nlg_scene_add_box(scene, (nlg_scene_box){.x = x + box->x - 0.5 * box->w,
                                                 .y = y + box->y,
                                                 .w = box->w,
                                                 .h = box->h,
                                                 .tone = box->tone,
                                                 .round = box->is_sign,
                                                 .dashed = box->dashed,
                                                 .strong = box->strong});
        draw_texts(box, scene, x + box->x, y + box->y);
    }
}

/* --- beside each other --- */

/* Rows of the maps in a layer; 0: no boxes. */
static int size_of_layer(const nlg_boxes *b, int layer) {
    int size = 0;
    for (int i = 0; i < b->n_boxes; i++)
        if (b->box[i].layer == layer && b->box[i].size > size) size = b->box[i].size;
    return size;
}

static void move_down(nlg_boxes *b, int from_layer, double by) {
    for (int l = from_layer; l < b->n_layers; l++) b->layer_top[l] += by;
    for (int i = 0; i < b->n_boxes; i++)
        if (b->box[i].layer >= from_layer) b->box[i].y += by;
    b->height += by;
}

/* The first layer of this size; -1: none. */
static int first_of_size(const nlg_boxes *b, int size) {
    for (int l = 0; l < b->n_layers; l++)
        if (size_of_layer(b, l) == size) return l;
    return -1;
}

void nlg_boxes_align(nlg_boxes *const *drawings, int n) {
    for (int size = 1 << 16, next; size > 0; size = next) {
        double top = 0;
        next = 0;
        for (int d = 0; d < n; d++)
            for (int l = 0; l < drawings[d]->n_layers; l++) {
                const int found = size_of_layer(drawings[d], l);
                if (found < size && found > next) next = found;
            }
        for (int d = 0; d < n; d++) {
            const int l = first_of_size(drawings[d], size);
            if (l >= 0 && drawings[d]->layer_top[l] > top) top = drawings[d]->layer_top[l];
        }
        for (int d = 0; d < n; d++) {
            const int l = first_of_size(drawings[d], size);
            if (l >= 0) move_down(drawings[d], l, top - drawings[d]->layer_top[l]);
        }
    }
}

/* --- DOT --- */

static void print_quoted(FILE *f, const char *text) {
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', f);
        fputc(*text, f);
    }
}

static void print_dot_box(const nlg_box *box, FILE *f) {
    char title[NLG_BOX_TITLE];
    nlg_box_title(box, title);
    fputs("label=\"", f);
    print_quoted(f, title);
    for (int i = 0; i < box->n_lines + box->n_soft; i++) {
        fputs(i > 0 || *title ? "\\n" : "", f);
        print_quoted(f, i < box->n_lines ? box->line[i] : box->soft[i - box->n_lines]);
    }
    fprintf(f, "\", fillcolor=\"%s\"%s%s%s", nlg_tone_fill(box->tone), box->is_sign ? ", shape=circle" : "",
            box->dashed ? ", style=\"rounded,filled,dashed\"" : "", box->strong ? ", penwidth=2" : "");
}

void nlg_boxes_dot(const nlg_boxes *b, FILE *f, const char *id) {
    for (int i = 0; i < b->n_boxes; i++) {
        fprintf(f, "    %s%d [", id, i);
        print_dot_box(&b->box[i], f);
        fputs("];\n", f);
        if (b->box[i].shortcut)
            fprintf(f, "    %s%d -> %s%d [style=%s, tooltip=\"shortcut\"];\n", id, i, id, i,
                    b->box[i].shortcut == NLG_SHORTCUT_PROJECTION ? "dashed" : "solid");
    }
    for (int i = 0; i < b->n_arrows; i++) fprintf(f, "    %s%d -> %s%d;\n", id, b->arrow[i].from, id, b->arrow[i].to);
}
