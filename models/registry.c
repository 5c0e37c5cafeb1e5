/* The model registry: the tables of families.def, look-up by name or alias, and the one way to build a graph. */
#include <ctype.h>
#include <string.h>

#include "layers/base/nearest.h"
#include "models/families.h"
#include "models/model.h"
#include "models/unspecified.h"

#define ROWS(name) extern const nlg_model_rows nlg_##name##_rows;
#include "models/families.def"
#undef ROWS

static const nlg_model_rows *const tables[] = {
#define ROWS(name) &nlg_##name##_rows,
#include "models/families.def"
#undef ROWS
};
enum { TABLES = sizeof tables / sizeof *tables };

int nlg_model_count(void) {
    int count = 0;
    for (int t = 0; t < TABLES; t++) count += tables[t]->count;
    return count;
}

const nlg_model *nlg_model_at(int index) {
    for (int t = 0; t < TABLES && index >= 0; index -= tables[t++]->count)
        if (index < tables[t]->count) return &tables[t]->rows[index];
    return NULL;
}

enum { MAX_NAME = 64 };

/* The index-th name of a model: its name, then its aliases. False when there is none. */
static bool name_of(const nlg_model *model, int index, char name[MAX_NAME]) {
    const char *text = index == 0 ? model->name : model->aliases ? model->aliases : "";
    size_t length = strcspn(text, " ");
    for (int i = 1; i < index; i++) {
        text += length;
        text += strspn(text, " ");
        length = strcspn(text, " ");
    }
    if (length == 0) return false;
    if (length >= MAX_NAME) length = MAX_NAME - 1;
    for (size_t i = 0; i < length; i++) name[i] = (char)tolower((unsigned char)text[i]);
    name[length] = 0;
    return true;
}

nlg_status nlg_model_find(const char *name, const nlg_model **model, nlg_error *err) {
    char wanted[MAX_NAME] = "", candidate[MAX_NAME], best[MAX_NAME] = "";
    const size_t length = strlen(name);
    for (size_t i = 0; i < length && i < MAX_NAME - 1; i++) wanted[i] = (char)tolower((unsigned char)name[i]);
    nlg_nearest nearest = {.wanted = wanted};
    const nlg_model *at;
    for (int m = 0; (at = nlg_model_at(m)); m++) {
        for (int i = 0; name_of(at, i, candidate); i++) {
            if (length < MAX_NAME && strcmp(candidate, wanted) == 0) {
                *model = at;
                return NLG_OK;
            }
            nlg_nearest_try(&nearest, candidate);
            if (nearest.best == candidate) nearest.best = memcpy(best, candidate, sizeof best);
        }
    }
    const nlg_unspecified_model *unspecified = nlg_unspecified_find(name);
    if (unspecified) return nlg_fail(err, NLG_ERR_INPUT, "model %s is not specified: %s", unspecified->name, unspecified->missing);
    const char *suggestion = nlg_nearest_name(&nearest);
    return nlg_fail(err, NLG_ERR_INPUT, "unknown model '%.60s'%s%s%s ('lineage models' lists all)", name,
                    suggestion ? "; did you mean '" : "", suggestion ? suggestion : "", suggestion ? "'?" : "");
}

size_t nlg_model_genotype(const nlg_model *model, char *text, size_t size) {
    return model->family->genotypes ? model->family->genotypes->print(model->spec, text, size) : 0;
}

nlg_status nlg_model_with_genotype(const nlg_model *base, const char *text, nlg_arena *arena, const nlg_model **model,
                                   nlg_error *err) {
    if (!base->family->genotypes)
        return nlg_fail(err, NLG_ERR_INPUT, "model %s is not made of cells and takes no genotype; nasnet_a_small does", base->name);
    nlg_model *made = nlg_arena_alloc(arena, 1, sizeof *made);
    if (!made) return nlg_fail_memory(err, sizeof *made, base->name);
    memcpy(made, base, sizeof *made);
    if (base->family->genotypes->paste(base->spec, text, arena, &made->spec, err) != NLG_OK)
        return nlg_fail_at(err, "model %s", base->name);
    made->published_params = made->published_macs = 0;
    made->published_source = NULL;
    made->deviations = "Other cells than the paper's: a genotype was given.";
    *model = made;
    return NLG_OK;
}

nlg_status nlg_model_build(const nlg_model *model, nlg_shape input, int classes, nlg_graph **graph, nlg_error *err) {
    *graph = NULL;
    if (input.h == 0 && input.w == 0 && input.c == 0) input = model->input;
    if (classes == 0) classes = model->classes;
    bool own = input.h == model->input.h && input.w == model->input.w && input.c == model->input.c;
    if (!own && !model->any_input) {
        return nlg_fail(err, NLG_ERR_INPUT, "model %s takes images of %d channels, %d x %d, not %d channels, %d x %d", model->name,
                        model->input.c, model->input.h, model->input.w, input.c, input.h, input.w);
    }
    if (input.h < 1 || input.w < 1 || input.c < 1 || classes < 1) {
        return nlg_fail(err, NLG_ERR_INPUT, "model %s: input %d channels, %d x %d, %d classes: all must be positive", model->name,
                        input.c, input.h, input.w, classes);
    }
    if (!model->family->build) {
        nlg_status made = model->family->build_graph(model, input, classes, graph, err);
        return made == NLG_OK ? made : nlg_fail_at(err, "%s at input %d,%d,%d", model->family->name, input.c, input.h, input.w);
    }
    nlg_graph *made = nlg_graph_create();
    nlg_builder *b = made ? nlg_builder_create(made) : NULL;
    if (!b) {
        nlg_graph_destroy(made);
        return nlg_fail_memory(err, sizeof *made, model->name);
    }
    if (!own) nlg_builder_allow_missing_aux(b);
    model->family->build(b, model, input, classes);
    nlg_status status = nlg_builder_finish(b, err);
    if (status != NLG_OK) {
        nlg_graph_destroy(made);
        return nlg_fail_at(err, "model %s at input %d,%d,%d", model->name, input.c, input.h, input.w);
    }
    *graph = made;
    return NLG_OK;
}
