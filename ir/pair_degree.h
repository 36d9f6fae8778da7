/* How large polynomials are: what says how likely two that differ have equal residues. */
#ifndef RIFFLE_IR_PAIR_DEGREE_H
#define RIFFLE_IR_PAIR_DEGREE_H

#include "ir/graph.h"

/* The largest degree of the graph's outputs as polynomials of its inputs and weights, wherever max
 * and the like choose. NaN where some quotient, root or function makes it none. */
double graph_degree(const Graph *graph);

#endif
