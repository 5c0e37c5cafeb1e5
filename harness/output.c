/* JSON documents and tables on standard output. */
#include "harness/output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "harness/terminal.h"
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

struct nlg_text_table {
    const char *align;
    int columns;
    size_t cells, room;
    struct {
        char *text;
        bool integer;
    } * cell;
    bool failed;
};

static void add_cell(nlg_text_table *table, char *text, bool integer) {
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

nlg_text_table *nlg_text_table_create(const char *align, const char *const *headers) {
    nlg_text_table *table = nlg_alloc(1, sizeof *table);
    if (!table) return NULL;
    table->align = align;
    table->columns = (int)strlen(align);
    for (int i = 0; i < table->columns; i++) nlg_text_table_cell(table, "%s", headers[i]);
    return table;
}

void nlg_text_table_destroy(nlg_text_table *table) {
    if (!table) return;
    for (size_t i = 0; i < table->cells; i++) nlg_free(table->cell[i].text);
    nlg_free(table->cell);
    nlg_free(table);
}

void nlg_text_table_cell(nlg_text_table *table, const char *format, ...) {
    if (!table) return;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    add_cell(table, nlg_strdup(text), false);
}

void nlg_text_table_integer(nlg_text_table *table, int64_t value) {
    if (!table) return;
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    add_cell(table, nlg_strdup(text), true);
}

static void group_digits(const char *text, char *buffer, size_t size) {
    size_t length = strlen(text), out = 0;
    for (size_t i = 0; i < length && out + 2 < size; i++) {
        buffer[out++] = text[i];
        size_t left = length - 1 - i;
        if (left && left % 3 == 0 && text[i] != '-') buffer[out++] = ',';
    }
    buffer[out] = '\0';
}

const char *nlg_count_text(int64_t count, char text[32]) {
    char plain[24];
    snprintf(plain, sizeof plain, "%" PRId64, count);
    group_digits(plain, text, 32);
    return text;
}

static const char *printed_form(const nlg_text_table *table, size_t cell, char *buffer, size_t size) {
    const char *text = table->cell[cell].text;
    if (!table->cell[cell].integer) return text;
    group_digits(text, buffer, size);
    return buffer;
}

enum { GAP = 2, COLUMNS_MAX = 32 }; /* GAP: blanks between columns */

/* Columns `first` to `last` - 1 behind column 0. */
static int width_of(const int *width, int first, int last) {
    int sum = width[0];
    for (int i = first; i < last; i++) sum += GAP + width[i];
    return sum;
}

/* Makes a table fit by cutting texts in its widest columns of text, to 16 characters at least, but not the names in column 0, and
 * never numbers. False where that is not enough; then texts are only cut that would not fit beside column 0 alone. */
static bool shrink(const nlg_text_table *table, int *width, int room) {
    enum { LEAST = 16 };
    int whole[COLUMNS_MAX];
    memcpy(whole, width, sizeof whole);
    for (int excess; (excess = width_of(width, 1, table->columns) - room) > 0;) {
        int widest = 0;
        for (int i = 1; i < table->columns; i++)
            if (table->align[i] == 'l' && width[i] > LEAST && (!widest || width[i] > width[widest])) widest = i;
        if (!widest) {
            const int most = room - width[0] - GAP > LEAST ? room - width[0] - GAP : LEAST;
            for (int i = 1; i < table->columns; i++) width[i] = table->align[i] == 'l' && whole[i] > most ? most : whole[i];
            return false;
        }
        width[widest]--;
    }
    return true;
}

/* Column 0 and some others; blanks at the end of a line are not printed. */
static void print_columns(const nlg_text_table *table, FILE *stream, const int *width, int first, int last, bool cut) {
    char buffer[64];
    const size_t columns = (size_t)table->columns;
    for (size_t row = 0; row < table->cells / columns; row++) {
        int blanks = 0;
        for (int column = 0; column < last; column = column ? column + 1 : first) {
            const char *text = printed_form(table, row * columns + (size_t)column, buffer, sizeof buffer);
            const bool is_text = table->align[column] == 'l';
            const int padding = width[column] > nlg_text_columns(text) ? width[column] - nlg_text_columns(text) : 0;
            if (!is_text) blanks += padding;
            if (*text) {
                fprintf(stream, "%*s", blanks, "");
                nlg_print_cut(stream, text, is_text && cut ? width[column] : 0);
                blanks = 0;
            }
            blanks += (is_text ? padding : 0) + GAP;
        }
        fputc('\n', stream);
    }
}

/* On a terminal, columns that do not fit beside the others follow below them, with column 0 again. */
static void print_aligned(const nlg_text_table *table, FILE *stream) {
    int width[COLUMNS_MAX] = {0};
    char buffer[64];
    for (size_t i = 0; i < table->cells; i++) {
        int w = nlg_text_columns(printed_form(table, i, buffer, sizeof buffer)), *column = &width[i % (size_t)table->columns];
        if (w > *column) *column = w;
    }
    const int room = nlg_terminal_columns(stream);
    const bool fits = !room || shrink(table, width, room);
    for (int first = 1, last; first == 1 || first < table->columns; first = last) {
        last = first < table->columns ? first + 1 : first;
        while (last < table->columns && (fits || width_of(width, first, last + 1) <= room)) last++;
        if (first > 1) fputc('\n', stream);
        print_columns(table, stream, width, first, last, room > 0);
        if (last == first) return; /* a table of one column */
    }
}

static void print_csv(const nlg_text_table *table, FILE *stream) {
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

static nlg_status print_with(nlg_text_table *table, FILE *stream, void (*print)(const nlg_text_table *, FILE *), nlg_error *err) {
    bool complete = table && !table->failed;
    if (complete) print(table, stream);
    nlg_text_table_destroy(table);
    return complete ? NLG_OK : nlg_fail_memory(err, 0, "a table");
}

nlg_status nlg_text_table_print(nlg_text_table *table, FILE *stream, nlg_error *err) {
    return print_with(table, stream, print_aligned, err);
}

nlg_status nlg_text_table_print_csv(nlg_text_table *table, FILE *stream, nlg_error *err) {
    return print_with(table, stream, print_csv, err);
}

/* A bar in a cell would end it. */
static void print_markdown(const nlg_text_table *table, FILE *stream) {
    char buffer[64];
    for (size_t i = 0; i < table->cells; i++) {
        const size_t column = i % (size_t)table->columns;
        const char *text = printed_form(table, i, buffer, sizeof buffer);
        fputs("| ", stream);
        for (; *text; text++) fprintf(stream, *text == '|' ? "\\|" : "%c", *text);
        fputs(column + 1 < (size_t)table->columns ? " " : " |\n", stream);
        if (i + 1 != (size_t)table->columns) continue;
        for (int c = 0; c < table->columns; c++) fputs(table->align[c] == 'r' ? "| ---: " : "| --- ", stream);
        fputs("|\n", stream);
    }
}

nlg_status nlg_text_table_print_markdown(nlg_text_table *table, FILE *stream, nlg_error *err) {
    return print_with(table, stream, print_markdown, err);
}
