#include "ir/template.h"

#include <assert.h>
#include <string.h>

static const char *value_of(
    const char *name, size_t length, const TemplateWord *words, size_t count) {
    size_t i = 0;
    if (length == 0)
        return "@";
    while (
        i < count && (strlen(words[i].name) != length || strncmp(words[i].name, name, length) != 0))
        i++;
    assert(i < count);
    return words[i].value;
}

void template_fill(const char *template, const TemplateWord *words, size_t count, Text *out) {
    for (const char *at = template; *at != '\0';) {
        size_t plain = strcspn(at, "@");
        text_append_bytes(out, at, plain);
        at += plain;
        if (*at == '\0')
            return;
        size_t length = strcspn(++at, "@");
        text_append(out, value_of(at, length, words, count));
        at += length + (at[length] == '@');
    }
}
