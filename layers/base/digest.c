/* SHA-256 through libcrypto. */
#include "layers/base/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/memory.h"

struct nlg_digest {
    EVP_MD_CTX *context;
};

nlg_digest *nlg_digest_create(void) {
    nlg_digest *digest = nlg_alloc(1, sizeof *digest);
    if (!digest) return NULL;
    digest->context = EVP_MD_CTX_new();
    if (!digest->context || !EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL)) {
        EVP_MD_CTX_free(digest->context);
        nlg_free(digest);
        return NULL;
    }
    return digest;
}

void nlg_digest_update(nlg_digest *digest, const void *data, size_t bytes) {
    EVP_DigestUpdate(digest->context, data, bytes);
}

void nlg_digest_finish(nlg_digest *digest, char hex[65]) {
    unsigned char value[EVP_MAX_MD_SIZE] = {0};
    EVP_DigestFinal_ex(digest->context, value, NULL);
    for (int i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", value[i]);
    EVP_MD_CTX_free(digest->context);
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
