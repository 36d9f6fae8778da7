/* The ops of ops.def as functions of the language. What is common to all comes from the op table:
 * the attributes are named arguments with the table's defaults. What a user of the language sees on
 * top of that (which arguments may stand without name, sizes instead of weights, padding that keeps
 * the size) is here. */
#include "frontend/operations.h"
#include "ir/formula.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

static const Operation operations[] = {
    {"conv", OP_conv, 1, {"channels", "kernel"}, {"channels", "kernel", "bias", "shared"},
        prepare_conv},
    {"depthwise", OP_conv, 1, {"kernel", "multiplier"}, {"kernel", "multiplier", "bias", "shared"},
        prepare_depthwise},
    {"conv_transpose", OP_conv_transpose, 1, {"channels", "kernel"},
        {"channels", "kernel", "bias", "shared"}, prepare_conv_transpose},
    {"batch_norm", OP_batch_norm, 1, {0}, {"shared"}, prepare_batch_norm},
    {"bias", OP_bias, 1, {0}, {"shared"}, prepare_bias},
#define ELEMENT(name, operands, ...) {#name, OP_##name, operands, {0}, {0}, NULL},
#include "ir/elements.def"
    {"map", OP_map, MANY_TENSORS, {0}, {0}, NULL},
    {"constant", OP_constant, 0, {"dims"}, {"shared"}, prepare_constant},
    {"concat", OP_concat, MANY_TENSORS, {0}, {0}, NULL},
    {"split", OP_split, 1, {"sizes"}, {0}, prepare_split},
    {"shuffle", OP_shuffle, 1, {"groups", "form"}, {0}, NULL},
    {"gather", OP_gather, 1, {"channels"}, {0}, NULL},
    {"route", OP_route, MANY_TENSORS, {0}, {0}, NULL},
    {"permute", OP_rearrange, 1, {"order"}, {"order"}, prepare_permute},
    {"reshape", OP_rearrange, 1, {"dims"}, {"dims"}, prepare_reshape},
    {"upsample", OP_rearrange, 1, {"scale"}, {"scale"}, prepare_upsample},
    {"depth_to_space", OP_rearrange, 1, {"size"}, {"size"}, prepare_depth_to_space},
    {"space_to_depth", OP_rearrange, 1, {"size"}, {"size"}, prepare_space_to_depth},
    {"rearrange", OP_rearrange, 1, {"factors", "order", "dims"}, {0}, NULL},
    {"slice", OP_slice, 1, {"begin", "step", "dims"}, {0}, NULL},
    {"join", OP_join, MANY_TENSORS, {0}, {0}, NULL},
    {"pad", OP_pad, 1, {"padding"}, {0}, NULL},
    {"crop", OP_crop, 1, {"margins"}, {0}, NULL},
    {"resize", OP_resize, 1, {"size"}, {0}, NULL},
    {"take", OP_take, 1, {"rows", "columns"}, {0}, NULL},
    {"pad_reflect", OP_take, 1, {"padding"}, {"padding"}, prepare_pad_reflect},
    {"pad_edge", OP_take, 1, {"padding"}, {"padding"}, prepare_pad_edge},
    {"pad_around", OP_take, 1, {"padding"}, {"padding"}, prepare_pad_around},
    {"max_pool", OP_max_pool, 1, {"kernel", "stride"}, {0}, prepare_pool},
    {"avg_pool", OP_avg_pool, 1, {"kernel", "stride"}, {0}, prepare_pool},
    {"global_avg_pool", OP_global_avg_pool, 1, {0}, {0}, NULL},
    {"flatten", OP_flatten, 1, {0}, {0}, NULL},
    {"unflatten", OP_unflatten, 1, {0}, {0}, NULL},
    {"linear", OP_linear, 1, {"channels"}, {"channels", "bias", "shared"}, prepare_linear},
    {"softmax", OP_softmax, 1, {0}, {0}, NULL},
    {"log_softmax", OP_log_softmax, 1, {0}, {0}, NULL},
    {"reduce", OP_reduce, 1, {"axes", "kind"}, {0}, NULL},
    {"arg_max", OP_arg_max, 1, {"axis"}, {0}, NULL},
    {"local_response_norm", OP_local_response_norm, 1, {"size"}, {0}, NULL},
};

