/* Channels that lie in one run of each of several placements, and loops over those that lie alike.
 */
#ifndef RIFFLE_BACKENDS_KERNELS_SEGMENTS_H
#define RIFFLE_BACKENDS_KERNELS_SEGMENTS_H

#include "backends/kernels/repeat.h"
#include "backends/program/placement.h"
#include "ir/arena.h"

/* Segments (placement.h) cut into whole vectors and what is left, those of equal shape beside each
 * other. The places of part i are the first channel of segment i, and where it begins in each of
 * the placements, in numbers. */
typedef struct ChannelSegments {
    Segment *segments;
    RepeatPart *parts;
    int count;
} ChannelSegments;

enum { PLACE_OF_CHANNEL, PLACE_IN_PLACEMENTS, MOST_SEGMENTED = MOST_PLACES - PLACE_IN_PLACEMENTS };

ChannelSegments find_segments(
    Arena *arena, const Placement *const *placements, int count, int lanes);

#endif
