/* print(parse(print(g))) == print(g), for a graph that has every op of the table. */
#include "ir_cmocka.h"

#include "ir_support.h"

#include <stdlib.h>
#include <string.h>

static const char every_op[] =
    "graph every_op {\n"
    "  input %image : f32[2,3,16,16] nhwc pixels(bgr, scale = 0.00392156862745098, "
    "mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225], resize = 256)\n"
    "  input %extra : f32[2,8]\n"
    "  input %photo : u8[4,4,1,1] nhwc pixels(rgba, scale = 1.0, mean = [0.0, 0.0, 0.0, 0.0], "
    "std = [1.0, 1.0, 1.0, 1.0], resize = 0)\n"
    "  weight @stem.conv.weight : f32[8,3,3,3]\n"
    "  weight @\"stem bias: \\\"b\\\" \\x0a\\\\\" : f32[8]\n"
    "  weight @fire2/norm-1.weight : f32[8]\n"
    "  weight @never.used : f32[1,2,3,4]\n"
    "  weight @fc.weight : f32[5,8]\n"
    "  weight @q.weight : f32[2,8,2,1]\n"
    "  weight @q.scale : f32[2]\n"
    "  weight @q.five : f32[5]\n"
    "  weight @three : f32[3]\n"
    "  weight @halves : bf16[5,8]\n"
    "  weight @transposed : f32[8,3,2,2]\n"
    "  %3 = conv %image weight=@stem.conv.weight bias=@\"stem bias: \\\"b\\\" \\x0a\\\\\" "
    "{stride = [2, 2], padding = [1, 1, 1, 1], activation = relu} : f32[2,8,8,8] \"stem.conv\"\n"
    "  %norm = batch_norm %3 weight=@fire2/norm-1.weight bias=@fire2/norm-1.weight "
    "running_mean=@fire2/norm-1.weight running_var=@fire2/norm-1.weight {epsilon = 0.001} : "
    "f32[2,8,8,8]\n"
    "  %5 = bias %norm bias=@fire2/norm-1.weight : f32[2,8,8,8]\n"
    "  %6 = relu %5 : f32[2,8,8,8]\n"
    "  %7 = relu6 %6 : f32[2,8,8,8] \"odd \\\"path\\\"\"\n"
    "  %8 = sigmoid %7 : f32[2,8,8,8]\n"
    "  %9 = hard_sigmoid %8 : f32[2,8,8,8]\n"
    "  %10 = hard_swish %9 : f32[2,8,8,8]\n"
    "  %11 = add %10, %9 : f32[2,8,8,8]\n"
    "  %12 \"part\", %13 \"part\" = split %11 {sizes = [4, 4], interleaved = true} : f32[2,4,8,8], "
    "f32[2,4,8,8]\n"
    "  %14 \"not a name\" = concat %12, %13, %12 : f32[2,12,8,8]\n"
    "  %15 = shuffle %14 {groups = 3, form = megvii} : f32[2,12,8,8]\n"
    "  %16 = gather %15 {channels = [0..5, 7, 6, 9, 10]} : f32[2,10,8,8]\n"
    "  %17 = route %16, %15 {channels = [21, 0..6]} : f32[2,8,8,8]\n"
    "  %18 = max_pool %17 {kernel = [3, 3], stride = [2, 2], ceil = true} : f32[2,8,4,4]\n"
    "  %19 = avg_pool %18 {kernel = [2, 2], padding = [1, 1, 0, 0], count_padding = false} : "
    "f32[2,8,4,4]\n"
    "  %20 = local_response_norm %19 {size = 3, alpha = 1.0, beta = 0.5} : f32[2,8,4,4]\n"
    "  %21 = global_avg_pool %20 : f32[2,8,1,1]\n"
    "  %22 = multiply %20, %21 {activation = hard_swish} : f32[2,8,4,4]\n"
    "  %23 = flatten %21 : f32[2,8]\n"
    "  %24 = add %23, %extra : f32[2,8]\n"
    "  %25 = linear %24 weight=@fc.weight : f32[2,5] \"fc\"\n"
    "  %26 = softmax %25 : f32[2,5]\n"
    "  %column = unflatten %23 : f32[2,8,1,1]\n"
    "  %padded = pad %22 {padding = [0, 2, 2, 0], value = 0.5} : f32[2,8,6,6]\n"
    "  %cut = crop %padded {margins = [5, 1, 0, 0]} : f32[2,8,1,5]\n"
    "  %rows = rearrange %cut {factors = [2, 8, 1, 5], order = [0, 3, -2, 2, 1], dims = [2, 10, "
    "1, 8]} : f32[2,10,1,8]\n"
    "  %some = slice %rows {begin = [0, 1, 0, 7], step = [1, 3, 1, 1], dims = [2, 3, 1, 1]} : "
    "f32[2,3,1,1]\n"
    "  %joined = join %some, %some {axis = 0} : f32[4,3,1,1]\n"
    "  %small = quantize %joined factor=@three zero=@three : u8[4,3,1,1]\n"
    "  %numbers = pixels %photo {scale = 0.5, mean_1 = 2.0, std_2 = 4.0, channels = 3} : "
    "f32[4,3,1,1]\n"
    "  %range = range %extra low=@fire2/norm-1.weight high=@fire2/norm-1.weight : f32[2,8]\n"
    "  %bytes = quantize %20 factor=@fire2/norm-1.weight zero=@fire2/norm-1.weight "
    "{padding = [1, 0, 0, 0]} : u8[2,8,5,4]\n"
    "  %narrow = quantized_conv %bytes weight=@q.weight zero=@fire2/norm-1.weight "
    "factor=@q.scale offset=@q.scale {stride = [2, 2]} : u8[2,2,2,2]\n"
    "  %wide = quantized_conv %bytes weight=@q.weight zero=@fire2/norm-1.weight "
    "factor=@q.scale offset=@q.scale {activation = relu, result = f32} : f32[2,2,4,4]\n"
    "  %pixel = quantize %range factor=@fire2/norm-1.weight zero=@fire2/norm-1.weight : u8[2,8]\n"
    "  %digits = quantized_linear %pixel weight=@fc.weight zero=@fire2/norm-1.weight "
    "factor=@q.five offset=@q.five {result = f32} : f32[2,5]\n"
    "  %halved = linear %24 weight=@halves {activation = relu, result = bf16} : bf16[2,5]\n"
    "  %mixed = concat %halved, %halved : bf16[2,10]\n"
    "  %slope = leaky_relu %24 : f32[2,8]\n"
    "  %cut_off = clip %slope {least = -1.5, most = 2.0} : f32[2,8]\n"
    "  %v32 = tanh %cut_off : f32[2,8]\n"
    "  %v33 = exp %v32 : f32[2,8]\n"
    "  %v34 = sqrt %v33 : f32[2,8]\n"
    "  %v35 = abs %v34 : f32[2,8]\n"
    "  %v36 = negate %v35 : f32[2,8]\n"
    "  %v37 = floor %v36 : f32[2,8]\n"
    "  %v38 = subtract %v36, %v37 : f32[2,8]\n"
    "  %v39 = divide %v38, %v37 : f32[2,8]\n"
    "  %v40 = maximum %v39, %v38 : f32[2,8]\n"
    "  %v41 = minimum %v40, %v38 : f32[2,8]\n"
    "  %v42 = map %v41, %v40 {formula = \"leaky_relu(x, 0.1) - (y - 1) / -x\"} : f32[2,8]\n"
    "  %v43 = map %v42 {formula = leaky_relu(0.1)} : f32[2,8]\n"
    "  %v44 = linear %v43 weight=@fc.weight {activation = \"1 - tanh(x)\"} : f32[2,5]\n"
    "  %w1 = elu %v44 : f32[2,5]\n"
    "  %w2 = selu %w1 {gamma = 2.0} : f32[2,5]\n"
    "  %w3 = celu %w2 {alpha = 0.5} : f32[2,5]\n"
    "  %w4 = silu %w3 : f32[2,5]\n"
    "  %w5 = mish %w4 : f32[2,5]\n"
    "  %w6 = gelu_tanh %w5 : f32[2,5]\n"
    "  %w7 = softsign %w6 : f32[2,5]\n"
    "  %w8 = reciprocal %w7 : f32[2,5]\n"
    "  %w9 = ceil %w8 : f32[2,5]\n"
    "  %likely = log_softmax %w9 : f32[2,5]\n"
    "  %largest = reduce %padded {kind = max, axes = [2, 0]} : f32[1,8,1,6]\n"
    "  %mean = reduce %largest {axes = [1]} : f32[1,1,1,6]\n"
    "  %first = arg_max %likely {axis = 1} : f32[2,1]\n"
    "  %at = arg_max %padded {axis = 3, least = true, last = true} : f32[2,8,6,1]\n"
    "  %up = resize %cut {size = [3, 7], mode = nearest, coordinates = align_corners, rounding = "
    "ceil, column_scale = 1.5} : f32[2,8,3,7]\n"
    "  %taken = take %up {rows = [2, 0..2], columns = [6, 0]} : f32[2,8,4,2]\n"
    "  %wider = conv_transpose %taken weight=@transposed {stride = [2, 3], padding = [0, 1, 0, 0], "
    "output_padding = [1, 0], groups = 2, activation = relu} : f32[2,6,9,4]\n"
    "  %fixed = constant value=@never.used {dims = [1..4]} : f32[1,2,3,4] \"priors\"\n"
    "  %x1 = gelu %fixed : f32[1,2,3,4]\n"
    "  %x2 = thresholded_relu %x1 {alpha = 2.0} : f32[1,2,3,4]\n"
    "  %x3 = prelu %x2, %fixed : f32[1,2,3,4]\n"
    "  %x4 = power %x3, %x2 : f32[1,2,3,4]\n"
    "  %x5 = round %x4 : f32[1,2,3,4]\n"
    "  %x6 = sign %x5 : f32[1,2,3,4]\n"
    "  %x7 = log %x6 : f32[1,2,3,4]\n"
    "  %x8 = erf %x7 : f32[1,2,3,4]\n"
    "  %x9 = softplus %x8 : f32[1,2,3,4]\n"
    "  %xa = fake_quantize %x9 {step = 0.5, least = -3.0, most = 2.0} : f32[1,2,3,4]\n"
    "  output probabilities = %26\n"
    "  output map = %cut nhwc\n"
    "}\n";

