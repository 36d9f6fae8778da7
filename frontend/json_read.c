/* Reading a spec from JSON: the forms that json_print.c writes. Each mistake is reported with its place in
 * the file and as a path ("/items/0/body/3"), and reading goes on beside it. */
#include "frontend/json.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

typedef struct Reader {
    const SourceFile *file;
    Arena *arena;
    Diagnostics *diagnostics;
    int templates; /* strings and paths being read: what stands in them is on one line */
} Reader;

/* A JSON value and the way to it. */
typedef struct JsonNode {
    Reader *reader;
    const json_t *json; /* NULL when absent */
    const JsonPlace *place;
    const struct JsonNode *parent;
    const char *key; /* member of the parent, or NULL: item `index` */
    size_t index;
} JsonNode;

static Expression *read_expression(const JsonNode *node);
static Expression *read_element(const JsonNode *node, ExpressionKind also);
static Block *read_block(const JsonNode *node);

/* ---- errors and access ---- */

static SourceRange node_range(const JsonNode *node) {
    return (SourceRange){node->reader->file, node->place->begin, node->place->end};
}

static void append_path(const JsonNode *node, Text *text) {
    if (!node->parent) {
        return;
    }
    append_path(node->parent, text);
    if (node->key) {
        text_format(text, "/%s", node->key);
    } else {
        text_format(text, "/%zu", node->index);
    }
}

static void wrong(const JsonNode *node, const char *hint, const char *message) {
    Text path = {0};
    append_path(node, &path);
    diagnostics_report(node->reader->diagnostics, SEVERITY_ERROR, node_range(node), hint, "%s: %s",
        path.data ? path.data : "/", message);
    text_free(&path);
}

static JsonNode member_of(const JsonNode *node, const char *key) {
    return (JsonNode){node->reader, json_object_get(node->json, key),
        json_place_member(node->reader->file, node->place, key), node, key, 0};
}

static JsonNode item_of(const JsonNode *node, size_t index, const JsonPlace *place) {
    return (JsonNode){node->reader, json_array_get(node->json, index), place ? place : node->place,
        node, NULL, index};
}

static bool has(const JsonNode *node, const char *key) {
    return json_object_get(node->json, key) != NULL;
}

/* A member that must be there; the missing one is reported at the object. */
static bool needs(const JsonNode *node, const char *key) {
    if (has(node, key)) {
        return true;
    }
    wrong(node, NULL, arena_format(node->reader->arena, "'%s' is missing", key));
    return false;
}

static const char *const trivia_keys[] = {
    "comments", "comment", "blank_line", "new_line", "closing_comments"};

/* Reports members that are neither trivia nor in `keys`, which ends with NULL. */
static void check_keys(const JsonNode *node, const char *const *keys) {
    enum { MOST = 16 };
    const char *known[MOST];
    size_t count = 0;
    for (size_t i = 0; keys[i] && count < MOST; i++) {
        known[count++] = keys[i];
    }
    for (size_t i = 0; i < sizeof(trivia_keys) / sizeof(*trivia_keys) && count < MOST; i++) {
        known[count++] = trivia_keys[i];
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)node->json, key, value) {
        bool found = false;
        for (size_t i = 0; i < count; i++) {
            found = found || strcmp(known[i], key) == 0;
        }
        if (!found) {
            const char *nearest = closest_word(key, known, count);
            JsonNode member = member_of(node, key);
            wrong(&member,
                nearest ? arena_format(node->reader->arena, "did you mean '%s'?", nearest) : NULL,
                "unknown member");
        }
    }
}

static Expression *make(const JsonNode *node, ExpressionKind kind) {
    return expression_create(node->reader->arena, kind, node_range(node));
}

static Expression *error_expression(const JsonNode *node) {
    return make(node, EXPRESSION_ERROR);
}

/* ---- strings ---- */

static const char *read_text(const JsonNode *node, const char *what) {
    if (!json_is_string(node->json)) {
        wrong(node, NULL, arena_format(node->reader->arena, "%s is a string", what));
        return NULL;
    }
    if (json_string_length(node->json) > TEXT_LIMIT) {
        wrong(node, NULL, "the string is longer than 4096 bytes");
        return NULL;
    }
    return arena_copy_string(node->reader->arena, json_string_value(node->json));
}

