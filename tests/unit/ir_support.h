/* What the tests of the graph IR share. */
#ifndef RIFFLE_TESTS_UNIT_IR_SUPPORT_H
#define RIFFLE_TESTS_UNIT_IR_SUPPORT_H

#include "ir/graph.h"

/* A graph with the diagnostics of its parsing. */
typedef struct Fixture {
    Arena *arena;
    Diagnostics *diagnostics;
    Graph *graph; /* NULL after errors */
} Fixture;

Fixture fixture_parse(const char *text);
void fixture_free(Fixture *fixture);
/* A whole graph round statements: "graph test {\n" + statements + "}\n". Lives in the arena. */
Fixture fixture_parse_statements(const char *statements);

#endif
