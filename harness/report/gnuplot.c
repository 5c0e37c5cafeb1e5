/* Starting gnuplot. */
#include "harness/report/gnuplot.h"

#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "layers/base/share.h"

extern char **environ;

nlg_status nlg_gnuplot(const char *name, const char *table, const char *out, const char *argument, nlg_error *err) {
    char script[1024];
    char wanted[128];
    snprintf(wanted, sizeof wanted, "plots/%s.gp", name);
    if (!nlg_share_path(wanted, script, sizeof script))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: missing; install the program again, or name the folder of its files in NLG_SHARE",
                        script);
    char *arguments[] = {(char *)(uintptr_t) "gnuplot", (char *)(uintptr_t) "-c",    script, (char *)(uintptr_t)table,
                         (char *)(uintptr_t)out,        (char *)(uintptr_t)argument, NULL};
    pid_t child;
    if (posix_spawnp(&child, "gnuplot", NULL, NULL, arguments, environ) != 0)
        return nlg_fail(err, NLG_ERR_INPUT, "gnuplot cannot be started; install it by make setup");
    int ended;
    if (waitpid(child, &ended, 0) != child || ended != 0)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: gnuplot failed on %s; see its message above", script, table);
    return NLG_OK;
}
