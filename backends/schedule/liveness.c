/* Liveness of channels. A view (concat, split, shuffle, gather, route, crop) moves nothing here:
 * each of its channels is traced to the layer that computed it. */
#include "backends/schedule/liveness.h"
#include "backends/schedule/chains.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/routes.h"
#include "backends/schedule/stored.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include <assert.h>
#include <string.h>

static bool is_view(const Node *node) {
    return node_renames_channels(node) || op_moves_channels(node->op) || node->op == OP_crop;
}

static int64_t value_channels(const Value *value) {
    return value->type.rank > 1 ? value->type.dims[1] : 1;
}

static RootChannel root_of(const Liveness *liveness, const Value *value, int64_t channel) {
    const RootChannel *roots = liveness->roots[value->id];
    return roots ? roots[channel] : (RootChannel){value, channel};
}

int liveness_unit(const Liveness *liveness, const Value *value, int64_t channel) {
    RootChannel root = root_of(liveness, value, channel);
    return liveness->unit_of[root.value->id][root.channel];
}

/* ---- views ---- */

static void trace_view(Liveness *liveness, const Node *node) {
    bool moves = op_moves_channels(node->op);
    for (int result = 0; result < node->result_count; result++) {
        const Value *value = node->results[result];
        int64_t count = value_channels(value);
        RootChannel *roots = ARENA_ARRAY(liveness->arena, RootChannel, count);
        for (int64_t i = 0; i < count; i++) {
            ChannelSource source = moves ? channel_source(value, i) : (ChannelSource){0, i};
            roots[i] = root_of(liveness, node->operands[source.operand], source.channel);
        }
        liveness->roots[value->id] = roots;
    }
}

/* ---- units ---- */

static int add_unit(Liveness *liveness, LiveUnit unit) {
    int seen_capacity = liveness->unit_capacity; /* that of the units, too */
    ARENA_GROW(liveness->arena, liveness->seen, liveness->unit_count, seen_capacity, 64);
    ARENA_GROW(liveness->arena, liveness->units, liveness->unit_count, liveness->unit_capacity, 64);
    liveness->units[liveness->unit_count] = unit;
    return liveness->unit_count++;
}

/* The units of what the item computes. */
static void add_units(Liveness *liveness, const Value *value, int item) {
    int64_t count = value_channels(value);
    bool own = !lies_elsewhere(liveness->decisions, value);
    int64_t channel_bytes =
        tensor_elements(&value->type) / count * element_type_bytes(value->type.element);
    int *units = ARENA_ARRAY(liveness->arena, int, count);
    int first = liveness->unit_count;
    for (int64_t c = 0; c < count; c++) {
        const Node *route = claim_route(liveness->decisions, value, c);
        int unit = first;
        while (unit < liveness->unit_count && liveness->units[unit].route != route)
            unit++;
        if (unit == liveness->unit_count)
            add_unit(liveness, (LiveUnit){.value = value, .route = route, .writer = item});
        liveness->units[unit].bytes += own ? channel_bytes : 0;
        units[c] = unit;
    }
    liveness->unit_of[value->id] = units;
}

/* ---- items ---- */

/* Adds the units of the value to those that the item touches, into `touched`. */
static int touch(Liveness *liveness, const Value *value, int item, int *touched, int count) {
    int64_t channels = value_channels(value);
    for (int64_t c = 0; c < channels; c++) {
        RootChannel root = root_of(liveness, value, c);
        if (!liveness->unit_of[root.value->id])
            continue; /* an input, or inside a chain */
        int unit = liveness->unit_of[root.value->id][root.channel];
        if (liveness->seen[unit] == item + 1)
            continue;
        liveness->seen[unit] = item + 1;
        touched[count++] = unit;
    }
    return count;
}

