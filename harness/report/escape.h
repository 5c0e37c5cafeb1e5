/* Texts in other languages. Bytes that are not UTF-8 become U+FFFD, control characters blanks. */
#ifndef NLG_ESCAPE_H
#define NLG_ESCAPE_H

#include <stdio.h>

typedef enum {
    NLG_ESCAPE_NONE,
    NLG_ESCAPE_HTML, /* also attributes in either quotes, and SVG */
    NLG_ESCAPE_MARKDOWN,
    NLG_ESCAPE_TEX,
    NLG_ESCAPE_TSV, /* one cell */
    NLG_ESCAPE_CSV, /* one cell, within its quotes */
} nlg_escape_kind;

void nlg_escape(FILE *stream, nlg_escape_kind kind, const char *text);
void nlg_escape_base64(FILE *stream, const char *bytes, size_t size);

#endif
