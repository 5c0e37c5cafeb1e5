/* Results of everything that can fail: the record of a failure and its exit code. */
#include "layers/base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void nlg_record_failure(nlg_error *err, nlg_status status, const char *format, ...) {
    if (!err || err->status != NLG_OK) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    err->status = status;
}

nlg_status nlg_fail_at(nlg_error *err, const char *format, ...) {
    if (!err) return NLG_ERR_INPUT;
    if (err->status == NLG_OK) return NLG_OK;
    char prefix[sizeof err->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    size_t room = sizeof err->text, used = strlen(prefix);
    if (used + 3 > room) return err->status; /* no room for any of the text: keep what was said first */
    size_t kept = strlen(err->text);
    if (kept > room - used - 3) kept = room - used - 3;
    memmove(err->text + used + 2, err->text, kept);
    err->text[used + 2 + kept] = '\0';
    memcpy(err->text, prefix, used);
    err->text[used] = ':';
    err->text[used + 1] = ' ';
    return err->status;
}

static void (*warning_listener)(const char *text);

void nlg_warnings_go_to(void (*listener)(const char *text)) {
    warning_listener = listener;
}

void nlg_warn(const char *format, ...) {
    if (!warning_listener) return;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    warning_listener(text);
}

int nlg_status_exit_code(nlg_status status) {
    switch (status) {
    case NLG_OK:
        return 0;
    case NLG_ERR_NUMERIC:
    case NLG_ERR_CHECK:
        return 1;
    case NLG_ERR_INTERRUPTED:
        return 130;
    case NLG_ERR_INPUT:
    case NLG_ERR_IO:
    case NLG_ERR_MEMORY:
        break;
    }
    return 2;
}
