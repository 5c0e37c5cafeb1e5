/* The controller. Letters: T positions, H hidden units, L layers, V(t) values of position t. */
#include "search/strategies/common/controller.h"

#include <string.h>

#include "layers/base/dmath.h"
#include "layers/base/memory.h"

enum { TRIES = 1000 };

/* What the forward pass of one position leaves for the backward pass, per layer; each [H], gates [4H] after their
 * nonlinearities in the order input, forget, cell, output. */
typedef struct unit {
    double *input, *gates, *state, *tanh_state, *output;
} unit;

struct nlg_controller {
    const nlg_space *space;
    nlg_controller_options options;
    int values[NLG_CODE_MAX]; /* V(t) */
    int width;                /* of embeddings and outputs: H */
    size_t count, steps;
    double *parameters, *gradient, *moment, *variance; /* each [count] */
    /* Offsets into them. Weights are stored [input][output], so that the inner loops run over outputs. */
    size_t start;                         /* [H] input of the first position */
    size_t embeddings[NLG_CODE_MAX];      /* [V(t)][H] of position t */
    size_t heads[NLG_CODE_MAX];           /* [H][V(t)] and [V(t)] biases */
    size_t *weights, *recurrent, *biases; /* per layer: [H][4H], [H][4H], [4H] */
    unit *cells;                          /* [T][L] */
    double *chances[NLG_CODE_MAX];        /* [V(t)] */
    nlg_code code;                        /* evaluated last */
    double *work;                         /* backward: [L][H] of outputs, [L][H] of states, [4H], [H], [V] */
    double *memory;                       /* all of the cells' blocks and the work */
};

/* ---- small functions ------------------------------------------------------------------------------------------------------ */

/* Several times faster than nlg_exp, relative error about 1e-15, the same bits everywhere: x = k log 2 + r, then a Taylor
 * polynomial. */
static double quick_exp(double x) {
    static const double factors[] = {
        1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720,
        1.0 / 120,       1.0 / 24,       1.0 / 6,       0.5,          1.0,         1.0};
    const double log2_high = 0x1.62e42feep-1, log2_low = 0x1.a39ef35793c76p-33;
    if (!(x > -700)) return 0;
    if (x > 700) x = 700;
    double shifted = x * 1.4426950408889634 + 0x1.8p52; /* rounds to a whole k */
    double k = shifted - 0x1.8p52, r = (x - k * log2_high) - k * log2_low, y = 1.0 / 6227020800.0;
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) y = y * r + factors[i];
    uint64_t bits = (uint64_t)((int64_t)k + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return y * power;
}

static double sigmoid(double x) {
    return 1 / (1 + quick_exp(-x));
}

static double hyperbolic_tangent(double x) {
    return 1 - 2 / (1 + quick_exp(2 * x));
}

/* ---- small loops ------------------------------------------------------------------------------------------------------- */

static void add_scaled(double *restrict y, double a, const double *restrict x, int n) {
    for (int i = 0; i < n; i++) y[i] += a * x[i];
}

