/* Open addressing with linear probing; at most half full. */
#include "search/code_map.h"

#include "layers/base/memory.h"

struct nlg_code_slot {
    nlg_code code; /* length 0: free */
    double value;
};

static size_t place_of(const nlg_code_map *map, const nlg_code *code) {
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a over the values */
    for (int i = 0; i < code->length; i++) h = (h ^ (uint64_t)(uint16_t)code->value[i]) * UINT64_C(0x100000001b3);
    size_t place = (size_t)(h ^ h >> 29) & (map->room - 1);
    while (map->slots[place].code.length && !nlg_code_equal(&map->slots[place].code, code)) place = (place + 1) & (map->room - 1);
    return place;
}

static nlg_status grow(nlg_code_map *map, nlg_error *err) {
    nlg_code_map larger = {.count = map->count, .room = map->room ? 2 * map->room : 64};
    larger.slots = nlg_alloc(larger.room, sizeof *larger.slots);
    if (!larger.slots) return nlg_fail_memory(err, larger.room * sizeof *larger.slots, "the architectures seen");
    for (size_t i = 0; i < map->room; i++) {
        if (map->slots[i].code.length) larger.slots[place_of(&larger, &map->slots[i].code)] = map->slots[i];
    }
    nlg_free(map->slots);
    *map = larger;
    return NLG_OK;
}

nlg_status nlg_code_map_put(nlg_code_map *map, const nlg_code *code, double value, nlg_error *err) {
    if (2 * (map->count + 1) > map->room) NLG_TRY(grow(map, err));
    struct nlg_code_slot *slot = &map->slots[place_of(map, code)];
    map->count += slot->code.length == 0;
    slot->code = *code;
    slot->value = value;
    return NLG_OK;
}

const double *nlg_code_map_get(const nlg_code_map *map, const nlg_code *code) {
    if (!map->room) return NULL;
    const struct nlg_code_slot *slot = &map->slots[place_of(map, code)];
    return slot->code.length ? &slot->value : NULL;
}

void nlg_code_map_free(nlg_code_map *map) {
    nlg_free(map->slots);
    *map = (nlg_code_map){0};
}

bool nlg_codes_have(const void *entries, size_t size, int count, const nlg_code *code) {
    const char *entry = entries;
    for (int i = 0; i < count; i++, entry += size) {
        if (nlg_code_equal((const nlg_code *)(const void *)entry, code)) return true;
    }
    return false;
}
