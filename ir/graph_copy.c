/* A copy of a graph in another arena. */
#include "ir/answer.h"
#include "ir/labels.h"
#include "ir/weight_numbers.h"

static Value *value_copy(Graph *graph, const Value *value, Node *producer, Value **copies) {
    Value *copy = ARENA_NEW(graph->arena, Value);
    *copy = *value;
    copy->producer = producer;
    if (value->name != NULL)
        copy->name = arena_copy_string(graph->arena, value->name);
    copies[value->id] = copy;
    return copy;
}

static void node_copy(Graph *graph, const Node *node, Value **copies) {
    Node *copy = node_create(graph, node->op, node->path, NULL, 0, node->where);
    copy->operands = ARENA_ARRAY(graph->arena, Value *, node->operand_count);
    copy->operand_count = node->operand_count;
    for (int i = 0; i < node->operand_count; i++)
        copy->operands[i] = copies[node->operands[i]->id];
    copy->results = ARENA_ARRAY(graph->arena, Value *, node->result_count);
    copy->result_count = node->result_count;
    for (int i = 0; i < node->result_count; i++)
        copy->results[i] = value_copy(graph, node->results[i], copy, copies);
    for (int i = 0; i < MAX_OP_WEIGHTS; i++) {
        if (node->weights[i] != NULL)
            copy->weights[i] = graph_find_weight(graph, node->weights[i]->path);
    }
    node_copy_attributes(graph, copy, node);
    graph_append(graph, copy);
}

Graph *graph_copy(const Graph *graph, Arena *arena) {
    Graph *copy = graph_create(arena, graph->name);
    Arena *scratch = arena_create();
    Value **copies = ARENA_ARRAY(scratch, Value *, graph->next_value_id);
    copy->next_value_id = graph->next_value_id;
    copy->has_pairs = graph->has_pairs;
    copy->inputs = ARENA_ARRAY(arena, GraphInput, graph->input_count * 2);
    copy->input_count = graph->input_count;
    for (int i = 0; i < graph->input_count; i++) {
        copy->inputs[i] = graph->inputs[i];
        copy->inputs[i].value = value_copy(copy, graph->inputs[i].value, NULL, copies);
    }
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next) {
        weight_share_numbers(graph_weight(copy, weight->path, weight->type, weight->where), weight);
    }
    for (const Node *node = graph->first; node != NULL; node = node->next)
        node_copy(copy, node, copies);
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        graph_add_output(
            copy, output->name, copies[output->value->id], output->layout, output->where);
    }
    if (graph->answer != NULL)
        graph_set_answer(copy, graph->answer);
    if (graph->labels != NULL)
        graph_set_labels(copy, graph->labels);
    arena_destroy(scratch);
    return copy;
}
