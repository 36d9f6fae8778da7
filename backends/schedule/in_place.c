/* Results that take the place of a residual. A kernel may read and write one buffer where each
 * number is read by what replaces it (PARAMETER_UPDATE); that needs to know who else reads it
 * later. */
#include "backends/schedule/in_place.h"
#include "backends/program/buffers.h"
#include "backends/program/lowering.h"
#include "backends/program/placement.h"
#include "backends/program/program.h"
#include "backends/schedule/chains.h"
#include "ir/graph.h"

/* A chain reads its operands when its last node is lowered. */
void lowering_count_reads(Lowering *lowering, const Node *node) {
    if (lowering_chain_next(lowering, node))
        return;
    for (; node; node = lowering_chain_previous(lowering, node))
        for (int i = 0; i < node->operand_count; i++)
            lowering->unread[node->operands[i]->id]--;
}

/* Whether somebody else has yet to read from the buffer: the value again, or a view of it. */
static bool is_read_later(const Lowering *lowering, const Value *value, int buffer) {
    for (int id = 0; id < lowering->graph->next_value_id; id++) {
        const Placement *placement = lowering->placements[id];
        int unread = lowering->unread[id] - (id == value->id);
        for (int i = 0; placement && unread > 0 && i < placement->run_count; i++)
            if (placement->runs[i].buffer == buffer)
                return true;
    }
    return false;
}

bool lowering_adds_in_place(const Lowering *lowering, const Node *node, const Placement *residual) {
    if (!residual || residual->run_count != 1 || residual->runs[0].buffer < 0)
        return false;
    const Value *value = node->operands[1], *result = node->results[0];
    const Run *run = &residual->runs[0];
    const Buffer *buffer = &lowering->program->buffers[run->buffer];
    if (value->type.element != result->type.element)
        return false;
    if (lowering->placements[value->id] != residual || buffer->kind != BUFFER_WORKSPACE ||
        lowering->claims[value->id] || lowering->claims[result->id] ||
        lowering->outputs[value->id] || lowering->outputs[result->id])
        return false;
    return run->offset == 0 && run->channel_stride == 1 && run->ring_rows == 0 &&
           run->pixel_stride == pixel_distance(lowering->target, residual->channels) &&
           !is_read_later(lowering, value, run->buffer);
}
