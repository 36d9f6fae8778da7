/* quantize: convolutions and fully connected layers compute with bytes, and so do layout ops and
 * max pooling between them.
 *
 * Reads the ranges that calibration has put behind values as `range` ops, and removes those; and
 * the scales of a model that was quantised elsewhere, which fake_quantize gives. Such a model's
 * layers compute with bytes where they come to the same integers as there, and with floats, which
 * fake_quantize rounds, where they do not: where channels have several scales, or weights are no
 * whole numbers in the range that there is.
 *
 * A layer computes with bytes when
 *     1. its operand's channels, traced through layout ops, max pooling and crop, have ranges
 *     2. no sum of its products leaves 32 bits
 *     3. where it has padding, zero is the byte 0 in every channel, or the operand is a value that
 *        can be quantised with the padding around it (no layout op's or max pooling's result).
 *
 * A layer, a layout op or a max pooling gives bytes when all its readers take them; else it gives
 * floats, and readers of bytes get a `quantize` in between. A layer with a residual, or with an
 * activation other than relu and relu6, gives floats. Scales belong to channels: what only moves
 * these never computes. Answers change by what rounding to 8 bits does. */
#include "passes/quantize.h"
#include "ir/formula.h"

typedef struct Quantization {
    PassContext *context;
    Graph *graph;
    Arena *arena;
    const Weight **low, **high, **mean; /* by value id: what calibration found; NULL */
    const Weight **moments;             /* by id of the layer's result; NULL */
    bool *takes_bytes;                  /* by value id: some reader computes with bytes */
    bool *takes_floats;                 /* by value id: some reader needs floats */
    bool *layers;                       /* by id of the result: the layer will compute with bytes */
    bool *read_as_bytes;                /* by id of what pixels make: layers read their bytes */
    Value **bytes;                      /* by value id: the same value as bytes; NULL */
    ByteScale **scales;                 /* by value id: of these bytes */
    int limit;
} Quantization;

/* ---- ranges ---- */

static Node **find_layers(const Quantization *q) {
    Node **readers = ARENA_ARRAY(q->arena, Node *, q->graph->next_value_id + 1);
    for (Node *node = q->graph->first; node; node = node->next)
        if (node->operand_count > 0 && node->result_count == 1)
            readers[node->operands[0]->id] = node;
    return readers;
}

static void take_ranges_out(Quantization *q) {
    Node **readers = find_layers(q); /* by id of what they read; of one that many read, the last */
    for (Node *node = q->graph->first, *next; node; node = next) {
        next = node->next;
        if (node->op != OP_range)
            continue;
        Value *value = node->operands[0];
        q->low[value->id] = node_weight(node, "low");
        q->high[value->id] = node_weight(node, "high");
        q->mean[value->id] = node_weight(node, "mean");
        Node *reader = readers[node->results[0]->id];
        if (reader != NULL && node_weight(node, "moments") != NULL)
            q->moments[reader->results[0]->id] = node_weight(node, "moments");
        replace_node(q->graph, node, value);
    }
}

/* The value that a channel comes from, through what passes bytes on; *channel becomes its own. */
static const Value *source_of(const Value *value, int64_t *channel) {
    while (value->producer != NULL && op_keeps_numbers(value->producer->op)) {
        const Node *node = value->producer;
        ChannelSource source = {0, *channel};
        if (op_moves_channels(node->op))
            source = channel_source(value, *channel);
        *channel = source.channel;
        value = node->operands[source.operand];
    }
    return value;
}

/* By which part a range is made wider. What deep layers find, in few pixels, differs most between
 * inputs that calibration has seen and those that it has not; the numbers of inputs do not. */
static double room_of(const Quantization *q, const Value *value) {
    enum { FEW_PIXELS = 64 };
    int64_t pixels = value->type.rank == 4 ? value->type.dims[2] * value->type.dims[3] : 1;
    double share = pixels <= FEW_PIXELS ? 1 : (double)FEW_PIXELS / (double)pixels;
    return value->producer == NULL ? 0 : share * pass_number(q->context, "room");
}

