/* Between maps and the attributes of rearrange, and what passes ask of maps. */
#include "ir/index_map.h"

#include <stdlib.h>
#include <string.h>

static bool starts_at_zero(const IndexMap *map) {
    static const int64_t zeros[MAX_RANK] = {0};
    return memcmp(map->source_base, zeros, sizeof zeros) == 0 &&
           memcmp(map->result_base, zeros, sizeof zeros) == 0;
}

bool index_map_of(const Node *node, IndexMap *map) {
    *map = index_map_identity(&node->operands[0]->type);
    bool applied = index_map_apply(map, node, 0);
    index_map_simplify(map);
    return applied;
}

bool index_map_is_identity(const IndexMap *map) {
    if (map->empty || map->source_rank != map->result_rank || !starts_at_zero(map))
        return false;
    int64_t numbers = 1;
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        if (digit->source_dimension != digit->result_dimension ||
            digit->source_weight != digit->result_weight)
            return false;
        numbers *= digit->size;
    }
    for (int d = 0; d < map->source_rank; d++) {
        if (map->source_dims[d] != map->result_dims[d])
            return false;
        numbers /= map->source_dims[d]; /* none is there twice */
    }
    return numbers == 1;
}

bool index_map_keeps_channels(const IndexMap *map) {
    if (map->empty || !rank_has_channels(map->source_rank) ||
        !rank_has_channels(map->result_rank) || map->source_dims[1] != map->result_dims[1] ||
        map->source_base[1] != 0 || map->result_base[1] != 0)
        return false;
    int64_t channels = 1;
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        if (digit->source_dimension != 1 && digit->result_dimension != 1)
            continue;
        if (digit->source_dimension != digit->result_dimension || digit->source_weight != 1 ||
            digit->result_weight != 1)
            return false;
        channels *= digit->size;
    }
    return channels == map->source_dims[1];
}

/* ---- as a rearrange ---- */

static int compare_source(const void *left, const void *right) {
    const Digit *a = *(const Digit *const *)left, *b = *(const Digit *const *)right;
    if (a->source_dimension != b->source_dimension)
        return a->source_dimension - b->source_dimension;
    return (a->source_weight < b->source_weight) - (a->source_weight > b->source_weight);
}

static int compare_result(const void *left, const void *right) {
    const Digit *a = *(const Digit *const *)left, *b = *(const Digit *const *)right;
    if (a->result_dimension != b->result_dimension)
        return a->result_dimension - b->result_dimension;
    return (a->result_weight < b->result_weight) - (a->result_weight > b->result_weight);
}

/* Whether the digits, the slowest first, count through each dimension of a side. */
static bool count_through(
    const Digit *const *digits, int count, bool of_source, const int64_t *dims, int rank) {
    int at = count;
    for (int d = rank; d-- > 0;) {
        int64_t product = 1;
        while (at > 0 && d == (of_source ? digits[at - 1]->source_dimension
                                         : digits[at - 1]->result_dimension)) {
            const Digit *digit = digits[--at];
            if ((of_source ? digit->source_weight : digit->result_weight) != product)
                return false;
            product *= digit->size;
        }
        if (product != dims[d])
            return false;
    }
    return at == 0;
}

bool index_map_rearrangement(const IndexMap *map, Rearrangement *rearrangement) {
    const Digit *source[MOST_DIGITS], *result[MOST_DIGITS];
    int taken = 0;
    if (map->empty || !starts_at_zero(map))
        return false;
    for (int i = 0; i < map->digit_count; i++) {
        result[i] = &map->digits[i];
        if (map->digits[i].source_dimension != NO_DIMENSION)
            source[taken++] = &map->digits[i];
    }
    qsort(source, (size_t)taken, sizeof *source, compare_source);
    qsort(result, (size_t)map->digit_count, sizeof *result, compare_result);
    if (!count_through(source, taken, true, map->source_dims, map->source_rank) ||
        !count_through(result, map->digit_count, false, map->result_dims, map->result_rank))
        return false;
    *rearrangement = (Rearrangement){.rank = map->result_rank};
    memcpy(rearrangement->dims, map->result_dims, sizeof rearrangement->dims);
    for (int i = 0; i < taken; i++)
        rearrangement->factors[rearrangement->factor_count++] = source[i]->size;
    for (int i = 0; i < map->digit_count; i++) {
        int factor = 0;
        while (factor < taken && source[factor] != result[i])
            factor++;
        rearrangement->order[rearrangement->order_count++] =
            factor < taken ? factor : -result[i]->size;
    }
    if (taken == 0 && map->digit_count < MOST_DIGITS) { /* a rearrange has at least one */
        rearrangement->factors[rearrangement->factor_count++] = 1;
        rearrangement->order[rearrangement->order_count++] = 0;
    }
    return rearrangement->factor_count > 0;
}

void node_set_rearrangement(Graph *graph, Node *node, const Rearrangement *rearrangement) {
    const Rearrangement *r = rearrangement;
    node_set_list(graph, node, "factors", r->factors, (size_t)r->factor_count);
    node_set_list(graph, node, "order", r->order, (size_t)r->order_count);
    node_set_list(graph, node, "dims", r->dims, (size_t)r->rank);
}
