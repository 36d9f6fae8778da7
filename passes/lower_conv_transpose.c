/* lower-conv-transpose: a transposed convolution becomes convolutions of its operand.
 *
 * Row y of the result is row y + top of all that the filters reach. At stride s, what lies s rows
 * apart meets the same taps of the filters: with y = m*s + a, those that leave the same remainder
 * as a + top, and tap r + s*t meets row m + (a + top - r) / s - t of the operand. So the rows of
 * each a, and the columns likewise, are an ordinary convolution, with every s-th tap, backwards.
 * Neighbouring a with equally many taps that begin at the same row have one convolution together,
 * of so many times the filters. What comes out is put together by rearrange and join: the
 * convolutions write each number where it belongs.
 *
 * With a dilation, or taps for some a only, zeros are put between the operand's rows and columns
 * first: then it is one convolution, with the taps backwards. Nothing is ever multiplied by a zero
 * that stands for no tap: infinity would become NaN.
 *
 * Always legal. A filter of its own for each channel stays one convolution for each a: those have
 * kernels of their own. */
#include "ir/arena.h"
#include "ir/weight_numbers.h"
#include "passes/rewrite.h"

typedef struct TransposedConv {
    Graph *graph;
    Node *node;
    int64_t groups, channels, filters; /* of a group */
    int64_t kernel[2], stride[2], dilation[2], padding[4], from[2], to[2];
} TransposedConv;

static TransposedConv describe(Graph *graph, Node *node) {
    const int64_t *dims = node->weights[0]->type.dims;
    TransposedConv conv = {.graph = graph, .node = node, .groups = node_integer(node, "groups")};
    conv.channels = dims[0] / conv.groups;
    conv.filters = dims[1];
    for (int axis = 0; axis < 2; axis++) {
        conv.kernel[axis] = dims[2 + axis];
        conv.stride[axis] = node_list(node, "stride").items[axis];
        conv.dilation[axis] = node_list(node, "dilation").items[axis];
        conv.from[axis] = node->operands[0]->type.dims[2 + axis];
        conv.to[axis] = node->results[0]->type.dims[2 + axis];
    }
    for (int i = 0; i < 4; i++)
        conv.padding[i] = node_list(node, "padding").items[i];
    return conv;
}

/* ---- one of the convolutions ---- */

/* Along an axis: `count` places between two rows of the operand, that many rows of the result each.
 * The taps of place i are first_tap + i, and every step-th from there on. */
typedef struct Phase {
    int64_t count, first_tap, step, taps, rows;
    int64_t before; /* rows of zeros; negative: rows of the operand that are left out */
} Phase;

static int64_t after(const TransposedConv *conv, int axis, const Phase *phase, int64_t size) {
    int64_t reach = phase->step == 1 ? conv->dilation[axis] * (phase->taps - 1) : phase->taps - 1;
    return phase->rows - size - phase->before + reach;
}

typedef struct PhaseWeights {
    Weight *weight, *bias;
    const TransposedConv *conv;
    const Phase *phases;
    int64_t padding[4];
} PhaseWeights;

/* Filter f of place (a, b) of group g, channel c of it: the taps of both axes backwards. */
static void fill_filter(const TransposedConv *conv, const Phase phases[2], const int64_t place[2],
    int64_t filter, Weight *weight, int64_t target) {
    const Phase *rows = &phases[0], *columns = &phases[1];
    for (int64_t y = rows->taps; y-- > 0;)
        for (int64_t x = columns->taps; x-- > 0;)
            weight_move(weight, target++, conv->node->weights[0],
                filter + (rows->first_tap + place[0] + y * rows->step) * conv->kernel[1] +
                    columns->first_tap + place[1] + x * columns->step,
                1);
}

