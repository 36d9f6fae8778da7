/* Specs made to break the reader: cut, repeated and mangled ones. Nothing but a message may come of
 * them, and nothing may take long. */
#include "ir/source_file.h"
#include "tests/unit/frontend_support.h"

#include <stdlib.h>
#include <string.h>

static SourceFile *read_example(Language *language, const char *name) {
    const char *path = arena_format(language->arena, RIFFLE_SOURCE_DIR "/examples/%s", name);
    SourceFile *file =
        source_file_read(path, 1 << 20, NULL, language->arena, language->diagnostics);
    assert_non_null(file);
    return file;
}

/* The canonical form of what was read is a fixed point, through JSON too. */
static void check_canonical(const Spec *spec, Arena *arena, Diagnostics *diagnostics) {
    Text printed = {0}, again = {0}, json = {0}, through = {0};
    spec_print(spec, &printed);
    spec_print_json(spec, &json);
    SourceFile file = {"printed", printed.data, printed.length};
    SourceFile json_file = {"printed.json", json.data, json.length};
    Spec *second = spec_parse(&file, arena, diagnostics);
    Spec *third = spec_parse_json(&json_file, arena, diagnostics);
    if (!second || !third) {
        diagnostics_print(diagnostics, stdout);
        fail_msg("the canonical form does not parse:\n%s", printed.data);
    }
    spec_print(second, &again);
    assert_string_equal(printed.data, again.data);
    spec_print(third, &through);
    assert_string_equal(printed.data, through.data);
    text_free(&printed);
    text_free(&again);
    text_free(&json);
    text_free(&through);
}

/* Reads and, where that succeeds, prints and elaborates. Either there is a result or an error. */
static bool try_text(const char *text, size_t length, bool json) {
    Arena *arena = arena_create();
    Diagnostics *diagnostics = diagnostics_create();
    SourceFile file = {"hostile", text, length};
    Spec *spec =
        json ? spec_parse_json(&file, arena, diagnostics) : spec_parse(&file, arena, diagnostics);
    bool good = spec != NULL;
    assert_true(good == (diagnostics_error_count(diagnostics) == 0));
    if (spec) {
        check_canonical(spec, arena, diagnostics);
        Graph *graph = spec_elaborate(spec, NULL, 0, arena, diagnostics);
        assert_true((graph != NULL) == (diagnostics_error_count(diagnostics) == 0));
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return good;
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Texts of the same bytes with some changed, dropped or moved. */
static void mangle(const char *text, size_t length, bool json, int rounds) {
    static const char spice[] = "{}()[]@|>\"\\.,:=#+-*/%<09aex\n \xff";
    uint32_t random = 7;
    int good = 0;
    char *copy = malloc(length + 64);
    assert_non_null(copy);
    for (int round = 0; round < rounds; round++) {
        size_t size = length;
        memcpy(copy, text, length);
        for (uint32_t edits = 1 + next_random(&random) % 4; edits > 0; edits--) {
            size_t place = next_random(&random) % size;
            switch (next_random(&random) % 3) {
            case 0:
                copy[place] = spice[next_random(&random) % (sizeof(spice) - 1)];
                break;
            case 1:
                memmove(copy + place, copy + place + 1, size - place - 1);
                size--;
                break;
            default:
                memmove(copy + place + 1, copy + place, size - place);
                copy[place] = spice[next_random(&random) % (sizeof(spice) - 1)];
                size++;
                break;
            }
        }
        copy[size] = '\0';
        good += try_text(copy, size, json) ? 1 : 0;
    }
    assert_true(good > 0 && good < rounds);
    free(copy);
}

static void mangled_specs(void **state) {
    SourceFile *v1 = read_example(*state, "shufflenet_v1.rfl");
    SourceFile *squeezenet = read_example(*state, "squeezenet.rfl");
    mangle(v1->text, v1->length, false, 500);
    mangle(squeezenet->text, squeezenet->length, false, 500);
    mangle(language_crowded_spec, strlen(language_crowded_spec), false, 500);
}

static void mangled_json(void **state) {
    Language *language = *state;
    SourceFile *file = read_example(language, "squeezenet.rfl");
    Spec *spec = spec_parse(file, language->arena, language->diagnostics);
    const char *json = language_print_json(language, spec);
    mangle(json, strlen(json), true, 500);
    spec = language_parse(language, language_crowded_spec);
    json = language_print_json(language, spec);
    mangle(json, strlen(json), true, 500);
}

static void cut_specs(void **state) {
    Language *language = *state;
    SourceFile *file = read_example(language, "shufflenet_v2.rfl");
    for (size_t length = 0; length < file->length; length += 7) {
        const char *text = arena_copy_bytes(language->arena, file->text, length);
        try_text(text, length, false);
    }
}

/* A word again and again, in a network. */
static void repeat_word(const char *word, int count) {
    Text text = {0};
    text_append(&text, "network n { input x: f32[1, 4, 8, 8] let a = ");
    for (int i = 0; i < count; i++) {
        text_append(&text, word);
    }
    text_append(&text, " output o = x }");
    try_text(text.data, text.length, false);
    text_free(&text);
}

static void repeated_words(void **state) {
    (void)state;
    static const char *const words[] = {"(", "[", "{", "{1:", "-", "not ", "1+", "[1]+", "f(",
        "\"{", "if ", "if 1 then ", "if true then 1 else ", "x |> relu(", "x @ {", "a = ", "}", ")",
        "@", "\"", "let ", "for i in ", "if true {", "x |> ", "#", "a[", "1 .. ", "network ",
        "unit a("};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        repeat_word(words[i], 150);
        repeat_word(words[i], 3000);
    }
}

static void greedy_specs(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "let a = [1] repeat 100000 { a = a + a }",
        "let a = [1] repeat 100000 { a = [a, a] }",
        "let a = \"x\" repeat 100000 { a = \"{a}{a}\" }",
        "let a = 1 repeat 1000000000 { a = a + 1 }",
        "let a = 0 .. 1000000000000",
        "let a = range(0, 1000000000, 1)",
        "repeat 1000000 { x = relu(x) }",
        "x = f(x)",
        "x = g(x)",
        "x = x |> conv(1000000000, 1000000)",
        "x = x |> conv(1000000000, 1) |> conv(1000000000, 1)",
        "x = x |> split(1000000000)",
        "let a = [x] + [x] repeat 30 { a = a + a } x = concat(a)",
        "for i in 0 .. 60000 @ p{i} { x = relu(x) }",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        Text text = {0};
        text_format(&text,
            "network n { input x: f32[1, 4, 8, 8] %s output o = x }"
            " unit f(x) { return f(x) } unit g(x) { return g(x) + g(x) }",
            bodies[i]);
        Arena *arena = arena_create();
        Diagnostics *diagnostics = diagnostics_create();
        SourceFile file = {"greedy", text.data, text.length};
        Spec *spec = spec_parse(&file, arena, diagnostics);
        assert_non_null(spec);
        assert_null(spec_elaborate(spec, NULL, 0, arena, diagnostics));
        assert_true(diagnostics_error_count(diagnostics) > 0);
        diagnostics_destroy(diagnostics);
        arena_destroy(arena);
        text_free(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(mangled_specs, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(mangled_json, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(cut_specs, language_set_up, language_tear_down),
        cmocka_unit_test(repeated_words),
        cmocka_unit_test(greedy_specs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
