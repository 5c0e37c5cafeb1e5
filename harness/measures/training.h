/* What train and eval share: a network and a data set that fit together. */
#ifndef NLG_TRAINING_H
#define NLG_TRAINING_H

#include "datasets/dataset.h"
#include "harness/network.h"
#include "train/train.h"
#include "train/weights_facts.h"

/* Opens the data set and builds the network for its images and classes. A network whose own input is a few pixels larger on each
 * side (LeNet-5: 32 for images of 28) gets a black border: *pad. Options of an image folder that are zero are taken from the
 * model's preprocessing if it is a network for photographs. genotype: other cells, as in nlg_network_open. */
typedef struct nlg_fitted {
    nlg_dataset *dataset;
    const nlg_dataset_info *info;
    nlg_network network;
    int pad;
    bool raw; /* pixel / 255 without normalisation, as the weights were trained */
} nlg_fitted;
nlg_status nlg_fitted_open(const char *model, const char *genotype, const char *data, const nlg_dataset_options *options,
                           nlg_fitted *fitted, nlg_error *err);

/* A weight file before a network is built for it. */
typedef struct nlg_weights_source {
    const char *path;
    nlg_safetensors file; /* its header */
    nlg_weights_facts facts;
} nlg_weights_source;
nlg_status nlg_weights_source_open(const char *path, nlg_weights_source *source, nlg_error *err);
void nlg_weights_source_close(nlg_weights_source *source); /* also after a failed open */
/* Finds the network that the weights belong to: as nlg_network_find, with the genotype of the file where none is given. Another
 * model or genotype than theirs is an error. */
nlg_status nlg_weights_source_network(const nlg_weights_source *source, const char *model, const char *genotype,
                                      nlg_network *network, nlg_error *err);
/* The number of classes that the file's last layer has outputs for, for a graph of the same network; 0: the file does not say. */
int nlg_weights_source_classes(const nlg_weights_source *source, const nlg_graph *graph);
int nlg_network_classes(const nlg_graph *graph); /* of a classifier its outputs; of a detector those of an anchor */

/* As nlg_fitted_open for weights that exist: images are prepared as the file says, its classes are the outputs, and where it says
 * nothing, as many outputs are built as it has. */
nlg_status nlg_fitted_open_for(const nlg_weights_source *source, const char *model, const char *genotype, const char *data,
                               const nlg_dataset_options *options, nlg_fitted *fitted, nlg_error *err);

/* Name of the layer with parameters that the main output comes from ("fc"), into `text`; "" if there is none. */
const char *nlg_network_head(const nlg_graph *graph, char text[256]);
bool nlg_is_for_photographs(const nlg_model *model); /* 3 channels, more than 64 rows: prepared as its row says */
/* Where mean and deviation come from, in words. */
const char *nlg_normalisation_source(const nlg_fitted *fitted, const nlg_weights_source *source);
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
