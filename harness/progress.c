/* Progress lines and the interrupt flag. */
#include "harness/progress.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "harness/terminal.h"

enum { LINE_BYTES = 4096 };
static const double terminal_seconds = 0.2, plain_seconds = 10;

double nlg_seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const char *nlg_duration_text(double seconds, char text[24]) {
    long s = seconds < 0 ? 0 : seconds < 1e8 ? (long)(seconds + 0.5) : 100000000;
    if (s < 60)
        snprintf(text, 24, "%lds", s);
    else if (s < 3600)
        snprintf(text, 24, "%ldm%02lds", s / 60, s % 60);
    else
        snprintf(text, 24, "%ldh%02ldm", s / 3600, s / 60 % 60);
    return text;
}

void nlg_progress_start(nlg_progress *progress) {
    *progress = (nlg_progress){.terminal = isatty(STDERR_FILENO), .start = nlg_seconds_now(), .first_fraction = -1};
    progress->last_print = progress->start;
}

static void clear_line(nlg_progress *progress) {
    if (progress->shown) fputs("\r\033[K", stderr);
    progress->shown = false;
}

/* On a terminal a line that is wider would wrap, and could not be taken back. */
static void print_line(const nlg_progress *progress, const char *text) {
    const int columns = progress->terminal ? nlg_terminal_columns(stderr) : 0;
    nlg_print_cut(stderr, text, columns ? columns - 1 : 0);
}

void nlg_progress_update(nlg_progress *progress, double fraction, const char *format, ...) {
    double now = nlg_seconds_now();
    if (progress->first_fraction < 0) {
        progress->first_fraction = fraction;
        progress->start = now;
    }
    if (now - progress->last_print < (progress->terminal ? terminal_seconds : plain_seconds)) return;
    progress->last_print = now;
    double gained = fraction - progress->first_fraction;
    char text[LINE_BYTES], left[24];
    int used = snprintf(text, sizeof text, "%.0f%%", 100 * fraction); /* in front, so that it is not cut off */
    if (gained > 0)
        used += snprintf(text + used, sizeof text - (size_t)used, ", %s left",
                         nlg_duration_text((now - progress->start) / gained * (1 - fraction), left));
    used += snprintf(text + used, sizeof text - (size_t)used, ": ");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
    va_end(arguments);
    clear_line(progress);
    print_line(progress, text);
    if (progress->terminal)
        progress->shown = true;
    else
        fputc('\n', stderr);
    fflush(stderr);
}

void nlg_progress_line(nlg_progress *progress, const char *format, ...) {
    char text[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    clear_line(progress);
    print_line(progress, text);
    fputc('\n', stderr);
    progress->last_print = nlg_seconds_now();
}

void nlg_progress_end(nlg_progress *progress) {
    clear_line(progress);
}

static volatile sig_atomic_t interrupted;

static void note_signal(int number) {
    (void)number;
    interrupted = 1;
}

void nlg_interrupt_watch(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) {
        struct sigaction before, action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
        if (sigaction(signals[i], NULL, &before) != 0 || before.sa_handler == SIG_IGN) continue; /* nohup, background of a shell */
        if (signals[i] != SIGHUP) action.sa_flags |= (int)SA_RESETHAND; /* a closed terminal may send it more than once */
        sigaction(signals[i], &action, NULL);
    }
}

bool nlg_interrupted(void) {
    return interrupted;
}
