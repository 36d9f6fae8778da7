/* A graph written as a spec, for graphs that came from elsewhere: flat, every layer with its path.
 * Chains of ops become pipes; what is read more than once, or beside another tensor, has a name. */
#include "frontend/frontend.h"
#include "frontend/operations.h"
#include "frontend/syntax.h"
#include "ir/formula.h"
#include "ir/name_map.h"
#include "ir/names.h"
#include "ir/quote.h"

#include <inttypes.h>
#include <string.h>

enum { LONGEST_PIPE = 24 }; /* stages, for those who read it */

typedef struct SpecWriter {
    const Graph *graph;
    Arena *arena;
    Text *text;
    int *uses;            /* by value id */
    const char **names;   /* by value id; NULL for those inside a pipe */
    const Node **readers; /* by value id: the last node that reads it */
    int *stages;          /* by value id: the length of the pipe that ends in it */
    NameMap *taken;
    NameMap *weights; /* paths of the weights written so far */
} SpecWriter;

/* ---- names ---- */

static bool is_op_name(const char *name) {
    for (const char *const *known = operation_names(); *known != NULL; known++)
        if (strcmp(*known, name) == 0)
            return true;
    return false;
}

static const char *name_value(SpecWriter *writer, const Value *value) {
    const char *base = value->name == NULL ? "x" : value->name;
    if (is_op_name(base) || is_keyword(base))
        name_map_take(writer->taken, base, 1);
    const char *name = name_map_take(writer->taken, base, 1);
    writer->names[value->id] = name;
    return name;
}

/* ---- arguments ---- */

static void append_list(Text *text, const int64_t *items, size_t count) {
    text_append(text, "[");
    for (size_t i = 0; i < count; i++)
        text_format(text, i > 0 ? ", %" PRId64 : "%" PRId64, items[i]);
    text_append(text, "]");
}

static bool all_equal(IntegerList list) {
    for (size_t i = 1; i < list.count; i++)
        if (list.items[i] != list.items[0])
            return false;
    return list.count > 0;
}

/* The shortest spelling: one number for equal ones, two for equal sides, a range for a run. */
static void append_short_list(Text *text, const char *name, IntegerList list) {
    bool sides = strcmp(name, "padding") == 0 || strcmp(name, "margins") == 0;
    bool indices =
        strcmp(name, "channels") == 0 || strcmp(name, "rows") == 0 || strcmp(name, "columns") == 0;
    bool run = indices && list.count > 2;
    bool pair = sides || strcmp(name, "kernel") == 0 || strcmp(name, "stride") == 0 ||
                strcmp(name, "dilation") == 0 || strcmp(name, "scale") == 0 ||
                strcmp(name, "size") == 0 || strcmp(name, "output_padding") == 0;
    for (size_t i = 1; run && i < list.count; i++)
        run = list.items[i] == list.items[i - 1] + 1;
    if (run)
        text_format(text, "%" PRId64 " .. %" PRId64, list.items[0], list.items[list.count - 1] + 1);
    else if (strcmp(name, "sizes") == 0 && all_equal(list))
        text_format(text, "%zu", list.count);
    else if (pair && all_equal(list))
        text_format(text, "%" PRId64, list.items[0]);
    else if (sides && list.items[0] == list.items[2] && list.items[1] == list.items[3])
        append_list(text, list.items, 2);
    else
        append_list(text, list.items, list.count);
}

/* One element of x that takes no numbers is a function's name. */
static void append_formula(Text *text, const Formula *formula) {
    Text plain = {0};
    formula_print(formula, &plain);
    text_format(text, is_identifier(plain.data) ? "%s" : "\"%s\"", plain.data);
    text_free(&plain);
}

static void append_attribute(Text *text, const OpAttribute *info, const Attribute *attribute) {
    switch (info->kind) {
    case ATTRIBUTE_INTEGER:
        text_format(text, "%" PRId64, attribute->integer);
        return;
    case ATTRIBUTE_NUMBER:
        text_append_double(text, attribute->number);
        return;
    case ATTRIBUTE_LIST:
        append_short_list(text, info->name, attribute->list);
        return;
    case ATTRIBUTE_CHOICE:
        text_append(text, choice_words(info->name)[attribute->integer]);
        return;
    case ATTRIBUTE_FLAG:
        text_append(text, attribute->flag ? "true" : "false");
        return;
    case ATTRIBUTE_FORMULA:
        append_formula(text, attribute->formula);
        return;
    }
}

