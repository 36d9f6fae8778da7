#include "random_graph.h"

#include "maker.h"

#include <assert.h>

typedef struct UnitChoice {
    MakeUnit *make;
    int share;
} UnitChoice;

static Value *make_any_op(Maker *maker, Value *x) {
    return make_op(maker, (OpKind)pick(maker, OP_COUNT), x);
}

static const UnitChoice units[] = {
    {make_any_op, 21},
    {make_twin, 5},
    {make_shufflenet_v1, 4},
    {make_shufflenet_v2, 4},
    {make_squeeze_excitation, 3},
    {make_residual, 4},
    {make_dense_block, 3},
    {make_fire, 3},
    {make_inception, 2},
    {make_stem, 1},
    {make_head, 4},
    {make_shift, 4},
    {make_enlarged, 4},
    {make_interleaved_groups, 3},
    {make_gathered_groups, 3},
    {make_layout_tree, 4},
    {make_permuted_readers, 6},
    {make_pyramid, 6},
    {make_detector_heads, 2},
    {make_views, 8},
    {make_focus, 4},
    {make_joined_activation, 6},
};

static MakeUnit *pick_unit(Maker *maker) {
    int64_t shares = pick(maker, 100);
    size_t last = sizeof units / sizeof units[0] - 1;
    for (size_t i = 0; i < last; i++) {
        shares -= units[i].share;
        if (shares < 0)
            return units[i].make;
    }
    return units[last].make;
}

static Layout pick_layout(Maker *maker) {
    return chance(maker, 50) ? LAYOUT_NCHW : LAYOUT_NHWC;
}

/* A picture: at times of bytes, whose numbers are what else is made of. */
static Value *make_picture(Maker *maker, Value *value) {
    GraphInput *input = &maker->graph->inputs[maker->graph->input_count - 1];
    Preprocessing *pixels = &input->preprocessing;
    input->has_preprocessing = true;
    pixels->order = (PixelOrder)pick(maker, value->type.dims[1] == 4 ? 4 : 2);
    pixels->scale = chance(maker, 50) ? 1.0 / 255 : 1.0 / 32;
    for (int i = 0; i < 4; i++) {
        pixels->mean[i] = (double)pick(maker, 5) / 4;
        pixels->std[i] = (double)pick_between(maker, 1, 4) / 2;
    }
    if (chance(maker, 50))
        return value;
    input->layout = LAYOUT_NHWC;
    value->type.element = ELEMENT_U8;
    Node *node = maker_node(maker, OP_pixels, &value, 1);
    node_set_pixels(node, pixels);
    if (chance(maker, 40))
        node_set_integer(node, "channels", value->type.dims[1] - 1); /* of one channel: all */
    return maker_finish(maker, node);
}

/* Most graphs are narrow, since those show most faults in least time; others have channels that
 * fill several vectors and leave some lanes over, and a few have rows so wide that chains are cut
 * into strips. */
static void add_inputs(Maker *maker) {
    int64_t kind = pick(maker, 100);
    bool long_rows = kind >= 98, many_channels = !long_rows && kind >= 88;
    maker->most_channels = many_channels ? 120 : kind < 50 || long_rows ? 12 : 36;
    maker->most_floats = long_rows ? 20000 : 3000;
    int64_t largest = many_channels ? 5 : 9,
            inputs = chance(maker, 75) ? 1 : pick_between(maker, 2, 3);
    int64_t batch = chance(maker, 70) || long_rows ? 1 : pick_between(maker, 2, 3);
    int64_t dims[4] = {batch, 0, pick_between(maker, 1, largest), pick_between(maker, 1, largest)};
    if (long_rows)
        dims[3] = pick_between(maker, 300, 1200);
    for (int64_t i = 0; i < inputs; i++) {
        dims[1] = pick_channels(maker);
        if (i > 0 && chance(maker, 20)) /* of a size of its own */
            dims[2] = pick_between(maker, 1, largest);
        int rank = i > 0 && chance(maker, 10) ? 2 : 4;
        const char *name = arena_format(maker->graph->arena, "x%d", (int)i);
        Value *value = graph_add_input(
            maker->graph, name, tensor_type(rank, dims), pick_layout(maker), (SourceRange){0});
        if (rank == 4 && dims[1] <= 4 && chance(maker, 40))
            value = make_picture(maker, value);
        maker->values[maker->value_count++] = value;
    }
}

/* Unused values become outputs, but for a few that are left dead; some are outputs twice, and some
 * that are read elsewhere are outputs, too. */
static void add_outputs(Maker *maker) {
    Graph *graph = maker->graph;
    Arena *scratch = arena_create();
    int *uses = graph_use_counts(graph, scratch);
    for (int i = 0; i < maker->value_count; i++) {
        Value *value = maker->values[i];
        bool is_last = i + 1 == maker->value_count, is_input = value->producer == NULL;
        int percent = uses[value->id] > 0 ? 3 : is_input ? 30 : 85;
        if (!is_last && !chance(maker, percent))
            continue;
        int64_t times = chance(maker, 4) ? 2 : 1;
        for (int64_t k = 0; k < times; k++)
            graph_add_output(graph, arena_format(graph->arena, "y%d_%d", i, (int)k), value,
                pick_layout(maker), (SourceRange){0});
    }
    arena_destroy(scratch);
}

Graph *random_graph(uint64_t seed, int node_count, Arena *arena) {
    enum { MOST_TRIES = 1000 };
    Maker *maker = ARENA_NEW(arena, Maker);
    maker->graph = graph_create(arena, "random");
    maker->random = seed * 0x9e3779b97f4a7c15u + 1;
    maker->refusals = diagnostics_create();
    add_inputs(maker);
    for (int i = 0; i < MOST_TRIES && graph_node_count(maker->graph) < node_count; i++) {
        MakeUnit *unit = pick_unit(maker);
        Value *x = pick_value(maker);
        (has_channels(x) ? unit : make_any_op)(maker, x);
    }
    add_outputs(maker);
    graph_drop_unused_weights(maker->graph);
    diagnostics_destroy(maker->refusals);
    return maker->graph;
}
