/* Names of the model made into weight paths and names of the language. */
#include "ir/names.h"
#include "frontend/evaluate.h"
#include "frontend/import/importer.h"
#include "frontend/syntax.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST_MADE_NAME = 120 };

static bool has_ending(const char *name, const char *ending, size_t *length) {
    size_t ending_length = strlen(ending);
    *length = strlen(name);
    if (*length <= ending_length || strcmp(name + *length - ending_length, ending) != 0)
        return false;
    *length -= ending_length;
    return true;
}

/* Whether somebody chose the name: "conv1.weight", and not "onnx::Conv_512" or "512". */
static bool is_given_name(const char *name) {
    if (strstr(name, "::") != NULL)
        return false;
    for (; *name != '\0'; name++)
        if (!is_digit(*name))
            return true;
    return false;
}

/* Appends a name with what no path can hold made '_', and empty parts left out. */
static void append_path(Text *text, const char *name, size_t length) {
    for (size_t i = 0; i < length && text->length < LONGEST_MADE_NAME; i++) {
        char c = name[i] == '/' ? '.' : name[i];
        bool joins = text->length == 0 || text->data[text->length - 1] == '.';
        if (c == '.' && joins)
            continue;
        if (!is_letter(c) && !is_digit(c) && c != '.')
            c = '_';
        text_append_bytes(text, &c, 1);
    }
    while (text->length > 0 && text->data[text->length - 1] == '.')
        text->data[--text->length] = '\0';
}

/* The scopes of "/stage2/stage2.0/branch1/branch1.0/Conv", each of which repeats the one before:
 * "stage2.0.branch1.0.Conv". `keep_last` says whether the last part stays. */
static void append_scopes(Text *text, const char *name, bool keep_last) {
    Text joined = {0};
    while (*name != '\0') {
        size_t length = strcspn(name, "/");
        const char *next = name + length + (name[length] == '/');
        bool last = *next == '\0';
        bool repeated = !last && strncmp(next, name, length) == 0 && next[length] == '.';
        if (length > 0 && !repeated && (!last || keep_last)) {
            text_append(&joined, ".");
            text_append_bytes(&joined, name, length);
        }
        name = next;
    }
    if (joined.data != NULL)
        append_path(text, joined.data, joined.length);
    text_free(&joined);
}

/* ---- paths of weights ---- */

static void append_layer(Importer *importer, const Symbol *weight, OpKind op, Text *text) {
    size_t length;
    if (weight != NULL && is_given_name(weight->name)) {
        if (!has_ending(weight->name, ".weight", &length))
            has_ending(weight->name, "_weight", &length);
        append_path(text, weight->name, length);
    }
    const char *name = node_label(importer->node);
    if (text->length == 0)
        append_scopes(text, name, weight == NULL || strchr(name, '/') == NULL);
    if (text->length == 0)
        append_path(text, op_info(op)->name, strlen(op_info(op)->name));
}

static bool holds_data(const Node *node, OpKind op, const float *const data[MAX_OP_WEIGHTS]) {
    bool equal = node->op == op;
    for (int i = 0; equal && i < MAX_OP_WEIGHTS; i++)
        equal = (node->weights[i] == NULL ? NULL : node->weights[i]->data) == data[i];
    return equal;
}

const char *weight_path(
    Importer *importer, const Symbol *weight, OpKind op, const float *const data[MAX_OP_WEIGHTS]) {
    Text text = {0};
    append_layer(importer, weight, op, &text);
    const char *base = arena_copy_string(importer->arena, text.data);
    text_free(&text);
    Text key = {0};
    text_format(&key, "%s %d", base, (int)op);
    for (int i = 0; i < MAX_OP_WEIGHTS; i++)
        text_format(&key, " %p", (const void *)data[i]);
    char *path = name_map_find(importer->sharers, key.data);
    const Node *node = path == NULL ? NULL : name_map_find(importer->path_nodes, path);
    if (node == NULL || !holds_data(node, op, data)) {
        path = arena_copy_string(importer->arena, name_map_take(importer->paths, base, 2));
        name_map_put(importer->sharers, arena_copy_string(importer->arena, key.data), path);
    }
    text_free(&key);
    return path;
}

/* ---- names of values ---- */

static const char *identifier(Importer *importer, Text *text, const char *fallback) {
    Text result = {0};
    if (text->length > 0 && is_digit(text->data[0]))
        text_append(&result, fallback);
    for (size_t i = 0; i < text->length; i++) {
        char c = text->data[i] == '.' ? '_' : text->data[i];
        text_append_bytes(&result, &c, 1);
    }
    if (result.length == 0)
        text_append(&result, fallback);
    if (is_keyword(result.data) || is_word(result.data))
        text_append(&result, "_");
    if (strcmp(result.data, "_") == 0) /* which is no name in the language */
        text_append(&result, fallback);
    const char *copy = arena_copy_string(importer->arena, result.data);
    text_free(&result);
    text_free(text);
    return copy;
}

const char *value_name(Importer *importer, const char *name) {
    Text text = {0};
    size_t length;
    if (strncmp(name, "node_", 5) == 0)
        name += 5;
    if (has_ending(name, "_output_0", &length))
        name = arena_copy_bytes(importer->arena, name, length);
    append_scopes(&text, name, true);
    for (size_t i = 0; i < text.length; i++)
        text.data[i] = (char)tolower((unsigned char)text.data[i]);
    return identifier(importer, &text, "x");
}

const char *port_name(Importer *importer, const char *name) {
    Text text = {0};
    append_path(&text, name, strlen(name));
    return name_map_take(importer->taken_names, identifier(importer, &text, "x"), 2);
}
