/* What the generated scanner and parser share with parse.c, scan.c and parsed.c. */
#ifndef RIFFLE_FRONTEND_PARSE_H
#define RIFFLE_FRONTEND_PARSE_H

#include "frontend/syntax.h"

enum { BRACKET_LIMIT = 400, INTERPOLATION_LIMIT = 16 };

/* Byte range of a token or rule. */
typedef struct Span {
    uint32_t begin, end;
} Span;

typedef struct Bracket {
    char kind;       /* '(', '[', '{' */
    bool is_block;   /* the parser took this '{' as the start of a block, */
    bool of_rewrite; /* which has clauses for statements */
    Span where;
} Bracket;

typedef struct ParseContext {
    const SourceFile *file;
    Arena *arena;
    Diagnostics *diagnostics;
    void *scanner;

    Spec *spec;                 /* result of parsing a spec */
    SpecExpression *expression; /* result of parsing one expression */

    /* scanner.l */
    uint32_t offset;
    int braces[INTERPOLATION_LIMIT + 1]; /* open braces in each nested interpolation */
    int interpolations;
    Comment *comments;
    size_t comment_count, comment_capacity;
    uint32_t complaint_end; /* end of what the scanner complained about last, 0 when nothing */

    /* next_token: brackets, and how to go on after a syntax error */
    int start_token; /* 0 once delivered */
    Bracket brackets[BRACKET_LIMIT];
    int bracket_count;
    int missing_braces; /* closing braces still to be made up */
    int held_token;     /* delivered after them; 0 when none */
    Span held_span;
    bool skipping;
    int lookahead; /* the last token that was delivered, and its place */
    Span lookahead_span;
    bool lookahead_syncs;     /* the last token can begin a statement, or ends a block */
    bool lookahead_made_up;   /* the last token is a missing brace */
    uint32_t recovery_offset; /* where the scanner stood at the last recovery, and how often */
    int recovery_count;
    bool aborted;
} ParseContext;

SourceRange parse_range(const ParseContext *context, Span span);

void parse_complain(ParseContext *context, Span where, const char *hint, const char *message);

/* Ends the parse: later errors would only follow from this one. */
void parse_abort(ParseContext *context);

/* The parser calls it when the innermost '{' turned out to open a block. */
void parse_mark_block(ParseContext *context, bool of_rewrite);

/* Called in the action of an `error` rule. Returns true when the lookahead is where parsing can go
 * on, false when it must be cleared: then tokens are skipped to the next line that begins a
 * statement. */
bool parse_recover(ParseContext *context);

/* Reports an unexpected token, unless it only follows from another mistake. `expected` is a list of
 * words such as ", expected a name". */
void parse_report_unexpected(
    ParseContext *context, Span where, const char *what, const char *expected);

/* ---- scan.c ---- */

void scan_comment(ParseContext *context, const char *text, size_t length, Span where);
bool scan_integer(ParseContext *context, const char *text, Span where, int64_t *value);
double scan_number(ParseContext *context, const char *text, Span where);
/* Checks length and encoding of a piece of a string. */
const char *scan_text(ParseContext *context, const char *text, size_t length, Span where);

#endif
