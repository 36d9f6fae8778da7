/* What the tests of the language share. */
#ifndef RIFFLE_TESTS_FRONTEND_SUPPORT_H
#define RIFFLE_TESTS_FRONTEND_SUPPORT_H

#include "frontend/frontend.h"
#include "tests/unit/ir_cmocka.h"

typedef struct Language {
    Arena *arena;
    Diagnostics *diagnostics;
} Language;

/* A spec with a comment in every place and every construct, hardly laid out. */
extern const char language_crowded_spec[];

int language_set_up(void **state);
int language_tear_down(void **state);

SourceFile *language_file(Language *language, const char *name, const char *text);
/* Parsing that must succeed. */
Spec *language_parse(Language *language, const char *text);
/* The canonical form, and JSON; in the arena. */
const char *language_print(Language *language, const Spec *spec);
const char *language_print_json(Language *language, const Spec *spec);
/* What was reported so far; in the arena. */
const char *language_messages(Language *language);
/* Fails the test with the messages when there are any. */
void assert_no_errors(Language *language);

int64_t graph_parameters(const Graph *graph);
int64_t graph_macs(const Graph *graph);

#endif
