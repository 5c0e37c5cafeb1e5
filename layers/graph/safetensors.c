/* Reading safetensors files. */
#include "layers/graph/safetensors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"

static const size_t header_limit = 100u << 20; /* the format's own limit: 100 MB */
static const size_t file_limit = (size_t)8 << 30;

/* ---- other formats ------------------------------------------------------------------------------------------------------ */

/* 'PATH', so that it can be pasted into a shell. */
static void quote(const char *path, char *text, size_t size) {
    size_t n = 0;
    if (n + 1 < size) text[n++] = '\'';
    for (; *path != '\0' && n + 6 < size; path++) {
        if (*path == '\'') n += (size_t)snprintf(text + n, size - n, "'\\'");
        text[n++] = *path;
    }
    snprintf(text + n, size - n, "'");
}

static nlg_status refuse_other_format(const char *path, const char *start, size_t size, nlg_error *err) {
    const bool zip = size >= 4 && memcmp(start, "PK\x03\x04", 4) == 0, pickle = size >= 2 && memcmp(start, "\x80\x02", 2) == 0;
    char quoted[300];
    quote(path, quoted, sizeof quoted);
    if (zip || pickle)
        return nlg_fail(
            err, NLG_ERR_INPUT,
            "%s: expected a safetensors file, found %s, as PyTorch writes (.pth, .pt); convert it: python3 -c 'import "
            "sys, torch, safetensors.torch as s; d = torch.load(sys.argv[1], map_location=\"cpu\", weights_only=True); "
            "d = d.get(\"state_dict\", d); s.save_file({k: v.clone().contiguous() for k, v in d.items()}, sys.argv[2])' "
            "%s weights.safetensors",
            path, zip ? "a zip archive" : "a pickle", quoted);
    if (size >= 4 && memcmp(start, "\x89HDF", 4) == 0)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: expected a safetensors file, found HDF5, as Keras writes (.h5); names and shapes of Keras differ from "
                        "torchvision's, so take weights that torchvision or timm publish",
                        path);
    if (size >= 6 && memcmp(start, "\x93NUMPY", 6) == 0)
        return nlg_fail(
            err, NLG_ERR_INPUT,
            "%s: expected a safetensors file, found a NumPy array (.npy); save the arrays by name with safetensors.numpy", path);
    return NLG_OK;
}

/* ---- the header --------------------------------------------------------------------------------------------------------- */

static size_t dtype_bytes(const char *dtype) {
    static const struct {
        const char *name;
        size_t bytes;
    } dtypes[] = {{"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8}, {"I64", 8},  {"U64", 8}, {"I32", 4},     {"U32", 4},
                  {"I16", 2}, {"U16", 2}, {"I8", 1},   {"U8", 1},  {"BOOL", 1}, {"C64", 8}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtype, dtypes[i].name) == 0) return dtypes[i].bytes;
    return 0;
}

static bool whole_number(const cJSON *item, double limit, double *value) {
    if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble > limit ||
        item->valuedouble != (double)(int64_t)item->valuedouble)
        return false;
    *value = item->valuedouble;
    return true;
}

static nlg_status read_tensor(const nlg_safetensors *f, const cJSON *item, nlg_safetensor *t, nlg_error *err) {
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype"), *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets"), *dim;
    double begin, end, size;
    *t = (nlg_safetensor){.name = item->string, .count = 1};
    if (!cJSON_IsString(dtype) || !cJSON_IsArray(shape) || cJSON_GetArraySize(shape) > NLG_TENSOR_RANK_MAX ||
        !cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
        !whole_number(cJSON_GetArrayItem(offsets, 0), (double)f->data_bytes, &begin) ||
        !whole_number(cJSON_GetArrayItem(offsets, 1), (double)f->data_bytes, &end) || end < begin)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: tensor %.200s: expected dtype, shape and data_offsets within the %zu bytes of data; the file is "
                        "damaged or truncated, fetch it again",
                        f->path, item->string, f->data_bytes);
    cJSON_ArrayForEach(dim, shape) {
        size_t product = 0;
        if (!whole_number(dim, 2147483647.0, &size) || !nlg_size_mul_add(&product, t->count, (size_t)size))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: tensor %.200s: impossible shape; the file is damaged, fetch it again", f->path,
                            item->string);
        t->shape[t->rank++] = (int64_t)size;
        t->count = product;
    }
    t->dtype = dtype->valuestring, t->begin = (size_t)begin, t->end = (size_t)end;
    size_t bytes = 0;
    const size_t each = dtype_bytes(t->dtype);
    if (each == 0)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: tensor %.200s: unknown dtype %.40s; the file is damaged, fetch it again", f->path,
                        item->string, t->dtype);
    if (!nlg_size_mul_add(&bytes, t->count, each) || bytes != t->end - t->begin)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: tensor %.200s: %zu values of dtype %s do not take the %zu bytes of its data_offsets; the file is "
                        "damaged, fetch it again",
                        f->path, item->string, t->count, t->dtype, t->end - t->begin);
    return NLG_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(nlg_safetensor *const *)a)->name, (*(nlg_safetensor *const *)b)->name);
}

