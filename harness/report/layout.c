/* Ranges, ticks, legends and labels of a figure. */
#include "harness/report/layout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/json.h"
#include "layers/base/memory.h"

/* Colours of Okabe and Ito (and two of Tol), told apart by colour-blind readers, on white and on black. */
enum {
    BLUE = 0x0072b2,
    VERMILION = 0xd55e00,
    GREEN = 0x009e73,
    PURPLE = 0xcc79a7,
    ORANGE = 0xe69f00,
    SKY = 0x56b4e9,
    WINE = 0xaa4477,
    GREY = 0x888888
};
static const struct {
    const char *name;
    int colour;
} palette[] = {{"blue", BLUE}, {"vermilion", VERMILION}, {"green", GREEN}, {"purple", PURPLE}, {"orange", ORANGE},
               {"sky", SKY},   {"wine", WINE},           {"grey", GREY}};
enum { PALETTE = sizeof palette / sizeof *palette };
/* gnuplot's shapes, filled: circle, triangle, square, diamond, inverted triangle, pentagon. One less is hollow. */
static const int shapes[] = {7, 9, 5, 13, 11, 15};
static const double category_room = 0.45; /* of the width, left of the axis */
enum { NAME_LINES = 3, CATEGORY_ROW = 20, MORE_LINE = 12 };
enum { LEGEND_MOST = 10 }; /* of more series, those that have labels are not named twice */
enum { SHAPES = sizeof shapes / sizeof *shapes, ADDED_SHAPE = 13, CROSS = 2 };

double nlg_text_width(const char *text, double size) {
    /* Of the characters 32 to 126, in thousandths. */
    static const short width[] = {318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361,  318, 337, 636, 636, 636,
                                  636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
                                  575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635,  611, 732, 684, 989, 685,
                                  611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352,  635, 634, 278, 278, 579,
                                  278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592,  525, 636, 337, 636, 838};
    double sum = 0;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 32 && c < 127)
            sum += width[c - 32];
        else if ((c & 0xc0) != 0x80)
            sum += 1000;
    }
    return sum * size / 1000;
}

/* --- what is drawn --- */

typedef struct box {
    double x0, y0, x1, y1;
} box;

/* Of a label. leads: with a line to its point. cost: 0: none yet. */
typedef struct place {
    box box;
    bool leads;
    int faults, cost;
} place;

typedef struct work {
    nlg_layout *l;
    const nlg_figure *figure;
    const nlg_rows *rows;
    char *title[2];     /* of the axes x and y */
    double font, small; /* sizes in pixels */
    double margin;      /* room right of the axes for the labels of line ends; 0: they are placed like others */
    const char *series[NLG_SERIES];
    const char **categories;
    int n_categories;
    box *taken; /* every point, and the labels of line ends */
    int n_taken;
    place *places; /* [rows]: where their other labels stand */
    nlg_segment *bars;
    int n_bars;
} work;

static const char *text_at(const work *w, int row, const char *column) {
    const char *t = nlg_rows_text(w->rows, row, column);
    return t && *t ? t : NULL;
}

static bool is(const char *text, const char *word) {
    return text && strcmp(text, word) == 0;
}

/* A copy in which nothing can be misread by gnuplot or a viewer: one line, valid UTF-8, backslashes doubled. */
static char *clean(const char *text, double size, double room) {
    size_t length = strlen(text), used = 0;
    char *out = nlg_alloc(3 * length + 8, 1);
    for (const char *c = text; out && *c;) {
        int bytes = nlg_utf8_bytes(c);
        if (!bytes) {
            used += (size_t)snprintf(out + used, 4, "\xef\xbf\xbd");
            c++;
        } else if (bytes == 1) {
            if ((unsigned char)*c < 32 || *c == 127)
                out[used++] = ' ';
            else if (*c == '"')
                used += (size_t)snprintf(out + used, 4, "\xe2\x80\x9d");
            else
                out[used++] = *c;
            if (*c == '\\') out[used++] = '\\';
            c++;
        } else {
            memcpy(out + used, c, (size_t)bytes);
            used += (size_t)bytes;
            c += bytes;
        }
        out[used] = 0;
        if (room > 0 && *c && nlg_text_width(out, size) > room - size) {
            memcpy(out + used, "\xe2\x80\xa6", 4);
            break;
        }
    }
    return out;
}

static nlg_status put_text(work *w, double x, double y, nlg_anchor anchor, bool is_small, const char *text, double room,
                           nlg_error *err) {
    nlg_layout *l = w->l;
    char *copy = clean(text, is_small ? w->small : w->font, room);
    if (!copy) return nlg_fail_memory(err, strlen(text), "a figure");
    l->texts[l->n_texts++] = (nlg_placed_text){x, y, anchor, is_small, copy};
    return NLG_OK;
}

static double width_of(const work *w, const char *text, bool is_small) {
    return nlg_text_width(text, is_small ? w->small : w->font);
}

