/* Tables for people and for machines from one query. A column is named "name|Heading|format": name is the machine's; without a
 * heading, or where no row has a value, people do not see it; format: "," whole with thousands separated, ".2" digits behind the
 * point, "0" whole, "ms" or "g" significant digits, none: a text. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/report/escape.h"
#include "harness/report/report.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"

typedef struct column {
    char name[64], heading[64], format[8];
} column;

static column column_of(const char *text) {
    column c = {.name = ""};
    size_t name = strcspn(text, "|"), heading = 0;
    snprintf(c.name, sizeof c.name, "%.*s", (int)name, text);
    if (text[name]) {
        text += name + 1;
        heading = strcspn(text, "|");
        snprintf(c.heading, sizeof c.heading, "%.*s", (int)heading, text);
        if (text[heading]) snprintf(c.format, sizeof c.format, "%s", text + heading + 1);
    }
    return c;
}

/* 25557032 -> 25,557,032 */
static void separate(double value, char *text, size_t size) {
    char plain[64];
    snprintf(plain, sizeof plain, "%.0f", value);
    size_t length = strlen(plain), out = 0;
    for (size_t i = 0; i < length && out + 2 < size; i++) {
        text[out++] = plain[i];
        size_t left = length - 1 - i;
        if (left && left % 3 == 0 && plain[i] != '-') text[out++] = ',';
    }
    text[out] = 0;
}

static void format_number(double value, const char *format, char *text, size_t size) {
    if (strcmp(format, ",") == 0)
        separate(value, text, size);
    else if (*format == '.')
        snprintf(text, size, "%.*f", format[1] - '0', value);
    else if (strcmp(format, "0") == 0)
        snprintf(text, size, "%.0f", value);
    else if (strcmp(format, "ms") == 0)
        snprintf(text, size, "%.3g", value);
    else
        snprintf(text, size, "%.4g", value);
    if (*text == '-' && strspn(text + 1, "0.") == strlen(text + 1)) memmove(text, text + 1, strlen(text)); /* rounded to 0 */
}

/* --- widths, for pages of paper --- */

enum { CELL_MOST = 30, COLUMNS_MOST = 64 }; /* characters of a text; more go on in the next line */

/* Lines are broken at blanks, and behind an underscore. */
static size_t longest_word(const char *text) {
    size_t longest = 0;
    for (const char *at = text; *at; at += *at != '\0') {
        const size_t length = strcspn(at, " _");
        if (length > longest) longest = length;
        at += length;
    }
    return longest;
}

/* Characters of a column: at least, and where nothing is folded. */
typedef struct need {
    double least, most;
} need;

static void add_text(need *n, const char *text, bool is_heading) {
    const double word = (double)longest_word(text), length = fmin((double)strlen(text), CELL_MOST);
    n->least = fmax(n->least, word);
    n->most = fmax(n->most, is_heading ? word : fmax(word, length));
}

static void add_width(cJSON *one, double share) {
    char text[16];
    snprintf(text, sizeof text, "%.3f", share);
    nlg_json_text(one, "width", text);
}

/* Each column's share of a line, for small letters on A4: what it needs; where that is too much, texts are folded, not numbers. */
static void add_widths(cJSON *table) {
    const double line = 472, gap = 6, letter = 4.4, digit = 3.9; /* points */
    need needs[COLUMNS_MOST] = {{0}};
    cJSON *columns = cJSON_GetObjectItem(table, "columns"), *one;
    const cJSON *row, *cell;
    int n = 0;
    if (cJSON_GetArraySize(columns) > COLUMNS_MOST) return;
    cJSON_ArrayForEach(one, columns) add_text(&needs[n++], cJSON_GetStringValue(cJSON_GetObjectItem(one, "heading")), true);
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(table, "rows")) {
        int c = 0;
        cJSON_ArrayForEach(cell, cJSON_GetObjectItem(row, "cells"))
            add_text(&needs[c++], cJSON_GetObjectItem(cell, "text")->valuestring, false);
    }
    double least = 0, more = 0;
    const double room = line - gap * n;
    n = 0;
    cJSON_ArrayForEach(one, columns) {
        need *k = &needs[n++];
        const bool is_number = cJSON_IsTrue(cJSON_GetObjectItem(one, "number"));
        k->most = (k->most + 0.5) * (is_number ? digit : letter);
        k->least = is_number ? k->most : (k->least + 0.5) * letter;
        least += k->least;
        more += k->most - k->least;
    }
    const double folded = more > 0 ? fmax(0, fmin(1, (room - least) / more)) : 0, shrunk = fmin(1, room / least);
    n = 0;
    cJSON_ArrayForEach(one, columns) {
        const need *k = &needs[n++];
        add_width(one, shrunk * (k->least + folded * (k->most - k->least)) / line);
    }
}

