/* Errors of the text form, and hostile texts. */
#include "ir_cmocka.h"

#include "ir_support.h"

#include <stdlib.h>
#include <string.h>

typedef struct Fault {
    const char *text;
    const char *expected; /* everything that is printed */
} Fault;

#define HEAD "graph g {\ninput %x : f32[1,4]\n"
#define TAIL "output y = %x\n}\n"

static const Fault faults[] = {
    {"", "test.rir:1:1: error: expected 'graph', but the text ends\n\n^\n"},
    {"network g {}", "test.rir:1:1: error: expected 'graph', but got 'network'\n"
                     "network g {}\n^~~~~~~\n"},
    {"graph 7 {}", "test.rir:1:7: error: expected the graph's name, but got '7'\n"
                   "graph 7 {}\n      ^\n"},
    {HEAD "}", "test.rir:3:1: error: the graph has no output\n}\n^\n"
               "hint: add a line such as: output logits = %3\n"},
    {HEAD TAIL "more", "test.rir:5:1: error: expected the end of the text, but got 'more'\n"
                       "more\n^~~~\n"},
    {HEAD "%1 = rleu %x : f32[1,4]\n" TAIL,
        "test.rir:3:6: error: unknown op 'rleu'\n%1 = rleu %x : f32[1,4]\n     ^~~~\n"
        "hint: did you mean 'relu'?\n"},
    {HEAD "%1 = relu %z : f32[1,4]\n" TAIL,
        "test.rir:3:11: error: %z is not defined\n%1 = relu %z : f32[1,4]\n          ^~\n"
        "hint: a value must be defined on a line before its use\n"},
    {HEAD "%1 = relu %x : f32[1,0]\n" TAIL,
        "test.rir:3:16: error: sizes must be positive, and elements at most 2^40\n"
        "%1 = relu %x : f32[1,0]\n               ^~~~~~~~\n"},
    {HEAD "%1 = relu %x : f32[1,1,1,1,1,1,4]\n" TAIL,
        "test.rir:3:32: error: a tensor has at most 6 dimensions\n"
        "%1 = relu %x : f32[1,1,1,1,1,1,4]\n                               ^\n"},
    {HEAD "%1 = relu %x : f64[1,4]\n" TAIL,
        "test.rir:3:16: error: expected a type such as f32[1,24,56,56], but got 'f64'\n"
        "%1 = relu %x : f64[1,4]\n               ^~~\n"},
    {HEAD "%1 = relu %x {size = 3} : f32[1,4]\n" TAIL,
        "test.rir:3:15: error: relu has no attribute 'size'\n"
        "%1 = relu %x {size = 3} : f32[1,4]\n              ^~~~\n"},
    {HEAD "%1 = shuffle %x {groups = 2, groups = 2} : f32[1,4]\n" TAIL,
        "test.rir:3:30: error: the attribute is given twice\n"
        "%1 = shuffle %x {groups = 2, groups = 2} : f32[1,4]\n"
        "                             ^~~~~~\n"},
    {HEAD "%1 = shuffle %x {groups = two} : f32[1,4]\n" TAIL,
        "test.rir:3:27: error: expected an integer, but got 'two'\n"
        "%1 = shuffle %x {groups = two} : f32[1,4]\n"
        "                          ^~~\n"},
    {HEAD "%1 = shuffle %x {groups = 2, form = papre} : f32[1,4]\n" TAIL,
        "test.rir:3:37: error: unknown word for 'form': 'papre'\n"
        "%1 = shuffle %x {groups = 2, form = papre} : f32[1,4]\n"
        "                                    ^~~~~\nhint: did you mean 'paper'?\n"},
    {HEAD "%1 = shuffle %x : f32[1,4]\n" TAIL,
        "test.rir:3:6: error: shuffle needs the attribute 'groups'\n%1 = shuffle %x : f32[1,4]\n"
        "     ^~~~~~~\nhint: number of groups\n"},
    {HEAD "%1 = gather %x {channels = [3..1]} : f32[1,4]\n" TAIL,
        "test.rir:3:32: error: the range ends before it begins\n"
        "%1 = gather %x {channels = [3..1]} : f32[1,4]\n                               ^\n"},
    {HEAD
        "%1 = gather %x {channels = [-9223372036854775808..9223372036854775807]} : f32[1,4]\n" TAIL,
        "test.rir:3:51: error: the range is too long\n"
        "%1 = gather %x {channels = [-9223372036854775808..9223372036854775807]} : f32[1,4]\n"
        "                                                  ^~~~~~~~~~~~~~~~~~~\n"},
    {HEAD "%1 = bias %x bias=@b : f32[1,4]\n" TAIL,
        "test.rir:3:19: error: the weight 'b' is not declared\n"
        "%1 = bias %x bias=@b : f32[1,4]\n                  ^~\n"
        "hint: declare it on a line before its use: weight @path : f32[...]\n"},
    {HEAD "weight @b : f32[4]\n%1 = bias %x bais=@b : f32[1,4]\n" TAIL,
        "test.rir:4:14: error: bias has no weight 'bais'\n"
        "%1 = bias %x bais=@b : f32[1,4]\n             ^~~~\nhint: did you mean 'bias'?\n"},
    {HEAD "weight @b : f32[4]\nweight @\"b\" : f32[4]\n" TAIL,
        "test.rir:4:8: error: the weight 'b' is declared twice\n"
        "weight @\"b\" : f32[4]\n       ^~~~\n"
        "test.rir:3:8: note: the first declaration is here\nweight @b : f32[4]\n       ^~\n"},
    {HEAD "%x = relu %x : f32[1,4]\n" TAIL,
        "test.rir:3:1: error: %x is defined twice\n%x = relu %x : f32[1,4]\n^~\n"
        "test.rir:2:7: note: the first definition is here\ninput %x : f32[1,4]\n      ^~\n"},
    {HEAD "%1, %2 = relu %x : f32[1,4], f32[1,4]\n" TAIL,
        "test.rir:3:1: error: relu gives 1 result, but 2 are named\n"
        "%1, %2 = relu %x : f32[1,4], f32[1,4]\n^~\n"},
    {HEAD "%1 = relu %x : f32[1,4] \"unended\n" TAIL,
        "test.rir:3:25: error: a string must end on its line\n"
        "%1 = relu %x : f32[1,4] \"unended\n                        ^~~~~~~~\n"
        "hint: escapes are \\\", \\\\ and \\x with two hex digits\n"},
    {HEAD "weight @\"a\\x00b\" : f32[4]\n" TAIL,
        "test.rir:3:8: error: unknown escape in a string\nweight @\"a\\x00b\" : f32[4]\n"
        "       ^~~~\nhint: escapes are \\\", \\\\ and \\x with two hex digits\n"},
    {HEAD "%1 = relu %x : f32[1,99999999999999999999]\n" TAIL,
        "test.rir:3:22: error: the integer is too large\n"
        "%1 = relu %x : f32[1,99999999999999999999]\n"
        "                     ^~~~~~~~~~~~~~~~~~~~\n"},
    {HEAD "%1 = local_response_norm %x {alpha = 1e999} : f32[1,4]\n" TAIL,
        "test.rir:3:38: error: the number is too large\n"
        "%1 = local_response_norm %x {alpha = 1e999} : f32[1,4]\n"
        "                                     ^~~~~\n"},
    {"graph g {\ninput %0 : f32[1,4]\noutput y = %0\n}\n",
        "test.rir:2:7: error: an input needs a name\ninput %0 : f32[1,4]\n      ^~\n"
        "hint: write it as %image, say, instead of a number\n"},
    {"graph g {\ninput %x : f32[1,4] pixels(rgb, scale = 1, mean = [0], std = [0], resize = "
     "0)\n" TAIL,
        "test.rir:2:7: error: input 'x' has preprocessing, but f32[1,4] is no image of at most 4 "
        "channels\ninput %x : f32[1,4] pixels(rgb, scale = 1, mean = [0], std = [0], resize = 0)\n"
        "      ^~\n"},
    {"graph g {\ninput %x : f32[1,3,4,4] pixels(rgb, scale = 1, mean = [0, 0, 0], std = [1, 1, 1], "
     "resize = 9, letterbox = centre)\n" TAIL,
        "test.rir:2:7: error: input 'x': there is no resize beside a letterbox\ninput %x : "
        "f32[1,3,4,4] pixels(rgb, scale = 1, mean = [0, 0, 0], std = [1, 1, 1], resize = 9, "
        "letterbox = centre)\n"
        "      ^~\n"},
    {"graph g {\ninput %x : f32[1,3,4,4] pixels(rgb, scale = 1, mean = [0, 0, 0], std = [1, 1, 1], "
     "resize = 0, fill = 256)\n" TAIL,
        "test.rir:2:7: error: input 'x': fill must be a pixel of 0 to 255\ninput %x : f32[1,3,4,4] "
        "pixels(rgb, scale = 1, mean = [0, 0, 0], std = [1, 1, 1], resize = 0, fill = 256)\n"
        "      ^~\n"},
    {"graph g {\ninput %x : f32[1,3,4,4] pixels(rgb, scale = 1, mean = [0, 0, 0], std = [1, 1, 1], "
     "resize = 0, letterbox = left)\n" TAIL,
        "test.rir:2:107: error: expected 'centre' or 'corner', but got 'left'\ninput %x : "
        "f32[1,3,4,4] pixels(rgb, scale = 1, mean = [0, 0, 0], std = [1, 1, 1], resize = 0, "
        "letterbox = left)\n"
        "                                                                                          "
        "                ^~~~\n"},
    {"graph g {\ninput %x : f32[1,3,4,4] pixels(rgb, scale = 1, mean = [0, 0, 0], std = [1, 1, 1], "
     "resize = 0, border = 1)\n" TAIL,
        "test.rir:2:95: error: expected 'letterbox' or 'fill', but got 'border'\ninput %x : "
        "f32[1,3,4,4] pixels(rgb, scale = 1, mean = [0, 0, 0], std = [1, 1, 1], resize = 0, border "
        "= 1)\n"
        "                                                                                          "
        "    ^~~~~~\n"},
    {HEAD TAIL "$", "test.rir:5:1: error: a character that has no meaning here\n$\n^\n"},
    /* A fault does not bring others with it: %1 and %2 stay quiet. */
    {HEAD "%1 = cnocat %x : f32[1,4]\n%2 = relu %1 : f32[1,4]\n%3 = relu %2 : f32[7,7]\n"
          "%4 = sigmod %x : f32[1,4]\n" TAIL,
        "test.rir:3:6: error: unknown op 'cnocat'\n%1 = cnocat %x : f32[1,4]\n     ^~~~~~\n"
        "hint: did you mean 'concat'?\n"
        "test.rir:6:6: error: unknown op 'sigmod'\n%4 = sigmod %x : f32[1,4]\n     ^~~~~~\n"
        "hint: did you mean 'sigmoid'?\n"},
};

