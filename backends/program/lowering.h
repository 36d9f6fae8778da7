/* Inside the lowering from graph to kernels: where tensors are, and what every lower_*.c shares. */
#ifndef RIFFLE_BACKENDS_LOWER_H
#define RIFFLE_BACKENDS_LOWER_H

#include "backends/program/program.h"

/* A range of channels of a tensor that lies regularly in one buffer: element (image, row, column,
 * channel) is at offset + image*image_stride + row*row_stride + column*pixel_stride +
 * (channel-first_channel)*channel_stride, all in elements of the placement. */
typedef struct Run {
    int64_t first_channel, channel_count;
    int buffer;
    int64_t offset;
    int64_t displacement; /* offset less that of the placement's first run in the same buffer: runs
                             of one buffer share a kernel parameter */
    int64_t channel_stride, pixel_stride, row_stride, image_stride;
    int64_t ring_rows; /* not 0: a ring, row r lies where row r % ring_rows would */
    bool exact;        /* the caller's buffer: a vector load must not read past the last channel */
} Run;

/* Where a tensor is: runs in the order of its channels. A split is a view with fewer channels, a
 * concat one with more runs; neither moves a byte. */
typedef struct Placement {
    Run *runs;
    int run_count;
    int64_t images, channels, height, width;
    LaneType element; /* F32, BF16, or U8 for a quantised tensor */
    /* Not 0: a flattened tensor of so many pixels, whose numbers still lie pixel by pixel; only
     * linear reads it, which packs its weights in that order. */
    int64_t flattened_pixels;
} Placement;

/* Which route's buffer the channels of a value are written to: see lower_place.c. */
typedef struct Claim Claim;
/* What lives when: see liveness.h. */
typedef struct Liveness Liveness;

/* Of what a kernel keeps on the stack: rings, or scratch. With what LLVM spills beside it, a frame
 * is then below 64 KiB; tests/consumers/test_stack.py looks. */
enum { MOST_LOCAL_BYTES = 48 * 1024 };

typedef struct Lowering {
    Program *program;
    const Graph *graph;
    const Target *target;
    Arena *arena;
    Diagnostics *diagnostics;
    Placement **placements;      /* by value id; NULL until the value is placed */
    const GraphOutput **outputs; /* by value id: the output that the value is written to directly */
    Claim **claims;              /* by value id: per channel; NULL when no route owns any */
    const Node **chain_next;     /* by value id: who reads the value inside the same kernel */
    int *unread;                 /* by value id: how often it is read by steps to come */
    bool *owns;                  /* by value id: of a route: it owns its sources */
    Placement **owned;           /* by value id: where the channels of such a route are */
    LowerChains chains;          /* as in LowerOptions */
    LowerWinograd winograd;
    int64_t ring_bytes;
    bool copy_layout; /* see LowerOptions */
} Lowering;

/* A kernel under construction together with the arguments of its first call. */
typedef struct KernelCall {
    KernelBuilder builder;
    Step step;
} KernelCall;

/* ---- lower.c ---- */

Placement *lowering_placement(Lowering *lowering, const Value *value);
/* A new dense channels-last buffer in the workspace for the value; or the place in the caller's
 * output buffer when the value is an output whose layout allows it. */
Placement *lowering_place(Lowering *lowering, Value *value);
/* A dense channels-last workspace buffer that belongs to no value. */
Placement *lowering_temporary(Lowering *lowering, const Placement *like, const char *name);

/* From one pixel of a workspace tensor to the next, in elements. Pixels whose distance is a large
 * power of two share sets of the first-level cache, which keeps fewer of them than a tile reads:
 * they are moved apart by a line. Where a multiply-add takes one lane of a register, pixels are
 * whole vectors apart, so that loads of neighbouring pixels differ by a constant that fits an
 * instruction. */
int64_t pixel_distance(const Target *target, int64_t channels);

/* A new channels-last workspace buffer of the value's shape. */
Placement *lowering_dense(Lowering *lowering, const Value *value);
/* The same for a tensor that lies in several buffers: channels ends[i - 1] (or 0) to ends[i] - 1 in
 * the i-th. */
Placement *lowering_dense_parts(
    Lowering *lowering, const Value *value, const int64_t *ends, int count);
/* Sets the displacements of the runs. */
void placement_share_parameters(Placement *placement);

/* cuda/lower.c: all of it, for a target that is a GPU. False after reporting an error. */
bool gpu_lower(Lowering *lowering);

/* ---- lower_place.c ---- */

/* Decides, before anything is lowered, which routes own their sources. */
void lowering_claim_routes(Lowering *lowering);
/* The route that owns the channel of the value; NULL when none does. */
const Node *claim_route(const Lowering *lowering, const Value *value, int64_t channel);
bool route_owns_sources(const Lowering *lowering, const Node *node);
/* owned.c: makes the buffers of the routes that own their sources: in parts, where that takes less
 * memory.
 */
