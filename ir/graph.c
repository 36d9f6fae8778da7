/* Building and changing graphs: inputs, outputs, nodes and their order. */
#include "ir/graph.h"
#include "ir/name_map.h"

#include <assert.h>
#include <string.h>

Graph *graph_create(Arena *arena, const char *name) {
    Graph *graph = ARENA_NEW(arena, Graph);
    graph->arena = arena;
    graph->name = arena_copy_string(arena, name);
    graph->weights_by_path = name_map_create(arena);
    return graph;
}

static Value *value_create(Graph *graph, TensorType type, Node *producer, SourceRange where) {
    Value *value = ARENA_NEW(graph->arena, Value);
    value->id = graph->next_value_id++;
    value->type = type;
    value->producer = producer;
    value->where = where;
    return value;
}

/* Makes room for one more item; a graph has few inputs and outputs, so nothing is reserved ahead
 * but doubling keeps hostile texts from costing their square. */
static void *grow(Arena *arena, void *items, int count, size_t item_size) {
    bool full = (count & (count - 1)) == 0; /* at 0, 1, 2, 4, 8... */
    if (!full)
        return items;
    size_t capacity = count == 0 ? 1 : (size_t)count * 2;
    return arena_grow(arena, items, (size_t)count, capacity, item_size);
}

Value *graph_add_input(
    Graph *graph, const char *name, TensorType type, Layout layout, SourceRange where) {
    graph->inputs = grow(graph->arena, graph->inputs, graph->input_count, sizeof(GraphInput));
    Value *value = value_create(graph, type, NULL, where);
    value->name = arena_copy_string(graph->arena, name);
    GraphInput *input = &graph->inputs[graph->input_count++];
    *input = (GraphInput){.value = value, .layout = layout};
    input->preprocessing.scale = 1.0;
    for (int i = 0; i < 4; i++)
        input->preprocessing.std[i] = 1.0;
    return value;
}

void graph_add_output(
    Graph *graph, const char *name, Value *value, Layout layout, SourceRange where) {
    graph->outputs = grow(graph->arena, graph->outputs, graph->output_count, sizeof(GraphOutput));
    graph->outputs[graph->output_count++] = (GraphOutput){
        .name = arena_copy_string(graph->arena, name),
        .value = value,
        .layout = layout,
        .where = where,
    };
}

Node *node_create(Graph *graph, OpKind op, const char *path, Value *const *operands,
    int operand_count, SourceRange where) {
    const OpInfo *info = op_info(op);
    Node *node = ARENA_NEW(graph->arena, Node);
    node->op = op;
    node->path = arena_copy_string(graph->arena, path == NULL ? "" : path);
    node->operands = ARENA_ARRAY(graph->arena, Value *, operand_count);
    if (operand_count > 0)
        memcpy(node->operands, operands, (size_t)operand_count * sizeof(Value *));
    node->operand_count = operand_count;
    node->attributes = ARENA_ARRAY(graph->arena, Attribute, info->attribute_count);
    for (int i = 0; i < info->attribute_count; i++)
        node->attributes[i] = op_attribute_default(&info->attributes[i], graph->arena);
    node->where = where;
    return node;
}

enum { FEW_RESULTS = 64 };

bool node_infer(Graph *graph, Node *node, Diagnostics *diagnostics) {
    TensorType few[FEW_RESULTS];
    TensorType *types = few;
    int count = 0;
    if (!node_result_types(node, types, FEW_RESULTS, &count, diagnostics))
        return false;
    if (count > FEW_RESULTS) {
        types = ARENA_ARRAY(graph->arena, TensorType, count);
        if (!node_result_types(node, types, count, &count, diagnostics))
            return false;
    }
    if (node->result_count != count) {
        node->results = ARENA_ARRAY(graph->arena, Value *, count);
        node->result_count = count;
    }
    for (int i = 0; i < count; i++) {
        if (node->results[i] == NULL)
            node->results[i] = value_create(graph, types[i], node, node->where);
        else
            node->results[i]->type = types[i];
    }
    return true;
}

void graph_append(Graph *graph, Node *node) {
    assert(node->previous == NULL && node->next == NULL && graph->first != node);
    node->previous = graph->last;
    if (graph->last == NULL)
        graph->first = node;
    else
        graph->last->next = node;
    graph->last = node;
}

void graph_insert_before(Graph *graph, Node *position, Node *node) {
    assert(node->previous == NULL && node->next == NULL && graph->first != node);
    node->next = position;
    node->previous = position->previous;
    if (position->previous == NULL)
        graph->first = node;
    else
        position->previous->next = node;
    position->previous = node;
}

void graph_remove(Graph *graph, Node *node) {
    if (node->previous == NULL)
        graph->first = node->next;
    else
        node->previous->next = node->next;
    if (node->next == NULL)
        graph->last = node->previous;
    else
        node->next->previous = node->previous;
    node->previous = node->next = NULL;
}

void graph_replace_uses(Graph *graph, Value *from, Value *to) {
    for (Node *node = graph->first; node != NULL; node = node->next) {
        for (int i = 0; i < node->operand_count; i++) {
            if (node->operands[i] == from)
                node->operands[i] = to;
        }
    }
    for (int i = 0; i < graph->output_count; i++) {
        if (graph->outputs[i].value == from)
            graph->outputs[i].value = to;
    }
}

int graph_node_count(const Graph *graph) {
    int count = 0;
    for (const Node *node = graph->first; node != NULL; node = node->next)
        count++;
    return count;
}

int graph_use_count(const Graph *graph, const Value *value) {
    int count = 0;
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        for (int i = 0; i < node->operand_count; i++)
            count += node->operands[i] == value;
    }
    for (int i = 0; i < graph->output_count; i++)
        count += graph->outputs[i].value == value;
    return count;
}

bool graph_is_output(const Graph *graph, const Value *value) {
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i].value == value)
            return true;
    return false;
}

bool graph_is_read_only_by(
    const Graph *graph, const Value *value, AcceptsReader *accepts, const void *context) {
    const Node *first = value->producer != NULL ? value->producer : graph->first;
    for (const Node *node = first; node != NULL; node = node->next)
        for (int i = 0; i < node->operand_count; i++)
            if (node->operands[i] == value && !accepts(node, context))
                return false;
    return !graph_is_output(graph, value);
}

int *graph_use_counts(const Graph *graph, Arena *arena) {
    int *counts = ARENA_ARRAY(arena, int, graph->next_value_id);
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        for (int i = 0; i < node->operand_count; i++)
            counts[node->operands[i]->id]++;
    }
    for (int i = 0; i < graph->output_count; i++)
        counts[graph->outputs[i].value->id]++;
    return counts;
}
