/* Maps of rearrange, slice and join against the interpreter: both are carried through the same
 * nodes, and where the map says a number comes from, it does. */
#include "ir_cmocka.h"

#include "ir/index_map.h"
#include "ir_support.h"

#include <stdlib.h>
#include <string.h>

/* Statements that end with `%y`, made of the input. */
typedef struct Chain {
    const char *statements;
    bool has_map; /* of the last node, from the input */
    int digits;   /* once simplified */
} Chain;

static const Chain chains[] = {
    /* twice as many rows and columns: the four digits, and two that repeat */
    {"input %x : f32[2,3,4,5]\n"
     "%y = rearrange %x {factors = [2, 3, 4, 5], order = [0, 1, 2, -2, 3, -2], dims = [2, 3, 8, "
     "10]} : f32[2,3,8,10]",
        true, 6},
    /* there and back: one tensor, of which dimensions stay digits */
    {"input %x : f32[2,3,4,5]\n"
     "%a = rearrange %x {factors = [2, 3, 4, 5], order = [0, 2, 3, 1], dims = [2, 20, 3]} : "
     "f32[2,20,3]\n"
     "%y = rearrange %a {factors = [2, 4, 5, 3], order = [0, 3, 1, 2], dims = [2, 3, 4, 5]} : "
     "f32[2,3,4,5]",
        true, 4},
    /* anchors from channels, then all in a row */
    {"input %x : f32[1,6,2,2]\n"
     "%a = rearrange %x {factors = [1, 2, 3, 2, 2], order = [0, 1, 3, 4, 2], dims = [1, 2, 2, 2, "
     "3]} : f32[1,2,2,2,3]\n"
     "%y = rearrange %a {factors = [1, 2, 2, 2, 3], order = [0, 1, 2, 3, 4], dims = [1, 8, 3]} : "
     "f32[1,8,3]",
        true, 4},
    /* a reshape that cuts a dimension which two digits make up, in their middle */
    {"input %x : f32[1,4,3,2]\n"
     "%a = rearrange %x {factors = [1, 4, 3, 2], order = [0, 2, 1, 3], dims = [24]} : f32[24]\n"
     "%y = rearrange %a {factors = [6, 4], order = [1, 0], dims = [4, 6]} : f32[4,6]",
        true, 4},
    {"input %x : f32[1,2,3,5]\n"
     "%a = rearrange %x {factors = [1, 2, 3, 5], order = [0, 3, 2, 1], dims = [30]} : f32[30]\n"
     "%y = rearrange %a {factors = [3, 10], order = [1, 0], dims = [10, 3]} : f32[10,3]",
        false, 0},
    /* every other column of the last rows */
    {"input %x : f32[1,2,6,7]\n"
     "%y = slice %x {begin = [0, 0, 2, 1], step = [1, 1, 1, 2], dims = [1, 2, 4, 3]} : "
     "f32[1,2,4,3]",
        true, 3},
    /* of a repeated column, some: each is there as often as it says */
    {"input %x : f32[1,1,1,4]\n"
     "%a = rearrange %x {factors = [4], order = [0, -2], dims = [1, 1, 1, 8]} : f32[1,1,1,8]\n"
     "%y = slice %a {begin = [0, 0, 0, 2], step = [1, 1, 1, 1], dims = [1, 1, 1, 4]} : "
     "f32[1,1,1,4]",
        true, 2},
    {"input %x : f32[1,1,1,4]\n"
     "%a = rearrange %x {factors = [4], order = [0, -2], dims = [1, 1, 1, 8]} : f32[1,1,1,8]\n"
     "%y = slice %a {begin = [0, 0, 0, 1], step = [1, 1, 1, 1], dims = [1, 1, 1, 4]} : "
     "f32[1,1,1,4]",
        false, 0},
    /* the second operand of a join, and a slice of it alone */
    {"input %x : f32[1,2,3,1]\n"
     "%a = rearrange %x {factors = [2, 3], order = [1, 0], dims = [1, 3, 2]} : f32[1,3,2]\n"
     "%b = join %a, %a {axis = 2} : f32[1,3,4]\n"
     "%y = slice %b {begin = [0, 0, 0], step = [1, 1, 1], dims = [1, 3, 2]} : f32[1,3,2]",
        true, 2},
};

