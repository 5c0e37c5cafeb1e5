/* The report's document:
 *
 *   {name, profile, smoke, headline, profile_note, store: {runs, hours, last}, machines: [...], has_claims, claims: [...],
 * head_figure, sections: [{id, title, year, what, claims, figures: [{id, title, caption, alt}], drawings: [{id, title, caption,
 *    genotype, reduction | data, rows}], tables, missing: [{title,
 * command}], has_content}]}
 *
 * Which parts there are follows from the files: sections.json, the tables beside it, and plots. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/evidence.h"
#include "harness/report/report.h"
#include "harness/report/sql_head.h"
#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/base/share.h"
#include "models/cells.h"

enum { LARGEST = 1 << 22 };
/* Of ids that are also names of files. */
static const char name_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

/* --- claims --- */

static void p_text(cJSON *object, const char *name, double p) {
    char text[32];
    snprintf(text, sizeof text, p < 0.001 ? "<0.001" : "%.3f", p);
    nlg_json_text(object, name, isfinite(p) ? text : NULL);
}

static double one_number(nlg_report *r, const char *sql, const char *experiment, nlg_status *status, nlg_error *err) {
    nlg_rows *rows = NULL;
    double value = (double)NAN;
    if (*status == NLG_OK) *status = nlg_query_run(r->query, sql, r->profile, experiment, "report", &rows, err);
    if (*status == NLG_OK && rows->count) value = rows->number[0];
    nlg_rows_free(rows);
    return value;
}

static const char *class_of(nlg_verdict_kind kind) {
    return kind == NLG_SUPPORTED      ? "supported"
           : kind == NLG_CONTRADICTED ? "contradicted"
           : kind == NLG_DESCRIBED    ? "described"
                                      : "open";
}

/* What the rule made of one contrast, or of the claim by the contrast that decides it. */
static void add_figures_of(cJSON *row, const nlg_claim *c, const nlg_verdict *v) {
    char text[256];
    nlg_json_number(row, "pairs", (double)v->pairs);
    snprintf(text, sizeof text, "%zu pair%s", v->pairs, v->pairs == 1 ? "" : "s");
    nlg_json_text(row, "pairs_text", text);
    p_text(row, "p", v->p);
    p_text(row, "q", v->q);
    snprintf(text, sizeof text, "%+.2f", v->effect);
    nlg_json_text(row, "effect", isfinite(v->effect) ? text : NULL);
    bool is_ratio = strcmp(c->rule->unit, "a / b") == 0, has_interval = isfinite(v->low) && v->low < v->high;
    const char *unit = c->unit, *blank = *unit ? " " : "";
    if (has_interval && is_ratio)
        snprintf(text, sizeof text, "%.4g (%.4g to %.4g)%s%.60s", v->difference, v->low, v->high, blank, unit);
    else if (has_interval)
        snprintf(text, sizeof text, "%+.3g (%+.3g to %+.3g)%s%.60s", v->difference, v->low, v->high, blank, unit);
    else if (is_ratio)
        snprintf(text, sizeof text, "%.4g%s%.60s", v->difference, blank, unit);
    else
        snprintf(text, sizeof text, "%+.3g%s%.60s", v->difference, blank, unit);
    nlg_json_text(row, "ours", isfinite(v->difference) ? text : NULL);
}

static void add_contrasts(cJSON *row, const nlg_claim *c, const nlg_verdict *v) {
    cJSON *list = v->each ? cJSON_AddArrayToObject(row, "contrasts") : NULL;
    for (int i = 0; list && i < v->contrasts; i++) {
        cJSON *o = nlg_json_object_in(list);
        nlg_json_text(o, "name", v->each[i].name);
        nlg_json_text(o, "verdict", nlg_verdict_name(v->each[i].verdict.kind));
        nlg_json_text(o, "class", class_of(v->each[i].verdict.kind));
        add_figures_of(o, c, &v->each[i].verdict);
    }
    if (list) cJSON_AddBoolToObject(row, "has_contrasts", true);
}

