/* The Makefile passes commit and flags to this file. */
#include "harness/build_info.h"

#ifndef NLG_COMMIT
#define NLG_COMMIT "unknown"
#endif
#ifndef NLG_FLAGS
#define NLG_FLAGS "unknown"
#endif

const char *nlg_build_commit(void) {
    return NLG_COMMIT;
}

const char *nlg_build_compiler(void) {
#ifdef __clang__
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

const char *nlg_build_flags(void) {
    return NLG_FLAGS;
}
