/* Running gnuplot on a figure. */
#include "harness/report/draw.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/report/gnuplot.h"
#include "harness/report/layout.h"
#include "harness/report/svg.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/share.h"

enum { WIDE_W = 760, WIDE_H = 470, NARROW_W = 350, NARROW_H = 400, LARGEST = 1 << 25 };

static const char *const work_files[] = {
    "main.gp",        "wide-ticks.gp",   "narrow-ticks.gp",  "axes.gp",        "figure.gp",         "texts.gp",
    "wide.gp",        "narrow.gp",       "wide-data.tsv",    "wide-texts.tsv", "wide-tex.tsv",      "wide-legend.tsv",
    "wide-lines.tsv", "narrow-data.tsv", "narrow-texts.tsv", "narrow-tex.tsv", "narrow-legend.tsv", "narrow-lines.tsv",
    "wide.svg",       "narrow.svg",      "figure.png",       "figure.pdf",     "tex.tex",           "tex.pdf"};

static void path_in(char *path, size_t size, const char *folder, const char *name) {
    snprintf(path, size, "%s/%s", folder, name);
}

static FILE *begin(const char *folder, const char *variant, const char *name, nlg_error *err) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s%s", folder, variant, name);
    FILE *f = fopen(path, "w");
    if (!f) nlg_fail(err, NLG_ERR_IO, "%s: %s", path, strerror(errno));
    return f;
}

static nlg_status end(FILE *f, nlg_error *err) {
    bool failed = ferror(f) != 0;
    return fclose(f) != 0 || failed ? nlg_fail(err, NLG_ERR_IO, "a figure's temporary file cannot be written: %s", strerror(errno))
                                    : NLG_OK;
}

static nlg_status copy_script(const char *folder, const char *from, const char *name, nlg_error *err) {
    char *text;
    size_t size;
    NLG_TRY(nlg_file_read(from, LARGEST, &text, &size, err));
    FILE *f = begin(folder, name, "", err);
    if (f) fwrite(text, 1, size, f);
    nlg_free(text);
    return f ? end(f, err) : NLG_ERR_IO;
}

static void print_number(FILE *f, double value) {
    if (isfinite(value))
        fprintf(f, "%.10g", value);
    else
        fputs("NaN", f);
}

/* --- what gnuplot reads --- */

static bool is_own_column(const char *name) {
    static const char *const known[] = {"x",     "y",        "low",   "high",   "series", "line",   "source", "designer",
                                        "label", "priority", "hover", "marker", "colour", "single", "panel",  "x_scale"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], name) == 0) return true;
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789")] != 0;
}

/* Triangles look smaller than they are. */
static double size_of(const nlg_placed_point *p) {
    const double size = p->shape == 8 || p->shape == 9 ? 1.15 : 0.95;
    return p->is_single ? 0.55 * size : size;
}

static nlg_status write_data(const char *folder, const char *variant, const nlg_layout *l, const nlg_rows *rows, nlg_error *err) {
    FILE *f = begin(folder, variant, "-data.tsv", err);
    if (!f) return NLG_ERR_IO;
    fputs("x\ty\tmark\tlow\thigh\tn\tshape\tsize\tcolour", f);
    for (int c = 0; c < rows->columns; c++)
        if (!is_own_column(rows->names[c])) fprintf(f, "\t%s", rows->names[c]);
    fputc('\n', f);
    for (int i = 0; i < rows->count; i++) {
        const nlg_placed_point *p = &l->points[i];
        const double values[] = {p->x, p->y, p->shape ? p->y : (double)NAN, nlg_rows_number(rows, i, "low"),
                                 nlg_rows_number(rows, i, "high")};
        for (int k = 0; k < 5; k++) {
            print_number(f, values[k]);
            fputc('\t', f);
        }
        fprintf(f, "%d\t%d\t%g\t%d", p->series, p->shape ? p->shape : 1, size_of(p), p->colour);
        for (int c = 0; c < rows->columns; c++) {
            if (is_own_column(rows->names[c])) continue;
            fputc('\t', f);
            print_number(f, rows->number[i * rows->columns + c]);
        }
        fputs(p->ends_line ? "\n\n" : "\n", f);
    }
    return end(f, err);
}