static void faults_are_shown(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        Fixture fixture = fixture_parse(faults[i].text);
        assert_null(fixture.graph);
        char *printed = diagnostics_text(fixture.diagnostics);
        assert_string_equal(printed, faults[i].expected);
        free(printed);
        fixture_free(&fixture);
    }
}

static const char sound[] =
    "graph g {\n"
    "  input %x : f32[1,3,8,8] nhwc pixels(rgb, scale = 1.5, mean = [0, 1, 2], "
    "std = [1, 1, 1], resize = 9)\n"
    "  weight @\"w \\x41\" : f32[4,3,1,1]\n"
    "  %0 \"a b\" = conv %x weight=@\"w A\" {stride = [2, 2], activation = relu} : f32[1,4,4,4] "
    "\"p.q\"\n"
    "  %1, %2 = split %0 {sizes = [1, 3]} : f32[1,1,4,4], f32[1,3,4,4]\n"
    "  %3 = route %1, %2 {channels = [3, 0..2]} : f32[1,4,4,4]\n"
    "  output y = %3 nhwc\n"
    "}";

/* Every beginning of a sound text is refused with a place, and nothing else happens. */
static void truncated_texts_are_refused(void **state) {
    (void)state;
    size_t length = strlen(sound);
    Fixture whole = fixture_parse(sound);
    assert_non_null(whole.graph);
    fixture_free(&whole);
    for (size_t cut = 0; cut < length; cut++) {
        char *text = strndup(sound, cut);
        Fixture fixture = fixture_parse(text);
        assert_null(fixture.graph);
        char *printed = diagnostics_text(fixture.diagnostics);
        assert_int_equal(strncmp(printed, "test.rir:", 9), 0);
        free(printed);
        fixture_free(&fixture);
        free(text);
    }
}