static const char *read_name(const JsonNode *node, const char *what) {
    const char *name = read_text(node, what);
    if (name && (!is_identifier(name) || is_keyword(name))) {
        wrong(node, "a name is letters, digits and '_', and no keyword",
            arena_format(node->reader->arena, "'%.60s' is no name", name));
        return NULL;
    }
    return name;
}

static Template *read_template(const JsonNode *node) {
    Arena *arena = node->reader->arena;
    Template *text = ARENA_NEW(arena, Template);
    text->where = node_range(node);
    if (json_is_string(node->json)) {
        const char *literal = read_text(node, "a string");
        if (literal && *literal) {
            template_add(arena, text, literal, NULL);
        }
        return text;
    }
    if (!json_is_array(node->json)) {
        wrong(node, NULL, "a string, or a list of strings and expressions, is wanted");
        return text;
    }
    const JsonPlace *place = node->place->first_child;
    for (size_t i = 0; i < json_array_size(node->json); i++) {
        JsonNode item = item_of(node, i, place);
        place = place ? place->next : NULL;
        if (!json_is_string(item.json)) {
            node->reader->templates++;
            template_add(arena, text, NULL, read_expression(&item));
            node->reader->templates--;
            continue;
        }
        const char *literal = read_text(&item, "a string");
        if (literal && *literal) {
            template_add(arena, text, literal, NULL);
        }
    }
    return text;
}

static bool read_flag(const JsonNode *node, const char *key) {
    JsonNode member = member_of(node, key);
    if (member.json && !json_is_boolean(member.json)) {
        wrong(&member, NULL, "true or false is wanted");
    }
    return json_is_true(member.json);
}

static const char *read_comment(const JsonNode *node) {
    const char *comment = read_text(node, "a comment");
    for (const char *c = comment; c && *c; c++) {
        if ((unsigned char)*c < ' ' && *c != '\t') {
            wrong(node, NULL, "a comment is one line");
            return NULL;
        }
    }
    if (comment) { /* as the scanner does */
        size_t length = strlen(comment);
        while (length > 0 && strchr(" \t", comment[length - 1])) {
            length--;
        }
        comment = arena_copy_bytes(node->reader->arena, comment, length);
    }
    return comment;
}

static void read_comments(const JsonNode *node, const char *key, Trivia *trivia) {
    JsonNode list = member_of(node, key);
    if (list.json && node->reader->templates > 0) {
        wrong(&list, NULL, "a comment cannot stand in a string or path");
        return;
    }
    if (list.json && !json_is_array(list.json)) {
        wrong(&list, NULL, "comments are a list of strings");
        return;
    }
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        JsonNode item = item_of(&list, i, json_place_item(list.place, i));
        const char *comment = read_comment(&item);
        if (comment) {
            trivia_add_comment(node->reader->arena, trivia, comment);
        }
    }
}

static void read_trivia(const JsonNode *node, Trivia *trivia) {
    if (!json_is_object(node->json)) {
        return;
    }
    read_comments(node, "comments", trivia);
    JsonNode comment = member_of(node, "comment");
    trivia->trailing = comment.json ? read_comment(&comment) : NULL;
    trivia->blank_line = read_flag(node, "blank_line");
    trivia->new_line = read_flag(node, "new_line");
}

/* ---- expressions ---- */

static Expression *finish(const JsonNode *node, Expression *expression) {
    if (expression_finish(expression)) {
        return expression;
    }
    wrong(node, NULL, arena_format(node->reader->arena, "nested more than %d levels deep",
                          SYNTAX_DEPTH_LIMIT));
    return error_expression(node);
}

/* Expressions, and parts of the kind `also`: arguments or entries. */
static void read_list(const JsonNode *node, ExpressionList *list, ExpressionKind also) {
    if (!json_is_array(node->json)) {
        wrong(node, NULL, "a list is wanted");
        return;
    }
    const JsonPlace *place = node->place->first_child;
    for (size_t i = 0; i < json_array_size(node->json); i++) {
        JsonNode item = item_of(node, i, place);
        place = place ? place->next : NULL;
        expression_list_add(node->reader->arena, list, read_element(&item, also));
    }
}

