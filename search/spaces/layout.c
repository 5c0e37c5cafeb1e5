/* Layouts of user interfaces: trees of components (search/layouts/layout.h) that are to look like a picture.
 *
 * Code: the background's colour, then one slot of nine values for each of up to `components` components in preorder: kind (0:
 * the slot is empty), how many of the open containers are closed first, x, y, width, height, colour, radius, text. Values that a
 * kind has no use for are 0 in canonical codes, whose empty slots come last; x is also the alignment in rows and columns, text also
 * their spacing. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/memory.h"
#include "search/layouts/target.h"
#include "search/space.h"
#include "search/spaces/layout.h"

enum { TARGET, TEXTS, COMPONENTS }; /* parameters */
enum { KIND, UP, X, Y, W, H, COLOUR, RADIUS, TEXT, FIELDS };
enum { SECOND = 1 + FIELDS }; /* the second slot, which has every choice */

typedef nlg_layout_target design;

static const design *design_of(const nlg_space *self) {
    assert(self->data); /* nlg_space_open, not nlg_space_find */
    return self->data;
}

static int slots(const nlg_space *self) {
    return (self->length - 1) / FIELDS;
}

static int most(int a, int b) {
    return a > b ? a : b;
}

static int choices(const nlg_space *self, int position) {
    const nlg_layout_style *s = &design_of(self)->style;
    if (position == 0) return s->n_colours;
    switch ((position - 1) % FIELDS) {
    case KIND:
        return 1 + NLG_LAYOUT_KIND_COUNT;
    case UP:
        return position > FIELDS ? 1 + NLG_LAYOUT_DEPTH : 1; /* nothing is open before the first */
    case X:
    case W:
        return nlg_layout_units_across(s);
    case Y:
    case H:
        return nlg_layout_units_down(s);
    case COLOUR:
        return s->n_colours + 1; /* the last: transparent */
    case RADIUS:
        return NLG_LAYOUT_RADII;
    default:
        return most(s->n_texts, NLG_LAYOUT_SPACINGS);
    }
}

static const int16_t *slot_of(const nlg_code *code, int slot) {
    return code->value + 1 + FIELDS * slot;
}

static bool valid(const nlg_space *self, const nlg_code *code) {
    int count = 0;
    for (int i = 0; i < slots(self); i++) count += slot_of(code, i)[KIND] != 0;
    return count >= NLG_LAYOUT_LEAST;
}

/* ---- codes and layouts ---- */

static bool flows(nlg_layout_kind kind) {
    return kind == NLG_LAYOUT_ROW || kind == NLG_LAYOUT_COLUMN;
}

static void read_slot(const nlg_layout_style *s, const int16_t *slot, const nlg_layout *layout, nlg_layout_component *c) {
    const int across = nlg_layout_units_across(s);
    if (c->parent >= 0 && flows(layout->component[c->parent].kind)) {
        c->align = (nlg_layout_align)(3 * slot[X] / across);
    } else {
        c->x = slot[X], c->y = slot[Y];
    }
    c->w = slot[W] + 1, c->h = slot[H] + 1;
    if (slot[COLOUR] < s->n_colours) {
        c->colour = slot[COLOUR];
    } else {
        c->colour = nlg_layout_is_container(c->kind) ? NLG_LAYOUT_TRANSPARENT : 0;
    }
    if (c->kind != NLG_LAYOUT_TEXT) c->radius = slot[RADIUS];
    if (flows(c->kind)) c->spacing = slot[TEXT] % NLG_LAYOUT_SPACINGS;
    if (c->kind == NLG_LAYOUT_TEXT || c->kind == NLG_LAYOUT_BUTTON || c->kind == NLG_LAYOUT_INPUT)
        c->text = slot[TEXT] % s->n_texts;
}

