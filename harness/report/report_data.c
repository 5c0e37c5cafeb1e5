/* The report's document:
 *
 *   {name, profile, smoke, headline, provenance, last, machines: [...], has_claims, how_decided, claims: [...],
 *    head_figure, sections: [{id, title, year, what, structures: [a row of drawings.json], claims,
 *    figures: [{id, title, caption, alt}], drawings: [{id, title, caption, genotype | data, rows | layouts}], tables,
 *    missing: [{title, command}], has_content}]}
 *
 * Which parts there are follows from the files: sections.json, the tables beside it, and plots. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plans/shipped.h"
#include "harness/report/panels.h"
#include "harness/report/report_claims.h"
#include "harness/report/sql_head.h"
#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/base/share.h"
#include "models/cells.h"

enum { LARGEST = 1 << 22 };
/* Of ids that are also names of files. */
static const char name_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

/* --- facts --- */

typedef struct facts {
    double runs, seconds;
    const cJSON *list; /* the report's CPUs and builds; these facts' begin at `first`, those that worked longest before others */
    int first, n_machines;
    char last[40];
} facts;

static const char *grouped(double number, char text[40]) {
    if (number < 1e3)
        snprintf(text, 40, "%.0f", number);
    else
        snprintf(text, 40, "%.0f,%03.0f", floor(number / 1e3), fmod(number, 1e3));
    return text;
}

/* Runs of the tables PREFIXmembers and PREFIXrecords; of: in words, for people. */
static nlg_status read_facts(nlg_report *r, nlg_query *query, const char *profile, const char *of, facts *f, nlg_error *err) {
    static const char sums[] =
        "SELECT count(*) AS runs, total(seconds) AS seconds, coalesce(max(created), '-') AS last FROM records WHERE key IN (SELECT "
        "key FROM members WHERE profile = :profile)";
    static const char machines[] =
        "WITH run AS (SELECT cpu, cores, isa, compiler, flags, threads, commit_id, seconds FROM machines JOIN records ON machine = "
        "machines.id WHERE key IN (SELECT key FROM members WHERE profile = :profile)),"
        " commits AS (SELECT cpu, cores, isa, compiler, flags, commit_id, count(*) AS n, sum(seconds) AS seconds FROM run"
        " GROUP BY cpu, cores, isa, compiler, flags, commit_id),"
        " listed AS (SELECT DISTINCT cpu, cores, isa, compiler, flags, first_value(commit_id) OVER same AS commit_id,"
        " group_concat(commit_id || ' (' || n || ')', ', ') OVER same AS commits FROM commits WINDOW same AS (PARTITION BY cpu,"
        " cores, isa, compiler, flags ORDER BY seconds DESC, commit_id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))"
        " SELECT cpu, cores, CASE WHEN min(threads) = max(threads) THEN min(threads) ELSE min(threads) || ' to ' || max(threads) "
        "END"
        " AS threads, isa, listed.commit_id AS commit_id, commits, compiler, flags, count(*) AS runs, sum(seconds) AS seconds"
        " FROM run JOIN listed USING (cpu, cores, isa, compiler, flags) GROUP BY cpu, cores, isa, compiler, flags"
        " ORDER BY sum(seconds) DESC, cpu";
    char text[40];
    nlg_rows *rows;
    *f = (facts){.last = "-"};
    if (!query) return NLG_OK;
    NLG_TRY(nlg_query_run(query, sums, profile, NULL, "report", &rows, err));
    f->runs = nlg_rows_number(rows, 0, "runs");
    f->seconds = nlg_rows_number(rows, 0, "seconds");
    snprintf(f->last, sizeof f->last, "%s", nlg_rows_text(rows, 0, "last"));
    nlg_rows_free(rows);
    NLG_TRY(nlg_query_run(query, machines, profile, NULL, "report", &rows, err));
    cJSON *list = cJSON_GetObjectItem(r->data, "machines");
    f->list = list;
    f->first = cJSON_GetArraySize(list);
    for (int i = 0; i < rows->count; i++) {
        cJSON *m = nlg_json_object_in(list);
        nlg_json_text(m, "of", of);
        for (int c = 0; c < rows->columns - 1; c++) {
            const char *value = rows->text[i * rows->columns + c];
            const bool is_count = strcmp(rows->names[c], "runs") == 0;
            nlg_json_text(m, rows->names[c], is_count ? grouped(nlg_rows_number(rows, i, "runs"), text) : value ? value : "-");
        }
    }
    nlg_rows_free(rows);
    f->n_machines = cJSON_GetArraySize(list) - f->first;
    return NLG_OK;
}

