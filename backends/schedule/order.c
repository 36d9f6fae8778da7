/* The order in which layers are computed.
 *
 * Any order in which readers follow writers is right. Branches leave a choice: the one with the
 * large tensors first, say, before others' results wait beside them. Layers are moved one at a
 * time, over others that do not depend on them, as long as less memory stays alive. The score is
 * the sum of the fourth powers of what is alive at each position: high positions count most, and
 * those below them still a little, so that several moves can lead to a lower peak. */
#include "backends/schedule/decisions.h"
#include "backends/schedule/liveness.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include <string.h>

enum { LARGEST_SCHEDULED = 512, SWEEPS = 8, SCORE_SCALE = 1024, LARGEST_LEVEL = 8192 };

typedef struct Scheduler {
    Liveness *liveness;
    bool *depends;  /* [item * item_count + before] */
    int64_t *alive; /* by position */
    int64_t scale;  /* bytes that are SCORE_SCALE */
} Scheduler;

static bool depends(const Scheduler *scheduler, int item, int before) {
    return scheduler->depends[item * scheduler->liveness->item_count + before];
}

/* Adds the items of one set to another. */
static void unite(uint64_t *to, const uint64_t *from, int words) {
    for (int i = 0; i < words; i++)
        to[i] |= from[i];
}

/* A layer follows all that the views between have as operands, and not only those whose channels it
 * reads: a view is lowered as a whole. */
static void find_dependencies(Scheduler *scheduler) {
    const Liveness *liveness = scheduler->liveness;
    const Graph *graph = liveness->decisions->graph;
    Arena *arena = liveness->arena;
    int count = liveness->item_count, words = count / 64 + 1;
    scheduler->depends = ARENA_ARRAY(arena, bool, count *count);
    /* Sets of items: those that a value, by its id, is made by; those that an item needs. */
    uint64_t *makers = ARENA_ARRAY(arena, uint64_t, (graph->next_value_id + 1) * words);
    uint64_t *needs = ARENA_ARRAY(arena, uint64_t, count *words);
    for (const Node *node = graph->first; node; node = node->next) {
        int item = liveness->item_of[node->results[0]->id];
        for (int i = 0; i < node->operand_count; i++) {
            const uint64_t *operand = makers + node->operands[i]->id * words;
            for (int j = 0; item < 0 && j < node->result_count; j++)
                unite(makers + node->results[j]->id * words, operand, words);
            if (item >= 0)
                unite(needs + item * words, operand, words);
        }
        if (item >= 0)
            makers[node->results[0]->id * words + item / 64] |= (uint64_t)1 << item % 64;
    }
    for (int item = 0; item < count; item++)
        for (int before = 0; before < count; before++)
            if (before != item) /* the copies to outputs, without a node, stay last */
                scheduler->depends[item * count + before] =
                    !liveness->items[item].node ||
                    (needs[item * words + before / 64] >> before % 64 & 1);
}

static void count_alive(Scheduler *scheduler) {
    Liveness *liveness = scheduler->liveness;
    int64_t *alive = scheduler->alive, sum = 0;
    liveness_update(liveness);
    memset(alive, 0, (size_t)(liveness->item_count + 1) * sizeof *alive);
    for (int i = 0; i < liveness->unit_count; i++) {
        alive[liveness->units[i].first] += liveness->units[i].bytes;
        alive[liveness->units[i].last + 1] -= liveness->units[i].bytes;
    }
    for (int position = 0; position < liveness->item_count; position++)
        alive[position] = sum += alive[position];
}

static uint64_t score(Scheduler *scheduler) {
    uint64_t sum = 0;
    count_alive(scheduler);
    for (int position = 0; position < scheduler->liveness->item_count; position++) {
        int64_t level = scheduler->alive[position] / scheduler->scale;
        uint64_t square =
            (uint64_t)(level < LARGEST_LEVEL ? level * level : LARGEST_LEVEL * LARGEST_LEVEL);
        sum += square * square;
    }
    return sum;
}

/* Moves the item at `from` to position `to`; those between make room. */
static void move_item(int *order, int from, int to) {
    int item = order[from];
    if (to > from)
        memmove(order + from, order + from + 1, (size_t)(to - from) * sizeof *order);
    else
        memmove(order + to + 1, order + to, (size_t)(from - to) * sizeof *order);
    order[to] = item;
}

/* The best place for the item at `from`; improves *best. */
static bool improve_item(Scheduler *scheduler, int from, uint64_t *best) {
    Liveness *liveness = scheduler->liveness;
    int *order = liveness->order, item = order[from], best_place = from;
    for (int step = -1; step <= 1; step += 2) {
        int at = from;
        for (int to = from + step; to >= 0 && to < liveness->item_count; to += step) {
            bool blocked = step < 0 ? depends(scheduler, item, order[to])
                                    : depends(scheduler, order[to], item);
            if (blocked)
                break;
            move_item(order, at, to);
            at = to;
            uint64_t sum = score(scheduler);
            if (sum < *best) {
                *best = sum;
                best_place = to;
            }
        }
        move_item(order, at, from);
    }
    move_item(order, from, best_place);
    return best_place != from;
}

void liveness_schedule(Liveness *liveness) {
    int count = liveness->item_count;
    if (count <= LARGEST_SCHEDULED) {
        Scheduler scheduler = {.liveness = liveness, .scale = 1};
        scheduler.alive = ARENA_ARRAY(liveness->arena, int64_t, count + 1);
        find_dependencies(&scheduler);
        count_alive(&scheduler);
        int64_t peak = SCORE_SCALE;
        for (int position = 0; position < count; position++)
            peak = scheduler.alive[position] > peak ? scheduler.alive[position] : peak;
        scheduler.scale = (peak + SCORE_SCALE - 1) / SCORE_SCALE;
        uint64_t best = score(&scheduler);
        bool improved = true;
        for (int sweep = 0; improved && sweep < SWEEPS; sweep++) {
            improved = false;
            for (int position = 0; position < count; position++)
                improved = improve_item(&scheduler, position, &best) || improved;
        }
    }
    liveness_update(liveness);
}
