/* What reduce and arg_max share: a kernel that goes through the numbers of the result, and where it
 * reads. */
#ifndef RIFFLE_BACKENDS_KERNELS_REDUCE_H
#define RIFFLE_BACKENDS_KERNELS_REDUCE_H

#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "ir/graph.h"
#include "ir/kernel.h"

/* Several vectors of channels are made at the same time, to hide the latency of an addition. */
enum { REDUCED_VECTORS = 8 };

typedef struct Reducer {
    Emission *emission;
    const Node *node;
    KernelCall call;
    KernelBuilder *builder;
    const Placement *input, *output;
    const int *inputs, *outputs; /* parameters by run */
    const Expression *at[4];     /* of the result: image, none, row, column */
} Reducer;

/* Channels of the result that are made at the same time: `vectors` of them, of those widths, from
 * `channel` of the segment on; `channels_left` lanes are channels. */
typedef struct ReducedBlock {
    const Segment *segment;
    const Expression *channel;
    int widths[REDUCED_VECTORS];
    int vectors;
    int64_t channels_left;
} ReducedBlock;

/* Opens the kernel and the loops over images, rows and columns of the result. */
void begin_reducer(Reducer *reducer, Emission *emission, const Node *node);
/* Closes them. */
void end_reducer(Reducer *reducer);

/* Calls `emit` for all channels of the result, where these are the operand's. */
typedef void EmitReduced(Reducer *reducer, const ReducedBlock *block);
void for_reduced_blocks(Reducer *reducer, EmitReduced *emit);

/* Vector v of the block, at that image, row and column of the operand. */
int load_reduced(
    const Reducer *reducer, const ReducedBlock *block, int v, const Expression *const at[4]);
/* Stores it, as the result. */
void store_reduced(const Reducer *reducer, const ReducedBlock *block, int v, int reg);

/* The widest vectors of channels that a run of the operand fills. */
int channel_lanes(const Reducer *reducer);
/* `count` channels from `channel` of the run on, at that image, row and column of the operand. */
int load_channels(const Reducer *reducer, int run, const Expression *channel, int count, int lanes,
    const Expression *const at[4]);
/* The lanes behind the first `count` become `rest`. */
int replace_rest(KernelBuilder *builder, int value, int count, float rest);
/* Halves onto each other, until one lane is left. */
int emit_folded(KernelBuilder *builder, InstructionKind combine, int reg);
/* Stores it where the result has one channel. */
void store_number(const Reducer *reducer, int reg);

#endif
