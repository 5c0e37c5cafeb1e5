/* Layouts: their text, drawing list, recovery and web page. */
#include "search/layouts/layout.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[NLG_LAYOUT_KIND_COUNT] = {"box", "row", "column", "text", "button", "image", "input"};
static const char *const aligns[] = {"start", "centre", "end"};
static const int radii[NLG_LAYOUT_RADII] = {0, 4, 8, 16};
enum { UNIT = NLG_LAYOUT_UNIT, SPACING_PIXELS = 4 };

const char *nlg_layout_kind_name(nlg_layout_kind kind) {
    return kinds[kind];
}

int nlg_layout_units_across(const nlg_layout_style *style) {
    return (style->w + UNIT - 1) / UNIT;
}

int nlg_layout_units_down(const nlg_layout_style *style) {
    return (style->h + UNIT - 1) / UNIT;
}

static bool has_radius(nlg_layout_kind kind) {
    return kind != NLG_LAYOUT_TEXT;
}

static bool has_text(nlg_layout_kind kind) {
    return kind == NLG_LAYOUT_TEXT || kind == NLG_LAYOUT_BUTTON || kind == NLG_LAYOUT_INPUT;
}

static bool flows(nlg_layout_kind kind) {
    return kind == NLG_LAYOUT_ROW || kind == NLG_LAYOUT_COLUMN;
}

static bool is_in_flow(const nlg_layout *layout, const nlg_layout_component *c) {
    return c->parent >= 0 && flows(layout->component[c->parent].kind);
}

/* ---- text ---------------------------------------------------------------------------------------------------------- */

typedef struct writer {
    char *text;
    size_t size, used;
} writer;

static __attribute__((format(printf, 2, 3))) void put(writer *w, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const bool room = w->used < w->size;
    const int length = vsnprintf(room ? w->text + w->used : NULL, room ? w->size - w->used : 0, format, arguments);
    va_end(arguments);
    w->used += length > 0 ? (size_t)length : 0;
}

static void write_children(writer *w, const nlg_layout *layout, int parent) {
    for (int i = parent + 1; i < layout->count; i++) {
        const nlg_layout_component *c = &layout->component[i];
        if (c->parent != parent) continue;
        put(w, " %s", kinds[c->kind]);
        if (is_in_flow(layout, c)) {
            put(w, " %s", aligns[c->align]);
        } else {
            put(w, " %d,%d", c->x, c->y);
        }
        put(w, " %dx%d", c->w, c->h);
        if (c->colour == NLG_LAYOUT_TRANSPARENT) {
            put(w, " c-");
        } else {
            put(w, " c%d", c->colour);
        }
        if (has_radius(c->kind)) put(w, " r%d", c->radius);
        if (has_text(c->kind)) put(w, " t%d", c->text);
        if (flows(c->kind)) put(w, " s%d", c->spacing);
        if (i + 1 < layout->count && layout->component[i + 1].parent == i) {
            put(w, " {");
            write_children(w, layout, i);
            put(w, " }");
        }
    }
}

size_t nlg_layout_write(const nlg_layout *layout, char *text, size_t size) {
    writer w = {text, size, 0};
    put(&w, "layout bg%d {", layout->background);
    write_children(&w, layout, -1);
    put(&w, " }");
    return w.used;
}

typedef struct reader {
    const char *start, *at;
    const nlg_layout_style *style;
    nlg_error *err;
} reader;

static nlg_status expected(const reader *r, const char *what) {
    return nlg_fail(r->err, NLG_ERR_INPUT, "layout: expected %s at byte %ld, found '%.24s'", what, (long)(r->at - r->start), r->at);
}

/* The next word (between blanks; braces are words of their own) if it is this one. */
static bool take(reader *r, const char *word) {
    r->at += strspn(r->at, " \t");
    const size_t length = strlen(word);
    if (strncmp(r->at, word, length) != 0) return false;
    if (r->at[length] != '\0' && !strchr(" \t{}", r->at[length]) && word[0] != '{' && word[0] != '}') return false;
    r->at += length;
    return true;
}

