/* The report's text: index.html and report.md from the same parts. */
#include <stdio.h>
#include <string.h>

#include "harness/network.h"
#include "harness/report/report.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/graph/graph.h"

#define SMALL_SCALE                                                                                                                \
    "Small forms on Fashion-MNIST, trained here at a reduced scale: mean test accuracy, bars from minimum to maximum of Wilson's " \
    "95% interval. "
const nlg_figure nlg_figures[] = {
    {"accuracy-params", "accuracy", "training", "3", SMALL_SCALE "The line is the Pareto front; dominated points stay visible."},
    {"accuracy-macs", "accuracy", "training", "4", SMALL_SCALE "The line is the Pareto front; dominated points stay visible."},
    {"search-curve", "search", "search_curve", "",
     "Best proxy score (validation accuracy after the search's short training) against evaluations, repeats included: median and "
     "interquartile range over search seeds, the same number and cost of evaluations for both strategies."},
    {"latency", "latency", "latency", "",
     "Median time of one forward pass on this machine, bars from p10 to p90, against multiply-accumulates."},
};
const int nlg_n_figures = (int)(sizeof nlg_figures / sizeof *nlg_figures);

typedef struct section {
    const char *id, *title, *how;
    const char *tables[3];
    int first_figure, n_figures;
} section;
static const section sections[] = {
    {"training",
     "Human-designed and searched small networks",
     "Every arm has the same recipe and the same grid of learning rates; the rate is chosen on validation with seed 1000, which is "
     "not used again. "
     "Then each seed is trained, and the test split is opened once all rates are fixed. Accuracies are in percent. Runs that "
     "diverged or stayed at chance level are listed.",
     {"training"},
     0,
     2},
    {"search",
     "Search: regularised evolution and random search",
     "Proxy scores choose the winners; winners and some random architectures are then trained anew, the same way. Proxy and "
     "retrained numbers have columns of their own.",
     {"search_summary", "search_correlation"},
     2,
     1},
    {"latency",
     "Time on this machine",
     "Warm-up, then repeated forward passes for a fixed time; rows with p90/p10 above 1.2 are flagged as noisy.",
     {"latency"},
     3,
     1},
    {"counts",
     "Counts of every network",
     "Counted from the graphs by one rule; beside them the published values. Differences compare parameters without auxiliary "
     "heads.",
     {"counts"},
     0,
     0},
};
enum { N_SECTIONS = sizeof sections / sizeof *sections };

static void escaped(FILE *f, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '<')
            fputs("&lt;", f);
        else if (text[i] == '&')
            fputs("&amp;", f);
        else
            fputc(text[i], f);
    }
}

static nlg_status read_part(const char *folder, const char *kind, const char *name, const char *ending, char **text,
                            nlg_error *err) {
    enum { LARGEST = 1 << 24 };
    char path[1024];
    size_t size;
    snprintf(path, sizeof path, "%s/%s/%s.%s", folder, kind, name, ending);
    return nlg_file_read(path, LARGEST, text, &size, err);
}

static nlg_status put_table(FILE *f, bool html, const char *folder, const char *name, nlg_error *err) {
    char *text;
    NLG_TRY(read_part(folder, "tables", name, "tsv", &text, err));
    if (html) fputs("<div class=\"scroll\"><table>\n", f);
    bool is_head = true;
    for (char *line = text, *next; line && *line; line = next) {
        int cells = 1;
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        fputs(html ? "<tr>" : "| ", f);
        for (char *cell = line; cell;) {
            char *tab = strchr(cell, '\t');
            size_t length = tab ? (size_t)(tab - cell) : strlen(cell);
            if (html) fputs(is_head ? "<th>" : "<td>", f);
            escaped(f, cell, length);
            fputs(html ? is_head ? "</th>" : "</td>" : tab ? " | " : " |", f);
            cells += tab != NULL;
            cell = tab ? tab + 1 : NULL;
        }
        fputs(html ? "</tr>\n" : "\n", f);
        if (!html && is_head)
            for (int i = 0; i < cells; i++) fputs(i + 1 < cells ? "| --- " : "| --- |\n", f);
        is_head = false;
    }
    fputs(html ? "</table></div>\n" : "\n", f);
    nlg_free(text);
    return NLG_OK;
}

static nlg_status put_figure(FILE *f, bool html, const char *folder, const nlg_figure *figure, nlg_error *err) {
    if (!html) {
        fprintf(f, "![%s](figures/%s.svg)\n\n%s %s\n\n", figure->name, figure->name, figure->caption, nlg_counting_rule);
        return NLG_OK;
    }
    char *text;
    NLG_TRY(read_part(folder, "figures", figure->name, "svg", &text, err));
    const char *svg = strstr(text, "<svg");
    nlg_status status = svg ? NLG_OK : nlg_fail(err, NLG_ERR_INPUT, "figures/%s.svg: not a picture", figure->name);
    if (svg) fprintf(f, "<figure>\n%s\n<figcaption>%s %s</figcaption></figure>\n", svg, figure->caption, nlg_counting_rule);
    nlg_free(text);
    return status;
}

