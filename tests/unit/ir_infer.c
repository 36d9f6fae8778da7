/* Shape rules: what they give, what they refuse and how they say it; the papers' counts. */
#include "ir_cmocka.h"

#include "ir_support.h"

#include <stdlib.h>
#include <string.h>

/* Statements with one node whose type is left as "?", and the type or the error that must come. */
typedef struct Rule {
    const char *statements;
    const char *expected;
} Rule;

#define IMAGE "input %x : f32[1,4,7,9]\nweight @w : f32[6,4,3,3]\nweight @d : f32[4,1,3,3]\n"

static const Rule shapes[] = {
    {IMAGE "%y = conv %x weight=@w", "f32[1,6,5,7]"},
    {IMAGE "%y = conv %x weight=@w {stride = [2, 3], padding = [1, 0, 0, 2]}", "f32[1,6,3,3]"},
    {IMAGE "%y = conv %x weight=@w {dilation = [3, 4]}", "f32[1,6,1,1]"},
    {IMAGE "%y = conv %x weight=@d {groups = 4, padding = [1, 1, 1, 1]}", "f32[1,4,7,9]"},
    {IMAGE "%y = max_pool %x {kernel = [3, 3], stride = [2, 2]}", "f32[1,4,3,4]"},
    {IMAGE "%y = max_pool %x {kernel = [2, 2], stride = [2, 2], ceil = true}", "f32[1,4,4,5]"},
    /* (7 + 2 - 2 + 2) / 3 + 1 = 4, and 3 * 3 = 9 >= 7 + 1: the fourth window starts too late */
    {IMAGE
        "%y = max_pool %x {kernel = [2, 2], stride = [3, 3], padding = [1, 1, 1, 1], ceil = true}",
        "f32[1,4,3,4]"},
    {IMAGE "%y = avg_pool %x {kernel = [8, 9], stride = [2, 1], ceil = true}", "f32[1,4,1,1]"},
    {IMAGE "%y = pad %x {padding = [1, 0, 2, 5]}", "f32[1,4,10,14]"},
    {IMAGE "%y = crop %x {margins = [3, 0, 3, 5]}", "f32[1,4,1,4]"},
    {IMAGE "%y = flatten %x", "f32[1,252]"},
    {IMAGE "%y = rearrange %x {factors = [1, 4, 7, 9], order = [0, 2, 3, 1], dims = [1, 63, 4]}",
        "f32[1,63,4]"},
    {IMAGE "%y = rearrange %x {factors = [2, 2, 7, 9], order = [0, -3, 1, 2, 3], dims = [2, 3, 2, "
           "1, 7, 9]}",
        "f32[2,3,2,1,7,9]"},
    {"input %x : f32[3,8]\n%y = slice %x {begin = [1, 2], step = [1, 5], dims = [2, 2]}",
        "f32[2,2]"},
    {IMAGE "%y = join %x, %x {axis = 3}", "f32[1,4,7,18]"},
    {IMAGE "%y = reduce %x {kind = l2, axes = [3, 1]}", "f32[1,1,7,1]"},
    {IMAGE "%y = reduce %x {axes = [0, 1, 2, 3]}", "f32[1,1,1,1]"},
    {"input %x : f32[3,8]\n%y = arg_max %x {axis = 0}", "f32[1,8]"},
    {"input %x : f32[3,8]\n%y = unflatten %x", "f32[3,8,1,1]"},
    {IMAGE "%y = concat %x, %x, %x", "f32[1,12,7,9]"},
    {"input %x : f32[3,8,1,1]\nweight @w : f32[5,8]\n%y = linear %x weight=@w", "f32[3,5]"},
};