void lowering_make_owned(Lowering *lowering, const Liveness *liveness);
/* The runs in the buffers of the routes that own channels of the value; NULL when none does. */
Placement *lowering_claimed_place(Lowering *lowering, const Value *value);

/* ---- lower_in_place.c ---- */

/* Called when the node has been lowered: its operands are read once less. */
void lowering_count_reads(Lowering *lowering, const Node *node);
/* Whether the node's sums may be stored where its residual lies: nobody else wants that any more.
 * Then half of the bytes of a large tensor need not move. */
bool lowering_adds_in_place(const Lowering *lowering, const Node *node, const Placement *residual);

/* ---- calls (lower.c) ---- */

void call_begin(Lowering *lowering, KernelCall *call, const Node *node, int64_t extent);
/* A parameter of floats. */
int call_parameter(
    KernelCall *call, ParameterRole role, const char *name, int buffer, int64_t offset);
int call_parameter_of(KernelCall *call, ParameterRole role, const char *name, LaneType element,
    int buffer, int64_t offset);
/* One parameter per buffer; returns by run which one is its. */
const int *call_placement(
    KernelCall *call, ParameterRole role, const char *name, const Placement *placement);
/* Reserves room in the packed weights, aligned to 64 bytes; the pointer is valid until the next
 * call. The parameter reads from its start. */
