/* Builds networks from cells.
 *
 * Zoph, Vasudevan, Shlens, Le, "Learning Transferable Architectures for Scalable Image Recognition", 2018, Section 3 and
 * Appendix A, with the details that only the released code shows (nets/nasnet in TF-Slim):
 *   - every convolution is ReLU, convolution, batch norm; a separable convolution is depthwise + 1x1, norm, applied twice;
 *   - in a stride-2 cell an operation has stride 2 when it reads state 0 or 1;
 *   - h[i] always goes through a 1x1 convolution to F filters; h[i-1] too if its channels differ, through a factorized reduction
 *     if its size differs; the very first cell takes its one input as h[i-1] without change;
 *   - a concatenated state of another size or width is adjusted without a ReLU.
 * Parameter names are those of timm's nasnet and pnasnet. A state that nothing reads is not built. */
#include "models/cells.h"

typedef struct network {
    nlg_builder *b;
    const nlg_cell_macro *macro;
    nlg_norm_args norm;
    int cells, total_cells; /* built so far, all: the depth of drop path */
} network;

/* ---- layers ----------------------------------------------------------------------------------------------------------- */

static nlg_value conv_norm(network *net, nlg_value x, nlg_conv_args args) {
    x = nlg_conv(net->b, x, args, "conv");
    return nlg_batch_norm(net->b, x, net->norm, "bn");
}

static nlg_value relu_conv_norm(network *net, nlg_value x, int filters, int stride) {
    return conv_norm(net, nlg_relu(net->b, x), (nlg_conv_args){.out = filters, .kernel = 1, .stride = stride});
}

static nlg_value projection(network *net, nlg_value x, int filters, const char *name) {
    nlg_push(net->b, "%s", name);
    x = relu_conv_norm(net, x, filters, 1);
    nlg_pop(net->b);
    return x;
}

/* Halves the size: two 1x1 convolutions of stride 2, the second on the input shifted by one pixel, concatenated, one norm. An odd
 * width gives the second the filter more. */
static nlg_value factorized_reduction(network *net, nlg_value x, int filters) {
    nlg_value path[2];
    for (int i = 0; i < 2; i++) {
        const int width = i == 0 ? filters / 2 : filters - filters / 2;
        path[i] = i == 0 ? x : nlg_spatial_pad(net->b, x, -1, 1, -1, 1);
        path[i] = nlg_conv(net->b, path[i], (nlg_conv_args){.out = width, .kernel = 1, .stride = 2}, "path_%d.conv", i + 1);
    }
    return nlg_batch_norm(net->b, nlg_concat(net->b, path, 2), net->norm, "final_path_bn");
}

static nlg_value separable(network *net, nlg_value x, const nlg_cell_op_info *op, int filters, int stride) {
    for (int i = 1; i <= 2; i++) {
        x = nlg_relu(net->b, x);
        x = nlg_conv(net->b, x,
                     (nlg_conv_args){
                         .kernel = op->kernel, .stride = i == 1 ? stride : 1, .dilation = op->dilation, .same = true, .groups = -1},
                     "separable_%d.depthwise_conv2d", i);
        x = nlg_conv(net->b, x, (nlg_conv_args){.out = filters, .kernel = 1}, "separable_%d.pointwise_conv2d", i);
        x = nlg_batch_norm(net->b, x, net->norm, "bn_sep_%d", i);
    }
    return x;
}

static nlg_value bottleneck(network *net, nlg_value x, const nlg_cell_op_info *op, int filters, int stride) {
    const int k = op->kernel, narrow = filters / 4;
    const bool line = op->kind == NLG_CELL_KIND_BOTTLENECK_1D;
    const nlg_conv_args layers[] = {
        {.out = narrow, .kernel = 1},
        {.out = narrow, .kernel_h = line ? 1 : k, .kernel_w = k, .stride_h = line ? 1 : stride, .stride_w = stride, .same = true},
        {.out = narrow, .kernel_h = k, .kernel_w = 1, .stride_h = stride, .stride_w = 1, .same = true},
        {.out = filters, .kernel = 1},
    };
    for (int i = 0, number = 1; i < 4; i++) {
        if (i == 2 && !line) continue;
        nlg_push(net->b, "layer_%d", number++);
        x = conv_norm(net, nlg_relu(net->b, x), layers[i]);
        nlg_pop(net->b);
    }
    return x;
}

