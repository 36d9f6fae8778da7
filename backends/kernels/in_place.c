/* Results that take the place of a residual. A kernel may read and write one buffer where each
 * number is read by what replaces it (PARAMETER_UPDATE); that needs to know who else reads it
 * later. */
#include "backends/kernels/in_place.h"
#include "backends/program/buffers.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/program/program.h"
#include "backends/schedule/chains.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/stored.h"
#include "ir/graph.h"

/* A chain reads its operands when its last node is lowered; what an op that moves numbers passes on
 * to others of its kind is read there, at some time. */
void count_reads(Emission *emission, const Node *node) {
    const Decisions *decisions = emission->decisions;
    if (chain_next(decisions, node) ||
        (op_moves_numbers(node->op) && !decisions->arrangements[node->results[0]->id]))
        return;
    for (; node; node = chain_previous(emission->decisions, node))
        for (int i = 0; i < node->operand_count; i++)
            emission->unread[node->operands[i]->id]--;
}

/* Whether somebody else has yet to read from the buffer: the value again, or a view of it. */
static bool is_read_later(const Emission *emission, const Value *value, int buffer) {
    for (int id = 0; id < emission->graph->next_value_id; id++) {
        const Placement *placement = emission->placements[id];
        int unread = emission->unread[id] - (id == value->id);
        for (int i = 0; placement && unread > 0 && i < placement->run_count; i++)
            if (placement->runs[i].buffer == buffer)
                return true;
    }
    return false;
}

bool adds_in_place(const Emission *emission, const Node *node, const Placement *residual) {
    if (!residual || residual->run_count != 1 || residual->runs[0].buffer < 0)
        return false;
    const Value *value = node->operands[1], *result = node->results[0];
    const Run *run = &residual->runs[0];
    const Buffer *buffer = &emission->program->buffers[run->buffer];
    if (value->type.element != result->type.element)
        return false;
    if (emission->placements[value->id] != residual || buffer->kind != BUFFER_WORKSPACE ||
        emission->decisions->claims[value->id] || emission->decisions->claims[result->id] ||
        lies_elsewhere(emission->decisions, value) || lies_elsewhere(emission->decisions, result))
        return false;
    return run->offset == 0 && run->channel_stride == 1 && run->ring_rows == 0 &&
           run->pixel_stride == pixel_distance(emission->compilation->target, residual->element,
                                    residual->channels) &&
           !is_read_later(emission, value, run->buffer);
}
