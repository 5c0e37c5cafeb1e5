/* SHA-256 through libcrypto's plain functions: those of EVP allocate some 4,900 blocks at their first use and crash where one of
 * them fails; these allocate none and cannot fail. */
#define OPENSSL_API_COMPAT 0x10100000L /* they are deprecated since, and stay */
#include "layers/base/digest.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/memory.h"

struct nlg_digest {
    SHA256_CTX context;
};

nlg_digest *nlg_digest_create(void) {
    nlg_digest *digest = nlg_alloc(1, sizeof *digest);
    if (digest) SHA256_Init(&digest->context);
    return digest;
}

void nlg_digest_update(nlg_digest *digest, const void *data, size_t bytes) {
    SHA256_Update(&digest->context, data, bytes);
}

void nlg_digest_finish(nlg_digest *digest, char hex[65]) {
    unsigned char value[SHA256_DIGEST_LENGTH];
    SHA256_Final(value, &digest->context);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++) snprintf(hex + 2 * i, 3, "%02x", value[i]);
    nlg_free(digest);
}

nlg_status nlg_digest_file(const char *path, char hex[65], nlg_error *err) {
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, sizeof *digest, "a SHA-256 digest");
    FILE *file = fopen(path, "rb");
    int cause = file ? 0 : errno;
    if (file) {
        unsigned char buffer[1 << 14];
        size_t count;
        while ((count = fread(buffer, 1, sizeof buffer, file)) > 0) nlg_digest_update(digest, buffer, count);
        if (ferror(file)) cause = errno;
        fclose(file);
    }
    nlg_digest_finish(digest, hex);
    if (cause) return nlg_fail(err, NLG_ERR_IO, "%s: cannot read: %s; check the path and its permissions", path, strerror(cause));
    return NLG_OK;
}