static double dot(const double *x, const double *y, int n) {
    double lanes[8] = {0};
    int i = 0;
    for (; i + 8 <= n; i += 8)
        for (int lane = 0; lane < 8; lane++) lanes[lane] += x[i + lane] * y[i + lane];
    for (; i < n; i++) lanes[i & 7] += x[i] * y[i];
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

/* y[n] += x[m] W[m][n], row by row; four rows at a time, so that y is fetched less often. */
static void forward_product(double *restrict y, const double *restrict x, const double *restrict w, int m, int n) {
    const size_t row = (size_t)n;
    int i = 0;
    for (; i + 4 <= m; i += 4, w += 4 * row) {
        for (int j = 0; j < n; j++) {
            double sum = y[j] + x[i] * w[j];
            sum += x[i + 1] * w[row + (size_t)j];
            sum += x[i + 2] * w[2 * row + (size_t)j];
            y[j] = sum + x[i + 3] * w[3 * row + (size_t)j];
        }
    }
    for (; i < m; i++, w += row) add_scaled(y, x[i], w, n);
}

/* dW += x^T dy; dx[m] += W dy, if wanted. */
static void backward_product(const double *x, const double *dy, const double *w, double *dw, double *dx, int m, int n) {
    for (int i = 0; i < m; i++) {
        add_scaled(dw + (size_t)i * (size_t)n, x[i], dy, n);
        if (dx) dx[i] += dot(w + (size_t)i * (size_t)n, dy, n);
    }
}

/* ---- life -------------------------------------------------------------------------------------------------------------- */

static size_t take(size_t *used, size_t count) {
    size_t at = *used;
    *used += count;
    return at;
}

static void lay_out(nlg_controller *c) {
    size_t used = 0, h = (size_t)c->width;
    c->start = take(&used, h);
    for (int t = 0; t < c->space->length; t++) {
        size_t v = (size_t)c->values[t];
        c->embeddings[t] = take(&used, t + 1 < c->space->length ? v * h : 0);
        c->heads[t] = take(&used, h * v + v);
    }
    for (int l = 0; h && l < c->options.layers; l++) {
        c->weights[l] = take(&used, h * 4 * h);
        c->recurrent[l] = take(&used, h * 4 * h);
        c->biases[l] = take(&used, 4 * h);
    }
    c->count = used;
}

static void lay_out_cells(nlg_controller *c) {
    size_t h = (size_t)c->width, layers = (size_t)c->options.layers;
    double *at = c->memory;
    for (int t = 0; t < c->space->length; t++) {
        for (size_t l = 0; h && l < layers; l++) {
            unit *cell = &c->cells[(size_t)t * layers + l];
            cell->input = at, at += h;
            cell->gates = at, at += 4 * h;
            cell->state = at, at += h;
            cell->tanh_state = at, at += h;
            cell->output = at, at += h;
        }
        c->chances[t] = at, at += c->values[t];
    }
    c->work = at;
}

nlg_status nlg_controller_create(const nlg_space *space, const nlg_controller_options *options, nlg_rng rng,
                                 nlg_controller **controller, nlg_error *err) {
    nlg_controller *c = *controller = nlg_alloc(1, sizeof *c);
    if (!c) return nlg_fail_memory(err, sizeof *c, "the controller");
    c->space = space;
    c->options = *options;
    c->width = options->hidden;
    size_t values = 0, most = 0, h = (size_t)c->width, layers = (size_t)options->layers, length = (size_t)space->length;
    for (int t = 0; t < space->length; t++) {
        c->values[t] = space->choices(space, t);
        values += (size_t)c->values[t];
        if ((size_t)c->values[t] > most) most = (size_t)c->values[t];
    }
    size_t doubles = length * layers * 8 * h + values + 2 * layers * h + 5 * h + most;
    size_t *offsets = c->weights = nlg_alloc(3 * layers, sizeof *offsets);
    c->cells = nlg_alloc(length * layers, sizeof *c->cells);
    c->memory = nlg_alloc(doubles, sizeof *c->memory);
    if (offsets) {
        c->recurrent = offsets + layers;
        c->biases = offsets + 2 * layers;
        lay_out(c);
        c->parameters = nlg_alloc(4 * c->count, sizeof *c->parameters);
    }
    if (!offsets || !c->cells || !c->memory || !c->parameters) {
        nlg_controller_destroy(c);
        *controller = NULL;
        return nlg_fail_memory(err, 4 * c->count * sizeof *c->parameters, "the controller");
    }
    c->gradient = c->parameters + c->count;
    c->moment = c->gradient + c->count;
    c->variance = c->moment + c->count;
    lay_out_cells(c);
    for (size_t i = 0; i < c->count; i++) c->parameters[i] = options->init * (2 * nlg_rng_uniform(rng, i) - 1);
    for (size_t l = 0; h && l < layers; l++) memset(c->parameters + c->biases[l], 0, 4 * h * sizeof *c->parameters);
    return NLG_OK;
}

void nlg_controller_destroy(nlg_controller *c) {
    if (!c) return;
    nlg_free(c->weights);
    nlg_free(c->cells);
    nlg_free(c->memory);
    nlg_free(c->parameters);
    nlg_free(c);
}

/* ---- forward ----------------------------------------------------------------------------------------------------------- */

static void run_cell(const nlg_controller *c, int layer, const double *input, const unit *before, unit *now) {
    int h = c->width;
    double *gates = now->gates;
    memcpy(now->input, input, (size_t)h * sizeof *input);
    memcpy(gates, c->parameters + c->biases[layer], 4 * (size_t)h * sizeof *gates);
    forward_product(gates, input, c->parameters + c->weights[layer], h, 4 * h);
    if (before) forward_product(gates, before->output, c->parameters + c->recurrent[layer], h, 4 * h);
    for (int i = 0; i < h; i++) {
        double in = gates[i] = sigmoid(gates[i]);
        double forget = gates[h + i] = sigmoid(gates[h + i]);
        double fresh = gates[2 * h + i] = hyperbolic_tangent(gates[2 * h + i]);
        double out = gates[3 * h + i] = sigmoid(gates[3 * h + i]);
        now->state[i] = in * fresh + (before ? forget * before->state[i] : 0);
        now->tanh_state[i] = hyperbolic_tangent(now->state[i]);
        now->output[i] = out * now->tanh_state[i];
    }
}

static void softmax(double *x, int n) {
    double most = x[0], sum = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > most) most = x[i];
    for (int i = 0; i < n; i++) sum += x[i] = quick_exp(x[i] - most);
    for (int i = 0; i < n; i++) x[i] /= sum;
}