/* Numbers below zero are the negation of others, as in the language. */
static Expression *read_number(const JsonNode *node, const json_t *json) {
    if (!json_is_number(json)) {
        wrong(node, NULL, "a number is wanted");
        return error_expression(node);
    }
    bool whole = json_is_integer(json);
    bool negative = whole ? json_integer_value(json) < 0 : signbit(json_real_value(json));
    if (whole && json_integer_value(json) == INT64_MIN) {
        wrong(node, NULL, "the number does not fit in 64 bits");
        return error_expression(node);
    }
    Expression *number = make(node, whole ? EXPRESSION_INTEGER : EXPRESSION_NUMBER);
    number->integer = whole ? json_integer_value(json) * (negative ? -1 : 1) : 0;
    number->number = whole ? 0 : fabs(json_real_value(json));
    if (!negative) {
        return number;
    }
    Expression *negation = make(node, EXPRESSION_UNARY);
    negation->operator = OPERATOR_negate;
    negation->left = number;
    expression_finish(negation);
    return negation;
}

static Expression *read_boolean(const JsonNode *node, const json_t *json) {
    if (!json_is_boolean(json)) {
        wrong(node, NULL, "true or false is wanted");
        return error_expression(node);
    }
    Expression *expression = make(node, EXPRESSION_BOOLEAN);
    expression->boolean = json_is_true(json);
    return expression;
}

static Expression *with_path(const JsonNode *node, Expression *expression) {
    if (!has(node, "path") || expression->kind == EXPRESSION_ERROR) {
        return expression;
    }
    JsonNode path = member_of(node, "path");
    Expression *at = make(node, EXPRESSION_AT);
    at->left = finish(node, expression);
    at->text = read_template(&path);
    return at;
}

static Expression *read_name_form(const JsonNode *node) {
    check_keys(node, (const char *const[]){"name", "path", NULL});
    JsonNode member = member_of(node, "name");
    const char *name = read_name(&member, "a name");
    if (!name) {
        return error_expression(node);
    }
    Expression *expression = make(node, EXPRESSION_NAME);
    expression->name = name;
    return with_path(node, expression);
}

static Expression *read_call(const JsonNode *node) {
    check_keys(node, (const char *const[]){"call", "arguments", "path", NULL});
    JsonNode member = member_of(node, "call");
    const char *name = read_name(&member, "the name of a function");
    Expression *call = make(node, EXPRESSION_CALL);
    call->name = name;
    call->name_where = node_range(&member);
    JsonNode arguments = member_of(node, "arguments");
    if (arguments.json) {
        read_list(&arguments, &call->items, EXPRESSION_ARGUMENT);
    }
    for (int i = 0; i < call->items.count; i++) {
        const Expression *argument = call->items.items[i];
        if (argument->kind == EXPRESSION_ARGUMENT && !argument->right) {
            JsonNode bad = item_of(&arguments, (size_t)i, json_place_item(arguments.place, (size_t)i));
            wrong(&bad, NULL, "'value' is missing");
        }
    }
    read_comments(node, "closing_comments", &call->closing);
    return name ? with_path(node, call) : error_expression(node);
}

static Expression *read_argument(const JsonNode *node) {
    check_keys(node, (const char *const[]){"argument", "value", NULL});
    JsonNode member = member_of(node, "argument"), value = member_of(node, "value");
    const char *name = read_name(&member, "the name of an argument");
    Expression *expression = make(node, EXPRESSION_ARGUMENT);
    expression->name = name;
    expression->name_where = node_range(&member);
    expression->right = value.json ? read_expression(&value) : NULL;
    return name ? expression : error_expression(node);
}

static Expression *read_string_form(const JsonNode *node) {
    check_keys(node, (const char *const[]){"string", NULL});
    JsonNode member = member_of(node, "string");
    Expression *expression = make(node, EXPRESSION_STRING);
    expression->text = read_template(&member);
    return expression;
}

static Expression *read_list_form(const JsonNode *node, const char *key, ExpressionKind kind) {
    check_keys(node, (const char *const[]){key, NULL});
    JsonNode member = member_of(node, key);
    Expression *expression = make(node, kind);
    read_list(&member, &expression->items,
        kind == EXPRESSION_TABLE ? EXPRESSION_ENTRY : EXPRESSION_LIST);
    for (int i = 0; i < expression->items.count; i++) {
        ExpressionKind item = expression->items.items[i]->kind;
        bool entry = item == EXPRESSION_ENTRY || item == EXPRESSION_ERROR;
        if (kind == EXPRESSION_TABLE && !entry) {
            JsonNode bad = item_of(&member, (size_t)i, json_place_item(member.place, (size_t)i));
            wrong(&bad, "as in {\"key\": 1, \"value\": 2}", "an entry of a table is wanted");
            return error_expression(node);
        }
    }
    read_comments(node, "closing_comments", &expression->closing);
    return expression;
}

