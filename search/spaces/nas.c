/* The convolutional space of NAS: B. Zoph, Q. V. Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017,
 * Section 3.3 and 4.1.
 *
 * A list of L convolutions, each with filter height and width (1, 3, 5, 7), filters (24, 36, 48, 64) and stride (1, 2, 3), and for
 * every earlier layer one bit: whether the layer reads it. A layer without inputs reads the image; several inputs are concatenated,
 * smaller ones padded with zeros; what no layer reads is concatenated before the classifier. Each layer is convolution, batch norm,
 * ReLU.
 *
 * Parameters: L = 6 layers, as the paper's search begins (it grows to 15 and more), the largest stride S (its first experiment has
 * 1, a later one 3), and a divisor D of the filters for small machines.
 *
 * Code: for each layer height, width, filters, stride, bits of earlier layers. Lists that are the same graph in another order
 * are one architecture. */
#include <stdio.h>
#include <string.h>

#include "search/spaces/common/build.h"
#include "search/spaces/common/ordering.h"

enum { LAYERS_MAX = 8, HEIGHT = 0, WIDTH, FILTERS, STRIDE, PARTS };
static const int sides[] = {1, 3, 5, 7}, filters[] = {24, 36, 48, 64};

static int layers_of(const nlg_space *self) {
    return self->parameter[0];
}

/* Where a layer begins: each has one bit more than the one before. */
static int start_of(int layer) {
    return layer * PARTS + layer * (layer - 1) / 2;
}

static nlg_status open_space(nlg_space *self, nlg_error *err) {
    (void)err;
    self->length = start_of(layers_of(self));
    return NLG_OK;
}

static int choices(const nlg_space *self, int position) {
    int layer = 0;
    while (start_of(layer + 1) <= position) layer++;
    const int values[PARTS] = {4, 4, 4, self->parameter[1]}, part = position - start_of(layer);
    return part < PARTS ? values[part] : 2;
}

static const int16_t *layer_at(const nlg_code *code, int layer) {
    return &code->value[start_of(layer)];
}

static bool reads(const nlg_code *code, int layer, int earlier) {
    return layer_at(code, layer)[PARTS + earlier] != 0;
}

/* ---- isomorphism ------------------------------------------------------------------------------------------------------- */

static bool may_stand(const nlg_ordering *o, int layer) {
    const nlg_code *code = o->graph;
    for (int i = 0; i < layer; i++) {
        if (reads(code, layer, i) && o->place[i] < 0) return false;
    }
    return true;
}

static int write_layer(const nlg_ordering *o, int layer, int16_t *out) {
    const nlg_code *code = o->graph;
    memcpy(out, layer_at(code, layer), PARTS * sizeof out[0]);
    for (int i = 0; i < o->standing; i++) out[PARTS + i] = 0;
    for (int i = 0; i < layer; i++) {
        if (reads(code, layer, i)) out[PARTS + o->place[i]] = 1;
    }
    return PARTS + o->standing;
}

static void canonical(const nlg_space *self, const nlg_code *code, nlg_code *out) {
    nlg_ordering o = {.graph = code, .parts = layers_of(self), .may_stand = may_stand, .write = write_layer};
    nlg_ordering_find(&o);
    out->length = o.best_length;
    memcpy(out->value, o.best, sizeof o.best);
}

/* ---- genotypes: "7x5 f48 s1; 1 > 3x3 f36 s1; 1 2 > 5x5 f24 s2" --------------------------------------------------------- */

static void encode(const nlg_space *self, const nlg_code *code, char *text, size_t size) {
    size_t used = 0;
    for (int layer = 0; layer < layers_of(self) && used < size; layer++) {
        const int16_t *v = layer_at(code, layer);
        const char *sign = "";
        if (layer) used += (size_t)snprintf(text + used, size - used, "; ");
        for (int i = 0; i < layer && used < size; i++) {
            if (!reads(code, layer, i)) continue;
            used += (size_t)snprintf(text + used, size - used, "%d ", i + 1);
            sign = "> ";
        }
        if (used >= size) break;
        used += (size_t)snprintf(text + used, size - used, "%s%dx%d f%d s%d", sign, sides[v[HEIGHT]], sides[v[WIDTH]],
                                 filters[v[FILTERS]], v[STRIDE] + 1);
    }
}

static int16_t index_of(const int *values, int wanted) {
    for (int16_t i = 0; i < 4; i++) {
        if (values[i] == wanted) return i;
    }
    return -1;
}

/* "1 2 >", if the layer reads any other. */
static bool read_inputs(const char **at, int layer, int16_t *bits) {
    int earlier = 0, length = 0, last = 0;
    while (sscanf(*at, " %1d%n", &earlier, &length) == 1 && (*at)[length] == ' ') {
        if (earlier <= last || earlier > layer) return false;
        bits[earlier - 1] = 1;
        last = earlier;
        *at += length;
    }
    if (!last) return true;
    if (strncmp(*at, " >", 2) != 0) return false;
    *at += 2;
    return true;
}

