/* Gathers that take ranges of one value's channels, or every p-th channel, made one split: what the
 * spec's author would have written. */
#include "frontend/import/importer.h"

#include <stdlib.h>
#include <string.h>

typedef struct SlicePiece {
    int64_t begin, end; /* channels; interleaved: the first channel and the step */
    Node *gather;
} SlicePiece;

typedef struct Pieces {
    SlicePiece *items;
    int count;
} Pieces;

static int compare_pieces(const void *a, const void *b) {
    const SlicePiece *x = a, *y = b;
    return x->begin != y->begin ? (x->begin < y->begin ? -1 : 1)
                                : (x->end > y->end) - (x->end < y->end);
}

/* Whether the channels go up by `step`. */
static bool steps_by(IntegerList channels, int64_t step) {
    for (size_t i = 1; i < channels.count; i++)
        if (channels.items[i] != channels.items[i - 1] + step)
            return false;
    return true;
}

static Pieces find_pieces(Graph *graph, const Value *value, bool interleaved, Arena *arena) {
    Pieces pieces = {0};
    int capacity = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1)
            pieces.items = ARENA_ARRAY(arena, SlicePiece, capacity);
        for (Node *node = graph->first; node != NULL; node = node->next) {
            if (node->op != OP_gather || node->operands[0] != value)
                continue;
            IntegerList list = node_list(node, "channels");
            int64_t first = list.items[0], total = value->type.dims[1];
            int64_t step = interleaved && list.count > 1 ? list.items[1] - first : 1;
            bool fits = steps_by(list, step) &&
                        (!interleaved || (step > 1 && first < step && total % step == 0 &&
                                             (int64_t)list.count == total / step));
            if (!fits)
                continue;
            if (pass == 0)
                capacity++;
            else
                pieces.items[pieces.count++] =
                    (SlicePiece){first, interleaved ? step : first + (int64_t)list.count, node};
        }
    }
    if (pieces.count > 1)
        qsort(pieces.items, (size_t)pieces.count, sizeof *pieces.items, compare_pieces);
    return pieces;
}

/* Ranges must be equal or apart; residues must have one step. */
static bool can_split(const Pieces *pieces, bool interleaved) {
    bool good = pieces->count > 0;
    for (int i = 1; good && i < pieces->count; i++) {
        const SlicePiece *a = &pieces->items[i - 1], *b = &pieces->items[i];
        if (interleaved)
            good = a->end == b->end;
        else
            good = b->begin >= a->end || (a->begin == b->begin && a->end == b->end);
    }
    return good;
}

/* The sizes of all parts: the pieces and what lies between them. */
static int part_sizes(const Pieces *pieces, bool interleaved, int64_t total, int64_t *sizes) {
    int count = 0;
    if (interleaved) {
        for (int64_t i = 0; i < pieces->items[0].end; i++)
            sizes[count++] = total / pieces->items[0].end;
        return count;
    }
    int64_t reach = 0;
    for (int i = 0; i < pieces->count; i++) {
        const SlicePiece *piece = &pieces->items[i];
        if (piece->begin > reach)
            sizes[count++] = piece->begin - reach;
        if (piece->begin >= reach)
            sizes[count++] = piece->end - piece->begin;
        reach = piece->end;
    }
    if (reach < total)
        sizes[count++] = total - reach;
    return count;
}

static void replace_by_split(
    Graph *graph, Value *value, const Pieces *pieces, bool interleaved, Arena *arena) {
    Diagnostics *diagnostics = diagnostics_create();
    int64_t total = value->type.dims[1];
    int64_t *sizes = ARENA_ARRAY(arena, int64_t, total);
    int count = part_sizes(pieces, interleaved, total, sizes);
    Node *split = node_create(graph, OP_split, "", &value, 1, pieces->items[0].gather->where);
    node_set_list(graph, split, "sizes", sizes, (size_t)count);
    node_attribute(split, "interleaved")->flag = interleaved;
    if (node_infer(graph, split, diagnostics)) {
        Node *first = value->producer == NULL ? graph->first : value->producer->next;
        graph_insert_before(graph, first, split);
        for (int i = 0; i < pieces->count; i++) {
            const SlicePiece *piece = &pieces->items[i];
            int64_t at = interleaved ? piece->begin : 0, part = at;
            for (int64_t begin = 0; !interleaved && begin < piece->begin; part++)
                begin += sizes[part];
            split->results[part]->name = piece->gather->results[0]->name;
            graph_replace_uses(graph, piece->gather->results[0], split->results[part]);
            graph_remove(graph, piece->gather);
        }
    }
    diagnostics_destroy(diagnostics);
}

static void split_value(Graph *graph, Value *value, Arena *arena) {
    for (int interleaved = 0; interleaved < 2; interleaved++) {
        Pieces pieces = find_pieces(graph, value, interleaved != 0, arena);
        if (can_split(&pieces, interleaved != 0))
            replace_by_split(graph, value, &pieces, interleaved != 0, arena);
    }
}

void gathers_to_splits(Graph *graph, Arena *arena) {
    int count = 0;
    bool *seen = ARENA_ARRAY(arena, bool, graph->next_value_id);
    Value **values = ARENA_ARRAY(arena, Value *, graph->next_value_id);
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        if (node->op != OP_gather || seen[node->operands[0]->id])
            continue;
        seen[node->operands[0]->id] = true;
        values[count++] = node->operands[0];
    }
    for (int i = 0; i < count; i++)
        split_value(graph, values[i], arena);
}