static bool keeps_channels_apart(const Node *node) {
    int64_t groups = node->op == OP_conv ? node_integer(node, "groups") : 1;
    return groups > 1 && groups == node->operands[0]->type.dims[1];
}

/* The padding that an op of the language has without being told: it keeps the size. */
static bool has_usual_padding(const Node *node) {
    int64_t kernel[2], dilation[2] = {1, 1};
    if (node->op == OP_conv) {
        memcpy(kernel, node->weights[0]->type.dims + 2, sizeof kernel);
        memcpy(dilation, node_list(node, "dilation").items, sizeof dilation);
    } else {
        memcpy(kernel, node_list(node, "kernel").items, sizeof kernel);
    }
    bool usual = true;
    for (int i = 0; i < 4; i++)
        usual = usual &&
                node_list(node, "padding").items[i] == (kernel[i % 2] - 1) / 2 * dilation[i % 2];
    return usual;
}

static bool is_left_out(const Node *node, const OpAttribute *info, const Attribute *attribute,
    const Attribute *standard) {
    bool window = node->op == OP_conv || node->op == OP_max_pool || node->op == OP_avg_pool;
    if (window && strcmp(info->name, "padding") == 0)
        return has_usual_padding(node);
    if (keeps_channels_apart(node) && strcmp(info->name, "groups") == 0)
        return true;
    return *info->default_text != '\0' && op_attribute_equal(info->kind, attribute, standard);
}

/* Attributes that must be given stand first, without names; the rest by name. */
static void append_attributes(SpecWriter *writer, const Node *node, const char *separator) {
    const OpInfo *info = op_info(node->op);
    for (int required = 1; required >= 0; required--) {
        for (int i = 0; i < info->attribute_count; i++) {
            const OpAttribute *one = &info->attributes[i];
            Attribute standard = op_attribute_default(one, writer->arena);
            if ((*one->default_text == '\0') != required ||
                is_left_out(node, one, &node->attributes[i], &standard))
                continue;
            text_append(writer->text, separator);
            separator = ", ";
            if (!required || one->kind == ATTRIBUTE_FORMULA || node->op == OP_route ||
                node->op == OP_join) /* behind any number of tensors */
                text_format(writer->text, "%s = ", one->name);
            append_attribute(writer->text, one, &node->attributes[i]);
        }
    }
}

/* Channels and kernel of ops whose sizes are those of their weights. */
static const char *append_sizes(SpecWriter *writer, const Node *node) {
    const int64_t *dims = node->weights[0] == NULL ? NULL : node->weights[0]->type.dims;
    Text *text = writer->text;
    if (node->op == OP_linear) {
        text_format(text, "%" PRId64, dims[0]);
        return ", ";
    }
    if (node->op == OP_conv_transpose) {
        text_format(text, "%" PRId64 ", ", dims[1] * node_integer(node, "groups"));
        append_short_list(text, "kernel", (IntegerList){dims + 2, 2});
        return ", ";
    }
    if (node->op != OP_conv)
        return "";
    if (!keeps_channels_apart(node))
        text_format(text, "%" PRId64 ", ", dims[0]);
    append_short_list(text, "kernel", (IntegerList){dims + 2, 2});
    if (keeps_channels_apart(node) && dims[0] != node->operands[0]->type.dims[1])
        text_format(text, ", %" PRId64, dims[0] / node->operands[0]->type.dims[1]);
    return ", ";
}

/* Whether the op has weights of an earlier one; notes them as written. */
static bool is_shared(SpecWriter *writer, const Node *node) {
    bool shared = false;
    for (int i = 0; i < MAX_OP_WEIGHTS; i++) {
        const Weight *weight = node->weights[i];
        if (weight == NULL)
            continue;
        shared = shared || name_map_find(writer->weights, weight->path) != NULL;
        name_map_put(writer->weights, weight->path, writer);
    }
    return shared;
}

static bool is_in_order(IntegerList list) {
    bool in_order = true;
    for (size_t i = 0; i < list.count; i++)
        in_order = in_order && list.items[i] == (int64_t)i;
    return in_order;
}

