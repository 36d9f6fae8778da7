/* Memory planning: offsets for buffers whose lifetimes are known.
 *
 * The best packing is NP-hard. One greedy attempt goes through the buffers in some order and puts
 * each into the smallest gap that fits between those already placed and alive at a common step, or
 * behind them. How good that is depends on the order, so several are tried: by size, by size times
 * lifetime, by first use; and then, from the best, the buffer that reaches highest is moved to the
 * front and placed again, as long as that is worth a try. It ends early when the lower bound is
 * reached. Everything is deterministic: ties go by the position in the array. */
#include "passes/passes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PROMOTIONS = 64, LARGEST_SEARCHED = 4096 };

typedef struct Planner {
    const PlannedBuffer *buffers;
    size_t count;
    int64_t alignment;
    int64_t *offsets; /* of the attempt, by buffer */
    size_t *placed;   /* buffers placed so far, sorted by offset */
    size_t placed_count;
} Planner;

static int64_t align_up(int64_t bytes, int64_t alignment) {
    return (bytes + alignment - 1) & -alignment;
}

static bool live_together(const PlannedBuffer *a, const PlannedBuffer *b) {
    return a->first_step <= b->last_step && b->first_step <= a->last_step;
}

/* ---- one attempt ---- */

/* The start of the smallest gap of at least the buffer's size, or behind all that live with it. */
static int64_t best_offset(const Planner *planner, const PlannedBuffer *buffer) {
    int64_t reach = 0, best = -1, best_gap = INT64_MAX;
    for (size_t i = 0; i < planner->placed_count; i++) {
        const PlannedBuffer *other = &planner->buffers[planner->placed[i]];
        if (!live_together(buffer, other) || other->bytes == 0)
            continue;
        int64_t offset = planner->offsets[planner->placed[i]], gap = offset - reach;
        if (gap >= buffer->bytes && gap < best_gap) {
            best = reach;
            best_gap = gap;
        }
        int64_t end = align_up(offset + other->bytes, planner->alignment);
        if (end > reach)
            reach = end;
    }
    return best >= 0 ? best : reach;
}

static void insert_placed(Planner *planner, size_t index) {
    size_t at = planner->placed_count++;
    while (at > 0 && planner->offsets[planner->placed[at - 1]] > planner->offsets[index]) {
        planner->placed[at] = planner->placed[at - 1];
        at--;
    }
    planner->placed[at] = index;
}

/* Places all buffers in the given order; returns the peak. */
static int64_t place_all(Planner *planner, const size_t *order) {
    int64_t peak = 0;
    planner->placed_count = 0;
    for (size_t i = 0; i < planner->count; i++) {
        const PlannedBuffer *buffer = &planner->buffers[order[i]];
        int64_t offset = best_offset(planner, buffer);
        planner->offsets[order[i]] = offset;
        insert_placed(planner, order[i]);
        if (offset + buffer->bytes > peak)
            peak = offset + buffer->bytes;
    }
    return peak;
}

/* ---- orders ---- */

typedef struct Entry {
    const PlannedBuffer *buffer;
    size_t index;
} Entry;

