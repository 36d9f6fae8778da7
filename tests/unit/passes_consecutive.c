/* The consecutive-ones property: an order is found exactly when there is one, by trying them all.
 */
#include "passes/consecutive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MOST_ELEMENTS = 7, MOST_SETS = 6, TRIALS = 3000 };

typedef struct Problem {
    int64_t count;
    bool starts[MOST_ELEMENTS];
    int set_count; /* accepted ones */
    bool sets[MOST_SETS][MOST_ELEMENTS];
} Problem;

static uint64_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static bool is_consecutive(const bool *members, const int64_t *order, int64_t count) {
    int64_t runs = 0;
    for (int64_t i = 0; i < count; i++)
        runs += members[order[i]] && (i == 0 || !members[order[i - 1]]);
    return runs <= 1;
}

static int64_t block_of(const Problem *problem, int64_t element) {
    int64_t block = 0;
    for (int64_t i = 1; i <= element; i++)
        block += problem->starts[i];
    return block;
}

static bool is_order(const Problem *problem, const int64_t *order) {
    for (int64_t i = 0; i < problem->count; i++)
        if (block_of(problem, order[i]) != block_of(problem, i))
            return false;
    for (int s = 0; s < problem->set_count; s++)
        if (!is_consecutive(problem->sets[s], order, problem->count))
            return false;
    return true;
}

/* Whether some order of the elements serves all sets; order[0..placed-1] is decided. */
static bool exists(const Problem *problem, int64_t *order, bool *used, int64_t placed) {
    if (placed == problem->count)
        return is_order(problem, order);
    for (int64_t i = 0; i < problem->count; i++) {
        if (used[i])
            continue;
        used[i] = true;
        order[placed] = i;
        bool found = exists(problem, order, used, placed + 1);
        used[i] = false;
        if (found)
            return true;
    }
    return false;
}

static void check_choice(const Problem *problem, const ConsecutiveOrders *orders) {
    int64_t keys[MOST_ELEMENTS], order[MOST_ELEMENTS];
    bool seen[MOST_ELEMENTS] = {false};
    for (int64_t i = 0; i < problem->count; i++)
        keys[i] = i;
    consecutive_choose(orders, keys, order);
    for (int64_t i = 0; i < problem->count; i++) {
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
    }
    assert_true(is_order(problem, order));
}

static void agrees_with_trying_all(void **state) {
    (void)state;
    uint64_t random = 20240617;
    int refused = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        Arena *arena = arena_create();
        Problem problem = {.count = 2 + (int64_t)(next_random(&random) % (MOST_ELEMENTS - 1))};
        for (int64_t i = 1; i < problem.count; i++)
            problem.starts[i] = next_random(&random) % 5 == 0;
        ConsecutiveOrders *orders = consecutive_orders(arena, problem.count, problem.starts);
        for (int s = 0; s < MOST_SETS; s++) {
            bool *set = problem.sets[problem.set_count];
            int64_t order[MOST_ELEMENTS];
            bool used[MOST_ELEMENTS] = {false};
            for (int64_t i = 0; i < problem.count; i++)
                set[i] = next_random(&random) % 2 == 0;
            problem.set_count++;
            bool expected = exists(&problem, order, used, 0);
            assert_int_equal(consecutive_require(orders, set), expected);
            if (!expected) {
                problem.set_count--;
                refused++;
            }
            check_choice(&problem, orders);
        }
        arena_destroy(arena);
    }
    assert_true(refused > TRIALS / 10); /* the trials had both answers */
}

static void leaves_order_to_the_keys(void **state) {
    (void)state;
    Arena *arena = arena_create();
    static const bool set[4] = {true, false, false, true};
    static const int64_t keys[4] = {3, 1, 2, 0};
    int64_t order[4];
    ConsecutiveOrders *orders = consecutive_orders(arena, 4, NULL);
    assert_true(consecutive_require(orders, set));
    consecutive_choose(orders, keys, order);
    assert_int_equal(order[0], 3);
    assert_int_equal(order[1], 0);
    assert_int_equal(order[2], 1);
    assert_int_equal(order[3], 2);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_trying_all),
        cmocka_unit_test(leaves_order_to_the_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
