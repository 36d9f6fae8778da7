/* Memory planning: whatever the buffers, those alive together do not overlap. */
#include "passes/passes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static bool live_together(const PlannedBuffer *a, const PlannedBuffer *b) {
    return a->first_step <= b->last_step && b->first_step <= a->last_step;
}

/* Everything that the header promises, checked the slow way. */
static void check_plan(
    const PlannedBuffer *buffers, size_t count, int64_t alignment, MemoryPlan plan) {
    int64_t peak = 0, most_alive = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(buffers[i].offset >= 0);
        assert_int_equal(buffers[i].offset % alignment, 0);
        int64_t end = buffers[i].offset + buffers[i].bytes, alive = 0;
        peak = end > peak ? end : peak;
        for (size_t j = 0; j < count; j++) {
            /* The most are alive when some buffer begins. */
            if (buffers[j].first_step <= buffers[i].first_step &&
                buffers[j].last_step >= buffers[i].first_step)
                alive += buffers[j].bytes;
            if (j != i && live_together(&buffers[i], &buffers[j]))
                assert_true(end <= buffers[j].offset ||
                            buffers[j].offset + buffers[j].bytes <= buffers[i].offset);
        }
        most_alive = alive > most_alive ? alive : most_alive;
    }
    assert_int_equal(plan.peak_bytes, peak);
    assert_int_equal(plan.lower_bound_bytes, most_alive);
    assert_true(plan.peak_bytes >= plan.lower_bound_bytes);
}

static MemoryPlan plan_and_check(PlannedBuffer *buffers, size_t count, int64_t alignment) {
    Arena *scratch = arena_create();
    MemoryPlan plan = plan_memory(buffers, count, alignment, scratch);
    arena_destroy(scratch);
    check_plan(buffers, count, alignment, plan);
    return plan;
}

static void plans_nothing(void **state) {
    (void)state;
    MemoryPlan plan = plan_and_check(NULL, 0, 64);
    assert_int_equal(plan.peak_bytes, 0);
}

static void a_chain_needs_two_neighbours(void **state) {
    (void)state;
    enum { COUNT = 20 };
    PlannedBuffer buffers[COUNT];
    for (int i = 0; i < COUNT; i++)
        buffers[i] = (PlannedBuffer){.bytes = 64 * (i + 1), .first_step = i, .last_step = i + 1};
    MemoryPlan plan = plan_and_check(buffers, COUNT, 64);
    assert_int_equal(plan.peak_bytes, 64 * (COUNT + COUNT - 1));
    assert_int_equal(plan.peak_bytes, plan.lower_bound_bytes);
}

/* In the order of size the long-lived small buffer lands between the large ones and splits the
 * memory; another order is better, and must be found. */
static void finds_a_better_order(void **state) {
    (void)state;
    PlannedBuffer buffers[] = {
        {.bytes = 64 * 5, .first_step = 0, .last_step = 1},
        {.bytes = 64 * 3, .first_step = 1, .last_step = 5},
        {.bytes = 64 * 4, .first_step = 2, .last_step = 3},
        {.bytes = 64 * 6, .first_step = 3, .last_step = 4},
        {.bytes = 64 * 9, .first_step = 5, .last_step = 6},
    };
    MemoryPlan plan = plan_and_check(buffers, 5, 64);
    assert_int_equal(plan.peak_bytes, plan.lower_bound_bytes);
}

static void random_buffers_keep_apart(void **state) {
    (void)state;
    uint64_t random = 2026;
    double worst = 1;
    for (int round = 0; round < 300; round++) {
        size_t count = 1 + next_random(&random) % 40;
        int64_t alignment = (int64_t)1 << (next_random(&random) % 8);
        PlannedBuffer buffers[40];
        for (size_t i = 0; i < count; i++) {
            int first = (int)(next_random(&random) % 30);
            buffers[i] = (PlannedBuffer){
                .bytes = (int64_t)(next_random(&random) % (round % 2 ? 20 : 5000)),
                .first_step = first,
                .last_step = first + (int)(next_random(&random) % 6),
                .offset = -1,
            };
        }
        PlannedBuffer again[40];
        memcpy(again, buffers, sizeof again);
        MemoryPlan plan = plan_and_check(buffers, count, alignment);
        plan_and_check(again, count, alignment);
        assert_memory_equal(buffers, again, count * sizeof buffers[0]); /* the same every time */
        if (alignment == 1 && plan.lower_bound_bytes > 0 &&
            (double)plan.peak_bytes > worst * (double)plan.lower_bound_bytes)
            worst = (double)plan.peak_bytes / (double)plan.lower_bound_bytes;
    }
    assert_true(worst < 1.25); /* a planner that only stacks is far above 2 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_nothing),
        cmocka_unit_test(a_chain_needs_two_neighbours),
        cmocka_unit_test(finds_a_better_order),
        cmocka_unit_test(random_buffers_keep_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