static const char *hours_text(double seconds, char text[40]) {
    const double minutes = ceil(seconds / 60);
    if (seconds < 6000)
        snprintf(text, 40, "%.0f minute%s", minutes, minutes == 1 ? "" : "s");
    else
        snprintf(text, 40, "%.1f hours", seconds / 3600);
    return text;
}

static const char *member_of(const cJSON *machine, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(machine, name));
    return text ? text : "-";
}

/* " on CPU (2 cores, avx512) and CPU (...), commit C and others": every kind of machine once, the busiest first. */
static void tell_machines(FILE *out, const facts *f) {
    static const char *const of_a_kind[] = {"cpu", "cores", "isa"};
    bool other_commits = false;
    for (int i = 0; i < f->n_machines; i++) {
        const cJSON *m = cJSON_GetArrayItem(f->list, f->first + i);
        bool is_known = false;
        for (int k = 0; k < i && !is_known; k++) {
            const cJSON *before = cJSON_GetArrayItem(f->list, f->first + k);
            is_known = true;
            for (int n = 0; n < 3; n++) is_known &= strcmp(member_of(m, of_a_kind[n]), member_of(before, of_a_kind[n])) == 0;
        }
        other_commits |= i > 0 || strchr(member_of(m, "commits"), ',') != NULL;
        if (!is_known)
            fprintf(out, "%s %s (%s cores, %s)", i ? " and" : " on", member_of(m, "cpu"), member_of(m, "cores"),
                    member_of(m, "isa"));
    }
    if (f->n_machines)
        fprintf(out, ", commit %s%s", member_of(cJSON_GetArrayItem(f->list, f->first), "commit_id"),
                other_commits ? " and others" : "");
}

/* "7 of 7" of the checks noted here: of shipped records, or of rows of the shipped tables. */
static nlg_status tell_checks(nlg_report *r, FILE *out, nlg_error *err) {
    static const char sql[] =
        "WITH last AS (SELECT key, created, same, row_number() OVER (PARTITION BY key, created ORDER BY rowid DESC) AS age FROM "
        "verifications)"
        " SELECT (SELECT count(*) FROM last JOIN records USING (key, created) WHERE age = 1) AS records,"
        " (SELECT total(same) FROM last JOIN records USING (key, created) WHERE age = 1) AS same,"
        " (SELECT count(*) FROM last WHERE age = 1 AND key LIKE 'row %') AS rows,"
        " (SELECT total(same) FROM last WHERE age = 1 AND key LIKE 'row %') AS same_rows";
    nlg_rows *rows;
    NLG_TRY(nlg_query_run(r->query, sql, r->profile, NULL, "report", &rows, err));
    const double n = nlg_rows_number(rows, 0, "records"), tables = nlg_rows_number(rows, 0, "rows");
    if (n > 0) fprintf(out, " %.0f of %.0f made again here gave the same bits", nlg_rows_number(rows, 0, "same"), n);
    if (tables > 0)
        fprintf(out, "%s %.0f of %.0f rows of the shipped table%s", n > 0 ? ", and" : "", nlg_rows_number(rows, 0, "same_rows"),
                tables, n > 0 ? "" : " trained again here gave the same bits");
    if (n > 0 || tables > 0) fputc('.', out);
    nlg_rows_free(rows);
    return NLG_OK;
}

