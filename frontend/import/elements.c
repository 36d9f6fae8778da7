/* What goes element by element, of tensors and constants that are repeated to one shape, as ONNX
 * has it: aligned at the right, 1 stands for any size.
 *
 * riffle repeats along the four dimensions of an image. So the shape is seen as one: one of its
 * axes are channels, which lie next to each other in memory, the others are put together to the
 * three other dimensions. Where tensors come from ops that move numbers, that is seen in what they
 * were before, and the op happens there: an activation of transposed heads is one of the layer. */
#include "frontend/import/importer.h"
#include "ir/formula.h"
#include "ir/index_map.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { GROUPS = 4, CHANNELS = 1, NO_GROUP = -1 };

/* A shape as an image. */
typedef struct ImageView {
    Importer *importer;
    Symbol **operands;
    int count;
    Shape shape; /* of the result */
    int channel_axis;
    unsigned memory[MODEL_MAX_RANK]; /* by axis: which dimensions it was, of the largest tensor; 0:
                                        unknown */
    int group[MODEL_MAX_RANK]; /* by axis: which dimension of the image; NO_GROUP: of size 1 */
    Shape image;
    bool has_rows; /* the axes of the last dimension of the image are its rows, too */
    bool in_order; /* the numbers of the image are those of the shape, in order */
} ImageView;

/* ---- shapes ---- */

/* The size of the operand along an axis of the result. */
static int64_t size_along(const ImageView *view, int operand, int axis) {
    const Shape *shape = &view->operands[operand]->shape;
    int own = axis - (view->shape.rank - shape->rank);
    return own < 0 ? 1 : shape->dims[own];
}

static bool repeat_to_one(ImageView *view) {
    view->shape = (Shape){0};
    for (int i = 0; i < view->count; i++)
        if (view->operands[i]->shape.rank > view->shape.rank)
            view->shape.rank = view->operands[i]->shape.rank;
    for (int axis = 0; axis < view->shape.rank; axis++) {
        int64_t *size = &view->shape.dims[axis];
        *size = 1;
        for (int i = 0; i < view->count; i++) {
            int64_t own = size_along(view, i, axis);
            *size = *size == 1 ? own : *size;
            if (own != 1 && own != *size)
                return node_fault(view->importer, NULL, "it cannot repeat %s and %s to one shape",
                    shape_spelling(view->importer->arena, &view->operands[0]->shape),
                    shape_spelling(view->importer->arena, &view->operands[i]->shape));
        }
    }
    return true;
}

/* ---- where the channels are ---- */

static int last_axis(const Shape *shape) {
    int axis = shape->rank - 1;
    while (axis > 0 && shape->dims[axis] == 1)
        axis--;
    return axis;
}

/* The axis of a value whose numbers lie next to each other in what it was before ops that move
 * numbers; and which dimensions each axis was there. */
static int moved_axis(const Value *value, unsigned *memory) {
    enum { MOST_STEPS = 64 };
    const Node *steps[MOST_STEPS];
    int count = 0;
    const Value *root = value;
    Shape shape = shape_of_value(value);
    for (; root->producer != NULL && op_moves_numbers(root->producer->op) && count < MOST_STEPS;
        root = root->producer->operands[0])
        steps[count++] = root->producer;
    IndexMap map = index_map_identity(&root->type);
    for (int i = count; i-- > 0;)
        if (!index_map_apply(&map, steps[i], 0) || map.empty)
            return last_axis(&shape);
    index_map_simplify(&map);
    int channels = rank_has_channels(root->type.rank) ? 1 : root->type.rank - 1, axis = -1;
    int64_t least = INT64_MAX;
    for (int i = 0; i < map.digit_count; i++) {
        const Digit *digit = &map.digits[i];
        if (digit->source_dimension != NO_DIMENSION)
            memory[digit->result_dimension] |= 1u << digit->source_dimension;
        if (digit->source_dimension != channels || digit->source_weight >= least)
            continue;
        least = digit->source_weight;
        axis = digit->result_dimension;
    }
    return axis < 0 ? last_axis(&shape) : axis;
}

