/* Reads the text form, .rir; the grammar stands in docs/ir.md. After an error the parser goes on
 * with the next line that begins a statement, so that one run reports all faults. */
#include "ir/parse_node.h"
#include "ir/quote.h"

#include <string.h>

enum { MOST_INPUTS = 1000, MOST_OUTPUTS = 1000 };

/* ---- tokens ---- */

SourceRange parser_range(const Parser *parser, Token token) {
    return (SourceRange){parser->lexer.file, token.begin, token.end};
}

void parser_advance(Parser *parser) {
    parser->previous_end = parser->token.end;
    parser->token = lexer_next(&parser->lexer);
}

bool parser_at_mark(const Parser *parser, char mark) {
    return parser->token.kind == TOKEN_MARK && parser->token.mark == mark;
}

bool parser_at_word(const Parser *parser, const char *word) {
    return parser->token.kind == TOKEN_WORD && strcmp(parser->token.string, word) == 0;
}

bool parser_accept_mark(Parser *parser, char mark) {
    if (!parser_at_mark(parser, mark))
        return false;
    parser_advance(parser);
    return true;
}

bool parser_expected(Parser *parser, const char *what) {
    const Token *token = &parser->token;
    if (token->kind == TOKEN_BAD) /* was reported */
        return false;
    SourceRange where = parser_range(parser, *token);
    if (token->kind == TOKEN_END) {
        where.begin = where.end = parser->previous_end;
        diagnostics_report(parser->diagnostics, SEVERITY_ERROR, where, NULL,
            "expected %s, but the text ends", what);
    } else {
        const char *text = parser->lexer.file->text + token->begin;
        uint32_t length = token->end - token->begin;
        size_t shown = quote_word(text, length);
        diagnostics_report(parser->diagnostics, SEVERITY_ERROR, where, NULL,
            "expected %s, but got '%.*s'", what, (int)shown, text);
    }
    return false;
}

bool parser_expect_mark(Parser *parser, char mark) {
    if (parser_accept_mark(parser, mark))
        return true;
    return parser_expected(parser, (char[]){'\'', mark, '\'', '\0'});
}

bool parser_expect(Parser *parser, TokenKind kind, const char *what, Token *token) {
    *token = parser->token;
    if (token->kind != kind)
        return parser_expected(parser, what);
    parser_advance(parser);
    return true;
}

/* ---- types and values ---- */

bool parse_type(Parser *parser, TensorType *type) {
    Token begin = parser->token;
    ElementType element = ELEMENT_F32;
    while (element < ELEMENT_TYPE_COUNT && !parser_at_word(parser, element_name(element)))
        element++;
    if (element == ELEMENT_TYPE_COUNT)
        return parser_expected(parser, "a type such as f32[1,24,56,56]");
    parser_advance(parser);
    if (!parser_expect_mark(parser, '['))
        return false;
    int64_t dims[MAX_RANK];
    int rank = 0;
    do {
        Token size;
        if (!parser_expect(parser, TOKEN_INTEGER, "a size", &size))
            return false;
        if (rank == MAX_RANK) {
            diagnostics_report(parser->diagnostics, SEVERITY_ERROR, parser_range(parser, size),
                NULL, "a tensor has at most %d dimensions", MAX_RANK);
            return false;
        }
        dims[rank++] = size.integer;
    } while (parser_accept_mark(parser, ','));
    SourceRange where = {parser->lexer.file, begin.begin, parser->token.end};
    if (!parser_expect_mark(parser, ']'))
        return false;
    *type = tensor_type(rank, dims);
    type->element = element;
    if (tensor_elements(type) < 0) {
        diagnostics_report(parser->diagnostics, SEVERITY_ERROR, where, NULL,
            "sizes must be positive, and elements at most 2^40");
        return false;
    }
    return true;
}

/* An optional `"name"` after the %number of a definition. */
bool parse_definition(Parser *parser, Definition *definition) {
    *definition = (Definition){0};
    if (!parser_expect(parser, TOKEN_VALUE, "a value such as %3", &definition->token))
        return false;
    bool numbered = is_digit(definition->token.string[0]);
    if (!numbered) {
        definition->name = definition->token.string;
    } else if (parser->token.kind == TOKEN_STRING) {
        definition->name = parser->token.string;
        parser_advance(parser);
    }
    return true;
}

/* Binds a name to its value; NULL after a faulty statement, so that uses report nothing more. */
void parser_define(Parser *parser, Token token, Value *value) {
    Binding *earlier = name_map_find(parser->values, token.string);
    if (earlier != NULL) {
        diagnostics_report(parser->diagnostics, SEVERITY_ERROR, parser_range(parser, token), NULL,
            "%%%s is defined twice", token.string);
        diagnostics_report(parser->diagnostics, SEVERITY_NOTE, parser_range(parser, earlier->token),
            NULL, "the first definition is here");
        return;
    }
    Binding *binding = ARENA_NEW(parser->scratch, Binding);
    *binding = (Binding){.value = value, .token = token};
    name_map_put(parser->values, token.string, binding);
}

