/* The builder: appends nodes, infers shapes, names and shares parameters. */
#include "layers/graph/builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SCOPE_DEPTH = 16, NAME_LENGTH = 256 };

struct nlg_builder {
    nlg_graph *graph;
    nlg_error error;
    int node_capacity, param_capacity, block_capacity;
    int open_blocks[SCOPE_DEPTH], n_open_blocks;
    int depth;
    size_t scope_length[SCOPE_DEPTH];
    char scope[NAME_LENGTH];
    int aux, share; /* nesting of begin/end */
    int heads;      /* auxiliary heads so far */
    bool aux_may_miss;
    struct {
        nlg_error error;
        int n_nodes, n_params, n_outputs, n_blocks, n_open_blocks, depth;
        size_t weights_floats, scope_length;
    } before_aux;
};

nlg_builder *nlg_builder_create(nlg_graph *graph) {
    nlg_builder *b = nlg_alloc(1, sizeof *b);
    if (b != NULL) b->graph = graph;
    return b;
}

nlg_status nlg_builder_finish(nlg_builder *b, nlg_error *err) {
    nlg_graph *g = b->graph;
    nlg_error error = b->error;
    if (error.status == NLG_OK && (b->depth != 0 || b->aux != 0 || b->share != 0 || b->n_open_blocks != 0))
        nlg_fail(&error, NLG_ERR_CHECK, "builder: a scope, block, auxiliary or shared section was left open");
    if (error.status == NLG_OK && g->n_outputs == 0) nlg_fail(&error, NLG_ERR_CHECK, "builder: the network has no output");
    nlg_free(b);
    if (error.status != NLG_OK) return nlg_fail(err, error.status, "%s", error.text);
    return NLG_OK;
}

void nlg_builder_fail(nlg_builder *b, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    nlg_fail(&b->error, NLG_ERR_INPUT, "%s", text);
}

bool nlg_builder_failed(const nlg_builder *b) {
    return b->error.status != NLG_OK;
}

static void memory_short(nlg_builder *b) {
    nlg_fail_memory(&b->error, 0, "building the network");
}

void nlg_push(nlg_builder *b, const char *format, ...) {
    char part[NAME_LENGTH];
    va_list args;
    va_start(args, format);
    vsnprintf(part, sizeof part, format, args);
    va_end(args);
    const size_t length = strlen(b->scope);
    if (b->depth == SCOPE_DEPTH || length + strlen(part) + 2 > sizeof b->scope) {
        nlg_builder_fail(b, "builder: scope %s.%s is nested too deep", b->scope, part);
        if (b->depth < SCOPE_DEPTH) b->scope_length[b->depth++] = length;
        return;
    }
    b->scope_length[b->depth++] = length;
    size_t at = length;
    if (length > 0) b->scope[at++] = '.';
    memcpy(b->scope + at, part, strlen(part) + 1);
}

void nlg_pop(nlg_builder *b) {
    if (b->depth > 0) b->scope[b->scope_length[--b->depth]] = '\0';
}

void nlg_builder_allow_missing_aux(nlg_builder *b) {
    b->aux_may_miss = true;
}

void nlg_aux_begin(nlg_builder *b) {
    const nlg_graph *g = b->graph;
    if (b->aux++ > 0) return;
    b->heads++;
    b->before_aux.error = b->error;
    b->before_aux.n_nodes = g->n_nodes;
    b->before_aux.n_params = g->n_params;
    b->before_aux.n_outputs = g->n_outputs;
    b->before_aux.n_blocks = g->n_blocks;
    b->before_aux.n_open_blocks = b->n_open_blocks;
    b->before_aux.weights_floats = g->weights_floats;
    b->before_aux.depth = b->depth;
    b->before_aux.scope_length = strlen(b->scope);
}

