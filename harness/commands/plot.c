/* lineage plot: one figure from the store and the published figures, with a user's own rows beside them. */
#include <stdio.h>
#include <string.h>

#include "harness/command.h"
#include "harness/query/results_store.h"
#include "harness/plans/shipped.h"
#include "harness/report/draw.h"
#include "harness/report/figure.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/share.h"

typedef struct plot_options {
    const char *profile, *results, *add, *out, *experiment, *panel;
    bool list, shipped;
} plot_options;

enum { KEY_PROFILE = 0x100, KEY_RESULTS, KEY_ADD, KEY_OUT, KEY_LIST, KEY_EXPERIMENT, KEY_SHIPPED, KEY_PANEL, LARGEST = 1 << 24 };
static const struct argp_option options[] = {
    {"list", KEY_LIST, NULL, 0, "Print every figure, what it needs, and whether it is there", 0},
    {"out", KEY_OUT, "FILE", 0, "Where the picture goes; .svg, .png, .pdf or .tex says its kind", 0},
    {"add", KEY_ADD, "FILE", 0, "Tab-separated rows of your own to draw beside ours; --list names the columns", 0},
    {"experiment", KEY_EXPERIMENT, "NAME", 0, "Of a figure that each experiment has (default: the first that has rows)", 0},
    {"panel", KEY_PANEL, "NAME", 0, "Of a figure in several pictures, e.g. one for each search space (default: the first)", 0},
    {"profile", KEY_PROFILE, "P", 0, "smoke, quick (default) or full", 0},
    {"shipped", KEY_SHIPPED, NULL, 0, "Of the records that come with the project, results/reference", 0},
    {"results", KEY_RESULTS, "DIR", 0, "Where results are kept (default results/local)", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    plot_options *o = where;
    (void)err;
    switch (key) {
    case KEY_LIST:
        o->list = true;
        break;
    case KEY_OUT:
        o->out = value;
        break;
    case KEY_ADD:
        o->add = value;
        break;
    case KEY_EXPERIMENT:
        o->experiment = value;
        break;
    case KEY_PROFILE:
        o->profile = value;
        break;
    case KEY_PANEL:
        o->panel = value;
        break;
    case KEY_SHIPPED:
        o->shipped = true;
        o->profile = NLG_SHIPPED_PROFILE;
        break;
    default:
        o->results = value;
    }
    return NLG_OK;
}

static nlg_status open_query(const plot_options *o, nlg_query **query, nlg_error *err) {
    char store[4096], published[1024];
    if (o->shipped)
        NLG_TRY(nlg_shipped_open(NULL, o->results, store, sizeof store, err));
    else
        NLG_TRY(nlg_results_path(o->results, store, sizeof store, err));
    bool has_published = nlg_share_path("results/published", published, sizeof published);
    return nlg_query_open(*store ? store : NULL, has_published ? published : NULL, query, err);
}

/* The rows of one figure; *experiment: the one that was taken. */
static nlg_status select_rows(const plot_options *o, const nlg_figure *f, nlg_query *query, const char *add, char *experiment,
                              size_t size, nlg_rows **rows, nlg_error *err) {
    nlg_rows *experiments = NULL;
    *experiment = 0;
    *rows = NULL;
    NLG_TRY(nlg_figure_tables(f, query, add, add ? o->add : f->name, err));
    if (!f->each_experiment) return nlg_figure_rows(f, query, o->profile, NULL, rows, err);
    if (o->experiment) {
        snprintf(experiment, size, "%s", o->experiment);
        return nlg_figure_rows(f, query, o->profile, o->experiment, rows, err);
    }
    NLG_TRY(nlg_query_run(query, NLG_EXPERIMENTS_SQL, o->profile, NULL, "experiments", &experiments, err));
    nlg_status status = NLG_OK;
    for (int i = 0; status == NLG_OK && i < experiments->count && !(*rows && (*rows)->count); i++) {
        nlg_rows_free(*rows);
        snprintf(experiment, size, "%s", experiments->text[i]);
        status = nlg_figure_rows(f, query, o->profile, experiment, rows, err);
    }
    nlg_rows_free(experiments);
    if (status == NLG_OK && !*rows) status = nlg_figure_rows(f, query, o->profile, "", rows, err);
    return status;
}

static nlg_status list(const plot_options *o, const nlg_figure *figures, int count, nlg_query *query, nlg_error *err) {
    for (int i = 0; i < count; i++) {
        const nlg_figure *f = &figures[i];
        nlg_rows *rows;
        char experiment[256];
        if (*f->input) continue; /* drawn by the command that has the rows */
        NLG_TRY(select_rows(o, f, query, NULL, experiment, sizeof experiment, &rows, err));
        printf("%-22s %s\n", f->name, f->title);
        if (!rows->count) printf("%-22s   no data yet: %s\n", "", f->needs);
        if (*f->add) printf("%-22s   --add: %s\n", "", f->add);
        nlg_rows_free(rows);
    }
    puts("\nColumns of --add are separated by tabs; one marked ? may be missing, one marked # holds numbers.");
    return NLG_OK;
}

static nlg_status format_of(const char *out, unsigned *format, nlg_error *err) {
    static const struct {
        const char *ending;
        unsigned format;
    } known[] = {{".svg", NLG_DRAW_SVG}, {".png", NLG_DRAW_PNG}, {".pdf", NLG_DRAW_PDF}, {".tex", NLG_DRAW_TEX}};
    const char *dot = out ? strrchr(out, '.') : NULL;
    if (!out) return nlg_fail(err, NLG_ERR_INPUT, "--out FILE is missing; FILE ends in .svg, .png, .pdf or .tex");
    for (int i = 0; dot && i < 4; i++) {
        if (strcmp(dot, known[i].ending)) continue;
        *format = known[i].format;
        return NLG_OK;
    }
    return nlg_fail(err, NLG_ERR_INPUT, "--out %s: expected a name that ends in .svg, .png, .pdf or .tex", out);
}

/* LaTeX finds the picture by its name beside the .tex: NAME.tex and NAME-figure.pdf. */
static nlg_status write_tex(const char *out, const nlg_drawing *d, nlg_error *err) {
    char pdf[1024], name[256];
    const char *slash = strrchr(out, '/'), *base = slash ? slash + 1 : out;
    static const char mark[] = "{tex}";
    snprintf(name, sizeof name, "%.*s-figure", (int)(strlen(base) - 4), base);
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+.")])
        return nlg_fail(err, NLG_ERR_INPUT, "--out %s: LaTeX finds the picture by this name; use letters, digits, - and .", out);
    snprintf(pdf, sizeof pdf, "%.*s-figure.pdf", (int)(strlen(out) - 4), out);
    NLG_TRY(nlg_file_write(pdf, d->tex_pdf.data, d->tex_pdf.size, err));
    nlg_file_writer w;
    NLG_TRY(nlg_file_begin(&w, out, err));
    for (const char *at = d->tex.data; *at;) {
        if (strncmp(at, mark, strlen(mark)) == 0) {
            fprintf(w.stream, "{%s}", name);
            at += strlen(mark);
        } else {
            fputc(*at++, w.stream);
        }
    }
    return nlg_file_commit(&w, err);
}

/* Keeps the rows of one panel. */
static nlg_status choose_panel(nlg_rows *rows, const char *panel, const char *figure, nlg_error *err) {
    const char *first = nlg_rows_text(rows, 0, "panel"), *last = nlg_rows_text(rows, rows->count - 1, "panel");
    bool is_there = !panel;
    for (int i = 0; !is_there && i < rows->count; i++) {
        const char *name = nlg_rows_text(rows, i, "panel");
        is_there = name && strcmp(name, panel) == 0;
    }
    if (!is_there && !first) return nlg_fail(err, NLG_ERR_INPUT, "%s is one picture here, without --panel", figure);
    if (!is_there) return nlg_fail(err, NLG_ERR_INPUT, "%s has no panel '%s'; panels: %s ... %s", figure, panel, first, last);
    nlg_rows_keep(rows, "panel", panel);
    return NLG_OK;
}

static nlg_status draw(const plot_options *o, const nlg_figure *f, nlg_query *query, nlg_error *err) {
    unsigned format = 0;
    char experiment[256], *add = NULL;
    size_t size;
    nlg_rows *rows = NULL;
    nlg_drawing d = {0};
    NLG_TRY(format_of(o->out, &format, err));
    if (*f->input) return nlg_fail(err, NLG_ERR_INPUT, "%s is drawn by the command that has its rows: %s", f->name, f->needs);
    if (o->add && !*f->add) return nlg_fail(err, NLG_ERR_INPUT, "%s takes no rows of your own (--add)", f->name);
    if (o->add) NLG_TRY(nlg_file_read(o->add, LARGEST, &add, &size, err));
    nlg_status status = select_rows(o, f, query, add, experiment, sizeof experiment, &rows, err);
    nlg_free(add);
    if (status == NLG_OK && rows->count) status = choose_panel(rows, o->panel, f->name, err);
    if (status == NLG_OK && !rows->count)
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: no data for this figure in %s, profile %s; make it by: %s", f->name, o->results,
                          o->profile, f->needs);
    char *title = nlg_figure_text(f->title, experiment, rows), *alt = nlg_figure_text(f->alt, experiment, rows);
    if (status == NLG_OK && !(title && alt)) status = nlg_fail_memory(err, 0, "a figure");
    if (status == NLG_OK) status = nlg_figure_draw(f, rows, f->name, title, alt, format, &d, err);
    const nlg_bytes *b = format == NLG_DRAW_SVG ? &d.svg : format == NLG_DRAW_PNG ? &d.png : &d.pdf;
    if (status == NLG_OK)
        status = format == NLG_DRAW_TEX ? write_tex(o->out, &d, err) : nlg_file_write(o->out, b->data, b->size, err);
    nlg_drawing_free(&d);
    nlg_rows_free(rows);
    nlg_free(title);
    nlg_free(alt);
    return status;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const plot_options *o = call->options;
    nlg_figure *figures;
    int count;
    nlg_query *query = NULL;
    const nlg_figure *f;
    if (!o->list && !call->n_arguments) return nlg_fail(err, NLG_ERR_INPUT, "which figure? lineage plot --list names all");
    NLG_TRY(nlg_figures_load(&figures, &count, err));
    nlg_status status = call->n_arguments ? nlg_figure_find(figures, count, call->arguments[0], &f, err) : NLG_OK;
    if (status == NLG_OK) status = open_query(o, &query, err);
    if (status == NLG_OK) status = o->list ? list(o, figures, count, query, err) : draw(o, f, query, err);
    nlg_query_close(query);
    nlg_figures_free(figures, count);
    return status;
}

const nlg_command nlg_command_plot = {
    .name = "plot",
    .summary = "Draw one figure, with rows of your own beside ours",
    .arguments = "[FIGURE]",
    .max_arguments = 1,
    .help = "A .tex needs the NAME-figure.pdf that is written beside it; include it by \\input.\n\nExamples:\n"
            "  lineage plot --list\n"
            "  lineage plot published-macs --add mine.tsv --out macs.pdf\n"
            "  lineage plot search-anytime --experiment amoeba-evolution --panel nasbench201 --shipped --out anytime.svg",
    .options = options,
    .defaults = &(const plot_options){.profile = "quick", .results = "results/local"},
    .options_size = sizeof(plot_options),
    .option = option,
    .run = run,
};
