#include "backends/program/arranged.h"
#include "backends/program/placement.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/index_map.h"
#include <assert.h>
#include <string.h>

/* Runs shorter than this are not worth a store of their own, if there are several. */
enum { LEAST_STORED_CHANNELS = 2, MOST_STORED_RUNS = 64 };

/* ---- where an index of a tensor lies ---- */

/* One of the two tensors. Of [n,c,h,w] and [n,c], the channels lie by runs; any other is dense. */
typedef struct Side {
    const Placement *placement;
    bool has_channels;
    int64_t strides[MAX_RANK]; /* without channels */
} Side;

static Side side_of(const Placement *placement, int rank, const int64_t *dims) {
    Side side = {.placement = placement, .has_channels = rank_has_channels(rank)};
    int64_t stride = 1;
    for (int i = rank; i-- > 0; stride *= dims[i])
        side.strides[i] = stride;
    return side;
}

static const Run *run_at(const Side *side, const int64_t *index) {
    const Run *run = side->placement->runs;
    while (side->has_channels && index[1] >= run->first_channel + run->channel_count)
        run++;
    return run;
}

static int64_t stride_along(const Side *side, const Run *run, int dimension) {
    if (!side->has_channels)
        return side->strides[dimension];
    const int64_t strides[] = {
        run->image_stride, run->channel_stride, run->row_stride, run->pixel_stride};
    return strides[dimension];
}

static int64_t offset_at(const Side *side, const Run *run, const int64_t *index, int rank) {
    int64_t offset = run->offset;
    for (int i = 0; i < rank; i++) {
        int64_t from = side->has_channels && i == 1 ? run->first_channel : 0;
        offset += (index[i] - from) * stride_along(side, run, i);
    }
    return offset;
}

/* ---- a place to store ---- */

/* What one dimension of the source but the channels is in the result. */
typedef struct Axis {
    const Digit *digit; /* NULL: there is one index */
    bool whole;
} Axis;

static Axis axis_of(const IndexMap *map, const TensorType *type, int dimension) {
    if (dimension >= type->rank)
        return (Axis){NULL, true};
    bool many;
    const Digit *digit = index_map_source_digit(map, dimension, &many);
    int64_t size = digit ? digit->size : 1;
    return (Axis){digit, !many && size == type->dims[dimension] &&
                             map->source_base[dimension] == 0 &&
                             (!digit || digit->source_weight == 1)};
}

/* Where the channels of the source begin in the result: `index` is where the channel is. */
static void channel_index(const IndexMap *map, int64_t channel, int64_t index[MAX_RANK]) {
    memcpy(index, map->result_base, sizeof map->result_base);
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        if (digit->source_dimension == 1)
            index[digit->result_dimension] +=
                channel / digit->source_weight % digit->size * digit->result_weight;
    }
}

/* Whether all channels are taken; and no other digit leads to channels that lie in several runs. */
static bool channels_fit(const IndexMap *map, const Side *side, int64_t channels) {
    int64_t taken = 1;
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        if (digit->source_dimension == 1)
            taken *= digit->size;
        else if (side->has_channels && digit->result_dimension == 1 &&
                 side->placement->run_count > 1)
            return false;
    }
    return taken == channels && map->source_base[1] == 0;
}

/* Sets strides of the run, which has its offset, from the digits of rows and columns. */
static bool set_strides(
    const IndexMap *map, const Side *side, const Run *home, const Axis axes[4], Run *run) {
    int64_t *strides[4] = {&run->image_stride, NULL, &run->row_stride, &run->pixel_stride};
    for (int d = 0; d < 4; d++)
        if (d != 1 && axes[d].digit)
            *strides[d] = axes[d].digit->result_weight *
                          stride_along(side, home, axes[d].digit->result_dimension);
    run->repeat_rows = run->repeat_columns = 1;
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        if (digit->source_dimension != NO_DIMENSION)
            continue;
        int64_t distance = digit->result_weight * stride_along(side, home, digit->result_dimension);
        int64_t reach = distance * digit->size;
        if (run->repeat_columns == 1 && (!axes[3].digit || run->pixel_stride == reach)) {
            run->repeat_columns = (int)digit->size;
            run->pixel_stride = reach;
        } else if (run->repeat_rows == 1 && (!axes[2].digit || run->row_stride == reach)) {
            run->repeat_rows = (int)digit->size;
            run->row_stride = reach;
        } else {
            return false;
        }
    }
    return true;
}

/* Steps that are never taken, in a plane of one column or row, become those that go on to the next
 * row or image: then pixels that lie at equal distances have one stride. */
static void set_idle_strides(const Placement *placement, Run *run) {
    if (run->repeat_rows > 1 || run->repeat_columns > 1)
        return;
    if (placement->height == 1 && placement->width == 1)
        run->row_stride = run->pixel_stride = run->image_stride;
    else if (placement->width == 1)
        run->pixel_stride = run->row_stride;
    else if (placement->height == 1)
        run->row_stride = run->pixel_stride * placement->width;
}