/* Whether dimensions, as they are, are put in another order, and no more. */
static bool permutes(const Node *node) {
    const TensorType *from = &node->operands[0]->type, *to = &node->results[0]->type;
    IntegerList factors = node_list(node, "factors"), order = node_list(node, "order");
    bool plain = factors.count == (size_t)from->rank && order.count == factors.count &&
                 to->rank == from->rank;
    for (int i = 0; plain && i < from->rank; i++)
        plain = factors.items[i] == from->dims[i] && order.items[i] >= 0 &&
                to->dims[i] == from->dims[order.items[i]];
    return plain;
}

/* A rearrange by its simplest name; false where it has none. */
static bool append_simple(SpecWriter *writer, const Node *node) {
    int64_t rows, columns;
    if (node->op != OP_rearrange)
        return false;
    if (node_repeats_pixels(node, &rows, &columns)) {
        text_append(writer->text, "upsample(");
        append_short_list(
            writer->text, "scale", (IntegerList){(const int64_t[]){rows, columns}, 2});
    } else if (is_in_order(node_list(node, "order"))) {
        text_append(writer->text, "reshape(");
        append_list(writer->text, node_list(node, "dims").items, node_list(node, "dims").count);
    } else if (permutes(node)) {
        text_append(writer->text, "permute(");
        append_list(writer->text, node_list(node, "order").items, node_list(node, "order").count);
    } else {
        return false;
    }
    text_append(writer->text, ")");
    return true;
}

/* "conv(58, 1, bias = true) @ stage2.0.conv", without the operand. */
static void append_stage(SpecWriter *writer, const Node *node) {
    Text *text = writer->text;
    if (append_simple(writer, node))
        return;
    const char *name = keeps_channels_apart(node) ? "depthwise" : op_info(node->op)->name;
    size_t begin = text->length;
    text_format(text, "%s(", name);
    size_t open = text->length;
    const char *separator = append_sizes(writer, node);
    append_attributes(writer, node, separator);
    bool convolves = node->op == OP_conv || node->op == OP_conv_transpose;
    if (convolves && node->weights[1] != NULL)
        text_append(text, ", bias = true");
    if (node->op == OP_linear && node->weights[1] == NULL)
        text_append(text, ", bias = false");
    if (is_shared(writer, node))
        text_append(text, text->length == open ? "shared = true" : ", shared = true");
    if (text->length == open) { /* no arguments: the name alone */
        text->length = begin;
        text_append(text, name);
    } else {
        text_append(text, ")");
    }
    if (op_info(node->op)->weight_count > 0)
        text_format(text, " @ %s", node->path);
}

/* ---- expressions ---- */

/* Whether it stands at the head of a pipe. */
static bool begins_pipe(const Node *node) {
    return node->operand_count != 1 || node->op == OP_concat || node->op == OP_route ||
           node->op == OP_join;
}

/* An op of several tensors: "a + b", "concat(a, b)"; or of none. */
static void append_joined(SpecWriter *writer, const Node *node) {
    Text *text = writer->text;
    if (node->operand_count == 0) {
        append_stage(writer, node);
        return;
    }
    bool sum = node->op == OP_add && node_formula_attribute(node, "activation") == NULL;
    bool product = node->op == OP_multiply && node_formula_attribute(node, "activation") == NULL;
    bool infix = sum || product;
    if (!infix)
        text_format(text, "%s(", op_info(node->op)->name);
    for (int i = 0; i < node->operand_count; i++) {
        if (i > 0)
            text_append(text, sum ? " + " : product ? " * " : ", ");
        text_append(text, writer->names[node->operands[i]->id]);
    }
    if (infix)
        return;
    append_attributes(writer, node, ", ");
    text_append(text, ")");
}

static void append_value(SpecWriter *writer, const Value *value) {
    if (writer->names[value->id] != NULL) {
        text_append(writer->text, writer->names[value->id]);
        return;
    }
    /* the stages of the pipe, from its end to its beginning */
    int count = 0;
    for (const Value *at = value; writer->names[at->id] == NULL; count++) {
        if (begins_pipe(at->producer))
            break;
        at = at->producer->operands[0];
    }
    const Node **stages = ARENA_ARRAY(writer->arena, const Node *, count + 1);
    const Value *head = value;
    for (int i = count - 1; i >= 0; i--) {
        stages[i] = head->producer;
        head = head->producer->operands[0];
    }
    if (writer->names[head->id] != NULL)
        text_append(writer->text, writer->names[head->id]);
    else
        append_joined(writer, head->producer);
    for (int i = 0; i < count; i++) {
        text_append(writer->text, " |> ");
        append_stage(writer, stages[i]);
    }
}

