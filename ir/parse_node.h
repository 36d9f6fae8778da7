/* Inside the parser of the text form: what parse.c and parse_node.c share. Functions that return
 * bool return false after reporting an error. */
#ifndef RIFFLE_IR_PARSE_NODE_H
#define RIFFLE_IR_PARSE_NODE_H

#include "ir/graph.h"
#include "ir/lexer.h"
#include "ir/name_map.h"
#include "ir/names.h"

typedef struct Parser {
    Lexer lexer;
    Token token;           /* the one being looked at */
    uint32_t previous_end; /* where the token before it ended */
    Arena *arena, *scratch;
    Diagnostics *diagnostics;
    Graph *graph;
    NameMap *values;      /* to Binding */
    int64_t list_entries; /* so far, of all lists; ranges are short to write but long to hold */
} Parser;

typedef struct Binding {
    Value *value; /* NULL when its definition was faulty */
    Token token;
} Binding;

typedef struct Definition {
    Token token;
    const char *name; /* of the value; may be NULL */
} Definition;

/* parse.c */
SourceRange parser_range(const Parser *parser, Token token);
void parser_advance(Parser *parser);
bool parser_at_mark(const Parser *parser, char mark);
bool parser_at_word(const Parser *parser, const char *word);
bool parser_accept_mark(Parser *parser, char mark);
bool parser_expected(Parser *parser, const char *what); /* reports; always false */
bool parser_expect_mark(Parser *parser, char mark);
bool parser_expect(Parser *parser, TokenKind kind, const char *what, Token *token);
void parser_define(Parser *parser, Token token, Value *value);
bool parse_type(Parser *parser, TensorType *type);
bool parse_definition(Parser *parser, Definition *definition);
bool parse_use(Parser *parser, Value **value);

/* parse_node.c */
bool parse_node(Parser *parser);

/* parse_answer.c */
bool parse_answer(Parser *parser);
bool parse_labels(Parser *parser);

#endif
