/* Weights of results: a small set of functions of weights, computed in double. Where the weights
 * have no numbers the shapes are computed all the same. */
#include "ir/pair_degree.h"
#include "passes/rules/tensor_numbers.h"

#include <math.h>
#include <string.h>

/* A weight of a small network may become a large one; else twice as large as all that there are. */
enum { MOST_ELEMENTS = 1 << 30, FEW_ELEMENTS = 1 << 22, MOST_WEIGHTS = 8 };

const TensorArithmetic *tensor_arithmetic(NumberKind kind) {
    return kind == NUMBERS_PAIR ? &tensors_of_pairs : &tensors_of_doubles;
}

int64_t rule_tensor_elements(const RuleTensor *tensor) {
    int64_t elements = 1;
    for (int i = 0; i < tensor->rank; i++) {
        if (tensor->dims[i] < 1 || tensor->dims[i] > MOST_ELEMENTS / elements)
            return -1;
        elements *= tensor->dims[i];
    }
    return elements;
}

static int64_t usual_room(const Graph *graph) {
    int64_t all = 0;
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next)
        all += tensor_elements(&weight->type);
    return 2 * all > FEW_ELEMENTS ? 2 * all : FEW_ELEMENTS;
}

bool rule_take_room(RuleMatch *match, const RuleExpression *expression, int64_t elements) {
    int64_t usual = match->room < 0 ? usual_room(match->graph) : 0;
    match->room = match->room < 0 ? MOST_WEIGHTS * usual : match->room;
    bool enough = elements <= match->room && (usual == 0 || elements <= usual);
    if (enough)
        match->room -= elements;
    else
        rule_fault(match, expression,
            "the weights of this rewrite are far larger than those of the network");
    return enough;
}

/* Of numbers that are drawn; NaN where no bound is known. */
static double combined_degree(RuleFunction function, const RuleTensor *a, const RuleTensor *b) {
    switch (function) {
    case RULE_add:
    case RULE_subtract:
    case RULE_concat:
        return larger_degree(a->degree, b->degree);
    case RULE_divide:
        return b->degree == 0 ? a->degree : b->is_root ? a->degree + 1 : NAN;
    default:
        return a->degree + b->degree;
    }
}

static void *allocate_kind(const RuleMatch *match, int64_t elements, NumberKind kind) {
    return arena_allocate_array(match->arena, (size_t)elements, number_kind_size(kind));
}

/* Zeros, to be filled, of each kind that all operands have (a NULL has all that the graph has). */
static bool allocate(RuleMatch *match, const RuleExpression *call, RuleTensor *tensor,
    const RuleTensor *a, const RuleTensor *b) {
    RuleTensor first = a != NULL ? *a : *tensor, second = b != NULL ? *b : first;
    int64_t elements = rule_tensor_elements(tensor);
    if (elements >= 0 && !rule_take_room(match, call, elements))
        return false;
    tensor->weight = NULL;
    tensor->degree = a == NULL ? 0 : b == NULL ? a->degree : combined_degree(call->function, a, b);
    tensor->is_root = false;
    for (int kind = 0; kind < NUMBER_KIND_COUNT && elements >= 0; kind++) {
        bool has = a != NULL ? first.numbers[kind] != NULL && second.numbers[kind] != NULL
                             : kind == NUMBERS_FLOAT || match->graph->has_pairs;
        tensor->numbers[kind] = has ? allocate_kind(match, elements, (NumberKind)kind) : NULL;
    }
    if (elements < 0)
        rule_fault(match, call, "the weight is larger than riffle allows");
    return elements >= 0;
}

/* Calls the function of each kind of numbers that the tensor has. */
#define FOR_EACH_KIND(tensor, kind)                                                                \
    for (NumberKind kind = NUMBERS_FLOAT; kind < NUMBER_KIND_COUNT; kind++)                        \
        if ((tensor).numbers[kind] != NULL)

static RuleDatum tensor_datum(RuleTensor tensor) {
    return (RuleDatum){.kind = RULE_DATUM_TENSOR, .tensor = tensor};
}