/* A sound text with single bytes changed: must not crash, and what is accepted must print and
 * parse. */
static void changed_bytes_do_no_harm(void **state) {
    (void)state;
    static const char bytes[] = "\"%@{}[](),=:.-09aez #\n\t\\\x7f\xff";
    size_t length = strlen(sound);
    int accepted = 0;
    for (size_t at = 0; at < length; at++) {
        for (size_t b = 0; b < sizeof bytes - 1; b++) {
            char *text = strdup(sound);
            text[at] = bytes[b];
            Fixture fixture = fixture_parse(text);
            if (fixture.graph != NULL) {
                Text printed = {0};
                graph_print(fixture.graph, &printed);
                Fixture again = fixture_parse(printed.data);
                assert_non_null(again.graph);
                fixture_free(&again);
                text_free(&printed);
                accepted++;
            }
            fixture_free(&fixture);
            free(text);
        }
    }
    assert_true(accepted > 100);
}

static void expect_refused(Text *text) {
    Fixture fixture = fixture_parse(text->data);
    assert_null(fixture.graph);
    assert_true(diagnostics_error_count(fixture.diagnostics) > 0);
    free(diagnostics_text(fixture.diagnostics));
    fixture_free(&fixture);
    text_free(text);
}

static void repeat(Text *text, const char *part, int times) {
    for (int i = 0; i < times; i++)
        text_append(text, part);
}

