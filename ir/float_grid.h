/* Ranges of floats that repeat on a regular grid, collected on their way into a set: ranges on the
 * same grid that touch are joined first, so that few are walked. */
#ifndef RIFFLE_IR_FLOAT_GRID_H
#define RIFFLE_IR_FLOAT_GRID_H

#include "ir/float_set.h"
#include <stdbool.h>

enum { MOST_GRID_DIMENSIONS = 16 };

/* The offsets i * steps[0] + j * steps[1] + ..., 0 <= i < times[0], 0 <= j < times[1], ... */
typedef struct FloatGrid {
    int count;
    int64_t steps[MOST_GRID_DIMENSIONS], times[MOST_GRID_DIMENSIONS];
} FloatGrid;

bool float_grid_equal(const FloatGrid *a, const FloatGrid *b);

typedef struct FloatRange {
    int64_t first, count;
} FloatRange;

/* Zeroed: an empty set. What was collected is in `set` after float_collector_finish. */
typedef struct FloatCollector {
    FloatSet set;
    FloatGrid grid;     /* of all ranges */
    FloatRange *ranges; /* still to be added; NULL before the first */
    int range_count;
} FloatCollector;

/* Collects the range at each point of the grid. */
void float_collector_add(
    FloatCollector *collector, FloatRange range, const FloatGrid *grid, Arena *arena);
void float_collector_finish(FloatCollector *collector, Arena *arena);

#endif
