/* How large polynomials are: what says how likely two that differ have equal residues. */
#ifndef RIFFLE_IR_PAIR_DEGREE_H
#define RIFFLE_IR_PAIR_DEGREE_H

#include "ir/graph.h"

/* The largest degree of the graph's outputs as polynomials of its inputs and weights, wherever max
 * and the like choose. NaN where some quotient, root or function makes it none, but for
 * batch norms (see below). */
double graph_degree(const Graph *graph);

/* Of what passes make of weights: 1 where the numbers are drawn, as of polynomials of these. A
 * batch norm's 1 / sqrt(variance + epsilon) counts as a number that is drawn: any value of it is
 * at most twice as likely, so whoever has some adds a bit to the chance. */
double weight_degree(const Weight *weight); /* of NULL 0 */
/* NaN where one is. */
double larger_degree(double a, double b);

#endif
