/* sink-upsample: a 1x1 convolution of upsampled pixels becomes an upsampling of the convolution,
 * which has a fraction of the pixels to compute:
 *
 *     conv(upsample(x))                 upsample(conv(x))
 *     conv(concat(y, upsample(x)))      add(conv(y), upsample(conv(x))), each with its part of the
 *                                       weight
 *
 * The upsampling is then of values that a convolution writes, which can store each number several
 * times; and where x is a concat, it need not be put together in another place. fuse-residual makes
 * the sum part of the convolution of y. Sums are taken in another order.
 *
 * Legal when
 *     1. the convolution is dense, of one tap and stride 1, without padding, residual, or rounding
 *     2. the upsampling is a rearrange that keeps channels (index_map_keeps_channels) and repeats
 *        pixels
 *     3. and its result goes only to such convolutions, directly or through concats and routes
 *        that only they read
 *     4. and it has some of the channels that are read, not all (else the first form holds).
 * Done when
 *     5. the convolution has at most twice as many filters as x has channels: a sum is read and
 *        written for each filter. */
#include "ir/index_map.h"
#include "ir/weight_numbers.h"
#include "passes/rewrite.h"

enum { MOST_FILTERS_PER_CHANNEL = 2 };

/* ---- what can be done ---- */

static bool is_pointwise(const Node *node) { /* 1 */
    if (node->op != OP_conv || node->operand_count != 1 || node_integer(node, "groups") != 1 ||
        node_integer(node, "result") != 0 || node->weights[0]->type.element != ELEMENT_F32 ||
        node_formula_attribute(node, "residual_activation") != NULL)
        return false;
    const int64_t *kernel = node->weights[0]->type.dims + 2;
    const int64_t *stride = node_list(node, "stride").items;
    const int64_t *padding = node_list(node, "padding").items;
    return kernel[0] == 1 && kernel[1] == 1 && stride[0] == 1 && stride[1] == 1 &&
           (padding[0] | padding[1] | padding[2] | padding[3]) == 0;
}

static bool upsampling_map(const Node *node, IndexMap *map) { /* 2 */
    return node != NULL && node->op == OP_rearrange && node->operands[0]->type.rank == 4 &&
           index_map_of(node, map) && index_map_repeats(map) && index_map_keeps_channels(map);
}

static bool pays(const Node *conv, const Value *upsampled) { /* 5 */
    return conv->weights[0]->type.dims[0] <= MOST_FILTERS_PER_CHANNEL * upsampled->type.dims[1];
}

static bool reads_pointwise(const Node *reader, const void *context) {
    (void)context;
    return is_pointwise(reader);
}

/* Also where a concat or route lies between, whose result is read so alone. */
static bool joins_or_reads_pointwise(const Node *reader, const void *graph) {
    if (reader->op == OP_concat || reader->op == OP_route)
        return graph_is_read_only_by(graph, reader->results[0], reads_pointwise, NULL);
    return is_pointwise(reader);
}

static bool only_pointwise_read(const Graph *graph, const Value *value) { /* 3 */
    return graph_is_read_only_by(graph, value, joins_or_reads_pointwise, graph);
}

/* ---- doing it ---- */

/* The value, upsampled as the map says, whatever number of channels it has; NULL where no rearrange
 * can. */
static bool with_channels(IndexMap map, int64_t channels, Rearrangement *rearrangement) {
    bool found = false;
    for (int i = 0; i < map.digit_count; i++)
        if (map.digits[i].result_dimension == 1) {
            map.digits[i].size = channels;
            found = true;
        }
    if (!found && map.digit_count == MOST_DIGITS)
        return false;
    if (!found)
        map.digits[map.digit_count++] = (Digit){channels, 1, 1, 1, 1};
    map.source_dims[1] = map.result_dims[1] = channels;
    index_map_simplify(&map);
    return index_map_rearrangement(&map, rearrangement);
}

typedef struct PointwiseWeights {
    Weight *weight, *bias;
} PointwiseWeights;

static void prepare_pointwise(Graph *graph, Node *node, const void *context) {
    (void)graph;
    const PointwiseWeights *weights = context;
    node->weights[0] = weights->weight;
    node->weights[1] = weights->bias;
}

/* The columns of the weight that belong to the channels: columns[i] of it for the i-th. */
static Weight *take_columns(
    PassContext *context, const Weight *weight, const int64_t *columns, int64_t count) {
    const int64_t filters = weight->type.dims[0], all = weight->type.dims[1];
    const int64_t dims[] = {filters, count, 1, 1};
    Weight *taken =
        graph_add_computed_weight(context->graph, weight->path, tensor_type(4, dims), NULL);
    weight_allocate_moved(context->graph, taken, weight);
    for (int64_t o = 0; o < filters; o++)
        for (int64_t c = 0; c < count; c++)
            weight_move(taken, o * count + c, weight, o * all + columns[c], 1);
    weights_rest(taken, weight);
    return taken;
}

/* The channels that a concat or route takes of one operand, or of all others. */
typedef struct Taken {
    int64_t *columns;  /* which of the result's channels they are */
    int64_t *channels; /* which they are of that operand, or of the others joined */
    int64_t count;
} Taken;

