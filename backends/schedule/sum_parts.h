/* Long sums of float32 in parts. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_SUM_PARTS_H
#define RIFFLE_BACKENDS_SCHEDULE_SUM_PARTS_H

#include "backends/program/reduction_code.h"
#include "backends/schedule/shape.h"
#include "ir/graph.h"
#include <stdint.h>

/* A float32 that many terms are added to loses the last bits of each as it grows. So sums of more
 * than `longest` terms are taken in parts, and these are added up: then the error grows like the
 * root of the number of terms. Returns the terms of a part, a multiple of 16; 0 for one sum. */
int64_t sum_part(int64_t terms, int64_t longest);
int64_t square_root_above(int64_t number);

/* So many pixels or channels are one sum; a row of `width` pixels is summed in parts of
 * columns_of_sum(width). */
enum { TERMS_PER_SUM = 128 };
int64_t columns_of_sum(int64_t width);

/* sum_parts.c: the rows of a window that are one sum, and the columns of a row that are one before
 * (0: all). Both are 0 where the window has few enough cells to be one sum. */
typedef struct WindowParts {
    int64_t rows, columns;
} WindowParts;

WindowParts window_parts(const Window *window);

/* The loops of a reduce over its operand's dimensions, those of channels only if asked for;
 * `inner` terms are added at a time where the loops end. Their number. */
int plan_reduce_loops(const Node *node, bool channels, int64_t inner, ReduceLoop loops[4]);

/* Products of an output that are one sum; more are summed in parts. */
enum { LONGEST_SUM = 2048 };

#endif
