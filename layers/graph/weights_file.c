/* Weights as safetensors files: writing, and fitting what was read to a network. */
#include "layers/graph/weights_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/graph/safetensors.h"

/* ---- writing ---- */

static bool write_u64(FILE *f, uint64_t value) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(value >> (8 * i));
    return fwrite(bytes, 1, 8, f) == 8;
}

static bool write_floats(FILE *f, const float *values, size_t count) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return fwrite(values, sizeof(float), count, f) == count;
#else
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        bits = __builtin_bswap32(bits);
        if (fwrite(&bits, sizeof bits, 1, f) != 1) return false;
    }
    return true;
#endif
}

static bool add_entry(cJSON *header, const char *name, const int *shape, int rank, size_t count, size_t *offset) {
    cJSON *entry = cJSON_AddObjectToObject(header, name);
    cJSON *dims = NULL, *offsets = NULL;
    if (entry == NULL || cJSON_AddStringToObject(entry, "dtype", "F32") == NULL ||
        (dims = cJSON_AddArrayToObject(entry, "shape")) == NULL)
        return false;
    for (int i = 0; i < rank; i++) cJSON_AddItemToArray(dims, cJSON_CreateNumber(shape[i]));
    if ((offsets = cJSON_AddArrayToObject(entry, "data_offsets")) == NULL) return false;
    cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)*offset));
    *offset += count * sizeof(float);
    cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)*offset));
    return true;
}

static nlg_status make_header(const nlg_weights *weights, const nlg_extra_tensor *extra, int n_extra, const nlg_metadata *metadata,
                              int n_metadata, char **text, nlg_error *err) {
    const nlg_graph *g = weights->graph;
    cJSON *header = cJSON_CreateObject();
    size_t offset = 0;
    bool good = header != NULL;
    cJSON *meta = good && n_metadata > 0 ? cJSON_AddObjectToObject(header, "__metadata__") : NULL;
    for (int i = 0; i < n_metadata && good; i++)
        good = meta != NULL && cJSON_AddStringToObject(meta, metadata[i].key, metadata[i].value) != NULL;
    for (int i = 0; i < g->n_params && good; i++)
        good = add_entry(header, g->params[i].name, g->params[i].shape, g->params[i].rank, g->params[i].count, &offset);
    for (int i = 0; i < n_extra && good; i++)
        good = add_entry(header, extra[i].name, (const int[]){(int)extra[i].count}, 1, extra[i].count, &offset);
    if (good) return nlg_json_finish(header, false, text, err);
    cJSON_Delete(header);
    return nlg_fail_memory(err, 0, "the header of a weight file");
}

nlg_status nlg_weights_save(const nlg_weights *weights, const char *path, const nlg_extra_tensor *extra, int n_extra,
                            const nlg_metadata *metadata, int n_metadata, nlg_error *err) {
    const nlg_graph *g = weights->graph;
    char *header;
    NLG_TRY(make_header(weights, extra, n_extra, metadata, n_metadata, &header, err));
    nlg_file_writer writer;
    nlg_status status = nlg_file_begin(&writer, path, err);
    if (status == NLG_OK) {
        const size_t length = strlen(header), padded = (length + 7) / 8 * 8;
        bool good = write_u64(writer.stream, padded) && fwrite(header, 1, length, writer.stream) == length;
        for (size_t i = length; i < padded && good; i++) good = fputc(' ', writer.stream) != EOF;
        for (int i = 0; i < g->n_params && good; i++)
            good = write_floats(writer.stream, weights->values + g->params[i].offset, g->params[i].count);
        for (int i = 0; i < n_extra && good; i++) good = write_floats(writer.stream, extra[i].values, extra[i].count);
        status = nlg_file_commit(&writer, err); /* notices failed writes by the stream's error flag */
    }
    nlg_free(header);
    return status;
}

/* ---- reading ---- */

/* Where a tensor of the file goes: parameter, extra tensor, or -1. */
typedef struct destination {
    int param, extra;
} destination;

