/* A recurrent network that writes codes: Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017,
 * Section 3.
 *
 * At each position an LSTM reads the value chosen before and a softmax of that position gives the chances of the next. Without
 * hidden units each position has chances of its own, which depend on nothing (the policy of NAS-Bench-201's REINFORCE). All
 * arithmetic is double in a fixed order. */
#ifndef NLG_CONTROLLER_H
#define NLG_CONTROLLER_H

#include "search/space.h"

typedef struct nlg_controller nlg_controller;

typedef struct nlg_controller_options {
    int hidden; /* units of a layer, also the size of embeddings; 0: none */
    int layers;
    double init; /* weights begin uniform in -init .. init; biases of the LSTM at 0 */
    double rate; /* of Adam (0.9, 0.999, 1e-8) */
} nlg_controller_options;

nlg_status nlg_controller_create(const nlg_space *space, const nlg_controller_options *options, nlg_rng rng,
                                 nlg_controller **controller, nlg_error *err);
void nlg_controller_destroy(nlg_controller *controller);

/* Draws a valid code of full length and returns the logarithm of its chance. */
double nlg_controller_sample(nlg_controller *controller, nlg_rng rng, nlg_code *code);
/* The logarithm of a code's chance; entropy: of the choices met on the way, summed; may be NULL. */
double nlg_controller_evaluate(nlg_controller *controller, const nlg_code *code, double *entropy);
/* Adds weight * d log p + entropy_weight * d entropy of the code evaluated last to the gradient. */
void nlg_controller_learn(nlg_controller *controller, double weight, double entropy_weight);
/* One step of Adam up the gradient, which becomes zero. */
void nlg_controller_step(nlg_controller *controller);

/* For tests: the parameters in one block, and their gradient. */
size_t nlg_controller_count(const nlg_controller *controller);
double *nlg_controller_parameters(nlg_controller *controller);
const double *nlg_controller_gradient(const nlg_controller *controller);

#endif