/* The head as if it had never been begun. */
static void take_back_aux(nlg_builder *b) {
    nlg_graph *g = b->graph;
    if (g->aux_left_out == NULL) g->aux_left_out = nlg_arena_printf(g->arena, "%s", b->error.text);
    b->error = b->before_aux.error;
    b->heads--;
    if (g->aux_left_out == NULL) memory_short(b);
    g->n_nodes = b->before_aux.n_nodes;
    g->n_params = b->before_aux.n_params;
    g->n_outputs = b->before_aux.n_outputs;
    g->n_blocks = b->before_aux.n_blocks;
    b->n_open_blocks = b->before_aux.n_open_blocks;
    g->weights_floats = b->before_aux.weights_floats;
    b->depth = b->before_aux.depth;
    b->scope[b->before_aux.scope_length] = '\0';
}

bool nlg_aux_end(nlg_builder *b) {
    if (--b->aux > 0) return true;
    if (!b->aux_may_miss || b->error.status != NLG_ERR_INPUT || b->before_aux.error.status != NLG_OK) return true;
    take_back_aux(b);
    return false;
}
void nlg_share_begin(nlg_builder *b) {
    b->share++;
}
void nlg_share_end(nlg_builder *b) {
    b->share--;
}

nlg_shape nlg_shape_of(const nlg_builder *b, nlg_value x) {
    if (b->error.status != NLG_OK || x < 0 || x >= b->graph->n_nodes) return (nlg_shape){0, 0, 0};
    return b->graph->nodes[x].shape;
}

/* Grows an array that lives in the graph's arena by doubling; the old copy stays until the graph is destroyed. */
static void *grow(nlg_builder *b, void *array, int count, int *capacity, size_t size) {
    if (count < *capacity) return array;
    const int larger = *capacity == 0 ? 64 : 2 * *capacity;
    void *copy = nlg_arena_alloc(b->graph->arena, (size_t)larger, size);
    if (copy == NULL) {
        memory_short(b);
        return array;
    }
    if (count > 0) memcpy(copy, array, (size_t)count * size);
    *capacity = larger;
    return copy;
}

void nlg_block_begin(nlg_builder *b, const char *title, ...) {
    nlg_graph *g = b->graph;
    char text[NAME_LENGTH];
    va_list args;
    va_start(args, title);
    vsnprintf(text, sizeof text, title, args);
    va_end(args);
    if (b->n_open_blocks == SCOPE_DEPTH) nlg_builder_fail(b, "builder: block %s is nested too deep", text);
    if (b->error.status == NLG_OK) g->blocks = grow(b, g->blocks, g->n_blocks, &b->block_capacity, sizeof *g->blocks);
    const char *copy = nlg_arena_printf(g->arena, "%s", text);
    if (copy == NULL) memory_short(b);
    if (b->error.status != NLG_OK) return;
    g->blocks[g->n_blocks] = (nlg_block){copy, g->n_nodes, g->n_nodes};
    b->open_blocks[b->n_open_blocks++] = g->n_blocks++;
}

void nlg_block_end(nlg_builder *b) {
    if (b->error.status == NLG_OK && b->n_open_blocks > 0)
        b->graph->blocks[b->open_blocks[--b->n_open_blocks]].end = b->graph->n_nodes;
}

static nlg_node *append_node(nlg_builder *b) {
    nlg_graph *g = b->graph;
    g->nodes = grow(b, g->nodes, g->n_nodes, &b->node_capacity, sizeof *g->nodes);
    if (b->error.status != NLG_OK) return NULL;
    nlg_node *node = &g->nodes[g->n_nodes++];
    *node = (nlg_node){.aux = b->aux > 0};
    return node;
}

/* The full layer name: scope and printf-formatted part. */
__attribute__((format(printf, 2, 0))) static const char *full_name(nlg_builder *b, const char *format, va_list args) {
    char part[NAME_LENGTH];
    vsnprintf(part, sizeof part, format, args);
    const char *separator = b->scope[0] != '\0' && part[0] != '\0' ? "." : "";
    const char *name = nlg_arena_printf(b->graph->arena, "%s%s%s", b->scope, separator, part);
    if (name == NULL) memory_short(b);
    return name;
}

