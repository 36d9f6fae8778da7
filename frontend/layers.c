/* Sizes and weights of the ops that have some: what their arguments mean beyond plain attributes.
 */
#include "frontend/operations.h"

#include <inttypes.h>
#include <string.h>

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
    const CallArgument *argument = operation_argument(call, operation, "shared");
    return !argument || argument_flag(evaluator, call, argument, "shared", shared);
}

static bool read_bias(Evaluator *evaluator, Call *call, const Operation *operation, bool *bias) {
    const CallArgument *argument = operation_argument(call, operation, "bias");
    return !argument || argument_flag(evaluator, call, argument, "bias", bias);
}

/* ---- single operations ---- */

static bool is_image(Evaluator *evaluator, const Call *call, const Node *node) {
    const TensorType *type = &node->operands[0]->type;
    if (type->rank == 4) {
        return true;
    }
    complain(evaluator, call->where, NULL,
        "%s takes a tensor [batch, channels, height, width], not %s", call->name,
        tensor_type_spelling(type, evaluator->arena));
    return false;
}

/* The size of a kernel that must be given. */
static bool read_kernel(
    Evaluator *evaluator, Call *call, const Operation *operation, int64_t kernel[2]) {
    const CallArgument *argument = operation_argument(call, operation, "kernel");
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

static bool check_groups(
    Evaluator *evaluator, const Call *call, int64_t groups, int64_t inputs, int64_t channels) {
    if (inputs % groups == 0 && channels % groups == 0) {
        return true;
    }
    complain(evaluator, call->where, NULL,
        "%" PRId64 " groups do not divide the %" PRId64 " %s channels of %s", groups,
        inputs % groups != 0 ? inputs : channels, inputs % groups != 0 ? "input" : "output",
        call->name);
    return false;
}

static bool finish_conv(Evaluator *evaluator, Call *call, const Operation *operation, Node *node,
    int64_t channels, const int64_t kernel[2]) {
    int64_t inputs = node->operands[0]->type.dims[1], groups = node_integer(node, "groups");
    if (!check_groups(evaluator, call, groups, inputs, channels)) {
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

bool prepare_conv(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    int64_t kernel[2], channels;
    const CallArgument *argument = operation_argument(call, operation, "channels");
    if (!argument) {
        complain(evaluator, call->where, "as in conv(24, 3): 24 channels, kernel 3x3",
            "%s needs a value for 'channels'", call->name);
        return false;
    }
    return argument_integer(evaluator, call, argument, "channels", 1, &channels) &&
           read_kernel(evaluator, call, operation, kernel) && is_image(evaluator, call, node) &&
           finish_conv(evaluator, call, operation, node, channels, kernel);
}

/* The filters that one channel meets stand together, as in PyTorch; no padding keeps the size. */
bool prepare_conv_transpose(
    Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    int64_t kernel[2], channels, groups = node_integer(node, "groups");
    bool bias = false;
    WeightContext context = {evaluator, call, node, false};
    const CallArgument *argument = operation_argument(call, operation, "channels");
    if (!argument) {
        complain(evaluator, call->where, "as in conv_transpose(24, 2, stride = 2)",
            "%s needs a value for 'channels'", call->name);
        return false;
    }
    if (!argument_integer(evaluator, call, argument, "channels", 1, &channels) ||
        !read_kernel(evaluator, call, operation, kernel) || !is_image(evaluator, call, node)) {
        return false;
    }
    int64_t inputs = node->operands[0]->type.dims[1];
    return check_groups(evaluator, call, groups, inputs, channels) &&
           read_shared(evaluator, call, operation, &context.shared) &&
           read_bias(evaluator, call, operation, &bias) &&
           add_weight(
               &context, 0, 4, (int64_t[]){inputs, channels / groups, kernel[0], kernel[1]}) &&
           (!bias || add_weight(&context, 1, 1, &channels));
}

bool prepare_depthwise(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    int64_t kernel[2], multiplier = 1;
    const CallArgument *argument = operation_argument(call, operation, "multiplier");
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

bool prepare_batch_norm(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    return prepare_channel_weights(evaluator, call, operation, node);
}

bool prepare_bias(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    return prepare_channel_weights(evaluator, call, operation, node);
}

bool prepare_constant(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    IntegerList dims = node_list(node, "dims");
    WeightContext context = {evaluator, call, node, false};
    if (dims.count < 1 || dims.count > MAX_RANK) {
        complain(evaluator, call->where, NULL, "constant takes from 1 to %d dimensions, not %zu",
            (int)MAX_RANK, dims.count);
        return false;
    }
    return read_shared(evaluator, call, operation, &context.shared) &&
           add_weight(&context, 0, (int)dims.count, dims.items);
}

bool prepare_linear(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    int64_t channels;
    bool bias = true;
    const TensorType *type = &node->operands[0]->type;
    WeightContext context = {evaluator, call, node, false};
    const CallArgument *argument = operation_argument(call, operation, "channels");
    if (!argument) {
        complain(evaluator, call->where, "as in linear(1000)", "%s needs a value for 'channels'",
            call->name);
        return false;
    }
    if (type->rank == 4 && (type->dims[2] != 1 || type->dims[3] != 1)) {
        complain(evaluator, call->where, "put global_avg_pool or flatten before it",
            "linear takes a tensor [batch, channels], not %s",
            tensor_type_spelling(type, evaluator->arena));
        return false;
    }
    return argument_integer(evaluator, call, argument, "channels", 1, &channels) &&
           read_shared(evaluator, call, operation, &context.shared) &&
           read_bias(evaluator, call, operation, &bias) &&
           add_weight(&context, 0, 2, (int64_t[]){channels, type->dims[1]}) &&
           (!bias || add_weight(&context, 1, 1, &channels));
}

bool prepare_pool(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    (void)operation;
    default_padding(evaluator, call, node, node_list(node, "kernel").items);
    return is_image(evaluator, call, node);
}

/* One number cuts into that many equal parts. */
bool prepare_split(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    const CallArgument *argument = operation_argument(call, operation, "sizes");
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
