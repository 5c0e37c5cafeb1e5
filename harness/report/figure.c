/* Reading the files of figures. */
#include "harness/report/figure.h"

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/sql_head.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/nearest.h"
#include "layers/base/share.h"

enum { LARGEST = 1 << 20 };

static const struct {
    const char *key;
    size_t offset;
} texts[] = {
    {"title", offsetof(nlg_figure, title)}, {"caption", offsetof(nlg_figure, caption)}, {"section", offsetof(nlg_figure, section)},
    {"alt", offsetof(nlg_figure, alt)},     {"needs", offsetof(nlg_figure, needs)},     {"x", offsetof(nlg_figure, x)},
    {"y", offsetof(nlg_figure, y)},         {"add", offsetof(nlg_figure, add)},         {"input", offsetof(nlg_figure, input)},
};
enum { TEXTS = sizeof texts / sizeof *texts };

static char **text_of(nlg_figure *f, int i) {
    return (char **)(void *)((char *)f + texts[i].offset);
}

static nlg_status scale_of(const char *value, nlg_scale *scale, const char *path, const char *key, nlg_error *err) {
    static const char *const names[] = {"linear", "log", "category"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(value, names[i])) continue;
        *scale = (nlg_scale)i;
        return NLG_OK;
    }
    return nlg_fail(err, NLG_ERR_INPUT, "%s: %s: expected linear, log or category, found '%s'", path, key, value);
}

static nlg_status read_head(nlg_figure *f, const char *path, nlg_error *err) {
    static const char known[] = "title caption section alt needs x y add input xscale yscale each";
    static const char *const required[] = {"title", "caption", "section", "alt", "needs"};
    NLG_TRY(nlg_sql_head_check(f->sql, known, path, err));
    for (int i = 0; i < TEXTS; i++)
        if (!(*text_of(f, i) = nlg_sql_head_text(f->sql, texts[i].key))) return nlg_fail_memory(err, 0, path);
    char *x = nlg_sql_head_text(f->sql, "xscale"), *y = nlg_sql_head_text(f->sql, "yscale"),
         *each = nlg_sql_head_text(f->sql, "each");
    nlg_status status = x && y && each ? NLG_OK : nlg_fail_memory(err, 0, path);
    if (status == NLG_OK && *x) status = scale_of(x, &f->x_scale, path, "xscale", err);
    if (status == NLG_OK && *y) status = scale_of(y, &f->y_scale, path, "yscale", err);
    if (status == NLG_OK && *each && strcmp(each, "experiment"))
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: each: expected experiment, found '%s'", path, each);
    f->each_experiment = status == NLG_OK && *each;
    nlg_free(x);
    nlg_free(y);
    nlg_free(each);
    if (status != NLG_OK) return status;
    for (int i = 0; i < 5; i++)
        if (!**text_of(f, i)) return nlg_fail(err, NLG_ERR_INPUT, "%s: the head lacks '-- %s:'", path, required[i]);
    return NLG_OK;
}

static nlg_status load(nlg_figure *f, const char *folder, const char *file, nlg_error *err) {
    char path[2048];
    size_t size;
    *f = (nlg_figure){.name = nlg_strdup(file)};
    if (!f->name) return nlg_fail_memory(err, 0, "a figure");
    f->name[strlen(file) - 4] = 0;
    snprintf(path, sizeof path, "%s/%s.gp", folder, f->name);
    if (!nlg_file_exists(path)) return nlg_fail(err, NLG_ERR_INPUT, "%s: missing; %s draws with it", path, file);
    if (!(f->script = nlg_strdup(path))) return nlg_fail_memory(err, 0, "a figure");
    snprintf(path, sizeof path, "%s/%s", folder, file);
    NLG_TRY(nlg_file_read(path, LARGEST, &f->sql, &size, err));
    return read_head(f, path, err);
}

