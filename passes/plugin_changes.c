/* What a plugin can do to a graph: the second half of riffle/pass.h. */
#include "ir/formula.h"
#include "passes/plugin.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- attributes and weights of nodes ---- */

static void plugin_set_integer(
    riffle_graph *graph, riffle_node *node, const char *name, int64_t value) {
    Attribute *attribute = plugin_attribute(graph, node, name, ATTRIBUTE_INTEGER);
    if (attribute != NULL)
        attribute->integer = value;
}

static void plugin_set_number(
    riffle_graph *graph, riffle_node *node, const char *name, double value) {
    Attribute *attribute = plugin_attribute(graph, node, name, ATTRIBUTE_NUMBER);
    if (attribute != NULL)
        attribute->number = value;
}

static void plugin_set_flag(riffle_graph *graph, riffle_node *node, const char *name, bool value) {
    Attribute *attribute = plugin_attribute(graph, node, name, ATTRIBUTE_FLAG);
    if (attribute != NULL)
        attribute->flag = value;
}

/* An activation, for which a plugin's choices stand too. */
static void set_formula(
    riffle_graph *graph, Attribute *attribute, const char *name, const char *text) {
    FormulaFault fault;
    const Formula *formula = formula_parse(text, 1, plugin_graph(graph)->arena, &fault);
    if (fault.message == NULL)
        attribute->formula = formula;
    else
        plugin_misuse(graph, "'%s' is no word for the attribute '%s'", text, name);
}

static void plugin_set_choice(
    riffle_graph *graph, riffle_node *node, const char *name, const char *word) {
    if (plugin_is_formula(node, name)) {
        set_formula(graph, node_attribute((Node *)node, name), name, word);
        return;
    }
    Attribute *attribute = plugin_attribute(graph, node, name, ATTRIBUTE_CHOICE);
    if (attribute == NULL)
        return;
    const char *const *words = choice_words(name);
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            attribute->integer = i;
            return;
        }
    }
    plugin_misuse(graph, "'%s' is no word for the attribute '%s'", word, name);
}

static void plugin_set_list(
    riffle_graph *graph, riffle_node *node, const char *name, const int64_t *items, size_t count) {
    if (plugin_attribute(graph, node, name, ATTRIBUTE_LIST) != NULL)
        node_set_list(plugin_graph(graph), (Node *)node, name, items, count);
}

static riffle_weight *plugin_new_weight(
    riffle_graph *graph, const char *path, riffle_shape shape, const float *data) {
    if (path[0] == '\0' || shape.rank < 1 || shape.rank > MAX_RANK) {
        plugin_misuse(graph, "a new weight '%s' of rank %d needs a path and a rank of 1 to %d",
            path, shape.rank, MAX_RANK);
        return NULL;
    }
    TensorType type = tensor_type(shape.rank, shape.dims);
    int64_t count = tensor_elements(&type);
    if (count < 0) {
        plugin_misuse(graph,
            "the dimensions of the new weight '%s' are not all positive, or it "
            "has more than 2^40 elements",
            path);
        return NULL;
    }
    Graph *of = plugin_graph(graph);
    Weight *weight = graph_add_computed_weight(of, path, type, NULL);
    if (data != NULL)
        memcpy(weight_allocate(of, weight), data, (size_t)count * sizeof *data);
    return (riffle_weight *)weight;
}

static void plugin_set_weight(
    riffle_graph *graph, riffle_node *node, const char *name, riffle_weight *weight) {
    int index = node == NULL ? -1 : plugin_weight_index(graph, node, name);
    if (index >= 0)
        ((Node *)node)->weights[index] = (Weight *)weight;
}

/* ---- nodes ---- */

static bool plugin_may_rewrite(riffle_graph *graph, riffle_node *node) {
    return pass_may_rewrite(plugin_run(graph)->context, (const Node *)node);
}

static void plugin_missed(riffle_graph *graph, riffle_node *node, const char *condition) {
    if (node != NULL && condition != NULL)
        pass_missed(plugin_run(graph)->context, (const Node *)node, condition);
}

static riffle_node *plugin_new_node(riffle_graph *graph, const char *op, const char *path,
    riffle_value *const *operands, size_t operand_count) {
    OpKind kind;
    if (!op_find(op, &kind)) {
        plugin_misuse(graph, "there is no op '%s'", op);
        return NULL;
    }
    if (operand_count > INT_MAX) {
        plugin_misuse(graph, "a new %s has too many operands", op);
        return NULL;
    }
    Graph *of = plugin_graph(graph);
    Value **values = ARENA_ARRAY(of->arena, Value *, operand_count);
    for (size_t i = 0; i < operand_count; i++) {
        values[i] = (Value *)operands[i];
        if (values[i] == NULL) {
            plugin_misuse(graph, "operand %zu of a new %s is NULL", i, op);
            return NULL;
        }
    }
    SourceRange where = {0};
    if (operand_count > 0)
        where = values[0]->where;
    return (riffle_node *)node_create(of, kind, path, values, (int)operand_count, where);
}

