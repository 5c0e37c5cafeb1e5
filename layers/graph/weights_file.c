/* safetensors: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}, __metadata__: {text: text}},
 * then the data. */
#include "layers/graph/weights_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"

static const size_t header_limit = 100u << 20; /* the format's own limit: 100 MB */
static const size_t file_limit = (size_t)8 << 30;

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

typedef struct tensor_entry {
    const char *name, *dtype;
    int rank;
    int64_t shape[8];
    size_t count, begin, end;
    int param; /* index, -1: not a parameter */
    int extra;
} tensor_entry;

typedef struct reader {
    const char *path;
    const char *data; /* behind the header */
    size_t size;
    cJSON *header;
    tensor_entry *entries;
    int n_entries;
} reader;

static size_t dtype_bytes(const char *dtype) {
    if (strcmp(dtype, "F32") == 0) return 4;
    return strcmp(dtype, "F16") == 0 || strcmp(dtype, "BF16") == 0 ? 2 : 0;
}

static bool whole_number(const cJSON *item, double limit, double *value) {
    if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble > limit ||
        item->valuedouble != (double)(int64_t)item->valuedouble)
        return false;
    *value = item->valuedouble;
    return true;
}

static nlg_status read_entry(const reader *r, const cJSON *item, tensor_entry *e, nlg_error *err) {
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype"), *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets"), *dim;
    double begin, end, size;
    *e = (tensor_entry){.name = item->string, .count = 1, .param = -1, .extra = -1};
    if (!cJSON_IsString(dtype) || !cJSON_IsArray(shape) || cJSON_GetArraySize(shape) > 8 || cJSON_GetArraySize(offsets) != 2 ||
        !whole_number(cJSON_GetArrayItem(offsets, 0), (double)r->size, &begin) ||
        !whole_number(cJSON_GetArrayItem(offsets, 1), (double)r->size, &end) || end < begin)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: tensor %s: expected dtype, shape and data_offsets within the %zu bytes of data; the file is damaged "
                        "or truncated, fetch it again",
                        r->path, item->string, r->size);
    cJSON_ArrayForEach(dim, shape) {
        size_t product = 0;
        if (!whole_number(dim, 2147483647.0, &size) || !nlg_size_mul_add(&product, e->count, (size_t)size))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: tensor %s: impossible shape", r->path, item->string);
        e->shape[e->rank++] = (int64_t)size;
        e->count = product;
    }
    e->dtype = dtype->valuestring, e->begin = (size_t)begin, e->end = (size_t)end;
    return NLG_OK;
}

static nlg_status open_reader(reader *r, char *file, size_t size, nlg_error *err) {
    uint64_t length = 0;
    if (size < 8)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: %zu bytes, too short for a safetensors file; fetch or export it again", r->path,
                        size);
    for (int i = 0; i < 8; i++) length |= (uint64_t)(unsigned char)file[i] << (8 * i);
    if (length > header_limit || length > size - 8)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: header of %llu bytes in a file of %zu; expected a safetensors file (header at most %zu bytes); fetch "
                        "or export it again",
                        r->path, (unsigned long long)length, size, header_limit);
    r->data = file + 8 + length;
    r->size = size - 8 - length;
    if (nlg_json_read(file + 8, length, r->path, &r->header, err) != NLG_OK)
        return nlg_fail_at(err, "the header; the file is damaged, fetch or export it again");
    if (!cJSON_IsObject(r->header))
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: expected a JSON object as its header; the file is damaged, fetch or export it again", r->path);
    r->entries = nlg_alloc((size_t)cJSON_GetArraySize(r->header) + 1, sizeof *r->entries);
    if (r->entries == NULL) return nlg_fail_memory(err, length, "the header of a weight file");
    const cJSON *item;
    cJSON_ArrayForEach(item, r->header) {
        if (strcmp(item->string, "__metadata__") == 0) continue;
        NLG_TRY(read_entry(r, item, &r->entries[r->n_entries], err));
        r->n_entries++;
    }
    return NLG_OK;
}

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

