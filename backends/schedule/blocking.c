#include "backends/schedule/blocking.h"
#include "backends/program/buffers.h"
#include "backends/program/compilation.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/sum_parts.h"
#include "backends/schedule/tile.h"
#include "backends/schedule/tile_model.h"
#include "backends/target/target.h"
#include "ir/graph.h"
#include "ir/text.h"

static const int64_t float_bytes = sizeof(float);

/* A layer while its choices are made. */
typedef struct Layer {
    const Target *target;
    const ConvolutionSizes *sizes;
    Blocking blocking;
} Layer;

static int64_t main_outputs(const ConvolutionSizes *sizes) {
    return sizes->outputs - sizes->tail;
}

static bool is_of_bytes(const ConvolutionSizes *sizes) {
    return sizes->product->input == LANE_U8;
}

static int64_t divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* Of a group. */
static int64_t count_panels(const Layer *layer) {
    return divide_up(main_outputs(layer->sizes), layer->blocking.panel_channels);
}

/* Numbers, and products of one or several of them, that an output is the sum of. */
static int64_t count_terms(const ConvolutionSizes *sizes) {
    return sizes->inputs * sizes->kernel[0] * sizes->kernel[1];
}

static int64_t count_products(const ConvolutionSizes *sizes) {
    return divide_up(sizes->inputs, sizes->product->channels) * sizes->kernel[0] * sizes->kernel[1];
}

const Product *node_product(const Target *target, const Node *node) {
    LaneType input = element_lane_type(node->operands[0]->type.element);
    LaneType weight = element_lane_type(node_weight(node, "weight")->type.element);
    if (input == LANE_U8)
        return product_find(target, input, LANE_U8, input);
    bool rounds = weight == LANE_F16 && node_flag(node, "rounds");
    return product_find(target, input, weight, rounds ? LANE_F16 : input);
}

/* ---- vectors of a panel ---- */

enum { BYTE_VECTORS = 4 }; /* of integers, which become one of bytes, at most */

/* The vectors of integers of so many channels: no more than hold them, full ones but for one alone
 * that is half empty. */
static PanelVectors byte_vectors(const Target *target, bool to_bytes, int64_t channels) {
    enum { LEAST_LANES = 4 };
    int lanes = target->lanes, half = lanes / 2;
    PanelVectors vectors = {.count = (int)divide_up(channels, lanes)};
    vectors.packed = to_bytes && vectors.count > 1;
    if (channels <= half && half >= LEAST_LANES)
        lanes = half;
    for (int v = 0; v < vectors.count; v++)
        vectors.widths[v] = lanes;
    return vectors;
}

PanelVectors panel_vectors(
    const Compilation *compilation, const ConvolutionSizes *sizes, int64_t channels) {
    const Target target = target_for_lanes(compilation->target, sizes->product->sum);
    PanelVectors vectors = {0};
    if (is_of_bytes(sizes))
        vectors = byte_vectors(&target, sizes->result == LANE_U8, channels);
    else
        vectors.count = tile_widths(&target, channels, vectors.widths);
    int step = is_of_bytes(sizes) ? vectors.widths[0] : target.lanes;
    for (int v = 0; v < vectors.count; v++)
        vectors.firsts[v] = v * step;
    vectors.lanes = is_of_bytes(sizes)              ? vectors.count * step
                    : compilation->weight_block > 0 ? compilation->weight_block
                                                    : (int)channels;
    return vectors;
}

int64_t panel_channel(const PanelVectors *vectors, int vector, int lane) {
    if (vectors->packed)
        return lane / 4 * (4 * vectors->count) + vector * 4 + lane % 4;
    return vectors->firsts[vector] + lane;
}

/* ---- sums ---- */

int64_t convolution_sum_part(const ConvolutionSizes *sizes) {
    if (sizes->product->sum == LANE_S32)
        return 0; /* exact */
    if (sizes->product->sum == LANE_F16)
        return count_terms(sizes) > sizes->part ? sizes->part : 0;
    return sum_part(count_terms(sizes), LONGEST_SUM);
}

