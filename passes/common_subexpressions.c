/* common-subexpressions: of several nodes with the same op, operands, weights and attributes, the
 * first stays and the others' uses go to its results.
 *
 * Always legal: ops have no side effects, and the list order makes the first one available wherever
 * the others were. Operands of an add or multiply of equal shapes are compared in either order.
 * Weights are the same when they are the same Weight: run this before passes that compute weights.
 *
 * One walk in list order: operands were already replaced when a node is looked at, so chains of
 * duplicates vanish at once. */
#include "ir/formula.h"
#include "passes/rewrite.h"

#include <string.h>

typedef struct NodeSet {
    Node **slots; /* open addressing; NULL is free */
    size_t mask;
} NodeSet;

/* ---- what makes nodes the same ---- */

static bool is_commutative(const Node *node) {
    return (node->op == OP_add || node->op == OP_multiply) &&
           tensor_type_equal(&node->operands[0]->type, &node->operands[1]->type);
}

static uint64_t mix(uint64_t hash, uint64_t item) {
    hash = (hash ^ item) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 29);
}

static uint64_t number_bits(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static uint64_t hash_attribute(uint64_t hash, AttributeKind kind, const Attribute *attribute) {
    switch (kind) {
    case ATTRIBUTE_INTEGER:
    case ATTRIBUTE_CHOICE:
        return mix(hash, (uint64_t)attribute->integer);
    case ATTRIBUTE_NUMBER:
        return mix(hash, number_bits(attribute->number));
    case ATTRIBUTE_FLAG:
        return mix(hash, attribute->flag);
    case ATTRIBUTE_LIST:
        for (size_t i = 0; i < attribute->list.count; i++)
            hash = mix(hash, (uint64_t)attribute->list.items[i]);
        return mix(hash, attribute->list.count);
    case ATTRIBUTE_FORMULA:
        for (int i = 0; attribute->formula != NULL && i < attribute->formula->count; i++)
            hash = mix(hash, attribute->formula->terms[i].element);
        return hash;
    }
    return hash;
}

/* Only what does not depend on the order of commutative operands, and no addresses: the walk must
 * not depend on where memory lies, even if only in its speed. */
static uint64_t hash_node(const Node *node) {
    const OpInfo *info = op_info(node->op);
    uint64_t hash = mix(0, node->op), operands = 0;
    for (int i = 0; i < node->operand_count; i++)
        operands += mix(is_commutative(node) ? 0 : (uint64_t)i, (uint64_t)node->operands[i]->id);
    hash = mix(hash, operands);
    for (int i = 0; i < info->attribute_count; i++)
        hash = hash_attribute(hash, info->attributes[i].kind, &node->attributes[i]);
    for (int i = 0; i < info->weight_count; i++)
        for (const char *at = node->weights[i] ? node->weights[i]->path : ""; *at; at++)
            hash = mix(hash, (unsigned char)*at);
    return hash;
}

static bool same_operands(const Node *a, const Node *b) {
    if (a->operand_count != b->operand_count)
        return false;
    if (is_commutative(a) && a->operands[0] == b->operands[1] && a->operands[1] == b->operands[0])
        return true;
    for (int i = 0; i < a->operand_count; i++)
        if (a->operands[i] != b->operands[i])
            return false;
    return true;
}

static bool same_node(const Node *a, const Node *b) {
    if (a->op != b->op || !same_operands(a, b))
        return false;
    const OpInfo *info = op_info(a->op);
    for (int i = 0; i < info->weight_count; i++)
        if (a->weights[i] != b->weights[i])
            return false;
    for (int i = 0; i < info->attribute_count; i++)
        if (!op_attribute_equal(info->attributes[i].kind, &a->attributes[i], &b->attributes[i]))
            return false;
    return true;
}

/* ---- the set of nodes seen ---- */

static NodeSet create_set(const Graph *graph, Arena *arena) {
    size_t nodes = 0, slots = 16;
    for (const Node *node = graph->first; node; node = node->next)
        nodes++;
    while (slots < 2 * nodes)
        slots *= 2;
    return (NodeSet){ARENA_ARRAY(arena, Node *, slots), slots - 1};
}

/* The equal node that was seen before, or NULL after adding this one. */
static Node *find_or_add(NodeSet *set, Node *node) {
    size_t slot = (size_t)hash_node(node) & set->mask;
    for (; set->slots[slot] != NULL; slot = (slot + 1) & set->mask)
        if (same_node(set->slots[slot], node))
            return set->slots[slot];
    set->slots[slot] = node;
    return NULL;
}

bool pass_common_subexpressions(PassContext *context) {
    Graph *graph = context->graph;
    NodeSet seen = create_set(graph, context->scratch);
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        Node *first = find_or_add(&seen, node);
        if (first == NULL || !pass_may_rewrite(context, node))
            continue;
        for (int i = 0; i < node->result_count; i++)
            graph_replace_uses(graph, node->results[i], first->results[i]);
        graph_remove(graph, node);
    }
    return true;
}
