/* The frame of the fuzz targets, for clang's libFuzzer: READER=weights build-fuzz/fuzz/fuzz CORPUS. With SHOW=1 the
 * readers' answers are printed. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/file.h"
#include "layers/base/team.h"
#include "layers/kernels/simd.h"

static const struct {
    const char *name;
    fuzz_target *run;
} readers[] = {
    {"idx", fuzz_idx},
    {"cifar", fuzz_cifar},
    {"picture", fuzz_picture},
    {"weights", fuzz_weights},
    {"checkpoint", fuzz_checkpoint},
    {"experiment", fuzz_experiment},
    {"genotype", fuzz_genotype},
    {"cells", fuzz_cells},
    {"strategy", fuzz_strategy},
    {"space", fuzz_space},
    {"table", fuzz_table},
    {"facts", fuzz_facts},
    {"latency", fuzz_latency},
    {"store", fuzz_store},
    {"labels", fuzz_labels},
    {"reference", fuzz_reference},
    {"recipe", fuzz_recipe},
    {"layout", fuzz_layout},
    {"rows", fuzz_rows},
};

static fuzz_target *target;
static char folder[64];
static nlg_exec exec;

void fuzz_demand(int condition, const char *what, const nlg_error *err) {
    if (condition) return;
    fprintf(stderr, "FOUND: %s: %s\n", what, err ? err->text : "");
    abort();
}

void fuzz_check(nlg_status status, const nlg_error *err) {
    if (getenv("SHOW")) fprintf(stderr, "%s\n", status == NLG_OK ? "accepted" : err->text);
    if (status == NLG_OK) return;
    fuzz_demand(err->status != NLG_OK && err->text[0], "a refusal without a reason", err);
}

const char *fuzz_path(const char *name) {
    static char paths[4][256];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof paths[turn], "%s%s%s", folder, *name ? "/" : "", name);
    return paths[turn];
}

const char *fuzz_file(const char *name, const void *data, size_t size) {
    const char *path = fuzz_path(name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
    return path;
}

char *fuzz_text(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) exit(2);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

const nlg_exec *fuzz_exec(void) {
    return &exec;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const char *name = getenv("READER");
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (name && strcmp(readers[i].name, name) == 0) target = readers[i].run;
    if (!target) {
        fprintf(stderr, "READER: expected one of");
        for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) fprintf(stderr, " %s", readers[i].name);
        fprintf(stderr, "\n");
        exit(2);
    }
    snprintf(folder, sizeof folder, "%s/nlg-fuzz-XXXXXX", nlg_file_exists("/dev/shm") ? "/dev/shm" : P_tmpdir);
    exec = (nlg_exec){.isa = NLG_ISA_PORTABLE, .simd = nlg_simd_table(NLG_ISA_PORTABLE), .team = nlg_team_create(1)};
    if (!mkdtemp(folder) || !exec.team) exit(2);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    target(data, size);
    return 0;
}