int fastest_axis(const Value *value) {
    unsigned memory[MODEL_MAX_RANK] = {0};
    return moved_axis(value, memory);
}

/* The axis of the symbol along which numbers lie next to each other; and of each axis, where it is
 * known, which dimensions it is of the tensor. */
static int channel_axis(const Symbol *symbol, unsigned *memory) {
    Shape own = shape_of_value(symbol->value);
    int rank = symbol->shape.rank;
    const Node *producer = symbol->value->producer;
    if (shape_equal(&own, &symbol->shape) && producer != NULL && op_moves_numbers(producer->op))
        return moved_axis(symbol->value, memory);
    bool pixels = own.rank == 4 && rank > 4 && symbol->shape.dims[rank - 2] == own.dims[2] &&
                  symbol->shape.dims[rank - 1] == own.dims[3];
    for (int i = 0; pixels && i < 2; i++) /* behind channels that are several axes */
        memory[rank - 2 + i] = 1u << (2 + i);
    if (!lists_channels(symbol))
        return last_axis(&symbol->shape);
    /* the last of those that index channels */
    int64_t places = own.dims[0] * own.dims[1], product = 1;
    for (int i = 0; symbol->places == NULL && i < symbol->shape.rank; i++) {
        product *= symbol->shape.dims[i];
        if (product == places && symbol->shape.dims[i] > 1)
            return i;
    }
    if (symbol->places != NULL && symbol->outer > 0)
        return symbol->outer - 1;
    return symbol->shape.rank > 1 ? 1 : 0;
}

/* That of the largest tensor. */
static void choose_channels(ImageView *view) {
    int64_t most = 0;
    for (int i = 0; i < view->count; i++) {
        const Symbol *symbol = view->operands[i];
        if (symbol->kind != SYMBOL_TENSOR || shape_elements(&symbol->shape) <= most)
            continue;
        most = shape_elements(&symbol->shape);
        int missing = view->shape.rank - symbol->shape.rank;
        memset(view->memory, 0, sizeof view->memory);
        view->channel_axis = missing + channel_axis(symbol, view->memory + missing);
    }
}

/* ---- axes as dimensions of the image ---- */

/* Which operands have one index along the axis; where constants do not count, they are written out.
 */
static unsigned repeated(const ImageView *view, int axis, bool constants) {
    unsigned mask = 0;
    for (int i = 0; i < view->count; i++)
        if (size_along(view, i, axis) == 1 &&
            (constants || view->operands[i]->kind == SYMBOL_TENSOR))
            mask |= 1u << i;
    return mask;
}

/* What keeps axes apart that follow each other. */
typedef struct Apart {
    bool
        constants; /* that some constants are repeated along one of them; else only tensors count */
    bool memory;   /* that they are of different dimensions in memory, so that no view is both */
} Apart;

/* Puts axes that follow each other together, where all operands are repeated along all of them or
 * none. Returns how many are left before the channels and behind. */
static void join_axes(ImageView *view, Apart apart, int *before, int *behind) {
    int last = -1, groups = 0;
    *before = *behind = 0;
    for (int axis = 0; axis < view->shape.rank; axis++) {
        view->group[axis] = NO_GROUP;
        if (axis == view->channel_axis || view->shape.dims[axis] == 1)
            continue;
        bool joins =
            last >= 0 && (last < view->channel_axis) == (axis < view->channel_axis) &&
            repeated(view, last, apart.constants) == repeated(view, axis, apart.constants) &&
            (!apart.memory || view->memory[last] == view->memory[axis]);
        if (!joins && axis < view->channel_axis)
            ++*before;
        else if (!joins)
            ++*behind;
        groups += !joins;
        view->group[axis] = groups - 1;
        last = axis;
    }
}

