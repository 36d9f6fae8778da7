/* Reading a spec from JSON: the forms that json_print.c writes. Statements, units and the network.
 */
#include "frontend/json_node.h"

#include <string.h>

static SpecBlock *read_block(const JsonNode *node);

/* ---- statements ---- */

static SpecExpression *read_pattern(const JsonNode *node, int depth);

static void read_patterns(const JsonNode *node, SpecExpressionList *list, int depth) {
    if (json_array_size(node->json) == 0 || depth > SYNTAX_DEPTH_LIMIT) {
        tree_wrong(node, NULL, "a list of names is wanted");
        return;
    }
    const JsonPlace *place = node->place->first_child;
    for (size_t i = 0; i < json_array_size(node->json); i++) {
        JsonNode item = tree_item(node, i, place);
        place = place ? place->next : NULL;
        SpecExpression *pattern = read_pattern(&item, depth);
        if (pattern) {
            expression_list_add(node->reader->arena, list, pattern);
        }
    }
}

static SpecExpression *read_pattern(const JsonNode *node, int depth) {
    if (json_is_array(node->json)) {
        SpecExpression *pattern = tree_make(node, SPEC_EXPRESSION_LIST);
        read_patterns(node, &pattern->items, depth + 1);
        return tree_finish(node, pattern);
    }
    const char *name = tree_read_name(node, "a name");
    SpecExpression *pattern = tree_make(node, SPEC_EXPRESSION_NAME);
    pattern->name = name ? name : "_";
    return pattern;
}

static SpecStatement *make_statement(const JsonNode *node, SpecStatementKind kind) {
    SpecStatement *statement = ARENA_NEW(node->reader->arena, SpecStatement);
    statement->kind = kind;
    statement->where = tree_range(node);
    statement->name_where = statement->where;
    return statement;
}

static SpecExpression *read_member(const JsonNode *node, const char *key) {
    JsonNode member = tree_member(node, key);
    return tree_needs(node, key) ? tree_read_expression(&member) : tree_error_expression(node);
}

static void read_values(const JsonNode *node, SpecStatement *statement) {
    if (tree_has(node, "values")) {
        JsonNode values = tree_member(node, "values");
        tree_read_list(&values, &statement->values, SPEC_EXPRESSION_LIST);
    } else {
        expression_list_add(node->reader->arena, &statement->values, read_member(node, "value"));
    }
    if (statement->values.count == 0) {
        tree_wrong(node, NULL, "a value is missing");
        expression_list_add(node->reader->arena, &statement->values, tree_error_expression(node));
    }
}

static void read_body(const JsonNode *node, const char *key, SpecStatement *statement) {
    JsonNode body = tree_member(node, key);
    tree_needs(node, key);
    statement->block = read_block(&body);
}

static void read_path(const JsonNode *node, SpecStatement *statement) {
    JsonNode path = tree_member(node, "path");
    statement->path = path.json ? tree_read_template(&path) : NULL;
}

static void read_layout(const JsonNode *node, SpecStatement *statement) {
    JsonNode layout = tree_member(node, "layout");
    const char *word = layout.json ? tree_read_text(&layout, "a layout") : NULL;
    if (!word) {
        return;
    }
    statement->layout = strcmp(word, "nchw") == 0   ? LAYOUT_WORD_NCHW
                        : strcmp(word, "nhwc") == 0 ? LAYOUT_WORD_NHWC
                                                    : LAYOUT_WORD_NONE;
    if (statement->layout == LAYOUT_WORD_NONE) {
        tree_wrong(&layout, NULL, "a layout is nchw or nhwc");
    }
}

static void read_targets(const JsonNode *node, const char *key, SpecStatement *statement) {
    JsonNode targets = tree_member(node, key);
    read_patterns(&targets, &statement->targets, 0);
    if (statement->targets.count == 0) {
        SpecExpression *nothing = tree_make(node, SPEC_EXPRESSION_NAME);
        nothing->name = "_";
        expression_list_add(node->reader->arena, &statement->targets, nothing);
    }
}

static void read_declared_name(const JsonNode *node, const char *key, SpecStatement *statement) {
    JsonNode name = tree_member(node, key);
    statement->name = tree_read_name(&name, "a name");
    statement->name = statement->name ? statement->name : "_";
    statement->name_where = tree_range(&name);
}

static SpecStatement *read_if(const JsonNode *node);
static SpecStatement *finish_statement(const JsonNode *node, SpecStatement *statement);

