/* Where a result comes from, as one JSON object: what someone else needs to make it again. */
#ifndef NLG_PROVENANCE_H
#define NLG_PROVENANCE_H

#include "harness/command.h"
#include "layers/base/json.h"

/* Adds "provenance" to a document: program, build, machine, threads, instruction set, backend and the command line as typed. The
 * object is returned for what a command adds; NULL when memory is short, which nlg_json_finish reports. */
cJSON *nlg_provenance_add(cJSON *document, const nlg_invocation *call, const nlg_exec *exec);

#endif
