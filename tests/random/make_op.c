/* One op of random attributes, for every op of ops.def. The shape rules decide what is legal: what
 * they refuse is not made. */
#include "ir/formula.h"
#include "ir/reduction.h"
#include "jumps.h"
#include "maker.h"

typedef Value *MakeOp(Maker *maker, OpKind op, Value *x);

/* Numbers for the parameters of an element, in [-1, 1] and in order. */
static void pick_parameters(Maker *maker, OpKind element, double *parameters) {
    for (int i = 0; i < element_parameters(element); i++)
        parameters[i] = (double)(pick_between(maker, 0, 3) * 2 - 3) / 4 + (i > 0 ? 2 : 0);
}

/* Whether it gives a number, and no large one, for every number. */
static bool is_total(OpKind element) {
    return element != OP_sqrt && element != OP_exp && element != OP_divide &&
           element != OP_reciprocal && element != OP_celu && element != OP_log &&
           element != OP_power;
}

/* Whether an activation made the value: many of them end at whole numbers, which rounding reaches
 * and exact numbers do not. */
static bool may_end_at_step(const Value *value) {
    Node *producer = value->producer;
    if (producer == NULL)
        return false;
    const char *taken[] = {"activation", "residual_activation"};
    for (int i = 0; i < 2; i++)
        if (node_attribute(producer, taken[i]) != NULL &&
            node_formula_attribute(producer, taken[i]) != NULL)
            return true;
    return op_computes_elements(producer->op) || op_moves_numbers(producer->op) ||
           op_moves_channels(producer->op) || producer->op == OP_softmax;
}

/* An element-wise op of one operand; now and then of another one. */
static const Formula *pick_activation(Maker *maker, int percent) {
    const Formula *formula = NULL;
    for (int most = 3; most > 0 && chance(maker, percent); most--) {
        OpKind op = (OpKind)pick(maker, OP_COUNT);
        while (!op_is_element(op) || element_operands(op) != 1 || !is_total(op) ||
               (formula != NULL && element_jumps(op)))
            op = (OpKind)((op + 1) % OP_COUNT);
        double parameters[MOST_FORMULA_PARAMETERS];
        pick_parameters(maker, op, parameters);
        formula = formula_compose(
            maker->graph->arena, formula_of_element(maker->graph->arena, op, parameters), formula);
        percent = 20;
    }
    return formula;
}

/* ---- windows ---- */

/* Two numbers: equal ones most of the time. */
static void set_pair(Maker *maker, Node *node, const char *name, int64_t least, int64_t most) {
    int64_t first = pick_between(maker, least, most);
    int64_t second = chance(maker, 75) ? first : pick_between(maker, least, most);
    maker_list(maker, node, name, 2, first, second);
}

static void set_padding(Maker *maker, Node *node, int64_t rows, int64_t columns) {
    if (chance(maker, 60)) { /* as networks have it */
        int64_t row = (rows - 1) / 2, column = (columns - 1) / 2;
        maker_list(maker, node, "padding", 4, row, column, row, column);
    } else {
        maker_list(maker, node, "padding", 4, pick(maker, rows), pick(maker, columns),
            pick(maker, rows), pick(maker, columns));
    }
}

/* As fuse-residual leaves it: one that keeps the shape, and adds what it read or another. */
static Value *make_residual_conv(Maker *maker, Value *x) {
    Value *operands[] = {x, chance(maker, 60) ? x : pick_alike(maker, x, true)};
    Node *node = maker_node(maker, OP_conv, operands, 2);
    int64_t channels = x->type.dims[1],
            groups = chance(maker, 70) ? 1 : pick_groups(maker, channels);
    int64_t kernel = chance(maker, 60) ? 1 : 3, padding = kernel / 2;
    maker_weight(
        maker, node, "weight", 4, (int64_t[]){channels, channels / groups, kernel, kernel});
    node_set_integer(node, "groups", groups);
    maker_list(maker, node, "padding", 4, padding, padding, padding, padding);
    node_set_formula(node, "activation", pick_activation(maker, 20));
    node_set_formula(node, "residual_activation", pick_activation(maker, 60));
    return maker_finish(maker, node);
}

