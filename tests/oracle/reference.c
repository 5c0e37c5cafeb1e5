/* The reference program: compares our arithmetic with anybody's, one case at a time. */
#include "tests/oracle/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/options.h"
#include "layers/base/memory.h"

static const struct {
    const char *name;
    nlg_reference_kind *run;
} kinds[] = {{"op", nlg_reference_op},
             {"optimizer", nlg_reference_optimizer},
             {"model", nlg_reference_model},
             {"train", nlg_reference_train},
             {"coco", nlg_reference_coco}};

enum { KINDS = sizeof kinds / sizeof *kinds, INPUT_LIMIT = 64 << 20 };

static char *read_all(FILE *f, size_t *size) {
    size_t capacity = 1 << 16;
    char *text = nlg_alloc(capacity, 1);
    *size = 0;
    while (text != NULL) {
        *size += fread(text + *size, 1, capacity - 1 - *size, f);
        if (*size < capacity - 1 || capacity >= INPUT_LIMIT) break;
        char *larger = nlg_realloc(text, capacity *= 2, 1);
        if (larger == NULL) nlg_free(text);
        text = larger;
    }
    if (text != NULL) text[*size] = '\0';
    return text;
}

static nlg_status run(nlg_reference_kind *kind, cJSON *out, nlg_error *err) {
    size_t size;
    char *text = read_all(stdin, &size);
    if (text == NULL) return nlg_fail_memory(err, size, "standard input");
    cJSON *in = cJSON_ParseWithLength(text, size);
    nlg_free(text);
    if (!cJSON_IsObject(in)) {
        cJSON_Delete(in);
        return nlg_fail(err, NLG_ERR_INPUT, "standard input: expected one JSON object");
    }
    nlg_settings settings = {.threads = 2, .isa = nlg_isa_best()};
    const cJSON *algorithm = cJSON_GetObjectItemCaseSensitive(in, "algorithm");
    const char *isa = getenv("NLG_ISA");
    nlg_status status = NLG_OK;
    if (algorithm != NULL) {
        if (!cJSON_IsString(algorithm) || strcmp(algorithm->valuestring, "direct") != 0)
            status = nlg_fail(err, NLG_ERR_INPUT, "algorithm: expected \"direct\"");
        settings.direct_only = true;
        cJSON_DeleteItemFromObjectCaseSensitive(in, "algorithm");
    }
    if (isa != NULL && (!nlg_isa_parse(isa, &settings.isa) || !nlg_isa_available(settings.isa)))
        status = nlg_fail(err, NLG_ERR_INPUT, "NLG_ISA: this machine has no instruction set \"%s\"", isa);
    nlg_exec exec = {0};
    if (status == NLG_OK) status = nlg_exec_open(&settings, &exec, err);
    if (status == NLG_OK) status = kind(&exec, in, out, err);
    nlg_exec_close(&exec);
    cJSON_Delete(in);
    return status;
}

int main(int argc, char **argv) {
    nlg_error err = {0};
    nlg_reference_kind *kind = NULL;
    for (int i = 0; i < KINDS && argc == 2; i++)
        if (strcmp(argv[1], kinds[i].name) == 0) kind = kinds[i].run;
    if (kind == NULL) {
        fprintf(stderr, "usage: reference op|optimizer|model|train|coco < case.json > result.json\n");
        return 2;
    }
    cJSON *out = cJSON_CreateObject();
    const nlg_status status = run(kind, out, &err);
    char *text = status == NLG_OK ? cJSON_PrintUnformatted(out) : NULL;
    cJSON_Delete(out);
    if (status != NLG_OK) fprintf(stderr, "reference: %s\n", err.text);
    if (text == NULL) return status == NLG_OK ? 2 : nlg_status_exit_code(status);
    const bool written = puts(text) != EOF && fflush(stdout) == 0;
    cJSON_free(text);
    return written ? 0 : 2;
}
