/* How passes make the numbers of new weights, so that a proof can follow them (Weight.pairs): those
 * that are moved from another weight take their pairs along, and what is computed is computed of
 * floats and of pairs, by sources that are built for both (ir/number.h). */
#ifndef RIFFLE_IR_WEIGHT_NUMBERS_H
#define RIFFLE_IR_WEIGHT_NUMBERS_H

#include "ir/graph.h"
#include "ir/pair.h"

#include <string.h>

/* ---- moving ---- */

/* The numbers of the other weight, of as many, are this one's, too. */
void weight_share_numbers(Weight *weight, const Weight *from);
/* Memory, zeros at first, for numbers that all come from the other weight; none where that has no
 * numbers, and pairs where that has some. */
void weight_allocate_moved(const Graph *graph, Weight *weight, const Weight *from);
/* Moves numbers there, `count` from `first` to `at`; nothing where there are none. */
static inline void weight_move(
    Weight *weight, int64_t at, const Weight *from, int64_t first, int64_t count) {
    if (weight->data == NULL)
        return;
    float *numbers = (float *)(uintptr_t)weight->data; /* of its own */
    memcpy(numbers + at, from->data + first, (size_t)count * sizeof *numbers);
    if (weight->pairs != NULL)
        memcpy(weight->pairs + at, from->pairs + first, (size_t)count * sizeof *weight->pairs);
}
/* Both are done with. */
static inline void weights_rest(const Weight *weight, const Weight *from) {
    weight_rest(weight);
    weight_rest(from);
}

/* ---- computing ---- */

/* The two builds: each has its numbers of a weight, and computes with its own kind. */
typedef enum NumberKind { NUMBERS_FLOAT, NUMBERS_PAIR, NUMBER_KIND_COUNT } NumberKind;

/* Of what is computed: a double, or a pair. */
size_t number_kind_size(NumberKind kind);
/* What the weight has of that kind, or NULL; NULL of no weight. */
const void *weight_kind_numbers(const Weight *weight, NumberKind kind);
/* Memory of that kind, to be filled; NULL where nobody wants it. */
void *weight_allocate_numbers(const Graph *graph, Weight *weight, NumberKind kind);

#endif
