/* Where the result of a kernel goes: to the caller, to a route that owns it, or to a buffer of its
 * own. */
#include "backends/kernels/place.h"
#include "backends/program/arranged.h"
#include "backends/program/buffers.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/schedule/arrangements.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/routes.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include <assert.h>

static const Run *run_of(const Placement *placement, int64_t channel) {
    const Run *run = placement->runs;
    while (channel >= run->first_channel + run->channel_count)
        run++;
    return run;
}

/* The runs in the buffers of the routes that own channels of the value; NULL when none does. */
static Placement *claimed_placement(Emission *emission, const Value *value) {
    const Claim *claims = emission->decisions->claims[value->id];
    int64_t channels = tensor_channels(&value->type);
    if (!claims)
        return NULL;
    int64_t run_count = claimed_runs(claims, channels);
    if (run_count == 1 && !claims[0].route)
        return NULL;
    Placement *own = NULL; /* for channels that no route owns */
    Run *runs = ARENA_ARRAY(emission->arena, Run, run_count);
    int used = 0;
    for (int64_t first = 0; first < channels;) {
        int64_t end = first + 1;
        while (end < channels && continues_claim(&claims[end - 1], &claims[end]))
            end++;
        const Node *route = claims[first].route;
        if (!route && !own)
            own = own_placement(emission, value);
        /* A part of the owner's buffer ends only where another producer begins. */
        const Placement *home = route ? emission->owned[route->results[0]->id] : own;
        int64_t channel = route ? claims[first].channel : first;
        runs[used] = *run_of(home, channel);
        runs[used].offset += channel - runs[used].first_channel;
        runs[used].first_channel = first;
        runs[used++].channel_count = end - first;
        first = end;
    }
    Placement *placement = ARENA_NEW(emission->arena, Placement);
    const Claim *any = claims;
    while (!any->route)
        any++;
    *placement = *emission->owned[any->route->results[0]->id]; /* equal but for the channels */
    placement->channels = channels;
    placement->runs = runs;
    placement->run_count = used;
    placement_share_parameters(placement);
    return placement;
}

/* In the result of an arrangement, which has its place from then on. */
static Placement *stored_placement(Emission *emission, const Value *value) {
    const ArrangedPart *part = emission->decisions->stored[value->id];
    if (!part)
        return NULL;
    Value *home = part->arrangement->value;
    if (!emission->placements[home->id])
        place_result(emission, home);
    Placement *placement =
        arranged_placement(emission->arena, emission->placements[home->id], value, &part->map);
    assert(placement && "what can be stored was looked at");
    return placement;
}

Placement *place_result(Emission *emission, Value *value) {
    const GraphOutput *output = emission->decisions->outputs[value->id];
    Placement *placement = stored_placement(emission, value);
    if (!placement)
        placement = claimed_placement(emission, value);
    if (output) {
        int index = (int)(output - emission->graph->outputs);
        int buffer = 1 + emission->graph->input_count + index;
        placement = dense_placement(emission->arena, &value->type, buffer, output->layout, true);
    } else if (!placement) {
        placement = own_placement(emission, value);
    }
    emission->placements[value->id] = placement;
    return placement;
}

void place_owned(Emission *emission) {
    const TensorCuts *cuts = emission->decisions->cuts;
    for (const Node *node = emission->graph->first; node; node = node->next)
        for (int i = 0; i < node->result_count; i++) {
            const Value *value = node->results[i];
            if (cuts[value->id].count > 0)
                emission->owned[value->id] = own_placement_in_parts(
                    emission, value, cuts[value->id].ends, cuts[value->id].count);
        }
}