static void read_else(const JsonNode *node, SpecStatement *statement) {
    JsonNode other = tree_member(node, "else");
    if (!other.json) {
        return;
    }
    statement->else_if = json_object_get(other.json, "if") != NULL;
    if (statement->else_if) {
        statement->other = ARENA_NEW(node->reader->arena, SpecBlock);
        block_add(node->reader->arena, statement->other, read_if(&other));
    } else {
        statement->other = read_block(&other);
    }
}

static SpecStatement *read_if(const JsonNode *node) {
    tree_check_keys(node, (const char *const[]){"if", "then", "else", NULL});
    SpecStatement *statement = make_statement(node, SPEC_STATEMENT_IF);
    statement->value = read_member(node, "if");
    read_body(node, "then", statement);
    read_else(node, statement);
    return finish_statement(node, statement);
}

static void read_call(const JsonNode *node, const char *message, SpecStatement *statement) {
    statement->value = read_member(node, "value");
    bool call = statement->value->kind == SPEC_EXPRESSION_CALL ||
                statement->value->kind == SPEC_EXPRESSION_ERROR;
    if (!call) {
        JsonNode value = tree_member(node, "value");
        tree_wrong(&value, NULL, message);
    }
}

static void read_input(const JsonNode *node, SpecStatement *statement) {
    tree_check_keys(
        node, (const char *const[]){"input", "type", "dimensions", "layout", "value", NULL});
    read_declared_name(node, "input", statement);
    JsonNode type = tree_member(node, "type"), dimensions = tree_member(node, "dimensions");
    if (tree_needs(node, "type")) {
        statement->element = tree_read_name(&type, "an element type");
    }
    statement->element = statement->element ? statement->element : "f32";
    statement->element_where = tree_range(&type);
    if (tree_needs(node, "dimensions")) {
        tree_read_list(&dimensions, &statement->values, SPEC_EXPRESSION_LIST);
    }
    read_layout(node, statement);
    if (tree_has(node, "value")) {
        read_call(node, "a call of 'pixels' is wanted", statement);
    }
}

/* At least one expression. */
static void read_some(const JsonNode *node, const char *key, SpecExpressionList *list) {
    JsonNode member = tree_member(node, key);
    if (tree_needs(node, key)) {
        tree_read_list(&member, list, SPEC_EXPRESSION_LIST);
    }
    if (list->count == 0) {
        tree_wrong(node, NULL, "a value is missing");
        expression_list_add(node->reader->arena, list, tree_error_expression(node));
    }
}

static void read_statement_kind(const JsonNode *node, SpecStatement *statement) {
    const char *word = statement_words[statement->kind];
    JsonNode member = tree_member(node, word);
    switch (statement->kind) {
    case SPEC_STATEMENT_LET:
    case SPEC_STATEMENT_ASSIGN:
        tree_check_keys(node, (const char *const[]){word, "value", "values", NULL});
        read_targets(node, word, statement);
        read_values(node, statement);
        break;
    case SPEC_STATEMENT_FOR:
        tree_check_keys(node, (const char *const[]){word, "in", "path", "body", NULL});
        read_targets(node, word, statement);
        statement->value = read_member(node, "in");
        read_path(node, statement);
        read_body(node, "body", statement);
        break;
    case SPEC_STATEMENT_REPEAT:
        tree_check_keys(node, (const char *const[]){word, "path", "body", NULL});
        statement->value = tree_read_expression(&member);
        read_path(node, statement);
        read_body(node, "body", statement);
        break;
    case SPEC_STATEMENT_SCOPE:
        tree_check_keys(node, (const char *const[]){word, "body", NULL});
        statement->path = tree_read_template(&member);
        read_body(node, "body", statement);
        break;
    case SPEC_STATEMENT_RETURN:
        tree_check_keys(node, (const char *const[]){word, NULL});
        tree_read_list(&member, &statement->values, SPEC_EXPRESSION_LIST);
        if (statement->values.count == 0) {
            tree_wrong(node, NULL, "a value is missing");
            expression_list_add(
                node->reader->arena, &statement->values, tree_error_expression(node));
        }
        break;
    case SPEC_STATEMENT_INPUT:
        read_input(node, statement);
        break;
    case SPEC_STATEMENT_OUTPUT:
        tree_check_keys(node, (const char *const[]){word, "layout", "value", NULL});
        read_declared_name(node, word, statement);
        read_layout(node, statement);
        statement->value = read_member(node, "value");
        break;
    case SPEC_STATEMENT_ANSWER:
        tree_check_keys(node, (const char *const[]){word, "value", NULL});
        read_declared_name(node, word, statement);
        read_call(node, "a call of a decoding is wanted", statement);
        break;
    case SPEC_STATEMENT_LABELS:
        tree_check_keys(node, (const char *const[]){word, NULL});
        statement->value = tree_read_expression(&member);
        break;
    case SPEC_STATEMENT_ASSERT:
        tree_check_keys(node, (const char *const[]){word, "message", NULL});
        statement->value = tree_read_expression(&member);
        statement->message = read_member(node, "message");
        break;
    case SPEC_STATEMENT_FAIL:
        tree_check_keys(node, (const char *const[]){word, NULL});
        statement->message = tree_read_expression(&member);
        break;
    case SPEC_STATEMENT_MATCH:
        tree_check_keys(node, (const char *const[]){word, "become", NULL});
        read_some(node, word, &statement->targets);
        read_some(node, "become", &statement->values);
        break;
    case SPEC_STATEMENT_WHERE:
        tree_check_keys(node, (const char *const[]){word, NULL});
        statement->value = tree_read_expression(&member);
        break;
    case SPEC_STATEMENT_IF:
    case SPEC_STATEMENT_KIND_COUNT:
        break;
    }
}