enum { OPERATION_COUNT = sizeof(operations) / sizeof(*operations) };

const char *const *operation_names(void) {
    static const char *const names[] = {"conv", "depthwise", "conv_transpose", "batch_norm", "bias",
#define ELEMENT(name, ...) #name,
#include "ir/elements.def"
        "map", "constant", "concat", "split", "shuffle", "gather", "route", "permute", "reshape",
        "upsample", "depth_to_space", "space_to_depth", "rearrange", "slice", "join", "pad", "crop",
        "resize", "take", "pad_reflect", "pad_edge", "pad_around", "max_pool", "avg_pool",
        "global_avg_pool", "flatten", "unflatten", "linear", "softmax", "log_softmax", "reduce",
        "arg_max", "local_response_norm", NULL};
    _Static_assert(
        sizeof(names) / sizeof(*names) == OPERATION_COUNT + 1, "names of all operations");
    return names;
}

/* ---- attributes ---- */

CallArgument *operation_argument(Call *call, const Operation *operation, const char *name) {
    int position = INT_MAX;
    for (int i = 0; i < MOST_POSITIONAL; i++) {
        if (operation->positional[i] && strcmp(operation->positional[i], name) == 0) {
            position = operation->operands + i;
        }
    }
    /* the numbers of an element-wise op stand behind its operands, in order */
    const OpInfo *info = op_info(operation->op);
    for (int i = 0; op_is_element(info->op) && i < element_parameters(info->op); i++) {
        if (strcmp(info->attributes[i].name, name) == 0) {
            position = operation->operands + i;
        }
    }
    return find_argument(call, name, position);
}

