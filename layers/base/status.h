/* Results of everything that can fail.
 *
 * A function that can fail returns nlg_status and takes `nlg_error *err`, where it leaves one line for the user:
 * what (file, layer), expected, found, what to do. Library code never exits and never prints. */
#ifndef NLG_STATUS_H
#define NLG_STATUS_H

typedef enum {
    NLG_OK = 0,
    NLG_ERR_INPUT,       /* wrong use, wrong file contents, wrong shape: exit code 2 */
    NLG_ERR_IO,          /* the operating system refused a file: exit code 2 */
    NLG_ERR_MEMORY,      /* an allocation failed or a memory limit is too small: exit code 2 */
    NLG_ERR_NUMERIC,     /* a loss or gradient is not finite: exit code 1 */
    NLG_ERR_INTERRUPTED, /* Ctrl-C; state is saved: exit code 130 */
    NLG_ERR_CHECK,       /* a check that the user asked for did not hold: exit code 1 */
} nlg_status;

typedef struct nlg_error {
    nlg_status status;
    char text[1024];
} nlg_error;

/* Record a failure and return `status`; the first record wins. `err` may be NULL. A macro, so that compilers see which status it is
 * and know that what follows a failure is not reached. */
#define nlg_fail(err, status, ...) (nlg_record_failure(err, status, __VA_ARGS__), nlg_status_itself(status))
static inline nlg_status nlg_status_itself(nlg_status status) {
    return status;
}
void nlg_record_failure(nlg_error *err, nlg_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Prefix the recorded text with "where: ", for callers that know more (a file, a layer). Returns err's status. */
nlg_status nlg_fail_at(nlg_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line on what went wrong without making a result wrong, such as a file that cannot be removed: it goes to the program's
 * listener, and is dropped where there is none, as at the start. */
void nlg_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void nlg_warnings_go_to(void (*listener)(const char *text)); /* before threads begin; NULL: to nobody */

/* Exit code for a status, as the table above states. */
int nlg_status_exit_code(nlg_status status);

#define NLG_TRY(expression)                                                                                                        \
    do {                                                                                                                           \
        nlg_status nlg_try_status = (expression);                                                                                  \
        if (nlg_try_status != NLG_OK) return nlg_try_status;                                                                       \
    } while (0)

#endif
