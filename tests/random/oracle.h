/* What the interpreter says of a graph: the right answers, and how to compare others with them. */
#ifndef RIFFLE_TESTS_RANDOM_ORACLE_H
#define RIFFLE_TESTS_RANDOM_ORACLE_H

#include "ir/graph.h"

/* A graph with weights, inputs, and the right outputs. */
typedef struct Oracle {
    const Graph *graph;
    uint64_t seed;
    const float **inputs; /* in buffers with guards */
    float **expected;
    float **bounds;    /* NULL, or the outputs that may overflow in one order of sums and not in
                          another, as NaN: they are not compared, and of the others the class alone */
    const char *among; /* what there is among the inputs besides ordinary numbers, or NULL */
    const struct Oracle *special; /* the same graph with such inputs; NULL in that one */
} Oracle;

/* Gives the graph random weights and computes what it should. NULL, and *fault, where the graph is
 * not well-formed, its text does not read back, or its answer is no number. */
Oracle *oracle_create(Graph *graph, uint64_t seed, Arena *arena, const char **fault);
void oracle_destroy(Oracle *oracle); /* the guarded buffers; NULL is allowed */

/* How exact other answers must be. */
typedef struct Exactness {
    double tolerance; /* of the largest number of an output; where it is not 0, what the output
                         moves by when the inputs move within rounding is allowed beside it */
    bool nan_spreads; /* NaN may be where the oracle has none */
    /* Where the oracle has NaN among infinities, anything may be: a pass may add weights up, and so
     * take the sum of two products that are infinite and of different signs as one product. */
    bool nan_vanishes;
} Exactness;

/* NULL when NaN and infinities are where the oracle has them, and the largest difference of the
 * other numbers is within the tolerance; else "KIND: more", allocated from the arena. */
const char *compare_outputs(
    const Oracle *oracle, float *const *outputs, Exactness exactness, Arena *arena);

/* special.c: the oracle's graph with one number in 16 of its inputs made NaN, infinite or as large
 * as numbers go (the seed says which), and denormals beside. NULL, and *fault, when the interpreter
 * fails. */
const Oracle *special_oracle(const Oracle *oracle, Arena *arena, const char **fault);

/* ---- parts of oracles ---- */

/* An input is floats, or bytes. */
bool input_is_of_bytes(const Graph *graph, int index);
size_t input_bytes(const Graph *graph, int index);
float **make_inputs(const Graph *graph, uint64_t seed, Arena *arena); /* with guards */
/* The oracle's inputs, each number changed, bytes not; `place` is its index. Without guards. */
float **change_inputs(
    const Oracle *oracle, float (*change)(float number, size_t place), Arena *arena);
float **make_outputs(const Graph *graph, Arena *arena);
/* NULL, or what the interpreter reports. */
const char *interpret(const Graph *graph, const float *const *inputs, float *const *outputs,
    InterpretObserver *observer, Arena *arena);

#endif
