/* Shape rules: result types from operands, weights and attributes, one function per op. Every fault
 * is reported at the node's place, with the op, its path and the shapes that do not fit. */
#include "ir/graph.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Kernel sizes, strides, paddings and dilations above this are refused, so that no sum or product
 * of them with a size (at most 2^40) overflows. */
enum { LARGEST_STEP = 1 << 20 };

typedef struct Inference {
    const Node *node;
    Diagnostics *diagnostics;
    Arena *scratch; /* for messages */
    bool failed;
    TensorType *types;
    int capacity, count;
} Inference;

typedef void InferFunction(Inference *inference);

static void __attribute__((format(printf, 2, 3))) fault(
    Inference *inference, const char *format, ...) {
    char small[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    const Node *node = inference->node;
    const char *name = op_info(node->op)->name;
    if (node->path[0] != '\0')
        diagnostics_report(inference->diagnostics, SEVERITY_ERROR, node->where, NULL, "%s '%s': %s",
            name, node->path, small);
    else
        diagnostics_report(
            inference->diagnostics, SEVERITY_ERROR, node->where, NULL, "%s: %s", name, small);
    inference->failed = true;
}

static const char *spelling(Inference *inference, const TensorType *type) {
    Text text = {0};
    tensor_type_print(type, &text);
    const char *copy = arena_copy_string(inference->scratch, text.data);
    text_free(&text);
    return copy;
}

static const TensorType *operand(const Inference *inference, int index) {
    return &inference->node->operands[index]->type;
}

static const char *operand_spelling(Inference *inference, int index) {
    return spelling(inference, operand(inference, index));
}

static void result(Inference *inference, TensorType type) {
    if (tensor_elements(&type) < 0) {
        fault(inference, "the result %s has more than 2^40 elements", spelling(inference, &type));
        return;
    }
    if (inference->count < inference->capacity)
        inference->types[inference->count] = type;
    inference->count++;
}

static bool wants_rank_4(Inference *inference) {
    if (operand(inference, 0)->rank == 4)
        return true;
    fault(inference, "the operand must be [n,c,h,w], but is %s", operand_spelling(inference, 0));
    return false;
}

/* ---- weights ---- */

/* Compares a weight that is there with the shape it must have. */
static void check_weight(Inference *inference, const char *name, int rank, const int64_t *dims) {
    const Weight *weight = node_weight(inference->node, name);
    if (weight == NULL)
        return;
    TensorType wanted = tensor_type(rank, dims);
    if (!tensor_type_equal(&weight->type, &wanted))
        fault(inference, "%s '%s' is %s, but the operand %s needs %s", name, weight->path,
            spelling(inference, &weight->type), operand_spelling(inference, 0),
            spelling(inference, &wanted));
}

static void check_channel_weights(Inference *inference) {
    const OpInfo *info = op_info(inference->node->op);
    for (int i = 0; i < info->weight_count; i++)
        check_weight(inference, info->weights[i].name, 1, &operand(inference, 0)->dims[1]);
}

/* ---- windows: convolution and pooling ---- */

typedef struct Window {
    int64_t kernel[2], stride[2], dilation[2], padding[4];
    bool ceil;
} Window;

/* Reads a list attribute of exactly `count` entries from `least` to LARGEST_STEP. */
static bool read_list(
    Inference *inference, const char *name, size_t count, int64_t least, int64_t *items) {
    IntegerList list = node_list(inference->node, name);
    if (list.count != count) {
        fault(inference, "%s must have %zu entries, but has %zu", name, count, list.count);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = list.items[i];
        if (items[i] < least || items[i] > LARGEST_STEP) {
            fault(inference, "%s must be from %lld to %d, but is %lld", name, (long long)least,
                LARGEST_STEP, (long long)items[i]);
            return false;
        }
    }
    return true;
}

/* Height (axis 0) or width (axis 1) of the result; 0 after reporting. */
static int64_t window_extent(Inference *inference, const Window *window, int axis) {
    int64_t size = operand(inference, 0)->dims[2 + axis];
    int64_t before = window->padding[axis], after = window->padding[2 + axis];
    int64_t reach = window->dilation[axis] * (window->kernel[axis] - 1) + 1;
    int64_t stride = window->stride[axis];
    int64_t room = size + before + after - reach;
    int64_t extent = room < 0 ? 0 : room / stride + 1;
    if (window->ceil) {
        /* PyTorch's rule: round up, then drop a last window that would start beyond the input. */
        extent = room + stride - 1 < 0 ? 0 : (room + stride - 1) / stride + 1;
        if (extent > 0 && (extent - 1) * stride >= size + before)
            extent--;
    }
    if (extent < 1)
        fault(inference,
            "the window of %lld %s is larger than the operand %s with padding %lld and %lld",
            (long long)reach, axis == 0 ? "rows" : "columns", operand_spelling(inference, 0),
            (long long)before, (long long)after);
    return extent;
}

static void window_result(Inference *inference, const Window *window, int64_t channels) {
    int64_t height = window_extent(inference, window, 0);
    int64_t width = window_extent(inference, window, 1);
    if (height < 1 || width < 1)
        return;
    int64_t dims[4] = {operand(inference, 0)->dims[0], channels, height, width};
    result(inference, tensor_type(4, dims));
}

static bool check_conv_channels(
    Inference *inference, const TensorType *weight, int64_t channels, int64_t groups) {
    if (groups < 1 || channels % groups != 0) {
        fault(inference, "groups = %lld does not divide the %lld channels of the operand %s",
            (long long)groups, (long long)channels, operand_spelling(inference, 0));
        return false;
    }
    if (weight->rank != 4) {
        fault(inference, "the weight must be [o,c/groups,kh,kw], but is %s",
            spelling(inference, weight));
        return false;
    }
    if (weight->dims[1] != channels / groups) {
        fault(inference,
            "weight '%s' is %s, but the operand %s with groups = %lld needs %lld input channels",
            node_weight(inference->node, "weight")->path, spelling(inference, weight),
            operand_spelling(inference, 0), (long long)groups, (long long)(channels / groups));
        return false;
    }
    if (weight->dims[0] % groups != 0) {
        fault(inference, "groups = %lld does not divide the %lld filters of the weight %s",
            (long long)groups, (long long)weight->dims[0], spelling(inference, weight));
        return false;
    }
    return true;
}

static void check_residual(Inference *inference) {
    const Node *node = inference->node;
    if (node->operand_count < 2) {
        if (node_integer(node, "residual_activation") != ACTIVATION_NONE)
            fault(inference, "residual_activation needs a second operand");
    } else if (inference->count == 1 &&
               !tensor_type_equal(operand(inference, 1), &inference->types[0])) {
        fault(inference, "the residual is %s, but the result is %s", operand_spelling(inference, 1),
            spelling(inference, &inference->types[0]));
    }
}

static void infer_window_product(Inference *inference) {
    const Node *node = inference->node;
    const TensorType *weight = &node_weight(node, "weight")->type;
    Window window = {0};
    if (!wants_rank_4(inference) ||
        !check_conv_channels(
            inference, weight, operand(inference, 0)->dims[1], node_integer(node, "groups")))
        return;
    for (int axis = 0; axis < 2; axis++) {
        window.kernel[axis] = weight->dims[2 + axis];
        if (window.kernel[axis] > LARGEST_STEP) {
            fault(inference, "the kernel of weight %s is too large", spelling(inference, weight));
            return;
        }
    }
    if (!read_list(inference, "stride", 2, 1, window.stride) ||
        !read_list(inference, "padding", 4, 0, window.padding) ||
        !read_list(inference, "dilation", 2, 1, window.dilation))
        return;
    window_result(inference, &window, weight->dims[0]);
}

/* What a conv or a linear gives, and that it can multiply what it is given. */
static void finish_product(Inference *inference) {
    const Node *node = inference->node;
    int64_t given = node_integer(node, "result");
    bool halves = node_weight(node, "weight")->type.element == ELEMENT_BF16;
    if (halves && !node_adds_channels(node))
        fault(inference, "weights of bf16 are for layers that add up channels");
    if (!halves && operand(inference, 0)->element == ELEMENT_BF16 && node_adds_channels(node))
        fault(inference, "an operand of bf16 needs a weight of bf16");
    if (given == RESULT_U8)
        fault(inference, "the result is f32 or bf16");
    if (given == RESULT_BF16 && inference->count == 1 && inference->capacity > 0)
        inference->types[0].element = ELEMENT_BF16;
}

static void infer_conv(Inference *inference) {
    const Node *node = inference->node;
    const TensorType *weight = &node_weight(node, "weight")->type;
    infer_window_product(inference);
    if (inference->failed)
        return;
    const Weight *bias = node_weight(node, "bias");
    TensorType bias_type = tensor_type(1, weight->dims);
    if (bias != NULL && !tensor_type_equal(&bias->type, &bias_type))
        fault(inference, "bias '%s' is %s, but the weight %s needs %s", bias->path,
            spelling(inference, &bias->type), spelling(inference, weight),
            spelling(inference, &bias_type));
    check_residual(inference);
    finish_product(inference);
}

static void infer_pool(Inference *inference) {
    Window window = {.dilation = {1, 1}, .ceil = node_flag(inference->node, "ceil")};
    if (!wants_rank_4(inference) || !read_list(inference, "kernel", 2, 1, window.kernel) ||
        !read_list(inference, "stride", 2, 1, window.stride) ||
        !read_list(inference, "padding", 4, 0, window.padding))
        return;
    for (int i = 0; i < 4; i++) {
        if (window.padding[i] >= window.kernel[i % 2]) {
            fault(inference,
                "padding %lld is not smaller than the kernel %lld: a window would see only padding",
                (long long)window.padding[i], (long long)window.kernel[i % 2]);
            return;
        }
    }
    window_result(inference, &window, operand(inference, 0)->dims[1]);
    if (inference->count == 1 && inference->capacity > 0)
        inference->types[0].element = operand(inference, 0)->element;
}

/* ---- rows and columns at the borders ---- */

/* pad adds what its list says on the four sides, crop (`sign` -1) takes it away. */
static void infer_border(Inference *inference, const char *attribute, int sign) {
    int64_t border[4];
    if (!wants_rank_4(inference) || !read_list(inference, attribute, 4, 0, border))
        return;
    TensorType type = *operand(inference, 0);
    for (int axis = 0; axis < 2; axis++) {
        int64_t change = border[axis] + border[2 + axis];
        if (sign < 0 && change >= type.dims[2 + axis]) {
            fault(inference, "%s %lld and %lld leave no %s of the operand %s", attribute,
                (long long)border[axis], (long long)border[2 + axis], axis == 0 ? "row" : "column",
                operand_spelling(inference, 0));
            return;
        }
        type.dims[2 + axis] += sign * change;
    }
    result(inference, type);
}

static void infer_pad(Inference *inference) {
    infer_border(inference, "padding", 1);
}

static void infer_crop(Inference *inference) {
    infer_border(inference, "margins", -1);
}

/* ---- element by element ---- */

static void infer_same(Inference *inference) {
    result(inference, *operand(inference, 0));
}

static void infer_batch_norm(Inference *inference) {
    check_channel_weights(inference);
    double epsilon = node_number(inference->node, "epsilon");
    if (!(isfinite(epsilon) && epsilon >= 0))
        fault(inference, "epsilon must be finite and not negative");
    infer_same(inference);
}

static void infer_bias(Inference *inference) {
    check_channel_weights(inference);
    infer_same(inference);
}

static void infer_binary(Inference *inference) {
    const TensorType *left = operand(inference, 0), *right = operand(inference, 1);
    bool one_pixel = right->rank == 2 || (right->dims[2] == 1 && right->dims[3] == 1);
    bool per_channel = left->rank == 4 && left->dims[0] == right->dims[0] &&
                       left->dims[1] == right->dims[1] && one_pixel;
    if (!per_channel && !tensor_type_equal(left, right))
        fault(inference,
            "the operands are %s and %s; they must be equal, or the second [n,c] or [n,c,1,1] "
            "with the first's n and c",
            operand_spelling(inference, 0), operand_spelling(inference, 1));
    infer_same(inference);
}

static void infer_local_response_norm(Inference *inference) {
    const Node *node = inference->node;
    int64_t size = node_integer(node, "size");
    if (size < 1 || size > LARGEST_STEP || size % 2 == 0)
        fault(inference, "size must be odd and from 1 to %d, but is %lld", LARGEST_STEP,
            (long long)size);
    double alpha = node_number(node, "alpha"), beta = node_number(node, "beta");
    double k = node_number(node, "k");
    if (!(isfinite(alpha) && alpha >= 0 && isfinite(beta) && isfinite(k) && k >= 0))
        fault(inference, "alpha and k must be finite and not negative, and beta finite");
    infer_same(inference);
}

/* ---- layout ---- */

/* Channels of all operands joined; 0 after reporting that they do not fit. */
static int64_t joined_channels(Inference *inference) {
    const TensorType *first = operand(inference, 0);
    int64_t channels = 0;
    for (int i = 0; i < inference->node->operand_count; i++) {
        const TensorType *type = operand(inference, i);
        TensorType alike = *type;
        alike.dims[1] = first->dims[1];
        if (!tensor_type_equal(&alike, first)) {
            fault(inference, "operand %d is %s, but the first is %s; only channels may differ",
                i + 1, spelling(inference, type), spelling(inference, first));
            return 0;
        }
        if (__builtin_add_overflow(channels, type->dims[1], &channels)) {
            fault(inference, "too many channels");
            return 0;
        }
    }
    return channels;
}

static void result_with_channels(Inference *inference, int64_t channels) {
    TensorType type = *operand(inference, 0);
    type.dims[1] = channels;
    result(inference, type);
}

static void infer_concat(Inference *inference) {
    int64_t channels = joined_channels(inference);
    if (channels > 0)
        result_with_channels(inference, channels);
}

static void infer_split(Inference *inference) {
    IntegerList sizes = node_list(inference->node, "sizes");
    int64_t channels = operand(inference, 0)->dims[1];
    int64_t sum = 0;
    if (sizes.count == 0 || sizes.count > (size_t)channels) {
        fault(inference, "sizes must have from 1 to %lld entries, but has %zu", (long long)channels,
            sizes.count);
        return;
    }
    for (size_t i = 0; i < sizes.count; i++) {
        if (sizes.items[i] < 1 || sizes.items[i] > channels - sum) {
            fault(inference, "sizes must be positive and add up to the %lld channels of %s",
                (long long)channels, operand_spelling(inference, 0));
            return;
        }
        if (node_flag(inference->node, "interleaved") && sizes.items[i] != sizes.items[0]) {
            fault(inference, "interleaved needs equal sizes, but they are %lld and %lld",
                (long long)sizes.items[0], (long long)sizes.items[i]);
            return;
        }
        sum += sizes.items[i];
    }
    if (sum != channels) {
        fault(inference, "sizes add up to %lld, but the operand %s has %lld channels",
            (long long)sum, operand_spelling(inference, 0), (long long)channels);
        return;
    }
    for (size_t i = 0; i < sizes.count; i++)
        result_with_channels(inference, sizes.items[i]);
}

static void infer_shuffle(Inference *inference) {
    int64_t channels = operand(inference, 0)->dims[1];
    int64_t groups = node_integer(inference->node, "groups");
    if (groups < 1 || channels % groups != 0)
        fault(inference, "groups = %lld does not divide the %lld channels of the operand %s",
            (long long)groups, (long long)channels, operand_spelling(inference, 0));
    infer_same(inference);
}

/* gather and route: the list picks from the operands' joined channels. */
static void infer_pick(Inference *inference) {
    IntegerList list = node_list(inference->node, "channels");
    int64_t channels = joined_channels(inference);
    if (channels == 0)
        return;
    if (list.count == 0 || list.count > INT_MAX) {
        fault(
            inference, "channels must have from 1 to %d entries, but has %zu", INT_MAX, list.count);
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i] < 0 || list.items[i] >= channels) {
            fault(inference, "channels[%zu] is %lld, but there are only channels 0 to %lld", i,
                (long long)list.items[i], (long long)(channels - 1));
            return;
        }
    }
    result_with_channels(inference, (int64_t)list.count);
}