/* Where all of it comes from: one or two sentences under the first. */
static nlg_status add_facts(nlg_report *r, nlg_error *err) {
    facts f, here;
    char a[40], b[40], *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return nlg_fail_memory(err, 0, "the report");
    cJSON_AddArrayToObject(r->data, "machines");
    const bool shipped = strcmp(r->source, "shipped") == 0;
    nlg_status status = read_facts(r, r->query, r->profile, shipped ? "shipped runs" : "runs here", &f, err);
    if (status == NLG_OK) status = read_facts(r, r->live, r->asked, "runs here", &here, err);
    if (status == NLG_OK) {
        fprintf(out, "Profile %s: %s%s runs, %s of computing", r->asked, grouped(f.runs, a), shipped ? " shipped" : "",
                hours_text(f.seconds, b));
        tell_machines(out, &f);
        fprintf(out, ", the last at %s.", f.last);
        status = tell_checks(r, out, err);
        if (here.runs > 0) {
            fprintf(out, " Beside them %s runs with other seeds", grouped(here.runs, a));
            tell_machines(out, &here);
            fprintf(out, ", the last at %s.", here.last);
        }
    }
    if (fclose(out) && status == NLG_OK) status = nlg_fail_memory(err, 0, "the report");
    nlg_json_text(r->data, "provenance", text);
    nlg_json_text(r->data, "last", f.last);
    free(text);
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
    nlg_json_set(section, "has_content", cJSON_CreateTrue());
}

static void add_missing(cJSON *section, const char *title, const char *command, const char *why) {
    cJSON *m = nlg_json_object_in(cJSON_GetObjectItem(section, "missing"));
    nlg_json_text(m, "title", title);
    nlg_json_text(m, "command", command);
    nlg_json_text(m, "why", why);
}

/* What people call an experiment: its title, where there is none its id. */
static const char *title_of(const nlg_report *r, const char *experiment) {
    for (int i = 0; experiment && i < r->claims.n_experiments; i++)
        if (strcmp(r->claims.experiments[i].id, experiment) == 0 && *r->claims.experiments[i].title)
            return r->claims.experiments[i].title;
    return experiment;
}

/* The figure of these rows, which are all of one panel; panel: NULL where the figure has none. */
static void add_picture(nlg_report *r, const nlg_figure *f, const char *experiment, const char *panel, const nlg_rows *rows) {
    cJSON *section = section_for(r, f->section, experiment), *figure = cJSON_CreateObject();
    char id[400];
    snprintf(id, sizeof id, "%.100s%s%.150s%s%.100s", f->name, experiment ? "-" : "", experiment ? experiment : "",
             panel ? "-" : "", panel ? panel : "");
    for (char *c = id; *c; c++) /* also a file's name */
        if (!strchr(name_characters, *c)) *c = '_';
    const char *title = title_of(r, experiment);
    char *texts[] = {nlg_figure_text(f->title, title, rows), nlg_figure_text(f->caption, title, rows),
                     nlg_figure_text(f->alt, title, rows)};
    nlg_json_text(figure, "id", id);
    nlg_json_text(figure, "name", f->name);
    nlg_json_text(figure, "experiment", experiment);
    nlg_json_text(figure, "panel", panel);
    nlg_json_text(figure, "title", texts[0]);
    nlg_json_text(figure, "caption", texts[1]);
    nlg_json_text(figure, "alt", texts[2]);
    for (int i = 0; i < 3; i++) nlg_free(texts[i]);
    add_part(section, "figures", figure);
}

