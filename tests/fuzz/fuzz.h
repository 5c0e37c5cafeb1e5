/* Fuzz targets: one program, one reader at a time, chosen by the environment variable READER. */
#ifndef NLG_FUZZ_H
#define NLG_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "layers/base/status.h"
#include "layers/kernels/exec.h"

/* Each gives the bytes to one reader and uses what it returns. A crash, a sanitizer's report or `fuzz_demand` is a finding. */
typedef void fuzz_target(const uint8_t *data, size_t size);
fuzz_target fuzz_idx, fuzz_cifar, fuzz_picture, fuzz_weights, fuzz_checkpoint, fuzz_experiment, fuzz_genotype, fuzz_cells,
    fuzz_strategy, fuzz_space, fuzz_table, fuzz_facts, fuzz_latency, fuzz_store, fuzz_labels, fuzz_reference, fuzz_recipe,
    fuzz_layout, fuzz_rows;

/* The run ends with a finding unless the condition holds. */
void fuzz_demand(int condition, const char *what, const nlg_error *err);
/* A refusal must say why, in one line. */
void fuzz_check(nlg_status status, const nlg_error *err);
/* A file of these bytes in the run's own folder; its path, in one of a few static buffers used in turn. */
const char *fuzz_file(const char *name, const void *data, size_t size);
const char *fuzz_path(const char *name);           /* "": the folder */
char *fuzz_text(const uint8_t *data, size_t size); /* a copy with a zero behind; free with free */
const nlg_exec *fuzz_exec(void);                   /* one thread, portable code */

#endif