static riffle_node *plugin_copy_node(riffle_graph *graph, riffle_node *node) {
    const Node *from = (Node *)node;
    if (from == NULL)
        return NULL;
    Graph *of = plugin_graph(graph);
    Node *copy =
        node_create(of, from->op, from->path, from->operands, from->operand_count, from->where);
    memcpy(copy->weights, from->weights, sizeof copy->weights);
    memcpy(copy->attributes, from->attributes,
        (size_t)op_info(from->op)->attribute_count * sizeof copy->attributes[0]);
    return (riffle_node *)copy;
}

static bool is_linked(const Graph *graph, const Node *node) {
    return node->previous != NULL || graph->first == node;
}

static bool plugin_insert_node(riffle_graph *graph, riffle_node *position, riffle_node *node) {
    Graph *of = plugin_graph(graph);
    Node *inserted = (Node *)node, *before = (Node *)position;
    if (inserted == NULL)
        return false;
    if (is_linked(of, inserted) || (before != NULL && !is_linked(of, before))) {
        plugin_misuse(graph, "the node is inserted twice, or before one that is not in the graph");
        return false;
    }
    if (before != NULL)
        inserted->where = before->where;
    if (!node_infer(of, inserted, plugin_run(graph)->context->diagnostics)) {
        plugin_misuse(
            graph, "the new %s '%s' is faulty", op_info(inserted->op)->name, inserted->path);
        return false;
    }
    if (before != NULL)
        graph_insert_before(of, before, inserted);
    else
        graph_append(of, inserted);
    return true;
}

static void plugin_set_operand(
    riffle_graph *graph, riffle_node *node, size_t index, riffle_value *value) {
    Node *at = (Node *)node;
    if (at == NULL || value == NULL)
        return;
    if (index < (size_t)at->operand_count)
        at->operands[index] = (Value *)value;
    else
        plugin_misuse(graph, "there is no operand %zu of %s '%s', which has %d", index,
            op_info(at->op)->name, at->path, at->operand_count);
}

static void plugin_replace_uses(riffle_graph *graph, riffle_value *from, riffle_value *to) {
    Value *old = (Value *)from, *replacement = (Value *)to;
    if (old == NULL || replacement == NULL)
        return;
    if (!tensor_type_equal(&old->type, &replacement->type)) {
        Text types = {0};
        tensor_type_print(&old->type, &types);
        text_append(&types, " by one of ");
        tensor_type_print(&replacement->type, &types);
        plugin_misuse(graph, "a value of %s cannot be replaced", types.data);
        text_free(&types);
        return;
    }
    graph_replace_uses(plugin_graph(graph), old, replacement);
    if (replacement->name == NULL && old->producer != NULL) { /* names are unique: it moves */
        replacement->name = old->name;
        old->name = NULL;
    }
}

static void plugin_remove_node(riffle_graph *graph, riffle_node *node) {
    Node *removed = (Node *)node;
    Graph *of = plugin_graph(graph);
    if (removed == NULL)
        return;
    bool used = false;
    for (int i = 0; i < removed->result_count; i++)
        used = used || graph_use_count(of, removed->results[i]) > 0;
    if (used || !is_linked(of, removed))
        plugin_misuse(graph, "%s '%s' cannot be removed: %s", op_info(removed->op)->name,
            removed->path, used ? "its result is used" : "it is not in the graph");
    else
        graph_remove(of, removed);
}

/* ---- memory and messages ---- */

static void *plugin_allocate(riffle_graph *graph, size_t bytes) {
    return arena_allocate(plugin_run(graph)->context->scratch, bytes > 0 ? bytes : 1);
}

static void report(riffle_graph *graph, Severity severity, riffle_node *node, const char *format,
    va_list arguments) {
    PluginRun *run = plugin_run(graph);
    char message[1024];
    vsnprintf(message, sizeof message, format, arguments);
    SourceRange where = node == NULL ? (SourceRange){0} : ((Node *)node)->where;
    diagnostics_report(
        run->context->diagnostics, severity, where, NULL, "%s: %s", run->pass->pass.name, message);
}

static void plugin_error(riffle_graph *graph, riffle_node *node, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    report(graph, SEVERITY_ERROR, node, format, arguments);
    va_end(arguments);
}

static void plugin_warning(riffle_graph *graph, riffle_node *node, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    report(graph, SEVERITY_WARNING, node, format, arguments);
    va_end(arguments);
}

void plugin_add_changes(riffle_graph *functions) {
    functions->set_integer = plugin_set_integer;
    functions->set_number = plugin_set_number;
    functions->set_flag = plugin_set_flag;
    functions->set_choice = plugin_set_choice;
    functions->set_list = plugin_set_list;
    functions->new_weight = plugin_new_weight;
    functions->set_weight = plugin_set_weight;
    functions->may_rewrite = plugin_may_rewrite;
    functions->new_node = plugin_new_node;
    functions->copy_node = plugin_copy_node;
    functions->insert_node = plugin_insert_node;
    functions->set_operand = plugin_set_operand;
    functions->replace_uses = plugin_replace_uses;
    functions->remove_node = plugin_remove_node;
    functions->allocate = plugin_allocate;
    functions->error = plugin_error;
    functions->warning = plugin_warning;
    functions->missed = plugin_missed;
}