/* One claim for people. */
static cJSON *claim_row(const nlg_report *r, const nlg_claim *c, const nlg_verdict *v, const nlg_evidence *e) {
    cJSON *row = cJSON_CreateObject();
    char text[1024];
    nlg_json_text(row, "id", c->id);
    const size_t length = strlen(c->text);
    snprintf(text, sizeof text, "%.*s%s", (int)sizeof text - 2, c->text, length && strchr(".?!", c->text[length - 1]) ? "" : ".");
    nlg_json_text(row, "text", text);
    nlg_json_text(row, "system", c->system);
    nlg_json_text(row, "experiment", c->experiment);
    for (int i = 0; i < r->claims.n_experiments; i++) {
        const nlg_experiment_text *t = &r->claims.experiments[i];
        if (t->id == c->experiment) nlg_json_text(row, "question", *t->question ? t->question : NULL);
    }
    nlg_json_text(row, "rule", c->rule->means);
    bool differs = e->same < e->again; /* a record made again here has other bits */
    nlg_json_text(row, "verdict", differs ? "not verified here" : nlg_verdict_name(v->kind));
    nlg_json_text(row, "class", differs ? "open" : class_of(v->kind));
    nlg_json_text(row, "source", e->source);
    add_figures_of(row, c, v);
    if (v->each) nlg_json_text(row, "contrast", v->each[v->decisive].name);
    add_contrasts(row, c, v);
    snprintf(text, sizeof text, "%d of %d", e->same, e->again);
    nlg_json_text(row, "reverified", e->again > 0 ? text : NULL);
    nlg_json_number(row, "incomplete", v->incomplete ? v->incomplete : (double)NAN);
    snprintf(text, sizeof text, "%.*s", (int)sizeof text - 1, c->would_decide);
    size_t end = strlen(text);
    if (end && text[end - 1] == '.') text[end - 1] = 0; /* the page ends the sentence */
    nlg_json_text(row, "would_decide", *text && v->kind != NLG_SUPPORTED ? text : NULL);
    return row;
}

static void add_numbers_of(cJSON *row, const nlg_verdict *v) {
    nlg_json_text(row, "verdict", nlg_verdict_name(v->kind));
    nlg_json_number(row, "pairs", (double)v->pairs);
    nlg_json_number(row, "p", v->p);
    nlg_json_number(row, "q", v->q);
    nlg_json_number(row, "effect", v->effect);
    nlg_json_number(row, "difference", v->difference);
    cJSON *interval = cJSON_AddArrayToObject(row, "interval");
    for (int i = 0; i < 2; i++) {
        double end = i ? v->high : v->low;
        cJSON_AddItemToArray(interval, isfinite(end) ? cJSON_CreateNumber(end) : cJSON_CreateNull());
    }
}

/* One claim for machines. */
static void add_verdict(cJSON *list, const nlg_claim *c, const nlg_verdict *v, const nlg_evidence *e) {
    cJSON *row = nlg_json_object_in(list);
    nlg_json_text(row, "id", c->id);
    add_numbers_of(row, v);
    nlg_json_text(row, "source", e->source);
    cJSON *reverified = cJSON_AddArrayToObject(row, "reverified");
    cJSON_AddItemToArray(reverified, cJSON_CreateNumber(e->same));
    cJSON_AddItemToArray(reverified, cJSON_CreateNumber(e->again));
    nlg_json_number(row, "seconds", e->seconds);
    cJSON *contrasts = v->each ? cJSON_AddArrayToObject(row, "contrasts") : NULL;
    for (int i = 0; contrasts && i < v->contrasts; i++) {
        const nlg_verdict *one = &v->each[i].verdict;
        cJSON *o = nlg_json_object_in(contrasts);
        nlg_json_text(o, "name", v->each[i].name);
        add_numbers_of(o, one);
    }
}

static nlg_status add_claims(nlg_report *r, cJSON *list, nlg_error *err) {
    const int n = r->claims.n_claims;
    nlg_status status = NLG_OK;
    for (int i = 0; status == NLG_OK && i < n; i++)
        status = nlg_claim_decide(&r->claims.claims[i], r->query, r->profile, &r->verdicts[i], err);
    if (status == NLG_OK) status = nlg_verdicts_adjust(r->verdicts, n, err);
    for (int i = 0; status == NLG_OK && i < n; i++) {
        const nlg_claim *c = &r->claims.claims[i];
        nlg_evidence e;
        status = nlg_evidence_of(r->query, r->profile, c->experiment, &e, err);
        if (status != NLG_OK) break;
        cJSON_AddItemToArray(list, claim_row(r, c, &r->verdicts[i], &e));
        add_verdict(r->verdict_list, c, &r->verdicts[i], &e);
    }
    return status;
}

static void add_headline(nlg_report *r) {
    int count[NLG_DESCRIBED + 1] = {0};
    char text[400];
    for (int i = 0; i < r->claims.n_claims; i++) count[r->verdicts[i].kind]++;
    int n = r->claims.n_claims - count[NLG_DESCRIBED];
    if (n > 0 && strcmp(r->profile, "smoke") == 0)
        snprintf(text, sizeof text,
                 "This is a trial of the machinery: %d claims were run at a size that shows nothing but that everything works.", n);
    else if (n > 0)
        snprintf(text, sizeof text,
                 "Of %d claims put to the test here, %d %s supported, %d contradicted, %d not shown, and %d cannot be tested at "
                 "this scale.",
                 n, count[NLG_SUPPORTED], count[NLG_SUPPORTED] == 1 ? "is" : "are", count[NLG_CONTRADICTED], count[NLG_NOT_SHOWN],
                 count[NLG_NOT_TESTABLE]);
    else
        snprintf(text, sizeof text, "No claim is put to the test in this profile; what was measured stands below.");
    nlg_json_text(r->data, "headline", text);
}