static void to_layout(const nlg_space *self, const nlg_code *code, nlg_layout *layout) {
    const nlg_layout_style *s = &design_of(self)->style;
    *layout = (nlg_layout){.background = code->value[0]};
    int open[NLG_LAYOUT_DEPTH + 1] = {-1}, depth = 0;
    bool has_child[NLG_LAYOUT_COMPONENTS] = {false};
    for (int i = 0; i < slots(self); i++) {
        const int16_t *slot = slot_of(code, i);
        if (slot[KIND] == 0) continue;
        nlg_layout_component *c = &layout->component[layout->count];
        c->kind = (nlg_layout_kind)(slot[KIND] - 1);
        depth = most(depth - slot[UP], 0);
        c->parent = open[depth];
        if (c->parent >= 0) has_child[c->parent] = true;
        read_slot(s, slot, layout, c);
        if (nlg_layout_is_container(c->kind) && depth < NLG_LAYOUT_DEPTH) open[++depth] = layout->count;
        layout->count++;
    }
    for (int i = 0; i < layout->count; i++) { /* a row of nothing is a box */
        nlg_layout_component *c = &layout->component[i];
        if (flows(c->kind) && !has_child[i]) c->kind = NLG_LAYOUT_BOX, c->spacing = 0;
    }
}

/* Canonical. */
static void from_layout(const nlg_space *self, const nlg_layout *layout, nlg_code *code) {
    const nlg_layout_style *s = &design_of(self)->style;
    const int across = nlg_layout_units_across(s);
    *code = (nlg_code){.length = self->length};
    code->value[0] = (int16_t)layout->background;
    int open[NLG_LAYOUT_DEPTH + 1] = {-1}, depth = 0;
    for (int i = 0; i < layout->count; i++) {
        const nlg_layout_component *c = &layout->component[i];
        int16_t *slot = code->value + 1 + FIELDS * i;
        slot[KIND] = (int16_t)(c->kind + 1);
        for (; open[depth] != c->parent; depth--) slot[UP]++;
        if (c->parent >= 0 && flows(layout->component[c->parent].kind)) {
            slot[X] = (int16_t)(((int)c->align * across + 2) / 3);
        } else {
            slot[X] = (int16_t)c->x, slot[Y] = (int16_t)c->y;
        }
        slot[W] = (int16_t)(c->w - 1), slot[H] = (int16_t)(c->h - 1);
        slot[COLOUR] = (int16_t)(c->colour == NLG_LAYOUT_TRANSPARENT ? s->n_colours : c->colour);
        slot[RADIUS] = (int16_t)c->radius;
        slot[TEXT] = (int16_t)(flows(c->kind) ? c->spacing : c->text);
        if (nlg_layout_is_container(c->kind) && depth < NLG_LAYOUT_DEPTH) open[++depth] = i;
    }
}

const nlg_layout_target *nlg_layout_space_target(const nlg_space *space) {
    return space->choices == choices ? design_of(space) : NULL;
}

void nlg_layout_space_layout(const nlg_space *space, const nlg_code *code, nlg_layout *layout) {
    to_layout(space, code, layout);
}

static void canonical(const nlg_space *self, const nlg_code *code, nlg_code *out) {
    nlg_layout layout;
    to_layout(self, code, &layout);
    from_layout(self, &layout, out);
}

static void encode(const nlg_space *self, const nlg_code *code, char *text, size_t size) {
    nlg_layout layout;
    to_layout(self, code, &layout);
    nlg_layout_write(&layout, text, size);
}

static nlg_status decode(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err) {
    nlg_layout layout;
    NLG_TRY(nlg_layout_read(text, &design_of(self)->style, &layout, err));
    if (layout.count < NLG_LAYOUT_LEAST || layout.count > slots(self))
        return nlg_fail(err, NLG_ERR_INPUT, "layout: expected %d to %d components, found %d", NLG_LAYOUT_LEAST, slots(self),
                        layout.count);
    nlg_code raw;
    from_layout(self, &layout, &raw);
    canonical(self, &raw, code); /* a row of nothing is read as a box */
    return NLG_OK;
}

/* ---- sampling and mutation ---- */