/* One picture, or one for each text of the column `panel`; the rows of a panel stand together. */
static nlg_status add_figure(nlg_report *r, const nlg_figure *f, const char *experiment, int *drawn, nlg_error *err) {
    NLG_TRY(nlg_figure_tables(f, r->query, NULL, f->name, err));
    for (int first = 0, all = 1; first < all; ++*drawn) {
        nlg_rows *rows;
        NLG_TRY(nlg_figure_rows(f, r->query, r->profile, experiment, &rows, err));
        if (!(all = rows->count)) {
            nlg_rows_free(rows);
            return NLG_OK;
        }
        const char *panel = nlg_rows_text(rows, first, "panel");
        char *name = panel ? nlg_strdup(panel) : NULL;
        if (name) nlg_rows_keep(rows, "panel", name);
        add_picture(r, f, experiment, name, rows);
        first += rows->count;
        nlg_free(name);
        nlg_rows_free(rows);
    }
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
        char *title = nlg_figure_text(f->title, "any experiment", NULL);
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
        char *title = nlg_figure_text(t->title, title_of(r, experiment), rows);
        const char *of = experiment ? experiment : cJSON_GetObjectItem(section, "id")->valuestring;
        snprintf(id, sizeof id, "table-%s-%.150s", t->name, of);
        char *note = nlg_figure_text(t->note, title_of(r, experiment), rows);
        cJSON *table = nlg_report_table(rows, id, title ? title : "", note ? note : "", *t->filter != 0);
        nlg_free(title);
        nlg_free(note);
        if (!table) {
            nlg_rows_free(rows);
            return nlg_fail_memory(err, 0, t->path);
        }
        nlg_json_text(table, "file", t->name);
        add_part(section, "tables", table);
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
    static const char *const endings[NLG_TABLE_KINDS] = {"tsv", "csv"};
    const char *output = context;
    nlg_file_writer w[NLG_TABLE_KINDS];
    nlg_status status = NLG_OK;
    int opened = 0;
    while (status == NLG_OK && opened < NLG_TABLE_KINDS) {
        char path[1400];
        snprintf(path, sizeof path, "%.1000s/tables/%s.%s", output, t->name, endings[opened]);
        status = nlg_file_begin(&w[opened], path, err);
        opened += status == NLG_OK;
    }
    for (int e = 0; status == NLG_OK && e < (*t->each ? experiments->count : 1); e++) {
        nlg_rows *rows;
        status = nlg_query_run(r->query, t->sql, r->profile, *t->each ? experiments->text[e] : NULL, t->path, &rows, err);
        for (int k = 0; status == NLG_OK && k < NLG_TABLE_KINDS; k++) nlg_report_rows(w[k].stream, rows, (nlg_table_kind)k, e == 0);
        nlg_rows_free(rows);
    }
    for (int k = 0; k < opened; k++) {
        if (status == NLG_OK)
            status = nlg_file_commit(&w[k], err);
        else
            nlg_file_abort(&w[k]);
    }
    return status;
}

/* --- cells --- */

static void add_cells(cJSON *section, const char *name, const char *title, const char *why, const char *genotype) {
    nlg_cell_genotype cells;
    char text[600];
    if (nlg_genotype_parse(genotype, &cells, NULL) != NLG_OK) return; /* of a space that is not made of such cells */
    cJSON *c = cJSON_CreateObject();
    snprintf(text, sizeof text, "cells-%.200s", name);
    for (char *at = text; *at; at++)
        if (!strchr(name_characters, *at)) *at = '_';
    nlg_json_text(c, "id", text);
    nlg_json_text(c, "title", title);
    snprintf(text, sizeof text, "%.300s Inputs above: the outputs of the two cells before; each block adds two operations.", why);
    nlg_json_text(c, "caption", text);
    nlg_json_text(c, "alt", genotype);
    nlg_json_text(c, "genotype", genotype);
    add_part(section, "drawings", c);
}

/* The drawings of structures; report_pages.c draws them. */
static nlg_status add_structures(nlg_report *r, nlg_error *err) {
    cJSON *drawings, *d;
    nlg_status status = nlg_drawings_load(&drawings, err);
    cJSON_ArrayForEach(d, drawings) {
        const char *name = cJSON_GetObjectItem(d, "section")->valuestring, *id = cJSON_GetObjectItem(d, "id")->valuestring;
        cJSON *section = section_of(r, name);
        if (status == NLG_OK && !section) status = nlg_fail(err, NLG_ERR_INPUT, "drawing %s: there is no section '%s'", id, name);
        if (status == NLG_OK) add_part(section, "structures", cJSON_Duplicate(d, true));
    }
    cJSON_Delete(drawings);
    return status;
}