/* ---- ends of networks ---- */

static void infer_global_avg_pool(Inference *inference) {
    if (!wants_rank_4(inference))
        return;
    const int64_t *dims = operand(inference, 0)->dims;
    result(inference, tensor_type(4, (int64_t[]){dims[0], dims[1], 1, 1}));
}

static void infer_flatten(Inference *inference) {
    if (!wants_rank_4(inference))
        return;
    const int64_t *dims = operand(inference, 0)->dims;
    result(inference, tensor_type(2, (int64_t[]){dims[0], dims[1] * dims[2] * dims[3]}));
}

static void infer_unflatten(Inference *inference) {
    const TensorType *type = operand(inference, 0);
    if (type->rank == 2)
        result(inference, tensor_type(4, (int64_t[]){type->dims[0], type->dims[1], 1, 1}));
    else
        fault(inference, "the operand must be [n,c], but is %s", operand_spelling(inference, 0));
}

static void infer_product(Inference *inference) {
    const Node *node = inference->node;
    const TensorType *type = operand(inference, 0);
    const Weight *weight = node_weight(node, "weight");
    if (type->rank == 4 && (type->dims[2] != 1 || type->dims[3] != 1)) {
        fault(inference, "the operand must be [n,c] or [n,c,1,1], but is %s",
            operand_spelling(inference, 0));
        return;
    }
    if (weight->type.rank != 2 || weight->type.dims[1] != type->dims[1]) {
        fault(inference, "weight '%s' is %s, but the operand %s needs [o,%lld]", weight->path,
            spelling(inference, &weight->type), operand_spelling(inference, 0),
            (long long)type->dims[1]);
        return;
    }
    result(inference, tensor_type(2, (int64_t[]){type->dims[0], weight->type.dims[0]}));
}