/* From numbers of groups to dimensions: what is before the channels is the batch, if it is one. */
static bool place_groups(ImageView *view, int before, int behind) {
    if (before + behind > GROUPS - 1)
        return false;
    bool batch = before == 1 && behind > 0 && behind < GROUPS - 1;
    int places[GROUPS - 1] = {0}, next = GROUPS - (before + behind);
    for (int i = 0; i < before + behind; i++, next++)
        places[i] = next;
    if (batch)
        places[0] = 0;
    else if (before + behind == GROUPS - 1)
        places[0] = 0;
    view->image = (Shape){.rank = 4, .dims = {1, 1, 1, 1}};
    for (int axis = 0; axis < view->shape.rank; axis++) {
        if (axis == view->channel_axis)
            view->group[axis] = CHANNELS;
        else if (view->group[axis] != NO_GROUP)
            view->group[axis] = places[view->group[axis]];
        if (view->group[axis] != NO_GROUP)
            view->image.dims[view->group[axis]] *= view->shape.dims[axis];
    }
    return true;
}

static void note_order(ImageView *view) {
    int last = -1;
    view->in_order = true;
    for (int axis = 0; axis < view->shape.rank; axis++) {
        if (view->group[axis] == NO_GROUP || view->shape.dims[axis] == 1)
            continue;
        view->in_order = view->in_order && view->group[axis] >= last;
        last = view->group[axis];
    }
}

/* What a value was before ops that put its numbers in another order. */
static const TensorType *type_before(const Value *value) {
    while (value->producer != NULL && value->producer->op == OP_rearrange)
        value = value->producer->operands[0];
    return &value->type;
}

/* Whether the axes that are the columns of the image are rows and columns, one after the other, or
 * one that can be cut. */
static bool can_cut(const ImageView *view, int64_t columns) {
    int64_t product = 1;
    int axes = 0;
    for (int axis = view->shape.rank; axis-- > 0;) {
        if (view->group[axis] != GROUPS - 1)
            continue;
        axes++;
        product *= view->shape.dims[axis];
        if (product == columns)
            return true;
    }
    return axes == 1;
}

/* Rows and columns of a tensor, where they are one dimension of the image. */
static void split_pixels(ImageView *view) {
    int64_t *image = view->image.dims;
    for (int i = 0; i < view->count; i++) {
        const Symbol *symbol = view->operands[i];
        if (symbol->kind != SYMBOL_TENSOR)
            continue;
        const TensorType *type = type_before(symbol->value);
        const int64_t *dims = type->dims;
        if (type->rank != 4 || dims[0] != image[0] || dims[1] != image[1] || image[2] != 1 ||
            dims[2] == 1 || dims[2] * dims[3] != image[3] || !can_cut(view, dims[3]))
            continue;
        view->has_rows = true;
        image[2] = dims[2];
        image[3] = dims[3];
        return;
    }
}

/* Writes tensors out that are repeated along too many dimensions. False after reporting. */
static bool repeat_tensors(ImageView *view) {
    for (int i = 0; i < view->count; i++) {
        Symbol *symbol = view->operands[i];
        int64_t times[MODEL_MAX_RANK];
        Shape own = {.rank = view->shape.rank};
        for (int axis = 0; axis < own.rank; axis++) {
            own.dims[axis] = size_along(view, i, axis);
            times[axis] = view->shape.dims[axis] / own.dims[axis];
        }
        if (symbol->kind != SYMBOL_TENSOR || shape_equal(&own, &view->shape))
            continue;
        symbol = view_reshape(view->importer, symbol, &own);
        symbol = symbol == NULL ? NULL : arrange_repeat(view->importer, symbol, times);
        if (symbol == NULL)
            return false;
        view->operands[i] = symbol;
    }
    return true;
}

static bool see_as_image(ImageView *view) {
    int before, behind;
    bool natural = view->shape.rank == 4 && view->channel_axis == 1;
    if (natural) {
        view->image = view->shape;
        for (int axis = 0; axis < GROUPS; axis++)
            view->group[axis] = axis;
        view->in_order = true;
        return true;
    }
    static const Apart ways[] = {{true, true}, {false, true}, {true, false}, {false, false}};
    bool placed = false;
    for (size_t i = 0; i < sizeof ways / sizeof *ways && !placed; i++) {
        join_axes(view, ways[i], &before, &behind);
        placed = place_groups(view, before, behind);
    }
    if (!placed) {
        if (!repeat_tensors(view))
            return false;
        join_axes(view, (Apart){false, false}, &before, &behind);
        place_groups(view, before, behind);
    }
    split_pixels(view);
    note_order(view);
    return true;
}