/* Of each experiment the best winners of its two best strategies and the best random architecture, by the validation accuracy of
 * their final trainings: test images choose nothing. */
static nlg_status add_found_cells(nlg_report *r, nlg_error *err) {
    static const char sql[] =
        "WITH trained AS (SELECT kind, kind = 'random architectures' AS is_random, arm, json_extract(spec, '$.genotype') AS "
        "genotype,"
        " mean(CASE metric WHEN 'val_accuracy' THEN value END) AS chosen_by,"
        " mean(CASE metric WHEN 'test_accuracy' THEN value END) AS accuracy,"
        " count(CASE metric WHEN 'test_accuracy' THEN value END) AS n FROM results JOIN arm_kinds USING (profile, experiment, "
        "stage, position, arm)"
        " JOIN records USING (key) WHERE profile = :profile AND experiment = :experiment AND metric IN "
        "('val_accuracy', 'test_accuracy') AND kind <> arm"
        " AND json_extract(spec, '$.genotype') IS NOT NULL GROUP BY kind, arm, 4),"
        " best AS (SELECT *, count(*) OVER (PARTITION BY kind) AS many,"
        " row_number() OVER (PARTITION BY kind ORDER BY chosen_by DESC, arm) AS place FROM trained),"
        " chosen AS (SELECT *, row_number() OVER (PARTITION BY is_random ORDER BY chosen_by DESC, kind) AS rank FROM best WHERE "
        "place = 1)"
        " SELECT arm, genotype, CASE many WHEN 1 THEN 'Trained anew' ELSE 'The best of ' || many || ' ' || kind || ' on "
        "validation images, trained anew' END ||"
        " printf(': validation accuracy %.2f %%, test accuracy %.2f %% (%d training%s).', 100 * chosen_by, 100 * accuracy, n,"
        " CASE n WHEN 1 THEN '' ELSE 's' END) AS why"
        " FROM chosen WHERE rank <= 2 ORDER BY is_random, rank";
    nlg_rows *experiments, *rows;
    NLG_TRY(each_experiment(r, &experiments, err));
    nlg_status status = NLG_OK;
    for (int e = 0; status == NLG_OK && e < experiments->count; e++) {
        status = nlg_query_run(r->query, sql, r->profile, experiments->text[e], "report", &rows, err);
        for (int i = 0; status == NLG_OK && i < rows->count; i++) {
            char name[256], title[300];
            snprintf(name, sizeof name, "%.100s-%.100s", experiments->text[e], nlg_rows_text(rows, i, "arm"));
            snprintf(title, sizeof title, "%.140s: %.150s", title_of(r, experiments->text[e]), nlg_rows_text(rows, i, "arm"));
            add_cells(section_of(r, "search"), name, title, nlg_rows_text(rows, i, "why"), nlg_rows_text(rows, i, "genotype"));
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
        "SELECT arm, json_extract(spec, '$.seed') AS seed, json_extract(spec, '$.data') AS data, json_extract(nullif(detail, "
        "''), '$.answers') AS answers, min(position) AS place FROM members JOIN records USING (key) WHERE profile = :profile AND "
        "experiment = "
        ":experiment"
        " AND final = 1 AND json_extract(nullif(detail, ''), '$.answers') IS NOT NULL GROUP BY stage, arm ORDER BY stage, place "
        "LIMIT 4";
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
            nlg_json_text(
                item, "alt",
                "The first test images with the boxes of the truth, and again with those that a detector of each arm finds.");
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

/* --- layouts --- */

/* [{"target", "digest", "found": [{"title", "genotype"}]}] of rows in the order of their targets. */
static cJSON *layouts_of(const nlg_rows *rows) {
    cJSON *layouts = cJSON_CreateArray(), *row = NULL;
    for (int i = 0; i < rows->count; i++) {
        const char *target = nlg_rows_text(rows, i, "target");
        if (!row || strcmp(cJSON_GetObjectItem(row, "target")->valuestring, target) != 0) {
            row = nlg_json_object_in(layouts);
            nlg_json_text(row, "target", target);
            nlg_json_text(row, "digest", nlg_rows_text(rows, i, "digest"));
            cJSON_AddArrayToObject(row, "found");
        }
        cJSON *found = nlg_json_object_in(cJSON_GetObjectItem(row, "found"));
        nlg_json_text(found, "title", nlg_rows_text(rows, i, "title"));
        nlg_json_text(found, "genotype", nlg_rows_text(rows, i, "genotype"));
    }
    return layouts;
}

/* Of each target what each strategy's best search found. */
static nlg_status add_layouts(nlg_report *r, const nlg_rows *experiments, nlg_error *err) {
    static const char sql[] =
        "WITH one AS (SELECT arm, json_extract(spec, '$.target') AS target, json_extract(spec, '$.target_digest') AS digest,"
        " json_extract(nullif(detail, ''), '$.genotype') AS genotype, value AS loss, position"
        " FROM results JOIN records USING (key)"
        " WHERE profile = :profile AND experiment = :experiment AND results.measure = 'layout' AND metric = 'loss'),"
        " ranked AS (SELECT *, count(*) OVER same AS n, row_number() OVER (same ORDER BY loss, position) AS place FROM one"
        " WHERE target IS NOT NULL AND digest IS NOT NULL AND genotype IS NOT NULL WINDOW same AS (PARTITION BY target, arm))"
        " SELECT target, digest, genotype, printf('%s, loss %.3f', arm, loss) AS title, n FROM ranked WHERE place = 1"
        " ORDER BY target, loss DESC";
    for (int e = 0; e < experiments->count; e++) {
        nlg_rows *rows;
        const char *experiment = experiments->text[e];
        cJSON *section = section_for(r, "experiment", experiment);
        NLG_TRY(nlg_query_run(r->query, sql, r->profile, experiment, "report", &rows, err));
        if (section && rows->count) {
            char text[256];
            cJSON *item = cJSON_CreateObject();
            snprintf(text, sizeof text, "layouts-%.200s", experiment);
            nlg_json_text(item, "id", text);
            nlg_json_text(item, "title", "Targets and the layouts that were found");
            nlg_json_text(item, "alt",
                          "One row for each target: its picture, then the picture of the best layout of each strategy.");
            snprintf(text, sizeof text,
                     "On the left the target; then of each strategy the layout of the lowest loss of %s searches.",
                     nlg_rows_text(rows, 0, "n"));
            nlg_json_text(item, "caption", text);
            cJSON_AddItemToObject(item, "layouts", layouts_of(rows));
            add_part(section, "drawings", item);
        }
        nlg_rows_free(rows);
    }
    return NLG_OK;
}

/* The figure's caption and alternative text, filled with what the claim's pairs tell. */
static nlg_status add_pairs_texts(nlg_report *r, const nlg_figure *f, const char *id, cJSON *figure, nlg_error *err) {
    char *given = NULL;
    nlg_rows *rows;
    NLG_TRY(nlg_report_claim_rows(r, id, &given, err));
    nlg_status status = nlg_figure_tables(f, r->query, given, id, err);
    free(given);
    NLG_TRY(status);
    NLG_TRY(nlg_figure_rows(f, r->query, r->profile, NULL, &rows, err));
    char *caption = nlg_figure_text(f->caption, NULL, rows), *alt = nlg_figure_text(f->alt, NULL, rows);
    nlg_rows_free(rows);
    status = caption && alt ? NLG_OK : nlg_fail_memory(err, 0, id);
    nlg_json_text(figure, "caption", caption);
    nlg_json_text(figure, "alt", alt);
    nlg_free(caption);
    nlg_free(alt);
    return status;
}

/* A picture of the pairs of a claim that is about their differences or ratios. */
static nlg_status add_pairs_figure(nlg_report *r, cJSON *section, const char *id, nlg_error *err) {
    for (int i = 0; i < r->claims.n_claims; i++) {
        const nlg_claim *c = &r->claims.claims[i];
        char text[300];
        if (strcmp(c->id, id) || (strcmp(c->rule->unit, "a - b") && !nlg_claim_is_ratio(c)) || r->outcomes[i].verdict.pairs < 3 ||
            r->outcomes[i].is_live)
            continue;
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
            snprintf(text, sizeof text, "Pairs: %.280s", c->text);
            nlg_json_text(figure, "title", text);
            add_part(section, "figures", figure);
            NLG_TRY(add_pairs_texts(r, &r->figures[f], id, figure, err));
        }
    }
    return NLG_OK;
}

/* As the sections stand. */
static void order_claims(nlg_report *r) {
    cJSON *ordered = cJSON_CreateArray(), *s, *claim;
    cJSON_ArrayForEach(s, cJSON_GetObjectItem(r->data, "sections")) {
        cJSON_ArrayForEach(claim, cJSON_GetObjectItem(s, "claims")) cJSON_AddItemToArray(ordered, cJSON_Duplicate(claim, true));
    }
    nlg_json_set(r->data, "claims", ordered);
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
        static const char *const lists[] = {"structures", "claims", "figures", "drawings", "tables", "missing"};
        for (int i = 0; i < 4; i++)
            if (!cJSON_IsString(cJSON_GetObjectItem(s, texts[i])))
                return nlg_fail(err, NLG_ERR_INPUT, "%s: a section without %s", path, texts[i]);
        for (int i = 0; i < 6; i++) cJSON_AddArrayToObject(s, lists[i]);
        cJSON_AddBoolToObject(s, "has_content", false);
        const cJSON *absent; /* in every profile */
        cJSON_ArrayForEach(absent, cJSON_GetObjectItem(s, "not_here"))
            add_missing(s, cJSON_GetStringValue(cJSON_GetObjectItem(absent, "title")), NULL,
                        cJSON_GetStringValue(cJSON_GetObjectItem(absent, "why")));
    }
    NLG_TRY(add_structures(r, err));
    cJSON_ArrayForEach(claim, cJSON_GetObjectItem(r->data, "claims")) {
        const char *system = cJSON_GetObjectItem(claim, "system")->valuestring;
        s = section_of(r, system);
        if (!s)
            return nlg_fail(err, NLG_ERR_INPUT, "claim %s: system: there is no section '%s'",
                            cJSON_GetObjectItem(claim, "id")->valuestring, system);
        nlg_json_text(claim, "system_title", cJSON_GetObjectItem(s, "title")->valuestring);
        add_part(s, "claims", cJSON_Duplicate(claim, true));
        NLG_TRY(add_pairs_figure(r, s, cJSON_GetObjectItem(claim, "id")->valuestring, err));
    }
    order_claims(r);
    return NLG_OK;
}

/* --- the whole --- */

static nlg_status refuse_empty(nlg_report *r, const char *results, nlg_error *err) {
    nlg_rows *rows;
    char list[512] = "";
    NLG_TRY(nlg_query_run(r->query, "SELECT DISTINCT profile FROM members ORDER BY profile", r->asked, NULL, "report", &rows, err));
    bool found = false;
    for (int i = 0; i < rows->count; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", rows->text[i]);
        found |= strcmp(rows->text[i], r->asked) == 0;
    }
    int n = rows->count;
    nlg_rows_free(rows);
    if (found) return NLG_OK;
    static const char *const known[] = {"smoke", "quick", "full"};
    bool is_known = false;
    for (int i = 0; i < 3; i++) is_known |= strcmp(r->asked, known[i]) == 0;
    if (!is_known)
        return nlg_fail(err, NLG_ERR_INPUT, "there is no profile '%s'; profiles: smoke, quick, full; with results in %s: %s",
                        r->asked, results, n ? list : "none");
    if (n)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: nothing of profile %s yet, only of: %s; make it by lineage run --profile %s",
                        results, r->asked, list, r->asked);
    return nlg_fail(err, NLG_ERR_INPUT, "%s: no results there; make them first by lineage run --profile %s", results, r->asked);
}

