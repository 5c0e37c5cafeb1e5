/* SHA-256 (libcrypto). */
#ifndef NLG_DIGEST_H
#define NLG_DIGEST_H

#include <stddef.h>

#include "layers/base/status.h"

typedef struct nlg_digest nlg_digest;
nlg_digest *nlg_digest_create(void); /* NULL when memory is short */
void nlg_digest_update(nlg_digest *digest, const void *data, size_t bytes);
void nlg_digest_finish(nlg_digest *digest, char hex[65]); /* destroys it */
nlg_status nlg_digest_file(const char *path, char hex[65], nlg_error *err);

#endif
