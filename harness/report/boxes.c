/* Boxes: what they hold and how large they are. */
#include "harness/report/boxes.h"

#include <stdarg.h>
#include <string.h>

#include "harness/report/boxes_place.h"
#include "layers/base/memory.h"

enum { PAD = 6, CLOSE_PAD = 3, SIGN = 20, CLOSE_SIGN = 16 };

int nlg_boxes_add(nlg_boxes *b, const nlg_box *box) {
    nlg_box *grown = nlg_grow(b->box, &b->room_boxes, b->n_boxes, sizeof *grown);
    if (!grown) return -1;
    b->box = grown;
    b->box[b->n_boxes] = *box;
    return b->n_boxes++;
}

nlg_status nlg_boxes_join(nlg_boxes *b, int from, int to, nlg_error *err) {
    for (int i = 0; i < b->n_arrows; i++)
        if (b->arrow[i].from == from && b->arrow[i].to == to) return NLG_OK;
    nlg_arrow *grown = nlg_grow(b->arrow, &b->room_arrows, b->n_arrows, sizeof *grown);
    if (!grown) return nlg_fail_memory(err, 0, "a drawing");
    b->arrow = grown;
    b->arrow[b->n_arrows++] = (nlg_arrow){from, to, false};
    return NLG_OK;
}

__attribute__((format(printf, 1, 0))) static void add_text(const char *format, va_list args, char text[NLG_BOX_LINES][NLG_BOX_TEXT],
                                                           int *n) {
    if (*n < NLG_BOX_LINES) vsnprintf(text[(*n)++], NLG_BOX_TEXT, format, args);
}

void nlg_box_line(nlg_box *box, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add_text(format, args, box->line, &box->n_lines);
    va_end(args);
}

void nlg_box_soft(nlg_box *box, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add_text(format, args, box->soft, &box->n_soft);
    va_end(args);
}

/* --- sizes --- */

void nlg_box_title(const nlg_box *box, char text[NLG_BOX_TITLE]) {
    if (box->times > 1)
        snprintf(text, NLG_BOX_TITLE, "%s x %d", box->title, box->times);
    else
        snprintf(text, NLG_BOX_TITLE, "%s", box->title);
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

void nlg_box_measure(const nlg_boxes *b, nlg_box *box) {
    char title[NLG_BOX_TITLE];
    if (box->is_sign) {
        box->w = box->h = b->are_close ? CLOSE_SIGN : SIGN;
        return;
    }
    nlg_box_title(box, title);
    if (box->bar_w > 0) {
        box->w = box->bar_w;
        box->h = box->bar_h;
        return;
    }
    box->w = nlg_face_width(NLG_FACE_BOLD, title);
    for (int i = 0; i < box->n_lines; i++) box->w = larger(box->w, nlg_face_width(NLG_FACE_PLAIN, box->line[i]));
    for (int i = 0; i < box->n_soft; i++) box->w = larger(box->w, nlg_face_width(NLG_FACE_SOFT, box->soft[i]));
    int arrows = 0;
    for (int i = 0; i < b->n_arrows; i++) arrows += &b->box[b->arrow[i].to] == box;
    box->w = larger(larger(box->w + 16, 46), 16 * arrows);
    box->h = 2 * (b->are_close ? CLOSE_PAD : PAD) + NLG_BOX_LINE_H * (*box->title != 0) + NLG_BOX_LINE_H * box->n_lines +
             NLG_BOX_SOFT_H * box->n_soft;
}

bool nlg_box_holds_text(const nlg_box *bar, const char *title) {
    return bar->w > nlg_face_width(NLG_FACE_SOFT, title) + 6 && bar->h > NLG_BOX_SOFT_H + 2;
}

double nlg_box_room(const nlg_box *box) {
    char title[NLG_BOX_TITLE];
    nlg_box_title(box, title);
    if (box->bar_w > 0 && !nlg_box_holds_text(box, title)) return box->w + 2 * (6 + nlg_face_width(NLG_FACE_SOFT, title));
    if (box->is_sign && box->n_soft) return box->w + 2 * (5 + nlg_face_width(NLG_FACE_SOFT, box->soft[0]));
    return box->w + (box->shortcut ? 2 * (NLG_BOX_ARC + 4) : 0);
}