/* Numbers of series and their looks, categories to numbers. */
static nlg_status read_rows(work *w, nlg_error *err) {
    nlg_layout *l = w->l;
    for (int i = 0; i < w->rows->count; i++) {
        nlg_placed_point *p = &l->points[i];
        const char *series = text_at(w, i, "series"), *line = text_at(w, i, "line"), *designer = text_at(w, i, "designer");
        const char *source = text_at(w, i, "source"), *colour = text_at(w, i, "colour");
        int s = 0;
        if (!series) series = "";
        while (s < l->n_series && strcmp(w->series[s], series)) s++;
        if (s == NLG_SERIES) return nlg_fail(err, NLG_ERR_INPUT, "figure %s: more than %d series", w->figure->name, NLG_SERIES);
        if (s == l->n_series) w->series[l->n_series++] = series;
        *p = (nlg_placed_point){.x = nlg_rows_number(w->rows, i, "x"), .y = nlg_rows_number(w->rows, i, "y"), .series = s};
        if (w->figure->y_scale == NLG_CATEGORY) {
            const char *category = text_at(w, i, "y");
            int c = 0;
            while (category && c < w->n_categories && strcmp(w->categories[c], category)) c++;
            if (category && c == w->n_categories) w->categories[w->n_categories++] = category;
            p->y = category ? c + 1 : (double)NAN;
        }
        p->colour = is(designer, "human") ? BLUE : is(designer, "searched") ? VERMILION : palette[s % PALETTE].colour;
        p->shape = is(designer, "human") ? shapes[0] : is(designer, "searched") ? shapes[1] : shapes[s % SHAPES];
        if (is(source, "added")) p->colour = WINE, p->shape = ADDED_SHAPE;
        for (int c = 0; c < PALETTE; c++)
            if (is(colour, palette[c].name)) p->colour = palette[c].colour;
        if (is(source, "published")) p->shape--;
        if (is(source, "recalled")) p->shape = CROSS;
        if (nlg_rows_number(w->rows, i, "marker") == 0) p->shape = 0;
        p->is_single = nlg_rows_number(w->rows, i, "single") == 1;
        p->in_line = line != NULL;
        const char *next = i + 1 < w->rows->count ? text_at(w, i + 1, "line") : NULL;
        p->ends_line = !line || !next || strcmp(line, next);
    }
    l->n_points = w->rows->count;
    return NLG_OK;
}

/* A dash for every series that has lines: those of one colour differ in it. */
static void set_dashes(nlg_layout *l) {
    int colour[NLG_SERIES], dash[NLG_SERIES] = {0};
    for (int i = 0; i < l->n_points; i++) {
        const nlg_placed_point *p = &l->points[i];
        if (!p->in_line || dash[p->series]) continue;
        int before = 0;
        for (int s = 0; s < l->n_series; s++) before += dash[s] > 0 && colour[s] == p->colour;
        colour[p->series] = p->colour;
        dash[p->series] = 1 + before % NLG_DASHES;
    }
    for (int i = 0; i < l->n_points; i++) l->points[i].dash = dash[l->points[i].series] ? dash[l->points[i].series] : 1;
}

/* --- ranges and ticks --- */

static void widen(double value, bool log_scale, double *low, double *high) {
    if (!isfinite(value) || (log_scale && value <= 0)) return;
    if (!(value >= *low)) *low = value;
    if (!(value <= *high)) *high = value;
}

static void pad(double *low, double *high, bool log_scale, double share) {
    if (!isfinite(*low)) *low = log_scale ? 1 : 0, *high = log_scale ? 10 : 1;
    if (log_scale) {
        double more = *high / *low > 1.05 ? pow(*high / *low, share) : 1.5;
        *low /= more;
        *high *= more;
    } else {
        double more = *high > *low ? share * (*high - *low) : *high != 0 ? 0.1 * fabs(*high) : 1;
        *low -= more;
        *high += more;
    }
}

/* Rows may choose for themselves. */
static bool has_log_x(const work *w) {
    const char *own = w->rows->count ? nlg_rows_text(w->rows, 0, "x_scale") : NULL;
    return own ? strcmp(own, "log") == 0 : w->figure->x_scale == NLG_LOG;
}

static void set_ranges(work *w) {
    nlg_layout *l = w->l;
    l->x_log = has_log_x(w);
    l->y_log = w->figure->y_scale == NLG_LOG;
    l->x0 = l->x1 = l->y0 = l->y1 = (double)NAN;
    for (int i = 0; i < l->n_points; i++) {
        bool has_both = isfinite(l->points[i].x) && isfinite(l->points[i].y);
        if (has_both) widen(l->points[i].x, l->x_log, &l->x0, &l->x1);
        if (!has_both || w->figure->y_scale == NLG_CATEGORY) {
            if (has_both) widen(nlg_rows_number(w->rows, i, "low"), l->x_log, &l->x0, &l->x1);
            if (has_both) widen(nlg_rows_number(w->rows, i, "high"), l->x_log, &l->x0, &l->x1);
            continue;
        }
        widen(l->points[i].y, l->y_log, &l->y0, &l->y1);
        widen(nlg_rows_number(w->rows, i, "low"), l->y_log, &l->y0, &l->y1);
        widen(nlg_rows_number(w->rows, i, "high"), l->y_log, &l->y0, &l->y1);
    }
    bool from_zero = w->figure->y_scale == NLG_CATEGORY && !l->x_log && l->x0 >= 0 && l->x0 < 0.5 * l->x1; /* level bars */
    if (from_zero) l->x0 = 0;
    pad(&l->x0, &l->x1, l->x_log, 0.05);
    if (from_zero) l->x0 = 0;
    if (w->figure->y_scale == NLG_CATEGORY) {
        l->y0 = w->n_categories + 0.6;
        l->y1 = 0.4;
    } else {
        pad(&l->y0, &l->y1, l->y_log, 0.06);
    }
}

static void tick_text(double value, double step, char *text, size_t size) {
    static const struct {
        double unit;
        const char *suffix;
    } units[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "K"}};
    if (fabs(value) < 1e-9 * step) value = 0;
    for (int i = 0; i < 4 && (fabs(value) >= 1e4 || (step >= 1000 && value != 0)); i++) {
        if (fabs(value) < units[i].unit) continue;
        snprintf(text, size, "%.6g%s", value / units[i].unit, units[i].suffix);
        return;
    }
    snprintf(text, size, "%.6g", value);
}

