/* Option values and the execution context that the shared options describe. */
#include "harness/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/memory.h"
#include "layers/base/nearest.h"
#include "layers/kernels/openblas.h"
#include "layers/kernels/simd.h"

nlg_status nlg_option_integer(const char *option, const char *text, int64_t least, int64_t most, int64_t *value, nlg_error *err) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || errno || number < least || number > most) {
        if (most == INT64_MAX)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a whole number from %lld, found '%s'", option, (long long)least,
                            text);
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a whole number from %lld to %lld, found '%s'", option, (long long)least,
                        (long long)most, text);
    }
    *value = number;
    return NLG_OK;
}

nlg_status nlg_option_int(const char *option, const char *text, int least, int most, int *value, nlg_error *err) {
    int64_t number;
    NLG_TRY(nlg_option_integer(option, text, least, most, &number, err));
    *value = (int)number;
    return NLG_OK;
}

nlg_status nlg_option_count(const char *option, const char *text, uint32_t *count, nlg_error *err) {
    int64_t number;
    NLG_TRY(nlg_option_integer(option, text, 1, UINT32_MAX, &number, err));
    *count = (uint32_t)number;
    return NLG_OK;
}

nlg_status nlg_option_number(const char *option, const char *text, double least, double most, double *value, nlg_error *err) {
    char *end;
    errno = 0;
    double number = strtod(text, &end);
    if (end == text || *end || errno || !(number >= least && number <= most))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a number from %g to %g, found '%s'", option, least, most, text);
    *value = number;
    return NLG_OK;
}

nlg_status nlg_option_bytes(const char *option, const char *text, size_t *bytes, nlg_error *err) {
    static const char suffixes[] = "KMG";
    char *end;
    errno = 0;
    double number = strtod(text, &end);
    const char *suffix = end != text && *end ? strchr(suffixes, *end) : NULL;
    if (suffix) {
        for (const char *s = suffixes; s <= suffix; s++) number *= 1024;
        end++;
    }
    if (end == text || *end || errno || !(number >= 1 && number < 0x1p62))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected bytes with an optional suffix K, M or G, e.g. 512M, found '%s'", option,
                        text);
    *bytes = (size_t)number;
    return NLG_OK;
}

nlg_status nlg_option_choice(const char *option, const char *text, const char *const *names, int *value, nlg_error *err) {
    char list[512] = "";
    nlg_nearest nearest = {.wanted = text};
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], text) == 0) {
            *value = i;
            return NLG_OK;
        }
        nlg_nearest_try(&nearest, names[i]);
        size_t used = strlen(list);
        if (used + strlen(names[i]) + 3 < sizeof list) {
            strcat(list, used ? ", " : "");
            strcat(list, names[i]);
        }
    }
    const char *near = nlg_nearest_name(&nearest);
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected one of %s; found '%s'%s%s%s", option, list, text,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

nlg_status nlg_option_shape(const char *option, const char *text, nlg_shape *shape, nlg_error *err) {
    enum { LARGEST = 1 << 14 };
    long size[3];
    const char *rest = text;
    bool good = true;
    for (int i = 0; i < 3 && good; i++) {
        char *end;
        size[i] = strtol(rest, &end, 10);
        good = end != rest && *end == (i < 2 ? ',' : '\0') && size[i] >= 1 && size[i] <= LARGEST;
        rest = end + 1;
    }
    if (!good)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: expected C,H,W (channels, rows, columns), e.g. 3,224,224, each from 1 to %d; found '%s'", option,
                        LARGEST, text);
    *shape = (nlg_shape){.c = (int)size[0], .h = (int)size[1], .w = (int)size[2]};
    return NLG_OK;
}

nlg_status nlg_exec_open(const nlg_settings *settings, nlg_exec *exec, nlg_error *err) {
    *exec = (nlg_exec){.isa = settings->isa, .backend = settings->backend, .direct_only = settings->direct_only};
    if (!nlg_isa_available(settings->isa))
        return nlg_fail(err, NLG_ERR_INPUT, "--isa: this CPU or build has no %s; `lineage info` lists the instruction sets",
                        nlg_isa_name(settings->isa));
    if (settings->backend == NLG_BACKEND_OPENBLAS) NLG_TRY(nlg_openblas_load(err));
    exec->simd = nlg_simd_table(settings->isa);
    exec->team = nlg_team_create(settings->threads);
    if (!exec->team) return nlg_fail_memory(err, sizeof(void *) * (size_t)settings->threads, "the thread team");
    return NLG_OK;
}

void nlg_exec_close(nlg_exec *exec) {
    if (exec->team) nlg_team_destroy(exec->team);
    exec->team = NULL;
}

const char *nlg_backend_name(nlg_backend backend) {
    return backend == NLG_BACKEND_OPENBLAS ? "openblas" : "own";
}
