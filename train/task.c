/* The registry of tasks. */
#include "train/task.h"

#include <string.h>

#define TASK(symbol) extern const nlg_task_type nlg_task_##symbol;
#include "train/tasks.def"
#undef TASK

static const nlg_task_type *const tasks[] = {
#define TASK(symbol) &nlg_task_##symbol,
#include "train/tasks.def"
#undef TASK
};

const nlg_task_type *nlg_task_for(const nlg_dataset_info *info) {
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        if (tasks[i]->targets == info->targets) return tasks[i];
    return NULL;
}

const char *nlg_task_name(const nlg_task_type *task) {
    return task->name;
}

nlg_recipe nlg_task_recipe(const nlg_task_type *task) {
    return task->recipe();
}

bool nlg_task_counts_hits(const nlg_task_type *task) {
    return task->counts_hits;
}

int nlg_task_metrics(const nlg_task_type *task) {
    int count = 0;
    while (task->metrics[count] != NULL) count++;
    return count;
}

const char *nlg_task_metric(const nlg_task_type *task, int index) {
    return task->metrics[index];
}