/* --- facts --- */

static nlg_status add_facts(nlg_report *r, nlg_error *err) {
    nlg_status status = NLG_OK;
    nlg_rows *rows = NULL;
    cJSON *store = cJSON_AddObjectToObject(r->data, "store");
    char text[64];
    double runs = one_number(r, "SELECT count(DISTINCT key) FROM members WHERE profile = :profile", NULL, &status, err);
    double seconds = one_number(
        r, "SELECT sum(seconds) FROM records WHERE key IN (SELECT key FROM members WHERE profile = :profile)", NULL, &status, err);
    snprintf(text, sizeof text, "%.0f", runs);
    nlg_json_text(store, "runs", text);
    snprintf(text, sizeof text, seconds < 6000 ? "%.0f minutes" : "%.1f hours",
             seconds < 6000 ? ceil(seconds / 60) : seconds / 3600);
    nlg_json_text(store, "time", text);
    if (status == NLG_OK)
        status = nlg_query_run(
            r->query, "SELECT max(created) AS last FROM records WHERE key IN (SELECT key FROM members WHERE profile = :profile)",
            r->profile, NULL, "report", &rows, err);
    if (status == NLG_OK) nlg_json_text(store, "last", rows->count && rows->text[0] ? rows->text[0] : "-");
    nlg_rows_free(rows);
    rows = NULL;
    if (status == NLG_OK)
        status = nlg_query_run(
            r->query,
            "SELECT cpu, cores, threads, isa, commit_id, compiler, flags, count(*) AS runs FROM machines JOIN records ON machine = "
            "machines.id"
            " WHERE key IN (SELECT key FROM members WHERE profile = :profile) GROUP BY machines.id ORDER BY runs DESC, machines.id",
            r->profile, NULL, "report", &rows, err);
    cJSON *machines = cJSON_AddArrayToObject(r->data, "machines");
    for (int i = 0; status == NLG_OK && i < rows->count; i++) {
        cJSON *m = nlg_json_object_in(machines);
        for (int c = 0; c < rows->columns; c++)
            nlg_json_text(m, rows->names[c], rows->text[i * rows->columns + c] ? rows->text[i * rows->columns + c] : "-");
    }
    nlg_rows_free(rows);
    if (machines->child) cJSON_AddItemToObject(r->data, "machine", cJSON_Duplicate(machines->child, true)); /* of most runs */
    return status;
}

/* --- parts of sections --- */

static cJSON *section_of(const nlg_report *r, const char *id) {
    cJSON *s;
    cJSON_ArrayForEach(s, cJSON_GetObjectItem(r->data, "sections")) {
        if (strcmp(cJSON_GetObjectItem(s, "id")->valuestring, id) == 0) return s;
    }
    return NULL;
}

/* "experiment" stands for the system of the experiment's first claim, else the section of its own name, else "training". */
static cJSON *section_for(const nlg_report *r, const char *section, const char *experiment) {
    if (strcmp(section, "experiment")) return section_of(r, section);
    for (int i = 0; experiment && i < r->claims.n_claims; i++) {
        cJSON *s = strcmp(r->claims.claims[i].experiment, experiment) == 0 ? section_of(r, r->claims.claims[i].system) : NULL;
        if (s) return s;
    }
    cJSON *own = experiment ? section_of(r, experiment) : NULL;
    return own ? own : section_of(r, "training");
}

static void add_part(cJSON *section, const char *kind, cJSON *part) {
    if (!cJSON_AddItemToArray(cJSON_GetObjectItem(section, kind), part)) cJSON_Delete(part);
    cJSON_ReplaceItemInObject(section, "has_content", cJSON_CreateTrue());
}

static void add_missing(cJSON *section, const char *title, const char *command, const char *why) {
    cJSON *m = nlg_json_object_in(cJSON_GetObjectItem(section, "missing"));
    nlg_json_text(m, "title", title);
    nlg_json_text(m, "command", command);
    nlg_json_text(m, "why", why);
}

