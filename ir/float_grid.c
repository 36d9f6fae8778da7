#include "ir/float_grid.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_RANGES = 1024 };

bool float_grid_equal(const FloatGrid *a, const FloatGrid *b) {
    size_t bytes = (size_t)a->count * sizeof(int64_t);
    return a->count == b->count && memcmp(a->steps, b->steps, bytes) == 0 &&
           memcmp(a->times, b->times, bytes) == 0;
}

/* A dimension whose ranges touch each other makes one longer range; the others are walked. */
static void add_grid(FloatSet *set, FloatRange range, FloatGrid grid, Arena *arena) {
    for (int i = 0; i < grid.count; i++) {
        if (grid.steps[i] < 0 || grid.steps[i] > range.count)
            continue;
        range.count += grid.steps[i] * (grid.times[i] - 1);
        grid.count--;
        grid.steps[i] = grid.steps[grid.count];
        grid.times[i] = grid.times[grid.count];
        i = -1; /* the longer range may touch along those that were passed over */
    }
    if (grid.count == 0) {
        float_set_add(set, range.first, range.count, arena);
        return;
    }
    grid.count--;
    for (int64_t i = 0; i < grid.times[grid.count]; i++) {
        if (grid.count == 0)
            float_set_add(set, range.first, range.count, arena);
        else
            add_grid(set, range, grid, arena);
        range.first += grid.steps[grid.count];
    }
}

static int compare_ranges(const void *a, const void *b) {
    const FloatRange *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

void float_collector_finish(FloatCollector *collector, Arena *arena) {
    FloatRange *ranges = collector->ranges;
    if (collector->range_count > 1)
        qsort(ranges, (size_t)collector->range_count, sizeof *ranges, compare_ranges);
    for (int i = 0; i < collector->range_count;) {
        FloatRange joined = ranges[i++];
        while (i < collector->range_count && ranges[i].first <= joined.first + joined.count) {
            int64_t count = ranges[i].first + ranges[i].count - joined.first;
            joined.count = count > joined.count ? count : joined.count;
            i++;
        }
        add_grid(&collector->set, joined, collector->grid, arena);
    }
    collector->range_count = 0;
}

void float_collector_add(
    FloatCollector *collector, FloatRange range, const FloatGrid *grid, Arena *arena) {
    if (collector->range_count == MOST_RANGES ||
        (collector->range_count > 0 && !float_grid_equal(&collector->grid, grid)))
        float_collector_finish(collector, arena);
    if (!collector->ranges)
        collector->ranges = ARENA_ARRAY(arena, FloatRange, MOST_RANGES);
    if (collector->range_count == 0)
        collector->grid = *grid;
    collector->ranges[collector->range_count++] = range;
}
