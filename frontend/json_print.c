/* The tree of a spec as JSON. docs/language.md lists the forms; json_read.c reads them. */
#include "frontend/frontend.h"
#include "frontend/json.h"
#include "ir/ending.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void frontend_expect_endings(void) {
    json_set_alloc_funcs(allocate_or_end, free);
}

/* ---- writing JSON: on one line where it fits, else a member a line ---- */

enum { JSON_LINE_WIDTH = 100, INDENT = 2 };

static void write_flat(const json_t *json, Text *text) {
    const char *key;
    json_t *member;
    size_t index;
    char *plain;
    switch (json_typeof(json)) {
    case JSON_OBJECT: {
        bool first = true;
        text_append(text, "{");
        json_object_foreach((json_t *)json, key, member) {
            text_format(text, first ? "\"%s\": " : ", \"%s\": ", key);
            write_flat(member, text);
            first = false;
        }
        text_append(text, "}");
        break;
    }
    case JSON_ARRAY:
        text_append(text, "[");
        json_array_foreach(json, index, member) {
            text_append(text, index > 0 ? ", " : "");
            write_flat(member, text);
        }
        text_append(text, "]");
        break;
    case JSON_REAL:
        text_append_double(text, json_real_value(json));
        break;
    case JSON_STRING:
    case JSON_INTEGER:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        plain = json_dumps(json, JSON_ENCODE_ANY);
        text_append(text, plain ? plain : "null");
        free(plain);
        break;
    }
}

static void write_line(Text *text, int indent) {
    text_append(text, "\n");
    for (int i = 0; i < indent; i++) {
        text_append(text, " ");
    }
}

static void write_json(const json_t *json, int indent, Text *text) {
    Text flat = {0};
    write_flat(json, &flat);
    bool fits = (size_t)indent + flat.length <= JSON_LINE_WIDTH;
    if (fits || (!json_is_object(json) && !json_is_array(json))) {
        text_append_bytes(text, flat.data, flat.length);
        text_free(&flat);
        return;
    }
    text_free(&flat);
    const char *key;
    json_t *member;
    size_t index;
    bool first = true;
    if (json_is_object(json)) {
        text_append(text, "{");
        json_object_foreach((json_t *)json, key, member) {
            text_append(text, first ? "" : ",");
            write_line(text, indent + INDENT);
            text_format(text, "\"%s\": ", key);
            write_json(member, indent + INDENT, text);
            first = false;
        }
        write_line(text, indent);
        text_append(text, "}");
        return;
    }
    text_append(text, "[");
    json_array_foreach(json, index, member) {
        text_append(text, index > 0 ? "," : "");
        write_line(text, indent + INDENT);
        write_json(member, indent + INDENT, text);
    }
    write_line(text, indent);
    text_append(text, "]");
}

/* ---- trivia ---- */

static json_t *expression_json(const SpecExpression *expression);
static json_t *block_json(const SpecBlock *block);
static json_t *statement_json(const SpecStatement *statement);

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static void set_comments(json_t *object, const char *key, const Trivia *trivia) {
    if (trivia->comment_count == 0) {
        return;
    }
    json_t *list = json_array();
    for (int i = 0; i < trivia->comment_count; i++) {
        json_array_append_new(list, json_string(trivia->comments[i]));
    }
    set(object, key, list);
}

static void set_trivia(json_t *object, const Trivia *trivia) {
    set_comments(object, "comments", trivia);
    if (trivia->trailing) {
        set(object, "comment", json_string(trivia->trailing));
    }
    if (trivia->blank_line) {
        set(object, "blank_line", json_true());
    }
    if (trivia->new_line) {
        set(object, "new_line", json_true());
    }
}

static bool has_trivia(const SpecExpression *expression) {
    const Trivia *trivia = &expression->trivia;
    return trivia->comment_count > 0 || trivia->trailing || trivia->blank_line ||
           trivia->new_line || expression->closing.comment_count > 0;
}

/* ---- expressions ---- */

/* A string where all is text, else a list of strings and expressions. */
static json_t *template_json(const Template *text) {
    if (text->count == 0) {
        return json_string("");
    }
    if (text->count == 1 && text->parts[0].text) {
        return json_string(text->parts[0].text);
    }
    json_t *list = json_array();
    for (int i = 0; i < text->count; i++) {
        json_array_append_new(list, text->parts[i].text
                                        ? json_string(text->parts[i].text)
                                        : expression_json(text->parts[i].expression));
    }
    return list;
}

static json_t *list_json(const SpecExpressionList *list) {
    json_t *array = json_array();
    for (int i = 0; i < list->count; i++) {
        json_array_append_new(array, expression_json(list->items[i]));
    }
    return array;
}

