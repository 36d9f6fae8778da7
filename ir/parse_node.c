/* One node of the text form:
 *
 *     %2 "keep", %3 "work" = split %1 {sizes = [58, 58]} : f32[1,58,28,28], f32[1,58,28,28] "path"
 */
#include "ir/parse_node.h"
#include "ir/formula.h"

#include <string.h>

/* Ranges may make lists this much longer than their text, over a whole file. */
enum { MOST_LIST_ENTRIES = 1 << 22 };

/* Room for one more item in an array that doubles; from the scratch arena. */
static void *with_room(Parser *parser, void *items, size_t count, size_t size) {
    if ((count & (count - 1)) != 0)
        return items;
    void *larger = arena_allocate_array(parser->scratch, count == 0 ? 1 : count * 2, size);
    if (count > 0)
        memcpy(larger, items, count * size);
    return larger;
}

static bool fault(Parser *parser, Token token, const char *hint, const char *message) {
    diagnostics_report(
        parser->diagnostics, SEVERITY_ERROR, parser_range(parser, token), hint, "%s", message);
    return false;
}

/* Reports `message 'word'` with the nearest of the candidates as hint. */
static bool unknown_word(
    Parser *parser, Token token, const char *message, const char *const *candidates, size_t count) {
    const char *closest = closest_word(token.string, candidates, count);
    const char *hint =
        closest == NULL ? NULL : arena_format(parser->scratch, "did you mean '%s'?", closest);
    return fault(
        parser, token, hint, arena_format(parser->scratch, "%s '%s'", message, token.string));
}

/* ---- attributes ---- */

static bool parse_list_range(Parser *parser, Token first, int64_t *last) {
    *last = first.integer;
    if (parser->token.kind != TOKEN_RANGE)
        return true;
    Token end;
    parser_advance(parser);
    if (!parser_expect(parser, TOKEN_INTEGER, "the last number of the range", &end))
        return false;
    *last = end.integer;
    if (end.integer < first.integer)
        return fault(parser, end, NULL, "the range ends before it begins");
    int64_t length;
    if (__builtin_sub_overflow(end.integer, first.integer, &length) ||
        length > MOST_LIST_ENTRIES - parser->list_entries)
        return fault(parser, end, NULL, "the range is too long");
    parser->list_entries += length;
    return true;
}

/* [0..57, 60, 62] */
static bool parse_list(Parser *parser, IntegerList *list) {
    int64_t *items = NULL;
    size_t count = 0;
    if (!parser_expect_mark(parser, '['))
        return false;
    while (!parser_at_mark(parser, ']')) {
        Token first;
        int64_t last;
        if ((count > 0 && !parser_expect_mark(parser, ',')) ||
            !parser_expect(parser, TOKEN_INTEGER, "an integer", &first) ||
            !parse_list_range(parser, first, &last))
            return false;
        for (int64_t item = first.integer;; item++) {
            items = with_room(parser, items, count, sizeof *items);
            items[count++] = item;
            if (item == last)
                break;
        }
    }
    parser_advance(parser);
    *list = (IntegerList){items, count};
    return true;
}

static bool parse_choice(Parser *parser, const char *attribute, int64_t *choice) {
    const char *const *words = choice_words(attribute);
    size_t count = 0;
    Token token;
    if (!parser_expect(parser, TOKEN_WORD, "a word", &token))
        return false;
    for (; words[count] != NULL; count++) {
        if (strcmp(words[count], token.string) == 0) {
            *choice = (int64_t)count;
            return true;
        }
    }
    return unknown_word(parser, token,
        arena_format(parser->scratch, "unknown word for '%s':", attribute), words, count);
}

/* leaky_relu(0.1), as one text. */
static const char *take_short_formula(Parser *parser) {
    Text text = {0};
    text_append(&text, parser->token.string);
    parser_advance(parser);
    if (parser_at_mark(parser, '(')) {
        for (; !parser_at_mark(parser, ')') &&
               (parser_at_mark(parser, '(') || parser_at_mark(parser, ',') ||
                   parser->token.kind == TOKEN_INTEGER || parser->token.kind == TOKEN_NUMBER);
            parser_advance(parser)) {
            if (parser->token.kind == TOKEN_MARK)
                text_append_bytes(&text, &parser->token.mark, 1);
            else
                text_append_double(&text, parser->token.number);
        }
        if (!parser_expect_mark(parser, ')')) {
            text_free(&text);
            return NULL;
        }
        text_append(&text, ")");
    }
    const char *copy = arena_copy_string(parser->scratch, text.data);
    text_free(&text);
    return copy;
}

