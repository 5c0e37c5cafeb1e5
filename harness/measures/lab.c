/* Data sets, networks and the gate to test splits, for measures. */
#include "harness/measures/lab.h"

#include <stdio.h>
#include <string.h>

#include "harness/build_info.h"
#include "harness/measures/measure.h"
#include "harness/options.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "train/recipe.h"

enum { OPEN_DATA_SETS = 3 };

struct nlg_lab_data {
    char *source; /* as the experiment names it */
    nlg_dataset_options options;
    char *facts;          /* canonical JSON of nlg_recipe_add_data */
    nlg_dataset *dataset; /* NULL: closed for now */
    long used;
};

typedef struct nlg_subject_facts {
    char *text; /* canonical JSON of what it was built from */
    char digest[65], *genotype;
    char name[NLG_SPACE_NAME_MAX]; /* of the network in the registry, or of the space */
    bool has_space;
    nlg_graph_cost cost;
    nlg_shape input;
} nlg_subject_facts;

void nlg_lab_open(nlg_lab *lab, const nlg_settings *settings) {
    *lab = (nlg_lab){.settings = settings,
                     .session = {.commit = nlg_build_commit(),
                                 .compiler = nlg_build_compiler(),
                                 .flags = nlg_build_flags(),
                                 .isa = nlg_isa_name(settings->isa),
                                 .threads = settings->threads}};
}

nlg_status nlg_lab_start(nlg_lab *lab, int threads, nlg_error *err) {
    nlg_settings settings = *lab->settings;
    settings.threads = threads;
    lab->session.threads = threads;
    return nlg_exec_open(&settings, &lab->exec, err);
}

void nlg_lab_stop(nlg_lab *lab) {
    nlg_exec_close(&lab->exec);
}

void nlg_lab_close(nlg_lab *lab) {
    nlg_lab_stop(lab);
    if (lab->kept) lab->close_kept(lab->kept);
    lab->kept = NULL;
    for (int i = 0; i < lab->n_data; i++) {
        nlg_free(lab->data[i].source);
        nlg_free(lab->data[i].facts);
        if (lab->data[i].dataset) nlg_dataset_close(lab->data[i].dataset);
    }
    for (int i = 0; i < lab->n_facts; i++) {
        nlg_free(lab->facts[i].text);
        nlg_free(lab->facts[i].genotype);
    }
    nlg_free(lab->data);
    nlg_free(lab->facts);
}

bool nlg_lab_watch(const nlg_lab *lab, double fraction, const char *what) {
    return !lab->watch || lab->watch(lab->watch_context, fraction, what);
}

/* ---- data sets --------------------------------------------------------------------------------------------------------- */

static void close_one(nlg_lab *lab) {
    static const long newest = __LONG_MAX__;
    nlg_lab_data *oldest = NULL;
    int open = 0;
    for (int i = 0; i < lab->n_data; i++) {
        nlg_lab_data *d = &lab->data[i];
        if (!d->dataset) continue;
        open++;
        if (d->used < (oldest ? oldest->used : newest)) oldest = d;
    }
    if (open < OPEN_DATA_SETS) return;
    nlg_dataset_close(oldest->dataset);
    oldest->dataset = NULL;
}

static nlg_status reopen(nlg_lab *lab, nlg_lab_data *d, nlg_dataset **dataset, nlg_error *err) {
    static long clock;
    if (!d->dataset) {
        close_one(lab);
        NLG_TRY(nlg_dataset_open(d->source, &d->options, &d->dataset, err));
    }
    d->used = ++clock;
    *dataset = d->dataset;
    return NLG_OK;
}

static nlg_status facts_of(const nlg_dataset *dataset, char **text, nlg_error *err) {
    cJSON *object = cJSON_CreateObject();
    *text = NULL;
    nlg_status status = object && nlg_recipe_add_data(object, dataset) ? nlg_json_canonical(object, text, err)
                                                                       : nlg_fail_memory(err, 0, "the facts of a data set");
    cJSON_Delete(object);
    return status;
}

static bool same_options(const nlg_dataset_options *a, const nlg_dataset_options *b) {
    return a->validation == b->validation && a->split_seed == b->split_seed && a->file_order == b->file_order &&
           a->train_limit == b->train_limit && a->image_size == b->image_size && a->resize == b->resize && a->filter == b->filter &&
           memcmp(a->mean, b->mean, sizeof a->mean) == 0 && memcmp(a->std, b->std, sizeof a->std) == 0;
}

