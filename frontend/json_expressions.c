/* Expressions, strings and weight paths from JSON. */
#include "frontend/json_node.h"

#include <math.h>
#include <string.h>

static SpecExpression *read_element(const JsonNode *node, SpecExpressionKind also);

SpecExpression *tree_make(const JsonNode *node, SpecExpressionKind kind) {
    return expression_create(node->reader->arena, kind, tree_range(node));
}

SpecExpression *tree_error_expression(const JsonNode *node) {
    return tree_make(node, SPEC_EXPRESSION_ERROR);
}

/* ---- strings and paths ---- */

Template *tree_read_template(const JsonNode *node) {
    Arena *arena = node->reader->arena;
    Template *text = ARENA_NEW(arena, Template);
    text->where = tree_range(node);
    if (json_is_string(node->json)) {
        const char *literal = tree_read_text(node, "a string");
        if (literal && *literal) {
            template_add(arena, text, literal, NULL);
        }
        return text;
    }
    if (!json_is_array(node->json)) {
        tree_wrong(node, NULL, "a string, or a list of strings and expressions, is wanted");
        return text;
    }
    const JsonPlace *place = node->place->first_child;
    for (size_t i = 0; i < json_array_size(node->json); i++) {
        JsonNode item = tree_item(node, i, place);
        place = place ? place->next : NULL;
        if (!json_is_string(item.json)) {
            node->reader->templates++;
            template_add(arena, text, NULL, tree_read_expression(&item));
            node->reader->templates--;
            continue;
        }
        const char *literal = tree_read_text(&item, "a string");
        if (literal && *literal) {
            template_add(arena, text, literal, NULL);
        }
    }
    return text;
}

/* ---- expressions ---- */

SpecExpression *tree_finish(const JsonNode *node, SpecExpression *expression) {
    if (expression_finish(expression)) {
        return expression;
    }
    tree_wrong(node, NULL,
        arena_format(node->reader->arena, "nested more than %d levels deep", SYNTAX_DEPTH_LIMIT));
    return tree_error_expression(node);
}

void tree_read_list(const JsonNode *node, SpecExpressionList *list, SpecExpressionKind also) {
    if (!json_is_array(node->json)) {
        tree_wrong(node, NULL, "a list is wanted");
        return;
    }
    const JsonPlace *place = node->place->first_child;
    for (size_t i = 0; i < json_array_size(node->json); i++) {
        JsonNode item = tree_item(node, i, place);
        place = place ? place->next : NULL;
        expression_list_add(node->reader->arena, list, read_element(&item, also));
    }
}

/* Numbers below zero are the negation of others, as in the language. */
static SpecExpression *read_number(const JsonNode *node, const json_t *json) {
    if (!json_is_number(json)) {
        tree_wrong(node, NULL, "a number is wanted");
        return tree_error_expression(node);
    }
    bool whole = json_is_integer(json);
    bool negative = whole ? json_integer_value(json) < 0 : signbit(json_real_value(json));
    if (whole && json_integer_value(json) == INT64_MIN) {
        tree_wrong(node, NULL, "the number does not fit in 64 bits");
        return tree_error_expression(node);
    }
    SpecExpression *number =
        tree_make(node, whole ? SPEC_EXPRESSION_INTEGER : SPEC_EXPRESSION_NUMBER);
    number->integer = whole ? json_integer_value(json) * (negative ? -1 : 1) : 0;
    number->number = whole ? 0 : fabs(json_real_value(json));
    if (!negative) {
        return number;
    }
    SpecExpression *negation = tree_make(node, SPEC_EXPRESSION_UNARY);
    negation->operation = OPERATOR_negate;
    negation->left = number;
    expression_finish(negation);
    return negation;
}

static SpecExpression *read_boolean(const JsonNode *node, const json_t *json) {
    if (!json_is_boolean(json)) {
        tree_wrong(node, NULL, "true or false is wanted");
        return tree_error_expression(node);
    }
    SpecExpression *expression = tree_make(node, SPEC_EXPRESSION_BOOLEAN);
    expression->boolean = json_is_true(json);
    return expression;
}

