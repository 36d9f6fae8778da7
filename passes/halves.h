/* Values that become numbers of 16 bits, bf16 or f16: which stay f32, and how a layer gets such
 * weights and results. Inside passes/. */
#ifndef RIFFLE_PASSES_HALVES_H
#define RIFFLE_PASSES_HALVES_H

#include "ir/graph.h"
#include "passes/passes.h"

/* Whether an op passes numbers on: gives halves when all that it reads are such, and floats else.
 */
typedef bool PassesOn(OpKind op);

typedef struct Halves {
    Graph *graph;
    PassesOn *passes_on;
    ElementType element; /* of the halves */
    bool *layers;        /* by id of the result: the layer may be rewritten */
    bool *floats;        /* by value id: the value stays f32 */
    bool changed;        /* since the sweep began */
} Halves;

/* A convolution or fully connected layer of floats. */
bool is_product_layer(const Node *node);

/* None is a layer, and only inputs and outputs of the network stay f32. */
Halves halves_begin(PassContext *context, PassesOn *passes_on, ElementType element);

void halves_keep(Halves *halves, const Value *value);
/* One float makes floats of all that an op reads and gives that passes numbers on. */
void halves_spread(Halves *halves);

/* Rounds a layer's first weight. */
void halve_weight(const Halves *halves, Node *node);
/* Lets a layer give halves. */
void halve_result(const Halves *halves, Node *node);
/* What comes from halves by ops that pass numbers on: to be called in the order of the nodes. */
void halve_passed_on(const Halves *halves, Node *node);

#endif
