/* The ops of ops.def as functions of the language. What is common to all comes from the op table:
 * the attributes are named arguments with the table's defaults. What a user of the language sees on
 * top of that (which arguments may stand without name, sizes instead of weights, padding that keeps
 * the size) is here. */
#include "frontend/evaluate.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

enum { MOST_POSITIONAL = 2, MOST_KNOWN = 24, MANY_TENSORS = 256 };

typedef struct Operation Operation;
typedef bool PrepareNode(Evaluator *evaluator, Call *call, const Operation *operation, Node *node);

struct Operation {
    const char *name;
    OpKind op;
    int operands;                            /* MANY_TENSORS: any number */
    const char *positional[MOST_POSITIONAL]; /* arguments behind the operands */
    const char *extra[4];                    /* named arguments that are no attributes */
    PrepareNode *prepare;                    /* sizes, weights; NULL when attributes say all */
};

static PrepareNode prepare_conv, prepare_depthwise, prepare_batch_norm, prepare_bias,
    prepare_linear, prepare_pool, prepare_split;

static const Operation operations[] = {
    {"conv", OP_conv, 1, {"channels", "kernel"}, {"channels", "kernel", "bias", "shared"},
        prepare_conv},
    {"depthwise", OP_conv, 1, {"kernel", "multiplier"}, {"kernel", "multiplier", "bias", "shared"},
        prepare_depthwise},
    {"batch_norm", OP_batch_norm, 1, {0}, {"shared"}, prepare_batch_norm},
    {"bias", OP_bias, 1, {0}, {"shared"}, prepare_bias},
    {"relu", OP_relu, 1, {0}, {0}, NULL},
    {"relu6", OP_relu6, 1, {0}, {0}, NULL},
    {"sigmoid", OP_sigmoid, 1, {0}, {0}, NULL},
    {"hard_sigmoid", OP_hard_sigmoid, 1, {0}, {0}, NULL},
    {"hard_swish", OP_hard_swish, 1, {0}, {0}, NULL},
    {"add", OP_add, 2, {0}, {0}, NULL},
    {"multiply", OP_multiply, 2, {0}, {0}, NULL},
    {"concat", OP_concat, MANY_TENSORS, {0}, {0}, NULL},
    {"split", OP_split, 1, {"sizes"}, {0}, prepare_split},
    {"shuffle", OP_shuffle, 1, {"groups", "form"}, {0}, NULL},
    {"gather", OP_gather, 1, {"channels"}, {0}, NULL},
    {"route", OP_route, MANY_TENSORS, {0}, {0}, NULL},
    {"max_pool", OP_max_pool, 1, {"kernel", "stride"}, {0}, prepare_pool},
    {"avg_pool", OP_avg_pool, 1, {"kernel", "stride"}, {0}, prepare_pool},
    {"global_avg_pool", OP_global_avg_pool, 1, {0}, {0}, NULL},
    {"flatten", OP_flatten, 1, {0}, {0}, NULL},
    {"linear", OP_linear, 1, {"channels"}, {"channels", "bias", "shared"}, prepare_linear},
    {"softmax", OP_softmax, 1, {0}, {0}, NULL},
    {"local_response_norm", OP_local_response_norm, 1, {"size"}, {0}, NULL},
};

enum { OPERATION_COUNT = sizeof(operations) / sizeof(*operations) };

const char *const *operation_names(void) {
    static const char *const names[] = {"conv", "depthwise", "batch_norm", "bias", "relu", "relu6",
        "sigmoid", "hard_sigmoid", "hard_swish", "add", "multiply", "concat", "split", "shuffle",
        "gather", "route", "max_pool", "avg_pool", "global_avg_pool", "flatten", "linear",
        "softmax", "local_response_norm", NULL};
    _Static_assert(
        sizeof(names) / sizeof(*names) == OPERATION_COUNT + 1, "names of all operations");
    return names;
}

/* ---- attributes ---- */

static Argument *operation_argument(Call *call, const Operation *operation, const char *name) {
    int position = INT_MAX;
    for (int i = 0; i < MOST_POSITIONAL; i++) {
        if (operation->positional[i] && strcmp(operation->positional[i], name) == 0) {
            position = operation->operands + i;
        }
    }
    return find_argument(call, name, position);
}