static SpecExpression *with_path(const JsonNode *node, SpecExpression *expression) {
    if (!tree_has(node, "path") || expression->kind == SPEC_EXPRESSION_ERROR) {
        return expression;
    }
    JsonNode path = tree_member(node, "path");
    SpecExpression *at = tree_make(node, SPEC_EXPRESSION_AT);
    at->left = tree_finish(node, expression);
    at->text = tree_read_template(&path);
    return at;
}

static SpecExpression *read_name_form(const JsonNode *node) {
    tree_check_keys(node, (const char *const[]){"name", "path", NULL});
    JsonNode member = tree_member(node, "name");
    const char *name = tree_read_name(&member, "a name");
    if (!name) {
        return tree_error_expression(node);
    }
    SpecExpression *expression = tree_make(node, SPEC_EXPRESSION_NAME);
    expression->name = name;
    return with_path(node, expression);
}

static SpecExpression *read_call(const JsonNode *node) {
    tree_check_keys(node, (const char *const[]){"call", "arguments", "path", NULL});
    JsonNode member = tree_member(node, "call");
    const char *name = tree_read_name(&member, "the name of a function");
    SpecExpression *call = tree_make(node, SPEC_EXPRESSION_CALL);
    call->name = name;
    call->name_where = tree_range(&member);
    JsonNode arguments = tree_member(node, "arguments");
    if (arguments.json) {
        tree_read_list(&arguments, &call->items, SPEC_EXPRESSION_ARGUMENT);
    }
    const JsonPlace *place = arguments.place->first_child;
    for (int i = 0; i < call->items.count; i++) {
        const SpecExpression *argument = call->items.items[i];
        if (argument->kind == SPEC_EXPRESSION_ARGUMENT && !argument->right) {
            JsonNode bad = tree_item(&arguments, (size_t)i, place);
            tree_wrong(&bad, NULL, "'value' is missing");
        }
        place = place ? place->next : NULL;
    }
    tree_read_comments(node, "closing_comments", &call->closing);
    return name ? with_path(node, call) : tree_error_expression(node);
}

static SpecExpression *read_argument(const JsonNode *node) {
    tree_check_keys(node, (const char *const[]){"argument", "value", NULL});
    JsonNode member = tree_member(node, "argument"), value = tree_member(node, "value");
    const char *name = tree_read_name(&member, "the name of an argument");
    SpecExpression *expression = tree_make(node, SPEC_EXPRESSION_ARGUMENT);
    expression->name = name;
    expression->name_where = tree_range(&member);
    expression->right = value.json ? tree_read_expression(&value) : NULL;
    return name ? expression : tree_error_expression(node);
}

static SpecExpression *read_string_form(const JsonNode *node) {
    tree_check_keys(node, (const char *const[]){"string", NULL});
    JsonNode member = tree_member(node, "string");
    SpecExpression *expression = tree_make(node, SPEC_EXPRESSION_STRING);
    expression->text = tree_read_template(&member);
    return expression;
}

static SpecExpression *read_list_form(
    const JsonNode *node, const char *key, SpecExpressionKind kind) {
    tree_check_keys(node, (const char *const[]){key, NULL});
    JsonNode member = tree_member(node, key);
    SpecExpression *expression = tree_make(node, kind);
    tree_read_list(&member, &expression->items,
        kind == SPEC_EXPRESSION_TABLE ? SPEC_EXPRESSION_ENTRY : SPEC_EXPRESSION_LIST);
    for (int i = 0; i < expression->items.count; i++) {
        SpecExpressionKind item = expression->items.items[i]->kind;
        bool entry = item == SPEC_EXPRESSION_ENTRY || item == SPEC_EXPRESSION_ERROR;
        if (kind == SPEC_EXPRESSION_TABLE && !entry) {
            JsonNode bad = tree_item_at(&member, (size_t)i);
            tree_wrong(&bad, "as in {\"key\": 1, \"value\": 2}", "an entry of a table is wanted");
            return tree_error_expression(node);
        }
    }
    tree_read_comments(node, "closing_comments", &expression->closing);
    return expression;
}

static SpecExpression *read_entry(const JsonNode *node) {
    tree_check_keys(node, (const char *const[]){"key", "value", NULL});
    if (!tree_needs(node, "value")) {
        return tree_error_expression(node);
    }
    JsonNode key = tree_member(node, "key"), value = tree_member(node, "value");
    SpecExpression *expression = tree_make(node, SPEC_EXPRESSION_ENTRY);
    expression->left = tree_read_expression(&key);
    expression->right = tree_read_expression(&value);
    return expression;
}