static bool same_shape(const nlg_param *p, const nlg_param_spec *spec) {
    if (p->rank != spec->rank || p->role != spec->role) return false;
    for (int i = 0; i < spec->rank; i++)
        if (p->shape[i] != spec->shape[i]) return false;
    return true;
}

static int add_param(nlg_builder *b, const nlg_node *node, const nlg_param_spec *spec, int op_index) {
    nlg_graph *g = b->graph;
    const char *name = node->name[0] == '\0' ? nlg_arena_printf(g->arena, "%s", spec->suffix)
                                             : nlg_arena_printf(g->arena, "%s.%s", node->name, spec->suffix);
    if (name == NULL) {
        memory_short(b);
        return -1;
    }
    const int known = nlg_graph_find_param(g, name);
    if (known >= 0) {
        if (b->share == 0) nlg_builder_fail(b, "layer %s: parameter %s exists already; name the layer otherwise", node->name, name);
        if (!same_shape(&g->params[known], spec))
            nlg_builder_fail(b, "layer %s: shared parameter %s has another shape", node->name, name);
        g->params[known].uses++;
        g->params[known].aux = g->params[known].aux && b->aux > 0;
        return known;
    }
    size_t count = 1;
    for (int i = 0; i < spec->rank; i++) {
        size_t product = 0;
        if (spec->shape[i] < 1 || !nlg_size_mul_add(&product, count, (size_t)spec->shape[i]) || product > ((size_t)1 << 40)) {
            nlg_builder_fail(b, "layer %s: parameter %s has an impossible size", node->name, name);
            return -1;
        }
        count = product;
    }
    g->params = grow(b, g->params, g->n_params, &b->param_capacity, sizeof *g->params);
    if (b->error.status != NLG_OK) return -1;
    nlg_param *p = &g->params[g->n_params];
    *p = (nlg_param){.name = name,
                     .key = nlg_fill_key(name),
                     .role = spec->role,
                     .rank = spec->rank,
                     .count = count,
                     .offset = g->weights_floats,
                     .uses = 1,
                     .aux = b->aux > 0,
                     .op = node->op,
                     .attrs = node->attrs,
                     .op_index = op_index};
    memcpy(p->shape, spec->shape, sizeof p->shape);
    p->trainable = spec->role != NLG_PARAM_RUNNING_MEAN && spec->role != NLG_PARAM_RUNNING_VAR && spec->role != NLG_PARAM_CONSTANT;
    g->weights_floats += (count + 15) / 16 * 16;
    return g->n_params++;
}