static int linear_ticks(double low, double high, int most, bool whole, nlg_tick *ticks) {
    static const double steps[] = {1, 2, 2.5, 5, 10};
    if (low > high) {
        double t = low;
        low = high;
        high = t;
    }
    double least = (high - low) / (most > 1 ? most : 1), power = pow(10, floor(log10(least))), step = 10 * power;
    for (int i = 0; i < 5; i++) {
        if (steps[i] * power < least * (1 - 1e-9) || (whole && steps[i] * power != floor(steps[i] * power))) continue;
        step = steps[i] * power;
        break;
    }
    if (whole && step < 1) step = 1;
    int n = 0;
    for (double k = ceil(low / step - 1e-9); k * step <= high + 1e-9 * step && n < NLG_TICKS; k++) {
        ticks[n].value = k * step;
        tick_text(k * step, step, ticks[n].text, sizeof ticks[n].text);
        n++;
    }
    return n;
}

static int log_ticks(double low, double high, int most, nlg_tick *ticks) {
    static const double one[] = {1}, three[] = {1, 2, 5}, two[] = {1, 3};
    static const struct {
        const double *factors;
        int n, every;
    } sets[] = {{three, 3, 1}, {two, 2, 1}, {one, 1, 1}, {one, 1, 2}, {one, 1, 3}, {one, 1, 6}};
    if (high / low < 3) return linear_ticks(low, high, most, false, ticks);
    int n = 0;
    for (int s = 0; s < 6; s++) {
        n = 0;
        for (int d = (int)floor(log10(low)) - 1; d <= (int)ceil(log10(high)); d++) {
            if (d % sets[s].every) continue;
            for (int f = 0; f < sets[s].n; f++) {
                double value = sets[s].factors[f] * pow(10, d);
                if (value < low * 0.9999 || value > high * 1.0001) continue;
                if (n < NLG_TICKS) {
                    ticks[n].value = value;
                    tick_text(value, high >= 1e4 ? 1000 : 1, ticks[n].text, sizeof ticks[n].text);
                }
                n++;
            }
        }
        if (n <= most && n <= NLG_TICKS) break;
    }
    return n > NLG_TICKS ? NLG_TICKS : n;
}

static double fraction(double value, double low, double high, bool log_scale) {
    return log_scale ? log(value / low) / log(high / low) : (value - low) / (high - low);
}

static double pixel_x(const nlg_layout *l, double x) {
    return l->left + fraction(x, l->x0, l->x1, l->x_log) * (l->right - l->left);
}

static double pixel_y(const nlg_layout *l, double y) {
    return l->bottom - fraction(y, l->y0, l->y1, l->y_log) * (l->bottom - l->top);
}

/* Up to `most` ticks, or fewer: as many as have room for their texts. */
static void try_x_ticks(work *w, int most, bool whole) {
    nlg_layout *l = w->l;
    for (; most >= 1; most--) {
        l->x_ticks = l->x_log ? log_ticks(l->x0, l->x1, most, l->x_tick) : linear_ticks(l->x0, l->x1, most, whole, l->x_tick);
        bool fits = true;
        for (int i = 1; i < l->x_ticks; i++) {
            double gap = pixel_x(l, l->x_tick[i].value) - pixel_x(l, l->x_tick[i - 1].value);
            fits &= gap > 0.5 * (width_of(w, l->x_tick[i].text, false) + width_of(w, l->x_tick[i - 1].text, false)) + 8;
        }
        if (fits) return;
    }
}

static void set_x_ticks(work *w) {
    nlg_layout *l = w->l;
    bool whole = w->figure->y_scale != NLG_CATEGORY; /* counts: evaluations, epochs, years */
    for (int i = 0; i < l->n_points; i++) whole &= !isfinite(l->points[i].x) || l->points[i].x == floor(l->points[i].x);
    const int usual = (int)((l->right - l->left) / (5 * w->font));
    try_x_ticks(w, usual, whole);
    if (l->x_ticks < 2) try_x_ticks(w, 2 * usual, whole); /* one tick gives no scale */
}

/* --- legend and titles --- */

static bool is_labelled(const work *w, int series) {
    for (int i = 0; i < w->l->n_points; i++)
        if (w->l->points[i].series == series && text_at(w, i, "label")) return true;
    return false;
}

/* Rows of "symbol text" below the title of y, from `y` on; *below: where they end. */
static nlg_status put_legend(work *w, double y, double *below, nlg_error *err) {
    nlg_layout *l = w->l;
    double x = 6, symbol = 2.4 * w->font, row = 1.5 * w->font;
    bool any = false;
    for (int s = 0; s < l->n_series; s++) {
        const nlg_placed_point *marked = NULL, *lined = NULL;
        for (int i = 0; i < l->n_points; i++) {
            if (l->points[i].series != s) continue;
            if (l->points[i].shape && !marked) marked = &l->points[i];
            if (l->points[i].in_line && !lined) lined = &l->points[i];
        }
        const nlg_placed_point *p = marked ? marked : lined;
        if (!*w->series[s] || !p || (l->n_series > LEGEND_MOST && is_labelled(w, s))) continue;
        double room = l->width - 12 - symbol, width = width_of(w, w->series[s], true);
        if (width > room) width = room;
        if (x > 6 && x + symbol + width > l->width - 6) {
            x = 6;
            y += row;
        }
        l->legend[l->n_legend++] = (nlg_placed_point){.x = x + 0.4 * symbol,
                                                      .y = y,
                                                      .series = s,
                                                      .shape = marked ? marked->shape : 0,
                                                      .colour = p->colour,
                                                      .dash = p->dash,
                                                      .is_single = p->is_single,
                                                      .in_line = lined != NULL};
        NLG_TRY(put_text(w, x + symbol, y, NLG_TEXT_LEFT, true, w->series[s], room, err));
        x += symbol + width + 1.4 * w->font;
        any = true;
    }
    *below = any ? y + row : y;
    return NLG_OK;
}