static const RuleDatum fault = {.kind = RULE_DATUM_FAULT};
static const RuleDatum nothing = {.kind = RULE_DATUM_NOTHING};

/* With the numbers of the other shape, which has few enough. */
static RuleTensor filled_tensor(
    RuleMatch *match, const RuleExpression *call, RuleTensor shape, double number) {
    RuleTensor tensor = shape;
    if (allocate(match, call, &tensor, NULL, NULL))
        FOR_EACH_KIND(tensor, kind)
    tensor_arithmetic(kind)->fill(number, rule_tensor_elements(&tensor), tensor.numbers[kind]);
    return tensor;
}

/* A number stands for a tensor of one element. */
static bool to_tensor(RuleMatch *match, RuleDatum datum, RuleTensor *tensor) {
    if (datum.kind == RULE_DATUM_TENSOR) {
        *tensor = datum.tensor;
        return true;
    }
    if (datum.kind != RULE_DATUM_INTEGER && datum.kind != RULE_DATUM_NUMBER)
        return false;
    double number = datum.kind == RULE_DATUM_INTEGER ? (double)datum.integer : datum.number;
    *tensor = filled_tensor(match, NULL, (RuleTensor){.rank = 0}, number);
    return true;
}

/* ---- element by element ---- */

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

int64_t rule_tensor_element(const RuleTensor *tensor, const RuleTensor *shape, int64_t element) {
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
    if (!allocate(match, call, &result, &a, &b))
        return fault;
    FOR_EACH_KIND(result, kind)
    tensor_arithmetic(kind)->combine(call->function, &result, &a, &b, result.numbers[kind]);
    return tensor_datum(result);
}

static RuleDatum unary(RuleMatch *match, const RuleExpression *call, RuleTensor a) {
    RuleTensor result = a;
    if (!allocate(match, call, &result, &a, NULL))
        return fault;
    FOR_EACH_KIND(result, kind)
    tensor_arithmetic(kind)->unary(
        call->function, a.numbers[kind], rule_tensor_elements(&a), result.numbers[kind]);
    if (call->function == RULE_sqrt && a.degree > 0) {
        result.is_root = a.degree == 1;
        result.degree = result.is_root ? 1 : NAN;
    }
    return tensor_datum(result);
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
    RuleTensor result = {.rank = 4, .dims = {1, 1, 1, 1}, .degree = a.degree, .is_root = a.is_root};
    memcpy(result.numbers, a.numbers, sizeof result.numbers);
    result.dims[call->function == RULE_per_output ? 0 : 1] = a.dims[0];
    return tensor_datum(result);
}

static RuleDatum sum_taps(RuleMatch *match, const RuleExpression *call, RuleTensor a) {
    if (a.rank != 4)
        return rule_fault(match, call, "'sum_taps' takes a weight of four dimensions");
    RuleTensor result = {.rank = 2, .dims = {a.dims[0], a.dims[1]}};
    int64_t taps = a.dims[2] * a.dims[3], kernels = a.dims[0] * a.dims[1];
    if (!allocate(match, call, &result, &a, NULL))
        return fault;
    FOR_EACH_KIND(result, kind)
    tensor_arithmetic(kind)->sum_taps(a.numbers[kind], kernels, taps, result.numbers[kind]);
    return tensor_datum(result);
}

static void move_numbers(RuleTensor *to, int64_t at, const RuleTensor *from, int64_t first,
    int64_t count, NumberKind kind) {
    size_t size = number_kind_size(kind);
    memcpy((char *)to->numbers[kind] + (size_t)at * size,
        (const char *)from->numbers[kind] + (size_t)first * size, (size_t)count * size);
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
    if (!allocate(match, call, &result, &a, NULL))
        return fault;
    int64_t rows = a.dims[2], columns = a.dims[3];
    FOR_EACH_KIND(result, kind)
    for (int64_t i = 0; i < a.dims[0] * a.dims[1] * rows; i++) {
        int64_t row = i / rows * result.dims[2] + sides.items[0] + i % rows;
        move_numbers(
            &result, row * result.dims[3] + sides.items[1], &a, i * columns, columns, kind);
    }
    return tensor_datum(result);
}

