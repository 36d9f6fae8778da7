/* Code that kernels of several ops share: rows of windows, vectors, parts of sums. */
#ifndef RIFFLE_BACKENDS_KERNELS_EMIT_H
#define RIFFLE_BACKENDS_KERNELS_EMIT_H

#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "ir/arena.h"
#include "ir/kernel.h"

/* The rows of the window that lie inside the input, for output row y. */
void window_rows(Arena *arena, const Window *window, int64_t height_in, int64_t height_out,
    const Expression *y, const Expression **begin, const Expression **end);

/* Loads channels `first_lane..` of a vector: all lanes when that may not leave the buffer, else
 * only the ones there are. */
void emit_vector_load(KernelBuilder *builder, int destination, int parameter,
    const Expression *offset, int64_t channels_left, bool exact);

/* The register's numbers as those of another type, in a register of their own unless it is of that
 * type already: bytes, f16 and bf16 become f32; f32 becomes one of these, rounded. */
int emit_as(KernelBuilder *builder, int reg, LaneType type);

/* Stores `lane_count` lanes from `first_lane` on of a pixel in the run, as often as the run repeats
 * it. */
void store_repeated(KernelBuilder *builder, int source, int parameter, const Run *run,
    const Expression *offset, int first_lane, int lane_count);

/* Offset of a row in the run, ring or not; row is never negative. */
const Expression *row_offset(Arena *arena, const Run *run, const Expression *row);

/* Offset of the input row that kernel row `kernel_row` of output row `row` looks at. */
const Expression *window_row_offset(Arena *arena, const Window *window, const Run *run,
    const Expression *row, const Expression *kernel_row);

/* Two to four vectors of integers as one of bytes, of so many numbers or a few lanes more: of n
 * vectors byte 4ns + 4v + e is lane 4s + e of vector v. */
int emit_packed_bytes(KernelBuilder *builder, const int *vectors, int count, int lanes);

#endif