static Value *make_any_conv(Maker *maker, OpKind op, Value *x) {
    static const int64_t kernels[] = {1, 1, 1, 2, 3, 3, 3, 5};
    if (x->type.rank != 4)
        return NULL;
    if (chance(maker, 15))
        return make_residual_conv(maker, x);
    Node *node = maker_node(maker, op, &x, 1);
    int64_t channels = x->type.dims[1],
            groups = chance(maker, 60) ? 1 : pick_groups(maker, channels);
    int64_t most = maker->most_channels / groups < 1 ? 1 : maker->most_channels / groups;
    int64_t outputs = groups == 1 ? pick_channels(maker) : groups * pick_between(maker, 1, most);
    if (chance(maker, 20))
        outputs = channels;
    int64_t rows = kernels[pick(maker, 8)],
            columns = chance(maker, 80) ? rows : kernels[pick(maker, 8)];
    maker_weight(maker, node, "weight", 4, (int64_t[]){outputs, channels / groups, rows, columns});
    if (chance(maker, 40))
        maker_weight(maker, node, "bias", 1, &outputs);
    node_set_integer(node, "groups", groups);
    int64_t dilation = chance(maker, 80) ? 1 : 2;
    maker_list(maker, node, "dilation", 2, dilation, chance(maker, 80) ? dilation : 1);
    if (chance(maker, 40))
        set_pair(maker, node, "stride", 1, 3);
    set_padding(maker, node, dilation * (rows - 1) + 1, columns);
    node_set_formula(node, "activation", pick_activation(maker, 15));
    return maker_finish(maker, node);
}

static Value *make_any_pool(Maker *maker, OpKind op, Value *x) {
    if (x->type.rank != 4)
        return NULL;
    Node *node = maker_node(maker, op, &x, 1);
    int64_t rows = pick_between(maker, 1, 4),
            columns = chance(maker, 75) ? rows : pick_between(maker, 1, 4);
    maker_list(maker, node, "kernel", 2, rows, columns);
    if (chance(maker, 60))
        set_pair(maker, node, "stride", 1, 3);
    set_padding(maker, node, rows, columns);
    node_attribute(node, "ceil")->flag = chance(maker, 30);
    if (op == OP_avg_pool)
        node_attribute(node, "count_padding")->flag = chance(maker, 50);
    return maker_finish(maker, node);
}

static Value *make_border(Maker *maker, OpKind op, Value *x) {
    Node *node = maker_node(maker, op, &x, 1);
    maker_list(maker, node, op == OP_pad ? "padding" : "margins", 4, pick(maker, 3), pick(maker, 3),
        pick(maker, 3), pick(maker, 3));
    if (op == OP_pad && chance(maker, 30))
        node_attribute(node, "value")->number = (double)pick(maker, 5) - 2.5;
    return maker_finish(maker, node);
}

/* ---- rows and columns in another number ---- */

static int64_t word_count(const char *attribute) {
    int64_t count = 0;
    while (choice_words(attribute)[count] != NULL)
        count++;
    return count;
}

static Value *make_resize(Maker *maker, OpKind op, Value *x) {
    if (x->type.rank != 4)
        return NULL;
    Node *node = maker_node(maker, op, &x, 1);
    int64_t size[2];
    for (int i = 0; i < 2; i++) {
        int64_t from = x->type.dims[2 + i];
        size[i] = chance(maker, 50) && 2 * from <= 24 ? 2 * from
                                                      : pick_between(maker, 1, from < 12 ? 12 : 24);
    }
    node_set_list(maker->graph, node, "size", size, 2);
    node_set_integer(node, "mode", chance(maker, 65) ? 0 : 1);
    node_set_integer(node, "coordinates", pick(maker, word_count("coordinates")));
    node_set_integer(node, "rounding", pick(maker, word_count("rounding")));
    if (chance(maker, 30))
        node_attribute(node, chance(maker, 50) ? "row_scale" : "column_scale")->number =
            0.5 + (double)pick(maker, 20) / 7;
    return maker_finish(maker, node);
}

static void set_indices(Maker *maker, Node *node, const char *name, int64_t size) {
    int64_t items[16];
    int64_t count = size < 8 ? pick_between(maker, 1, size + 4) : pick_between(maker, 1, 16);
    for (int64_t i = 0; i < count; i++)
        items[i] = chance(maker, 60) ? (i < size ? i : size - 1) : pick(maker, size);
    node_set_list(maker->graph, node, name, items, (size_t)count);
}

static Value *make_take(Maker *maker, OpKind op, Value *x) {
    if (x->type.rank != 4)
        return NULL;
    Node *node = maker_node(maker, op, &x, 1);
    set_indices(maker, node, "rows", x->type.dims[2]);
    set_indices(maker, node, "columns", x->type.dims[3]);
    return maker_finish(maker, node);
}