/* One number stands for rows and columns; two paddings stand for top and bottom, left and right. */
bool read_pair(Evaluator *evaluator, Call *call, const CallArgument *argument, const char *name,
    int64_t pair[2]) {
    IntegerList list;
    int64_t least = strcmp(name, "output_padding") == 0 ? 0 : 1;
    if (!argument_integers(evaluator, call, argument, name, least, &list)) {
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

/* Of attributes that are lists, those of a number for rows and one for columns. */
static bool is_pair(const char *name) {
    static const char *const pairs[] = {
        "kernel", "stride", "dilation", "output_padding", "size", NULL};
    int i = 0;
    while (pairs[i] && strcmp(pairs[i], name) != 0) {
        i++;
    }
    return pairs[i];
}

bool read_sides(Evaluator *evaluator, Call *call, const CallArgument *argument, const char *name,
    int64_t sides[4]) {
    IntegerList list;
    if (!argument_integers(evaluator, call, argument, name, 0, &list)) {
        return false;
    }
    if (list.count != 1 && list.count != 2 && list.count != 4) {
        complain(evaluator, argument->where, NULL,
            "'%s' of %s is one number, [rows, columns] or [top, left, bottom, right]", name,
            call->name);
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        sides[i] = list.items[i % list.count];
    }
    return true;
}

static bool read_list_attribute(
    Evaluator *evaluator, Call *call, const CallArgument *argument, const char *name, Node *node) {
    int64_t numbers[4];
    if (strcmp(name, "padding") == 0 || strcmp(name, "margins") == 0) {
        if (!read_sides(evaluator, call, argument, name, numbers)) {
            return false;
        }
        node_set_list(evaluator->graph, node, name, numbers, 4);
        return true;
    }
    if (!is_pair(name)) {
        IntegerList list;
        int64_t least = strcmp(name, "order") == 0 ? INT32_MIN : 0; /* negative ones repeat */
        if (!argument_integers(evaluator, call, argument, name, least, &list)) {
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

static bool read_attribute(Evaluator *evaluator, Call *call, const CallArgument *argument,
    const OpAttribute *attribute, Node *node) {
    Attribute *slot = node_attribute(node, attribute->name);
    switch (attribute->kind) {
    case ATTRIBUTE_INTEGER:
        return argument_integer(evaluator, call, argument, attribute->name,
            strcmp(attribute->name, "axis") == 0 ? 0 : 1, &slot->integer);
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
    case ATTRIBUTE_FORMULA:
        return argument_formula(evaluator, call, argument, attribute->name,
            node->op == OP_map ? MOST_FORMULA_OPERANDS : 1, &slot->formula);
    }
    return false;
}

/* What the compiler chooses, what a simpler name says in another way, and a depthwise convolution's
 * groups: its channels. */
static bool is_hidden(const Operation *operation, const char *name) {
    bool derived = operation->op == OP_rearrange || operation->op == OP_take;
    bool counted = operation->prepare == prepare_depthwise && strcmp(name, "groups") == 0;
    return strcmp(name, "result") == 0 || (derived && operation->prepare) || counted;
}

/* A split's sizes are read by what prepares it. */
static bool is_prepared(const Operation *operation, const char *name) {
    return is_hidden(operation, name) ||
           (operation->prepare == prepare_split && strcmp(name, "sizes") == 0);
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
        const CallArgument *argument = operation_argument(call, operation, attribute->name);
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
        CallArgument *argument = &call->arguments[i];
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

typedef bool LeavesOut(const Operation *operation, const char *name);

static int list_arguments(
    const Operation *operation, LeavesOut *leaves_out, const char **names, int most) {
    int count = 0;
    for (int i = 0; i < 4 && operation->extra[i] && count < most; i++) {
        names[count++] = operation->extra[i];
    }
    const OpInfo *info = op_info(operation->op);
    for (int i = 0; i < info->attribute_count && count < most; i++) {
        if (!leaves_out(operation, info->attributes[i].name)) {
            names[count++] = info->attributes[i].name;
        }
    }
    return count;
}

static void check_arguments(Evaluator *evaluator, const Call *call, const Operation *operation) {
    const char *known[MOST_KNOWN + 1] = {0};
    list_arguments(operation, is_hidden, known, MOST_KNOWN);
    check_unused(evaluator, call, known);
}

static const Operation *find_operation(const char *name) {
    for (int i = 0; i < OPERATION_COUNT; i++) {
        if (strcmp(operations[i].name, name) == 0) {
            return &operations[i];
        }
    }
    return NULL;
}

bool operation_op(const char *name, OpKind *op) {
    const Operation *operation = find_operation(name);
    *op = operation ? operation->op : OP_COUNT;
    return operation;
}

int operation_positional(const char *name, const char *names[MOST_POSITIONAL]) {
    const Operation *operation = find_operation(name);
    int count = 0;
    while (operation && count < MOST_POSITIONAL && operation->positional[count]) {
        names[count] = operation->positional[count];
        count++;
    }
    return count;
}

int operation_arguments(const char *name, const char **names, int most) {
    const Operation *operation = find_operation(name);
    return operation ? list_arguments(operation, is_prepared, names, most) : 0;
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

static Datum finish_operation(Evaluator *evaluator, Node *node, SourceRange where) {
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
    return good ? finish_operation(evaluator, node, call->where) : datum_unknown;
}

/* Some names stand for functions of numbers, too. */
static bool is_of_numbers(const Call *call) {
    return call->count > 0 && datum_is_numeric(call->arguments[0].value) && is_builtin(call->name);
}

bool call_operation(Evaluator *evaluator, Call *call, Datum *result) {
    const Operation *operation = is_of_numbers(call) ? NULL : find_operation(call->name);
    if (operation) {
        *result = build(evaluator, call, operation);
    }
    return operation;
}

Datum combine_tensors(
    Evaluator *evaluator, OpKind op, Value *left, Value *right, SourceRange where) {
    Value *operands[] = {left, right};
    Node *node = node_create(evaluator->graph, op, evaluator->prefix->text, operands, 2, where);
    return finish_operation(evaluator, node, where);
}