static nlg_value pool(network *net, nlg_value x, const nlg_cell_op_info *op, int stride) {
    nlg_pool_args args = {.kernel = op->kernel, .stride = stride, .same = true};
    if (op->kind == NLG_CELL_KIND_MAX_POOL) return nlg_max_pool(net->b, x, args);
    args.exclude_pad = net->macro->pool_padding == NLG_POOL_PADDING_EXCLUDED ||
                       (net->macro->pool_padding == NLG_POOL_PADDING_EXCLUDED_UNLESS_STRIDED && stride == 1);
    return nlg_avg_pool(net->b, x, args);
}

/* ---- cells ------------------------------------------------------------------------------------------------------------ */

typedef struct cell_build {
    network *net;
    const nlg_cell *cell;
    int filters, stride;
    float drop_path;
    nlg_value state[NLG_CELL_MAX_STATES];
    nlg_value pooled[NLG_CELL_MAX_STATES][NLG_CELL_OPS]; /* pools without parameters, shared by the blocks that want the same */
} cell_build;

static nlg_value operation(cell_build *c, nlg_cell_op op, int in) {
    network *net = c->net;
    const nlg_cell_op_info *info = &nlg_cell_ops[op];
    const int stride = in < 2 ? c->stride : 1;
    nlg_value x = c->state[in];
    const bool narrows = nlg_shape_of(net->b, x).c != c->filters;
    switch (info->kind) {
    case NLG_CELL_KIND_IDENTITY:
        return stride > 1 || narrows ? relu_conv_norm(net, x, c->filters, stride) : x;
    case NLG_CELL_KIND_AVG_POOL:
    case NLG_CELL_KIND_MAX_POOL:
        if (c->pooled[in][op] < 0) c->pooled[in][op] = pool(net, x, info, stride);
        x = c->pooled[in][op];
        if (narrows) x = conv_norm(net, x, (nlg_conv_args){.out = c->filters, .kernel = 1});
        break;
    case NLG_CELL_KIND_SEPARABLE:
        x = separable(net, x, info, c->filters, stride);
        break;
    case NLG_CELL_KIND_CONV:
        x = conv_norm(
            net, nlg_relu(net->b, x),
            (nlg_conv_args){.out = c->filters, .kernel = info->kernel, .stride = stride, .dilation = info->dilation, .same = true});
        break;
    case NLG_CELL_KIND_BOTTLENECK:
    case NLG_CELL_KIND_BOTTLENECK_1D:
        x = bottleneck(net, x, info, c->filters, stride);
        break;
    }
    return nlg_drop_path(net->b, x, c->drop_path);
}

static bool same_size(nlg_shape a, nlg_shape b) {
    return a.h == b.h && a.w == b.w;
}

/* h[i-1] in the size and width of the cell's other states. */
static nlg_value adjust_previous(network *net, nlg_value previous, nlg_value current, int filters) {
    const nlg_shape shape = nlg_shape_of(net->b, previous);
    if (same_size(shape, nlg_shape_of(net->b, current)))
        return shape.c == filters ? previous : projection(net, previous, filters, "conv_prev_1x1");
    const char *scope = net->macro->factorized_name;
    if (scope != NULL) nlg_push(net->b, "%s", scope);
    previous = factorized_reduction(net, nlg_relu(net->b, previous), filters);
    if (scope != NULL) nlg_pop(net->b);
    return previous;
}

/* States 0 and 1, as far as something reads them. A factorized reduction without a scope of its own comes second, as in timm's
 * order of parameters. */
static void input_states(cell_build *c, nlg_value previous, nlg_value current) {
    network *net = c->net;
    const unsigned used = nlg_cell_used_states(c->cell);
    const bool second = net->macro->factorized_name == NULL && previous >= 0 &&
                        !same_size(nlg_shape_of(net->b, previous), nlg_shape_of(net->b, current));
    for (int step = 0; step < 2; step++) {
        const int s = second ? 1 - step : step;
        if (!(used & NLG_STATE(s))) continue;
        if (s == 1)
            c->state[1] = projection(net, current, c->filters, "conv_1x1");
        else
            c->state[0] = previous < 0 ? current : adjust_previous(net, previous, current, c->filters);
    }
}