/* Which element of a dense tensor the index is. */
static int64_t element(const int64_t *index, const int64_t *dims, int rank) {
    int64_t at = 0;
    for (int i = 0; i < rank; i++) {
        assert_in_range(index[i], 0, dims[i] - 1);
        at = at * dims[i] + index[i];
    }
    return at;
}

/* Goes through all that the map speaks of; marks the elements of the result. */
static void compare(const IndexMap *map, const float *source, const float *result, bool *seen) {
    int64_t count = 1;
    for (int i = 0; i < map->digit_count; i++)
        count *= map->digits[i].size;
    for (int64_t number = 0; number < count && !map->empty; number++) {
        int64_t from[MAX_RANK], to[MAX_RANK], left = number;
        memcpy(from, map->source_base, sizeof from);
        memcpy(to, map->result_base, sizeof to);
        for (int i = 0; i < map->digit_count; i++) {
            const Digit *digit = &map->digits[i];
            if (digit->source_dimension != NO_DIMENSION)
                from[digit->source_dimension] += left % digit->size * digit->source_weight;
            to[digit->result_dimension] += left % digit->size * digit->result_weight;
            left /= digit->size;
        }
        int64_t at = element(to, map->result_dims, map->result_rank);
        assert_true(result[at] == source[element(from, map->source_dims, map->source_rank)]);
        assert_false(seen[at]);
        seen[at] = true;
    }
}

/* Carries the map through the operand that is the node's first; through each, where it is one more
 * time. */
static bool carry(const Value *value, const Value *input, IndexMap *map, int join_operand) {
    if (value == input) {
        *map = index_map_identity(&input->type);
        return true;
    }
    int index = value->producer->op == OP_join ? join_operand : 0;
    return carry(value->producer->operands[index], input, map, join_operand) &&
           index_map_apply(map, value->producer, index);
}

static void test_chains(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        char *text = malloc(4096);
        snprintf(text, 4096, "%s\noutput y = %%y\n", chains[i].statements);
        Fixture fixture = fixture_parse_statements(text);
        free(text);
        if (fixture.graph == NULL)
            diagnostics_print(fixture.diagnostics, stderr);
        assert_non_null(fixture.graph);
        const Value *input = fixture.graph->inputs[0].value,
                    *output = fixture.graph->outputs[0].value;
        int64_t count = tensor_elements(&input->type), results = tensor_elements(&output->type);
        float *numbers = malloc((size_t)count * sizeof *numbers);
        float *result = malloc((size_t)results * sizeof *result);
        bool *seen = calloc((size_t)results, sizeof *seen);
        for (int64_t k = 0; k < count; k++)
            numbers[k] = (float)k;
        assert_true(graph_interpret(fixture.graph, (const float *const[]){numbers},
            (float *const[]){result}, NULL, NULL, fixture.diagnostics));
        bool joins = strstr(chains[i].statements, "join") != NULL;
        for (int operand = 0; operand <= (joins ? 1 : 0); operand++) {
            IndexMap map;
            assert_int_equal(carry(output, input, &map, operand), chains[i].has_map);
            if (!chains[i].has_map)
                continue;
            compare(&map, numbers, result, seen);
            index_map_simplify(&map);
            if (map.empty)
                continue;
            if (map.digit_count != chains[i].digits)
                print_error("chain %zu: %d digits\n", i, map.digit_count);
            assert_int_equal(map.digit_count, chains[i].digits);
            memset(seen, 0, (size_t)results * sizeof *seen);
            compare(&map, numbers, result, seen);
        }
        for (int64_t k = 0; chains[i].has_map && k < results; k++)
            assert_true(seen[k]);
        free(numbers);
        free(result);
        free(seen);
        fixture_free(&fixture);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chains)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