/* Sizes are the smaller of two draws: more components are small than large. */
static void draw_slot(const nlg_space *self, nlg_rng rng, int16_t *slot) {
    const nlg_rng again = nlg_rng_stream(rng, 0);
    for (int f = 0; f < FIELDS; f++) {
        const uint64_t n = (uint64_t)choices(self, SECOND + f);
        slot[f] = (int16_t)nlg_rng_below(rng, (uint64_t)f, n);
        const int16_t other = (int16_t)nlg_rng_below(again, (uint64_t)f, n);
        if ((f == W || f == H) && other < slot[f]) slot[f] = other;
    }
    slot[KIND] = (int16_t)(1 + nlg_rng_below(rng, FIELDS, NLG_LAYOUT_KIND_COUNT));
}

static void sample(const nlg_space *self, nlg_rng rng, nlg_code *code) {
    nlg_code raw = {.length = self->length};
    raw.value[0] = (int16_t)nlg_rng_below(rng, 0, (uint64_t)choices(self, 0));
    const int count = NLG_LAYOUT_LEAST + (int)nlg_rng_below(rng, 1, (uint64_t)(slots(self) - NLG_LAYOUT_LEAST + 1));
    for (int i = 0; i < count; i++) draw_slot(self, nlg_rng_stream(rng, (uint64_t)i), raw.value + 1 + FIELDS * i);
    canonical(self, &raw, code);
}

/* Places and sizes move by 1, 2, 4 or 8 units; other values take another one. */
static void change_field(const nlg_space *self, nlg_rng rng, int field, int16_t *value) {
    const int n = choices(self, SECOND + field);
    if (field == X || field == Y || field == W || field == H) {
        const int step = 1 << nlg_rng_below(rng, 0, 4), moved = *value + (nlg_rng_below(rng, 1, 2) ? step : -step);
        *value = (int16_t)(moved < 0 ? 0 : moved >= n ? n - 1 : moved);
        return;
    }
    const int least = field == KIND, other = least + (int)nlg_rng_below(rng, 2, (uint64_t)(n - least - 1));
    *value = (int16_t)(other < *value ? other : other + 1);
}

static void exchange(int16_t *a, int16_t *b) {
    int16_t kept[FIELDS];
    memcpy(kept, a, sizeof kept);
    memcpy(a, b, sizeof kept);
    memcpy(b, kept, sizeof kept);
}

/* One of: a value of a component (55 %), a new component (10), one less (10), two neighbours exchanged (10), a component placed
 * anew (10), the background (5). */
static void mutate(const nlg_space *self, nlg_rng rng, const nlg_code *parent, nlg_code *child) {
    nlg_code code;
    canonical(self, parent, &code);
    int count = 0;
    while (count < slots(self) && slot_of(&code, count)[KIND] != 0) count++;
    const int kind = (int)nlg_rng_below(rng, 0, 100), i = (int)nlg_rng_below(rng, 1, (uint64_t)count);
    int16_t *slot = code.value + 1 + FIELDS * i;
    const nlg_rng draws = nlg_rng_stream(rng, 0);
    if (kind < 55) {
        const int field = (int)nlg_rng_below(rng, 2, FIELDS);
        change_field(self, draws, field, &slot[field]);
    } else if (kind < 65 && count < slots(self)) {
        memmove(slot + FIELDS, slot, (size_t)(count - i) * FIELDS * sizeof *slot);
        draw_slot(self, draws, slot);
    } else if (kind < 75 && count > NLG_LAYOUT_LEAST) {
        memmove(slot, slot + FIELDS, (size_t)(count - i - 1) * FIELDS * sizeof *slot);
        memset(code.value + 1 + FIELDS * (count - 1), 0, FIELDS * sizeof *slot);
    } else if (kind < 85 && i + 1 < count) {
        exchange(slot, slot + FIELDS);
    } else if (kind < 95) {
        int16_t fresh[FIELDS];
        draw_slot(self, draws, fresh);
        memcpy(slot + X, fresh + X, (H - X + 1) * sizeof *slot);
    } else {
        code.value[0] = (int16_t)nlg_rng_below(draws, 0, (uint64_t)choices(self, 0));
    }
    canonical(self, &code, child);
}