SumParts choose_sum_parts(const ConvolutionSizes *sizes, int64_t input_block) {
    int64_t part = convolution_sum_part(sizes), row = sizes->inputs * sizes->kernel[1];
    if (part == 0 || (input_block < sizes->inputs && sizes->product->sum != LANE_F16))
        return (SumParts){0};
    if (sizes->inputs >= part)
        return (SumParts){.inputs = part};
    if (row >= part)
        return (SumParts){.taps = part / sizes->inputs};
    return (SumParts){.rows = part / row};
}

/* ---- weights ---- */

/* Whether the weights are read from the third-level cache or memory each time. */
static bool weights_stream(const Target *target, int64_t bytes) {
    return bytes > target->l2_bytes / 2;
}

/* Input channels whose weights of one panel the first-level cache keeps. */
static int64_t cached_inputs(const Layer *layer) {
    return weights_kept(layer->target) /
           (layer->blocking.panel_channels * weight_bytes(layer->sizes->product));
}

/* ---- flat: all pixels are one row ---- */

/* Tiles of pixels that a cache keeps while one panel of weights after the other goes over them: the
 * first level's where its other half holds all weights; all tiles where half of the second's keeps
 * them, or where reading the input once a panel is less than reading the weights once a block; else
 * what a quarter of the second's keeps. */
static int64_t tiles_of_caches(const Layer *layer) {
    const Target *target = layer->target;
    const ConvolutionSizes *sizes = layer->sizes;
    int64_t inputs = sizes->groups * sizes->inputs, outputs = sizes->groups * sizes->outputs;
    int64_t tiles = layer->blocking.tiles;
    int64_t weights = outputs * sizes->inputs * weight_bytes(sizes->product);
    int64_t pixel = inputs * counted_bytes(sizes->product->input) +
                    outputs * counted_bytes(sizes->result) +
                    (sizes->residual ? outputs * float_bytes : 0);
    int64_t tile = layer->blocking.tile.pixels * pixel;
    if (weights <= target->l1_bytes / 2)
        return target->l1_bytes / 2 / tile;
    if (tiles <= target->l2_bytes / 2 / tile)
        return tiles;
    int64_t block = target->l2_bytes / 4 / tile;
    block = block < 1 ? 1 : block;
    int64_t input = sizes->width_in * inputs * counted_bytes(sizes->product->input);
    int64_t panels = count_panels(layer);
    bool once =
        weights_stream(target, weights) && panels * input < divide_up(tiles, block) * weights;
    return once ? tiles : block;
}

/* Tiles whose sums fit the first-level cache, too. */
static int64_t tiles_of_sums(const Layer *layer) {
    int64_t tile = layer->blocking.tile.pixels * layer->blocking.panel_channels * float_bytes;
    int64_t l1_bytes = layer->target->l1_bytes;
    return (l1_bytes < MOST_LOCAL_BYTES ? l1_bytes : MOST_LOCAL_BYTES) / tile;
}

/* How it is cut for threads. Where tiles are few, panels are items, too. Then those of one tile are
 * neighbours, so that each thread reads pixels of its own, unless there are so few tiles, one of
 * them partial, that panels divide more evenly. */
static ItemOrder item_order(const Layer *layer) {
    enum { MANY_TILES = 32, FEW_TILES = 4, FEW_WITH_REST = 16 };
    int64_t tiles = layer->blocking.tiles;
    if (tiles > MANY_TILES || layer->sizes->groups * count_panels(layer) == 1)
        return ITEMS_TILES;
    bool even = layer->sizes->width % layer->blocking.tile.pixels == 0;
    return tiles < (even ? FEW_TILES : FEW_WITH_REST) ? ITEMS_PANEL_TILE : ITEMS_TILE_PANEL;
}

static void choose_block_tiles(Layer *layer) {
    Blocking *blocking = &layer->blocking;
    int64_t block = tiles_of_caches(layer);
    bool one_panel = layer->sizes->groups * main_outputs(layer->sizes) <= blocking->panel_channels;
    if (layer->sizes->inputs > cached_inputs(layer)) {
        int64_t most = tiles_of_sums(layer);
        block = one_panel || block > most ? most : block;
        one_panel = false;
    }
    block = block < 1 ? 1 : block;
    blocking->block_tiles = one_panel || block > blocking->tiles ? blocking->tiles : block;
}