static const Rule faults[] = {
    {IMAGE "%y = reduce %x {axes = []}", "reduce: axes names no dimension"},
    {IMAGE "%y = reduce %x {axes = [1, 4]}",
        "reduce: 4 is no dimension of the operand f32[1,4,7,9], which are 0 to 3"},
    {IMAGE "%y = reduce %x {axes = [1, 2, 1]}", "reduce: axes has the dimension 1 twice"},
    {"input %x : f32[3,8]\n%y = arg_max %x {axis = 2}",
        "arg_max: 2 is no dimension of the operand f32[3,8], which are 0 to 1"},
    {"input %x : f32[1,16777217]\n%y = arg_max %x {axis = 1}",
        "arg_max: dimension 1 of the operand f32[1,16777217] has more than 2^24 indices, and a "
        "float cannot tell them apart"},
    {IMAGE "%y = rearrange %x {factors = [4, 7, 8], order = [0, 1, 2], dims = [224]}",
        "rearrange: factors do not multiply up to the dimensions of the operand f32[1,4,7,9]"},
    {IMAGE "%y = rearrange %x {factors = [14, 2, 9], order = [0, 1, 2], dims = [252]}",
        "rearrange: factors do not multiply up to the dimensions of the operand f32[1,4,7,9]"},
    {IMAGE "%y = rearrange %x {factors = [4, 7, 9], order = [2, 0, 1], dims = [7, 37]}",
        "rearrange: the factors in their order do not multiply up to the dimensions of f32[7,37]"},
    {IMAGE "%y = rearrange %x {factors = [4, 7, 9], order = [2, 0, 0], dims = [252]}",
        "rearrange: order[2] is 0: it must be one of the 3 factors, each once, or the negative of "
        "a number of times"},
    {IMAGE "%y = rearrange %x {factors = [4, 7, 9], order = [2, 0, -1], dims = [36]}",
        "rearrange: order leaves out some of the 3 factors"},
    {IMAGE "%y = rearrange %x {factors = [4, 7, 9], order = [2], dims = [36]}",
        "rearrange: factors must have from 1 to 24 entries, and order as many or more, up to 24"},
    {IMAGE "%y = slice %x {begin = [0, 0, 2, 0], step = [1, 1, 3, 1], dims = [1, 4, 3, 9]}",
        "slice: 3 indices from 2 on in steps of 3 go beyond dimension 2 of the operand "
        "f32[1,4,7,9]"},
    {IMAGE "%y = slice %x {begin = [0, 0], step = [1, 1], dims = [1, 4]}",
        "slice: begin has 2 entries, but the operand f32[1,4,7,9] has 4 dimensions"},
    {IMAGE "%y = join %x, %x {axis = 4}", "join: axis is 4, but the operand f32[1,4,7,9] has 4 "
                                          "dimensions"},
    {IMAGE "%z = pad %x {padding = [1, 0, 0, 0]} : f32[1,4,8,9]\n%y = join %x, %z {axis = 3}",
        "join: operand 2 is f32[1,4,8,9], but the first is f32[1,4,7,9]; only dimension 3 may "
        "differ"},
    {IMAGE "%z = rearrange %x {factors = [4, 7, 9], order = [0, 1, 2], dims = [252]} : "
           "f32[252]\n%y = relu %z",
        "relu: operand 1 is f32[252]; values are [n,c,h,w] or [n,c]"},
    {IMAGE "%y = conv %x", "conv: the weight 'weight' is missing"},
    {IMAGE "%y = conv %x, %x, %x weight=@w", "conv: takes at most 2 operands, but got 3"},
    {IMAGE "%y = relu", "relu: takes 1 operand, but got 0"},
    {IMAGE "%y = conv %x weight=@w {groups = 3}",
        "conv: groups = 3 does not divide the 4 channels of the operand f32[1,4,7,9]"},
    {IMAGE "%y = conv %x weight=@w {groups = 0}",
        "conv: groups = 0 does not divide the 4 channels of the operand f32[1,4,7,9]"},
    {IMAGE "%y = conv %x weight=@w {groups = 2}",
        "conv: weight 'w' is f32[6,4,3,3], but the operand f32[1,4,7,9] with groups = 2 needs 2 "
        "input channels"},
    {"input %x : f32[1,4,7,9]\nweight @w : f32[5,2,1,1]\n%y = conv %x weight=@w {groups = 2}",
        "conv: groups = 2 does not divide the 5 filters of the weight f32[5,2,1,1]"},
    {IMAGE "%y = conv %x weight=@w bias=@d",
        "conv: bias 'd' is f32[4,1,3,3], but the weight f32[6,4,3,3] needs f32[6]"},
    {IMAGE "%y = conv %x weight=@w {stride = [0, 1]}",
        "conv: stride must be from 1 to 1048576, but is 0"},
    {IMAGE "%y = conv %x weight=@w {padding = [0, 0, 0, -1]}",
        "conv: padding must be from 0 to 1048576, but is -1"},
    {IMAGE "%y = conv %x weight=@w {padding = [0, 0]}",
        "conv: padding must have 4 entries, but has 2"},
    {IMAGE "%y = conv %x weight=@w {dilation = [9223372036854775807, 1]}",
        "conv: dilation must be from 1 to 1048576, but is 9223372036854775807"},
    {IMAGE "%y = conv %x weight=@w {dilation = [4, 1]}",
        "conv: the window of 9 rows is larger than the operand f32[1,4,7,9] with padding 0 and 0"},
    {IMAGE "%y = conv %x, %x weight=@w",
        "conv: the residual is f32[1,4,7,9], but the result is f32[1,6,5,7]"},
    {IMAGE "%y = conv %x weight=@w {residual_activation = relu}",
        "conv: residual_activation needs a second operand"},
    {IMAGE "weight @f : f32[4]\nweight @g : f32[6]\n"
           "%b = quantize %x factor=@f zero=@f : u8[1,4,7,9]\n"
           "%y = quantized_conv %b, %x weight=@w zero=@f factor=@g offset=@g {result = f32}",
        "quantized_conv: the residual is f32[1,4,7,9], but the result is f32[1,6,5,7]"},
    {IMAGE "weight @f : f32[4]\nweight @g : f32[6]\n"
           "%b = quantize %x factor=@f zero=@f : u8[1,4,7,9]\n"
           "%y = quantized_conv %b, %b weight=@w zero=@f factor=@g offset=@g {result = f32}",
        "quantized_conv: operand 2 is u8[1,4,7,9], but must be of f32"},
    {IMAGE "%y = conv %x weight=@w {padding = [1048576, 1048576, 1048576, 1048576]}",
        "conv: the result f32[1,6,2097157,2097159] has more than 2^40 elements"},
    {IMAGE "%y = max_pool %x {kernel = [2, 2], padding = [0, 2, 0, 0]}",
        "max_pool: padding 2 is not smaller than the kernel 2: a window would see only padding"},
    {IMAGE "%y = max_pool %x {kernel = [8, 2]}",
        "max_pool: the window of 8 rows is larger than the operand f32[1,4,7,9] with padding 0 and "
        "0"},
    {IMAGE "%y = pad %x {padding = [0, 1]}", "pad: padding must have 4 entries, but has 2"},
    {IMAGE "%y = pad %x {padding = [0, -1, 0, 0]}",
        "pad: padding must be from 0 to 1048576, but is -1"},
    {IMAGE "%y = pad %x {padding = [9223372036854775807, 0, 1, 0]}",
        "pad: padding must be from 0 to 1048576, but is 9223372036854775807"},
    {IMAGE "%y = pad %x {padding = [1048576, 1048576, 1048576, 1048576]}",
        "pad: the result f32[1,4,2097159,2097161] has more than 2^40 elements"},
    {"input %x : f32[1,4]\n%y = pad %x {padding = [0, 0, 0, 0]}",
        "pad: the operand must be [n,c,h,w], but is f32[1,4]"},
    {IMAGE "%y = crop %x {margins = [0, 4, 0, 5]}",
        "crop: margins 4 and 5 leave no column of the operand f32[1,4,7,9]"},
    {IMAGE "%y = crop %x {margins = [1048576, 0, 1048576, 0]}",
        "crop: margins 1048576 and 1048576 leave no row of the operand f32[1,4,7,9]"},
    {IMAGE "%y = crop %x {margins = [0, 0, -1, 0]}",
        "crop: margins must be from 0 to 1048576, but is -1"},
    {IMAGE "%y = bias %x bias=@w",
        "bias: bias 'w' is f32[6,4,3,3], but the operand f32[1,4,7,9] needs f32[4]"},
    {IMAGE "%f = flatten %x : f32[1,252]\n%y = add %x, %f",
        "add: the operands are f32[1,4,7,9] and f32[1,252]; they must be equal in each "
        "dimension, or 1 in one of them"},
    {"weight @w : f32[6,4,3,3]\ninput %x : f32[1,4,7,9]\n%y = constant value=@w {dims = [6, 4, 3]}",
        "constant: value 'w' is f32[6,4,3,3], but dims need f32[6,4,3]"},
    {"weight @w : f32[6,4,3,3]\n%y = constant value=@w {dims = []}",
        "constant: dims must have from 1 to 6 entries, but has 0"},
    {IMAGE "%y = unflatten %x", "unflatten: the operand must be [n,c], but is f32[1,4,7,9]"},
    {IMAGE "%f = flatten %x : f32[1,252]\n%y = concat %x, %f",
        "concat: operand 2 is f32[1,252], but the first is f32[1,4,7,9]; only channels may differ"},
    {IMAGE "%y = split %x {sizes = [1, 2]}",
        "split: sizes add up to 3, but the operand f32[1,4,7,9] has 4 channels"},
    {IMAGE "%y = split %x {sizes = [4, 0]}",
        "split: sizes must be positive and add up to the 4 channels of f32[1,4,7,9]"},
    {IMAGE "%y = split %x {sizes = []}", "split: sizes must have from 1 to 4 entries, but has 0"},
    {IMAGE "%y = split %x {sizes = [1, 3], interleaved = true}",
        "split: interleaved needs equal sizes, but they are 1 and 3"},
    {IMAGE "%y = shuffle %x {groups = 3}",
        "shuffle: groups = 3 does not divide the 4 channels of the operand f32[1,4,7,9]"},
    {IMAGE "%y = gather %x {channels = [0, 4]}",
        "gather: channels[1] is 4, but there are only channels 0 to 3"},
    {IMAGE "%y = route %x {channels = [-1]}",
        "route: channels[0] is -1, but there are only channels 0 to 3"},
    {IMAGE "%y = linear %x weight=@w",
        "linear: the operand must be [n,c] or [n,c,1,1], but is f32[1,4,7,9]"},
    {"input %x : f32[1,4]\nweight @w : f32[5,3]\n%y = linear %x weight=@w",
        "linear: weight 'w' is f32[5,3], but the operand f32[1,4] needs [o,4]"},
    {"input %x : f32[1,4]\n%y = global_avg_pool %x",
        "global_avg_pool: the operand must be [n,c,h,w], but is f32[1,4]"},
    {IMAGE "%y = local_response_norm %x {size = 4}",
        "local_response_norm: size must be odd and from 1 to 1048576, but is 4"},
    {"input %x : f32[1,4]\nweight @w : bf16[4]\n%y = bias %x bias=@w",
        "bias: bias 'w' is bf16[4], but must be of f32"},
    {"input %x : f32[1,4,1,1]\nweight @w : bf16[4,1,1,1]\n%y = conv %x weight=@w {groups = 4}",
        "conv: weights of bf16 are for layers that add up channels"},
    {"input %x : f32[1,4]\nweight @w : f32[4,4]\n%h = linear %x weight=@w {result = bf16} : "
     "bf16[1,4]\n%y = linear %h weight=@w",
        "linear: an operand of bf16 needs a weight of bf16"},
    {"input %x : f32[1,4]\nweight @w : f32[4,4]\n%y = linear %x weight=@w {result = u8}",
        "linear: the result is f32, bf16 or f16"},
    {"input %x : f32[1,4]\nweight @w : f32[4,4]\n%h = linear %x weight=@w {result = f16} : "
     "f16[1,4]\n%y = linear %h weight=@w",
        "linear: an operand of f16 needs a weight of f16"},
    {"input %x : f32[1,4,1,1]\nweight @w : f16[4,1,1,1]\n%y = conv %x weight=@w {groups = 4}",
        "conv: a weight of f16 needs an operand of f16, or of f32 where the layer adds up "
        "channels"},
    {"input %x : f32[1,4]\nweight @w : f32[4,4]\n%y = linear %x weight=@w {part = -1}",
        "linear: part must not be negative, but is -1"},
    {"input %x : f32[1,4]\nweight @w : f32[4,4]\n%h = linear %x weight=@w {result = f16} : "
     "f16[1,4]\n%y = add %h, %x",
        "add: the operands are f16[1,4] and f32[1,4], but must be of one type"},
    {"input %x : f32[1,4]\nweight @w : f32[4,4]\n%h = linear %x weight=@w {result = bf16} : "
     "bf16[1,4]\n%y = relu %h",
        "relu: operand 1 is bf16[1,4], but must be of f32"},
    {"input %x : f32[1,4,1,1]\nweight @w : bf16[4,4,1,1]\n%h = conv %x weight=@w {result = bf16} : "
     "bf16[1,4,1,1]\n%y = conv %x, %h weight=@w",
        "conv: operand 2 is bf16[1,4,1,1], but must be of f32"},
    {"input %x : f32[1,4]\nweight @w : f32[4]\n%y = batch_norm %x weight=@w bias=@w "
     "running_mean=@w running_var=@w {epsilon = -1}",
        "batch_norm: epsilon must be finite and not negative"},
};