/* The chances at position t, of which the values before are in c->code. */
static const double *run_position(nlg_controller *c, int t) {
    int h = c->width, v = c->values[t], layers = c->options.layers;
    const double *p = c->parameters, *head = p + c->heads[t];
    double *chances = c->chances[t];
    memcpy(chances, head + (size_t)h * (size_t)v, (size_t)v * sizeof *chances);
    if (h) {
        const double *input = p + c->start;
        if (t > 0) input = p + c->embeddings[t - 1] + (size_t)c->code.value[t - 1] * (size_t)h;
        for (int l = 0; l < layers; l++) {
            unit *now = &c->cells[t * layers + l];
            run_cell(c, l, input, t > 0 ? now - layers : NULL, now);
            input = now->output;
        }
        forward_product(chances, input, head, h, v);
    }
    softmax(chances, v);
    return chances;
}

double nlg_controller_sample(nlg_controller *c, nlg_rng rng, nlg_code *code) {
    /* Draws of one try; 64 up to that length keeps the sequences that were recorded with it. */
    const uint64_t draws = c->space->length > 64 ? NLG_CODE_MAX : 64;
    double logarithm = 0;
    for (uint64_t i = 0; i < TRIES; i++) {
        c->code = (nlg_code){.length = c->space->length};
        logarithm = 0;
        for (int t = 0; t < c->space->length; t++) {
            const double *chances = run_position(c, t);
            double drawn = nlg_rng_uniform(rng, i * draws + (uint64_t)t);
            int value = 0;
            while (value + 1 < c->values[t] && drawn >= chances[value]) drawn -= chances[value++];
            c->code.value[t] = (int16_t)value;
            logarithm += nlg_log(chances[value]);
        }
        *code = c->code;
        if (nlg_space_valid(c->space, code)) return logarithm;
    }
    nlg_space_sample(c->space, rng, code);
    return nlg_controller_evaluate(c, code, NULL);
}

double nlg_controller_evaluate(nlg_controller *c, const nlg_code *code, double *entropy) {
    double logarithm = 0, sum = 0;
    c->code = *code;
    for (int t = 0; t < c->space->length; t++) {
        const double *chances = run_position(c, t);
        logarithm += nlg_log(chances[code->value[t]]);
        for (int v = 0; entropy && v < c->values[t]; v++)
            if (chances[v] > 0) sum -= chances[v] * nlg_log(chances[v]);
    }
    if (entropy) *entropy = sum;
    return logarithm;
}

/* ---- backward ---------------------------------------------------------------------------------------------------------- */

/* d_output and d_state come with the derivatives from above and from the position behind; on return they hold those for the
 * position before, and d_input those of the input. */
