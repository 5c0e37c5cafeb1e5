/* Pictures and pages of the report. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/detections_scene.h"
#include "harness/report/draw.h"
#include "harness/report/layouts_scene.h"
#include "harness/report/panels.h"
#include "harness/report/report.h"
#include "harness/report/template.h"
#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/base/share.h"

enum { LARGEST = 1 << 24 };

static const char *text_of(const cJSON *object, const char *key) {
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(v) ? v->valuestring : NULL;
}

/* --- pictures --- */

static nlg_status save(const char *output, const char *id, const char *ending, const nlg_bytes *bytes, nlg_error *err) {
    char path[1400];
    snprintf(path, sizeof path, "%.1000s/figures/%s.%s", output, id, ending);
    return nlg_file_write(path, bytes->data, bytes->size, err);
}

/* What the axis of a claim's pairs shows; many a unit says what is subtracted or divided. */
static void print_axis(FILE *f, const nlg_claim *claim) {
    char text[300];
    const char *unit = *claim->unit ? claim->unit : claim->rule->unit;
    const bool says_it = strstr(unit, " minus ") || strstr(unit, " - ") || strstr(unit, " / ");
    snprintf(text, sizeof text, "%.200s%s", unit, says_it ? "" : nlg_claim_is_ratio(claim) ? " (ratio)" : " (difference)");
    nlg_escape(f, NLG_ESCAPE_TSV, text);
}

/* Where a claim's rule draws its lines; NaN: no line. */
static void bounds_of(const nlg_claim *claim, double *low, double *high) {
    const char *rule = claim->rule->name;
    const cJSON *margin = cJSON_GetObjectItemCaseSensitive(claim->params, "margin");
    *low = *high = (double)NAN;
    if (nlg_claim_is_ratio(claim)) {
        *low = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(claim->params, "low"));
        *high = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(claim->params, "high"));
    } else if (strcmp(rule, "equal") != 0 && strcmp(rule, "descriptive") != 0) {
        *low = margin ? -cJSON_GetNumberValue(margin) : 0;
    }
}

nlg_status nlg_report_claim_rows(nlg_report *r, const char *id, char **text, nlg_error *err) {
    const nlg_claim *claim = NULL;
    nlg_rows *rows;
    size_t size;
    char number[32];
    double low, high;
    for (int i = 0; i < r->claims.n_claims; i++)
        if (strcmp(r->claims.claims[i].id, id) == 0) claim = &r->claims.claims[i];
    if (!claim) return nlg_fail(err, NLG_ERR_INPUT, "there is no claim '%s'", id);
    NLG_TRY(nlg_query_run(r->query, claim->query, r->profile, claim->experiment, id, &rows, err));
    FILE *f = open_memstream(text, &size);
    bounds_of(claim, &low, &high);
    if (f) fputs("pair\tcontrast\tvalue\tlow_bound\thigh_bound\taxis\tis_ratio\tclaim\n", f);
    for (int i = 0; f && i < rows->count; i++) {
        static const char *const names[] = {"pair", "contrast"};
        const double a = nlg_rows_number(rows, i, "a"), b = nlg_rows_number(rows, i, "b"),
                     numbers[] = {nlg_claim_is_ratio(claim) ? a / b : a - b, low, high};
        if (!isfinite(numbers[0])) continue;
        for (int c = 0; c < 2; c++) {
            const char *cell = nlg_rows_text(rows, i, names[c]);
            nlg_escape(f, NLG_ESCAPE_TSV, cell && *cell ? cell : "-");
            fputc('\t', f);
        }
        for (int c = 0; c < 3; c++) fprintf(f, "%s\t", isfinite(numbers[c]) ? nlg_number_text(numbers[c], number) : "-");
        print_axis(f, claim);
        fprintf(f, "\t%d\t", nlg_claim_is_ratio(claim));
        nlg_escape(f, NLG_ESCAPE_TSV, claim->text);
        fputc('\n', f);
    }
    nlg_rows_free(rows);
    if (!f || fclose(f)) return nlg_fail_memory(err, 0, "a claim");
    return NLG_OK;
}

