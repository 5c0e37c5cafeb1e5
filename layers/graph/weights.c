/* Values of a graph's parameters: initialisation, reference filling, digest. */
#include "layers/graph/graph.h"

#include <stdlib.h>
#include <string.h>

#include "layers/base/digest.h"
#include "layers/base/dmath.h"
#include "layers/base/rng.h"

size_t nlg_weights_bytes(const nlg_graph *graph) {
    return (graph->weights_floats + 16) * sizeof(float);
}

nlg_status nlg_weights_create(const nlg_graph *graph, nlg_weights *weights, nlg_error *err) {
    const size_t bytes = nlg_weights_bytes(graph);
    weights->graph = graph;
    weights->values = nlg_alloc_large(bytes);
    if (weights->values == NULL) return nlg_fail_memory(err, bytes, "the network's parameters");
    return NLG_OK;
}

void nlg_weights_destroy(nlg_weights *weights) {
    if (weights->values != NULL) nlg_free_large(weights->values, nlg_weights_bytes(weights->graph));
    weights->values = NULL;
}

static void fill_constant(float *value, size_t count, float constant) {
    for (size_t i = 0; i < count; i++) value[i] = constant;
}

static const nlg_node *first_reader(const nlg_graph *graph, int node) {
    for (int i = node + 1; i < graph->n_nodes; i++)
        for (int j = 0; j < graph->nodes[i].n_inputs; j++)
            if (graph->nodes[i].inputs[j] == node) return &graph->nodes[i];
    return NULL;
}

/* Whether the layer's outputs go through a ReLU, which passes half of them. */
static bool is_rectified(const nlg_graph *graph, int param) {
    for (int i = 0; i < graph->n_nodes; i++)
        for (int j = 0; j < graph->nodes[i].n_params; j++) {
            if (graph->nodes[i].params[j] != param) continue;
            const nlg_node *reader = first_reader(graph, i);
            return reader && reader->op->activates && reader->op->activates(reader->attrs) == NLG_ACT_RELU;
        }
    return false;
}

/* He et al. 2015: with fan-out for convolutions (variance 2 / fan_out) as torchvision has it, with fan-in for linear layers behind
 * which a ReLU stands (2 / fan_in): smaller ones let the signal of networks without batch norm fade. torch's
 * uniform(+-1/sqrt(fan_in)) for other linear layers. */
static double weight_bound(const nlg_graph *graph, int param) {
    const nlg_param *p = &graph->params[param];
    double fan_in = 1, area = 1;
    for (int i = 1; i < p->rank; i++) fan_in *= p->shape[i];
    if (p->rank < 3) return is_rectified(graph, param) ? nlg_sqrt(6 / fan_in) : 1 / nlg_sqrt(fan_in);
    for (int i = p->rank - 2; i < p->rank; i++) area *= p->shape[i];
    /* fan_out = O * R * S / groups; for depthwise layers (I = 1) that is R * S. */
    const double fan_out = p->rank == 4 && p->shape[1] == 1 ? area : p->shape[0] * area;
    return nlg_sqrt(6 / fan_out);
}

void nlg_weights_init(nlg_weights *weights, uint64_t seed) {
    const nlg_rng root = nlg_rng_seed(seed);
    for (int i = 0; i < weights->graph->n_params; i++) {
        const nlg_param *p = &weights->graph->params[i];
        float *value = nlg_weights_at(weights, i);
        const nlg_rng rng = nlg_rng_named(root, p->name);
        if (p->op->init != NULL && p->op->init(p->attrs, p->op_index, value, p->count, rng)) continue;
        switch (p->role) {
        case NLG_PARAM_WEIGHT: {
            const double bound = weight_bound(weights->graph, i);
            for (size_t j = 0; j < p->count; j++) value[j] = (float)(bound * (2 * nlg_rng_uniform(rng, j) - 1));
            break;
        }
        case NLG_PARAM_NORM_WEIGHT:
        case NLG_PARAM_RUNNING_VAR:
        case NLG_PARAM_VECTOR:
            fill_constant(value, p->count, 1.0F);
            break;
        case NLG_PARAM_BIAS:
        case NLG_PARAM_NORM_BIAS:
        case NLG_PARAM_RUNNING_MEAN:
        case NLG_PARAM_CONSTANT:
            fill_constant(value, p->count, 0.0F);
            break;
        }
    }
}

void nlg_weights_fill_reference(nlg_weights *weights, double bn_gain) {
    for (int i = 0; i < weights->graph->n_params; i++) {
        const nlg_param *p = &weights->graph->params[i];
        float *value = nlg_weights_at(weights, i);
        double scale = 0.1, offset = 0;
        if (p->role == NLG_PARAM_CONSTANT) {
            if (p->op->init != NULL) p->op->init(p->attrs, p->op_index, value, p->count, nlg_rng_seed(0));
            continue;
        }
        if (p->rank >= 2) {
            double fan_in = 1;
            for (int d = 1; d < p->rank; d++) fan_in *= p->shape[d];
            scale = (double)(float)nlg_sqrt(6 / fan_in);
        } else if (p->role == NLG_PARAM_NORM_WEIGHT) {
            scale = bn_gain * 0.1, offset = bn_gain;
        } else if (p->role == NLG_PARAM_RUNNING_VAR) {
            scale = 0.25, offset = 1;
        }
        for (size_t j = 0; j < p->count; j++) value[j] = (float)(offset + scale * nlg_fill_value(p->key, j));
    }
}

static int by_name(const void *a, const void *b) {
    const nlg_param *const *p = a, *const *q = b;
    return strcmp((*p)->name, (*q)->name);
}

nlg_status nlg_weights_digest(const nlg_weights *weights, char hex[65], nlg_error *err) {
    const nlg_graph *g = weights->graph;
    const nlg_param **sorted = nlg_alloc((size_t)g->n_params + 1, sizeof(const nlg_param *));
    nlg_digest *digest = nlg_digest_create();
    if (sorted == NULL || digest == NULL) {
        nlg_free(sorted);
        if (digest != NULL) nlg_digest_finish(digest, hex);
        return nlg_fail_memory(err, (size_t)g->n_params * sizeof(void *), "the digest of the weights");
    }
    for (int i = 0; i < g->n_params; i++) sorted[i] = &g->params[i];
    qsort(sorted, (size_t)g->n_params, sizeof(const nlg_param *), by_name);
    for (int i = 0; i < g->n_params; i++) {
        const nlg_param *p = sorted[i];
        const float *values = weights->values + p->offset;
        nlg_digest_update(digest, p->name, strlen(p->name) + 1);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        nlg_digest_update(digest, values, p->count * sizeof(float));
#else
        for (size_t j = 0; j < p->count; j++) {
            uint32_t bits;
            memcpy(&bits, &values[j], sizeof bits);
            bits = __builtin_bswap32(bits);
            nlg_digest_update(digest, &bits, sizeof bits);
        }
#endif
    }
    nlg_digest_finish(digest, hex);
    nlg_free(sorted);
    return NLG_OK;
}
