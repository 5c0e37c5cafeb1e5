/* What train and eval share: a network and a data set that fit together. */
#ifndef NLG_TRAINING_H
#define NLG_TRAINING_H

#include "datasets/dataset.h"
#include "harness/network.h"
#include "train/train.h"

/* Opens the data set and builds the network for its images and classes. A network whose own input is a few pixels larger on each
 * side (LeNet-5: 32 for images of 28) gets a black border: *pad. Options of an image folder that are zero are taken from the
 * model's preprocessing if it is a network for photographs. genotype: other cells, as in nlg_network_open. */
typedef struct nlg_fitted {
    nlg_dataset *dataset;
    const nlg_dataset_info *info;
    nlg_network network;
    int pad;
} nlg_fitted;
nlg_status nlg_fitted_open(const char *model, const char *genotype, const char *data, const nlg_dataset_options *options,
                           nlg_fitted *fitted, nlg_error *err);
void nlg_fitted_close(nlg_fitted *fitted); /* also after a failed open */

/* The photo preprocessing of a model: shorter side and crop in pixels, filter, mean and std. */
void nlg_model_preprocessing(const nlg_model *model, nlg_image_recipe *recipe, float mean[3], float std[3]);

/* The memory that inference takes, weights included; NLG_ERR_MEMORY beyond the limit (bytes, 0: none). */
nlg_status nlg_inference_measure(const nlg_network *network, const nlg_exec *exec, int batch, size_t memory_limit, size_t *bytes,
                                 nlg_error *err);

/* One line per metric on standard output; "n/a" where the split has nothing to compute it from. */
void nlg_print_evaluation(const nlg_task_type *task, const char *split, const nlg_evaluation *result);

/* Opens the test split, saying so on standard error: the final step of a run only. */
nlg_status nlg_fitted_open_test(nlg_fitted *fitted, nlg_error *err);

#endif