static Expression *read_entry(const JsonNode *node) {
    check_keys(node, (const char *const[]){"key", "value", NULL});
    if (!needs(node, "value")) {
        return error_expression(node);
    }
    JsonNode key = member_of(node, "key"), value = member_of(node, "value");
    Expression *expression = make(node, EXPRESSION_ENTRY);
    expression->left = read_expression(&key);
    expression->right = read_expression(&value);
    return expression;
}

static bool read_pair(const JsonNode *node, const char *key, Expression *expression) {
    check_keys(node, (const char *const[]){key, NULL});
    JsonNode member = member_of(node, key);
    if (json_array_size(member.json) != 2) {
        wrong(&member, NULL, "a list of two expressions is wanted");
        return false;
    }
    JsonNode left = item_of(&member, 0, json_place_item(member.place, 0));
    JsonNode right = item_of(&member, 1, json_place_item(member.place, 1));
    expression->left = read_expression(&left);
    expression->right = read_expression(&right);
    return true;
}

static Expression *read_index(const JsonNode *node) {
    Expression *expression = make(node, EXPRESSION_INDEX);
    return read_pair(node, "index", expression) ? expression : error_expression(node);
}

static Expression *read_operation(const JsonNode *node, Operator operator) {
    const char *word = operator_word(operator);
    Expression *expression =
        make(node, operator_is_unary(operator) ? EXPRESSION_UNARY : EXPRESSION_BINARY);
    expression->operator = operator;
    if (!operator_is_unary(operator)) {
        return read_pair(node, word, expression) ? expression : error_expression(node);
    }
    check_keys(node, (const char *const[]){word, NULL});
    JsonNode member = member_of(node, word);
    expression->left = read_expression(&member);
    return expression;
}

static Expression *read_conditional(const JsonNode *node) {
    check_keys(node, (const char *const[]){"if", "then", "else", NULL});
    if (!needs(node, "then") || !needs(node, "else")) {
        return error_expression(node);
    }
    JsonNode condition = member_of(node, "if");
    JsonNode left = member_of(node, "then"), right = member_of(node, "else");
    Expression *expression = make(node, EXPRESSION_CONDITIONAL);
    expression->condition = read_expression(&condition);
    expression->left = read_expression(&left);
    expression->right = read_expression(&right);
    return expression;
}

static bool is_stage(const Expression *stage) {
    const Expression *function = stage->kind == EXPRESSION_AT ? stage->left : stage;
    return function->kind == EXPRESSION_NAME || function->kind == EXPRESSION_CALL ||
           function->kind == EXPRESSION_ERROR;
}

static Expression *read_pipe(const JsonNode *node) {
    check_keys(node, (const char *const[]){"pipe", NULL});
    JsonNode member = member_of(node, "pipe");
    ExpressionList list = {0};
    read_list(&member, &list, EXPRESSION_LIST);
    if (list.count < 2) {
        wrong(&member, NULL, "a pipe has a value and at least one stage");
        return error_expression(node);
    }
    if (list.items[0]->trivia.comment_count > 0 || list.items[list.count - 1]->trivia.trailing) {
        wrong(&member, NULL, "no comment stands before a pipe or behind its last stage");
        return error_expression(node);
    }
    Expression *pipe = make(node, EXPRESSION_PIPE);
    pipe->left = list.items[0];
    for (int i = 1; i < list.count; i++) {
        if (!is_stage(list.items[i])) {
            JsonNode stage = item_of(&member, (size_t)i, json_place_item(member.place, (size_t)i));
            wrong(&stage, NULL, "a stage of a pipe is a call or a name");
            return error_expression(node);
        }
        expression_list_add(node->reader->arena, &pipe->items, list.items[i]);
    }
    return pipe;
}

static Expression *read_at(const JsonNode *node) {
    check_keys(node, (const char *const[]){"at", "value", NULL});
    if (!needs(node, "value")) {
        return error_expression(node);
    }
    JsonNode path = member_of(node, "at"), value = member_of(node, "value");
    Expression *expression = make(node, EXPRESSION_AT);
    expression->left = read_expression(&value);
    expression->text = read_template(&path);
    return expression;
}