static Value *make_conv_transpose(Maker *maker, OpKind op, Value *x) {
    if (x->type.rank != 4 || x->type.dims[2] > 16 || x->type.dims[3] > 16)
        return NULL;
    Node *node = maker_node(maker, op, &x, 1);
    int64_t channels = x->type.dims[1];
    int64_t groups = chance(maker, 60) ? 1 : pick_groups(maker, channels);
    int64_t filters = chance(maker, 30) ? 1 : pick_channels(maker) / groups + 1;
    int64_t rows = pick_between(maker, 1, 4);
    int64_t columns = chance(maker, 75) ? rows : pick_between(maker, 1, 4);
    int64_t all = groups * filters;
    maker_weight(maker, node, "weight", 4, (int64_t[]){channels, filters, rows, columns});
    if (chance(maker, 50))
        maker_weight(maker, node, "bias", 1, &all);
    node_set_integer(node, "groups", groups);
    if (chance(maker, 85))
        set_pair(maker, node, "stride", 2, 3);
    if (chance(maker, 15))
        maker_list(maker, node, "dilation", 2, (int64_t)2, chance(maker, 50) ? 2 : 1);
    if (chance(maker, 50))
        set_padding(maker, node, rows, columns);
    if (chance(maker, 50))
        maker_list(maker, node, "output_padding", 2, pick(maker, 2), pick(maker, 2));
    node_set_formula(node, "activation", pick_activation(maker, 15));
    return maker_finish(maker, node);
}

/* ---- element by element ---- */

static Value *make_channel_op(Maker *maker, OpKind op, Value *x) {
    Node *node = maker_node(maker, op, &x, 1);
    const OpInfo *info = op_info(op);
    for (int i = 0; i < info->weight_count; i++)
        maker_weight(maker, node, info->weights[i].name, 1, &x->type.dims[1]);
    if (op == OP_batch_norm && chance(maker, 30))
        node_attribute(node, "epsilon")->number = 1e-3;
    return maker_finish(maker, node);
}

static Value *make_plain(Maker *maker, OpKind op, Value *x) {
    return make_unary(maker, op, x);
}

/* One number per channel: [n,c,1,1] or [n,c]. */
static Value *make_vector(Maker *maker, Value *x) {
    x = make_unary(maker, OP_global_avg_pool, x);
    x = chance(maker, 50) ? make_unary(maker, OP_flatten, x) : x;
    return x != NULL && x->type.rank == 2 && chance(maker, 30) ? make_unary(maker, OP_unflatten, x)
                                                               : x;
}

/* The numbers brought to where every element-wise op has numbers to give. */
static Value *make_small(Maker *maker, Value *x) {
    if (x == NULL)
        return NULL;
    Node *node = maker_node(maker, OP_clip, &x, 1);
    node->attributes[0].number = 0.25;
    node->attributes[1].number = 3;
    return maker_finish(maker, node);
}

/* Each dimension as it is, or 1. */
static void pick_sizes(Maker *maker, const TensorType *type, int64_t *sizes) {
    for (int i = 0; i < type->rank; i++)
        sizes[i] = chance(maker, 50) ? 1 : type->dims[i];
}

/* With dimensions of x, or of one. */
static Value *make_constant(Maker *maker, OpKind op, Value *x) {
    int64_t dims[MAX_RANK];
    pick_sizes(maker, &x->type, dims);
    Node *node = maker_node(maker, op, NULL, 0);
    maker_weight(maker, node, "value", x->type.rank, dims);
    node_set_list(maker->graph, node, "dims", dims, (size_t)x->type.rank);
    return maker_finish(maker, node);
}

/* Part of x: in some dimensions one index. */
static Value *make_part(Maker *maker, Value *x) {
    int64_t begin[MAX_RANK], step[MAX_RANK], dims[MAX_RANK];
    pick_sizes(maker, &x->type, dims);
    for (int i = 0; i < x->type.rank; i++) {
        begin[i] = dims[i] == 1 ? pick(maker, x->type.dims[i]) : 0;
        step[i] = 1;
    }
    Node *node = maker_node(maker, OP_slice, &x, 1);
    node_set_list(maker->graph, node, "begin", begin, (size_t)x->type.rank);
    node_set_list(maker->graph, node, "step", step, (size_t)x->type.rank);
    node_set_list(maker->graph, node, "dims", dims, (size_t)x->type.rank);
    return maker_finish(maker, node);
}

/* What can stand beside x, and is repeated at times. */
static Value *make_beside(Maker *maker, Value *x) {
    if (chance(maker, 60))
        return pick_alike(maker, x, true);
    if (chance(maker, 50))
        return make_constant(maker, OP_constant, x);
    return make_part(maker, pick_alike(maker, x, true));
}

