/* Channels that lie in one run of each of several placements. */
#include "backends/kernels/segments.h"
#include "backends/kernels/repeat.h"
#include "backends/program/placement.h"
#include "ir/arena.h"
#include <assert.h>
#include <stdlib.h>

typedef struct Piece {
    Segment segment;
    const Run *runs[MOST_SEGMENTED];
    int run_count;
} Piece;

static int compare_numbers(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

/* By all but the channels and where the run begins. */
static int compare_runs(const Run *a, const Run *b) {
    const int64_t of_a[] = {a->buffer, a->channel_stride, a->pixel_stride, a->row_stride,
        a->image_stride, a->ring_rows, a->exact};
    const int64_t of_b[] = {b->buffer, b->channel_stride, b->pixel_stride, b->row_stride,
        b->image_stride, b->ring_rows, b->exact};
    int order = 0;
    for (size_t i = 0; order == 0 && i < sizeof of_a / sizeof *of_a; i++)
        order = compare_numbers(of_a[i], of_b[i]);
    return order;
}

/* Longer pieces come first. */
static int compare_shapes(const Piece *a, const Piece *b) {
    int order = compare_numbers(b->segment.channel_count, a->segment.channel_count);
    for (int i = 0; order == 0 && i < a->run_count; i++)
        order = compare_runs(a->runs[i], b->runs[i]);
    return order;
}

static int compare_pieces(const void *a, const void *b) {
    const Piece *first = a, *second = b;
    int order = compare_shapes(first, second);
    return order ? order
                 : compare_numbers(first->segment.first_channel, second->segment.first_channel);
}

static Piece *add_piece(Piece *piece, const Segment *segment, int64_t first, int64_t end) {
    if (first == end)
        return piece;
    piece->segment = *segment;
    piece->segment.first_channel += first;
    piece->segment.channel_count = end - first;
    return piece + 1;
}

static void set_places(const Piece *piece, RepeatPart *part) {
    int64_t first = piece->segment.first_channel;
    part->places[PLACE_OF_CHANNEL] = first;
    for (int i = 0; i < piece->run_count; i++) {
        const Run *run = piece->runs[i];
        part->places[PLACE_IN_PLACEMENTS + i] =
            run->displacement + (first - run->first_channel) * run->channel_stride;
    }
}

ChannelSegments find_segments(
    Arena *arena, const Placement *const *placements, int count, int lanes) {
    int segment_count;
    const Segment *segments = channel_segments(arena, placements, count, &segment_count);
    Piece *pieces = ARENA_ARRAY(arena, Piece, 2 * segment_count), *end = pieces;
    assert(count <= MOST_SEGMENTED);
    for (int i = 0; i < segment_count; i++) {
        int64_t all = segments[i].channel_count, whole = all / lanes * lanes;
        end = add_piece(end, &segments[i], 0, whole);
        end = add_piece(end, &segments[i], whole, all);
    }
    ChannelSegments result = {.count = (int)(end - pieces)};
    for (Piece *piece = pieces; piece < end; piece++) {
        piece->run_count = count;
        for (int i = 0; i < count; i++)
            piece->runs[i] = &placements[i]->runs[piece->segment.runs[i]];
    }
    qsort(pieces, (size_t)result.count, sizeof *pieces, compare_pieces);
    result.segments = ARENA_ARRAY(arena, Segment, result.count);
    result.parts = ARENA_ARRAY(arena, RepeatPart, result.count);
    for (int i = 0; i < result.count; i++) {
        bool like_last = i > 0 && compare_shapes(&pieces[i - 1], &pieces[i]) == 0;
        result.segments[i] = pieces[i].segment;
        result.parts[i].kind = like_last ? result.parts[i - 1].kind : i;
        set_places(&pieces[i], &result.parts[i]);
    }
    return result;
}