static void infer_linear(Inference *inference) {
    infer_product(inference);
    if (!inference->failed)
        check_weight(inference, "bias", 1, node_weight(inference->node, "weight")->type.dims);
    if (!inference->failed)
        finish_product(inference);
}

/* ---- quantised ---- */

static void infer_range(Inference *inference) {
    check_channel_weights(inference);
    infer_same(inference);
}

static void infer_quantize(Inference *inference) {
    check_channel_weights(inference);
    int64_t padding[4];
    TensorType type = *operand(inference, 0);
    if (!read_list(inference, "padding", 4, 0, padding))
        return;
    for (int i = 0; i < 4; i++) {
        if (padding[i] > 0 && type.rank != 4) {
            fault(inference, "padding needs an operand [n,c,h,w], but it is %s",
                operand_spelling(inference, 0));
            return;
        }
        if (type.rank == 4)
            type.dims[2 + i % 2] += padding[i];
    }
    type.element = ELEMENT_U8;
    result(inference, type);
}

/* What a convolution and a fully connected layer of bytes have in common. */
static void finish_quantized(Inference *inference) {
    const Node *node = inference->node;
    const int64_t *outputs = node_weight(node, "weight")->type.dims;
    bool bytes = node_integer(node, "result") == RESULT_U8;
    if (node_integer(node, "result") == RESULT_BF16)
        fault(inference, "the result is f32 or u8");
    check_weight(inference, "zero", 1, &operand(inference, 0)->dims[1]);
    check_weight(inference, "factor", 1, outputs);
    check_weight(inference, "offset", 1, outputs);
    if (operand(inference, 0)->element != ELEMENT_U8)
        fault(inference, "the operand must be of u8, but is %s", operand_spelling(inference, 0));
    if (bytes && node_integer(node, "activation") != ACTIVATION_NONE)
        fault(inference, "a result of u8 has no activation");
    if (inference->count == 1 && inference->capacity > 0 && bytes)
        inference->types[0].element = ELEMENT_U8;
}

