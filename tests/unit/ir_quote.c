/* What may be shown of names from outside, and what diagnostics make of it. */
#include "ir/diagnostics.h"
#include "ir/quote.h"
#include "ir_cmocka.h"

#include <stdlib.h>
#include <string.h>

typedef struct Sequence {
    const char *bytes;
    size_t size; /* 0: no UTF-8 */
    uint32_t code_point;
    size_t shown;
} Sequence;

static const Sequence sequences[] = {
    {"a", 1, 'a', 1}, {" ", 1, ' ', 1}, {"~", 1, '~', 1}, {"\x1f", 1, 0x1f, 0}, {"\n", 1, '\n', 0},
    {"\x7f", 1, 0x7f, 0}, {"\x80", 0, 0, 0},      /* the rest of none */
    {"\xbf", 0, 0, 0},                            /* the same */
    {"\xc0\x80", 0, 0, 0},                        /* NUL, too long */
    {"\xc1\xbf", 0, 0, 0},                        /* DEL, too long */
    {"\xc2\x80", 2, 0x80, 0},                     /* a control character of C1 */
    {"\xc2\x9b", 2, 0x9b, 0},                     /* what begins an escape sequence there */
    {"\xc2\xa0", 2, 0xa0, 2},                     /* the first beyond */
    {"\xc3\xb6", 2, 0xf6, 2},                     /* o with dots */
    {"\xc3", 0, 0, 0},                            /* cut off */
    {"\xc3(", 0, 0, 0},                           /* the same */
    {"\xd8\x9c", 2, 0x61c, 0},                    /* Arabic letter mark */
    {"\xdf\xbf", 2, 0x7ff, 2},                    /* the last of two bytes */
    {"\xe0\x9f\xbf", 0, 0, 0},                    /* that, too long */
    {"\xe0\xa0\x80", 3, 0x800, 3},                /* the first of three */
    {"\xe2\x80\x8d", 3, 0x200d, 3},               /* joins two characters */
    {"\xe2\x80\x8e", 3, 0x200e, 0},               /* left-to-right mark */
    {"\xe2\x80\xa7", 3, 0x2027, 3},               /* a point */
    {"\xe2\x80\xa8", 3, 0x2028, 0},               /* line separator */
    {"\xe2\x80\xae", 3, 0x202e, 0},               /* right-to-left override */
    {"\xe2\x80\xaf", 3, 0x202f, 3},               /* a narrow space */
    {"\xe2\x81\xa6", 3, 0x2066, 0},               /* left-to-right isolate */
    {"\xe2\x81\xaa", 3, 0x206a, 3},               /* behind the isolates */
    {"\xed\x9f\xbf", 3, 0xd7ff, 3},               /* the last before surrogates */
    {"\xed\xa0\x80", 0, 0, 0},                    /* the first of them */
    {"\xed\xbf\xbf", 0, 0, 0},                    /* the last */
    {"\xee\x80\x80", 3, 0xe000, 3},               /* the first behind */
    {"\xef\xb7\x90", 3, 0xfdd0, 0},               /* no character */
    {"\xef\xbf\xbd", 3, 0xfffd, 3},               /* replacement character */
    {"\xef\xbf\xbe", 3, 0xfffe, 0},               /* no character, nor in XML */
    {"\xf0\x8f\xbf\xbf", 0, 0, 0},                /* too long */
    {"\xf0\x90\x80\x80", 4, 0x10000, 4},          /* the first of four */
    {"\xf0\x9f\x90\xa7", 4, 0x1f427, 4},          /* a penguin */
    {"\xf0\x9f\xbf\xbf", 4, 0x1ffff, 0},          /* no character */
    {"\xf4\x8f\xbf\xbd", 4, 0x10fffd, 4},         /* the last */
    {"\xf4\x90\x80\x80", 0, 0, 0},                /* beyond */
    {"\xf5\x80\x80\x80", 0, 0, 0},                /* the same */
    {"\xf8\x88\x80\x80\x80", 0, 0, 0},            /* five bytes */
    {"\xff", 0, 0, 0}, {"\xf0\x9f\x90", 0, 0, 0}, /* cut off */
};

static void sequences_of_utf8(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
        const Sequence *sequence = &sequences[i];
        uint32_t code = 0;
        assert_int_equal(
            utf8_sequence(sequence->bytes, strlen(sequence->bytes), &code), sequence->size);
        assert_int_equal(code, sequence->code_point);
        assert_int_equal(utf8_sequence(sequence->bytes, UTF8_LONGEST, NULL), sequence->size);
        assert_int_equal(quote_shown(sequence->bytes), sequence->shown);
        if (sequence->size > 1)
            assert_int_equal(utf8_sequence(sequence->bytes, sequence->size - 1, NULL), 0);
    }
    assert_int_equal(utf8_sequence("", 0, NULL), 0);
}

