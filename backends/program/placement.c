/* Where tensors are: runs of channels. */
#include "backends/program/placement.h"
#include "ir/arena.h"
#include <assert.h>

Segment *channel_segments(
    Arena *arena, const Placement *const *placements, int count, int *segment_count) {
    int most = 0;
    for (int i = 0; i < count; i++)
        most += placements[i]->run_count;
    Segment *segments = ARENA_ARRAY(arena, Segment, most);
    *segment_count = 0;
    int runs[MOST_SEGMENT_PLACEMENTS] = {0};
    assert(count <= MOST_SEGMENT_PLACEMENTS);
    for (int64_t channel = 0; channel < placements[0]->channels;) {
        int64_t end = placements[0]->channels;
        for (int i = 0; i < count; i++) {
            const Run *run = &placements[i]->runs[runs[i]];
            while (channel >= run->first_channel + run->channel_count)
                run = &placements[i]->runs[++runs[i]];
            int64_t run_end = run->first_channel + run->channel_count;
            end = run_end < end ? run_end : end;
        }
        assert(*segment_count < most);
        Segment *segment = &segments[(*segment_count)++];
        segment->first_channel = channel;
        segment->channel_count = end - channel;
        for (int i = 0; i < count; i++)
            segment->runs[i] = runs[i];
        channel = end;
    }
    return segments;
}

RunPart run_part(const Run *run, int64_t begin, int64_t end) {
    int64_t first = run->first_channel > begin ? run->first_channel : begin;
    int64_t last = run->first_channel + run->channel_count;
    last = last < end ? last : end;
    return (RunPart){first, first < last ? last - first : 0};
}

void placement_share_parameters(Placement *placement) {
    for (int i = 0; i < placement->run_count; i++) {
        int first = 0;
        while (placement->runs[first].buffer != placement->runs[i].buffer)
            first++;
        placement->runs[i].displacement = placement->runs[i].offset - placement->runs[first].offset;
    }
}

/* Vectors are read from a view as it is when it has few and long runs. Else they are put together
 * from pieces, which only an op that reads each vector once can do for less than a copy. */
enum { FEW_RUNS = 8, LEAST_OF_FEW = 8, LEAST_OF_MANY = 16 }; /* channels of a run, on average */

bool placement_is_scattered(const Placement *placement) {
    int64_t mean = placement->channels / placement->run_count;
    return placement->run_count > 1 &&
           mean < (placement->run_count > FEW_RUNS ? LEAST_OF_MANY : LEAST_OF_FEW);
}

bool pixels_are_dense(const Placement *placement) {
    for (int i = 0; i < placement->run_count; i++) {
        const Run *run = &placement->runs[i];
        bool rows =
            placement->height == 1 || run->row_stride == placement->width * run->pixel_stride;
        bool images = placement->images == 1 ||
                      run->image_stride == placement->height * placement->width * run->pixel_stride;
        if (!rows || !images)
            return false;
    }
    return true;
}
