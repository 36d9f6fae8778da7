/* Which convolutions are computed by Winograd's algorithm, and in which blocks.
 *
 * Of 36 multiply-adds for each 2x2 outputs, input channel and output channel, 16 are left; of 144
 * for 4x4 outputs, 36. What that costs: transforms, of which a tile's inputs take one per input
 * channel and its outputs one per output channel; tiles that hang over the edge of the image; 16/9
 * or 4 times the weights; and products of which a block's tiles are all that uses a weight before
 * it is fetched again. */
#include "backends/program/buffers.h"
#include "backends/program/compilation.h"
#include "backends/program/options.h"
#include "backends/program/scratch.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/room.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/tile.h"
#include "backends/schedule/tile_model.h"
#include "backends/schedule/winograd.h"
#include "backends/target/target.h"
#include "ir/graph.h"

enum { MOST_BLOCK_TILES = 64, MOST_SECTIONS = 16, MOST_PADDING = 2, TAPS = 9 };

/* A size of tiles: what the transforms of a vector take. Measured on SqueezeNet, GoogLeNet,
 * DenseNet-121 and ResNet-18 with AVX-512: 16 or 36 loads or stores, and about as many cycles of
 * additions. */
typedef struct TileKind {
    int outputs;
    double input_cycles, output_cycles;
    double l2_part;        /* of the second-level cache that weights may take and be read from it */
    int64_t fewest_blocks; /* so that threads have something to share */
    int registers;         /* fewer would be written and read all the time */
    LowerWinograd wanted;  /* the option that asks for it */
} TileKind;

static const TileKind tile_kinds[] = {
    {2, 22, 26, 1.5, 4, 0, WINOGRAD_2X2}, {4, 84, 70, 1.0, 2, 16, WINOGRAD_4X4}};
enum { TILE_KINDS = sizeof tile_kinds / sizeof tile_kinds[0] };
/* Each block but the first reads the weights from the second-level cache, where most of them are as
 * long as they are no larger than a part of it, or else from behind it; the first finds them cold.
 * In bytes per cycle. */
static const double l2_rate = 24, l3_rate = 8;
static const double code_cycles = 10000; /* the kernel is several times longer than the other */
/* The least by which it must be faster: what the model does not see costs so much. */
static const double worth = 1.15;

const char *winograd_words(WinogradReason reason) {
    static const char *const words[] = {
#define REASON(name, text) text,
        WINOGRAD_REASONS(REASON)
#undef REASON
    };
    return words[reason];
}

/* ---- scratch ---- */

int64_t winograd_channel_stride(const Target *target, int64_t channels) {
    int64_t whole = (channels + target->lanes - 1) / target->lanes * target->lanes;
    return pixel_distance(target, LANE_F32, whole);
}

/* Positions whose distance is a large power of two would share sets of the first-level cache. */
int64_t winograd_position_stride(
    const WinogradBlock *block, int64_t channel_stride, int64_t panel) {
    enum { SETS_FLOATS = 512 };
    int64_t tiles = winograd_tiles(block, block->rows);
    /* A stride that is such a power itself makes all products of it so. */
    bool channels = channel_stride % SETS_FLOATS != 0, panels = panel % SETS_FLOATS != 0;
    while ((channels && tiles * channel_stride % SETS_FLOATS == 0) ||
           (panels && tiles * panel % SETS_FLOATS == 0))
        tiles++;
    return tiles;
}

/* Sets those of the transformed inputs and of the products; both together. */
static int64_t buffer_bytes(
    const Target *target, int64_t inputs, const WinogradBlock *block, int64_t buffers[2]) {
    int64_t channels = winograd_channel_stride(target, inputs);
    int64_t panel = (int64_t)block->tile.vectors * target->lanes;
    int64_t pixels = winograd_positions(block) * winograd_position_stride(block, channels, panel);
    buffers[0] = (pixels * channels + SLACK_FLOATS) * (int64_t)sizeof(float);
    buffers[1] = (pixels * panel + SLACK_FLOATS) * (int64_t)sizeof(float);
    return buffers[0] + buffers[1];
}

/* ---- cycles ---- */

typedef struct WinogradLayer {
    const Compilation *compilation;
    const TileKind *kind;
    int64_t inputs, outputs, images;
    int64_t most; /* bytes of a block's buffers */
} WinogradLayer;

static int64_t vectors_of(const Target *target, int64_t channels) {
    return (channels + target->lanes - 1) / target->lanes;
}

