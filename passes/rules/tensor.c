/* Weights of results: a small set of functions of weights, computed in double. Where the weights
 * have no numbers the shapes are computed all the same. */
#include "passes/rules/match.h"

#include <math.h>
#include <string.h>

enum { MOST_ELEMENTS = 1 << 30 };

int64_t rule_tensor_elements(const RuleTensor *tensor) {
    int64_t elements = 1;
    for (int i = 0; i < tensor->rank; i++) {
        if (tensor->dims[i] < 1 || tensor->dims[i] > MOST_ELEMENTS / elements)
            return -1;
        elements *= tensor->dims[i];
    }
    return elements;
}

/* Numbers to be filled; NULL, and no fault, where an operand has none. */
static double *allocate(RuleMatch *match, const RuleExpression *call, RuleTensor *tensor,
    bool has_numbers, bool *fits) {
    int64_t elements = rule_tensor_elements(tensor);
    *fits = elements >= 0;
    if (!*fits)
        rule_fault(match, call, "the weight is larger than riffle allows");
    double *numbers = *fits && has_numbers ? ARENA_ARRAY(match->arena, double, elements) : NULL;
    tensor->numbers = numbers;
    tensor->weight = NULL;
    return numbers;
}

static RuleDatum tensor_datum(RuleTensor tensor) {
    return (RuleDatum){.kind = RULE_DATUM_TENSOR, .tensor = tensor};
}

static const RuleDatum fault = {.kind = RULE_DATUM_FAULT};
static const RuleDatum nothing = {.kind = RULE_DATUM_NOTHING};

/* A number stands for a tensor of one element. */
static bool to_tensor(RuleMatch *match, RuleDatum datum, RuleTensor *tensor) {
    if (datum.kind == RULE_DATUM_TENSOR) {
        *tensor = datum.tensor;
        return true;
    }
    if (datum.kind != RULE_DATUM_INTEGER && datum.kind != RULE_DATUM_NUMBER)
        return false;
    double *number = ARENA_NEW(match->arena, double);
    *number = datum.kind == RULE_DATUM_INTEGER ? (double)datum.integer : datum.number;
    *tensor = (RuleTensor){.rank = 0, .numbers = number};
    return true;
}

/* ---- element by element ---- */

static double combine(RuleFunction function, double a, double b) {
    switch (function) {
    case RULE_add:
        return a + b;
    case RULE_subtract:
        return a - b;
    case RULE_multiply:
        return a * b;
    default:
        return a / b;
    }
}

/* Equal dimensions, or 1, which is repeated; a number goes with all. */
static bool common_shape(const RuleTensor *a, const RuleTensor *b, RuleTensor *shape) {
    *shape = a->rank == 0 ? *b : *a;
    if (a->rank == 0 || b->rank == 0)
        return true;
    bool fits = a->rank == b->rank;
    for (int i = 0; fits && i < a->rank; i++) {
        fits = a->dims[i] == b->dims[i] || a->dims[i] == 1 || b->dims[i] == 1;
        shape->dims[i] = a->dims[i] > b->dims[i] ? a->dims[i] : b->dims[i];
    }
    return fits;
}

static int64_t element_at(const RuleTensor *tensor, const RuleTensor *shape, int64_t element) {
    int64_t at = 0, step = 1;
    for (int i = tensor->rank - 1; i >= 0; i--) {
        int64_t index = element % shape->dims[i];
        element /= shape->dims[i];
        at += tensor->dims[i] == 1 ? 0 : index * step;
        step *= tensor->dims[i];
    }
    return at;
}

static RuleDatum binary(RuleMatch *match, const RuleExpression *call, RuleTensor a, RuleTensor b) {
    RuleTensor result;
    if (!common_shape(&a, &b, &result))
        return rule_fault(match, call, "these weights have shapes that do not go together");
    bool fits, has_numbers = a.numbers != NULL && b.numbers != NULL;
    double *numbers = allocate(match, call, &result, has_numbers, &fits);
    if (!fits)
        return fault;
    int64_t elements = rule_tensor_elements(&result);
    for (int64_t i = 0; numbers != NULL && i < elements; i++)
        numbers[i] = combine(call->function, a.numbers[element_at(&a, &result, i)],
            b.numbers[element_at(&b, &result, i)]);
    return tensor_datum(result);
}

static RuleDatum unary(RuleMatch *match, const RuleExpression *call, RuleTensor a) {
    bool fits;
    RuleTensor result = a;
    double *numbers = allocate(match, call, &result, a.numbers != NULL, &fits);
    int64_t elements = rule_tensor_elements(&a);
    for (int64_t i = 0; numbers != NULL && i < elements; i++)
        numbers[i] = call->function == RULE_sqrt ? sqrt(a.numbers[i]) : -a.numbers[i];
    return fits ? tensor_datum(result) : fault;
}