static int by_place(const void *a, const void *b) {
    const nlg_safetensor *p = *(nlg_safetensor *const *)a, *q = *(nlg_safetensor *const *)b;
    if (p->begin != q->begin) return p->begin < q->begin ? -1 : 1;
    return p->end < q->end ? -1 : p->end > q->end;
}

/* The format: each name once, the data owned by exactly one tensor each. */
static nlg_status check_ownership(const nlg_safetensors *f, nlg_error *err) {
    nlg_safetensor **sorted = nlg_alloc((size_t)f->n_tensors + 1, sizeof *sorted);
    if (sorted == NULL) return nlg_fail_memory(err, (size_t)f->n_tensors * sizeof *sorted, "the header of a weight file");
    for (int i = 0; i < f->n_tensors; i++) sorted[i] = &f->tensors[i];
    nlg_status status = NLG_OK;
    qsort(sorted, (size_t)f->n_tensors, sizeof *sorted, by_name);
    for (int i = 1; i < f->n_tensors && status == NLG_OK; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            status = nlg_fail(err, NLG_ERR_INPUT, "%s: tensor %.200s stands there twice; the file is damaged, fetch it again",
                              f->path, sorted[i]->name);
    qsort(sorted, (size_t)f->n_tensors, sizeof *sorted, by_place);
    size_t end = 0;
    for (int i = 0; i < f->n_tensors && status == NLG_OK; i++) {
        if (sorted[i]->begin < end)
            status = nlg_fail(err, NLG_ERR_INPUT, "%s: tensors %.200s and %.200s overlap; the file is damaged, fetch it again",
                              f->path, sorted[i - 1]->name, sorted[i]->name);
        else if (sorted[i]->begin > end)
            status = nlg_fail(err, NLG_ERR_INPUT,
                              "%s: bytes %zu to %zu of the data belong to no tensor; the file is damaged, fetch it again", f->path,
                              end, sorted[i]->begin);
        end = sorted[i]->end;
    }
    if (status == NLG_OK && end != f->data_bytes)
        status = nlg_fail(err, NLG_ERR_INPUT,
                          "%s: bytes %zu to %zu of the data belong to no tensor; the file is damaged, fetch it again", f->path, end,
                          f->data_bytes);
    nlg_free(sorted);
    return status;
}

static void strip_prefix(nlg_safetensors *f) {
    static const char *const prefixes[] = {"module._orig_mod.", "_orig_mod.module.", "module.", "_orig_mod."};
    f->prefix = "";
    for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes && f->n_tensors > 0; p++) {
        const size_t length = strlen(prefixes[p]);
        int have = 0;
        while (have < f->n_tensors && strncmp(f->tensors[have].name, prefixes[p], length) == 0) have++;
        if (have < f->n_tensors) continue;
        for (int i = 0; i < f->n_tensors; i++) f->tensors[i].name += length;
        f->prefix = prefixes[p];
        return;
    }
}

static nlg_status check_metadata(const nlg_safetensors *f, const cJSON *metadata, nlg_error *err) {
    const cJSON *item;
    bool good = cJSON_IsObject(metadata);
    for (item = good ? metadata->child : NULL; item != NULL; item = item->next) good = good && cJSON_IsString(item);
    return good ? NLG_OK
                : nlg_fail(err, NLG_ERR_INPUT, "%s: __metadata__: expected an object of texts; the file is damaged, fetch it again",
                           f->path);
}

static nlg_status read_header(nlg_safetensors *f, const char *text, size_t length, nlg_error *err) {
    if (nlg_json_read(text, length, f->path, &f->header, err) != NLG_OK)
        return nlg_fail_at(err, "the header; the file is damaged, fetch or export it again");
    if (!cJSON_IsObject(f->header))
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: expected a JSON object as its header; the file is damaged, fetch or export it again", f->path);
    f->tensors = nlg_alloc((size_t)cJSON_GetArraySize(f->header) + 1, sizeof *f->tensors);
    if (f->tensors == NULL) return nlg_fail_memory(err, length, "the header of a weight file");
    const cJSON *metadata = NULL;
    for (const cJSON *item = f->header->child; item != NULL; item = item->next) {
        if (strcmp(item->string, "__metadata__") != 0) {
            NLG_TRY(read_tensor(f, item, &f->tensors[f->n_tensors], err));
            f->n_tensors++;
            continue;
        }
        if (metadata != NULL)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: __metadata__ stands there twice; the file is damaged, fetch it again",
                            f->path);
        metadata = item;
        NLG_TRY(check_metadata(f, metadata, err));
    }
    NLG_TRY(check_ownership(f, err));
    strip_prefix(f);
    return NLG_OK;
}

