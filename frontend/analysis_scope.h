/* Which variables a place of a spec sees, by its tree alone: what runs does not matter. */
#ifndef RIFFLE_FRONTEND_ANALYSIS_SCOPE_H
#define RIFFLE_FRONTEND_ANALYSIS_SCOPE_H

#include "frontend/evaluate.h"

enum { MOST_ARGUMENT_NAMES = 32 };

/* Calls `visit` with each definition that the byte sees, outer and earlier ones first; the same
 * name may come again. A definition is a name or a parameter. */
void scope_visit(const Spec *spec, uint32_t offset,
    void (*visit)(void *context, const SpecExpression *name), void *context);

/* The definition that a name means there, or what it is itself; file is NULL when there is none. */
SourceRange scope_find(const Spec *spec, uint32_t offset, const char *name);

#endif
