/* Where the packed weights of a program come from: each number of them is one of the graph's
 * weights, a sum of such times fractions, or a constant of riffle's own. It is found out from
 * outside, by lowering the graph again with other weights: whatever packs them is seen as it is. */
#ifndef RIFFLE_BACKENDS_RUN_ORIGINS_H
#define RIFFLE_BACKENDS_RUN_ORIGINS_H

#include "backends/program/program.h"
#include "ir/diagnostics.h"
#include "ir/pair.h"

/* Lowers as the program was lowered. NULL after reporting. */
typedef struct LowerAgain {
    Program *(*lower)(void *context, const Graph *graph);
    void *context;
} LowerAgain;

/* The weights of a graph, one behind the other: each begins at a multiple of ORIGIN_TAPS. */
enum { ORIGIN_TAPS = 9 };

typedef struct WeightNumbers {
    const Weight **weights;
    int64_t *first; /* by weight: where its numbers begin */
    int weight_count;
    int64_t count; /* of all numbers, with gaps */
    bool *fixed;   /* by weight: what computes with bytes has it, and its numbers are its own */
    bool has_fixed;
} WeightNumbers;

WeightNumbers weight_numbers_of(const Graph *graph, Arena *arena);

typedef struct PackedOrigins {
    int cell_bytes;   /* of the smallest numbers among the packed ones */
    int64_t cells;    /* of all packed weights */
    int32_t *numbers; /* by cell: of the graph's weights, that which it is, or the first of those
                         that it is a sum of; or one of the two below */
    uint16_t *forms;  /* by cell: 0 of a weight; how it is summed up; of a constant, its type */
    int form_count;
    const int32_t (*coefficients)[ORIGIN_TAPS]; /* by form: in parts of ORIGIN_PARTS */
    int64_t weights, sums;                      /* cells that are weights, and sums */
} PackedOrigins;

enum { ORIGIN_CONSTANT = -1, ORIGIN_REST = -2 };
/* Both sides of Winograd's largest transform divide by 24. */
enum { ORIGIN_PARTS = 576 };

/* Finds them all, and holds the program's own packed weights against them: what is a weight must be
 * equal to it, what is a sum must be near. Of floats, halves and tables; false after reporting. */
bool packed_origins_find(const Graph *graph, const Program *program, const LowerAgain *again,
    const WeightNumbers *numbers, PackedOrigins *origins, Arena *arena, Diagnostics *diagnostics);

/* The packed weights, where the graph's numbers are these. */
void packed_pairs(
    const Program *program, const PackedOrigins *origins, const Pair *numbers, Pair *cells);

#endif