static void keep_touched(Liveness *liveness, int item, const int *touched, int count) {
    int *units = ARENA_ARRAY(liveness->arena, int, count + 1);
    memcpy(units, touched, (size_t)count * sizeof *units);
    liveness->items[item].units = units;
    liveness->items[item].unit_count = count;
}

static void add_item(Liveness *liveness, const Node *last, int *touched) {
    int item = liveness->item_count++, count = 0;
    const Decisions *decisions = liveness->decisions;
    liveness->items[item].node = last;
    add_units(liveness, last->results[0], item);
    for (const Node *node = last; node; node = chain_previous(decisions, node)) {
        liveness->item_of[node->results[0]->id] = item;
        for (int i = 0; i < node->operand_count; i++)
            count = touch(liveness, node->operands[i], item, touched, count);
    }
    count = touch(liveness, last->results[0], item, touched, count);
    keep_touched(liveness, item, touched, count);
}

/* What is copied to outputs when all else is done. */
static void add_output_copies(Liveness *liveness, int *touched) {
    const Graph *graph = liveness->decisions->graph;
    int item = liveness->item_count++, count = 0;
    for (int i = 0; i < graph->output_count; i++)
        if (liveness->decisions->outputs[graph->outputs[i].value->id] != &graph->outputs[i])
            count = touch(liveness, graph->outputs[i].value, item, touched, count);
    keep_touched(liveness, item, touched, count);
}

static int64_t count_channels(const Graph *graph) {
    int64_t channels = 0;
    for (const Node *node = graph->first; node; node = node->next)
        for (int i = 0; i < node->result_count; i++)
            channels += value_channels(node->results[i]);
    return channels;
}

Liveness *liveness_create(const Decisions *decisions, Arena *arena) {
    const Graph *graph = decisions->graph;
    Liveness *liveness = ARENA_NEW(arena, Liveness);
    int values = graph->next_value_id + 1, nodes = 0;
    for (const Node *node = graph->first; node; node = node->next)
        nodes++;
    *liveness = (Liveness){.decisions = decisions, .arena = arena};
    liveness->items = ARENA_ARRAY(arena, LiveItem, nodes + 1);
    liveness->item_of = ARENA_ARRAY(arena, int, values);
    liveness->unit_of = ARENA_ARRAY(arena, int *, values);
    liveness->roots = ARENA_ARRAY(arena, RootChannel *, values);
    for (int i = 0; i < values; i++)
        liveness->item_of[i] = -1;
    int *touched = ARENA_ARRAY(arena, int, count_channels(graph) + 1);
    for (const Node *node = graph->first; node; node = node->next) {
        if (is_view(node))
            trace_view(liveness, node);
        else if (!chain_next(decisions, node))
            add_item(liveness, node, touched);
    }
    add_output_copies(liveness, touched);
    liveness->order = ARENA_ARRAY(arena, int, liveness->item_count);
    for (int i = 0; i < liveness->item_count; i++)
        liveness->order[i] = i;
    liveness_update(liveness);
    return liveness;
}

void liveness_update(Liveness *liveness) {
    for (int i = 0; i < liveness->unit_count; i++)
        liveness->units[i].first = -1;
    for (int position = 0; position < liveness->item_count; position++) {
        const LiveItem *item = &liveness->items[liveness->order[position]];
        for (int i = 0; i < item->unit_count; i++) {
            LiveUnit *unit = &liveness->units[item->units[i]];
            if (unit->first < 0)
                unit->first = position;
            unit->last = position;
        }
    }
}

/* ---- the nodes in order ---- */

static bool is_available(const Liveness *liveness, const Value *value, const bool *done) {
    (void)liveness;
    return !value->producer || done[value->id];
}

/* Appends the views that look at finished values only; returns the new count. */
static int append_views(const Liveness *liveness, const Node **views, int *view_count, bool *done,
    const Node **nodes, int count) {
    int left = 0;
    for (int i = 0; i < *view_count; i++) {
        const Node *view = views[i];
        bool ready = true;
        for (int j = 0; j < view->operand_count; j++)
            ready = ready && is_available(liveness, view->operands[j], done);
        if (!ready) {
            views[left++] = view;
            continue;
        }
        nodes[count++] = view;
        for (int j = 0; j < view->result_count; j++)
            done[view->results[j]->id] = true;
    }
    *view_count = left;
    return count;
}