/* The scale of a value as bytes; NULL when some channel has no range. */
static ByteScale *scale_of(Quantization *q, const Value *value) {
    if (q->scales[value->id] != NULL)
        return q->scales[value->id];
    int64_t channels = value->type.dims[1];
    ByteScale *scale = ARENA_NEW(q->arena, ByteScale);
    const Formula *inner;
    const double *grid = given_grid(q->arena, value, &inner);
    if (grid != NULL) {
        *scale = byte_scale_given(q->arena, grid, channels);
        return q->scales[value->id] = scale;
    }
    if (value->producer == NULL || !op_keeps_numbers(value->producer->op)) {
        if (q->low[value->id] == NULL)
            return NULL;
        const FoundRange found = {q->low[value->id]->data, q->high[value->id]->data, channels,
            room_of(q, value), value_range(value)};
        *scale = byte_scale_create(q->arena, &found);
        return q->scales[value->id] = scale;
    }
    *scale = (ByteScale){channels, ARENA_ARRAY(q->arena, double, channels),
        ARENA_ARRAY(q->arena, int, channels), false};
    for (int64_t c = 0; c < channels; c++) {
        int64_t channel = c;
        const Value *source = source_of(value, &channel);
        const ByteScale *from = scale_of(q, source);
        if (from == NULL)
            return NULL;
        scale->scale[c] = from->scale[channel];
        scale->zero[c] = from->zero[channel];
        scale->given = scale->given || from->given;
    }
    return q->scales[value->id] = scale;
}

/* ---- which layers ---- */

/* `now` is what becomes of `old`, as floats or as bytes. */
static void remember_value(Quantization *q, const Value *old, const Value *now) {
    q->low[now->id] = q->low[old->id];
    q->high[now->id] = q->high[old->id];
    q->mean[now->id] = q->mean[old->id];
    q->scales[now->id] = q->scales[old->id];
}

static bool is_product(const Node *node) {
    return node->op == OP_conv || node->op == OP_linear;
}

static bool is_padded(const Node *node) {
    if (node->op != OP_conv)
        return false;
    const int64_t *padding = node_list(node, "padding").items;
    return padding[0] + padding[1] + padding[2] + padding[3] > 0;
}

/* Whether the layer reads its operand through a `quantize` of its own, that adds the padding. */
static bool needs_padding(Quantization *q, const Node *node) {
    return is_padded(node) && byte_scale_has_zero_points(scale_of(q, node->operands[0]));
}

/* Why the layer keeps floats; NULL: it need not. Numbered as above. */
static const char *obstacle(Quantization *q, const Node *node) {
    const Value *operand = node->operands[0];
    bool is_input = operand->producer == NULL || operand->producer->op == OP_pixels;
    if (is_input && pass_flag(q->context, "keep-first"))
        return "the option 'keep-first' keeps floats";
    if (node->op == OP_linear && pass_flag(q->context, "keep-last"))
        return "the option 'keep-last' keeps floats";
    const Weight *weight = node_weight(node, "weight");
    if (weight->type.element != ELEMENT_F32 || node_integer(node, "result") != RESULT_F32)
        return "it computes with halves";
    const ByteScale *scale = scale_of(q, operand);
    if (scale == NULL) /* 1 */
        return "the range of what it reads is not known";
    if (scale->given && (!byte_scale_is_uniform(scale) || !weights_are_whole(node, q->limit)))
        return "its input says how it is scaled, and its weights are no whole numbers";
    int64_t filter = tensor_elements(&weight->type) / weight->type.dims[0]; /* 2 */
    if (filter > INT32_MAX / (255 * 127) || (weight->type.dims[1] == 1 && filter > MOST_EXACT_TAPS))
        return "its sums may be too large";
    bool through = operand->producer != NULL && op_keeps_numbers(operand->producer->op); /* 3 */
    return needs_padding(q, node) && through
               ? "it pads what comes through ops that only move numbers, with other bytes than 0"
               : NULL;
}

static bool can_quantize(Quantization *q, const Node *node) {
    const char *missing = is_product(node) ? obstacle(q, node) : NULL;
    if (missing != NULL)
        pass_missed(q->context, node, missing);
    return is_product(node) && missing == NULL;
}

static bool gives_bytes(const Quantization *q, const Value *value) {
    return q->takes_bytes[value->id] && !q->takes_floats[value->id];
}

/* From the last node to the first: who takes what. */
static void find_takers(Quantization *q) {
    for (int i = 0; i < q->graph->output_count; i++)
        q->takes_floats[q->graph->outputs[i].value->id] = true;
    for (const Node *node = q->graph->last; node; node = node->previous) {
        bool bytes = false;
        if (op_keeps_numbers(node->op)) {
            bytes = true;
            for (int i = 0; i < node->result_count; i++)
                bytes = bytes && gives_bytes(q, node->results[i]) &&
                        scale_of(q, node->results[i]) != NULL;
        } else if (can_quantize(q, node) && pass_may_rewrite(q->context, node)) {
            q->layers[node->results[0]->id] = bytes = true;
        }
        for (int i = 0; i < node->operand_count; i++) {
            bool floats = !bytes || (is_product(node) && (i > 0 || needs_padding(q, node)));
            bool *takes = floats ? q->takes_floats : q->takes_bytes;
            takes[node->operands[i]->id] = true;
        }
    }
}