typedef struct reader {
    nlg_safetensors file;
    destination *to; /* of each tensor */
} reader;

/* The problems of a file: a bounded list of names for one message, and each of them to `report`, once it is known that they do not
 * fit. */
typedef struct problem_list {
    char text[640];
    size_t used;
    int count;
    bool cut;
    void (*report)(const char *kind, const char *name);
} problem_list;

static void list_problem(problem_list *list, const char *kind, const char *name) {
    list->count++;
    if (list->report != NULL) list->report(kind, name);
    const int n =
        snprintf(list->text + list->used, sizeof list->text - list->used, "%s%s %s", list->used > 0 ? ", " : "", kind, name);
    if (n > 0 && list->used + (size_t)n < sizeof list->text - 1)
        list->used += (size_t)n;
    else
        list->text[list->used] = '\0', list->cut = true;
}

static bool shape_fits(const nlg_safetensor *e, const nlg_param *p) {
    if (e->count != p->count) return false;
    if (e->rank != p->rank) return false;
    for (int i = 0; i < p->rank; i++)
        if (e->shape[i] != p->shape[i]) return false;
    return true;
}

static bool ends_with(const char *text, const char *suffix) {
    const size_t a = strlen(text), b = strlen(suffix);
    return a >= b && strcmp(text + a - b, suffix) == 0;
}

static void list_wrong_shape(problem_list *problems, const nlg_safetensor *e, const nlg_param *p) {
    char text[320];
    int n = snprintf(text, sizeof text, "%.120s [", e->name);
    for (int d = 0; d < e->rank; d++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s%lld", d > 0 ? "," : "", (long long)e->shape[d]);
    n += snprintf(text + n, sizeof text - (size_t)n, "], expected [");
    for (int d = 0; d < p->rank; d++) n += snprintf(text + n, sizeof text - (size_t)n, "%s%d", d > 0 ? "," : "", p->shape[d]);
    snprintf(text + n, sizeof text - (size_t)n, "]");
    list_problem(problems, "wrong shape", text);
}

/* Is the parameter one of those that a new head has anew? */
static bool replaced(const nlg_load_options *options, const nlg_param *p) {
    const size_t length = options->new_head != NULL ? strlen(options->new_head) : 0;
    return length > 0 && strncmp(p->name, options->new_head, length) == 0 && p->name[length] == '.';
}

/* Pair the file's tensors with parameters and extra tensors. `found` has room for each parameter. */
static void pair(reader *r, const nlg_graph *g, nlg_load_options *options, bool *found, problem_list *problems) {
    int extra_found = 0;
    for (int i = 0; i < g->n_params; i++) found[i] = false;
    for (int i = 0; i < r->file.n_tensors; i++) {
        const nlg_safetensor *e = &r->file.tensors[i];
        destination *to = &r->to[i];
        *to = (destination){-1, -1};
        for (int j = 0; j < options->n_extra; j++)
            if (strcmp(options->extra[j].name, e->name) == 0 && options->extra[j].count == e->count) to->extra = j, extra_found++;
        to->param = to->extra >= 0 ? -1 : nlg_graph_find_param(g, e->name);
        if (to->param < 0 && to->extra < 0) {
            if (!ends_with(e->name, "num_batches_tracked")) list_problem(problems, "unexpected", e->name);
            continue;
        }
        if (to->param >= 0) found[to->param] = true;
        if (to->param >= 0 && replaced(options, &g->params[to->param])) {
            to->param = -1;
        } else if (!nlg_safetensors_readable(e)) {
            char text[320];
            snprintf(text, sizeof text, "%.200s (%s)", e->name, e->dtype);
            list_problem(problems, "unreadable dtype of", text);
        } else if (to->param >= 0 && !shape_fits(e, &g->params[to->param])) {
            list_wrong_shape(problems, e, &g->params[to->param]);
        }
    }
    for (int i = 0; i < g->n_params; i++) {
        const nlg_param *p = &g->params[i];
        if (!found[i] && !(options->allow_missing_aux && p->aux) && p->role != NLG_PARAM_CONSTANT && !replaced(options, p))
            list_problem(problems, "missing", p->name);
    }
    options->extra_found = options->n_extra > 0 && extra_found == options->n_extra;
}

/* Every problem of the whole file goes into one message, or else to options->problem. */
static nlg_status match(reader *r, const nlg_graph *g, nlg_load_options *options, nlg_error *err) {
    problem_list problems = {.used = 0}, again = {.report = options->problem};
    bool *found = nlg_alloc((size_t)g->n_params + 1, sizeof *found);
    r->to = nlg_alloc((size_t)r->file.n_tensors + 1, sizeof *r->to);
    if (found == NULL || r->to == NULL) {
        nlg_free(found);
        return nlg_fail_memory(err, (size_t)g->n_params, "loading weights");
    }
    pair(r, g, options, found, &problems);
    if (problems.cut && options->problem != NULL) pair(r, g, options, found, &again);
    nlg_free(found);
    if (problems.count > 0)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: %d tensors do not fit this network: %s%s; no weights were loaded; take a file of this network",
                        r->file.path, problems.count, problems.text, problems.cut ? " ..." : "");
    return NLG_OK;
}