/* The printed diagnostics of the statements, each node being given the wrong type f32[9,9,9,9]. */
static char *outcome(const char *statements) {
    Text text = {0};
    text_format(&text, "%s : f32[9,9,9,9]\noutput y = %%y\n", statements);
    Fixture fixture = fixture_parse_statements(text.data);
    assert_null(fixture.graph);
    char *printed = diagnostics_text(fixture.diagnostics);
    assert_true(diagnostics_error_count(fixture.diagnostics) == 1);
    fixture_free(&fixture);
    text_free(&text);
    return printed;
}

static void shapes_are_inferred(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char *printed = outcome(shapes[i].statements);
        char wanted[128];
        snprintf(wanted, sizeof wanted, "error: result 1 is %s, but f32[9,9,9,9] is written\n",
            shapes[i].expected);
        if (strstr(printed, wanted) == NULL)
            fail_msg("expected %s, got %s", wanted, printed);
        free(printed);
    }
}

static void faults_are_explained(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char *printed = outcome(faults[i].statements);
        char wanted[256];
        snprintf(wanted, sizeof wanted, "error: %s\n", faults[i].expected);
        if (strstr(printed, wanted) == NULL)
            fail_msg("expected %s, got %s", wanted, printed);
        free(printed);
    }
}

static void path_is_named(void **state) {
    (void)state;
    char *printed =
        outcome("input %x : f32[1,4]\n%z = relu %x : f32[1,4] \"fine\"\n%y = flatten %z");
    assert_string_equal(printed, "test.rir:4:6: error: flatten: the operand must be [n,c,h,w], but "
                                 "is f32[1,4]\n%y = flatten %z : f32[9,9,9,9]\n     ^~~~~~~\n");
    free(printed);
    Fixture fixture = fixture_parse_statements(
        "input %x : f32[1,4]\n%y = flatten %x : f32[1,4] \"head.flat\"\noutput y = %y\n");
    printed = diagnostics_text(fixture.diagnostics);
    assert_non_null(strstr(printed, "error: flatten 'head.flat': the operand"));
    free(printed);
    fixture_free(&fixture);
}

