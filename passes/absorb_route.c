/* absorb-route: sorts the channels of a route where its readers do not mind, by permuting their
 * weights, so that few long runs are left of it: a backend can then read those runs where they lie,
 * or copies them as they are. In ShuffleNet V2 every interleaving of concat, shuffle and split
 * vanishes so.
 *
 * A reader does not mind the order of its channels when
 *     1. it is a dense convolution or a linear: the columns of its weight are permuted
 *     2. it is a grouped convolution: the same, but channels stay within their group
 *     3. it is a depthwise convolution, whose filters and bias are permuted, or an activation, a
 * pooling, or a flatten of [n,c,1,1]: and no reader of its result minds
 *     4. it is another route, whose list of channels is changed.
 * All others mind: graph outputs, residuals, sums, products, softmax, what looks at neighbouring
 * channels, and layout ops that merge-layout would have turned into routes.
 *
 * When the groups of several readers are not divisors of one another, or sorting would leave as
 * many runs as there were, the route stays. Each route is matched, ordered and rewritten in turn:
 *     phase 1 (match) collects the values that would change their order, and changes nothing
 *     phase 2 (order) sorts within the blocks that must stay together
 *     phase 3 (rewrite) gives the route its list and the readers their weights. */
#include "passes/rewrite.h"

#include <assert.h>
#include <stdlib.h>

typedef struct Reordering {
    PassContext *context;
    Graph *graph;
    Node *route;
    int64_t channels; /* of the route's result and of every value below */
    int64_t blocks;   /* channels stay within their one of so many equal blocks */
    Value **values;   /* whose channels change their order: the route's result comes first */
    size_t value_count;
    bool *changes;            /* by value id: whether it is among the values */
    const int64_t *old_place; /* old_place[i]: where the channel that is now the i-th was */
    const int64_t *new_place; /* the inverse */
} Reordering;

/* ---- phase 1: match ---- */

typedef enum Reader {
    READER_MINDS,
    READER_ENDS,  /* takes the change into its weights or its list */
    READER_PASSES /* hands the change on to its result */
} Reader;

static bool is_depthwise(const Node *conv) {
    int64_t groups = node_integer(conv, "groups");
    return groups == conv->operands[0]->type.dims[1] && groups == conv->results[0]->type.dims[1];
}

static Reader conv_reader(const Node *conv, const Reordering *reordering) {
    for (int i = 1; i < conv->operand_count; i++)
        if (reordering->changes[conv->operands[i]->id])
            return READER_MINDS; /* the residual has the order of the result */
    if (node_integer(conv, "groups") == 1 || !is_depthwise(conv))
        return READER_ENDS;
    return conv->operand_count == 1 ? READER_PASSES : READER_MINDS;
}

static Reader classify(const Node *node, const Reordering *reordering) {
    switch (node->op) {
    case OP_conv:
        return conv_reader(node, reordering);
    case OP_linear:
    case OP_route:
        return READER_ENDS;
    case OP_relu:
    case OP_relu6:
    case OP_sigmoid:
    case OP_hard_sigmoid:
    case OP_hard_swish:
    case OP_max_pool:
    case OP_avg_pool:
    case OP_global_avg_pool:
        return READER_PASSES;
    case OP_flatten:
        return node->results[0]->type.dims[1] == reordering->channels ? READER_PASSES
                                                                      : READER_MINDS;
    default:
        return READER_MINDS;
    }
}

static bool reads(const Node *node, const Value *value) {
    for (int i = 0; i < node->operand_count; i++)
        if (node->operands[i] == value)
            return true;
    return false;
}

static void add_value(Reordering *reordering, Value *value) {
    if (reordering->changes[value->id])
        return;
    reordering->changes[value->id] = true;
    reordering->values[reordering->value_count++] = value;
}

/* Blocks of both kinds must be kept: one must divide the other. */
static bool join_blocks(Reordering *reordering, int64_t groups) {
    if (groups % reordering->blocks == 0)
        reordering->blocks = groups;
    return reordering->blocks % groups == 0;
}

static bool match_readers(Reordering *reordering, const Value *value) {
    for (int i = 0; i < reordering->graph->output_count; i++)
        if (reordering->graph->outputs[i].value == value)
            return false;
    for (Node *node = reordering->route->next; node; node = node->next) {
        if (!reads(node, value))
            continue;
        Reader reader = classify(node, reordering);
        if (reader == READER_MINDS)
            return false;
        if (reader == READER_PASSES)
            add_value(reordering, node->results[0]);
        else if (node->op == OP_conv && !join_blocks(reordering, node_integer(node, "groups")))
            return false;
    }
    return true;
}

/* Values are looked at in the order of the list, so a residual that changes was seen as changing,
 * or is met here as the operand of a convolution that ends the change. */
static bool match(Reordering *reordering) {
    add_value(reordering, reordering->route->results[0]);
    for (size_t i = 0; i < reordering->value_count; i++)
        if (!match_readers(reordering, reordering->values[i]))
            return false;
    return true;
}

/* ---- phase 2: order ---- */

typedef struct Place {
    int64_t source, place; /* channel of the joined operands, and where it was in the result */
} Place;