static int by_size(const PlannedBuffer *a, const PlannedBuffer *b) {
    return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

static int by_area(const PlannedBuffer *a, const PlannedBuffer *b) {
    double x = (double)a->bytes * (a->last_step - a->first_step + 1);
    double y = (double)b->bytes * (b->last_step - b->first_step + 1);
    return (x < y) - (x > y);
}

static int by_first_use(const PlannedBuffer *a, const PlannedBuffer *b) {
    return (a->first_step > b->first_step) - (a->first_step < b->first_step);
}

/* qsort passes no context, and ties must go by index: one comparison per criterion. */
#define COMPARISON(name, first, second)                                                            \
    static int name(const void *a, const void *b) {                                                \
        const Entry *x = a, *y = b;                                                                \
        int order = first(x->buffer, y->buffer);                                                   \
        if (order == 0)                                                                            \
            order = second(x->buffer, y->buffer);                                                  \
        return order != 0 ? order : (x->index > y->index) - (x->index < y->index);                 \
    }
COMPARISON(compare_size, by_size, by_first_use)
COMPARISON(compare_area, by_area, by_size)
COMPARISON(compare_first_use, by_first_use, by_size)

typedef int Comparison(const void *, const void *);
static Comparison *const comparisons[] = {compare_size, compare_area, compare_first_use};
enum { COMPARISON_COUNT = sizeof comparisons / sizeof comparisons[0] };

static void make_order(const Planner *planner, Comparison *compare, Entry *entries, size_t *order) {
    for (size_t i = 0; i < planner->count; i++)
        entries[i] = (Entry){&planner->buffers[i], i};
    qsort(entries, planner->count, sizeof entries[0], compare);
    for (size_t i = 0; i < planner->count; i++)
        order[i] = entries[i].index;
}

/* Moves the buffer that reaches highest to the front of the order. False when it is there already.
 */
static bool promote_highest(const Planner *planner, size_t *order) {
    size_t highest = 0;
    int64_t reach = -1;
    for (size_t i = 0; i < planner->count; i++) {
        int64_t end = planner->offsets[order[i]] + planner->buffers[order[i]].bytes;
        if (end > reach) {
            reach = end;
            highest = i;
        }
    }
    if (highest == 0)
        return false;
    size_t index = order[highest];
    memmove(order + 1, order, highest * sizeof order[0]);
    order[0] = index;
    return true;
}

/* ---- the bound, and the search ---- */

typedef struct StepEvent {
    int step;
    int64_t change;
} StepEvent;

static int compare_events(const void *a, const void *b) {
    const StepEvent *x = a, *y = b;
    if (x->step != y->step)
        return x->step < y->step ? -1 : 1;
    return (x->change > y->change) - (x->change < y->change); /* ends before begins */
}

static int64_t lower_bound(const PlannedBuffer *buffers, size_t count, Arena *scratch) {
    StepEvent *events = ARENA_ARRAY(scratch, StepEvent, 2 * count);
    for (size_t i = 0; i < count; i++) {
        events[2 * i] = (StepEvent){buffers[i].first_step, buffers[i].bytes};
        events[2 * i + 1] = (StepEvent){buffers[i].last_step + 1, -buffers[i].bytes};
    }
    qsort(events, 2 * count, sizeof events[0], compare_events);
    int64_t alive = 0, most = 0;
    for (size_t i = 0; i < 2 * count; i++) {
        alive += events[i].change;
        if (alive > most)
            most = alive;
    }
    return most;
}

typedef struct Best {
    int64_t peak;
    int64_t *offsets;
} Best;

static void attempt(Planner *planner, const size_t *order, Best *best) {
    int64_t peak = place_all(planner, order);
    if (peak >= best->peak)
        return;
    best->peak = peak;
    memcpy(best->offsets, planner->offsets, planner->count * sizeof best->offsets[0]);
}

static void search(Planner *planner, int64_t bound, Best *best, Arena *scratch) {
    size_t count = planner->count;
    Entry *entries = ARENA_ARRAY(scratch, Entry, count);
    size_t *order = ARENA_ARRAY(scratch, size_t, count);
    for (size_t i = 0; i < COMPARISON_COUNT && best->peak > bound; i++) {
        make_order(planner, comparisons[i], entries, order);
        attempt(planner, order, best);
        if (count > LARGEST_SEARCHED)
            continue;
        for (int k = 0; k < PROMOTIONS && best->peak > bound; k++) {
            if (!promote_highest(planner, order))
                break;
            attempt(planner, order, best);
        }
    }
}

MemoryPlan plan_memory(PlannedBuffer *buffers, size_t count, int64_t alignment, Arena *scratch) {
    assert(alignment > 0 && (alignment & (alignment - 1)) == 0);
    if (count == 0)
        return (MemoryPlan){0, 0};
    for (size_t i = 0; i < count; i++)
        assert(buffers[i].bytes >= 0 && buffers[i].last_step >= buffers[i].first_step);
    Planner planner = {
        .buffers = buffers,
        .count = count,
        .alignment = alignment,
        .offsets = ARENA_ARRAY(scratch, int64_t, count),
        .placed = ARENA_ARRAY(scratch, size_t, count),
    };
    Best best = {INT64_MAX, ARENA_ARRAY(scratch, int64_t, count)};
    int64_t bound = lower_bound(buffers, count, scratch);
    search(&planner, bound, &best, scratch);
    for (size_t i = 0; i < count; i++)
        buffers[i].offset = best.offsets[i];
    return (MemoryPlan){best.peak, bound};
}