/* Zeros of any shape: they add nothing, and what they are multiplied with is nothing, too. */
static RuleDatum with_nothing(
    RuleMatch *match, const RuleExpression *call, const RuleDatum *items) {
    bool first = items[0].kind == RULE_DATUM_NOTHING;
    switch (call->function) {
    case RULE_add:
        return items[first ? 1 : 0];
    case RULE_subtract: {
        RuleTensor tensor;
        if (!first)
            return items[0];
        RuleExpression negated = *call;
        negated.function = RULE_negate;
        return items[1].kind == RULE_DATUM_NOTHING ? nothing
               : to_tensor(match, items[1], &tensor)
                   ? unary(match, &negated, tensor)
                   : rule_fault(match, call, "this takes numbers and weights");
    }
    case RULE_divide:
        return first ? nothing : rule_fault(match, call, "a weight that is not there divides");
    case RULE_concat:
        return items[0].kind == items[1].kind
                   ? nothing
                   : rule_fault(match, call, "one of the weights is not there");
    default:
        return nothing;
    }
}

/* ---- functions of one weight ---- */

/* [n] as [n,1,1,1] or [1,n,1,1]. */
static RuleDatum per_channel(RuleMatch *match, const RuleExpression *call, RuleTensor a) {
    if (a.rank != 1)
        return rule_fault(match, call, "'%s' takes a weight of one dimension",
            rule_function_info(call->function)->name);
    RuleTensor result = {.rank = 4, .dims = {1, 1, 1, 1}, .numbers = a.numbers};
    result.dims[call->function == RULE_per_output ? 0 : 1] = a.dims[0];
    return tensor_datum(result);
}

static RuleDatum sum_taps(RuleMatch *match, const RuleExpression *call, RuleTensor a) {
    if (a.rank != 4)
        return rule_fault(match, call, "'sum_taps' takes a weight of four dimensions");
    RuleTensor result = {.rank = 2, .dims = {a.dims[0], a.dims[1]}};
    int64_t taps = a.dims[2] * a.dims[3], kernels = a.dims[0] * a.dims[1];
    bool fits;
    double *numbers = allocate(match, call, &result, a.numbers != NULL, &fits);
    for (int64_t i = 0; numbers != NULL && i < kernels; i++)
        for (int64_t k = 0; k < taps; k++)
            numbers[i] += a.numbers[i * taps + k];
    return fits ? tensor_datum(result) : fault;
}

static RuleDatum pad(
    RuleMatch *match, const RuleExpression *call, RuleTensor a, IntegerList sides) {
    bool good = a.rank == 4 && sides.count == 4;
    for (size_t i = 0; good && i < 4; i++)
        good = sides.items[i] >= 0 && sides.items[i] < MOST_ELEMENTS;
    if (!good)
        return rule_fault(match, call,
            "'pad' takes a weight of four dimensions, and four numbers of zeros that are not "
            "negative");
    RuleTensor result = a;
    result.dims[2] += sides.items[0] + sides.items[2];
    result.dims[3] += sides.items[1] + sides.items[3];
    bool fits;
    double *numbers = allocate(match, call, &result, a.numbers != NULL, &fits);
    int64_t rows = a.dims[2], columns = a.dims[3];
    for (int64_t i = 0; numbers != NULL && i < a.dims[0] * a.dims[1] * rows; i++) {
        int64_t row = i / rows * result.dims[2] + sides.items[0] + i % rows;
        memcpy(numbers + row * result.dims[3] + sides.items[1], a.numbers + i * columns,
            (size_t)columns * sizeof *numbers);
    }
    return fits ? tensor_datum(result) : fault;
}

static RuleDatum reshape(
    RuleMatch *match, const RuleExpression *call, RuleTensor a, IntegerList dims) {
    RuleTensor result = {.rank = (int)dims.count, .numbers = a.numbers};
    if (dims.count > MAX_RANK)
        return rule_fault(match, call, "a weight has at most %d dimensions", MAX_RANK);
    for (size_t i = 0; i < dims.count; i++)
        result.dims[i] = dims.items[i];
    if (rule_tensor_elements(&result) != rule_tensor_elements(&a))
        return rule_fault(match, call, "a weight keeps as many numbers as it has");
    return tensor_datum(result);
}

static RuleDatum filled(
    RuleMatch *match, const RuleExpression *call, IntegerList dims, RuleTensor number) {
    RuleTensor result = {.rank = (int)dims.count};
    if (dims.count > MAX_RANK || number.rank != 0)
        return rule_fault(
            match, call, "'filled' takes at most %d dimensions, and a number", MAX_RANK);
    for (size_t i = 0; i < dims.count; i++)
        result.dims[i] = dims.items[i];
    bool fits;
    double *numbers = allocate(match, call, &result, true, &fits);
    for (int64_t i = 0; numbers != NULL && i < rule_tensor_elements(&result); i++)
        numbers[i] = number.numbers[0];
    return fits ? tensor_datum(result) : fault;
}