/* Whether the row names a line that ends where all do: it alone of the line has a label. */
static bool is_line_end(const work *w, int row) {
    const nlg_placed_point *p = &w->l->points[row];
    const bool goes_on = row > 0 && !w->l->points[row - 1].ends_line;
    if (!p->in_line || !p->ends_line || !text_at(w, row, "label") || !isfinite(p->x) || !isfinite(p->y)) return false;
    if (goes_on && text_at(w, row - 1, "label")) return false;
    for (int i = 0; i < w->l->n_points; i++)
        if (w->l->points[i].x > p->x) return false;
    return true;
}

/* Whether the legend has the label of a line already; elsewhere than at its end it would be taken for that of another one. */
static bool is_in_legend(const work *w, int row) {
    return w->l->n_series <= LEGEND_MOST && is(text_at(w, row, "label"), w->series[w->l->points[row].series]);
}

/* Room for a column of labels beside the ends of two lines and more. */
static void set_margin(work *w, double room_x, double room_y) {
    double widest = 0;
    int n = 0;
    for (int i = 0; i < w->l->n_points && w->figure->y_scale != NLG_CATEGORY; i++) {
        if (!is_line_end(w, i)) continue;
        double width = width_of(w, text_at(w, i, "label"), true);
        if (width > widest) widest = width;
        n++;
    }
    if (n >= 2 && n * 1.25 * w->small < room_y && widest + 24 < room_x) w->margin = widest + 24;
}

static double small_of(bool is_narrow) {
    return is_narrow ? 10 : 11.5;
}

/* Bytes of the first line of a name: all of it where it fits, else as much as does, up to a blank or behind an underscore. */
static size_t first_line(const char *name, double size, double room) {
    char line[256];
    size_t best = 0;
    if (nlg_text_width(name, size) <= room) return strlen(name);
    for (size_t n = 1; name[n] && n < sizeof line; n++) {
        if (name[n] != ' ' && name[n - 1] != '_') continue;
        snprintf(line, sizeof line, "%.*s", (int)n, name);
        if (nlg_text_width(line, size) > room) break;
        best = n;
    }
    return best ? best : strlen(name);
}

/* The lines that a name takes; the last one has the rest, however long. */
static int break_name(const char *name, double size, double room, size_t length[NAME_LINES]) {
    for (int n = 0;; n++) {
        length[n] = n + 1 < NAME_LINES ? first_line(name, size, room) : strlen(name);
        name += length[n];
        if (!*name) return n + 1;
        name += *name == ' ';
    }
}

/* Pixels of the widest line of a name, at most the room. */
static double name_width(const work *w, const char *name, double room) {
    size_t length[NAME_LINES];
    char line[1024];
    const int lines = break_name(name, w->small, room, length);
    double widest = 0;
    for (int i = 0; i < lines; i++) {
        snprintf(line, sizeof line, "%.*s", (int)length[i], name);
        widest = fmax(widest, width_of(w, line, true));
        name += length[i];
        name += *name == ' ';
    }
    return fmin(widest, room);
}

/* The name of a category, its middle at y. */
static nlg_status put_category(work *w, double y, const char *name, double room, nlg_error *err) {
    size_t length[NAME_LINES];
    char line[1024];
    const int lines = break_name(name, w->small, room, length);
    y -= 0.6 * w->small * (lines - 1);
    for (int i = 0; i < lines; i++) {
        snprintf(line, sizeof line, "%.*s", (int)length[i], name);
        const bool fits = width_of(w, line, true) <= room;
        NLG_TRY(put_text(w, w->l->left - 8, y + 1.2 * w->small * i, NLG_TEXT_RIGHT, true, line, fits ? 0 : room, err));
        name += length[i];
        name += *name == ' ';
    }
    return NLG_OK;
}

/* The title of x, in two lines where one would be cut. The first ends at a space, if possible behind a comma. */
static nlg_status put_x_title(work *w, bool in_two, nlg_error *err) {
    nlg_layout *l = w->l;
    const double room = l->width - 8;
    char *line[2] = {w->title[0], NULL}, *cut = NULL;
    for (char *c = w->title[0]; in_two && *c; c++) {
        if (*c != ' ') continue;
        *c = 0;
        const bool is_comma = c > w->title[0] && c[-1] == ',';
        const bool fits = width_of(w, w->title[0], false) < room - w->font;
        if (fits && (is_comma || !cut || cut[-1] != ',')) cut = c;
        *c = ' ';
    }
    if (cut) *cut = 0, line[1] = cut + 1;
    for (int i = 0; i < 2 && line[i]; i++) {
        double half = 0.5 * width_of(w, line[i], false), middle = 0.5 * (l->left + l->right);
        if (middle + half > l->width - 4) middle = l->width - 4 - half;
        if (middle - half < 4) middle = 0.5 * l->width;
        NLG_TRY(put_text(w, middle, l->bottom + (2.6 + 1.3 * i) * w->font, NLG_TEXT_CENTRE, false, line[i], room, err));
    }
    return NLG_OK;
}

