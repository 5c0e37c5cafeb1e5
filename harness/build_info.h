/* What this binary is and what it runs on: part of every record. */
#ifndef NLG_BUILD_INFO_H
#define NLG_BUILD_INFO_H

#define NLG_VERSION "0.1.0"

const char *nlg_build_commit(void);
const char *nlg_build_compiler(void); /* "gcc 12.2.0" */
const char *nlg_build_flags(void);

#endif
