/* The weights of a graph: found and made by path, given memory, and left to rest. */
#include "ir/graph.h"
#include "ir/name_map.h"
#include "ir/resting.h"
#include "ir/weight_numbers.h"

Weight *graph_find_weight(const Graph *graph, const char *path) {
    return name_map_find(graph->weights_by_path, path);
}

static Weight *weight_append(Graph *graph, const char *path, TensorType type) {
    Weight *weight = ARENA_NEW(graph->arena, Weight);
    weight->path = arena_copy_string(graph->arena, path);
    weight->type = type;
    if (graph->last_weight == NULL)
        graph->first_weight = weight;
    else
        graph->last_weight->next = weight;
    graph->last_weight = weight;
    name_map_put(graph->weights_by_path, weight->path, weight);
    return weight;
}

Weight *graph_weight(Graph *graph, const char *path, TensorType type, SourceRange where) {
    Weight *weight = graph_find_weight(graph, path);
    if (weight != NULL)
        return tensor_type_equal(&weight->type, &type) ? weight : NULL;
    weight = weight_append(graph, path, type);
    weight->where = where;
    return weight;
}

Weight *graph_add_computed_weight(
    Graph *graph, const char *path, TensorType type, const float *data) {
    const char *unique = path;
    for (int suffix = 2; graph_find_weight(graph, unique) != NULL; suffix++)
        unique = arena_format(graph->arena, "%s.%d", path, suffix);
    Weight *weight = weight_append(graph, unique, type);
    weight->data = data;
    return weight;
}

float *weight_allocate(const Graph *graph, Weight *weight) {
    size_t count = (size_t)tensor_elements(&weight->type);
    float *data = arena_allocate_resting(graph->arena, count, sizeof(float), &weight->rests);
    weight->data = data;
    return data;
}

void weight_share_numbers(Weight *weight, const Weight *from) {
    weight->data = from->data;
    weight->pairs = from->pairs;
    weight->degree = from->degree;
    weight->rests = from->rests;
}

void weight_allocate_moved(const Graph *graph, Weight *weight, const Weight *from) {
    if (from->data == NULL)
        return;
    weight_allocate(graph, weight);
    if (from->pairs != NULL)
        weight_allocate_numbers(graph, weight, NUMBERS_PAIR);
    weight->degree = from->degree;
}

size_t number_kind_size(NumberKind kind) {
    return kind == NUMBERS_PAIR ? sizeof(Pair) : sizeof(double);
}

const void *weight_kind_numbers(const Weight *weight, NumberKind kind) {
    return weight == NULL         ? NULL
           : kind == NUMBERS_PAIR ? (const void *)weight->pairs
                                  : (const void *)weight->data;
}

void *weight_allocate_numbers(const Graph *graph, Weight *weight, NumberKind kind) {
    if (kind == NUMBERS_FLOAT)
        return weight_allocate(graph, weight);
    size_t count = (size_t)tensor_elements(&weight->type);
    weight->pairs = graph->has_pairs ? ARENA_ARRAY(graph->arena, Pair, count) : NULL;
    return weight->pairs;
}

void weight_rest(const Weight *weight) {
    if (weight != NULL && weight->rests)
        memory_rest(weight->data, (size_t)tensor_elements(&weight->type) * sizeof(float));
}

void node_rest_weights(const Node *node) {
    for (int i = 0; i < MAX_OP_WEIGHTS; i++)
        weight_rest(node->weights[i]);
}

void graph_rest_weights(const Graph *graph) {
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next)
        weight_rest(weight);
}

void graph_drop_unused_weights(Graph *graph) {
    NameMap *used = name_map_create(graph->arena);
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        for (int i = 0; i < MAX_OP_WEIGHTS; i++) {
            if (node->weights[i] != NULL)
                name_map_put(used, node->weights[i]->path, node->weights[i]);
        }
    }
    Weight **link = &graph->first_weight;
    graph->last_weight = NULL;
    for (Weight *weight = *link; weight != NULL; weight = weight->next) {
        if (name_map_find(used, weight->path) == NULL)
            continue;
        *link = weight;
        link = &weight->next;
        graph->last_weight = weight;
    }
    *link = NULL;
    graph->weights_by_path = used;
}
