/* JSON documents that never lack a member silently.
 *
 * Documents are cJSON's. cJSON reports a lack of memory by NULL anywhere; building may ignore that: every failed allocation of
 * cJSON is noted, and the next document that is written or read reports it. */
#ifndef NLG_JSON_H
#define NLG_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "layers/base/status.h"

/* The text of a document (free with nlg_free); the document stays. Numbers have the fewest digits (15 to 17) that stand for exactly
 * their value, a number that is not finite is null, and bytes that are not UTF-8 become U+FFFD. */
nlg_status nlg_json_write(const cJSON *document, bool indented, char **text, nlg_error *err);
/* Writes and deletes the document, in either case. */
nlg_status nlg_json_finish(cJSON *document, bool indented, char **text, nlg_error *err);
/* The canonical text: keys sorted at every level, no blanks, so that equal documents have equal texts. The document stays. */
nlg_status nlg_json_canonical(const cJSON *document, char **text, nlg_error *err);
/* Reads a text of `length` bytes that holds one value and nothing else (delete with cJSON_Delete); `what` names it in the message,
 * like a file. */
nlg_status nlg_json_read(const char *text, size_t length, const char *what, cJSON **document, nlg_error *err);

bool nlg_json_add(cJSON *object, const char *name, cJSON *item);       /* takes the item: where it cannot be added, it is deleted */
bool nlg_json_set(cJSON *object, const char *name, cJSON *item);       /* the same, in place of what has that name */
cJSON *nlg_json_object_in(cJSON *array);                               /* a new object at the end of the array */
void nlg_json_text(cJSON *object, const char *name, const char *text); /* NULL: null */
void nlg_json_number(cJSON *object, const char *name, double value);   /* not finite: null */

/* The fewest digits that read back as exactly this value: 0.1, 25557032, 1e-07. */
const char *nlg_number_text(double value, char text[32]);

/* Bytes of the UTF-8 character that the text begins with; 0: not UTF-8, or the end. */
int nlg_utf8_bytes(const char *text);

#endif
