/* What the spaces of networks share. */
#include "search/spaces/common/build.h"

nlg_builder *nlg_space_build_begin(nlg_graph **graph) {
    *graph = nlg_graph_create();
    return *graph ? nlg_builder_create(*graph) : NULL;
}

nlg_status nlg_space_build_finish(nlg_builder *b, nlg_graph **graph, nlg_error *err) {
    nlg_status status = b ? nlg_builder_finish(b, err) : nlg_fail_memory(err, sizeof **graph, "a graph");
    if (status != NLG_OK) {
        nlg_graph_destroy(*graph);
        *graph = NULL;
    }
    return status;
}

int nlg_space_one_hot(const nlg_space *self, const nlg_code *code, double *out) {
    int count = 0;
    nlg_code plain = {0};
    if (out) nlg_space_canonical(self, code, &plain);
    for (int i = 0; i < self->length; i++) {
        const int values = self->choices(self, i);
        for (int value = 0; value < values; value++, count++) {
            if (out) out[count] = i < plain.length && plain.value[i] == value;
        }
    }
    return count;
}