static nlg_status add_figure(nlg_report *r, const nlg_figure *f, const char *experiment, int *drawn, nlg_error *err) {
    nlg_rows *rows;
    NLG_TRY(nlg_figure_tables(f, r->query, NULL, f->name, err));
    NLG_TRY(nlg_figure_rows(f, r->query, r->profile, experiment, &rows, err));
    int count = rows->count;
    nlg_rows_free(rows);
    if (!count) return NLG_OK;
    cJSON *section = section_for(r, f->section, experiment), *figure = cJSON_CreateObject();
    char id[300];
    snprintf(id, sizeof id, "%.100s%s%.150s", f->name, experiment ? "-" : "", experiment ? experiment : "");
    for (char *c = id; *c; c++) /* also a file's name */
        if (!strchr(name_characters, *c)) *c = '_';
    char *texts[] = {nlg_figure_text(f->title, experiment), nlg_figure_text(f->caption, experiment),
                     nlg_figure_text(f->alt, experiment)};
    nlg_json_text(figure, "id", id);
    nlg_json_text(figure, "name", f->name);
    nlg_json_text(figure, "experiment", experiment);
    nlg_json_text(figure, "title", texts[0]);
    nlg_json_text(figure, "caption", texts[1]);
    nlg_json_text(figure, "alt", texts[2]);
    for (int i = 0; i < 3; i++) nlg_free(texts[i]);
    add_part(section, "figures", figure);
    ++*drawn;
    return NLG_OK;
}

static nlg_status each_experiment(nlg_report *r, nlg_rows **experiments, nlg_error *err) {
    return nlg_query_run(r->query, NLG_EXPERIMENTS_SQL, r->profile, NULL, "report", experiments, err);
}

static nlg_status add_figures(nlg_report *r, const nlg_rows *experiments, nlg_error *err) {
    for (int i = 0; i < r->n_figures; i++) {
        const nlg_figure *f = &r->figures[i];
        int drawn = 0;
        if (*f->input) continue; /* commands draw these */
        if (!section_for(r, f->section, NULL))
            return nlg_fail(err, NLG_ERR_INPUT, "figure %s: there is no section '%s' in harness/report/templates/sections.json",
                            f->name, f->section);
        if (!f->each_experiment) NLG_TRY(add_figure(r, f, NULL, &drawn, err));
        for (int e = 0; f->each_experiment && e < experiments->count; e++)
            NLG_TRY(add_figure(r, f, experiments->text[e], &drawn, err));
        if (drawn) continue;
        char *title = nlg_figure_text(f->title, "any experiment");
        add_missing(section_for(r, f->section, NULL), title, f->needs, "no data");
        nlg_free(title);
    }
    return NLG_OK;
}

typedef struct table_file {
    char name[128], path[1300];
    char *sql, *title, *section, *note, *each, *filter;
} table_file;

static void table_free(table_file *t) {
    char *all[] = {t->sql, t->title, t->section, t->note, t->each, t->filter};
    for (int i = 0; i < 6; i++) nlg_free(all[i]);
}

static nlg_status table_read(table_file *t, const char *folder, const char *file, nlg_error *err) {
    size_t size;
    *t = (table_file){.name = ""};
    snprintf(t->name, sizeof t->name, "%.*s", (int)(strlen(file) - strlen("table-.sql")), file + strlen("table-"));
    snprintf(t->path, sizeof t->path, "%s/%.255s", folder, file);
    NLG_TRY(nlg_file_read(t->path, LARGEST, &t->sql, &size, err));
    NLG_TRY(nlg_sql_head_check(t->sql, "title section note each filter", t->path, err));
    char **const texts[] = {&t->title, &t->section, &t->note, &t->each, &t->filter};
    static const char *const keys[] = {"title", "section", "note", "each", "filter"};
    for (int i = 0; i < 5; i++)
        if (!(*texts[i] = nlg_sql_head_text(t->sql, keys[i]))) return nlg_fail_memory(err, 0, t->path);
    return NLG_OK;
}

static nlg_status add_table(nlg_report *r, const table_file *t, cJSON *section, const char *experiment, nlg_error *err) {
    nlg_rows *rows;
    char id[300];
    NLG_TRY(nlg_query_run(r->query, t->sql, r->profile, experiment, t->path, &rows, err));
    if (rows->count && section) {
        char *title = nlg_figure_text(t->title, experiment);
        const char *of = experiment ? experiment : cJSON_GetObjectItem(section, "id")->valuestring;
        snprintf(id, sizeof id, "table-%s-%.150s", t->name, of);
        cJSON *table = nlg_report_table(rows, id, title ? title : "", t->note, *t->filter != 0);
        nlg_json_text(table, "file", t->name);
        add_part(section, "tables", table);
        nlg_free(title);
    }
    nlg_rows_free(rows);
    return NLG_OK;
}

