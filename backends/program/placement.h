/* Where tensors are. */
#ifndef RIFFLE_BACKENDS_PROGRAM_PLACEMENT_H
#define RIFFLE_BACKENDS_PROGRAM_PLACEMENT_H

#include "ir/arena.h"
#include "ir/kernel.h"

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
    /* Not 0 and not 1: what is stored is stored so many times in a row and in a column, between
     * one pixel and the next; what is read lies at the first. */
    int repeat_rows, repeat_columns;
    bool exact; /* the caller's buffer: a vector load must not read past the last channel */
} Run;

/* Where a tensor is: runs in the order of its channels. A split is a view with fewer channels, a
 * concat one with more runs; neither moves a byte. */
typedef struct Placement {
    Run *runs;
    int run_count;
    int64_t images, channels, height, width;
    LaneType element; /* F32, BF16, F16, or U8 for a quantised tensor */
    /* Not 0: a flattened tensor of so many pixels, whose numbers still lie pixel by pixel; only
     * linear reads it, which packs its weights in that order. */
    int64_t flattened_pixels;
} Placement;

/* Sets the displacements of the runs. */
void placement_share_parameters(Placement *placement);

/* Those of channels begin..end-1 of the tensor that lie in the run: `count` from `first` on. */
typedef struct RunPart {
    int64_t first, count; /* count 0: none */
} RunPart;

RunPart run_part(const Run *run, int64_t begin, int64_t end);

enum { MOST_SEGMENT_PLACEMENTS = 7 };

/* A channel range that lies in one run of each placement. */
typedef struct Segment {
    int64_t first_channel, channel_count;
    int runs[MOST_SEGMENT_PLACEMENTS]; /* per placement: index of its run */
} Segment;

/* Common refinement of up to MOST_SEGMENT_PLACEMENTS placements with equal channels; *segment_count
 * is set. */
Segment *channel_segments(
    Arena *arena, const Placement *const *placements, int count, int *segment_count);

/* Whether vectors of it are better put together from pieces than read run by run. */
bool placement_is_scattered(const Placement *placement);

/* Whether all pixels of the images are one row of equal steps, in each run. */
bool pixels_are_dense(const Placement *placement);

#endif