/* ---- operands ---- */

/* Of what an operand has of each dimension of the image: all, or one. */
static Shape operand_image(const ImageView *view, int operand) {
    Shape image = {.rank = 4, .dims = {1, 1, 1, 1}};
    for (int axis = 0; axis < view->shape.rank; axis++)
        if (view->group[axis] != NO_GROUP && size_along(view, operand, axis) > 1)
            image.dims[view->group[axis]] = view->image.dims[view->group[axis]];
    for (int axis = 0; view->has_rows && axis < view->shape.rank; axis++)
        if (view->group[axis] == GROUPS - 1 && size_along(view, operand, axis) > 1)
            image.dims[2] = view->image.dims[2];
    return image;
}

/* Axes of a shape of the operands, the last of the view's, as factors: each one, or rows and
 * columns; and in which order the image has them. */
typedef struct Factors {
    Shape sizes;
    int axes[MODEL_MAX_RANK];
    int64_t order[MODEL_MAX_RANK], back[MODEL_MAX_RANK];
} Factors;

static Factors factors_of(const ImageView *view, const Shape *shape) {
    Factors factors = {0};
    int missing = view->shape.rank - shape->rank, rank = 0, count = 0;
    for (int axis = missing; axis < view->shape.rank; axis++) {
        int64_t size = shape->dims[axis - missing];
        bool cut = view->has_rows && view->group[axis] == GROUPS - 1 &&
                   size == view->image.dims[2] * view->image.dims[3];
        for (int part = 0; part <= cut; part++) {
            factors.axes[rank] = axis;
            factors.sizes.dims[rank++] = cut ? view->image.dims[2 + part] : size;
        }
    }
    factors.sizes.rank = rank;
    for (int group = NO_GROUP; group < GROUPS; group++)
        for (int i = 0; i < rank; i++)
            if (view->group[factors.axes[i]] == group) {
                factors.back[i] = count;
                factors.order[count++] = i;
            }
    return factors;
}

static Value *tensor_as_image(const ImageView *view, int index) {
    Symbol *symbol = view->operands[index];
    Importer *importer = view->importer;
    Shape image = operand_image(view, index);
    if (symbol->shape.rank == 0)
        symbol = view_reshape(importer, symbol, &(Shape){.rank = 1, .dims = {1}});
    if (symbol == NULL)
        return NULL;
    if (view->in_order) {
        Symbol *seen = view_reshape(importer, symbol, &image);
        return seen == NULL ? NULL : symbol_value(importer, seen);
    }
    Value *value = symbol_tensor(importer, symbol);
    Factors factors = factors_of(view, &symbol->shape);
    return value == NULL ? NULL
                         : rearrange_value(importer, value, &factors.sizes, factors.order,
                               (size_t)factors.sizes.rank, &image);
}

/* The numbers of a constant as the image has them. */
static Value *constant_as_image(const ImageView *view, int index) {
    const Symbol *symbol = view->operands[index];
    Importer *importer = view->importer;
    Shape image = operand_image(view, index), dims = {.rank = view->shape.rank};
    if (!spend_elements(importer, &image))
        return NULL;
    int64_t steps[MODEL_MAX_RANK] = {0}, dense = 1, all[MODEL_MAX_RANK];
    for (int axis = view->shape.rank; axis-- > 0;) {
        int64_t size = size_along(view, index, axis);
        all[axis] = size == 1 ? 0 : dense;
        dense *= size;
    }
    int count = 0;
    for (int group = NO_GROUP; group < GROUPS; group++)
        for (int axis = 0; axis < view->shape.rank; axis++) {
            if (view->group[axis] != group)
                continue;
            bool whole = group != NO_GROUP && image.dims[group] > 1;
            whole = whole || (view->has_rows && group == GROUPS - 1 && image.dims[2] > 1);
            dims.dims[count] = whole ? view->shape.dims[axis] : 1;
            steps[count++] = all[axis];
        }
    int64_t elements = shape_elements(&image);
    int64_t *from = ARENA_ARRAY(importer->arena, int64_t, elements + 1);
    assert(shape_elements(&dims) == elements);
    shape_walk(&dims, steps, 0, from);
    float *numbers = ARENA_ARRAY(importer->arena, float, elements);
    for (int64_t i = 0; i < elements; i++)
        numbers[i] = symbol->floats[from[i]];
    return build_constant(importer, symbol, &image, numbers);
}