static nlg_status add_table_file(nlg_report *r, const table_file *t, const nlg_rows *experiments, nlg_error *err) {
    nlg_status status = NLG_OK;
    if (strcmp(t->section, "*") == 0) { /* every section that has networks */
        cJSON *s;
        cJSON_ArrayForEach(s, cJSON_GetObjectItem(r->data, "sections")) {
            cJSON *networks = cJSON_GetObjectItem(s, "networks");
            char *patterns = NULL;
            if (status != NLG_OK || !cJSON_GetArraySize(networks)) continue;
            status = nlg_json_write(networks, false, &patterns, err);
            nlg_query_networks(r->query, patterns);
            if (status == NLG_OK) status = add_table(r, t, s, NULL, err);
            nlg_query_networks(r->query, NULL);
            nlg_free(patterns);
        }
        return status;
    }
    if (!*t->section) return NLG_OK; /* for machines only */
    if (!section_for(r, t->section, NULL)) return nlg_fail(err, NLG_ERR_INPUT, "%s: there is no section '%s'", t->path, t->section);
    if (!*t->each) return add_table(r, t, section_for(r, t->section, NULL), NULL, err);
    for (int e = 0; status == NLG_OK && e < experiments->count; e++)
        status = add_table(r, t, section_for(r, t->section, experiments->text[e]), experiments->text[e], err);
    return status;
}

/* Calls `visit` for every table-*.sql, by name. */
static nlg_status each_table_file(nlg_report *r,
                                  nlg_status (*visit)(nlg_report *, const table_file *, const nlg_rows *, void *, nlg_error *),
                                  const nlg_rows *experiments, void *context, nlg_error *err) {
    char folder[1024];
    struct dirent **files = NULL;
    int n = nlg_share_path("harness/report/templates", folder, sizeof folder) ? scandir(folder, &files, NULL, alphasort) : -1;
    if (n < 0) return nlg_fail(err, NLG_ERR_INPUT, "%s: cannot be read; it holds the report's templates", folder);
    nlg_status status = NLG_OK;
    for (int i = 0; i < n; i++) {
        const char *name = files[i]->d_name, *dot = strrchr(name, '.');
        if (status == NLG_OK && strncmp(name, "table-", 6) == 0 && dot && strcmp(dot, ".sql") == 0) {
            table_file t;
            status = table_read(&t, folder, name, err);
            if (status == NLG_OK) status = visit(r, &t, experiments, context, err);
            table_free(&t);
        }
        free(files[i]);
    }
    free(files);
    return status;
}

static nlg_status visit_for_people(nlg_report *r, const table_file *t, const nlg_rows *experiments, void *context, nlg_error *err) {
    (void)context;
    return add_table_file(r, t, experiments, err);
}

static nlg_status visit_for_machines(nlg_report *r, const table_file *t, const nlg_rows *experiments, void *context,
                                     nlg_error *err) {
    const char *output = context;
    char path[1400];
    nlg_file_writer w;
    snprintf(path, sizeof path, "%.1000s/tables/%s.tsv", output, t->name);
    NLG_TRY(nlg_file_begin(&w, path, err));
    nlg_status status = NLG_OK;
    for (int e = 0; status == NLG_OK && e < (*t->each ? experiments->count : 1); e++) {
        nlg_rows *rows;
        status = nlg_query_run(r->query, t->sql, r->profile, *t->each ? experiments->text[e] : NULL, t->path, &rows, err);
        if (status == NLG_OK) nlg_report_tsv(w.stream, rows, e == 0);
        nlg_rows_free(rows);
    }
    if (status == NLG_OK) return nlg_file_commit(&w, err);
    nlg_file_abort(&w);
    return status;
}

/* --- cells --- */

static nlg_status add_cells(cJSON *section, const char *name, const char *title, const char *genotype, nlg_error *err) {
    nlg_cell_genotype cells;
    if (nlg_genotype_parse(genotype, &cells, NULL) != NLG_OK) return NLG_OK; /* of a space that is not made of such cells */
    for (int i = 0; i < 2; i++) {
        const nlg_cell *cell = i ? &cells.reduction : &cells.normal;
        char text[300];
        if (!cell->n_blocks) continue;
        cJSON *c = cJSON_CreateObject();
        snprintf(text, sizeof text, "cells-%.200s-%s", name, i ? "reduction" : "normal");
        for (char *at = text; *at; at++)
            if (!strchr(name_characters, *at)) *at = '_';
        nlg_json_text(c, "id", text);
        snprintf(text, sizeof text, "%.200s, %s", title, !cells.reduction.n_blocks ? "cell" : i ? "reduction cell" : "normal cell");
        nlg_json_text(c, "title", text);
        nlg_json_text(c, "caption", "Inputs above: the outputs of the two cells before; each block adds two operations.");
        nlg_json_text(c, "genotype", genotype);
        cJSON_AddBoolToObject(c, "reduction", i);
        add_part(section, "drawings", c);
    }
    (void)err;
    return NLG_OK;
}