static void put_failures(FILE *f, bool html, const nlg_result_row *rows, int count) {
    int n = 0;
    fputs(html ? "<h2 id=\"failed\">Runs that failed</h2><ul>" : "## Runs that failed\n\n", f);
    for (int i = 0; i < count; i++) {
        if (!nlg_result_is(rows[i].result, "status", "diverged")) continue;
        const cJSON *message = cJSON_GetObjectItem(rows[i].result, "message");
        fputs(html ? "<li>" : "- ", f);
        fprintf(f, "%s %s %s: ", rows[i].experiment, rows[i].part, rows[i].arm);
        if (message) escaped(f, message->valuestring, strlen(message->valuestring));
        fputs(html ? "</li>\n" : "\n", f);
        n++;
    }
    if (!n) fputs(html ? "<li>None.</li>" : "None.\n", f);
    fputs(html ? "</ul>\n" : "\n", f);
}

/* How the small forms differ from the papers' networks. */
static void put_deviations(FILE *f, bool html, const nlg_result_row *rows, int count) {
    fputs(html ? "<h2 id=\"deviations\">Small forms: what differs from the papers</h2><ul>\n"
               : "## Small forms: what differs from the papers\n\n",
          f);
    const char *last = "";
    for (int i = 0; i < count; i++) {
        const nlg_model *m;
        if (strcmp(rows[i].part, "final") || !strcmp(rows[i].arm, last) || nlg_model_find(rows[i].arm, &m, NULL) != NLG_OK)
            continue;
        last = rows[i].arm;
        fprintf(f, html ? "<li>%s: " : "- %s: ", m->name);
        for (const char *c = m->deviations ? m->deviations : "nothing stated"; *c; c++) escaped(f, *c == '\n' ? " " : c, 1);
        fputs(html ? "</li>\n" : "\n", f);
    }
    fputs(html ? "</ul>\n" : "\n", f);
}

static nlg_status put_section(FILE *f, bool html, const char *folder, const section *s, nlg_error *err) {
    fprintf(f, html ? "<h2 id=\"%s\">%s</h2>\n<p>%s</p>\n" : "<a id=\"%s\"></a>\n\n## %s\n\n%s\n\n", s->id, s->title, s->how);
    for (int i = 0; i < s->n_figures; i++) NLG_TRY(put_figure(f, html, folder, &nlg_figures[s->first_figure + i], err));
    for (int i = 0; i < 3 && s->tables[i]; i++) NLG_TRY(put_table(f, html, folder, s->tables[i], err));
    return NLG_OK;
}

static nlg_status put_all(FILE *f, bool html, const char *folder, const char *profile, const nlg_result_row *rows, int count,
                          nlg_error *err) {
    static const char head[] =
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>netlineage report</title>\n<style>\n"
        "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222;background:#fff}\n"
        "table{border-collapse:collapse;font-size:12px}th,td{padding:2px 8px;border-bottom:1px solid "
        "#ccc;text-align:left;white-space:nowrap}\n"
        ".scroll{overflow-x:auto}svg{max-width:100%;height:auto}figcaption{font-size:14px;color:#444}figure{margin:1em "
        "0;break-inside:avoid}\n"
        ".box{border:1px solid #999;padding:.5em 1em}\n</style></head><body>\n";
    if (html) fputs(head, f);
    fprintf(f, html ? "<h1>netlineage: report of the profile %s</h1>\n" : "# netlineage: report of the profile %s\n\n", profile);
    const nlg_result_row *r = &rows[count - 1];
    fputs(html ? "<p class=\"box\">" : "", f);
    fprintf(f, "Commit %s, %s, %s; %s, %d threads, %s. ", r->commit, r->compiler, r->flags, r->cpu, r->threads, r->isa);
    fprintf(
        f,
        "Facts of the last row; every row has its own in the store. With fewer than 10 seeds no claim is tested: the profile %s ",
        profile);
    fputs("shows direction and size only.", f);
    fputs(html ? "</p>\n<ul>\n" : "\n\n", f);
    for (int i = 0; i < N_SECTIONS; i++)
        fprintf(f, html ? "<li><a href=\"#%s\">%s</a></li>\n" : "- [%2$s](#%1$s)\n", sections[i].id, sections[i].title);
    fputs(html ? "<li><a href=\"#deviations\">Small forms: what differs from the papers</a></li>\n<li><a href=\"#failed\">Runs "
                 "that failed</a></li></ul>\n"
               : "\n",
          f);
    for (int i = 0; i < N_SECTIONS; i++) NLG_TRY(put_section(f, html, folder, &sections[i], err));
    put_deviations(f, html, rows, count);
    put_failures(f, html, rows, count);
    if (html) fputs("</body></html>\n", f);
    return NLG_OK;
}

nlg_status nlg_report_text(const char *folder, const char *profile, const nlg_result_row *rows, int count, nlg_error *err) {
    static const char *const names[] = {"report.md", "index.html"};
    for (int html = 0; html < 2; html++) {
        char path[1024];
        nlg_file_writer w;
        snprintf(path, sizeof path, "%s/%s", folder, names[html]);
        NLG_TRY(nlg_file_begin(&w, path, err));
        nlg_status status = put_all(w.stream, html, folder, profile, rows, count, err);
        if (status != NLG_OK) {
            nlg_file_abort(&w);
            return status;
        }
        NLG_TRY(nlg_file_commit(&w, err));
    }
    return NLG_OK;
}