/* rows, columns: those of a dimension that the list says. */
static RuleDatum take(
    RuleMatch *match, const RuleExpression *call, RuleTensor a, IntegerList list) {
    int dimension = call->function == RULE_rows ? 0 : 1;
    bool good = dimension < a.rank && list.count > 0;
    for (size_t i = 0; good && i < list.count; i++)
        good = list.items[i] >= 0 && list.items[i] < a.dims[dimension];
    if (!good)
        return rule_fault(match, call, "'%s' takes a weight, and a list of what there is of it",
            rule_function_info(call->function)->name);
    RuleTensor result = a;
    result.dims[dimension] = (int64_t)list.count;
    if (!allocate(match, call, &result, &a, NULL))
        return fault;
    int64_t outer = dimension == 0 ? 1 : a.dims[0], inner = 1;
    for (int i = dimension + 1; i < a.rank; i++)
        inner *= a.dims[i];
    FOR_EACH_KIND(result, kind)
    for (int64_t o = 0; o < outer; o++)
        for (size_t i = 0; i < list.count; i++)
            move_numbers(&result, (o * (int64_t)list.count + (int64_t)i) * inner, &a,
                (o * a.dims[dimension] + list.items[i]) * inner, inner, kind);
    return tensor_datum(result);
}

static RuleDatum reshape(
    RuleMatch *match, const RuleExpression *call, RuleTensor a, IntegerList dims) {
    RuleTensor result = {.rank = (int)dims.count, .degree = a.degree, .is_root = a.is_root};
    memcpy(result.numbers, a.numbers, sizeof result.numbers);
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
    double value = *(double *)number.numbers[NUMBERS_FLOAT];
    result = filled_tensor(match, call, result, value);
    return rule_tensor_elements(&result) < 0 ? fault : tensor_datum(result);
}

static RuleDatum identity(RuleMatch *match, const RuleExpression *call, int64_t channels) {
    RuleTensor result = {.rank = 4, .dims = {channels, channels, 1, 1}};
    if (!allocate(match, call, &result, NULL, NULL))
        return fault;
    FOR_EACH_KIND(result, kind)
    tensor_arithmetic(kind)->identity(channels, result.numbers[kind]);
    return tensor_datum(result);
}

/* ---- functions of two weights ---- */

static RuleDatum matmul(RuleMatch *match, const RuleExpression *call, RuleTensor a, RuleTensor b) {
    bool pointwise = a.rank == 2 || (a.rank == 4 && a.dims[2] == 1 && a.dims[3] == 1);
    if (!pointwise || b.rank < 1 || a.dims[1] != b.dims[0])
        return rule_fault(match, call,
            "'matmul' takes [o,m] or [o,m,1,1] and [m,...]: the shapes do not go together");
    RuleTensor result = b;
    result.dims[0] = a.dims[0];
    if (!allocate(match, call, &result, &a, &b))
        return fault;
    int64_t middle = a.dims[1], size = rule_tensor_elements(&b) / middle;
    FOR_EACH_KIND(result, kind)
    tensor_arithmetic(kind)->matmul(
        a.numbers[kind], b.numbers[kind], a.dims[0], middle, size, result.numbers[kind]);
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
    if (!allocate(match, call, &result, &a, &b))
        return fault;
    int64_t first = rule_tensor_elements(&a), second = rule_tensor_elements(&b);
    FOR_EACH_KIND(result, kind) {
        move_numbers(&result, 0, &a, 0, first, kind);
        move_numbers(&result, first, &b, 0, second, kind);
    }
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
    switch (call->function) {
    case RULE_filled:
        return filled(match, call, list.list, tensor);
    case RULE_pad:
        return pad(match, call, tensor, list.list);
    case RULE_reshape:
        return reshape(match, call, tensor, list.list);
    default:
        return take(match, call, tensor, list.list);
    }
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
    case RULE_rows:
    case RULE_columns:
        return call_with_list(match, call, items);
    default:
        return call_with_weights(match, call, items);
    }
}
