/* The measured architectures of Accel-NASBench: A. Ahmad et al., "Accel-NASBench: Sustainable Benchmarking for Accelerator-Aware
 * NAS", DAC 2024, in the search space of MnasNet: seven stages, each with an expansion, a kernel size, a number of layers and
 * squeeze-and-excitation or not.
 *
 * The paper's space has 10^11 architectures, of which 5,125 were trained and measured. Here a code stands for the nearest measured
 * architecture (fewest settings that differ; of equally near ones the first in the table), so that every step of a search is a
 * measurement and none a prediction. Sampling draws among the measured ones; a mutation goes to one of the nearest 16.
 *
 * The network is EfficientNet-B0's with these settings: stem of 32 channels, stages of 16 to 320 channels, head of 1280, 224x224
 * images, 1000 classes; the squeeze's width is a quarter of the block's input. The repository has no network; this one has the
 * parameters of all 5,138 published rows, to the four that their rounding takes away. The published MACs are higher by about four
 * for each value that a batch norm reads. Not published: the activation (SiLU here) and dropout (none here).
 *
 * Code: for each stage expansion, kernel, layers, squeeze. Genotype: "e6k3s0l1 e4k5s1l2 ...". */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/memory.h"
#include "models/blocks.h"
#include "search/code_map.h"
#include "search/spaces/common/build.h"
#include "search/table_file.h"

enum { STAGES = 7, PARTS = 4, LENGTH = STAGES * PARTS, NEAREST = 16 };
static const int expansions[] = {1, 4, 6}, kernels[] = {3, 5};
static const int most_layers[STAGES] = {3, 3, 3, 3, 3, 4, 3};

typedef struct measured {
    int count;
    nlg_code *codes;
    nlg_code_map numbers;
} measured;

static int choices(const nlg_space *self, int position) {
    (void)self;
    const int values[PARTS] = {3, 2, most_layers[position / PARTS], 2};
    return values[position % PARTS];
}

/* ---- genotypes --------------------------------------------------------------------------------------------------------- */

static void encode(const nlg_space *self, const nlg_code *code, char *text, size_t size) {
    (void)self;
    size_t used = 0;
    for (int stage = 0; stage < STAGES && used < size; stage++) {
        const int16_t *v = &code->value[stage * PARTS];
        used += (size_t)snprintf(text + used, size - used, "%se%dk%ds%dl%d", stage ? " " : "", expansions[v[0]], kernels[v[1]],
                                 v[3], v[2] + 1);
    }
}

static int index_of(const int *values, int count, int wanted) {
    for (int i = 0; i < count; i++) {
        if (values[i] == wanted) return i;
    }
    return -1;
}

static nlg_status decode(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err) {
    (void)self;
    *code = (nlg_code){.length = LENGTH};
    const char *at = text;
    for (int stage = 0; stage < STAGES; stage++) {
        char e = 0, k = 0, squeeze = 0, l = 0;
        int length = 0;
        int16_t *v = &code->value[stage * PARTS];
        const bool read = sscanf(at, "e%ck%cs%cl%c%n", &e, &k, &squeeze, &l, &length) == 4;
        at += length;
        v[0] = (int16_t)index_of(expansions, 3, e - '0');
        v[1] = (int16_t)index_of(kernels, 2, k - '0');
        v[2] = (int16_t)(l - '1');
        v[3] = (int16_t)(squeeze - '0');
        const bool ends = *at == (stage < STAGES - 1 ? ' ' : '\0');
        if (!read || !ends || v[0] < 0 || v[1] < 0 || v[2] < 0 || v[2] >= most_layers[stage] || v[3] < 0 || v[3] > 1) {
            return nlg_fail(
                err, NLG_ERR_INPUT,
                "space accelnas: expected 7 stages such as e4k5s1l2 (expansion 1, 4, 6; kernel 3, 5; squeeze 0, 1; layers 1 to "
                "%d), found '%.60s'",
                most_layers[stage], text);
        }
        at += *at == ' ';
    }
    return NLG_OK;
}

/* ---- what was measured ------------------------------------------------------------------------------------------------- */

static nlg_status read_codes(nlg_space *self, const nlg_table_file *file, nlg_error *err) {
    measured *m = self->data;
    const int rows = nlg_table_file_rows(file);
    m->codes = nlg_alloc((size_t)rows + 1, sizeof *m->codes);
    if (!m->codes) return nlg_fail_memory(err, (size_t)rows * sizeof *m->codes, "the measured architectures");
    for (int row = 0; row < rows; row++) {
        nlg_code code;
        NLG_TRY(decode(self, nlg_table_file_cell(file, row, 0), &code, err));
        if (nlg_code_map_get(&m->numbers, &code)) continue; /* measured twice */
        NLG_TRY(nlg_code_map_put(&m->numbers, &code, m->count, err));
        m->codes[m->count++] = code;
    }
    if (m->count > NEAREST) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected thousands of rows, found %d", nlg_table_file_path(file), rows);
}