static bool shape_fits(const tensor_entry *e, const nlg_param *p) {
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

/* Pair entries with parameters and extra tensors. `found` has room for each parameter. */
static void pair(reader *r, const nlg_graph *g, nlg_load_options *options, bool *found, problem_list *problems) {
    int extra_found = 0;
    for (int i = 0; i < g->n_params; i++) found[i] = false;
    for (int i = 0; i < r->n_entries; i++) {
        tensor_entry *e = &r->entries[i];
        const size_t bytes = dtype_bytes(e->dtype);
        for (int j = 0; j < options->n_extra; j++)
            if (strcmp(options->extra[j].name, e->name) == 0 && options->extra[j].count == e->count) e->extra = j, extra_found++;
        e->param = e->extra >= 0 ? -1 : nlg_graph_find_param(g, e->name);
        if (e->param < 0 && e->extra < 0) {
            if (!ends_with(e->name, "num_batches_tracked")) list_problem(problems, "unexpected", e->name);
            continue;
        }
        if (bytes == 0 || e->end - e->begin != e->count * bytes) {
            char text[320];
            snprintf(text, sizeof text, "%s (%s, %zu bytes)", e->name, e->dtype, e->end - e->begin);
            list_problem(problems, "wrong dtype or size", text);
        } else if (e->param >= 0 && !shape_fits(e, &g->params[e->param])) {
            char text[320];
            const nlg_param *p = &g->params[e->param];
            int n = snprintf(text, sizeof text, "%.120s [", e->name);
            for (int d = 0; d < e->rank; d++)
                n += snprintf(text + n, sizeof text - (size_t)n, "%s%lld", d > 0 ? "," : "", (long long)e->shape[d]);
            n += snprintf(text + n, sizeof text - (size_t)n, "], expected [");
            for (int d = 0; d < p->rank; d++)
                n += snprintf(text + n, sizeof text - (size_t)n, "%s%d", d > 0 ? "," : "", p->shape[d]);
            snprintf(text + n, sizeof text - (size_t)n, "]");
            list_problem(problems, "wrong shape", text);
        }
        if (e->param >= 0) found[e->param] = true;
    }
    for (int i = 0; i < g->n_params; i++)
        if (!found[i] && !(options->allow_missing_aux && g->params[i].aux) && g->params[i].role != NLG_PARAM_CONSTANT)
            list_problem(problems, "missing", g->params[i].name);
    options->extra_found = options->n_extra > 0 && extra_found == options->n_extra;
}

/* Every problem of the whole file goes into one message, or else to options->problem. */
static nlg_status match(reader *r, const nlg_graph *g, nlg_load_options *options, nlg_error *err) {
    problem_list problems = {.used = 0}, again = {.report = options->problem};
    bool *found = nlg_alloc((size_t)g->n_params + 1, sizeof *found);
    if (found == NULL) return nlg_fail_memory(err, (size_t)g->n_params, "loading weights");
    pair(r, g, options, found, &problems);
    if (problems.cut && options->problem != NULL) pair(r, g, options, found, &again);
    nlg_free(found);
    if (problems.count > 0)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: %d tensors do not fit this network: %s%s; nothing was loaded; give the weights of this very network",
                        r->path, problems.count, problems.text, problems.cut ? " ..." : "");
    return NLG_OK;
}

static float half_to_float(uint16_t h) {
    const uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = (h >> 10) & 31, mantissa = h & 1023;
    uint32_t bits;
    float value;
    if (exponent == 0) { /* subnormal: mantissa * 2^-24, exact */
        value = (float)mantissa * 5.9604644775390625e-8F;
        return sign != 0 ? -value : value;
    }
    bits = sign | (exponent == 31 ? 0x7F800000u : (exponent + 112) << 23) | mantissa << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void convert(const tensor_entry *e, const char *data, float *out) {
    const unsigned char *p = (const unsigned char *)data + e->begin;
    const size_t bytes = dtype_bytes(e->dtype);
    for (size_t i = 0; i < e->count; i++, p += bytes) {
        if (bytes == 4 || e->dtype[0] == 'B') {
            const uint32_t bits = bytes == 4 ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24
                                             : (uint32_t)p[0] << 16 | (uint32_t)p[1] << 24;
            memcpy(&out[i], &bits, sizeof bits);
        } else {
            out[i] = half_to_float((uint16_t)(p[0] | p[1] << 8));
        }
    }
}

static nlg_status take_metadata(const reader *r, nlg_load_options *options, nlg_error *err) {
    const cJSON *meta = cJSON_GetObjectItemCaseSensitive(r->header, "__metadata__");
    for (int i = 0; i < options->n_metadata; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(meta, options->metadata[i].key);
        options->metadata[i].value = NULL;
        if (!cJSON_IsString(item)) continue;
        options->metadata[i].value = nlg_strdup(item->valuestring);
        if (options->metadata[i].value == NULL)
            return nlg_fail_memory(err, strlen(item->valuestring), "the metadata of a weight file");
    }
    return NLG_OK;
}

nlg_status nlg_weights_load(nlg_weights *weights, const char *path, nlg_load_options *options, nlg_error *err) {
    nlg_load_options none = {0};
    reader r = {.path = path};
    char *file = NULL;
    size_t size = 0;
    if (options == NULL) options = &none;
    NLG_TRY(nlg_file_read(path, file_limit, &file, &size, err));
    nlg_status status = open_reader(&r, file, size, err);
    if (status == NLG_OK) status = match(&r, weights->graph, options, err);
    if (status == NLG_OK) status = take_metadata(&r, options, err);
    for (int i = 0; i < r.n_entries && status == NLG_OK; i++) {
        const tensor_entry *e = &r.entries[i];
        if (e->extra >= 0 && options->extra_found) convert(e, r.data, options->extra[e->extra].values);
        if (e->param >= 0) convert(e, r.data, nlg_weights_at(weights, e->param));
    }
    nlg_free(r.entries);
    cJSON_Delete(r.header);
    nlg_free(file);
    return status;
}
