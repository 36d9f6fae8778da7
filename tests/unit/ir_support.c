#include "ir_support.h"

#include <string.h>

Fixture fixture_parse(const char *text) {
    Fixture fixture = {.arena = arena_create(), .diagnostics = diagnostics_create()};
    SourceFile *file = ARENA_NEW(fixture.arena, SourceFile);
    file->name = "test.rir";
    file->text = arena_copy_string(fixture.arena, text);
    file->length = strlen(text);
    fixture.graph = graph_parse(file, fixture.arena, fixture.diagnostics);
    return fixture;
}

Fixture fixture_parse_statements(const char *statements) {
    Text text = {0};
    text_format(&text, "graph test {\n%s}\n", statements);
    Fixture fixture = fixture_parse(text.data);
    text_free(&text);
    return fixture;
}

void fixture_free(Fixture *fixture) {
    diagnostics_destroy(fixture->diagnostics);
    arena_destroy(fixture->arena);
}
