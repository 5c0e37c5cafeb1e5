/* The terminal's width, and text that fits it. */
#ifndef NLG_TERMINAL_H
#define NLG_TERMINAL_H

#include <stdio.h>

/* Columns of the terminal that a stream writes to, at least 20; 0: not a terminal, or one that does not know. */
int nlg_terminal_columns(FILE *stream);
/* Columns that a text takes, where each character of UTF-8 takes one. */
int nlg_text_columns(const char *text);
/* Prints a text in at most `columns`, its end replaced by "..." where it is longer; columns <= 0: all of it. */
void nlg_print_cut(FILE *stream, const char *text, int columns);
/* Prints paragraphs filled to `columns`; a line that begins with a blank stays as it is, so that an example can be pasted. */
void nlg_print_filled(FILE *stream, const char *text, int columns);

#endif
