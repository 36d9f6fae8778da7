/* Inside the lowering of convolutions: what a convolution and a tile of it are. */
#ifndef RIFFLE_BACKENDS_KERNELS_CONVOLUTION_CONVOLUTION_H
#define RIFFLE_BACKENDS_KERNELS_CONVOLUTION_CONVOLUTION_H

#include "backends/kernels/row_op.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/schedule/blocking.h"
#include "backends/schedule/tile_model.h"
#include "backends/target/product.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"

/* Lanes of a vector of floats at most, and bytes of which one lane is multiplied. */
enum { MAX_LANES = 16, QUAD = 4 };

/* What one convolution is, as its lowering sees it. */
typedef struct Convolution {
    RowOp rows; /* first: a Convolution is a RowOp */
    Emission *emission;
    KernelCall *call;
    KernelBuilder *builder;
    Arena *arena;
    const Placement *input, *output, *residual; /* residual: NULL without */
    const int *input_parameters, *output_parameters, *residual_parameters; /* by run */
    int weights;                                                           /* parameter */
    int64_t groups, group_inputs, group_outputs;
    bool group_loop;       /* over all groups, with the code of group 0; else each has its own */
    int64_t group_shift;   /* then; as of groups_alike */
    int64_t main_outputs;  /* of a group, in panels; the others are its tail (tail.c) */
    int64_t tail_vectors;  /* of a group's input channels */
    int64_t group_weights; /* packed ones of a group, biases not counted */
    int64_t width_in, width_out; /* flat: one row of all pixels */
    bool flat, has_bias;
    bool in_place; /* the output takes the residual's place */
    const Product *product;
    int64_t part;          /* of sums of f16, as of ConvolutionSizes */
    int64_t packed_inputs; /* input channels of a group that the weights have room for */
    int biases;            /* parameter */
    int64_t bias_offset;   /* in floats, inside that parameter */
    int64_t group_scales;  /* of bytes: in floats, what `biases` has of a group (finish_bytes.c) */
    const Formula *activation, *residual_activation;
    ConvolutionSizes sizes; /* as the blocking was chosen for */
    Blocking blocking;
    const Expression *first_tile, *end_tile; /* flat: the tiles of one block */
    const Expression *first_row, *end_row;   /* of all images, where panels are outermost */
    int partial_sums; /* local: sums between two blocks of inputs, tile by tile from first_tile on
                       */
} Convolution;

/* A tile: which output channels, which pixels. */
typedef struct ConvolutionTile {
    const Expression *group;   /* index of the group */
    const Expression *panel;   /* within the group */
    const Expression *channel; /* first output channel, within the group */
    int64_t channel_count;
    int output_run, residual_run;    /* where all of its channels lie in; -1: in several */
    const Expression *weight_offset; /* of the panel */
    const Expression *image, *row;   /* NULL in a flat one */
    const Expression *column;
    const Expression *index;          /* of a flat one among the tiles of its panel */
    int64_t first_input, input_count; /* of the group's input channels, those added now */
    const Expression *input_shift;    /* in a loop over blocks of them: so many later; NULL: none */
    int pixels;
    bool interior;
    bool is_tail;                       /* of a group: not in panels */
    const Expression *kernel_row, *tap; /* of the window, while its products are emitted */
} ConvolutionTile;

/* The integer a * factor. */
static inline const Expression *times(
    const Convolution *conv, const Expression *a, int64_t factor) {
    return expression_multiply(conv->arena, a, factor);
}

/* The group's input channels that lie in the index-th run. */
static inline RunPart group_part(const Convolution *conv, int64_t group, int index) {
    int64_t begin = group * conv->group_inputs;
    return run_part(&conv->input->runs[index], begin, begin + conv->group_inputs);
}

/* The group whose code this is: 0 in a loop over all. */
static inline int64_t first_group(const ConvolutionTile *tile) {
    int64_t group = 0;
    (void)expression_is_constant(tile->group, &group);
    return group;
}

/* Panels of a group. */
static inline int64_t group_panels(const Convolution *conv) {
    return (conv->main_outputs + conv->blocking.panel_channels - 1) / conv->blocking.panel_channels;
}

/* The outputs of a group in panels that packed weights have room for: blocks are filled up. */
static inline int64_t packed_outputs(const Convolution *conv) {
    int64_t block = conv->emission->compilation->weight_block, outputs = conv->main_outputs;
    return block > 0 ? (outputs + block - 1) / block * block : outputs;
}

