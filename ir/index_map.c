#include "ir/index_map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

IndexMap index_map_identity(const TensorType *type) {
    IndexMap map = {.source_rank = type->rank, .result_rank = type->rank};
    for (int i = 0; i < type->rank; i++) {
        map.source_dims[i] = map.result_dims[i] = type->dims[i];
        map.digits[map.digit_count++] = (Digit){type->dims[i], i, 1, i, 1};
    }
    return map;
}

/* ---- rearrange ---- */

/* A dimension of a tensor whose numbers are counted in one row: those `unit` apart, `size` of them.
 */
typedef struct Factor {
    int64_t unit, size;
} Factor;

/* Counts the numbers of the result in one row. */
static void join_dimensions(IndexMap *map) {
    int64_t strides[MAX_RANK], product = 1, base = 0;
    for (int d = map->result_rank; d-- > 0; product *= map->result_dims[d]) {
        strides[d] = product;
        base += map->result_base[d] * product;
    }
    for (int i = 0; i < map->digit_count; i++) {
        map->digits[i].result_weight *= strides[map->digits[i].result_dimension];
        map->digits[i].result_dimension = 0;
    }
    map->result_rank = 1;
    map->result_base[0] = base;
    map->result_dims[0] = product;
}

/* Cuts the digit so that the part with the smaller weights stays at `index`, of that size. */
static bool cut_digit(IndexMap *map, int index, int64_t size) {
    if (map->digit_count == MOST_DIGITS)
        return false;
    Digit *digit = &map->digits[index], *rest = &map->digits[map->digit_count++];
    *rest = *digit;
    rest->size /= size;
    rest->source_weight *= size;
    rest->result_weight *= size;
    digit->size = size;
    return true;
}

static bool lies_within(const Digit *digit, const Factor *factor) {
    return digit->size > 1 && digit->result_weight >= factor->unit &&
           digit->result_weight < factor->unit * factor->size;
}

/* Sees to it that each digit lies within the factor or without; and that those within, with what is
 * added to them, never count beyond it. */
static bool cut_at_factor(IndexMap *map, const Factor *factor) {
    int64_t end = factor->unit * factor->size;
    int64_t most = map->result_base[0] / factor->unit % factor->size;
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        int64_t weight = digit->result_weight;
        if (!lies_within(digit, factor))
            continue;
        if (weight % factor->unit != 0)
            return false;
        if (digit->size > (end - 1) / weight + 1) {
            int64_t within = end / weight;
            if (end % weight != 0 || digit->size % within != 0 || !cut_digit(map, i, within))
                return false;
        }
        most += weight / factor->unit * (map->digits[i].size - 1);
    }
    return most < factor->size;
}

/* The sizes as factors of one row; cuts the digits at them. */
static bool cut_at_factors(IndexMap *map, const int64_t *sizes, size_t count, Factor *factors) {
    int64_t unit = 1;
    for (size_t i = count; i-- > 0; unit *= sizes[i]) {
        factors[i] = (Factor){unit, sizes[i]};
        if (!cut_at_factor(map, &factors[i]))
            return false;
    }
    return true;
}

/* Moves what lies within the factor. */
static void move_digits(
    const IndexMap *from, const Factor *factor, int64_t unit, int dimension, IndexMap *to) {
    to->result_base[dimension] += from->result_base[0] / factor->unit % factor->size * unit;
    for (int i = 0; i < from->digit_count; i++) {
        if (!lies_within(&from->digits[i], factor))
            continue;
        to->digits[i].result_dimension = dimension;
        to->digits[i].result_weight = from->digits[i].result_weight / factor->unit * unit;
    }
}

/* From one row in the order of the factors to one in the node's. */
static bool put_in_order(IndexMap *map, const Factor *factors, IntegerList order) {
    IndexMap from = *map;
    int64_t unit = 1;
    map->result_base[0] = 0;
    for (size_t i = order.count; i-- > 0;) {
        int64_t item = order.items[i];
        if (item < 0 && map->digit_count == MOST_DIGITS)
            return false;
        if (item < 0)
            map->digits[map->digit_count++] = (Digit){-item, NO_DIMENSION, 0, 0, unit};
        else
            move_digits(&from, &factors[item], unit, 0, map);
        unit *= item < 0 ? -item : factors[item].size;
    }
    map->result_dims[0] = unit;
    return true;
}