/* ---- for predictors: of each component its kind, rectangle and colour ---- */

static int features(const nlg_space *self, const nlg_code *code, double *out) {
    enum { RECTANGLE = 4, RGB = 3, EACH = NLG_LAYOUT_KIND_COUNT + RECTANGLE + RGB };
    const int n = RGB + slots(self) * EACH;
    if (!out) return n;
    const nlg_layout_style *s = &design_of(self)->style;
    nlg_layout layout;
    nlg_layout_item items[NLG_LAYOUT_COMPONENTS];
    to_layout(self, code, &layout);
    nlg_layout_items(&layout, s, items);
    memset(out, 0, (size_t)n * sizeof *out);
    for (int k = 0; k < RGB; k++) *out++ = s->palette[layout.background][k] / 255.0;
    for (int i = 0; i < layout.count; i++, out += EACH) {
        const nlg_layout_item *item = &items[i];
        double *rest = out + NLG_LAYOUT_KIND_COUNT;
        out[item->kind] = 1;
        rest[0] = (double)item->x / s->w, rest[1] = (double)item->y / s->h;
        rest[2] = (double)item->w / s->w, rest[3] = (double)item->h / s->h;
        for (int k = 0; k < RGB; k++) rest[RECTANGLE + k] = item->colour[k] / 255.0;
    }
    return n;
}

/* ---- opening ---- */

static nlg_status open_design(nlg_space *self, nlg_error *err) {
    design *d = nlg_alloc(1, sizeof *d);
    if (!d) return nlg_fail_memory(err, sizeof *d, "a layout's target");
    nlg_status status = nlg_layout_target_open(self->parameter_text[TARGET], self->parameter_text[TEXTS], d, err);
    if (status != NLG_OK) {
        nlg_free(d);
        return nlg_fail_at(err, "space layout");
    }
    self->data = d;
    self->length = 1 + FIELDS * self->parameter[COMPONENTS];
    /* Files are named by what is in them, so that another spelling of a path is no other space. */
    const bool plain = strcmp(d->name, "sign-in") == 0 && self->parameter[COMPONENTS] == NLG_LAYOUT_COMPONENTS;
    snprintf(self->name, sizeof self->name, "layout");
    if (!plain) snprintf(self->name, sizeof self->name, "layout:target=%s,components=%d", d->name, self->parameter[COMPONENTS]);
    return NLG_OK;
}

static void close_design(nlg_space *self) {
    if (self->data) nlg_layout_target_close(self->data);
    nlg_free(self->data);
    self->data = NULL;
}

static const nlg_space_parameter parameters[] = {
    {.name = "target", .text = "sign-in", .summary = "sign-in, profile, shop, outside, or a PNG or JPEG file"},
    {.name = "texts", .text = "", .summary = "a file with the texts that may appear, one a line"},
    {.name = "components",
     .value = NLG_LAYOUT_COMPONENTS,
     .min = NLG_LAYOUT_LEAST,
     .max = NLG_LAYOUT_COMPONENTS,
     .summary = "components at most"},
};

const nlg_space nlg_space_layout = {
    .name = "layout",
    .summary = "trees of user-interface components that are to look like a picture",
    .source = "this project; the question is the last section's of the article",
    .length = 1 + FIELDS * NLG_LAYOUT_COMPONENTS,
    .parameters = parameters,
    .n_parameters = 3,
    .parameter = {0, 0, NLG_LAYOUT_COMPONENTS},
    .open = open_design,
    .close = close_design,
    .choices = choices,
    .valid = valid,
    .sample = sample,
    .mutate = mutate,
    .canonical = canonical,
    .encode = encode,
    .decode = decode,
    .features = features,
};
