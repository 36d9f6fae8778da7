/* Buffers, and the placements of whole tensors in them. */
#ifndef RIFFLE_BACKENDS_PROGRAM_BUFFERS_H
#define RIFFLE_BACKENDS_PROGRAM_BUFFERS_H

#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/program/program.h"
#include "backends/target/target.h"
#include "ir/graph.h"

/* What numbers of a tensor are in kernels. */
LaneType element_lane_type(ElementType element);

Placement *value_placement(Emission *emission, const Value *value);

/* A dense channels-last workspace buffer that belongs to no value. */
Placement *temporary_placement(Emission *emission, const Placement *like, const char *name);

/* From one pixel of a workspace tensor to the next, in elements. Pixels whose distance is a large
 * power of two share sets of the first-level cache, which keeps fewer of them than a tile reads:
 * they are moved apart by a line. Where a multiply-add takes one lane of a register, pixels are
 * whole vectors apart, so that loads of neighbouring pixels differ by a constant that fits an
 * instruction. */
int64_t pixel_distance(const Target *target, LaneType element, int64_t channels);

/* A new channels-last workspace buffer of the value's shape. */
Placement *own_placement(Emission *emission, const Value *value);

/* The same for a tensor that lies in several buffers: channels ends[i - 1] (or 0) to ends[i] - 1 in
 * the i-th. */
Placement *own_placement_in_parts(
    Emission *emission, const Value *value, const int64_t *ends, int count);

/* What a buffer of the value is called: its name, the path of its layer, or its number. */
const char *buffer_name(const Emission *emission, const Value *value);
/* Adds a buffer to the program; returns its number. Names stand in descriptions and pictures. */
int add_buffer(Emission *emission, BufferKind kind, int index, int64_t bytes, const char *name);
/* For the buffer of an input of bytes, whose rows the caller may have put apart: the one that says
 * how far. */
void add_row_bytes(Emission *emission, int input, const TensorType *type);
int row_bytes_buffer(const Program *program, int input);
/* All of a tensor in the buffer, in this layout; `exact` as in Run. Makes no buffer. */
Placement *dense_placement(
    Arena *arena, const TensorType *type, int buffer, Layout layout, bool exact);

#endif
