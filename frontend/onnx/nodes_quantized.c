/* Quantised models: QuantizeLinear and DequantizeLinear, and the ops that have both in them.
 *
 * A quantised tensor stands here for the numbers that its integers mean: QuantizeLinear is a
 * fake_quantize of its operand, and DequantizeLinear of that is nothing, wherever the integers were
 * moved in between. Constants become the floats that they mean. What is known of scales is in the
 * graph then, and the pass quantize finds it there. */
#include "frontend/onnx/importer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- scales ---- */

/* Of integers: x = (q - zero) * scale, one or several along an axis. */
typedef struct IntegerScales {
    const float *scale;
    const int64_t *zero; /* NULL: 0 */
    int64_t count;
    int axis;           /* when there are several */
    double least, most; /* what the integers can be */
} IntegerScales;

static bool find_bounds(Importer *importer, int type, IntegerScales *scales) {
    static const struct {
        OnnxType type;
        double least, most;
    } rows[] = {{ONNX_UINT8, 0, UINT8_MAX}, {ONNX_INT8, INT8_MIN, INT8_MAX},
        {ONNX_UINT16, 0, UINT16_MAX}, {ONNX_INT16, INT16_MIN, INT16_MAX},
        {ONNX_INT32, INT32_MIN, INT32_MAX}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if ((int)rows[i].type == type) {
            scales->least = rows[i].least;
            scales->most = rows[i].most;
            return true;
        }
    return node_fault(importer, NULL, "its zero point is of the type %s, which is not known here",
        onnx_type_name(importer, type));
}

/* The scale is the operand `index`, its zero point the one behind it; `type` is of the integers
 * where there is none. */
static bool read_scales(Importer *importer, size_t index, int type, IntegerScales *scales) {
    Symbol *scale, *zero = input_symbol(importer, index + 1);
    if (!constant_operand(importer, index, "scale", &scale))
        return false;
    if (zero != NULL && !constant_operand(importer, index + 1, "zero point", &zero))
        return false;
    *scales = (IntegerScales){.scale = scale->floats, .count = shape_elements(&scale->shape)};
    if (scale->floats == NULL || scale->shape.rank > 1 || scales->count < 1 ||
        (zero != NULL && (zero->integers == NULL || shape_elements(&zero->shape) != scales->count)))
        return node_fault(importer, NULL,
            "its scale is no list of floats with as many whole numbers as zero points");
    for (int64_t i = 0; i < scales->count; i++)
        if (!(scales->scale[i] > 0) || !isfinite(scales->scale[i]))
            return node_fault(
                importer, NULL, "its scale %g is no positive number", (double)scales->scale[i]);
    scales->zero = zero == NULL ? NULL : zero->integers;
    return find_bounds(importer, zero == NULL ? type : zero->type, scales);
}

/* Where there are several scales: along which axis of the shape they are; `standard` where the node
 * does not say. */
static bool read_axis(
    Importer *importer, const Shape *shape, int64_t standard, IntegerScales *scales) {
    int64_t axis, block;
    if (!attribute_integer(importer, "axis", standard, &axis) ||
        !attribute_integer(importer, "block_size", 0, &block))
        return false;
    if (block != 0)
        return node_fault(importer, NULL, "scales of blocks are not known to riffle");
    if (scales->count == 1)
        return true;
    return resolve_axis(importer, axis, shape->rank, &scales->axis) &&
           (shape->dims[scales->axis] == scales->count ||
               node_fault(importer, NULL, "it has %" PRId64 " scales for %s along dimension %d",
                   scales->count, shape_spelling(importer->arena, shape), scales->axis));
}

/* Which scale element i of a tensor of the shape has. */
static int64_t scale_of_element(const IntegerScales *scales, const Shape *shape, int64_t i) {
    if (scales->count == 1)
        return 0;
    for (int d = shape->rank - 1; d > scales->axis; d--)
        i /= shape->dims[d];
    return i % scales->count;
}

static int64_t zero_of(const IntegerScales *scales, int64_t index) {
    return scales->zero == NULL ? 0 : scales->zero[index];
}

/* ---- constants ---- */

/* As the weight was called in the model that was quantised. */
static const char *name_before_quantizing(Importer *importer, const char *name) {
    static const char suffix[] = "_quantized";
    size_t length = strlen(name), ending = strlen(suffix);
    bool ends = length > ending && strcmp(name + length - ending, suffix) == 0;
    return arena_copy_bytes(importer->arena, name, ends ? length - ending : length);
}

static Symbol *dequantized_constant(
    Importer *importer, const Symbol *constant, const IntegerScales *scales) {
    int64_t count = shape_elements(&constant->shape);
    if (constant->integers == NULL) {
        node_fault(importer, NULL, "its constant holds no whole numbers");
        return NULL;
    }
    if (!spend_elements(importer, &constant->shape))
        return NULL;
    float *floats = ARENA_ARRAY(importer->arena, float, count + 1);
    for (int64_t i = 0; i < count; i++) {
        int64_t k = scale_of_element(scales, &constant->shape, i);
        floats[i] = (float)(constant->integers[i] - zero_of(scales, k)) * scales->scale[k];
    }
    Symbol *symbol = symbol_floats(importer, &constant->shape, floats);
    symbol->name = name_before_quantizing(importer, constant->name);
    return symbol;
}

static Symbol *quantized_constant(
    Importer *importer, const Symbol *constant, const IntegerScales *scales) {
    int64_t count = shape_elements(&constant->shape);
    if (constant->floats == NULL) {
        node_fault(importer, NULL, "its constant holds no floats");
        return NULL;
    }
    if (!spend_elements(importer, &constant->shape))
        return NULL;
    int64_t *integers = ARENA_ARRAY(importer->arena, int64_t, count + 1);
    for (int64_t i = 0; i < count; i++) {
        int64_t k = scale_of_element(scales, &constant->shape, i);
        double rounded =
            (double)rintf(constant->floats[i] / scales->scale[k]) + (double)zero_of(scales, k);
        integers[i] = !(rounded > scales->least) ? (int64_t)scales->least
                      : rounded > scales->most   ? (int64_t)scales->most
                                                 : (int64_t)rounded;
    }
    return symbol_integers(importer, &constant->shape, integers);
}

/* ---- tensors ---- */

/* Step, least and most of fake_quantize. */
typedef struct Grid {
    double numbers[3];
} Grid;

static bool grid_of(Importer *importer, const IntegerScales *scales, Grid *grid) {
    double zero = (double)zero_of(scales, 0);
    if (scales->count != 1)
        return node_fault(importer, NULL,
            "it has several scales; those of tensors that are computed must be one");
    if (zero < scales->least || zero > scales->most)
        return node_fault(importer, NULL, "its zero point %g is out of its range", zero);
    *grid = (Grid){{(double)scales->scale[0], scales->least - zero, scales->most - zero}};
    return true;
}

/* A question of one grid; values are looked at once, however many ways lead to them. */
typedef struct GridSearch {
    const Grid *grid;
    bool *looked_at; /* by value id: the value is on the grid, or the answer is no already */
} GridSearch;

/* Whether the value holds only numbers that fake_quantize leaves as they are. */
static bool value_is_on_grid(const GridSearch *search, const Value *value, int depth) {
    const Node *node = value->producer;
    if (search->looked_at[value->id])
        return true;
    if (node == NULL || depth == 0)
        return false;
    search->looked_at[value->id] = true;
    if (node->op == OP_fake_quantize) {
        for (int i = 0; i < 3; i++)
            if (node->attributes[i].number != search->grid->numbers[i])
                return false;
        return true;
    }
    bool keeps = op_moves_channels(node->op) || op_moves_numbers(node->op) ||
                 node->op == OP_max_pool || node->op == OP_flatten || node->op == OP_unflatten ||
                 node->op == OP_relu || node->op == OP_pad || node->op == OP_crop;
    for (int i = 0; keeps && i < node->operand_count; i++)
        keeps = value_is_on_grid(search, node->operands[i], depth - 1);
    return keeps;
}

static bool is_on_grid(const Importer *importer, const Symbol *symbol, const Grid *grid) {
    enum { MOST_DEPTH = 16 };
    int64_t count = 1;
    for (int i = 0; symbol->places != NULL && i < symbol->outer; i++)
        count *= symbol->shape.dims[i];
    Arena *scratch = arena_create();
    GridSearch search = {grid, ARENA_ARRAY(scratch, bool, importer->graph->next_value_id)};
    bool is_on = true;
    for (int64_t i = 0; is_on && i < count; i++)
        is_on = value_is_on_grid(
            &search, symbol->places == NULL ? symbol->value : symbol->places[i].value, MOST_DEPTH);
    arena_destroy(scratch);
    return is_on;
}

static Symbol *rounded(Importer *importer, Symbol *symbol, const Grid *grid) {
    if (is_on_grid(importer, symbol, grid))
        return symbol;
    Value *value = symbol_elements(importer, symbol);
    if (value == NULL)
        return NULL;
    Node *node = begin_node(importer, OP_fake_quantize, "", &value, 1);
    for (int i = 0; i < 3; i++)
        node->attributes[i].number = grid->numbers[i];
    return finish_node(importer, node) ? view_over(importer, node->results[0], &symbol->shape)
                                       : NULL;
}

/* ---- QuantizeLinear, DequantizeLinear ---- */

bool import_quantize_linear(Importer *importer) {
    Symbol *symbol = input_symbol(importer, 0), *result;
    int64_t type;
    IntegerScales scales;
    Grid grid;
    if (symbol == NULL)
        return node_fault(importer, NULL, "it has no input");
    if (!attribute_integer(importer, "output_dtype", ONNX_UINT8, &type) ||
        !read_scales(importer, 1, type == 0 ? ONNX_UINT8 : (int)type, &scales) ||
        !read_axis(importer, &symbol->shape, 1, &scales))
        return false;
    if (symbol->kind == SYMBOL_CONSTANT)
        result = quantized_constant(importer, symbol, &scales);
    else
        result = grid_of(importer, &scales, &grid) ? rounded(importer, symbol, &grid) : NULL;
    return result != NULL && set_result(importer, result);
}

/* The tensor that the operand stands for, whose scale is the operand behind it; several are along
 * the axis. NULL after reporting. */
static Symbol *dequantized(Importer *importer, size_t index, int64_t axis) {
    Symbol *symbol = input_symbol(importer, index);
    IntegerScales scales;
    Grid grid;
    if (symbol == NULL) {
        node_fault(importer, NULL, "its input %zu is left out", index + 1);
        return NULL;
    }
    int type = symbol->kind == SYMBOL_CONSTANT && symbol->type != 0 ? symbol->type : ONNX_UINT8;
    if (!read_scales(importer, index + 1, type, &scales) ||
        !read_axis(importer, &symbol->shape, axis, &scales))
        return NULL;
    if (symbol->kind == SYMBOL_CONSTANT)
        return dequantized_constant(importer, symbol, &scales);
    if (!grid_of(importer, &scales, &grid))
        return NULL;
    if (is_on_grid(importer, symbol, &grid))
        return symbol;
    node_fault(importer, NULL,
        "its input '%s' was not quantised with the scale that it is to be taken apart with",
        importer->node->input[index]);
    return NULL;
}

bool import_dequantize_linear(Importer *importer) {
    Symbol *symbol = dequantized(importer, 0, 1);
    return symbol != NULL && set_result(importer, symbol);
}

/* ---- ops of integers, as the op of what they stand for ---- */

enum { MOST_OPERANDS = 64 };

/* What stands for the current node: an op that its operands are given to. */
typedef struct Stand {
    ModelNode node;
    char *inputs[MOST_OPERANDS], *outputs[1];
} Stand;

static void stand_create(Importer *importer, const char *op, Stand *stand) {
    stand->node = *importer->node;
    stand->node.op_type = arena_copy_string(importer->arena, op);
    stand->node.input = stand->inputs;
    stand->node.output = stand->outputs;
    stand->node.n_input = 0;
    stand->node.n_output = 1;
    stand->outputs[0] =
        (char *)arena_format(importer->arena, "%s, not rounded", importer->node->output[0]);
}

static void stand_add(Importer *importer, Stand *stand, Symbol *symbol, const char *name) {
    char *own = (char *)arena_format(importer->arena, "%s, as floats", name);
    name_map_put(importer->symbols, own, symbol);
    stand->inputs[stand->node.n_input++] = own;
}

/* Imports the op in the node's stead, and rounds its result with the scale at the operand `index`;
 * where there is none, the result is of floats. */
static bool stand_import(Importer *importer, Stand *stand, size_t index) {
    const ModelNode *node = importer->node;
    importer->node = &stand->node;
    bool good = onnx_op_find(stand->node.op_type)->import(importer);
    importer->node = node;
    IntegerScales scales;
    Grid grid;
    if (!good)
        return false;
    Symbol *result = name_map_find(importer->symbols, stand->outputs[0]);
    if (!has_operand(importer, index))
        return set_result(importer, result);
    if (!read_scales(importer, index, ONNX_UINT8, &scales) || !grid_of(importer, &scales, &grid))
        return false;
    result = rounded(importer, result, &grid);
    return result != NULL && set_result(importer, result);
}

/* Adds the operand at the index, whose scale and zero point are behind it. */
static bool add_dequantized(Importer *importer, Stand *stand, size_t index, int64_t axis) {
    Symbol *symbol = dequantized(importer, index, axis);
    if (symbol == NULL)
        return false;
    stand_add(importer, stand, symbol, importer->node->input[index]);
    return true;
}

/* The bias of integers, in steps of the product of the scales at two operands. */
static bool add_bias(
    Importer *importer, Stand *stand, size_t index, size_t x_scale, size_t w_scale) {
    Symbol *bias, *x, *w;
    if (!has_operand(importer, index))
        return true;
    if (!constant_operand(importer, index, "bias", &bias) ||
        !constant_operand(importer, x_scale, "scale", &x) ||
        !constant_operand(importer, w_scale, "scale", &w))
        return false;
    int64_t count = shape_elements(&bias->shape), scales = shape_elements(&w->shape);
    if (bias->integers == NULL || x->floats == NULL || w->floats == NULL || scales < 1 ||
        shape_elements(&x->shape) != 1 || (scales != 1 && scales != count))
        return node_fault(importer, NULL, "its bias is no list of whole numbers for its scales");
    if (!spend_elements(importer, &bias->shape))
        return false;
    float *floats = ARENA_ARRAY(importer->arena, float, count + 1);
    for (int64_t i = 0; i < count; i++)
        floats[i] = (float)((double)bias->integers[i] * (double)x->floats[0] *
                            (double)w->floats[scales == 1 ? 0 : i]);
    stand_add(importer, stand, symbol_floats(importer, &bias->shape, floats),
        importer->node->input[index]);
    return true;
}

/* Two operands with their scales, of the second along the axis; the result's scale, and a bias. */
static bool import_product(
    Importer *importer, const char *op, int64_t axis, size_t bias, size_t result) {
    Stand stand;
    stand_create(importer, op, &stand);
    return add_dequantized(importer, &stand, 0, 1) && add_dequantized(importer, &stand, 3, axis) &&
           (bias == 0 || add_bias(importer, &stand, bias, 1, 4)) &&
           stand_import(importer, &stand, result);
}

bool import_q_convolution(Importer *importer) {
    return import_product(importer, "Conv", 0, 8, 6);
}

bool import_q_gemm(Importer *importer) {
    int64_t transposed;
    return attribute_integer(importer, "transB", 0, &transposed) &&
           import_product(importer, "Gemm", transposed != 0 ? 0 : 1, 6, 7);
}

/* QLinearMatMul, QLinearAdd and QLinearMul: called as the op of floats, with another beginning. */
bool import_q_of_two(Importer *importer) {
    return import_product(importer, importer->node->op_type + strlen("QLinear"), 1, 0, 6);
}

bool import_q_of_one(Importer *importer) {
    Stand stand;
    stand_create(importer, importer->node->op_type + strlen("QLinear"), &stand);
    return add_dequantized(importer, &stand, 0, 1) && stand_import(importer, &stand, 3);
}

bool import_q_concat(Importer *importer) {
    Stand stand;
    stand_create(importer, "Concat", &stand);
    size_t count = importer->node->n_input;
    if (count < 5 || (count - 2) % 3 != 0 || (count - 2) / 3 > MOST_OPERANDS)
        return node_fault(
            importer, NULL, "it has %zu inputs, which is no number of triples", count);
    for (size_t i = 2; i < count; i += 3)
        if (!add_dequantized(importer, &stand, i, 1))
            return false;
    return stand_import(importer, &stand, 0);
}