static void print_tex(FILE *f, const char *text) {
    for (const char *c = text; *c; c++) {
        if (strchr("&%$#_{}", *c))
            fprintf(f, "\\\\%c", *c); /* gnuplot takes one backslash of two */
        else if (*c == '\\')
            c[1] == '\\' ? c++, fputs("\\\\textbackslash{}", f) : fputs("\\\\textbackslash{}", f);
        else if (*c == '^')
            fputs("\\\\textasciicircum{}", f);
        else if (*c == '~')
            fputs("\\\\textasciitilde{}", f);
        else if (*c == '<' || *c == '>')
            fprintf(f, "$%c$", *c);
        else if ((unsigned char)*c >= 0x80) { /* fonts of plain LaTeX lack most of these */
            static const struct {
                const char *utf8, *tex;
            } known[] = {{"\xc3\x97", "$\\\\times$"}, {"\xe2\x80\xa6", "\\\\ldots{}"}, {"\xe2\x80\x9d", "''"},
                         {"\xc2\xb1", "$\\\\pm$"},    {"\xe2\x80\x93", "--"},          {"\xce\xb1", "$\\\\alpha$"},
                         {"\xce\xb3", "$\\\\gamma$"}};
            const char *tex = "?";
            for (size_t i = 0; i < sizeof known / sizeof *known; i++)
                if (strncmp(c, known[i].utf8, strlen(known[i].utf8)) == 0) tex = known[i].tex;
            fputs(tex, f);
            while (((unsigned char)c[1] & 0xc0) == 0x80) c++;
        } else
            fputc(*c, f);
    }
}

static nlg_status write_texts(const char *folder, const char *variant, const nlg_layout *l, bool tex, nlg_error *err) {
    FILE *f = begin(folder, variant, tex ? "-tex.tsv" : "-texts.tsv", err);
    if (!f) return NLG_ERR_IO;
    for (int i = 0; i < l->n_texts; i++) {
        const nlg_placed_text *t = &l->texts[i];
        fprintf(f, "%.1f\t%.1f\t%d\t", t->x, t->y, 2 * (int)t->anchor + t->is_small);
        tex ? print_tex(f, t->text) : (void)fputs(t->text, f);
        fputc('\n', f);
    }
    fprintf(f, "-1000\t-1000\t9\t.\n"); /* so that the file is never empty */
    return end(f, err);
}

static nlg_status write_legend(const char *folder, const char *variant, const nlg_layout *l, nlg_error *err) {
    FILE *f = begin(folder, variant, "-legend.tsv", err);
    if (!f) return NLG_ERR_IO;
    for (int i = 0; i < l->n_legend; i++) {
        const nlg_placed_point *p = &l->legend[i];
        if (p->shape) fprintf(f, "%.1f\t%.1f\t%d\t%d\t%g\n", p->x, p->y, p->shape, p->colour, size_of(p));
    }
    fprintf(f, "-1000\t-1000\t1\t0\t1\n");
    NLG_TRY(end(f, err));
    if (!(f = begin(folder, variant, "-lines.tsv", err))) return NLG_ERR_IO;
    for (int i = 0; i < l->n_legend; i++) {
        const nlg_placed_point *p = &l->legend[i];
        if (p->in_line)
            fprintf(f, "%.1f\t%.1f\t%d\t%d\n%.1f\t%.1f\t%d\t%d\n\n", p->x - 11, p->y, p->colour, p->dash + 1, p->x + 11, p->y,
                    p->colour, p->dash + 1);
    }
    for (int i = 0; i < l->n_leaders; i++) {
        const nlg_segment *s = &l->leaders[i];
        fprintf(f, "%.1f\t%.1f\t%d\t1\n%.1f\t%.1f\t%d\t1\n\n", s->x0, s->y0, 0x888888, s->x1, s->y1, 0x888888);
    }
    fprintf(f, "-1000\t-1000\t0\t1\n");
    return end(f, err);
}

static void print_ticks(FILE *f, char axis, const nlg_tick *ticks, int n) {
    if (!n) {
        fprintf(f, "unset %ctics\n", axis);
        return;
    }
    fprintf(f, "set %ctics (", axis);
    for (int i = 0; i < n; i++) fprintf(f, "%s%.10g", i ? ", " : "", ticks[i].value);
    fputs(")\n", f);
}

static nlg_status write_layout(const char *folder, const char *variant, const nlg_layout *l, nlg_error *err) {
    FILE *f = begin(folder, variant, ".gp", err);
    if (!f) return NLG_ERR_IO;
    fprintf(f,
            "DATA = \"%s-data.tsv\"; TEXTS = \"%s-texts.tsv\"; TEX = \"%s-tex.tsv\"; LEGEND = \"%s-legend.tsv\"; SEGMENTS = "
            "\"%s-lines.tsv\"\n",
            variant, variant, variant, variant, variant);
    fprintf(f, "WIDTH = %d; HEIGHT = %d; LEFT = %.5f; RIGHT = %.5f; TOP = %.5f; BOTTOM = %.5f\n", l->width, l->height,
            l->left / l->width, l->right / l->width, 1 - l->top / l->height, 1 - l->bottom / l->height);
    fprintf(f, "X0 = %.10g; X1 = %.10g; Y0 = %.10g; Y1 = %.10g; XLOG = %d; YLOG = %d\n", l->x0, l->x1, l->y0, l->y1, l->x_log,
            l->y_log);
    bool is_narrow = l->width < WIDE_W;
    fprintf(f, "FONT = %s; SMALL = %s\n", is_narrow ? "11.0" : "13.0", is_narrow ? "10.0" : "11.5");
    int n = l->n_series > 0 ? l->n_series : 1;
    fprintf(f, "SERIES = %d; DASH_KINDS = %d\narray COLOUR[%d]\narray DASH[%d]\n", l->n_series, NLG_DASHES, n, n);
    for (int i = 0; i < l->n_points; i++) {
        const nlg_placed_point *p = &l->points[i];
        fprintf(f, "COLOUR[%d] = %d; DASH[%d] = %d\n", p->series + 1, p->colour, p->series + 1, p->dash);
    }
    NLG_TRY(end(f, err));
    if (!(f = begin(folder, variant, "-ticks.gp", err))) return NLG_ERR_IO;
    print_ticks(f, 'x', l->x_tick, l->x_ticks);
    print_ticks(f, 'y', l->y_tick, l->y_ticks);
    return end(f, err);
}