static nlg_status put_axes(work *w, nlg_error *err) {
    nlg_layout *l = w->l;
    double below = 0.9 * w->font, widest = 0;
    if (*w->title[1]) {
        NLG_TRY(put_text(w, 6, below, NLG_TEXT_LEFT, false, w->title[1], l->width - 12, err));
        below += 1.6 * w->font;
    }
    NLG_TRY(put_legend(w, below, &below, err));
    l->top = below + 0.2 * w->font;
    const bool in_two = width_of(w, w->title[0], false) > l->width - 8 - w->font;
    l->bottom = l->height - (in_two ? 4.9 : *w->title[0] ? 3.6 : 2.0) * w->font;
    if (w->figure->y_scale == NLG_CATEGORY) {
        double room = category_room * l->width;
        for (int c = 0; c < w->n_categories; c++) widest = fmax(widest, name_width(w, w->categories[c], room));
        l->left = widest + 14;
        for (int c = 0; c < w->n_categories; c++) NLG_TRY(put_category(w, pixel_y(l, c + 1), w->categories[c], room, err));
    } else {
        int most = (int)((l->bottom - l->top) / (2.8 * w->font));
        l->y_ticks = l->y_log ? log_ticks(l->y0, l->y1, most, l->y_tick) : linear_ticks(l->y0, l->y1, most, false, l->y_tick);
        for (int i = 0; i < l->y_ticks; i++) {
            double width = width_of(w, l->y_tick[i].text, false);
            if (width > widest) widest = width;
        }
        l->left = widest + 14;
        for (int i = 0; i < l->y_ticks; i++)
            NLG_TRY(put_text(w, l->left - 8, pixel_y(l, l->y_tick[i].value), NLG_TEXT_RIGHT, false, l->y_tick[i].text, 0, err));
    }
    set_margin(w, 0.4 * l->width, l->bottom - l->top);
    l->right = l->width - 14 - w->margin;
    set_x_ticks(w);
    for (int i = 0; i < l->x_ticks; i++) {
        double x = pixel_x(l, l->x_tick[i].value), half = 0.5 * width_of(w, l->x_tick[i].text, false);
        if (x + half > l->width - 2) x = l->width - 2 - half;
        NLG_TRY(put_text(w, x, l->bottom + 1.1 * w->font, NLG_TEXT_CENTRE, false, l->x_tick[i].text, 0, err));
    }
    return *w->title[0] ? put_x_title(w, in_two, err) : NLG_OK;
}

/* --- labels --- */

static bool overlap(const box *a, const box *b) {
    return a->x0 < b->x1 && b->x0 < a->x1 && a->y0 < b->y1 && b->y0 < a->y1;
}

/* Samples of the lines between joined points that lie in the box. */
static int lines_through(const work *w, const box *b) {
    const nlg_layout *l = w->l;
    int hits = 0;
    for (int i = 0; i + 1 < l->n_points; i++) {
        if (l->points[i].ends_line) continue;
        const double *p = &l->pixel[2 * i];
        bool may_step = !l->points[i].shape && !l->points[i + 1].shape; /* level to the next one, then up */
        for (int k = 0; k <= 24; k++) {
            double x = p[0] + (p[2] - p[0]) * k / 24, y = p[1] + (p[3] - p[1]) * k / 24;
            hits += x > b->x0 && x < b->x1 && y > b->y0 && y < b->y1;
            if (may_step)
                hits += (x > b->x0 && x < b->x1 && p[1] > b->y0 && p[1] < b->y1) ||
                        (p[2] > b->x0 && p[2] < b->x1 && y > b->y0 && y < b->y1);
        }
    }
    return hits;
}

/* The bars of the rows' points, upright. */
static void set_bars(work *w) {
    for (int i = 0; i < w->l->n_points && w->figure->y_scale != NLG_CATEGORY; i++) {
        const double low = nlg_rows_number(w->rows, i, "low"), high = nlg_rows_number(w->rows, i, "high"), x = w->l->pixel[2 * i];
        if (w->l->points[i].shape && isfinite(low) && isfinite(high))
            w->bars[w->n_bars++] = (nlg_segment){x, pixel_y(w->l, low), x, pixel_y(w->l, high)};
    }
}

/* Bars of other points, and of its own, in the box. */
static int bars_through(const work *w, const box *b) {
    int hits = 0;
    for (int i = 0; i < w->n_bars; i++) {
        const nlg_segment *bar = &w->bars[i];
        hits += bar->x0 + 4 > b->x0 && bar->x0 - 4 < b->x1 && bar->y0 > b->y0 && bar->y1 < b->y1;
    }
    return hits;
}

/* From the row's point to the nearest one of the box. */
static nlg_segment leader_to(const work *w, int row, const box *b) {
    const double x = w->l->pixel[2 * row], y = w->l->pixel[2 * row + 1];
    return (nlg_segment){x, y, x < b->x0 ? b->x0 : x > b->x1 ? b->x1 : x, y < b->y0 ? b->y0 : y > b->y1 ? b->y1 : y};
}

static double distance(const work *w, int row, const box *b) {
    const nlg_segment s = leader_to(w, row, b);
    return hypot(s.x1 - s.x0, s.y1 - s.y0);
}

/* Points nearer to the label than `limit`, but its own. */
static int points_within(const work *w, const box *b, int own, double limit) {
    const nlg_layout *l = w->l;
    int hits = 0;
    for (int i = 0; i < l->n_points; i++) hits += i != own && l->points[i].shape && distance(w, i, b) < limit;
    return hits;
}

/* Points that a reader may take for the label's: those that are nearer than its own, and, less so, those that are not much further
 * away. A line to its own tells them apart. */
static int mistakable_points(const work *w, const box *b, int own, bool leads) {
    const double to_own = distance(w, own, b);
    const int nearer = points_within(w, b, own, to_own + 1);
    return leads ? nearer : 5 * nearer + 3 * points_within(w, b, own, 2 * to_own + 8);
}

