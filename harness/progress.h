/* Progress of long work on standard error, and Ctrl-C.
 *
 * On a terminal one line is rewritten, with rate and time left; elsewhere a plain line appears now and then. */
#ifndef NLG_PROGRESS_H
#define NLG_PROGRESS_H

#include <stdbool.h>

double nlg_seconds_now(void); /* monotonic */
/* "45s", "3m20s", "2h05m" */
const char *nlg_duration_text(double seconds, char text[24]);

typedef struct nlg_progress {
    bool terminal, shown;
    double start, first_fraction, last_print;
} nlg_progress;

void nlg_progress_start(nlg_progress *progress);
/* `fraction` of all the work is done (continued work may start above 0); the text says what is being done and how well, and is cut
 * where the terminal ends. Prints only when it is time to: "33%, 2m10s left: TEXT". */
void nlg_progress_update(nlg_progress *progress, double fraction, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A line that stays. */
void nlg_progress_line(nlg_progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
void nlg_progress_end(nlg_progress *progress);

/* From now on the first SIGINT or SIGTERM only sets a flag, so that the work can stop cleanly; a second one kills. SIGHUP, which a
 * closed terminal sends, sets the flag too. Signals that were ignored when the program started stay ignored. */
void nlg_interrupt_watch(void);
bool nlg_interrupted(void);

#endif