static void infer_quantized_conv(Inference *inference) {
    infer_window_product(inference);
    if (!inference->failed)
        finish_quantized(inference);
}

static void infer_quantized_linear(Inference *inference) {
    infer_product(inference);
    if (!inference->failed)
        finish_quantized(inference);
}

static InferFunction *const infer_functions[OP_COUNT] = {
    [OP_conv] = infer_conv,
    [OP_batch_norm] = infer_batch_norm,
    [OP_bias] = infer_bias,
    [OP_relu] = infer_same,
    [OP_relu6] = infer_same,
    [OP_sigmoid] = infer_same,
    [OP_hard_sigmoid] = infer_same,
    [OP_hard_swish] = infer_same,
    [OP_add] = infer_binary,
    [OP_multiply] = infer_binary,
    [OP_concat] = infer_concat,
    [OP_split] = infer_split,
    [OP_shuffle] = infer_shuffle,
    [OP_gather] = infer_pick,
    [OP_route] = infer_pick,
    [OP_pad] = infer_pad,
    [OP_crop] = infer_crop,
    [OP_max_pool] = infer_pool,
    [OP_avg_pool] = infer_pool,
    [OP_global_avg_pool] = infer_global_avg_pool,
    [OP_flatten] = infer_flatten,
    [OP_unflatten] = infer_unflatten,
    [OP_linear] = infer_linear,
    [OP_range] = infer_range,
    [OP_quantize] = infer_quantize,
    [OP_quantized_conv] = infer_quantized_conv,
    [OP_quantized_linear] = infer_quantized_linear,
    [OP_softmax] = infer_same,
    [OP_local_response_norm] = infer_local_response_norm,
};

