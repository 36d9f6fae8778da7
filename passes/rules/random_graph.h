/* Inside passes/rules/: random graphs that a rule fits, or all but fits. */
#ifndef RIFFLE_PASSES_RULES_RANDOM_GRAPH_H
#define RIFFLE_PASSES_RULES_RANDOM_GRAPH_H

#include "passes/rules/match.h"

typedef struct RandomGraph {
    Graph *graph; /* with numbers in its weights */
    Node *root;   /* where the rule's first root fits */
} RandomGraph;

/* One attempt, in memory of the arena: a graph that the rule fits, or, where `broken` is the index
 * of a check, one that it would fit but for that. False where what came out is none, which is
 * usual. *fault is set where the rule itself was wrong, which is reported. */
bool random_graph_make(const Rule *rule, int broken, uint64_t seed, Arena *arena, RandomGraph *made,
    bool *fault, Diagnostics *diagnostics);

/* ---- inside: random_graph.c, random_attributes.c ---- */

typedef struct GraphMaker {
    const Rule *rule;
    RuleMatch match; /* its nodes and parameters are those that were made so far */
    const RuleCheck *broken;
    Graph *graph;
    Arena *arena;
    uint64_t state;
    int64_t channels; /* that most tensors have */
} GraphMaker;

int64_t random_pick(GraphMaker *maker, int64_t least, int64_t most);
bool random_chance(GraphMaker *maker, int percent);
IntegerList random_list(GraphMaker *maker, size_t count, int64_t least, int64_t most);
IntegerList random_kernel(GraphMaker *maker);
/* Gives the node, which has its operands, any value of the attribute. */
void random_attribute(GraphMaker *maker, Node *node, const OpAttribute *attribute);

#endif