/* ---- statements ---- */

static const Value *output_value(const SpecWriter *writer, const Value *value) {
    for (int i = 0; i < writer->graph->output_count; i++)
        if (writer->graph->outputs[i].value == value)
            return value;
    return NULL;
}

/* Whether the value is read once, by the next stage of its pipe or as an output. */
static bool goes_into_pipe(const SpecWriter *writer, const Value *value) {
    if (writer->uses[value->id] != 1)
        return false;
    const Node *reader = writer->readers[value->id];
    if (writer->stages[value->id] >= LONGEST_PIPE)
        return false;
    return output_value(writer, value) != NULL ||
           (reader != NULL && !begins_pipe(reader) && reader->op != OP_split);
}

static void append_split(SpecWriter *writer, const Node *node) {
    text_append(writer->text, "let ");
    for (int i = 0; i < node->result_count; i++) {
        bool used = writer->uses[node->results[i]->id] > 0;
        text_format(writer->text, "%s%s", i > 0 ? ", " : "",
            used ? name_value(writer, node->results[i]) : "_");
    }
    text_append(writer->text, " = ");
    append_value(writer, node->operands[0]);
    text_append(writer->text, " |> ");
    append_stage(writer, node);
    text_append(writer->text, "\n");
}

static void append_node(SpecWriter *writer, const Node *node) {
    if (!begins_pipe(node) && writer->names[node->operands[0]->id] == NULL)
        writer->stages[node->results[0]->id] = writer->stages[node->operands[0]->id] + 1;
    if (node->op == OP_split) {
        append_split(writer, node);
    } else if (!goes_into_pipe(writer, node->results[0])) {
        size_t begin = writer->text->length;
        append_value(writer, node->results[0]);
        const char *value = arena_copy_string(writer->arena, writer->text->data + begin);
        writer->text->length = begin;
        text_format(writer->text, "let %s = %s\n", name_value(writer, node->results[0]), value);
    }
}

static void append_input(SpecWriter *writer, const GraphInput *input) {
    const Value *value = input->value;
    text_format(writer->text, "input %s: ", name_value(writer, value));
    tensor_type_print(&value->type, writer->text);
    text_append(writer->text, input->layout == LAYOUT_NHWC ? " nhwc\n" : "\n");
}

static void append_output(SpecWriter *writer, const GraphOutput *output) {
    text_format(
        writer->text, "output %s%s = ", output->name, output->layout == LAYOUT_NHWC ? " nhwc" : "");
    append_value(writer, output->value);
    text_append(writer->text, "\n");
}

static void note_readers(SpecWriter *writer) {
    for (const Node *node = writer->graph->first; node != NULL; node = node->next)
        for (int i = 0; i < node->operand_count; i++)
            writer->readers[node->operands[i]->id] = node;
}

void graph_print_spec(const Graph *graph, const char *comment, Text *text) {
    Arena *arena = arena_create();
    int values = graph->next_value_id + 1;
    SpecWriter writer = {.graph = graph,
        .arena = arena,
        .text = text,
        .uses = graph_use_counts(graph, arena),
        .names = ARENA_ARRAY(arena, const char *, values),
        .readers = ARENA_ARRAY(arena, const Node *, values),
        .stages = ARENA_ARRAY(arena, int, values),
        .taken = name_map_create(arena),
        .weights = name_map_create(arena)};
    note_readers(&writer);
    text_append(text, "# ");
    quote_append(text, comment);
    text_format(text, "\nnetwork %s {\n", graph->name);
    for (int i = 0; i < graph->input_count; i++)
        append_input(&writer, &graph->inputs[i]);
    text_append(text, "\n");
    for (const Node *node = graph->first; node != NULL; node = node->next)
        append_node(&writer, node);
    for (int i = 0; i < graph->output_count; i++)
        append_output(&writer, &graph->outputs[i]);
    text_append(text, "}\n");
    arena_destroy(arena);
}
