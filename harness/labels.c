#include "harness/labels.h"

#include <string.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"

void nlg_labels_release(nlg_labels *l) {
    nlg_free(l->text);
    nlg_free(l->name);
    *l = (nlg_labels){0};
}

nlg_status nlg_labels_read(const char *path, int classes, nlg_labels *l, nlg_error *err) {
    enum { LIMIT = 64 << 20 };
    size_t size;
    int lines = 0;
    if (!path) return NLG_OK;
    NLG_TRY(nlg_file_read(path, LIMIT, &l->text, &size, err));
    l->name = nlg_alloc((size_t)classes, sizeof *l->name);
    if (!l->name) return nlg_fail_memory(err, (size_t)classes * sizeof *l->name, "the class names");
    for (char *line = l->text; *line; lines++) {
        size_t length = strcspn(line, "\r\n");
        char *next = line + length + strspn(line + length, "\r");
        next += *next == '\n';
        line[length] = '\0';
        if (lines < classes) l->name[lines] = line;
        line = next;
    }
    if (lines == classes) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected %d class names, one a line, found %d", path, classes, lines);
}