bool parse_use(Parser *parser, Value **value) {
    Token token;
    if (!parser_expect(parser, TOKEN_VALUE, "a value such as %3", &token))
        return false;
    Binding *binding = name_map_find(parser->values, token.string);
    if (binding == NULL) {
        diagnostics_report(parser->diagnostics, SEVERITY_ERROR, parser_range(parser, token),
            "a value must be defined on a line before its use", "%%%s is not defined",
            token.string);
        return false;
    }
    *value = binding->value;
    return binding->value != NULL;
}

/* ---- statements ---- */

static Layout parse_layout(Parser *parser) {
    if (parser_at_word(parser, "nhwc")) {
        parser_advance(parser);
        return LAYOUT_NHWC;
    }
    if (parser_at_word(parser, "nchw"))
        parser_advance(parser);
    return LAYOUT_NCHW;
}

/* `name =` */
static bool parse_field(Parser *parser, const char *name) {
    if (!parser_expect_mark(parser, ','))
        return false;
    if (!parser_at_word(parser, name))
        return parser_expected(parser, name);
    parser_advance(parser);
    return parser_expect_mark(parser, '=');
}

static bool parse_double(Parser *parser, double *number) {
    if (parser->token.kind != TOKEN_INTEGER && parser->token.kind != TOKEN_NUMBER)
        return parser_expected(parser, "a number");
    *number = parser->token.number;
    parser_advance(parser);
    return true;
}

/* Exactly `count` numbers in brackets. */
static bool parse_doubles(Parser *parser, double *numbers, int count) {
    if (!parser_expect_mark(parser, '['))
        return false;
    for (int i = 0; i < count; i++) {
        if ((i > 0 && !parser_expect_mark(parser, ',')) || !parse_double(parser, &numbers[i]))
            return false;
    }
    return parser_expect_mark(parser, ']');
}

static bool parse_integer(Parser *parser, int64_t *number) {
    Token token;
    if (!parser_expect(parser, TOKEN_INTEGER, "an integer", &token))
        return false;
    *number = token.integer;
    return true;
}

static bool parse_letterbox(Parser *parser, Letterbox *letterbox) {
    for (int i = LETTERBOX_CENTRE; i <= LETTERBOX_CORNER; i++) {
        if (parser_at_word(parser, letterbox_name((Letterbox)i))) {
            *letterbox = (Letterbox)i;
            parser_advance(parser);
            return true;
        }
    }
    return parser_expected(parser, "'centre' or 'corner'");
}

/* , letterbox = centre, fill = 114): each may be missing. */
static bool parse_outside(Parser *parser, Preprocessing *pixels) {
    while (parser_at_mark(parser, ',')) {
        parser_advance(parser);
        bool is_letterbox = parser_at_word(parser, "letterbox");
        if (!is_letterbox && !parser_at_word(parser, "fill"))
            return parser_expected(parser, "'letterbox' or 'fill'");
        parser_advance(parser);
        if (!parser_expect_mark(parser, '=') ||
            !(is_letterbox ? parse_letterbox(parser, &pixels->letterbox)
                           : parse_integer(parser, &pixels->fill)))
            return false;
    }
    return parser_expect_mark(parser, ')');
}

static bool parse_order(Parser *parser, PixelOrder *order) {
    for (int i = PIXELS_RGB; i <= PIXELS_BGRA; i++)
        if (parser_at_word(parser, pixel_order_name((PixelOrder)i))) {
            *order = (PixelOrder)i;
            parser_advance(parser);
            return true;
        }
    return parser_expected(parser, "'rgb', 'bgr', 'rgba' or 'bgra'");
}

/* pixels(rgb, scale = 1.0, mean = [...], std = [...], resize = 256) */
static bool parse_pixels(Parser *parser, int channels, Preprocessing *pixels) {
    parser_advance(parser);
    if (!parser_expect_mark(parser, '('))
        return false;
    if (!parse_order(parser, &pixels->order) || !parse_field(parser, "scale") ||
        !parse_double(parser, &pixels->scale) || !parse_field(parser, "mean") ||
        !parse_doubles(parser, pixels->mean, channels) || !parse_field(parser, "std") ||
        !parse_doubles(parser, pixels->std, channels) || !parse_field(parser, "resize") ||
        !parse_integer(parser, &pixels->resize))
        return false;
    return parse_outside(parser, pixels);
}

static bool too_many(Parser *parser, Token where, const char *what, int most) {
    diagnostics_report(parser->diagnostics, SEVERITY_ERROR, parser_range(parser, where), NULL,
        "a graph has at most %d %s", most, what);
    return false;
}

