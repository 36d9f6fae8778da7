/* What expressions, statements and calls of ops mean, seen from the name of the library or the
 * graph. */
#include "frontend/evaluate.h"
#include "ir/formula.h"
#include "tests/unit/frontend_support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Evaluates the expression, after the statements, to the text that a string makes of it. */
static const char *value_of(Language *language, const char *before, const char *expression) {
    const char *text = arena_format(language->arena,
        "network n {\n input x: f32[2, 6, 9, 7]\n %s\n let result = %s\n"
        " fail \"<{result}>\"\n output o = x\n}\n"
        "unit twice(a, by = 2) { return a * by }\n"
        "unit both(a) { return a, a + 1 }\n",
        before, expression);
    Arena *arena = arena_create();
    Diagnostics *diagnostics = diagnostics_create();
    Language inner = {arena, diagnostics};
    Spec *spec = language_parse(&inner, text);
    assert_null(spec_elaborate(spec, NULL, 0, arena, diagnostics));
    const char *messages = arena_copy_string(language->arena, language_messages(&inner));
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    const char *begin = strstr(messages, "error: <");
    if (!begin) {
        fail_msg("%s: %s", expression, messages);
    }
    return arena_copy_bytes(language->arena, begin + 8, (size_t)(strstr(begin, ">\n") - begin) - 8);
}