/* `before`, then a whole number from least to most. */
static nlg_status take_number(reader *r, const char *before, int least, int most, int *value) {
    char what[64];
    snprintf(what, sizeof what, "%s and a whole number from %d to %d", before[0] ? before : "a place", least, most);
    if (before[0] != ',' && before[0] != 'x') r->at += strspn(r->at, " \t");
    const size_t length = strlen(before);
    if (strncmp(r->at, before, length) != 0) return expected(r, what);
    const char *digits = r->at + length;
    char *end = NULL;
    const long found = *digits >= '0' && *digits <= '9' ? strtol(digits, &end, 10) : -1;
    if (!end || end - digits > 4 || found < least || found > most) return expected(r, what);
    r->at = end;
    *value = (int)found;
    return NLG_OK;
}

static nlg_status read_place(reader *r, bool in_flow, nlg_layout_component *c) {
    if (!in_flow) {
        NLG_TRY(take_number(r, "", 0, nlg_layout_units_across(r->style) - 1, &c->x));
        return take_number(r, ",", 0, nlg_layout_units_down(r->style) - 1, &c->y);
    }
    for (int i = NLG_LAYOUT_START; i <= NLG_LAYOUT_END; i++) {
        if (!take(r, aligns[i])) continue;
        c->align = (nlg_layout_align)i;
        return NLG_OK;
    }
    return expected(r, "start, centre or end");
}

static nlg_status read_component(reader *r, bool in_flow, nlg_layout_component *c) {
    int kind = 0;
    while (kind < NLG_LAYOUT_KIND_COUNT && !take(r, kinds[kind])) kind++;
    if (kind == NLG_LAYOUT_KIND_COUNT) return expected(r, "box, row, column, text, button, image, input or }");
    c->kind = (nlg_layout_kind)kind;
    NLG_TRY(read_place(r, in_flow, c));
    NLG_TRY(take_number(r, "", 1, nlg_layout_units_across(r->style), &c->w));
    NLG_TRY(take_number(r, "x", 1, nlg_layout_units_down(r->style), &c->h));
    if (nlg_layout_is_container(c->kind) && take(r, "c-")) {
        c->colour = NLG_LAYOUT_TRANSPARENT;
    } else {
        NLG_TRY(take_number(r, "c", 0, r->style->n_colours - 1, &c->colour));
    }
    if (has_radius(c->kind)) NLG_TRY(take_number(r, "r", 0, NLG_LAYOUT_RADII - 1, &c->radius));
    if (has_text(c->kind)) NLG_TRY(take_number(r, "t", 0, r->style->n_texts - 1, &c->text));
    if (flows(c->kind)) NLG_TRY(take_number(r, "s", 0, NLG_LAYOUT_SPACINGS - 1, &c->spacing));
    return NLG_OK;
}

nlg_status nlg_layout_read(const char *text, const nlg_layout_style *style, nlg_layout *layout, nlg_error *err) {
    reader r = {text, text, style, err};
    *layout = (nlg_layout){0};
    if (!take(&r, "layout")) return expected(&r, "the word layout");
    NLG_TRY(take_number(&r, "bg", 0, style->n_colours - 1, &layout->background));
    if (!take(&r, "{")) return expected(&r, "{");
    int open[NLG_LAYOUT_DEPTH + 1] = {-1}, depth = 0; /* the containers that are open */
    for (;;) {
        if (take(&r, "}")) {
            if (depth-- == 0) break;
            continue;
        }
        const int i = layout->count, parent = open[depth];
        if (i == NLG_LAYOUT_COMPONENTS) return expected(&r, "} (at most 20 components)");
        nlg_layout_component *c = &layout->component[i];
        c->parent = parent;
        NLG_TRY(read_component(&r, parent >= 0 && flows(layout->component[parent].kind), c));
        layout->count++;
        if (nlg_layout_is_container(c->kind) && take(&r, "{")) {
            if (depth == NLG_LAYOUT_DEPTH) return expected(&r, "at most 4 containers within one another");
            open[++depth] = i;
        }
    }
    r.at += strspn(r.at, " \t");
    return *r.at == '\0' ? NLG_OK : expected(&r, "the end");
}

/* ---- drawing list -------------------------------------------------------------------------------------------------- */

static int clamp(int value, int least, int most) {
    return value < least ? least : value > most ? most : value;
}

static void set_colour(uint8_t to[3], const uint8_t from[3]) {
    memcpy(to, from, 3);
}

/* Black or white, whichever is further from the surface (luma of ITU-R BT.601). */
static void set_contrast(uint8_t ink[3], const uint8_t surface[3]) {
    const int luma = 299 * surface[0] + 587 * surface[1] + 114 * surface[2];
    memset(ink, luma > 150000 ? 0 : 255, 3);
}

