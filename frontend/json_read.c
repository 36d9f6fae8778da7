/* Reading a spec from JSON: the forms that json_print.c writes. Statements, units and the network.
 */
#include "frontend/json_node.h"

#include <string.h>

static Block *read_block(const JsonNode *node);

/* ---- statements ---- */

static Expression *read_pattern(const JsonNode *node, int depth);

static void read_patterns(const JsonNode *node, ExpressionList *list, int depth) {
    if (json_array_size(node->json) == 0 || depth > SYNTAX_DEPTH_LIMIT) {
        json_wrong(node, NULL, "a list of names is wanted");
        return;
    }
    for (size_t i = 0; i < json_array_size(node->json); i++) {
        JsonNode item = json_item_at(node, i);
        Expression *pattern = read_pattern(&item, depth);
        if (pattern) {
            expression_list_add(node->reader->arena, list, pattern);
        }
    }
}

static Expression *read_pattern(const JsonNode *node, int depth) {
    if (json_is_array(node->json)) {
        Expression *pattern = json_make(node, EXPRESSION_LIST);
        read_patterns(node, &pattern->items, depth + 1);
        return json_finish(node, pattern);
    }
    const char *name = json_read_name(node, "a name");
    Expression *pattern = json_make(node, EXPRESSION_NAME);
    pattern->name = name ? name : "_";
    return pattern;
}

static Statement *make_statement(const JsonNode *node, StatementKind kind) {
    Statement *statement = ARENA_NEW(node->reader->arena, Statement);
    statement->kind = kind;
    statement->where = json_range(node);
    statement->name_where = statement->where;
    return statement;
}

static Expression *read_member(const JsonNode *node, const char *key) {
    JsonNode member = json_member(node, key);
    return json_needs(node, key) ? json_read_expression(&member) : json_error_expression(node);
}

static void read_values(const JsonNode *node, Statement *statement) {
    if (json_has(node, "values")) {
        JsonNode values = json_member(node, "values");
        json_read_list(&values, &statement->values, EXPRESSION_LIST);
    } else {
        expression_list_add(node->reader->arena, &statement->values, read_member(node, "value"));
    }
    if (statement->values.count == 0) {
        json_wrong(node, NULL, "a value is missing");
        expression_list_add(node->reader->arena, &statement->values, json_error_expression(node));
    }
}

static void read_body(const JsonNode *node, const char *key, Statement *statement) {
    JsonNode body = json_member(node, key);
    json_needs(node, key);
    statement->block = read_block(&body);
}

static void read_path(const JsonNode *node, Statement *statement) {
    JsonNode path = json_member(node, "path");
    statement->path = path.json ? json_read_template(&path) : NULL;
}

static void read_layout(const JsonNode *node, Statement *statement) {
    JsonNode layout = json_member(node, "layout");
    const char *word = layout.json ? json_read_text(&layout, "a layout") : NULL;
    if (!word) {
        return;
    }
    statement->layout = strcmp(word, "nchw") == 0   ? LAYOUT_WORD_NCHW
                        : strcmp(word, "nhwc") == 0 ? LAYOUT_WORD_NHWC
                                                    : LAYOUT_WORD_NONE;
    if (statement->layout == LAYOUT_WORD_NONE) {
        json_wrong(&layout, NULL, "a layout is nchw or nhwc");
    }
}

static void read_targets(const JsonNode *node, const char *key, Statement *statement) {
    JsonNode targets = json_member(node, key);
    read_patterns(&targets, &statement->targets, 0);
    if (statement->targets.count == 0) {
        Expression *nothing = json_make(node, EXPRESSION_NAME);
        nothing->name = "_";
        expression_list_add(node->reader->arena, &statement->targets, nothing);
    }
}

static void read_declared_name(const JsonNode *node, const char *key, Statement *statement) {
    JsonNode name = json_member(node, key);
    statement->name = json_read_name(&name, "a name");
    statement->name = statement->name ? statement->name : "_";
    statement->name_where = json_range(&name);
}

static Statement *read_if(const JsonNode *node);
static Statement *finish_statement(const JsonNode *node, Statement *statement);

static void read_else(const JsonNode *node, Statement *statement) {
    JsonNode other = json_member(node, "else");
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
    json_check_keys(node, (const char *const[]){"if", "then", "else", NULL});
    Statement *statement = make_statement(node, STATEMENT_IF);
    statement->value = read_member(node, "if");
    read_body(node, "then", statement);
    read_else(node, statement);
    return finish_statement(node, statement);
}