static Value *make_binary(Maker *maker, OpKind op, Value *x) {
    Value *operands[] = {x, make_beside(maker, x)};
    if (operands[1] == NULL)
        return NULL;
    if (x->type.rank == 4 && chance(maker, 30)) /* per channel */
        operands[1] = make_vector(maker, operands[1]);
    else if (chance(maker, 50)) {
        operands[0] = operands[1];
        operands[1] = x;
    }
    if (op == OP_power)
        operands[0] = make_small(maker, operands[0]);
    if (op == OP_divide || op == OP_power)
        operands[1] = make_small(maker, operands[1]);
    if (operands[0] == NULL || operands[1] == NULL)
        return NULL;
    Node *node = maker_node(maker, op, operands, 2);
    if (node_attribute(node, "activation") != NULL)
        node_set_formula(node, "activation", pick_activation(maker, 40));
    return maker_finish(maker, node);
}

static Value *make_element(Maker *maker, OpKind op, Value *x) {
    if (element_operands(op) == 2)
        return make_binary(maker, op, x);
    if (element_jumps(op) && may_end_at_step(x))
        return NULL;
    if (!is_total(op))
        x = make_small(maker, x);
    if (x == NULL)
        return NULL;
    Node *node = maker_node(maker, op, &x, 1);
    double parameters[MOST_FORMULA_PARAMETERS];
    pick_parameters(maker, op, parameters);
    for (int i = 0; i < element_parameters(op); i++)
        node->attributes[i].number = parameters[i];
    return maker_finish(maker, node);
}

static Value *make_any_linear(Maker *maker, OpKind op, Value *x) {
    if (x->type.rank == 4)
        x = chance(maker, 50) ? make_unary(maker, OP_global_avg_pool, x)
                              : make_unary(maker, OP_flatten, x);
    if (x == NULL || x->type.dims[1] > 512)
        return NULL;
    Node *node = maker_node(maker, op, &x, 1);
    int64_t outputs = pick_channels(maker);
    maker_weight(maker, node, "weight", 2, (int64_t[]){outputs, x->type.dims[1]});
    if (chance(maker, 50))
        maker_weight(maker, node, "bias", 1, &outputs);
    node_set_formula(node, "activation", pick_activation(maker, 20));
    return maker_finish(maker, node);
}

static Value *make_local_response_norm(Maker *maker, OpKind op, Value *x) {
    Node *node = maker_node(maker, op, &x, 1);
    node_set_integer(node, "size", 1 + 2 * pick(maker, 4));
    node_attribute(node, "alpha")->number = chance(maker, 50) ? 1e-4 : 0.3;
    node_attribute(node, "beta")->number = chance(maker, 50) ? 0.75 : 0.5;
    node_attribute(node, "k")->number = chance(maker, 50) ? 1.0 : 2.0;
    return maker_finish(maker, node);
}

static Value *make_reduce(Maker *maker, OpKind op, Value *x) {
    Node *node = maker_node(maker, op, &x, 1);
    int64_t axes[MAX_RANK];
    size_t count = 0;
    for (int i = 0; i < x->type.rank; i++)
        if (chance(maker, i == 0 ? 10 : 50))
            axes[count++] = i;
    if (count == 0)
        axes[count++] = 1;
    node_set_integer(node, "kind", pick(maker, REDUCTION_COUNT));
    node_set_list(maker->graph, node, "axes", axes, count);
    return maker_finish(maker, node);
}

/* Of numbers that nobody computed: else rounding decides which of two is the larger. */
static Value *make_arg_max(Maker *maker, OpKind op, Value *x) {
    while (
        x->producer != NULL && x->producer->operand_count == 1 && op_keeps_numbers(x->producer->op))
        x = x->producer->operands[0];
    if (x->producer != NULL)
        return NULL;
    Node *node = maker_node(maker, op, &x, 1);
    node_set_integer(node, "axis", chance(maker, 50) ? 1 : pick(maker, x->type.rank));
    node_attribute(node, "least")->flag = chance(maker, 40);
    node_attribute(node, "last")->flag = chance(maker, 40);
    return maker_finish(maker, node);
}

/* A formula of up to three operands. */
static Value *make_map(Maker *maker, OpKind op, Value *x) {
    static const char *const texts[] = {"x * sigmoid(y)", "relu(x - 0.5) + 0.25 * z * tanh(y)",
        "maximum(x, minimum(y, z)) * tanh(x)", "0.5 * x * (1 + tanh(x * 0.8))", "1 - x",
        "(x + y) / (1 + abs(z))", "clip(x, -1, 1) * y + y * tanh(z)",
        "softplus(x) - erf(y) * log(1 + abs(z))",
        "power(1 + abs(x), clip(y, -1, 1)) + power(z, 3)"};
    FormulaFault fault;
    const Formula *formula = formula_parse(texts[pick(maker, 9)], 3, maker->graph->arena, &fault);
    Value *operands[3] = {x, make_beside(maker, x), make_beside(maker, x)};
    if (operands[1] == NULL || operands[2] == NULL)
        return NULL;
    if (x->type.rank == 4 && chance(maker, 30))
        operands[1] = make_vector(maker, operands[1]);
    if (operands[1] == NULL)
        return NULL;
    Node *node = maker_node(maker, op, operands, formula->operand_count);
    node_set_formula(node, "formula", formula);
    return maker_finish(maker, node);
}

