/* views.sql as a text in the program. */
#include "harness/query/views.h"

__asm__(".section .rodata\n"
        "nlg_query_views_text:\n"
        ".incbin \"harness/query/views.sql\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char nlg_query_views_text[];

const char *nlg_query_views(void) {
    return nlg_query_views_text;
}
