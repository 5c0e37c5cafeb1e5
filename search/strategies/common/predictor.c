/* The ensemble. Features are mostly zeros and ones: zeros are skipped. */
#include "search/strategies/common/predictor.h"

#include <string.h>

#include "layers/base/dmath.h"
#include "layers/base/memory.h"

enum { BATCH = 16, FOLDS = 5 };

struct nlg_predictor {
    nlg_predictor_options options;
    nlg_rng rng;
    int features, fits;
    size_t count;    /* parameters of a member: [F][H], [H], [H], 1 */
    double *weights; /* [members][count] */
    double *gradient, *moment, *variance;
    double *units; /* [H] */
    double shift, scale;
};

nlg_status nlg_predictor_create(int features, const nlg_predictor_options *options, nlg_rng rng, nlg_predictor **predictor,
                                nlg_error *err) {
    nlg_predictor *p = *predictor = nlg_alloc(1, sizeof *p);
    if (!p) return nlg_fail_memory(err, sizeof *p, "the predictor");
    size_t h = (size_t)options->hidden;
    *p = (nlg_predictor){.options = *options, .rng = rng, .features = features, .scale = 1};
    p->count = (size_t)features * h + 2 * h + 1;
    size_t doubles = ((size_t)options->members + 3) * p->count + h;
    p->weights = nlg_alloc(doubles, sizeof *p->weights);
    if (!p->weights) {
        nlg_predictor_destroy(p);
        *predictor = NULL;
        return nlg_fail_memory(err, doubles * sizeof *p->weights, "the predictor");
    }
    p->gradient = p->weights + (size_t)options->members * p->count;
    p->moment = p->gradient + p->count;
    p->variance = p->moment + p->count;
    p->units = p->variance + p->count;
    return NLG_OK;
}

void nlg_predictor_destroy(nlg_predictor *p) {
    if (!p) return;
    nlg_free(p->weights);
    nlg_free(p);
}

static double run_member(const nlg_predictor *p, const double *w, const double *x, double *units) {
    int h = p->options.hidden;
    const double *bias = w + (size_t)p->features * (size_t)h, *out = bias + h;
    memcpy(units, bias, (size_t)h * sizeof *units);
    for (int f = 0; f < p->features; f++) {
        const double *row = w + (size_t)f * (size_t)h;
        if (x[f] == 0) continue;
        for (int i = 0; i < h; i++) units[i] += x[f] * row[i];
    }
    double y = out[h];
    for (int i = 0; i < h; i++)
        if (units[i] > 0) y += units[i] * out[i];
    return y;
}

/* The derivative of |y - target|. */
static void learn(nlg_predictor *p, const double *w, const double *x, double target) {
    int h = p->options.hidden;
    double y = run_member(p, w, x, p->units), sign = (y > target) - (y < target);
    const double *out = w + (size_t)(p->features + 1) * (size_t)h;
    double *g = p->gradient, *g_bias = g + (size_t)p->features * (size_t)h, *g_out = g_bias + h;
    g_out[h] += sign;
    for (int i = 0; i < h; i++) {
        double d = p->units[i] > 0 ? sign * out[i] : 0;
        if (p->units[i] > 0) g_out[i] += sign * p->units[i];
        g_bias[i] += d;
        p->units[i] = d;
    }
    for (int f = 0; f < p->features; f++) {
        double *row = g + (size_t)f * (size_t)h;
        if (x[f] == 0) continue;
        for (int i = 0; i < h; i++) row[i] += x[f] * p->units[i];
    }
}

static void step(nlg_predictor *p, double *w, int steps, double rate) {
    const double beta1 = 0.9, beta2 = 0.999, tiny = 1e-8;
    double factor = rate / (1 - nlg_pow(beta1, steps)), correct = 1 / (1 - nlg_pow(beta2, steps));
    for (size_t i = 0; i < p->count; i++) {
        double g = p->gradient[i] / BATCH;
        p->moment[i] = beta1 * p->moment[i] + (1 - beta1) * g;
        p->variance[i] = beta2 * p->variance[i] + (1 - beta2) * g * g;
        w[i] -= factor * p->moment[i] / (nlg_sqrt(p->variance[i] * correct) + tiny);
        p->gradient[i] = 0;
    }
}

/* He's uniform initialisation of the hidden layer, small weights behind. */
static void start_member(nlg_predictor *p, double *w, nlg_rng rng) {
    size_t h = (size_t)p->options.hidden, hidden = (size_t)p->features * h;
    double bound = nlg_sqrt(6.0 / p->features), out = nlg_sqrt(3.0 / p->options.hidden);
    for (size_t i = 0; i < p->count; i++) {
        double u = 2 * nlg_rng_uniform(rng, i) - 1;
        w[i] = i < hidden ? bound * u : i < hidden + h ? 0 : i < hidden + 2 * h ? out * u : 0;
    }
    memset(p->moment, 0, 2 * p->count * sizeof *p->moment); /* and the variance behind it */
    memset(p->gradient, 0, p->count * sizeof *p->gradient);
}

static void fit_member(nlg_predictor *p, int member, const double *x, const double *y, int count, uint32_t *order) {
    double *w = p->weights + (size_t)member * p->count;
    nlg_rng rng = nlg_rng_stream(nlg_rng_stream(p->rng, (uint64_t)p->fits), (uint64_t)member);
    int steps = 0, waiting = 0;
    start_member(p, w, nlg_rng_named(rng, "weights"));
    for (int epoch = 0; epoch < p->options.epochs; epoch++) {
        double rate = p->options.rate * (1 - (double)epoch / p->options.epochs);
        nlg_rng_permutation(nlg_rng_stream(rng, (uint64_t)epoch), order, (uint32_t)count);
        for (int i = 0; i < count; i++) {
            int sample = (int)order[i];
            if (count >= FOLDS && p->options.members > 1 && sample % FOLDS == member % FOLDS) continue; /* its fifth is left out */
            learn(p, w, x + (size_t)sample * (size_t)p->features, (y[sample] - p->shift) / p->scale);
            if (++waiting == BATCH) step(p, w, ++steps, rate), waiting = 0;
        }
    }
}

nlg_status nlg_predictor_fit(nlg_predictor *p, const double *x, const double *y, int count, nlg_error *err) {
    uint32_t *order = nlg_alloc((size_t)count, sizeof *order);
    if (!order) return nlg_fail_memory(err, (size_t)count * sizeof *order, "the predictor");
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) sum += y[i];
    p->shift = sum / count;
    for (int i = 0; i < count; i++) squares += (y[i] - p->shift) * (y[i] - p->shift);
    p->scale = squares > 0 ? nlg_sqrt(squares / count) : 1;
    for (int m = 0; m < p->options.members; m++) fit_member(p, m, x, y, count, order);
    p->fits++;
    nlg_free(order);
    return NLG_OK;
}

double nlg_predictor_predict(const nlg_predictor *p, const double *x) {
    double sum = 0;
    for (int m = 0; m < p->options.members; m++) sum += run_member(p, p->weights + (size_t)m * p->count, x, p->units);
    return p->shift + p->scale * sum / p->options.members;
}