static void quoted_strings(void **state) {
    (void)state;
    Arena *arena = arena_create();
    assert_string_equal(quote_copy(arena, ""), "");
    assert_string_equal(quote_copy(arena, "stage2.0 \"x\" \\"), "stage2.0 \"x\" \\");
    assert_string_equal(quote_copy(arena, "gr\xc3\xb6\xc3\x9f\x65"), "gr\xc3\xb6\xc3\x9f\x65");
    assert_string_equal(quote_copy(arena, "a\nb\x1b[31m\xff"), "a\\x0ab\\x1b[31m\\xff");
    assert_string_equal(quote_copy(arena, "\xe2\x80\xae"), "\\xe2\\x80\\xae");
    assert_string_equal(quote_copy(arena, "\xe2\x80"), "\\xe2\\x80");
    arena_destroy(arena);
}

static void cuts_behind_characters(void **state) {
    (void)state;
    assert_int_equal(quote_cut("abc", 3), 3);
    assert_int_equal(quote_cut("abcd", 3), 3);
    assert_int_equal(quote_cut("ab\xc3\xb6", 3), 2);
    assert_int_equal(quote_cut("ab\xc3\xb6", 4), 4);
    assert_int_equal(quote_cut("\xf0\x9f\x90\xa7", 3), 0);
    assert_int_equal(quote_cut("\x80\x80\x80\x80\x80\x80", 3), 3); /* there are none */
    assert_int_equal(quote_cut("abc", 0), 0);
}

static char *printed(const Diagnostics *diagnostics) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    diagnostics_print(diagnostics, stream);
    fclose(stream);
    return text;
}

static void expect_printed(const Diagnostics *diagnostics, const char *expected) {
    char *text = printed(diagnostics);
    assert_string_equal(text, expected);
    free(text);
}

/* A name cannot pretend to be another message. */
static void messages_stay_on_their_line(void **state) {
    (void)state;
    Diagnostics *diagnostics = diagnostics_create();
    diagnostics_error(diagnostics, "rename '\xff'", "layer '%s'", "a\nriffle: error: b\t\x7f");
    expect_printed(diagnostics,
        "riffle: error: layer 'a\\x0ariffle: error: b\\x09\\x7f'\nhint: rename '\\xff'\n");
    diagnostics_destroy(diagnostics);
}

static void append_error(void *text, const Diagnostic *diagnostic) {
    const char *hint = diagnostic->hint;
    text_format(text, "%s (%s) ", diagnostic->message, hint == NULL ? "none" : hint);
}

static void lines_of_other_programs(void **state) {
    (void)state;
    static const char said[] = "code.c:1: no\x1b[K\n\tint\n\n";
    Diagnostics *diagnostics = diagnostics_create();
    diagnostics_add_lines(diagnostics, said, sizeof said - 1); /* no message: nothing to say */
    diagnostics_error(diagnostics, "look", "'cc' failed:");
    diagnostics_add_lines(diagnostics, said, sizeof said - 1);
    diagnostics_error(diagnostics, NULL, "'ld' failed:");
    diagnostics_add_lines(diagnostics, "\n", 1);
    static const char expected[] = "riffle: error: 'cc' failed:\ncode.c:1: no\\x1b[K\n int\n"
                                   "hint: look\nriffle: error: 'ld' failed:\n";
    expect_printed(diagnostics, expected);
    Text errors = {0};
    diagnostics_visit(diagnostics, append_error, &errors);
    assert_string_equal(errors.data, "'cc' failed: (look) 'ld' failed: (none) ");
    text_free(&errors);
    diagnostics_destroy(diagnostics);
}

typedef struct Excerpt {
    const char *line;
    uint32_t begin, end;
    const char *shown;
} Excerpt;

static const Excerpt excerpts[] = {
    {"a bc d", 2, 4, "a bc d\n  ^~\n"},
    {"\ta bc", 3, 5, " a bc\n   ^~\n"},
    {"\xc3\xb6 bc", 3, 5, "\xc3\xb6 bc\n  ^~\n"},
    {"b\xc3\xb6\xc3\xb6 c", 0, 5, "b\xc3\xb6\xc3\xb6 c\n^~~\n"},
    {"\xff\x1b x", 3, 4, "\\xff\\x1b x\n         ^\n"},
    {"a\xff x", 1, 2, "a\\xff x\n ^~~~\n"},
    {"ab", 2, 2, "ab\n  ^\n"},
    {"ab", 0, 0, "ab\n^\n"},
    {"", 0, 0, "\n^\n"},
};

static void excerpts_of_lines(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof excerpts / sizeof excerpts[0]; i++) {
        const Excerpt *excerpt = &excerpts[i];
        SourceFile file = {"a\nb", excerpt->line, strlen(excerpt->line)};
        Diagnostics *diagnostics = diagnostics_create();
        SourceRange where = {&file, excerpt->begin, excerpt->end};
        diagnostics_report(diagnostics, SEVERITY_ERROR, where, NULL, "no");
        char *text = printed(diagnostics);
        char expected[200];
        snprintf(expected, sizeof expected, "a\\x0ab:1:%u: error: no\n%s", excerpt->begin + 1,
            excerpt->shown);
        assert_string_equal(text, expected);
        free(text);
        diagnostics_destroy(diagnostics);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_of_utf8),
        cmocka_unit_test(quoted_strings),
        cmocka_unit_test(cuts_behind_characters),
        cmocka_unit_test(messages_stay_on_their_line),
        cmocka_unit_test(lines_of_other_programs),
        cmocka_unit_test(excerpts_of_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