/* One block, of weights that are there. */
static double block_cycles(const WinogradLayer *layer, const WinogradBlock *block, int64_t rows) {
    const Target *target = layer->compilation->target;
    int64_t tiles = winograd_tiles(block, rows);
    double products = (double)winograd_positions(block) *
                      tiles_cycles(target, layer->outputs, tiles, layer->inputs, block->tile);
    double transforms = layer->kind->input_cycles * (double)vectors_of(target, layer->inputs) +
                        layer->kind->output_cycles * (double)vectors_of(target, layer->outputs);
    return products + (double)tiles * transforms;
}

static double layer_weight_bytes(const WinogradLayer *layer, int64_t numbers) {
    return (double)(numbers * layer->inputs * layer->outputs) * (double)sizeof(float);
}

static double layer_blocks_cycles(const WinogradLayer *layer, const WinogradBlock *block) {
    int64_t whole = block->tile_rows / block->rows, rest = block->tile_rows % block->rows;
    int64_t blocks = layer->images * block->sections * (whole + (rest > 0));
    double arithmetic = (double)whole * block_cycles(layer, block, block->rows);
    if (rest > 0)
        arithmetic += block_cycles(layer, block, rest);
    double weights = layer_weight_bytes(layer, winograd_positions(block));
    double rate = weights <= layer->kind->l2_part * (double)layer->compilation->target->l2_bytes
                      ? l2_rate
                      : l3_rate;
    return arithmetic * (double)(block->sections * layer->images) + weights / l3_rate +
           weights * (double)(blocks - 1) / rate + code_cycles;
}

/* Row by row, where the weights' way to the arithmetic is hidden but for the first row. */
static double direct_cycles(const WinogradLayer *layer, const Node *node) {
    const int64_t *dims = node->results[0]->type.dims;
    int64_t taps = TAPS * layer->inputs;
    TileShape tile = choose_tile(layer->compilation, layer->outputs, dims[3], taps);
    return (double)(layer->images * dims[2]) *
               tiles_cycles(layer->compilation->target, layer->outputs, dims[3], taps, tile) +
           layer_weight_bytes(layer, TAPS) / l3_rate;
}

/* ---- the block ---- */

typedef struct BlockChoice {
    WinogradBlock block;
    double cycles; /* 0 before the first */
} BlockChoice;

static void try_block(const WinogradLayer *layer, const WinogradBlock *form, BlockChoice *choice) {
    WinogradBlock block = *form;
    int64_t tiles = winograd_tiles(&block, block.rows), buffers[2];
    block.tile = choose_tile(layer->compilation, layer->outputs, tiles, layer->inputs);
    if (buffer_bytes(layer->compilation->target, layer->inputs, &block, buffers) > layer->most)
        return;
    double cycles = layer_blocks_cycles(layer, &block);
    if (choice->cycles == 0 || cycles < choice->cycles)
        *choice = (BlockChoice){block, cycles};
}

/* Whole rows of tiles, or one row in even sections. */
static BlockChoice choose_block(const WinogradLayer *layer, const int64_t *dims) {
    BlockChoice choice = {0};
    int outputs = layer->kind->outputs;
    int64_t tile_rows = (dims[2] + outputs - 1) / outputs;
    int64_t tile_columns = (dims[3] + outputs - 1) / outputs;
    WinogradBlock block = {.outputs = outputs,
        .tile_rows = tile_rows,
        .tile_columns = tile_columns,
        .rows = 1,
        .sections = 1};
    for (block.columns = tile_columns; block.rows <= tile_rows; block.rows++) {
        int64_t blocks = (tile_rows + block.rows - 1) / block.rows;
        bool few = layer->images * blocks < layer->kind->fewest_blocks;
        if (block.rows > 1 && (few || block.rows * block.columns > MOST_BLOCK_TILES))
            break;
        try_block(layer, &block, &choice);
    }
    block.rows = 1;
    for (int64_t sections = 2; sections <= MOST_SECTIONS && sections <= tile_columns; sections++) {
        block.columns = (tile_columns + sections - 1) / sections;
        block.sections = (tile_columns + block.columns - 1) / block.columns;
        if (block.sections == sections && block.columns <= MOST_BLOCK_TILES)
            try_block(layer, &block, &choice);
    }
    return choice;
}

/* ---- the predicate ---- */

static bool is_planar(const Graph *graph, const Value *value) {
    for (int i = 0; i < graph->input_count; i++)
        if (graph->inputs[i].value == value)
            return graph->inputs[i].layout == LAYOUT_NCHW && value->type.dims[1] > 1;
    return false;
}

