/* Loading OpenBLAS. */
#include "layers/kernels/openblas.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include "layers/base/memory.h"

#define LIBRARY "libopenblas.so.0"
enum { MIB = 1 << 20, LIBRARY_MIB = 256, THREAD_MIB = 128 };

static nlg_openblas functions;

/* OpenBLAS ends the program, or waits for threads that never came to life, when it finds no memory: so the memory is tried
 * beforehand. Measured on two processors: 310 MiB of addresses are needed. */
static nlg_status try_memory(nlg_error *err) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t bytes = (LIBRARY_MIB + THREAD_MIB * (size_t)(processors > 1 ? processors : 1)) * MIB;
    void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED) return nlg_fail_memory(err, bytes, "OpenBLAS");
    munmap(block, bytes);
    return NLG_OK;
}

/* A first product, after which OpenBLAS holds its buffers. */
static void warm_up(const nlg_openblas *f) {
    enum { N = 64 };
    static float a[N * N], c[N * N];
    f->sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, a, N, 0, c, N);
}

nlg_status nlg_openblas_load(nlg_error *err) {
    if (functions.sgemm) return NLG_OK;
    NLG_TRY(try_memory(err));
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return nlg_fail(err, NLG_ERR_INPUT, "backend openblas: cannot load the library: %s; install Debian's package libopenblas0",
                        dlerror());
    nlg_openblas found = {.sgemm = (__typeof__(found.sgemm))dlsym(library, "cblas_sgemm"),
                          .set_num_threads = (__typeof__(found.set_num_threads))dlsym(library, "openblas_set_num_threads"),
                          .get_config = (__typeof__(found.get_config))dlsym(library, "openblas_get_config")};
    if (!found.sgemm || !found.set_num_threads || !found.get_config)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "backend openblas: " LIBRARY " lacks cblas_sgemm, openblas_set_num_threads or openblas_get_config; install "
                        "Debian's package libopenblas0");
    warm_up(&found);
    functions = found;
    return NLG_OK;
}

const nlg_openblas *nlg_openblas_loaded(void) {
    return functions.sgemm ? &functions : NULL;
}
