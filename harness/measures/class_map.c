/* Reading class maps. */
#include "harness/measures/class_map.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/share.h"

enum { LIMIT = 64 << 20 };

static bool is_synset(const char *text, size_t length) {
    return length == 9 && text[0] == 'n' && strspn(text + 1, "0123456789") >= 8;
}

/* Cuts the line apart; both point into it. */
static void take_line(char *line, const char **key, const char **name) {
    char *tab = strchr(line, '\t');
    const size_t word = strcspn(line, " ");
    *key = *name = line;
    if (tab) {
        for (char *field = line; field; field = tab ? tab + 1 : NULL) {
            tab = strchr(field, '\t');
            if (tab) *tab = '\0';
            if (is_synset(field, strlen(field))) *key = field;
            *name = field;
        }
    } else if (is_synset(line, word) && line[word] == ' ') {
        line[word] = '\0';
        *name = line + word + 1 + strspn(line + word + 1, " ");
    }
}

static nlg_status read_lines(const char *path, nlg_class_map *m, nlg_error *err) {
    int room = 1;
    for (const char *at = m->text; *at; at++) room += *at == '\n' || *at == '\r'; /* each may end a line */
    m->keys = nlg_alloc((size_t)room, sizeof *m->keys);
    m->names = nlg_alloc((size_t)room, sizeof *m->names);
    if (!m->keys || !m->names) return nlg_fail_memory(err, (size_t)room * sizeof *m->keys, "the class names");
    bool first = true;
    for (char *line = m->text, *next; *line; line = next) {
        const size_t length = strcspn(line, "\r\n");
        next = line + length + strspn(line + length, "\r");
        next += *next == '\n';
        line[length] = '\0';
        const bool head = first && strncmp(line, "output\t", 7) == 0;
        if (line[0] == '#') continue;
        first = false;
        if (head) continue;
        take_line(line, &m->keys[m->count], &m->names[m->count]);
        if (!*m->keys[m->count])
            return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a class in every line, found none for output %d", path, m->count);
        m->count++;
    }
    return m->count ? NLG_OK : nlg_fail(err, NLG_ERR_INPUT, "%s: expected class names, one a line, found none", path);
}

nlg_status nlg_class_map_open(const char *path, nlg_class_map *m, nlg_error *err) {
    char shared[4096];
    size_t size;
    *m = (nlg_class_map){0};
    if (strcmp(path, "imagenet") == 0) {
        if (!nlg_share_path("results/published/imagenet_classes.tsv", shared, sizeof shared))
            return nlg_fail(err, NLG_ERR_IO, "%s: the file of the 1000 classes is missing; install the program anew (make install)",
                            shared);
        path = shared;
    }
    NLG_TRY(nlg_file_read(path, LIMIT, &m->text, &size, err));
    if (strlen(m->text) != size) return nlg_fail(err, NLG_ERR_INPUT, "%s: expected text, found zero bytes", path);
    return read_lines(path, m, err);
}

void nlg_class_map_close(nlg_class_map *m) {
    nlg_free(m->text);
    nlg_free(m->keys);
    nlg_free(m->names);
    *m = (nlg_class_map){0};
}