static nlg_status write_variant(const char *folder, const char *variant, const nlg_layout *l, const nlg_rows *rows,
                                nlg_error *err) {
    NLG_TRY(write_layout(folder, variant, l, err));
    NLG_TRY(write_data(folder, variant, l, rows, err));
    NLG_TRY(write_texts(folder, variant, l, false, err));
    NLG_TRY(write_texts(folder, variant, l, true, err));
    return write_legend(folder, variant, l, err);
}

static nlg_status write_main(const char *folder, const nlg_layout *wide, const nlg_layout *narrow, unsigned formats,
                             nlg_error *err) {
    FILE *f = begin(folder, "main", ".gp", err);
    if (!f) return NLG_ERR_IO;
    const struct {
        unsigned format;
        const char *layout, *out, *terminal;
    } jobs[] = {
        {NLG_DRAW_SVG, "wide", "wide.svg", "svg noenhanced font \"sans-serif,13\""},
        {NLG_DRAW_NARROW, "narrow", "narrow.svg", "svg noenhanced font \"sans-serif,11\""},
        {NLG_DRAW_PNG, "wide", "figure.png",
         "pngcairo noenhanced font \"sans-serif,19.5\" linewidth 2 pointscale 2 background \"white\""},
        {NLG_DRAW_PDF, "wide", "figure.pdf", "pdfcairo noenhanced font \"sans-serif,9.4\" linewidth 1.4"},
        {NLG_DRAW_TEX, "wide", "tex.tex", "cairolatex pdf linewidth 1.4"},
    };
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        if (!(formats & jobs[i].format)) continue;
        const nlg_layout *l = jobs[i].format == NLG_DRAW_NARROW ? narrow : wide;
        bool inches = jobs[i].format >= NLG_DRAW_PDF;
        double unit = inches ? 0.01 : jobs[i].format == NLG_DRAW_PNG ? 2 : 1;
        fprintf(f, "reset\nSCALE = %s; POINT = %s; IS_TEX = %d\nset terminal %s size ",
                inches      ? "0.72"
                : unit == 2 ? "1.5"
                            : "1.0",
                unit == 1 ? "0.75" : "1.0", jobs[i].format == NLG_DRAW_TEX, jobs[i].terminal);
        fprintf(f, inches ? "%.3fin,%.3fin" : "%.0f,%.0f", l->width * unit, l->height * unit);
        fprintf(f,
                "\nset output \"%s\"\nload \"%s.gp\"\nload \"axes.gp\"\nload \"%s-ticks.gp\"\nload \"figure.gp\"\nload "
                "\"texts.gp\"\nset output\n",
                jobs[i].out, jobs[i].layout, jobs[i].layout);
    }
    return end(f, err);
}

/* --- running --- */

static nlg_status take(const char *folder, const char *name, nlg_bytes *out, nlg_error *err) {
    char path[512];
    path_in(path, sizeof path, folder, name);
    return nlg_file_read(path, LARGEST, &out->data, &out->size, err);
}

static nlg_status take_svg(const char *folder, const char *name, const char *id, const char *title, const char *alt,
                           const nlg_layout *l, const nlg_rows *rows, nlg_bytes *out, nlg_error *err) {
    nlg_bytes raw = {0};
    NLG_TRY(take(folder, name, &raw, err));
    nlg_status status = nlg_svg_finish(raw.data, id, title, alt, l, rows, &out->data, &out->size, err);
    nlg_free(raw.data);
    return status;
}