static bool parse_formula(
    Parser *parser, const char *attribute, int operands, const Formula **formula) {
    Token token = parser->token;
    const char *text = token.string;
    FormulaFault wrong;
    if (token.kind != TOKEN_WORD && token.kind != TOKEN_STRING)
        return parser_expected(parser, "a word, or a formula in quotes");
    if (token.kind == TOKEN_STRING)
        parser_advance(parser);
    else if ((text = take_short_formula(parser)) == NULL)
        return false;
    *formula = formula_parse(text, operands, parser->arena, &wrong);
    if (wrong.message == NULL)
        return true;
    if (wrong.word == NULL)
        return fault(parser, token, NULL,
            arena_format(parser->scratch, "in the formula of '%s', at its byte %zu: %s", attribute,
                wrong.at + 1, wrong.message));
    size_t count = 0;
    while (formula_words()[count] != NULL)
        count++;
    token.string = wrong.word;
    return unknown_word(parser, token,
        arena_format(parser->scratch, "unknown word for '%s':", attribute), formula_words(), count);
}

static bool parse_attribute(Parser *parser, Node *node, const OpAttribute *row) {
    Attribute *attribute = node_attribute(node, row->name);
    Token token = parser->token;
    switch (row->kind) {
    case ATTRIBUTE_INTEGER:
        attribute->integer = token.integer;
        return parser_expect(parser, TOKEN_INTEGER, "an integer", &token);
    case ATTRIBUTE_NUMBER:
        if (token.kind != TOKEN_INTEGER && token.kind != TOKEN_NUMBER)
            return parser_expected(parser, "a number");
        attribute->number = token.number;
        parser_advance(parser);
        return true;
    case ATTRIBUTE_LIST: {
        IntegerList list;
        if (!parse_list(parser, &list))
            return false;
        node_set_list(parser->graph, node, row->name, list.items, list.count);
        return true;
    }
    case ATTRIBUTE_CHOICE:
        return parse_choice(parser, row->name, &attribute->integer);
    case ATTRIBUTE_FLAG:
        attribute->flag = parser_at_word(parser, "true");
        if (!attribute->flag && !parser_at_word(parser, "false"))
            return parser_expected(parser, "'true' or 'false'");
        parser_advance(parser);
        return true;
    case ATTRIBUTE_FORMULA:
        return parse_formula(
            parser, row->name, node->op == OP_map ? MOST_FORMULA_OPERANDS : 1, &attribute->formula);
    }
    return false;
}

enum { MOST_ATTRIBUTES = 16 };

static int find_row(const OpInfo *info, const char *name) {
    for (int i = 0; i < info->attribute_count; i++) {
        if (strcmp(info->attributes[i].name, name) == 0)
            return i;
    }
    return -1;
}

static bool unknown_attribute(Parser *parser, const OpInfo *info, Token name) {
    const char *names[MOST_ATTRIBUTES];
    size_t count = 0;
    for (int i = 0; i < info->attribute_count && i < MOST_ATTRIBUTES; i++)
        names[count++] = info->attributes[i].name;
    return unknown_word(parser, name,
        arena_format(parser->scratch, "%s has no attribute", info->name), names, count);
}

/* { stride = [2, 2], groups = 24 }, or nothing. */
static bool parse_attributes(Parser *parser, Node *node, Token op) {
    const OpInfo *info = op_info(node->op);
    bool *given = ARENA_ARRAY(parser->scratch, bool, info->attribute_count);
    if (parser_accept_mark(parser, '{')) {
        do {
            Token name;
            if (!parser_expect(parser, TOKEN_WORD, "an attribute's name", &name))
                return false;
            int row = find_row(info, name.string);
            if (row < 0)
                return unknown_attribute(parser, info, name);
            if (given[row])
                return fault(parser, name, NULL, "the attribute is given twice");
            given[row] = true;
            if (!parser_expect_mark(parser, '=') ||
                !parse_attribute(parser, node, &info->attributes[row]))
                return false;
        } while (parser_accept_mark(parser, ','));
        if (!parser_expect_mark(parser, '}'))
            return false;
    }
    for (int i = 0; i < info->attribute_count; i++) {
        if (!given[i] && info->attributes[i].default_text[0] == '\0')
            return fault(parser, op, info->attributes[i].meaning,
                arena_format(parser->scratch, "%s needs the attribute '%s'", info->name,
                    info->attributes[i].name));
    }
    return true;
}

/* ---- weights ---- */

static bool unknown_weight(Parser *parser, const OpInfo *info, Token name) {
    const char *names[MAX_OP_WEIGHTS];
    size_t count = 0;
    for (int i = 0; i < info->weight_count; i++)
        names[count++] = info->weights[i].name;
    return unknown_word(
        parser, name, arena_format(parser->scratch, "%s has no weight", info->name), names, count);
}