/* TAKES where nothing but the cost may speak against it. */
static WinogradReason node_reason(const Graph *graph, const Node *node) {
    if (node->op != OP_conv || node->results[0]->type.element != ELEMENT_F32 ||
        node->operands[0]->type.element != ELEMENT_F32 ||
        node_weight(node, "weight")->type.element != ELEMENT_F32)
        return WINOGRAD_OP;
    Window window = node_window(node);
    if (window.kernel[0] != 3 || window.kernel[1] != 3)
        return WINOGRAD_KERNEL;
    if (window.stride[0] * window.stride[1] * window.dilation[0] * window.dilation[1] != 1)
        return WINOGRAD_STRIDE;
    if (node_integer(node, "groups") != 1)
        return WINOGRAD_GROUPS;
    for (int i = 0; i < 4; i++)
        if (window.padding[i] > MOST_PADDING)
            return WINOGRAD_PADDING;
    return is_planar(graph, node->operands[0]) ? WINOGRAD_PLANAR : WINOGRAD_TAKES;
}

static WinogradLayer describe_layer(
    const Compilation *compilation, const TileKind *kind, const Node *node, int64_t most) {
    const int64_t *dims = node->results[0]->type.dims;
    return (WinogradLayer){
        compilation, kind, node->operands[0]->type.dims[1], dims[1], dims[0], most};
}

/* With tiles of the size that takes least, of those that are wanted. */
static BlockChoice choose_tiles(const Compilation *compilation, const Node *node, int64_t most) {
    LowerWinograd wanted = compilation->options.winograd;
    BlockChoice best = {0};
    for (int i = 0; i < TILE_KINDS; i++) {
        const TileKind *kind = &tile_kinds[i];
        bool asked = wanted == WINOGRAD_2X2 || wanted == WINOGRAD_4X4;
        if (asked ? wanted != kind->wanted : compilation->target->registers < kind->registers)
            continue;
        const WinogradLayer layer = describe_layer(compilation, kind, node, most);
        BlockChoice choice = choose_block(&layer, node->results[0]->type.dims);
        if (choice.cycles > 0 && (best.cycles == 0 || choice.cycles < best.cycles))
            best = choice;
    }
    return best;
}

static const TileKind *kind_of(const WinogradBlock *block) {
    const TileKind *kind = tile_kinds;
    while (kind->outputs != block->outputs)
        kind++;
    return kind;
}

WinogradReason winograd_reason(
    const Graph *graph, const Compilation *compilation, const Node *node, WinogradBlock *block) {
    WinogradReason reason = node_reason(graph, node);
    if (reason != WINOGRAD_TAKES)
        return reason;
    BlockChoice choice = choose_tiles(compilation, node, MOST_LOCAL_BYTES);
    if (choice.cycles == 0)
        return WINOGRAD_SCRATCH;
    *block = choice.block;
    const WinogradLayer layer = describe_layer(compilation, tile_kinds, node, MOST_LOCAL_BYTES);
    return choice.cycles * worth <= direct_cycles(&layer, node) ? WINOGRAD_TAKES : WINOGRAD_COST;
}

/* Another block if that one should not have scratch in the workspace. */
static void fit_stack(const Decisions *decisions, const Node *node, WinogradBlock *block) {
    const WinogradLayer layer = describe_layer(
        decisions->compilation, kind_of(block), node, most_stack_bytes(decisions->compilation));
    const Value *value = node->results[0];
    BlockChoice choice = choose_tiles(decisions->compilation, node, layer.most);
    int64_t blocks = (block->tile_rows + block->rows - 1) / block->rows * block->sections;
    int64_t buffers[2];
    buffer_bytes(layer.compilation->target, layer.inputs, block, buffers);
    int64_t scratch = scratch_needed(buffers, 2, layer.images * blocks, layer.most);
    double cycles = layer_blocks_cycles(&layer, block);
    if (choice.cycles > 0 && choice.cycles <= cycles * worth &&
        prefers_stack(decisions, value, scratch, cycles, choice.cycles))
        *block = choice.block;
}

bool takes_winograd(const Decisions *decisions, const Node *node, WinogradBlock *block) {
    if (decisions->compilation->options.winograd == WINOGRAD_NEVER)
        return false;
    WinogradReason reason = winograd_reason(decisions->graph, decisions->compilation, node, block);
    bool takes =
        reason == WINOGRAD_TAKES ||
        (reason == WINOGRAD_COST && decisions->compilation->options.winograd >= WINOGRAD_ALWAYS);
    if (takes)
        fit_stack(decisions, node, block);
    return takes;
}
