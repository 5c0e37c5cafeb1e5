/* What a step of a plan does, as text. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "layers/graph/plan_internal.h"

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
    char text[256] = "";
    void (*describe)(const void *, char *, size_t) = op->describe_fused ? op->describe_fused : op->describe;
    if (describe) describe(attrs, text, sizeof text);
    for (char *c = text; (c = strchr(c, ','));) *c = '/';
    if (*text) put(w, " %s", text);
}

void nlg_plan_step_text(const nlg_plan *plan, int index, char *text, size_t size) {
    const plan_step *s = &plan->steps[index];
    const nlg_op_call *call = &plan->items[s->item[PLAN_FORWARD]].call;
    writer w = {text, size, 0};
    put(&w, "%s", s->op->name);
    put_attributes(&w, s->op, s->attrs);
    for (int i = 0; i < call->n_x; i++) put(&w, "%s%dx%dx%d", i ? " + " : ": ", call->x[i].h, call->x[i].w, call->x[i].c);
    put(&w, " to %dx%dx%d", call->y.h, call->y.w, call->y.c);
}