static nlg_status fill(nlg_report *r, nlg_error *err) {
    nlg_rows *experiments = NULL;
    nlg_json_text(r->data, "name", "netlineage");
    nlg_json_text(r->data, "profile", r->asked);
    cJSON_AddBoolToObject(r->data, "smoke", strcmp(r->asked, "smoke") == 0);
    NLG_TRY(nlg_report_decide(r, err));
    NLG_TRY(add_facts(r, err));
    NLG_TRY(add_sections(r, err));
    NLG_TRY(each_experiment(r, &experiments, err));
    nlg_status status = add_figures(r, experiments, err);
    if (status == NLG_OK && section_of(r, "search")) status = add_found_cells(r, err);
    if (status == NLG_OK) status = add_answers(r, experiments, err);
    if (status == NLG_OK) status = add_layouts(r, experiments, err);
    if (status == NLG_OK) status = each_table_file(r, visit_for_people, experiments, NULL, err);
    nlg_rows_free(experiments);
    return status;
}

/* Shipped records are the evidence of the profile quick; what ran here stands beside them. */
static nlg_status open_shipped(nlg_report *r, const nlg_report_source *from, const char *store, const char *published,
                               nlg_error *err) {
    r->profile = NLG_SHIPPED_PROFILE;
    r->source = "shipped";
    NLG_TRY(nlg_query_open(r->shipped, published, &r->query, err));
    NLG_TRY(nlg_query_open(from->only_shipped ? NULL : store, published, &r->live, err));
    NLG_TRY(nlg_evidence_load(r->query, from->only_shipped ? NULL : r->shipped, err));
    NLG_TRY(nlg_evidence_load(r->live, from->only_shipped ? NULL : store, err));
    return nlg_query_here(r->query, from->only_shipped ? "" : store, from->profile, err);
}

