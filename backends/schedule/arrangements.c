#include "backends/schedule/arrangements.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/index_map.h"

/* More sources than this are put together in between. */
enum { MOST_PARTS = 4096 };

typedef struct Parts {
    ArrangedPart *items; /* NULL: the value itself */
    int count;
} Parts;

typedef struct PartSearch {
    const Graph *graph;
    Arena *arena;
    bool *is_read; /* by value id: by someone else than these ops */
    Parts *parts;  /* by value id: of their results */
} PartSearch;

static void mark_reads(PartSearch *search) {
    for (const Node *node = search->graph->first; node; node = node->next)
        for (int i = 0; i < node->operand_count && !op_moves_numbers(node->op); i++)
            search->is_read[node->operands[i]->id] = true;
    for (int i = 0; i < search->graph->output_count; i++)
        search->is_read[search->graph->outputs[i].value->id] = true;
}

/* The parts of a value, from which others are made. */
static Parts parts_of(const PartSearch *search, Value *value, ArrangedPart *self) {
    if (search->parts[value->id].items)
        return search->parts[value->id];
    *self = (ArrangedPart){.source = value, .map = index_map_identity(&value->type)};
    return (Parts){self, 1};
}

/* Adds the parts of an operand, carried on through the node. False where a map cannot say it. */
static bool add_operand(const PartSearch *search, const Node *node, int index, Parts *result) {
    ArrangedPart self;
    Parts parts = parts_of(search, node->operands[index], &self);
    if (result->count + parts.count > MOST_PARTS)
        return false;
    int first = result->count;
    for (int i = 0; i < parts.count; i++) {
        ArrangedPart part = parts.items[i];
        if (!index_map_apply(&part.map, node, index)) {
            result->count = first;
            return false;
        }
        index_map_simplify(&part.map);
        if (!part.map.empty)
            result->items[result->count++] = part;
    }
    return true;
}

/* Whether the slice cuts through one of several that were joined: then no producer can store into
 * what is taken, but all can into what was joined, of which a slice is a view. */
static bool cuts_joined(const PartSearch *search, const Node *node, const Parts *result) {
    bool cuts = false;
    for (int i = 0; i < result->count; i++)
        cuts = cuts || index_map_count(&result->items[i].map) <
                           tensor_elements(&result->items[i].source->type);
    return node->op == OP_slice && search->parts[node->operands[0]->id].count > 1 && cuts;
}

static void find_parts(PartSearch *search, const Node *node) {
    Parts parts = {0};
    int most = 0;
    for (int i = 0; i < node->operand_count; i++) {
        int count = search->parts[node->operands[i]->id].count;
        most += count > 1 ? count : 1;
    }
    parts.items = ARENA_ARRAY(search->arena, ArrangedPart, most + 1);
    for (int i = 0; i < node->operand_count; i++) {
        if (add_operand(search, node, i, &parts) && !cuts_joined(search, node, &parts))
            continue;
        parts.count = node->op == OP_slice ? 0 : parts.count;
        Value *operand = node->operands[i]; /* is put together first */
        search->is_read[operand->id] = true;
        ArrangedPart *part = &parts.items[parts.count++];
        *part = (ArrangedPart){.source = operand, .map = index_map_identity(&operand->type)};
        index_map_apply(&part->map, node, i);
        index_map_simplify(&part->map);
    }
    search->parts[node->results[0]->id] = parts;
}

Arrangements find_arrangements(const Graph *graph, Arena *arena) {
    int values = graph->next_value_id + 1;
    PartSearch search = {.graph = graph,
        .arena = arena,
        .is_read = ARENA_ARRAY(arena, bool, values),
        .parts = ARENA_ARRAY(arena, Parts, values)};
    Arrangements arrangements = ARENA_ARRAY(arena, Arrangement *, values);
    mark_reads(&search);
    for (const Node *node = graph->first; node; node = node->next)
        if (op_moves_numbers(node->op))
            find_parts(&search, node);
    for (const Node *node = graph->first; node; node = node->next) {
        Value *value = node->results[0];
        if (!op_moves_numbers(node->op) || !search.is_read[value->id])
            continue;
        Arrangement *arrangement = arrangements[value->id] = ARENA_NEW(arena, Arrangement);
        *arrangement =
            (Arrangement){value, search.parts[value->id].items, search.parts[value->id].count};
        for (int i = 0; i < arrangement->part_count; i++)
            arrangement->parts[i].arrangement = arrangement;
    }
    return arrangements;
}