static nlg_status open_source(nlg_lab *lab, const char *source, const nlg_dataset_options *options, nlg_lab_data **found,
                              nlg_error *err) {
    nlg_dataset *dataset;
    for (int i = 0; i < lab->n_data; i++) {
        *found = &lab->data[i];
        if (strcmp(source, (*found)->source) == 0 && same_options(options, &(*found)->options))
            return reopen(lab, *found, &dataset, err);
    }
    nlg_lab_data *more = nlg_grow(lab->data, &lab->room_data, lab->n_data, sizeof *more);
    if (!more) return nlg_fail_memory(err, sizeof *more, "a data set");
    lab->data = more;
    *found = &more[lab->n_data];
    **found = (nlg_lab_data){.source = nlg_strdup(source), .options = *options};
    nlg_status status = (*found)->source ? reopen(lab, *found, &dataset, err) : nlg_fail_memory(err, 0, "a data set");
    if (status == NLG_OK) status = facts_of(dataset, &(*found)->facts, err);
    if (status == NLG_OK) {
        lab->n_data++;
        return NLG_OK;
    }
    if ((*found)->dataset) nlg_dataset_close((*found)->dataset);
    nlg_free((*found)->source);
    return status;
}

nlg_status nlg_lab_open_data(nlg_lab *lab, const cJSON *values, nlg_dataset **dataset, nlg_error *err) {
    const char *source = nlg_value_text(values, "data");
    if (!source) return nlg_fail(err, NLG_ERR_INPUT, "key \"data\" is missing; add the name of a data set");
    const nlg_dataset_options options = {.train_limit = (uint32_t)nlg_value_int(values, "train_images"),
                                         .validation = (uint32_t)nlg_value_int(values, "validation_images"),
                                         .split_seed = (uint64_t)nlg_value_number(values, "split_seed", 0),
                                         .image_size = nlg_value_int(values, "image_size"),
                                         .resize = nlg_value_int(values, "resize")};
    nlg_lab_data *found;
    NLG_TRY(open_source(lab, source, &options, &found, err));
    *dataset = found->dataset;
    return NLG_OK;
}

/* The options with which a spec's data set is opened again. Shipped formats have their own means and sizes. */
static nlg_dataset_options options_of(const cJSON *data, const char *source) {
    const char *seed = nlg_value_text(data, "split_seed");
    nlg_dataset_options o = {.train_limit = (uint32_t)nlg_value_int(data, "train"),
                             .validation = (uint32_t)nlg_value_int(data, "validation"),
                             .file_order = nlg_value_flag(data, "file_order"),
                             .filter = (nlg_filter)nlg_value_int(data, "filter")};
    for (const char *c = seed ? seed : ""; *c >= '0' && *c <= '9'; c++) o.split_seed = 10 * o.split_seed + (uint64_t)(*c - '0');
    const nlg_dataset_format *format = NULL;
    const bool has_objects =
        nlg_dataset_format_find(source, &format, NULL) == NLG_OK && nlg_dataset_format_targets(format) == NLG_TARGET_OBJECTS;
    if (strncmp(source, "imagefolder", 11) == 0 || has_objects) {
        const cJSON *shape = cJSON_GetObjectItemCaseSensitive(data, "image"), *side = cJSON_GetArrayItem(shape, 1);
        o.image_size = cJSON_IsNumber(side) ? side->valueint : 0;
        o.resize = nlg_value_int(data, "resize");
    }
    return o;
}

nlg_status nlg_lab_find_data(nlg_lab *lab, const cJSON *data, nlg_dataset **dataset, const char **source, nlg_error *err) {
    char *wanted;
    nlg_lab_data *found = NULL;
    NLG_TRY(nlg_json_canonical(data, &wanted, err));
    for (int i = 0; i < lab->n_data && !found; i++)
        if (strcmp(lab->data[i].facts, wanted) == 0) found = &lab->data[i];
    nlg_status status = NLG_OK;
    if (found) {
        status = reopen(lab, found, dataset, err);
    } else {
        const char *name = lab->source ? lab->source : nlg_value_text(data, "name");
        const nlg_dataset_options options = options_of(data, name ? name : "");
        status = name ? open_source(lab, name, &options, &found, err)
                      : nlg_fail(err, NLG_ERR_INPUT, "a spec without the name of its data");
        if (status == NLG_OK && strcmp(found->facts, wanted) != 0)
            status = nlg_fail(err, NLG_ERR_INPUT, "data %s: expected %.300s, found %.300s; give the same files", name, wanted,
                              found->facts);
        if (status == NLG_OK) *dataset = found->dataset;
    }
    if (status == NLG_OK && source) *source = found->source;
    nlg_free(wanted);
    return status;
}

nlg_status nlg_lab_open_test(nlg_lab *lab, nlg_dataset *dataset, nlg_error *err) {
    if (!lab->may_open_test)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "the test split is opened by final stages only; set \"final\": true where all is chosen");
    return nlg_dataset_open_test(dataset, err);
}

/* ---- networks ---------------------------------------------------------------------------------------------------------- */

