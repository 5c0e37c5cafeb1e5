/* Compound scaling: M. Tan, Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
 * Section 3.3.
 *
 * Depth alpha^phi, width beta^phi and resolution gamma^phi times those of a base network, where alpha beta^2 gamma^2 <= 2: at phi
 * the network needs at most about 2^phi times the base's multiply-adds. The paper searches alpha, beta and gamma at phi = 1 by a
 * small grid (1.2, 1.1, 1.15) and then raises phi. Grid here: 1 to 2 in tenths, 1 to 1.4 in steps of 0.05.
 *
 * Base: EfficientNet-B0 for small images (five stages from full size to an eighth), stem and head scaled with the width. The
 * network resizes its input itself (adaptive average pooling), rounded to whole pixels. Depths that round to the same repeats and
 * widths that round to the same channels are one architecture. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/blocks.h"
#include "search/spaces/common/build.h"

enum { DEPTH, WIDTH, RESOLUTION, LENGTH };
enum { STAGES = 5, STEM = 16, HEAD = 256 };
static const nlg_mobile_stage base[STAGES] = {
    {3, 1, 16, 1, 1, 4}, {3, 6, 24, 1, 2, 4}, {5, 6, 32, 2, 2, 4}, {3, 6, 48, 2, 1, 4}, {5, 6, 64, 2, 2, 4},
};
static const char *const names[LENGTH] = {"depth", "width", "resolution"};
static const int steps[LENGTH] = {11, 9, 9}, step_hundredths[LENGTH] = {10, 5, 5};

static int choices(const nlg_space *self, int position) {
    (void)self;
    return steps[position];
}

static int hundredths(const nlg_code *code, int position) {
    return 100 + step_hundredths[position] * code->value[position];
}

static bool within_budget(const nlg_code *code) {
    const int64_t depth = hundredths(code, DEPTH), width = hundredths(code, WIDTH), resolution = hundredths(code, RESOLUTION);
    return depth * width * width * resolution * resolution <= INT64_C(2) * 10000000000;
}

static bool valid(const nlg_space *self, const nlg_code *code) {
    (void)self;
    return within_budget(code);
}

static double size(const nlg_space *self) {
    (void)self;
    nlg_code code = {.length = LENGTH};
    int count = 0;
    for (int d = 0; d < steps[DEPTH]; d++) {
        for (int w = 0; w < steps[WIDTH]; w++) {
            for (int r = 0; r < steps[RESOLUTION]; r++) {
                code.value[DEPTH] = (int16_t)d, code.value[WIDTH] = (int16_t)w, code.value[RESOLUTION] = (int16_t)r;
                count += within_budget(&code);
            }
        }
    }
    return count;
}

/* ---- networks ---------------------------------------------------------------------------------------------------------- */

static float multiplier(const nlg_space *self, const nlg_code *code, int position) {
    double power = 1;
    for (int i = 0; i < self->parameter[0]; i++) power *= hundredths(code, position) / 100.0;
    return (float)power;
}

static int repeats_of(int repeat, float depth) { /* as nlg_mobile_build has it */
    return (int)ceil(round((double)depth * 1000.0) * repeat / 1000.0);
}

static bool same_when_built(const nlg_space *self, const nlg_code *a, const nlg_code *b) {
    const float da = multiplier(self, a, DEPTH), db = multiplier(self, b, DEPTH);
    const float wa = multiplier(self, a, WIDTH), wb = multiplier(self, b, WIDTH);
    bool same = nlg_round_channels(STEM, wa) == nlg_round_channels(STEM, wb) &&
                nlg_round_channels(HEAD, wa) == nlg_round_channels(HEAD, wb);
    for (int i = 0; i < STAGES; i++) {
        same = same && repeats_of(base[i].repeat, da) == repeats_of(base[i].repeat, db);
        same = same && nlg_round_channels(base[i].out, wa) == nlg_round_channels(base[i].out, wb);
    }
    return same;
}

