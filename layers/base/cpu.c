/* CPU features, name, cores and caches (Linux). */
#define _GNU_SOURCE /* sched_getaffinity */
#include "layers/base/cpu.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* AVX-512 by other instructions, for tests: available, never the best. */
#ifdef NLG_EMULATED_AVX512
static const bool emulated = true;
#else
static const bool emulated = false;
#endif

static const char *const isa_names[NLG_ISA_COUNT] = {"portable", "avx2", "avx512", "neon"};

const char *nlg_isa_name(nlg_isa isa) {
    return isa_names[isa];
}

bool nlg_isa_parse(const char *name, nlg_isa *isa) {
    for (int i = 0; i < NLG_ISA_COUNT; i++) {
        if (strcmp(name, isa_names[i]) == 0) {
            *isa = (nlg_isa)i;
            return true;
        }
    }
    return false;
}

bool nlg_isa_available(nlg_isa isa) {
    if (isa == NLG_ISA_PORTABLE) return true;
#ifdef __x86_64__
    /* These builtins also ask whether the operating system saves the registers. */
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == NLG_ISA_AVX2) return avx2;
    if (isa == NLG_ISA_AVX512 && emulated) return avx2;
    if (isa == NLG_ISA_AVX512)
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
#elif defined(__aarch64__)
    return isa == NLG_ISA_NEON; /* part of every 64-bit Arm CPU */
#endif
    return false;
}

nlg_isa nlg_isa_best(void) {
    int isa = emulated ? NLG_ISA_AVX2 : NLG_ISA_COUNT - 1;
    while (!nlg_isa_available((nlg_isa)isa)) isa--;
    return (nlg_isa)isa;
}

static void read_model(char *model, size_t size) {
    snprintf(model, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file) return;
    char line[512];
    while (fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        colon += 1 + (colon[1] == ' ');
        snprintf(model, size, "%.*s", (int)strcspn(colon, "\n"), colon);
        break;
    }
    fclose(file);
}

static long positive(long value) {
    return value > 0 ? value : 0;
}

void nlg_cpu_query(nlg_cpu_info *info) {
    *info = (nlg_cpu_info){0};
    read_model(info->model, sizeof info->model);
    cpu_set_t set;
    info->cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)positive(sysconf(_SC_NPROCESSORS_ONLN));
    if (info->cores < 1) info->cores = 1;
    info->l1d_bytes = positive(sysconf(_SC_LEVEL1_DCACHE_SIZE));
    info->l2_bytes = positive(sysconf(_SC_LEVEL2_CACHE_SIZE));
    info->l3_bytes = positive(sysconf(_SC_LEVEL3_CACHE_SIZE));
}