/* ---- the op ---- */

static Value *build_elements(
    Importer *importer, const Formula *formula, Value *const *values, int count) {
    OpKind op = formula_single(formula);
    Node *node = begin_node(importer, op == OP_COUNT ? OP_map : op, "", values, count);
    if (op == OP_COUNT)
        node_set_formula(node, "formula", formula);
    for (int i = 0; op != OP_COUNT && i < element_parameters(op); i++)
        node->attributes[i].number = formula->terms[formula->count - 1].parameters[i];
    return finish_node(importer, node) ? node->results[0] : NULL;
}

/* Whether the tensors are as they are what the op can take. */
static bool are_alike(const ImageView *view) {
    const Symbol *first = view->operands[0];
    bool alike = true;
    for (int i = 0; alike && i < view->count; i++) {
        const Symbol *symbol = view->operands[i];
        if (symbol->kind != SYMBOL_TENSOR || !shape_equal(&symbol->shape, &first->shape))
            return false;
        const Value *value = symbol->value;
        bool moved = value->producer != NULL && op_moves_numbers(value->producer->op);
        alike = symbol->places == NULL && !moved && rank_has_channels(value->type.rank) &&
                tensor_type_equal(&value->type, &first->value->type);
    }
    return alike;
}

static Symbol *apply_as_image(ImageView *view, const Formula *formula) {
    Importer *importer = view->importer;
    Value *values[MOST_FORMULA_OPERANDS];
    choose_channels(view);
    if (!see_as_image(view))
        return NULL;
    for (int i = 0; i < view->count; i++) {
        values[i] = view->operands[i]->kind == SYMBOL_TENSOR ? tensor_as_image(view, i)
                                                             : constant_as_image(view, i);
        if (values[i] == NULL)
            return NULL;
    }
    Value *result = build_elements(importer, formula, values, view->count);
    if (result == NULL || view->in_order)
        return result == NULL ? NULL : view_over(importer, result, &view->shape);
    Factors factors = factors_of(view, &view->shape);
    Shape sizes = {.rank = factors.sizes.rank};
    for (int i = 0; i < sizes.rank; i++)
        sizes.dims[i] = factors.sizes.dims[factors.order[i]];
    result =
        rearrange_value(importer, result, &sizes, factors.back, (size_t)sizes.rank, &view->shape);
    return result == NULL ? NULL : symbol_of_value(importer, result);
}

/* All operands are constants. */
static Symbol *computed(ImageView *view, const Formula *formula) {
    Importer *importer = view->importer;
    if (!spend_elements(importer, &view->shape))
        return NULL;
    int64_t count = shape_elements(&view->shape), steps[MODEL_MAX_RANK];
    int64_t *from[MOST_FORMULA_OPERANDS];
    double numbers[MOST_FORMULA_OPERANDS] = {0};
    for (int i = 0; i < view->count; i++) {
        int64_t dense = 1;
        from[i] = ARENA_ARRAY(importer->arena, int64_t, count + 1);
        for (int axis = view->shape.rank; axis-- > 0;) {
            int64_t size = size_along(view, i, axis);
            steps[axis] = size == 1 ? 0 : dense;
            dense *= size;
        }
        shape_walk(&view->shape, steps, 0, from[i]);
    }
    const Formula *expanded = formula_expand(importer->arena, formula);
    float *results = ARENA_ARRAY(importer->arena, float, count + 1);
    for (int64_t k = 0; k < count; k++) {
        for (int i = 0; i < view->count; i++)
            numbers[i] = (double)view->operands[i]->floats[from[i][k]];
        results[k] = (float)formula_value(expanded, numbers);
    }
    return symbol_floats(importer, &view->shape, results);
}