/* ---- what holds for every op ---- */

/* Most ops compute with floats. A residual is one, too. */
static bool takes_element(const Node *node, int index, ElementType element) {
    OpKind op = node->op;
    if (element == ELEMENT_F32 || op_keeps_numbers(op))
        return true;
    if (element == ELEMENT_U8)
        return op == OP_quantized_conv || op == OP_quantized_linear;
    return index == 0 && (op == OP_conv || op == OP_linear);
}

static void check_operands(Inference *inference) {
    const Node *node = inference->node;
    const OpInfo *info = op_info(node->op);
    if (node->operand_count < info->least_operands || node->operand_count > info->most_operands) {
        if (info->least_operands == info->most_operands)
            fault(inference, "takes %d operand%s, but got %d", info->least_operands,
                info->least_operands == 1 ? "" : "s", node->operand_count);
        else if (node->operand_count < info->least_operands)
            fault(inference, "takes at least %d operands, but got %d", info->least_operands,
                node->operand_count);
        else
            fault(inference, "takes at most %d operands, but got %d", info->most_operands,
                node->operand_count);
        return;
    }
    for (int i = 0; i < node->operand_count; i++) {
        const TensorType *type = operand(inference, i);
        if (type->rank != 2 && type->rank != 4)
            fault(inference, "operand %d is %s; values are [n,c,h,w] or [n,c]", i + 1,
                spelling(inference, type));
        else if (!takes_element(node, i, type->element))
            fault(inference, "operand %d is %s, but must be of f32", i + 1,
                spelling(inference, type));
        else if (tensor_elements(type) < 0)
            fault(inference, "operand %d is %s: sizes must be positive, and elements at most 2^40",
                i + 1, spelling(inference, type));
    }
}