static bool apply_rearrange(IndexMap *map, const Node *node) {
    IntegerList sizes = node_list(node, "factors"), order = node_list(node, "order");
    IntegerList dims = node_list(node, "dims");
    Factor factors[MOST_DIGITS];
    if (sizes.count > MOST_DIGITS || order.count > MOST_DIGITS)
        return false;
    join_dimensions(map);
    if (!cut_at_factors(map, sizes.items, sizes.count, factors) ||
        !put_in_order(map, factors, order) || !cut_at_factors(map, dims.items, dims.count, factors))
        return false;
    IndexMap row = *map;
    map->result_rank = (int)dims.count;
    memset(map->result_base, 0, sizeof map->result_base);
    for (int d = 0; d < map->result_rank; d++) {
        map->result_dims[d] = dims.items[d];
        move_digits(&row, &factors[d], 1, d, map);
    }
    return true;
}

/* ---- slice ---- */

typedef struct IndexRange {
    int64_t begin, step, count;
} IndexRange;

static int compare_weights(const void *left, const void *right) {
    const Digit *a = *(Digit *const *)left, *b = *(Digit *const *)right;
    return (a->result_weight < b->result_weight) - (a->result_weight > b->result_weight);
}

/* The digits of a dimension of the result, the slowest first. */
static int digits_of_result(IndexMap *map, int dimension, Digit **digits) {
    int count = 0;
    for (int i = 0; i < map->digit_count; i++)
        if (map->digits[i].result_dimension == dimension && map->digits[i].size > 1)
            digits[count++] = &map->digits[i];
    qsort(digits, (size_t)count, sizeof *digits, compare_weights);
    return count;
}

/* Lets the digit count from `first` on, in steps, so many times. */
static void limit_digit(IndexMap *map, Digit *digit, int64_t first, int64_t step, int64_t count) {
    if (digit->source_dimension != NO_DIMENSION)
        map->source_base[digit->source_dimension] += first * digit->source_weight;
    map->result_base[digit->result_dimension] += first * digit->result_weight;
    digit->source_weight *= step;
    digit->result_weight *= step;
    digit->size = count;
}

static int64_t round_up(int64_t number, int64_t unit) {
    return (number + unit - 1) / unit * unit;
}

/* Leaves what lies in the range, of one digit that is all of the dimension's. False where the steps
 * of the two meet now and then. */
static bool take_of_digit(IndexMap *map, Digit *digit, int dimension, const IndexRange *range) {
    int64_t base = map->result_base[dimension], weight = digit->result_weight, step = range->step;
    int64_t last = range->begin + (range->count - 1) * step;
    int64_t first = range->begin > base ? round_up(range->begin - base, weight) / weight : 0;
    int64_t every = 1;
    if (weight == 1 && step > 1) {
        every = step;
        first += (step - (base + first - range->begin) % step) % step;
    } else if (weight % step != 0) {
        return false;
    } else if ((base + first * weight - range->begin) % step != 0) {
        map->empty = true;
    }
    int64_t most = last < base ? -1 : (last - base) / weight;
    most = most < digit->size ? most : digit->size - 1;
    if (most < first)
        map->empty = true;
    if (!map->empty)
        limit_digit(map, digit, first, every, (most - first) / every + 1);
    return true;
}

/* Leaves what lies in the range. False where the digits cannot say what that is. */
static bool take_range(IndexMap *map, int dimension, const IndexRange *range) {
    Digit *digits[MOST_DIGITS];
    int count = digits_of_result(map, dimension, digits);
    int64_t base = map->result_base[dimension], most = base;
    bool aligned = (base - range->begin) % range->step == 0;
    for (int i = 0; i < count; i++) {
        most += digits[i]->result_weight * (digits[i]->size - 1);
        aligned = aligned && digits[i]->result_weight % range->step == 0;
    }
    if (aligned && base >= range->begin && most < range->begin + range->step * range->count)
        return true;
    if (count == 0) { /* one index, outside */
        map->empty = true;
        return true;
    }
    if (count == 1)
        return take_of_digit(map, digits[0], dimension, range);
    /* Whole steps of the slowest digit. */
    int64_t weight = digits[0]->result_weight, end = range->begin + range->count;
    int64_t inner = most - base - weight * (digits[0]->size - 1);
    if (range->step != 1 || inner >= weight || (range->begin - base) % weight != 0 ||
        ((end - base) % weight != 0 && end <= most))
        return false;
    int64_t first = range->begin > base ? (range->begin - base) / weight : 0;
    int64_t behind = round_up(end - base, weight) / weight;
    behind = behind < digits[0]->size ? behind : digits[0]->size;
    map->empty = behind <= first;
    if (!map->empty)
        limit_digit(map, digits[0], first, 1, behind - first);
    return true;
}

