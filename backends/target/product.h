/* What one instruction of a convolution multiplies and adds (products.def). */
#ifndef RIFFLE_BACKENDS_TARGET_PRODUCT_H
#define RIFFLE_BACKENDS_TARGET_PRODUCT_H

#include "backends/target/target.h"
#include "ir/kernel.h"

typedef enum ProductOperand { OPERAND_BROADCAST, OPERAND_LANE } ProductOperand;

/* What a target must have for it (products.def). */
typedef enum ProductNeeds {
    NEEDS_NOTHING,
    NEEDS_LANE,
    NEEDS_HALVES,
    NEEDS_LANE_HALVES,
    NEEDS_PAIRS,
    NEEDS_LANE_QUADS,
    NEEDS_SIGNED,
    NEEDS_STEPS
} ProductNeeds;

typedef struct Product {
    const char *name;
    LaneType input, weight, multiplied, sum;
    int channels; /* of the input, that are multiplied at once */
    ProductOperand operand;
    ProductNeeds needs;
} Product;

/* The product of a target for an input and weights of these types, of inputs that are `multiplied`
 * as numbers of that type; there must be one. Whole numbers that meet bytes are packed as the
 * product has them. */
const Product *product_find(
    const Target *target, LaneType input, LaneType weight, LaneType multiplied);

/* Whether inputs are flipped for it: it multiplies numbers that are 128 smaller, so that sums lack
 * 128 times their weights. */
static inline bool flips_inputs(const Product *product) {
    return product->needs == NEEDS_SIGNED || product->needs == NEEDS_STEPS;
}

/* The target as vectors of a type see it: those of f16 have twice as many lanes as those of f32,
 * and ARM takes a lane of the first half of its registers only. */
static inline Target target_for_lanes(const Target *target, LaneType type) {
    Target seen = *target;
    seen.lanes *= type == LANE_F16 ? 2 : 1;
    if (type == LANE_F16 && target->lane_multiply_add)
        seen.lane_registers = 16;
    return seen;
}

/* Lanes of the widest vector of sums. */
static inline int sum_lanes(const Target *target, const Product *product) {
    return target_for_lanes(target, product->sum).lanes;
}

/* Of one. */
static inline int64_t weight_bytes(const Product *product) {
    return lane_bytes(product->weight);
}

#endif