static Expression *read_object(const JsonNode *node) {
    if (has(node, "call")) {
        return read_call(node);
    }
    if (has(node, "name")) {
        return read_name_form(node);
    }
    if (has(node, "argument")) {
        return read_argument(node);
    }
    if (has(node, "string")) {
        return read_string_form(node);
    }
    if (has(node, "pipe")) {
        return read_pipe(node);
    }
    if (has(node, "at")) {
        return read_at(node);
    }
    if (has(node, "if")) {
        return read_conditional(node);
    }
    if (has(node, "index")) {
        return read_index(node);
    }
    if (has(node, "table")) {
        return read_list_form(node, "table", EXPRESSION_TABLE);
    }
    if (has(node, "list")) {
        return read_list_form(node, "list", EXPRESSION_LIST);
    }
    if (has(node, "key")) {
        return read_entry(node);
    }
    const char *literals[] = {"number", "boolean"};
    for (int i = 0; i < 2; i++) {
        JsonNode member = member_of(node, literals[i]);
        if (member.json) {
            check_keys(node, (const char *const[]){literals[i], NULL});
            return i == 0 ? read_number(node, member.json) : read_boolean(node, member.json);
        }
    }
    for (Operator operator = 0; operator < OPERATOR_COUNT; operator++) {
        if (has(node, operator_word(operator))) {
            return read_operation(node, operator);
        }
    }
    wrong(node, "as in {\"name\": \"x\"} or {\"call\": \"relu\", \"arguments\": [...]}",
        "this object is no expression");
    return error_expression(node);
}

/* Comments stand where a line can end: behind statements, items, arguments and stages. */
static void forbid_comments(const JsonNode *node, Trivia *trivia) {
    if (trivia->comment_count > 0 || trivia->trailing) {
        wrong(node, "comments stand beside statements, items of lists, arguments and stages of pipes",
            "a comment cannot stand here");
    }
    *trivia = (Trivia){0};
}

/* An item of a list, an argument, an entry or a stage. */
static Expression *read_element(const JsonNode *node, ExpressionKind also) {
    Expression *expression = NULL;
    if (json_is_object(node->json)) {
        expression = read_object(node);
    } else if (json_is_array(node->json)) {
        expression = make(node, EXPRESSION_LIST);
        read_list(node, &expression->items, EXPRESSION_LIST);
    } else if (json_is_number(node->json)) {
        expression = read_number(node, node->json);
    } else if (json_is_boolean(node->json)) {
        expression = read_boolean(node, node->json);
    } else {
        wrong(node,
            json_is_string(node->json) ? "write {\"string\": ...} or {\"name\": ...}" : NULL,
            "an expression is wanted");
        return error_expression(node);
    }
    expression = finish(node, expression);
    if (expression->kind != also &&
        (expression->kind == EXPRESSION_ARGUMENT || expression->kind == EXPRESSION_ENTRY)) {
        wrong(node, NULL, "an expression is wanted");
        return error_expression(node);
    }
    read_trivia(node, &expression->trivia);
    if (node->reader->templates > 0) {
        forbid_comments(node, &expression->trivia);
    }
    return expression;
}

static Expression *read_expression(const JsonNode *node) {
    Expression *expression = read_element(node, EXPRESSION_LIST);
    forbid_comments(node, &expression->trivia);
    return expression;
}


/* ---- statements ---- */

static Expression *read_pattern(const JsonNode *node, int depth);

static void read_patterns(const JsonNode *node, ExpressionList *list, int depth) {
    if (json_array_size(node->json) == 0 || depth > SYNTAX_DEPTH_LIMIT) {
        wrong(node, NULL, "a list of names is wanted");
        return;
    }
    for (size_t i = 0; i < json_array_size(node->json); i++) {
        JsonNode item = item_of(node, i, json_place_item(node->place, i));
        Expression *pattern = read_pattern(&item, depth);
        if (pattern) {
            expression_list_add(node->reader->arena, list, pattern);
        }
    }
}

static Expression *read_pattern(const JsonNode *node, int depth) {
    if (json_is_array(node->json)) {
        Expression *pattern = make(node, EXPRESSION_LIST);
        read_patterns(node, &pattern->items, depth + 1);
        return finish(node, pattern);
    }
    const char *name = read_name(node, "a name");
    Expression *pattern = make(node, EXPRESSION_NAME);
    pattern->name = name ? name : "_";
    return pattern;
}

static Statement *make_statement(const JsonNode *node, StatementKind kind) {
    Statement *statement = ARENA_NEW(node->reader->arena, Statement);
    statement->kind = kind;
    statement->where = node_range(node);
    statement->name_where = statement->where;
    return statement;
}