static nlg_status open_space(nlg_space *self, nlg_error *err) {
    nlg_table_file *file;
    self->data = nlg_alloc(1, sizeof(measured));
    if (!self->data) return nlg_fail_memory(err, sizeof(measured), "space accelnas");
    NLG_TRY(nlg_table_file_open("accel-nasbench.csv.gz", &file, err));
    nlg_status status = read_codes(self, file, err);
    nlg_table_file_close(file);
    return status;
}

static void close_space(nlg_space *self) {
    measured *m = self->data;
    if (!m) return;
    nlg_free(m->codes);
    nlg_code_map_free(&m->numbers);
    nlg_free(m);
}

static const measured *data_of(const nlg_space *self) {
    assert(self->data); /* nlg_space_open, not nlg_space_find */
    return self->data;
}

static int distance(const nlg_code *a, const nlg_code *b) {
    int changed = 0;
    for (int i = 0; i < LENGTH; i++) changed += a->value[i] != b->value[i];
    return changed;
}

static void canonical(const nlg_space *self, const nlg_code *code, nlg_code *out) {
    const measured *m = data_of(self);
    int nearest = 0, least = LENGTH + 1;
    if (nlg_code_map_get(&m->numbers, code)) {
        *out = *code;
        return;
    }
    for (int i = 0; i < m->count; i++) {
        const int d = distance(code, &m->codes[i]);
        if (d < least) nearest = i, least = d;
    }
    *out = m->codes[nearest];
}

static void sample(const nlg_space *self, nlg_rng rng, nlg_code *code) {
    const measured *m = data_of(self);
    *code = m->codes[nlg_rng_below(rng, 0, (uint64_t)m->count)];
}

/* Of equally near ones those that were measured first. */
static void mutate(const nlg_space *self, nlg_rng rng, const nlg_code *parent, nlg_code *child) {
    const measured *m = data_of(self);
    int wanted = (int)nlg_rng_below(rng, 0, NEAREST), within[LENGTH + 1] = {0}, step = 1;
    for (int i = 0; i < m->count; i++) within[distance(parent, &m->codes[i])]++;
    while (wanted >= within[step]) wanted -= within[step++]; /* not the parent itself, at distance 0 */
    for (int i = 0; i < m->count; i++) {
        if (distance(parent, &m->codes[i]) == step && wanted-- == 0) *child = m->codes[i];
    }
}

/* ---- networks ---------------------------------------------------------------------------------------------------------- */

static nlg_status build(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, nlg_graph **graph,
                        nlg_error *err) {
    static const int channels[STAGES] = {16, 24, 40, 80, 112, 192, 320}, strides[STAGES] = {1, 2, 2, 2, 1, 2, 1};
    enum { STEM = 32, HEAD = 1280, SQUEEZE = 4 };
    nlg_mobile_stage stages[STAGES];
    (void)self;
    for (int i = 0; i < STAGES; i++) {
        const int16_t *v = &code->value[i * PARTS];
        stages[i] = (nlg_mobile_stage){.kernel = kernels[v[1]],
                                       .expand = expansions[v[0]],
                                       .out = channels[i],
                                       .repeat = v[2] + 1,
                                       .stride = strides[i],
                                       .squeeze = v[3] ? SQUEEZE : 0};
    }
    const nlg_mobile_net net = {
        .naming = &nlg_mobile_naming_timm, .stages = stages, .n_stages = STAGES, .stem = STEM, .head = HEAD, .act = NLG_ACT_SILU};
    nlg_builder *b = nlg_space_build_begin(graph);
    if (b) nlg_mobile_build(b, &net, (nlg_shape){.h = h, .w = w, .c = c}, classes);
    return nlg_space_build_finish(b, graph, err);
}

const nlg_space nlg_space_accelnas = {
    .name = "accelnas",
    .summary = "measured ImageNet networks of MnasNet's space with latencies; published table",
    .source = "Ahmad et al.: Accel-NASBench, DAC 2024",
    .length = LENGTH,
    .open = open_space,
    .close = close_space,
    .choices = choices,
    .sample = sample,
    .mutate = mutate,
    .canonical = canonical,
    .notation =
        "seven stages eEkKsSlL with blanks: expansion E 1, 4 or 6, kernel K 3 or 5, squeeze-and-excitation S 0 or 1, layers L 1\n"
        "to 3 (the sixth: to 4). A search takes the nearest architecture that was measured.",
    .encode = encode,
    .decode = decode,
    .build = build,
    .input = {3, 224, 224},
    .classes = 1000,
    .features = nlg_space_one_hot,
    .architectures = 5125,
};