static SpecStatement *failure(const JsonNode *node) {
    SpecStatement *statement = make_statement(node, SPEC_STATEMENT_FAIL);
    statement->message = tree_error_expression(node);
    statement->depth = 1;
    return statement;
}

static SpecStatement *finish_statement(const JsonNode *node, SpecStatement *statement) {
    if (statement_finish(statement)) {
        return statement;
    }
    tree_wrong(node, NULL,
        arena_format(node->reader->arena, "nested more than %d levels deep", SYNTAX_DEPTH_LIMIT));
    return failure(node);
}

static SpecStatement *read_statement(const JsonNode *node) {
    if (!json_is_object(node->json)) {
        tree_wrong(node, NULL, "a statement is an object");
        return failure(node);
    }
    for (SpecStatementKind kind = 0; kind < SPEC_STATEMENT_KIND_COUNT; kind++) {
        if (!tree_has(node, statement_words[kind])) {
            continue;
        }
        SpecStatement *statement;
        if (kind == SPEC_STATEMENT_IF) {
            statement = read_if(node);
        } else {
            statement = make_statement(node, kind);
            read_statement_kind(node, statement);
            statement = finish_statement(node, statement);
        }
        tree_read_trivia(node, &statement->trivia);
        bool of_rewrite = kind == SPEC_STATEMENT_MATCH || kind == SPEC_STATEMENT_WHERE;
        if (of_rewrite && !node->reader->in_rewrite) {
            tree_wrong(node, NULL, "this statement stands in a rewrite");
        }
        return statement;
    }
    tree_wrong(node,
        "as in {\"let\": [\"x\"], \"value\": 1} or {\"output\": \"y\", \"value\": ...}",
        "this object is no statement");
    return failure(node);
}

static SpecBlock *read_block(const JsonNode *node) {
    SpecBlock *block = ARENA_NEW(node->reader->arena, SpecBlock);
    block->where = tree_range(node);
    JsonNode list = *node;
    if (json_is_object(node->json)) {
        tree_check_keys(node, (const char *const[]){"statements", "opening_comment", NULL});
        list = tree_member(node, "statements");
        JsonNode comment = tree_member(node, "opening_comment");
        block->closing.trailing = comment.json ? tree_read_comment(&comment) : NULL;
        tree_read_comments(node, "closing_comments", &block->closing);
    }
    if (!json_is_array(list.json)) {
        if (node->json) {
            tree_wrong(node, NULL, "a list of statements is wanted");
        }
        return block;
    }
    const JsonPlace *place = list.place->first_child;
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        JsonNode item = tree_item(&list, i, place);
        place = place ? place->next : NULL;
        block_add(node->reader->arena, block, read_statement(&item));
    }
    return block;
}

/* ---- items ---- */

static bool is_single_let(const SpecStatement *statement) {
    return statement->kind == SPEC_STATEMENT_LET && statement->targets.count == 1 &&
           statement->targets.items[0]->kind == SPEC_EXPRESSION_NAME &&
           statement->values.count == 1;
}