/* The cells of the networks that a section's "draw" names. */
static nlg_status add_published_cells(cJSON *section, nlg_error *err) {
    const cJSON *name;
    cJSON_ArrayForEach(name, cJSON_GetObjectItem(section, "draw")) {
        const nlg_model *model;
        if (!cJSON_IsString(name)) continue;
        NLG_TRY(nlg_model_find(name->valuestring, &model, err));
        size_t length = nlg_model_genotype(model, NULL, 0);
        char *text = nlg_alloc(length + 1, 1);
        if (!text) return nlg_fail_memory(err, length, "a genotype");
        nlg_model_genotype(model, text, length + 1);
        nlg_status status = length ? add_cells(section, model->name, model->name, text, err) : NLG_OK;
        nlg_free(text);
        if (status != NLG_OK) return status;
    }
    return NLG_OK;
}

/* What the searches found and the final stage trained, a few of each experiment. */
static nlg_status add_found_cells(nlg_report *r, nlg_error *err) {
    enum { MOST = 6 };
    static const char sql[] =
        "SELECT arm, json_extract(spec, '$.genotype') AS genotype, min(position) AS place FROM members JOIN records USING (key)"
        " WHERE profile = :profile AND experiment = :experiment AND final = 1 AND json_extract(spec, '$.genotype') IS NOT NULL"
        " GROUP BY arm, 2 ORDER BY stage DESC, place LIMIT 6";
    nlg_rows *experiments, *rows;
    NLG_TRY(each_experiment(r, &experiments, err));
    nlg_status status = NLG_OK;
    for (int e = 0; status == NLG_OK && e < experiments->count; e++) {
        status = nlg_query_run(r->query, sql, r->profile, experiments->text[e], "report", &rows, err);
        for (int i = 0; status == NLG_OK && i < rows->count && i < MOST; i++) {
            char name[256], title[300];
            snprintf(name, sizeof name, "%.100s-%.100s", experiments->text[e], nlg_rows_text(rows, i, "arm"));
            snprintf(title, sizeof title, "%.100s: %.150s", experiments->text[e], nlg_rows_text(rows, i, "arm"));
            status = add_cells(section_of(r, "search"), name, title, nlg_rows_text(rows, i, "genotype"), err);
        }
        if (status == NLG_OK) nlg_rows_free(rows);
    }
    nlg_rows_free(experiments);
    return status;
}

/* --- detections --- */

static nlg_status add_row_of_answers(cJSON *item, const nlg_rows *rows, int i, nlg_error *err) {
    static const char *const parts[] = {"data", "answers"};
    cJSON *row = nlg_json_object_in(cJSON_GetObjectItem(item, "rows"));
    char title[256];
    snprintf(title, sizeof title, "%.200s, seed %.0f", nlg_rows_text(rows, i, "arm"), nlg_rows_number(rows, i, "seed"));
    nlg_json_text(row, "title", title);
    for (int k = 0; k < 2; k++) {
        const char *text = nlg_rows_text(rows, i, parts[k]);
        cJSON *value;
        if (k == 0 && i > 0) continue;
        NLG_TRY(nlg_json_read(text, strlen(text), "a record", &value, err));
        cJSON_AddItemToObject(k ? row : item, parts[k], value);
    }
    return NLG_OK;
}

/* What the first detector of each arm says of the first test images (the key "pictures" of the measure train). */
static nlg_status add_answers(nlg_report *r, const nlg_rows *experiments, nlg_error *err) {
    enum { MOST = 4 };
    static const char sql[] =
        "SELECT arm, json_extract(spec, '$.seed') AS seed, json_extract(spec, '$.data') AS data, json_extract(detail, '$.answers') "
        "AS"
        " answers, min(position) AS place FROM members JOIN records USING (key) WHERE profile = :profile AND experiment = "
        ":experiment"
        " AND final = 1 AND json_extract(detail, '$.answers') IS NOT NULL GROUP BY stage, arm ORDER BY stage, place LIMIT 4";
    for (int e = 0; e < experiments->count; e++) {
        nlg_rows *rows;
        const char *experiment = experiments->text[e];
        cJSON *section = section_for(r, "experiment", experiment);
        NLG_TRY(nlg_query_run(r->query, sql, r->profile, experiment, "report", &rows, err));
        nlg_status status = NLG_OK;
        if (section && rows->count) {
            char id[256];
            cJSON *item = cJSON_CreateObject();
            snprintf(id, sizeof id, "detections-%.200s", experiment);
            nlg_json_text(item, "id", id);
            nlg_json_text(item, "title", "Detections beside the truth");
            nlg_json_text(item, "caption",
                          "The first test images. Above the truth; below what the first detector of each arm finds: all with a "
                          "score of 0.3 and more, else its best. Colours are classes; a name without room is left out.");
            cJSON_AddArrayToObject(item, "rows");
            for (int i = 0; status == NLG_OK && i < rows->count && i < MOST; i++) status = add_row_of_answers(item, rows, i, err);
            add_part(section, "drawings", item);
        }
        nlg_rows_free(rows);
        NLG_TRY(status);
    }
    return NLG_OK;
}

