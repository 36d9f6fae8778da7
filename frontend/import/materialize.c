/* Views made into values: the place where a shuffle, in whatever spelling, becomes a shuffle. */
#include "frontend/import/importer.h"

#include <inttypes.h>
#include <string.h>

/* ---- what was left pending ---- */

static Value *finish_pending(Importer *importer, Symbol *symbol) {
    Value *base = symbol->value, *value = base;
    if (symbol->pending != PENDING_NOTHING) {
        const float *three = repeat_number(importer, 3, base->type.dims[1]);
        value = three == NULL ? NULL : build_affine(importer, value, NULL, three);
    }
    if (value != NULL && symbol->pending > PENDING_PLUS_THREE)
        value = build_unary(importer, OP_relu6, value);
    if (value != NULL && symbol->pending == PENDING_SIX_TIMES) {
        Node *node = build_node(importer, OP_multiply, (Value *[]){base, value}, 2);
        value = node == NULL ? NULL : node->results[0];
    }
    symbol->value = value;
    symbol->pending = PENDING_NOTHING;
    return value;
}

/* ---- channels ---- */

typedef struct RoutedChannels {
    Value **sources; /* in the order of their first channel */
    int source_count;
    int64_t *channels; /* in the joined sources */
    int64_t count, joined;
} RoutedChannels;

static bool is_dense(const Importer *importer, const Symbol *symbol) {
    (void)importer;
    const Shape *shape = &symbol->shape;
    const Value *value = symbol->places[0].value;
    bool image = value->type.rank == 4;
    int64_t height = image ? value->type.dims[2] : 1, width = image ? value->type.dims[3] : 1;
    bool batch = shape->dims[0] == value->type.dims[0];
    if (shape->rank == 2)
        return batch && height == 1 && width == 1;
    return batch && shape->rank == 4 && shape->dims[2] == height && shape->dims[3] == width;
}

/* Finds the source of one channel and where its channels begin among the joined ones. */
static int64_t source_begin(RoutedChannels *routing, Value *value, int capacity) {
    int64_t begin = 0;
    for (int i = 0; i < routing->source_count; i++) {
        if (routing->sources[i] == value)
            return begin;
        begin += routing->sources[i]->type.dims[1];
    }
    if (routing->source_count == capacity)
        return -1;
    routing->sources[routing->source_count++] = value;
    routing->joined = begin + value->type.dims[1];
    return begin;
}

static bool find_routing(Importer *importer, const Symbol *symbol, RoutedChannels *routing) {
    enum { MOST_SOURCES = 1024 };
    int64_t batch = symbol->shape.dims[0];
    routing->count = symbol->shape.dims[1];
    routing->channels = ARENA_ARRAY(importer->arena, int64_t, routing->count);
    routing->sources = ARENA_ARRAY(importer->arena, Value *, MOST_SOURCES);
    for (int64_t i = 0; i < routing->count; i++) {
        Place place = symbol->places[i];
        int64_t begin = source_begin(routing, place.value, MOST_SOURCES);
        int64_t channels = place.value->type.dims[1];
        if (begin < 0)
            return node_fault(importer, NULL, "it takes channels of too many tensors");
        routing->channels[i] = begin + place.channel;
        for (int64_t b = 0; b < batch; b++) {
            Place other = symbol->places[b * routing->count + i];
            if (other.value != place.value || other.channel != b * channels + place.channel)
                return node_fault(importer, "import it with --batch 1",
                    "it moves channels from one image of the batch to another");
        }
    }
    return true;
}

/* The groups of the shuffle that the channels are, or 0. */
static int64_t shuffle_groups(const int64_t *channels, int64_t count) {
    if (count < 4 || channels[0] != 0 || channels[1] < 2 || count % channels[1] != 0)
        return 0;
    int64_t n = channels[1], groups = count / n;
    for (int64_t i = 0; i < count; i++)
        if (channels[i] != i % groups * n + i / groups)
            return 0;
    return groups;
}

static bool is_identity(const RoutedChannels *routing) {
    bool identity = routing->count == routing->joined;
    for (int64_t i = 0; identity && i < routing->count; i++)
        identity = routing->channels[i] == i;
    return identity;
}

static Value *build_routing(Importer *importer, const RoutedChannels *routing) {
    Value *value = routing->sources[0];
    if (routing->source_count > 1) {
        Node *joined = build_node(importer, OP_concat, routing->sources, routing->source_count);
        if (joined == NULL)
            return NULL;
        value = joined->results[0];
    }
    if (is_identity(routing))
        return value;
    int64_t groups =
        routing->count == routing->joined ? shuffle_groups(routing->channels, routing->count) : 0;
    Node *node = begin_node(importer, groups > 0 ? OP_shuffle : OP_gather, "", &value, 1);
    if (groups > 0)
        node_set_integer(node, "groups", groups);
    else
        node_set_list(importer->graph, node, "channels", routing->channels, (size_t)routing->count);
    return finish_node(importer, node) ? node->results[0] : NULL;
}