nlg_status nlg_figures_load(nlg_figure **figures, int *count, nlg_error *err) {
    char folder[1024];
    struct dirent **files = NULL;
    *figures = NULL;
    *count = 0;
    int n = nlg_share_path("plots", folder, sizeof folder) ? scandir(folder, &files, NULL, alphasort) : -1;
    if (n < 0) return nlg_fail(err, NLG_ERR_INPUT, "%s: cannot be read; it holds the figures", folder);
    nlg_figure *all = nlg_alloc((size_t)n + 1, sizeof *all);
    nlg_status status = all ? NLG_OK : nlg_fail_memory(err, 0, "figures");
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(files[i]->d_name, '.');
        if (status == NLG_OK && dot && strcmp(dot, ".sql") == 0) status = load(&all[(*count)++], folder, files[i]->d_name, err);
        free(files[i]);
    }
    free(files);
    if (status != NLG_OK) {
        nlg_figures_free(all, *count);
        *count = 0;
        return status;
    }
    *figures = all;
    return NLG_OK;
}

void nlg_figures_free(nlg_figure *figures, int count) {
    for (int i = 0; figures && i < count; i++) {
        for (int t = 0; t < TEXTS; t++) nlg_free(*text_of(&figures[i], t));
        nlg_free(figures[i].name);
        nlg_free(figures[i].sql);
        nlg_free(figures[i].script);
    }
    nlg_free(figures);
}

nlg_status nlg_figure_find(const nlg_figure *figures, int count, const char *name, const nlg_figure **figure, nlg_error *err) {
    nlg_nearest nearest = {.wanted = name};
    for (int i = 0; i < count; i++) {
        *figure = &figures[i];
        if (strcmp(figures[i].name, name) == 0) return NLG_OK;
        nlg_nearest_try(&nearest, figures[i].name);
    }
    const char *near = nlg_nearest_name(&nearest);
    return nlg_fail(err, NLG_ERR_INPUT, "there is no figure '%s'%s%s%s; lineage plot --list names all", name,
                    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

nlg_status nlg_figure_tables(const nlg_figure *f, nlg_query *query, const char *rows, const char *what, nlg_error *err) {
    if (*f->add) NLG_TRY(nlg_query_load_rows(query, "added", f->add, rows, what, err));
    return *f->input ? nlg_query_load_rows(query, "input", f->input, rows, what, err) : NLG_OK;
}

nlg_status nlg_figure_rows(const nlg_figure *f, nlg_query *query, const char *profile, const char *experiment, nlg_rows **rows,
                           nlg_error *err) {
    char what[1100];
    size_t length = strlen(f->script) - 3;
    snprintf(what, sizeof what, "%.*s.sql", (int)length, f->script);
    return nlg_query_run(query, f->sql, profile, experiment, what, rows, err);
}

/* What stands for the mark at `at`, which it ends before *end: NULL where it is no mark. */
static const char *filling(const char *at, const char **end, const char *experiment, const nlg_rows *rows) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
    char name[32];
    const size_t length = *at == '{' ? strspn(at + 1, letters) : 0;
    if (!length || length >= sizeof name || at[length + 1] != '}') return NULL;
    snprintf(name, sizeof name, "%.*s", (int)length, at + 1);
    *end = at + length + 2;
    if (strcmp(name, "experiment") == 0) return experiment ? experiment : "";
    if (!rows || nlg_rows_column(rows, name) < 0) return NULL;
    const char *text = rows->count ? nlg_rows_text(rows, 0, name) : NULL;
    return text ? text : "";
}

char *nlg_figure_text(const char *text, const char *experiment, const nlg_rows *rows) {
    const char *end = NULL, *with;
    size_t size = strlen(text) + 1;
    for (const char *at = text; *at; at++)
        if ((with = filling(at, &end, experiment, rows))) size += strlen(with);
    char *filled = nlg_alloc(size, 1), *out = filled;
    for (const char *at = text; filled && *at;) {
        with = filling(at, &end, experiment, rows);
        if (with) {
            out = stpcpy(out, with);
            at = end;
        } else {
            *out++ = *at++;
        }
    }
    return filled;
}
