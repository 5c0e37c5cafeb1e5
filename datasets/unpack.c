/* Files that may be packed by gzip, which zlib's gz functions find out by themselves. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>

#include "datasets/format.h"
#include "layers/base/file.h"

/* Deflate packs up to 1032 : 1. Pictures, labels and tables of numbers stay far below a hundred, unless they are small and blank.
 */
enum { LIKELY_RATIO = 100, ALWAYS_ALLOWED = 64 << 20 };

struct nlg_unpacker {
    gzFile file;
    char *path;
    uint64_t file_bytes, unpacked;
};

nlg_status nlg_unpacker_open(const char *path, nlg_unpacker **unpacker, nlg_error *err) {
    *unpacker = NULL;
    nlg_unpacker *u = nlg_alloc(1, sizeof *u);
    char *name = nlg_strdup(path);
    if (!u || !name) {
        nlg_free(u);
        nlg_free(name);
        return nlg_fail_memory(err, sizeof *u, path);
    }
    int file = open(name, O_RDONLY | O_CLOEXEC);
    int cause = errno;
    size_t length = strlen(name);
    if (file < 0 && cause == ENOENT && length > 3 && strcmp(name + length - 3, ".gz") == 0) {
        name[length - 3] = '\0';
        file = open(name, O_RDONLY | O_CLOEXEC);
        if (file < 0) {
            cause = errno;
            if (cause == ENOENT) name[length - 3] = '.'; /* name the usual form in the message */
        }
    }
    struct stat info;
    if (file >= 0 && fstat(file, &info) == 0 && S_ISDIR(info.st_mode)) {
        close(file);
        file = -1;
        cause = EISDIR;
    }
    if (file < 0) {
        nlg_status status =
            nlg_fail(err, NLG_ERR_IO, "%s: cannot read: %s; check the folder, or fetch the data set (lineage data fetch)", name,
                     strerror(cause));
        nlg_free(name);
        nlg_free(u);
        return status;
    }
    u->file = gzdopen(file, "rb");
    u->path = name;
    u->file_bytes = info.st_size > 0 ? (uint64_t)info.st_size : 0;
    if (!u->file) {
        close(file);
        nlg_free(name);
        nlg_free(u);
        return nlg_fail_memory(err, 1 << 15, path);
    }
    gzbuffer(u->file, 1 << 17);
    *unpacker = u;
    return NLG_OK;
}

void nlg_unpacker_close(nlg_unpacker *unpacker) {
    if (!unpacker) return;
    gzclose_r(unpacker->file);
    nlg_free(unpacker->path);
    nlg_free(unpacker);
}

const char *nlg_unpacker_path(const nlg_unpacker *unpacker) {
    return unpacker->path;
}

static nlg_status refuse_bomb(const nlg_unpacker *u, nlg_error *err) {
    return nlg_fail(
        err, NLG_ERR_INPUT,
        "%s: expected at most %llu bytes packed into %llu, found more: this is no data that was measured; fetch it again, "
        "or unpack it by gunzip if it is sound",
        u->path, (unsigned long long)nlg_unpacker_bound(u), (unsigned long long)u->file_bytes);
}

nlg_status nlg_unpacker_read(nlg_unpacker *unpacker, void *into, size_t size, size_t *got, nlg_error *err) {
    *got = 0;
    while (*got < size) {
        size_t part = size - *got < INT_MAX / 2 ? size - *got : INT_MAX / 2;
        int count = gzread(unpacker->file, (char *)into + *got, (unsigned)part);
        if (count > 0) *got += (size_t)count, unpacker->unpacked += (size_t)count;
        if (count > 0 && !gzdirect(unpacker->file) && unpacker->unpacked > nlg_unpacker_bound(unpacker))
            return refuse_bomb(unpacker, err);
        if (count == (int)part) continue;
        int code;
        const char *text = gzerror(unpacker->file, &code);
        if (code == Z_OK || code == Z_STREAM_END) break; /* the end of a sound file */
        if (code == Z_ERRNO)
            return nlg_fail(err, NLG_ERR_IO, "%s: cannot read: %s; check the disk and its permissions", unpacker->path,
                            strerror(errno));
        if (code == Z_MEM_ERROR) return nlg_fail_memory(err, size, unpacker->path);
        const char *prefix = strstr(text, ">: "); /* zlib's own name of the file: "<fd:3>: " */
        if (prefix) text = prefix + 3;
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a sound gzip file, found %s after %zu unpacked bytes; fetch it again",
                        unpacker->path, code == Z_BUF_ERROR ? "its end" : text, *got);
    }
    return NLG_OK;
}

uint64_t nlg_unpacker_bound(const nlg_unpacker *unpacker) {
    const uint64_t bytes = unpacker->file_bytes, most = bytes * 1032 + 64, likely = bytes * LIKELY_RATIO;
    if (gzdirect(unpacker->file)) return bytes;
    return most <= ALWAYS_ALLOWED ? most : likely > ALWAYS_ALLOWED ? likely : ALWAYS_ALLOWED;
}

nlg_status nlg_unpack_text(const char *path, size_t limit, char **text, size_t *size, nlg_error *err) {
    nlg_unpacker *unpacker;
    *text = NULL;
    *size = 0;
    NLG_TRY(nlg_unpacker_open(path, &unpacker, err));
    nlg_status status = NLG_OK;
    size_t room = 0, got = 1;
    while (status == NLG_OK && got > 0) {
        if (*size + 1 >= room) { /* one byte stays free for the last zero */
            if (room >= limit) {
                status = nlg_fail(err, NLG_ERR_INPUT, "%s: expected at most %zu bytes of text, found more", path, limit);
                break;
            }
            room = room ? 2 * room : 1 << 20;
            if (room > limit) room = limit;
            char *more = nlg_realloc(*text, room, 1);
            if (!more) {
                status = nlg_fail_memory(err, room, path);
                break;
            }
            *text = more;
        }
        status = nlg_unpacker_read(unpacker, *text + *size, room - *size - 1, &got, err);
        *size += got;
    }
    nlg_unpacker_close(unpacker);
    if (status == NLG_OK) {
        (*text)[*size] = '\0';
        return NLG_OK;
    }
    nlg_free(*text);
    *text = NULL;
    *size = 0;
    return status;
}

nlg_status nlg_pack_file(const char *path, const void *bytes, size_t size, nlg_error *err) {
    enum { GZIP = 16, MEMORY_LEVEL = 9 };
    z_stream z = {0};
    if (size > UINT_MAX) return nlg_fail(err, NLG_ERR_INPUT, "%s: %zu bytes are too many to pack", path, size);
    if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return nlg_fail_memory(err, 1 << 18, path);
    const size_t bound = deflateBound(&z, size);
    Bytef *packed = nlg_alloc(bound, 1);
    nlg_status status = packed && bound <= UINT_MAX ? NLG_OK : nlg_fail_memory(err, bound, path);
    if (status == NLG_OK) {
        z.next_in = bytes;
        z.avail_in = (uInt)size;
        z.next_out = packed;
        z.avail_out = (uInt)bound;
        const bool whole = deflate(&z, Z_FINISH) == Z_STREAM_END;
        status = whole ? nlg_file_write(path, packed, z.total_out, err) : nlg_fail_memory(err, bound, path);
    }
    deflateEnd(&z);
    nlg_free(packed);
    return status;
}