/* A picture of the pairs of a claim that is about their differences. */
static void add_pairs_figure(nlg_report *r, cJSON *section, const char *id) {
    for (int i = 0; i < r->claims.n_claims; i++) {
        const nlg_claim *c = &r->claims.claims[i];
        char text[300];
        if (strcmp(c->id, id) || strcmp(c->rule->unit, "a - b") || r->verdicts[i].pairs < 3) continue;
        for (int f = 0; f < r->n_figures; f++) {
            if (strcmp(r->figures[f].name, "claim-pairs")) continue;
            cJSON *figure = cJSON_CreateObject();
            snprintf(text, sizeof text, "pairs-%.200s", id);
            for (char *at = text; *at; at++)
                if (!strchr(name_characters, *at)) *at = '_';
            nlg_json_text(figure, "id", text);
            nlg_json_text(figure, "name", "claim-pairs");
            nlg_json_text(figure, "claim", id);
            nlg_json_text(figure, "experiment", c->experiment);
            snprintf(text, sizeof text, "Pairs of the claim %.200s", id);
            nlg_json_text(figure, "title", text);
            snprintf(text, sizeof text, "%s%.100s", *c->unit ? " In " : "", c->unit);
            char caption[900];
            snprintf(caption, sizeof caption, "%.500s%s%s", r->figures[f].caption, text, *c->unit ? "." : "");
            nlg_json_text(figure, "caption", caption);
            nlg_json_text(figure, "alt", r->figures[f].alt);
            add_part(section, "figures", figure);
        }
    }
}

static nlg_status add_sections(nlg_report *r, nlg_error *err) {
    char path[1024], *text;
    size_t size;
    cJSON *sections, *s, *claim;
    if (!nlg_share_path("harness/report/templates/sections.json", path, sizeof path))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: missing", path);
    NLG_TRY(nlg_file_read(path, LARGEST, &text, &size, err));
    nlg_status status = nlg_json_read(text, size, path, &sections, err);
    nlg_free(text);
    if (status != NLG_OK) return status;
    cJSON_AddItemToObject(r->data, "sections", sections);
    cJSON_ArrayForEach(s, sections) {
        static const char *const texts[] = {"id", "title", "year", "what"};
        static const char *const lists[] = {"claims", "figures", "drawings", "tables", "missing"};
        for (int i = 0; i < 4; i++)
            if (!cJSON_IsString(cJSON_GetObjectItem(s, texts[i])))
                return nlg_fail(err, NLG_ERR_INPUT, "%s: a section without %s", path, texts[i]);
        for (int i = 0; i < 5; i++) cJSON_AddArrayToObject(s, lists[i]);
        cJSON_AddBoolToObject(s, "has_content", false);
        NLG_TRY(add_published_cells(s, err));
    }
    cJSON_ArrayForEach(claim, cJSON_GetObjectItem(r->data, "claims")) {
        const char *system = cJSON_GetObjectItem(claim, "system")->valuestring;
        s = section_of(r, system);
        if (!s)
            return nlg_fail(err, NLG_ERR_INPUT, "claim %s: system: there is no section '%s'",
                            cJSON_GetObjectItem(claim, "id")->valuestring, system);
        nlg_json_text(claim, "system_title", cJSON_GetObjectItem(s, "title")->valuestring);
        add_part(s, "claims", cJSON_Duplicate(claim, true));
        add_pairs_figure(r, s, cJSON_GetObjectItem(claim, "id")->valuestring);
    }
    return NLG_OK;
}

/* --- the whole --- */