static char *printed(const Graph *graph) {
    Text text = {0};
    graph_print(graph, &text);
    return text.data;
}

static void expect_prints_as(const Graph *graph, const char *expected) {
    char *text = printed(graph);
    assert_string_equal(text, expected);
    free(text);
}

static Fixture parse_soundly(const char *text) {
    Fixture fixture = fixture_parse(text);
    if (fixture.graph == NULL)
        diagnostics_print(fixture.diagnostics, stderr);
    assert_non_null(fixture.graph);
    return fixture;
}

/* Each way to lay a picture out. */
static const char pictures[] =
    "graph pictures {\n"
    "  input %boxed : f32[2,3,16,16] pixels(rgb, scale = 1.0, mean = [0.0, 0.0, 0.0], "
    "std = [1.0, 1.0, 1.0], resize = 0, letterbox = centre, fill = 114)\n"
    "  input %cornered : f32[2,3,16,16] pixels(rgb, scale = 1.0, mean = [0.0, 0.0, 0.0], "
    "std = [1.0, 1.0, 1.0], resize = 0, letterbox = corner)\n"
    "  input %filled : f32[2,3,16,16] pixels(rgb, scale = 1.0, mean = [0.0, 0.0, 0.0], "
    "std = [1.0, 1.0, 1.0], resize = 8, fill = 1)\n"
    "  output out = %boxed\n"
    "}\n";

