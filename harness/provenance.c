/* Facts of a run. */
#include "harness/provenance.h"

#include "harness/build_info.h"
#include "layers/base/cpu.h"
#include "layers/base/team.h"
#include "layers/kernels/exec.h"
#include "train/train.h"

cJSON *nlg_provenance_add(cJSON *document, const nlg_invocation *call, const nlg_exec *exec) {
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    cJSON *p = cJSON_AddObjectToObject(document, "provenance");
    cJSON *command = cJSON_AddArrayToObject(p, "command");
    for (int i = 0; i < call->argc; i++) cJSON_AddItemToArray(command, cJSON_CreateString(call->argv[i]));
    nlg_json_text(p, "version", NLG_VERSION);
    nlg_json_text(p, "commit", nlg_build_commit());
    nlg_json_text(p, "compiler", nlg_build_compiler());
    nlg_json_text(p, "flags", nlg_build_flags());
    nlg_json_number(p, "numerics", NLG_NUMERICS_VERSION);
    nlg_json_text(p, "cpu", cpu.model);
    nlg_json_number(p, "cores", cpu.cores);
    if (exec) {
        nlg_json_number(p, "threads", nlg_team_size(exec->team));
        nlg_json_text(p, "isa", nlg_isa_name(exec->isa));
        nlg_recipe_add_exec(p, exec);
    }
    return p;
}
