/* Texts in other languages. */
#include "harness/report/escape.h"

#include <stdint.h>
#include <string.h>

#include "layers/base/json.h"

static const char *html(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static const char *tex(char c) {
    switch (c) {
    case '&':
        return "\\&";
    case '%':
        return "\\%";
    case '$':
        return "\\$";
    case '#':
        return "\\#";
    case '_':
        return "\\_\\allowbreak{}";
    case '{':
        return "\\{";
    case '}':
        return "\\}";
    case '~':
        return "\\textasciitilde{}";
    case '^':
        return "\\textasciicircum{}";
    case '\\':
        return "\\textbackslash{}";
    case '<':
        return "\\textless{}";
    case '>':
        return "\\textgreater{}";
    case '|':
        return "\\textbar{}";
    case '"':
        return "''";
    default:
        return NULL;
    }
}

/* Characters beyond ASCII that pdflatex needs help with; the rest of Latin passes through inputenc. */
static const struct {
    const char *utf8, *tex;
} beyond[] = {{"\xc3\x97", "$\\times$"},  {"\xc2\xb1", "$\\pm$"},     {"\xe2\x80\xa6", "\\ldots{}"},
              {"\xe2\x89\xa4", "$\\le$"}, {"\xe2\x89\xa5", "$\\ge$"}, {"\xe2\x88\x92", "$-$"},
              {"\xe2\x80\x93", "--"},     {"\xe2\x80\x94", "---"},    {"\xe2\x80\x9c", "``"},
              {"\xe2\x80\x9d", "''"},     {"\xe2\x80\x99", "'"},      {"\xce\xb1", "$\\alpha$"},
              {"\xce\xb2", "$\\beta$"},   {"\xce\xb3", "$\\gamma$"},  {"\xcf\x84", "$\\tau$"},
              {"\xcf\x86", "$\\phi$"},    {"\xce\x94", "$\\Delta$"},  {"\xef\xbf\xbd", "?"},
              {"\xc2\xa0", "~"},          {"\xe2\x80\x89", "\\,"},    {"\xe2\x86\x92", "$\\rightarrow$"}};

static const char *tex_beyond(const char *text, int bytes) {
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++)
        if (strncmp(text, beyond[i].utf8, (size_t)bytes) == 0 && (int)strlen(beyond[i].utf8) == bytes) return beyond[i].tex;
    unsigned char c = (unsigned char)*text;
    return c >= 0xc4 && !(c == 0xc4 || c == 0xc5) ? "?" : NULL; /* beyond Latin */
}

static void put_ascii(FILE *stream, nlg_escape_kind kind, char c) {
    const char *other = kind == NLG_ESCAPE_HTML ? html(c) : kind == NLG_ESCAPE_TEX ? tex(c) : NULL;
    if (kind == NLG_ESCAPE_CSV && c == '"') other = "\"\"";
    if (kind == NLG_ESCAPE_MARKDOWN) {
        if (c == '<' || c == '&')
            other = html(c);
        else if (strchr("\\`*_{}[]|#", c))
            fputc('\\', stream);
    }
    if (other)
        fputs(other, stream);
    else
        fputc((unsigned char)c < 32 || c == 127 ? ' ' : c, stream);
}

void nlg_escape(FILE *stream, nlg_escape_kind kind, const char *text) {
    if (kind == NLG_ESCAPE_NONE) {
        fputs(text, stream);
        return;
    }
    while (*text) {
        int bytes = nlg_utf8_bytes(text);
        if (bytes == 1) {
            put_ascii(stream, kind, *text++);
            continue;
        }
        const char *character = bytes ? text : "\xef\xbf\xbd";
        int length = bytes ? bytes : 3;
        const char *other = kind == NLG_ESCAPE_TEX ? tex_beyond(character, length) : NULL;
        if (other)
            fputs(other, stream);
        else
            fprintf(stream, "%.*s", length, character);
        text += bytes ? bytes : 1;
    }
}

void nlg_escape_base64(FILE *stream, const char *bytes, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++) group = group << 8 | (i + k < size ? (unsigned char)bytes[i + k] : 0);
        for (size_t k = 0; k < 4; k++) fputc(i + k > size ? '=' : digits[group >> (18 - 6 * k) & 63], stream);
    }
}
