/* The lines of .rir that say what the outputs mean:
 * answer faces = exp_boxes(classes = [cls_8, cls_16], ..., strides = [8, 16])
 * labels = ["cat", "dog"] */
#include "ir/answer.h"
#include "ir/labels.h"
#include "ir/parse_node.h"

#include <string.h>

static bool wrong(Parser *parser, Token token, const char *hint, const char *message) {
    diagnostics_report(
        parser->diagnostics, SEVERITY_ERROR, parser_range(parser, token), hint, "%s", message);
    return false;
}

static int find_output(const Graph *graph, const char *name) {
    int index = graph->output_count - 1;
    while (index >= 0 && strcmp(graph->outputs[index].name, name) != 0)
        index--;
    return index;
}

static bool parse_part_output(Parser *parser, AnswerPart *part) {
    Token name;
    if (!parser_expect(parser, TOKEN_WORD, "the name of an output", &name))
        return false;
    int index = find_output(parser->graph, name.string);
    if (index < 0)
        return wrong(parser, name, "outputs stand before the answer", "there is no such output");
    if (part->count == MOST_ANSWER_STRIDES)
        return wrong(parser, name, NULL, "the list is too long");
    part->outputs[part->count++] = index;
    return true;
}

/* Numbers of an answer that are no outputs. */
typedef struct AnswerNumbers {
    int64_t *items;
    int *count, most;
} AnswerNumbers;

static bool parse_number(Parser *parser, AnswerNumbers numbers) {
    Token token;
    if (!parser_expect(parser, TOKEN_INTEGER, "an integer", &token))
        return false;
    if (*numbers.count == numbers.most)
        return wrong(parser, token, NULL, "the list is too long");
    numbers.items[(*numbers.count)++] = token.integer;
    return true;
}

/* The part of that name, or NULL and the numbers; false after reporting that it is neither. */
static bool find_field(Parser *parser, DecodingInfo info, GraphAnswer *answer, Token name,
    AnswerPart **part, AnswerNumbers *numbers) {
    for (int i = 0; i < info.part_count; i++) {
        if (strcmp(info.parts[i].name, name.string) != 0)
            continue;
        *part = &answer->parts[i];
        return (*part)->count == 0 || wrong(parser, name, NULL, "it was given before");
    }
    *part = NULL;
    if (decoding_has_strides(&info) && strcmp(name.string, "strides") == 0)
        *numbers = (AnswerNumbers){answer->strides, &answer->stride_count, MOST_ANSWER_STRIDES};
    else if (info.cells == CELLS_BY_ANCHOR && strcmp(name.string, "anchors") == 0)
        *numbers =
            (AnswerNumbers){answer->anchors, &answer->anchor_numbers, 2 * MOST_ANSWER_ANCHORS};
    else
        return wrong(parser, name, NULL, "the decoding has no such part");
    return *numbers->count == 0 || wrong(parser, name, NULL, "it was given before");
}

static bool parse_field(Parser *parser, DecodingInfo info, GraphAnswer *answer) {
    Token name;
    AnswerPart *part;
    AnswerNumbers numbers = {0};
    if (!parser_expect(parser, TOKEN_WORD, "a part of the answer", &name) ||
        !find_field(parser, info, answer, name, &part, &numbers) ||
        !parser_expect_mark(parser, '=') || !parser_expect_mark(parser, '['))
        return false;
    do {
        if (part != NULL ? !parse_part_output(parser, part) : !parse_number(parser, numbers))
            return false;
    } while (parser_accept_mark(parser, ','));
    if (part != NULL)
        part->where = parser_range(parser, name);
    return parser_expect_mark(parser, ']');
}

bool parse_answer(Parser *parser) {
    Token name, decoding;
    parser_advance(parser);
    if (!parser_expect(parser, TOKEN_WORD, "a name for the answer", &name) ||
        !parser_expect_mark(parser, '=') ||
        !parser_expect(parser, TOKEN_WORD, "a decoding", &decoding))
        return false;
    if (parser->graph->answer != NULL)
        return wrong(parser, name, NULL, "there is an answer already");
    GraphAnswer answer = {.name = name.string,
        .decoding = decoding_find(decoding.string),
        .where = parser_range(parser, name)};
    if (answer.decoding == DECODING_COUNT)
        return wrong(parser, decoding, NULL, "there is no such decoding");
    DecodingInfo info = decoding_info(answer.decoding);
    if (!parser_expect_mark(parser, '('))
        return false;
    do {
        if (!parse_field(parser, info, &answer))
            return false;
    } while (parser_accept_mark(parser, ','));
    graph_set_answer(parser->graph, &answer);
    return parser_expect_mark(parser, ')');
}

bool parse_labels(Parser *parser) {
    GraphLabels labels = {.where = parser_range(parser, parser->token)};
    int capacity = 0;
    Token name = parser->token;
    if (parser->graph->labels != NULL)
        return wrong(parser, name, NULL, "there are labels already");
    parser_advance(parser);
    if (!parser_expect_mark(parser, '=') || !parser_expect_mark(parser, '['))
        return false;
    do {
        if (!parser_expect(parser, TOKEN_STRING, "the name of a class", &name))
            return false;
        ARENA_GROW(parser->scratch, labels.names, labels.count, capacity, 16);
        labels.names[labels.count++] = name.string;
    } while (parser_accept_mark(parser, ','));
    graph_set_labels(parser->graph, &labels);
    return parser_expect_mark(parser, ']');
}
