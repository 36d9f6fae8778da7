/* Messages about the model and about its nodes. */
#include "frontend/onnx/importer.h"

#include "ir/quote.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { LONGEST_NAME = 200 };

static const char *format_message(Arena *arena, const char *format, va_list arguments) {
    char small[2048];
    vsnprintf(small, sizeof small, format, arguments);
    return arena_copy_string(arena, small);
}

bool model_fault(Importer *importer, const char *hint, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const char *message = format_message(importer->arena, format, arguments);
    va_end(arguments);
    diagnostics_report(importer->diagnostics, SEVERITY_ERROR, importer->where, hint, "%s", message);
    return false;
}

const char *node_label(const Onnx__NodeProto *node) {
    if (node->name[0] != '\0')
        return node->name;
    return node->n_output > 0 ? node->output[0] : "";
}

bool node_fault(Importer *importer, const char *hint, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const char *message = format_message(importer->arena, format, arguments);
    va_end(arguments);
    const Onnx__NodeProto *node = importer->node;
    const char *label = node_label(node);
    diagnostics_report(importer->diagnostics, SEVERITY_ERROR, importer->where, hint,
        "node '%.*s' (%.*s): %s", (int)quote_cut(label, LONGEST_NAME), label,
        (int)quote_cut(node->op_type, LONGEST_NAME), node->op_type, message);
    return false;
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
