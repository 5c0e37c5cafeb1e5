#include "search/parallel/at_once.h"

#include <unistd.h>

enum { DRAWN = 8 /* architectures */ };

/* 0: unknown. */
static size_t machine_memory(void) {
    const long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && bytes > 0 ? (size_t)pages * (size_t)bytes : 0;
}

int nlg_at_once(int threads, int waiting, size_t bytes, size_t memory) {
    int count = threads < waiting ? threads : waiting;
    if (memory == 0) memory = machine_memory();
    while (count > 1 && memory > 0 && bytes > memory / 2 / (size_t)count) count--;
    return count < 1 ? 1 : count;
}

static nlg_status measure(const nlg_at_once_job *job, const nlg_code *code, size_t *bytes, nlg_error *err) {
    const nlg_dataset_info *info = nlg_dataset_describe(job->dataset);
    const int border = job->recipe->augment ? 2 * job->recipe->augmentation.pad : 0;
    nlg_graph *graph;
    nlg_error why = {0};
    *bytes = 0;
    nlg_status status =
        job->space->build(job->space, code, info->h + border, info->w + border, info->c, info->classes, &graph, &why);
    if (status == NLG_ERR_MEMORY) return nlg_fail(err, status, "%s", why.text);
    if (status != NLG_OK) return NLG_OK; /* a trial of it fails as well */
    status = nlg_trainer_measure(graph, job->dataset, job->exec, job->recipe, 0, bytes, err);
    nlg_graph_destroy(graph);
    return status;
}

nlg_status nlg_at_once_in_space(const nlg_at_once_job *job, int *count, nlg_error *err) {
    size_t largest = 0;
    *count = 1;
    if (job->space->build == NULL || job->threads < 2 || job->waiting < 2) return NLG_OK;
    for (int i = 0; i < DRAWN; i++) {
        nlg_code code;
        size_t bytes;
        nlg_space_sample(job->space, nlg_rng_stream(nlg_rng_seed(0), (uint64_t)i), &code);
        NLG_TRY(measure(job, &code, &bytes, err));
        if (bytes > largest) largest = bytes;
    }
    *count = nlg_at_once(job->threads, job->waiting, largest, 0);
    return NLG_OK;
}