static void check_weights_present(Inference *inference) {
    const Node *node = inference->node;
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->weight_count; i++) {
        const Weight *weight = node->weights[i];
        if (weight == NULL && info->weights[i].required)
            fault(inference, "the weight '%s' is missing", info->weights[i].name);
        else if (weight != NULL && weight->type.element != ELEMENT_F32 &&
                 ((node->op != OP_conv && node->op != OP_linear) || i > 0))
            fault(inference, "%s '%s' is %s, but must be of f32", info->weights[i].name,
                weight->path, spelling(inference, &weight->type));
        else if (weight != NULL && tensor_elements(&weight->type) < 0)
            fault(inference, "%s '%s' is %s: sizes must be positive, and elements at most 2^40",
                info->weights[i].name, weight->path, spelling(inference, &weight->type));
    }
}

static void check_choices(Inference *inference) {
    const Node *node = inference->node;
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->attribute_count; i++) {
        if (info->attributes[i].kind != ATTRIBUTE_CHOICE)
            continue;
        int64_t word = node->attributes[i].integer, count = 0;
        const char *const *words = choice_words(info->attributes[i].name);
        while (words[count] != NULL)
            count++;
        if (word < 0 || word >= count)
            fault(inference, "%s is word %lld of %lld", info->attributes[i].name, (long long)word,
                (long long)count);
    }
}

bool node_result_types(
    const Node *node, TensorType *types, int capacity, int *count, Diagnostics *diagnostics) {
    assert(infer_functions[node->op] != NULL);
    Inference inference = {
        .node = node,
        .diagnostics = diagnostics,
        .scratch = arena_create(),
        .types = types,
        .capacity = capacity,
    };
    check_operands(&inference);
    check_weights_present(&inference);
    check_choices(&inference);
    if (!inference.failed)
        infer_functions[node->op](&inference);
    arena_destroy(inference.scratch);
    *count = inference.count;
    return !inference.failed;
}