/* One number stands for rows and columns; two paddings stand for top and bottom, left and right. */
static bool read_pair(
    Evaluator *evaluator, Call *call, const Argument *argument, const char *name, int64_t pair[2]) {
    IntegerList list;
    if (!argument_integers(evaluator, call, argument, name, 1, &list)) {
        return false;
    }
    if (list.count != 1 && list.count != 2) {
        complain(evaluator, argument->where, NULL,
            "'%s' of %s is one number or a list of two, for rows and columns", name, call->name);
        return false;
    }
    pair[0] = list.items[0];
    pair[1] = list.items[list.count - 1];
    return true;
}

static bool read_padding(
    Evaluator *evaluator, Call *call, const Argument *argument, int64_t padding[4]) {
    IntegerList list;
    if (!argument_integers(evaluator, call, argument, "padding", 0, &list)) {
        return false;
    }
    if (list.count != 1 && list.count != 2 && list.count != 4) {
        complain(evaluator, argument->where, NULL,
            "'padding' of %s is one number, [rows, columns] or [top, left, bottom, right]",
            call->name);
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        padding[i] = list.items[i % list.count];
    }
    return true;
}

static bool read_list_attribute(
    Evaluator *evaluator, Call *call, const Argument *argument, const char *name, Node *node) {
    int64_t numbers[4];
    if (strcmp(name, "padding") == 0) {
        if (!read_padding(evaluator, call, argument, numbers)) {
            return false;
        }
        node_set_list(evaluator->graph, node, name, numbers, 4);
        return true;
    }
    if (strcmp(name, "sizes") == 0 || strcmp(name, "channels") == 0) {
        IntegerList list;
        if (!argument_integers(evaluator, call, argument, name, 0, &list)) {
            return false;
        }
        node_set_list(evaluator->graph, node, name, list.items, list.count);
        return true;
    }
    if (!read_pair(evaluator, call, argument, name, numbers)) {
        return false;
    }
    node_set_list(evaluator->graph, node, name, numbers, 2);
    return true;
}

static bool read_attribute(Evaluator *evaluator, Call *call, const Argument *argument,
    const OpAttribute *attribute, Node *node) {
    Attribute *slot = node_attribute(node, attribute->name);
    switch (attribute->kind) {
    case ATTRIBUTE_INTEGER:
        return argument_integer(evaluator, call, argument, attribute->name, 1, &slot->integer);
    case ATTRIBUTE_NUMBER:
        return argument_number(evaluator, call, argument, attribute->name, &slot->number);
    case ATTRIBUTE_FLAG:
        return argument_flag(evaluator, call, argument, attribute->name, &slot->flag);
    case ATTRIBUTE_CHOICE:
        slot->integer = argument_choice(
            evaluator, call, argument, attribute->name, choice_words(attribute->name));
        return slot->integer >= 0;
    case ATTRIBUTE_LIST:
        return read_list_attribute(evaluator, call, argument, attribute->name, node);
    }
    return false;
}

/* A split's sizes and a depthwise convolution's groups follow from other things. */
static bool is_prepared(const Operation *operation, const char *name) {
    return (operation->prepare == prepare_split && strcmp(name, "sizes") == 0) ||
           (operation->prepare == prepare_depthwise && strcmp(name, "groups") == 0);
}

static bool read_attributes(
    Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    const OpInfo *info = op_info(operation->op);
    bool good = true;
    for (int i = 0; i < info->attribute_count; i++) {
        const OpAttribute *attribute = &info->attributes[i];
        if (is_prepared(operation, attribute->name)) {
            continue;
        }
        const Argument *argument = operation_argument(call, operation, attribute->name);
        if (argument) {
            good = read_attribute(evaluator, call, argument, attribute, node) && good;
        } else if (!*attribute->default_text) {
            complain(evaluator, call->where, NULL, "%s needs a value for '%s'", call->name,
                attribute->name);
            good = false;
        }
    }
    return good;
}

/* ---- weights ---- */

typedef struct WeightContext {
    Evaluator *evaluator;
    Call *call;
    Node *node;
    bool shared;
} WeightContext;

