/* Inside the lowering of convolutions for GPUs.
 *
 * A block computes a tile: `parts` times `channels` output channels of up to `quads` times `pixels`
 * pixels. Each thread holds channels x pixels sums in registers, for the input channels of its
 * slice; what the slices found is added up in shared memory. Where the next layer is a window op or
 * a global pooling, the block goes on with that: its tile then has all rows of the convolution
 * that `rows` rows of the next layer look at. */
#ifndef RIFFLE_BACKENDS_GPU_CONVOLUTION_H
#define RIFFLE_BACKENDS_GPU_CONVOLUTION_H

#include "backends/gpu/gpu.h"
#include "backends/gpu/window.h"
#include "backends/program/call.h"
#include "backends/schedule/shape.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"

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

/* convolution_finish.c: from sums to the result. */
void emit_finish(GpuConvolution *conv, const int *sums);

#endif