static Expression *read_member(const JsonNode *node, const char *key) {
    JsonNode member = member_of(node, key);
    return needs(node, key) ? read_expression(&member) : error_expression(node);
}

static void read_values(const JsonNode *node, Statement *statement) {
    if (has(node, "values")) {
        JsonNode values = member_of(node, "values");
        read_list(&values, &statement->values, EXPRESSION_LIST);
    } else {
        expression_list_add(node->reader->arena, &statement->values, read_member(node, "value"));
    }
    if (statement->values.count == 0) {
        wrong(node, NULL, "a value is missing");
        expression_list_add(node->reader->arena, &statement->values, error_expression(node));
    }
}

static void read_body(const JsonNode *node, const char *key, Statement *statement) {
    JsonNode body = member_of(node, key);
    needs(node, key);
    statement->block = read_block(&body);
}

static void read_path(const JsonNode *node, Statement *statement) {
    JsonNode path = member_of(node, "path");
    statement->path = path.json ? read_template(&path) : NULL;
}

static void read_layout(const JsonNode *node, Statement *statement) {
    JsonNode layout = member_of(node, "layout");
    const char *word = layout.json ? read_text(&layout, "a layout") : NULL;
    if (!word) {
        return;
    }
    statement->layout = strcmp(word, "nchw") == 0   ? LAYOUT_WORD_NCHW
                        : strcmp(word, "nhwc") == 0 ? LAYOUT_WORD_NHWC
                                                    : LAYOUT_WORD_NONE;
    if (statement->layout == LAYOUT_WORD_NONE) {
        wrong(&layout, NULL, "a layout is nchw or nhwc");
    }
}

static void read_targets(const JsonNode *node, const char *key, Statement *statement) {
    JsonNode targets = member_of(node, key);
    read_patterns(&targets, &statement->targets, 0);
    if (statement->targets.count == 0) {
        Expression *nothing = make(node, EXPRESSION_NAME);
        nothing->name = "_";
        expression_list_add(node->reader->arena, &statement->targets, nothing);
    }
}

static void read_declared_name(const JsonNode *node, const char *key, Statement *statement) {
    JsonNode name = member_of(node, key);
    statement->name = read_name(&name, "a name");
    statement->name = statement->name ? statement->name : "_";
    statement->name_where = node_range(&name);
}

static Statement *read_if(const JsonNode *node);
static Statement *finish_statement(const JsonNode *node, Statement *statement);

static void read_else(const JsonNode *node, Statement *statement) {
    JsonNode other = member_of(node, "else");
    if (!other.json) {
        return;
    }
    statement->else_if = json_object_get(other.json, "if") != NULL;
    if (statement->else_if) {
        statement->other = ARENA_NEW(node->reader->arena, Block);
        block_add(node->reader->arena, statement->other, read_if(&other));
    } else {
        statement->other = read_block(&other);
    }
}

static Statement *read_if(const JsonNode *node) {
    check_keys(node, (const char *const[]){"if", "then", "else", NULL});
    Statement *statement = make_statement(node, STATEMENT_IF);
    statement->value = read_member(node, "if");
    read_body(node, "then", statement);
    read_else(node, statement);
    return finish_statement(node, statement);
}

static void read_input(const JsonNode *node, Statement *statement) {
    check_keys(
        node, (const char *const[]){"input", "type", "dimensions", "layout", "value", NULL});
    read_declared_name(node, "input", statement);
    JsonNode type = member_of(node, "type"), dimensions = member_of(node, "dimensions");
    if (needs(node, "type")) {
        statement->element = read_name(&type, "an element type");
    }
    statement->element = statement->element ? statement->element : "f32";
    statement->element_where = node_range(&type);
    if (needs(node, "dimensions")) {
        read_list(&dimensions, &statement->values, EXPRESSION_LIST);
    }
    read_layout(node, statement);
    if (has(node, "value")) {
        statement->value = read_member(node, "value");
        bool call = statement->value->kind == EXPRESSION_CALL ||
                    statement->value->kind == EXPRESSION_ERROR;
        if (!call) {
            JsonNode value = member_of(node, "value");
            wrong(&value, NULL, "a call of 'pixels' is wanted");
        }
    }
}