/* ---- which channel is where ---- */

static Value *make_any_concat(Maker *maker, OpKind op, Value *x) {
    Value *operands[4] = {x};
    int count = (int)pick_between(maker, 1, 4), place = (int)pick(maker, count);
    for (int i = 0; i < count; i++)
        operands[i] = chance(maker, 90) ? pick_alike(maker, x, false) : x;
    operands[place] = x;
    return maker_finish(maker, maker_node(maker, op, operands, count));
}

static Value *make_any_split(Maker *maker, OpKind op, Value *x) {
    int64_t channels = x->type.dims[1], sizes[4], rest = channels;
    int64_t parts = pick_between(maker, 1, channels < 4 ? channels : 4);
    Node *node = maker_node(maker, op, &x, 1);
    if (channels % parts == 0 && chance(maker, 70)) {
        for (int64_t i = 0; i < parts; i++)
            sizes[i] = channels / parts;
        node_attribute(node, "interleaved")->flag = chance(maker, 50);
    } else {
        for (int64_t i = 0; i < parts; i++) {
            int64_t others = parts - 1 - i;
            sizes[i] = others == 0 ? rest : pick_between(maker, 1, rest - others);
            rest -= sizes[i];
        }
    }
    node_set_list(maker->graph, node, "sizes", sizes, (size_t)parts);
    return maker_finish(maker, node);
}

static Value *make_any_shuffle(Maker *maker, OpKind op, Value *x) {
    (void)op;
    return make_shuffle(maker, x, pick_groups(maker, x->type.dims[1]),
        chance(maker, 50) ? SHUFFLE_MEGVII : SHUFFLE_PAPER);
}

static Value *make_any_list(Maker *maker, OpKind op, Value *x) {
    Value *operands[3] = {x};
    int count = op == OP_route ? (int)pick_between(maker, 1, 3) : 1;
    int64_t channels = x->type.dims[1], list[160];
    for (int i = 1; i < count; i++) {
        operands[i] = chance(maker, 85) ? pick_alike(maker, x, false) : x;
        channels += operands[i]->type.dims[1];
    }
    size_t length = pick_list(maker, channels, list, sizeof list / sizeof list[0]);
    return make_op_with_list(maker, op, operands, count, list, length);
}

/* ---- the table ---- */

static MakeOp *const makers[OP_COUNT] = {
    [OP_conv] = make_any_conv,
    [OP_batch_norm] = make_channel_op,
    [OP_bias] = make_channel_op,
#define ELEMENT(name, ...) [OP_##name] = make_element,
#include "ir/elements.def"
    [OP_map] = make_map,
    [OP_constant] = make_constant,
    [OP_concat] = make_any_concat,
    [OP_split] = make_any_split,
    [OP_shuffle] = make_any_shuffle,
    [OP_gather] = make_any_list,
    [OP_route] = make_any_list,
    [OP_rearrange] = make_rearranged,
    [OP_slice] = make_slice,
    [OP_join] = make_join,
    [OP_pad] = make_border,
    [OP_crop] = make_border,
    [OP_resize] = make_resize,
    [OP_take] = make_take,
    [OP_conv_transpose] = make_conv_transpose,
    [OP_max_pool] = make_any_pool,
    [OP_avg_pool] = make_any_pool,
    [OP_global_avg_pool] = make_plain,
    [OP_flatten] = make_plain,
    [OP_unflatten] = make_plain,
    [OP_linear] = make_any_linear,
    [OP_softmax] = make_plain,
    [OP_log_softmax] = make_plain,
    [OP_reduce] = make_reduce,
    [OP_arg_max] = make_arg_max,
    [OP_local_response_norm] = make_local_response_norm,
};

bool make_op_knows(OpKind op) {
    return makers[op] != NULL;
}

Value *make_op(Maker *maker, OpKind op, Value *x) {
    if (x == NULL || makers[op] == NULL || (!has_channels(x) && !op_moves_numbers(op)))
        return NULL;
    return makers[op](maker, op, x);
}
