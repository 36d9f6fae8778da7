#include "backends/target/product.h"
#include "backends/target/target.h"
#include "ir/kernel.h"
#include <assert.h>
#include <stddef.h>

static const Product products[] = {
#define PRODUCT(name, input, weight, multiplied, sum, channels, operand, needs, meaning)           \
    {#name, LANE_##input, LANE_##weight, LANE_##multiplied, LANE_##sum, channels,                  \
        OPERAND_##operand, NEEDS_##needs},
#include "backends/target/products.def"
};

static bool target_has(const Target *target, ProductNeeds needs) {
    switch (needs) {
    case NEEDS_NOTHING:
        break;
    case NEEDS_LANE:
        return target->lane_multiply_add;
    case NEEDS_HALVES:
        return target->f16;
    case NEEDS_LANE_HALVES:
        return target->f16 && target->lane_multiply_add;
    case NEEDS_PAIRS:
        return target->bytes == BYTES_IN_PAIRS;
    case NEEDS_LANE_QUADS:
        return target->lane_multiply_add && target->bytes == BYTES_IN_QUADS;
    case NEEDS_SIGNED:
        return target->bytes == BYTES_IN_SIGNED_QUADS;
    case NEEDS_STEPS:
        return target->bytes == BYTES_IN_STEPS;
    }
    return true;
}

const Product *product_find(
    const Target *target, LaneType input, LaneType weight, LaneType multiplied) {
    const Product *found = NULL;
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++) {
        const Product *product = &products[i];
        bool takes = product->input == input && product->multiplied == multiplied &&
                     (product->weight == weight || input == LANE_U8);
        if (takes && target_has(target, product->needs))
            found = product; /* the later row is the better one */
    }
    assert(found);
    return found;
}
