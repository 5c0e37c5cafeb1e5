/* A subset of Mustache. */
#include "harness/report/template.h"

#include <stdbool.h>
#include <string.h>

#include "layers/base/json.h"

enum { DEPTH = 32, NAME = 128, MARK = 16 };

typedef struct renderer {
    FILE *out;
    const char *name, *begin; /* of the template; where it begins, to count lines */
    nlg_escape_kind escape;
    const cJSON *stack[DEPTH];
    int depth, partials;
    char open[MARK], close[MARK];
    const char *(*partial)(void *context, const char *name);
    void *context;
    nlg_error *err;
} renderer;

typedef struct tag {
    const char *begin, *end; /* of the whole tag */
    char kind;               /* 'v' escaped, '&', '#', '^', '/', '!', '>', '=' */
    char name[NAME];
    const char *body; /* of '=' */
} tag;

static nlg_status fault(const renderer *r, const char *at, const char *what, const char *name) {
    int line = 1;
    for (const char *c = r->begin; c < at; c++) line += *c == '\n';
    return nlg_fail(r->err, NLG_ERR_INPUT, "%s, line %d: %s '%s'", r->name, line, what, name);
}

/* The next tag in [at, end); false: none. A tag that stands alone on its line takes the line with it. */
static nlg_status next_tag(renderer *r, const char *at, const char *end, tag *t, bool *found) {
    size_t open = strlen(r->open), close = strlen(r->close);
    const char *begin = strstr(at, r->open);
    *found = begin && begin < end;
    if (!*found) return NLG_OK;
    const char *inside = begin + open;
    bool triple = strcmp(r->open, "{{") == 0 && *inside == '{';
    char closing[MARK + 1];
    snprintf(closing, sizeof closing, "%s%s", triple ? "}" : *inside == '=' ? "=" : "", r->close);
    const char *stop = strstr(inside + triple, closing);
    if (!stop || stop >= end) return fault(r, begin, "not closed:", r->open);
    t->begin = begin;
    t->end = stop + strlen(closing);
    t->kind = triple ? '&' : strchr("&#^/!>=", *inside) && *inside ? *inside : 'v';
    t->body = inside + 1;
    if (triple || t->kind != 'v') inside++;
    inside += strspn(inside, " \t");
    while (stop > inside && strchr(" \t", stop[-1])) stop--;
    if (t->kind != '!' && stop - inside >= NAME) return fault(r, begin, "name too long in", r->open);
    snprintf(t->name, sizeof t->name, "%.*s", t->kind == '!' ? 0 : (int)(stop - inside), inside);
    (void)close;
    return NLG_OK;
}

static bool stands_alone(const renderer *r, const tag *t, const char *end, const char **line, const char **behind) {
    if (t->kind == 'v' || t->kind == '&') return false;
    const char *b = t->begin, *e = t->end;
    while (b > r->begin && strchr(" \t", b[-1])) b--;
    if (b > r->begin && b[-1] != '\n') return false;
    while (e < end && (*e == ' ' || *e == '\t')) e++;
    if (e < end && *e != '\n') return false;
    *line = b;
    *behind = e < end ? e + 1 : e;
    return true;
}

static const cJSON *look_up(const renderer *r, const char *name) {
    if (strcmp(name, ".") == 0) return r->stack[r->depth - 1];
    size_t first = strcspn(name, ".");
    char part[NAME];
    snprintf(part, sizeof part, "%.*s", (int)first, name);
    const cJSON *found = NULL;
    for (int i = r->depth; i-- > 0 && !found;) found = cJSON_GetObjectItemCaseSensitive(r->stack[i], part);
    for (name += first; found && *name == '.'; name += first) {
        name++;
        first = strcspn(name, ".");
        snprintf(part, sizeof part, "%.*s", (int)first, name);
        found = cJSON_GetObjectItemCaseSensitive(found, part);
    }
    return found;
}

static bool is_false(const cJSON *v) {
    return !v || cJSON_IsNull(v) || cJSON_IsFalse(v) || (cJSON_IsArray(v) && !v->child) || (cJSON_IsString(v) && !*v->valuestring);
}

static void put_value(renderer *r, const cJSON *v, bool escaped) {
    char number[32];
    const char *text = cJSON_IsString(v)   ? v->valuestring
                       : cJSON_IsNumber(v) ? nlg_number_text(v->valuedouble, number)
                       : cJSON_IsTrue(v)   ? "true"
                       : cJSON_IsFalse(v)  ? "false"
                                           : "";
    nlg_escape(r->out, escaped ? r->escape : NLG_ESCAPE_NONE, text);
}

static nlg_status render(renderer *r, const char *at, const char *end);