static nlg_status draw_one(nlg_report *r, cJSON *figure, const char *output, nlg_error *err) {
    const nlg_figure *f;
    nlg_rows *rows;
    nlg_drawing d = {0};
    const char *id = text_of(figure, "id");
    NLG_TRY(nlg_figure_find(r->figures, r->n_figures, text_of(figure, "name"), &f, err));
    char *given = NULL;
    if (text_of(figure, "claim")) NLG_TRY(nlg_report_claim_rows(r, text_of(figure, "claim"), &given, err));
    nlg_status ready = nlg_figure_tables(f, r->query, given, f->name, err);
    free(given);
    NLG_TRY(ready);
    NLG_TRY(nlg_figure_rows(f, r->query, r->profile, text_of(figure, "experiment"), &rows, err));
    nlg_rows_keep(rows, "panel", text_of(figure, "panel"));
    nlg_status status = nlg_figure_draw(f, rows, id, text_of(figure, "title"), text_of(figure, "alt"),
                                        NLG_DRAW_SVG | NLG_DRAW_NARROW | NLG_DRAW_PNG | NLG_DRAW_PDF, &d, err);
    nlg_rows_free(rows);
    if (status == NLG_OK) status = save(output, id, "svg", &d.svg, err);
    if (status == NLG_OK) status = save(output, id, "png", &d.png, err);
    if (status == NLG_OK) status = save(output, id, "pdf", &d.pdf, err);
    if (status == NLG_OK) {
        nlg_json_text(figure, "svg", d.svg.data);
        nlg_json_text(figure, "narrow", d.narrow.data);
    }
    nlg_drawing_free(&d);
    return status;
}

/* PNG and PDF of a scene. Without gnuplot the page has its SVG alone, after a warning. */
static nlg_status print_scene(const nlg_scene *scene, cJSON *item, const char *output, nlg_error *err) {
    nlg_bytes png, pdf;
    nlg_error why = {0};
    const char *id = text_of(item, "id");
    nlg_status status = nlg_scene_print(scene, &png, &pdf, &why);
    if (status == NLG_OK) status = save(output, id, "png", &png, &why);
    if (status == NLG_OK) status = save(output, id, "pdf", &pdf, &why);
    nlg_free(png.data);
    nlg_free(pdf.data);
    if (status == NLG_ERR_MEMORY || status == NLG_ERR_INTERRUPTED) return nlg_fail(err, status, "%s", why.text);
    if (status != NLG_OK) fprintf(stderr, "lineage report: warning: no PNG and PDF of %s: %s\n", id, why.text);
    cJSON_AddBoolToObject(item, "has_prints", status == NLG_OK);
    return NLG_OK;
}

/* The networks of a row of drawings.json, or the cells of a genotype. */
static nlg_status add_panels(const cJSON *item, nlg_panels *panels, nlg_error *err) {
    nlg_cell_genotype cells;
    const char *genotype = text_of(item, "genotype");
    if (!genotype) return nlg_drawing_panels(item, panels, err);
    NLG_TRY(nlg_genotype_parse(genotype, &cells, err));
    return nlg_panels_add_pair(panels, &cells, NULL, err);
}

static nlg_status panels_scene(const cJSON *item, nlg_scene *scene, nlg_error *err) {
    nlg_panels panels = {0};
    nlg_status status = add_panels(item, &panels, err);
    if (status == NLG_OK) status = nlg_panels_scene(&panels, scene, err);
    nlg_panels_free(&panels);
    return status;
}

/* Structures, cells, detections or layouts. */
static nlg_status fill_scene(const cJSON *item, nlg_scene *scene, nlg_error *err) {
    const cJSON *layouts = cJSON_GetObjectItem(item, "layouts"), *rows = cJSON_GetObjectItem(item, "rows");
    if (layouts) return nlg_layouts_scene(scene, layouts, err);
    return rows ? nlg_detections_scene(scene, cJSON_GetObjectItem(item, "data"), rows, err) : panels_scene(item, scene, err);
}

