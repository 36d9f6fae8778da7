/* Texts with words to be filled in. */
#ifndef RIFFLE_IR_TEMPLATE_H
#define RIFFLE_IR_TEMPLATE_H

#include "ir/text.h"
#include <stddef.h>

typedef struct TemplateWord {
    const char *name, *value;
} TemplateWord;

/* Appends the template with the value in the place of each @name@, and '@' for "@@". Each name must
 * be among the words. */
void template_fill(const char *template, const TemplateWord *words, size_t count, Text *out);

#endif