/* Finds the end of a section that was opened by `t`; *inner_end: where its text ends, *behind: where it goes on. */
static nlg_status section_end(renderer *r, const tag *t, const char *from, const char *end, const char **inner_end,
                              const char **behind) {
    int depth = 1;
    tag inner;
    bool found;
    for (const char *at = from;; at = inner.end) {
        NLG_TRY(next_tag(r, at, end, &inner, &found));
        if (!found) return fault(r, t->begin, "section not closed:", t->name);
        depth += inner.kind == '#' || inner.kind == '^' ? 1 : inner.kind == '/' ? -1 : 0;
        if (depth) continue;
        if (strcmp(inner.name, t->name))
            return fault(r, inner.begin, "closes another section than the one that is open:", inner.name);
        *inner_end = inner.begin;
        *behind = inner.end;
        const char *line, *after;
        if (stands_alone(r, &inner, end, &line, &after)) {
            *inner_end = line;
            *behind = after;
        }
        return NLG_OK;
    }
}

static nlg_status render_inside(renderer *r, const cJSON *value, const char *at, const char *end) {
    if (r->depth == DEPTH) return fault(r, at, "sections too deep at", "");
    r->stack[r->depth++] = value;
    nlg_status status = render(r, at, end);
    r->depth--;
    return status;
}

static nlg_status render_section(renderer *r, const tag *t, const char *from, const char *to) {
    const cJSON *v = look_up(r, t->name), *item;
    if (t->kind == '^') return is_false(v) ? render(r, from, to) : NLG_OK;
    if (is_false(v)) return NLG_OK;
    if (!cJSON_IsArray(v)) return render_inside(r, v, from, to);
    cJSON_ArrayForEach(item, v) NLG_TRY(render_inside(r, item, from, to));
    return NLG_OK;
}

static nlg_status render_partial(renderer *r, const tag *t) {
    const char *text = r->partial ? r->partial(r->context, t->name) : NULL;
    if (!text) return fault(r, t->begin, "there is no partial", t->name);
    if (r->partials == DEPTH) return fault(r, t->begin, "partials include each other at", t->name);
    renderer inner = *r;
    inner.begin = text;
    inner.name = t->name;
    inner.partials++;
    strcpy(inner.open, "{{");
    strcpy(inner.close, "}}");
    return render(&inner, text, text + strlen(text));
}

/* {{=<% %>=}} */
static nlg_status set_marks(renderer *r, const tag *t) {
    char open[MARK] = "", close[MARK] = "", more[2] = "";
    if (sscanf(t->name, "%15s %15s %1s", open, close, more) != 2 || strchr(open, '=') || strchr(close, '='))
        return fault(r, t->begin, "expected two marks in", t->name);
    strcpy(r->open, open);
    strcpy(r->close, close);
    return NLG_OK;
}

static nlg_status render(renderer *r, const char *at, const char *end) {
    while (at < end) {
        tag t;
        bool found;
        const char *line, *behind, *inner_end;
        NLG_TRY(next_tag(r, at, end, &t, &found));
        if (!found) {
            fwrite(at, 1, (size_t)(end - at), r->out);
            return NLG_OK;
        }
        bool alone = stands_alone(r, &t, end, &line, &behind) && line >= at;
        const char *text_end = alone ? line : t.begin;
        fwrite(at, 1, (size_t)(text_end - at), r->out);
        at = alone ? behind : t.end;
        const cJSON *v;
        switch (t.kind) {
        case 'v':
        case '&':
            v = look_up(r, t.name);
            if (!v) return fault(r, t.begin, "there is no value", t.name);
            put_value(r, v, t.kind == 'v');
            break;
        case '#':
        case '^':
            NLG_TRY(section_end(r, &t, at, end, &inner_end, &behind));
            NLG_TRY(render_section(r, &t, at, inner_end));
            at = behind;
            break;
        case '/':
            return fault(r, t.begin, "closes a section that is not open:", t.name);
        case '>':
            NLG_TRY(render_partial(r, &t));
            break;
        case '=':
            NLG_TRY(set_marks(r, &t));
            break;
        default:
            break; /* a comment */
        }
    }
    return NLG_OK;
}

nlg_status nlg_template_render(FILE *out, const char *text, const char *name, nlg_escape_kind escape, const cJSON *data,
                               const char *(*partial)(void *context, const char *name), void *context, nlg_error *err) {
    renderer r = {.out = out,
                  .name = name,
                  .begin = text,
                  .escape = escape,
                  .stack = {data},
                  .depth = 1,
                  .open = "{{",
                  .close = "}}",
                  .partial = partial,
                  .context = context,
                  .err = err};
    return render(&r, text, text + strlen(text));
}