const Node **liveness_nodes(const Liveness *liveness) {
    const Graph *graph = liveness->decisions->graph;
    Arena *arena = liveness->arena;
    int total = 0, view_count = 0, count = 0;
    for (const Node *node = graph->first; node; node = node->next)
        total++;
    const Node **nodes = ARENA_ARRAY(arena, const Node *, total + 1);
    const Node **views = ARENA_ARRAY(arena, const Node *, total + 1);
    bool *done = ARENA_ARRAY(arena, bool, graph->next_value_id + 1);
    for (const Node *node = graph->first; node; node = node->next)
        if (is_view(node))
            views[view_count++] = node;
    count = append_views(liveness, views, &view_count, done, nodes, count);
    for (int i = 0; i < liveness->item_count; i++) {
        const Node *last = liveness->items[liveness->order[i]].node;
        if (!last)
            continue;
        nodes[count++] = last;
        done[last->results[0]->id] = true;
        count = append_views(liveness, views, &view_count, done, nodes, count);
    }
    assert(view_count == 0);
    nodes[count] = NULL;
    return nodes;
}

/* ---- the bound ---- */

/* last[channel] of every value that a layer computes: the position of its last reader. */
static void mark_last(const Liveness *liveness, const Value *value, int position, int **last) {
    int64_t channels = value_channels(value);
    for (int64_t c = 0; c < channels; c++) {
        RootChannel root = root_of(liveness, value, c);
        if (last[root.value->id])
            last[root.value->id][root.channel] = position;
    }
}

static void mark_item(const Liveness *liveness, int position, int **last) {
    const Decisions *decisions = liveness->decisions;
    const LiveItem *item = &liveness->items[liveness->order[position]];
    const Graph *graph = decisions->graph;
    for (int i = 0; !item->node && i < graph->output_count; i++)
        if (decisions->outputs[graph->outputs[i].value->id] != &graph->outputs[i])
            mark_last(liveness, graph->outputs[i].value, position, last);
    if (!item->node)
        return;
    const Value *value = item->node->results[0];
    if (!lies_elsewhere(decisions, value)) {
        int64_t channels = value_channels(value);
        last[value->id] = ARENA_ARRAY(liveness->arena, int, channels);
        for (int64_t c = 0; c < channels; c++)
            last[value->id][c] = position;
    }
    for (const Node *node = item->node; node; node = chain_previous(decisions, node))
        for (int i = 0; i < node->operand_count; i++)
            mark_last(liveness, node->operands[i], position, last);
}

int64_t liveness_bound(const Liveness *liveness) {
    int count = liveness->item_count;
    int **last = ARENA_ARRAY(liveness->arena, int *, liveness->decisions->graph->next_value_id + 1);
    int64_t *change = ARENA_ARRAY(liveness->arena, int64_t, count + 1);
    for (int position = 0; position < count; position++)
        mark_item(liveness, position, last);
    for (int position = 0; position < count; position++) {
        const Node *node = liveness->items[liveness->order[position]].node;
        if (!node || !last[node->results[0]->id])
            continue;
        const Value *value = node->results[0];
        int64_t channels = value_channels(value);
        int64_t bytes =
            tensor_elements(&value->type) / channels * element_type_bytes(value->type.element);
        change[position] += channels * bytes;
        for (int64_t c = 0; c < channels; c++)
            change[last[value->id][c] + 1] -= bytes;
    }
    int64_t alive = 0, most = 0;
    for (int position = 0; position < count; position++) {
        alive += change[position];
        most = alive > most ? alive : most;
    }
    return most;
}
