#include "backends/target/product.h"
#include "backends/target/target.h"
#include "ir/kernel.h"
#include <assert.h>
#include <stddef.h>

static const Product products[] = {
#define PRODUCT(name, input, weight, sum, channels, operand, meaning)                              \
    {#name, LANE_##input, LANE_##weight, LANE_##sum, channels, OPERAND_##operand},
#include "backends/target/products.def"
};

const Product *product_find(const Target *target, LaneType input, LaneType weight) {
    const Product *found = NULL;
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++) {
        const Product *product = &products[i];
        bool takes = product->input == input && product->weight == weight;
        if (takes && (product->operand == OPERAND_BROADCAST || target->lane_multiply_add))
            found = product; /* the later row is the better one */
    }
    assert(found);
    return found;
}