static void read_statement_kind(const JsonNode *node, Statement *statement) {
    const char *word = statement_words[statement->kind];
    JsonNode member = member_of(node, word);
    switch (statement->kind) {
    case STATEMENT_LET:
    case STATEMENT_ASSIGN:
        check_keys(node, (const char *const[]){word, "value", "values", NULL});
        read_targets(node, word, statement);
        read_values(node, statement);
        break;
    case STATEMENT_FOR:
        check_keys(node, (const char *const[]){word, "in", "path", "body", NULL});
        read_targets(node, word, statement);
        statement->value = read_member(node, "in");
        read_path(node, statement);
        read_body(node, "body", statement);
        break;
    case STATEMENT_REPEAT:
        check_keys(node, (const char *const[]){word, "path", "body", NULL});
        statement->value = read_expression(&member);
        read_path(node, statement);
        read_body(node, "body", statement);
        break;
    case STATEMENT_SCOPE:
        check_keys(node, (const char *const[]){word, "body", NULL});
        statement->path = read_template(&member);
        read_body(node, "body", statement);
        break;
    case STATEMENT_RETURN:
        check_keys(node, (const char *const[]){word, NULL});
        read_list(&member, &statement->values, EXPRESSION_LIST);
        if (statement->values.count == 0) {
            wrong(node, NULL, "a value is missing");
            expression_list_add(
                node->reader->arena, &statement->values, error_expression(node));
        }
        break;
    case STATEMENT_INPUT:
        read_input(node, statement);
        break;
    case STATEMENT_OUTPUT:
        check_keys(node, (const char *const[]){word, "layout", "value", NULL});
        read_declared_name(node, word, statement);
        read_layout(node, statement);
        statement->value = read_member(node, "value");
        break;
    case STATEMENT_ASSERT:
        check_keys(node, (const char *const[]){word, "message", NULL});
        statement->value = read_expression(&member);
        statement->message = read_member(node, "message");
        break;
    case STATEMENT_FAIL:
        check_keys(node, (const char *const[]){word, NULL});
        statement->message = read_expression(&member);
        break;
    case STATEMENT_IF:
    case STATEMENT_KIND_COUNT:
        break;
    }
}

static Statement *failure(const JsonNode *node) {
    Statement *statement = make_statement(node, STATEMENT_FAIL);
    statement->message = error_expression(node);
    statement->depth = 1;
    return statement;
}

static Statement *finish_statement(const JsonNode *node, Statement *statement) {
    if (statement_finish(statement)) {
        return statement;
    }
    wrong(node, NULL, arena_format(node->reader->arena, "nested more than %d levels deep",
                          SYNTAX_DEPTH_LIMIT));
    return failure(node);
}

static Statement *read_statement(const JsonNode *node) {
    if (!json_is_object(node->json)) {
        wrong(node, NULL, "a statement is an object");
        return failure(node);
    }
    for (StatementKind kind = 0; kind < STATEMENT_KIND_COUNT; kind++) {
        if (!has(node, statement_words[kind])) {
            continue;
        }
        Statement *statement;
        if (kind == STATEMENT_IF) {
            statement = read_if(node);
        } else {
            statement = make_statement(node, kind);
            read_statement_kind(node, statement);
            statement = finish_statement(node, statement);
        }
        read_trivia(node, &statement->trivia);
        return statement;
    }
    wrong(node, "as in {\"let\": [\"x\"], \"value\": 1} or {\"output\": \"y\", \"value\": ...}",
        "this object is no statement");
    return failure(node);
}

static Block *read_block(const JsonNode *node) {
    Block *block = ARENA_NEW(node->reader->arena, Block);
    block->where = node_range(node);
    JsonNode list = *node;
    if (json_is_object(node->json)) {
        check_keys(node, (const char *const[]){"statements", "opening_comment", NULL});
        list = member_of(node, "statements");
        JsonNode comment = member_of(node, "opening_comment");
        block->closing.trailing = comment.json ? read_comment(&comment) : NULL;
        read_comments(node, "closing_comments", &block->closing);
    }
    if (!json_is_array(list.json)) {
        if (node->json) {
            wrong(node, NULL, "a list of statements is wanted");
        }
        return block;
    }
    const JsonPlace *place = list.place->first_child;
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        JsonNode item = item_of(&list, i, place);
        place = place ? place->next : NULL;
        block_add(node->reader->arena, block, read_statement(&item));
    }
    return block;
}

/* ---- items ---- */

