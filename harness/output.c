/* JSON documents and tables on standard output. */
#include "harness/output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "layers/base/memory.h"

/* --- JSON --- */

nlg_status nlg_json_print(cJSON *document, nlg_error *err) {
    char *text;
    NLG_TRY(nlg_json_finish(document, true, &text, err));
    puts(text);
    nlg_free(text);
    return NLG_OK;
}

/* --- tables --- */

struct nlg_table {
    const char *align;
    int columns;
    size_t cells, room;
    struct {
        char *text;
        bool integer;
    } * cell;
    bool failed;
};

static void add_cell(nlg_table *table, char *text, bool integer) {
    if (text && table->cells == table->room) {
        size_t room = table->room ? table->room * 2 : 64;
        void *grown = nlg_realloc(table->cell, room, sizeof *table->cell);
        if (grown) {
            table->cell = grown;
            table->room = room;
        }
    }
    if (!text || table->cells == table->room) {
        nlg_free(text);
        table->failed = true;
        return;
    }
    table->cell[table->cells].text = text;
    table->cell[table->cells++].integer = integer;
}

nlg_table *nlg_table_create(const char *align, const char *const *headers) {
    nlg_table *table = nlg_alloc(1, sizeof *table);
    if (!table) return NULL;
    table->align = align;
    table->columns = (int)strlen(align);
    for (int i = 0; i < table->columns; i++) nlg_table_cell(table, "%s", headers[i]);
    return table;
}

void nlg_table_destroy(nlg_table *table) {
    if (!table) return;
    for (size_t i = 0; i < table->cells; i++) nlg_free(table->cell[i].text);
    nlg_free(table->cell);
    nlg_free(table);
}

void nlg_table_cell(nlg_table *table, const char *format, ...) {
    if (!table) return;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    add_cell(table, nlg_strdup(text), false);
}

void nlg_table_integer(nlg_table *table, int64_t value) {
    if (!table) return;
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    add_cell(table, nlg_strdup(text), true);
}

/* 25557032 -> 25,557,032 */
static const char *printed_form(const nlg_table *table, size_t cell, char *buffer, size_t size) {
    const char *text = table->cell[cell].text;
    size_t length = strlen(text), out = 0;
    if (!table->cell[cell].integer) return text;
    for (size_t i = 0; i < length && out + 2 < size; i++) {
        buffer[out++] = text[i];
        size_t left = length - 1 - i;
        if (left && left % 3 == 0 && text[i] != '-') buffer[out++] = ',';
    }
    buffer[out] = '\0';
    return buffer;
}

/* Width on the screen: UTF-8 continuation bytes take none. */
static int width_of(const char *text) {
    int width = 0;
    for (; *text; text++) width += (*text & 0xc0) != 0x80;
    return width;
}

static void print_aligned(const nlg_table *table, FILE *stream) {
    int width[32] = {0};
    char buffer[64];
    for (size_t i = 0; i < table->cells; i++) {
        int w = width_of(printed_form(table, i, buffer, sizeof buffer)), *column = &width[i % (size_t)table->columns];
        if (w > *column) *column = w;
    }
    for (size_t i = 0; i < table->cells; i++) {
        int column = (int)(i % (size_t)table->columns);
        const char *text = printed_form(table, i, buffer, sizeof buffer);
        int padding = width[column] - width_of(text);
        bool last = column == table->columns - 1;
        if (table->align[column] == 'r')
            fprintf(stream, "%*s%s", padding, "", text);
        else
            fprintf(stream, "%s%*s", text, last ? 0 : padding, "");
        fputs(last ? "\n" : "  ", stream);
    }
}

static void print_csv(const nlg_table *table, FILE *stream) {
    for (size_t i = 0; i < table->cells; i++) {
        const char *text = table->cell[i].text;
        if (text[strcspn(text, ",\"\n")]) {
            fputc('"', stream);
            for (; *text; text++) fprintf(stream, *text == '"' ? "\"\"" : "%c", *text);
            fputc('"', stream);
        } else {
            fputs(text, stream);
        }
        fputc((i + 1) % (size_t)table->columns ? ',' : '\n', stream);
    }
}

static nlg_status print_with(nlg_table *table, FILE *stream, void (*print)(const nlg_table *, FILE *), nlg_error *err) {
    bool complete = table && !table->failed;
    if (complete) print(table, stream);
    nlg_table_destroy(table);
    return complete ? NLG_OK : nlg_fail_memory(err, 0, "a table");
}

nlg_status nlg_table_print(nlg_table *table, FILE *stream, nlg_error *err) {
    return print_with(table, stream, print_aligned, err);
}

nlg_status nlg_table_print_csv(nlg_table *table, FILE *stream, nlg_error *err) {
    return print_with(table, stream, print_csv, err);
}