/* weight=@conv1.0.weight */
static bool parse_weight_use(Parser *parser, Node *node) {
    const OpInfo *info = op_info(node->op);
    Token name = parser->token, path;
    int row = 0;
    while (row < info->weight_count && strcmp(info->weights[row].name, name.string) != 0)
        row++;
    if (row == info->weight_count)
        return unknown_weight(parser, info, name);
    parser_advance(parser);
    if (!parser_expect_mark(parser, '=') ||
        !parser_expect(parser, TOKEN_PATH, "a path such as @fc.weight", &path))
        return false;
    if (node->weights[row] != NULL)
        return fault(parser, name, NULL, "the weight is given twice");
    node->weights[row] = graph_find_weight(parser->graph, path.string);
    if (node->weights[row] != NULL)
        return true;
    diagnostics_report(parser->diagnostics, SEVERITY_ERROR, parser_range(parser, path),
        "declare it on a line before its use: weight @path : f32[...]",
        "the weight '%s' is not declared", path.string);
    return false;
}

/* ---- the node ---- */

static bool parse_op(Parser *parser, Token *token, OpKind *op) {
    if (!parser_expect(parser, TOKEN_WORD, "an op", token))
        return false;
    if (op_find(token->string, op))
        return true;
    const char *names[OP_COUNT];
    for (int i = 0; i < OP_COUNT; i++)
        names[i] = op_info((OpKind)i)->name;
    return unknown_word(parser, *token, "unknown op", names, OP_COUNT);
}

static Node *parse_operands(Parser *parser, OpKind op, Token op_token) {
    Value **operands = NULL;
    int count = 0;
    if (parser->token.kind == TOKEN_VALUE) {
        do {
            operands = with_room(parser, operands, (size_t)count, sizeof *operands);
            if (!parse_use(parser, &operands[count++]))
                return NULL;
        } while (parser_accept_mark(parser, ','));
    }
    return node_create(parser->graph, op, "", operands, count, parser_range(parser, op_token));
}

/* What stands between '=' and the types; NULL after reporting an error. */
static Node *parse_operation(Parser *parser) {
    Token op_token;
    OpKind op;
    if (!parse_op(parser, &op_token, &op))
        return NULL;
    Node *node = parse_operands(parser, op, op_token);
    if (node == NULL)
        return NULL;
    while (parser->token.kind == TOKEN_WORD) {
        if (!parse_weight_use(parser, node))
            return NULL;
    }
    return parse_attributes(parser, node, op_token) ? node : NULL;
}

typedef struct WrittenType {
    TensorType type;
    Token begin;
} WrittenType;

static bool parse_result_types(Parser *parser, WrittenType *types, int count) {
    if (!parser_expect_mark(parser, ':'))
        return false;
    for (int i = 0; i < count; i++) {
        if (i > 0 && !parser_expect_mark(parser, ','))
            return false;
        types[i].begin = parser->token;
        if (!parse_type(parser, &types[i].type))
            return false;
    }
    return true;
}

static bool compare_results(Parser *parser, const Node *node, const Definition *definitions,
    const WrittenType *written, int count) {
    if (node->result_count != count)
        return fault(parser, definitions[0].token, NULL,
            arena_format(parser->scratch, "%s gives %d result%s, but %d %s named",
                op_info(node->op)->name, node->result_count, node->result_count == 1 ? "" : "s",
                count, count == 1 ? "is" : "are"));
    for (int i = 0; i < count; i++) {
        if (tensor_type_equal(&node->results[i]->type, &written[i].type))
            continue;
        return fault(parser, written[i].begin, NULL,
            arena_format(parser->scratch, "result %d is %s, but %s is written", i + 1,
                tensor_type_spelling(&node->results[i]->type, parser->scratch),
                tensor_type_spelling(&written[i].type, parser->scratch)));
    }
    return true;
}

static Node *parse_right_side(Parser *parser, const Definition *definitions, int count) {
    Node *node = parser_expect_mark(parser, '=') ? parse_operation(parser) : NULL;
    WrittenType *types = ARENA_ARRAY(parser->scratch, WrittenType, count);
    if (node == NULL || !parse_result_types(parser, types, count))
        return NULL;
    if (parser->token.kind == TOKEN_STRING && !parser->token.first_on_line) {
        node->path = arena_copy_string(parser->arena, parser->token.string);
        parser_advance(parser);
    }
    if (!node_infer(parser->graph, node, parser->diagnostics) ||
        !compare_results(parser, node, definitions, types, count))
        return NULL;
    return node;
}

bool parse_node(Parser *parser) {
    Definition *definitions = NULL;
    int count = 0;
    do {
        definitions = with_room(parser, definitions, (size_t)count, sizeof *definitions);
        if (!parse_definition(parser, &definitions[count++]))
            return false;
    } while (parser_accept_mark(parser, ','));
    Node *node = parse_right_side(parser, definitions, count);
    for (int i = 0; i < count; i++) {
        Value *value = NULL;
        if (node != NULL) {
            value = node->results[i];
            value->where = parser_range(parser, definitions[i].token);
            if (definitions[i].name != NULL)
                value->name = arena_copy_string(parser->arena, definitions[i].name);
        }
        parser_define(parser, definitions[i].token, value);
    }
    if (node != NULL)
        graph_append(parser->graph, node);
    return node != NULL;
}