nlg_status nlg_subject_open(const cJSON *values, nlg_shape input, int classes, const char *where, nlg_network *network,
                            nlg_error *err) {
    const char *name = nlg_value_text(values, "network"), *space = nlg_value_text(values, "space");
    char in_space[NLG_SPACE_NAME_MAX + 16];
    *network = (nlg_network){0};
    nlg_status status;
    if (!name == !space)
        status = nlg_fail(err, NLG_ERR_INPUT, "expected a \"network\" or a \"space\" with a \"genotype\", found %s",
                          name ? "both" : "neither");
    else if (space && !nlg_value_text(values, "genotype"))
        status = nlg_fail(err, NLG_ERR_INPUT, "key \"genotype\" is missing; say which architecture of the space %.64s", space);
    else if (space && snprintf(in_space, sizeof in_space, "space:%s", space) >= (int)sizeof in_space)
        status = nlg_fail(err, NLG_ERR_INPUT, "key \"space\": the name %.40s... is too long", space);
    else
        status = nlg_network_open(name ? name : in_space, nlg_value_text(values, "genotype"), input, classes, network, err);
    return status == NLG_OK ? status : nlg_fail_at(err, "%s", where);
}

static nlg_status identity_of(const cJSON *values, nlg_shape input, int classes, char **text, nlg_error *err) {
    static const char *const names[] = {"network", "space", "genotype"};
    cJSON *object = cJSON_CreateObject();
    for (int i = 0; i < 3; i++) nlg_json_text(object, names[i], nlg_value_text(values, names[i]));
    nlg_json_number(object, "h", input.h);
    nlg_json_number(object, "w", input.w);
    nlg_json_number(object, "c", input.c);
    nlg_json_number(object, "classes", classes);
    nlg_status status = nlg_json_canonical(object, text, err);
    cJSON_Delete(object);
    return status;
}

/* As searches write it: in one line for a space. */
static nlg_status genotype_of(const nlg_network *n, char **text, nlg_error *err) {
    nlg_code code;
    NLG_TRY(nlg_network_genotype(n, text, err));
    if (!n->space || !*text) return NLG_OK;
    nlg_status status = n->space->decode(n->space, *text, &code, err);
    nlg_free(*text);
    *text = status == NLG_OK ? nlg_alloc(NLG_GENOTYPE_MAX, 1) : NULL;
    if (*text) n->space->encode(n->space, &code, *text, NLG_GENOTYPE_MAX);
    return status == NLG_OK && !*text ? nlg_fail_memory(err, NLG_GENOTYPE_MAX, "a genotype") : status;
}

/* The genotype where it makes the network another than its name says. */
static nlg_status learn(const cJSON *values, nlg_shape input, int classes, const char *where, nlg_subject_facts *f,
                        nlg_error *err) {
    nlg_network n;
    nlg_status status = nlg_subject_open(values, input, classes, where, &n, err);
    if (status == NLG_OK) status = nlg_graph_digest(n.graph, f->digest, err);
    if (status == NLG_OK && (n.space || nlg_value_text(values, "genotype"))) status = genotype_of(&n, &f->genotype, err);
    if (status == NLG_OK) {
        f->cost = n.cost;
        f->input = n.graph->nodes[0].shape;
        snprintf(f->name, sizeof f->name, "%s", n.space ? n.space->name : n.model->name);
        f->has_space = n.space != NULL;
    }
    nlg_network_close(&n);
    return status;
}

static nlg_status find_facts(nlg_lab *lab, const cJSON *values, nlg_shape input, int classes, const char *where,
                             const nlg_subject_facts **found, nlg_error *err) {
    char *text;
    NLG_TRY(identity_of(values, input, classes, &text, err));
    for (int i = 0; i < lab->n_facts; i++) {
        if (strcmp(lab->facts[i].text, text) != 0) continue;
        nlg_free(text);
        *found = &lab->facts[i];
        return NLG_OK;
    }
    nlg_subject_facts *more = nlg_grow(lab->facts, &lab->room_facts, lab->n_facts, sizeof *more), made = {.text = text};
    nlg_status status = more ? NLG_OK : nlg_fail_memory(err, sizeof made, "the facts of a network");
    if (more) lab->facts = more;
    if (status == NLG_OK) status = learn(values, input, classes, where, &made, err);
    if (status != NLG_OK) {
        nlg_free(text);
        nlg_free(made.genotype);
        return status;
    }
    lab->facts[lab->n_facts] = made;
    *found = &lab->facts[lab->n_facts++];
    return NLG_OK;
}

nlg_status nlg_subject_specify(nlg_lab *lab, const cJSON *values, nlg_shape input, int classes, const char *where, cJSON *spec,
                               nlg_graph_cost *cost, nlg_error *err) {
    const nlg_subject_facts *f;
    NLG_TRY(find_facts(lab, values, input, classes, where, &f, err));
    nlg_json_text(spec, f->has_space ? "space" : "network", f->name);
    if (f->genotype) nlg_json_text(spec, "genotype", f->genotype);
    nlg_json_text(spec, "graph", f->digest);
    const double shape[] = {f->input.c, f->input.h, f->input.w};
    cJSON_AddItemToObject(spec, "input", cJSON_CreateDoubleArray(shape, 3));
    *cost = f->cost;
    return NLG_OK;
}