static nlg_status draw_other(cJSON *item, const char *output, nlg_error *err) {
    nlg_scene scene = {0};
    nlg_bytes svg = {0};
    nlg_status status = fill_scene(item, &scene, err);
    if (status == NLG_OK)
        status = nlg_scene_svg(&scene, text_of(item, "id"), text_of(item, "title"), text_of(item, "alt"), &svg, err);
    if (status == NLG_OK) status = print_scene(&scene, item, output, err);
    if (status == NLG_OK) {
        nlg_json_text(item, "svg", svg.data);
        status = save(output, text_of(item, "id"), "svg", &svg, err);
    }
    nlg_free(svg.data);
    nlg_scene_free(&scene);
    return status;
}

/* Draws every item of a section's list; one that cannot be drawn becomes a warning and is listed as missing. */
static nlg_status draw_list(nlg_report *r, cJSON *section, const char *name, const char *output, nlg_error *err) {
    cJSON *list = cJSON_GetObjectItem(section, name), *item = list->child;
    const bool figures = strcmp(name, "figures") == 0;
    while (item) {
        cJSON *next = item->next;
        nlg_error why = {0};
        nlg_status status = figures ? draw_one(r, item, output, &why) : draw_other(item, output, &why);
        if (status == NLG_ERR_MEMORY || status == NLG_ERR_INTERRUPTED) return nlg_fail(err, status, "%s", why.text);
        if (status != NLG_OK) {
            fprintf(stderr, "lineage report: warning: no picture: %s\n", why.text);
            cJSON *m = nlg_json_object_in(cJSON_GetObjectItem(section, "missing"));
            nlg_json_text(m, "title", text_of(item, "title"));
            nlg_json_text(m, "command", "lineage report");
            nlg_json_text(m, "why", why.text);
            cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
        }
        item = next;
    }
    return NLG_OK;
}

nlg_status nlg_report_draw(nlg_report *r, const char *output, nlg_error *err) {
    char folder[1100];
    cJSON *section;
    snprintf(folder, sizeof folder, "%.1000s/figures", output);
    NLG_TRY(nlg_folder_create(folder, err));
    cJSON_ArrayForEach(section, cJSON_GetObjectItem(r->data, "sections")) {
        NLG_TRY(draw_list(r, section, "structures", output, err));
        NLG_TRY(draw_list(r, section, "drawings", output, err));
        NLG_TRY(draw_list(r, section, "figures", output, err));
    }
    return NLG_OK;
}

/* --- pages --- */

static cJSON *find_claim(cJSON *section, const char *id) {
    cJSON *claim;
    cJSON_ArrayForEach(claim, cJSON_GetObjectItem(section, "claims")) if (strcmp(text_of(claim, "id"), id) == 0) return claim;
    return NULL;
}

/* The picture of a claim's pairs stands with the claim. */
static void move_pairs(cJSON *section) {
    cJSON *figures = cJSON_GetObjectItem(section, "figures"), *figure = figures->child;
    while (figure) {
        cJSON *next = figure->next, *claim = text_of(figure, "claim") ? find_claim(section, text_of(figure, "claim")) : NULL;
        cJSON *pictures = claim ? cJSON_AddArrayToObject(claim, "pictures") : NULL;
        if (pictures) cJSON_AddItemToArray(pictures, cJSON_DetachItemViaPointer(figures, figure));
        figure = next;
    }
}

/* What the columns mean is told once of all tables of a kind; the others lead there. */
static void tell_notes_once(cJSON *sections, cJSON *table) {
    cJSON *section, *first;
    const char *file = text_of(table, "file"), *note = text_of(table, "note");
    if (!file || !note) return;
    cJSON_ArrayForEach(section, sections) {
        cJSON_ArrayForEach(first, cJSON_GetObjectItem(section, "tables")) {
            const char *told = text_of(first, "note");
            if (first == table) return;
            if (!told || strcmp(text_of(first, "file"), file) != 0 || strcmp(told, note) != 0) continue;
            cJSON_DeleteItemFromObjectCaseSensitive(table, "note");
            nlg_json_text(table, "note_at", text_of(first, "id"));
            nlg_json_text(table, "note_title", text_of(first, "title"));
            return;
        }
    }
}

