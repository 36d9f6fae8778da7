#include "tests/unit/frontend_support.h"

#include <stdlib.h>
#include <string.h>

const char language_crowded_spec[] =
    "# head comment\n"
    "network t(a = 1, # one\n"
    "   b = [ # inside\n"
    "     1, 2, # two\n"
    "     3\n"
    "     # closing\n"
    "   ],\n"
    "   # last\n"
    ") named \"x{a}_{\n"
    "  a}\" { # opened\n"
    "  # first\n"
    "  input x: f32[1,3,8,8] nhwc # trailing input\n"
    "\n\n"
    "  # before y\n"
    "  y = x # after x\n"
    "    |> conv(4, # channels\n"
    "        3) # conv done\n"
    "    # stage comment\n"
    "    |> relu # last stage\n"
    "  let z = (1 + # plus\n"
    "     2) * 3\n"
    "  let q, (r, _) = [1, 2, # a\n"
    "    [3, # b\n"
    "     4]]   # c\n"
    "  if a == 1 { # then\n"
    "    y = y |> relu\n"
    "    # end of then\n"
    "  } # before else\n"
    "  else if a == 2 { y = relu(y) } else { # otherwise\n"
    "  }\n"
    "  if a > 4 {} else {\n"
    "  # only comment\n"
    "  }\n"
    "  let t = concat(y # arg\n"
    "     , y) |> relu(\n"
    "     # none\n"
    "     )\n"
    "  let s = \"a\\\"b\\\\ \\{x\\} {a + 1}\\n\\t\"\n"
    "  let w = y |> conv(3, 1) @ \"odd name{a}\".x{a + 2}\"z z\"\n"
    "  let k = {0.5: 1e-7, \"b\": {true: 12345678.5e10}}[if a == 1 then 0.5 else \"b\"]\n"
    "  let n = not (a == 1 and (a < 2 or a in [1, 2])) and -(-a) - (3 - (4 - 5)) == 1 // 2 % 3\n"
    "  for i, (c, u) in enumerate(zip([1], 1 .. 2), from = 2) @ stage{i} { y = (y @ p) |> relu @ q "
    "}\n"
    "  repeat 2 { scope @ a.b/c { assert a == 1, \"{a}\" fail \"no\" } }\n"
    "  output o nchw = if a == 1 then y else (if a == 2 then y |> relu else -1 - -2 * 3)\n"
    "  # closing network\n"
    "} # after network\n"
    "unit u(x, c) { return x, c } import \"other.rfl\"\n"
    "# very end\n";

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
    char *text = diagnostics_text(language->diagnostics);
    const char *copy = arena_copy_string(language->arena, text);
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