/* Whether s passes between the ends of t. */
static bool passes(const nlg_segment *s, const nlg_segment *t) {
    const double x = s->x1 - s->x0, y = s->y1 - s->y0;
    return (x * (t->y0 - s->y0) - y * (t->x0 - s->x0)) * (x * (t->y1 - s->y0) - y * (t->x1 - s->x0)) < 0;
}

static bool cross(const nlg_segment *s, const nlg_segment *t) {
    return passes(s, t) && passes(t, s);
}

/* Whether a leader runs under the box; what it leads to begins at its end. */
static bool runs_under(const nlg_segment *s, const box *b) {
    const nlg_segment falling = {b->x0, b->y0, b->x1, b->y1}, rising = {b->x0, b->y1, b->x1, b->y0};
    return cross(s, &falling) || cross(s, &rising);
}

/* Leaders of other labels under the box or across a leader to it, and labels and points under that. */
static int leaders_crossed(const work *w, const box *b, int own, bool leads) {
    const nlg_segment s = leader_to(w, own, b);
    int hits = 0;
    for (int i = 0; i < w->l->n_leaders; i++) hits += runs_under(&w->l->leaders[i], b) + (leads && cross(&s, &w->l->leaders[i]));
    for (int i = 0; leads && i < w->n_taken; i++) hits += i != own && runs_under(&s, &w->taken[i]);
    for (int i = 0; i < w->l->n_points; i++) {
        const place *other = &w->places[i];
        if (i == own || !other->cost) continue;
        const nlg_segment t = leader_to(w, i, &other->box);
        hits += (other->leads && (runs_under(&t, b) || (leads && cross(&s, &t)))) + (leads && runs_under(&s, &other->box));
    }
    return hits;
}

/* Bars that a leader crosses; its own begins where it does. */
static int bars_crossed(const work *w, const box *b, int own) {
    const nlg_segment s = leader_to(w, own, b);
    int hits = 0;
    for (int i = 0; i < w->n_bars; i++) hits += cross(&s, &w->bars[i]);
    return hits;
}

static bool is_free(const work *w, const box *b, int own) {
    const nlg_layout *l = w->l;
    if (b->x0 < l->left + 1 || b->x1 > l->width - 3 || b->y0 < l->top || b->y1 > l->bottom - 1) return false;
    for (int i = 0; i < w->n_taken; i++)
        if (i != own && overlap(b, &w->taken[i])) return false;
    for (int i = 0; i < l->n_points; i++)
        if (i != own && w->places[i].cost && overlap(b, &w->places[i].box)) return false;
    return true;
}

/* What makes the label there hard to read or to assign. */
static int faults_at(const work *w, const box *b, int row, bool leads) {
    return lines_through(w, b) + 8 * bars_through(w, b) + mistakable_points(w, b, row, leads) +
           15 * leaders_crossed(w, b, row, leads) + (leads ? bars_crossed(w, b, row) : 0);
}

/* Keeps the place with the fewest faults; of equal ones the most usual. */
static void try_place(const work *w, int row, box b, bool leads, int rank, place *best) {
    if (!is_free(w, &b, row)) return;
    leads |= points_within(w, &b, row, distance(w, row, &b) + 1) > 0;
    const int faults = faults_at(w, &b, row, leads), cost = 10 * faults + rank + 1;
    if (!best->cost || cost < best->cost) *best = (place){b, leads, faults, cost};
}

/* Above and below the bar of the row's point: in the middle, and to either side. */
static void try_bar_ends(const work *w, int row, double width, double height, place *best) {
    const double *p = &w->l->pixel[2 * row];
    for (int k = 0; k < 2 && w->figure->y_scale != NLG_CATEGORY; k++) {
        const double end = nlg_rows_number(w->rows, row, k ? "low" : "high"),
                     y = pixel_y(w->l, end) + (k ? 1 : -1) * (0.5 * height + 3);
        for (int side = 0; side < 3 && isfinite(end); side++) {
            const double left = p[0] - width * (side == 0 ? 0.5 : side == 1 ? 1 : 0);
            try_place(w, row, (box){left, y - 0.5 * height, left + width, y + 0.5 * height}, false, 8 + side, best);
        }
    }
}

/* Around the point, then at the ends of its bar, then further away with a line to it; the first ring without a fault. */
static place find_place(const work *w, int row) {
    static const double direction[][2] = {{1, 0},      {0.8, -0.8}, {0.8, 0.8}, {0, -1},  {0, 1},     {-0.8, -0.8},
                                          {-0.8, 0.8}, {-1, 0},     {0.5, -1},  {0.5, 1}, {-0.5, -1}, {-0.5, 1}};
    static const double rings[] = {7, 14, 24, 36, 50, 66, 84, 104};
    enum { RINGS = sizeof rings / sizeof *rings };
    const double *p = &w->l->pixel[2 * row], width = width_of(w, text_at(w, row, "label"), true) + 2, height = 1.25 * w->small;
    place best = {.cost = 0};
    for (int r = 0; r < RINGS && (!best.cost || best.faults > 0); r++) {
        if (r == 2) try_bar_ends(w, row, width, height, &best);
        for (int t = 0; t < 12; t++) {
            double x = p[0] + direction[t][0] * rings[r],
                   y = p[1] +
                       direction[t][1] * (rings[r] + (direction[t][0] == 0 || fabs(direction[t][0]) == 0.5 ? 0.35 * height : 0));
            double left = direction[t][0] > 0.6    ? x
                          : direction[t][0] < -0.6 ? x - width
                                                   : x - 0.5 * width + direction[t][0] * 0.5 * width;
            try_place(w, row, (box){left, y - 0.5 * height, left + width, y + 0.5 * height}, r > 1, t + 5 * r, &best);
        }
    }
    return best;
}