static nlg_status open_evidence(nlg_report *r, const nlg_report_source *from, nlg_error *err) {
    char store[4096], published[1024];
    if (snprintf(store, sizeof store, "%s/store.sqlite", from->results) >= (int)sizeof store)
        return nlg_fail(err, NLG_ERR_INPUT, "--results: the path is too long");
    const char *folder = nlg_share_path("results/published", published, sizeof published) ? published : NULL;
    if (strcmp(from->profile, "quick") == 0 && !from->live)
        NLG_TRY(nlg_shipped_open(from->shipped, from->results, r->shipped, sizeof r->shipped, err));
    if (*r->shipped) return open_shipped(r, from, store, folder, err);
    if (from->only_shipped) return nlg_fail(err, NLG_ERR_INPUT, "results/reference: no shipped records there (*.records.gz)");
    NLG_TRY(nlg_query_open(store, folder, &r->query, err));
    NLG_TRY(nlg_evidence_load(r->query, store, err));
    return refuse_empty(r, from->results, err);
}

nlg_status nlg_report_open(nlg_report *r, const nlg_report_source *from, nlg_error *err) {
    char experiments[1024];
    *r = (nlg_report){
        .asked = from->profile, .profile = from->profile, .source = strcmp(from->profile, "smoke") == 0 ? "smoke" : "live"};
    NLG_TRY(open_evidence(r, from, err));
    NLG_TRY(nlg_query_keep_views(r->query, err));
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
    nlg_query_close(r->live);
    nlg_figures_free(r->figures, r->n_figures);
    for (int i = 0; r->outcomes && i < r->claims.n_claims; i++) {
        nlg_verdict_free(&r->outcomes[i].verdict);
        nlg_verdict_free(&r->outcomes[i].live);
    }
    nlg_free(r->outcomes);
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
