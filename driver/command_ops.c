/* riffle ops: the rows of ops.def. */
#include "driver/driver.h"
#include "driver/table.h"
#include "ir/graph.h"

#include <limits.h>
#include <string.h>

enum { OPTION_MARKDOWN = 1000 };

typedef struct OpsOptions {
    Session *session;
    const char *op; /* NULL: all */
    bool markdown;
} OpsOptions;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    OpsOptions *options = state->input;
    switch (key) {
    case OPTION_MARKDOWN:
        options->markdown = true;
        return 0;
    case ARGP_KEY_ARG:
        return option_operand(options->session, &options->op, argument) ? 0 : EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"markdown", OPTION_MARKDOWN, NULL, 0, "Print the reference page, docs/ops.md", 0}, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "[OP]",
    .doc =
        "Lists the operations of the graph IR, or explains one: operands, shape rule, weights and "
        "attributes with their defaults.\v"
        "Examples:\n"
        "  riffle ops\n"
        "  riffle ops conv\n"
        "  riffle ops --markdown > docs/ops.md\n"};

static const char *operand_range(const OpInfo *info, char *buffer, size_t size) {
    if (info->most_operands == INT_MAX)
        snprintf(buffer, size, "%d or more", info->least_operands);
    else if (info->least_operands == info->most_operands)
        snprintf(buffer, size, "%d", info->least_operands);
    else
        snprintf(buffer, size, "%d to %d", info->least_operands, info->most_operands);
    return buffer;
}

/* Up to the first sentence's end: the table has one line for an op. */
static const char *first_sentence(Arena *arena, const char *summary) {
    for (const char *at = summary; *at != '\0'; at++) {
        if (strchr(".;:", *at) != NULL && (at[1] == ' ' || at[1] == '\0'))
            return arena_copy_bytes(arena, summary, (size_t)(at - summary));
    }
    return summary;
}

static void print_all(Text *text, Arena *arena) {
    static const TableColumn columns[] = {
        {"op", ALIGN_LEFT}, {"operands", ALIGN_LEFT}, {"what it computes", ALIGN_LEFT}};
    Table table = table_create(columns, 3);
    for (int op = 0; op < OP_COUNT; op++) {
        const OpInfo *info = op_info((OpKind)op);
        char range[32];
        const char *cells[] = {info->name, operand_range(info, range, sizeof range),
            first_sentence(arena, info->summary)};
        table_add_row(&table, cells);
    }
    table_print(&table, text);
    table_free(&table);
}

static void print_words(const OpAttribute *attribute, Text *text) {
    if (attribute->kind != ATTRIBUTE_CHOICE)
        return;
    const char *const *words = choice_words(attribute->name);
    for (int i = 0; words[i] != NULL; i++)
        text_format(text, i == 0 ? "; one of %s" : ", %s", words[i]);
}

static void print_one(const OpInfo *info, Text *text) {
    char range[32];
    text_format(text, "%s\n  %s\n\n", info->name, info->summary);
    text_format(text, "Operands: %s\n", operand_range(info, range, sizeof range));
    text_format(text, "Shape:    %s\n", info->shape_rule);
    if (*info->source != '\0')
        text_format(text, "Source:   %s\n", info->source);
    if (info->weight_count > 0)
        text_append(text, "Weights:\n");
    for (int i = 0; i < info->weight_count; i++)
        text_format(text, "  %s %s%s\n", info->weights[i].name, info->weights[i].shape,
            info->weights[i].required ? "" : ", optional");
    if (info->attribute_count > 0)
        text_append(text, "Attributes:\n");
    for (int i = 0; i < info->attribute_count; i++) {
        const OpAttribute *attribute = &info->attributes[i];
        bool must_be_given = *attribute->default_text == '\0';
        text_format(text, "  %s%s%s: %s", attribute->name, must_be_given ? "" : " = ",
            attribute->default_text, attribute->meaning);
        print_words(attribute, text);
        text_append(text, "\n");
    }
}

static bool print_named(const char *name, Text *text, Session *session) {
    OpKind op;
    if (op_find(name, &op)) {
        print_one(op_info(op), text);
        return true;
    }
    const char *names[OP_COUNT];
    for (int i = 0; i < OP_COUNT; i++)
        names[i] = op_info((OpKind)i)->name;
    const char *nearest = closest_word(name, names, OP_COUNT);
    diagnostics_error(session->diagnostics,
        nearest == NULL ? "'riffle ops' lists them"
                        : arena_format(session->arena, "did you mean '%s'?", nearest),
        "unknown op '%s'", name);
    return false;
}

int command_ops(int argc, char **argv) {
    Session session = session_begin();
    OpsOptions options = {.session = &session};
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    Text text = {0};
    if (options.markdown)
        op_reference_print(&text);
    else if (options.op == NULL)
        print_all(&text, session.arena);
    else
        print_named(options.op, &text, &session);
    if (text.length > 0)
        fputs(text.data, stdout);
    text_free(&text);
    return session_finish(&session, EXIT_DONE);
}
