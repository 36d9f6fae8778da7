/* Shape rules: the table of ops, what holds for all of them, and what the rules share. */
#include "ir/infer.h"
#include "ir/formula.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static InferFunction *const infer_functions[OP_COUNT] = {
    [OP_conv] = infer_conv,
    [OP_conv_transpose] = infer_conv_transpose,
    [OP_batch_norm] = infer_batch_norm,
    [OP_bias] = infer_bias,
#define ELEMENT(name, ...) [OP_##name] = infer_elements,
#include "ir/elements.def"
    [OP_map] = infer_elements,
    [OP_pixels] = infer_pixels,
    [OP_constant] = infer_constant,
    [OP_concat] = infer_concat,
    [OP_split] = infer_split,
    [OP_shuffle] = infer_shuffle,
    [OP_gather] = infer_pick,
    [OP_route] = infer_pick,
    [OP_rearrange] = infer_rearrange,
    [OP_slice] = infer_slice,
    [OP_join] = infer_join,
    [OP_pad] = infer_pad,
    [OP_crop] = infer_crop,
    [OP_resize] = infer_resize,
    [OP_take] = infer_take,
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
    [OP_log_softmax] = infer_same,
    [OP_reduce] = infer_reduce,
    [OP_arg_max] = infer_arg_max,
    [OP_local_response_norm] = infer_local_response_norm,
};

void shape_fault(Inference *inference, const char *format, ...) {
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

const TensorType *operand_type(const Inference *inference, int index) {
    return &inference->node->operands[index]->type;
}

const char *operand_spelling(Inference *inference, int index) {
    return tensor_type_spelling(operand_type(inference, index), inference->scratch);
}

void add_result(Inference *inference, TensorType type) {
    if (tensor_elements(&type) < 0) {
        shape_fault(inference, "the result %s has more than 2^40 elements",
            tensor_type_spelling(&type, inference->scratch));
        return;
    }
    if (inference->count < inference->capacity)
        inference->types[inference->count] = type;
    inference->count++;
}

bool wants_pixels(Inference *inference) {
    if (operand_type(inference, 0)->rank == 4)
        return true;
    shape_fault(
        inference, "the operand must be [n,c,h,w], but is %s", operand_spelling(inference, 0));
    return false;
}

void check_weight(Inference *inference, const char *name, int rank, const int64_t *dims) {
    const Weight *weight = node_weight(inference->node, name);
    if (weight == NULL)
        return;
    TensorType wanted = tensor_type(rank, dims);
    if (!tensor_type_equal(&weight->type, &wanted))
        shape_fault(inference, "%s '%s' is %s, but the operand %s needs %s", name, weight->path,
            tensor_type_spelling(&weight->type, inference->scratch), operand_spelling(inference, 0),
            tensor_type_spelling(&wanted, inference->scratch));
}

void check_channel_weights(Inference *inference, int64_t channels) {
    const OpInfo *info = op_info(inference->node->op);
    for (int i = 0; i < info->weight_count; i++)
        check_weight(inference, info->weights[i].name, 1, &channels);
}

bool read_steps(
    Inference *inference, const char *name, size_t count, int64_t least, int64_t *items) {
    IntegerList list = node_list(inference->node, name);
    if (list.count != count) {
        shape_fault(inference, "%s must have %zu entries, but has %zu", name, count, list.count);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = list.items[i];
        if (items[i] < least || items[i] > LARGEST_STEP) {
            shape_fault(inference, "%s must be from %lld to %d, but is %lld", name,
                (long long)least, LARGEST_STEP, (long long)items[i]);
            return false;
        }
    }
    return true;
}

/* ---- what holds for every op ---- */

/* Most ops compute with floats. A residual is one, or a number of f16. */
static bool takes_element(const Node *node, int index, ElementType element) {
    OpKind op = node->op;
    if (element == ELEMENT_F32 || op_keeps_numbers(op))
        return true;
    if (element == ELEMENT_U8)
        return index == 0 && (op == OP_quantized_conv || op == OP_quantized_linear ||
                                 op == OP_pixels || op == OP_quantize);
    if (element == ELEMENT_F16 && op_takes_f16(op))
        return true;
    return (index == 0 || element == ELEMENT_F16) && (op == OP_conv || op == OP_linear);
}

/* What computes element by element or sums up takes numbers of f16 together or not at all. */
static void check_alike(Inference *inference) {
    const Node *node = inference->node;
    bool checked = op_takes_f16(node->op) && !op_keeps_numbers(node->op);
    for (int i = 1; checked && i < node->operand_count; i++)
        if (operand_type(inference, i)->element != operand_type(inference, 0)->element) {
            shape_fault(inference, "the operands are %s and %s, but must be of one type",
                operand_spelling(inference, 0), operand_spelling(inference, i));
            return;
        }
}

static void check_operands(Inference *inference) {
    const Node *node = inference->node;
    const OpInfo *info = op_info(node->op);
    if (node->operand_count < info->least_operands || node->operand_count > info->most_operands) {
        if (info->least_operands == info->most_operands)
            shape_fault(inference, "takes %d operand%s, but got %d", info->least_operands,
                info->least_operands == 1 ? "" : "s", node->operand_count);
        else if (node->operand_count < info->least_operands)
            shape_fault(inference, "takes at least %d operands, but got %d", info->least_operands,
                node->operand_count);
        else
            shape_fault(inference, "takes at most %d operands, but got %d", info->most_operands,
                node->operand_count);
        return;
    }
    for (int i = 0; i < node->operand_count; i++) {
        const TensorType *type = operand_type(inference, i);
        if (!rank_has_channels(type->rank) && !op_moves_numbers(node->op))
            shape_fault(inference, "operand %d is %s; values are [n,c,h,w] or [n,c]", i + 1,
                tensor_type_spelling(type, inference->scratch));
        else if (!takes_element(node, i, type->element))
            shape_fault(inference, "operand %d is %s, but must be of f32", i + 1,
                tensor_type_spelling(type, inference->scratch));
        else if (tensor_elements(type) < 0)
            shape_fault(inference,
                "operand %d is %s: sizes must be positive, and elements at most 2^40", i + 1,
                tensor_type_spelling(type, inference->scratch));
    }
}

static void check_weights_present(Inference *inference) {
    const Node *node = inference->node;
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->weight_count; i++) {
        const Weight *weight = node->weights[i];
        if (weight == NULL && info->weights[i].required)
            shape_fault(inference, "the weight '%s' is missing", info->weights[i].name);
        else if (weight != NULL && weight->type.element != ELEMENT_F32 &&
                 ((node->op != OP_conv && node->op != OP_linear) || i > 0))
            shape_fault(inference, "%s '%s' is %s, but must be of f32", info->weights[i].name,
                weight->path, tensor_type_spelling(&weight->type, inference->scratch));
        else if (weight != NULL && tensor_elements(&weight->type) < 0)
            shape_fault(inference,
                "%s '%s' is %s: sizes must be positive, and elements at most 2^40",
                info->weights[i].name, weight->path,
                tensor_type_spelling(&weight->type, inference->scratch));
    }
}