static nlg_status refuse_empty(nlg_report *r, const char *results, nlg_error *err) {
    nlg_rows *rows;
    char list[512] = "";
    NLG_TRY(
        nlg_query_run(r->query, "SELECT DISTINCT profile FROM members ORDER BY profile", r->profile, NULL, "report", &rows, err));
    bool found = false;
    for (int i = 0; i < rows->count; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", rows->text[i]);
        found |= strcmp(rows->text[i], r->profile) == 0;
    }
    int n = rows->count;
    nlg_rows_free(rows);
    if (found) return NLG_OK;
    static const char *const known[] = {"smoke", "quick", "full"};
    bool is_known = false;
    for (int i = 0; i < 3; i++) is_known |= strcmp(r->profile, known[i]) == 0;
    if (!is_known)
        return nlg_fail(err, NLG_ERR_INPUT, "there is no profile '%s'; profiles: smoke, quick, full; with results in %s: %s",
                        r->profile, results, n ? list : "none");
    if (n)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: nothing of profile %s yet, only of: %s; make it by lineage run --profile %s",
                        results, r->profile, list, r->profile);
    return nlg_fail(err, NLG_ERR_INPUT, "%s: no results there; make them first by lineage run --profile %s", results, r->profile);
}

static nlg_status fill(nlg_report *r, nlg_error *err) {
    nlg_rows *experiments = NULL;
    nlg_json_text(r->data, "name", "netlineage");
    nlg_json_text(r->data, "profile", r->profile);
    cJSON_AddBoolToObject(r->data, "smoke", strcmp(r->profile, "smoke") == 0);
    r->verdicts = nlg_alloc((size_t)r->claims.n_claims + 1, sizeof *r->verdicts);
    if (!r->verdicts) return nlg_fail_memory(err, 0, "the report");
    cJSON *claims = cJSON_AddArrayToObject(r->data, "claims");
    NLG_TRY(add_claims(r, claims, err));
    cJSON_AddBoolToObject(r->data, "has_claims", r->claims.n_claims > 0);
    add_headline(r);
    NLG_TRY(add_facts(r, err));
    NLG_TRY(add_sections(r, err));
    NLG_TRY(each_experiment(r, &experiments, err));
    nlg_status status = add_figures(r, experiments, err);
    if (status == NLG_OK && section_of(r, "search")) status = add_found_cells(r, err);
    if (status == NLG_OK) status = add_answers(r, experiments, err);
    if (status == NLG_OK) status = each_table_file(r, visit_for_people, experiments, NULL, err);
    nlg_rows_free(experiments);
    return status;
}

nlg_status nlg_report_open(nlg_report *r, const char *results, const char *profile, nlg_error *err) {
    char store[1024], published[1024], experiments[1024];
    *r = (nlg_report){.profile = profile};
    if (snprintf(store, sizeof store, "%s/store.sqlite", results) >= (int)sizeof store)
        return nlg_fail(err, NLG_ERR_INPUT, "--results: the path is too long");
    bool has_published = nlg_share_path("results/published", published, sizeof published);
    NLG_TRY(nlg_query_open(store, has_published ? published : NULL, &r->query, err));
    NLG_TRY(refuse_empty(r, results, err));
    NLG_TRY(nlg_evidence_load(r->query, results, profile, err));
    NLG_TRY(nlg_figures_load(&r->figures, &r->n_figures, err));
    if (!nlg_share_path("harness/experiments", experiments, sizeof experiments))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: missing; it holds the experiments", experiments);
    NLG_TRY(nlg_claims_load(experiments, &r->claims, err));
    r->data = cJSON_CreateObject();
    r->verdict_list = cJSON_CreateArray();
    return fill(r, err);
}

void nlg_report_close(nlg_report *r) {
    nlg_query_close(r->query);
    nlg_figures_free(r->figures, r->n_figures);
    for (int i = 0; r->verdicts && i < r->claims.n_claims; i++) nlg_verdict_free(&r->verdicts[i]);
    nlg_free(r->verdicts);
    nlg_claims_free(&r->claims);
    cJSON_Delete(r->data);
    cJSON_Delete(r->verdict_list);
    *r = (nlg_report){0};
}

static nlg_status write_json(const cJSON *document, const char *output, const char *name, nlg_error *err) {
    char path[1100], *text;
    snprintf(path, sizeof path, "%.1000s/%s", output, name);
    NLG_TRY(nlg_json_write(document, true, &text, err));
    nlg_status status = nlg_file_write(path, text, strlen(text), err);
    nlg_free(text);
    return status;
}

nlg_status nlg_report_write_tables(nlg_report *r, const char *output, nlg_error *err) {
    char folder[1100], where[1001];
    nlg_rows *experiments;
    snprintf(where, sizeof where, "%.1000s", output);
    snprintf(folder, sizeof folder, "%s/tables", where);
    NLG_TRY(nlg_folder_create(folder, err));
    NLG_TRY(each_experiment(r, &experiments, err));
    nlg_status status = each_table_file(r, visit_for_machines, experiments, where, err);
    nlg_rows_free(experiments);
    if (status == NLG_OK) status = write_json(r->verdict_list, output, "claims.json", err);
    return status == NLG_OK ? write_json(r->data, output, "report.json", err) : status;
}
