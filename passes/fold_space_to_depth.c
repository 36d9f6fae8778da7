/* fold-space-to-depth: a convolution of the pixels of each s by s square, as so many times more
 * channels, becomes one of the tensor that they were taken from, with s times its stride and a
 * kernel of s times its size. Detectors begin so: YOLOv5's Focus takes every other row and column
 * four times, others a space-to-depth.
 *
 * Legal when
 *     1. the convolution is dense and without dilation
 *     2. the channels that it reads are, through any number of slices and rearranges, and one op
 *        of them, those of one tensor, every s-th row and column from one of the first s on
 *     3. each of those is there once, so that the products are as many as before.
 * Numbers are the same, up to the order in which they are added: tap i of channel (c, a) becomes
 * tap s·i + a of channel c. */
#include "ir/index_map.h"
#include "ir/weight_numbers.h"
#include "passes/rewrite.h"

#include <string.h>

enum { MOST_STEP = 8 };

/* Where a channel of what the convolution reads comes from. */
typedef struct SourceSquare {
    int64_t channel, row, column;
} SourceSquare;

typedef struct Squares {
    Value *source;
    int64_t step;
    SourceSquare *places; /* of each channel that is read */
} Squares;

/* The map from what slices and rearranges began with to the value. */
static bool trace(Value *value, IndexMap *map, Value **source) {
    enum { MOST_MOVES = 8 };
    const Node *moves[MOST_MOVES];
    int count = 0;
    while (value->producer != NULL &&
           (value->producer->op == OP_slice || value->producer->op == OP_rearrange)) {
        if (count == MOST_MOVES)
            return false;
        moves[count++] = value->producer;
        value = value->producer->operands[0];
    }
    *source = value;
    *map = index_map_identity(&value->type);
    while (count > 0)
        if (!index_map_apply(map, moves[--count], 0))
            return false;
    index_map_simplify(map);
    return !map->empty && map->source_rank == 4 && map->result_rank == 4;
}

/* The distance of rows (2) or columns (3) in the source; 0 where they are no such. */
static int64_t step_along(const IndexMap *map, int dimension) {
    int64_t step = 0;
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        if (digit->result_dimension != dimension)
            continue;
        if (step != 0 || digit->source_dimension != dimension || digit->result_weight != 1 ||
            digit->size != map->result_dims[dimension])
            return 0;
        step = digit->source_weight;
    }
    return step;
}

static bool keeps_images(const IndexMap *map) {
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        if ((digit->result_dimension == 0 || digit->source_dimension == 0) &&
            (digit->result_dimension != digit->source_dimension ||
                digit->result_weight != digit->source_weight))
            return false;
    }
    return map->source_dims[0] == map->result_dims[0] && map->source_base[0] == 0;
}

/* Notes where the channel of the map's result comes from; false where that is none of the first
 * rows and columns. */
static bool find_place(const IndexMap *map, int64_t channel, int64_t step, SourceSquare *place) {
    int64_t index[4];
    memcpy(index, map->source_base, sizeof index);
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        if (digit->result_dimension == 1 && digit->source_dimension != NO_DIMENSION)
            index[digit->source_dimension] +=
                channel / digit->result_weight % digit->size * digit->source_weight;
    }
    *place = (SourceSquare){index[1], index[2], index[3]};
    return index[2] < step && index[3] < step;
}

static bool is_map_of_squares(const IndexMap *map, Squares *squares) {
    static const int64_t zeros[MAX_RANK] = {0};
    int64_t step = step_along(map, 2);
    if (step < 2 || step > MOST_STEP || step_along(map, 3) != step || !keeps_images(map) ||
        index_map_repeats(map) || memcmp(map->result_base, zeros, sizeof zeros) != 0 ||
        map->source_dims[2] != step * map->result_dims[2] ||
        map->source_dims[3] != step * map->result_dims[3])
        return false;
    if (squares->step == 0)
        squares->step = step;
    return squares->step == step;
}

/* Finds where channels first.. come from: those of the value, or those that the route takes of it.
 */
static bool find_places(Squares *squares, Value *value, const Value *routed, int operand) {
    IndexMap map;
    Value *source;
    if (!trace(value, &map, &source) || (squares->source != NULL && squares->source != source) ||
        !is_map_of_squares(&map, squares))
        return false;
    squares->source = source;
    for (int64_t c = 0; c < routed->type.dims[1]; c++) {
        ChannelSource from = {operand, c};
        if (routed != value)
            from = channel_source(routed, c);
        if (from.operand == operand &&
            !find_place(&map, from.channel, squares->step, &squares->places[c]))
            return false;
    }
    return true;
}