/* input %image : f32[1,3,224,224] nhwc pixels(...) */
static bool parse_input(Parser *parser) {
    Definition definition;
    TensorType type;
    parser_advance(parser);
    if (!parse_definition(parser, &definition))
        return false;
    SourceRange where = parser_range(parser, definition.token);
    bool sound = parser_expect_mark(parser, ':') && parse_type(parser, &type);
    if (sound && definition.name == NULL) {
        diagnostics_report(parser->diagnostics, SEVERITY_ERROR, where,
            "write it as %image, say, instead of a number", "an input needs a name");
        sound = false;
    }
    if (sound && parser->graph->input_count == MOST_INPUTS)
        sound = too_many(parser, definition.token, "inputs", MOST_INPUTS);
    if (!sound) {
        parser_define(parser, definition.token, NULL);
        return false;
    }
    Layout layout = parse_layout(parser);
    Value *value = graph_add_input(parser->graph, definition.name, type, layout, where);
    parser_define(parser, definition.token, value);
    if (!parser_at_word(parser, "pixels"))
        return true;
    GraphInput *input = &parser->graph->inputs[parser->graph->input_count - 1];
    input->has_preprocessing = true;
    return parse_pixels(parser, preprocessing_channels(&type), &input->preprocessing);
}

/* weight @fc.bias : f32[1000] */
static bool parse_weight(Parser *parser) {
    Token path;
    TensorType type;
    parser_advance(parser);
    if (!parser_expect(parser, TOKEN_PATH, "a path such as @fc.weight", &path) ||
        !parser_expect_mark(parser, ':') || !parse_type(parser, &type))
        return false;
    Weight *earlier = graph_find_weight(parser->graph, path.string);
    if (earlier != NULL) {
        diagnostics_report(parser->diagnostics, SEVERITY_ERROR, parser_range(parser, path), NULL,
            "the weight '%s' is declared twice", path.string);
        diagnostics_report(parser->diagnostics, SEVERITY_NOTE, earlier->where, NULL,
            "the first declaration is here");
        return false;
    }
    graph_weight(parser->graph, path.string, type, parser_range(parser, path));
    return true;
}

/* output logits = %9 nhwc */
static bool parse_output(Parser *parser) {
    Token name;
    Value *value;
    parser_advance(parser);
    if (!parser_expect(parser, TOKEN_WORD, "a name for the output", &name) ||
        !parser_expect_mark(parser, '=') || !parse_use(parser, &value))
        return false;
    if (parser->graph->output_count == MOST_OUTPUTS)
        return too_many(parser, name, "outputs", MOST_OUTPUTS);
    Layout layout = parse_layout(parser);
    graph_add_output(parser->graph, name.string, value, layout, parser_range(parser, name));
    return true;
}

static bool parse_statement(Parser *parser) {
    if (parser_at_word(parser, "input"))
        return parse_input(parser);
    if (parser_at_word(parser, "weight"))
        return parse_weight(parser);
    if (parser_at_word(parser, "output"))
        return parse_output(parser);
    if (parser_at_word(parser, "answer"))
        return parse_answer(parser);
    if (parser_at_word(parser, "labels"))
        return parse_labels(parser);
    if (parser->token.kind == TOKEN_VALUE)
        return parse_node(parser);
    return parser_expected(
        parser, "'input', 'weight', 'output', 'answer', 'labels', a value or '}'");
}

/* After a fault: on to the next line. */
static void recover(Parser *parser) {
    while (parser->token.kind != TOKEN_END && !parser->token.first_on_line)
        parser_advance(parser);
}

static void parse_statements(Parser *parser) {
    while (parser->token.kind != TOKEN_END && !parser_at_mark(parser, '}')) {
        Token begin = parser->token;
        if (parse_statement(parser))
            continue;
        if (parser->token.begin == begin.begin)
            parser_advance(parser);
        recover(parser);
    }
}

static void parse_graph(Parser *parser) {
    Token name;
    if (!parser_at_word(parser, "graph")) {
        parser_expected(parser, "'graph'");
        return;
    }
    parser_advance(parser);
    if (!parser_expect(parser, TOKEN_WORD, "the graph's name", &name))
        return;
    parser->graph = graph_create(parser->arena, name.string);
    if (!parser_expect_mark(parser, '{'))
        return;
    parse_statements(parser);
    Token end = parser->token;
    if (!parser_expect_mark(parser, '}'))
        return;
    if (parser->token.kind != TOKEN_END)
        parser_expected(parser, "the end of the text");
    if (parser->graph->output_count == 0 && diagnostics_error_count(parser->diagnostics) == 0)
        diagnostics_report(parser->diagnostics, SEVERITY_ERROR, parser_range(parser, end),
            "add a line such as: output logits = %3", "the graph has no output");
}

Graph *graph_parse(const SourceFile *file, Arena *arena, Diagnostics *diagnostics) {
    if (file->length > UINT32_MAX / 2) {
        diagnostics_error(diagnostics, NULL, "'%s' is too large", file->name);
        return NULL;
    }
    size_t errors_before = diagnostics_error_count(diagnostics);
    Parser parser = {.arena = arena, .scratch = arena_create(), .diagnostics = diagnostics};
    parser.lexer =
        (Lexer){.file = file, .arena = parser.scratch, .diagnostics = diagnostics, .at = 0};
    parser.values = name_map_create(parser.scratch);
    parser_advance(&parser);
    parse_graph(&parser);
    arena_destroy(parser.scratch);
    if (diagnostics_error_count(diagnostics) > errors_before)
        return NULL;
    return graph_verify(parser.graph, diagnostics) ? parser.graph : NULL;
}