/* Appends a node; on any failure the error sticks and -1 is returned. */
static nlg_value apply_node(nlg_builder *b, const char *op_name, const void *attrs, const nlg_value *x, int n, const char *name) {
    nlg_graph *g = b->graph;
    if (b->error.status != NLG_OK) return -1;
    const nlg_op *op = nlg_op_find(op_name);
    if (op == NULL) {
        nlg_builder_fail(b, "layer %s: no operation is called %s", name, op_name);
        return -1;
    }
    if (n < op->min_inputs || n > op->max_inputs || n > NLG_OP_MAX_INPUTS) {
        nlg_builder_fail(b, "layer %s (%s): %d inputs, expected %d to %d", name, op_name, n, op->min_inputs, op->max_inputs);
        return -1;
    }
    for (int i = 0; i < n; i++)
        if (x[i] < 0 || x[i] >= g->n_nodes) {
            nlg_builder_fail(b, "layer %s (%s): input %d is not a value of this network", name, op_name, i);
            return -1;
        }
    nlg_node *node = append_node(b);
    if (node == NULL) return -1;
    const nlg_value value = g->n_nodes - 1;
    node->op = op;
    node->name = name;
    node->n_inputs = n;
    node->inputs = nlg_arena_alloc(g->arena, (size_t)n, sizeof *node->inputs);
    node->attrs = op->attrs_size > 0 ? nlg_arena_alloc(g->arena, 1, op->attrs_size) : NULL;
    node->params = nlg_arena_alloc(g->arena, NLG_OP_MAX_PARAMS, sizeof *node->params);
    if (node->inputs == NULL || node->params == NULL || (op->attrs_size > 0 && node->attrs == NULL)) {
        memory_short(b);
        return -1;
    }
    memcpy(node->inputs, x, (size_t)n * sizeof *x);
    if (op->attrs_size > 0 && attrs != NULL) memcpy(node->attrs, attrs, op->attrs_size);

    nlg_shape shapes[NLG_OP_MAX_INPUTS];
    nlg_node_input_shapes(g, node, shapes);
    nlg_error error = {0};
    if (op->infer(node->attrs, shapes, n, &node->shape, &error) != NLG_OK) {
        nlg_builder_fail(b, "layer %s%s%s, node %d: %s", name, name[0] != '\0' ? ", " : "", op_name, value, error.text);
        return -1;
    }
    if (op->params != NULL) {
        nlg_param_spec specs[NLG_OP_MAX_PARAMS];
        const int count = op->params(node->attrs, shapes, n, specs);
        for (int i = 0; i < count; i++) {
            const int param = add_param(b, node, &specs[i], i);
            if (b->error.status != NLG_OK) return -1;
            node->params[node->n_params++] = param;
        }
    }
    return value;
}

nlg_value nlg_apply(nlg_builder *b, const char *op, const void *attrs, const nlg_value *x, int n, const char *name, ...) {
    va_list args;
    va_start(args, name);
    const char *full = full_name(b, name, args);
    va_end(args);
    return apply_node(b, op, attrs, x, n, full);
}

nlg_value nlg_input(nlg_builder *b, int channels, int height, int width) {
    if (b->error.status != NLG_OK) return -1;
    if (channels < 1 || height < 1 || width < 1) {
        nlg_builder_fail(b, "input: %d x %d x %d has an empty side", channels, height, width);
        return -1;
    }
    nlg_node *node = append_node(b);
    if (node == NULL) return -1;
    node->name = "input";
    node->shape = (nlg_shape){height, width, channels};
    return b->graph->n_nodes - 1;
}

static void add_output(nlg_builder *b, nlg_value x, float weight, int exit) {
    nlg_graph *g = b->graph;
    if (b->error.status != NLG_OK) return;
    if (x < 0 || x >= g->n_nodes || g->n_outputs == NLG_GRAPH_MAX_OUTPUTS) {
        nlg_builder_fail(b, "output: not a value of this network, or more than %d outputs", NLG_GRAPH_MAX_OUTPUTS);
        return;
    }
    g->outputs[g->n_outputs] = x;
    g->output_weight[g->n_outputs] = weight;
    g->output_exit[g->n_outputs++] = exit;
}

void nlg_output(nlg_builder *b, nlg_value x) {
    nlg_graph *g = b->graph;
    add_output(b, x, 1.0F, 0);
    /* Main outputs come first, whatever the order of the calls. */
    for (int i = g->n_outputs - 1; b->error.status == NLG_OK && i > 0 && g->output_exit[i - 1] > 0; i--) {
        const int value = g->outputs[i];
        g->outputs[i] = g->outputs[i - 1], g->output_weight[i] = g->output_weight[i - 1];
        g->output_exit[i] = g->output_exit[i - 1];
        g->outputs[i - 1] = value, g->output_weight[i - 1] = 1.0F, g->output_exit[i - 1] = 0;
    }
}

void nlg_output_aux(nlg_builder *b, nlg_value x, float loss_weight) {
    add_output(b, x, loss_weight, b->heads > 0 ? b->heads : 1);
}

