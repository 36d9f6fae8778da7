/* What a plugin can ask about a graph: the first half of riffle/pass.h. */
#include "ir/formula.h"
#include "passes/plugin.h"

#include <string.h>

/* ---- nodes ---- */

static riffle_node *plugin_first_node(riffle_graph *graph) {
    return (riffle_node *)plugin_graph(graph)->first;
}

static riffle_node *plugin_last_node(riffle_graph *graph) {
    return (riffle_node *)plugin_graph(graph)->last;
}

static riffle_node *plugin_next_node(riffle_graph *graph, riffle_node *node) {
    (void)graph;
    return node == NULL ? NULL : (riffle_node *)((Node *)node)->next;
}

static riffle_node *plugin_previous_node(riffle_graph *graph, riffle_node *node) {
    (void)graph;
    return node == NULL ? NULL : (riffle_node *)((Node *)node)->previous;
}

static const char *plugin_op(riffle_graph *graph, riffle_node *node) {
    (void)graph;
    return node == NULL ? "" : op_info(((Node *)node)->op)->name;
}

static bool plugin_is(riffle_graph *graph, riffle_node *node, const char *name) {
    OpKind kind;
    if (op_find(name, &kind))
        return node != NULL && ((Node *)node)->op == kind;
    plugin_misuse(graph, "there is no op '%s'", name);
    return false;
}

static const char *plugin_path(riffle_graph *graph, riffle_node *node) {
    (void)graph;
    return node == NULL ? "" : ((Node *)node)->path;
}

static size_t plugin_operand_count(riffle_graph *graph, riffle_node *node) {
    (void)graph;
    return node == NULL ? 0 : (size_t)((Node *)node)->operand_count;
}

static size_t plugin_result_count(riffle_graph *graph, riffle_node *node) {
    (void)graph;
    return node == NULL ? 0 : (size_t)((Node *)node)->result_count;
}

static riffle_value *item(
    riffle_graph *graph, riffle_node *node, const char *what, size_t index, bool is_operand) {
    const Node *at = (Node *)node;
    if (at == NULL)
        return NULL;
    int count = is_operand ? at->operand_count : at->result_count;
    if (index < (size_t)count)
        return (riffle_value *)(is_operand ? at->operands : at->results)[index];
    plugin_misuse(graph, "there is no %s %zu of %s '%s', which has %d", what, index,
        op_info(at->op)->name, at->path, count);
    return NULL;
}

static riffle_value *plugin_operand(riffle_graph *graph, riffle_node *node, size_t index) {
    return item(graph, node, "operand", index, true);
}

static riffle_value *plugin_result(riffle_graph *graph, riffle_node *node, size_t index) {
    return item(graph, node, "result", index, false);
}

/* ---- values ---- */

static riffle_shape shape_of(const TensorType *type) {
    riffle_shape shape = {.rank = type->rank};
    for (int i = 0; i < type->rank; i++)
        shape.dims[i] = type->dims[i];
    return shape;
}

static riffle_node *plugin_producer(riffle_graph *graph, riffle_value *value) {
    (void)graph;
    return value == NULL ? NULL : (riffle_node *)((Value *)value)->producer;
}

static riffle_shape plugin_shape(riffle_graph *graph, riffle_value *value) {
    (void)graph;
    return value == NULL ? (riffle_shape){0} : shape_of(&((Value *)value)->type);
}

static size_t plugin_use_count(riffle_graph *graph, riffle_value *value) {
    return value == NULL ? 0 : (size_t)graph_use_count(plugin_graph(graph), (Value *)value);
}

static riffle_node *plugin_next_user(riffle_graph *graph, riffle_value *value, riffle_node *after) {
    if (value == NULL)
        return NULL;
    Node *node = after == NULL ? plugin_graph(graph)->first : ((Node *)after)->next;
    for (; node != NULL; node = node->next) {
        for (int i = 0; i < node->operand_count; i++) {
            if (node->operands[i] == (Value *)value)
                return (riffle_node *)node;
        }
    }
    return NULL;
}

static size_t plugin_input_count(riffle_graph *graph) {
    return (size_t)plugin_graph(graph)->input_count;
}

