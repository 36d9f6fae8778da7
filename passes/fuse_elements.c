/* fuse-elements: trees of element-wise ops become one map: multiply(subtract(x, y), exp(z)) is
 * map(x, y, z) of "(x - y) * exp(z)". What lies between them is never stored.
 *
 * Legal when, of an operand of an element-wise op,
 *     1. the producer is one, too
 *     2. nobody but that op reads its result, so that nothing is computed twice
 *     3. its result has the shape of the op's result: one that is repeated would be computed again
 *        for each number that it is repeated to
 *     4. the operands together, each once, are no more than a map has
 *     5. and the formula is not too long.
 * Values between are not rounded to f32 any more where the interpreter computes in double: answers
 * agree up to that. */
#include "passes/rewrite.h"

/* The op that is made: operands, each once, and terms over them. */
typedef struct ElementTree {
    Value *operands[MOST_FORMULA_OPERANDS];
    int count;
    FormulaBuilder builder;
} ElementTree;

/* Where the value is among the operands; -1 where there is no room for it. */
static int operand_place(ElementTree *tree, Value *value) {
    int place = 0;
    while (place < tree->count && tree->operands[place] != value)
        place++;
    if (place == MOST_FORMULA_OPERANDS)
        return -1;
    if (place == tree->count)
        tree->operands[tree->count++] = value;
    return place;
}

/* What the node computes of its operands, but that operand `inlined` is what its producer computes.
 * NULL where there are too many operands. */
static const Formula *tree_formula(
    PassContext *context, const Node *node, const Value *inlined, ElementTree *tree) {
    const Node *producer = inlined->producer;
    int terms[MOST_FORMULA_OPERANDS] = {0}, inner[MOST_FORMULA_OPERANDS] = {0}, root = -1;
    for (int i = 0; i < node->operand_count; i++) {
        if (node->operands[i] != inlined) {
            int place = operand_place(tree, node->operands[i]);
            if (place < 0)
                return NULL;
            terms[i] = formula_operand(&tree->builder, place);
            continue;
        }
        for (int k = 0; root < 0 && k < producer->operand_count; k++) {
            int place = operand_place(tree, producer->operands[k]);
            if (place < 0)
                return NULL;
            inner[k] = formula_operand(&tree->builder, place);
        }
        if (root < 0)
            root = formula_insert(&tree->builder, node_formula(producer, context->scratch), inner);
        terms[i] = root;
    }
    return formula_finish(&tree->builder,
        formula_insert(&tree->builder, node_formula(node, context->scratch), terms));
}

static bool is_read_by_all(const Graph *graph, const Node *node, const Value *value) {
    int reads = 0;
    for (int i = 0; i < node->operand_count; i++)
        reads += node->operands[i] == value;
    return graph_use_count(graph, value) == reads;
}

static void set_formula(Graph *graph, Node *node, const void *context) {
    (void)graph;
    node_set_formula(node, "formula", context);
}

/* Why the node cannot take its element-wise operand's producer in; NULL: it can. */
static const char *obstacle(const Graph *graph, const Node *node, const Value *operand) {
    return !tensor_type_equal(&operand->type, &node->results[0]->type) /* 3 */
               ? "an operand is repeated"
               : !is_read_by_all(graph, node, operand) /* 2 */
                     ? "the result of an element-wise op before it has another use"
                     : NULL;
}

/* Takes one operand's producer into the node; the map that comes of it, or NULL. */
static Node *fuse_one(PassContext *context, Node *node) {
    Graph *graph = context->graph;
    for (int i = 0; i < node->operand_count; i++) {
        Value *operand = node->operands[i];
        Node *producer = operand->producer;
        ElementTree tree = {.builder = {.arena = graph->arena}};
        if (producer == NULL || !op_computes_elements(producer->op)) /* 1 */
            continue;
        const char *missing = obstacle(graph, node, operand);
        const Formula *formula =
            missing != NULL ? NULL : tree_formula(context, node, operand, &tree);
        if (missing == NULL && formula == NULL) /* 4 */
            missing = "both together have more operands than a map may have";
        else if (missing == NULL && formula_size(formula) > MOST_FORMULA_SIZE) /* 5 */
            missing = "the formula of both is too long";
        if (missing != NULL)
            pass_missed(context, node, missing);
        if (missing != NULL || !pass_may_rewrite(context, node))
            continue;
        Node *map = insert_node(
            graph, node, OP_map, node->path, tree.operands, tree.count, set_formula, formula);
        replace_node(graph, node, map->results[0]);
        graph_remove(graph, producer);
        return map;
    }
    return NULL;
}

bool pass_fuse_elements(PassContext *context) {
    for (Node *node = context->graph->first, *next; node; node = next) {
        next = node->next;
        for (Node *map = node; map != NULL && op_computes_elements(map->op);)
            map = fuse_one(context, map);
    }
    return true;
}