/* 3 */
static bool each_is_there_once(PassContext *context, const Squares *squares, int64_t channels) {
    int64_t step = squares->step, all = squares->source->type.dims[1] * step * step;
    if (channels != all)
        return false;
    bool *found = ARENA_ARRAY(context->scratch, bool, all);
    for (int64_t c = 0; c < channels; c++) {
        const SourceSquare *place = &squares->places[c];
        bool *here = &found[(place->channel * step + place->row) * step + place->column];
        if (*here)
            return false;
        *here = true;
    }
    return true;
}

static bool find_squares(PassContext *context, const Node *conv, Squares *squares) {
    Value *read = conv->operands[0];
    if (read->producer == NULL)
        return false;
    *squares = (Squares){.places = ARENA_ARRAY(context->scratch, SourceSquare, read->type.dims[1])};
    const Node *route = read->producer;
    if (!op_moves_channels(route->op)) {
        if (!find_places(squares, read, read, 0))
            return false;
    } else {
        for (int i = 0; i < route->operand_count; i++)
            if (!find_places(squares, route->operands[i], read, i))
                return false;
    }
    return each_is_there_once(context, squares, read->type.dims[1]);
}

/* ---- the convolution ---- */

static const char *const lists[] = {"stride", "padding"};

/* What infer refuses must not be made. */
static bool within_limits(const Node *conv, int64_t step) {
    for (int k = 0; k < 2; k++) {
        IntegerList list = node_list(conv, lists[k]);
        for (size_t i = 0; i < list.count; i++)
            if (list.items[i] > (1 << 20) / step)
                return false;
    }
    return true;
}

/* What is missing where a convolution reads squares of pixels; NULL: nothing. */
static const char *obstacle(const Node *conv, int64_t step) {
    const int64_t *dilation = node_list(conv, "dilation").items;
    return node_integer(conv, "groups") != 1      ? "the convolution has groups" /* 1 */
           : dilation[0] != 1 || dilation[1] != 1 ? "the convolution is dilated"
           : !within_limits(conv, step) ? "stride or padding would be larger than riffle allows"
                                        : NULL;
}

static Weight *larger_weight(PassContext *context, const Weight *weight, const Squares *squares) {
    const int64_t *d = weight->type.dims;
    int64_t step = squares->step, channels = squares->source->type.dims[1];
    int64_t dims[] = {d[0], channels, d[2] * step, d[3] * step};
    Weight *made =
        graph_add_computed_weight(context->graph, weight->path, tensor_type(4, dims), NULL);
    int64_t from = 0;
    weight_allocate_moved(context->graph, made, weight);
    for (int64_t o = 0; o < d[0]; o++)
        for (int64_t c = 0; c < d[1]; c++) {
            const SourceSquare *place = &squares->places[c];
            for (int64_t i = 0; i < d[2]; i++)
                for (int64_t j = 0; j < d[3]; j++)
                    weight_move(made,
                        ((o * channels + place->channel) * dims[2] + i * step + place->row) *
                                dims[3] +
                            j * step + place->column,
                        weight, from++, 1);
        }
    weights_rest(made, weight);
    return made;
}

static void enlarge(PassContext *context, Node *conv, const Squares *squares) {
    const Value *read = conv->operands[0];
    for (int k = 0; k < 2; k++) {
        IntegerList list = node_list(conv, lists[k]);
        int64_t *items = ARENA_ARRAY(context->scratch, int64_t, list.count);
        for (size_t i = 0; i < list.count; i++)
            items[i] = list.items[i] * squares->step;
        node_set_list(context->graph, conv, lists[k], items, list.count);
    }
    conv->weights[0] = larger_weight(context, conv->weights[0], squares);
    conv->operands[0] = squares->source;
    remove_unused(context->graph, read);
    for (int i = 0; i < read->producer->operand_count; i++)
        remove_unused(context->graph, read->producer->operands[i]);
}

bool pass_fold_space_to_depth(PassContext *context) {
    for (Node *node = context->graph->first, *next; node; node = next) {
        Squares squares;
        next = node->next;
        if (node->op != OP_conv || !find_squares(context, node, &squares))
            continue;
        const char *missing = obstacle(node, squares.step);
        if (missing != NULL)
            pass_missed(context, node, missing);
        else if (pass_may_rewrite(context, node))
            enlarge(context, node, &squares);
    }
    return true;
}