static riffle_value *plugin_input(riffle_graph *graph, size_t index) {
    if (index < plugin_input_count(graph))
        return (riffle_value *)plugin_graph(graph)->inputs[index].value;
    plugin_misuse(graph, "there is no input %zu of the graph, which has %zu", index,
        plugin_input_count(graph));
    return NULL;
}

static size_t plugin_output_count(riffle_graph *graph) {
    return (size_t)plugin_graph(graph)->output_count;
}

static riffle_value *plugin_output(riffle_graph *graph, size_t index) {
    if (index < plugin_output_count(graph))
        return (riffle_value *)plugin_graph(graph)->outputs[index].value;
    plugin_misuse(graph, "there is no output %zu of the graph, which has %zu", index,
        plugin_output_count(graph));
    return NULL;
}

/* ---- attributes ---- */

static const char *const kind_words[] = {
    [ATTRIBUTE_INTEGER] = "integer",
    [ATTRIBUTE_NUMBER] = "number",
    [ATTRIBUTE_LIST] = "list",
    [ATTRIBUTE_CHOICE] = "choice",
    [ATTRIBUTE_FLAG] = "flag",
    [ATTRIBUTE_FORMULA] = "choice",
};

static int attribute_index(riffle_node *node, const char *name) {
    const OpInfo *info = op_info(((Node *)node)->op);
    for (int i = 0; i < info->attribute_count; i++) {
        if (strcmp(info->attributes[i].name, name) == 0)
            return i;
    }
    return -1;
}

Attribute *plugin_attribute(
    riffle_graph *graph, riffle_node *node, const char *name, AttributeKind kind) {
    if (node == NULL)
        return NULL;
    const OpInfo *info = op_info(((Node *)node)->op);
    int index = attribute_index(node, name);
    if (index >= 0 && info->attributes[index].kind == kind)
        return &((Node *)node)->attributes[index];
    if (index < 0)
        plugin_misuse(graph, "%s has no attribute '%s'", info->name, name);
    else
        plugin_misuse(graph, "the attribute '%s' of %s is of the kind %s, not %s", name, info->name,
            kind_words[info->attributes[index].kind], kind_words[kind]);
    return NULL;
}

static bool plugin_has_attribute(riffle_graph *graph, riffle_node *node, const char *name) {
    (void)graph;
    return node != NULL && attribute_index(node, name) >= 0;
}

static int64_t plugin_integer(riffle_graph *graph, riffle_node *node, const char *name) {
    const Attribute *attribute = plugin_attribute(graph, node, name, ATTRIBUTE_INTEGER);
    return attribute == NULL ? 0 : attribute->integer;
}

static double plugin_number(riffle_graph *graph, riffle_node *node, const char *name) {
    const Attribute *attribute = plugin_attribute(graph, node, name, ATTRIBUTE_NUMBER);
    return attribute == NULL ? 0 : attribute->number;
}

static bool plugin_flag(riffle_graph *graph, riffle_node *node, const char *name) {
    const Attribute *attribute = plugin_attribute(graph, node, name, ATTRIBUTE_FLAG);
    return attribute != NULL && attribute->flag;
}

bool plugin_is_formula(riffle_node *node, const char *name) {
    int index = node == NULL ? -1 : attribute_index(node, name);
    return index >= 0 && op_info(((Node *)node)->op)->attributes[index].kind == ATTRIBUTE_FORMULA;
}

static const char *plugin_choice(riffle_graph *graph, riffle_node *node, const char *name) {
    if (plugin_is_formula(node, name))
        return formula_spelling(
            node_formula_attribute((Node *)node, name), plugin_graph(graph)->arena);
    const Attribute *attribute = plugin_attribute(graph, node, name, ATTRIBUTE_CHOICE);
    return attribute == NULL ? "" : choice_words(name)[attribute->integer];
}

static const int64_t *plugin_list(
    riffle_graph *graph, riffle_node *node, const char *name, size_t *count) {
    const Attribute *attribute = plugin_attribute(graph, node, name, ATTRIBUTE_LIST);
    *count = attribute == NULL ? 0 : attribute->list.count;
    return attribute == NULL ? NULL : attribute->list.items;
}