static bool read_operands(const JsonNode *node, const char *key, SpecExpression *expression) {
    tree_check_keys(node, (const char *const[]){key, NULL});
    JsonNode member = tree_member(node, key);
    if (json_array_size(member.json) != 2) {
        tree_wrong(&member, NULL, "a list of two expressions is wanted");
        return false;
    }
    JsonNode left = tree_item_at(&member, 0);
    JsonNode right = tree_item_at(&member, 1);
    expression->left = tree_read_expression(&left);
    expression->right = tree_read_expression(&right);
    return true;
}

static SpecExpression *read_index(const JsonNode *node) {
    SpecExpression *expression = tree_make(node, SPEC_EXPRESSION_INDEX);
    return read_operands(node, "index", expression) ? expression : tree_error_expression(node);
}

static SpecExpression *read_form_of_member(const JsonNode *node) {
    tree_check_keys(node, (const char *const[]){"member", "of", NULL});
    if (!tree_needs(node, "of")) {
        return tree_error_expression(node);
    }
    JsonNode member = tree_member(node, "member"), of = tree_member(node, "of");
    const char *name = tree_read_name(&member, "the name of a member");
    SpecExpression *expression = tree_make(node, SPEC_EXPRESSION_MEMBER);
    expression->name = name;
    expression->name_where = tree_range(&member);
    expression->left = tree_read_expression(&of);
    return name ? expression : tree_error_expression(node);
}

static SpecExpression *read_operation(const JsonNode *node, Operator operation) {
    const char *word = operator_word(operation);
    SpecExpression *expression = tree_make(
        node, operator_is_unary(operation) ? SPEC_EXPRESSION_UNARY : SPEC_EXPRESSION_BINARY);
    expression->operation = operation;
    if (!operator_is_unary(operation)) {
        return read_operands(node, word, expression) ? expression : tree_error_expression(node);
    }
    tree_check_keys(node, (const char *const[]){word, NULL});
    JsonNode member = tree_member(node, word);
    expression->left = tree_read_expression(&member);
    return expression;
}

static SpecExpression *read_conditional(const JsonNode *node) {
    tree_check_keys(node, (const char *const[]){"if", "then", "else", NULL});
    if (!tree_needs(node, "then") || !tree_needs(node, "else")) {
        return tree_error_expression(node);
    }
    JsonNode condition = tree_member(node, "if");
    JsonNode left = tree_member(node, "then"), right = tree_member(node, "else");
    SpecExpression *expression = tree_make(node, SPEC_EXPRESSION_CONDITIONAL);
    expression->condition = tree_read_expression(&condition);
    expression->left = tree_read_expression(&left);
    expression->right = tree_read_expression(&right);
    return expression;
}

static bool is_stage(const SpecExpression *stage) {
    const SpecExpression *function = stage->kind == SPEC_EXPRESSION_AT ? stage->left : stage;
    return function->kind == SPEC_EXPRESSION_NAME || function->kind == SPEC_EXPRESSION_CALL ||
           function->kind == SPEC_EXPRESSION_ERROR;
}

static SpecExpression *read_pipe(const JsonNode *node) {
    tree_check_keys(node, (const char *const[]){"pipe", NULL});
    JsonNode member = tree_member(node, "pipe");
    SpecExpressionList list = {0};
    tree_read_list(&member, &list, SPEC_EXPRESSION_LIST);
    if (list.count < 2) {
        tree_wrong(&member, NULL, "a pipe has a value and at least one stage");
        return tree_error_expression(node);
    }
    if (list.items[0]->trivia.comment_count > 0 || list.items[list.count - 1]->trivia.trailing) {
        tree_wrong(&member, NULL, "no comment stands before a pipe or behind its last stage");
        return tree_error_expression(node);
    }
    SpecExpression *pipe = tree_make(node, SPEC_EXPRESSION_PIPE);
    pipe->left = list.items[0];
    for (int i = 1; i < list.count; i++) {
        if (!is_stage(list.items[i])) {
            JsonNode stage = tree_item_at(&member, (size_t)i);
            tree_wrong(&stage, NULL, "a stage of a pipe is a call or a name");
            return tree_error_expression(node);
        }
        expression_list_add(node->reader->arena, &pipe->items, list.items[i]);
    }
    return pipe;
}