/* An object with the value under the key; a plain value where nothing has to stand beside it. */
static json_t *literal_json(const SpecExpression *expression, const char *key, json_t *value) {
    if (!has_trivia(expression)) {
        return value;
    }
    json_t *object = json_object();
    set(object, key, value);
    return object;
}

static json_t *single(const char *key, json_t *value) {
    json_t *object = json_object();
    set(object, key, value);
    return object;
}

static json_t *pair_json(const SpecExpression *left, const SpecExpression *right) {
    json_t *pair = json_array();
    json_array_append_new(pair, expression_json(left));
    json_array_append_new(pair, expression_json(right));
    return pair;
}

static json_t *pipe_json(const SpecExpression *pipe) {
    json_t *stages = list_json(&pipe->items);
    json_array_insert_new(stages, 0, expression_json(pipe->left));
    return single("pipe", stages);
}

/* The path of a call or a name stands beside it. */
static json_t *at_json(const SpecExpression *at) {
    bool inside = at->left->kind == SPEC_EXPRESSION_CALL || at->left->kind == SPEC_EXPRESSION_NAME;
    json_t *object =
        inside ? expression_json(at->left) : single("value", expression_json(at->left));
    set(object, inside ? "path" : "at", template_json(at->text));
    return object;
}

static json_t *bare_json(const SpecExpression *expression) {
    json_t *object;
    switch (expression->kind) {
    case SPEC_EXPRESSION_INTEGER:
        return literal_json(expression, "number", json_integer(expression->integer));
    case SPEC_EXPRESSION_NUMBER:
        return literal_json(expression, "number", json_real(expression->number));
    case SPEC_EXPRESSION_BOOLEAN:
        return literal_json(expression, "boolean", json_boolean(expression->boolean));
    case SPEC_EXPRESSION_LIST:
        return literal_json(expression, "list", list_json(&expression->items));
    case SPEC_EXPRESSION_STRING:
        return single("string", template_json(expression->text));
    case SPEC_EXPRESSION_NAME:
        return single("name", json_string(expression->name));
    case SPEC_EXPRESSION_TABLE:
        return single("table", list_json(&expression->items));
    case SPEC_EXPRESSION_ENTRY:
        object = single("key", expression_json(expression->left));
        set(object, "value", expression_json(expression->right));
        return object;
    case SPEC_EXPRESSION_CALL:
        object = single("call", json_string(expression->name));
        set(object, "arguments", list_json(&expression->items));
        return object;
    case SPEC_EXPRESSION_ARGUMENT:
        object = single("argument", json_string(expression->name));
        if (expression->right) {
            set(object, "value", expression_json(expression->right));
        }
        return object;
    case SPEC_EXPRESSION_INDEX:
        return single("index", pair_json(expression->left, expression->right));
    case SPEC_EXPRESSION_MEMBER:
        object = single("member", json_string(expression->name));
        set(object, "of", expression_json(expression->left));
        return object;
    case SPEC_EXPRESSION_UNARY:
        return single(operator_word(expression->operation), expression_json(expression->left));
    case SPEC_EXPRESSION_BINARY:
        return single(
            operator_word(expression->operation), pair_json(expression->left, expression->right));
    case SPEC_EXPRESSION_CONDITIONAL:
        object = single("if", expression_json(expression->condition));
        set(object, "then", expression_json(expression->left));
        set(object, "else", expression_json(expression->right));
        return object;
    case SPEC_EXPRESSION_PIPE:
        return pipe_json(expression);
    case SPEC_EXPRESSION_AT:
        return at_json(expression);
    case SPEC_EXPRESSION_ERROR:
    case SPEC_EXPRESSION_KIND_COUNT:
        break;
    }
    return json_null();
}

static json_t *expression_json(const SpecExpression *expression) {
    json_t *json = bare_json(expression);
    if (json_is_object(json)) {
        set_comments(json, "closing_comments", &expression->closing);
        set_trivia(json, &expression->trivia);
    }
    return json;
}

/* ---- statements ---- */

static json_t *pattern_json(const SpecExpression *pattern);

static json_t *patterns_json(const SpecExpressionList *patterns) {
    json_t *array = json_array();
    for (int i = 0; i < patterns->count; i++) {
        json_array_append_new(array, pattern_json(patterns->items[i]));
    }
    return array;
}

static json_t *pattern_json(const SpecExpression *pattern) {
    return pattern->kind == SPEC_EXPRESSION_NAME ? json_string(pattern->name)
                                                 : patterns_json(&pattern->items);
}

static void set_values(json_t *object, const SpecExpressionList *values) {
    if (values->count == 1) {
        set(object, "value", expression_json(values->items[0]));
    } else {
        set(object, "values", list_json(values));
    }
}

static void set_path_and_body(json_t *object, const SpecStatement *statement) {
    if (statement->path) {
        set(object, "path", template_json(statement->path));
    }
    set(object, "body", block_json(statement->block));
}