static bool plugin_same_attributes(riffle_graph *graph, riffle_node *node, riffle_node *other) {
    (void)graph;
    const Node *a = (Node *)node, *b = (Node *)other;
    if (a == NULL || b == NULL || a->op != b->op)
        return false;
    const OpInfo *info = op_info(a->op);
    for (int i = 0; i < info->attribute_count; i++) {
        if (!op_attribute_equal(info->attributes[i].kind, &a->attributes[i], &b->attributes[i]))
            return false;
    }
    return true;
}

/* ---- weights ---- */

int plugin_weight_index(riffle_graph *graph, riffle_node *node, const char *name) {
    const OpInfo *info = op_info(((Node *)node)->op);
    for (int i = 0; i < info->weight_count; i++) {
        if (strcmp(info->weights[i].name, name) == 0)
            return i;
    }
    plugin_misuse(graph, "%s has no weight '%s'", info->name, name);
    return -1;
}

static riffle_weight *plugin_weight(riffle_graph *graph, riffle_node *node, const char *name) {
    int index = node == NULL ? -1 : plugin_weight_index(graph, node, name);
    return index < 0 ? NULL : (riffle_weight *)((Node *)node)->weights[index];
}

static const char *plugin_weight_path(riffle_graph *graph, riffle_weight *of) {
    (void)graph;
    return of == NULL ? "" : ((Weight *)of)->path;
}

static riffle_shape plugin_weight_shape(riffle_graph *graph, riffle_weight *of) {
    (void)graph;
    return of == NULL ? (riffle_shape){0} : shape_of(&((Weight *)of)->type);
}

static const float *plugin_weight_data(riffle_graph *graph, riffle_weight *of) {
    (void)graph;
    return of == NULL ? NULL : ((Weight *)of)->data;
}

/* ---- options ---- */

static const PassOptionValue *option(riffle_graph *graph, const char *name, PassOptionKind kind) {
    const PipelineStep *step = plugin_run(graph)->context->step;
    for (int i = 0; i < step->pass->option_count; i++) {
        if (strcmp(step->pass->options[i].name, name) == 0 && step->pass->options[i].kind == kind)
            return &step->values[i];
    }
    plugin_misuse(graph, "it has no option '%s' of that kind", name);
    return NULL;
}

static int64_t plugin_option_integer(riffle_graph *graph, const char *name) {
    const PassOptionValue *value = option(graph, name, PASS_OPTION_INTEGER);
    return value == NULL ? 0 : value->integer;
}

static double plugin_option_number(riffle_graph *graph, const char *name) {
    const PassOptionValue *value = option(graph, name, PASS_OPTION_NUMBER);
    return value == NULL ? 0 : value->number;
}

static bool plugin_option_flag(riffle_graph *graph, const char *name) {
    const PassOptionValue *value = option(graph, name, PASS_OPTION_FLAG);
    return value != NULL && value->flag;
}

void plugin_add_questions(riffle_graph *functions) {
    functions->first_node = plugin_first_node;
    functions->last_node = plugin_last_node;
    functions->next_node = plugin_next_node;
    functions->previous_node = plugin_previous_node;
    functions->op = plugin_op;
    functions->is = plugin_is;
    functions->path = plugin_path;
    functions->operand_count = plugin_operand_count;
    functions->operand = plugin_operand;
    functions->result_count = plugin_result_count;
    functions->result = plugin_result;
    functions->producer = plugin_producer;
    functions->shape = plugin_shape;
    functions->use_count = plugin_use_count;
    functions->next_user = plugin_next_user;
    functions->input_count = plugin_input_count;
    functions->input = plugin_input;
    functions->output_count = plugin_output_count;
    functions->output = plugin_output;
    functions->has_attribute = plugin_has_attribute;
    functions->integer = plugin_integer;
    functions->number = plugin_number;
    functions->flag = plugin_flag;
    functions->choice = plugin_choice;
    functions->list = plugin_list;
    functions->same_attributes = plugin_same_attributes;
    functions->weight = plugin_weight;
    functions->weight_path = plugin_weight_path;
    functions->weight_shape = plugin_weight_shape;
    functions->weight_data = plugin_weight_data;
    functions->option_integer = plugin_option_integer;
    functions->option_number = plugin_option_number;
    functions->option_flag = plugin_option_flag;
}
