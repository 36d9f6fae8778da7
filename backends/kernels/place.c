/* Where the result of a kernel goes: to the caller, to a route that owns it, or to a buffer of its
 * own. */
#include "backends/kernels/place.h"
#include "backends/program/buffers.h"
#include "backends/program/lowering.h"
#include "backends/program/placement.h"
#include "backends/schedule/routes.h"
#include "ir/graph.h"

Placement *lowering_place(Lowering *lowering, Value *value) {
    const GraphOutput *output = lowering->outputs[value->id];
    Placement *placement = lowering_claimed_place(lowering, value);
    if (output) {
        int index = (int)(output - lowering->graph->outputs);
        int buffer = 1 + lowering->graph->input_count + index;
        placement = dense_placement(lowering, &value->type, buffer, output->layout, true);
    } else if (!placement) {
        placement = lowering_dense(lowering, value);
    }
    lowering->placements[value->id] = placement;
    return placement;
}