/* Concatenates; states that differ from the last block's output in size or width are adjusted first, without a ReLU. */
static nlg_value cell_output(cell_build *c) {
    network *net = c->net;
    const nlg_shape wanted = nlg_shape_of(net->b, c->state[c->cell->n_blocks + 1]);
    nlg_value out[NLG_CELL_MAX_STATES];
    int n = 0;
    for (int s = 0; s < c->cell->n_blocks + 2; s++) {
        if (!(c->cell->concat & NLG_STATE(s))) continue;
        const nlg_shape shape = nlg_shape_of(net->b, c->state[s]);
        out[n] = c->state[s];
        nlg_push(net->b, "concat_%d", s);
        if (!same_size(shape, wanted))
            out[n] = factorized_reduction(net, out[n], wanted.c);
        else if (shape.c != wanted.c)
            out[n] = conv_norm(net, out[n], (nlg_conv_args){.out = wanted.c, .kernel = 1});
        nlg_pop(net->b);
        n++;
    }
    return n == 1 ? out[0] : nlg_concat(net->b, out, n);
}

/* previous < 0: there is none yet. */
static nlg_value build_cell(network *net, const nlg_cell *cell, nlg_value previous, nlg_value current, int filters, int stride) {
    const nlg_cell_macro *m = net->macro;
    net->cells++;
    cell_build c = {.net = net, .cell = cell, .filters = filters, .stride = stride};
    nlg_block_begin(net->b, "%s cell", stride > 1 ? "reduction" : "normal");
    c.drop_path = m->drop_path_constant ? m->drop_path : m->drop_path * (float)net->cells / (float)net->total_cells;
    for (int s = 0; s < NLG_CELL_MAX_STATES; s++)
        for (int op = 0; op < NLG_CELL_OPS; op++) c.pooled[s][op] = -1;

    input_states(&c, previous, current);
    for (int i = 0; i < cell->n_blocks; i++) {
        nlg_value side[2];
        for (int k = 0; k < 2; k++) {
            nlg_push(net->b, "comb_iter_%d_%s", i, k == 0 ? "left" : "right");
            nlg_block_begin(net->b, "%s", nlg_cell_ops[cell->blocks[i].op[k]].name);
            side[k] = operation(&c, cell->blocks[i].op[k], cell->blocks[i].in[k]);
            nlg_block_end(net->b);
            nlg_pop(net->b);
        }
        c.state[i + 2] = nlg_add(net->b, side[0], side[1]);
    }
    const nlg_value out = cell_output(&c);
    nlg_block_end(net->b);
    return out;
}

/* ---- networks --------------------------------------------------------------------------------------------------------- */

/* ReLU, 5x5 average pool with stride 3, 1x1 convolution, convolution over the whole map, classifier. */
static void auxiliary_head(network *net, nlg_value x, int classes) {
    nlg_builder *b = net->b;
    const nlg_cell_macro *m = net->macro;
    nlg_aux_begin(b);
    nlg_block_begin(b, "auxiliary head");
    nlg_push(b, "aux");
    x = nlg_avg_pool(b, nlg_relu(b, x), (nlg_pool_args){.kernel = 5, .stride = 3});
    nlg_push(b, "proj_1x1");
    x = nlg_relu(b, conv_norm(net, x, (nlg_conv_args){.out = m->aux_filters[0], .kernel = 1}));
    nlg_pop(b);
    nlg_push(b, "full");
    const nlg_shape map = nlg_shape_of(b, x);
    x = nlg_relu(b, conv_norm(net, x, (nlg_conv_args){.out = m->aux_filters[1], .kernel_h = map.h, .kernel_w = map.w}));
    nlg_pop(b);
    x = nlg_linear(b, x, (nlg_linear_args){.out = classes}, "fc");
    nlg_pop(b);
    nlg_block_end(b);
    nlg_output_aux(b, x, m->aux_weight);
    nlg_aux_end(b);
}

/* The stem's output in *current and, with stem cells, the state before it in *previous (else -1). */
static void stem(network *net, const nlg_cell *reduction, nlg_value x, nlg_value *previous, nlg_value *current) {
    const nlg_cell_macro *m = net->macro;
    const bool imagenet = m->stem == NLG_STEM_IMAGENET;
    nlg_push(net->b, "%s", m->stem_name != NULL ? m->stem_name : "conv0");
    *current = conv_norm(net, x,
                         (nlg_conv_args){.out = m->stem_filters, .kernel = 3, .stride = imagenet ? 2 : 1, .pad = imagenet ? 0 : 1});
    nlg_pop(net->b);
    *previous = -1;
    for (int i = 0; imagenet && i < 2; i++) {
        nlg_push(net->b, "cell_stem_%d", i);
        const nlg_value next = build_cell(net, reduction, *previous, *current, m->filters / (i == 0 ? 4 : 2), 2);
        nlg_pop(net->b);
        *previous = *current;
        *current = next;
    }
}