static bool apply_slice(IndexMap *map, const Node *node) {
    const int64_t *begin = node_list(node, "begin").items, *step = node_list(node, "step").items;
    const int64_t *dims = node->results[0]->type.dims;
    for (int d = 0; d < map->result_rank; d++) {
        const IndexRange range = {begin[d], step[d], dims[d]};
        if (!take_range(map, d, &range))
            return false;
        if (map->empty)
            return true;
        map->result_base[d] = (map->result_base[d] - begin[d]) / step[d];
        for (int i = 0; i < map->digit_count; i++)
            if (map->digits[i].result_dimension == d)
                map->digits[i].result_weight /= step[d];
    }
    for (int d = 0; d < map->result_rank; d++)
        map->result_dims[d] = dims[d];
    return true;
}

/* ---- all ---- */

bool index_map_apply(IndexMap *map, const Node *node, int index) {
    IndexMap before = *map;
    bool applied = true;
    if (map->empty) {
        map->result_rank = node->results[0]->type.rank;
    } else if (node->op == OP_rearrange) {
        applied = apply_rearrange(map, node);
    } else if (node->op == OP_slice) {
        applied = apply_slice(map, node);
    } else {
        assert(node->op == OP_join);
        int axis = (int)node_integer(node, "axis");
        for (int i = 0; i < index; i++)
            map->result_base[axis] += node->operands[i]->type.dims[axis];
        map->result_dims[axis] = node->results[0]->type.dims[axis];
    }
    if (!applied)
        *map = before;
    return applied;
}

static int compare_digits(const void *left, const void *right) {
    const Digit *a = left, *b = right;
    if (a->result_dimension != b->result_dimension)
        return a->result_dimension - b->result_dimension;
    return (a->result_weight < b->result_weight) - (a->result_weight > b->result_weight);
}

static bool follow(const Digit *slow, const Digit *fast) {
    return slow->source_dimension == fast->source_dimension &&
           slow->result_dimension == fast->result_dimension &&
           slow->source_weight == fast->source_weight * fast->size &&
           slow->result_weight == fast->result_weight * fast->size;
}

void index_map_simplify(IndexMap *map) {
    int count = 0;
    for (int i = 0; i < map->digit_count; i++)
        if (map->digits[i].size > 1)
            map->digits[count++] = map->digits[i];
    qsort(map->digits, (size_t)count, sizeof *map->digits, compare_digits);
    int kept = 0;
    for (int i = 0; i < count; i++) {
        Digit *before = kept > 0 ? &map->digits[kept - 1] : NULL;
        if (before != NULL && follow(before, &map->digits[i])) {
            map->digits[i].size *= before->size;
            *before = map->digits[i];
        } else {
            map->digits[kept++] = map->digits[i];
        }
    }
    map->digit_count = kept;
}

bool index_map_repeats(const IndexMap *map) {
    for (int i = 0; i < map->digit_count; i++)
        if (map->digits[i].source_dimension == NO_DIMENSION)
            return true;
    return false;
}

IndexMap index_map_inverse(const IndexMap *map) {
    assert(!map->empty && !index_map_repeats(map));
    IndexMap inverse = {.source_rank = map->result_rank,
        .result_rank = map->source_rank,
        .digit_count = map->digit_count};
    memcpy(inverse.source_base, map->result_base, sizeof inverse.source_base);
    memcpy(inverse.result_base, map->source_base, sizeof inverse.result_base);
    memcpy(inverse.source_dims, map->result_dims, sizeof inverse.source_dims);
    memcpy(inverse.result_dims, map->source_dims, sizeof inverse.result_dims);
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        inverse.digits[i] = (Digit){digit->size, digit->result_dimension, digit->result_weight,
            digit->source_dimension, digit->source_weight};
    }
    return inverse;
}

int64_t index_map_count(const IndexMap *map) {
    int64_t count = map->empty ? 0 : 1;
    for (int i = 0; i < map->digit_count; i++)
        if (map->digits[i].source_dimension != NO_DIMENSION)
            count *= map->digits[i].size;
    return count;
}

const Digit *index_map_source_digit(const IndexMap *map, int dimension, bool *many) {
    const Digit *found = NULL;
    *many = false;
    for (int i = 0; i < map->digit_count; i++) {
        if (map->digits[i].source_dimension != dimension)
            continue;
        *many = found != NULL;
        if (*many)
            return NULL;
        found = &map->digits[i];
    }
    return found;
}