/* ---- rewriting ---- */

static const char *path_of(const Node *node) {
    return node == NULL || node->path[0] == '\0' ? "value" : node->path;
}

typedef struct NewNode {
    Weight **weights;
    const Node *like;       /* whose attributes it gets, by name */
    const int64_t *padding; /* of a quantize; NULL */
    bool bytes, unpadded;
} NewNode;

static void prepare_quantize(Graph *graph, Node *node, const void *context) {
    const NewNode *new_node = context;
    node->weights[0] = new_node->weights[0];
    node->weights[1] = new_node->weights[1];
    node->weights[2] = new_node->weights[2];
    if (new_node->padding != NULL)
        node_set_list(graph, node, "padding", new_node->padding, 4);
}

static void prepare_product(Graph *graph, Node *node, const void *context) {
    static const char *const lists[] = {"stride", "padding", "dilation"};
    const NewNode *new_node = context;
    for (int i = 0; i < 4; i++)
        node->weights[i] = new_node->weights[i];
    if (node->op == OP_quantized_conv) {
        for (int i = 0; i < 3; i++) {
            IntegerList list = node_list(new_node->like, lists[i]);
            static const int64_t none[4] = {0};
            bool drop = i == 1 && new_node->unpadded;
            node_set_list(graph, node, lists[i], drop ? none : list.items, list.count);
        }
        node_set_integer(node, "groups", node_integer(new_node->like, "groups"));
        node_set_formula(node, "residual_activation",
            node_formula_attribute(new_node->like, "residual_activation"));
    }
    node_set_integer(node, "result", new_node->bytes ? RESULT_U8 : RESULT_F32);
    if (!new_node->bytes)
        node_set_formula(node, "activation", node_formula_attribute(new_node->like, "activation"));
}

/* A quantize of the value before the node; of what was rounded to a given scale, from before it
 * was; of pixels, from the bytes that they are made of. */
static Value *insert_quantize(
    Quantization *q, Value *value, Node *position, const int64_t *padding) {
    Weight *weights[3];
    Preprocessing pixels;
    bool is_rounded = value->producer != NULL && value->producer->op == OP_fake_quantize &&
                      scale_of(q, value)->given;
    Value *source = is_rounded ? value->producer->operands[0] : value;
    const char *path = path_of(value->producer);
    bool of_pixels = source->producer != NULL && source->producer->op == OP_pixels;
    if (of_pixels) {
        pixels = node_pixels(source->producer);
        q->read_as_bytes[source->id] = true;
        source = source->producer->operands[0];
    }
    quantize_scales(q->graph, arena_format(q->graph->arena, "%s.bytes", path), scale_of(q, value),
        of_pixels ? &pixels : NULL, weights);
    NewNode new_node = {.weights = weights, .padding = padding};
    Node *node =
        insert_node(q->graph, position, OP_quantize, path, &source, 1, prepare_quantize, &new_node);
    remember_value(q, value, node->results[0]);
    return node->results[0];
}

/* The value as bytes, for the node to read. */
static Value *as_bytes(Quantization *q, Value *value, Node *position) {
    if (value->type.element == ELEMENT_U8)
        return value;
    if (q->bytes[value->id] == NULL)
        q->bytes[value->id] = insert_quantize(q, value, position, NULL);
    return q->bytes[value->id];
}

/* The layer's activation, but for the rounding of a model that was quantised elsewhere, which is
 * what becoming bytes is. */
static const Formula *activation_of_floats(Quantization *q, const Node *layer) {
    const Formula *activation = node_formula_attribute(layer, "activation"), *inner;
    return given_grid(q->arena, layer->results[0], &inner) != NULL ? inner : activation;
}

/* relu and relu6 of bytes are bounds of the range: the channel's own, since calibration has seen
 * what comes behind the activation; a given one must be as large. */