static void fill_weight(const TransposedConv *conv, const Phase phases[2], Weight *weight) {
    int64_t target = 0;
    weight_allocate_moved(conv->graph, weight, conv->node->weights[0]);
    int64_t size = conv->kernel[0] * conv->kernel[1], taps = phases[0].taps * phases[1].taps;
    int64_t place[2];
    for (int64_t g = 0; g < conv->groups; g++)
        for (place[0] = 0; place[0] < phases[0].count; place[0]++)
            for (place[1] = 0; place[1] < phases[1].count; place[1]++)
                for (int64_t f = 0; f < conv->filters; f++)
                    for (int64_t c = g * conv->channels; c < (g + 1) * conv->channels; c++) {
                        fill_filter(
                            conv, phases, place, (c * conv->filters + f) * size, weight, target);
                        target += taps;
                    }
    weight_rest(weight);
}

static void fill_bias(const TransposedConv *conv, int64_t places, Weight *bias) {
    const Weight *old = conv->node->weights[1];
    weight_allocate_moved(conv->graph, bias, old);
    for (int64_t g = 0; g < conv->groups; g++)
        for (int64_t place = 0; place < places; place++)
            weight_move(
                bias, (g * places + place) * conv->filters, old, g * conv->filters, conv->filters);
    weight_rest(bias);
}

static void make_weights(PhaseWeights *weights) {
    const TransposedConv *conv = weights->conv;
    const Phase *phases = weights->phases;
    Weight *const *old = conv->node->weights;
    int64_t places = phases[0].count * phases[1].count;
    int64_t all = conv->groups * places * conv->filters;
    weights->weight = graph_add_computed_weight(conv->graph, old[0]->path,
        tensor_type(4, (int64_t[]){all, conv->channels, phases[0].taps, phases[1].taps}), NULL);
    fill_weight(conv, phases, weights->weight);
    if (old[1] == NULL)
        return;
    weights->bias =
        graph_add_computed_weight(conv->graph, old[1]->path, tensor_type(1, &all), NULL);
    fill_bias(conv, places, weights->bias);
}

static void prepare_part(Graph *graph, Node *node, const void *context) {
    const PhaseWeights *weights = context;
    const TransposedConv *conv = weights->conv;
    bool dense = weights->phases[0].step == 1 && weights->phases[1].step == 1;
    static const int64_t one[2] = {1, 1};
    node->weights[0] = weights->weight;
    node->weights[1] = weights->bias;
    node_set_integer(node, "groups", conv->groups);
    node_set_list(graph, node, "padding", weights->padding, 4);
    node_set_list(graph, node, "dilation", dense ? conv->dilation : one, 2);
    node_set_formula(node, "activation", node_formula_attribute(conv->node, "activation"));
}

static void prepare_crop(Graph *graph, Node *node, const void *context) {
    node_set_list(graph, node, "margins", context, 4);
}

/* The convolution of x; zeros around it, or rows and columns of it that are left out. */
static Value *insert_conv(const TransposedConv *conv, Value *x, const Phase phases[2]) {
    PhaseWeights weights = {.conv = conv, .phases = phases};
    int64_t margins[4] = {0};
    bool crops = false;
    for (int i = 0; i < 4; i++) {
        int axis = i % 2;
        int64_t side =
            i < 2 ? phases[axis].before : after(conv, axis, &phases[axis], x->type.dims[2 + axis]);
        weights.padding[i] = side > 0 ? side : 0;
        margins[i] = side < 0 ? -side : 0;
        crops = crops || side < 0;
    }
    const char *path = conv->node->path;
    if (crops)
        x = insert_node(conv->graph, conv->node, OP_crop, path, &x, 1, prepare_crop, margins)
                ->results[0];
    make_weights(&weights);
    return insert_node(conv->graph, conv->node, OP_conv, path, &x, 1, prepare_part, &weights)
        ->results[0];
}

/* ---- what is put together ---- */

typedef struct Lists {
    int64_t factors[8], order[8], dims[MAX_RANK];
    size_t count, rank;
} Lists;

static void prepare_rearrange(Graph *graph, Node *node, const void *context) {
    const Lists *lists = context;
    node_set_list(graph, node, "factors", lists->factors, lists->count);
    node_set_list(graph, node, "order", lists->order, lists->count);
    node_set_list(graph, node, "dims", lists->dims, lists->rank);
}

