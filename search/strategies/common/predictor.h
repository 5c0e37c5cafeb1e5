/* Predicts rewards from features: an ensemble of small networks, as PNAS's surrogate (Liu et al., "Progressive Neural Architecture
 * Search", ECCV 2018, Section 4). One hidden layer with ReLU, L1 loss, Adam; each member sees its own four fifths of the data.
 * Doubles in a fixed order. */
#ifndef NLG_PREDICTOR_H
#define NLG_PREDICTOR_H

#include "search/space.h"

typedef struct nlg_predictor_options {
    int members, hidden, epochs;
    double rate;
} nlg_predictor_options;

typedef struct nlg_predictor nlg_predictor;
nlg_status nlg_predictor_create(int features, const nlg_predictor_options *options, nlg_rng rng, nlg_predictor **predictor,
                                nlg_error *err);
void nlg_predictor_destroy(nlg_predictor *predictor);

/* Fits anew from fresh weights: x [count][features], y [count]. Outputs are scaled to the data. */
nlg_status nlg_predictor_fit(nlg_predictor *predictor, const double *x, const double *y, int count, nlg_error *err);
double nlg_predictor_predict(const nlg_predictor *predictor, const double *x); /* the members' mean */

#endif