static void read_input(const JsonNode *node, Statement *statement) {
    json_check_keys(
        node, (const char *const[]){"input", "type", "dimensions", "layout", "value", NULL});
    read_declared_name(node, "input", statement);
    JsonNode type = json_member(node, "type"), dimensions = json_member(node, "dimensions");
    if (json_needs(node, "type")) {
        statement->element = json_read_name(&type, "an element type");
    }
    statement->element = statement->element ? statement->element : "f32";
    statement->element_where = json_range(&type);
    if (json_needs(node, "dimensions")) {
        json_read_list(&dimensions, &statement->values, EXPRESSION_LIST);
    }
    read_layout(node, statement);
    if (json_has(node, "value")) {
        statement->value = read_member(node, "value");
        bool call =
            statement->value->kind == EXPRESSION_CALL || statement->value->kind == EXPRESSION_ERROR;
        if (!call) {
            JsonNode value = json_member(node, "value");
            json_wrong(&value, NULL, "a call of 'pixels' is wanted");
        }
    }
}

static void read_statement_kind(const JsonNode *node, Statement *statement) {
    const char *word = statement_words[statement->kind];
    JsonNode member = json_member(node, word);
    switch (statement->kind) {
    case STATEMENT_LET:
    case STATEMENT_ASSIGN:
        json_check_keys(node, (const char *const[]){word, "value", "values", NULL});
        read_targets(node, word, statement);
        read_values(node, statement);
        break;
    case STATEMENT_FOR:
        json_check_keys(node, (const char *const[]){word, "in", "path", "body", NULL});
        read_targets(node, word, statement);
        statement->value = read_member(node, "in");
        read_path(node, statement);
        read_body(node, "body", statement);
        break;
    case STATEMENT_REPEAT:
        json_check_keys(node, (const char *const[]){word, "path", "body", NULL});
        statement->value = json_read_expression(&member);
        read_path(node, statement);
        read_body(node, "body", statement);
        break;
    case STATEMENT_SCOPE:
        json_check_keys(node, (const char *const[]){word, "body", NULL});
        statement->path = json_read_template(&member);
        read_body(node, "body", statement);
        break;
    case STATEMENT_RETURN:
        json_check_keys(node, (const char *const[]){word, NULL});
        json_read_list(&member, &statement->values, EXPRESSION_LIST);
        if (statement->values.count == 0) {
            json_wrong(node, NULL, "a value is missing");
            expression_list_add(
                node->reader->arena, &statement->values, json_error_expression(node));
        }
        break;
    case STATEMENT_INPUT:
        read_input(node, statement);
        break;
    case STATEMENT_OUTPUT:
        json_check_keys(node, (const char *const[]){word, "layout", "value", NULL});
        read_declared_name(node, word, statement);
        read_layout(node, statement);
        statement->value = read_member(node, "value");
        break;
    case STATEMENT_ASSERT:
        json_check_keys(node, (const char *const[]){word, "message", NULL});
        statement->value = json_read_expression(&member);
        statement->message = read_member(node, "message");
        break;
    case STATEMENT_FAIL:
        json_check_keys(node, (const char *const[]){word, NULL});
        statement->message = json_read_expression(&member);
        break;
    case STATEMENT_IF:
    case STATEMENT_KIND_COUNT:
        break;
    }
}

static Statement *failure(const JsonNode *node) {
    Statement *statement = make_statement(node, STATEMENT_FAIL);
    statement->message = json_error_expression(node);
    statement->depth = 1;
    return statement;
}

static Statement *finish_statement(const JsonNode *node, Statement *statement) {
    if (statement_finish(statement)) {
        return statement;
    }
    json_wrong(node, NULL,
        arena_format(node->reader->arena, "nested more than %d levels deep", SYNTAX_DEPTH_LIMIT));
    return failure(node);
}

