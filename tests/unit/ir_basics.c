/* Arena, text, diagnostics and name map. */
#include "ir_cmocka.h"

#include "ir/name_map.h"
#include "ir/source_file.h"
#include "ir_support.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void arena_gives_zeroed_aligned_memory(void **state) {
    (void)state;
    Arena *arena = arena_create();
    unsigned char *previous = NULL;
    for (size_t size = 0; size < 100000; size = size * 2 + 1) {
        unsigned char *memory = arena_allocate(arena, size);
        assert_non_null(memory);
        assert_ptr_not_equal(memory, previous);
        assert_int_equal((uintptr_t)memory % (size >= 64 ? 64 : 16), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, size);
        previous = memory;
    }
    assert_string_equal(arena_format(arena, "%s-%d", "a", 3), "a-3");
    assert_memory_equal(arena_copy_bytes(arena, "x\0y", 3), "x\0y", 4);
    arena_destroy(arena);
    arena_destroy(NULL);
}

static void floats_read_back(void **state) {
    (void)state;
    const float numbers[] = {
        0, -0.0f, 1, 0.1f, 1e-5f, 3.4e38f, FLT_MIN, 1.17549e-39f, 16777216, 0.333333343f, -2.5f};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        Text text = {0};
        text_append_float(&text, numbers[i]);
        assert_true(strtof(text.data, NULL) == numbers[i]);
        assert_non_null(strpbrk(text.data, ".e"));
        text_free(&text);
    }
    Text text = {0};
    text_append_float(&text, 0.1f);
    text_append(&text, " ");
    text_append_double(&text, 1e-5);
    text_append(&text, " ");
    text_append_double(&text, 2);
    text_append(&text, " ");
    text_append_float(&text, (float)INFINITY);
    assert_string_equal(text.data, "0.1 1e-05 2.0 inf");
    text_free(&text);
    assert_null(text.data);
    assert_int_equal(text.length, 0);
}

static void file_appears_whole(void **state) {
    (void)state;
    char folder[] = "riffle-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64], missing[64];
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(missing, sizeof missing, "%s/none/file", folder);
    Text text = {0};
    text_append(&text, "content\n");
    assert_int_equal(text_write_file(&text, path), 0);
    assert_int_equal(text_write_file(&text, missing), ENOENT);
    assert_int_equal(text_write_file(&text, folder), EISDIR);
    Arena *arena = arena_create();
    Diagnostics *diagnostics = diagnostics_create();
    SourceFile *file = source_file_read(path, 100, NULL, arena, diagnostics);
    assert_non_null(file);
    assert_string_equal(file->text, "content\n");
    assert_null(source_file_read(path, 7, NULL, arena, diagnostics));
    assert_null(source_file_read(missing, 7, NULL, arena, diagnostics));
    assert_int_equal(diagnostics_error_count(diagnostics), 2);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    text_free(&text);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* no temporary file is left */
}

static void expect_printed(Diagnostics *diagnostics, const char *expected) {
    char *text = diagnostics_text(diagnostics);
    assert_string_equal(text, expected);
    free(text);
    diagnostics_destroy(diagnostics);
}

static SourceRange range(const SourceFile *file, const char *part) {
    uint32_t begin = (uint32_t)(strstr(file->text, part) - file->text);
    return (SourceRange){file, begin, begin + (uint32_t)strlen(part)};
}

static void diagnostic_shows_its_place(void **state) {
    (void)state;
    const char *text = "network a {\r\n\n\tx = image |> cnv(24, 3)\r\n}";
    SourceFile file = {"net.rfl", text, strlen(text)};
    Diagnostics *diagnostics = diagnostics_create();
    diagnostics_report(diagnostics, SEVERITY_ERROR, range(&file, "cnv"), "did you mean 'conv'?",
        "unknown op '%s'", "cnv");
    diagnostics_report(
        diagnostics, SEVERITY_NOTE, range(&file, "network"), NULL, "the network is here");
    diagnostics_error(diagnostics, NULL, "no place");
    diagnostics_report(diagnostics, SEVERITY_WARNING,
        (SourceRange){&file, (uint32_t)strlen(text), 999999}, NULL, "at the end");
    assert_int_equal(diagnostics_error_count(diagnostics), 2);
    expect_printed(diagnostics, "net.rfl:3:15: error: unknown op 'cnv'\n"
                                " x = image |> cnv(24, 3)\n"
                                "              ^~~\n"
                                "hint: did you mean 'conv'?\n"
                                "net.rfl:1:1: note: the network is here\n"
                                "network a {\n"
                                "^~~~~~~\n"
                                "riffle: error: no place\n"
                                "net.rfl:4:2: warning: at the end\n"
                                "}\n"
                                " ^\n");
}

