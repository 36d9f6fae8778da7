/* Arithmetic of constants, as exporters write it for shapes. */
#include "frontend/onnx/fold.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- element by element ---- */

typedef enum Arithmetic { ADD, SUBTRACT, MULTIPLY, DIVIDE, REMAINDER, EQUAL } Arithmetic;

static Arithmetic find_arithmetic(const char *name) {
    static const char *const names[] = {"Add", "Sub", "Mul", "Div", "Mod", "Equal"};
    int kind = ADD;
    while (kind < EQUAL && strcmp(names[kind], name) != 0)
        kind++;
    assert(strcmp(names[kind], name) == 0);
    return (Arithmetic)kind;
}

/* False where it is not defined. The remainder has the sign of b, or of a if it is C's. */
static bool integer_result(Arithmetic kind, bool of_c, int64_t a, int64_t b, int64_t *result) {
    bool divides = b != 0 && !(a == INT64_MIN && b == -1);
    switch (kind) {
    case ADD:
        return !__builtin_add_overflow(a, b, result);
    case SUBTRACT:
        return !__builtin_sub_overflow(a, b, result);
    case MULTIPLY:
        return !__builtin_mul_overflow(a, b, result);
    case DIVIDE:
        *result = divides ? a / b : 0;
        return divides;
    case REMAINDER:
        *result = divides ? a % b : 0;
        if (!of_c && *result != 0 && (*result < 0) != (b < 0))
            *result += b;
        return divides;
    case EQUAL:
        break;
    }
    *result = a == b;
    return true;
}

static float float_result(Arithmetic kind, float a, float b) {
    switch (kind) {
    case ADD:
        return a + b;
    case SUBTRACT:
        return a - b;
    case MULTIPLY:
        return a * b;
    case DIVIDE:
        return a / b;
    case REMAINDER:
        return fmodf(a, b);
    case EQUAL:
        break;
    }
    return a == b;
}

/* The common shape, aligned at the right. */
static bool broadcast(Importer *importer, const Shape *a, const Shape *b, Shape *shape) {
    shape->rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 0; i < shape->rank; i++) {
        int at_a = i - (shape->rank - a->rank), at_b = i - (shape->rank - b->rank);
        int64_t of_a = at_a < 0 ? 1 : a->dims[at_a], of_b = at_b < 0 ? 1 : b->dims[at_b];
        if (of_a != of_b && of_a != 1 && of_b != 1)
            return node_fault(importer, NULL, "%s and %s do not fit",
                shape_spelling(importer->arena, a), shape_spelling(importer->arena, b));
        shape->dims[i] = of_a == 1 ? of_b : of_a;
    }
    return true;
}

/* The operand with an element for each of the shape. */
static const Symbol *spread(Importer *importer, const Symbol *symbol, const Shape *shape) {
    if (shape_equal(&symbol->shape, shape))
        return symbol;
    const Shape *narrow = &symbol->shape;
    int64_t dense[ONNX_MAX_RANK], steps[ONNX_MAX_RANK];
    fold_steps(narrow, dense);
    for (int i = 0; i < shape->rank; i++) {
        int at = i - (shape->rank - narrow->rank);
        steps[i] = at < 0 || narrow->dims[at] == 1 ? 0 : dense[at];
    }
    int64_t *from = ARENA_ARRAY(importer->arena, int64_t, shape_elements(shape) + 1);
    shape_walk(shape, steps, 0, from);
    return fold_pick(importer, symbol, shape, from);
}

static bool elements_of_floats(
    Importer *importer, Arithmetic kind, const float *a, const float *b, const Shape *shape) {
    int64_t count = shape_elements(shape);
    if (kind == EQUAL) {
        int64_t *equal = ARENA_ARRAY(importer->arena, int64_t, count + 1);
        for (int64_t i = 0; i < count; i++)
            equal[i] = a[i] == b[i];
        return set_result(importer, symbol_integers(importer, shape, equal));
    }
    float *floats = ARENA_ARRAY(importer->arena, float, count + 1);
    for (int64_t i = 0; i < count; i++)
        floats[i] = float_result(kind, a[i], b[i]);
    return set_result(importer, symbol_floats(importer, shape, floats));
}

bool fold_elements(Importer *importer) {
    Arithmetic kind = find_arithmetic(importer->node->op_type);
    const Symbol *a = input_symbol(importer, 0), *b = input_symbol(importer, 1);
    Shape shape = {0};
    bool of_c = false;
    if (b == NULL || (a->floats != NULL) != (b->floats != NULL))
        return node_fault(importer, NULL, "its inputs are not two constants of one type");
    if (kind == REMAINDER && !attribute_flag(importer, "fmod", false, &of_c))
        return false;
    if (kind == REMAINDER && a->floats != NULL && !of_c)
        return node_fault(importer, NULL, "'fmod' must be 1 for a remainder of floats");
    if (!broadcast(importer, &a->shape, &b->shape, &shape) || !spend_elements(importer, &shape))
        return false;
    a = spread(importer, a, &shape);
    b = spread(importer, b, &shape);
    if (a->floats != NULL)
        return elements_of_floats(importer, kind, a->floats, b->floats, &shape);
    int64_t count = shape_elements(&shape);
    int64_t *integers = ARENA_ARRAY(importer->arena, int64_t, count + 1);
    for (int64_t i = 0; i < count; i++)
        if (!integer_result(kind, of_c, a->integers[i], b->integers[i], &integers[i]))
            return node_fault(importer, NULL, "it divides by 0 or leaves the 64 bits");
    return set_result(importer, symbol_integers(importer, &shape, integers));
}