Placement *arranged_placement(
    Arena *arena, const Placement *result, const Value *source, const IndexMap *map) {
    const TensorType *type = &source->type;
    Side side = side_of(result, map->result_rank, map->result_dims);
    if (!rank_has_channels(type->rank) || !channels_fit(map, &side, type->dims[1]))
        return NULL;
    Axis axes[4] = {{NULL, true}, {NULL, true}, {NULL, true}, {NULL, true}};
    for (int d = 0; d < 4; d++) {
        if (d != 1)
            axes[d] = axis_of(map, type, d);
        if (!axes[d].whole)
            return NULL;
    }
    Placement *placement = ARENA_NEW(arena, Placement);
    *placement = (Placement){.images = type->dims[0],
        .channels = type->dims[1],
        .height = type->rank == 4 ? type->dims[2] : 1,
        .width = type->rank == 4 ? type->dims[3] : 1,
        .element = result->element};
    placement->runs = ARENA_ARRAY(arena, Run, type->dims[1]);
    const Run *home = NULL, *before = NULL;
    for (int64_t channel = 0; channel < placement->channels; channel++) {
        int64_t index[MAX_RANK];
        channel_index(map, channel, index);
        home = run_at(&side, index);
        int64_t offset = offset_at(&side, home, index, map->result_rank);
        Run *run = &placement->runs[placement->run_count];
        if (before == home && run[-1].offset + run[-1].channel_count == offset) {
            run[-1].channel_count++;
            continue;
        }
        before = home;
        placement->run_count++;
        *run = *home;
        run->offset = offset;
        run->first_channel = channel;
        run->channel_count = 1;
        run->channel_stride = 1;
        if (!set_strides(map, &side, home, axes, run))
            return NULL;
        set_idle_strides(placement, run);
    }
    int64_t mean = placement->channels / placement->run_count;
    if (placement->run_count > 1 &&
        (mean < LEAST_STORED_CHANNELS || placement->run_count > MOST_STORED_RUNS))
        return NULL;
    placement_share_parameters(placement);
    return placement;
}

/* ---- pieces ---- */

enum { LOOPS = 3 };

/* How the digits are gone through: some are channels, cut into runs; up to three are loops; each
 * combination of the others is a piece. */
typedef struct PieceWalk {
    const IndexMap *map;
    Side from, to;
    const Digit *channels[MOST_DIGITS], *loops[LOOPS], *others[MOST_DIGITS];
    int channel_digits, loop_count, other_count;
    int64_t channel_count, piece_count;
} PieceWalk;

/* The strides of a digit where tensors are regular. */
static int64_t from_stride(const PieceWalk *walk, const Run *run, const Digit *digit) {
    if (digit->source_dimension == NO_DIMENSION)
        return 0;
    return digit->source_weight * stride_along(&walk->from, run, digit->source_dimension);
}

static int64_t to_stride(const PieceWalk *walk, const Run *run, const Digit *digit) {
    return digit->result_weight * stride_along(&walk->to, run, digit->result_dimension);
}

/* Digits that lead to channels in several runs have to be channels; else the one that is
 * consecutive on both sides, or on one, is. */
static void choose_channels(PieceWalk *walk, bool taken[MOST_DIGITS]) {
    const IndexMap *map = walk->map;
    const Placement *from = walk->from.placement, *to = walk->to.placement;
    int best = -1, best_score = -1;
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        bool scattered =
            (walk->from.has_channels && digit->source_dimension == 1 && from->run_count > 1) ||
            (walk->to.has_channels && digit->result_dimension == 1 && to->run_count > 1);
        if (scattered) {
            walk->channels[walk->channel_digits++] = digit;
            taken[i] = true;
            continue;
        }
        int score = 2 * (from_stride(walk, from->runs, digit) == 1) +
                    2 * (to_stride(walk, to->runs, digit) == 1) + (digit->source_dimension == 1);
        if (score > best_score) {
            best_score = score;
            best = i;
        }
    }
    if (walk->channel_digits == 0 && best >= 0) {
        walk->channels[walk->channel_digits++] = &map->digits[best];
        taken[best] = true;
    }
    walk->channel_count = 1;
    for (int i = 0; i < walk->channel_digits; i++)
        walk->channel_count *= walk->channels[i]->size;
}

/* The largest of the rest are loops, the slowest of the result first. */
static void choose_loops(PieceWalk *walk, bool taken[MOST_DIGITS]) {
    const IndexMap *map = walk->map;
    bool loops[MOST_DIGITS] = {false};
    for (int k = 0; k < LOOPS; k++) {
        int largest = -1;
        for (int i = 0; i < map->digit_count; i++)
            if (!taken[i] && (largest < 0 || map->digits[i].size > map->digits[largest].size))
                largest = i;
        if (largest >= 0)
            taken[largest] = loops[largest] = true;
    }
    walk->piece_count = 1;
    for (int i = 0; i < map->digit_count; i++) {
        if (loops[i])
            walk->loops[walk->loop_count++] = &map->digits[i];
        if (taken[i])
            continue;
        walk->others[walk->other_count++] = &map->digits[i];
        if (walk->piece_count <= MOST_ARRANGED_PIECES)
            walk->piece_count *= map->digits[i].size;
    }
}