static void pictures_print_as_written(void **state) {
    (void)state;
    Fixture fixture = parse_soundly(pictures);
    expect_prints_as(fixture.graph, pictures);
    fixture_free(&fixture);
}

static void every_op_round_trips(void **state) {
    (void)state;
    Fixture fixture = parse_soundly(every_op);
    char *once = printed(fixture.graph);
    Fixture again = parse_soundly(once);
    expect_prints_as(again.graph, once);
    assert_string_equal(once, every_op); /* which is the canonical form */
    free(once);
    fixture_free(&again);
    fixture_free(&fixture);
}

/* Fails when an op is added to ops.def and not to the text above. */
static void every_op_is_in_the_text(void **state) {
    (void)state;
    Fixture fixture = parse_soundly(every_op);
    bool seen[OP_COUNT] = {false};
    for (const Node *node = fixture.graph->first; node != NULL; node = node->next)
        seen[node->op] = true;
    for (int op = 0; op < OP_COUNT; op++) {
        if (!seen[op])
            fail_msg("op '%s' is not in the round-trip test", op_info((OpKind)op)->name);
    }
    fixture_free(&fixture);
}

static void copy_prints_alike(void **state) {
    (void)state;
    Fixture fixture = parse_soundly(every_op);
    char *text = printed(fixture.graph);
    Arena *arena = arena_create();
    Graph *copy = graph_copy(fixture.graph, arena);
    fixture_free(&fixture); /* the copy must not lean on the original, but for weight data */
    expect_prints_as(copy, text);
    Diagnostics *diagnostics = diagnostics_create();
    assert_true(graph_verify(copy, diagnostics));
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    free(text);
}

static void runs_and_defaults_are_short(void **state) {
    (void)state;
    Fixture fixture = parse_soundly(
        "graph g { # a comment\n"
        "input %x : f32[1,6,4,4] nchw\n"
        "weight @w : f32[6,6,1,1]\n"
        "%a = conv %x weight=@w {groups = 1, activation = none, stride = [1, 1]} : f32[1,6,4,4]\n"
        "%9 = gather %a {channels = [0, 1, 2, 5, 4..4, 5]} : f32[1,6,4,4] \"b\"\n"
        "output y = %9 }\n");
    expect_prints_as(fixture.graph, "graph g {\n"
                                    "  input %x : f32[1,6,4,4]\n"
                                    "  weight @w : f32[6,6,1,1]\n"
                                    "  %a = conv %x weight=@w : f32[1,6,4,4]\n"
                                    "  %2 = gather %a {channels = [0..2, 5, 4, 5]} : f32[1,6,4,4] "
                                    "\"b\"\n"
                                    "  output y = %2\n"
                                    "}\n");
    fixture_free(&fixture);
}

static void reference_names_every_op(void **state) {
    (void)state;
    Text text = {0};
    op_reference_print(&text);
    for (int op = 0; op < OP_COUNT; op++) {
        char heading[64];
        snprintf(heading, sizeof heading, "\n## %s\n", op_info((OpKind)op)->name);
        assert_non_null(strstr(text.data, heading));
    }
    assert_non_null(strstr(text.data, "| `activation` | formula | `none` |"));
    text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_round_trips),
        cmocka_unit_test(pictures_print_as_written),
        cmocka_unit_test(every_op_is_in_the_text),
        cmocka_unit_test(copy_prints_alike),
        cmocka_unit_test(runs_and_defaults_are_short),
        cmocka_unit_test(reference_names_every_op),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