/* ---- vocabulary ---- */

static int or_default(int value, int fallback) {
    return value != 0 ? value : fallback;
}

nlg_value nlg_conv(nlg_builder *b, nlg_value x, nlg_conv_args a, const char *name, ...) {
    va_list args;
    va_start(args, name);
    const char *full = full_name(b, name, args);
    va_end(args);
    const nlg_shape in = nlg_shape_of(b, x);
    const int kh = or_default(a.kernel_h, a.kernel), kw = or_default(a.kernel_w, a.kernel), dilation = or_default(a.dilation, 1);
    const int groups = a.groups < 0 ? in.c : or_default(a.groups, 1);
    nlg_conv2d_attrs attrs = {.out = a.out == 0 && a.groups < 0 ? in.c : a.out,
                              .kernel_h = kh,
                              .kernel_w = kw,
                              .stride_h = or_default(a.stride_h, or_default(a.stride, 1)),
                              .stride_w = or_default(a.stride_w, or_default(a.stride, 1)),
                              .pad_top = a.pad_tblr[0],
                              .pad_bottom = a.pad_tblr[1],
                              .pad_left = a.pad_tblr[2],
                              .pad_right = a.pad_tblr[3],
                              .same = a.same,
                              .dilation = dilation,
                              .groups = groups,
                              .bias = a.bias};
    const int ph = a.half ? (kh - 1) / 2 * dilation : or_default(a.pad_h, a.pad);
    const int pw = a.half ? (kw - 1) / 2 * dilation : or_default(a.pad_w, a.pad);
    if (ph != 0) attrs.pad_top = attrs.pad_bottom = ph;
    if (pw != 0) attrs.pad_left = attrs.pad_right = pw;
    return apply_node(b, "conv2d", &attrs, &x, 1, full);
}

nlg_value nlg_linear(nlg_builder *b, nlg_value x, nlg_linear_args a, const char *name, ...) {
    va_list args;
    va_start(args, name);
    const char *full = full_name(b, name, args);
    va_end(args);
    return apply_node(b, "linear", &(nlg_linear_attrs){.out = a.out, .bias = !a.no_bias}, &x, 1, full);
}

nlg_value nlg_batch_norm(nlg_builder *b, nlg_value x, nlg_norm_args a, const char *name, ...) {
    va_list args;
    va_start(args, name);
    const char *full = full_name(b, name, args);
    va_end(args);
    const nlg_batch_norm_attrs attrs = {
        .eps = a.eps > 0 ? a.eps : 1e-5F, .momentum = a.momentum > 0 ? a.momentum : 0.1F, .affine = !a.no_affine};
    return apply_node(b, "batch_norm", &attrs, &x, 1, full);
}

nlg_value nlg_activation(nlg_builder *b, nlg_value x, nlg_act act) {
    return act == NLG_ACT_NONE ? x : apply_node(b, "activation", &(nlg_activation_attrs){act}, &x, 1, "");
}

nlg_value nlg_relu(nlg_builder *b, nlg_value x) {
    return nlg_activation(b, x, NLG_ACT_RELU);
}

static nlg_value pool(nlg_builder *b, const char *op, nlg_value x, nlg_pool_args a) {
    const int stride = or_default(a.stride, a.kernel);
    const nlg_pool_attrs attrs = {.kernel_h = a.kernel,
                                  .kernel_w = a.kernel,
                                  .stride_h = stride,
                                  .stride_w = stride,
                                  .pad_top = or_default(a.pad, a.pad_tblr[0]),
                                  .pad_bottom = or_default(a.pad, a.pad_tblr[1]),
                                  .pad_left = or_default(a.pad, a.pad_tblr[2]),
                                  .pad_right = or_default(a.pad, a.pad_tblr[3]),
                                  .same = a.same,
                                  .ceil_mode = a.ceil_mode,
                                  .count_include_pad = !a.exclude_pad};
    return apply_node(b, op, &attrs, &x, 1, "");
}