static Taken take_channels(PassContext *context, const Node *joining, int index, bool others) {
    const Value *value = joining->results[0];
    int64_t all = value->type.dims[1];
    Taken taken = {ARENA_ARRAY(context->scratch, int64_t, all),
        ARENA_ARRAY(context->scratch, int64_t, all), 0};
    int64_t first[2] = {0, 0}; /* of the operand within the others: before and behind the index */
    for (int64_t c = 0; c < all; c++) {
        ChannelSource source = channel_source(value, c);
        if ((source.operand == index) == others)
            continue;
        first[0] = 0;
        for (int i = 0; others && i < source.operand; i++)
            first[0] += i == index ? 0 : joining->operands[i]->type.dims[1];
        taken.columns[taken.count] = c;
        taken.channels[taken.count++] = first[0] + source.channel;
    }
    return taken;
}

static void prepare_route(Graph *graph, Node *node, const void *context) {
    const Taken *taken = context;
    node_set_list(graph, node, "channels", taken->channels, (size_t)taken->count);
}

static void prepare_sum(Graph *graph, Node *node, const void *context) {
    (void)graph;
    node_set_formula(node, "activation", context);
}

static Value *insert_route(
    PassContext *context, Node *position, Value *const *operands, int count, const Taken *taken) {
    return insert_node(
        context->graph, position, OP_route, position->path, operands, count, prepare_route, taken)
        ->results[0];
}

/* conv(concat(y, upsample(x))), where the upsampling is the operand `index` of the concat. */
static void split_convolution(PassContext *context, Node *conv, int index, const IndexMap *map) {
    Graph *graph = context->graph;
    Node *joining = conv->operands[0]->producer;
    const Node *upsampling = joining->operands[index]->producer;
    Taken few = take_channels(context, joining, index, false);
    Taken rest = take_channels(context, joining, index, true);
    Rearrangement rearrangement;
    if (few.count == 0 || rest.count == 0 || /* 4 */
        !with_channels(*map, conv->weights[0]->type.dims[0], &rearrangement) ||
        !pass_may_rewrite(context, conv))
        return;
    Value **others = ARENA_ARRAY(context->scratch, Value *, joining->operand_count);
    int other_count = 0;
    for (int i = 0; i < joining->operand_count; i++)
        if (i != index)
            others[other_count++] = joining->operands[i];
    Value *x = insert_route(context, conv, upsampling->operands, 1, &few);
    Value *y = insert_route(context, conv, others, other_count, &rest);
    PointwiseWeights of_few = {
        take_columns(context, conv->weights[0], few.columns, few.count), NULL};
    PointwiseWeights of_rest = {
        take_columns(context, conv->weights[0], rest.columns, rest.count), conv->weights[1]};
    x = insert_node(graph, conv, OP_conv, conv->path, &x, 1, prepare_pointwise, &of_few)
            ->results[0];
    x = insert_node(
        graph, conv, OP_rearrange, upsampling->path, &x, 1, set_rearrangement, &rearrangement)
            ->results[0];
    y = insert_node(graph, conv, OP_conv, conv->path, &y, 1, prepare_pointwise, &of_rest)
            ->results[0];
    Value *sum = insert_node(graph, conv, OP_add, conv->path, (Value *[]){x, y}, 2, prepare_sum,
        node_formula_attribute(conv, "activation"))
                     ->results[0];
    replace_node(graph, conv, sum);
    if (graph_use_count(graph, joining->results[0]) == 0)
        graph_remove(graph, joining);
}

static void prepare_like(Graph *graph, Node *node, const void *context) {
    const Node *model = context;
    node_copy_attributes(graph, node, model);
    node->weights[0] = model->weights[0];
    node->weights[1] = model->weights[1];
}

static void swap_with_convolution(PassContext *context, Node *conv, const IndexMap *map) {
    Graph *graph = context->graph;
    const Node *upsampling = conv->operands[0]->producer;
    Rearrangement rearrangement;
    if (!with_channels(*map, conv->weights[0]->type.dims[0], &rearrangement) ||
        !pass_may_rewrite(context, conv))
        return;
    Value *x = upsampling->operands[0];
    x = insert_node(graph, conv, OP_conv, conv->path, &x, 1, prepare_like, conv)->results[0];
    x = insert_node(
        graph, conv, OP_rearrange, upsampling->path, &x, 1, set_rearrangement, &rearrangement)
            ->results[0];
    replace_node(graph, conv, x);
}

static bool is_worthwhile(PassContext *context, const Node *conv, const Value *upsampled) {
    const char *missing =
        !pays(conv, upsampled) /* 5 */
            ? "it has more than twice as many filters as there are channels before the upsampling"
            : !only_pointwise_read(context->graph, upsampled) /* 3 */
                  ? "not only pointwise convolutions read what is upsampled"
                  : NULL;
    if (missing != NULL)
        pass_missed(context, conv, missing);
    return missing == NULL;
}

static void try_operands(PassContext *context, Node *conv) {
    const Node *producer = conv->operands[0]->producer;
    IndexMap map;
    if (upsampling_map(producer, &map) && is_worthwhile(context, conv, producer->results[0])) {
        swap_with_convolution(context, conv, &map);
        return;
    }
    bool joins = producer != NULL && (producer->op == OP_concat || producer->op == OP_route);
    for (int i = 0; joins && i < producer->operand_count; i++) {
        const Value *operand = producer->operands[i];
        if (!upsampling_map(operand->producer, &map) || !is_worthwhile(context, conv, operand))
            continue;
        split_convolution(context, conv, i, &map);
        return;
    }
}

bool pass_sink_upsample(PassContext *context) {
    /* From the last on: what is left of a convolution stands in its place, and is looked at again.
     */
    for (Node *node = context->graph->last; node;) {
        const Node *behind = node->next;
        if (is_pointwise(node))
            try_operands(context, node);
        Node *here = behind ? behind->previous : context->graph->last;
        node = here == node ? node->previous : here;
    }
    return true;
}