static void learn_cell(nlg_controller *c, int layer, const unit *before, const unit *now, double *d_output, double *d_state,
                       double *d_gates, double *d_input) {
    int h = c->width;
    const double *gates = now->gates;
    for (int i = 0; i < h; i++) {
        double in = gates[i], forget = gates[h + i], fresh = gates[2 * h + i], out = gates[3 * h + i];
        double ds = d_state[i] + d_output[i] * out * (1 - now->tanh_state[i] * now->tanh_state[i]);
        double older = before ? before->state[i] : 0;
        d_gates[i] = ds * fresh * in * (1 - in);
        d_gates[h + i] = ds * older * forget * (1 - forget);
        d_gates[2 * h + i] = ds * in * (1 - fresh * fresh);
        d_gates[3 * h + i] = d_output[i] * now->tanh_state[i] * out * (1 - out);
        d_state[i] = ds * forget;
    }
    memset(d_output, 0, (size_t)h * sizeof *d_output);
    memset(d_input, 0, (size_t)h * sizeof *d_input);
    double *p = c->parameters, *g = c->gradient;
    add_scaled(g + c->biases[layer], 1, d_gates, 4 * h);
    backward_product(now->input, d_gates, p + c->weights[layer], g + c->weights[layer], d_input, h, 4 * h);
    if (before) backward_product(before->output, d_gates, p + c->recurrent[layer], g + c->recurrent[layer], d_output, h, 4 * h);
}

/* Derivatives of weight * log p[chosen] + entropy_weight * entropy by the logits of a softmax. */
static void learn_choice(const double *p, int n, int chosen, double weight, double entropy_weight, double *d_logits) {
    double entropy = 0;
    for (int v = 0; v < n; v++)
        if (p[v] > 0) entropy -= p[v] * nlg_log(p[v]);
    for (int v = 0; v < n; v++) {
        d_logits[v] = weight * ((v == chosen) - p[v]);
        if (p[v] > 0) d_logits[v] -= entropy_weight * p[v] * (nlg_log(p[v]) + entropy);
    }
}

void nlg_controller_learn(nlg_controller *c, double weight, double entropy_weight) {
    int h = c->width, layers = c->options.layers;
    size_t all = (size_t)layers * (size_t)h;
    double *d_outputs = c->work, *d_states = d_outputs + all, *d_gates = d_states + all, *d_input = d_gates + 4 * h,
           *d_logits = d_input + h;
    memset(d_outputs, 0, 2 * all * sizeof *d_outputs);
    for (int t = c->space->length - 1; t >= 0; t--) {
        int v = c->values[t];
        double *g = c->gradient + c->heads[t];
        learn_choice(c->chances[t], v, c->code.value[t], weight, entropy_weight, d_logits);
        add_scaled(g + (size_t)h * (size_t)v, 1, d_logits, v);
        if (!h) continue;
        const unit *cells = &c->cells[t * layers];
        backward_product(cells[layers - 1].output, d_logits, c->parameters + c->heads[t], g, d_outputs + (layers - 1) * h, h, v);
        for (int l = layers - 1; l >= 0; l--) {
            learn_cell(c, l, t > 0 ? &cells[l] - layers : NULL, &cells[l], d_outputs + l * h, d_states + l * h, d_gates, d_input);
            if (l > 0) add_scaled(d_outputs + (l - 1) * h, 1, d_input, h);
        }
        size_t from = t > 0 ? c->embeddings[t - 1] + (size_t)c->code.value[t - 1] * (size_t)h : c->start;
        add_scaled(c->gradient + from, 1, d_input, h);
    }
}

void nlg_controller_step(nlg_controller *c) {
    const double beta1 = 0.9, beta2 = 0.999, tiny = 1e-8;
    double steps = (double)++c->steps;
    double correct1 = 1 - nlg_pow(beta1, steps), correct2 = 1 - nlg_pow(beta2, steps);
    for (size_t i = 0; i < c->count; i++) {
        double g = c->gradient[i];
        c->moment[i] = beta1 * c->moment[i] + (1 - beta1) * g;
        c->variance[i] = beta2 * c->variance[i] + (1 - beta2) * g * g;
        c->parameters[i] += c->options.rate * (c->moment[i] / correct1) / (nlg_sqrt(c->variance[i] / correct2) + tiny);
        c->gradient[i] = 0;
    }
}

size_t nlg_controller_count(const nlg_controller *c) {
    return c->count;
}

double *nlg_controller_parameters(nlg_controller *c) {
    return c->parameters;
}

const double *nlg_controller_gradient(const nlg_controller *c) {
    return c->gradient;
}