static Value *insert_rearrange(const TransposedConv *conv, Value *x, const Lists *lists) {
    return insert_node(
        conv->graph, conv->node, OP_rearrange, conv->node->path, &x, 1, prepare_rearrange, lists)
        ->results[0];
}

/* The places of a convolution as dimensions of their own: [n,o,m,places,m,places]. */
static Value *spread_places(const TransposedConv *conv, Value *x, const Phase phases[2]) {
    int64_t images = x->type.dims[0], all = conv->groups * conv->filters;
    const Lists lists = {{images, conv->groups, phases[0].count, phases[1].count, conv->filters,
                             phases[0].rows, phases[1].rows},
        {0, 1, 4, 5, 2, 6, 3},
        {images, all, phases[0].rows, phases[0].count, phases[1].rows, phases[1].count}, 7, 6};
    return insert_rearrange(conv, x, &lists);
}

/* [n,o,m,s,m,s] as [n,o,m*s,m*s]. */
static Value *join_places(const TransposedConv *conv, Value *x) {
    const int64_t *d = x->type.dims;
    const Lists lists = {{d[0], d[1], d[2], d[3], d[4], d[5]}, {0, 1, 2, 3, 4, 5},
        {d[0], d[1], d[2] * d[3], d[4] * d[5]}, 6, 4};
    return insert_rearrange(conv, x, &lists);
}

static void prepare_join(Graph *graph, Node *node, const void *context) {
    (void)graph;
    node_set_integer(node, "axis", *(const int64_t *)context);
}

static Value *insert_join(const TransposedConv *conv, Value **parts, int count, int64_t axis) {
    if (count == 1)
        return parts[0];
    return insert_node(
        conv->graph, conv->node, OP_join, conv->node->path, parts, count, prepare_join, &axis)
        ->results[0];
}

/* ---- the places between two rows ---- */

/* Place a alone. */
static Phase phase_at(const TransposedConv *conv, int axis, int64_t a) {
    int64_t stride = conv->stride[axis], place = a + conv->padding[axis];
    Phase phase = {.count = 1, .first_tap = place % stride, .step = stride};
    phase.taps = (conv->kernel[axis] - phase.first_tap + stride - 1) / stride;
    phase.rows = (conv->to[axis] + stride - 1) / stride;
    phase.before = phase.taps - 1 - place / stride;
    return phase;
}

/* Returns their number; `apart`: each alone. */
static int find_phases(const TransposedConv *conv, int axis, bool apart, Phase *phases) {
    int count = 0;
    for (int64_t a = 0; a < conv->stride[axis]; a++) {
        Phase phase = phase_at(conv, axis, a), *last = count > 0 ? &phases[count - 1] : NULL;
        if (last != NULL && !apart && last->taps == phase.taps && last->before == phase.before &&
            last->first_tap + last->count == phase.first_tap)
            last->count++;
        else
            phases[count++] = phase;
    }
    return count;
}

static Value *insert_phases(PassContext *context, const TransposedConv *conv) {
    enum { MOST_APART = 64 };
    bool apart =
        conv->filters == 1 && conv->groups > 1 && conv->stride[0] * conv->stride[1] <= MOST_APART;
    Phase *rows = ARENA_ARRAY(context->scratch, Phase, conv->stride[0]);
    Phase *columns = ARENA_ARRAY(context->scratch, Phase, conv->stride[1]);
    int row_count = find_phases(conv, 0, apart, rows);
    int column_count = find_phases(conv, 1, apart, columns);
    Value **bands = ARENA_ARRAY(context->scratch, Value *, row_count);
    Value **parts = ARENA_ARRAY(context->scratch, Value *, column_count);
    for (int i = 0; i < row_count; i++) {
        for (int k = 0; k < column_count; k++) {
            const Phase phases[2] = {rows[i], columns[k]};
            Value *part = insert_conv(conv, conv->node->operands[0], phases);
            parts[k] = spread_places(conv, part, phases);
        }
        bands[i] = insert_join(conv, parts, column_count, 5);
    }
    return join_places(conv, insert_join(conv, bands, row_count, 3));
}