/* Adds to both indices what the number-th combination of the digits does. */
static void add_combination(const Digit *const *digits, int count, int64_t number,
    int64_t from[MAX_RANK], int64_t to[MAX_RANK]) {
    for (int i = count; i-- > 0; number /= digits[i]->size) {
        int64_t value = number % digits[i]->size;
        if (digits[i]->source_dimension != NO_DIMENSION)
            from[digits[i]->source_dimension] += value * digits[i]->source_weight;
        to[digits[i]->result_dimension] += value * digits[i]->result_weight;
    }
}

/* A run of one channel at the offset, whose rows and columns are the loops. */
static Run single_run(const PieceWalk *walk, const Run *home, int64_t offset, int64_t channel,
    int64_t (*stride)(const PieceWalk *, const Run *, const Digit *)) {
    Run run = *home;
    int64_t *strides[LOOPS] = {&run.image_stride, &run.row_stride, &run.pixel_stride};
    run.offset = offset;
    run.first_channel = channel;
    run.channel_count = 1;
    run.channel_stride = 1;
    run.repeat_rows = run.repeat_columns = 1;
    for (int i = 0; i < LOOPS; i++)
        *strides[i] = 0;
    for (int i = 0; i < walk->loop_count; i++)
        *strides[LOOPS - walk->loop_count + i] = stride(walk, home, walk->loops[i]);
    return run;
}

/* Whether the run can be longer by the one channel behind it. */
static bool extends(const Run *run, const Run *next) {
    int64_t step = next->offset - run->offset;
    return run->buffer == next->buffer && run->pixel_stride == next->pixel_stride &&
           run->row_stride == next->row_stride && run->image_stride == next->image_stride &&
           (run->channel_count == 1 || step == run->channel_count * run->channel_stride);
}

static void extend(Run *run, const Run *next) {
    if (run->channel_count == 1)
        run->channel_stride = next->offset - run->offset;
    run->channel_count++;
}

static Placement empty_placement(Arena *arena, const PieceWalk *walk, LaneType element) {
    int64_t sizes[LOOPS] = {1, 1, 1};
    for (int i = 0; i < walk->loop_count; i++)
        sizes[LOOPS - walk->loop_count + i] = walk->loops[i]->size;
    return (Placement){.images = sizes[0],
        .height = sizes[1],
        .width = sizes[2],
        .channels = walk->channel_count,
        .element = element,
        .runs = ARENA_ARRAY(arena, Run, walk->channel_count)};
}

static ArrangedPiece make_piece(Arena *arena, const PieceWalk *walk, int64_t number) {
    const IndexMap *map = walk->map;
    ArrangedPiece piece = {empty_placement(arena, walk, walk->from.placement->element),
        empty_placement(arena, walk, walk->to.placement->element)};
    for (int64_t channel = 0; channel < walk->channel_count; channel++) {
        int64_t from[MAX_RANK], to[MAX_RANK];
        memcpy(from, map->source_base, sizeof from);
        memcpy(to, map->result_base, sizeof to);
        add_combination(walk->others, walk->other_count, number, from, to);
        add_combination(walk->channels, walk->channel_digits, channel, from, to);
        const Run *from_home = run_at(&walk->from, from), *to_home = run_at(&walk->to, to);
        Run read = single_run(walk, from_home,
            offset_at(&walk->from, from_home, from, map->source_rank), channel, from_stride);
        Run written = single_run(
            walk, to_home, offset_at(&walk->to, to_home, to, map->result_rank), channel, to_stride);
        int last = piece.from.run_count - 1;
        if (last >= 0 && extends(&piece.from.runs[last], &read) &&
            extends(&piece.to.runs[last], &written)) {
            extend(&piece.from.runs[last], &read);
            extend(&piece.to.runs[last], &written);
            continue;
        }
        piece.from.runs[piece.from.run_count++] = read;
        piece.to.runs[piece.to.run_count++] = written;
    }
    placement_share_parameters(&piece.from);
    placement_share_parameters(&piece.to);
    return piece;
}

int arranged_pieces(Arena *arena, const IndexMap *map, const Placement *source,
    const Placement *result, ArrangedPiece **pieces) {
    PieceWalk walk = {.map = map, .to = side_of(result, map->result_rank, map->result_dims)};
    bool taken[MOST_DIGITS] = {false};
    walk.from = side_of(source, map->source_rank, map->source_dims);
    choose_channels(&walk, taken);
    choose_loops(&walk, taken);
    if (walk.piece_count > MOST_ARRANGED_PIECES)
        return -1;
    *pieces = ARENA_ARRAY(arena, ArrangedPiece, walk.piece_count);
    for (int64_t i = 0; i < walk.piece_count; i++)
        (*pieces)[i] = make_piece(arena, &walk, i);
    return (int)walk.piece_count;
}