static nlg_status draw_in(const char *folder, const nlg_figure *figure, const nlg_rows *rows, const char *id, const char *title,
                          const char *alt, unsigned formats, const nlg_layout *wide, const nlg_layout *narrow, nlg_drawing *d,
                          nlg_error *err) {
    static const char *const parts[] = {"axes.gp", "texts.gp"};
    char path[1024];
    for (int i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "plots/%s", parts[i]);
        if (!nlg_share_path(name, path, sizeof path)) return nlg_fail(err, NLG_ERR_INPUT, "%s: missing", path);
        NLG_TRY(copy_script(folder, path, parts[i], err));
    }
    NLG_TRY(copy_script(folder, figure->script, "figure.gp", err));
    NLG_TRY(write_variant(folder, "wide", wide, rows, err));
    if (narrow) NLG_TRY(write_variant(folder, "narrow", narrow, rows, err));
    NLG_TRY(write_main(folder, wide, narrow, formats, err));
    NLG_TRY(nlg_gnuplot_run(folder, figure->name, err));
    if (formats & NLG_DRAW_SVG) NLG_TRY(take_svg(folder, "wide.svg", id, title, alt, wide, rows, &d->svg, err));
    if (formats & NLG_DRAW_NARROW) {
        char narrow_id[256];
        snprintf(narrow_id, sizeof narrow_id, "%s-narrow", id);
        NLG_TRY(take_svg(folder, "narrow.svg", narrow_id, title, alt, narrow, rows, &d->narrow, err));
    }
    if (formats & NLG_DRAW_PNG) NLG_TRY(take(folder, "figure.png", &d->png, err));
    if (formats & NLG_DRAW_PDF) NLG_TRY(take(folder, "figure.pdf", &d->pdf, err));
    if (formats & NLG_DRAW_TEX) {
        NLG_TRY(take(folder, "tex.tex", &d->tex, err));
        NLG_TRY(take(folder, "tex.pdf", &d->tex_pdf, err));
    }
    return NLG_OK;
}

static nlg_status layout(const nlg_figure *figure, const nlg_rows *rows, int width, int least_height, bool is_narrow,
                         nlg_layout **l, nlg_error *err) {
    return nlg_layout_make(figure, rows, width, nlg_layout_height(figure, rows, width, least_height, is_narrow), is_narrow, l, err);
}

nlg_status nlg_figure_draw(const nlg_figure *figure, const nlg_rows *rows, const char *id, const char *title, const char *alt,
                           unsigned formats, nlg_drawing *drawing, nlg_error *err) {
    nlg_layout *wide = NULL, *narrow = NULL;
    char folder[256];
    *drawing = (nlg_drawing){0};
    nlg_status status = layout(figure, rows, WIDE_W, WIDE_H, false, &wide, err);
    if (status == NLG_OK && formats & NLG_DRAW_NARROW) status = layout(figure, rows, NARROW_W, NARROW_H, true, &narrow, err);
    if (status == NLG_OK) status = nlg_gnuplot_folder(folder, sizeof folder, err);
    if (status == NLG_OK) {
        status = draw_in(folder, figure, rows, id, title, alt, formats, wide, narrow, drawing, err);
        nlg_gnuplot_remove(folder, work_files, sizeof work_files / sizeof *work_files);
    }
    nlg_layout_free(wide);
    nlg_layout_free(narrow);
    return status;
}

static nlg_status draw_given(const nlg_figure *f, nlg_query *q, const char *text, const char *out, nlg_error *err) {
    nlg_rows *rows;
    nlg_drawing d;
    NLG_TRY(nlg_figure_tables(f, q, text, f->name, err));
    NLG_TRY(nlg_figure_rows(f, q, NULL, NULL, &rows, err));
    nlg_status status = rows->count ? nlg_figure_draw(f, rows, f->name, f->title, f->alt, NLG_DRAW_SVG, &d, err)
                                    : nlg_fail(err, NLG_ERR_INPUT, "figure %s: no rows to draw", f->name);
    if (rows->count) {
        if (status == NLG_OK) status = nlg_file_write(out, d.svg.data, d.svg.size, err);
        nlg_drawing_free(&d);
    }
    nlg_rows_free(rows);
    return status;
}

nlg_status nlg_figure_draw_rows(const char *name, const char *rows, const char *out, nlg_error *err) {
    nlg_figure *figures;
    const nlg_figure *f;
    nlg_query *q = NULL;
    int count;
    NLG_TRY(nlg_figures_load(&figures, &count, err));
    nlg_status status = nlg_figure_find(figures, count, name, &f, err);
    if (status == NLG_OK) status = nlg_query_open(NULL, NULL, &q, err);
    if (status == NLG_OK) status = draw_given(f, q, rows, out, err);
    nlg_query_close(q);
    nlg_figures_free(figures, count);
    return status;
}

void nlg_drawing_free(nlg_drawing *d) {
    nlg_bytes *all[] = {&d->svg, &d->narrow, &d->png, &d->pdf, &d->tex, &d->tex_pdf};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nlg_free(all[i]->data);
    *d = (nlg_drawing){0};
}