static int compare_places(const void *a, const void *b) {
    const Place *x = a, *y = b;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* Runs of consecutive channels of one operand. */
static int64_t count_runs(const Place *places, int64_t count, const Node *route) {
    int64_t runs = 0;
    for (int64_t i = 0; i < count; i++) {
        bool continues = i > 0 && places[i].source == places[i - 1].source + 1;
        int64_t end = 0;
        for (int k = 0; continues && k < route->operand_count && end < places[i].source; k++)
            end += route->operands[k]->type.dims[1];
        runs += !continues || end == places[i].source; /* the next operand is another run */
    }
    return runs;
}

/* False when there would be no fewer runs. */
static bool order(Reordering *reordering) {
    Arena *scratch = reordering->context->scratch;
    int64_t count = reordering->channels, block = count / reordering->blocks;
    IntegerList list = node_list(reordering->route, "channels");
    Place *places = ARENA_ARRAY(scratch, Place, count);
    for (int64_t i = 0; i < count; i++)
        places[i] = (Place){list.items[i], i};
    int64_t runs_before = count_runs(places, count, reordering->route);
    for (int64_t first = 0; first < count; first += block)
        qsort(places + first, (size_t)block, sizeof places[0], compare_places);
    if (count_runs(places, count, reordering->route) >= runs_before)
        return false;
    int64_t *old_place = ARENA_ARRAY(scratch, int64_t, count);
    int64_t *new_place = ARENA_ARRAY(scratch, int64_t, count);
    for (int64_t i = 0; i < count; i++) {
        old_place[i] = places[i].place;
        new_place[places[i].place] = i;
    }
    reordering->old_place = old_place;
    reordering->new_place = new_place;
    return true;
}

/* ---- phase 3: rewrite ---- */

/* A weight seen as [rows, columns, inner]; row r of the new one has columns of row row_of[r] of the
 * old one, column c from column_of[c] of the r-th row's group. NULL leaves an axis as it is. */
static void permute_weight(Reordering *reordering, Weight **slot, const int64_t *rows,
    const int64_t *columns, int64_t groups) {
    Weight *old = *slot;
    if (old == NULL)
        return;
    float *data = NULL;
    int64_t row_count = old->type.dims[0];
    int64_t column_count = old->type.rank > 1 ? old->type.dims[1] : 1;
    int64_t inner = tensor_elements(&old->type) / row_count / column_count;
    if (old->data != NULL)
        data = ARENA_ARRAY(reordering->graph->arena, float, tensor_elements(&old->type));
    for (int64_t r = 0; data != NULL && r < row_count; r++) {
        int64_t row = rows != NULL ? rows[r] : r;
        int64_t first = r / (row_count / groups) * column_count; /* channel of the group's first */
        for (int64_t c = 0; c < column_count; c++) {
            int64_t column = columns != NULL ? columns[first + c] - first : c;
            for (int64_t k = 0; k < inner; k++)
                data[(r * column_count + c) * inner + k] =
                    old->data[(row * column_count + column) * inner + k];
        }
    }
    *slot = graph_add_computed_weight(reordering->graph, old->path, old->type, data);
}

static void permute_conv(Reordering *reordering, Node *conv) {
    int64_t groups = node_integer(conv, "groups");
    if (groups > 1 && is_depthwise(conv)) {
        permute_weight(reordering, &conv->weights[0], reordering->old_place, NULL, 1);
        permute_weight(reordering, &conv->weights[1], reordering->old_place, NULL, 1);
    } else {
        permute_weight(reordering, &conv->weights[0], NULL, reordering->old_place, groups);
    }
}

static void change_list(Reordering *reordering, Node *route) {
    IntegerList list = node_list(route, "channels");
    int64_t *items = ARENA_ARRAY(reordering->context->scratch, int64_t, list.count);
    for (size_t i = 0; i < list.count; i++) {
        int64_t first = 0;
        int operand = 0;
        while (list.items[i] >= first + route->operands[operand]->type.dims[1])
            first += route->operands[operand++]->type.dims[1];
        bool changes = reordering->changes[route->operands[operand]->id];
        items[i] = changes ? first + reordering->new_place[list.items[i] - first] : list.items[i];
    }
    node_set_list(reordering->graph, route, "channels", items, list.count);
}

static void rewrite(Reordering *reordering) {
    Node *route = reordering->route;
    IntegerList list = node_list(route, "channels");
    int64_t *items = ARENA_ARRAY(reordering->context->scratch, int64_t, list.count);
    for (size_t i = 0; i < list.count; i++)
        items[i] = list.items[reordering->old_place[i]];
    node_set_list(reordering->graph, route, "channels", items, list.count);
    for (Node *node = route->next; node; node = node->next) {
        bool changes = false;
        for (int i = 0; i < node->operand_count; i++)
            changes = changes || reordering->changes[node->operands[i]->id];
        if (!changes)
            continue;
        if (node->op == OP_conv)
            permute_conv(reordering, node);
        else if (node->op == OP_linear)
            permute_weight(reordering, &node->weights[0], NULL, reordering->old_place, 1);
        else if (node->op == OP_route)
            change_list(reordering, node);
    }
}

bool pass_absorb_route(PassContext *context) {
    size_t values = (size_t)context->graph->next_value_id;
    Reordering reordering = {
        .context = context,
        .graph = context->graph,
        .values = ARENA_ARRAY(context->scratch, Value *, values),
        .changes = ARENA_ARRAY(context->scratch, bool, values),
    };
    for (Node *node = context->graph->first; node; node = node->next) {
        if (node->op != OP_route)
            continue;
        reordering.route = node;
        reordering.channels = node->results[0]->type.dims[1];
        reordering.blocks = 1;
        if (match(&reordering) && order(&reordering)) {
            rewrite(&reordering);
            context->rewrites++;
        }
        while (reordering.value_count > 0)
            reordering.changes[reordering.values[--reordering.value_count]->id] = false;
    }
    return true;
}
