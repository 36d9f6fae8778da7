/* equalize: the channels between a layer and the depthwise convolution that alone reads it become
 * about equally wide, by the ranges that calibration found. Channel c of the layer (its filter, its
 * bias, its range) is multiplied by 2^k, and the filter of the convolution for it by 2^-k.
 *
 * That is legal where the layer's activation is none or relu, for which f(2^k x) = 2^k f(x), and
 * where nothing is added to its result. Powers of two are exact, so answers stay the same to the
 * bit, but for numbers near the smallest that floats hold.
 *
 * What it is for: bytes. A channel's range is taken as at least half of the widest one's
 * (quantize_numbers.c), which narrow channels lose steps by; the depthwise filters have a scale
 * each, and so do the layer's, and lose nothing. What it costs: narrow channels lose the room that
 * they had for what calibration has not seen. */
#include "ir/formula.h"
#include "ir/weight_numbers.h"
#include "passes/permute.h"
#include "passes/rewrite.h"

#include <math.h>

/* Of a channel's range with 0 in it. */
static double width(const Node *range, int64_t channel) {
    double low = (double)node_weight(range, "low")->data[channel];
    double high = (double)node_weight(range, "high")->data[channel];
    return fmax(high, 0) - fmin(low, 0);
}

/* How often each channel is doubled: at most until it is wider than half of the widest. False where
 * none is, or some is no number. */
static bool find_doublings(const Node *range, int64_t most, int *doublings) {
    int64_t channels = range->results[0]->type.dims[1];
    double widest = 0;
    bool any = false;
    for (int64_t c = 0; c < channels; c++) {
        if (!isfinite(width(range, c)))
            return false;
        widest = fmax(widest, width(range, c));
    }
    for (int64_t c = 0; c < channels; c++) {
        double scaled = width(range, c);
        doublings[c] = 0;
        while (scaled > 0 && 2 * scaled <= widest && doublings[c] < most) {
            scaled *= 2;
            doublings[c]++;
        }
        any = any || doublings[c] > 0;
    }
    return any;
}

/* Whether the layer's channels may be multiplied by positive numbers. */
static bool is_homogeneous(const Node *layer) {
    if ((layer->op != OP_conv && layer->op != OP_linear) || layer->operand_count > 1 ||
        node_integer(layer, "result") != RESULT_F32 ||
        layer->weights[0]->type.element != ELEMENT_F32)
        return false;
    const Formula *activation = node_formula_attribute(layer, "activation");
    return activation == NULL || formula_element(activation) == OP_relu;
}

typedef struct Readers {
    int *uses;    /* by value id */
    Node **nodes; /* by value id: the last that reads it as its first operand; NULL */
} Readers;

static Readers find_readers(const Graph *graph, Arena *arena) {
    Readers readers = {
        graph_use_counts(graph, arena), ARENA_ARRAY(arena, Node *, graph->next_value_id + 1)};
    for (Node *node = graph->first; node != NULL; node = node->next)
        if (node->operand_count > 0)
            readers.nodes[node->operands[0]->id] = node;
    return readers;
}

/* The layer, where nobody but the range reads it. */
static Node *layer_before(const Readers *readers, const Node *range) {
    const Value *value = range->operands[0];
    bool alone = value->producer != NULL && readers->uses[value->id] == 1;
    return alone && is_homogeneous(value->producer) ? value->producer : NULL;
}

/* The depthwise convolution, where nobody else reads the range; *own becomes that range of its own
 * which holds its moments, or NULL. */
static Node *depthwise_after(const Readers *readers, const Node *range, Node **own) {
    const Value *value = range->results[0];
    Node *reader = readers->nodes[value->id];
    *own = NULL;
    if (reader != NULL && reader->op == OP_range && readers->uses[value->id] == 1) {
        *own = reader;
        value = reader->results[0];
        reader = readers->nodes[value->id];
    }
    bool fits = reader != NULL && readers->uses[value->id] == 1 && is_depthwise_conv(reader) &&
                reader->weights[0]->type.element == ELEMENT_F32 &&
                reader->weights[0]->type.dims[0] == value->type.dims[1];
    return fits ? reader : NULL;
}

/* Row r times 2^(sign * doublings[r]), as a weight of its own: others may share the old one. */
static void scale_rows(Graph *graph, Weight **slot, const int *doublings, int sign) {
    Weight *old = *slot;
    if (old == NULL)
        return;
    Weight *new = graph_add_computed_weight(graph, old->path, old->type, NULL);
    float *data = weight_allocate(graph, new);
    Pair *pairs = old->pairs != NULL ? weight_allocate_numbers(graph, new, NUMBERS_PAIR) : NULL;
    int64_t rows = old->type.dims[0], row = tensor_elements(&old->type) / rows;
    for (int64_t i = 0; i < rows * row; i++) {
        int power = sign * doublings[i / row];
        data[i] = ldexpf(old->data[i], power);
        if (pairs != NULL)
            pairs[i] = pair_multiply(old->pairs[i], pair_of_power(power));
    }
    new->degree = old->degree;
    weights_rest(new, old);
    *slot = new;
}

/* Moments are products of two numbers, and [channels, taps, taps] of a depthwise convolution. */
static void scale_range(Graph *graph, Node *range, const int *doublings) {
    int64_t channels = range->results[0]->type.dims[1];
    for (int i = 0; i < 3; i++)
        scale_rows(graph, &range->weights[i], doublings, 1);
    if (range->weights[3] != NULL && range->weights[3]->type.dims[0] != channels)
        range->weights[3] = NULL; /* of no depthwise convolution */
    for (int twice = 0; twice < 2; twice++)
        scale_rows(graph, &range->weights[3], doublings, 1);
}

bool pass_equalize(PassContext *context) {
    Graph *graph = context->graph;
    if (!pass_has_numbers(context))
        return false;
    Readers readers = find_readers(graph, context->scratch);
    for (Node *range = graph->first; range != NULL; range = range->next) {
        if (range->op != OP_range)
            continue;
        Node *own, *layer = layer_before(&readers, range);
        Node *reader = depthwise_after(&readers, range, &own);
        if (layer == NULL && reader != NULL)
            pass_missed(context, reader,
                "what it reads is read elsewhere, too, or no layer's with relu or no activation");
        if (layer == NULL || reader == NULL)
            continue;
        int *doublings = ARENA_ARRAY(context->scratch, int, range->results[0]->type.dims[1]);
        if (!find_doublings(range, pass_integer(context, "most-doublings"), doublings) ||
            !pass_may_rewrite(context, layer))
            continue;
        for (int i = 0; i < MAX_OP_WEIGHTS; i++)
            scale_rows(graph, &layer->weights[i], doublings, 1);
        scale_range(graph, range, doublings);
        if (own != NULL)
            scale_range(graph, own, doublings);
        scale_rows(graph, &reader->weights[0], doublings, -1);
    }
    return true;
}