nlg_value nlg_max_pool(nlg_builder *b, nlg_value x, nlg_pool_args a) {
    return pool(b, "max_pool", x, a);
}
nlg_value nlg_avg_pool(nlg_builder *b, nlg_value x, nlg_pool_args a) {
    return pool(b, "avg_pool", x, a);
}

nlg_value nlg_global_avg_pool(nlg_builder *b, nlg_value x) {
    return apply_node(b, "avg_pool", &(nlg_pool_attrs){.global = true, .count_include_pad = true}, &x, 1, "");
}

nlg_value nlg_adaptive_avg_pool(nlg_builder *b, nlg_value x, int out_h, int out_w) {
    return apply_node(b, "adaptive_avg_pool", &(nlg_adaptive_pool_attrs){out_h, out_w}, &x, 1, "");
}

nlg_value nlg_lrn(nlg_builder *b, nlg_value x, int size, float alpha, float beta, float k) {
    return apply_node(b, "local_response_norm", &(nlg_lrn_attrs){size, alpha, beta, k}, &x, 1, "");
}

nlg_value nlg_add_n(nlg_builder *b, const nlg_value *x, int n) {
    nlg_add_attrs attrs = {.act = NLG_ACT_NONE};
    for (int i = 0; i < NLG_OP_MAX_INPUTS; i++) attrs.factor[i] = 1.0F;
    return apply_node(b, "add", &attrs, x, n, "");
}

nlg_value nlg_add(nlg_builder *b, nlg_value x, nlg_value y) {
    return nlg_add_n(b, (const nlg_value[]){x, y}, 2);
}

nlg_value nlg_add_scaled(nlg_builder *b, nlg_value x, nlg_value y, float factor_y) {
    return apply_node(b, "add", &(nlg_add_attrs){.factor = {1.0F, factor_y}, .act = NLG_ACT_NONE}, (const nlg_value[]){x, y}, 2,
                      "");
}

nlg_value nlg_concat(nlg_builder *b, const nlg_value *x, int n) {
    return apply_node(b, "concat", NULL, x, n, "");
}

nlg_value nlg_multiply(nlg_builder *b, nlg_value x, nlg_value y) {
    return apply_node(b, "multiply", NULL, (const nlg_value[]){x, y}, 2, "");
}

nlg_value nlg_channel_scale(nlg_builder *b, nlg_value x, nlg_value s) {
    return apply_node(b, "channel_scale", NULL, (const nlg_value[]){x, s}, 2, "");
}

nlg_value nlg_slice(nlg_builder *b, nlg_value x, int begin, int count) {
    return apply_node(b, "slice", &(nlg_slice_attrs){begin, count}, &x, 1, "");
}

nlg_value nlg_channel_pad(nlg_builder *b, nlg_value x, int stride, int before, int after) {
    return apply_node(b, "channel_pad", &(nlg_channel_pad_attrs){stride, before, after}, &x, 1, "");
}

nlg_value nlg_spatial_pad(nlg_builder *b, nlg_value x, int top, int bottom, int left, int right) {
    return apply_node(b, "spatial_pad", &(nlg_spatial_pad_attrs){top, bottom, left, right}, &x, 1, "");
}

nlg_value nlg_upsample(nlg_builder *b, nlg_value x, int factor) {
    return apply_node(b, "upsample_nearest", &(nlg_upsample_attrs){factor}, &x, 1, "");
}

nlg_value nlg_dropout(nlg_builder *b, nlg_value x, float rate) {
    return rate > 0 ? apply_node(b, "dropout", &(nlg_dropout_attrs){rate}, &x, 1, "") : x;
}

nlg_value nlg_drop_path(nlg_builder *b, nlg_value x, float rate) {
    return rate > 0 ? apply_node(b, "drop_path", &(nlg_dropout_attrs){rate}, &x, 1, "") : x;
}
