/* Generated samples stay in memory: to paint them anew at each use takes a good part of a small detector's training. */
#include <string.h>

#include "datasets/format.h"

enum { MOST_BYTES = 128 << 20 };
enum { EMPTY, BEING_WRITTEN, WRITTEN }; /* kept_state */

void nlg_samples_keep(const nlg_dataset *dataset, nlg_samples *samples) {
    const size_t bytes = (size_t)samples->h * (size_t)samples->w * (size_t)samples->c,
                 most = dataset->options.cache_bytes ? dataset->options.cache_bytes : MOST_BYTES;
    if (!dataset->format->made_of || samples->pixels || bytes == 0) return;
    const size_t fits = most / bytes, n = fits < samples->count ? fits : samples->count;
    if (n == 0) return;
    samples->kept = nlg_alloc(n, bytes);
    samples->kept_state = nlg_alloc(n, sizeof *samples->kept_state);
    samples->n_kept = samples->kept && samples->kept_state ? (uint32_t)n : 0;
}

nlg_status nlg_samples_pixels(const nlg_dataset *dataset, const nlg_samples *samples, uint32_t sample, uint8_t *buffer,
                              const uint8_t **pixels, nlg_error *err) {
    const size_t bytes = (size_t)samples->h * (size_t)samples->w * (size_t)samples->c;
    *pixels = buffer;
    if (samples->pixels) {
        *pixels = samples->pixels + sample * bytes;
        return NLG_OK;
    }
    if (sample >= samples->n_kept) return dataset->format->read(dataset, samples, sample, buffer, err);
    uint8_t *state = &samples->kept_state[sample], *kept = samples->kept + sample * bytes, was = EMPTY;
    if (__atomic_load_n(state, __ATOMIC_ACQUIRE) == WRITTEN) {
        *pixels = kept;
        return NLG_OK;
    }
    NLG_TRY(dataset->format->read(dataset, samples, sample, buffer, err));
    if (__atomic_compare_exchange_n(state, &was, BEING_WRITTEN, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        memcpy(kept, buffer, bytes);
        __atomic_store_n(state, WRITTEN, __ATOMIC_RELEASE);
    }
    return NLG_OK;
}