static nlg_status refuse_nonfinite(const reader *r, nlg_error *err) {
    for (int i = 0; i < r->file.n_tensors; i++) {
        const nlg_safetensor *e = &r->file.tensors[i];
        if (r->to[i].param < 0 && r->to[i].extra < 0) continue;
        float values[1024];
        nlg_safetensor part = *e;
        for (size_t begin = 0; begin < e->count; begin += part.count) {
            const size_t each = (e->end - e->begin) / e->count;
            part.count = e->count - begin < 1024 ? e->count - begin : 1024;
            part.begin = e->begin + begin * each;
            nlg_safetensors_convert(&r->file, &part, values);
            for (size_t k = 0; k < part.count; k++)
                if (!isfinite(values[k]))
                    return nlg_fail(err, NLG_ERR_INPUT,
                                    "%s: tensor %.200s: value %zu is %g; expected finite numbers; nothing was loaded; take weights "
                                    "of a training that did not diverge",
                                    r->file.path, e->name, begin + k, (double)values[k]);
        }
    }
    return NLG_OK;
}

static nlg_status take_metadata(const reader *r, nlg_load_options *options, nlg_error *err) {
    for (int i = 0; i < options->n_metadata; i++) {
        const char *value = nlg_safetensors_metadata(&r->file, options->metadata[i].key);
        options->metadata[i].value = NULL;
        if (value == NULL) continue;
        options->metadata[i].value = nlg_strdup(value);
        if (options->metadata[i].value == NULL) return nlg_fail_memory(err, strlen(value), "the metadata of a weight file");
    }
    return NLG_OK;
}

nlg_status nlg_weights_load(nlg_weights *weights, const char *path, nlg_load_options *options, nlg_error *err) {
    nlg_load_options none = {0};
    reader r = {.to = NULL};
    if (options == NULL) options = &none;
    nlg_status status = nlg_safetensors_open(path, true, &r.file, err);
    if (status == NLG_OK) status = match(&r, weights->graph, options, err);
    if (status == NLG_OK) status = refuse_nonfinite(&r, err);
    if (status == NLG_OK) status = take_metadata(&r, options, err);
    for (int i = 0; i < r.file.n_tensors && status == NLG_OK; i++) {
        const nlg_safetensor *e = &r.file.tensors[i];
        if (r.to[i].extra >= 0 && options->extra_found) nlg_safetensors_convert(&r.file, e, options->extra[r.to[i].extra].values);
        if (r.to[i].param >= 0) nlg_safetensors_convert(&r.file, e, nlg_weights_at(weights, r.to[i].param));
    }
    nlg_free(r.to);
    nlg_safetensors_close(&r.file);
    return status;
}
