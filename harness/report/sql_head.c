/* The head of a .sql file. */
#include "harness/report/sql_head.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/memory.h"

/* The parts of a head line; false behind the head. key is empty on a line that goes on. */
static bool next_line(const char **at, char *key, size_t size, const char **text, size_t *length, bool *is_good) {
    if (strncmp(*at, "--", 2)) return false;
    size_t line = strcspn(*at, "\n");
    const char *body = *at + 2 + strspn(*at + 2, " "), *end = *at + line;
    *key = 0;
    *is_good = true;
    *text = body;
    if (strncmp(*at, "--   ", 5)) {
        size_t name = strcspn(body, ":\n");
        *is_good = body[name] == ':' && name < size;
        if (*is_good) {
            snprintf(key, size, "%.*s", (int)name, body);
            *text = body + name + 1 + strspn(body + name + 1, " ");
        }
    }
    *length = *text < end ? (size_t)(end - *text) : 0;
    *at = end + (*end == '\n');
    return true;
}

static bool is_in(const char *list, const char *word, size_t *bit) {
    size_t length = strlen(word);
    *bit = 0;
    for (const char *at = list; *at; ++*bit) {
        size_t item = strcspn(at, " ");
        if (item == length && strncmp(at, word, length) == 0) return true;
        at += item + (at[item] == ' ');
    }
    return false;
}

nlg_status nlg_sql_head_check(const char *sql, const char *known, const char *path, nlg_error *err) {
    char key[32];
    const char *text, *at = sql, *line = sql;
    size_t length, bit;
    unsigned long seen = 0;
    bool is_good;
    for (; next_line(&at, key, sizeof key, &text, &length, &is_good); line = at) {
        if (!is_good)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: expected '-- key: text', found '%.*s'", path, (int)strcspn(line, "\n"), line);
        if (!*key && seen) continue;
        if (!*key || !is_in(known, key, &bit))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: unknown key '%s'; known: %s", path, key, known);
        if (seen >> bit & 1) return nlg_fail(err, NLG_ERR_INPUT, "%s: %s is there twice", path, key);
        seen |= 1ul << bit;
    }
    return NLG_OK;
}

char *nlg_sql_head_text(const char *sql, const char *key) {
    char name[32];
    const char *text, *at = sql;
    size_t length, used = 0;
    bool is_good, inside = false;
    char *out = nlg_alloc(strcspn(sql, "") + 1, 1);
    while (out && next_line(&at, name, sizeof name, &text, &length, &is_good)) {
        if (*name) inside = strcmp(name, key) == 0;
        if (!inside) continue;
        if (used) out[used++] = ' ';
        memcpy(out + used, text, length);
        used += length;
        out[used] = 0;
    }
    return out;
}
