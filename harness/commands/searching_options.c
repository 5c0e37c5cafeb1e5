/* Options about searches that several commands share. */
#include "harness/commands/searching_options.h"

#include "harness/options.h"

nlg_status nlg_searching_option(nlg_searching_options *o, int key, const char *value, nlg_error *err) {
    switch (key) {
    case NLG_KEY_SPACE:
        o->space = value;
        return NLG_OK;
    case NLG_KEY_TABLE:
        o->table = value;
        return NLG_OK;
    case NLG_KEY_SIGNAL:
        o->signal = value;
        return NLG_OK;
    default:
        return nlg_option_int("--ask", value, 1, 4096, &o->asked, err);
    }
}
