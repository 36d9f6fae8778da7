/* The tokens of the text form, .rir. */
#ifndef RIFFLE_IR_LEXER_H
#define RIFFLE_IR_LEXER_H

#include "ir/diagnostics.h"

typedef enum TokenKind {
    TOKEN_END,
    TOKEN_WORD,    /* conv */
    TOKEN_VALUE,   /* %3 or %image; the string is without the % */
    TOKEN_PATH,    /* @fc.weight or @"fc weight"; the string is without the @ and the quotes */
    TOKEN_STRING,  /* "conv1.0" */
    TOKEN_INTEGER, /* -12 */
    TOKEN_NUMBER,  /* 1e-05 */
    TOKEN_RANGE,   /* .. */
    TOKEN_MARK,    /* one of { } [ ] ( ) , = : */
    TOKEN_BAD      /* was reported */
} TokenKind;

typedef struct Token {
    TokenKind kind;
    uint32_t begin, end;
    bool first_on_line;
    char mark;          /* MARK */
    const char *string; /* WORD, VALUE, PATH, STRING */
    int64_t integer;    /* INTEGER */
    double number;      /* INTEGER, NUMBER */
} Token;

typedef struct Lexer {
    const SourceFile *file;
    Arena *arena; /* of the strings */
    Diagnostics *diagnostics;
    uint32_t at;
} Lexer;

Token lexer_next(Lexer *lexer);

#endif
