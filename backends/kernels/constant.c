/* Constants: no kernel computes them, they lie with the weights, channels last. */
#include "backends/kernels/kernels.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/program/program.h"
#include "ir/graph.h"

/* From NCHW to where the placement has them. */
static void pack(const Placement *placement, const float *from, float *to) {
    const Run *run = &placement->runs[0];
    int64_t pixels = placement->height * placement->width;
    for (int64_t image = 0; image < placement->images; image++)
        for (int64_t channel = 0; channel < placement->channels; channel++)
            for (int64_t pixel = 0; pixel < pixels; pixel++)
                to[image * run->image_stride + pixel * run->pixel_stride + channel] = *from++;
}

bool lower_constant(Emission *emission, const Node *node) {
    const Value *value = node->results[0];
    int64_t offset;
    float *numbers = emission_weights(emission, tensor_elements(&value->type), &offset);
    Placement *placement =
        dense_placement(emission->arena, &value->type, WEIGHTS_BUFFER, LAYOUT_NHWC, false);
    placement->runs[0].offset = offset;
    pack(placement, node_weight(node, "value")->data, numbers);
    emission->placements[value->id] = placement;
    return true;
}
