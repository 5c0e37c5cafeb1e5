/* Checked JSON: cJSON with an allocator that notes failures, and a printer that keeps values exact. */
#include "layers/base/json.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/memory.h"

static atomic_bool memory_failed; /* since the last report */

static void *allocate(size_t size) {
    void *block = nlg_alloc(1, size);
    if (!block) atomic_store(&memory_failed, true);
    return block;
}

/* Before any call of cJSON, in every program that has this file: a block must be freed as it was allocated. */
__attribute__((constructor)) static void install_allocator(void) {
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = allocate, .free_fn = nlg_free});
}

static nlg_status check_memory(nlg_error *err) {
    return atomic_exchange(&memory_failed, false) ? nlg_fail_memory(err, 0, "a JSON document") : NLG_OK;
}

/* --- values --- */

const char *nlg_number_text(double value, char text[32]) {
    if (value == 0) value = 0; /* no sign */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    return text;
}

int nlg_utf8_bytes(const char *text) {
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] == 0) return 0;
    if (c[0] < 0x80) return 1;
    const int bytes = c[0] >= 0xc2 && c[0] < 0xe0 ? 2 : c[0] >= 0xe0 && c[0] < 0xf0 ? 3 : c[0] >= 0xf0 && c[0] < 0xf5 ? 4 : 0;
    for (int i = 1; i < bytes; i++)
        if ((c[i] & 0xc0) != 0x80) return 0;
    const bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    const bool outside = (c[0] == 0xed && c[1] > 0x9f) || (c[0] == 0xf4 && c[1] > 0x8f); /* surrogates, behind U+10FFFF */
    return overlong || outside ? 0 : bytes;
}

static bool is_utf8(const char *text) {
    int bytes;
    while ((bytes = nlg_utf8_bytes(text)) > 0) text += bytes;
    return *text == '\0';
}

/* A copy with U+FFFD for each byte that belongs to no character. */
static char *repaired(const char *text) {
    static const char replacement[] = "\xef\xbf\xbd";
    char *copy = allocate(3 * strlen(text) + 1), *out = copy;
    if (!copy) return NULL;
    while (*text) {
        const int bytes = nlg_utf8_bytes(text);
        memcpy(out, bytes ? text : replacement, bytes ? (size_t)bytes : 3);
        out += bytes ? bytes : 3;
        text += bytes ? bytes : 1;
    }
    *out = '\0';
    return copy;
}

static void repair(char **text) {
    if (!*text || is_utf8(*text)) return;
    char *copy = repaired(*text);
    if (!copy) return;
    nlg_free(*text);
    *text = copy;
}

static char *copy_of(const char *text) {
    char *copy = allocate(strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

/* Makes a document of our own ready for cJSON's printer, which rounds numbers to 15 digits where that is nearly the value. */
static void prepare(cJSON *item) {
    for (; item; item = item->next) {
        repair(&item->string);
        if (cJSON_IsString(item)) repair(&item->valuestring);
        if (cJSON_IsNumber(item) && isfinite(item->valuedouble)) {
            char text[32];
            char *copy = copy_of(nlg_number_text(item->valuedouble, text));
            if (!copy) return;
            item->valuestring = copy;
            item->type = cJSON_Raw;
        }
        prepare(item->child);
    }
}

/* --- documents --- */

nlg_status nlg_json_write(const cJSON *document, bool indented, char **text, nlg_error *err) {
    *text = NULL;
    cJSON *copy = cJSON_Duplicate(document, true);
    prepare(copy);
    char *printed = !copy ? NULL : indented ? cJSON_Print(copy) : cJSON_PrintUnformatted(copy);
    cJSON_Delete(copy);
    nlg_status status = check_memory(err);
    if (status == NLG_OK && !printed) status = nlg_fail_memory(err, 0, "a JSON document");
    if (status == NLG_OK)
        *text = printed;
    else
        nlg_free(printed);
    return status;
}

nlg_status nlg_json_finish(cJSON *document, bool indented, char **text, nlg_error *err) {
    nlg_status status = nlg_json_write(document, indented, text, err);
    cJSON_Delete(document);
    return status;
}

/* Insertion sort of the members of every object below. */
static void sort_members(cJSON *item) {
    cJSON *rest = cJSON_IsObject(item) ? item->child : NULL, *sorted = NULL, *last = NULL;
    while (rest) {
        cJSON *member = rest, *before = NULL;
        rest = rest->next;
        if (last && strcmp(last->string, member->string) <= 0)
            before = last; /* they are sorted already, mostly */
        else
            for (cJSON *at = sorted; at && strcmp(at->string, member->string) <= 0; at = at->next) before = at;
        member->prev = before;
        member->next = before ? before->next : sorted;
        if (member->next) member->next->prev = member;
        if (before)
            before->next = member;
        else
            sorted = member;
        if (!member->next) last = member;
    }
    if (sorted) {
        sorted->prev = last; /* as cJSON keeps it: the first member knows the last */
        item->child = sorted;
    }
    for (cJSON *child = item->child; child; child = child->next) sort_members(child);
}

nlg_status nlg_json_canonical(const cJSON *document, char **text, nlg_error *err) {
    cJSON *copy = cJSON_Duplicate(document, true);
    if (copy) sort_members(copy);
    if (copy) return nlg_json_finish(copy, false, text, err);
    *text = NULL;
    const nlg_status status = check_memory(err);
    return status != NLG_OK ? status : nlg_fail_memory(err, 0, "a JSON document");
}

nlg_status nlg_json_read(const char *text, size_t length, const char *what, cJSON **document, nlg_error *err) {
    const char *end = text;
    int line = 1;
    *document = cJSON_ParseWithLengthOpts(text, length, &end, false);
    bool good = *document != NULL;
    while (good && end < text + length && strchr(" \t\r\n", *end) && *end) end++;
    good = good && end == text + length;
    for (const char *c = text; c < end; c++) line += *c == '\n';
    nlg_status status = check_memory(err);
    if (status == NLG_OK && !good) status = nlg_fail(err, NLG_ERR_INPUT, "%s: line %d: not valid JSON; correct it", what, line);
    if (status != NLG_OK) {
        cJSON_Delete(*document);
        *document = NULL;
    }
    return status;
}

bool nlg_json_add(cJSON *object, const char *name, cJSON *item) {
    if (item && cJSON_AddItemToObject(object, name, item)) return true;
    cJSON_Delete(item);
    return false;
}

/* cJSON 1.7.15 replaces even where its copy of the name fails: the member then has none. */
bool nlg_json_set(cJSON *object, const char *name, cJSON *item) {
    if (!cJSON_GetObjectItemCaseSensitive(object, name)) return nlg_json_add(object, name, item);
    if (item && cJSON_ReplaceItemInObjectCaseSensitive(object, name, item)) {
        if (item->string) return true;
        cJSON_DetachItemViaPointer(object, item);
    }
    cJSON_Delete(item);
    return false;
}

cJSON *nlg_json_object_in(cJSON *array) {
    cJSON *object = cJSON_CreateObject();
    if (!cJSON_AddItemToArray(array, object)) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

void nlg_json_text(cJSON *object, const char *name, const char *text) {
    if (text)
        cJSON_AddStringToObject(object, name, text);
    else
        cJSON_AddNullToObject(object, name);
}

void nlg_json_number(cJSON *object, const char *name, double value) {
    if (isfinite(value))
        cJSON_AddNumberToObject(object, name, value);
    else
        cJSON_AddNullToObject(object, name);
}