/* Labels of line ends in a column right of the axes: in the order of the ends, as near to their heights as others let them. */
static nlg_status put_line_ends(work *w, bool *done, nlg_error *err) {
    nlg_layout *l = w->l;
    const double height = 1.25 * w->small;
    int n = 0, *row = nlg_alloc((size_t)l->n_points + 1, sizeof *row);
    double *y = nlg_alloc((size_t)l->n_points + 1, sizeof *y);
    nlg_status status = row && y ? NLG_OK : nlg_fail_memory(err, 0, "a figure");
    for (int i = 0; i < l->n_points && status == NLG_OK; i++) {
        if (done[i] || !is_line_end(w, i)) continue;
        int at = n++;
        for (; at > 0 && l->pixel[2 * row[at - 1] + 1] > l->pixel[2 * i + 1]; at--) row[at] = row[at - 1];
        row[at] = i;
    }
    for (int k = 0; k < n; k++) {
        y[k] = l->pixel[2 * row[k] + 1];
        if (k && y[k] < y[k - 1] + height) y[k] = y[k - 1] + height;
    }
    for (int k = n - 1; k >= 0; k--) {
        double lowest = k == n - 1 ? l->bottom - 0.5 * height : y[k + 1] - height;
        if (y[k] > lowest) y[k] = lowest;
    }
    for (int k = 0; k < n && status == NLG_OK; k++) {
        const double *p = &l->pixel[2 * row[k]], x = l->right + 16;
        const char *label = text_at(w, row[k], "label");
        l->leaders[l->n_leaders++] = (nlg_segment){p[0], p[1], x - 2, y[k]};
        w->taken[w->n_taken++] = (box){x, y[k] - 0.5 * height, x + width_of(w, label, true), y[k] + 0.5 * height};
        done[row[k]] = true;
        status = put_text(w, x, y[k], NLG_TEXT_LEFT, true, label, 0, err);
    }
    nlg_free(row);
    nlg_free(y);
    return status;
}

/* The rows whose labels are to be placed, those of the highest priority first; returns how many. */
static int rows_in_order(const work *w, bool *done, int *order) {
    int n = 0;
    for (;;) {
        int next = -1;
        double highest = 0;
        for (int i = 0; i < w->l->n_points; i++) {
            double priority = nlg_rows_number(w->rows, i, "priority");
            if (isnan(priority)) priority = 0;
            if (done[i] || (next >= 0 && priority <= highest)) continue;
            next = i;
            highest = priority;
        }
        if (next < 0) return n;
        done[next] = true;
        order[n++] = next;
    }
}

/* One after the other; then again those that others have spoilt, as long as one of them finds a better place. */
static void find_places(work *w, const int *order, int n) {
    enum { PASSES = 3 };
    bool any = true;
    for (int i = 0; i < w->l->n_points; i++) w->places[i] = (place){.cost = 0};
    for (int pass = 0; pass < PASSES && any; pass++) {
        any = false;
        for (int k = 0; k < n; k++) {
            const int row = order[k];
            place *p = &w->places[row];
            if (p->cost && faults_at(w, &p->box, row, p->leads) == 0) continue;
            const place better = find_place(w, row);
            any |= better.cost && (better.box.x0 != p->box.x0 || better.box.y0 != p->box.y0);
            if (better.cost) *p = better;
        }
    }
}

/* A label with more faults would say less than none. */
enum { MOST_FAULTS = 14 };

/* The costs of all labels as they stand now. Orders anew those that are at fault before the others. */
static int cost_of_places(const work *w, int *order, int n) {
    enum { LEFT_OUT = 10 * (MOST_FAULTS + 1) };
    int cost = 0, first = 0;
    for (int k = 0; k < n; k++) {
        const int row = order[k];
        const place *p = &w->places[row];
        const int faults = p->cost ? faults_at(w, &p->box, row, p->leads) : MOST_FAULTS + 1,
                  now = p->cost + 10 * (faults - p->faults);
        cost += faults > MOST_FAULTS || now > LEFT_OUT ? LEFT_OUT : now;
        if (faults == 0) continue;
        for (int i = k; i > first; i--) order[i] = order[i - 1];
        order[first++] = row;
    }
    return cost;
}

/* Leaves out what is hard to read, the least important first, and puts where that has made room what can be read there. */
static void settle(work *w, const int *order, int n) {
    for (int k = n - 1; k >= 0; k--) {
        place *p = &w->places[order[k]];
        if (p->cost && faults_at(w, &p->box, order[k], p->leads) > MOST_FAULTS) *p = (place){.cost = 0};
    }
    for (int k = 0; k < n; k++) {
        place *p = &w->places[order[k]];
        const place other = p->cost ? *p : find_place(w, order[k]);
        if (other.cost && other.faults <= MOST_FAULTS) *p = other;
    }
}

/* What found no good place comes first in the next round; the best round counts. */
static void find_best_places(work *w, const int *order, int *trial, place *best, int n) {
    enum { ROUNDS = 24 };
    const size_t bytes = (size_t)w->l->n_points * sizeof *best;
    memcpy(trial, order, (size_t)n * sizeof *trial);
    for (int round = 0, lowest = -1; round < ROUNDS && lowest != 0; round++) {
        find_places(w, trial, n);
        const int cost = cost_of_places(w, trial, n);
        if (lowest >= 0 && cost >= lowest) continue;
        lowest = cost;
        memcpy(best, w->places, bytes);
    }
    memcpy(w->places, best, bytes);
    settle(w, order, n);
}

