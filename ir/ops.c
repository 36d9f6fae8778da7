/* The op table: ops.def and choices.def as arrays. */
#include "ir/formula.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* One array per op: each OP row closes the array of the op before it (with an empty row) and opens
 * its own, so the WEIGHT and ATTRIBUTE rows fall into the array of their op. */
/* clang-format off */
enum { REQUIRED = true, OPTIONAL = false };
static const OpWeight weights_of_no_op[] = {
#define OP(name, ...) {0}}; static const OpWeight weights_of_##name[] = {
#define WEIGHT(op, name, required, shape) {#name, required, shape},
#include "ir/ops.def"
{0}};

static const OpAttribute attributes_of_no_op[] = {
#define OP(name, ...) {0}}; static const OpAttribute attributes_of_##name[] = {
#define ATTRIBUTE(op, name, kind, default_text, meaning) {#name, ATTRIBUTE_##kind, default_text, meaning},
#include "ir/ops.def"
{0}};

#define MANY INT_MAX
static const OpInfo op_rows[OP_COUNT] = {
#define OP(name, least_operands, most_operands, least_results, most_results, summary, shape_rule, source) \
    [OP_##name] = {OP_##name, #name, least_operands, most_operands, least_results, most_results,          \
        summary, shape_rule, source,                                                                      \
        weights_of_##name, COUNT_OF(weights_of_##name) - 1,                                               \
        attributes_of_##name, COUNT_OF(attributes_of_##name) - 1},
#include "ir/ops.def"
};

static const char *const words_of_no_choice[] = {
#define CHOICES(attribute) NULL}; static const char *const words_of_##attribute[] = {
#define CHOICE(attribute, word, meaning) #word,
#include "ir/choices.def"
NULL};
/* clang-format on */

static const struct {
    const char *attribute;
    const char *const *words;
} choice_rows[] = {
#define CHOICES(attribute) {#attribute, words_of_##attribute},
#include "ir/choices.def"
};

const OpInfo *op_info(OpKind op) {
    (void)weights_of_no_op;
    (void)attributes_of_no_op;
    (void)words_of_no_choice;
    assert((unsigned)op < OP_COUNT);
    return &op_rows[op];
}

bool op_find(const char *name, OpKind *op) {
    for (int i = 0; i < OP_COUNT; i++) {
        if (strcmp(op_rows[i].name, name) == 0) {
            *op = (OpKind)i;
            return true;
        }
    }
    return false;
}

const char *const *choice_words(const char *attribute_name) {
    for (int i = 0; i < COUNT_OF(choice_rows); i++) {
        if (strcmp(choice_rows[i].attribute, attribute_name) == 0)
            return choice_rows[i].words;
    }
    assert(false && "a CHOICE attribute without rows in choices.def");
    return NULL;
}

static IntegerList parse_list(Arena *arena, const char *text) {
    if (*text == '\0')
        return (IntegerList){0};
    size_t count = 1;
    for (const char *at = text; (at = strchr(at, ',')) != NULL; at++)
        count++;
    int64_t *items = ARENA_ARRAY(arena, int64_t, count);
    char *end = (char *)(uintptr_t)text;
    for (size_t i = 0; i < count; i++)
        items[i] = strtoll(i == 0 ? end : end + 1, &end, 10);
    return (IntegerList){items, count};
}

static int64_t choice_index(const char *attribute, const char *word) {
    const char *const *words = choice_words(attribute);
    int64_t index = 0;
    while (words[index] != NULL && strcmp(words[index], word) != 0)
        index++;
    assert(words[index] != NULL);
    return index;
}

Attribute op_attribute_default(const OpAttribute *attribute, Arena *arena) {
    const char *text = attribute->default_text;
    switch (attribute->kind) {
    case ATTRIBUTE_INTEGER:
        return (Attribute){.integer = strtoll(text, NULL, 10)};
    case ATTRIBUTE_NUMBER:
        return (Attribute){.number = strtod(text, NULL)};
    case ATTRIBUTE_LIST:
        return (Attribute){.list = parse_list(arena, text)};
    case ATTRIBUTE_CHOICE:
        return (Attribute){.integer = choice_index(attribute->name, text)};
    case ATTRIBUTE_FLAG:
        return (Attribute){.flag = strcmp(text, "true") == 0};
    case ATTRIBUTE_FORMULA: /* none */
        return (Attribute){0};
    }
    assert(false && "unknown attribute kind");
    return (Attribute){0};
}

bool op_attribute_equal(AttributeKind kind, const Attribute *a, const Attribute *b) {
    switch (kind) {
    case ATTRIBUTE_INTEGER:
    case ATTRIBUTE_CHOICE:
        return a->integer == b->integer;
    case ATTRIBUTE_NUMBER:
        return a->number == b->number;
    case ATTRIBUTE_FLAG:
        return a->flag == b->flag;
    case ATTRIBUTE_FORMULA:
        return formula_equal(a->formula, b->formula);
    case ATTRIBUTE_LIST:
        return a->list.count == b->list.count &&
               (a->list.count == 0 ||
                   memcmp(a->list.items, b->list.items, a->list.count * sizeof(int64_t)) == 0);
    }
    assert(false && "unknown attribute kind");
    return false;
}
