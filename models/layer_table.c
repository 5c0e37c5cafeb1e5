/* Reads layer tables (see the header) and builds them in the same pass. A fault of a table goes to the builder, with the place. */
#include "models/layer_table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BRANCHES = 8, MAX_WORD = 48, MAX_MARKS = 4 };

typedef struct reader {
    nlg_builder *b;
    const nlg_layer_table *table;
    int classes;
    const char *at;
    nlg_value mark[MAX_MARKS];
} reader;

static nlg_value fault(reader *r, const char *expected) {
    nlg_builder_fail(r->b, "layer table: expected %s at '%.30s'", expected, r->at);
    return -1;
}

static void skip_space(reader *r) {
    while (isspace((unsigned char)*r->at)) r->at++;
}

static bool take(reader *r, char sign) {
    skip_space(r);
    if (*r->at != sign) return false;
    r->at++;
    return true;
}

static void expect(reader *r, char sign) {
    if (!take(r, sign)) fault(r, (char[]){'\'', sign, '\'', '\0'});
}

/* Letters, digits, '_' and '.'. */
static void word(reader *r, char text[MAX_WORD]) {
    skip_space(r);
    size_t n = 0;
    while (n < MAX_WORD - 1 && (isalnum((unsigned char)r->at[n]) || r->at[n] == '_' || r->at[n] == '.')) n++;
    memcpy(text, r->at, n);
    text[n] = '\0';
    r->at += n;
    if (n == 0) fault(r, "a name");
}

static int number(reader *r) {
    skip_space(r);
    char *end;
    const long value = strtol(r->at, &end, 10);
    if (end == r->at || value < 0 || value > 1000000) return fault(r, "a number");
    r->at = end;
    return (int)value;
}

/* Decimal without exponent, read digit by digit: no locale. */
static float decimal(reader *r) {
    skip_space(r);
    double value = 0, unit = 1;
    const char *start = r->at;
    for (bool point = false; isdigit((unsigned char)*r->at) || (*r->at == '.' && !point); r->at++) {
        if (*r->at == '.') {
            point = true;
            continue;
        }
        value = 10 * value + (*r->at - '0');
        if (point) unit *= 10;
    }
    if (r->at == start) fault(r, "a decimal number");
    return (float)(value / unit);
}

typedef struct window {
    int h, w, stride;
    bool valid, ceil;
} window;

static window read_window(reader *r) {
    window k = {.stride = 1};
    k.h = number(r);
    expect(r, 'x');
    k.w = number(r);
    if (take(r, '/')) k.stride = number(r);
    k.valid = take(r, 'v');
    k.ceil = take(r, 'c');
    return k;
}

static nlg_value items(reader *r, nlg_value x);
static nlg_value item(reader *r, nlg_value x);

/* ---- items ------------------------------------------------------------------------------------------------------------ */

static nlg_value conv(reader *r, nlg_value x, const char *name) {
    const nlg_layer_table *t = r->table;
    const window k = read_window(r);
    expect(r, ':');
    const int out = number(r);
    const bool plain = take(r, '!');
    if (nlg_builder_failed(r->b)) return -1;
    const nlg_conv_args args = {
        .out = out, .kernel_h = k.h, .kernel_w = k.w, .stride = k.stride, .half = !k.valid, .bias = plain || t->no_norm || t->bias};
    if (plain) return nlg_conv(r->b, x, args, "%s", name);
    if (t->no_norm) return nlg_relu(r->b, nlg_conv(r->b, x, args, "%s", name));
    x = nlg_conv(r->b, x, args, "%s%s", name, t->conv_suffix != NULL ? t->conv_suffix : ".conv");
    x = nlg_batch_norm(r->b, x, (nlg_norm_args){.eps = t->norm_eps}, "%s%s", name, t->norm_suffix != NULL ? t->norm_suffix : ".bn");
    return nlg_relu(r->b, x);
}

static nlg_value pool(reader *r, nlg_value x, bool max) {
    const window k = read_window(r);
    if (nlg_builder_failed(r->b)) return -1;
    const nlg_pool_args args = {.kernel = k.h,
                                .stride = k.stride,
                                .pad = k.valid || k.ceil ? 0 : (k.h - 1) / 2,
                                .ceil_mode = k.ceil,
                                .exclude_pad = r->table->exclude_pad};
    return max ? nlg_max_pool(r->b, x, args) : nlg_avg_pool(r->b, x, args);
}

static nlg_value branches(reader *r, nlg_value x) {
    nlg_value out[MAX_BRANCHES];
    int n = 0;
    do {
        if (n == MAX_BRANCHES) return fault(r, "fewer branches");
        out[n++] = items(r, x);
    } while (!nlg_builder_failed(r->b) && take(r, '|'));
    expect(r, ')');
    return nlg_concat(r->b, out, n);
}

static nlg_value body(reader *r, nlg_value x) {
    expect(r, '{');
    x = items(r, x);
    expect(r, '}');
    return x;
}