static void check_formula(
    Inference *inference, const OpAttribute *row, const Attribute *attribute) {
    if (row->kind != ATTRIBUTE_FORMULA || attribute->formula == NULL)
        return;
    int most = inference->node->op == OP_map ? inference->node->operand_count : 1;
    if (attribute->formula->operand_count > most)
        shape_fault(inference, "%s reads %d operands, but there %s %d", row->name,
            attribute->formula->operand_count, most == 1 ? "is" : "are", most);
    if (formula_size(attribute->formula) > MOST_FORMULA_SIZE)
        shape_fault(inference, "%s has more than %d terms", row->name, MOST_FORMULA_SIZE);
}

static void check_choices(Inference *inference) {
    const Node *node = inference->node;
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->attribute_count; i++) {
        check_formula(inference, &info->attributes[i], &node->attributes[i]);
        if (info->attributes[i].kind != ATTRIBUTE_CHOICE)
            continue;
        int64_t word = node->attributes[i].integer, count = 0;
        const char *const *words = choice_words(info->attributes[i].name);
        while (words[count] != NULL)
            count++;
        if (word < 0 || word >= count)
            shape_fault(inference, "%s is word %lld of %lld", info->attributes[i].name,
                (long long)word, (long long)count);
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
    check_alike(&inference);
    check_weights_present(&inference);
    check_choices(&inference);
    if (!inference.failed)
        infer_functions[node->op](&inference);
    arena_destroy(inference.scratch);
    *count = inference.count;
    return !inference.failed;
}
