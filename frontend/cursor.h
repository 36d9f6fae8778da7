/* What the scanner sees at a place of a text that need not parse. */
#ifndef RIFFLE_FRONTEND_CURSOR_H
#define RIFFLE_FRONTEND_CURSOR_H

#include "frontend/syntax.h"

typedef struct SpecCursor {
    bool in_code;     /* not in a comment, in the text of a string or in a weight path */
    const char *word; /* a name that the place is in or touches, NULL when there is none */
    SourceRange word_where;
    const char *call;     /* what is called in the innermost open parenthesis, or NULL */
    const char *argument; /* behind NAME = in that call: the name; else NULL */
} SpecCursor;

SpecCursor cursor_at(const SourceFile *file, uint32_t offset, Arena *arena);

#endif