static void canonical(const nlg_space *self, const nlg_code *code, nlg_code *out) {
    *out = *code;
    for (int position = DEPTH; position <= WIDTH; position++) {
        nlg_code smaller = *out;
        while (smaller.value[position]-- > 0 && same_when_built(self, &smaller, code)) *out = smaller;
    }
}

static nlg_status build(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, nlg_graph **graph,
                        nlg_error *err) {
    const float width = multiplier(self, code, WIDTH);
    const double resolution = (double)multiplier(self, code, RESOLUTION);
    const nlg_mobile_net net = {.naming = &nlg_mobile_naming_timm,
                                .stages = base,
                                .n_stages = STAGES,
                                .width = width,
                                .depth = multiplier(self, code, DEPTH),
                                .stem = nlg_round_channels(STEM, width),
                                .stem_stride = 1,
                                .head = nlg_round_channels(HEAD, width),
                                .act = NLG_ACT_SILU};
    nlg_builder *b = nlg_space_build_begin(graph);
    if (!b) return nlg_space_build_finish(b, graph, err);
    nlg_value x = nlg_input(b, c, h, w);
    const int new_h = (int)round(h * resolution), new_w = (int)round(w * resolution);
    if (new_h != h || new_w != w) x = nlg_adaptive_avg_pool(b, x, new_h, new_w);
    nlg_mobile_build_on(b, &net, x, classes);
    return nlg_space_build_finish(b, graph, err);
}

/* ---- genotypes: "depth 1.20 width 1.10 resolution 1.15" ---------------------------------------------------------------- */

static void encode(const nlg_space *self, const nlg_code *code, char *text, size_t size_bytes) {
    (void)self;
    size_t used = 0;
    for (int i = 0; i < LENGTH && used < size_bytes; i++) {
        used += (size_t)snprintf(text + used, size_bytes - used, "%s%s %d.%02d", i ? " " : "", names[i], hundredths(code, i) / 100,
                                 hundredths(code, i) % 100);
    }
}

static nlg_status decode(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err) {
    (void)self;
    *code = (nlg_code){.length = LENGTH};
    const char *at = text;
    bool good = true;
    for (int i = 0; i < LENGTH && good; i++) {
        char name[16];
        int units = 0, tenths = 0, part = 0, length = 0;
        good = sscanf(at, " %15[a-z] %1d.%1d%1d%n", name, &units, &tenths, &part, &length) == 4 && strcmp(name, names[i]) == 0;
        const int above = 100 * units + 10 * tenths + part - 100;
        good = good && above >= 0 && above % step_hundredths[i] == 0 && above / step_hundredths[i] < steps[i];
        code->value[i] = (int16_t)(good ? above / step_hundredths[i] : 0);
        at += length;
    }
    if (good && *at == '\0' && within_budget(code)) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT,
                    "space compound: expected 'depth D width W resolution R' with D from 1.00 to 2.00 in tenths, W and R from 1.00 "
                    "to 1.40 in steps of 0.05 and D W^2 R^2 <= 2, found '%.60s'",
                    text);
}

static const nlg_space_parameter parameters[] = {{"phi", 1, 1, 7, "exponent of all three multipliers", NULL}};

const nlg_space nlg_space_compound = {
    .name = "compound",
    .summary = "depth, width and resolution of a small EfficientNet-B0 at up to 2^phi times its cost",
    .source = "Tan, Le: EfficientNet, ICML 2019",
    .length = LENGTH,
    .parameters = parameters,
    .n_parameters = 1,
    .parameter = {1},
    .choices = choices,
    .valid = valid,
    .canonical = canonical,
    .notation = "depth D width W resolution R: D from 1.00 to 2.00 in tenths, W and R from 1.00 to 1.40 in steps of 0.05,\n"
                "D W^2 R^2 <= 2.",
    .encode = encode,
    .decode = decode,
    .build = build,
    .features = nlg_space_one_hot,
    .size = size,
};
