/* What an inner loop multiplies and adds, where it does nothing else: loads of whole vectors of
 * f32 or f16, multiply-adds of one vector by a lane of another, and prefetches. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_INNER_PRODUCTS_H
#define RIFFLE_BACKENDS_SCHEDULE_INNER_PRODUCTS_H

#include "ir/arena.h"
#include "ir/kernel.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct InnerLoad {
    int parameter;
    const Expression *offset; /* without its constant, */
    int64_t bytes;            /* which this is */
    int64_t increment;        /* in a round, in bytes */
    bool by_lane;             /* multiply-adds take lanes of it, not the whole vector */
} InnerLoad;

typedef struct InnerProduct {
    int sum;           /* index of those of the loop */
    int weight, value; /* loads: of a whole vector, and of one by lane */
    int lane;
} InnerProduct;

typedef struct InnerProducts {
    LaneType type;
    int lanes; /* of a vector: 16 bytes */
    InnerLoad *loads;
    int load_count;
    InnerLoad *prefetches;
    int prefetch_count;
    InnerProduct *products; /* sorted by weight */
    int product_count;
    int *sums; /* registers */
    int sum_count;
} InnerProducts;

/* NULL where the loop is of another kind. The result lives in the arena. */
const InnerProducts *inner_products(const Kernel *kernel, const Statement *loop, Arena *arena);

#endif