static void long_line_is_clipped(void **state) {
    (void)state;
    Text text = {0};
    for (int i = 0; i < 5000; i++)
        text_append(&text, "\xc3\xa9"); /* two bytes, one column */
    text_append(&text, "HERE");
    for (int i = 0; i < 5000; i++)
        text_append(&text, "y");
    SourceFile file = {"long", text.data, text.length};
    Diagnostics *diagnostics = diagnostics_create();
    diagnostics_report(diagnostics, SEVERITY_ERROR, range(&file, "HERE"), NULL, "far");
    char *printed = diagnostics_text(diagnostics);
    assert_non_null(strstr(printed, "long:1:10001: error: far\n...\xc3\xa9"));
    assert_non_null(strstr(printed, "y...\n"));
    char *caret = strchr(strstr(printed, "HERE"), '\n') + 1;
    assert_int_equal(strspn(caret, " "), 3 + 30);
    assert_string_equal(caret + 33, "^~~~\n");
    assert_true(strlen(printed) < 400);
    free(printed);
    diagnostics_destroy(diagnostics);
    text_free(&text);
}

static void errors_stop_at_a_hundred(void **state) {
    (void)state;
    Diagnostics *diagnostics = diagnostics_create();
    for (int i = 0; i < 1000; i++) {
        diagnostics_error(diagnostics, NULL, "number %d", i);
        diagnostics_report(diagnostics, SEVERITY_NOTE, (SourceRange){0}, NULL, "note %d", i);
    }
    assert_int_equal(diagnostics_error_count(diagnostics), 1000);
    char *text = diagnostics_text(diagnostics);
    assert_non_null(strstr(text, "note 99\n"));
    assert_null(strstr(text, "number 100\n"));
    assert_null(strstr(text, "note 100\n"));
    assert_non_null(strstr(text, "900 more errors are not shown\n"));
    free(text);
    diagnostics_destroy(diagnostics);
}

static void closest_word_finds_slips(void **state) {
    (void)state;
    const char *const words[] = {"conv", "concat", "batch_norm", "relu", "relu6"};
    assert_string_equal(closest_word("cnv", words, 5), "conv");
    assert_string_equal(closest_word("ocnv", words, 5), "conv");
    assert_string_equal(closest_word("batchnorm", words, 5), "batch_norm");
    assert_string_equal(closest_word("relu7", words, 5), "relu");
    assert_null(closest_word("pool", words, 5));
    assert_null(closest_word("", words, 5));
    assert_null(closest_word("x", words, 0));
}

static void name_map_holds_many(void **state) {
    (void)state;
    Arena *arena = arena_create();
    NameMap *map = name_map_create(arena);
    int items[3000];
    for (int i = 0; i < 3000; i++)
        name_map_put(map, arena_format(arena, "name%d", i), &items[i]);
    name_map_put(map, "name7", &items[0]);
    for (int i = 0; i < 3000; i++)
        assert_ptr_equal(
            name_map_find(map, arena_format(arena, "name%d", i)), &items[i == 7 ? 0 : i]);
    assert_null(name_map_find(map, "name3000"));
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(floats_read_back),
        cmocka_unit_test(file_appears_whole),
        cmocka_unit_test(diagnostic_shows_its_place),
        cmocka_unit_test(long_line_is_clipped),
        cmocka_unit_test(errors_stop_at_a_hundred),
        cmocka_unit_test(closest_word_finds_slips),
        cmocka_unit_test(name_map_holds_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
