/* The canonical form is a fixed point, keeps every comment, and survives JSON. */
#include "ir/source_file.h"
#include "tests/unit/frontend_support.h"

#include <string.h>

static const char *const comments[] = {"head comment", "one", "inside", "two", "closing", "last",
    "opened", "first", "trailing input", "before y", "after x", "channels", "conv done",
    "stage comment", "last stage", "plus", "a", "b", "c", "then", "end of then", "before else",
    "otherwise", "only comment", "arg", "none", "closing network", "after network", "very end"};

static void check_round_trips(Language *language, const Spec *spec) {
    const char *printed = language_print(language, spec);
    const char *again = language_print(language, language_parse(language, printed));
    assert_string_equal(printed, again);
    const char *json = language_print_json(language, spec);
    Spec *from_json = spec_parse_json(
        language_file(language, "test.json", json), language->arena, language->diagnostics);
    assert_no_errors(language);
    assert_non_null(from_json);
    assert_string_equal(printed, language_print(language, from_json));
    assert_string_equal(json, language_print_json(language, from_json));
}

static void canonical_form_is_stable(void **state) {
    check_round_trips(*state, language_parse(*state, language_crowded_spec));
}

/* It takes no longer to print a pipe for each that lies around it. */
static void pipes_in_pipes(void **state) {
    const char *value = "x";
    Language *language = *state;
    for (int i = 0; i < 80; i++)
        value = arena_format(language->arena, "x |> f(%s)", value);
    check_round_trips(
        language, language_parse(language,
                      arena_format(language->arena, "network n {\n output y = %s\n}\n", value)));
}

static void no_comment_is_lost(void **state) {
    const char *printed = language_print(*state, language_parse(*state, language_crowded_spec));
    for (size_t i = 0; i < sizeof(comments) / sizeof(*comments); i++) {
        char line[64];
        snprintf(line, sizeof(line), "# %s\n", comments[i]);
        if (!strstr(printed, line)) {
            fail_msg("the comment '%s' is lost", comments[i]);
        }
    }
    size_t count = 0;
    for (const char *c = printed; *c; c++) {
        count += *c == '#';
    }
    assert_int_equal(count, sizeof(comments) / sizeof(*comments));
}

static void comments_of_any_bytes(void **state) {
    Spec *spec =
        language_parse(*state, "# \xff\xfe caf\xc3\xa9 \xe2\x82\r\nnetwork n { output o = x }\n");
    assert_string_equal(language_print(*state, spec),
        "# \xef\xbf\xbd\xef\xbf\xbd caf\xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd\nnetwork n {\n    output "
        "o = x\n}\n");
    check_round_trips(*state, spec);
}

static void long_lines_break(void **state) {
    Text text = {0};
    text_append(&text, "network n { let a = [");
    for (int i = 0; i < 60; i++) {
        text_format(&text, "%d, ", 1000 + i);
    }
    text_append(&text, "] x = x");
    for (int i = 0; i < 30; i++) {
        text_format(&text, " |> conv(%d, [3, 3], stride = 2) @ stage%d", i, i);
    }
    text_append(&text, " }");
    Spec *spec = language_parse(*state, text.data);
    text_free(&text);
    check_round_trips(*state, spec);
    const char *line = language_print(*state, spec);
    while (*line) {
        size_t length = strcspn(line, "\n");
        assert_true(length <= 100);
        line += length + (line[length] == '\n');
    }
}

static void examples_are_canonical(void **state) {
    static const char *const names[] = {"shufflenet_v1.rfl", "shufflenet_v2.rfl", "squeezenet.rfl"};
    Language *language = *state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *path =
            arena_format(language->arena, RIFFLE_SOURCE_DIR "/examples/%s", names[i]);
        SourceFile *file =
            source_file_read(path, 1 << 20, NULL, language->arena, language->diagnostics);
        assert_non_null(file);
        Spec *spec = spec_read(path, language->arena, language->diagnostics);
        assert_no_errors(language);
        assert_string_equal(file->text, language_print(language, spec));
        check_round_trips(language, spec);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            canonical_form_is_stable, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(pipes_in_pipes, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(no_comment_is_lost, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(comments_of_any_bytes, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(long_lines_break, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(
            examples_are_canonical, language_set_up, language_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
