/* views.sql as a text in the program. */
#include "harness/report/views.h"

__asm__(".section .rodata\n"
        "nlg_report_views_text:\n"
        ".incbin \"harness/report/views.sql\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char nlg_report_views_text[];

const char *nlg_report_views(void) {
    return nlg_report_views_text;
}
