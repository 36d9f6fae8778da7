/* Inside the lowering of convolutions for GPUs.
 *
 * A block computes a tile: `parts` times `channels` output channels of up to `quads` times `pixels`
 * pixels. Each thread holds channels x pixels sums in registers, for the input channels of its
 * slice; what the slices found is added up in shared memory (convolution_tile.c). Where the next
 * layer is a window op or a global pooling, the block goes on with that: its tile then has all rows
 * of the convolution that `rows` rows of the next layer look at. */
#ifndef RIFFLE_BACKENDS_GPU_CONVOLUTION_H
#define RIFFLE_BACKENDS_GPU_CONVOLUTION_H

#include "backends/gpu/gpu.h"
#include "backends/gpu/window.h"
#include "backends/program/call.h"
#include "backends/schedule/shape.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"

enum { SHARED_BANKS = 32 };

typedef struct GpuConvolutionShape {
    int channels; /* of a thread */
    int parts;    /* groups of threads with channels of their own */
    int quads;    /* threads along the pixels */
    int slices;   /* threads along the input channels */
    int pixels;   /* of a thread: 4, or 1 */
    int64_t rows; /* of the next layer; 0 without one */
} GpuConvolutionShape;

typedef struct GpuConvolution {
    GpuLowering *gpu;
    KernelCall call;
    KernelBuilder *builder;
    Arena *arena;
    const Node *node, *next; /* next: NULL without */
    const Tensor *in, *out;  /* out: of the last layer */
    Access input, output, residual;
    bool has_residual;
    Window window;
    int64_t groups, group_inputs, group_outputs, taps;
    int64_t images, height, width; /* of the convolution's result */
    bool pointwise; /* a thread's pixels are four consecutive numbers of each plane */
    const Formula *activation, *residual_activation;
    GpuConvolutionShape shape;
    int64_t channel_tiles, pixel_tiles; /* of a group; of the pixels */
    int weights, shared;                /* parameter; local */
    int64_t bias_offset;
    bool has_bias;
    GpuWindowOp window_op; /* of a next layer that is one */
    /* Of the block and its threads: */
    const Expression *thread, *quad, *part, *slice;
    const Expression *tile;                              /* all channel tiles of all groups */
    const Expression *first_channel;                     /* of the tile, in the whole result */
    const Expression *channels_left;                     /* of the group, from there on */
    const Expression *image, *first_row, *first_row_out; /* with a next layer */
    const Expression *first_pixel;                       /* of the tile, in all images; aligned */
    const Expression *shift; /* with a next layer: number of its first pixel in the tile */
} GpuConvolution;

/* Numbers of the tile that shared memory holds for each slice. */
static inline int64_t tile_pixels(const GpuConvolution *conv) {
    return (int64_t)conv->shape.quads * conv->shape.pixels;
}

static inline int64_t tile_channels(const GpuConvolution *conv) {
    return (int64_t)conv->shape.channels * conv->shape.parts;
}

/* Of the tile in shared memory, [channel of a thread][slice][part][pixel]: numbers of a slice for
 * one channel of each thread; and of all slices, so many that channel i's begin at bank i *
 * slice_floats, so that neither threads that store their sums nor those that add them up meet in a
 * bank. */
static inline int64_t slice_floats(const GpuConvolutionShape *shape) {
    return (int64_t)shape->parts * shape->quads * shape->pixels;
}

static inline int64_t channel_floats(const GpuConvolutionShape *shape) {
    int64_t slice = slice_floats(shape), all = slice * shape->slices;
    return all + ((slice - all) % SHARED_BANKS + SHARED_BANKS) % SHARED_BANKS;
}

/* convolution_shape.c: the shape with the least time by a model of the GPU. False when none fits.
 */
bool choose_convolution_shape(const GpuConvolution *conv, GpuConvolutionShape *shape);
/* Rows of the convolution's result that `rows` rows of the next layer look at. */
int64_t rows_needed(const GpuConvolution *conv, int64_t rows);
/* Whether the first pixel of each such tile is the first of a quad. */
bool tile_is_aligned(const GpuConvolution *conv, int64_t rows);
/* Quads of a tile with the next layer's `rows` rows. */
int64_t quads_needed(const GpuConvolution *conv, int64_t rows);

/* convolution_sum.c: the sums of the thread; channels x pixels registers, channel by channel. */
const int *emit_sums(GpuConvolution *conv);
/* Whether a few more registers can be kept while that is done: the loops are short. */
bool sums_leave_registers(const GpuConvolution *conv);

/* Numbers of the tile in shared memory, `lanes` neighbours at a time, each group by one thread. */
typedef struct TileUnits {
    int lanes;     /* as many pixels as a thread computes, or 1 where there are threads for all */
    int64_t count; /* of all channels and pixels */
} TileUnits;

/* One of them, of the thread. */
typedef struct TileUnit {
    const Expression *index;     /* channel of the tile */
    const Expression *in_tile;   /* offset in shared memory, of the first slice */
    const Expression *out_pixel; /* in all images */
} TileUnit;

/* What the end of the kernel needs from memory, loaded before the sums so that it need not be
 * waited for: where each thread finishes only one unit, or one output of the next layer. */
typedef struct FinishLoads {
    bool early; /* `unit` and what follows are there */
    TileUnit unit;
    int bias, residual;      /* registers of the unit's lanes; -1 without */
    const Expression *plane; /* of the output; NULL: computed where it is needed */
    WindowLoads window;
    const Expression *window_plane;
} FinishLoads;

/* convolution_tile.c: sums go to shared memory and are added up there. */
TileUnits tile_units(const GpuConvolution *conv);
/* A loop of all threads over `count` things: its trips are the same for all, so that compilers can
 * have the loads of all under way together. *closes blocks are to be closed. */
const Expression *open_elements(const GpuConvolution *conv, int64_t count, int *closes);
/* Opens what is done for each unit of the thread. */
TileUnit open_units(const GpuConvolution *conv, const TileUnits *units, int *closes);
/* The unit of a thread that has no more than one. */
TileUnit only_unit(const GpuConvolution *conv, const TileUnits *units);
/* Offset in shared memory of the numbers of a channel of the tile. */
const Expression *channel_in_tile(const GpuConvolution *conv, const Expression *index);
void store_sums(const GpuConvolution *conv, const int *sums);
/* Adds up slices until each unit has few; returns how many. */
int64_t fold_slices(const GpuConvolution *conv, const TileUnits *units);
/* A register with the sum of what is left of them. */
int add_slices(
    const GpuConvolution *conv, const TileUnits *units, const TileUnit *unit, int64_t slices);
/* `count` (4 or 1) registers of one lane as one. */
int join_lanes(KernelBuilder *builder, const int *lanes, int count);
/* Opens what threads with a number below `count` do, unless all have one. Returns blocks to close.
 */
int open_threads(const GpuConvolution *conv, int64_t count);

/* convolution_finish.c: from sums to the result. Loads come before the sums are computed. */
FinishLoads emit_finish_loads(GpuConvolution *conv);
void emit_finish(GpuConvolution *conv, const FinishLoads *loads, const int *sums);

#endif
