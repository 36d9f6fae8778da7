/* A spec as it is in an editor, perhaps half typed: what is at a place of it. */
#ifndef RIFFLE_FRONTEND_ANALYSIS_H
#define RIFFLE_FRONTEND_ANALYSIS_H

#include "frontend/frontend.h"

typedef struct SpecAnalysis SpecAnalysis;

/* Reads a spec, with the files that it imports, and builds its network, if it has one, with the
 * defaults of its parameters. What is wrong is reported. The analysis is there after errors, too,
 * and knows less. It lives in the arena, as does what it is asked for. */
SpecAnalysis *spec_analyse(const SourceFile *file, Arena *arena, Diagnostics *diagnostics);

/* Its canonical form; false when it could not be read. */
bool analysis_print(const SpecAnalysis *analysis, Text *text);

/* Appends what is known of the op, unit or variable at that byte, in Markdown: shapes, parameters
 * and multiply-accumulates of all nodes that it makes. Returns the place of it; file is NULL, and
 * nothing was appended, when there is nothing to say. */
SourceRange analysis_hover(const SpecAnalysis *analysis, uint32_t offset, Text *text);

/* Where the unit, variable or file of an import at that byte is defined; file is NULL when nothing
 * is. */
SourceRange analysis_definition(const SpecAnalysis *analysis, uint32_t offset);

typedef enum CompletionKind {
    COMPLETION_OPERATION,
    COMPLETION_UNIT,
    COMPLETION_FUNCTION, /* of numbers and lists */
    COMPLETION_VARIABLE,
    COMPLETION_ARGUMENT,
    COMPLETION_CHOICE, /* of a word that an argument takes */
    COMPLETION_KEYWORD
} CompletionKind;

typedef void AddCompletion(
    void *context, CompletionKind kind, const char *word, const char *detail);

/* All that can stand at that byte, whatever letters are there already; detail may be NULL. */
void analysis_complete(
    const SpecAnalysis *analysis, uint32_t offset, AddCompletion *add, void *context);

#endif