/* Weights that are walked over once are worth fetching ahead, unless so many pixels use them that
 * their fetching does not show, or so few that it cannot be hidden. */
static void choose_prefetch(Layer *layer) {
    enum { MOST_PREFETCHING_TILES = 28 };
    Blocking *blocking = &layer->blocking;
    if (blocking->block_tiles == blocking->tiles && layer->sizes->width > 1 &&
        blocking->tiles <= MOST_PREFETCHING_TILES)
        blocking->prefetching_tiles = blocking->tiles;
}

/* Cuts the input channels into even blocks. A block is no longer than a part of a sum; where the
 * cache's blocks would be so many that their sum were a long one itself, it is a part. */
static void choose_input_block(Layer *layer) {
    enum { MANY_BLOCKS = 300 };
    const ConvolutionSizes *sizes = layer->sizes;
    Blocking *blocking = &layer->blocking;
    int64_t most = cached_inputs(layer);
    int64_t part = sizes->product->sum == LANE_F16 ? 0 : convolution_sum_part(sizes);
    bool many = sizes->inputs > MANY_BLOCKS * most;
    if (part > 0 && (most > part || many))
        most = part;
    /* blocks of scattered channels have code of their own */
    if (blocking->block_tiles < 2 || sizes->inputs <= most ||
        (sizes->scattered && (sizes->product->channels > 1 || many)))
        return;
    blocking->input_block = divide_up(sizes->inputs, divide_up(sizes->inputs, most));
    blocking->input_block = /* whole products */
        divide_up(blocking->input_block, sizes->product->channels) * sizes->product->channels;
}

/* ---- row by row ---- */

/* Row after row, all weights would come from the third level or memory each time. Panel after
 * panel, each is read once, and the input as often as there are panels. */
static bool panels_outermost(const Layer *layer) {
    const ConvolutionSizes *sizes = layer->sizes;
    int64_t panels = count_panels(layer);
    int64_t weights = sizes->groups * sizes->outputs * count_terms(sizes);
    int64_t input =
        sizes->images * sizes->rows_in * sizes->width_in * sizes->groups * sizes->inputs;
    int64_t rows = sizes->images * sizes->rows;
    return !sizes->chained &&
           weights_stream(layer->target, weights * weight_bytes(sizes->product)) &&
           weights + panels * input < weights * rows + input;
}

/* ---- tiles ---- */

/* Pixels of a tile of bytes: what needs the fewest cycles when two products, loads of weights and
 * numbers are issued in each. */
static TileShape choose_byte_tile(const Compilation *compilation, const ConvolutionSizes *sizes) {
    enum { MOST_PIXELS = 8, MANY_PIXELS = 1000, LATENCY = 10, TILE_CYCLES = 20 };
    const Target *target = compilation->target;
    int64_t panel = (int64_t)BYTE_VECTORS * target->lanes;
    int vectors =
        panel_vectors(compilation, sizes, sizes->outputs < panel ? sizes->outputs : panel).count;
    bool by_lane = sizes->product->operand == OPERAND_LANE;
    int helpers = by_lane || target->bytes == BYTES_IN_QUADS ? 1 : 3, best = 1;
    int64_t quads = count_products(sizes), least = INT64_MAX;
    /* In steps each product waits in a register of its own for the others, as LLVM orders them. */
    int each = (sizes->product->needs == NEEDS_STEPS ? 2 * vectors : vectors) + (by_lane ? 1 : 0);
    for (int pixels = 1; pixels <= MOST_PIXELS; pixels++) {
        if (pixels > 1 && pixels * each + vectors + helpers > target->registers)
            break;
        int64_t cost = 0;
        for (int64_t first = 0; first < sizes->width; first += pixels) {
            int64_t here = sizes->width - first < pixels ? sizes->width - first : pixels;
            int64_t products = here * vectors, loads = here + vectors;
            int64_t busy = products > loads ? products : loads;
            cost += quads * (busy > LATENCY ? busy : LATENCY) + 4 * products + TILE_CYCLES;
            if (sizes->width > MANY_PIXELS) { /* the rest hardly counts */
                cost = cost * MANY_PIXELS / here;
                break;
            }
        }
        if (cost < least)
            best = pixels;
        least = cost < least ? cost : least;
    }
    return (TileShape){best, vectors};
}

