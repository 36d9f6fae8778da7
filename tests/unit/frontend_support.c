#include "tests/unit/frontend_support.h"

#include <stdlib.h>
#include <string.h>

int language_set_up(void **state) {
    Language *language = calloc(1, sizeof(*language));
    assert_non_null(language);
    language->arena = arena_create();
    language->diagnostics = diagnostics_create();
    *state = language;
    return 0;
}

int language_tear_down(void **state) {
    Language *language = *state;
    diagnostics_destroy(language->diagnostics);
    arena_destroy(language->arena);
    free(language);
    return 0;
}

SourceFile *language_file(Language *language, const char *name, const char *text) {
    SourceFile *file = ARENA_NEW(language->arena, SourceFile);
    *file = (SourceFile){name, arena_copy_string(language->arena, text), strlen(text)};
    return file;
}

const char *language_messages(Language *language) {
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    assert_non_null(stream);
    diagnostics_print(language->diagnostics, stream);
    fclose(stream);
    const char *copy = arena_copy_bytes(language->arena, text, length);
    free(text);
    return copy;
}

void assert_no_errors(Language *language) {
    if (diagnostics_error_count(language->diagnostics) > 0) {
        fail_msg("%s", language_messages(language));
    }
}

Spec *language_parse(Language *language, const char *text) {
    Spec *spec = spec_parse(
        language_file(language, "test.rfl", text), language->arena, language->diagnostics);
    assert_no_errors(language);
    assert_non_null(spec);
    return spec;
}

static const char *keep(Language *language, Text *text) {
    const char *copy = arena_copy_bytes(language->arena, text->data, text->length);
    text_free(text);
    return copy;
}

const char *language_print(Language *language, const Spec *spec) {
    Text text = {0};
    spec_print(spec, &text);
    return keep(language, &text);
}

const char *language_print_json(Language *language, const Spec *spec) {
    Text text = {0};
    spec_print_json(spec, &text);
    return keep(language, &text);
}

int64_t graph_parameters(const Graph *graph) {
    int64_t sum = 0;
    for (const Node *node = graph->first; node; node = node->next) {
        sum += node_parameters(node);
    }
    return sum;
}

int64_t graph_macs(const Graph *graph) {
    int64_t sum = 0;
    for (const Node *node = graph->first; node; node = node->next) {
        sum += node_macs(node);
    }
    return sum;
}