static bool add_weight(WeightContext *context, int index, int rank, const int64_t *dims) {
    Evaluator *evaluator = context->evaluator;
    Node *node = context->node;
    TensorType type = tensor_type(rank, dims);
    const char *name = op_info(node->op)->weights[index].name;
    const char *path = arena_format(evaluator->graph->arena, "%s.%s", node->path, name);
    if (tensor_elements(&type) < 0) {
        complain(evaluator, context->call->where, NULL, "the weight '%s' would be too large", path);
        return false;
    }
    const Weight *known = graph_find_weight(evaluator->graph, path);
    if (known && !(context->shared && tensor_type_equal(&known->type, &type))) {
        if (was_reported(evaluator, context->call->where)) {
            return false;
        }
        complain(evaluator, context->call->where,
            context->shared ? NULL
                            : "give the calls paths of their own with '@', or say shared = true",
            context->shared ? "the shared weight '%s' has another shape here"
                            : "the weight '%s' is used already",
            path);
        diagnostics_report(
            evaluator->diagnostics, SEVERITY_NOTE, known->where, NULL, "it is made here");
        return false;
    }
    node->weights[index] = graph_weight(evaluator->graph, path, type, context->call->where);
    return node->weights[index] != NULL;
}

static bool read_shared(
    Evaluator *evaluator, Call *call, const Operation *operation, bool *shared) {
    const Argument *argument = operation_argument(call, operation, "shared");
    return !argument || argument_flag(evaluator, call, argument, "shared", shared);
}

static bool read_bias(Evaluator *evaluator, Call *call, const Operation *operation, bool *bias) {
    const Argument *argument = operation_argument(call, operation, "bias");
    return !argument || argument_flag(evaluator, call, argument, "bias", bias);
}

/* ---- single operations ---- */

static bool is_image(Evaluator *evaluator, const Call *call, const Node *node) {
    const TensorType *type = &node->operands[0]->type;
    if (type->rank == 4) {
        return true;
    }
    Text text = {0};
    tensor_type_print(type, &text);
    complain(evaluator, call->where, NULL,
        "%s takes a tensor [batch, channels, height, width], not %s", call->name, text.data);
    text_free(&text);
    return false;
}

/* The size of a kernel that must be given. */
static bool read_kernel(
    Evaluator *evaluator, Call *call, const Operation *operation, int64_t kernel[2]) {
    const Argument *argument = operation_argument(call, operation, "kernel");
    if (!argument) {
        complain(evaluator, call->where, NULL, "%s needs a value for 'kernel'", call->name);
        return false;
    }
    return read_pair(evaluator, call, argument, "kernel", kernel);
}

/* Without padding of its own an op keeps the size (at stride 1, for odd kernels). */
static void default_padding(Evaluator *evaluator, Call *call, Node *node, const int64_t kernel[2]) {
    for (int i = 0; i < call->count; i++) {
        if (call->arguments[i].name && strcmp(call->arguments[i].name, "padding") == 0) {
            return;
        }
    }
    int64_t dilation[2] = {1, 1};
    if (node->op == OP_conv) {
        IntegerList list = node_list(node, "dilation");
        dilation[0] = list.items[0];
        dilation[1] = list.items[1];
    }
    int64_t rows = (kernel[0] - 1) / 2 * dilation[0], columns = (kernel[1] - 1) / 2 * dilation[1];
    node_set_list(evaluator->graph, node, "padding", (int64_t[]){rows, columns, rows, columns}, 4);
}

static bool finish_conv(Evaluator *evaluator, Call *call, const Operation *operation, Node *node,
    int64_t channels, const int64_t kernel[2]) {
    int64_t inputs = node->operands[0]->type.dims[1], groups = node_integer(node, "groups");
    if (inputs % groups != 0 || channels % groups != 0) {
        complain(evaluator, call->where, NULL,
            "%" PRId64 " groups do not divide the %" PRId64 " %s channels of %s", groups,
            inputs % groups != 0 ? inputs : channels, inputs % groups != 0 ? "input" : "output",
            call->name);
        return false;
    }
    default_padding(evaluator, call, node, kernel);
    bool bias = false;
    WeightContext context = {evaluator, call, node, false};
    return read_shared(evaluator, call, operation, &context.shared) &&
           read_bias(evaluator, call, operation, &bias) &&
           add_weight(
               &context, 0, 4, (int64_t[]){channels, inputs / groups, kernel[0], kernel[1]}) &&
           (!bias || add_weight(&context, 1, 1, &channels));
}

static bool prepare_conv(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    int64_t kernel[2], channels;
    const Argument *argument = operation_argument(call, operation, "channels");
    if (!argument) {
        complain(evaluator, call->where, "as in conv(24, 3): 24 channels, kernel 3x3",
            "%s needs a value for 'channels'", call->name);
        return false;
    }
    return argument_integer(evaluator, call, argument, "channels", 1, &channels) &&
           read_kernel(evaluator, call, operation, kernel) && is_image(evaluator, call, node) &&
           finish_conv(evaluator, call, operation, node, channels, kernel);
}

