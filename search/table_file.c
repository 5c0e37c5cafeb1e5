/* Tables of evaluated architectures as files. */
#include "search/table_file.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/format.h"
#include "layers/base/digest.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/share.h"

enum { LARGEST = 256 << 20 };

/* Cells are the text itself: separators are overwritten by zeros. */
struct nlg_table_file {
    char path[NLG_PATH_BYTES], digest[65];
    char *text;
    size_t size;
    int columns, rows; /* rows: without the header */
    uint32_t *cells;   /* where they begin, the header's first */
};

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

/* A bare name is looked for in the working folder, among the tables that were made there, and among those that come with the
 * program. */
static void locate(const char *name, char path[NLG_PATH_BYTES]) {
    static const char *const places[] = {"results/published", "results/tables", "results/latency"};
    enum { PLACES = sizeof places / sizeof places[0] };
    char shared[NLG_PATH_BYTES];
    snprintf(path, NLG_PATH_BYTES, "%s", name);
    if (strchr(name, '/') || nlg_file_exists(name)) return;
    for (int i = 0; i < PLACES; i++)
        if (nlg_path_join(path, places[i], name) && nlg_file_exists(path)) return;
    for (int i = 0; i < PLACES; i++)
        if (nlg_path_join(shared, places[i], name) && nlg_share_path(shared, path, NLG_PATH_BYTES)) return;
    snprintf(path, NLG_PATH_BYTES, "%s", name); /* for the message */
}

static nlg_status read_text(nlg_table_file *f, nlg_error *err) {
    if (!nlg_file_exists(f->path))
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: there is no such table here or among those that come with the program; name another file", f->path);
    return nlg_unpack_text(f->path, LARGEST, &f->text, &f->size, err);
}

static nlg_status take_digest(nlg_table_file *f, nlg_error *err) {
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, 256, "a digest");
    nlg_digest_update(digest, f->text, f->size);
    nlg_digest_finish(digest, f->digest);
    return NLG_OK;
}

static int count_of(const char *text, size_t size, char sign) {
    int count = 0;
    for (size_t i = 0; i < size; i++) count += text[i] == sign;
    return count;
}

static nlg_status split(nlg_table_file *f, nlg_error *err) {
    if (f->size == 0 || f->text[f->size - 1] != '\n' || memchr(f->text, '\0', f->size))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected lines of comma-separated values, found no text or a cut last line",
                        f->path);
    const size_t header = (size_t)((char *)memchr(f->text, '\n', f->size) - f->text);
    f->columns = count_of(f->text, header, ',') + 1;
    f->rows = count_of(f->text, f->size, '\n') - 1;
    f->cells = nlg_alloc((size_t)f->columns * ((size_t)f->rows + 1), sizeof *f->cells);
    if (!f->cells) return nlg_fail_memory(err, (size_t)f->columns * ((size_t)f->rows + 1) * sizeof *f->cells, f->path);
    size_t cell = 0, begin = 0;
    for (size_t i = 0; i < f->size; i++) {
        if (f->text[i] != ',' && f->text[i] != '\n') continue;
        const bool last = (cell + 1) % (size_t)f->columns == 0;
        if (last != (f->text[i] == '\n'))
            return nlg_fail(err, NLG_ERR_INPUT, "%s, line %zu: expected %d values, found another number", f->path,
                            cell / (size_t)f->columns + 1, f->columns);
        f->text[i] = '\0';
        f->cells[cell++] = (uint32_t)begin;
        begin = i + 1;
    }
    return NLG_OK;
}

nlg_status nlg_table_file_open(const char *name_or_path, nlg_table_file **file, nlg_error *err) {
    nlg_table_file *f = *file = nlg_alloc(1, sizeof *f);
    if (!f) return nlg_fail_memory(err, sizeof *f, "a table");
    locate(name_or_path, f->path);
    nlg_status status = read_text(f, err);
    if (status == NLG_OK) status = take_digest(f, err);
    if (status == NLG_OK) status = split(f, err);
    if (status == NLG_OK) return NLG_OK;
    nlg_table_file_close(f);
    *file = NULL;
    return status;
}

void nlg_table_file_close(nlg_table_file *file) {
    if (!file) return;
    nlg_free(file->text);
    nlg_free(file->cells);
    nlg_free(file);
}

/* ---- asking ------------------------------------------------------------------------------------------------------------ */

const char *nlg_table_file_path(const nlg_table_file *file) {
    return file->path;
}

const char *nlg_table_file_digest(const nlg_table_file *file) {
    return file->digest;
}

int nlg_table_file_rows(const nlg_table_file *file) {
    return file->rows;
}

int nlg_table_file_columns(const nlg_table_file *file) {
    return file->columns;
}

const char *nlg_table_file_header(const nlg_table_file *file, int column) {
    return nlg_table_file_cell(file, -1, column);
}

const char *nlg_table_file_cell(const nlg_table_file *file, int row, int column) {
    return file->text + file->cells[(size_t)(row + 1) * (size_t)file->columns + (size_t)column];
}

nlg_status nlg_table_file_find(const nlg_table_file *file, const char *header, int *column, nlg_error *err) {
    for (*column = 0; *column < file->columns; ++*column) {
        if (strcmp(nlg_table_file_header(file, *column), header) == 0) return NLG_OK;
    }
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a column '%s', found none of that name", file->path, header);
}

nlg_status nlg_table_file_number(const nlg_table_file *file, int row, int column, double *value, nlg_error *err) {
    const char *text = nlg_table_file_cell(file, row, column);
    *value = (double)NAN;
    if (*text == '\0') return NLG_OK;
    char *end;
    *value = strtod(text, &end);
    if (end != text && *end == '\0' && isfinite(*value)) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s, line %d: expected a number for %s, found '%.40s'", file->path, row + 2,
                    nlg_table_file_header(file, column), text);
}

nlg_status nlg_table_file_row_digest(const nlg_table_file *file, int row, char hex[65], nlg_error *err) {
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, 256, "a digest");
    for (int column = 0; column < file->columns; column++) {
        const char *cell = nlg_table_file_cell(file, row, column);
        nlg_digest_update(digest, cell, strlen(cell) + 1);
    }
    nlg_digest_finish(digest, hex);
    return NLG_OK;
}

nlg_status nlg_table_path(const char *path, const char *ending, char **name, nlg_error *err) {
    static const char usual[] = ".csv.gz";
    size_t length = strlen(path);
    const size_t room = length + strlen(ending) + 1;
    if (length > sizeof usual && strcmp(path + length - (sizeof usual - 1), usual) == 0) length -= sizeof usual - 1;
    *name = nlg_alloc(room, 1);
    if (!*name) return nlg_fail_memory(err, room, "a path");
    snprintf(*name, room, "%.*s%s", (int)length, path, ending);
    return NLG_OK;
}