static nlg_value repeat(reader *r, nlg_value x, const char *name, const char *title) {
    const int n = number(r), first = take(r, '@') ? number(r) : 0;
    const char *start = r->at;
    for (int i = 0; i < n && !nlg_builder_failed(r->b); i++) {
        r->at = start;
        nlg_push(r->b, "%s.%d", name, first + i);
        if (title != NULL) nlg_block_begin(r->b, "%s", title);
        x = body(r, x);
        if (title != NULL) nlg_block_end(r->b);
        nlg_pop(r->b);
    }
    return x;
}

static nlg_value residual(reader *r, nlg_value x, bool relu) {
    const float scale = decimal(r);
    x = nlg_add_scaled(r->b, x, body(r, x), scale);
    return relu ? nlg_relu(r->b, x) : x;
}

/* Behind a body that was not read to its end. */
static const char *behind_body(const char *at) {
    int open = 0;
    do {
        open += *at == '{';
        open -= *at == '}';
    } while (*at++ != '\0' && (open > 0 || at[-1] != '}'));
    return at;
}

static nlg_value auxiliary(reader *r, nlg_value x) {
    const float weight = decimal(r);
    const int mark = take(r, '@') ? number(r) : -1;
    if (mark >= MAX_MARKS) return fault(r, "a smaller mark");
    const char *start = r->at;
    nlg_aux_begin(r->b);
    nlg_output_aux(r->b, body(r, mark >= 0 ? r->mark[mark] : x), weight);
    if (!nlg_aux_end(r->b)) r->at = behind_body(start);
    return x;
}

static nlg_value linear(reader *r, nlg_value x, int out) {
    char name[MAX_WORD];
    word(r, name);
    if (out == 0) out = number(r);
    return nlg_linear(r->b, x, (nlg_linear_args){.out = out}, "%s", name);
}

/* Behind a '[': the item is a block, or every repetition is one. */
static nlg_value titled(reader *r, nlg_value x) {
    char title[MAX_WORD], name[MAX_WORD];
    const char *end = strchr(r->at, ']');
    if (end == NULL) return fault(r, "']'");
    snprintf(title, sizeof title, "%.*s", (int)(end - r->at), r->at);
    const char *start = r->at = end + 1;
    skip_space(r);
    if (*r->at != '(') {
        word(r, name);
        if (take(r, '*')) return repeat(r, x, name, title);
    }
    r->at = start;
    nlg_block_begin(r->b, "%s", title);
    x = item(r, x);
    nlg_block_end(r->b);
    return x;
}

static nlg_value item(reader *r, nlg_value x) {
    if (take(r, '(')) return branches(r, x);
    if (take(r, '[')) return titled(r, x);
    char name[MAX_WORD];
    word(r, name);
    if (nlg_builder_failed(r->b)) return -1;
    if (strcmp(name, "max") == 0 || strcmp(name, "avg") == 0) return pool(r, x, name[0] == 'm');
    if (strcmp(name, "lrn") == 0) return nlg_lrn(r->b, x, 5, r->table->lrn_alpha, 0.75F, 1.0F);
    if (strcmp(name, "relu") == 0) return nlg_relu(r->b, x);
    if (strcmp(name, "global") == 0) return nlg_global_avg_pool(r->b, x);
    if (strcmp(name, "adaptive") == 0) {
        const int side = number(r);
        return nlg_adaptive_avg_pool(r->b, x, side, side);
    }
    if (strcmp(name, "dropout") == 0) return nlg_dropout(r->b, x, decimal(r));
    if (strcmp(name, "dense") == 0) return nlg_relu(r->b, linear(r, x, 0));
    if (strcmp(name, "classes") == 0) return linear(r, x, r->classes);
    if (strcmp(name, "residual") == 0) return residual(r, x, true);
    if (strcmp(name, "residual_linear") == 0) return residual(r, x, false);
    if (strcmp(name, "aux") == 0) return auxiliary(r, x);
    if (strcmp(name, "mark") == 0) {
        const int mark = number(r);
        if (mark < 0 || mark >= MAX_MARKS) return fault(r, "a smaller mark");
        return r->mark[mark] = x;
    }
    if (take(r, '*')) return repeat(r, x, name, NULL);
    skip_space(r);
    if (*r->at == '{') {
        nlg_push(r->b, "%s", name);
        x = body(r, x);
        nlg_pop(r->b);
        return x;
    }
    return conv(r, x, name);
}

static nlg_value items(reader *r, nlg_value x) {
    do x = item(r, x);
    while (!nlg_builder_failed(r->b) && take(r, ','));
    return x;
}

nlg_value nlg_build_layer_table(nlg_builder *b, const nlg_layer_table *table, nlg_value x, int classes) {
    reader r = {.b = b, .table = table, .classes = classes, .at = table->items};
    x = items(&r, x);
    skip_space(&r);
    if (!nlg_builder_failed(b) && *r.at != '\0') fault(&r, "the end or ','");
    return x;
}

void nlg_build_table_model(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    const nlg_value x = nlg_input(b, input.c, input.h, input.w);
    nlg_output(b, nlg_build_layer_table(b, model->spec, x, classes));
}
