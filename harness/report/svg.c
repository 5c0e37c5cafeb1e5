/* Finishing gnuplot's SVG. */
#include "harness/report/svg.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/escape.h"
#include "layers/base/memory.h"

/* Colours of plots/axes.gp as gnuplot prints them. */
#define INK         "rgb( 31,  35,  40)"
#define INK_OF_TEXT "rgb(31,35,40)"
#define GRID        "rgb(217, 217, 217)"

typedef struct change {
    const char *from, *to; /* to: %s is the id */
} change;

static const change changes[] = {
    {"gnuplot_canvas", "%s-canvas"},
    {"gnuplot_plot_", "%s-plot-"},
    {"gpDot", "%s-dot"},
    {"gpPt", "%s-point-"},
    {"id='textbox'", "id='%s-textbox'"},
    {"id='greybox'", "id='%s-greybox'"},
    {"\"" INK_OF_TEXT "\"", "\"currentColor\""},
    {"'" INK "'", "'currentColor'"},
    {"\"" INK "\"", "\"currentColor\""},
    {"'" GRID "'", "'currentColor' stroke-opacity='0.15'"},
    {"\"" GRID "\"", "\"currentColor\" stroke-opacity=\"0.15\""},
    {"'black'", "'currentColor'"},
    {"\"black\"", "\"currentColor\""},
};

static void put_head(FILE *f, const char *id, const char *title, const char *alt, const nlg_layout *l) {
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\"",
            l->width, l->height, l->width, l->height);
    fprintf(f, " role=\"img\" aria-labelledby=\"%s-title %s-alt\" class=\"plot\">\n<title id=\"%s-title\">", id, id, id);
    nlg_escape(f, NLG_ESCAPE_HTML, title);
    fprintf(f, "</title>\n<desc id=\"%s-alt\">", id);
    nlg_escape(f, NLG_ESCAPE_HTML, alt);
    fputs("</desc>\n<style>.plot{color:#1f2328}@media(prefers-color-scheme:dark){.plot{color:#e6e8ea}}</style>\n", f);
}

static void put_hovers(FILE *f, const nlg_layout *l, const nlg_rows *rows) {
    fputs("<g fill=\"transparent\" stroke=\"none\">\n", f);
    for (int i = 0; i < l->n_points; i++) {
        const char *text = nlg_rows_text(rows, i, "hover");
        if (!text) text = nlg_rows_text(rows, i, "label");
        if (!text || !*text || !isfinite(l->pixel[2 * i]) || !isfinite(l->pixel[2 * i + 1])) continue;
        fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"7\"><title>", l->pixel[2 * i], l->pixel[2 * i + 1]);
        nlg_escape(f, NLG_ESCAPE_HTML, text);
        fputs("</title></circle>\n", f);
    }
    fputs("</g>\n", f);
}

/* One change at `at`, or 0: how many bytes it takes. */
static size_t changed(FILE *f, const char *at, const char *id) {
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        size_t length = strlen(changes[i].from);
        if (strncmp(at, changes[i].from, length)) continue;
        const char *mark = strstr(changes[i].to, "%s");
        if (mark)
            fprintf(f, "%.*s%s%s", (int)(mark - changes[i].to), changes[i].to, id, mark + 2);
        else
            fputs(changes[i].to, f);
        return length;
    }
    /* gnuplot's own names and descriptions, such as what it plots: tooltips that say nothing. Texts have no '<' of their own. */
    const char *ending = strncmp(at, "<title>", 7) == 0 ? "</title>" : strncmp(at, "<desc>", 6) == 0 ? "</desc>" : NULL;
    const char *behind = ending ? strstr(at, ending) : NULL;
    return behind ? (size_t)(behind - at) + strlen(ending) : 0;
}

nlg_status nlg_svg_finish(const char *raw, const char *id, const char *title, const char *alt, const nlg_layout *layout,
                          const nlg_rows *rows, char **svg, size_t *size, nlg_error *err) {
    const char *begin = strstr(raw, "<svg"), *body = begin ? strchr(begin, '>') : NULL, *last = NULL;
    for (const char *at = raw; (at = strstr(at, "</svg>")); at++) last = at;
    *svg = NULL;
    if (!body || !last) return nlg_fail(err, NLG_ERR_INPUT, "gnuplot made no SVG");
    char *text = NULL;
    FILE *f = open_memstream(&text, size);
    if (!f) return nlg_fail_memory(err, 0, "a figure");
    put_head(f, id, title, alt, layout);
    for (const char *at = body + 1; at < last;) {
        size_t taken = *at == '<' || *at == 'g' || *at == 'i' || *at == '\'' || *at == '"' ? changed(f, at, id) : 0;
        if (!taken) {
            fputc(*at, f);
            taken = 1;
        }
        at += taken;
    }
    put_hovers(f, layout, rows);
    fputs("</svg>\n", f);
    bool failed = ferror(f) != 0;
    if (fclose(f) || failed) {
        free(text);
        return nlg_fail_memory(err, 0, "a figure");
    }
    *svg = text; /* plain malloc's block: nlg_free takes it */
    return NLG_OK;
}
