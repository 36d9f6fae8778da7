/* What passes share: questions about uses, and small changes of the graph. Internal to passes/. */
#ifndef RIFFLE_PASSES_REWRITE_H
#define RIFFLE_PASSES_REWRITE_H

#include "ir/formula.h"
#include "passes/passes.h"

#define PASS(function, ...) PassFunction pass_##function;
#include "passes/passes.def"

/* Whether all weights have numbers, for passes that compute with them; reports the first that has
 * none. */
bool pass_has_numbers(PassContext *context);

/* True when the value has exactly one use: one operand of one node, or one graph output. */
bool used_once(const Graph *graph, const Value *value);

/* Replaces all uses of the node's only result by `replacement`, which takes over its name when it
 * has none of its own, and unlinks the node. */
void replace_node(Graph *graph, Node *node, Value *replacement);

/* Whether the node is part of the graph, and nobody reads its results. */
bool is_unused(const Graph *graph, const Node *node);

/* Unlinks the node that made the value, if nobody reads its results any more, and in turn what only
 * that read, as far as nodes have one operand. Passes count readers: none that are dead. */
void remove_unused(Graph *graph, const Value *value);

/* What the paths of new weights in place of the node's begin with: its own path, or what that of
 * its first weight begins with. */
const char *weight_stem(Graph *graph, const Node *node);

/* A node with inferred results, linked before `position`. The attributes must still be the defaults
 * or be set through `prepare`. A node that does not infer is a bug of the pass. */
typedef void PrepareNode(Graph *graph, Node *node, const void *context);
Node *insert_node(Graph *graph, Node *position, OpKind op, const char *path, Value *const *operands,
    int operand_count, PrepareNode *prepare, const void *context);

/* Gives the node the attributes of the context, another Node of the op. */
PrepareNode copy_attributes;

/* Gives a rearrange the attributes that the context, a Rearrangement (ir/index_map.h), is. */
PrepareNode set_rearrangement;

/* Whether it is an element-wise op of one operand. */
bool is_activation(const Node *node);

/* The attribute that an activation of the node's result goes to: "activation" or, for a convolution
 * with a residual, "residual_activation". NULL when the op has none. */
const char *activation_attribute(const Node *node);
/* The same; NULL also when that attribute is taken. */
const char *free_activation_attribute(const Node *node);

/* Bounds of what a value can hold, from the element-wise ops that made it. low <= 0 <= high. */
Range value_range(const Value *value);
/* Whether an activation op returns every number of the value as it is. */
bool activation_keeps(const Node *activation, const Value *value);

#endif