static nlg_status put_places(work *w, const int *order, int n, nlg_error *err) {
    nlg_layout *l = w->l;
    for (int k = 0; k < n; k++) {
        const place *p = &w->places[order[k]];
        l->dropped += !p->cost;
        if (!p->cost) continue;
        if (p->leads) l->leaders[l->n_leaders++] = leader_to(w, order[k], &p->box);
        NLG_TRY(
            put_text(w, p->box.x0 + 1, 0.5 * (p->box.y0 + p->box.y1), NLG_TEXT_LEFT, true, text_at(w, order[k], "label"), 0, err));
    }
    return NLG_OK;
}

static nlg_status put_labels(work *w, nlg_error *err) {
    nlg_layout *l = w->l;
    bool *done = nlg_alloc((size_t)l->n_points + 1, sizeof *done);
    int *order = nlg_alloc(2 * (size_t)l->n_points + 1, sizeof *order);
    place *best = nlg_alloc((size_t)l->n_points + 1, sizeof *best);
    nlg_status status = done && order && best ? NLG_OK : nlg_fail_memory(err, 0, "a figure");
    for (int i = 0; i < l->n_points && status == NLG_OK; i++) {
        const double *p = &l->pixel[2 * i];
        double r = l->points[i].shape ? 5 : 0;
        bool drawn = isfinite(p[0]) && isfinite(p[1]);
        w->taken[w->n_taken++] = drawn ? (box){p[0] - r, p[1] - r, p[0] + r, p[1] + r} : (box){-1, -1, -1, -1};
        done[i] = !drawn || !text_at(w, i, "label") || (w->margin <= 0 && is_line_end(w, i) && is_in_legend(w, i));
    }
    if (status == NLG_OK && w->margin > 0) status = put_line_ends(w, done, err);
    if (status == NLG_OK) {
        const int n = rows_in_order(w, done, order);
        if (n) find_best_places(w, order, order + n, best, n);
        status = put_places(w, order, n, err);
    }
    nlg_free(done);
    nlg_free(order);
    nlg_free(best);
    return status;
}

/* --- the whole --- */

int nlg_layout_height(const nlg_figure *figure, const nlg_rows *rows, int width, int least, bool is_narrow) {
    if (figure->y_scale != NLG_CATEGORY) return least;
    int different = 0, most = 1;
    size_t length[NAME_LINES];
    for (int i = 0; i < rows->count; i++) {
        const char *name = nlg_rows_text(rows, i, "y");
        bool is_new = name && *name;
        for (int k = 0; is_new && k < i; k++) {
            const char *before = nlg_rows_text(rows, k, "y");
            is_new = !before || strcmp(before, name) != 0;
        }
        different += is_new;
        const int lines = is_new ? break_name(name, small_of(is_narrow), category_room * width, length) : 1;
        if (lines > most) most = lines;
    }
    return 110 + (CATEGORY_ROW + MORE_LINE * (most - 1)) * different;
}

static nlg_status make(work *w, nlg_error *err) {
    nlg_layout *l = w->l;
    NLG_TRY(read_rows(w, err));
    set_dashes(l);
    set_ranges(w);
    NLG_TRY(put_axes(w, err));
    for (int i = 0; i < l->n_points; i++) {
        l->pixel[2 * i] = pixel_x(l, l->points[i].x);
        l->pixel[2 * i + 1] = pixel_y(l, l->points[i].y);
    }
    set_bars(w);
    return put_labels(w, err);
}

nlg_status nlg_layout_make(const nlg_figure *figure, const nlg_rows *rows, int width, int height, bool is_narrow,
                           nlg_layout **layout, nlg_error *err) {
    size_t n = (size_t)rows->count + 1;
    nlg_layout *l = nlg_alloc(1, sizeof *l);
    *layout = l;
    if (!l) return nlg_fail_memory(err, sizeof *l, "a figure");
    work w = {.l = l, .figure = figure, .rows = rows, .font = is_narrow ? 11 : 13, .small = small_of(is_narrow)};
    *l = (nlg_layout){.width = width, .height = height};
    w.categories = nlg_alloc(n, sizeof *w.categories);
    w.taken = nlg_alloc(2 * n, sizeof *w.taken);
    w.places = nlg_alloc(n, sizeof *w.places);
    w.bars = nlg_alloc(n, sizeof *w.bars);
    l->texts = nlg_alloc((NAME_LINES + 1) * n + NLG_SERIES + 2 * NLG_TICKS + 4, sizeof *l->texts);
    l->points = nlg_alloc(n, sizeof *l->points);
    l->legend = nlg_alloc(NLG_SERIES, sizeof *l->legend);
    l->leaders = nlg_alloc(n, sizeof *l->leaders);
    l->pixel = nlg_alloc(2 * n, sizeof *l->pixel);
    for (int i = 0; i < 2; i++) w.title[i] = nlg_figure_text(i ? figure->y : figure->x, NULL, rows);
    bool complete = w.title[0] && w.title[1] && w.categories && w.taken && w.places && w.bars && l->texts && l->points &&
                    l->legend && l->leaders && l->pixel;
    nlg_status status = complete ? make(&w, err) : nlg_fail_memory(err, 0, "a figure");
    for (int i = 0; i < 2; i++) nlg_free(w.title[i]);
    nlg_free(w.categories);
    nlg_free(w.taken);
    nlg_free(w.places);
    nlg_free(w.bars);
    if (status != NLG_OK) {
        nlg_layout_free(l);
        *layout = NULL;
    }
    return status;
}

void nlg_layout_free(nlg_layout *l) {
    if (!l) return;
    for (int i = 0; i < l->n_texts; i++) nlg_free(l->texts[i].text);
    nlg_free(l->texts);
    nlg_free(l->points);
    nlg_free(l->legend);
    nlg_free(l->leaders);
    nlg_free(l->pixel);
    nlg_free(l);
}