/* The same as the grammar has it. */
static void check_rewrite(const JsonNode *node, const SpecBlock *block) {
    bool good = block->count > 0 && block->items[0]->kind == SPEC_STATEMENT_MATCH;
    for (int i = 1; i < block->count; i++) {
        const SpecStatement *statement = block->items[i];
        good = good && (statement->kind == SPEC_STATEMENT_WHERE || is_single_let(statement));
    }
    if (!good) {
        tree_wrong(node, "as in {\"match\": [...], \"become\": [...]}",
            "a rewrite is one 'match', and 'where' and 'let' of one name behind it");
    }
}

static void read_item_block(const JsonNode *body, Item *item) {
    JsonReader *reader = body->reader;
    reader->in_rewrite = item->kind == ITEM_REWRITE;
    item->block = read_block(body);
    if (reader->in_rewrite) {
        check_rewrite(body, item->block);
    }
    reader->in_rewrite = false;
}

static void read_parameters(const JsonNode *node, Item *item) {
    JsonNode list = tree_member(node, "parameters");
    item->has_parameters =
        list.json != NULL || item->kind == ITEM_UNIT || item->kind == ITEM_REWRITE;
    if (!list.json) {
        return;
    }
    tree_read_list(&list, &item->parameters, SPEC_EXPRESSION_ARGUMENT);
    const JsonPlace *place = list.place->first_child;
    for (int i = 0; i < item->parameters.count; i++) {
        SpecExpressionKind kind = item->parameters.items[i]->kind;
        JsonNode bad = tree_item(&list, (size_t)i, place);
        place = place ? place->next : NULL;
        if (kind != SPEC_EXPRESSION_ARGUMENT && kind != SPEC_EXPRESSION_ERROR) {
            tree_wrong(
                &bad, "as in {\"argument\": \"width\", \"value\": 1.0}", "a parameter is wanted");
        }
    }
    tree_read_comments(node, "closing_comments", &item->closing);
}

static Item *read_item(const JsonNode *node) {
    Item *item = ARENA_NEW(node->reader->arena, Item);
    item->where = tree_range(node);
    while (item->kind < ITEM_KIND_COUNT && !tree_has(node, item_words[item->kind])) {
        item->kind++;
    }
    if (item->kind == ITEM_KIND_COUNT) {
        tree_wrong(node, NULL, "a unit, a network, a rewrite or an import is wanted");
        return NULL;
    }
    JsonNode member = tree_member(node, item_words[item->kind]);
    item->name_where = tree_range(&member);
    if (item->kind == ITEM_IMPORT) {
        tree_check_keys(node, (const char *const[]){"import", NULL});
        item->text = tree_read_template(&member);
    } else {
        bool network = item->kind == ITEM_NETWORK;
        tree_check_keys(node, (const char *const[]){item_words[item->kind], "parameters", "body",
                                  network ? "named" : NULL, NULL});
        item->name = tree_read_name(&member, "the name");
        read_parameters(node, item);
        JsonNode named = tree_member(node, "named"), body = tree_member(node, "body");
        item->text = network && named.json ? tree_read_template(&named) : NULL;
        tree_needs(node, "body");
        read_item_block(&body, item);
    }
    tree_read_trivia(node, &item->trivia);
    return item;
}

static void read_spec(const JsonNode *node, Spec *spec) {
    if (!json_is_object(node->json)) {
        tree_wrong(node, NULL, "a spec is an object with \"riffle\" and \"items\"");
        return;
    }
    tree_check_keys(node, (const char *const[]){"riffle", "items", NULL});
    JsonNode version = tree_member(node, "riffle"), items = tree_member(node, "items");
    if (tree_needs(node, "riffle") && json_integer_value(version.json) != 1) {
        tree_wrong(&version, NULL, "the version of the form is 1");
    }
    if (!tree_needs(node, "items")) {
        return;
    }
    if (!json_is_array(items.json)) {
        tree_wrong(&items, NULL, "a list is wanted");
    }
    const JsonPlace *place = items.place->first_child;
    for (size_t i = 0; i < json_array_size(items.json); i++) {
        JsonNode child = tree_item(&items, i, place);
        place = place ? place->next : NULL;
        Item *item = read_item(&child);
        if (item) {
            spec_add(spec, item);
        }
    }
    tree_read_comments(node, "closing_comments", &spec->closing);
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
    JsonReader reader = {.file = file, .arena = arena, .diagnostics = diagnostics};
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