/* Without the headings of those that people do not see. NULL: memory is short. */
static column *columns_of(const nlg_rows *rows) {
    column *all = nlg_alloc((size_t)rows->columns, sizeof *all);
    for (int c = 0; all && c < rows->columns; c++) {
        bool has_value = false;
        for (int r = 0; r < rows->count; r++) has_value |= rows->text[r * rows->columns + c] != NULL;
        all[c] = column_of(rows->names[c]);
        if (!has_value) *all[c].heading = 0;
    }
    return all;
}

cJSON *nlg_report_table(const nlg_rows *rows, const char *id, const char *title, const char *note, bool filter) {
    enum { ROWS_SHOWN = 200 }; /* a longer one that nothing filters is opened by hand on the page */
    column *all = columns_of(rows);
    cJSON *table = all ? cJSON_CreateObject() : NULL;
    if (!table) {
        nlg_free(all);
        return NULL;
    }
    nlg_json_text(table, "id", id);
    nlg_json_text(table, "title", title);
    nlg_json_text(table, "note", *note ? note : NULL);
    cJSON_AddBoolToObject(table, "filter", filter);
    char count[16];
    snprintf(count, sizeof count, "%d", rows->count);
    nlg_json_text(table, "folded", !filter && rows->count > ROWS_SHOWN ? count : NULL);
    cJSON *columns = cJSON_AddArrayToObject(table, "columns"), *list = cJSON_AddArrayToObject(table, "rows");
    for (int c = 0; c < rows->columns; c++) {
        const column k = all[c];
        if (!*k.heading) continue;
        cJSON *one = nlg_json_object_in(columns);
        nlg_json_text(one, "heading", k.heading);
        cJSON_AddBoolToObject(one, "number", *k.format != 0);
        cJSON_AddBoolToObject(one, "after_first", one != columns->child);
    }
    for (int r = 0; r < rows->count; r++) {
        cJSON *cells = cJSON_AddArrayToObject(nlg_json_object_in(list), "cells");
        for (int c = 0; c < rows->columns; c++) {
            const column k = all[c];
            if (!*k.heading) continue;
            double value = rows->number[r * rows->columns + c];
            const char *text = rows->text[r * rows->columns + c];
            char number[64];
            bool is_number = *k.format && isfinite(value);
            if (is_number) format_number(value, k.format, number, sizeof number);
            cJSON *cell = nlg_json_object_in(cells);
            nlg_json_text(cell, "text", !text ? "-" : is_number ? number : text);
            cJSON_AddBoolToObject(cell, "number", *k.format != 0);
            cJSON_AddBoolToObject(cell, "after_first", cell != cells->child);
            cJSON_AddBoolToObject(cell, "wide", !*k.format && text && strlen(text) > 36 && strlen(text) != 64);
            cJSON_AddBoolToObject(cell, "words",
                                  !*k.format && text && strlen(text) > 18 && strlen(text) <= 36 && strchr(text, ' '));
            cJSON_AddBoolToObject(cell, "long", !is_number && text && strlen(text) == 64); /* a digest */
        }
    }
    nlg_free(all);
    add_widths(table);
    return table;
}

static void put_cell(FILE *stream, nlg_table_kind kind, const char *text) {
    const bool is_quoted = kind == NLG_TABLE_CSV && strpbrk(text, ",\"\r\n") != NULL;
    if (is_quoted) fputc('"', stream);
    nlg_escape(stream, kind == NLG_TABLE_CSV ? NLG_ESCAPE_CSV : NLG_ESCAPE_TSV, text);
    if (is_quoted) fputc('"', stream);
}

void nlg_report_rows(FILE *stream, const nlg_rows *rows, nlg_table_kind kind, bool with_head) {
    const char *const end = kind == NLG_TABLE_CSV ? "\r\n" : "\n", *const between = kind == NLG_TABLE_CSV ? "," : "\t";
    for (int c = 0; with_head && c < rows->columns; c++) {
        column k = column_of(rows->names[c]);
        put_cell(stream, kind, k.name);
        fputs(c + 1 < rows->columns ? between : end, stream);
    }
    for (int r = 0; r < rows->count; r++) {
        for (int c = 0; c < rows->columns; c++) {
            const char *text = rows->text[r * rows->columns + c];
            double value = rows->number[r * rows->columns + c];
            char number[32];
            if (!text || !*text)
                fputs(kind == NLG_TABLE_CSV ? "" : "-", stream);
            else
                put_cell(stream, kind, isfinite(value) ? nlg_number_text(value, number) : text);
            fputs(c + 1 < rows->columns ? between : end, stream);
        }
    }
}