static SpecExpression *read_at(const JsonNode *node) {
    tree_check_keys(node, (const char *const[]){"at", "value", NULL});
    if (!tree_needs(node, "value")) {
        return tree_error_expression(node);
    }
    JsonNode path = tree_member(node, "at"), value = tree_member(node, "value");
    SpecExpression *expression = tree_make(node, SPEC_EXPRESSION_AT);
    expression->left = tree_read_expression(&value);
    expression->text = tree_read_template(&path);
    return expression;
}

static SpecExpression *read_object(const JsonNode *node) {
    if (tree_has(node, "call")) {
        return read_call(node);
    }
    if (tree_has(node, "name")) {
        return read_name_form(node);
    }
    if (tree_has(node, "argument")) {
        return read_argument(node);
    }
    if (tree_has(node, "string")) {
        return read_string_form(node);
    }
    if (tree_has(node, "pipe")) {
        return read_pipe(node);
    }
    if (tree_has(node, "at")) {
        return read_at(node);
    }
    if (tree_has(node, "if")) {
        return read_conditional(node);
    }
    if (tree_has(node, "index")) {
        return read_index(node);
    }
    if (tree_has(node, "member")) {
        return read_form_of_member(node);
    }
    if (tree_has(node, "table")) {
        return read_list_form(node, "table", SPEC_EXPRESSION_TABLE);
    }
    if (tree_has(node, "list")) {
        return read_list_form(node, "list", SPEC_EXPRESSION_LIST);
    }
    if (tree_has(node, "key")) {
        return read_entry(node);
    }
    const char *literals[] = {"number", "boolean"};
    for (int i = 0; i < 2; i++) {
        JsonNode member = tree_member(node, literals[i]);
        if (member.json) {
            tree_check_keys(node, (const char *const[]){literals[i], NULL});
            return i == 0 ? read_number(node, member.json) : read_boolean(node, member.json);
        }
    }
    for (Operator operation = 0; operation < OPERATOR_COUNT; operation++) {
        if (tree_has(node, operator_word(operation))) {
            return read_operation(node, operation);
        }
    }
    tree_wrong(node, "as in {\"name\": \"x\"} or {\"call\": \"relu\", \"arguments\": [...]}",
        "this object is no expression");
    return tree_error_expression(node);
}

/* Comments stand where a line can end: behind statements, items, arguments and stages. */
static void forbid_comments(const JsonNode *node, Trivia *trivia) {
    if (trivia->comment_count > 0 || trivia->trailing) {
        tree_wrong(node,
            "comments stand beside statements, items of lists, arguments and stages of pipes",
            "a comment cannot stand here");
    }
    *trivia = (Trivia){0};
}

/* An item of a list, an argument, an entry or a stage. */
static SpecExpression *read_element(const JsonNode *node, SpecExpressionKind also) {
    SpecExpression *expression = NULL;
    if (json_is_object(node->json)) {
        expression = read_object(node);
    } else if (json_is_array(node->json)) {
        expression = tree_make(node, SPEC_EXPRESSION_LIST);
        tree_read_list(node, &expression->items, SPEC_EXPRESSION_LIST);
    } else if (json_is_number(node->json)) {
        expression = read_number(node, node->json);
    } else if (json_is_boolean(node->json)) {
        expression = read_boolean(node, node->json);
    } else {
        tree_wrong(node,
            json_is_string(node->json) ? "write {\"string\": ...} or {\"name\": ...}" : NULL,
            "an expression is wanted");
        return tree_error_expression(node);
    }
    expression = tree_finish(node, expression);
    if (expression->kind != also && (expression->kind == SPEC_EXPRESSION_ARGUMENT ||
                                        expression->kind == SPEC_EXPRESSION_ENTRY)) {
        tree_wrong(node, NULL, "an expression is wanted");
        return tree_error_expression(node);
    }
    tree_read_trivia(node, &expression->trivia);
    if (node->reader->templates > 0) {
        forbid_comments(node, &expression->trivia);
    }
    return expression;
}

SpecExpression *tree_read_expression(const JsonNode *node) {
    SpecExpression *expression = read_element(node, SPEC_EXPRESSION_LIST);
    forbid_comments(node, &expression->trivia);
    return expression;
}
