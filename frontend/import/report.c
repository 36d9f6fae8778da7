/* Messages about the model and about its nodes. What is said of many nodes or tensors alike is said
 * once: with one of them, and how many more there are. */
#include "frontend/import/importer.h"

#include "ir/quote.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST_NAME = 200 };

static const char *format_message(Arena *arena, const char *format, va_list arguments) {
    char small[2048];
    vsnprintf(small, sizeof small, format, arguments);
    return arena_copy_string(arena, small);
}

/* ---- kinds of trouble ---- */

struct Trouble {
    const char *message, *hint; /* of the first of the kind */
    bool of_node;
    SourceRange where;
    int64_t count;
    struct Trouble *next;
};

/* Whether the quoted word, whose quote is at `at`, is a name of the model. */
static bool quotes_name(
    const Importer *importer, const char *message, const char *at, size_t length) {
    static const char *const before[] = {"initializer ", "node ", "layer ", "input ", "output "};
    size_t from = (size_t)(at - message);
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        size_t size = strlen(before[i]);
        if (from >= size && strncmp(at - size, before[i], size) == 0)
            return true;
    }
    return use_count(importer, arena_copy_bytes(importer->arena, at + 1, length)) > 0;
}

/* What a message has in common with others of its kind: names of the model, shapes and numbers are
 * left out. */
static void append_kind(const Importer *importer, Text *kind, const char *message) {
    for (const char *at = message; *at != '\0';) {
        const char *end = *at == '\'' ? strchr(at + 1, '\'') : NULL;
        bool begins_word = at == message || !isalnum((unsigned char)at[-1]);
        size_t listed = *at == '[' ? strspn(at + 1, "0123456789,-") : 0;
        if (end != NULL && quotes_name(importer, message, at, (size_t)(end - at - 1))) {
            text_append(kind, "''");
            at = end + 1;
        } else if (*at == '[' && at[1 + listed] == ']') {
            text_append(kind, "[]");
            at += listed + 2;
        } else if (begins_word && (isdigit((unsigned char)*at) || *at == '-')) {
            text_append(kind, "#");
            at += strspn(at, "-+.0123456789abcdefx");
        } else {
            text_append_bytes(kind, at++, 1);
        }
    }
}

/* `prefix` names the node; what is said of nodes of several ops is of several kinds. */
static void add_trouble(Importer *importer, const char *operator, const char * prefix,
    SourceRange where, const char *hint, const char *message) {
    Text kind = {0};
    text_append(&kind, operator);
    text_append(&kind, ": ");
    append_kind(importer, &kind, message);
    if (hint != NULL) /* which may be good for one alone */
        text_append(&kind, hint);
    Trouble *trouble = name_map_find(importer->troubles, kind.data);
    if (trouble == NULL) {
        trouble = ARENA_NEW(importer->arena, Trouble);
        trouble->message = arena_format(importer->arena, "%s%s", prefix, message);
        trouble->hint = hint == NULL ? NULL : arena_copy_string(importer->arena, hint);
        trouble->of_node = *prefix != '\0';
        trouble->where = where;
        name_map_put(importer->troubles, arena_copy_string(importer->arena, kind.data), trouble);
        *importer->last_trouble = trouble;
        importer->last_trouble = &trouble->next;
    }
    trouble->count++;
    text_free(&kind);
}

void troubles_report(const Importer *importer) {
    for (const Trouble *trouble = importer->first_trouble; trouble != NULL;
        trouble = trouble->next) {
        const char *more = "";
        if (trouble->count > 1)
            more = arena_format(importer->arena, "; %" PRId64 " more%s%s like it",
                trouble->count - 1, trouble->of_node ? " " : "",
                !trouble->of_node    ? ""
                : trouble->count > 2 ? importer->format->items
                                     : importer->format->item);
        diagnostics_report(importer->diagnostics, SEVERITY_ERROR, trouble->where, trouble->hint,
            "%s%s", trouble->message, more);
    }
}

/* ---- reporting ---- */

bool model_fault(Importer *importer, const char *hint, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const char *message = format_message(importer->arena, format, arguments);
    va_end(arguments);
    add_trouble(importer, "", "", importer->where, hint, message);
    return false;
}

bool model_fault_at(
    Importer *importer, SourceRange where, const char *hint, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const char *message = format_message(importer->arena, format, arguments);
    va_end(arguments);
    add_trouble(importer, "", "", where, hint, message);
    return false;
}

const char *node_label(const ModelNode *node) {
    if (node->name[0] != '\0')
        return node->name;
    return node->n_output > 0 ? node->output[0] : "";
}

static void add_node_trouble(Importer *importer, const char *hint, const char *message) {
    const ModelNode *node = importer->node;
    const char *label = node_label(node);
    const char *prefix = arena_format(importer->arena, "%s '%.*s' (%.*s): ", importer->format->item,
        (int)quote_cut(label, LONGEST_NAME), label, (int)quote_cut(node->op_type, LONGEST_NAME),
        node->op_type);
    add_trouble(importer, node->op_type, prefix, node->where, hint, message);
}

bool node_fault(Importer *importer, const char *hint, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const char *message = format_message(importer->arena, format, arguments);
    va_end(arguments);
    add_node_trouble(importer, hint, message);
    return false;
}

static void pass_on(void *importer, const Diagnostic *diagnostic) {
    if (diagnostic->severity == SEVERITY_ERROR)
        add_node_trouble(importer, diagnostic->hint, diagnostic->message);
}

void node_faults(Importer *importer, const Diagnostics *own) {
    diagnostics_visit(own, pass_on, importer);
}

const char *shape_spelling(Arena *arena, const Shape *shape) {
    return list_spelling(arena, (IntegerList){shape->dims, (size_t)shape->rank});
}

const char *list_spelling(Arena *arena, IntegerList list) {
    Text text = {0};
    text_append(&text, "[");
    for (size_t i = 0; i < list.count; i++)
        text_format(&text, "%s%" PRId64, i > 0 ? "," : "", list.items[i]);
    text_append(&text, "]");
    const char *copy = arena_copy_string(arena, text.data);
    text_free(&text);
    return copy;
}