float *call_weights(Lowering *lowering, KernelCall *call, int64_t floats, int *parameter);
/* The same for bytes, and for numbers of bf16. */
uint8_t *call_weight_bytes(Lowering *lowering, KernelCall *call, int64_t bytes, int *parameter);
uint16_t *call_weight_halves(Lowering *lowering, KernelCall *call, int64_t count, int *parameter);
/* Says what the kernel computes; what several ops say is joined by " + ". */
void call_describe(KernelCall *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds the step; its kernel is shared with an equal one. */
void call_end(Lowering *lowering, KernelCall *call);

/* ---- lower_common.c ---- */

/* Lanes of the next vector when `count` floats are left: a full one, or for the rest the narrowest
 * (of at least 4 lanes, or the target's widest) that holds it. */
int vector_width(const Target *target, int64_t count);
/* Writes the lanes of all vectors that cover `count` floats; returns their number. */
int vector_widths(const Target *target, int64_t count, int *widths, int capacity);

/* ---- sum_parts.c ---- */

/* A float32 that many terms are added to loses the last bits of each as it grows. So sums of more
 * than `longest` terms are taken in parts, and these are added up: then the error grows like the
 * root of the number of terms. Returns the terms of a part, a multiple of 16; 0 for one sum. */
int64_t sum_part(int64_t terms, int64_t longest);
/* Opens the loop over a part of a range that goes on to `end`; NULL: the part is whole. */
const Expression *open_part(KernelBuilder *builder, const char *name, const Expression *begin,
    int64_t size, const Expression *end, int64_t step);
int64_t square_root_above(int64_t number);

/* A loop over begin, begin + step, ... that adds a term each time to part_sum. Where a part is not
 * 0 terms, that begins with 0 in each part and is then added to the sum; else it is the sum. */
typedef struct PartLoop {
    const Expression *index;
    int64_t part;
    int sum, part_sum; /* registers */
} PartLoop;
PartLoop open_part_loop(KernelBuilder *builder, const char *name, const Expression *begin,
    const Expression *end, int64_t step, int64_t part, int sum);
void close_part_loop(KernelBuilder *builder, const PartLoop *loop);

/* So many pixels or channels are one sum; a row of `width` pixels is summed in parts of
 * columns_of_sum(width). */
enum { TERMS_PER_SUM = 128 };
int64_t columns_of_sum(int64_t width);

/* A sum whose terms are emitted one after the other, without a loop: `size` of them go to a sum of
 * their own, which is then added to the total; where size is 0, each goes to the total. */
typedef struct PartSum {
    int total, part; /* registers */
    int64_t size, pending;
} PartSum;
PartSum begin_part_sum(KernelBuilder *builder, int total, int lanes, int64_t size);
/* The register that the next term is to be added to. */
int next_in_part_sum(KernelBuilder *builder, PartSum *sum);
void end_part_sum(KernelBuilder *builder, PartSum *sum);

/* ---- tile.c ---- */

enum { MAX_TILE_PIXELS = 28, MAX_TILE_VECTORS = 8 };

/* Accumulators of a convolution that are held in registers: so many pixels times so many vectors of
 * output channels. */
typedef struct TileShape {
    int pixels, vectors;
} TileShape;

/* Writes the lanes of the vectors of a tile that cover so many channels; returns their number. A
 * narrower last one pays with vectors of 16 lanes alone, which some processors take in two halves;
 * else it costs a broadcast of its own. */
int tile_widths(const Target *target, int64_t channels, int *widths);

/* Bytes of the weights of a panel that the first-level cache keeps from one tile to the next,
 * beside what else passes through it. */
int64_t weights_kept(const Target *target);

/* The shape that computes `outputs` channels of `pixels` pixels with `taps` multiply-adds each in
 * the fewest cycles, as measured (tuning.h) or by a model of the target's ports. */
TileShape choose_tile(const Target *target, int64_t outputs, int64_t pixels, int64_t taps);
/* Whether its accumulators, weights and values fit the target's registers. */
bool tile_fits(const Target *target, TileShape shape);
/* convolution_tail.c: how many of the outputs of a group of the convolution or fully connected
 * layer are best computed as dot products over its inputs (0: none); the others are in tiles. */
int64_t convolution_tail(const Target *target, const Node *node);
/* The cycles of those, for one pixel. */
double tail_cycles(const Target *target, const Node *node);
/* The cycles by that model. */
double tiles_cycles(
    const Target *target, int64_t outputs, int64_t pixels, int64_t taps, TileShape shape);

/* A stretch of tiles along an output row: `repeat` tiles of `pixels` outputs, from column `first`
 * on. Where repeat > 1 no tap of the window leaves the input, so one body serves all. */
typedef struct TileSpan {
    int64_t first, repeat;
    int pixels;
    bool interior; /* no tap leaves the input */
} TileSpan;

typedef struct Window {
    int64_t kernel[2], stride[2], dilation[2];
    int64_t padding[4]; /* top, left, bottom, right */
} Window;

/* sum_parts.c: the rows of a window that are one sum, and the columns of a row that are one before
 * (0: all). Both are 0 where the window has few enough cells to be one sum. */
typedef struct WindowParts {
    int64_t rows, columns;
} WindowParts;
WindowParts window_parts(const Window *window);

/* Columns begin..end-1 of a row. */
typedef struct ColumnRange {
    int64_t begin, end;
} ColumnRange;

/* Cuts these outputs of a row into spans of tiles of at most `pixels`; returns the number of spans
 * and sets *spans. */
int tile_spans(Arena *arena, ColumnRange columns, int64_t width_in, const Window *window,
    int pixels, TileSpan **spans);

/* The window of a conv, linear and pad (one pixel), max_pool or avg_pool. */
Window node_window(const Node *node);

/* The rows of the window that lie inside the input, for output row y. */
void window_rows(Arena *arena, const Window *window, int64_t height_in, int64_t height_out,
    const Expression *y, const Expression **begin, const Expression **end);

/* a + b + ... of expressions, variadic, closed by NULL. */
const Expression *expression_sum(Arena *arena, ...) __attribute__((sentinel));

/* Those of channels begin..end-1 of the tensor that lie in the run: `count` from `first` on. */
typedef struct RunPart {
    int64_t first, count; /* count 0: none */
} RunPart;
RunPart run_part(const Run *run, int64_t begin, int64_t end);

/* kernels/convolution/groups.c: whether all groups of a convolution read the same parts of runs, each
 * *shift numbers further on than the group before. Of a single run *shift is 0: a group is a
 * channel in it. */
bool groups_alike(const Placement *input, int64_t groups, int64_t *shift);

/* A channel range that lies in one run of each placement. */
typedef struct Segment {
    int64_t first_channel, channel_count;
    int runs[4]; /* per placement: index of its run */
} Segment;
/* Common refinement of up to four placements with equal channels; *segment_count is set. */
Segment *channel_segments(
    Arena *arena, const Placement *const *placements, int count, int *segment_count);

/* Applies the activation to a register in place. */
void emit_activation(KernelBuilder *builder, Activation activation, int reg);
/* destination = exp(source), to about 2 units in the last place. */
void emit_exponential(KernelBuilder *builder, int destination, int source);

/* Loads channels `first_lane..` of a vector: all lanes when that may not leave the buffer, else
 * only the ones there are. */
void emit_vector_load(KernelBuilder *builder, int destination, int parameter,
    const Expression *offset, int64_t channels_left, bool exact);

/* The placement itself when channels are consecutive in it, else a copy where they are: a planar
 * input cannot be loaded by channel vectors. */
const Placement *lowering_channels_last(
    Lowering *lowering, const Node *node, const Placement *placement);

/* Offset of a row in the run, ring or not; row is never negative. */
const Expression *row_offset(Arena *arena, const Run *run, const Expression *row);

/* Offset of the input row that kernel row `kernel_row` of output row `row` looks at. */
const Expression *window_row_offset(Arena *arena, const Window *window, const Run *run,
    const Expression *row, const Expression *kernel_row);

/* ---- lower_gather.c ---- */

/* Whether vectors of it are better put together from pieces than read run by run. */
bool placement_is_scattered(const Placement *placement);
/* Whether the node's lowering reads each vector of its operands once, and from pieces if need be:
 * element-wise ops, and windows that do not overlap. */
bool lowering_gathers(const Node *node);

/* Offset of channel 0 of the run at the pixel that is read, without the run's displacement. */
typedef const Expression *GatherBase(const void *context, const Run *run);
/* Channels first..first+count-1 of the placement in a new register of `width` lanes. Channels must
 * be consecutive in each run; `count` is at most the width, and that at most 64. */
int emit_gather(KernelBuilder *builder, const Placement *placement, const int *parameters,
    int64_t first, int count, int width, GatherBase *base, const void *context);
/* A kernel that copies a view of many pieces to a dense placement, for the reason given. */
void lower_gathering_copy(Lowering *lowering, const Node *node, const Placement *from,
    const Placement *to, const char *reason);

/* ---- ops that can compute one row of their output at a time, alone or in a chain ---- */

/* row_fetch.c: which rows of a kernel's input the tiles of one of its ops bring nearer. */
typedef struct RowFetch RowFetch;

typedef struct RowOp RowOp;
struct RowOp {
    Window window;
    int64_t images, height_in, height_out;
    ColumnRange columns; /* of a row, that emit_row computes: at first all */
    void (*emit_row)(const RowOp *op, const Expression *image, const Expression *row);
    /* NULL, or how an op that is alone in its kernel computes the items begin..end-1, rows of all
     * images, in a better order than row by row. */
    void (*emit_rows)(const RowOp *op, const Expression *begin, const Expression *end);
    const Placement *input; /* what it reads, and the parameters by run */
    const int *input_parameters;
    const RowFetch *fetch; /* NULL, or what its tiles fetch ahead */
};

/* Which row of which image an item, a row of all images, is. */
void item_row(Arena *arena, const RowOp *op, const Expression *item, const Expression **image,
    const Expression **row);

/* A ring of rows between two ops of one kernel. */
typedef struct Link {
    Placement *placement;
    int parameter;
} Link;

/* The parameters of a tensor: the ring's where there is one, else as call_placement. */
const int *call_link(KernelCall *call, ParameterRole role, const char *name, const Link *link,
    const Placement *placement);

/* Adds the op's parameters to the call. `from` and `to` are NULL where the op reads or writes its
 * node's own tensors. */
RowOp *convolution_row_op(
    Lowering *lowering, KernelCall *call, const Node *node, const Link *from, const Link *to);
RowOp *window_row_op(
    Lowering *lowering, KernelCall *call, const Node *node, const Link *from, const Link *to);
bool is_depthwise(const Node *node);
/* Whether all pixels of the images are one row of equal steps, in each run. */
bool pixels_are_dense(const Placement *placement);
/* A 1x1 convolution without stride or padding: the only one that needs no window. */
bool is_pointwise(const Node *node);

/* lower_chain.c */

/* Decides, before anything is lowered, which nodes are computed together row by row. */
void lowering_find_chains(Lowering *lowering);
/* The node that goes on with the node's result inside one kernel; NULL when none does. */
const Node *lowering_chain_next(const Lowering *lowering, const Node *node);
/* The node before it in the same kernel; NULL when there is none. */
const Node *lowering_chain_previous(const Lowering *lowering, const Node *node);
/* Lowers the chain that ends with the node; a chain may be the node alone. */
bool lower_chain(Lowering *lowering, const Node *last);

/* ---- one per family of ops ---- */

bool lower_convolution(Lowering *lowering, const Node *node); /* conv, linear */
/* lower_quantized.c, lower_quantized_window.c: quantize, quantized_conv, quantized_linear, and
 * max_pool of bytes */
bool lower_quantized(Lowering *lowering, const Node *node);
bool lower_elementwise(Lowering *lowering, const Node *node); /* activations, add, multiply */
bool lower_layout(Lowering *lowering,
    const Node *node); /* concat, split, shuffle, gather, route, flatten, crop */
bool lower_reduction(
    Lowering *lowering, const Node *node); /* global_avg_pool, softmax, local_response_norm */
/* For each channel of the result of a concat, split, shuffle, gather or route, which channel of the
 * joined operands it is. */
const int64_t *layout_channels(Arena *arena, const Node *node, int result);
/* A kernel that copies a tensor from one placement to another, whatever their strides. The reason
 * tells the user why that cannot be left out. */
void lower_copy(Lowering *lowering, const Node *node, const Placement *from, const Placement *to,
    const char *label, const char *reason);

#endif
