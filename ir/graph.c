/* Building and changing graphs. */
#include "ir/graph.h"
#include "ir/name_map.h"
#include "ir/resting.h"

#include <assert.h>
#include <stdlib.h>
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
    void *larger = arena_allocate_array(arena, capacity, item_size);
    if (count > 0)
        memcpy(larger, items, (size_t)count * item_size);
    return larger;
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

/* ---- weights ---- */

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

/* ---- nodes ---- */

static IntegerList parse_list(Arena *arena, const char *text) {
    if (*text == '\0')
        return (IntegerList){0};
    size_t count = 1;
    for (const char *at = text; (at = strchr(at, ',')) != NULL; at++)
        count++;
    int64_t *items = ARENA_ARRAY(arena, int64_t, count);
    char *end = (char *)(uintptr_t)text;
    for (size_t i = 0; i < count; i++)
        items[i] = strtoll(i == 0 ? end : end + 1, &end, 10);
    return (IntegerList){items, count};
}

static int64_t choice_index(const char *attribute, const char *word) {
    const char *const *words = choice_words(attribute);
    int64_t index = 0;
    while (words[index] != NULL && strcmp(words[index], word) != 0)
        index++;
    assert(words[index] != NULL);
    return index;
}

Attribute op_attribute_default(const OpAttribute *attribute, Arena *arena) {
    const char *text = attribute->default_text;
    switch (attribute->kind) {
    case ATTRIBUTE_INTEGER:
        return (Attribute){.integer = strtoll(text, NULL, 10)};
    case ATTRIBUTE_NUMBER:
        return (Attribute){.number = strtod(text, NULL)};
    case ATTRIBUTE_LIST:
        return (Attribute){.list = parse_list(arena, text)};
    case ATTRIBUTE_CHOICE:
        return (Attribute){.integer = choice_index(attribute->name, text)};
    case ATTRIBUTE_FLAG:
        return (Attribute){.flag = strcmp(text, "true") == 0};
    }
    assert(false && "unknown attribute kind");
    return (Attribute){0};
}

bool op_attribute_equal(AttributeKind kind, const Attribute *a, const Attribute *b) {
    switch (kind) {
    case ATTRIBUTE_INTEGER:
    case ATTRIBUTE_CHOICE:
        return a->integer == b->integer;
    case ATTRIBUTE_NUMBER:
        return a->number == b->number;
    case ATTRIBUTE_FLAG:
        return a->flag == b->flag;
    case ATTRIBUTE_LIST:
        return a->list.count == b->list.count &&
               (a->list.count == 0 ||
                   memcmp(a->list.items, b->list.items, a->list.count * sizeof(int64_t)) == 0);
    }
    assert(false && "unknown attribute kind");
    return false;
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

/* ---- copying ---- */

static Value *value_copy(Graph *graph, const Value *value, Node *producer, Value **copies) {
    Value *copy = ARENA_NEW(graph->arena, Value);
    *copy = *value;
    copy->producer = producer;
    if (value->name != NULL)
        copy->name = arena_copy_string(graph->arena, value->name);
    copies[value->id] = copy;
    return copy;
}

static void copy_attributes(Graph *graph, Node *copy, const Node *node) {
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->attribute_count; i++) {
        copy->attributes[i] = node->attributes[i];
        if (info->attributes[i].kind == ATTRIBUTE_LIST) {
            IntegerList list = node->attributes[i].list;
            node_set_list(graph, copy, info->attributes[i].name, list.items, list.count);
        }
    }
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
    copy_attributes(graph, copy, node);
    graph_append(graph, copy);
}

Graph *graph_copy(const Graph *graph, Arena *arena) {
    Graph *copy = graph_create(arena, graph->name);
    Arena *scratch = arena_create();
    Value **copies = ARENA_ARRAY(scratch, Value *, graph->next_value_id);
    copy->next_value_id = graph->next_value_id;
    copy->inputs = ARENA_ARRAY(arena, GraphInput, graph->input_count * 2);
    copy->input_count = graph->input_count;
    for (int i = 0; i < graph->input_count; i++) {
        copy->inputs[i] = graph->inputs[i];
        copy->inputs[i].value = value_copy(copy, graph->inputs[i].value, NULL, copies);
    }
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next) {
        Weight *same = weight_append(copy, weight->path, weight->type);
        same->data = weight->data;
        same->rests = weight->rests;
        same->where = weight->where;
    }
    for (const Node *node = graph->first; node != NULL; node = node->next)
        node_copy(copy, node, copies);
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        graph_add_output(
            copy, output->name, copies[output->value->id], output->layout, output->where);
    }
    arena_destroy(scratch);
    return copy;
}

/* ---- attributes and weights by name ---- */

static const Attribute *find_attribute(const Node *node, const char *name, AttributeKind *kind) {
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->attribute_count; i++) {
        if (strcmp(info->attributes[i].name, name) == 0) {
            *kind = info->attributes[i].kind;
            return &node->attributes[i];
        }
    }
    return NULL;
}

int64_t node_integer(const Node *node, const char *name) {
    AttributeKind kind;
    const Attribute *attribute = find_attribute(node, name, &kind);
    assert(attribute != NULL && (kind == ATTRIBUTE_INTEGER || kind == ATTRIBUTE_CHOICE));
    return attribute->integer;
}

double node_number(const Node *node, const char *name) {
    AttributeKind kind;
    const Attribute *attribute = find_attribute(node, name, &kind);
    assert(attribute != NULL && kind == ATTRIBUTE_NUMBER);
    return attribute->number;
}

bool node_flag(const Node *node, const char *name) {
    AttributeKind kind;
    const Attribute *attribute = find_attribute(node, name, &kind);
    assert(attribute != NULL && kind == ATTRIBUTE_FLAG);
    return attribute->flag;
}

IntegerList node_list(const Node *node, const char *name) {
    AttributeKind kind;
    const Attribute *attribute = find_attribute(node, name, &kind);
    assert(attribute != NULL && kind == ATTRIBUTE_LIST);
    return attribute->list;
}

Attribute *node_attribute(Node *node, const char *name) {
    AttributeKind kind;
    const Attribute *attribute = find_attribute(node, name, &kind);
    return attribute == NULL ? NULL : &node->attributes[attribute - node->attributes];
}

Weight *node_weight(const Node *node, const char *name) {
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->weight_count; i++) {
        if (strcmp(info->weights[i].name, name) == 0)
            return node->weights[i];
    }
    return NULL;
}

void node_set_integer(Node *node, const char *name, int64_t value) {
    AttributeKind kind;
    const Attribute *attribute = find_attribute(node, name, &kind);
    assert(attribute != NULL && (kind == ATTRIBUTE_INTEGER || kind == ATTRIBUTE_CHOICE));
    node->attributes[attribute - node->attributes].integer = value;
}

void node_set_list(Graph *graph, Node *node, const char *name, const int64_t *items, size_t count) {
    AttributeKind kind;
    const Attribute *attribute = find_attribute(node, name, &kind);
    assert(attribute != NULL && kind == ATTRIBUTE_LIST);
    int64_t *copy = ARENA_ARRAY(graph->arena, int64_t, count);
    if (count > 0)
        memcpy(copy, items, count * sizeof *copy);
    node->attributes[attribute - node->attributes].list = (IntegerList){copy, count};
}