/* ---- numbers in the formula ---- */

/* The one number that the constant repeats. */
static bool is_number(const Symbol *symbol, const Shape *shape, double *number) {
    bool one = symbol->kind == SYMBOL_CONSTANT && symbol->shape.rank <= shape->rank;
    int64_t count = one ? shape_elements(&symbol->shape) : 0;
    for (int i = 0; one && i < symbol->shape.rank; i++) /* it must not make the result larger */
        one = symbol->shape.dims[i] == 1 ||
              symbol->shape.dims[i] == shape->dims[i + shape->rank - symbol->shape.rank];
    one = one && count > 0 && isfinite(symbol->floats[0]);
    for (int64_t i = 1; one && !symbol->is_filled && i < count; i++)
        one = memcmp(&symbol->floats[i], &symbol->floats[0], sizeof(float)) == 0;
    if (one)
        *number = (double)symbol->floats[0];
    return one;
}

/* Puts constants that are one number into the formula; the others are left as operands. */
static const Formula *with_numbers(
    Importer *importer, const Formula *formula, Symbol **operands, int *count) {
    const Shape *largest = NULL;
    for (int i = 0; i < *count; i++)
        if (operands[i]->kind == SYMBOL_TENSOR &&
            (largest == NULL || shape_elements(&operands[i]->shape) > shape_elements(largest)))
            largest = &operands[i]->shape;
    FormulaBuilder builder = {.arena = importer->graph->arena};
    int terms[MOST_FORMULA_OPERANDS] = {0}, left = 0;
    for (int i = 0; i < *count; i++) {
        double number = 0;
        if (largest != NULL && is_number(operands[i], largest, &number)) {
            terms[i] = formula_literal(&builder, number);
            continue;
        }
        terms[i] = formula_operand(&builder, left);
        operands[left++] = operands[i];
    }
    *count = left;
    return formula_finish(&builder, formula_insert(&builder, formula, terms));
}

Symbol *apply_elements(
    Importer *importer, const Formula *formula, Symbol *const *given, int given_count) {
    Symbol *operands[MOST_FORMULA_OPERANDS];
    int count = given_count, tensors = 0;
    for (int i = 0; i < count; i++) {
        operands[i] = given[i];
        tensors += given[i]->kind == SYMBOL_TENSOR;
        if (given[i]->kind == SYMBOL_CONSTANT && given[i]->floats == NULL) {
            node_fault(importer, NULL, "its constant %s holds whole numbers",
                shape_spelling(importer->arena, &given[i]->shape));
            return NULL;
        }
    }
    formula = with_numbers(importer, formula, operands, &count);
    ImageView view = {.importer = importer, .operands = operands, .count = count};
    if (!repeat_to_one(&view))
        return NULL;
    if (tensors == 0)
        return computed(&view, formula);
    for (int i = 0; i < count; i++)
        if (operands[i]->kind == SYMBOL_TENSOR && settle_symbol(importer, operands[i]) == NULL)
            return NULL;
    if (formula == NULL)
        return operands[0];
    if (!are_alike(&view))
        return apply_as_image(&view, formula);
    Value *values[MOST_FORMULA_OPERANDS];
    for (int i = 0; i < count; i++)
        values[i] = operands[i]->value;
    Value *result = build_elements(importer, formula, values, count);
    return result == NULL ? NULL : view_over(importer, result, &view.shape);
}

Symbol *apply_element(
    Importer *importer, OpKind op, const double *parameters, Symbol *const *operands) {
    return apply_elements(importer, formula_of_element(importer->graph->arena, op, parameters),
        operands, element_operands(op));
}

Symbol *apply_formula(Importer *importer, const char *text, Symbol *const *operands, int count) {
    FormulaFault fault;
    const Formula *formula = formula_parse(text, count, importer->graph->arena, &fault);
    assert(formula != NULL);
    return apply_elements(importer, formula, operands, count);
}