static nlg_status decode(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err) {
    *code = (nlg_code){.length = self->length};
    const char *at = text;
    for (int layer = 0; layer < layers_of(self); layer++) {
        int h = 0, w = 0, f = 0, s = 0, length = 0;
        int16_t *v = &code->value[start_of(layer)];
        bool good = read_inputs(&at, layer, v + PARTS);
        good = good && sscanf(at, " %1dx%1d f%2d s%1d%n", &h, &w, &f, &s, &length) == 4;
        at += length;
        v[HEIGHT] = index_of(sides, h), v[WIDTH] = index_of(sides, w), v[FILTERS] = index_of(filters, f);
        v[STRIDE] = (int16_t)(s - 1);
        for (int i = 0; i < PARTS; i++) good = good && v[i] >= 0 && v[i] < choices(self, start_of(layer) + i);
        good = good && *at == (layer < layers_of(self) - 1 ? ';' : '\0');
        if (!good) {
            return nlg_fail(
                err, NLG_ERR_INPUT,
                "space %s: expected %d layers such as '3x5 f48 s1 < 1 2' (sides 1, 3, 5, 7; filters 24, 36, 48, 64; stride "
                "1 to %d; earlier layers that it reads) with semicolons, layer %d is '%.40s'",
                self->name, layers_of(self), self->parameter[1], layer + 1, at);
        }
        at += *at == ';';
    }
    return NLG_OK;
}

/* ---- networks ---------------------------------------------------------------------------------------------------------- */

/* Concatenates at the largest size. */
static nlg_value join(nlg_builder *b, const nlg_value *x, int count) {
    nlg_value padded[LAYERS_MAX];
    int h = 0, w = 0;
    for (int i = 0; i < count; i++) {
        const nlg_shape shape = nlg_shape_of(b, x[i]);
        if (shape.h > h) h = shape.h;
        if (shape.w > w) w = shape.w;
    }
    for (int i = 0; i < count; i++) {
        const nlg_shape shape = nlg_shape_of(b, x[i]);
        const int rows = h - shape.h, columns = w - shape.w;
        padded[i] = x[i];
        if (rows || columns) padded[i] = nlg_spatial_pad(b, x[i], rows / 2, rows - rows / 2, columns / 2, columns - columns / 2);
    }
    return count == 1 ? padded[0] : nlg_concat(b, padded, count);
}

static nlg_status build(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, nlg_graph **graph,
                        nlg_error *err) {
    nlg_builder *b = nlg_space_build_begin(graph);
    if (!b) return nlg_space_build_finish(b, graph, err);
    const nlg_value image = nlg_input(b, c, h, w);
    nlg_value output[LAYERS_MAX], in[LAYERS_MAX];
    bool is_read[LAYERS_MAX] = {false};
    const int layers = layers_of(self);
    for (int layer = 0; layer < layers; layer++) {
        const int16_t *v = layer_at(code, layer);
        int count = 0;
        for (int i = 0; i < layer; i++) {
            if (!reads(code, layer, i)) continue;
            is_read[i] = true;
            in[count++] = output[i];
        }
        const nlg_conv_args args = {.out = filters[v[FILTERS]] / self->parameter[2],
                                    .kernel_h = sides[v[HEIGHT]],
                                    .kernel_w = sides[v[WIDTH]],
                                    .stride = v[STRIDE] + 1,
                                    .half = true};
        nlg_value x = nlg_conv(b, count ? join(b, in, count) : image, args, "layers.%d.conv", layer);
        x = nlg_batch_norm(b, x, (nlg_norm_args){0}, "layers.%d.bn", layer);
        output[layer] = nlg_relu(b, x);
    }
    int count = 0;
    for (int i = 0; i < layers; i++) {
        if (!is_read[i]) in[count++] = output[i];
    }
    const nlg_value x = nlg_global_avg_pool(b, join(b, in, count));
    nlg_output(b, nlg_linear(b, x, (nlg_linear_args){.out = classes}, "fc"));
    return nlg_space_build_finish(b, graph, err);
}

static const nlg_space_parameter parameters[] = {
    {"L", 6, 2, LAYERS_MAX, "layers", NULL},
    {"S", 3, 1, 3, "largest stride", NULL},
    {"D", 1, 1, 12, "divisor of the filters", NULL},
};

const nlg_space nlg_space_nas = {
    .name = "nas",
    .summary = "L convolutions with filter sides, filters, strides and skip connections (NAS)",
    .source = "Zoph, Le: Neural Architecture Search with Reinforcement Learning, ICLR 2017",
    .parameters = parameters,
    .n_parameters = sizeof parameters / sizeof parameters[0],
    .open = open_space,
    .choices = choices,
    .canonical = canonical,
    .notation =
        "L layers \"INPUT... > HxW fF sS\" with semicolons: earlier layers that it reads (from 1; none and no >: the image),\n"
        "filter sides 1, 3, 5 or 7, filters 24, 36, 48 or 64, stride 1 to S.",
    .encode = encode,
    .decode = decode,
    .build = build,
    .features = nlg_space_one_hot,
};