static bool activation_is_range(Quantization *q, const Node *layer) {
    const Formula *activation = activation_of_floats(q, layer), *inner;
    const double *grid = given_grid(q->arena, layer->results[0], &inner);
    if (activation == NULL || formula_element(activation) == OP_relu)
        return true;
    return formula_element(activation) == OP_relu6 &&
           (grid == NULL || (grid[2] - 0.5) * grid[0] <= 6);
}

static bool layer_gives_bytes(Quantization *q, const Node *layer) {
    const Value *result = layer->results[0];
    if (!gives_bytes(q, result) || layer->operand_count > 1 || !activation_is_range(q, layer) ||
        scale_of(q, result) == NULL)
        return false;
    /* The byte 0 must stand for the activation's 0. */
    return activation_of_floats(q, layer) == NULL ||
           !byte_scale_has_zero_points(scale_of(q, result));
}

static void replace_layer(Quantization *q, Node *layer) {
    Weight *weights[4];
    Value *operand = layer->operands[0], *result = layer->results[0];
    bool bytes = layer_gives_bytes(q, layer), padded = needs_padding(q, layer);
    OpKind op = layer->op == OP_conv ? OP_quantized_conv : OP_quantized_linear;
    const QuantizedProduct product = {.layer = layer,
        .operand = scale_of(q, operand),
        .result = bytes ? scale_of(q, result) : NULL,
        .mean = pass_flag(q->context, "correct-bias") ? q->mean[operand->id] : NULL,
        .moments = pass_flag(q->context, "compensate") ? q->moments[result->id] : NULL,
        .limit = q->limit};
    quantize_product(q->graph, &product, weights);
    Value *input = padded ? insert_quantize(q, operand, layer, node_list(layer, "padding").items)
                          : as_bytes(q, operand, layer);
    NewNode new_node = {.weights = weights, .like = layer, .bytes = bytes, .unpadded = padded};
    Value *operands[2] = {input, layer->operand_count > 1 ? layer->operands[1] : NULL};
    Node *node = insert_node(q->graph, layer, op, layer->path, operands, layer->operand_count,
        prepare_product, &new_node);
    remember_value(q, result, node->results[0]);
    replace_node(q->graph, layer, node->results[0]);
}

/* A layout op, a max pooling or a crop whose readers all take bytes. */
static void pass_on(Quantization *q, Node *node) {
    for (int i = 0; i < node->result_count; i++)
        if (!gives_bytes(q, node->results[i]) || scale_of(q, node->results[i]) == NULL)
            return;
    for (int i = 0; i < node->operand_count; i++)
        node->operands[i] = as_bytes(q, node->operands[i], node);
    for (int i = 0; i < node->result_count; i++)
        node->results[i]->type.element = ELEMENT_U8;
}

/* Pixels whose bytes layers read now. */
static void remove_unread_pixels(const Quantization *q) {
    for (Node *node = q->graph->first, *next; node; node = next) {
        next = node->next;
        if (node->op == OP_pixels && q->read_as_bytes[node->results[0]->id])
            remove_unused(q->graph, node->results[0]);
    }
}

bool pass_quantize(PassContext *context) {
    Graph *graph = context->graph;
    Quantization q = {.context = context,
        .graph = graph,
        .arena = context->scratch,
        .limit = (int)pass_integer(context, "largest-weight")};
    /* A layer becomes at most three nodes, and a value gets at most two others. */
    size_t ids = 6 * (size_t)graph->next_value_id + 1;
    q.read_as_bytes = ARENA_ARRAY(q.arena, bool, ids);
    q.low = ARENA_ARRAY(q.arena, const Weight *, ids);
    q.high = ARENA_ARRAY(q.arena, const Weight *, ids);
    q.mean = ARENA_ARRAY(q.arena, const Weight *, ids);
    q.moments = ARENA_ARRAY(q.arena, const Weight *, ids);
    q.takes_bytes = ARENA_ARRAY(q.arena, bool, ids);
    q.takes_floats = ARENA_ARRAY(q.arena, bool, ids);
    q.layers = ARENA_ARRAY(q.arena, bool, ids);
    q.bytes = ARENA_ARRAY(q.arena, Value *, ids);
    q.scales = ARENA_ARRAY(q.arena, ByteScale *, ids);
    if (!pass_has_numbers(context))
        return false;
    take_ranges_out(&q);
    find_takers(&q);
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (is_product(node) && q.layers[node->results[0]->id])
            replace_layer(&q, node);
        else if (op_keeps_numbers(node->op))
            pass_on(&q, node);
    }
    remove_unread_pixels(&q);
    return true;
}
