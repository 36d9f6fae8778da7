/* How a convolution or fully connected layer is cut: into tiles that are held in registers, panels
 * of output channels, blocks of input channels and of pixels that the caches keep, parts of sums,
 * and items that threads share. All of it is chosen from numbers alone. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_BLOCKING_H
#define RIFFLE_BACKENDS_SCHEDULE_BLOCKING_H

#include "backends/program/compilation.h"
#include "backends/schedule/tile_model.h"
#include "backends/target/product.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include "ir/text.h"
#include <stdbool.h>
#include <stdint.h>

/* What the choice asks of a layer. */
typedef struct ConvolutionSizes {
    int64_t groups, inputs, outputs; /* channels: of a group */
    int64_t tail;                    /* of a group's outputs, which are computed as dot products */
    int64_t kernel[2];
    int64_t images;
    int64_t rows_in, rows, width_in, width; /* of an image, in and out */
    const Product *product;
    int64_t part; /* with sums of f16: products of one; 0: all */
    LaneType result;
    bool flat;      /* no window: one row of all pixels of all images, its `width` */
    bool chained;   /* it shares a kernel, which asks for one row after the other */
    bool residual;  /* it reads one */
    bool scattered; /* the input's channels lie in several places */
} ConvolutionSizes;

/* The items of a flat convolution, which threads share. Panels are those of all groups. */
typedef enum ItemOrder {
    ITEMS_TILES,      /* tiles of pixels, with all panels */
    ITEMS_TILE_PANEL, /* a tile and a panel: all panels of a tile, then those of the next one */
    ITEMS_PANEL_TILE  /* all tiles of a panel, then those of the next one */
} ItemOrder;

/* How many input channels of a tap, taps of a kernel row, or kernel rows are summed apart, before
 * they are added to the total: one of these, the others 0; all 0 where there are no such parts. */
typedef struct SumParts {
    int64_t inputs, taps, rows;
} SumParts;

typedef struct Blocking {
    TileShape tile;
    int64_t panel_channels; /* output channels of a full panel: those of a tile */
    SumParts parts;
    /* Input channels that a tile adds up before the next tile uses the same weights: all of a
     * group, or so many that their weights stay in the first-level cache. */
    int64_t input_block;
    /* flat: */
    int64_t tiles;       /* of pixels; the last one may be partial */
    int64_t block_tiles; /* that one panel after the other goes over; all: no blocks */
    ItemOrder items;
    int64_t prefetching_tiles; /* so many tiles use a panel, and fetch ahead; 0: none does */
    /* not flat: */
    bool panels_outermost; /* all rows of one panel, then those of the next */
} Blocking;

/* The product of a convolution or fully connected layer: by the types of its input and weights. */
const Product *node_product(const Target *target, const Node *node);

/* The tile alone, and the cycles of one row of `width` pixels of a group in such tiles. */
TileShape convolution_tile(const Compilation *compilation, const ConvolutionSizes *sizes);
double convolution_row_cycles(
    const Compilation *compilation, const ConvolutionSizes *sizes, TileShape tile);

Blocking choose_blocking(const Compilation *compilation, const ConvolutionSizes *sizes);

/* The vectors of sums that a tile of so many output channels has for a pixel. */
typedef struct PanelVectors {
    int count, widths[MAX_TILE_VECTORS];
    int firsts[MAX_TILE_VECTORS]; /* the place of each one's first lane among all */
    int lanes;                    /* of all: weights of one input channel */
    /* Two to four vectors of integers become one of bytes. What packs them puts four lanes of each
     * side by side: so lane 4s + e of vector v of n is channel 4ns + 4v + e, and weights lie so. */
    bool packed;
} PanelVectors;

PanelVectors panel_vectors(
    const Compilation *compilation, const ConvolutionSizes *sizes, int64_t channels);
/* The channel of a lane of a vector; it may be beyond the last. */
int64_t panel_channel(const PanelVectors *vectors, int vector, int lane);

/* The products in a part of an output's sum; 0 where they are few enough to be one sum. */
int64_t convolution_sum_part(const ConvolutionSizes *sizes);
/* The parts of sums of so many input channels at a time: where such blocks are parts, there are
 * none within them, but of f16. */
SumParts choose_sum_parts(const ConvolutionSizes *sizes, int64_t input_block);

/* As a phrase: "6x2 tiles, tail of 2, items: tiles, ...". */
void blocking_print(const Blocking *blocking, const ConvolutionSizes *sizes, Text *out);

#endif
