/* Tables for people and for machines from one query. A column is named "name|Heading|format": name is the machine's; without a
 * heading people do not see it; format: "," whole with thousands separated, ".2" digits behind the point, "0" whole, "ms" or "g"
 * significant digits, none: a text. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/report/escape.h"
#include "harness/report/report.h"
#include "layers/base/json.h"

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
}

cJSON *nlg_report_table(const nlg_rows *rows, const char *id, const char *title, const char *note, bool filter) {
    cJSON *table = cJSON_CreateObject();
    nlg_json_text(table, "id", id);
    nlg_json_text(table, "title", title);
    nlg_json_text(table, "note", *note ? note : NULL);
    cJSON_AddBoolToObject(table, "filter", filter);
    cJSON *columns = cJSON_AddArrayToObject(table, "columns"), *list = cJSON_AddArrayToObject(table, "rows");
    for (int c = 0; c < rows->columns; c++) {
        column k = column_of(rows->names[c]);
        if (!*k.heading) continue;
        cJSON *one = nlg_json_object_in(columns);
        nlg_json_text(one, "heading", k.heading);
        cJSON_AddBoolToObject(one, "number", *k.format != 0);
        cJSON_AddBoolToObject(one, "after_first", one != columns->child);
    }
    for (int r = 0; r < rows->count; r++) {
        cJSON *cells = cJSON_AddArrayToObject(nlg_json_object_in(list), "cells");
        for (int c = 0; c < rows->columns; c++) {
            column k = column_of(rows->names[c]);
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
            cJSON_AddBoolToObject(cell, "long", !is_number && text && strlen(text) == 64); /* a digest */
        }
    }
    return table;
}

void nlg_report_tsv(FILE *stream, const nlg_rows *rows, bool with_head) {
    for (int c = 0; with_head && c < rows->columns; c++) {
        column k = column_of(rows->names[c]);
        fprintf(stream, "%s%c", k.name, c + 1 < rows->columns ? '\t' : '\n');
    }
    for (int r = 0; r < rows->count; r++) {
        for (int c = 0; c < rows->columns; c++) {
            const char *text = rows->text[r * rows->columns + c];
            double value = rows->number[r * rows->columns + c];
            char number[32];
            if (!text || !*text)
                fputc('-', stream);
            else if (isfinite(value))
                fputs(nlg_number_text(value, number), stream);
            else
                nlg_escape(stream, NLG_ESCAPE_TSV, text);
            fputc(c + 1 < rows->columns ? '\t' : '\n', stream);
        }
    }
}