static void expressions_have_values(void **state) {
    static const struct {
        const char *before, *expression, *value;
    } cases[] = {
        {"", "1 + 2 * 3", "7"},
        {"", "(1 + 2) * 3", "9"},
        {"", "7 - 2 - 1", "4"},
        {"", "-7 // 2", "-4"},
        {"", "-7 % 3", "2"},
        {"", "7 / 2", "3.5"},
        {"", "6 / 2", "3.0"},
        {"", "1 / 255", "0.00392156862745098"},
        {"", "2.5 // 1", "2.0"},
        {"", "7.5 % 2", "1.5"},
        {"", "1 == 1.0", "true"},
        {"", "1 != 2 and not (1 > 2)", "true"},
        {"", "false and 1 // 0 == 1", "false"},
        {"", "true or 1 // 0 == 1", "true"},
        /* more than a million items, since the lists share parts */
        {"let a = 0 .. 65000 let b = 0 .. 65000",
            "[a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a] == [b, b, b, b, b, b, b, b, b, b, b, "
            "b, "
            "b, b, b, b]",
            "true"},
        {"", "2 in [1, 2.0] and not (3 in {1: 2})", "true"},
        {"", "1 .. 4", "[1, 2, 3]"},
        {"", "4 .. 1", "[]"},
        {"", "[1, 2] + [\"a\"]", "[1, 2, \"a\"]"},
        {"", "(1, 2)", "[1, 2]"},
        {"", "{0.5: 1, \"b\": [2]}[\"b\"][0]", "2"},
        {"", "if 1 > 2 then 3 else 4", "4"},
        {"", "\"a{1 + 1}b{\"c{3}\"}\\{\"", "a2bc3{"},
        {"", "range(3)", "[0, 1, 2]"},
        {"", "range(7, 1, -3)", "[7, 4]"},
        {"", "enumerate([5, 6], from = 2)", "[[2, 5], [3, 6]]"},
        {"", "zip([1, 2], [3, 4])", "[[1, 3], [2, 4]]"},
        {"", "[min(3, 2.5), max([1, 7, 3]), sum([1, 2]), sum([0.5, 1]), abs(-3)]",
            "[2.5, 7, 3, 1.5, 3]"},
        {"", "[round(2.5), floor(-1.5), ceil(1.2), len([1]), len({1: 2})]", "[3, -2, 2, 1, 1]"},
        {"", "keys({0.5: 1, 2: 3})", "[0.5, 2]"},
        {"", "[channels(x), height(x), width(x), shape(x)]", "[6, 9, 7, [2, 6, 9, 7]]"},
        {"", "twice(4)", "8"},
        {"", "4 |> twice(by = 3)", "12"},
        {"", "4 |> twice |> twice", "16"},
        {"let f = twice", "5 |> f", "10"},
        {"let a, b = both(3)", "[b, a]", "[4, 3]"},
        {"let a, (b, _) = [1, [2, 3]]", "a + b", "3"},
        {"let s = 0 for i in 0 .. 5 { s = s + i }", "s", "10"},
        {"let s = 1 repeat 5 { s = s * 2 }", "s", "32"},
        {"let s = 1 if true { let s = 2 }", "s", "1"},
        {"let s = 1 if s == 2 { s = 3 } else if s == 1 { s = 4 } else { s = 5 }", "s", "4"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *value = value_of(*state, cases[i].before, cases[i].expression);
        if (strcmp(value, cases[i].value) != 0) {
            fail_msg("%s is %s, not %s", cases[i].expression, value, cases[i].value);
        }
    }
}

static Graph *elaborate(
    Language *language, const char *body, const Setting *settings, size_t count) {
    const char *text = arena_format(language->arena,
        "network net(width = 1.0, size = [8, 8], mode = \"plain\", deep = false)"
        " named \"net-{width}{mode}\" {\n"
        "    input x: f32[1, 4, size]\n%s\n}\n"
        "unit block(x, c) { return x |> conv(c, 1) @ a.0 |> batch_norm @ a.1 }\n",
        body);
    Spec *spec = language_parse(language, text);
    Graph *graph = spec_elaborate(spec, settings, count, language->arena, language->diagnostics);
    assert_no_errors(language);
    assert_non_null(graph);
    return graph;
}

static void settings_take_the_type_of_the_default(void **state) {
    const Setting settings[] = {
        {"width", "2"}, {"size", "[6, 5]"}, {"mode", "odd"}, {"deep", "1 > 0"}};
    Graph *graph = elaborate(*state, "output o = if deep then x else relu(x)", settings, 4);
    assert_string_equal(graph->name, "net_2_0odd");
    assert_int_equal(graph->inputs[0].value->type.dims[2], 6);
    assert_int_equal(graph->inputs[0].value->type.dims[3], 5);
    assert_null(graph->first);
}

static void paths_nest(void **state) {
    Graph *graph = elaborate(*state,
        "for i in 2 .. 4 @ stage{i} { x = x |> block(4) @ left x = block(x, 4) @ \"/right\" }\n"
        "scope @ head { x = (x |> conv(4, 1, bias = true) |> conv(4, 1)) @ \"two{1}\" }\n"
        "output o = x",
        NULL, 0);
    static const char *const paths[] = {"stage2.left.a.0.weight", "stage2.left.a.1.running_var",
        "stage2/right.a.0.weight", "stage3.left.a.1.bias", "head.two1.conv1.weight",
        "head.two1.conv1.bias", "head.two1.conv2.weight"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        if (!graph_find_weight(graph, paths[i])) {
            fail_msg("no weight %s", paths[i]);
        }
    }
}

static void assert_list(const Node *node, const char *name, const int64_t *wanted, size_t count) {
    IntegerList list = node_list(node, name);
    assert_int_equal(list.count, count);
    assert_memory_equal(list.items, wanted, count * sizeof(*wanted));
}

static void ops_have_friendly_defaults(void **state) {
    Graph *graph = elaborate(*state,
        "x = x |> conv(8, 3, stride = 2) |> conv(8, [3, 2], dilation = 2, padding = [2, 1])\n"
        "x = x |> depthwise(3, multiplier = 2, padding = [0, 1, 2, 3]) |> max_pool(2, stride = 1)\n"
        "let a, b = x |> split(2, interleaved = true)\n"
        "x = concat([b, a]) |> shuffle(4, form = megvii) |> conv(4, 1, activation = relu)\n"
        "output o = x |> dropout(0.2) |> identity |> global_avg_pool |> linear(3, bias = false)",
        NULL, 0);
    const Node *node = graph->first;
    assert_list(node, "padding", (const int64_t[]){1, 1, 1, 1}, 4);
    assert_list(node, "stride", (const int64_t[]){2, 2}, 2);
    assert_null(node->weights[1]);
    node = node->next;
    assert_list(node, "padding", (const int64_t[]){2, 1, 2, 1}, 4);
    assert_list(node, "dilation", (const int64_t[]){2, 2}, 2);
    node = node->next;
    assert_list(node, "padding", (const int64_t[]){0, 1, 2, 3}, 4);
    assert_int_equal(node_integer(node, "groups"), 8);
    assert_int_equal(node->weights[0]->type.dims[0], 16);
    node = node->next;
    assert_int_equal(node->op, OP_max_pool);
    assert_list(node, "padding", (const int64_t[]){0, 0, 0, 0}, 4);
    node = node->next;
    assert_list(node, "sizes", (const int64_t[]){8, 8}, 2);
    assert_true(node_flag(node, "interleaved"));
    node = node->next;
    assert_int_equal(node->op, OP_concat);
    node = node->next;
    assert_int_equal(node_integer(node, "form"), SHUFFLE_MEGVII);
    node = node->next;
    assert_int_equal(formula_element(node_formula_attribute(node, "activation")), OP_relu);
    node = node->next->next;
    assert_int_equal(node->op, OP_linear);
    assert_null(node->weights[1]);
    assert_null(node->next);
}

static void inputs_say_how_pixels_become_numbers(void **state) {
    Graph *graph = elaborate(*state,
        "input image: f32[1, 3, 8, 8] nhwc = pixels(bgr, scale = 1 / 255, mean = [1, 2, 3], std = "
        "2,"
        " resize = 9)\n"
        "output map nhwc = image |> conv(4, 1) |> add(x)\noutput plain = image",
        NULL, 0);
    const GraphInput *input = &graph->inputs[1];
    assert_int_equal(graph->input_count, 2);
    assert_int_equal(graph->inputs[0].layout, LAYOUT_NCHW);
    assert_false(graph->inputs[0].has_preprocessing);
    assert_string_equal(input->value->name, "image");
    assert_int_equal(input->layout, LAYOUT_NHWC);
    assert_true(input->has_preprocessing && input->preprocessing.order == PIXELS_BGR);
    assert_true(input->preprocessing.scale == 1.0 / 255 && input->preprocessing.mean[2] == 3);
    assert_true(input->preprocessing.std[0] == 2 && input->preprocessing.resize == 9);
    assert_int_equal(graph->output_count, 2);
    assert_int_equal(graph->outputs[0].layout, LAYOUT_NHWC);
}

static void shared_weights_are_one(void **state) {
    Graph *graph = elaborate(
        *state, "x = x |> conv(4, 3) @ a |> conv(4, 3, shared = true) @ a\noutput o = x", NULL, 0);
    assert_ptr_equal(graph->first->weights[0], graph->first->next->weights[0]);
    assert_int_equal(graph_parameters(graph), 2 * 144); /* counted where it is used */
}

/* An op that is added to ops.def is added to the language. */
static void every_op_is_a_function(void **state) {
    (void)state;
    for (OpKind op = 0; op < OP_COUNT; op++) {
        bool found = op_is_quantized(op) || op == OP_pixels; /* inputs of bytes make it */
        for (const char *const *name = operation_names(); *name; name++) {
            found = found || strcmp(*name, op_info(op)->name) == 0;
        }
        if (!found) {
            fail_msg("the language has no function '%s'", op_info(op)->name);
        }
    }
}

static const char *write_file(
    Language *language, const char *folder, const char *name, const char *contents) {
    Text text = {0};
    const char *path = arena_format(language->arena, "%s/%s", folder, name);
    text_append(&text, contents);
    assert_int_equal(text_write_file(&text, path), 0);
    text_free(&text);
    return path;
}

/* Paths are seen from the importing file; circles and files imported twice are fine; the network of
 * an imported file is not used. */
static void imported_units_are_known(void **state) {
    Language *language = *state;
    char folder[] = "/tmp/riffle-import-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *inner_folder = arena_format(language->arena, "%s/inner", folder);
    assert_int_equal(mkdir(inner_folder, 0700), 0);
    const char *main_path = write_file(language, folder, "main.rfl",
        "import \"inner/a.rfl\"\nimport \"inner/b.rfl\"\n"
        "network n { input x: f32[1, 4, 8, 8] output o = x |> a |> b }");
    const char *a_path = write_file(language, folder, "inner/a.rfl",
        "import \"b.rfl\" import \"../main.rfl\" unit a(x) { return x |> b |> relu } network m { "
        "}");
    const char *b_path = write_file(
        language, folder, "inner/b.rfl", "import \"a.rfl\" unit b(x) { return sigmoid(x) }");
    Spec *spec = spec_read(main_path, language->arena, language->diagnostics);
    assert_no_errors(language);
    Graph *graph = spec_elaborate(spec, NULL, 0, language->arena, language->diagnostics);
    assert_no_errors(language);
    assert_int_equal(graph->first->op, OP_sigmoid);
    assert_int_equal(graph->first->next->op, OP_relu);
    assert_int_equal(graph->last->op, OP_sigmoid);
    unlink(main_path);
    unlink(a_path);
    unlink(b_path);
    rmdir(inner_folder);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            expressions_have_values, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(
            settings_take_the_type_of_the_default, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(paths_nest, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(
            ops_have_friendly_defaults, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(
            inputs_say_how_pixels_become_numbers, language_set_up, language_tear_down),
        cmocka_unit_test(every_op_is_a_function),
        cmocka_unit_test_setup_teardown(
            imported_units_are_known, language_set_up, language_tear_down),
        cmocka_unit_test_setup_teardown(
            shared_weights_are_one, language_set_up, language_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