/* As the model of tiles sees the target, which counts weights of four bytes. */
static Target modelled_target(const Compilation *compilation, const ConvolutionSizes *sizes) {
    Target target = target_for_lanes(compilation->target, sizes->product->sum);
    if (sizes->product->weight == LANE_F16)
        target.l1_bytes *= float_bytes / weight_bytes(sizes->product);
    return target;
}

TileShape convolution_tile(const Compilation *compilation, const ConvolutionSizes *sizes) {
    if (is_of_bytes(sizes))
        return choose_byte_tile(compilation, sizes);
    const Target target = modelled_target(compilation, sizes);
    Compilation seen = *compilation;
    seen.target = &target;
    return choose_tile(&seen, main_outputs(sizes), sizes->width, count_terms(sizes));
}

/* Instructions of a product of bytes. */
static int byte_product_steps(const Target *target) {
    return target->bytes >= BYTES_IN_SIGNED_QUADS ? 1 : 4;
}

double convolution_row_cycles(
    const Compilation *compilation, const ConvolutionSizes *sizes, TileShape tile) {
    const Target target = modelled_target(compilation, sizes);
    int64_t taps = count_terms(sizes);
    if (is_of_bytes(sizes))
        taps = count_products(sizes) * byte_product_steps(&target);
    return tiles_cycles(&target, main_outputs(sizes), sizes->width, taps, tile);
}

/* ---- the whole ---- */

Blocking choose_blocking(const Compilation *compilation, const ConvolutionSizes *sizes) {
    const Target target = target_for_lanes(compilation->target, sizes->product->sum);
    Layer layer = {.target = &target, .sizes = sizes};
    Blocking *blocking = &layer.blocking;
    bool bytes = is_of_bytes(sizes);
    blocking->tile = convolution_tile(compilation, sizes);
    int vectors = bytes ? BYTE_VECTORS : blocking->tile.vectors;
    blocking->panel_channels = (int64_t)vectors * layer.target->lanes;
    blocking->input_block = sizes->inputs;
    if (sizes->flat) {
        blocking->tiles = divide_up(sizes->width, blocking->tile.pixels);
        blocking->items = item_order(&layer);
        choose_block_tiles(&layer);
        choose_prefetch(&layer);
        choose_input_block(&layer);
    } else {
        blocking->panels_outermost = panels_outermost(&layer);
    }
    blocking->parts = choose_sum_parts(sizes, blocking->input_block);
    return *blocking;
}

/* ---- as text ---- */

static void print_parts(const SumParts *parts, Text *out) {
    int64_t count = parts->inputs + parts->taps + parts->rows;
    if (count > 0)
        text_format(out, ", sums in parts of %lld %s", (long long)count,
            parts->inputs > 0 ? "inputs"
            : parts->taps > 0 ? "taps"
                              : "kernel rows");
}

void blocking_print(const Blocking *blocking, const ConvolutionSizes *sizes, Text *out) {
    static const char *const items[] = {
        [ITEMS_TILES] = "tiles",
        [ITEMS_TILE_PANEL] = "panels of tiles",
        [ITEMS_PANEL_TILE] = "tiles of panels",
    };
    text_format(out, "%dx%d tiles", blocking->tile.pixels, blocking->tile.vectors);
    if (sizes->tail > 0)
        text_format(out, ", tail of %lld", (long long)sizes->tail);
    if (sizes->flat)
        text_format(out, ", items: %s", items[blocking->items]);
    if (sizes->flat && blocking->block_tiles < blocking->tiles)
        text_format(out, ", tiles in blocks of %lld", (long long)blocking->block_tiles);
    if (blocking->input_block < sizes->inputs)
        text_format(out, ", inputs in blocks of %lld", (long long)blocking->input_block);
    if (blocking->prefetching_tiles > 0)
        text_append(out, ", weights fetched ahead");
    if (blocking->panels_outermost)
        text_append(out, ", panels outermost");
    print_parts(&blocking->parts, out);
}