int nlg_layout_items(const nlg_layout *layout, const nlg_layout_style *style, nlg_layout_item items[NLG_LAYOUT_COMPONENTS]) {
    static const uint8_t input_ink[3] = {107, 114, 128}, image_ink[3] = {154, 160, 166};
    int next[NLG_LAYOUT_COMPONENTS]; /* of a row or column: where its next child begins, in pixels */
    for (int i = 0; i < layout->count; i++) {
        const nlg_layout_component *c = &layout->component[i];
        nlg_layout_item *item = &items[i];
        *item = (nlg_layout_item){.kind = c->kind, .w = UNIT * c->w, .h = UNIT * c->h, .radius = radii[c->radius]};
        const int parent = c->parent, padding = SPACING_PIXELS * c->spacing;
        if (is_in_flow(layout, c)) {
            const nlg_layout_item *p = &items[parent];
            const bool across = p->kind == NLG_LAYOUT_ROW;
            const int gap = SPACING_PIXELS * layout->component[parent].spacing;
            const int room = (across ? p->h : p->w) - 2 * gap - (across ? item->h : item->w);
            const int offset = gap + (c->align == NLG_LAYOUT_START ? 0 : c->align == NLG_LAYOUT_END ? room : room / 2);
            item->x = across ? next[parent] : p->x + offset;
            item->y = across ? p->y + offset : next[parent];
            next[parent] += gap + (across ? item->w : item->h);
        } else {
            item->x = UNIT * c->x + (parent >= 0 ? items[parent].x : 0);
            item->y = UNIT * c->y + (parent >= 0 ? items[parent].y : 0);
        }
        next[i] = padding + (c->kind == NLG_LAYOUT_ROW ? item->x : item->y);
        item->filled = c->kind != NLG_LAYOUT_TEXT && c->colour != NLG_LAYOUT_TRANSPARENT;
        if (c->colour != NLG_LAYOUT_TRANSPARENT) set_colour(item->colour, style->palette[c->colour]);
        if (c->kind == NLG_LAYOUT_TEXT) set_colour(item->ink, item->colour);
        if (c->kind == NLG_LAYOUT_BUTTON) set_contrast(item->ink, item->colour);
        if (c->kind == NLG_LAYOUT_INPUT) set_colour(item->ink, input_ink);
        if (c->kind == NLG_LAYOUT_IMAGE) set_colour(item->ink, image_ink);
        if (!has_text(c->kind)) continue;
        item->text = style->texts[c->text];
        item->font = c->kind == NLG_LAYOUT_TEXT ? clamp(item->h * 3 / 4, 6, 48) : clamp(item->h / 2, 6, 14);
    }
    return layout->count;
}

/* ---- recovery ------------------------------------------------------------------------------------------------------ */

static double overlap(const nlg_layout_item *a, const nlg_layout_item *b) {
    const int left = a->x > b->x ? a->x : b->x, top = a->y > b->y ? a->y : b->y;
    const int right = a->x + a->w < b->x + b->w ? a->x + a->w : b->x + b->w;
    const int bottom = a->y + a->h < b->y + b->h ? a->y + a->h : b->y + b->h;
    if (right <= left || bottom <= top) return 0;
    const double both = (double)(right - left) * (bottom - top);
    return both / ((double)a->w * a->h + (double)b->w * b->h - both);
}

double nlg_layout_recovery(const nlg_layout *truth, const nlg_layout *found, const nlg_layout_style *style) {
    nlg_layout_item a[NLG_LAYOUT_COMPONENTS], b[NLG_LAYOUT_COMPONENTS];
    const int n = nlg_layout_items(truth, style, a), m = nlg_layout_items(found, style, b);
    bool used_a[NLG_LAYOUT_COMPONENTS] = {false}, used_b[NLG_LAYOUT_COMPONENTS] = {false};
    int matched = 0;
    for (;;) {
        double best = 0;
        int from = -1, to = -1;
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < m; j++) {
                if (used_a[i] || used_b[j] || a[i].kind != b[j].kind) continue;
                const double o = overlap(&a[i], &b[j]);
                if (o >= 0.5 && o > best) best = o, from = i, to = j;
            }
        }
        if (from < 0) break;
        used_a[from] = used_b[to] = true;
        matched++;
    }
    return n + m ? 2.0 * matched / (n + m) : 1;
}