static bool prepare_depthwise(
    Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    int64_t kernel[2], multiplier = 1;
    const Argument *argument = operation_argument(call, operation, "multiplier");
    if (argument && !argument_integer(evaluator, call, argument, "multiplier", 1, &multiplier)) {
        return false;
    }
    if (!read_kernel(evaluator, call, operation, kernel) || !is_image(evaluator, call, node)) {
        return false;
    }
    int64_t channels = node->operands[0]->type.dims[1];
    node_set_integer(node, "groups", channels);
    if (channels > INT64_MAX / multiplier) {
        return false;
    }
    return finish_conv(evaluator, call, operation, node, channels * multiplier, kernel);
}

static bool prepare_channel_weights(
    Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    WeightContext context = {evaluator, call, node, false};
    bool good = read_shared(evaluator, call, operation, &context.shared);
    for (int i = 0; good && i < op_info(node->op)->weight_count; i++) {
        good = add_weight(&context, i, 1, &node->operands[0]->type.dims[1]);
    }
    return good;
}

static bool prepare_batch_norm(
    Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    return prepare_channel_weights(evaluator, call, operation, node);
}

static bool prepare_bias(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    return prepare_channel_weights(evaluator, call, operation, node);
}

static bool prepare_linear(
    Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    int64_t channels;
    bool bias = true;
    const TensorType *type = &node->operands[0]->type;
    WeightContext context = {evaluator, call, node, false};
    const Argument *argument = operation_argument(call, operation, "channels");
    if (!argument) {
        complain(evaluator, call->where, "as in linear(1000)", "%s needs a value for 'channels'",
            call->name);
        return false;
    }
    if (type->rank == 4 && (type->dims[2] != 1 || type->dims[3] != 1)) {
        Text text = {0};
        tensor_type_print(type, &text);
        complain(evaluator, call->where, "put global_avg_pool or flatten before it",
            "linear takes a tensor [batch, channels], not %s", text.data);
        text_free(&text);
        return false;
    }
    return argument_integer(evaluator, call, argument, "channels", 1, &channels) &&
           read_shared(evaluator, call, operation, &context.shared) &&
           read_bias(evaluator, call, operation, &bias) &&
           add_weight(&context, 0, 2, (int64_t[]){channels, type->dims[1]}) &&
           (!bias || add_weight(&context, 1, 1, &channels));
}

static bool prepare_pool(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    (void)operation;
    default_padding(evaluator, call, node, node_list(node, "kernel").items);
    return is_image(evaluator, call, node);
}

/* One number cuts into that many equal parts. */
static bool prepare_split(
    Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    const Argument *argument = operation_argument(call, operation, "sizes");
    if (!argument) {
        complain(evaluator, call->where, "as in split(x, 2) or split(x, [20, 38])",
            "split needs a number of parts or a list of sizes");
        return false;
    }
    IntegerList list;
    if (!argument_integers(evaluator, call, argument, "sizes", 1, &list)) {
        return false;
    }
    if (argument->value.kind == DATUM_LIST) {
        node_set_list(evaluator->graph, node, "sizes", list.items, list.count);
        return true;
    }
    int64_t parts = list.items[0], channels = node->operands[0]->type.dims[1];
    if (channels % parts != 0) {
        complain(evaluator, call->where, "a list gives the size of each part",
            "%" PRId64 " channels do not split into %" PRId64 " equal parts", channels, parts);
        return false;
    }
    if (parts > LIST_LIMIT || !spend(evaluator, parts, call->where)) {
        return false;
    }
    int64_t *sizes = ARENA_ARRAY(evaluator->graph->arena, int64_t, parts);
    for (int64_t i = 0; i < parts; i++) {
        sizes[i] = channels / parts;
    }
    node_set_list(evaluator->graph, node, "sizes", sizes, (size_t)parts);
    return true;
}

/* ---- operands and results ---- */

static bool take_operand(
    Evaluator *evaluator, const Call *call, SourceRange where, Datum datum, Value **operand) {
    if (datum.kind == DATUM_TENSOR) {
        *operand = datum.tensor;
        return true;
    }
    complain(evaluator, where,
        datum.kind == DATUM_LIST ? "take a list apart with let a, b = ..." : NULL,
        "%s takes a tensor here, not %s", call->name, datum_describe(datum, evaluator->arena));
    return false;
}

/* A known number of tensors in front, or all that stands without name: tensors and lists of them.
 */
