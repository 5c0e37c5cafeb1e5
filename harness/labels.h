/* Class names in a file, one a line. */
#ifndef NLG_LABELS_H
#define NLG_LABELS_H

#include "layers/base/status.h"

typedef struct nlg_labels {
    char *text;
    char **name; /* lines of text; NULL: none given */
} nlg_labels;
/* As many as there are classes. path NULL: none. */
nlg_status nlg_labels_read(const char *path, int classes, nlg_labels *labels, nlg_error *err);
void nlg_labels_release(nlg_labels *labels); /* also after a failed read */

#endif