/* ---- web page ------------------------------------------------------------------------------------------------------ */

static void escaped(FILE *f, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '&':
            fputs("&amp;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            fputc(*text, f);
        }
    }
}

static void put_colour(FILE *f, const char *property, const uint8_t c[3]) {
    fprintf(f, "%s:#%02x%02x%02x;", property, c[0], c[1], c[2]);
}

static void put_style(FILE *f, const nlg_layout *layout, int i, const nlg_layout_item *item) {
    const nlg_layout_component *c = &layout->component[i];
    static const char *const sides[] = {"flex-start", "center", "flex-end"};
    fputs(" style=\"", f);
    if (is_in_flow(layout, c)) {
        fprintf(f, "align-self:%s;", sides[c->align]);
    } else {
        fprintf(f, "position:absolute;left:%dpx;top:%dpx;", UNIT * c->x, UNIT * c->y);
    }
    fprintf(f, "width:%dpx;height:%dpx;", item->w, item->h);
    if (item->filled) put_colour(f, "background", item->colour);
    if (item->text) put_colour(f, "color", item->ink);
    if (item->radius && has_radius(c->kind)) fprintf(f, "border-radius:%dpx;", item->radius);
    if (flows(c->kind)) fprintf(f, "gap:%dpx;padding:%dpx;", SPACING_PIXELS * c->spacing, SPACING_PIXELS * c->spacing);
    if (item->text) fprintf(f, "font-size:%dpx;line-height:%dpx;", item->font, c->kind == NLG_LAYOUT_INPUT ? item->h - 4 : item->h);
    fputs("\">", f);
}

static void put_children(FILE *f, const nlg_layout *layout, const nlg_layout_item *items, int parent, int indent) {
    for (int i = parent + 1; i < layout->count; i++) {
        const nlg_layout_component *c = &layout->component[i];
        const nlg_layout_item *item = &items[i];
        if (c->parent != parent) continue;
        fprintf(f, "%*s<div class=\"%s\"", indent, "", kinds[c->kind]);
        put_style(f, layout, i, item);
        if (item->text) escaped(f, item->text);
        if (c->kind == NLG_LAYOUT_IMAGE) {
            const int r = item->radius, right = item->w - r, bottom = item->h - r;
            fprintf(f,
                    "<svg width=\"%d\" height=\"%d\"><path d=\"M%d %dL%d %dM%d %dL%d %d\" stroke=\"#%02x%02x%02x\" "
                    "stroke-width=\"2\"/></svg>",
                    item->w, item->h, r, r, right, bottom, right, r, r, bottom, item->ink[0], item->ink[1], item->ink[2]);
        }
        const bool has_children = i + 1 < layout->count && layout->component[i + 1].parent == i;
        if (has_children) {
            fputc('\n', f);
            put_children(f, layout, items, i, indent + 2);
            fprintf(f, "%*s", indent, "");
        }
        fputs("</div>\n", f);
    }
}

void nlg_layout_html(FILE *f, const nlg_layout *layout, const nlg_layout_style *style, const char *title) {
    nlg_layout_item items[NLG_LAYOUT_COMPONENTS];
    nlg_layout_items(layout, style, items);
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>", f);
    escaped(f, title);
    fprintf(f,
            "</title>\n<style>\n"
            "html, body { margin: 0; }\n"
            ".canvas { position: relative; overflow: hidden; width: %dpx; height: %dpx; }\n"
            ".canvas div { box-sizing: border-box; position: relative; flex: none; white-space: nowrap;\n"
            "  font-family: \"DejaVu Sans\", Verdana, sans-serif; }\n"
            ".row { display: flex; flex-direction: row; }\n"
            ".column { display: flex; flex-direction: column; }\n"
            ".button { text-align: center; }\n"
            ".input { border: 2px solid #6b7280; padding-left: 6px; }\n"
            ".image svg { display: block; }\n"
            "</style>\n</head>\n<body>\n<div class=\"canvas\" style=\"",
            style->w, style->h);
    put_colour(f, "background", style->palette[layout->background]);
    fputs("\">\n", f);
    put_children(f, layout, items, -1, 2);
    fputs("</div>\n</body>\n</html>\n", f);
}