static int take_operands(
    Evaluator *evaluator, Call *call, const Operation *operation, Value **operands) {
    int count = 0;
    bool many = operation->operands == MANY_TENSORS;
    for (int i = 0; i < call->count && (many || count < operation->operands); i++) {
        Argument *argument = &call->arguments[i];
        if (argument->name) {
            continue;
        }
        argument->used = true;
        Datum value = argument->value;
        bool list = many && value.kind == DATUM_LIST;
        for (int k = 0; k < (list ? value.count : 1); k++) {
            if (count == MANY_TENSORS) {
                complain(evaluator, call->where, NULL, "%s takes at most %d tensors", call->name,
                    MANY_TENSORS);
                return -1;
            }
            Datum item = list ? value.items[k] : value;
            if (!take_operand(evaluator, call, argument->where, item, &operands[count++])) {
                return -1;
            }
        }
    }
    int least = many ? 1 : operation->operands;
    if (count < least) {
        complain(evaluator, call->where, NULL, "%s needs %s", call->name,
            least == 1 ? "a tensor" : "two tensors");
        return -1;
    }
    return count;
}

static void check_arguments(Evaluator *evaluator, const Call *call, const Operation *operation) {
    const char *known[MOST_KNOWN + 1] = {0};
    int count = 0;
    for (int i = 0; i < 4 && operation->extra[i]; i++) {
        known[count++] = operation->extra[i];
    }
    const OpInfo *info = op_info(operation->op);
    for (int i = 0; i < info->attribute_count && count < MOST_KNOWN; i++) {
        known[count++] = info->attributes[i].name;
    }
    check_unused(evaluator, call, known);
}

/* Where the op's weights are. Without '@', the op's name and its count under the prefix. */
static const char *node_path(Evaluator *evaluator, const Call *call, const Operation *operation) {
    if (call->path || !operation->prepare || op_info(operation->op)->weight_count == 0) {
        return evaluator->prefix->text;
    }
    int number = ++evaluator->prefix->counts[operation->op];
    const char *prefix = evaluator->prefix->text;
    return arena_format(evaluator->graph->arena, "%s%s%s%d", prefix, *prefix ? "." : "",
        op_info(operation->op)->name, number);
}

static Datum finish_node(Evaluator *evaluator, Node *node, SourceRange where) {
    if (was_reported(evaluator, where)) {
        return datum_unknown;
    }
    if (!node_infer(evaluator->graph, node, evaluator->diagnostics)) {
        note_reported(evaluator, where);
        return datum_unknown;
    }
    if (++evaluator->node_count > NODE_LIMIT) {
        complain(evaluator, where, NULL, "the network has more than %d nodes", NODE_LIMIT);
        evaluator->stopped = true;
        return datum_unknown;
    }
    graph_append(evaluator->graph, node);
    if (node->op != OP_split) {
        return datum_tensor(node->results[0]);
    }
    Datum *items = ARENA_ARRAY(evaluator->arena, Datum, node->result_count + 1);
    for (int i = 0; i < node->result_count; i++) {
        items[i] = datum_tensor(node->results[i]);
    }
    return datum_list(items, node->result_count);
}

static Datum build(Evaluator *evaluator, Call *call, const Operation *operation) {
    Value *operands[MANY_TENSORS];
    int count = take_operands(evaluator, call, operation, operands);
    if (count < 0) {
        return datum_unknown;
    }
    Node *node = node_create(evaluator->graph, operation->op, node_path(evaluator, call, operation),
        operands, count, call->where);
    bool good = read_attributes(evaluator, call, operation, node) &&
                (!operation->prepare || operation->prepare(evaluator, call, operation, node));
    if (good) {
        check_arguments(evaluator, call, operation);
    }
    return good ? finish_node(evaluator, node, call->where) : datum_unknown;
}

bool call_operation(Evaluator *evaluator, Call *call, Datum *result) {
    for (int i = 0; i < OPERATION_COUNT; i++) {
        if (strcmp(operations[i].name, call->name) == 0) {
            *result = build(evaluator, call, &operations[i]);
            return true;
        }
    }
    return false;
}

Datum combine_tensors(
    Evaluator *evaluator, OpKind op, Value *left, Value *right, SourceRange where) {
    Value *operands[] = {left, right};
    Node *node = node_create(evaluator->graph, op, evaluator->prefix->text, operands, 2, where);
    return finish_node(evaluator, node, where);
}
