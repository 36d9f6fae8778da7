/* Quantised ops. Values of u8 are whole floats here; sums of products of whole numbers are exact in
 * double, and are rounded to f32 once, as compiled code does when it converts its 32-bit sums. What
 * follows is computed in f32, step by step as compiled code does it, so that both agree bit for
 * bit. */
#include "ir/formula_number.h"
#include "ir/interpret.h"

#include <string.h>

/* One plane with its padding; [n,c] is a plane of one cell. */
static void quantize_plane(const Node *node, const Stored *source, Stored *target, Stored factor,
    Stored term, Stored zero) {
    const int64_t *padding = node_list(node, "padding").items;
    const TensorType *from = &node->operands[0]->type, *to = &node->results[0]->type;
    int64_t height = from->rank == 4 ? from->dims[2] : 1, width = plane_size(from) / height;
    int64_t out_height = to->rank == 4 ? to->dims[2] : 1, out_width = plane_size(to) / out_height;
    for (int64_t y = 0; y < out_height; y++)
        for (int64_t x = 0; x < out_width; x++) {
            int64_t row = y - padding[0], column = x - padding[1];
            bool inside = row >= 0 && row < height && column >= 0 && column < width;
            target[y * out_width + x] = stored_to_byte(
                inside ? stored_multiply_add(source[row * width + column], factor, term) : zero);
        }
}

void interpret_quantize(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    (void)scratch;
    const TensorType *from = &node->operands[0]->type, *to = &node->results[0]->type;
    const Stored *factor = weight_stored(node_weight(node, "factor"));
    const Stored *zero = weight_stored(node_weight(node, "zero"));
    const Weight *term = node_weight(node, "term");
    for (int64_t i = 0; i < to->dims[0] * to->dims[1]; i++) {
        int64_t channel = i % to->dims[1], source = i / to->dims[1] * from->dims[1] + channel;
        quantize_plane(node, operands[0] + source * plane_size(from),
            results[0] + i * plane_size(to), factor[channel],
            term != NULL ? weight_stored(term)[channel] : zero[channel], zero[channel]);
    }
}

/* The operand less its zero points: what the weights are multiplied with. */
static Stored *without_zero(const Node *node, const Stored *operand, Arena *scratch) {
    const TensorType *type = &node->operands[0]->type;
    const Stored *zero = weight_stored(node_weight(node, "zero"));
    int64_t count = tensor_elements(type), plane = plane_size(type);
    Stored *numbers = ARENA_ARRAY(scratch, Stored, count);
    for (int64_t i = 0; i < count; i++)
        numbers[i] = stored_subtract(operand[i], zero[i / plane % type->dims[1]]);
    return numbers;
}

/* From sums to what the node gives, in place. */
static void finish(const Node *node, Stored *sums, Arena *scratch) {
    const TensorType *type = &node->results[0]->type;
    const Stored *factor = weight_stored(node_weight(node, "factor"));
    const Stored *offset = weight_stored(node_weight(node, "offset"));
    const NumberFormula activation =
        number_formula(scratch, node_formula_attribute(node, "activation"));
    int64_t plane = plane_size(type);
    for (int64_t i = 0; i < tensor_elements(type); i++) {
        int64_t channel = i / plane % type->dims[1];
        Stored stored = stored_multiply_add(sums[i], factor[channel], offset[channel]);
        Number number = number_read(stored);
        sums[i] = type->element == ELEMENT_U8
                      ? stored_to_byte(stored)
                      : stored_of(number_formula_value(&activation, &number));
    }
}

static void add_residual(const Node *node, const Stored *residual, Stored *result, Arena *scratch) {
    const NumberFormula activation =
        number_formula(scratch, node_formula_attribute(node, "residual_activation"));
    for (int64_t i = 0; i < tensor_elements(&node->results[0]->type); i++) {
        Number sum = number_read(stored_add(result[i], residual[i]));
        result[i] = stored_of(number_formula_value(&activation, &sum));
    }
}

/* Lets the float op with the same weight compute the sums: as a node with the weight alone. */
static void interpret_product(const Node *node, OpKind op, InterpretFunction *interpret,
    const Stored *operand, Stored *result, Arena *scratch) {
    const OpInfo *info = op_info(op);
    Attribute *attributes = ARENA_ARRAY(scratch, Attribute, info->attribute_count);
    for (int i = 0; i < info->attribute_count; i++) {
        const OpAttribute *row = &info->attributes[i];
        const Attribute *shared = NULL;
        if (node->op == OP_quantized_conv && row->kind != ATTRIBUTE_CHOICE &&
            row->kind != ATTRIBUTE_FORMULA)
            shared = node_attribute((Node *)node, row->name);
        attributes[i] = shared ? *shared : op_attribute_default(row, scratch);
    }
    Node plain = *node;
    plain.op = op;
    plain.attributes = attributes;
    plain.operand_count = 1;
    memset(plain.weights, 0, sizeof plain.weights);
    plain.weights[0] = node->weights[0];
    interpret(&plain, &operand, &result, scratch);
}

void interpret_quantized_conv(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    Stored *numbers = without_zero(node, operands[0], scratch);
    interpret_product(node, OP_conv, interpret_conv, numbers, results[0], scratch);
    finish(node, results[0], scratch);
    if (node->operand_count > 1)
        add_residual(node, operands[1], results[0], scratch);
}

void interpret_quantized_linear(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    Stored *numbers = without_zero(node, operands[0], scratch);
    interpret_product(node, OP_linear, interpret_linear, numbers, results[0], scratch);
    finish(node, results[0], scratch);
}
