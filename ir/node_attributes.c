/* Attributes and weights of nodes by name. */
#include "ir/formula.h"

#include <assert.h>
#include <string.h>

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

const Formula *node_formula_attribute(const Node *node, const char *name) {
    AttributeKind kind;
    const Attribute *attribute = find_attribute(node, name, &kind);
    assert(attribute != NULL && kind == ATTRIBUTE_FORMULA);
    return attribute->formula;
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

static const char *const mean_names[MOST_PIXEL_CHANNELS] = {"mean_0", "mean_1", "mean_2", "mean_3"};
static const char *const std_names[MOST_PIXEL_CHANNELS] = {"std_0", "std_1", "std_2", "std_3"};

Preprocessing node_pixels(const Node *node) {
    Preprocessing pixels = {.scale = node_number(node, "scale")};
    for (int i = 0; i < MOST_PIXEL_CHANNELS; i++) {
        pixels.mean[i] = node_number(node, mean_names[i]);
        pixels.std[i] = node_number(node, std_names[i]);
    }
    return pixels;
}

double pixel_factor(const Preprocessing *pixels, int64_t channel) {
    return pixels->scale / pixels->std[channel];
}

double pixel_term(const Preprocessing *pixels, int64_t channel) {
    return -pixels->mean[channel] / pixels->std[channel];
}

void node_set_pixels(Node *node, const Preprocessing *pixels) {
    node_attribute(node, "scale")->number = pixels->scale;
    for (int i = 0; i < MOST_PIXEL_CHANNELS; i++) {
        node_attribute(node, mean_names[i])->number = pixels->mean[i];
        node_attribute(node, std_names[i])->number = pixels->std[i];
    }
}

void node_set_integer(Node *node, const char *name, int64_t value) {
    AttributeKind kind;
    const Attribute *attribute = find_attribute(node, name, &kind);
    assert(attribute != NULL && (kind == ATTRIBUTE_INTEGER || kind == ATTRIBUTE_CHOICE));
    node->attributes[attribute - node->attributes].integer = value;
}

void node_set_formula(Node *node, const char *name, const Formula *formula) {
    AttributeKind kind;
    const Attribute *attribute = find_attribute(node, name, &kind);
    assert(attribute != NULL && kind == ATTRIBUTE_FORMULA);
    node->attributes[attribute - node->attributes].formula = formula;
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

void node_copy_attributes(Graph *graph, Node *copy, const Node *node) {
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->attribute_count; i++) {
        copy->attributes[i] = node->attributes[i];
        if (info->attributes[i].kind == ATTRIBUTE_LIST) {
            IntegerList list = node->attributes[i].list;
            node_set_list(graph, copy, info->attributes[i].name, list.items, list.count);
        }
        if (info->attributes[i].kind == ATTRIBUTE_FORMULA)
            copy->attributes[i].formula = formula_copy(graph->arena, node->attributes[i].formula);
    }
}