static RuleDatum identity(RuleMatch *match, const RuleExpression *call, int64_t channels) {
    RuleTensor result = {.rank = 4, .dims = {channels, channels, 1, 1}};
    bool fits;
    double *numbers = allocate(match, call, &result, true, &fits);
    for (int64_t i = 0; numbers != NULL && i < channels; i++)
        numbers[i * channels + i] = 1;
    return fits ? tensor_datum(result) : fault;
}

/* ---- functions of two weights ---- */

static RuleDatum matmul(RuleMatch *match, const RuleExpression *call, RuleTensor a, RuleTensor b) {
    bool pointwise = a.rank == 2 || (a.rank == 4 && a.dims[2] == 1 && a.dims[3] == 1);
    if (!pointwise || b.rank < 1 || a.dims[1] != b.dims[0])
        return rule_fault(match, call,
            "'matmul' takes [o,m] or [o,m,1,1] and [m,...]: the shapes do not go together");
    RuleTensor result = b;
    result.dims[0] = a.dims[0];
    bool fits;
    double *numbers = allocate(match, call, &result, a.numbers != NULL && b.numbers != NULL, &fits);
    if (!fits)
        return fault;
    int64_t middle = a.dims[1], size = rule_tensor_elements(&b) / middle;
    for (int64_t o = 0; numbers != NULL && o < a.dims[0]; o++)
        for (int64_t m = 0; m < middle; m++)
            for (int64_t k = 0; k < size; k++)
                numbers[o * size + k] += a.numbers[o * middle + m] * b.numbers[m * size + k];
    return tensor_datum(result);
}

static RuleDatum concat(RuleMatch *match, const RuleExpression *call, RuleTensor a, RuleTensor b) {
    bool alike = a.rank == b.rank && a.rank > 0;
    for (int i = 1; alike && i < a.rank; i++)
        alike = a.dims[i] == b.dims[i];
    if (!alike)
        return rule_fault(
            match, call, "'concat' joins weights that differ in the first dimension alone");
    RuleTensor result = a;
    result.dims[0] += b.dims[0];
    bool fits;
    double *numbers = allocate(match, call, &result, a.numbers != NULL && b.numbers != NULL, &fits);
    if (!fits || numbers == NULL)
        return fits ? tensor_datum(result) : fault;
    size_t first = (size_t)rule_tensor_elements(&a), second = (size_t)rule_tensor_elements(&b);
    memcpy(numbers, a.numbers, first * sizeof *numbers);
    memcpy(numbers + first, b.numbers, second * sizeof *numbers);
    return tensor_datum(result);
}

/* ---- dispatch ---- */

static RuleDatum call_with_list(
    RuleMatch *match, const RuleExpression *call, const RuleDatum *items) {
    RuleTensor tensor;
    bool filling = call->function == RULE_filled;
    RuleDatum list = items[filling ? 0 : 1], other = items[filling ? 1 : 0];
    if (list.kind != RULE_DATUM_LIST || !to_tensor(match, other, &tensor))
        return rule_fault(match, call, "'%s' takes a %s and a %s here",
            rule_function_info(call->function)->name, filling ? "list" : "weight",
            filling ? "number" : "list");
    return filling                      ? filled(match, call, list.list, tensor)
           : call->function == RULE_pad ? pad(match, call, tensor, list.list)
                                        : reshape(match, call, tensor, list.list);
}

static RuleDatum call_with_weights(
    RuleMatch *match, const RuleExpression *call, const RuleDatum *items) {
    RuleTensor a, b;
    if (!to_tensor(match, items[0], &a) || (call->count > 1 && !to_tensor(match, items[1], &b)))
        return rule_fault(match, call, "this takes numbers and weights, not %s",
            rule_datum_describe(to_tensor(match, items[0], &a) ? items[1] : items[0]));
    switch (call->function) {
    case RULE_matmul:
        return matmul(match, call, a, b);
    case RULE_concat:
        return concat(match, call, a, b);
    case RULE_per_output:
    case RULE_per_input:
        return per_channel(match, call, a);
    case RULE_sum_taps:
        return sum_taps(match, call, a);
    case RULE_sqrt:
    case RULE_negate:
        return unary(match, call, a);
    default:
        return binary(match, call, a, b);
    }
}

RuleDatum rule_tensor_call(RuleMatch *match, const RuleExpression *call, const RuleDatum *items) {
    for (int i = 0; i < call->count; i++)
        if (items[i].kind == RULE_DATUM_NOTHING)
            return with_nothing(match, call, items);
    switch (call->function) {
    case RULE_identity:
        return items[0].kind == RULE_DATUM_INTEGER
                   ? identity(match, call, items[0].integer)
                   : rule_fault(match, call, "'identity' takes a number of channels");
    case RULE_pad:
    case RULE_reshape:
    case RULE_filled:
        return call_with_list(match, call, items);
    default:
        return call_with_weights(match, call, items);
    }
}
