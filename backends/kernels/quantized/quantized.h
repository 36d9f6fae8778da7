/* Inside the lowering of convolutions of bytes: what one is, how its output channels are cut, and
 * what a tile of it is.
 *
 * Four input channels at a time, a *quad*, meet the weights of a vector of output channels in one
 * instruction. Weights are packed per group and block of output channels as [kernel row][kernel
 * column][run of the input][quad][vector][lane][channel of the quad]; where a run ends within a
 * quad, weights are zero, and whatever byte follows does not matter. */
#ifndef RIFFLE_BACKENDS_KERNELS_QUANTIZED_QUANTIZED_H
#define RIFFLE_BACKENDS_KERNELS_QUANTIZED_QUANTIZED_H

#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"

enum { MAX_BLOCK_VECTORS = 4 };

/* Output channels of a tile. Results of bytes that fill four vectors are packed into one: there
 * lane 4s + e of vector v is channel 16s + 4v + e, the order in which packing leaves them. */
typedef struct QuantizedBlock {
    int64_t first, count; /* channels, within the group */
    int vectors, lanes;
    bool packed;
    int64_t weights, scales; /* where those of the block begin within the group's */
} QuantizedBlock;

/* A stretch of input channels of one group that lies in one run. */
typedef struct QuantizedSegment {
    int run;
    int64_t channel; /* first, within the run */
    int64_t first;   /* the same within the group */
    int64_t count;
} QuantizedSegment;

typedef struct QuantizedConvolution {
    Emission *emission;
    KernelCall *call;
    KernelBuilder *builder;
    Arena *arena;
    const Node *node;
    Window window;
    const Placement *input, *output;
    const int *input_parameters, *output_parameters; /* by run */
    int weights, scales;                             /* parameters */
    int64_t groups, group_inputs, group_outputs;
    bool group_loop;             /* over all groups, with the code of group 0 */
    int64_t group_shift;         /* then; as of groups_alike */
    int64_t width_in, width_out; /* flat: one row of all pixels */
    bool flat, bytes;            /* bytes: so are the results */
    Activation activation;
    QuantizedBlock *blocks; /* of a group, all alike */
    int block_count;
    int64_t group_quads; /* of one kernel tap */
    int64_t group_weights, group_scales;
    int tile_pixels;
} QuantizedConvolution;

typedef struct QuantizedTile {
    const Expression *group;
    const QuantizedBlock *block;
    const Expression *index; /* how many equal blocks further on */
    int output_run;          /* where all channels lie in; -1: in several, and all is constant */
    const Expression *image, *row, *column; /* image and row: NULL in a flat one */
    int pixels;
    bool interior; /* no tap leaves the input's columns */
} QuantizedTile;

/* Output channel of a vector's lane, within the block; it may be beyond the block's last. */
int64_t block_channel(const QuantizedBlock *block, int vector, int lane);
/* The segments of a group's input; *count is set. */
QuantizedSegment *quantized_segments(const QuantizedConvolution *conv, int64_t group, int *count);

/* quantized_blocks.c: cuts the output channels, chooses tiles, packs weights. False after reporting
 * a weight that is no number it may be. */
void choose_quantized_blocks(QuantizedConvolution *conv);
bool pack_quantized(QuantizedConvolution *conv);

/* quantized_tile.c: the code of one tile. */
void emit_quantized_tile(const QuantizedConvolution *conv, const QuantizedTile *tile);

/* Checks that `weight` holds whole numbers within the bounds; reports and returns false. */
bool are_whole_numbers(
    Emission *emission, const Node *node, const Weight *weight, int least, int most);
bool lower_quantize(Emission *emission, const Node *node); /* quantize.c */
/* window.c: depthwise convolution and max pooling of bytes */
bool lower_quantized_window(Emission *emission, const Node *node);
/* Whether code for bytes can be made for the target, or that it cannot was reported. */
bool has_bytes(Emission *emission, const Node *node);

#endif
