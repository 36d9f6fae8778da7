/* The buffers of routes that own their sources.
 *
 * One dense buffer would be alive from the first producer's store on, with room for channels that
 * others write much later. So a tensor is cut into parts, one for each producer, which live no
 * longer than they must. Readers pay for parts with shorter runs; where a cut does not lower the
 * peak of the whole network, it is not made. */
#include "backends/schedule/owned.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/liveness.h"
#include "backends/schedule/routes.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include <string.h>

/* Most parts of one tensor, and the fewest channels of one: about a vector. */
enum { MOST_PARTS = 8, LEAST_PART_CHANNELS = 8, MOST_CUTS = 1024 };

typedef struct Part {
    int64_t end; /* its first channel is the end of the part before it */
    int64_t bytes;
    int first, last; /* positions */
} Part;

typedef struct Owned {
    Value *value;
    Part *parts;
    int part_count;
} Owned;

typedef struct Cutter {
    const Liveness *liveness;
    Owned *owned;
    int owned_count, cut_count;
    int64_t *alive;
} Cutter;

/* ---- parts ---- */

static void merge_parts(Owned *owned, int left) {
    Part *a = &owned->parts[left], *b = a + 1;
    *a = (Part){.end = b->end,
        .bytes = a->bytes + b->bytes,
        .first = a->first < b->first ? a->first : b->first,
        .last = a->last > b->last ? a->last : b->last};
    owned->part_count--;
    memmove(b, b + 1, (size_t)(owned->part_count - left - 1) * sizeof *b);
}

static int64_t part_channels(const Owned *owned, int part) {
    return owned->parts[part].end - (part > 0 ? owned->parts[part - 1].end : 0);
}

/* Merges parts with their smaller neighbours until none is short and there are not too many. */
static void limit_parts(Owned *owned) {
    while (owned->part_count > 1) {
        int least = 0;
        for (int i = 1; i < owned->part_count; i++)
            if (part_channels(owned, i) < part_channels(owned, least))
                least = i;
        if (owned->part_count <= MOST_PARTS && part_channels(owned, least) >= LEAST_PART_CHANNELS)
            return;
        bool to_left =
            least == owned->part_count - 1 ||
            (least > 0 && part_channels(owned, least - 1) < part_channels(owned, least + 1));
        merge_parts(owned, to_left ? least - 1 : least);
    }
}

static Owned cut(const Liveness *liveness, const Node *route) {
    Value *value = route->results[0];
    int64_t channels = value->type.dims[1];
    int64_t bytes =
        tensor_elements(&value->type) / channels * element_type_bytes(value->type.element);
    Owned owned = {value, ARENA_ARRAY(liveness->arena, Part, channels), 0};
    int before = -1;
    for (int64_t i = 0; i < channels; i++) {
        int index = liveness_unit(liveness, value, i);
        const LiveUnit *unit = &liveness->units[index];
        if (index != before)
            owned.parts[owned.part_count++] =
                (Part){.end = i, .first = unit->first, .last = unit->last};
        owned.parts[owned.part_count - 1].end++;
        owned.parts[owned.part_count - 1].bytes += bytes;
        before = index;
    }
    limit_parts(&owned);
    return owned;
}

/* ---- which cuts to keep ---- */

static void add_alive(int64_t *alive, int first, int last, int64_t bytes) {
    alive[first] += bytes;
    alive[last + 1] -= bytes;
}

static int64_t peak(const Cutter *cutter) {
    const Liveness *liveness = cutter->liveness;
    int64_t *alive = cutter->alive, sum = 0, most = 0;
    memset(alive, 0, (size_t)(liveness->item_count + 1) * sizeof *alive);
    for (int i = 0; i < liveness->unit_count; i++) {
        const LiveUnit *unit = &liveness->units[i];
        if (!unit->route)
            add_alive(alive, unit->first, unit->last, unit->bytes);
    }
    for (int i = 0; i < cutter->owned_count; i++)
        for (int j = 0; j < cutter->owned[i].part_count; j++) {
            const Part *part = &cutter->owned[i].parts[j];
            add_alive(alive, part->first, part->last, part->bytes);
        }
    for (int position = 0; position < liveness->item_count; position++) {
        sum += alive[position];
        most = sum > most ? sum : most;
    }
    return most;
}

/* Takes back the cuts without which the peak is no higher. */
static void drop_useless_cuts(Cutter *cutter) {
    int64_t limit = peak(cutter);
    for (int i = 0; i < cutter->owned_count; i++) {
        Owned *owned = &cutter->owned[i];
        Part *kept = ARENA_ARRAY(cutter->liveness->arena, Part, owned->part_count);
        for (int j = 0; j + 1 < owned->part_count;) {
            size_t bytes = (size_t)owned->part_count * sizeof *kept;
            memcpy(kept, owned->parts, bytes);
            merge_parts(owned, j);
            if (cutter->cut_count > MOST_CUTS || peak(cutter) <= limit)
                continue;
            memcpy(owned->parts, kept, bytes);
            owned->part_count++;
            j++;
        }
    }
}

/* ---- room ---- */

static void find_room(const Cutter *cutter, int64_t *room) {
    const Liveness *liveness = cutter->liveness;
    int64_t most = peak(cutter), sum = 0;
    for (int position = 0; position < liveness->item_count; position++) {
        const Node *node = liveness->items[liveness->order[position]].node;
        sum += cutter->alive[position];
        if (node)
            room[node->results[0]->id] = most - sum;
    }
}

void cut_owned_tensors(Decisions *decisions, const Liveness *liveness) {
    int values = decisions->graph->next_value_id;
    Cutter cutter = {.liveness = liveness};
    cutter.owned = ARENA_ARRAY(liveness->arena, Owned, values);
    cutter.alive = ARENA_ARRAY(liveness->arena, int64_t, liveness->item_count + 1);
    for (const Node *node = decisions->graph->first; node; node = node->next)
        if (route_owns_sources(decisions, node)) {
            Owned *owned = &cutter.owned[cutter.owned_count++];
            *owned = cut(liveness, node);
            cutter.cut_count += owned->part_count - 1;
        }
    drop_useless_cuts(&cutter);
    decisions->room = ARENA_ARRAY(liveness->arena, int64_t, values + 1);
    find_room(&cutter, decisions->room);
    decisions->cuts = ARENA_ARRAY(liveness->arena, TensorCuts, values + 1);
    for (int i = 0; i < cutter.owned_count; i++) {
        const Owned *owned = &cutter.owned[i];
        int64_t *ends = ARENA_ARRAY(liveness->arena, int64_t, owned->part_count);
        for (int j = 0; j < owned->part_count; j++)
            ends[j] = owned->parts[j].end;
        decisions->cuts[owned->value->id] = (TensorCuts){ends, owned->part_count};
    }
}