/* The vectors of sums of a tile; their weights lie together for each tap and input channel. */
static inline PanelVectors tile_vectors(const Convolution *conv, const ConvolutionTile *tile) {
    return panel_vectors(conv->emission->compilation, &conv->sizes, tile->channel_count);
}

/* Weights of a tile for one tap and input channel. */
static inline int64_t weight_row(const Convolution *conv, const ConvolutionTile *tile) {
    return tile_vectors(conv, tile).lanes;
}

/* The registers of a tile. */
typedef struct TileRegisters {
    PanelVectors vectors;
    int accumulators[MAX_TILE_PIXELS][MAX_TILE_VECTORS];
    int totals[MAX_TILE_PIXELS][MAX_TILE_VECTORS]; /* of the parts that ended, if there are parts */
} TileRegisters;

/* What LLVM schedules well in one block; in longer ones it loads ahead and spills accumulators. */
enum { UNROLLED_MULTIPLY_ADDS = 100 };

/* ---- address.c ---- */

/* First output channel of the tile in the whole tensor. */
const Expression *tile_channel(const Convolution *conv, const ConvolutionTile *tile);
/* Whether the tap of pixel p lies inside the input's columns; at edges, column and tap are
 * constant. */
bool column_inside(const Convolution *conv, const ConvolutionTile *tile, int p);
/* A register of inputs or weights that were loaded, as they are multiplied: inputs of f32 that meet
 * weights of f16 are rounded, and numbers of f16 are widened where the sums are of f32. */
int as_multiplied(const Convolution *conv, int reg);
/* Loads a vector of weights for each of the tile, from the offset of the first on. */
void load_tile_weights(const Convolution *conv, const TileRegisters *registers,
    const Expression *offset, int weights[MAX_TILE_VECTORS]);
/* Offsets: of the tile's pixel p, where that of its first is given; of its first pixel, where the
 * tap looks, in a channel of the run; of the tap's weights for the first channel. */
const Expression *pixel_offset(
    const Convolution *conv, const Run *run, const Expression *input_offset, int p);
const Expression *tap_input(const Convolution *conv, const ConvolutionTile *tile, const Run *run,
    const Expression *run_channel);
const Expression *tap_weights(const Convolution *conv, const ConvolutionTile *tile);

/* ---- finish.c ---- */

/* Lanes first_lane.. of a register, which belong to the tile's pixel p: `count` channels from
 * `channel` on, which is constant unless they lie in one run. Stores them to the output; or loads
 * the residual's, and zeros to the other lanes. */
typedef struct PixelLanes {
    const Expression *channel;
    int pixel, first_lane, count;
} PixelLanes;

void store_lanes(
    const Convolution *conv, const ConvolutionTile *tile, const PixelLanes *place, int reg);
void load_residual_lanes(
    const Convolution *conv, const ConvolutionTile *tile, const PixelLanes *place, int reg);

/* The epilogue and the store of `width` channels of pixel p, from the tile's `first` on. */
void emit_convolution_result(
    const Convolution *conv, const ConvolutionTile *tile, int p, int first, int reg, int width);

/* ---- finish_bytes.c ---- */

/* What the epilogue of bytes reads for each lane of a panel: so many floats of each. */
typedef enum ScaleKind { SCALE_START, SCALE_FACTOR, SCALE_OFFSET, SCALE_KINDS } ScaleKind;
/* Loads those of vector v into the register. */
void load_scale(const Convolution *conv, const ConvolutionTile *tile, const PanelVectors *vectors,
    ScaleKind kind, int v, int reg);
/* From sums of integers to results: times factor plus offset, and what else there is. */
void finish_byte_sums(
    const Convolution *conv, const ConvolutionTile *tile, const TileRegisters *registers);

/* ---- sums.c ---- */

/* What sums are between two blocks of input channels, and when all are added up. */
LaneType total_type(const Convolution *conv);

/* The tile's accumulators (and totals) before its products. */
void start_sums(const Convolution *conv, const ConvolutionTile *tile, TileRegisters *registers);
/* After its products. True if the accumulators are the results; else they were put where the next
 * block of input channels finds them. */
bool finish_sums(const Convolution *conv, const ConvolutionTile *tile, TileRegisters *registers);
/* Adds the accumulators to the totals, and begins again with zeros. */
void end_part(const Convolution *conv, const ConvolutionTile *tile, const TileRegisters *registers);
/* A loop over begin, begin + step, ..., that ends a part after `part` numbers of its range, and
 * with it; none where `part` is 0. */