static Statement *read_statement(const JsonNode *node) {
    if (!json_is_object(node->json)) {
        json_wrong(node, NULL, "a statement is an object");
        return failure(node);
    }
    for (StatementKind kind = 0; kind < STATEMENT_KIND_COUNT; kind++) {
        if (!json_has(node, statement_words[kind])) {
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
        json_read_trivia(node, &statement->trivia);
        return statement;
    }
    json_wrong(node,
        "as in {\"let\": [\"x\"], \"value\": 1} or {\"output\": \"y\", \"value\": ...}",
        "this object is no statement");
    return failure(node);
}

static Block *read_block(const JsonNode *node) {
    Block *block = ARENA_NEW(node->reader->arena, Block);
    block->where = json_range(node);
    JsonNode list = *node;
    if (json_is_object(node->json)) {
        json_check_keys(node, (const char *const[]){"statements", "opening_comment", NULL});
        list = json_member(node, "statements");
        JsonNode comment = json_member(node, "opening_comment");
        block->closing.trailing = comment.json ? json_read_comment(&comment) : NULL;
        json_read_comments(node, "closing_comments", &block->closing);
    }
    if (!json_is_array(list.json)) {
        if (node->json) {
            json_wrong(node, NULL, "a list of statements is wanted");
        }
        return block;
    }
    const JsonPlace *place = list.place->first_child;
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        JsonNode item = json_item(&list, i, place);
        place = place ? place->next : NULL;
        block_add(node->reader->arena, block, read_statement(&item));
    }
    return block;
}

/* ---- items ---- */

static void read_parameters(const JsonNode *node, Item *item) {
    JsonNode list = json_member(node, "parameters");
    item->has_parameters = list.json != NULL || item->kind == ITEM_UNIT;
    if (!list.json) {
        return;
    }
    json_read_list(&list, &item->parameters, EXPRESSION_ARGUMENT);
    for (int i = 0; i < item->parameters.count; i++) {
        ExpressionKind kind = item->parameters.items[i]->kind;
        if (kind != EXPRESSION_ARGUMENT && kind != EXPRESSION_ERROR) {
            JsonNode bad = json_item_at(&list, (size_t)i);
            json_wrong(
                &bad, "as in {\"argument\": \"width\", \"value\": 1.0}", "a parameter is wanted");
        }
    }
    json_read_comments(node, "closing_comments", &item->closing);
}

static Item *read_item(const JsonNode *node) {
    Item *item = ARENA_NEW(node->reader->arena, Item);
    item->where = json_range(node);
    while (item->kind < ITEM_KIND_COUNT && !json_has(node, item_words[item->kind])) {
        item->kind++;
    }
    if (item->kind == ITEM_KIND_COUNT) {
        json_wrong(node, NULL, "a unit, a network or an import is wanted");
        return NULL;
    }
    JsonNode member = json_member(node, item_words[item->kind]);
    item->name_where = json_range(&member);
    if (item->kind == ITEM_IMPORT) {
        json_check_keys(node, (const char *const[]){"import", NULL});
        item->text = json_read_template(&member);
    } else {
        bool network = item->kind == ITEM_NETWORK;
        json_check_keys(node, (const char *const[]){item_words[item->kind], "parameters", "body",
                                  network ? "named" : NULL, NULL});
        item->name = json_read_name(&member, "the name");
        read_parameters(node, item);
        JsonNode named = json_member(node, "named"), body = json_member(node, "body");
        item->text = network && named.json ? json_read_template(&named) : NULL;
        json_needs(node, "body");
        item->block = read_block(&body);
    }
    json_read_trivia(node, &item->trivia);
    return item;
}

static void read_spec(const JsonNode *node, Spec *spec) {
    if (!json_is_object(node->json)) {
        json_wrong(node, NULL, "a spec is an object with \"riffle\" and \"items\"");
        return;
    }
    json_check_keys(node, (const char *const[]){"riffle", "items", NULL});
    JsonNode version = json_member(node, "riffle"), items = json_member(node, "items");
    if (json_needs(node, "riffle") && json_integer_value(version.json) != 1) {
        json_wrong(&version, NULL, "the version of the form is 1");
    }
    if (!json_needs(node, "items")) {
        return;
    }
    if (!json_is_array(items.json)) {
        json_wrong(&items, NULL, "a list is wanted");
    }
    const JsonPlace *place = items.place->first_child;
    for (size_t i = 0; i < json_array_size(items.json); i++) {
        JsonNode child = json_item(&items, i, place);
        place = place ? place->next : NULL;
        Item *item = read_item(&child);
        if (item) {
            spec_add(spec, item);
        }
    }
    json_read_comments(node, "closing_comments", &spec->closing);
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