static void set_layout(json_t *object, LayoutWord layout) {
    if (layout != LAYOUT_WORD_NONE) {
        set(object, "layout", json_string(layout == LAYOUT_WORD_NCHW ? "nchw" : "nhwc"));
    }
}

static json_t *if_json(const SpecStatement *statement) {
    json_t *object = single("if", expression_json(statement->value));
    set(object, "then", block_json(statement->block));
    if (statement->other) {
        set(object, "else",
            statement->else_if ? if_json(statement->other->items[0])
                               : block_json(statement->other));
    }
    return object;
}

static json_t *bare_statement_json(const SpecStatement *statement) {
    const char *word = statement_words[statement->kind];
    json_t *object = json_object();
    switch (statement->kind) {
    case SPEC_STATEMENT_LET:
    case SPEC_STATEMENT_ASSIGN:
        set(object, word, patterns_json(&statement->targets));
        set_values(object, &statement->values);
        break;
    case SPEC_STATEMENT_FOR:
        set(object, word, patterns_json(&statement->targets));
        set(object, "in", expression_json(statement->value));
        set_path_and_body(object, statement);
        break;
    case SPEC_STATEMENT_REPEAT:
        set(object, word, expression_json(statement->value));
        set_path_and_body(object, statement);
        break;
    case SPEC_STATEMENT_SCOPE:
        set(object, word, template_json(statement->path));
        set(object, "body", block_json(statement->block));
        break;
    case SPEC_STATEMENT_IF:
        json_decref(object);
        return if_json(statement);
    case SPEC_STATEMENT_RETURN:
        set(object, word, list_json(&statement->values));
        break;
    case SPEC_STATEMENT_INPUT:
        set(object, word, json_string(statement->name));
        set(object, "type", json_string(statement->element));
        set(object, "dimensions", list_json(&statement->values));
        set_layout(object, statement->layout);
        if (statement->value) {
            set(object, "value", expression_json(statement->value));
        }
        break;
    case SPEC_STATEMENT_OUTPUT:
        set(object, word, json_string(statement->name));
        set_layout(object, statement->layout);
        set(object, "value", expression_json(statement->value));
        break;
    case SPEC_STATEMENT_ANSWER:
        set(object, word, json_string(statement->name));
        set(object, "value", expression_json(statement->value));
        break;
    case SPEC_STATEMENT_LABELS:
        set(object, word, expression_json(statement->value));
        break;
    case SPEC_STATEMENT_ASSERT:
        set(object, word, expression_json(statement->value));
        set(object, "message", expression_json(statement->message));
        break;
    case SPEC_STATEMENT_FAIL:
        set(object, word, expression_json(statement->message));
        break;
    case SPEC_STATEMENT_MATCH:
        set(object, word, list_json(&statement->targets));
        set(object, "become", list_json(&statement->values));
        break;
    case SPEC_STATEMENT_WHERE:
        set(object, word, expression_json(statement->value));
        break;
    case SPEC_STATEMENT_KIND_COUNT:
        break;
    }
    return object;
}

static json_t *statement_json(const SpecStatement *statement) {
    json_t *object = bare_statement_json(statement);
    set_trivia(object, &statement->trivia);
    return object;
}

static json_t *block_json(const SpecBlock *block) {
    json_t *array = json_array();
    for (int i = 0; i < block->count; i++) {
        json_array_append_new(array, statement_json(block->items[i]));
    }
    if (block->closing.comment_count == 0 && !block->closing.trailing) {
        return array;
    }
    json_t *object = single("statements", array);
    if (block->closing.trailing) {
        set(object, "opening_comment", json_string(block->closing.trailing));
    }
    set_comments(object, "closing_comments", &block->closing);
    return object;
}

static json_t *item_json(const Item *item) {
    const char *word = item_words[item->kind];
    json_t *object = single(
        word, item->kind == ITEM_IMPORT ? template_json(item->text) : json_string(item->name));
    if (item->has_parameters) {
        set(object, "parameters", list_json(&item->parameters));
        set_comments(object, "closing_comments", &item->closing);
    }
    if (item->kind == ITEM_NETWORK && item->text) {
        set(object, "named", template_json(item->text));
    }
    if (item->block) {
        set(object, "body", block_json(item->block));
    }
    set_trivia(object, &item->trivia);
    json_object_del(object, "blank_line");
    return object;
}

void spec_print_json(const Spec *spec, Text *text) {
    json_t *items = json_array();
    for (int i = 0; i < spec->count; i++) {
        json_array_append_new(items, item_json(spec->items[i]));
    }
    json_t *object = single("riffle", json_integer(1));
    set(object, "items", items);
    set_comments(object, "closing_comments", &spec->closing);
    write_json(object, 0, text);
    text_append(text, "\n");
    json_decref(object);
}
