/* What a step of a plan does, as text. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "layers/graph/plan_internal.h"
#include "layers/ops/conv_call.h"
#include "layers/ops/conv_chain.h"
#include "layers/ops/op_util.h"

typedef struct writer {
    char *text;
    size_t size, used;
} writer;

static void put(writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(writer *w, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (w->used < w->size) w->used += (size_t)vsnprintf(w->text + w->used, w->size - w->used, format, arguments);
    va_end(arguments);
}

/* A comma could not stand in a table. */
static void put_attributes(writer *w, const nlg_op *op, const void *attrs) {
    char text[96] = "";
    if (op->describe) op->describe(attrs, text, sizeof text);
    for (char *c = text; (c = strchr(c, ','));) *c = '/';
    if (*text) put(w, " %s", text);
}

/* What convolutions and linear layers fuse is not in their descriptions. */
static void put_conv(writer *w, const nlg_conv2d_attrs *a) {
    put_attributes(w, &nlg_op_conv2d, a);
    put(w, "%s%s%s%s%s", a->scale ? " scale" : "", a->bias || a->norm ? " bias" : "", a->add ? " add" : "", a->act ? " " : "",
        act_name(a->act));
}

void nlg_plan_step_text(const nlg_plan *plan, int index, char *text, size_t size) {
    const plan_step *s = &plan->steps[index];
    const nlg_op_call *call = &plan->items[s->item[PLAN_FORWARD]].call;
    writer w = {text, size, 0};
    put(&w, "%s", s->op->name);
    if (s->op == &nlg_op_conv_chain) {
        const nlg_conv_chain_attrs *a = s->attrs;
        put_conv(&w, &a->part[0]);
        put(&w, " then %d", a->between.c);
        put_conv(&w, &a->part[1]);
    } else if (strcmp(s->op->name, "conv2d") == 0) {
        put_conv(&w, s->attrs);
    } else if (strcmp(s->op->name, "linear") == 0) {
        const nlg_linear_attrs *a = s->attrs;
        put(&w, "%s%s%s", a->bias ? " bias" : "", a->act ? " " : "", act_name(a->act));
    } else {
        put_attributes(&w, s->op, s->attrs);
    }
    for (int i = 0; i < call->n_x; i++) put(&w, "%s%dx%dx%d", i ? " + " : ": ", call->x[i].h, call->x[i].w, call->x[i].c);
    put(&w, " to %dx%dx%d", call->y.h, call->y.w, call->y.c);
}