static void counts_are_the_papers(void **state) {
    (void)state;
    Fixture fixture = fixture_parse_statements(
        "input %x : f32[2,4,6,6]\nweight @w : f32[8,2,3,3]\nweight @b : f32[8]\n"
        "weight @f : f32[5,8]\n"
        "%1 = conv %x weight=@w bias=@b {groups = 2, stride = [2, 2]} : f32[2,8,2,2]\n"
        "%2 = batch_norm %1 weight=@b bias=@b running_mean=@b running_var=@b : f32[2,8,2,2]\n"
        "%3 = global_avg_pool %2 : f32[2,8,1,1]\n"
        "%4 = linear %3 weight=@f : f32[2,5]\noutput y = %4\n");
    assert_non_null(fixture.graph);
    const Node *conv = fixture.graph->first, *norm = conv->next, *pool = norm->next;
    const Node *linear = pool->next;
    assert_int_equal(node_macs(conv), 2 * 8 * 2 * 2 * (2 * 3 * 3));
    assert_int_equal(node_parameters(conv), 8 * 2 * 3 * 3 + 8);
    assert_int_equal(node_bytes(conv), 4 * (2 * 4 * 36 + 144 + 8 + 64));
    assert_int_equal(node_macs(norm), 0);
    assert_int_equal(node_parameters(norm), 16);
    assert_int_equal(node_macs(pool), 0);
    assert_int_equal(node_macs(linear), 2 * 5 * 8);
    assert_int_equal(node_parameters(linear), 40);
    fixture_free(&fixture);
}

static void elements_are_limited(void **state) {
    (void)state;
    TensorType type = tensor_type(2, (int64_t[]){1 << 20, 1 << 20});
    assert_int_equal(tensor_elements(&type), (int64_t)1 << 40);
    type.dims[1]++;
    assert_int_equal(tensor_elements(&type), -1);
    type.dims[1] = 0;
    assert_int_equal(tensor_elements(&type), -1);
    type.dims[1] = INT64_MAX;
    assert_int_equal(tensor_elements(&type), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_are_inferred),
        cmocka_unit_test(faults_are_explained),
        cmocka_unit_test(path_is_named),
        cmocka_unit_test(counts_are_the_papers),
        cmocka_unit_test(elements_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
