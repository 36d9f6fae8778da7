/* Which dense 3x3 convolutions are computed by Winograd's minimal filtering, F(2x2, 3x3) and
 * F(4x4, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, and in
 * which blocks. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_WINOGRAD_H
#define RIFFLE_BACKENDS_SCHEDULE_WINOGRAD_H

#include "backends/program/compilation.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/tile_model.h"
#include "backends/target/target.h"
#include "ir/graph.h"

/* A tile of m x m outputs is computed from m+2 x m+2 inputs, which become as many products per
 * channel. */
enum { WINOGRAD_MOST_OUTPUTS = 4, WINOGRAD_MOST_INPUTS = 6, WINOGRAD_MOST_POSITIONS = 36 };
/* Behind the transformed inputs, and behind the products, for a vector that reads too far. */
enum { SLACK_FLOATS = 16 };

/* What is transformed and multiplied at once: `rows` rows of tiles, or one row in sections. */
typedef struct WinogradBlock {
    int outputs;                     /* rows, and columns, of a tile: 2 or 4 */
    int64_t tile_rows, tile_columns; /* of the image */
    int64_t rows;                    /* of tiles, in a block; the last block may have fewer */
    int64_t columns, sections;       /* of tiles; the last section overlaps the one before it */
    TileShape tile;                  /* of the products: "pixels" are tiles of the block */
} WinogradBlock;

#define WINOGRAD_REASONS(REASON)                                                                   \
    REASON(TAKES, "is computed by Winograd's algorithm")                                           \
    REASON(OP, "is no convolution of floats")                                                      \
    REASON(KERNEL, "has another kernel than 3x3")                                                  \
    REASON(STRIDE, "has a stride or dilation")                                                     \
    REASON(GROUPS, "has groups")                                                                   \
    REASON(PADDING, "has a padding of more than two")                                              \
    REASON(PLANAR, "reads an input whose channels are not consecutive")                            \
    REASON(SCRATCH, "has so many channels that no block of tiles is small enough")                 \
    REASON(COST, "takes no less time")

typedef enum WinogradReason {
#define REASON(name, words) WINOGRAD_##name,
    WINOGRAD_REASONS(REASON)
#undef REASON
} WinogradReason;

/* Whether the node is computed so, and why not. Sets *block where it could be (TAKES and COST). */
WinogradReason winograd_reason(
    const Graph *graph, const Compilation *compilation, const Node *node, WinogradBlock *block);

/* The same with what the user wants; a node that is taken is in no chain. */
bool takes_winograd(const Decisions *decisions, const Node *node, WinogradBlock *block);

/* In words, behind the name of a layer. */
const char *winograd_words(WinogradReason reason);

/* Rows, and columns, of inputs of a tile. */
static inline int winograd_inputs(const WinogradBlock *block) {
    return block->outputs + 2;
}

/* Products for each tile, input channel and output channel. */
static inline int winograd_positions(const WinogradBlock *block) {
    return winograd_inputs(block) * winograd_inputs(block);
}

/* Tiles of the block that are multiplied at once. */
static inline int64_t winograd_tiles(const WinogradBlock *block, int64_t rows) {
    return rows * block->columns;
}

/* Floats of a block's transformed inputs from one tile to the next. */
int64_t winograd_channel_stride(const Target *target, int64_t channels);

/* Tiles from one position to the next, in the transformed inputs and in the products. */
int64_t winograd_position_stride(const WinogradBlock *block, int64_t channel_stride, int64_t panel);

#endif
