/* docs/ops.md from the tables. */
#include "ir/formula.h"

#include <limits.h>

static const char *kind_name(AttributeKind kind) {
    switch (kind) {
    case ATTRIBUTE_INTEGER:
        return "integer";
    case ATTRIBUTE_NUMBER:
        return "number";
    case ATTRIBUTE_LIST:
        return "list of integers";
    case ATTRIBUTE_CHOICE:
        return "word";
    case ATTRIBUTE_FLAG:
        return "flag";
    case ATTRIBUTE_FORMULA:
        return "formula";
    }
    return "";
}

/* Prose of the table, in which a star is a product and no emphasis. */
static void print_prose(Text *text, const char *prose) {
    for (; *prose != '\0'; prose++) {
        if (*prose == '*' || *prose == '|')
            text_append(text, "\\");
        text_append_bytes(text, prose, 1);
    }
}

static void print_count(Text *text, int least, int most, const char *noun) {
    if (most == INT_MAX)
        text_format(text, "%d or more %ss", least, noun);
    else if (least == most)
        text_format(text, "%d %s%s", least, noun, least == 1 ? "" : "s");
    else
        text_format(text, "%d to %d %ss", least, most, noun);
}

static void print_choices(Text *text, const char *attribute) {
    text_append(text, ": one of ");
    const char *const *words = choice_words(attribute);
    for (int i = 0; words[i] != NULL; i++)
        text_format(text, "%s`%s`", i > 0 ? ", " : "", words[i]);
}

static void print_default(Text *text, const OpAttribute *attribute) {
    if (attribute->default_text[0] == '\0')
        text_append(text, "required");
    else if (attribute->kind == ATTRIBUTE_LIST)
        text_format(text, "`[%s]`", attribute->default_text);
    else
        text_format(text, "`%s`", attribute->default_text);
}

void op_reference_print_op(OpKind op, Text *text) {
    const OpInfo *info = op_info(op);
    print_prose(text, info->summary);
    text_append(text, "\n\n- takes ");
    print_count(text, info->least_operands, info->most_operands, "operand");
    text_append(text, ", gives ");
    print_count(text, info->least_results, info->most_results, "result");
    text_append(text, "\n- shape: ");
    print_prose(text, info->shape_rule);
    text_append(text, "\n");
    if (info->source[0] != '\0')
        text_format(text, "- source: %s\n", info->source);
    if (info->weight_count > 0)
        text_append(text, "\n| weight | shape | |\n|---|---|---|\n");
    for (int i = 0; i < info->weight_count; i++)
        text_format(text, "| `%s` | `%s` | %s |\n", info->weights[i].name, info->weights[i].shape,
            info->weights[i].required ? "required" : "optional");
    if (info->attribute_count > 0)
        text_append(text, "\n| attribute | kind | default | meaning |\n|---|---|---|---|\n");
    for (int i = 0; i < info->attribute_count; i++) {
        const OpAttribute *attribute = &info->attributes[i];
        text_format(text, "| `%s` | %s | ", attribute->name, kind_name(attribute->kind));
        print_default(text, attribute);
        text_append(text, " | ");
        print_prose(text, attribute->meaning);
        if (attribute->kind == ATTRIBUTE_CHOICE)
            print_choices(text, attribute->name);
        text_append(text, " |\n");
    }
}

void op_reference_print(Text *text) {
    text_append(text,
        "# Graph operations\n\n"
        "Written by `riffle ops --markdown` from `ir/ops.def`; do not edit.\n\n"
        "Tensors are `[batch, channels, height, width]` or `[batch, channels]` in every "
        "rule, whatever the layout\nin memory will be.\n");
    for (int op = 0; op < OP_COUNT; op++) {
        text_format(text, "\n## %s\n\n", op_info((OpKind)op)->name);
        op_reference_print_op((OpKind)op, text);
    }
}