static void hostile_texts_are_refused(void **state) {
    (void)state;
    static const char *const parts[] = {"{", "[", "(", "%1 = relu ", "\"", "f32[", "@", "0..", "-",
        "%x, ", "graph g {", "}\n", "input %y : f32[1,1]\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        Text alone = {0};
        repeat(&alone, parts[i], 200000);
        expect_refused(&alone);
        Text inside = {0};
        text_append(&inside, HEAD "%1 = relu %x ");
        repeat(&inside, parts[i], 200000);
        expect_refused(&inside);
    }
    Text ranges = {0}; /* short to write, long to hold */
    text_append(&ranges, HEAD "%1 = gather %x {channels = [0");
    repeat(&ranges, ",0..4000000", 10000);
    text_append(&ranges, "]} : f32[1,4]\n" TAIL);
    expect_refused(&ranges);
}

static void nul_bytes_are_refused(void **state) {
    (void)state;
    static const char text[] = HEAD "\0" TAIL;
    Arena *arena = arena_create();
    Diagnostics *diagnostics = diagnostics_create();
    SourceFile file = {"nul.rir", text, sizeof text - 1};
    assert_null(graph_parse(&file, arena, diagnostics));
    assert_int_equal(diagnostics_error_count(diagnostics), 1);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_shown),
        cmocka_unit_test(truncated_texts_are_refused),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(hostile_texts_are_refused),
        cmocka_unit_test(nul_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