/* ---- zeros between ---- */

static void prepare_pad(Graph *graph, Node *node, const void *context) {
    node_set_list(graph, node, "padding", context, 4);
}

/* [n,c,h,w] with zeros behind each row and column: first columns, as [n*c,h,w,1] gets them. */
static Value *insert_zeros(const TransposedConv *conv, Value *x) {
    const int64_t *d = x->type.dims;
    int64_t images = d[0], channels = d[1], height = d[2], width = d[3], all = images * channels;
    const int64_t *stride = conv->stride;
    const int64_t pads[2][4] = {{0, 0, 0, stride[1] - 1}, {0, 0, stride[0] - 1, 0}};
    const Lists lists[3] = {
        {{images, channels, height, width}, {0, 1, 2, 3}, {all, height, width, 1}, 4, 4},
        {{all, height, width, stride[1]}, {0, 1, 2, 3}, {all, height, 1, width * stride[1]}, 4, 4},
        {{images, channels, height, stride[0], width * stride[1]}, {0, 1, 2, 3, 4},
            {images, channels, height * stride[0], width * stride[1]}, 5, 4}};
    for (int i = 0; i < 3; i++) {
        x = insert_rearrange(conv, x, &lists[i]);
        if (i < 2)
            x = insert_node(
                conv->graph, conv->node, OP_pad, conv->node->path, &x, 1, prepare_pad, pads[i])
                    ->results[0];
    }
    return x;
}

static Value *insert_backwards(const TransposedConv *conv) {
    Value *x = conv->node->operands[0];
    if (conv->stride[0] > 1 || conv->stride[1] > 1)
        x = insert_zeros(conv, x);
    Phase phases[2];
    for (int axis = 0; axis < 2; axis++)
        phases[axis] = (Phase){.count = 1,
            .step = 1,
            .taps = conv->kernel[axis],
            .rows = conv->to[axis],
            .before = (conv->kernel[axis] - 1) * conv->dilation[axis] - conv->padding[axis]};
    return insert_conv(conv, x, phases);
}

/* ---- the pass ---- */

/* Whether each place of the axis has taps, and its convolution some row of the operand. */
static bool has_taps_everywhere(const TransposedConv *conv, int axis) {
    if (conv->dilation[axis] != 1 || conv->kernel[axis] < conv->stride[axis])
        return false;
    for (int64_t a = 0; a < conv->stride[axis]; a++) {
        Phase phase = phase_at(conv, axis, a);
        int64_t below = after(conv, axis, &phase, conv->from[axis]), left = conv->from[axis];
        left += phase.before < 0 ? phase.before : 0;
        left += below < 0 ? below : 0;
        if (left < 1)
            return false;
    }
    return true;
}

static bool falls_apart(const TransposedConv *conv) {
    return (conv->stride[0] > 1 || conv->stride[1] > 1) && has_taps_everywhere(conv, 0) &&
           has_taps_everywhere(conv, 1);
}

/* Leaves out the rows and columns behind the last whole step. */
static Value *cut_to_size(const TransposedConv *conv, Value *x) {
    int64_t margins[4] = {0, 0, x->type.dims[2] - conv->to[0], x->type.dims[3] - conv->to[1]};
    if (margins[2] == 0 && margins[3] == 0)
        return x;
    return insert_node(
        conv->graph, conv->node, OP_crop, conv->node->path, &x, 1, prepare_crop, margins)
        ->results[0];
}

bool pass_lower_conv_transpose(PassContext *context) {
    Graph *graph = context->graph;
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (node->op != OP_conv_transpose || !pass_may_rewrite(context, node))
            continue;
        const TransposedConv conv = describe(graph, node);
        Value *result = falls_apart(&conv) ? cut_to_size(&conv, insert_phases(context, &conv))
                                           : insert_backwards(&conv);
        weight_rest(node->weights[0]);
        replace_node(graph, node, result);
    }
    return true;
}