bool fold_where(Importer *importer) {
    const Symbol *condition = input_symbol(importer, 0), *a = input_symbol(importer, 1),
                 *b = input_symbol(importer, 2);
    Shape both = {0}, shape = {0};
    if (a == NULL || b == NULL || condition->integers == NULL ||
        (a->floats != NULL) != (b->floats != NULL))
        return node_fault(
            importer, NULL, "its inputs are not a condition and two constants of one type");
    if (!broadcast(importer, &a->shape, &b->shape, &both) ||
        !broadcast(importer, &both, &condition->shape, &shape) || !spend_elements(importer, &shape))
        return false;
    condition = spread(importer, condition, &shape);
    a = spread(importer, a, &shape);
    b = spread(importer, b, &shape);
    int64_t count = shape_elements(&shape);
    float *floats = ARENA_ARRAY(importer->arena, float, a->floats != NULL ? count + 1 : 1);
    int64_t *integers = ARENA_ARRAY(importer->arena, int64_t, a->floats != NULL ? 1 : count + 1);
    for (int64_t i = 0; i < count; i++) {
        const Symbol *taken = condition->integers[i] != 0 ? a : b;
        if (a->floats != NULL)
            floats[i] = taken->floats[i];
        else
            integers[i] = taken->integers[i];
    }
    return set_result(importer, a->floats != NULL ? symbol_floats(importer, &shape, floats)
                                                  : symbol_integers(importer, &shape, integers));
}

/* Ceil and Floor. */
bool fold_rounded(Importer *importer) {
    bool up = strcmp(importer->node->op_type, "Ceil") == 0;
    const Symbol *symbol = input_symbol(importer, 0);
    if (symbol->floats == NULL)
        return node_fault(importer, NULL, "it rounds whole numbers");
    if (!spend_elements(importer, &symbol->shape))
        return false;
    int64_t count = shape_elements(&symbol->shape);
    float *floats = ARENA_ARRAY(importer->arena, float, count + 1);
    for (int64_t i = 0; i < count; i++)
        floats[i] = up ? ceilf(symbol->floats[i]) : floorf(symbol->floats[i]);
    return set_result(importer, symbol_floats(importer, &symbol->shape, floats));
}

/* ---- lists ---- */

bool fold_range(Importer *importer) {
    int64_t numbers[3];
    for (size_t i = 0; i < 3; i++) {
        const Symbol *symbol = input_symbol(importer, i);
        if (symbol == NULL || symbol->integers == NULL || shape_elements(&symbol->shape) != 1)
            return node_fault(importer, NULL, "its start, limit and step are not whole numbers");
        numbers[i] = symbol->integers[0];
    }
    int64_t start = numbers[0], step = numbers[2], length;
    if (step == 0 || step == INT64_MIN || __builtin_sub_overflow(numbers[1], start, &length) ||
        length == INT64_MIN)
        return node_fault(importer, NULL, "it counts from %" PRId64 " to %" PRId64 " by %" PRId64,
            start, numbers[1], step);
    length = step > 0 ? length : -length;
    int64_t stride = step > 0 ? step : -step;
    Shape shape = {.rank = 1, .dims = {length > 0 ? (length - 1) / stride + 1 : 0}};
    if (!spend_elements(importer, &shape))
        return false;
    int64_t *integers = ARENA_ARRAY(importer->arena, int64_t, shape.dims[0] + 1);
    for (int64_t i = 0; i < shape.dims[0]; i++)
        integers[i] = start + i * step;
    return set_result(importer, symbol_integers(importer, &shape, integers));
}

bool fold_product(Importer *importer) {
    const Symbol *symbol = input_symbol(importer, 0);
    bool keep, noop;
    if (!attribute_flag(importer, "keepdims", true, &keep) ||
        !attribute_flag(importer, "noop_with_empty_axes", false, &noop))
        return false;
    if (noop || symbol->shape.rank != 1 || symbol->integers == NULL)
        return node_fault(importer, NULL, "only a list of whole numbers is multiplied here");
    int64_t *product = ARENA_NEW(importer->arena, int64_t);
    *product = 1;
    for (int64_t i = 0; i < symbol->shape.dims[0]; i++)
        if (__builtin_mul_overflow(*product, symbol->integers[i], product))
            return node_fault(importer, NULL, "the product leaves the 64 bits");
    Shape shape = {.rank = keep ? 1 : 0, .dims = {1}};
    return set_result(importer, symbol_integers(importer, &shape, product));
}
