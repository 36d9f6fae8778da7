/* Each op of the interpreter against small values worked out by hand. */
#include "ir_cmocka.h"

#include "ir_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WEIGHTS = 5, MOST_INPUTS = 2, MOST_OUTPUTS = 2 };

typedef struct NamedData {
    const char *path;
    const float *data;
} NamedData;

/* Inputs and weights are declared by the statements; outputs come in their order. */
typedef struct Case {
    const char *name;
    OpKind op; /* the op that the case is about */
    const char *statements;
    const float *inputs[MOST_INPUTS];
    NamedData weights[MOST_WEIGHTS];
    const float *outputs[MOST_OUTPUTS];
} Case;

#define FLOATS(...) ((const float[]){__VA_ARGS__})
/* What an input of u8 is given. */
#define BYTES(...) ((const float *)(const void *)(const unsigned char[]){__VA_ARGS__})
#define ONE_TO_16 FLOATS(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)

static const Case cases[] = {
    {"plain", OP_conv,
        "input %x : f32[1,1,3,3]\nweight @w : f32[1,1,2,2]\nweight @b : f32[1]\n"
        "%y = conv %x weight=@w bias=@b : f32[1,1,2,2]\noutput y = %y\n",
        {ONE_TO_16}, {{"w", FLOATS(1, 2, 3, 4)}, {"b", FLOATS(0.5f)}},
        {FLOATS(37.5f, 47.5f, 67.5f, 77.5f)}},
    {"stride, padding of four kinds, dilation", OP_conv,
        "input %x : f32[1,1,3,4]\nweight @w : f32[1,1,2,2]\n"
        "%y = conv %x weight=@w {stride = [2, 3], padding = [1, 2, 0, 1], dilation = [2, 1]} : "
        "f32[1,1,1,2]\noutput y = %y\n",
        /* rows -1 and 1; columns -2 -1, then 1 2 */
        {ONE_TO_16}, {{"w", FLOATS(1, 2, 3, 4)}}, {FLOATS(0, 3 * 6 + 4 * 7)}},
    {"groups and batch", OP_conv,
        "input %x : f32[2,2,1,2]\nweight @w : f32[4,1,1,1]\n"
        "%y = conv %x weight=@w {groups = 2} : f32[2,4,1,2]\noutput y = %y\n",
        {ONE_TO_16}, {{"w", FLOATS(1, 10, 100, 1000)}},
        {FLOATS(1, 2, 10, 20, 300, 400, 3000, 4000, 5, 6, 50, 60, 700, 800, 7000, 8000)}},
    {"depthwise", OP_conv,
        "input %x : f32[1,2,2,2]\nweight @w : f32[2,1,1,2]\nweight @b : f32[2]\n"
        "%y = conv %x weight=@w bias=@b {groups = 2, padding = [0, 1, 0, 0]} : f32[1,2,2,2]\n"
        "output y = %y\n",
        {ONE_TO_16}, {{"w", FLOATS(1, 2, -1, 1)}, {"b", FLOATS(0, 100)}},
        {FLOATS(2, 5, 6, 11, 105, 101, 107, 101)}},
    {"activation before the residual, another after", OP_conv,
        "input %x : f32[1,2,1,1]\ninput %r : f32[1,3,1,1]\nweight @w : f32[3,2,1,1]\n"
        "%y = conv %x, %r weight=@w {activation = relu, residual_activation = relu6} : "
        "f32[1,3,1,1]\noutput y = %y\n",
        /* sums 3, -1, 30 */
        {FLOATS(1, 2), FLOATS(-5, 4, 1)}, {{"w", FLOATS(1, 1, 1, -1, 10, 10)}}, {FLOATS(0, 4, 6)}},
    {"five filters: a whole tile and a rest", OP_conv,
        "input %x : f32[1,2,1,5]\nweight @w : f32[5,2,1,1]\n"
        "%y = conv %x weight=@w : f32[1,5,1,5]\noutput y = %y\n",
        {FLOATS(1, 2, 3, 4, 5, 10, 20, 30, 40, 50)}, {{"w", FLOATS(1, 0, 0, 1, 1, 1, 2, 0, 0, 2)}},
        {FLOATS(1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 11, 22, 33, 44, 55, 2, 4, 6, 8, 10, 20, 40, 60,
            80, 100)}},
    {"both channels", OP_batch_norm,
        "input %x : f32[1,2,1,2]\nweight @w : f32[2]\nweight @b : f32[2]\nweight @m : f32[2]\n"
        "weight @v : f32[2]\n%y = batch_norm %x weight=@w bias=@b running_mean=@m running_var=@v "
        "{epsilon = 1.0} : f32[1,2,1,2]\noutput y = %y\n",
        {ONE_TO_16},
        {{"w", FLOATS(2, 3)}, {"b", FLOATS(0, 1)}, {"m", FLOATS(1, 2)}, {"v", FLOATS(3, 8)}},
        {FLOATS(0, 1, 2, 3)}},
    {"per channel", OP_bias,
        "input %x : f32[1,2,1,2]\nweight @b : f32[2]\n%y = bias %x bias=@b : f32[1,2,1,2]\n"
        "output y = %y\n",
        {ONE_TO_16}, {{"b", FLOATS(10, -3)}}, {FLOATS(11, 12, 0, 1)}},
    {"both sides", OP_relu, "input %x : f32[1,3]\n%y = relu %x : f32[1,3]\noutput y = %y\n",
        {FLOATS(-2, 0, 7)}, {{0}}, {FLOATS(0, 0, 7)}},
    {"both sides", OP_relu6, "input %x : f32[1,3]\n%y = relu6 %x : f32[1,3]\noutput y = %y\n",
        {FLOATS(-2, 3, 7)}, {{0}}, {FLOATS(0, 3, 6)}},
    {"known points", OP_sigmoid, "input %x : f32[1,3]\n%y = sigmoid %x : f32[1,3]\noutput y = %y\n",
        {FLOATS(0, 1.0986123f, -1000)}, {{0}}, {FLOATS(0.5f, 0.75f, 0)}},
    {"both ends", OP_hard_sigmoid,
        "input %x : f32[1,4]\n%y = hard_sigmoid %x : f32[1,4]\noutput y = %y\n",
        {FLOATS(-4, 0, 1.5f, 5)}, {{0}}, {FLOATS(0, 0.5f, 0.75f, 1)}},
    {"both ends", OP_hard_swish,
        "input %x : f32[1,4]\n%y = hard_swish %x : f32[1,4]\noutput y = %y\n",
        {FLOATS(-4, -1.5f, 1.5f, 5)}, {{0}}, {FLOATS(0, -0.375f, 1.125f, 5)}},
#define ELEMENT_CASE(op, attributes)                                                               \
    "both sides", OP_##op,                                                                         \
        "input %x : f32[1,3]\n%y = " #op " %x" attributes " : f32[1,3]\noutput y = %y\n"
#define PAIR_CASE(op)                                                                              \
    "pairs", OP_##op,                                                                              \
        "input %x : f32[1,3]\ninput %z : f32[1,3]\n%y = " #op                                      \
        " %x, %z : f32[1,3]\noutput y = %y\n"
    {ELEMENT_CASE(leaky_relu, " {slope = 0.25}"), {FLOATS(-2, 0, 7)}, {{0}}, {FLOATS(-0.5f, 0, 7)}},
    {ELEMENT_CASE(clip, " {least = -1.0, most = 2.0}"), {FLOATS(-2, 0, 7)}, {{0}},
        {FLOATS(-1, 0, 2)}},
    {ELEMENT_CASE(tanh, ""), {FLOATS(-1000, 0, 0.54930614f)}, {{0}}, {FLOATS(-1, 0, 0.5f)}},
    {ELEMENT_CASE(exp, ""), {FLOATS(-1000, 0, 1)}, {{0}}, {FLOATS(0, 1, 2.7182818f)}},
    {ELEMENT_CASE(sqrt, ""), {FLOATS(0.25f, 0, 9)}, {{0}}, {FLOATS(0.5f, 0, 3)}},
    {ELEMENT_CASE(abs, ""), {FLOATS(-2, 0, 7)}, {{0}}, {FLOATS(2, 0, 7)}},
    {ELEMENT_CASE(negate, ""), {FLOATS(-2, 0, 7)}, {{0}}, {FLOATS(2, 0, -7)}},
    {ELEMENT_CASE(floor, ""), {FLOATS(-2.5f, 0.5f, 7)}, {{0}}, {FLOATS(-3, 0, 7)}},
    {ELEMENT_CASE(elu, " {alpha = 2.0}"), {FLOATS(-1000, 0, 7)}, {{0}}, {FLOATS(-2, 0, 7)}},
    {ELEMENT_CASE(selu, " {alpha = 2.0, gamma = 3.0}"), {FLOATS(-1000, 0, 7)}, {{0}},
        {FLOATS(-6, 0, 21)}},
    {ELEMENT_CASE(celu, " {alpha = 2.0}"), {FLOATS(-1.3862944f, 0, 7)}, {{0}}, {FLOATS(-1, 0, 7)}},
    {ELEMENT_CASE(silu, ""), {FLOATS(-700, 0, 1.0986123f)}, {{0}}, {FLOATS(0, 0, 0.8239592f)}},
    {ELEMENT_CASE(mish, ""), {FLOATS(-700, 0, 1000)}, {{0}}, {FLOATS(0, 0, 1000)}},
    {ELEMENT_CASE(gelu_tanh, ""), {FLOATS(-700, 1, 1000)}, {{0}}, {FLOATS(0, 0.841192f, 1000)}},
    {ELEMENT_CASE(softsign, ""), {FLOATS(-3, 0, 1)}, {{0}}, {FLOATS(-0.75f, 0, 0.5f)}},
    {ELEMENT_CASE(reciprocal, ""), {FLOATS(-4, 1, 2)}, {{0}}, {FLOATS(-0.25f, 1, 0.5f)}},
    {ELEMENT_CASE(ceil, ""), {FLOATS(-2.5f, 0.5f, 7)}, {{0}}, {FLOATS(-2, 1, 7)}},
    {ELEMENT_CASE(fake_quantize, " {step = 0.5, least = -3.0, most = 2.0}"),
        {FLOATS(-9, 0.75f, 0.25f)}, {{0}}, {FLOATS(-1.5f, 1, 0)}},
    {ELEMENT_CASE(gelu, ""), {FLOATS(-700, 1, 1000)}, {{0}}, {FLOATS(0, 0.8413447f, 1000)}},
    {ELEMENT_CASE(thresholded_relu, " {alpha = 0.5}"), {FLOATS(0.5f, -1000, 0.75f)}, {{0}},
        {FLOATS(0, 0, 0.75f)}},
    {ELEMENT_CASE(round, ""), {FLOATS(-2.5f, 1.5f, 2.25f)}, {{0}}, {FLOATS(-2, 2, 2)}},
    {ELEMENT_CASE(sign, ""), {FLOATS(-1e-30f, 0, 7)}, {{0}}, {FLOATS(-1, 0, 1)}},
    {ELEMENT_CASE(log, ""), {FLOATS(1, 2.7182817f, 0.5f)}, {{0}}, {FLOATS(0, 1, -0.6931472f)}},
    {ELEMENT_CASE(erf, ""), {FLOATS(-1000, 0, 1)}, {{0}}, {FLOATS(-1, 0, 0.84270079f)}},
    {ELEMENT_CASE(softplus, ""), {FLOATS(-1000, 0, 700)}, {{0}}, {FLOATS(0, 0.6931472f, 700)}},
    {PAIR_CASE(prelu), {FLOATS(-1, 2, -3), FLOATS(3, 3, 0)}, {{0}}, {FLOATS(-3, 2, 0)}},
    {PAIR_CASE(power), {FLOATS(-2, 2, 4), FLOATS(3, -1, 0.5f)}, {{0}}, {FLOATS(-8, 0.5f, 2)}},
    {"dimensions of three", OP_constant,
        "weight @w : f32[1,2,2]\n%y = constant value=@w {dims = [1, 2, 2]} : f32[1,2,2]\noutput y "
        "= %y\n",
        {0}, {{"w", FLOATS(1, 2, 3, 4)}}, {FLOATS(1, 2, 3, 4)}},
    {"both repeated", OP_subtract,
        "input %x : f32[2,1,2,1]\ninput %z : f32[1,2,1,2]\n"
        "%y = subtract %x, %z : f32[2,2,2,2]\noutput y = %y\n",
        {FLOATS(10, 20, 30, 40), FLOATS(1, 2, 3, 4)}, {{0}},
        {FLOATS(9, 8, 19, 18, 7, 6, 17, 16, 29, 28, 39, 38, 27, 26, 37, 36)}},
    {"a vector of channels first", OP_divide,
        "input %x : f32[1,2]\ninput %z : f32[1,1,1,2]\n"
        "%y = divide %x, %z : f32[1,2,1,2]\noutput y = %y\n",
        {FLOATS(8, 4), FLOATS(2, 4)}, {{0}}, {FLOATS(4, 2, 2, 1)}},
    {PAIR_CASE(subtract), {FLOATS(1, 2, 3), FLOATS(1, -5, 0)}, {{0}}, {FLOATS(0, 7, 3)}},
    {PAIR_CASE(divide), {FLOATS(1, 2, 3), FLOATS(2, -4, 3)}, {{0}}, {FLOATS(0.5f, -0.5f, 1)}},
    {PAIR_CASE(maximum), {FLOATS(1, 2, 3), FLOATS(2, -4, 3)}, {{0}}, {FLOATS(2, 2, 3)}},
    {PAIR_CASE(minimum), {FLOATS(1, 2, 3), FLOATS(2, -4, 3)}, {{0}}, {FLOATS(1, -4, 3)}},
    {"three operands", OP_map,
        "input %x : f32[1,2,1,2]\ninput %z : f32[1,2]\n%y = map %x, %z, %x {formula = \"(x - y) * "
        "2 + maximum(z, 3) / y\"} : f32[1,2,1,2]\noutput y = %y\n",
        {FLOATS(1, 2, 3, 4), FLOATS(1, 2)}, {{0}}, {FLOATS(3, 5, 3.5f, 6)}},
    {"equal shapes, activation", OP_add,
        "input %x : f32[1,3]\ninput %z : f32[1,3]\n"
        "%y = add %x, %z {activation = relu} : f32[1,3]\noutput y = %y\n",
        {FLOATS(1, 2, 3), FLOATS(1, -5, 0)}, {{0}}, {FLOATS(2, 0, 3)}},
    {"repeated over the plane", OP_multiply,
        "input %x : f32[1,2,2,2]\ninput %z : f32[1,2,1,1]\n"
        "%y = multiply %x, %z : f32[1,2,2,2]\noutput y = %y\n",
        {ONE_TO_16, FLOATS(2, 10)}, {{0}}, {FLOATS(2, 4, 6, 8, 50, 60, 70, 80)}},
    {"a vector repeated over the plane", OP_add,
        "input %x : f32[1,2,2,2]\ninput %z : f32[1,2]\n"
        "%y = add %x, %z : f32[1,2,2,2]\noutput y = %y\n",
        {ONE_TO_16, FLOATS(2, 10)}, {{0}}, {FLOATS(3, 4, 5, 6, 15, 16, 17, 18)}},
    {"two operands, batch of two", OP_concat,
        "input %x : f32[2,1,1,2]\ninput %z : f32[2,2,1,2]\n"
        "%y = concat %x, %z : f32[2,3,1,2]\noutput y = %y\n",
        {FLOATS(1, 2, 3, 4), FLOATS(10, 11, 12, 13, 14, 15, 16, 17)}, {{0}},
        {FLOATS(1, 2, 10, 11, 12, 13, 3, 4, 14, 15, 16, 17)}},
    {"ranges", OP_split,
        "input %x : f32[2,3]\n%a, %b = split %x {sizes = [1, 2]} : f32[2,1], f32[2,2]\n"
        "output a = %a\noutput b = %b\n",
        {ONE_TO_16}, {{0}}, {FLOATS(1, 4), FLOATS(2, 3, 5, 6)}},
    {"even and odd", OP_split,
        "input %x : f32[2,4]\n%a, %b = split %x {sizes = [2, 2], interleaved = true} : f32[2,2], "
        "f32[2,2]\noutput a = %a\noutput b = %b\n",
        {ONE_TO_16}, {{0}}, {FLOATS(1, 3, 5, 7), FLOATS(2, 4, 6, 8)}},
    {"paper: [2, 3] transposed", OP_shuffle,
        "input %x : f32[1,6]\n%y = shuffle %x {groups = 2} : f32[1,6]\noutput y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(1, 4, 2, 5, 3, 6)}},
    {"megvii: [3, 2] transposed", OP_shuffle,
        "input %x : f32[1,6]\n%y = shuffle %x {groups = 2, form = megvii} : f32[1,6]\n"
        "output y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(1, 3, 5, 2, 4, 6)}},
    {"repeated and left out", OP_gather,
        "input %x : f32[2,3]\n%y = gather %x {channels = [2, 0, 2]} : f32[2,3]\noutput y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(3, 1, 3, 6, 4, 6)}},
    {"from three operands", OP_route,
        "input %x : f32[2,2]\ninput %z : f32[2,1]\n"
        "%y = route %x, %z, %x {channels = [4, 2, 1, 0]} : f32[2,4]\noutput y = %y\n",
        {FLOATS(1, 2, 3, 4), FLOATS(10, 20)}, {{0}}, {FLOATS(2, 10, 2, 1, 4, 20, 4, 3)}},
    {"a row above, a column on the right", OP_pad,
        "input %x : f32[1,2,1,2]\n%y = pad %x {padding = [1, 0, 0, 1]} : f32[1,2,2,3]\n"
        "output y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(0, 0, 0, 1, 2, 0, 0, 0, 0, 3, 4, 0)}},
    {"another number around", OP_pad,
        "input %x : f32[1,1,1,2]\n%y = pad %x {padding = [1, 0, 0, 1], value = -1.5} : "
        "f32[1,1,2,3]\noutput y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(-1.5f, -1.5f, -1.5f, 1, 2, -1.5f)}},
    {"one pixel is left of two planes", OP_crop,
        "input %x : f32[1,2,2,4]\n%y = crop %x {margins = [1, 2, 0, 1]} : f32[1,2,1,1]\n"
        "output y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(7, 15)}},
    {"rows and columns twice", OP_rearrange,
        "input %x : f32[1,1,2,2]\n%y = rearrange %x {factors = [1, 1, 2, 2], order = [0, 1, 2, -2, "
        "3, -2], dims = [1, 1, 4, 4]} : f32[1,1,4,4]\noutput y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4)}},
    {"channels last, of two anchors", OP_rearrange,
        "input %x : f32[1,4,1,2]\n%y = rearrange %x {factors = [2, 2, 2], order = [0, 2, 1], dims "
        "= "
        "[1, 4, 2]} : f32[1,4,2]\noutput y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(1, 3, 2, 4, 5, 7, 6, 8)}},
    {"every other column of the last row", OP_slice,
        "input %x : f32[1,2,2,4]\n%y = slice %x {begin = [0, 0, 1, 1], step = [1, 1, 1, 2], dims = "
        "[1, 2, 1, 2]} : f32[1,2,1,2]\noutput y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(6, 8, 14, 16)}},
    {"along the rows", OP_join,
        "input %x : f32[1,2,1,2]\n%z = slice %x {begin = [0, 0, 0, 0], step = [1, 1, 1, 1], dims = "
        "[1, 2, 1, 2]} : f32[1,2,1,2]\n%y = join %x, %z {axis = 2} : f32[1,2,2,2]\noutput y = "
        "%y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(1, 2, 1, 2, 3, 4, 3, 4)}},
    {"halves between, the border beyond", OP_resize,
        "input %x : f32[1,1,1,2]\n%y = resize %x {size = [1, 4]} : f32[1,1,1,4]\noutput y = %y\n",
        {FLOATS(1, 5)}, {{0}}, {FLOATS(1, 2, 4, 5)}},
    {"corners stay, a row between", OP_resize,
        "input %x : f32[1,1,2,2]\n%y = resize %x {size = [3, 2], coordinates = align_corners} : "
        "f32[1,1,3,2]\noutput y = %y\n",
        {FLOATS(1, 2, 5, 8)}, {{0}}, {FLOATS(1, 2, 3, 5, 5, 8)}},
    {"a number alone does not spread", OP_resize,
        "input %x : f32[1,1,1,3]\n%y = resize %x {size = [1, 2], coordinates = align_corners} : "
        "f32[1,1,1,2]\noutput y = %y\n",
        {FLOATS(1, INFINITY, 3)}, {{0}}, {FLOATS(1, 3)}},
    {"nearest, three of two", OP_resize,
        "input %x : f32[1,1,1,2]\n%y = resize %x {size = [1, 3], mode = nearest, coordinates = "
        "asymmetric, rounding = floor} : f32[1,1,1,3]\noutput y = %y\n",
        {FLOATS(1, 2)}, {{0}}, {FLOATS(1, 1, 2)}},
    {"a scale that is not the sizes'", OP_resize,
        "input %x : f32[1,1,1,4]\n%y = resize %x {size = [1, 5], mode = nearest, coordinates = "
        "asymmetric, rounding = floor, column_scale = 1.49} : f32[1,1,1,5]\noutput y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(1, 1, 2, 3, 3)}},
    {"rows again, columns backwards", OP_take,
        "input %x : f32[1,2,2,2]\n%y = take %x {rows = [1, 0, 1], columns = [1, 0]} : "
        "f32[1,2,3,2]\noutput y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(4, 3, 2, 1, 4, 3, 8, 7, 6, 5, 8, 7)}},
    {"filters beside each other", OP_conv_transpose,
        "input %x : f32[1,2,1,2]\nweight @w : f32[2,1,1,2]\nweight @b : f32[1]\n%y = "
        "conv_transpose %x weight=@w bias=@b {stride = [1, 2]} : f32[1,1,1,4]\noutput y = %y\n",
        {FLOATS(1, 2, 3, 4)}, {{"w", FLOATS(1, 10, 100, 1000)}, {"b", FLOATS(0.5f)}},
        {FLOATS(301.5f, 3010.5f, 402.5f, 4020.5f)}},
    {"filters that overlap, of two groups", OP_conv_transpose,
        "input %x : f32[1,2,1,2]\nweight @w : f32[2,1,1,3]\n%y = conv_transpose %x weight=@w "
        "{stride = [1, 2], padding = [0, 1, 0, 1], output_padding = [0, 1], groups = 2} : "
        "f32[1,2,1,4]\noutput y = %y\n",
        {FLOATS(1, 2, 3, 4)}, {{"w", FLOATS(1, 10, 100, 1, 10, 100)}},
        {FLOATS(10, 102, 20, 200, 30, 304, 40, 400)}},
    {"padding never wins", OP_max_pool,
        "input %x : f32[1,1,2,2]\n%y = max_pool %x {kernel = [2, 2], padding = [1, 1, 1, 1]} : "
        "f32[1,1,3,3]\noutput y = %y\n",
        {FLOATS(-1, -2, -3, -4)}, {{0}}, {FLOATS(-1, -1, -2, -1, -1, -2, -3, -3, -4)}},
    {"ceil reaches beyond the input", OP_max_pool,
        "input %x : f32[1,1,4,4]\n%y = max_pool %x {kernel = [3, 3], stride = [2, 2], ceil = true}"
        " : f32[1,1,2,2]\noutput y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(11, 12, 15, 16)}},
    {"padding counts", OP_avg_pool,
        "input %x : f32[1,1,2,2]\n%y = avg_pool %x {kernel = [2, 2], stride = [2, 2], "
        "padding = [1, 1, 1, 1]} : f32[1,1,2,2]\noutput y = %y\n",
        {FLOATS(4, 8, 12, 16)}, {{0}}, {FLOATS(1, 2, 3, 4)}},
    {"padding does not count", OP_avg_pool,
        "input %x : f32[1,1,2,2]\n%y = avg_pool %x {kernel = [3, 3], stride = [2, 2], "
        "padding = [1, 1, 1, 1], count_padding = false} : f32[1,1,1,1]\noutput y = %y\n",
        {FLOATS(4, 8, 12, 16)}, {{0}}, {FLOATS(10)}},
    {"beyond the padding never counts", OP_avg_pool,
        /* columns: -1 0 1, 1 2 3 (3 is padding), then none; PyTorch: ceil_mode=True */
        "input %x : f32[1,1,1,4]\n%y = avg_pool %x {kernel = [1, 3], stride = [1, 2], "
        "padding = [0, 1, 0, 1], ceil = true} : f32[1,1,1,3]\noutput y = %y\n",
        {FLOATS(3, 6, 9, 12)}, {{0}}, {FLOATS(3, 9, 6)}},
    {"mean of the plane", OP_global_avg_pool,
        "input %x : f32[1,2,2,2]\n%y = global_avg_pool %x : f32[1,2,1,1]\noutput y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(2.5f, 6.5f)}},
    {"channels slowest", OP_flatten,
        "input %x : f32[1,2,1,2] nhwc\n%y = flatten %x : f32[1,4]\noutput y = %y\n", {ONE_TO_16},
        {{0}}, {FLOATS(1, 3, 2, 4)}},
    {"a shape, no order", OP_unflatten,
        "input %x : f32[2,2]\n%y = unflatten %x : f32[2,2,1,1]\noutput y = %y\n", {ONE_TO_16},
        {{0}}, {FLOATS(1, 2, 3, 4)}},
    {"five inputs: a whole vector and a rest", OP_linear,
        "input %x : f32[2,5,1,1]\nweight @w : f32[2,5]\nweight @b : f32[2]\n"
        "%y = linear %x weight=@w bias=@b {activation = relu} : f32[2,2]\noutput y = %y\n",
        {ONE_TO_16}, {{"w", FLOATS(1, 1, 1, 1, 1, 0, 0, 0, 0, -1)}, {"b", FLOATS(0.5f, 6)}},
        {FLOATS(15.5f, 1, 40.5f, 0)}},
    {"large numbers do not overflow", OP_softmax,
        "input %x : f32[1,3]\n%y = softmax %x : f32[1,3]\noutput y = %y\n",
        {FLOATS(1000, 1000.69314718f, -1000)}, {{0}}, {FLOATS(1.0f / 3, 2.0f / 3, 0)}},
    {"along the channels of a plane", OP_softmax,
        "input %x : f32[1,2,1,2]\n%y = softmax %x : f32[1,2,1,2]\noutput y = %y\n",
        {FLOATS(5, 1, 5, -100)}, {{0}}, {FLOATS(0.5f, 1, 0.5f, 0)}},
    {"the logarithm of that", OP_log_softmax,
        "input %x : f32[1,3]\n%y = log_softmax %x : f32[1,3]\noutput y = %y\n",
        {FLOATS(1000, 1000.69314718f, -1000)}, {{0}},
        {FLOATS(-1.09861229f, -0.40546511f, -2001.0986f)}},
    {"over rows", OP_reduce,
        "input %x : f32[1,2,2,2]\n%y = reduce %x {kind = sum, axes = [2]} : f32[1,2,1,2]\n"
        "output y = %y\n",
        {ONE_TO_16}, {{0}}, {FLOATS(4, 6, 12, 14)}},
    {"over channels and columns", OP_reduce,
        "input %x : f32[1,2,2,2]\n%y = reduce %x {kind = mean_square, axes = [3, 1]} : "
        "f32[1,1,2,1]\noutput y = %y\n",
        {FLOATS(1, -1, 2, 2, 3, 1, 4, 0)}, {{0}}, {FLOATS(3, 6)}},
    {"without signs", OP_reduce,
        "input %x : f32[1,4]\n%y = reduce %x {kind = l1, axes = [1]} : f32[1,1]\noutput y = %y\n",
        {FLOATS(-1, 2, -3, 4)}, {{0}}, {FLOATS(10)}},
    {"a length", OP_reduce,
        "input %x : f32[1,2]\n%y = reduce %x {kind = l2, axes = [1]} : f32[1,1]\noutput y = %y\n",
        {FLOATS(-3, 4)}, {{0}}, {FLOATS(5)}},
    {"the smallest, images apart", OP_reduce,
        "input %x : f32[2,2]\n%y = reduce %x {kind = min, axes = [1]} : f32[2,1]\noutput y = %y\n",
        {FLOATS(-3, 4, 6, 5)}, {{0}}, {FLOATS(-3, 5)}},
    {"of equal ones the first", OP_arg_max,
        "input %x : f32[1,5]\n%y = arg_max %x {axis = 1} : f32[1,1]\noutput y = %y\n",
        {FLOATS(0, 7, -2, 7, 1)}, {{0}}, {FLOATS(1)}},
    {"of the smallest the last", OP_arg_max,
        "input %x : f32[1,1,2,4]\n%y = arg_max %x {axis = 3, least = true, last = true} : "
        "f32[1,1,2,1]\noutput y = %y\n",
        {FLOATS(0, 0, 1, 2, -1, 3, -1, 9)}, {{0}}, {FLOATS(1, 2)}},
    {"no number", OP_arg_max,
        "input %x : f32[2,3]\n%y = arg_max %x {axis = 0} : f32[1,3]\noutput y = %y\n",
        {FLOATS(NAN, -INFINITY, 1, 2, -INFINITY, 2)}, {{0}}, {FLOATS(NAN, 0, 1)}},
    {"window at both ends", OP_local_response_norm,
        "input %x : f32[1,4]\n%y = local_response_norm %x {size = 3, alpha = 3.0, beta = 1.0, "
        "k = 2.0} : f32[1,4]\noutput y = %y\n",
        {FLOATS(1, 2, 3, 4)}, {{0}}, {FLOATS(1.0f / 7, 2.0f / 16, 3.0f / 31, 4.0f / 27)}},
    {"changes nothing", OP_range,
        "input %x : f32[1,2]\nweight @l : f32[2]\nweight @h : f32[2]\n"
        "%y = range %x low=@l high=@h : f32[1,2]\noutput y = %y\n",
        {FLOATS(5, -7)}, {{"l", FLOATS(0, 0)}, {"h", FLOATS(1, 1)}}, {FLOATS(5, -7)}},
    {"numbers channel by channel", OP_pixels,
        "input %x : u8[1,2,1,2] nhwc pixels(rgb, scale = 1.0, mean = [0.0, 0.0], "
        "std = [1.0, 1.0], resize = 0)\n"
        "%y = pixels %x {scale = 0.5, mean_0 = 1.0, mean_1 = 2.0, std_1 = 4.0} : f32[1,2,1,2]\n"
        "output y = %y\n",
        {BYTES(10, 30, 20, 40)}, {{0}}, {FLOATS(4, 9, 3.25f, 4.5f)}},
    {"the first channels", OP_pixels,
        "input %x : u8[2,2,1,2] nhwc pixels(rgb, scale = 1.0, mean = [0.0, 0.0], "
        "std = [1.0, 1.0], resize = 0)\n"
        "%y = pixels %x {scale = 2.0, channels = 1} : f32[2,1,1,2]\noutput y = %y\n",
        {BYTES(10, 30, 20, 40, 50, 70, 60, 80)}, {{0}}, {FLOATS(20, 40, 100, 120)}},
    {"halves to even, bounds, padding", OP_quantize,
        "input %x : f32[1,2,1,3]\nweight @f : f32[2]\nweight @z : f32[2]\nweight @w : "
        "f32[2,1,1,1]\n"
        "weight @n : f32[2]\nweight @one : f32[2]\n"
        "%q = quantize %x factor=@f zero=@z {padding = [0, 1, 0, 0]} : u8[1,2,1,4]\n"
        "%y = quantized_conv %q weight=@w zero=@n factor=@one offset=@n {groups = 2, result = f32} "
        ": "
        "f32[1,2,1,4]\noutput y = %y\n",
        {FLOATS(0.25f, 0.75f, 300, -1, -2, 126.75f)},
        {{"f", FLOATS(2, 1)}, {"z", FLOATS(0, 1)}, {"w", FLOATS(1, 1)}, {"n", FLOATS(0, 0)},
            {"one", FLOATS(1, 1)}},
        {FLOATS(0, 0, 2, 255, 1, 0, 0, 128)}},
    {"more than a byte or 32 bits hold, and no number", OP_quantize,
        "input %x : f32[1,1,1,8]\nweight @z : f32[1]\nweight @one : f32[1]\n"
        "weight @w : f32[1,1,1,1]\nweight @n : f32[1]\n"
        "%q = quantize %x factor=@one zero=@z : u8[1,1,1,8]\n"
        "%y = quantized_conv %q weight=@w zero=@n factor=@one offset=@n {result = f32} : "
        "f32[1,1,1,8]\noutput y = %y\n",
        {FLOATS(1e3f, 1e12f, 0x1p31f, INFINITY, -1e3f, -1e12f, -INFINITY, NAN)},
        {{"z", FLOATS(7)}, {"one", FLOATS(1)}, {"w", FLOATS(1)}, {"n", FLOATS(0)}},
        {FLOATS(255, 255, 255, 255, 0, 0, 0, 0)}},
    {"zero points, padding, both results", OP_quantized_conv,
        "input %x : f32[1,2,1,2]\nweight @one : f32[2]\nweight @z : f32[2]\nweight @w : "
        "f32[2,2,1,1]\n"
        "weight @f : f32[2]\nweight @o : f32[2]\n"
        "%q = quantize %x factor=@one zero=@z : u8[1,2,1,2]\n"
        "%b = quantized_conv %q weight=@w zero=@z factor=@f offset=@o {padding = [0, 1, 0, 0]} : "
        "u8[1,2,1,3]\n"
        "%y = quantized_conv %b weight=@w zero=@o factor=@one offset=@z {activation = relu, result "
        "= "
        "f32} : f32[1,2,1,3]\noutput y = %y\n",
        /* x less zero is x; sums 0 0, 23 -7, 56 -40; halved, plus 3: 3 3, 14 0, 31 0 */
        {FLOATS(1, 4, 2, 2)},
        {{"one", FLOATS(1, 1)}, {"z", FLOATS(100, 0)}, {"w", FLOATS(11, 6, -11, 2)},
            {"f", FLOATS(0.5f, 0.5f)}, {"o", FLOATS(3, 3)}},
        {FLOATS(100, 203, 390, 0, 0, 0)}},
    {"bf16: the nearest, of two the even one; weights, too", OP_conv,
        "input %x : f32[1,1,1,4]\nweight @one : f32[1,1,1,1]\nweight @w : bf16[1,1,1,1]\n"
        "%h = conv %x weight=@one {result = bf16} : bf16[1,1,1,4]\n"
        "%y = conv %h weight=@w : f32[1,1,1,4]\noutput y = %y\n",
        {FLOATS(0x1.01p0f, 0x1.03p0f, 0x1.01001p0f, -3)},
        {{"one", FLOATS(1)}, {"w", FLOATS(0x2.02p0f)}}, {FLOATS(2, 0x2.08p0f, 0x2.04p0f, -6)}},
    {"f16: the nearest, of two the even one; what is read with weights of f16, too", OP_conv,
        "input %x : f32[1,1,1,4]\nweight @w : f16[1,1,1,1]\n"
        "%h = conv %x weight=@w {result = f16} : f16[1,1,1,4]\n"
        "%y = conv %h weight=@w : f32[1,1,1,4]\noutput y = %y\n",
        {FLOATS(0x1.002p0f, 0x1.006p0f, 32760, 0x1p-25f)}, {{"w", FLOATS(0x1.0000001p0f)}},
        {FLOATS(1, 0x1.008p0f, 32768, 0)}},
    {"f32 with weights of bf16", OP_linear,
        "input %x : f32[1,2]\nweight @w : bf16[1,2]\nweight @b : f32[1]\n"
        "%y = linear %x weight=@w bias=@b : f32[1,1]\noutput y = %y\n",
        {FLOATS(0x1.01p0f, 1)}, {{"w", FLOATS(0x1.01p0f, -0x1.03p0f)}, {"b", FLOATS(0x1.01p0f)}},
        {FLOATS(0x1.01p0f + 0x1.01p0f - 0x1.04p0f)}},
    {"plus the offset", OP_quantized_linear,
        "input %x : f32[1,3]\nweight @one : f32[3]\nweight @z : f32[3]\nweight @w : f32[2,3]\n"
        "weight @f : f32[2]\nweight @o : f32[2]\n"
        "%q = quantize %x factor=@one zero=@z : u8[1,3]\n"
        "%y = quantized_linear %q weight=@w zero=@z factor=@f offset=@o {result = f32} : f32[1,2]\n"
        "output y = %y\n",
        {FLOATS(1, -2, 3)},
        {{"one", FLOATS(1, 1, 1)}, {"z", FLOATS(5, 5, 5)}, {"w", FLOATS(1, 10, 100, -1, 0, 2)},
            {"f", FLOATS(1, 0.5f)}, {"o", FLOATS(0.25f, 0)}},
        {FLOATS(281.25f, 2.5f)}},
};

enum { CASE_COUNT = sizeof cases / sizeof *cases };

static void load_weights(Graph *graph, const NamedData *weights) {
    for (int i = 0; i < MOST_WEIGHTS && weights[i].path != NULL; i++) {
        Weight *weight = graph_find_weight(graph, weights[i].path);
        assert_non_null(weight);
        weight->data = weights[i].data;
    }
}

static bool has_op(const Graph *graph, OpKind op) {
    const Node *node = graph->first;
    while (node != NULL && node->op != op)
        node = node->next;
    return node != NULL;
}

static void check_case(const Case *one) {
    Fixture fixture = fixture_parse_statements(one->statements);
    if (fixture.graph == NULL) {
        diagnostics_print(fixture.diagnostics, stderr);
        fail_msg("%s, %s: does not parse", op_info(one->op)->name, one->name);
    }
    Graph *graph = fixture.graph;
    assert_true(has_op(graph, one->op));
    load_weights(graph, one->weights);
    float *outputs[MOST_OUTPUTS] = {NULL};
    for (int i = 0; i < graph->output_count; i++)
        outputs[i] = ARENA_ARRAY(fixture.arena, float, 64);
    assert_true(graph_interpret(graph, one->inputs, outputs, NULL, NULL, fixture.diagnostics));
    for (int i = 0; i < graph->output_count; i++) {
        int64_t count = tensor_elements(&graph->outputs[i].value->type);
        for (int64_t j = 0; j < count; j++) {
            bool both_nan = isnan(outputs[i][j]) && isnan(one->outputs[i][j]);
            if (!both_nan && !(fabsf(outputs[i][j] - one->outputs[i][j]) <= 1e-4f))
                fail_msg("%s, %s: output %d[%d] is %g and not %g", op_info(one->op)->name,
                    one->name, i, (int)j, (double)outputs[i][j], (double)one->outputs[i][j]);
        }
    }
    fixture_free(&fixture);
}

static void ops_give_known_values(void **state) {
    (void)state;
    for (int i = 0; i < CASE_COUNT; i++)
        check_case(&cases[i]);
}

/* Fails when an op is added to ops.def without a case here. */
static void every_op_has_a_case(void **state) {
    (void)state;
    for (int op = 0; op < OP_COUNT; op++) {
        bool found = false;
        for (int i = 0; i < CASE_COUNT; i++)
            found = found || (int)cases[i].op == op;
        if (!found)
            fail_msg("op '%s' has no case", op_info((OpKind)op)->name);
    }
}

static void count_node(void *context, const Node *node, float *const *results) {
    float *sums = context;
    sums[0] += 1;
    for (int i = 0; i < node->result_count; i++)
        sums[1] += results[i][0];
}

static void observer_sees_each_node(void **state) {
    (void)state;
    Fixture fixture = fixture_parse_statements("input %x : f32[1,2]\n%y = relu %x : f32[1,2]\n"
                                               "%a, %b = split %y {sizes = [1, 1]} : f32[1,1], "
                                               "f32[1,1]\n%unused = sigmoid %a : f32[1,1]\n"
                                               "output b = %b\noutput x = %x\n");
    assert_non_null(fixture.graph);
    float seen[2] = {0}, b = 0, x[2] = {0};
    const float *inputs[] = {FLOATS(0, 4)};
    float *outputs[] = {&b, x};
    assert_true(
        graph_interpret(fixture.graph, inputs, outputs, count_node, seen, fixture.diagnostics));
    assert_true(seen[0] == 3);
    assert_true(seen[1] == 0 + 0 + 4 + 0.5f);
    assert_true(b == 4 && x[0] == 0 && x[1] == 4);
    fixture_free(&fixture);
}

static void layouts_are_converted_at_the_border(void **state) {
    (void)state;
    Fixture fixture = fixture_parse_statements(
        "input %x : f32[2,3,1,2] nhwc\n%y = gather %x {channels = [2, 1]} : f32[2,2,1,2]\n"
        "output planar = %y\noutput last = %y nhwc\n");
    assert_non_null(fixture.graph);
    const float *inputs[] = {FLOATS(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)};
    float planar[8], last[8];
    float *outputs[] = {planar, last};
    assert_true(graph_interpret(fixture.graph, inputs, outputs, NULL, NULL, fixture.diagnostics));
    assert_memory_equal(planar, FLOATS(3, 6, 2, 5, 9, 12, 8, 11), sizeof planar);
    assert_memory_equal(last, FLOATS(3, 2, 6, 5, 9, 8, 12, 11), sizeof last);
    fixture_free(&fixture);
}

static void missing_weights_are_all_named(void **state) {
    (void)state;
    Fixture fixture = fixture_parse_statements(
        "input %x : f32[1,2]\nweight @one : f32[2]\nweight @two : f32[2]\n"
        "%y = bias %x bias=@one : f32[1,2]\n%z = bias %y bias=@two : f32[1,2]\noutput z = %z\n");
    assert_non_null(fixture.graph);
    const float *inputs[] = {FLOATS(1, 2)};
    float z[2];
    float *outputs[] = {z};
    assert_false(graph_interpret(fixture.graph, inputs, outputs, NULL, NULL, fixture.diagnostics));
    char *text = diagnostics_text(fixture.diagnostics);
    assert_non_null(strstr(text, "the weight 'one' has no data"));
    assert_non_null(strstr(text, "the weight 'two' has no data"));
    free(text);
    fixture_free(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ops_give_known_values),
        cmocka_unit_test(every_op_has_a_case),
        cmocka_unit_test(observer_sees_each_node),
        cmocka_unit_test(layouts_are_converted_at_the_border),
        cmocka_unit_test(missing_weights_are_all_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