static Value *route(Importer *importer, Symbol *symbol) {
    Symbol dense = *symbol;
    if (!is_dense(importer, symbol)) { /* the same channels, as all that the first dimensions are */
        const TensorType *type = &symbol->places[0].value->type;
        int64_t channels = 1;
        for (int i = 0; i < symbol->outer; i++)
            channels *= symbol->shape.dims[i];
        int64_t batch = channels % type->dims[0] == 0 ? type->dims[0] : 1;
        dense.shape = (Shape){
            .rank = type->rank, .dims = {batch, channels / batch, type->dims[2], type->dims[3]}};
    }
    RoutedChannels routing = {0};
    return find_routing(importer, &dense, &routing) ? build_routing(importer, &routing) : NULL;
}

/* ---- values ---- */

static bool is_same_view(const Symbol *a, const Symbol *b) {
    return a->kind == b->kind && a->value == b->value && a->places == b->places &&
           a->outer == b->outer && a->pending == b->pending && shape_equal(&a->shape, &b->shape);
}

/* A node made for a symbol serves all who name it: the map has the symbols. A view of one that is
 * on its way to a name of its own still has the old name, but is another than it was `before`. */
static void remember(Importer *importer, const Symbol *before, const Symbol *symbol) {
    Symbol *known = *symbol->name == '\0' ? NULL : name_map_find(importer->symbols, symbol->name);
    if (known != NULL && known != symbol && is_same_view(known, before))
        *known = *symbol;
}

Value *settle_symbol(Importer *importer, Symbol *symbol) {
    const Symbol before = *symbol;
    if (symbol->pending != PENDING_NOTHING && finish_pending(importer, symbol) == NULL)
        return NULL;
    if (symbol->places != NULL) {
        Value *value = route(importer, symbol);
        if (value == NULL)
            return NULL;
        if (value->producer != NULL && *symbol->name != '\0')
            value->name = value_name(importer, symbol->name);
        symbol->value = value;
        symbol->places = NULL;
        symbol->outer = 0;
    }
    remember(importer, &before, symbol);
    return symbol->value;
}

Value *symbol_features(Importer *importer, Symbol *symbol) {
    Value *value = settle_symbol(importer, symbol);
    if (value == NULL)
        return NULL;
    Shape shape = shape_of_value(value);
    bool flat = symbol->shape.rank == 2 && symbol->shape.dims[0] == shape.dims[0] &&
                symbol->shape.dims[1] == shape.dims[1];
    return flat && (shape.rank == 2 || (shape.dims[2] == 1 && shape.dims[3] == 1))
               ? value
               : symbol_value(importer, symbol);
}

Value *symbol_channels(Importer *importer, Symbol *symbol) {
    Value *value = settle_symbol(importer, symbol);
    if (value == NULL)
        return NULL;
    const int64_t *dims = symbol->shape.dims;
    bool same =
        symbol->shape.rank >= 2 && dims[0] == value->type.dims[0] && dims[1] == value->type.dims[1];
    return same ? value : symbol_value(importer, symbol);
}

Value *symbol_value(Importer *importer, Symbol *symbol) {
    Value *value = settle_symbol(importer, symbol);
    if (value == NULL)
        return NULL;
    Shape shape = shape_of_value(value);
    if (shape_equal(&shape, &symbol->shape))
        return value;
    bool flat = symbol->shape.rank == 2 && symbol->shape.dims[0] == shape.dims[0];
    if (flat && shape.rank == 4) {
        const Symbol before = *symbol;
        symbol->value = build_unary(importer, OP_flatten, value);
        remember(importer, &before, symbol);
        return symbol->value;
    }
    if (shape.rank == 2 && symbol->shape.rank == 4 && symbol->shape.dims[0] == shape.dims[0] &&
        symbol->shape.dims[1] == shape.dims[1]) {
        const Symbol before = *symbol;
        symbol->value = build_unary(importer, OP_unflatten, value);
        remember(importer, &before, symbol);
        return symbol->value;
    }
    if (rank_has_channels(symbol->shape.rank))
        return symbol_tensor(importer, symbol);
    node_fault(importer, NULL,
        "it needs a tensor [batch, channels, height, width] or [batch, channels], not %s",
        shape_spelling(importer->arena, &symbol->shape));
    return NULL;
}
