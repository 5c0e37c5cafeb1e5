/* Options about searches that several commands share: --space, --table, --signal, --ask. A command lists those that it takes with
 * these keys, since defaults and help texts of some are its own. */
#ifndef NLG_SEARCHING_OPTIONS_H
#define NLG_SEARCHING_OPTIONS_H

#include "harness/command.h"

typedef struct nlg_searching_options {
    const char *space;
    const char *table, *signal; /* of the evaluator table; NULL: its defaults */
    int asked;                  /* trials that a strategy is asked for at a time */
} nlg_searching_options;

enum { NLG_KEY_SPACE = 0x300, NLG_KEY_TABLE, NLG_KEY_SIGNAL, NLG_KEY_ASK };

#define NLG_OPTIONS_OF_TABLE                                                                                                       \
    {"table", NLG_KEY_TABLE, "FILE", 0, "Table to look up in (default: the one shipped for the space)", 0}, {                      \
        "signal", NLG_KEY_SIGNAL, "NAME", 0, "Which score of the table, e.g. cifar100 (default: its first)", 0                     \
    }

/* Reads one of them. Another key is a mistake of the command. */
nlg_status nlg_searching_option(nlg_searching_options *options, int key, const char *value, nlg_error *err);
static inline bool nlg_is_searching_option(int key) {
    return key >= NLG_KEY_SPACE && key <= NLG_KEY_ASK;
}

#endif
