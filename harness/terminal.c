/* Width of the terminal; cutting and filling of text. */
#include "harness/terminal.h"

#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int nlg_terminal_columns(FILE *stream) {
    enum { LEAST = 20 };
    struct winsize size;
    int file = fileno(stream);
    if (file < 0 || !isatty(file) || ioctl(file, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 0;
    return size.ws_col < LEAST ? LEAST : size.ws_col;
}

static bool begins_character(char c) {
    return (c & 0xc0) != 0x80; /* not a continuation byte of UTF-8 */
}

int nlg_text_columns(const char *text) {
    int columns = 0;
    for (; *text; text++) columns += begins_character(*text);
    return columns;
}

void nlg_print_cut(FILE *stream, const char *text, int columns) {
    static const char dots[] = "...";
    enum { DOTS = sizeof dots - 1 };
    if (columns <= 0 || nlg_text_columns(text) <= columns) {
        fputs(text, stream);
        return;
    }
    int kept = columns > DOTS ? columns - DOTS : columns;
    const char *end = text;
    for (int seen = 0; *end; end++) {
        seen += begins_character(*end);
        if (seen > kept) break;
    }
    fprintf(stream, "%.*s%s", (int)(end - text), text, columns > DOTS ? dots : "");
}

static void fill_paragraph(FILE *stream, const char *text, size_t length, int columns) {
    int column = 0;
    for (size_t at = 0, word; at < length; at += word + 1) {
        word = strcspn(text + at, " \n");
        if (word > length - at) word = length - at;
        int width = 0;
        for (size_t i = 0; i < word; i++) width += begins_character(text[at + i]);
        if (!width) continue;
        const bool first = column == 0, breaks = !first && column + 1 + width > columns;
        fprintf(stream, "%s%.*s", first ? "" : breaks ? "\n" : " ", (int)word, text + at);
        column = first || breaks ? width : column + 1 + width;
    }
    fputc('\n', stream);
}

void nlg_print_filled(FILE *stream, const char *text, int columns) {
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (length == 0 || *text == ' ') {
            fprintf(stream, "%.*s\n", (int)length, text);
        } else { /* with the lines that continue it */
            while (text[length] && text[length + 1] && text[length + 1] != ' ' && text[length + 1] != '\n')
                length += 1 + strcspn(text + length + 1, "\n");
            fill_paragraph(stream, text, length, columns);
        }
        text += length + (text[length] == '\n');
    }
}