void nlg_build_cell_network(nlg_builder *b, const nlg_cell_genotype *genotype, const nlg_cell_macro *macro, nlg_shape input,
                            int classes) {
    nlg_error err = {0};
    const int stages = macro->stages > 0 ? macro->stages : 3, repeats = macro->repeats;
    if (nlg_genotype_check(genotype, &err) != NLG_OK) {
        nlg_builder_fail(b, "%s", err.text);
        return;
    }
    if (repeats < 1 || macro->filters < 4 || macro->stem_filters < 1) {
        nlg_builder_fail(b, "cell network: expected 1 or more cells per stage and 4 or more filters, found %d and %d", repeats,
                         macro->filters);
        return;
    }
    const nlg_cell *normal = &genotype->normal;
    const nlg_cell *reduction = genotype->reduction.n_blocks > 0 ? &genotype->reduction : normal;
    network net = {.b = b, .macro = macro, .norm = {.eps = macro->norm_eps, .momentum = macro->norm_momentum}};
    net.total_cells =
        stages * repeats + (macro->stem == NLG_STEM_IMAGENET ? 2 : 0) + (macro->reduction == NLG_REDUCTION_CELL ? stages - 1 : 0);

    nlg_value previous, current;
    stem(&net, reduction, nlg_input(b, input.c, input.h, input.w), &previous, &current);
    int filters = macro->filters;
    for (int stage = 0; stage < stages; stage++, filters *= 2) {
        const nlg_value before_input = previous;
        if (stage > 0 && stage == stages - 1 && macro->aux_filters[0] > 0) auxiliary_head(&net, current, classes);
        if (stage > 0 && macro->reduction != NLG_REDUCTION_COUNTED) {
            nlg_value next;
            if (macro->reduction == NLG_REDUCTION_POOL) {
                next = nlg_max_pool(b, current, (nlg_pool_args){.kernel = 2});
            } else {
                nlg_push(b, "reduction_cell_%d", stage - 1);
                next = build_cell(&net, reduction, previous, current, filters, 2);
                nlg_pop(b);
            }
            previous = macro->skip_reduction_input && before_input >= 0 ? before_input : current;
            current = next;
        }
        for (int i = 0; i < repeats; i++) {
            const bool strided = macro->reduction == NLG_REDUCTION_COUNTED && stage > 0 && i == 0;
            nlg_push(b, "cell_%d", stage * repeats + i);
            const nlg_value next = build_cell(&net, strided ? reduction : normal, previous, current, filters, strided ? 2 : 1);
            nlg_pop(b);
            /* The cell behind a reduction saw an older state; the next one sees the reduction's output again. */
            previous = current;
            current = next;
        }
    }
    nlg_value x = nlg_global_avg_pool(b, nlg_relu(b, current));
    x = nlg_dropout(b, x, macro->dropout);
    nlg_output(b, nlg_linear(b, x, (nlg_linear_args){.out = classes}, "last_linear"));
}

void nlg_build_cell_model(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    const nlg_cell_network *spec = model->spec;
    nlg_build_cell_network(b, spec->genotype, &spec->macro, input, classes);
}

const nlg_cell_network *nlg_model_cells(const nlg_model *model) {
    return model->family->build == nlg_build_cell_model ? model->spec : NULL;
}

/* ---- rows with other cells -------------------------------------------------------------------------------------------- */

static size_t print_spec(const void *spec, char *text, size_t size) {
    return nlg_genotype_print(((const nlg_cell_network *)spec)->genotype, text, size);
}

static nlg_status paste(const void *spec, const char *text, nlg_arena *arena, const void **pasted, nlg_error *err) {
    nlg_cell_network *other = nlg_arena_alloc(arena, 1, sizeof *other);
    nlg_cell_genotype *genotype = nlg_arena_alloc(arena, 1, sizeof *genotype);
    if (other == NULL || genotype == NULL) return nlg_fail_memory(err, sizeof *other, "a genotype");
    NLG_TRY(nlg_genotype_parse(text, genotype, err));
    *other = *(const nlg_cell_network *)spec;
    other->genotype = genotype;
    *pasted = other;
    return NLG_OK;
}

const nlg_genotype_form nlg_cell_genotypes = {print_spec, paste};
