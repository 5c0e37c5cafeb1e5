/* schema.sql as a text in the program. */
#include "search/store/store_internal.h"

__asm__(".section .rodata\n"
        "nlg_store_schema_text:\n"
        ".incbin \"search/store/schema.sql\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char nlg_store_schema_text[];

const char *nlg_store_schema(void) {
    return nlg_store_schema_text;
}