const Expression *open_parts(const Convolution *conv, const char *name, const Expression *begin,
    const Expression *end, int64_t step, int64_t part);
void close_parts(const Convolution *conv, const ConvolutionTile *tile,
    const TileRegisters *registers, int64_t part);

/* ---- pack_order.c, pack_pairs.c, pack.c ---- */

/* The column of the weights that belongs to input `input` as it lies in memory. */
int64_t weight_column(const Convolution *conv, int64_t input);
/* So many channels, rounded up to whole products. */
int64_t whole_products(const Convolution *conv, int64_t channels);
/* The input channels of a group, where each run begins with a new product. */
int64_t packed_inputs(const Convolution *conv, int64_t group);
/* The input channel of the group that is packed at each place; -1 where a product has fewer. */
const int64_t *packed_order(const Convolution *conv, int64_t group);

/* Packs weights of bytes, and what the epilogue reads (finish_bytes.c). */
void pack_bytes(Convolution *conv, const Node *node);
/* Packs weights of bf16 in pairs. */
void pack_pairs(Convolution *conv, const Weight *weight);

/* Packs the weights and the biases of the node, and sets what says where they are. */
void pack_convolution(Convolution *conv, const Node *node);

/* ---- products_pairs.c ---- */

/* One tap and the channels of a product, or fewer at the end of a run. */
typedef struct GroupedProducts {
    const Convolution *conv;
    const ConvolutionTile *tile;
    const TileRegisters *registers;
    const Run *run;
    int parameter;
    const Expression *input, *weights; /* offsets of the first channel, and of its weights */
    int channels;
} GroupedProducts;

void emit_pair_products(const GroupedProducts *products);
/* products_quads.c: the same for bytes, and as many quads of channels as `channels` says. */
void emit_quad_products(const GroupedProducts *products);
/* Whether the pixels of a kernel row, of four bytes each, are loaded as one vector of quads; and
 * the products of all its taps, if so. */
bool takes_quads_of_rows(const Convolution *conv, const ConvolutionTile *tile);
void emit_rows_of_quads(
    const Convolution *conv, ConvolutionTile *tile, const TileRegisters *registers);
/* Of inputs that are flipped: the products of kernel rows that lie outside of the input. */
void emit_outside_rows(const Convolution *conv, ConvolutionTile *tile,
    const TileRegisters *registers, const Expression *begin, const Expression *end);

/* ---- products_lanes.c ---- */

/* The multiply-adds of one tap and up to as many channels as a vector has lanes, which lie one
 * after the other. */
void emit_lane_products(const Convolution *conv, const ConvolutionTile *tile,
    const TileRegisters *registers, const Run *run, int parameter, const Expression *input_offset,
    const Expression *weight_offset, int channels);
/* Whether the columns of a kernel row are loaded as a few vectors, of which multiply-adds take
 * lanes; and the products of all its taps and channels, if so. */
bool takes_lanes_of_rows(
    const Convolution *conv, const ConvolutionTile *tile, const TileRegisters *registers);
void emit_rows_by_lane(
    const Convolution *conv, ConvolutionTile *tile, const TileRegisters *registers);

/* ---- tail.c ---- */

/* Sets main_outputs: whether the node's last channels are computed as dot products. */
void set_convolution_tail(Convolution *conv, const Node *node);
/* Floats that the packed weights of a group's tail take; 0 without one. */
int64_t tail_weight_floats(const Convolution *conv);
/* Packs them from the weights [output][input] and biases (or NULL) of the whole node. */
void pack_tail(
    const Convolution *conv, int64_t group, const float *weights, const float *bias, float *out);
/* The tail of the pixels begin..end-1, flat or of the tile's row; none when begin >= end. */
void emit_tail(
    const Convolution *conv, ConvolutionTile *tile, const Expression *begin, const Expression *end);

/* ---- tile.c ---- */

/* The code of one tile: start with the bias, the products of all taps and
 * channels, the epilogue, the stores. */
void emit_convolution_tile(const Convolution *conv, ConvolutionTile *tile);

/* ---- flat.c ---- */

/* Code for each panel of each group, by loops over those whose runs are the
 * same; emit_pixels finds the tile's group, panel, channels, runs and weights set. */
typedef void EmitPixels(const Convolution *conv, ConvolutionTile *tile);
void emit_convolution_panels(
    const Convolution *conv, ConvolutionTile *tile, EmitPixels *emit_pixels);

#endif