static bool has_claim_of(const cJSON *section, const char *experiment) {
    const cJSON *claim;
    cJSON_ArrayForEach(claim, cJSON_GetObjectItem(section, "claims")) if (strcmp(text_of(claim, "experiment"), experiment) ==
                                                                          0) return true;
    return false;
}

/* Charts of the experiments of a section's claims that stand in another section. */
static void add_elsewhere(nlg_report *r) {
    cJSON *sections = cJSON_GetObjectItem(r->data, "sections"), *section;
    const cJSON *other, *figure;
    cJSON_ArrayForEach(section, sections) {
        cJSON *list = cJSON_AddArrayToObject(section, "elsewhere");
        cJSON_ArrayForEach(other, sections) cJSON_ArrayForEach(figure, cJSON_GetObjectItem(other, "figures")) {
            const char *experiment = text_of(figure, "experiment");
            if (other == section || !experiment || text_of(figure, "claim") || !has_claim_of(section, experiment)) continue;
            cJSON *item = nlg_json_object_in(list);
            nlg_json_text(item, "id", text_of(figure, "id"));
            nlg_json_text(item, "title", text_of(figure, "title"));
            nlg_json_text(item, "section", text_of(other, "id"));
            cJSON_AddBoolToObject(item, "after_first", item != list->child);
        }
        cJSON_AddBoolToObject(section, "has_elsewhere", list && list->child);
    }
}

/* The picture of the first screen, drawn once: ids would be there twice. */
static void move_head_figure(nlg_report *r, cJSON *sections) {
    static const char *const wanted[] = {"accuracy-macs-human-vs-searched", "timeline"};
    cJSON *section, *figure;
    for (int i = 0; i < 2; i++) {
        cJSON_ArrayForEach(section, sections) {
            cJSON *figures = cJSON_GetObjectItem(section, "figures");
            cJSON_ArrayForEach(figure, figures) {
                if (strcmp(text_of(figure, "id"), wanted[i]) != 0) continue;
                cJSON_AddItemToObject(r->data, "head_figure", cJSON_DetachItemViaPointer(figures, figure));
                return;
            }
        }
    }
}

/* What the templates need beyond report.json: what stands elsewhere, the picture of the first screen, pairs with their claims. */
static void complete(nlg_report *r) {
    cJSON *sections = cJSON_GetObjectItem(r->data, "sections"), *section, *table;
    move_head_figure(r, sections);
    cJSON_ArrayForEach(section, sections) {
        move_pairs(section);
        cJSON_ArrayForEach(table, cJSON_GetObjectItem(section, "tables")) tell_notes_once(sections, table);
    }
    add_elsewhere(r);
}

static nlg_status render(nlg_report *r, const char *output, const char *name, const char *file, nlg_escape_kind escape,
                         nlg_error *err) {
    char shared[64], path[1024], *text;
    size_t size;
    nlg_file_writer w;
    snprintf(shared, sizeof shared, "harness/report/templates/%s", name);
    if (!nlg_share_path(shared, path, sizeof path)) return nlg_fail(err, NLG_ERR_INPUT, "%s: missing", path);
    NLG_TRY(nlg_file_read(path, LARGEST, &text, &size, err));
    char out[1100];
    snprintf(out, sizeof out, "%.1000s/%s", output, file);
    nlg_status status = nlg_file_begin(&w, out, err);
    if (status == NLG_OK) {
        status = nlg_template_render(w.stream, text, path, escape, r->data, NULL, NULL, err);
        if (status == NLG_OK)
            status = nlg_file_commit(&w, err);
        else
            nlg_file_abort(&w);
    }
    nlg_free(text);
    return status;
}

nlg_status nlg_report_write_pages(nlg_report *r, const char *output, nlg_error *err) {
    complete(r);
    NLG_TRY(render(r, output, "report.html", "index.html", NLG_ESCAPE_HTML, err));
    NLG_TRY(render(r, output, "report.md", "report.md", NLG_ESCAPE_MARKDOWN, err));
    return render(r, output, "report.tex", "report.tex", NLG_ESCAPE_TEX, err);
}