/* ---- opening ------------------------------------------------------------------------------------------------------------ */

static nlg_status header_length(const char *path, const char *start, size_t got, size_t size, size_t *length, nlg_error *err) {
    uint64_t stated = 0;
    NLG_TRY(refuse_other_format(path, start, got, err));
    if (size < 8)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: %zu bytes, too short for a safetensors file; fetch or export it again", path,
                        size);
    for (int i = 0; i < 8; i++) stated |= (uint64_t)(unsigned char)start[i] << (8 * i);
    if (stated > header_limit || stated > size - 8)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: header of %llu bytes in a file of %zu; expected a safetensors file (header at most %zu bytes); fetch "
                        "or export it again",
                        path, (unsigned long long)stated, size, header_limit);
    *length = (size_t)stated;
    return NLG_OK;
}

static nlg_status read_whole(nlg_safetensors *f, nlg_error *err) {
    size_t size = 0, length;
    NLG_TRY(nlg_file_read(f->path, file_limit, &f->block, &size, err));
    NLG_TRY(header_length(f->path, f->block, size, size, &length, err));
    f->data = f->block + 8 + length;
    f->data_bytes = size - 8 - length;
    return read_header(f, f->block + 8, length, err);
}

static nlg_status read_front(nlg_safetensors *f, FILE *stream, size_t size, nlg_error *err) {
    char start[8];
    size_t length;
    const size_t got = fread(start, 1, sizeof start, stream);
    NLG_TRY(header_length(f->path, start, got, got < sizeof start ? got : size, &length, err));
    f->block = nlg_alloc(length + 1, 1);
    if (f->block == NULL) return nlg_fail_memory(err, length, "the header of a weight file");
    if (fread(f->block, 1, length, stream) != length)
        return nlg_fail(err, NLG_ERR_IO, "%s: cannot read: %s; check the file", f->path, strerror(ferror(stream) ? errno : EIO));
    f->data_bytes = size - 8 - length;
    return read_header(f, f->block, length, err);
}

nlg_status nlg_safetensors_open(const char *path, bool with_data, nlg_safetensors *f, nlg_error *err) {
    *f = (nlg_safetensors){.path = path, .prefix = ""};
    struct stat info;
    if (with_data || stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return read_whole(f, err);
    FILE *stream = fopen(path, "rbe");
    if (stream == NULL) return nlg_fail(err, NLG_ERR_IO, "%s: cannot read: %s; check its permissions", path, strerror(errno));
    const nlg_status status = read_front(f, stream, (size_t)info.st_size, err);
    fclose(stream);
    return status;
}

void nlg_safetensors_close(nlg_safetensors *f) {
    nlg_free(f->tensors);
    cJSON_Delete(f->header);
    nlg_free(f->block);
    *f = (nlg_safetensors){0};
}

const nlg_safetensor *nlg_safetensors_find(const nlg_safetensors *f, const char *name) {
    for (int i = 0; i < f->n_tensors; i++)
        if (strcmp(f->tensors[i].name, name) == 0) return &f->tensors[i];
    return NULL;
}

const char *nlg_safetensors_metadata(const nlg_safetensors *f, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(f->header, "__metadata__"), key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* ---- values ------------------------------------------------------------------------------------------------------------- */

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

static uint64_t little_endian(const unsigned char *p, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static void convert_f64(const unsigned char *p, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) {
        const uint64_t bits = little_endian(p + 8 * i, 8);
        double value;
        memcpy(&value, &bits, sizeof value);
        out[i] = (float)value;
    }
}

bool nlg_safetensors_readable(const nlg_safetensor *t) {
    return strcmp(t->dtype, "F32") == 0 || strcmp(t->dtype, "F16") == 0 || strcmp(t->dtype, "BF16") == 0 ||
           strcmp(t->dtype, "F64") == 0;
}

bool nlg_safetensors_convert(const nlg_safetensors *f, const nlg_safetensor *t, float *out) {
    const unsigned char *p = (const unsigned char *)f->data + t->begin;
    const int bytes = (int)dtype_bytes(t->dtype);
    if (!nlg_safetensors_readable(t) || f->data == NULL) return false;
    if (bytes == 8) {
        convert_f64(p, t->count, out);
        return true;
    }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (bytes == 4) {
        memcpy(out, p, t->count * sizeof *out);
        return true;
    }
#endif
    const bool brain = t->dtype[0] == 'B';
    for (size_t i = 0; i < t->count; i++, p += bytes) {
        if (bytes == 2 && !brain) {
            out[i] = half_to_float((uint16_t)little_endian(p, 2));
        } else {
            const uint32_t bits = (uint32_t)little_endian(p, bytes) << (brain ? 16 : 0);
            memcpy(&out[i], &bits, sizeof bits);
        }
    }
    return true;
}
