/* What every space can do, from its table: sampling, mutation and hashing for spaces without a rule of their own. */
#include <assert.h>
#include <string.h>

#include "layers/base/digest.h"
#include "layers/base/memory.h"
#include "search/space.h"

bool nlg_code_equal(const nlg_code *a, const nlg_code *b) {
    return a->length == b->length && memcmp(a->value, b->value, (size_t)a->length * sizeof a->value[0]) == 0;
}

bool nlg_space_valid(const nlg_space *space, const nlg_code *code) {
    const int length = code->length;
    const bool whole =
        length == space->length || (space->block > 0 && length > 0 && length < space->length && length % space->block == 0);
    if (!whole) return false;
    for (int i = 0; i < length; i++) {
        if (code->value[i] < 0 || code->value[i] >= space->choices(space, i)) return false;
    }
    return !space->valid || space->valid(space, code);
}

double nlg_space_size(const nlg_space *space) {
    if (space->size) return space->size(space);
    double size = 1;
    for (int i = 0; i < space->length; i++) size *= space->choices(space, i);
    return size;
}

void nlg_space_sample(const nlg_space *space, nlg_rng rng, nlg_code *code) {
    *code = (nlg_code){0};
    if (space->sample) {
        space->sample(space, rng, code);
        return;
    }
    uint64_t draw = 0;
    do {
        code->length = space->length;
        for (int i = 0; i < space->length; i++) {
            code->value[i] = (int16_t)nlg_rng_below(rng, draw++, (uint64_t)space->choices(space, i));
        }
    } while (!nlg_space_valid(space, code));
}

/* One position takes another of its values. */
static void change_position(const nlg_space *space, nlg_rng rng, const nlg_code *parent, nlg_code *child) {
    int free_positions[NLG_CODE_MAX], count = 0;
    for (int i = 0; i < parent->length; i++) {
        if (space->choices(space, i) > 1) free_positions[count++] = i;
    }
    assert(count > 0);
    int position = free_positions[nlg_rng_below(rng, 0, (uint64_t)count)];
    int value = (int)nlg_rng_below(rng, 1, (uint64_t)space->choices(space, position) - 1);
    *child = *parent;
    child->value[position] = (int16_t)(value < parent->value[position] ? value : value + 1);
}

void nlg_space_mutate(const nlg_space *space, nlg_rng rng, const nlg_code *parent, nlg_code *child) {
    enum { TRIES = 1000 };
    nlg_code before, after;
    nlg_space_canonical(space, parent, &before);
    for (uint64_t i = 0; i < TRIES; i++) {
        nlg_rng draw = nlg_rng_stream(rng, i);
        *child = (nlg_code){0};
        if (space->mutate) {
            space->mutate(space, draw, parent, child);
        } else {
            change_position(space, draw, parent, child);
        }
        if (!nlg_space_valid(space, child)) continue;
        nlg_space_canonical(space, child, &after);
        if (!nlg_code_equal(&before, &after)) return;
    }
    nlg_space_sample(space, rng, child); /* a parent without neighbours */
}

void nlg_space_canonical(const nlg_space *space, const nlg_code *code, nlg_code *canonical) {
    *canonical = (nlg_code){0};
    if (space->canonical) {
        space->canonical(space, code, canonical);
    } else {
        *canonical = *code;
    }
}

nlg_status nlg_space_hash(const nlg_space *space, const nlg_code *code, char hex[65], nlg_error *err) {
    nlg_code canonical;
    nlg_space_canonical(space, code, &canonical);
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, 256, "a hash");
    nlg_digest_update(digest, space->name, strlen(space->name) + 1);
    for (int i = 0; i < canonical.length; i++) {
        unsigned value = (unsigned)canonical.value[i];
        unsigned char bytes[2] = {(unsigned char)(value & 0xff), (unsigned char)(value >> 8 & 0xff)};
        nlg_digest_update(digest, bytes, sizeof bytes);
    }
    nlg_digest_finish(digest, hex);
    return NLG_OK;
}