static void read_parameters(const JsonNode *node, Item *item) {
    JsonNode list = member_of(node, "parameters");
    item->has_parameters = list.json != NULL || item->kind == ITEM_UNIT;
    if (!list.json) {
        return;
    }
    read_list(&list, &item->parameters, EXPRESSION_ARGUMENT);
    for (int i = 0; i < item->parameters.count; i++) {
        ExpressionKind kind = item->parameters.items[i]->kind;
        if (kind != EXPRESSION_ARGUMENT && kind != EXPRESSION_ERROR) {
            JsonNode bad = item_of(&list, (size_t)i, json_place_item(list.place, (size_t)i));
            wrong(&bad, "as in {\"argument\": \"width\", \"value\": 1.0}", "a parameter is wanted");
        }
    }
    read_comments(node, "closing_comments", &item->closing);
}

static Item *read_item(const JsonNode *node) {
    Item *item = ARENA_NEW(node->reader->arena, Item);
    item->where = node_range(node);
    while (item->kind < ITEM_KIND_COUNT && !has(node, item_words[item->kind])) {
        item->kind++;
    }
    if (item->kind == ITEM_KIND_COUNT) {
        wrong(node, NULL, "a unit, a network or an import is wanted");
        return NULL;
    }
    JsonNode member = member_of(node, item_words[item->kind]);
    item->name_where = node_range(&member);
    if (item->kind == ITEM_IMPORT) {
        check_keys(node, (const char *const[]){"import", NULL});
        item->text = read_template(&member);
    } else {
        bool network = item->kind == ITEM_NETWORK;
        check_keys(node, (const char *const[]){item_words[item->kind], "parameters", "body",
                             network ? "named" : NULL, NULL});
        item->name = read_name(&member, "the name");
        read_parameters(node, item);
        JsonNode named = member_of(node, "named"), body = member_of(node, "body");
        item->text = network && named.json ? read_template(&named) : NULL;
        needs(node, "body");
        item->block = read_block(&body);
    }
    read_trivia(node, &item->trivia);
    return item;
}

static void read_spec(const JsonNode *node, Spec *spec) {
    if (!json_is_object(node->json)) {
        wrong(node, NULL, "a spec is an object with \"riffle\" and \"items\"");
        return;
    }
    check_keys(node, (const char *const[]){"riffle", "items", NULL});
    JsonNode version = member_of(node, "riffle"), items = member_of(node, "items");
    if (needs(node, "riffle") && json_integer_value(version.json) != 1) {
        wrong(&version, NULL, "the version of the form is 1");
    }
    if (!needs(node, "items")) {
        return;
    }
    if (!json_is_array(items.json)) {
        wrong(&items, NULL, "a list is wanted");
    }
    const JsonPlace *place = items.place->first_child;
    for (size_t i = 0; i < json_array_size(items.json); i++) {
        JsonNode child = item_of(&items, i, place);
        place = place ? place->next : NULL;
        Item *item = read_item(&child);
        if (item) {
            spec_add(spec, item);
        }
    }
    read_comments(node, "closing_comments", &spec->closing);
}

/* ---- entry ---- */

static void report_syntax(
    const SourceFile *file, const json_error_t *error, Diagnostics *diagnostics) {
    uint32_t length = (uint32_t)file->length;
    uint32_t end = error->position > 0 ? (uint32_t)error->position : 0;
    end = end < length ? end : length;
    diagnostics_report(diagnostics, SEVERITY_ERROR,
        (SourceRange){file, end > 0 ? end - 1 : 0, end > 0 ? end : 1}, NULL, "JSON: %s",
        error->text);
}

Spec *spec_parse_json(const SourceFile *file, Arena *arena, Diagnostics *diagnostics) {
    if (file->length > SPEC_SIZE_LIMIT) {
        diagnostics_error(
            diagnostics, NULL, "%s is larger than %d bytes", file->name, SPEC_SIZE_LIMIT);
        return NULL;
    }
    size_t errors = diagnostics_error_count(diagnostics);
    json_error_t error;
    json_t *json = json_loadb(file->text, file->length, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        report_syntax(file, &error, diagnostics);
        return NULL;
    }
    Reader reader = {file, arena, diagnostics, 0};
    Spec *spec = ARENA_NEW(arena, Spec);
    spec->arena = arena;
    spec->file = file;
    const JsonPlace *places = json_places(file, arena);
    if (places) {
        JsonNode root = {&reader, json, places, NULL, NULL, 0};
        read_spec(&root, spec);
    } else {
        diagnostics_error(diagnostics, NULL, "%s is nested more than %d levels deep", file->name,
            JSON_DEPTH_LIMIT);
    }
    json_decref(json);
    return diagnostics_error_count(diagnostics) == errors ? spec : NULL;
}
